"""A ticket and a call, ours beside Free Queue Manager's, both asked over HTTP in one interleaved run."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Final

from results.upkeep.bench.beside.fqm import Fqm, running
from results.upkeep.bench.foretold import CALLS, LONG_LINE, Times, call_from_a_long_line, ninety_five
from results.upkeep.bench.rounds import Ground, Measure, Row, Sides, Unmeasured, Unready, alone
from results.upkeep.bench.served import IN_LINE, asked_together, take_numbers

#: Seconds of a side of tickets: FQM gives a handful in one.
LONG: Final = 2.0


def _beside(ground: Ground) -> Fqm:
    if ground.fqm is None:
        raise Unmeasured("donnez un dossier de FQM : --fqm DOSSIER")
    return ground.shared(running)


@contextmanager
def _call_next(ground: Ground) -> Iterator[Sides]:
    """The next of three hundred, pressed at one counter thirty times without a pause."""
    fqm = _beside(ground)

    def floor() -> Times:
        fqm.leave_in_line(LONG_LINE, ground.now())
        before, times = fqm.called(), []
        with fqm.counter() as counter:
            for _ in range(CALLS):
                start = time.perf_counter()
                fqm.call(counter)
                times.append(1000 * (time.perf_counter() - start))
        if fqm.called() != before + CALLS:
            raise Unready("FQM a répondu sans appeler quelqu'un à chaque fois")
        return times

    yield Sides(ours=partial(call_from_a_long_line, ground), floor=floor)


@contextmanager
def _tickets(ground: Ground, *, kiosks: int) -> Iterator[Sides]:
    """So many kiosks press for numbers as fast as they are given; no printer is there on either side."""
    fqm = _beside(ground)

    def floor() -> float:
        fqm.leave_in_line(IN_LINE, ground.now())
        with ExitStack() as stack:
            standing = [stack.enter_context(fqm.kiosk()) for _ in range(kiosks)]
            return asked_together(standing, fqm.take, seconds=LONG)

    yield Sides(ours=partial(take_numbers, ground, kiosks, seconds=LONG), floor=floor)


def _slowest(ours: Times, floor: Times) -> tuple[float, float]:
    return ninety_five(ours), ninety_five(floor)


AGAINST_FQM: Final = (
    Measure(rows=(Row(name="call_next_fqm", group="line", unit="ms", goal="<=0.5", pick=_slowest),), open=_call_next),
    alone("ticket_fqm", "line", "tx/s", ">=20", partial(_tickets, kiosks=1)),
    alone("ticket_fqm_8", "line", "tx/s", ">=20", partial(_tickets, kiosks=8)),
)
