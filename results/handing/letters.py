"""Results that go by post: which are due as the signed table says, made one at a time, each proved, then posted."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Enum, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime, uuid7
from kiosk.register.errors import Conflict, NotFound
from kiosk.register.journal import Act, write
from kiosk.register.once import PageAlreadyUsed, answered
from kiosk.register.patients import Patient, patient_of
from kiosk.register.staff import Power
from kiosk.register.visits import Visit, visit_of
from printers.paper import Form, Paper
from results.giving import Delivery, Preference, delivery_of
from results.handing.hand_over_record import key_of, signed_papers
from results.handing.hand_over_rule import Biologist, NothingToHandOver, open_for_paper
from results.matrix import Channel, Person
from results.release import Decision, Role
from results.vault.dossiers import Dossier, NoSuchDossier, dossier_of
from results.vault.keys import KeyRing
from results.vault.releases import Course, ReleaseAct, Weighed, enter_release
from results.vault.sealing import DoesNotOpen
from results.weighing import Asked, weigh

#: Whoever wished a letter longer ago has their bodies purged.
_DUE_WITHIN: Final = timedelta(days=90)


class Again(StrEnum):
    """Why an envelope is made once more."""

    SPOILT = "spoilt"  #: the paper did not come out whole
    RETURNED = "returned"  #: it came back, or never arrived


class Letter(Base):
    """One envelope made for the post; nothing of its content, and no address."""

    __tablename__ = "letter"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index(None, "site_id", "at"),
        Index(None, "visit_id"),
        CheckConstraint("(posted_by IS NULL) = (posted_at IS NULL)", name="posted"),
        {"schema": STAFF_ONLY},
    )
    keep = "10 years: diffusion traces (L.1142-28 CSP)"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    visit_id: Mapped[UUID]
    dossier_id: Mapped[UUID]
    #: The route's class: from C2 on it says how many sheets an envelope has.
    release_class: Mapped[ReleaseClass] = mapped_column(
        Enum(ReleaseClass, native_enum=False, length=2, values_callable=list)
    )
    #: How many sheets were made.
    sheets: Mapped[int]
    #: Why it was made once more; empty for the first.
    again: Mapped[Again | None] = mapped_column(Enum(Again, native_enum=False, length=8, values_callable=list))
    by: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    posted_by: Mapped[UUID | None]
    posted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: The form that asked for it.
    key: Mapped[str] = mapped_column(String(32))


class AlreadyMade(Conflict):
    """This envelope was made already; made once more, it needs a reason."""

    french = "Ce pli est déjà fait. Pour le refaire, choisissez pourquoi."


class NoLetter(NotFound):
    """There is no such envelope, or it was posted; look at the list again."""

    french = "Ce pli n'est plus dans la liste. Regardez-la à nouveau."


@dataclass(frozen=True, kw_only=True)
class Due:
    """Somebody whose results may go by post now."""

    visit: Visit
    patient: Patient
    release_class: ReleaseClass


@dataclass(frozen=True, kw_only=True, repr=False)
class Made:
    """An envelope and its sheets, or why there is none: said after the commit, so that the journal keeps it."""

    letter: Letter | None = None
    papers: tuple[Paper, ...] = ()
    refusal: Conflict | None = None


def letters_due(db: Session, keys: KeyRing, site_id: UUID, role: Role, *, power: Power, at: datetime) -> list[Due]:
    """Whose results this person may put in an envelope for the post now, the oldest wish first.

    Whoever is closed to letters, or whose newest word is already in an envelope, is not among them.
    """
    wished = (
        select(Delivery)
        .where(Delivery.site_id == site_id, Delivery.preference == Preference.LETTER, Delivery.at > at - _DUE_WITHIN)
        .order_by(Delivery.at, Delivery.id)
    )
    found = []
    for row in db.scalars(wished):
        newest, patient = delivery_of(db, row.visit_id), patient_of(db, row.visit_id)
        if newest is None or newest.id != row.id or patient is None:
            continue
        decision, weighed = _weigh(db, keys, row.visit_id, role, power=power, at=at)
        if weighed is None or decision is None or decision.release_class is None or weighed.course is not Course.TELL:
            continue
        if not _is_made(db, weighed):
            visit = visit_of(db, row.visit_id)
            found.append(Due(visit=visit, patient=patient, release_class=decision.release_class))
    return found


def make_letter(
    db: Session, keys: KeyRing, visit: Visit, patient: Patient, *, role: Role, again: Again | None,
    biologist: Biologist, form: Form, power: Power, by: UUID, at: datetime, chance: Chance, key: str,
    address: Sequence[str] = (),
) -> Made:  # fmt: skip
    """Make one envelope for the post; the same form makes it once. The caller commits, then gives the paper out.

    Args:
        db: a session that writes the results.
        keys: the staff programme's keys.
        role: as what the person at the desk acts.
        again: why it is made once more, None for the first.
        biologist: unlocked keys, asked for only when something confidential is opened.
        form: the roll at the counter, or A4.
        power: vouches for holds and signers.
        by: staff id.
        key: of the form.
        address: on an A4 letter, what shows through its window; it is kept nowhere.

    Raises:
        AlreadyMade: the newest word is in an envelope, and no reason is given.
        PageAlreadyUsed: the form was sent for another visit.
    """
    if before := answered(db, Letter, visit.site_id, key):
        if before.visit_id != visit.id:
            raise PageAlreadyUsed
        return Made(letter=before)
    decision, weighed = _weigh(db, keys, visit.id, role, power=power, at=at)
    if decision is None or weighed is None or decision.release_class is None or weighed.course is not Course.TELL:
        return _refuse(db, visit, by=by, at=at, chance=chance)
    if again is None and _is_made(db, weighed):
        raise AlreadyMade
    dossier = dossier_of(db, keys, visit.id)
    try:
        bodies = open_for_paper(
            db, keys, dossier, weighed, is_confidential=decision.release_class >= ReleaseClass.C2, biologist=biologist,
            by=by, power=power, at=at, chance=chance,
        )  # fmt: skip
    except DoesNotOpen:
        return _refuse(db, visit, by=by, at=at, chance=chance)
    enter_release(
        db, weighed, site_id=visit.site_id, dossier_id=dossier.id, attempt_id=None, by=by, at=at, chance=chance
    )
    row = Letter(
        id=uuid7(at, chance), site_id=visit.site_id, visit_id=visit.id, dossier_id=dossier.id,
        release_class=decision.release_class, sheets=0, again=again, by=by, at=at, posted_by=None, posted_at=None,
        key=key,
    )  # fmt: skip
    papers = signed_papers(
        db, key_of(row.id), patient, weighed.items, bodies, release_class=row.release_class, power=power, form=form,
        address=address,
    )  # fmt: skip
    row.sheets = len(papers)
    db.add(row)
    write(db, "results", Act.RELEASE_SENT, by=by, at=at, chance=chance, letter=row.id, dossier=dossier.id)
    return Made(letter=row, papers=papers)


def letters_since(db: Session, site_id: UUID, since: datetime) -> list[Letter]:
    """The envelopes of a batch, in the order made."""
    return list(db.scalars(select(Letter).where(Letter.site_id == site_id, Letter.at >= since).order_by(Letter.at)))


def letter_of(db: Session, letter_id: UUID) -> Letter:
    """One envelope.

    Raises:
        NoLetter: there is none.
    """
    row = db.get(Letter, letter_id)
    if row is None:
        raise NoLetter
    return row


def post_letter(db: Session, letter_id: UUID, *, by: UUID, at: datetime, chance: Chance) -> None:
    """Note that an envelope was closed and given to the post.

    Raises:
        NoLetter: there is none, or it was posted.
    """
    row = db.get(Letter, letter_id, with_for_update=True)
    if row is None or row.posted_at is not None:
        raise NoLetter
    row.posted_by, row.posted_at = by, at
    write(db, "results", Act.RELEASE_POSTED, by=by, at=at, chance=chance, letter=row.id)


def _weigh(
    db: Session, keys: KeyRing, visit_id: UUID, role: Role, *, power: Power, at: datetime
) -> tuple[Decision | None, Weighed | None]:
    try:
        dossier: Dossier = dossier_of(db, keys, visit_id)
    except NoSuchDossier:
        return None, None
    asked = Asked(channel=Channel.LETTER, person=Person.WITHOUT_CODE, role=role)
    return weigh(db, keys, dossier.id, asked, power=power, at=at)


def _is_made(db: Session, weighed: Weighed) -> bool:
    """Whether every report, in the very version that stands, is in an envelope already."""
    return all(
        db.scalars(
            select(ReleaseAct.id).where(
                ReleaseAct.report_id == report_id, ReleaseAct.version == version, ReleaseAct.channel == Channel.LETTER
            )
        ).first()
        is not None
        for report_id, version in weighed.items
    )


def _refuse(db: Session, visit: Visit, *, by: UUID, at: datetime, chance: Chance) -> Made:
    write(db, "results", Act.RELEASE_REFUSED, by=by, at=at, chance=chance, visit=visit.id)
    return Made(refusal=NothingToHandOver())
