"""The order of a line: who is called next, and the whole line in the order in which it would be called."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import heappop, heappush
from math import inf
from typing import Generic, TypeVar

from kiosk.line.policy import LineClass, Policy, Standing, Waiting, class_of, reason, standing_of

Person = TypeVar("Person")

Entry = tuple[float, int, Standing, Person]


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """A person's place and the reason for it, in plain French."""

    waiting: Waiting
    line_class: LineClass
    reason: str


class Line(Generic[Person]):
    """One line of a stage, as the policy keeps it.

    Within a class the order never changes while people wait, so each class is a lane of its own and only the heads of
    the lanes are compared. The counter, the estimate and the simulation all call from this one.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self._lanes: dict[LineClass, list[Entry[Person]]] = {}
        self._guard = policy.guard.total_seconds()

    def __len__(self) -> int:
        return sum(map(len, self._lanes.values()))

    def join(self, standing: Standing, person: Person) -> None:
        """Stand in the line."""
        lane = self._lanes.setdefault(standing.line_class, [])
        heappush(lane, (standing.since, standing.number, standing, person))

    def call(self, at: float) -> Person:
        """Take whoever's turn it is out of the line.

        Args:
            at: the hour, in seconds as in the standings.

        Raises:
            IndexError: when nobody waits.
        """
        lane = self._turn(at)
        entry = heappop(self._lanes[lane])
        if not self._lanes[lane]:
            del self._lanes[lane]
        return entry[3]

    def waiting(self) -> list[tuple[Standing, Person]]:
        """Everyone who waits, in no order."""
        return [(standing, person) for lane in self._lanes.values() for _, _, standing, person in lane]

    def copy(self) -> "Line[Person]":
        """The same line, to be called in one imagined way among many."""
        other: Line[Person] = Line(self.policy)
        other._lanes = {one: lane.copy() for one, lane in self._lanes.items()}
        return other

    def _turn(self, at: float) -> LineClass:
        """Urgent people first, then the highest priority, unless somebody without appointment waits beyond the guard.

        Of those the one goes who has waited longest, whatever the class: a help that is asked for makes nobody later.
        """
        lanes = self._lanes
        if LineClass.URGENT in lanes:
            return LineClass.URGENT
        if not lanes:
            raise IndexError("nobody waits")
        growth = self.policy.growth
        best, highest, lowest = LineClass.WALK_IN, -inf, 0
        longest, earliest = best, (inf, 0)
        for line_class, lane in lanes.items():
            since, number, _, _ = lane[0]
            rate, head_start = growth[line_class]
            grown = rate * (at - since + head_start)
            if grown > highest or (grown == highest and number < lowest):
                best, highest, lowest = line_class, grown, number
            if line_class is not LineClass.BOOKED and (since, number) < earliest:
                longest, earliest = line_class, (since, number)
        if longest is not best and at - earliest[0] > self._guard and earliest[0] < lanes[best][0][2].mark:
            return longest
        return best


def rank(
    line: Sequence[Waiting],
    at: datetime,
    policy: Policy,
    *,
    hour: Callable[[datetime], str],
    first: int | None = None,
) -> list[Ranked]:
    """The line in the order in which it would be called if all were called now.

    Args:
        line: everyone who waits at one stage.
        hour: writes an instant as the site's wall clock does (`8 h 10`).
        first: how many are wanted; a call needs no more than the head of a long line.
    """
    return [
        Ranked(waiting=one, line_class=class_of(one, policy), reason=reason(one, at, policy, hour=hour))
        for one in in_turn(line, at, policy, first=first)
    ]


def in_turn(line: Iterable[Waiting], at: datetime, policy: Policy, *, first: int | None = None) -> list[Waiting]:
    """The same people, first to be called first."""
    standing: Line[Waiting] = Line(policy)
    for one in line:
        standing.join(standing_of(one, policy), one)
    wanted = len(standing) if first is None else min(first, len(standing))
    return [standing.call(at.timestamp()) for _ in range(wanted)]
