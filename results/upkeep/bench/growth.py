"""What a thousand times more past visits cost: the same acts on two registers, one of them old."""

import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from typing import Any, Final

from kiosk.counter.turns import rank_and_call
from kiosk.register.visits import Stage
from kiosk.waiting import announced, last_calls
from results.upkeep.bench.bare import FIRST
from results.upkeep.bench.line import WAITING, fill
from results.upkeep.bench.reception import Reception, both
from results.upkeep.bench.rounds import Ground, Measure, Row, Sides

#: Past visits of the young register and of the old one.
YOUNG, OLD = 1_000, 1_000_000
#: Acts of each kind in one side of a round.
ACTS: Final = 40

_VISITS: Final = """
INSERT INTO visit (id, site_id, day, number, state, stage, purpose, language, arrived_at, waits_since, needs_help,
    announced_low, announced_high)
WITH RECURSIVE
    n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :many),
    past(day, number) AS (SELECT date('2000-01-01', '+' || (i / 130) || ' days'), i % 130 + 1 FROM n),
    came(day, number, at) AS (
        SELECT day, number, strftime('%Y-%m-%d %H:%M:%f', day, '+' || (420 + 2 * number) || ' minutes') || '000'
        FROM past
    )
SELECT lower(hex(randomblob(16))), :site, day, number, 'left', 'counter', 'walk_in', 'fr', at, at, 0, 5, 10 FROM came
"""
_MOVES: Final = (
    "INSERT INTO visit_move (id, site_id, visit_id, verb, before, after, by, at, desk, reason, key) "
    "SELECT lower(hex(randomblob(16))), site_id, id, 'call', 'arrived', 'called', 'Banc', arrived_at, 'Guichet 1', "
    "'attend depuis 5 min', lower(hex(randomblob(16))) FROM visit"
)


@dataclass(frozen=True, kw_only=True)
class Times:
    """Milliseconds of every act of one side of a round."""

    board: list[float]
    checkin: list[float]
    claim: list[float]


@contextmanager
def _growth(ground: Ground) -> Iterator[Sides]:
    """Take a number, call the next and show the board, beside a register of a thousand visits."""
    with both(ground, "sqlite") as (old, young, _):
        for reception, many in ((old, OLD), (young, YOUNG)):
            age(reception, many)
        yield Sides(ours=_side(old), floor=_side(young))


def age(reception: Reception, visits: int) -> None:
    """Give a register so many past visits, each called once."""
    file = reception.database.writing_engines["register"].raw_connection()
    try:
        path = file.cursor().execute("PRAGMA database_list").fetchone()[2]
    finally:
        file.close()
    with closing(sqlite3.connect(path)) as raw:
        with raw:
            raw.execute(_VISITS, {"many": visits, "site": reception.site.id.hex})
            raw.execute(_MOVES)
        raw.execute("ANALYZE")
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _side(reception: Reception) -> Callable[[], Times]:
    days = count(4000)

    def run() -> Times:
        day = FIRST + timedelta(days=next(days))
        at = day + timedelta(hours=2)
        fill(reception, [day])
        return Times(
            board=_timed(lambda: _board(reception, at)),
            checkin=_timed(reception.arrive),
            claim=_timed(lambda: _claim(reception, at)),
        )

    return run


def _board(reception: Reception, at: datetime) -> None:
    with reception.database.reading() as db:
        announced(db, reception.site, Stage.COUNTER, at=at)
        last_calls(db, reception.site, at=at)


def _claim(reception: Reception, at: datetime) -> None:
    rank_and_call(
        reception.database, reception.site, Stage.COUNTER, desk="Guichet 1", by="Banc", at=at,
        chance=reception.chance, key=reception.chance(16).hex(),
    )  # fmt: skip


def _timed(act: Callable[[], Any]) -> list[float]:
    found = []
    for _ in range(min(ACTS, WAITING)):
        start = time.perf_counter()
        act()
        found.append(1000 * (time.perf_counter() - start))
    return found


def _median(what: str) -> Callable[[Times, Times], tuple[float, float]]:
    return lambda ours, floor: (statistics.median(getattr(ours, what)), statistics.median(getattr(floor, what)))


def _worst_p95(ours: Times, floor: Times) -> tuple[float, float]:
    """The act whose ninety-fifth hundredth has grown most."""
    pairs = [tuple(_p95(getattr(side, what)) for side in (ours, floor)) for what in vars(ours)]
    worst = max(pairs, key=lambda pair: pair[0] / pair[1])
    return worst[0], worst[1]


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


GROWTH: Final = Measure(
    rows=(
        *(
            Row(name=f"growth_{what}", group="line", unit="ms", goal="<=1.3", engine="sqlite", pick=_median(what))
            for what in ("board", "checkin", "claim")
        ),
        Row(name="growth_p95", group="line", unit="ms", goal="<=2.0", engine="sqlite", pick=_worst_p95),
    ),
    open=_growth,
)
