"""What a person may type at the kiosk, read with patience: any case, accents, spaces and hyphens."""

import unicodedata
from collections.abc import Callable
from datetime import date

from kiosk.formats.convocation import CODE_LETTERS, Convocation, read_convocation
from kiosk.formats.folding import fold
from kiosk.waiting import WhatWasSaid

#: Tells a French sentence in the person's language; what stands for `%(name)s` is given by name.
Say = Callable[..., str]


def in_french(sentence: str, /, **values: object) -> str:
    """The sentence as it is written."""
    return sentence % values if values else sentence


def read_code(typed: str) -> Convocation | None:
    """A convocation, typed as its six characters or scanned whole; None when its form is another one."""
    plain = "".join(sign for sign in unicodedata.normalize("NFKC", typed).upper() if sign.isalnum())
    if (scanned := read_convocation(plain)) is not None:
        return scanned
    return Convocation(code=plain) if len(plain) == 6 and set(plain) <= set(CODE_LETTERS) else None


def read_letters(typed: str) -> str:
    """The first three letters of a family name in capitals without accents; fewer when the name is shorter."""
    return "".join(sign for sign in fold(typed) if "A" <= sign <= "Z")[:3]


def what_is_wrong_with_date(day: str, month: str, year: str, *, today: date, say: Say = in_french) -> str | None:
    """What to say of a birth date that cannot be right, or None; a day or month that nobody knows is 00."""
    typed = (day, month, year)
    if not all(part.isascii() and part.isdecimal() for part in typed) or len(year) != 4:
        return say("Touchez le jour, le mois et les 4 chiffres de l'année.")
    known = (int(year), int(month) or 1, int(day) or 1)
    try:
        born = date(*known)
    except ValueError:
        return say("Cette date n'existe pas. Regardez le jour et le mois.")
    if born > today:
        return say("Cette date n'est pas encore arrivée. Regardez l'année.")
    return say("Cette date est très ancienne. Regardez l'année.") if born.year < 1900 else None


def said_code(code: str) -> WhatWasSaid:
    """Six characters of a convocation, as they are kept for the counter."""
    return WhatWasSaid(kind="code", word=code)


def said_name(letters: str, *, day: str, month: str, year: str) -> WhatWasSaid:
    """Three letters and a birth date, as they are kept for the counter."""
    return WhatWasSaid(kind="name", word=letters, birth_date=f"{int(year):04d}{int(month):02d}{int(day):02d}")


def range_words(low: int, high: int, say: Say = in_french) -> str:
    """A wait as it is announced to everyone; beyond an hour no figure would be honest."""
    if high > 60 and low >= 60:
        return say("Attente : plus de 60 min")
    if high > 60:
        return say("Attente : %(low)s à 60 min, ou plus", low=low)
    return (
        say("Attente : moins de %(high)s min", high=high)
        if low == 0
        else say("Attente : %(low)s à %(high)s min", low=low, high=high)
    )
