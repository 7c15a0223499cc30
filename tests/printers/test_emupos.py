"""Our ESC/POS is read by an emulator that is not ours, which draws the same dots and tells the same states."""

import base64
import json
import os
import random
import re
import socket
import string
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image

from printers import code128, encode
from printers.draw import draw
from printers.fake.printer import FakePrinter
from printers.paper import LABEL_50X25, Barcode, Cut, Paper, Qr
from printers.station.replies import Other, Replies, Status, Told, near_end, readiness

MakeLabel = Callable[..., Paper]
Steps = list[list[str]]
#: The emulator, and of its libraries those that drawing needs; the others are in the test environment already.
EMULATOR = ("emupos==0.4.0", "pydantic==2.14.3", "pydantic-core==2.50.4", "annotated-types==0.8.0",
            "typing-inspection==0.4.5", "segno==1.6.6")  # fmt: skip
NEXT_LABEL, PROCESS_ID = "1c 28 4c 02 00 42 31", "1d 28 48 06 00 30 30 30 30 30 31"
SIDE = Path(__file__).parent / "emupos_side.py"


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What came of one job: bytes said and papers out after each step, commands skipped, pictures."""

    said: list[bytes]
    drawn: list[int]
    unknown: list[str]
    papers: list[Image.Image]

    @property
    def symbols(self) -> list[list[str]]:
        return [sorted(symbol.text for symbol in zxingcpp.read_barcodes(paper)) for paper in self.papers]


Emulate = Callable[[list[Steps]], list[Seen]]


def reads_as_older_python(folder: Path) -> None:
    """The emulator is written for a newer Python; of what is new only its names for types keep an older one away."""
    for file in folder.rglob("*.py"):
        text = file.read_text(encoding="utf-8")
        text = re.sub(r"(?m)^type (\w+) =", r"\1 =", text)
        text = re.sub(r"(?m)^def (\w+)\[T\]\(", r'T = __import__("typing").TypeVar("T")\n\n\ndef \1(', text)
        file.write_text(text, encoding="utf-8")


@pytest.fixture(scope="session")
def emulator() -> Path:
    """The emulator in a folder of the test environment, fetched once; without a registry its tests are skipped."""
    folder = Path(sys.prefix) / "oracles" / EMULATOR[0]
    if folder.is_dir():
        return folder
    folder.parent.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as born:
        fetch = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-compile",
                 "--ignore-requires-python", "--only-binary=:all:", "--target", f"{born}/whole"]  # fmt: skip
        try:
            done = subprocess.run([sys.executable, *fetch, *EMULATOR], check=False, capture_output=True, timeout=120)
        except subprocess.TimeoutExpired:
            pytest.skip("the Python registry does not answer: the independent ESC/POS emulator cannot be fetched")
        if done.returncode:
            pytest.skip("the Python registry is not reachable: the independent ESC/POS emulator cannot be fetched")
        reads_as_older_python(Path(born) / "whole" / "emupos")
        (Path(born) / "whole").rename(folder)
    return folder


@pytest.fixture
def emulate(emulator: Path, tmp_path: Path) -> Emulate:
    def run(jobs: list[Steps]) -> list[Seen]:
        done = subprocess.run(
            [sys.executable, str(SIDE), str(tmp_path)], input=json.dumps(jobs), text=True, check=True, timeout=120,
            stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(emulator)},
        )  # fmt: skip
        return [
            Seen(
                said=[base64.b64decode(told) for told in one["said"]],
                drawn=one["drawn"],
                unknown=one["unknown"],
                papers=[Image.open(tmp_path / paper).convert("L") for paper in one["papers"]],
            )
            for one in json.loads(done.stdout)
        ]

    return run


def send(data: bytes) -> list[str]:
    return ["send", base64.b64encode(data).decode()]


def job(paper: Paper) -> bytes:
    cut = isinstance(paper.items[-1], Cut)
    return encode.escpos(draw(paper), paper.form, cut=cut) + encode.ask_process_id(b"0001")


def test_labels_are_drawn_dot_by_dot_and_decode_to_their_number_alone(emulate: Emulate, label: MakeLabel) -> None:
    chosen = random.Random(6)
    papers = []
    for _ in range(60):
        name = "".join(chosen.choices(string.ascii_uppercase + "ÉÈÀÇ' -", k=chosen.randint(3, 30))).strip() or "X"
        papers.append(label("".join(chosen.choices(string.digits, k=12)), name=name, urgent=chosen.random() < 0.5))
    for paper, seen in zip(papers, emulate([[send(job(paper))] for paper in papers]), strict=True):
        assert seen.symbols == [paper.symbols()]
        (drawn,) = seen.papers
        assert drawn.crop((0, 0, 400, 200)).convert("1", dither=Image.Dither.NONE).tobytes() == draw(paper).tobytes()
        # It knows neither label feed nor process ID, and skips exactly these two commands.
        assert seen.unknown == [NEXT_LABEL, PROCESS_ID]


def test_a_ticket_of_several_fragments_is_one_paper_without_a_seam(emulate: Emulate, ticket: Paper) -> None:
    (seen,) = emulate([[send(job(ticket))]])
    assert seen.symbols == [ticket.symbols()]
    right = draw(ticket)
    assert right.height > encode.FRAGMENT_ROWS
    drawn = seen.papers[0].crop((0, 0, *right.size)).convert("1", dither=Image.Dither.NONE)
    assert drawn.tobytes() == right.tobytes()
    assert seen.unknown == [PROCESS_ID]
    assert seen.drawn[0] == 1  # cut by the job itself, not by the end of the connection


def test_every_split_of_a_label_is_the_same_label(emulate: Emulate, label: MakeLabel) -> None:
    data = job(label())
    places = [1, 2, 3, 9, 10, 11, 5_000, 10_010, 10_011, 10_017, 10_018, 10_027]
    whole, *parts = emulate([[send(data)], *([send(data[:place]), send(data[place:])] for place in places)])
    for place, part in zip(places, parts, strict=True):
        assert part.papers[0].tobytes() == whole.papers[0].tobytes(), place
        assert part.unknown == whole.unknown, place


def test_bars_drawn_by_a_printers_own_command_are_our_bars(emulate: Emulate) -> None:
    chosen = random.Random(8)
    codes = ["".join(chosen.choices(string.digits, k=12)) for _ in range(40)] + ["999999999999", "000000000000"]
    jobs = []
    for digits in codes:
        pairs = bytes(int(digits[place : place + 2]) for place in range(0, 12, 2))
        native = b"\x1b@\x1dw\x02\x1dh\x3c\x1dH\x00\x1dk\x49" + bytes((len(pairs) + 2,)) + b"{C" + pairs
        jobs.append([send(native + encode.CUT)])
    for digits, seen in zip(codes, emulate(jobs), strict=True):
        assert seen.unknown == []
        ours = Image.new("L", (Barcode(digits=digits).width, 60), 255)
        for place, width in code128.bars(digits):
            ours.paste(0, (2 * place, 0, 2 * (place + width), 60))
        theirs = seen.papers[0].crop((0, 0, *ours.size))
        assert theirs.tobytes() == ours.tobytes(), digits
        assert seen.papers[0].crop((ours.width, 0, 576, 60)).getextrema() == (255, 255)


def test_a_qr_code_of_the_printers_own_says_what_ours_says(emulate: Emulate) -> None:
    data = b"ETQ1 26325 0042"
    native = b"\x1b@"
    for function in (b"1A2\x00", b"1C\x06", b"1E1", b"1P0" + data, b"1Q0"):
        native += b"\x1d(k" + len(function).to_bytes(2, "little") + function
    form = LABEL_50X25
    ours = Paper(kind="qr", form=type(form)(width_mm=72, height_mm=None, gap_mm=0), key="qr/1/1",
                 items=(Qr(data=data.decode(), module_dots=6), Cut()))  # fmt: skip
    theirs, drawn = emulate([[send(native + encode.CUT)], [send(job(ours))]])
    assert theirs.symbols == drawn.symbols == [[data.decode()]]


def test_a_stream_cut_anywhere_is_led_out_and_the_next_label_stands_alone(emulate: Emulate, label: MakeLabel) -> None:
    data, after = job(label()), job(label("263250100022"))
    whole = draw(label("263250100022")).tobytes()

    def stands_alone(seen: Seen) -> bool:
        drawn = seen.papers[-1].convert("1", dither=Image.Dither.NONE)
        return drawn.crop((0, drawn.height - 200, 400, drawn.height)).tobytes() == whole

    lead = encode.resynchronise(LABEL_50X25)
    places = [1, 3, 9, 10, 11, 5_000, 9_999, 10_009, 10_010]
    led_out = emulate([[send(data[:place] + lead + after)] for place in places])
    assert [place for place, seen in zip(places, led_out, strict=True) if not stands_alone(seen)] == []
    # The control: without the lead-out the next label falls into the raster that was cut.
    swallowed = emulate([[send(data[:place] + after)] for place in (11, 5_000)])
    assert not any(stands_alone(seen) for seen in swallowed)


@pytest.mark.parametrize(
    ("fault", "cause"), [("paper-out", "paper-out"), ("cover-open", "cover-open"), ("offline", "offline")]
)
def test_its_states_are_ours(emulate: Emulate, fault: str, cause: str) -> None:
    asked: Steps = [send(request) for request in encode.STATUS_REQUESTS]
    (seen,) = emulate([[*asked, ["fault", fault], *asked, ["clear", fault], *asked]])
    told = [Replies().feed(said)[0].byte for said in seen.said if said]  # type: ignore[union-attr]
    assert len(told) == 12
    one, two, three = (tuple(told[place : place + 4]) for place in (0, 4, 8))
    assert [readiness(answers).cause for answers in (one, two, three)] == ["", cause, ""]  # type: ignore[arg-type]


def test_a_roll_that_ends_soon_is_heard_and_prints(emulate: Emulate, label: MakeLabel) -> None:
    asked: Steps = [send(request) for request in encode.STATUS_REQUESTS]
    (seen,) = emulate([[["fault", "paper-near-end"], *asked, send(job(label()))]])
    answers = tuple(Replies().feed(said)[0].byte for said in seen.said if said)  # type: ignore[union-attr]
    assert near_end(answers)  # type: ignore[arg-type]
    assert readiness(answers).ready  # type: ignore[arg-type]
    assert seen.symbols == [["263250100014"]]


def test_what_it_says_of_itself_and_unasked_is_understood(emulate: Emulate) -> None:
    (seen,) = emulate([[send(encode.ASK_MODEL), send(b"\x1da\xff"), ["fault", "cover-open"], send(b"\x10\x04\x02")]])
    replies = Replies()
    replies.expects_text = True
    assert replies.feed(seen.said[0]) == [Told(text="TM-T20III")]
    replies.expects_text = False
    automatic = [Other(what="automatic status")]
    assert [replies.feed(said) for said in seen.said[1:3]] == [automatic, automatic]
    assert replies.feed(seen.said[3]) == [Status(byte=0x16)]
    assert replies.noise == 0


def test_paper_that_ends_in_mid_label_keeps_it_also_for_a_client_that_is_gone(
    emulate: Emulate, label: MakeLabel
) -> None:
    data = job(label())
    out, back, leave = ["fault", "paper-out"], ["clear", "paper-out"], ["leave", ""]
    here, gone = emulate(
        [
            [send(data[:5_000]), out, send(data[5_000:]), back],
            [out, send(data), leave, back],
        ]
    )
    assert here.symbols == gone.symbols == [["263250100014"]]
    assert here.drawn[2] == gone.drawn[2] == 0


GESTURES = {"paper-out": FakePrinter.run_out, "cover-open": FakePrinter.open_cover,
            "paper-near-end": FakePrinter.nearly_end}  # fmt: skip


def test_our_fake_says_and_draws_the_same(emulate: Emulate, label: MakeLabel, ticket: Paper) -> None:
    """A fake by the hand that wrote the station repeats its mistakes: here another hand answers the same bytes."""
    questions = [*encode.STATUS_REQUESTS, b"\x1da\xff", b"\x1b@"]
    jobs: list[Steps] = [[send(job(label()))], [send(job(ticket))]]
    jobs += [[["fault", fault], *map(send, questions)] for fault in GESTURES]
    theirs = emulate(jobs)
    for paper, seen in zip((label(), ticket), theirs, strict=False):
        fake = FakePrinter()
        try:
            with closing(socket.create_connection(("127.0.0.1", fake.port), timeout=3)) as client:
                client.sendall(job(paper))
                assert client.recv(7) == b'7"0001\x00'
            drawn = seen.papers[0].crop((0, 0, paper.form.width, fake.paper[0].image.height))
            assert drawn.convert("1", dither=Image.Dither.NONE).tobytes() == fake.paper[0].image.tobytes()
        finally:
            fake.stop()
    for gesture, seen in zip(GESTURES.values(), theirs[2:], strict=True):
        fake = FakePrinter()
        gesture(fake)
        try:
            with closing(socket.create_connection(("127.0.0.1", fake.port), timeout=3)) as client:
                for question, said in zip(questions, seen.said[1:], strict=False):
                    client.sendall(question)
                    if question == b"\x1da\xff" and not said:
                        continue  # theirs holds this question back until paper is there
                    assert said == b"" or client.recv(8) == said, (gesture, question)
        finally:
            fake.stop()
