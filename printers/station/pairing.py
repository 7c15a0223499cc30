"""A printer's capabilities are proved before a person's eyes, not declared."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from printers import encode
from printers.errors import NotUnderstood, PaperOut, WrongSettings
from printers.notices import make_test_page
from printers.rows import Proved, process_id
from printers.settings import Printer
from printers.station.devices import Device, connect
from printers.station.link import Link, Timing
from printers.station.replies import Readiness
from printers.verify import proved

STRIP_BYTES = 2_800  #: a strip must fit the memory of a printer that cannot print yet
TRIES = 3  #: how often a gesture is asked for again


class Person(Protocol):
    """Whoever stands before the printer."""

    def please(self, words: str) -> None:
        """Ask for a gesture, and wait until it is done."""

    def scan(self, words: str) -> str:
        """Ask for a scan with the laboratory's own scanner; the answer is what it typed."""


def pair(
    printer: Printer,
    person: Person,
    *,
    by: str,
    at: datetime,
    chance: Callable[[int], bytes],
    timing: Timing | None = None,
    open_device: Callable[[str], Device] = connect,
) -> Proved:
    """Try a printer out with a person before it, and say what it proved; `by` is the person.

    A printer that does not say its model proves nothing. Raise `Unreachable` when it does not answer at all,
    `WrongSettings` when its head has other dots than its medium.
    """
    return _Trial(printer, person, Timing() if timing is None else timing, open_device, chance).run(by=by, at=at)


class _Trial:
    """One pairing from the first question to the last scan."""

    def __init__(
        self,
        printer: Printer,
        person: Person,
        timing: Timing,
        open_device: Callable[[str], Device],
        chance: Callable[[int], bytes],
    ) -> None:
        self.printer = printer
        self.person = person
        self.timing = timing
        self.chance = chance
        self.ids: list[bytes] = []
        self.link = Link(printer, heard=self.ids.append, timing=timing, open_device=open_device)

    def run(self, *, by: str, at: datetime) -> Proved:
        """The questions in their order."""
        try:
            self.link.connect()
            self.link.write(self.link.lead_out())
            model = self.link.model()
            if not model:
                return Proved(model="", at=at, by=by)
            self._check_head()
            firmware = self.link.firmware()
            status = self._becomes("", "Mettez du papier et fermez le capot.", asks_first=False)
            is_zebra = self.printer.kind == "zpl"
            answers = not is_zebra and self._id_comes(self._send_strip(), self.timing.proof)
            cover, proves = self._with_cover_open(asks_id=answers) if status else (False, False)
            packed = is_zebra and self._is_read_back(compressed=True)
            return Proved(
                model=model,
                firmware=firmware,
                process_id=proves,
                status=status,
                cover=cover,
                barcode=packed or self._is_read_back(),
                z64=packed,
                at=at,
                by=by,
            )
        finally:
            self.link.hang_up()

    def _check_head(self) -> None:
        """A paper made for another head would come out in another size: bars that no reader knows."""
        head, media = self.link.head(), self.printer.media
        if head not in {0, media.dpmm}:
            raise WrongSettings(
                f"printers.toml donne à « {self.printer.name} » un papier à {media.dpmm} points par mm, sa tête en a "
                f"{head} : corrigez « media »"
            )

    def _state(self) -> Readiness | None:
        """The printer's state, None if it does not tell."""
        try:
            return self.link.state()
        except (PaperOut, NotUnderstood):
            return None

    def _becomes(self, cause: str, words: str, *, asks_first: bool = True) -> bool:
        """Whether the printer tells this state, asking the person for the gesture that leads to it."""
        for turn in range(TRIES):
            if turn or asks_first:
                self.person.please(words)
            state = self._state()
            if state is None and self.printer.kind == "zpl":
                state = Readiness(cause="cover-open")  # a Zebra tells its faults by silence
            if state is None:
                return False
            if state.cause == cause:
                return True
        return False

    def _with_cover_open(self, *, asks_id: bool) -> tuple[bool, bool]:
        """Whether an open cover is told, and whether the ID waits until it is closed: an echo does not wait."""
        cover = self._becomes("cover-open", "Ouvrez le capot de l'imprimante.")
        pid, early = b"", False
        if cover and asks_id:
            pid = self._send_strip()
            early = self._id_comes(pid, self.timing.answer)
        self._becomes("", "Refermez le capot.")
        return cover, pid != b"" and not early and self._id_comes(pid, self.timing.proof)

    def _send_strip(self) -> bytes:
        """A strip of paper and a question: the random ID that the printer must answer once it is out."""
        form = self.printer.media
        image = proved(make_test_page(self.printer.name, form, "pairing/strip"))
        rows = min(6 * form.dpmm, STRIP_BYTES // ((form.width + 7) // 8))  # above the page's bars: those are read later
        pid = process_id(int.from_bytes(self.chance(4), "big"))
        strip = encode.escpos(image.crop((0, 0, form.width, rows)), form)
        self.link.write(strip + encode.ask_process_id(pid))
        return pid

    def _id_comes(self, pid: bytes, seconds: float) -> bool:
        end = time.monotonic() + seconds
        while pid not in self.ids and (left := end - time.monotonic()) > 0:
            self.link.hear(left)
        return pid in self.ids

    def _is_read_back(self, *, compressed: bool = False) -> bool:
        """Print digits that nobody knows, and have them read by the scanner that will read the tubes."""
        digits = f"{int.from_bytes(self.chance(6), 'big') % 10**12:012d}"
        page = make_test_page(self.printer.name, self.printer.media, "pairing/bars", digits=digits)
        self.link.write(self.link.compiled(proved(page), compressed=compressed))
        words = "Scannez le code-barres qui vient de sortir, avec la douchette du laboratoire (aucun : Entrée)."
        return any(self.person.scan(words).strip() == digits for _ in range(TRIES))
