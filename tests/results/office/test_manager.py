"""The manager's figures: the score of what was announced, never a figure that could be one person's."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from kiosk.line.estimate import Range
from kiosk.register.sites import this_site
from kiosk.register.visits import Purpose
from kiosk.waiting import take_number
from results.office.manager import FEWEST
from tests.kiosk.counter.conftest import Counter, open_counter
from tests.kiosk.secretary import Chance, Reception


@pytest.fixture
def counter(tmp_path: Path, at: datetime, chance: Chance) -> Iterator[Counter]:
    folder = tmp_path / "laboratory"
    folder.mkdir()
    with open_counter(folder, at=at, chance=chance) as opened:
        yield opened


def people_wait(counter: Counter, people: int, minutes: float) -> None:
    """So many walk-ins are told 0 to 10 minutes, 5 in the middle, and wait so long."""
    with counter.room.database.reading() as db:
        site = this_site(db)
    sophie = Reception(site, counter.room.at, counter.chance)
    with counter.writing() as db:
        for _ in range(people):
            take_number(
                db, site, wait=Range(low=0, high=10, middle=5), purpose=Purpose.WALK_IN, said=None, by="Borne 1",
                at=sophie.at, chance=sophie.chance, key=sophie.key(),
            )  # fmt: skip
        sophie.waits(minutes)
        for _ in range(people):
            sophie.calls_next(db)
    counter.room.at = sophie.at


def test_the_score_says_whether_the_goals_are_kept(counter: Counter) -> None:
    people_wait(counter, 9, 6)
    people_wait(counter, 1, 30)
    page = counter.sits("roux").sees("/chiffres")
    assert "90\u00a0%" in page  # nine of ten below the upper end
    assert "10\u00a0%" in page  # one of ten far above the middle
    assert "3,4\u00a0min" in page  # mean distance from the middle: nine times 1, once 25
    assert page.count("tenu</span>") == 3


def test_too_few_people_make_no_figures(counter: Counter) -> None:
    people_wait(counter, FEWEST - 1, 7.3)
    page = counter.sits("roux").sees("/chiffres")
    assert "il n'y a encore rien à juger" in page
    assert "pas assez de personnes" in page
    assert "7,3" not in page


def test_a_laboratory_without_a_past_shows_what_it_starts_from(counter: Counter) -> None:
    counter.room.at += timedelta(days=400)
    assert "Un dossier au guichet" in counter.sits("lenoir").sees("/chiffres")


def test_a_secretary_does_not_read_the_figures(counter: Counter) -> None:
    assert counter.sits("sophie").browser.get("/chiffres").status_code == 403
