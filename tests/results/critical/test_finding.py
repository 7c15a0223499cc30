"""Which lines cannot wait: the sender's flag, a limit of the biologist, or a number that nobody can compare."""

from dataclasses import replace
from decimal import Decimal

import pytest

from kiosk.exams.catalogue import catalogue
from results.critical.finding import Cause, cause_of, find, judge, same_unit
from results.critical.limits import Limit
from results.reports.assemble import Line, Report, Status

K = Line(
    codes=("1608",),
    label="Potassium",
    part="",
    value="4,1",
    unit="mmol/L",
    reference="3,5-5",
    mark="",
    status=Status.FINAL,
)
LIMIT = Limit(code="1608", unit="mmol/L", low=Decimal("2.5"), high=Decimal("6.5"))


@pytest.mark.parametrize("mark", ["LL", "HH", "AA", "hh", "H~HH", " LL "])
def test_the_senders_flag_is_enough_without_any_limit(mark: str) -> None:
    assert judge(replace(K, mark=mark), ()) is Cause.FLAG


@pytest.mark.parametrize("mark", ["", "H", "L", "A", "N", "<", "HHH"])
def test_an_ordinary_mark_is_no_flag(mark: str) -> None:
    assert judge(replace(K, mark=mark), ()) is None


@pytest.mark.parametrize(
    ("value", "cause"),
    [
        ("4,1", None), ("2,51", None), ("6.49", None), ("2,5", Cause.LIMIT), ("2.4", Cause.LIMIT), ("6,5", Cause.LIMIT),
        ("7", Cause.LIMIT), (" 7 ", Cause.LIMIT), ("-1", Cause.LIMIT), ("> 7", Cause.LIMIT), ("<2", Cause.LIMIT),
        ("≥6,5", Cause.LIMIT),
        # Somewhere beyond, perhaps critical: a person looks.
        (">5", Cause.UNREADABLE), ("<3", Cause.UNREADABLE),
        ("hémolysé", Cause.UNREADABLE), ("", Cause.UNREADABLE), ("6,8 contrôlé", Cause.UNREADABLE),
        ("1 2", Cause.LIMIT), ("6;8", Cause.UNREADABLE),
    ],
)  # fmt: skip
def test_a_value_is_compared_with_its_limit(value: str, cause: Cause | None) -> None:
    assert judge(replace(K, value=value), (LIMIT,)) is cause


@pytest.mark.parametrize(
    ("value", "cause"), [(">5", Cause.UNREADABLE), (">7", Cause.LIMIT), ("<9", Cause.UNREADABLE), ("<1", None)]
)
def test_one_sided_limits_leave_the_other_side_alone(value: str, cause: Cause | None) -> None:
    assert judge(replace(K, value=value), (replace(LIMIT, low=None),)) is cause


@pytest.mark.parametrize("unit", ["mg/L", "mEq/L", "", "mol/L"])
def test_a_foreign_unit_is_shown_at_once_and_never_compared(unit: str) -> None:
    assert judge(replace(K, unit=unit), (LIMIT,)) is Cause.UNREADABLE


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("mmol/L", "mmol / l", True), ("µmol/L", "umol/L", True), ("μmol/L", "µmol/L", True), ("G/L", "10*9/L", True),
        ("UI/L", "U/L", True), ("", "", True),
        # A gram is not a thousand million cells.
        ("g/L", "G/L", False), ("g/L", "mg/L", False), ("T/L", "G/L", False), ("", "%", False),
    ],
)  # fmt: skip
def test_units_are_the_same_only_where_they_are(one: str, other: str, *, same: bool) -> None:
    assert same_unit(one, other) is same
    assert same_unit(other, one) is same


def test_the_catalogues_other_code_of_an_exam_finds_its_limit() -> None:
    """A limit on an act code holds for its LOINC code."""
    exam = next(one for one in catalogue().exams if one.loinc)
    line = replace(K, codes=(str(exam.loinc),), value="9", unit="")
    assert judge(line, (Limit(code=exam.nabm, unit="", low=None, high=Decimal(6)),)) is Cause.LIMIT
    assert judge(line, (LIMIT,)) is None


def test_of_two_limits_the_worse_word_counts() -> None:
    wide = replace(LIMIT, low=None, high=Decimal(100))
    assert judge(replace(K, value="7"), (wide, LIMIT)) is Cause.LIMIT


def test_what_is_pending_deleted_or_taken_back_alarms_nobody() -> None:
    high = replace(K, value="7", mark="HH")
    for status in (Status.PENDING, Status.DELETED):
        assert find(Report(title="", lines=(replace(high, status=status), K)), (LIMIT,)) == ()
    assert find(Report(title="", lines=(high, replace(K, status=Status.WRONG))), (LIMIT,)) == ()


def test_a_partial_or_corrected_value_alarms_like_a_final_one() -> None:
    for status in (Status.FINAL, Status.CORRECTED, Status.PARTIAL):
        (found,) = find(Report(title="", lines=(K, replace(K, value="7", status=status))), (LIMIT,))
        assert found.line.value == "7"
        assert cause_of([found]) is Cause.LIMIT
