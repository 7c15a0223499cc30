"""The staff's script in a real browser: keys, forms that are never lost, and nothing kept for nobody."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, redirect, request, session
from jinja2 import DictLoader, FileSystemLoader, PrefixLoader
from playwright.sync_api import Browser, Page, expect
from werkzeug.wrappers import Response

import kiosk
from kiosk.register.database import open_sqlite
from kiosk.register.errors import Conflict
from kiosk.web import House, make_app, page
from printers.spool import Spool
from tests.serving import served

HEAD = """{% extends "staff/base.html" %}
{% from "staff/macros.html" import button, field, form_keys, tag with context %}
{% block title %}Essai{% endblock %}"""
DESK = (
    HEAD
    + """{% block main %}<h1>Essai</h1>
<form method="post" action="/save" id="form">
{{ form_keys() }}{{ field("note", "Note") }}{{ button("Garder", "F7", "main") }}</form>
<form method="post" action="/refuse">{{ form_keys() }}{{ button("Refuser", "F4") }}</form>
<form method="post" action="/letter">{{ form_keys() }}<div data-letters data-list id="list">
<p tabindex="0" data-row id="one">Un <button class="button" data-key="A" name="asked" value="1">Aide</button></p>
<p tabindex="0" data-row id="two">Deux</p></div></form>
<p data-blank-after="120" id="secret">un résultat</p>{% endblock %}"""
)
DOOR = (
    HEAD
    + """{% block main %}<div data-door><h1>Identification</h1>
<form method="post" action="/enter" data-sign-in>
<input type="hidden" name="csrf_token" value="{{ csrf_token() }}">
{{ field("login", "Identifiant") }}{{ button("Entrer") }}</form></div>{% endblock %}"""
)
BACK = HEAD + "{% block main %}<form data-returned>{{ form_keys() }}</form>{% endblock %}"


@pytest.fixture
def kept() -> list[tuple[str, str]]:
    """What the server has stored: the form's key and what was typed."""
    return []


@pytest.fixture
def app(sqlite_folder: Path, at: datetime, chance: Callable[[int], bytes], kept: list[tuple[str, str]]) -> Flask:
    home = House(
        database=open_sqlite(sqlite_folder / "register.sqlite"), spool=Spool(sqlite_folder / "spool.sqlite"),
        site_name="Laboratoire des Tilleuls", demonstration=False, now=lambda: at, chance=chance,
    )  # fmt: skip
    routes: dict[str, str] = {}
    made = make_app(
        "staff", home, secret=b"\x5e" * 32, cookie="__Host-etiquette-staff", static=frozenset({"public", "staff"}),
        routes=routes, loader=PrefixLoader({
            "staff": FileSystemLoader(Path(kiosk.__file__).parent / "templates" / "staff"),
            "try": DictLoader({"desk.html": DESK, "door.html": DOOR, "back.html": BACK}),
        }),
    )  # fmt: skip
    made.config["REFUSAL_TEMPLATE"] = "staff/refusal.html"

    @made.get("/")
    def desk() -> Response:
        return page("try/desk.html") if session.get("in") else page("try/door.html", status=401)

    @made.post("/enter")
    def enter() -> Response:
        session["in"] = True
        return page("try/back.html") if "over" in request.form else redirect("/", 303)

    @made.post("/save")
    @made.post("/letter", endpoint="letter")
    def save() -> Response:
        if not session.get("in"):
            return page("try/door.html", status=401)
        said = (request.form["form_key"], request.form.get("note", request.form.get("asked", "")))
        if said not in kept:
            kept.append(said)
        return redirect("/", 303)

    @made.post("/refuse")
    def refuse() -> Response:
        raise Conflict

    routes.update(dict.fromkeys((rule.endpoint for rule in made.url_map.iter_rules()), "open"))
    return made


@pytest.fixture
def desk(browser: Browser, app: Flask) -> Iterator[Page]:
    """A page that is signed in."""
    with served(app) as server:
        context = browser.new_context(viewport={"width": 1366, "height": 768})
        opened = context.new_page()
        opened.goto(f"http://localhost:{server.server_port}/")
        opened.get_by_role("button", name="Entrer").click()
        expect(opened.get_by_role("heading", name="Essai")).to_be_visible()
        yield opened
        stored = opened.evaluate("Object.keys({...localStorage, ...sessionStorage})")
        assert set(stored) <= {"htmx-current-path-for-history"}  # a path, in which nothing of a person stands
        context.close()


def test_a_function_key_presses_its_button_even_from_a_field(desk: Page, kept: list[Any]) -> None:
    desk.fill("#note", "bonjour")
    with desk.expect_navigation():
        desk.keyboard.press("F7")
    assert [note for _, note in kept] == ["bonjour"]


def test_a_letter_acts_in_its_list_alone(desk: Page, kept: list[Any]) -> None:
    desk.focus("#note")
    desk.keyboard.type("a")
    expect(desk.locator("#note")).to_have_value("a")
    assert kept == []
    desk.focus("#two")
    desk.keyboard.press("ArrowUp")
    expect(desk.locator("#one")).to_be_focused()
    with desk.expect_navigation():
        desk.keyboard.press("a")
    assert [asked for _, asked in kept] == ["1"]


def test_a_refusal_is_said_above_the_page_and_what_was_typed_stays(desk: Page) -> None:
    desk.fill("#note", "long travail")
    desk.keyboard.press("F4")
    expect(desk.get_by_text(Conflict.french)).to_be_visible()
    desk.keyboard.press("Enter")
    expect(desk.locator("#note")).to_have_value("long travail")


def test_a_form_outlives_the_server_and_is_stored_once(browser: Browser, app: Flask, kept: list[Any]) -> None:
    page = browser.new_context().new_page()
    with served(app) as server:
        port = server.server_port
        page.goto(f"http://localhost:{port}/")
        page.get_by_role("button", name="Entrer").click()
        page.fill("#note", "toujours là")
    page.get_by_role("button", name="Garder").click()
    expect(page.get_by_text("Serveur injoignable, rien n'est perdu.")).to_be_visible()
    expect(page.locator("#note")).to_have_value("toujours là")
    with served(app, port), page.expect_navigation():
        pass
    assert [note for _, note in kept] == ["toujours là"]
    page.context.close()


@pytest.mark.parametrize("lost", ["the whole cookie", "the sign-in alone"])
def test_a_session_that_ends_in_mid_form_loses_nothing_that_was_typed(
    desk: Page, app: Flask, kept: list[Any], lost: str
) -> None:
    desk.fill("#note", "une longue note")
    key = desk.locator("#form [name=form_key]").input_value()
    if lost == "the whole cookie":
        desk.context.clear_cookies()
    else:
        sign_out(app, desk)
    desk.keyboard.press("F7")
    expect(desk.get_by_text("Rien de ce que vous avez tapé n'est perdu")).to_be_visible()
    expect(desk.locator("#note")).not_to_be_visible()
    desk.locator("#again").get_by_role("button", name="Entrer").click()
    expect(desk.locator("#note")).to_have_value("")
    assert kept == [(key, "une longue note")]


def test_a_result_is_taken_off_the_screen_by_itself_and_by_a_key(desk: Page) -> None:
    desk.keyboard.press("Escape")
    expect(desk.locator("#secret")).to_have_text("")
    desk.clock.install()
    desk.reload()
    expect(desk.locator("#secret")).to_have_text("un résultat")
    desk.clock.run_for(121_000)
    expect(desk.locator("#secret")).to_have_text("")


def sign_out(app: Flask, page: Page) -> None:
    """The cookie keeps its token for forms, but nobody is signed in any more."""
    [cookie] = page.context.cookies()
    signer = app.session_interface.get_signing_serializer(app)  # type: ignore[attr-defined]
    left = {name: value for name, value in signer.loads(cookie["value"]).items() if name != "in"}
    page.context.add_cookies([{**cookie, "value": signer.dumps(left)}])  # type: ignore[typeddict-item]
    assert re.fullmatch(r"[\w.-]+", signer.dumps(left))
