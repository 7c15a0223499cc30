"""The line measured: taking a number and calling the next, each beside a driver that writes the same rows."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import partial
from itertools import count
from typing import Any, Final

from sqlalchemy import insert

from kiosk.counter.turns import NobodyWaits, rank_and_call
from kiosk.register import clock
from kiosk.register.database import uuid7
from kiosk.register.visits import Purpose, Stage, State, Visit
from results.upkeep.bench.bare import FIRST
from results.upkeep.bench.reception import Reception, both, rate, together
from results.upkeep.bench.rounds import SIDE, Broken, Engine, Ground, Measure, Row, Sides
from results.upkeep.bench.turn import TURN

#: How many wait in the line that the claimers empty, how many lines there are, and how many claimers press at once.
WAITING: Final = 60
LINES: Final = 40
CLAIMERS: Final = 8


@contextmanager
def _checkin(ground: Ground, *, engine: Engine) -> Iterator[Sides]:
    """One person after another takes a number; the floor writes every row that we write, the journal's too."""
    with both(ground, engine) as (ours, _, connect):
        floor, places = connect(), count()
        ours.arrive()
        yield Sides(ours=partial(rate, ours.arrive), floor=partial(rate, lambda: floor.arrive(places)))


@contextmanager
def _claims(ground: Ground, *, engine: Engine) -> Iterator[Sides]:
    """Eight claimers empty one line of sixty after another; nobody may be called twice.

    The floor calls whoever has the lowest number and writes every row that we write; it ranks nothing.
    """
    days, places = count(1), count()
    with both(ground, engine) as (there, beside, connect):
        there.arrive()  # on the day before: counters and journal have their first row
        raws = [connect() for _ in range(CLAIMERS)]
        raws[0].arrive(places)

        def ours() -> float:
            lines = [FIRST + timedelta(days=next(days)) for _ in range(LINES)]
            fill(there, lines)
            return _empty(lambda _, day: partial(_call, there, day), lines)

        def floor() -> float:
            lines = [FIRST + timedelta(days=next(days)) for _ in range(LINES)]
            fill(beside, lines)
            return _empty(lambda worker, day: lambda: raws[worker].call(day, next(places)), lines)

        yield Sides(ours=ours, floor=floor)


def fill(reception: Reception, lines: Sequence[datetime]) -> None:
    """Let sixty people wait on each of some days."""
    people = [
        {
            "id": uuid7(at, reception.chance), "site_id": reception.site.id, "day": clock.day("Europe/Paris", at),
            "number": place + 1, "state": State.ARRIVED, "stage": Stage.COUNTER, "purpose": Purpose.WALK_IN,
            "language": "fr", "arrived_at": at + timedelta(minutes=place), "waits_since": at + timedelta(minutes=place),
            "needs_help": False, "announced_low": 5, "announced_high": 10,
        }
        for at in lines
        for place in range(WAITING)
    ]  # fmt: skip
    with reception.database.transaction() as db:
        db.execute(insert(Visit), people)


def _call(reception: Reception, day: datetime) -> str | None:
    with suppress(NobodyWaits):
        visit = rank_and_call(
            reception.database, reception.site, Stage.COUNTER, desk="Guichet 1", by="Banc", at=day + timedelta(hours=2),
            chance=reception.chance, key=reception.chance(16).hex(),
        )  # fmt: skip
        return str(visit.id)
    return None


def _empty(claiming: Callable[[int, Any], Callable[[], str | None]], lines: Sequence[Any]) -> float:
    """Claims a second of all claimers over some lines, one line after the other.

    Raises:
        Broken: somebody was called twice.
    """
    until, called = time.monotonic() + SIDE, list[str]()

    def work(worker: int) -> int:
        done = 0
        for day in lines:
            claim = claiming(worker, day)
            while time.monotonic() < until and (person := claim()):
                called.append(person)
                done += 1
        return done

    found = together(work, CLAIMERS)
    if twice := len(called) - len(set(called)):
        raise Broken(f"{twice} personnes appelées deux fois")
    return found


def _row(name: str, goal: str, engine: Engine, opened: Callable[..., Any]) -> Measure:
    row = Row(name=name, group="line", unit="tx/s", goal=goal, engine=engine)
    return Measure(rows=(row,), open=partial(opened, engine=engine))


LINE: Final = (
    _row("checkin_sqlite", ">=0.40", "sqlite", _checkin),
    _row("checkin_pg", ">=0.50", "postgresql", _checkin),
    _row("claim_sqlite", ">=0.40", "sqlite", _claims),
    _row("claim_pg", ">=0.50", "postgresql", _claims),
    TURN,
)
