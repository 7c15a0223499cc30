"""One screen asks as often as a hurried line of people, and no more."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from kiosk.door.limits import RATES, Limits, Rate, TooOften
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


def test_a_screen_that_calls_for_help_without_end_is_told_to_wait_and_the_staff_hear_of_the_first(
    reception: Reception,
) -> None:
    most = RATES["help"].most
    called = [reception.send("/name", "/help", page="touchscreen.name").status_code for _ in range(most + 2)]
    assert called == [303] * most + [503] * 2
    reception.passes(1)
    assert reception.send("/name", "/help", page="touchscreen.name").status_code == 303


def test_tokens_of_the_line_are_not_tried_one_after_the_other(
    reception: Reception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RATES, "following", Rate(most=3, within=timedelta(minutes=1)))
    phone = reception.stranger()
    paths = ["/f/" + "A" * 26, "/f/" + "B" * 26 + "/state"] * 2
    assert [phone.get(path, base_url="https://localhost").status_code for path in paths] == [404, 404, 404, 503]
