"""Whose turn is it: the properties that make the line fair."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.line.order import Line, in_turn, rank
from kiosk.line.policy import LineClass, Policy, Waiting, class_of, priority, standing_of
from tests.kiosk.line.people import (
    LINE,
    MINUTES,
    MOMENTS,
    NOON,
    OPENING,
    PERSON,
    POLICY,
    booked,
    hour,
    numbered,
    places,
    walk_in,
)


def grown(one: Waiting) -> float:
    return priority(standing_of(one, POLICY), NOON.timestamp(), POLICY)


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


def came(one: Waiting) -> datetime:
    """When somebody counts as arrived: with an appointment that is kept, its clock."""
    return datetime.fromtimestamp(standing_of(one, POLICY).mark, tz=UTC)


@given(LINE)
def test_no_walk_in_waits_beyond_the_guard_while_a_later_arrival_of_another_class_is_called(
    line: list[Waiting],
) -> None:
    ranked = places(line)
    for place, one in enumerate(ranked):
        if one.line_class is LineClass.WALK_IN and NOON - one.waiting.arrived_at > POLICY.guard:
            for ahead in ranked[:place]:
                assert ahead.line_class is LineClass.URGENT or came(ahead.waiting) <= one.waiting.arrived_at


@given(LINE, MOMENTS, st.booleans())
def test_whoever_needs_help_or_comes_for_a_short_errand_never_waits_longer_for_it(
    line: list[Waiting], came_at: datetime, helped: bool
) -> None:
    one = walk_in(99, came_at)
    before = [ranked.waiting.number for ranked in places([*line, one])].index(99)
    one = replace(one, needs_help=helped, collects=not helped)
    assert [ranked.waiting.number for ranked in places([*line, one])].index(99) <= before


def test_in_a_line_beyond_the_guard_help_is_not_passed_by_walk_ins_and_appointments_alike() -> None:
    helped = replace(walk_in(1, NOON - timedelta(minutes=60)), needs_help=True)
    errand = replace(walk_in(2, NOON - timedelta(minutes=59)), collects=True)
    behind = [walk_in(n, NOON - timedelta(minutes=58, seconds=-n)) for n in range(3, 9)]
    appointments = [booked(n, *(2 * [NOON - timedelta(minutes=50)])) for n in range(9, 15)]
    called = [one.waiting.number for one in places([helped, errand, *behind, *appointments])]
    assert called == sorted(called)


@given(PERSON)
def test_who_counts_as_arrived_earlier_than_it_came_is_late_for_an_appointment_by_a_quarter_of_an_hour_at_most(
    one: Waiting,
) -> None:
    earlier = one.arrived_at - came(one)
    assert earlier <= POLICY.on_time
    assert earlier <= timedelta(0) or class_of(one, POLICY) is LineClass.BOOKED


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
    assert grown(booked(99, in_time - early, appointment)) == grown(booked(99, in_time, appointment))
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


@given(LINE)
def test_an_appointment_is_passed_only_by_higher_priority_or_by_the_guarded_who_came_before_its_clock(
    line: list[Waiting],
) -> None:
    ranked = places(line)
    for place, one in enumerate(ranked):
        if one.line_class is not LineClass.BOOKED:
            continue
        for ahead in ranked[:place]:
            if ahead.line_class not in {LineClass.URGENT, LineClass.BOOKED}:
                old = NOON - ahead.waiting.arrived_at > POLICY.guard and ahead.waiting.arrived_at < came(one.waiting)
                assert old or grown(ahead.waiting) >= grown(one.waiting)


def test_control_a_guard_that_puts_every_old_walk_in_first_lets_appointments_starve() -> None:
    """With every walk-in beyond the guard in front, a person booked at 9 would wait behind all who came at 9:30."""
    expected = booked(1, NOON - timedelta(minutes=100), NOON - timedelta(minutes=100))
    behind = [walk_in(n, NOON - timedelta(minutes=60, seconds=-n)) for n in range(2, 12)]
    assert places([expected, *behind])[0].waiting is expected
    always_first = sorted([expected, *behind], key=lambda one: (one.booked_for is not None, one.arrived_at))
    assert always_first[-1] is expected


SERVICES = st.lists(st.integers(1, 20).map(lambda minutes: timedelta(minutes=minutes)), min_size=60, max_size=60)


@settings(deadline=None)  # a morning takes longer where other programmes run
@given(st.lists(PERSON, max_size=50).map(numbered), SERVICES)
def test_over_a_whole_morning_the_guard_and_the_order_inside_each_class_hold_at_every_call(
    people: list[Waiting], services: list[timedelta]
) -> None:
    """One counter, whoever comes: what the policy promises is looked at whenever somebody is called."""
    coming, waiting, at = sorted(people, key=lambda one: (one.arrived_at, one.number)), list[Waiting](), OPENING
    for service in services:
        while coming and (coming[0].arrived_at <= at or not waiting):
            at = max(at, coming[0].arrived_at)
            waiting.append(coming.pop(0))
        if not waiting:
            break
        called = in_turn(waiting, at, POLICY)[0]
        waiting.remove(called)
        line_class = class_of(called, POLICY)
        for left in waiting:
            assert class_of(left, POLICY) is not LineClass.URGENT or line_class is LineClass.URGENT
            if class_of(left, POLICY) is line_class is not LineClass.BOOKED:
                assert (called.arrived_at, called.number) <= (left.arrived_at, left.number)
            if class_of(left, POLICY) is LineClass.WALK_IN and at - left.arrived_at > POLICY.guard:
                assert line_class is LineClass.URGENT or came(called) <= left.arrived_at
        at += service


@given(LINE, st.integers(0, 30))
def test_the_head_of_a_line_is_the_head_of_the_whole_line(line: list[Waiting], first: int) -> None:
    assert rank(line, NOON, POLICY, hour=hour, first=first) == places(line)[:first]


def test_a_line_is_called_in_the_order_in_which_it_is_shown() -> None:
    line: Line[int] = Line(POLICY)
    people = [booked(1, NOON, NOON), walk_in(2, NOON - timedelta(minutes=44)), walk_in(3, NOON - timedelta(minutes=2))]
    for one in people:
        line.join(standing_of(one, POLICY), one.number)
    assert len(line) == 3
    assert [line.call(NOON.timestamp()) for _ in people] == [one.number for one in in_turn(people, NOON, POLICY)]
    assert len(line) == 0
    with pytest.raises(IndexError):
        line.call(NOON.timestamp())
