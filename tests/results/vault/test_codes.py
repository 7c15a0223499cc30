"""The digits that people say: fair, self-checking, never an integer."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.formats.damm import is_valid
from results.vault.codes import (
    Misheard,
    NotAPin,
    PinTooEasy,
    check_pin,
    draw_digits,
    read_code,
    read_handle,
    with_check_digit,
    write_code,
    write_handle,
)

CODES = st.text("0123456789", min_size=15, max_size=15)


@given(CODES)
def test_a_code_is_read_back_as_it_is_written(code15: str) -> None:
    whole = with_check_digit(code15)
    assert read_code(write_code(whole)) == code15
    assert [len(group) for group in write_code(whole).split()] == [4, 4, 4, 4]


@given(st.text("0123456789", min_size=6, max_size=6))
def test_a_handle_is_read_back_as_it_is_written(handle: str) -> None:
    assert read_handle(write_handle(handle)) == handle


@given(CODES, st.data())
def test_one_wrong_digit_and_two_swapped_neighbours_are_heard(code15: str, data: st.DataObject) -> None:
    whole = with_check_digit(code15)
    place = data.draw(st.integers(0, 15))
    other = data.draw(st.sampled_from([digit for digit in "0123456789" if digit != whole[place]]))
    with pytest.raises(Misheard):
        read_code(whole[:place] + other + whole[place + 1 :])
    place = data.draw(st.integers(0, 14))
    if whole[place] != whole[place + 1]:
        with pytest.raises(Misheard):
            read_code(whole[:place] + whole[place + 1] + whole[place] + whole[place + 2 :])


@pytest.mark.parametrize(
    "typed", ["", "931177402655189", "48210937551620466", "4821 0937 5516 204a", "٤٨٢١٠٩٣٧٥٥١٦٢٠٤٦", "4821093755162047"]
)
def test_a_lost_zero_a_letter_or_a_foreign_digit_is_misheard(typed: str) -> None:
    with pytest.raises(Misheard):
        read_code(typed)


def test_the_codes_printed_in_the_design_are_valid() -> None:
    assert is_valid("4821093755162046", 16)
    assert is_valid("0931177402655189", 16)
    assert read_handle("704 193-1") == "704193"


def test_draws_are_fair_and_keep_their_zeros() -> None:
    draw = random.Random(3).randbytes
    drawn = [draw_digits(15, draw) for _ in range(20_000)]
    assert len(set(drawn)) == 20_000
    assert {len(code) for code in drawn} == {15}
    digits = "".join(drawn)
    chi = sum((digits.count(str(n)) - 30_000) ** 2 / 30_000 for n in range(10))
    assert chi < 27.9  # 9 degrees of freedom, p > 0.001


def test_a_draw_that_would_favour_small_numbers_is_made_again() -> None:
    draws = iter([b"\xff" * 8, bytes(7) + b"\x2a"])
    assert draw_digits(15, lambda _: next(draws)) == "000000000000042"


def test_common_pins_and_those_of_the_birth_date_are_refused() -> None:
    for pin in ("1234", "0000", "2580", "1985", "4200"):
        with pytest.raises(PinTooEasy):
            check_pin(pin, "19640229")
    random_dates = random.Random(9)
    for _ in range(1_000):
        year, month, day = random_dates.randint(1920, 2026), random_dates.randint(1, 12), random_dates.randint(1, 28)
        birth = f"{year}{month:02d}{day:02d}"
        for pin in (f"{year}", f"{day:02d}{month:02d}", f"{month:02d}{day:02d}", f"{year % 100:02d}{month:02d}"):
            with pytest.raises(PinTooEasy):
                check_pin(pin, birth)
    refused = sum(1 for pin in itertools.product("0123456789", repeat=4) if _is_refused("".join(pin)))
    assert refused == 104  # 1961, 2703, 0327, 6103 come on top


def _is_refused(pin: str) -> bool:
    try:
        check_pin(pin, "19610327")
    except PinTooEasy:
        return True
    return False


@pytest.mark.parametrize("pin", ["", "123", "12345", "12a4", "²345", "٣٤٥٦"])
def test_a_pin_is_four_digits(pin: str) -> None:
    with pytest.raises(NotAPin):
        check_pin(pin, "19640229")


def test_a_million_codes_without_repeat() -> None:
    draw = random.Random(10).randbytes
    assert len({draw_digits(15, draw) for _ in range(1_000_000)}) == 1_000_000


def slips_of_the_tongue(whole: str) -> tuple[list[str], list[str]]:
    """Every single wrong digit and every pair of neighbours that changed places."""
    singles = [
        whole[:place] + other + whole[place + 1 :]
        for place, digit in enumerate(whole)
        for other in "0123456789"
        if other != digit
    ]
    swaps = [
        whole[:place] + two + one + whole[place + 2 :]
        for place, (one, two) in enumerate(itertools.pairwise(whole))
        if one != two
    ]
    return singles, swaps


def test_every_single_error_and_every_adjacent_swap_of_codes_and_handles_is_heard() -> None:
    draw = random.Random(11).randbytes
    for count in (15, 6):
        for _ in range(10_000):
            whole = with_check_digit(draw_digits(count, draw))
            singles, swaps = slips_of_the_tongue(whole)
            assert len(singles) == 9 * (count + 1)
            assert not any(is_valid(heard, count + 1) for heard in (*singles, *swaps))


def test_control_a_plain_sum_of_digits_hears_no_swap() -> None:
    def sums(digits: str) -> bool:
        return sum(map(int, digits)) % 10 == 0

    whole = "482109375516204" + "3"
    singles, swaps = slips_of_the_tongue(whole)
    assert sums(whole)
    assert not any(map(sums, singles))
    assert all(map(sums, swaps))


@pytest.mark.parametrize(
    "typed",
    [
        "4821 0937 5516 2046", "4821093755162046", "48 21 09 37 55 16 20 46", "4821.0937.5516.2046",
        "48.21.09.37.55.16.20.46", "4821-0937-5516-2046", " 4821  0937\t5516 2046 ", "4821\u00a00937\u202f5516 2046",
    ],
)  # fmt: skip
def test_a_code_is_read_however_its_groups_are_typed(typed: str) -> None:
    assert read_code(typed) == "482109375516204"


def test_a_handle_is_read_however_it_is_typed() -> None:
    for typed in ("704 193-1", "7041931", "704.193.1", "70 41 93 1"):
        assert read_handle(typed) == "704193"
