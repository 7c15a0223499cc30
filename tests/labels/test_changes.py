"""A plan changed by a person: with a reason, before the labels, and never out of sight; on both engines."""

from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest

from kiosk.exams.prescriptions import NoPrescription, Settled
from kiosk.register.visits import Visit
from labels.changes import NoSuchChange, NotInThisPlan, PlanChange, change_plan, changes_of, shown, undo_change
from labels.planning.kinds import Kind
from labels.planning.planned import Change, Plan, Wish
from labels.planning.table import shipped
from labels.printing import void_tubes
from labels.readiness import label_visit, plan_of
from labels.tubes import ReasonToGive, tubes_of
from tests.labels.reception import Reception

MORE = Wish(change=Change.ADD, kind=Kind.EDTA, reason="essai")
SPLIT = Wish(change=Change.SPLIT, kind=Kind.EDTA, exams=("1577",), reason="autre paillasse")
LESS = Wish(change=Change.REMOVE, kind=Kind.EDTA, exams=("1104", "1577"), reason="tube déjà reçu")


@pytest.fixture
def visit(reception: Reception) -> Visit:
    """Someone at the counter with a prescription of two EDTA exams and one of serum."""
    made = reception.arrive()
    reception.recognise(made)
    reception.prescribe(made, "1104", "1577", "1208")
    return made


def planned(reception: Reception, visit: Visit) -> Plan:
    with reception.database.reading() as db:
        return plan_of(db, visit, shipped())


def change(reception: Reception, visit: Visit, wish: Wish, key: str = "1" * 32) -> PlanChange:
    with reception.database.transaction() as db:
        visit = db.merge(visit)
        plan = plan_of(db, visit, shipped())
        return change_plan(db, visit, plan, wish, by="sophie", at=reception.at, chance=reception.chance, key=key)


def number(reception: Reception, visit: Visit) -> list[Kind]:
    with reception.database.transaction() as db:
        visit = db.merge(visit)
        tubes = label_visit(
            db, visit, shipped(), by="sophie", at=reception.at, chance=reception.chance, key=reception.chance(16).hex()
        )
        return [tube.kind for tube in tubes]


@pytest.mark.parametrize(
    ("wish", "kinds"),
    [
        (MORE, [Kind.DRY_GEL, Kind.EDTA, Kind.EDTA]),
        (SPLIT, [Kind.DRY_GEL, Kind.EDTA, Kind.EDTA]),
        (LESS, [Kind.DRY_GEL]),
    ],
    ids=["more", "split", "less"],
)
def test_what_was_changed_is_planned_and_numbered(
    reception: Reception, visit: Visit, wish: Wish, kinds: list[Kind]
) -> None:
    change(reception, visit, wish)
    assert [tube.kind for tube in planned(reception, visit).tubes] == kinds
    assert number(reception, visit) == kinds


def test_the_same_form_is_one_change(reception: Reception, visit: Visit) -> None:
    for _ in range(2):
        change(reception, visit, MORE)
    assert len(planned(reception, visit).tubes) == 3


def test_a_change_that_is_taken_back_stays_with_who_took_it_back(reception: Reception, visit: Visit) -> None:
    before = planned(reception, visit)
    row = change(reception, visit, LESS)
    with reception.database.transaction() as db:
        undo_change(db, db.merge(visit), row.id, by="nadia", at=reception.at, chance=reception.chance)
    assert planned(reception, visit) == before
    with reception.database.reading() as db:
        assert db.get_one(PlanChange, row.id).undone_by == "nadia"
    with reception.database.transaction() as db, pytest.raises(NoSuchChange):
        undo_change(db, db.merge(visit), row.id, by="nadia", at=reception.at, chance=reception.chance)


def test_a_change_needs_a_reason(reception: Reception, visit: Visit) -> None:
    with pytest.raises(ReasonToGive):
        change(reception, visit, Wish(change=Change.ADD, kind=Kind.EDTA, reason="  "))


@pytest.mark.parametrize(
    "wish",
    [
        Wish(change=Change.REMOVE, kind=Kind.EDTA, exams=("1104",), reason="x"),
        Wish(change=Change.REMOVE, kind=Kind.CITRATE, exams=("1104", "1577"), reason="x"),
        Wish(change=Change.SPLIT, kind=Kind.EDTA, exams=("0126",), reason="x"),
        Wish(change=Change.SPLIT, kind=Kind.EDTA, exams=("1104", "1577"), reason="x"),
        Wish(change=Change.SPLIT, kind=Kind.DRY_GEL, exams=("1208",), reason="alone already"),
        Wish(change=Change.SPLIT, kind=Kind.EDTA, reason="x"),
    ],
)
def test_only_what_is_in_the_plan_is_changed(reception: Reception, visit: Visit, wish: Wish) -> None:
    with pytest.raises(NotInThisPlan):
        change(reception, visit, wish)


def test_numbered_labels_are_not_changed_and_void_ones_are(reception: Reception, visit: Visit) -> None:
    row = change(reception, visit, SPLIT)
    number(reception, visit)
    with pytest.raises(Settled):
        change(reception, visit, MORE, "2" * 32)
    with reception.database.transaction() as db, pytest.raises(Settled):
        undo_change(db, db.merge(visit), row.id, by="nadia", at=reception.at, chance=reception.chance)
    with reception.database.transaction() as db:
        void_tubes(db, db.merge(visit), reason="à corriger", by="sophie", at=reception.at, chance=reception.chance)
    change(reception, visit, MORE, "2" * 32)
    assert len(planned(reception, visit).tubes) == 4


def test_nothing_is_changed_before_a_prescription(reception: Reception) -> None:
    visit = reception.arrive()
    with pytest.raises(NoPrescription):
        change(reception, visit, MORE)


def test_a_change_that_the_prescription_has_overtaken_is_shown_as_such(reception: Reception, visit: Visit) -> None:
    change(reception, visit, MORE, "1" * 32)
    change(reception, visit, MORE, "2" * 32)
    change(reception, visit, LESS, "3" * 32)
    reception.prescribe(visit, "1104")
    made = planned(reception, visit)
    assert [tube.exams for tube in made.tubes] == [("1104",), (), ()]
    with reception.database.reading() as db:
        told = shown(changes_of(db, visit), made)
    assert sorted((one.row.change, one.followed) for one in told) == [
        (Change.ADD, True),
        (Change.ADD, True),
        (Change.REMOVE, False),
    ]


def test_a_change_and_f6_at_the_same_moment_are_one_after_the_other(reception: Reception, visit: Visit) -> None:
    def desk(turn: int) -> str:
        chance = Random(turn).randbytes
        with reception.database.transaction() as db:
            here = db.get_one(Visit, visit.id)
            if turn % 2:
                label_visit(db, here, shipped(), by="x", at=reception.at, chance=chance, key=chance(16).hex())
                return "numbered"
            try:
                plan = plan_of(db, here, shipped())
                change_plan(db, here, plan, MORE, by="x", at=reception.at, chance=chance, key=chance(16).hex())
            except Settled:
                return "too late"
            return "changed"

    with ThreadPoolExecutor(6) as desks:
        told = list(desks.map(desk, range(6)))
    with reception.database.reading() as db:
        tubes, kept = tubes_of(db, visit), changes_of(db, visit)
    assert told.count("changed") == len(kept)
    assert len(tubes) == 2 + len(kept)


def test_a_child_is_planned_with_the_volumes_of_its_age(reception: Reception) -> None:
    visit = reception.arrive()
    reception.prescribe(visit, "1104")
    assert planned(reception, visit).tubes[0].used == 300
    reception.recognise(visit, birth_date="20260102")
    made = planned(reception, visit)
    assert made.tubes[0].used == 100
    assert "nourrisson" in made.remarks[0]
