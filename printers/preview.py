"""A paper as the very picture that is printed, and as plain text for those who cannot see it."""

import hashlib
from io import BytesIO

from PIL import Image

from printers.draw import draw
from printers.paper import Barcode, Paper, Picture, Qr, Rule, Text


def png(paper: Paper) -> bytes:
    """The drawn dots as a PNG file, one bit a dot."""
    out = BytesIO()
    draw(paper).save(out, "PNG", dpi=(paper.form.dpmm * 25.4,) * 2)
    return out.getvalue()


def fingerprint(image: Image.Image) -> str:
    """SHA-256, in hexadecimal, of a picture's size and dots: the same for the preview and for what the head burns.

    The dots and not the PNG file: another compression of the same picture is still the same label.
    """
    dots = image.convert("1")
    return hashlib.sha256(f"{dots.width} x {dots.height}\n".encode() + dots.tobytes()).hexdigest()


def text(paper: Paper) -> str:
    """The paper's words, one item a line, codes between brackets."""
    lines: list[str] = []
    for item in paper.drawn():
        match item:
            case Text():
                lines.append(item.s)
            case Barcode():
                lines.append(f"[{item.digits}]")
            case Qr():
                lines.append(f"[{item.data}]")
            case Rule():
                pass
            case Picture():
                lines.append(" ".join(["[image]", *item.symbols]))
    return "\n".join(lines)
