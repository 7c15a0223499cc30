"""What live screens hear, in the order of commits."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import event, select

from kiosk.register.database import Database, open_sqlite
from kiosk.register.errors import Later
from kiosk.register.events import (
    HELP_LASTS,
    Event,
    SomebodyGoes,
    announce,
    ask_for_help,
    events_after,
    go_and_help,
    last_seq,
    open_help_calls,
)
from kiosk.register.sites import Site


def test_before_the_first_event_the_last_is_zero(database: Database, site: Site) -> None:
    with database.reading() as db:
        assert last_seq(db, site.id) == 0
        assert events_after(db, site.id, 0, topics=("line",)) == []


def test_a_screen_hears_its_topics_after_the_last_one_it_heard(database: Database, site: Site, at: datetime) -> None:
    with database.transaction() as db:
        given = [
            announce(db, site.id, topic, {"number": n}, at=at) for n, topic in enumerate(("line", "call", "paper"))
        ]
    assert given == [1, 2, 3]
    with database.reading() as db:
        heard = events_after(db, site.id, 1, topics=("line", "call"))
        assert [(one.seq, one.topic, one.body) for one in heard] == [(2, "call", {"number": 1})]
        assert last_seq(db, site.id) == 3


def test_a_screen_that_was_long_away_hears_the_oldest_200_first(database: Database, site: Site, at: datetime) -> None:
    with database.transaction() as db:
        for _ in range(203):
            announce(db, site.id, "line", {}, at=at)
    with database.reading() as db:
        heard = [one.seq for one in events_after(db, site.id, 0, topics=("line",))]
        assert heard == list(range(1, 201))
        assert [one.seq for one in events_after(db, site.id, 200, topics=("line",))] == [201, 202, 203]


def test_what_was_rolled_back_is_not_heard_and_leaves_no_gap(database: Database, site: Site, at: datetime) -> None:
    with pytest.raises(Later), database.transaction() as db:  # noqa: PT012  # the whole block is rolled back
        announce(db, site.id, "line", {}, at=at)
        raise Later
    with database.transaction() as db:
        assert announce(db, site.id, "line", {}, at=at) == 1


def test_another_site_counts_for_itself(database: Database, site: Site, at: datetime) -> None:
    other = uuid4()
    with database.transaction() as db:
        db.add(Site(id=other, number=2, name="Annexe", timezone=site.timezone, opens=site.opens, closes=site.closes))
        announce(db, site.id, "line", {}, at=at)
    with database.transaction() as db:
        assert announce(db, other, "line", {}, at=at) == 1
    with database.reading() as db:
        assert len(events_after(db, site.id, 0, topics=("line",))) == 1


def test_a_listener_that_follows_writers_misses_nothing(database: Database, site: Site, at: datetime) -> None:
    def write(writer: int) -> None:
        for n in range(25):
            with database.transaction() as db:
                announce(db, site.id, "call", {"number": writer * 100 + n}, at=at)

    heard: list[int] = []
    with ThreadPoolExecutor(4) as pool:
        writing = [pool.submit(write, writer) for writer in range(4)]
        done = False
        while not done:
            done = all(one.done() for one in writing)  # asked before the last look, so that the last look sees all
            with database.reading() as db:
                heard += [one.seq for one in events_after(db, site.id, heard[-1] if heard else 0, topics=("call",))]
        for one in writing:
            one.result()
    assert heard == list(range(1, 101))
    with database.reading() as db:
        assert len(db.scalars(select(Event)).all()) == 100


def ask(database: Database, site: Site, at: datetime, kiosk: str, key: str) -> None:
    with database.transaction() as db:
        ask_for_help(db, site.id, kiosk=kiosk, page="touchscreen.name", key=key, at=at)


def asking(database: Database, site: Site, at: datetime) -> list[str]:
    with database.reading() as db:
        return [call.body["kiosk"] for call in open_help_calls(db, site.id, at=at)]


def test_a_form_that_is_sent_again_calls_for_help_once(database: Database, site: Site, at: datetime) -> None:
    ask(database, site, at, "Borne 1", "a" * 32)
    ask(database, site, at, "Borne 1", "a" * 32)
    with database.reading() as db:
        assert last_seq(db, site.id) == 1


def test_a_kiosk_asks_until_somebody_goes_and_may_ask_again(database: Database, site: Site, at: datetime) -> None:
    ask(database, site, at, "Borne 1", "a" * 32)
    ask(database, site, at, "Borne 2", "b" * 32)
    ask(database, site, at, "Borne 1", "c" * 32)
    assert asking(database, site, at) == ["Borne 1", "Borne 2"]
    with database.transaction() as db:
        go_and_help(db, site.id, "Borne 1", desk="Guichet 1", at=at)
    assert asking(database, site, at) == ["Borne 2"]
    ask(database, site, at, "Borne 1", "d" * 32)
    assert asking(database, site, at) == ["Borne 2", "Borne 1"]


def test_the_second_to_go_is_told_that_somebody_goes(database: Database, site: Site, at: datetime) -> None:
    ask(database, site, at, "Borne 1", "a" * 32)
    with database.transaction() as db:
        go_and_help(db, site.id, "Borne 1", desk="Guichet 1", at=at)
        go_and_help(db, site.id, "Borne 1", desk="Guichet 1", at=at)
    with database.transaction() as db, pytest.raises(SomebodyGoes):
        go_and_help(db, site.id, "Borne 1", desk="Guichet 2", at=at)


def test_an_old_call_for_help_is_not_shown_for_ever(database: Database, site: Site, at: datetime) -> None:
    ask(database, site, at, "Borne 1", "a" * 32)
    assert asking(database, site, at + HELP_LASTS - timedelta(seconds=1)) == ["Borne 1"]
    assert asking(database, site, at + HELP_LASTS) == []


def test_calls_for_help_are_found_without_reading_the_lines_events(sqlite_folder: Path, at: datetime) -> None:
    database = open_sqlite(sqlite_folder / "register.sqlite")
    asked: list[tuple[str, tuple[str, ...]]] = []

    def hear(link: object, cursor: object, statement: str, values: tuple[str, ...], *_: object) -> None:
        asked.append((statement, values))

    event.listen(database.reading_engine, "before_cursor_execute", hear)
    with database.reading() as db:
        open_help_calls(db, uuid4(), at=at)
    ((statement, values),) = asked
    with database.reading() as db:
        plan = db.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
    database.close()
    assert "ix_event_help" in str(plan)
