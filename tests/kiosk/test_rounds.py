"""Rounds go on whatever one of them meets, and tell nobody what it met."""

import logging
import threading
import time
from collections.abc import Callable
from itertools import count

import pytest

from kiosk.rounds import Round, start_rounds

NAME = "MOREAU Jeanne 19540228"


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def test_each_round_goes_at_once_and_again_after_its_seconds() -> None:
    quick, slow = count(), count()
    quick_went, slow_went = [], []
    stop = start_rounds(
        [
            Round(name="quick", seconds=0.1, go=lambda: quick_went.append(next(quick))),
            Round(name="slow", seconds=600, go=lambda: slow_went.append(next(slow))),
        ]
    )
    try:
        until(lambda: len(quick_went) >= 3)
    finally:
        stop.set()
    assert slow_went == [0]


def test_a_round_that_costs_much_rests_in_proportion() -> None:
    one = Round(name="forecast", seconds=1, rests=9, go=lambda: None)
    assert [one.pause(spent) for spent in (0.0, 0.1, 0.5)] == [1, 1, 4.5]
    assert Round(name="slips", seconds=1, go=lambda: None).pause(5.0) == 1  # what is owed does not wait


def test_what_a_round_took_is_what_it_rests_for() -> None:
    heavy, light = [], []

    def work() -> None:
        heavy.append(sum(range(100_000)))

    stop = start_rounds(
        [
            Round(name="heavy", seconds=0.1, rests=1e7, go=work),
            Round(name="light", seconds=0.1, go=lambda: light.append(1)),
        ]
    )
    try:
        until(lambda: len(light) >= 4)
    finally:
        stop.set()
    assert len(heavy) == 1


def test_a_failing_round_ends_no_other_and_itself_goes_again(caplog: pytest.LogCaptureFixture) -> None:
    failed, went = [], []

    def fails() -> None:
        failed.append(True)
        raise ValueError(NAME)

    with caplog.at_level(logging.DEBUG):
        stop = start_rounds(
            [Round(name="labels", seconds=0.1, go=fails), Round(name="slips", seconds=0.1, go=lambda: went.append(1))]
        )
        try:
            until(lambda: len(failed) >= 2 and len(went) >= 2)
        finally:
            stop.set()
    told = [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert told
    for record in told:
        assert record.getMessage().startswith("round labels: ValueError at test_rounds.py:")
        assert NAME not in record.getMessage()
        # A traceback would print the message, and with it the name.
        assert record.exc_info is None
    assert "MOREAU" not in caplog.text


def test_the_event_ends_the_rounds() -> None:
    before = {thread.ident for thread in threading.enumerate()}
    went = []
    stop = start_rounds([Round(name="one", seconds=0.01, go=lambda: went.append(1))])
    until(lambda: bool(went))
    (thread,) = [one for one in threading.enumerate() if one.ident not in before and one.name == "rounds"]
    assert thread.daemon  # a round that hangs must not keep the programme from ending
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
