import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from jinja2 import TemplateNotFound
from sqlalchemy import text

from kiosk.register.database import OtherTables
from kiosk.settings import UnsafeSettings
from printers.paper import MEDIA, ROLL_80
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


def test_papers_are_laid_out_for_the_printers_that_the_station_knows(room: Room) -> None:
    file = room.folder / "printers.toml"
    file.write_text(file.read_text().replace("label-50x25", "label-57x32-300dpi", 1).replace("dpi = 203", "dpi = 300"))
    app = create_app(room.folder)
    forms = app.extensions["house"].forms
    rolls = dict.fromkeys(("slips", "reports", "tickets"), ROLL_80)
    assert forms == {"labels": MEDIA["label-57x32-300dpi"], **rolls}
    app.extensions["house"].database.close()


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ('"label-50x25"', '"roll-80"', "printers.toml, ligne 7 : Aucune étiquette de tube n'est dessinée"),
        ('"label-50x25"', "{width_mm = 40, height_mm = 20}", "Au choix : 50 × 25, 50 × 30, 57 × 32, 38 × 25 mm"),
        ('"roll-80"', '"label-50x25"', r"printers.toml, ligne \d+ : Un ticket, un talon .* demande un rouleau"),
        ('"label-50x25"', '"label-50x25-300dpi"', "printers.toml, ligne 7 : ce papier est dessiné à 12 points par mm"),
        ("[printer.slips]", "[printer.other]", "ne connaît pas l'imprimante « slips »"),
    ],
)
def test_it_does_not_start_on_a_printer_that_cannot_carry_its_papers(
    room: Room, before: str, after: str, words: str
) -> None:
    file = room.folder / "printers.toml"
    told = file.read_text()
    line = next(line for line in told.splitlines() if line.startswith(("media", "[")) and before in line)
    file.write_text(told.replace(line, line.replace(before, after)))
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
    room.app.jinja_env.get_template("staff/line.html")
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
