"""What gunicorn is told of the house: how many screens may listen, and that they take their leave before a stop."""

import signal
from types import FrameType
from typing import Any, Final

#: Threads that no stream may take: a check-in never waits for a display.
SPARE: Final = 16
#: Threads of a programme: a screen that listens holds one as long as it does.
FEWEST, MOST = 64, 256


def threads_for(screens: int) -> int:
    """How many threads a programme needs so that so many screens can all listen."""
    return min(max(screens + SPARE, FEWEST), MOST)


def post_worker_init(worker: Any) -> None:
    """Say how many streams may be open, and chain the worker's own answer to SIGTERM behind the end of its streams.

    They would else last out its patience.

    Args:
        worker: gunicorn's; it calls this once, on its main thread, when the app is loaded.
    """
    worker.wsgi.config["STREAMS"] = worker.cfg.threads - SPARE

    def stop(number: int, frame: FrameType | None) -> None:
        if (watch := worker.wsgi.extensions.get("live")) is not None:
            watch.end()
        worker.handle_exit(number, frame)

    signal.signal(signal.SIGTERM, stop)
