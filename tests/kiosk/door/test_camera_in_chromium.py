"""A kiosk with a camera reads the convocation's square code with it, and keeps, sends and records nothing of it."""

import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
import qrcode
from PIL import Image
from playwright.sync_api import BrowserContext, Page, Playwright, Request, expect, sync_playwright

from kiosk.door.profile import Profile
from kiosk.web import HEADERS, STATIC
from tests.kiosk.conftest import FLAGS, Reception
from tests.kiosk.door.test_screens_in_chromium import choose, paired
from tests.serving import served

WIDE, HIGH = 640, 480
CONVOCATION = "ETQ1K7MP2X202611210830J"


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


def film(path: Path, words: str | None) -> Path:
    """What a camera sees: a sheet with a square code held a little askew, or an empty room."""
    room = Image.new("L", (WIDE, HIGH), 96)
    if words:
        code = qrcode.QRCode(border=4, box_size=8)
        code.add_data(words)
        sheet = code.make_image().get_image().convert("L").rotate(7, expand=True, fillcolor=255)
        room.paste(sheet, ((WIDE - sheet.width) // 2, (HIGH - sheet.height) // 2))
    grey = bytes([128]) * (WIDE * HIGH // 2)
    frame = b"FRAME\n" + room.tobytes() + grey
    path.write_bytes(f"YUV4MPEG2 W{WIDE} H{HIGH} F10:1 Ip A1:1 C420jpeg\n".encode() + frame * 3)
    return path


@contextmanager
def kiosk(playwright: Playwright, reception: Reception, seen: Path | None) -> Iterator[BrowserContext]:
    """A kiosk's browser before whose camera this film runs, or without a camera."""
    fake = [
        "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={seen}",
    ]  # fmt: skip
    browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS + (fake if seen else []))
    with closing(browser):
        yield paired(browser.new_context(viewport={"width": 1080, "height": 1920}, locale="fr-FR"), reception)


def has_camera(reception: Reception, diagonal: float = 21.5) -> None:
    """The first kiosk's profile says that it has one."""
    reception.app.extensions["house"].more["profiles"]["Borne 1"] = Profile(camera=True, diagonal=diagonal)


def at_scanner(context: BrowserContext, port: int) -> tuple[Page, list[Request]]:
    """The page where a convocation is shown, and everything that it asks of anybody."""
    page, asked = context.new_page(), []
    page.on("request", lambda one: asked.append(one))  # noqa: PLW0108  # the library marks what it is given
    page.goto(f"http://localhost:{port}/convocation")
    return page, asked


def test_a_convocation_before_the_camera_is_a_number_and_no_picture_leaves_the_browser(
    playwright: Playwright, reception: Reception, tmp_path: Path
) -> None:
    has_camera(reception)
    with (
        kiosk(playwright, reception, film(tmp_path / "sheet.y4m", CONVOCATION)) as context,
        served(reception.app) as server,
    ):
        page, asked = at_scanner(context, server.server_port)
        expect(page.get_by_text("Quand avez-vous mangé ou bu pour la dernière fois ?")).to_be_visible(timeout=20_000)
        [sent] = [one for one in asked if one.method != "GET"]
        assert sent.url.endswith("/code")
        assert re.fullmatch(rf"csrf_token=[\w.-]+&form_key=\w+&code={CONVOCATION}", sent.post_data or "")
        assert page.evaluate("window.violations") == []
        assert page.evaluate("document.querySelector('video')") is None


def test_another_code_is_told_calmly_and_the_camera_goes_on(
    playwright: Playwright, reception: Reception, tmp_path: Path
) -> None:
    has_camera(reception)
    with (
        kiosk(playwright, reception, film(tmp_path / "other.y4m", "https://labo.test/promo")) as context,
        served(reception.app) as server,
    ):
        page, asked = at_scanner(context, server.server_port)
        expect(page.get_by_text("Ce code n'est pas celui d'une convocation.")).to_be_visible(timeout=20_000)
        expect(page.get_by_text("La caméra ne garde aucune image.")).to_be_visible()
        assert [one for one in asked if one.method != "GET"] == []
        track = "() => document.querySelector('video').srcObject?.getTracks()[0].readyState"
        assert page.evaluate(track) == "live"
        # Off, as soon as nobody looks at the page.
        page.evaluate("window.dispatchEvent(new Event('pagehide'))")
        assert page.evaluate("() => document.querySelector('video').srcObject") is None
        expect(page.get_by_text("La caméra ne garde aucune image.")).to_be_hidden()


def test_without_a_camera_the_page_is_as_everywhere(playwright: Playwright, reception: Reception) -> None:
    has_camera(reception)
    with kiosk(playwright, reception, None) as context, served(reception.app) as server:
        page, _ = at_scanner(context, server.server_port)
        expect(page.get_by_role("link", name="Je tape mon code")).to_be_visible()
        expect(page.get_by_text("La caméra ne garde aucune image.")).to_be_hidden()
        assert page.evaluate("window.violations") == []


#: The camera is open and has seen another code: as much as the page ever shows; its height then.
FULL = """() => {
  for (const one of document.querySelectorAll("[data-camera], [data-foreign]")) one.hidden = false;
  return document.documentElement.scrollHeight;
}"""


def test_the_page_with_its_camera_fits_every_screen(playwright: Playwright, reception: Reception) -> None:
    with kiosk(playwright, reception, None) as context, served(reception.app) as server:
        page = context.new_page()
        for language, large in (("fr", ""), ("fr", "large"), ("ar", "large")):
            page.goto(f"http://localhost:{server.server_port}/")
            choose(page, language)
            if large and page.locator("html").get_attribute("data-text") != "large":
                with page.expect_response("**/display"):
                    page.locator("[name=text_size]").click()
            for diagonal in (15.6, 21.5):
                has_camera(reception, diagonal)
                page.goto(f"http://localhost:{server.server_port}/convocation")
                page.evaluate("document.fonts.ready")
                assert page.evaluate(FULL) <= 1920, (language, large, diagonal)


def test_a_kiosk_without_one_in_its_profile_asks_for_none_and_forbids_it(reception: Reception) -> None:
    answer = reception.client.get("/convocation", base_url="https://localhost")
    assert answer.headers["Permissions-Policy"] == HEADERS["Permissions-Policy"]
    assert "camera" not in answer.text
    has_camera(reception)
    allowed = {
        path: reception.client.get(path, base_url="https://localhost").headers["Permissions-Policy"].split(", ")[0]
        for path in ("/", "/convocation", "/code", "/name")
    }
    assert allowed == {"/": "camera=()", "/convocation": "camera=(self)", "/code": "camera=()", "/name": "camera=()"}


def test_the_cameras_script_has_no_way_to_keep_or_send_a_frame() -> None:
    text = (STATIC / "public" / "camera.js").read_text(encoding="utf-8")
    assert not re.search(
        r"MediaRecorder|toBlob|toDataURL|captureStream|fetch|XMLHttp|sendBeacon|WebSocket|RTC|caches", text
    )
    assert "audio: false" in text
