"""One patient's day, told in order: each test begins where the one before has ended, and no hand touches a mouse."""

import re
import subprocess
import sys
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, Response, expect

from printers.verify import read_symbols
from results.upkeep.reading import read_digits
from tests.journeys.conftest import Cast, Desk, Story, is_readable, keep, look_at, wedge

PIN = "7305"
#: A confidential exam with an ordinary one.
EXAMS = {"7402": "HCG", "1104": "Hémogramme"}
#: What the made-up laboratory system answers for the confidential one.
VALUE = "1250"


def papers(desk: Desk, pattern: str, count: int, before: set[Path]) -> list[Path]:
    """Wait for so many papers that were not there before."""
    end = time.monotonic() + 20
    while time.monotonic() < end:
        new = [one for one in sorted((desk.laboratory.instance / "paper").glob(pattern)) if one not in before]
        if len(new) >= count:
            return new
        time.sleep(0.1)
    raise AssertionError(f"no paper came out: {pattern}")


def printed(desk: Desk) -> set[Path]:
    """Every paper that is out."""
    return set((desk.laboratory.instance / "paper").iterdir())


def calls(page: Page, number: int) -> None:
    """Call the next until it is this number; who comes before does not answer."""
    for _ in range(12):
        page.keyboard.press("F2")
        page.wait_for_load_state()
        expect(page.locator(".card.now .tag.big")).to_be_visible()
        if page.locator(".card.now .tag.big").inner_text().split()[-1] == str(number):
            return
        with page.expect_navigation():
            page.keyboard.press("F4")
    raise AssertionError(f"number {number} was never called")


def chooses(page: Page, words: str) -> None:
    """Tab until the choice group of these words has the focus, and choose it by its arrows."""
    wanted = page.get_by_role("radio", name=words, exact=True)
    name = wanted.get_attribute("name")
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.name") == name:
            break
    for _ in range(6):
        if wanted.is_checked():
            return
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    assert wanted.is_checked()


def tabs_to(page: Page, identifier: str) -> None:
    """Tab until this field has the focus."""
    for _ in range(60):
        if page.evaluate("document.activeElement.id") == identifier:
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"the key Tab never comes to {identifier}")


def prescribes(page: Page, exams: dict[str, str]) -> None:
    """Type each exam's code, save, go on to the labels."""
    for code, name in exams.items():
        page.keyboard.type(code)
        expect(page.locator("#suggestions")).to_contain_text(name)
        page.keyboard.press("Enter")
        expect(page.locator("#entry tbody")).to_contain_text(name)
        expect(page.locator("#typed")).to_be_focused()


def prints_labels(desk: Desk, page: Page) -> list[str]:
    """One key; the numbers are read off the paper."""
    before = printed(desk)
    page.keyboard.press("F6")
    expect(page.locator("#states tbody tr").first).to_be_visible()
    count = page.locator("#states tbody tr").count()
    read = [code for paper in papers(desk, "labels-*.png", count, before) for code in read_symbols(Image.open(paper))]
    expect(page.locator("#states").get_by_text("sortie")).to_have_count(count, timeout=15_000)
    return sorted(read)


def scans(page: Page, text: str) -> None:
    """What a scanner does: keys without a pause, then Enter."""
    with page.expect_navigation():
        wedge(page, text)


def test_a_convocation_under_the_scanner_gives_a_number(desk: Desk, cast: Cast, story: Story) -> None:
    with desk.screen("kiosk") as page:
        page.goto("/")
        wedge(page, "ETQ1" + cast.convocation(0)["code"])
        expect(page.get_by_text("Votre numéro :")).to_be_visible()
        story.number = int(page.locator(".tag").inner_text())


def test_the_counter_receives_by_keys_alone(desk: Desk, cast: Cast, story: Story) -> None:
    name = cast.convocation(0)["name"].split()[-1]
    with desk.seat("sophie", "Guichet 1") as page:
        look_at(page, "home")
        page.goto("/file")
        expect(page.locator("[data-row]").first).to_be_visible()
        look_at(page, "line")
        calls(page, story.number)
        look_at(page, "line-called")
        page.keyboard.press("Alt+O")
        page.wait_for_url("**/passage/*")
        story.visit = page.url.rsplit("/", 1)[-1]
        page.keyboard.type(name[:4].lower())
        expect(page.locator("#found")).to_contain_text(name.upper())
        look_at(page, "visit-search")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Est-ce cette personne ?").first).to_be_visible()
        chooses(page, "Carte d'identité")
        look_at(page, "visit-compare")
        page.keyboard.press("Alt+S")
        expect(page.get_by_role("heading", name="Identité", exact=True)).to_be_visible()
        look_at(page, "visit-known")
        page.keyboard.press("Alt+S")
        page.wait_for_url("**/ordonnance")
        prescribes(page, EXAMS)
        look_at(page, "prescription")
        page.keyboard.press("Alt+S")
        expect(page.get_by_role("link", name="Continuer : Étiquettes")).to_be_focused()
        page.keyboard.press("Alt+S")
        page.wait_for_url("**/etiquettes")
        look_at(page, "labels-plan")
        story.own = prints_labels(desk, page)
        look_at(page, "labels-printed")


def test_the_slip_is_given_after_a_document_and_a_pin_and_shows_on_no_screen(
    desk: Desk, cast: Cast, story: Story
) -> None:
    seen: list[str] = []
    with desk.seat("sophie", "Guichet 1") as page:
        page.on("response", lambda answer: seen.append(body_of(answer)))
        page.goto(f"/passage/{story.visit}/etiquettes")
        page.keyboard.press("Alt+S")
        page.wait_for_url("**/resultats")
        chooses(page, "Par téléphone")
        chooses(page, "Oui")
        tabs_to(page, "document")
        page.keyboard.type("Carte")
        look_at(page, "delivery")
        page.keyboard.press("Alt+E")
        expect(page.get_by_text("à imprimer")).to_be_visible()
        look_at(page, "delivery-saved")
        page.keyboard.press("Alt+T")
        expect(page.get_by_role("heading", name="Choisissez votre code personnel")).to_be_visible()
        look_at(page, "pin")
        before = printed(desk)
        page.keyboard.type(PIN)
        page.keyboard.press("Enter")
        expect(page.get_by_text("Le talon est valable.")).to_be_visible(timeout=20_000)
        look_at(page, "slip")
        paper = papers(desk, "slips-*.png", 1, before)[0]
        lines = ["".join(sign for sign in line if sign.isdigit()) for line in read_digits(Image.open(paper))]
        story.handle = next(line for line in lines if len(line) == 7)
        story.codes = [line[1:] for line in lines if len(line) == 17]
        page.keyboard.press("Alt+S")
        page.wait_for_url("**/resultats")
        page.keyboard.press("Alt+S")
        page.wait_for_url("**/file")
        look_at(page, "line-sent")
    assert len(story.codes) == 4
    shown = re.sub(r"[\s\u00a0]", "", "".join(seen))
    assert not [secret for secret in (story.handle, *story.codes) if secret in shown]


def test_somebody_new_gets_a_file_and_labels(desk: Desk, story: Story) -> None:
    with desk.screen("kiosk") as page:
        page.goto("/come/walk_in")
        page.get_by_role("button", name="Prendre mon numéro").tap()
        number = int(page.locator(".tag").inner_text())
    with desk.seat("sophie", "Guichet 1") as page:
        page.goto("/file")
        calls(page, number)
        page.keyboard.press("Alt+O")
        page.wait_for_url("**/passage/*")
        page.keyboard.press("Alt+N")
        page.wait_for_url("**/nouveau")
        for identifier, words in {
            "birth_name": "Journée", "given_names": "Zoé", "birth_date": "17/06/1981", "birth_place": "75056",
        }.items():  # fmt: skip
            tabs_to(page, identifier)
            page.keyboard.type(words)
        tabs_to(page, "sex") if page.locator("#sex").count() and page.locator("select#sex").count() else None
        look_at(page, "new-patient")
        page.keyboard.press("Alt+S")
        page.wait_for_load_state()
        keep(page, "new-patient-saved")


def body_of(answer: Response) -> str:
    """The words of an answer, if it has any."""
    if answer.status in {204, 303} or "text/" not in answer.headers.get("content-type", "") or "events" in answer.url:
        return ""
    return answer.text()
