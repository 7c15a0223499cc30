"""A result is handed over at the counter, to the person whose face and document were compared, on paper alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import Enum, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.accounts import staff_of
from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime, uuid7
from kiosk.register.errors import Conflict, NotFound
from kiosk.register.journal import Act, write
from kiosk.register.once import PageAlreadyUsed, answered
from kiosk.register.patients import Document, Patient, Recognition, birth_date_words, find_patients
from kiosk.register.staff import Power
from kiosk.register.visits import Visit
from printers.paper import ROLL_80, Cut, Feed, Form, Paper, Text
from results.hl7v2.reader import Message
from results.matrix import Channel, Person
from results.release import Decision, Role, Why
from results.reports.assemble import assemble
from results.reports.versions import ReportVersion
from results.reports.words import write_report
from results.signing import Purpose, open_dossier_key
from results.vault.attempts import Refused
from results.vault.counters import Way, standing
from results.vault.dossiers import Dossier, NoSuchDossier, Slip, dossier_of
from results.vault.envelopes import Body, BodyKind
from results.vault.keys import BiologistKeys, KeyRing
from results.vault.opening import Items, open_reports
from results.vault.releases import Course, enter_release
from results.vault.sealing import DoesNotOpen
from results.weighing import Asked, signers, weigh

#: After two minutes a printed result belongs to nobody at the counter.
EXPIRES_S: Final = 2 * 60
#: Columns of the 80 mm roll at the size of a report's text; a narrower roll has fewer.
COLUMNS: Final = 42
_VISITS: Final = 3


class NoSlipReason(StrEnum):
    """Why a biologist agrees to hand over without a code."""

    LOST = "lost"  #: slip or PIN lost
    NONE = "none"  #: no slip was asked for
    ROUTE = "route"  #: the biologist receives the patient


class HandOver(Base):
    """One paper handed over at the counter: to whom, on which document, why without code; nothing of its content."""

    __tablename__ = "hand_over"
    __table_args__ = (UniqueConstraint("site_id", "key"), Index(None, "visit_id", "at"), {"schema": STAFF_ONLY})
    keep = "10 years: diffusion traces (L.1142-28 CSP)"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    visit_id: Mapped[UUID]
    dossier_id: Mapped[UUID]
    #: Kind of identity document that was seen; nothing of it is copied.
    document: Mapped[Document] = mapped_column(Enum(Document, native_enum=False, length=18, values_callable=list))
    #: Given by a biologist who hands over without a code what is confidential.
    reason: Mapped[NoSlipReason | None] = mapped_column(
        Enum(NoSlipReason, native_enum=False, length=10, values_callable=list)
    )
    #: Whether a sealed envelope was asked for.
    is_sealed: Mapped[bool]
    by: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: The form that asked for it.
    key: Mapped[str] = mapped_column(String(32))


class NothingToHandOver(Conflict):
    """Nothing can be handed over now; the one sentence for every reason."""

    french = (
        "Je ne peux rien remettre pour le moment. Je dis cette phrase à tout le monde : elle ne dit rien d'un "
        "résultat. Si l'heure promise n'est pas passée, revenez après."
    )


class BiologistFirst(Conflict):
    """For this dossier the biologist answers, whatever the result says."""

    french = "Pour ce dossier, c'est toujours le biologiste qui répond, quel que soit le résultat. Je l'appelle."


class NoHandOver(NotFound):
    """There is no such hand-over; begin again with the patient."""

    french = "Cette remise n'existe pas. Reprenez à la recherche du patient."


@dataclass(frozen=True, kw_only=True)
class Found:
    """A person of the file and the visits whose results may have come."""

    patient: Patient
    visits: tuple[Visit, ...]


@dataclass(frozen=True, kw_only=True, repr=False)
class Ready:
    """What goes on paper and nowhere else, or why nothing does: said after the commit, so that the journal keeps it."""

    hand_over: HandOver | None = None
    #: None for a form whose paper was made already.
    paper: Paper | None = None
    refusal: Conflict | None = None


def find_visits(db: Session, site_id: UUID, typed: str) -> list[Found]:
    """The persons that suit what was typed, each with the latest visits that have a dossier of results."""
    found = []
    for patient in find_patients(db, site_id, typed):
        visits = (
            select(Visit)
            .join(Recognition, Recognition.visit_id == Visit.id)
            .join(Dossier, Dossier.visit_id == Visit.id)
            .where(Recognition.patient_id == patient.id)
            .order_by(Visit.arrived_at.desc())
            .limit(_VISITS)
        )
        found.append(Found(patient=patient, visits=tuple(db.scalars(visits))))
    return found


def asked_at_counter(role: Role, *, document: Document, has_code: bool) -> Asked:
    """The question of someone who stands at the counter with a document."""
    person = Person.WITH_CODE if has_code else Person.WITHOUT_CODE
    return Asked(channel=Channel.COUNTER, person=person, role=role, document=document)


def line_to_ask(
    db: Session, keys: KeyRing, visit: Visit, slip: Slip | None, asked: Asked, *, power: Power, by: UUID, at: datetime
) -> int:
    """Tell which line of a slip the patient reads now; no code is spoken in vain.

    Args:
        db: a session that may read the results.
        keys: the staff programme's keys.
        visit: of the person who was compared.
        slip: what the reference found.
        asked: who would hand over, on which document.
        power: vouches for holds.
        by: staff id.
        at: now.

    Raises:
        NothingToHandOver: no such slip of this visit, no line, or the rule says not now.
        BiologistFirst: the biologist answers for this dossier.
    """
    now = standing(db, slip, site_id=visit.site_id, way=Way.COUNTER, call_id=visit.id, by=by, at=at)
    dossier = None if slip is None else db.get(Dossier, slip.dossier_id)
    if dossier is None or dossier.visit_id != visit.id or now.line is None:
        raise NothingToHandOver
    try:
        _, weighed = weigh(db, keys, dossier.id, asked, power=power, at=at)
    except NoSuchDossier:
        raise NothingToHandOver from None
    if weighed.course is Course.BIOLOGIST:
        raise BiologistFirst
    if weighed.course is not Course.TELL:
        raise NothingToHandOver
    return now.line


def hand_over(
    db: Session, keys: KeyRing, visit: Visit, patient: Patient, *, asked: Asked, reason: NoSlipReason | None,
    biologist: Callable[[], BiologistKeys], form: Form, power: Power, by: UUID, at: datetime, chance: Chance, key: str,
) -> Ready:  # fmt: skip
    """Hand a visit's results over without a code, as the signed matrix says; the same form does it once.

    The caller commits, then gives the paper to the spool.

    Args:
        db: a session that writes the results.
        keys: the staff programme's keys.
        visit: whose results.
        patient: the person who was compared.
        asked: who would hand over, on which document.
        reason: of a biologist for what is confidential.
        biologist: unlocked keys, asked for only when something confidential is opened.
        form: the roll at the counter.
        power: vouches for holds and signers.
        by: staff id.
        at: now.
        chance: gives ids and salts.
        key: of the form.

    Raises:
        PageAlreadyUsed: the form was sent for another visit.
        SealBroken: the biologist's keys do not open the dossier.
    """
    if before := answered(db, HandOver, visit.site_id, key):
        if before.visit_id != visit.id:
            raise PageAlreadyUsed
        return Ready(hand_over=before)
    try:
        dossier = dossier_of(db, keys, visit.id)
    except NoSuchDossier:
        return _refuse(db, visit, NothingToHandOver(), Why.NOTHING, by=by, at=at, chance=chance)
    decision, weighed = weigh(db, keys, dossier.id, asked, power=power, at=at)
    is_confidential = decision.release_class is not None and decision.release_class >= ReleaseClass.C2
    if weighed.course is Course.BIOLOGIST or (is_confidential and reason is None):
        return _refuse(db, visit, BiologistFirst(), Why.ROUTE, by=by, at=at, chance=chance)
    if weighed.course is not Course.TELL:
        return _refuse(db, visit, NothingToHandOver(), decision.why, by=by, at=at, chance=chance)
    private = None
    if is_confidential and reason is not None:
        versions = [db.get_one(ReportVersion, item) for item in weighed.items]
        private = open_dossier_key(
            db, dossier, versions, biologist(), purpose=Purpose.HAND_OVER, by=by, at=at, chance=chance
        )
        write(db, "results", Act.RELEASE_AGREED, by=by, at=at, chance=chance, dossier=dossier.id, reason=reason)
    try:
        bodies = open_reports(db, keys, weighed.items, private=private, verifiers=signers(db, keys, power))
    except DoesNotOpen:
        return _refuse(db, visit, NothingToHandOver(), Refused.SEALED, by=by, at=at, chance=chance)
    enter_release(
        db, weighed, site_id=visit.site_id, dossier_id=dossier.id, attempt_id=None, by=by, at=at, chance=chance
    )
    row = enter_hand_over(
        db, visit, dossier.id, decision, asked, reason=reason if is_confidential else None, by=by, at=at,
        chance=chance, key=key,
    )  # fmt: skip
    return Ready(hand_over=row, paper=paper_of(db, row, patient, weighed.items, bodies, power=power, form=form))


def enter_hand_over(
    db: Session, visit: Visit, dossier_id: UUID, decision: Decision, asked: Asked, *, reason: NoSlipReason | None,
    by: UUID, at: datetime, chance: Chance, key: str,
) -> HandOver:  # fmt: skip
    """Enter one hand-over, in the transaction that releases."""
    row = HandOver(
        id=uuid7(at, chance), site_id=visit.site_id, visit_id=visit.id, dossier_id=dossier_id,
        document=asked.document, reason=reason, is_sealed=decision.is_sealed, by=by, at=at, key=key,
    )  # fmt: skip
    db.add(row)
    write(db, "results", Act.RELEASE_HANDED, by=by, at=at, chance=chance, hand_over=row.id, dossier=dossier_id)
    return row


def hand_over_of(db: Session, visit_id: UUID, hand_over_id: UUID) -> HandOver:
    """One hand-over of a visit.

    Raises:
        NoHandOver: there is none.
    """
    row = db.get(HandOver, hand_over_id)
    if row is None or row.visit_id != visit_id:
        raise NoHandOver
    return row


def hand_over_by_form(db: Session, site_id: UUID, key: str) -> HandOver | None:
    """The hand-over that a form has made."""
    return answered(db, HandOver, site_id, key)


def paper_of(
    db: Session, row: HandOver, patient: Patient, items: Items, bodies: Sequence[Body], *, power: Power, form: Form
) -> Paper:  # fmt: skip
    """Make the paper of what was just released: secret, printed once, forgotten when it is in the spool.

    Raises:
        DoesNotOpen: a version that nobody has signed.
    """

    def line(s: str, largest: int, smallest: int, *, bold: bool = False) -> Text:
        """A line in the dots of the roll's head; its tables are in eighths of a millimetre."""
        dots = form.dpmm / ROLL_80.dpmm
        return Text(s=s, size_max=round(largest * dots), size_min=round(smallest * dots), bold=bold)

    parts: list[Text | Feed | Cut] = [
        line(f"{patient.birth_name.upper()} {patient.given_names}", 32, 24, bold=True),
        line(f"né(e) le {birth_date_words(patient.birth_date)}", 26, 22),
        Feed(dots=2 * form.dpmm),
    ]
    for (report_id, number), body in zip(items, bodies, strict=True):
        version = db.get_one(ReportVersion, (report_id, number))
        if version.signer is None:
            raise DoesNotOpen
        columns = COLUMNS * form.width_mm // ROLL_80.width_mm
        words = _words(body, biologist=staff_of(db, version.signer, power).name, columns=columns)
        for written in words.split("\n"):
            # A sign that no printer writes becomes a blank.
            clean = "".join(sign if sign.isprintable() else " " for sign in written)
            parts.append(line(clean, 26, 20) if clean.strip() else Feed(dots=form.dpmm * 3 // 2))
        parts.append(Feed(dots=3 * form.dpmm))
    return Paper(
        kind="report",
        form=form,
        items=(*parts, Feed(dots=5 * form.dpmm), Cut()),
        key=key_of(row),
        expires_s=EXPIRES_S,
        on_expiry="void",
        secret=True,
    )


def key_of(row: HandOver) -> str:
    """The key of a hand-over's print job."""
    return f"report/{row.id}/1"


def _refuse(
    db: Session, visit: Visit, refusal: Conflict, why: StrEnum, *, by: UUID, at: datetime, chance: Chance
) -> Ready:
    write(db, "results", Act.RELEASE_REFUSED, by=by, at=at, chance=chance, visit=visit.id, why=why)
    return Ready(refusal=refusal)


def _words(body: Body, *, biologist: str, columns: int) -> str:
    if body.kind is not BodyKind.MESSAGE:
        raise DoesNotOpen
    return write_report(assemble([Message.read(body.content)]), biologist=biologist, width=columns)
