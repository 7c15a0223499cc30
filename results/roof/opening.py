"""What the staff app holds is opened from its settings, and nothing that must not be used."""

from functools import partial
from pathlib import Path

from kiosk.register.database import open_database, require_head
from kiosk.register.sites import this_site
from kiosk.settings import StaffSettings, UnsafeSettings, read_settings
from kiosk.web import House
from labels.layouts import media_of
from labels.planning.table import read_table
from labels.validation import SiteTable
from printers.errors import PrinterError
from printers.sealing import StationId
from printers.spool import Spool
from results.office.leaving import keep_endings
from results.trust.power import KeyRingPower
from results.trust.standing import has_signed
from results.vault.keys import KeyRing


def open_house(folder: Path) -> tuple[House, KeyRing]:
    """Open what the settings name: database, spool, keys, table of tubes; each is looked at before it is believed.

    Raises:
        UnsafeSettings: with a sentence, when settings, keys or database must not be used.
        OtherTables: when the tables are older or newer than this code.
    """
    settings = read_settings(folder / "staff.toml", StaffSettings)
    keys = KeyRing.load(folder / settings.keys)
    try:
        station = StationId.parse(settings.station)
    except PrinterError:
        raise UnsafeSettings("staff.toml : « station » a 128 chiffres hexadécimaux.") from None
    try:
        forms = media_of(settings, folder / "printers.toml")
    except PrinterError as fault:
        raise UnsafeSettings(str(fault)) from None
    power = KeyRingPower(keys, biologist_fingerprint=settings.biologist_fingerprint)
    if not power.rooted:
        raise UnsafeSettings("staff.toml : aucune clé de biologiste n'a l'empreinte « biologist_fingerprint ».")
    served = settings.register.startswith("postgresql")
    database = open_database(
        settings.register if served else str(folder / settings.register), str(folder / settings.results)
    )
    require_head(database, "register", "results")
    with database.reading() as db:
        site = this_site(db)
        keep_endings(db, keys, power)  # what ended just before a programme died stays ended
    home = House(
        database=database,
        spool=Spool(folder / settings.spool, station=station),
        site_name=site.name,
        demonstration=settings.demonstration,
        forms=forms,
        more={
            "settings": settings,
            "keys": keys,
            "keys_exchange": folder / settings.keys_exchange,
            "power": power,
            "tubes": SiteTable(rules=read_table(folder / "staff.toml"), proves=partial(has_signed, keys, "tubes")),
        },
    )
    return home, keys
