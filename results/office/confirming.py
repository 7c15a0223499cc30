"""What waits for a second person: lost proofs that somebody has asked for, roles that a biologist signs or ends."""

from dataclasses import replace
from functools import partial
from typing import Final
from uuid import UUID

from flask import Blueprint, Response, current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from kiosk.presence.recovery import confirm_reset, resets_waiting
from kiosk.presence.roles import everyone, grant_role, proposed_grant, proposed_grants
from kiosk.presence.withdrawing import ends_waiting, keep_role
from kiosk.register import clock
from kiosk.register.sites import this_site
from kiosk.register.staff import Right, Role
from kiosk.signin import actor, needs, power, present, raised
from kiosk.web import chance, house, now, page, reading, transaction
from results.desks.unlocking import sittings, unlocked
from results.office.accounts import ROLES, show_code
from results.office.leaving import keep_endings, let_go
from results.trust.keyholders import rotate_escrow
from results.trust.standing import standing_of
from results.vault.keyfolder import UnsafeKeys
from results.vault.keys import KeyRing
from results.vault.sealing import sign

bp = Blueprint("confirming", __name__)
#: When the folder of keys was last written, as this programme has seen it.
_SEEN: Final = "escrow_seen"


@bp.before_app_request
def learn_escrow() -> None:
    """Seal to the newest escrow key, whoever has made it: asked before each page, read when the folder was written.

    A biologist who is unlocked holds the keys of before: everyone unlocks again.
    """
    home, app = house(), current_app
    ring: KeyRing = home.more["keys"]
    try:
        written = ring.folder.stat().st_mtime_ns
        if app.extensions.get(_SEEN) == written:
            return
        newest = KeyRing.load(ring.folder).escrow_public
    except (OSError, UnsafeKeys):
        return  # somebody is writing there, or `etiquette check` says what is wrong; asked again at the next page
    app.extensions[_SEEN] = written
    if newest != ring.escrow_public:
        app.extensions["house"] = replace(home, more={**home.more, "keys": replace(ring, escrow_public=newest)})
        sittings().end_everyone()


@bp.get("/a-confirmer")
@needs(Right.CONFIRM_RESET)
def waiting() -> Response:
    """What waits for a second person: lost proofs, and for a biologist the roles to sign."""
    return _waiting()


@bp.post("/a-confirmer/preuves/<uuid:reset_id>")
@needs(Right.CONFIRM_RESET)
@raised
def confirm(reset_id: UUID) -> ResponseReturnValue:
    """Confirm as the second person; the code is shown here, once, to be given in person."""
    with transaction("results") as db:
        invited = confirm_reset(db, reset_id, by=actor(), power=power(), at=now(), chance=chance)
        return show_code(invited, "confirming.waiting")


@bp.post("/a-confirmer/role/<uuid:grant_id>")
@needs(Right.SIGN)
def sign_grant(grant_id: UUID) -> ResponseReturnValue:
    """Sign a proposed role with the biologist's unlocked key."""
    if "known" not in request.form:
        return _waiting(
            {f"known-{grant_id}": "Cochez que vous connaissez cette personne et que ce compte est le sien."}
        )
    keys = unlocked()
    with transaction("results") as db:
        grant = proposed_grant(db, grant_id, power())
        grant_role(
            db, grant, by=actor().id, sign=partial(sign, keys.signer_seed), power=power(), at=now(), chance=chance
        )
    flash("Rôle signé. Il est ouvert dès maintenant.", "ok")
    return redirect(url_for("confirming.waiting"), 303)


@bp.post("/a-confirmer/retrait/<uuid:grant_id>")
@needs(Right.SIGN)
def sign_end(grant_id: UUID) -> ResponseReturnValue:
    """Sign the end of a role; a biologist who leaves is out at once, and the escrow changes hands."""
    if "sure" not in request.form:
        return _waiting({f"sure-{grant_id}": "Cochez que cette personne ne doit plus avoir ce rôle."})
    keys = unlocked()
    with transaction("results") as db:
        grant = let_go(
            db, house().more["keys"], grant_id, biologist=keys, by=actor().id, power=power(), at=now(), chance=chance
        )
        staff_id, is_biologist = grant.staff, grant.role is Role.BIOLOGIST
    sittings().end_of(staff_id)
    with reading() as db:
        keep_endings(db, house().more["keys"], power())
    flash("Le rôle est retiré, sur tous les postes.", "ok")
    return _change_escrow() if is_biologist else redirect(url_for("confirming.waiting"), 303)


@bp.post("/a-confirmer/retrait/<uuid:grant_id>/garder")
@needs(Right.SIGN)
def keep(grant_id: UUID) -> ResponseReturnValue:
    """Answer that the role stays."""
    with transaction("results") as db:
        keep_role(db, grant_id, by=actor(), power=power(), at=now(), chance=chance)
    flash("Le rôle reste comme il est.", "ok")
    return redirect(url_for("confirming.waiting"), 303)


@bp.post("/a-confirmer/sequestre")
@needs(Right.SIGN)
def change_escrow() -> ResponseReturnValue:
    """Go on with a change of the escrow that was cut short."""
    return _change_escrow()


def _change_escrow() -> ResponseReturnValue:
    home, here = house(), present()
    keys = unlocked()
    ring: KeyRing = home.more["keys"]
    done = rotate_escrow(
        home.database, ring.folder, home.more["keys_exchange"], keys, by=actor().id, at=now(), chance=chance
    )
    learn_escrow()
    if here is not None:
        sittings().begin(here.sign_in, here.actor.id, done.biologist, at=now())
    resealed = f"{done.resealed} scellés refaits" if done.resealed > 1 else f"{done.resealed} scellé refait"
    flash(f"Séquestre n° {done.newest} : {resealed} pour les biologistes qui restent.", "ok")
    return redirect(url_for("confirming.waiting"), 303)


def _waiting(errors: dict[str, str] | None = None) -> Response:
    with reading() as db:
        zone = this_site(db).timezone
        names = {staff.id: staff for staff, _ in everyone(db, power())}
        signs = actor().may(Right.SIGN)
        return page(
            "results/to_confirm.html", status=422 if errors else 200, errors=errors or {}, roles=ROLES, me=actor().id,
            grants=proposed_grants(db, power()) if signs else [], resets=resets_waiting(db, power=power(), at=now()),
            names=names, signs=signs, ends=ends_waiting(db, power()) if signs else [],
            is_escrow_late=signs and standing_of(house().more["keys"]).is_escrow_late,
            when=lambda at: clock.appointment_words(zone, at),
        )  # fmt: skip
