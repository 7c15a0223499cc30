"""A name server that is away holds nobody: neither another printer nor the end of the day."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from printers.errors import Unreachable
from printers.moves import State
from printers.paper import LABEL_50X25, Paper
from printers.settings import Printer
from printers.station import devices
from printers.station.devices import connect
from printers.station.link import Timing
from printers.station.names import look_up
from printers.station.worker import Station

if TYPE_CHECKING:
    Room = Any

HANGS = "imprimante-du-fond.example"


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A name server that answers nothing about one name until the test is over; which questions reached it."""
    asked: list[str] = []
    over = threading.Event()
    real = socket.getaddrinfo

    def search(host: str, *wishes: Any, **more: Any) -> Any:
        if host != HANGS:
            return real(host, *wishes, **more)
        asked.append(host)
        over.wait()
        raise socket.gaierror(socket.EAI_AGAIN, "no name server answered")

    monkeypatch.setattr(socket, "getaddrinfo", search)
    monkeypatch.setattr(devices, "CONNECT_S", 0.1)
    yield asked
    over.set()


def test_a_name_that_hangs_is_unreachable_in_time_and_asked_once_however_often_it_is_tried(hanging: list[str]) -> None:
    for _ in range(3):
        with pytest.raises(Unreachable, match="in time"):
            connect(f"tcp://{HANGS}:9100")
    assert hanging == [HANGS]


def test_a_name_that_does_not_exist_is_told() -> None:
    for name in ("nowhere.invalid", "x" * 70 + ".invalid"):
        with pytest.raises(Unreachable, match="no machine"):
            look_up(name, 9100, 20)


def test_a_name_is_asked_again_after_its_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        answers = [socket.gaierror(socket.EAI_NONAME, "not yet"), socket.getaddrinfo]
        real = socket.getaddrinfo

        def search(host: str, *wishes: Any, **more: Any) -> Any:
            if host == "localhost" and isinstance(answers[0], OSError):
                raise answers.pop(0)  # type: ignore[misc]
            return real("127.0.0.1" if host == "localhost" else host, *wishes, **more)

        monkeypatch.setattr(socket, "getaddrinfo", search)
        with pytest.raises(Unreachable):
            connect(f"tcp://localhost:{port}")
        device = connect(f"tcp://localhost:{port}")
        with closing(listener.accept()[0]):
            pass
        device.close()


def test_an_address_that_takes_no_call_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(devices, "CONNECT_S", 0.2)
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen(0)
        waiting = []
        try:
            for _ in range(4):  # its queue is full: what calls now hears nothing at all
                waiting.append(socket.socket())
                waiting[-1].setblocking(False)
                waiting[-1].connect_ex(deaf.getsockname())
            with pytest.raises(Unreachable):
                connect(f"tcp://127.0.0.1:{deaf.getsockname()[1]}")
        finally:
            for one in waiting:
                one.close()


def test_the_other_printers_print_and_the_station_stops_while_a_name_hangs(
    room: "Room", label: Callable[..., Paper], chance: Callable[[int], bytes], hanging: list[str], tmp_path: Path
) -> None:
    fake = room.fake()
    room.trust("labels")
    printers = {
        name: Printer(name=name, address=address, media=LABEL_50X25)
        for name, address in (("far", f"tcp://{HANGS}:9100"), ("labels", fake.address))
    }
    timing = Timing(look=0.01, blocked=0.01, beat=0.01, reopen=0.0)
    station = Station(
        printers, room.spool, room.key, lock=tmp_path / "station.lock", clock=lambda: room.at, timing=timing
    )
    papers = [label(f"{number:012d}") for number in range(4)]
    for place, paper in enumerate(papers):
        room.spool.put(paper, printer=("far", "labels")[place % 2], at=room.at, chance=chance)
    stop = threading.Event()
    thread = threading.Thread(target=station.run, args=(stop,))
    thread.start()
    near, far = [paper.key for paper in papers[1::2]], [paper.key for paper in papers[::2]]
    while not all(room.states()[key] is State.CONFIRMED for key in near) or room.states()[far[0]] is not State.HELD:
        assert thread.is_alive()
        time.sleep(0.02)
    stop.set()
    thread.join(20)
    assert not thread.is_alive()
    assert room.spool.job(far[0]).cause == "unreachable"
    assert {room.states()[key] for key in far} <= {State.QUEUED, State.HELD}
    assert len(hanging) == 1
