"""The touchscreen and the board in a real browser: readable, reachable, and never losing what was typed."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import ClassVar

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from kiosk import waiting
from kiosk.counter.turns import call_next, line
from kiosk.line.estimate import Range
from kiosk.register.visits import Purpose, Stage
from tests.kiosk.conftest import Reception

WATCH_POLICY = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective));
"""
PAGES = ["/", "/convocation", "/code", "/name", "/come/walk_in", "/help", "/board"]
#: Pixels of one millimetre on a 21.5-inch portrait screen.
MM = 1080 / 268


class Handler(WSGIRequestHandler):
    """A handler that remembers its connections, so that a server's end is an end for its streams too."""

    open_now: ClassVar[list[socket.socket]] = []

    def setup(self) -> None:
        super().setup()
        self.open_now.append(self.connection)

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002  # the library's own name
        """Keep quiet."""


@contextmanager
def served(reception: Reception, port: int = 0) -> Iterator[BaseWSGIServer]:
    server = make_server("localhost", port, reception.app, threaded=True, request_handler=Handler)
    server.daemon_threads = True  # type: ignore[attr-defined]  # a stream has no end of its own
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    while Handler.open_now:
        with suppress(OSError):
            Handler.open_now.pop().shutdown(socket.SHUT_RDWR)
    server.server_close()


@pytest.fixture
def address(reception: Reception) -> Iterator[str]:
    with served(reception) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def screen(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 1080, "height": 1920}, has_touch=True, locale="fr-FR", reduced_motion="reduce"
    )
    context.add_init_script(WATCH_POLICY)
    yield context.new_page()
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


@pytest.mark.parametrize("path", PAGES[:-1])
def test_whatever_is_touched_is_large_enough_and_low_enough(screen: Page, address: str, path: str) -> None:
    screen.goto(address + path)
    for control in screen.locator("button:visible, a:visible, input:visible").all():
        box = control.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 16 * MM - 0.5
        assert box["y"] >= 1920 * 0.4


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


def scan(screen: Page, text: str) -> None:
    """What a scanner does: keys without a pause, each leaving its sign in the field that has the focus, then Enter."""
    screen.evaluate(
        """(text) => {
          const press = (key, code) => (document.activeElement || document.body).dispatchEvent(
            new KeyboardEvent("keydown", { key, code, bubbles: true, cancelable: true }));
          for (const sign of text) {
            press(sign, (/[0-9]/.test(sign) ? "Digit" : "Key") + sign);
            if ("value" in document.activeElement) document.activeElement.value += sign;
          }
          press("Enter", "Enter");
        }""",
        text,
    )


@pytest.mark.parametrize("path", ["/", "/convocation", "/code", "/name"])
def test_a_scanner_gives_a_number_with_no_touch(screen: Page, address: str, path: str) -> None:
    screen.goto(address + path)
    scan(screen, "ETQ1K7MP2X")
    expect(screen.locator(".tag")).to_have_text("1")


@pytest.mark.parametrize("path", ["/", "/convocation"])
def test_a_scan_of_something_else_is_told_calmly(screen: Page, address: str, path: str) -> None:
    screen.goto(address + path)
    scan(screen, "3400930000000")
    expect(screen.get_by_text("Ce code n'est pas celui d'une convocation.")).to_be_visible()


def test_a_scan_leaves_no_sign_in_the_field_that_had_the_focus(screen: Page, address: str) -> None:
    screen.goto(address + "/name")
    screen.route("**/code", lambda route: route.abort())
    screen.locator("#letters").fill("MO")
    scan(screen, "ETQ1K7MP2X")
    expect(screen.locator("#letters")).to_have_value("MO")


def test_a_number_is_given_when_the_server_comes_back_and_only_one(
    browser: Browser, reception: Reception, screen: Page
) -> None:
    with served(reception) as server:
        port = server.server_port
        screen.goto(f"http://localhost:{port}/come/walk_in")
    screen.get_by_role("button", name="Prendre mon numéro").tap()
    expect(screen.get_by_text("Rien n'est perdu. Nous réessayons.")).to_be_visible(timeout=6000)
    with served(reception, port):
        expect(screen.locator(".tag")).to_have_text("1", timeout=8000)


def test_a_person_is_one_touch_away_and_nothing_typed_is_lost(screen: Page, address: str) -> None:
    screen.goto(address + "/name")
    screen.get_by_role("button", name="Z", exact=True).tap()
    screen.get_by_role("button", name="Appeler quelqu'un").tap()
    expect(screen.get_by_role("heading", name="Quelqu'un arrive")).to_be_visible(timeout=1000)
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


def test_a_printer_that_stops_after_the_number_was_shown_turns_the_page(
    screen: Page, address: str, reception: Reception
) -> None:
    reception.spool.tell("tickets", "ready", "", at=reception.at)
    screen.goto(address + "/come/walk_in")
    screen.get_by_role("button", name="Prendre mon numéro").tap()
    expect(screen.get_by_text("Prenez votre ticket.")).to_be_visible()
    reception.spool.tell("tickets", "held", "paper", at=reception.at)
    expect(screen.get_by_text("Notez votre numéro, ou prenez-le en photo.")).to_be_visible(timeout=9000)
    expect(screen.get_by_role("button", name="C'est noté")).to_be_visible()


def test_the_board_follows_a_call_and_comes_back_after_the_server(browser: Browser, reception: Reception) -> None:
    context = browser.new_context(viewport={"width": 1920, "height": 1080})
    context.add_init_script(WATCH_POLICY)
    board = context.new_page()
    with served(reception) as server:
        port = server.server_port
        board.goto(f"http://localhost:{port}/board")
        call(reception, "Guichet 1")
        expect(board.locator("#number")).to_have_text("1", timeout=2000)
        expect(board.locator("#desk")).to_have_text("Guichet 1")
    expect(board.locator("#offline")).to_be_visible(timeout=16_000)
    with served(reception, port):
        call(reception, "Guichet 2")
        expect(board.locator("#number")).to_have_text("2", timeout=8000)
        expect(board.locator("#offline")).to_be_hidden()
    assert board.evaluate("window.violations") == []
    context.close()


def test_the_first_page_is_light(screen: Page, address: str) -> None:
    sizes: list[int] = []
    link = screen.context.new_cdp_session(screen)
    link.send("Network.enable")
    link.on("Network.loadingFinished", lambda event: sizes.append(int(event["encodedDataLength"])))
    screen.goto(address + "/", wait_until="networkidle")
    fonts = sum(path.stat().st_size for path in Path("kiosk/static/public/vendor").glob("**/*.woff2"))
    assert fonts <= sum(sizes) <= 80_000  # uncompressed; the front server's compression brings it under 50


def call(reception: Reception, desk: str) -> None:
    reception.passes(0.1)
    with reception.staff.transaction() as db:
        waiting.take_number(
            db, reception.site, wait=Range(low=0, high=5), purpose=Purpose.WALK_IN, said=None, by="Borne 1",
            at=reception.at, chance=reception.chance, key=reception.chance(16).hex(),
        )  # fmt: skip
        call_next(
            db, reception.site, Stage.COUNTER, line(db, reception.site, Stage.COUNTER, at=reception.at),
            desk=desk, by="sophie", at=reception.at, chance=reception.chance, key=reception.chance(16).hex(),
        )  # fmt: skip
