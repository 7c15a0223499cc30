"""One programme's settings: a file, read once, frozen; unknown keys and unsafe files are refused."""

import os
import re
import stat
import tomllib
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin

Settings = TypeVar("Settings")

HEX_SECRET = re.compile(r"[0-9a-f]{64}")


class UnsafeSettings(Exception):  # noqa: N818  # a refusal to start, told to a person
    """The programme must not start with these settings; the sentence says what to change."""


@dataclass(frozen=True, kw_only=True)
class KioskSettings:
    """`instance/kiosk.toml`: what the public app may know."""

    #: SQLite path of the register, or a PostgreSQL address.
    register: str
    #: Path of the print spool.
    spool: str
    #: The print station's two public keys, 128 hexadecimal digits.
    station: str
    #: Name in printers.toml of the queue-ticket printer.
    ticket_printer: str
    #: 32 random bytes in hexadecimal, for this app's cookie.
    secret: str
    #: Marks every screen of a demonstration laboratory.
    demonstration: bool
    #: What staff screens call the kiosk of a demonstration, which is paired with nobody.
    kiosk: str = "Borne 1"
    #: The roll of the queue-ticket printer, as in printers.toml, which this app cannot read.
    ticket_media: str = "roll-80"
    #: Above so many people in line, one scan or one tap gives a number; 0 leaves it to the staff's key.
    rush_above: int = 0
    #: Address under which telephones reach this app, as `https://file.labo.fr`; empty: no page to follow the line.
    follow_url: str = ""
    #: Name of a kiosk -> the size of its screen and where it stands (`kiosk/door/profile.py`).
    screen: dict[str, dict[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class StaffSettings:
    """`instance/staff.toml`: what the staff app may know."""

    #: SQLite path or PostgreSQL address of the register, and SQLite path of the results file (same address there).
    register: str
    results: str
    #: Path of the print spool.
    spool: str
    #: The print station's two public keys, 128 hexadecimal digits, pinned here.
    station: str
    #: Folders of the keys (release note, section 8).
    keys: str
    keys_exchange: str
    #: SHA-256 of the first biologist's public key: the root of trust, also on signed paper.
    biologist_fingerprint: str
    #: Names in printers.toml.
    label_printer: str
    slip_printer: str
    ticket_printer: str
    #: Where people are called to.
    desks: tuple[str, ...]
    rooms: tuple[str, ...]
    #: Release class -> minutes from registration to the promised hour.
    promise_minutes: dict[str, int]
    #: Marks every screen of a demonstration laboratory.
    demonstration: bool
    #: Address under which telephones reach the public app, as in kiosk.toml: it stands on the counter's tickets too.
    follow_url: str = ""
    #: The printer of the reports that are handed over or posted; empty: the one of the slips.
    report_printer: str = ""
    #: The site's table of tubes, read by `labels.planning.table`; without one the shipped table holds.
    tubes: dict[str, Any] = field(default_factory=dict)

    @property
    def reports_on(self) -> str:
        """The name of the printer on which reports come out."""
        return self.report_printer or self.slip_printer


def read_settings(path: Path, kind: type[Settings]) -> Settings:
    """Read a settings file into its dataclass.

    Raises:
        UnsafeSettings: when the file is missing or readable by others, a key is unknown or missing or has the wrong
            type, or the secret is not 32 random bytes.
    """
    text = read_private(path)
    try:
        found = tomllib.loads(text)
    except tomllib.TOMLDecodeError as broken:
        raise UnsafeSettings(f"{path.name} : {broken}") from None
    known = {one.name: one for one in fields(kind)}  # type: ignore[arg-type]  # every kind is a dataclass
    for name in found:
        if name not in known:
            raise UnsafeSettings(f"{path.name}, ligne {_line_of(text, name)} : réglage inconnu « {name} ».")
    for name, one in known.items():
        if name not in found and one.default is MISSING and one.default_factory is MISSING:
            raise UnsafeSettings(f"{path.name} : il manque le réglage « {name} ».")
        if name in found and not _fits(found[name], one.type):
            raise UnsafeSettings(f"{path.name}, ligne {_line_of(text, name)} : « {name} » n'a pas la bonne forme.")
    secret = found.get("secret")
    if secret is not None and (not HEX_SECRET.fullmatch(secret) or len(set(secret)) < 8):
        raise UnsafeSettings(f"{path.name} : « secret » n'est pas fait de 32 octets tirés au hasard.")
    return kind(**{name: tuple(value) if isinstance(value, list) else value for name, value in found.items()})


def read_private(path: Path) -> str:
    """The text of a file that belongs to this user alone.

    Raises:
        UnsafeSettings: when it is missing, or other users of the machine may read it.
    """
    try:
        mode = path.stat()
    except FileNotFoundError:
        raise UnsafeSettings(f"{path} n'existe pas. Lancez « etiquette init ».") from None
    if stat.S_IMODE(mode.st_mode) & 0o007:
        raise UnsafeSettings(f"{path} est lisible par d'autres. Faites : chmod 600 {path}")
    if mode.st_uid not in {os.getuid(), 0}:
        raise UnsafeSettings(f"{path} appartient à un autre utilisateur de la machine.")
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise UnsafeSettings(f"{path.name} n'est pas un texte UTF-8.") from None


def _fits(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, UnionType):
        return any(_fits(value, one) for one in get_args(wanted))
    if get_origin(wanted) is tuple:
        return isinstance(value, list) and all(type(one) is get_args(wanted)[0] for one in value)
    if get_origin(wanted) is dict:
        return isinstance(value, dict) and all(_fits(one, get_args(wanted)[1]) for one in value.values())
    return wanted is Any or type(value) is wanted


def _line_of(text: str, name: str) -> int:
    lines = text.splitlines()
    return next((n for n, line in enumerate(lines, 1) if re.match(rf"\s*\[?{re.escape(name)}\b", line)), 1)
