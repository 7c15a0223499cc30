"""The pictures of the README, taken from the running product: `python -m tests.journeys.pictures`."""

import io
import sqlite3
import sys
import tomllib
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from kiosk.register import clock
from results.upkeep.rehearse import Place, temporary_laboratory
from tests.journeys.conftest import FLAGS, Cast, Desk, Story, await_printers
from tests.journeys.test_arrival import answers, tap
from tests.journeys.test_day import (
    papers,
    printed,
    test_a_convocation_under_the_scanner_gives_a_number,
    test_the_counter_receives_by_keys_alone,
    test_the_slip_is_given_after_a_document_and_a_pin_and_shows_on_no_screen,
)

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
PAPER = "#F1ECE3"
#: No picture is heavier, in bytes.
HEAVIEST = 150_000


def make_it_morning(place: Place) -> None:
    """Move the made-up site to where it is about nine o'clock of the same day: a laboratory is a morning place."""
    now = clock.now()
    morning = now.astimezone(ZoneInfo("Europe/Paris")).replace(hour=9, minute=now.minute, tzinfo=None)
    hours = max(-12, min(14, round((morning - now.replace(tzinfo=None)) / timedelta(hours=1))))
    with closing(sqlite3.connect(place.instance / "register.sqlite")) as register, register:
        register.execute("UPDATE site SET timezone = ?", (f"Etc/GMT{-hours:+d}" if hours else "UTC",))


def shot(page: Page) -> Image.Image:
    """A screen as it stands."""
    page.evaluate("document.fonts.ready")
    return Image.open(io.BytesIO(page.screenshot())).convert("RGB")


def save(name: str, image: Image.Image) -> None:
    """Keep a picture, light enough for a page that people open."""
    PICTURES.mkdir(parents=True, exist_ok=True)
    file = PICTURES / f"{name}.png"
    image.quantize(96, dither=Image.Dither.NONE).save(file, optimize=True)
    assert file.stat().st_size < HEAVIEST, (name, file.stat().st_size)
    print(file, image.size, file.stat().st_size)


def mount(*sheets: Image.Image, border: int = 48) -> Image.Image:
    """Lay sheets side by side on warm paper, each with a thin edge."""
    high = max(sheet.height for sheet in sheets)
    ground = Image.new("RGB", (sum(s.width + border for s in sheets) + border, high + 2 * border), PAPER)
    x = border
    for sheet in sheets:
        ground.paste("#D9D2C6", (x - 2, border - 2, x + sheet.width + 2, border + sheet.height + 2))
        ground.paste(sheet, (x, border))
        x += sheet.width + border
    return ground


def take_slip(desk: Desk, cast: Cast) -> None:
    """A patient is received until the slip is out; its paper, as the printer's dots."""
    story, before = Story(), printed(desk)
    test_a_convocation_under_the_scanner_gives_a_number(desk, cast, story)
    test_the_counter_receives_by_keys_alone(desk, cast, story)
    test_the_slip_is_given_after_a_document_and_a_pin_and_shows_on_no_screen(desk, cast, story)
    paper = Image.open(papers(desk, "slips-*.png", 1, before)[0]).convert("RGB")
    save("slip", mount(paper.resize((paper.width * 2, paper.height * 2), Image.Resampling.NEAREST)))


def take_kiosk(desk: Desk, cast: Cast) -> None:
    """The first page of the touchscreen and its last, and a few people more in line."""
    with desk.screen("kiosk") as page:
        page.goto("/")
        first = shot(page)
        for place in (1, 3):
            page.goto("/code")
            for sign in (*cast.convocation(place)["code"], "Continuer"):
                tap(page, sign)
            page.locator(".tag").wait_for()
        page.goto("/come/walk_in")
        tap(page, "Prendre mon numéro")
        answers(page)
        page.get_by_text("Prenez votre ticket.").wait_for()
        last = shot(page)
    half = (540, 960)
    save("kiosk", mount(*(one.resize(half, Image.Resampling.LANCZOS) for one in (first, last))))


def take_line(desk: Desk) -> None:
    """The counter with people in line, and the board after some calls."""
    with desk.seat("nadia", "Guichet 2") as page:
        page.goto("/file")
        while page.get_by_role("button", name="De retour").count():
            with page.expect_navigation():
                page.get_by_role("button", name="De retour").first.click()
        page.keyboard.press("F2")
        page.locator(".card.now").wait_for()
    with desk.seat("sophie", "Guichet 1") as page, desk.screen("board") as board:
        page.goto("/file")
        page.keyboard.press("F2")
        page.locator(".card.now").wait_for()
        page.goto("/file")
        page.locator("#pane table").first.wait_for()
        save("counter", shot(page))
        board.goto("/board")
        board.locator("#former li").first.wait_for()
        save("board", shot(board).resize((1280, 720), Image.Resampling.LANCZOS))


def main() -> None:
    """Found a laboratory, let a few people come, take the four pictures."""
    with temporary_laboratory() as place, sync_playwright() as playwright:
        await_printers(place)
        make_it_morning(place)
        cast = Cast(tomllib.loads((place.instance / "demonstration.toml").read_text(encoding="utf-8")))
        chromium = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        desk = Desk(place, chromium, cast)
        take_slip(desk, cast)
        take_kiosk(desk, cast)
        take_line(desk)
        chromium.close()
        sys.exit("\n".join(desk.faults) or 0)


if __name__ == "__main__":
    main()
