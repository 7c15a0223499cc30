import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from printers.errors import Unreachable
from printers.station.devices import Broken, File, Network, connect


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield made


def reach(listener: socket.socket) -> tuple[Network, socket.socket]:
    device = connect(f"tcp://127.0.0.1:{listener.getsockname()[1]}")
    assert isinstance(device, Network)
    return device, listener.accept()[0]


def nothing() -> None:
    """No one is told."""


def test_bytes_go_and_come(listener: socket.socket) -> None:
    device, peer = reach(listener)
    device.write(b"abc", slow_s=1, end_s=1, slow=nothing)
    assert peer.recv(10) == b"abc"
    peer.sendall(b"yes")
    assert device.read(1) == b"yes"
    assert device.read(0) == b""
    peer.close()
    with pytest.raises(Unreachable):
        device.read(1)
    device.close()


def test_nobody_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(Unreachable):
        connect(f"tcp://127.0.0.1:{port}")
    with pytest.raises(Unreachable):
        connect("file:///nowhere/lp0")


def test_a_peer_that_reads_nothing_is_told_and_then_given_up(listener: socket.socket) -> None:
    device, peer = reach(listener)
    told: list[str] = []
    with pytest.raises(Broken) as fault:
        device.write(bytes(50_000_000), slow_s=0.05, end_s=0.3, slow=lambda: told.append("slow"))
    assert told == ["slow"]
    assert 0 < fault.value.given < 50_000_000
    peer.close()
    device.close()


def test_a_peer_that_is_gone_is_told_before_a_byte_left(listener: socket.socket) -> None:
    device, peer = reach(listener)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
    peer.close()
    with pytest.raises(Broken) as fault:
        device.write(b"x" * 1000, slow_s=1, end_s=1, slow=nothing)
    assert fault.value.given == 0
    device.close()


def test_closing_with_unread_answers_loses_no_byte(listener: socket.socket) -> None:
    # A peer that takes little at a time: what it has not taken yet is what a reset would throw away.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    device, peer = reach(listener)
    received = bytearray()

    def read_late() -> None:
        with contextlib.suppress(ConnectionResetError):
            while piece := peer.recv(1000):
                received.extend(piece)
                time.sleep(0.002)
        peer.close()

    device.write(bytes(20_000), slow_s=1, end_s=1, slow=nothing)
    peer.sendall(b"unread answers")
    reader = threading.Thread(target=read_late)
    reader.start()
    device.close()
    reader.join()
    assert len(received) == 20_000


def test_a_plain_file_takes_all_and_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a printer"
    path.write_bytes(b"")
    device = connect(f"file://{str(path).replace(' ', '%20')}")
    assert isinstance(device, File)
    device.write(b"abc", slow_s=1, end_s=1, slow=nothing)
    assert device.read(0.01) == b""
    device.close()
    assert path.read_bytes() == b"abc"
