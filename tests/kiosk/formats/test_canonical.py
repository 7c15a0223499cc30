"""What is signed or hashed can be written in one way only."""

import json
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.formats.canonical import LARGEST, canonical, canonical_row, read_canonical

KEYS = st.text(st.characters(max_codepoint=127), max_size=8)
WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.integers(-LARGEST, LARGEST)
VALUES = st.recursive(WORDS | NUMBERS, lambda inner: st.dictionaries(KEYS, inner, max_size=4), max_leaves=12)


class Colour(StrEnum):
    RED = "red"


@given(st.dictionaries(KEYS, VALUES, max_size=5))
def test_what_is_written_is_read_back_and_written_the_same(value: dict[str, Any]) -> None:
    data = canonical(value)
    assert read_canonical(data) == value
    assert canonical(dict(reversed(value.items()))) == data


def test_the_form_is_that_of_rfc_8785() -> None:
    written = canonical({"b": 1, "a": 'é\n"\\\x1f\x7f/', "A": {"z": -1, "": "€😀"}})
    assert written == '{"A":{"":"€😀","z":-1},"a":"é\\n\\"\\\\\\u001f\x7f/","b":1}'.encode()


@pytest.mark.parametrize(
    "value", [True, None, 1.0, [1], {"é": 1}, {1: "a"}, 2**53, {"a": {"b": None}}, "\ud800"], ids=repr
)
def test_anything_else_is_refused(value: Any) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- the kind is the promise
        canonical(value)


@pytest.mark.parametrize(
    "data",
    [
        b'{"b":1,"a":2}',
        b'{"a": 1}',
        b'{"a":1.0}',
        b'{"a":1}\n',
        b'{"a":1,"a":1}',
        b"[]",
        b'{"a":"\\u00e9"}',
        b"{",
        b"[" * 90_000,
    ],
    ids=range(9),
)
def test_bytes_written_in_another_way_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- the kind is the promise
        read_canonical(data)


def test_a_row_is_written_with_its_table_and_without_what_is_null() -> None:
    at = datetime(2026, 3, 12, 17, tzinfo=timezone(timedelta(hours=1)))
    row = canonical_row(
        "hold",
        {
            "id": UUID(int=5),
            "blob": b"\x00\xff",
            "at": at,
            "day": date(2026, 3, 12),
            "colour": Colour.RED,
            "open": True,
            "why": None,
            "count": 3,
        },
    )
    assert json.loads(row) == {
        "table": "hold",
        "id": f"{5:032x}",
        "blob": "00ff",
        "at": int(at.astimezone(UTC).timestamp()),
        "day": "2026-03-12",
        "colour": "red",
        "open": 1,
        "count": 3,
    }


def test_a_row_with_a_naive_time_a_fraction_or_a_column_called_table_is_refused() -> None:
    naive = datetime(2026, 3, 12, 17)  # noqa: DTZ001 -- what must be refused
    for columns in ({"at": naive}, {"share": 0.5}, {"table": "x"}):
        with pytest.raises(ValueError):  # noqa: PT011 -- the kind is the promise
            canonical_row("hold", columns)  # type: ignore[arg-type]
