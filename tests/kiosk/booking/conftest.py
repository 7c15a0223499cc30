"""The counter, where appointments are looked at and their paper is printed."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.kiosk.counter.conftest import Counter, open_counter


@pytest.fixture
def counter(tmp_path: Path, at: datetime, chance: Callable[[int], bytes]) -> Iterator[Counter]:
    with open_counter(tmp_path, at=at, chance=chance) as opened:
        yield opened
