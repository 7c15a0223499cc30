"""The line on a patient's own telephone, in a real browser: it hears of the call, and says when nobody answers."""

from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from kiosk import places
from kiosk.counter.turns import call_next
from kiosk.door.shown import key_of
from kiosk.register.visits import Stage, Visit
from kiosk.ticket import follow_address
from tests.kiosk.conftest import Reception, open_reception
from tests.serving import served

WATCH_POLICY = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective));
"""


@pytest.fixture
def published(sqlite_folder: Path, at: datetime, chance: Callable[[int], bytes]) -> Iterator[Reception]:
    opened = open_reception(sqlite_folder, at=at, chance=chance, follow_url="http://localhost/", demonstration=True)
    yield opened
    opened.spool.close()
    opened.staff.close()
    opened.app.extensions["house"].database.close()


@pytest.mark.parametrize(("language", "called"), [("fr", "On vous appelle. Venez maintenant."), ("ar", "")])
def test_a_telephone_hears_of_its_call_and_says_when_nobody_answers(
    browser: Browser, published: Reception, language: str, called: str
) -> None:
    published.send("/", "/language", language=language)
    published.send("/come/walk_in", "/come/walk_in")
    with published.staff.reading() as db:
        visit = db.scalars(select(Visit)).one()
        path = follow_address("/", visit, key_of(db, visit))
    context = browser.new_context(viewport={"width": 320, "height": 640}, has_touch=True, is_mobile=True)
    with closing(context):
        context.add_init_script(WATCH_POLICY)
        phone = context.new_page()
        phone.clock.install()
        with served(published.app) as server:
            phone.goto(f"http://localhost:{server.server_port}{path}")
            expect(phone.locator("#ahead bdi")).to_have_text("0")
            expect(phone.locator("#others")).to_be_visible()
            assert Axe().run(phone).violations_count == 0
            assert phone.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [320, 320]
            with published.staff.transaction() as db:
                ranked = places.first_in_turn(db, published.site, Stage.COUNTER, at=published.at, first=1)
                call_next(
                    db, published.site, Stage.COUNTER, ranked, desk="Guichet 2", by="sophie", at=published.at,
                    chance=published.chance, key="a" * 32,
                )  # fmt: skip
            phone.clock.run_for(10_000)
            expect(phone.locator("#desk")).to_have_text("Guichet 2")
            expect(phone.locator("#words")).to_contain_text(called)
            for gone in ("#ahead", "#range", "#others", "#offline"):
                expect(phone.locator(gone)).to_be_hidden()
            assert Axe().run(phone).violations_count == 0
            assert phone.evaluate("[document.documentElement.scrollWidth, innerWidth]") == [320, 320]
        phone.clock.run_for(10_000)
        expect(phone.locator("#offline")).to_be_visible()
        expect(phone.locator("#desk")).to_have_text("Guichet 2")
        assert phone.evaluate("window.violations") == []
