import http.client
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from printers import encode
from printers.draw import draw
from printers.fake.page import serve_page
from printers.fake.printer import FakePrinter, Printed
from printers.paper import Paper

Ask = Callable[..., tuple[int, dict[str, str], bytes]]


@pytest.fixture
def fake() -> Iterator[FakePrinter]:
    printer = FakePrinter(name="labels")
    yield printer
    printer.stop()


@pytest.fixture
def ask(fake: FakePrinter) -> Iterator[Ask]:
    server = serve_page([fake])
    port = server.server_address[1]

    def ask_page(path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], bytes]:
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as link:
            link.request(method, path, headers={"Host": f"localhost:{port}", **headers})
            answer = link.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()

    yield ask_page
    server.shutdown()
    server.server_close()


def test_the_page_shows_the_paper_newest_first_and_says_what_it_is(
    ask: Ask, fake: FakePrinter, label: Callable[..., Paper]
) -> None:
    assert "Rien n’est encore sorti" in ask("/")[2].decode()
    data = encode.escpos(draw(label()), label().form)
    assert data
    fake.paper += [Printed(1, b"one"), Printed(2, b"two")]
    status, headers, body = ask("/")
    text = body.decode()
    assert status == 200
    assert "DÉMONSTRATION" in text
    assert text.index("/paper/labels/2") < text.index("/paper/labels/1")
    assert 'http-equiv="refresh"' in text
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "style=" not in text
    assert "<script" not in text


def test_a_picture_is_the_paper(ask: Ask, fake: FakePrinter) -> None:
    fake.paper.append(Printed(1, b"dots"))
    assert ask("/paper/labels/1")[2] == b"dots"
    for path in (
        "/paper/labels/0",
        "/paper/labels/2",
        "/paper/x/1",
        "/paper/labels/../1",
        "/other",
        "/paper/labels/%31",
    ):
        assert ask(path)[0] == 404


def test_a_hand_opens_the_cover_and_puts_it_right(ask: Ask, fake: FakePrinter) -> None:
    for gesture, words in (("capot-ouvert", "capot ouvert"), ("plus-de-papier", "capot ouvert")):
        assert ask(f"/labels/{gesture}", "POST")[0] == 303
        assert fake.words == words
    assert ask("/labels/remettre-en-ordre", "POST")[0] == 303
    assert fake.words == "prête"
    ask("/labels/plus-de-papier", "POST")
    assert "plus de papier" in ask("/")[2].decode()


def test_another_site_sees_and_does_nothing(ask: Ask, fake: FakePrinter) -> None:
    assert ask("/", Host="evil.example")[0] == 403
    assert ask("/labels/capot-ouvert", "POST", Origin="https://evil.example")[0] == 403
    assert ask("/labels/capot-ouvert", "POST", Host="evil.example")[0] == 403
    assert ask("/labels/burn", "POST")[0] == 403
    assert ask("/nobody/capot-ouvert", "POST")[0] == 403
    assert fake.words == "prête"


def test_the_style_is_a_file(ask: Ask) -> None:
    assert ask("/style.css")[1]["content-type"].startswith("text/css")
