"""The line where the policy meets rows: take a number, call, recall, undo, come back, go."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import case, distinct, func, select, update
from sqlalchemy.orm import Session

from kiosk.line.estimate import Range, estimate
from kiosk.line.policy import Policy, Ranked, Waiting, rank
from kiosk.register import clock
from kiosk.register.database import uuid7
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


def take_number(
    db: Session,
    site: Site,
    *,
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
        said: what was typed, or None for a walk-in.
        by: the kiosk's name, or the staff member's id when the number is given at the counter.
    """
    if before := answered(db, Move, site.id, key):
        _same_act(before, "arrive", by)
        return visit_of(db, before.visit_id)
    day = clock.day(site.timezone, at)
    wait = announced(db, site, Stage.COUNTER, at=at)
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
    db.add(
        Move(
            id=uuid7(at, chance),
            site_id=site.id,
            visit_id=visit.id,
            verb="arrive",
            before=None,
            after=State.ARRIVED,
            by=by,
            at=at,
            key=key,
        )
    )
    if said is not None:
        db.add(Said(visit_id=visit.id, kind=said.kind, word=said.word, birth_date=said.birth_date))
    write(db, "register", Act.VISIT_ARRIVED, by=by, at=at, chance=chance, visit=visit.id)
    announce(db, site.id, "line", {"number": visit.number, "stage": Stage.COUNTER}, at=at)
    return visit


def line(db: Session, site: Site, stage: Stage, *, at: datetime, policy: Policy | None = None) -> list[Place]:
    """Everyone who waits at a stage today, in the order in which they would be called, with the reason."""
    visits = {
        visit.id: visit
        for visit in db.scalars(
            select(Visit).where(
                Visit.site_id == site.id,
                Visit.day == clock.day(site.timezone, at),
                Visit.stage == stage,
                Visit.state.in_(CALLABLE[stage]),
            )
        )
    }
    ranked = rank(
        [_as_waiting(visit) for visit in visits.values()],
        at,
        policy or Policy(),
        hour=partial(clock.hour, site.timezone),
    )
    return [Place(visit=visits[one.waiting.id], ranked=one) for one in ranked]


def call_next(
    db: Session,
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
    """Call whoever's turn it is to a desk: one atomic claim, so that two desks never get the same person.

    Raises:
        NobodyWaits: when the stage's line is empty.
    """
    if before := answered(db, Move, site.id, key):
        _same_act(before, CALLS[stage], by)
        return visit_of(db, before.visit_id)
    for _ in range(3):
        places = line(db, site, stage, at=at, policy=policy)
        if not places:
            raise NobodyWaits
        waiting = {place.visit.id: (place.visit.state, place.ranked.reason) for place in places[:OFFERED]}
        claimed = claim(db, list(waiting), stage, desk=desk, at=at)
        if claimed is not None:
            visit = visit_of(db, claimed)
            db.refresh(visit)
            before_state, reason = waiting[claimed]
            db.add(
                Move(
                    id=uuid7(at, chance),
                    site_id=site.id,
                    visit_id=claimed,
                    verb=CALLS[stage],
                    before=before_state,
                    after=visit.state,
                    by=by,
                    at=at,
                    desk=desk,
                    reason=reason,
                    key=key,
                )
            )
            _tell(db, visit, CALLS[stage], by=by, at=at, chance=chance)
            return visit
    raise NobodyWaits


def claim(db: Session, ranked: Sequence[UUID], stage: Stage, *, desk: str, at: datetime) -> UUID | None:
    """Take the first of the ranked people who may still be called, in one statement; None when all are gone.

    The equality with a scalar subselect is meant: with IN the planner may run the subselect twice and lock more.
    SQLite drops the locking clause and is serial anyway; the test on PostgreSQL is the one that proves it.
    """
    may_be_called = Visit.state.in_(CALLABLE[stage])
    first = (
        select(Visit.id)
        .where(Visit.id.in_(ranked), may_be_called)
        .order_by(case({one: place for place, one in enumerate(ranked)}, value=Visit.id))
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    after = MOVES[CALLABLE[stage][0], CALLS[stage]]
    return db.execute(
        update(Visit)
        .where(Visit.id == first, may_be_called)
        .values(state=after, desk=desk, called_at=at)
        .returning(Visit.id)
        .execution_options(synchronize_session=False)
    ).scalar()


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
    ahead = db.scalar(
        select(func.count())
        .select_from(Visit)
        .where(
            Visit.site_id == site.id,
            Visit.day == clock.day(site.timezone, at),
            Visit.stage == stage,
            Visit.state.in_(CALLABLE[stage]),
        )
    )
    desks = db.scalar(
        select(func.count(distinct(Move.desk))).where(
            Move.site_id == site.id, Move.verb == CALLS[stage], Move.at > at - OPEN, Move.at <= at
        )
    )
    return estimate(ahead=ahead or 0, desks=desks or 1, pace_minutes=PACE[stage])


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
