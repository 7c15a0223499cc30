"""What is read to a caller, in a real browser: shown once, gone with its page, counted once however Enter is hit."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select

from kiosk.exams.catalogue import ReleaseClass
from results.desks import trying
from results.vault.codes import with_check_digit
from results.vault.counters import Attempt, AttemptState
from tests.results.cast import PIN
from tests.results.seated import seated
from tests.results.signing_room import open_signing_room
from tests.results.telephone.test_phone import BODY, VALUE
from tests.serving import served

Chance = Callable[[int], bytes]


def test_enter_twice_is_one_attempt_and_the_result_leaves_with_its_page(
    browser: Browser, tmp_path: Path, at: datetime, chance: Chance, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_signing_room(tmp_path, monkeypatch, at=at, chance=chance) as room:
        monkeypatch.setattr(trying, "PACE_S", 0.5)  # long enough to press Enter twice
        slip = room.desks.ready(ReleaseClass.C0, BODY)
        room.hour_comes()
        with (
            served(room.desks.app) as server,
            seated(browser, room, f"http://127.0.0.1:{server.port}", "sophie") as page,
        ):
            page.keyboard.press("F8")
            page.wait_for_url("**/telephone")
            page.keyboard.type(with_check_digit(slip.handle))
            page.wait_for_url("**/appel")
            page.keyboard.type(slip.codes[0] + PIN + "28021954")
            page.keyboard.press("Enter")
            page.keyboard.press("Enter")
            expect(page.get_by_text(VALUE)).to_be_visible()
            # A browser may keep a page that is left, as it stands, for its back key.
            page.evaluate("window.dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
            assert VALUE not in page.content()
            page.keyboard.press("Alt+t")
            page.wait_for_url("**/fin")
            for turn in (page.go_back, page.go_forward, page.reload):
                turn()
                expect(page.get_by_role("heading", level=1)).to_be_visible()
                assert VALUE not in page.content()
        with room.desks.database.reading() as db:
            assert [one.state for one in db.scalars(select(Attempt))] == [AttemptState.RELEASED]
