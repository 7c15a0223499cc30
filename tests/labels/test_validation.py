"""A table of tubes is validated only while it is, word for word, the last one that a biologist has signed."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import delete, update

from kiosk.register.database import Database
from kiosk.register.journal import ResultsText, verify
from labels.planning.rules import Rules
from labels.planning.table import shipped
from labels.validation import AlreadySigned, SignedTubes, SiteTable, hash_of, sign_tubes
from results.trust.standing import has_signed
from results.vault.sealing import label, sign, verifier_of
from tests.results.vault.ring import make_ring

LENOIR = UUID(int=0x1E)
OTHER = replace(shipped(), said='{"usual":200}')


class Cabinet:
    """The signed versions and the keys that know them."""

    def __init__(self, database: Database, folder: Path, chance: Callable[[int], bytes], at: datetime) -> None:
        self.database, self.chance, self.at = database, chance, at
        self.keys, self.lenoir = make_ring(folder)
        self.proves = partial(has_signed, self.keys, "tubes")

    def signs(self, rules: Rules, *, use: str = "tubes", signer: str = "") -> SignedTubes:
        with self.database.transaction("results") as db:
            return sign_tubes(
                db, rules, sign=lambda data: sign(self.lenoir.signer_seed, label(use) + data), proves=self.proves,
                signer=signer or self.lenoir.person, by=LENOIR, at=self.at, chance=self.chance,
            )  # fmt: skip

    def validated(self, rules: Rules) -> bool:
        with self.database.reading() as db:
            return SiteTable(rules=rules, proves=self.proves).now(db).validated


@pytest.fixture
def cabinet(database: Database, tmp_path: Path, chance: Callable[[int], bytes], at: datetime) -> Cabinet:
    return Cabinet(database, tmp_path / "ring", chance, at)


def test_nobody_has_signed_the_shipped_table(cabinet: Cabinet) -> None:
    assert not cabinet.validated(shipped())


def test_a_signed_table_is_validated_and_a_changed_one_falls_back(cabinet: Cabinet) -> None:
    cabinet.signs(shipped())
    assert cabinet.validated(shipped())
    assert not cabinet.validated(OTHER)
    cabinet.signs(OTHER)
    assert cabinet.validated(OTHER)
    assert not cabinet.validated(shipped())


def test_a_file_cannot_say_by_itself_that_it_is_validated(cabinet: Cabinet) -> None:
    assert not cabinet.validated(replace(shipped(), validated=True))


def test_the_same_table_is_not_signed_twice(cabinet: Cabinet) -> None:
    cabinet.signs(shipped())
    with pytest.raises(AlreadySigned):
        cabinet.signs(shipped())


def test_the_journal_keeps_the_version_and_the_hash_of_what_was_signed(cabinet: Cabinet) -> None:
    row = cabinet.signs(shipped())
    with cabinet.database.reading() as db:
        (text,) = db.query(ResultsText.text).one()
        assert verify(db, "results").sound
    digest = hash_of(row)
    assert "tubes.signed" in text
    assert UUID(bytes=digest[:16]).hex in text.replace("-", "")
    assert UUID(bytes=digest[16:]).hex in text.replace("-", "")


@pytest.mark.parametrize("use", ["matrix", "grant", "sign"])
def test_a_signature_for_another_use_validates_nothing(cabinet: Cabinet, use: str) -> None:
    cabinet.signs(shipped(), use=use)
    assert not cabinet.validated(shipped())


def test_a_signer_whom_nobody_knows_validates_nothing(cabinet: Cabinet) -> None:
    cabinet.signs(shipped(), signer="inconnu")
    assert not cabinet.validated(shipped())


@pytest.mark.parametrize(
    "forged",
    [
        update(SignedTubes).where(SignedTubes.version == 1).values(signature=bytes(64)),
        update(SignedTubes).where(SignedTubes.version == 2).values(signature=b""),
        update(SignedTubes).where(SignedTubes.version == 2).values(version=3),
        update(SignedTubes).where(SignedTubes.version == 2).values(json='{"table":"x"}'),
        delete(SignedTubes).where(SignedTubes.version == 1),
    ],
    ids=["signature", "none", "number", "words", "gap"],
)
def test_a_version_that_was_changed_or_dropped_validates_nothing(cabinet: Cabinet, forged: object) -> None:
    cabinet.signs(shipped())
    cabinet.signs(OTHER)
    assert cabinet.validated(OTHER)
    with cabinet.database.transaction("results") as db:
        db.execute(forged)  # type: ignore[call-overload]  # one of the statements above
    assert not cabinet.validated(OTHER)
    assert not cabinet.validated(shipped())


def test_a_key_that_is_not_the_signers_validates_nothing(cabinet: Cabinet) -> None:
    cabinet.signs(shipped())
    strangers = replace(cabinet.keys, signers={cabinet.lenoir.person: verifier_of(b"\x05" * 32)})
    with cabinet.database.reading() as db:
        assert not SiteTable(rules=shipped(), proves=partial(has_signed, strangers, "tubes")).now(db).validated
