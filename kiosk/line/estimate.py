"""How long, as an honest range, where only the people ahead are counted."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Range:
    """A wait between two multiples of five minutes."""

    low: int
    high: int
    #: The middle of it to the minute, where the line was foretold and not only counted.
    middle: int | None = None


def estimate(*, ahead: int, desks: int, pace_minutes: float) -> Range:
    """The range of the line at this moment, the same for everyone who arrives now.

    People ahead times the measured pace, over the open counters; the high end allows for half as much again and
    for one slow service, since an under-announced wait is the one that is resented.

    Args:
        ahead: people who wait or are served before a new walk-in.
        desks: counters open now, at least one is assumed.
        pace_minutes: minutes of one service.
    """
    middle = ahead * pace_minutes / max(1, desks)
    low = int(middle * 0.8) // 5 * 5
    high = -int(-(middle * 1.5 + pace_minutes) // 5) * 5
    return Range(low=low, high=max(high, low + 5))
