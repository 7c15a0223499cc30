"""Who may be told what, by whom: a table that a biologist has signed, each version chained to the one before."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Final
from uuid import UUID

from sqlalchemy import LargeBinary, String, Text, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.exams.catalogue import ReleaseClass
from kiosk.formats.canonical import Value, canonical, read_canonical
from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime
from kiosk.register.errors import Invalid
from kiosk.register.journal import Act, write
from results.trust.standing import key_for
from results.vault.keyfolder import MatrixHead, raise_matrix_head, read_matrix_head
from results.vault.keys import BiologistKeys, KeyRing
from results.vault.sealing import DoesNotOpen, check_signature, label, sign

PROPOSAL: Final = Path(__file__).parent / "data" / "matrix_proposal.json"
_NOTHING_BEFORE: Final = bytes(32).hex()


class Channel(StrEnum):
    """By which way a result leaves."""

    COUNTER = "counter"  #: in person, identity document seen
    PHONE = "phone"  #: the person called
    CALL_BACK = "call_back"  #: the laboratory calls the number on file
    LETTER = "letter"  #: to the address on file


class Person(StrEnum):
    """Who is told, and with what proof."""

    WITH_CODE = "with_code"  #: the patient, with slip, code and PIN
    WITHOUT_CODE = "without_code"  #: the patient, without
    PHYSICIAN = "physician"  #: a proved physician, prescriber or named copy
    PARENT = "parent"  #: of a minor
    MANDATED = "mandated"  #: with a written mandate
    INSTITUTION = "institution"  #: employer, insurer, school


class Teller(StrEnum):
    """What the table says of one case."""

    SECRETARY = "secretary"  #: the secretary tells
    AGREED = "agreed"  #: the secretary tells when the biologist has agreed to this one
    BIOLOGIST = "biologist"  #: the biologist alone tells
    ASKED = "asked"  #: the biologist sends it when it was asked in writing
    RULE = "rule"  #: only if the dossier has a rule of its own that says so
    NOBODY = "nobody"  #: not this way


Routes = Mapping[tuple[ReleaseClass, Channel, Person], Teller]


class NotAMatrix(Invalid):
    """This is not a table of release; take the proposal and change its words only."""

    french = "Ce fichier n'est pas une table de remise. Repartez de la proposition."


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """One version of the table; a case that it does not name is told by nobody."""

    version: int
    #: UTC second from which it holds.
    valid_from: int
    #: SHA-256 of the version before, in hexadecimal.
    previous: str
    routes: Routes

    def teller(self, release_class: ReleaseClass, channel: Channel, person: Person) -> Teller:
        """Who tells a result of this class, by this way, to this person."""
        return self.routes.get((release_class, channel, person), Teller.NOBODY)


class SignedMatrix(Base):
    """One signed version, never changed."""

    __tablename__ = "matrix"
    __table_args__ = ({"schema": STAFF_ONLY},)
    keep = "for ever: releases name it"

    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    #: Canonical JSON, the bytes that were signed.
    json: Mapped[str] = mapped_column(Text)
    #: Short name of the biologist whose key signed.
    signer: Mapped[str] = mapped_column(String(40))
    signature: Mapped[bytes] = mapped_column(LargeBinary(64))
    signed_at: Mapped[datetime] = mapped_column(UtcDateTime)


def read_routes(data: bytes) -> Routes:
    """Read the routes of a proposal or of a matrix: class, channel, person, teller.

    Raises:
        NotAMatrix: not canonical JSON, or a word that the table does not know.
    """
    try:
        return _routes(read_canonical(data)["routes"])
    except (ValueError, KeyError):
        raise NotAMatrix from None


def read_matrix(data: bytes) -> Matrix:
    """Read one version; its signature is not looked at here.

    Raises:
        NotAMatrix: not canonical JSON, a missing field, or a word that the table does not know.
    """
    routes = read_routes(data)
    fields = read_canonical(data)
    version, valid_from, previous = fields.get("version"), fields.get("valid_from"), fields.get("previous")
    if (
        set(fields) != {"version", "valid_from", "previous", "routes"}
        or not isinstance(version, int)
        or not isinstance(valid_from, int)
        or not isinstance(previous, str)
    ):
        raise NotAMatrix
    return Matrix(version=version, valid_from=valid_from, previous=previous, routes=routes)


def write_matrix(matrix: Matrix) -> bytes:
    """Write the bytes that are signed."""
    routes: dict[str, dict[str, dict[str, str]]] = {}
    for (release_class, channel, person), teller in matrix.routes.items():
        routes.setdefault(release_class.value, {}).setdefault(channel.value, {})[person.value] = teller.value
    return canonical(
        {
            "version": matrix.version,
            "valid_from": matrix.valid_from,
            "previous": matrix.previous,
            "routes": routes,
        }
    )


def sign_matrix(
    db: Session,
    routes: Routes,
    *,
    valid_from: datetime,
    biologist: BiologistKeys,
    by: UUID,
    at: datetime,
    chance: Chance,
) -> Matrix:
    """Sign the next version; nothing was in force before the first one.

    The caller commits, then calls `keep_head`: from then on no older table can come back.

    Args:
        db: a session that writes the results.
        routes: the whole table.
        valid_from: from when it holds.
        biologist: unlocked keys.
        by: the biologist's staff id, for the journal.
        at: now.
        chance: gives the journal's salt.
    """
    last = db.scalar(select(SignedMatrix).order_by(SignedMatrix.version.desc()).limit(1))
    matrix = Matrix(
        version=1 if last is None else last.version + 1,
        valid_from=int(valid_from.timestamp()),
        previous=_NOTHING_BEFORE if last is None else _digest(last.json).hex(),
        routes=routes,
    )
    data = write_matrix(matrix)
    db.add(
        SignedMatrix(
            version=matrix.version,
            json=data.decode("utf-8"),
            signer=biologist.person,
            signature=sign(biologist.signer_seed, label("matrix") + data),
            signed_at=at,
        )
    )
    write(db, "results", Act.MATRIX_SIGNED, by=by, at=at, chance=chance, version=matrix.version)
    return matrix


def keep_head(folder: Path, matrix: Matrix) -> None:
    """Keep the number of a committed matrix beside the keys; it never falls."""
    digest = hashlib.sha256(write_matrix(matrix)).digest()
    raise_matrix_head(folder, MatrixHead(number=matrix.version, digest=digest))


def in_force(db: Session, keys: KeyRing, at: datetime) -> Matrix | None:
    """Give the matrix that holds now, or None: then nothing leaves.

    Every version is looked at: each is signed by a biologist whose signature counts, names the one before by its
    hash, and the one whose number is kept beside the keys is there, unchanged.
    """
    rows = db.scalars(select(SignedMatrix).order_by(SignedMatrix.version)).all()
    try:
        _check_chain(db, rows, keys)
    except (DoesNotOpen, NotAMatrix):
        return None
    held = [matrix for matrix in map(_read_row, rows) if matrix.valid_from <= at.timestamp()]
    return held[-1] if held else None


def _check_chain(db: Session, rows: Sequence[SignedMatrix], keys: KeyRing) -> None:
    for place, row in enumerate(rows, start=1):
        key = key_for(db, keys, row.signer, row.signature)
        if row.version != place or key is None or _read_row(row).version != place:
            raise DoesNotOpen
        check_signature(key, label("matrix") + row.json.encode("utf-8"), row.signature)
    if rows and _read_row(rows[0]).previous != _NOTHING_BEFORE:
        raise DoesNotOpen
    for before, after in pairwise(rows):
        if _read_row(after).previous != _digest(before.json).hex():
            raise DoesNotOpen
    head = read_matrix_head(keys.folder)
    if head.number and (head.number > len(rows) or _digest(rows[head.number - 1].json) != head.digest):
        raise DoesNotOpen


def _read_row(row: SignedMatrix) -> Matrix:
    return _read_words(row.json)


@lru_cache(maxsize=64)
def _read_words(json: str) -> Matrix:
    """The same words are the same matrix: every weighing asks for every version, and reading is most of its work."""
    return read_matrix(json.encode("utf-8"))


def _digest(json: str) -> bytes:
    return hashlib.sha256(json.encode("utf-8")).digest()


def _routes(value: Value) -> Routes:
    return MappingProxyType(
        {
            (ReleaseClass(release_class), Channel(channel), Person(person)): Teller(str(teller))
            for release_class, channels in _object(value).items()
            for channel, persons in _object(channels).items()
            for person, teller in _object(persons).items()
        }
    )


def _object(value: Value) -> Mapping[str, Value]:
    if isinstance(value, (str, int)):
        raise NotAMatrix
    return value
