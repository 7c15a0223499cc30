"""A laboratory's instance is founded: folders, settings, keys, tables, site, and the first two people."""

import hashlib
import json
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, time
from functools import partial
from pathlib import Path

from kiosk.presence.roles import grant_role, propose_role
from kiosk.register.accounts import Staff, equip, make_staff
from kiosk.register.clock import Chance
from kiosk.register.database import Database, OtherTables, open_database, require_head, uuid7
from kiosk.register.errors import Conflict
from kiosk.register.sites import Site
from kiosk.register.staff import Role, hash_password
from labels.planning.table import SHIPPED
from results.matrix import PROPOSAL, keep_head, read_routes, sign_matrix
from results.trust.power import KeyRingPower
from results.upkeep.schema import migrate
from results.vault.keys import KeyRing, unlock
from results.vault.sealing import sign

#: Release class -> minutes until the promised hour: long enough for a confirmation where the class may need one.
PROMISES = {"C0": 480, "C1": 360, "C2": 1440, "C3": 4320, "C4": 2880, "C5": 14400}

REGISTER, RESULTS, SPOOL = "register.sqlite", "results/results.sqlite", "spool.sqlite"


class AlreadyFounded(Conflict):
    """The instance folder already holds a laboratory; nothing was changed."""

    french = "Ce dossier contient déjà un laboratoire. Rien n'a été changé."


@dataclass(frozen=True, kw_only=True)
class Printers:
    """The addresses of the three printers of a small laboratory, as in `printers.toml`."""

    labels: str
    tickets: str
    slips: str


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What the founder is asked: name, place, hours, printers, desks and rooms."""

    name: str
    number: int
    timezone: str
    opens: time
    closes: time
    printers: Printers
    desks: tuple[str, ...] = ("Guichet 1", "Guichet 2")
    rooms: tuple[str, ...] = ("Salle 1",)
    demonstration: bool = False
    promise_minutes: Mapping[str, int] = field(default_factory=lambda: dict(PROMISES))


def refuse_founded(instance: Path) -> None:
    """Refuse a folder that holds a laboratory, or the keys of one: they are never written over.

    Raises:
        AlreadyFounded: it does.
    """
    keys = (*(instance / "keys").glob("*"), *(instance / "keys-exchange").glob("*"))
    if (instance / "staff.toml").exists() or (instance / REGISTER).exists() or keys:
        raise AlreadyFounded


@contextmanager
def whole_or_nothing(instance: Path) -> Iterator[None]:
    """Found a laboratory in this block; whatever fails, the folder is again what it was, with what it held.

    Raises:
        AlreadyFounded: when it already holds a laboratory.
    """
    refuse_founded(instance)
    before = {path.name for path in instance.iterdir()} if instance.exists() else None
    mode = stat.S_IMODE(instance.stat().st_mode) if before is not None else 0
    try:
        yield
    except BaseException:
        for path in instance.iterdir() if instance.exists() else ():
            if path.name not in (before or ()):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        if before is not None:
            instance.chmod(mode)
        elif instance.exists():
            instance.rmdir()
        raise


def make_folders(instance: Path) -> None:
    """Make the instance folder and its rooms, closed to every other user of the machine.

    Raises:
        AlreadyFounded: when it already holds a laboratory.
    """
    refuse_founded(instance)
    for folder in (instance, instance / "results"):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)


def write_settings(instance: Path, answers: Answers, *, station: str, fingerprint: str, chance: Chance) -> None:
    """Write the settings files, each mode 0600, with fresh random secrets.

    Args:
        station: the print station's two public keys, 128 hexadecimal digits.
        fingerprint: SHA-256 of the first biologist's public key.
    """
    shared = {"register": REGISTER, "spool": SPOOL, "station": station, "demonstration": answers.demonstration}
    kiosk = shared | {"ticket_printer": "tickets", "secret": chance(32).hex()}
    staff = shared | {
        "results": RESULTS, "keys": "keys", "keys_exchange": "keys-exchange", "biologist_fingerprint": fingerprint,
        "label_printer": "labels", "slip_printer": "slips", "ticket_printer": "tickets",
        "desks": list(answers.desks), "rooms": list(answers.rooms),
    }  # fmt: skip
    write_toml(instance / "kiosk.toml", "Réglages de l'application publique (borne et écran).", kiosk)
    staff_file = instance / "staff.toml"
    write_toml(staff_file, "Réglages de l'application du personnel.", staff, promise_minutes=answers.promise_minutes)
    # The whole table, so that a biologist reads in one place what is to be signed.
    write_private(staff_file, staff_file.read_text("utf-8") + "\n" + SHIPPED.read_text("utf-8"))
    papers = {
        "labels": (answers.printers.labels, "label-50x25"),
        "tickets": (answers.printers.tickets, "roll-80"),
        "slips": (answers.printers.slips, "roll-80"),
    }
    text = "# Imprimantes : une table par imprimante.\n" + "".join(
        f'\n[printer.{name}]\nkind = "escpos"\naddress = {_toml(address)}\nmedia = {_toml(media)}\n'
        for name, (address, media) in papers.items()
    )
    write_private(instance / "printers.toml", text)


def make_site(instance: Path, answers: Answers, *, at: datetime, chance: Chance) -> Site:
    """Make the tables of both sides and the site's row."""
    migrate(str(instance / REGISTER), str(instance / RESULTS))
    for file in (REGISTER, RESULTS):
        (instance / file).chmod(0o600)
    site = Site(
        id=uuid7(at, chance), number=answers.number, name=answers.name, timezone=answers.timezone,
        opens=answers.opens, closes=answers.closes,
    )  # fmt: skip
    database = open_instance(instance)
    with database.transaction() as db:
        db.add(site)
    database.close()
    return site


@dataclass(frozen=True, kw_only=True, repr=False)
class Person:
    """Someone who works here, with the two proofs that they chose or were given in person."""

    name: str
    login: str
    roles: tuple[Role, ...]
    password: str
    seed: str
    #: The step of the second factor that was shown at the enrolment: it opens nothing any more.
    step: int = 0


def welcome_people(
    instance: Path, people: Sequence[Person], *, biologist: str, passphrase: str, at: datetime, chance: Chance
) -> None:
    """Make the first accounts; the first biologist signs everyone's roles and the shipped matrix, in person.

    Args:
        biologist: login of the first biologist, who is one of `people`.
        passphrase: of the biologist's keys.
    """
    folder = instance / "keys"
    ring = KeyRing.load(folder)
    power = KeyRingPower(ring, biologist_fingerprint=hashlib.sha256(ring.signers[biologist]).hexdigest())
    unlocked = unlock(folder, biologist, passphrase)
    hashes = {person.login: hash_password(person.password, chance=chance) for person in people}
    database = open_instance(instance)
    with database.transaction("results") as db:
        accounts: dict[str, Staff] = {}
        for person in people:
            staff = make_staff(
                db, name=person.name, login=person.login, by=None, power=power, at=at, chance=chance
            ).staff
            equip(
                db, staff, password_hash=hashes[person.login], seed=person.seed, step=person.step, power=power, at=at,
                chance=chance,
            )  # fmt: skip
            accounts[person.login] = staff
        signer = accounts[biologist].id
        for person in people:
            for role in person.roles:
                staff_id = accounts[person.login].id
                grant = propose_role(db, staff_id, role, by=None, power=power, at=at, chance=chance)
                grant_role(
                    db, grant, by=signer, sign=partial(sign, unlocked.signer_seed), power=power, at=at, chance=chance
                )
        signed = sign_matrix(
            db, read_routes(PROPOSAL.read_bytes()), valid_from=at, biologist=unlocked, by=signer, at=at, chance=chance
        )
    keep_head(folder, signed)
    database.close()


def open_instance(instance: Path) -> Database:
    """Both sides of an instance of SQLite files."""
    return open_database(str(instance / REGISTER), str(instance / RESULTS))


def require_files(instance: Path) -> None:
    """Refuse an instance that has lost one of its files: a new one in its place would hide it.

    Raises:
        OtherTables: naming the file.
    """
    for file in (REGISTER, RESULTS):
        if not (instance / file).exists():
            raise OtherTables(f"Il manque {file}. Rien ne le remplace : retrouvez-le, ou reprenez une copie.")


@contextmanager
def opened_instance(instance: Path) -> Iterator[Database]:
    """Both sides of an instance, closed at the end of the block whatever happens in it.

    Raises:
        OtherTables: when a file is missing, or older or newer than this code.
    """
    require_files(instance)
    database = open_instance(instance)
    try:
        require_head(database, "register", "results")
        yield database
    finally:
        database.close()


def write_toml(path: Path, title: str, values: Mapping[str, object], **tables: Mapping[str, object]) -> None:
    """Write a flat settings file with its tables, mode 0600."""
    lines = [f"# {title}", *(f"{name} = {_toml(value)}" for name, value in values.items())]
    for table, content in tables.items():
        lines += ["", f"[{table}]", *(f"{name} = {_toml(value)}" for name, value in content.items())]
    write_private(path, "\n".join(lines) + "\n")


def write_private(path: Path, text: str) -> None:
    """Write a file that this user alone may read."""
    path.touch(mode=0o600)
    path.chmod(0o600)
    path.write_text(text, encoding="utf-8")


def _toml(value: object) -> str:
    # A JSON string, number, boolean or list of strings is written the same in TOML.
    return json.dumps(value, ensure_ascii=False)
