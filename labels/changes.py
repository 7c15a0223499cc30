"""What a person changes in the plan of a visit, with a reason: a tube more, a tube less, an exam in its own tube."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, Enum, ForeignKey, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.exams.prescriptions import NoPrescription, Settled, prescription_of
from kiosk.register import journal
from kiosk.register.clock import Chance
from kiosk.register.database import Base, UtcDateTime, uuid7
from kiosk.register.errors import Conflict, NotFound
from kiosk.register.journal import Act
from kiosk.register.once import answered
from kiosk.register.visits import Visit
from labels.planning.kinds import Kind
from labels.planning.planned import Change, Plan, Wish
from labels.tubes import read_reason


class PlanChange(Base):
    """One change of a plan before its labels are numbered; taken back it stays, with who took it back."""

    __tablename__ = "plan_change"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index(None, "visit_id"),
        CheckConstraint("(undone_at IS NULL) = (undone_by IS NULL)", name="undone"),
    )
    keep = "10 years: traces of care"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("visit.id"))
    change: Mapped[Change] = mapped_column(Enum(Change, native_enum=False, length=8, values_callable=list))
    kind: Mapped[Kind] = mapped_column(Enum(Kind, native_enum=False, length=16, values_callable=list))
    #: Act codes of the tube that is removed, or of the exam that is split off.
    exams: Mapped[list[str]] = mapped_column(JSON)
    #: Minutes after the first draw, for a timed test only.
    minutes: Mapped[int | None]
    reason: Mapped[str] = mapped_column(String(120))
    by: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    undone_by: Mapped[str | None] = mapped_column(String(40))
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: The form that asked for it; the same form is the same change.
    key: Mapped[str] = mapped_column(String(32))

    @property
    def wish(self) -> Wish:
        """The change as the plan follows it."""
        return Wish(
            change=self.change, kind=self.kind, exams=tuple(self.exams), minutes=self.minutes, reason=self.reason
        )


class NotInThisPlan(Conflict):
    """The plan has changed since it was shown; look at the new plan, then change it."""

    french = "Le plan n'est plus celui que vous avez vu. Regardez le nouveau plan, puis modifiez-le."


class NoSuchChange(NotFound):
    """This change was taken back already; look at the plan again."""

    french = "Cette modification est déjà retirée. Regardez le plan à nouveau."


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A change as the screen lists it."""

    row: PlanChange
    #: Whether the plan of the prescription as it is now could follow it.
    followed: bool


def changes_of(db: Session, visit: Visit) -> list[PlanChange]:
    """Give the changes of a visit that hold, in the order made."""
    return list(
        db.scalars(
            select(PlanChange)
            .where(PlanChange.visit_id == visit.id, PlanChange.undone_at.is_(None))
            .order_by(PlanChange.at, PlanChange.id)
        )
    )


def shown(changes: Sequence[PlanChange], plan: Plan) -> list[Shown]:
    """Say of each change whether the plan follows it; of two equal ones, as many as it followed."""
    left = list(plan.followed)
    told = []
    for row in changes:
        followed = row.wish in left
        if followed:
            left.remove(row.wish)
        told.append(Shown(row=row, followed=followed))
    return told


def change_plan(
    db: Session, visit: Visit, plan: Plan, wish: Wish, *, by: str, at: datetime, chance: Chance, key: str
) -> PlanChange:
    """Keep a change of a plan whose labels are not numbered yet; the same form is the same change.

    Args:
        plan: the plan as it is now, with the changes before this one.
        wish: what to change, and why.

    Raises:
        NoPrescription, Settled, NotInThisPlan, ReasonToGive: nothing is changed.
    """
    before = answered(db, PlanChange, visit.site_id, key)
    if before is not None:
        return before
    _still_open(db, visit)
    reason = read_reason(wish.reason)
    there = {
        Change.ADD: not wish.exams and wish.minutes is None,
        Change.REMOVE: any(
            (tube.kind, tube.exams, tube.minutes) == (wish.kind, wish.exams, wish.minutes) for tube in plan.tubes
        ),
        # An exam that is alone already has its own tube.
        Change.SPLIT: len(wish.exams) == 1
        and wish.minutes is None
        and any(tube.kind is wish.kind and set(wish.exams) < set(tube.exams) for tube in plan.tubes),
    }[wish.change]
    if not there:
        raise NotInThisPlan
    row = PlanChange(
        id=uuid7(at, chance), site_id=visit.site_id, visit_id=visit.id, change=wish.change, kind=wish.kind,
        exams=list(wish.exams), minutes=wish.minutes, reason=reason, by=by, at=at, key=key,
    )  # fmt: skip
    db.add(row)
    journal.write(db, "register", Act.PLAN_CHANGED, by=by, at=at, chance=chance, visit=visit.id, change=wish.change)
    return row


def undo_change(db: Session, visit: Visit, change_id: UUID, *, by: str, at: datetime, chance: Chance) -> None:
    """Take a change back; the row stays.

    Raises:
        NoPrescription, Settled, NoSuchChange: nothing is changed.
    """
    _still_open(db, visit)
    row = next((one for one in changes_of(db, visit) if one.id == change_id), None)
    if row is None:
        raise NoSuchChange
    row.undone_by, row.undone_at = by, at
    journal.write(db, "register", Act.PLAN_RESTORED, by=by, at=at, chance=chance, visit=visit.id, change=row.change)


def hold(db: Session, visit: Visit) -> None:
    """Hold a visit to the end of the transaction: its plan is changed or numbered by one desk at a time."""
    db.flush()  # what this transaction has changed is not read over
    db.get_one(Visit, visit.id, with_for_update=True, populate_existing=True)


def _still_open(db: Session, visit: Visit) -> None:
    """Refuse when nothing is prescribed, or its labels are numbered already."""
    hold(db, visit)  # F6 at the same moment comes before or after, never between
    prescription = prescription_of(db, visit.id)
    if prescription is None:
        raise NoPrescription
    if prescription.settled_at is not None:
        raise Settled
