from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from pyotp import TOTP
from sqlalchemy import update

from kiosk.presence.behind import resume
from kiosk.presence.duty import begin_duty, on_duty
from kiosk.presence.pcs import pair, pc_of
from kiosk.presence.pins import has_pin, set_pin
from kiosk.presence.recovery import (
    WAITS,
    NoSuchReset,
    NotBothPeople,
    ProofReset,
    ask_reset,
    confirm_reset,
    resets_waiting,
)
from kiosk.presence.signins import enter, knock
from kiosk.register.accounts import NoSuchAccount, NotYourself, show_seed, take_over
from kiosk.register.database import Database, uuid7
from kiosk.register.staff import Actor
from results.trust.power import KeyRingPower
from tests.staffroom import SEED, SIGNER, people, power_of, ring_of

Chance = Callable[[int], bytes]


class Office:
    """Two people who may, and the one who has lost a telephone."""

    def __init__(self, database: Database, at: datetime, chance: Chance) -> None:
        self.database, self.at, self.chance = database, at, chance
        self.power: KeyRingPower = power_of(ring_of())
        self.people: dict[str, Actor] = people(database, self.power, SIGNER, at=at, chance=chance)

    def asks(self, by: str, whom: str = "sophie") -> ProofReset:
        with self.database.transaction("results") as db:
            row = ask_reset(
                db, self.people[whom].id, by=self.people[by], power=self.power, at=self.at, chance=self.chance
            )  # fmt: skip
            db.flush()
            db.expunge(row)
            return row

    def confirms(self, row: ProofReset, by: str, *, at: datetime | None = None) -> str:
        with self.database.transaction("results") as db:
            return confirm_reset(
                db, row.id, by=self.people[by], power=self.power, at=at or self.at, chance=self.chance
            ).code

    def still_signs_in(self, login: str = "sophie") -> bool:
        self.at += timedelta(seconds=30)
        with self.database.transaction("results") as db:
            return knock(
                db, login, TOTP(SEED).at(self.at), device="x", power=self.power, at=self.at, chance=self.chance
            ).passed


@pytest.fixture
def office(database: Database, at: datetime, chance: Chance) -> Office:
    return Office(database, at, chance)


def test_one_asks_another_confirms_and_nothing_of_before_lives_on(office: Office) -> None:
    who = office.people["sophie"].id
    with office.database.transaction("results") as db:
        until = office.at + timedelta(hours=9)
        paired = pair(
            db, name="accueil", desk="Guichet 1", desks=("Guichet 1",), before=None, by=office.people["roux"].id,
            power=office.power, at=office.at, chance=office.chance,
        )  # fmt: skip
        pc = pc_of(db, paired, office.power)
        assert pc is not None
        begin_duty(db, who, pc.id, until=until, power=office.power, at=office.at, chance=office.chance)
        set_pin(db, who, pin_hash="before", power=office.power, at=office.at, chance=office.chance)
        token = enter(
            db, who, pc=None, desk="Guichet 1", is_by_pin=False, until=until, power=office.power, at=office.at,
            chance=office.chance,
        )  # fmt: skip
    row = office.asks("alex")
    assert office.still_signs_in()
    code = office.confirms(row, "roux")
    assert not office.still_signs_in()
    with office.database.transaction("results") as db:
        _, seed = show_seed(db, "sophie", code, power=office.power, at=office.at, chance=office.chance)
        assert seed != SEED
        take_over(
            db, "sophie", code, typed=TOTP(seed).at(office.at), password_hash="x", power=office.power, at=office.at,
            chance=office.chance,
        )  # fmt: skip
        # Back with new proofs: no sign-in, no desk PIN and no day of before has come back with her.
        assert resume(db, token, power=office.power, at=office.at) is None
        assert not has_pin(db, who, office.power)
        set_pin(db, who, pin_hash="after", power=office.power, at=office.at, chance=office.chance)
        assert on_duty(db, pc.id, power=office.power, at=office.at) == []


def test_whoever_asked_does_not_confirm(office: Office) -> None:
    row = office.asks("alex")
    with pytest.raises(NotBothPeople):
        office.confirms(row, "alex")
    assert office.still_signs_in()


def test_nobody_asks_or_confirms_for_oneself(office: Office) -> None:
    with pytest.raises(NotYourself):
        office.asks("alex", "alex")
    row = office.asks("alex", "lenoir")
    with pytest.raises(NotYourself):
        office.confirms(row, "lenoir")
    assert office.still_signs_in("lenoir")


def test_a_request_is_answered_once_and_within_a_day(office: Office) -> None:
    row = office.asks("alex")
    assert office.asks("alex").id == row.id
    with pytest.raises(NoSuchReset):
        office.confirms(row, "roux", at=office.at + WAITS)
    office.confirms(row, "roux")
    with pytest.raises(NoSuchReset):
        office.confirms(row, "lenoir")


@pytest.mark.parametrize("what", ["staff", "asked_by", "mac"])
def test_a_request_that_was_changed_gives_nothing(office: Office, what: str) -> None:
    row = office.asks("alex")
    change = {"mac": bytes(32)} if what == "mac" else {what: office.people["karim"].id}
    with office.database.transaction("results") as db:
        db.execute(update(ProofReset).values(change))
    with pytest.raises(NoSuchReset):
        office.confirms(row, "roux")
    with office.database.reading() as db:
        assert resets_waiting(db, power=office.power, at=office.at) == []


def test_nobody_is_asked_for_who_has_no_account(office: Office) -> None:
    with office.database.transaction("results") as db, pytest.raises(NoSuchAccount):
        ask_reset(
            db, uuid7(office.at, office.chance), by=office.people["alex"], power=office.power, at=office.at,
            chance=office.chance,
        )  # fmt: skip
