"""The paper of a slip: an appointment stub to everyone but the patient."""

from dataclasses import replace
from uuid import UUID

import pytest

from printers.paper import ROLL_58, ROLL_80, Form, Paper, Text
from results.slip import slip_paper
from results.vault.codes import read_code, read_handle
from results.vault.slips import IssuedSlip

SLIP = IssuedSlip(
    slip_id=UUID(int=4), handle="704193", codes=("4821093755162046", "0931177402655189", "0000000000000000")
)


ROLLS = {
    "58 mm": ROLL_58,
    "80 mm": ROLL_80,
    "58 mm, 300 dpi": replace(ROLL_58, dpmm=12),
    "80 mm, 300 dpi": replace(ROLL_80, dpmm=12),
}


def lines(paper: Paper) -> list[str]:
    return [item.s for item in paper.items if isinstance(item, Text)]


def test_it_says_handle_hour_lines_and_letters_and_nothing_else() -> None:
    paper = slip_paper(SLIP, promised="jeu. 12/03 17 h", journal=(18_204, "QGZT4MXA2LDW7KPE"), form=ROLL_58)
    assert lines(paper) == [
        "RÉF. 704 193-1",
        "jeu. 12/03 17 h",
        "1  4821 0937 5516 2046",
        "2  0931 1774 0265 5189",
        "3  0000 0000 0000 0000",
        "J 18 204  QGZT 4MXA 2LDW 7KPE",
    ]


def test_what_is_printed_can_be_typed_at_the_desk() -> None:
    told = lines(slip_paper(SLIP, promised="demain", form=ROLL_80))
    assert read_handle(told[0].removeprefix("RÉF. ")) == SLIP.handle
    assert [read_code(line[3:]) for line in told[2:]] == [code[:15] for code in SLIP.codes]


def test_it_is_secret_printed_once_and_void_after_two_minutes() -> None:
    paper = slip_paper(SLIP, promised="demain", form=ROLL_80)
    assert (paper.secret, paper.expires_s, paper.on_expiry) == (True, 120, "void")
    assert paper.key == f"slip/{SLIP.slip_id}/1"
    for secret in (SLIP.handle, *SLIP.codes):
        assert secret not in paper.key


@pytest.mark.parametrize("form", ROLLS.values(), ids=ROLLS)
@pytest.mark.parametrize("large", [False, True])
def test_every_line_fits_the_roll(form: Form, large: bool) -> None:
    from printers.draw import draw

    paper = slip_paper(SLIP, promised="mer. 31/12 17 h 45", journal=(1_234_567, "W" * 16), form=form, large=large)
    assert draw(paper)


def test_two_patients_of_any_class_have_the_same_lines_but_for_their_digits() -> None:
    other = IssuedSlip(slip_id=UUID(int=5), handle="000000", codes=SLIP.codes[::-1])
    first, second = (slip_paper(slip, promised="demain", form=ROLL_80) for slip in (SLIP, other))
    assert [len(line) for line in lines(first)] == [len(line) for line in lines(second)]
    assert first.items[2:] != second.items[2:]
