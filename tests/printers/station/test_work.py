"""The station reaches its jobs through one small interface: whoever answers it has a station."""

import inspect
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from printers.moves import State
from printers.paper import LABEL_50X25, Paper
from printers.settings import Printer
from printers.station.link import Timing
from printers.station.spool import StationSpool
from printers.station.work import Work
from printers.station.worker import Station

if TYPE_CHECKING:
    Room = Any

CALLS = {name for name in vars(Work) if not name.startswith("_")}


class Elsewhere:
    """A spool behind a window that passes the named calls, and knows nothing else."""

    def __init__(self, spool: StationSpool) -> None:
        self._spool = spool
        self.asked: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        assert name in CALLS, name
        self.asked.add(name)
        return getattr(self._spool, name)


def test_the_spool_answers_every_call_with_the_same_words() -> None:
    for name in CALLS:
        asked = inspect.signature(getattr(Work, name)).parameters
        given = inspect.signature(getattr(StationSpool, name)).parameters
        assert list(asked) == [word for word in given if word in asked], name


def test_a_station_needs_no_other_call_from_its_start_to_its_end(
    room: "Room", label: Callable[..., Paper], chance: Callable[[int], bytes], tmp_path: Path
) -> None:
    fakes = [room.fake(), room.fake()]
    fakes[0].open_cover()
    printers = {
        name: Printer(name=name, address=fake.address, media=LABEL_50X25, desk="Guichet 1", fallback=other)
        for name, fake, other in zip(("labels", "second"), fakes, ("second", ""), strict=True)
    }
    for name in printers:
        room.trust(name)
    window = Elsewhere(room.spool)
    timing = Timing(poll=0.01, blocked=0.01, look=0.01, beat=0.01, reopen=0.0, give_up=0.1)
    papers = [label(f"{number:012d}") for number in range(3)]
    for paper in papers:
        room.spool.put(paper, printer="labels", at=room.at, chance=chance)
    station = Station(printers, window, room.key, lock=tmp_path / "lock", clock=lambda: room.at, timing=timing)
    stop = threading.Event()
    thread = threading.Thread(target=station.run, args=(stop,))
    thread.start()
    end = time.monotonic() + 15
    while set(room.states().values()) != {State.CONFIRMED} and time.monotonic() < end:
        time.sleep(0.02)
    stop.set()
    thread.join(10)
    assert [printed.symbols for printed in fakes[1].paper] == [paper.symbols() for paper in papers]
    assert window.asked == CALLS  # and each of them is needed
