"""The same values as on a roll, as the A4 pages of one PDF: its letters inside it, nothing of its maker or its hour."""

import io
import logging
from datetime import UTC, datetime
from functools import cache
from typing import Any

from fontTools.ttLib import TTFont
from fpdf import FPDF
from fpdf.enums import Align, XPos, YPos
from fpdf.fonts import TTFFont

from printers.draw import FONTS, direction_of, font_of, is_shaped, lay_out
from printers.errors import Unprintable
from printers.paper import At, Barcode, Paper, Picture, Qr, Rule, Text
from printers.verify import verify

# They tell the log which letters a document holds: of a result, that is nearly all.
for _told in ("fontTools", "fpdf"):
    logging.getLogger(_told).setLevel(logging.CRITICAL)

_POINTS = 72 / 25.4
#: A title that the printer may show to whoever stands there.
TITLE = "Document"
_NEVER = datetime(2000, 1, 1, tzinfo=UTC)


class _Document(FPDF):
    """A PDF that tells only what stands on its pages: the same paper is the same bytes."""

    def file_id(self) -> None:
        """No identifier made of the hour."""


def draw_pages(paper: Paper) -> bytes:
    """A paper of A4 sheets as a PDF; raise `Unprintable` when something does not fit, or a code is not read back.

    Texts shrink to their smallest size as on every other medium; one that may be cut ends with an ellipsis.
    """
    if not paper.form.has_pages:
        raise Unprintable("only a sheet has pages")
    out = _Document(unit="pt", format="A4")
    out.set_auto_page_break(auto=False)
    out.set_margin(0)
    out.c_margin = 0
    out.set_title(TITLE)
    out.set_lang("fr")
    out.set_producer("")
    out.set_creation_date(_NEVER)
    out.set_image_filter("FlateDecode")
    try:
        for page in paper.pages():
            out.add_page()
            for cell in page:
                if isinstance(cell, At):
                    _place(out, cell, paper)
        return bytes(out.output())
    finally:
        for font in out.fonts.values():  # the library leaves their files open
            if isinstance(font, TTFFont):
                font.ttfont.close()


def _place(out: _Document, cell: At, paper: Paper) -> None:
    scale = _POINTS / paper.form.dpmm
    x, y, w, h = cell.x * scale, cell.y * scale, cell.w * scale, cell.h * scale
    match cell.item:
        case Text():
            _write(out, cell.item, (x, y, w, h), scale)
        case Rule():
            out.set_fill_color(0)
            out.rect(x, y, w, h, style="F")
        case Barcode() | Qr() | Picture():
            # Codes stay whole dots, and the very dots are read back before anything is sent.
            alone = Paper(kind=paper.kind, form=paper.form, items=(cell,), key=paper.key)
            drawing = lay_out(alone)
            verify(alone, drawing)
            dots = io.BytesIO()
            # In grey: the library packs one bit a dot so that readers see slanted lines.
            drawing.image.crop((cell.x, cell.y, cell.x + cell.w, cell.y + cell.h)).convert("L").save(dots, "PNG")
            out.image(dots, x, y, w, h)


def _write(out: _Document, text: Text, box: tuple[float, float, float, float], scale: float) -> None:
    x, y, w, h = box
    name, direction = font_of(text), direction_of(text)
    if name.lower() not in out.fonts:
        out.add_font(name, fname=FONTS / name)
    out.set_text_shaping(use_shaping_engine=is_shaped(text), direction=direction, language=text.lang)
    shown = _fitted(out, text, name, w, h, scale)
    if text.inverse:
        out.set_fill_color(0)
        out.rect(x, y, w, h, style="F")
    out.set_text_color(255 if text.inverse else 0)
    side = {"start": Align.L, "center": Align.C, "end": Align.R}[text.align]
    if direction == "rtl" and text.align != "center":
        side = Align.R if text.align == "start" else Align.L
    out.set_xy(x, y)
    out.cell(w, h, shown, align=side, new_x=XPos.LEFT, new_y=YPos.TOP)


def _fitted(out: _Document, text: Text, name: str, w: float, h: float, scale: float) -> str:
    """Set the largest size at which a text fits, or cut it at the smallest."""
    for size in range(text.size_max, text.size_min - 1, -1):
        out.set_font(name, size=size * scale)
        if out.get_string_width(text.s) <= w and size * scale * _line_height(name) <= h + 0.01:
            return text.s
    if not text.may_cut or text.size_min * scale * _line_height(name) > h + 0.01:
        raise Unprintable("a text does not fit its place at its smallest size")
    shown = text.s
    while shown and out.get_string_width(shown.rstrip() + "…") > w:
        shown = shown[:-1]
    if not shown:
        raise Unprintable("not even the first letter of a text fits its place")
    return shown.rstrip() + "…"


@cache
def _line_height(name: str) -> float:
    """How tall a line of this font is, accents and tails included, as a share of its size."""
    with TTFont(FONTS / name, lazy=True) as font:
        told: Any = font
        height: float = (told["hhea"].ascent - told["hhea"].descent) / told["head"].unitsPerEm
    return height
