"""The table is asked again in a discreet visit, and one changed word of it is seen wherever it stands."""

import itertools
from dataclasses import replace

import pytest

from kiosk.exams.catalogue import ReleaseClass
from results import release
from results.matrix import Channel, Matrix, Person, Teller
from results.release import Limits, Question, Role, decide
from results.reports.versions import Life
from tests.results.test_release import MATRIX, TABLE, ask, told_in_the_table


def cell(
    release_class: ReleaseClass, channel: Channel, person: Person, role: Role, life: Life, **more: bool
) -> Question:
    """One cell of the note's table, for one role and one state."""
    return ask(
        channel=channel, person=person, role=role, expected=(release_class,), lives=(life,), limits=Limits(**more)
    )  # fmt: skip


def differing(matrix: Matrix) -> int:
    """How many cells, of a secretary and of a biologist who have a ripe result, are not as the note says."""
    wrong = 0
    for release_class, channel, person, role in itertools.product(
        ReleaseClass, Channel, Person, (Role.SECRETARY, Role.BIOLOGIST)
    ):
        question = cell(release_class, channel, person, role, Life.RELEASABLE)
        expected = told_in_the_table(
            int(release_class[1]), channel.value, person.value, role.value, "releasable", secret=False
        )
        wrong += decide(question, matrix).answer.value != expected
    return wrong


def test_in_a_discreet_visit_each_of_the_3456_cases_is_as_the_table_says() -> None:
    cases = list(itertools.product(ReleaseClass, Channel, Person, Role, Life))
    assert len(cases) == 3_456
    for release_class, channel, person, role, life in cases:
        expected = told_in_the_table(
            int(release_class[1]), channel.value, person.value, role.value, life.value, secret=True
        )
        if person is Person.MANDATED:  # a mandate counts only if it was given for this visit
            expected = "not_now"
        question = cell(release_class, channel, person, role, life, discreet=True)
        assert decide(question, MATRIX).answer.value == expected, question


def test_control_every_cell_that_is_given_to_the_secretary_or_to_nobody_is_seen() -> None:
    assert differing(MATRIX) == 0
    places = list(itertools.product(ReleaseClass, Channel, Person))
    assert len(places) == 6 * len(TABLE)
    for place in places:
        told = MATRIX.teller(*place)
        other = Teller.NOBODY if told not in {Teller.NOBODY, Teller.ASKED, Teller.RULE} else Teller.SECRETARY
        assert differing(replace(MATRIX, routes={**MATRIX.routes, place: other})) > 0, place


@pytest.mark.parametrize("guard", ["_not_ripe", "_closed"])
def test_control_without_a_guard_the_cells_are_not_as_the_table_says(
    guard: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(release, guard, lambda *_: None)
    unripe = cell(ReleaseClass.C0, Channel.PHONE, Person.WITH_CODE, Role.SECRETARY, Life.SIGNED)
    parent = cell(
        ReleaseClass.C0, Channel.COUNTER, Person.PARENT, Role.SECRETARY, Life.RELEASABLE, minor_secret=True
    )  # fmt: skip
    question = unripe if guard == "_not_ripe" else parent
    assert decide(question, MATRIX).answer.value == "tell"
