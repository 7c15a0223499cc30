"""Locked keys lose nothing: what asked for them goes on once they are open."""

import re
from html import unescape

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from kiosk.exams.catalogue import ReleaseClass
from results.critical.escalation import EscalationStep
from tests.results.signing_room import PASSPHRASE, SigningRoom, asks_for_keys
from tests.staffroom import Browser

STEP = {
    "starts": "8:00", "ends": "19:00", "minute": "10", "contact": "colleague", "name": "Dr <Aubry> & co",
    "number": "06 11 22 33 44",
}  # fmt: skip
UNLOCK = "/signature/cles"
PLAN = "/critiques/qui-appeler"


def hidden(answer: TestResponse) -> dict[str, str]:
    """What a page's form carries along, without its token."""
    fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', answer.text)
    main = answer.text.index("<main")
    return {name: unescape(value) for name, value in fields if answer.text.rindex(f'name="{name}"') > main} | {
        "csrf_token": dict(fields)["csrf_token"]
    }


def steps(room: SigningRoom) -> list[int]:
    with room.desks.database.reading() as db:
        return [step.minute for step in db.scalars(select(EscalationStep))]


def opens(room: SigningRoom, browser: Browser, asked: TestResponse, **typed: str) -> TestResponse:
    """Type the phrase and fresh digits into the page that asks for them."""
    room.desks.later(seconds=30)
    fields = hidden(asked) | {"passphrase": PASSPHRASE, "digits": room.desks.room.digits()} | typed
    return browser.post(UNLOCK, **fields)


def test_a_form_sent_with_locked_keys_goes_again_with_all_that_was_typed(room: SigningRoom) -> None:
    lenoir = room.desks.browser("lenoir")
    lenoir.get(PLAN)
    key = room.key()
    asked = lenoir.post(PLAN, form_key=key, **STEP)
    assert asks_for_keys(asked)
    assert steps(room) == []
    wrong = opens(room, lenoir, asked, passphrase="une autre longue phrase")
    assert wrong.status_code == 422
    again = opens(room, lenoir, wrong)
    assert "data-returned" in again.text
    kept = hidden(again)
    assert {name: kept[name] for name in STEP} == STEP
    assert kept["form_key"] == key
    assert lenoir.post(PLAN, **kept).location == PLAN
    assert steps(room) == [10]


def test_ten_idle_minutes_later_the_signature_that_was_pressed_is_still_made_once(room: SigningRoom) -> None:
    report_id = room.unsigned(ReleaseClass.C0)
    lenoir = room.unlocked()
    lenoir.get("/signature")
    opened = lenoir.post(f"/signature/{report_id}/ouvrir", form_key=room.key())
    (seen,) = set(re.findall(r'name="seen" value="([^"]+)"', opened.text))
    for _ in range(3):  # the person is there all the time, and uses no key
        room.desks.later(minutes=4)
        lenoir.get("/")
    asked = lenoir.post(f"/signature/{report_id}/signer", form_key=room.key(), seen=seen)
    assert asks_for_keys(asked)
    assert room.version(report_id).signature is None
    again = opens(room, lenoir, asked)
    assert lenoir.post(f"/signature/{report_id}/signer", **hidden(again)).location == "/signature"
    assert room.version(report_id).signature is not None


def test_no_secret_is_carried_over_the_question_for_the_keys(room: SigningRoom) -> None:
    lenoir = room.desks.browser("lenoir")
    lenoir.get(PLAN)
    asked = lenoir.post(PLAN, digits="493817", passphrase="une phrase tapée ici", some_secret="4271", **STEP)
    for secret in ("493817", "une phrase tapée ici", "4271"):
        assert secret not in unescape(asked.text)


@pytest.mark.parametrize("path", ["//ailleurs.test/x", "https://ailleurs.test/x", "/nulle-part", "/comptes"])
def test_a_forged_way_on_leads_home(room: SigningRoom, path: str) -> None:
    lenoir = room.desks.browser("lenoir")
    lenoir.get(UNLOCK)
    room.desks.later(seconds=30)
    for field in ("then", "kept_path"):
        forged = {"passphrase": PASSPHRASE, "digits": room.desks.room.digits(), field: path}
        assert lenoir.post(UNLOCK, **forged).location == "/"
        room.desks.later(seconds=30)


def test_whoever_opens_the_keys_from_the_menu_comes_to_what_waits(room: SigningRoom) -> None:
    lenoir = room.desks.browser("lenoir")
    assert opens(room, lenoir, lenoir.get(UNLOCK)).location == "/signature"
