"""A printer that remembers: an ESC/POS printer without paper dust, for tests and demonstrations only."""

import io
import random
import re
import struct
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import zxingcpp
from PIL import Image

from printers.fake.answers import XOFF, XON, Body, text
from printers.fake.port import Port

MODEL = "DEMONSTRATION"  #: what a fake says when it is asked for its model
_ASKED_ID = re.compile(rb"\x1d\(H\x06\x0000(....)", re.DOTALL)
_REALTIME = re.compile(rb"\x10\x04([\x01-\x04])")
#: Length in bytes of what asks about the printer itself, by its first two bytes.
_QUESTIONS = {b"\x1da": 3, b"\x1dr": 3, b"\x1dI": 3, b"\x1dg": 6}
#: Length in bytes of commands without meaning here, by their first two bytes.
_SKIPPED = {b"\x1ba": 3, b"\x1bt": 3, b"\x1bd": 3, b"\x1bJ": 3, b"\x1b!": 3, b"\x1bE": 3, b"\x1b3": 3, b"\x1b2": 2}


@dataclass(frozen=True, kw_only=True)
class Faults:
    """How often, from 0 to 1 for each paper, something goes wrong."""

    reset_before: float = 0.0  #: power cut: nothing on paper, all bytes lost
    reset_after: float = 0.0  #: power cut after the paper: no answer ever
    lost_reply: float = 0.0  #: printed, but the ID never arrives
    wrong_id: float = 0.0  #: printed, another ID comes
    stall: float = 0.0  #: stops for `stall_s` before printing
    stall_s: float = 1.0
    chatter: float = 0.0  #: for each answer: something that nobody asked for is said before it


@dataclass(frozen=True)
class Printed:
    """One paper that came out: its dots, and what an independent reader finds on it."""

    number: int
    png: bytes

    @property
    def image(self) -> Image.Image:
        """The dots."""
        return Image.open(io.BytesIO(self.png))

    @cached_property
    def symbols(self) -> list[str]:
        """Everything that decodes, in any symbology the reader knows, sorted."""
        return sorted(symbol.text for symbol in zxingcpp.read_barcodes(self.image.convert("L")))


@dataclass
class _Head:
    """What the head has been told and not yet put on paper."""

    rows: list[bytes] = field(default_factory=list)
    columns: int = 0


class FakePrinter(Port):
    """One printer on a loopback port; `paper` is the truth of what came out, in order.

    `print_s` is the time of one paper; `answers_id` False is a printer without process ID, "liar" one that answers it
    as soon as it is asked; `model` is what it says of itself; `cut_at` resets the connection after that many bytes of
    it, once, with the rest kept in memory (or hangs up without a reset, if it is `polite`), and with `dies` it never
    answers anyone again.
    """

    def __init__(
        self,
        *,
        port: int = 0,
        out: Path | None = None,
        name: str = "labels",
        print_s: float = 0.0,
        answers_id: bool | str = True,
        model: str = MODEL,
        faults: Faults | None = None,
        seed: int = 0,
        cut_at: int | None = None,
        dies: bool = False,
        polite: bool = False,
        idle_s: float = 300.0,
    ) -> None:
        super().__init__(port=port, cut_at=cut_at, dies=dies, polite=polite, idle_s=idle_s)
        self.name = name
        self.paper: list[Printed] = []
        self.unknown = 0
        self.answers_id = answers_id
        self.model = model
        self.mute = False
        self.body = Body()
        self._out = out
        self._print_s = print_s
        self._faults = Faults() if faults is None else faults
        self._chance = random.Random(seed)  # noqa: S311 - faults must come again
        self._automatic = False
        self._latest: bytes | None = None
        self._swallow = 0
        self._wrong = 0
        self._head = _Head()
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
        self._start()

    def run_out(self) -> None:
        """No more paper: data are held until `put_right`."""
        self._set(paper=False)

    def open_cover(self) -> None:
        """The cover is open: data are held until `put_right`."""
        self._set(closed=False)

    def nearly_end(self) -> None:
        """The roll ends soon."""
        self._set(near_end=True)

    def put_right(self) -> None:
        """New roll, cover closed: what was held comes out by itself."""
        self._set(near_end=False, closed=True, paper=True)

    def say(self, unasked: bytes) -> None:
        """Send bytes that nobody asked for."""
        self._answer(unasked)

    @property
    def words(self) -> str:
        """Its state for a person."""
        if not self.body.closed:
            return "capot ouvert"
        return "prête" if self.body.paper else "plus de papier"

    def _set(self, **states: bool) -> None:
        with self._ready:
            before = self.body.automatic()
            for name, value in states.items():
                setattr(self.body, name, value)
            told = self.body.automatic()
            self._ready.notify_all()
        if self._automatic and told != before:
            self._answer(told)

    def _status(self, question: int) -> bytes:
        return self.body.status(question)

    def _answer(self, data: bytes) -> bool:
        if self.mute:
            return False
        if self._happens(self._faults.chatter):
            data = self._chance.choice([XON, XOFF, self.body.automatic()]) + data
        return self._say(data)

    def _welcome(self) -> None:
        """Whoever comes after the one who asked is told the latest ID, and no other."""
        with self._ready:
            latest, self._latest = self._latest, None
        if latest is not None:
            self._answer(b'7"' + latest + b"\x00")

    def _take_in(self, tail: bytes, data: bytes) -> bytes:
        """Real-time requests are answered as they arrive, even inside a raster, as real printers do."""
        seen = tail + data
        for match in _REALTIME.finditer(seen):
            if match.end() > len(tail):
                self._answer(self._status(match[1][0]))
        with self._ready:
            self._buffer += data
            self._ready.notify_all()
        if self.answers_id == "liar":
            for match in _ASKED_ID.finditer(seen):
                if match.end() > len(tail):
                    self._answer(b'7"' + match[1] + b"\x00")
        return seen[-10:]

    # The printing side: commands one after the other, whatever the pieces they came in.

    def _forget(self) -> None:
        self._head, self._latest = _Head(), None

    def _command(self) -> None:
        first = self._take(1)
        if first not in {b"\x1b", b"\x1d", b"\x1c", b"\x10"}:
            self.unknown += first not in {b"\x00", b"\n"}
            return
        command = first + self._take(1)
        if command in {b"\x1d(", b"\x1c("}:
            command += self._take(1)
            self._function(command, self._take(int.from_bytes(self._take(2), "little")))
        elif command == b"\x1dv":
            self._raster(self._take(6))
        elif command == b"\x1dV":
            if self._take(1)[0] >= 65:
                self._take(1)
            self._put_out()
            self.body.cuts += 1
        elif command == b"\x1b@":
            self._automatic = False
        elif command == b"\x10\x04":
            self._take(1)
        elif command in _QUESTIONS:
            self._tell_of_itself(command, self._take(_QUESTIONS[command] - 2))
        elif command in _SKIPPED:
            self._take(_SKIPPED[command] - 2)
        else:
            self.unknown += 1

    def _tell_of_itself(self, command: bytes, question: bytes) -> None:
        match command, question:
            case b"\x1da", _:
                self._automatic = question != b"\x00"
                told: bytes | None = self.body.automatic() if self._automatic else b""
            case b"\x1dr", b"\x01" | b"1":
                told = self.body.in_order()
            case b"\x1dI", b"C":
                told = text(self.model)
            case b"\x1dI", b"A":
                told = text("1.0")
            case b"\x1dg", _ if question[:2] == b"2\x00":
                told = self.body.counter(int.from_bytes(question[2:], "little"))
            case _:
                told = None
        self.unknown += told is None
        if told:
            self._answer(told)

    def _raster(self, header: bytes) -> None:
        columns, rows = struct.unpack("<HH", header[2:])
        if self._head.columns not in {0, columns}:
            self._head = _Head()
        data = self._take(columns * rows)
        self._head.columns = columns
        self._head.rows += [data[row * columns : (row + 1) * columns] for row in range(rows)]

    def _function(self, command: bytes, told: bytes) -> None:
        if command == b"\x1c(L" and told[:1] in {b"A", b"B", b"C"}:
            self._put_out()
            self.body.at_cut = told[:1] == b"B"
        elif command == b"\x1c(L" and told == b"00":
            self._answer(self.body.position())
        elif command == b"\x1d(H" and told[:2] == b"00" and len(told) == 6:
            self._put_out()
            self._prove(told[2:])
        else:
            self.unknown += 1

    def _happens(self, share: float) -> bool:
        return share > 0 and self._chance.random() < share

    def _put_out(self) -> None:
        """The paper comes out, once there is paper and the cover is closed."""
        if not self._head.rows:
            return
        with self._ready:
            while not self.body.ready and not self._stopped:
                self._ready.wait(0.1)
        if self._happens(self._faults.stall):
            time.sleep(self._faults.stall_s)
        if self._happens(self._faults.reset_before):
            self._power_cut()
        if self._print_s:
            time.sleep(self._print_s)
        head, self._head = self._head, _Head()
        self.body.strokes += len(head.rows)
        self.body.at_cut = False
        image = Image.frombytes("1", (head.columns * 8, len(head.rows)), b"".join(head.rows), "raw", "1;I")
        out = io.BytesIO()
        image.save(out, "PNG")
        number = len(self.paper) + 1
        if self._out is not None:
            (self._out / f"{self.name}-{number:04d}.png").write_bytes(out.getvalue())
        self.paper.append(Printed(number, out.getvalue()))
        if self._happens(self._faults.reset_after):
            self._power_cut()
        self._swallow += self._happens(self._faults.lost_reply)
        self._wrong += self._happens(self._faults.wrong_id)

    def _prove(self, pid: bytes) -> None:
        if self.answers_id is not True:
            return
        if self._swallow:
            self._swallow -= 1
            return
        if self._wrong:
            self._wrong -= 1
            pid = b"~~~~"
        if not self._answer(b'7"' + pid + b"\x00"):
            # Nobody listens: the latest ID is kept for the next client.
            self._latest = pid
