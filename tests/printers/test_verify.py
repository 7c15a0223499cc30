import random
from collections.abc import Callable
from dataclasses import replace

import pytest
import zxingcpp

from printers.draw import lay_out
from printers.errors import Unprintable
from printers.paper import ROLL_80, Paper, Picture, Qr
from printers.verify import proved, verify

MakeLabel = Callable[..., Paper]


def test_five_hundred_labels_say_their_number_and_nothing_else(label: MakeLabel) -> None:
    chance = random.Random(5)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZÉÈÇ- "
    for turn in range(500):
        digits = f"{chance.randrange(10**12):012d}"
        name = "".join(chance.choices(letters, k=chance.randint(1, 60))).strip() or "X"
        first = "".join(chance.choices(letters.lower(), k=chance.randint(1, 30))).strip() or "x"
        image = proved(label(digits, name, first, urgent=chance.random() < 0.3))
        if turn % 5:
            continue  # proved already; each fifth time the oracle looks for every symbology there is, not only ours
        assert [symbol.text for symbol in zxingcpp.read_barcodes(image.convert("L"))] == [digits]


def test_one_flipped_bar_is_refused(label: MakeLabel) -> None:
    paper = label()
    for column in range(202):
        drawing = lay_out(paper)
        for row in range(86, 146):
            dot = (28 + column, row)
            drawing.image.putpixel(dot, 1 - int(bool(drawing.image.getpixel(dot))))
        with pytest.raises(Unprintable):
            verify(paper, drawing)


def test_a_speck_in_the_quiet_zone_is_refused(label: MakeLabel) -> None:
    paper = label()
    for column in (*range(8, 28), *range(230, 250)):
        drawing = lay_out(paper)
        drawing.image.putpixel((column, 100), 0)
        with pytest.raises(Unprintable):
            verify(paper, drawing)


def test_another_number_is_refused(label: MakeLabel) -> None:
    with pytest.raises(Unprintable):
        verify(label("263250100014"), replace(lay_out(label("263250100022")), bars=()))


def test_a_code_that_the_paper_does_not_speak_of_is_refused() -> None:
    hidden = lay_out(Paper(kind="t", form=ROLL_80, items=(Qr(data="HIDDEN", module_dots=4),), key="k")).image
    bits = hidden.tobytes("raw", "1;I").hex()
    silent = Paper(
        kind="t", form=ROLL_80, items=(Picture(width=hidden.width, height=hidden.height, bits=bits),), key="k"
    )
    with pytest.raises(Unprintable):
        proved(silent)
    picture = Picture(width=hidden.width, height=hidden.height, bits=bits, symbols=("HIDDEN",))
    honest = Paper(kind="t", form=ROLL_80, items=(picture,), key="k")
    assert proved(honest).size == hidden.size


def test_a_ticket_is_proved(ticket: Paper, slip: Paper) -> None:
    assert proved(ticket).width == 576
    assert proved(slip).width == 576
