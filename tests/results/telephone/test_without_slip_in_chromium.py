"""The number at the counter, the wish without slip and the call back: by the keyboard alone, in every light."""

from playwright.sync_api import Browser, Page, expect

from kiosk.exams.catalogue import ReleaseClass
from tests.results.seated import is_readable, presses, reach, seated
from tests.results.signing_room import SigningRoom, result

VALUE = "2,37"


def test_a_patient_without_slip_is_noted_and_rung(browser: Browser, room: SigningRoom, address: str) -> None:
    dossier_id = room.desks.dossier(ReleaseClass.C1)
    visit_id = room.visit_of(dossier_id)
    with seated(browser, room, address, "sophie") as page:
        page.goto(f"{address}/passage/{visit_id}/resultats")
        reach(page, page.locator("#number"))
        page.keyboard.type("06 12 34")
        page.select_option("#document", "passport")
        is_readable(page, "number_asked")
        page.keyboard.press("Alt+E")
        expect(page.locator("#number-problem")).to_contain_text("dix chiffres")
        expect(page.locator("#number")).to_have_value("06 12 34")
        is_readable(page, "number_problem")
        page.fill("#number", "06 12 34 56 78")
        page.keyboard.press("Alt+E")
        expect(page.locator("#number")).to_have_count(0)  # on to the personal code
        room.desks.slip(dossier_id)
        room.desks.report(dossier_id, ReleaseClass.C1, body=result("1608", VALUE))
    room.hour_comes()
    with seated(browser, room, address, "sophie") as page:
        page.goto(address + "/telephone")
        notes(page)
        room.desks.later(minutes=2)
        page.keyboard.press("Alt+T")
        expect(page.locator("nav").get_by_text("quelqu'un est à rappeler")).to_be_visible()
        is_readable(page, "phone_with_a_call_to_make")
        page.keyboard.press("Alt+R")
        rings(page)


def notes(page: Page) -> None:
    """Sophie types who is on the line, and hears the date wrongly once."""
    expect(page.locator("#handle_digits")).to_be_focused()
    page.keyboard.press("Alt+S")
    expect(page.locator("#family_name")).to_be_focused()
    page.keyboard.type("Moreau")
    page.keyboard.press("Tab")
    page.keyboard.type("Jeanne")
    page.keyboard.press("Enter")
    expect(page.locator("#birth_digits")).to_be_focused()  # nothing goes before it is whole
    page.keyboard.type("31021954")
    is_readable(page, "without_slip")
    page.keyboard.press("Enter")
    expect(page.locator("#birth_digits-problem")).to_be_visible()
    is_readable(page, "without_slip_problem")
    page.fill("#birth_digits", "28021954")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Noté", exact=True)).to_be_visible()
    is_readable(page, "noted")


def rings(page: Page) -> None:
    """She rings from the list; the result is read, repeated, and gone."""
    expect(page.get_by_role("heading", name="Rappels à faire")).to_be_visible()
    is_readable(page, "to_ring")
    page.keyboard.press("Alt+R")
    expect(page.get_by_text("06 12 34 56 78")).to_be_visible()
    expect(page.locator("#birth_digits")).to_be_focused()
    is_readable(page, "ring")
    page.keyboard.type("27021954")
    page.keyboard.press("Enter")
    expect(page.locator("#birth_digits-problem")).to_contain_text("Ce n'est pas la date du dossier")
    is_readable(page, "ring_other_date")
    page.fill("#birth_digits", "28021954")
    page.keyboard.press("Enter")
    expect(page.get_by_text(VALUE)).to_be_visible()
    is_readable(page, "rung_told")
    page.keyboard.press("Alt+R")
    expect(page.locator("#heard_secret")).to_be_focused()
    assert VALUE not in page.content()
    page.keyboard.type("2.37")
    page.keyboard.press("Enter")
    presses(page, page.get_by_role("button", name="Résultat lu et répété"))
    expect(page.locator("#handle_digits")).to_be_focused()
    page.go_back()
    page.go_back()
    page.wait_for_load_state()
    assert VALUE not in page.content()
