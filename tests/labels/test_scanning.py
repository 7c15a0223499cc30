"""Scan-to-verify: the right tube is drawn, every other one stops the hand, and no scan is forgotten."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

import pytest

from kiosk.exams.prescriptions import exams_of
from kiosk.register.visits import Visit
from labels.numbering import in_fours, sample_number
from labels.planning.plan import plan
from labels.planning.table import shipped
from labels.printing import void_tubes
from labels.scanning import FRENCH, Outcome, Verified, scan, scans_of
from labels.tubes import State, Tube, miss, tubes_of
from tests.labels.reception import Reception


def scanned(reception: Reception, visit: Visit, what: str, *, typed: bool = False) -> Verified:
    with reception.database.transaction() as db:
        return scan(
            db, visit=visit, scanned=what, by="karim", at=reception.at + timedelta(minutes=9),
            chance=reception.chance, typed=typed,
        )  # fmt: skip


def states(reception: Reception, visit: Visit) -> list[State]:
    with reception.database.reading() as db:
        return [tube.state for tube in tubes_of(db, visit)]


def outcomes(reception: Reception, visit: Visit) -> list[Outcome]:
    with reception.database.reading() as db:
        return [one.outcome for one in scans_of(db, visit)]


def test_the_patients_own_tube_is_drawn_with_the_true_hour_and_hand(reception: Reception) -> None:
    visit, tubes = reception.labelled("1104", "1208")
    answer = scanned(reception, visit, tubes[0].sample_number + "\r")
    assert (answer.right, answer.left, answer.skipped) == (True, 1, ())
    with reception.database.reading() as db:
        drawn = db.get_one(Tube, tubes[0].id)
        assert (drawn.state, drawn.drawn_by) == (State.DRAWN, "karim")
        assert drawn.drawn_at == reception.at + timedelta(minutes=9)


def test_a_tube_of_another_patient_stops_everything_and_changes_no_tube(reception: Reception) -> None:
    visit, _ = reception.labelled("1104")
    other, others = reception.labelled("1104", number=2)
    answer = scanned(reception, visit, others[0].sample_number)
    assert answer.outcome is Outcome.OTHER_PATIENT
    assert answer.french == "Ce tube est à un autre patient. Arrêtez."
    assert answer.tube is None
    assert states(reception, visit) == states(reception, other) == [State.PLANNED]
    assert outcomes(reception, visit) == [Outcome.OTHER_PATIENT]
    assert outcomes(reception, other) == []


def test_every_tube_of_every_other_patient_is_refused(reception: Reception) -> None:
    made = [reception.labelled("1104", "1208", "0126", number=number) for number in range(1, 5)]
    for visit, own in made:
        mine = {tube.sample_number for tube in own}
        for _, tubes in made:
            for tube in tubes:
                if tube.sample_number not in mine:
                    assert scanned(reception, visit, tube.sample_number).outcome is Outcome.OTHER_PATIENT
    assert {state for visit, _ in made for state in states(reception, visit)} == {State.PLANNED}


def test_a_label_that_names_someone_else_than_the_person_recognised_now_stops_everything(reception: Reception) -> None:
    visit, tubes = reception.labelled("1104")
    reception.recognise(visit, birth_name="DIALLO", given_names="Amadou")
    answer = scanned(reception, visit, tubes[0].sample_number)
    assert (answer.outcome, answer.tube) == (Outcome.OTHER_PATIENT, None)
    assert states(reception, visit) == [State.PLANNED]


def test_the_same_label_twice_is_loud_and_keeps_the_first_hour(reception: Reception) -> None:
    visit, tubes = reception.labelled("1104")
    scanned(reception, visit, tubes[0].sample_number)
    with reception.database.transaction() as db:
        again = scan(
            db, visit=visit, scanned=tubes[0].sample_number, by="nadia", at=reception.at + timedelta(hours=1),
            chance=reception.chance,
        )  # fmt: skip
    assert (again.outcome, again.right) == (Outcome.ALREADY_APPLIED, False)
    with reception.database.reading() as db:
        assert db.get_one(Tube, tubes[0].id).drawn_by == "karim"
    assert outcomes(reception, visit) == [Outcome.DRAWN, Outcome.ALREADY_APPLIED]


def test_a_void_label_is_refused(reception: Reception) -> None:
    visit, tubes = reception.labelled("1104")
    with reception.database.transaction() as db:
        void_tubes(db, visit, reason="ordonnance corrigée", by="sophie", at=reception.at, chance=reception.chance)
    assert scanned(reception, visit, tubes[0].sample_number).outcome is Outcome.VOID


def test_a_number_that_was_never_given_is_unknown(reception: Reception) -> None:
    visit, _ = reception.labelled("1104")
    assert scanned(reception, visit, sample_number(2026, 325, 1, 777)).outcome is Outcome.UNKNOWN_TUBE


def test_what_is_no_sample_number_is_told_and_not_kept(reception: Reception) -> None:
    visit, _ = reception.labelled("1104")
    answer = scanned(reception, visit, "2 54 02 29 114 123 45")
    assert answer.outcome is Outcome.NOT_A_TUBE
    with reception.database.reading() as db:
        assert [(one.sample_number, one.outcome) for one in scans_of(db, visit)] == [(None, Outcome.NOT_A_TUBE)]


def test_one_wrong_digit_is_no_tube_at_all(reception: Reception) -> None:
    visit, tubes = reception.labelled("1104")
    right = tubes[0].sample_number
    for place in range(12):
        wrong = right[:place] + str((int(right[place]) + 1) % 10) + right[place + 1 :]
        assert scanned(reception, visit, wrong).outcome is Outcome.NOT_A_TUBE


def test_a_typed_number_is_marked_as_typed(reception: Reception) -> None:
    visit, tubes = reception.labelled("1104")
    assert scanned(reception, visit, in_fours(tubes[0].sample_number), typed=True).right
    with reception.database.reading() as db:
        assert [one.typed for one in scans_of(db, visit)] == [True]


def test_out_of_draw_order_is_a_remark_and_no_stop(reception: Reception) -> None:
    visit, tubes = reception.labelled("0126", "1208", "1104")
    answer = scanned(reception, visit, tubes[2].sample_number)
    assert (answer.right, answer.skipped, answer.left) == (True, (1, 2), 2)


def test_a_missing_tube_that_is_found_is_drawn(reception: Reception, at: datetime) -> None:
    visit, tubes = reception.labelled("1104")
    with reception.database.transaction() as db:
        miss(db, visit, tubes[0].sample_number, reason="échec", by="karim", at=at, chance=reception.chance)
    assert scanned(reception, visit, tubes[0].sample_number).right
    with reception.database.reading() as db:
        assert db.get_one(Tube, tubes[0].id).reason is None


def test_of_eight_scans_at_once_one_draws(reception: Reception) -> None:
    visit, tubes = reception.labelled("1104")

    def hand(number: int) -> Outcome:
        with reception.database.transaction() as db:
            return scan(
                db, visit=visit, scanned=tubes[0].sample_number, by=f"hand {number}", at=reception.at,
                chance=Random(number).randbytes,
            ).outcome  # fmt: skip

    with ThreadPoolExecutor(8) as hands:
        found = sorted(hands.map(hand, range(8)))
    assert found == [Outcome.ALREADY_APPLIED] * 7 + [Outcome.DRAWN]


@pytest.mark.parametrize("outcome", list(Outcome))
def test_every_outcome_has_its_sentence(outcome: Outcome) -> None:
    assert FRENCH[outcome].endswith((".", "…"))


def test_the_label_of_an_aliquot_is_no_tube_of_the_draw(reception: Reception) -> None:
    visit = reception.arrive()
    reception.recognise(visit)
    reception.prescribe(visit, "1208", "1374")
    with reception.database.reading() as db:
        made = plan(exams_of(db, visit.id), rules=replace(shipped(), send_out=frozenset({"1374"})))
    serum, aliquot = reception.number(visit, made)
    assert scanned(reception, visit, aliquot.sample_number).outcome is Outcome.ALIQUOT
    answer = scanned(reception, visit, serum.sample_number)
    assert (answer.right, answer.left) == (True, 0)
    other, _ = reception.labelled("1104", number=2)
    assert scanned(reception, other, aliquot.sample_number).outcome is Outcome.OTHER_PATIENT
    with reception.database.reading() as db:
        assert db.get_one(Tube, aliquot.id).state is State.PLANNED


@pytest.mark.parametrize("what", ["26325010", "263250100014" * 2, "5" * 5000, "\x00\x1b[A", "é" * 12, "²" * 12, ""])
def test_half_a_code_garbage_or_a_flood_is_no_tube_and_nothing_of_it_is_kept(reception: Reception, what: str) -> None:
    visit, _ = reception.labelled("1104")
    assert scanned(reception, visit, what).outcome is Outcome.NOT_A_TUBE
    with reception.database.reading() as db:
        assert [one.sample_number for one in scans_of(db, visit)] == [None]
    assert states(reception, visit) == [State.PLANNED]
