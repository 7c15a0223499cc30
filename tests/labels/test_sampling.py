"""The sampling room: who it is, then each tube proved; another patient's tube stops everything."""

import re
from dataclasses import replace

import pytest

from kiosk.booking.discretion import Decision, decide, mark_discreet
from kiosk.register.visits import State as VisitState
from kiosk.register.visits import Visit
from kiosk.ticket import code_of
from labels.bedside import Proof, WordFirst, identity_check_of
from labels.numbering import in_fours
from labels.printing import labels_of
from labels.scanning import Outcome, scans_of
from labels.tubes import State, Tube, tubes_of
from printers.moves import State as Printed
from printers.moves import Verb as PrintVerb
from printers.paper import LABEL_50X25, Paper
from tests.kiosk.counter.conftest import Counter, Person, words_of


@pytest.fixture
def karim(counter: Counter) -> Person:
    return counter.sits("karim", "Salle 1")


def sent(counter: Counter, *codes: str, name: str = "Moreau") -> Visit:
    """A patient with labels waits for the draw."""
    sophie = counter.sits()
    visit = sophie.labels(*codes, name=name)
    counter.sends_to_the_draw(visit.id)
    return visit


def test_a_room_calls_a_number_again(counter: Counter, karim: Person) -> None:
    visit = sent(counter, "1104")
    karim.does("/prelevement/appeler")
    karim.does(f"/prelevement/{visit.id}/rappeler")
    assert counter.visit(visit.id).state is VisitState.IN_ROOM


def test_a_room_gives_a_person_to_another_room_where_the_identity_is_asked_again(
    counter: Counter, karim: Person
) -> None:
    house = counter.room.app.extensions["house"]
    settings = replace(house.more["settings"], rooms=("Salle 1", "Salle 2"))
    counter.room.app.extensions["house"] = replace(house, more={**house.more, "settings": settings})
    visit = sent(counter, "1104")
    karim.does("/prelevement/appeler")
    page = karim.sees("/prelevement")
    assert "Donner à : Salle 2" in page
    assert "Donner à : Salle 1" not in page
    identified_by = karim.does(f"/prelevement/{visit.id}/identite", proof="said")
    assert "Qui est-ce" not in identified_by
    counter.room.later(seconds=5)
    assert karim.sends(f"/prelevement/{visit.id}/salle", desk="Guichet 1").status_code == 422
    karim.does(f"/prelevement/{visit.id}/salle", desk="Salle 2")
    moved = counter.visit(visit.id)
    assert (moved.state, moved.desk, moved.number) == (VisitState.IN_ROOM, "Salle 2", visit.number)
    with counter.room.database.reading() as db:
        assert identity_check_of(db, moved) is None


def test_a_room_sets_a_person_aside_and_the_counter_lets_it_come_back(counter: Counter, karim: Person) -> None:
    visit = sent(counter, "1104")
    karim.does("/prelevement/appeler")
    assert "mis de côté" in karim.does(f"/prelevement/{visit.id}/de-cote")
    counter.sits("nadia", "Guichet 2").does(f"/file/{visit.id}/de-retour")
    karim.does("/prelevement/appeler")
    assert counter.visit(visit.id).state is VisitState.IN_ROOM


def identified(karim: Person, visit: Visit, proof: str = "said") -> None:
    karim.does("/prelevement/appeler")
    karim.does(f"/prelevement/{visit.id}/identite", proof=proof)


def tubes(counter: Counter, visit: Visit) -> list[Tube]:
    with counter.room.database.reading() as db:
        return tubes_of(db, visit)


def outcomes(counter: Counter, visit: Visit) -> list[Outcome]:
    with counter.room.database.reading() as db:
        return [one.outcome for one in scans_of(db, visit)]


def scans(karim: Person, visit: Visit, number: str, **more: str) -> str:
    karim.counter.room.later(seconds=2)
    return karim.does(f"/prelevement/{visit.id}/tube", scanned=number, **more)


def test_from_the_call_to_the_last_tube(counter: Counter, karim: Person) -> None:
    visit = sent(counter, "1104", "0552")
    assert "Les prochains" in karim.sees("/prelevement")
    page = karim.does("/prelevement/appeler")
    assert "« Quels sont vos nom, prénom et date de naissance ? »" in page
    assert "MOREAU" in page
    page = karim.does(f"/prelevement/{visit.id}/identite", proof="said")
    assert "Scannez l'étiquette du tube 1" in page
    first, second = tubes(counter, visit)
    assert "C'est bien son tube" in scans(karim, visit, first.sample_number)
    assert "Terminer" in scans(karim, visit, second.sample_number)
    karim.does(f"/prelevement/{visit.id}/fin")
    assert counter.visit(visit.id).state is VisitState.LEFT
    drawn = tubes(counter, visit)
    assert {tube.state for tube in drawn} == {State.DRAWN}
    assert {tube.drawn_by for tube in drawn} == {str(counter.room.people["karim"].id)}
    assert all(tube.drawn_at is not None and tube.drawn_at <= counter.room.at for tube in drawn)


def test_another_patients_tube_stops_everything_until_it_is_answered(counter: Counter, karim: Person) -> None:
    visit = sent(counter, "1104")
    stranger = counter.sits("nadia", "Guichet 2").labels("1104", name="Durand")
    identified(karim, visit)
    (own,), (other,) = tubes(counter, visit), tubes(counter, stranger)
    page = scans(karim, visit, other.sample_number)
    assert "Ce tube est à un autre patient. Arrêtez." in page
    assert "DURAND" not in page
    assert in_fours(other.sample_number) in page
    assert "scanned" not in page
    assert "Arrêtez" in karim.sees("/prelevement")
    assert karim.sends(f"/prelevement/{visit.id}/tube", scanned=own.sample_number).status_code == 409
    assert karim.sends(f"/prelevement/{visit.id}/fin").status_code == 409
    assert [tube.state for tube in (*tubes(counter, visit), *tubes(counter, stranger))] == [State.PLANNED] * 2
    karim.does(f"/prelevement/{visit.id}/arret")
    assert "C'est bien son tube" in scans(karim, visit, own.sample_number)
    assert outcomes(counter, visit) == [Outcome.OTHER_PATIENT, Outcome.DRAWN]


def test_no_tube_before_the_patient_was_asked(counter: Counter, karim: Person) -> None:
    visit = sent(counter, "1104")
    (own,) = tubes(counter, visit)
    path = f"/prelevement/{visit.id}/tube"
    assert karim.sends(path, scanned=own.sample_number).status_code == 409
    karim.does("/prelevement/appeler")
    answer = karim.sends(path, scanned=own.sample_number)
    assert "Demandez d'abord" in words_of(answer)
    assert tubes(counter, visit)[0].state is State.PLANNED


@pytest.mark.parametrize("proof", [proof.value for proof in Proof])
def test_what_told_the_identity_is_kept(counter: Counter, karim: Person, proof: str) -> None:
    visit = sent(counter, "1104")
    identified(karim, visit, proof)
    with counter.room.database.reading() as db:
        check = identity_check_of(db, counter.visit(visit.id))
    assert check is not None
    assert check.proof == proof


def test_a_new_call_to_the_room_asks_again(counter: Counter, karim: Person) -> None:
    visit = sent(counter, "1104")
    identified(karim, visit)
    karim.does(f"/prelevement/{visit.id}/absent")
    counter.sits().does(f"/file/{visit.id}/de-retour")
    assert "Qui est-ce" in karim.does("/prelevement/appeler")


def test_a_second_label_of_one_tube_is_told(counter: Counter, karim: Person) -> None:
    visit = sent(counter, "1104", "0552")
    identified(karim, visit)
    first = tubes(counter, visit)[0].sample_number
    scans(karim, visit, first)
    assert "déjà appliquée" in scans(karim, visit, first)


def test_the_same_scan_sent_again_after_a_lost_answer_is_no_second_label(counter: Counter, karim: Person) -> None:
    visit = sent(counter, "1104", "0552")
    identified(karim, visit)
    first = tubes(counter, visit)[0].sample_number
    for _ in range(2):
        page = scans(karim, visit, first, form_key="a" * 32)
    assert "C'est bien son tube" in page
    assert outcomes(counter, visit) == [Outcome.DRAWN]


@pytest.mark.parametrize("typed", ["1234", "263250100015", "MOREAU"])
def test_what_is_no_sample_number_draws_nothing(counter: Counter, karim: Person, typed: str) -> None:
    visit = sent(counter, "1104")
    identified(karim, visit)
    page = karim.does(f"/prelevement/{visit.id}/tube", typed=typed)
    assert "ne forment pas un numéro" in page
    assert tubes(counter, visit)[0].state is State.PLANNED


def test_a_number_typed_by_hand_is_marked_as_typed(counter: Counter, karim: Person) -> None:
    visit = sent(counter, "1104")
    identified(karim, visit)
    number = tubes(counter, visit)[0].sample_number
    karim.does(f"/prelevement/{visit.id}/tube", typed=f"{number[:4]} {number[4:8]} {number[8:]}")
    with counter.room.database.reading() as db:
        (scan,) = scans_of(db, visit)
    assert (scan.outcome, scan.typed) == (Outcome.DRAWN, True)


def test_a_tube_out_of_order_is_a_remark_and_not_a_stop(counter: Counter, karim: Person) -> None:
    visit = sent(counter, "1104", "0127")
    identified(karim, visit)
    second = tubes(counter, visit)[1]
    page = scans(karim, visit, second.sample_number)
    assert "C'est bien son tube" in page
    assert "tube 1 pas encore scanné" in page


def test_the_draw_ends_only_when_every_tube_is_drawn_or_missing_with_a_reason(counter: Counter, karim: Person) -> None:
    visit = sent(counter, "1104", "0552")
    identified(karim, visit)
    first, second = tubes(counter, visit)
    scans(karim, visit, first.sample_number)
    assert karim.sends(f"/prelevement/{visit.id}/fin").status_code == 409
    path = f"/prelevement/{visit.id}/manque"
    assert karim.sends(path, tube=second.sample_number, reason="").status_code == 422
    assert "manque : refus du patient" in karim.does(path, tube=second.sample_number, reason="refus du patient")
    for _ in range(2):
        karim.does(f"/prelevement/{visit.id}/fin", form_key="b" * 32)
    assert counter.visit(visit.id).state is VisitState.LEFT


def test_a_scanned_label_proves_its_print_job(counter: Counter, karim: Person) -> None:
    visit = sent(counter, "1104")
    identified(karim, visit)
    number = tubes(counter, visit)[0].sample_number
    key = f"label/{number}/1"
    counter.spool.begin(key, at=counter.room.at)
    counter.spool.move(key, PrintVerb.DOUBT, by="station", at=counter.room.at)
    scans(karim, visit, number)
    job = counter.spool.job(key)
    assert job is not None
    assert job.state is Printed.CONFIRMED


def test_the_room_sees_three_numbers_and_no_name(counter: Counter, karim: Person) -> None:
    for name in ("Moreau", "Durand", "Petit", "Lemoine"):
        sent(counter, "1104", name=name)
    page = karim.sees("/prelevement")
    assert page.count('class="tag big"') == 3
    assert "4 personnes attendent" in page
    assert "MOREAU" not in page


def test_a_call_to_the_room_may_be_undone_or_missed(counter: Counter, karim: Person) -> None:
    visit = sent(counter, "1104")
    karim.does("/prelevement/appeler")
    karim.does(f"/prelevement/{visit.id}/annuler")
    assert counter.visit(visit.id).state is VisitState.WAITING
    karim.does("/prelevement/appeler")
    karim.does(f"/prelevement/{visit.id}/absent")
    assert counter.visit(visit.id).state is VisitState.NO_SHOW


def test_a_secretary_draws_nothing(counter: Counter) -> None:
    sophie = counter.sits()
    assert sophie.browser.get("/prelevement").status_code == 403
    assert sophie.sends("/prelevement/appeler").status_code == 403


def test_the_ticket_is_the_second_proof_and_another_one_is_refused(counter: Counter, karim: Person) -> None:
    visit = sent(counter, "1104")
    stranger = counter.arrives()
    page = karim.does("/prelevement/appeler")
    assert "Scannez le ticket" in page
    path = f"/prelevement/{visit.id}/ticket"
    refused = karim.sends(path, scanned=code_of(stranger.id))
    assert (refused.status_code, "celui d'un autre numéro" in words_of(refused)) == (409, True)
    assert f"C'est le ticket du numéro {visit.number}." in karim.does(path, scanned=code_of(visit.id))
    assert "ticket scanné" in karim.does(f"/prelevement/{visit.id}/identite", proof="said")


def test_the_sampler_sees_what_goes_on_ice(counter: Counter, karim: Person) -> None:
    visit = sent(counter, "1104", "0536")
    identified(karim, visit)
    assert karim.sees("/prelevement").count("<strong>sur glace</strong>") == 1


def test_a_draw_without_a_ticket_goes_on(counter: Counter, karim: Person) -> None:
    visit = sent(counter, "1104")
    identified(karim, visit)
    page = karim.sees("/prelevement")
    assert "Scannez l'étiquette du tube 1" in page
    assert "ticket scanné" not in page


def test_a_stop_and_a_second_label_are_heard_and_a_right_tube_is_not(counter: Counter, karim: Person) -> None:
    visit = sent(counter, "1104", "0552")
    stranger = counter.sits("nadia", "Guichet 2").labels("1104", name="Durand")
    identified(karim, visit)
    first = tubes(counter, visit)[0].sample_number
    assert "data-sound" not in scans(karim, visit, first)
    assert 'data-sound="warn"' in scans(karim, visit, first)
    assert 'data-sound="stop"' in scans(karim, visit, tubes(counter, stranger)[0].sample_number)


def test_a_scan_proves_no_copy_while_an_older_one_may_be_on_the_tube(counter: Counter, karim: Person) -> None:
    visit = sent(counter, "1104", "0552")
    for tube, known in zip(tubes(counter, visit), (PrintVerb.CONFIRM, PrintVerb.DOUBT), strict=True):
        key = f"label/{tube.sample_number}/1"
        counter.spool.begin(key, at=counter.room.at)
        counter.spool.move(key, PrintVerb.HAND_OVER, by="station", at=counter.room.at)
        counter.spool.move(key, known, by="station", at=counter.room.at)
    sophie = counter.sits()
    for position in ("1", "2"):
        path = f"/passage/{visit.id}/etiquettes/reimprimer"
        sophie.does(path, position=position, reason="jamais sortie")
        key = f"label/{tubes(counter, visit)[int(position) - 1].sample_number}/2"
        counter.spool.begin(key, at=counter.room.at)
        counter.spool.move(key, PrintVerb.DOUBT, by="station", at=counter.room.at)
    identified(karim, visit)
    told = []
    for tube in tubes(counter, visit):
        scans(karim, visit, tube.sample_number)
        job = counter.spool.job(f"label/{tube.sample_number}/2")
        assert job is not None
        told.append(job.state)
    # The first label of the first tube is known to be out: it may be the one that was scanned.
    assert told == [Printed.UNSURE, Printed.CONFIRMED]


def test_a_typed_number_says_so_in_the_list(counter: Counter, karim: Person) -> None:
    visit = sent(counter, "1104", "0552")
    identified(karim, visit)
    first, second = tubes(counter, visit)
    assert "numéro tapé" not in scans(karim, visit, first.sample_number)
    assert karim.does(f"/prelevement/{visit.id}/tube", typed=second.sample_number).count("numéro tapé") == 1


@pytest.mark.parametrize("flood", ["26325010", "1" * 5000, "<script>", "\x00", "٢" * 12])
def test_half_a_code_garbage_or_a_flood_draws_nothing_and_says_so(counter: Counter, karim: Person, flood: str) -> None:
    visit = sent(counter, "1104")
    identified(karim, visit)
    assert "ne forment pas un numéro" in scans(karim, visit, flood)
    assert tubes(counter, visit)[0].state is State.PLANNED


def marks(counter: Counter, visit: Visit) -> None:
    with counter.room.database.transaction("results") as db:
        mark_discreet(
            db, visit, by=counter.room.people["sophie"].id, power=counter.room.power, at=counter.room.at,
            chance=counter.chance, key="a" * 32,
        )  # fmt: skip


def agrees(counter: Counter, visit: Visit) -> None:
    with counter.room.database.transaction("results") as db:
        decide(
            db, visit.id, Decision.KEPT, by=counter.room.people["lenoir"].id, power=counter.room.power,
            at=counter.room.at, chance=counter.chance,
        )  # fmt: skip


def test_whoever_waits_for_a_biologist_is_no_number_on_the_samplers_screen(counter: Counter, karim: Person) -> None:
    visit = sent(counter, "1104")
    marks(counter, visit)
    page = karim.sees("/prelevement")
    assert "Une personne attend l'accord du biologiste" in page
    assert f">{visit.number}<" not in page
    assert "discr" not in page.lower().split("<main")[1]
    refused = karim.sends("/prelevement/appeler")
    assert refused.status_code == 409
    assert "Personne d'autre n'attend" in words_of(refused)


def test_marked_once_in_the_room_the_screen_says_at_once_what_to_do_and_nothing_else(
    counter: Counter, karim: Person
) -> None:
    visit = sent(counter, "1104")
    seen = karim.does("/prelevement/appeler")
    pane = re.search(r'hx-get="(/prelevement/[^"]+/accord[^"]*)"', seen)
    assert pane
    assert "HX-Refresh" not in karim.browser.get(pane[1]).headers
    labels = papers_of(counter, visit)
    marks(counter, visit)
    assert karim.browser.get(pane[1]).headers["HX-Refresh"] == "true"
    held = karim.sees("/prelevement")
    assert "Ne prélevez pas encore" in held
    assert "discr" not in held.lower().split("<main")[1]
    assert "/identite" not in held
    refused = karim.sends(f"/prelevement/{visit.id}/identite", proof="said")
    assert (refused.status_code, words_of(refused)) == (409, WordFirst.french)
    assert papers_of(counter, visit) == labels
    agrees(counter, visit)
    assert "Qui est-ce" in karim.sees("/prelevement")


def test_marked_when_the_needle_may_be_in_the_draw_ends_and_the_biologist_is_told(
    counter: Counter, karim: Person
) -> None:
    visit = sent(counter, "1104", "0552")
    karim.does("/prelevement/appeler")
    karim.does(f"/prelevement/{visit.id}/identite", proof="said")
    marks(counter, visit)
    held = karim.sees("/prelevement")
    assert 'name="needle_in"' in held
    number, *_ = numbers(counter, visit)
    assert karim.sends(f"/prelevement/{visit.id}/tube", scanned=number).status_code == 409
    seen = karim.does(f"/prelevement/{visit.id}/tube", scanned=number, needle_in="1")
    assert "C'est bien son tube" in seen
    assert "prévenez-le avant que la personne parte" in seen


def test_whoever_is_held_may_go_back_to_the_counter(counter: Counter, karim: Person) -> None:
    visit = sent(counter, "1104")
    karim.does("/prelevement/appeler")
    marks(counter, visit)
    karim.does(f"/prelevement/{visit.id}/au-guichet")
    assert counter.visit(visit.id).state is VisitState.ARRIVED


def numbers(counter: Counter, visit: Visit) -> list[str]:
    with counter.room.database.reading() as db:
        return [tube.sample_number for tube in tubes_of(db, visit)]


def papers_of(counter: Counter, visit: Visit) -> list[Paper]:
    with counter.room.database.reading() as db:
        return list(labels_of(db, visit, LABEL_50X25))
