"""Who is on duty at a paired PC: both proofs open the day there, a desk PIN brings back, five wrong ones end it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import Enum, ForeignKey, Index, LargeBinary, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.presence.pcs import PairedPc, Pc, is_paired
from kiosk.presence.signins import enter
from kiosk.register.accounts import Staff, is_closed, open_text, vouch, vouched
from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime, uuid7
from kiosk.register.journal import Act, write
from kiosk.register.staff import Power

#: Wrong desk PINs of one person at one PC after both proofs; then both are asked again.
TRIES: Final = 5


class PinOutcome(StrEnum):
    """How a try of a desk PIN ended; one that the programme did not live to end has failed."""

    FAILED = "failed"
    RIGHT = "right"


class Duty(Base):
    """One person's day at one paired PC: what makes a desk PIN worth something, there and that day."""

    __tablename__ = "duty"
    __table_args__ = (UniqueConstraint("staff", "pc"), {"schema": STAFF_ONLY})
    keep = "12 months after its last day"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    staff: Mapped[UUID] = mapped_column(ForeignKey(f"{STAFF_ONLY}.staff.id"))
    pc: Mapped[UUID] = mapped_column(ForeignKey(PairedPc.id), index=True)
    #: The last sign-in here with both proofs, and the end of that day on the site's clock.
    since: Mapped[datetime] = mapped_column(UtcDateTime)
    until: Mapped[datetime] = mapped_column(UtcDateTime)
    #: Signed out for the day.
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: HMAC of the row: without it the row gives nothing.
    mac: Mapped[bytes] = mapped_column(LargeBinary(32))


class PinTry(Base):
    """One try of a desk PIN, counted before anything is compared."""

    __tablename__ = "pin_try"
    __table_args__ = (Index(None, "duty", "at"), {"schema": STAFF_ONLY})
    keep = "12 months"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    duty: Mapped[UUID] = mapped_column(ForeignKey(f"{STAFF_ONLY}.duty.id"))
    #: Of the form: one that is sent again, by a finger or by a thief, is no second try.
    key: Mapped[str] = mapped_column(String(32), unique=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    outcome: Mapped[PinOutcome] = mapped_column(Enum(PinOutcome, native_enum=False, length=6, values_callable=list))


@dataclass(frozen=True, kw_only=True)
class OnDuty:
    """Somebody whose desk PIN is worth something at this PC now."""

    id: UUID
    name: str

    @property
    def initials(self) -> str:
        """The first letters of the name; titles are left out."""
        words = [
            word for word in self.name.replace("-", " ").split() if word.rstrip(".") not in {"Dr", "Pr", "M", "Mme"}
        ]
        return "".join(word[0].upper() for word in words)


@dataclass(frozen=True, kw_only=True, repr=False)
class Asked:
    """What the first step of a desk PIN found; `try_id` is None where nothing may be tried."""

    try_id: UUID | None
    staff_id: UUID
    pin_hash: str | None


def begin_duty(
    db: Session, staff_id: UUID, pc_id: UUID, *, until: datetime, power: Power, at: datetime, chance: Chance
) -> None:
    """Open the day of a person at a paired PC, after both proofs; wrong PINs before it are forgiven.

    Args:
        until: the end of the site's day.
    """
    row = _row_of(db, staff_id, pc_id)
    if row is None:
        row = Duty(id=uuid7(at, chance), staff=staff_id, pc=pc_id, since=at, until=until, ended_at=None)
        db.add(row)
    row.since, row.until, row.ended_at = at, until, None
    vouch(row, power)


def end_duty(db: Session, staff_id: UUID, pc_id: UUID | None, *, power: Power, at: datetime) -> None:
    """End the day of a person at one PC, or at every one: from now on both proofs are asked."""
    rows = db.scalars(select(Duty).where(Duty.staff == staff_id, Duty.ended_at.is_(None))).all()
    for row in rows:
        if pc_id in {None, row.pc} and vouched(row, power):
            row.ended_at = at
            vouch(row, power)


def on_duty(db: Session, pc_id: UUID, *, power: Power, at: datetime) -> list[OnDuty]:
    """Who may come back to a PC by a desk PIN, by name."""
    found = [
        OnDuty(id=staff.id, name=staff.name)
        for row in db.scalars(select(Duty).where(Duty.pc == pc_id)).all()
        if (staff := _person(db, row, power=power, at=at)) is not None and _wrong(db, row) < TRIES
    ]
    return sorted(found, key=lambda one: one.name)


def ask_pin(db: Session, staff_id: UUID, pc: Pc, *, key: str, power: Power, at: datetime, chance: Chance) -> Asked:
    """First step of a desk PIN: count the try; the PIN is compared outside, by exactly one Argon2id.

    Args:
        db: a session that writes the results side; nothing else is in its transaction.
        key: of the form that was sent.
    """
    row = _row_of(db, staff_id, pc.id)
    staff = None if row is None else _person(db, row, power=power, at=at)
    used = db.scalars(select(PinTry.id).where(PinTry.key == key)).first() is not None
    if row is None or staff is None or used or _wrong(db, row) >= TRIES:
        return Asked(try_id=None, staff_id=staff_id, pin_hash=None)
    counted = PinTry(id=uuid7(at, chance), duty=row.id, key=key, at=at, outcome=PinOutcome.FAILED)
    db.add(counted)
    return Asked(try_id=counted.id, staff_id=staff.id, pin_hash=open_text(staff, "pin_hash", power))


def settle_pin(
    db: Session, asked: Asked, pc: Pc, *, proved: bool, power: Power, at: datetime, chance: Chance
) -> Duty | None:
    """Last step of a desk PIN: the day that it belongs to, if it was right and nothing has ended meanwhile.

    Args:
        asked: from `ask_pin`.
        proved: what `staff.verify_password` said of the PIN.
    """
    row = _row_of(db, asked.staff_id, pc.id)
    staff = None if row is None or not is_paired(db, pc.id, power) else _person(db, row, power=power, at=at)
    is_same = staff is not None and open_text(staff, "pin_hash", power) == asked.pin_hash
    counted = db.get(PinTry, asked.try_id) if asked.try_id is not None else None
    if row is None or staff is None or counted is None or not proved or not is_same:
        who = {"staff": asked.staff_id} if staff is not None else {}
        write(db, "results", Act.SIGNIN_REFUSED, by="staff-app", at=at, chance=chance, device=pc.id, **who)
        return None
    counted.outcome = PinOutcome.RIGHT
    return row


def come_back(
    db: Session, asked: Asked, pc: Pc, *, proved: bool, power: Power, at: datetime, chance: Chance
) -> str | None:
    """Open a sign-in by a desk PIN: its token, or None when the PIN is worth nothing here and now."""
    row = settle_pin(db, asked, pc, proved=proved, power=power, at=at, chance=chance)
    if row is None:
        return None
    return enter(
        db, row.staff, pc=pc.id, desk=pc.desk, is_by_pin=True, until=row.until, power=power, at=at, chance=chance
    )  # fmt: skip


def _row_of(db: Session, staff_id: UUID, pc_id: UUID) -> Duty | None:
    """The row, held until the end of the transaction: tries of one person at one PC are counted in turn."""
    return db.scalars(select(Duty).where(Duty.staff == staff_id, Duty.pc == pc_id).with_for_update()).first()


def _person(db: Session, row: Duty, *, power: Power, at: datetime) -> Staff | None:
    """The person of a day that is not over, whose account and desk PIN are good; anything else is nobody."""
    if not vouched(row, power) or row.ended_at is not None or not row.since <= at < row.until:
        return None
    staff = db.get(Staff, row.staff)
    if staff is None or not vouched(staff, power) or is_closed(staff, power) or staff.password_hash is None:
        return None
    return staff if open_text(staff, "pin_hash", power) is not None else None


def _wrong(db: Session, row: Duty) -> int:
    counted = select(func.count()).where(
        PinTry.duty == row.id, PinTry.outcome == PinOutcome.FAILED, PinTry.at >= row.since
    )
    return db.scalars(counted).one()
