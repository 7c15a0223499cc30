"""A4 pages: their words as other programmes read them, nothing of their maker, and no word that does not fit."""

import io
import logging
import subprocess
from dataclasses import replace
from typing import Any

import pypdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from printers.errors import Unprintable
from printers.office.pages import draw_pages
from printers.paper import A4, ROLL_80, At, Cut, NextPage, Paper, Qr, Rule, Text
from printers.preview import png

LETTERS = "Zoé ŒUVRÉ, Íñigo Muñoz, João Gonçalves, Şükrü Yıldız İĞÜ, O’Neill, Ève-Ĳsbrand"


def paper(*texts: str, **wishes: object) -> Paper:
    cells = [
        At(x=240, y=200 + 100 * row, w=2000, h=90, item=Text(s=text, size_max=60, size_min=40, **wishes))  # type: ignore[arg-type]
        for row, text in enumerate(texts)
    ]
    return Paper(kind="report", form=A4, items=tuple(cells), key="report/1/1")


def words_of(pdf: bytes) -> str:
    return subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True
    ).stdout.decode()


def test_the_letters_of_every_language_are_words_for_other_readers() -> None:
    assert LETTERS in words_of(draw_pages(paper(LETTERS)))


def test_an_arabic_name_is_joined_and_read_from_the_right() -> None:
    pdf = draw_pages(paper("محمد بن علي", lang="ar"))
    assert "محمد بن علي" in words_of(pdf)
    alone = draw_pages(replace(paper("علي")))
    apart = draw_pages(paper("ع ل ي"))
    assert alone != apart


def test_the_same_paper_is_the_same_bytes_and_tells_nothing_else() -> None:
    made = draw_pages(paper("Compte rendu"))
    assert made == draw_pages(paper("Compte rendu"))
    read: Any = pypdf.PdfReader(io.BytesIO(made))
    assert dict(read.metadata or {}) == {"/Title": "Document", "/CreationDate": "D:20000101000000Z"}
    assert read.trailer["/Root"]["/Lang"] == "fr"
    assert read.xmp_metadata is None
    assert "/ID" not in read.trailer


def test_the_letters_of_a_paper_are_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    draw_pages(paper("7,42"))
    assert caplog.text == ""


def test_each_page_is_a_page() -> None:
    one, two = paper("première").items, paper("seconde").items
    made = draw_pages(Paper(kind="report", form=A4, items=(*one, NextPage(), *two), key="report/1/1"))
    pages = pypdf.PdfReader(io.BytesIO(made)).pages
    assert [page.extract_text() for page in pages] == ["première", "seconde"]
    assert {(round(page.mediabox.width), round(page.mediabox.height)) for page in pages} == {(595, 842)}


def test_what_does_not_fit_is_cut_with_an_ellipsis_or_not_printed() -> None:
    assert "…" in words_of(draw_pages(paper("W" * 100, may_cut=True)))
    for impossible in (
        paper("W" * 100),
        paper("\u3042"),
        Paper(kind="report", form=ROLL_80, items=(Cut(),) * 0 + (Text(s="x", size_max=20, size_min=20),), key="r"),
    ):
        with pytest.raises(Unprintable):
            draw_pages(impossible)
    with pytest.raises(Unprintable):
        draw_pages(Paper(kind="t", form=A4, key="t", items=(At(x=0, y=0, w=30, h=30, item=Qr(data="x")),)))


def test_a_sheet_without_cells_and_a_label_with_two_pages_cannot_be_made() -> None:
    rule = At(x=0, y=0, w=10, h=10, item=Rule())
    for items in ((rule, NextPage()), (NextPage(), rule), (rule, NextPage(), NextPage(), rule)):
        with pytest.raises(Unprintable):
            Paper(kind="t", form=A4, items=items, key="t")
    two = Paper(kind="t", form=A4, items=(rule, NextPage(), rule), key="t")
    assert Paper.from_json(two.to_json()) == two
    with pytest.raises(Unprintable):
        png(two)


@settings(max_examples=3, deadline=None)
@given(st.lists(st.text("abcdefgéèàçœßğşıİ ÀÉ-’0123456789", max_size=30), min_size=10, max_size=20))
def test_any_name_is_read_again(names: list[str]) -> None:
    read = pypdf.PdfReader(io.BytesIO(draw_pages(paper(*(f"x{name}x" for name in names))))).pages[0].extract_text()
    assert "".join(read.split()) == "".join("".join(f"x{name}x" for name in names).split())
