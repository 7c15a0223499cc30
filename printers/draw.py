"""A paper becomes whole dots: what the head burns is what the screen shows."""

import math
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import qrcode
from PIL import Image, ImageDraw, ImageFont, features
from qrcode.exceptions import DataOverflowError

from printers import code128
from printers.errors import Unprintable
from printers.paper import QR_QUIET_MODULES, At, Barcode, Cut, Drawn, Feed, NextPage, Paper, Picture, Qr, Rule, Text

FONTS = Path(__file__).parent / "fonts"
WHITE, BLACK = 1, 0
MARGIN = 8  #: white dots left and right of the lines of a roll
LONGEST = 16_000  #: dots of one paper: two metres at 203 dpi
_RIGHT_TO_LEFT = frozenset({"ar", "fa", "he", "ur"})
_CORRECTION = {
    "L": qrcode.constants.ERROR_CORRECT_L,
    "M": qrcode.constants.ERROR_CORRECT_M,
    "Q": qrcode.constants.ERROR_CORRECT_Q,
    "H": qrcode.constants.ERROR_CORRECT_H,
}

Box = tuple[int, int, int, int]


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """The dots of a paper, the texts that were cut to fit, and where each barcode's bars stand (x, y, w, h)."""

    image: Image.Image
    cut: tuple[Text, ...]
    bars: tuple[tuple[Barcode, Box], ...]


def draw(paper: Paper) -> Image.Image:
    """The paper as a picture of one bit a dot; raise `Unprintable` when something does not fit."""
    return lay_out(paper).image


def cut_texts(paper: Paper) -> tuple[Text, ...]:
    """The texts of this paper that end with an ellipsis because they are longer than their place."""
    return lay_out(paper).cut


def lay_out(paper: Paper) -> Drawing:
    """Draw a paper and tell what became of its texts and bars; raise `Unprintable` when something does not fit."""
    sheet = _Sheet(paper.form.width, paper.form.height or LONGEST)
    if paper.form.height is not None:
        for cell in paper.items:
            if isinstance(cell, NextPage):
                raise Unprintable("one picture shows one page")
            if isinstance(cell, At):
                sheet.place(cell.item, (cell.x, cell.y, cell.w, cell.h))
        image = sheet.image
    else:
        for item in paper.items:
            sheet.flow(item)
        image = sheet.image.crop((0, 0, paper.form.width, max(sheet.y, 1)))
    return Drawing(image=image, cut=tuple(sheet.cut), bars=tuple(sheet.bars))


@lru_cache(maxsize=256)
def _font(name: str, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(FONTS / name, size)


@lru_cache(maxsize=4096)
def _has(name: str, character: str) -> bool:
    """Whether a font draws this character with a sign of its own, not with the box of the unknown."""
    font = _font(name, 24)
    missing, sign = font.getmask("\U0010fffd", mode="1"), font.getmask(character, mode="1")
    return not (sign.size == missing.size and bytes(sign) == bytes(missing))


def check_signs(text: Text) -> None:
    """Raise `Unprintable` when this machine cannot write every sign of a text as its script wants it."""
    font_of(text)
    direction_of(text)


def font_of(text: Text) -> str:
    """The first font that has every sign; `Unprintable` rather than a name with boxes in it."""
    for name in (f"DejaVuSansCondensed{'-Bold' if text.bold else ''}.ttf", "DejaVuSans.ttf"):
        if all(character == " " or _has(name, character) for character in text.s):
            return name
    raise Unprintable("this text has signs that the fonts of the house do not have")


def is_shaped(text: Text) -> bool:
    """Whether a text holds letters that are joined and read from the right."""
    return any("\u0590" <= sign <= "\u08ff" or "\ufb1d" <= sign <= "\ufefc" for sign in text.s)


def direction_of(text: Text) -> str | None:
    """Where a text begins, None where there is nothing to shape; `Unprintable` on a machine that cannot shape it."""
    right_to_left = is_shaped(text)
    if (right_to_left or text.lang in _RIGHT_TO_LEFT) and not features.check("raqm"):
        raise Unprintable("this machine cannot shape right-to-left text: install libfribidi")
    if not right_to_left:
        return None
    if text.lang in _RIGHT_TO_LEFT:
        return "rtl"
    # In a text of ours an Arabic name stands between our own words; alone, its first letter decides.
    return "ltr" if any("A" <= sign <= "ɏ" and sign.isalpha() for sign in text.s) else None


def lines_of(text: Text, width: int) -> list[str]:
    """The lines into which a paragraph of its largest size breaks, `width` in dots; `Unprintable` for unknown signs."""
    name, direction = font_of(text), direction_of(text)
    return _broken(text.s, lambda line: _wide(name, text.size_max, text, line, direction) <= width)


class _Sheet:
    """White dots being drawn on, and what is remembered of it."""

    def __init__(self, width: int, height: int) -> None:
        self.image = Image.new("1", (width, height), WHITE)
        self.pen = ImageDraw.Draw(self.image)
        self.width = width
        self.y = 0
        self.cut: list[Text] = []
        self.bars: list[tuple[Barcode, Box]] = []

    def place(self, item: Drawn, box: Box) -> None:
        """Draw an item in its cell."""
        match item:
            case Text():
                self._line(item, box)
            case Barcode():
                self._bars(item, box)
            case Qr():
                self._paste(_qr_image(item), box)
            case Picture():
                self._paste(_picture_image(item), box)
            case Rule():
                x, y, w, h = box
                self.pen.rectangle((x, y, x + w - 1, y + h - 1), fill=BLACK)

    def flow(self, item: object) -> None:
        """Draw the next item of a roll under what stands there."""
        match item:
            case Text():
                self._paragraph(item)
            case Barcode():
                self._go_on(item, item.height_dots)
            case Qr():
                self._go_on(item, _qr_image(item).height)
            case Picture():
                self._go_on(item, item.height)
            case Feed():
                self._advance(item.dots)
            case Cut() | _:
                pass

    def _go_on(self, item: Drawn, height: int) -> None:
        y = self.y
        self._advance(height)
        self.place(item, (0, y, self.width, height))

    def _advance(self, dots: int) -> None:
        self.y += dots
        if self.y > LONGEST:
            raise Unprintable("this paper is longer than two metres")

    def _paragraph(self, text: Text) -> None:
        name, direction, width = font_of(text), direction_of(text), self.width - 2 * MARGIN
        lines, size = [text.s], text.size_max
        while size > text.size_min and _wide(name, size, text, text.s, direction) > width:
            size -= 1
        if _wide(name, size, text, text.s, direction) > width:
            lines = _broken(text.s, lambda line: _wide(name, size, text, line, direction) <= width)
        ascent, descent = _font(name, size).getmetrics()
        for line in lines:
            # A sign over another, as in Arabic, may reach higher than the font tells of itself.
            y, tall = self.y, max(ascent + descent, math.ceil(_tall(name, size, text, line, direction)))
            self._advance(tall)
            self._line(text, (MARGIN, y, width, tall), line=line, size=size)

    def _line(self, text: Text, box: Box, *, line: str | None = None, size: int | None = None) -> None:
        x, y, w, h = box
        name, direction = font_of(text), direction_of(text)
        shown = text.s if line is None else line
        size, shown = _fitted(name, text, shown, direction=direction, room=(w, h), size=size)
        if not shown.startswith(text.s if line is None else line):
            self.cut.append(text)
        font = _font(name, size)
        left, top, right, bottom = font.getbbox(
            shown, mode="1", direction=direction, language=text.lang if direction else None
        )
        side = "end" if direction == "rtl" and text.align == "start" else text.align
        side = "start" if direction == "rtl" and text.align == "end" else side
        free = w - (right - left)
        column = x - left + {"start": 0, "center": free // 2, "end": free}[side]
        capital = font.getbbox("H")
        row = y + (h - (capital[3] - capital[1])) // 2 - capital[1]
        # Accents and tails stay inside the cell even where the capitals alone would stand in its middle.
        row = min(max(row, y - int(top)), y + h - int(bottom))
        if text.inverse:
            self.pen.rectangle((x, y, x + w - 1, y + h - 1), fill=BLACK)
        self.pen.text(
            (column, row),
            shown,
            fill=WHITE if text.inverse else BLACK,
            font=font,
            direction=direction,
            language=text.lang if direction else None,
        )

    def _bars(self, barcode: Barcode, box: Box) -> None:
        x, y, w, h = box
        left, top = x + (w - barcode.width) // 2, y + (h - barcode.height_dots) // 2
        for place, width in code128.bars(barcode.digits):
            at, dots = left + place * barcode.module_dots, width * barcode.module_dots
            self.pen.rectangle((at, top, at + dots - 1, top + barcode.height_dots - 1), fill=BLACK)
        self.bars.append((barcode, (left, top, barcode.width, barcode.height_dots)))

    def _paste(self, image: Image.Image, box: Box) -> None:
        x, y, w, h = box
        if image.width > w or image.height > h:
            raise Unprintable("a code is larger than its place")
        self.image.paste(image, (x + (w - image.width) // 2, y + (h - image.height) // 2))


def _wide(name: str, size: int, text: Text, line: str, direction: str | None) -> float:
    box = _font(name, size).getbbox(line, mode="1", direction=direction, language=text.lang if direction else None)
    return box[2] - box[0]


def _tall(name: str, size: int, text: Text, line: str, direction: str | None) -> float:
    box = _font(name, size).getbbox(line, mode="1", direction=direction, language=text.lang if direction else None)
    return box[3] - box[1]


def _fitted(
    name: str, text: Text, shown: str, *, direction: str | None, room: tuple[int, int], size: int | None
) -> tuple[int, str]:
    """The largest size at which a text fits its room, or the text cut with an ellipsis at the smallest size."""

    def fits(line: str, dots: int) -> bool:
        left, top, right, bottom = _font(name, dots).getbbox(
            line, mode="1", direction=direction, language=text.lang if direction else None
        )
        return right - left <= room[0] and bottom - top <= room[1]

    sizes = range(text.size_max, text.size_min - 1, -1) if size is None else (size,)
    for dots in sizes:
        if fits(shown, dots):
            return dots, shown
    if not text.may_cut:
        raise Unprintable("a text does not fit its place at its smallest size")
    length = _longest(shown, lambda beginning: fits(beginning.rstrip() + "…", sizes[-1]))
    shorter = shown[:length].rstrip() + "…"
    if not fits(shorter, sizes[-1]):
        raise Unprintable("not even the first letter of a text fits its place")
    return sizes[-1], shorter


def _broken(text: str, fits: Callable[[str], bool]) -> list[str]:
    """The lines of a paragraph, broken between words; a word wider than the roll goes on in the next line."""
    lines: list[str] = []
    for word in text.split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and fits(longer):
            lines[-1] = longer
            continue
        lines.append(word)
        while not fits(lines[-1]) and len(lines[-1]) > 1:
            rest = lines.pop()
            length = _longest(rest, fits)
            lines += [rest[:length], rest[length:]]
    return lines


def _longest(text: str, fits: Callable[[str], bool]) -> int:
    """How many letters of a text that is too long fit, one at the least; longer is never narrower."""
    return max(1, bisect_left(range(1, len(text)), 1, key=lambda length: not fits(text[:length])))


@lru_cache(maxsize=64)
def _qr_image(item: Qr) -> Image.Image:
    code = qrcode.QRCode(error_correction=_CORRECTION[item.ecc], border=QR_QUIET_MODULES)
    code.add_data(item.data)
    try:
        matrix = code.get_matrix()
    except (DataOverflowError, ValueError) as fault:
        raise Unprintable("this is more than a QR code holds") from fault
    small = Image.new("1", (len(matrix), len(matrix)), WHITE)
    small.putdata([BLACK if dark else WHITE for row in matrix for dark in row])
    return small.resize((small.width * item.module_dots,) * 2, Image.Resampling.NEAREST)


def _picture_image(item: Picture) -> Image.Image:
    # The raw mode "1;I" reads 1 as black, which is how a printer thinks.
    return Image.frombytes("1", (item.width, item.height), bytes.fromhex(item.bits), "raw", "1;I")
