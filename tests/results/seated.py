"""Somebody of the laboratory before a real browser, with the keyboard alone."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Locator, Page, expect

from tests.kiosk.door.test_screens_in_chromium import WATCH_POLICY
from tests.results.signing_room import SigningRoom
from tests.staffroom import PASSWORD

#: How a screen is looked at, when pictures are asked for.
LIGHTS: Final[dict[str, dict[str, Any]]] = {
    "light": {}, "dark": {"color_scheme": "dark"}, "contrast": {"contrast": "more"},
    "forced": {"forced_colors": "active"},
}  # fmt: skip
_PLAIN: Final[dict[str, Any]] = {"color_scheme": "light", "contrast": "no-preference", "forced_colors": "none"}
#: More controls than any page has.
_ENOUGH: Final = 120


@contextmanager
def seated(browser: Browser, room: SigningRoom, address: str, login: str) -> Iterator[Page]:
    """A browser of the laboratory whose person has signed in."""
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="fr-FR", reduced_motion="reduce")
    context.add_init_script(WATCH_POLICY)
    page = context.new_page()
    room.desks.later(seconds=30)
    page.goto(address + "/entrer")
    page.fill("#login", login)
    page.fill("#password", PASSWORD)
    page.fill("#digits", room.desks.room.digits())
    page.select_option("#desk", "Guichet 1")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/entrer" not in url)
    room.desks.later(seconds=30)
    yield page
    context.close()


def is_readable(page: Page, name: str) -> None:
    """Nothing that a person could not read, reach or was not told of; with a picture where pictures are asked for."""
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("window.violations") == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 1366
    if folder := os.environ.get("ETIQUETTE_PICTURES"):
        for light, media in LIGHTS.items():
            page.emulate_media(**_PLAIN | media)
            page.screenshot(path=Path(folder) / f"{name}_{light}.png")
        page.emulate_media(**_PLAIN)


def reach(page: Page, wanted: Locator) -> None:
    """Go on with the Tab key until the wanted control has the focus."""
    expect(wanted).to_be_visible()
    for _ in range(_ENOUGH):
        if wanted.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab never comes to {wanted}")


def presses(page: Page, wanted: Locator, key: str = "Enter") -> None:
    """Reach a control by the keyboard, and press it."""
    reach(page, wanted)
    page.keyboard.press(key)
