"""The addresses behind a printer's name, found without waiting longer than the printer is worth."""

import socket
import threading
from concurrent.futures import Future

from printers.errors import Unreachable

Address = tuple[str, int]

#: Questions that a name server has not answered yet: each is asked by one thread, however many wait for it.
_asked: dict[Address, Future[list[Address]]] = {}
_asking = threading.Lock()


def look_up(host: str, port: int, timeout_s: float) -> list[Address]:
    """Where a name leads, in the order in which to try; raise `Unreachable` when that is not known in time.

    The system's own search knows no time limit: a name server that is away holds it for half a minute, and the time
    limit of a connection starts only afterwards. So it is asked by a thread of its own, which may be left behind.
    """
    with _asking:
        answer = _asked.get((host, port))
        if answer is None:
            answer = _asked[host, port] = Future()
            threading.Thread(target=_ask, args=(host, port, answer), daemon=True).start()
    try:
        found = answer.result(timeout_s)
    except TimeoutError as fault:
        raise Unreachable(f"no name server says in time where {host} is") from fault
    if not found:
        raise Unreachable(f"no machine has the name {host}")
    return found


def _ask(host: str, port: int, answer: Future[list[Address]]) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, ValueError):  # no such name, or no name at all
        found = []
    with _asking:  # first: whoever asks from now on gets an answer of its own
        del _asked[host, port]
    answer.set_result([(str(place[4][0]), int(place[4][1])) for place in found])
