import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from printers.__main__ import _STATES, main
from printers.draw import draw
from printers.errors import CAUSES
from printers.fake.printer import MODEL, FakePrinter
from printers.moves import State
from printers.paper import Paper
from printers.rows import Proved
from printers.settings import EXAMPLE
from printers.station.keys import make_station_key, station_id
from printers.station.spool import StationSpool

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
    make_station_key(instance / "station.key", os.urandom)
    with StationSpool(instance / "spool.sqlite") as spool:
        for name in ("labels", "tickets"):
            proved = Proved(model=MODEL, process_id=True, status=True, at=datetime.now(UTC), by="sophie")  # noqa: TID251
            spool.write_proved(name, proved)
    station = start("station", "--instance", str(instance))
    said(station, r"(prêt) : labels, tickets")
    draw(label()).save(tmp_path / "label.png")
    where = ["--instance", str(instance)]
    assert main(["test-page", "labels", *where]) == 0
    assert main(["test-page", "tickets", *where]) == 0
    for _ in range(2):
        assert main(["put", "labels", str(tmp_path / "label.png"), "--key", "affiche/1/1", *where]) == 0
    end = time.monotonic() + 10
    with StationSpool(instance / "spool.sqlite") as spool:
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
        (["fake"], "NOM=PORT"),
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


def test_a_first_station_makes_its_key_and_says_what_to_copy(tmp_path: Path, start: Start) -> None:
    (tmp_path / "printers.toml").write_text(EXAMPLE)
    key = said(start("station", "--instance", str(tmp_path)), r'station = "([0-9a-f]{128})"')
    assert str(station_id(tmp_path / "station.key")) == key


@pytest.fixture
def alone(tmp_path: Path, chance: Callable[[int], bytes]) -> Iterator[FakePrinter]:
    """A fake that an instance names `labels`, with a neighbour `second` at another desk that nobody switched on."""
    fake = FakePrinter()
    block = '[printer.{name}]\naddress = "{address}"\nmedia = "label-50x25"\ndesk = "{desk}"\n'
    (tmp_path / "printers.toml").write_text(
        block.format(name="labels", address=fake.address, desk="G1")
        + block.format(name="second", address="tcp://127.0.0.1:9", desk="G2")
    )
    make_station_key(tmp_path / "station.key", chance)
    yield fake
    fake.stop()


def test_a_printer_is_paired_at_the_keyboard(
    tmp_path: Path, alone: FakePrinter, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def hands(words: str) -> str:
        if "Ouvrez" in words:
            alone.open_cover()
        elif "Refermez" in words:
            alone.put_right()
        else:
            end = time.monotonic() + 5
            while len(alone.paper) < 3 and time.monotonic() < end:
                time.sleep(0.01)
            return alone.paper[-1].symbols[0]
        return ""

    monkeypatch.setattr("builtins.input", hands)
    assert main(["pair", "labels", "--by", "sophie", "--instance", str(tmp_path)]) == 0
    told = capsys.readouterr().out
    assert "NON" not in told
    assert MODEL in told
    with StationSpool(tmp_path / "spool.sqlite") as spool:
        proved = spool.proved("labels")
    assert proved is not None
    assert (proved.process_id, proved.by) == (True, "sophie")


def test_a_pairing_without_a_person_is_refused(
    tmp_path: Path, alone: FakePrinter, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nobody(words: str) -> str:
        raise EOFError(words)

    monkeypatch.setattr("builtins.input", nobody)
    assert main(["pair", "labels", "--by", "sophie", "--instance", str(tmp_path)]) == 1
    assert "une personne" in capsys.readouterr().err
    assert alone.model == MODEL


def test_a_person_moves_the_rest_of_a_batch(
    tmp_path: Path, alone: FakePrinter, label: Callable[..., Paper], capsys: pytest.CaptureFixture[str],
    at: datetime, chance: Callable[[int], bytes],
) -> None:  # fmt: skip
    papers = [label(f"{number:012d}") for number in (1, 2)]
    with StationSpool(tmp_path / "spool.sqlite", station_id(tmp_path / "station.key")) as spool:
        for position, paper in enumerate(papers):
            spool.put(paper, printer="labels", at=at, chance=chance, batch="b", position=position)
        where = ["--instance", str(tmp_path)]
        assert main(["move", papers[1].key, "second", *where]) == 0
        assert main(["move", "label/unknown/1", "second", *where]) == 1
        moved = [(job.kind, job.printer) for job in spool.jobs()]
    assert moved == [("label", "second"), ("label", "second"), ("header", "second")]
    assert "G2" in capsys.readouterr().out
    assert alone.paper == []


def test_the_fakes_of_a_demonstration_are_held_for_proved(tmp_path: Path, start: Start) -> None:
    (tmp_path / "printers.toml").write_text('[printer.labels]\naddress = "tcp://127.0.0.1:9"\nmedia = "label-50x25"\n')
    fake = start("fake", "--printer", "labels=0", "--page-port", "0", "--instance", str(tmp_path))
    said(fake, r"(http://localhost:\d+/)")
    with StationSpool(tmp_path / "spool.sqlite") as spool:
        assert spool.proved("labels") is None  # another address: not this fake
    port = free_port()
    (tmp_path / "printers.toml").write_text(
        f'[printer.labels]\naddress = "tcp://127.0.0.1:{port}"\nmedia = "label-50x25"\n'
    )
    fake = start("fake", "--printer", f"labels={port}", "--page-port", "0", "--instance", str(tmp_path))
    said(fake, r"(http://localhost:\d+/)")
    with StationSpool(tmp_path / "spool.sqlite") as spool:
        proved = spool.proved("labels")
    assert proved is not None
    assert (proved.model, proved.process_id, proved.by) == (MODEL, True, "démonstration")


def test_a_demonstration_zebra_is_one(tmp_path: Path, start: Start) -> None:
    port = free_port()
    (tmp_path / "printers.toml").write_text(
        f'[printer.labels]\nkind = "zpl"\naddress = "tcp://127.0.0.1:{port}"\nmedia = "label-50x25"\n'
    )
    fake = start("fake", "--zpl", f"labels={port}", "--page-port", "0", "--instance", str(tmp_path))
    said(fake, r"(http://localhost:\d+/)")
    with StationSpool(tmp_path / "spool.sqlite") as spool:
        proved = spool.proved("labels")
    assert proved is not None
    assert (proved.process_id, proved.z64) == (False, True)


def test_an_a4_page_comes_out_of_a_demonstration_office(
    tmp_path: Path, start: Start, capfd: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    (tmp_path / "printers.toml").write_text(
        f'[printer.office]\nkind = "ipp"\naddress = "ipp://127.0.0.1:{port}/ipp/print"\nmedia = "a4"\n'
    )
    said(start("fake", "--ipp", f"office={port}", "--page-port", "0", "--instance", str(tmp_path)), r"(http://\S+)")
    make_station_key(tmp_path / "station.key", os.urandom)
    said(start("station", "--instance", str(tmp_path)), r"(prêt : office)")
    assert main(["test-page", "office", "--instance", str(tmp_path)]) == 0
    end = time.monotonic() + 30
    while "sortie" not in capfd.readouterr().out:
        assert time.monotonic() < end
        time.sleep(0.1)
        main(["jobs", "--instance", str(tmp_path)])
    assert main(["fingerprint", f"ipp://127.0.0.1:{port}"]) == 1
    assert "ipps://" in capfd.readouterr().err
    picture = tmp_path / "x.png"
    Image.new("1", (8, 8)).save(picture)
    assert main(["put", "office", str(picture), "--key", "x/1", "--instance", str(tmp_path)]) == 1


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def test_every_state_has_its_words() -> None:
    assert set(_STATES) == set(State)
    assert {"age", "paper-out", "expired", "secret lost"} <= set(CAUSES)
