"""A slip is made again with the keyboard alone: the counter asks, a biologist agrees, the patient types, it prints."""

from playwright.sync_api import Browser, Page, expect

from kiosk.exams.catalogue import ReleaseClass
from tests.results.desks.test_reissuing import NEW_PIN, Counter, counter
from tests.results.seated import is_readable, presses, reach, seated
from tests.results.signing_room import PASSPHRASE, SigningRoom


def asks(page: Page, here: Counter, address: str) -> None:
    """Sophie fills in why, and which document she has seen."""
    page.goto(address + here.page("resultats"))
    presses(page, page.get_by_role("link", name="Refaire le talon"))
    first = page.locator("input[name=reason]").first
    expect(first).to_be_focused()
    # Sent too early, it says what is missing and keeps what was chosen.
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Alt+S")
    expect(page.locator("[role=alert]").first).to_contain_text("pièce")
    expect(page.locator("input[name=reason][value=damaged]")).to_be_checked()
    is_readable(page, "reissue_problem")
    presses(page, page.locator("input[name=document]").first, "Space")
    is_readable(page, "reissue_why")
    page.keyboard.press("Alt+S")
    expect(page.locator("#asked")).to_contain_text("Le biologiste est prévenu")
    is_readable(page, "reissue_waiting")


def agrees(page: Page, room: SigningRoom, address: str, words: str) -> None:
    """Dr Lenoir answers from her own screen, where her keys are still locked."""
    page.goto(address + "/remise/demandes")
    is_readable(page, "reissue_requests")
    presses(page, page.get_by_role("button", name=words))
    expect(page.locator("#passphrase")).to_be_focused()
    page.keyboard.type(PASSPHRASE)
    reach(page, page.locator("#digits"))
    page.keyboard.type(room.desks.room.digits())
    page.keyboard.press("Enter")  # and her answer goes by itself
    expect(page.locator(".empty")).to_be_visible()
    room.desks.later(seconds=30)


def test_a_slip_is_made_again_with_the_keyboard_alone(browser: Browser, room: SigningRoom, address: str) -> None:
    here = counter(room, ReleaseClass.C2, sealed=True)
    with seated(browser, room, address, "sophie") as sophie:
        asks(sophie, here, address)
        with seated(browser, room, address, "lenoir") as lenoir:
            agrees(lenoir, room, address, "D'accord, refaire le talon")
        expect(sophie.locator("#asked")).to_contain_text("La personne choisit un nouveau code")
        is_readable(sophie, "reissue_agreed")
        room.station.runs(room.desks.at, room.desks.chance)
        sophie.keyboard.press("Alt+S")
        reach(sophie, sophie.locator("#pin"))
        sophie.keyboard.type(NEW_PIN)
        is_readable(sophie, "reissue_pin")
        sophie.keyboard.press("Enter")
        expect(sophie.locator("#slip")).to_be_visible()
        code = here.printed_code()
        assert here.opens(code, NEW_PIN)
        assert NEW_PIN not in sophie.content()
        assert code[:4] not in sophie.content()
        is_readable(sophie, "reissue_printing")
        here.comes_out()
        expect(sophie.locator("#slip")).not_to_contain_text("imprime")
        is_readable(sophie, "reissue_done")


def test_a_biologist_who_declines_leaves_the_old_slip_as_it_was(
    browser: Browser, room: SigningRoom, address: str
) -> None:
    here = counter(room, ReleaseClass.C2, sealed=True)
    with seated(browser, room, address, "sophie") as sophie:
        asks(sophie, here, address)
        here.agrees("declined", unlocked=False)
        expect(sophie.locator("#asked")).to_contain_text("Pas de nouveau talon")
        is_readable(sophie, "reissue_declined")
        sophie.keyboard.press("Alt+S")
        sophie.wait_for_url(lambda url: f"/remise/{here.visit}" in url)
    assert here.slip().id == here.first.slip_id
