"""A Zebra that remembers: it reads ZPL graphics, tells its state, and says nothing at all when something is wrong."""

import base64
import re
import zlib

from PIL import Image

from printers.fake.port import PowerCutError
from printers.fake.printer import FakePrinter

_SIGN = re.compile(rb"[\^~]")
_ASKED = re.compile(rb"~H(S|I|QES|QOD)")
_GRAPHIC = re.compile(rb"A,(\d+),(\d+),(\d+),(.*)", re.DOTALL)
_PACKED = re.compile(rb":Z64:([A-Za-z0-9+/=]+):([0-9A-Fa-f]{4})")
#: Commands that change nothing here.
_SKIPPED = {b"^LH", b"^FS", b"^PQ", b"~HS", b"~HI", b"~HQ"}


class FakeZebra(FakePrinter):
    """One label printer that speaks ZPL; `knows_z64` False is old firmware, which prints nothing for what is packed."""

    knows_z64 = True
    paused = False
    _width = 0
    _length = 0
    _origin = (0, 0)
    _canvas: Image.Image | None = None

    def _take_in(self, tail: bytes, data: bytes) -> bytes:
        """Its state is told as soon as it is asked, or not at all (paper note, 9.4)."""
        seen = tail + data
        for match in _ASKED.finditer(seen):
            if match.end() > len(tail):
                self._tell(match[1])
        with self._ready:
            self._buffer += data
            self._ready.notify_all()
        return seen[-4:]

    def _tell(self, question: bytes) -> None:
        if question == b"I":
            self._answer(f"\x02{self.model},V1.0,8,8192KB\x03\r\n".encode())
        elif not self.body.ready:
            return
        elif question == b"QES":
            self._answer(b"\x02\r\n  PRINTER STATUS\r\n   ERRORS:         0 00000000 00000000\r\n"
                         b"   WARNINGS:       0 00000000 00000000\r\n\x03\r\n")  # fmt: skip
        elif question == b"QOD":
            self._answer(b"\x02\r\n  PRINT METERS\r\n   TOTAL NONRESETTABLE: %8d\r\n\x03\r\n" % self.body.strokes)
        else:
            first = f"030,0,{int(self.paused)},{self._length:04d},000,0,0,0,000,0,0,0"
            for line in (first, "000,0,0,0,0,2,4,0,00000000,1,000", "1234,0"):
                self._answer(f"\x02{line}\x03\r\n".encode())

    def _command(self) -> None:
        self._text()
        name = self._take(1) + self._take(2)
        if name == b"^XA":
            self._canvas, self._origin = None, (0, 0)
        elif name == b"^PW":
            self._width = int(self._text())
        elif name == b"^LL":
            self._length = int(self._text())
        elif name == b"^FO":
            x, y = self._text().split(b",")
            self._origin = (int(x), int(y))
        elif name == b"^GF":
            self._graphic(self._text())
        elif name == b"^XZ":
            self._label()
        elif name == b"~JX":
            self._canvas = None
        elif name not in _SKIPPED:
            self.unknown += 1

    def _text(self) -> bytes:
        """Everything before the next command sign, which stays in memory."""
        taken = bytearray()
        with self._ready:
            generation = self._generation
            while True:
                if self._stopped or generation != self._generation:
                    raise PowerCutError
                found = _SIGN.search(self._buffer)
                count = found.start() if found else len(self._buffer)
                taken += self._buffer[:count]
                del self._buffer[:count]
                self._ready.notify_all()
                if found:
                    return bytes(taken)
                self._ready.wait(0.1)

    def _graphic(self, told: bytes) -> None:
        read = _GRAPHIC.fullmatch(told)
        dots = self._dots(read[4]) if read else None
        if read is None or dots is None or not len(dots) == int(read[1]) == int(read[2]):
            self.unknown += 1
            return
        row = int(read[3])
        if self._canvas is None:
            self._canvas = Image.new("1", (self._width, self._length), 1)
        picture = Image.frombytes("1", (row * 8, len(dots) // row), dots, "raw", "1;I")
        self._canvas.paste(picture, self._origin)

    def _dots(self, told: bytes) -> bytes | None:
        if (packed := _PACKED.fullmatch(told)) is not None:
            if not self.knows_z64 or crc(packed[1]) != int(packed[2], 16):
                return None
            return zlib.decompress(base64.b64decode(packed[1]))
        return bytes.fromhex(told.decode()) if re.fullmatch(rb"[0-9A-F\s]*", told) else None

    def _label(self) -> None:
        canvas = self._canvas or Image.new("1", (self._width, self._length), 1)
        row = (canvas.width + 7) // 8
        dots = canvas.tobytes("raw", "1;I")
        self._head.columns = row
        self._head.rows = [dots[at : at + row] for at in range(0, len(dots), row)]
        self._canvas = None
        self._put_out()


def crc(data: bytes) -> int:
    """CRC-16/CCITT from 0, bit by bit, as the maker's manual tells it."""
    value = 0
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ 0x1021 if value & 0x8000 else value << 1) & 0xFFFF
    return value
