"""The wait is foretold from the live line, stored for the kiosk, and told anew only when something has changed."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from kiosk.booking.appointments import Appointment, arrive, book
from kiosk.counter.foretelling import AGAIN, Foreteller, keep, snapshot
from kiosk.line.estimate import Range
from kiosk.line.policy import LineClass
from kiosk.register.database import Database
from kiosk.register.events import Event
from kiosk.register.sites import Site
from kiosk.register.visits import Purpose, Stage
from kiosk.waiting import FRESH, Forecast, announced
from tests.kiosk.secretary import Chance, Reception


@pytest.fixture
def sophie(site: Site, at: datetime, chance: Chance) -> Reception:
    return Reception(site, at, chance)


def test_the_snapshot_is_the_line_as_it_stands(database: Database, site: Site, sophie: Reception) -> None:
    with database.transaction() as db:
        sophie.gives_number(db)
        called = sophie.calls_next(db)
        sophie.waits(3)
        sophie.gives_number(db)
        sophie.gives_number(db, Purpose.COLLECT)
    with database.reading() as db:
        now = snapshot(db, site, Stage.COUNTER, at=sophie.at)
        rooms = snapshot(db, site, Stage.SAMPLING, at=sophie.at)
    assert called.called_at is not None
    assert now.serving == [called.called_at.timestamp()]
    assert (now.desks, now.walk_ins_an_hour) == (1, 12.0)
    classes = sorted((standing.line_class, short) for standing, short in now.waiting)
    assert classes == [(LineClass.COLLECT, True), (LineClass.WALK_IN, False)]
    assert (rooms.waiting, rooms.serving, rooms.desks) == ([], [], 1)


def test_what_was_foretold_is_what_is_announced_until_it_is_stale(
    database: Database, site: Site, sophie: Reception
) -> None:
    with database.transaction() as db:
        for _ in range(12):
            sophie.gives_number(db)
    sophie.waits(1)
    foreteller = Foreteller(database, sophie.chance)
    assert foreteller.look(at=sophie.at)
    with database.reading() as db:
        row = db.get_one(Forecast, (site.id, Stage.COUNTER))
        told = announced(db, site, Stage.COUNTER, at=sophie.at)
        assert (told.low, told.high, told.middle) == (row.low, row.high, row.middle)
        assert 30 <= row.middle <= 90  # twelve people before one desk
        counted = announced(db, site, Stage.COUNTER, at=sophie.at + FRESH + timedelta(seconds=1))
        assert counted.middle is None
    with database.transaction() as db:
        assert sophie.gives_number(db).announced_middle == row.middle


def test_nothing_is_foretold_twice_for_the_same_line(database: Database, site: Site, sophie: Reception) -> None:
    foreteller = Foreteller(database, sophie.chance)
    assert foreteller.look(at=sophie.at)
    assert not foreteller.look(at=sophie.at)
    assert foreteller.look(at=sophie.at + AGAIN)
    with database.transaction() as db:
        sophie.gives_number(db)
    assert foreteller.look(at=sophie.at + AGAIN)


def test_screens_hear_of_a_range_only_when_it_is_another_one(database: Database, site: Site, sophie: Reception) -> None:
    foreteller = Foreteller(database, sophie.chance)
    heard = []
    for people in (0, 0, 20):
        with database.transaction() as db:
            for _ in range(people):
                sophie.gives_number(db)
        sophie.at += AGAIN
        foreteller.look(at=sophie.at)
        with database.reading() as db:
            events = [event.body for event in db.scalars(select(Event))]
        heard.append(sum(body.get("verb") == "foretell" for body in events))
    assert heard == [2, 2, 3]


def test_two_programmes_that_foretell_for_the_first_time_at_the_same_instant_leave_one_row(
    database: Database, site: Site, at: datetime
) -> None:
    together = threading.Barrier(4)

    def first(low: int) -> None:
        together.wait(30)
        with database.transaction() as db:
            keep(db, site, Stage.COUNTER, Range(low=low, high=low + 5), at=at)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(first, (0, 5, 10, 15)))
    with database.reading() as db:
        [row] = db.scalars(select(Forecast)).all()
        heard = [event.body["verb"] for event in db.scalars(select(Event))]
    assert row.high == row.low + 5
    assert heard == ["foretell"] * 4


def test_who_is_expected_is_counted_until_recognised(database: Database, site: Site, sophie: Reception) -> None:
    told: dict[str, Any] = {"by": "sophie", "at": sophie.at, "chance": sophie.chance}
    hour = sophie.at + timedelta(minutes=30)
    with database.transaction() as db:
        row = book(
            db, site, start=hour, birth_name="Moreau", given_names="Jeanne", birth_date="19540203", key=sophie.key(),
            **told,
        )  # fmt: skip
    with database.reading() as db:
        assert snapshot(db, site, Stage.COUNTER, at=sophie.at).expected == [hour.timestamp()]
        assert snapshot(db, site, Stage.SAMPLING, at=sophie.at).expected == ()
    with database.transaction() as db:
        arrive(db, db.get_one(Appointment, row.id), sophie.gives_number(db, Purpose.BOOKED), **told)
        now = snapshot(db, site, Stage.COUNTER, at=sophie.at)
    assert (now.expected, now.walk_ins_an_hour) == ([], 0.0)
    assert [standing.line_class for standing, _ in now.waiting] == [LineClass.BOOKED]
