"""The simulation tells what the theory of lines has proved, and never loses anybody."""

import os
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from math import factorial, inf
from random import Random
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.line.day import Day, people_of
from kiosk.line.disciplines import disciplines
from kiosk.line.figures import class_at_the_door
from kiosk.line.order import Line
from kiosk.line.policy import LineClass, Policy
from kiosk.line.simulation import Discipline, Person, Shift, run

POLICY = Policy()
#: A nightly run may ask for a million customers, as `etiquette bench` does.
CUSTOMERS = int(os.environ.get("ETIQUETTE_CUSTOMERS", "60000"))


def stream(customers: int, rate: float, *, seed: int, help_share: float = 0.0) -> Iterator[Person]:
    """People without end: exponential times between them, exponential services of one second on average."""
    dice, at = Random(seed), 0.0
    for number in range(1, customers + 1):
        at += dice.expovariate(rate)
        needs_help = dice.random() < help_share
        yield Person(number=number, arrived=at, needs_help=needs_help, counter=dice.expovariate(1.0))


def mean_waits(people: Iterator[Person], counters: int, policy: Policy) -> dict[LineClass, float]:
    waits: dict[LineClass, list[float]] = {}
    shifts = [Shift(at=0.0, counters=counters, rooms=0)]
    for one in run(people, shifts, lambda: Line(policy), policy=policy):
        waits.setdefault(class_at_the_door(one, policy), []).append(one.called - one.arrived)
    return {one: fmean(found) for one, found in waits.items()}


def erlang_c(counters: int, work: float) -> float:
    """The mean wait of an M/M/c line with services of one second (Erlang 1917)."""
    last = work**counters / factorial(counters) / (1 - work / counters)
    waits = last / (sum(work**n / factorial(n) for n in range(counters)) + last)
    return waits / (counters - work)


@pytest.mark.parametrize(("counters", "load"), [(1, 0.5), (2, 0.6)])
def test_the_mean_wait_is_erlangs_within_two_hundredths(counters: int, load: float) -> None:
    """At the rate and the service that were really drawn: what is left is the simulation's own fault."""
    people = list(stream(CUSTOMERS, counters * load, seed=2))
    service = fmean(one.counter for one in people)
    work = service * len(people) / people[-1].arrived
    found = mean_waits(iter(people), counters, POLICY)[LineClass.WALK_IN]
    assert found == pytest.approx(service * erlang_c(counters, work), rel=0.02)


@settings(deadline=None)  # a morning takes longer where other programmes run
@given(st.integers(0, 2**32), st.integers(1, 5))
def test_first_come_waits_are_those_of_the_recursion_of_kiefer_and_wolfowitz(seed: int, counters: int) -> None:
    """Person by person: whoever comes takes the counter that is free first."""
    people, free = list(stream(200, counters * 0.95, seed=seed)), [0.0] * counters
    expected = []
    for one in people:
        called = max(one.arrived, heappop(free))
        heappush(free, called + one.counter)
        expected.append(called)
    shifts = [Shift(at=0.0, counters=counters, rooms=0)]
    list(run(people, shifts, disciplines(POLICY)["premier arrivé"], policy=POLICY))
    assert [one.called for one in people] == pytest.approx(expected)


@pytest.mark.parametrize(("counters", "load"), [(1, 0.5), (2, 0.6)])
def test_two_classes_wait_as_accumulating_priority_foretells_within_two_hundredths(counters: int, load: float) -> None:
    """Kleinrock 1964, for two classes of equal services: the rates decide who waits how much of the same whole.

    The whole is what the same people wait under first come, first served; that it is Erlang's is the test above.
    """
    policy = Policy(guard=POLICY.guard * 1000)
    share, ratio = 0.4, policy.walk_in_rate / policy.help_rate
    shifts, first_come = [Shift(at=0.0, counters=counters, rooms=0)], disciplines(policy)["premier arrivé"]
    all_of_them = stream(CUSTOMERS, counters * load, seed=2, help_share=share)
    whole = fmean(one.called - one.arrived for one in run(all_of_them, shifts, first_come, policy=policy))
    low = whole / (1 - share * load * (1 - ratio))
    high = whole - (1 - share) * load * low * (1 - ratio)
    people = stream(CUSTOMERS, counters * load, seed=2, help_share=share)
    found = mean_waits(people, counters, policy)
    assert found[LineClass.WALK_IN] == pytest.approx(low, rel=0.02)
    assert found[LineClass.HELP] == pytest.approx(high, rel=0.02)


@settings(deadline=None)  # a morning takes longer where other programmes run
@given(st.integers(0, 2**32), st.sampled_from(sorted(disciplines(POLICY))))
def test_everyone_who_comes_is_called_once_in_each_place_and_goes(seed: int, name: str) -> None:
    people = people_of(Day(), Random(seed))
    gone = list(run(iter(people), Day().shifts(), disciplines(POLICY)[name], policy=POLICY))
    assert sorted(one.number for one in gone) == [one.number for one in people]
    for one in gone:
        assert one.arrived <= one.called < inf
        assert one.left == pytest.approx(one.to_room + one.room if one.room else one.called + one.counter)


@settings(deadline=None)  # a morning takes longer where other programmes run
@given(st.integers(0, 2**32))
def test_never_more_people_are_served_than_counters_are_open(seed: int) -> None:
    day = Day(counters=(1, 2, 4, 2), rooms=(2, 1))
    gone = list(run(people_of(day, Random(seed)), day.shifts(), lambda: Line(POLICY), policy=POLICY))
    for one in gone:
        open_then = [shift.counters for shift in day.shifts() if shift.at <= one.called][-1]
        served = sum(other.called <= one.called < other.called + other.counter for other in gone)
        assert served <= open_then


def test_the_same_people_come_under_every_policy() -> None:
    """Common random numbers: what differs between two policies is the policy."""

    def arrivals(open_line: Callable[[], Discipline]) -> list[tuple[int, float, float]]:
        gone = run(people_of(Day(), Random(3)), Day().shifts(), open_line, policy=POLICY)
        return sorted((one.number, one.arrived, one.counter) for one in gone)

    lists = [arrivals(open_line) for open_line in disciplines(POLICY).values()]
    assert all(one == lists[0] for one in lists)


def test_first_come_lets_nobody_pass_and_ours_keeps_appointments() -> None:
    day = Day(counters=(2, 2, 3))
    late: dict[str, int] = {}
    for name in ("premier arrivé", "Étiquette"):
        gone = list(run(people_of(day, Random(8)), day.shifts(), disciplines(POLICY)[name], policy=POLICY))
        if name == "premier arrivé":
            called = [one.arrived for one in sorted(gone, key=lambda one: (one.called, one.number))]
            assert called == sorted(called)
        booked = [one for one in gone if one.booked_for is not None]
        late[name] = sum(one.called - max(one.booked_for or 0, one.arrived) > 600 for one in booked)
    assert late["Étiquette"] < late["premier arrivé"]
