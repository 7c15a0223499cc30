"""A convocation's square code is written and read the same, and never carries more than it says."""

import re
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.formats.convocation import CODE_LETTERS, Convocation, read_convocation, write_convocation

codes = st.text(alphabet=CODE_LETTERS, min_size=6, max_size=6)
hours = st.datetimes(min_value=datetime(2020, 1, 1), max_value=datetime(2099, 12, 31)).map(  # noqa: DTZ001
    lambda hour: hour.replace(second=0, microsecond=0)
)


@given(codes, hours, st.sampled_from([None, True, False]))
def test_what_is_written_is_read_back(code: str, hour: datetime, fasting: bool | None) -> None:
    told = Convocation(code=code, hour=hour, fasting=fasting)
    words = write_convocation(told)
    assert read_convocation(words) == told
    assert re.fullmatch(r"[0-9A-Z]{10,26}", words)  # a scanner types it, whatever its keyboard


@given(codes)
def test_a_paper_without_an_hour_is_its_code_alone(code: str) -> None:
    assert write_convocation(Convocation(code=code)) == f"ETQ1{code}"
    assert read_convocation(f"ETQ1{code}") == Convocation(code=code)


@pytest.mark.parametrize(
    "words", ["", "ETQ1", "ETQ1K7MP2", "ETQ2K7MP2X", "etq1k7mp2x", "ETQ1K7MP0X", "ETQ1K7MP2X-", "9" * 5000]
)
def test_another_code_is_none(words: str) -> None:
    assert read_convocation(words) is None


def test_known_answers_stay_readable_for_ever() -> None:
    assert read_convocation("ETQ1K7MP2X202611210830J") == Convocation(
        code="K7MP2X",
        hour=datetime(2026, 11, 21, 8, 30),  # noqa: DTZ001  # the paper bears the site's hour
        fasting=True,
    )
    assert read_convocation("ETQ1K7MP2X202613450830J") == Convocation(code="K7MP2X")
