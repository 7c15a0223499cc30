"""The first page counts what waits behind each entry, for those alone who may open it."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest

from results.roof.menu import MENU
from tests.kiosk.counter.conftest import Counter, open_counter


@pytest.fixture
def counter(tmp_path: Path, at: datetime, chance: Callable[[int], bytes]) -> Iterator[Counter]:
    with open_counter(tmp_path, at=at, chance=chance) as opened:
        yield opened


def row(page: str, address: str) -> str:
    """One entry of the list, not of the menu above it."""
    return page.split(f'<a class="row" href="{address}">')[1].split("</a>", maxsplit=1)[0]


def test_each_count_belongs_to_an_entry_of_the_menu(counter: Counter) -> None:
    assert set(counter.room.app.extensions["waits"]) <= {entry["endpoint"] for entry in MENU}


def test_people_and_appointments_that_wait_are_counted(counter: Counter) -> None:
    sophie = counter.sits("sophie")
    page = sophie.sees("/")
    assert "en attente" not in row(page, "/file")
    counter.arrives()
    counter.arrives()
    counter.books("Moreau", "19540203")
    page = sophie.sees("/")
    assert "2 en attente" in row(page, "/file")
    assert "1 en attente" in row(page, "/rendez-vous")
    sophie.calls()
    assert "1 en attente" in row(sophie.sees("/"), "/file")


def test_what_a_role_does_not_open_is_neither_shown_nor_counted(counter: Counter) -> None:
    counter.arrives()
    page = counter.sits("alex").sees("/")
    assert 'href="/file"' not in page
    assert "en attente</span>" not in page
