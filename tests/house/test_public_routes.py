"""The wall of the public app's routes: it opens what its table names, asks nobody's name, and a GET changes nothing."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, time
from pathlib import Path
from random import Random

import pytest
from flask import Flask

from kiosk.app import ROUTES, create_app
from kiosk.register.database import open_sqlite, uuid7
from kiosk.register.sites import Site
from kiosk.web import HEADERS
from tests.tables import make_tables

BASE = "https://labo.test"


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """The public app as it is composed for a laboratory."""
    chance: Callable[[int], bytes] = Random(7).randbytes
    folder: Path = tmp_path_factory.mktemp("public")
    folder.chmod(0o700)
    make_tables(folder)
    staff = open_sqlite(folder / "register.sqlite", folder / "results.sqlite")
    with staff.transaction() as db:
        db.add(
            Site(
                id=uuid7(datetime(2026, 11, 21, 7, 30, tzinfo=UTC), chance), number=1, name="Laboratoire des Tilleuls",
                timezone="Europe/Paris", opens=time(7, 30), closes=time(18, 0),
            )
        )  # fmt: skip
    staff.close()
    settings = {
        "register": "register.sqlite", "spool": "spool.sqlite", "station": "ab" * 64, "ticket_printer": "tickets",
        "secret": Random(8).randbytes(32).hex(), "demonstration": True,
    }  # fmt: skip
    file = folder / "kiosk.toml"
    file.touch(mode=0o600)
    file.write_text("".join(f"{name} = {json.dumps(value)}\n" for name, value in settings.items()), encoding="utf-8")
    app = create_app(folder)
    yield app
    app.extensions["house"].database.close()
    app.extensions["house"].spool.close()


def addresses(door: Flask, method: str) -> list[str]:
    """An address of every rule that answers this method."""
    return [
        re.sub(r"<[^>]+>", "x", rule.rule) for rule in door.url_map.iter_rules() if method in (rule.methods or set())
    ]


def test_the_table_and_the_map_name_the_same_routes_and_all_are_open(door: Flask) -> None:
    assert {rule.endpoint for rule in door.url_map.iter_rules()} == set(ROUTES)
    assert set(ROUTES.values()) == {"open"}


def test_a_route_looks_or_changes_and_never_both(door: Flask) -> None:
    for rule in door.url_map.iter_rules():
        methods = (rule.methods or set()) - {"HEAD", "OPTIONS"}
        assert methods in ({"GET"}, {"POST"}), rule.endpoint


def test_every_change_wants_the_pages_own_token(door: Flask) -> None:
    visitor = door.test_client()
    for address in addresses(door, "POST"):
        assert visitor.post(address, base_url=BASE).status_code == 400, address


def test_every_answer_carries_the_headers_and_no_cookie_but_ours(door: Flask) -> None:
    visitor = door.test_client()
    for address in [*addresses(door, "GET"), "/nowhere"]:
        answer = visitor.get(address, base_url=BASE, buffered=False)
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, address
        assert answer.headers["Cache-Control"] in {"no-store", "no-cache"}, address
        for cookie in answer.headers.getlist("Set-Cookie"):
            assert cookie.startswith("__Host-etiquette-kiosk=")
            assert {"Secure", "HttpOnly", "Path=/", "SameSite=Strict"} <= set(cookie.split("; "))
        answer.close()


def test_an_endpoint_that_the_table_does_not_name_is_refused(door: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    visitor = door.test_client()
    assert visitor.get("/name", base_url=BASE).status_code == 200
    monkeypatch.delitem(door.extensions["routes"], "touchscreen.name")
    assert visitor.get("/name", base_url=BASE).status_code == 403
