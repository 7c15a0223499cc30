"""The week's searches by name that nothing followed: the journal knows each of them, and never what was typed."""

import json
import re
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.journal import RegisterText, ResultsText, verify
from kiosk.register.patients import Patient, patient_of
from results.handing.asking import HandOverRequest
from results.keeping.purge import purge
from results.keeping.searches import searchers
from tests.labels.reception import Reception
from tests.results.signing_room import SigningRoom
from tests.staffroom import CAST, Browser

C0, C3 = ReleaseClass.C0, ReleaseClass.C3


def sits(room: SigningRoom, login: str = "sophie") -> Browser:
    browser = room.desks.browser(login)
    browser.get("/remise")
    return browser


def types(room: SigningRoom, browser: Browser, typed: str) -> str:
    return unescape(browser.post("/remise/chercher", form_key=room.key(), typed=typed).text)


def gives(room: SigningRoom, browser: Browser, visit_id: UUID) -> None:
    answer = browser.post(f"/remise/{visit_id}/sans-code", form_key=room.key(), document="identity_card")
    assert answer.status_code == 303


def known(room: SigningRoom, birth_name: str, given_names: str = "Anne") -> UUID:
    """Somebody with a file, who came another day."""
    desks = room.desks
    reception = Reception(database=desks.database, site=desks.site(), at=desks.at, chance=desks.chance)
    visit = reception.arrive(next(desks.numbers))
    reception.recognise(visit, birth_name=birth_name, given_names=given_names, birth_date="19900101")
    with desks.database.reading() as db:
        patient = patient_of(db, visit.id)
        assert patient is not None
        return patient.id


def listed(room: SigningRoom) -> dict[str, tuple[int, list[tuple[str, int]]]]:
    """Name -> how many searches, and page and files of each that nothing followed, the latest first."""
    with room.desks.database.reading() as db:
        found = searchers(db, room.desks.site(), room.desks.room.power, at=room.desks.at)
    return {one.name: (one.count, [(made.place, len(made.shown)) for made in one.unfollowed]) for one in found}


def entries(room: SigningRoom, kind: type[RegisterText | ResultsText]) -> list[dict[str, Any]]:
    with room.desks.database.reading() as db:
        texts = [json.loads(text) for text in db.scalars(select(kind.text).order_by(kind.seq))]
    return [one for one in texts if one["act"] == "patient.searched"]


SOPHIE, LENOIR = CAST["sophie"][0], CAST["lenoir"][0]


def test_a_search_that_nothing_followed_is_listed_and_one_that_ended_in_a_hand_over_is_not(room: SigningRoom) -> None:
    visit_id = room.signed(C0)
    sophie = sits(room)
    assert listed(room) == {}
    types(room, sophie, "moreau")
    assert listed(room) == {SOPHIE: (1, [("Remise", 1)])}
    gives(room, sophie, visit_id)
    assert listed(room) == {SOPHIE: (1, [])}
    # What came before a search does not follow it.
    room.desks.later(minutes=5)
    types(room, sophie, "moreau")
    assert listed(room) == {SOPHIE: (2, [("Remise", 1)])}


def test_what_a_colleague_gives_does_not_follow_her_search(room: SigningRoom) -> None:
    visit_id = room.signed(C0)
    types(room, sits(room), "moreau")
    gives(room, sits(room, "nadia"), visit_id)
    assert listed(room) == {SOPHIE: (1, [("Remise", 1)])}


def test_a_hand_over_on_another_day_does_not_follow(room: SigningRoom) -> None:
    visit_id = room.signed(C0)
    types(room, sits(room), "moreau")
    room.desks.later(days=1)
    room.station.runs(room.desks.at, room.desks.chance)
    gives(room, sits(room), visit_id)
    assert listed(room) == {SOPHIE: (1, [("Remise", 1)])}


@pytest.mark.parametrize(("reply", "left"), [("coming", []), ("declined", [("Remise", 1)])])
def test_the_biologist_who_comes_follows_the_search_of_who_asked_her(
    room: SigningRoom, reply: str, left: list[tuple[str, int]]
) -> None:
    visit_id = room.signed(C3)
    sophie = sits(room)
    types(room, sophie, "moreau")
    sophie.post(f"/remise/{visit_id}/sans-code", form_key=room.key(), document="passport")
    assert sophie.post(f"/remise/{visit_id}/demande", form_key=room.key(), document="passport").status_code == 303
    with room.desks.database.reading() as db:
        (asked,) = db.scalars(select(HandOverRequest.id))
    lenoir = sits(room, "lenoir")
    lenoir.get("/remise/demandes")
    lenoir.post(f"/remise/demandes/{asked}", form_key=room.key(), reply=reply)
    assert listed(room) == {SOPHIE: (1, left)}


def test_a_search_at_a_visit_is_followed_when_one_of_the_files_is_recognised(room: SigningRoom) -> None:
    file_id = known(room, "DURAND")
    desks = room.desks
    reception = Reception(database=desks.database, site=desks.site(), at=desks.at, chance=desks.chance)
    visit = reception.arrive(next(desks.numbers))
    sophie = sits(room)
    found = sophie.post(f"/passage/{visit.id}/chercher", form_key=room.key(), typed="durand")
    assert "DURAND" in found.text
    assert listed(room) == {SOPHIE: (1, [("Passage", 1)])}
    done = sophie.post(f"/passage/{visit.id}/personne/{file_id}", form_key=room.key(), document="passport")
    assert done.status_code == 303
    assert listed(room) == {SOPHIE: (1, [])}


def test_files_of_the_same_name_and_date_that_a_new_one_brings_up_are_a_search(room: SigningRoom) -> None:
    known(room, "DURAND")
    desks = room.desks
    reception = Reception(database=desks.database, site=desks.site(), at=desks.at, chance=desks.chance)
    visit = reception.arrive(next(desks.numbers))
    traits = {"birth_name": "Durand", "given_names": "Paul", "birth_date": "01/01/1990", "sex": "M"}
    answer = sits(room).post(f"/passage/{visit.id}/nouveau", form_key=room.key(), document="none", **traits)
    assert "DURAND" in answer.text
    assert listed(room) == {SOPHIE: (1, [("Passage", 1)])}


def test_a_name_typed_letter_by_letter_is_one_search_for_the_fewest_files_that_were_shown(room: SigningRoom) -> None:
    for given_names in ("Anne", "Béa", "Chloé", "Denise", "Elsa", "Fanny"):
        known(room, "MARTIN", given_names)
    known(room, "MERCIER")
    sophie = sits(room)
    for typed in ("m", "ma", "mar", "martin", "martin c", "martin ch"):
        room.desks.later(seconds=2)
        types(room, sophie, typed)
    assert listed(room) == {SOPHIE: (1, [("Remise", 1)])}
    # Another name is another search, at once or after a pause; nobody found is none.
    types(room, sophie, "mercier")
    types(room, sophie, "zzz")
    room.desks.later(minutes=3)
    types(room, sophie, "mercier")
    assert listed(room) == {SOPHIE: (3, [("Remise", 1)] * 3)}


def test_a_neighbour_looked_up_just_before_the_patient_is_listed(room: SigningRoom) -> None:
    visit_id = room.signed(C0)
    known(room, "DURAND")
    sophie = sits(room)
    types(room, sophie, "durand")
    types(room, sophie, "moreau")
    gives(room, sophie, visit_id)
    assert listed(room) == {SOPHIE: (2, [("Remise", 1)])}


def test_after_seven_days_a_search_is_in_no_list(room: SigningRoom) -> None:
    room.signed(C0)
    types(room, sits(room), "moreau")
    room.desks.later(days=6, hours=23)
    assert listed(room) == {SOPHIE: (1, [("Remise", 1)])}
    room.desks.later(hours=2)
    assert listed(room) == {}


def test_the_journals_know_the_files_and_never_what_was_typed(room: SigningRoom) -> None:
    visit_id = room.signed(C0)
    sophie = sits(room)
    types(room, sophie, "moreau")
    sophie.post(f"/passage/{visit_id}/chercher", form_key=room.key(), typed="moreau")
    with room.desks.database.reading() as db:
        (patient,) = db.scalars(select(Patient))
        assert verify(db, "results").sound
        assert verify(db, "register").sound
    for kind in (RegisterText, ResultsText):
        (entry,) = entries(room, kind)
        assert (entry["by"], entry["found"]) == (room.desks.sophie.hex, 1)
        assert entry["patient_1"] == patient.id.hex
        assert set(entry) == {"act", "at", "by", "found", "patient_1"}


def test_nobody_is_shown_whom_the_journal_does_not_know(room: SigningRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the entry cannot be written, no name is shown."""
    room.signed(C0)
    sophie = sits(room)

    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("the disk is full")

    monkeypatch.setattr("kiosk.register.patients.write", fails)
    answer = sophie.post("/remise/chercher", form_key=room.key(), typed="moreau")
    assert (answer.status_code, "MOREAU" in answer.text) == (500, False)


def test_the_words_go_after_twelve_months(room: SigningRoom) -> None:
    room.signed(C0)
    types(room, sits(room), "moreau")
    desks = room.desks
    desks.later(days=360)
    purge(desks.database, desks.keys, by="test", at=desks.at, chance=desks.chance)
    assert len(entries(room, ResultsText)) == 1
    desks.later(days=10)
    purge(desks.database, desks.keys, by="test", at=desks.at, chance=desks.chance)
    assert entries(room, ResultsText) == []


def test_a_biologist_reads_the_name_and_an_administrator_a_mark(room: SigningRoom) -> None:
    room.signed(C0)
    types(room, sits(room), "moreau")
    with room.desks.database.reading() as db:
        (patient,) = db.scalars(select(Patient))
    mark = patient.id.hex[-8:]
    shown = {}
    for login in ("lenoir", "alex"):
        text = unescape(room.desks.browser(login).get("/recherches").text)
        shown[login] = re.sub(r"<[^>]+>", " ", text[text.index("<main") :])
        assert SOPHIE in shown[login]
        assert "1 recherche par nom" in shown[login]
    assert ("MOREAU Jeanne" in shown["lenoir"], mark in shown["lenoir"]) == (True, False)
    assert ("MOREAU" in shown["alex"], mark in shown["alex"]) == (False, True)


def test_nobody_else_reads_the_list(room: SigningRoom) -> None:
    for login in ("sophie", "karim", "roux"):
        browser = room.desks.browser(login)
        assert browser.get("/recherches").status_code == 403
        assert 'href="/recherches"' not in browser.get("/").text
    # Without a search the page says so.
    assert "Personne n'a cherché" in unescape(room.desks.browser("lenoir").get("/recherches").text)
