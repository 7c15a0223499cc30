"""How a visit's results will be given: the way, the one question of the telephone, the patient's PIN, the slip."""

import sqlite3
from typing import Any, Final, cast
from uuid import UUID

from flask import Blueprint, Response, current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from kiosk.booking.discretion import discretion_of
from kiosk.exams.prescriptions import exams_of
from kiosk.register.clock import appointment_words, day
from kiosk.register.errors import Invalid, NotFound
from kiosk.register.journal import letters_at
from kiosk.register.patients import Document, patient_of
from kiosk.register.sites import this_site
from kiosk.register.staff import Right
from kiosk.register.visits import Verb, Visit, visit_of
from kiosk.settings import StaffSettings
from kiosk.signin import actor, needs, power
from kiosk.web import chance, form_key, house, now, page, reading, transaction
from labels.tubes import tubes_of
from printers.errors import ImpossibleMove, PrinterError
from printers.moves import State as Printed
from printers.moves import Verb as Printing
from printers.paper import Paper
from results.callers.numbers import (
    BadNumber,
    is_own,
    keep_number,
    number_of,
    number_to_reach,
    number_words,
    read_number,
)
from results.desks.replacing import Agreements
from results.giving import (
    WISHES,
    Bearer,
    NotAnswered,
    NoWay,
    Preference,
    bearer_of,
    choose,
    delivery_of,
    drop_paper,
    job_of,
    order_slip,
    send_on,
    slip_of,
    wished_before,
)
from results.identity import DOCUMENTS, NoDocumentSeen, is_minor, seen
from results.slip import slip_paper
from results.vault.dossiers import Dossier, Slip, SlipState, Wish, trusted_dossier
from results.vault.slips import (
    IssuedSlip,
    ReissueNeeded,
    SlipAlreadyEnded,
    confirm_slip,
    is_sealed_to,
    prepare_slip,
    void_slip,
)

bp = Blueprint("delivery", __name__)

#: A slip's state as the screen says it, and its tone.
WORDS: Final = {
    SlipState.PRINTING: ("en cours d'impression", "info"),
    SlipState.VALID: ("sorti, remis à la personne", "ok"),
    SlipState.VOID: ("pas sorti, sans valeur", "warn"),
}
#: The paper may be in somebody's hand.
_PERHAPS_OUT: Final = frozenset({Printed.SENDING, Printed.SENT, Printed.CONFIRMED})


@bp.record_once
def _begin(state: Any) -> None:
    state.app.extensions["slips_agreed"] = Agreements()


def agreements() -> Agreements:
    """The dossiers that a biologist has opened in this app, each for one new slip."""
    return cast(Agreements, current_app.extensions["slips_agreed"])


def agreed_key(db: Session, visit_id: UUID) -> bytes | None:
    """The key of a dossier that a biologist has opened for the slip that is made now; None once it came out."""
    before = slip_of(db, visit_id)
    return agreements().key_for(visit_id, confirmed_at=None if before is None else before.confirmed_at, at=now())


@bp.get("/passage/<uuid:visit_id>/resultats")
@needs(Right.REGISTER)
def choices(visit_id: UUID) -> ResponseReturnValue:
    """How the results will be given."""
    return _choices(visit_id, None)


@bp.post("/passage/<uuid:visit_id>/resultats")
@needs(Right.REGISTER)
def save(visit_id: UUID) -> ResponseReturnValue:
    """Keep the way, open the dossier, and go on to the patient's PIN on a yes."""
    settings = _settings()
    try:
        preference, wants_phone, document = _chosen()
        number = read_number(request.form["number"]) if request.form.get("number", "").strip() else ""
        with transaction("results") as db:
            delivery = choose(
                db, house().more["keys"], visit_of(db, visit_id), preference=preference, wants_phone=wants_phone,
                document=document, wishes=_wishes(db, visit_id, number, document),
                promise_minutes=settings.promise_minutes, by=actor().id, at=now(), chance=chance, key=form_key(),
            )  # fmt: skip
            keep_number(db, delivery, number, power=power(), chance=chance)
            slip = slip_of(db, visit_id)
    except Invalid as refusal:
        return _choices(visit_id, refusal)
    has_slip = slip is not None and slip.state is not SlipState.VOID
    if wants_phone and not has_slip:
        return redirect(url_for("delivery.pin", visit_id=visit_id), 303)
    flash("C'est noté.", "ok")
    return redirect(url_for("delivery.choices", visit_id=visit_id), 303)


@bp.get("/passage/<uuid:visit_id>/code-personnel")
@needs(Right.ISSUE_SLIP)
def pin(visit_id: UUID) -> ResponseReturnValue:
    """The page turned to the patient: four digits that nobody else sees."""
    with reading() as db:
        visit = visit_of(db, visit_id)
        keys = house().more["keys"]
        bearer = bearer_of(db, keys, visit)
        is_sealed = is_sealed_to(db, trusted_dossier(db, keys, bearer.dossier_id))
        is_refused = is_sealed and agreed_key(db, visit_id) is None
    if is_refused:
        return redirect(url_for("reissuing.why", visit_id=visit_id), 303)
    # Nothing of the laboratory's screens stands around it: the patient looks at this one.
    return page("results/pin.html", visit=visit, menu=[], person="", desk="")


@bp.post("/passage/<uuid:visit_id>/code-personnel")
@needs(Right.ISSUE_SLIP)
def make_slip(visit_id: UUID) -> ResponseReturnValue:
    """Make the slip with the patient's PIN: slow work first, then the commit, then the paper."""
    home, keys = house(), house().more["keys"]
    with reading() as db:
        visit = visit_of(db, visit_id)
        bearer = bearer_of(db, keys, visit)
        private = agreed_key(db, visit_id)
    try:
        home.spool.start_key(now())
        prepared = prepare_slip(
            keys, dossier_id=bearer.dossier_id, pin=request.form.get("pin", ""), birth_date=bearer.birth_date,
            at=now(), chance=chance, private=private,
        )  # fmt: skip
    except Invalid as refusal:
        words = {"pin": _TO_THE_PATIENT.get(type(refusal).__name__, refusal.sentence)}
        return page("results/pin.html", status=422, visit=visit, menu=[], person="", desk="", errors=words)
    except PrinterError as trouble:
        flash(trouble.french, "error")
        return redirect(url_for("delivery.choices", visit_id=visit_id), 303)
    try:
        with transaction("results") as db:
            issued = order_slip(db, keys, visit, prepared, by=actor().id, at=now(), chance=chance, key=form_key())
            paper = None if issued is None else _paper(db, issued, bearer)
    except ReissueNeeded as refusal:  # the result came while the patient was choosing, or ten minutes have passed
        flash(refusal.sentence, "warn")
        return redirect(url_for("reissuing.why", visit_id=visit_id), 303)
    if paper is not None and issued is not None:
        _put(paper, issued.slip_id)
    return redirect(url_for("delivery.slip", visit_id=visit_id), 303)


@bp.get("/passage/<uuid:visit_id>/talon")
@needs(Right.ISSUE_SLIP)
def slip(visit_id: UUID) -> ResponseReturnValue:
    """Where the slip stands."""
    with reading() as db:
        visit = visit_of(db, visit_id)
        return page("results/slip.html", visit=visit, person_of=patient_of(db, visit_id), **_slip(db, visit))


@bp.get("/talon/<uuid:paper>")
@needs(Right.ISSUE_SLIP)
def find_slip(paper: UUID) -> ResponseReturnValue:
    """From a slip that the print room is unsure of to the desk that owns it."""
    with reading() as db:
        visit_id = db.scalars(
            select(Dossier.visit_id).join(Slip, Slip.dossier_id == Dossier.id).where(Slip.id == paper)
        ).first()
    if visit_id is None:
        raise NotFound
    return redirect(url_for("delivery.slip", visit_id=visit_id), 303)


@bp.get("/passage/<uuid:visit_id>/talon/etat")
@needs(Right.ISSUE_SLIP)
def slip_state(visit_id: UUID) -> ResponseReturnValue:
    """What became of the slip, for a page that is open; nothing when it has not changed."""
    with reading() as db:
        visit = visit_of(db, visit_id)
        found = _slip(db, visit)
        if request.args.get("vu") == found["seen"]:
            return Response(status=204)
        return page("results/slip_state.html", visit=visit, **found)


@bp.post("/passage/<uuid:visit_id>/talon/sorti")
@needs(Right.ISSUE_SLIP)
def came_out(visit_id: UUID) -> ResponseReturnValue:
    """The secretary holds the paper: the slip opens from now on."""
    with transaction("results") as db:
        found = _named_slip(db, visit_id)
        job = job_of(house().spool, found.id)
        if job is None or job.state not in _PERHAPS_OUT:
            raise SlipAlreadyEnded
        confirm_slip(db, found.id, by=actor().id, at=now(), chance=chance)
    _move(found.id, Printing.CONFIRM)
    return redirect(url_for("delivery.slip", visit_id=visit_id), 303)


@bp.post("/passage/<uuid:visit_id>/talon/pas-sorti")
@needs(Right.ISSUE_SLIP)
def did_not_come_out(visit_id: UUID) -> ResponseReturnValue:
    """The paper is not there, torn or unreadable: the slip is void."""
    with transaction("results") as db:
        found = _named_slip(db, visit_id)
        void_slip(db, found.id, by=actor().id, at=now(), chance=chance)
    drop_paper(house().spool, found.id, by=str(actor().id), at=now())
    _move(found.id, Printing.DISOWN)
    return redirect(url_for("delivery.slip", visit_id=visit_id), 303)


@bp.post("/passage/<uuid:visit_id>/suite")
@needs(Right.REGISTER)
def go_on(visit_id: UUID) -> ResponseReturnValue:
    """To the draw, or home when nothing is drawn."""
    with transaction() as db:
        visit = visit_of(db, visit_id)
        verb = send_on(db, visit, power=power(), by=str(actor().id), at=now(), chance=chance, key=form_key())
    done = "attend le prélèvement" if verb is Verb.SEND else "a terminé"
    flash(f"Le numéro {visit.number} {done}.", "ok")
    return redirect(url_for("calling.line_page"), 303)


#: What the patient reads, who knows no laboratory words.
_TO_THE_PATIENT: Final = {
    "PinTooEasy": "Ce code est trop facile à deviner. Choisissez-en un autre.",
    "NotAPin": "Choisissez quatre chiffres.",
}
_FIELD_OF: Final[dict[type[Invalid], str]] = {
    NoDocumentSeen: "document",
    NoWay: "preference",
    BadNumber: "number",
}


def _chosen() -> tuple[Preference, bool, Document | None]:
    form = request.form
    answer = form.get("wants_phone", "")
    if form.get("preference") not in list(Preference):
        raise NoWay
    if answer not in {"yes", "no"}:
        raise NotAnswered
    document = seen(form.get("document", "")) if answer == "yes" else None
    return Preference(form["preference"]), answer == "yes", document


def _wishes(db: Session, visit_id: UUID, number: str, document: Document | None) -> list[Wish]:
    """What was ticked, and whether the number is the patient's own: given today, by whoever the document names."""
    form = request.form
    ticked = [wish for wish in WISHES if wish in form.getlist("wish")]
    today = day(this_site(db).timezone, now())
    if number and document and is_own(patient_of(db, visit_id), said_own=form.get("is_own") == "yes", today=today):
        ticked.append(Wish.OWN_NUMBER)
    return ticked


def _choices(visit_id: UUID, refusal: Invalid | None) -> ResponseReturnValue:
    with reading() as db:
        site, visit, chosen = this_site(db), visit_of(db, visit_id), delivery_of(db, visit_id)
        patient, dossier = patient_of(db, visit_id), _dossier(db, visit_id)
        today, wished = day(site.timezone, now()), None if chosen else wished_before(db, visit_id)
        told: dict[str, Any] = {
            "preference": chosen.preference if chosen else wished.preference if wished else "",
            "wants_phone": ("yes" if chosen.wants_phone else "no") if chosen else "",
            "document": chosen.document if chosen else "",
            "wish": sorted(dossier.wished) if dossier else [],
            "number": number_words(number_of(db, visit_id, power())) if chosen else "",
            "is_own": "yes" if dossier and Wish.OWN_NUMBER in dossier.wished else "",
        }
        if chosen is None:  # the number that was given last, to be confirmed
            is_discreet = discretion_of(db, visit_id, power()) is not None
            told["number"] = number_words(number_to_reach(db, visit_id, patient, power(), is_discreet=is_discreet)[0])
        errors: dict[str, str] = {}
        if refusal is not None:
            errors = {_FIELD_OF.get(type(refusal), "wants_phone"): refusal.sentence}
            told = dict.fromkeys(told, "") | request.form.to_dict() | {"wish": request.form.getlist("wish")}
        return page(
            "results/delivery.html", status=422 if refusal else 200, visit=visit, patient=patient, chosen=chosen,
            told=told, has_number=bool(chosen is None and told["number"]), wished=wished, documents=DOCUMENTS,
            errors=errors,
            is_minor=patient is not None and is_minor(patient.birth_date, today=today),
            has_exams=bool(exams_of(db, visit_id)), has_tubes=bool(tubes_of(db, visit)),
            promised=appointment_words(site.timezone, dossier.promised_at) if dossier else "", **_slip(db, visit),
        )  # fmt: skip


def _dossier(db: Session, visit_id: UUID) -> Dossier | None:
    return db.scalars(select(Dossier).where(Dossier.visit_id == visit_id)).first()


def _slip(db: Session, visit: Visit) -> dict[str, Any]:
    """The newest slip, its state in words, and whether the paper may be out."""
    found = slip_of(db, visit.id)
    job = None if found is None else job_of(house().spool, found.id)
    words, tone = WORDS[found.state] if found else ("", "")
    perhaps_out = job is not None and job.state in _PERHAPS_OUT
    seen_as = f"{found.id}.{found.state}.{perhaps_out}" if found else ""
    return {"slip": found, "words": words, "tone": tone, "perhaps_out": perhaps_out, "seen": seen_as}


def _named_slip(db: Session, visit_id: UUID) -> Slip:
    """The visit's newest slip, if it is the one that the page has shown."""
    found = slip_of(db, visit_id)
    if found is None or str(found.id) != request.form.get("slip"):
        raise SlipAlreadyEnded
    return found


def _paper(db: Session, issued: IssuedSlip, bearer: Bearer) -> Paper:
    site = this_site(db)
    return slip_paper(
        issued, promised=appointment_words(site.timezone, bearer.promised_at), journal=letters_at(db, "results", now()),
        large="large" in request.form, form=house().forms["slips"],
    )  # fmt: skip


def _put(paper: Paper, slip_id: UUID) -> None:
    """Give the slip to the running station; a slip that it cannot take is void at once."""
    try:
        house().spool.put(paper, printer=_settings().slip_printer, at=now(), chance=chance)
    except (PrinterError, sqlite3.Error) as trouble:
        with transaction("results") as db:
            void_slip(db, slip_id, by=actor().id, at=now(), chance=chance)
        flash(trouble.french if isinstance(trouble, PrinterError) else PrinterError.french, "error")


def _move(slip_id: UUID, verb: Printing) -> None:
    job = job_of(house().spool, slip_id)
    if job is None:
        return
    try:
        house().spool.move(job.key, verb, by=str(actor().id), at=now())
    except ImpossibleMove:
        return  # the printer has said it already, or the paper never left


def _settings() -> StaffSettings:
    settings: StaffSettings = house().more["settings"]
    return settings
