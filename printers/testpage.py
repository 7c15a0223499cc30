"""The page that shows whether a printer's margins, dots and codes are right."""

from printers.errors import Unprintable
from printers.paper import At, Barcode, Cut, Feed, Form, Item, Paper, Picture, Qr, Text

_CODE = "123456789012"
_LETTERS = "éèœ€ÿÇ ÀÉÎÔÛ 0O 1lI"


def make_test_page(name: str, form: Form, key: str) -> Paper:
    """A ruler in millimetres, accents, a Code 128 and, on a roll, a QR code; `key` is new for each page."""
    ruler = _ruler(form)
    if form.height is None:
        flow: tuple[Item, ...] = (
            ruler,
            Text(s=f"Page d'essai : {name}", size_max=30, size_min=20, align="center"),
            Text(s=_LETTERS, size_max=28, size_min=20, align="center"),
            Feed(dots=20),
            Barcode(digits=_CODE, module_dots=2 * form.dpmm // 8, height_dots=8 * form.dpmm),
            Feed(dots=20),
            Qr(data="ETQ TEST", module_dots=6),
            Text(s=f"{form.width} points, {form.width_mm} mm", size_max=24, size_min=18, align="center"),
            Feed(dots=24),
            Cut(),
        )
        return Paper(kind="test", form=form, items=flow, key=key, expires_s=600)
    bars = Barcode(digits=_CODE, module_dots=max(1, form.dpmm // 4), height_dots=5 * form.dpmm)
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
