"""Every state machine is one visible table that leads everywhere and nowhere else."""

import ast
import sys
from enum import Enum
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

HOUSE = Path(__file__).resolve().parents[2]
#: Every module that shows a table of moves; found in the text, so that a new one is walked too.
MACHINES = sorted(
    ".".join(path.relative_to(HOUSE).with_suffix("").parts)
    for folder in ("printers", "kiosk", "labels", "results")
    for path in (HOUSE / folder).rglob("*.py")
    if "\nMOVES: " in path.read_text(encoding="utf-8")
)
#: Where a machine begins, when that is not the first member of its enumeration.
BEGINS: dict[str, set[str]] = {"results.callers.calls": {"OPEN", "ASKED"}}


Arrow = tuple[Enum, Enum, Enum]


def arrows_of(module: ModuleType) -> list[Arrow]:
    """The moves as (before, verb, after), whether the table says (before, verb) -> after or (before, after) -> act."""
    return [
        (before, middle, last) if type(last) is type(before) else (before, last, middle)
        for (before, middle), last in module.MOVES.items()
    ]


def states_of(module: ModuleType) -> list[Enum]:
    return list(type(arrows_of(module)[0][0]))


def test_the_machines_of_the_first_release_are_found() -> None:
    assert {"kiosk.register.visits", "printers.moves"} <= set(MACHINES)


@pytest.mark.parametrize("name", MACHINES)
def test_a_table_is_made_of_its_own_states(name: str) -> None:
    module = import_module(name)
    for before, verb, after in arrows_of(module):
        assert type(before) is type(after) is type(states_of(module)[0])
        assert isinstance(verb, Enum)
        assert type(verb) is not type(before)


@pytest.mark.parametrize("name", MACHINES)
def test_every_state_can_be_reached(name: str) -> None:
    module = import_module(name)
    reached = {one for one in states_of(module) if one.name in BEGINS.get(name, {states_of(module)[0].name})}
    while further := {after for before, _, after in arrows_of(module) if before in reached} - reached:
        reached |= further
    assert set(states_of(module)) - reached == set()


@pytest.mark.parametrize("name", MACHINES)
def test_every_verb_is_used(name: str) -> None:
    module = import_module(name)
    used = {verb for _, verb, _ in arrows_of(module)}
    if next(iter(used)).__class__.__module__ == module.__name__:  # a verb of this table alone, not a journal's act
        assert set(type(next(iter(used)))) == used


@pytest.mark.parametrize("name", MACHINES)
def test_what_is_called_final_has_no_exit_and_the_rest_has_one(name: str) -> None:
    module = import_module(name)
    without_exit = set(states_of(module)) - {before for before, _, _ in arrows_of(module)}
    called_final = {one for one in getattr(module, "FINAL", ()) if one in states_of(module)}
    assert called_final in (set(), without_exit)


@pytest.mark.parametrize("name", MACHINES)
def test_every_state_is_documented(name: str) -> None:
    made = type(states_of(import_module(name))[0])
    lines = Path(sys.modules[made.__module__].__file__ or "").read_text(encoding="utf-8").splitlines()
    [tree] = [
        node
        for node in ast.parse("\n".join(lines)).body
        if isinstance(node, ast.ClassDef) and node.name == made.__name__
    ]
    silent = [
        line.lineno
        for line in tree.body
        if isinstance(line, ast.Assign)
        and "#:" not in lines[line.lineno - 1]
        and not lines[line.lineno - 2].strip().startswith("#:")
    ]
    assert silent == []


@pytest.mark.parametrize("name", MACHINES)
@given(st.data())
def test_whatever_is_asked_a_walk_stays_inside_the_table(name: str, data: st.DataObject) -> None:
    module = import_module(name)
    ways = {(before, verb): after for before, verb, after in arrows_of(module)}
    assert len(ways) == len(arrows_of(module))  # no verb leads to two places
    state, verbs = states_of(module)[0], sorted({verb for _, verb in ways}, key=str)
    for verb in data.draw(st.lists(st.sampled_from(verbs), max_size=20)):
        state = ways.get((state, verb), state)  # what the table does not have is refused: nothing moves
        assert state in states_of(module)
