"""The physicians whom the laboratory knows: by RPPS number, with a telephone and a second factor set in person."""

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, LargeBinary, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.formats.folding import fold
from kiosk.register.accounts import vouch, vouched
from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime, uuid7
from kiosk.register.errors import Conflict, Invalid, NotFound
from kiosk.register.journal import Act, write
from kiosk.register.once import answered
from kiosk.register.staff import Power, make_seed, step_of
from results.callers.numbers import read_number

_RPPS: Final = re.compile(r"[0-9]{11}")
LONGEST_NAME: Final = 80


class Physician(Base):
    """A physician who may ask for results; what proves them is set by a biologist, in person."""

    __tablename__ = "physician"
    __table_args__ = (
        UniqueConstraint("site_id", "rpps"),
        UniqueConstraint("site_id", "key"),
        CheckConstraint("length(rpps) = 11", name="rpps"),
        CheckConstraint("last_step >= 0", name="last_step"),
        {"schema": STAFF_ONLY},
    )
    keep = "10 years after the entry is closed: diffusion traces name it"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    #: The national number of the profession, 11 digits.
    rpps: Mapped[str] = mapped_column(String(11))
    #: First and last name, without title.
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    #: The number that the laboratory rings, sealed; who set it and when.
    phone: Mapped[bytes | None] = mapped_column(LargeBinary)
    phone_by: Mapped[UUID | None]
    phone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: Second-factor seed in base 32, sealed; it proves nothing before the first six digits were read from it.
    totp_seed: Mapped[bytes | None] = mapped_column(LargeBinary)
    is_enrolled: Mapped[bool]
    #: The last step accepted; it only rises.
    last_step: Mapped[int]
    made_by: Mapped[UUID]
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: Since when nothing is told to this physician.
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: The form that made the entry.
    key: Mapped[str] = mapped_column(String(32))
    #: HMAC of the row: without it the row proves nobody.
    mac: Mapped[bytes] = mapped_column(LargeBinary(32))


class BadRpps(Invalid):
    """An RPPS number has eleven digits; ask for it again."""

    french = "Le numéro RPPS a onze chiffres. Faites-le répéter."


class BadName(Invalid):
    """A physician has a first and a last name of eighty letters at most."""

    french = "Tapez le prénom et le nom du médecin, 80 lettres au plus."


class AlreadyKnown(Conflict):
    """This RPPS number is in the register already."""

    french = "Ce numéro RPPS est déjà au registre."


class NoSuchPhysician(NotFound):
    """There is no such physician here; go back to the register."""

    french = "Ce médecin n'est pas au registre. Revenez à la liste."


class NotTheDigits(Invalid):
    """The six digits are not those of this seed at this moment; wait for the next ones."""

    french = "Ces six chiffres ne correspondent pas. Attendez les suivants et recopiez-les."


@dataclass(frozen=True, kw_only=True, repr=False)
class Enrolment:
    """A fresh seed for the physician's own eyes: shown once, in person."""

    physician: Physician
    seed: str


def read_rpps(typed: str) -> str:
    """Read an RPPS number as it is said: eleven digits, blanks do not count.

    Raises:
        BadRpps: anything else.
    """
    digits = "".join(typed.split())
    if _RPPS.fullmatch(digits) is None:
        raise BadRpps
    return digits


def enter_physician(
    db: Session, site_id: UUID, *, rpps: str, name: str, by: UUID, power: Power, at: datetime, chance: Chance, key: str
) -> Physician:
    """Enter a physician who can be named by orders; nothing is told before a biologist has set number or seed.

    Args:
        db: a session that writes the results.
        rpps: as typed.
        name: first and last name; a title in front is left out.
        by: staff id.
        key: of the form; the same form enters one physician.

    Raises:
        BadRpps, BadName, AlreadyKnown: nothing is entered.
    """
    if before := answered(db, Physician, site_id, key):
        return before
    digits, clean = read_rpps(rpps), bare_name(name)
    if " " not in clean or len(clean) > LONGEST_NAME or not clean.isprintable():
        raise BadName
    if db.scalar(select(Physician.id).where(Physician.site_id == site_id, Physician.rpps == digits)) is not None:
        raise AlreadyKnown
    row = Physician(
        id=uuid7(at, chance), site_id=site_id, rpps=digits, name=clean, phone=None, phone_by=None, phone_at=None,
        totp_seed=None, is_enrolled=False, last_step=0, made_by=by, made_at=at, closed_at=None, key=key,
    )  # fmt: skip
    vouch(row, power)
    db.add(row)
    write(db, "results", Act.PHYSICIAN_ENTERED, by=by, at=at, chance=chance, physician=row.id)
    return row


def set_number(
    db: Session, physician_id: UUID, typed: str, *, by: UUID, power: Power, at: datetime, chance: Chance
) -> Physician:
    """Set the number that the laboratory rings; a biologist's act, with unlocked keys.

    Raises:
        NoSuchPhysician, BadNumber: nothing is changed.
    """
    number = read_number(typed)
    row = physician_of(db, physician_id, power)
    row.phone = power.seal("physician", "phone", row.id, number.encode("ascii"), chance=chance)
    row.phone_by, row.phone_at = by, at
    vouch(row, power)
    write(db, "results", Act.PHYSICIAN_NUMBERED, by=by, at=at, chance=chance, physician=row.id)
    return row


def begin_enrolment(
    db: Session, physician_id: UUID, *, by: UUID, power: Power, at: datetime, chance: Chance
) -> Enrolment:
    """Draw a seed for a physician who is here in person; the one before proves nothing from now on.

    Raises:
        NoSuchPhysician: nothing is changed.
    """
    row = physician_of(db, physician_id, power)
    seed = make_seed(chance)
    row.totp_seed = power.seal("physician", "totp_seed", row.id, seed.encode("ascii"), chance=chance)
    row.is_enrolled = False
    vouch(row, power)
    write(db, "results", Act.PHYSICIAN_SEEDED, by=by, at=at, chance=chance, physician=row.id)
    return Enrolment(physician=row, seed=seed)


def end_enrolment(
    db: Session, physician_id: UUID, typed: str, *, by: UUID, power: Power, at: datetime, chance: Chance
) -> Physician:
    """Believe a seed once the physician has read six digits from it; those six are spent.

    Raises:
        NoSuchPhysician, NotTheDigits: nothing is changed.
    """
    row = physician_of(db, physician_id, power)
    step = step_of(seed_of(row, power), typed, at=at, after=row.last_step)
    if step is None:
        raise NotTheDigits
    row.is_enrolled, row.last_step = True, step
    vouch(row, power)
    write(db, "results", Act.PHYSICIAN_ENROLLED, by=by, at=at, chance=chance, physician=row.id)
    return row


def close_physician(
    db: Session, physician_id: UUID, *, by: UUID, power: Power, at: datetime, chance: Chance
) -> Physician:
    """Close an entry for good: number and seed are forgotten.

    Raises:
        NoSuchPhysician: there is none.
    """
    row = physician_of(db, physician_id, power)
    if row.closed_at is None:
        row.closed_at, row.phone, row.totp_seed, row.is_enrolled = at, None, None, False
        vouch(row, power)
        write(db, "results", Act.PHYSICIAN_CLOSED, by=by, at=at, chance=chance, physician=row.id)
    return row


def physician_of(db: Session, physician_id: UUID, power: Power) -> Physician:
    """One entry of the register.

    Raises:
        NoSuchPhysician: there is none, or this house has not written it.
    """
    row = db.get(Physician, physician_id)
    if row is None or not vouched(row, power):
        raise NoSuchPhysician
    return row


def physician_by_rpps(db: Session, site_id: UUID, rpps: str, power: Power) -> Physician | None:
    """The open entry of an RPPS number, None where nobody vouches for one."""
    row = db.scalars(select(Physician).where(Physician.site_id == site_id, Physician.rpps == rpps)).first()
    return row if row is not None and row.closed_at is None and vouched(row, power) else None


def all_physicians(db: Session, site_id: UUID, power: Power, *, typed: str = "") -> list[Physician]:
    """Every open entry whose name or number holds each typed word, by name."""
    rows = db.scalars(
        select(Physician).where(Physician.site_id == site_id, Physician.closed_at.is_(None)).order_by(Physician.name)
    )
    words = fold(typed).split()
    return [
        row for row in rows if vouched(row, power) and all(word in f"{fold(row.name)} {row.rpps}" for word in words)
    ]


def phone_of(row: Physician, power: Power) -> str | None:
    """The number on file, None when a biologist has set none."""
    opened = None if row.phone is None else power.open("physician", "phone", row.id, row.phone)
    return None if opened is None else opened.decode("ascii")


def seed_of(row: Physician, power: Power) -> str | None:
    """The seed, believed or not yet."""
    opened = None if row.totp_seed is None else power.open("physician", "totp_seed", row.id, row.totp_seed)
    return None if opened is None else opened.decode("ascii")


def bare_name(written: str) -> str:
    """A name without title and needless blanks."""
    words = written.split()
    while words and fold(words[0]).rstrip(".") in _TITLES:
        words.pop(0)
    return " ".join(words)


_TITLES: Final = frozenset(fold(title) for title in ("Dr", "Dre", "Docteur", "Docteure", "Pr", "Pre", "Professeur"))
