"""At the touchscreen: a number within seconds, by touch alone, on keys that a tired hand finds."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Cast, Desk, is_readable, keep

#: Pixels of one millimetre on a 21.5-inch portrait screen.
MM = 1080 / 268
PAGES = {
    "home": "/", "convocation": "/convocation", "code": "/code", "name": "/name", "walk-in": "/come/walk_in",
    "collect": "/come/collect", "help": "/help/0", "nowhere": "/nowhere", "language": "/language",
}  # fmt: skip


def tap(page: Page, words: str) -> None:
    """Touch what carries these words."""
    page.get_by_role("link", name=words, exact=True).or_(page.get_by_role("button", name=words, exact=True)).tap()


def answers(page: Page) -> None:
    """Answer both questions and say that it is right."""
    for words in ("De 8 à 12 heures", "Par téléphone", "C'est juste"):
        tap(page, words)


def changes_look(page: Page, *wishes: str) -> None:
    """Touch one wish after the other, as quickly as one can; wait until the server knows."""
    answers: list[str] = []
    page.on("response", lambda answer: answers.append(answer.url) if answer.url.endswith("/display") else None)
    for words in wishes:
        tap(page, words)
    while len(answers) < len(wishes):
        page.wait_for_timeout(20)


def test_a_booked_person_types_the_code_and_takes_the_ticket(desk: Desk, cast: Cast) -> None:
    told = cast.convocation(1)
    with desk.screen("kiosk") as page:
        page.goto("/")
        for words in ("J'ai un rendez-vous", "Je tape mon code", *told["code"], "Continuer"):
            tap(page, words)
        expect(page.get_by_text("Votre numéro :")).to_be_visible()
        keep(page, "kiosk-question")
        is_readable(page)
        answers(page)
        expect(page.get_by_text("Prenez votre ticket.")).to_be_visible()
        keep(page, "kiosk-thanks")
        is_readable(page)
        assert not [word for word in told["name"].split() if word in page.content()]


def test_a_name_and_a_birth_date_are_enough_and_are_answered_the_same(desk: Desk, cast: Cast) -> None:
    texts = []
    for letters, born in (("DIA", cast.convocation(1)["born"]), ("ZZZ", "01021970")):
        with desk.screen("kiosk") as page:
            page.goto("/")
            for words in ("J'ai un rendez-vous", "Je ne l'ai pas", *letters, "Continuer", *born):
                tap(page, words)
            keep(page, "kiosk-birth-date")
            is_readable(page)
            tap(page, "Prendre mon numéro")
            expect(page.get_by_text("Votre numéro :")).to_be_visible()
            texts.append(re.sub(r"\d+", "0", page.locator("main").inner_text()))
    assert texts[0] == texts[1]


def test_whoever_has_no_appointment_touches_twice(desk: Desk) -> None:
    with desk.screen("kiosk") as page:
        page.goto("/")
        tap(page, "Je viens sans rendez-vous")
        tap(page, "Prendre mon numéro")
        expect(page.locator(".tag")).to_have_text(re.compile(r"\d+"))


def test_the_cookie_of_the_touchscreen_is_one_that_chromium_keeps_to_this_host(desk: Desk) -> None:
    with desk.screen("kiosk") as page:
        page.goto("/")
        changes_look(page, "Contraste")
        page.goto("/name")
        assert page.locator("html").get_attribute("data-look") == "contrast"
        [cookie] = page.context.cookies()
    assert cookie["name"] == "__Host-etiquette-kiosk"
    assert cookie["secure"]
    assert cookie["httpOnly"]
    assert (cookie["domain"], cookie["path"], cookie["sameSite"]) == ("localhost", "/", "Strict")


def test_a_person_who_walks_away_leaves_nothing_behind(desk: Desk) -> None:
    with desk.screen("kiosk") as page:
        page.clock.install()
        page.goto("/name")
        tap(page, "M")
        page.clock.run_for(61_000)
        expect(page.get_by_role("heading", name="Toujours là ?")).to_be_visible()
        keep(page, "kiosk-still-there")
        is_readable(page)
        tap(page, "Oui, je continue")
        expect(page.locator("#letters")).to_have_value("M")
        page.clock.run_for(61_000)
        page.clock.run_for(31_000)
        expect(page).to_have_url(re.compile(r"/$"))
        page.go_back()
        expect(page.locator("#letters")).to_have_count(0)


@pytest.mark.parametrize("look", ["light", "contrast"])
def test_every_page_is_readable_in_each_look_with_controls_of_a_hand_s_size(desk: Desk, look: str) -> None:
    with desk.screen("kiosk", allows=("404",)) as page:
        page.goto("/")
        if look == "contrast":
            changes_look(page, "Contraste", "Plus grand")
        for name, path in PAGES.items():
            page.goto(path)
            is_readable(page)
            keep(page, f"kiosk-{name}-{look}")
            text = page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)")
            assert text >= (11.2 if look == "contrast" else 8) * MM - 0.1
            for box in boxes(page, "button, a, input"):
                assert min(box["width"], box["height"]) >= 16 * MM - 0.5, name
                # Nothing that is touched stands higher than 300 mm above the lower edge.
                assert 1920 - box["y"] <= 300 * MM, name
            for box in boxes(page, ".button.main, .button.choice, .help button"):
                assert box["height"] >= 20 * MM, name


def boxes(page: Page, controls: str) -> list[dict[str, float]]:
    """Where each visible control of a page lies, in pixels."""
    found: list[dict[str, float]] = page.locator(controls).evaluate_all(
        """(controls) => controls.filter((one) => one.checkVisibility() && one.getClientRects().length)
            .map((one) => one.getBoundingClientRect().toJSON())"""
    )
    assert found
    return found
