"""The estimate and the simulation against their limits, and the key « Suivant » with a long line."""

import http.client
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from math import factorial
from operator import itemgetter
from random import Random
from typing import Final

from kiosk.line.ahead import Snapshot, foretell
from kiosk.line.day import Day, people_of
from kiosk.line.laws import Laws
from kiosk.line.order import Line
from kiosk.line.policy import LineClass, Policy, stand
from kiosk.line.score import PROMISED, score
from kiosk.line.simulation import Person, Shift, run
from kiosk.line.study import study
from results.upkeep.bench.rounds import Broken, Ground, Measure, Row, Sides, alone
from results.upkeep.bench.served import leave_in_line
from results.upkeep.bench.serving import Browser, laboratory, secretary, serving

#: The notes' limits: people, milliseconds of one look at the line, of one call; seconds of four hundred mornings.
IN_LINE, LOOK_MS, CALL_MS, MORNINGS_S = 60, 50.0, 40.0, 20.0
#: Minutes of mean error, share above the middle by five minutes, hundredths around the promised share.
ERROR_MIN, RESENTED, AROUND = 4.0, 0.15, 0.05
#: Hundredths of the theory, and the customers that it is judged on.
WITHIN, CUSTOMERS = 0.02, 1_000_000
LONG_LINE: Final = 300
CALLS: Final = 30
#: A morning at full load for three counters: as many come in each half-hour as can be served.
FULL: Final = Day(walk_ins=(14.2,) * 9, booked=(5,) * 9, counters=(3,))
LEARNT, TRIED = 10, 20

Times = list[float]


def ninety_five(times: Times) -> float:
    """What nineteen of twenty did not exceed."""
    return statistics.quantiles(times, n=20, method="inclusive")[-1]


def _p95(ours: Times, floor: float) -> tuple[float, float]:
    return ninety_five(ours), floor


@contextmanager
def _call_next(ground: Ground) -> Iterator[Sides]:
    """One counter presses « Suivant » through HTTP while three hundred wait."""
    yield Sides(ours=partial(call_from_a_long_line, ground), floor=lambda: CALL_MS)


def call_from_a_long_line(ground: Ground) -> Times:
    """Milliseconds of each of thirty calls over HTTP, by one counter without a pause, out of three hundred people."""
    lab, port, cookies = ground.shared(laboratory), ground.shared(serving).staff, secretary(ground)
    leave_in_line(lab, ground, LONG_LINE)
    found = []
    with closing(Browser(port, dict(cookies))) as browser:
        browser.look("/file")
        read = dict(browser.cookies)
        for _ in range(CALLS):
            start = time.perf_counter()
            status, _, _ = browser.ask("/file/appeler", {"form_key": ground.chance(16).hex()})
            found.append(1000 * (time.perf_counter() - start))
            if status != http.client.SEE_OTHER:
                raise Broken(f"un appel répond {status}")
            browser.cookies = dict(read)  # what the answer says is read: it does not travel with the next call
    return found


@contextmanager
def _look(ground: Ground) -> Iterator[Sides]:
    """One look ahead with sixty people in the line, some of each class, and a morning of appointments to come."""
    policy, dice = Policy(), Random(ground.chance(8))  # noqa: S311  # imagined mornings
    waiting = [
        (
            stand(
                number=n, arrived=-40.0 * n, came=-40.0 * n, booked_for=-40.0 * n if n % 5 == 0 else None, urgent=False,
                needs_help=n % 9 == 0, collects=n % 11 == 0, policy=policy,
            ),
            n % 11 == 0,
        )
        for n in range(1, IN_LINE + 1)
    ]  # fmt: skip
    now = Snapshot(
        at=0.0, waiting=waiting, serving=[-60.0, -120.0, -240.0], desks=3, expected=[300.0 * n for n in range(30)],
        walk_ins_an_hour=30.0,
    )  # fmt: skip

    def ours() -> float:
        # Processor time: a machine that does something else beside is not the estimate's fault.
        start = time.process_time()
        foretell(now, Laws(), policy, Laws().counter, dice)
        return 1000 * (time.process_time() - start)

    yield Sides(ours=ours, floor=lambda: LOOK_MS)


@contextmanager
def _mornings(ground: Ground) -> Iterator[Sides]:
    """Four hundred mornings of about a hundred and thirty people."""
    policy, day = Policy(), replace(Day(), laws=Laws())

    def ours() -> float:
        start, dice = time.monotonic(), Random(ground.chance(8))  # noqa: S311  # imagined mornings
        for _ in range(400):
            list(run(people_of(day, dice), day.shifts(), lambda: Line(policy), policy=policy))
        return time.monotonic() - start

    yield Sides(ours=ours, floor=lambda: MORNINGS_S)


@contextmanager
def _honest(_: Ground) -> Iterator[Sides]:
    """Walk-ins of mornings at full load are told a range from learnt laws, and what came is set beside it; once."""
    found = score(study(FULL, learning=LEARNT, mornings=TRIED, policy=Policy(), dice=Random(20261121)))  # noqa: S311
    if found is None:
        raise Broken("personne n'a reçu d'estimation")
    yield Sides(ours=lambda: found, floor=lambda: found)


@contextmanager
def _theory(_: Ground) -> Iterator[Sides]:
    """A million customers before three counters, in one class and in two: how far from the theory."""
    counters, load, share = 3, 0.6, 0.4
    policy = Policy(guard=Policy().guard * 1_000_000)
    whole = erlang_c(counters, counters * load)
    low = whole / (1 - share * load * (1 - policy.walk_in_rate / policy.help_rate))
    plain = _mean_waits(counters, load, 0.0, policy)[LineClass.WALK_IN]
    classes = _mean_waits(counters, load, share, policy)
    high = whole - (1 - share) * load * low * (1 - policy.walk_in_rate / policy.help_rate)
    off = {
        "erlang_c": abs(plain / whole - 1),
        "two_classes": max(abs(classes[LineClass.WALK_IN] / low - 1), abs(classes[LineClass.HELP] / high - 1)),
    }
    yield Sides(ours=lambda: off, floor=lambda: off)


def erlang_c(counters: int, work: float) -> float:
    """The mean wait of an M/M/c line with services of one second (Erlang 1917)."""
    last = work**counters / factorial(counters) / (1 - work / counters)
    waits = last / (sum(work**n / factorial(n) for n in range(counters)) + last)
    return waits / (counters - work)


def _mean_waits(counters: int, load: float, help_share: float, policy: Policy) -> dict[LineClass, float]:
    def come() -> Iterator[Person]:
        dice, at = Random(20261121), 0.0  # noqa: S311  # imagined customers
        for number in range(1, CUSTOMERS + 1):
            at += dice.expovariate(counters * load)
            needs_help = dice.random() < help_share
            yield Person(number=number, arrived=at, needs_help=needs_help, counter=dice.expovariate(1.0))

    waits = {LineClass.WALK_IN: [0.0, 0], LineClass.HELP: [0.0, 0]}
    for one in run(come(), [Shift(at=0.0, counters=counters, rooms=0)], lambda: Line(policy), policy=policy):
        kept = waits[LineClass.HELP if one.needs_help else LineClass.WALK_IN]
        kept[0] += one.called - one.arrived
        kept[1] += 1
    return {one: waited / people for one, (waited, people) in waits.items() if people}


def _row(name: str, unit: str, read: Callable[..., float], limit: float) -> Row:
    return Row(name=name, group="line", unit=unit, goal="<=1.0", pick=lambda ours, _: (read(ours), limit))


FORETOLD: Final = (
    Measure(rows=(Row(name="call_next_http", group="line", unit="ms", goal="<=1.0", pick=_p95),), open=_call_next),
    alone("foretell_60", "line", "ms", "<=1.0", _look),
    alone("mornings_400", "line", "s", "<=1.0", _mornings),
    Measure(
        rows=(
            _row("foretold_error", "min", lambda found: found.error, ERROR_MIN),
            _row("foretold_cover", "part", lambda found: abs(found.coverage - PROMISED), AROUND),
            _row("foretold_late", "part", lambda found: found.resented, RESENTED),
        ),
        open=_honest,
    ),
    Measure(
        rows=tuple(_row(one, "part", itemgetter(one), WITHIN) for one in ("erlang_c", "two_classes")),
        open=_theory,
    ),
)
