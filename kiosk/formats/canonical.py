"""One value, one sequence of bytes: what is signed, hashed or vouched for is written in one way only."""

import json
from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import Enum
from typing import Final
from uuid import UUID

#: Whole numbers that every reader of JSON keeps exactly (RFC 8785, I-JSON).
LARGEST: Final = 2**53 - 1

Value = str | int | Mapping[str, "Value"]
Cell = str | int | bool | bytes | UUID | datetime | date | Enum | None


def canonical(value: Value) -> bytes:
    """Write objects, strings and whole numbers as canonical JSON (a subset of RFC 8785).

    Raises:
        ValueError: a key that is not ASCII, a number that is not whole or too large, or another kind of value.
    """
    _check(value)
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode("utf-8")


def read_canonical(data: bytes) -> dict[str, Value]:
    """Read an object back; bytes that were written in any other way are refused.

    Raises:
        ValueError: not canonical, or not an object.
    """
    try:
        value = json.loads(data)
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(value, dict) or canonical(value) != data:
        raise ValueError("not canonical")
    return value


def canonical_row(table: str, columns: Mapping[str, Cell]) -> bytes:
    """Write a database row so that it can be signed or vouched for.

    NULL is left out, bytes and UUIDs are hexadecimal, times are UTC seconds, days are YYYY-MM-DD, a yes is 1.
    The caller leaves out the column that holds the proof itself.

    Raises:
        ValueError: a column named `table`, a naive time, or a kind of value that has no canonical form.
    """
    if "table" in columns:
        raise ValueError("the name of the table stands under `table`")
    cells = {name: _cell(value) for name, value in columns.items() if value is not None}
    return canonical({"table": table, **cells})


def _cell(value: Cell) -> str | int:
    cell: str | int
    match value:
        case Enum():
            cell = _cell(value.value)
        case int():
            cell = int(value)
        case str():
            cell = value
        case bytes():
            cell = value.hex()
        case UUID():
            cell = value.hex
        case datetime() if value.tzinfo is not None:
            cell = int(value.astimezone(UTC).timestamp())
        case date() if not isinstance(value, datetime):
            cell = value.isoformat()
        case _:
            raise ValueError("this kind of value has no canonical form")
    return cell


def _check(value: object) -> None:
    match value:
        case str():
            value.encode("utf-8")
        case bool():
            raise ValueError("a yes or no has no place here")
        case int():
            if abs(value) > LARGEST:
                raise ValueError("the number is too large")
        case Mapping():
            for key, inner in value.items():
                if not isinstance(key, str) or not key.isascii():
                    raise ValueError("keys are ASCII")
                _check(inner)
        case _:
            raise ValueError("only objects, strings and whole numbers")
