"""Whose turn is it, and why: accumulating priority with one small static class."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
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


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """A person's place and the reason for it, in plain French."""

    waiting: Waiting
    line_class: LineClass
    reason: str


def class_of(waiting: Waiting, policy: Policy) -> LineClass:
    """The class of a waiting person; more than `on_time` late, an appointment counts no more."""
    if waiting.urgent_because:
        return LineClass.URGENT
    came_at = waiting.came_at or waiting.arrived_at
    if waiting.booked_for is not None and came_at <= waiting.booked_for + policy.on_time:
        return LineClass.BOOKED
    if waiting.needs_help:
        return LineClass.HELP
    return LineClass.COLLECT if waiting.collects else LineClass.WALK_IN


def clock_of(waiting: Waiting, line_class: LineClass, policy: Policy) -> datetime:
    """Since when priority grows: arriving early gains nothing, arriving a little late loses nothing."""
    if line_class is LineClass.BOOKED and waiting.booked_for is not None:
        return min(max(waiting.arrived_at, waiting.booked_for - policy.early), waiting.booked_for)
    return waiting.arrived_at


def priority(waiting: Waiting, at: datetime, policy: Policy) -> float:
    """A person's priority now; within one class it only grows with the time waited."""
    line_class = class_of(waiting, policy)
    minutes = (at - clock_of(waiting, line_class, policy)).total_seconds() / 60
    if line_class is LineClass.BOOKED:
        return policy.booked_rate * (minutes + policy.head_start.total_seconds() / 60)
    rates = {
        LineClass.URGENT: policy.walk_in_rate,
        LineClass.HELP: policy.help_rate,
        LineClass.WALK_IN: policy.walk_in_rate,
        LineClass.COLLECT: policy.collect_rate,
    }
    return rates[line_class] * minutes


def rank(line: Sequence[Waiting], at: datetime, policy: Policy, *, hour: Callable[[datetime], str]) -> list[Ranked]:
    """Order the line: urgent first, then the guarded walk-ins, then by priority; equals keep their numbers' order.

    Args:
        line: everyone who waits at one stage.
        hour: writes an instant as the site's wall clock does (`8 h 10`).
    """

    def place(waiting: Waiting) -> tuple[int, float, int]:
        line_class = class_of(waiting, policy)
        if line_class is LineClass.URGENT:
            return (0, waiting.arrived_at.timestamp(), waiting.number)
        guarded = line_class is LineClass.WALK_IN and at - waiting.arrived_at > policy.guard
        if guarded:
            return (1, waiting.arrived_at.timestamp(), waiting.number)
        return (2, -priority(waiting, at, policy), waiting.number)

    return [
        Ranked(waiting=waiting, line_class=class_of(waiting, policy), reason=reason(waiting, at, policy, hour=hour))
        for waiting in sorted(line, key=place)
    ]


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
