import re
from collections.abc import Callable, Iterator
from datetime import datetime
from html import unescape
from pathlib import Path

import pytest
from flask import Response, request
from pyotp import TOTP
from sqlalchemy import select, update

from kiosk.presence.signins import SignIn
from kiosk.register.accounts import make_staff
from kiosk.register.staff import Right
from kiosk.signin import actor, desk, needs
from tests.staffroom import PASSWORD, SEED, Room, open_room

Chance = Callable[[int], bytes]


@pytest.fixture
def room(tmp_path: Path, at: datetime, chance: Chance) -> Iterator[Room]:
    """The staff app with two views of our own: a form for secretaries, and a page that tells who is here."""
    with open_room(tmp_path, at=at, chance=chance) as opened:
        received: list[dict[str, str]] = []
        opened.app.config["received"] = received

        @needs(Right.CALL)
        def note() -> Response:
            received.append(request.form.to_dict())
            return Response("noted")

        @needs(Right.CALL)
        def who() -> Response:
            return Response(f"{actor().name} {desk()}")

        @needs(Right.SIGN)
        def signing() -> Response:
            return Response("signing")

        for name, view, method in (("note", note, "POST"), ("who", who, "GET"), ("signing", signing, "GET")):
            opened.app.add_url_rule(f"/essai/{name}", name, view, methods=[method])
        opened.app.extensions["routes"] = opened.app.extensions["routes"] | {
            "note": Right.CALL, "who": Right.CALL, "signing": Right.SIGN,
        }  # fmt: skip
        yield opened


def hidden(html: str) -> dict[str, str]:
    """The hidden fields of a page, in its order."""
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', html)
    return {unescape(name): unescape(value) for name, value in found}


def test_two_proofs_and_a_desk_open_the_house(room: Room) -> None:
    sophie = room.browser()
    answer = sophie.sign_in()
    assert (answer.status_code, answer.location) == (303, "/")
    assert sophie.get("/essai/who").text == "Sophie Martin Guichet 1"
    assert "Sophie Martin" in sophie.get("/").text


def test_the_cookie_is_the_browsers_alone_and_holds_no_name(room: Room) -> None:
    answer = room.browser().sign_in()
    (cookie,) = answer.headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-etiquette-staff=")
    for flag in ("Secure", "HttpOnly", "SameSite=Strict", "Path=/"):
        assert f"; {flag}" in cookie
    for flag in ("Domain", "Max-Age", "Expires", "remember"):
        assert flag not in cookie


def test_signing_in_renews_the_token_and_ends_the_one_before(room: Room) -> None:
    sophie = room.browser()
    sophie.sign_in()
    first = sophie.client.get_cookie("__Host-etiquette-staff", domain="labo.test")
    assert first is not None
    room.later(seconds=60)
    sophie.sign_in("nadia")
    assert sophie.get("/essai/who").text.startswith("Nadia")
    sophie.client.set_cookie("__Host-etiquette-staff", first.value, domain="labo.test")
    assert sophie.get("/essai/who").status_code == 401


def test_a_desk_is_one_of_the_laboratory(room: Room) -> None:
    for strange in ("", "Guichet 9", "<b>"):
        answer = room.browser().sign_in(desk=strange)
        assert answer.status_code == 422
        assert "Choisissez votre poste." in answer.text
    assert room.browser().sign_in(desk="Salle 1").status_code == 303


def test_an_unknown_name_and_each_wrong_proof_are_answered_with_the_same_bytes(room: Room) -> None:
    wrong = {
        "unknown": {"login": "nobody"},
        "password": {"login": "sophie", "password": "une autre phrase"},
        "digits": {"login": "nadia", "digits": "000000"},
        "both": {"login": "karim", "password": "une autre phrase", "digits": "000000"},
    }
    bodies, headers = set(), set()
    for fields in wrong.values():
        answer = room.browser().sign_in(**fields)
        assert answer.status_code == 422
        text = answer.text.replace(fields["login"], "login")
        bodies.add(re.sub(r'name="csrf_token" value="[^"]+"', "", text))
        kept = [(name, value) for name, value in answer.headers if name not in {"Set-Cookie", "Content-Length"}]
        headers.add(tuple(kept))
        assert PASSWORD not in answer.text
        assert fields.get("digits", room.digits()) not in answer.text
    assert len(bodies) == 1
    assert len(headers) == 1


def test_one_argon2id_answers_every_try(room: Room, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str | None] = []

    def counted(kept: str | None, password: str) -> bool:
        asked.append(kept)
        return kept is not None and password == PASSWORD

    monkeypatch.setattr("kiosk.signin.verify_password", counted)
    for fields in ({"login": "nobody"}, {"digits": "000000"}, {"password": "x"}, {}):
        room.browser().sign_in(**fields)
    for _ in range(6):
        room.browser("10.9.9.9").sign_in(digits="000000")
    assert len(asked) == 10


def test_six_failures_from_one_pc_leave_the_other_pc_open(room: Room) -> None:
    for _ in range(6):
        assert (
            room.browser("10.0.0.66").sign_in("lenoir", password="faux mot de passe", digits="000000").status_code
            == 422
        )
        room.later(seconds=15)
    assert room.browser("10.0.0.66").sign_in("lenoir").status_code == 422
    assert room.browser("10.0.0.2").sign_in("lenoir").status_code == 303


def test_nobody_sees_a_page_of_the_house_before_signing_in(room: Room) -> None:
    visitor = room.browser()
    for path in ("/", "/essai/who", "/essai/signing"):
        answer = visitor.get(path)
        assert answer.status_code == 401
        assert "data-sign-in" in answer.text
        assert "Sophie" not in answer.text


def test_a_right_that_the_role_lacks_is_refused(room: Room) -> None:
    sophie, lenoir = room.browser(), room.browser()
    sophie.sign_in("sophie")
    lenoir.sign_in("lenoir")
    assert sophie.get("/essai/signing").status_code == 403
    assert lenoir.get("/essai/signing").status_code == 200


def test_the_mark_on_a_view_holds_even_if_the_table_says_open(room: Room) -> None:
    room.app.extensions["routes"] = room.app.extensions["routes"] | {"signing": "open"}
    assert room.browser().get("/essai/signing").status_code == 403
    sophie = room.browser()
    sophie.sign_in("sophie")
    assert sophie.get("/essai/signing").status_code == 403


def test_the_table_holds_even_if_a_view_has_no_mark(room: Room) -> None:
    room.app.add_url_rule("/essai/bare", "bare", lambda: "bare")
    visitor = room.browser()
    assert visitor.get("/essai/bare").status_code == 403
    room.app.extensions["routes"] = room.app.extensions["routes"] | {"bare": Right.SIGN}
    assert visitor.get("/essai/bare").status_code == 401
    visitor.sign_in("sophie")
    assert visitor.get("/essai/bare").status_code == 403


def test_five_minutes_of_silence_close_and_acts_keep_open(room: Room) -> None:
    sophie = room.browser()
    sophie.sign_in()
    for _ in range(4):
        room.later(minutes=4)
        assert sophie.get("/essai/who").status_code == 200
    room.later(minutes=5, seconds=1)
    assert sophie.get("/essai/who").status_code == 401


def test_a_panel_that_asks_by_itself_keeps_nobody_signed_in(room: Room) -> None:
    sophie = room.browser()
    sophie.sign_in()
    for headers in ({"HX-Request": "true"}, {"Sec-Fetch-Mode": "cors"}):
        room.later(minutes=2)
        assert sophie.get("/essai/who", **headers).status_code == 200
    room.later(minutes=1, seconds=1)
    assert sophie.get("/essai/who").status_code == 401


def test_looking_changes_nothing_but_the_hour_of_the_last_act(room: Room) -> None:
    sophie = room.browser()
    sophie.sign_in()
    with room.database.reading() as db:
        before = db.scalars(select(SignIn.seen_at)).all()
    room.later(seconds=19)
    sophie.get("/essai/who")
    with room.database.reading() as db:
        assert db.scalars(select(SignIn.seen_at)).all() == before


def test_signing_out_ends_everything_and_empties_the_browser(room: Room) -> None:
    sophie = room.browser()
    sophie.sign_in()
    kept = sophie.client.get_cookie("__Host-etiquette-staff", domain="labo.test")
    assert kept is not None
    sophie.get("/")
    answer = sophie.post("/sortir")
    assert answer.headers["Clear-Site-Data"] == '"cache", "storage"'
    assert sophie.client.get_cookie("__Host-etiquette-staff", domain="labo.test") is None
    assert sophie.get("/essai/who").status_code == 401
    sophie.client.set_cookie("__Host-etiquette-staff", kept.value, domain="labo.test")
    assert sophie.get("/essai/who").status_code == 401


def test_a_sign_in_that_was_forged_in_the_database_opens_nothing(room: Room) -> None:
    sophie = room.browser()
    sophie.sign_in()
    with room.database.transaction("results") as db:
        db.execute(update(SignIn).values(staff=room.people["lenoir"].id))
    assert sophie.get("/essai/who").status_code == 401


# A form whose sign-in has ended.


def test_nothing_typed_is_lost_when_the_sign_in_ends_in_mid_form(room: Room) -> None:
    sophie = room.browser()
    sophie.sign_in()
    sophie.get("/")
    room.later(minutes=6)
    typed = {"note": 'Mme "d\'Œuf" <rappeler>\nà 14 h', "form_key": "a" * 32}
    secrets = {"pin": "4821", "code_ligne": "1234", "password": PASSWORD, "otp": "111111", "digits": "222222"}
    answer = sophie.post("/essai/note", **typed, **secrets)
    assert answer.status_code == 401
    fields = hidden(answer.text)
    assert fields["kept_path"] == "/essai/note"
    assert {name: value for name, value in fields.items() if name.startswith("kept.")} == {
        "kept.note": typed["note"], "kept.form_key": "a" * 32,
    }  # fmt: skip
    for secret in ("4821", PASSWORD, "111111", "222222"):
        assert secret not in answer.text
    assert room.app.config["received"] == []

    proofs = {"login": "sophie", "password": PASSWORD, "desk": "Guichet 2"}
    refused = sophie.post("/entrer", **fields | proofs | {"csrf_token": sophie.token, "digits": "000000"})
    assert refused.status_code == 422
    assert hidden(refused.text)["kept.note"] == typed["note"]
    again = sophie.post("/entrer", **hidden(refused.text) | proofs | {"digits": room.digits()})
    assert again.status_code == 200
    assert "Renvoyer" in again.text
    assert 'action="/essai/note"' in again.text
    assert room.app.config["received"] == []
    sophie.post("/essai/note", **hidden(again.text))
    (received,) = room.app.config["received"]
    assert {name: value for name, value in received.items() if name != "csrf_token"} == typed


@pytest.mark.parametrize(
    "path",
    ["https://ailleurs.test/essai/note", "//ailleurs.test/essai/note", "/\\ailleurs.test", "/essai/who", "/sortir",
     "/entrer", "/nowhere", "/essai/../essai/note", "javascript:alert(1)", "essai/note", "/essai/note?x=1"],
)  # fmt: skip
def test_only_a_form_of_this_app_is_sent_again(room: Room, path: str) -> None:
    answer = room.browser().sign_in(**{"kept_path": path, "kept.note": "x"})
    assert (answer.status_code, answer.location) == (303, "/")


@pytest.mark.parametrize(
    "path", ["https://ailleurs.test/", "//ailleurs.test/essai/who", "/essai/note", "/entrer", "/x"]
)
def test_only_a_page_of_this_app_is_opened_after_signing_in(room: Room, path: str) -> None:
    answer = room.browser().sign_in(then=path)
    assert (answer.status_code, answer.location) == (303, "/")


def test_the_page_that_was_asked_for_is_opened_after_signing_in(room: Room) -> None:
    sophie = room.browser()
    then = hidden(sophie.get("/essai/who").text)["then"]
    assert then == "/essai/who"
    assert sophie.sign_in(then=then).location == "/essai/who"


def test_a_form_without_its_token_is_refused_and_nothing_of_it_is_shown(room: Room) -> None:
    sophie = room.browser()
    sophie.sign_in()
    sophie.token = ""
    answer = sophie.post("/essai/note", note="secret words")
    assert answer.status_code == 400
    assert "secret words" not in answer.text


# Taking an account over.


def test_a_new_colleague_takes_the_account_over_and_signs_in(room: Room, chance: Chance) -> None:
    with room.database.transaction("results") as db:
        code = make_staff(db, name="Léa", login="lea", by=None, power=room.power, at=room.at, chance=chance).code
    lea = room.browser()
    lea.get("/premiere-fois")
    shown = lea.post("/premiere-fois", login="lea", code=code)
    assert shown.status_code == 200
    seed = "".join(re.findall(r"<code>([A-Z2-7 ]+)</code>", shown.text)).replace(" ", "")
    assert len(seed) == 32
    fields = {"login": "lea", "code": code}
    weak = lea.post("/premiere-fois/preuves", **fields, password="motdepasse123", digits=TOTP(seed).at(room.at))
    assert weak.status_code == 422
    assert "motdepasse123" not in weak.text
    wrong = lea.post("/premiere-fois/preuves", **fields, password=PASSWORD, digits="000000")
    assert wrong.status_code == 422
    done = lea.post("/premiere-fois/preuves", **fields, password=PASSWORD, digits=TOTP(seed).at(room.at))
    assert (done.status_code, done.location) == (303, "/entrer")
    room.later(seconds=30)
    assert lea.sign_in("lea", digits=TOTP(seed).at(room.at)).status_code == 303
    assert "Aucun rôle signé" in lea.get("/").text or lea.get("/").status_code == 403


def test_an_invitation_does_not_open_an_account_that_is_in_use(room: Room) -> None:
    intruder = room.browser()
    intruder.get("/premiere-fois")
    for path in ("/premiere-fois", "/premiere-fois/preuves"):
        answer = intruder.post(path, login="sophie", code="AAAA AAAA AAAA AAAA", password=PASSWORD, digits="123456")
        assert answer.status_code == 422
        assert SEED not in answer.text
        assert "Sophie" not in answer.text
