"""From the line to the last tube in a real browser at 1366 × 768: keys alone, readable, no policy broken."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from kiosk.register.events import ask_for_help, open_help_calls
from kiosk.register.visits import Purpose, State, Visit
from kiosk.waiting import WhatWasSaid
from printers.moves import Verb
from tests.kiosk.counter.conftest import Counter
from tests.kiosk.door.test_screens_in_chromium import WATCH_POLICY
from tests.serving import served
from tests.staffroom import PASSWORD


@pytest.fixture
def address(counter: Counter) -> Iterator[str]:
    with served(counter.room.app) as server:
        yield f"http://localhost:{server.server_port}"


@contextmanager
def seated(browser: Browser, counter: Counter, address: str, login: str, desk: str) -> Iterator[Page]:
    """A browser of the laboratory whose person has signed in."""
    context = browser.new_context(viewport={"width": 1366, "height": 768}, locale="fr-FR", reduced_motion="reduce")
    context.add_init_script(WATCH_POLICY)
    page = context.new_page()
    page.goto(address + "/entrer")
    page.fill("#login", login)
    page.fill("#password", PASSWORD)
    page.fill("#digits", counter.room.digits())
    page.select_option("#desk", desk)
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/entrer" not in url)
    counter.room.later(seconds=30)
    yield page
    context.close()


def is_readable(page: Page) -> None:
    """No violation of the policy or of axe, and nothing that must be scrolled sideways."""
    found = Axe().run(page)
    assert found.violations_count == 0, found.generate_report()
    assert page.evaluate("window.violations") == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 1366


def scans(page: Page, number: str) -> None:
    """The scanner types twelve digits and Enter."""
    with page.expect_navigation():
        page.keyboard.type(number)
        page.keyboard.press("Enter")


def recognises(page: Page, number: int) -> None:
    """Call, open the visit, find nobody, open a file."""
    # The page finds by itself that an arrival is expected, and puts it first.
    expect(page.locator("[data-row]").first).to_contain_text("rendez-vous de 8 h 31")
    is_readable(page)
    page.keyboard.press("F2")
    expect(page.locator(".card.now .tag.big")).to_contain_text(str(number))
    is_readable(page)
    page.keyboard.press("Enter")
    page.wait_for_url("**/passage/*")
    page.keyboard.type("mor")
    expect(page.locator("#found")).to_contain_text("Aucun dossier")
    is_readable(page)
    page.keyboard.press("Alt+n")
    page.wait_for_url("**/nouveau")
    expect(page.locator("#birth_date")).to_have_value("03/02/1954")
    page.locator("#document").focus()
    page.keyboard.type("Carte")
    is_readable(page)
    page.keyboard.press("Alt+s")
    page.wait_for_url(lambda url: "nouveau" not in url)
    is_readable(page)


def prescribes(page: Page) -> None:
    """Type two exams and save."""
    page.keyboard.press("Enter")
    page.wait_for_url("**/ordonnance")
    for words, name in (("nfs", "Hémogramme"), ("inr", "INR")):
        page.keyboard.type(words)
        expect(page.locator("#suggestions")).to_contain_text(name)
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(page.locator("#entry tbody")).to_contain_text(name)
        expect(page.locator("#typed")).to_be_focused()
    is_readable(page)
    page.keyboard.press("Alt+s")
    expect(page.get_by_role("link", name="Continuer : Étiquettes")).to_be_focused()


def labels(page: Page, counter: Counter) -> list[str]:
    """Print, answer for the label of which nobody is sure, send the patient on; the sample numbers."""
    page.keyboard.press("Enter")
    page.wait_for_url("**/etiquettes")
    is_readable(page)
    page.keyboard.press("F6")
    expect(page.locator("#states")).to_contain_text("attend son tour")
    keys = [job.key for job in counter.spool.jobs() if job.kind != "ticket"]
    counter.spool.begin(keys[0], at=counter.room.at)
    counter.spool.move(keys[0], Verb.DOUBT, by="station", at=counter.room.at)
    expect(page.get_by_text("L'étiquette 1 sur 2 est-elle sortie et lisible ?")).to_be_visible()
    is_readable(page)
    page.keyboard.press("o")
    expect(page.locator("#states tbody tr").first).to_contain_text("sortie")
    counter.sends_to_the_draw(UUID(page.url.split("/")[4]))
    page.goto(page.url.split("/passage")[0] + "/file")
    return [key.split("/")[1] for key in keys]


def draws(page: Page, own: list[str], other: str) -> None:
    """Call, ask, scan; another patient's tube stops everything, and a scanner's Enter answers nothing."""
    is_readable(page)
    page.keyboard.press("F2")
    expect(page.get_by_text("Quels sont vos nom, prénom et date de naissance")).to_be_visible()
    is_readable(page)
    page.keyboard.press("Enter")
    expect(page.locator("#typed")).to_be_focused()
    is_readable(page)
    scans(page, own[0])
    expect(page.get_by_text("C'est bien son tube.")).to_be_visible()
    scans(page, other)
    expect(page.get_by_role("alertdialog")).to_contain_text("Ce tube est à un autre patient. Arrêtez.")
    is_readable(page)
    page.keyboard.press("Enter")
    expect(page.get_by_role("alertdialog")).to_be_visible()
    page.keyboard.press("Alt+a")
    expect(page.locator("#typed")).to_be_focused()
    scans(page, own[1])
    is_readable(page)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Personne n'attend le prélèvement.")).to_be_visible()


def test_a_patient_is_received_and_drawn_by_keys_alone(browser: Browser, counter: Counter, address: str) -> None:
    booked = counter.books("Moreau", "19540203", minutes=1)
    counter.arrives()
    moreau = counter.arrives(WhatWasSaid(kind="code", word=booked.code), Purpose.BOOKED)
    with seated(browser, counter, address, "sophie", "Guichet 1") as page:
        page.goto(address + "/file")
        recognises(page, moreau.number)
        prescribes(page)
        own = labels(page, counter)
    stranger = counter.sits("nadia", "Guichet 2").labels("1104", name="Durand")
    other = next(job.key for job in counter.spool.jobs() if job.batch == str(stranger.id)).split("/")[1]
    with seated(browser, counter, address, "karim", "Salle 1") as page:
        page.goto(address + "/prelevement")
        draws(page, own, other)
    assert counter.visit(moreau.id).state is State.LEFT


def test_a_key_in_the_line_acts_on_the_chosen_row_and_on_no_other(
    browser: Browser, counter: Counter, address: str
) -> None:
    first, second, third = (counter.arrives() for _ in range(3))
    with seated(browser, counter, address, "sophie", "Guichet 1") as page:
        page.goto(address + "/file")
        page.keyboard.press("a")  # nobody is chosen: nothing happens
        page.keyboard.press("Delete")
        expect(page.get_by_role("button", name="A besoin d'aide")).to_be_disabled()
        page.locator(f"#line-{second.number}").focus()
        is_readable(page)
        page.keyboard.press("a")
        expect(page.get_by_text(f"Le numéro {second.number} a besoin d'aide")).to_be_visible()
        page.locator(f"#line-{third.number}").focus()
        page.keyboard.press("u")
        page.wait_for_url("**/place")
        is_readable(page)
        page.get_by_label("passe en premier : personne fragile").check()
        page.keyboard.press("Alt+s")
        expect(page.locator("[data-row]").first).to_contain_text("urgence : personne fragile")
        page.locator(f"#line-{first.number}").focus()
        page.keyboard.press("p")
        expect(page.get_by_text(f"Le numéro {first.number} est mis de côté.")).to_be_visible()
        page.locator(f"#line-{second.number}").focus()
        page.keyboard.press("Delete")
        page.wait_for_url("**/fin")
        expect(page.get_by_text("Parti avant le prélèvement")).to_be_visible()
    assert [counter.visit(one.id).needs_help for one in (first, second, third)] == [False, True, False]
    assert counter.visit(first.id).state is State.PARKED
    assert counter.visit(second.id).state is State.ARRIVED


def test_an_open_line_changes_by_itself(browser: Browser, counter: Counter, address: str) -> None:
    with seated(browser, counter, address, "sophie", "Guichet 1") as page:
        page.goto(address + "/file")
        expect(page.get_by_text("Personne n'attend le guichet.")).to_be_visible()
        counter.arrives()
        expect(page.locator("[data-row]")).to_have_count(1, timeout=4500)  # sooner than it would ask by itself


def test_a_convocation_is_printed_by_keys_alone(browser: Browser, counter: Counter, address: str) -> None:
    counter.books("Wawrzyniakowski-Lefèbvre", "19540203")
    counter.books("Roux", "19800101", minutes=90)
    with seated(browser, counter, address, "sophie", "Guichet 1") as page:
        page.goto(f"{address}/rendez-vous")
        is_readable(page)
        page.get_by_label("Préparation de ROUX").focus()
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        expect(page.get_by_text("La convocation part")).to_be_visible()
        is_readable(page)
        page.keyboard.press("Alt+n")
        expect(page.get_by_text("Personne n'est attendu ce jour-là.")).to_be_visible()
    assert [job.kind for job in counter.spool.jobs()] == ["convocation"]


def test_f10_gives_a_number_in_french_and_two_keys_in_another_language(
    browser: Browser, counter: Counter, address: str
) -> None:
    with seated(browser, counter, address, "sophie", "Guichet 1") as page:
        page.goto(address + "/file")
        page.keyboard.press("F10")
        expect(page.get_by_text("Numéro 1 donné.")).to_be_visible()
        page.keyboard.press("Alt+n")
        expect(page.get_by_role("heading", name="Un numéro, le ticket dans sa langue")).to_be_visible()
        is_readable(page)
        page.keyboard.press("a")
        expect(page.get_by_text("Numéro 2 donné.")).to_be_visible()
    with counter.room.database.reading() as db:
        assert list(db.scalars(select(Visit.language).order_by(Visit.number))) == ["fr", "ar"]


def test_on_any_page_f10_gives_numbers_and_f9_answers_a_kiosk_and_the_page_stays(
    browser: Browser, counter: Counter, address: str
) -> None:
    visit = counter.arrives()
    with seated(browser, counter, address, "sophie", "Guichet 1") as page:
        page.goto(f"{address}/passage/{visit.id}")
        page.fill("#typed", "mor")
        with counter.writing() as db:
            ask_for_help(db, counter.site_id, kiosk="Borne 1", page="name", key="c" * 32, at=counter.room.at)
        expect(page.get_by_text("Borne 1 : quelqu'un demande de l'aide")).to_be_visible()
        is_readable(page)
        for number in (2, 3):
            page.keyboard.press("F10")
            expect(page.get_by_text(f"Numéro {number} donné.")).to_be_visible()
        page.keyboard.press("F9")
        expect(page.locator("#calls form")).to_have_count(0)
        expect(page.locator("#typed")).to_have_value("mor")
        expect(page.locator("#typed")).to_be_focused()
        is_readable(page)
    assert [job.kind for job in counter.spool.jobs()] == ["ticket", "ticket"]
    with counter.room.database.reading() as db:
        assert open_help_calls(db, counter.site_id, at=counter.room.at) == []


def test_a_key_in_the_very_instant_in_which_a_part_is_new_keeps_the_page(
    browser: Browser, counter: Counter, address: str
) -> None:
    visit = counter.arrives()
    with seated(browser, counter, address, "sophie", "Guichet 1") as page:
        page.goto(f"{address}/passage/{visit.id}")
        page.fill("#typed", "mor")
        expect(page.locator("#give")).to_be_visible()
        # As soon as the answer has put a new form in the place of the old one, it is sent again.
        page.evaluate(
            """() => new MutationObserver((_, watch) => {
              const form = document.querySelector("#give:not([data-old])");
              if (form) { watch.disconnect(); form.querySelector("button").click(); }
            }).observe(document.body, { childList: true, subtree: true })"""
        )
        page.evaluate("document.querySelector('#give').dataset.old = 'yes'")
        page.keyboard.press("F10")
        expect(page.get_by_text("Numéro 3 donné.")).to_be_visible()
        expect(page.locator("#typed")).to_have_value("mor")
