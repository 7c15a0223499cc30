"""The touchscreen and the board in a real browser: readable, reachable, and never losing what was typed."""

import gzip
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from uuid import UUID

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import APIResponse, Browser, BrowserContext, Page, Response, Route, expect

from kiosk import places, waiting
from kiosk.counter.passage import advance
from kiosk.counter.turns import call_next
from kiosk.door.languages import LANGUAGES
from kiosk.door.profile import Profile
from kiosk.door.rush import set_rush
from kiosk.door.threshold import COOKIE
from kiosk.formats.convocation import CODE_LETTERS
from kiosk.line.estimate import Range
from kiosk.register.events import go_and_help
from kiosk.register.visits import Purpose, Stage, Verb, moves_of, visit_of
from tests.kiosk.conftest import Reception
from tests.scanner import wedge
from tests.serving import served

WATCH_POLICY = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective));
"""
WATCH_DRAWING = """
window.moved = 0; window.drawn = 0;
new PerformanceObserver((list) => { for (const one of list.getEntries()) window.moved += one.value; })
  .observe({ type: "layout-shift", buffered: true });
new PerformanceObserver((list) => { for (const one of list.getEntries()) window.drawn = one.startTime; })
  .observe({ type: "largest-contentful-paint", buffered: true });
"""
PAGES = ["/", "/convocation", "/code", "/name", "/come/walk_in", "/help/0", "/language", "/board"]


@pytest.fixture
def address(reception: Reception) -> Iterator[str]:
    with served(reception.app) as server:
        yield f"http://localhost:{server.server_port}"


def paired(context: BrowserContext, reception: Reception) -> BrowserContext:
    """A browser that holds the token of the first kiosk, and whose breaches of the policy are seen."""
    context.add_cookies(
        [{
            "name": COOKIE, "value": reception.token, "url": "https://localhost", "secure": True, "httpOnly": True,
            "sameSite": "Strict",
        }]
    )  # fmt: skip
    context.add_init_script(WATCH_POLICY)
    return context


@pytest.fixture
def screen(browser: Browser, reception: Reception) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 1080, "height": 1920}, has_touch=True, locale="fr-FR", reduced_motion="reduce"
    )
    yield paired(context, reception).new_page()
    context.close()


@pytest.mark.parametrize("look", ["", "contrast"])
@pytest.mark.parametrize("path", PAGES)
def test_every_page_passes_axe_and_breaks_no_policy(screen: Page, address: str, path: str, look: str) -> None:
    screen.goto(address + "/")
    if look:
        screen.get_by_role("button", name="Contraste").click()
        screen.get_by_role("button", name="Plus grand").click()
    screen.goto(address + path)
    screen.evaluate("document.fonts.ready")
    found = Axe().run(screen, options={"rules": {"color-contrast-enhanced": {"enabled": True}}})
    assert found.violations_count == 0, found.generate_report()
    assert screen.evaluate("window.violations") == []
    assert screen.evaluate("document.documentElement.scrollWidth") <= 1080


#: Everything that is touched: is it a key or a field, its least side and its top, in pixels.
CONTROLS = """
() => [...document.querySelectorAll("button, a, input")]
  .filter((one) => one.type !== "hidden" && !one.closest("dialog") && one.checkVisibility() && one.offsetParent)
  .map((one) => {
    const box = one.getBoundingClientRect();
    return [Boolean(one.closest(".pad, .field")), Math.min(box.width, box.height), box.y, one.textContent.trim()];
  })
"""


@pytest.mark.parametrize("language", os.environ.get("DOOR_LANGUAGES", "fr,ar").split(","))
@pytest.mark.parametrize("large", [False, True], ids=["", "larger"])
@pytest.mark.parametrize(
    ("diagonal", "wide", "high"), [(15.6, 1080, 1920), (21.5, 1080, 1920), (27, 1080, 1920), (15.6, 1920, 1080)]
)
def test_whatever_is_touched_has_its_millimetres_on_every_screen(
    screen: Page,
    reception: Reception,
    address: str,
    diagonal: float,
    language: str,
    *,
    wide: int,
    high: int,
    large: bool,
) -> None:
    profile = Profile(diagonal=diagonal, wide_px=wide, high_px=high)
    screen.set_viewport_size({"width": wide, "height": high})
    reception.app.extensions["house"].more["profiles"]["Borne 1"] = profile
    screen.goto(address + "/")
    choose(screen, language)
    if large:
        with screen.expect_response("**/display"):
            screen.locator("[name=text_size]").click()
    paths = [*PAGES[:-1], reception.send("/come/walk_in", "/come/walk_in").location]
    for path in paths:
        screen.goto(address + path)
        screen.evaluate("document.fonts.ready")
        for is_key, side, top, words in screen.evaluate(CONTROLS):
            assert side / profile.px_per_mm >= (16 if is_key else 20) - 0.1, (path, words)
            assert (high - top) / profile.px_per_mm <= profile.zone_mm, (path, words)
        assert screen.evaluate("document.documentElement.scrollWidth") <= wide, path
        assert screen.evaluate("document.documentElement.scrollHeight") <= high, path


@pytest.mark.parametrize(
    ("language", "wide", "high"), [*((one, 1080, 1920) for one in LANGUAGES), ("fr", 1920, 1080), ("ar", 1920, 1080)]
)
def test_with_large_text_on_the_smallest_screen_nothing_lies_below_its_edge(
    screen: Page, reception: Reception, address: str, language: str, wide: int, high: int
) -> None:
    """The pages that hold most: what is to be corrected, and the number with all that may stand beside it."""
    screen.set_viewport_size({"width": wide, "height": high})
    more = reception.app.extensions["house"].more
    more["profiles"]["Borne 1"] = Profile(diagonal=15.6, wide_px=wide, high_px=high)
    more["settings"] = replace(more["settings"], follow_url="https://file.labo.test")
    screen.goto(address + "/")
    choose(screen, language)
    with screen.expect_response("**/display"):
        screen.locator("[name=text_size]").click()

    def fits() -> None:
        screen.evaluate("document.fonts.ready")
        screen.locator(".help .button").wait_for()
        seen = screen.evaluate("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
        assert seen[0] <= wide, (screen.url, seen)
        assert seen[1] <= high, (screen.url, seen)

    def send() -> None:
        screen.locator("main form:not([hidden]) [type=submit]").click()

    screen.goto(address + "/code")
    fits()
    send()
    expect(screen.locator("#problem")).to_be_visible()
    fits()
    screen.goto(address + "/name")
    screen.locator("[data-types=M]").tap()
    send()
    expect(screen.locator("#day")).to_be_visible()
    send()
    expect(screen.locator("#problem")).to_be_visible()
    fits()
    screen.goto(address + "/")
    wedge(screen, "ETQ1K7MP2X202611211130N")  # two hours before its hour
    screen.locator("[value=online]").tap()
    expect(screen.locator("[name=change]")).to_be_visible()
    fits()
    screen.locator("main .button.main").tap()
    expect(screen.locator(".thanks .square")).to_be_visible(visible=wide < high)  # else the paper alone has it
    expect(screen.locator(".note")).to_have_count(2)
    fits()


def choose(screen: Page, language: str) -> None:
    """Touch a language on the first page."""
    if language != "fr":
        screen.locator(f".tongues [value={language}]").click()
    expect(screen.locator("html")).to_have_attribute("lang", language)


@pytest.mark.parametrize("language", os.environ.get("DOOR_LANGUAGES", "en,ar").split(","))
@pytest.mark.parametrize("look", os.environ.get("DOOR_LOOKS", "light").split(","))
def test_every_page_passes_axe_in_other_languages_and_looks(
    browser: Browser, reception: Reception, address: str, language: str, look: str
) -> None:
    """Two languages here; `DOOR_LANGUAGES=fr,en,ar,es,pt,tr DOOR_LOOKS=light,dark,contrast,forced` for them all."""
    context = browser.new_context(
        viewport={"width": 1080, "height": 1920}, reduced_motion="reduce", has_touch=True,
        color_scheme="dark" if look == "dark" else "light", forced_colors="active" if look == "forced" else "none",
    )  # fmt: skip
    with closing(paired(context, reception)):
        page = context.new_page()
        page.goto(address + "/")
        choose(page, language)
        if look == "contrast":
            with page.expect_response("**/display"):
                page.locator("[name=look]").click()
        asked = reception.send("/come/walk_in", "/come/walk_in").location
        key = asked.split("/")[2]
        for path in (*PAGES[:-1], asked, f"/number/{key}", "/nowhere"):
            page.goto(address + path)
            found = Axe().run(page, options={"rules": {"color-contrast-enhanced": {"enabled": look != "forced"}}})
            assert found.violations_count == 0, (path, found.generate_report())
            assert page.evaluate("window.violations") == []


def test_a_walk_in_touches_five_times_and_the_answers_are_read_again(screen: Page, address: str) -> None:
    screen.goto(address + "/")
    for words in ("Je viens sans rendez-vous", "Prendre mon numéro", "De 8 à 12 heures", "En ligne"):
        screen.get_by_role("link", name=words).or_(screen.get_by_role("button", name=words)).tap()
    expect(screen.get_by_text("De 8 à 12 heures")).to_be_visible()
    screen.get_by_role("button", name="Changer : Vos résultats").tap()
    screen.get_by_role("button", name="Par courrier").tap()
    expect(screen.get_by_text("Par courrier")).to_be_visible()
    screen.get_by_role("button", name="C'est juste").tap()
    expect(screen.get_by_text("Merci. Votre numéro :")).to_be_visible()


def test_a_scanned_paper_and_two_touches_are_all_that_a_booked_person_needs(screen: Page, address: str) -> None:
    screen.goto(address + "/")
    wedge(screen, "ETQ1K7MP2X202611210830J")
    expect(screen.get_by_role("button", name="Plus de 12 heures")).to_be_visible()
    screen.clock.install()  # not before: it would give the keys hours of its own
    screen.get_by_role("button", name="Plus de 12 heures").tap()
    screen.get_by_role("button", name="Par téléphone").tap()
    expect(screen.get_by_role("heading", name="Est-ce juste ?")).to_be_visible()
    screen.clock.run_for(21_000)  # nobody has to say that it is right
    expect(screen.get_by_text("Merci. Votre numéro :")).to_be_visible()


def test_whoever_walks_away_from_the_questions_leaves_the_number_and_then_nothing(screen: Page, address: str) -> None:
    screen.clock.install()
    screen.goto(address + "/come/walk_in")
    screen.get_by_role("button", name="Prendre mon numéro").tap()
    screen.get_by_role("button", name="De 8 à 12 heures").tap()
    expect(screen.get_by_role("heading", name="Comment voulez-vous recevoir vos résultats ?")).to_be_visible()
    screen.clock.run_for(61_000)
    expect(screen.get_by_role("heading", name="Toujours là ?")).to_be_visible()
    screen.clock.run_for(31_000)
    expect(screen.get_by_text("Merci. Votre numéro :")).to_be_visible()
    screen.clock.run_for(61_000)
    screen.clock.run_for(31_000)
    expect(screen).to_have_url(re.compile(r"/$"))
    for _ in range(6):
        screen.go_back()
    assert "De 8 à 12 heures" not in [one.get_attribute("value") for one in screen.locator("input[type=hidden]").all()]


@pytest.mark.parametrize("page", ["second question", "answers"])
def test_another_language_in_the_middle_of_the_questions_keeps_number_and_answers(
    screen: Page, address: str, page: str
) -> None:
    screen.goto(address + "/come/walk_in")
    screen.get_by_role("button", name="Prendre mon numéro").tap()
    screen.get_by_role("button", name="De 8 à 12 heures").tap()
    expect(screen.locator("[value=online]")).to_be_visible()
    if page == "answers":
        screen.get_by_role("button", name="En ligne").tap()
        expect(screen.locator("[name=change]")).to_have_count(2)
    number = screen.locator(".tag").inner_text()
    screen.get_by_role("link", name="Langue").tap()
    screen.get_by_role("button", name="Español").tap()
    expect(screen.locator("html")).to_have_attribute("lang", "es")
    expect(screen.locator(".tag")).to_have_text(number)
    if page == "second question":
        screen.get_by_role("button", name="Por internet").tap()
    expect(screen.get_by_text("De 8 a 12 horas")).to_be_visible()
    screen.get_by_role("button", name="Es correcto").tap()
    expect(screen.locator(".thanks .tag")).to_have_text(number)


def test_another_language_loses_nothing_that_was_typed(screen: Page, address: str) -> None:
    screen.goto(address + "/name")
    for letter in "MOR":
        screen.get_by_role("button", name=letter, exact=True).tap()
    screen.get_by_role("link", name="Langue").tap()
    screen.get_by_role("link", name="Retour").tap()
    expect(screen.locator("#letters")).to_have_value("MOR")
    screen.get_by_role("button", name="Continuer").tap()
    expect(screen.locator("#day")).to_be_visible()
    for digit in "0412":
        screen.get_by_role("button", name=digit, exact=True).tap()
    screen.get_by_role("link", name="Langue").tap()
    screen.get_by_role("button", name="العربية").tap()
    expect(screen.locator("html")).to_have_attribute("dir", "rtl")
    expect(screen.locator("#day")).to_have_value("04")
    expect(screen.locator("#month")).to_have_value("12")
    for digit in "1953":
        screen.get_by_role("button", name=digit, exact=True).tap()
    screen.locator("main .button.main").tap()
    expect(screen.locator("[name=answer]").first).to_be_visible()


def test_after_another_language_on_the_last_page_nothing_of_it_is_behind_the_first(screen: Page, address: str) -> None:
    screen.goto(address + "/come/collect")
    screen.get_by_role("button", name="Prendre mon numéro").tap()
    expect(screen.locator(".thanks")).to_be_visible()
    screen.get_by_role("link", name="Langue").tap()
    screen.get_by_role("button", name="English").tap()
    expect(screen.locator("html")).to_have_attribute("lang", "en")
    screen.locator("main .button.main").tap()
    expect(screen).to_have_url(address + "/")
    for _ in range(4):
        screen.go_back()
        assert "/number/" not in screen.url


def test_who_leaves_while_languages_are_offered_has_the_number_and_the_ticket(
    screen: Page, address: str, reception: Reception
) -> None:
    screen.clock.install()
    screen.goto(address + "/come/walk_in")
    screen.get_by_role("button", name="Prendre mon numéro").tap()
    screen.get_by_role("button", name="De 8 à 12 heures").tap()
    expect(screen.locator("[value=online]")).to_be_visible()
    screen.get_by_role("link", name="Langue").tap()
    expect(screen.get_by_role("heading", name="Dans quelle langue ?")).to_be_visible()
    assert reception.spool.jobs() == []
    screen.clock.run_for(61_000)
    screen.clock.run_for(31_000)
    expect(screen.get_by_text("Merci. Votre numéro :")).to_be_visible()
    assert len(reception.spool.jobs()) == 1


def test_the_next_persons_paper_is_read_on_whatever_page_was_left_open(
    screen: Page, address: str, reception: Reception
) -> None:
    screen.goto(address + "/")
    choose(screen, "ar")
    wedge(screen, "ETQ1K7MP2X")
    expect(screen.locator("[name=answer]").first).to_be_visible()
    with screen.expect_navigation():
        wedge(screen, "ETQ1K7MP2X")  # held under the scanner for long
    expect(screen.locator("html")).to_have_attribute("lang", "ar")
    expect(screen.locator("[name=answer]").first).to_be_visible()
    first = screen.locator(".tag").inner_text()
    wedge(screen, "ETQ1WXYZ23")
    expect(screen.get_by_text("Question 1 sur 2")).to_be_visible()
    second = screen.locator(".tag").inner_text()
    assert first != second
    assert len(reception.spool.jobs()) == 1  # the first person's ticket, who has left the questions
    answers(screen)
    expect(screen.locator(".thanks .tag")).to_have_text(second)
    wedge(screen, "ETQ1ABCDEF")
    expect(screen.locator(".asking .tag")).to_be_visible()
    assert screen.locator(".tag").inner_text() not in {first, second}
    assert len(reception.spool.jobs()) == 2


@pytest.mark.parametrize(("path", "field"), [("/code", "#code"), ("/name", "#letters")])
def test_a_scan_of_something_else_is_no_code_and_no_name(screen: Page, address: str, path: str, field: str) -> None:
    screen.goto(address + path)
    wedge(screen, "HTTPSWWWEXAMPLE")
    expect(screen.get_by_text("Ce code n'est pas celui d'une convocation.")).to_be_visible()
    expect(screen.locator(field)).to_have_value("")
    assert screen.url == address + path


def test_a_link_that_nobody_answers_waits_for_the_server(browser: Browser, reception: Reception, screen: Page) -> None:
    with served(reception.app) as server:
        port = server.server_port
        screen.goto(f"http://localhost:{port}/")
    screen.get_by_role("link", name="J'ai un rendez-vous").tap()
    expect(screen.get_by_text("Rien n'est perdu. Nous réessayons.")).to_be_visible(timeout=4000)
    with served(reception.app, port):
        expect(screen.get_by_role("heading", name="Présentez votre convocation sous le lecteur.")).to_be_visible()


def test_after_a_minute_without_an_answer_the_page_sends_to_the_desk(reception: Reception, screen: Page) -> None:
    screen.clock.install()
    with served(reception.app) as server:
        screen.goto(f"http://localhost:{server.server_port}/come/walk_in")
    screen.get_by_role("button", name="Prendre mon numéro").tap()
    expect(screen.get_by_text("Rien n'est perdu. Nous réessayons.")).to_be_visible()
    screen.clock.run_for(62_000)
    expect(screen.get_by_text("Vous n'êtes pas encore dans la file. Allez au guichet.")).to_be_visible(timeout=8000)


def test_the_kiosk_shows_that_the_call_was_heard(screen: Page, reception: Reception, address: str) -> None:
    screen.goto(address + "/name")
    screen.get_by_role("button", name="Appeler quelqu'un").tap()
    expect(screen.get_by_role("heading", name="L'accueil est prévenu.")).to_be_visible()
    with reception.staff.transaction() as db:
        go_and_help(db, reception.site.id, "Borne 1", desk="Guichet 1", at=reception.at)
    expect(screen.get_by_role("heading", name="Quelqu'un arrive")).to_be_visible(timeout=4000)
    screen.locator("#coming").get_by_role("button", name="Continuer").tap()
    screen.get_by_role("button", name="Appeler quelqu'un").tap()  # and anew
    expect(screen.get_by_role("heading", name="L'accueil est prévenu.")).to_be_visible()


def test_in_rush_mode_people_are_numbered_one_touch_each(screen: Page, reception: Reception, address: str) -> None:
    """Three people here, `RUSH_PEOPLE=15` for the whole line: two seconds to look, three to read the number."""
    with reception.staff.transaction() as db:
        set_rush(db, reception.site, on=True, at=reception.at)
    reception.spool.tell("tickets", "ready", "", at=reception.at)
    people = int(os.environ.get("RUSH_PEOPLE", "3"))
    pauses = (2000, 3000) if people > 3 else (0, 0)
    screen.goto(address + "/")
    for number in range(1, people + 1):
        screen.wait_for_timeout(pauses[0])
        if number % 3:
            screen.get_by_role("button", name="Je viens sans rendez-vous").tap()
        else:
            wedge(screen, f"ETQ1K7MP{CODE_LETTERS[number]}X")
        expect(screen.locator(".tag")).to_have_text(str(number))
        screen.wait_for_timeout(pauses[1])
        screen.get_by_role("button", name="Terminer").tap()
        expect(screen.get_by_text("Il y a du monde.")).to_be_visible()


@pytest.mark.parametrize("words", ["<img src=x onerror=alert(1)>", "é" * 5000, "\u0000\u001b[2J\u202e", "' OR 1=1 --"])
def test_whatever_is_typed_is_read_with_patience_and_breaks_nothing(reception: Reception, words: str) -> None:
    for path, field in (("/code", "code"), ("/birth-date", "letters"), ("/name", "day")):
        answer = reception.send("/name", path, **{field: words})
        assert answer.status_code in {200, 422}
        assert words not in answer.get_data(as_text=True)


def test_a_name_and_a_date_are_typed_by_touch_alone(screen: Page, address: str) -> None:
    screen.goto(address + "/")
    screen.get_by_role("link", name="J'ai un rendez-vous").tap()
    screen.get_by_role("link", name="Je ne l'ai pas").tap()
    for letter in "MOR":
        screen.get_by_role("button", name=letter, exact=True).tap()
    screen.get_by_role("button", name="Continuer", exact=True).tap()
    for digit in "31021952":
        screen.get_by_role("button", name=digit, exact=True).tap()
    screen.get_by_role("button", name="Prendre mon numéro").tap()
    expect(screen.get_by_text("Cette date n'existe pas.")).to_be_visible()
    assert screen.locator("#day").input_value() == "31"
    screen.locator("#day").tap()
    for key in ("Effacer", "Effacer", "1", "4"):
        screen.get_by_role("button", name=key, exact=True).tap()
    screen.get_by_role("button", name="Prendre mon numéro").tap()
    expect(screen.locator(".tag")).to_have_text("1")


def answers(screen: Page) -> None:
    """Answer both questions, and say that it is right."""
    for words in ("De 8 à 12 heures", "En ligne", "C'est juste"):
        screen.get_by_role("button", name=words, exact=True).tap()


@pytest.mark.parametrize("path", ["/", "/convocation", "/code", "/name"])
def test_a_scanner_gives_a_number_with_no_touch(screen: Page, address: str, path: str) -> None:
    screen.goto(address + path)
    wedge(screen, "ETQ1K7MP2X")
    expect(screen.locator(".tag")).to_have_text("1")


@pytest.mark.parametrize("path", ["/", "/convocation"])
def test_a_scan_of_something_else_is_told_calmly(screen: Page, address: str, path: str) -> None:
    screen.goto(address + path)
    wedge(screen, "3400930000000")
    expect(screen.get_by_text("Ce code n'est pas celui d'une convocation.")).to_be_visible()


def test_a_person_who_types_a_sign_too_many_is_no_scanner(screen: Page, address: str) -> None:
    screen.goto(address + "/code")
    screen.locator("#code").focus()
    wedge(screen, "K7MP2X7", pace=0.1)  # the field keeps six of them
    expect(screen.locator(".tag")).to_have_text("1")


def test_a_scan_leaves_no_sign_in_the_field_that_had_the_focus(screen: Page, address: str) -> None:
    screen.goto(address + "/name")
    screen.route("**/code", lambda route: route.abort())
    screen.locator("#letters").fill("MO")
    wedge(screen, "ETQ1K7MP2X")
    expect(screen.locator("#letters")).to_have_value("MO")


def test_a_number_is_given_when_the_server_comes_back_and_only_one(
    browser: Browser, reception: Reception, screen: Page
) -> None:
    with served(reception.app) as server:
        port = server.server_port
        screen.goto(f"http://localhost:{port}/come/walk_in")
    screen.get_by_role("button", name="Prendre mon numéro").tap()
    expect(screen.get_by_text("Rien n'est perdu. Nous réessayons.")).to_be_visible(timeout=6000)
    with served(reception.app, port):
        expect(screen.locator(".tag")).to_have_text("1", timeout=8000)


def test_a_kiosk_whose_cookie_is_gone_gives_the_number_all_the_same(screen: Page, address: str) -> None:
    screen.goto(address + "/come/walk_in")
    screen.context.clear_cookies(name="__Host-etiquette-kiosk")
    screen.get_by_role("button", name="Prendre mon numéro").tap()
    expect(screen.locator(".tag")).to_have_text("1")
    expect(screen).to_have_url(re.compile(r"/number/"))


def test_no_key_closes_what_is_said_while_the_server_is_away(screen: Page, reception: Reception) -> None:
    with served(reception.app) as server:
        screen.goto(f"http://localhost:{server.server_port}/come/walk_in")
    screen.get_by_role("button", name="Prendre mon numéro").tap()
    expect(screen.get_by_text("Rien n'est perdu. Nous réessayons.")).to_be_visible()
    screen.keyboard.press("Escape")
    assert screen.evaluate("document.getElementById('moment').open")


def test_a_person_is_one_touch_away_and_nothing_typed_is_lost(screen: Page, address: str) -> None:
    screen.goto(address + "/name")
    screen.get_by_role("button", name="Z", exact=True).tap()
    screen.get_by_role("button", name="Appeler quelqu'un").tap()
    expect(screen.get_by_role("heading", name="L'accueil est prévenu.")).to_be_visible()
    screen.locator("#coming").get_by_role("button", name="Continuer").tap()
    expect(screen.locator("#letters")).to_have_value("Z")


def test_a_page_left_alone_warns_waits_and_goes_back_to_the_start(screen: Page, address: str) -> None:
    screen.clock.install()
    screen.goto(address + "/name")
    screen.get_by_role("button", name="Z", exact=True).tap()
    screen.clock.run_for(61_000)
    expect(screen.get_by_role("heading", name="Toujours là ?")).to_be_visible()
    screen.get_by_role("button", name="Oui, je continue").tap()
    expect(screen.locator("#letters")).to_have_value("Z")
    screen.clock.run_for(61_000)
    screen.clock.run_for(31_000)
    expect(screen).to_have_url(re.compile(r"/$"))


def test_the_page_of_the_closed_hours_opens_by_itself_when_the_laboratory_does(
    screen: Page, address: str, reception: Reception
) -> None:
    screen.clock.install()
    reception.passes(12 * 60)
    screen.goto(address + "/")
    expect(screen.get_by_role("heading", name="Le laboratoire est fermé.")).to_be_visible()
    reception.passes(12 * 60)
    screen.clock.run_for(21_000)
    expect(screen.get_by_role("heading", name="Pourquoi venez-vous ?")).to_be_visible()


def test_a_language_that_nobody_goes_on_with_is_french_again(screen: Page, address: str) -> None:
    screen.clock.install()
    screen.goto(address + "/")
    choose(screen, "ar")
    screen.clock.run_for(61_000)
    screen.clock.run_for(31_000)
    expect(screen.locator("html")).to_have_attribute("lang", "fr")


def test_a_printer_that_stops_after_the_number_was_shown_turns_the_page(
    screen: Page, address: str, reception: Reception
) -> None:
    reception.spool.tell("tickets", "ready", "", at=reception.at)
    screen.goto(address + "/come/walk_in")
    screen.get_by_role("button", name="Prendre mon numéro").tap()
    answers(screen)
    expect(screen.get_by_text("Prenez votre ticket.")).to_be_visible()
    reception.spool.tell("tickets", "held", "paper", at=reception.at)
    expect(screen.get_by_text("Notez votre numéro, ou prenez-le en photo.")).to_be_visible(timeout=9000)
    expect(screen.get_by_role("button", name="C'est noté")).to_be_visible()


def test_a_board_whose_stream_is_refused_asks_by_itself(browser: Browser, reception: Reception, address: str) -> None:
    with closing(paired(browser.new_context(viewport={"width": 1920, "height": 1080}), reception)) as context:
        board = context.new_page()
        board.route("**/board/events", lambda route: route.fulfill(status=503, headers={"Retry-After": "1"}))
        board.goto(address + "/board")
        board.wait_for_timeout(500)
        call(reception, "Guichet 1")
        expect(board.locator("#number")).to_have_text("1", timeout=10_000)
        expect(board.locator("#offline")).to_be_hidden()


def test_the_board_follows_a_call_and_comes_back_after_the_server(browser: Browser, reception: Reception) -> None:
    context = browser.new_context(viewport={"width": 1920, "height": 1080})
    board = paired(context, reception).new_page()
    with served(reception.app) as server:
        port = server.server_port
        board.goto(f"http://localhost:{port}/board")
        call(reception, "Guichet 1")
        expect(board.locator("#number")).to_have_text("1")
        expect(board.locator("#desk")).to_have_text("Guichet 1")
    expect(board.locator("#offline")).to_be_visible(timeout=16_000)
    expect(board.locator("#range")).to_be_hidden()  # a wait of before is no honest wait
    with served(reception.app, port):
        call(reception, "Guichet 2")
        expect(board.locator("#number")).to_have_text("2", timeout=8000)
        expect(board.locator("#offline")).to_be_hidden()
        expect(board.locator("#range")).to_be_visible()
    assert board.evaluate("window.violations") == []
    context.close()


#: What the loudspeaker is given, and when each sound has ended.
WATCH_SOUND = """
window.sounds = [];
const play = HTMLMediaElement.prototype.play;
HTMLMediaElement.prototype.play = function () {
  window.sounds.push("starts " + this.src.split("/").at(-1));
  this.addEventListener("ended", () => window.sounds.push("ends " + this.src.split("/").at(-1)), true);
  return play.call(this);
};
const start = OscillatorNode.prototype.start;
OscillatorNode.prototype.start = function (...when) {
  if (this.frequency.value > 600) window.sounds.push("gong");
  return start.apply(this, when);
};
"""


@pytest.mark.skipif(shutil.which("espeak-ng") is None, reason="espeak-ng is not on this machine")
def test_two_desks_that_call_at_once_are_both_heard_and_a_call_taken_back_rings_for_nobody(
    browser: Browser, reception: Reception, address: str
) -> None:
    call(reception, "Guichet 1")  # before the board was opened
    with closing(paired(browser.new_context(viewport={"width": 1920, "height": 1080}), reception)) as context:
        context.add_init_script(WATCH_SOUND)
        board = context.new_page()
        board.route("**/board/events", lambda route: route.fulfill(status=503))
        board.goto(address + "/board")
        expect(board.locator("#number")).to_have_text("1")
        board.mouse.click(5, 5)  # a browser without the kiosk's own flag plays nothing before a touch
        visits = [call(reception, f"Guichet {desk}") for desk in (2, 3)]
        expect(board.locator("#number")).to_have_text("3", timeout=10_000)
        board.wait_for_function("() => window.sounds.length >= 6", timeout=30_000)
        with reception.staff.reading() as db:
            words = [f"{one.id}.wav" for visit in visits for one in moves_of(db, visit) if one.verb == Verb.CALL]
        heard = [sound for one in words for sound in ("gong", f"starts {one}", f"ends {one}")]
        assert board.evaluate("window.sounds") == heard
        with reception.staff.transaction() as db:
            advance(
                db, visit_of(db, visits[1]), Verb.UNDO, by="sophie", at=reception.at, chance=reception.chance,
                key=reception.chance(16).hex(),
            )  # fmt: skip
        expect(board.locator("#number")).to_have_text("2", timeout=10_000)
        call(reception, "Guichet 4")
        board.wait_for_function("() => window.sounds.length >= 8", timeout=30_000)
        assert board.evaluate("window.sounds.slice(6)").count("gong") == 1
        assert words[0] not in str(board.evaluate("window.sounds.slice(6)"))


def test_what_the_board_asked_for_before_an_event_is_not_drawn_over_it(
    browser: Browser, reception: Reception, address: str
) -> None:
    with closing(paired(browser.new_context(viewport={"width": 1920, "height": 1080}), reception)) as context:
        board = context.new_page()
        held: list[tuple[Route, APIResponse]] = []
        board.route("**/board/state", lambda route: held.append((route, route.fetch())), times=2)
        board.goto(address + "/board")
        for _ in range(500):  # asked for as the page opens, and again as its stream does
            if len(held) < 2:
                board.wait_for_timeout(20)
        call(reception, "Guichet 1")
        expect(board.locator("#number")).to_have_text("1")
        for route, answer in held:
            route.fulfill(response=answer)
        board.evaluate("async () => { await (await fetch('/board/state')).json(); }")
        expect(board.locator("#number")).to_be_visible()


@pytest.mark.parametrize(("wide", "high"), [(1280, 720), (1920, 1080), (3840, 2160), (1080, 1920)])
def test_a_board_shows_all_that_it_has_to_say_whatever_its_screen(
    browser: Browser, reception: Reception, address: str, wide: int, high: int
) -> None:
    for desk in (1, 2, 3, 4, 1, 2, 3):
        call(reception, f"Guichet {desk}")
    with closing(paired(browser.new_context(viewport={"width": wide, "height": high}), reception)) as context:
        board = context.new_page()
        board.goto(address + "/board")
        expect(board.locator("#former li")).to_have_count(5)
        board.evaluate("document.fonts.ready")
        # In one breath: the board may draw its former calls anew at any moment.
        boxes = board.evaluate(
            """() => {
              document.getElementById("offline").hidden = false;
              const parts = ["#number", "#desk", "#former li:last-child", "#offline", "footer p", "#time"];
              return parts.map((one) => document.querySelector(one).getBoundingClientRect())
                .map((box) => [box.left, box.top, box.right, box.bottom]);
            }"""
        )
        for left, top, right, bottom in boxes:
            assert 0 <= left < right <= wide
            assert 0 <= top < bottom <= high
        _, _, former, banner, _, _ = boxes
        assert former[3] <= banner[1]


@pytest.mark.parametrize(("language", "most"), [("fr", 50), ("en", 50), ("es", 50), ("pt", 50), ("tr", 70), ("ar", 95)])
def test_the_first_page_is_light_in_every_language(
    browser: Browser, reception: Reception, address: str, language: str, most: int
) -> None:
    with closing(paired(browser.new_context(), reception)) as context:
        first = context.new_page()
        first.goto(address + "/language")
        first.locator(f".tongues [value={language}]").click()
        first.wait_for_url(address + "/")
        chosen = context.storage_state()
    with closing(browser.new_context(storage_state=chosen)) as context:
        page = context.new_page()
        loaded: list[Response] = []
        page.on("response", lambda answer: loaded.append(answer))  # noqa: PLW0108  # the library marks what it is given
        page.goto(address + "/", wait_until="networkidle")
        assert page.locator("html").get_attribute("lang") == language
        fonts = sum(len(one.body()) for one in loaded if one.url.endswith(".woff2") or ".woff2?" in one.url)
        # Texts as the front server sends them.
        texts = sum(len(gzip.compress(one.body())) for one in loaded if ".woff2" not in one.url)
        assert fonts > 30_000
        assert fonts + texts <= most * 1000


def test_the_first_page_is_drawn_at_once_and_does_not_move(screen: Page, address: str) -> None:
    screen.add_init_script(WATCH_DRAWING)
    screen.goto(address + "/", wait_until="networkidle")
    screen.evaluate("document.fonts.ready")
    assert screen.evaluate("window.moved") <= 0.02
    assert screen.evaluate("window.drawn") > 0  # how soon is a row of the bench


def call(reception: Reception, desk: str) -> UUID:
    reception.passes(0.1)
    with reception.staff.transaction() as db:
        waiting.take_number(
            db, reception.site, wait=Range(low=0, high=5), purpose=Purpose.WALK_IN, said=None, by="Borne 1",
            at=reception.at, chance=reception.chance, key=reception.chance(16).hex(),
        )  # fmt: skip
        return call_next(
            db, reception.site, Stage.COUNTER,
            places.first_in_turn(db, reception.site, Stage.COUNTER, at=reception.at, first=1),
            desk=desk, by="sophie", at=reception.at, chance=reception.chance, key=reception.chance(16).hex(),
        ).id  # fmt: skip
