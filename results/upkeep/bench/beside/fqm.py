"""Free Queue Manager, the best-known open kiosk of its kind: started from a copy of its sources and asked over HTTP.

Its routes, its first account and its table are facts read in github.com/mrf345/FQM; nothing of its code is here.
"""

import http.client
import json
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Final

from results.upkeep.bench.rounds import Broken, Ground, Unready
from results.upkeep.bench.serving import Browser, started
from results.upkeep.supervise import free_ports

#: What a checkout must have, and where its own Python may stand.
SOURCES: Final = ("run.py", "app/main.py", "templates")
PYTHONS: Final = (".venv/bin/python", "venv/bin/python")
#: What a person makes of a checkout, or what FQM writes: not copied.
LEFT_BEHIND: Final = (".git", ".venv", "venv", "__pycache__", "data.sqlite", "errors.log")
#: Where it keeps the translations that it has fetched, and its rows.
TRANSLATIONS, ROWS = "gt_cached.json", "data.sqlite"
#: A new installation's first account, with which its makers' guide begins.
FIRST_ACCOUNT: Final = {"name": "Admin", "password": "admin"}
#: The first office and its first task.
OFFICE, TASK = 1, 1
#: Its line; ticket 100 comes with a new task and is nobody's.
HOW_MANY_WAIT: Final = "SELECT count(*) FROM serials WHERE p = 0 AND number <> 100"
OLDEST_GO: Final = (
    "DELETE FROM serials WHERE id IN (SELECT id FROM serials WHERE p = 0 AND number <> 100 ORDER BY timestamp LIMIT ?)"
)
ONE_COMES: Final = (
    "INSERT INTO serials (number, timestamp, date, name, n, p, pulledBy, on_hold, status, office_id, task_id)"
    " VALUES (?, ?, ?, 'Patient', 1, 0, 0, 0, 'Waiting', 1, 1)"
)

#: What it answers when a form was good.
REDIRECTS: Final = {http.client.FOUND, http.client.SEE_OTHER}
TOKEN: Final = re.compile(r'<input[^>]*name="csrf_token"[^>]*value="([^"]+)"')


@dataclass(frozen=True, kw_only=True)
class Checkout:
    """A folder with FQM's sources, and the Python that has its libraries."""

    folder: Path
    python: Path


def checkout(folder: Path) -> Checkout:
    """Look at a folder before anything is measured.

    Raises:
        Unready: it is no checkout of FQM, or its libraries are not installed.
    """
    if not all((folder / name).exists() for name in SOURCES):
        raise Unready(f"{folder} n'est pas un dossier de FQM : clonez github.com/mrf345/FQM et donnez ce dossier.")
    for name in PYTHONS:
        if os.access(folder / name, os.X_OK):
            return Checkout(folder=folder, python=(folder / name).absolute())
    raise Unready(
        f"FQM n'a pas son Python : dans {folder}, python3 -m venv .venv, "
        "puis .venv/bin/pip install -r requirements/main.txt gevent."
    )


@dataclass(frozen=True, kw_only=True)
class Fqm:
    """FQM as it runs: its port, and the file of its rows."""

    port: int
    rows: Path

    @contextmanager
    def kiosk(self) -> Iterator[Browser]:
        """A touch screen that shows the form of the task."""
        with closing(_visitor(self.port)) as browser:
            _form(browser, f"/serial/{TASK}")
            yield browser

    def take(self, kiosk: Browser) -> None:
        """Send the form of a touch screen; the name stands on the ticket, as no printer is there."""
        status, content, _ = kiosk.ask(f"/serial/{TASK}", {"name": "Patient"})
        if status not in REDIRECTS or b"/touch/" not in content:
            raise Unready(f"FQM n'a pas donné de ticket (réponse {status})")

    @contextmanager
    def counter(self) -> Iterator[Browser]:
        """A counter of the office, signed in as its first account."""
        with closing(_visitor(self.port)) as browser:
            _sign_in(browser)
            yield browser

    def call(self, counter: Browser) -> None:
        """Call the next of the task; what it says of it is read, so that its cookie does not grow with each call."""
        before = dict(counter.cookies)
        status, content, _ = counter.ask(f"/pull/{TASK}/{OFFICE}")
        counter.cookies = before
        if status not in REDIRECTS or b"/task/" not in content:
            raise Unready(f"FQM n'a pas appelé (réponse {status})")

    def leave_in_line(self, people: int, at: datetime) -> None:
        """Bring the line to a length: the oldest go, or others come."""
        with closing(self._open()) as db:
            ((now,),) = db.execute(HOW_MANY_WAIT)
            db.execute(OLDEST_GO, [max(0, now - people)])
            ((last,),) = db.execute("SELECT max(number) FROM serials")
            hours = [at.astimezone(UTC) - timedelta(seconds=left) for left in range(people - now, 0, -1)]
            db.executemany(
                ONE_COMES,
                [
                    (last + 1 + nth, f"{hour:%Y-%m-%d %H:%M:%S.%f}", f"{hour:%Y-%m-%d}")
                    for nth, hour in enumerate(hours)
                ],
            )
            db.commit()

    def called(self) -> int:
        """How many have been called so far."""
        with closing(self._open()) as db:
            ((found,),) = db.execute("SELECT count(*) FROM serials WHERE p = 1")
        return int(found)

    def be_still(self) -> None:
        """No announcements: each would be fetched from a service outside, and they are not what is measured."""
        with closing(self._open()) as db:
            db.execute("UPDATE displays SET announce = 'false'")
            db.commit()

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(self.rows, timeout=30)


@contextmanager
def running(ground: Ground) -> Iterator[Fqm]:
    """FQM from a copy of its checkout, with one office, one task and nobody in line.

    Raises:
        Unready: it does not start, or is not the FQM whose routes are known.
    """
    if ground.fqm is None:
        raise Unready("aucun dossier de FQM")
    found, folder = checkout(ground.fqm), ground.folder / "fqm"
    shutil.copytree(found.folder, folder, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
    _remember_nothing(folder / TRANSLATIONS)
    (port,) = free_ports(1)
    command = [str(found.python), "run.py", "--cli", "--quiet", "--ip", "127.0.0.1", "--port", str(port)]
    # Its own Python would write beside its libraries, which stand in the checkout.
    alone = {"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
    try:
        with started(
            command, {port: "/language_switch/en"}, log=ground.folder / "fqm.log", folder=folder, environment=alone
        ):
            programme = Fqm(port=port, rows=folder / ROWS)
            _furnish(programme, ground.now())
            yield programme
    except Broken as broken:
        raise Unready(f"FQM ne s'ouvre pas comme prévu : {broken}") from None


def _furnish(programme: Fqm, at: datetime) -> None:
    with closing(_visitor(programme.port)) as manager:
        _sign_in(manager)
        _send(manager, "/office_a", {"name": "Accueil", "prefix": "A"})
        _send(manager, f"/task_a/{OFFICE}", {"name": "Prelevement"})
    try:
        programme.be_still()
        for people in (1, 0):
            programme.leave_in_line(people, at)
    except sqlite3.Error as other:
        raise Unready(f"FQM range ses tickets autrement que la version connue : {other}") from None


def _visitor(port: int) -> Browser:
    browser = Browser(port)
    browser.ask("/language_switch/en")
    return browser


def _sign_in(browser: Browser) -> None:
    _form(browser, "/")
    _send(browser, "/", FIRST_ACCOUNT)


def _form(browser: Browser, path: str) -> None:
    status, content, _ = browser.ask(path)
    token = TOKEN.search(content.decode(errors="replace"))
    if not token:
        raise Unready(f"FQM ne montre pas de formulaire à {path} (réponse {status})")
    browser.token = unescape(token[1])


def _send(browser: Browser, path: str, fields: dict[str, str]) -> None:
    status, content, _ = browser.ask(path, fields)
    if status not in REDIRECTS or b"/log/" in content:
        raise Unready(f"FQM refuse ce qui lui est donné à {path} (réponse {status})")


def _remember_nothing(file: Path) -> None:
    """Let it know that nothing, translated, is nothing: it would ask a service outside at each form of a ticket."""
    known = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    known.setdefault("", {})["en"] = ""
    file.write_text(json.dumps(known), encoding="utf-8")
