"""A desk PIN: six digits of one's own, which nobody guesses first."""

from datetime import date, datetime
from itertools import pairwise
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kiosk.register.accounts import open_text, staff_of, vouch
from kiosk.register.clock import Chance
from kiosk.register.errors import Invalid
from kiosk.register.journal import Act, write
from kiosk.register.staff import Power

SIZE: Final = 6
#: Drawn on a keypad, or known to everyone.
_COMMON: Final = frozenset(
    {"159753", "147258", "258369", "147852", "258963", "741852", "852963", "142536", "159357", "112358", "314159",
     "271828", "246810", "102030"}
)  # fmt: skip


class WeakPin(Invalid):
    """Six digits that many people choose, or a date, are guessed first; choose others."""

    french = "Choisissez six chiffres que l'on ne devine pas : ni suite, ni répétition, ni date."


def is_pin(typed: str) -> bool:
    """Tell whether these can be a desk PIN: six digits and nothing else."""
    return len(typed) == SIZE and typed.isascii() and typed.isdigit()


def check_pin(pin: str) -> None:
    """Demand six digits that are not among the first that are guessed.

    Raises:
        WeakPin: few different digits, a run, a repetition, a mirror, a date, or one of the common ones.
    """
    if not is_pin(pin) or len(set(pin)) < 3 or pin in _COMMON or _is_pattern(pin) or _is_date(pin):
        raise WeakPin


def set_pin(
    db: Session, staff_id: UUID, *, pin_hash: str | None, power: Power, at: datetime, chance: Chance
) -> None:  # fmt: skip
    """Give an account its desk PIN, or take it away.

    Args:
        db: a session that writes the results side.
        pin_hash: from `staff.hash_password`, made before this transaction; None takes the PIN away.
    """
    staff = staff_of(db, staff_id, power)
    staff.pin_hash = None
    if pin_hash is not None:
        staff.pin_hash = power.seal("staff", "pin_hash", staff.id, pin_hash.encode("ascii"), chance=chance)
    vouch(staff, power)
    write(db, "results", Act.STAFF_CHANGED, by=staff_id, at=at, chance=chance, staff=staff_id)


def has_pin(db: Session, staff_id: UUID, power: Power) -> bool:
    """Tell whether an account has a desk PIN that opens."""
    return open_text(staff_of(db, staff_id, power), "pin_hash", power) is not None


def _is_pattern(pin: str) -> bool:
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    doubled = {(int(after) - int(before)) % 10 for before, after in pairwise(pin[::2])}
    pairs = pin[::2] == pin[1::2] and len(doubled) == 1
    return len(steps) == 1 or pairs or pin[:3] == pin[3:] or pin == pin[::-1]


def _is_date(pin: str) -> bool:
    """Whether this is a day as people write it: day, month, year, or the year first."""
    for year, month, day in ((pin[4:], pin[2:4], pin[:2]), (pin[:2], pin[2:4], pin[4:])):
        try:
            date(2000 + int(year), int(month), int(day))
        except ValueError:
            continue
        return True
    return False
