"""A container's life: only the moves of the table, never a draw without hour and hand."""

from collections.abc import Callable
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError

from labels.tubes import (
    MOVES,
    NotFromHere,
    NoTubeHere,
    ReasonToGive,
    State,
    Tube,
    Verb,
    miss,
    move,
    read_reason,
    tubes_of,
)
from tests.labels.reception import Reception


@given(st.sampled_from(State), st.lists(st.sampled_from(Verb), max_size=8))
def test_a_tube_moves_along_the_table_or_not_at_all(start: State, verbs: list[Verb]) -> None:
    tube = Tube(state=start)
    for verb in verbs:
        before = tube.state
        if (before, verb) in MOVES:
            move(tube, verb)
            assert tube.state is MOVES[before, verb]
        else:
            with pytest.raises(NotFromHere):
                move(tube, verb)
            assert tube.state is before


def test_nothing_leaves_drawn_or_void() -> None:
    assert {state for state, _ in MOVES}.isdisjoint({State.DRAWN, State.VOID})


def test_a_missing_tube_keeps_its_reason(reception: Reception, at: datetime, chance: Callable[[int], bytes]) -> None:
    visit, tubes = reception.labelled("1104", "1208")
    with reception.database.transaction() as db:
        miss(db, visit, tubes[0].sample_number, reason=" non  prélevé ", by="karim", at=at, chance=chance)
    with reception.database.reading() as db:
        assert [(tube.state, tube.reason) for tube in tubes_of(db, visit)] == [
            (State.MISSING, "non prélevé"),
            (State.PLANNED, None),
        ]


@pytest.mark.parametrize("reason", ["", "   ", "x" * 121, "a\x00b"])
def test_a_reason_is_one_line_of_words(reason: str) -> None:
    with pytest.raises(ReasonToGive):
        read_reason(reason)


def test_a_missing_tube_needs_a_reason(reception: Reception, at: datetime, chance: Callable[[int], bytes]) -> None:
    visit, tubes = reception.labelled("1104")
    with pytest.raises(ReasonToGive), reception.database.transaction() as db:
        miss(db, visit, tubes[0].sample_number, reason="", by="karim", at=at, chance=chance)
    with reception.database.reading() as db:
        assert tubes_of(db, visit)[0].state is State.PLANNED


def test_a_tube_of_another_visit_cannot_be_said_missing(
    reception: Reception, at: datetime, chance: Callable[[int], bytes]
) -> None:
    visit, _ = reception.labelled("1104")
    _, others = reception.labelled("1104", number=2)
    with pytest.raises(NoTubeHere), reception.database.transaction() as db:
        miss(db, visit, others[0].sample_number, reason="refus", by="karim", at=at, chance=chance)


def test_the_database_itself_refuses_a_draw_without_hour_and_hand(reception: Reception) -> None:
    _, tubes = reception.labelled("1104")
    with pytest.raises(IntegrityError), reception.database.transaction() as db:
        db.get_one(Tube, tubes[0].id).state = State.DRAWN


def test_the_database_itself_refuses_a_void_label_without_reason(reception: Reception) -> None:
    _, tubes = reception.labelled("1104")
    with pytest.raises(IntegrityError), reception.database.transaction() as db:
        db.get_one(Tube, tubes[0].id).state = State.VOID
