"""A small page where the fake printers' paper is seen coming out; demonstration only."""

import html
import threading
from collections.abc import Sequence
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import urlsplit

from printers.fake.printer import FakePrinter

SHOWN = 40  #: papers of one printer that the page shows
_POLICY = (
    "default-src 'none'; img-src 'self'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_GESTURES = {
    "plus-de-papier": ("Plus de papier", FakePrinter.run_out),
    "capot-ouvert": ("Ouvrir le capot", FakePrinter.open_cover),
    "remettre-en-ordre": ("Remettre en ordre", FakePrinter.put_right),
}
_STYLE = """\
:root { color-scheme: light; font-family: system-ui, sans-serif; line-height: 1.45; }
body { margin: 0; background: #e9eef1; color: #16232b; }
header { padding: 1rem 1.5rem; background: #16394a; color: #fff; }
header h1 { margin: 0; font-size: 1.3rem; }
header p { margin: .3rem 0 0; }
.demo { display: inline-block; padding: .1rem .6rem; border-radius: .3rem; background: #ffd54a; color: #16232b;
  font-weight: 700; }
main { display: flex; flex-wrap: wrap; gap: 1.25rem; padding: 1.25rem; align-items: flex-start; }
section { flex: 1 1 24rem; padding: 1rem; border-radius: .6rem; background: #fff; }
h2 { display: flex; gap: .6rem; align-items: center; margin: 0 0 .6rem; font-size: 1.1rem; }
.state { padding: .1rem .6rem; border-radius: 1rem; background: #d3ecd9; color: #0b4a1e; font-size: .9rem; }
.state.stopped { background: #fbdcd4; color: #7a1f06; }
form { display: inline; }
button { min-height: 2.75rem; padding: .4rem .9rem; border: 1px solid #4c6675; border-radius: .4rem;
  background: #f4f7f8; color: #16232b; font: inherit; cursor: pointer; }
button:focus-visible { outline: 3px solid #1769aa; outline-offset: 2px; }
figure { margin: 1rem 0 0; }
figure img { max-width: 100%; height: auto; border: 1px solid #9fb1bb; background: #fff;
  box-shadow: 0 2px 6px #16232b33; image-rendering: pixelated; }
figcaption { font-size: .9rem; color: #3d525e; }
"""


def serve_page(printers: Sequence[FakePrinter], *, port: int = 0) -> ThreadingHTTPServer:
    """Serve the page on a loopback port in a thread of its own; `shutdown()` and `server_close()` end it."""

    class Page(_Page):
        shelf: ClassVar[dict[str, FakePrinter]] = {printer.name: printer for printer in printers}

    server = ThreadingHTTPServer(("127.0.0.1", port), Page)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()
    return server


class _Page(BaseHTTPRequestHandler):
    shelf: ClassVar[dict[str, FakePrinter]] = {}
    server_version = "fake"
    sys_version = ""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's own name
        """The papers are the log."""

    def do_GET(self) -> None:
        """The page, its style, or the picture of one paper."""
        parts = urlsplit(self.path).path.strip("/").split("/")
        if not self._is_ours():
            self._send(HTTPStatus.FORBIDDEN, "text/plain; charset=utf-8", b"Cette page se lit sur cette machine.")
        elif parts == [""]:
            self._send(HTTPStatus.OK, "text/html; charset=utf-8", _page(list(self.shelf.values())).encode())
        elif parts == ["style.css"]:
            self._send(HTTPStatus.OK, "text/css; charset=utf-8", _STYLE.encode())
        elif parts == ["favicon.ico"]:
            self._send(HTTPStatus.NO_CONTENT, "image/png", b"")
        elif (picture := self._picture(parts)) is not None:
            self._send(HTTPStatus.OK, "image/png", picture)
        else:
            self._send(HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", b"Il n'y a rien ici.")

    def do_POST(self) -> None:
        """One gesture of a hand on one printer."""
        name, _, gesture = urlsplit(self.path).path.strip("/").partition("/")
        self.rfile.read(min(int(self.headers.get("Content-Length") or 0), 4096))
        origin = self.headers.get("Origin")
        foreign = origin is not None and urlsplit(origin).netloc != self.headers.get("Host")
        if not self._is_ours() or foreign or name not in self.shelf or gesture not in _GESTURES:
            self._send(HTTPStatus.FORBIDDEN, "text/plain; charset=utf-8", b"Ce geste n'est pas connu.")
            return
        _GESTURES[gesture][1](self.shelf[name])
        self.send_response(HTTPStatus.SEE_OTHER)
        self.send_header("Location", "/")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _is_ours(self) -> bool:
        """Only under a name of this machine: another site's name that points here sees nothing."""
        host = urlsplit("//" + (self.headers.get("Host") or "")).hostname
        return host in {"localhost", "127.0.0.1"}

    def _picture(self, parts: list[str]) -> bytes | None:
        if len(parts) != 3 or parts[0] != "paper" or parts[1] not in self.shelf or not parts[2].isdecimal():
            return None
        paper = self.shelf[parts[1]].paper
        return paper[int(parts[2]) - 1].png if 1 <= int(parts[2]) <= len(paper) else None

    def _send(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Content-Security-Policy", _POLICY)
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "same-origin")
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(body)


def _page(printers: list[FakePrinter]) -> str:
    return f"""<!doctype html>
<html lang="fr"><head><meta charset="utf-8"><title>Imprimantes de démonstration</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><meta http-equiv="refresh" content="3">
<link rel="stylesheet" href="/style.css"></head>
<body><header><h1>Imprimantes de démonstration</h1>
<p><span class="demo">DÉMONSTRATION</span> Ces imprimantes n'existent pas : ce qu'elles « impriment » se voit ici,
même les talons confidentiels. Jamais avec de vrais patients.</p></header>
<main>{"".join(_section(printer) for printer in printers)}</main></body></html>
"""


def _section(printer: FakePrinter) -> str:
    name = html.escape(printer.name)
    stopped = "" if printer.words == "prête" else " stopped"
    buttons = "".join(
        f'<form method="post" action="/{name}/{gesture}"><button>{label}</button></form> '
        for gesture, (label, _) in _GESTURES.items()
    )
    figures = "".join(
        f'<figure><img src="/paper/{name}/{printed.number}" alt="Papier {printed.number} de {name}">'
        f"<figcaption>Papier {printed.number}</figcaption></figure>"
        for printed in reversed(printer.paper[-SHOWN:])
    )
    return (
        f'<section><h2>{name} <span class="state{stopped}">{printer.words}</span></h2>{buttons}'
        f"{figures or '<p>Rien n’est encore sorti.</p>'}</section>"
    )
