"""Screen: one key leaves a message for the biologist, at the telephone and at the counter, with the same words."""

from uuid import UUID

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from kiosk.register.errors import Invalid
from kiosk.register.patients import patient_of
from kiosk.register.sites import this_site
from kiosk.register.staff import Right
from kiosk.register.visits import visit_of
from kiosk.signin import actor, needs
from kiosk.web import chance, form_key, house, now, page, reading, transaction
from results.callers.messages import MOTIVES, MotiveMissing, leave_message
from results.callers.ring_back import LONGEST_RING_BACK

bp = Blueprint("leaving_message", __name__)


@bp.get("/message")
@bp.get("/message/<uuid:visit_id>")
@needs(Right.PHONE)
def ask(visit_id: UUID | None = None) -> ResponseReturnValue:
    """The list of motives, the number and the hours."""
    return _page(visit_id, {})


@bp.post("/message")
@bp.post("/message/<uuid:visit_id>")
@needs(Right.PHONE)
def leave(visit_id: UUID | None = None) -> ResponseReturnValue:
    """Leave the message, and go on where the person was."""
    told = request.form
    try:
        with transaction("results") as db:
            if visit_id is not None:
                visit_of(db, visit_id)
            leave_message(
                db, house().more["keys"], this_site(db).id, told.get("motive", ""), told.get("ring_back", ""),
                visit_id=visit_id, by=actor().id, at=now(), chance=chance, key=form_key(),
            )  # fmt: skip
    except Invalid as refusal:
        return _page(visit_id, {"motive" if isinstance(refusal, MotiveMissing) else "ring_back": refusal.sentence})
    flash("Noté : le biologiste voit le message.", "ok")
    return redirect(_back(visit_id), 303)


def _page(visit_id: UUID | None, errors: dict[str, str]) -> ResponseReturnValue:
    patient = None
    if visit_id is not None:
        with reading() as db:
            visit_of(db, visit_id)
            patient = patient_of(db, visit_id)
    return page(
        "results/leave_message.html", status=422 if errors else 200, errors=errors, told=request.form, patient=patient,
        motives=tuple(MOTIVES.items()), longest=LONGEST_RING_BACK, back=_back(visit_id),
    )  # fmt: skip


def _back(visit_id: UUID | None) -> str:
    """Where it was begun: a call that has not had its end, a paper that comes out, or the desk."""
    if visit_id is None:
        return url_for("phone.ending" if "fin" in request.args else "phone.desk_page")
    paper = request.args.get("papier", type=UUID)
    if paper is None:
        return url_for("handover.search_page")
    return url_for("papers.paper", visit_id=visit_id, hand_over_id=paper)
