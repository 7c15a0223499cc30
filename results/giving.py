"""How the results of a visit will be given, and the slip on its way from the desk to paper."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.booking.discretion import DecisionFirst, DiscreetVisit, awaits_decision, discretion_of
from kiosk.counter.passage import advance
from kiosk.door.answers import confirmed
from kiosk.exams.catalogue import ReleaseClass
from kiosk.exams.prescriptions import NoPrescription, exams_of
from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, Database, UtcDateTime, uuid7
from kiosk.register.errors import Conflict, Invalid
from kiosk.register.once import PageAlreadyUsed, answered
from kiosk.register.patients import Document, patient_of
from kiosk.register.staff import Power
from kiosk.register.visits import Verb, Visit
from labels.tubes import tubes_of
from printers.errors import ImpossibleMove
from printers.moves import State as Printed
from printers.moves import Verb as Printing
from printers.rows import Job
from printers.spool import Spool
from results.vault.dossiers import Dossier, Slip, SlipState, Wish, dossier_of, open_dossier
from results.vault.keys import KeyRing
from results.vault.slips import (
    IssuedSlip,
    PreparedSlip,
    SlipAlreadyEnded,
    confirm_slip,
    issue_slip,
    void_slip,
)

#: A slip that nobody has confirmed by then is void (release note, section 7).
CONFIRMED_WITHIN: Final = timedelta(minutes=2)
#: Between the commit of a slip and its paper in the spool.
_ON_ITS_WAY: Final = timedelta(seconds=15)
#: Wishes that this desk may note; the others belong to other acts.
WISHES: Final = (Wish.IN_PERSON_ONLY, Wish.NOBODY_ELSE, Wish.LETTER_ASKED, Wish.MINOR_SECRET)
#: Under this name the print station's word is written in the journal.
STATION: Final = "station"


class Preference(StrEnum):
    """How the patient would like to get the results."""

    PORTAL = "portal"
    PICKUP = "pickup"
    LETTER = "letter"
    PHONE = "phone"
    PHYSICIAN = "physician"  #: the physician alone gets them


class Delivery(Base):
    """What was said at the counter of how a visit's results are given; each saving is a row, the newest counts."""

    __tablename__ = "delivery"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index(None, "visit_id", "at"),
        CheckConstraint("NOT wants_phone OR document IS NOT NULL", name="phone_means_document"),
        {"schema": STAFF_ONLY},
    )
    keep = "promised hour + 90 days, with its dossier"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    #: The visit, in the register.
    visit_id: Mapped[UUID]
    preference: Mapped[Preference] = mapped_column(Enum(Preference, native_enum=False, length=9, values_callable=list))
    #: The answer to the one question that everyone is asked.
    wants_phone: Mapped[bool]
    #: Kind of identity document seen for the slip; nothing of it is copied.
    document: Mapped[Document | None] = mapped_column(
        Enum(Document, native_enum=False, length=18, values_callable=list)
    )
    by: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    key: Mapped[str] = mapped_column(String(32))


class SlipOrder(Base):
    """Which form asked for which slip, so that the same form makes no second one."""

    __tablename__ = "slip_order"
    __table_args__ = (UniqueConstraint("site_id", "key"), {"schema": STAFF_ONLY})
    keep = "as its slip"

    slip_id: Mapped[UUID] = mapped_column(ForeignKey(f"{STAFF_ONLY}.slip.id"), primary_key=True)
    site_id: Mapped[UUID]
    visit_id: Mapped[UUID]
    key: Mapped[str] = mapped_column(String(32))


class NobodyRecognised(Conflict):
    """Results belong to a person; recognise the person of this visit first."""

    french = "Personne n'est encore reconnu pour ce passage. Ouvrez ou créez le dossier d'abord."


class NotChosen(Conflict):
    """Nobody has said how this visit's results are given; choose it first."""

    french = "Choisissez d'abord comment les résultats seront donnés."


class NoPhoneWished(Conflict):
    """The patient has not asked for results by telephone; ask the question first."""

    french = "Posez d'abord la question du téléphone, puis regardez la pièce d'identité."


class NotAnswered(Invalid):
    """The question of the telephone is asked of everyone; choose yes or no."""

    french = "Posez la question du téléphone et cochez la réponse."


class NoWay(Invalid):
    """Results are given in one of the ways of the list; choose one."""

    french = "Cochez comment les résultats seront donnés."


class SlipUnderWay(Conflict):
    """A slip is still on its way to paper; say whether it came out before the patient leaves the counter."""

    french = "Le talon n'est pas encore confirmé. Regardez s'il est sorti avant que la personne s'en aille."


#: What is answered to the kiosk's question, as a way of this desk; who does not know has not chosen.
_ANSWERED: Final[Mapping[str, Preference]] = MappingProxyType({
    "online": Preference.PORTAL, "pick_up": Preference.PICKUP, "post": Preference.LETTER, "phone": Preference.PHONE,
    "doctor": Preference.PHYSICIAN,
})  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Wished:
    """The way that was confirmed at the counter before this page was opened."""

    preference: Preference
    #: The patient had said the very same at the kiosk.
    at_kiosk: bool


@dataclass(frozen=True, kw_only=True, repr=False)
class Bearer:
    """Who a slip is made for."""

    dossier_id: UUID
    #: YYYYMMDD as on file, so that the PIN is not made of it.
    birth_date: str
    promised_at: datetime


def choose(
    db: Session,
    keys: KeyRing,
    visit: Visit,
    *,
    preference: Preference,
    wants_phone: bool,
    document: Document | None,
    wishes: Collection[Wish],
    promise_minutes: Mapping[str, int],
    by: UUID,
    at: datetime,
    chance: Chance,
    key: str,
) -> Delivery:
    """Keep how a visit's results are given and open its dossier, slip or not; asked again by the same form, the same.

    Args:
        db: a session that writes the results.
        keys: the staff programme's keys.
        visit: whose patient is recognised and whose prescription is entered.
        preference: the way that the patient would like.
        wants_phone: the answer to the question that everyone is asked.
        document: the identity document seen; needed on a yes.
        wishes: what the patient closes or asks for; that the number given with it is their own.
        promise_minutes: release class -> minutes from registration to the promised hour.
        key: the form's own key.

    Raises:
        NobodyRecognised, NoPrescription: nothing is opened.
        NoSuchDossier: somebody else changed the one that was open.
        PageAlreadyUsed: the form was sent for another visit.
    """
    if before := answered(db, Delivery, visit.site_id, key):
        if before.visit_id != visit.id:
            raise PageAlreadyUsed
        return before
    patient, exams = patient_of(db, visit.id), exams_of(db, visit.id)
    if patient is None:
        raise NobodyRecognised
    if not exams:
        raise NoPrescription
    classes = {exam.release_class for exam in exams}
    known = db.scalar(select(Dossier).where(Dossier.site_id == visit.site_id, Dossier.visit_id == visit.id))
    promised = promised_hour(classes, promise_minutes, at=known.opened_at if known else at)
    kept = known.wished.difference(WISHES, {Wish.OWN_NUMBER}) if known else frozenset()
    if db.get(DiscreetVisit, visit.id) is not None:
        kept |= {Wish.DISCREET}
    open_dossier(
        db, keys, site_id=visit.site_id, visit_id=visit.id, birth_date=patient.birth_date, classes=classes,
        wishes=kept | set(wishes), by=by, at=at, chance=chance,
        # The hour on a slip that is out never comes nearer.
        promised_at=max(promised, known.promised_at) if known else promised,
    )  # fmt: skip
    row = Delivery(
        id=uuid7(at, chance), site_id=visit.site_id, visit_id=visit.id, preference=preference,
        wants_phone=wants_phone, document=document if wants_phone else None, by=by, at=at, key=key,
    )  # fmt: skip
    db.add(row)
    return row


def promised_hour(
    classes: Collection[ReleaseClass | None], promise_minutes: Mapping[str, int], *, at: datetime
) -> datetime:
    """Compute the promised hour: the longest promise of the classes expected.

    A class without a promise, or an analysis without a class, waits as long as the longest promise of all.
    """
    longest = max(promise_minutes.values())
    minutes = [promise_minutes.get(one, longest) if one else longest for one in classes]
    return at + timedelta(minutes=max(minutes, default=longest))


def delivery_of(db: Session, visit_id: UUID) -> Delivery | None:
    """How a visit's results are given, None before it was asked."""
    rows = select(Delivery).where(Delivery.visit_id == visit_id).order_by(Delivery.at.desc(), Delivery.id.desc())
    return db.scalars(rows).first()


def wished_before(db: Session, visit_id: UUID) -> Wished | None:
    """The way of the kiosk's question as it was confirmed at the counter; None where nobody has confirmed one.

    What was only touched at the kiosk is not enough: nobody has looked who stood there.
    """
    row = confirmed(db, visit_id).get("delivery")
    if row is None or row.answer not in _ANSWERED:
        return None
    return Wished(preference=_ANSWERED[row.answer], at_kiosk=row.patient_said == row.answer)


def bearer_of(db: Session, keys: KeyRing, visit: Visit) -> Bearer:
    """Who a slip may be made for now.

    Raises:
        NobodyRecognised, NoPhoneWished, NoSuchDossier: no slip is made.
    """
    patient, chosen = patient_of(db, visit.id), delivery_of(db, visit.id)
    if patient is None:
        raise NobodyRecognised
    if chosen is None or not chosen.wants_phone:
        raise NoPhoneWished
    dossier = dossier_of(db, keys, visit.id)
    return Bearer(dossier_id=dossier.id, birth_date=patient.birth_date, promised_at=dossier.promised_at)


def order_slip(
    db: Session,
    keys: KeyRing,
    visit: Visit,
    prepared: PreparedSlip,
    *,
    by: UUID,
    at: datetime,
    chance: Chance,
    key: str,
) -> IssuedSlip | None:
    """Issue a slip for a form, once; None for a form whose slip is made already: its codes exist no more.

    Raises:
        ReissueNeeded, KeyChanged, NoSuchDossier: nothing is issued.
        PageAlreadyUsed: the form was sent for another visit.
    """
    if before := answered(db, SlipOrder, visit.site_id, key):
        if before.visit_id != visit.id:
            raise PageAlreadyUsed
        return None
    issued = issue_slip(db, keys, prepared, by=by, at=at, chance=chance)
    db.add(SlipOrder(slip_id=issued.slip_id, site_id=visit.site_id, visit_id=visit.id, key=key))
    return issued


def slip_of(db: Session, visit_id: UUID) -> Slip | None:
    """The slip of a visit: the one that is not void, else the newest."""
    newest = (
        select(Slip)
        .join(Dossier, Dossier.id == Slip.dossier_id)
        .where(Dossier.visit_id == visit_id)
        .order_by(Slip.state == SlipState.VOID, Slip.issued_at.desc())
    )
    return db.scalars(newest).first()


def job_of(spool: Spool, slip_id: UUID) -> Job | None:
    """The print job of a slip; a slip is printed once, so there is one."""
    return spool.job(f"slip/{slip_id}/1")


def send_on(db: Session, visit: Visit, *, power: Power, by: str, at: datetime, chance: Chance, key: str) -> Verb:
    """Let a visit go on once its results' way is chosen: to the draw, or home when nothing is drawn.

    Args:
        db: a session that writes the register.
        power: vouches for a decision.

    Returns:
        SEND or LEAVE.

    Raises:
        NotChosen, SlipUnderWay, DecisionFirst, NotNow: the visit stays.
    """
    if delivery_of(db, visit.id) is None:
        raise NotChosen
    slip = slip_of(db, visit.id)
    if slip is not None and slip.state is SlipState.PRINTING:
        raise SlipUnderWay
    mark = discretion_of(db, visit.id, power)
    if mark is not None and awaits_decision(mark, power):
        raise DecisionFirst
    verb = Verb.SEND if tubes_of(db, visit) else Verb.LEAVE
    # A visit with tubes is registered by its labels; without, it leaves from where it stands.
    advance(db, visit, verb, by=by, at=at, chance=chance, key=key)
    return verb


def follow_slips(database: Database, spool: Spool, *, at: datetime, chance: Chance) -> int:
    """Turn what the printer says of each slip into its state; asked every second, it does nothing when nothing moved.

    Confirmed paper makes a slip valid. What is unsure, void, missing or two minutes old makes it void: its codes may
    lie anywhere, and another one is made.

    Args:
        database: opens one transaction for each slip that moves.
        spool: where the jobs are.

    Returns:
        How many slips moved.
    """
    with database.reading() as db:
        printing = list(db.scalars(select(Slip).where(Slip.state == SlipState.PRINTING)))
    moved = 0
    for slip in printing:
        after = _what_became(slip, job_of(spool, slip.id), at)
        if after is SlipState.PRINTING:
            continue
        moved += _end_printing(database, slip.id, after, at=at, chance=chance)
        if after is SlipState.VOID:
            drop_paper(spool, slip.id, by=STATION, at=at)
    return moved


def drop_paper(spool: Spool, slip_id: UUID, *, by: str, at: datetime) -> None:
    """Keep the paper of a void slip from coming out later."""
    job = job_of(spool, slip_id)
    if job is None or job.state not in {Printed.QUEUED, Printed.HELD, Printed.NOT_SENT}:
        return
    try:
        spool.move(job.key, Printing.DROP, by=by, at=at, reason="slip void")
    except ImpossibleMove:
        return  # the station was faster; the slip is void all the same


def _what_became(slip: Slip, job: Job | None, at: datetime) -> SlipState:
    if job is not None and job.state is Printed.CONFIRMED:
        return SlipState.VALID
    is_lost = job is not None and job.state in {Printed.UNSURE, Printed.VOID}
    is_missing = job is None and at - slip.issued_at >= _ON_ITS_WAY
    is_late = at - slip.issued_at >= CONFIRMED_WITHIN
    return SlipState.VOID if is_lost or is_missing or is_late else SlipState.PRINTING


def _end_printing(database: Database, slip_id: UUID, after: SlipState, *, at: datetime, chance: Chance) -> bool:
    end = confirm_slip if after is SlipState.VALID else void_slip
    try:
        with database.transaction("results") as db:
            slip = db.get(Slip, slip_id, with_for_update=True)
            if slip is None or slip.state is not SlipState.PRINTING:
                return False  # a person was faster
            end(db, slip_id, by=STATION, at=at, chance=chance)
    except SlipAlreadyEnded:
        return False
    return True
