"""How far the sweeps go: a part of the way each time, all the way when ETIQUETTE_THOROUGH is set."""

import os
from typing import Final, TypeVar

Way = TypeVar("Way")

THOROUGH: Final = bool(os.environ.get("ETIQUETTE_THOROUGH"))


def far(usual: Way, all_the_way: Way) -> Way:
    """The usual part, or all of it."""
    return all_the_way if THOROUGH else usual
