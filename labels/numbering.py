"""Sample numbers: twelve digits that say year, day, site and turn, given once and never again."""

from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.formats.damm import check_digit, is_valid
from kiosk.register.database import Base, bump
from kiosk.register.errors import Conflict, Invalid
from kiosk.register.sites import Site

LENGTH: Final = 12
#: Tubes of one site code in one day.
LARGEST: Final = 9999


class SampleCounter(Base):
    """The last turn given to a tube at a site on one local day."""

    __tablename__ = "sample_counter"
    keep = "2 years"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    number: Mapped[int]


class NotASampleNumber(Invalid):
    """These digits are no sample number; scan the label again or compare the digits one by one."""

    french = "Ces chiffres ne forment pas un numéro d'étiquette. Scannez à nouveau, ou relisez-les un par un."


class NumbersUsedUp(Conflict):
    """The site has given all its sample numbers of the day; it needs a second site code."""

    french = (
        "Tous les numéros du jour sont donnés pour ce site. Prévenez le responsable : il faut un second code de site."
    )


@dataclass(frozen=True, kw_only=True)
class Sample:
    """What a sample number says."""

    #: Last two digits of the year.
    year: int
    day_of_year: int
    site: int
    counter: int


def sample_number(year: int, day_of_year: int, site: int, counter: int) -> str:
    """Write a sample number: YY DDD SS NNNN and the check digit.

    Args:
        year: calendar year of the site's day; its last two digits are kept.
        day_of_year: 1 to 366.
        site: code of the site, 1 to 99.
        counter: turn within the site's day, 1 to 9999.

    Raises:
        ValueError: a part is out of its range.
    """
    if not (1 <= day_of_year <= 366 and 1 <= site <= 99 and 1 <= counter <= LARGEST):
        raise ValueError("no sample number can be made of these parts")
    digits = f"{year % 100:02d}{day_of_year:03d}{site:02d}{counter:04d}"
    return digits + check_digit(digits)


def next_sample_number(db: Session, site: Site, day: date) -> str:
    """Give the next sample number of a site's own day, in the transaction of its tube: no gap, no double.

    Raises:
        NumbersUsedUp: the site has given 9,999 numbers that day.
    """
    turn = bump(db, SampleCounter, site_id=site.id, day=day)
    if turn > LARGEST:
        raise NumbersUsedUp
    return sample_number(day.year, day.timetuple().tm_yday, site.number, turn)


def read_number(text: str) -> str:
    """Read a number that was scanned or typed: spaces, hyphens and points between digits do not count.

    Args:
        text: what the scanner sent or the person typed.

    Raises:
        NotASampleNumber: it has not twelve digits, its check digit is wrong, or it names no possible day, site or turn.
    """
    digits = "".join(sign for sign in text if not sign.isspace() and sign not in "-.‐‑–")
    if not is_valid(digits, LENGTH):
        raise NotASampleNumber
    said = parts_of(digits)
    if not (1 <= said.day_of_year <= 366 and said.site and said.counter):
        raise NotASampleNumber
    return digits


def parts_of(number: str) -> Sample:
    """Say what a sample number that was read is made of."""
    return Sample(year=int(number[:2]), day_of_year=int(number[2:5]), site=int(number[5:7]), counter=int(number[7:11]))


def in_fours(number: str) -> str:
    """Write a number in groups of four, as it stands on the label."""
    return f"{number[:4]} {number[4:8]} {number[8:]}"
