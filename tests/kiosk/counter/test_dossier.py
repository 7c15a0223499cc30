"""A visit's page: the right person, what they said, what was prescribed, and no name in an address."""

import re

import pytest

from kiosk.exams.prescriptions import exams_of, prescription_of
from kiosk.register.journal import RegisterText
from kiosk.register.patients import Identity, Patient, patient_of
from kiosk.register.visits import Visit
from kiosk.waiting import WhatWasSaid
from tests.kiosk.counter.conftest import Counter, Person, words_of


def known(counter: Counter, visit: Visit) -> Patient | None:
    with counter.room.database.reading() as db:
        return patient_of(db, visit.id)


def exams(counter: Counter, visit: Visit) -> list[str]:
    with counter.room.database.reading() as db:
        return [exam.nabm for exam in exams_of(db, visit.id)]


def comes(counter: Counter, person: Person) -> Visit:
    counter.arrives()
    return person.calls()


def test_what_was_said_at_the_door_stands_beside_the_search(counter: Counter) -> None:
    sophie = counter.sits()
    visit = counter.arrives(WhatWasSaid(kind="name", word="MOR", birth_date="19540203"))
    page = sophie.sees(f"/passage/{visit.id}")
    assert "MOR" in page
    assert "03/02/1954" in page


def test_a_new_person_gets_a_file_and_the_document_validates_it(counter: Counter) -> None:
    sophie = counter.sits()
    visit = comes(counter, sophie)
    page = sophie.opens_file(visit, used_name="Petit", given_names="Jeanne, , Marie")
    assert "MOREAU" in page
    person = known(counter, visit)
    assert person is not None
    assert (person.number, person.given_names, person.used_name) == (1, "Jeanne, Marie", "Petit")
    assert person.identity is Identity.VALIDATED


def test_without_document_the_identity_stays_provisional(counter: Counter) -> None:
    sophie = counter.sits()
    visit = comes(counter, sophie)
    assert "identité provisoire" in sophie.opens_file(visit, document="none").lower()


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"birth_date": "31/02/1954"}, "Cette date n'existe pas"),
        ({"birth_name": " - "}, "Il manque le nom de naissance"),
        ({"given_names": ", ,"}, "Il manque le nom de naissance ou le premier prénom"),
        ({"birth_place": "3523"}, "Le code du lieu de naissance a cinq signes"),
    ],
)
def test_a_wrong_trait_is_said_and_what_was_typed_is_kept(
    counter: Counter, changed: dict[str, str], sentence: str
) -> None:
    sophie = counter.sits()
    visit = comes(counter, sophie)
    told = {"birth_name": "Moreau", "given_names": "Jeanne", "birth_date": "03/02/1954", "sex": "F"}
    answer = sophie.sends(f"/passage/{visit.id}/nouveau", used_name="Petit", **told | changed)
    assert answer.status_code == 422
    assert sentence in answer.text.replace("&#39;", "'")
    assert 'value="Petit"' in answer.text
    assert known(counter, visit) is None


def test_a_namesake_of_the_same_date_is_shown_before_a_second_file_is_opened(counter: Counter) -> None:
    sophie = counter.sits()
    sophie.opens_file(comes(counter, sophie))
    sophie.does("/file/numero", purpose="walk_in")
    other = counter.sits("nadia", "Guichet 2")
    visit = other.calls()
    told = {
        "birth_name": "MOREAU", "given_names": "Julie", "birth_date": "03/02/1954", "sex": "F", "birth_place": "75056"
    }  # fmt: skip
    answer = other.sends(f"/passage/{visit.id}/nouveau", **told)
    assert answer.status_code == 422
    assert "Est-ce l'une de ces personnes" in answer.text.replace("&#39;", "'")
    assert "35238" in answer.text
    assert known(counter, visit) is None
    other.does(f"/passage/{visit.id}/nouveau", another="yes", **told)
    person = known(counter, visit)
    assert person is not None
    assert person.number == 2
    page = other.sees(f"/passage/{visit.id}/personne/{person.id}")
    assert "Mêmes nom et date de naissance" in page
    assert "35238" in page


def test_the_same_form_opens_one_file(counter: Counter) -> None:
    sophie = counter.sits()
    visit = comes(counter, sophie)
    for _ in range(2):
        sophie.opens_file(visit, form_key="d" * 32)
    with counter.room.database.reading() as db:
        assert db.query(Patient).count() == 1


def test_the_search_finds_as_one_types_and_its_address_holds_no_name(counter: Counter) -> None:
    sophie = counter.sits()
    visit = comes(counter, sophie)
    sophie.opens_file(visit)
    for typed in ("mor jea", "03/02/1954", "1"):
        answer = sophie.sends(f"/passage/{visit.id}/chercher", typed=typed)
        assert "MOREAU" in answer.text
    assert "Aucun dossier" in sophie.sends(f"/passage/{visit.id}/chercher", typed="zzz").text
    addresses = [rule.rule for rule in counter.room.app.url_map.iter_rules() if rule.endpoint.startswith("dossier.")]
    assert sophie.browser.get(f"/passage/{visit.id}/chercher").status_code == 405
    assert all("<uuid:" in one or one == "/examens/chercher" for one in addresses)


def test_a_known_person_is_recognised_with_the_document_seen(counter: Counter) -> None:
    sophie = counter.sits()
    sophie.opens_file(comes(counter, sophie), document="none")
    found = counter.sits("nadia", "Guichet 2")
    visit = comes(counter, found)
    row = re.search(rf"/passage/{visit.id}/personne/[0-9a-f-]+", found.sends(
        f"/passage/{visit.id}/chercher", typed="moreau").text)  # fmt: skip
    assert row
    assert "Quels sont vos nom" in found.sees(row[0])
    found.does(row[0], document="a forged word")
    person = known(counter, visit)
    assert person is not None
    assert person.identity is Identity.PROVISIONAL
    found.does(row[0], document="passport")
    person = known(counter, visit)
    assert person is not None
    assert person.identity is Identity.VALIDATED


def test_a_visit_with_labels_does_not_change_hands(counter: Counter) -> None:
    sophie = counter.sits()
    visit = sophie.labels("1104")
    first = known(counter, visit)
    other = counter.sits("nadia", "Guichet 2")
    second = comes(counter, other)
    other.opens_file(second, "Durand")
    stranger = known(counter, second)
    assert stranger is not None
    answer = sophie.sends(f"/passage/{visit.id}/personne/{stranger.id}", document="none")
    assert answer.status_code == 409
    assert "étiquettes" in words_of(answer)
    after = known(counter, visit)
    assert after is not None
    assert first is not None
    assert after.id == first.id


def test_exams_are_added_and_removed_without_being_kept(counter: Counter) -> None:
    sophie = counter.sits()
    visit = comes(counter, sophie)
    path = f"/passage/{visit.id}/examens/liste"
    page = sophie.sends(path, typed="nfs").text
    assert 'name="exam" value="1104"' in page
    page = sophie.sends(path, exam="1104", add="0552").text
    assert re.findall(r'name="exam" value="(\d+)"', page) == ["1104", "0552"]
    page = sophie.sends(path, exam=["1104", "0552"], remove="1104").text
    assert re.findall(r'name="exam" value="(\d+)"', page) == ["0552"]
    assert "pas au catalogue" in sophie.sends(path, typed="zzzz").text
    assert exams(counter, visit) == []
    assert "Hémogramme" in sophie.sends("/examens/chercher", typed="nfs").text


def test_a_prescription_is_entered_and_corrected(counter: Counter) -> None:
    sophie = counter.sits()
    visit = comes(counter, sophie)
    assert sophie.prescribes(visit, "1104", "0552", prescribed_on="20/11/2026", urgent="yes").status_code == 303
    assert exams(counter, visit) == ["1104", "0552"]
    page = sophie.sees(f"/passage/{visit.id}/ordonnance")
    assert "20/11/2026" in page
    assert "Dr Petit" in page
    counter.room.later(seconds=1)
    assert sophie.prescribes(visit, "0552").status_code == 303
    assert exams(counter, visit) == ["0552"]


def test_two_hands_on_one_prescription_do_not_overwrite_each_other(counter: Counter) -> None:
    sophie = counter.sits()
    visit = comes(counter, sophie)
    sophie.sees(f"/passage/{visit.id}/ordonnance")
    nadia = counter.sits("nadia", "Guichet 2")
    assert nadia.prescribes(visit, "1104").status_code == 303
    answer = sophie.sends(f"/passage/{visit.id}/ordonnance", exam=["0552"], version="")
    assert answer.status_code == 409
    assert exams(counter, visit) == ["1104"]


def test_the_same_prescription_sent_again_after_a_lost_answer_is_no_conflict(counter: Counter) -> None:
    sophie = counter.sits()
    visit = comes(counter, sophie)
    for _ in range(2):
        answer = sophie.sends(f"/passage/{visit.id}/ordonnance", exam=["1104"], version="", prescriber="Dr Petit")
        assert answer.status_code == 303
        counter.room.later(seconds=1)
    with counter.room.database.reading() as db:
        written = [text for text in db.query(RegisterText.text) if "prescription." in text[0]]
    assert len(written) == 1


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"exam": []}, "Aucun examen n'est choisi"),
        ({"exam": ["9999"]}, "Un examen n'est pas au catalogue"),
        ({"exam": ["1104"], "prescribed_on": "31/02/2026"}, "Cette date d'ordonnance n'existe pas"),
        ({"exam": ["1104"], "prescribed_on": "00/02/2026"}, "Cette date d'ordonnance n'existe pas"),
    ],
)
def test_what_is_wrong_on_a_prescription_is_said_and_kept(
    counter: Counter, typed: dict[str, str | list[str]], sentence: str
) -> None:
    sophie = counter.sits()
    visit = comes(counter, sophie)
    answer = sophie.sends(f"/passage/{visit.id}/ordonnance", version="", prescriber="Dr Petit", **typed)
    assert answer.status_code == 422
    assert sentence in answer.text.replace("&#39;", "'")
    assert "Dr Petit" in answer.text
    with counter.room.database.reading() as db:
        assert prescription_of(db, visit.id) is None


def test_a_sampler_does_not_open_files(counter: Counter) -> None:
    karim = counter.sits("karim", "Salle 1")
    visit = counter.arrives()
    assert karim.browser.get(f"/passage/{visit.id}").status_code == 403
    assert karim.sends(f"/passage/{visit.id}/nouveau", birth_name="Moreau").status_code == 403


def test_no_name_reaches_the_journal(counter: Counter) -> None:
    sophie = counter.sits()
    sophie.labels("1104")
    with counter.room.database.reading() as db:
        told = " ".join(text for (text,) in db.query(RegisterText.text)).casefold()
    assert "patient.recognised" in told
    assert "moreau" not in told
    assert "1104" not in told
