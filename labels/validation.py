"""Which table of tubes a biologist has signed: each version chained to the one before, none of them ever changed."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import LargeBinary, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.formats.canonical import canonical, read_canonical
from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime
from kiosk.register.errors import Conflict
from kiosk.register.journal import Act, write
from labels.planning.rules import Rules

_NOTHING_BEFORE: Final = bytes(32).hex()

#: Sign the bytes of a version with a biologist's key.
Sign = Callable[[bytes], bytes]
#: Whether the named biologist has signed these bytes: a session that may read, signer, bytes, signature.
Proves = Callable[[Session, str, bytes, bytes], bool]


class AlreadySigned(Conflict):
    """This very table is the last one signed; there is nothing to sign."""

    french = "Cette table est déjà signée. Il n'y a rien à signer."


class SignedTubes(Base):
    """One signed version of the table of tubes, never changed."""

    __tablename__ = "tube_table"
    __table_args__ = ({"schema": STAFF_ONLY},)
    keep = "for ever: labels were planned by it"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    #: Canonical JSON, the bytes that were signed.
    json: Mapped[str] = mapped_column(Text)
    #: Short name of the biologist whose key signed.
    signer: Mapped[str] = mapped_column(String(40))
    signature: Mapped[bytes] = mapped_column(LargeBinary(64))
    signed_at: Mapped[datetime] = mapped_column(UtcDateTime)


@dataclass(frozen=True, kw_only=True)
class SiteTable:
    """The table that the site has in its settings, and what tells a biologist's signature."""

    rules: Rules
    proves: Proves

    def now(self, db: Session) -> Rules:
        """The rules, marked as validated or not as the signatures say at this moment."""
        return replace(self.rules, validated=is_signed(db, self.rules, self.proves))


def is_signed(db: Session, rules: Rules, proves: Proves) -> bool:
    """Tell whether the last version that was signed is this very table."""
    last = last_signed(db, proves)
    return last is not None and read_canonical(_data(last))["table"] == rules.said


def refuse_signed(db: Session, rules: Rules, proves: Proves) -> None:
    """Refuse a table that is signed already.

    Raises:
        AlreadySigned: it is.
    """
    if is_signed(db, rules, proves):
        raise AlreadySigned


def sign_tubes(
    db: Session, rules: Rules, *, sign: Sign, proves: Proves, signer: str, by: UUID, at: datetime, chance: Chance
) -> SignedTubes:
    """Sign the site's table as its next version; the journal keeps the version and the hash of what was signed.

    Args:
        db: a session that writes the results.
        sign: signs with the key of `signer`, whom `proves` must know.
        by: the biologist's staff id.

    Raises:
        AlreadySigned: the last version says the same, and its signature holds.
    """
    refuse_signed(db, rules, proves)
    before = db.scalar(select(SignedTubes).order_by(SignedTubes.version.desc()).limit(1))
    version = 1 if before is None else before.version + 1
    previous = _NOTHING_BEFORE if before is None else hash_of(before).hex()
    data = canonical({"version": version, "previous": previous, "table": rules.said})
    row = SignedTubes(version=version, json=data.decode("utf-8"), signer=signer, signature=sign(data), signed_at=at)
    db.add(row)
    digest = hash_of(row)
    write(
        db, "results", Act.TUBES_SIGNED, by=by, at=at, chance=chance, version=version,
        sha256_first=UUID(bytes=digest[:16]), sha256_last=UUID(bytes=digest[16:]),
    )  # fmt: skip
    return row


def last_signed(db: Session, proves: Proves) -> SignedTubes | None:
    """Give the last version, None before the first one or when one of them was changed, dropped or not signed."""
    rows = db.scalars(select(SignedTubes).order_by(SignedTubes.version)).all()
    return rows[-1] if rows and _sound(db, rows, proves) else None


def hash_of(row: SignedTubes) -> bytes:
    """SHA-256 of the bytes that were signed."""
    return hashlib.sha256(_data(row)).digest()


def _sound(db: Session, rows: Sequence[SignedTubes], proves: Proves) -> bool:
    previous = _NOTHING_BEFORE
    for place, row in enumerate(rows, start=1):
        if not proves(db, row.signer, _data(row), row.signature):
            return False
        said = read_canonical(_data(row))
        if (row.version, said["version"], said["previous"]) != (place, place, previous):
            return False
        previous = hash_of(row).hex()
    return True


def _data(row: SignedTubes) -> bytes:
    return row.json.encode("utf-8")
