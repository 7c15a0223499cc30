"""What is wrong with an instance, in words, before anybody finds out at the counter."""

import os
import shutil
import stat
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from kiosk.door.profile import read_profiles
from kiosk.presence.roles import everyone
from kiosk.register.database import OtherTables
from kiosk.register.errors import Refusal
from kiosk.register.sites import this_site
from kiosk.register.staff import Role
from kiosk.settings import KioskSettings, StaffSettings, UnsafeSettings, read_settings
from labels.layouts import media_of
from printers import settings as printer_settings
from printers.errors import PrinterError
from printers.paper import MEDIA
from printers.spool import Spool
from printers.station.keys import station_id
from results.trust.keyholders import under_older
from results.trust.power import KeyRingPower
from results.trust.standing import Standing, standing_of
from results.upkeep.founding import opened_instance
from results.upkeep.tubes import read_printable
from results.vault.keyfolder import KeyFolder
from results.vault.keys import ExchangeKeys, KeyRing
from results.vault.keytext import KeyText

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
    looks = (_folder, _settings, _screens, _station, _keys, _tables, _disk)
    return [finding for look in looks for finding in look(instance)]


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
        else:
            if kind is StaffSettings:
                yield from _tubes(instance / name)
    try:
        kiosk = read_settings(instance / "kiosk.toml", KioskSettings)
        media_of(read_settings(instance / "staff.toml", StaffSettings), instance / "printers.toml")
        tickets = printer_settings.read(instance / "printers.toml").get(kiosk.ticket_printer)
    except PrinterError as refused:
        yield Finding(sentence=str(refused), stops=True)
    except UnsafeSettings:
        return  # already said above
    else:
        if tickets is None:
            words = f"printers.toml ne connaît pas l'imprimante « {kiosk.ticket_printer} »."
            yield Finding(sentence=words, stops=True)
        elif tickets.media != MEDIA.get(kiosk.ticket_media):
            words = f"kiosk.toml : « ticket_media » n'est pas le papier de « {kiosk.ticket_printer} »."
            yield Finding(sentence=words, stops=True)
        yield from _unpaired(instance)


def _unpaired(instance: Path) -> Iterator[Finding]:
    """Whether the reports' own printer may prove them: not one before a person stood in front of it."""
    name = read_settings(instance / "staff.toml", StaffSettings).report_printer
    if not name or not (instance / "spool.sqlite").exists():
        return
    with Spool(instance / "spool.sqlite") as spool:
        proved = {told.name for told in spool.printers() if told.proved is not None and told.proved.process_id}
    if name not in proved:
        words = f"L'imprimante « {name} » ne prouve pas encore ses pages. Faites : python -m printers pair {name}"
        yield Finding(sentence=words, stops=False)


def _screens(instance: Path) -> Iterator[Finding]:
    with suppress(UnsafeSettings):  # said above
        screens = read_settings(instance / "kiosk.toml", KioskSettings).screen
        try:
            read_profiles(screens)
        except UnsafeSettings as refused:
            yield Finding(sentence=str(refused), stops=True)


def _tubes(file: Path) -> Iterator[Finding]:
    try:
        read_printable(file)
    except UnsafeSettings as refused:
        yield Finding(sentence=str(refused), stops=True)
    except PrinterError:
        return  # told with the printers


def _station(instance: Path) -> Iterator[Finding]:
    try:
        own = str(station_id(instance / "station.key"))
    except PrinterError as refused:
        yield Finding(sentence=str(refused), stops=True)
        return
    try:
        pinned = {
            "kiosk.toml": read_settings(instance / "kiosk.toml", KioskSettings).station,
            "staff.toml": read_settings(instance / "staff.toml", StaffSettings).station,
        }
    except UnsafeSettings:
        return  # said with the settings
    for name, station in pinned.items():
        if station.lower() != own:
            yield Finding(sentence=f"{name} : « station » n'est pas la clé de station.key.", stops=True)


def _keys(instance: Path) -> Iterator[Finding]:
    try:
        settings = read_settings(instance / "staff.toml", StaffSettings)
        ring = KeyRing.load(instance / settings.keys)
        ExchangeKeys.load(instance / settings.keys_exchange)
    except UnsafeSettings:
        return  # said with the settings
    except Refusal as refused:
        yield Finding(sentence=refused.sentence, stops=True)
        return
    if not KeyRingPower(ring, biologist_fingerprint=settings.biologist_fingerprint).rooted:
        words = "staff.toml : aucune clé de biologiste n'a l'empreinte « biologist_fingerprint »."
        yield Finding(sentence=words, stops=True)


def check_keys(instance: Path) -> list[str]:
    """Look at who holds which keys: what is missing after somebody came or left, each in a sentence.

    Raises:
        UnsafeKeys: a key file is missing, strange or not protected.
    """
    if not (instance / "staff.toml").exists():  # keys that were just made, before the laboratory around them
        KeyRing.load(instance / "keys")
        ExchangeKeys.load(instance / "keys-exchange")
        return []
    settings = read_settings(instance / "staff.toml", StaffSettings)
    keys = KeyRing.load(instance / settings.keys)
    ExchangeKeys.load(instance / settings.keys_exchange)
    power = KeyRingPower(keys, biologist_fingerprint=settings.biologist_fingerprint)
    with opened_instance(instance) as database, database.reading() as db:
        return missing_keys(db, keys, power)


def missing_keys(db: Session, keys: KeyRing, power: KeyRingPower) -> list[str]:
    """What is missing after somebody came or left, each in a sentence."""
    standing, texts = standing_of(keys), KeyFolder.open(keys.folder).texts
    newest = max(keys.escrow_public)
    said = [f"La clé de {who} n'est signée par aucun biologiste." for who in keys.signers if who not in standing.terms]
    said += _private_halves(standing, texts.values(), newest)
    if standing.is_escrow_late:
        said.append("Un biologiste est parti : lancez « etiquette keys rotate escrow ».")
    if waits := under_older(db, newest):
        said.append(f"{waits} scellés sont sous un ancien séquestre. Lancez « etiquette keys rotate escrow ».")
    elif len(keys.escrow_public) > 1:
        said.append("Un ancien séquestre reste. Relancez les programmes, puis « etiquette keys rotate escrow ».")
    for staff, roles in everyone(db, power):
        if Role.BIOLOGIST in roles and staff.login not in standing.in_office:
            said.append(f"{staff.login} est biologiste et n'a pas de clés : « etiquette keys add {staff.login} ».")
    return said


def _private_halves(standing: Standing, texts: Collection[KeyText], newest: int) -> Iterator[str]:
    names = {text.name for text in texts}
    for who in standing.in_office:
        if f"signer.{who}.wrapped" not in names:
            yield f"Il manque la clé privée de {who}."
        if not names & {f"escrow.{newest}.{who}.{end}" for end in ("wrapped", "handed")}:
            yield f"{who} n'a pas le séquestre n° {newest}. Lancez « etiquette keys rotate escrow »."
    for text in texts:
        if text.suffix in {"wrapped", "handed"} and text.id.rpartition(".")[2] in standing.left:
            yield f"{text.name} est encore là, et cette personne est partie. Relancez les programmes."


def _tables(instance: Path) -> Iterator[Finding]:
    try:
        with opened_instance(instance) as database, database.reading() as db:
            this_site(db)
    except OtherTables as refused:
        yield Finding(sentence=str(refused), stops=True)
    except Refusal as refused:
        yield Finding(sentence=refused.sentence, stops=True)


def _disk(instance: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(instance).free
    if free < LITTLE_FREE:
        words = f"Il reste {free // 1_000_000} Mo sur le disque de {instance}. Faites de la place."
        yield Finding(sentence=words, stops=free < LEAST_FREE)
    if instance.stat().st_uid != os.getuid() and os.getuid() != 0:
        yield Finding(sentence=f"{instance} appartient à un autre utilisateur de la machine.", stops=True)
