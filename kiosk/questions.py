"""What a person may type at the kiosk, read with patience: any case, accents, spaces and hyphens."""

from datetime import date

from kiosk.formats.folding import fold
from kiosk.waiting import WhatWasSaid

#: The letters of a convocation's code: 0, O, 1 and I are left out, they are read for each other.
CODE_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"
#: What stands before the code in the convocation's square code.
PREFIX = "ETQ1"


def read_code(typed: str) -> str | None:
    """The six characters of a convocation, typed or scanned; None when their form is another one."""
    plain = "".join(sign for sign in typed.upper() if sign.isalnum())
    code = plain[len(PREFIX) : len(PREFIX) + 6] if plain.startswith(PREFIX) else plain
    return code if len(code) == 6 and set(code) <= set(CODE_LETTERS) else None


def read_letters(typed: str) -> str:
    """The first three letters of a family name in capitals without accents; fewer when the name is shorter."""
    return "".join(sign for sign in fold(typed) if "A" <= sign <= "Z")[:3]


def what_is_wrong_with_date(day: str, month: str, year: str, *, today: date) -> str | None:
    """What to say of a birth date that cannot be right, or None; a day or month that nobody knows is 00."""
    if not (day.isdecimal() and month.isdecimal() and year.isdecimal() and len(year) == 4):
        return "Touchez le jour, le mois et les 4 chiffres de l'année."
    known = (int(year), int(month) or 1, int(day) or 1)
    try:
        born = date(*known)
    except ValueError:
        return "Cette date n'existe pas. Regardez le jour et le mois."
    if born > today:
        return "Cette date n'est pas encore arrivée. Regardez l'année."
    return "Cette date est très ancienne. Regardez l'année." if born.year < 1900 else None


def said_code(code: str) -> WhatWasSaid:
    """Six characters of a convocation, as they are kept for the counter."""
    return WhatWasSaid(kind="code", word=code)


def said_name(letters: str, *, day: str, month: str, year: str) -> WhatWasSaid:
    """Three letters and a birth date, as they are kept for the counter."""
    return WhatWasSaid(kind="name", word=letters, birth_date=f"{int(year):04d}{int(month):02d}{int(day):02d}")


def range_words(low: int, high: int) -> str:
    """A wait as it is announced to everyone; beyond an hour no figure would be honest."""
    if high > 60:
        return "Attente : plus de 60 min" if low >= 60 else f"Attente : {low} à 60 min, ou plus"
    return f"Attente : moins de {high} min" if low == 0 else f"Attente : {low} à {high} min"
