# ruff: noqa: ARG002 - the wires of these tests have a device's signature
"""A printer that dies hands on what was never sent, and nothing else."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from printers import encode
from printers.errors import ImpossibleMove, Unreachable
from printers.fake.printer import MODEL
from printers.moves import STATION, State, Verb
from printers.notices import make_header
from printers.paper import LABEL_50X25, ROLL_80, Paper
from printers.settings import Printer
from printers.station.devices import Broken
from printers.station.link import Timing

if TYPE_CHECKING:
    Room = Any

MakeLabel = Callable[..., Paper]
BESIDE = Printer(name="second", address="tcp://127.0.0.1:1", media=LABEL_50X25, desk="Guichet 1")
ELSEWHERE = replace(BESIDE, desk="Guichet 2")
SOON = Timing(
    answer=1.0, proof=0.5, slow=0.3, end=2.0, poll=0.0, blocked=0.01, look=0.005, reopen=0.0, back_off=(0.01,),
    give_up=0.05,
)  # fmt: skip


class Dying:
    """A printer in memory that takes `lives` bytes of papers in all, then never answers again; it forgets nothing."""

    def __init__(self, lives: int) -> None:
        self.lives = lives
        self.stream = b""
        self.answers = b""

    def __call__(self, address: str) -> "Dying":
        if self.lives <= 0:
            raise Unreachable("dead")
        return self

    def write(self, data: bytes, *, slow_s: float, end_s: float, slow: Callable[[], None]) -> None:
        if data in encode.STATUS_REQUESTS:
            self.answers += b"\x12"
            return
        if data == encode.resynchronise(LABEL_50X25):
            return
        if data == encode.ASK_MODEL:
            self.answers += b"_" + MODEL.encode() + b"\x00"
            return
        self.stream += data[: self.lives]
        if len(data) >= self.lives:
            given, self.lives = self.lives, 0
            raise Broken(given)
        self.lives -= len(data)
        self.answers += b'7"' + data[-4:] + b"\x00"

    def read(self, timeout_s: float) -> bytes:
        said, self.answers = self.answers, b""
        return said

    def close(self) -> None:
        self.answers = b""


@pytest.fixture
def six(room: "Room", label: MakeLabel, chance: Callable[[int], bytes]) -> Callable[..., list[Paper]]:
    def put(printer: str, first: int = 1, count: int = 6) -> list[Paper]:
        papers = [label(f"{first + number:012d}") for number in range(count)]
        for position, paper in enumerate(papers):
            room.spool.put(paper, printer=printer, at=room.at, chance=chance, batch=f"b{first}", position=position)
        return papers

    return put


def two_printers(room: "Room", address: str, second: str, **more: Any) -> tuple[Any, Any]:
    beside = more.pop("beside", BESIDE)
    one = room.worker(address, LABEL_50X25, timing=SOON, beside=beside, desk="Guichet 1", fallback="second", **more)
    return one, room.worker(second, LABEL_50X25, name="second", timing=SOON, desk=beside.desk)


FIRST = 10_028
BEFORE = 8 + len(encode.resynchronise(LABEL_50X25) + encode.ASK_MODEL)  #: what a new connection carries first
PLACES = sorted({2, 3, 4, 10, 11, 12, 13, *range(1, 10_028, 613), 10_010, 10_011, 10_017, 10_018, 10_027, 10_028})


def test_a_printer_that_dies_at_any_byte_of_the_third_label_loses_and_repeats_nothing(
    room: "Room", six: Callable[..., list[Paper]]
) -> None:
    fake = room.fake()
    for run, place in enumerate(PLACES):
        papers = six("labels", first=1 + 10 * run)
        dying = Dying(FIRST + 10_028 + place)
        one, two = two_printers(room, "tcp://127.0.0.1:1", fake.address, open_device=dying)
        room.work(one, room.finished, others=(two,))
        states = [room.states()[paper.key] for paper in papers]
        assert states == [State.CONFIRMED] * 2 + [State.UNSURE] + [State.CONFIRMED] * 3, place
        where = [room.spool.job(paper.key).printer for paper in papers]
        assert where == ["labels"] * 3 + ["second"] * 3
        two.hang_up()
        room.spool.move(papers[2].key, Verb.DISOWN, by="sophie", at=room.at)
    on_paper = Counter(symbol for paper in fake.paper for symbol in paper.symbols)
    assert set(on_paper.values()) == {1}
    assert len(on_paper) == 3 * len(PLACES)


@pytest.mark.parametrize("place", [1, 11, 12, 4_000, 10_027])
def test_the_same_over_the_network_with_a_memory_that_still_prints(
    room: "Room", six: Callable[..., list[Paper]], place: int
) -> None:
    first = room.fake(cut_at=BEFORE + FIRST + 8 + 10_028 + 4 + place, dies=True)
    second = room.fake()
    papers = six("labels")
    one, two = two_printers(room, first.address, second.address)
    room.work(one, room.finished, others=(two,))
    on_paper = Counter(symbol for fake in (first, second) for paper in fake.paper for symbol in paper.symbols)
    assert max(on_paper.values()) == 1
    for paper in papers:
        state = room.states()[paper.key]
        assert state in {State.CONFIRMED, State.UNSURE}
        assert state is State.UNSURE or on_paper[paper.symbols()[0]] == 1
    assert Counter(room.states().values())[State.CONFIRMED] >= 5
    assert {room.spool.job(paper.key).printer for paper in papers[3:]} == {"second"}


def test_three_failures_before_the_first_byte_are_enough(room: "Room", six: Callable[..., list[Paper]]) -> None:
    class Refusing(Dying):
        def write(self, data: bytes, *, slow_s: float, end_s: float, slow: Callable[[], None]) -> None:
            if len(data) == 10_028:
                raise Broken(0)
            super().write(data, slow_s=slow_s, end_s=end_s, slow=slow)

    fake = room.fake()
    papers = six("labels", count=2)
    one, two = two_printers(room, "tcp://127.0.0.1:1", fake.address, open_device=Refusing(9))
    room.work(one, room.finished, others=(two,))
    assert set(room.states().values()) == {State.CONFIRMED}
    assert [move.new for move in room.spool.moves(papers[0].key)].count(State.NOT_SENT) >= 3
    assert [paper.symbols for paper in fake.paper] == [paper.symbols() for paper in papers]


def test_a_short_wait_moves_nothing(room: "Room", six: Callable[..., list[Paper]]) -> None:
    first, second = room.fake(), room.fake()
    first.open_cover()
    papers = six("labels", count=2)
    one, two = two_printers(room, first.address, second.address)
    one._timing = replace(SOON, give_up=60.0)
    for _ in range(20):
        one.step()
        two.step()
    first.put_right()
    room.work(one, room.finished, others=(two,))
    assert (len(first.paper), len(second.paper)) == (2, 0)
    assert {room.spool.job(paper.key).printer for paper in papers} == {"labels"}


@pytest.mark.parametrize("beside", [ELSEWHERE, replace(BESIDE, desk="")])
def test_labels_go_to_another_desk_by_a_persons_word_only_and_announced(
    room: "Room", six: Callable[..., list[Paper]], beside: Printer, chance: Callable[[int], bytes]
) -> None:
    first, second = room.fake(), room.fake()
    first.open_cover()
    papers = six("labels", count=4)
    room.spool.begin(papers[0].key, at=room.at)
    one, two = two_printers(room, first.address, second.address, beside=beside)
    for _ in range(40):
        one.step()
        two.step()
    assert second.paper == []
    assert {job.printer for job in room.spool.jobs()} == {"labels"}
    header = partial(make_header, desk="Guichet 1", form=LABEL_50X25)
    rest = room.spool.rest_of(papers[2].key)
    assert rest == [paper.key for paper in papers[1:]]
    moved = room.spool.hand_on(rest, "second", by="sophie", at=room.at, chance=chance, header=header)
    assert [job.key for job in moved] == rest
    room.work(two, lambda: len(second.paper) == 4)
    assert [paper.symbols for paper in second.paper] == [[], *([paper.symbols()[0]] for paper in papers[1:])]
    assert room.states()[papers[0].key] is State.UNSURE


def test_two_dead_printers_do_not_throw_labels_at_each_other(room: "Room", six: Callable[..., list[Paper]]) -> None:
    first, second = room.fake(), room.fake()
    first.open_cover()
    second.run_out()
    papers = six("labels", count=2)
    one, two = two_printers(room, first.address, second.address)
    for _ in range(60):
        one.step()
        two.step()
    assert {move.verb for paper in papers for move in room.spool.moves(paper.key)} <= {"put", "hold", "resume"}
    room.at += timedelta(seconds=60)  # what was seen of the second printer is old now
    room.spool.tell("second", "ready", "", at=room.at - timedelta(seconds=30))
    for _ in range(10):
        one.step()
    assert room.spool.job(papers[0].key).printer == "labels"


def test_a_secret_paper_and_what_waits_for_a_person_stay(
    room: "Room", ticket: Paper, slip: Paper, chance: Callable[[int], bytes]
) -> None:
    old = replace(ticket, key="ticket/old/1", expires_s=None)
    fresh = replace(ticket, key="ticket/new/1", expires_s=None)
    for paper in (old, slip, fresh):
        room.spool.put(paper, printer="slips", at=room.at, chance=chance)
    room.spool.move(old.key, Verb.HOLD, by="sophie", at=room.at, reason="pause")
    first, second = room.fake(), room.fake()
    first.open_cover()
    beside = Printer(name="second", address=second.address, media=ROLL_80, desk="Accueil")
    one = room.worker(first.address, ROLL_80, name="slips", timing=SOON, beside=beside, desk="Accueil")
    two = room.worker(second.address, ROLL_80, name="second", timing=SOON)
    room.work(one, lambda: room.states()[fresh.key] is State.CONFIRMED, others=(two,))
    assert room.spool.job(slip.key).printer == "slips"
    assert room.spool.job(old.key).printer == "slips"
    assert [paper.symbols for paper in second.paper] == [fresh.symbols()]
    with pytest.raises(ImpossibleMove):
        room.spool.move(slip.key, Verb.GIVE, by="sophie", at=room.at, printer="second")
    assert room.spool.hand_on([slip.key], "second", by="sophie", at=room.at, chance=chance) == []


def test_a_label_given_away_at_the_last_moment_is_not_sent_here(room: "Room", six: Callable[..., list[Paper]]) -> None:
    (paper,) = six("labels", count=1)
    room.spool.move(paper.key, Verb.GIVE, by="sophie", at=room.at, printer="second")
    with pytest.raises(ImpossibleMove):
        room.spool.begin(paper.key, at=room.at, printer="labels")
    assert room.states() == {paper.key: State.QUEUED}


def test_moving_twice_leaves_one_announcement(
    room: "Room", six: Callable[..., list[Paper]], chance: Callable[[int], bytes]
) -> None:
    papers = six("labels", count=3)
    keys = [paper.key for paper in papers]
    for minute, (place, desk) in enumerate((("second", "Guichet 1"), ("third", "Guichet 1"))):
        header = partial(make_header, desk=desk, form=LABEL_50X25)
        at = room.at + timedelta(minutes=minute)
        rest = room.spool.rest_of(keys[0])
        room.spool.hand_on(rest, place, by="sophie", at=at, chance=chance, header=header)
    headers = [job for job in room.spool.jobs() if job.kind == "header"]
    assert [(job.printer, job.state) for job in headers] == [("second", State.VOID), ("third", State.QUEUED)]
    assert room.spool.next_job("third").key == headers[1].key
    assert {move.by for key in keys for move in room.spool.moves(key)} == {"app", "sophie"}
    assert STATION not in {move.by for key in keys for move in room.spool.moves(key)}
