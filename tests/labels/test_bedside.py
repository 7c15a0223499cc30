"""What is asked and proved at the patient's side, on both engines."""

from datetime import timedelta

import pytest

from kiosk.register.visits import NotNow, Stage, State, Visit
from kiosk.ticket import code_of
from labels.bedside import (
    AskFirst,
    Proof,
    StopFirst,
    TicketOfAnother,
    TubesLeft,
    answer_stop,
    confirm_identity,
    finish,
    identity_check_of,
    last_scan,
    prove_ticket,
    scan_tube,
    stop_of,
    ticket_proof_of,
)
from labels.scanning import Outcome
from labels.tubes import Tube
from tests.labels.reception import Reception


@pytest.fixture
def in_room(reception: Reception) -> tuple[Visit, list[Tube]]:
    """A patient with two labels, called to the room."""
    visit, tubes = reception.labelled("1104", "0552")
    with reception.database.transaction() as db:
        visit = db.merge(visit)
        visit.state, visit.stage, visit.desk = State.IN_ROOM, Stage.SAMPLING, "Salle 1"
        visit.called_at = reception.at
    return visit, tubes


def asked(reception: Reception, visit: Visit) -> None:
    with reception.database.transaction() as db:
        confirm_identity(
            db, db.merge(visit), Proof.SAID, by="karim", at=reception.at, chance=reception.chance, key="a" * 32
        )


def scanned(reception: Reception, visit: Visit, number: str, key: str) -> Outcome:
    with reception.database.transaction() as db:
        return scan_tube(
            db, db.merge(visit), number, typed=False, by="karim", at=reception.at, chance=reception.chance, key=key
        ).outcome


def test_the_needle_waits_for_the_question(reception: Reception, in_room: tuple[Visit, list[Tube]]) -> None:
    visit, (first, _) = in_room
    with pytest.raises(AskFirst):
        scanned(reception, visit, first.sample_number, "1" * 32)
    asked(reception, visit)
    assert scanned(reception, visit, first.sample_number, "2" * 32) is Outcome.DRAWN


def test_the_question_is_asked_in_the_room_only(reception: Reception) -> None:
    visit, _ = reception.labelled("1104")
    with pytest.raises(NotNow):
        asked(reception, visit)


def test_a_later_call_makes_the_question_new(reception: Reception, in_room: tuple[Visit, list[Tube]]) -> None:
    visit, _ = in_room
    asked(reception, visit)
    with reception.database.transaction() as db:
        visit = db.merge(visit)
        assert identity_check_of(db, visit) is not None
        visit.called_at = reception.at + timedelta(minutes=5)
        assert identity_check_of(db, visit) is None


def test_a_stop_holds_until_it_is_answered(reception: Reception, in_room: tuple[Visit, list[Tube]]) -> None:
    visit, (first, _) = in_room
    _, (other,) = reception.labelled("1104", number=2)
    asked(reception, visit)
    assert scanned(reception, visit, other.sample_number, "1" * 32) is Outcome.OTHER_PATIENT
    with pytest.raises(StopFirst):
        scanned(reception, visit, first.sample_number, "2" * 32)
    with reception.database.transaction() as db:
        visit = db.merge(visit)
        with pytest.raises(StopFirst):
            finish(db, visit, by="karim", at=reception.at, chance=reception.chance, key="3" * 32)
        for _ in range(2):
            answer_stop(db, visit, by="karim", at=reception.at)
        assert stop_of(db, visit) is None
    assert scanned(reception, visit, first.sample_number, "4" * 32) is Outcome.DRAWN


def test_one_form_is_one_scan(reception: Reception, in_room: tuple[Visit, list[Tube]]) -> None:
    visit, (first, _) = in_room
    asked(reception, visit)
    assert [scanned(reception, visit, first.sample_number, "1" * 32) for _ in range(2)] == [Outcome.DRAWN] * 2
    assert scanned(reception, visit, first.sample_number, "2" * 32) is Outcome.ALREADY_APPLIED
    with reception.database.reading() as db:
        told = last_scan(db, visit)
    assert told is not None
    assert told.sample_number == first.sample_number


def test_a_draw_with_open_tubes_does_not_end(reception: Reception, in_room: tuple[Visit, list[Tube]]) -> None:
    visit, tubes = in_room
    asked(reception, visit)
    for turn, tube in enumerate(tubes):
        with reception.database.transaction() as db, pytest.raises(TubesLeft):
            finish(db, db.merge(visit), by="karim", at=reception.at, chance=reception.chance, key="9" * 32)
        scanned(reception, visit, tube.sample_number, str(turn) * 32)
    with reception.database.transaction() as db:
        visit = db.merge(visit)
        for _ in range(2):
            finish(db, visit, by="karim", at=reception.at, chance=reception.chance, key="9" * 32)
        assert visit.state is State.LEFT


def test_the_ticket_in_the_hand_is_the_one_of_the_number_called(
    reception: Reception, in_room: tuple[Visit, list[Tube]]
) -> None:
    visit, (first, _) = in_room
    other, _ = reception.labelled("1104", number=2)

    def shows(code: str) -> None:
        with reception.database.transaction() as db:
            prove_ticket(db, db.merge(visit), code, by="karim", at=reception.at)

    for wrong in (code_of(other.id), first.sample_number, "", "x" * 5000):
        with pytest.raises(TicketOfAnother):
            shows(wrong)
    with reception.database.reading() as db:
        assert ticket_proof_of(db, visit) is None
    for _ in range(2):
        shows(code_of(visit.id) + "\r")
    with reception.database.transaction() as db:
        visit = db.merge(visit)
        assert ticket_proof_of(db, visit) is not None
        visit.called_at = reception.at + timedelta(minutes=5)
        assert ticket_proof_of(db, visit) is None
    with pytest.raises(NotNow), reception.database.transaction() as db:
        prove_ticket(db, db.merge(other), code_of(other.id), by="karim", at=reception.at)
