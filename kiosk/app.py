"""The public app: touchscreen and board; it can reach nothing above this floor."""

import os
from pathlib import Path

from flask import Flask
from jinja2 import FileSystemLoader, PrefixLoader

from kiosk import health
from kiosk.door import answering, board, following, speaking, threshold, touchscreen
from kiosk.door.limits import Limits
from kiosk.door.profile import read_profiles
from kiosk.door.voice import Voice
from kiosk.register.database import open_database, require_head
from kiosk.register.grants import PUBLIC
from kiosk.register.sites import this_site
from kiosk.settings import KioskSettings, UnsafeSettings, read_settings
from kiosk.web import House, make_app
from printers.errors import PrinterError
from printers.paper import MEDIA, must_be_roll
from printers.sealing import StationId
from printers.spool import Spool

#: Every route of the public app: none asks who a person is. The threshold asks of all but a few that the screen is
#: paired.
ROUTES = dict.fromkeys(
    (
        "static_file", "health.livez", "health.readyz", "threshold.pairing", "threshold.pair", "threshold.tongues",
        "threshold.speak", "threshold.display", "threshold.leave", "threshold.lengths", "threshold.away",
        "threshold.worker", "touchscreen.home",
        "touchscreen.convocation", "touchscreen.code", "touchscreen.take_by_code", "touchscreen.name",
        "touchscreen.birth_date", "touchscreen.take_by_name", "touchscreen.confirm", "touchscreen.take",
        "touchscreen.finish", "touchscreen.thanks", "touchscreen.call_someone", "touchscreen.coming",
        "touchscreen.heard", "answering.ask", "answering.answer", "speaking.page_words", "speaking.number_words",
        "speaking.call_words", "following.follow", "following.state", "board.board", "board.state", "board.events",
    ),
    "open",
)  # fmt: skip
#: Every screen of the public app.
SCREENS = (health, threshold, touchscreen, answering, speaking, following, board)


def create_app(instance: Path | None = None) -> Flask:
    """Compose the public app from `kiosk.toml`.

    Args:
        instance: the instance folder; `ETIQUETTE_INSTANCE` or `instance` when not given.

    Raises:
        UnsafeSettings: when the settings file must not be used, or names no roll for tickets.
    """
    folder = instance or Path(os.environ.get("ETIQUETTE_INSTANCE", "instance"))
    settings = read_settings(folder / "kiosk.toml", KioskSettings)
    try:
        station = StationId.parse(settings.station)
    except PrinterError:
        raise UnsafeSettings("kiosk.toml : « station » a 128 chiffres hexadécimaux.") from None
    try:
        must_be_roll(roll := MEDIA[settings.ticket_media])
    except (KeyError, PrinterError):
        raise UnsafeSettings("kiosk.toml : « ticket_media » est « roll-80 » ou « roll-58 ».") from None
    database = open_database(_placed(folder, settings.register), None, grants=PUBLIC)
    require_head(database, "register")
    with database.reading() as db:
        site = this_site(db)
    home = House(
        database=database,
        spool=Spool(folder / settings.spool, station=station),
        site_name=site.name,
        demonstration=settings.demonstration,
        forms={"tickets": roll},
        more={
            "settings": settings,
            "profiles": read_profiles(settings.screen),
            "voice": Voice(folder / "voice"),
            "limits": Limits(),
        },
    )
    app = make_app(
        "kiosk",
        home,
        secret=bytes.fromhex(settings.secret),
        cookie="__Host-etiquette-kiosk",
        loader=PrefixLoader({"touchscreen": FileSystemLoader(Path(__file__).parent / "templates" / "touchscreen")}),
        static=frozenset({"public"}),
        routes=ROUTES,
    )
    app.config["REFUSAL_TEMPLATE"] = "touchscreen/refusal.html"
    for screens in SCREENS:
        app.register_blueprint(screens.bp)
    return app


def _placed(folder: Path, register: str) -> str:
    return register if register.startswith("postgresql") else str(folder / register)
