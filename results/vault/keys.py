"""The key files: who may hold them, how they are written, and what each programme takes from them."""

import hashlib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from kiosk.register.clock import Chance
from kiosk.register.errors import Conflict, NotAllowed
from results.vault.keyfolder import KeyFolder, UnsafeKeys, write_new
from results.vault.keytext import hand_private, open_private, plain, seal_to_escrow, take_handed, wrap_private
from results.vault.sealing import (
    KEY_SIZE,
    LINE_COST,
    PASSPHRASE_COST,
    Cost,
    DoesNotOpen,
    Purpose,
    derive,
    make_pair,
    public_of,
    same,
    sign,
    verifier_of,
)

SHORTEST_PASSPHRASE: Final = 16


class KeysExist(Conflict):
    """This folder already holds keys; they are never written over."""

    french = "Ce dossier contient déjà des clés. Elles ne sont jamais remplacées."


class WrongPassphrase(NotAllowed):
    """This passphrase does not open this biologist's keys."""

    french = "Cette phrase n'ouvre pas ces clés. Reprenez-la mot par mot."


class PassphraseTooShort(NotAllowed):
    """A passphrase has at least 16 characters."""

    french = "Choisissez une phrase d'au moins 16 caractères."


@dataclass(frozen=True, kw_only=True, repr=False)
class KeyRing:
    """What the staff programme holds; versions map to keys, the highest one is used for new things."""

    folder: Path
    pepper: Mapping[int, bytes]
    release: Mapping[int, bytes]
    fields: Mapping[int, bytes]
    journal: Mapping[int, bytes]
    escrow_public: Mapping[int, bytes]
    intake_public: Mapping[int, bytes]
    #: Person -> Ed25519 public key.
    signers: Mapping[str, bytes]
    cookie: bytes
    #: Smaller in tests alone: nothing that is loaded from a folder can change it.
    line_cost: Cost = field(default=LINE_COST)

    @classmethod
    def load(cls, folder: Path) -> "KeyRing":
        """Read `instance/keys/`.

        Raises:
            UnsafeKeys: a wrong mode or owner, a missing or strange file; the sentence names it.
        """
        files = KeyFolder.open(folder)
        return cls(
            folder=folder,
            pepper=files.versions("pepper", "key"),
            release=files.versions("release", "key"),
            fields=files.versions("fields", "key"),
            journal=files.versions("journal", "key"),
            escrow_public=files.versions("escrow", "pub"),
            intake_public=files.versions("intake", "pub"),
            signers=files.people("signer", "pub"),
            cookie=files.read("cookie", "-", "key"),
        )

    def subkey(self, purpose: Purpose, version: int | None = None) -> bytes:
        """Give the key of one purpose, of the newest fields key unless an older one is named."""
        return derive(self.fields[max(self.fields) if version is None else version], purpose)

    def sign_journal(self, message: bytes) -> bytes:
        """Sign a checkpoint with the newest journal key."""
        return sign(self.journal[max(self.journal)], message)

    def journal_public(self, version: int | None = None) -> bytes:
        """Give the public half of a journal key, of the newest unless one is named."""
        return verifier_of(self.journal[max(self.journal) if version is None else version])


def journal_verifiers(folder: Path) -> list[bytes]:
    """Give the public half of every journal key, old ones too: a note outlives the key that has signed it."""
    return list(KeyFolder.open(folder).versions("journal", "pub").values())


@dataclass(frozen=True, kw_only=True, repr=False)
class BiologistKeys:
    """What a biologist holds while unlocked, in memory only."""

    person: str
    escrow: Mapping[int, bytes]
    signer_seed: bytes


@dataclass(frozen=True, kw_only=True, repr=False)
class ExchangeKeys:
    """What the laboratory line holds: it can seal, attest and recognise, never open."""

    intake: Mapping[int, bytes]
    message_subkey: Mapping[int, bytes]
    dossier_subkey: Mapping[int, bytes]
    release_public: Mapping[int, bytes]
    escrow_public: Mapping[int, bytes]

    @classmethod
    def within(cls, keys: KeyRing) -> "ExchangeKeys":
        """What of it the staff programme holds anyway, to file what a person has matched; it attests nothing."""
        return cls(
            intake={},
            message_subkey={version: keys.subkey(Purpose.MESSAGE, version) for version in keys.fields},
            dossier_subkey={version: keys.subkey(Purpose.DOSSIER_KEY, version) for version in keys.fields},
            release_public={version: public_of(private) for version, private in keys.release.items()},
            escrow_public=keys.escrow_public,
        )

    @classmethod
    def load(cls, folder: Path) -> "ExchangeKeys":
        """Read `instance/keys-exchange/`.

        Raises:
            UnsafeKeys: a wrong mode or owner, a missing or strange file; the sentence names it.
        """
        files = KeyFolder.open(folder)
        return cls(
            intake=files.versions("intake", "key"),
            message_subkey=files.versions("message", "key"),
            dossier_subkey=files.versions("dossier-key", "key"),
            release_public=files.versions("release", "pub"),
            escrow_public=files.versions("escrow", "pub"),
        )


def make_keys(
    folder: Path, exchange_folder: Path, *, person: str, passphrase: str, chance: Chance, cost: Cost = PASSPHRASE_COST
) -> str:
    """Make the first keys of a laboratory, in the presence of its first biologist.

    Args:
        folder: the staff programme's; made with mode 0700.
        exchange_folder: the laboratory line's; made with mode 0700.
        person: the biologist's short name: letters, digits, hyphens.
        passphrase: known to the biologist alone.
        chance: gives every key.
        cost: of the passphrase; smaller in tests alone.

    Returns:
        The fingerprint of the biologist's key (SHA-256, hexadecimal), for the signed paper and the settings.

    Raises:
        KeysExist: one of the folders is not empty.
        PassphraseTooShort: fewer than 16 characters.
    """
    secret = _passphrase(passphrase)
    for place in (folder, exchange_folder):
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.chmod(0o700)
        if any(place.iterdir()):
            raise KeysExist
    escrow, release = make_pair(chance), make_pair(chance)
    pepper, fields, cookie = chance(KEY_SIZE), chance(KEY_SIZE), chance(KEY_SIZE)
    journal, intake, signer = chance(KEY_SIZE), chance(KEY_SIZE), chance(KEY_SIZE)
    texts = [
        plain("pepper", "1", "key", pepper),
        plain("release", "1", "key", release.private),
        plain("release", "1", "pub", release.public),
        seal_to_escrow("release", "1", release.private, to=("1", escrow.public), chance=chance),
        plain("fields", "1", "key", fields),
        seal_to_escrow("fields", "1", fields, to=("1", escrow.public), chance=chance),
        plain("journal", "1", "key", journal),
        plain("journal", "1", "pub", verifier_of(journal)),
        plain("intake", "1", "pub", verifier_of(intake)),
        plain("escrow", "1", "pub", escrow.public),
        wrap_private("escrow", f"1.{person}", escrow.private, secret, cost=cost, chance=chance),
        plain("signer", person, "pub", verifier_of(signer)),
        wrap_private("signer", person, signer, secret, cost=cost, chance=chance),
        plain("cookie", "-", "key", cookie),
    ]
    exchange_texts = [
        plain("intake", "1", "key", intake),
        plain("intake", "1", "pub", verifier_of(intake)),
        plain("message", "1", "key", derive(fields, Purpose.MESSAGE)),
        plain("dossier-key", "1", "key", derive(fields, Purpose.DOSSIER_KEY)),
        plain("release", "1", "pub", release.public),
        plain("escrow", "1", "pub", escrow.public),
    ]
    for place, made in ((folder, texts), (exchange_folder, exchange_texts)):
        for text in made:
            write_new(place / text.name, text.whole())
    return hashlib.sha256(verifier_of(signer)).hexdigest()


def unlock(folder: Path, person: str, passphrase: str, *, cost: Cost = PASSPHRASE_COST) -> BiologistKeys:
    """Open a biologist's keys with the passphrase; the caller asks for the second factor before.

    Raises:
        WrongPassphrase: it does not open them.
        UnsafeKeys: a file is missing, or does not belong to its public half.
    """
    secret = unicodedata.normalize("NFC", passphrase).encode("utf-8")
    files = KeyFolder.open(folder)
    publics = files.versions("escrow", "pub")
    signer_text = files.texts.get(f"signer.{person}.wrapped")
    # An escrow key without its public half was never finished: nothing is sealed to it.
    mine = {
        int(text.id.split(".")[0]): text
        for text in files.texts.values()
        if text.kind == "escrow" and text.belongs_to(person) and int(text.id.split(".")[0]) in publics
    }
    if not mine or signer_text is None:
        raise UnsafeKeys(f"Il manque les clés de {person}.")
    try:
        seed = open_private(signer_text, secret, cost=cost)
        escrow = {
            version: take_handed(text, seed) if text.suffix == "handed" else open_private(text, secret, cost=cost)
            for version, text in mine.items()
        }
    except DoesNotOpen:
        raise WrongPassphrase from None
    pairs = [(public_of(private), publics[version]) for version, private in escrow.items()]
    pairs.append((verifier_of(seed), files.read("signer", person, "pub")))
    if not all(same(made, kept) for made, kept in pairs):
        raise UnsafeKeys(f"Les clés de {person} ne vont pas avec leurs moitiés publiques.")
    return BiologistKeys(person=person, escrow=escrow, signer_seed=seed)


def make_biologist(
    folder: Path, *, person: str, passphrase: str, escrow: Mapping[int, bytes], chance: Chance,
    cost: Cost = PASSPHRASE_COST,
) -> bytes:  # fmt: skip
    """Write another biologist's keys, the escrow among them; what a try before has left is taken away.

    They open and sign nothing yet: the public half is in no list of those who are in office.

    Returns:
        The public half of the signing key.

    Raises:
        PassphraseTooShort: fewer than 16 characters.
    """
    secret = _passphrase(passphrase)
    take_private_halves(folder, person)
    signer = chance(KEY_SIZE)
    texts = [
        wrap_private("signer", person, signer, secret, cost=cost, chance=chance),
        *(
            hand_private("escrow", f"{version}.{person}", private, to=verifier_of(signer), chance=chance)
            for version, private in escrow.items()
        ),
    ]
    for text in texts:
        write_new(folder / text.name, text.whole())
    return verifier_of(signer)


def take_private_halves(folder: Path, person: str) -> None:
    """Take away everything that a person's passphrase opens; what it has signed is known by the public half."""
    for text in KeyFolder.open(folder).texts.values():
        if text.suffix in {"wrapped", "handed"} and text.belongs_to(person):
            (folder / text.name).unlink(missing_ok=True)


def _passphrase(passphrase: str) -> bytes:
    if len(passphrase) < SHORTEST_PASSPHRASE:
        raise PassphraseTooShort
    return unicodedata.normalize("NFC", passphrase).encode("utf-8")
