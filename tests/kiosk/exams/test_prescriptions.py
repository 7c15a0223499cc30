"""What was prescribed: known exams only, one prescription a visit, closed when its labels are numbered."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from random import Random
from uuid import UUID

import pytest
from sqlalchemy import func, select

from kiosk.exams.prescriptions import (
    NoPrescription,
    NothingPrescribed,
    PrescriberToCorrect,
    Prescription,
    Settled,
    UnknownExam,
    exams_of,
    prescribe,
    prescription_of,
    reopen,
    settle,
    withdraw,
)
from kiosk.register.database import Database, uuid7
from kiosk.register.journal import verify
from kiosk.register.sites import Site
from kiosk.register.visits import NoVisit, Purpose, Stage, State, Visit

Chance = Callable[[int], bytes]


@pytest.fixture
def visit(database: Database, site: Site, at: datetime, chance: Chance) -> UUID:
    made = Visit(
        id=uuid7(at, chance), site_id=site.id, day=at.date(), number=1, state=State.CALLED, stage=Stage.COUNTER,
        purpose=Purpose.WALK_IN, language="fr", arrived_at=at, waits_since=at, needs_help=False, announced_low=5,
        announced_high=10,
    )  # fmt: skip
    with database.transaction() as db:
        db.add(made)
    return made.id


def enter(database: Database, visit: UUID, at: datetime, chance: Chance, *codes: str, prescriber: str = "") -> None:
    with database.transaction() as db:
        prescribe(db, visit, codes, prescriber=prescriber, by="sophie", at=at, chance=chance)


def entered(database: Database, visit: UUID) -> list[str]:
    with database.reading() as db:
        return [exam.nabm for exam in exams_of(db, visit)]


def test_exams_are_kept_in_the_order_entered_and_once(
    database: Database, visit: UUID, at: datetime, chance: Chance
) -> None:
    enter(database, visit, at, chance, "1208", "1104", "1208", "2160-0")
    assert entered(database, visit) == ["1208", "1104", "0592"]


def test_a_prescription_says_by_whom_when_and_whether_it_is_urgent(
    database: Database, visit: UUID, at: datetime, chance: Chance
) -> None:
    with database.transaction() as db:
        prescribe(
            db, visit, ["1104"], prescriber="  Dr  Petit ", prescribed_on=date(2026, 11, 20), urgent=True,
            by="sophie", at=at, chance=chance,
        )  # fmt: skip
    with database.reading() as db:
        row = prescription_of(db, visit)
    assert row is not None
    assert (row.prescriber, row.prescribed_on, row.urgent) == ("Dr Petit", date(2026, 11, 20), True)
    assert (row.entered_at, row.entered_by, row.settled_at) == (at, "sophie", None)


def test_entering_again_replaces_and_makes_no_second_one(
    database: Database, visit: UUID, at: datetime, chance: Chance
) -> None:
    enter(database, visit, at, chance, "1208", "1104")
    enter(database, visit, at, chance, "1104", "0552")
    assert entered(database, visit) == ["1104", "0552"]
    with database.reading() as db:
        assert db.scalar(select(func.count()).select_from(Prescription)) == 1


@pytest.mark.parametrize("codes", [["9999"], ["1104", "9005"], ["nfs"], [""]])
def test_an_exam_that_is_not_offered_is_refused_and_nothing_is_kept(
    database: Database, visit: UUID, at: datetime, chance: Chance, codes: list[str]
) -> None:
    with pytest.raises(UnknownExam):
        enter(database, visit, at, chance, *codes)
    assert entered(database, visit) == []


def test_a_prescription_names_at_least_one_exam(database: Database, visit: UUID, at: datetime, chance: Chance) -> None:
    with pytest.raises(NothingPrescribed):
        enter(database, visit, at, chance)


@pytest.mark.parametrize("prescriber", ["x" * 101, "Dr\x00Petit"])
def test_a_name_that_cannot_be_kept_is_refused(
    database: Database, visit: UUID, at: datetime, chance: Chance, prescriber: str
) -> None:
    with pytest.raises(PrescriberToCorrect):
        enter(database, visit, at, chance, "1104", prescriber=prescriber)


def test_nobody_prescribes_for_a_visit_that_does_not_exist(
    database: Database, site: Site, at: datetime, chance: Chance
) -> None:
    with pytest.raises(NoVisit):
        enter(database, site.id, at, chance, "1104")


def test_once_settled_it_does_not_change_until_it_is_reopened(
    database: Database, visit: UUID, at: datetime, chance: Chance
) -> None:
    enter(database, visit, at, chance, "1104")
    with database.transaction() as db:
        assert settle(db, visit, at=at)
        assert not settle(db, visit, at=at)
    with pytest.raises(Settled):
        enter(database, visit, at, chance, "1208")
    with pytest.raises(Settled), database.transaction() as db:
        withdraw(db, visit, by="sophie", at=at, chance=chance)
    assert entered(database, visit) == ["1104"]
    with database.transaction() as db:
        reopen(db, visit)
    enter(database, visit, at, chance, "1208")
    assert entered(database, visit) == ["1208"]


def test_what_was_entered_by_mistake_is_taken_back(
    database: Database, visit: UUID, at: datetime, chance: Chance
) -> None:
    enter(database, visit, at, chance, "1104")
    with database.transaction() as db:
        withdraw(db, visit, by="sophie", at=at, chance=chance)
    assert entered(database, visit) == []
    with database.reading() as db:
        assert prescription_of(db, visit) is None


def test_without_a_prescription_there_is_nothing_to_settle_reopen_or_take_back(
    database: Database, visit: UUID, at: datetime, chance: Chance
) -> None:
    with pytest.raises(NoPrescription), database.transaction() as db:
        settle(db, visit, at=at)
    with pytest.raises(NoPrescription), database.transaction() as db:
        reopen(db, visit)
    with pytest.raises(NoPrescription), database.transaction() as db:
        withdraw(db, visit, by="sophie", at=at, chance=chance)


def test_eight_desks_at_once_leave_one_prescription_of_one_desk(database: Database, visit: UUID, at: datetime) -> None:
    choices = [["1104", "1208"], ["0552", "0126"]]

    def desk(number: int) -> None:
        enter(database, visit, at, Random(number).randbytes, *choices[number % 2])

    with ThreadPoolExecutor(8) as desks:
        list(desks.map(desk, range(8)))
    assert entered(database, visit) in choices
    with database.reading() as db:
        assert db.scalar(select(func.count()).select_from(Prescription)) == 1


def test_each_act_is_in_the_journal(database: Database, visit: UUID, at: datetime, chance: Chance) -> None:
    enter(database, visit, at, chance, "1104")
    enter(database, visit, at, chance, "1208")
    with database.transaction() as db:
        withdraw(db, visit, by="sophie", at=at, chance=chance)
    with database.reading() as db:
        verdict = verify(db, "register")
    assert (verdict.sound, verdict.size) == (True, 3)
