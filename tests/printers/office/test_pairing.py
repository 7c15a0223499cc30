"""An office printer is believed only when its word was seen to wait for its cover."""

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pypdf
import pytest

from printers.errors import WrongSettings
from printers.fake.office import MODEL, FakeOffice
from printers.office.pairing import pair_office
from printers.paper import A4
from printers.rows import Proved
from printers.settings import Printer
from printers.station.link import Timing

if TYPE_CHECKING:
    Room = Any

QUICK = Timing(answer=0.2, warm=3.0, page=0.1, glance=0.01, slow=2.0)


class Person:
    """Does what the words say, and scans what stands on the sheet."""

    def __init__(self, fake: FakeOffice) -> None:
        self.fake = fake

    def please(self, words: str) -> None:
        if words.startswith("Ouvrez"):
            self.fake.stop_for("cover-open")
        else:
            self.fake.put_right()

    def scan(self, _: str) -> str:
        text = pypdf.PdfReader(io.BytesIO(self.fake.paper[-1].pdf)).pages[0].extract_text()
        assert "Page d'essai" in text
        return self.digits

    digits = ""


def tried(fake: FakeOffice, chance: Callable[[int], bytes], at: Any) -> Proved:
    person = Person(fake)

    def drawn(count: int) -> bytes:
        found = chance(count)
        if count == 6:
            person.digits = f"{int.from_bytes(found, 'big') % 10**12:012d}"
        return found

    printer = Printer(name="office", kind="ipp", address=fake.address, media=A4)
    return pair_office(printer, person, by="sophie", at=at, chance=drawn, timing=QUICK)


def test_a_good_printer_proves_everything(room: "Room") -> None:
    proved = tried(room.fake(), room.chance, room.at)
    assert proved == Proved(
        model=MODEL, process_id=True, status=True, cover=True, barcode=True, at=room.at, by="sophie"
    )


def test_one_that_says_completed_with_its_cover_open_is_not_believed(room: "Room") -> None:
    fake = room.fake()
    stand, fake.stop_for = fake.stop_for, lambda reason: setattr(fake, "reason", reason)
    proved = tried(fake, room.chance, room.at)
    assert stand is not fake.stop_for
    assert (proved.status, proved.cover, proved.process_id) == (True, True, False)


def test_one_that_does_not_count_its_pages_is_not_believed(room: "Room") -> None:
    assert not tried(room.fake(counts=False), room.chance, room.at).process_id


def test_one_that_takes_no_a4_is_not_paired(room: "Room") -> None:
    fake = room.fake()
    fake._about = lambda: [("printer-state", 0x23, [3]), ("media-supported", 0x44, ["na_letter_8.5x11in"])]
    with pytest.raises(WrongSettings, match="A4"):
        tried(fake, room.chance, room.at)
