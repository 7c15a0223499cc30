"""Whose turn is it, and why: the properties that make the line fair."""

from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.line.policy import LineClass, Policy, Ranked, Waiting, class_of, priority, rank, reason

OPENING = datetime(2026, 11, 21, 6, 30, tzinfo=UTC)
NOON = OPENING + timedelta(hours=5)
POLICY = Policy()
#: Seconds of a morning; whole tens of seconds, as arrivals at a kiosk are.
MOMENTS = st.integers(0, 5 * 360).map(lambda tens: OPENING + timedelta(seconds=10 * tens))
MINUTES = st.integers(0, 120).map(lambda minutes: timedelta(minutes=minutes))


def hour(at: datetime) -> str:
    return f"{at:%H:%M}"


def numbered(people: list[Waiting]) -> list[Waiting]:
    """The same people, with the numbers that the ticket printer gave them."""
    return [
        Waiting(
            id=UUID(int=n), number=n, arrived_at=one.arrived_at, booked_for=one.booked_for,
            urgent_because=one.urgent_because, needs_help=one.needs_help, collects=one.collects,
        )
        for n, one in enumerate(people, 1)
    ]  # fmt: skip


PERSON = st.builds(
    Waiting,
    id=st.just(UUID(int=0)),
    number=st.just(0),
    arrived_at=MOMENTS,
    booked_for=st.none() | MOMENTS,
    urgent_because=st.sampled_from([None, None, None, "glycémie"]),
    needs_help=st.booleans(),
    collects=st.booleans(),
)
LINE = st.lists(PERSON, max_size=25).map(numbered)


def places(line: list[Waiting], at: datetime = NOON) -> list[Ranked]:
    return rank(line, at, POLICY, hour=hour)


def walk_in(number: int, arrived_at: datetime) -> Waiting:
    return Waiting(id=UUID(int=number), number=number, arrived_at=arrived_at)


def booked(number: int, arrived_at: datetime, booked_for: datetime) -> Waiting:
    return Waiting(id=UUID(int=number), number=number, arrived_at=arrived_at, booked_for=booked_for)


@given(LINE)
def test_everyone_has_one_place_and_a_reason(line: list[Waiting]) -> None:
    ranked = places(line)
    assert sorted(one.waiting.number for one in ranked) == [one.number for one in line]
    assert all(one.reason for one in ranked)


@given(LINE, st.randoms(use_true_random=False))
def test_the_order_in_which_people_are_read_changes_no_place(line: list[Waiting], random: Random) -> None:
    mixed = list(line)
    random.shuffle(mixed)
    assert places(mixed) == places(line)


@given(LINE)
def test_inside_a_class_nobody_who_came_earlier_is_passed_except_for_the_hour_of_an_appointment(
    line: list[Waiting],
) -> None:
    ranked = places(line)
    for line_class in set(LineClass) - {LineClass.BOOKED}:
        arrivals = [one.waiting.arrived_at for one in ranked if one.line_class is line_class]
        assert arrivals == sorted(arrivals)


@given(PERSON, MOMENTS, MINUTES)
def test_priority_only_grows_with_the_time_waited(one: Waiting, at: datetime, more: timedelta) -> None:
    assert priority(one, at + more, POLICY) >= priority(one, at, POLICY)


@given(LINE, st.integers(0, 24), MINUTES)
def test_whoever_had_come_earlier_without_appointment_would_never_stand_further_back(
    line: list[Waiting], which: int, earlier: timedelta
) -> None:
    if not line or line[which % len(line)].booked_for is not None:
        return
    place = which % len(line)
    one = line[place]
    sooner = Waiting(
        id=one.id, number=one.number, arrived_at=one.arrived_at - earlier, urgent_because=one.urgent_because,
        needs_help=one.needs_help, collects=one.collects,
    )  # fmt: skip
    before = [ranked.waiting.id for ranked in places(line)].index(one.id)
    line = [*line[:place], sooner, *line[place + 1 :]]
    assert [ranked.waiting.id for ranked in places(line)].index(one.id) <= before


@given(LINE)
def test_urgent_people_stand_before_all_others(line: list[Waiting]) -> None:
    urgent = [one.line_class is LineClass.URGENT for one in places(line)]
    assert urgent == sorted(urgent, reverse=True)


@given(LINE)
def test_no_walk_in_waits_beyond_the_guard_while_a_later_arrival_of_another_class_is_called(
    line: list[Waiting],
) -> None:
    ranked = places(line)
    for place, one in enumerate(ranked):
        if one.line_class is LineClass.WALK_IN and NOON - one.waiting.arrived_at > POLICY.guard:
            for ahead in ranked[:place]:
                assert ahead.line_class is LineClass.URGENT or ahead.waiting.arrived_at <= one.waiting.arrived_at


def test_control_without_the_guard_a_walk_in_is_passed_by_later_arrivals() -> None:
    long_here = walk_in(1, NOON - timedelta(minutes=50))
    just_come = booked(2, NOON - timedelta(minutes=12), NOON - timedelta(minutes=10))
    assert places([long_here, just_come])[0].waiting is long_here
    without = rank([long_here, just_come], NOON, Policy(guard=timedelta(hours=9)), hour=hour)
    assert without[0].waiting is just_come


@given(LINE, MOMENTS, MINUTES)
def test_coming_earlier_than_five_minutes_before_the_hour_gains_nothing(
    line: list[Waiting], appointment: datetime, early: timedelta
) -> None:
    in_time = appointment - POLICY.early
    assert priority(booked(99, in_time - early, appointment), NOON, POLICY) == priority(
        booked(99, in_time, appointment), NOON, POLICY
    )
    others = places([*line, booked(99, in_time, appointment)])
    earlier = places([*line, booked(99, in_time - early, appointment)])
    assert [one.waiting.number for one in earlier] == [one.waiting.number for one in others]


@given(LINE, MOMENTS, st.integers(0, 900))
def test_coming_up_to_a_quarter_of_an_hour_late_loses_nothing(
    line: list[Waiting], appointment: datetime, late: int
) -> None:
    on_the_hour = places([*line, booked(99, appointment, appointment)])
    after = places([*line, booked(99, appointment + timedelta(seconds=late), appointment)])
    assert [one.waiting.number for one in after] == [one.waiting.number for one in on_the_hour]


@given(MOMENTS, st.integers(901, 7200))
def test_more_than_a_quarter_of_an_hour_late_one_waits_as_a_walk_in(appointment: datetime, late: int) -> None:
    came = appointment + timedelta(seconds=late)
    missed = booked(1, came, appointment)
    assert class_of(missed, POLICY) is LineClass.WALK_IN
    assert priority(missed, NOON, POLICY) == priority(walk_in(1, came), NOON, POLICY)


@given(MOMENTS, MINUTES)
def test_an_appointment_that_was_kept_at_the_door_is_kept_at_the_second_line(
    appointment: datetime, later: timedelta
) -> None:
    sent = Waiting(
        id=UUID(int=1), number=1, arrived_at=appointment + later, came_at=appointment, booked_for=appointment
    )
    assert class_of(sent, POLICY) is LineClass.BOOKED


def test_an_appointment_gains_on_walk_ins_at_its_rate() -> None:
    appointment = NOON - timedelta(minutes=5)
    on_time = booked(2, appointment, appointment)  # 4 × (5 min + 5 min of head start) = 40
    assert places([walk_in(1, NOON - timedelta(minutes=41)), on_time])[0].waiting.number == 1
    assert places([walk_in(1, NOON - timedelta(minutes=39)), on_time])[0].waiting.number == 2


def test_help_stands_between_walk_ins_and_appointments() -> None:
    came = NOON - timedelta(minutes=10)
    helped = Waiting(id=UUID(int=2), number=2, arrived_at=came, needs_help=True)
    line = [walk_in(1, came), helped, booked(3, came, came)]
    assert [one.waiting.number for one in places(line)] == [3, 2, 1]


@pytest.mark.parametrize(
    ("waiting", "words"),
    [
        (walk_in(1, NOON), "vient d'arriver"),
        (walk_in(1, NOON - timedelta(seconds=59)), "vient d'arriver"),
        (walk_in(1, NOON - timedelta(minutes=45, seconds=59)), "attend depuis 45 min"),
        (walk_in(1, NOON + timedelta(minutes=3)), "vient d'arriver"),
        (booked(1, NOON, NOON), "rendez-vous de 11:30"),
        (booked(1, NOON, NOON - timedelta(minutes=16)), "rendez-vous de 11:14 manqué, vient d'arriver"),
        (Waiting(id=UUID(int=1), number=1, arrived_at=NOON, urgent_because="glycémie"), "urgence : glycémie"),
        (Waiting(id=UUID(int=1), number=1, arrived_at=NOON, needs_help=True), "aide, vient d'arriver"),
        (Waiting(id=UUID(int=1), number=1, arrived_at=NOON, collects=True), "résultat ou flacon, vient d'arriver"),
    ],
)
def test_the_reason_may_be_said_aloud(waiting: Waiting, words: str) -> None:
    assert reason(waiting, NOON, POLICY, hour=hour) == words
