"""An app behind a real port, whose end is an end for its streams too."""

import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, ClassVar

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


def _kept(app: "WSGIApplication") -> "WSGIApplication":
    """Keep each answer within reach of its handler."""

    def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        environ["answer"] = app(environ, start_response)
        return environ["answer"]  # type: ignore[no-any-return]  # what was put there one line before

    return answer


class Handler(WSGIRequestHandler):
    """A handler that remembers the connections of its server: one that stops leaves its streams open."""

    open_now: ClassVar[list[socket.socket]]

    def connection_dropped(self, error: BaseException, environ: "WSGIEnvironment | None" = None) -> None:  # noqa: ARG002
        """Close the answer of a browser that went: the library forgets the file it was sending."""
        close = getattr((environ or {}).get("answer"), "close", None)
        if close:
            close()

    def setup(self) -> None:
        super().setup()
        self.open_now.append(self.connection)

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002  # the library's own name
        """Keep quiet."""


@contextmanager
def served(app: Flask, port: int = 0) -> Iterator[BaseWSGIServer]:
    """Serve an app on this port of localhost, or on a free one."""

    class Here(Handler):
        open_now: ClassVar[list[socket.socket]] = []  # another server's connections are its own

    server = make_server("localhost", port, _kept(app), threaded=True, request_handler=Here)
    server.daemon_threads = True  # type: ignore[attr-defined]  # a stream has no end of its own
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server
    finally:  # a test that fails ends what it serves, or its thread would keep the whole run alive
        server.shutdown()
        thread.join()
        while Here.open_now:
            with suppress(OSError):
                Here.open_now.pop().shutdown(socket.SHUT_RDWR)
        server.server_close()
