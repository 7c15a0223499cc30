"""The screens of accounts and PCs: who makes, who signs, who confirms, and what an administrator can never do alone."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from html import unescape
from pathlib import Path

import pytest
from pyotp import TOTP
from sqlalchemy import select
from werkzeug.test import TestResponse

from kiosk.presence.recovery import NotBothPeople, ProofReset
from kiosk.presence.roles import RoleGrant, roles_of
from kiosk.register.accounts import NotYourself, Staff
from kiosk.register.staff import Role
from tests.results.signing_room import SigningRoom, asks_for_keys, open_signing_room
from tests.staffroom import PASSWORD, Browser, Room

Chance = Callable[[int], bytes]


@pytest.fixture
def signing(tmp_path: Path, at: datetime, chance: Chance, monkeypatch: pytest.MonkeyPatch) -> Iterator[SigningRoom]:
    with open_signing_room(tmp_path, monkeypatch, at=at, chance=chance) as opened:
        yield opened


@pytest.fixture
def room(signing: SigningRoom) -> Room:
    return signing.desks.room


@pytest.fixture
def alex(room: Room) -> Browser:
    return raised(room, "alex")


def raised(room: Room, login: str) -> Browser:
    """Somebody who has signed in and given six digits more."""
    room.later(seconds=30)
    browser = room.browser()
    assert browser.sign_in(login).status_code == 303
    assert browser.raise_power().status_code == 303
    browser.get("/")
    return browser


def code_on(answer: TestResponse) -> str:
    """The code that a page shows once."""
    found = re.search(r"data-blank-after=\"120\">([A-Z2-7 ]{19})<", answer.text)
    assert found is not None, answer.text
    return found[1]


def takes_over(room: Room, login: str, code: str) -> str:
    """Somebody sets new proofs with the code that was given in person; their seed."""
    browser = room.browser("10.0.0.7")
    browser.get("/premiere-fois")
    shown = browser.post("/premiere-fois", login=login, code=code)
    seed = "".join(re.findall(r"<code>([A-Z2-7 ]+)</code>", shown.text)).replace(" ", "")
    done = browser.post(
        "/premiere-fois/preuves", login=login, code=code, password=PASSWORD, digits=TOTP(seed).at(room.at)
    )
    assert done.status_code == 303, done.text
    return seed


def roles(room: Room, login: str) -> set[Role]:
    with room.database.reading() as db:
        staff = db.scalars(select(Staff).where(Staff.login == login)).one()
        return set(roles_of(db, staff.id, room.power))


def test_an_account_is_made_taken_over_and_opens_what_a_biologist_has_signed(
    signing: SigningRoom, room: Room, alex: Browser
) -> None:
    made = alex.post("/comptes", name="Léa Petit", login="lea", roles="secretary")
    assert made.status_code == 200
    seed = takes_over(room, "lea", code_on(made))
    room.later(seconds=30)
    lea = room.browser()
    assert lea.sign_in("lea", digits=TOTP(seed).at(room.at)).status_code == 303
    assert lea.get("/file").status_code == 403
    lenoir = signing.unlocked()
    listed = lenoir.get("/a-confirmer")
    (grant,) = re.findall(r"/a-confirmer/role/([0-9a-f-]{36})", listed.text)
    assert lenoir.post(f"/a-confirmer/role/{grant}").status_code == 422
    assert roles(room, "lea") == set()
    assert lenoir.post(f"/a-confirmer/role/{grant}", known="yes").status_code == 303
    assert roles(room, "lea") == {Role.SECRETARY}
    lea.sign_in("lea", digits=TOTP(seed).at(room.at, counter_offset=1))
    assert lea.get("/file").status_code == 200
    assert lenoir.post(f"/a-confirmer/role/{grant}", known="yes").status_code == 404


def test_an_administrator_makes_no_biologist_and_no_manager(room: Room, alex: Browser) -> None:
    karim = room.people["karim"].id
    for role in ("biologist", "manager"):
        assert alex.post(f"/comptes/{karim}/role", role=role).status_code == 303
        alex.get("/")
    assert roles(room, "karim") == {Role.SAMPLER}
    with room.database.reading() as db:
        grants = db.scalars(select(RoleGrant.id).where(RoleGrant.signature.is_(None))).all()
    assert len(grants) == 2
    for grant in grants:
        assert alex.post(f"/a-confirmer/role/{grant}", known="yes").status_code == 403
    assert roles(room, "karim") == {Role.SAMPLER}


def test_a_biologist_whose_keys_are_locked_signs_no_role(room: Room, alex: Browser) -> None:
    alex.post(f"/comptes/{room.people['karim'].id}/role", role="secretary")
    lenoir = raised(room, "lenoir")
    (grant,) = re.findall(r"/a-confirmer/role/([0-9a-f-]{36})", lenoir.get("/a-confirmer").text)
    assert asks_for_keys(lenoir.post(f"/a-confirmer/role/{grant}", known="yes"))
    assert roles(room, "karim") == {Role.SAMPLER}


def test_nobody_touches_their_own_account(room: Room, alex: Browser) -> None:
    own = room.people["alex"].id
    for path, fields in (("role", {"role": "biologist"}), ("fermer", {}), ("preuves", {})):
        answer = alex.post(f"/comptes/{own}/{path}", **fields)
        assert answer.status_code == 403
        assert NotYourself.french in unescape(answer.text)
    page = alex.get("/comptes").text
    assert f"/comptes/{own}/" not in page
    assert f"/comptes/{room.people['karim'].id}/" in page


def test_lost_proofs_are_given_back_by_two_people(room: Room, alex: Browser) -> None:
    sophie = room.browser("10.0.0.5")
    room.later(seconds=30)
    sophie.sign_in("sophie")
    asked = alex.post(f"/comptes/{room.people['sophie'].id}/preuves")
    assert asked.status_code == 303
    assert sophie.get("/file").status_code == 200  # nothing has happened yet
    with room.database.reading() as db:
        reset = db.scalars(select(ProofReset.id)).one()
    alex.get("/")
    alone = alex.post(f"/a-confirmer/preuves/{reset}")
    assert alone.status_code == 403
    assert NotBothPeople.french in unescape(alone.text)
    roux = raised(room, "roux")
    assert "Sophie Martin" in roux.get("/a-confirmer").text
    code = code_on(roux.post(f"/a-confirmer/preuves/{reset}"))
    assert code not in alex.get("/a-confirmer").text + alex.get("/comptes").text
    assert sophie.get("/file").status_code == 401
    seed = takes_over(room, "sophie", code)
    room.later(seconds=30)
    assert sophie.sign_in("sophie", digits=TOTP(seed).at(room.at)).status_code == 303
    room.later(seconds=30)
    assert sophie.sign_in("sophie").status_code == 422


def test_a_closed_account_is_out_at_once(room: Room, alex: Browser) -> None:
    room.later(seconds=30)
    nadia = room.browser("10.0.0.5")
    nadia.sign_in("nadia")
    assert nadia.get("/file").status_code == 200
    assert alex.post(f"/comptes/{room.people['nadia'].id}/fermer").status_code == 303
    assert nadia.get("/file").status_code == 401
    room.later(seconds=30)
    assert nadia.sign_in("nadia").status_code == 422


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"login": "Léa", "name": "Léa"}, "minuscules"), ({"login": "lea", "name": " "}, "minuscules"),
        ({"login": "sophie", "name": "Sophie"}, "déjà pris"), ({"login": "lea", "name": "Léa", "roles": "roi"}, "rôle"),
    ],
)  # fmt: skip
def test_what_cannot_be_an_account_is_said_and_nothing_is_made(
    room: Room, alex: Browser, fields: dict[str, str], words: str
) -> None:
    answer = alex.post("/comptes", **fields)
    assert answer.status_code == 422
    assert words in unescape(answer.text)
    with room.database.reading() as db:
        assert db.scalars(select(Staff.id).where(Staff.login == "lea")).first() is None


def test_every_screen_of_power_asks_six_digits_more_and_keeps_what_was_typed(room: Room) -> None:
    browser = room.browser()
    browser.sign_in("alex")
    browser.get("/")
    karim, pc = room.people["karim"].id, "00000000-0000-7000-8000-000000000000"
    for path in ("/comptes", "/postes"):
        assert "Vos six chiffres" in browser.get(path).text
    for path in (
        "/comptes", f"/comptes/{karim}/role", f"/comptes/{karim}/fermer", f"/comptes/{karim}/preuves", "/postes",
        f"/postes/{pc}/retirer", f"/a-confirmer/preuves/{pc}",
    ):  # fmt: skip
        asked = browser.post(path, name="gardé", role="sampler", login="gardee")
        assert asked.status_code == 401
        assert 'name="kept.name" value="gardé"' in unescape(asked.text)
    with room.database.reading() as db:
        assert db.scalars(select(Staff.id).where(Staff.login == "gardee")).first() is None


def test_a_pc_that_is_taken_off_the_list_is_out_at_once(room: Room) -> None:
    front = room.browser().pair("accueil")
    room.give_pin("sophie", "739184")
    front.sign_in("sophie")
    assert front.get("/file").status_code == 200
    roux = raised(room, "roux")
    (pc,) = re.findall(r"/postes/([0-9a-f-]{36})/retirer", roux.get("/postes").text)
    assert roux.post(f"/postes/{pc}/retirer").status_code == 303
    assert front.get("/file").status_code == 401
    assert front.come_back("sophie", "739184").status_code == 422
    assert pc not in roux.get("/postes").text
    roux.get("/")
    assert roux.post("/postes/00000000-0000-7000-8000-000000000000/retirer").status_code == 404


def test_a_pc_without_name_or_desk_is_not_paired(room: Room) -> None:
    roux = raised(room, "roux")
    for fields in ({"name": "", "desk": "Guichet 1"}, {"name": "accueil", "desk": "Guichet 9"}):
        answer = roux.post("/postes", **fields)
        assert answer.status_code == 422
        assert "__Host-etiquette-desk" not in str(answer.headers)
