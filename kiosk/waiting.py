"""The line where the policy meets rows: take a number, call, recall, undo, come back, go."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache, partial
from typing import Any
from uuid import UUID

from sqlalchemy import Executable, Select, bindparam, case, distinct, func, insert, select, update
from sqlalchemy.orm import Session

from kiosk.line.estimate import Range, estimate
from kiosk.line.order import Ranked, rank
from kiosk.line.policy import Policy, Waiting
from kiosk.register import clock
from kiosk.register.database import Database, table_of, uuid7
from kiosk.register.errors import Conflict
from kiosk.register.events import announce
from kiosk.register.journal import Act, write
from kiosk.register.once import PageAlreadyUsed, answered
from kiosk.register.sites import Site
from kiosk.register.visits import (
    MOVES,
    Move,
    Purpose,
    Said,
    Stage,
    State,
    Verb,
    Visit,
    move,
    next_number,
    visit_of,
)

Chance = Callable[[int], bytes]

#: Minutes of one service until the laboratory's own days have taught better.
PACE = {Stage.COUNTER: 5.0, Stage.SAMPLING: 6.0}
#: A desk that has called nobody for so long counts as closed.
OPEN = timedelta(minutes=30)
#: A call may be undone for so long.
UNDO = timedelta(seconds=10)
#: Who may be called to a counter, and to a room.
CALLABLE = {Stage.COUNTER: (State.ARRIVED, State.RETURNED), Stage.SAMPLING: (State.WAITING, State.RETURNED)}
CALLS = {Stage.COUNTER: Verb.CALL, Stage.SAMPLING: Verb.CALL_TO_ROOM}
#: How many ranked people one claim offers: enough for every counter to press at once.
OFFERED = 16
#: How often a desk ranks the line anew when all it was offered were called by others meanwhile.
TRIES = 3

#: The journal's word for each move.
ACTS = {
    Verb.CALL: Act.VISIT_CALLED, Verb.CALL_TO_ROOM: Act.VISIT_CALLED, Verb.RECALL: Act.VISIT_RECALLED,
    Verb.UNDO: Act.VISIT_UNDONE, Verb.MISS: Act.VISIT_MISSED, Verb.PARK: Act.VISIT_PARKED,
    Verb.COME_BACK: Act.VISIT_RETURNED, Verb.TRANSFER: Act.VISIT_TRANSFERRED, Verb.REGISTER: Act.VISIT_REGISTERED,
    Verb.SEND: Act.VISIT_SENT, Verb.SAMPLE: Act.VISIT_SAMPLED, Verb.LEAVE: Act.VISIT_LEFT,
    Verb.CANCEL: Act.VISIT_CANCELLED,
}  # fmt: skip


class NobodyWaits(Conflict):
    """Nobody waits at this stage; the line is empty."""

    french = "Personne n'attend. La file est vide."


class TooLate(Conflict):
    """A call can be undone for ten seconds only; use « no-show » or call again."""

    french = "Plus de dix secondes ont passé. Utilisez « absent » ou rappelez le numéro."


@dataclass(frozen=True, kw_only=True)
class WhatWasSaid:
    """What a person typed or scanned at the door: six characters, or three letters and a birth date."""

    kind: str
    word: str
    birth_date: str | None = None


@dataclass(frozen=True, kw_only=True)
class Place:
    """One person in the live line: the visit and why it stands there."""

    visit: Visit
    ranked: Ranked


#: Built once: each arrival and each call is a move.
_MOVED = insert(table_of(Move))


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
    if before := answered(db, Move, site.id, key):
        _same_act(before, "arrive", by)
        return visit_of(db, before.visit_id)
    day = clock.day(site.timezone, at)
    visit = Visit(
        id=uuid7(at, chance),
        site_id=site.id,
        day=day,
        number=next_number(db, site.id, day),
        state=State.ARRIVED,
        stage=Stage.COUNTER,
        purpose=purpose,
        language=language,
        arrived_at=at,
        waits_since=at,
        needs_help=needs_help,
        announced_low=wait.low,
        announced_high=wait.high,
    )
    db.add(visit)
    db.flush()  # the rows that follow refer to it
    db.execute(_MOVED, {
        "id": uuid7(at, chance), "site_id": site.id, "visit_id": visit.id, "verb": "arrive", "before": None,
        "after": State.ARRIVED, "by": by, "at": at, "desk": None, "reason": None, "key": key,
    })  # fmt: skip
    if said is not None:
        db.add(Said(visit_id=visit.id, kind=said.kind, word=said.word, birth_date=said.birth_date))
    write(db, "register", Act.VISIT_ARRIVED, by=by, at=at, chance=chance, visit=visit.id)
    announce(db, site.id, "line", {"number": visit.number, "stage": Stage.COUNTER}, at=at)
    return visit


def line(db: Session, site: Site, stage: Stage, *, at: datetime, policy: Policy | None = None) -> list[Place]:
    """Everyone who waits at a stage today, in the order in which they would be called, with the reason."""
    told = {"site": site.id, "today": clock.day(site.timezone, at)}
    visits = {visit.id: visit for visit in db.scalars(_waiting(stage), told)}
    ranked = rank(
        [_as_waiting(visit) for visit in visits.values()],
        at,
        policy or Policy(),
        hour=partial(clock.hour, site.timezone),
    )
    return [Place(visit=visits[one.waiting.id], ranked=one) for one in ranked]


@cache
def _waiting(stage: Stage) -> Select[Any]:
    return select(Visit).where(
        Visit.site_id == bindparam("site"),
        Visit.day == bindparam("today"),
        Visit.stage == stage,
        Visit.state.in_(CALLABLE[stage]),
    )


def rank_and_call(
    database: Database,
    site: Site,
    stage: Stage,
    *,
    desk: str,
    by: str,
    at: datetime,
    chance: Chance,
    key: str,
    policy: Policy | None = None,
) -> Visit:
    """Call whoever's turn it is to a desk: the line is ranked while others write, the claim alone is a transaction.

    Raises:
        NobodyWaits: when the stage's line is empty.
    """
    for _ in range(TRIES):
        with database.reading() as db:
            places = line(db, site, stage, at=at, policy=policy)
        with suppress(NobodyWaits), database.transaction() as db:
            return call_next(db, site, stage, places, desk=desk, by=by, at=at, chance=chance, key=key)
        if not places:
            break
    raise NobodyWaits


def call_next(
    db: Session,
    site: Site,
    stage: Stage,
    places: Sequence[Place],
    *,
    desk: str,
    by: str,
    at: datetime,
    chance: Chance,
    key: str,
) -> Visit:
    """Call the first of the ranked people who still waits: one atomic claim, so that two desks never get the same one.

    Args:
        places: the line as `line` ranked it just before.

    Raises:
        NobodyWaits: when none of them waits any more.
    """
    if before := answered(db, Move, site.id, key):
        _same_act(before, CALLS[stage], by)
        return visit_of(db, before.visit_id)
    claimed = claim(db, [place.visit.id for place in places[:OFFERED]], stage, desk=desk, at=at)
    if claimed is None:
        raise NobodyWaits
    before_state, reason = next((one.visit.state, one.ranked.reason) for one in places if one.visit.id == claimed)
    visit = db.get_one(Visit, claimed, populate_existing=True)
    db.execute(_MOVED, {
        "id": uuid7(at, chance), "site_id": site.id, "visit_id": claimed, "verb": CALLS[stage],
        "before": before_state, "after": visit.state, "by": by, "at": at, "desk": desk, "reason": reason, "key": key,
    })  # fmt: skip
    _tell(db, visit, CALLS[stage], by=by, at=at, chance=chance)
    return visit


def claim(db: Session, ranked: Sequence[UUID], stage: Stage, *, desk: str, at: datetime) -> UUID | None:
    """Take the first of the ranked people who may still be called, in one statement; None when all are gone.

    The equality with a scalar subselect is meant: with IN the planner may run the subselect twice and lock more.
    SQLite drops the locking clause and is serial anyway; the test on PostgreSQL is the one that proves it.
    """
    if not ranked:
        return None
    offered = [*ranked, *[ranked[-1]] * (OFFERED - len(ranked))]
    told = {f"place_{place}": one for place, one in enumerate(offered)}
    claimed: UUID | None = db.execute(_claiming(stage), told | {"to_desk": desk, "now": at}).scalar()
    return claimed


@cache
def _claiming(stage: Stage) -> Executable:
    """The statement of a claim, built once; a line shorter than `OFFERED` is offered with its last person repeated."""
    table = table_of(Visit)
    visit = table.c
    offered = [bindparam(f"place_{place}", type_=visit.id.type) for place in range(OFFERED)]
    may_be_called = visit.state.in_(CALLABLE[stage])
    first = (
        select(visit.id)
        .where(visit.id.in_(offered), may_be_called)
        .order_by(case(*((visit.id == one, place) for place, one in enumerate(offered))))
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    return (
        update(table)
        .where(visit.id == first, may_be_called)
        .values(
            state=MOVES[CALLABLE[stage][0], CALLS[stage]],
            desk=bindparam("to_desk", type_=visit.desk.type),
            called_at=bindparam("now", type_=visit.called_at.type),
        )
        .returning(visit.id)
    )


def advance(
    db: Session,
    visit: Visit,
    verb: Verb,
    *,
    by: str,
    at: datetime,
    chance: Chance,
    key: str,
    desk: str | None = None,
    reason: str | None = None,
) -> Visit:
    """Make any other move of a visit: recall, undo, no-show, come back, register, send, sample, leave, cancel.

    Raises:
        NotNow: when the table of moves has no such move.
        TooLate: when a call is undone after ten seconds.
        PageAlreadyUsed: when this form was sent for another visit or act.
    """
    # Two desks at once: the second waits here, then sees where the first has left the visit.
    db.refresh(visit, with_for_update=True)
    if before := answered(db, Move, visit.site_id, key):
        _same_act(before, verb, by)
        if before.visit_id != visit.id:
            raise PageAlreadyUsed
        return visit
    if verb is Verb.UNDO and visit.called_at is not None and at - visit.called_at > UNDO:
        raise TooLate
    move(db, visit, verb, id=uuid7(at, chance), by=by, at=at, key=key, desk=desk or visit.desk, reason=reason)
    if verb is Verb.RECALL:
        visit.called_at = at
    if verb is Verb.SEND:
        visit.stage, visit.waits_since = Stage.SAMPLING, at
    if verb is Verb.UNDO:
        visit.desk = visit.called_at = None
    _tell(db, visit, verb, by=by, at=at, chance=chance)
    return visit


def announced(db: Session, site: Site, stage: Stage, *, at: datetime) -> Range:
    """The range of the line at this moment, the same for everyone who would arrive now.

    A desk counts as open when it has called somebody in the last half-hour.
    """
    told = {"site": site.id, "today": clock.day(site.timezone, at), "now": at, "since": at - OPEN}
    ahead, desks = db.execute(_ahead(stage), told).one()
    return estimate(ahead=ahead, desks=desks or 1, pace_minutes=PACE[stage])


@cache
def _ahead(stage: Stage) -> Executable:
    """How many wait at a stage, and how many desks have called lately."""
    visit, move = table_of(Visit).c, table_of(Move).c
    site = bindparam("site", type_=visit.site_id.type)
    ahead = select(func.count()).where(
        visit.site_id == site,
        visit.day == bindparam("today", type_=visit.day.type),
        visit.stage == stage,
        visit.state.in_(CALLABLE[stage]),
    )
    desks = select(func.count(distinct(move.desk))).where(
        move.site_id == site,
        move.verb == CALLS[stage],
        move.at > bindparam("since", type_=move.at.type),
        move.at <= bindparam("now", type_=move.at.type),
    )
    return select(ahead.scalar_subquery(), desks.scalar_subquery())


def last_calls(db: Session, site: Site, *, at: datetime, limit: int = 6) -> list[Move]:
    """The newest calls of the day, newest first, for the board: numbers and desks."""
    return list(
        db.scalars(
            select(Move)
            .join(Visit, Visit.id == Move.visit_id)
            .where(
                Move.site_id == site.id,
                Visit.day == clock.day(site.timezone, at),
                Move.verb.in_((Verb.CALL, Verb.CALL_TO_ROOM, Verb.RECALL)),
            )
            .order_by(Move.at.desc(), Move.id.desc())
            .limit(limit)
        )
    )


def at_desk(db: Session, site: Site, desk: str, *, at: datetime) -> Visit | None:
    """The visit that a desk or room has before it now, if any."""
    return db.scalars(
        select(Visit)
        .where(
            Visit.site_id == site.id,
            Visit.day == clock.day(site.timezone, at),
            Visit.desk == desk,
            Visit.state.in_((State.CALLED, State.REGISTERED, State.IN_ROOM)),
        )
        .order_by(Visit.called_at.desc())
    ).first()


def _tell(db: Session, visit: Visit, verb: Verb, *, by: str, at: datetime, chance: Chance) -> None:
    """Journal first, event last: the event counter is the last lock that a transaction takes."""
    write(db, "register", ACTS[verb], by=by, at=at, chance=chance, visit=visit.id)
    calls = verb in {Verb.CALL, Verb.CALL_TO_ROOM, Verb.RECALL, Verb.UNDO}
    body = {"number": visit.number, "desk": visit.desk, "stage": visit.stage, "verb": verb}
    announce(db, visit.site_id, "call" if calls else "line", body, at=at)


def _same_act(before: Move, verb: str, by: str) -> None:
    if (before.verb, before.by) != (verb, by):
        raise PageAlreadyUsed


def _as_waiting(visit: Visit) -> Waiting:
    return Waiting(
        id=visit.id,
        number=visit.number,
        arrived_at=visit.waits_since,
        came_at=visit.arrived_at,
        booked_for=visit.booked_for,
        urgent_because=visit.urgent_because,
        needs_help=visit.needs_help,
        collects=visit.purpose is Purpose.COLLECT,
    )
