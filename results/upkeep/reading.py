"""Reads the digits on a printed paper, as a patient's eye does, so that the rehearsal trusts nothing but the ink."""

from functools import cache
from itertools import groupby

from PIL import Image, ImageChops, ImageDraw, ImageFont

from printers.draw import FONTS

FACES = ("DejaVuSansCondensed.ttf", "DejaVuSansCondensed-Bold.ttf")
#: A capital or a digit is so high in these faces, in parts of the size.
CAP_HEIGHT = 0.729
#: Two glyphs that differ in more than this share of their dots are not the same.
DIFFERENT = 0.12


def read_digits(image: Image.Image) -> list[str]:
    """The lines of a paper, top to bottom: digits as digits, every other sign as a dot, blanks as blanks.

    Args:
        image: black ink on white.
    """
    ink = ImageChops.invert(image.convert("L")).point(lambda grey: 255 if grey > 127 else 0)
    return [_read_line(ink.crop((0, top, ink.width, bottom))) for top, bottom in _runs(ink, along_rows=True)]


def _read_line(line: Image.Image) -> str:
    spans = _runs(line, along_rows=False)
    height = line.height
    said, end = "", None
    for left, right in spans:
        if end is not None and left - end > height * 0.28:
            said += " "
        said += _digit(line.crop((left, 0, right, height)))
        end = right
    return said


def _digit(glyph: Image.Image) -> str:
    box = glyph.getbbox()
    if box is None:
        return "."
    shape = glyph.crop(box)
    size = round(shape.height / CAP_HEIGHT)
    best, found = DIFFERENT, "."
    for face in FACES:
        for trial in range(max(8, size - 2), size + 3):
            for digit, known in _known(face, trial).items():
                if abs(known.width - shape.width) <= 1 and abs(known.height - shape.height) <= 1:
                    apart = _apart(shape, known)
                    if apart < best:
                        best, found = apart, digit
    return found


@cache
def _known(face: str, size: int) -> dict[str, Image.Image]:
    font = ImageFont.truetype(FONTS / face, size)
    drawn = {}
    for digit in "0123456789":
        sheet = Image.new("L", (size * 2, size * 2))
        pen = ImageDraw.Draw(sheet)
        pen.fontmode = "1"
        pen.text((size // 2, size // 4), digit, fill=255, font=font)
        drawn[digit] = sheet.crop(sheet.getbbox())
    return drawn


def _apart(one: Image.Image, other: Image.Image) -> float:
    width, height = max(one.width, other.width), max(one.height, other.height)
    sheets = []
    for image in (one, other):
        sheet = Image.new("L", (width, height))
        sheet.paste(image)
        sheets.append(sheet)
    return ImageChops.difference(*sheets).histogram()[255] / (width * height)


def _runs(image: Image.Image, *, along_rows: bool) -> list[tuple[int, int]]:
    """Where there is ink: spans of rows, or of columns, that are not blank."""
    count = image.height if along_rows else image.width
    other = image.width if along_rows else image.height
    inked = [
        image.crop((0, at, other, at + 1) if along_rows else (at, 0, at + 1, other)).getbbox() is not None
        for at in range(count)
    ]
    spans, start = [], 0
    for has_ink, run in groupby(inked):
        length = len(list(run))
        if has_ink:
            spans.append((start, start + length))
        start += length
    return spans
