"""A role ends by a biologist's signature alone, and nothing that is written in a database gives it back."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from kiosk.presence.behind import resume
from kiosk.presence.roles import (
    NoSuchGrant,
    NotTheSigner,
    RoleGrant,
    grant_role,
    grants_of,
    is_withdrawn,
    propose_role,
    roles_of,
)
from kiosk.presence.signins import SignIn, enter
from kiosk.presence.withdrawing import BiologistEndsFirst, LastBiologist, ask_end, disable, ends_waiting, keep_role
from kiosk.register.accounts import NotYourself, Staff, equip, make_staff, vouch
from kiosk.register.database import Database
from kiosk.register.journal import ResultsText
from kiosk.register.staff import Actor, Role
from results.office.leaving import keep_endings, let_go
from results.trust.standing import enter as enter_office
from results.vault.keys import BiologistKeys
from results.vault.sealing import sign, verifier_of
from tests.staffroom import SEED, SIGNER, password_hash, people, power_of, ring_of

Chance = Callable[[int], bytes]
AUBRY = bytes(range(1, 33))


class Laboratory:
    """Everyone of the cast, and Dr Aubry, whom Dr Lenoir has let in."""

    def __init__(self, database: Database, folder: Path, at: datetime, chance: Chance, *, two: bool = True) -> None:
        self.database, self.at, self.chance = database, at, chance
        (folder / "keys").mkdir(mode=0o700)
        self.keys = ring_of(folder / "keys")
        self.power = power_of(self.keys)
        self.people = people(database, self.power, SIGNER, at=at, chance=chance)
        if two:
            lenoir = BiologistKeys(person="lenoir", escrow={}, signer_seed=SIGNER)
            enter_office(self.keys, "aubry", verifier_of(AUBRY), by=lenoir, at=at)
            self.people["aubry"] = self.employ("aubry", Role.BIOLOGIST)

    def employ(self, login: str, role: Role) -> Actor:
        with self.database.transaction("results") as db:
            row = make_staff(
                db, name=login, login=login, by=None, power=self.power, at=self.at, chance=self.chance
            ).staff
            equip(db, row, password_hash=password_hash(), seed=SEED, power=self.power, at=self.at, chance=self.chance)
            grant = propose_role(db, row.id, role, by=None, power=self.power, at=self.at, chance=self.chance)
            grant_role(
                db, grant, by=self.people["lenoir"].id, sign=partial(sign, SIGNER), power=self.power, at=self.at,
                chance=self.chance,
            )  # fmt: skip
            return Actor(id=row.id, name=login, roles=frozenset({role}))

    def grant(self, login: str) -> UUID:
        with self.database.reading() as db:
            return db.scalars(
                select(RoleGrant.id).where(RoleGrant.staff == self.people[login].id, RoleGrant.ended_at.is_(None))
            ).one()

    def ask(self, login: str, by: str = "alex") -> UUID:
        grant_id = self.grant(login)
        with self.database.transaction("results") as db:
            ask_end(db, grant_id, by=self.people[by], power=self.power, at=self.at, chance=self.chance)
        return grant_id

    def end(self, grant_id: UUID, by: str = "lenoir", seed: bytes = SIGNER) -> None:
        with self.database.transaction("results") as db:
            let_go(
                db, self.keys, grant_id, biologist=BiologistKeys(person=by, escrow={}, signer_seed=seed),
                by=self.people[by].id, power=self.power, at=self.at, chance=self.chance,
            )  # fmt: skip

    def keep_endings(self) -> None:
        with self.database.reading() as db:
            keep_endings(db, self.keys, self.power)

    def roles(self, login: str) -> frozenset[Role]:
        with self.database.reading() as db:
            return roles_of(db, self.people[login].id, self.power)

    def row(self, table: Any, row_id: UUID) -> dict[str, Any]:
        with self.database.reading() as db:
            return dict(db.execute(select(table.__table__).where(table.__table__.c.id == row_id)).one()._mapping)

    def put(self, table: Any, row: dict[str, Any]) -> None:
        """Bring an older row back, as whoever can write the database does."""
        with self.database.transaction("results") as db:
            db.execute(update(table.__table__).where(table.__table__.c.id == row["id"]).values(**row))

    def acts(self) -> str:
        with self.database.reading() as db:
            return "\n".join(db.scalars(select(ResultsText.text)))


@pytest.fixture
def lab(database: Database, tmp_path: Path, at: datetime, chance: Chance) -> Laboratory:
    return Laboratory(database, tmp_path, at, chance)


@pytest.mark.parametrize("login", ["sophie", "alex"])
def test_every_role_ends_by_a_proposal_and_a_signature(lab: Laboratory, login: str) -> None:
    before = lab.roles(login)
    grant_id = lab.ask(login, by="roux" if login == "alex" else "alex")
    assert lab.roles(login) == before
    with lab.database.reading() as db:
        assert [one.id for one in ends_waiting(db, lab.power)] == [grant_id]
    lab.end(grant_id)
    assert lab.roles(login) == frozenset()
    with lab.database.reading() as db:
        assert ends_waiting(db, lab.power) == []
        assert is_withdrawn(db, db.get_one(RoleGrant, grant_id), lab.power)
    assert "grant.end_asked" in lab.acts()
    assert "grant.ended" in lab.acts()
    with pytest.raises(NoSuchGrant):
        lab.end(grant_id)


def test_every_sign_in_ends_with_the_role(lab: Laboratory) -> None:
    with lab.database.transaction("results") as db:
        token = enter(
            db, lab.people["sophie"].id, pc=None, desk="Guichet 1", is_by_pin=False, until=lab.at + timedelta(hours=1),
            power=lab.power, at=lab.at, chance=lab.chance,
        )  # fmt: skip
    with lab.database.reading() as db:
        assert resume(db, token, power=lab.power, at=lab.at) is not None
        open_one = db.scalars(select(SignIn.id).where(SignIn.closed_at.is_(None))).one()
    kept = lab.row(SignIn, open_one)
    lab.end(lab.ask("sophie"))
    with lab.database.reading() as db:
        assert resume(db, token, power=lab.power, at=lab.at) is None
    lab.put(SignIn, kept)
    with lab.database.reading() as db:
        here = resume(db, token, power=lab.power, at=lab.at)
    assert here is None or here.actor.roles == frozenset()


@pytest.mark.parametrize("is_kept", [True, False], ids=["kept beside the keys", "control"])
def test_an_older_row_gives_nothing_back(lab: Laboratory, is_kept: bool) -> None:
    kept = {login: lab.row(RoleGrant, lab.grant(login)) for login in ("sophie", "aubry")}
    for login in kept:
        lab.end(lab.ask(login))
    if is_kept:
        lab.keep_endings()  # after each commit, and at every start
    for login, row in kept.items():
        lab.put(RoleGrant, row)  # with the house's own HMAC and a true signature
        assert (lab.roles(login) == frozenset()) is is_kept
        with lab.database.reading() as db:
            assert (grants_of(db, lab.people[login].id, lab.power) == []) is is_kept


def test_a_closed_account_stays_closed_whatever_row_comes_back(lab: Laboratory) -> None:
    sophie = lab.people["sophie"].id
    kept = lab.row(Staff, sophie)
    with lab.database.transaction("results") as db:
        disable(db, sophie, by=lab.people["alex"], power=lab.power, at=lab.at, chance=lab.chance)
    lab.keep_endings()
    lab.put(Staff, kept)
    assert lab.roles("sophie") == frozenset()
    with lab.database.transaction("results") as db:
        token = enter(
            db, sophie, pc=None, desk="Guichet 1", is_by_pin=False, until=lab.at + timedelta(hours=1),
            power=lab.power, at=lab.at, chance=lab.chance,
        )  # fmt: skip
        assert resume(db, token, power=lab.power, at=lab.at) is None


def test_nobody_asks_or_signs_for_themselves_and_no_administrator_signs(lab: Laboratory) -> None:
    with pytest.raises(NotYourself):
        lab.ask("alex")
    grant_id = lab.ask("aubry")
    with pytest.raises(NotYourself):
        lab.end(grant_id, by="aubry", seed=AUBRY)
    for by, seed in (("alex", SIGNER), ("alex", bytes(32)), ("lenoir", bytes(32)), ("lenoir", AUBRY)):
        with pytest.raises(NotTheSigner):
            lab.end(grant_id, by=by, seed=seed)
    assert lab.roles("aubry") == {Role.BIOLOGIST}


def test_the_last_biologist_stays(database: Database, tmp_path: Path, at: datetime, chance: Chance) -> None:
    lab = Laboratory(database, tmp_path, at, chance, two=False)
    with pytest.raises(LastBiologist):
        lab.ask("lenoir")
    assert lab.roles("lenoir") == {Role.BIOLOGIST}


def test_of_two_who_would_leave_together_one_stays(lab: Laboratory) -> None:
    first, second = lab.ask("lenoir"), lab.ask("aubry")
    lab.end(first, by="aubry", seed=AUBRY)
    lab.keep_endings()
    with pytest.raises(LastBiologist):
        lab.end(second)
    with pytest.raises(NotYourself):
        lab.end(second, by="aubry", seed=AUBRY)
    assert lab.roles("aubry") == {Role.BIOLOGIST}
    assert lab.roles("sophie") == {Role.SECRETARY}


def test_an_administrator_closes_no_biologist_alone(lab: Laboratory) -> None:
    aubry = lab.people["aubry"].id
    with lab.database.transaction("results") as db, pytest.raises(BiologistEndsFirst):
        disable(db, aubry, by=lab.people["alex"], power=lab.power, at=lab.at, chance=lab.chance)
    lab.end(lab.ask("aubry"))
    with lab.database.transaction("results") as db:
        disable(db, aubry, by=lab.people["alex"], power=lab.power, at=lab.at, chance=lab.chance)


def test_a_biologist_may_keep_the_role_and_the_question_is_gone(lab: Laboratory) -> None:
    grant_id = lab.ask("sophie")
    with lab.database.transaction("results") as db:
        keep_role(db, grant_id, by=lab.people["lenoir"], power=lab.power, at=lab.at, chance=lab.chance)
    assert lab.roles("sophie") == {Role.SECRETARY}
    with pytest.raises(NoSuchGrant):
        lab.end(grant_id)
    assert "grant.kept" in lab.acts()


def test_who_lost_a_role_may_be_given_it_again(lab: Laboratory) -> None:
    lab.end(lab.ask("sophie"))
    lab.keep_endings()
    sophie = lab.people["sophie"].id
    with lab.database.transaction("results") as db:
        grant = propose_role(
            db, sophie, Role.SECRETARY, by=lab.people["alex"], power=lab.power, at=lab.at, chance=lab.chance
        )
        assert roles_of(db, sophie, lab.power) == frozenset()
        grant_role(
            db, grant, by=lab.people["lenoir"].id, sign=partial(sign, SIGNER), power=lab.power, at=lab.at,
            chance=lab.chance,
        )  # fmt: skip
    assert lab.roles("sophie") == {Role.SECRETARY}


@pytest.mark.parametrize("forged", ["asked", "ended", "replayed", "stranger"])
def test_a_forged_end_locks_nobody_out_for_ever(lab: Laboratory, forged: str) -> None:
    grant_id, other = lab.grant("sophie"), lab.ask("karim")
    whole = lab.row(RoleGrant, grant_id)
    if forged == "asked":
        lab.put(RoleGrant, whole | {"end_asked_by": lab.people["alex"].id, "end_asked_at": lab.at})
        with pytest.raises(NoSuchGrant):
            lab.end(grant_id)
    else:
        lab.end(other)
        signature = lab.row(RoleGrant, other)["end_signature"] if forged == "replayed" else b"\1" * 64
        ended = {"ended_by": lab.people["lenoir"].id, "ended_at": lab.at, "end_signature": signature}
        lab.put(RoleGrant, whole | ended)
        if forged == "stranger":
            with lab.database.transaction("results") as db:
                vouch(db.get_one(RoleGrant, grant_id), lab.power)
        lab.keep_endings()
    lab.put(RoleGrant, whole)
    assert lab.roles("sophie") == {Role.SECRETARY}


def test_one_role_is_in_force_once(lab: Laboratory) -> None:
    row = lab.row(RoleGrant, lab.grant("sophie"))
    with pytest.raises(IntegrityError), lab.database.transaction("results") as db:
        db.execute(insert(RoleGrant).values(**(row | {"id": UUID(int=9)})))


def test_two_biologists_end_one_role_once(lab: Laboratory) -> None:
    grant_id = lab.ask("sophie")
    ends: list[object] = []

    def sign_it(by: str, seed: bytes) -> None:
        try:
            lab.end(grant_id, by=by, seed=seed)
        except NoSuchGrant as refusal:
            ends.append(refusal)
        else:
            ends.append(by)

    both = [threading.Thread(target=sign_it, args=one) for one in (("lenoir", SIGNER), ("aubry", AUBRY))]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert sorted(isinstance(one, str) for one in ends) == [False, True]
    assert lab.acts().count("grant.ended") == 1
