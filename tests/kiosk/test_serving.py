"""What gunicorn is told: threads for every screen that may listen, and some that no screen may take."""

import signal
from types import SimpleNamespace

import pytest
from flask import Flask

from kiosk.serving import SPARE, post_worker_init, threads_for


@pytest.mark.parametrize(("screens", "threads"), [(0, 64), (48, 64), (49, 65), (200, 216), (240, 256), (900, 256)])
def test_every_paired_screen_has_a_thread_up_to_a_limit(screens: int, threads: int) -> None:
    assert threads_for(screens) == threads
    assert SPARE == 16


def test_streams_stop_before_the_last_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    app = Flask("any")
    post_worker_init(SimpleNamespace(wsgi=app, cfg=SimpleNamespace(threads=216), handle_exit=None))
    assert app.config["STREAMS"] == 200
