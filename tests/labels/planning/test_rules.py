"""What the site decided, asked one question at a time."""

from datetime import date

import pytest

from labels.planning.kinds import Kind
from labels.planning.rules import Child, Rules

TODAY = date(2026, 11, 21)
BABY = Child(words="nourrisson", under=2, usable={Kind.EDTA: 400}, dead=50, usual=20, volumes={"1104": 100})
CHILD = Child(words="enfant", under=12)
RULES = Rules(usable={Kind.EDTA: 3500, Kind.CITRATE: 1200}, volumes={"1104": 300, "1124": 1000}, children=(CHILD, BABY))


@pytest.mark.parametrize(
    ("born", "words"),
    [
        ("20261120", "nourrisson"),
        ("20241122", "nourrisson"),  # two years tomorrow
        ("20241121", "enfant"),  # two years today
        ("20141122", "enfant"),
        ("20141121", ""),
        ("19540229", ""),
        ("20140000", "enfant"),  # an unknown day is the last one of its year
        ("20141100", "enfant"),
        ("20141000", ""),
    ],
)
def test_a_child_has_the_class_of_its_age(born: str, words: str) -> None:
    found = RULES.child(born, TODAY)
    assert (found.words if found else "") == words


def test_a_childs_volumes_stand_before_the_adults() -> None:
    assert [RULES.volume(code, BABY) for code in ("1104", "1124", "1208")] == [100, 1000, 20]
    assert [RULES.volume(code, None) for code in ("1104", "1124", "1208")] == [300, 1000, 100]


def test_a_childs_tubes_stand_before_the_adults() -> None:
    assert RULES.rooms(BABY) == {Kind.EDTA: 350, Kind.CITRATE: 1000}
    assert RULES.rooms(None) == {Kind.EDTA: 3300, Kind.CITRATE: 1000}


def test_exams_that_exclude_each_other_know_it_of_each_other_alone() -> None:
    rules = Rules(apart=(frozenset({"a", "b", "c"}), frozenset({"a", "d"})))
    assert rules.excluded("a", ["a", "b", "d", "e"]) == {"b", "d"}
    assert rules.excluded("e", ["a", "b"]) == frozenset()


def test_the_sampler_is_told_what_to_do_with_the_tube() -> None:
    rules = Rules(on_ice=frozenset({"0536"}), from_light=frozenset({"1601", "0536"}))
    assert rules.handling(["1104"]) == ()
    assert rules.handling(["1104", "1601"]) == ("à l'abri de la lumière",)
    assert rules.handling(["0536"]) == ("sur glace", "à l'abri de la lumière")
