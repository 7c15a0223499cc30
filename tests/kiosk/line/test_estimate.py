"""How long, as an honest range."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.line.estimate import Range, estimate

AHEAD, DESKS, PACE = st.integers(0, 200), st.integers(0, 12), st.floats(0.5, 30)


@given(AHEAD, DESKS, PACE)
def test_a_range_is_two_different_multiples_of_five_around_the_base(ahead: int, desks: int, pace: float) -> None:
    told = estimate(ahead=ahead, desks=desks, pace_minutes=pace)
    assert told.low % 5 == told.high % 5 == 0
    assert 0 <= told.low < told.high
    assert told.low <= ahead * pace / max(1, desks) <= told.high


@given(AHEAD, DESKS, PACE)
def test_more_people_never_shorten_it_and_more_counters_never_lengthen_it(ahead: int, desks: int, pace: float) -> None:
    here = estimate(ahead=ahead, desks=desks, pace_minutes=pace)
    longer = estimate(ahead=ahead + 1, desks=desks, pace_minutes=pace)
    shorter = estimate(ahead=ahead, desks=desks + 1, pace_minutes=pace)
    assert (longer.low, longer.high) >= (here.low, here.high)
    assert longer.high >= here.high
    assert shorter.low <= here.low
    assert shorter.high <= here.high


@pytest.mark.parametrize(
    ("ahead", "desks", "told"), [(0, 1, (0, 5)), (5, 1, (20, 45)), (5, 2, (10, 25)), (3, 0, (10, 30))]
)
def test_known_ranges(ahead: int, desks: int, told: tuple[int, int]) -> None:
    assert estimate(ahead=ahead, desks=desks, pace_minutes=5.0) == Range(low=told[0], high=told[1])
