"""A discreet visit: nobody but the person learns of it here; marked at the counter, decided by a biologist."""

from collections.abc import Collection
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    Enum,
    Index,
    LargeBinary,
    String,
    UniqueConstraint,
    bindparam,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.register.accounts import vouch, vouched
from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime
from kiosk.register.errors import Conflict, NotFound
from kiosk.register.journal import Act, write
from kiosk.register.once import PageAlreadyUsed, answered
from kiosk.register.staff import Power
from kiosk.register.visits import Visit

#: For so long a settled mark is looked at again: somebody may have written it who must not.
_LOOKED_AT_AGAIN: Final = timedelta(days=30)


class Decision(StrEnum):
    """What the biologist says of it before the draw."""

    KEPT = "kept"
    LIFTED = "lifted"  #: an ordinary visit after all


class DiscreetVisit(Base):
    """A visit that stands in no list, on no paper and in no reminder; a mark that nobody vouches for closes too."""

    __tablename__ = "discreet_visit"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index(None, "site_id", "at"),
        CheckConstraint("(decision IS NULL) = (decided_at IS NULL)", name="decided"),
        CheckConstraint("(confirmed_by IS NULL) = (confirmed_at IS NULL)", name="confirmed"),
        {"schema": STAFF_ONLY},
    )
    keep = "10 years: traces of care"

    #: The visit, in the register.
    visit_id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    by: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    decision: Mapped[Decision | None] = mapped_column(Enum(Decision, native_enum=False, length=6, values_callable=list))
    decided_by: Mapped[UUID | None]
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: Who has seen in the laboratory system that the order is exposed to nobody.
    confirmed_by: Mapped[UUID | None]
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: The form that asked for it.
    key: Mapped[str] = mapped_column(String(32))
    #: HMAC of the row: without it nothing is decided and nothing confirmed.
    mac: Mapped[bytes] = mapped_column(LargeBinary(32))


class NotDiscreet(NotFound):
    """This visit is not, or no longer, a discreet one; look at the list again."""

    french = "Ce passage n'est pas, ou n'est plus, une visite discrète. Regardez la liste à nouveau."


class DecisionFirst(Conflict):
    """The biologist decides on a discreet visit before the draw; call her, the person waits at the counter."""

    french = "Le biologiste décide d'abord de cette visite discrète. Prévenez-le : la personne reste au guichet."


def mark_discreet(
    db: Session, visit: Visit, *, by: UUID, power: Power, at: datetime, chance: Chance, key: str
) -> DiscreetVisit:
    """Mark a visit as discreet from now on; marked again after a biologist has lifted it, she decides again.

    Args:
        db: a session that writes the results.
        by: staff id.
        power: vouches for the row.
        at: now.
        chance: gives the journal's salt.
        key: of the form.

    Raises:
        PageAlreadyUsed: the form was sent for another visit.
    """
    if before := answered(db, DiscreetVisit, visit.site_id, key):
        if before.visit_id != visit.id:
            raise PageAlreadyUsed
        return before
    row = db.get(DiscreetVisit, visit.id, with_for_update=True)
    if row is not None and not _is_lifted(row, power):
        return row
    if row is None:
        row = DiscreetVisit(visit_id=visit.id, site_id=visit.site_id)
        db.add(row)
    row.by, row.at, row.key = by, at, key
    row.decision = row.decided_by = row.decided_at = row.confirmed_by = row.confirmed_at = None
    vouch(row, power)
    write(db, "results", Act.VISIT_DISCREET, by=by, at=at, chance=chance, visit=visit.id)
    return row


def decide(
    db: Session, visit_id: UUID, decision: Decision, *, by: UUID, power: Power, at: datetime, chance: Chance
) -> None:
    """Keep or lift a discreet visit, a biologist's act.

    Raises:
        NotDiscreet: it is none, or was lifted.
    """
    row = _standing(db, visit_id, power)
    row.decision, row.decided_by, row.decided_at = decision, by, at
    vouch(row, power)
    write(db, "results", Act.VISIT_DISCRETION, by=by, at=at, chance=chance, visit=visit_id, decision=decision)


def confirm(db: Session, visit_id: UUID, *, by: UUID, power: Power, at: datetime, chance: Chance) -> None:
    """Confirm that a person has seen in the laboratory system that this order is exposed to no representative.

    Raises:
        NotDiscreet: it is none, or was lifted.
    """
    row = _standing(db, visit_id, power)
    if vouched(row, power) and row.confirmed_at is not None:
        return
    row.confirmed_by, row.confirmed_at = by, at
    vouch(row, power)
    write(db, "results", Act.VISIT_UNEXPOSED, by=by, at=at, chance=chance, visit=visit_id)


def discretion_of(db: Session, visit_id: UUID, power: Power) -> DiscreetVisit | None:
    """The mark of a visit that stands, None for an ordinary visit."""
    row = db.get(DiscreetVisit, visit_id)
    return None if row is None or _is_lifted(row, power) else row


def is_lifted(db: Session, visit_id: UUID, power: Power) -> bool:
    """Whether a biologist has lifted a visit's mark."""
    row = db.get(DiscreetVisit, visit_id)
    return row is not None and _is_lifted(row, power)


def discreet_among(db: Session, visit_ids: Collection[UUID], power: Power) -> frozenset[UUID]:
    """Which of these visits are discreet ones."""
    rows = db.scalars(select(DiscreetVisit).where(DiscreetVisit.visit_id.in_(visit_ids))) if visit_ids else ()
    return frozenset(row.visit_id for row in rows if not _is_lifted(row, power))


def undecided_among(db: Session, visit_ids: Collection[UUID], power: Power | None) -> frozenset[UUID]:
    """Which of these visits wait for a biologist's decision; whoever can vouch for nothing holds every mark so."""
    rows = db.scalars(select(DiscreetVisit).where(DiscreetVisit.visit_id.in_(visit_ids))) if visit_ids else ()
    return frozenset(row.visit_id for row in rows if power is None or awaits_decision(row, power))


def awaits_no_decision() -> ColumnElement[bool]:
    """Whether a visit has no mark that nobody has decided on, as part of a statement that is built once."""
    undecided = select(DiscreetVisit.visit_id).where(
        DiscreetVisit.visit_id == Visit.id, DiscreetVisit.decision.is_(None)
    )
    return ~undecided.correlate(Visit).exists()


def awaits_decision(row: DiscreetVisit, power: Power) -> bool:
    """Whether no biologist has decided on it yet."""
    return row.decision is None or not vouched(row, power)


def awaits_confirmation(row: DiscreetVisit, power: Power) -> bool:
    """Whether nobody has confirmed yet that the laboratory system exposes it to no one."""
    return row.confirmed_at is None or not vouched(row, power)


#: Built once: the menu of every page asks.
_TO_LOOK_AT: Final = (
    select(DiscreetVisit)
    .where(
        DiscreetVisit.site_id == bindparam("site"),
        DiscreetVisit.decision.is_(None)
        | DiscreetVisit.confirmed_at.is_(None)
        | (DiscreetVisit.at > bindparam("since")),
    )
    .order_by(DiscreetVisit.at)
)


def open_tasks(db: Session, site_id: UUID, power: Power, *, at: datetime) -> list[DiscreetVisit]:
    """The discreet visits that wait for a decision or for a confirmation, oldest first.

    What says that it is settled is believed after a while without asking who wrote it: nobody can act on it any more.
    """
    return [
        row
        for row in db.scalars(_TO_LOOK_AT, {"site": site_id, "since": at - _LOOKED_AT_AGAIN})
        if not _is_lifted(row, power) and (awaits_decision(row, power) or awaits_confirmation(row, power))
    ]


def _standing(db: Session, visit_id: UUID, power: Power) -> DiscreetVisit:
    row = db.get(DiscreetVisit, visit_id, with_for_update=True)
    if row is None or _is_lifted(row, power):
        raise NotDiscreet
    return row


def _is_lifted(row: DiscreetVisit, power: Power) -> bool:
    return row.decision is Decision.LIFTED and vouched(row, power)
