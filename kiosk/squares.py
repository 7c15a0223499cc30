"""A square code as the size and the path of a drawing: the page draws it, no picture is made or kept."""

from typing import Any

import qrcode


def squares(address: str) -> dict[str, Any]:
    """The `size` in squares and the `path` of the dark ones, with a quiet border of three."""
    code = qrcode.QRCode(border=3)
    code.add_data(address)
    rows = code.get_matrix()
    dots = [f"M{x} {y}h1v1h-1z" for y, row in enumerate(rows) for x, dark in enumerate(row) if dark]
    return {"size": len(rows), "path": "".join(dots)}
