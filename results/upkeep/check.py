"""What is wrong with an instance, in words, before anybody finds out at the counter."""

import os
import shutil
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kiosk.register.database import OtherTables, require_head
from kiosk.register.errors import Refusal
from kiosk.settings import KioskSettings, StaffSettings, UnsafeSettings, read_settings
from printers import settings as printer_settings
from printers.errors import PrinterError
from results.upkeep.founding import open_instance
from results.vault.keys import ExchangeKeys, KeyRing

LEAST_FREE = 1_000_000_000
LITTLE_FREE = 5_000_000_000


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that is wrong: what it is, what to do, and whether programmes must not start."""

    sentence: str
    stops: bool


def check(instance: Path) -> list[Finding]:
    """Look at an instance: folder, settings, keys, printers, tables, disk. An empty list is a good instance."""
    if not (instance / "staff.toml").exists():
        return [Finding(sentence=f"{instance} ne contient pas de laboratoire. Lancez « etiquette init ».", stops=True)]
    return [*_folder(instance), *_settings(instance), *_keys(instance), *_tables(instance), *_disk(instance)]


def _folder(instance: Path) -> Iterator[Finding]:
    if stat.S_IMODE(instance.stat().st_mode) & 0o007:
        yield Finding(sentence=f"{instance} est ouvert à tous. Faites : chmod 700 {instance}", stops=True)
    for name in ("register.sqlite", "results/results.sqlite", "spool.sqlite", "station.key"):
        file = instance / name
        if file.exists() and stat.S_IMODE(file.stat().st_mode) & 0o007:
            yield Finding(sentence=f"{file} est lisible par d'autres. Faites : chmod 600 {file}", stops=True)


def _settings(instance: Path) -> Iterator[Finding]:
    for name, kind in (("kiosk.toml", KioskSettings), ("staff.toml", StaffSettings)):
        try:
            read_settings(instance / name, kind)
        except UnsafeSettings as refused:
            yield Finding(sentence=str(refused), stops=True)
    try:
        found = printer_settings.read(instance / "printers.toml")
        settings = read_settings(instance / "staff.toml", StaffSettings)
    except PrinterError as refused:
        yield Finding(sentence=str(refused), stops=True)
    except UnsafeSettings:
        return  # already said above
    else:
        for wanted in (settings.label_printer, settings.slip_printer, settings.ticket_printer):
            if wanted not in found:
                yield Finding(sentence=f"printers.toml ne connaît pas l'imprimante « {wanted} ».", stops=True)


def _keys(instance: Path) -> Iterator[Finding]:
    try:
        ring = KeyRing.load(instance / "keys")
        ExchangeKeys.load(instance / "keys-exchange")
    except Refusal as refused:
        yield Finding(sentence=refused.sentence, stops=True)
        return
    if not ring.signers:
        yield Finding(sentence="Aucune clé de biologiste : rien ne pourra être signé.", stops=True)


def _tables(instance: Path) -> Iterator[Finding]:
    try:
        database = open_instance(instance)
        require_head(database, "register", "results")
        database.close()
    except OtherTables as refused:
        yield Finding(sentence=str(refused), stops=True)


def _disk(instance: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(instance).free
    if free < LITTLE_FREE:
        words = f"Il reste {free // 1_000_000} Mo sur le disque de {instance}. Faites de la place."
        yield Finding(sentence=words, stops=free < LEAST_FREE)
    if instance.stat().st_uid != os.getuid() and os.getuid() != 0:
        yield Finding(sentence=f"{instance} appartient à un autre utilisateur de la machine.", stops=True)
