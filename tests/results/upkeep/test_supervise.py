"""Programmes are started, restarted and stopped as a laboratory needs it."""

import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from results.upkeep.supervise import PortTaken, Programme, programmes, refuse_taken_ports, supervise


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def test_a_dead_programme_comes_back_and_all_stop_at_the_end(tmp_path: Path) -> None:
    marks = tmp_path / "started"
    marks.touch()
    code = f"import os,time; open({str(marks)!r}, 'a').write(str(os.getpid()) + '\\n'); time.sleep(600)"
    stop = threading.Event()
    said: list[str] = []
    one = Programme(name="essai", command=(sys.executable, "-c", code))
    thread = threading.Thread(target=supervise, args=([one],), kwargs={"say": said.append, "stop": stop})
    thread.start()
    try:
        until(lambda: len(marks.read_text().split()) == 1)
        os.kill(int(marks.read_text().split()[0]), signal.SIGKILL)
        until(lambda: len(marks.read_text().split()) == 2)
    finally:
        stop.set()
        thread.join(20)
    second = int(marks.read_text().split()[1])
    with pytest.raises(ProcessLookupError):
        os.kill(second, 0)
    assert "essai" in said[0]
    assert "repart" in said[0]


def test_a_taken_port_is_said_with_its_number_before_anything_starts() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=str(port)):
            refuse_taken_ports([Programme(name="essai", command=("true",), port=port)])


def test_paired_screens_and_computers_all_find_a_thread() -> None:
    def threads(**paired: int) -> list[str]:
        made = programmes(Path("nowhere"), public_port=1, staff_port=2, **paired)
        return [one.command[one.command.index("--threads") + 1] for one in made if "--threads" in one.command]

    assert threads() == ["64", "64"]
    assert threads(screens=200, pcs=60) == ["216", "76"]
