"""The kinds of container that exist, and how each is named to the person who takes it in hand."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Kind(StrEnum):
    """A kind of container; blood in the usual order of draw, which the site's table may change, then the rest.

    Source: CLSI GP41 as quoted by fiches-ide.fr; what has no rank is collected after the blood.
    """

    HEMOC_AEROBIC = "HEMOC-AEROBIE"
    HEMOC_ANAEROBIC = "HEMOC-ANAEROBIE"
    CITRATE = "CITRATE"
    DRY = "SEC"
    DRY_GEL = "SEC-GEL"
    HEPARIN = "HEPARINE"
    EDTA = "EDTA"
    EDTA_GROUP = "EDTA-GROUPE"
    FLUORIDE = "FLUORURE"
    CITRATE_ESR = "CITRATE-VS"
    URINE = "URINE"
    URINE_STERILE = "URINE-STERILE"
    URINE_FIRST = "URINE-1ER-JET"
    URINE_DAY = "URINES-24H"
    STOOL = "SELLES"
    SWAB = "ECOUVILLON"
    SEMEN = "SPERME"

    @property
    def nature(self) -> str:
        """Nature of the specimen (public health code, art. D6211-2)."""
        return _NATURES.get(self, "SANG")

    @property
    def is_blood(self) -> bool:
        """Whether it has a place in the order of draw."""
        return self not in _NATURES


_NATURES: Final[Mapping[Kind, str]] = MappingProxyType(
    {
        Kind.URINE: "URINE",
        Kind.URINE_STERILE: "URINE",
        Kind.URINE_FIRST: "URINE",
        Kind.URINE_DAY: "URINE",
        Kind.STOOL: "SELLES",
        Kind.SWAB: "FROTTIS",
        Kind.SEMEN: "SPERME",
    }
)

#: Letters that the label has room for, at most.
LONGEST_WORDS: Final = 12
LONGEST_CAP: Final = 14


@dataclass(frozen=True, kw_only=True)
class Look:
    """How a container is named to the person who takes it in hand."""

    #: At most 12 letters: the label has 14 mm for them.
    words: str
    #: Colour of the cap in words, as the site's maker has it; empty for a pot.
    cap: str
    #: Nature of the specimen.
    nature: str
