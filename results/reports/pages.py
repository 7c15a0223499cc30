"""A report as A4 pages: who it is of, a table of what was found, who signed it and when, on every page its number."""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from kiosk.register.errors import Invalid
from printers.draw import lines_of
from printers.paper import A4, At, Item, NextPage, Rule, Text
from results.reports.assemble import Line, Report, Status
from results.reports.words import MARKS, WITHDRAWN, warnings

_MM: Final = A4.dpmm
_LEFT, _WIDTH, _TOP, _BOTTOM = 20, 170, 15, 277  #: mm of the sheet that carry text, without the foot
_PITCH: Final = 5  #: mm from one line to the next
#: Columns of the table: where each begins and how wide it is, in mm.
_COLUMNS: Final = ((20, 66), (88, 38), (128, 24), (154, 36))
_HEADS: Final = ("Examen", "Résultat", "Unité", "Valeurs de référence")
#: Values longer than this stand under their exam, over the whole width.
_LONG: Final = 60
_BLANK: Final = "Cette feuille reste blanche, comme dans chaque pli."
#: What may show through the window of an envelope (C5, DL) wherever the folded sheet slides: x, y, width in mm.
ADDRESS: Final = (102, 46, 86)
#: Lines of an address, and letters of each (NF Z 10-011).
ADDRESS_LINES, ADDRESS_LETTERS = 6, 38


@dataclass(frozen=True, kw_only=True, repr=False)
class Signed:
    """One report with the full name of who signed it, and the day and hour as they are written."""

    report: Report
    by: str
    on: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Head:
    """What stands above: the laboratory, the person's name, and the other lines of her identity."""

    laboratory: str
    name: str
    identity: tuple[str, ...]


class AddressTooLong(Invalid):
    """An address has six lines of 38 letters at the most; shorten it."""

    french = "Une adresse a six lignes de 38 lettres au plus. Raccourcissez-la."


def address_of(lines: Sequence[str]) -> tuple[str, ...]:
    """The lines of an address as typed, without the empty ones.

    Raises:
        AddressTooLong: more than fits behind the window of an envelope.
    """
    kept = tuple(clean for clean in (_clean(line) for line in lines) if clean)
    if len(kept) > ADDRESS_LINES or any(len(line) > ADDRESS_LETTERS for line in kept):
        raise AddressTooLong
    return kept


#: A piece that is not parted: its height in mm, and its cells as if it began at the top of the sheet.
_Piece = tuple[int, list[At]]


def lay_out_pages(
    head: Head, reports: Sequence[Signed], *, least: int, address: Sequence[str] = ()
) -> tuple[Item, ...]:
    """Lay reports out on A4 sheets.

    Args:
        head: repeated on every sheet.
        reports: in the order in which they are read.
        least: sheets of the class; a report that needs more takes twice as many, so often as it must. 0: as it comes.
        address: lines that alone stand on a first sheet, where an envelope has its window; none: no such sheet.

    Raises:
        Unprintable: a sign that no font of the house writes.
    """
    pages = _Pages(head)
    for place, signed in enumerate(reports):
        if place:
            pages.feed(_PITCH)
        for piece in _report(signed):
            pages.add(piece)
    count = len(pages.sheets)
    if least:
        while least < count:
            least *= 2
        count = least
    while len(pages.sheets) < count:
        pages.turn()
        pages.add(_line(_BLANK))
    sheets = [[*sheet, *_foot(head, number, count)] for number, sheet in enumerate(pages.sheets, start=1)]
    if address:
        sheets.insert(0, _window(address))
    return tuple(item for place, sheet in enumerate(sheets) for item in ([NextPage()] if place else []) + sheet)


class _Pages:
    """Sheets being filled from the top; the head of a table comes again where it goes on."""

    def __init__(self, head: Head) -> None:
        self.head = head
        self.sheets: list[list[At]] = []
        self.y = 0
        self.table: _Piece | None = None
        self.turn()

    def turn(self) -> None:
        """A new sheet with the identity above."""
        self.sheets.append([])
        self.y = _TOP
        first = len(self.sheets) == 1
        self._put(_line(self.head.laboratory, 5 if first else 4, bold=True, may_cut=True))
        if first:
            self.feed(4)
            for piece in (*_paragraph(self.head.name, 6, bold=True), *(_line(words) for words in self.head.identity)):
                self._put(piece)
        else:
            self._put(_line(", ".join((self.head.name, *self.head.identity[:1])), may_cut=True))
        self.feed(1)
        self._put((2, [_cell(_LEFT, 0, _WIDTH, 1, Rule())]))
        self.feed(2)

    def add(self, piece: "_Piece | _Table | None") -> None:
        """The next piece, on the next sheet if this one is full; a table begins or, with None, is over."""
        if piece is None or isinstance(piece, _Table):
            self.table = None if piece is None else piece.head
            if self.table is not None:
                self._fit(self.table[0] + 3 * _PITCH)
                self._put(self.table)
            return
        if self._fit(piece[0]) and self.table is not None:
            self._put(self.table)
        self._put(piece)

    def feed(self, height: int) -> None:
        """White paper, in mm."""
        self.y += height

    def _fit(self, height: int) -> bool:
        """Turn over if so much does not fit any more; say whether that was so."""
        full = self.y + height > _BOTTOM
        if full:
            self.turn()
        return full

    def _put(self, piece: _Piece) -> None:
        height, cells = piece
        self.sheets[-1] += [At(x=one.x, y=one.y + self.y * _MM, w=one.w, h=one.h, item=one.item) for one in cells]
        self.y += height


@dataclass(frozen=True)
class _Table:
    """The beginning of a table."""

    head: _Piece


def _report(signed: Signed) -> Iterator["_Piece | _Table | None"]:
    report = signed.report
    for words in [report.title] if report.title else []:
        yield from _paragraph(words, 5, bold=True)
    for words in warnings(report):
        yield from _paragraph(words, bold=True)
    yield (2, [])
    if report.is_withdrawn:
        yield _line(WITHDRAWN)
        return
    yield _Table((_PITCH + 2, [
        *(_cell(x, 0, w, _PITCH, _text(words, bold=True)) for (x, w), words in zip(_COLUMNS, _HEADS, strict=True)),
        _cell(_LEFT, _PITCH, _WIDTH, 1, Rule(), thin=True),
    ]))  # fmt: skip
    for line in report.shown:
        yield from _row(line)
    yield None
    if name := signed.by or report.validated_by:
        yield (_PITCH, [])
        yield from _paragraph(f"Validé par {name}, biologiste{f', {signed.on}' if signed.on else ''}.")


def _row(line: Line) -> Iterator[_Piece]:
    name = [line.label, *([f"({MARKS[line.status]})"] if line.status in MARKS else [])]
    value, unit, below = line.value, line.unit, list[str]()
    if line.status is Status.PENDING:
        value, unit = "", ""
    elif line.is_document:
        value, unit = "document joint", ""
    elif "\n" in value or len(value) > _LONG:
        value, below = "", [part for part in f"{value} {unit}".rstrip().split("\n") if part.strip()]
        unit = ""
    shown = line.status is not Status.PENDING
    columns = [name, [value], [unit], [line.reference if shown else ""]]
    cells, tallest = list[At](), 1
    for (x, w), parts in zip(_COLUMNS, columns, strict=True):
        broken = [piece for words in parts if _clean(words) for piece in lines_of(_text(words), w * _MM * 24 // 25)]
        cells += [_cell(x, row * _PITCH, w, _PITCH, _text(piece)) for row, piece in enumerate(broken)]
        tallest = max(tallest, len(broken))
    yield (tallest * _PITCH + 1, cells)
    comments = [part for comment in line.comments for part in comment.split("\n")] if shown else []
    for words in [*below, *comments]:
        yield from _paragraph(words, indent=6)
    if below or comments:
        yield (1, [])


def _paragraph(words: str, size: int = 4, *, bold: bool = False, indent: int = 0) -> Iterator[_Piece]:
    width = (_WIDTH - indent) * _MM * 24 // 25
    # Parted roughly first: a text has at most 2,000 letters.
    for part in textwrap.wrap(_clean(words), 400, break_on_hyphens=False):
        for line in lines_of(_text(part, size, bold=bold), width):
            yield _line(line, size, bold=bold, indent=indent)


def _line(words: str, size: int = 4, *, bold: bool = False, indent: int = 0, may_cut: bool = False) -> _Piece:
    text = _text(words, size, bold=bold, may_cut=may_cut)
    return (size + 1, [_cell(_LEFT + indent, 0, _WIDTH - indent, size + 1, text)])


def _foot(head: Head, number: int, count: int) -> list[At]:
    place = f"Page {number} sur {count}"
    return [
        _cell(_LEFT, 281, 130, _PITCH, _text(head.name, may_cut=True)),
        _cell(150, 281, 40, _PITCH, Text(s=place, size_max=42, size_min=30, align="end")),
    ]


def _window(address: Sequence[str]) -> list[At]:
    x, y, w = ADDRESS
    texts = [Text(s=_clean(words), size_max=42, size_min=24) for words in address[:ADDRESS_LINES]]
    return [_cell(x, y + _PITCH * row, w, _PITCH, text) for row, text in enumerate(texts)]


def _text(words: str, size: int = 4, *, bold: bool = False, may_cut: bool = False) -> Text:
    """A text of so many mm from accent to tail; a hand's breadth of shrinking makes up for two ways of measuring."""
    dots = round(size * _MM * 7 / 8)
    return Text(s=_clean(words) or "\u2013", size_max=dots, size_min=dots * 5 // 6, bold=bold, may_cut=may_cut)


def _clean(words: str) -> str:
    """A sign that no printer writes becomes a blank."""
    return "".join(sign if sign.isprintable() else " " for sign in words).strip()


def _cell(x: int, y: int, w: int, h: int, item: Text | Rule, *, thin: bool = False) -> At:
    return At(x=x * _MM, y=y * _MM, w=w * _MM, h=4 if thin else (6 if isinstance(item, Rule) else h * _MM), item=item)
