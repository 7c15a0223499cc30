"""What a caller repeats is compared with what was told; who types it sees nothing of it."""

import re
from collections.abc import Sequence
from typing import Final

from kiosk.formats.folding import fold
from kiosk.register.errors import Invalid

#: So often is what was told repeated at the most; then somebody else goes on.
READ_BACK_TRIES: Final = 3


class HeardOtherwise(Invalid):
    """What was repeated is not what was told; let it be repeated once more."""

    french = "Ce n'est pas ce qui a été dit. Faites répéter encore une fois, lentement."


def is_same(values: Sequence[str], heard: str) -> bool:
    """Compare what was told with what was heard: the figures of all values in their order, a comma is a point.

    Values without any figure are compared by their letters.

    Args:
        values: what was told, one for each line of the report.
        heard: what the secretary has typed, without units.
    """
    told = " ".join(values)
    if not values or not heard.strip():
        return False
    return _figures(told) == _figures(heard) if _figures(told) else _letters(told) == _letters(heard)


def _figures(text: str) -> str:
    return "".join(re.findall(r"\d(?:[.](?=\d))?", text.replace(",", ".")))


def _letters(text: str) -> str:
    return fold(text).replace(" ", "")
