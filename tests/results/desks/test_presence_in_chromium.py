"""Away, back and one more proof in a real browser at 1366 × 768: few keys, nothing lost, nothing seen meanwhile."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, Route, expect

from kiosk.exams.catalogue import ReleaseClass
from kiosk.presence.duty import begin_duty
from kiosk.presence.pcs import pair, pc_of
from kiosk.signin import PAIRING
from results.vault.codes import with_check_digit
from tests.kiosk.door.test_screens_in_chromium import WATCH_POLICY
from tests.results.cast import PIN, Desks
from tests.results.telephone.test_phone import BODY, VALUE
from tests.serving import served
from tests.staffroom import PASSWORD

SOPHIE, NADIA = "739184", "405917"
LOOKS = ({"color_scheme": "light"}, {"color_scheme": "dark"}, {"contrast": "more"})


class Seat:
    """A paired PC of the counter and the hand on its keyboard, whose keys are counted; a key held is one."""

    def __init__(self, desks: Desks, page: Page) -> None:
        self.desks, self.page, self.keys = desks, page, 0

    def types(self, words: str) -> None:
        self.page.keyboard.type(words)
        self.keys += len(words)

    def presses(self, key: str) -> None:
        self.page.keyboard.press(key)
        self.keys += 1

    def signs_in(self, login: str) -> None:
        """Both proofs; the page goes on by itself."""
        self.page.goto("/entrer")
        if self.page.locator("summary").count():
            self.page.locator("summary").click()
        self.page.fill("#login", login)
        self.page.fill("#password", PASSWORD)
        self.page.fill("#digits", self.desks.room.digits())
        self.page.keyboard.press("Enter")
        self.page.wait_for_url(lambda url: "/entrer" not in url)
        self.desks.later(seconds=30)

    def stays(self, minutes: int) -> None:
        """Work for a while without any new proof."""
        for _ in range(minutes // 4 + 1):
            self.page.goto("/file")
            self.desks.later(minutes=4)


@pytest.fixture
def desks(desks: Desks) -> Desks:
    desks.room.give_pin("sophie", SOPHIE)
    desks.room.give_pin("nadia", NADIA)
    return desks


@pytest.fixture
def address(desks: Desks) -> Iterator[str]:
    with served(desks.app) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": 1366, "height": 768}, locale="fr-FR", reduced_motion="reduce", base_url=address
    )
    context.add_init_script(WATCH_POLICY)
    opened = context.new_page()
    yield opened
    assert opened.evaluate("window.violations") == []
    context.close()


@pytest.fixture
def seat(desks: Desks, page: Page) -> Seat:
    """Paired this morning; Nadia, then Sophie have given both proofs here."""
    room, seat = desks.room, Seat(desks, page)
    with room.database.transaction("results") as db:
        token = pair(
            db, name="accueil, écran de gauche", desk="Guichet 1", desks=("Guichet 1",), before=None,
            by=room.people["roux"].id, power=room.power, at=room.at, chance=desks.chance,
        )  # fmt: skip
        pc, until = pc_of(db, token, room.power), room.at + timedelta(hours=12)
        assert pc is not None
        begin_duty(
            db, room.people["nadia"].id, pc.id, until=until, power=room.power, at=room.at, chance=desks.chance
        )  # fmt: skip
    page.context.add_cookies([{
        "name": PAIRING, "value": token, "domain": "localhost", "path": "/", "secure": True, "httpOnly": True,
        "sameSite": "Strict",
    }])  # fmt: skip
    seat.signs_in("sophie")
    return seat


def is_readable(page: Page, *looks: dict[str, str]) -> None:
    for look in looks or LOOKS[:1]:
        page.emulate_media(**look)  # type: ignore[arg-type]
        rules = None if look == LOOKS[0] else {"runOnly": ["color-contrast"]}
        found = Axe().run(page, options=rules)
        assert found.violations_count == 0, found.generate_report()
        page.emulate_media(color_scheme="light", contrast="no-preference")
    assert page.evaluate("document.documentElement.scrollWidth") <= 1366


def test_a_result_is_told_in_forty_five_keys_with_the_desk_pin_before_it(desks: Desks, seat: Seat) -> None:
    slip = desks.ready(ReleaseClass.C2, BODY)
    desks.later(minutes=62)
    seat.signs_in("sophie")
    seat.stays(10)
    page, seat.keys = seat.page, 0
    seat.presses("F8")
    expect(page.locator("#desk_pin")).to_be_focused()
    is_readable(page)
    seat.types(SOPHIE)
    expect(page.locator("#handle_digits")).to_be_focused()
    seat.types(with_check_digit(slip.handle))
    expect(page.locator("#code")).to_be_focused()
    line = int(page.get_by_role("heading", level=1).inner_text().split()[-1])
    seat.types(slip.codes[line - 1])
    expect(page.locator("#pin")).to_be_focused()
    seat.types(PIN)
    seat.types("28021954")
    seat.presses("Enter")
    expect(page.get_by_text(VALUE)).to_be_visible()
    # Locked in the middle of it: whoever comes back finds no result.
    page.keyboard.press("Alt+L")
    expect(page.locator("#again #desk_pin")).to_be_focused()
    assert VALUE not in page.content()
    page.keyboard.type(SOPHIE)
    expect(page.locator("#again")).not_to_be_visible()
    assert VALUE not in page.content()
    seat.presses("Alt+T")
    page.wait_for_url("**/telephone/fin")
    seat.presses("Enter")
    expect(page.locator("#handle_digits")).to_be_focused()
    assert seat.keys <= 45


def test_the_habit_of_pressing_tab_does_not_go_one_field_too_far(desks: Desks, seat: Seat) -> None:
    slip = desks.ready(ReleaseClass.C2, BODY)
    desks.later(minutes=62)
    seat.signs_in("sophie")
    page = seat.page
    page.keyboard.press("F8")
    expect(page.locator("#handle_digits")).to_be_focused()
    page.keyboard.type(with_check_digit(slip.handle))
    expect(page.locator("#code")).to_be_focused()
    page.keyboard.type(slip.codes[0])
    page.keyboard.press("Tab")
    expect(page.locator("#pin")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.locator("#birth_digits")).to_be_focused()


def test_another_person_takes_the_place_in_eight_keys_and_the_page_stays_as_it_was(seat: Seat) -> None:
    page, seat.keys = seat.page, 0
    page.goto("/telephone")
    page.keyboard.type("123")
    seat.presses("Alt+L")
    expect(page.locator("#again #desk_pin")).to_be_focused()
    expect(page.locator("#handle_digits")).not_to_be_visible()
    is_readable(page, *LOOKS)
    seat.types("n")
    expect(page.get_by_role("radio", name="Nadia Benali")).to_be_checked()
    seat.types(NADIA)
    expect(page.locator("#again")).not_to_be_visible()
    assert seat.keys == 8
    expect(page.locator(".bar .who")).to_contain_text("Nadia Benali")
    expect(page.locator("#handle_digits")).to_be_focused()
    expect(page.locator("#handle_digits")).to_have_value("123")
    # The page goes on under the new name, with a token of its own.
    page.keyboard.type("4567")
    page.keyboard.press("Alt+L")
    expect(page.locator("#again #desk_pin")).to_be_focused()
    expect(page.get_by_role("radio", name="Nadia Benali")).to_be_checked()
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="Sophie Martin")).to_be_checked()


def test_five_minutes_without_a_hand_lock_and_a_veil_is_lifted_by_a_proof_alone(desks: Desks, seat: Seat) -> None:
    page = seat.page
    page.clock.install()
    page.goto("/telephone")
    page.keyboard.type("123")
    page.clock.run_for(4 * 60_000)
    page.keyboard.press("Shift")
    page.clock.run_for(4 * 60_000)
    expect(page.locator("#again")).not_to_be_visible()
    page.clock.run_for(61_000)
    expect(page.locator("#again #desk_pin")).to_be_focused()
    for _ in range(3):
        page.keyboard.press("Escape")
    expect(page.locator("#again")).to_be_visible()
    page.keyboard.type("111222")
    expect(page.locator("#again .problem")).to_be_visible()
    expect(page.locator("#handle_digits")).not_to_be_visible()
    page.route("**/revenir", broken)
    page.keyboard.type(SOPHIE)
    page.wait_for_timeout(300)
    expect(page.locator("#handle_digits")).not_to_be_visible()
    page.unroute("**/revenir")
    page.locator("#again #desk_pin").fill("")
    page.keyboard.type(SOPHIE)
    expect(page.locator("#handle_digits")).to_be_focused()
    expect(page.locator("#handle_digits")).to_have_value("123")


@pytest.mark.parametrize("lost", ["the sign-in", "the whole cookie"])
def test_a_form_that_meets_a_lock_is_sent_after_it_as_it_was(desks: Desks, seat: Seat, lost: str) -> None:
    page = seat.page
    page.goto("/telephone")
    if lost == "the sign-in":
        desks.later(minutes=6)
    else:
        page.context.clear_cookies(name="__Host-etiquette-staff")
    page.keyboard.type(with_check_digit("123456"))
    expect(page.locator("#again #desk_pin")).to_be_focused()
    page.keyboard.press("s")
    page.keyboard.type(SOPHIE)
    expect(page.get_by_text("Je dis cette phrase à tout le monde")).to_be_visible()


def broken(route: Route) -> None:
    """What a server that breaks may answer with."""
    route.fulfill(status=500, content_type="text/html", body="<p>incident</p>")


def test_the_screens_of_accounts_and_pcs_are_readable_and_work_by_keys(desks: Desks, seat: Seat, page: Page) -> None:
    page.goto("/mon-acces")
    is_readable(page)
    seat.signs_in("alex")
    page.goto("/comptes")
    page.keyboard.type(desks.room.digits())
    expect(page.get_by_role("heading", name="Comptes")).to_be_visible()
    page.get_by_text("Modifier Karim Haddad").press("Enter")
    is_readable(page)
    page.get_by_label("Nom, comme les collègues le lisent").fill("Léa Petit")
    page.keyboard.press("Tab")
    page.keyboard.type("lea")
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    page.keyboard.press("Alt+S")
    expect(page.get_by_role("heading", name="Un code pour Léa Petit")).to_be_visible()
    is_readable(page)
    page.keyboard.press("Alt+S")
    page.wait_for_url("**/comptes")
    page.get_by_text("Modifier Karim Haddad").press("Enter")
    page.get_by_role("button", name="Téléphone ou mot de passe perdu").press("Enter")
    expect(page.get_by_text("preuves : à confirmer")).to_be_visible()
    page.goto("/postes")
    is_readable(page)
    desks.later(seconds=30)
    seat.signs_in("lenoir")
    page.goto("/a-confirmer")
    expect(page.get_by_text("Karim Haddad")).to_be_visible()
    expect(page.get_by_text("Léa Petit")).to_be_visible()
    is_readable(page)


def test_without_any_script_a_code_typed_in_pairs_is_told(desks: Desks, browser: Browser, address: str) -> None:
    slip = desks.ready(ReleaseClass.C2, BODY)
    desks.later(hours=2)
    context = browser.new_context(locale="fr-FR", base_url=address, java_script_enabled=False)
    page = context.new_page()
    page.goto("/entrer")
    page.fill("#login", "sophie")
    page.fill("#password", PASSWORD)
    page.fill("#digits", desks.room.digits())
    page.select_option("#desk", "Guichet 1")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/entrer" not in url)
    page.goto("/telephone")
    page.locator("#handle_digits").press_sequentially(" ".join(with_check_digit(slip.handle)))
    page.keyboard.press("Enter")
    page.wait_for_url("**/telephone/appel")
    code = slip.codes[0]
    pairs = ". ".join(code[start : start + 2] for start in range(0, 16, 2))
    page.locator("#code").press_sequentially(pairs)
    expect(page.locator("#code")).to_have_value(pairs)
    page.locator("#pin").press_sequentially(PIN)
    page.locator("#birth_digits").press_sequentially("28/02/1954")
    page.keyboard.press("Enter")
    expect(page.locator("body")).to_contain_text(VALUE)
    context.close()
