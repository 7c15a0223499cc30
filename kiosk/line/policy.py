"""Whose turn is it, and why: accumulating priority with one small static class."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cached_property
from uuid import UUID


class LineClass(StrEnum):
    """How a waiting person's priority grows."""

    URGENT = "urgent"  #: before all, for a reason given by staff
    BOOKED = "booked"  #: an appointment kept to the quarter of an hour
    HELP = "help"  #: a child, a pregnancy, reduced mobility
    WALK_IN = "walk_in"
    COLLECT = "collect"  #: comes for a result or drops a pot: a short service


@dataclass(frozen=True, kw_only=True)
class Policy:
    """The figures of the policy; each may be changed by the laboratory.

    `rates` are priority per minute waited, `head_start` minutes given at the appointment's hour. Source:
    Stanford, Taylor, Ziedins 2014 (Queueing Systems 77:297); the static top class after Oz, Shneer, Ziedins 2020.
    """

    booked_rate: float = 4.0
    help_rate: float = 2.0
    walk_in_rate: float = 1.0
    collect_rate: float = 1.5
    head_start: timedelta = timedelta(minutes=5)
    early: timedelta = timedelta(minutes=5)
    on_time: timedelta = timedelta(minutes=15)
    guard: timedelta = timedelta(minutes=45)
    #: Urgent people in one hour above which the staff are warned; nobody is refused.
    urgent_cap: int = 6

    @cached_property
    def growth(self) -> Mapping[LineClass, tuple[float, float]]:
        """Class -> priority for each second waited, and the seconds given at the start."""
        rates = {
            LineClass.URGENT: self.walk_in_rate,
            LineClass.BOOKED: self.booked_rate,
            LineClass.HELP: self.help_rate,
            LineClass.WALK_IN: self.walk_in_rate,
            LineClass.COLLECT: self.collect_rate,
        }
        head_start = {LineClass.BOOKED: self.head_start.total_seconds()}
        return {one: (rate, head_start.get(one, 0.0)) for one, rate in rates.items()}


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """One person in the line, as the policy sees them: hours and flags, no name."""

    id: UUID
    number: int
    #: Since when it waits at this stage.
    arrived_at: datetime
    #: When it came to the laboratory, where that differs: an appointment was kept at the door, not at the second line.
    came_at: datetime | None = None
    booked_for: datetime | None = None
    urgent_because: str | None = None
    needs_help: bool = False
    collects: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """A waiting person reduced to what decides the order; hours are seconds."""

    line_class: LineClass
    #: Since when priority grows.
    since: float
    #: Since when it waits at this stage.
    arrived: float
    #: Whoever came without appointment before this hour and waits beyond the guard goes first.
    mark: float
    number: int


def class_of(waiting: Waiting, policy: Policy) -> LineClass:
    """The class of a waiting person; more than `on_time` late, an appointment counts no more."""
    return standing_of(waiting, policy).line_class


def standing_of(waiting: Waiting, policy: Policy) -> Standing:
    """What the policy needs of a person who joins a line; none of it changes until the call."""
    return stand(
        number=waiting.number,
        arrived=waiting.arrived_at.timestamp(),
        came=(waiting.came_at or waiting.arrived_at).timestamp(),
        booked_for=waiting.booked_for.timestamp() if waiting.booked_for is not None else None,
        urgent=bool(waiting.urgent_because),
        needs_help=waiting.needs_help,
        collects=waiting.collects,
        policy=policy,
    )


def stand(
    *,
    number: int,
    arrived: float,
    came: float,
    booked_for: float | None,
    urgent: bool,
    needs_help: bool,
    collects: bool,
    policy: Policy,
) -> Standing:
    """The same from hours in seconds, as a simulation knows them.

    With an appointment, arriving early gains nothing and arriving a little late loses nothing: neither changes the
    clock, nor who goes first because of the guard. At a later stage the guard asks who came first to that stage.

    Args:
        came: when the person came to the laboratory, `arrived` when it came to this stage.
    """
    since = mark = arrived
    if urgent:
        line_class = LineClass.URGENT
    elif booked_for is not None and came <= booked_for + policy.on_time.total_seconds():
        line_class = LineClass.BOOKED
        since = min(max(arrived, booked_for - policy.early.total_seconds()), booked_for)
        mark = since if arrived <= booked_for + policy.on_time.total_seconds() else arrived
    elif needs_help:
        line_class = LineClass.HELP
    else:
        line_class = LineClass.COLLECT if collects else LineClass.WALK_IN
    return Standing(line_class=line_class, since=since, arrived=arrived, mark=mark, number=number)


def priority(standing: Standing, at: float, policy: Policy) -> float:
    """A person's priority at an hour in seconds; within one class it only grows with the time waited."""
    rate, head_start = policy.growth[standing.line_class]
    return rate * (at - standing.since + head_start)


def reason(waiting: Waiting, at: datetime, policy: Policy, *, hour: Callable[[datetime], str]) -> str:
    """Why this person has this place, in words that may be said aloud to them."""
    line_class = class_of(waiting, policy)
    minutes = max(0, int((at - waiting.arrived_at).total_seconds() // 60))
    waited = f"attend depuis {minutes} min" if minutes else "vient d'arriver"
    if line_class is LineClass.URGENT:
        return f"urgence : {waiting.urgent_because}"
    if line_class is LineClass.BOOKED and waiting.booked_for is not None:
        return f"rendez-vous de {hour(waiting.booked_for)}"
    if line_class is LineClass.HELP:
        return f"aide, {waited}"
    if line_class is LineClass.COLLECT:
        return f"résultat ou flacon, {waited}"
    if waiting.booked_for is not None:
        return f"rendez-vous de {hour(waiting.booked_for)} manqué, {waited}"
    return waited
