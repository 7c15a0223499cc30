"""A PC of the laboratory is paired once, by somebody who may: its browser then says which PC it is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Final
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.register.accounts import vouch, vouched
from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime, uuid7
from kiosk.register.errors import Invalid, NotFound
from kiosk.register.journal import Act, write
from kiosk.register.staff import Power

TOKEN_SIZE: Final = 32
LONGEST_NAME: Final = 40


class NoSuchPc(NotFound):
    """There is no such paired PC; go back to the list."""

    french = "Ce poste n'est pas dans la liste. Revenez à la liste."


class PcWithoutName(Invalid):
    """A paired PC has a name, so that it is found again when it is lost; give it one."""

    french = "Donnez un nom à ce poste, de 40 lettres au plus : c'est lui que l'on cherchera s'il se perd."


class NotADesk(Invalid):
    """A paired PC stands at a desk or in a room of the laboratory; choose one."""

    french = "Choisissez le guichet ou la salle où se trouve ce poste."


class PairedPc(Base):
    """A PC whose browser holds a pairing."""

    __tablename__ = "paired_pc"
    __table_args__ = ({"schema": STAFF_ONLY},)
    keep = "12 months after it was taken away"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    #: As colleagues find it again: where it stands, what it looks like.
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    #: The desk or room that patients are called to from here.
    desk: Mapped[str] = mapped_column(String(40))
    #: SHA-256 of the 32 bytes that its browser holds.
    token: Mapped[bytes] = mapped_column(LargeBinary(32), unique=True)
    paired_by: Mapped[UUID] = mapped_column(ForeignKey(f"{STAFF_ONLY}.staff.id"))
    paired_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: Since when the pairing is worth nothing.
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: HMAC of the row: without it the row gives nothing.
    mac: Mapped[bytes] = mapped_column(LargeBinary(32))


@dataclass(frozen=True, kw_only=True)
class Pc:
    """The paired PC of a request."""

    id: UUID
    name: str
    desk: str


def pair(
    db: Session, *, name: str, desk: str, desks: Sequence[str], before: Pc | None, by: UUID, power: Power, at: datetime,
    chance: Chance,
) -> str:  # fmt: skip
    """Pair the PC at which somebody who may is sitting; an older pairing of the same browser ends.

    Args:
        db: a session that writes the results side.
        desks: the desks and rooms of the laboratory.
        before: what this browser was paired as until now.
        by: who pairs it, after a fresh second factor.

    Returns:
        what the browser keeps, in hexadecimal: shown to nobody, kept here as a digest alone.

    Raises:
        PcWithoutName: the name is empty or too long.
        NotADesk: the laboratory has no such desk or room.
    """
    name = " ".join(name.split())
    if not 2 <= len(name) <= LONGEST_NAME:
        raise PcWithoutName
    if desk not in desks:
        raise NotADesk
    if before is not None:
        revoke(db, before.id, by=by, power=power, at=at, chance=chance)
    token = chance(TOKEN_SIZE)
    row = PairedPc(
        id=uuid7(at, chance), name=name, desk=desk, token=sha256(token).digest(), paired_by=by, paired_at=at,
        revoked_at=None,
    )  # fmt: skip
    vouch(row, power)
    db.add(row)
    write(db, "results", Act.DEVICE_PAIRED, by=by, at=at, chance=chance, device=row.id)
    return token.hex()


def revoke(db: Session, pc_id: UUID, *, by: UUID, power: Power, at: datetime, chance: Chance) -> None:
    """End a pairing at once: whoever is signed in there is out, and no desk PIN is worth anything there.

    Raises:
        NoSuchPc: there is none, or this house has not written it.
    """
    row = db.get(PairedPc, pc_id)
    if row is None or not vouched(row, power):
        raise NoSuchPc
    if row.revoked_at is None:
        row.revoked_at = at
        vouch(row, power)
        write(db, "results", Act.DEVICE_REVOKED, by=by, at=at, chance=chance, device=row.id)


def pc_of(db: Session, token: str, power: Power) -> Pc | None:
    """The paired PC of what a browser holds; None when it is none, was revoked, or nobody vouches for it."""
    try:
        digest = sha256(bytes.fromhex(token)).digest()
    except ValueError:
        return None
    row = db.scalars(select(PairedPc).where(PairedPc.token == digest)).first()
    if row is None or row.revoked_at is not None or not vouched(row, power):
        return None
    return Pc(id=row.id, name=row.name, desk=row.desk)


def is_paired(db: Session, pc_id: UUID, power: Power) -> bool:
    """Tell whether a pairing still holds; asked again where something is given."""
    row = db.get(PairedPc, pc_id)
    return row is not None and row.revoked_at is None and vouched(row, power)


def paired_pcs(db: Session, power: Power) -> list[PairedPc]:
    """Every pairing that holds, by name."""
    rows = db.scalars(select(PairedPc).where(PairedPc.revoked_at.is_(None)).order_by(PairedPc.name)).all()
    return [row for row in rows if vouched(row, power)]
