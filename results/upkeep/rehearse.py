"""A laboratory's morning self-test: two patients walk from the door to the telephone, over HTTP and TCP."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.request import urlopen

from results.upkeep.demonstration import read_kept
from results.upkeep.journey import Journey, NotAsPromised
from results.upkeep.supervise import free_ports

#: What a laboratory that is broken may answer with: no such page, no answer, half an answer, none in time.
BROKEN = (NotAsPromised, LookupError, OSError, HTTPException, ValueError, subprocess.TimeoutExpired)
#: A laboratory that is not ready after so many seconds will not be.
PATIENCE = 60.0


@dataclass(frozen=True, kw_only=True)
class Step:
    """One step of the walk: what was to hold, how long it took, and what went wrong, if anything."""

    name: str
    seconds: float
    ok: bool
    words: str = ""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a demonstration laboratory runs: its folder and its two addresses."""

    instance: Path
    public: str
    staff: str


def rehearse(place: Place, *, results: Path | None, tell: Callable[[Step], None]) -> bool:
    """Walk the whole way; the first step that does not hold ends it.

    Args:
        place: a running demonstration laboratory.
        results: a file of result messages to take in, or None for the rehearsal's own message.
        tell: is told each step as it ends.

    Raises:
        NotADemonstration: nobody rehearses on real patients.
    """
    journey = Journey(place.instance, place.public, place.staff, read_kept(place.instance), results)
    for name, walk in journey.steps():
        start = time.monotonic()
        try:
            words = walk()
        except BROKEN as broken:
            words = str(broken) or type(broken).__name__
            tell(Step(name=name, seconds=time.monotonic() - start, ok=False, words=words))
            return False
        tell(Step(name=name, seconds=time.monotonic() - start, ok=True, words=words))
    return True


def rehearse_apart(*, results: Path | None, tell: Callable[[Step], None]) -> bool:
    """Walk the whole way in a temporary laboratory; programmes that do not start are a step that does not hold."""
    start = time.monotonic()
    try:
        with temporary_laboratory() as place:
            return rehearse(place, results=results, tell=tell)
    except NotAsPromised as broken:
        tell(Step(name="Programmes prêts", seconds=time.monotonic() - start, ok=False, words=str(broken)))
        return False


@contextmanager
def temporary_laboratory() -> Iterator[Place]:
    """A new demonstration laboratory on free ports, with every programme running; removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="etiquette-repetition-"))
    instance = folder / "instance"
    public, staff, paper = free_ports(3)
    command = [sys.executable, "-m", "results.cli", "--instance", str(instance), "serve", "--demo"]
    command += ["--public-port", str(public), "--staff-port", str(staff), "--paper-port", str(paper)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            place = Place(instance=instance, public=f"http://localhost:{public}/", staff=f"http://localhost:{staff}/")
            _wait_until_ready(place, process, folder / "log")
            yield place
        finally:
            if process.poll() is None:
                os.kill(process.pid, signal.SIGTERM)
                process.wait(60)
            shutil.rmtree(folder)


def _wait_until_ready(place: Place, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            for address in (place.public, place.staff):
                with urlopen(f"{address}readyz", timeout=2):  # noqa: S310  # our own address
                    pass
        except (OSError, HTTPException):
            time.sleep(0.2)
        else:
            return
    raise NotAsPromised(f"Les programmes ne sont pas prêts : {log.read_text(errors='replace')[-400:]}")
