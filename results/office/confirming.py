"""What waits for a second person: lost proofs that somebody else has asked for, and roles that a biologist signs."""

from functools import partial
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from kiosk.presence.recovery import confirm_reset, resets_waiting
from kiosk.register import clock
from kiosk.register.accounts import everyone, grant_role, proposed_grant, proposed_grants
from kiosk.register.sites import this_site
from kiosk.register.staff import Right
from kiosk.signin import actor, needs, power, raised
from kiosk.web import chance, now, page, reading, transaction
from results.desks.signoff import unlocked
from results.office.accounts import ROLES, show_code
from results.sitting import Locked
from results.vault.sealing import sign

bp = Blueprint("confirming", __name__)


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
    try:
        keys = unlocked()
    except Locked:
        return redirect(url_for("signoff.unlock_page"), 303)
    with transaction("results") as db:
        grant = proposed_grant(db, grant_id, power())
        grant_role(
            db, grant, by=actor().id, sign=partial(sign, keys.signer_seed), power=power(), at=now(), chance=chance
        )
    flash("Rôle signé. Il est ouvert dès maintenant.", "ok")
    return redirect(url_for("confirming.waiting"), 303)


def _waiting(errors: dict[str, str] | None = None) -> Response:
    with reading() as db:
        zone = this_site(db).timezone
        names = {staff.id: staff for staff, _ in everyone(db, power())}
        signs = actor().may(Right.SIGN)
        return page(
            "results/to_confirm.html", status=422 if errors else 200, errors=errors or {}, roles=ROLES, me=actor().id,
            grants=proposed_grants(db, power()) if signs else [], resets=resets_waiting(db, power=power(), at=now()),
            names=names, signs=signs, when=lambda at: clock.appointment_words(zone, at),
        )  # fmt: skip
