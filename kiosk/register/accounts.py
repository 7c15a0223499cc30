"""An account is made by one person and given its proofs by its owner; no row gives power that is not vouched for."""

import base64
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from hmac import compare_digest
from typing import Any, Final
from uuid import UUID

from sqlalchemy import CheckConstraint, LargeBinary, String, inspect, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.formats.canonical import Cell, canonical_row
from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime, uuid7
from kiosk.register.errors import Conflict, Invalid, NotAllowed, NotFound
from kiosk.register.journal import Act, write
from kiosk.register.staff import Actor, Power, make_seed, step_of

#: A person takes the account over in the presence of whoever made it.
INVITATION: Final = timedelta(hours=1)
#: What a login may be.
LOGIN: Final = re.compile(r"[a-z][a-z0-9-]{1,30}")


class NoSuchAccount(NotFound):
    """There is no such account; go back to the list."""

    french = "Ce compte n'existe pas. Revenez à la liste."


class LoginTaken(Conflict):
    """Somebody has this login already; choose another."""

    french = "Cet identifiant est déjà pris. Choisissez-en un autre."


class BadLogin(Invalid):
    """A login has 2 to 31 small letters, digits or hyphens and starts with a letter."""

    french = "L'identifiant a 2 à 31 lettres minuscules sans accent, chiffres ou tirets, et commence par une lettre."


class NotYourself(NotAllowed):
    """Nobody changes their own account; ask another administrator."""

    french = "Personne ne change son propre compte. Demandez à une autre personne habilitée."


class InvitationGone(Invalid):
    """The login or the invitation code is not right, or an hour has passed; ask for a new code."""

    french = "Cet identifiant et ce code ne vont pas ensemble, ou l'heure est passée. Demandez un nouveau code."


class WrongStep(Invalid):
    """The six digits are not those of this authenticator at this moment; wait for the next ones."""

    french = "Ces six chiffres ne correspondent pas. Attendez les suivants et recopiez-les."


class Staff(Base):
    """A person who works here."""

    __tablename__ = "staff"
    __table_args__ = (CheckConstraint("last_step >= 0", name="last_step"), {"schema": STAFF_ONLY})
    keep = "10 years after the account is closed: release traces name it"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    #: As colleagues read it.
    name: Mapped[str] = mapped_column(String(80))
    #: What is typed at sign-in; for a biologist also the name of the signing key.
    login: Mapped[str] = mapped_column(String(31), unique=True)
    #: Sealed columns: Argon2id hash of the password and of the desk PIN, second-factor seed in base 32.
    password_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    pin_hash: Mapped[bytes | None] = mapped_column(LargeBinary)
    totp_seed: Mapped[bytes | None] = mapped_column(LargeBinary)
    #: The last second-factor step accepted; it only rises.
    last_step: Mapped[int]
    #: SHA-256 of the invitation code, and until when it opens; emptied when the person has taken the account over.
    invitation: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    invited_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: Since when the account opens nothing.
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: HMAC of the row: without it the row gives nothing.
    mac: Mapped[bytes] = mapped_column(LargeBinary(32))


@dataclass(frozen=True, kw_only=True, repr=False)
class Invited:
    """A new or reset account and the code that its owner types once; shown once, kept nowhere."""

    staff: Staff
    code: str


def canonical_of(row: Base, **changed: Cell) -> bytes:
    """What a row that gives power says, byte for byte, as it is or as it will be; its HMAC left out."""
    cells = {one.key: getattr(row, one.key) for one in inspect(type(row)).column_attrs if one.key != "mac"}
    return canonical_row(str(row.__tablename__), cells | changed)


def mac_of(row: Base, power: Power, **changed: Cell) -> bytes:
    """The HMAC of a row that gives power, as it is or as it will be."""
    return power.mac(canonical_of(row, **changed))


def vouch(row: Base, power: Power) -> None:
    """Write the HMAC of a row that gives power; after every change of it."""
    row.mac = mac_of(row, power)  # type: ignore[attr-defined]  # every row of power has the column


def vouched(row: Base, power: Power) -> bool:
    """Tell whether this house has written the row; asked at every load."""
    return power.vouches(canonical_of(row), row.mac)  # type: ignore[attr-defined]  # same


def spend_step(db: Session, row: Base, step: int, power: Power) -> bool:
    """Accept a step of a row's second factor once: the row moves only from the very state that was read, and forward.

    Args:
        row: an account, or another row of power with `last_step`.
    """
    read: Any = row  # every row of power has the columns
    kind: Any = type(row)
    moved = db.execute(
        update(kind)
        .where(kind.id == read.id, kind.mac == read.mac, kind.last_step < step)
        .values(last_step=step, mac=mac_of(row, power, last_step=step))
        .returning(kind.id)
        .execution_options(synchronize_session=False)
    ).first()
    db.expire(row)
    return moved is not None


def is_closed(staff: Staff, power: Power) -> bool:
    """Tell whether an account is closed, or was once: an older row that is brought back opens nothing."""
    return staff.disabled_at is not None or power.has_ended(staff.id)


def staff_by_login(db: Session, login: str, power: Power) -> Staff | None:
    """The person of a login name, if this house has vouched for the account."""
    found = db.scalars(select(Staff).where(Staff.login == login)).first()
    return found if found is not None and vouched(found, power) else None


def staff_of(db: Session, staff_id: UUID, power: Power) -> Staff:
    """One account.

    Raises:
        NoSuchAccount: there is none, or this house has not written it.
    """
    found = db.get(Staff, staff_id)
    if found is None or not vouched(found, power):
        raise NoSuchAccount
    return found


def of_another(db: Session, staff_id: UUID, by: Actor, power: Power) -> Staff:
    """The account of somebody else.

    Raises:
        NotYourself: it is one's own.
        NoSuchAccount: there is none, or this house has not written it.
    """
    if staff_id == by.id:
        raise NotYourself
    return staff_of(db, staff_id, power)


def make_staff(
    db: Session, *, name: str, login: str, by: Actor | None, power: Power, at: datetime, chance: Chance
) -> Invited:
    """Make an account that opens nothing until its owner has taken it over and a role was signed.

    Args:
        db: a session that writes the results side.
        by: who makes it; None for the first accounts of an instance.

    Raises:
        BadLogin: the login has another form.
        LoginTaken: somebody has it.
    """
    if LOGIN.fullmatch(login) is None or not name.strip():
        raise BadLogin
    if db.scalars(select(Staff.id).where(Staff.login == login)).first() is not None:
        raise LoginTaken
    staff = Staff(
        id=uuid7(at, chance), name=name.strip(), login=login, password_hash=None, pin_hash=None, totp_seed=None,
        last_step=0, invitation=None, invited_until=None, made_at=at, disabled_at=None,
    )  # fmt: skip
    code = _invite(staff, power, at=at, chance=chance)
    db.add(staff)
    write(db, "results", Act.STAFF_MADE, by=by.id if by else "init", at=at, chance=chance, staff=staff.id)
    return Invited(staff=staff, code=code)


def reset_totp(db: Session, staff_id: UUID, *, by: Actor, power: Power, at: datetime, chance: Chance) -> Invited:
    """Take every proof away and invite the person to set new ones, in person; who does it learns none."""
    staff = of_another(db, staff_id, by, power)
    staff.password_hash = staff.pin_hash = staff.totp_seed = None
    code = _invite(staff, power, at=at, chance=chance)
    write(db, "results", Act.SIGNIN_RESET, by=by.id, at=at, chance=chance, staff=staff.id)
    return Invited(staff=staff, code=code)


def show_seed(db: Session, login: str, code: str, *, power: Power, at: datetime, chance: Chance) -> tuple[Staff, str]:
    """Open an invitation: the account and the second-factor seed that its owner alone sees.

    Raises:
        InvitationGone: the code is not the one of this login, was used, or is older than an hour.
    """
    staff = _invited(db, login, code, power, at=at)
    if staff.totp_seed is None:
        seed = make_seed(chance)
        staff.totp_seed = power.seal("staff", "totp_seed", staff.id, seed.encode("ascii"), chance=chance)
        vouch(staff, power)
    return staff, open_text(staff, "totp_seed", power) or ""


def take_over(
    db: Session, login: str, code: str, *, typed: str, password_hash: str, power: Power, at: datetime, chance: Chance
) -> Staff:
    """Take an invited account over with a password of one's own and the six digits of one's authenticator.

    Args:
        typed: the six digits now.
        password_hash: from `staff.hash_password`, made before this transaction.

    Raises:
        InvitationGone: as in `show_seed`.
        WrongStep: the digits are not those of the seed that was shown.
    """
    staff = _invited(db, login, code, power, at=at)
    seed = open_text(staff, "totp_seed", power)
    step = step_of(seed, typed, at=at, after=staff.last_step)
    if seed is None or step is None:
        raise WrongStep
    equip(db, staff, password_hash=password_hash, seed=seed, step=step, power=power, at=at, chance=chance)
    return staff


def equip(
    db: Session,
    staff: Staff,
    *,
    password_hash: str,
    seed: str,
    power: Power,
    at: datetime,
    chance: Chance,
    step: int = 0,
) -> None:
    """Give an account its two proofs and end its invitation."""
    staff.password_hash = power.seal("staff", "password_hash", staff.id, password_hash.encode("ascii"), chance=chance)
    staff.totp_seed = power.seal("staff", "totp_seed", staff.id, seed.encode("ascii"), chance=chance)
    staff.last_step = max(staff.last_step, step)
    staff.invitation = staff.invited_until = None
    vouch(staff, power)
    write(db, "results", Act.STAFF_CHANGED, by=staff.id, at=at, chance=chance, staff=staff.id)


def open_text(staff: Staff, column: str, power: Power) -> str | None:
    """Open a sealed column of an account; None where it is empty or was moved here from another row."""
    sealed: bytes | None = getattr(staff, column)
    opened = None if sealed is None else power.open("staff", column, staff.id, sealed)
    return None if opened is None else opened.decode("ascii")


def _invite(staff: Staff, power: Power, *, at: datetime, chance: Chance) -> str:
    code = base64.b32encode(chance(10)).decode("ascii")
    staff.invitation, staff.invited_until = sha256(code.encode("ascii")).digest(), at + INVITATION
    vouch(staff, power)
    return " ".join(code[start : start + 4] for start in range(0, 16, 4))


def _invited(db: Session, login: str, code: str, power: Power, *, at: datetime) -> Staff:
    staff = staff_by_login(db, login, power)
    typed = sha256("".join(code.split()).upper().encode()).digest()
    if (
        staff is None or staff.invitation is None or staff.invited_until is None or is_closed(staff, power)
        or at >= staff.invited_until or not compare_digest(staff.invitation, typed)
    ):  # fmt: skip
        raise InvitationGone
    return staff
