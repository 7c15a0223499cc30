"""A made-up laboratory and its running programmes, and a browser that asks them."""

import http.client
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from html import unescape
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from results.upkeep import demonstration
from results.upkeep.bench.rounds import Broken, Ground
from results.upkeep.supervise import free_ports

#: Seconds after which programmes that do not answer are given up.
PATIENCE: Final = 60.0


@dataclass
class Browser:
    """One connection that stays open, with its cookies and the token of the page it last saw."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    token: str = ""
    _line: http.client.HTTPConnection | None = None

    def ask(self, path: str, fields: dict[str, str] | None = None) -> tuple[int, bytes, str]:
        """Send a form, or look at a page: status, body and kind of what came."""
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        body = None
        if fields is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode({"csrf_token": self.token} | fields)
        try:
            answer = self._send(path, body, headers)
        except ConnectionError:
            # A server hangs up on who is silent for long: browsers call again, and a form's key makes it one act.
            self.close()
            answer = self._send(path, body, headers)
        content = answer.read()
        for one in answer.headers.get_all("Set-Cookie", []):
            name, _, value = one.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer.status, content, answer.headers.get_content_type()

    def _send(self, path: str, body: str | None, headers: dict[str, str]) -> http.client.HTTPResponse:
        if self._line is None:
            self._line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        self._line.request("GET" if body is None else "POST", path, body, headers)
        return self._line.getresponse()

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
            self._line = None


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
def started(
    command: list[str],
    pages: dict[int, str],
    *,
    log: Path,
    folder: Path | None = None,
    environment: dict[str, str] | None = None,
) -> Iterator[int]:
    """Start programmes and wait for a page of each port; they are stopped at the end.

    Args:
        folder: where they stand, and `environment` all that they know of ours; else both are ours.

    Raises:
        Broken: when a page does not come.
    """
    with log.open("wb") as told:
        process = subprocess.Popen(
            command, stdout=told, stderr=told, start_new_session=True, cwd=folder, env=environment
        )  # fmt: skip
        try:
            for port, path in pages.items():
                _wait_for(port, path, process)
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(port: int, path: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        browser = Browser(port)
        with suppress(OSError, http.client.HTTPException), closing(browser):
            if browser.ask(path)[0] in {http.client.OK, http.client.FOUND}:
                return
        time.sleep(0.02)
    raise Broken("un programme ne répond pas")


def serve(lab: Laboratory, public: int, staff: int) -> list[str]:
    """The command that serves a laboratory on two ports."""
    start = "import sys; from results.cli import main; sys.argv[0] = 'etiquette'; main()"
    ports = ["--public-port", str(public), "--staff-port", str(staff)]
    return [sys.executable, "-c", start, "--instance", str(lab.instance), "serve", *ports]


@contextmanager
def serving(ground: Ground) -> Iterator[Served]:
    """The laboratory's programmes, as they run in the morning."""
    lab = ground.shared(laboratory)
    public, staff = free_ports(2)
    pages = {public: "/", staff: "/readyz"}
    with started(serve(lab, public, staff), pages, log=ground.folder / "served.log") as process:
        yield Served(process=process, public=public, staff=staff)


def secretary(ground: Ground) -> dict[str, str]:
    """The cookies of a secretary who is at her desk: her six digits are good for one sign-in, so it is kept."""
    lab, port = ground.shared(laboratory), ground.shared(serving).staff
    cookies: dict[str, str] = ground.opened.get("secretary", {})
    with closing(Browser(port, dict(cookies))) as browser:
        if not cookies or browser.ask("/file")[0] != http.client.OK:
            cookies = ground.opened["secretary"] = sign_in(lab, port, ground.now())
    return cookies


def sign_in(lab: Laboratory, port: int, at: datetime) -> dict[str, str]:
    """The cookies of a secretary at the first desk."""
    told = re.search(r" sophie +(\S+) +code (\d{6})", demonstration.codes(lab.proofs, at=at))
    with closing(Browser(port)) as browser:
        browser.look("/entrer")
        proofs = {"password": told[1], "digits": told[2]} if told else {}
        status, _, _ = browser.ask("/entrer", {"login": "sophie", "desk": "Guichet 1"} | proofs)
        if status not in {http.client.FOUND, http.client.SEE_OTHER}:
            raise Broken(f"l'entrée du personnel répond {status}")
        return browser.cookies
