"""The numbered history makes exactly the tables that the code knows, on both engines, up and down and up."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, make_url, text

import results.app  # noqa: F401  # its screens know every table
from kiosk.register.database import HEAD, STAFF_ONLY, Base, Side
from results.upkeep.schema import MIGRATIONS, SIDES, migrate, side_opened


@pytest.fixture(params=["sqlite", "postgresql"])
def places(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """An empty database of each engine: where the register is, and where the results are."""
    if request.param == "sqlite":
        return str(tmp_path / "register.sqlite"), str(tmp_path / "results.sqlite")
    address: str = request.getfixturevalue("postgresql_address")
    name = f"migrated_{uuid4().hex[:12]}"
    engine = create_engine(address, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    engine.dispose()
    made = make_url(address).set(database=name).render_as_string(hide_password=False)
    return made, made


def differences(connection: Connection, side: Side) -> list[Any]:
    """What the models have and the tables have not, or the reverse."""

    def ours(thing: Any, name: str | None, kind: str, _reflected: bool, _to: Any) -> bool:
        table = thing if kind == "table" else getattr(thing, "table", None)
        if name == "alembic_version" or table is None:
            return name != "alembic_version"
        return bool((table.schema == STAFF_ONLY) == (side == STAFF_ONLY))

    context = MigrationContext.configure(connection, opts={"include_schemas": True, "include_object": ours})
    found = compare_metadata(context, Base.metadata)
    # SQLite makes no foreign key between two files; PostgreSQL makes it and is compared.
    across = connection.dialect.name == "sqlite"
    return [one for one in found if not (across and one[0] in {"add_fk", "remove_fk"})]


def test_up_down_and_up_again_ends_where_the_models_are(places: tuple[str, str]) -> None:
    migrate(*places)
    migrate(*places, to="base")
    for side in SIDES:
        with side_opened(*places, side) as connection:
            left = inspect(connection).get_table_names(schema=STAFF_ONLY if side == STAFF_ONLY else None)
            assert set(left) <= {"alembic_version"}
    migrate(*places)
    for side in SIDES:
        with side_opened(*places, side) as connection:
            assert differences(connection, side) == []


def test_a_missing_table_would_be_noticed(places: tuple[str, str]) -> None:
    migrate(*places)
    with side_opened(*places, "register") as connection:
        connection.execute(text("DROP TABLE visit_move"))
        assert differences(connection, "register")


def test_each_side_stamps_its_own_head(places: tuple[str, str]) -> None:
    migrate(*places)
    for side in SIDES:
        with side_opened(*places, side) as connection:
            table = f"{STAFF_ONLY}.alembic_version" if side == STAFF_ONLY else "alembic_version"
            assert connection.execute(text(f"SELECT version_num FROM {table}")).scalar_one() == HEAD  # noqa: S608


def test_the_history_has_one_head_and_the_code_names_it() -> None:
    assert ScriptDirectory(str(MIGRATIONS)).get_heads() == [HEAD]
