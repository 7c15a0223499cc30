"""The morning's note before a real scanner's keys: what agrees, what stops the house, and a biologist's way out."""

from playwright.sync_api import Browser, Page, expect

from kiosk.exams.catalogue import ReleaseClass
from tests.results.handing.test_asking import asks
from tests.results.seated import is_readable, seated
from tests.results.signing_room import SigningRoom
from tests.results.stopping.test_stops import WHY, forged, notes, stopped
from tests.scanner import wedge


def scans(page: Page, note: str) -> None:
    """The scanner types the note and Enter, wherever the focus is."""
    with page.expect_navigation():
        wedge(page, note)


def test_the_note_is_scanned_one_that_differs_stops_the_house_and_a_biologist_lets_it_go_on(
    browser: Browser, room: SigningRoom, address: str
) -> None:
    taken = notes(room)
    with seated(browser, room, address, "sophie") as page:
        page.goto(address + "/note-du-matin")
        is_readable(page, "morning")
        wedge(page, "ETQ1ABCDEFGH")
        expect(page.locator("[data-foreign]")).to_be_visible()
        for side, french in (("register", "registre"), ("results", "résultats")):
            scans(page, taken[side])
            expect(page.locator(".notice.ok")).to_contain_text(f"Journal ({french}) : conforme à la note.")
        assert not stopped(room)
        scans(page, forged(room))
        expect(page.locator(".notice.danger").first).to_contain_text("Les remises sont arrêtées")
        assert stopped(room)
        is_readable(page, "stopped")
        page.goto(address + "/telephone")
        expect(page.locator(".notice.danger")).to_contain_text("Rien ne part, par aucune voie")
        is_readable(page, "stopped_phone")
    with seated(browser, room, address, "lenoir") as page:
        page.goto(address + "/note-du-matin")
        page.fill("#reason", WHY)
        is_readable(page, "to_clear")
        page.keyboard.press("Alt+R")
        # The proof is given above the page; what was typed is sent again under it.
        page.fill("#again #digits", room.desks.room.digits())
        expect(page.locator(".notice.warn")).to_contain_text("Les remises reprennent")
        expect(page.locator("td", has_text=WHY)).to_be_visible()
        is_readable(page, "cleared")
    assert not stopped(room)


def test_a_request_of_the_counter_comes_to_her_open_page_and_takes_nothing_from_it(
    browser: Browser, room: SigningRoom, address: str
) -> None:
    first, second = room.signed(ReleaseClass.C2), room.signed(ReleaseClass.C2)
    with seated(browser, room, address, "lenoir") as page:
        page.goto(address + "/remise/demandes")
        expect(page.locator(".empty")).to_be_visible()
        room.station.runs(room.desks.at, room.desks.chance)
        asks(room, first)
        expect(page.locator("section.card.now")).to_have_count(1)
        page.select_option("select[name=reason]", "none")
        room.desks.later(seconds=30)
        room.station.runs(room.desks.at, room.desks.chance)
        asks(room, second)
        expect(page.locator("section.card.now")).to_have_count(2)
        assert page.locator("select[name=reason]").first.input_value() == "none"
        is_readable(page, "requests")
