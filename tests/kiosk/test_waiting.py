"""The line as everyone may see it: a number with its traces, and a range that is kept to be scored."""

from datetime import datetime

import pytest
from sqlalchemy import select

from kiosk.register.database import Database
from kiosk.register.events import Event
from kiosk.register.journal import verify
from kiosk.register.once import PageAlreadyUsed
from kiosk.register.sites import Site
from kiosk.register.visits import Purpose, Said, State, Visit, moves_of
from kiosk.waiting import WhatWasSaid
from tests.kiosk.secretary import Chance, Reception, statements


@pytest.fixture
def sophie(site: Site, at: datetime, chance: Chance) -> Reception:
    return Reception(site, at, chance)


def test_a_number_is_written_with_its_move_its_word_its_journal_entry_and_its_event(
    database: Database, site: Site, sophie: Reception
) -> None:
    said = WhatWasSaid(kind="name", word="MOR", birth_date="19540302")
    with database.transaction() as db:
        visit = sophie.gives_number(db, Purpose.BOOKED, said)
    with database.reading() as db:
        assert (visit.number, visit.state, visit.day) == (1, State.ARRIVED, sophie.at.date())
        assert [(move.verb, move.by) for move in moves_of(db, visit.id)] == [("arrive", "sophie")]
        kept = db.get_one(Said, visit.id)
        assert (kept.kind, kept.word, kept.birth_date) == ("name", "MOR", "19540302")
        event = db.scalars(select(Event)).one()
        assert (event.topic, event.body) == ("line", {"number": 1, "stage": "counter"})
        assert verify(db, "register").size == 1


def test_the_announced_range_grows_with_the_line_and_is_kept_to_be_scored(
    database: Database, sophie: Reception
) -> None:
    with database.transaction() as db:
        first = sophie.gives_number(db)
        for _ in range(6):
            last = sophie.gives_number(db)
    assert (first.announced_low, first.announced_high) == (0, 5)
    assert last.announced_low > 0
    assert last.announced_high > first.announced_high


def test_a_form_sent_again_has_the_same_number_and_no_number_is_left_out(database: Database, sophie: Reception) -> None:
    form = sophie.key()
    with database.transaction() as db:
        first = sophie.gives_number(db, key=form)
    with database.transaction() as db:
        assert sophie.gives_number(db, key=form).id == first.id
        assert sophie.gives_number(db).number == 2
        sophie.name = "amel"
        with pytest.raises(PageAlreadyUsed):
            sophie.gives_number(db, key=form)
    with database.reading() as db:
        assert len(db.scalars(select(Visit)).all()) == 2


def test_an_arrival_says_no_more_to_the_database_than_the_rows_that_it_writes_and_the_wait(
    database: Database, sophie: Reception
) -> None:
    with database.transaction() as db:
        sophie.gives_number(db)
    with statements(database) as said, database.transaction() as db:
        sophie.gives_number(db)
    written = [one.split()[2 if one.startswith("INSERT") else 1] for one in said if not one.startswith("SELECT")]
    assert written == [
        "ticket_counter", "visit", "visit_move", "journal_leaf", "journal_text", "journal_head",
        "event_counter", "event",
    ]  # fmt: skip
    assert len(said) == len(written) + 2  # the wait that is told, and where the journal ends
