"""The people who work here: what each role may do, and what proves that it is them."""

import base64
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from threading import BoundedSemaphore
from typing import Final, Protocol
from uuid import UUID

from argon2.exceptions import VerificationError
from argon2.low_level import Type, hash_secret, verify_secret
from pyotp import TOTP
from pyotp.exceptions import OTPVerificationError
from sqlalchemy.orm import Session

from kiosk.register.clock import Chance
from kiosk.register.errors import Invalid, Later

SHORTEST_PASSWORD: Final = 12
LONGEST_PASSWORD: Final = 128
#: Argon2id 1.3 as release note, section 15 asks: 64 MiB, three passes, one lane.
_MEMORY_KIB, _PASSES, _LANES = 65_536, 3, 1
#: What an unknown name is compared with, so that it costs what a known one costs.
_NOBODY_HASH: Final = (
    "$argon2id$v=19$m=65536,t=3,p=1$bm9ib2R5d29ya3NoZXJlMA$8AFqwmDfkqOmd4AhqBmmcPBVWpoXclcVIk/U03yTmlA"
)
_NOBODY_SEED: Final = "A" * 32
#: Signing in never takes more than two cores' worth of Argon2id; releases have their own turn.
_TURN: Final = BoundedSemaphore(2)
_TURN_S: Final = 5.0
#: What is tried first by whoever guesses; compared without case, accents and anything that is not a letter or digit.
_COMMON: Final = (
    "motdepasse", "password", "azertyuiop", "qwertyuiop", "laboratoire", "bienvenue", "administrateur", "administrator",
    "secretariat", "secretaire", "biologiste", "etiquette", "changeme", "letmein", "iloveyou", "jetaime", "soleil",
    "doudou", "loulou", "123456", "654321", "111111", "000000", "abcdef",
)  # fmt: skip


class WeakPassword(Invalid):
    """The password is too short, too common or made of the login name; choose another."""

    french = (
        f"Choisissez un mot de passe d'au moins {SHORTEST_PASSWORD} caractères, sans suite connue "
        "ni votre identifiant. Une phrase convient très bien."
    )


class Power(Protocol):
    """The keys of everything that gives power; the register holds none, so the app lends them to its rules."""

    def mac(self, row: bytes) -> bytes:
        """Vouch for a canonical row."""

    def vouches(self, row: bytes, mac: bytes) -> bool:
        """Tell whether this house has vouched for a canonical row."""

    def seal(self, table: str, column: str, row: UUID, value: bytes, *, chance: Chance) -> bytes:
        """Seal one column of one row."""

    def open(self, table: str, column: str, row: UUID, sealed: bytes) -> bytes | None:
        """Open one column of one row, or None when it was not sealed here for this place."""

    def verify_grant(self, db: Session, signer: str, message: bytes, signature: bytes) -> bool:
        """Tell whether a biologist whom the laboratory trusts has signed; `signer` is the login name."""

    def has_ended(self, row: UUID) -> bool:
        """Tell whether an account or a role ended here once: no row that is brought back gives it again."""


class Role(StrEnum):
    """What a person is in the laboratory."""

    SECRETARY = "secretary"
    SAMPLER = "sampler"
    BIOLOGIST = "biologist"
    MANAGER = "manager"
    ADMINISTRATOR = "administrator"


class Right(StrEnum):
    """What may be done; each screen names one."""

    #: see the first page after signing in
    ENTER = "enter"
    #: call, recall, no-show, transfer
    CALL = "call"
    #: recognise, edit a dossier, enter a prescription, book
    REGISTER = "register"
    #: take a payment, correct an amount
    TAKE_PAYMENT = "take_payment"
    #: print and reprint labels
    PRINT_LABELS = "print_labels"
    #: count and order stock
    COUNT_STOCK = "count_stock"
    #: draw, each tube scanned
    DRAW = "draw"
    #: open a call of the phone desk
    PHONE = "phone"
    #: issue a slip after an identity check
    ISSUE_SLIP = "issue_slip"
    #: tell a result, as the matrix says
    TELL = "tell"
    #: sign, hold, withdraw; agree to a re-issue; lift a flag; break the seal; sign matrix and grants
    SIGN = "sign"
    #: see a critical value and call the physician
    CRITICAL = "critical"
    #: see held messages and file one, never its content
    HELD_MESSAGES = "held_messages"
    #: approve act rates as the second person
    APPROVE_RATES = "approve_rates"
    #: read the laboratory's figures
    FIGURES = "figures"
    #: read the journal
    JOURNAL = "journal"
    #: make accounts, propose roles, start a second-factor reset; never on oneself
    ACCOUNTS = "accounts"
    #: confirm, as the second person, that lost proofs are taken away; never one's own
    CONFIRM_RESET = "confirm_reset"
    #: pair a PC or a printer
    PAIR = "pair"
    #: swap and verify the backup disk
    BACKUP = "backup"


_S, _D, _B, _M, _A = Role.SECRETARY, Role.SAMPLER, Role.BIOLOGIST, Role.MANAGER, Role.ADMINISTRATOR

#: THE TABLE OF RIGHTS. House note, section 10; which class of result goes to whom is the matrix's.
RIGHTS: Final[dict[Right, frozenset[Role]]] = {
    Right.ENTER: frozenset({_S, _D, _B, _M, _A}),
    Right.CALL: frozenset({_S, _D, _B}),
    Right.REGISTER: frozenset({_S, _B}),
    Right.TAKE_PAYMENT: frozenset({_S, _M}),
    Right.PRINT_LABELS: frozenset({_S, _D, _B}),
    Right.COUNT_STOCK: frozenset({_S, _D, _B, _M}),
    Right.DRAW: frozenset({_D, _B}),
    Right.PHONE: frozenset({_S, _D, _B}),
    Right.ISSUE_SLIP: frozenset({_S, _D, _B}),
    Right.TELL: frozenset({_S, _D, _B}),
    Right.SIGN: frozenset({_B}),
    Right.CRITICAL: frozenset({_D, _B}),
    Right.HELD_MESSAGES: frozenset({_S, _D, _B}),
    Right.APPROVE_RATES: frozenset({_B, _M}),
    Right.FIGURES: frozenset({_B, _M}),
    Right.JOURNAL: frozenset({_B, _A}),
    Right.ACCOUNTS: frozenset({_A}),
    Right.CONFIRM_RESET: frozenset({_B, _M, _A}),
    Right.PAIR: frozenset({_M, _A}),
    Right.BACKUP: frozenset({_S, _B, _M, _A}),
}


@dataclass(frozen=True, kw_only=True)
class Actor:
    """The person of this request: who, and as what."""

    id: UUID
    name: str
    roles: frozenset[Role]

    def may(self, right: Right) -> bool:
        """Tell whether one of the roles includes this right."""
        return opens(self.roles, right)


def opens(roles: frozenset[Role], right: Right) -> bool:
    """Tell whether one of these roles includes a right."""
    return not roles.isdisjoint(RIGHTS[right])


def check_password(password: str, *, login: str) -> None:
    """Demand a password that is neither short nor among the first that are guessed.

    Raises:
        WeakPassword: it is.
    """
    bare = "".join(c for c in unicodedata.normalize("NFKD", password).lower() if c.isalnum() and c.isascii())
    rest = bare.replace(login.replace("-", ""), "")
    for common in _COMMON:
        rest = rest.replace(common, "")
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD or len(set(rest)) < 5 or rest.isdigit():
        raise WeakPassword


def hash_password(password: str, *, chance: Chance) -> str:
    """Stretch a new password by Argon2id; never inside a transaction.

    Raises:
        Later: too many at once.
    """
    with _turn():
        return hash_secret(
            _bytes(password), chance(16), time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES, hash_len=32,
            type=Type.ID,
        ).decode("ascii")  # fmt: skip


def verify_password(kept: str | None, password: str) -> bool:
    """Compare a password with its kept hash by exactly one Argon2id, also for nobody; never inside a transaction.

    Raises:
        Later: too many at once.
    """
    with _turn():
        try:
            verify_secret((kept or _NOBODY_HASH).encode("ascii"), _bytes(password), Type.ID)
        except VerificationError:
            return False
    return kept is not None


def make_seed(chance: Chance) -> str:
    """Draw a second-factor seed of 160 bits, in base 32."""
    return base64.b32encode(chance(20)).decode("ascii")


def seed_address(seed: str, *, login: str, site: str) -> str:
    """Write a seed as the address that an authenticator reads from a QR code."""
    return TOTP(seed).provisioning_uri(name=login, issuer_name=f"Étiquette {site}")


def step_of(seed: str | None, typed: str, *, at: datetime, after: int) -> int | None:
    """Find the step of a six-digit code (RFC 6238), one step either way, later than the last one accepted.

    Remembering the last code alone would accept A, B, then A again.
    """
    digits = "".join(typed.split())
    try:
        step = TOTP(seed or _NOBODY_SEED).verify_and_get_timecode(digits, for_time=at, valid_window=1)
    except OTPVerificationError:
        return None
    return step if seed is not None and step > after else None


@contextmanager
def _turn() -> Iterator[None]:
    if not _TURN.acquire(timeout=_TURN_S):
        raise Later
    try:
        yield
    finally:
        _TURN.release()


def _bytes(password: str) -> bytes:
    return unicodedata.normalize("NFKC", password).encode("utf-8")
