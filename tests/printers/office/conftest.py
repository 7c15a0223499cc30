"""A room with an office printer: the fake, or the real one of Debian, and its owner driven step by step."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from printers.fake.office import MODEL, FakeOffice
from printers.moves import State
from printers.office.worker import OfficeOwner
from printers.paper import A4, At, NextPage, Paper, Text
from printers.rows import Proved
from printers.settings import Printer
from printers.station.keys import StartKey, StationKey
from printers.station.link import Timing
from printers.station.spool import StationSpool

QUICK = Timing(
    answer=2.0, slow=2.0, page=1.0, warm=2.0, grace=1.0, glance=0.0, poll=0.0, blocked=0.01, look=0.005,
    back_off=(0.01,),
)  # fmt: skip


@dataclass
class Room:
    """What a test of the station works in; its clock stands still until it is told."""

    spool: StationSpool
    key: StationKey
    start: StartKey
    at: datetime
    chance: Callable[[int], bytes]
    fakes: list[FakeOffice] = field(default_factory=list)

    def fake(self, **wishes: object) -> FakeOffice:
        self.fakes.append(FakeOffice(**wishes))  # type: ignore[arg-type]
        return self.fakes[-1]

    def owner(
        self, address: str, *, model: str | None = MODEL, timing: Timing = QUICK, name: str = "office",
        **settings: object,
    ) -> OfficeOwner:  # fmt: skip
        if model is not None:
            proved = Proved(model=model, process_id=True, status=True, at=self.at, by="sophie")
            self.spool.write_proved(name, proved)
        return OfficeOwner(
            Printer(name=name, kind="ipp", address=address, media=A4, **settings),  # type: ignore[arg-type]
            self.spool, lasting=self.key.opening, start=self.start, clock=lambda: self.at, timing=timing,
        )  # fmt: skip

    def put(self, paper: Paper) -> None:
        self.spool.put(paper, printer="office", at=self.at, chance=self.chance)

    def states(self) -> dict[str, State]:
        return {job.key: job.state for job in self.spool.jobs()}

    def causes(self) -> dict[str, str]:
        return {job.key: job.cause for job in self.spool.jobs()}

    def work(self, owner: OfficeOwner, until: Callable[[], bool], seconds: float = 20) -> None:
        end = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < end, (self.states(), self.causes())
            time.sleep(min(0.02, owner.step()))

    def settled(self) -> bool:
        return not self.spool.jobs([State.QUEUED, State.SENDING, State.SENT, State.NOT_SENT, State.HELD])

    def pass_by(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def room(spool: StationSpool, station_key: StationKey, at: datetime, chance: Callable[[int], bytes]) -> Iterator[Room]:
    start = StartKey.make(last=0, at=at, chance=chance)
    spool.publish(number=start.number, key=start.public, signature=start.signed_by(station_key), at=at)
    made = Room(spool=spool, key=station_key, start=start, at=at, chance=chance)
    yield made
    for fake in made.fakes:
        fake.stop()


def _sheets(name: str = "MOREAU Élise", *, pages: int = 2, number: int = 1, secret: bool = True) -> Paper:
    """A paper of several A4 sheets, each with a line of its own."""
    items: list[At | NextPage] = []
    for page in range(1, pages + 1):
        if page > 1:
            items.append(NextPage())
        line = Text(s=f"{name}, feuille {page} sur {pages}", size_max=60, size_min=40)
        items.append(At(x=300, y=600, w=1800, h=90, item=line))
    return Paper(kind="report", form=A4, items=tuple(items), key=f"report/{number}", secret=secret)


@pytest.fixture
def sheets() -> Callable[..., Paper]:
    return _sheets


@dataclass
class Ippeve:
    """Debian's IPP Everywhere printer: `kept` are the documents that it received."""

    address: str
    model: str
    folder: Path

    @property
    def kept(self) -> list[Path]:
        return sorted(self.folder.glob("kept-*.pdf"), key=lambda path: path.stat().st_mtime_ns)

    def say(self, *words: str) -> None:
        """What its engine says while it prints the next jobs."""
        (self.folder / "words").write_text("".join(f"{word}\n" for word in words), encoding="utf-8")


_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={folder}/bus</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
</policy></busconfig>
"""
#: The engine: keeps the PDF, then says line by line what the test wrote down, "wait NAME" waits for a file.
_ENGINE = """#!/bin/sh
cp "$1" "{folder}/kept-$$.pdf"
pages=$(grep -a -c '^/Type /Page$' "$1")
while read -r word what; do
    case "$word" in
        wait) while [ ! -e "{folder}/$what" ]; do sleep 0.05; done ;;
        pages) echo "ATTR: job-impressions=$pages job-impressions-completed=$((pages + what))" >&2 ;;
        fail) exit 1 ;;
        *) echo "$word $what" >&2 ;;
    esac
done < "{folder}/words"
"""


@pytest.fixture(params=["ipps", "ipp"])
def ippeve(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ippeve]:
    """A real printer on a free port, with a message bus of its own: it cannot live without one."""
    if shutil.which("ippeveprinter") is None or shutil.which("dbus-daemon") is None:
        pytest.fail("install cups-ipp-utils and dbus-daemon: the printers are tried against a real one")
    folder = tmp_path_factory.mktemp("p")
    for name in ("spool", "keys"):
        (folder / name).mkdir()
    (folder / "bus.conf").write_text(_BUS.format(folder=folder), encoding="utf-8")
    engine = folder / "engine.sh"
    engine.write_text(_ENGINE.format(folder=folder), encoding="utf-8")
    engine.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    bus = subprocess.Popen(
        ["dbus-daemon", f"--config-file={folder}/bus.conf", "--nofork", "--nopidfile"], stderr=subprocess.DEVNULL
    )
    printer = None
    log = (folder / "log").open("wb")
    try:
        _wait((folder / "bus").exists, bus)
        printer = subprocess.Popen(
            [
                "ippeveprinter", "-r", "off", "-n", "localhost", "-p", str(port), "-d", str(folder / "spool"),
                "-K", str(folder / "keys"), "-c", str(engine), "-f", "application/pdf", "Bureau",
            ],
            env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={folder}/bus"},
            stdout=subprocess.DEVNULL, stderr=log,
        )  # fmt: skip
        _wait(lambda: _answers(port), printer)
        made = Ippeve(address=f"{request.param}://localhost:{port}/ipp/print", model="Example Printer", folder=folder)
        made.say("pages 0")
        yield made
    finally:
        log.close()
        for process in (printer, bus):
            if process is not None:
                process.kill()
                process.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait(until: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 20
    while not until():
        assert process.poll() is None, process.args
        assert time.monotonic() < end, process.args
        time.sleep(0.02)
