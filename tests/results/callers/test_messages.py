"""Anybody may leave a message for the biologist, with the same words; she alone sees the number, once."""

import re
from html import unescape
from uuid import UUID

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import expect
from sqlalchemy import select
from werkzeug.test import TestResponse

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.journal import RegisterText, ResultsText, verify
from kiosk.register.visits import State, Visit
from results.callers.calls import Outcome
from results.callers.messages import MOTIVES, BiologistMessage, Ending
from tests.results.caller import Caller
from tests.results.seated import is_readable, presses, reach, seated
from tests.results.signing_room import SigningRoom, result
from tests.staffroom import Browser

NUMBER, ROOT = "06 12 34 56 78, après 18 h", "/telephone/biologiste"
C0, C3 = ReleaseClass.C0, ReleaseClass.C3


def sits(room: SigningRoom, login: str = "sophie") -> Browser:
    browser = room.desks.browser(login)
    browser.get("/telephone")
    return browser


def leaves(room: SigningRoom, browser: Browser, path: str = "/message", **other: str) -> TestResponse:
    browser.get(path)
    fields = {"form_key": room.key(), "motive": "explain", "ring_back": NUMBER} | other
    return browser.post(path, **fields)


def rows(room: SigningRoom) -> list[BiologistMessage]:
    with room.desks.database.reading() as db:
        return list(db.scalars(select(BiologistMessage).order_by(BiologistMessage.at)))


def words(html: str) -> str:
    """What stands on a page, its own tokens left out."""
    return re.sub(r'(name="(?:csrf_token|form_key)" value=")[^"]+', r"\1", html)


def test_a_message_of_the_telephone_waits_for_the_biologist_until_she_has_rung(room: SigningRoom) -> None:
    sophie = sits(room)
    assert leaves(room, sophie).headers["Location"] == "/telephone"
    assert "le biologiste voit le message" in sophie.get("/telephone").text
    lenoir = sits(room, "lenoir")
    assert "un message attend votre réponse" in lenoir.get("/").text
    assert f'href="{ROOT}"' in lenoir.get("/telephone").text
    (row,) = rows(room)
    listed = unescape(lenoir.get(ROOT).text)
    assert "Demande une explication" in listed
    assert NUMBER not in listed
    shown = unescape(lenoir.get(f"{ROOT}/message/{row.id}").text)
    assert NUMBER in shown
    assert "par quelqu'un que personne n'a reconnu" in shown
    done = lenoir.post(f"{ROOT}/message/{row.id}/fin", form_key=room.key(), ending="reached")
    assert done.headers["Location"] == ROOT
    (row,) = rows(room)
    assert (row.ending, row.ended_by, row.ring_back) == (Ending.REACHED, room.desks.room.people["lenoir"].id, None)
    assert "Personne n'attend" in unescape(lenoir.get(ROOT).text)
    assert lenoir.get(f"{ROOT}/message/{row.id}").status_code == 404
    again = lenoir.post(f"{ROOT}/message/{row.id}/fin", form_key=room.key(), ending="not_reached")
    assert again.status_code == 404
    with room.desks.database.reading() as db:
        assert verify(db, "results").sound


def test_what_she_rings_no_more_is_forgotten_too(room: SigningRoom) -> None:
    leaves(room, sits(room))
    lenoir = sits(room, "lenoir")
    lenoir.get(ROOT)
    lenoir.post(f"{ROOT}/message/{rows(room)[0].id}/fin", form_key=room.key(), ending="not_reached")
    (row,) = rows(room)
    assert (row.ending, row.ring_back) == (Ending.NOT_REACHED, None)


def test_the_number_is_sealed_and_stands_in_no_journal(room: SigningRoom) -> None:
    leaves(room, sits(room))
    for file in room.desks.room.folder.rglob("*.sqlite*"):
        assert b"06 12 34 56 78" not in file.read_bytes()
    with room.desks.database.reading() as db:
        texts = "".join([*db.scalars(select(ResultsText.text)), *db.scalars(select(RegisterText.text))])
    assert '"motive":"explain"' in texts
    assert "06 12" not in texts


def test_nobody_else_sees_or_ends_it(room: SigningRoom) -> None:
    sophie = sits(room)
    leaves(room, sophie)
    (row,) = rows(room)
    assert "Appels pour vous" not in sophie.get("/telephone").text
    assert "attend votre réponse" not in sophie.get("/").text
    assert sophie.get(f"{ROOT}/message/{row.id}").status_code == 403
    assert sophie.post(f"{ROOT}/message/{row.id}/fin", form_key=room.key(), ending="reached").status_code == 403
    alex = room.desks.browser("alex")
    assert alex.get("/message").status_code == 403
    assert rows(room)[0].ring_back is not None


def test_the_same_form_leaves_one_message(room: SigningRoom) -> None:
    sophie, key = sits(room), room.key()
    assert [leaves(room, sophie, form_key=key).status_code for _ in range(2)] == [303, 303]
    assert len(rows(room)) == 1
    assert leaves(room, sits(room, "nadia"), form_key=key).status_code == 409


@pytest.mark.parametrize(
    ("other", "wanted"),
    [({"ring_back": "demain"}, "Demandez le numéro"), ({"ring_back": "6" * 121}, "Demandez le numéro"),
     ({"motive": "il dit que son taux est haut"}, "Choisissez un motif")],
)  # fmt: skip
def test_there_is_a_number_and_a_motive_of_the_list_and_no_words_of_their_own(
    room: SigningRoom, other: dict[str, str], wanted: str
) -> None:
    answer = leaves(room, sits(room), **other)
    assert answer.status_code == 422
    assert wanted in unescape(answer.text)
    assert rows(room) == []


def test_the_page_and_its_answer_are_the_same_with_a_result_and_without_one(room: SigningRoom) -> None:
    """Nobody learns by it whether anything is there: no reference, one that nobody has, one that is ready."""
    desks = room.desks
    slip = desks.ready(C0, result("1608"))
    desks.later(hours=2)
    caller = Caller(desks, desks.browser())
    pages, answers = [], []
    for handle in (None, "999999" if slip.handle != "999999" else "888888", slip.handle):
        if handle is not None:
            caller.reference(handle)
        pages.append(words(caller.browser.get("/message?fin=1").text))
        answer = leaves(room, caller.browser, "/message?fin=1")
        answers.append((answer.status_code, answer.headers["Location"], answer.text))
        caller.browser.get("/telephone")
    assert pages[0] == pages[1] == pages[2]
    assert answers[0] == answers[1] == answers[2]
    assert all(one in unescape(pages[0]) for one in MOTIVES.values())
    assert {one.visit_id for one in rows(room)} == {None}


def test_after_the_message_the_call_still_has_its_end(room: SigningRoom) -> None:
    desks = room.desks
    slip = desks.ready(C0, result("1608"))
    desks.later(hours=2)
    caller = Caller(desks, desks.browser())
    told = caller.says(caller.reference(slip.handle), slip)
    (key,) = re.findall(r'href="([^"]+)"[^>]*data-key="Alt\+C"', told.text)
    assert leaves(room, caller.browser, key).headers["Location"] == "/telephone/fin"
    assert caller.ends(Outcome.TOLD).status_code == 303


def test_at_the_counter_she_sees_for_whom_and_the_paper_comes_again(room: SigningRoom) -> None:
    visit_id = room.signed(C0)
    sophie = sits(room)
    paper = sophie.post(f"/remise/{visit_id}/sans-code", form_key=room.key(), document="passport").location
    (key,) = re.findall(r'href="([^"]+)"[^>]*data-key="Alt\+C"', unescape(sophie.get(paper).text))
    assert leaves(room, sophie, key).location == paper
    (row,) = rows(room)
    assert row.visit_id == visit_id
    shown = unescape(sits(room, "lenoir").get(f"{ROOT}/message/{row.id}").text)
    assert "Laissé au guichet pour" in shown
    assert "MOREAU" in shown


@pytest.mark.parametrize("release_class", [C0, C3])
def test_whoever_is_turned_away_at_the_counter_may_leave_one(room: SigningRoom, release_class: ReleaseClass) -> None:
    dossier_id = room.desks.dossier(release_class)
    visit_id = room.visit_of(dossier_id)
    sophie = sits(room)
    turned = sophie.post(f"/remise/{visit_id}/sans-code", form_key=room.key(), document="passport").text
    (key,) = re.findall(r'href="([^"]+)"[^>]*data-key="Alt\+C"', turned)
    assert leaves(room, sophie, key).headers["Location"] == "/remise"


def test_whoever_comes_for_a_discreet_visit_may_leave_one(room: SigningRoom) -> None:
    visit_id = room.signed(C0)
    sophie = sits(room)
    sophie.post(f"/passage/{visit_id}/discretion", form_key=room.key())
    with room.desks.database.transaction() as db:
        db.get_one(Visit, visit_id).state = State.LEFT
    assert leaves(room, sophie, f"/message/{visit_id}").status_code == 303


def test_a_visit_that_never_was_has_no_message(room: SigningRoom) -> None:
    sophie = sits(room)
    assert sophie.get(f"/message/{UUID(int=1)}").status_code == 404
    answer = sophie.post(f"/message/{UUID(int=1)}", form_key=room.key(), motive="speak", ring_back=NUMBER)
    assert answer.status_code == 404
    assert rows(room) == []


def test_a_message_is_left_and_answered_with_the_keyboard_alone(
    browser: Chromium, room: SigningRoom, address: str
) -> None:
    with seated(browser, room, address, "sophie") as page:
        page.keyboard.press("F8")
        page.wait_for_url("**/telephone")
        page.keyboard.press("Alt+c")
        page.wait_for_url("**/message")
        page.keyboard.type("demain soir")
        page.keyboard.press("Enter")
        expect(page.locator("[role=alert]").first).to_contain_text("Demandez le numéro")
        is_readable(page, "message_without_number")
        reach(page, page.locator("#ring_back"))
        page.keyboard.press("Control+a")
        page.keyboard.type(NUMBER)
        reach(page, page.locator("input[name=motive]").first)
        page.keyboard.press("ArrowDown")
        page.keyboard.press("ArrowDown")
        is_readable(page, "message")
        page.keyboard.press("Control+Enter")
        page.wait_for_url("**/telephone")
    with seated(browser, room, address, "lenoir") as page:
        page.keyboard.press("F8")
        page.wait_for_url("**/telephone")
        page.keyboard.press("Alt+b")
        page.wait_for_url("**/telephone/biologiste")
        expect(page.get_by_text("Ne comprend pas le compte rendu")).to_be_visible()
        is_readable(page, "messages_for_her")
        page.keyboard.press("Alt+c")
        expect(page.get_by_text(NUMBER)).to_be_visible()
        is_readable(page, "message_to_ring")
        presses(page, page.get_by_role("button", name="Joint : c'est fait"))
        expect(page.get_by_text("Personne n'attend")).to_be_visible()
    assert [one.ring_back for one in rows(room)] == [None]
