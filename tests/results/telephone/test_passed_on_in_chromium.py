"""The biologist rings a caller back with the keyboard alone, in a real browser at 1366 × 768."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.results.seated import is_readable, reach, seated
from tests.results.signing_room import PASSPHRASE, open_signing_room
from tests.results.telephone.test_passed_on import NUMBER, VALUE, Passed
from tests.serving import served

Chance = Callable[[int], bytes]


def test_a_caller_is_rung_back_and_told_with_the_keyboard_alone(
    browser: Browser, tmp_path: Path, at: datetime, chance: Chance, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_signing_room(tmp_path, monkeypatch, at=at, chance=chance) as room:
        passed = Passed(room)
        passed.notes()
        with (
            served(room.desks.app) as server,
            seated(browser, room, f"http://127.0.0.1:{server.port}", "lenoir") as page,
        ):
            page.keyboard.press("F8")
            page.wait_for_url("**/telephone")
            is_readable(page, "phone_with_a_call")
            page.keyboard.press("Alt+b")
            page.wait_for_url("**/telephone/biologiste")
            is_readable(page, "calls_for_her")
            page.keyboard.press("Alt+b")
            expect(page.get_by_text(NUMBER)).to_be_visible()
            is_readable(page, "ring_back")
            page.keyboard.press("Control+Enter")
            room.desks.later(seconds=30)
            expect(page.locator("#passphrase")).to_be_focused()
            is_readable(page, "keys_over_a_call")
            page.keyboard.type(PASSPHRASE)
            reach(page, page.locator("#digits"))
            page.keyboard.type(room.desks.room.digits())
            page.keyboard.press("Enter")  # the keys open, and the words to read come by themselves
            expect(page.get_by_text(VALUE)).to_be_visible()
            is_readable(page, "told_by_her")
            page.keyboard.press("Alt+t")
            page.wait_for_url("**/telephone/fin")
            page.keyboard.press("Alt+1")
            page.wait_for_url("**/telephone")
            expect(page.get_by_text("Appels pour vous")).to_have_count(0)
    assert len(passed.acts()) == 1
