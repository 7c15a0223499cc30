"""How long, as an honest range: the line as it stands, let go on in many imagined ways."""

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from random import Random
from typing import Any, Final

from kiosk.line.estimate import Range
from kiosk.line.laws import Laws, Service
from kiosk.line.order import Line
from kiosk.line.policy import LineClass, Policy, Standing, stand

#: Imagined ways in which the line may go on, the upper end hardly moves with more of them; in a long line fewer are
#: enough, since its length says most of it, and a look costs the same.
WAYS, FEWEST, PEOPLE = 200, 40, 60
#: Seconds ahead in which somebody may come who passes.
HORIZON: Final = 5400.0
#: How often an arrival is drawn again; who has not come after that is not expected any more.
TRIES: Final = 12
#: Services drawn once for all of them.
POOL: Final = 512


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """A line at a moment; hours are seconds."""

    at: float
    #: Everyone who waits, and whether a short service is enough for them.
    waiting: Sequence[tuple[Standing, bool]]
    #: Since when each busy desk serves the person before it.
    serving: Sequence[float]
    desks: int
    #: Hours of the appointments of which nobody has come yet.
    expected: Sequence[float] = ()
    #: How many came without appointment in the last hour: so many will go on coming, and some of them pass.
    walk_ins_an_hour: float = 0.0


def an_hour(came: Sequence[float], at: float, opened: float) -> float:
    """How many come in an hour, by the last one; a morning that is younger is stretched, though never from minutes.

    Args:
        came: when people came, in seconds; `opened` is the hour since when they could.
    """
    span = min(3600.0, max(900.0, at - opened))
    return sum(at - span < one <= at for one in came) * 3600 / span


def foretell(now: Snapshot, laws: Laws, policy: Policy, service: Service, dice: Random) -> Range:
    """The range for a walk-in who would come at this moment: the middle and the ninth tenth of many imagined ways.

    Each way serves those who are served, calls those who wait by the policy itself, and lets appointments come as they
    are kept here. Not the last wait and not a mean of the last ones: both are wrong whenever arrivals change (Ibrahim
    and Whitt 2011), and an announced wait that is too short is the one that is resented.

    Args:
        service: the law of the stage; `laws.short` is that of whoever comes for a result.
    """
    line: Line[bool] = Line(policy)
    number = 0
    for standing, short in now.waiting:
        line.join(standing, short)
        number = max(number, standing.number)
    pools = tuple(sorted(60 * law.draw(dice) for _ in range(POOL)) for law in (service, laws.short))
    ways = min(WAYS, max(FEWEST, WAYS * PEOPLE // (len(line) + 1)))
    waits = sorted(_one_way(now, line.copy(), number + 1, pools, laws, policy, dice) for _ in range(ways))
    middle, above = (waits[int(share * ways)] / 60 for share in (0.5, 0.9))
    high = laws.scale * (middle + laws.spread * (above - middle))
    middle *= laws.scale
    low = int(middle) // 5 * 5
    return Range(low=low, high=max(low + 5, 5 * round(high / 5)), middle=round(middle))


def _one_way(
    now: Snapshot,
    line: Line[Any],
    number: int,
    pools: tuple[list[float], ...],
    laws: Laws,
    policy: Policy,
    dice: Random,
) -> float:
    """Seconds until a walk-in who comes now is called, in one imagined way."""
    chance, at = dice.random, now.at
    me = object()
    line.join(_walk_in(at, number, policy), me)
    free = [at] * max(0, now.desks - len(now.serving))
    for since in now.serving:
        # What is left of a service that has lasted so long: drawn among the services that last longer.
        longer = bisect(pools[0], at - since)
        whole = pools[0][longer + int(chance() * (POOL - longer))] if longer < POOL else at - since + 60
        free.append(max(at, since + whole))
    heapify(free)
    coming = _come(now, number, laws, policy, dice)
    while True:
        at = heappop(free)
        while coming and coming[-1].arrived <= at:
            later = coming.pop()
            line.join(later, later.line_class is LineClass.COLLECT)
        called = line.call(at)
        if called is me:
            return at - now.at
        heappush(free, at + pools[bool(called)][int(chance() * POOL)])


def _come(now: Snapshot, number: int, laws: Laws, policy: Policy, dice: Random) -> list[Standing]:
    """Who comes after and may pass in one imagined way, the last to arrive first; a later walk-in never does."""
    coming, arrives = [], now.at
    share = laws.urgent + laws.needs_help + laws.collects
    while now.walk_ins_an_hour * share > 0:
        arrives += dice.expovariate(now.walk_ins_an_hour * share / 3600)
        if arrives > now.at + HORIZON:
            break
        number += 1
        which = dice.random() * share
        coming.append(
            stand(
                number=number, arrived=arrives, came=arrives, booked_for=None, urgent=which < laws.urgent,
                needs_help=laws.urgent <= which < laws.urgent + laws.needs_help,
                collects=which >= laws.urgent + laws.needs_help, policy=policy,
            )
        )  # fmt: skip
    for hour in now.expected:
        comes = _arrival(hour, now.at, laws, dice)
        if comes is not None:
            number += 1
            coming.append(
                stand(
                    number=number, arrived=comes, came=comes, booked_for=hour, urgent=False, needs_help=False,
                    collects=False, policy=policy,
                )
            )  # fmt: skip
    return sorted(coming, key=lambda one: -one.arrived)


def _arrival(hour: float, at: float, laws: Laws, dice: Random) -> float | None:
    """When somebody expected comes who has not come yet, or None for nobody: drawn again until it agrees with that."""
    for _ in range(TRIES):
        if dice.random() < laws.no_show:
            return None
        arrives = hour + 60 * dice.gauss(laws.late_mean, laws.late_deviation)
        if arrives > at:
            return arrives
    return None


def _walk_in(at: float, number: int, policy: Policy) -> Standing:
    return stand(
        number=number, arrived=at, came=at, booked_for=None, urgent=False, needs_help=False, collects=False,
        policy=policy,
    )  # fmt: skip
