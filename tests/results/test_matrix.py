"""No table that a biologist has not signed is ever in force, and no older one comes back."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from kiosk.exams.catalogue import ReleaseClass
from kiosk.formats.canonical import canonical
from kiosk.register.database import Database
from kiosk.register.journal import verify
from results.matrix import (
    PROPOSAL,
    Channel,
    Matrix,
    NotAMatrix,
    Person,
    SignedMatrix,
    Teller,
    in_force,
    keep_head,
    read_matrix,
    read_routes,
    sign_matrix,
    write_matrix,
)
from results.vault.keyfolder import MatrixHeadFell, read_matrix_head
from results.vault.keys import BiologistKeys, KeyRing
from results.vault.sealing import label, sign
from tests.results.vault.ring import make_ring

ROUTES = read_routes(PROPOSAL.read_bytes())
LENOIR = UUID(int=0x1E)


class Cabinet:
    """The signed versions and the keys that know them."""

    def __init__(self, database: Database, folder: Path, chance: Callable[[int], bytes], at: datetime) -> None:
        self.database, self.chance, self.at = database, chance, at
        self.keys, self.lenoir = make_ring(folder)

    def sign(self, *, after: timedelta = timedelta(0), by: BiologistKeys | None = None, keep: bool = True) -> Matrix:
        with self.database.transaction(writes="results") as db:
            matrix = sign_matrix(
                db, ROUTES, valid_from=self.at + after, biologist=by or self.lenoir, by=LENOIR, at=self.at,
                chance=self.chance,
            )  # fmt: skip
        if keep:
            keep_head(self.keys.folder, matrix)
        return matrix

    def now(self, *, after: timedelta = timedelta(0), keys: KeyRing | None = None) -> Matrix | None:
        with self.database.reading() as db:
            return in_force(db, keys or self.keys, self.at + after)

    def change(self, act: Callable[[Session], Any]) -> None:
        with self.database.transaction(writes="results") as db:
            act(db)


@pytest.fixture
def cabinet(database: Database, tmp_path: Path, chance: Callable[[int], bytes], at: datetime) -> Cabinet:
    return Cabinet(database, tmp_path / "keys", chance, at)


def test_the_proposal_names_every_class_way_and_person() -> None:
    assert set(ROUTES) == {(c, way, person) for c in ReleaseClass for way in Channel for person in Person}
    assert canonical(json.loads(PROPOSAL.read_bytes())) == PROPOSAL.read_bytes()


def test_nothing_is_in_force_before_a_biologist_signs(cabinet: Cabinet) -> None:
    assert cabinet.now() is None


def test_a_signed_table_is_in_force_from_its_hour(cabinet: Cabinet) -> None:
    first = cabinet.sign(after=timedelta(hours=1))
    assert cabinet.now() is None
    assert cabinet.now(after=timedelta(hours=1)) == first
    second = cabinet.sign(after=timedelta(hours=2))
    assert (first.version, second.version) == (1, 2)
    assert first.previous == "0" * 64
    assert second.previous == hashlib.sha256(write_matrix(first)).hexdigest()
    assert cabinet.now(after=timedelta(hours=1)) == first
    assert cabinet.now(after=timedelta(hours=2)) == second
    assert read_matrix_head(cabinet.keys.folder).number == 2
    with cabinet.database.reading() as db:
        assert verify(db, "results").sound


def test_a_table_is_read_back_as_it_was_written(cabinet: Cabinet) -> None:
    matrix = cabinet.sign()
    assert read_matrix(write_matrix(matrix)) == matrix
    assert matrix.teller(ReleaseClass.C3, Channel.PHONE, Person.WITH_CODE) is Teller.BIOLOGIST
    assert replace(matrix, routes={}).teller(ReleaseClass.C0, Channel.PHONE, Person.WITH_CODE) is Teller.NOBODY


def test_a_table_signed_by_a_stranger_stops_everything(cabinet: Cabinet, tmp_path: Path) -> None:
    cabinet.sign()
    _, stranger = make_ring(tmp_path / "stranger", seed=8)
    cabinet.sign(by=stranger, keep=False)
    assert cabinet.now() is None


def test_a_table_of_an_unknown_signer_stops_everything(cabinet: Cabinet) -> None:
    cabinet.sign()
    assert cabinet.now(keys=replace(cabinet.keys, signers={})) is None


@pytest.mark.parametrize(
    "change",
    [{"signature": bytes(64)}, {"signer": "petit"}, {"json": "{}"}, {"json": "[]"}, {"version": 7}],
    ids=["signature", "signer", "content", "no object", "number"],
)
def test_a_changed_row_stops_everything(cabinet: Cabinet, change: dict[str, Any]) -> None:
    cabinet.sign()
    cabinet.sign()
    assert cabinet.now() is not None
    cabinet.change(lambda db: db.execute(update(SignedMatrix).where(SignedMatrix.version == 2).values(**change)))
    assert cabinet.now() is None


def test_one_changed_word_stops_everything(cabinet: Cabinet) -> None:
    matrix = cabinet.sign()
    worse = write_matrix(matrix).decode().replace('"biologist"', '"secretary"', 1)
    cabinet.change(lambda db: db.execute(update(SignedMatrix).values(json=worse)))
    assert cabinet.now() is None


@pytest.mark.parametrize("gone", [1, 2], ids=["first", "last"])
def test_a_missing_version_stops_everything(cabinet: Cabinet, gone: int) -> None:
    cabinet.sign()
    cabinet.sign()
    cabinet.change(lambda db: db.execute(delete(SignedMatrix).where(SignedMatrix.version == gone)))
    assert cabinet.now() is None


def test_an_older_database_cannot_bring_an_older_table_back(cabinet: Cabinet) -> None:
    first = cabinet.sign()
    assert cabinet.now() == first
    cabinet.sign()
    cabinet.change(lambda db: db.execute(delete(SignedMatrix).where(SignedMatrix.version == 2)))
    assert cabinet.now() is None
    with pytest.raises(MatrixHeadFell):
        keep_head(cabinet.keys.folder, first)


def test_another_table_of_the_same_number_is_not_the_one_that_was_kept(cabinet: Cabinet) -> None:
    first = cabinet.sign()
    other = write_matrix(replace(first, valid_from=first.valid_from - 1))
    signature = sign(cabinet.lenoir.signer_seed, label("matrix") + other)
    cabinet.change(lambda db: db.execute(update(SignedMatrix).values(json=other.decode(), signature=signature)))
    assert cabinet.now() is None


def test_a_chain_that_does_not_begin_at_the_beginning_is_refused(cabinet: Cabinet) -> None:
    first = cabinet.sign(keep=False)
    other = write_matrix(replace(first, previous="11" * 32))
    signature = sign(cabinet.lenoir.signer_seed, label("matrix") + other)
    cabinet.change(lambda db: db.execute(update(SignedMatrix).values(json=other.decode(), signature=signature)))
    assert cabinet.now() is None


def test_a_predecessor_that_is_another_is_refused(cabinet: Cabinet) -> None:
    cabinet.sign(keep=False)
    second = cabinet.sign(keep=False)
    other = write_matrix(replace(second, previous="11" * 32))
    signature = sign(cabinet.lenoir.signer_seed, label("matrix") + other)
    change = update(SignedMatrix).where(SignedMatrix.version == 2).values(json=other.decode(), signature=signature)
    cabinet.change(lambda db: db.execute(change))
    assert cabinet.now() is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b'{"routes":1}',
        b'{"routes":{"C0":"secretary"}}',
        b'{"routes":{"C9":{"phone":{"with_code":"secretary"}}}}',
        b'{"routes":{"C0":{"fax":{"with_code":"secretary"}}}}',
        b'{"routes":{"C0":{"phone":{"friend":"secretary"}}}}',
        b'{"routes":{"C0":{"phone":{"with_code":"everybody"}}}}',
        b'{"routes": {}}',
    ],
)
def test_a_word_that_the_table_does_not_know_is_refused(data: bytes) -> None:
    with pytest.raises(NotAMatrix):
        read_routes(data)


@pytest.mark.parametrize(
    "data",
    [
        b'{"routes":{}}',
        b'{"previous":"00","routes":{},"valid_from":1,"version":"1"}',
        b'{"previous":0,"routes":{},"valid_from":1,"version":1}',
        b'{"more":1,"previous":"00","routes":{},"valid_from":1,"version":1}',
    ],
)
def test_a_table_without_its_fields_is_refused(data: bytes) -> None:
    with pytest.raises(NotAMatrix):
        read_matrix(data)
