"""How long services take and how people keep their appointments: drawn from, and learnt from past days."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from math import exp, log
from random import Random
from statistics import fmean, stdev
from typing import Any, Final

#: Days of one's own that weigh as much as the defaults: below, a few odd services would make the law.
FEW: Final = 20
#: Minutes outside which a service was not timed but forgotten.
SHORTEST, LONGEST = 0.2, 60.0


@dataclass(frozen=True, kw_only=True)
class Service:
    """Minutes of one service, log-normal: most are short, a few are long."""

    median: float
    sigma: float

    @property
    def mean(self) -> float:
        """Minutes of an average service."""
        return self.median * exp(self.sigma**2 / 2)

    def draw(self, dice: Random) -> float:
        """Minutes of one service."""
        return self.median * exp(self.sigma * dice.gauss(0.0, 1.0))


@dataclass(frozen=True, kw_only=True)
class Laws:
    """What a laboratory's days have in common; the defaults hold until its own days have taught better."""

    #: At the counter: a whole file, and a result or a pot.
    counter: Service = Service(median=4.2, sigma=0.6)
    short: Service = Service(median=1.8, sigma=0.5)
    sampling: Service = Service(median=5.3, sigma=0.5)
    #: Share of the appointments that nobody keeps.
    no_show: float = 0.08
    #: Minutes after the hour at which people with an appointment come, negative before it: mean and deviation.
    late_mean: float = -5.0
    late_deviation: float = 7.0
    #: Shares of those who come without appointment and pass others: put first, helped, a short errand.
    urgent: float = 0.01
    needs_help: float = 0.05
    collects: float = 0.08
    #: What the foretold middle is multiplied with, and what lies above it: from their own score.
    scale: float = 1.0
    spread: float = 1.0


def learn_service(minutes: Sequence[float], default: Service) -> Service:
    """The law of a laboratory's own services, drawn towards the default where they are few.

    Args:
        minutes: of each service; what was forgotten or never happened is left out.
    """
    logs = [log(one) for one in minutes if SHORTEST <= one <= LONGEST]
    if len(logs) < 2:
        return default
    own = len(logs) / (len(logs) + FEW)
    return Service(
        median=exp(own * fmean(logs) + (1 - own) * log(default.median)),
        sigma=own * stdev(logs) + (1 - own) * default.sigma,
    )


def learn_appointments(late: Sequence[float], expected: int, default: Laws) -> tuple[float, float, float]:
    """How appointments are kept: share that nobody keeps, mean and deviation of the minutes after the hour.

    Args:
        late: minutes after the hour of everyone who came.
        expected: how many were expected.
    """
    if expected < FEW or len(late) < 2:
        return default.no_show, default.late_mean, default.late_deviation
    own = expected / (expected + FEW)
    missing = own * (1 - len(late) / expected) + (1 - own) * default.no_show
    return missing, fmean(late), max(1.0, stdev(late))


def learn_share(seen: Sequence[bool], default: float) -> float:
    """A share of some people, drawn towards the default where they are few."""
    return (sum(seen) + FEW * default) / (len(seen) + FEW)


def as_figures(laws: Laws) -> dict[str, Any]:
    """Laws as figures that may be stored."""
    return asdict(laws)


def from_figures(figures: Mapping[str, Any]) -> Laws:
    """Laws as they were stored; a figure that has a name of another time is left out, one that lacks is the default."""
    known = {one.name for one in fields(Laws)}
    kept: dict[str, Any] = {
        name: Service(**value) if isinstance(value, Mapping) else value
        for name, value in figures.items()
        if name in known
    }
    return Laws(**kept)
