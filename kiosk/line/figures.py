"""What a morning was like for those who waited and for those who worked, in figures."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from statistics import fmean

from kiosk.line.day import HALF_HOUR, Day
from kiosk.line.policy import LineClass, Policy, stand
from kiosk.line.simulation import Person

#: Minutes after the hour, or after a later arrival, from which an appointment was kept waiting.
KEPT_WAITING = 10.0


@dataclass(frozen=True, kw_only=True)
class Waits:
    """The waits of one class for the counter, in minutes."""

    people: int
    mean: float
    median: float
    p90: float
    p99: float
    longest: float


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Many mornings under one way to call."""

    mornings: int
    waits: dict[LineClass, Waits]
    #: Share of the kept appointments called more than ten minutes after their hour.
    booked_late: float
    #: Later arrivals called before a walk-in, on average.
    overtaken: float
    #: Share of the counters' open time until the closing in which nobody was before them.
    idle: float
    #: Minutes after the closing until the last person is called to the counter, on average.
    overtime: float
    #: Mean minutes from the counter to the room.
    to_room: float


def figures(mornings: Sequence[Sequence[Person]], day: Day, policy: Policy) -> Figures:
    """Sum up the mornings of one way to call."""
    classes: dict[LineClass, list[float]] = {}
    late: list[bool] = []
    overtaken: list[int] = []
    for people in mornings:
        for one in people:
            line_class = class_at_the_door(one, policy)
            classes.setdefault(line_class, []).append((one.called - one.arrived) / 60)
            if line_class is LineClass.BOOKED and one.booked_for is not None:
                late.append(one.called - max(one.booked_for, one.arrived) > 60 * KEPT_WAITING)
        overtaken += overtakings(people, policy)
    rooms = [60 * (one.to_room - one.called - one.counter) / 3600 for day_ in mornings for one in day_ if one.room]
    return Figures(
        mornings=len(mornings),
        waits={one: waits_of(minutes) for one, minutes in sorted(classes.items())},
        booked_late=fmean(late) if late else 0.0,
        overtaken=fmean(overtaken) if overtaken else 0.0,
        idle=fmean(_idle(people, day) for people in mornings),
        overtime=fmean(max(0.0, max(one.called for one in people) - day.closes) / 60 for people in mornings if people),
        to_room=fmean(rooms) if rooms else 0.0,
    )


def waits_of(minutes: Iterable[float]) -> Waits:
    """The figures of some waits; there is at least one."""
    ranked = sorted(minutes)

    def share(part: float) -> float:
        return ranked[min(len(ranked) - 1, max(0, ceil(part * len(ranked)) - 1))]

    return Waits(
        people=len(ranked), mean=fmean(ranked), median=share(0.5), p90=share(0.9), p99=share(0.99), longest=ranked[-1]
    )


def class_at_the_door(one: Person, policy: Policy) -> LineClass:
    """The class in which a person stood in the counter's line."""
    return stand(
        number=one.number, arrived=one.arrived, came=one.arrived, booked_for=one.booked_for, urgent=one.urgent,
        needs_help=one.needs_help, collects=one.collects, policy=policy,
    ).line_class  # fmt: skip


def overtakings(people: Sequence[Person], policy: Policy) -> list[int]:
    """For each walk-in, how many who arrived later were called before."""
    ranked = sorted(people, key=lambda one: (one.arrived, one.number))
    return [
        sum(later.called < one.called for later in ranked[place + 1 :])
        for place, one in enumerate(ranked)
        if class_at_the_door(one, policy) is LineClass.WALK_IN
    ]


def through_the_day(mornings: Sequence[Sequence[Person]], day: Day, policy: Policy) -> dict[LineClass, list[float]]:
    """Class -> the ninth tenth of the waits of those who arrived in each half-hour, in minutes; 0 where nobody did."""
    halves = ceil((day.closes - day.opens) / HALF_HOUR)
    found: dict[LineClass, list[list[float]]] = {}
    for people in mornings:
        for one in people:
            place = min(halves - 1, int((one.arrived - day.opens) // HALF_HOUR))
            lists = found.setdefault(class_at_the_door(one, policy), [[] for _ in range(halves)])
            lists[place].append((one.called - one.arrived) / 60)
    return {
        one: [waits_of(minutes).p90 if minutes else 0.0 for minutes in lists] for one, lists in sorted(found.items())
    }


def _idle(people: Sequence[Person], day: Day) -> float:
    """Share of the counters' time from the opening to the closing in which nobody was before them."""
    shifts = [*day.shifts(), None]
    open_time = sum(
        here.counters * ((after.at if after else day.closes) - max(day.opens, here.at))
        for here, after in itertools.pairwise(shifts)
        if here
    )
    busy = sum(max(0.0, min(day.closes, one.called + one.counter) - one.called) for one in people)
    return max(0.0, 1 - busy / open_time) if open_time else 0.0
