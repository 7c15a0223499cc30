from pathlib import Path

import pytest

from kiosk.exams.catalogue import ReleaseClass, catalogue
from results.hl7v2.reader import Message
from results.reports.sorting import Flag, Sorting, cover, flags_of, fragments, sort_by_class

MESSAGES = Path(__file__).resolve().parents[1] / "hl7v2" / "messages"
CLASSES = {"a": "C0", "b": "C1", "c": "C2", "d": "C3", "e": "C4", "f": "C5"}


def told(*lines: str) -> Message:
    return Message.read("\r".join(("MSH|^~\\&|SIL", "PID|1", *lines, "")).encode())


def sort(*lines: str, ordered: tuple[str, ...] = ()) -> Sorting:
    message = told(*lines)
    (part,) = fragments(message)
    return sort_by_class(message, part, CLASSES.get, ordered=ordered)


def result(code: str, value: str = "5", mark: str = "") -> str:
    return f"OBX|1|NM|{code}^x||{value}|||{mark}|||F"


def test_the_class_is_the_highest_of_the_codes() -> None:
    assert sort("OBR|1||R1|a", result("a"), result("b")) == Sorting(release_class=ReleaseClass.C1, is_known=True)
    assert sort("OBR|1||R1|e", result("a")).release_class is ReleaseClass.C4
    assert sort("OBR|1||R1|a", result("a"), ordered=("f",)).release_class is ReleaseClass.C5
    assert sort("OBR|1||R1|a", "OBX|1|NM|a^x^LN^d^y^NABM||5||||||F").release_class is ReleaseClass.C3


def test_an_unknown_code_is_c3_at_least_and_not_known() -> None:
    assert sort("OBR|1||R1|a", result("a"), result("zz")) == Sorting(release_class=ReleaseClass.C3, is_known=False)
    assert sort("OBR|1||R1|zz", result("")) == Sorting(release_class=ReleaseClass.C3, is_known=False)
    assert sort("OBR|1||R1|a", result("e"), result("zz")).release_class is ReleaseClass.C4
    assert sort("OBR|1||R1|a") == Sorting(release_class=ReleaseClass.C3, is_known=False)
    assert not sort("OBR|1||R1|a", result("a"), ordered=("zz",)).is_known


def test_a_panel_without_a_code_is_known_by_its_lines() -> None:
    assert sort("OBR|1||R1|BILAN", result("a")) == Sorting(release_class=ReleaseClass.C0, is_known=True)


@pytest.mark.parametrize(("value", "mark"), [("NEG", ""), ("POSITIF", "AA"), ("9999", "HH"), ("", "")])
def test_no_value_and_no_mark_changes_the_class(value: str, mark: str) -> None:
    assert sort("OBR|1||R1|c", result("c", value, mark)) == Sorting(release_class=ReleaseClass.C2, is_known=True)


def test_the_catalogue_answers_for_codes_of_both_kinds() -> None:
    message = Message.read((MESSAGES / "plain.hl7").read_bytes())
    (part,) = fragments(message)
    assert sort_by_class(message, part, catalogue().class_of).is_known


def test_groups_of_one_number_are_one_report() -> None:
    message = told("ORC|RE|1|R1", "OBR|1|1|R1|a", result("a"), "ORC|RE|1|R1", "OBR|2|1|R1|b", result("b"))
    (part,) = fragments(message)
    assert part.key == "R1"
    assert cover(message, part) == (0, 1, 2, 3, 4, 5, 6, 7)


def test_groups_of_other_numbers_are_other_reports() -> None:
    message = told("ORC|RE|1|R1", "OBR|1|1|R1|a", result("a"), "SPM|1|S", "OBR|2|2||b", result("b"), "NTE|1||x")
    parts = fragments(message)
    assert [part.key for part in parts] == ["R1", "2"]
    assert [cover(message, part) for part in parts] == [(0, 1, 2, 3, 4, 5), (0, 1, 6, 7, 8)]


def test_results_without_an_order_are_a_report_without_a_number() -> None:
    (part,) = fragments(told(result("a"), result("b")))
    assert (part.key, part.indexes) == ("", (2, 3))
    assert fragments(told()) == []


def flag(name: str, value: str) -> str:
    return f"OBX|9|CE|{name}^x^MetaDMPMSS||{value}^^HL70136||||||F"


@pytest.mark.parametrize(
    ("name", "up"),
    [
        ("INVISIBLE_PATIENT", Flag.PATIENT),
        ("INVISIBLE_REP_LEGAUX", Flag.GUARDIANS),
        ("INVISIBLE_REPRESENTANTS_LEGAUX", Flag.GUARDIANS),
        ("CONNEXION_SECRETE", Flag.SECRET),
        ("MASQUE_PS", Flag.PROFESSIONALS),
    ],
)
def test_any_value_but_no_puts_a_flag_up(name: str, up: Flag) -> None:
    for value in ("Y", "O", "", "1", '""'):
        assert flags_of(told(flag(name, value))) == {up}
    for value in ("N", "n", " N "):
        assert flags_of(told(flag(name, value))) == set()


def test_flags_without_a_route_close_nothing_and_are_no_result() -> None:
    assert flags_of(told(flag("DESTDMP", "Y"), result("INVISIBLE_PATIENT", "Y"))) == set()
    assert sort("OBR|1||R1|a", result("a"), flag("DESTDMP", "Y")).is_known
