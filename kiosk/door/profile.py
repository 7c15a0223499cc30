"""The real size of a kiosk's screen, so that a button is 24 millimetres on every one of them."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Final

from kiosk.settings import UnsafeSettings

#: What a standing and a seated person reach, in millimetres above the floor (EN 301 549, 8.3).
LOWEST, HIGHEST = 380, 1220
#: Controls lie in the lowest part of the screen: this share of its height, and no more than so many millimetres.
SHARE, ZONE = 0.6, 300
#: Below this height of the screen controls take their least sizes, in millimetres, to stay within reach.
SMALL: Final = 400
LEAST: Final = {
    "key": 16, "button": 20, "choice": 24, "field": 17, "hello": 14, "room": 4, "tool": 8, "tool-wide": 42,
}  # fmt: skip
#: Margin of a page, and the width that ten keys of 16 mm with their gaps need inside it.
MARGIN: Final = 6
TEN_KEYS: Final = 10 * 16 + 9 * 3.5
#: The part of a screen on its side that is touched.
BESIDE: Final = 0.6


@dataclass(frozen=True, kw_only=True)
class Profile:
    """One kiosk as it stands in the room."""

    #: Diagonal in inches, as the maker tells it.
    diagonal: float = 21.5
    #: Pixels of the page, as the screen hangs.
    wide_px: int = 1080
    high_px: int = 1920
    #: From the floor to the lower edge of the screen.
    bottom_mm: int = 800
    #: From the eyes to the screen.
    distance_mm: int = 600
    #: A socket for headphones, a button that calls a person (it types F9).
    jack: bool = False
    call_button: bool = False
    #: A camera that reads the convocation's square code, beside the scanner or in its place.
    camera: bool = False

    @property
    def px_per_mm(self) -> float:
        """Pixels in a millimetre."""
        return math.hypot(self.wide_px, self.high_px) / (self.diagonal * 25.4)

    @property
    def wide_mm(self) -> float:
        """Width of the screen."""
        return self.wide_px / self.px_per_mm

    @property
    def high_mm(self) -> float:
        """Height of the screen."""
        return self.high_px / self.px_per_mm

    @property
    def is_wide(self) -> bool:
        """Whether the screen lies on its side: what is touched stands beside what is read, from edge to edge."""
        return self.wide_px > self.high_px

    @property
    def zone_mm(self) -> float:
        """Height of the part in which controls may lie."""
        return min((1 if self.is_wide else SHARE) * self.high_mm, ZONE)

    @property
    def is_small(self) -> bool:
        """Whether the screen is so low that controls take their least sizes."""
        return self.high_mm < SMALL

    @property
    def keys_in_a_row(self) -> int:
        """Letter keys in a row: ten as on a keyboard where they fit, else seven in the order of the alphabet."""
        room = self.wide_mm - 2 * MARGIN
        return 10 if (BESIDE * room - MARGIN if self.is_wide else room) >= TEN_KEYS else 7

    @property
    def css(self) -> str:
        """The style sheet that a page loads for this screen: a strict policy lets no page carry lengths itself."""
        lengths = {"mm": f"{self.px_per_mm:.4f}px", "wide": f"{self.wide_mm:.1f}", "keys": str(self.keys_in_a_row)}
        if self.is_small:
            lengths |= {name: f"calc({millimetres} * var(--mm))" for name, millimetres in LEAST.items()}
        return ":root { " + " ".join(f"--{name}: {length};" for name, length in lengths.items()) + " }\n"


def read_profiles(told: Mapping[str, Mapping[str, Any]]) -> dict[str, Profile]:
    """The profiles of `kiosk.toml`, by the name of their kiosk.

    Raises:
        UnsafeSettings: a line is unknown or has the wrong form, or hands of some people do not reach the controls.
    """
    known = {one.name: one.type for one in fields(Profile)}
    found = {}
    for name, lines in told.items():
        for line, value in lines.items():
            fits = line in known and (type(value) is known[line] or (known[line] is float and type(value) is int))
            if not fits or (known[line] is not bool and value <= 0):
                raise UnsafeSettings(f'kiosk.toml, [screen."{name}"] : « {line} » n\'est pas une ligne connue.')
        profile = Profile(**lines)
        if profile.bottom_mm + MARGIN < LOWEST or profile.bottom_mm + MARGIN + profile.zone_mm > HIGHEST:
            raise UnsafeSettings(
                f'kiosk.toml, [screen."{name}"] : les touches doivent se trouver entre {LOWEST} et {HIGHEST} mm du '
                f"sol. Le bord bas de cet écran peut être entre {LOWEST - MARGIN} et "
                f"{math.floor(HIGHEST - MARGIN - profile.zone_mm)} mm."
            )
        found[name] = profile
    return found
