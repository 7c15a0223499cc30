"""One register, one results file: how tables are declared and how both are opened."""

import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from time import monotonic
from typing import Any, Final, Literal, cast
from uuid import UUID

import psycopg
from sqlalchemy import (
    DateTime,
    Dialect,
    Engine,
    Executable,
    MetaData,
    PoolProxiedConnection,
    QueuePool,
    Select,
    Table,
    create_engine,
    event,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DatabaseError, InvalidatePoolError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.types import TypeDecorator

from kiosk.register.writer import Turn

#: The schema of everything that gives power or tells a secret; the public app never opens it.
STAFF_ONLY = "results"

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

#: Signs of an instant as SQLite keeps it: `2026-11-21 07:30:15.123456`.
_WITHOUT_ZONE: Final = 26

#: The revision of the tables that this code knows; on any other it refuses to start.
HEAD = "0001"

#: Seconds after which a connection to PostgreSQL is asked whether it still holds before it is used again.
RESTED = 1.0

Side = Literal["register", "results"]
Grants = Mapping[str, frozenset[str]]


class Base(DeclarativeBase):
    """The parent of every table of the house, so that constraints have one manner of names."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_N_label)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def table_of(kind: type[Base]) -> Table:
    """The bare table of a class, for statements that are built once and run by every act."""
    return cast(Table, kind.__table__)


class UtcDateTime(TypeDecorator[datetime]):
    """An instant, stored in UTC; a naive one is refused at the door.

    Every act writes and reads a dozen of them, so each way is one plain function, and SQLite, which keeps no zone, is
    given the text that SQLAlchemy would make.
    """

    impl = DateTime(timezone=True)
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[datetime | None], datetime | str | None]:
        """An aware instant in UTC; for SQLite as text without a zone."""
        return _as_text if dialect.name == "sqlite" else _in_utc

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], datetime | None]:
        """The same instant, aware again."""
        del coltype
        return _of_text if dialect.name == "sqlite" else _in_utc


def _in_utc(value: datetime | None) -> datetime | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError("a naive datetime cannot be stored")
    return value.astimezone(UTC)


def _as_text(value: datetime | None) -> str | None:
    if value is None:
        return None
    if value.tzinfo is None:
        raise ValueError("a naive datetime cannot be stored")
    return value.astimezone(UTC).isoformat(" ", "microseconds")[:_WITHOUT_ZONE]


def _of_text(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value).replace(tzinfo=UTC)


def uuid7(at: datetime, chance: Callable[[int], bytes]) -> UUID:
    """A time-ordered identifier (RFC 9562, version 7) made of an aware instant and ten random bytes."""
    milliseconds = (at - EPOCH) // timedelta(milliseconds=1)
    raw = milliseconds.to_bytes(6, "big") + chance(10)
    value = int.from_bytes(raw, "big")
    value = value & ~(0xF << 76) | (7 << 76)
    value = value & ~(0x3 << 62) | (2 << 62)
    return UUID(int=value)


def bump(db: Session, counter: type[Base], **of: Any) -> int:
    """Add one to a counter row, made at 1 where it is missing, in the transaction of the act: no gap, no double.

    Args:
        counter: a table whose primary key is `of` and whose other column is `number`.
    """
    link = db.connection()
    return int(link.execute(_bumped(counter, link.dialect.name), of | {"number": 1}).scalar_one())


@cache
def _bumped(counter: type[Base], dialect: str) -> Executable:
    return one_more(counter, dialect)


def one_more(counter: type[Base], dialect: str, *, first: Select[Any] | None = None) -> Executable:
    """The statement that adds one to a counter row, and gives the number.

    Args:
        first: the row at 1, where it is asked for: without a row nothing is counted.
    """
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    table = table_of(counter)
    added = insert(table) if first is None else insert(table).from_select(list(table.c), first)
    return added.on_conflict_do_update(index_elements=table.primary_key, set_={"number": table.c.number + 1}).returning(
        table.c.number
    )


@dataclass(frozen=True, kw_only=True)
class Database:
    """The engines of one programme: one for questions, one for each side that it may write."""

    reading_engine: Engine
    writing_engines: Mapping[str, Engine]
    turns: Mapping[str, Turn] = field(default_factory=dict)
    results_file: Path | None = None
    register_file: Path | None = None

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that can only ask."""
        with Session(self.reading_engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def transaction(self, writes: Side = "register") -> Iterator[Session]:
        """A session that writes one side and commits at the end of the block.

        Raises:
            Later: when the writer's turn does not come within its deadline.
        """
        engine = self.writing_engines[writes]
        turn = self.turns.get(writes)
        if turn is None:
            with Session(engine, expire_on_commit=False) as session, session.begin():
                yield session
            return
        with turn.taken(), Session(engine, expire_on_commit=False) as session, session.begin():
            yield session

    def fold_results(self) -> bool:
        """Fold the results file's log into it, so that deleted bytes are on the disk no longer.

        Only a connection that opens this file alone can; one open reader makes it wait for the next time.

        Returns:
            Whether nothing is left in the log; always true on PostgreSQL, where vacuum does it.
        """
        return self.results_file is None or _fold(self.results_file)

    def fold_register(self) -> bool:
        """Fold the register's log into it, as `fold_results` does."""
        return self.register_file is None or _fold(self.register_file)

    def close(self) -> None:
        """Give every connection back."""
        for engine in {self.reading_engine, *self.writing_engines.values()}:
            engine.dispose()
        for turn in self.turns.values():
            turn.close()


def open_sqlite(
    register: Path, results: Path | None = None, *, grants: Grants | None = None, deadline: float = 5.0
) -> Database:
    """Open the files of one programme.

    Args:
        register: path of the register.
        results: path of the results file, or None for a programme that must not know it.
        grants: table -> verbs (`read`, `insert`, `update`, `delete`); None allows all. With grants, ATTACH and
            every table that is not named are refused by SQLite's own authorizer.
        deadline: seconds that a writer waits for its turn.
    """

    def engine(writes: Side | None) -> Engine:
        made = create_engine(
            "sqlite+pysqlite://",
            creator=lambda: _connect(register, results, writes, grants),
            hide_parameters=True,
            poolclass=QueuePool,  # an address without a path would get one connection a thread
            pool_size=8,
            max_overflow=128,
        )
        begin = "BEGIN" if writes is None else "BEGIN IMMEDIATE"
        # The driver would begin too late. Not by an event: an engine that has one asks for it at every statement.
        made.dialect.do_begin = lambda dbapi_connection: _run(dbapi_connection, begin)  # type: ignore[method-assign]
        return made

    writing: dict[str, Engine] = {"register": engine("register")}
    turns = {"register": Turn(register.with_name(register.name + ".turn"), deadline=deadline)}
    if results is not None:
        writing["results"] = engine("results")
        turns["results"] = Turn(results.with_name(results.name + ".turn"), deadline=deadline)
    return Database(
        reading_engine=engine(None), writing_engines=writing, turns=turns, results_file=results, register_file=register
    )


def _run(link: PoolProxiedConnection, statement: str) -> None:
    link.cursor().execute(statement)


def open_postgresql(url: str, *, results: bool) -> Database:
    """Open a PostgreSQL database; `results` says whether this programme may write the results schema."""
    engine = create_engine(url, hide_parameters=True, pool_size=8, max_overflow=32)
    # A question stands alone: a transaction around it would be two more ways there and back for every page.
    asking = create_engine(url, hide_parameters=True, pool_size=8, max_overflow=32, isolation_level="AUTOCOMMIT")
    _let_only_ask(asking)
    for one in (engine, asking):
        _ask_who_rested(one)
    writing = {"register": engine} | ({"results": engine} if results else {})
    return Database(reading_engine=asking, writing_engines=writing)


def _let_only_ask(engine: Engine) -> None:
    """Let PostgreSQL refuse whatever would write on these connections."""

    @event.listens_for(engine, "connect")
    def limit(link: psycopg.Connection, record: ConnectionPoolEntry) -> None:
        del record
        link.execute("SET default_transaction_read_only = on")
        link.commit()


def _ask_who_rested(engine: Engine) -> None:
    """Ask a connection that has rested whether its server is still there, and open others where it is not.

    One that was given back a moment ago is not asked: the question is a way there and back for every act.
    """

    @event.listens_for(engine, "checkin")
    def rest(link: object, record: ConnectionPoolEntry) -> None:
        del link
        record.info["rests_since"] = monotonic()

    @event.listens_for(engine, "checkout")
    def ask(link: PoolProxiedConnection, record: ConnectionPoolEntry, fairy: object) -> None:
        del fairy
        if monotonic() - record.info.get("rests_since", monotonic()) < RESTED:
            return
        try:
            engine.dialect.do_ping(link)
        except psycopg.Error as gone:
            raise InvalidatePoolError from gone


def open_database(register: str, results: str | None, *, grants: Grants | None = None) -> Database:
    """Open what a settings file names: a PostgreSQL address, or one SQLite path a side."""
    if register.startswith("postgresql"):
        return open_postgresql(register, results=results is not None)
    return open_sqlite(Path(register), Path(results) if results else None, grants=grants)


class OtherTables(Exception):  # noqa: N818  # a refusal to start, told to a person
    """The tables are not those of this code; the sentence says what to do."""


def require_head(database: Database, *sides: Side) -> None:
    """Refuse to start on tables that are older or newer than the code.

    Raises:
        OtherTables: naming the side and what to run.
    """
    for side in sides:
        table = f"{STAFF_ONLY}.alembic_version" if side == STAFF_ONLY else "alembic_version"
        try:
            with database.reading() as db:
                found = db.execute(text(f"SELECT version_num FROM {table}")).scalar()  # noqa: S608  # our own names
        except DatabaseError:
            found = None
        if found != HEAD:
            raise OtherTables(
                f"Les tables ({side}) sont à la version {found or 'aucune'}, ce programme demande {HEAD}. "
                "Lancez « etiquette db upgrade »."
            )


def _fold(file: Path) -> bool:
    with closing(sqlite3.connect(file, timeout=0)) as alone:
        busy, _, _ = alone.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def _connect(register: Path, results: Path | None, writes: Side | None, grants: Grants | None) -> sqlite3.Connection:
    """One layout for all: register main, results attached; only `mode=ro` changes sides."""
    main_mode = "ro" if writes == "results" else "rw"
    connection = sqlite3.connect(
        f"{register.resolve().as_uri()}?mode={main_mode}", uri=True, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA busy_timeout=5000")
    if results is not None:
        other_mode = "ro" if writes == "register" else "rw"
        connection.execute("ATTACH DATABASE ? AS results", (f"{results.resolve().as_uri()}?mode={other_mode}",))
    # Without the name of a side, secure_delete holds for both: what is deleted is overwritten.
    for pragma in (
        "foreign_keys=ON",
        "trusted_schema=OFF",
        "temp_store=MEMORY",
        "synchronous=FULL",
        "secure_delete=ON",
    ):
        connection.execute(f"PRAGMA {pragma}")
    if results is not None:
        connection.execute("PRAGMA results.synchronous=FULL")
    if writes is None:
        connection.execute("PRAGMA query_only=ON")
    if grants is not None:
        connection.set_authorizer(_authorizer(grants))
    return connection


def _authorizer(grants: Grants) -> Callable[..., int]:
    """What the public app's connection may do, asked by SQLite at each statement's preparation."""
    verbs = {
        sqlite3.SQLITE_READ: "read",
        sqlite3.SQLITE_INSERT: "insert",
        sqlite3.SQLITE_UPDATE: "update",
        sqlite3.SQLITE_DELETE: "delete",
    }
    harmless = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_SAVEPOINT}

    # The event watcher's question, and the one that SQLAlchemy asks at its first connection.
    questions = {"data_version", "read_uncommitted"}

    def allow(action: int, first: str | None, second: str | None, schema: str | None, trigger: str | None) -> int:
        if action in harmless or (action == sqlite3.SQLITE_PRAGMA and first in questions and second is None):
            return sqlite3.SQLITE_OK
        verb = verbs.get(action)
        # A trigger is part of the tables: it looks for what must not be written twice.
        if verb == "read" and trigger is not None:
            return sqlite3.SQLITE_OK
        # SQLite names no schema where a statement needs a table's rows but none of their columns.
        if verb is not None and schema in {"main", None} and verb in grants.get(first or "", frozenset()):
            return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_DENY

    return allow
