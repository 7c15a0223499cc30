import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from jinja2 import TemplateNotFound
from sqlalchemy import text

from kiosk.register.database import OtherTables
from kiosk.settings import UnsafeSettings
from results.app import create_app
from tests.staffroom import Room, open_room, write_settings

Chance = Callable[[int], bytes]


@pytest.fixture
def room(tmp_path: Path, at: datetime, chance: Chance) -> Iterator[Room]:
    with open_room(tmp_path, at=at, chance=chance) as opened:
        yield opened


def fingerprint(room: Room) -> str:
    return hashlib.sha256(room.app.extensions["house"].more["keys"].signers["lenoir"]).hexdigest()


def test_the_staff_app_starts_from_the_folder_that_the_environment_names(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ETIQUETTE_INSTANCE", str(room.folder))
    app = create_app()
    assert app.extensions["house"].site_name == "Laboratoire des Tilleuls"
    app.extensions["house"].database.close()


def test_it_does_not_start_on_settings_that_others_may_read(room: Room) -> None:
    (room.folder / "staff.toml").chmod(0o604)
    with pytest.raises(UnsafeSettings, match="chmod 600"):
        create_app(room.folder)


@pytest.mark.parametrize(
    ("changed", "words"),
    [({"colour": "red"}, "colour"), ({"station": "abc"}, "station"), ({"keys": "elsewhere"}, "elsewhere"),
     ({"biologist_fingerprint": "00" * 32}, "biologist_fingerprint"), ({"demonstration": "no"}, "demonstration")],
)  # fmt: skip
def test_it_does_not_start_on_strange_settings_and_says_which(
    room: Room, changed: dict[str, object], words: str
) -> None:
    mark = fingerprint(room)
    write_settings(room.folder, **{"fingerprint": mark} | changed)  # type: ignore[arg-type]
    with pytest.raises(UnsafeSettings, match=words):
        create_app(room.folder)


def test_it_does_not_start_on_a_key_that_others_may_read(room: Room) -> None:
    (room.folder / "keys" / "cookie.key").chmod(0o444)
    with pytest.raises(UnsafeSettings, match=r"cookie\.key"):
        create_app(room.folder)


def test_it_does_not_start_on_tables_of_another_version(room: Room) -> None:
    with room.database.transaction("results") as db:
        db.execute(text("UPDATE results.alembic_version SET version_num = '0000'"))
    with pytest.raises(OtherTables, match="etiquette db upgrade"):
        create_app(room.folder)


def test_it_finds_staff_pages_and_no_touchscreen_page(room: Room) -> None:
    room.app.jinja_env.get_template("staff/home.html")
    with pytest.raises(TemplateNotFound):
        room.app.jinja_env.get_template("touchscreen/base.html")


def test_each_person_sees_the_screens_that_their_roles_open(room: Room) -> None:
    for login in ("sophie", "karim", "alex"):
        browser = room.browser()
        browser.sign_in(login)
        answer = browser.get("/")
        assert answer.status_code == 200
        assert room.people[login].name in answer.text
        assert "Se déconnecter" in answer.text


def test_a_demonstration_says_so_on_every_page(room: Room) -> None:
    assert "DÉMONSTRATION" not in room.browser().get("/entrer").text
    write_settings(room.folder, fingerprint(room), demonstration=True)
    app = create_app(room.folder)
    assert "DÉMONSTRATION" in app.test_client().get("/entrer", base_url="https://labo.test").text
    app.extensions["house"].database.close()


def test_it_lives_without_a_database_and_is_ready_with_one(room: Room) -> None:
    visitor = room.browser()
    assert visitor.get("/livez").json == {"alive": True}
    assert visitor.get("/readyz").json == {"ready": True}
    with room.database.transaction("results") as db:
        db.execute(text("UPDATE results.alembic_version SET version_num = '0000'"))
    assert visitor.get("/readyz").status_code == 500
    assert visitor.get("/livez").status_code == 200
