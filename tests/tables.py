"""Every table of the house, made at once as the models say it."""

from pathlib import Path

from sqlalchemy import create_engine, text

from kiosk.register.database import HEAD, Base


def make_tables(folder: Path, *, stamped: bool = True) -> None:
    """Make both files of a laboratory; `stamped` with the version of this code, without which no app starts."""
    made = create_engine(f"sqlite:///{folder / 'register.sqlite'}")
    with made.connect() as connection:
        connection.execute(text("ATTACH DATABASE :path AS results"), {"path": str(folder / "results.sqlite")})
        connection.execute(text("PRAGMA journal_mode=WAL"))
        connection.execute(text("PRAGMA results.journal_mode=WAL"))
        Base.metadata.create_all(connection)
        for side in ("main", "results") if stamped else ():
            connection.execute(text(f"CREATE TABLE {side}.alembic_version (version_num VARCHAR(32) NOT NULL)"))
            connection.execute(text(f"INSERT INTO {side}.alembic_version VALUES (:head)"), {"head": HEAD})  # noqa: S608
        connection.commit()
    made.dispose()
