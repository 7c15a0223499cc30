"""Sample numbers: known ones, wrong ones, and eight desks that ask at once."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.formats.damm import check_digit
from kiosk.register.database import Database
from kiosk.register.sites import Site
from labels.numbering import (
    NotASampleNumber,
    NumbersUsedUp,
    Sample,
    SampleCounter,
    in_fours,
    next_sample_number,
    parts_of,
    read_number,
    sample_number,
)

TODAY = date(2026, 11, 21)
HOUSE = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("parts", "number"),
    [
        ((2026, 325, 1, 1), "263250100014"),
        ((2026, 325, 1, 2), "263250100023"),
        ((2026, 325, 1, 9999), "263250199995"),
        ((2027, 1, 1, 1), "270010100015"),
        ((2028, 366, 99, 1), "283669900018"),
    ],
)
def test_known_numbers(parts: tuple[int, int, int, int], number: str) -> None:
    assert sample_number(*parts) == number
    assert read_number(number) == number


@given(st.integers(2026, 2099), st.integers(1, 366), st.integers(1, 99), st.integers(1, 9999))
def test_a_number_says_what_it_was_made_of(year: int, day_of_year: int, site: int, counter: int) -> None:
    number = sample_number(year, day_of_year, site, counter)
    assert len(number) == 12
    assert parts_of(number) == Sample(year=year % 100, day_of_year=day_of_year, site=site, counter=counter)


@pytest.mark.parametrize("parts", [(2026, 0, 1, 1), (2026, 367, 1, 1), (2026, 1, 0, 1), (2026, 1, 100, 1)])
@pytest.mark.parametrize("counter", [1, 0, 10_000])
def test_impossible_parts_make_no_number(parts: tuple[int, int, int, int], counter: int) -> None:
    with pytest.raises(ValueError, match="parts"):
        sample_number(*parts[:3], counter)


@pytest.mark.parametrize(
    "typed", ["263250100014", "2632 5010 0014", " 2632-5010-0014\r\n", "2632.5010.0014", "2632\u202f5010\u00a00014"]
)
def test_spaces_and_hyphens_do_not_count(typed: str) -> None:
    assert read_number(typed) == "263250100014"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "263250100015",  # check digit
        "623250100014",  # two neighbours swapped
        "26325010001",
        "2632501000140",
        "26325010OO14",
        "٢٦٣٢٥٠١٠٠٠١٤",
        "1 85 05 78 006 084 36",  # a social-security number
    ],
)
def test_what_is_no_number_is_refused(typed: str) -> None:
    with pytest.raises(NotASampleNumber):
        read_number(typed)


@pytest.mark.parametrize("digits", ["26000010001", "26367010001", "26325000001", "26325010000"])
def test_a_right_check_digit_does_not_make_an_impossible_day_site_or_turn_right(digits: str) -> None:
    with pytest.raises(NotASampleNumber):
        read_number(digits + check_digit(digits))


def test_a_label_shows_groups_of_four() -> None:
    assert in_fours("263250100014") == "2632 5010 0014"


def test_numbers_follow_each_other_and_begin_again_with_the_day(database: Database, site: Site) -> None:
    with database.transaction() as db:
        given_out = [next_sample_number(db, site, TODAY) for _ in range(3)]
        tomorrow = next_sample_number(db, site, date(2026, 11, 22))
    assert given_out == ["263250100014", "263250100023", "263250100038"]
    assert tomorrow == sample_number(2026, 326, 1, 1)


def test_the_last_number_of_the_day_is_9999(database: Database, site: Site) -> None:
    with database.transaction() as db:
        db.add(SampleCounter(site_id=site.id, day=TODAY, number=9998))
        db.flush()
        assert next_sample_number(db, site, TODAY) == "263250199995"
        with pytest.raises(NumbersUsedUp):
            next_sample_number(db, site, TODAY)


def test_eight_desks_at_once_get_no_double_and_no_gap(database: Database, site: Site) -> None:
    def ask(desk: int) -> list[str]:
        numbers = []
        for turn in range(10):
            with database.transaction() as db:
                number = next_sample_number(db, site, TODAY)
                if turn == desk:
                    db.rollback()  # this desk changed its mind: its number goes to the next one
                else:
                    numbers.append(number)
        return numbers

    with ThreadPoolExecutor(8) as desks:
        given_out = [number for numbers in desks.map(ask, range(8)) for number in numbers]
    assert len(given_out) == 72
    assert sorted(parts_of(number).counter for number in given_out) == list(range(1, 73))


#: A programme of its own: four desks that all ask for numbers at the word.
PROGRAMME = """
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from kiosk.register.database import open_database
from kiosk.register.sites import this_site
from labels.numbering import next_sample_number

database = open_database(sys.argv[1], sys.argv[2])
print("ready", flush=True)
sys.stdin.readline()

def ask(desk):
    given = []
    for _ in range(int(sys.argv[3])):
        with database.transaction() as db:
            given.append(next_sample_number(db, this_site(db), date(2026, 11, 21)))
    return given

with ThreadPoolExecutor(4) as desks:
    print(*(number for given in desks.map(ask, range(4)) for number in given))
"""


def test_eight_writers_in_two_programmes_get_no_double_and_no_gap(database: Database, site: Site) -> None:
    url = database.reading_engine.url
    results = str(database.results_file) if database.results_file else ""
    register = str(database.results_file.parent / "register.sqlite") if database.results_file else ""
    line = [sys.executable, "-c", PROGRAMME, register or url.render_as_string(hide_password=False), results, "15"]
    programmes = [
        subprocess.Popen(line, cwd=HOUSE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    try:
        for programme in programmes:
            assert programme.stdout is not None
            assert programme.stdout.readline() == "ready\n"
        for programme in programmes:
            assert programme.stdin is not None
            programme.stdin.write("go\n")
            programme.stdin.flush()
        said = [programme.communicate(timeout=120)[0] for programme in programmes]
    finally:
        for programme in programmes:
            programme.kill()
            programme.wait()
    given_out = [number for words in said for number in words.split()]
    assert sorted(given_out) == [sample_number(2026, 325, site.number, turn) for turn in range(1, 121)]
