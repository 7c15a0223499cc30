"""The papers that the print room makes for itself: a test page, and what announces labels that come from elsewhere."""

from collections.abc import Sequence
from dataclasses import replace

from printers.errors import Unprintable
from printers.paper import At, Barcode, Cut, Feed, Form, Item, Paper, Picture, Qr, Rule, Text
from printers.spool import HEADER

_CODE = "123456789012"
_LETTERS = "éèœ€ÿÇ ÀÉÎÔÛ 0O 1lI"


def make_test_page(name: str, form: Form, key: str, *, digits: str = _CODE) -> Paper:
    """A ruler in millimetres, accents, a Code 128 of `digits` and, on a roll, a QR code; `key` is new for each page."""
    if form.has_pages:
        bars = Barcode(digits=digits, module_dots=form.dpmm // 4, height_dots=8 * form.dpmm)
        return Paper(kind="test", form=form, items=_sheet(name, form, bars), key=key, expires_s=600)
    ruler = _ruler(form)
    if form.height is None:
        flow: tuple[Item, ...] = (
            ruler,
            Text(s=f"Page d'essai : {name}", size_max=30, size_min=20, align="center"),
            Text(s=_LETTERS, size_max=28, size_min=20, align="center"),
            Feed(dots=20),
            Barcode(digits=digits, module_dots=2 * form.dpmm // 8, height_dots=8 * form.dpmm),
            Feed(dots=20),
            Qr(data="ETQ TEST", module_dots=6),
            Text(s=f"{form.width} points, {form.width_mm} mm", size_max=24, size_min=18, align="center"),
            Feed(dots=24),
            Cut(),
        )
        return Paper(kind="test", form=form, items=flow, key=key, expires_s=600)
    bars = Barcode(digits=digits, module_dots=max(1, form.dpmm // 4), height_dots=5 * form.dpmm)
    if form.width < bars.width + 2 * bars.quiet or form.height < 16 * form.dpmm:
        raise Unprintable("la page d'essai demande une étiquette d'au moins 31 × 16 mm")
    side = (form.width - bars.width) // 2
    line = 4 * form.dpmm
    cells = (
        At(x=0, y=0, w=form.width, h=ruler.height, item=ruler),
        At(x=8, y=ruler.height, w=form.width - 16, h=line, item=Text(s=f"Essai {name}", size_max=26, size_min=12)),
        At(x=side, y=ruler.height + line, w=bars.width, h=bars.height_dots, item=bars),
        At(
            x=8,
            y=ruler.height + line + bars.height_dots,
            w=form.width - 16,
            h=line,
            item=Text(s=_LETTERS, size_max=24, size_min=10, may_cut=True),
        ),
    )
    return Paper(kind="test", form=form, items=cells, key=key, expires_s=600)


def _sheet(name: str, form: Form, bars: Barcode) -> tuple[Item, ...]:
    """A ruler over the middle of an A4 sheet, the letters of six languages, bars and a QR code, a line at each edge."""
    mm, ruler = form.dpmm, _ruler(replace(form, width_mm=170, height_mm=None))
    said = (f"Page d'essai : {name}", _LETTERS, "ŞşĞğİı ÃãÕõ Ññ¿¡", "سيأتي دورك بعد قليل", "A4, 210 × 297 mm")
    lines = tuple(
        At(
            x=20 * mm, y=(50 + 10 * row) * mm, w=170 * mm, h=9 * mm,
            item=Text(s=line, size_max=5 * mm, size_min=4 * mm, align="center", lang="ar" if row == 3 else "fr"),
        )
        for row, line in enumerate(said)
    )  # fmt: skip
    edges = ((5, 5, 200, 1), (5, 291, 200, 1), (5, 6, 1, 285), (204, 6, 1, 285))
    frame = tuple(At(x=x * mm, y=y * mm, w=w * mm, h=h * mm, item=Rule()) for x, y, w, h in edges)
    codes = (
        At(x=60 * mm, y=110 * mm, w=90 * mm, h=10 * mm, item=bars),
        At(x=60 * mm, y=130 * mm, w=90 * mm, h=40 * mm, item=Qr(data="ETQ TEST", module_dots=mm)),
    )
    return (At(x=20 * mm, y=30 * mm, w=170 * mm, h=ruler.height, item=ruler), *lines, *codes, *frame)


def make_header(numbers: Sequence[int], key: str, *, desk: str, form: Form) -> Paper:
    """What comes out first where labels of another desk follow: which of the batch, and the desk they belong to.

    It carries nothing of a patient; `numbers` count from 1 in the order of the batch.
    """
    words = (f"SUITE {_ranges(numbers)}", f"→ {desk.upper() or 'AUTRE GUICHET'}")
    if form.height is None:
        lines = tuple(Text(s=line, size_max=48, size_min=24, bold=True, align="center") for line in words)
        return Paper(kind=HEADER, form=form, items=(*lines, Cut()), key=key)
    half, side = min(form.height, 40 * form.dpmm) // 2, form.width - 16
    cells = tuple(
        At(
            x=8,
            y=8 + row * (half - 8),
            w=side,
            h=half - 8,
            item=Text(
                s=line, size_max=6 * form.dpmm, size_min=10, bold=True, inverse=row == 0, align="center", may_cut=True
            ),
        )
        for row, line in enumerate(words)
    )
    return Paper(kind=HEADER, form=form, items=cells, key=key)


def _ranges(numbers: Sequence[int]) -> str:
    """3, 4, 6 as « 3-4, 6 »."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)


def _ruler(form: Form) -> Picture:
    """A comb with one tooth a millimetre, longer every five and ten, from the very first dot to the very last."""
    height = 2 * form.dpmm
    rows = []
    for row in range(height):
        dots = 0
        for column in range(form.width):
            millimetre, within = divmod(column, form.dpmm)
            tooth = height if millimetre % 10 == 0 else (height * 3 // 4 if millimetre % 5 == 0 else height // 2)
            last = column == form.width - 1
            dots = dots << 1 | int(last or row == 0 or (within == 0 and row < tooth))
        rows.append((dots << (-form.width % 8)).to_bytes((form.width + 7) // 8, "big").hex())
    return Picture(width=form.width, height=height, bits="".join(rows))
