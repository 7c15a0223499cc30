"""Papers are sealed to a print station; its key of the day is believed only under its lasting signature."""

import hashlib
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from nacl.bindings import crypto_box, crypto_scalarmult_base
from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey

from printers.errors import NoStation, NotOurs, Unprintable

#: Sizes of a sealed paper before sealing, in bytes: what it holds cannot be told from its length.
SIZES = (4 << 10, 64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20, 32 << 20)
#: What every secret paper is padded to at the least, of a roll and of A4 pages: a full sheet and an envelope of two
#: full pages hold less, so that a blank sheet cannot be told from a written one.
ROLL_SIZE, PAGES_SIZE = 64 << 10, 256 << 10
PAPER_MARK = b"etiquette/paper/1\x00"
START_MARK = b"etiquette/station/1\x00"


@dataclass(frozen=True, kw_only=True)
class StationId:
    """The public halves of a print station's lasting key: Ed25519 signs its start keys, X25519 opens its papers."""

    signing: bytes
    sealing: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read 128 hexadecimal digits, as they stand in an app's settings."""
        if re.fullmatch(r"[0-9a-fA-F]{128}", text) is None:
            raise NotOurs("a station is written with 128 hexadecimal digits")
        both = bytes.fromhex(text)
        return cls(signing=both[:32], sealing=both[32:])

    def __str__(self) -> str:
        return (self.signing + self.sealing).hex()


def seal(inside: bytes, to: bytes, chance: Callable[[int], bytes], *, least: int = 0) -> bytes:
    """Seal bytes to an X25519 public key: version 1, then exactly libsodium's sealed box with a key of `chance`.

    `least` is the smallest size that it is padded to, in bytes.
    """
    framed = PAPER_MARK + struct.pack(">I", len(inside)) + inside
    size = next((size for size in SIZES if size >= least and len(framed) <= size), None)
    if size is None:
        raise Unprintable("this paper is larger than 32 MiB")
    secret = chance(32)
    public = crypto_scalarmult_base(secret)
    nonce = hashlib.blake2b(public + to, digest_size=24).digest()
    return b"\x01" + public + crypto_box(framed.ljust(size, b"\x00"), nonce, to, secret)


def start_text(number: int, key: bytes) -> bytes:
    """What a station signs at each start: its number, which only rises, and the key it holds in memory."""
    return START_MARK + struct.pack(">Q", number) + key


def believe_start(station: StationId, number: int, key: bytes, signature: bytes) -> None:
    """Raise `NoStation` unless the pinned station signed this start key."""
    try:
        VerifyKey(station.signing).verify(start_text(number, key), signature)
    except (BadSignatureError, ValueError, TypeError, struct.error) as fault:
        raise NoStation("the running station's key is not signed by this laboratory's station") from fault
    if len(key) != 32:
        raise NoStation("the running station shows no key")
