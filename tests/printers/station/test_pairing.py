"""What a printer can do is tried before a person, and believed of that printer alone."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from printers.errors import Unreachable, WrongSettings
from printers.fake.printer import FakePrinter
from printers.fake.zebra import FakeZebra
from printers.moves import State
from printers.paper import LABEL_50X25, MEDIA, ROLL_80, Form, Paper
from printers.rows import Proved
from printers.settings import Printer
from printers.station.link import Timing
from printers.station.pairing import pair

if TYPE_CHECKING:
    Room = Any

MakeLabel = Callable[..., Paper]
Chance = Callable[[int], bytes]
#: Long enough for a fake on a machine that does much else; one that keeps silent costs it each time.
QUICK = Timing(answer=1.0, proof=5.0, reopen=0.0)


class Hands:
    """A person who does what is asked, before this fake; `scanner` spoils what is read."""

    def __init__(self, fake: FakePrinter, scanner: Callable[[str], str] = str) -> None:
        self.fake = fake
        self.scanner = scanner
        self.asked: list[str] = []
        self.scans = 0

    def please(self, words: str) -> None:
        self.asked.append(words)
        if "Ouvrez" in words:
            self.fake.open_cover()
        else:
            self.fake.put_right()

    def scan(self, words: str) -> str:
        assert "douchette" in words
        self.scans += 1
        end = time.monotonic() + 5
        while time.monotonic() < end:  # the paper needs its time to come out
            read = [symbol for symbol in self.fake.paper[-1].symbols if symbol.isdecimal()] if self.fake.paper else []
            if read:
                return self.scanner(read[0]) + "\n"
            time.sleep(0.01)
        return ""


def tried(room: "Room", chance: Chance, fake: FakePrinter, form: Form = LABEL_50X25, **more: Any) -> Proved:
    printer = Printer(name="labels", address=fake.address, media=form)
    hands = more.pop("hands", None) or Hands(fake)
    return pair(printer, hands, by="sophie", at=room.at, chance=chance, timing=QUICK)


@pytest.mark.parametrize("form", [LABEL_50X25, ROLL_80])
def test_the_good_one_proves_all(room: "Room", chance: Chance, form: Form) -> None:
    proved = tried(room, chance, room.fake(model="TM-L90"), form)
    assert proved == Proved(
        model="TM-L90", firmware="1.0", process_id=True, status=True, cover=True, barcode=True, at=room.at, by="sophie"
    )


def test_the_liar_that_answers_at_once_is_found_by_its_open_cover(room: "Room", chance: Chance) -> None:
    proved = tried(room, chance, room.fake(answers_id="liar"))
    assert (proved.process_id, proved.status, proved.cover, proved.barcode) == (False, True, True, True)


def test_the_clone_without_id_still_tells_its_state(room: "Room", chance: Chance) -> None:
    proved = tried(room, chance, room.fake(answers_id=False))
    assert (proved.process_id, proved.status, proved.cover, proved.barcode) == (False, True, True, True)


def test_the_mute_proves_nothing(room: "Room", chance: Chance) -> None:
    fake = room.fake()
    fake.mute = True
    proved = tried(room, chance, fake)
    assert proved == Proved(model="", at=room.at, by="sophie")
    room.spool.write_proved("labels", proved)
    assert [(told.state, told.cause) for told in room.spool.printers()] == [("held", "silent")]


def test_a_printer_that_is_off_is_not_paired(room: "Room", chance: Chance) -> None:
    fake = room.fake()
    fake.stop()
    with pytest.raises(Unreachable):
        tried(room, chance, fake)


def test_a_person_who_leaves_the_cover_closed_proves_nothing_of_it(room: "Room", chance: Chance) -> None:
    fake = room.fake()

    class Idle(Hands):
        def please(self, words: str) -> None:
            self.asked.append(words)

    hands = Idle(fake)
    proved = tried(room, chance, fake, hands=hands)
    assert (proved.process_id, proved.status, proved.cover) == (False, True, False)
    assert len([words for words in hands.asked if "Ouvrez" in words]) == 3


def test_bars_that_the_scanner_misreads_are_not_proved(room: "Room", chance: Chance) -> None:
    fake = room.fake()
    hands = Hands(fake, scanner=lambda read: read[:-1] + str((int(read[-1]) + 1) % 10))
    assert not tried(room, chance, fake, hands=hands).barcode
    assert hands.scans == 3


def test_a_zebra_with_another_head_than_its_medium_is_refused_in_words(room: "Room", chance: Chance) -> None:
    fake = FakeZebra()
    try:
        printer = Printer(name="labels", address=fake.address, media=MEDIA["label-50x25-300dpi"], kind="zpl")
        with pytest.raises(WrongSettings, match="12 points par mm, sa tête en a 8"):
            pair(printer, Hands(fake), by="sophie", at=room.at, chance=chance, timing=QUICK)
        assert fake.paper == []
    finally:
        fake.stop()


def test_what_was_proved_is_kept_with_its_day_and_person(room: "Room") -> None:
    proved = Proved(model="TM-m30", firmware="2.1", process_id=True, status=True, cover=True, at=room.at, by="sophie")
    room.spool.write_proved("labels", proved)
    room.spool.tell("labels", "held", "paper-out", at=room.at)
    assert room.spool.proved("labels") == proved
    assert room.spool.proved("tickets") is None
    (told,) = room.spool.printers()
    assert (told.state, told.cause, told.proved) == ("held", "paper-out", proved)


def test_a_printer_that_is_not_paired_is_not_believed(room: "Room", label: MakeLabel, chance: Chance) -> None:
    fake = room.fake(answers_id="liar", faults=None)
    worker = room.worker(fake.address, LABEL_50X25, model=None)
    paper = label()
    room.spool.put(paper, printer="labels", at=room.at, chance=chance)
    room.work(worker, lambda: room.states()[paper.key] is State.SENT)
    for _ in range(20):
        worker.step()
    assert room.states() == {paper.key: State.SENT}
    assert [(told.state, told.cause) for told in room.spool.printers()] == [("ready", "without-id")]


def test_another_model_at_the_same_address_is_not_believed(room: "Room", label: MakeLabel, chance: Chance) -> None:
    fake = room.fake(model="TM-L90")
    worker = room.worker(fake.address, LABEL_50X25, model="TM-L90")
    one, two = label("000000000001"), label("000000000002")
    room.spool.put(one, printer="labels", at=room.at, chance=chance)
    room.work(worker, room.settled)
    assert room.states()[one.key] is State.CONFIRMED
    fake.model = "CLONE"
    worker.hang_up()  # the printer was exchanged
    room.spool.put(two, printer="labels", at=room.at, chance=chance)
    room.work(worker, lambda: room.states()[two.key] is State.SENT)
    for _ in range(5):
        worker.step()
    assert room.states() == {one.key: State.CONFIRMED, two.key: State.SENT}
    room.work(worker, lambda: len(fake.paper) == 2)
    assert room.states()[two.key] is State.SENT


def test_a_model_that_is_not_told_in_time_is_asked_again(room: "Room", label: MakeLabel, chance: Chance) -> None:
    fake = room.fake(model="")
    worker = room.worker(fake.address, LABEL_50X25, timing=Timing(answer=1.0, look=0.0, reopen=0.0))
    one, two = label("000000000001"), label("000000000002")
    room.spool.put(one, printer="labels", at=room.at, chance=chance)
    room.work(worker, lambda: room.states()[one.key] is State.SENT)
    fake.model = "DEMONSTRATION"
    room.spool.put(two, printer="labels", at=room.at, chance=chance)
    room.work(worker, lambda: room.states()[two.key] is State.CONFIRMED)
    assert room.states()[one.key] is State.SENT


def test_a_liar_that_was_paired_confirms_nothing(room: "Room", label: MakeLabel, chance: Chance) -> None:
    fake = room.fake(answers_id="liar")
    worker = room.worker(fake.address, LABEL_50X25, model=None)
    room.spool.write_proved("labels", tried(room, chance, fake))
    paper = label()
    room.spool.put(paper, printer="labels", at=room.at, chance=chance)
    room.work(worker, lambda: room.states()[paper.key] is State.SENT)
    for _ in range(5):
        worker.step()
    assert room.states() == {paper.key: State.SENT}
