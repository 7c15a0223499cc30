"""Eight printers side by side: what is wrong with one of them is no other one's business."""

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from printers.fake.printer import FakePrinter
from printers.moves import State
from printers.paper import LABEL_50X25, Paper
from printers.settings import Printer
from printers.station.link import Timing
from printers.station.worker import Station
from tests.thorough import far

if TYPE_CHECKING:
    Room = Any

MakeLabel = Callable[..., Paper]
Chance = Callable[[int], bytes]
LABELS = far(15, 100)  #: for each printer
GOOD = ("p1", "p2", "p3", "p4")


def put_all(room: "Room", label: MakeLabel, chance: Chance, names: list[str], count: int) -> dict[str, list[str]]:
    keys: dict[str, list[str]] = {name: [] for name in names}
    for number in range(count):
        for place, name in enumerate(names):
            paper = label(f"{place:02d}{number:010d}")
            room.spool.put(paper, printer=name, at=room.at, chance=chance)
            keys[name].append(paper.key)
    return keys


def nobody() -> str:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return f"tcp://127.0.0.1:{closed.getsockname()[1]}"


@pytest.mark.timeout(600)
def test_no_label_waits_for_another_printers_fault(
    room: "Room", label: MakeLabel, chance: Chance, tmp_path: Path
) -> None:
    fakes: dict[str, FakePrinter] = {name: room.fake() for name in (*GOOD, "out", "deaf")}
    fakes["slow"] = room.fake(print_s=1.0)
    fakes["out"].run_out()
    fakes["deaf"].mute = True
    places = {name: fake.address for name, fake in fakes.items()} | {"dead": nobody()}
    keys = put_all(room, label, chance, list(places), LABELS)
    for name in places:
        room.trust(name)
    station = Station(
        {name: Printer(name=name, address=address, media=LABEL_50X25) for name, address in places.items()},
        room.spool, room.key, lock=tmp_path / "lock", clock=lambda: room.at,
        timing=Timing(answer=2.0, look=0.01, blocked=0.01, reopen=0.0),
    )  # fmt: skip
    stop = threading.Event()
    thread = threading.Thread(target=station.run, args=(stop,))
    thread.start()

    def until_confirmed(names: tuple[str, ...]) -> None:
        waiting = [key for name in names for key in keys[name]]
        while not all(room.states()[key] is State.CONFIRMED for key in waiting):
            assert thread.is_alive()
            time.sleep(0.05)

    until_confirmed(GOOD)
    stopped = ("dead", "out", "deaf")
    while not all(State.HELD in {room.states()[key] for key in keys[name]} for name in stopped):
        time.sleep(0.05)
    states = room.states()
    asked = fakes["deaf"].connections
    assert 0 < len(fakes["slow"].paper) < LABELS  # still printing, in nobody's way
    assert asked < LABELS  # nobody waited through its silence at every label
    for name in stopped:
        assert {states[key] for key in keys[name]} <= {State.QUEUED, State.HELD}, name
    causes = {told.name: told.cause for told in room.spool.printers()}
    assert (causes["dead"], causes["out"], causes["deaf"]) == ("unreachable", "paper-out", "silent")
    fakes["out"].put_right()
    fakes["deaf"].mute = False
    until_confirmed(("out", "deaf"))
    stop.set()
    thread.join(30)
    assert not thread.is_alive()
    on_paper = Counter(symbol for fake in fakes.values() for paper in fake.paper for symbol in paper.symbols)
    assert set(on_paper.values()) == {1}
    for name in (*GOOD, "out", "deaf"):
        assert [f"label/{paper.symbols[0]}/1" for paper in fakes[name].paper] == keys[name], name
    print(f"{len(on_paper)} labels, the deaf one asked {asked} times")


def test_one_owner_for_all_would_make_them_wait(room: "Room", label: MakeLabel, chance: Chance) -> None:
    """The control: taking turns, each label of the good printer waits through the silence of the deaf one."""
    good, deaf = room.fake(), room.fake()
    deaf.mute = True
    timing = Timing(answer=0.05, look=0.0, blocked=0.0, reopen=0.0)
    one = room.worker(good.address, LABEL_50X25, timing=timing)
    other = room.worker(deaf.address, LABEL_50X25, name="deaf", timing=timing)
    keys = put_all(room, label, chance, ["labels", "deaf"], 10)
    room.work(one, lambda: all(room.states()[key] is State.CONFIRMED for key in keys["labels"]), others=(other,))
    assert deaf.connections >= 10
