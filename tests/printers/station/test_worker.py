# ruff: noqa: ARG002, ARG005 - the wires of these tests have a device's signature
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from printers import encode
from printers.errors import StationRunning
from printers.fake.printer import MODEL
from printers.moves import STATION, State, Verb
from printers.paper import LABEL_50X25, ROLL_80, At, Paper, Picture
from printers.settings import Printer
from printers.station.devices import Broken
from printers.station.keys import StationKey
from printers.station.link import Timing
from printers.station.spool import StationSpool
from printers.station.worker import Station, Worker
from tests.thorough import far

if TYPE_CHECKING:
    Room = Any

MakeLabel = Callable[..., Paper]
READY = bytes((0x12,))
LEADS_OUT = (encode.resynchronise(LABEL_50X25), encode.resynchronise(ROLL_80))


class Wire:
    """A printer in memory: takes `breaks_at` bytes of a paper, or all; answers `says` once a paper is whole."""

    def __init__(self, *, breaks_at: int | None = None, says: Callable[[bytes], bytes] | None = None) -> None:
        self.breaks_at = breaks_at
        self.says = says or (lambda pid: b'7"' + pid + b"\x00")
        self.writes: list[bytes] = []
        self.answers = b""
        self.ended = False

    def __call__(self, address: str) -> "Wire":
        self.ended = False
        return self

    def write(self, data: bytes, *, slow_s: float, end_s: float, slow: Callable[[], None]) -> None:
        if data in encode.STATUS_REQUESTS:
            self.answers += READY
            return
        if data in LEADS_OUT:
            return
        if data == encode.ASK_MODEL:
            self.answers += b"_" + MODEL.encode() + b"\x00"
            return
        if len(data) > 9000 and not any(data[-3:]):
            return
        if self.breaks_at is not None and self.breaks_at < len(data):
            raise Broken(self.breaks_at)
        self.writes.append(data)
        self.answers += self.says(data[-4:])

    def read(self, timeout_s: float) -> bytes:
        said, self.answers = self.answers, b""
        if not said:
            time.sleep(min(timeout_s, 0.01))
        return said

    def close(self) -> None:
        self.ended = True
        self.answers = b""


@pytest.fixture
def put(room: "Room", label: MakeLabel, chance: Callable[[int], bytes]) -> Callable[..., Paper]:
    def put_label(number: int = 1, paper: Paper | None = None, printer: str = "labels") -> Paper:
        paper = paper or label(f"{number:012d}")
        room.spool.put(paper, printer=printer, at=room.at, chance=chance)
        return paper

    return put_label


def test_a_label_is_confirmed_by_its_own_id_after_one_write(room: "Room", put: Callable[..., Paper]) -> None:
    wire = Wire()
    worker = room.worker("tcp://127.0.0.1:1", LABEL_50X25, open_device=wire)
    paper = put()
    room.work(worker, room.settled)
    assert room.states() == {paper.key: State.CONFIRMED}
    assert len(wire.writes) == 1
    put(2)
    room.work(worker, room.settled)
    assert len(wire.writes[1]) == 10_028
    assert [move.new for move in room.spool.moves(paper.key)] == [
        State.QUEUED, State.SENDING, State.SENT, State.CONFIRMED,
    ]  # fmt: skip


def test_sending_is_committed_before_the_first_byte(room: "Room", put: Callable[..., Paper], tmp_path: Path) -> None:
    seen: list[State] = []

    class Watcher(Wire):
        def write(self, data: bytes, *, slow_s: float, end_s: float, slow: Callable[[], None]) -> None:
            if len(data) == 10_028:
                with StationSpool(tmp_path / "spool.sqlite") as other:
                    seen.extend(job.state for job in other.jobs())
            super().write(data, slow_s=slow_s, end_s=end_s, slow=slow)

    put()
    room.work(room.worker("tcp://127.0.0.1:1", LABEL_50X25, open_device=Watcher()), room.settled)
    assert seen == [State.SENDING]


@pytest.mark.timeout(1800)
def test_a_wire_cut_after_any_number_of_bytes_never_confirms(room: "Room", put: Callable[..., Paper]) -> None:
    whole = 10_028
    places = sorted(
        {*range(0, whole, far(251, 1)), 1, 2, 9, 10, 11, whole - 19, whole - 18, whole - 12, whole - 11, whole - 1}
    )
    for number, place in enumerate(places):
        wire = Wire(breaks_at=place)
        paper = put(number)
        worker = room.worker("tcp://127.0.0.1:1", LABEL_50X25, open_device=wire)
        room.work(worker, lambda key=paper.key: room.spool.job(key).state in {State.UNSURE, State.NOT_SENT})
        assert room.spool.job(paper.key).state is (State.NOT_SENT if place == 0 else State.UNSURE), place
        assert wire.writes == []
        if place == 0:
            wire.breaks_at = None
            room.work(worker, room.settled)
            assert room.spool.job(paper.key).state is State.CONFIRMED


def test_a_reply_cut_at_any_byte_proves_nothing(room: "Room", put: Callable[..., Paper]) -> None:
    for length in range(8):

        def part(pid: bytes, length: int = length) -> bytes:
            return (b'7"' + pid + b"\x00")[:length]

        wire = Wire(says=part)
        paper = put(length)
        timing = Timing(proof=0.05, poll=0.0, look=0.0)
        room.work(room.worker("tcp://127.0.0.1:1", LABEL_50X25, open_device=wire, timing=timing), room.settled)
        assert room.spool.job(paper.key).state is (State.CONFIRMED if length == 7 else State.UNSURE)


@pytest.mark.parametrize(
    ("said", "cause"),
    [
        (lambda pid: b'7"~~~~\x00', "wrong ID"),
        (lambda pid: b"\x12\x10\x00\x00\x00" + pid, "no proof"),
        (lambda pid: b'7"' + pid + b"\x01", "no proof"),
    ],
)
def test_another_id_or_noise_proves_nothing(
    room: "Room", put: Callable[..., Paper], said: Callable[[bytes], bytes], cause: str
) -> None:
    paper = put()
    timing = Timing(proof=0.1, poll=0.0, look=0.0)
    wire = Wire(says=said)
    room.work(room.worker("tcp://127.0.0.1:1", LABEL_50X25, open_device=wire, timing=timing), room.settled)
    assert room.states() == {paper.key: State.UNSURE}
    assert room.spool.job(paper.key).cause == cause


def test_a_late_id_proves_an_unsure_label(room: "Room", put: Callable[..., Paper]) -> None:
    kept: list[bytes] = []
    wire = Wire(says=lambda pid: kept.append(pid) or b"")  # type: ignore[func-returns-value]
    worker = room.worker("tcp://127.0.0.1:1", LABEL_50X25, open_device=wire, timing=Timing(proof=0.05, look=0.0))
    paper = put()
    room.work(worker, room.settled)
    assert room.states() == {paper.key: State.UNSURE}
    wire.answers += b'7"' + kept[0] + b"\x00"
    room.work(worker, lambda: room.states() == {paper.key: State.CONFIRMED})
    assert len(wire.writes) == 1


def test_without_paper_a_label_is_held_and_comes_out_by_itself(room: "Room", put: Callable[..., Paper]) -> None:
    fake = room.fake()
    fake.run_out()
    worker = room.worker(fake.address, LABEL_50X25)
    papers = [put(1), put(2)]
    room.work(worker, lambda: room.states()[papers[0].key] is State.HELD)
    assert room.spool.job(papers[0].key).cause == "paper-out"
    assert [(told.state, told.cause) for told in room.spool.printers()] == [("held", "paper-out")]
    fake.put_right()
    room.work(worker, lambda: set(room.states().values()) == {State.CONFIRMED})
    assert [paper.symbols for paper in fake.paper] == [["000000000001"], ["000000000002"]]
    assert room.spool.printers()[0].state == "ready"


def test_paper_out_in_mid_label_is_unsure_then_proved_and_never_printed_twice(
    room: "Room", put: Callable[..., Paper]
) -> None:
    fake = room.fake(print_s=0.0)
    worker = room.worker(fake.address, LABEL_50X25)
    put(1)
    room.work(worker, room.settled)
    status = fake._status
    fake._status = lambda question: READY  # it runs out just after it was asked
    fake.run_out()
    late = put(2)
    room.work(worker, lambda: room.states()[late.key] is State.UNSURE)
    fake._status = status
    fake.put_right()
    room.work(worker, lambda: room.states()[late.key] is State.CONFIRMED)
    assert len(fake.paper) == 2


def test_a_printer_that_takes_no_more_bytes_makes_its_label_unsure_and_the_rest_follows(
    room: "Room", put: Callable[..., Paper]
) -> None:
    fake = room.fake()
    fake.mute = False
    slow_told: list[str] = []

    class Slow(Wire):
        def write(self, data: bytes, *, slow_s: float, end_s: float, slow: Callable[[], None]) -> None:
            if len(data) == 10_028 and not slow_told:
                slow_told.append("slow")
                slow()
            super().write(data, slow_s=slow_s, end_s=end_s, slow=slow)

    worker = room.worker("tcp://127.0.0.1:1", LABEL_50X25, open_device=Slow())
    paper = put()
    room.work(worker, lambda: room.states()[paper.key] is State.CONFIRMED)
    assert State.UNSURE in [move.new for move in room.spool.moves(paper.key)]


def test_a_printer_that_is_off_holds_the_job_and_says_why(room: "Room", put: Callable[..., Paper]) -> None:
    fake = room.fake()
    fake.stop()
    paper = put()
    worker = room.worker(fake.address, LABEL_50X25)
    room.work(worker, lambda: room.states()[paper.key] is State.HELD)
    assert room.spool.job(paper.key).cause == "unreachable"


def test_silence_and_nonsense_are_not_ready(room: "Room", put: Callable[..., Paper]) -> None:
    for number, (answer, cause) in enumerate(
        [(b"", "silent"), (b"\xff", "not-understood"), (b"\x10\x00\x00\x00", "silent")]
    ):

        class Odd(Wire):
            said = answer

            def write(self, data: bytes, *, slow_s: float, end_s: float, slow: Callable[[], None]) -> None:
                self.answers += self.said

        paper = put(number)
        timing = Timing(answer=0.05, look=0.0, blocked=0.0)
        worker = room.worker("tcp://127.0.0.1:1", LABEL_50X25, open_device=Odd(), timing=timing)
        room.work(worker, lambda key=paper.key: room.spool.job(key).state is State.HELD)
        assert room.spool.job(paper.key).cause == cause
        room.spool.move(paper.key, Verb.DROP, by="sophie", at=room.at)


def test_a_printer_without_id_leaves_its_jobs_sent(room: "Room", put: Callable[..., Paper]) -> None:
    fake = room.fake(answers_id=False)
    worker = room.worker(fake.address, LABEL_50X25, process_id=False)
    paper = put()
    room.work(worker, lambda: room.states()[paper.key] is State.SENT)
    for _ in range(3):
        worker.step()
    assert room.states()[paper.key] is State.SENT
    assert room.spool.move(paper.key, Verb.CONFIRM, by="scan", at=room.at).state is State.CONFIRMED


def test_last_nights_labels_ask_before_they_come_out(room: "Room", put: Callable[..., Paper]) -> None:
    fake = room.fake()
    worker = room.worker(fake.address, LABEL_50X25)
    paper = put()
    room.at += timedelta(seconds=901)
    for _ in range(3):
        worker.step()
    assert (room.states()[paper.key], room.spool.job(paper.key).cause) == (State.HELD, "age")
    assert fake.paper == []
    room.spool.move(paper.key, Verb.RESUME, by="sophie", at=room.at)
    room.work(worker, room.settled)
    assert room.states()[paper.key] is State.CONFIRMED


def test_an_old_ticket_is_void_and_one_that_may_ask_is_held(
    room: "Room", put: Callable[..., Paper], ticket: Paper
) -> None:
    fake = room.fake()
    worker = room.worker(fake.address, ROLL_80)
    asks = replace(ticket, key="ticket/2/1", on_expiry="ask")
    put(paper=ticket)
    put(paper=asks)
    room.at += timedelta(seconds=120)
    worker.step()
    assert room.states() == {ticket.key: State.VOID, asks.key: State.HELD}
    assert fake.paper == []


def test_a_ticket_that_expires_just_before_its_turn_is_void(
    room: "Room", put: Callable[..., Paper], ticket: Paper
) -> None:
    wire = Wire()
    timing = Timing(sort=1000.0, look=0.0)
    worker = room.worker("tcp://127.0.0.1:1", ROLL_80, open_device=wire, timing=timing)
    worker.step()
    put(paper=ticket)
    room.at += timedelta(seconds=120)
    worker.step()
    assert room.states() == {ticket.key: State.VOID}
    assert wire.writes == []


def test_a_ticket_and_a_slip_come_out(room: "Room", put: Callable[..., Paper], ticket: Paper, slip: Paper) -> None:
    fake = room.fake()
    put(paper=ticket)
    put(paper=slip)
    room.work(room.worker(fake.address, ROLL_80), room.settled)
    assert set(room.states().values()) == {State.CONFIRMED}
    assert [paper.symbols for paper in fake.paper] == [ticket.symbols(), []]
    assert room.spool.payload(slip.key) is None


def test_a_slip_sealed_to_an_earlier_run_is_void(
    room: "Room", put: Callable[..., Paper], slip: Paper, chance: Callable[[int], bytes]
) -> None:
    fake = room.fake()
    put(paper=slip)
    room.start = type(room.start).make(last=room.start.number, at=room.at, chance=chance)
    room.worker(fake.address, ROLL_80).step()
    assert room.states() == {slip.key: State.VOID}
    assert room.spool.job(slip.key).cause == "secret lost"
    assert fake.paper == []


def test_what_does_not_decode_is_never_sent(room: "Room", put: Callable[..., Paper]) -> None:
    liar = Picture(width=8, height=8, bits="ff" * 8, symbols=("263250100014",))
    paper = Paper(kind="label", form=LABEL_50X25, items=(At(x=0, y=0, w=8, h=8, item=liar),), key="label/liar/1")
    wire = Wire()
    put(paper=paper)
    room.worker("tcp://127.0.0.1:1", LABEL_50X25, open_device=wire).step()
    assert room.states() == {paper.key: State.VOID}
    assert room.spool.job(paper.key).cause == "unprintable"
    assert wire.writes == []


def test_a_ticket_is_not_printed_on_labels(room: "Room", put: Callable[..., Paper], ticket: Paper) -> None:
    put(paper=ticket)
    room.worker("tcp://127.0.0.1:1", LABEL_50X25, open_device=Wire()).step()
    assert room.states() == {ticket.key: State.VOID}


def test_what_was_under_way_is_unsure_after_a_restart(room: "Room", put: Callable[..., Paper]) -> None:
    one, two, three = put(1), put(2), put(3)
    room.spool.begin(one.key, at=room.at)
    room.spool.hand_over(two.key, room.spool.begin(two.key, at=room.at), sha256="00", at=room.at)
    worker = room.worker("tcp://127.0.0.1:1", LABEL_50X25, open_device=Wire())
    room.work(worker, room.settled)
    assert room.states() == {one.key: State.UNSURE, two.key: State.UNSURE, three.key: State.CONFIRMED}


@pytest.fixture
def stations(room: "Room", tmp_path: Path) -> Callable[..., Station]:
    def make(address: str, lock: str = "station.lock", **more: Any) -> Station:
        printers = {"labels": Printer(name="labels", address=address, media=LABEL_50X25)}
        return Station(printers, room.spool, room.key, lock=tmp_path / lock, clock=lambda: room.at, **more)

    return make


def test_one_instance_has_one_station(room: "Room", stations: Callable[..., Station]) -> None:
    fake = room.fake()
    stop = threading.Event()
    stop.set()
    first = stations(fake.address)
    with pytest.raises(StationRunning):
        stations(fake.address)
    first.run(stop)
    second = stations(fake.address)
    assert second.start.number > first.start.number
    second.run(stop)


def test_a_station_prints_says_that_it_lives_and_leaves(
    room: "Room", put: Callable[..., Paper], stations: Callable[..., Station]
) -> None:
    fake = room.fake()
    room.trust()
    station = stations(fake.address, timing=Timing(beat=0.02))
    stop = threading.Event()
    thread = threading.Thread(target=station.run, args=(stop,))
    thread.start()
    paper = put()
    end = time.monotonic() + 5
    while room.states()[paper.key] is not State.CONFIRMED and time.monotonic() < end:
        time.sleep(0.02)
    assert room.spool.start_key(room.at)[0] == station.start.number
    stop.set()
    thread.join()
    rows = room.spool._rows("SELECT ended FROM stations WHERE number = ?", station.start.number)
    assert rows[0]["ended"] is not None
    assert room.states()[paper.key] is State.CONFIRMED


def test_a_machine_never_prints_an_unsure_job_again(room: "Room", put: Callable[..., Paper]) -> None:
    wire = Wire()
    paper = put()
    room.spool.begin(paper.key, at=room.at)
    room.spool.move(paper.key, Verb.DOUBT, by=STATION, at=room.at)
    worker: Worker = room.worker("tcp://127.0.0.1:1", LABEL_50X25, open_device=wire)
    for _ in range(20):
        worker.step()
    assert wire.writes == []
    assert room.states() == {paper.key: State.UNSURE}


def test_keys_are_not_shared_between_runs(room: "Room", station_key: StationKey) -> None:
    assert bytes(room.start.opening) != bytes(station_key.opening)
