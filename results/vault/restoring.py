"""Key files that are lost: given back from the biologists' share, or made anew where nothing old hangs on them."""

from collections.abc import Iterator
from pathlib import Path

from kiosk.register.clock import Chance
from results.vault.keyfolder import KeyFolder, UnsafeKeys, write_new
from results.vault.keys import BiologistKeys
from results.vault.keytext import KeyText, plain, restore_from_escrow
from results.vault.sealing import KEY_SIZE, DoesNotOpen, Purpose, derive, public_of, same, verifier_of


def restore_keys(folder: Path, exchange_folder: Path, biologist: BiologistKeys, *, chance: Chance) -> list[str]:
    """Put back every key file that is missing and can be had again; what is there is not touched.

    The keys of ordinary reports and of fields come from the escrow, and with them what the laboratory line derives. The
    keys of notes, of the laboratory line's attestation and of the cookie are made anew: old notes still verify by the
    public halves that stay, everybody signs in again. The pepper is in no backup and no escrow.

    Args:
        folder: the staff programme's keys.
        exchange_folder: the laboratory line's.
        biologist: unlocked keys.
        chance: gives new keys.

    Returns:
        The names of the files that were written.

    Raises:
        UnsafeKeys: an escrow file does not open, or what it held does not belong to its public half.

    Source: the design note on release, section 8, the table of keys.
    """
    kept = KeyFolder.open(folder)
    written = _write(folder, _from_escrow(kept, biologist))
    kept = KeyFolder.open(folder)
    new = list(_anew(kept, KeyFolder.open(exchange_folder), chance))
    written += _write(folder, (text for text in new if not (text.kind == "intake" and text.suffix == "key")))
    written += _write(exchange_folder, (text for text in new if text.kind == "intake"))
    return written + _write(exchange_folder, _for_exchange(KeyFolder.open(folder)))


def _from_escrow(kept: KeyFolder, biologist: BiologistKeys) -> Iterator[KeyText]:
    for text in kept.texts.values():
        if text.suffix != "escrow" or f"{text.kind}.{text.id}.key" in kept.texts:
            continue
        try:
            key = restore_from_escrow(text, biologist.escrow[int(text.aead.rpartition("=")[2])])
        except (DoesNotOpen, KeyError, ValueError):
            raise UnsafeKeys(f"{text.name} ne s'ouvre pas avec les clés de {biologist.person}.") from None
        public = kept.texts.get(f"{text.kind}.{text.id}.pub")
        if public is not None and not same(public_of(key), public.data):
            raise UnsafeKeys(f"{text.name} ne va pas avec {public.name}.")
        yield plain(text.kind, text.id, "key", key)


def _anew(kept: KeyFolder, exchange: KeyFolder, chance: Chance) -> Iterator[KeyText]:
    """Keys whose loss costs nothing but a new version; its public half lies beside the old ones."""
    if not kept.holds("cookie"):
        yield plain("cookie", "-", "key", chance(KEY_SIZE))
    for kind, holder in (("journal", kept), ("intake", exchange)):
        if any((text.kind, text.suffix) == (kind, "key") for text in holder.texts.values()):
            continue
        version = str(max(kept.versions(kind, "pub")) + 1)
        seed = chance(KEY_SIZE)
        yield plain(kind, version, "key", seed)
        yield plain(kind, version, "pub", verifier_of(seed))


def _for_exchange(kept: KeyFolder) -> Iterator[KeyText]:
    for version, fields in kept.versions("fields", "key").items():
        yield plain("message", str(version), "key", derive(fields, Purpose.MESSAGE))
        yield plain("dossier-key", str(version), "key", derive(fields, Purpose.DOSSIER_KEY))
    for kind in ("release", "escrow", "intake"):
        yield from (text for text in kept.texts.values() if (text.kind, text.suffix) == (kind, "pub"))


def _write(folder: Path, texts: Iterator[KeyText]) -> list[str]:
    there = KeyFolder.open(folder).texts
    made = [text for text in texts if text.name not in there]
    for text in made:
        write_new(folder / text.name, text.whole())
    return [f"{folder.name}/{text.name}" for text in made]
