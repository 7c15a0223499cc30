"""What is asked and proved at the patient's side, on both engines."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from uuid import UUID

import pytest

from kiosk.booking.discretion import Decision, decide, mark_discreet
from kiosk.counter.turns import rank_and_call
from kiosk.register.staff import Power
from kiosk.register.visits import NotNow, Stage, State, Visit
from kiosk.ticket import code_of
from labels.bedside import (
    AskFirst,
    Proof,
    StopFirst,
    TicketOfAnother,
    TubesLeft,
    WordFirst,
    answer_stop,
    confirm_identity,
    finish,
    identity_check_of,
    last_scan,
    prove_ticket,
    scan_tube,
    stop_of,
    ticket_proof_of,
    waits_for_word,
)
from labels.scanning import Outcome
from labels.tubes import Tube
from results.trust.power import KeyRingPower
from tests.labels.reception import Reception
from tests.results.vault.ring import make_ring


@pytest.fixture
def in_room(reception: Reception) -> tuple[Visit, list[Tube]]:
    """A patient with two labels, called to the room."""
    visit, tubes = reception.labelled("1104", "0552")
    with reception.database.transaction() as db:
        visit = db.merge(visit)
        visit.state, visit.stage, visit.desk = State.IN_ROOM, Stage.SAMPLING, "Salle 1"
        visit.called_at = reception.at
    return visit, tubes


def asked(reception: Reception, visit: Visit, power: Power | None = None) -> None:
    with reception.database.transaction() as db:
        confirm_identity(
            db, db.merge(visit), Proof.SAID, by="karim", at=reception.at, chance=reception.chance, key="a" * 32,
            power=power,
        )  # fmt: skip


def scanned(
    reception: Reception, visit: Visit, number: str, key: str, power: Power | None = None, *, is_needle_in: bool = False
) -> Outcome:
    with reception.database.transaction() as db:
        return scan_tube(
            db, db.merge(visit), number, typed=False, by="karim", at=reception.at, chance=reception.chance, key=key,
            power=power, is_needle_in=is_needle_in,
        ).outcome  # fmt: skip


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


@pytest.fixture
def power(tmp_path: Path) -> Power:
    ring, _ = make_ring(tmp_path / "keys")
    return KeyRingPower(ring, biologist_fingerprint=sha256(ring.signers["lenoir"]).hexdigest())


@pytest.fixture
def called(reception: Reception, power: Power) -> tuple[Visit, list[Tube]]:
    """A patient with two labels, called to the room by the claim of every call."""
    visit, tubes = reception.labelled("1104", "0552")
    with reception.database.transaction() as db:
        waiting = db.merge(visit)
        waiting.state, waiting.stage = State.WAITING, Stage.SAMPLING
    visit = rank_and_call(
        reception.database, reception.site, Stage.SAMPLING, desk="Salle 1", by="karim", at=reception.at,
        chance=reception.chance, key="c" * 32, power=power,
    )  # fmt: skip
    return visit, tubes


def marked(reception: Reception, visit: Visit, power: Power) -> None:
    with reception.database.transaction("results") as db:
        mark_discreet(
            db, visit, by=UUID(int=4), power=power, at=reception.at, chance=reception.chance, key="d" * 32
        )  # fmt: skip


def decided(reception: Reception, visit: Visit, decision: Decision, power: Power) -> None:
    with reception.database.transaction("results") as db:
        decide(db, visit.id, decision, by=UUID(int=5), power=power, at=reception.at, chance=reception.chance)


@pytest.mark.parametrize("decision", list(Decision))
def test_marked_after_the_call_nobody_is_drawn_before_the_biologists_word(
    reception: Reception, called: tuple[Visit, list[Tube]], power: Power, decision: Decision
) -> None:
    visit, (first, _) = called
    marked(reception, visit, power)
    with pytest.raises(WordFirst):
        asked(reception, visit, power)
    decided(reception, visit, decision, power)
    asked(reception, visit, power)
    assert scanned(reception, visit, first.sample_number, "1" * 32, power) is Outcome.DRAWN


def test_marked_after_the_question_the_first_tube_is_refused(
    reception: Reception, called: tuple[Visit, list[Tube]], power: Power
) -> None:
    visit, (first, _) = called
    asked(reception, visit, power)
    marked(reception, visit, power)
    with pytest.raises(WordFirst):
        scanned(reception, visit, first.sample_number, "1" * 32, power)
    decided(reception, visit, Decision.KEPT, power)
    assert scanned(reception, visit, first.sample_number, "2" * 32, power) is Outcome.DRAWN


@pytest.mark.parametrize("begun", ["drawn before the mark", "needle in at the mark"])
def test_a_draw_that_has_begun_is_never_broken_off(
    reception: Reception, called: tuple[Visit, list[Tube]], power: Power, begun: str
) -> None:
    visit, (first, second) = called
    asked(reception, visit, power)
    if begun == "drawn before the mark":
        scanned(reception, visit, first.sample_number, "1" * 32, power)
        marked(reception, visit, power)
    else:
        marked(reception, visit, power)
        drawn = scanned(reception, visit, first.sample_number, "1" * 32, power, is_needle_in=True)
        assert drawn is Outcome.DRAWN
    assert scanned(reception, visit, second.sample_number, "2" * 32, power) is Outcome.DRAWN
    with reception.database.transaction() as db:
        finish(db, db.merge(visit), by="karim", at=reception.at, chance=reception.chance, key="3" * 32)


def test_a_decision_that_nobody_can_vouch_for_keeps_the_draw_waiting(
    reception: Reception, called: tuple[Visit, list[Tube]], power: Power
) -> None:
    visit, _ = called
    marked(reception, visit, power)
    decided(reception, visit, Decision.LIFTED, power)
    with reception.database.reading() as db:
        assert waits_for_word(db, visit, power=None)
        assert not waits_for_word(db, visit, power=power)


def test_marks_and_questions_at_the_same_time_never_let_an_undecided_one_be_drawn(
    reception: Reception, called: tuple[Visit, list[Tube]], power: Power
) -> None:
    """Every act asks again: whichever of them comes first, no tube is drawn after the mark without the word."""
    visit, (first, _) = called
    with ThreadPoolExecutor(2) as desks:
        mark = desks.submit(marked, reception, visit, power)
        with suppress(WordFirst):
            desks.submit(asked, reception, visit, power).result()
        mark.result()
    with pytest.raises((WordFirst, AskFirst)):
        scanned(reception, visit, first.sample_number, "1" * 32, power)
