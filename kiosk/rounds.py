"""What an app does again and again beside its requests: paper that is owed, proofs that came late."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

log = logging.getLogger("etiquette")


@dataclass(frozen=True, kw_only=True)
class Round:
    """One thing to do every so many seconds; doing it twice must do no harm."""

    name: str
    seconds: float
    go: Callable[[], object]
    #: For each second of the processor that it took, so many it rests: whoever asks for a page meanwhile comes first.
    rests: float = 0.0

    def pause(self, spent: float) -> float:
        """Seconds until it goes again, when it has just taken so many of the processor."""
        return max(self.seconds, self.rests * spent)


def start_rounds(rounds: Sequence[Round]) -> threading.Event:
    """Go the rounds in a thread of their own, the first time at once; the event that is returned ends them."""
    stop = threading.Event()
    threading.Thread(target=_go, args=(tuple(rounds), stop), name="rounds", daemon=True).start()
    return stop


def _go(rounds: Sequence[Round], stop: threading.Event) -> None:
    due = [0.0] * len(rounds)
    while not stop.is_set():
        for place, one in enumerate(rounds):
            if time.monotonic() < due[place]:
                continue
            before = time.thread_time()
            try:
                one.go()
            except Exception as error:  # noqa: BLE001  # a round that fails today is gone again in a moment
                trace = error.__traceback__
                while trace is not None and trace.tb_next is not None:
                    trace = trace.tb_next
                where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"
                # The kind and the place, never the message: it may hold a name or a value.
                log.error("round %s: %s at %s", one.name, type(error).__name__, where)  # noqa: TRY400
            due[place] = time.monotonic() + one.pause(time.thread_time() - before)
        stop.wait(0.2)
