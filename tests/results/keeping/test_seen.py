"""Who looked at my result: everyone who did, in words that say nothing of a result, for a biologist alone to print."""

import re
from html import unescape
from uuid import UUID

import pytest
from sqlalchemy import select

from kiosk.exams.catalogue import ReleaseClass
from kiosk.formats.damm import check_digit
from kiosk.register.journal import Act, ResultsText, write
from kiosk.register.visits import visit_of
from results.keeping.purge import purge
from results.keeping.seen import TOLD, who_looked
from results.matrix import Channel, Person
from results.reports.versions import Report
from results.vault.counters import Shut
from results.vault.dossiers import Slip
from results.vault.releases import Course, Weighed, enter_release
from tests.results.cast import PIN
from tests.results.signing_room import VALUE, SigningRoom
from tests.staffroom import Browser

C0, C3 = ReleaseClass.C0, ReleaseClass.C3


def told(room: SigningRoom, visit_id: UUID) -> list[tuple[str, str, str, str]]:
    with room.desks.database.reading() as db:
        looks = who_looked(db, visit_id, room.desks.room.power)
    assert looks == sorted(looks, key=lambda one: one.at)
    return [(one.who, one.role, one.way, one.what) for one in looks]


def asks(room: SigningRoom, browser: Browser, visit_id: UUID, document: str = "identity_card") -> tuple[int, str]:
    browser.get(f"/passage/{visit_id}/consultations")
    answer = browser.post(f"/passage/{visit_id}/consultations", form_key=room.key(), document=document)
    return answer.status_code, unescape(answer.text)


def releases(room: SigningRoom, dossier_id: UUID, report_id: UUID) -> None:
    """Sophie tells it by telephone."""
    weighed = Weighed(
        course=Course.TELL, items=((report_id, 1),), matrix_version=1, channel=Channel.PHONE, person=Person.WITH_CODE
    )
    with room.desks.database.transaction("results") as db:
        enter_release(
            db, weighed, site_id=room.desks.site().id, dossier_id=dossier_id, attempt_id=None, by=room.desks.sophie,
            at=room.desks.at, chance=room.desks.chance,
        )  # fmt: skip


def test_nobody_has_looked_before_anybody_has(room: SigningRoom) -> None:
    visit = room.desks.visit(C0)
    assert told(room, visit.id) == []
    code, text = asks(room, room.desks.browser("lenoir"), visit.id)
    assert code == 200
    assert "Personne n'a ouvert" in text


def test_each_look_has_a_name_a_role_a_way_and_words(room: SigningRoom) -> None:
    report_id = room.unsigned(C3)
    with room.desks.database.reading() as db:
        dossier_id = db.get_one(Report, report_id).dossier
    assert dossier_id is not None
    visit_id = room.visit_of(dossier_id)
    lenoir = room.unlocked()
    lenoir.get("/signature")
    lenoir.post(f"/signature/{report_id}/ouvrir", form_key=room.key())
    room.desks.later(minutes=5)
    releases(room, dossier_id, report_id)
    names = {one.id: one.name for one in room.desks.room.people.values()}
    biologist, secretary = names[room.desks.room.people["lenoir"].id], names[room.desks.sophie]
    assert told(room, visit_id) == [
        (biologist, "Biologiste", "à l'écran", "Pli scellé ouvert par un biologiste"),
        (biologist, "Biologiste", "à l'écran", "Compte rendu ouvert pour être lu"),
        (secretary, "Secrétaire", "par téléphone", "Résultat communiqué au patient, avec le code du talon"),
    ]
    # Another visit's list holds nothing of it.
    assert told(room, room.desks.visit(C3).id) == []


def test_a_call_and_a_wrong_code_are_told_and_the_code_is_not(room: SigningRoom) -> None:
    desks = room.desks
    issued = desks.ready(C0, b"MSH|^~\\&|\r")
    visit_id = _visit_of_slip(room, issued.slip_id)
    desks.later(minutes=61)
    sophie = desks.browser("sophie")
    sophie.get("/telephone")
    digits = issued.handle + check_digit(issued.handle)
    sophie.post("/telephone/reference", form_key=room.key(), handle_digits=digits)
    found = [line for line in told(room, visit_id) if line[3] == "Appel reçu à propos de ce passage"]
    assert len(found) == 1
    with desks.database.transaction("results") as db:
        write(
            db, "results", Act.ATTEMPT_REFUSED, by=desks.sophie, at=desks.at, chance=desks.chance, slip=issued.slip_id,
            line=1, why=Shut.NO_LINE,
        )  # fmt: skip
    code, text = asks(room, desks.browser("lenoir"), visit_id)
    assert code == 200
    assert "Code essayé : rien n'a été communiqué" in text
    for secret in (issued.handle, PIN, *issued.codes):
        assert secret not in text


def test_whoever_opened_a_visit_by_its_ticket_is_named(room: SigningRoom) -> None:
    visit_id = room.signed(C0)
    with room.desks.database.reading() as db:
        visit = visit_of(db, visit_id)
    sophie = room.desks.browser("sophie")
    sophie.get("/remise")
    opened = sophie.post("/remise/ticket", number=str(visit.number), day=f"{visit.day:%d/%m/%Y}")
    assert opened.status_code == 303
    assert [line[3] for line in told(room, visit_id)] == ["Passage ouvert par le numéro de son ticket"]


def _visit_of_slip(room: SigningRoom, slip_id: UUID) -> UUID:
    with room.desks.database.reading() as db:
        return room.visit_of(db.get_one(Slip, slip_id).dossier_id)


@pytest.mark.parametrize("value", ["0.01", VALUE])
def test_the_list_holds_nothing_of_a_result(room: SigningRoom, value: str) -> None:
    """Neither value, analysis nor class: the same words for a good and a bad result."""
    report_id = room.unsigned(C3, value=value)
    with room.desks.database.reading() as db:
        dossier_id = db.get_one(Report, report_id).dossier
    assert dossier_id is not None
    lenoir = room.unlocked()
    lenoir.get("/signature")
    lenoir.post(f"/signature/{report_id}/ouvrir", form_key=room.key())
    _, text = asks(room, lenoir, room.visit_of(dossier_id))
    shown = re.sub(r"<[^>]+>", " ", text[text.index("<main") :])
    assert "Compte rendu ouvert pour être lu" in shown
    for secret in (value, "C3", "VIH", "Dépistage", "NABM", "g/L", "critique"):
        assert secret not in shown


def test_the_words_of_every_act_are_neutral() -> None:
    for way, what in TOLD.values():
        assert not re.search(
            r"critique|urgent|anormal|positi|négati|confidentiel|grave", f"{way} {what}", re.IGNORECASE
        )


def test_asking_for_the_list_is_a_look_of_its_own(room: SigningRoom) -> None:
    visit_id = room.signed(C0)
    lenoir = room.desks.browser("lenoir")
    for times in (1, 2):
        asks(room, lenoir, visit_id)
        lines = [line for line in told(room, visit_id) if "Cette liste a été demandée" in line[3]]
        assert len(lines) == times
    with room.desks.database.reading() as db:
        texts = [text for text in db.scalars(select(ResultsText.text)) if "traces.shown" in text]
    assert all(visit_id.hex in text and "identity_card" in text for text in texts)


def test_looking_at_the_question_shows_no_list_and_writes_nothing(room: SigningRoom) -> None:
    visit_id = room.signed(C0)
    lenoir = room.desks.browser("lenoir")
    before = told(room, visit_id)
    text = unescape(lenoir.get(f"/passage/{visit_id}/consultations").text)
    assert "Pièce d'identité vue" in text
    assert "<table" not in text
    assert told(room, visit_id) == before


@pytest.mark.parametrize("document", ["", "none", "x"])
def test_without_a_document_there_is_no_list(room: SigningRoom, document: str) -> None:
    visit_id = room.signed(C0)
    code, text = asks(room, room.desks.browser("lenoir"), visit_id, document)
    assert code == 422
    assert "Demandez une pièce d'identité" in text
    assert "<table" not in text
    assert not [line for line in told(room, visit_id) if "liste" in line[3]]


@pytest.mark.parametrize("login", ["sophie", "karim", "roux", "alex"])
def test_a_biologist_alone_opens_it(room: SigningRoom, login: str) -> None:
    visit_id = room.signed(C0)
    browser = room.desks.browser(login)
    assert browser.get(f"/passage/{visit_id}/consultations").status_code == 403
    assert (
        browser.post(f"/passage/{visit_id}/consultations", form_key=room.key(), document="passport").status_code == 403
    )
    assert told(room, visit_id) == []


def test_the_list_is_still_there_when_the_result_is_not(room: SigningRoom) -> None:
    desks = room.desks
    dossier_id = desks.dossier(C3)
    report_id = desks.report(dossier_id, C3, body=b"MSH|^~\\&|\r")
    releases(room, dossier_id, report_id)
    visit_id = room.visit_of(dossier_id)
    before = told(room, visit_id)
    assert len(before) == 1
    desks.later(days=91)
    purge(desks.database, desks.keys, by="test", at=desks.at, chance=desks.chance)
    assert told(room, visit_id) == before
    desks.later(days=365 * 9)
    purge(desks.database, desks.keys, by="test", at=desks.at, chance=desks.chance)
    assert told(room, visit_id) == before
    desks.later(days=365)
    purge(desks.database, desks.keys, by="test", at=desks.at, chance=desks.chance)
    assert told(room, visit_id) == []
