"""What gunicorn is told of the house: when a worker is to stop, its streams take their leave first."""

import signal
from types import FrameType
from typing import Any


def post_worker_init(worker: Any) -> None:
    """Chain the worker's own answer to SIGTERM behind the end of its streams, which would else last out its patience.

    Args:
        worker: gunicorn's; it calls this once, on its main thread, when the app is loaded.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        if (watch := worker.wsgi.extensions.get("live")) is not None:
            watch.end()
        worker.handle_exit(number, frame)

    signal.signal(signal.SIGTERM, stop)
