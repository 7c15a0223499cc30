"""What is served, printed and opened, measured: pages, start-up, memory, labels, and one try of a code."""

import gzip
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from html import unescape
from itertools import count
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode, urljoin
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.orm import Session

from kiosk.register.database import uuid7
from kiosk.register.sites import this_site
from kiosk.register.visits import State, Visit
from labels.numbering import sample_number
from labels.sticker import Bearer, sticker
from labels.tubes import Kind, Tube
from printers import encode
from printers.paper import LABEL_50X25, Paper
from printers.verify import proved
from results.matrix import Channel
from results.matrix import Person as Caller
from results.upkeep import demonstration
from results.upkeep.bench import SIDE, Broken, Ground, Measure, Row, Sides, Unmeasured
from results.upkeep.founding import open_instance
from results.upkeep.measures import bare_arrival, bare_sqlite, rate, together
from results.upkeep.supervise import programmes
from results.vault.attempts import Answer, AttemptState, CodeDesk, Said
from results.vault.counters import Way
from results.vault.dossiers import open_dossier
from results.vault.envelopes import Body
from results.vault.keys import KeyRing
from results.vault.releases import Course, Weighed
from results.vault.slips import IssuedSlip, confirm_slip, issue_slip, prepare_slip
from results.vault.wraps import stretch_code

#: The notes' limits, where nothing can run beside.
PAGE_KB, START_S, MEMORY_MB, LABEL_BYTES, LABEL_MS = 50.0, 4.0, 250.0, 10_100.0, 10.0
#: Browsers that ask at once.
CLIENTS: Final = 8
#: Seconds after which programmes that do not answer are given up.
PATIENCE: Final = 60.0
#: A wall is allowed so many numbers waiting while the counter's page is asked.
IN_LINE: Final = 20
#: Codes of one slip: one round tries them all.
LINES: Final = 4
#: Labels of one round.
LABELS: Final = 100

ASSET: Final = re.compile(r"""(?:href|src)="(/static/[^"#]+)""")
NAMED_IN_STYLE: Final = re.compile(r"""url\(["']?([^"')]+)""")
BIRTH, PIN = "19540228", "7305"

HELLO: Final = """
from flask import Flask
app = Flask(__name__)
app.add_url_rule("/", view_func=lambda: "hello")
"""


@dataclass
class Browser:
    """One connection that stays open, with its cookies and the token of the page it last saw."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    token: str = ""
    _line: http.client.HTTPConnection | None = None

    def ask(self, path: str, fields: dict[str, str] | None = None) -> tuple[int, bytes, str]:
        """Send a form, or look at a page: status, body and kind of what came."""
        if self._line is None:
            self._line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        body = None
        if fields is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode({"csrf_token": self.token} | fields)
        self._line.request("GET" if body is None else "POST", path, body, headers)
        answer = self._line.getresponse()
        content = answer.read()
        for one in answer.headers.get_all("Set-Cookie", []):
            name, _, value = one.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer.status, content, answer.headers.get_content_type()

    def look(self, path: str) -> str:
        """A page that must be there.

        Raises:
            Broken: when it is not.
        """
        status, content, _ = self.ask(path)
        if status != http.client.OK:
            raise Broken(f"{path} répond {status}")
        page = content.decode()
        if found := re.search(r'name="csrf_token" value="([^"]+)"', page):
            self.token = unescape(found[1])
        return page

    def close(self) -> None:
        """Hang up."""
        if self._line is not None:
            self._line.close()


@dataclass(frozen=True, kw_only=True)
class Laboratory:
    """A made-up laboratory: its instance, and a folder apart with its people's proofs."""

    instance: Path
    proofs: Path


@dataclass(frozen=True, kw_only=True)
class Served:
    """Running programmes: the supervisor's process and both ports."""

    process: int
    public: int
    staff: int


@contextmanager
def laboratory(ground: Ground) -> Iterator[Laboratory]:
    """Found a laboratory with made-up people; it has no printers, so that nothing but its own programmes run."""
    instance, proofs = ground.folder / "laboratory", ground.folder / "proofs"
    demonstration.found(instance, station=ground.make_station(instance), at=ground.now(), chance=ground.chance)
    proofs.mkdir(mode=0o700)
    (instance / "demonstration.toml").rename(proofs / "demonstration.toml")
    yield Laboratory(instance=instance, proofs=proofs)


@contextmanager
def started(command: list[str], *, port: int, log: Path, path: str = "/", cwd: Path | None = None) -> Iterator[int]:
    """Start programmes and wait for a page; they are stopped at the end.

    Raises:
        Broken: when the page does not come.
    """
    with log.open("wb") as told:
        process = subprocess.Popen(command, stdout=told, stderr=told, start_new_session=True, cwd=cwd)
        try:
            _wait_for(port, path, process)
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()


def _wait_for(port: int, path: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        browser = Browser(port)
        with suppress(OSError, http.client.HTTPException):
            if browser.ask(path)[0] == http.client.OK:
                return
        browser.close()
        time.sleep(0.02)
    raise Broken("un programme ne répond pas")


def _serve(lab: Laboratory, public: int, staff: int) -> list[str]:
    command = "import sys; from results.cli import main; sys.argv[0] = 'etiquette'; main()"
    ports = ["--public-port", str(public), "--staff-port", str(staff)]
    return [sys.executable, "-c", command, "--instance", str(lab.instance), "serve", *ports]


@contextmanager
def serving(ground: Ground) -> Iterator[Served]:
    """The laboratory's programmes, as they run in the morning."""
    lab = ground.shared(laboratory)
    public, staff = free_ports(2)
    with started(_serve(lab, public, staff), port=public, log=ground.folder / "served.log") as process:
        end = time.monotonic() + PATIENCE
        while Browser_answers(staff) is False and time.monotonic() < end:
            time.sleep(0.05)
        yield Served(process=process, public=public, staff=staff)


def Browser_answers(port: int) -> bool:
    return True
