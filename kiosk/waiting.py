"""The line as everyone may see it: a number taken, the range that is announced, the last calls."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import cache
from typing import Final
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Enum,
    Executable,
    ForeignKey,
    String,
    and_,
    bindparam,
    case,
    distinct,
    func,
    insert,
    literal_column,
    null,
    outerjoin,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.line.estimate import Range, estimate
from kiosk.register import clock
from kiosk.register.clock import Chance
from kiosk.register.database import Base, UtcDateTime, table_of, uuid7
from kiosk.register.events import announce
from kiosk.register.journal import Act, write
from kiosk.register.once import PageAlreadyUsed, made_by
from kiosk.register.sites import Site
from kiosk.register.visits import (
    Move,
    Purpose,
    Said,
    Stage,
    State,
    Verb,
    Visit,
    as_written,
    next_number,
    trace,
    visit_of,
)

#: Minutes of one service until the laboratory's own days have taught better.
PACE: Final = {Stage.COUNTER: 5.0, Stage.SAMPLING: 6.0}
#: A desk that has called nobody for so long counts as closed.
OPEN: Final = timedelta(minutes=30)
#: What was foretold so long ago is not announced any more.
FRESH: Final = timedelta(seconds=90)
#: Midnight does not end a line: who came so shortly before is still waited for.
CARRIED: Final = timedelta(hours=6)
#: Who may be called to a counter, and to a room.
CALLABLE: Final = {Stage.COUNTER: (State.ARRIVED, State.RETURNED), Stage.SAMPLING: (State.WAITING, State.RETURNED)}
CALLS: Final = {Stage.COUNTER: Verb.CALL, Stage.SAMPLING: Verb.CALL_TO_ROOM}


class Forecast(Base):
    """The wait of a line as it was last foretold, for whoever would come now without appointment."""

    __tablename__ = "forecast"
    keep = "for ever: one row a line"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    stage: Mapped[Stage] = mapped_column(
        Enum(Stage, native_enum=False, length=10, values_callable=list), primary_key=True
    )
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: Minutes: the range in steps of five, and the middle of it to the minute.
    low: Mapped[int]
    high: Mapped[int]
    middle: Mapped[int]


#: Built once, as every arrival asks and writes.
_ARRIVED: Final = insert(table_of(Visit))


@dataclass(frozen=True, kw_only=True)
class WhatWasSaid:
    """What a person typed or scanned at the door: six characters, or three letters and a birth date."""

    kind: str
    word: str
    birth_date: str | None = None


def take_number(
    db: Session,
    site: Site,
    *,
    wait: Range,
    purpose: Purpose,
    said: WhatWasSaid | None,
    by: str,
    at: datetime,
    chance: Chance,
    key: str,
    language: str = "fr",
    needs_help: bool = False,
) -> Visit:
    """Give a person a number: one visit, the same again for the same form.

    Nothing is compared with what the laboratory knows, so the answer cannot tell a known name from an unknown one.

    Args:
        wait: what `announced` said just before: nothing is estimated while others wait for their turn to write.
        said: what was typed, or None for a walk-in.
        by: the kiosk's name, or the staff member's id when the number is given at the counter.
    """
    day = clock.day(site.timezone, at)
    number = next_number(db, site.id, day, key=key)
    if number is None:
        before = made_by(db, Move, site.id, key)
        same_act(before, "arrive", by)
        return visit_of(db, before.visit_id)
    row = {
        "id": uuid7(at, chance), "site_id": site.id, "day": day, "number": number,
        "state": State.ARRIVED, "stage": Stage.COUNTER, "purpose": purpose, "language": language, "arrived_at": at,
        "waits_since": at, "booked_for": None, "urgent_because": None, "needs_help": needs_help, "desk": None,
        "called_at": None, "announced_low": wait.low, "announced_high": wait.high, "announced_middle": wait.middle,
    }  # fmt: skip
    db.connection().execute(_ARRIVED, row)
    visit = as_written(db, row)
    trace(db, visit, "arrive", before=None, id=uuid7(at, chance), by=by, at=at, key=key)
    if said is not None:
        db.add(Said(visit_id=visit.id, kind=said.kind, word=said.word, birth_date=said.birth_date))
    write(db, "register", Act.VISIT_ARRIVED, by=by, at=at, chance=chance, visit=visit.id)
    announce(db, site.id, "line", {"number": visit.number, "stage": Stage.COUNTER}, at=at)
    return visit


def announced(db: Session, site: Site, stage: Stage, *, at: datetime) -> Range:
    """The range of the line at this moment, the same for everyone who would arrive now.

    What the staff's programme has just foretold; where it has foretold nothing, people ahead times the pace over the
    counters that have called somebody in the last half-hour.
    """
    asked = {"site": site.id, "now": at, "lately": at - OPEN, "fresh": at - FRESH} | open_days(site, at)
    found = db.connection().execute(_told(stage), asked).one()
    if found.ahead is None:
        return Range(low=found.low, high=found.high, middle=found.middle)
    return estimate(ahead=found.ahead, desks=found.desks or 1, pace_minutes=PACE[stage])


@cache
def _told(stage: Stage) -> Executable:
    """What was foretold of a stage; where that is old, how many wait there and how many desks have called lately."""
    visit, move, forecast = table_of(Visit).c, table_of(Move).c, table_of(Forecast).c
    site = bindparam("site", type_=visit.site_id.type)
    ahead = select(func.count()).where(
        visit.site_id == site,
        visit.day.in_((bindparam("today", type_=visit.day.type), bindparam("yesterday", type_=visit.day.type))),
        visit.arrived_at > bindparam("since", type_=visit.arrived_at.type),
        visit.stage == as_it_stands(stage),
        may_be_called(stage),
    )
    desks = select(func.count(distinct(move.desk))).where(
        move.site_id == site,
        move.verb == as_it_stands(CALLS[stage]),
        move.at > bindparam("lately", type_=move.at.type),
        move.at <= bindparam("now", type_=move.at.type),
    )
    is_fresh = forecast.at >= bindparam("fresh", type_=forecast.at.type)
    return (
        select(
            forecast.low,
            forecast.high,
            forecast.middle,
            # Nothing is counted where the answer is there: a CASE asks only for what it gives.
            case((is_fresh, null()), else_=ahead.scalar_subquery()).label("ahead"),
            case((is_fresh, null()), else_=desks.scalar_subquery()).label("desks"),
        )
        .select_from(
            outerjoin(Site, Forecast, and_(Forecast.site_id == Site.id, Forecast.stage == as_it_stands(stage)))
        )
        .where(Site.id == site)
    )


def may_be_called(stage: Stage) -> ColumnElement[bool]:
    """Whether a visit is in a state that may be called at a stage, as part of a statement that is built once."""
    return table_of(Visit).c.state.in_([as_it_stands(one) for one in CALLABLE[stage]])


def as_it_stands(word: StrEnum) -> ColumnElement[str]:
    """A word of an enumeration inside a statement that is built once: it is not handed over at each call."""
    return literal_column(f"'{word}'", String())


def last_calls(db: Session, site: Site, *, at: datetime, limit: int = 6) -> list[Move]:
    """The newest calls of the day, newest first, for the board: numbers and desks."""
    days = open_days(site, at)
    return list(
        db.scalars(
            select(Move)
            .join(Visit, Visit.id == Move.visit_id)
            .where(
                Move.site_id == site.id,
                Visit.day.in_((days["today"], days["yesterday"])),
                Move.at > days["since"],
                Move.verb.in_((Verb.CALL, Verb.CALL_TO_ROOM, Verb.RECALL, Verb.TRANSFER)),
            )
            .order_by(Move.at.desc(), Move.id.desc())
            .limit(limit)
        )
    )


def open_days(site: Site, at: datetime) -> dict[str, date | datetime]:
    """The days whose numbers may still be waited for: today, and what is left of yesterday shortly after midnight."""
    today = clock.day(site.timezone, at)
    return {"today": today, "yesterday": today - timedelta(days=1), "since": at - CARRIED}


def same_act(before: Move, verb: str, by: str) -> None:
    """Refuse a form that was already sent for another act or by somebody else.

    Raises:
        PageAlreadyUsed: it was.
    """
    if (before.verb, before.by) != (verb, by):
        raise PageAlreadyUsed
