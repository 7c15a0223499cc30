"""The estimate, tried on simulated mornings with laws learnt from others: honest, and better than no learning."""

from dataclasses import replace
from random import Random
from statistics import fmean

import pytest

from kiosk.line.ahead import Snapshot, an_hour, foretell
from kiosk.line.day import Day, people_of
from kiosk.line.laws import Laws, Service, learn_appointments, learn_service, learn_share
from kiosk.line.order import Line
from kiosk.line.score import Told, pinball, recalibrate, score
from kiosk.line.simulation import run
from kiosk.line.study import learn_laws, study
from tests.kiosk.line.people import NOON, POLICY, standing_of_walk_in

MORNING = Day(walk_ins=(14.0, 12.0, 10.0), booked=(4, 4, 4), counters=(2,))


def test_the_range_is_honest_on_a_morning_that_nobody_has_seen() -> None:
    told = study(MORNING, learning=3, mornings=2, policy=POLICY, dice=Random(4))
    found = score(told)
    assert found is not None
    assert found.told > 40
    assert found.coverage >= 0.75
    # Control: whoever announces half of it is caught by the same score.
    half = score([replace(one, middle=one.middle / 2, high=one.high / 2) for one in told])
    assert half is not None
    assert half.coverage < found.coverage - 0.1
    assert half.pinball_high > found.pinball_high


def test_learnt_laws_are_near_the_true_ones() -> None:
    true = Laws(counter=Service(median=7.0, sigma=0.4), no_show=0.2, late_mean=2.0)
    day, dice = replace(MORNING, laws=true), Random(2)
    mornings = [list(run(people_of(day, dice), day.shifts(), lambda: Line(POLICY), policy=POLICY)) for _ in range(12)]
    found = learn_laws(mornings, 12 * len(day.hours()), Laws())
    assert found.counter.median == pytest.approx(7.0, rel=0.08)
    assert found.counter.sigma == pytest.approx(0.4, rel=0.15)
    assert found.no_show == pytest.approx(0.2, abs=0.07)
    assert found.late_mean == pytest.approx(2.0, abs=1.5)


def test_few_services_hardly_move_the_law_and_forgotten_ones_never_do() -> None:
    default = Laws().counter
    assert learn_service([], default) == learn_service([30.0], default) == default
    assert learn_service([8.0, 9.0], default).median == pytest.approx(default.median, rel=0.1)
    many = [5.0, 6.0] * 50
    assert learn_service([*many, 600.0, 0.01], default) == learn_service(many, default)
    assert learn_share([], 0.05) == 0.05
    assert learn_appointments([1.0, 2.0], 3, Laws()) == (Laws().no_show, Laws().late_mean, Laws().late_deviation)


def test_more_people_lengthen_the_wait_and_another_desk_shortens_it() -> None:
    at = NOON.timestamp()

    def middle(people: int, desks: int) -> int:
        waiting = [(standing_of_walk_in(n, NOON), False) for n in range(1, people + 1)]
        now = Snapshot(at=at + 60, waiting=waiting, serving=[at] * desks, desks=desks)
        told = foretell(now, Laws(), POLICY, Laws().counter, Random(1))
        assert told.low % 5 == told.high % 5 == 0
        assert told.low <= (told.middle or 0) <= told.high
        return told.middle or 0

    assert middle(0, 1) < middle(6, 1) < middle(12, 1)
    assert middle(12, 3) < middle(12, 2) < middle(12, 1)


def test_a_free_desk_and_an_empty_line_foretell_no_wait() -> None:
    now = Snapshot(at=0.0, waiting=[], serving=[], desks=1)
    assert foretell(now, Laws(), POLICY, Laws().counter, Random(1)).middle == 0


def test_who_is_expected_lengthens_the_wait_until_the_hour_is_long_past() -> None:
    waiting = [(standing_of_walk_in(n, NOON), False) for n in range(1, 9)]
    at = NOON.timestamp()

    def middle(hours: list[float]) -> int:
        now = Snapshot(at=at, waiting=waiting, serving=[at], desks=1, expected=hours)
        return foretell(now, Laws(), POLICY, Laws().counter, Random(1)).middle or 0

    assert middle([at + 300 * n for n in range(1, 6)]) > middle([]) + 10
    assert middle([at - 7200.0] * 5) == pytest.approx(middle([]), abs=3)


def test_arrivals_are_counted_over_the_last_hour_or_since_the_doors_opened() -> None:
    assert an_hour([10.0 * n for n in range(360)], 3600.0, 0.0) == pytest.approx(360, abs=1)
    assert an_hour([60.0 * n for n in range(30)], 1800.0, 0.0) == pytest.approx(60, abs=2)
    assert an_hour([60.0], 60.0, 0.0) == 4.0  # a first minute is not stretched to an hour


def test_the_pinball_loss_is_least_for_the_announced_quantile() -> None:
    dice = Random(1)
    waits = sorted(dice.expovariate(0.1) for _ in range(2000))

    def loss(announced: float) -> float:
        return fmean(pinball(one, announced, 0.9) for one in waits)

    best = waits[1800]
    assert loss(best) < min(loss(best * 0.8), loss(best * 1.2))


def test_nothing_told_has_no_score_and_a_day_of_few_corrects_nothing() -> None:
    assert score([]) is None
    few = [Told(middle=5, high=10, waited=60)] * 10
    assert recalibrate(Laws(), few) == Laws()
    late = recalibrate(Laws(), few * 10)
    assert late.scale > 1.0
    assert late.spread > 1.0
    early = recalibrate(Laws(), [Told(middle=50, high=60, waited=5)] * 50)
    assert early.scale < 1.0
    assert early.spread < 1.0
    for _ in range(100):
        late, early = recalibrate(late, few * 10), recalibrate(early, [Told(middle=50, high=60, waited=5)] * 50)
    assert (late.scale, early.scale) == (1.8, 0.5)
