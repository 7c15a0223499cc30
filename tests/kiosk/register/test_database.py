"""How tables are declared and how both sides are opened."""

import sqlite3
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import DateTime, select, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from kiosk.register import database as databases
from kiosk.register import visits
from kiosk.register.database import Base, Database, UtcDateTime, bump, open_database, open_sqlite, uuid7
from kiosk.register.errors import Later
from kiosk.register.events import Event, announce
from kiosk.register.sites import Site
from kiosk.register.writer import NotReentrantError

INSTANTS = st.datetimes(min_value=datetime(1970, 1, 2), max_value=datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
BYTES = st.binary(min_size=10, max_size=10)


@given(INSTANTS, BYTES)
def test_an_identifier_says_its_version_and_its_millisecond(at: datetime, raw: bytes) -> None:
    made = uuid7(at, lambda size: raw[:size])
    assert made.version == 7
    assert made.variant == "specified in RFC 4122"
    assert made.int >> 80 == (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


@given(INSTANTS, INSTANTS, BYTES, BYTES)
def test_identifiers_sort_as_their_instants_to_the_millisecond(
    one: datetime, other: datetime, first: bytes, second: bytes
) -> None:
    early, late = sorted((one, other))
    if late - early >= timedelta(milliseconds=1):
        assert uuid7(early, lambda _: first) < uuid7(late, lambda _: second)


def test_the_known_identifier_of_the_standard() -> None:
    at = datetime(2022, 2, 22, 19, 22, 22, tzinfo=UTC)
    # RFC 9562, appendix A.6: rand_a 0xCC3, rand_b 0x18C4DC0C0C07398F.
    raw = bytes.fromhex("0cc3" + "18c4dc0c0c07398f")
    assert uuid7(at, lambda _: raw) == UUID("017f22e2-79b0-7cc3-98c4-dc0c0c07398f")


def test_a_naive_instant_makes_no_identifier() -> None:
    with pytest.raises(TypeError):
        uuid7(datetime(2026, 11, 21, 8, 30), lambda size: b"0" * size)  # noqa: DTZ001


def test_a_naive_instant_is_not_stored(database: Database, site: Site) -> None:
    naive = datetime(2026, 11, 21, 8, 30)  # noqa: DTZ001
    with pytest.raises(StatementError, match="naive"), database.transaction() as db:
        announce(db, site.id, "line", {}, at=naive)
    with database.reading() as db:
        assert db.scalars(select(Event)).all() == []


def test_an_instant_comes_back_aware_and_in_utc(database: Database, site: Site) -> None:
    paris = timezone(timedelta(hours=1))
    told = datetime(2026, 11, 21, 8, 30, 15, 123456, tzinfo=paris)
    with database.transaction() as db:
        announce(db, site.id, "line", {}, at=told)
    with database.reading() as db:
        found = db.scalars(select(Event.at)).one()
    assert found == told
    assert found.utcoffset() == timedelta(0)


def test_no_instant_is_stored_as_no_instant() -> None:
    kind = UtcDateTime()
    dialect = sqlite.dialect()
    assert kind.bind_processor(dialect)(None) is None
    assert kind.result_processor(dialect, None)(None) is None


def test_a_reading_cannot_write(database: Database, site: Site) -> None:
    with database.reading() as db, pytest.raises(DBAPIError):
        db.execute(text("UPDATE site SET name = 'autre'"))
    with database.reading() as db:
        assert db.scalars(select(Site.name)).one() == site.name


def test_a_refusal_in_the_block_leaves_nothing(database: Database, site: Site, at: datetime) -> None:
    with pytest.raises(Later), database.transaction() as db:  # noqa: PT012  # the whole block is rolled back
        announce(db, site.id, "line", {}, at=at)
        raise Later
    with database.reading() as db:
        assert db.scalars(select(Event)).all() == []


def test_rows_may_be_read_after_the_transaction(database: Database, site: Site) -> None:
    with database.transaction() as db:
        kept = db.get_one(Site, site.id)
    assert kept.name == "Laboratoire des Tilleuls"


def test_a_row_without_its_parent_is_refused(database: Database, at: datetime) -> None:
    with pytest.raises(IntegrityError), database.transaction() as db:
        announce(db, UUID(int=1), "line", {}, at=at)


def test_a_second_transaction_in_the_same_thread_is_refused_at_once(sqlite_folder: Path) -> None:
    opened = open_sqlite(sqlite_folder / "register.sqlite", sqlite_folder / "results.sqlite")
    with opened.transaction(), pytest.raises(NotReentrantError), opened.transaction():
        pytest.fail("it would wait for itself")
    opened.close()


def test_counting_gives_one_two_three_and_a_rollback_gives_its_number_back(database: Database, site: Site) -> None:
    today = datetime(2026, 11, 21, tzinfo=UTC).date()
    with database.transaction() as db:
        assert [bump(db, visits.TicketCounter, site_id=site.id, day=today) for _ in range(3)] == [1, 2, 3]
    with pytest.raises(Later), database.transaction() as db:  # noqa: PT012  # the whole block is rolled back
        assert bump(db, visits.TicketCounter, site_id=site.id, day=today) == 4
        raise Later
    with database.transaction() as db:
        assert bump(db, visits.TicketCounter, site_id=site.id, day=today) == 4


def test_each_connection_is_set_for_power_cuts_and_foreign_keys(sqlite_folder: Path) -> None:
    opened = open_sqlite(sqlite_folder / "register.sqlite", sqlite_folder / "results.sqlite")
    wanted = {
        "main.journal_mode": "wal", "results.journal_mode": "wal", "main.synchronous": 2, "results.synchronous": 2,
        "foreign_keys": 1, "trusted_schema": 0, "temp_store": 2, "busy_timeout": 5000, "results.secure_delete": 1,
    }  # fmt: skip
    for engine in (opened.reading_engine, *opened.writing_engines.values()):
        with engine.connect() as connection:
            found = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted}
        assert found == wanted
    opened.close()


def test_a_write_transaction_holds_the_file_from_its_first_moment(sqlite_folder: Path) -> None:
    opened = open_sqlite(sqlite_folder / "register.sqlite", sqlite_folder / "results.sqlite")
    other = sqlite3.connect(sqlite_folder / "register.sqlite", timeout=0, isolation_level=None)
    with opened.transaction() as db:
        db.connection()
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            other.execute("BEGIN IMMEDIATE")
    with opened.transaction("results") as db:
        db.connection()
        other.execute("BEGIN IMMEDIATE")  # a release does not keep the kiosk waiting
        other.execute("ROLLBACK")
    other.close()
    opened.close()


def test_a_programme_without_results_does_not_know_them(sqlite_folder: Path) -> None:
    opened = open_sqlite(sqlite_folder / "register.sqlite")
    assert set(opened.writing_engines) == {"register"}
    with opened.reading() as db, pytest.raises(DBAPIError, match="no such table"):
        db.execute(text("SELECT * FROM results.journal_leaf"))
    opened.close()


def test_a_missing_file_is_not_made(tmp_path: Path) -> None:
    opened = open_sqlite(tmp_path / "nowhere.sqlite")
    with opened.reading() as db, pytest.raises(DBAPIError, match="unable to open"):
        db.execute(text("SELECT 1"))
    opened.close()
    assert not (tmp_path / "nowhere.sqlite").exists()


@pytest.mark.parametrize(("rested", "asks"), [(0.0, True), (float("inf"), False)])
def test_a_connection_that_has_rested_is_asked_whether_its_server_still_holds_it(
    postgresql_address: str, monkeypatch: pytest.MonkeyPatch, rested: float, asks: bool
) -> None:
    opened, other = (open_database(postgresql_address, None) for _ in range(2))
    with opened.reading() as db:
        held = db.scalar(text("SELECT pg_backend_pid()"))
    with other.transaction() as db:
        db.execute(text("SELECT pg_terminate_backend(:held)"), {"held": held})
    monkeypatch.setattr(databases, "RESTED", rested)
    with opened.reading() as db, nullcontext() if asks else pytest.raises(DBAPIError):
        assert db.scalar(text("SELECT pg_backend_pid()")) != held
    with opened.reading() as db:  # whoever comes next finds a new one in any case
        assert db.scalar(text("SELECT pg_backend_pid()")) != held
    opened.close()
    other.close()


def test_a_settings_file_names_an_engine_by_its_address(sqlite_folder: Path, postgresql_address: str) -> None:
    small = open_database(str(sqlite_folder / "register.sqlite"), str(sqlite_folder / "results.sqlite"))
    large = open_database(postgresql_address, postgresql_address)
    alone = open_database(postgresql_address, None)
    assert small.reading_engine.dialect.name == "sqlite"
    assert large.reading_engine.dialect.name == "postgresql"
    assert set(small.writing_engines) == set(large.writing_engines) == {"register", "results"}
    assert set(alone.writing_engines) == {"register"}
    for opened in (small, large, alone):
        opened.close()


def test_a_failing_statement_tells_no_value(database: Database, site: Site) -> None:
    named = Site(
        id=site.id, number=1, name="Moreau Jeanne", timezone="Europe/Paris", opens=site.opens, closes=site.closes
    )
    with pytest.raises(DBAPIError) as failed, database.transaction() as db:
        db.add(named)
    assert "hidden due to hide_parameters" in str(failed.value)
    assert "Moreau" not in str(failed.value)


def test_the_columns_of_instants_all_refuse_naive_ones() -> None:
    plain = [
        f"{table.name}.{column.name}"
        for table in Base.metadata.tables.values()
        for column in table.columns
        if isinstance(column.type, DateTime)
    ]
    assert plain == []
