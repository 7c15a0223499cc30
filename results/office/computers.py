"""The laboratory's PCs: one is paired by somebody who may, sitting at it, and is taken off the list from anywhere."""

from uuid import UUID

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from kiosk.presence.pcs import NotADesk, PcWithoutName, pair, paired_pcs, revoke
from kiosk.register import clock
from kiosk.register.sites import this_site
from kiosk.register.staff import Right
from kiosk.signin import PAIRING, actor, desks, needs, power, raised, this_pc
from kiosk.web import chance, now, page, reading, transaction

bp = Blueprint("computers", __name__)

_YEAR_S = 365 * 24 * 60 * 60


@bp.get("/postes")
@needs(Right.PAIR)
@raised
def listed() -> ResponseReturnValue:
    """Every paired PC, and this one."""
    return _listed()


@bp.post("/postes")
@needs(Right.PAIR)
@raised
def add() -> ResponseReturnValue:
    """Pair the PC at which this form was sent: its browser keeps what proves it."""
    form = request.form
    try:
        with transaction("results") as db:
            token = pair(
                db, name=form.get("name", ""), desk=form.get("desk", ""), desks=desks(), before=this_pc(),
                by=actor().id, power=power(), at=now(), chance=chance,
            )  # fmt: skip
    except PcWithoutName as refusal:
        return _listed({"name": refusal.sentence})
    except NotADesk as refusal:
        return _listed({"desk": refusal.sentence})
    flash("Ce poste est jumelé. Identifiez-vous en entier une fois : le code de poste suffira ensuite.", "ok")
    answer = redirect(url_for("computers.listed"), 303)
    answer.set_cookie(PAIRING, token, max_age=_YEAR_S, path="/", secure=True, httponly=True, samesite="Strict")
    return answer


@bp.post("/postes/<uuid:pc_id>/retirer")
@needs(Right.PAIR)
@raised
def take_away(pc_id: UUID) -> ResponseReturnValue:
    """End a pairing: whoever is signed in there is out at once."""
    with transaction("results") as db:
        revoke(db, pc_id, by=actor().id, power=power(), at=now(), chance=chance)
    flash("Le poste est retiré. On s'y identifie en entier à chaque fois.", "ok")
    return redirect(url_for("computers.listed"), 303)


def _listed(errors: dict[str, str] | None = None) -> Response:
    with reading() as db:
        zone = this_site(db).timezone
        return page(
            "results/computers.html", status=422 if errors else 200, errors=errors or {}, pcs=paired_pcs(db, power()),
            here=this_pc(), places=[("", "Choisir…"), *((one, one) for one in desks())], form=request.form,
            when=lambda at: clock.appointment_words(zone, at),
        )  # fmt: skip
