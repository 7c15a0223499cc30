"""The hour, the site's day, and how both are written."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.register import clock

PARIS, REUNION, CAYENNE = "Europe/Paris", "Indian/Reunion", "America/Cayenne"


def test_now_is_aware_and_in_utc() -> None:
    assert clock.now().utcoffset() == timedelta(0)


def test_chance_gives_as_many_bytes_as_asked_and_never_the_same() -> None:
    drawn = {clock.chance(16) for _ in range(100)}
    assert len(drawn) == 100
    assert {len(one) for one in drawn} == {16}


@pytest.mark.parametrize(
    ("zone", "at", "day"),
    [
        (PARIS, datetime(2026, 11, 21, 22, 59, 59, tzinfo=UTC), date(2026, 11, 21)),
        (PARIS, datetime(2026, 11, 21, 23, 0, tzinfo=UTC), date(2026, 11, 22)),
        (PARIS, datetime(2026, 7, 1, 22, 0, tzinfo=UTC), date(2026, 7, 2)),
        (PARIS, datetime(2026, 12, 31, 23, 0, tzinfo=UTC), date(2027, 1, 1)),
        (REUNION, datetime(2026, 11, 21, 20, 0, tzinfo=UTC), date(2026, 11, 22)),
        (CAYENNE, datetime(2026, 11, 22, 2, 59, tzinfo=UTC), date(2026, 11, 21)),
    ],
)
def test_the_day_is_the_sites_own(zone: str, at: datetime, day: date) -> None:
    assert clock.day(zone, at) == day


@pytest.mark.parametrize("night", [datetime(2026, 10, 25, tzinfo=UTC), datetime(2027, 3, 28, tzinfo=UTC)])
def test_the_day_goes_on_through_the_nights_when_the_clock_changes(night: datetime) -> None:
    days = [clock.day(PARIS, night + timedelta(minutes=10 * n)) for n in range(-12, 140)]
    assert days == sorted(days)
    assert set(days[12:132]) == {night.date()}


def test_the_hour_that_comes_twice_is_written_twice() -> None:
    first = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)
    assert clock.hour(PARIS, first) == clock.hour(PARIS, first + timedelta(hours=1)) == "2 h 30"


def test_the_hour_that_never_comes_is_never_written() -> None:
    start = datetime(2027, 3, 28, tzinfo=UTC)
    written = {clock.hour(PARIS, start + timedelta(minutes=n)) for n in range(180)}
    assert "1 h 59" in written
    assert "3 h" in written
    assert not any(hour.startswith("2 h") for hour in written)


@pytest.mark.parametrize(
    ("minute", "words"), [((7, 10), "8 h 10"), ((16, 0), "17 h"), ((23, 5), "0 h 05"), ((10, 59), "11 h 59")]
)
def test_an_hour_is_written_as_the_french_write_it(minute: tuple[int, int], words: str) -> None:
    assert clock.hour(PARIS, datetime(2026, 11, 21, *minute, tzinfo=UTC)) == words


def test_an_appointment_is_written_with_its_weekday() -> None:
    assert clock.appointment_words(PARIS, datetime(2026, 3, 12, 16, 0, tzinfo=UTC)) == "jeu. 12/03 17 h"


@pytest.mark.parametrize("ask", [clock.day, clock.local, clock.hour, clock.appointment_words])
def test_a_naive_instant_has_no_day_and_no_hour(ask: Callable[[str, datetime], object]) -> None:
    with pytest.raises(ValueError, match="naive"):
        ask(PARIS, datetime(2026, 11, 21, 8, 30))  # noqa: DTZ001


@given(st.integers(-10_000, 10_000))
def test_minutes_between_are_whole_and_never_negative(seconds: int) -> None:
    at = datetime(2026, 11, 21, tzinfo=UTC)
    assert clock.minutes_between(at, at + timedelta(seconds=seconds)) == max(0, seconds // 60)


WRITTEN = ("21/11/2026", "21 11 2026", "21.11.2026", "21112026", "2026-11-21", "  21-11-2026 ")
NO_DAY = ("", "21", "11/21/2026", "21/11/26", "20261121", "29/02/2026", "00/11/2026", "21/11/2026/1", "٢١/١١/٢٠٢٦", "x")


@pytest.mark.parametrize("written", WRITTEN)
def test_a_day_is_read_as_people_write_it(written: str) -> None:
    assert clock.read_day(written) == date(2026, 11, 21)


@pytest.mark.parametrize("written", NO_DAY)
def test_what_is_no_day_is_refused(written: str) -> None:
    with pytest.raises(ValueError, match=r"day|month|year"):
        clock.read_day(written)
