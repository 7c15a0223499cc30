"""The walls between programmes, as the engines themselves keep them."""

import sqlite3
from collections.abc import Callable, Iterator
from datetime import datetime
from importlib import import_module
from pathlib import Path
from uuid import uuid4

import pytest
from sqlalchemy import Connection, Engine, Table, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from kiosk import waiting
from kiosk.register.database import STAFF_ONLY, Base, Database, open_sqlite
from kiosk.register.events import events_after, last_seq
from kiosk.register.grants import PUBLIC, grant_statements
from kiosk.register.sites import Site, this_site
from kiosk.register.visits import Purpose, Stage
from kiosk.waiting import WhatWasSaid

HOUSE = Path(__file__).resolve().parents[2]
VERBS = ("read", "insert", "update", "delete")

Chance = Callable[[int], bytes]


def every_table() -> list[Table]:
    """Every table of the house, the staff programme's included."""
    for folder in ("kiosk", "labels", "results"):
        for path in (HOUSE / folder).rglob("*.py"):
            if "__tablename__ = " in path.read_text(encoding="utf-8"):
                import_module(".".join(path.relative_to(HOUSE).with_suffix("").parts))
    return list(Base.metadata.tables.values())


def statement(table: Table, verb: str, column: str) -> str:
    """A statement that needs this one verb; it is only explained, never run."""
    name = f"{table.schema}.{table.name}" if table.schema else table.name
    return {
        "read": f'EXPLAIN SELECT "{column}" FROM {name}',  # noqa: S608  # a name of our own tables
        "insert": f"EXPLAIN INSERT INTO {name} DEFAULT VALUES",
        "update": f'EXPLAIN UPDATE {name} SET "{column}" = NULL',  # noqa: S608
        "delete": f"EXPLAIN DELETE FROM {name}",  # noqa: S608
    }[verb]


def refused(connection: Connection, sql: str) -> str:
    """What the engine says against a statement, or nothing."""
    try:
        connection.exec_driver_sql(sql)
    except DBAPIError as error:
        return str(error.orig)
    return ""


def _create_all(connection: Connection) -> None:
    """Make what the migrations make: every table, and the one that says which migration was the last."""
    Base.metadata.create_all(connection)
    connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")


@pytest.fixture
def public_sqlite(tmp_path: Path) -> Iterator[Database]:
    """The public app's register, with every table of the house in it."""
    every_table()
    made = create_engine(f"sqlite:///{tmp_path / 'register.sqlite'}")
    with made.begin() as connection:
        connection.exec_driver_sql("ATTACH DATABASE ':memory:' AS results")
        _create_all(connection)
    made.dispose()
    opened = open_sqlite(tmp_path / "register.sqlite", grants=PUBLIC)
    yield opened
    opened.close()


@pytest.fixture
def public_postgresql(postgresql_address: str) -> Iterator[Database]:
    """A database with every table, as the role sees it that was given the list and nothing else."""
    every_table()
    name, role = f"walls_{uuid4().hex[:10]}", f"public_app_{uuid4().hex[:10]}"
    owner = create_engine(postgresql_address, isolation_level="AUTOCOMMIT")
    with owner.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
        connection.execute(text(f"CREATE ROLE {role}"))
    address = make_url(postgresql_address).set(database=name)
    inside = create_engine(address)
    with inside.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {STAFF_ONLY}"))
        _create_all(connection)
        for grant in grant_statements(role):
            connection.execute(text(grant))
    as_role = create_engine(address)
    event.listen(as_role, "begin", lambda connection: connection.exec_driver_sql(f"SET LOCAL ROLE {role}"))
    yield Database(reading_engine=as_role, writing_engines={"register": as_role})
    as_role.dispose()
    with inside.begin() as connection:
        connection.execute(text(f"DROP OWNED BY {role}"))
    inside.dispose()
    with owner.connect() as connection:
        connection.execute(text(f"DROP DATABASE {name}"))
        connection.execute(text(f"DROP ROLE {role}"))
    owner.dispose()


@pytest.fixture(params=["public_sqlite", "public_postgresql"])
def public(request: pytest.FixtureRequest) -> Database:
    """The public app's database, on each engine."""
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]


def _asked(engine: Engine, sql: str) -> str:
    with engine.connect() as connection:
        return refused(connection, sql)


def test_every_verb_that_is_not_granted_is_refused_on_every_table_and_column_and_the_others_pass(
    public: Database,
) -> None:
    engine = public.writing_engines["register"]
    tables = every_table()
    assert set(PUBLIC) - {table.name for table in tables} <= {"alembic_version"}
    open_doors, shut_doors = [], []
    for table in tables:
        granted = PUBLIC.get(table.name, frozenset()) if table.schema is None else frozenset()
        for verb in VERBS:
            columns = [column.name for column in table.columns] if verb in {"read", "update"} else ["-"]
            for column in columns:
                said = _asked(engine, statement(table, verb, column))
                # A key that other tables point to is never changed; SQLite would have to read them to do it.
                never = verb == "update" and column in {key.name for key in table.primary_key}
                if verb in granted and said and not never:
                    shut_doors.append((table.fullname, verb, column, said))
                wall = ("not authorized", "prohibited", "permission denied", "no such table", "unknown database")
                if verb not in granted and not any(word in said for word in wall):
                    open_doors.append((table.fullname, verb, column, said))
    assert open_doors == []
    assert shut_doors == []


def test_control_without_the_list_every_door_is_open(public_sqlite: Database, tmp_path: Path) -> None:
    opened = open_sqlite(tmp_path / "register.sqlite")
    table = Base.metadata.tables["said"]
    assert _asked(public_sqlite.writing_engines["register"], statement(table, "read", "word")) != ""
    assert _asked(opened.writing_engines["register"], statement(table, "read", "word")) == ""
    opened.close()


@pytest.mark.parametrize(
    "sql",
    [
        "ATTACH DATABASE 'results.sqlite' AS results",
        "DETACH DATABASE main",
        "CREATE TABLE mine (name TEXT)",
        "CREATE TEMP TABLE mine AS SELECT * FROM visit",
        "CREATE TEMP VIEW mine AS SELECT * FROM patient",
        "CREATE TEMP TRIGGER mine AFTER INSERT ON visit BEGIN SELECT 1; END",
        "DROP TABLE visit",
        "ALTER TABLE visit ADD COLUMN name TEXT",
        "SELECT * FROM sqlite_master",
        "SELECT * FROM visit, patient",
        "SELECT (SELECT birth_name FROM patient LIMIT 1) FROM visit",
        "INSERT INTO visit_move SELECT * FROM patient",
        "UPDATE visit SET desk = (SELECT birth_name FROM patient)",
        "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n LIMIT 3",
        "PRAGMA query_only = OFF",
        "PRAGMA writable_schema = ON",
        "PRAGMA table_info(patient)",
        "PRAGMA data_version = 3",
        "REINDEX",
        "VACUUM INTO 'copy.sqlite'",
    ],
)
def test_the_authorizer_lets_no_other_statement_pass(public_sqlite: Database, sql: str) -> None:
    connection = public_sqlite.writing_engines["register"].raw_connection()
    try:
        with pytest.raises(sqlite3.DatabaseError, match=r"not authorized|prohibited|authorization"):
            connection.cursor().execute(sql)
    finally:
        connection.close()


def test_the_public_app_may_hear_that_something_has_changed(public_sqlite: Database) -> None:
    assert _asked(public_sqlite.reading_engine, "PRAGMA data_version") == ""


def test_with_the_list_in_place_a_number_is_given_called_and_shown(
    public: Database, at: datetime, chance: Chance, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    _found_site(public, tmp_path, at)
    with public.reading() as db:
        site = this_site(db)
        wait = waiting.announced(db, site, Stage.COUNTER, at=at)
    with public.transaction() as db:
        said = WhatWasSaid(kind="name", word="MOR", birth_date="19540302")
        visit = waiting.take_number(
            db, site, wait=wait, purpose=Purpose.BOOKED, said=said, by="Borne 1", at=at, chance=chance, key="a" * 32
        )
        assert visit.number == 1
    with public.transaction() as db:
        again = waiting.take_number(
            db, site, wait=wait, purpose=Purpose.BOOKED, said=said, by="Borne 1", at=at, chance=chance, key="a" * 32
        )
        assert again.id == visit.id
    with public.reading() as db:
        assert waiting.last_calls(db, site, at=at) == []
        assert waiting.announced(db, site, Stage.COUNTER, at=at).high > 0
        assert last_seq(db, site.id) == 1
        assert len(events_after(db, site.id, 0, topics=("line",))) == 1
    with public.reading() as db, pytest.raises(DBAPIError):
        db.execute(text("SELECT word FROM said"))


def _found_site(public: Database, folder: Path, at: datetime) -> None:
    """The founding of the instance, which is not the public app's to do."""
    new = Site(id=uuid4(), number=1, name="Tilleuls", timezone="Europe/Paris", opens=at.time(), closes=at.time())
    if public.reading_engine.dialect.name == "sqlite":
        owner = create_engine(f"sqlite:///{folder / 'register.sqlite'}")
    else:
        owner = create_engine(public.reading_engine.url)
    with Session(owner) as db, db.begin():
        db.add(new)
    owner.dispose()


def test_the_act_that_writes_one_file_cannot_write_the_other(sqlite_folder: Path, at: datetime) -> None:
    opened = open_sqlite(sqlite_folder / "register.sqlite", sqlite_folder / "results.sqlite")
    register, results = "DELETE FROM site", "DELETE FROM results.journal_leaf"
    for side, own, other in (("register", register, results), ("results", results, register)):
        with opened.transaction(side) as db:  # type: ignore[arg-type]
            db.execute(text(own))  # the control
            with pytest.raises(DBAPIError, match="readonly"):
                db.execute(text(other))
            db.execute(text("SELECT count(*) FROM site, results.journal_leaf"))  # both may be asked
    opened.close()
