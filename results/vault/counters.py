"""Attempts are rows, and limits are counted from them: on a random handle, never on a name."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import ColumnElement, CursorResult, Enum, ForeignKey, Index, String, func, select, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime
from results.vault.dossiers import LineState, Slip, SlipState
from results.vault.slips import lines_of

LINE_FAILURES: Final = 3
SLIP_FAILURES: Final = 10
CALL_TRIES: Final = 3
DESK_REFUSALS: Final = 20
DESK_PAUSE: Final = timedelta(minutes=15)
LAB_HOUR: Final = 60
LAB_DAY: Final = 300
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
STALE: Final = timedelta(seconds=30)
#: A clock that went back further than this is not believed.
_CLOCK_SLACK: Final = timedelta(seconds=10)
#: How long the telephone waits after the first, second, third … failure of a slip.
WAITS: Final = (
    timedelta(0),
    timedelta(0),
    timedelta(seconds=30),
    timedelta(minutes=2),
    timedelta(minutes=10),
    HOUR,
)


class Way(StrEnum):
    """Where a code is said."""

    PHONE = "phone"
    COUNTER = "counter"  #: identity document seen; the limits of the telephone do not hold


class AttemptState(StrEnum):
    """Where an attempt stands."""

    PENDING = "pending"  #: counted, not yet looked at
    RELEASED = "released"  #: told
    VERIFIED = "verified"  #: right, and the biologist answers
    REFUSED = "refused"
    FAILED = "failed"  #: never came to its end; counts as refused


class Shut(StrEnum):
    """Why nothing may be tried; for the journal alone."""

    NO_SLIP = "no_slip"  #: unknown, printing or void
    NO_LINE = "no_line"  #: every line is used or closed, or another one was asked
    WAIT = "wait"
    SLIP = "slip"  #: ten failures: in person only
    CALL = "call"  #: three tries in this call
    DESK = "desk"  #: twenty refusals in an hour at this desk
    LAB = "lab"  #: the telephone route is closed for the laboratory
    BUSY = "busy"  #: another attempt on this slip is under way
    CLOCK = "clock"  #: the clock went back
    REPLAY = "replay"  #: this page was sent before
    STORE = "store"  #: it could not be written


class Attempt(Base):
    """One code that was said; written before it is looked at."""

    __tablename__ = "attempt"
    __table_args__ = (
        Index(
            "uq_attempt_pending",
            "slip_id",
            unique=True,
            sqlite_where=text("state = 'pending'"),
            postgresql_where=text("state = 'pending'"),
        ),
        Index(None, "site_id", "at"),
        {"schema": STAFF_ONLY},
    )
    keep = "12 months: security log"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    #: The form that sent it.
    key: Mapped[str] = mapped_column(String(64), unique=True)
    slip_id: Mapped[UUID] = mapped_column(ForeignKey(f"{STAFF_ONLY}.slip.id"))
    line: Mapped[int]
    call_id: Mapped[UUID] = mapped_column(index=True)
    way: Mapped[Way] = mapped_column(Enum(Way, native_enum=False, length=8, values_callable=list))
    #: Staff id.
    by: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[AttemptState] = mapped_column(Enum(AttemptState, native_enum=False, length=8, values_callable=list))
    #: Whether the code was looked at: only then does a refusal count.
    is_tested: Mapped[bool]
    #: The true reason of a refusal.
    why: Mapped[str | None] = mapped_column(String(20))


class PhoneClosure(Base):
    """The telephone route with code, closed for the laboratory until midnight or until a biologist opens it."""

    __tablename__ = "phone_closure"
    __table_args__ = (Index(None, "site_id", "until"), {"schema": STAFF_ONLY})
    keep = "12 months: security log"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    closed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    reopened_by: Mapped[UUID | None]
    reopened_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What may be tried now: a line, or nothing and the true reason."""

    line: int | None = None
    shut: Shut | None = None


def standing(
    db: Session, slip: Slip | None, *, site_id: UUID, way: Way, call_id: UUID, by: UUID, at: datetime
) -> Standing:
    """Tell which line may be asked now, or why none.

    Args:
        db: a session that may read the results.
        slip: what the handle found.
        site_id: the site.
        way: phone or counter.
        call_id: the call, or the visit at the counter.
        by: staff id.
        at: now.
    """
    if slip is None:
        return Standing(shut=Shut.NO_SLIP)
    # Every question is asked whatever the others say: what an answer costs tells nothing of its cause.
    is_here = slip.state is SlipState.VALID and slip.site_id == site_id
    went_back = attempt_ahead(db, site_id, at) is not None
    found = _at_the_counter(db, slip) if way is Way.COUNTER else _on_the_phone(db, slip, call_id=call_id, by=by, at=at)
    if not is_here:
        return Standing(shut=Shut.NO_SLIP)
    return Standing(shut=Shut.CLOCK) if went_back else found


def _at_the_counter(db: Session, slip: Slip) -> Standing:
    ready = [line.line for line in lines_of(db, slip.id) if line.state is LineState.READY]
    return Standing(line=ready[0]) if ready else Standing(shut=Shut.NO_LINE)


def _on_the_phone(db: Session, slip: Slip, *, call_id: UUID, by: UUID, at: datetime) -> Standing:
    of_slip = _failed(Attempt.slip_id == slip.id)
    failures, last = _count_and_last(db, *of_slip)
    told = select(Attempt.line, func.count()).where(*of_slip).group_by(Attempt.line)
    worn = {line for line, many in db.execute(told) if many >= LINE_FAILURES}
    ready = [line.line for line in lines_of(db, slip.id) if line.state is LineState.READY and line.line not in worn]
    holds = {
        Shut.LAB: is_closed(db, slip.site_id, at),
        Shut.DESK: bool(_paused(db, Attempt.by == by, at)),
        Shut.CALL: _count(db, Attempt.call_id == call_id, Attempt.is_tested.is_(True)) >= CALL_TRIES,
        Shut.SLIP: failures >= SLIP_FAILURES,
        Shut.WAIT: last is not None and at < last + WAITS[min(failures, len(WAITS)) - 1],
        Shut.NO_LINE: not ready,
    }
    shut = next((shut for shut, is_so in holds.items() if is_so), None)
    return Standing(line=ready[0]) if shut is None else Standing(shut=shut)


def is_worn_out(db: Session, slip_id: UUID) -> bool:
    """Tell whether a slip has failed so often that its results are told in person only."""
    return _count(db, *_failed(Attempt.slip_id == slip_id)) >= SLIP_FAILURES


def is_closed(db: Session, site_id: UUID, at: datetime) -> bool:
    """Tell whether the telephone route is closed for the laboratory."""
    return closed_until(db, site_id, at) is not None


def closed_until(db: Session, site_id: UUID, at: datetime) -> datetime | None:
    """Until when the telephone route is closed for the laboratory; None while it is open."""
    closed = select(func.max(PhoneClosure.until)).where(
        PhoneClosure.site_id == site_id, PhoneClosure.until > at, PhoneClosure.reopened_at.is_(None)
    )
    return db.scalar(closed)


def paused_desks(db: Session, site_id: UUID, at: datetime) -> tuple[tuple[UUID, datetime], ...]:
    """Whose desk pauses, and until when."""
    return _paused(db, Attempt.site_id == site_id, at)


def attempt_ahead(db: Session, site_id: UUID, at: datetime) -> datetime | None:
    """The hour of the latest attempt, if it has not come yet: the clock went back, or was ahead."""
    last = db.scalar(select(func.max(Attempt.at)).where(Attempt.site_id == site_id))
    return last if last is not None and last > at + _CLOCK_SLACK else None


def bring_back(db: Session, site_id: UUID, at: datetime) -> int:
    """Let every attempt that lies ahead count as made now; the journal keeps the hour that it was written under.

    Returns:
        How many there were.
    """
    ahead = update(Attempt).where(Attempt.site_id == site_id, Attempt.at > at + _CLOCK_SLACK).values(at=at)
    return cast(CursorResult[Any], db.execute(ahead)).rowcount


def is_too_much(db: Session, site_id: UUID, at: datetime) -> bool:
    """Tell whether the laboratory's failures reach a limit, counted since a biologist last reopened the route."""
    reopened = db.scalar(select(func.max(PhoneClosure.reopened_at)).where(PhoneClosure.site_id == site_id))
    since_hour, since_day = (max(filter(None, (at - span, reopened))) for span in (HOUR, DAY))
    of_site = _failed(Attempt.site_id == site_id)
    return (
        _count(db, *of_site, Attempt.at > since_hour) >= LAB_HOUR
        or _count(db, *of_site, Attempt.at > since_day) >= LAB_DAY
    )


def reopen(db: Session, site_id: UUID, *, by: UUID, at: datetime) -> None:
    """Open the telephone route again, a biologist's act."""
    for closure in db.scalars(
        select(PhoneClosure).where(PhoneClosure.site_id == site_id, PhoneClosure.reopened_at.is_(None))
    ):
        closure.reopened_by, closure.reopened_at = by, at


def fail_stale(db: Session, site_id: UUID, at: datetime) -> list[Attempt]:
    """Turn attempts that never came to their end into failures; at start-up and before each new one."""
    asked = select(Attempt).where(
        Attempt.site_id == site_id, Attempt.state == AttemptState.PENDING, Attempt.at <= at - STALE
    )
    stale = list(db.scalars(asked))
    for attempt in stale:
        attempt.state = AttemptState.FAILED
    db.flush()  # one pending attempt a slip: the next one is inserted after
    return stale


def _failed(*of: ColumnElement[bool]) -> tuple[ColumnElement[bool], ...]:
    """An attempt under way counts as failed: it is counted before it is looked at."""
    return (
        *of,
        Attempt.way == Way.PHONE,
        Attempt.is_tested.is_(True),
        Attempt.state.not_in((AttemptState.RELEASED, AttemptState.VERIFIED)),
    )


def _count(db: Session, *conditions: ColumnElement[bool]) -> int:
    return db.scalar(select(func.count()).select_from(Attempt).where(*conditions)) or 0


def _count_and_last(db: Session, *conditions: ColumnElement[bool]) -> tuple[int, datetime | None]:
    """How many attempts, and when the last one was."""
    many, last = db.execute(select(func.count(), func.max(Attempt.at)).where(*conditions)).one()
    return many, last


def _paused(db: Session, among: ColumnElement[bool], at: datetime) -> tuple[tuple[UUID, datetime], ...]:
    """Whose desk pauses by these attempts, and until when."""
    refused = (
        select(Attempt.by, func.max(Attempt.at))
        .where(*_failed(among), Attempt.at > at - HOUR)
        .group_by(Attempt.by)
        .having(func.count() >= DESK_REFUSALS)
    )
    until = [(by, last + DESK_PAUSE) for by, last in db.execute(refused)]
    return tuple((by, end) for by, end in until if at < end)
