"""What is printed, as values that can be compared, stored and drawn again."""

import json
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from itertools import combinations
from typing import Any, Literal, Self

from printers.errors import NoPlaceForReports, NotARoll, Unprintable

QUIET_MODULES = 10  #: white modules left and right of every Code 128 (ISO/IEC 15417)
QR_QUIET_MODULES = 4  #: white modules around every QR code (ISO/IEC 18004)
#: Bytes that the largest QR code holds, by error correction.
QR_BYTES = {"L": 2953, "M": 2331, "Q": 1663, "H": 1273}
#: Characters that could reorder a name on paper without being seen.
_REORDERING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_KIND = re.compile(r"[a-z][a-z0-9-]{0,39}")
_KEY = re.compile(r"[!-~]{1,200}")
_LANGUAGE = re.compile(r"[a-z]{2,3}")


def _must(right: bool, otherwise: str) -> None:
    if not right:
        raise Unprintable(otherwise)


def _whole(low: int, high: int, **numbers: int) -> None:
    for name, number in numbers.items():
        _must(type(number) is int and low <= number <= high, f"{name} must be a whole number from {low} to {high}")


def _flags(**flags: bool) -> None:
    for name, flag in flags.items():
        _must(type(flag) is bool, f"{name} must be true or false")


@dataclass(frozen=True, kw_only=True)
class Form:
    """A medium: the printable width and height in millimetres, the gap to the next label, dots per millimetre.

    A height of None is a roll, as long as its paper. 8 dots per mm are 203 dpi, 12 are 300 dpi.
    """

    width_mm: int
    height_mm: int | None = None
    gap_mm: int = 0
    dpmm: int = 8

    def __post_init__(self) -> None:
        _whole(10, 300, width_mm=self.width_mm)
        _whole(0, 50, gap_mm=self.gap_mm)
        _must(self.dpmm in {6, 8, 12, 24}, "dpmm must be 6, 8, 12 or 24")
        if self.height_mm is not None:
            _whole(5, 600, height_mm=self.height_mm)

    @property
    def width(self) -> int:
        """The printable width in dots."""
        return self.width_mm * self.dpmm

    @property
    def height(self) -> int | None:
        """The height in dots, None for a roll."""
        return None if self.height_mm is None else self.height_mm * self.dpmm

    @property
    def has_pages(self) -> bool:
        """Whether this is a sheet of an office printer, of which one paper may take several."""
        return self == A4


LABEL_50X25 = Form(width_mm=50, height_mm=25, gap_mm=3)
ROLL_80 = Form(width_mm=72)  #: 80 mm of paper, 576 dots of head
ROLL_58 = Form(width_mm=48)  #: 58 mm of paper, 384 dots of head
A4 = Form(width_mm=210, height_mm=297, dpmm=12)  #: the whole sheet of an office printer, its white border included
_COARSE = {
    "label-50x25": LABEL_50X25,
    "label-50x30": Form(width_mm=50, height_mm=30, gap_mm=3),
    "label-57x32": Form(width_mm=57, height_mm=32, gap_mm=3),
    "label-38x25": Form(width_mm=38, height_mm=25, gap_mm=3),
    "roll-80": ROLL_80,
    "roll-58": ROLL_58,
}
#: Media by the names that settings know: each for a head of 203 dpi, and of 300 dpi.
MEDIA = _COARSE | {f"{name}-300dpi": replace(form, dpmm=12) for name, form in _COARSE.items()} | {"a4": A4}


def must_be_roll(form: Form) -> None:
    """Raise `NotARoll` unless tickets, slips and reports can stand on this medium: 48 mm of print at the least."""
    if form.height is not None or form.width_mm < ROLL_58.width_mm:
        raise NotARoll


def must_hold_reports(form: Form) -> None:
    """Raise `NoPlaceForReports` unless a report can stand on this medium: A4 sheets, or a roll as for a ticket."""
    if not form.has_pages:
        try:
            must_be_roll(form)
        except NotARoll as fault:
            raise NoPlaceForReports from fault


@dataclass(frozen=True, kw_only=True)
class Text:
    """One line of a label cell, or one paragraph of a roll; sizes in dots of the form.

    It shrinks from `size_max` to `size_min` until it fits; then a roll breaks it into lines, a label refuses it,
    or cuts it with a visible ellipsis where `may_cut` allows that.
    """

    s: str
    size_max: int
    size_min: int
    bold: bool = False
    inverse: bool = False
    align: Literal["start", "center", "end"] = "start"
    lang: str = "fr"
    may_cut: bool = False

    def __post_init__(self) -> None:
        _must(isinstance(self.s, str), "a text is a string")
        object.__setattr__(self, "s", unicodedata.normalize("NFC", self.s))
        _must(self.s.strip() != "", "a text is not empty")
        bad = {c for c in self.s if unicodedata.category(c) in {"Cc", "Cs", "Zl", "Zp"} or c in _REORDERING}
        _must(not bad, "a text holds no control characters")
        _must(len(self.s) <= 2000, "a text has at most 2000 characters")
        _whole(8, 600, size_min=self.size_min, size_max=self.size_max)
        _must(self.size_min <= self.size_max, "size_min is not above size_max")
        _flags(bold=self.bold, inverse=self.inverse, may_cut=self.may_cut)
        _must(self.align in {"start", "center", "end"}, "align is start, center or end")
        _must(_LANGUAGE.fullmatch(self.lang) is not None, "lang is a language of two or three letters")


@dataclass(frozen=True, kw_only=True)
class Barcode:
    """A Code 128 in set C: an even number of digits, the narrowest bar and the height in dots."""

    digits: str
    module_dots: int = 2
    height_dots: int = 60

    def __post_init__(self) -> None:
        _must(re.fullmatch(r"[0-9]{2,40}", self.digits) is not None, "a barcode holds 2 to 40 digits")
        _must(len(self.digits) % 2 == 0, "a barcode of set C has an even number of digits")
        _whole(1, 8, module_dots=self.module_dots)
        _whole(16, 1200, height_dots=self.height_dots)

    @property
    def width(self) -> int:
        """The bars' width in dots: start, pairs, check value and stop; quiet zones come besides."""
        return (11 * (len(self.digits) // 2) + 35) * self.module_dots

    @property
    def quiet(self) -> int:
        """The white columns on each side, in dots."""
        return QUIET_MODULES * self.module_dots


@dataclass(frozen=True, kw_only=True)
class Qr:
    """A QR code: its text, the module in dots, the error correction L, M, Q or H."""

    data: str
    module_dots: int = 3
    ecc: Literal["L", "M", "Q", "H"] = "M"

    def __post_init__(self) -> None:
        _must(self.ecc in QR_BYTES, "the error correction is L, M, Q or H")
        _must(isinstance(self.data, str) and self.data != "", "a QR code is not empty")
        _must(
            not any(unicodedata.category(c) in {"Cc", "Cs"} for c in self.data), "a QR code holds no control characters"
        )
        # Digits need 10 bits for three, the alphanumeric set 11 for two: the exact limit is the drawing's to find.
        _must(len(self.data.encode()) <= QR_BYTES[self.ecc] * 12 // 5, "this is more than a QR code holds")
        _whole(1, 20, module_dots=self.module_dots)


@dataclass(frozen=True, kw_only=True)
class Picture:
    """Dots as they are: rows of `width` bits padded to whole bytes, in hexadecimal, 1 is black.

    `symbols` says what a reader must decode in it, or nothing.
    """

    width: int
    height: int
    bits: str
    symbols: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _whole(1, 2400, width=self.width)
        _whole(1, 4800, height=self.height)
        right = len(self.bits) == 2 * ((self.width + 7) // 8) * self.height and re.fullmatch("[0-9a-f]*", self.bits)
        _must(bool(right), "the bits of a picture do not match its size")
        _must(all(isinstance(symbol, str) and symbol for symbol in self.symbols), "a symbol is a text")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A black bar that fills its cell: the line under a table's head."""


@dataclass(frozen=True, kw_only=True)
class Feed:
    """White paper on a roll, in dots."""

    dots: int

    def __post_init__(self) -> None:
        _whole(1, 2400, dots=self.dots)


@dataclass(frozen=True, kw_only=True)
class Cut:
    """The knife, after the last line of a roll."""


@dataclass(frozen=True, kw_only=True)
class NextPage:
    """The end of a sheet: the cells that follow stand on the next one."""


Drawn = Text | Barcode | Qr | Picture | Rule


@dataclass(frozen=True, kw_only=True)
class At:
    """A cell of a label: its left top corner and its size in dots, and the one item drawn in it."""

    x: int
    y: int
    w: int
    h: int
    item: Drawn

    def __post_init__(self) -> None:
        _whole(0, 10_000, x=self.x, y=self.y)
        _whole(1, 10_000, w=self.w, h=self.h)
        _must(isinstance(self.item, Drawn), "a cell holds a text, a barcode, a QR code, a picture, a rule")
        if isinstance(self.item, Barcode):
            _must(self.item.width <= self.w and self.item.height_dots <= self.h, "the barcode is larger than its cell")
        if isinstance(self.item, Picture):
            _must(self.item.width <= self.w and self.item.height <= self.h, "the picture is larger than its cell")
        if isinstance(self.item, Text):
            _must(self.item.size_min <= 2 * self.h, "the text is taller than its cell")

    @property
    def kept(self) -> tuple[int, int, int, int]:
        """The columns and rows that belong to this cell alone: left, top, right, bottom; quiet zones included."""
        quiet = 0
        if isinstance(self.item, Barcode):
            # The bars stand in the middle of their cell; what the cell leaves white counts as quiet zone.
            quiet = max(0, self.item.quiet - (self.w - self.item.width) // 2)
        return self.x - quiet, self.y, self.x + self.w + quiet, self.y + self.h


Item = Drawn | Feed | Cut | At | NextPage
_NAMES: dict[str, Callable[..., Item]] = {
    "text": Text, "barcode": Barcode, "qr": Qr, "picture": Picture, "rule": Rule, "feed": Feed, "cut": Cut, "at": At,
    "nextpage": NextPage,
}  # fmt: skip


def _apart(one: tuple[int, int, int, int], two: tuple[int, int, int, int]) -> bool:
    return one[2] <= two[0] or two[2] <= one[0] or one[3] <= two[1] or two[3] <= one[1]


@dataclass(frozen=True, kw_only=True)
class Paper:
    """One paper: what it is, its medium, what stands on it, its key, and how long it makes sense.

    A label is a list of `At`, a sheet too, with `NextPage` between two; a roll is a flow of the other items, read from
    the top. `key` says what and which copy
    (`label/263250100014/1`): one key is printed by one job. `expires_s` counts from the moment it is put in the spool;
    then it is `void`, or a person is asked. `secret` papers are readable by the running station only, and never kept.
    """

    kind: str
    form: Form
    items: tuple[Item, ...]
    key: str
    expires_s: int | None = None
    on_expiry: Literal["void", "ask"] = "void"
    secret: bool = False
    version: int = 1

    def __post_init__(self) -> None:
        _must(self.version == 1, "this version of paper is not known here")
        _must(_KIND.fullmatch(self.kind) is not None, "kind is a short word in small letters")
        _must(_KEY.fullmatch(self.key) is not None, "key is 1 to 200 plain characters without spaces")
        _must(self.on_expiry in {"void", "ask"}, "on_expiry is void or ask")
        _flags(secret=self.secret)
        if self.expires_s is not None:
            _whole(1, 7 * 86_400, expires_s=self.expires_s)
        object.__setattr__(self, "items", tuple(self.items))
        _must(self.items != (), "a paper is not empty")
        if self.form.height is None:
            self._check_roll(self.form.width)
            return
        pages = self.pages()
        _must(len(pages) == 1 or self.form.has_pages, "a label has one page")
        for page in pages:
            self._check_cells(page, self.form.width, self.form.height)

    def pages(self) -> tuple[tuple[Item, ...], ...]:
        """The cells of each sheet; a label has one."""
        pages: list[list[Item]] = [[]]
        for item in self.items:
            if isinstance(item, NextPage):
                pages.append([])
            else:
                pages[-1].append(item)
        return tuple(tuple(page) for page in pages)

    def _check_cells(self, page: tuple[Item, ...], width: int, height: int) -> None:
        cells = [item for item in page if isinstance(item, At)]
        _must(len(cells) == len(page) > 0, "a label is made of cells")
        for cell in cells:
            left, top, right, bottom = cell.kept
            inside = left >= 0 and top >= 0 and right <= width and bottom <= height
            _must(inside, f"the cell at {cell.x}, {cell.y} goes over the edge of the label")
        for one, two in combinations(cells, 2):
            _must(_apart(one.kept, two.kept), f"the cells at {one.x}, {one.y} and {two.x}, {two.y} overlap")

    def _check_roll(self, width: int) -> None:
        for place, item in enumerate(self.items):
            _must(not isinstance(item, At | Rule | NextPage), "a roll is a flow, it has no cells and no pages")
            if isinstance(item, Barcode):
                _must(item.width + 2 * item.quiet <= width, "the barcode and its quiet zones are wider than the roll")
            if isinstance(item, Picture):
                _must(item.width <= width, "the picture is wider than the roll")
            _must(not isinstance(item, Cut) or place == len(self.items) - 1, "the cut comes last")
        _must(not isinstance(self.items[0], Cut), "there is something before the cut")

    def drawn(self) -> Iterator[Drawn]:
        """The texts, codes and pictures in their order, out of their cells."""
        for item in self.items:
            inner = item.item if isinstance(item, At) else item
            if not isinstance(inner, Feed | Cut | At | NextPage):
                yield inner

    def symbols(self) -> list[str]:
        """What a reader must decode on this paper, sorted: no more, no less."""
        found: list[str] = []
        for item in self.drawn():
            match item:
                case Barcode():
                    found.append(item.digits)
                case Qr():
                    found.append(item.data)
                case Picture():
                    found.extend(item.symbols)
                case Text() | Rule():
                    pass
        return sorted(found)

    def to_json(self) -> str:
        """The canonical text: sorted keys, no spaces, every field said."""
        return json.dumps(_plain(self), sort_keys=True, ensure_ascii=False, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read a canonical text again; raise `Unprintable` for anything that is not exactly a paper."""
        try:
            told = dict(json.loads(text))
            told["form"] = Form(**told["form"])
            told["items"] = tuple(_item(item) for item in told["items"])
            return cls(**told)
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as fault:
            raise Unprintable("this text is not a paper") from fault


def _plain(value: object) -> object:
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Form | Paper):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Item):
        told = {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
        return {"is": type(value).__name__.lower(), **told}
    return value


def _item(told: Mapping[str, Any]) -> Item:
    rest = {name: value for name, value in told.items() if name != "is"}
    if told["is"] == "at":
        rest["item"] = _item(rest["item"])
    if told["is"] == "picture":
        rest["symbols"] = tuple(rest["symbols"])
    return _NAMES[told["is"]](**rest)
