"""Keys are made once, lie where nobody else reads them, and open for their person alone."""

import os
import random
from dataclasses import replace
from pathlib import Path

import pytest

from results.vault.keyfolder import (
    NO_MATRIX,
    KeyFolder,
    MatrixHead,
    MatrixHeadFell,
    UnsafeKeys,
    raise_matrix_head,
    read_matrix_head,
)
from results.vault.keys import (
    ExchangeKeys,
    KeyRing,
    KeysExist,
    PassphraseTooShort,
    WrongPassphrase,
    make_keys,
    unlock,
)
from results.vault.keytext import KeyText, WrongKey, plain, restore_from_escrow
from results.vault.sealing import LINE_COST, DoesNotOpen, Purpose, check_signature, public_of, verifier_of
from tests.results.vault.vectors import SMALL

PHRASE = "quatre mots bien à moi"


@pytest.fixture
def made(tmp_path: Path) -> Path:
    make_keys(
        tmp_path / "keys",
        tmp_path / "keys-exchange",
        person="lenoir",
        passphrase=PHRASE,
        chance=random.Random(5).randbytes,
        cost=SMALL,
    )
    return tmp_path


def test_the_folders_hold_the_files_of_the_design_with_modes_that_nobody_else_reads(made: Path) -> None:
    assert {path.name for path in (made / "keys").iterdir()} == {
        "pepper.1.key", "release.1.key", "release.1.pub", "release.1.escrow", "fields.1.key", "fields.1.escrow",
        "journal.1.key", "journal.1.pub", "intake.1.pub", "escrow.1.pub", "escrow.1.lenoir.wrapped",
        "signer.lenoir.pub", "signer.lenoir.wrapped", "cookie.key",
    }  # fmt: skip
    assert {path.name for path in (made / "keys-exchange").iterdir()} == {
        "intake.1.key", "intake.1.pub", "message.1.key", "dossier-key.1.key", "release.1.pub", "escrow.1.pub",
    }  # fmt: skip
    for folder in (made / "keys", made / "keys-exchange"):
        assert folder.stat().st_mode & 0o777 == 0o700
        for path in folder.iterdir():
            assert path.stat().st_mode & 0o777 == 0o400


def test_each_programme_takes_its_own_keys(made: Path) -> None:
    ring, exchange = KeyRing.load(made / "keys"), ExchangeKeys.load(made / "keys-exchange")
    assert ring.line_cost == LINE_COST
    assert exchange.message_subkey[1] == ring.subkey(Purpose.MESSAGE)
    assert exchange.dossier_subkey[1] == ring.subkey(Purpose.DOSSIER_KEY)
    assert exchange.release_public[1] == public_of(ring.release[1])
    assert exchange.escrow_public == ring.escrow_public
    assert verifier_of(exchange.intake[1]) == ring.intake_public[1]
    check_signature(ring.journal_public(), b"a note", ring.sign_journal(b"a note"))
    secrets = {ring.pepper[1], ring.fields[1], ring.release[1], ring.subkey(Purpose.POWER)}
    for path in (made / "keys-exchange").iterdir():
        assert not any(secret.hex() in path.read_text() for secret in secrets)


def test_a_biologist_unlocks_escrow_and_signature_with_the_passphrase_alone(made: Path) -> None:
    keys = unlock(made / "keys", "lenoir", PHRASE, cost=SMALL)
    ring = KeyRing.load(made / "keys")
    assert public_of(keys.escrow[1]) == ring.escrow_public[1]
    assert verifier_of(keys.signer_seed) == ring.signers["lenoir"]
    with pytest.raises(WrongPassphrase):
        unlock(made / "keys", "lenoir", PHRASE + ".", cost=SMALL)
    with pytest.raises(UnsafeKeys):
        unlock(made / "keys", "petit", PHRASE, cost=SMALL)


def test_a_wrapped_key_of_the_small_cost_does_not_open_in_the_product(made: Path) -> None:
    with pytest.raises(WrongPassphrase):
        unlock(made / "keys", "lenoir", PHRASE)


def test_the_passphrase_is_the_same_however_its_accents_are_typed(made: Path) -> None:
    assert unlock(made / "keys", "lenoir", "quatre mots bien a\u0300 moi", cost=SMALL)


def test_what_was_sealed_to_the_biologists_can_be_restored(made: Path) -> None:
    escrow = unlock(made / "keys", "lenoir", PHRASE, cost=SMALL).escrow[1]
    files, ring = KeyFolder.open(made / "keys"), KeyRing.load(made / "keys")
    assert restore_from_escrow(files.texts["fields.1.escrow"], escrow) == ring.fields[1]
    assert restore_from_escrow(files.texts["release.1.escrow"], escrow) == ring.release[1]
    renamed = replace(files.texts["fields.1.escrow"], kind="release")
    with pytest.raises(DoesNotOpen):
        restore_from_escrow(renamed, escrow)


def test_keys_are_never_written_over(made: Path) -> None:
    with pytest.raises(KeysExist):
        make_keys(
            made / "keys", made / "other", person="lenoir", passphrase=PHRASE, chance=random.Random(5).randbytes,
            cost=SMALL,
        )  # fmt: skip


def test_a_short_passphrase_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PassphraseTooShort):
        make_keys(tmp_path / "a", tmp_path / "b", person="lenoir", passphrase="court", chance=bytes, cost=SMALL)
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize("mode", [0o600, 0o440, 0o404, 0o444, 0o500, 0o640])
def test_a_file_with_another_mode_stops_the_start_and_is_named(made: Path, mode: int) -> None:
    (made / "keys" / "pepper.1.key").chmod(mode)
    with pytest.raises(UnsafeKeys) as refused:
        KeyRing.load(made / "keys")
    assert "pepper.1.key" in refused.value.sentence


@pytest.mark.parametrize("mode", [0o750, 0o755, 0o701, 0o500])
def test_a_folder_with_another_mode_stops_the_start(made: Path, mode: int) -> None:
    (made / "keys").chmod(mode)
    with pytest.raises(UnsafeKeys, match="key"):
        KeyRing.load(made / "keys")
    (made / "keys").chmod(0o700)


@pytest.mark.skipif(os.geteuid() != 0, reason="only the superuser can give a file away")
@pytest.mark.parametrize("name", [".", "pepper.1.key"])
def test_a_file_of_another_owner_stops_the_start(made: Path, name: str) -> None:
    os.chown(made / "keys" / name, 12_345, -1)
    with pytest.raises(UnsafeKeys):
        KeyRing.load(made / "keys")


def test_a_link_a_missing_file_and_a_stranger_stop_the_start(made: Path) -> None:
    pepper = made / "keys" / "pepper.1.key"
    pepper.rename(made / "pepper.1.key")
    with pytest.raises(UnsafeKeys, match="key") as refused:
        KeyRing.load(made / "keys")
    assert "pepper" in refused.value.sentence
    pepper.symlink_to(made / "pepper.1.key")
    with pytest.raises(UnsafeKeys):
        KeyRing.load(made / "keys")
    pepper.unlink()
    (made / "pepper.1.key").rename(made / "keys" / "pepper.2.key")
    with pytest.raises(UnsafeKeys):
        KeyRing.load(made / "keys")
    with pytest.raises(UnsafeKeys):
        KeyRing.load(made / "nowhere")


def test_a_key_text_is_read_in_its_one_form_only() -> None:
    text = plain("pepper", "1", "key", bytes(32)).whole()
    assert KeyText.read("pepper.1.key", text).data == bytes(32)
    for name, changed in (
        ("pepper.2.key", text),
        ("pepper.1.pub", text.replace("kind: pepper", "kind: peppers")),
        ("pepper.1.key", text.replace("\n", "\r\n")),
        ("pepper.1.key", text + "\n"),
        ("pepper.1.key", text.replace("00\n", "0g\n")),
        ("pepper.1.key", text.replace("00\n", "\n")),
        ("pepper.1.key", text.replace("id: 1\n", "")),
        ("pepper.1.txt", text),
    ):
        with pytest.raises(WrongKey):
            KeyText.read(name, changed)


def test_the_number_of_the_matrix_never_falls(made: Path) -> None:
    folder = made / "keys"
    assert read_matrix_head(folder) == NO_MATRIX
    second = MatrixHead(number=2, digest=b"\x02" * 32)
    raise_matrix_head(folder, second)
    raise_matrix_head(folder, second)
    assert read_matrix_head(folder) == second
    for lower in (MatrixHead(number=1, digest=bytes(32)), MatrixHead(number=2, digest=bytes(32))):
        with pytest.raises(MatrixHeadFell):
            raise_matrix_head(folder, lower)
    assert read_matrix_head(folder) == second
    assert (folder / "matrix.head").stat().st_mode & 0o777 == 0o400
    assert KeyRing.load(folder)
