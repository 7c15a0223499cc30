"""The ways to a printer: network and device file, with our own sockets and no guess about what was handed over."""

import contextlib
import os
import select
import socket
import time
from collections.abc import Callable
from typing import Protocol
from urllib.parse import unquote, urlsplit

from printers.errors import Unreachable
from printers.station.names import look_up

CONNECT_S = 2.0  #: to find a name and reach one of its addresses, all in all


class Broken(Unreachable):
    """The connection broke while bytes were handed over; `given` of them had left."""

    def __init__(self, given: int) -> None:
        super().__init__(f"the connection broke after {given} bytes")
        self.given = given


class Device(Protocol):
    """An open way to one printer."""

    def write(self, data: bytes, *, slow_s: float, end_s: float, slow: Callable[[], None]) -> None:
        """Hand over everything, or raise `Broken`; call `slow` once after `slow_s`, give up after `end_s`."""

    def read(self, timeout_s: float) -> bytes:
        """What the printer said, b"" if nothing came in time; raise `Unreachable` when it hung up."""

    def close(self) -> None:
        """Hang up without losing what is under way."""


class Descriptor:
    """What network and device file have in common: a descriptor that is waited for."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        os.set_blocking(descriptor, False)

    def write(self, data: bytes, *, slow_s: float, end_s: float, slow: Callable[[], None]) -> None:
        """Hand over everything; see `Device`."""
        given, began, told = 0, time.monotonic(), False
        while given < len(data):
            waited = time.monotonic() - began
            if waited > slow_s and not told:
                told = True
                slow()
            if waited > end_s:
                raise Broken(given)
            if _ready(self._descriptor, select.POLLOUT, 0.1 if told else min(slow_s + 0.01, 1.0)):
                # A refused write took no byte: what was given before is all that ever left.
                try:
                    given += os.write(self._descriptor, data[given:])
                except BlockingIOError:
                    continue
                except OSError as fault:
                    raise Broken(given) from fault

    def read(self, timeout_s: float) -> bytes:
        """What the printer said; see `Device`."""
        if not _ready(self._descriptor, select.POLLIN, timeout_s):
            return b""
        try:
            received = os.read(self._descriptor, 4096)
        except BlockingIOError:
            return b""
        except OSError as fault:
            raise Unreachable("the printer hung up") from fault
        if not received:
            raise Unreachable("the printer hung up")
        return received


class Network(Descriptor):
    """A printer on the network, raw TCP (port 9100 by custom)."""

    def __init__(self, host: str, port: int) -> None:
        self._socket = dial(host, port)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        super().__init__(self._socket.fileno())

    def close(self) -> None:
        """Read what is pending, say that nothing more comes, read to the end, then close.

        Closing with unread bytes makes Linux reset the connection, and the printer drops what it had not read.
        """
        with contextlib.suppress(OSError, Unreachable):
            self._socket.shutdown(socket.SHUT_WR)
            end = time.monotonic() + 1
            while time.monotonic() < end:
                self.read(0.1)
        self._socket.close()


def dial(host: str, port: int) -> socket.socket:
    """A connection to the first address of a name that answers; all together they have `CONNECT_S`."""
    end = time.monotonic() + CONNECT_S
    for address in look_up(host, port, CONNECT_S):
        if (left := end - time.monotonic()) <= 0:
            break
        with contextlib.suppress(OSError):
            return socket.create_connection(address, timeout=left)
    raise Unreachable(f"no printer answers at {host}:{port}")


class File(Descriptor):
    """A printer behind a device file, such as /dev/usb/lp0; or a plain file, which never answers."""

    def __init__(self, path: str) -> None:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError as fault:
            raise Unreachable(f"{path} cannot be opened") from fault
        super().__init__(descriptor)

    def read(self, timeout_s: float) -> bytes:
        """What the printer said; the end of a plain file is no hang-up."""
        try:
            return super().read(timeout_s)
        except Unreachable as fault:
            if fault.__cause__ is not None:
                raise
            time.sleep(min(timeout_s, 0.05))
            return b""

    def close(self) -> None:
        """Close the file."""
        os.close(self._descriptor)


def _ready(descriptor: int, wanted: int, timeout_s: float) -> bool:
    """Whether a descriptor has something to say in time; unlike select(), poll() knows numbers above 1,023."""
    waiting = select.poll()
    waiting.register(descriptor, wanted)
    return bool(waiting.poll(max(timeout_s, 0) * 1000))


def connect(address: str) -> Device:
    """Open the way to a printer, or raise `Unreachable`; `address` is tcp://host:port or file:///path."""
    parts = urlsplit(address)
    if parts.scheme == "tcp" and parts.hostname and parts.port:
        return Network(parts.hostname, parts.port)
    return File(unquote(parts.path))
