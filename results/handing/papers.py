"""Whether each sheet of a hand-over is out, and whether whoever took it for somebody else has signed."""

import sqlite3
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from kiosk.register.patients import NoPatient, Patient, patient_of
from kiosk.register.staff import Right
from kiosk.register.visits import Visit, visit_of
from kiosk.settings import StaffSettings
from kiosk.signin import actor, needs
from kiosk.web import chance, house, now, page, reading, transaction
from printers.errors import ImpossibleMove, PrinterError
from printers.moves import State, Verb
from printers.paper import Paper
from results.handing.hand_over_record import TAKES_FOR_ANOTHER, hand_over_of, key_of, sign_for
from results.handing.sheets import REPORT
from results.receipt import receipt_paper

bp = Blueprint("papers", __name__)

#: A print job's state as the counter says it, and its tone.
WORDS: Final = {
    State.QUEUED: ("Le papier attend son tour.", "info"),
    State.SENDING: ("Le papier part vers l'imprimante.", "info"),
    State.SENT: ("Le papier est parti. Regardez s'il est sorti.", "info"),
    State.CONFIRMED: ("Imprimé.", "ok"),
    State.UNSURE: ("Regardez si le papier est sorti en entier.", "warn"),
    State.HELD: ("L'imprimante attend : regardez le papier et le capot.", "warn"),
    State.NOT_SENT: ("L'imprimante n'a pas répondu. Nouvel essai dans un instant.", "warn"),
    State.VOID: ("Rien n'est sorti. Reprenez la remise.", "danger"),
}
DOUBTFUL: Final = frozenset({State.SENT, State.UNSURE})


def visit_and_person(db: Session, visit_id: UUID) -> tuple[Visit, Patient]:
    """A visit and the person who was recognised in it.

    Raises:
        NoVisit, NoPatient: there is none.
    """
    visit = visit_of(db, visit_id)
    patient = patient_of(db, visit.id)
    if patient is None:
        raise NoPatient
    return visit, patient


def send_papers(visit_id: UUID, hand_over_id: UUID, papers: Sequence[Paper]) -> ResponseReturnValue:
    """Give the committed sheets to the running station, then say what becomes of each."""
    put_all(papers)
    return redirect(url_for("papers.paper", visit_id=visit_id, hand_over_id=hand_over_id), 303)


@bp.get("/remise/<uuid:visit_id>/papier/<uuid:hand_over_id>")
@needs(Right.TELL)
def paper(visit_id: UUID, hand_over_id: UUID) -> ResponseReturnValue:
    """Whether each sheet is out; never what stands on it."""
    return _paper_page("results/handed.html", visit_id, hand_over_id)


@bp.get("/remise/<uuid:visit_id>/papier/<uuid:hand_over_id>/etat")
@needs(Right.TELL)
def paper_state(visit_id: UUID, hand_over_id: UUID) -> ResponseReturnValue:
    """What became of the sheets, for a page that is open; nothing when it has not changed."""
    return _paper_page("results/handed_state.html", visit_id, hand_over_id)


@bp.post("/remise/<uuid:visit_id>/papier/<uuid:hand_over_id>")
@needs(Right.TELL)
def look(visit_id: UUID, hand_over_id: UUID) -> ResponseReturnValue:
    """A person has looked whether the doubtful sheets are out."""
    with reading() as db:
        row = hand_over_of(db, visit_id, hand_over_id)
    look_at(row.id, row.sheets, is_out=request.form.get("out") == "yes")
    return redirect(url_for("papers.paper", visit_id=visit_id, hand_over_id=hand_over_id), 303)


@bp.post("/remise/<uuid:visit_id>/papier/<uuid:hand_over_id>/recu")
@needs(Right.TELL)
def print_receipt(visit_id: UUID, hand_over_id: UUID) -> ResponseReturnValue:
    """Print the paper that is signed by whoever takes the envelope for somebody else; asked again, it is one paper."""
    with reading() as db:
        row, visit = hand_over_of(db, visit_id, hand_over_id), visit_of(db, visit_id)
    made = receipt_paper(row.id, number=visit.number, day=f"{visit.day:%d/%m/%Y}", form=house().forms["slips"])
    put_all([made])
    return redirect(url_for("papers.paper", visit_id=visit_id, hand_over_id=hand_over_id), 303)


@bp.post("/remise/<uuid:visit_id>/papier/<uuid:hand_over_id>/signature")
@needs(Right.TELL)
def signed(visit_id: UUID, hand_over_id: UUID) -> ResponseReturnValue:
    """Somebody who took the envelope for another has signed on paper."""
    with transaction("results") as db:
        sign_for(db, hand_over_of(db, visit_id, hand_over_id), by=actor().id, at=now(), chance=chance)
    return redirect(url_for("papers.paper", visit_id=visit_id, hand_over_id=hand_over_id), 303)


def states_of(envelope_id: UUID, sheets: int) -> list[State]:
    """Where each sheet of an envelope stands; one that the spool does not know is not out."""
    jobs = (house().spool.job(f"{key_of(envelope_id)}/{number}") for number in range(1, sheets + 1))
    return [State.VOID if job is None else job.state for job in jobs] or [State.VOID]


def look_at(envelope_id: UUID, sheets: int, *, is_out: bool) -> None:
    """A person has looked whether the doubtful sheets of an envelope are out."""
    for number, state in enumerate(states_of(envelope_id, sheets), start=1):
        if state in DOUBTFUL:
            try:
                house().spool.move(
                    f"{key_of(envelope_id)}/{number}", Verb.CONFIRM if is_out else Verb.DISOWN, by=str(actor().id),
                    at=now(),
                )  # fmt: skip
            except ImpossibleMove:
                flash("L'imprimante l'avait déjà dit.", "ok")


def put_all(papers: Sequence[Paper]) -> None:
    """Give committed sheets to the running station; what it cannot take is said and not out."""
    try:
        for made in papers:
            settings: StaffSettings = house().more["settings"]
            printer = settings.reports_on if made.kind == REPORT else settings.slip_printer
            house().spool.put(made, printer=printer, at=now(), chance=chance)
    except (PrinterError, sqlite3.Error) as trouble:
        flash(trouble.french if isinstance(trouble, PrinterError) else PrinterError.french, "error")


def _paper_page(template: str, visit_id: UUID, hand_over_id: UUID) -> Response:
    with reading() as db:
        visit, patient = visit_and_person(db, visit_id)
        row = hand_over_of(db, visit_id, hand_over_id)
    states = states_of(row.id, row.sheets)
    seen = "-".join(states)
    if request.args.get("vu") == seen:
        return Response(status=204)
    return page(
        template, visit=visit, patient=patient, row=row, seen=seen, sheets=[(state, *WORDS[state]) for state in states],
        is_doubtful=bool(DOUBTFUL & set(states)), is_void=State.VOID in states,
        is_out=set(states) == {State.CONFIRMED}, is_for_another=row.person in TAKES_FOR_ANOTHER,
        has_pages=house().forms["reports"].has_pages,
    )  # fmt: skip
