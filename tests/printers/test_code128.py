import random
from itertools import groupby

from barcode.charsets import code128 as other  # type: ignore[import-untyped]
from barcode.codex import Code128  # type: ignore[import-untyped]

from printers import code128


def test_the_patterns_are_those_of_another_library() -> None:
    theirs = ["".join(str(len(list(run))) for _, run in groupby(code)) for code in other.CODES]
    assert list(code128._WIDTHS) == theirs


def test_bars_and_check_value_are_those_of_another_library() -> None:
    chance = random.Random(3)
    for _ in range(300):
        # The other library drops the pair 99, which it takes for a change of set; a reader proves that one.
        pairs = chance.choices(range(99), k=chance.choice([2, 4, 5, 6, 8, 10]))
        digits = "".join(f"{pair:02d}" for pair in pairs)
        row = ["0"] * (11 * (len(digits) // 2) + 35)
        for place, width in code128.bars(digits):
            row[place : place + width] = ["1"] * width
        assert "".join(row) == Code128(digits).build()[0]


def test_every_pattern_is_eleven_modules_wide_and_stands_once() -> None:
    assert all(sum(map(int, widths)) == 11 for widths in code128._WIDTHS)
    assert len(set(code128._WIDTHS)) == 106
