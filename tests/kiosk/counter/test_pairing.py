"""Kiosks and boards are let in, listed and sent away on a staff screen, by the command line's own rules."""

import re
from datetime import timedelta

from sqlalchemy import select

from kiosk.door.devices import LASTS, QUIET, Device, Kind, NameTaken, device_of, invite, saw, take_over
from kiosk.register.journal import RegisterText
from tests.kiosk.counter.conftest import Counter, Person, words_of


def manager(counter: Counter, login: str = "roux") -> Person:
    """Somebody who may, with the six digits that it asks for."""
    person = counter.sits(login)
    person.browser.raise_power()
    return person


def code_on(page: str) -> str:
    """The code that a page shows, or nothing."""
    found = re.search(r'<code dir="ltr">(\w{4}) (\w{4})</code>', page)
    return found[1] + found[2] if found else ""


def paired(counter: Counter, person: Person, name: str, kind: str = "kiosk") -> str:
    """A screen at which the code was typed; its token."""
    code = code_on(person.sends("/ecrans", name=name, kind=kind).text)
    with counter.writing() as db:
        return take_over(db, counter.site_id, code, at=counter.room.at, chance=counter.chance)


def test_a_manager_lets_a_board_in_by_a_code_that_is_shown_once(counter: Counter) -> None:
    valerie = manager(counter)
    assert "les patients prennent leur numéro au guichet" in valerie.sees("/ecrans")
    answer = valerie.sends("/ecrans", name="Ecran salle", kind="board")
    code = code_on(answer.text)
    assert (answer.status_code, len(code)) == (200, 8)
    assert code not in answer.headers.get("Location", "")
    page = valerie.sees("/ecrans")
    assert not code_on(page)
    assert "attend son code" in page
    with counter.writing() as db:
        token = take_over(db, counter.site_id, code, at=counter.room.at, chance=counter.chance)
    with counter.writing() as db:
        device = device_of(db, token)
        assert device is not None
        assert (device.kind, device.made_by) == (Kind.BOARD, str(counter.room.people["roux"].id))
        assert code not in "".join(db.scalars(select(RegisterText.text)))
    page = valerie.sees("/ecrans")
    assert "pas encore vu" in page
    assert "code donné : Valérie Roux" in page


def test_the_list_says_which_screens_are_there_and_which_do_not_answer(counter: Counter) -> None:
    alex = manager(counter, "alex")
    paired(counter, alex, "Borne 1")
    with counter.writing() as db:
        saw(db, db.scalars(select(Device.id)).one(), at=counter.room.at)
    assert "en service" in alex.sees("/ecrans")
    with counter.writing() as db:
        saw(db, db.scalars(select(Device.id)).one(), at=counter.room.at - QUIET - timedelta(seconds=1))
    assert "ne répond pas" in alex.sees("/ecrans")


def test_a_screen_that_is_sent_away_is_out_at_once_and_the_journal_says_who_did_it(counter: Counter) -> None:
    valerie = manager(counter)
    token = paired(counter, valerie, "Borne 1")
    assert "Borne 1 est retiré" in valerie.does("/ecrans/retirer", name="Borne 1")
    with counter.writing() as db:
        assert device_of(db, token) is None
        last = db.scalars(select(RegisterText.text).order_by(RegisterText.seq)).all()[-1]
    assert '"device.revoked"' in last
    assert counter.room.people["roux"].id.hex in last
    assert valerie.sends("/ecrans/retirer", name="Borne 1").status_code == 404


def test_the_rules_are_those_of_the_command_line_and_what_was_typed_stays(counter: Counter) -> None:
    valerie = manager(counter)
    paired(counter, valerie, "Borne 1")
    for name, sentence in (("Borne 1", NameTaken.french), ("Entrée", "Choisissez un nom de 30 signes")):
        answer = valerie.sends("/ecrans", name=name, kind="board")
        assert answer.status_code == 422
        assert sentence in answer.get_data(as_text=True).replace("&#39;", "'")
        assert f'value="{name}"' in answer.text
        assert re.search(r'value="board" checked', answer.text)
        assert not code_on(answer.text)


def test_a_code_too_old_is_said_so_and_a_new_one_replaces_it(counter: Counter) -> None:
    valerie = manager(counter)
    before = counter.room.at - LASTS - timedelta(seconds=1)
    with counter.writing() as db:
        old = invite(db, counter.site_id, "Borne 1", by="command line", at=before, chance=counter.chance)
    assert "ligne de commande" in valerie.sees("/ecrans")
    assert "code trop ancien" in valerie.sees("/ecrans")
    new = code_on(valerie.sends("/ecrans", name="Borne 1", kind="kiosk").text)
    assert new
    assert new != old
    assert valerie.sees("/ecrans").count("<strong>Borne 1</strong>") == 1


def test_nobody_else_sees_the_list_and_six_digits_are_asked_first(counter: Counter) -> None:
    sophie = counter.sits()
    assert sophie.browser.get("/ecrans").status_code == 403
    assert sophie.sends("/ecrans", name="Borne 9").status_code == 403
    valerie = counter.sits("roux", "Guichet 2")
    answer = valerie.sends("/ecrans", name="Borne 9", kind="kiosk")
    assert answer.status_code == 401
    assert words_of(answer) == ""
    with counter.writing() as db:
        assert db.scalars(select(Device)).all() == []
