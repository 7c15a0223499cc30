"""How well what was announced came true, and the small correction that follows from it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Final

from kiosk.line.laws import Laws

#: The share of people who should wait no longer than the upper end.
PROMISED: Final = 0.9
#: Minutes by which an announced wait is resented when it was too short.
RESENTED: Final = 5.0
#: Below so many, nothing is corrected.
ENOUGH: Final = 30
#: How much of a day's fault is corrected, of the middle and of what lies above it, and where the correction ends.
STEP, STEP_ABOVE, LEAST, MOST = 0.3, 1.0, 0.5, 1.8


@dataclass(frozen=True, kw_only=True)
class Told:
    """A range that somebody was told, and what came: minutes."""

    middle: float
    high: float
    waited: float


@dataclass(frozen=True, kw_only=True)
class Score:
    """The score of many announced ranges; minutes and shares."""

    told: int
    #: Mean absolute error of the middle.
    error: float
    #: Pinball loss of the middle and of the upper end.
    pinball_middle: float
    pinball_high: float
    #: Share that waited no longer than the upper end.
    coverage: float
    #: Share that waited more than five minutes longer than the middle.
    resented: float


def score(told: Sequence[Told]) -> Score | None:
    """Score announced ranges against what came; None where nothing was told."""
    if not told:
        return None
    return Score(
        told=len(told),
        error=fmean(abs(one.waited - one.middle) for one in told),
        pinball_middle=fmean(pinball(one.waited, one.middle, 0.5) for one in told),
        pinball_high=fmean(pinball(one.waited, one.high, PROMISED) for one in told),
        coverage=fmean(one.waited <= one.high for one in told),
        resented=fmean(one.waited > one.middle + RESENTED for one in told),
    )


def pinball(waited: float, announced: float, quantile: float) -> float:
    """The loss that is least, on average, for whoever announces this very quantile."""
    missed = waited - announced
    return missed * quantile if missed >= 0 else -missed * (1 - quantile)


def recalibrate(laws: Laws, told: Sequence[Told]) -> Laws:
    """A day's small correction: of the middle, which half should wait longer than, and of what lies above it."""
    found = score(told)
    if found is None or found.told < ENOUGH:
        return laws
    longer = fmean((one.waited > one.middle) + (one.waited == one.middle) / 2 for one in told)
    return replace(
        laws,
        scale=_between(laws.scale * (1 + STEP * (longer - 0.5))),
        spread=_between(laws.spread * (1 + STEP_ABOVE * (PROMISED - found.coverage))),
    )


def _between(correction: float) -> float:
    return min(MOST, max(LEAST, correction))
