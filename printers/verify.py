"""Nothing is sent that a reader has not read back from the very dots."""

import zxingcpp
from PIL import Image

from printers import code128
from printers.draw import Drawing, lay_out
from printers.errors import Unprintable
from printers.paper import Barcode, Paper

_FORMATS = zxingcpp.BarcodeFormats((zxingcpp.BarcodeFormat.Code128, zxingcpp.BarcodeFormat.QRCode))


def read_symbols(image: Image.Image) -> list[str]:
    """Every Code 128 and QR code that a reader finds in these dots, sorted."""
    found = zxingcpp.read_barcodes(image.convert("L"), formats=_FORMATS, text_mode=zxingcpp.TextMode.Plain)
    return sorted(symbol.text for symbol in found)


def verify(paper: Paper, drawing: Drawing) -> None:
    """Raise `Unprintable` unless the dots say exactly the paper's codes, with whole bars and white quiet zones."""
    for barcode, box in drawing.bars:
        _check_bars(drawing.image, barcode, box)
    if read_symbols(drawing.image) != paper.symbols():
        raise Unprintable("a reader does not read exactly the codes of this paper")


def proved(paper: Paper) -> Image.Image:
    """Draw a paper and prove its dots: the only picture that may be sent."""
    drawing = lay_out(paper)
    verify(paper, drawing)
    return drawing.image


def _check_bars(image: Image.Image, barcode: Barcode, box: tuple[int, int, int, int]) -> None:
    """A reader forgives a damaged row or a bent bar; a head that prints it on a curved tube does not."""
    x, y, w, h = box
    row = Image.new("1", (w + 2 * barcode.quiet, 1), 1)
    for place, width in code128.bars(barcode.digits):
        left = barcode.quiet + place * barcode.module_dots
        row.paste(0, (left, 0, left + width * barcode.module_dots, 1))
    right = row.resize((row.width, h), Image.Resampling.NEAREST)
    here = image.crop((x - barcode.quiet, y, x + w + barcode.quiet, y + h))
    if here.tobytes() != right.tobytes():
        raise Unprintable("a barcode or its quiet zones are not as they must be")
