"""A biologist leaves, with the keyboard alone: proposed by one, signed by another, out on every screen at once."""

import pytest
from playwright.sync_api import Browser, expect

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.staff import Role
from tests.results.office.test_leaving import AUBRY, House, two_biologists
from tests.results.seated import is_readable, presses, reach, seated
from tests.results.signing_room import SigningRoom


@pytest.fixture
def house(room: SigningRoom) -> House:
    return two_biologists(room)


def test_a_biologist_leaves_with_the_keyboard_alone(browser: Browser, house: House, address: str) -> None:
    signing = house.signing
    dossier_id = signing.desks.dossier(ReleaseClass.C2)
    with seated(browser, signing, address, "lenoir") as lenoir:
        lenoir.goto(address + "/signature")
        with seated(browser, signing, address, "alex") as alex:
            alex.goto(address + "/comptes")
            alex.fill("#digits", signing.desks.room.digits())
            alex.keyboard.press("Enter")
            row = alex.locator("tr", has_text="Dr Claire Lenoir")
            presses(alex, row.locator("summary"))
            is_readable(alex, "leaving_accounts")
            reach(alex, row.get_by_label("Rôle à retirer"))
            presses(alex, row.get_by_role("button", name="Proposer de retirer ce rôle"))
            expect(row).to_contain_text("retrait à signer")
            is_readable(alex, "leaving_asked")
        assert house.roles("lenoir") == {Role.BIOLOGIST}
        with seated(browser, signing, address, "aubry") as aubry:
            aubry.goto(address + "/signature/cles")
            reach(aubry, aubry.locator("#passphrase"))
            aubry.keyboard.type(AUBRY)
            reach(aubry, aubry.locator("#digits"))
            aubry.keyboard.type(signing.desks.room.digits())
            aubry.keyboard.press("Enter")
            aubry.wait_for_url(lambda url: "/cles" not in url)
            aubry.goto(address + "/a-confirmer")
            is_readable(aubry, "leaving_to_sign")
            # Signed too early, it says what is missing.
            presses(aubry, aubry.get_by_role("button", name="Signer le retrait"))
            expect(aubry.locator("[role=alert]").first).to_contain_text("Cochez")
            is_readable(aubry, "leaving_problem")
            presses(aubry, aubry.locator("input[name=sure]"), "Space")
            presses(aubry, aubry.get_by_role("button", name="Signer le retrait"))
            expect(aubry.locator("#toasts, .notice").filter(has_text="Séquestre n° 2").first).to_be_visible()
            is_readable(aubry, "leaving_signed")
        assert house.roles("lenoir") == frozenset()
        # Her open page: the next thing that she does ends at the door.
        lenoir.reload()
        expect(lenoir.locator("#login, #again-form, h1").first).to_be_visible()
        is_readable(lenoir, "leaving_out")
        assert "Signature" not in lenoir.title()
    assert house.opens(dossier_id, house.keys_of("aubry", AUBRY))
    assert not house.opens(dossier_id, signing.desks.lenoir)
