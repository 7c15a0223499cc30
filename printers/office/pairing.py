"""An office printer's word is believed once it was seen to wait for its cover before a person's eyes."""

import time
from collections.abc import Callable
from datetime import datetime

from printers.errors import WrongSettings
from printers.notices import make_test_page
from printers.office.pages import draw_pages
from printers.office.talk import Progress, Talk
from printers.paper import A4
from printers.rows import Proved
from printers.settings import Printer
from printers.station.link import Timing
from printers.station.pairing import TRIES, Person


def pair_office(
    printer: Printer, person: Person, *, by: str, at: datetime, chance: Callable[[int], bytes],
    timing: Timing | None = None,
) -> Proved:  # fmt: skip
    """Try an office printer out with a person before it, and say what it proved; `by` is the person.

    A page is sent while the cover is open. A printer that calls it completed before the cover is closed does not know
    what comes out of it, and is not believed. Raise `Unreachable` when it does not answer, `Refused` when it does not
    take our pages, `WrongSettings` when it takes neither PDF nor A4.
    """
    return _Trial(printer, person, Timing() if timing is None else timing, chance).run(by=by, at=at)


class _Trial:
    """One pairing from the first question to the last scan."""

    def __init__(self, printer: Printer, person: Person, timing: Timing, chance: Callable[[int], bytes]) -> None:
        self.printer = printer
        self.person = person
        self.timing = timing
        self.chance = chance
        self.talk = Talk(printer.address, printer.fingerprint, answer_s=timing.answer)

    def run(self, *, by: str, at: datetime) -> Proved:
        """The questions in their order."""
        seen = self.talk.look()
        if seen.cause == "refused":
            raise WrongSettings(f"« {self.printer.name} » ne prend pas le PDF, ou pas le papier A4")
        status = self._becomes("", "Mettez du papier et fermez le capot.", asks_first=False)
        cover = status and self._becomes("cover-open", "Ouvrez le capot de l'imprimante.")
        digits = f"{int.from_bytes(self.chance(6), 'big') % 10**12:012d}"
        number = self._send(digits)
        early = cover and self._is_out(number, self.timing.answer)
        if cover:
            self.person.please("Refermez le capot.")
        counts = self._is_out(number, self.timing.warm + self.timing.page)
        words = "Scannez le code-barres qui vient de sortir, avec la douchette du laboratoire (aucun : Entrée)."
        return Proved(
            model=seen.model, firmware=seen.firmware, status=status, cover=cover,
            process_id=cover and counts and not early and seen.model != "",
            barcode=any(self.person.scan(words).strip() == digits for _ in range(TRIES)), at=at, by=by,
        )  # fmt: skip

    def _becomes(self, cause: str, words: str, *, asks_first: bool = True) -> bool:
        """Whether the printer tells this state, asking the person for the gesture that leads to it."""
        for turn in range(TRIES):
            if turn or asks_first:
                self.person.please(words)
            if self.talk.look().cause == cause:
                return True
        return False

    def _send(self, digits: str) -> int:
        page = make_test_page(self.printer.name, A4, "pairing/page", digits=digits)
        name = f"etq-pairing-{self.chance(8).hex()}"
        return self.talk.send(self.talk.open(), name, self.talk.look(), draw_pages(page), end_s=self.timing.slow)

    def _is_out(self, number: int, seconds: float) -> bool:
        """Whether the printer says in time that the one page is out."""
        end = time.monotonic() + seconds
        while True:
            progress: Progress | None = self.talk.progress("", number)
            if progress is None or progress.is_over:
                return progress is not None and progress.is_out(1)
            if time.monotonic() >= end:
                return False
            time.sleep(self.timing.glance)
