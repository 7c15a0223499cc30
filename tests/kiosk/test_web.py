"""What every app of the house has, asked through HTTP."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from html import unescape
from pathlib import Path
from threading import Barrier

import pytest
from flask import Flask, request
from flask.testing import FlaskClient
from jinja2 import DictLoader
from sqlalchemy import func, select, text
from sqlalchemy.exc import IntegrityError
from werkzeug.wrappers import Response

from kiosk import waiting
from kiosk.line.estimate import Range
from kiosk.register.database import Database, open_sqlite
from kiosk.register.errors import Conflict, Invalid, Later, NotAllowed, NotFound, Refusal
from kiosk.register.sites import Site
from kiosk.register.visits import Purpose, Visit
from kiosk.web import HEADERS, STATIC, House, asset, chance, form_key, house, make_app, now, page, reading, transaction
from printers.spool import Spool

Chance = Callable[[int], bytes]

#: What is about HTTP alone asks one engine.
one_engine = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

REFUSALS: dict[str, type[Refusal]] = {
    "not-found": NotFound, "conflict": Conflict, "not-allowed": NotAllowed, "invalid": Invalid, "later": Later,
}  # fmt: skip
ENDPOINTS = ("static_file", "hello", "take", "refuse", "break_down", "twice", "busy", "undefined", "key", "hour")
TEMPLATES = {
    "refusal.html": "<p>{{ sentence }}</p>",
    "hello.html": "{{ site_name }} {{ demonstration }} {{ _('Bonjour %(who)s', who='vous') }} {{ form_key()|length }}",
    "undefined.html": "{{ nobody_gave_this }}",
}


@pytest.fixture
def app(database: Database, site: Site, at: datetime, chance: Chance, tmp_path: Path) -> Iterator[Flask]:
    """A small app of the house, with one screen of each kind."""
    spool = Spool(tmp_path / "spool.sqlite")
    home = House(
        database=database, spool=spool, site_name=site.name, demonstration=False, now=lambda: at, chance=chance
    )
    made = make_app(
        "small", home, secret=b"k" * 32, cookie="__Host-small", loader=DictLoader(TEMPLATES),
        static=frozenset({"public"}), routes=dict.fromkeys(ENDPOINTS, "open"),
    )  # fmt: skip
    made.config.update(REFUSAL_TEMPLATE="refusal.html", WTF_CSRF_ENABLED=False)
    _add_screens(made, site)
    yield made
    spool.close()


def _add_screens(app: Flask, site: Site) -> None:  # noqa: C901  # one small screen of each kind
    @app.get("/")
    def hello() -> Response:
        return page("hello.html")

    @app.post("/take")
    def take() -> Response:
        with transaction() as db:
            visit = waiting.take_number(
                db, site, wait=Range(low=0, high=5), purpose=Purpose.WALK_IN, said=None, by="Borne 1", at=now(),
                chance=chance, key=form_key(),
            )  # fmt: skip
        return Response(str(visit.number))

    @app.get("/refuse/<kind>")
    def refuse(kind: str) -> Response:
        raise REFUSALS[kind]

    @app.get("/break-down")
    def break_down() -> Response:
        raise ValueError("Mme Moreau, code 7K4M")

    @app.post("/twice")
    def twice() -> Response:
        house().more["ran"].append(1)
        raise IntegrityError("INSERT", None, ValueError("Mme Moreau"))

    @app.get("/busy")
    def busy() -> Response:
        with reading() as db:
            db.execute(text("SELECT 1"))
        return page("hello.html")

    @app.get("/undefined")
    def undefined() -> Response:
        return page("undefined.html")

    @app.post("/key")
    def key() -> Response:
        return Response(form_key())

    @app.get("/hour")
    def hour() -> Response:
        return Response(f"{now() is now()} {len(request.url)}")

    @app.get("/forgotten")
    def forgotten() -> Response:
        return page("hello.html")


@pytest.fixture
def public(app: Flask) -> FlaskClient:
    return app.test_client()


@one_engine
def test_a_page_is_rendered_with_what_every_page_has(public: FlaskClient) -> None:
    assert public.get("/").text == "Laboratoire des Tilleuls False Bonjour vous 32"


@one_engine
def test_every_answer_carries_the_headers(public: FlaskClient) -> None:
    for path in ("/", "/nowhere", "/forgotten", "/break-down", "/refuse/later", "/take"):
        answer = public.get(path)
        assert {name: answer.headers.get(name) for name in HEADERS} == HEADERS, path
        assert answer.headers["Cache-Control"] == "no-store", path


@one_engine
def test_a_screen_that_is_not_in_the_table_of_routes_is_refused(public: FlaskClient) -> None:
    answer = public.get("/forgotten")
    assert answer.status_code == 403
    assert "Tilleuls" not in answer.text


@pytest.mark.parametrize(
    ("kind", "status"), [("not-found", 404), ("conflict", 409), ("not-allowed", 403), ("invalid", 422), ("later", 503)]
)
@one_engine
def test_each_kind_of_refusal_has_its_number_and_its_sentence(public: FlaskClient, kind: str, status: int) -> None:
    answer = public.get(f"/refuse/{kind}")
    assert answer.status_code == status
    assert unescape(answer.text) == f"<p>{REFUSALS[kind].french}</p>"
    assert answer.headers.get("Retry-After") == ("1" if kind == "later" else None)
    told = public.get(f"/refuse/{kind}", headers={"Accept": "application/json"})
    assert (told.status_code, told.json) == (status, {"sentence": REFUSALS[kind].french})


@one_engine
def test_pages_that_do_not_exist_are_told_in_french(public: FlaskClient) -> None:
    answer = public.get("/nowhere/Moreau")
    assert answer.status_code == 404
    assert "Revenez au début" in answer.text
    assert "Moreau" not in answer.text
    assert public.get("/take").status_code == 405


@one_engine
def test_too_long_a_form_is_told_as_such(public: FlaskClient) -> None:
    answer = public.post("/key", data={"form_key": "x" * 1_000_001})
    assert answer.status_code == 413
    assert "trop long" in answer.text


@one_engine
def test_an_incident_shows_a_number_and_logs_a_place_and_no_word_of_the_message(
    public: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        answer = public.get("/break-down")
    assert answer.status_code == 500
    incident = answer.text.split(" : ")[1].split(".")[0]
    assert len(incident) == 8
    assert f"incident {incident}: ValueError at test_web.py:" in caplog.text
    for secret in ("Moreau", "7K4M"):
        assert secret not in answer.text + caplog.text


@one_engine
def test_a_value_that_nobody_gave_breaks_the_page_instead_of_showing_nothing(public: FlaskClient) -> None:
    assert public.get("/undefined").status_code == 500


@one_engine
def test_a_form_without_its_token_changes_nothing(app: Flask, public: FlaskClient) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    answer = public.post("/take")
    assert answer.status_code == 400
    assert "recommencez" in answer.text
    with app.extensions["house"].database.reading() as db:
        assert db.scalar(select(func.count()).select_from(Visit)) == 0


@one_engine
def test_the_cookie_is_for_this_machine_alone(app: Flask) -> None:
    config = app.config
    assert config["SESSION_COOKIE_NAME"].startswith("__Host-")
    assert config["SESSION_COOKIE_SECURE"]
    assert config["SESSION_COOKIE_HTTPONLY"]
    assert (config["SESSION_COOKIE_SAMESITE"], config["SESSION_COOKIE_PATH"]) == ("Strict", "/")
    assert config.get("SESSION_COOKIE_DOMAIN") is None


@one_engine
def test_only_the_apps_own_static_folder_is_served(public: FlaskClient) -> None:
    with public.get(asset("public/tokens.css")) as answer:
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]
    for path in ("/static/staff/staff.css", "/static/public/../staff/staff.css", "/static/public/nothing.css"):
        assert public.get(path).status_code == 404, path


@one_engine
def test_a_browser_is_sent_our_styles_and_scripts_without_their_comments_and_nothing_else_is_taken_away(
    public: FlaskClient,
) -> None:
    ours = [one for one in (STATIC / "public").iterdir() if one.suffix in {".css", ".js", ".svg"}]
    assert len(ours) > 10
    for file in ours:
        written = file.read_text(encoding="utf-8").splitlines()
        with public.get(asset(f"public/{file.name}")) as answer:
            sent = answer.get_data(as_text=True).splitlines()
            assert answer.content_length == len(answer.data)
        told = [line.strip() for line in written if line not in sent]
        assert [line for line in written if line in sent] == sent, file.name
        assert all(line.startswith("//") or (line.startswith("/*") and line.endswith("*/")) for line in told), told
        assert file.suffix == ".svg" or not any(line.lstrip().startswith(("//", "/*")) for line in sent), file.name
    vendor = "public/vendor/jsqr-1.4.0/jsQR.js"
    with public.get(asset(vendor)) as answer:
        assert answer.data == (STATIC / vendor).read_bytes()


def test_the_address_of_a_file_changes_with_its_content() -> None:
    assert asset("public/tokens.css").startswith("/static/public/tokens.css?v=")
    assert asset("public/tokens.css") != asset("public/kiosk.css").replace("kiosk", "tokens")


@pytest.mark.parametrize("wrong", ["", "0" * 31, "0" * 33, "G" * 32, "0123456789ABCDEF" * 2])
@one_engine
def test_a_form_key_of_another_form_is_replaced(public: FlaskClient, wrong: str) -> None:
    right = "0123456789abcdef" * 2
    assert public.post("/key", data={"form_key": right}).text == right
    made = public.post("/key", data={"form_key": wrong}).text
    assert made != wrong
    assert len(made) == 32


@one_engine
def test_the_hour_is_asked_once_a_request(public: FlaskClient) -> None:
    assert public.get("/hour").text.startswith("True")


def test_the_same_form_twice_gives_the_same_number(public: FlaskClient, database: Database) -> None:
    form = {"form_key": "a" * 32}
    assert [public.post("/take", data=form).text for _ in range(3)] == ["1", "1", "1"]
    assert public.post("/take", data={"form_key": "b" * 32}).text == "2"


def test_the_same_form_from_four_touches_at_once_gives_one_number(app: Flask, database: Database) -> None:
    together = Barrier(4)

    def touch(key: str) -> tuple[int, str]:
        together.wait(20)
        answer = app.test_client().post("/take", data={"form_key": key})
        return answer.status_code, answer.text

    keys = [f"{n:032x}" for n in range(6)]
    with ThreadPoolExecutor(4) as pool:
        answers = [list(pool.map(touch, [key] * 4)) for key in keys]
    assert answers == [[(200, str(n))] * 4 for n in range(1, 7)]
    with database.reading() as db:
        assert db.scalar(select(func.count()).select_from(Visit)) == 6


@one_engine
def test_a_form_is_answered_again_once_and_a_lasting_fault_is_an_incident(
    app: Flask, public: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    ran: list[int] = []
    home = app.extensions["house"]
    app.extensions["house"] = House(
        database=home.database, spool=home.spool, site_name="", demonstration=False, chance=home.chance,
        more={"ran": ran},
    )  # fmt: skip
    answer = public.post("/twice")
    assert (answer.status_code, len(ran)) == (500, 2)
    assert "Moreau" not in answer.text + caplog.text


@one_engine
def test_a_register_that_cannot_be_reached_is_told_as_busy(
    app: Flask, public: FlaskClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home = app.extensions["house"]
    nowhere = open_sqlite(tmp_path / "nowhere.sqlite")
    app.extensions["house"] = House(database=nowhere, spool=home.spool, site_name="", demonstration=False)
    answer = public.get("/busy")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert "database unavailable: OperationalError" in caplog.text
    nowhere.close()
