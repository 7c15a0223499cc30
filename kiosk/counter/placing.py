"""One person's place in the line, changed by hand: who goes first and why, who needs help, who goes to another desk."""

from typing import Final
from uuid import UUID

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from kiosk.counter.passage import hand_on
from kiosk.counter.priorities import LONGEST, REASONS, favour
from kiosk.places import why_here
from kiosk.register.sites import this_site
from kiosk.register.staff import Right
from kiosk.register.visits import visit_of
from kiosk.settings import StaffSettings
from kiosk.signin import actor, needs
from kiosk.web import chance, form_key, house, now, page, reading, transaction

bp = Blueprint("placing", __name__)

#: What the page sends for a person who waits in turn.
IN_TURN: Final = "-"


@bp.get("/file/<uuid:visit_id>/place")
@needs(Right.CALL)
def place_page(visit_id: UUID) -> ResponseReturnValue:
    """Where this number stands and why, and what may be changed."""
    settings: StaffSettings = house().more["settings"]
    with reading() as db:
        visit = visit_of(db, visit_id)
        why = why_here(this_site(db), visit, at=now())
    return page(
        "staff/place.html", visit=visit, why=why, reasons=REASONS, longest=LONGEST, in_turn=IN_TURN,
        desks=[one for one in settings.desks if one != visit.desk],
    )  # fmt: skip


@bp.post("/file/<uuid:visit_id>/place")
@needs(Right.CALL)
def change_place(visit_id: UUID) -> ResponseReturnValue:
    """Say who is urgent and why, or that nobody is."""
    said = request.form.get("other", "").strip() or request.form.get("reason", "")
    with transaction() as db:
        visit = favour(
            db, visit_of(db, visit_id), urgent_because=None if said == IN_TURN else said,
            needs_help="help" in request.form, by=str(actor().id), at=now(), chance=chance, key=form_key(),
        )  # fmt: skip
    flash(f"La place du numéro {visit.number} est changée.", "ok")
    return redirect(url_for("calling.line_page"), 303)


@bp.post("/file/<uuid:visit_id>/aide")
@needs(Right.CALL)
def help_too(visit_id: UUID) -> ResponseReturnValue:
    """A child, a pregnancy, reduced mobility: one key in the line."""
    with transaction() as db:
        visit = visit_of(db, visit_id)
        favour(
            db, visit, urgent_because=visit.urgent_because, needs_help=True, by=str(actor().id), at=now(),
            chance=chance, key=form_key(),
        )  # fmt: skip
    flash(f"Le numéro {visit.number} a besoin d'aide : il attendra moins.", "ok")
    return redirect(url_for("calling.line_page"), 303)


@bp.post("/file/<uuid:visit_id>/guichet")
@needs(Right.CALL)
def to_other_desk(visit_id: UUID) -> ResponseReturnValue:
    """Give the person who was called to another counter."""
    settings: StaffSettings = house().more["settings"]
    with transaction() as db:
        visit = hand_on(
            db, visit_of(db, visit_id), request.form.get("desk", ""), among=settings.desks, by=str(actor().id),
            at=now(), chance=chance, key=form_key(),
        )  # fmt: skip
    flash(f"Le numéro {visit.number} est appelé : {visit.desk}.", "ok")
    return redirect(url_for("calling.line_page"), 303)
