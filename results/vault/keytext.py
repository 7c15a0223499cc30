"""How one key is written in a file: six lines of text, all of them bound to the key."""

import hashlib
import re
from dataclasses import dataclass, replace
from typing import Final

from kiosk.register.clock import Chance
from results.vault.sealing import (
    FORM,
    NONCE_SIZE,
    SALT_SIZE,
    Cost,
    DoesNotOpen,
    box,
    box_to_signer,
    seal,
    stretch,
    unbox,
    unbox_by_signer,
    unseal,
)

FORMAT: Final = "etiquette-key-v1"
#: How many bytes `data` has, by the end of the file's name.
SIZES: Final = {"key": 32, "pub": 32, "escrow": 113, "wrapped": 48, "handed": 113}
_NAMES: Final = ("format", "kind", "id", "kdf", "aead", "data")
_WORD: Final = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)?")
_KDF: Final = re.compile(r"argon2id v=19 m=(\d+) t=(\d+) p=(\d+) salt=([0-9a-f]{32})")
_AEAD: Final = re.compile(r"xchacha20poly1305-ietf nonce=([0-9a-f]{48})")


class WrongKey(Exception):  # noqa: N818 -- told to the one who reads the folder, who names the file
    """The text is not a key of this kind."""


@dataclass(frozen=True, kw_only=True, repr=False)
class KeyText:
    """One key file; `suffix` is the end of its name."""

    kind: str
    id: str
    suffix: str
    kdf: str = "none"
    aead: str = "none"
    data: bytes = b""

    @property
    def name(self) -> str:
        """The file's name."""
        return ".".join(part for part in (self.kind, self.id, self.suffix) if part != "-")

    def head(self) -> str:
        """All lines before `data`: what the key is bound to."""
        return f"format: {FORMAT}\nkind: {self.kind}\nid: {self.id}\nkdf: {self.kdf}\naead: {self.aead}\n"

    def whole(self) -> str:
        """The file."""
        return f"{self.head()}data: {self.data.hex()}\n"

    def belongs_to(self, person: str) -> bool:
        """Tell whether the last part of the id is this person."""
        return self.id.rpartition(".")[2] == person

    @classmethod
    def read(cls, name: str, text: str) -> "KeyText":
        """Read a file.

        Raises:
            WrongKey: not this format, or lying under another name.
        """
        pairs = [line.partition(": ") for line in text.split("\n")[:-1]]
        if tuple(pair[0] for pair in pairs) != _NAMES:
            raise WrongKey
        values = {pair[0]: pair[2] for pair in pairs}
        suffix = name.rpartition(".")[2]
        try:
            data = bytes.fromhex(values["data"])
        except ValueError:
            raise WrongKey from None
        read = cls(
            kind=values["kind"], id=values["id"], suffix=suffix, kdf=values["kdf"], aead=values["aead"], data=data
        )
        if read.whole() != text or read.name != name or SIZES.get(suffix) != len(data):
            raise WrongKey
        return read


def plain(kind: str, name: str, suffix: str, data: bytes) -> KeyText:
    """Write a key that only the mode of its file protects, or a public one."""
    return KeyText(kind=kind, id=name, suffix=suffix, data=data)


def wrap_private(kind: str, name: str, private: bytes, passphrase: bytes, *, cost: Cost, chance: Chance) -> KeyText:
    """Write a private key under a passphrase; chance gives the salt (16), then the nonce (24).

    Raises:
        ValueError: a name that is not short letters, digits and hyphens.
    """
    if not _WORD.fullmatch(name):
        raise ValueError("a name is made of small letters, digits and hyphens")
    salt, nonce = chance(SALT_SIZE), chance(NONCE_SIZE)
    kdf = f"argon2id v=19 m={cost.memory_kib} t={cost.passes} p={cost.lanes} salt={salt.hex()}"
    text = KeyText(kind=kind, id=name, suffix="wrapped", kdf=kdf, aead=f"xchacha20poly1305-ietf nonce={nonce.hex()}")
    sealed = seal(stretch(passphrase, salt, cost=cost), private, text.head().encode("utf-8"), chance=lambda _: nonce)
    return KeyText(
        kind=kind, id=name, suffix="wrapped", kdf=kdf, aead=text.aead, data=sealed.removeprefix(FORM + nonce)
    )


def open_private(text: KeyText, passphrase: bytes, *, cost: Cost) -> bytes:
    """Open a private key with its passphrase.

    Raises:
        DoesNotOpen: another passphrase, a changed line, or another cost than the one that is asked here:
            a file cannot make itself cheaper to guess.
    """
    kdf, aead = _KDF.fullmatch(text.kdf), _AEAD.fullmatch(text.aead)
    if kdf is None or aead is None:
        raise DoesNotOpen
    written = Cost(memory_kib=int(kdf[1]), passes=int(kdf[2]), lanes=int(kdf[3]))
    if written != cost:
        raise DoesNotOpen
    key = stretch(passphrase, bytes.fromhex(kdf[4]), cost=cost)
    return unseal(key, FORM + bytes.fromhex(aead[1]) + text.data, text.head().encode("utf-8"))


def seal_to_escrow(kind: str, name: str, key: bytes, *, to: tuple[str, bytes], chance: Chance) -> KeyText:
    """Seal a key to the biologists, so that they can restore it; `to` is the escrow's version and public key."""
    text = KeyText(kind=kind, id=name, suffix="escrow", aead=f"x25519-sealedbox escrow={to[0]}")
    data = box(to[1], FORM + _digest(text) + key, chance=chance)
    return KeyText(kind=kind, id=name, suffix="escrow", aead=text.aead, data=data)


def restore_from_escrow(text: KeyText, escrow_private: bytes) -> bytes:
    """Give back a key that was sealed to the biologists.

    Raises:
        DoesNotOpen: another escrow key, or a changed line.
    """
    content = unbox(escrow_private, text.data)
    inner = FORM + _digest(text)
    if not content.startswith(inner):
        raise DoesNotOpen
    return content.removeprefix(inner)


def hand_private(kind: str, name: str, private: bytes, *, to: bytes, chance: Chance) -> KeyText:
    """Hand a private key to the holder of a signing key; `to` is its public half, the name's last part is theirs."""
    text = KeyText(kind=kind, id=name, suffix="handed", aead="x25519-sealedbox signer")
    return replace(text, data=box_to_signer(to, FORM + _digest(text) + private, chance=chance))


def take_handed(text: KeyText, signer_seed: bytes) -> bytes:
    """Take a private key that was handed over.

    Raises:
        DoesNotOpen: it was handed to somebody else, or a line was changed.
    """
    content = unbox_by_signer(signer_seed, text.data)
    inner = FORM + _digest(text)
    if not content.startswith(inner):
        raise DoesNotOpen
    return content.removeprefix(inner)


def _digest(text: KeyText) -> bytes:
    return hashlib.sha256(text.head().encode("utf-8")).digest()
