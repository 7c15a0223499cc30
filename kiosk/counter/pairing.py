"""The kiosks and boards: a code lets one in, a list says which are there, one gesture sends one away."""

from typing import Any

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from kiosk.door.devices import LASTS, QUIET, Device, Kind, NameOfDevice, NameTaken, devices, invite, revoke
from kiosk.presence.roles import everyone
from kiosk.register import clock
from kiosk.register.sites import this_site
from kiosk.register.staff import Right
from kiosk.signin import actor, needs, power, raised
from kiosk.web import chance, now, page, reading, transaction

bp = Blueprint("pairing", __name__)


@bp.get("/ecrans")
@needs(Right.PAIR)
@raised
def listed() -> ResponseReturnValue:
    """Every kiosk and board that may come in."""
    return _listed()


@bp.post("/ecrans")
@needs(Right.PAIR)
@raised
def let_in() -> ResponseReturnValue:
    """Make the code of one screen; it stands on this page once, and nowhere else."""
    name = " ".join(request.form.get("name", "").split())
    kind = Kind.BOARD if request.form.get("kind") == Kind.BOARD else Kind.KIOSK
    try:
        with transaction() as db:
            code = invite(db, this_site(db).id, name, kind=kind, by=actor().id, at=now(), chance=chance)
    except (NameOfDevice, NameTaken) as refusal:
        return _listed(errors={"name": refusal.sentence}, name=name, kind=kind)
    return _listed(code=code, coded=name)


@bp.post("/ecrans/retirer")
@needs(Right.PAIR)
@raised
def send_away() -> ResponseReturnValue:
    """Send one screen away at once."""
    name = request.form.get("name", "")
    with transaction() as db:
        revoke(db, this_site(db).id, name, by=actor().id, at=now(), chance=chance)
    flash(f"{name} est retiré. Cet écran n'ouvre plus rien.", "ok")
    return redirect(url_for("pairing.listed"), 303)


def _listed(
    *,
    errors: dict[str, str] | None = None,
    code: str = "",
    coded: str = "",
    name: str = "",
    kind: Kind = Kind.KIOSK,
) -> Response:
    with reading() as db:
        site = this_site(db)
        names = {str(one.id): one.name for one, _ in everyone(db, power())}
        return page(
            "staff/pairing.html", status=422 if errors else 200, errors=errors or {}, code=code, coded=coded, name=name,
            kind=kind, until=clock.hour(site.timezone, now() + LASTS),
            screens=[_told(one, names.get(one.made_by, "ligne de commande")) for one in devices(db, site.id)],
            when=lambda at: clock.appointment_words(site.timezone, at),
        )  # fmt: skip


def _told(one: Device, who: str) -> dict[str, Any]:
    """A screen with what is known of it now."""
    if one.paired_at is None:
        waits = one.code_until is not None and one.code_until >= now()
        light = ("warn", "attend son code") if waits else ("danger", "code trop ancien")
    elif one.seen_at is None:
        light = ("warn", "pas encore vu")
    else:
        light = ("ok", "en service") if now() - one.seen_at <= QUIET else ("danger", "ne répond pas")
    return {"device": one, "who": who, "light": light}
