"""Two screens live together: what one does the other shows, and nothing is lost when a programme or a session ends."""

import os
import re
import signal
from pathlib import Path

from playwright.sync_api import Error, Page, expect

from tests.journeys.conftest import Desk, is_readable, keep, look_at, sign_in


def test_the_board_shows_a_call_by_itself_and_comes_back_after_its_programme_was_killed(desk: Desk) -> None:
    with desk.screen("kiosk") as page:
        for _ in range(2):
            page.goto("/come/walk_in")
            page.get_by_role("button", name="Prendre mon numéro").tap()
            expect(page.locator(".tag")).to_be_visible()
    # While the programme is away, the board's questions find nobody: that is what this test is about.
    with (
        desk.screen("board", allows=("ERR_", "Failed to load resource")) as board,
        desk.seat("sophie", "Guichet 1") as counter,
    ):
        board.goto("/board")
        board.evaluate("window.stays = true")
        counter.goto("/file")
        called = call(counter)
        expect(board.locator("#number")).to_have_text(called)
        expect(board.locator("#desk")).to_have_text("Guichet 1")
        is_readable(board)
        keep(board, "board")
        counter.keyboard.press("F4")
        expect(counter.locator(".card.now")).to_have_count(0)
        dead = programme(desk, "kiosk.app:create_app()")
        assert dead  # never the group of the tests themselves
        os.killpg(dead, signal.SIGKILL)
        while programme(desk, "kiosk.app:create_app()") in {0, dead} or not answers(board):
            board.wait_for_timeout(200)
        called = call(counter)
        expect(board.locator("#number")).to_have_text(called)
        expect(board.locator("#former li")).not_to_have_count(0)
        expect(board.locator("#offline")).to_be_hidden()
        assert board.evaluate("window.stays")


def test_a_call_for_help_is_on_the_staff_screens_until_somebody_goes(desk: Desk) -> None:
    with desk.screen("kiosk") as kiosk, desk.seat("sophie", "Guichet 1") as counter:
        counter.goto("/file")
        kiosk.goto("/name")
        kiosk.get_by_role("button", name="Z", exact=True).tap()
        counter.wait_for_timeout(1500)
        kiosk.get_by_role("button", name="Appeler quelqu'un").tap()
        expect(counter.get_by_text("Borne 1 : quelqu'un demande de l'aide")).to_be_visible()
        expect(kiosk.get_by_role("heading", name="L'accueil est prévenu.")).to_be_visible()
        keep(kiosk, "kiosk-coming")
        look_at(counter, "line-help")
        assert "Z" not in counter.locator(".calls").inner_text()
        counter.keyboard.press("F9")
        expect(counter.locator(".calls form")).to_have_count(0)
        expect(kiosk.get_by_role("heading", name="Quelqu'un arrive")).to_be_visible()


def test_a_session_that_ends_in_mid_form_costs_nothing_that_was_typed(desk: Desk) -> None:
    with desk.seat("nadia", "Guichet 2", allows=("401", "400")) as page:
        page.goto("/file")
        page.keyboard.press("F10")
        expect(page.get_by_text(re.compile(r"Numéro \d+ donné"))).to_be_visible()
        call(page)
        page.keyboard.press("Alt+O")
        page.wait_for_url("**/passage/*")
        page.keyboard.press("Alt+N")
        page.wait_for_url("**/nouveau")
        for identifier, words in {
            "birth_name": "Interrompu", "given_names": "Léo", "birth_date": "05/05/1990", "birth_place": "75056",
        }.items():  # fmt: skip
            page.fill(f"#{identifier}", words)
        page.context.clear_cookies()
        page.keyboard.press("Alt+S")
        expect(page.get_by_text("Rien de ce que vous avez tapé n'est perdu")).to_be_visible()
        look_at(page, "session-ended")
        page.locator("#again #login").focus()
        sign_in(page, desk.cast, "nadia", "Guichet 2")
        expect(page.get_by_role("heading", name="INTERROMPU Léo")).to_be_visible()


def call(page: Page) -> str:
    """Call the next; the number that stands at this desk then."""
    page.keyboard.press("F2")
    tag = page.locator(".card.now .tag.big")
    expect(tag).to_be_visible()
    return str(tag.inner_text().split()[-1])


def programme(desk: Desk, name: str) -> int:
    """The process of one of this laboratory's programmes, that the supervisor watches."""
    port = desk.laboratory.public.rstrip("/").rsplit(":", 1)[-1]
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().decode().split("\0")
        except OSError:
            continue
        if name in words and f"127.0.0.1:{port}" in words:
            found.append(int(process.name))
    return min(found, default=0)


def answers(board: Page) -> bool:
    """Whether the board's programme can serve."""
    try:
        return board.request.get("/readyz").ok
    except Error:
        return False
