"""Answers are kept once and confirmed once, on either engine, whoever else writes at the same instant."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Event as Signal
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from kiosk.door.answers import Answer, CounterAnswer, NoSuchAnswer, answers_of, confirm, confirmed, keep_answer
from kiosk.line.estimate import Range
from kiosk.register.database import Database
from kiosk.register.once import PageAlreadyUsed
from kiosk.register.sites import Site
from kiosk.register.visits import Purpose
from kiosk.waiting import take_number

Chance = Callable[[int], bytes]
KEY, OTHER = "a" * 32, "b" * 32
Arrives = Callable[[], UUID]


@pytest.fixture
def arrives(database: Database, site: Site, at: datetime, chance: Chance) -> Arrives:
    """Someone takes a number."""

    def take() -> UUID:
        with database.transaction() as db:
            return take_number(
                db, site, wait=Range(low=0, high=5), purpose=Purpose.WALK_IN, said=None, by="Borne 1", at=at,
                chance=chance, key=chance(16).hex(),
            ).id  # fmt: skip

    return take


def test_a_form_of_the_kiosk_that_comes_again_changes_nothing_and_spoils_nothing(
    database: Database, arrives: Arrives, at: datetime
) -> None:
    visit = arrives()
    with database.transaction() as db:
        keep_answer(db, visit, "fasting", "over_12", at=at, key=KEY)
    with database.transaction() as db:
        keep_answer(db, visit, "fasting", "under_8", at=at, key=KEY)
        # The transaction of the form that came again still writes what follows.
        keep_answer(db, visit, "delivery", "phone", at=at, key=OTHER)
    with database.reading() as db:
        assert [(one.question, one.answer) for one in answers_of(db, visit)] == [
            ("fasting", "over_12"), ("delivery", "phone"),
        ]  # fmt: skip


def test_the_counter_keeps_both_words_and_the_last_one_counts(
    database: Database, arrives: Arrives, at: datetime
) -> None:
    visit, later = arrives(), at + timedelta(minutes=1)
    with database.transaction() as db:
        keep_answer(db, visit, "fasting", "over_12", at=at, key="c" * 32)
    with database.transaction() as db:
        confirm(db, visit, {"fasting": "8_to_12", "delivery": "post"}, by="sophie", at=at, key=KEY)
    with database.transaction() as db:
        confirm(db, visit, {"fasting": "under_8"}, by="nadia", at=later, key=OTHER)
    with database.reading() as db:
        kept = confirmed(db, visit)
        assert db.scalar(select(func.count()).select_from(CounterAnswer)) == 3
    assert {name: (one.answer, one.patient_said, one.patient_said_at, one.by) for name, one in kept.items()} == {
        "fasting": ("under_8", "over_12", at, "nadia"),
        "delivery": ("post", None, None, "sophie"),
    }


def test_a_form_of_the_counter_confirms_once_and_one_visit(database: Database, arrives: Arrives, at: datetime) -> None:
    visit, neighbour = arrives(), arrives()
    for answer in ("post", "doctor"):
        with database.transaction() as db:
            confirm(db, visit, {"delivery": answer}, by="sophie", at=at, key=KEY)
    with database.transaction() as db, pytest.raises(PageAlreadyUsed):
        confirm(db, neighbour, {"delivery": "post"}, by="sophie", at=at, key=KEY)
    with database.transaction() as db, pytest.raises(NoSuchAnswer):
        confirm(db, neighbour, {"delivery": "in_person"}, by="sophie", at=at, key=OTHER)
    with database.reading() as db:
        assert [one.answer for one in confirmed(db, visit).values()] == ["post"]
        assert confirmed(db, neighbour) == {}


def test_the_same_form_from_two_windows_at_the_same_instant_is_one_word(
    database: Database, arrives: Arrives, at: datetime
) -> None:
    visit, first_did, second_asks = arrives(), Signal(), Signal()

    def first() -> None:
        with database.transaction() as db:
            confirm(db, visit, {"fasting": "8_to_12", "delivery": "post"}, by="sophie", at=at, key=KEY)
            db.flush()  # the rows are written and not yet committed
            first_did.set()
            second_asks.wait(10)

    def second() -> None:
        first_did.wait(10)
        second_asks.set()
        try:
            with database.transaction() as db:
                confirm(db, visit, {"fasting": "under_8", "delivery": "doctor"}, by="sophie", at=at, key=KEY)
        except IntegrityError:  # rolled back as a whole; the edge runs the form again
            with database.transaction() as db:
                confirm(db, visit, {"fasting": "under_8", "delivery": "doctor"}, by="sophie", at=at, key=KEY)

    with ThreadPoolExecutor(2) as pool:
        for one in [pool.submit(first), pool.submit(second)]:
            one.result()
    with database.reading() as db:
        assert {name: one.answer for name, one in confirmed(db, visit).items()} == {
            "fasting": "8_to_12", "delivery": "post",
        }  # fmt: skip
        assert db.scalar(select(func.count()).select_from(CounterAnswer)) == 2


def test_two_desks_at_the_same_instant_both_keep_their_word(database: Database, arrives: Arrives, at: datetime) -> None:
    visit, soon = arrives(), at + timedelta(seconds=1)

    def says(by: str, answer: str, hour: datetime, key: str) -> None:
        with database.transaction() as db:
            confirm(db, visit, {"fasting": answer}, by=by, at=hour, key=key)

    with ThreadPoolExecutor(2) as pool:
        words = [("sophie", "8_to_12", at, KEY), ("nadia", "under_8", soon, OTHER)]
        for one in [pool.submit(says, *word) for word in words]:
            one.result()
    with database.reading() as db:
        assert confirmed(db, visit)["fasting"].by == "nadia"
        assert db.scalar(select(func.count()).select_from(CounterAnswer)) == 2
        assert db.scalar(select(func.count()).select_from(Answer)) == 0
