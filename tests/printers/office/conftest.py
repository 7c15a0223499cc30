"""A room with an office printer: the fake, or the real one of Debian, and its owner driven step by step."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

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
from tests.ippeve import Ippeve, open_ippeve

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


@pytest.fixture(params=["ipps", "ipp"])
def ippeve(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ippeve]:
    with open_ippeve(tmp_path_factory.mktemp("p"), scheme=request.param) as opened:
        yield opened
