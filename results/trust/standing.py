"""Who signs here: the first biologist, whoever a biologist in office has let in, and nobody after leaving.

What is kept beside the keys cannot be brought back with an older database: who came, who left, and every account and
role that ended once. Whoever comes in is signed for; what only closes needs no signature.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy import LargeBinary, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.formats.canonical import Value, canonical, read_canonical
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime
from results.vault.keyfolder import STANDING, UnsafeKeys, read_guarded, write_again
from results.vault.keys import BiologistKeys, KeyRing
from results.vault.sealing import DoesNotOpen, check_signature, label, sign

_FORMAT: Final = "format: etiquette-standing-v1"
_ENTERED, _LEFT, _ENDED, _ESCROW = "entered", "left", "ended", "escrow"


class Upheld(Base):
    """A signature of somebody who has left, countersigned on that day by a biologist in office."""

    __tablename__ = "upheld"
    __table_args__ = ({"schema": STAFF_ONLY},)
    keep = "for ever: what was signed before leaving stands by it"

    #: SHA-256 of the signature.
    id: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    #: Login of the biologist who upholds it, and the Ed25519 signature over the digest.
    by: Mapped[str] = mapped_column(String(31))
    signature: Mapped[bytes] = mapped_column(LargeBinary(64))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


@dataclass(frozen=True, kw_only=True)
class Term:
    """When somebody came and left, in UTC seconds; the first biologist came with the keys."""

    since: int | None
    until: int | None


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What the file beside the keys says now."""

    #: Login -> Ed25519 public key of those who sign today.
    in_office: Mapping[str, bytes]
    #: The same of those who left: known for ever.
    left: Mapping[str, bytes]
    terms: Mapping[str, Term]
    #: Accounts and roles that ended once: no row gives them again.
    ended: frozenset[UUID]
    #: Whether somebody left after the newest escrow key was made.
    is_escrow_late: bool
    #: Login of the first biologist; None where the keys do not say who that is.
    root: str | None


def standing_of(keys: KeyRing) -> Standing:
    """Read who signs here, again only when the file has changed.

    Raises:
        UnsafeKeys: the file is not this programme's own, or is not understood.
    """
    return _replay(_lines(keys.folder), frozenset(keys.signers.items()))


def key_for(db: Session, keys: KeyRing, signer: str, signature: bytes) -> bytes | None:
    """The public key under which a signature of this person counts; None when it counts for nothing.

    Of somebody who left, only what a biologist in office has upheld counts: whatever date it bears, what was signed
    later with a key that was kept is not among it.

    Args:
        db: a session that may read the results.
        keys: the staff programme's keys.
        signer: login.
        signature: the one that is looked at.
    """
    standing = standing_of(keys)
    if signer in standing.in_office:
        return standing.in_office[signer]
    if signer not in standing.left:
        return None
    row = db.get(Upheld, hashlib.sha256(signature).digest())
    if row is None or not _holds(standing.in_office.get(row.by), label("uphold") + row.id, row.signature):
        return None
    return standing.left[signer]


def has_signed(keys: KeyRing, what: str, db: Session, signer: str, data: bytes, signature: bytes) -> bool:
    """Tell whether a biologist whose signature counts has signed these bytes for this one use."""
    return _holds(key_for(db, keys, signer, signature), label(what) + data, signature)


def uphold(
    db: Session, keys: KeyRing, person: str, signatures: Iterable[bytes], *, by: BiologistKeys, at: datetime
) -> int:
    """Countersign what somebody who leaves has signed, and what they had upheld for those who left before.

    Args:
        db: a session that writes the results.
        keys: the staff programme's keys.
        person: login of whoever leaves, in office until now.
        signatures: theirs.
        by: unlocked keys of a biologist who stays.
        at: now.

    Returns:
        How many.
    """
    public = standing_of(keys).in_office.get(person)
    digests = {hashlib.sha256(signature).digest() for signature in signatures}
    for row in db.scalars(select(Upheld).where(Upheld.by == person)):
        if _holds(public, label("uphold") + row.id, row.signature):
            digests.add(row.id)
    for digest in digests:
        db.merge(Upheld(id=digest, by=by.person, signature=sign(by.signer_seed, label("uphold") + digest), at=at))
    return len(digests)


def enter(keys: KeyRing, person: str, public: bytes, *, by: BiologistKeys, at: datetime) -> None:
    """Let a new biologist sign, by the word of one who is in office."""
    said: dict[str, Value] = {
        "act": _ENTERED, "person": person, "key": public.hex(), "by": by.person, "at": int(at.timestamp()),
    }  # fmt: skip
    said["signature"] = sign(by.signer_seed, _entry(said)).hex()
    _append(keys.folder, [said])


def close(keys: KeyRing, *, left: Mapping[str, datetime], ended: Mapping[UUID, datetime]) -> None:
    """Write down who has left and what has ended; what stands there already is not written again."""
    now = standing_of(keys)
    said: list[dict[str, Value]] = []
    for person, at in left.items():
        if person in now.in_office:
            said.append({"act": _LEFT, "person": person, "at": int(at.timestamp())})
    for row, at in ended.items():
        if row not in now.ended:
            said.append({"act": _ENDED, "id": row.hex, "at": int(at.timestamp())})
    _append(keys.folder, said)


def note_escrow(keys: KeyRing, version: int, *, at: datetime) -> None:
    """Write down that an escrow key was made for those who are in office now."""
    _append(keys.folder, [{"act": _ESCROW, "version": version, "at": int(at.timestamp())}])


def _append(folder: Path, said: Collection[dict[str, Value]]) -> None:
    if said:
        lines = [_FORMAT, *_lines(folder), *(canonical(one).decode("utf-8") for one in said)]
        write_again(folder / STANDING, "".join(line + "\n" for line in lines))


def _lines(folder: Path) -> tuple[str, ...]:
    path = folder / STANDING
    try:
        found = path.lstat()
    except FileNotFoundError:
        return ()
    return _read(path, found.st_ino, found.st_size, found.st_mtime_ns)


# The file only grows and each writing is a file of its own: what stays the same under these four is the same text.
@lru_cache(maxsize=64)
def _read(path: Path, inode: int, size: int, changed: int) -> tuple[str, ...]:
    del inode, size, changed
    first, *lines = read_guarded(path).splitlines() or [""]
    if first != _FORMAT:
        raise UnsafeKeys(f"Le fichier {STANDING} n'est pas lisible.")
    return tuple(lines)


@lru_cache(maxsize=64)
def _replay(lines: tuple[str, ...], signers: frozenset[tuple[str, bytes]]) -> Standing:
    """Go through the file in its order: an entry counts only if whoever signed it was in office by then."""
    try:
        said = [read_canonical(line.encode("utf-8")) for line in lines]
        came_later = {str(one["person"]) for one in said if one["act"] == _ENTERED}
        first = {person: key for person, key in signers if person not in came_later}
        in_office = dict(first) if len(first) == 1 else {}
        left: dict[str, bytes] = {}
        terms = {person: Term(since=None, until=None) for person in in_office}
        for one in said:
            person = str(one.get("person"))
            if one["act"] == _ENTERED and person not in terms and _is_let_in(one, in_office):
                in_office[person] = bytes.fromhex(str(one["key"]))
                terms[person] = Term(since=_second(one), until=None)
            elif one["act"] == _LEFT and person in in_office:
                left[person] = in_office.pop(person)
                terms[person] = Term(since=terms[person].since, until=_second(one))
        ended = frozenset(UUID(hex=str(one["id"])) for one in said if one["act"] == _ENDED)
        moves = [one["act"] for one in said if one["act"] in {_LEFT, _ESCROW}]
    except (ValueError, KeyError):
        raise UnsafeKeys(f"Le fichier {STANDING} n'est pas lisible.") from None
    return Standing(
        in_office=in_office, left=left, terms=terms, ended=ended, is_escrow_late=moves[-1:] == [_LEFT],
        root=next(iter(first)) if len(first) == 1 else None,
    )  # fmt: skip


def _is_let_in(said: Mapping[str, Value], in_office: Mapping[str, bytes]) -> bool:
    return _holds(in_office.get(str(said["by"])), _entry(said), bytes.fromhex(str(said["signature"])))


def _entry(said: Mapping[str, Value]) -> bytes:
    return label("signer") + canonical({name: value for name, value in said.items() if name != "signature"})


def _second(said: Mapping[str, Value]) -> int:
    return int(str(said["at"]))


def _holds(public: bytes | None, message: bytes, signature: bytes) -> bool:
    if public is None:
        return False
    try:
        check_signature(public, message, signature)
    except DoesNotOpen:
        return False
    return True
