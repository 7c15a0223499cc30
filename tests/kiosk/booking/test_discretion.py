"""A discreet visit is marked once, decided by a biologist and confirmed, on either engine."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Event as Signal

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError

from kiosk.booking.discretion import (
    Decision,
    DiscreetVisit,
    NotDiscreet,
    confirm,
    decide,
    discreet_among,
    discretion_of,
    is_lifted,
    mark_discreet,
    open_tasks,
)
from kiosk.line.estimate import Range
from kiosk.register.database import Database, uuid7
from kiosk.register.once import PageAlreadyUsed
from kiosk.register.sites import Site
from kiosk.register.visits import Purpose, Visit
from kiosk.waiting import take_number
from results.trust.power import KeyRingPower
from tests.staffroom import power_of, ring_of

Chance = Callable[[int], bytes]
Arrives = Callable[[], Visit]
Marks = Callable[[Visit, str], DiscreetVisit]
KEY = "a" * 32


@pytest.fixture
def power() -> KeyRingPower:
    return power_of(ring_of())


@pytest.fixture
def arrives(database: Database, site: Site, at: datetime, chance: Chance) -> Arrives:
    """Someone takes a number."""

    def take() -> Visit:
        with database.transaction() as db:
            return take_number(
                db, site, wait=Range(low=0, high=5), purpose=Purpose.WALK_IN, said=None, by="Borne 1", at=at,
                chance=chance, key=chance(16).hex(),
            )  # fmt: skip

    return take


@pytest.fixture
def marks(database: Database, power: KeyRingPower, at: datetime, chance: Chance) -> Marks:
    """A secretary marks a visit."""
    sophie = uuid7(at, chance)

    def mark(visit: Visit, key: str) -> DiscreetVisit:
        with database.transaction("results") as db:
            return mark_discreet(db, visit, by=sophie, power=power, at=at, chance=chance, key=key)

    return mark


def test_it_is_marked_decided_and_confirmed_and_then_waits_for_nobody(
    database: Database, site: Site, arrives: Arrives, marks: Marks, power: KeyRingPower, at: datetime, chance: Chance
) -> None:
    visit, ordinary, lenoir = arrives(), arrives(), uuid7(at, chance)
    marks(visit, KEY)
    marks(visit, KEY)
    marks(visit, "b" * 32)
    with pytest.raises(PageAlreadyUsed):
        marks(ordinary, KEY)

    def waits() -> list[bool]:
        with database.reading() as db:
            assert discreet_among(db, [visit.id, ordinary.id], power) == {visit.id}
            return [one.visit_id == visit.id for one in open_tasks(db, site.id, power, at=at)]

    assert waits() == [True]
    with database.transaction("results") as db:
        decide(db, visit.id, Decision.KEPT, by=lenoir, power=power, at=at, chance=chance)
    assert waits() == [True]
    for later in (1, 2):
        with database.transaction("results") as db:
            hour = at + timedelta(minutes=later)
            confirm(db, visit.id, by=lenoir, power=power, at=hour, chance=chance)
    assert waits() == []
    with database.reading() as db:
        row = db.get_one(DiscreetVisit, visit.id)
        assert (row.decision, row.confirmed_at) == (Decision.KEPT, at + timedelta(minutes=1))


def test_lifted_it_is_an_ordinary_visit_until_it_is_marked_again(
    database: Database, arrives: Arrives, marks: Marks, power: KeyRingPower, at: datetime, chance: Chance
) -> None:
    visit, lenoir = arrives(), uuid7(at, chance)
    with database.transaction("results") as db, pytest.raises(NotDiscreet):
        decide(db, visit.id, Decision.LIFTED, by=lenoir, power=power, at=at, chance=chance)
    marks(visit, KEY)
    with database.transaction("results") as db:
        decide(db, visit.id, Decision.LIFTED, by=lenoir, power=power, at=at, chance=chance)
    with database.reading() as db:
        assert is_lifted(db, visit.id, power)
        assert discretion_of(db, visit.id, power) is None
    marks(visit, "b" * 32)
    with database.reading() as db:
        assert not is_lifted(db, visit.id, power)


def test_a_lifting_that_the_house_has_not_written_closes_it_still(
    database: Database, arrives: Arrives, marks: Marks, power: KeyRingPower, at: datetime
) -> None:
    visit = arrives()
    marks(visit, KEY)
    with database.transaction("results") as db:
        db.execute(update(DiscreetVisit).values(decision=Decision.LIFTED, decided_at=at))
    with database.reading() as db:
        assert discreet_among(db, [visit.id], power) == {visit.id}


def test_two_desks_that_mark_at_the_same_instant_make_one_mark(
    database: Database, arrives: Arrives, power: KeyRingPower, at: datetime, chance: Chance
) -> None:
    visit, first_did, second_asks = arrives(), Signal(), Signal()
    sophie, nadia = uuid7(at, chance), uuid7(at, chance)

    def first() -> None:
        with database.transaction("results") as db:
            mark_discreet(db, visit, by=sophie, power=power, at=at, chance=chance, key=KEY)
            db.flush()  # the row is written and not yet committed
            first_did.set()
            second_asks.wait(10)

    def second() -> None:
        first_did.wait(10)
        second_asks.set()
        for _ in range(2):  # the edge runs a form again whose transaction was rolled back
            try:
                with database.transaction("results") as db:
                    mark_discreet(db, visit, by=nadia, power=power, at=at, chance=chance, key="b" * 32)
            except IntegrityError:
                continue
            return

    with ThreadPoolExecutor(2) as pool:
        for one in [pool.submit(first), pool.submit(second)]:
            one.result()
    with database.reading() as db:
        assert db.scalar(select(func.count()).select_from(DiscreetVisit)) == 1
        assert db.get_one(DiscreetVisit, visit.id).by == sophie
