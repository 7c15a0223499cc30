"""The promise of the station: never silently lost, never printed twice by a machine, whatever the printer does."""

import json
import random
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from printers import encode
from printers.draw import draw
from printers.fake.printer import FakePrinter, Faults
from printers.moves import State, Verb
from printers.paper import LABEL_50X25, Paper
from printers.rows import Job
from tests.thorough import far

if TYPE_CHECKING:
    Room = Any

MakeLabel = Callable[..., Paper]
LABELS = 400
BAD_LUCK = Faults(reset_before=0.03, reset_after=0.03, lost_reply=0.02)


@dataclass(frozen=True)
class Truth:
    """What the spool believes against what is on paper."""

    lost: int
    twice: int
    unsure: int


def digits_of(job: Job) -> str:
    return job.key.split("/")[1]


def judged(believed: set[str], fake: FakePrinter, unsure: int) -> Truth:
    on_paper = Counter(symbol for paper in fake.paper for symbol in paper.symbols)
    lost = sum(1 for digits in believed if digits not in on_paper)
    return Truth(lost=lost, twice=sum(1 for count in on_paper.values() if count > 1), unsure=unsure)


@pytest.mark.parametrize("seed", range(1, far(2, 20) + 1))
def test_nothing_is_silently_lost_and_nothing_printed_twice(
    room: "Room", label: MakeLabel, chance: Callable[[int], bytes], seed: int
) -> None:
    fake = room.fake(faults=BAD_LUCK, seed=seed)
    numbers = [f"{number:012d}" for number in range(LABELS)]
    for digits in numbers:
        room.spool.put(label(digits), printer="labels", at=room.at, chance=chance)
    worker = room.worker(fake.address, LABEL_50X25)
    room.work(worker, room.finished, seconds=100)
    states = Counter(room.states().values())
    believed = {digits_of(job) for job in room.spool.jobs([State.CONFIRMED])}
    truth = judged(believed, fake, states[State.UNSURE])
    print(seed, states, truth)
    assert (truth.lost, truth.twice) == (0, 0)
    assert set(states) <= {State.CONFIRMED, State.UNSURE}
    assert states.total() == LABELS
    assert 0 < states[State.UNSURE] <= LABELS * 15 // 100
    while unsure := room.spool.jobs([State.UNSURE]):  # a person scans what is on paper, and reprints the rest
        on_paper = {symbol for paper in fake.paper for symbol in paper.symbols}
        for job in unsure:
            seen = digits_of(job) in on_paper
            room.spool.move(job.key, Verb.CONFIRM if seen else Verb.DISOWN, by="sophie", at=room.at)
            if not seen:
                again = label(digits_of(job), copy=int(job.key.split("/")[2]) + 1)
                room.spool.put(again, printer="labels", at=room.at, chance=chance)
        room.work(worker, room.finished, seconds=20)
    assert {digits_of(job) for job in room.spool.jobs([State.CONFIRMED])} == set(numbers)
    printed = Counter(paper.image.tobytes() for paper in fake.paper)
    assert max(printed.values()) == 1  # a second paper of a number says which copy it is
    reprinted = [job for job in room.spool.jobs([State.CONFIRMED]) if not job.key.endswith("/1")]
    for job in reprinted:
        assert printed[draw(label(digits_of(job), copy=int(job.key.split("/")[2]))).tobytes()] == 1
    assert {paper.symbols[0] for paper in fake.paper} == set(numbers)


def retry_on_exception(fake: FakePrinter, papers: list[Paper], pause_s: float = 0.0) -> set[str]:
    """What most programmes do: send, take a write that returned for paper, connect and send again on an error."""
    believed: set[str] = set()
    link = socket.create_connection(("127.0.0.1", fake.port))
    for paper in papers:
        data = encode.escpos(draw(paper), paper.form)
        while paper.symbols()[0] not in believed:
            try:
                link.sendall(data)
                believed.add(paper.symbols()[0])
            except OSError:
                link.close()
                link = socket.create_connection(("127.0.0.1", fake.port))
            time.sleep(pause_s)
    with closing(link), suppress(OSError):  # the last reset may come now
        link.shutdown(socket.SHUT_WR)
    return believed


def retry_with_pauses(fake: FakePrinter, papers: list[Paper]) -> set[str]:
    """The same with a pause after each label: an error has more time to be seen, which is not enough."""
    return retry_on_exception(fake, papers, 0.01)


def send_and_forget(fake: FakePrinter, papers: list[Paper]) -> set[str]:
    """A connection for each label, closed when all is written; what fails to be written is known to have failed."""
    believed: set[str] = set()
    for paper in papers:
        with closing(socket.create_connection(("127.0.0.1", fake.port))) as link, suppress(OSError):
            link.sendall(encode.escpos(draw(paper), paper.form))
            link.shutdown(socket.SHUT_WR)
            believed.add(paper.symbols()[0])
    return believed


def resend_the_unsure(fake: FakePrinter, papers: list[Paper]) -> set[str]:
    """Waiting for the ID, but letting the machine print again what it is unsure of."""
    believed: set[str] = set()
    for number, paper in enumerate(papers):
        pid = f"{number:04d}".encode()
        data = encode.escpos(draw(paper), paper.form) + encode.ask_process_id(pid)
        while paper.symbols()[0] not in believed:
            with closing(socket.create_connection(("127.0.0.1", fake.port))) as link:
                link.settimeout(0.3)
                try:
                    link.sendall(data)
                    if link.recv(7)[2:6] == pid:
                        believed.add(paper.symbols()[0])
                except OSError:
                    continue
    return believed


@pytest.mark.parametrize("seed", range(1, far(1, 5) + 1))
@pytest.mark.parametrize(
    ("policy", "loses"),
    [(retry_on_exception, True), (retry_with_pauses, True), (send_and_forget, True), (resend_the_unsure, False)],
)
def test_the_same_bad_luck_does_harm_to_other_ways(
    room: "Room", label: MakeLabel, policy: Any, seed: int, *, loses: bool
) -> None:
    fake = room.fake(faults=BAD_LUCK, seed=seed)
    believed = policy(fake, [label(f"{number:012d}") for number in range(far(150, LABELS))])
    last = -1
    while last != len(fake.paper):  # what is still in its memory comes out
        last = len(fake.paper)
        time.sleep(0.2)
    truth = judged(believed, fake, 0)
    print(policy.__name__, seed, len(believed), truth)
    assert truth.lost > 0 if loses else truth.twice > 0


CUT_AT = sorted(
    {*range(1, 10_000 + 10_062, far(997, 97)), *(12, 13, 14, 22, 23)}  # status, reset, raster header
    | {place + near for place in (10_028 + 2, 10_028 + 10, 20_066 - 22, 20_066 - 11, 20_066) for near in (-1, 0, 1)}
)


@pytest.mark.timeout(900)
def test_a_cable_cut_at_any_byte_loses_nothing(room: "Room", label: MakeLabel, chance: Callable[[int], bytes]) -> None:
    for place in CUT_AT:
        fake = room.fake(cut_at=place, polite=bool(place % 2))  # a cut cable, or a printer that hangs up
        papers = [label(f"{place:06d}{number:06d}") for number in range(2)]
        for paper in papers:
            room.spool.put(paper, printer=f"p{place}", at=room.at, chance=chance)
        worker = room.worker(fake.address, LABEL_50X25, name=f"p{place}")
        room.work(worker, room.finished)
        worker.hang_up()
        fake.stop()
        on_paper = Counter(symbol for paper in fake.paper for symbol in paper.symbols)
        states = [room.states()[paper.key] for paper in papers]
        assert set(states) <= {State.CONFIRMED, State.UNSURE}, place
        for paper, state in zip(papers, states, strict=True):
            count = on_paper[paper.symbols()[0]]
            assert count == 1 if state is State.CONFIRMED else count <= 1, (place, state, on_paper)
        assert State.CONFIRMED in states, place


C, U = State.CONFIRMED, State.UNSURE
#: Where the station dies, at which turn, which of three labels it strikes, and what that one must be afterwards.
POINTS = [
    ("before the start is committed", 1, 0, C),
    ("the start is written and not committed", 1, 0, C),
    ("after the start is committed", 1, 0, C),
    ("before a beat is committed", 1, 0, U),  # by then a label may be on its way
    ("a beat is written and not committed", 2, 0, U),
    ("job chosen", 1, 0, C),
    ("paper fetched", 2, 1, C),
    ("drawn and decoded", 3, 2, C),
    ("before the call", 1, 0, C),
    ("connected", 1, 0, C),
    ("a state asked", 3, 0, C),
    ("a state is read", 4, 0, C),
    ("led out", 1, 0, C),
    ("the model asked", 1, 0, C),
    ("the model is read", 1, 0, C),
    ("before the printer's state is committed", 1, 0, C),
    ("the printer's state is written and not committed", 2, 1, C),
    ("before sending is committed", 2, 1, C),
    ("sending is written and not committed", 1, 0, C),
    ("after sending is committed", 2, 1, U),
    ("nothing", 2, 1, U),
    ("first byte", 1, 0, U),
    ("the reset", 2, 1, U),
    ("half the header", 3, 2, U),
    ("the header", 1, 0, U),
    ("a row", 2, 1, U),
    ("half", 2, 1, U),
    ("the dots", 1, 0, U),
    ("half the feed", 2, 1, U),
    ("the feed", 1, 0, U),
    ("half the question", 3, 2, U),
    ("all but the last byte", 1, 0, U),
    ("all", 2, 1, U),
    ("before sent is committed", 1, 0, U),
    ("sent is written and not committed", 3, 2, U),
    ("after sent is committed", 2, 1, U),
    ("the proof is read", 2, 1, U),
    ("before confirmed is committed", 1, 0, U),
    ("confirmed is written and not committed", 2, 1, U),
    ("after confirmed is committed", 2, 1, C),
]


@pytest.fixture(scope="module")
def dies_at() -> Iterator[Callable[..., int]]:
    """Let a station die at a point; the answer is how its process ended."""
    house = Path(__file__).resolve().parents[3]
    child = subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / "dying_station.py")], stdin=subprocess.PIPE, text=True,
        stdout=subprocess.PIPE, cwd=house, env={"PYTHONPATH": str(house)},
    )  # fmt: skip
    assert child.stdin is not None
    assert child.stdout is not None

    def die(folder: Path, address: str, point: str, turn: int) -> int:
        print(json.dumps([str(folder), address, point, turn]), file=child.stdin, flush=True)
        return int(child.stdout.readline())  # type: ignore[union-attr]

    yield die
    child.communicate(timeout=40)


def test_the_station_dies_at_enough_points() -> None:
    assert len({point for point, *_ in POINTS}) == len(POINTS) >= 25


@pytest.mark.parametrize(("point", "turn", "struck", "expected"), POINTS)
def test_a_station_killed_at_any_point_loses_nothing_and_repeats_nothing(
    room: "Room", label: MakeLabel, tmp_path: Path, dies_at: Callable[..., int],
    point: str, turn: int, struck: int, expected: State,
) -> None:  # fmt: skip
    fake = room.fake()
    room.at = datetime.now(UTC)  # noqa: TID251 - the killed programme lives in the system's time
    chance = random.Random(9).randbytes
    papers = [label(f"{number:012d}") for number in range(1, 4)]
    for position, paper in enumerate(papers):
        room.spool.put(paper, printer="labels", at=room.at, chance=chance, batch="b", position=position)
    room.trust()
    assert dies_at(tmp_path, fake.address, point, turn) == -9
    worker = room.worker(fake.address, LABEL_50X25)
    room.work(worker, room.finished)
    on_paper = Counter(symbol for paper in fake.paper for symbol in paper.symbols)
    for paper in papers:
        state, count = room.states()[paper.key], on_paper[paper.symbols()[0]]
        assert count <= 1
        if state is State.CONFIRMED:
            assert count == 1
    # The printer may tell the latest ID to the next station: then an unsure label is rightly proved.
    hit = papers[struck]
    allowed = {expected} | ({State.CONFIRMED} if on_paper[hit.symbols()[0]] else set())
    assert room.states()[hit.key] in allowed
    assert Counter(room.states().values())[State.CONFIRMED] >= 2
