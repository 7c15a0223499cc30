import os
import re
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from printers.__main__ import _CAUSES, _STATES, main
from printers.draw import draw
from printers.moves import State
from printers.paper import Paper
from printers.settings import EXAMPLE
from printers.spool import Spool
from printers.station.keys import make_station_key, station_id

HOUSE = Path(__file__).resolve().parents[2]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    children: list[subprocess.Popen[str]] = []

    def run(*words: str) -> "subprocess.Popen[str]":
        children.append(
            subprocess.Popen(
                [sys.executable, "-m", "printers", *words],
                cwd=HOUSE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONUNBUFFERED": "1"},
            )
        )
        return children[-1]

    yield run
    for child in children:
        child.send_signal(signal.SIGTERM)
        child.communicate(timeout=15)


def said(child: "subprocess.Popen[str]", pattern: str) -> str:
    assert child.stdout is not None
    for line in child.stdout:
        if found := re.search(pattern, line):
            return found[1]
    raise AssertionError(child.communicate())


def test_a_newcomer_sees_a_test_page_come_out(
    tmp_path: Path, start: Start, capfd: pytest.CaptureFixture[str], label: Callable[..., Paper]
) -> None:
    out, instance = tmp_path / "out", tmp_path / "instance"
    instance.mkdir()
    fake = start("fake", "--printer", "labels=0", "--printer", "tickets=0", "--page-port", "0", "--out", str(out))
    labels = said(fake, r"labels : (tcp://\S+)")
    tickets = said(fake, r"tickets : (tcp://\S+)")
    page = said(fake, r"(http://localhost:\d+/)")
    (instance / "printers.toml").write_text(
        f'[printer.labels]\naddress = "{labels}"\nmedia = "label-50x25"\n'
        f'[printer.tickets]\naddress = "{tickets}"\nmedia = "roll-80"\n'
    )
    station = start("station", "--instance", str(instance))
    key = said(station, r'station = "([0-9a-f]{128})"')
    said(station, r"(prêt) : labels, tickets")
    assert str(station_id(instance / "station.key")) == key
    draw(label()).save(tmp_path / "label.png")
    where = ["--instance", str(instance)]
    assert main(["test-page", "labels", *where]) == 0
    assert main(["test-page", "tickets", *where]) == 0
    for _ in range(2):
        assert main(["put", "labels", str(tmp_path / "label.png"), "--key", "affiche/1/1", *where]) == 0
    end = time.monotonic() + 10
    with Spool(instance / "spool.sqlite") as spool:
        while len(spool.jobs([State.CONFIRMED])) < 3:
            assert time.monotonic() < end, spool.jobs()
            time.sleep(0.05)
    assert sorted(path.name for path in out.iterdir()) == ["labels-0001.png", "labels-0002.png", "tickets-0001.png"]
    with urllib.request.urlopen(page, timeout=5) as answer:  # noqa: S310 - our own page
        assert "/paper/labels/2" in answer.read().decode()
    capfd.readouterr()
    assert main(["jobs", *where]) == 0
    told = capfd.readouterr().out
    assert "affiche/1/1" in told
    assert "labels : prête" in told
    second = start("station", "--instance", str(instance))
    assert second.wait(10) == 1
    assert second.stderr is not None
    assert "Un seul suffit" in second.stderr.read()
    station.send_signal(signal.SIGTERM)
    assert station.wait(10) == 0
    fake.send_signal(signal.SIGTERM)
    assert fake.wait(10) == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["jobs"], "pas encore de file"),
        (["station"], "printers.toml"),
        (["test-page", "labels"], "printers.toml"),
        (["fake", "--printer", "labels"], "NOM=PORT"),
        (["fake", "--printer", "labels=99999"], "NOM=PORT"),
    ],
)
def test_faults_are_told_in_words(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: list[str], told: str
) -> None:
    where = [] if words[0] == "fake" else ["--instance", str(tmp_path)]
    before = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)]
    try:
        assert main([*words, *where]) == 1
    finally:
        for number, handler in zip((signal.SIGTERM, signal.SIGINT), before, strict=True):
            signal.signal(number, handler)
    shown = capsys.readouterr().err
    assert told in shown
    assert "Traceback" not in shown


def test_what_is_no_picture_and_who_is_no_printer_are_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], chance: Callable[[int], bytes]
) -> None:
    (tmp_path / "printers.toml").write_text(EXAMPLE)
    make_station_key(tmp_path / "station.key", chance)
    (tmp_path / "x.png").write_text("no picture")
    where = ["--key", "a/1", "--instance", str(tmp_path)]
    assert main(["put", "labels", str(tmp_path / "x.png"), *where]) == 1
    assert main(["put", "labels", str(tmp_path / "missing.png"), *where]) == 1
    assert main(["put", "plotter", str(tmp_path / "x.png"), *where]) == 1
    told = capsys.readouterr().err
    assert "n'est pas une image" in told
    assert "missing.png" in told
    assert "labels, tickets, slips" in told


def test_every_state_has_its_words() -> None:
    assert set(_STATES) == set(State)
    assert {"age", "paper-out", "expired", "secret lost"} <= set(_CAUSES)
