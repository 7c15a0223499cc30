"""The rehearsal's eye reads what is printed, and only that."""

from collections.abc import Callable
from uuid import UUID

import pytest

from printers.draw import draw
from printers.paper import ROLL_58, ROLL_80, Form
from results.slip import slip_paper
from results.upkeep.reading import read_digits
from results.vault.codes import draw_digits, with_check_digit
from results.vault.slips import IssuedSlip


@pytest.mark.parametrize("form", [ROLL_58, ROLL_80])
@pytest.mark.parametrize("large", [False, True])
def test_every_code_on_a_slip_is_read_as_it_was_issued(form: Form, large: bool, chance: Callable[[int], bytes]) -> None:
    for _ in range(10):
        codes = tuple(with_check_digit(draw_digits(15, chance)) for _ in range(4))
        handle = with_check_digit(draw_digits(6, chance))
        issued = IssuedSlip(slip_id=UUID(int=1), handle=handle[:6], codes=codes)
        paper = slip_paper(issued, promised="jeu. 12/03 17 h", form=form, large=large)
        lines = read_digits(draw(paper))
        read = ["".join(c for c in line if c.isdigit()) for line in lines]
        assert [line for line in read if len(line) == 7] == [handle]
        assert [line for line in read if len(line) == 17] == [f"{n}{code}" for n, code in enumerate(codes, 1)]
