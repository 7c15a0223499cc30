"""The writer's turn measured: two processes that write without a pause, in turn and by SQLite's busy handler alone."""

import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from itertools import count
from pathlib import Path
from typing import Final

from sqlalchemy.exc import OperationalError

from kiosk.register import clock
from kiosk.register.clock import Chance
from kiosk.register.database import Database, open_database
from kiosk.register.errors import Later
from kiosk.register.sites import Site, this_site
from results.upkeep.bench.bare import PEOPLE
from results.upkeep.bench.reception import Reception, reception, together
from results.upkeep.bench.rounds import Broken, Ground, Measure, Row, Sides

#: The writers of the staff app and of the public app, each app a process.
WRITERS: Final = (8, 2)
#: Seconds of one side of a round of writers: shorter hides a starved one.
SATURATED: Final = 2.0
#: Seconds after which a child that says nothing is given up.
PATIENCE: Final = 60


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
    with reception(*paths, ground.chance), ExitStack() as stack:
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
    command = [sys.executable, "-m", "results.upkeep.bench.turn", *paths, str(place), str(writers)]
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
    there = Reception(database=database, site=site, chance=chance, places=places)
    until, waits, holds = time.monotonic() + SATURATED, list[float](), list[float]()

    def work(_: int) -> int:
        done = 0
        while time.monotonic() < until:
            place = next(places)
            wait = there.announced(place)
            asked, began = time.monotonic(), None
            try:
                with database.transaction() as db:
                    db.connection()  # BEGIN IMMEDIATE: now this one writes
                    began = time.monotonic()
                    there.take(db, place, wait)
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


TURN: Final = Measure(
    rows=(
        Row(
            name="turn_tail", group="line", unit="ms", goal="<=16", engine="sqlite",
            pick=lambda ours, _: (ours.worst, ours.hold),
        ),
        Row(
            name="turn_gain", group="line", unit="ms", goal="<=0.20", engine="sqlite",
            pick=lambda ours, bare: (ours.worst, bare.worst),
        ),
        Row(
            name="turn_cost", group="line", unit="tx/s", goal=">=0.55", engine="sqlite",
            pick=lambda ours, bare: (ours.writes, bare.writes),
        ),
    ),
    open=_turn,
)  # fmt: skip

if __name__ == "__main__":
    main()
