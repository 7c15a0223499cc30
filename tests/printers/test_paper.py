import json
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from printers.errors import Unprintable
from printers.paper import LABEL_50X25, ROLL_58, ROLL_80, At, Barcode, Cut, Feed, Form, Paper, Picture, Qr, Text

WORD = Text(s="A", size_max=20, size_min=20)
BARS = Barcode(digits="263250100014")


def a_label(*cells: At) -> Paper:
    return Paper(kind="label", form=LABEL_50X25, items=cells, key="label/1/1")


def a_roll(*items: Any) -> Paper:
    return Paper(kind="ticket", form=ROLL_80, items=items, key="ticket/1/1")


IMPOSSIBLE: dict[str, Callable[[], object]] = {
    "odd digits": lambda: Barcode(digits="123"),
    "letters in bars": lambda: Barcode(digits="12AB"),
    "other digits": lambda: Barcode(digits="١٢"),
    "empty text": lambda: Text(s=" ", size_max=20, size_min=20),
    "control character": lambda: Text(s="A\x1b@", size_max=20, size_min=20),
    "line break": lambda: Text(s="A\nB", size_max=20, size_min=20),
    "reordering": lambda: Text(s="A\u202eB", size_max=20, size_min=20),
    "half a character": lambda: Text(s="\ud800", size_max=20, size_min=20),
    "sizes the wrong way": lambda: Text(s="A", size_max=10, size_min=20),
    "size of no number": lambda: Text(s="A", size_max=True, size_min=True),
    "empty QR": lambda: Qr(data=""),
    "huge QR": lambda: Qr(data="x" * 6000),
    "cell over the edge": lambda: a_label(At(x=390, y=0, w=20, h=20, item=WORD)),
    "cell under the edge": lambda: a_label(At(x=0, y=190, w=20, h=20, item=WORD)),
    "quiet zone over the edge": lambda: a_label(At(x=10, y=0, w=202, h=60, item=BARS)),
    "bars wider than the cell": lambda: At(x=30, y=0, w=200, h=60, item=BARS),
    "bars higher than the cell": lambda: At(x=30, y=0, w=202, h=59, item=BARS),
    "word in a quiet zone": lambda: a_label(
        At(x=28, y=0, w=202, h=60, item=BARS), At(x=240, y=0, w=50, h=30, item=WORD)
    ),
    "cells that overlap": lambda: a_label(At(x=0, y=0, w=50, h=30, item=WORD), At(x=49, y=29, w=50, h=30, item=WORD)),
    "bars wider than the roll": lambda: Paper(
        kind="t", form=ROLL_58, items=(Barcode(digits="1" * 28, module_dots=2),), key="k"
    ),
    "cell on a roll": lambda: a_roll(At(x=0, y=0, w=50, h=30, item=WORD)),
    "flow on a label": lambda: Paper(kind="l", form=LABEL_50X25, items=(WORD,), key="k"),
    "cut in the middle": lambda: a_roll(Cut(), WORD),
    "only a cut": lambda: a_roll(Cut()),
    "nothing": a_roll,
    "key with a space": lambda: Paper(kind="t", form=ROLL_80, items=(WORD,), key="a b"),
    "unknown version": lambda: Paper(kind="t", form=ROLL_80, items=(WORD,), key="k", version=2),
    "no such resolution": lambda: Form(width_mm=50, dpmm=7),
    "picture of another size": lambda: Picture(width=9, height=1, bits="ff"),
}


@pytest.mark.parametrize("make", IMPOSSIBLE.values(), ids=IMPOSSIBLE.keys())
def test_an_impossible_paper_cannot_be_made(make: Callable[[], object]) -> None:
    with pytest.raises(Unprintable):
        make()


def test_text_is_composed() -> None:
    assert Text(s=unicodedata.normalize("NFD", "Éloïse"), size_max=20, size_min=20).s == "Éloïse"


def test_twelve_digits_are_the_width_that_analysers_expect() -> None:
    assert BARS.width == 202
    assert BARS.quiet == 20


def test_a_label_goes_to_text_and_back(label: Callable[..., Paper], ticket: Paper, slip: Paper) -> None:
    picture = Paper(
        kind="p", form=ROLL_80, items=(Picture(width=9, height=1, bits="ff80", symbols=("x",)), Feed(dots=3)), key="p/1"
    )
    for paper in (label(), ticket, slip, picture):
        assert Paper.from_json(paper.to_json()) == paper
        assert Paper.from_json(paper.to_json()).to_json() == paper.to_json()


def test_the_canonical_text_stays_as_it_is() -> None:
    paper = Paper(
        kind="label",
        form=LABEL_50X25,
        items=(At(x=28, y=86, w=202, h=60, item=BARS), At(x=8, y=4, w=384, h=32, item=WORD)),
        key="label/263250100014/1",
    )
    assert paper.to_json() == (
        '{"expires_s":null,"form":{"dpmm":8,"gap_mm":3,"height_mm":25,"width_mm":50},"items":[{"h":60,"is":"at","item":'
        '{"digits":"263250100014","height_dots":60,"is":"barcode","module_dots":2},"w":202,"x":28,"y":86},{"h":32,"is":'
        '"at","item":{"align":"start","bold":false,"inverse":false,"is":"text","lang":"fr","may_cut":false,"s":"A",'
        '"size_max":20,"size_min":20},"w":384,"x":8,"y":4}],"key":"label/263250100014/1","kind":"label","on_expiry":'
        '"void","secret":false,"version":1}'
    )


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2},
        {"more": 1},
        {"form": 3},
        {"items": [{"is": "bomb"}]},
        {"items": [{"is": "text", "s": "A"}]},
        {"items": 3},
        {"kind": None},
    ],
)
def test_a_text_that_is_no_paper_is_refused(ticket: Paper, change: dict[str, object]) -> None:
    with pytest.raises(Unprintable):
        Paper.from_json(json.dumps({**json.loads(ticket.to_json()), **change}))


@given(st.text(max_size=200))
def test_any_text_is_a_paper_or_refused(text: str) -> None:
    with pytest.raises(Unprintable):
        Paper.from_json(text)


@given(st.text(min_size=1, max_size=60))
def test_any_name_is_kept_or_refused(name: str) -> None:
    try:
        text = Text(s=name, size_max=20, size_min=20)
    except Unprintable:
        return
    assert Paper.from_json(a_roll(text).to_json()).items[0] == text


def test_what_the_apps_import_draws_nothing() -> None:
    code = (
        "import printers, sys; print({'PIL', 'zxingcpp', 'escpos', 'qrcode', 'flask', 'sqlalchemy'} & set(sys.modules))"
    )
    run = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert run.stdout.strip() == "set()"
