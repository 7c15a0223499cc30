"""A visit's moves and numbers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from random import Random
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from kiosk.register import clock
from kiosk.register.database import Database, uuid7
from kiosk.register.sites import Site
from kiosk.register.visits import (
    FINAL,
    MOVES,
    Move,
    NotNow,
    NoVisit,
    Purpose,
    Stage,
    State,
    Verb,
    Visit,
    move,
    moves_of,
    next_number,
    visit_of,
)

AT = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)


def a_visit(site: UUID, number: int = 1, *, at: datetime = AT, day: date | None = None) -> Visit:
    return Visit(
        id=uuid4(), site_id=site, day=day or at.date(), number=number, state=State.ARRIVED, stage=Stage.COUNTER,
        purpose=Purpose.WALK_IN, language="fr", arrived_at=at, waits_since=at, needs_help=False,
        announced_low=0, announced_high=5,
    )  # fmt: skip


@given(st.lists(st.sampled_from(Verb), max_size=30))
def test_a_visit_goes_only_where_the_table_leads_and_each_step_is_kept(verbs: list[Verb]) -> None:
    db, visit = Session(), a_visit(UUID(int=1))
    state, trace = State.ARRIVED, []
    for n, verb in enumerate(verbs):
        after = MOVES.get((state, verb))
        if after is None:
            with pytest.raises(NotNow):
                move(db, visit, verb, id=UUID(int=n), by="sophie", at=AT, key=f"{n:032x}")
        else:
            row = move(db, visit, verb, id=UUID(int=n), by="sophie", at=AT, key=f"{n:032x}", desk="Guichet 1")
            trace.append((row.verb, row.before, row.after))
            assert (row.visit_id, row.by, row.at, row.desk) == (visit.id, "sophie", AT, "Guichet 1")
            state = after
        assert visit.state is state
    assert len([row for row in db.new if isinstance(row, Move)]) == len(trace)
    assert all(before == last for (_, before, _), (_, _, last) in zip(trace[1:], trace, strict=False))


def test_the_table_is_the_one_that_was_decided() -> None:
    cancel = {State.ARRIVED, State.RETURNED, State.CALLED, State.REGISTERED, State.WAITING, State.IN_ROOM,
              State.NO_SHOW, State.PARKED}  # fmt: skip
    decided = {
        Verb.CALL: {State.ARRIVED: State.CALLED, State.RETURNED: State.CALLED},
        Verb.UNDO: {State.CALLED: State.ARRIVED, State.IN_ROOM: State.WAITING},
        Verb.RECALL: {State.CALLED: State.CALLED, State.IN_ROOM: State.IN_ROOM},
        Verb.REGISTER: {State.CALLED: State.REGISTERED},
        Verb.SEND: dict.fromkeys((State.REGISTERED, State.CALLED), State.WAITING),
        Verb.CALL_TO_ROOM: {State.WAITING: State.IN_ROOM, State.RETURNED: State.IN_ROOM},
        Verb.SAMPLE: {State.IN_ROOM: State.SAMPLED},
        Verb.LEAVE: dict.fromkeys((State.CALLED, State.REGISTERED, State.SAMPLED), State.LEFT),
        Verb.MISS: dict.fromkeys((State.CALLED, State.IN_ROOM), State.NO_SHOW),
        Verb.PARK: dict.fromkeys(
            (State.ARRIVED, State.RETURNED, State.CALLED, State.WAITING, State.IN_ROOM, State.NO_SHOW), State.PARKED
        ),
        Verb.COME_BACK: dict.fromkeys((State.NO_SHOW, State.PARKED), State.RETURNED),
        Verb.TRANSFER: {State.CALLED: State.CALLED, State.IN_ROOM: State.IN_ROOM},
        Verb.HAND_BACK: dict.fromkeys((State.WAITING, State.IN_ROOM), State.ARRIVED),
        Verb.CANCEL: dict.fromkeys(cancel, State.CANCELLED),
    }
    assert {(state, verb): after for verb, ways in decided.items() for state, after in ways.items()} == MOVES


def test_nothing_leads_out_of_a_final_state() -> None:
    assert not [state for state, _ in MOVES if state in FINAL]


def test_an_unknown_visit_is_told_as_such(database: Database) -> None:
    with database.reading() as db, pytest.raises(NoVisit):
        visit_of(db, uuid4())


def test_a_visit_comes_back_as_it_was_and_its_moves_in_order(database: Database, site: Site) -> None:
    visit = a_visit(site.id)
    with database.transaction() as db:
        db.add(visit)
        db.flush()  # the move refers to it
        for n, verb in enumerate((Verb.CALL, Verb.RECALL, Verb.REGISTER)):
            at = AT + timedelta(minutes=n)
            move(db, visit, verb, id=uuid7(at, lambda size: b"\0" * size), by="sophie", at=at, key=f"{n:032x}")
    with database.reading() as db:
        found = visit_of(db, visit.id)
        assert (found.state, found.stage, found.purpose) == (State.REGISTERED, Stage.COUNTER, Purpose.WALK_IN)
        assert found.arrived_at == AT
        assert [row.verb for row in moves_of(db, visit.id)] == ["call", "recall", "register"]


def test_two_visits_of_a_day_never_have_one_number(database: Database, site: Site) -> None:
    with pytest.raises(IntegrityError), database.transaction() as db:
        db.add_all((a_visit(site.id), a_visit(site.id)))


@pytest.mark.parametrize("number", [0, -1])
def test_a_number_begins_at_one(database: Database, site: Site, number: int) -> None:
    with pytest.raises(IntegrityError), database.transaction() as db:
        db.add(a_visit(site.id, number))


def test_eight_writers_two_sites_midnight_and_rollbacks_leave_no_double_and_no_gap(
    database: Database, site: Site, chance: Callable[[int], bytes]
) -> None:
    other = Site(
        id=uuid7(AT, chance), number=2, name="Annexe", timezone="Indian/Reunion", opens=site.opens, closes=site.closes
    )
    with database.transaction() as db:
        db.add(other)
    midnights = {site.id: datetime(2026, 11, 21, 23, tzinfo=UTC), other.id: datetime(2026, 11, 21, 20, tzinfo=UTC)}
    zones = {site.id: site.timezone, other.id: other.timezone}

    def write(writer: int) -> int:
        dice, kept = Random(writer), 0
        for n in range(40):
            where = dice.choice(list(midnights))
            at = midnights[where] + timedelta(seconds=n - 20)
            day = clock.day(zones[where], at)
            try:
                with database.transaction() as db:
                    number = next_number(db, where, day, key=f"{writer:016x}{n:016x}")
                    assert number is not None
                    db.add(a_visit(where, number, at=at, day=day))
                    db.flush()  # the row is there when the transaction fails
                    if dice.random() < 0.25:
                        raise NotNow  # noqa: TRY301  # the whole block is rolled back
            except NotNow:
                continue
            kept += 1
        return kept

    with ThreadPoolExecutor(8) as pool:
        kept = sum(pool.map(write, range(8)))
    with database.reading() as db:
        rows = db.execute(select(Visit.site_id, Visit.day, Visit.number)).all()
    assert len(rows) == kept
    days: dict[tuple[UUID, date], list[int]] = {}
    for where, day, number in rows:
        days.setdefault((where, day), []).append(number)
    assert len(days) == 4
    for numbers in days.values():
        assert sorted(numbers) == list(range(1, len(numbers) + 1))
