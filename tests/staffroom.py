"""A laboratory's staff app with its people, on files of its own, and browsers that sign in."""

import atexit
import hashlib
import json
import random
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from functools import cache, partial
from html import unescape
from pathlib import Path

from argon2.low_level import Type, hash_secret
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import FileSystemBytecodeCache
from pyotp import TOTP
from werkzeug.test import TestResponse

from kiosk.presence.pins import set_pin
from kiosk.presence.roles import grant_role, propose_role
from kiosk.register.accounts import Staff, equip, make_staff
from kiosk.register.database import Database, open_sqlite, uuid7
from kiosk.register.sites import Site
from kiosk.register.staff import Actor, Role
from printers.settings import EXAMPLE
from printers.station.spool import StationSpool
from results.app import create_app
from results.trust.power import KeyRingPower
from results.vault.keys import KeyRing, make_keys, unlock
from results.vault.sealing import Cost, sign, verifier_of
from tests.tables import make_tables

Chance = Callable[[int], bytes]

PASSWORD = "le pont de la rivière"
SEED = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
CHEAP = Cost(memory_kib=64, passes=1)
SIGNER = bytes(range(32))

CAST = {
    "sophie": ("Sophie Martin", Role.SECRETARY),
    "nadia": ("Nadia Benali", Role.SECRETARY),
    "karim": ("Karim Haddad", Role.SAMPLER),
    "lenoir": ("Dr Claire Lenoir", Role.BIOLOGIST),
    "roux": ("Valérie Roux", Role.MANAGER),
    "alex": ("Alex Durand", Role.ADMINISTRATOR),
}


def ring_of(folder: Path = Path("nowhere")) -> KeyRing:
    """A key ring in memory whose one signer is Dr Lenoir."""
    key = hashlib.sha256(b"fields").digest()
    return KeyRing(
        folder=folder, pepper={1: key}, release={1: key}, fields={1: key}, journal={1: key}, escrow_public={1: key},
        intake_public={1: key}, signers={"lenoir": verifier_of(SIGNER)}, cookie=key,
    )  # fmt: skip


def power_of(ring: KeyRing, person: str = "lenoir") -> KeyRingPower:
    """The keys of power, rooted in one biologist's key."""
    return KeyRingPower(ring, biologist_fingerprint=hashlib.sha256(ring.signers[person]).hexdigest())


@cache
def password_hash(password: str = PASSWORD) -> str:
    """Argon2id of the one password of these tests, one small pass: what a real one costs is tested where it is made."""
    return hash_secret(
        password.encode(), b"\x07" * 16, time_cost=1, memory_cost=CHEAP.memory_kib, parallelism=1, hash_len=32,
        type=Type.ID,
    ).decode("ascii")  # fmt: skip


def people(
    database: Database, power: KeyRingPower, signing_seed: bytes, *, at: datetime, chance: Chance
) -> dict[str, Actor]:
    """Everyone of the cast with both proofs and a signed role."""
    made: dict[str, Actor] = {}
    with database.transaction("results") as db:
        rows: dict[str, Staff] = {}
        for login, (name, _role) in CAST.items():
            rows[login] = make_staff(db, name=name, login=login, by=None, power=power, at=at, chance=chance).staff
            equip(db, rows[login], password_hash=password_hash(), seed=SEED, power=power, at=at, chance=chance)
        for login, (name, role) in CAST.items():
            grant = propose_role(db, rows[login].id, role, by=None, power=power, at=at, chance=chance)
            signing = partial(sign, signing_seed)
            grant_role(db, grant, by=rows["lenoir"].id, sign=signing, power=power, at=at, chance=chance)
            made[login] = Actor(id=rows[login].id, name=name, roles=frozenset({role}))
    return made


@dataclass(kw_only=True)
class Room:
    """The running app, its hour, its keys and its people."""

    app: Flask
    folder: Path
    database: Database
    power: KeyRingPower
    people: dict[str, Actor]
    at: datetime
    browsers: list["Browser"] = field(default_factory=list)

    def browser(self, address: str = "127.0.0.1") -> "Browser":
        """A browser on a PC of the laboratory."""
        return Browser(room=self, client=self.app.test_client(), address=address)

    def give_pin(self, login: str, pin: str) -> None:
        """Let somebody have chosen a desk PIN."""
        with self.database.transaction("results") as db:
            set_pin(
                db, self.people[login].id, pin_hash=password_hash(pin), power=self.power, at=self.at,
                chance=random.Random(pin).randbytes,
            )  # fmt: skip

    def later(self, **span: float) -> None:
        """Let time pass."""
        self.at += timedelta(**span)

    def digits(self, steps: int = 0) -> str:
        """The six digits of everyone's authenticator now."""
        return TOTP(SEED).at(self.at, counter_offset=steps)


@dataclass(kw_only=True)
class Browser:
    """One browser: it keeps its cookie and the token of the page it last saw."""

    room: Room
    client: FlaskClient
    address: str
    token: str = ""

    def get(self, path: str, **headers: str) -> TestResponse:
        """Look at a page."""
        return self._seen(
            self.client.get(
                path, base_url="https://labo.test", environ_base={"REMOTE_ADDR": self.address}, headers=headers
            )
        )

    def post(self, path: str, **fields: str) -> TestResponse:
        """Send a form with the token of the last page."""
        return self._seen(
            self.client.post(
                path, base_url="https://labo.test", environ_base={"REMOTE_ADDR": self.address},
                data={"csrf_token": self.token} | fields,
            )
        )  # fmt: skip

    def sign_in(self, login: str = "sophie", *, desk: str = "Guichet 1", **fields: str) -> TestResponse:
        """Sign in with both proofs, or with others."""
        self.get("/entrer")
        return self.post(
            "/entrer", **{"login": login, "password": PASSWORD, "digits": self.room.digits(), "desk": desk} | fields
        )

    def raise_power(self) -> TestResponse:
        """Give six digits more for what gives power; the authenticator has shown others meanwhile."""
        self.room.later(seconds=30)
        self.get("/")
        return self.post("/preuve", what="power", digits=self.room.digits())

    def pair(self, name: str = "accueil", desk: str = "Guichet 1") -> "Browser":
        """Let the manager pair this PC and leave."""
        self.sign_in("roux", desk=desk)
        self.raise_power()
        answer = self.post("/postes", name=name, desk=desk)
        assert answer.status_code == 303, answer.text
        self.post("/sortir")
        self.room.later(seconds=30)
        return self

    def come_back(self, login: str, pin: str, **fields: str) -> TestResponse:
        """Come back to a paired PC by a desk PIN."""
        self.get("/entrer")
        key = self.room.app.extensions["house"].chance(16).hex()
        typed = {"form_key": key, "staff": str(self.room.people[login].id), "desk_pin": pin}
        return self.post("/revenir", **typed | fields)

    def _seen(self, answer: TestResponse) -> TestResponse:
        if found := re.search(r'name="csrf_token" value="([^"]+)"', answer.text if answer.is_json is False else ""):
            self.token = unescape(found[1])
        return answer


@cache
def _founded(at: datetime) -> tuple[Path, dict[str, Actor]]:
    """A laboratory and its people, founded once at an hour and copied for each test."""
    folder, chance = _scratch("laboratory"), random.Random(at.isoformat()).randbytes
    make_keys(
        folder / "keys", folder / "keys-exchange", person="lenoir", passphrase="la rivière sous le pont",
        chance=chance, cost=CHEAP,
    )  # fmt: skip
    ring = KeyRing.load(folder / "keys")
    seed = unlock(folder / "keys", "lenoir", "la rivière sous le pont", cost=CHEAP).signer_seed
    write_settings(folder, hashlib.sha256(ring.signers["lenoir"]).hexdigest())
    make_tables(folder)
    database = open_sqlite(folder / "register.sqlite", folder / "results.sqlite")
    with database.transaction() as db:
        db.add(
            Site(
                id=uuid7(at, chance),
                number=1,
                name="Laboratoire des Tilleuls",
                timezone="Europe/Paris",
                opens=time(7, 30),
                closes=time(18, 0),
            )
        )
    everyone = people(database, power_of(ring), seed, at=at, chance=chance)
    database.close()
    return folder, everyone


@cache
def compiled_templates() -> FileSystemBytecodeCache:
    """What Jinja made of the templates: the same for every app, so each is compiled once a run."""
    return FileSystemBytecodeCache(str(_scratch("templates")))


def _scratch(name: str) -> Path:
    folder = Path(tempfile.mkdtemp(prefix=f"etiquette-{name}-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@contextmanager
def open_room(folder: Path, *, at: datetime, chance: Chance) -> Iterator[Room]:
    """Copy a founded laboratory to an empty folder and start its staff app at a given hour."""
    founded, everyone = _founded(at)
    shutil.copytree(founded, folder, dirs_exist_ok=True)
    folder.chmod(0o700)
    power = power_of(KeyRing.load(folder / "keys"))
    database = open_sqlite(folder / "register.sqlite", folder / "results.sqlite")
    app = create_app(folder)
    app.jinja_env.bytecode_cache = compiled_templates()
    room = Room(app=app, folder=folder, database=database, power=power, people=dict(everyone), at=at)
    home = app.extensions["house"]
    # The same file, with the station's hands too: a test plays both.
    spool = StationSpool(home.spool.path, home.spool.station)
    app.extensions["house"] = replace(home, spool=spool, now=lambda: room.at, chance=chance)
    try:
        yield room
    finally:
        database.close()
        app.extensions["house"].database.close()
        app.extensions["house"].spool.close()


def write_settings(folder: Path, fingerprint: str, **changed: object) -> None:
    """Write `staff.toml`, mode 0600, and the printers that it names."""
    values = {
        "register": "register.sqlite", "results": "results.sqlite", "spool": "spool.sqlite", "station": "ab" * 64,
        "keys": "keys", "keys_exchange": "keys-exchange", "biologist_fingerprint": fingerprint,
        "label_printer": "labels", "slip_printer": "slips", "ticket_printer": "tickets",
        "desks": ["Guichet 1", "Guichet 2"], "rooms": ["Salle 1"], "demonstration": False,
    } | changed  # fmt: skip
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items()]
    file = folder / "staff.toml"
    file.unlink(missing_ok=True)
    file.touch(mode=0o600)
    file.write_text("\n".join([*lines, "", "[promise_minutes]", "C0 = 480"]) + "\n", encoding="utf-8")
    (folder / "printers.toml").write_text(EXAMPLE, encoding="utf-8")
