"""One patient's day, told in order: each test begins where the one before has ended, and no hand touches a mouse."""

import re
import subprocess
import sys
import time
from pathlib import Path

from PIL import Image
from playwright.sync_api import Page, Route, expect

from printers.verify import read_symbols
from results.upkeep.laboratory import MARKED_VALUE
from results.upkeep.reading import read_digits
from tests.journeys.conftest import Cast, Desk, Story, keep, look_at
from tests.scanner import wedge

PIN = "7305"
#: A confidential exam with an ordinary one.
EXAMS = {"7402": "HCG", "1104": "Hémogramme"}
#: What the made-up laboratory system answers for the confidential one.


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
        with page.expect_navigation():
            page.keyboard.press("F2")
        expect(page.locator(".head > .tag.big")).to_be_visible()
        if page.locator(".head > .tag.big").inner_text().split()[-1] == str(number):
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
        # Quicker than the suggestions: Enter adds what is typed, never what was suggested for its first digit.
        page.keyboard.type(code)
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
    expect(page.locator("#states").get_by_text("sortie")).to_have_count(count)
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
    with desk.seat("sophie", "Guichet 1") as page:
        heard = overhears(page)
        page.goto(f"/passage/{story.visit}/etiquettes")
        page.keyboard.press("Alt+S")
        page.wait_for_url("**/resultats")
        tabs_to(page, "preference")
        page.keyboard.type("Par tél")
        chooses(page, "Oui")
        tabs_to(page, "document")
        page.keyboard.type("Carte")
        look_at(page, "delivery")
        page.keyboard.press("Alt+E")
        expect(page.get_by_role("heading", name="Choisissez votre code personnel")).to_be_visible()
        look_at(page, "pin")
        before = printed(desk)
        page.keyboard.type(PIN)
        page.keyboard.press("Enter")
        expect(page.get_by_text("Le talon est valable.")).to_be_visible()
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
    shown = re.sub(r"[\s\u00a0]", "", "".join(heard))
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
        look_at(page, "new-patient")
        page.keyboard.press("Alt+S")
        expect(page.get_by_role("heading", name="Identité", exact=True)).to_be_visible()
        page.keyboard.press("Alt+S")
        page.wait_for_url("**/ordonnance")
        prescribes(page, {"0552": "Glycémie"})
        page.keyboard.press("Alt+S")
        expect(page.get_by_role("link", name="Continuer : Étiquettes")).to_be_focused()
        page.keyboard.press("Alt+S")
        page.wait_for_url("**/etiquettes")
        [story.other] = prints_labels(desk, page)
        page.keyboard.press("Alt+S")
        page.wait_for_url("**/resultats")
        tabs_to(page, "preference")
        page.keyboard.type("Retirés")
        chooses(page, "Non")
        page.keyboard.press("Alt+E")
        expect(page.get_by_role("button", name="Envoyer au prélèvement")).to_be_visible()
        page.keyboard.press("Alt+S")
        page.wait_for_url("**/file")


def test_the_wrong_tube_stops_everything_and_the_right_ones_are_drawn(desk: Desk, story: Story) -> None:
    with desk.seat("karim", "Salle 1") as page:
        page.goto("/prelevement")
        expect(page.locator("#next")).to_contain_text(f"Numéro {story.number}")
        look_at(page, "room")
        calls(page, story.number)
        expect(page.get_by_text("Quels sont vos nom, prénom et date de naissance")).to_be_visible()
        look_at(page, "room-identity")
        page.keyboard.press("Enter")
        expect(page.locator("#typed")).to_be_focused()
        look_at(page, "room-tubes")
        scans(page, story.own[0])
        expect(page.get_by_text("C'est bien son tube.")).to_be_visible()
        scans(page, story.other)
        expect(page.get_by_role("alertdialog")).to_contain_text("Ce tube est à un autre patient. Arrêtez.")
        assert page.evaluate("document.documentElement.dataset.rang") == "stop"
        look_at(page, "room-stop")
        wedge(page, story.own[1])
        expect(page.get_by_role("alertdialog")).to_be_visible()
        page.keyboard.press("Alt+A")
        expect(page.locator("#typed")).to_be_focused()
        expect(page.get_by_text("prélevé", exact=True)).to_have_count(1)
        scans(page, story.own[1])
        expect(page.get_by_role("button", name="Terminer le prélèvement")).to_be_focused()
        look_at(page, "room-end")
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Appeler le suivant")).to_be_visible()
        assert page.context.cookies()[0]["name"] == "__Host-etiquette-staff"


def test_the_laboratory_system_answers(desk: Desk) -> None:
    command = [sys.executable, "-m", "results.cli", "--instance", str(desk.laboratory.instance), "demo", "lis"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert ": 0 rattachées" not in done.stdout


def test_the_biologist_opens_the_keys_reads_and_signs_by_keys_alone(desk: Desk, cast: Cast, story: Story) -> None:
    with desk.seat("lenoir", "Guichet 2") as page:
        page.goto("/signature")
        look_at(page, "signoff-locked")
        page.goto("/signature/cles")
        look_at(page, "unlock")
        page.keyboard.type(cast.passphrase)
        page.keyboard.press("Tab")
        page.keyboard.type(cast.digits("lenoir"))
        page.keyboard.press("Alt+S")
        page.wait_for_url("**/signature")
        look_at(page, "signoff")
        assert MARKED_VALUE not in page.content()
        page.keyboard.press("Enter")
        expect(page.get_by_role("cell", name=MARKED_VALUE)).to_be_visible()
        look_at(page, "report")
        with page.expect_navigation():
            page.keyboard.press("s")
        expect(page.locator("[data-row]")).to_have_count(0)
        look_at(page, "signoff-signed")


def test_the_result_is_told_in_few_keys_and_leaves_no_trace(desk: Desk, cast: Cast, story: Story) -> None:
    with desk.seat("sophie", "Guichet 1", allows=("404",)) as page:  # going back to a call that has ended
        heard = overhears(page)
        page.clock.install()
        page.goto("/file")
        hand = Hand(page)
        while not rings(hand, story):
            # The promised hour has not come: the refusal of everyone, and the call ends.
            expect(page.get_by_text("Je dis cette phrase à tout le monde")).to_be_visible()
            keep(page, "phone-not-now")
            ends(hand)
            time.sleep(3)
            hand.keys = 0
        look_at(page, "phone-line")
        line = int(page.get_by_role("heading", level=1).inner_text().split()[-1])
        # Each number that is whole goes on to the next field.
        hand.types(story.codes[line - 1])
        hand.types(PIN)
        hand.types(cast.convocation(0)["born"])
        # Until here, nothing that the laboratory found has come to this screen, in sight or not.
        assert MARKED_VALUE not in "".join(heard)
        hand.presses("Enter")
        expect(page.get_by_text(MARKED_VALUE)).to_be_visible()
        look_at(page, "phone-told")
        page.clock.run_for(121_000)
        expect(page.get_by_text(MARKED_VALUE)).to_have_count(0)
        assert MARKED_VALUE not in page.content()
        look_at(page, "phone-blanked")
        ends(hand)
        expect(page.locator("#handle_digits")).to_be_focused()
        # Six more when a desk PIN is asked first: 45 in all.
        assert hand.keys <= 45 - 6
        page.go_back()
        page.wait_for_load_state()
        assert MARKED_VALUE not in page.content()
        story.used = story.codes[line - 1]


def test_the_same_code_opens_nothing_a_second_time(desk: Desk, cast: Cast, story: Story) -> None:
    with desk.seat("sophie", "Guichet 1") as page:
        page.goto("/file")
        hand = Hand(page)
        assert rings(hand, story)
        hand.types(story.used)
        hand.presses("Tab")
        hand.types(PIN)
        hand.presses("Tab")
        hand.types(cast.convocation(0)["born"])
        hand.presses("Enter")
        expect(page.get_by_text("Je dis cette phrase à tout le monde")).to_be_visible()
        assert MARKED_VALUE not in page.content()
        look_at(page, "phone-refused")
        ends(hand)


class Hand:
    """A hand on the keyboard that counts its keys; a key held with another is one."""

    def __init__(self, page: Page) -> None:
        self.page, self.keys = page, 0

    def types(self, words: str) -> None:
        """Type sign after sign."""
        self.page.keyboard.type(words)
        self.keys += len(words)

    def presses(self, key: str) -> None:
        """Press one key."""
        self.page.keyboard.press(key)
        self.keys += 1


def rings(hand: Hand, story: Story) -> bool:
    """Open the call of the slip; whether a line is asked."""
    with hand.page.expect_navigation():
        hand.presses("F8")
    expect(hand.page.locator("#handle_digits")).to_be_focused()
    hand.types(story.handle)
    hand.page.wait_for_url("**/telephone/appel")
    return hand.page.locator("#code").count() == 1


def ends(hand: Hand) -> None:
    """End the call as the page proposes."""
    hand.presses("Alt+T")
    hand.page.wait_for_url("**/telephone/fin")
    hand.presses("Enter")
    hand.page.wait_for_url("**/telephone")


def overhears(page: Page) -> list[str]:
    """Every word that the server says to this page from now on, shown or not."""
    heard: list[str] = []

    def listen(route: Route) -> None:
        answer = route.fetch(max_redirects=0)
        heard.append(answer.text())
        route.fulfill(response=answer)

    page.route(lambda address: "/static/" not in address and not address.endswith("/evenements"), listen)
    return heard
