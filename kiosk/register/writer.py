"""One writer at a time for each file, in turn, with a deadline."""

import fcntl
import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kiosk.register.errors import Later


class NotReentrantError(RuntimeError):
    """A thread that already writes asked for its turn again; it would wait for itself."""


class Turn:
    """A fair queue of this process's threads in front of one lock file shared by all programmes.

    SQLite's own waiting is unfair: a writer among eight was seen to starve for seconds. Here writers go first
    come, first served inside a process, and the head of the queue asks the lock file every millisecond.
    """

    def __init__(self, path: Path, *, deadline: float = 5.0) -> None:
        self._path = path
        self._deadline = deadline
        self._gate = threading.Lock()
        self._queue: deque[threading.Event] = deque()
        self._holder: int | None = None
        self._descriptor: int | None = None
        self._opened_by: int | None = None

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold the turn for one transaction.

        Raises:
            Later: after `deadline` seconds of waiting.
            NotReentrantError: when this thread already holds it.
        """
        if self._holder == threading.get_ident():
            raise NotReentrantError
        until = time.monotonic() + self._deadline
        self._join(until)
        try:
            self._lock(until)
            self._holder = threading.get_ident()
            try:
                yield
            finally:
                self._holder = None
                fcntl.flock(self._file(), fcntl.LOCK_UN)
        finally:
            self._leave()

    def _join(self, until: float) -> None:
        mine = threading.Event()
        with self._gate:
            self._queue.append(mine)
            if self._queue[0] is mine:
                mine.set()
        if mine.wait(until - time.monotonic()):
            return
        with self._gate:
            # The turn may have come between the time-out and this line: then it is passed on.
            first = self._queue[0] is mine
            self._queue.remove(mine)
            if first and self._queue:
                self._queue[0].set()
        raise Later

    def _leave(self) -> None:
        with self._gate:
            self._queue.popleft()
            if self._queue:
                self._queue[0].set()

    def _lock(self, until: float) -> None:
        while True:
            try:
                fcntl.flock(self._file(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    raise Later from None
                time.sleep(0.001)
            else:
                return

    def _file(self) -> int:
        # Opened after the fork: a descriptor shared with a parent would let both "hold" the lock.
        if self._descriptor is None or self._opened_by != os.getpid():
            if self._descriptor is not None:
                os.close(self._descriptor)
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
            self._opened_by = os.getpid()
        return self._descriptor
