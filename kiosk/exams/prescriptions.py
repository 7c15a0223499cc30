"""What was prescribed for one visit, by whom, and until when it may still change."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.exams.catalogue import Exam, catalogue
from kiosk.register import journal
from kiosk.register.clock import Chance
from kiosk.register.database import Base, UtcDateTime, uuid7
from kiosk.register.errors import Conflict, Invalid, NotFound
from kiosk.register.journal import Act
from kiosk.register.visits import NoVisit, Visit


class Prescription(Base):
    """A physician's request for exams, as it was entered for one visit."""

    __tablename__ = "prescription"
    __table_args__ = (Index(None, "visit_id"),)
    keep = "10 years: traces of care"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("visit.id"))
    #: Name of the physician as written on the paper; empty when the patient comes without one.
    prescriber: Mapped[str] = mapped_column(String(100))
    #: The day written on the paper.
    prescribed_on: Mapped[date | None]
    urgent: Mapped[bool]
    entered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    entered_by: Mapped[str] = mapped_column(String(40))
    #: When its labels were numbered: from then on it does not change.
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PrescribedExam(Base):
    """One exam of a prescription, in the order in which it was entered."""

    __tablename__ = "prescribed_exam"
    keep = "10 years: with its prescription"

    prescription_id: Mapped[UUID] = mapped_column(ForeignKey("prescription.id"), primary_key=True)
    nabm: Mapped[str] = mapped_column(String(4), primary_key=True)
    place: Mapped[int]


class UnknownExam(Invalid):
    """A code is not in the catalogue; choose the exam from the list."""

    french = "Un examen n'est pas au catalogue. Choisissez-le dans la liste."


class NothingPrescribed(Invalid):
    """A prescription names at least one exam; add one."""

    french = "Aucun examen n'est choisi. Ajoutez au moins un examen."


class PrescriberToCorrect(Invalid):
    """The physician's name is too long or holds an unexpected sign; type it again."""

    french = "Le nom du prescripteur est à corriger : 100 lettres au plus, sur une ligne."


class Settled(Conflict):
    """The labels of this visit are numbered; void them before changing the prescription."""

    french = "Les étiquettes de ce passage sont déjà numérotées. Annulez-les d'abord, puis modifiez l'ordonnance."


class NoPrescription(NotFound):
    """Nothing was prescribed for this visit; enter the prescription first."""

    french = "Aucune ordonnance n'est entrée pour ce passage. Entrez-la d'abord."


def prescribe(
    db: Session,
    visit_id: UUID,
    codes: Sequence[str],
    *,
    prescriber: str = "",
    prescribed_on: date | None = None,
    urgent: bool = False,
    by: str,
    at: datetime,
    chance: Chance,
) -> Prescription:
    """Enter what is prescribed for a visit, or replace it as long as no label is numbered.

    Args:
        codes: act codes or LOINC codes of the catalogue, in the order entered; one that stands twice counts once.
        prescriber: name of the physician, empty without prescription.
        prescribed_on: the day written on the paper.

    Raises:
        NoVisit: there is no such visit.
        UnknownExam: a code is not in the catalogue.
        NothingPrescribed: there is no code.
        PrescriberToCorrect: the name cannot be kept.
        Settled: labels are numbered already.
    """
    exams = _named(codes)
    if not exams:
        raise NothingPrescribed
    name = " ".join(prescriber.split())
    if len(name) > 100 or not name.isprintable():
        raise PrescriberToCorrect
    visit = _locked(db, visit_id)
    row = prescription_of(db, visit_id)
    act = Act.PRESCRIPTION_ENTERED if row is None else Act.PRESCRIPTION_CHANGED
    if row is None:
        row = Prescription(id=uuid7(at, chance), site_id=visit.site_id, visit_id=visit_id)
        db.add(row)
    elif row.settled_at is not None:
        raise Settled
    else:
        db.execute(delete(PrescribedExam).where(PrescribedExam.prescription_id == row.id))
    row.prescriber, row.prescribed_on, row.urgent = name, prescribed_on, urgent
    row.entered_at, row.entered_by = at, by
    db.flush()  # the exams stand on the prescription's row
    db.add_all(PrescribedExam(prescription_id=row.id, nabm=exam.nabm, place=place) for place, exam in enumerate(exams))
    journal.write(db, "register", act, by=by, at=at, chance=chance, visit=visit_id, exams=len(exams))
    return row


def withdraw(db: Session, visit_id: UUID, *, by: str, at: datetime, chance: Chance) -> None:
    """Take back a prescription that was entered by mistake, as long as no label is numbered.

    Raises:
        NoVisit: there is no such visit.
        NoPrescription: nothing was prescribed.
        Settled: labels are numbered already.
    """
    _locked(db, visit_id)
    row = prescription_of(db, visit_id)
    if row is None:
        raise NoPrescription
    if row.settled_at is not None:
        raise Settled
    db.execute(delete(PrescribedExam).where(PrescribedExam.prescription_id == row.id))
    db.delete(row)
    journal.write(db, "register", Act.PRESCRIPTION_CANCELLED, by=by, at=at, chance=chance, visit=visit_id)


def settle(db: Session, visit_id: UUID, *, at: datetime) -> bool:
    """Close a prescription to changes, because its labels are being numbered.

    Returns:
        True when it was still open, false when it was settled before.

    Raises:
        NoVisit: there is no such visit.
        NoPrescription: nothing was prescribed.
    """
    _locked(db, visit_id)
    row = prescription_of(db, visit_id)
    if row is None:
        raise NoPrescription
    if row.settled_at is not None:
        return False
    row.settled_at = at
    return True


def reopen(db: Session, visit_id: UUID) -> None:
    """Open a prescription to changes again, because its labels are void.

    Raises:
        NoPrescription: nothing was prescribed.
    """
    row = prescription_of(db, visit_id)
    if row is None:
        raise NoPrescription
    row.settled_at = None


def prescription_of(db: Session, visit_id: UUID) -> Prescription | None:
    """Give the prescription of a visit, None before it is entered."""
    return db.scalars(select(Prescription).where(Prescription.visit_id == visit_id)).first()


def exams_of(db: Session, visit_id: UUID) -> tuple[Exam, ...]:
    """Give the exams prescribed for a visit, in the order entered; none before a prescription is entered.

    Raises:
        UnknownExam: the catalogue has lost a code since; nobody may go on as if it were not there.
    """
    codes = db.scalars(
        select(PrescribedExam.nabm)
        .join(Prescription, Prescription.id == PrescribedExam.prescription_id)
        .where(Prescription.visit_id == visit_id)
        .order_by(PrescribedExam.place)
    ).all()
    return _named(codes)


def _named(codes: Sequence[str]) -> tuple[Exam, ...]:
    exams: dict[str, Exam] = {}
    for code in codes:
        exam = catalogue().by_code(code)
        if exam is None:
            raise UnknownExam
        exams.setdefault(exam.nabm, exam)
    return tuple(exams.values())


def _locked(db: Session, visit_id: UUID) -> Visit:
    """The visit, held to the end of the transaction: two desks cannot enter two prescriptions for it."""
    visit = db.get(Visit, visit_id, with_for_update=True)
    if visit is None:
        raise NoVisit
    return visit
