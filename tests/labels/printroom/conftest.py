"""A laboratory whose print station runs: the staff app, one spool, and fakes that are reached over TCP."""

import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from printers.fake.printer import MODEL, FakePrinter
from printers.moves import State
from printers.paper import LABEL_50X25, ROLL_80
from printers.rows import Job, Proved
from printers.settings import Printer
from printers.station.keys import load_station_key, make_station_key
from printers.station.link import Timing
from printers.station.spool import StationSpool
from printers.station.worker import Station
from tests.kiosk.counter.conftest import Counter, open_counter

Chance = Callable[[int], bytes]
QUICK = Timing(
    answer=1.0, proof=0.5, roll=0.5, slow=0.3, end=2.0, poll=0.05, blocked=0.05, look=0.01, sort=0.02, reopen=0.0,
    give_up=0.2, beat=0.05, back_off=(0.05,),
)  # fmt: skip


@dataclass(kw_only=True)
class PrintRoom:
    """The counter, and what stands in its print room: `labels` at desk 1, `second` at desk 2, `tickets`, `slips`."""

    counter: Counter
    fakes: dict[str, FakePrinter]
    printers: dict[str, Printer]
    stops: list[tuple[threading.Event, threading.Thread]] = field(default_factory=list)

    @property
    def spool(self) -> StationSpool:
        return self.counter.spool

    def starts(self) -> None:
        """The station starts."""
        folder, stop = self.counter.room.folder, threading.Event()
        lasting = load_station_key(folder / "station.key")
        spool = StationSpool(folder / "spool.sqlite", lasting.id)
        station = Station(
            self.printers, spool, lasting, lock=folder / "station.lock", clock=lambda: self.counter.room.at,
            timing=QUICK,
        )  # fmt: skip

        def run() -> None:
            station.run(stop)
            spool.close()

        thread = threading.Thread(target=run)
        thread.start()
        self.stops.append((stop, thread))
        self.until(lambda: all(one.state == "ready" for one in self.spool.printers() if one.served))

    def stops_all(self) -> None:
        """Every station stops."""
        for stop, thread in self.stops:
            stop.set()
            thread.join()
        self.stops.clear()

    def until(self, holds: Callable[[], bool], seconds: float = 10) -> None:
        """Wait for the station to have done it."""
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, [(job.key, job.state, job.cause) for job in self.spool.jobs()]
            time.sleep(0.01)

    def labels(self) -> list[Job]:
        """The jobs of labels, in their order."""
        return [job for job in self.spool.jobs() if job.kind == "label"]

    def state(self, key: str) -> tuple[State, str]:
        """Where a job stands, and why."""
        job = self.spool.job(key)
        assert job is not None
        return job.state, job.cause

    def told(self, name: str, state: str, cause: str = "") -> Callable[[], bool]:
        """Whether the station has seen this of a printer."""
        return lambda: any((one.name, one.state, one.cause) == (name, state, cause) for one in self.spool.printers())


@contextmanager
def open_print_room(folder: Path, *, at: object, chance: Chance) -> Iterator[PrintRoom]:
    """The staff app, its spool and its printers; the station is started by the test."""
    with open_counter(folder, at=at, chance=chance) as counter:  # type: ignore[arg-type]
        home = counter.room.app.extensions["house"]
        home.spool.close()
        key = make_station_key(counter.room.folder / "station.key", chance)
        counter.room.app.extensions["house"] = replace(home, spool=StationSpool(home.spool.path, station=key))
        fakes = {name: FakePrinter(name=name) for name in ("labels", "second", "tickets", "slips")}
        printers = {
            name: Printer(
                name=name, address=fakes[name].address, media=LABEL_50X25 if name in {"labels", "second"} else ROLL_80,
                desk={"second": "Guichet 2", "tickets": "Borne"}.get(name, "Guichet 1"),
            )
            for name in fakes
        }  # fmt: skip
        for name in fakes:
            counter.spool.write_proved(
                name, Proved(model=MODEL, process_id=True, status=True, at=counter.room.at, by="sophie")
            )
        made = PrintRoom(counter=counter, fakes=fakes, printers=printers)
        try:
            yield made
        finally:
            made.stops_all()
            for fake in fakes.values():
                fake.stop()


@pytest.fixture
def prints(tmp_path: Path, at: object, chance: Chance) -> Iterator[PrintRoom]:
    folder = tmp_path / "laboratory"
    folder.mkdir()
    with open_print_room(folder, at=at, chance=chance) as made:
        yield made


def words(page: str) -> str:
    """A page as it is read: no tags, one space."""
    return " ".join(re.sub(r"<[^>]+>", " ", page).replace("\xa0", " ").split())


def card_of(page: str, name: str) -> str:
    """The words of one printer's card."""
    found = re.search(rf'<section class="card" aria-labelledby="printer-{name}">.*?</section>', page, re.DOTALL)
    assert found, page
    return words(found[0])
