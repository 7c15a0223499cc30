"""A kiosk that is started while nobody answers says so in every language, comes back alone, and keeps nobody's data."""

import gzip
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from socket import create_server
from urllib.parse import urlsplit

import pytest
from flask import Flask, request
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect

from kiosk.door.languages import LANGUAGES
from kiosk.door.profile import Profile
from kiosk.door.threshold import COOKIE
from tests.kiosk.conftest import Reception, hidden
from tests.serving import served

#: What the worker keeps of a kiosk, in one go, once a release; its pages need 50, 70 and 95.
MOST_KEPT = 130 * 1024
KEPT = """async () => Object.fromEntries(await Promise.all((await caches.keys()).map(
  async (name) => [name, (await (await caches.open(name)).keys()).map((one) => one.url)])))"""
#: What the page itself was drawn with, at its load event.
DRAWN = """() => {
  const { loadEventStart } = performance.getEntriesByType("navigation")[0];
  const asked = performance.getEntriesByType("resource");
  return asked.filter((one) => one.startTime < loadEventStart).map((one) => one.name);
}"""
WORDS = "async (path) => (await (await caches.match(path, {ignoreVary: true})).text())"
#: The newest worker has installed what it keeps, and whatever came before it is gone.
READY = """async () => {
  const all = await navigator.serviceWorker.ready;
  await all.update();
  const newest = all.installing || all.waiting || all.active;
  while (newest.state !== "activated") {
    if (newest.state === "redundant") throw new Error("what is kept could not be fetched");
    await new Promise((told) => newest.addEventListener("statechange", told, { once: true }));
  }
}"""
#: The letters of Arabic are drawn with the font that was kept.
ARABIC = """() => document.fonts.ready.then(
  () => [...document.fonts].some((one) => one.status === "loaded" && one.family.includes("Noto Sans Arabic")))"""


@contextmanager
def kiosk(browser: Browser, reception: Reception) -> Iterator[BrowserContext]:
    """A browser that holds the token of the first kiosk."""
    with closing(browser.new_context(viewport={"width": 1080, "height": 1920}, locale="fr-FR")) as context:
        context.add_cookies(
            [{
                "name": COOKIE, "value": reception.token, "url": "https://localhost", "secure": True, "httpOnly": True,
                "sameSite": "Strict",
            }]
        )  # fmt: skip
        yield context


def started(context: BrowserContext, port: int) -> Page:
    """The kiosk's first page, and everything kept."""
    page = context.new_page()
    page.goto(f"http://localhost:{port}/")
    page.evaluate(READY)
    return page


def test_a_kiosk_started_without_a_server_says_so_and_comes_back_alone(browser: Browser, reception: Reception) -> None:
    with kiosk(browser, reception) as context:
        with served(reception.app) as server:
            port = server.server_port
            page = started(context, port)
            page.goto(f"http://localhost:{port}/name")
        page.reload()
        expect(page.get_by_role("heading", name="Un instant")).to_be_visible()
        for language in LANGUAGES:
            expect(page.locator(f"section[lang={language}]")).to_be_visible()
        # Drawn with what was kept: the look, and the letters of each language.
        assert page.evaluate("getComputedStyle(document.body).display") == "flex"
        assert page.evaluate(ARABIC)
        with served(reception.app, port):
            expect(page.get_by_role("heading", name="Pourquoi venez-vous ?")).to_be_visible(timeout=10_000)
            assert urlsplit(page.url).path == "/"
        with closing(context.new_page()) as another:
            another.goto(f"http://localhost:{port}/")  # the browser itself was started again
            expect(another.get_by_role("heading", name="Un instant")).to_be_visible()


def test_after_a_minute_it_sends_to_the_desk_in_every_language(browser: Browser, reception: Reception) -> None:
    with kiosk(browser, reception) as context:
        with served(reception.app) as server:
            page = started(context, server.server_port)
        page.clock.install()
        page.reload()
        expect(page.locator("[data-first]")).to_have_count(len(LANGUAGES))
        page.clock.run_for(61_000)
        for late in page.locator("[data-late]").all():
            expect(late).to_be_visible(timeout=8000)
        expect(page.get_by_text("Vous n'êtes pas encore dans la file. Allez au guichet.")).to_be_visible()
        expect(page.get_by_text("Rien n'est perdu. Nous réessayons.")).to_be_hidden()


def test_a_front_server_alone_at_home_is_no_answer(browser: Browser, reception: Reception) -> None:
    front = Flask("front")
    front.before_request(lambda: ("Bad Gateway", 502))
    with kiosk(browser, reception) as context:
        with served(reception.app) as server:
            port = server.server_port
            page = started(context, port)
        with served(front, port):
            page.goto(f"http://localhost:{port}/code")
            expect(page.get_by_role("heading", name="Un instant")).to_be_visible()
        with served(reception.app, port):
            expect(page.get_by_role("heading", name="Pourquoi venez-vous ?")).to_be_visible(timeout=10_000)


def test_a_server_that_takes_the_call_and_says_nothing_is_away_too(browser: Browser, reception: Reception) -> None:
    with kiosk(browser, reception) as context:
        with served(reception.app) as server:
            port = server.server_port
            page = started(context, port)
        with create_server(("localhost", port)):
            page.goto(f"http://localhost:{port}/code")
            expect(page.get_by_role("heading", name="Un instant")).to_be_visible()


def test_nothing_of_a_person_is_kept_whatever_they_did(browser: Browser, reception: Reception) -> None:
    with kiosk(browser, reception) as context, served(reception.app) as server:
        page = started(context, server.server_port)
        page.get_by_role("link", name="J'ai un rendez-vous").click()
        page.get_by_role("link", name="Je ne l'ai pas").click()
        for key in "ZYX":
            page.get_by_role("button", name=key, exact=True).click()
        page.get_by_role("button", name="Continuer", exact=True).click()
        for digit in "14071952":
            page.get_by_role("button", name=digit, exact=True).click()
        page.get_by_role("button", name="Prendre mon numéro").click()
        page.get_by_role("button", name="De 8 à 12 heures").click()
        page.get_by_role("button", name="En ligne", exact=True).click()
        page.get_by_role("button", name="C'est juste").click()
        expect(page.get_by_text("Merci. Votre numéro :")).to_be_visible()
        page.reload()
        [addresses] = page.evaluate(KEPT).values()
        paths = {urlsplit(one).path for one in addresses}
        assert {one for one in paths if not one.startswith("/static/public/")} == {"/away", "/profile.css"}
        words = page.evaluate(WORDS, "/away")
    assert not re.search(r"csrf|form_key|<input|ZYX|1952|number/", words)
    assert words == reception.open("/away")


def test_k_11_is_the_same_for_everybody(reception: Reception) -> None:
    before = reception.open("/away")
    for language, look in (("ar", "contrast"), ("tr", "")):
        here = {"base_url": "https://localhost", "headers": {"Referer": "https://localhost/"}}
        reception.client.post("/language", data=hidden(reception.open("/")) | {"language": language}, **here)
        reception.client.post("/display", data=hidden(reception.open("/")) | {"look": look}, **here)
        assert reception.open("/away") == before


def test_a_release_replaces_what_the_one_before_has_kept(browser: Browser, reception: Reception) -> None:
    with kiosk(browser, reception) as context, served(reception.app) as server:
        page = started(context, server.server_port)
        [old] = page.evaluate(KEPT)
        # A screen that was measured anew draws K-11 in other lengths: what is kept has another name.
        reception.app.extensions["house"].more["profiles"]["Borne 1"] = Profile(diagonal=27)
        page.evaluate(READY)
        [new] = page.evaluate(KEPT)
        assert new != old
        assert "--mm: 3.2" in page.evaluate(WORDS, "/profile.css?kept=1")


def test_boards_telephones_and_strangers_keep_nothing(browser: Browser, reception: Reception) -> None:
    with kiosk(browser, reception) as context:
        with served(reception.app) as server:
            port = server.server_port
            page = context.new_page()
            page.goto(f"http://localhost:{port}/board", wait_until="load")
            assert page.evaluate("async () => (await navigator.serviceWorker.getRegistrations()).length") == 0
            started(context, port)
        # Even in a browser that has been a kiosk: only a kiosk's page is K-11.
        for path in ("/board", "/f/x"):
            with pytest.raises(Error, match="ERR_CONNECTION_REFUSED"):
                page.goto(f"http://localhost:{port}{path}")
    stranger = reception.stranger().get("/", base_url="https://localhost").get_data(as_text=True)
    assert "data-worker" not in stranger


def test_what_is_kept_is_asked_for_after_the_page_and_is_no_more_than_it_needs(
    browser: Browser, reception: Reception
) -> None:
    asked: list[str] = []
    reception.app.before_request(lambda: asked.append(request.full_path.rstrip("?")))
    with kiosk(browser, reception) as context, served(reception.app) as server:
        page = started(context, server.server_port)
        drawn = page.evaluate(DRAWN)
        [kept] = page.evaluate(KEPT).values()
        assert page.evaluate("window.violations ?? []") == []
    worker = asked.index("/worker.js")
    assert len(drawn) > 5
    assert {urlsplit(one).path for one in drawn} <= {one.partition("?")[0] for one in asked[:worker]}
    assert "/away" not in asked[:worker]
    size = 0
    for address in {urlsplit(one)._replace(scheme="", netloc="").geturl() for one in kept}:
        body = reception.client.get(address, base_url="https://localhost", buffered=True).data
        size += len(body) if address.endswith(".woff2") else len(gzip.compress(body))
    assert 60_000 < size <= MOST_KEPT
