"""The rehearsal's browser reads pages, fills forms and keeps cookies as a person's browser does."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import pytest

from results.upkeep.browsing import Page, Visitor

PAGE = """<!doctype html><html><head><title>Accueil</title><style>body { color: red }</style>
<script>const form = "<form action='/faux'>";</script></head><body>
<h1>Bonjour&nbsp;Éloïse</h1><a href="/personne/1">ouvrir</a> <a>rien</a>
<template><p>caché</p></template>
<form action="/chercher?page=2" method="post">
<input type="hidden" name="csrf_token" value="a&amp;b"><input name="typed">
<input type="checkbox" name="no" value="1"><input type="checkbox" name="yes" value="1" checked>
<input type="radio" name="sex" value="F"><input type="radio" name="sex" value="M" checked>
<input type="submit" name="go" value="Aller"><input disabled>
<select name="desk"><option value="1">un</option><option value="2" selected>deux</option>
<option value="3">trois</option></select>
<select name="room"><option value="a">A</option><option value="b">B</option></select>
<textarea name="note">mot</textarea>
<button name="verb" value="call">Appeler</button></form>
<form action="/autre" method="post"><input name="other" value="x"></form>
<p>fin</p></body></html>"""


class _Laboratory(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/gone":
            self._say(404, "<p>Rien ici</p>")
        elif self.path == "/cookie":
            self._say(200, f"<p>{self.headers.get('Cookie', 'none')}</p>")
        else:
            self._say(200, PAGE, cookie="__Host-one=1; Path=/; Secure; HttpOnly")

    def do_POST(self) -> None:
        sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        if "typed" in sent and sent["typed"] == ["redirect"]:
            self.send_response(303)
            self.send_header("Location", "/cookie")
            self.end_headers()
            return
        self._say(422, f"<p>{sorted(sent.items())}</p>")

    def _say(self, status: int, page: str, cookie: str = "") -> None:
        body = page.encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        if cookie:
            self.send_header("Set-Cookie", cookie)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def visitor() -> Iterator[Visitor]:
    server = HTTPServer(("127.0.0.1", 0), _Laboratory)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield Visitor(f"http://localhost:{server.server_address[1]}/")
    server.shutdown()
    server.server_close()


@pytest.fixture
def page(visitor: Visitor) -> Page:
    return visitor.open("/")


def test_the_words_are_those_that_a_person_reads(page: Page) -> None:
    assert page.text == "Accueil Bonjour Éloïse ouvrir rien un deux trois A B Appeler fin"


def test_a_form_holds_what_a_browser_would_send(page: Page) -> None:
    form = page.form("/chercher")
    assert form.method == "post"
    assert form.fields == {
        "csrf_token": "a&b", "typed": "", "yes": "1", "sex": "M", "desk": "2", "room": "a", "note": "mot",
    }  # fmt: skip
    assert form.buttons == [("verb", "call")]


def test_forms_and_links_in_scripts_do_not_exist(page: Page) -> None:
    assert [form.action for form in page.forms] == ["/chercher?page=2", "/autre"]
    assert page.link("/personne/") == "/personne/1"


def test_a_missing_form_or_link_is_said_with_the_status(page: Page) -> None:
    with pytest.raises(LookupError, match="no form to /signer on a page with status 200"):
        page.form("/signer")
    with pytest.raises(LookupError, match="no link to /signer"):
        page.link("/signer")


def test_a_form_is_sent_with_what_was_typed_and_what_stood_there(visitor: Visitor, page: Page) -> None:
    answer = visitor.submit(page, "/chercher", typed="Mme Œuf", exam=["1", "2"])
    assert answer.status == 422
    assert "('csrf_token', ['a&b'])" in answer.text
    assert "('typed', ['Mme Œuf'])" in answer.text
    assert "('exam', ['1', '2'])" in answer.text


def test_cookies_that_are_secure_come_back_on_localhost_and_redirects_are_followed(
    visitor: Visitor, page: Page
) -> None:
    answer = visitor.submit(page, "/chercher", typed="redirect")
    assert answer.address.endswith("/cookie")
    assert "__Host-one=1" in answer.text


def test_a_refused_page_is_a_page(visitor: Visitor) -> None:
    gone = visitor.open("/gone")
    assert (gone.status, gone.text) == (404, "Rien ici")
