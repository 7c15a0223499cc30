"""Laboratories that were founded once and are copied for each test, and a terminal that answers what it is asked."""

import atexit
import os
import pty
import re
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cache
from html import unescape
from pathlib import Path

from flask.testing import FlaskClient
from pyotp import TOTP

from kiosk.register import clock
from printers.station.keys import make_station_key
from results.app import create_app
from results.upkeep import demonstration
from results.upkeep.demonstration import Made
from results.upkeep.founding import make_folders
from results.upkeep.supervise import free_ports

HOUSE = Path(__file__).resolve().parents[1]
PASSPHRASE = "le phare au bout de la jetée"
PASSWORD = "une barque sous la pluie"
LABORATORY = "Laboratoire de la Jetée"


@dataclass
class Terminal:
    """A person at a real terminal: reads until the question stands, then types."""

    words: tuple[str, ...]
    seen: str = ""
    read: int = 0
    _bytes: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "results.cli", *self.words], stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True, cwd=HOUSE,
        )  # fmt: skip
        os.close(slave)

    def until(self, question: str, *, patience: float = 60) -> str:
        """What was shown up to the question, that one included."""
        wanted = re.compile(re.escape(question) + r"(?: \[[^\]]*\])?: ")
        end = time.monotonic() + patience
        while (found := wanted.search(self.seen, self.read)) is None:
            assert time.monotonic() < end, f"« {question} » never came: {self.seen[-600:]}"
            assert self._more(), f"« {question} » never came: {self.seen[-600:]}"
        shown = self.seen[self.read : found.end()]
        self.read = found.end()
        return shown

    def answer(self, question: str, text: str) -> str:
        """Wait for a question and type one line; give what was shown before."""
        shown = self.until(question)
        os.write(self.master, text.encode() + b"\n")
        return shown

    def end(self) -> int:
        """Read to the end and give the exit code."""
        while self._more():
            pass
        os.close(self.master)
        return self.process.wait(60)

    def _more(self) -> bool:
        # Not select(): it knows no descriptor above 1,024, and a long run of tests holds many.
        waiting = select.poll()
        waiting.register(self.master, select.POLLIN)
        if not waiting.poll(60_000):
            return False
        try:
            piece = os.read(self.master, 65536)
        except OSError:  # the other side is closed
            return False
        self._bytes += piece
        self.seen = self._bytes.decode("utf-8", "ignore").replace("\r\n", "\n")
        return bool(piece)


@dataclass(frozen=True, kw_only=True)
class Founded:
    """A real laboratory, as its founders left the terminal."""

    folder: Path
    transcript: str
    code: int
    #: Login -> second-factor seed, and the six digits typed at the enrolment.
    seeds: dict[str, str]
    typed: dict[str, str]
    #: When the last of them was typed.
    at: datetime


def copy_of(folder: Path, to: Path) -> Path:
    """A copy of an instance with its modes."""
    shutil.copytree(folder, to)
    to.chmod(0o700)
    return to


@cache
def _demonstration() -> tuple[Path, Made]:
    folder = _scratch() / "demonstration"
    make_folders(folder)
    station = str(make_station_key(folder / "station.key", clock.chance))
    return folder, demonstration.found(folder, station=station, at=clock.now(), chance=clock.chance)


def demonstration_in(folder: Path) -> Made:
    """A copy of one demonstration, with ports of its own for its printers."""
    kept, made = _demonstration()
    copy_of(kept, folder)
    file = folder / "printers.toml"
    ports = iter(free_ports(3))
    file.write_text(re.sub(r"(127\.0\.0\.1):\d+", lambda found: f"{found[1]}:{next(ports)}", file.read_text()))
    return made


def interview(folder: Path) -> Founded:
    """Found a laboratory at a terminal, as people do it: with a few slips of the hand."""
    person = Terminal(("--instance", str(folder), "init"))
    person.answer("Nom du laboratoire", LABORATORY)
    person.answer("Numéro du site, sur chaque tube (1 à 99)", "107")
    person.answer("Numéro du site, sur chaque tube (1 à 99)", "7")
    person.answer("Fuseau horaire du territoire", "Réunion")
    person.answer("Fuseau horaire du territoire", "Indian/Reunion")
    person.answer("Heure d'ouverture", "tôt")
    person.answer("Heure d'ouverture", "7 h 15")
    person.answer("Heure de fermeture", "25:00")
    person.answer("Heure de fermeture", "7:15")
    person.answer("Heure de fermeture", "17h")
    person.answer("  étiquettes des tubes", "l'imprimante du fond")
    person.answer("  étiquettes des tubes", "tcp://127.0.0.1:19101")
    person.answer("  tickets de la borne", "tcp://127.0.0.1:19101")
    person.answer("  tickets de la borne", "tcp://127.0.0.1:19102")
    person.answer("  talons confidentiels, au guichet", "tcp://127.0.0.1:19103")
    seeds, typed = {}, {}
    seeds["lenoir"], typed["lenoir"] = _enrol(person, "Dr Claire Lenoir", ("Claire Lenoir", "lenoir"))
    for phrase in ("trop courte", PASSPHRASE):
        person.answer("Phrase", phrase)
        person.answer("Encore une fois", phrase)
    seeds["alex"], typed["alex"] = _enrol(person, "Alex Durand", ("lenoir", "alex"))
    at = clock.now()
    code = person.end()
    return Founded(folder=folder, transcript=person.seen, code=code, seeds=seeds, typed=typed, at=at)


def enrol(person: Terminal) -> tuple[str, str]:
    """Choose a password, weak first; read the seed off the screen; type wrong digits, then the right ones."""
    for password in ("motdepasse123", PASSWORD):
        person.answer("Mot de passe (12 signes au moins)", password)
        person.answer("Encore une fois", password)
    shown = person.until("Les six chiffres qu'elle affiche")
    found = re.search(r"authentification : ([A-Z2-7]{32})", shown)
    assert found is not None
    right = TOTP(found[1]).at(clock.now())
    wrong = f"{(int(right) + 1) % 1_000_000:06}"
    os.write(person.master, wrong.encode() + b"\n")
    right = TOTP(found[1]).at(clock.now())
    person.answer("Les six chiffres qu'elle affiche", right)
    return found[1], right


def _enrol(person: Terminal, name: str, logins: tuple[str, ...]) -> tuple[str, str]:
    person.answer("Nom, comme les collègues le lisent", name)
    for login in logins:
        person.answer("Identifiant (minuscules sans accent)", login)
    return enrol(person)


@cache
def real_laboratory() -> Founded:
    """One real laboratory, founded at a terminal; copy its folder before changing anything."""
    return interview(_scratch() / "laboratory")


@cache
def _scratch() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="etiquette-founded-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@dataclass(kw_only=True)
class Door:
    """The sign-in page of an instance at an hour that the test says."""

    client: FlaskClient
    at: datetime

    def enter(self, login: str, password: str, digits: str) -> bool:
        """Whether this person with these two proofs is let in."""
        page = self.client.get("/entrer", base_url="https://labo.test").text
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert token is not None
        answer = self.client.post(
            "/entrer", base_url="https://labo.test",
            data={
                "csrf_token": unescape(token[1]), "login": login, "password": password, "digits": digits,
                "desk": "Guichet 1",
            },
        )  # fmt: skip
        return answer.status_code == 303

    def digits(self, seed: str) -> str:
        """The six digits of an authenticator now."""
        return TOTP(seed).at(self.at)

    def later(self, **span: float) -> None:
        """Let time pass."""
        self.at += timedelta(**span)


@contextmanager
def door_of(instance: Path, *, wait: float = 90, at: datetime | None = None) -> Iterator[Door]:
    """The staff app of an instance at an hour, or `wait` seconds from now: what an enrolment took is over by then."""
    app = create_app(instance)
    door = Door(client=app.test_client(), at=at or clock.now() + timedelta(seconds=wait))
    now: Callable[[], datetime] = lambda: door.at  # noqa: E731
    app.extensions["house"] = replace(app.extensions["house"], now=now)
    try:
        yield door
    finally:
        app.extensions["house"].database.close()
        app.extensions["house"].spool.close()
