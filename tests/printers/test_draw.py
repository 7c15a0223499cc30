import hashlib
import random
import tomllib
from collections.abc import Callable

import pytest
from PIL import Image, ImageChops

from printers.draw import FONTS, cut_texts, draw, lay_out
from printers.errors import Unprintable
from printers.paper import LABEL_50X25, ROLL_58, ROLL_80, At, Feed, Form, Paper, Picture, Qr, Text
from printers.verify import proved, read_symbols

MakeLabel = Callable[..., Paper]


def one(text: Text, *, w: int = 384, h: int = 32) -> Paper:
    return Paper(kind="label", form=LABEL_50X25, items=(At(x=8, y=4, w=w, h=h, item=text),), key="k")


def roll(*items: Text | Feed | Qr | Picture) -> Paper:
    return Paper(kind="t", form=ROLL_80, items=items, key="k")


def black(image: Image.Image) -> tuple[int, int, int, int] | None:
    return ImageChops.invert(image.convert("L")).getbbox()


def test_a_label_is_whole_dots_of_its_form(label: MakeLabel) -> None:
    image = draw(label())
    assert (image.mode, image.size) == ("1", (400, 200))


def test_the_same_paper_gives_the_same_dots(label: MakeLabel) -> None:
    assert draw(label()).tobytes() == draw(label()).tobytes()


def test_a_long_double_name_fits_uncut(label: MakeLabel) -> None:
    assert cut_texts(label(name="DE LA ROCHEFOUCAULD-MONTMORENCY")) == ()


def test_eighteen_wide_letters_are_never_cut(label: MakeLabel) -> None:
    assert cut_texts(label(name="W" * 18)) == ()


def test_a_name_too_long_is_cut_with_an_ellipsis_and_told(label: MakeLabel) -> None:
    paper = label(name="W" * 60)
    assert [text.s for text in cut_texts(paper)] == ["W" * 60]
    assert proved(paper).size == (400, 200)


def test_what_may_not_be_cut_is_refused() -> None:
    with pytest.raises(Unprintable):
        draw(one(Text(s="W" * 60, size_max=30, size_min=18)))


@pytest.mark.parametrize("name", ["張偉", "🧬", "MOREAU 張"])
def test_signs_that_no_font_has_are_refused(name: str) -> None:
    with pytest.raises(Unprintable):
        draw(one(Text(s=name, size_max=30, size_min=18)))


@pytest.mark.parametrize("name", ["Œuvre", "ÇELİK", "Nuñez", "Łukasz", "Ångström", "Дмитрий", "NGUYỄN", "O’Brien"])
def test_names_of_europe_are_drawn_inside_their_cell(name: str) -> None:
    box = black(draw(one(Text(s=name, size_max=30, size_min=18, bold=True))))
    assert box is not None
    assert box[0] >= 8
    assert box[1] >= 4
    assert box[2] <= 392
    assert box[3] <= 36


def test_no_ink_leaves_its_cell_whatever_the_name(label: MakeLabel) -> None:
    chance = random.Random(11)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZÀÂÄÇÉÈÊËÎÏÔÖÙÛÜŸŒÆ' -jgpqy"
    cells = label().items
    for _ in range(600):
        name = "".join(chance.choices(letters, k=chance.randint(1, 60))).strip() or "X"
        paper = one(Text(s=name, size_max=30, size_min=18, bold=chance.random() < 0.5, may_cut=True))
        box = black(draw(paper))
        if box is not None:  # a lone apostrophe may be all there is, but it is inside
            assert box[0] >= 8
            assert box[1] >= 4
            assert box[2] <= 392
            assert box[3] <= 36
    assert len(cells) == 9


def test_arabic_is_joined_and_stands_on_the_right() -> None:
    box = black(draw(roll(Text(s="رقمك", size_max=40, size_min=30, lang="ar"))))
    assert box is not None
    assert box[0] > 288


def test_reverse_video_fills_its_cell() -> None:
    image = draw(one(Text(s="URGENT", size_max=24, size_min=18, inverse=True, align="center"), w=112, h=28))
    assert black(image) == (8, 4, 120, 32)
    assert image.crop((8, 4, 120, 32)).convert("L").getextrema() == (0, 255)


def test_a_roll_is_as_long_as_what_stands_on_it() -> None:
    short = draw(roll(Text(s="A", size_max=30, size_min=30)))
    longer = draw(roll(Text(s="A", size_max=30, size_min=30), Feed(dots=50)))
    assert short.width == 576
    assert longer.height == short.height + 50


def test_a_paragraph_is_broken_between_words() -> None:
    one_line = draw(roll(Text(s="mot", size_max=28, size_min=28))).height
    assert draw(roll(Text(s="mot " * 40, size_max=28, size_min=28))).height >= 3 * one_line


def test_a_word_wider_than_the_roll_goes_on_in_the_next_line_and_loses_nothing() -> None:
    word = draw(roll(Text(s="W" * 100, size_max=28, size_min=28)))
    one_line = draw(roll(Text(s="W", size_max=28, size_min=28)))
    ink = [image.convert("L").histogram()[0] for image in (word, one_line)]
    assert word.height == 5 * one_line.height
    assert ink[0] == 100 * ink[1]


def test_a_letter_wider_than_its_roll_is_refused() -> None:
    with pytest.raises(Unprintable):
        draw(Paper(kind="t", form=Form(width_mm=10), items=(Text(s="WW", size_max=400, size_min=400),), key="k"))


def test_a_code_wider_than_the_roll_is_refused() -> None:
    paper = Paper(kind="t", form=ROLL_58, items=(Qr(data="x" * 300, module_dots=8),), key="k")
    with pytest.raises(Unprintable):
        draw(paper)


def test_a_qr_code_is_read_back() -> None:
    assert read_symbols(draw(roll(Qr(data="ÉTÉ https://labo.example/s/AB12")))) == ["ÉTÉ https://labo.example/s/AB12"]


def test_an_endless_roll_is_refused() -> None:
    with pytest.raises(Unprintable):
        lay_out(roll(*(Feed(dots=2400) for _ in range(8))))


def test_a_picture_keeps_its_dots() -> None:
    image = draw(roll(Picture(width=8, height=2, bits="81ff")))
    assert image.crop((284, 0, 292, 2)).tobytes("raw", "1;I") == b"\x81\xff"


def test_the_fonts_are_those_that_were_listed() -> None:
    listed = tomllib.loads((FONTS / "VENDOR.toml").read_text())["sha256"]
    found = {font.name: hashlib.sha256(font.read_bytes()).hexdigest() for font in FONTS.glob("*.ttf")}
    assert found == listed
    assert "Bitstream Vera" in (FONTS / "LICENSE-DejaVu.txt").read_text()
