"""What is typed at the kiosk is read with patience, and refused only where it cannot be right."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.formats.convocation import CODE_LETTERS, Convocation
from kiosk.questions import range_words, read_code, read_letters, what_is_wrong_with_date

TODAY = date(2026, 11, 21)


@pytest.mark.parametrize("typed", ["k7mp2x", "K7M P2X", "k7m-p2x", "ETQ1K7MP2X", "ETQ1K7MP2X9999"])
def test_a_code_is_read_in_any_case_with_spaces_hyphens_or_scanned(typed: str) -> None:
    assert read_code(typed) == Convocation(code="K7MP2X")


@pytest.mark.parametrize("typed", ["", "K7MP2", "K7MP2XX", "K7MP0X", "K7MPIX", "HTTPSEXAMPLE", "3400930000000"])
def test_what_has_not_the_form_of_a_code_is_none(typed: str) -> None:
    assert read_code(typed) is None


def test_the_letters_of_a_code_are_never_read_for_each_other() -> None:
    assert len(CODE_LETTERS) == 32
    assert not set("01OI") & set(CODE_LETTERS)


@given(st.text(alphabet=CODE_LETTERS, min_size=6, max_size=6))
def test_every_code_is_read_back(code: str) -> None:
    assert read_code(code.lower()) == Convocation(code=code)
    assert read_code("ETQ1" + code) == Convocation(code=code)


@pytest.mark.parametrize(
    ("typed", "letters"),
    [("Moreau", "MOR"), ("mo", "MO"), ("Élo", "ELO"), ("d'Œ", "DOE"), ("İpek", "IPE"), ("ılg", "ILG"), ("Ö-z", "OZ"),
     ("Le Go", "LEG"), ("ß", "SS"), ("42", ""), ("Ñu", "NU")],
)  # fmt: skip
def test_letters_of_a_name_are_read_without_accents_hyphens_or_case(typed: str, letters: str) -> None:
    assert read_letters(typed) == letters


@given(st.text(max_size=20))
def test_any_text_at_all_gives_three_capitals_at_most(typed: str) -> None:
    letters = read_letters(typed)
    assert len(letters) <= 3
    assert set(letters) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ")


@pytest.mark.parametrize(
    ("day", "month", "year"), [("14", "02", "1952"), ("29", "2", "1964"), ("00", "00", "1940"), ("21", "11", "2026")]
)
def test_a_date_that_can_be_right_is_not_questioned(day: str, month: str, year: str) -> None:
    assert what_is_wrong_with_date(day, month, year, today=TODAY) is None


@pytest.mark.parametrize(
    ("day", "month", "year", "words"),
    [("31", "02", "1952", "n'existe pas"), ("14", "13", "1952", "n'existe pas"), ("22", "11", "2026", "pas encore"),
     ("", "02", "1952", "4 chiffres"), ("14", "02", "52", "4 chiffres"), ("a", "b", "c", "4 chiffres"),
     ("14", "02", "1852", "ancienne"), ("14", "02", "0000", "n'existe pas"), ("²", "02", "1952", "4 chiffres")],
)  # fmt: skip
def test_a_date_that_cannot_be_right_is_told_in_a_calm_sentence(day: str, month: str, year: str, words: str) -> None:
    assert words in (what_is_wrong_with_date(day, month, year, today=TODAY) or "")


def test_a_wait_beyond_an_hour_has_no_false_figure() -> None:
    assert range_words(0, 5) == "Attente : moins de 5 min"
    assert range_words(15, 25) == "Attente : 15 à 25 min"
    assert range_words(40, 75) == "Attente : 40 à 60 min, ou plus"
    assert range_words(60, 110) == "Attente : plus de 60 min"
