"""A morning of a laboratory: people come, are called by the same policy as real ones, are drawn, and go."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from heapq import heapify, heappop, heappush
from math import inf
from typing import Protocol

from kiosk.line.policy import Policy, Standing, stand


class Place(IntEnum):
    """Where people are served, in the order in which they go."""

    COUNTER = 0
    ROOM = 1


@dataclass(kw_only=True, slots=True)
class Person:
    """One person of a morning; hours are seconds, services are drawn before anybody decides who is next."""

    number: int
    arrived: float
    booked_for: float | None = None
    urgent: bool = False
    needs_help: bool = False
    collects: bool = False
    #: Seconds at the counter and in the room; nothing in the room for who is not drawn.
    counter: float
    room: float = 0.0
    #: When it was called to the counter, to the room, and when it left.
    called: float = inf
    to_room: float = inf
    left: float = inf


@dataclass(frozen=True, kw_only=True, slots=True)
class Shift:
    """How many counters and rooms are open from an hour on."""

    at: float
    counters: int
    rooms: int


class Discipline(Protocol):
    """A line that somebody can join and from which somebody is called: ours, or one to compare with."""

    def __len__(self) -> int:
        """How many wait."""

    def join(self, standing: Standing, person: Person) -> None:
        """Stand in the line."""

    def call(self, at: float) -> Person:
        """Take whoever's turn it is out of the line."""


@dataclass(kw_only=True)
class Now:
    """What can be known of the counter's line at the moment when somebody arrives."""

    at: float
    line: Discipline
    #: Since when each busy counter serves the person that is before it.
    serving: Sequence[float]
    counters: int


#: Is told of everyone who arrives, before the person stands in the line.
Watch = Callable[[Person, Now], None]


def run(
    people: Iterable[Person],
    shifts: Sequence[Shift],
    open_line: Callable[[], Discipline],
    *,
    policy: Policy,
    watch: Watch | None = None,
) -> Iterator[Person]:
    """Let a morning happen; each person is given back when it leaves.

    A counter that closes ends the service that it has begun. After the last shift nobody is sent home: what is open
    then stays open until everyone is served.

    Args:
        people: in the order in which they arrive.
        shifts: in the order of their hours, the first at or before the first arrival.
        open_line: makes the empty line of one stage.
        policy: whose classes the people stand in, whatever the line makes of them.
        watch: looks on, and changes nothing.
    """
    lines, open_now = (open_line(), open_line()), (0, 0)
    busy: tuple[dict[int, float], dict[int, float]] = ({}, {})
    events: list[tuple[float, int, int, Person | None]] = [(one.at, -1, nth, None) for nth, one in enumerate(shifts)]
    heapify(events)
    coming = iter(people)
    arriving = next(coming, None)
    while events or arriving is not None:
        if arriving is not None and (not events or arriving.arrived < events[0][0]):
            at, person, arriving = arriving.arrived, arriving, next(coming, None)
            if watch is not None:
                watch(person, Now(at=at, line=lines[0], serving=list(busy[0].values()), counters=open_now[0]))
            lines[Place.COUNTER].join(_standing(person, at, policy), person)
        else:
            at, place, which, served = heappop(events)
            if served is None:
                open_now = (shifts[which].counters, shifts[which].rooms)
            else:
                del busy[place][served.number]
                if place == Place.COUNTER and served.room:
                    lines[Place.ROOM].join(_standing(served, at, policy), served)
                else:
                    served.left = at
                    yield served
        for place in Place:
            line, here = lines[place], busy[place]
            while len(here) < open_now[place] and len(line):
                called = line.call(at)
                here[called.number] = at
                if place is Place.COUNTER:
                    called.called, lasts = at, called.counter
                else:
                    called.to_room, lasts = at, called.room
                heappush(events, (at + lasts, place, called.number, called))


def _standing(person: Person, at: float, policy: Policy) -> Standing:
    return stand(
        number=person.number,
        arrived=at,
        came=person.arrived,
        booked_for=person.booked_for,
        urgent=person.urgent,
        needs_help=person.needs_help,
        collects=person.collects,
        policy=policy,
    )
