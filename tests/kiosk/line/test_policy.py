"""A person's class, clock and priority, and the reason in words."""

from datetime import datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.line.policy import LineClass, Waiting, class_of, priority, reason, standing_of
from tests.kiosk.line.people import MINUTES, MOMENTS, NOON, PERSON, POLICY, booked, hour, walk_in


def grown(one: Waiting, at: datetime) -> float:
    return priority(standing_of(one, POLICY), at.timestamp(), POLICY)


@given(PERSON, MOMENTS, MINUTES)
def test_priority_only_grows_with_the_time_waited(one: Waiting, at: datetime, more: timedelta) -> None:
    assert grown(one, at + more) >= grown(one, at)


@given(MOMENTS, st.integers(901, 7200))
def test_more_than_a_quarter_of_an_hour_late_one_waits_as_a_walk_in(appointment: datetime, late: int) -> None:
    came = appointment + timedelta(seconds=late)
    missed = booked(1, came, appointment)
    assert class_of(missed, POLICY) is LineClass.WALK_IN
    assert grown(missed, NOON) == grown(walk_in(1, came), NOON)


@given(MOMENTS, MINUTES)
def test_an_appointment_that_was_kept_at_the_door_is_kept_at_the_second_line(
    appointment: datetime, later: timedelta
) -> None:
    sent = Waiting(
        id=UUID(int=1), number=1, arrived_at=appointment + later, came_at=appointment, booked_for=appointment
    )
    assert class_of(sent, POLICY) is LineClass.BOOKED


@given(MOMENTS, MINUTES)
def test_an_early_arrival_has_the_clock_and_the_mark_of_one_in_time(appointment: datetime, early: timedelta) -> None:
    in_time = standing_of(booked(1, appointment - POLICY.early, appointment), POLICY)
    sooner = standing_of(booked(1, appointment - POLICY.early - early, appointment), POLICY)
    assert (sooner.since, sooner.mark) == (in_time.since, in_time.mark)


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
