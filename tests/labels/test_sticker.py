"""The label itself: whatever the name, the bars are read back and nothing leaves its place.

`ETIQUETTE_LABELS=10000 pytest --timeout 0` draws that many labels at random on each medium, not the few of every day.
"""

import os
import random
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from kiosk.register.patients import Patient, Sex
from labels.layouts import LAYOUTS, NoLayout, layout
from labels.numbering import sample_number
from labels.planning.kinds import Kind
from labels.sticker import Bearer, bearer_of, check_names, sticker
from labels.tubes import Tube
from printers.draw import Drawing, lay_out
from printers.errors import Unprintable
from printers.paper import LABEL_50X25, ROLL_80, At, Barcode, Form, Paper, Text
from printers.verify import proved, read_symbols, verify
from printers.zpl import zpl

NUMBER = "263250100014"
HOUR = datetime(2026, 11, 21, 8, 30)  # noqa: DTZ001  # the wall clock of the site
FRENCH = "ABCDEFGHIJKLMNOPQRSTUVWXYZÀÂÄÇÉÈÊËÎÏÔÖÙÛÜŸÆŒ"
ARABIC = "ابتثجحخدذرزسشصضطظعغفقكلمنهويءةىآأإؤئ"
VIETNAMESE = "AĂÂBCDĐEÊGHIKLMNOÔƠPQRSTUƯVXYẠẢẤẦẨẪẬẮẰẲẴẶẸẺẼẾỀỂỄỆỈỊỌỎỐỒỔỖỘỚỜỞỠỢỤỦỨỪỬỮỰỲỴỶỸ"
FORMS = {
    f"{width} × {height} mm, {dpi} dpi": Form(width_mm=width, height_mm=height, gap_mm=3, dpmm=dpmm)
    for width, height in LAYOUTS
    for dpi, dpmm in ((203, 8), (300, 12))
}
INVERTED = [255 - shade for shade in range(256)]
every_form = pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
MANY = int(os.environ.get("ETIQUETTE_LABELS", "40"))


def tube(kind: Kind = Kind.EDTA, *, minutes: int | None = None, number: str = NUMBER) -> Tube:
    return Tube(sample_number=number, kind=kind, position=12, total=27, minutes=minutes, exams=["1104"])


def bearer(birth_name: str = "MOREAU", given_name: str = "Jeanne", used_name: str | None = None) -> Bearer:
    return Bearer(
        birth_name=birth_name, given_name=given_name, used_name=used_name, born="29/02/1954", sex="F", number=9_999_999
    )


def texts(paper: Paper) -> dict[tuple[int, int], Text]:
    return {(c.x, c.y): c.item for c in paper.items if isinstance(c, At) and isinstance(c.item, Text)}


def is_bars(cell: object) -> bool:
    return isinstance(cell, At) and isinstance(cell.item, Barcode)


def name_dots(who: Bearer) -> Image.Image:
    """The ink of the birth name alone."""
    place = layout(LABEL_50X25).birth_name
    image = lay_out(sticker(tube(), who, planned=HOUR, form=LABEL_50X25)).image
    dots = image.crop((place.x, place.y, place.x + place.w, place.y + place.h)).convert("L").point(INVERTED)
    return dots.crop(dots.getbbox())


def ink_by_column(dots: Image.Image) -> list[int]:
    return [dots.crop((x, 0, x + 1, dots.height)).histogram()[255] for x in range(dots.width)]


def outside_its_cells(paper: Paper, drawing: Drawing) -> int:
    """How many black dots stand outside every cell."""
    left = drawing.image.copy()
    for cell in paper.items:
        assert isinstance(cell, At)
        left.paste(1, (cell.x, cell.y, cell.x + cell.w, cell.y + cell.h))
    return left.convert("L").histogram()[0]


def test_the_cells_are_those_of_the_design() -> None:
    label = sticker(tube(), bearer(), planned=HOUR, form=LABEL_50X25, copy=2, urgent=True)
    boxes = {(cell.x, cell.y, cell.w, cell.h) for cell in label.items if isinstance(cell, At)}
    assert boxes == {
        (8, 4, 384, 32),
        (8, 36, 264, 24),
        (8, 60, 264, 22),
        (280, 36, 112, 30),
        (280, 66, 112, 20),
        (280, 86, 112, 30),
        (28, 86, 202, 60),
        (8, 148, 264, 22),
        (280, 118, 112, 28),
        (280, 148, 112, 22),
        (8, 172, 384, 22),
    }
    assert (label.form.width, label.form.height) == (400, 200)


def test_only_the_names_may_be_cut() -> None:
    label = sticker(tube(), bearer(), planned=HOUR, form=LABEL_50X25, copy=2, urgent=True)
    assert {place for place, text in texts(label).items() if text.may_cut} == {(8, 4), (8, 36)}


@every_form
@pytest.mark.parametrize("kind", list(Kind))
def test_the_label_of_each_kind_is_read_back_whole(kind: Kind, form: Form) -> None:
    label = sticker(tube(kind), bearer(), planned=HOUR, form=form, copy=99, urgent=True, sampler="KB12")
    drawing = lay_out(label)
    verify(label, drawing)
    assert drawing.image.size == (form.width, form.height)
    assert read_symbols(drawing.image) == [NUMBER]
    assert drawing.cut == ()


@every_form
def test_the_narrowest_bar_is_a_quarter_of_a_millimetre_between_white_zones_of_ten(form: Form) -> None:
    (bars,) = (cell for cell in sticker(tube(), bearer(), planned=HOUR, form=form).items if is_bars(cell))
    assert isinstance(bars, At)
    assert isinstance(bars.item, Barcode)
    assert bars.item.module_dots * 4 == form.dpmm
    assert bars.w == bars.item.width
    assert 10 * bars.item.module_dots <= min(bars.x, form.width - bars.x - bars.w)


@every_form
def test_a_finer_head_gets_the_same_millimetres_in_whole_dots(form: Form) -> None:
    coarse = vars(layout(Form(width_mm=form.width_mm, height_mm=form.height_mm)))
    for name, cell in vars(layout(form)).items():
        if name != "module":
            assert [dots * 8 for dots in (cell.x, cell.y, cell.w, cell.h)] == [
                dots * form.dpmm for dots in (coarse[name].x, coarse[name].y, coarse[name].w, coarse[name].h)
            ]


@pytest.mark.parametrize("form", [ROLL_80, Form(width_mm=40, height_mm=20), Form(width_mm=50, height_mm=25, dpmm=24)])
def test_a_medium_without_a_table_is_refused_in_words(form: Form) -> None:
    with pytest.raises(NoLayout) as refused:
        sticker(tube(), bearer(), planned=HOUR, form=form)
    assert "50 × 25" in refused.value.french


@every_form
def test_eighteen_of_the_widest_letter_are_not_cut(form: Form) -> None:
    assert lay_out(sticker(tube(), bearer("W" * 18), planned=HOUR, form=form)).cut == ()


@every_form
def test_a_long_double_name_is_not_cut(form: Form) -> None:
    assert lay_out(sticker(tube(), bearer("De La Rochefoucauld-Montmorency"), planned=HOUR, form=form)).cut == ()


@every_form
def test_an_endless_name_is_cut_visibly_and_says_so(form: Form) -> None:
    drawing = lay_out(sticker(tube(), bearer("W" * 60), planned=HOUR, form=form))
    place = layout(form).birth_name
    assert [text.s for text in drawing.cut] == ["W" * 60]
    # The three dots stand alone on the base line where the last letter would be.
    end = drawing.image.crop((place.x, place.y, place.x + place.w, place.y + place.h)).convert("L").point(INVERTED)
    _, top, right, bottom = end.getbbox() or (0, 0, 0, 0)
    tail = end.crop((right - place.smallest * 2 // 3, top, right, bottom)).getbbox()
    assert tail is not None
    assert tail[1] > (bottom - top) // 2


@pytest.mark.parametrize("name", ["張偉", "MOREAU 張", "ልደት", "Jean\u202eDupont"])
def test_a_name_with_a_sign_that_no_font_has_is_refused_before_it_is_drawn(name: str) -> None:
    with pytest.raises(Unprintable):
        check_names(bearer(name))
    with pytest.raises(Unprintable):
        check_names(bearer(used_name=name))
    check_names(bearer("Nguyễn Thị Phượng", "محمد", "بن عبد الرحمن"))


def test_an_arabic_name_is_joined_and_ends_on_the_left() -> None:
    name = name_dots(bearer("محمد"))
    unjoined = name_dots(bearer("\ufee1\ufea1\ufee1\ufea9"))  # the same letters, each in its lonely form
    last = name_dots(bearer("\ufeaa"))  # the joined form of the last letter
    assert name.width < unjoined.width
    assert ink_by_column(name)[: last.width // 2] == ink_by_column(last)[: last.width // 2]


def test_the_given_name_wins_over_the_name_in_use() -> None:
    label = sticker(tube(), bearer(given_name="Jeanne", used_name="Dupont"), planned=HOUR, form=LABEL_50X25)
    assert texts(label)[8, 36].s == "Jeanne (ut. DUPONT)"


@every_form
def test_people_of_every_script_stay_in_their_cells_and_are_read_back(form: Form) -> None:
    chance = random.Random(f"{form}")

    def name(longest: int) -> str:
        letters = chance.choice([FRENCH, FRENCH, ARABIC, VIETNAMESE])
        word = "".join(chance.choice(letters) for _ in range(chance.choice([longest, chance.randint(1, longest)])))
        for _ in range(chance.randint(0, 3)):
            place = chance.randint(1, len(word))
            word = word[:place] + chance.choice(["-", " ", "'", "’"]) + word[place:]
        return word[:longest]

    for turn in range(MANY):
        number = sample_number(2026, chance.randint(1, 366), chance.randint(1, 99), turn % 9999 + 1)
        label = sticker(
            tube(chance.choice(list(Kind)), number=number, minutes=chance.choice([None, 0, 120])),
            bearer(name(60), name(30).title(), name(60) if chance.random() < 0.5 else None),
            planned=HOUR,
            form=form,
            copy=chance.randint(1, 12),
            urgent=chance.random() < 0.5,
            sampler=chance.choice([None, "KB12"]),
        )
        drawing = lay_out(label)
        verify(label, drawing)  # reads exactly the paper's symbols
        assert label.symbols() == [number]
        assert outside_its_cells(label, drawing) == 0
        assert all(text.may_cut for text in drawing.cut)


def test_an_ordinary_label_keeps_its_bytes_on_the_wire_and_the_fullest_has_its_own_bound() -> None:
    """Real text does not pack below this: docs/adr/0015 says why it is not made smaller."""
    chance = random.Random(10)
    ordinary, fullest = [], []
    for turn in range(1, MANY + 1):
        number = sample_number(2026, chance.randint(1, 366), 1, turn % 9999 + 1)
        plain = bearer(chance.choice(["MARTIN", "LEFEBVRE", "LE GOFF", "NGUYỄN", "MOREAU"]), "Jean-Baptiste")
        ordinary.append(sticker(tube(number=number), plain, planned=HOUR, form=LABEL_50X25))
        long = "".join(chance.choices(FRENCH, k=chance.randint(18, 60)))
        full = tube(chance.choice(list(Kind)), number=number)
        fullest.append(
            sticker(
                full, bearer(long, long[:14].title(), long[5:]), planned=HOUR, form=LABEL_50X25, copy=12, urgent=True,
                sampler="KB12",
            )
        )  # fmt: skip
    assert max(len(zpl(lay_out(label).image, LABEL_50X25)) for label in ordinary) <= 2_500
    assert max(len(zpl(lay_out(label).image, LABEL_50X25)) for label in fullest) <= 3_700


def test_a_timed_tube_shows_its_minutes() -> None:
    assert (
        texts(sticker(tube(Kind.FLUORIDE, minutes=60), bearer(), planned=HOUR, form=LABEL_50X25))[280, 86].s == "T+60"
    )


def test_the_first_label_says_neither_copy_nor_urgent() -> None:
    said = {text.s for text in texts(sticker(tube(), bearer(), planned=HOUR, form=LABEL_50X25)).values()}
    assert not any("COPIE" in one or "URGENT" in one for one in said)


def test_a_copy_has_the_same_bars_and_another_key() -> None:
    first, second = (sticker(tube(), bearer(), planned=HOUR, form=LABEL_50X25, copy=copy) for copy in (1, 2))
    assert (first.key, second.key) == ("label/263250100014/1", "label/263250100014/2")
    bars = [c.item for label in (first, second) for c in label.items if isinstance(c, At)]
    assert [item.digits for item in bars if isinstance(item, Barcode)] == [NUMBER, NUMBER]


def test_an_old_label_waits_for_a_person() -> None:
    label = sticker(tube(), bearer(), planned=HOUR, form=LABEL_50X25)
    assert (label.expires_s, label.on_expiry, label.secret) == (900, "ask", False)


def test_a_label_comes_back_from_its_stored_form() -> None:
    label = sticker(tube(), bearer("Œuvré-L'Hôte"), planned=HOUR, form=LABEL_50X25)
    assert Paper.from_json(label.to_json()) == label
    assert proved(label).size == (400, 200)


def test_the_file_of_a_patient_gives_birth_name_and_first_given_name() -> None:
    patient = Patient(
        birth_name="Moreau", used_name="Dupont", given_names="Jeanne, Marie", birth_date="19540200", sex=Sex.F, number=7
    )
    assert bearer_of(patient) == Bearer(
        birth_name="Moreau", given_name="Jeanne", used_name="Dupont", born="00/02/1954", sex="F", number=7
    )


@given(st.sampled_from(list(FORMS.values())), st.sampled_from(Kind), st.integers(0, 9_999_999), st.sampled_from("FMI"))
def test_no_patient_number_is_too_long(form: Form, kind: Kind, number: int, sex: str) -> None:
    who = Bearer(birth_name="W", given_name="W", used_name=None, born="28/08/1888", sex=sex, number=number)
    assert lay_out(sticker(tube(kind), who, planned=HOUR, form=form)).cut == ()
