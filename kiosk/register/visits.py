"""A visit: a number without a name, and every move it may make."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Enum,
    Executable,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    bindparam,
    insert,
    literal_column,
    select,
)
from sqlalchemy.orm import Mapped, Session, make_transient_to_detached, mapped_column

from kiosk.register.database import Base, UtcDateTime, one_more, table_of
from kiosk.register.errors import Conflict, NotFound
from kiosk.register.once import is_new


class State(StrEnum):
    """Where a visit stands."""

    ARRIVED = "arrived"  #: has a number, waits for the counter
    RETURNED = "returned"  #: came back after a missed call, waits for the place it left
    CALLED = "called"  #: was called to a counter
    REGISTERED = "registered"  #: its file and labels are ready
    WAITING = "waiting"  #: waits for the sampling room
    IN_ROOM = "in_room"  #: was called to a sampling room
    SAMPLED = "sampled"  #: its tubes are drawn
    NO_SHOW = "no_show"  #: did not answer a call
    PARKED = "parked"  #: set aside, comes back on its own word
    LEFT = "left"  #: everything is done
    CANCELLED = "cancelled"  #: gone before sampling, or entered twice


class Verb(StrEnum):
    """What may happen to a visit."""

    CALL = "call"
    UNDO = "undo"
    RECALL = "recall"
    REGISTER = "register"
    SEND = "send"
    CALL_TO_ROOM = "call_to_room"
    SAMPLE = "sample"
    LEAVE = "leave"
    MISS = "miss"
    PARK = "park"
    COME_BACK = "come_back"
    TRANSFER = "transfer"
    HAND_BACK = "hand_back"
    CANCEL = "cancel"


FINAL = frozenset({State.LEFT, State.CANCELLED})

#: Every permitted move; anything else is refused. House note, section 8; a transfer keeps the number (docs/adr).
MOVES: dict[tuple[State, Verb], State] = {
    (State.ARRIVED, Verb.CALL): State.CALLED,
    (State.RETURNED, Verb.CALL): State.CALLED,
    (State.CALLED, Verb.UNDO): State.ARRIVED,
    (State.CALLED, Verb.RECALL): State.CALLED,
    (State.CALLED, Verb.REGISTER): State.REGISTERED,
    (State.REGISTERED, Verb.SEND): State.WAITING,
    (State.CALLED, Verb.SEND): State.WAITING,
    (State.WAITING, Verb.CALL_TO_ROOM): State.IN_ROOM,
    (State.RETURNED, Verb.CALL_TO_ROOM): State.IN_ROOM,
    (State.IN_ROOM, Verb.UNDO): State.WAITING,
    (State.IN_ROOM, Verb.RECALL): State.IN_ROOM,
    (State.IN_ROOM, Verb.SAMPLE): State.SAMPLED,
    (State.CALLED, Verb.LEAVE): State.LEFT,
    (State.REGISTERED, Verb.LEAVE): State.LEFT,
    (State.SAMPLED, Verb.LEAVE): State.LEFT,
    (State.CALLED, Verb.MISS): State.NO_SHOW,
    (State.IN_ROOM, Verb.MISS): State.NO_SHOW,
    (State.ARRIVED, Verb.PARK): State.PARKED,
    (State.RETURNED, Verb.PARK): State.PARKED,
    (State.CALLED, Verb.PARK): State.PARKED,
    (State.WAITING, Verb.PARK): State.PARKED,
    (State.IN_ROOM, Verb.PARK): State.PARKED,
    (State.NO_SHOW, Verb.PARK): State.PARKED,
    (State.NO_SHOW, Verb.COME_BACK): State.RETURNED,
    (State.PARKED, Verb.COME_BACK): State.RETURNED,
    (State.CALLED, Verb.TRANSFER): State.CALLED,
    (State.IN_ROOM, Verb.TRANSFER): State.IN_ROOM,
    (State.WAITING, Verb.HAND_BACK): State.ARRIVED,
    (State.IN_ROOM, Verb.HAND_BACK): State.ARRIVED,
} | {(state, Verb.CANCEL): State.CANCELLED for state in State if state not in FINAL | {State.SAMPLED}}


class Purpose(StrEnum):
    """What a person said at the door; the secretary sees it, the ticket does not."""

    BOOKED = "booked"  #: says to have an appointment
    WALK_IN = "walk_in"  #: comes without one
    COLLECT = "collect"  #: comes for a result or drops a pot


class Stage(StrEnum):
    """The two lines of a reception."""

    COUNTER = "counter"
    SAMPLING = "sampling"


class Visit(Base):
    """One person's passage through the laboratory, known by a number alone."""

    __tablename__ = "visit"
    __table_args__ = (
        UniqueConstraint("site_id", "day", "number"),
        # What is asked of those who wait stands in it whole: how many there are is counted without a row being read.
        Index("ix_visit_line", "site_id", "day", "state", "stage", "arrived_at"),
        CheckConstraint("number > 0", name="number"),
    )
    keep = "10 years: traces of care; as long as a patient's file names it"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    #: The site's local day; numbers begin again with it.
    day: Mapped[date]
    #: The number on the ticket.
    number: Mapped[int]
    state: Mapped[State] = mapped_column(Enum(State, native_enum=False, length=12, values_callable=list))
    #: The stage whose line it belongs to.
    stage: Mapped[Stage] = mapped_column(Enum(Stage, native_enum=False, length=10, values_callable=list))
    purpose: Mapped[Purpose] = mapped_column(Enum(Purpose, native_enum=False, length=10, values_callable=list))
    #: Language chosen at the kiosk.
    language: Mapped[str] = mapped_column(String(5))
    arrived_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: Since when it waits at its present stage.
    waits_since: Mapped[datetime] = mapped_column(UtcDateTime)
    #: The appointment that was recognised in it, as an hour alone: the line's clock.
    booked_for: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: Why staff put it first; nothing for everyone else.
    urgent_because: Mapped[str | None] = mapped_column(String(80))
    #: Needs help: a child, a pregnancy, reduced mobility.
    needs_help: Mapped[bool]
    #: The desk or room that called it last.
    desk: Mapped[str | None] = mapped_column(String(40))
    called_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: The range told on the ticket, in minutes, kept to be scored.
    announced_low: Mapped[int]
    announced_high: Mapped[int]
    #: The middle of it to the minute, where the line was foretold.
    announced_middle: Mapped[int | None]


class Move(Base):
    """One move of a visit, never changed: who, when, from which desk, and why in plain French."""

    __tablename__ = "visit_move"
    __table_args__ = (UniqueConstraint("site_id", "key"), Index(None, "visit_id", "at"), Index(None, "site_id", "at"))
    keep = "10 years: traces of care"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("visit.id"))
    #: The verb, or `arrive` for the taking of a number.
    verb: Mapped[str] = mapped_column(String(12))
    before: Mapped[str | None] = mapped_column(String(12))
    after: Mapped[str] = mapped_column(String(12))
    #: Staff identifier, or the kiosk's name.
    by: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    desk: Mapped[str | None] = mapped_column(String(40))
    reason: Mapped[str | None] = mapped_column(String(120))
    #: The form that asked for it; the same form gets the same answer.
    key: Mapped[str] = mapped_column(String(32))


class Said(Base):
    """What was typed or scanned at the kiosk; insert-only for the public app, read by staff."""

    __tablename__ = "said"
    keep = "the day, then purged with the visit's open questions"

    visit_id: Mapped[UUID] = mapped_column(ForeignKey("visit.id"), primary_key=True)
    #: `code` (six characters of a convocation) or `name` (three letters and a birth date).
    kind: Mapped[str] = mapped_column(String(8))
    #: Six characters, or three folded letters.
    word: Mapped[str] = mapped_column(String(8))
    birth_date: Mapped[str | None] = mapped_column(String(8))


class TicketCounter(Base):
    """The last number given at a site on one local day."""

    __tablename__ = "ticket_counter"
    keep = "2 years"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    number: Mapped[int]


class NotNow(Conflict):
    """This visit cannot make that move from where it stands; look at the line again."""

    french = "Ce numéro n'est plus à cette étape. Regardez la file à nouveau."


class NoVisit(NotFound):
    """No visit has this identifier; go back to the line."""

    french = "Ce passage n'existe pas. Revenez à la file."


def next_number(db: Session, site_id: UUID, day: date, *, key: str) -> int | None:
    """Give the next ticket number of a site's day, in the transaction of the visit: no gap, no double.

    Returns:
        None for a form whose visit was made before.
    """
    db.flush()  # what this transaction itself has made counts too
    link = db.connection()
    asked = {"form_site": site_id, "day": day, "form_key": key}
    given: int | None = link.execute(_next_number(link.dialect.name), asked).scalar()
    return given


@cache
def _next_number(dialect: str) -> Executable:
    counter = table_of(TicketCounter).c
    site, on = bindparam("form_site", type_=counter.site_id.type), bindparam("day", type_=counter.day.type)
    return one_more(TicketCounter, dialect, first=select(site, on, literal_column("1")).where(is_new(Move)))


def visit_of(db: Session, visit_id: UUID) -> Visit:
    """The visit with this identifier.

    Raises:
        NoVisit: when there is none.
    """
    visit = db.get(Visit, visit_id)
    if visit is None:
        raise NoVisit
    return visit


def as_written(db: Session, row: Mapping[str, Any]) -> Visit:
    """The visit whose whole row this transaction has just written: it is not read again.

    Args:
        row: column -> value, every one.
    """
    held = db.identity_map.get(db.identity_key(Visit, row["id"]))
    if held is not None:  # read before it was written: it forgets what it knew
        db.expire(held)
        return cast(Visit, held)
    visit = Visit()
    vars(visit).update(row)  # as a row that was read: nothing of it is a change that waits to be written
    make_transient_to_detached(visit)
    db.add(visit)
    return visit


def move(
    db: Session,
    visit: Visit,
    verb: Verb,
    *,
    id: UUID,  # noqa: A002  # the identifier of the move's own row
    by: str,
    at: datetime,
    key: str,
    desk: str | None = None,
    reason: str | None = None,
) -> Move:
    """Move a visit along the table, and keep the trace.

    Raises:
        NotNow: when the table has no such move.
    """
    after = MOVES.get((visit.state, verb))
    if after is None:
        raise NotNow
    row = Move(
        id=id, site_id=visit.site_id, visit_id=visit.id, verb=verb, before=visit.state, after=after,
        by=by, at=at, desk=desk, reason=reason, key=key,
    )  # fmt: skip
    visit.state = after
    db.add(row)
    return row


#: Built once: each arrival and each call is a move.
_TRACED = insert(table_of(Move))


def trace(
    db: Session,
    visit: Visit,
    verb: str,
    *,
    before: State | None,
    id: UUID,  # noqa: A002  # the identifier of the move's own row
    by: str,
    at: datetime,
    key: str,
    desk: str | None = None,
    reason: str | None = None,
) -> None:
    """Keep the trace of what the table does not hold: an arrival, a call that was claimed, a place changed by hand."""
    db.connection().execute(_TRACED, {
        "id": id, "site_id": visit.site_id, "visit_id": visit.id, "verb": verb, "before": before, "after": visit.state,
        "by": by, "at": at, "desk": desk, "reason": reason, "key": key,
    })  # fmt: skip


def moves_of(db: Session, visit_id: UUID) -> list[Move]:
    """Everything that happened to a visit, oldest first."""
    return list(db.scalars(select(Move).where(Move.visit_id == visit_id).order_by(Move.at, Move.id)))
