"""Without a slip the counter asks the biologist, who answers from her own screen with her keys and a reason."""

import re
from html import unescape
from uuid import UUID

from sqlalchemy import select, update
from werkzeug.test import TestResponse

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.journal import ResultsText, verify
from results.handing.asking import HandOverRequest
from results.handing.hand_over_record import HandOver
from results.reports.versions import ReportVersion
from results.vault.releases import ReleaseAct
from tests.results.cast import exam_of
from tests.results.signing_room import VALUE, SigningRoom, asks_for_keys, result
from tests.staffroom import Browser

C0, C2, C3 = ReleaseClass.C0, ReleaseClass.C2, ReleaseClass.C3
SENTENCE = "Je ne peux rien remettre pour le moment."


def asks(room: SigningRoom, visit_id: UUID) -> tuple[Browser, str]:
    """Sophie is told that the biologist answers, and asks her."""
    sophie = room.desks.browser("sophie")
    sophie.get("/remise")
    page = sophie.post(f"/remise/{visit_id}/sans-code", form_key=room.key(), document="passport")
    assert "Demander au biologiste" in page.text
    answer = sophie.post(f"/remise/{visit_id}/demande", form_key=room.key(), document="passport")
    assert answer.status_code == 303
    return sophie, answer.location


def request(room: SigningRoom) -> HandOverRequest:
    with room.desks.database.reading() as db:
        return db.scalars(select(HandOverRequest)).one()


def releases(room: SigningRoom) -> list[ReleaseAct]:
    with room.desks.database.reading() as db:
        return list(db.scalars(select(ReleaseAct)))


def lenoir(room: SigningRoom, *, unlocks: bool = True) -> Browser:
    browser = room.unlocked() if unlocks else room.desks.browser("lenoir")
    room.station.runs(room.desks.at, room.desks.chance)
    browser.get("/remise/demandes")
    return browser


def replies(room: SigningRoom, browser: Browser, word: str, **told: str) -> TestResponse:
    fields = {"form_key": room.key(), "reply": word, "reason": "lost"} | told
    return browser.post(f"/remise/demandes/{request(room).id}", **fields)


def test_agreed_from_her_screen_the_paper_comes_out_at_the_counter_and_shows_nowhere(room: SigningRoom) -> None:
    visit_id = room.signed(C2)
    sophie, waiting = asks(room, visit_id)
    assert "Le biologiste est prévenu" in sophie.get(waiting).text
    assert sophie.get(f"{waiting}/etat").status_code == 204
    browser = lenoir(room)
    page = unescape(browser.get("/remise/demandes").text)
    assert "Vu au guichet : passeport" in page
    assert replies(room, browser, "agreed").location == "/remise/demandes"
    assert VALUE in room.printed()
    state = sophie.get(f"{waiting}/etat").text
    assert "le papier s'imprime ici" in unescape(state)
    assert VALUE not in state
    with room.desks.database.reading() as db:
        row = db.scalars(select(HandOver)).one()
        (act,) = db.scalars(select(ReleaseAct))
        assert (row.reason, row.document, row.by) == ("lost", "passport", room.desks.room.people["lenoir"].id)
        assert (act.document, act.person) == ("passport", "without_code")
        assert verify(db, "results").sound
        texts = "".join(db.scalars(select(ResultsText.text)))
    assert all(word in texts for word in ("task.opened", "release.agreed", "escrow.opened", "task.done"))
    assert "2 feuilles" in sophie.get(f"/remise/{visit_id}/papier/{row.id}").text


def test_without_her_keys_nothing_is_opened_and_the_request_waits(room: SigningRoom) -> None:
    asks(room, room.signed(C2))
    browser = lenoir(room, unlocks=False)
    assert asks_for_keys(replies(room, browser, "agreed"))
    assert releases(room) == []
    assert request(room).reply is None


def test_from_class_c3_on_she_receives_the_person_and_agrees_to_nothing(room: SigningRoom) -> None:
    sophie, waiting = asks(room, room.signed(C3))
    browser = lenoir(room)
    assert "imprimer au guichet" not in browser.get("/remise/demandes").text
    replies(room, browser, "agreed")
    assert releases(room) == []
    assert "la personne est toujours reçue" in browser.get("/remise/demandes").text
    replies(room, browser, "coming")
    assert "vient recevoir la personne" in sophie.get(waiting).text


def test_what_came_counts_as_much_as_what_was_prescribed(room: SigningRoom) -> None:
    dossier_id = room.desks.dossier(C2)
    room.desks.report(dossier_id, C3, body=result(exam_of(C3)))
    room.hour_comes()
    asks(room, room.visit_of(dossier_id))
    browser = lenoir(room)
    assert "imprimer au guichet" not in browser.get("/remise/demandes").text
    replies(room, browser, "agreed")
    assert releases(room) == []
    assert room.station.papers() == []


def seen_in(page: str) -> str:
    (mark,) = re.findall(r"/remise/demandes/etat\?vu=([^\"]*)", page)
    return str(mark)


def test_her_open_page_learns_of_whoever_comes_and_goes(room: SigningRoom) -> None:
    visit_id = room.signed(C2)
    browser = lenoir(room, unlocks=False)
    page = browser.get("/remise/demandes").text
    assert "Personne n" in page
    assert browser.get(f"/remise/demandes/etat?vu={seen_in(page)}").status_code == 204
    asks(room, visit_id)
    state = browser.get(f"/remise/demandes/etat?vu={seen_in(page)}")
    assert state.status_code == 200
    assert "Vu au guichet : passeport" in unescape(state.text)
    assert VALUE not in state.text
    assert browser.get(f"/remise/demandes/etat?vu={seen_in(state.text)}").status_code == 204
    room.desks.later(minutes=16)
    browser = lenoir(room, unlocks=False)
    assert "Personne n" in browser.get(f"/remise/demandes/etat?vu={seen_in(state.text)}").text


def test_declined_and_late_are_the_one_sentence_to_the_byte(room: SigningRoom) -> None:
    visit_id = room.signed(C2)
    sophie, waiting = asks(room, visit_id)
    replies(room, lenoir(room, unlocks=False), "declined")
    declined = unescape(sophie.get(f"{waiting}/etat").text)
    assert SENTENCE in declined
    with room.desks.database.transaction("results") as db:
        db.execute(
            update(HandOverRequest).values(reply=None, replied_at=None, replied_by=None)
        )  # fmt: skip
    room.desks.later(minutes=16)
    sophie = room.desks.browser("sophie")
    assert unescape(sophie.get(f"{waiting}/etat").text) == declined


def test_a_request_is_answered_once_and_in_a_quarter_of_an_hour(room: SigningRoom) -> None:
    asks(room, room.signed(C2))
    browser = lenoir(room)
    way = f"/remise/demandes/{request(room).id}"
    room.desks.later(minutes=16)
    browser = lenoir(room)
    assert "Personne n'attend" in unescape(browser.get("/remise/demandes").text)
    assert browser.post(way, form_key=room.key(), reply="agreed", reason="lost").status_code == 404
    assert releases(room) == []


def test_what_was_held_meanwhile_is_not_handed_over_though_she_agrees(room: SigningRoom) -> None:
    sophie, waiting = asks(room, room.signed(C2))
    with room.desks.database.transaction("results") as db:
        db.execute(update(ReportVersion).values(flags="patient"))
    replies(room, lenoir(room), "agreed")
    assert releases(room) == []
    assert SENTENCE in unescape(sophie.get(waiting).text)


def test_a_secretary_answers_no_request(room: SigningRoom) -> None:
    sophie, _ = asks(room, room.signed(C2))
    assert sophie.get("/remise/demandes").status_code == 403
    way = f"/remise/demandes/{request(room).id}"
    assert sophie.post(way, form_key=room.key(), reply="agreed", reason="lost").status_code == 403
    assert releases(room) == []
