"""A reception, and a counter with its screens, for every test that asks for one."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from kiosk.register.clock import Chance
from kiosk.register.database import Database
from kiosk.register.sites import Site
from tests.kiosk.counter.conftest import Counter, open_counter
from tests.labels.reception import Reception


@pytest.fixture
def reception(database: Database, site: Site, at: datetime, chance: Chance) -> Reception:
    return Reception(database=database, site=site, at=at, chance=chance)


@pytest.fixture
def counter(tmp_path: Path, at: datetime, chance: Chance) -> Iterator[Counter]:
    """The laboratory on a Saturday morning."""
    folder = tmp_path / "laboratory"
    folder.mkdir()
    with open_counter(folder, at=at, chance=chance) as opened:
        yield opened
