"""How a report and a raw message are sealed, copied to who may open them, and signed."""

import hashlib
from dataclasses import dataclass
from enum import IntEnum
from typing import Final
from uuid import UUID

from kiosk.register.clock import Chance
from results.vault.sealing import (
    KEY_SIZE,
    DoesNotOpen,
    authenticate,
    box,
    check_signature,
    eight_bytes,
    four_bytes,
    label,
    same,
    seal,
    sign,
    unbox,
    unseal,
)

NOBODY: Final = UUID(int=0)
_COPY_FORM = b"\x01"
_HEADER_SIZE = 37
_SMALLEST = 1024
_CONFIDENTIAL_BUCKETS = (64 * 1024, 256 * 1024, 2**20, 4 * 2**20, 16 * 2**20, 32 * 2**20)


class BodyKind(IntEnum):
    """What stands in a sealed body."""

    #: UTF-8 text.
    TEXT = 1
    #: HL7 or HPRIM, as received.
    MESSAGE = 2
    #: A CDA document.
    CDA = 3
    #: A PDF document.
    PDF = 4


@dataclass(frozen=True, kw_only=True)
class ReportSeal:
    """What the body of one report version is bound to; `dossier` is NOBODY while unmatched."""

    report: UUID
    dossier: UUID
    version: int
    rank: int
    matrix_version: int

    def bound_data(self) -> bytes:
        """The associated data of the body."""
        ids = self.report.bytes + self.dossier.bytes + four_bytes(self.version)
        return label("report") + ids + bytes([self.rank]) + four_bytes(self.matrix_version)


class RawPart(IntEnum):
    """Which part of a received message is sealed."""

    #: The message as it came.
    WHOLE = 1
    #: The segment that says whose it is; no exam in it.
    IDENTITY = 2


@dataclass(frozen=True, kw_only=True)
class RawSeal:
    """What a raw message is bound to; the class only chooses its size."""

    message: UUID
    part: RawPart
    rank: int

    def bound_data(self) -> bytes:
        """The associated data of the body."""
        return label("raw") + self.message.bytes + bytes([self.part])


@dataclass(frozen=True, kw_only=True, repr=False)
class SealedBody:
    """A body that was just sealed: what is stored, the key for its copies, and what a signer commits to."""

    stored: bytes
    dek: bytes
    commitment: bytes


@dataclass(frozen=True, kw_only=True, repr=False)
class Body:
    """A body that was opened."""

    kind: BodyKind
    content: bytes
    commitment: bytes


@dataclass(frozen=True, kw_only=True)
class SignedFacts:
    """All that a biologist's signature holds together; times in UTC seconds."""

    report: UUID
    dossier: UUID
    version: int
    rank: int
    not_before: int
    commitment: bytes
    signer: UUID
    signed_at: int

    def message(self) -> bytes:
        """The bytes that are signed."""
        ids = self.report.bytes + self.dossier.bytes + four_bytes(self.version) + bytes([self.rank])
        by = self.signer.bytes + eight_bytes(self.signed_at)
        return label("sign") + ids + eight_bytes(self.not_before) + self.commitment + by


def bucket(rank: int, size: int) -> int:
    """Choose the padded size of a plaintext, so that its length says as little as possible.

    Args:
        rank: the class, 0 to 5.
        size: bytes, the header of 37 included.

    Raises:
        ValueError: larger than the largest bucket.
    """
    if rank <= 1:
        return max(_SMALLEST, 1 << (size - 1).bit_length())
    for limit in _CONFIDENTIAL_BUCKETS:
        if size <= limit:
            return limit
    raise ValueError("the body is larger than the largest bucket")


def seal_body(bound: ReportSeal | RawSeal, kind: BodyKind, content: bytes, *, chance: Chance) -> SealedBody:
    """Pad and seal a body under a fresh key (DEK).

    Chance is asked for the commitment's nonce (32), the key (32) and the cipher's nonce (24), in this order.
    """
    header = chance(32) + four_bytes(len(content)) + bytes([kind])
    dek = chance(KEY_SIZE)
    plaintext = (header + content).ljust(bucket(bound.rank, _HEADER_SIZE + len(content)), b"\x00")
    stored = seal(dek, plaintext, bound.bound_data(), chance=chance)
    return SealedBody(stored=stored, dek=dek, commitment=commit(header, content))


def open_body(bound: ReportSeal | RawSeal, stored: bytes, dek: bytes) -> Body:
    """Open a body.

    Raises:
        DoesNotOpen: another key, report, version, class or matrix, or a length that is not the body's.
    """
    plaintext = unseal(dek, stored, bound.bound_data())
    header, rest = plaintext[:_HEADER_SIZE], plaintext[_HEADER_SIZE:]
    length = int.from_bytes(header[32:36], "big")
    if len(header) != _HEADER_SIZE or length > len(rest) or any(rest[length:]):
        raise DoesNotOpen
    try:
        kind = BodyKind(header[36])
    except ValueError:
        raise DoesNotOpen from None
    content = rest[:length]
    return Body(kind=kind, content=content, commitment=commit(header, content))


def commit(header: bytes, content: bytes) -> bytes:
    """Commit to a content; its nonce lies inside the body, so the few likely results cannot be tried."""
    return hashlib.sha256(label("commit") + header + content).digest()


def copy_key(item: UUID, version: int, dek: bytes, *, recipient: bytes, chance: Chance) -> bytes:
    """Seal a body's key to one recipient: 101 bytes; for a raw message `version` is 0."""
    return box(recipient, _COPY_FORM + item.bytes + four_bytes(version) + dek, chance=chance)


def open_copy(item: UUID, version: int, stored: bytes, *, private: bytes) -> bytes:
    """Give a body's key to its recipient.

    Raises:
        DoesNotOpen: another recipient, or a copy that was made for another report or version.
    """
    content = unbox(private, stored)
    inner = _COPY_FORM + item.bytes + four_bytes(version)
    if not content.startswith(inner) or len(content) != len(inner) + KEY_SIZE:
        raise DoesNotOpen
    return content[len(inner) :]


def sign_report(facts: SignedFacts, seed: bytes) -> bytes:
    """Sign a report version."""
    return sign(seed, facts.message())


def check_report(facts: SignedFacts, body: Body, signature: bytes, verifier: bytes) -> None:
    """Demand that what was opened is what was signed.

    Raises:
        DoesNotOpen: another content, another signer or other facts.
    """
    if not same(facts.commitment, body.commitment):
        raise DoesNotOpen
    check_signature(verifier, facts.message(), signature)


def column_bound(table: str, column: str, row: UUID) -> bytes:
    """The associated data of a sealed column: its value moves to no other place."""
    return label("column") + table.encode("ascii") + b"\x00" + column.encode("ascii") + b"\x00" + row.bytes


def seal_column(place: tuple[str, str, UUID], value: bytes, *, subkey: bytes, chance: Chance) -> bytes:
    """Seal one column of one row; `place` is table, column, row id."""
    return seal(subkey, value, column_bound(*place), chance=chance)


def open_column(place: tuple[str, str, UUID], stored: bytes, *, subkey: bytes) -> bytes:
    """Open one column of one row.

    Raises:
        DoesNotOpen: it was written for another place, or changed.
    """
    return unseal(subkey, stored, column_bound(*place))


def search_handle(handle: str, *, subkey: bytes) -> bytes:
    """Give the 16 bytes under which a handle (six digits, no check digit) is found."""
    return authenticate(subkey, handle.encode("ascii"))[:16]


def check_of_birth_date(dossier: UUID, birth_date: str, *, subkey: bytes) -> bytes:
    """Give the 16 bytes against which a birth date (YYYYMMDD, 00 for an unknown part) is checked."""
    return authenticate(subkey, dossier.bytes + birth_date.encode("ascii"))[:16]


def key_of_message(content: bytes, *, subkey: bytes) -> bytes:
    """Give the 32 bytes by which a raw message is recognised when it comes again."""
    return authenticate(subkey, content)
