"""What is repeated is compared: person, analysis, value, unit; a comma is a point, a blank is nothing."""

from dataclasses import replace

import pytest

from results.physicians.repeating import Heard, Whose, is_repeated
from results.reports.assemble import Line, Status

MOREAU = Whose(birth_name="Moreau", given_names="Jeanne, Marie", birth_date="19540228")
POTASSIUM = Line(
    codes=("1608",),
    label="Potassium",
    part="",
    value="6,8",
    unit="mmol/L",
    reference="",
    mark="HH",
    status=Status.FINAL,
)
SAID = Heard(analysis="potassium", value="6.8", unit="mmol/l")


def repeated(line: Line = POTASSIUM, said: Heard = SAID, initials: str = "JM", year: str = "1954") -> bool:
    return is_repeated([line], MOREAU, [said], initials=initials, year=year)


@pytest.mark.parametrize(
    "said",
    [
        SAID,
        replace(SAID, value=" 6, 8 "),
        replace(SAID, value="6,80"),
        replace(SAID, analysis="K"),
        replace(SAID, analysis="le potassium".removeprefix("le ")),
        replace(SAID, unit="millimoles par litre"),
    ],
)
def test_what_is_the_same_is_heard_as_the_same(said: Heard) -> None:
    assert repeated(said=said)


@pytest.mark.parametrize(
    "said",
    [
        replace(SAID, value="68"),
        replace(SAID, value="8,6"),
        replace(SAID, value=""),
        replace(SAID, value="<6,8"),
        replace(SAID, analysis="sodium"),
        replace(SAID, analysis=""),
        replace(SAID, analysis="p"),
        replace(SAID, unit=""),
        replace(SAID, unit="g/l"),
    ],
)
def test_what_is_not_the_same_is_found(said: Heard) -> None:
    assert not repeated(said=said)


@pytest.mark.parametrize(
    ("initials", "year"), [("JB", "1954"), ("JM", "1945"), ("", "1954"), ("J", "1954"), ("JM", "")]
)
def test_another_person_is_found(initials: str, year: str) -> None:
    assert repeated(initials="mj")
    assert repeated(initials="J. M.")
    assert not repeated(initials=initials, year=year)


def test_a_value_without_figures_is_compared_by_its_letters() -> None:
    line = replace(POTASSIUM, label="Recherche", codes=(), value="non réactif", unit="")
    assert repeated(line, Heard(analysis="recherche", value="Non Reactif", unit="sans"))
    assert not repeated(line, Heard(analysis="recherche", value="réactif", unit=""))


def test_a_mark_before_a_figure_counts() -> None:
    line = replace(POTASSIUM, value="< 0,5")
    assert repeated(line, replace(SAID, value="<0.5"))
    assert not repeated(line, replace(SAID, value="0.5"))


def test_every_line_is_repeated_in_its_order() -> None:
    sodium = replace(POTASSIUM, label="Sodium", codes=(), value="118")
    both, said = [POTASSIUM, sodium], [SAID, Heard(analysis="sodium", value="118", unit="mmol/l")]
    assert is_repeated(both, MOREAU, said, initials="JM", year="1954")
    assert not is_repeated(both, MOREAU, said[::-1], initials="JM", year="1954")
    assert not is_repeated(both, MOREAU, said[:1], initials="JM", year="1954")
    assert not is_repeated([], MOREAU, [], initials="JM", year="1954")
