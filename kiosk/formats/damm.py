"""The check digit of Damm, which every number that people read aloud or type by hand ends with."""

from typing import Final

# Row: the digit carried so far; column: the next digit.
# The diagonal is zero: a right number, check digit included, carries 0 at its end.
_ROWS: Final = (
    "0317598642",
    "7092154863",
    "4206871359",
    "1750983426",
    "6123045978",
    "3674209581",
    "5869720134",
    "8945362017",
    "9438617205",
    "2581436790",
)
_DIGITS: Final = frozenset("0123456789")


def check_digit(digits: str) -> str:
    """Compute the digit to write after these ones.

    Args:
        digits: ASCII digits, at least one, without the check digit; a string, because leading zeros count.

    Raises:
        ValueError: there is no digit, or something that is not an ASCII digit.

    Source: H. M. Damm, "Total anti-symmetrische Quasigruppen", Marburg 2004: finds every single wrong digit and
    every swap of two neighbours.
    """
    if not digits or not _DIGITS.issuperset(digits):
        raise ValueError("a check digit needs ASCII digits")
    carried = "0"
    for digit in digits:
        carried = _ROWS[int(carried)][int(digit)]
    return carried


def is_valid(whole: str, length: int) -> bool:
    """Tell whether this is a number of that many digits whose last one is its check digit.

    Args:
        whole: what was scanned or typed, already free of spaces and hyphens.
        length: digits of the whole number, check digit included; at least 2.
    """
    return len(whole) == length and _DIGITS.issuperset(whole) and check_digit(whole) == "0"
