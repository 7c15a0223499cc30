"""Keys that were lost come back through a biologist, or anew; the pepper comes back from nowhere."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from results.vault.keyfolder import KeyFolder, UnsafeKeys
from results.vault.keys import BiologistKeys, ExchangeKeys, KeyRing, journal_verifiers, make_keys, unlock
from results.vault.restoring import restore_keys
from results.vault.sealing import Purpose, verifier_of
from tests.results.vault.vectors import SMALL

Chance = Callable[[int], bytes]
PHRASE = "quatre mots bien à moi"
#: What a backup and the safe hold of the staff programme's folder.
KEPT = (".pub", ".escrow", ".wrapped")


@pytest.fixture
def made(tmp_path: Path) -> Path:
    make_keys(
        tmp_path / "keys", tmp_path / "keys-exchange", person="lenoir", passphrase=PHRASE,
        chance=random.Random(1).randbytes, cost=SMALL,
    )  # fmt: skip
    return tmp_path


def biologist(made: Path) -> BiologistKeys:
    return unlock(made / "keys", "lenoir", PHRASE, cost=SMALL)


def restored(made: Path, chance: Chance) -> list[str]:
    return restore_keys(made / "keys", made / "keys-exchange", biologist(made), chance=chance)


def refused(act: Callable[[], object]) -> str:
    """The sentence of a refusal."""
    with pytest.raises(UnsafeKeys) as raised:
        act()
    return raised.value.sentence


def lose(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).unlink()


def test_nothing_is_touched_where_nothing_is_missing(made: Path, chance: Chance) -> None:
    before = {path: path.read_text() for folder in ("keys", "keys-exchange") for path in (made / folder).iterdir()}
    assert restored(made, chance) == []
    assert {path: path.read_text() for path in before} == before


@pytest.mark.parametrize("kind", ["release", "fields"])
def test_what_was_sealed_to_the_biologists_comes_back_as_it_was(made: Path, chance: Chance, kind: str) -> None:
    before = KeyRing.load(made / "keys")
    lose(made / "keys", f"{kind}.1.key")
    words = refused(lambda: KeyRing.load(made / "keys"))
    assert f"Il manque la clé {kind}." in words
    assert "etiquette keys restore" in words
    assert restored(made, chance) == [f"keys/{kind}.1.key"]
    assert (made / "keys" / f"{kind}.1.key").stat().st_mode & 0o777 == 0o400
    assert KeyRing.load(made / "keys") == before


def test_after_a_backup_all_but_the_pepper_comes_back(made: Path, chance: Chance) -> None:
    before = KeyRing.load(made / "keys")
    for path in (made / "keys").iterdir():
        if path.suffix not in KEPT:
            path.unlink()
    shutil.rmtree(made / "keys-exchange")
    (made / "keys-exchange").mkdir(mode=0o700)
    assert "keys/journal.2.key" in restored(made, chance)
    assert "etiquette keys rotate pepper" in refused(lambda: KeyRing.load(made / "keys"))
    assert not KeyFolder.open(made / "keys").holds("pepper")
    (made / "keys" / "pepper.1.key").write_text("format: etiquette-key-v1\nkind: pepper\nid: 1\nkdf: none\n"
                                                f"aead: none\ndata: {before.pepper[1].hex()}\n")  # fmt: skip
    (made / "keys" / "pepper.1.key").chmod(0o400)
    ring, exchange = KeyRing.load(made / "keys"), ExchangeKeys.load(made / "keys-exchange")
    assert (ring.release, ring.fields, ring.signers) == (before.release, before.fields, before.signers)
    assert ring.cookie != before.cookie
    # Old notes and attestations still verify; new ones are signed by the new keys.
    assert journal_verifiers(made / "keys") == [before.journal_public(), ring.journal_public()]
    assert ring.intake_public == {1: before.intake_public[1], 2: verifier_of(exchange.intake[2])}
    assert exchange.message_subkey[1] == ring.subkey(Purpose.MESSAGE)
    assert exchange.dossier_subkey[1] == ring.subkey(Purpose.DOSSIER_KEY)
    assert exchange.escrow_public == ring.escrow_public
    assert restored(made, chance) == []


def test_a_share_that_was_changed_gives_nothing_back(made: Path, chance: Chance) -> None:
    lose(made / "keys", "fields.1.key")
    share = made / "keys" / "fields.1.escrow"
    text = share.read_text()
    share.chmod(0o600)
    share.write_text(text[:-3] + ("00\n" if text[-3:-1] != "00" else "01\n"))
    share.chmod(0o400)
    assert "fields.1.escrow ne s'ouvre pas" in refused(lambda: restored(made, chance))
    assert not (made / "keys" / "fields.1.key").exists()


def test_a_share_of_another_key_is_not_taken_for_this_one(made: Path, chance: Chance, tmp_path: Path) -> None:
    make_keys(
        tmp_path / "other", tmp_path / "other-exchange", person="lenoir", passphrase=PHRASE,
        chance=random.Random(2).randbytes, cost=SMALL,
    )  # fmt: skip
    lose(made / "keys", "release.1.key", "release.1.pub")
    shutil.copy(tmp_path / "other" / "release.1.pub", made / "keys")
    assert "release.1.escrow ne va pas avec release.1.pub" in refused(lambda: restored(made, chance))
