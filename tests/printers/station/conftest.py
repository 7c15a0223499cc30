"""A laboratory's print room: fakes, a spool, and workers that tests drive step by step."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

import pytest

from printers.fake.printer import MODEL, FakePrinter
from printers.moves import State
from printers.paper import Form
from printers.rows import Proved
from printers.settings import Printer
from printers.station.devices import Device, connect
from printers.station.keys import StartKey, StationKey
from printers.station.link import Timing
from printers.station.spool import StationSpool
from printers.station.worker import Worker

QUICK = Timing(
    answer=1.0, proof=0.5, roll=0.5, slow=0.3, end=2.0, poll=0.0, blocked=0.01, look=0.005, reopen=0.0, back_off=(0.01,)
)


@dataclass
class Room:
    """What a test of the station works in."""

    spool: StationSpool
    key: StationKey
    start: StartKey
    at: datetime
    fakes: list[FakePrinter] = field(default_factory=list)
    workers: list[Worker] = field(default_factory=list)

    def fake(self, **wishes: object) -> FakePrinter:
        self.fakes.append(FakePrinter(**wishes))  # type: ignore[arg-type]
        return self.fakes[-1]

    def trust(self, name: str = "labels", model: str = MODEL) -> None:
        """The printer was paired, and proved its process ID."""
        self.spool.write_proved(name, Proved(model=model, process_id=True, status=True, at=self.at, by="sophie"))

    def worker(
        self,
        address: str,
        form: Form,
        *,
        name: str = "labels",
        open_device: Callable[[str], Device] = connect,
        timing: Timing = QUICK,
        beside: Printer | None = None,
        model: str | None = MODEL,
        **settings: object,
    ) -> Worker:
        if model is not None:
            self.trust(name, model)
        made = Worker(
            Printer(name=name, address=address, media=form, **settings),  # type: ignore[arg-type]
            self.spool,
            lasting=self.key.opening,
            start=self.start,
            clock=lambda: self.at,
            open_device=open_device,
            timing=timing,
            fallback=beside,
        )
        self.workers.append(made)
        return made

    def states(self) -> dict[str, State]:
        return {job.key: job.state for job in self.spool.jobs()}

    def work(
        self, worker: Worker, until: Callable[[], bool], seconds: float = 10, *, others: tuple[Worker, ...] = ()
    ) -> None:
        end = time.monotonic() + seconds
        while not until():
            assert time.monotonic() < end, self.states()
            time.sleep(min(0.02, *[each.step() for each in (worker, *others)]))

    def settled(self) -> bool:
        question = "SELECT count(*) FROM jobs WHERE state IN ('queued', 'sending', 'sent', 'not_sent')"
        return bool(self.spool._rows(question)[0][0] == 0)

    def handed_over(self) -> bool:
        """Nothing waits any more; what was sent without a proof may stay so."""
        return not self.spool.jobs([State.QUEUED, State.SENDING, State.HELD, State.NOT_SENT])

    def finished(self) -> bool:
        """Settled, and nothing is held."""
        return self.settled() and not self.spool.jobs([State.HELD])


@pytest.fixture
def room(spool: StationSpool, station_key: StationKey, at: datetime, chance: Callable[[int], bytes]) -> Iterator[Room]:
    start = StartKey.make(last=0, at=at, chance=chance)
    spool.publish(number=start.number, key=start.public, signature=start.signed_by(station_key), at=at)
    made = Room(spool=spool, key=station_key, start=start, at=at)
    yield made
    for worker in made.workers:
        worker.hang_up()
    for fake in made.fakes:
        fake.stop()
