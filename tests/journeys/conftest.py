"""The whole house runs as in a laboratory, and real browsers do in it what people do."""

import sqlite3
import time
import tomllib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, StorageState, sync_playwright
from pyotp import TOTP

from kiosk.register import clock
from results.upkeep.rehearse import Place, temporary_laboratory
from tests.conftest import PATIENCE

HERE = Path(__file__).parent
PICTURES = HERE.parents[1] / "artefacts" / "journeys"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking",
    "--disable-component-update", "--force-color-profile=srgb", "--font-render-hinting=none", "--hide-scrollbars",
]  # fmt: skip
WATCH_POLICY = """
document.addEventListener("securitypolicyviolation", (event) => console.error("policy: " + event.violatedDirective));
"""
#: What each kind of screen is.
SCREENS: dict[str, dict[str, Any]] = {
    "kiosk": {"viewport": {"width": 1080, "height": 1920}, "has_touch": True},
    "board": {"viewport": {"width": 1920, "height": 1080}},
    "staff": {"viewport": {"width": 1366, "height": 768}},
}
#: Each look of a staff screen, as the machine asks for it.
LOOKS: dict[str, dict[str, Any]] = {
    "light": {"color_scheme": "light", "contrast": "no-preference"},
    "dark": {"color_scheme": "dark", "contrast": "no-preference"},
    "contrast": {"color_scheme": "light", "contrast": "more"},
}
STEP = 30


@dataclass
class Cast:
    """The made-up people: their proofs, and the sign-in that each keeps for the day."""

    kept: dict[str, Any]
    steps: dict[str, int] = field(default_factory=dict)
    signed_in: dict[str, StorageState] = field(default_factory=dict)

    @property
    def passphrase(self) -> str:
        """What opens the biologist's keys."""
        return str(self.kept["passphrase"])

    def convocation(self, place: int) -> dict[str, str]:
        """One of today's appointments."""
        return dict(self.kept["convocations"][place])

    def person(self, login: str) -> dict[str, str]:
        """Name, password and seed of a person."""
        return next(one for one in self.kept["people"] if one["login"] == login)

    def digits(self, login: str) -> str:
        """Six digits that this person has not used yet: of the step before, this one or the next."""
        while True:
            now = int(clock.now().timestamp()) // STEP
            step = max(self.steps.get(login, 0) + 1, now - 1)
            # The step before may end while the form is on its way: it is only taken when it will not.
            if step == now - 1 and clock.now().timestamp() % STEP > STEP - 5:
                step = now
            if step <= now + 1:
                self.steps[login] = step
                return TOTP(self.person(login)["seed"]).at(step * STEP)
            time.sleep(0.5)


@dataclass
class Story:
    """What one patient's day has left in people's hands so far."""

    number: int = 0
    visit: str = ""
    own: list[str] = field(default_factory=list)
    other: str = ""
    handle: str = ""
    codes: list[str] = field(default_factory=list)
    used: str = ""


@dataclass
class Desk:
    """Where a test opens browsers, and what went wrong in them."""

    laboratory: Place
    chromium: Browser
    cast: Cast
    faults: list[str] = field(default_factory=list)

    @contextmanager
    def screen(self, kind: str, *, login: str = "", allows: tuple[str, ...] = ()) -> Iterator[Page]:
        """A screen of its own; `allows` are parts of console messages that this test brings about on purpose."""
        state = self.cast.signed_in.get(login)
        context = self.chromium.new_context(
            **SCREENS[kind], locale="fr-FR", timezone_id="Europe/Paris", reduced_motion="reduce", storage_state=state,
            base_url=self.laboratory.staff if kind == "staff" else self.laboratory.public,
        )  # fmt: skip
        context.add_init_script(WATCH_POLICY)
        context.set_default_timeout(PATIENCE)
        page = context.new_page()
        page.on("pageerror", lambda error: self.faults.append(f"{page.url}: {error}"))
        page.on(
            "console",
            lambda said: (
                self.faults.append(f"{page.url}: {said.text}")
                if said.type == "error" and not any(part in said.text for part in allows)
                else None
            ),
        )
        yield page
        context.close()

    @contextmanager
    def seat(self, login: str, place: str, *, allows: tuple[str, ...] = ()) -> Iterator[Page]:
        """A staff screen at which this person has signed in; by keys alone, once a day."""
        with self.screen("staff", login=login, allows=allows) as page:
            if login not in self.cast.signed_in:
                page.goto("/entrer")
                sign_in(page, self.cast, login, place)
                self.cast.signed_in[login] = page.context.storage_state()
            yield page


def sign_in(page: Page, cast: Cast, login: str, place: str) -> None:
    """Fill the sign-in form that has the focus, without a pointer."""
    for words in (login, cast.person(login)["password"], cast.digits(login)):
        page.keyboard.type(words)
        page.keyboard.press("Tab")
    page.keyboard.type(place)
    page.keyboard.press("Tab")
    with page.expect_navigation():
        page.keyboard.press("Enter")


def keep(page: Page, name: str) -> None:
    """Keep a picture of a screen for a person to look at."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=PICTURES / f"{name}.png")


def is_readable(page: Page, rules: list[str] | None = None) -> None:
    """No fault that axe can see, by all its rules or by some, and nothing that must be scrolled sideways."""
    page.evaluate("document.fonts.ready")
    found = Axe().run(page, options={"runOnly": rules} if rules else None)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def look_at(page: Page, name: str) -> None:
    """A staff screen as it stands, in every look: a picture of each, and nothing that axe finds."""
    for look, wishes in LOOKS.items():
        page.emulate_media(**wishes)
        # A look changes colours alone.
        is_readable(page, None if look == "light" else ["color-contrast", "color-contrast-enhanced"])
        keep(page, f"{name}-{look}")
    page.emulate_media(forced_colors="active")
    keep(page, f"{name}-forced")
    page.emulate_media(forced_colors="none", **LOOKS["light"])


def await_printers(place: Place) -> None:
    """Wait until the station has looked at its three printers: a kiosk promises no ticket before."""
    end = time.monotonic() + 30
    with closing(sqlite3.connect(place.instance / "spool.sqlite")) as spool:
        while spool.execute("SELECT count(*) FROM printers WHERE state = 'ready'").fetchone()[0] < 3:
            assert time.monotonic() < end, "the station sees no printer"
            time.sleep(0.1)


@pytest.fixture(scope="session")
def laboratory() -> Iterator[Place]:
    with temporary_laboratory() as place:
        await_printers(place)
        yield place


@pytest.fixture(scope="session")
def cast(laboratory: Place) -> Cast:
    return Cast(tomllib.loads((laboratory.instance / "demonstration.toml").read_text(encoding="utf-8")))


@pytest.fixture(scope="session")
def story() -> Story:
    return Story()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium; of one module, since two drivers cannot live in one thread."""
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def desk(laboratory: Place, chromium: Browser, cast: Cast) -> Iterator[Desk]:
    opened = Desk(laboratory, chromium, cast)
    yield opened
    assert opened.faults == []
