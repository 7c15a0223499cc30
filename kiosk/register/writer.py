"""One writer at a time for each file, in turn, with a deadline."""

import fcntl
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from kiosk.register.errors import Later


class NotReentrantError(RuntimeError):
    """A thread that already writes asked for its turn again; it would wait for itself."""


class Turn:
    """A fair queue of this process's threads in front of two lock files shared by all programmes.

    SQLite's own waiting is unfair: a writer among eight was seen to starve for seconds. Here writers go first
    come, first served inside a process, and the head of the queue asks every millisecond. Who holds the first file
    is the next to write, who holds the second writes: a programme that writes without a pause must queue for the
    first one behind the programme that already waits with it. With one file, such a programme was seen to keep
    another out for five seconds.
    """

    def __init__(self, path: Path, *, deadline: float = 5.0) -> None:
        self._paths = {"next": path, "write": path.with_name(path.name + ".write")}
        self._deadline = deadline
        self._gate = threading.Lock()
        self._queue: deque[threading.Event] = deque()
        self._holder: int | None = None
        self._descriptors: dict[str, int] = {}
        _TURNS.add(self)

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
            self._lock("next", until)
            try:
                self._lock("write", until)
            finally:
                self._unlock("next")
            self._holder = threading.get_ident()
            try:
                yield
            finally:
                self._holder = None
                self._unlock("write")
        finally:
            self._leave()

    def close(self) -> None:
        """Close the lock files; the next writer opens them again."""
        while self._descriptors:
            os.close(self._descriptors.popitem()[1])

    def begin_anew(self) -> None:
        """Forget, in a forked child, what the parent holds.

        A descriptor shared with the parent would let both "hold" the lock, and the parent's threads, which stand in
        the copied queue, do not live here.
        """
        self.close()
        self._holder = None
        self._gate = threading.Lock()
        self._queue = deque()

    def _join(self, until: float) -> None:
        mine = threading.Event()
        with self._gate:
            self._queue.append(mine)
            if self._queue[0] is mine:
                return
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

    def _lock(self, name: str, until: float) -> None:
        while True:
            try:
                fcntl.flock(self._file(name), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > until:
                    raise Later from None
                time.sleep(0.001)
            else:
                return

    def _unlock(self, name: str) -> None:
        fcntl.flock(self._file(name), fcntl.LOCK_UN)

    def _file(self, name: str) -> int:
        if name not in self._descriptors:
            self._descriptors[name] = os.open(self._paths[name], os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o660)
        return self._descriptors[name]


#: Every turn of this process, kept only as long as its database.
_TURNS: weakref.WeakSet[Turn] = weakref.WeakSet()


def _begin_anew() -> None:
    for turn in list(_TURNS):
        turn.begin_anew()


os.register_at_fork(after_in_child=_begin_anew)
