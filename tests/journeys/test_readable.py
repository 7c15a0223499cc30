"""Pages that a journey does not cross, in every look: at the door, refused, empty, and each role's own first page."""

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import Desk, look_at


def test_the_doors_are_readable(desk: Desk) -> None:
    with desk.screen("staff", allows=("422",)) as page:
        page.goto("/entrer")
        look_at(page, "sign-in")
        page.fill("#login", "sophie")
        page.fill("#password", "not this one")
        page.fill("#digits", "000000")
        page.select_option("#desk", "Guichet 2")
        page.get_by_role("button", name="Entrer").click()
        expect(page.get_by_role("heading", name="À corriger")).to_be_visible()
        look_at(page, "sign-in-refused")
        page.goto("/premiere-fois")
        look_at(page, "first-time")


@pytest.mark.parametrize(
    ("login", "place", "paths"),
    [
        ("sophie", "Guichet 1", ["/remise", "/telephone", "/signature", "/nowhere"]),
        ("karim", "Salle 1", ["/", "/prelevement"]),
        ("lenoir", "Guichet 2", ["/", "/signature", "/signature/cles", "/remise", "/recherches"]),
        ("roux", "Guichet 2", ["/"]),
        ("alex", "Guichet 2", ["/", "/recherches"]),
    ],
)
def test_each_person_s_pages_are_readable(desk: Desk, login: str, place: str, paths: list[str]) -> None:
    with desk.seat(login, place, allows=("403", "404")) as page:
        for path in paths:
            page.goto(path)
            look_at(page, f"{login}{path.replace('/', '-')}")


def test_a_narrow_screen_and_a_magnified_one_lose_nothing(desk: Desk) -> None:
    with desk.seat("sophie", "Guichet 1") as page:
        for width in (320, 683):
            page.set_viewport_size({"width": width, "height": 640})
            for path in ("/", "/file", "/telephone", "/remise"):
                page.goto(path)
                assert page.evaluate("document.documentElement.scrollWidth") <= width, path
