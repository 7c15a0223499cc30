"""One chart drawn twice, as SVG and as PNG: lines over the half-hours, or bars side by side; no colour speaks alone."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw, ImageFont

from printers.draw import FONTS

WIDE, HIGH = 960, 540
LEFT, RIGHT, TOP, BOTTOM = 70, 30, 118, 54
INK, PAPER, HAIR = "#1B2A2F", "#FFFFFF", "#D9D2C6"
#: Dark enough on white; each has its dash and its mark besides.
COLOURS: Final = ("#0B4F57", "#8B1E1E", "#6A3F00", "#14532D", "#4A3B8F")
DASHES: Final = ((), (10, 5), (3, 4), (14, 4, 3, 4), (6, 3))
STRIPE: Final = 7
FONT: Final = FONTS / "DejaVuSans.ttf"


@dataclass(frozen=True, kw_only=True)
class Chart:
    """Some series over the same places; `bars` for names side by side, else lines through the day."""

    title: str
    unit: str
    places: tuple[str, ...]
    series: dict[str, Sequence[float]]
    bars: bool = False


@dataclass(kw_only=True)
class _Svg:
    """A pen that writes SVG."""

    parts: list[str] = field(default_factory=list)

    def line(self, points: Sequence[tuple[float, float]], colour: str, width: float, dash: Sequence[int] = ()) -> None:
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        dashed = f' stroke-dasharray="{" ".join(map(str, dash))}"' if dash else ""
        self.parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dashed}/>')

    def box(self, x: float, y: float, wide: float, high: float, colour: str) -> None:
        self.parts.append(f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}" fill="{colour}"/>')

    def words(self, x: float, y: float, text: str, size: int, *, anchor: str = "start") -> None:
        at = f'x="{x:.1f}" y="{y:.1f}" font-size="{size}" text-anchor="{anchor}"'
        self.parts.append(f'<text {at} fill="{INK}">{escape(text)}</text>')

    def save(self, file: Path, title: str) -> None:
        head = (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {HIGH}" role="img" '
            f'aria-label="{escape(title)}" font-family="Atkinson Hyperlegible, sans-serif">'
        )
        body = [f'<rect width="{WIDE}" height="{HIGH}" fill="{PAPER}"/>', *self.parts]
        file.write_text("\n".join([head, *body, "</svg>", ""]), encoding="utf-8")


class _Png:
    """The same pen on dots."""

    def __init__(self) -> None:
        self.image = Image.new("RGB", (WIDE, HIGH), PAPER)
        self.pen = ImageDraw.Draw(self.image)

    def line(self, points: Sequence[tuple[float, float]], colour: str, width: float, dash: Sequence[int] = ()) -> None:
        for piece in _dashed(points, dash):
            self.pen.line(piece, fill=colour, width=round(width))

    def box(self, x: float, y: float, wide: float, high: float, colour: str) -> None:
        if high >= 1:
            self.pen.rectangle((x, y, x + wide, y + high), fill=colour)

    def words(self, x: float, y: float, text: str, size: int, *, anchor: str = "start") -> None:
        where = {"start": "ls", "middle": "ms", "end": "rs"}[anchor]
        self.pen.text((x, y), text, fill=INK, font=_font(size), anchor=where)

    def save(self, file: Path, title: str) -> None:
        self.image.save(file, title=title)


Pen = _Svg | _Png


def draw(chart: Chart, folder: Path, name: str) -> list[Path]:
    """Draw a chart in a folder, as `name.svg` and `name.png`."""
    makers: dict[str, Callable[[], Pen]] = {"svg": _Svg, "png": _Png}
    files = []
    for kind, make in makers.items():
        pen, file = make(), folder / f"{name}.{kind}"
        _on(pen, chart)
        pen.save(file, chart.title)
        files.append(file)
    return files


def _on(pen: Pen, chart: Chart) -> None:
    highest = _round_up(max((max(values, default=0) for values in chart.series.values()), default=0))
    high, wide = HIGH - TOP - BOTTOM, WIDE - LEFT - RIGHT
    pen.words(LEFT, 32, chart.title, 20)
    for step in range(5):
        y = TOP + high - high * step / 4
        pen.line([(LEFT, y), (WIDE - RIGHT, y)], HAIR, 1)
        pen.words(LEFT - 8, y + 5, f"{highest * step / 4:g}".replace(".", ","), 14, anchor="end")
    pen.words(LEFT, TOP - 12, chart.unit, 14)
    slot = wide / max(1, len(chart.places))
    for nth, place in enumerate(chart.places):
        pen.words(LEFT + slot * (nth + 0.5), HIGH - BOTTOM + 22, place, 14, anchor="middle")
    at = LEFT
    for nth, (name, values) in enumerate(chart.series.items()):
        colour, dash = COLOURS[nth % len(COLOURS)], DASHES[nth % len(DASHES)]
        heights = [high * value / highest for value in values]
        if chart.bars:
            bar = slot * 0.8 / len(chart.series)
            for which, value in enumerate(heights):
                x = LEFT + slot * (which + 0.1) + bar * nth
                _bar(pen, x, TOP + high - value, bar - 2, value, nth)
                pen.words(x + bar / 2, TOP + high - value - 5, _short(values[which]), 12, anchor="middle")
        else:
            points = [(LEFT + slot * (which + 0.5), TOP + high - value) for which, value in enumerate(heights)]
            pen.line(points, colour, 3, dash)
            for x, y in points:
                pen.box(x - 3, y - 3, 6, 6, colour)
        if chart.bars:
            _bar(pen, at, 50, 28, 16, nth)
        else:
            pen.line([(at, 58), (at + 28, 58)], colour, 4, dash)
        pen.words(at + 34, 63, name, 14)
        at += 60 + 8 * len(name)
    pen.line([(LEFT, TOP + high), (WIDE - RIGHT, TOP + high)], INK, 2)


def _bar(pen: Pen, x: float, y: float, wide: float, high: float, nth: int) -> None:
    """A bar; every second series is striped, so that two of them differ on grey paper too."""
    pen.box(x, y, wide, high, COLOURS[nth % len(COLOURS)])
    if nth % 2:
        for above in range(STRIPE, int(high), STRIPE):
            pen.line([(x, y + high - above), (x + wide, y + high - above)], PAPER, 2)


def _short(value: float) -> str:
    return f"{value:.0f}" if value >= 10 else f"{value:.1f}".replace(".", ",")


def _round_up(value: float) -> float:
    """The next figure that four lines divide well."""
    step = 4.0
    while step < value:
        step += 4 if step < 40 else 20 if step < 200 else 100
    return step


def _dashed(points: Sequence[tuple[float, float]], dash: Sequence[int]) -> list[list[tuple[float, float]]]:
    """A line cut into dashes, since Pillow draws none."""
    if not dash:
        return [list(points)]
    pieces: list[list[tuple[float, float]]] = []
    for (x0, y0), (x1, y1) in itertools.pairwise(points):
        length = max(1e-9, ((x1 - x0) ** 2 + (y1 - y0) ** 2) ** 0.5)
        at, nth = 0.0, 0
        while at < length:
            end = min(length, at + dash[nth % len(dash)])
            if nth % 2 == 0:
                pieces.append([(x0 + (x1 - x0) * part / length, y0 + (y1 - y0) * part / length) for part in (at, end)])
            at, nth = end, nth + 1
    return pieces


def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(FONT), size)
