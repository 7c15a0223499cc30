"""The order of a line: who is called next, and the whole line in the order in which it would be called."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import heappop, heappush
from typing import Generic, TypeVar

from kiosk.line.policy import LineClass, Policy, Standing, Waiting, class_of, priority, reason, standing_of

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

    def _turn(self, at: float) -> LineClass:
        """Urgent people first, then the highest priority, unless a walk-in has waited beyond the guard."""
        if LineClass.URGENT in self._lanes:
            return LineClass.URGENT
        heads = [lane[0] for lane in self._lanes.values()]
        if not heads:
            raise IndexError("nobody waits")
        if len(heads) == 1:
            return heads[0][2].line_class
        best = max(heads, key=lambda head: (priority(head[2], at, self.policy), -head[1]))[2]
        walk_ins = self._lanes.get(LineClass.WALK_IN)
        if walk_ins and best.line_class is not LineClass.WALK_IN:
            longest = walk_ins[0][2]
            if at - longest.arrived > self._guard and longest.arrived < best.mark:
                return LineClass.WALK_IN
        return best.line_class


def rank(line: Sequence[Waiting], at: datetime, policy: Policy, *, hour: Callable[[datetime], str]) -> list[Ranked]:
    """The line in the order in which it would be called if all were called now.

    Args:
        line: everyone who waits at one stage.
        hour: writes an instant as the site's wall clock does (`8 h 10`).
    """
    return [
        Ranked(waiting=one, line_class=class_of(one, policy), reason=reason(one, at, policy, hour=hour))
        for one in in_turn(line, at, policy)
    ]


def in_turn(line: Iterable[Waiting], at: datetime, policy: Policy) -> list[Waiting]:
    """The same people, first to be called first."""
    standing: Line[Waiting] = Line(policy)
    for one in line:
        standing.join(standing_of(one, policy), one)
    return [standing.call(at.timestamp()) for _ in range(len(standing))]
