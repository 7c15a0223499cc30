"""A paper as the very picture that is printed, and as plain text for those who cannot see it."""

from io import BytesIO

from printers.draw import draw
from printers.paper import Barcode, Paper, Picture, Qr, Text


def png(paper: Paper) -> bytes:
    """The drawn dots as a PNG file, one bit a dot."""
    out = BytesIO()
    draw(paper).save(out, "PNG", dpi=(paper.form.dpmm * 25.4,) * 2)
    return out.getvalue()


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
            case Picture():
                lines.append(" ".join(["[image]", *item.symbols]))
    return "\n".join(lines)
