"""The screens that were let in: a kiosk or a board proves itself by a token that only its own browser holds."""

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import Enum, ForeignKey, Index, LargeBinary, String, bindparam, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.formats.convocation import CODE_LETTERS
from kiosk.register.clock import Chance
from kiosk.register.database import Base, UtcDateTime, uuid7
from kiosk.register.errors import Conflict, Invalid, NotFound
from kiosk.register.journal import Act, write

#: Signs of a pairing code, and how long it may be typed.
LENGTH: Final = 8
LASTS: Final = timedelta(minutes=15)
#: Random bytes of the token in a paired screen's cookie.
TOKEN: Final = 32
#: How often it is noted that a screen has asked for something; a quiet kiosk or board asks every ten minutes.
SEEN_EVERY: Final = timedelta(minutes=5)
#: A screen that was not seen for so long is off, or cannot reach the laboratory.
QUIET: Final = timedelta(minutes=20)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 -]{0,29}")


class Kind(StrEnum):
    """What a screen is for."""

    KIOSK = "kiosk"  #: patients take a number at it
    BOARD = "board"  #: the waiting room reads calls on it


class Device(Base):
    """A screen of the public app, from the code that invites it to the day on which it is sent away."""

    __tablename__ = "device"
    __table_args__ = (Index(None, "token_hash", unique=True),)
    keep = "2 years after it was revoked"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    #: What staff screens call it: `Borne 1`.
    name: Mapped[str] = mapped_column(String(30))
    kind: Mapped[Kind] = mapped_column(Enum(Kind, native_enum=False, length=5, values_callable=list))
    #: SHA-256 of the code that may still be typed, and until when.
    code_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    code_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: SHA-256 of the token in its cookie, once it was paired.
    token_hash: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    #: Who asked for the code: staff identifier, or the command line.
    made_by: Mapped[str] = mapped_column(String(40))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    paired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: When it asked for something, give or take `SEEN_EVERY`.
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


#: Built once: every request of a screen asks.
_PAIRED: Final = select(Device).where(Device.token_hash == bindparam("token_hash"), Device.revoked_at.is_(None))


class NameOfDevice(Invalid):
    """A screen's name is thirty plain letters, digits, spaces and hyphens at most; choose another."""

    french = "Choisissez un nom de 30 signes au plus, sans accent : « Borne 1 », « Ecran salle »."


class NameTaken(Conflict):
    """A screen of this name is paired already; send it away first, or choose another name."""

    french = "Un écran porte déjà ce nom. Retirez-le d'abord, ou choisissez un autre nom."


class CodeGone(Invalid):
    """The pairing code is wrong, was used or is too old; ask for a new one."""

    french = "Ce code ne convient pas, ou il a déjà servi. Demandez-en un nouveau."


class NoDevice(NotFound):
    """No paired screen has this name; look at the list."""

    french = "Aucun écran appairé ne porte ce nom. Regardez la liste."


def invite(
    db: Session, site_id: UUID, name: str, *, kind: Kind = Kind.KIOSK, by: UUID | str, at: datetime, chance: Chance
) -> str:
    """Make the one-time code that pairs a screen; a name that waits for its screen gets a new code.

    Args:
        name: what staff screens call it.
        kind: which page it opens once it is paired.

    Returns:
        Eight signs, to be typed at the screen within a quarter of an hour; only their hash is kept.

    Raises:
        NameOfDevice: the name cannot stand in the journal.
        NameTaken: a paired screen bears it.
    """
    if not _NAME.fullmatch(name):
        raise NameOfDevice
    code = "".join(CODE_LETTERS[byte % len(CODE_LETTERS)] for byte in chance(LENGTH))
    device = _of_name(db, site_id, name)
    if device is not None and device.token_hash is not None:
        raise NameTaken
    if device is None:
        device = Device(id=uuid7(at, chance), site_id=site_id, name=name)
        db.add(device)
    device.kind, device.made_by, device.made_at = kind, str(by), at
    device.code_hash, device.code_until = _hash(code), at + LASTS
    return code


def take_over(db: Session, site_id: UUID, typed: str, *, at: datetime, chance: Chance) -> str:
    """Pair the screen at which a code was typed; the code is spent.

    Returns:
        The token for its cookie, 64 hexadecimal digits; only its hash is kept.

    Raises:
        CodeGone: no screen waits for this code.
    """
    code = "".join(sign for sign in typed.upper() if sign.isalnum())
    device = db.scalars(
        select(Device)
        .where(Device.site_id == site_id, Device.code_hash == _hash(code), Device.revoked_at.is_(None))
        .with_for_update()
    ).first()
    if device is None or device.code_until is None or device.code_until < at:
        raise CodeGone
    token = chance(TOKEN).hex()
    device.token_hash, device.paired_at = _hash(token), at
    device.code_hash = device.code_until = None
    write(db, "register", Act.DEVICE_PAIRED, by=device.name, at=at, chance=chance, device=device.id)
    return token


def device_of(db: Session, token: str) -> Device | None:
    """The paired screen that holds this token, or None."""
    return db.scalars(_PAIRED, {"token_hash": _hash(token)}).first()


def saw(db: Session, device_id: UUID, *, at: datetime) -> None:
    """Note that a screen has asked for something."""
    db.execute(update(Device).where(Device.id == device_id).values(seen_at=at))


def revoke(db: Session, site_id: UUID, name: str, *, by: UUID | str, at: datetime, chance: Chance) -> None:
    """Send a screen away at once; its token opens nothing any more.

    Raises:
        NoDevice: no screen has this name.
    """
    device = _of_name(db, site_id, name)
    if device is None:
        raise NoDevice
    device.revoked_at = at
    device.code_hash = device.code_until = device.token_hash = None
    write(db, "register", Act.DEVICE_REVOKED, by=by, at=at, chance=chance, device=device.id)


def devices(db: Session, site_id: UUID) -> Sequence[Device]:
    """Every screen that was not sent away, by name."""
    return db.scalars(
        select(Device).where(Device.site_id == site_id, Device.revoked_at.is_(None)).order_by(Device.name)
    ).all()


def _of_name(db: Session, site_id: UUID, name: str) -> Device | None:
    return db.scalars(
        select(Device).where(Device.site_id == site_id, Device.name == name, Device.revoked_at.is_(None))
    ).first()


def _hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
