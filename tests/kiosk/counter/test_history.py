"""What past days teach: services, habits, and whether what was announced came true."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random

import pytest

from kiosk.counter.history import LearntLaws, laws_today, learn, past_days, told_on
from kiosk.line.estimate import Range
from kiosk.line.laws import Laws, as_figures, from_figures
from kiosk.register import clock
from kiosk.register.database import Database
from kiosk.register.sites import Site
from kiosk.register.visits import Purpose, Stage, Verb, Visit
from kiosk.waiting import take_number
from tests.kiosk.secretary import Chance, Reception


@pytest.fixture
def sophie(site: Site, at: datetime, chance: Chance) -> Reception:
    return Reception(site, at, chance)


def a_day(database: Database, sophie: Reception, minutes: Iterator[float], people: int = 12) -> None:
    """People who all came at once, served one after the other without a pause."""
    with database.transaction() as db:
        came = [
            take_number(
                db, sophie.site, wait=Range(low=0, high=30, middle=12), purpose=Purpose.WALK_IN, said=None, by="Borne",
                at=sophie.at, chance=sophie.chance, key=sophie.key(),
            ).id
            for _ in range(people)
        ]  # fmt: skip
    for _ in came:
        with database.transaction() as db:
            visit = sophie.calls_next(db)
        sophie.waits(next(minutes))
        with database.transaction() as db:
            sophie.moves(db, visit, Verb.REGISTER)
            sophie.moves(db, visit, Verb.LEAVE)


def some_minutes(median: float) -> Iterator[float]:
    dice = Random(3)
    while True:
        yield median * 2 ** dice.gauss(0, 0.6)


def test_services_are_learnt_from_the_calls_of_each_desk(database: Database, site: Site, sophie: Reception) -> None:
    first = clock.day(site.timezone, sophie.at)
    a_day(database, sophie, iter([4.0, 6.0, 5.0]), people=3)
    with database.reading() as db:
        past = past_days(db, site, first, first + timedelta(days=1))
    assert past.services[Stage.COUNTER] == pytest.approx([4.0, 6.0, 5.0])
    assert past.services[Stage.SAMPLING] == []
    assert (past.needs_help, past.expected) == ([False] * 3, 0)


def test_a_call_that_was_undone_is_no_service_and_a_pause_is_none_either(
    database: Database, site: Site, sophie: Reception
) -> None:
    with database.transaction() as db:
        sophie.gives_number(db)
        sophie.gives_number(db)
        undone = sophie.calls_next(db)
        sophie.at += timedelta(seconds=5)
        sophie.moves(db, undone, Verb.UNDO)
    for pause in (20.0, 0.0):
        with database.transaction() as db:
            visit = sophie.calls_next(db)
            sophie.waits(7)
            sophie.moves(db, visit, Verb.LEAVE)
        sophie.waits(pause)  # the secretary is away although somebody waits
    first = clock.day(site.timezone, sophie.at)
    with database.reading() as db:
        past = past_days(db, site, first, first + timedelta(days=1))
    assert past.services[Stage.COUNTER] == pytest.approx([7.0, 7.0])


def test_the_laws_of_a_day_come_from_the_days_before_and_are_learnt_once(
    database: Database, site: Site, sophie: Reception
) -> None:
    slow = some_minutes(9.0)
    for _ in range(5):
        a_day(database, sophie, slow)
        sophie.at += timedelta(days=1) - timedelta(hours=2)
    with database.transaction() as db:
        assert laws_today(db, site, at=sophie.at) == Laws()
        assert learn(db, site, at=sophie.at)
        assert not learn(db, site, at=sophie.at)
    with database.reading() as db:
        laws = laws_today(db, site, at=sophie.at)
        row = db.get_one(LearntLaws, (site.id, clock.day(site.timezone, sophie.at)))
    assert 6.5 < laws.counter.median < 9.5  # drawn towards the default by twenty of its services
    assert laws.sampling == Laws().sampling
    assert from_figures(row.laws) == laws
    assert laws.scale == 1.0  # twelve people are too few to correct anything


def test_what_was_told_is_set_beside_what_came_for_walk_ins_alone(
    database: Database, site: Site, sophie: Reception
) -> None:
    with database.transaction() as db:
        walk_in = sophie.gives_number(db)
        helped = sophie.gives_number(db)
        db.get_one(Visit, helped.id).needs_help = True
        db.get_one(Visit, walk_in.id).announced_middle = 4
    sophie.waits(10)
    with database.transaction() as db:
        sophie.calls_next(db)
        sophie.calls_next(db)
    day = clock.day(site.timezone, sophie.at)
    with database.reading() as db:
        told = told_on(db, site, day, day + timedelta(days=1))
    (one,) = told[day]
    assert (one.middle, one.high, one.waited) == (4, walk_in.announced_high, 10.0)


def test_many_ranges_that_were_too_short_move_the_next_days_correction(
    database: Database, site: Site, sophie: Reception
) -> None:
    for _ in range(2):
        a_day(database, sophie, some_minutes(8.0), people=35)
        sophie.at += timedelta(days=1) - timedelta(hours=5)
    with database.transaction() as db:
        learn(db, site, at=sophie.at)
        laws = laws_today(db, site, at=sophie.at)
    assert laws.scale > 1.0
    assert laws.spread > 1.0


def test_stored_laws_of_another_time_are_read_with_what_they_have() -> None:
    assert from_figures(as_figures(Laws(no_show=0.2))) == Laws(no_show=0.2)
    assert from_figures({"no_show": 0.2, "of_another_time": 3}) == Laws(no_show=0.2)
