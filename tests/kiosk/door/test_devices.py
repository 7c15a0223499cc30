"""A screen is paired once, by a code that is spent, and can be sent away at once."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from kiosk.door.devices import (
    LASTS,
    CodeGone,
    Device,
    Kind,
    NameOfDevice,
    NameTaken,
    NoDevice,
    device_of,
    devices,
    invite,
    revoke,
    take_over,
)
from kiosk.door.threshold import COOKIE
from kiosk.register.database import Database
from kiosk.register.errors import Later
from kiosk.register.journal import RegisterText
from kiosk.register.sites import Site
from tests.kiosk.conftest import Reception, hidden

Chance = Callable[[int], bytes]


def paired(database: Database, site: Site, name: str, at: datetime, chance: Chance) -> str:
    with database.transaction() as db:
        code = invite(db, site.id, name, by="test", at=at, chance=chance)
    with database.transaction() as db:
        return take_over(db, site.id, f"{code[:4]}-{code[4:].lower()}", at=at, chance=chance)


def test_a_code_pairs_one_screen_and_only_hashes_are_kept(
    database: Database, site: Site, at: datetime, chance: Chance
) -> None:
    token = paired(database, site, "Borne 1", at, chance)
    with database.reading() as db:
        device = device_of(db, token)
        assert device is not None
        assert (device.name, len(token), device.code_hash) == ("Borne 1", 64, None)
        assert token not in str(vars(device))
        assert device_of(db, "0" * 64) is None
        assert '"device.paired"' in db.scalars(select(RegisterText.text)).all()[-1]


def test_a_spent_a_wrong_and_an_old_code_are_answered_the_same(
    database: Database, site: Site, at: datetime, chance: Chance
) -> None:
    with database.transaction() as db:
        code = invite(db, site.id, "Borne 1", by="test", at=at, chance=chance)
    late = at + LASTS + timedelta(seconds=1)
    for typed, when in (("AAAAAAAA", at), ("", at), (code, late)):
        with pytest.raises(CodeGone), database.transaction() as db:
            take_over(db, site.id, typed, at=when, chance=chance)
    with database.transaction() as db:
        take_over(db, site.id, code, at=at + LASTS, chance=chance)
    with pytest.raises(CodeGone), database.transaction() as db:
        take_over(db, site.id, code, at=at, chance=chance)


def test_a_screen_that_was_sent_away_opens_nothing_and_its_name_is_free(
    database: Database, site: Site, at: datetime, chance: Chance
) -> None:
    token = paired(database, site, "Borne 1", at, chance)
    with pytest.raises(NameTaken), database.transaction() as db:
        invite(db, site.id, "Borne 1", by="test", at=at, chance=chance)
    with database.transaction() as db:
        revoke(db, site.id, "Borne 1", by="test", at=at, chance=chance)
    with database.reading() as db:
        assert device_of(db, token) is None
        assert devices(db, site.id) == []
    with pytest.raises(NoDevice), database.transaction() as db:
        revoke(db, site.id, "Borne 1", by="test", at=at, chance=chance)
    paired(database, site, "Borne 1", at, chance)


def test_a_new_code_for_a_waiting_screen_replaces_the_old_one(
    database: Database, site: Site, at: datetime, chance: Chance
) -> None:
    with database.transaction() as db:
        old = invite(db, site.id, "Borne 2", by="test", at=at, chance=chance)
        db.flush()
        new = invite(db, site.id, "Borne 2", by="test", at=at, chance=chance)
    with pytest.raises(CodeGone), database.transaction() as db:
        take_over(db, site.id, old, at=at, chance=chance)
    with database.transaction() as db:
        take_over(db, site.id, new, at=at, chance=chance)
        assert len(db.scalars(select(Device)).all()) == 1


@pytest.mark.parametrize("name", ["", "Entrée", "B" * 31, "-x", "Borne\n1", "Borne 1\x00"])
def test_a_name_that_the_journal_cannot_hold_is_refused(
    database: Database, site: Site, at: datetime, chance: Chance, name: str
) -> None:
    with pytest.raises(NameOfDevice), database.transaction() as db:
        invite(db, site.id, name, by="test", at=at, chance=chance)


OPENS_WITHOUT = ("/pair", "/f/x", "/static/public/kiosk.css")
CLOSED = ("/", "/code", "/name", "/convocation", "/board", "/board/state", "/board/events", "/language", "/nowhere",
          "/spoken/fr/home.wav", "/number/" + "0" * 32, "/help/0", "/profile.css")  # fmt: skip


@pytest.mark.parametrize("path", CLOSED)
def test_an_address_without_its_screens_token_shows_only_that_it_is_not_paired(reception: Reception, path: str) -> None:
    for token in ("", "0" * 64, reception.token[:-1]):
        stranger = reception.stranger()
        if token:
            stranger.set_cookie(COOKIE, token, domain="localhost", secure=True)
        answer = stranger.get(path, base_url="https://localhost")
        assert answer.status_code == 403
        page = answer.get_data(as_text=True)
        assert "Cette borne n&#39;est pas appairée." in page
        assert "touchscreen.call_someone" not in page
        assert '<form class="help"' not in page


def test_a_form_without_a_token_changes_nothing_even_with_the_pages_own_key(reception: Reception) -> None:
    stranger = reception.stranger()
    form = hidden(stranger.get("/pair", base_url="https://localhost").get_data(as_text=True))
    where = {"base_url": "https://localhost", "headers": {"Referer": "https://localhost/"}}
    for path in ("/come/walk_in", "/help", "/code", "/leave", "/language"):
        assert stranger.post(path, data=form, **where).status_code == 403


def test_the_code_is_typed_at_the_screen_and_its_cookie_is_this_hosts_alone(reception: Reception) -> None:
    with reception.staff.transaction() as db:
        code = invite(db, reception.site.id, "Borne 2", by="test", at=reception.at, chance=reception.chance)
    reception.client = reception.stranger()
    answer = reception.send("/pair", "/pair", code=code)
    assert answer.status_code == 303
    [cookie] = [one for one in answer.headers.getlist("Set-Cookie") if one.startswith(COOKIE)]
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/"} <= set(cookie.split("; "))
    assert "Pourquoi venez-vous" in reception.open("/")
    with reception.staff.transaction() as db:
        revoke(db, reception.site.id, "Borne 2", by="test", at=reception.at, chance=reception.chance)
    assert "pas appairée" in reception.open("/")


def test_a_board_opens_its_own_page_once_it_is_paired(reception: Reception) -> None:
    with reception.staff.transaction() as db:
        code = invite(
            db, reception.site.id, "Ecran salle", kind=Kind.BOARD, by="test", at=reception.at, chance=reception.chance
        )
    reception.client = reception.stranger()
    assert reception.send("/pair", "/pair", code=code).location == "/board"


def test_it_is_noted_now_and_then_that_a_screen_is_there(reception: Reception) -> None:
    def seen() -> datetime | None:
        with reception.staff.reading() as db:
            return db.scalars(select(Device.seen_at)).one()

    assert seen() is None
    reception.open("/")
    first = reception.at
    reception.passes(minutes=4)
    reception.open("/board/state")
    assert seen() == first
    reception.passes(minutes=1)
    reception.open("/board/state")
    assert seen() == reception.at
    reception.stranger().get("/", base_url="https://localhost")
    assert seen() == reception.at


def test_a_screen_is_served_where_it_cannot_be_noted(reception: Reception, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(_: Database, side: str = "register") -> None:  # as the real one is called
        raise Later

    monkeypatch.setattr(Database, "transaction", busy)
    assert "Pourquoi venez-vous" in reception.open("/")


def test_codes_cannot_be_tried_one_after_the_other(reception: Reception) -> None:
    reception.client = reception.stranger()
    tried = [reception.send("/pair", "/pair", code="AAAA2222").status_code for _ in range(12)]
    assert tried == [422] * 10 + [503] * 2
    reception.passes(1)
    assert reception.send("/pair", "/pair", code="AAAA2222").status_code == 422


def test_a_demonstration_lets_everybody_in_as_its_first_kiosk(
    sqlite_folder: object, at: datetime, chance: Chance
) -> None:
    from pathlib import Path

    from tests.kiosk.conftest import open_reception

    assert isinstance(sqlite_folder, Path)
    opened = open_reception(sqlite_folder, at=at, chance=chance, demonstration=True)
    opened.client = opened.stranger()
    assert "Pourquoi venez-vous" in opened.open("/")
    opened.spool.close()
    opened.staff.close()
    opened.app.extensions["house"].database.close()
