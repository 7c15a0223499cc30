"""The Damm check digit, against the numbers of the published example and every small error."""

import pytest

from kiosk.formats.damm import check_digit, is_valid


def test_the_published_example_ends_with_four() -> None:
    assert check_digit("572") == "4"
    assert is_valid("5724", 4)


@pytest.mark.parametrize("whole", ["4821093755162046", "0931177402655189"])
def test_the_codes_of_the_slip_are_right(whole: str) -> None:
    assert is_valid(whole, 16)


def test_the_first_tube_of_site_one_on_day_325_of_2026_is_right() -> None:
    assert check_digit("26325010001") == "4"


def test_each_single_wrong_digit_is_found() -> None:
    whole = "263250100014"
    for place, right in enumerate(whole):
        for wrong in set("0123456789") - {right}:
            assert not is_valid(whole[:place] + wrong + whole[place + 1 :], 12)


def test_each_swap_of_two_neighbours_is_found() -> None:
    for number in range(1000):
        whole = f"{number:03}" + check_digit(f"{number:03}")
        for place in range(3):
            if whole[place] != whole[place + 1]:
                swapped = whole[:place] + whole[place + 1] + whole[place] + whole[place + 2 :]
                assert not is_valid(swapped, 4)


@pytest.mark.parametrize("whole", ["", "572", "57240", "57 4", "57a4", "٥٧٢٤", "-724"])
def test_anything_else_than_that_many_ascii_digits_is_wrong(whole: str) -> None:
    assert not is_valid(whole, 4)


@pytest.mark.parametrize("digits", ["", "5 2", "५७२"])
def test_no_check_digit_is_made_of_anything_else_than_ascii_digits(digits: str) -> None:
    with pytest.raises(ValueError, match="ASCII"):
        check_digit(digits)
