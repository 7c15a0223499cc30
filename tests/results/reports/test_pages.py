"""An A4 report: the same sheets whatever it says, no line lost, and an address that stands alone before its window."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.register.patients import Patient
from printers.errors import Unprintable
from printers.paper import A4, At, Paper, Text
from results.reports.assemble import Line, Report, Status
from results.reports.pages import AddressTooLong, Head, Signed, address_of, lay_out_pages

HEAD = Head(laboratory="Laboratoire des Tilleuls", name="MOREAU Jeanne, Marie", identity=("né(e) le 28/02/1954",))
#: All that may show through the window of an envelope, in mm of the sheet: it slides by a centimetre each way.
SEEN = (90, 34, 200, 90)


def line(label: str = "Glycémie", value: str = "0,92", **more: object) -> Line:
    told = {
        "codes": (label,),
        "part": "",
        "unit": "g/L",
        "reference": "0,70 - 1,10",
        "mark": "",
        "status": Status.FINAL,
    }
    return Line(label=label, value=value, **{**told, **more})  # type: ignore[arg-type]


def made(
    *lines: Line, least: int = 0, address: Sequence[str] = (), by: str = "Dr Claire Lenoir", head: Head = HEAD
) -> Paper:
    signed = Signed(report=Report(title="Biochimie", lines=lines), by=by, on="le 22/11/2026 à 8 h 10")
    items = lay_out_pages(head, [signed], least=least, address=address)
    return Paper(kind="report", form=A4, items=items, key="report/1/1", secret=True)


def said(paper: Paper) -> list[list[str]]:
    return [
        [cell.item.s for cell in page if isinstance(cell, At) and isinstance(cell.item, Text)] for page in paper.pages()
    ]


def test_a_report_says_who_what_and_who_signed_it_when() -> None:
    (page,) = said(made(line(), line("Créatinine", "8", unit="mg/L", reference="6 - 11", comments=("à jeun",))))
    assert page[:3] == ["Laboratoire des Tilleuls", "MOREAU Jeanne, Marie", "né(e) le 28/02/1954"]
    assert page[8:17] == ["Glycémie", "0,92", "g/L", "0,70 - 1,10", "Créatinine", "8", "mg/L", "6 - 11", "à jeun"]
    assert page[3:8] == ["Biochimie", "Examen", "Résultat", "Unité", "Valeurs de référence"]
    assert page[17:] == [
        "Validé par Dr Claire Lenoir, biologiste, le 22/11/2026 à 8 h 10.", "MOREAU Jeanne, Marie", "Page 1 sur 1",
    ]  # fmt: skip


def test_what_is_partial_corrected_or_pending_is_said_and_a_pending_value_is_not() -> None:
    (page,) = said(
        made(
            line("Un", "1", status=Status.CORRECTED),
            line("Deux", "2", status=Status.PARTIAL),
            line("Trois", "3,141", status=Status.PENDING, comments=("peut-être",)),
        )
    )
    for words in ("Compte rendu rectifié : il remplace le précédent.", "Résultat partiel : la suite viendra."):
        assert words in page
    for words in ("(résultat rectifié)", "(résultat partiel)", "(résultat en cours)"):
        assert words in page
    assert not {"3,141", "peut-être"} & set(page)


def test_a_withdrawn_report_says_only_that() -> None:
    (page,) = said(made(line("Un", "secret", status=Status.WRONG)))
    assert "Ce compte rendu a été retiré par le laboratoire." in page
    assert not [words for words in page if "secret" in words or "Validé" in words]


@pytest.mark.parametrize("value", ["négatif", "positif", "POSITIF : à contrôler sur un second prélèvement", "x " * 300])
def test_a_confidential_envelope_has_its_sheets_whatever_it_says(value: str) -> None:
    pages = said(made(line(value=value), least=2))
    assert len(pages) == 2
    assert pages[1][2:] == [
        "Cette feuille reste blanche, comme dans chaque pli.", "MOREAU Jeanne, Marie", "Page 2 sur 2",
    ]  # fmt: skip


@pytest.mark.parametrize(("lines", "sheets"), [(30, 2), (60, 2), (90, 4), (140, 4), (200, 8)])
def test_a_longer_report_takes_twice_as_many_sheets_and_loses_no_line(lines: int, sheets: int) -> None:
    pages = said(made(*(line(f"Examen {number}") for number in range(lines)), least=2))
    assert len(pages) == sheets
    whole = [words for page in pages for words in page]
    assert [words for words in whole if words.startswith("Examen ")] == [f"Examen {number}" for number in range(lines)]
    assert [page[-1] for page in pages] == [f"Page {number} sur {sheets}" for number in range(1, sheets + 1)]
    assert all("Valeurs de référence" in page for page in pages if any(words == "0,92" for words in page))


def test_an_address_stands_alone_before_the_window() -> None:
    address = ("Mme Jeanne MOREAU", "Bât. C, 3e étage", "12 rue des Lilas", "BP 12", "75011 PARIS", "FRANCE")
    paper = made(line(), least=2, address=address)
    first = paper.pages()[0]
    assert said(paper)[0] == list(address)
    left, top, right, bottom = (mm * A4.dpmm for mm in SEEN)
    for cell in first:
        assert isinstance(cell, At)
        # Wherever the folded sheet slides, the whole address is before the window: 10 mm narrower on each side.
        assert left + 10 * A4.dpmm <= cell.x
        assert cell.x + cell.w <= right - 10 * A4.dpmm
        assert top + 11 * A4.dpmm <= cell.y
        assert cell.y + cell.h <= bottom - 11 * A4.dpmm
    assert [page[-1] for page in said(paper)[1:]] == ["Page 1 sur 2", "Page 2 sur 2"]


@pytest.mark.parametrize("lines", [("x" * 39,), tuple("abcdefg")])
def test_an_address_that_would_not_show_whole_is_refused(lines: tuple[str, ...]) -> None:
    with pytest.raises(AddressTooLong):
        address_of(lines)


def test_empty_lines_of_an_address_are_left_out() -> None:
    assert address_of(["Mme Jeanne MOREAU", " ", "75011\tPARIS", ""]) == ("Mme Jeanne MOREAU", "75011 PARIS")
    assert address_of(["", " "]) == ()


LETTERS = st.text("abcdefgh éèàçœ ßğşıİ ÀÉ-’0123456789 ()/\n\u202e\x07", max_size=700)


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(LETTERS, LETTERS, LETTERS, LETTERS), min_size=1, max_size=4), LETTERS, LETTERS)
def test_every_letter_of_any_report_is_on_a_sheet(
    told: list[tuple[str, str, str, str]], name: str, comment: str
) -> None:
    head = Head(laboratory="L", name="x" + name.replace("\n", " ")[:200], identity=())
    lines = [
        line("x" + label, value, unit=unit, reference=more, comments=(comment,)) for label, value, unit, more in told
    ]
    whole = "".join("".join(page) for page in said(made(*lines, head=head)))
    kept = {sign for label, value, unit, more in told for sign in label + value + unit + more + comment}
    assert {sign for sign in kept if sign.isprintable() and sign != " "} <= set(whole)


def test_a_name_that_no_font_writes_is_refused_before_anything_is_released() -> None:
    with pytest.raises(Unprintable):
        made(line("\u3042"))


def test_a_patient_is_written_with_what_is_known() -> None:
    from results.handing.sheets import _heading

    whole = Patient(birth_name="Moreau", given_names="Jeanne", birth_date="19540228", used_name="Petit", number=7)
    assert _heading(whole, "L").identity == ("né(e) le 28/02/1954", "nom utilisé : Petit", "patient n° 7")
