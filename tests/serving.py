"""An app behind a real port, whose end is an end for its streams too."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import ClassVar

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server


class Handler(WSGIRequestHandler):
    """A handler that remembers its connections: a server that stops leaves its streams open."""

    open_now: ClassVar[list[socket.socket]] = []

    def setup(self) -> None:
        super().setup()
        self.open_now.append(self.connection)

    def log(self, type: str, message: str, *args: object) -> None:  # noqa: A002  # the library's own name
        """Keep quiet."""


@contextmanager
def served(app: Flask, port: int = 0) -> Iterator[BaseWSGIServer]:
    """Serve an app on this port of localhost, or on a free one."""
    server = make_server("localhost", port, app, threaded=True, request_handler=Handler)
    server.daemon_threads = True  # type: ignore[attr-defined]  # a stream has no end of its own
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    while Handler.open_now:
        with suppress(OSError):
            Handler.open_now.pop().shutdown(socket.SHUT_RDWR)
    server.server_close()
