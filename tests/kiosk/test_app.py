"""The public app is composed from its own settings alone, and refuses to start on any that it must not use."""

import json
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from kiosk.app import create_app
from kiosk.register.database import OtherTables, open_sqlite
from kiosk.register.errors import Refusal
from kiosk.register.sites import Site
from kiosk.settings import UnsafeSettings
from kiosk.web import House
from printers.paper import ROLL_58
from tests.tables import make_tables

HOUSE = Path(__file__).resolve().parents[2]
GOOD: dict[str, object] = {
    "register": "register.sqlite", "spool": "spool.sqlite", "station": "ab" * 64, "ticket_printer": "tickets",
    "secret": random.Random(8).randbytes(32).hex(), "demonstration": False,
}  # fmt: skip


def write(folder: Path, **changed: object) -> None:
    values = GOOD | changed
    file = folder / "kiosk.toml"
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    told = "".join(f"{name} = {json.dumps(value)}\n" for name, value in values.items() if value is not None)
    file.write_text(told, encoding="utf-8")


@pytest.fixture
def instance(tmp_path: Path, site_row: Site) -> Path:
    """Tables of both sides, a site, and the public settings; nothing of the staff's."""
    tmp_path.chmod(0o700)
    make_tables(tmp_path)
    database = open_sqlite(tmp_path / "register.sqlite", tmp_path / "results.sqlite")
    with database.transaction() as db:
        db.add(site_row)
    database.close()
    write(tmp_path)
    return tmp_path


@pytest.fixture
def site_row() -> Site:
    from datetime import time
    from uuid import UUID

    return Site(
        id=UUID(int=1), number=1, name="Tilleuls", timezone="Europe/Paris", opens=time(7, 30), closes=time(18, 0)
    )


@pytest.fixture
def app(instance: Path) -> Iterator[Flask]:
    made = create_app(instance)
    yield made
    home: House = made.extensions["house"]
    home.database.close()
    home.spool.close()


def test_a_screen_that_nobody_has_paired_is_told_so_and_nothing_else(app: Flask) -> None:
    page = app.test_client().get("/", base_url="https://labo.test")
    assert page.status_code == 403
    assert "Cette borne n&#39;est pas appairée." in page.text
    assert "DÉMONSTRATION" not in page.text


def test_its_tickets_are_laid_out_for_the_roll_that_its_settings_name(instance: Path) -> None:
    write(instance, ticket_media="roll-58")
    made = create_app(instance)
    assert made.extensions["house"].forms == {"tickets": ROLL_58}
    made.extensions["house"].database.close()
    made.extensions["house"].spool.close()


def test_it_starts_where_no_staff_file_key_or_results_are(instance: Path) -> None:
    for path in instance.glob("results.sqlite*"):
        path.unlink()
    made = create_app(instance)
    assert made.test_client().get("/readyz", base_url="https://labo.test").status_code == 200
    made.extensions["house"].database.close()
    made.extensions["house"].spool.close()


def test_it_holds_no_key_no_staff_setting_and_one_side_of_the_database(app: Flask) -> None:
    home: House = app.extensions["house"]
    assert set(home.more) == {"settings", "profiles", "voice", "limits"}
    assert set(home.database.writing_engines) == {"register"}
    assert home.database.results_file is None


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"secret": "0" * 64}, "« secret »"),
        ({"secret": "a" * 63}, "« secret »"),
        ({"secret": None}, "il manque le réglage « secret »"),
        ({"station": "ab"}, "« station » a 128 chiffres"),
        ({"results": "results.sqlite"}, "réglage inconnu « results »"),
        ({"keys": "keys"}, "réglage inconnu « keys »"),
        ({"demonstration": "oui"}, "« demonstration »"),
        ({"ticket_media": "label-50x25"}, "« ticket_media » est « roll-80 » ou « roll-58 »"),
        ({"ticket_media": "A4"}, "« ticket_media » est « roll-80 » ou « roll-58 »"),
    ],
)
def test_it_refuses_to_start_in_one_sentence(instance: Path, changed: dict[str, object], words: str) -> None:
    write(instance, **changed)
    with pytest.raises(UnsafeSettings, match=words) as refused:
        create_app(instance)
    assert "\n" not in str(refused.value)


def test_it_refuses_settings_that_others_may_read(instance: Path) -> None:
    (instance / "kiosk.toml").chmod(0o644)
    with pytest.raises(UnsafeSettings, match="lisible par d'autres"):
        create_app(instance)


def test_it_refuses_tables_that_are_not_its_own(instance: Path) -> None:
    write(instance, register="other.sqlite")
    with pytest.raises(OtherTables, match="Lancez « etiquette db upgrade »"):
        create_app(instance)


def test_it_refuses_a_register_without_a_site(instance: Path) -> None:
    database = open_sqlite(instance / "register.sqlite", instance / "results.sqlite")
    with database.transaction() as db:
        db.delete(db.query(Site).one())
    database.close()
    with pytest.raises(Refusal, match="etiquette init"):
        create_app(instance)


def test_its_process_has_loaded_nothing_of_the_floors_above(instance: Path) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from kiosk.app import create_app\n"
        "app = create_app(Path(sys.argv[1]))\n"
        "assert app.test_client().get('/', base_url='https://labo.test').status_code == 403\n"
        "print('\\n'.join(sorted(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(instance)], capture_output=True, text=True, cwd=HOUSE, check=True
    )
    loaded = set(done.stdout.split())
    assert "kiosk.door.touchscreen" in loaded  # the control
    above = {"results", "labels", "argon2", "pyotp", "alembic", "escpos", "flask_login"}
    assert not {name for name in loaded if name.split(".")[0] in above}
    assert "kiosk.signin" not in loaded
    assert not {name for name in loaded if name.startswith("kiosk.counter")}
