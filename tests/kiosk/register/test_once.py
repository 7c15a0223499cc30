"""The same form gets the same answer."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from threading import Event as Signal
from uuid import uuid4

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from kiosk import waiting
from kiosk.counter.passage import advance
from kiosk.counter.turns import call_next
from kiosk.line.estimate import Range
from kiosk.places import first_in_turn
from kiosk.register.database import Database
from kiosk.register.once import PageAlreadyUsed, answered
from kiosk.register.patients import Patient, Sex, create_patient
from kiosk.register.sites import Site
from kiosk.register.visits import Move, NotNow, Purpose, Stage, State, Verb, Visit

Chance = Callable[[int], bytes]
KEY = "0123456789abcdef" * 2
WAIT = Range(low=0, high=5)


@pytest.fixture
def take(site: Site, at: datetime, chance: Chance) -> Callable[[Session, str], Visit]:
    """Takes a number for a form's key."""
    return lambda db, key: waiting.take_number(
        db, site, wait=WAIT, purpose=Purpose.WALK_IN, said=None, by="Borne 1", at=at, chance=chance, key=key
    )


@pytest.fixture
def call(site: Site, at: datetime, chance: Chance) -> Callable[[Session, str], Visit]:
    """Calls the next person for a form's key.

    Two are offered: of one alone, whom the same form is calling at this instant, `call_next` says that nobody waits,
    and it is `rank_and_call` that asks again (tests/kiosk/counter/test_turns.py).
    """
    return lambda db, key: call_next(
        db, site, Stage.COUNTER, first_in_turn(db, site, Stage.COUNTER, at=at, first=2), desk="Guichet 1", by="sophie",
        at=at, chance=chance, key=key,
    )  # fmt: skip


Act = Callable[[Session, str], Visit]


def test_a_key_that_was_never_seen_has_no_answer(database: Database, site: Site) -> None:
    with database.reading() as db:
        assert answered(db, Move, site.id, KEY) is None


def test_a_key_is_known_at_its_own_site_alone(database: Database, site: Site, take: Act) -> None:
    with database.transaction() as db:
        visit = take(db, KEY)
    with database.reading() as db:
        found = answered(db, Move, site.id, KEY)
        assert found is not None
        assert found.visit_id == visit.id
        assert answered(db, Move, uuid4(), KEY) is None


def test_the_same_form_gives_the_same_number(database: Database, take: Act) -> None:
    with database.transaction() as db:
        first = take(db, KEY).number
    with database.transaction() as db:
        assert take(db, KEY).number == first
        assert db.scalar(select(func.count()).select_from(Visit)) == 1
    with database.transaction() as db:
        assert take(db, "f" * 32).number == first + 1


def test_the_same_form_calls_the_same_person(database: Database, take: Act, call: Act) -> None:
    with database.transaction() as db:
        for n in range(3):
            take(db, f"{n:032x}")
    with database.transaction() as db:
        first = call(db, KEY).id
    with database.transaction() as db:
        assert call(db, KEY).id == first
        assert db.scalar(select(func.count()).select_from(Visit).where(Visit.state == State.CALLED)) == 1
    with database.transaction() as db:
        assert call(db, "f" * 32).id != first


def test_the_same_form_moves_a_visit_once(
    database: Database, take: Act, call: Act, at: datetime, chance: Chance
) -> None:
    with database.transaction() as db:
        take(db, "0" * 32)
        visit = call(db, "1" * 32)
    for _ in range(2):
        with database.transaction() as db:
            row = db.get_one(Visit, visit.id)
            advance(db, row, Verb.REGISTER, by="sophie", at=at, chance=chance, key=KEY)
            assert row.state is State.REGISTERED
    with database.reading() as db:
        assert db.scalar(select(func.count()).select_from(Move).where(Move.key == KEY)) == 1


def test_a_form_that_served_for_another_act_person_or_visit_is_refused(
    database: Database, site: Site, take: Act, call: Act, at: datetime, chance: Chance
) -> None:
    with database.transaction() as db:
        for n in range(2):
            take(db, f"{n:032x}")
        one, other = call(db, KEY), call(db, "f" * 32)
    with database.transaction() as db, pytest.raises(PageAlreadyUsed):
        take(db, KEY)
    with database.transaction() as db, pytest.raises(PageAlreadyUsed):
        call_next(db, site, Stage.COUNTER, [], desk="Guichet 2", by="nadia", at=at, chance=chance, key=KEY)
    with database.transaction() as db:
        advance(db, db.get_one(Visit, one.id), Verb.MISS, by="sophie", at=at, chance=chance, key="e" * 32)
    with database.transaction() as db, pytest.raises(PageAlreadyUsed):
        advance(db, db.get_one(Visit, other.id), Verb.MISS, by="sophie", at=at, chance=chance, key="e" * 32)


def test_the_same_form_opens_one_patients_file(database: Database, site: Site, at: datetime) -> None:
    def open_file(db: Session, by: str) -> Patient:
        return create_patient(
            db, site.id, id=uuid4(), birth_name="Moreau", given_names="Jeanne", birth_date="19540302", sex=Sex.F,
            used_name=None, birth_place=None, by=by, at=at, key=KEY,
        )  # fmt: skip

    with database.transaction() as db:
        first = open_file(db, "sophie")
    with database.transaction() as db:
        again = open_file(db, "sophie")
        assert (again.id, again.number) == (first.id, first.number)
    with database.transaction() as db, pytest.raises(PageAlreadyUsed):
        open_file(db, "nadia")


@pytest.mark.parametrize("act", ["take", "call"])
def test_of_two_forms_at_the_same_instant_the_second_answers_from_the_first(
    database: Database, take: Act, call: Act, act: str
) -> None:
    with database.transaction() as db:
        for n in range(5):
            take(db, f"{n:032x}")
    do = {"take": take, "call": call}[act]
    first_did, second_asks = Signal(), Signal()

    def first() -> Visit:
        with database.transaction() as db:
            visit = do(db, KEY)
            db.flush()  # the row with the key is written and not yet committed
            first_did.set()
            second_asks.wait(10)
            return visit

    def second() -> tuple[Visit, bool]:
        first_did.wait(10)
        second_asks.set()
        try:
            with database.transaction() as db:
                return do(db, KEY), False
        except IntegrityError:  # rolled back as a whole; the edge runs the form again
            with database.transaction() as db:
                return do(db, KEY), True

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.submit(first), pool.submit(second)
        assert one.result().id == other.result()[0].id
    with database.reading() as db:
        assert db.scalar(select(func.count()).select_from(Move).where(Move.key == KEY)) == 1
        numbers = sorted(db.scalars(select(Visit.number)))
        assert numbers == list(range(1, len(numbers) + 1))
        called = db.scalar(select(func.count()).select_from(Visit).where(Visit.state == State.CALLED))
        assert (len(numbers), called) == {"take": (6, 0), "call": (5, 1)}[act]


def test_of_two_different_moves_at_the_same_instant_one_is_made(
    database: Database, take: Act, call: Act, at: datetime, chance: Chance
) -> None:
    with database.transaction() as db:
        take(db, "0" * 32)
        visit = call(db, "1" * 32)
    first_did, second_asks = Signal(), Signal()

    def first() -> None:
        with database.transaction() as db:
            row = db.get_one(Visit, visit.id)
            advance(db, row, Verb.REGISTER, by="sophie", at=at, chance=chance, key="a" * 32)
            first_did.set()
            second_asks.wait(0.5)  # on SQLite the second one is still at the door

    def second() -> None:
        first_did.wait(10)
        with database.transaction() as db:
            row = db.get_one(Visit, visit.id)  # on PostgreSQL still as it was before the first one's move
            second_asks.set()
            advance(db, row, Verb.MISS, by="nadia", at=at, chance=chance, key="b" * 32)

    with ThreadPoolExecutor(2) as pool:
        one, other = pool.submit(first), pool.submit(second)
        one.result()
        with pytest.raises(NotNow):
            other.result()
    with database.reading() as db:
        assert db.get_one(Visit, visit.id).state is State.REGISTERED
