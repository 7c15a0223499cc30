"""A visit's page: who it is, what they said at the door, what was prescribed."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from kiosk.booking.appointments import appointment, appointment_of, arrive, suiting
from kiosk.counter.reception import (
    Traits,
    enter_prescription,
    labelled,
    open_file,
    patient,
    recognise_as,
    said_of,
    same_name_and_date,
    version_of,
)
from kiosk.door.answers import ASKED, QUESTIONS, answers_of, confirm, confirmed, counter_answers
from kiosk.exams.catalogue import Exam, catalogue
from kiosk.exams.prescriptions import exams_of, prescription_of
from kiosk.register import clock
from kiosk.register.accounts import staff_of
from kiosk.register.errors import Invalid
from kiosk.register.patients import Document, Sex, note_shown, patient_of, read_birth_date, search_patients
from kiosk.register.sites import Site, this_site
from kiosk.register.staff import Right
from kiosk.register.visits import Visit, moves_of, visit_of
from kiosk.signin import actor, needs, power
from kiosk.web import chance, form_key, now, page, reading, transaction

bp = Blueprint("dossier", __name__)


@bp.get("/passage/<uuid:visit_id>")
@needs(Right.REGISTER)
def visit_page(visit_id: UUID) -> ResponseReturnValue:
    """Who this is, and what was said at the door."""
    with reading() as db:
        site, visit = this_site(db), visit_of(db, visit_id)
        return page(
            "staff/visit.html", visit=visit, bearer=patient_of(db, visit.id), said=said_of(db, visit),
            appointment=appointment_of(db, visit.id), suiting=suiting(db, site, visit), moves=moves_of(db, visit.id),
            answers=_answers(db, visit),
            found=(), typed="", labelled=labelled(db, visit), hour=lambda at: clock.hour(site.timezone, at),
        )  # fmt: skip


@bp.post("/passage/<uuid:visit_id>/reponses")
@needs(Right.REGISTER)
def confirm_answers(visit_id: UUID) -> ResponseReturnValue:
    """Keep what the person says at the counter: the answers of the kiosk confirmed, or others."""
    told = {one: request.form[one] for one in QUESTIONS if request.form.get(one)}
    with transaction() as db:
        visit = visit_of(db, visit_id)
        confirm(db, visit.id, told, by=str(actor().id), at=now(), key=form_key())
    return redirect(url_for("dossier.visit_page", visit_id=visit_id), 303)


@bp.post("/passage/<uuid:visit_id>/chercher")
@needs(Right.REGISTER)
def search(visit_id: UUID) -> ResponseReturnValue:
    """The best files for what was typed, once the journal knows which; a name never stands in an address."""
    typed = request.form.get("typed", "")
    with transaction() as db:
        visit = visit_of(db, visit_id)
        found = search_patients(db, "register", visit.site_id, typed, by=actor().id, at=now(), chance=chance)
    return page("staff/found_patients.html", visit=visit, found=found, typed=typed)


@bp.get("/passage/<uuid:visit_id>/personne/<uuid:patient_id>")
@needs(Right.REGISTER)
def compare(visit_id: UUID, patient_id: UUID) -> ResponseReturnValue:
    """Compare one file with what was said, its namesakes beside it, before it is chosen."""
    with reading() as db:
        visit, person = visit_of(db, visit_id), patient(db, patient_id)
        alike = same_name_and_date(db, person.site_id, person.birth_name, person.birth_date)
        others = [one for one in alike if one.id != person.id]
        return page(
            "staff/recognise.html", visit=visit, candidate=person, others=others, said=said_of(db, visit),
            recognised=patient_of(db, visit.id),
        )  # fmt: skip


@bp.post("/passage/<uuid:visit_id>/personne/<uuid:patient_id>")
@needs(Right.REGISTER)
def recognise(visit_id: UUID, patient_id: UUID) -> ResponseReturnValue:
    """Say that this visit is this patient's."""
    said = request.form.get("document", "")
    # What is no word of the list is no document that anybody has seen.
    document = Document(said) if said in list(Document) else Document.NONE
    with transaction() as db:
        visit, person = visit_of(db, visit_id), patient(db, patient_id)
        recognise_as(db, visit, person, document=document, by=str(actor().id), at=now(), chance=chance)
    return redirect(url_for("dossier.visit_page", visit_id=visit_id), 303)


@bp.get("/passage/<uuid:visit_id>/nouveau")
@needs(Right.REGISTER)
def new_patient(visit_id: UUID) -> ResponseReturnValue:
    """The form of a new file; a birth date said at the door is already in it."""
    with reading() as db:
        visit = visit_of(db, visit_id)
        said, booked = said_of(db, visit), appointment_of(db, visit.id)
        told = booked.birth_date if booked else (said.birth_date if said else None)
        known = {"birth_date": f"{told[6:]}/{told[4:6]}/{told[:4]}" if told else ""}
        if booked is not None:
            known |= {"birth_name": booked.birth_name, "given_names": booked.given_names}
        return page("staff/new_patient.html", visit=visit, said=said, told=known, alike=())


@bp.post("/passage/<uuid:visit_id>/nouveau")
@needs(Right.REGISTER)
def create(visit_id: UUID) -> ResponseReturnValue:
    """Open the file of a person who has none."""
    told = request.form
    try:
        with transaction() as db:
            site = this_site(db)
            open_file(
                db, visit_of(db, visit_id), _traits(told, site), document=Document(told.get("document", Document.NONE)),
                another="another" in told, by=str(actor().id), at=now(), chance=chance, key=form_key(),
            )  # fmt: skip
    except Invalid as refusal:
        with transaction() as db:
            visit, alike = visit_of(db, visit_id), _alike(db, told)
            said = said_of(db, visit)
            note_shown(db, "register", alike, by=actor().id, at=now(), chance=chance)
        return page(
            "staff/new_patient.html", status=422, visit=visit, said=said, told=told, alike=alike,
            errors={"birth_name": refusal.sentence},
        )  # fmt: skip
    return redirect(url_for("dossier.visit_page", visit_id=visit_id), 303)


@bp.post("/passage/<uuid:visit_id>/rendez-vous")
@needs(Right.REGISTER)
def choose_appointment(visit_id: UUID) -> ResponseReturnValue:
    """Say which of the day's appointments this visit is, where the machine could not tell."""
    with transaction() as db:
        chosen = appointment(db, UUID(request.form["appointment"]))
        arrive(db, chosen, visit_of(db, visit_id), by=str(actor().id), at=now(), chance=chance)
    flash("Le rendez-vous est noté pour ce passage.", "ok")
    return redirect(url_for("dossier.visit_page", visit_id=visit_id), 303)


@bp.get("/passage/<uuid:visit_id>/ordonnance")
@needs(Right.REGISTER)
def prescription(visit_id: UUID) -> ResponseReturnValue:
    """What was prescribed for this visit."""
    with reading() as db:
        visit, entered = visit_of(db, visit_id), prescription_of(db, visit_id)
        told = {
            "prescriber": entered.prescriber if entered else "",
            "prescribed_on": f"{entered.prescribed_on:%d/%m/%Y}" if entered and entered.prescribed_on else "",
            "urgent": "yes" if entered and entered.urgent else "",
        }
        return _prescription(db, visit, told, exams=exams_of(db, visit_id), version=version_of(entered))


@bp.post("/passage/<uuid:visit_id>/ordonnance")
@needs(Right.REGISTER)
def prescribe(visit_id: UUID) -> ResponseReturnValue:
    """Enter or correct the prescription."""
    told = request.form
    codes, version = told.getlist("exam"), told.get("version", "")
    try:
        with transaction() as db:
            enter_prescription(
                db, visit_of(db, visit_id), codes, prescriber=told.get("prescriber", ""),
                prescribed_on=_day(told.get("prescribed_on", ""), this_site(db)), urgent="urgent" in told,
                version=version, by=str(actor().id), at=now(), chance=chance,
            )  # fmt: skip
    except Invalid as refusal:
        field = "prescribed_on" if isinstance(refusal, DayToCorrect) else "typed"
        with reading() as db:
            errors = {field: refusal.sentence}
            visit = visit_of(db, visit_id)
            return _prescription(db, visit, told, exams=_exams(codes), version=version, errors=errors)
    flash("L'ordonnance est enregistrée.", "ok")
    return redirect(url_for("dossier.prescription", visit_id=visit_id), 303)


@bp.post("/examens/chercher")
@needs(Right.REGISTER)
def suggest() -> ResponseReturnValue:
    """The exams that suit what was typed."""
    return page("staff/found_exams.html", found=catalogue().search(request.form.get("typed", ""), limit=6))


@bp.post("/passage/<uuid:visit_id>/examens/liste")
@needs(Right.REGISTER)
def change_list(visit_id: UUID) -> ResponseReturnValue:
    """Add the chosen exam to the list, or the first that suits what was typed; or take one out. Nothing is kept yet."""
    codes = [code for code in request.form.getlist("exam") if code != request.form.get("remove")]
    typed = request.form.get("typed", "").strip()
    added = _exams([request.form["add"]]) if "add" in request.form else catalogue().search(typed, limit=1)
    chosen = _exams([*codes, *(exam.nabm for exam in added if "remove" not in request.form)])
    nothing = typed if typed and not added else ""
    with reading() as db:
        return page(
            "staff/exam_entry.html",
            visit=visit_of(db, visit_id),
            exams=chosen,
            settled=False,
            unknown=nothing,
            typing=True,
        )


class DayToCorrect(Invalid):
    """The day of the prescription is not a day; type it as on the paper."""

    french = "Cette date d'ordonnance n'existe pas. Tapez par exemple 21/11/2026."


def _answers(db: Session, visit: Visit) -> list[dict[str, Any]]:
    """Each question asked for this purpose: what the patient said, what was said at the counter and to whom."""
    said = {one.question: one for one in answers_of(db, visit.id)}
    at_counter = confirmed(db, visit.id)
    who = {one.by: staff_of(db, UUID(one.by), power()).name for one in at_counter.values()}
    return [
        {
            "name": name, "question": QUESTIONS[name], "choices": counter_answers(name), "said": said.get(name),
            "confirmed": at_counter.get(name), "who": who.get(at_counter[name].by) if name in at_counter else None,
        }
        for name in dict.fromkeys((*ASKED[visit.purpose], *said, *at_counter))
    ]  # fmt: skip


def _prescription(
    db: Session,
    visit: Visit,
    told: Mapping[str, Any],
    *,
    exams: tuple[Exam, ...],
    version: str,
    errors: dict[str, str] | None = None,
) -> ResponseReturnValue:
    return page(
        "staff/prescription.html", status=422 if errors else 200, visit=visit, bearer=patient_of(db, visit.id),
        told=told, exams=exams, version=version, settled=labelled(db, visit), unknown="", errors=errors or {},
        typing=not version,
    )  # fmt: skip


def _traits(told: Mapping[str, str], site: Site) -> Traits:
    today = f"{clock.day(site.timezone, now()):%Y%m%d}"
    return Traits(
        birth_name=told.get("birth_name", ""),
        given_names=told.get("given_names", ""),
        birth_date=read_birth_date(told.get("birth_date", ""), today=today),
        sex=Sex(told.get("sex", Sex.UNKNOWN)),
        used_name=told.get("used_name", "").strip() or None,
        birth_place=told.get("birth_place"),
    )


def _alike(db: Session, told: Mapping[str, str]) -> list[Any]:
    """The files of the same name and date, to be shown side by side; none while the date cannot be read."""
    site = this_site(db)
    try:
        traits = _traits(told, site)
    except Invalid:
        return []
    return same_name_and_date(db, site.id, traits.birth_name, traits.birth_date)


def _exams(codes: list[str]) -> tuple[Exam, ...]:
    """The exams of these codes that the catalogue knows, each once, in the order chosen."""
    found = (catalogue().by_code(code) for code in codes)
    return tuple({exam.nabm: exam for exam in found if exam is not None}.values())


def _day(text: str, site: Site) -> date | None:
    """The day written on a prescription: `21/11/2026`, `21112026`; nothing where nothing was typed."""
    if not text.strip():
        return None
    try:
        told = clock.read_day(text)
    except ValueError:
        raise DayToCorrect from None
    if told > clock.day(site.timezone, now()):
        raise DayToCorrect
    return told
