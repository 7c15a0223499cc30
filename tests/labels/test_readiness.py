"""What labels change in a visit, on both engines."""

import pytest

from kiosk.register.visits import State
from labels.planning.table import shipped
from labels.printing import NotRecognised
from labels.readiness import CallFirst, end_before_draw, label_visit
from labels.tubes import ReasonToGive, tubes_of
from tests.labels.reception import Reception


@pytest.mark.parametrize("state", [State.ARRIVED, State.PARKED, State.NO_SHOW, State.LEFT, State.CANCELLED])
def test_labels_never_come_out_for_an_empty_chair(reception: Reception, state: State) -> None:
    visit = reception.arrive()
    reception.recognise(visit)
    reception.prescribe(visit, "1104")
    with reception.database.transaction() as db:
        visit = db.merge(visit)
        visit.state = state
        with pytest.raises(CallFirst):
            label_visit(db, visit, shipped(), by="sophie", at=reception.at, chance=reception.chance, key="1" * 32)


def test_labels_make_the_file_ready_once(reception: Reception) -> None:
    visit = reception.arrive()
    reception.prescribe(visit, "1104")
    with reception.database.transaction() as db, pytest.raises(NotRecognised):
        label_visit(db, db.merge(visit), shipped(), by="sophie", at=reception.at, chance=reception.chance, key="1" * 32)
    reception.recognise(visit)
    with reception.database.transaction() as db:
        visit = db.merge(visit)
        made = [
            label_visit(db, visit, shipped(), by="sophie", at=reception.at, chance=reception.chance, key=str(turn) * 32)
            for turn in (2, 3)
        ]
        assert visit.state is State.REGISTERED
    assert {tube.sample_number for tube in made[0]} == {tube.sample_number for tube in made[1]}


def test_who_leaves_leaves_no_valid_label(reception: Reception) -> None:
    visit, _ = reception.labelled("1104")
    with reception.database.transaction() as db:
        visit = db.merge(visit)
        with pytest.raises(ReasonToGive):
            end_before_draw(db, visit, reason=" ", by="sophie", at=reception.at, chance=reception.chance, key="1" * 32)
        for _ in range(2):
            end_before_draw(
                db, visit, reason="parti", by="sophie", at=reception.at, chance=reception.chance, key="2" * 32
            )
        assert visit.state is State.CANCELLED
        assert tubes_of(db, visit) == []
