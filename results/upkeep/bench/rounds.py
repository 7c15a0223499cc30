"""How fast the house is, as a ratio to the barest programme that does the same beside it on the same disk."""

import json
import shutil
import statistics
import tempfile
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

from sqlalchemy import func, select

from kiosk.register.clock import Chance, Clock
from kiosk.register.database import open_database
from kiosk.register.visits import Visit
from kiosk.settings import KioskSettings, UnsafeSettings, read_settings

Engine = Literal["sqlite", "postgresql"]
Shared = TypeVar("Shared")

#: Rounds of a measure; a wide spread makes it three times as many.
ROUNDS: Final = 10
#: Seconds of each side of a round.
SIDE: Final = 1.0
#: A spread wider than this part of the median proves nothing.
WIDE: Final = 0.5
#: A laboratory where somebody arrived so recently is at work.
QUIET: Final = timedelta(hours=1)

VERDICTS: Final = {True: "tenu", False: "MANQUÉ", None: "non mesuré"}


class Unmeasured(Exception):  # noqa: N818  # an answer for a person
    """This machine lacks what a measure needs; the sentence says what."""


class Broken(Exception):  # noqa: N818  # an answer for a person
    """What was measured did not do its work: no speed can make up for it."""


class Unready(Exception):  # noqa: N818  # an answer for a person
    """What a person gave to be measured beside ours does not run; the sentence says what to prepare."""


def as_they_are(ours: float, floor: float) -> tuple[float, float]:
    """Both sides of a round are figures already."""
    return ours, floor


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the table: what is compared, in which unit, and what is wanted of the ratio."""

    name: str
    group: str
    unit: str
    #: `>=0.40` or `<=1.3`.
    goal: str
    #: The engine that it needs, or None.
    engine: Engine | None = None
    #: The two figures of one round, out of what both sides brought.
    pick: Callable[[Any, Any], tuple[float, float]] = as_they_are

    def holds(self, ratio: float) -> bool:
        """Whether a ratio reaches the goal."""
        limit = float(self.goal[2:])
        return ratio >= limit if self.goal.startswith(">=") else ratio <= limit


@dataclass(frozen=True, kw_only=True)
class Sides:
    """What one round runs: our side and the floor, each for about a second, each giving what it measured."""

    ours: Callable[[], Any]
    floor: Callable[[], Any]


@dataclass(kw_only=True)
class Ground:
    """Where measures run: a temporary folder on the laboratory's disk, and what only edges give."""

    folder: Path
    now: Clock
    chance: Chance
    #: Makes an instance's folders and its station's keys; gives the public halves.
    make_station: Callable[[Path], str]
    closing: ExitStack
    #: A checkout of Free Queue Manager, where a person gave one.
    fqm: Path | None = None
    opened: dict[str, Any] = field(default_factory=dict)

    def shared(self, opener: "Callable[[Ground], AbstractContextManager[Shared]]") -> Shared:
        """What several measures need is opened once, at the first, and closed after the last."""
        if opener.__name__ not in self.opened:
            self.opened[opener.__name__] = self.closing.enter_context(opener(self))
        found: Shared = self.opened[opener.__name__]
        return found


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One run of rounds, and the rows that are read from it."""

    rows: tuple[Row, ...]
    open: Callable[[Ground], AbstractContextManager[Sides]]


def alone(
    name: str, group: str, unit: str, goal: str, opened: Callable[[Ground], AbstractContextManager[Sides]]
) -> Measure:
    """A measure of one row, on whichever engine."""
    return Measure(rows=(Row(name=name, group=group, unit=unit, goal=goal),), open=opened)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A row as it came out; `ours` and `floor` are medians in `unit`, `iqr` the quartiles of the ratio."""

    name: str
    ours: float | None = None
    floor: float | None = None
    ratio: float | None = None
    goal: str
    ok: bool | None = None
    unit: str
    rounds: int = 0
    iqr: tuple[float, float] | None = None


@contextmanager
def _no_measure(_: Ground) -> Iterator[Sides]:
    raise Unmeasured("pas encore mesuré par cette version")
    yield  # what makes a context of it


def _later(name: str, unit: str, goal: str, *, engine: Engine | None = None) -> Measure:
    return Measure(rows=(Row(name=name, group="lasting", unit=unit, goal=goal, engine=engine),), open=_no_measure)


#: Rows of the table that have no measure yet: never left out.
LATER: Final = (
    _later("backup_checkin", "ms", "<=3.0"),
    _later("restore_1e6", "s", "<=3.0"),
    _later("notify_pg", "tx/s", ">=0.90", engine="postgresql"),
)


def bench(
    measures: Sequence[Measure],
    instance: Path,
    *,
    only: Collection[str],
    rounds: int,
    engine: Literal["sqlite", "postgresql", "both"],
    json_file: Path | None,
    anyway: bool,
    make_station: Callable[[Path], str],
    now: Clock,
    chance: Chance,
    say: Callable[[str], None],
    fqm: Path | None = None,
) -> int:
    """Measure, show the table, and tell whether every goal is reached.

    Args:
        measures: what can be measured, in the order in which it runs.
        instance: the laboratory's folder: what is measured runs on its disk, never in it.
        only: names or groups; empty is everything.
        rounds: rounds of each measure.
        engine: rows of the other engine are not measured.
        json_file: where to write the rows for a machine.
        anyway: measure although the laboratory is at work.
        make_station: makes an instance's folders and its station's keys.
        now: the hour.
        chance: unguessable bytes.
        say: tells a person one line.
        fqm: a checkout of Free Queue Manager to run beside ours.

    Returns:
        The exit code: 0 when no goal is missed, 1 when one is, 2 when it could not run.
    """
    known = {word for measure in measures for row in measure.rows for word in (row.name, row.group)}
    if unknown := [word for word in only if word not in known]:
        say(f"Mesure inconnue : {', '.join(unknown)}. Mesures et groupes : {', '.join(sorted(known))}.")
        return 2
    try:
        if not anyway and is_at_work(instance, at=now()):
            say("Quelqu'un est arrivé il y a moins d'une heure. Attendez le soir, ou ajoutez --anyway.")
            return 2
        say(HEADING)
        told: list[Measured] = []
        with _ground(instance, now=now, chance=chance, make_station=make_station, fqm=fqm) as ground:
            for measure in measures:
                wanted = [row for row in measure.rows if not only or {row.name, row.group} & set(only)]
                told += _run(measure, wanted, ground, rounds=rounds, engine=engine, say=say)
        if json_file is not None:
            json_file.write_text(json.dumps([asdict(one) for one in told], ensure_ascii=False) + "\n", encoding="utf-8")
    except Exception as trouble:  # noqa: BLE001  # whatever it is, nothing can be said of the speed
        # The kind alone of what a library says: it may hold an address with a password.
        words = str(trouble) if isinstance(trouble, (OSError, UnsafeSettings, Unready)) else type(trouble).__name__
        say(f"La mesure n'a pas pu se faire : {words}")
        return 2
    return 1 if any(one.ok is False for one in told) else 0


def is_at_work(instance: Path, *, at: datetime) -> bool:
    """Whether a visit arrived at this laboratory in the last hour; a folder without a laboratory is quiet."""
    settings_file = instance / "kiosk.toml"
    if not settings_file.exists():
        return False
    register = read_settings(settings_file, KioskSettings).register
    database = open_database(register if register.startswith("postgresql") else str(instance / register), None)
    try:
        with database.reading() as db:
            last = db.scalar(select(func.max(Visit.arrived_at)).where(Visit.arrived_at > at - QUIET))
    finally:
        database.close()
    return last is not None


def play(sides: Sides, rounds: int, *, first: int = 0) -> Iterator[tuple[Any, Any]]:
    """Run rounds: floor and ours, then ours and floor, so that a machine that tires or warms up tires both."""
    for place in range(first, first + rounds):
        if place % 2:
            ours = sides.ours()
            yield ours, sides.floor()
        else:
            floor = sides.floor()
            yield sides.ours(), floor


def weigh(row: Row, played: Sequence[tuple[Any, Any]]) -> Measured:
    """Read one row out of the rounds: the median of the ratios of each round, and their quartiles.

    A spread wider than half the median says neither yes nor no.
    """
    pairs = [row.pick(ours, floor) for ours, floor in played]
    ratios = [ours / floor for ours, floor in pairs]
    low, ratio, high = statistics.quantiles(ratios, n=4, method="inclusive") if len(ratios) > 1 else (ratios[0],) * 3
    ratio, iqr = round(ratio, 3), (round(low, 3), round(high, 3))
    return Measured(
        name=row.name,
        ours=round(statistics.median(ours for ours, _ in pairs), 3),
        floor=round(statistics.median(floor for _, floor in pairs), 3),
        ratio=ratio,
        goal=row.goal,
        ok=None if high - low > WIDE * ratio else row.holds(ratio),
        unit=row.unit,
        rounds=len(pairs),
        iqr=iqr,
    )


@contextmanager
def _ground(
    instance: Path, *, now: Clock, chance: Chance, make_station: Callable[[Path], str], fqm: Path | None
) -> Iterator[Ground]:
    disk = next(place for place in (instance, *instance.parents) if place.is_dir())
    folder = Path(tempfile.mkdtemp(prefix="bench-", dir=disk))
    try:
        with ExitStack() as closing:
            yield Ground(folder=folder, now=now, chance=chance, make_station=make_station, closing=closing, fqm=fqm)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _run(
    measure: Measure, wanted: Sequence[Row], ground: Ground, *, rounds: int, engine: str, say: Callable[[str], None]
) -> list[Measured]:
    """Run one measure; each row comes out with its figures, or with the reason why it has none."""
    rows = [row for row in wanted if row.engine in {None, engine} or engine == "both"]
    told, why = {row.name: Measured(name=row.name, goal=row.goal, unit=row.unit) for row in wanted}, ""
    if not rows:
        why = "moteur non demandé"
    else:
        try:
            with measure.open(ground) as sides:
                played = list(play(sides, rounds))
                if any(weigh(row, played).ok is None for row in rows):
                    played += play(sides, 2 * rounds, first=rounds)
            told = {row.name: weigh(row, played) for row in rows}
            why = "trop dispersé" if any(one.ok is None for one in told.values()) else ""
        except Unmeasured as lacking:
            why = str(lacking)
        except Broken as broken:
            why = str(broken)
            told = {row.name: Measured(name=row.name, goal=row.goal, unit=row.unit, ok=False) for row in rows}
    for one in told.values():
        say(in_words(one, "" if one.ok is True else why))
    return list(told.values())


HEADING: Final = (
    f"{'mesure':<16}{'à nous':>13}{'plancher':>13}  {'unité':<6}{'rapport':>8}  {'quartiles':<15}{'but':<8}"
)


def in_words(one: Measured, why: str = "") -> str:
    """A row of the table for people."""
    ours, floor, ratio = (
        "–" if figure is None else f"{figure:,.{2 if figure < 100 else 0}f}".replace(",", " ").replace(".", ",")
        for figure in (one.ours, one.floor, one.ratio)
    )
    spread = "–" if one.iqr is None else f"{one.iqr[0]:.2f} à {one.iqr[1]:.2f}".replace(".", ",")
    goal = one.goal.replace(">=", "≥ ").replace("<=", "≤ ").replace(".", ",")
    verdict = VERDICTS[one.ok] + (f" ({why})" if why else "")
    return f"{one.name:<16}{ours:>13}{floor:>13}  {one.unit:<6}{ratio:>8}  {spread:<15}{goal:<8}{verdict}"
