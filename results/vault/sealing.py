"""The seals of the laboratory: every primitive with its label, its version byte and its one refusal."""

import hashlib
import hmac
import struct
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from argon2.low_level import Type, hash_secret_raw
from nacl import bindings
from nacl.exceptions import CryptoError

from kiosk.register.clock import Chance

FORM: Final = b"\x01"
KEY_SIZE: Final = 32
SALT_SIZE: Final = 16
NONCE_SIZE: Final = bindings.crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
SIGNATURE_SIZE: Final = 64


class DoesNotOpen(Exception):  # noqa: N818 -- it is a plain answer, not a fault of the programme
    """What was sealed does not open with what was given; the reason is never told."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one Argon2id call costs: memory in KiB, passes, lanes."""

    memory_kib: int
    passes: int = 3
    lanes: int = 1


#: One code line with its PIN (release of a result).
LINE_COST: Final = Cost(memory_kib=65_536)
#: A biologist's passphrase.
PASSPHRASE_COST: Final = Cost(memory_kib=262_144)


class Purpose(StrEnum):
    """What a key derived from the fields key may be used for."""

    DOSSIER_KEY = "dossier-key"
    HANDLE = "handle"
    BIRTH_DATE = "birth-date"
    COLUMN = "column"
    MESSAGE = "message"
    POWER = "power"


@dataclass(frozen=True, kw_only=True, repr=False)
class Pair:
    """An X25519 pair."""

    private: bytes
    public: bytes


def label(name: str) -> bytes:
    """Name the use of a primitive, so that one object never passes for another."""
    return f"etiquette/{name}/1".encode("ascii") + b"\x00"


def stretch(secret: bytes, salt: bytes, *, cost: Cost) -> bytes:
    """Turn a short secret into 32 bytes by Argon2id 1.3 (RFC 9106), which makes each guess dear."""
    return hash_secret_raw(
        secret,
        salt,
        time_cost=cost.passes,
        memory_cost=cost.memory_kib,
        parallelism=cost.lanes,
        hash_len=KEY_SIZE,
        type=Type.ID,
        version=0x13,
    )


def authenticate(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA-256 (RFC 2104)."""
    return hmac.digest(key, message, "sha256")


def same(one: bytes, other: bytes) -> bool:
    """Compare in constant time."""
    return hmac.compare_digest(one, other)


def derive(fields_key: bytes, purpose: Purpose) -> bytes:
    """Derive the key of one purpose: HKDF-SHA-256 (RFC 5869), empty salt, one block of 32 bytes."""
    extracted = authenticate(bytes(32), fields_key)
    return authenticate(extracted, label(purpose.value) + b"\x01")


def seal(key: bytes, plaintext: bytes, bound: bytes, *, chance: Chance) -> bytes:
    """XChaCha20-Poly1305-IETF under a fresh nonce: form byte, nonce, ciphertext and tag."""
    nonce = chance(NONCE_SIZE)
    return FORM + nonce + bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, bound, nonce, key)


def unseal(key: bytes, stored: bytes, bound: bytes) -> bytes:
    """Open what `seal` made.

    Raises:
        DoesNotOpen: another key, other bound data, another form, or changed bytes.
    """
    if stored[:1] != FORM or len(stored) < 1 + NONCE_SIZE + 16:
        raise DoesNotOpen
    nonce, sealed = stored[1 : 1 + NONCE_SIZE], stored[1 + NONCE_SIZE :]
    try:
        return bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(sealed, bound, nonce, key)
    except CryptoError:
        raise DoesNotOpen from None


def public_of(private: bytes) -> bytes:
    """Give the public half of an X25519 key."""
    return bindings.crypto_scalarmult_base(private)


def make_pair(chance: Chance) -> Pair:
    """Make an X25519 pair."""
    private = chance(KEY_SIZE)
    return Pair(private=private, public=public_of(private))


def box(recipient: bytes, plaintext: bytes, *, chance: Chance) -> bytes:
    """Seal to a public key as libsodium's sealed box, the ephemeral private key drawn from `chance`."""
    ephemeral = make_pair(chance)
    nonce = hashlib.blake2b(ephemeral.public + recipient, digest_size=24).digest()
    return ephemeral.public + bindings.crypto_box(plaintext, nonce, recipient, ephemeral.private)


def unbox(private: bytes, stored: bytes) -> bytes:
    """Open a sealed box with the private half of its recipient.

    Raises:
        DoesNotOpen: another recipient or changed bytes.
    """
    if len(stored) < bindings.crypto_box_SEALBYTES:
        raise DoesNotOpen
    try:
        return bindings.crypto_box_seal_open(stored, public_of(private), private)
    except CryptoError:
        raise DoesNotOpen from None


def verifier_of(seed: bytes) -> bytes:
    """Give the public half of an Ed25519 seed."""
    return bindings.crypto_sign_seed_keypair(seed)[0]


def sign(seed: bytes, message: bytes) -> bytes:
    """Sign with an Ed25519 seed (RFC 8032): 64 bytes."""
    _, secret = bindings.crypto_sign_seed_keypair(seed)
    return bindings.crypto_sign(message, secret)[:SIGNATURE_SIZE]


def check_signature(verifier: bytes, message: bytes, signature: bytes) -> None:
    """Demand that the holder of `verifier` has signed `message`.

    Raises:
        DoesNotOpen: signed by another, or changed since.
    """
    if len(signature) != SIGNATURE_SIZE or len(verifier) != KEY_SIZE:
        raise DoesNotOpen
    try:
        bindings.crypto_sign_open(signature + message, verifier)
    except CryptoError:
        raise DoesNotOpen from None


def box_to_signer(verifier: bytes, plaintext: bytes, *, chance: Chance) -> bytes:
    """Seal to whoever holds an Ed25519 seed, by the X25519 key that belongs to it (RFC 7748, section 4.1).

    Raises:
        DoesNotOpen: these bytes are no point of the curve.
    """
    try:
        return box(bindings.crypto_sign_ed25519_pk_to_curve25519(verifier), plaintext, chance=chance)
    except (CryptoError, RuntimeError, ValueError):
        raise DoesNotOpen from None


def unbox_by_signer(seed: bytes, stored: bytes) -> bytes:
    """Open what was sealed to the holder of an Ed25519 seed.

    Raises:
        DoesNotOpen: another holder or changed bytes.
    """
    _, secret = bindings.crypto_sign_seed_keypair(seed)
    return unbox(bindings.crypto_sign_ed25519_sk_to_curve25519(secret), stored)


def four_bytes(number: int) -> bytes:
    """Write a version or a length, big-endian."""
    return struct.pack(">I", number)


def eight_bytes(seconds: int) -> bytes:
    """Write a time in UTC seconds, big-endian."""
    return struct.pack(">Q", seconds)
