"""Every table says how long its rows are kept, and the purge does what it says."""

import re
from importlib import import_module
from pathlib import Path

import pytest

from kiosk.register.database import Base
from results.keeping.rules import RULES, SHREDDED, TEXTS, Span

HOUSE = Path(__file__).resolve().parents[2]
NUMBERS = {"one": 1}
_SAID = re.compile(r"(\d+|one) (years?|months|days|hours)")


@pytest.fixture(scope="module")
def kept() -> dict[str, str]:
    """Table -> what its class says."""
    for folder in ("kiosk", "labels", "results"):
        for path in (HOUSE / folder).rglob("*.py"):
            if "__tablename__ = " in path.read_text(encoding="utf-8"):
                import_module(".".join(path.relative_to(HOUSE).with_suffix("").parts))
    return {
        mapper.local_table.key: getattr(mapper.class_, "keep", "")  # type: ignore[attr-defined]  # a table, not a join
        for mapper in Base.registry.mappers
        if mapper.class_.__module__.split(".")[0] in {"kiosk", "labels", "results"}
    }


def said(words: str) -> Span:
    """The first time that a class names."""
    if words.startswith("the day"):
        return Span()
    found = _SAID.match(words)
    assert found, words
    number, unit = NUMBERS.get(found[1]) or int(found[1]), found[2].rstrip("s")
    match unit:
        case "year":
            return Span(years=number)
        case "month":
            assert number % 12 == 0
            return Span(years=number // 12)
        case "hour":
            assert number % 24 == 0
            return Span(days=number // 24)
    return Span(days=number)


def test_every_table_says_how_long_it_is_kept(kept: dict[str, str]) -> None:
    assert len(kept) > 70
    assert not {name for name, words in kept.items() if len(words) < 5}


def test_the_purge_knows_every_table_that_is_not_kept_for_ever(kept: dict[str, str]) -> None:
    limited = {name for name, words in kept.items() if not words.startswith("for ever")}
    assert set(RULES) | SHREDDED | TEXTS == limited, "a table without a rule is kept for ever without saying so"
    assert not set(RULES) & (SHREDDED | TEXTS)
    assert not SHREDDED & TEXTS


def test_the_purge_keeps_each_row_as_long_as_its_class_says(kept: dict[str, str]) -> None:
    assert {name: said(kept[name]) for name, rule in RULES.items() if rule.since} == {
        name: rule.span for name, rule in RULES.items() if rule.since
    }


def test_what_is_kept_with_another_row_counts_from_that_row(kept: dict[str, str]) -> None:
    for name, rule in RULES.items():
        if rule.of:
            assert re.search(r"\b(with|as its|as the|after the account)\b", kept[name]), name
            assert bool(rule.since) is False
            assert Base.metadata.tables[name].c[rule.of].foreign_keys


def test_a_rule_counts_from_a_column_that_its_table_has(kept: dict[str, str]) -> None:
    del kept
    for name, rule in RULES.items():
        assert bool(rule.since) is not bool(rule.of), name
        assert (rule.since or rule.of) in Base.metadata.tables[name].c
