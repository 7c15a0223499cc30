"""A physician's six spoken digits: once each, in rising order, counted before they are compared."""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

import pytest
from pyotp import TOTP
from sqlalchemy import select

from kiosk.register.accounts import spend_step, vouched
from kiosk.register.database import Database, uuid7
from kiosk.register.sites import Site
from results.callers.numbers import BadNumber, number_words, read_number
from results.physicians.proof import Outcome, PhysicianTry, prove
from results.physicians.register import (
    BadRpps,
    Physician,
    begin_enrolment,
    close_physician,
    end_enrolment,
    enter_physician,
    phone_of,
    physician_by_rpps,
    physician_of,
    read_rpps,
    set_number,
)
from tests.staffroom import power_of, ring_of

Chance = Callable[[int], bytes]
RPPS, OTHER = "10001234567", "10007654321"
POWER = power_of(ring_of())


class House:
    """A database with Dr Petit in its register, and a seed in her pocket."""

    def __init__(self, database: Database, site: Site, at: datetime, chance: Chance) -> None:
        self.database, self.site, self.at, self.chance = database, site, at, chance
        self.by = uuid7(at, chance)
        with database.transaction("results") as db:
            row = enter_physician(
                db, site.id, rpps=RPPS, name="Dr Anne Petit", by=self.by, power=POWER, at=at, chance=chance,
                key=chance(16).hex(),
            )  # fmt: skip
            self.id = row.id
            self.seed = begin_enrolment(db, row.id, by=self.by, power=POWER, at=at, chance=chance).seed

    def enrols(self) -> None:
        with self.database.transaction("results") as db:
            end_enrolment(
                db, self.id, TOTP(self.seed).at(self.at), by=self.by, power=POWER, at=self.at, chance=self.chance
            )
        self.at += timedelta(minutes=2)

    def digits(self, at: datetime | None = None, steps: int = 0) -> str:
        return TOTP(self.seed).at(at or self.at, counter_offset=steps)

    def says(self, digits: str, *, rpps: str = RPPS, later: float = 0) -> UUID | None:
        self.at += timedelta(seconds=later)
        with self.database.transaction("results") as db:
            found = prove(
                db, self.site.id, rpps, digits, call_id=self.by, by=self.by, power=POWER, at=self.at,
                chance=self.chance,
            )  # fmt: skip
            return None if found is None else found.id


@pytest.fixture
def house(database: Database, site: Site, at: datetime, chance: Chance) -> House:
    made = House(database, site, at, chance)
    made.enrols()
    return made


def test_digits_are_accepted_once_and_no_earlier_ones_after_them(house: House) -> None:
    first, second = house.digits(), house.digits(steps=1)
    assert house.says(first) == house.id
    assert house.says(first) is None
    assert house.says(second, later=30) == house.id
    # A, B, then A again: remembering the last digits alone would let them in.
    assert house.says(first) is None
    assert house.says(second, later=20) is None


def test_digits_are_good_from_a_minute_ago_to_now(house: House) -> None:
    assert house.says(house.digits(steps=1)) is None
    assert house.says(house.digits(steps=-3)) is None
    assert house.says(house.digits(steps=-2)) == house.id
    assert house.says(house.digits(steps=-1)) == house.id
    assert house.says(house.digits()) == house.id


def test_a_clock_that_is_set_back_brings_no_digits_back(house: House) -> None:
    said = house.digits()
    assert house.says(said) == house.id
    assert house.says(said, later=-30) is None
    assert house.says(house.digits(), later=-3600) is None


def test_a_thousand_random_orders_accept_each_step_once_and_only_forward(house: House) -> None:
    chance, start, accepted = Random(5), house.at, list[int]()
    for _ in range(60):
        step = chance.randrange(-2, 40)
        house.at = start + timedelta(seconds=30 * chance.randrange(40), days=chance.randrange(2))
        digits = TOTP(house.seed).at(start, counter_offset=step)
        if house.says(digits) is not None:
            accepted.append(step)
    assert accepted == sorted(set(accepted))


def test_two_who_read_the_same_row_at_once_spend_one_step(house: House) -> None:
    """What the second one has read is old by then: the row moves only from the state that was read."""
    with house.database.reading() as db:
        stale = db.get_one(Physician, house.id)
        db.expunge(stale)
    said, step = house.digits(), int(house.at.timestamp()) // 30
    assert house.says(said) == house.id
    with house.database.transaction("results") as db:
        db.add(stale)
        assert not spend_step(db, stale, step, POWER)


def test_a_key_that_was_drawn_and_not_yet_read_proves_nobody(
    database: Database, site: Site, at: datetime, chance: Chance
) -> None:
    made = House(database, site, at, chance)
    assert made.says(made.digits()) is None


def test_a_second_key_puts_the_first_one_out(house: House) -> None:
    with house.database.transaction("results") as db:
        begin_enrolment(db, house.id, by=house.by, power=POWER, at=house.at, chance=house.chance)
    assert house.says(house.digits()) is None


def test_a_closed_entry_proves_nobody(house: House) -> None:
    with house.database.transaction("results") as db:
        row = close_physician(db, house.id, by=house.by, power=POWER, at=house.at, chance=house.chance)
        assert (row.phone, row.totp_seed) == (None, None)
        assert physician_by_rpps(db, house.site.id, RPPS, POWER) is None
    assert house.says(house.digits()) is None


def test_five_failures_in_five_minutes_stop_the_sixth_even_when_right(house: House) -> None:
    for _ in range(5):
        assert house.says("000000", later=1) is None
    house.at += timedelta(seconds=1)
    assert house.says(house.digits()) is None
    house.at += timedelta(seconds=301)
    assert house.says(house.digits()) == house.id


def test_twenty_failures_in_a_day_stop_the_day(house: House) -> None:
    for _ in range(20):
        assert house.says("000000", later=80) is None
    house.at += timedelta(seconds=600)
    assert house.says(house.digits()) is None
    # The first of the twenty grows a day old: what was not compared meanwhile is no failure.
    house.at += timedelta(seconds=24 * 3600 - 600 - 19 * 80)
    assert house.says(house.digits(house.at)) == house.id


def test_failures_of_one_number_do_not_stop_another(house: House) -> None:
    for _ in range(6):
        assert house.says("000000", rpps=OTHER) is None
    assert house.says(house.digits()) == house.id


def test_every_try_is_counted_for_a_number_that_nobody_has_too(house: House) -> None:
    house.says("000000", rpps=OTHER)
    house.at += timedelta(seconds=1)
    house.says(house.digits())
    with house.database.reading() as db:
        rows = list(db.scalars(select(PhysicianTry).order_by(PhysicianTry.at)))
    assert [row.outcome for row in rows] == [Outcome.FAILED, Outcome.PASSED]
    assert rows[0].account != rows[1].account


def test_a_forged_row_proves_nobody(house: House) -> None:
    """Whoever writes the database sets the last step back: the house's word is missing."""
    said = house.digits()
    assert house.says(said) == house.id
    with house.database.transaction("results") as db:
        row = db.get_one(Physician, house.id)
        row.last_step = 0
    with house.database.reading() as db:
        assert not vouched(db.get_one(Physician, house.id), POWER)
    assert house.says(said) is None


def test_a_number_moved_from_another_row_is_not_rung(house: House) -> None:
    with house.database.transaction("results") as db:
        other = enter_physician(
            db, house.site.id, rpps=OTHER, name="Marc Leroy", by=house.by, power=POWER, at=house.at,
            chance=house.chance, key=house.chance(16).hex(),
        )  # fmt: skip
        set_number(db, other.id, "06 11 22 33 44", by=house.by, power=POWER, at=house.at, chance=house.chance)
        row = physician_of(db, house.id, POWER)
        assert phone_of(other, POWER) == "0611223344"
        row.phone = other.phone
        assert phone_of(row, POWER) is None


@pytest.mark.parametrize("typed", ["1000123456", "100012345678", "1000123456a", ""])
def test_an_rpps_number_has_eleven_digits(typed: str) -> None:
    assert read_rpps("100 0123 4567") == RPPS
    with pytest.raises(BadRpps):
        read_rpps(typed)


@pytest.mark.parametrize("typed", ["", "12", "1234567890", "06112233445", "+33", "06-11-22-33-4x"])
def test_a_telephone_number_is_french_or_has_its_country(typed: str) -> None:
    assert number_words(read_number("06.11 22-33/44")) == "06 11 22 33 44"
    assert number_words(read_number("+32 470 12 34 56")) == "+32470123456"
    with pytest.raises(BadNumber):
        read_number(typed)
