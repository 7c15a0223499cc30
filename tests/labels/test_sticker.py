"""The label itself: whatever the name, the bars are read back and nothing leaves its place."""

import random
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.register.patients import Patient, Sex
from labels.numbering import sample_number
from labels.planning.kinds import Kind
from labels.sticker import Bearer, bearer_of, sticker
from labels.tubes import Tube
from printers.draw import Drawing, lay_out
from printers.paper import At, Barcode, Paper, Text
from printers.verify import proved, read_symbols, verify

NUMBER = "263250100014"
HOUR = datetime(2026, 11, 21, 8, 30)  # noqa: DTZ001  # the wall clock of the site
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZÀÂÄÇÉÈÊËÎÏÔÖÙÛÜŸÆŒ"


def tube(kind: Kind = Kind.EDTA, *, minutes: int | None = None, number: str = NUMBER) -> Tube:
    return Tube(sample_number=number, kind=kind, position=12, total=27, minutes=minutes, exams=["1104"])


def bearer(birth_name: str = "MOREAU", given_name: str = "Jeanne", used_name: str | None = None) -> Bearer:
    return Bearer(
        birth_name=birth_name, given_name=given_name, used_name=used_name, born="29/02/1954", sex="F", number=9_999_999
    )


def texts(paper: Paper) -> dict[tuple[int, int], Text]:
    return {(c.x, c.y): c.item for c in paper.items if isinstance(c, At) and isinstance(c.item, Text)}


def outside_its_cells(paper: Paper, drawing: Drawing) -> int:
    """How many black dots stand outside every cell."""
    left = drawing.image.copy()
    for cell in paper.items:
        assert isinstance(cell, At)
        left.paste(1, (cell.x, cell.y, cell.x + cell.w, cell.y + cell.h))
    return left.convert("L").histogram()[0]


def test_the_cells_are_those_of_the_design() -> None:
    label = sticker(tube(), bearer(), planned=HOUR, copy=2, urgent=True)
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
    label = sticker(tube(), bearer(), planned=HOUR, copy=2, urgent=True)
    assert {place for place, text in texts(label).items() if text.may_cut} == {(8, 4), (8, 36)}


@pytest.mark.parametrize("kind", list(Kind))
def test_the_label_of_each_kind_is_read_back_whole(kind: Kind) -> None:
    label = sticker(tube(kind), bearer(), planned=HOUR, copy=99, urgent=True, sampler="KB12")
    drawing = lay_out(label)
    verify(label, drawing)
    assert read_symbols(drawing.image) == [NUMBER]
    assert drawing.cut == ()


def test_eighteen_of_the_widest_letter_are_not_cut() -> None:
    assert lay_out(sticker(tube(), bearer("W" * 18), planned=HOUR)).cut == ()


def test_a_long_double_name_is_not_cut() -> None:
    assert lay_out(sticker(tube(), bearer("De La Rochefoucauld-Montmorency"), planned=HOUR)).cut == ()


def test_an_endless_name_is_cut_visibly_and_says_so() -> None:
    cut = lay_out(sticker(tube(), bearer("W" * 60), planned=HOUR)).cut
    assert [text.s for text in cut] == ["W" * 60]


def test_the_given_name_wins_over_the_name_in_use() -> None:
    label = sticker(tube(), bearer(given_name="Jeanne", used_name="Dupont"), planned=HOUR)
    assert texts(label)[8, 36].s == "Jeanne (ut. DUPONT)"


def test_three_hundred_people_stay_in_their_cells_and_are_read_back() -> None:
    chance = random.Random(300)

    def name(longest: int) -> str:
        word = "".join(chance.choice(LETTERS) for _ in range(chance.randint(1, longest)))
        place = chance.randint(1, len(word))
        return word[:place] + chance.choice(["-", " ", "'", ""]) + word[place:]

    for turn in range(1, 301):
        number = sample_number(2026, chance.randint(1, 366), chance.randint(1, 99), turn)
        label = sticker(
            tube(chance.choice(list(Kind)), number=number, minutes=chance.choice([None, 0, 120])),
            bearer(name(60), name(30).title(), name(60) if chance.random() < 0.5 else None),
            planned=HOUR,
            copy=chance.randint(1, 12),
            urgent=chance.random() < 0.5,
        )
        drawing = lay_out(label)
        verify(label, drawing)
        assert outside_its_cells(label, drawing) == 0


def test_a_timed_tube_shows_its_minutes() -> None:
    assert texts(sticker(tube(Kind.FLUORIDE, minutes=60), bearer(), planned=HOUR))[280, 86].s == "T+60"


def test_the_first_label_says_neither_copy_nor_urgent() -> None:
    said = {text.s for text in texts(sticker(tube(), bearer(), planned=HOUR)).values()}
    assert not any("COPIE" in one or "URGENT" in one for one in said)


def test_a_copy_has_the_same_bars_and_another_key() -> None:
    first, second = (sticker(tube(), bearer(), planned=HOUR, copy=copy) for copy in (1, 2))
    assert (first.key, second.key) == ("label/263250100014/1", "label/263250100014/2")
    bars = [c.item for label in (first, second) for c in label.items if isinstance(c, At)]
    assert [item.digits for item in bars if isinstance(item, Barcode)] == [NUMBER, NUMBER]


def test_an_old_label_waits_for_a_person() -> None:
    label = sticker(tube(), bearer(), planned=HOUR)
    assert (label.expires_s, label.on_expiry, label.secret) == (900, "ask", False)


def test_a_label_comes_back_from_its_stored_form() -> None:
    label = sticker(tube(), bearer("Œuvré-L'Hôte"), planned=HOUR)
    assert Paper.from_json(label.to_json()) == label
    assert proved(label).size == (400, 200)


def test_the_file_of_a_patient_gives_birth_name_and_first_given_name() -> None:
    patient = Patient(
        birth_name="Moreau", used_name="Dupont", given_names="Jeanne, Marie", birth_date="19540200", sex=Sex.F, number=7
    )
    assert bearer_of(patient) == Bearer(
        birth_name="Moreau", given_name="Jeanne", used_name="Dupont", born="00/02/1954", sex="F", number=7
    )


@given(st.sampled_from(Kind), st.integers(0, 9_999_999), st.sampled_from("FMI"))
def test_no_patient_number_is_too_long(kind: Kind, number: int, sex: str) -> None:
    who = Bearer(birth_name="W", given_name="W", used_name=None, born="28/08/1888", sex=sex, number=number)
    assert lay_out(sticker(tube(kind), who, planned=HOUR)).cut == ()
