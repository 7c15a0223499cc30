"""What the counter decides about a visit: whose turn, who it is, what was prescribed, gone before the draw."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kiosk.booking.appointments import matching, recognise_arrivals
from kiosk.counter.passage import advance, bring_back
from kiosk.counter.turns import rank_and_call
from kiosk.exams.prescriptions import Prescription, exams_of, prescribe, prescription_of
from kiosk.formats.folding import fold
from kiosk.register.clock import Chance
from kiosk.register.database import Database, uuid7
from kiosk.register.errors import Conflict, Invalid
from kiosk.register.events import announce
from kiosk.register.journal import Act, write
from kiosk.register.once import answered
from kiosk.register.patients import Document, NoPatient, Patient, Recognition, Sex, create_patient, recognise
from kiosk.register.sites import Site
from kiosk.register.staff import Power
from kiosk.register.visits import Said, Stage, Verb, Visit
from printers.errors import ImpossibleMove, PrinterError
from printers.moves import NEVER_SENT
from printers.moves import Verb as Printing
from printers.spool import Spool


class ChangedMeanwhile(Conflict):
    """Another desk has changed this prescription since the page was opened; look at what stands there now."""

    french = "Cette ordonnance a changé depuis que vous l'avez ouverte. Regardez ce qui est noté, puis corrigez."


class PerhapsTheSame(Invalid):
    """A file bears this birth name and birth date; choose it, or say that it is another person."""

    french = "Un dossier porte déjà ce nom de naissance et cette date. Est-ce la même personne ?"


class LabelsCarryIt(Conflict):
    """Labels of this visit are numbered; make them void before it changes hands or ends."""

    french = "Ce passage a déjà ses étiquettes. Ouvrez l'onglet des étiquettes et annulez-les d'abord."


class ReasonOfLeaving(Invalid):
    """A visit is ended for a reason of one line; choose or type one."""

    french = "Dites pourquoi ce passage se termine, en une ligne."


@dataclass(frozen=True, kw_only=True)
class Traits:
    """The strict traits as typed; the birth date is YYYYMMDD."""

    birth_name: str
    given_names: str
    birth_date: str
    sex: Sex
    used_name: str | None = None
    birth_place: str | None = None


def call_in_turn(
    database: Database, site: Site, stage: Stage, *, desk: str, by: str, at: datetime, chance: Chance, key: str,
    power: Power | None = None,
) -> Visit:  # fmt: skip
    """Bring back who was absent, recognise who is expected, then call whoever's turn it is to a counter or a room.

    Args:
        power: vouches for a biologist's decision before a draw.

    Raises:
        NobodyWaits: when the line is empty.
        AgreementFirst: when everyone in it waits for a biologist's decision.
    """
    bring_back(database, site, at=at, chance=chance)
    with database.reading() as db:
        expected = matching(db, site, at=at).sure
    if expected:
        with database.transaction() as db:
            recognise_arrivals(db, site, by=by, at=at, chance=chance)
    return rank_and_call(database, site, stage, desk=desk, by=by, at=at, chance=chance, key=key, power=power)


def same_name_and_date(db: Session, site_id: UUID, birth_name: str, birth_date: str) -> list[Patient]:
    """Every file of one birth name and one birth date: twins, namesakes, or the same person twice."""
    return list(
        db.scalars(
            select(Patient)
            .where(
                Patient.site_id == site_id,
                Patient.folded_birth_name == fold(birth_name),
                Patient.birth_date == birth_date,
            )
            .order_by(Patient.number)
        )
    )


def patient(db: Session, patient_id: UUID) -> Patient:
    """The file with this identifier.

    Raises:
        NoPatient: when there is none.
    """
    row = db.get(Patient, patient_id)
    if row is None:
        raise NoPatient
    return row


def open_file(
    db: Session,
    visit: Visit,
    traits: Traits,
    *,
    document: Document,
    another: bool,
    by: str,
    at: datetime,
    chance: Chance,
    key: str,
) -> Patient:
    """Open the file of a person who has none, and recognise them in the visit.

    Args:
        another: the secretary has seen the files of the same name and date, and says that it is another person.

    Raises:
        PerhapsTheSame: such a file exists and nobody has said so.
        LabelsCarryIt: labels bear another name already.
        TraitsToCorrect: a trait is missing or cannot be right.
    """
    if before := answered(db, Patient, visit.site_id, key):
        return before
    if not another and same_name_and_date(db, visit.site_id, traits.birth_name, traits.birth_date):
        raise PerhapsTheSame
    given_names = ", ".join(" ".join(one.split()) for one in traits.given_names.split(",") if fold(one))
    made = create_patient(
        db, visit.site_id, id=uuid7(at, chance), birth_name=traits.birth_name, given_names=given_names,
        birth_date=traits.birth_date, sex=traits.sex, used_name=traits.used_name, birth_place=traits.birth_place,
        by=by, at=at, key=key,
    )  # fmt: skip
    db.flush()  # the recognition stands on the file's row
    write(db, "register", Act.PATIENT_CREATED, by=by, at=at, chance=chance, patient=made.id)
    recognise_as(db, visit, made, document=document, by=by, at=at, chance=chance)
    return made


def recognise_as(
    db: Session, visit: Visit, person: Patient, *, document: Document, by: str, at: datetime, chance: Chance
) -> None:
    """Say that a visit is this patient's, after the document that was seen; said twice, written once.

    Raises:
        LabelsCarryIt: labels bear another name already.
    """
    db.refresh(visit, with_for_update=True)  # labels are not numbered for another name at the same moment
    before = db.get(Recognition, visit.id)
    if before is not None and (before.patient_id, before.document) == (person.id, document):
        return
    if before is not None and before.patient_id != person.id and labelled(db, visit):
        raise LabelsCarryIt
    recognise(db, visit, person, document=document, by=by, at=at)
    write(
        db, "register", Act.PATIENT_RECOGNISED, by=by, at=at, chance=chance, visit=visit.id, patient=person.id,
        document=document,
    )  # fmt: skip
    announce(db, visit.site_id, "line", {"number": visit.number, "stage": visit.stage}, at=at)


def enter_prescription(
    db: Session,
    visit: Visit,
    codes: Sequence[str],
    *,
    prescriber: str,
    prescribed_on: date | None,
    urgent: bool,
    version: str,
    by: str,
    at: datetime,
    chance: Chance,
) -> Prescription:
    """Enter what is prescribed, unless another hand has changed it since the page was opened.

    Args:
        version: what `version_of` said when the page was opened.

    Raises:
        ChangedMeanwhile: it says something else now.
    """
    before = prescription_of(db, visit.id)
    if version != version_of(before):
        told = (" ".join(prescriber.split()), prescribed_on, urgent, by)
        if before is None or (before.prescriber, before.prescribed_on, before.urgent, before.entered_by) != told:
            raise ChangedMeanwhile
        if [exam.nabm for exam in exams_of(db, visit.id)] != list(dict.fromkeys(codes)):
            raise ChangedMeanwhile
        return before  # the same form, sent again after a lost answer
    return prescribe(
        db, visit.id, codes, prescriber=prescriber, prescribed_on=prescribed_on, urgent=urgent, by=by, at=at,
        chance=chance,
    )  # fmt: skip


def version_of(prescription: Prescription | None) -> str:
    """What tells one state of a prescription from another: who entered it and when, to the microsecond."""
    return f"{prescription.entered_at.timestamp():.6f}" if prescription is not None else ""


def labelled(db: Session, visit: Visit) -> bool:
    """Whether containers of this visit have their numbers: the name on them must stay."""
    prescription = prescription_of(db, visit.id)
    return prescription is not None and prescription.settled_at is not None


def end_early(db: Session, visit: Visit, *, reason: str, by: str, at: datetime, chance: Chance, key: str) -> None:
    """End a visit before the draw: gone, or entered twice.

    Raises:
        LabelsCarryIt: its labels must be made void first.
        ReasonOfLeaving: there is no reason of one line.
    """
    said = " ".join(reason.split())
    if not said or len(said) > 120 or not said.isprintable():
        raise ReasonOfLeaving
    db.refresh(visit, with_for_update=True)  # labels are not numbered at the same moment
    if labelled(db, visit):
        raise LabelsCarryIt
    advance(db, visit, Verb.CANCEL, by=by, at=at, chance=chance, key=key, reason=said)


def keep_papers_in(spool: Spool, visit: Visit, *, by: str, at: datetime) -> None:
    """Keep from coming out what was never sent of a visit that is over: its ticket and its labels.

    A confidential paper is its own desk's. What the spool cannot do now, the papers' own limits do in minutes.
    """
    with suppress(PrinterError):
        for job in spool.open_jobs(at):
            its_own = job.batch == str(visit.id) or job.key.startswith(f"ticket/{visit.id}/")
            if its_own and job.state in NEVER_SENT and not job.secret:
                with suppress(ImpossibleMove):  # the station was faster
                    spool.move(job.key, Printing.DROP, by=by, at=at, reason="visit over")


def said_of(db: Session, visit: Visit) -> Said | None:
    """What was typed or scanned at the kiosk for this visit, or None."""
    return db.get(Said, visit.id)
