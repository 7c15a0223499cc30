"""A sign-in lives on the server: proofs open it, silence and the end of the day close it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256
from typing import Final
from uuid import UUID

from sqlalchemy import Enum, ForeignKey, Index, LargeBinary, String, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.presence.pcs import PairedPc
from kiosk.register.accounts import Staff, is_closed, open_text, spend_step, staff_by_login, vouch, vouched
from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime, uuid7
from kiosk.register.journal import Act, write
from kiosk.register.staff import Actor, Power, step_of

#: Release note, section 15.
IDLE: Final = timedelta(minutes=5)
LASTS: Final = timedelta(hours=10)
#: How long a proof is fresh: for the phone desk, and for what asks a second factor of its own.
FRESH: Final = timedelta(minutes=10)
TOKEN_SIZE: Final = 32
#: `seen_at` is written at most once in this time.
SEEN_EVERY: Final = timedelta(seconds=20)
#: Failures of one account from one device: how many in which time; then nothing is tried until one grows old.
LIMITS: Final = ((5, timedelta(minutes=5)), (20, timedelta(hours=1)))
#: How long nothing is tried after so many failures within five minutes.
PAUSES: Final = (0, 0, 2, 5, 10)


class Outcome(StrEnum):
    """How a try to sign in ended; one that the programme did not live to end has failed."""

    FAILED = "failed"
    OPENED = "opened"


class SignInTry(Base):
    """One try to sign in, counted before anything is compared."""

    __tablename__ = "sign_in_try"
    __table_args__ = (Index(None, "account", "device", "at"), {"schema": STAFF_ONLY})
    keep = "12 months"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    #: HMACs, so that a password typed in the wrong field is kept nowhere.
    account: Mapped[bytes] = mapped_column(LargeBinary(32))
    device: Mapped[bytes] = mapped_column(LargeBinary(32))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    outcome: Mapped[Outcome] = mapped_column(Enum(Outcome, native_enum=False, length=6, values_callable=list))


class SignIn(Base):
    """One person at one desk, from both proofs to the last act."""

    __tablename__ = "sign_in"
    __table_args__ = ({"schema": STAFF_ONLY},)
    keep = "12 months"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    #: SHA-256 of the 32 bytes that the browser holds.
    token: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    staff: Mapped[UUID] = mapped_column(ForeignKey(f"{STAFF_ONLY}.staff.id"), index=True)
    #: Where the person sits: what patients are called to.
    desk: Mapped[str] = mapped_column(String(40))
    #: The paired PC where it was opened; it is worth nothing elsewhere. None: an unpaired one.
    pc: Mapped[UUID | None] = mapped_column(ForeignKey(PairedPc.id), index=True)
    #: Opened by a desk PIN, on the strength of the day's two proofs.
    is_by_pin: Mapped[bool]
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: The last proof of any kind, and until when a second factor given for it opens what gives power.
    proved_at: Mapped[datetime] = mapped_column(UtcDateTime)
    raised_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: The last act of a person, to twenty seconds.
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: Seconds of silence after which it opens nothing, and when it ends whatever happens.
    idle_s: Mapped[int]
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: HMAC of the row: without it the row gives nothing.
    mac: Mapped[bytes] = mapped_column(LargeBinary(32))


@dataclass(frozen=True, kw_only=True, repr=False)
class Knock:
    """What the first step of a sign-in found; `passed` says that the second factor was right and is now spent."""

    try_id: UUID | None
    staff_id: UUID | None
    password_hash: str | None
    passed: bool


@dataclass(frozen=True, kw_only=True)
class Present:
    """The person behind a browser's token."""

    sign_in: UUID
    actor: Actor
    desk: str
    pc: UUID | None
    is_by_pin: bool
    opened_at: datetime
    seen_at: datetime
    proved_at: datetime
    raised_until: datetime | None

    def is_fresh(self, at: datetime) -> bool:
        """Tell whether the last proof is recent enough for the phone desk."""
        return self.proved_at <= at < self.proved_at + FRESH

    def is_raised(self, at: datetime) -> bool:
        """Tell whether a second factor was given for what gives power, not longer ago than it holds."""
        return self.raised_until is not None and self.raised_until - FRESH <= at < self.raised_until


def knock(db: Session, login: str, typed: str, *, device: str, power: Power, at: datetime, chance: Chance) -> Knock:
    """First step: count the try, then compare and spend the second factor; the password is asked outside.

    Args:
        db: a session that writes the results side; nothing else is in its transaction.
        typed: the six digits.
        device: which machine asks; failures are counted per account and device, so that nobody keeps another out.
    """
    account, machine = power.mac(b"account " + login.encode()), power.mac(b"device " + device.encode())
    staff = staff_by_login(db, login, power)
    open_account = staff is not None and not is_closed(staff, power) and staff.invitation is None
    kept = open_text(staff, "password_hash", power) if staff is not None and open_account else None
    if _must_wait(db, account, machine, at):
        return Knock(try_id=None, staff_id=None, password_hash=kept, passed=False)
    row = SignInTry(id=uuid7(at, chance), account=account, device=machine, at=at, outcome=Outcome.FAILED)
    db.add(row)
    seed = open_text(staff, "totp_seed", power) if staff is not None and kept is not None else None
    step = step_of(seed, typed, at=at, after=staff.last_step if staff is not None else 0)
    passed = staff is not None and step is not None and spend_step(db, staff, step, power)
    return Knock(try_id=row.id, staff_id=staff.id if staff is not None else None, password_hash=kept, passed=passed)


def knock_again(
    db: Session, token: str, typed: str, *, device: str, power: Power, at: datetime, chance: Chance
) -> Knock:
    """Count a try of one more second factor by whoever is signed in, then compare and spend it; as `knock`."""
    row = _row_of(db, token)
    staff = db.get(Staff, row.staff) if row is not None and vouched(row, power) else None
    login = staff.login if staff is not None else ""
    return knock(db, login, typed, device=device, power=power, at=at, chance=chance)


def open_sign_in(
    db: Session, found: Knock, *, proved: bool, desk: str, power: Power, at: datetime, chance: Chance,
    pc: UUID | None = None,
) -> str | None:  # fmt: skip
    """Last step: the browser's token when both proofs were right, else None; either way the journal knows.

    Args:
        proved: what `staff.verify_password` said of the password.
        pc: the paired PC at which it happens.
    """
    staff = db.get(Staff, found.staff_id) if found.staff_id is not None and found.passed and proved else None
    if staff is None or found.try_id is None or is_closed(staff, power) or not vouched(staff, power):
        who = {"staff": found.staff_id} if found.staff_id is not None else {}
        write(db, "results", Act.SIGNIN_REFUSED, by="staff-app", at=at, chance=chance, **who)
        return None
    db.execute(update(SignInTry).where(SignInTry.id == found.try_id).values(outcome=Outcome.OPENED))
    return enter(
        db, staff.id, pc=pc, desk=desk, is_by_pin=False, until=at + LASTS, power=power, at=at, chance=chance
    )  # fmt: skip


def enter(
    db: Session, staff_id: UUID, *, pc: UUID | None, desk: str, is_by_pin: bool, until: datetime, power: Power,
    at: datetime, chance: Chance,
) -> str:  # fmt: skip
    """Make the record of a sign-in whose proofs were right; give the token that its browser keeps."""
    token = chance(TOKEN_SIZE)
    row = SignIn(
        id=uuid7(at, chance), token=sha256(token).digest(), staff=staff_id, pc=pc, desk=desk, is_by_pin=is_by_pin,
        opened_at=at, proved_at=at, raised_until=None, seen_at=at, idle_s=int(IDLE.total_seconds()),
        ends_at=min(at + LASTS, until), closed_at=None,
    )  # fmt: skip
    vouch(row, power)
    db.add(row)
    act = Act.SIGNIN_RETURNED if is_by_pin else Act.SIGNIN_OPENED
    write(db, "results", act, by=staff_id, at=at, chance=chance, signin=row.id)
    return token.hex()


def digest_of(token: str) -> bytes | None:
    """What is kept of a browser's token; None for what never was one."""
    try:
        return sha256(bytes.fromhex(token)).digest()
    except ValueError:
        return None


def last_person(db: Session, token: str, *, power: Power) -> UUID | None:
    """Whose sign-in a token was, open or not: the name that a locked page proposes first."""
    row = _row_of(db, token)
    return row.staff if row is not None and vouched(row, power) else None


def raise_by_digits(
    db: Session, token: str, found: Knock, *, for_power: bool, power: Power, at: datetime, chance: Chance
) -> str | None:
    """Renew a sign-in by a second factor; None, and the journal knows, when it was not right.

    Args:
        found: from `knock`, in a transaction of its own before this one.
        for_power: the digits were asked for accounts, pairings and the like, not for the phone desk.
    """
    row = _row_of(db, token)
    if row is None or not vouched(row, power) or row.closed_at is not None:
        return None
    if not found.passed or found.staff_id != row.staff:
        write(db, "results", Act.SIGNIN_REFUSED, by=row.staff, at=at, chance=chance, staff=row.staff)
        return None
    db.execute(update(SignInTry).where(SignInTry.id == found.try_id).values(outcome=Outcome.OPENED))
    return _renew(
        db, row, raised_until=at + FRESH if for_power else row.raised_until, power=power, at=at, chance=chance
    )


def raise_by_pin(
    db: Session, token: str, *, staff_id: UUID, pc: UUID, power: Power, at: datetime, chance: Chance
) -> str | None:
    """Renew a sign-in by the desk PIN of its own person on its own PC; it never opens what gives power."""
    row = _row_of(db, token)
    if row is None or not vouched(row, power) or row.closed_at is not None:
        return None
    if (row.staff, row.pc) != (staff_id, pc):
        return None
    return _renew(db, row, raised_until=row.raised_until, power=power, at=at, chance=chance)


def _renew(
    db: Session, row: SignIn, *, raised_until: datetime | None, power: Power, at: datetime, chance: Chance
) -> str:
    """Write down a new proof and change the token: the one before opens nothing any more."""
    token = chance(TOKEN_SIZE)
    row.token, row.proved_at, row.seen_at, row.raised_until = sha256(token).digest(), at, at, raised_until
    vouch(row, power)
    write(db, "results", Act.SIGNIN_RAISED, by=row.staff, at=at, chance=chance, signin=row.id)
    return token.hex()


def keep_open(db: Session, token: str, *, power: Power, at: datetime) -> None:
    """Write down that the person is still there."""
    row = _row_of(db, token)
    if row is not None and vouched(row, power) and row.closed_at is None and at > row.seen_at:
        row.seen_at = at
        vouch(row, power)


def sign_out(db: Session, token: str, *, power: Power, at: datetime, chance: Chance) -> None:
    """End a sign-in; a token that opens nothing any more is left as it is."""
    row = _row_of(db, token)
    if row is not None and vouched(row, power) and row.closed_at is None:
        row.closed_at = at
        vouch(row, power)
        write(db, "results", Act.SIGNIN_CLOSED, by=row.staff, at=at, chance=chance, signin=row.id)


def sign_out_everywhere(db: Session, staff_id: UUID, *, power: Power, at: datetime, chance: Chance) -> None:
    """End every sign-in of a person, on whatever machine."""
    for row in db.scalars(select(SignIn).where(SignIn.staff == staff_id, SignIn.closed_at.is_(None))).all():
        if vouched(row, power):
            row.closed_at = at
            vouch(row, power)
            write(db, "results", Act.SIGNIN_CLOSED, by=staff_id, at=at, chance=chance, signin=row.id)


def _row_of(db: Session, token: str) -> SignIn | None:
    digest = digest_of(token)
    return None if digest is None else db.scalars(select(SignIn).where(SignIn.token == digest)).first()


def _must_wait(db: Session, account: bytes, device: bytes, at: datetime) -> bool:
    failures = db.scalars(
        select(SignInTry.at)
        .where(
            SignInTry.account == account, SignInTry.device == device, SignInTry.outcome == Outcome.FAILED,
            SignInTry.at > at - LIMITS[-1][1],
        )
        .order_by(SignInTry.at.desc())
        .limit(LIMITS[-1][0])
    ).all()  # fmt: skip
    if any(sum(one > at - within for one in failures) >= most for most, within in LIMITS):
        return True
    recent = [one for one in failures if one > at - LIMITS[0][1]]
    return bool(recent) and at - recent[0] < timedelta(seconds=PAUSES[len(recent)])
