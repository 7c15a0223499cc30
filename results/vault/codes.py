"""The few digits that a patient reads aloud: how they are drawn, written, heard and refused."""

from typing import Final

from kiosk.formats.damm import check_digit, is_valid
from kiosk.register.clock import Chance
from kiosk.register.errors import Invalid

HANDLE_DIGITS: Final = 6
CODE_DIGITS: Final = 15
PIN_DIGITS: Final = 4
LINES: Final = 4

#: The hundred PINs that people choose most (frequency list of leaked PINs, SecLists).
_COMMON_PINS: Final = frozenset(
    """
    1234 1111 0000 1212 7777 1004 2000 4444 2222 6969 9999 3333 5555 6666 1122 1313 8888 2001 4321 1010
    0909 2580 0007 1818 1230 1984 1986 0070 1985 0987 1000 1231 1987 1999 2468 2002 2323 0123 1123 1233
    1357 1221 1324 1988 2112 2121 5150 1024 1112 1224 1969 1225 1235 1982 1983 1001 1978 1979 7410 1020
    1223 1974 1975 1977 1980 1981 1029 1121 1213 1973 1976 2020 2345 2424 2525 1515 1970 1972 1989 0001
    1023 1414 9876 0101 0907 1245 1966 1967 1971 8520 1964 1968 4545 1318 5678 1011 1124 1211 1963 4200
    """.split()  # noqa: SIM905 -- a hundred quoted words are harder to read
)


class Misheard(Invalid):
    """A digit was misheard; ask for the whole number again."""

    french = "Un chiffre a été mal entendu. Faites relire le numéro en entier."


class PinTooEasy(Invalid):
    """This PIN is too easy to guess; ask the patient for another one."""

    french = "Ce code est trop facile à deviner. Proposez d'en choisir un autre."


class NotAPin(Invalid):
    """A PIN has four digits."""

    french = "Le code personnel a quatre chiffres."


def draw_digits(count: int, chance: Chance) -> str:
    """Draw digits, each sequence as likely as any other.

    Args:
        count: how many, 15 at most.
        chance: is asked again, 8 bytes at a time, when a draw would favour small numbers.
    """
    many = 10**count
    fair = 2**64 - 2**64 % many
    while (drawn := int.from_bytes(chance(8), "big")) >= fair:
        continue
    return str(drawn % many).zfill(count)


def with_check_digit(digits: str) -> str:
    """Put the check digit behind."""
    return digits + check_digit(digits)


def write_code(code16: str) -> str:
    """Write a code in four groups of four, as it is printed and read aloud."""
    return " ".join(code16[start : start + 4] for start in range(0, 16, 4))


def write_handle(handle: str) -> str:
    """Write a handle of six digits as it is printed: `704 193-1`."""
    return f"{handle[:3]} {handle[3:]}-{check_digit(handle)}"


def read_handle(typed: str) -> str:
    """Give the six digits of a handle that was typed with its check digit.

    Raises:
        Misheard: the digits cannot be those of a handle; nothing was tried.
    """
    return _read(typed, HANDLE_DIGITS)


def read_code(typed: str) -> str:
    """Give the fifteen digits of a code that was typed with its check digit.

    Raises:
        Misheard: the digits cannot be those of a code; nothing was tried.
    """
    return _read(typed, CODE_DIGITS)


def check_pin(pin: str, birth_date: str) -> None:
    """Demand a PIN that is not among the first that a finder would try.

    Args:
        pin: what the patient typed.
        birth_date: YYYYMMDD as on file.

    Raises:
        NotAPin: not four digits.
        PinTooEasy: one of the hundred commonest, or the birth date's year, DDMM, MMDD or YYMM.
    """
    if not is_pin(pin):
        raise NotAPin
    year, month, day = birth_date[:4], birth_date[4:6], birth_date[6:]
    if pin in _COMMON_PINS or pin in {year, day + month, month + day, year[2:] + month}:
        raise PinTooEasy


def is_pin(pin: str) -> bool:
    """Tell whether this is four digits."""
    return len(pin) == PIN_DIGITS and pin.isascii() and pin.isdigit()


def _read(typed: str, count: int) -> str:
    """Spaces, dots and dashes only part the groups: four by four, in pairs, or none at all."""
    digits = "".join(sign for sign in typed if not sign.isspace() and sign not in ".-")
    if not is_valid(digits, count + 1):
        raise Misheard
    return digits[:count]
