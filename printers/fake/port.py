"""The loopback port of a fake printer: one client at a time, a small memory, and a cable that may be cut."""

import select
import socket
import struct
import threading
import time
from abc import ABC, abstractmethod
from contextlib import suppress

BUFFER = 4096  #: bytes that a small printer receives ahead of its head


class PowerCutError(Exception):
    """The bytes being worked on are gone."""


class Port(ABC):
    """What arrives and what is said: one client prints, the others wait in the listener's queue."""

    def __init__(self, *, port: int, cut_at: int | None, dies: bool, polite: bool, idle_s: float) -> None:
        self.connections = 0
        self.cut_at = cut_at
        self.dies = dies
        self.polite = polite
        self._idle_s = idle_s
        self._ready = threading.Condition()
        self._buffer = bytearray()
        self._client: socket.socket | None = None
        self._reset = False
        self._generation = 0
        self._stopped = False
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", port), backlog=8)
        self.port: int = self._listener.getsockname()[1]

    @property
    def address(self) -> str:
        """Where a station reaches it."""
        return f"tcp://127.0.0.1:{self.port}"

    def stop(self) -> None:
        """Switch it off."""
        with self._ready:
            self._stopped = True
            self._ready.notify_all()
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def _start(self) -> None:
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._receive, self._work)]
        for thread in self._threads:
            thread.start()

    @abstractmethod
    def _welcome(self) -> None:
        """A client has come."""

    @abstractmethod
    def _take_in(self, tail: bytes, data: bytes) -> bytes:
        """Put what arrived into memory, answer what is answered at once; the last bytes, for the next time."""

    @abstractmethod
    def _command(self) -> None:
        """Take one command out of memory and do it; raise `PowerCutError` when it is gone in the middle."""

    @abstractmethod
    def _forget(self) -> None:
        """The power was cut."""

    def _say(self, data: bytes) -> bool:
        client = self._client
        if client is None:
            return False
        try:
            client.sendall(data)
        except OSError:
            return False
        return True

    def _receive(self) -> None:
        while not self._stopped:
            if _readable(self._listener):
                client, _ = self._listener.accept()
                self._serve(client)
                if self.dies and self._reset:
                    self._listener.close()
                    return

    def _serve(self, client: socket.socket) -> None:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._ready:
            self._client, self._reset = client, False
            self.connections += 1
        self._welcome()
        tail, total, heard = b"", 0, time.monotonic()
        try:
            while not (self._stopped or self._reset) and time.monotonic() - heard < self._idle_s:
                room = self._room()
                if room == 0 or not _readable(client):
                    continue
                limit = room if self.cut_at is None else min(room, self.cut_at - total)
                data = client.recv(limit) if limit > 0 else b""
                total, heard = total + len(data), time.monotonic()
                tail = self._take_in(tail, data)
                if self.cut_at is not None and total >= self.cut_at:
                    self.cut_at, self._reset = None, True
                if not data:
                    break
        except OSError:
            pass
        with self._ready:
            self._client = None
        if self._reset and not self.polite:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.close()

    def _room(self) -> int:
        with self._ready:
            if len(self._buffer) >= BUFFER:
                self._ready.wait(0.02)
            return BUFFER - len(self._buffer)

    def _work(self) -> None:
        while not self._stopped:
            with suppress(PowerCutError):
                self._command()

    def _take(self, count: int) -> bytes:
        taken = bytearray()
        with self._ready:
            generation = self._generation
            while len(taken) < count:
                if self._stopped or generation != self._generation:
                    raise PowerCutError
                if not self._buffer:
                    self._ready.wait(0.1)
                    continue
                piece = self._buffer[: count - len(taken)]
                del self._buffer[: len(piece)]
                taken += piece
                self._ready.notify_all()
        return bytes(taken)

    def _power_cut(self) -> None:
        with self._ready:
            self._buffer.clear()
            self._generation += 1
            self._reset = True
            self._forget()
            self._ready.notify_all()
        raise PowerCutError


def _readable(end: socket.socket) -> bool:
    """Whether somebody has said something at this end, within a short look."""
    waiting = select.poll()
    waiting.register(end, select.POLLIN)
    return bool(waiting.poll(20))
