"""Away and back at a paired PC, over HTTP: what a PIN opens, what it never opens, and what a lock keeps."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from html import unescape
from pathlib import Path

import pytest
from flask import Response, request
from werkzeug.test import TestResponse

from kiosk.register.staff import Right
from kiosk.signin import PAIRING, actor, desk, fresh, needs, raised
from tests.staffroom import PASSWORD, Browser, Room, open_room

Chance = Callable[[int], bytes]

PIN, OTHER = "739184", "405917"
STAFF = "__Host-etiquette-staff"


@pytest.fixture
def room(tmp_path: Path, at: datetime, chance: Chance) -> Iterator[Room]:
    """The staff app with four views of our own: who is here, a form, the phone desk's kind, and the kind with power."""
    with open_room(tmp_path, at=at, chance=chance) as opened:
        received: list[dict[str, str]] = []
        opened.app.config["received"] = received

        @needs(Right.ENTER)
        def who() -> Response:
            return Response(f"{actor().name} {desk()}")

        @needs(Right.CALL)
        def note() -> Response:
            received.append(request.form.to_dict())
            return Response("noted")

        @needs(Right.CALL)
        @fresh
        def rings() -> Response:
            return Response("rings")

        @needs(Right.ENTER)
        @raised
        def power() -> Response:
            return Response("power")

        for view, method in ((who, "GET"), (note, "POST"), (rings, "GET"), (power, "GET")):
            opened.app.add_url_rule(f"/essai/{view.__name__}", view.__name__, view, methods=[method])
        opened.app.extensions["routes"] = opened.app.extensions["routes"] | {
            "who": Right.ENTER, "note": Right.CALL, "rings": Right.CALL, "power": Right.ENTER,
        }  # fmt: skip
        opened.give_pin("sophie", PIN)
        opened.give_pin("nadia", OTHER)
        yield opened


@pytest.fixture
def front(room: Room) -> Browser:
    """A paired PC where Sophie has given both proofs this morning."""
    browser = room.browser().pair()
    assert browser.sign_in("sophie").status_code == 303
    room.later(seconds=30)
    return browser


def here(browser: Browser) -> str:
    answer = browser.get("/essai/who")
    return answer.text if answer.status_code == 200 else str(answer.status_code)


def cookie(browser: Browser, name: str = STAFF) -> str:
    found = browser.client.get_cookie(name, domain="labo.test")
    return "" if found is None else found.value


def hidden(answer: TestResponse) -> dict[str, str]:
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', answer.text)
    return {unescape(name): unescape(value) for name, value in found}


def test_the_pairing_lasts_in_a_cookie_that_no_page_and_no_other_site_reads(room: Room) -> None:
    browser = room.browser()
    browser.sign_in("roux")
    browser.raise_power()
    answer = browser.post("/postes", name="accueil", desk="Guichet 1")
    (said,) = [one for one in answer.headers.getlist("Set-Cookie") if one.startswith(PAIRING)]
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=31536000"} <= set(said.split("; "))
    assert "Domain" not in said
    assert re.fullmatch(rf"{PAIRING}=[0-9a-f]{{64}}", said.split("; ")[0])


def test_locked_then_back_by_six_digits_and_the_desk_is_the_pcs(front: Browser) -> None:
    front.get("/")
    locked = front.post("/verrouiller", then="/essai/who")
    assert locked.status_code == 200
    assert "Sophie Martin" in locked.text
    assert "Poste verrouillé" in locked.text
    assert here(front) == "401"
    assert hidden(locked)["then"] == "/essai/who"
    answer = front.come_back("sophie", PIN, then="/essai/who")
    assert (answer.status_code, answer.location) == (303, "/essai/who")
    assert here(front) == "Sophie Martin Guichet 1"


def test_five_silent_minutes_lock_and_six_digits_bring_back_what_was_typed(room: Room, front: Browser) -> None:
    front.get("/")
    room.later(minutes=6)
    asked = front.post("/essai/note", note="une longue note", form_key="a" * 32, pin="4821")
    assert asked.status_code == 401
    assert "Poste verrouillé" in asked.text
    assert "4821" not in asked.text
    fields = hidden(asked)
    assert fields["kept.note"] == "une longue note"
    again = front.come_back("sophie", PIN, **{"kept_path": "/essai/note", "kept.note": fields["kept.note"]})
    assert again.status_code == 200
    assert 'action="/essai/note"' in again.text
    front.post("/essai/note", **hidden(again))
    assert [one["note"] for one in front.room.app.config["received"]] == ["une longue note"]


def test_another_person_of_the_day_takes_the_place_and_the_one_before_is_out(room: Room, front: Browser) -> None:
    front.sign_in("nadia")
    before = cookie(front)
    answer = front.come_back("sophie", PIN)
    assert answer.status_code == 303
    assert here(front) == "Sophie Martin Guichet 1"
    front.client.set_cookie(STAFF, before, domain="labo.test")
    assert here(front) == "401"


def test_what_the_new_persons_role_does_not_open_is_not_gone_back_to(room: Room, front: Browser) -> None:
    room.give_pin("alex", OTHER)
    front.sign_in("alex")
    answer = front.come_back("alex", OTHER, over="yes", then="/essai/rings")
    assert (answer.status_code, answer.location) == (303, "/")
    answer = front.come_back("sophie", PIN, over="yes", then="/essai/rings")
    assert answer.status_code == 200
    assert "data-returned" in answer.text
    assert "Sophie Martin" in answer.text


# What a PIN is not enough for.


def test_a_pin_is_never_enough_on_another_pc_paired_or_not(room: Room, front: Browser) -> None:
    bare, other = room.browser("10.0.0.9"), room.browser("10.0.0.2").pair("fond", "Guichet 2")
    for browser in (bare, other):
        assert browser.come_back("sophie", PIN).status_code == 422
        assert here(browser) == "401"
        assert "Sophie" not in browser.get("/entrer").text


def test_stolen_cookies_are_worth_nothing_without_the_pairing(room: Room, front: Browser) -> None:
    thief = room.browser("10.0.0.66")
    thief.client.set_cookie(STAFF, cookie(front), domain="labo.test")
    assert here(thief) == "401"
    assert here(front) == "Sophie Martin Guichet 1"


def test_the_next_day_and_after_signing_out_both_proofs_are_asked(room: Room, front: Browser) -> None:
    front.get("/")
    front.post("/sortir")
    assert front.come_back("sophie", PIN).status_code == 422
    front.sign_in("sophie")
    room.later(hours=16)
    assert front.come_back("sophie", PIN).status_code == 422
    assert "Poste verrouillé" not in front.get("/entrer").text


def test_signing_out_empties_the_browser_and_the_pairing_stays(front: Browser) -> None:
    front.get("/")
    answer = front.post("/sortir")
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert cookie(front) == ""
    assert cookie(front, PAIRING) != ""


def test_a_pin_is_not_enough_for_what_gives_power(room: Room, front: Browser) -> None:
    front.come_back("sophie", PIN)
    assert front.get("/essai/power").text != "power"
    key = {"form_key": "0f" * 16}
    front.post("/preuve", what="power", desk_pin=PIN, **key)
    assert front.get("/essai/power").text != "power"
    front.post("/preuve", what="phone", digits=room.digits())
    assert front.get("/essai/power").text != "power"
    assert front.raise_power().status_code == 303
    assert front.get("/essai/power").text == "power"
    room.later(minutes=4)
    front.get("/essai/who")
    room.later(minutes=4)
    front.get("/essai/who")
    room.later(minutes=2)
    assert front.get("/essai/power").text != "power"


def test_power_does_not_outlive_a_lock(room: Room, front: Browser) -> None:
    front.raise_power()
    assert front.get("/essai/power").text == "power"
    front.come_back("sophie", PIN)
    assert front.get("/essai/power").text != "power"


def test_the_digits_of_the_sign_in_or_of_another_person_give_no_power(room: Room, front: Browser) -> None:
    digits = room.digits()
    front.sign_in("sophie", digits=digits)
    front.get("/")
    assert front.post("/preuve", what="power", digits=digits).status_code == 422
    assert front.get("/essai/power").text != "power"
    # Nadia's authenticator is right for Nadia alone: here her digits are compared with Sophie's seed.
    assert front.post("/preuve", what="power", digits="000000").status_code == 422


def test_five_wrong_pins_ask_both_proofs_here_and_leave_the_other_pc_alone(room: Room, front: Browser) -> None:
    other = room.browser("10.0.0.2").pair("fond", "Guichet 2")
    other.sign_in("sophie")
    other.get("/")
    other.post("/verrouiller")
    for _ in range(5):
        wrong = front.come_back("sophie", "111222")
        assert wrong.status_code == 422
    assert "Sophie" not in wrong.text
    assert front.come_back("sophie", PIN).status_code == 422
    assert other.come_back("sophie", PIN).status_code == 303
    room.later(seconds=30)
    assert front.sign_in("sophie").status_code == 303
    assert front.come_back("sophie", PIN).status_code == 303


def test_wrong_proofs_at_one_pc_lock_nobody_out_of_another_even_behind_one_address(room: Room, front: Browser) -> None:
    other = room.browser().pair("fond", "Guichet 2")
    for _ in range(7):
        other.sign_in("sophie", digits="000000")
        room.later(seconds=11)
    assert other.sign_in("sophie").status_code == 422
    room.later(seconds=30)
    assert front.sign_in("sophie").status_code == 303


def test_the_same_form_sent_again_opens_nothing(room: Room, front: Browser) -> None:
    page = front.get("/entrer")
    fields = hidden(page) | {"staff": str(room.people["sophie"].id), "desk_pin": PIN}
    stale = cookie(front)
    assert front.post("/revenir", **fields).status_code == 303
    # All of it again, as one who has listened would: the old cookie, the old token, the old form.
    front.client.set_cookie(STAFF, stale, domain="labo.test")
    assert front.post("/revenir", **fields).status_code == 422
    assert here(front) == "401"


def test_each_proof_changes_the_token_so_that_one_that_was_planted_opens_nothing(room: Room, front: Browser) -> None:
    planted = [cookie(front)]
    front.come_back("sophie", PIN)
    planted.append(cookie(front))
    front.get("/")
    front.post("/preuve", what="phone", desk_pin=PIN, form_key="ab" * 16)
    planted.append(cookie(front))
    front.raise_power()
    last = cookie(front)
    assert len({*planted, last}) == 4
    for one in planted:
        front.client.set_cookie(STAFF, one, domain="labo.test")
        assert here(front) == "401"
    front.client.set_cookie(STAFF, last, domain="labo.test")
    assert here(front) == "Sophie Martin Guichet 1"


def test_one_argon2id_answers_every_pin(room: Room, front: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str | None] = []

    def counted(kept: str | None, password: str) -> bool:
        asked.append(kept)
        return False

    monkeypatch.setattr("kiosk.counter.returning.verify_password", counted)
    bodies = set()
    biologist = str(room.people["lenoir"].id)
    strange: tuple[dict[str, str], ...] = ({}, {"staff": biologist}, {"staff": ""}, {"desk_pin": ""})
    for fields in strange:
        answer = front.come_back("sophie", "111222", **fields)
        assert answer.status_code == 422
        bodies.add("Ce code ne va pas avec ce nom." in answer.text)
    room.browser("10.0.0.9").come_back("sophie", PIN)
    assert len(asked) == 5
    assert bodies == {True}


def test_no_answer_repeats_a_pin(room: Room, front: Browser) -> None:
    wrong = front.come_back("sophie", "981276")
    assert "981276" not in wrong.text
    front.come_back("sophie", PIN)
    front.get("/")
    room.later(minutes=4)
    chosen = front.post("/mon-acces/code", desk_pin="981276", desk_pin_again="981277")
    assert "981276" not in chosen.text


# The phone desk's own proof.


def test_ten_minutes_after_the_last_proof_the_phone_desk_asks_one(room: Room, front: Browser) -> None:
    assert front.get("/essai/rings").text == "rings"
    for _ in range(3):
        room.later(minutes=3, seconds=20)
        front.get("/essai/who")
    asked = front.get("/essai/rings")
    assert asked.status_code == 200
    assert 'name="desk_pin"' in asked.text
    back = front.post("/preuve", what="phone", desk_pin=PIN, form_key="ab" * 16, then="/essai/rings")
    assert (back.status_code, back.location) == (303, "/essai/rings")
    assert front.get("/essai/rings").text == "rings"


def test_a_wrong_pin_at_the_phone_desk_opens_nothing_and_the_fifth_asks_both_proofs(room: Room, front: Browser) -> None:
    for _ in range(3):
        room.later(minutes=3, seconds=20)
        front.get("/essai/who")
    for number in range(5):
        assert front.get("/essai/rings").text != "rings"
        wrong = front.post("/preuve", what="phone", desk_pin=OTHER, form_key=f"{number:032x}")
        assert wrong.status_code == 422
    assert 'name="password"' in wrong.text
    assert here(front) == "401"


def test_on_an_unpaired_pc_the_phone_desk_asks_the_six_digits(room: Room) -> None:
    browser = room.browser()
    browser.sign_in("sophie")
    for _ in range(3):
        room.later(minutes=3, seconds=20)
        browser.get("/essai/who")
    asked = browser.get("/essai/rings")
    assert 'name="digits"' in asked.text
    assert 'name="desk_pin"' not in asked.text
    assert browser.post("/preuve", what="phone", desk_pin=PIN, form_key="ab" * 16).status_code == 422
    assert here(browser) == "401"
    browser.sign_in("sophie")
    for _ in range(3):
        room.later(minutes=3, seconds=20)
        browser.get("/essai/who")
    digits = room.digits()
    browser.get("/essai/rings")
    assert browser.post("/preuve", what="phone", digits=digits, then="/essai/rings").location == "/essai/rings"
    assert browser.get("/essai/rings").text == "rings"
    browser.get("/")
    assert browser.post("/preuve", what="phone", digits=digits).status_code == 422


# A PIN of one's own.


def test_the_first_pin_is_chosen_right_after_both_proofs_on_a_paired_pc_alone(room: Room) -> None:
    bare, paired = room.browser("10.0.0.9"), room.browser().pair()
    assert bare.sign_in("karim", desk="Salle 1").location == "/"
    assert "Ce poste n'est pas jumelé" in unescape(bare.get("/mon-acces").text)
    room.later(seconds=30)
    assert paired.sign_in("karim").location == "/mon-acces"
    paired.get("/mon-acces")
    weak = paired.post("/mon-acces/code", desk_pin="123456", desk_pin_again="123456")
    assert weak.status_code == 422
    different = paired.post("/mon-acces/code", desk_pin="608352", desk_pin_again="608353")
    assert different.status_code == 422
    assert paired.post("/mon-acces/code", desk_pin="608352", desk_pin_again="608352").location == "/"
    assert paired.come_back("karim", "608352").status_code == 303
    assert here(paired) == "Karim Haddad Guichet 1"


def test_another_pin_asks_six_digits_more(room: Room, front: Browser) -> None:
    front.get("/")
    asked = front.post("/mon-acces/code", desk_pin="608352", desk_pin_again="608352")
    assert asked.status_code == 401
    assert "608352" not in asked.text
    assert front.come_back("sophie", "608352").status_code == 422
    front.come_back("sophie", PIN)
    front.raise_power()
    front.get("/")
    assert front.post("/mon-acces/code", desk_pin="608352", desk_pin_again="608352").status_code == 303
    assert front.come_back("sophie", PIN).status_code == 422
    assert front.come_back("sophie", "608352").status_code == 303


def test_out_of_everywhere_is_out_of_everywhere(room: Room, front: Browser) -> None:
    other = room.browser("10.0.0.2")
    other.sign_in("sophie")
    front.get("/")
    answer = front.post("/mon-acces/partout")
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert here(front) == "401"
    assert here(other) == "401"
    assert front.come_back("sophie", PIN).status_code == 422


def test_a_hand_on_the_keys_keeps_the_page_open(room: Room, front: Browser) -> None:
    front.get("/")
    for _ in range(4):
        room.later(minutes=4)
        assert front.post("/la").status_code == 204
    assert here(front) == "Sophie Martin Guichet 1"


def test_a_password_alone_or_digits_alone_never_open_a_paired_pc(room: Room, front: Browser) -> None:
    front.get("/")
    front.post("/sortir")
    for fields in ({"password": ""}, {"digits": ""}, {"password": "", "digits": ""}):
        room.later(seconds=30)
        assert front.sign_in("sophie", **fields).status_code == 422
    room.later(minutes=6)
    assert front.sign_in("sophie", password=PASSWORD).status_code == 303
