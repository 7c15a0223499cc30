"""The tables of both sides are brought to the code's own state, each side in one transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine, event, text

from kiosk.register import database
from kiosk.register.database import STAFF_ONLY, Side
from kiosk.register.grants import grant_statements

MIGRATIONS = Path(database.__file__).parent / "migrations"

#: Results first: a crash between the two leaves the register old, and both apps refuse to start on it.
SIDES: tuple[Side, ...] = ("results", "register")


def migrate(register: str, results: str, *, to: str = "head", public_role: str | None = None) -> None:
    """Bring both sides to a revision of the one numbered history.

    Args:
        register: path of the register, or a PostgreSQL address.
        results: path of the results file; ignored with PostgreSQL, where it is a schema of the same database.
        to: a revision, `head` or `base`.
        public_role: the PostgreSQL role of the public app, which is given its grants.
    """
    for side in SIDES:
        with side_opened(register, results, side) as connection:
            run_history(connection, side, to=to)
            if side == "register" and public_role and connection.dialect.name == "postgresql":
                for statement in grant_statements(public_role):
                    connection.execute(text(statement))


def run_history(connection: Connection, side: Side, *, to: str) -> None:
    """Run the history on one side up or down to a revision, in the connection's transaction."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes.update(connection=connection, side=side)
    if to == "base":
        command.downgrade(config, "base")
    else:
        command.upgrade(config, to)


@contextmanager
def side_opened(register: str, results: str, side: Side) -> Iterator[Connection]:
    """A connection in one transaction that sees one side alone, under its schema's name."""
    if register.startswith("postgresql"):
        engine = create_engine(register, hide_parameters=True)
    else:
        engine = create_engine(f"sqlite:///{register}" if side == "register" else "sqlite://", hide_parameters=True)
        event.listen(engine, "connect", lambda raw, _: _prepare(raw, results if side == STAFF_ONLY else None))
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql" and side == STAFF_ONLY:
                connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {STAFF_ONLY}"))
            yield connection
    finally:
        engine.dispose()


def _prepare(raw: object, results: str | None) -> None:
    raw.isolation_level = None  # type: ignore[attr-defined]  # the driver's own transactions start too late
    execute = raw.execute  # type: ignore[attr-defined]
    if results is not None:
        execute("ATTACH DATABASE ? AS results", (results,))
        execute("PRAGMA results.journal_mode=WAL")
        execute("PRAGMA results.secure_delete=ON")
    else:
        execute("PRAGMA journal_mode=WAL")
