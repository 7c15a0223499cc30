"""The words of a convocation's square code: capitals and digits alone, so that every scanner types them right.

`ETQ1`, the six characters of the convocation, and where they are printed too the local hour of the appointment as
`YYYYMMDDHHMM` and one letter: `J` when the person must come fasting, `N` when nothing has to be prepared.
"""

import re
from dataclasses import dataclass
from datetime import datetime

#: The letters of a convocation's code: 0, O, 1 and I are left out, they are read for each other.
CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
#: What stands before the code in the square code.
PREFIX = "ETQ1"

_WHOLE = re.compile(rf"{PREFIX}(?P<code>[{CODE_LETTERS}]{{6}})(?P<hour>[0-9]{{12}})?(?P<fasting>[JN])?[0-9A-Z]*")


@dataclass(frozen=True, kw_only=True)
class Convocation:
    """What a convocation says of itself when it is scanned; nothing is asked of the register."""

    #: Six characters.
    code: str
    #: The appointment's hour at the site, without a zone, or None on a paper that does not bear it.
    hour: datetime | None = None
    #: Whether the person was asked to come fasting; None when the paper does not say.
    fasting: bool | None = None


def write_convocation(told: Convocation) -> str:
    """The words of the square code."""
    hour = "" if told.hour is None else f"{told.hour:%Y%m%d%H%M}"
    fasting = {None: "", True: "J", False: "N"}[told.fasting] if hour else ""
    return f"{PREFIX}{told.code}{hour}{fasting}"


def read_convocation(scanned: str) -> Convocation | None:
    """What was scanned, or None when it is no convocation; an hour that does not exist is left out."""
    found = _WHOLE.fullmatch(scanned)
    if found is None:
        return None
    try:
        hour = datetime.strptime(found["hour"] or "", "%Y%m%d%H%M")  # noqa: DTZ007  # the paper bears the site's hour
    except ValueError:
        return Convocation(code=found["code"])
    return Convocation(code=found["code"], hour=hour, fasting={"J": True, "N": False}.get(found["fasting"]))
