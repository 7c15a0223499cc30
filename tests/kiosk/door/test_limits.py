"""One screen asks as often as a hurried line of people, and no more."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from kiosk.door.limits import RATES, Limits, TooOften
from kiosk.register.visits import Visit
from tests.kiosk.conftest import Reception


def test_what_was_taken_comes_back_with_time_and_each_name_has_its_own(at: datetime) -> None:
    limits, rate = Limits(), RATES["numbers"]
    for _ in range(rate.most):
        limits.take("numbers", "Borne 1", at=at)
    with pytest.raises(TooOften):
        limits.take("numbers", "Borne 1", at=at + rate.within - timedelta(seconds=1))
    limits.take("numbers", "Borne 2", at=at)
    limits.take("help", "Borne 1", at=at)
    limits.take("numbers", "Borne 1", at=at + rate.within)


def test_a_screen_that_asks_without_end_is_told_to_wait_and_gives_no_more_numbers(reception: Reception) -> None:
    given = [reception.send("/come/walk_in", "/come/walk_in").status_code for _ in range(33)]
    assert given == [303] * 30 + [503] * 3
    with reception.staff.reading() as db:
        assert len(db.scalars(select(Visit)).all()) == 30
    reception.passes(1)
    assert reception.send("/come/walk_in", "/come/walk_in").status_code == 303
