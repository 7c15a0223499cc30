"""What a physician repeats on the telephone is compared with what was told; who types it sees nothing of it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from kiosk.exams.catalogue import catalogue
from kiosk.formats.folding import fold
from results.reports.assemble import Line

_MARKED: Final = re.compile(r"([<>]=?|[≤≥])?([+-]?\d+(?:\.\d+)?)")
#: What is heard for a unit that is written otherwise; compared without capitals and blanks.
_UNITS: Final = (
    ("mmol/l", "millimole par litre", "millimoles par litre", "millimol"),
    ("umol/l", "micromole par litre", "micromoles par litre", "micromol"),
    ("g/l", "gramme par litre", "grammes par litre", "giga par litre", "10*9/l", "10^9/l", "giga/l"),
    ("g/dl", "gramme par decilitre", "grammes par decilitre"),
    ("mg/l", "milligramme par litre", "milligrammes par litre"),
    ("ug/l", "microgramme par litre", "microgrammes par litre", "ng/ml", "nanogramme par millilitre"),
    ("t/l", "10*12/l", "10^12/l", "tera par litre", "tera/l"),
    ("%", "pourcent", "pour cent"),
    ("ui/l", "u/l", "iu/l", "unite par litre", "unites par litre", "unites internationales par litre"),
    ("mui/l", "mu/l", "miu/l", "milliunites par litre"),
    ("mmhg", "millimetres de mercure"),
    ("s", "sec", "seconde", "secondes"),
    ("", "sans", "sans unite", "aucune"),
)
#: Short words that physicians say for an analysis.
_SAYS: Final = {"k": "potassium", "na": "sodium", "ca": "calcium", "hb": "hemoglobine", "glycemie": "glucose"}


@dataclass(frozen=True, kw_only=True, repr=False)
class Heard:
    """One line as it was repeated."""

    analysis: str
    value: str
    unit: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Whose:
    """The person of the result, as they are repeated: initials and year of birth."""

    birth_name: str
    given_names: str
    #: YYYYMMDD.
    birth_date: str


def is_repeated(lines: Sequence[Line], whose: Whose, heard: Sequence[Heard], *, initials: str, year: str) -> bool:
    """Tell whether everything was repeated rightly: person, analyses, values and units, in the order told.

    Args:
        lines: what was told, at least one.
        initials: first letters of the first given name and of the birth name, in either order.
        year: four digits.
    """
    if not lines or len(lines) != len(heard):
        return False
    return (
        _is_person(whose, initials, year)
        and all(_is_analysis(line, said.analysis) for line, said in zip(lines, heard, strict=True))
        and all(_is_value(line.value, said.value) for line, said in zip(lines, heard, strict=True))
        and all(_unit(line.unit) == _unit(said.unit) for line, said in zip(lines, heard, strict=True))
    )


def _is_person(whose: Whose, initials: str, year: str) -> bool:
    given, birth = fold(whose.given_names)[:1], fold(whose.birth_name)[:1]
    letters = "".join(sign for sign in fold(initials) if sign.isalpha())
    return letters in {given + birth, birth + given} and year.strip() == whose.birth_date[:4]


def _is_analysis(line: Line, said: str) -> bool:
    """Each word that was heard begins a word of the analysis' names; a short name must be the whole word."""
    exams = (catalogue().by_code(code) for code in line.codes)
    names = [line.label, *(exam.name for exam in exams if exam is not None)]
    known = [word.lower() for name in names for word in fold(name).split()]
    words = [_SAYS.get(word, word) for word in fold(said).lower().split()]
    return bool(words) and all(
        any(own == word or (len(word) > 2 and own.startswith(word)) for own in known) for word in words
    )


def _is_value(told: str, said: str) -> bool:
    first, second = _number(told), _number(said)
    if first is not None or second is not None:
        return first == second
    return bool(_letters(said)) and _letters(told) == _letters(said)


def _number(text: str) -> tuple[str, Decimal] | None:
    found = _MARKED.fullmatch("".join(text.split()).replace(",", "."))
    if found is None:
        return None
    return (found[1] or "").replace("≤", "<=").replace("≥", ">="), Decimal(found[2])


def _unit(text: str) -> str:
    plain = _flat(text)
    return next((same[0] for same in _UNITS if plain in {_flat(one) for one in same}), plain)


def _flat(text: str) -> str:
    spoken = text.replace("µ", "u").replace("μ", "u").lower()
    return re.sub(r"[\s.]", "", spoken.replace("é", "e").replace("è", "e"))


def _letters(text: str) -> str:
    return fold(text).replace(" ", "")
