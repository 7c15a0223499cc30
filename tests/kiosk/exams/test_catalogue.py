"""The catalogue: complete, unambiguous, found by what people type, and silent about what it does not know."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.exams import catalogue as catalogue_module
from kiosk.exams.catalogue import ReleaseClass, catalogue, read

EXAMS = catalogue()
LINES = Path(catalogue_module.__file__).parent.joinpath("data", "catalogue_examens.csv").read_text("utf-8").splitlines()


def test_every_exam_is_read_and_no_fee_is() -> None:
    assert len(EXAMS.exams) == 111
    assert EXAMS.by_code("9005") is None
    assert EXAMS.class_of("9105") is None


def test_leading_zeros_are_kept() -> None:
    exam = EXAMS.by_code("0126")
    assert exam is not None
    assert (exam.name, exam.loinc) == ("TP / temps de Quick", "5894-1")


def test_every_container_of_the_file_is_understood() -> None:
    assert [exam.nabm for exam in EXAMS.exams if not exam.needs] == []


def test_the_classes_are_those_of_the_proposal() -> None:
    counted = Counter(exam.release_class for exam in EXAMS.exams)
    assert counted == {
        ReleaseClass.C0: 89,
        ReleaseClass.C1: 2,
        ReleaseClass.C2: 3,
        ReleaseClass.C3: 8,
        ReleaseClass.C4: 7,
        ReleaseClass.C5: 2,
    }


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("0388", "C3"),
        ("7402", "C2"),
        ("21198-7", "C2"),
        ("7318", "C4"),
        ("4004", "C5"),
        ("6301-6", "C1"),
        ("1104", "C0"),
    ],
)
def test_a_class_is_found_by_act_code_and_by_loinc(code: str, expected: str) -> None:
    assert EXAMS.class_of(code) == ReleaseClass(expected)


@pytest.mark.parametrize("code", ["", "0000", "999", "388", "99999-9", "c0"])
def test_a_code_that_is_not_offered_has_no_class(code: str) -> None:
    assert EXAMS.class_of(code) is None


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("nfs", "1104"),
        ("NFS", "1104"),
        ("hemogramme", "1104"),
        ("Hémo", "1104"),
        ("glyc", "0552"),
        ("1104", "1104"),
        ("038", "0388"),
        ("hiv", "0388"),
        ("vih", "0388"),
        ("hiv conf", "0389"),
        ("tsh", "1208"),
        ("vs", "1124"),
        ("ggt", "0519"),
        ("gamma gt", "0519"),
        ("beta hcg", "7402"),
        ("ca 125", "7325"),
        ("b12", "1374"),
        ("2160-0", "0592"),
        ("electro", "0570"),
        ("tgo", "0522"),
    ],
)
def test_what_secretaries_type_finds_the_exam_first(typed: str, first: str) -> None:
    assert EXAMS.search(typed)[0].nabm == first


def test_each_exam_is_found_by_its_code_and_by_its_whole_name() -> None:
    for exam in EXAMS.exams:
        assert EXAMS.search(exam.nabm)[0] == exam
        assert exam in EXAMS.search(exam.name)


@pytest.mark.parametrize("typed", ["", "   ", "()", "zzz", "nfs zzz", "9005"])
def test_nothing_is_found_for_nothing(typed: str) -> None:
    assert EXAMS.search(typed) == ()


@given(st.text(max_size=20), st.integers(min_value=1, max_value=12))
def test_whatever_is_typed_gives_at_most_so_many_different_exams(typed: str, limit: int) -> None:
    found = EXAMS.search(typed, limit)
    assert len(set(found)) == len(found) <= limit


def test_accents_capitals_and_signs_do_not_count() -> None:
    found = catalogue().search("electrophorese")
    assert found
    assert catalogue().search("  ÉLECTROPHORÈSE – ") == found


def test_a_container_in_unknown_words_is_left_open() -> None:
    lines = [LINES[0], LINES[1].replace(",EDTA,", ",POT À PRÉCISER,")]
    assert read(lines).exams[0].needs == ()


def test_an_exam_without_a_class_has_none() -> None:
    lines = [LINES[0], LINES[1].replace(",C0,", ",,")]
    assert read(lines).class_of("1104") is None


def test_a_catalogue_with_the_same_code_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="1104"):
        read([LINES[0], LINES[1], LINES[1]])


def test_a_catalogue_with_an_unknown_class_is_refused() -> None:
    with pytest.raises(ValueError, match="C9"):
        read([LINES[0], LINES[1].replace(",C0,", ",C9,")])
