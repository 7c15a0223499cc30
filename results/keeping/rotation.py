"""Keys that are changed every year; killed anywhere, a rotation is finished by asking for it once more.

A rotation is two visits. The first makes the new key, hands it out and seals again what the old one opens; a programme
that was not started again meanwhile may still use the old one, so it stays. The second seals again whatever came so
late and takes the old key away once nothing needs it.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kiosk.register.clock import Chance
from kiosk.register.database import Database
from kiosk.register.journal import Act, write
from results.reports.versions import Recipient, SealedKey
from results.vault.dossiers import CodeLine, LineState
from results.vault.envelopes import copy_key, open_copy
from results.vault.keyfolder import KeyFolder, write_new
from results.vault.keys import KeyRing
from results.vault.keytext import KeyText, plain, seal_to_escrow
from results.vault.sealing import KEY_SIZE, make_pair, public_of, verifier_of
from results.vault.slips import void_slip

#: Copies that one transaction seals again.
BATCH: Final = 200


class Rotating(StrEnum):
    """The keys that have a yearly rotation."""

    PEPPER = "pepper"
    RELEASE = "release"
    JOURNAL = "journal"


@dataclass(frozen=True, kw_only=True)
class Rotation:
    """Where a rotation stands after a visit."""

    kind: Rotating
    #: The version that new things use.
    newest: int
    #: Copies sealed again in this visit.
    resealed: int = 0
    #: What still needs an older key: slips in hands, or programmes to start again.
    waits: int = 0
    #: Whether every older key is gone.
    is_done: bool = False


def rotate_pepper(database: Database, folder: Path, *, by: str, at: datetime, chance: Chance) -> Rotation:
    """Make a new pepper for the slips to come; the old one goes with the last slip that needs it."""
    versions = sorted(KeyRing.load(folder).pepper)
    if len(versions) == 1:
        newest = versions[0] + 1
        _tell(database, Rotating.PEPPER, newest, by=by, at=at, chance=chance)
        write_new(folder / f"pepper.{newest}.key", plain("pepper", str(newest), "key", chance(KEY_SIZE)).whole())
        return Rotation(kind=Rotating.PEPPER, newest=newest, waits=_lines_of(database, newest))
    newest = versions[-1]
    waits = _lines_of(database, newest)
    if not waits:
        _take(folder, *(f"pepper.{version}.key" for version in versions[:-1]))
    return Rotation(kind=Rotating.PEPPER, newest=newest, waits=waits, is_done=not waits)


def replace_lost_pepper(database: Database, folder: Path, *, by: str, at: datetime, chance: Chance) -> Rotation:
    """Make a pepper in the place of one that is lost: no line that it was in opens again, so every such slip is void.

    Each of them is re-issued when its patient comes; what is sealed is not touched.
    """
    with database.transaction("results") as db:
        newest = (db.scalar(select(func.max(CodeLine.pepper_version))) or 0) + 1
        dead = select(CodeLine.slip_id).where(CodeLine.state == LineState.READY).distinct()
        slips = list(db.scalars(dead))
        for slip_id in slips:
            void_slip(db, slip_id, by=by, at=at, chance=chance)
        write(db, "results", Act.KEY_ROTATED, by=by, at=at, chance=chance, kind=Rotating.PEPPER, version=newest)
    write_new(folder / f"pepper.{newest}.key", plain("pepper", str(newest), "key", chance(KEY_SIZE)).whole())
    return Rotation(kind=Rotating.PEPPER, newest=newest, resealed=len(slips), is_done=True)


def rotate_release(
    database: Database, folder: Path, exchange: Path, *, by: str, at: datetime, chance: Chance
) -> Rotation:
    """Change the key of ordinary reports: hand out its public half, then seal every copy again.

    Args:
        database: both sides.
        folder: the staff programme's keys.
        exchange: the laboratory line's, which learns the public half last.
        by: the command.
        at: now.
        chance: gives keys.
    """
    ring = KeyRing.load(folder)
    is_first = len(ring.release) == 1
    newest = max(ring.release) + is_first
    if is_first:
        private = make_pair(chance).private
        _tell(database, Rotating.RELEASE, newest, by=by, at=at, chance=chance)
        write_new(folder / f"release.{newest}.key", plain("release", str(newest), "key", private).whole())
    else:
        private = ring.release[newest]
    public = plain("release", str(newest), "pub", public_of(private))
    escrow = (str(max(ring.escrow_public)), ring.escrow_public[max(ring.escrow_public)])
    _put(folder, public)
    if not (folder / f"release.{newest}.escrow").exists():
        _put(folder, seal_to_escrow("release", str(newest), private, to=escrow, chance=chance))
    _put(exchange, public)  # from here on everything new is sealed to it
    resealed = _reseal(database, dict(ring.release), newest, public.data, chance=chance)
    older = [version for version in ring.release if version < newest]
    is_done = not is_first and resealed == 0
    if is_done:
        _take(exchange, *(f"release.{version}.pub" for version in older))
        _take(folder, *(f"release.{version}.{end}" for version in older for end in ("pub", "escrow", "key")))
    return Rotation(kind=Rotating.RELEASE, newest=newest, resealed=resealed, is_done=is_done)


def rotate_journal(database: Database, folder: Path, *, by: str, at: datetime, chance: Chance) -> Rotation:
    """Change the key that signs notes: the journal names the new one while the old one still signs.

    The public half of the old one stays: its notes are on paper for ever.
    """
    ring = KeyRing.load(folder)
    is_first = len(ring.journal) == 1
    newest = max(ring.journal) + is_first
    if is_first:
        seed = chance(KEY_SIZE)
        _name(database, newest, verifier_of(seed), by=by, at=at, chance=chance)
        write_new(folder / f"journal.{newest}.key", plain("journal", str(newest), "key", seed).whole())
    else:
        seed = ring.journal[newest]
    _put(folder, plain("journal", str(newest), "pub", verifier_of(seed)))
    if not is_first:
        _take(folder, *(f"journal.{version}.key" for version in ring.journal if version < newest))
    return Rotation(kind=Rotating.JOURNAL, newest=newest, is_done=not is_first)


def name_journal_key(database: Database, folder: Path, *, by: str, at: datetime, chance: Chance) -> None:
    """Write into the journal which key signs its notes now: one that was made in the place of a lost one."""
    newest, public = max(KeyFolder.open(folder).versions("journal", "pub").items())
    _name(database, newest, public, by=by, at=at, chance=chance)


def _name(database: Database, version: int, public: bytes, *, by: str, at: datetime, chance: Chance) -> None:
    named = UUID(bytes=hashlib.sha256(public).digest()[:16])
    _tell(database, Rotating.JOURNAL, version, by=by, at=at, chance=chance, key=named)


def _reseal(database: Database, privates: dict[int, bytes], newest: int, public: bytes, *, chance: Chance) -> int:
    """Seal every copy of an older version again, some at a time: each is under one key at any moment, never none."""
    asked = select(SealedKey).where(SealedKey.recipient == Recipient.RELEASE, SealedKey.key_version < newest)
    resealed = 0
    while True:
        with database.transaction("results") as db:
            copies = db.scalars(asked.limit(BATCH)).all()
            for copy in copies:
                _change(db, copy, privates[copy.key_version], newest, public, chance=chance)
        if not copies:
            return resealed
        resealed += len(copies)


def _change(db: Session, copy: SealedKey, private: bytes, newest: int, public: bytes, *, chance: Chance) -> None:
    dek = open_copy(copy.item, copy.version, copy.box, private=private)
    box = copy_key(copy.item, copy.version, dek, recipient=public, chance=chance)
    fresh = SealedKey(
        item=copy.item, version=copy.version, part=copy.part, recipient=copy.recipient, key_version=newest, box=box
    )
    db.delete(copy)
    db.add(fresh)


def _lines_of(database: Database, newest: int) -> int:
    """Code lines in hands that need an older pepper."""
    asked = select(func.count()).where(CodeLine.state == LineState.READY, CodeLine.pepper_version < newest)
    with database.reading() as db:
        return db.scalar(asked) or 0


# The journal knows before the key is there: one line too many after a death, never a key that nobody wrote down.
def _tell(
    database: Database, kind: Rotating, version: int, *, by: str, at: datetime, chance: Chance, **more: UUID
) -> None:
    with database.transaction("results") as db:
        write(db, "results", Act.KEY_ROTATED, by=by, at=at, chance=chance, kind=kind, version=version, **more)


def _put(folder: Path, text: KeyText) -> None:
    """Write a key file unless it is there already, from a visit that was cut short."""
    if text.name not in KeyFolder.open(folder).texts:
        write_new(folder / text.name, text.whole())


def _take(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).unlink(missing_ok=True)
