"""A reception for every test that asks for one."""

from datetime import datetime

import pytest

from kiosk.register.clock import Chance
from kiosk.register.database import Database
from kiosk.register.sites import Site
from tests.labels.reception import Reception


@pytest.fixture
def reception(database: Database, site: Site, at: datetime, chance: Chance) -> Reception:
    return Reception(database=database, site=site, at=at, chance=chance)
