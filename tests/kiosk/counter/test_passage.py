"""What becomes of a number after its call: nobody is lost, and everything leaves its trace."""

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from kiosk.counter.passage import ABSENCE, CLOCK, NotThere, TooLate, at_desk, bring_back, hand_on
from kiosk.counter.turns import NobodyWaits
from kiosk.places import line
from kiosk.register.database import Database
from kiosk.register.events import Event
from kiosk.register.journal import verify
from kiosk.register.sites import Site
from kiosk.register.visits import NotNow, Purpose, Stage, State, Verb, Visit, moves_of
from kiosk.waiting import announced, last_calls
from tests.kiosk.secretary import Chance, Reception


@pytest.fixture
def sophie(site: Site, at: datetime, chance: Chance) -> Reception:
    return Reception(site, at, chance)


def test_from_the_door_to_the_street(database: Database, site: Site, sophie: Reception) -> None:
    with database.transaction() as db:
        visit = sophie.gives_number(db)
    sophie.waits(12)
    with database.transaction() as db:
        assert sophie.calls_next(db).id == visit.id
        here = at_desk(db, site, "Guichet 1", at=sophie.at)
        assert here is not None
        assert here.id == visit.id
    with database.transaction() as db:
        sophie.moves(db, visit, Verb.REGISTER)
    with database.transaction() as db:
        sent = sophie.moves(db, visit, Verb.SEND)
        assert (sent.stage, sent.waits_since) == (Stage.SAMPLING, sophie.at)
    with database.transaction() as db, pytest.raises(NobodyWaits):
        sophie.calls_next(db)
    karim = Reception(site, sophie.at, sophie.chance, "karim", "Salle 1")
    with database.transaction() as db:
        assert karim.calls_next(db, Stage.SAMPLING).state is State.IN_ROOM
    with database.transaction() as db:
        karim.moves(db, visit, Verb.SAMPLE)
    with database.transaction() as db:
        assert karim.moves(db, visit, Verb.LEAVE).state is State.LEFT
    with database.reading() as db:
        calls = last_calls(db, site, at=sophie.at)
        assert {(call.verb, call.desk, call.reason) for call in calls} == {
            ("call", "Guichet 1", "attend depuis 12 min"), ("call_to_room", "Salle 1", "vient d'arriver"),
        }  # fmt: skip
        assert at_desk(db, site, "Salle 1", at=sophie.at) is None
        assert verify(db, "register").size == 7


def test_a_call_is_undone_within_ten_seconds_and_the_place_is_kept(
    database: Database, site: Site, sophie: Reception
) -> None:
    with database.transaction() as db:
        first, _ = sophie.gives_number(db), sophie.gives_number(db)
    with database.transaction() as db:
        called = sophie.calls_next(db)
        assert called.id == first.id
    sophie.at += timedelta(seconds=10)
    with database.transaction() as db:
        back = sophie.moves(db, called, Verb.UNDO)
        assert (back.state, back.desk, back.called_at) == (State.ARRIVED, None, None)
    with database.reading() as db:
        assert line(db, site, Stage.COUNTER, at=sophie.at)[0].visit.id == first.id


def test_after_ten_seconds_a_call_is_not_undone(database: Database, sophie: Reception) -> None:
    with database.transaction() as db:
        sophie.gives_number(db)
        called = sophie.calls_next(db)
    sophie.at += timedelta(seconds=10, microseconds=1)
    with database.transaction() as db, pytest.raises(TooLate):
        sophie.moves(db, called, Verb.UNDO)


def test_who_missed_a_call_comes_back_to_the_place_it_left(database: Database, site: Site, sophie: Reception) -> None:
    with database.transaction() as db:
        first = sophie.gives_number(db)
        sophie.calls_next(db)
        sophie.moves(db, first, Verb.MISS)
        sophie.waits(3)
        sophie.gives_number(db)
        sophie.moves(db, first, Verb.COME_BACK)
        assert line(db, site, Stage.COUNTER, at=sophie.at)[0].visit.id == first.id
        assert sophie.calls_next(db).id == first.id
    with database.reading() as db:
        assert moves_of(db, first.id)[-1].before == "returned"


def test_a_move_that_the_table_does_not_have_changes_nothing(database: Database, sophie: Reception) -> None:
    with database.transaction() as db:
        visit = sophie.gives_number(db)
    with pytest.raises(NotNow), database.transaction() as db:
        sophie.moves(db, visit, Verb.SAMPLE)
    with database.reading() as db:
        assert db.get_one(Visit, visit.id).state is State.ARRIVED
        assert len(moves_of(db, visit.id)) == 1


def test_the_board_hears_calls_and_undone_calls_by_number_and_desk_alone(database: Database, sophie: Reception) -> None:
    with database.transaction() as db:
        visit = sophie.gives_number(db)
        sophie.calls_next(db)
        sophie.moves(db, visit, Verb.RECALL)
        sophie.moves(db, visit, Verb.UNDO)
    with database.reading() as db:
        heard = [
            (event.topic, event.body.get("verb"), event.body.get("desk"))
            for event in db.scalars(select(Event).order_by(Event.seq))
        ]
        bodies = [event.body for event in db.scalars(select(Event))]
    assert heard == [
        ("line", None, None), ("call", "call", "Guichet 1"), ("call", "recall", "Guichet 1"), ("call", "undo", None),
    ]  # fmt: skip
    assert all(set(body) <= {"number", "desk", "stage", "verb"} for body in bodies)


def test_who_missed_a_call_comes_back_by_itself_after_five_minutes_and_is_called_again(
    database: Database, site: Site, sophie: Reception
) -> None:
    with database.transaction() as db:
        first = sophie.gives_number(db)
        sophie.calls_next(db)
        sophie.moves(db, first, Verb.MISS)
    sophie.at += ABSENCE - timedelta(seconds=1)
    assert bring_back(database, site, at=sophie.at, chance=sophie.chance) == 0
    with pytest.raises(NobodyWaits):
        sophie.presses_next(database)
    sophie.at += timedelta(seconds=1)
    assert bring_back(database, site, at=sophie.at, chance=sophie.chance) == 1
    assert bring_back(database, site, at=sophie.at, chance=sophie.chance) == 0
    assert sophie.presses_next(database).id == first.id
    with database.reading() as db:
        (back,) = [move for move in moves_of(db, first.id) if move.verb == "come_back"]
        assert (back.by, back.after) == (CLOCK, State.RETURNED)


def test_who_misses_two_calls_is_set_aside_and_never_cancelled(
    database: Database, site: Site, sophie: Reception
) -> None:
    with database.transaction() as db:
        first = sophie.gives_number(db)
        for expected in (State.NO_SHOW, State.PARKED):
            sophie.calls_next(db)
            assert sophie.moves(db, first, Verb.MISS).state is expected
            if expected is State.NO_SHOW:
                sophie.moves(db, first, Verb.COME_BACK)
    sophie.waits(300)
    assert bring_back(database, site, at=sophie.at, chance=sophie.chance) == 0
    with database.transaction() as db:
        assert db.get_one(Visit, first.id).state is State.PARKED
        assert sophie.moves(db, first, Verb.COME_BACK).state is State.RETURNED


def test_of_two_programmes_that_bring_back_the_same_person_one_does(
    database: Database, site: Site, sophie: Reception
) -> None:
    with database.transaction() as db:
        first = sophie.gives_number(db)
        sophie.calls_next(db)
        sophie.moves(db, first, Verb.MISS)
    sophie.waits(6)
    with ThreadPoolExecutor(4) as pool:
        back = list(pool.map(lambda _: bring_back(database, site, at=sophie.at, chance=os.urandom), range(4)))
    assert sum(back) == 1
    with database.reading() as db:
        assert [move.verb for move in moves_of(db, first.id)].count("come_back") == 1


def test_a_called_person_is_handed_to_another_desk_with_the_same_number_and_the_board_shows_it(
    database: Database, site: Site, sophie: Reception
) -> None:
    desks = ("Guichet 1", "Guichet 2")
    with database.transaction() as db:
        first = sophie.gives_number(db)
        sophie.calls_next(db)
    sophie.waits(1)
    told: dict[str, Any] = {"by": "sophie", "at": sophie.at, "chance": sophie.chance, "key": "d" * 32}
    with database.transaction() as db:
        first = db.get_one(Visit, first.id)
        for wrong in ("Guichet 1", "Salle 1", ""):
            with pytest.raises(NotThere):
                hand_on(db, first, wrong, among=desks, **told)
        for _ in range(2):  # the same form twice is one act
            assert hand_on(db, first, "Guichet 2", among=desks, **told).desk == "Guichet 2"
    with database.reading() as db:
        assert at_desk(db, site, "Guichet 1", at=sophie.at) is None
        here = at_desk(db, site, "Guichet 2", at=sophie.at)
        assert here is not None
        assert (here.id, here.state, here.number) == (first.id, State.CALLED, first.number)
        newest = last_calls(db, site, at=sophie.at)[0]
        assert (newest.verb, newest.desk) == ("transfer", "Guichet 2")
        assert db.scalars(select(Event).order_by(Event.seq.desc())).first().topic == "call"  # type: ignore[union-attr]


def test_who_is_handed_back_to_the_counter_has_the_place_of_its_arrival_and_goes_on_with_its_labels(
    database: Database, site: Site, sophie: Reception
) -> None:
    with database.transaction() as db:
        first = sophie.gives_number(db)
        sophie.waits(10)
        sophie.gives_number(db)
        assert sophie.calls_next(db).id == first.id
        sophie.moves(db, first, Verb.REGISTER)
        sophie.moves(db, first, Verb.SEND)
        karim = Reception(site, sophie.at, sophie.chance, "karim", "Salle 1")
        karim.calls_next(db, Stage.SAMPLING)
        back = karim.moves(db, first, Verb.HAND_BACK)
        assert (back.state, back.stage, back.desk) == (State.ARRIVED, Stage.COUNTER, None)
        assert back.waits_since == back.arrived_at
        assert line(db, site, Stage.SAMPLING, at=sophie.at) == []
        assert sophie.calls_next(db).id == first.id
        assert sophie.moves(db, first, Verb.SEND).state is State.WAITING


def test_at_midnight_nobody_in_the_line_is_lost(database: Database, site: Site, sophie: Reception) -> None:
    sophie.at = datetime(2026, 11, 21, 22, 50, tzinfo=UTC)  # ten to midnight in Paris
    with database.transaction() as db:
        before, missed = sophie.gives_number(db), sophie.gives_number(db)
        sophie.calls_next(db)
        sophie.moves(db, before, Verb.MISS)
    sophie.waits(20)
    with database.transaction() as db:
        after = sophie.gives_number(db)
    assert (missed.number, after.number, after.day) == (2, 1, date(2026, 11, 22))
    assert bring_back(database, site, at=sophie.at, chance=sophie.chance) == 1
    with database.reading() as db:
        assert [place.visit.id for place in line(db, site, Stage.COUNTER, at=sophie.at)] == [
            before.id, missed.id, after.id,
        ]  # fmt: skip
        assert announced(db, site, Stage.COUNTER, at=sophie.at).high > 5
    called = sophie.presses_next(database)
    with database.reading() as db:
        here = at_desk(db, site, "Guichet 1", at=sophie.at)
        assert here is not None
        assert here.id == called.id == before.id
        assert [call.visit_id for call in last_calls(db, site, at=sophie.at)] == [before.id, before.id]


def test_in_the_night_of_summer_time_waits_are_true_and_hours_are_those_of_the_wall(
    database: Database, site: Site, sophie: Reception
) -> None:
    sophie.at = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 2 h 30 for the first time
    with database.transaction() as db:
        first = sophie.gives_number(db)
    sophie.waits(45)
    with database.transaction() as db:
        second = sophie.gives_number(db, Purpose.BOOKED)
        second.booked_for = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)  # 2 h 30 for the second time
    sophie.waits(15)
    with database.reading() as db:
        told = [(place.visit.id, place.ranked.reason) for place in line(db, site, Stage.COUNTER, at=sophie.at)]
    assert told == [(first.id, "attend depuis 60 min"), (second.id, "rendez-vous de 2 h 30")]


def test_in_the_night_without_half_past_two_waits_are_true_and_hours_are_those_of_the_wall(
    database: Database, site: Site, sophie: Reception
) -> None:
    sophie.at = datetime(2027, 3, 28, 0, 50, tzinfo=UTC)  # 1 h 50; ten minutes later it is 3 h
    with database.transaction() as db:
        first = sophie.gives_number(db)
        second = sophie.gives_number(db, Purpose.BOOKED)
        second.booked_for = datetime(2027, 3, 28, 1, 5, tzinfo=UTC)
    sophie.waits(20)
    with database.transaction() as db:
        third = sophie.gives_number(db)
    assert (third.number, third.day) == (3, date(2027, 3, 28))
    with database.reading() as db:
        told = [(place.visit.id, place.ranked.reason) for place in line(db, site, Stage.COUNTER, at=sophie.at)]
    assert told == [
        (second.id, "rendez-vous de 3 h 05"), (first.id, "attend depuis 20 min"), (third.id, "vient d'arriver"),
    ]  # fmt: skip
