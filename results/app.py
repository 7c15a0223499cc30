"""The staff app: the roof that ties every screen of the laboratory's people to what it holds."""

import os
from pathlib import Path
from typing import Final

from flask import Flask
from jinja2 import FileSystemLoader, PrefixLoader

from kiosk import health, signin
from kiosk.booking import agenda
from kiosk.counter import calling, dossier, enrolling, helping, pairing, placing, returning
from kiosk.register.errors import Refusal
from kiosk.rounds import start_rounds
from kiosk.settings import UnsafeSettings
from kiosk.web import House, make_app
from labels import adjusting, desk, sampling
from labels.printroom import gestures, room
from results.desks import (
    amended,
    critical,
    critical_rules,
    delivery,
    prescribers,
    reissuing,
    secrecy,
    signoff,
    unlocking,
)
from results.desks.trying import code_desk
from results.exchange import quarantine
from results.handing import agreeing, coding, handover, mandating, papers, posting
from results.keeping import morning, searches, seen
from results.office import accounts, computers, confirming, entrance, manager
from results.roof.menu import around, held_messages
from results.roof.opening import open_house
from results.roof.rounds import evening_of, rounds_of
from results.roof.routes import ROUTES
from results.telephone import hearing, leaving_message, letting, passed_on, phone, physician, without_slip

#: Where the packages stand, each with its templates.
_PACKAGES: Final = Path(__file__).resolve().parent.parent

#: Every screen of the staff app.
SCREENS: Final = (
    health, signin, entrance, enrolling, returning, calling, placing, helping, dossier, agenda, desk, adjusting,
    room, gestures, sampling, delivery, reissuing, secrecy, phone, without_slip, leaving_message, letting,
    passed_on, physician, hearing, prescribers, handover, coding, papers, mandating, posting, agreeing, seen,
    searches, morning, unlocking, signoff, amended, critical, critical_rules, quarantine, manager, accounts,
    confirming, computers, pairing,
)  # fmt: skip


def create_app(instance: Path | None = None) -> Flask:
    """Compose the staff app from `staff.toml`.

    Args:
        instance: the instance folder; `ETIQUETTE_INSTANCE` or `instance` when not given.

    Raises:
        UnsafeSettings: with a sentence, when settings, keys or database must not be used.
        OtherTables: when the tables are older or newer than this code.
    """
    folder = instance or Path(os.environ.get("ETIQUETTE_INSTANCE", "instance"))
    try:
        home, keys = open_house(folder)
    except Refusal as refusal:
        raise UnsafeSettings(refusal.sentence) from None
    app = make_app(
        "results",
        home,
        secret=keys.cookie,
        cookie="__Host-etiquette-staff",
        loader=PrefixLoader(
            {
                "staff": FileSystemLoader(_PACKAGES / "kiosk" / "templates" / "staff"),
                "labels": FileSystemLoader(_PACKAGES / "labels" / "templates" / "labels"),
                "results": FileSystemLoader(_PACKAGES / "results" / "templates" / "results"),
            }
        ),
        static=frozenset({"public", "staff"}),
        routes=ROUTES,
    )
    app.config["REFUSAL_TEMPLATE"] = "staff/refusal.html"
    app.context_processor(around)
    app.extensions["waits"] = {**entrance.WAITS, "quarantine.held_messages": held_messages}
    for screens in SCREENS:
        app.register_blueprint(screens.bp)
    return app


def serve() -> Flask:
    """Compose the staff app and go its rounds: what gunicorn calls."""
    app = create_app()
    home: House = app.extensions["house"]
    with app.app_context():
        codes = code_desk()
    if evening := evening_of(home):
        # In a thread of its own: what is long in the evening keeps no slip and no call waiting.
        app.extensions["evening"] = start_rounds(evening)
    app.extensions["rounds"] = start_rounds(rounds_of(home, codes))
    return app
