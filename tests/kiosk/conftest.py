"""The public app as it is served: its own grants, its own templates, one site, a spool without a station."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import FileSystemLoader, PrefixLoader
from playwright.sync_api import Browser, sync_playwright
from werkzeug.test import TestResponse

import kiosk
from kiosk.app import SCREENS
from kiosk.door.devices import invite, take_over
from kiosk.door.limits import Limits
from kiosk.door.profile import read_profiles
from kiosk.door.threshold import COOKIE
from kiosk.door.voice import Voice
from kiosk.register.database import Database, open_sqlite, uuid7
from kiosk.register.grants import PUBLIC
from kiosk.register.sites import Site
from kiosk.settings import KioskSettings
from kiosk.web import House, make_app
from printers.paper import ROLL_80
from printers.sealing import StationId
from printers.station.spool import StationSpool
from tests.staffroom import compiled_templates

TEMPLATES = Path(kiosk.__file__).parent / "templates" / "touchscreen"
STATION = "11" * 64
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-component-update", "--hide-scrollbars", "--force-color-profile=srgb",
]  # fmt: skip


@dataclass
class Reception:
    """The public app, and beside it the staff's own database, to look at what was stored."""

    app: Flask
    staff: Database
    site: Site
    spool: StationSpool
    at: datetime
    chance: Callable[[int], bytes]
    token: str
    client: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.visitor()

    def visitor(self) -> FlaskClient:
        """A browser of its own, paired as the first kiosk."""
        client = self.stranger()
        client.set_cookie(COOKIE, self.token, domain="localhost", secure=True)
        return client

    def stranger(self) -> FlaskClient:
        """A browser that nobody has paired."""
        return self.app.test_client()

    def open(self, path: str) -> str:
        """The text of a page."""
        return self.client.get(path, base_url="https://localhost").get_data(as_text=True)

    def send(self, page: str, path: str, /, **typed: str) -> TestResponse:
        """Send a form as the page gave it: its token and its key, and what was typed."""
        return self.client.post(
            path,
            data=hidden(self.open(page)) | typed,
            base_url="https://localhost",
            headers={"Referer": "https://localhost/"},
        )

    def passes(self, minutes: float) -> None:
        """Let time go by."""
        self.at += timedelta(minutes=minutes)


def hidden(page: str) -> dict[str, str]:
    """The two hidden values that every form of a page carries."""
    found = dict(re.findall(r'name="(csrf_token|form_key)" value="([^"]+)"', page))
    assert found.keys() == {"csrf_token", "form_key"}
    return found


def open_reception(
    folder: Path, *, at: datetime, chance: Callable[[int], bytes], demonstration: bool = False, **more: Any
) -> Reception:
    """Compose the public app over a folder that holds both files."""
    staff = open_sqlite(folder / "register.sqlite", folder / "results.sqlite")
    site = Site(
        id=uuid7(at, chance), number=1, name="Laboratoire des Tilleuls", timezone="Europe/Paris",
        opens=time(7, 30), closes=time(18, 0),
    )  # fmt: skip
    with staff.transaction() as db:
        db.add(site)
        db.flush()
        token = take_over(
            db, site.id, invite(db, site.id, "Borne 1", by="test", at=at, chance=chance), at=at, chance=chance
        )
    settings = KioskSettings(
        register="register.sqlite", spool="spool.sqlite", station=STATION, ticket_printer="tickets",
        secret="5e" * 32, demonstration=demonstration, **more,
    )  # fmt: skip
    spool = StationSpool(folder / "spool.sqlite", station=StationId.parse(STATION))
    home = House(
        database=open_sqlite(folder / "register.sqlite", grants=PUBLIC), spool=spool, site_name=site.name,
        demonstration=demonstration, forms={"tickets": ROLL_80}, now=lambda: opened.at, chance=chance, more={
            "settings": settings, "profiles": read_profiles(settings.screen), "voice": Voice(folder / "voice"),
            "limits": Limits(),
        },
    )  # fmt: skip
    routes: dict[str, str] = {}
    app = make_app(
        "kiosk", home, secret=b"\x5e" * 32, cookie="__Host-etiquette-kiosk",
        loader=PrefixLoader({"touchscreen": FileSystemLoader(TEMPLATES)}), static=frozenset({"public"}), routes=routes,
    )  # fmt: skip
    app.jinja_env.bytecode_cache = compiled_templates()
    app.config["REFUSAL_TEMPLATE"] = "touchscreen/refusal.html"
    for screens in SCREENS:
        app.register_blueprint(screens.bp)
    routes.update(dict.fromkeys((rule.endpoint for rule in app.url_map.iter_rules()), "open"))
    opened = Reception(app=app, staff=staff, site=site, spool=spool, at=at, chance=chance, token=token)
    return opened


@pytest.fixture
def reception(sqlite_folder: Path, at: datetime, chance: Callable[[int], bytes]) -> Iterator[Reception]:
    """The laboratory's door on a Saturday morning."""
    opened = open_reception(sqlite_folder, at=at, chance=chance)
    yield opened
    opened.spool.close()
    opened.staff.close()
    opened.app.extensions["house"].database.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; of one module, since two drivers cannot live in one thread."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield opened
        opened.close()
