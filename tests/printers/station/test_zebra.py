"""A Zebra proves nothing by itself: its jobs end as sent, its silence is a fault, its words are read strictly."""

import random
import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from printers import zpl
from printers.errors import NotUnderstood
from printers.fake.zebra import FakeZebra
from printers.moves import State, Verb
from printers.paper import LABEL_50X25, Paper
from printers.rows import Proved
from printers.settings import Printer
from printers.station.devices import Device, Network
from printers.station.link import Timing
from printers.station.pairing import pair
from printers.station.replies import Told
from printers.station.zebra import HostLines, host_readiness

if TYPE_CHECKING:
    Room = Any

MakeLabel = Callable[..., Paper]
Chance = Callable[[int], bytes]
FIRST, SECOND, THIRD = "030,0,0,0200,000,0,0,0,000,0,0,0", "000,0,0,0,0,2,4,0,00000000,1,000", "1234,0"
GOOD = b"".join(b"\x02" + line.encode() + b"\x03\r\n" for line in (FIRST, SECOND, THIRD))
SOON = Timing(answer=0.3, slow=0.3, end=2.0, poll=0.0, blocked=0.01, look=0.005, reopen=0.0, back_off=(0.01,))


@pytest.fixture
def zebra(room: "Room") -> Callable[..., FakeZebra]:
    def make(**wishes: Any) -> FakeZebra:
        made = FakeZebra(**wishes)
        room.fakes.append(made)
        return made

    return make


def worker_of(room: "Room", fake: FakeZebra, name: str = "labels", **more: Any) -> Any:
    return room.worker(fake.address, LABEL_50X25, name=name, kind="zpl", timing=SOON, **more)


def test_a_label_comes_out_and_its_job_ends_as_sent(
    room: "Room", zebra: Callable[..., FakeZebra], label: MakeLabel, chance: Chance
) -> None:
    fake = zebra()
    paper = label()
    room.spool.put(paper, printer="labels", at=room.at, chance=chance)
    worker = worker_of(room, fake)
    room.work(worker, lambda: room.states()[paper.key] is State.SENT)
    for _ in range(5):
        worker.step()
    assert room.states() == {paper.key: State.SENT}
    room.work(worker, lambda: len(fake.paper) == 1)
    assert [printed.symbols for printed in fake.paper] == [["263250100014"]]
    assert [(told.state, told.cause) for told in room.spool.printers()] == [("ready", "")]
    assert room.spool.move(paper.key, Verb.CONFIRM, by="scan", at=room.at).state is State.CONFIRMED


@pytest.mark.parametrize("z64", [True, False])
def test_a_label_is_packed_only_for_a_model_that_proved_to_unpack(
    room: "Room", zebra: Callable[..., FakeZebra], label: MakeLabel, chance: Chance, *, z64: bool
) -> None:
    fake = zebra()
    fake.knows_z64 = z64
    writes: list[bytes] = []

    class Heard(Network):
        def write(self, data: bytes, *, slow_s: float, end_s: float, slow: Callable[[], None]) -> None:
            writes.append(data)
            super().write(data, slow_s=slow_s, end_s=end_s, slow=slow)

    def listened(address: str) -> Device:
        return Heard("127.0.0.1", fake.port)

    worker = worker_of(room, fake, model=None, open_device=listened)
    room.spool.write_proved("labels", Proved(model=fake.model, status=True, z64=z64, at=room.at, by="sophie"))
    paper = label()
    room.spool.put(paper, printer="labels", at=room.at, chance=chance)
    room.work(worker, lambda: room.states()[paper.key] is State.SENT)
    (sent,) = [data for data in writes if b"^XA" in data]
    assert (b":Z64:" in sent, len(sent) <= 2_500) == (z64, z64)
    room.work(worker, lambda: len(fake.paper) == 1)
    assert fake.paper[0].symbols == ["263250100014"]


@pytest.mark.parametrize("gesture", [FakeZebra.run_out, FakeZebra.open_cover])
def test_silence_is_a_fault_and_the_label_comes_out_by_itself(
    room: "Room",
    zebra: Callable[..., FakeZebra],
    label: MakeLabel,
    chance: Chance,
    gesture: Callable[[FakeZebra], None],
) -> None:
    fake = zebra()
    gesture(fake)
    paper = label()
    room.spool.put(paper, printer="labels", at=room.at, chance=chance)
    worker = worker_of(room, fake)
    room.work(worker, lambda: room.states()[paper.key] is State.HELD)
    assert room.spool.job(paper.key).cause == "silent"
    fake.put_right()
    room.work(worker, lambda: room.states()[paper.key] is State.SENT)
    room.work(worker, lambda: len(fake.paper) == 1)


def test_a_paused_zebra_says_so(
    room: "Room", zebra: Callable[..., FakeZebra], label: MakeLabel, chance: Chance
) -> None:
    fake = zebra()
    fake.paused = True
    paper = label()
    room.spool.put(paper, printer="labels", at=room.at, chance=chance)
    worker = worker_of(room, fake)
    room.work(worker, lambda: room.spool.job(paper.key).cause == "paused")
    fake.paused = False
    room.work(worker, lambda: room.states()[paper.key] is State.SENT)


def test_a_cable_cut_at_any_byte_prints_nothing_twice(
    room: "Room", zebra: Callable[..., FakeZebra], label: MakeLabel, chance: Chance
) -> None:
    for place in sorted({1, 3, 4, 6, 7, 9, 10, 30, *range(1, 1_800, 151)}):
        fake = zebra(cut_at=place)
        name = f"p{place}"
        papers = [label(f"{place:06d}{number:06d}") for number in range(2)]
        worker = worker_of(room, fake, name, model=None)
        room.spool.write_proved(name, Proved(model=fake.model, status=True, z64=True, at=room.at, by="sophie"))
        for paper in papers:
            room.spool.put(paper, printer=name, at=room.at, chance=chance)
        room.work(worker, room.handed_over)
        worker.hang_up()
        end = time.monotonic() + 2
        while not fake.paper and time.monotonic() < end:
            time.sleep(0.01)
        time.sleep(0.05)
        on_paper = Counter(symbol for printed in fake.paper for symbol in printed.symbols)
        assert not [symbol for symbol, count in on_paper.items() if count > 1], place
        assert papers[1].symbols()[0] in on_paper, place
        fake.stop()


@pytest.mark.parametrize(
    ("line", "field", "value", "cause"),
    [
        (0, 1, "1", "paper-out"), (0, 2, "1", "paused"), (0, 5, "1", "busy"), (0, 9, "1", "error"),
        (0, 10, "1", "temperature"), (0, 11, "1", "temperature"), (1, 2, "1", "cover-open"), (1, 3, "1", "ribbon-out"),
        (0, 0, "031", ""), (0, 3, "0812", ""), (0, 4, "003", ""), (0, 6, "1", ""), (0, 7, "1", ""), (0, 8, "001", ""),
        (1, 0, "001", ""), (1, 1, "1", ""), (1, 4, "1", ""), (1, 5, "K", ""), (1, 6, "6", ""), (1, 7, "1", ""),
        (1, 8, "00000005", ""), (1, 9, "0", ""), (1, 10, "012", ""), (2, 0, "0000", ""), (2, 1, "1", ""),
    ],
)  # fmt: skip
def test_every_field_of_the_host_status_is_read_where_it_stands(line: int, field: int, value: str, cause: str) -> None:
    lines = [FIRST, SECOND, THIRD]
    fields = lines[line].split(",")
    fields[field] = value
    lines[line] = ",".join(fields)
    assert host_readiness(lines).cause == cause
    fields[field] = "x?"
    lines[line] = ",".join(fields)
    with pytest.raises(NotUnderstood):
        host_readiness(lines)


@pytest.mark.parametrize("lines", [[], [FIRST], [FIRST, SECOND], [SECOND, FIRST, THIRD], [FIRST, SECOND, THIRD, THIRD]])
def test_missing_or_misplaced_lines_are_not_ready(lines: list[str]) -> None:
    with pytest.raises(NotUnderstood):
        host_readiness(lines)


def test_every_split_of_the_lines_says_the_same_and_noise_says_nothing() -> None:
    for size in range(1, len(GOOD) + 1):
        replies = HostLines()
        found = [told for at in range(0, len(GOOD), size) for told in replies.feed(GOOD[at : at + size])]
        assert found == [Told(text=FIRST), Told(text=SECOND), Told(text=THIRD)]
        assert replies.noise == 0
    replies = HostLines()
    noise = bytes(byte for byte in random.Random(3).randbytes(1_000_000) if byte != 2)
    assert replies.feed(noise) == []
    assert replies.noise > 900_000
    assert replies.feed(b"\x02" + b"A" * 500) == []
    assert replies.feed(GOOD) == [Told(text=FIRST), Told(text=SECOND), Told(text=THIRD)]


class Hands:
    """A person before a Zebra."""

    def __init__(self, fake: FakeZebra) -> None:
        self.fake = fake
        self.seen = 0

    def please(self, words: str) -> None:
        if "Ouvrez" in words:
            self.fake.open_cover()
        else:
            self.fake.put_right()

    def scan(self, words: str) -> str:
        assert "Entrée" in words
        end = time.monotonic() + 1
        while time.monotonic() < end:
            if len(self.fake.paper) > self.seen and (symbols := self.fake.paper[-1].symbols):
                self.seen = len(self.fake.paper)
                return symbols[0]
            time.sleep(0.01)
        return ""  # nothing but white: the scanner stays mute


@pytest.mark.parametrize("knows", [True, False])
def test_pairing_a_zebra_finds_out_what_it_unpacks_and_claims_no_proof(
    room: "Room", zebra: Callable[..., FakeZebra], chance: Chance, *, knows: bool
) -> None:
    fake = zebra(model="ZD421-203dpi")
    fake.knows_z64 = knows
    printer = Printer(name="labels", kind="zpl", address=fake.address, media=LABEL_50X25)
    timing = Timing(answer=1.0, reopen=0.0)
    proved = pair(printer, Hands(fake), by="sophie", at=room.at, chance=chance, timing=timing)
    assert proved == Proved(
        model="ZD421-203dpi", firmware="V1.0", status=True, cover=True, barcode=True, z64=knows, at=room.at, by="sophie"
    )


def test_a_mute_zebra_proves_nothing(room: "Room", zebra: Callable[..., FakeZebra], chance: Chance) -> None:
    fake = zebra()
    fake.mute = True
    printer = Printer(name="labels", kind="zpl", address=fake.address, media=LABEL_50X25)
    timing = Timing(answer=0.2, reopen=0.0)
    proved = pair(printer, Hands(fake), by="sophie", at=room.at, chance=chance, timing=timing)
    assert proved == Proved(model="", at=room.at, by="sophie")
    assert zpl.LEAD_OUT == b"~JX"
