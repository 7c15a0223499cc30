"""A biologist's unlocked keys: in this programme's memory alone, bound to one sign-in, gone after ten idle minutes."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import Final
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from kiosk.presence.signins import Outcome, SignInTry, knock
from kiosk.register.accounts import staff_of
from kiosk.register.clock import Chance
from kiosk.register.errors import Invalid, Later, NotAllowed
from kiosk.register.journal import Act, write
from kiosk.register.staff import Power
from results.vault.keys import BiologistKeys, WrongPassphrase, unlock

IDLE: Final = timedelta(minutes=10)
#: A passphrase takes 256 MiB while it is stretched: one after the other.
_TURN: Final = BoundedSemaphore(1)
_TURN_S: Final = 15.0


class Locked(NotAllowed):
    """The biologist's keys are locked; unlock them with the passphrase and the second factor."""

    french = "Vos clés sont verrouillées. Ouvrez-les avec votre phrase et les six chiffres."


class NotUnlocked(Invalid):
    """The passphrase and the six digits do not go together; the screen does not say which of them is wrong."""

    french = "La phrase et les six chiffres ne vont pas ensemble. Attendez les chiffres suivants et recommencez."


@dataclass(frozen=True, kw_only=True, repr=False)
class Step:
    """What the second factor found: whose keys are asked for, and whether its step was right and is now spent."""

    login: str
    try_id: UUID | None
    passed: bool


@dataclass(kw_only=True, repr=False)
class _Held:
    staff_id: UUID
    keys: BiologistKeys
    used_at: datetime


class Sittings:
    """Every biologist who is unlocked now: sign-in -> keys; nothing of it is ever written."""

    def __init__(self) -> None:
        self._held: dict[UUID, _Held] = {}
        self._lock = Lock()

    def begin(self, sign_in: UUID, staff_id: UUID, keys: BiologistKeys, *, at: datetime) -> None:
        """Hold keys for one sign-in."""
        with self._lock:
            self._held[sign_in] = _Held(staff_id=staff_id, keys=keys, used_at=at)

    def keys(self, sign_in: UUID, staff_id: UUID, *, at: datetime) -> BiologistKeys:
        """Give the keys of a sign-in for one act, which counts as use.

        Raises:
            Locked: never unlocked, idle too long, signed out, or another person's.
        """
        self.sweep(at=at)
        with self._lock:
            held = self._held.get(sign_in)
            if held is None or held.staff_id != staff_id:
                raise Locked
            held.used_at = at
            return held.keys

    def until(self, sign_in: UUID, *, at: datetime) -> datetime | None:
        """Until when the keys of a sign-in stay open if nothing is done; None while locked."""
        self.sweep(at=at)
        with self._lock:
            held = self._held.get(sign_in)
            return None if held is None else held.used_at + IDLE

    def end(self, sign_in: UUID) -> None:
        """Drop the keys of a sign-in."""
        with self._lock:
            self._held.pop(sign_in, None)

    def end_of(self, staff_id: UUID) -> None:
        """Drop the keys of a person, wherever they are unlocked."""
        self._end(lambda held: held.staff_id == staff_id)

    def end_everyone(self) -> None:
        """Drop everybody's keys: the escrow has a new one, which unlocking brings."""
        self._end(lambda _: True)

    def _end(self, chosen: Callable[[_Held], bool]) -> None:
        with self._lock:
            for sign_in in [one for one, held in self._held.items() if chosen(held)]:
                del self._held[sign_in]

    def sweep(self, *, at: datetime) -> None:
        """Drop every key that was idle too long; asked with each request of the app."""
        with self._lock:
            for sign_in in [one for one, held in self._held.items() if not held.used_at <= at < held.used_at + IDLE]:
                del self._held[sign_in]


def prove_again(
    db: Session, staff_id: UUID, digits: str, *, device: str, power: Power, at: datetime, chance: Chance
) -> Step:
    """First step of unlocking: count the try, spend a new step of the second factor; alone in its transaction.

    Args:
        db: a session that writes the results.
        staff_id: who is signed in.
        digits: the six digits now; those of the sign-in, spent, are refused.
        device: which machine asks.
        power: opens the account.
        at: now.
        chance: gives the id of the try.
    """
    login = staff_of(db, staff_id, power).login
    found = knock(db, login, digits, device=device, power=power, at=at, chance=chance)
    return Step(login=login, try_id=found.try_id, passed=found.passed)


def open_keys(folder: Path, step: Step, passphrase: str) -> BiologistKeys | None:
    """Open the keys with the passphrase, outside any transaction; None when one of the two proofs is wrong.

    Raises:
        Later: another biologist's keys are being opened.
        UnsafeKeys: this person has no keys here, or they do not belong to their public halves.
    """
    if not step.passed:
        return None
    if not _TURN.acquire(timeout=_TURN_S):
        raise Later
    try:
        return unlock(folder, step.login, passphrase)
    except WrongPassphrase:
        return None
    finally:
        _TURN.release()


def enter_unlocking(db: Session, step: Step, *, is_open: bool, staff_id: UUID, at: datetime, chance: Chance) -> None:
    """Last step of unlocking: the journal knows, whether the keys opened or not.

    Args:
        db: a session that writes the results.
        step: from `prove_again`.
        is_open: whether the passphrase has opened the keys and the step was right.
        staff_id: who asked.
        at: now.
        chance: gives the journal's salt.
    """
    if is_open:
        db.execute(update(SignInTry).where(SignInTry.id == step.try_id).values(outcome=Outcome.OPENED))
    act = Act.SIGNIN_RAISED if is_open else Act.SIGNIN_REFUSED
    write(db, "results", act, by=staff_id, at=at, chance=chance, staff=staff_id)
