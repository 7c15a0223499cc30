"""The print room in a real browser, by keys alone: it changes by itself, and a card takes the focus from nobody."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect, sync_playwright
from werkzeug.serving import make_server

from printers.moves import State
from tests.staffroom import PASSWORD

if TYPE_CHECKING:
    PrintRoom = Any

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--force-color-profile=srgb"]
CONTRAST = {"runOnly": ["color-contrast", "color-contrast-enhanced"]}
PICTURES = Path(__file__).parents[3] / "artefacts" / "printroom"
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light"},
    "dark": {"color_scheme": "dark"},
    "forced": {"color_scheme": "light", "forced_colors": "active"},
}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield opened
        opened.close()


@contextmanager
def seated(prints: "PrintRoom", chromium: Browser) -> Iterator[Page]:
    """Sophie at the counter's screen, signed in."""
    server = make_server("localhost", 0, prints.counter.room.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    context = chromium.new_context(viewport={"width": 1366, "height": 768}, locale="fr-FR", reduced_motion="reduce")
    page = context.new_page()
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    try:
        page.goto(f"http://localhost:{server.server_port}/entrer")
        for words in ("sophie", PASSWORD, prints.counter.room.digits()):
            page.keyboard.type(words)
            page.keyboard.press("Tab")
        page.keyboard.type("Guichet 1")
        page.keyboard.press("Tab")
        with page.expect_navigation():
            page.keyboard.press("Enter")
        prints.counter.room.later(seconds=30)
        yield page
        assert faults == []
    finally:
        context.close()
        prints.counter.room.app.extensions["live"].end()
        server.shutdown()
        thread.join()
        server.server_close()


def look_at(page: Page, name: str) -> None:
    """A picture in each look, nothing that axe finds in the first, nothing that must be scrolled sideways."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    for look, wishes in LOOKS.items():
        page.emulate_media(**wishes)
        page.screenshot(path=PICTURES / f"{name}-{look}.png")
        if look != "forced":
            found = Axe().run(page, options=CONTRAST if look == "dark" else None)
            assert found.violations_count == 0, found.generate_report()
    page.emulate_media(color_scheme="light", forced_colors="none")
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_a_morning_in_the_print_room_by_keys_alone(prints: "PrintRoom", chromium: Browser) -> None:
    prints.starts()
    with seated(prints, chromium) as page:
        keys = page.keyboard
        page.get_by_role("link", name="Imprimantes").first.focus()
        with page.expect_navigation():
            keys.press("Enter")
        stand = page.locator("section", has=page.locator("#printer-labels"))
        expect(stand).to_contain_text("prête")

        # A change is on the screen soon after the station's word, and nobody touched a key.
        prints.fakes["labels"].run_out()
        prints.until(prints.told("labels", "held", "paper-out"))
        expect(stand).to_contain_text("plus de papier")
        prints.fakes["labels"].put_right()
        prints.until(prints.told("labels", "ready"))
        expect(stand).to_contain_text("prête")

        # Two labels without a proof: no to the first, yes to the second.
        prints.fakes["labels"].answers_id = False
        sophie = prints.counter.sits("nadia", desk="Guichet 2")
        sophie.labels("1104", "0552")
        prints.until(lambda: [job.state for job in prints.labels()] == [State.UNSURE] * 2)
        expect(page.locator("#pane section.now")).to_have_count(2)
        expect(page.locator("#pane .mark, .menu .mark")).to_have_count(0)  # the menu is the page's, not the pane's
        prints.fakes["labels"].answers_id = True
        first, second = prints.labels()
        expect(page.locator(f"#yes-{first.id}")).to_be_focused()
        look_at(page, "unsure")
        with page.expect_navigation():
            keys.press("n")
        expect(page.get_by_text("Copie 2 de l'étiquette 1 sur 2 demandée")).to_be_visible()
        prints.until(lambda: prints.labels()[-1].state is State.CONFIRMED)
        expect(page.locator(f"#yes-{second.id}")).to_be_focused()
        with page.expect_navigation():
            keys.press("o")
        expect(page.locator("section.now")).to_have_count(0)
        assert [job.state for job in prints.labels()] == [State.VOID, State.CONFIRMED, State.CONFIRMED]

        # Paused by a key, its papers wait; they go to the other desk by one key, behind their header.
        page.locator("#pause-labels").focus()
        with page.expect_navigation():
            keys.press("Enter")
        expect(stand).to_contain_text("en pause")
        prints.counter.sends_to_the_draw(UUID(prints.labels()[0].batch))
        sophie.labels("1104", "0552", name="Diallo")
        expect(stand.locator("li")).to_have_count(2)
        look_at(page, "paused")
        with page.expect_navigation():
            keys.press("Alt+m")
        prints.until(lambda: all(job.state is not State.HELD for job in prints.labels()))
        prints.until(lambda: len(prints.fakes["second"].paper) == 3)
        expect(stand).to_contain_text("second a pris la suite : 2 papiers")


def test_a_card_that_comes_by_itself_takes_the_focus_from_nobody(prints: "PrintRoom", chromium: Browser) -> None:
    prints.starts()
    nadia = prints.counter.sits("nadia", desk="Guichet 2")
    prints.counter.room.later(seconds=30)
    nadia.labels("1104")
    prints.until(lambda: prints.labels()[0].state is State.CONFIRMED)
    with seated(prints, chromium) as page:
        page.goto(page.url.rstrip("/") + "/imprimantes")
        page.locator("#test-second").focus()
        prints.fakes["labels"].answers_id = False
        nadia.does(f"/passage/{prints.labels()[0].batch}/etiquettes/reimprimer", position="1", reason="abîmée")
        expect(page.locator("section.now")).to_have_count(1)
        expect(page.locator("#test-second")).to_be_focused()
        job = prints.labels()[-1]
        # What is being typed into a card stays while the rest of the page is drawn again.
        page.locator(f"#answer-{job.id} input[name=other]").fill("collée de travers")
        prints.fakes["tickets"].run_out()
        prints.until(prints.told("tickets", "held", "paper-out"))
        stand = page.locator("section", has=page.locator("#printer-tickets"))
        expect(stand).to_contain_text("plus de papier")
        expect(page.locator(f"#answer-{job.id} input[name=other]")).to_have_value("collée de travers")
        page.keyboard.type(" no")  # letters that are typed answer nothing
        expect(page.locator("section.now")).to_have_count(1)


def test_shift_f6_prints_my_last_label_again_with_its_reason(prints: "PrintRoom", chromium: Browser) -> None:
    prints.starts()
    sophie = prints.counter.sits()
    prints.counter.room.later(seconds=30)
    sophie.labels("1104", "0552")
    prints.until(lambda: all(job.state is State.CONFIRMED for job in prints.labels()))
    with seated(prints, chromium) as page:
        page.goto(page.url.rstrip("/") + "/imprimantes")
        page.keyboard.press("Shift+F6")
        expect(page.get_by_role("heading", name="Réimprimer une étiquette")).to_be_visible()
        expect(page.locator("#label option").first).to_contain_text("étiquette 2/2")
        page.locator("#reason").focus()
        page.keyboard.type("illi")
        with page.expect_navigation():
            page.keyboard.press("Alt+i")
        expect(page.get_by_text("Copie 2 de l'étiquette 2 sur 2 demandée")).to_be_visible()
        prints.until(lambda: len(prints.fakes["labels"].paper) == 3)
