"""What stands at a printer's address and is none gets no label; a cable that is pulled loses none."""

import contextlib
import http.server
import os
import random
import select
import socket
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from printers.fake.printer import FakePrinter
from printers.moves import State
from printers.paper import LABEL_50X25, Paper
from printers.station.link import Timing

if TYPE_CHECKING:
    Room = Any

MakeLabel = Callable[..., Paper]
Chance = Callable[[int], bytes]
SOON = Timing(answer=0.2, proof=0.5, slow=0.3, end=2.0, poll=0.0, blocked=0.01, look=0.005, reopen=0.0,
              back_off=(0.01,))  # fmt: skip
RASTER = b"\x1dv0"


class Service:
    """Something that listens and talks: a greeting, then an answer to whatever it is told; it remembers all."""

    def __init__(self, greeting: bytes, answer: Callable[[bytes], bytes]) -> None:
        self.heard = b""
        self.calls = 0
        self._greeting, self._answer = greeting, answer
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"tcp://127.0.0.1:{self._listener.getsockname()[1]}"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self._stop.is_set():
            if not select.select([self._listener], [], [], 0.02)[0]:
                continue
            with closing(self._listener.accept()[0]) as client, contextlib.suppress(OSError):
                self.calls += 1
                client.sendall(self._greeting)
                client.settimeout(0.5)
                while told := client.recv(4096):
                    self.heard += told
                    client.sendall(self._answer(told))

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(5)
        self._listener.close()


NOISE = random.Random(12)
SERVICES = {
    "ssh": (b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", lambda _: b"Invalid SSH identification string.\r\n"),
    "http": (b"", lambda _: b"HTTP/1.1 400 Bad Request\r\nServer: 2.2\r\nDate: Sat, 21 Nov 2026 22:22:22\r\n\r\n"),
    "mail": (b"220 mail.example ESMTP ready\r\n", lambda _: b"502 5.5.2 Error: command not recognized\r\n"),
    "garbage": (b"", lambda _: NOISE.randbytes(12)),
    "echo": (b"", lambda told: told),
    "status and more": (b"", lambda _: b"\x12 and more"),
}


@pytest.mark.parametrize("what", SERVICES)
def test_another_service_at_the_address_gets_no_label_and_the_words_say_so(
    room: "Room", label: MakeLabel, chance: Chance, what: str
) -> None:
    service = Service(*SERVICES[what])
    try:
        worker = room.worker(service.address, LABEL_50X25, timing=SOON)
        paper = label()
        room.spool.put(paper, printer="labels", at=room.at, chance=chance)
        room.work(worker, lambda: service.calls >= 6)
        worker.hang_up()
        assert room.states() == {paper.key: State.HELD}
        assert room.spool.job(paper.key).cause in {"not-understood", "silent", "unreachable"}
        assert RASTER not in service.heard
        fake = room.fake()  # the right address is written into the settings
        again = room.worker(fake.address, LABEL_50X25, timing=SOON)
        room.work(again, room.finished)
        assert [printed.symbols for printed in fake.paper] == [paper.symbols()]
    finally:
        service.stop()


def test_a_real_web_server_at_the_address_gets_no_label(room: "Room", label: MakeLabel, chance: Chance) -> None:
    lines: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's own name
            lines.append(format % args)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        worker = room.worker(f"tcp://127.0.0.1:{server.server_address[1]}", LABEL_50X25, timing=SOON)
        paper = label()
        room.spool.put(paper, printer="labels", at=room.at, chance=chance)
        room.work(worker, lambda: room.states() == {paper.key: State.HELD})
        worker.hang_up()
        assert not [line for line in lines if "v0" in line]
    finally:
        server.shutdown()
        server.server_close()


def test_a_label_for_a_finer_head_is_not_printed_at_another_size(
    room: "Room", label: MakeLabel, chance: Chance
) -> None:
    fake = room.fake()
    fine = replace(label(), form=replace(LABEL_50X25, dpmm=12))
    room.spool.put(fine, printer="labels", at=room.at, chance=chance)
    worker = room.worker(fake.address, LABEL_50X25, timing=SOON)
    room.work(worker, room.settled)
    assert room.states() == {fine.key: State.VOID}
    assert room.spool.job(fine.key).cause == "unprintable"
    assert fake.paper == []


class Cable:
    """A USB cable: a device file that is there while it is plugged in, with a fake printer at its other end."""

    def __init__(self, path: Path, fake: FakePrinter) -> None:
        self.path = path
        self._fake = fake
        self._ends: tuple[int, int] | None = None
        self._threads: list[threading.Thread] = []
        self._line: socket.socket | None = None
        #: Pulled by itself once so many bytes went through.
        self.pulled_at: int | None = None

    @property
    def address(self) -> str:
        return f"file://{self.path}"

    def plug(self) -> None:
        near, far = os.openpty()
        tty.setraw(far)
        self.path.symlink_to(os.ttyname(far))
        self._ends = (near, far)
        self._line = socket.create_connection(("127.0.0.1", self._fake.port))
        self._threads = [threading.Thread(target=self._carry, args=(near, self._line), daemon=True)]
        self._threads[0].start()

    def _carry(self, near: int, line: socket.socket) -> None:
        carried = 0
        with contextlib.suppress(OSError, ValueError):
            while True:
                ready = select.select([near, line.fileno()], [], [], 0.02)[0]
                if near in ready:
                    room = 4096 if self.pulled_at is None else min(4096, self.pulled_at - carried)
                    told = os.read(near, room)
                    carried += len(told)
                    line.sendall(told)
                    if carried == self.pulled_at:
                        self.pulled_at = None
                        self._gone()
                if line.fileno() in ready:
                    os.write(near, line.recv(4096))

    def _gone(self) -> None:
        if self._ends is not None and self._line is not None:
            self.path.unlink()
            for end in self._ends:
                os.close(end)
            self._line.close()
            self._ends = None

    def unplug(self) -> None:
        self._gone()
        for thread in self._threads:
            thread.join(5)


@pytest.fixture
def cable(room: "Room", tmp_path: Path) -> Iterator[Cable]:
    made = Cable(tmp_path / "lp0", room.fake())
    made.plug()
    yield made
    made.unplug()


def test_a_usb_cable_pulled_between_two_labels_holds_the_second_until_it_is_back(
    room: "Room", cable: Cable, label: MakeLabel, chance: Chance
) -> None:
    one, two = label("000000000001"), label("000000000002")
    worker = room.worker(cable.address, LABEL_50X25, timing=SOON)
    room.spool.put(one, printer="labels", at=room.at, chance=chance)
    room.work(worker, room.finished)
    cable.unplug()
    room.spool.put(two, printer="labels", at=room.at, chance=chance)
    room.work(worker, lambda: room.states()[two.key] is State.HELD)
    assert room.spool.job(two.key).cause == "unreachable"
    assert [(told.state, told.cause) for told in room.spool.printers()] == [("held", "unreachable")]
    cable.plug()
    room.work(worker, room.finished)
    assert room.states() == {one.key: State.CONFIRMED, two.key: State.CONFIRMED}
    assert [printed.symbols for printed in room.fakes[0].paper] == [one.symbols(), two.symbols()]


@pytest.mark.parametrize("place", [200, 3_000, 9_000])
def test_a_usb_cable_pulled_in_mid_label_makes_it_unsure_and_the_next_one_stands_alone(
    room: "Room", cable: Cable, label: MakeLabel, chance: Chance, place: int
) -> None:
    papers = [label(f"{number:012d}") for number in (1, 2)]
    cable.pulled_at = 10_100 + place  # after the lead-out and the questions of a new connection
    for paper in papers:
        room.spool.put(paper, printer="labels", at=room.at, chance=chance)
    worker = room.worker(cable.address, LABEL_50X25, timing=SOON)
    room.work(worker, lambda: room.states()[papers[0].key] is State.UNSURE)
    room.work(worker, lambda: room.states()[papers[1].key] is State.HELD)
    assert room.spool.job(papers[1].key).cause == "unreachable"
    cable.plug()
    room.work(worker, room.finished)
    assert [room.states()[paper.key] for paper in papers] == [State.UNSURE, State.CONFIRMED]
    found = [symbol for printed in room.fakes[0].paper for symbol in printed.symbols]
    assert found.count(papers[1].symbols()[0]) == 1
    assert found.count(papers[0].symbols()[0]) <= 1
