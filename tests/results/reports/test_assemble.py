from pathlib import Path

import pytest

from results.hl7v2.reader import Message
from results.reports.assemble import STATUS_OF, Status, assemble
from results.reports.words import write_report

MESSAGES = Path(__file__).resolve().parents[1] / "hl7v2" / "messages"


def read(name: str) -> Message:
    return Message.read((MESSAGES / f"{name}.hl7").read_bytes())


def told(*lines: str) -> Message:
    return Message.read("\r".join(("MSH|^~\\&|SIL", "OBR|1||R1|1^Bilan", *lines, "")).encode())


def test_a_report_is_its_lines() -> None:
    report = assemble([read("plain")])
    first, second = report.lines
    assert (first.codes, first.label, first.value, first.unit) == (("0552",), "Glycémie à jeun", "0.92", "g/L")
    assert (first.reference, first.status) == ("0,70 - 1,10", Status.FINAL)
    assert second.value == "prélèvement conforme & suffisant"
    assert second.comments == ("À jeun depuis 12 h.",)
    assert report.validated_by == "Anne LENOIR"
    assert not report.is_partial
    assert not report.is_corrected
    assert "0.92" not in repr(report) + repr(first)


@pytest.mark.parametrize(
    ("letter", "status"),
    [*STATUS_OF.items(), ("C^Record coming over is a correction^HL70085", Status.CORRECTED), (" f ", Status.FINAL)],
)
def test_each_status_is_what_the_table_says(letter: str, status: Status) -> None:
    assert assemble([told(f"OBX|1|NM|1^A||5||||||{letter}")]).lines[0].status is status


@pytest.mark.parametrize("letter", ["", "unknown", "Z", "12", '""'])
def test_any_other_status_is_pending_and_shows_no_value(letter: str) -> None:
    report = assemble([told(f"OBX|1|NM|1^A||5.5||||||{letter}")])
    assert report.lines[0].status is Status.PENDING
    assert report.is_partial
    assert "5.5" not in write_report(report)


@pytest.mark.parametrize(
    ("kind", "raw", "value"),
    [
        ("NM", "1,2", "1,2"),
        ("SN", ">^100", ">100"),
        ("SN", "^10^-^20", "10-20"),
        ("SN", "^1^:^128", "1:128"),
        ("CE", "260385009^Négatif^SCT", "Négatif"),
        ("CWE", "1^^L^^^^^^texte d'origine", "texte d'origine"),
        ("CE", "NEG", "NEG"),
        ("TX", "une ligne~une autre", "une ligne\nune autre"),
        ("FT", "a\\.br\\b", "a\nb"),
        ("TS", "20261121", "20261121"),
        ("XX", "a^b", "a b"),
    ],
)
def test_a_value_is_shown_as_it_was_sent(kind: str, raw: str, value: str) -> None:
    assert assemble([told(f"OBX|1|{kind}|1^A||{raw}||||||F")]).lines[0].value == value


def test_a_later_line_takes_the_place_of_the_former() -> None:
    first = told("OBX|1|NM|1^A||5||||||F", "OBX|2|NM|2^B||6||||||F")
    second = told("OBX|1|NM|2^B||7||||||C")
    lines = assemble([first, second]).lines
    assert [(line.label, line.value, line.status) for line in lines] == [
        ("A", "5", Status.FINAL),
        ("B", "7", Status.CORRECTED),
    ]


def test_lines_of_one_code_in_one_message_all_stay() -> None:
    report = assemble([told("OBX|1|TX|1^A||un||||||F", "OBX|2|TX|1^A||deux||||||F")])
    assert [line.value for line in report.lines] == ["un", "deux"]


def test_lines_of_one_code_are_told_apart_by_their_part() -> None:
    first = told("OBX|1|NM|1^A|1|5||||||F", "OBX|2|NM|1^A|2|6||||||F")
    assert [line.value for line in assemble([first, told("OBX|1|NM|1^A|2|9||||||C")]).lines] == ["5", "9"]


def test_a_final_status_without_value_confirms_the_preliminary_one() -> None:
    report = assemble([told("OBX|1|NM|1^A||5||||||P"), told("OBX|1|NM|1^A||||||||U")])
    assert [(line.value, line.status) for line in report.lines] == [("5", Status.FINAL)]


def test_a_deleted_line_leaves_the_view() -> None:
    report = assemble([told("OBX|1|NM|1^A||5||||||F", "OBX|2|NM|2^B||6.6||||||F"), told("OBX|1|NM|2^B||6.6||||||D")])
    assert [line.label for line in report.shown] == ["A"]
    assert report.is_corrected
    assert not report.is_withdrawn
    assert "6.6" not in write_report(report)


def test_a_report_without_lines_or_with_a_wrong_one_is_withdrawn_and_shows_nothing() -> None:
    wrong = told("OBX|1|NM|1^A||5.5||||||F", "OBX|2|NM|2^B||6.6||||||W")
    for report in (assemble([read("deleted")]), assemble([wrong]), assemble([told()])):
        assert report.is_withdrawn
        text = write_report(report)
        assert "retiré" in text
        assert not any(value in text for value in ("5.5", "6.6", "0.92"))


def test_a_flag_of_visibility_is_no_line() -> None:
    report = assemble([read("document")])
    assert [line.label for line in report.lines] == ["CR d'examens biologiques"]
    assert report.lines[0].is_document


def test_the_words_are_french_and_whole() -> None:
    assert write_report(assemble([read("plain")]), biologist="Dr Anne Lenoir") == (
        "Glycémie\n"
        "\n"
        "Glycémie à jeun : 0.92 g/L\n"
        "  valeurs de référence : 0,70 - 1,10\n"
        "Vitesse de sédimentation : prélèvement conforme & suffisant\n"
        "  À jeun depuis 12 h.\n"
        "Validé par Dr Anne Lenoir, biologiste.\n"
    )


def test_partial_and_corrected_reports_say_so() -> None:
    assert "Résultat partiel : la suite viendra." in write_report(assemble([read("partial")]))
    corrected = write_report(assemble([read("corrected")]))
    assert "Compte rendu rectifié : il remplace le précédent." in corrected
    assert "1.92 g/L (résultat rectifié)" in corrected


@pytest.mark.parametrize("width", [32, 42, 48])
def test_no_line_is_wider_than_the_roll_and_no_word_is_lost(width: int) -> None:
    report = assemble([read("plain")])
    narrow, wide = write_report(report, width=width), write_report(report)
    assert all(len(line) <= width for line in narrow.splitlines())
    assert narrow.split() == wide.split()


@pytest.mark.parametrize(
    ("field", "name"),
    [("&LENOIR&Anne^20261121", "Anne LENOIR"), ("7^LENOIR^Anne", "Anne LENOIR"), ("^20261121^", ""), ("", "")],
)
def test_the_validating_biologist_is_named_in_either_form(field: str, name: str) -> None:
    raw = "MSH|^~\\&|SIL\rOBR|1||R1|1^Bilan" + "|" * 28 + field + "\rOBX|1|NM|1^A||5||||||F\r"
    assert assemble([Message.read(raw.encode())]).validated_by == name
