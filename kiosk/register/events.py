"""What live screens must hear, numbered in the order in which it was committed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, Index, String, bindparam, func, insert, literal_column, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.register.database import Base, UtcDateTime, bump, table_of
from kiosk.register.errors import Conflict

#: A call for help that nobody has answered for so long is no longer shown: the person has left or was served.
HELP_LASTS = timedelta(minutes=15)


class SomebodyGoes(Conflict):
    """Somebody else has already answered this call for help."""

    french = "Quelqu'un y va déjà."


class EventCounter(Base):
    """The last event number given at a site, moved in the event's own transaction."""

    __tablename__ = "event_counter"
    keep = "for ever: one row a site"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    number: Mapped[int]


class Event(Base):
    """One thing that a live screen must hear: numbers and desks, never a name."""

    __tablename__ = "event"
    keep = "48 hours"

    #: Identifier in the order of commits: a sequence of the database could commit out of order.
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    #: When it happened.
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: Which panels care: `line`, `call`, `help`, `paper`.
    topic: Mapped[str] = mapped_column(String(20))
    #: Numbers and desks.
    body: Mapped[dict[str, Any]] = mapped_column(JSON)


#: A word that stands in the index below: handed over with each question, it would not find it.
_IS_HELP: Final = Event.topic == literal_column("'help'", String())
# Every page of the counter asks for these, and among two days of the line's they are few; a ticket writes none of them.
Index("ix_event_help", Event.site_id, Event.at, sqlite_where=_IS_HELP, postgresql_where=_IS_HELP)

#: Built once: every act announces, and every screen that is open asks.
_ONE_MORE: Final = insert(table_of(Event))
_LAST: Final = select(func.max(Event.seq)).where(Event.site_id == bindparam("site"))
_AFTER: Final = (
    select(Event)
    .where(
        Event.site_id == bindparam("site"),
        Event.seq > bindparam("seq"),
        Event.topic.in_(bindparam("topics", expanding=True)),
    )
    .order_by(Event.seq)
    .limit(200)
)
_HELP: Final = (
    select(Event).where(Event.site_id == bindparam("site"), _IS_HELP, Event.at > bindparam("since")).order_by(Event.seq)
)


def announce(db: Session, site_id: UUID, topic: str, body: dict[str, Any], *, at: datetime) -> int:
    """Write an event in the transaction of its act; the last lock that a transaction takes.

    Returns:
        Its number at the site.
    """
    seq = bump(db, EventCounter, site_id=site_id)
    db.connection().execute(_ONE_MORE, {"site_id": site_id, "seq": seq, "at": at, "topic": topic, "body": body})
    return seq


def last_seq(db: Session, site_id: UUID) -> int:
    """The newest event number of a site, 0 before the first."""
    return db.scalar(_LAST, {"site": site_id}) or 0


def events_after(db: Session, site_id: UUID, seq: int, *, topics: Sequence[str]) -> Sequence[Event]:
    """The events of some topics that follow a number, oldest first, 200 at most."""
    return db.scalars(_AFTER, {"site": site_id, "seq": seq, "topics": list(topics)}).all()


def ask_for_help(db: Session, site_id: UUID, *, kiosk: str, page: str, key: str, at: datetime) -> None:
    """Tell the staff that somebody at a kiosk asks for a person; the same form tells it once.

    Args:
        page: the kind of page that is open there, never what was typed.
        key: the form's.
    """
    if any(event.body.get("key") == key for event in _help_events(db, site_id, at)):
        return
    announce(db, site_id, "help", {"kiosk": kiosk, "page": page, "key": key}, at=at)


def open_help_calls(db: Session, site_id: UUID, *, at: datetime) -> list[Event]:
    """The first call of each kiosk that nobody has answered, oldest first."""
    calls: dict[str, Event] = {}
    for event in _help_events(db, site_id, at):
        if "desk" in event.body:
            calls.pop(event.body["kiosk"], None)
        else:
            calls.setdefault(event.body["kiosk"], event)
    return list(calls.values())


def go_and_help(db: Session, site_id: UUID, kiosk: str, *, desk: str, at: datetime) -> None:
    """Answer the calls of a kiosk; the other screens stop asking.

    Raises:
        SomebodyGoes: nobody asks there any more, because another desk has answered.
    """
    if any(call.body["kiosk"] == kiosk for call in open_help_calls(db, site_id, at=at)):
        announce(db, site_id, "help", {"kiosk": kiosk, "desk": desk}, at=at)
        return
    answers = [event.body["desk"] for event in _help_events(db, site_id, at) if event.body.get("desk")]
    if not answers or answers[-1] != desk:
        raise SomebodyGoes


def help_is_heard(db: Session, site_id: UUID, key: str, *, at: datetime) -> bool:
    """Whether somebody has answered the call for help that a form made."""
    asked: Event | None = None
    for event in _help_events(db, site_id, at):
        if event.body.get("key") == key:
            asked = event
        elif asked is not None and event.body["kiosk"] == asked.body["kiosk"] and "desk" in event.body:
            return True
    return False


def _help_events(db: Session, site_id: UUID, at: datetime) -> Sequence[Event]:
    return db.scalars(_HELP, {"site": site_id, "since": at - HELP_LASTS}).all()
