"""The staff app: the roof that ties every screen of the laboratory's people to what it holds."""

import os
from pathlib import Path
from typing import Final

from flask import Flask, Response
from jinja2 import FileSystemLoader, PrefixLoader

from kiosk import health, signin
from kiosk.counter import calling, dossier, helping, placing
from kiosk.counter.foretelling import Foreteller
from kiosk.counter.passage import bring_back
from kiosk.register import clock
from kiosk.register.database import open_database, require_head
from kiosk.register.errors import Refusal
from kiosk.register.sites import this_site
from kiosk.register.staff import Right
from kiosk.rounds import Round, start_rounds
from kiosk.settings import StaffSettings, UnsafeSettings, read_settings
from kiosk.signin import needs, present
from kiosk.web import House, make_app, page
from labels import desk, sampling
from labels.following import follow_labels
from printers.errors import PrinterError
from printers.sealing import StationId
from printers.spool import Spool
from results.calls import expire_calls
from results.desks import delivery, handover, manager, phone, signoff
from results.desks.phone import code_desk
from results.exchange import quarantine
from results.giving import follow_slips
from results.vault.keys import KeyRing
from results.vault.power import KeyRingPower

ROOF: Final = Path(__file__).resolve().parent.parent

#: Every screen of the staff app, in the order of its menu.
SCREENS: Final = (
    health, signin, calling, placing, helping, dossier, desk, sampling, delivery, phone, handover, signoff, quarantine,
    manager,
)  # fmt: skip

#: Every route of the staff app: endpoint -> `open` or the Right that opens it. What is not here is refused.
ROUTES: Final[dict[str, str]] = {
    "static_file": "open",
    "health.livez": "open",
    "health.readyz": "open",
    "signin.door": "open",
    "signin.enter": "open",
    "signin.leave": "open",
    "signin.first_time": "open",
    "signin.invitation": "open",
    "signin.take_over": "open",
    "home": Right.ENTER,
    "calling.line_page": Right.CALL,
    "calling.line_pane": Right.CALL,
    "calling.events": Right.CALL,
    "calling.recognise": Right.CALL,
    "calling.call": Right.CALL,
    "calling.give_number": Right.CALL,
    "calling.advance_visit": Right.CALL,
    "calling.leaving": Right.CALL,
    "calling.leave": Right.CALL,
    "placing.place_page": Right.CALL,
    "placing.change_place": Right.CALL,
    "placing.help_too": Right.CALL,
    "placing.to_other_desk": Right.CALL,
    "helping.calls": Right.CALL,
    "helping.go": Right.CALL,
    "dossier.visit_page": Right.REGISTER,
    "dossier.search": Right.REGISTER,
    "dossier.compare": Right.REGISTER,
    "dossier.recognise": Right.REGISTER,
    "dossier.new_patient": Right.REGISTER,
    "dossier.create": Right.REGISTER,
    "dossier.choose_appointment": Right.REGISTER,
    "dossier.prescription": Right.REGISTER,
    "dossier.prescribe": Right.REGISTER,
    "dossier.suggest": Right.REGISTER,
    "dossier.change_list": Right.REGISTER,
    "desk.labels_page": Right.PRINT_LABELS,
    "desk.states": Right.PRINT_LABELS,
    "desk.print_labels": Right.PRINT_LABELS,
    "desk.came_out": Right.PRINT_LABELS,
    "desk.print_again": Right.PRINT_LABELS,
    "desk.preview": Right.PRINT_LABELS,
    "desk.void": Right.PRINT_LABELS,
    "desk.end_visit": Right.PRINT_LABELS,
    "desk.plan_pane": Right.PRINT_LABELS,
    "sampling.room": Right.DRAW,
    "sampling.next_pane": Right.DRAW,
    "sampling.call": Right.DRAW,
    "sampling.advance_visit": Right.DRAW,
    "sampling.to_other_room": Right.DRAW,
    "sampling.identify": Right.DRAW,
    "sampling.prove": Right.DRAW,
    "sampling.answer": Right.DRAW,
    "sampling.say_missing": Right.DRAW,
    "sampling.end": Right.DRAW,
    "delivery.choices": Right.REGISTER,
    "delivery.save": Right.REGISTER,
    "delivery.pin": Right.ISSUE_SLIP,
    "delivery.make_slip": Right.ISSUE_SLIP,
    "delivery.slip": Right.ISSUE_SLIP,
    "delivery.slip_state": Right.ISSUE_SLIP,
    "delivery.came_out": Right.ISSUE_SLIP,
    "delivery.did_not_come_out": Right.ISSUE_SLIP,
    "delivery.go_on": Right.REGISTER,
    "phone.desk_page": Right.PHONE,
    "phone.open_call": Right.PHONE,
    "phone.call_page": Right.PHONE,
    "phone.try_code": Right.TELL,
    "phone.read_back": Right.TELL,
    "phone.compare": Right.TELL,
    "phone.ending": Right.PHONE,
    "phone.end": Right.PHONE,
    "handover.search_page": Right.TELL,
    "handover.search": Right.TELL,
    "handover.desk": Right.TELL,
    "handover.without_code": Right.TELL,
    "handover.with_slip": Right.TELL,
    "handover.with_code": Right.TELL,
    "handover.paper": Right.TELL,
    "handover.paper_state": Right.TELL,
    "handover.look": Right.TELL,
    "signoff.waiting": Right.SIGN,
    "signoff.unlock_page": Right.SIGN,
    "signoff.unlock_keys": Right.SIGN,
    "signoff.lock": Right.SIGN,
    "signoff.open_report": Right.SIGN,
    "signoff.sign": Right.SIGN,
    "signoff.keep_back": Right.SIGN,
    "signoff.let_go": Right.SIGN,
    "manager.figures_page": Right.FIGURES,
    "quarantine.held_messages": Right.HELD_MESSAGES,
    "quarantine.whose": Right.HELD_MESSAGES,
    "quarantine.put_away": Right.HELD_MESSAGES,
}

#: The menu: a person sees the entries that their roles open.
MENU: Final[tuple[dict[str, str], ...]] = (
    {"endpoint": "home", "title": "Accueil", "icon": "house"},
    {"endpoint": "calling.line_page", "title": "File d'attente", "icon": "users-round"},
    {"endpoint": "sampling.room", "title": "Prélèvement", "icon": "test-tube"},
    {"endpoint": "phone.desk_page", "title": "Téléphone", "icon": "phone", "key": "F8"},
    {"endpoint": "handover.search_page", "title": "Remise", "icon": "file-text"},
    {"endpoint": "signoff.waiting", "title": "Signature", "icon": "signature"},
    {"endpoint": "quarantine.held_messages", "title": "Messages en attente", "icon": "inbox"},
    {"endpoint": "manager.figures_page", "title": "Chiffres", "icon": "chart-column"},
)

#: The tabs of a visit's dossier, each a screen of its own floor.
VISIT_TABS: Final[tuple[dict[str, str], ...]] = (
    {"endpoint": "dossier.visit_page", "title": "Identité"},
    {"endpoint": "dossier.prescription", "title": "Ordonnance"},
    {"endpoint": "desk.labels_page", "title": "Étiquettes"},
    {"endpoint": "delivery.choices", "title": "Résultats"},
)


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
        home, keys = _open_house(folder)
    except Refusal as refusal:
        raise UnsafeSettings(refusal.sentence) from None
    app = make_app(
        "results",
        home,
        secret=keys.cookie,
        cookie="__Host-etiquette-staff",
        loader=PrefixLoader(
            {
                "staff": FileSystemLoader(ROOF / "kiosk" / "templates" / "staff"),
                "labels": FileSystemLoader(ROOF / "labels" / "templates" / "labels"),
                "results": FileSystemLoader(ROOF / "results" / "templates" / "results"),
            }
        ),
        static=frozenset({"public", "staff"}),
        routes=ROUTES,
    )
    app.config["REFUSAL_TEMPLATE"] = "staff/refusal.html"
    app.context_processor(_around)
    app.add_url_rule("/", "home", first_page)
    for screens in SCREENS:
        app.register_blueprint(screens.bp)
    return app


def serve() -> Flask:
    """Compose the staff app and go its rounds: what gunicorn calls."""
    app = create_app()
    home: House = app.extensions["house"]
    settings: StaffSettings = home.more["settings"]

    def labels() -> None:
        follow_labels(home.database, home.spool, printer=settings.label_printer, at=clock.now(), chance=clock.chance)

    def absences() -> None:
        with home.database.reading() as db:
            site = this_site(db)
        bring_back(home.database, site, at=clock.now(), chance=clock.chance)

    foreteller = Foreteller(home.database, clock.chance)

    def forecast() -> None:
        foreteller.look(at=clock.now())

    def laws() -> None:
        foreteller.learn(at=clock.now())

    def slips() -> None:
        follow_slips(home.database, home.spool, at=clock.now(), chance=clock.chance)

    def calls() -> None:
        with app.app_context(), home.database.reading() as db:
            site_id, desk = this_site(db).id, code_desk()
        desk.sweep(site_id, at=clock.now())
        desk.forget(at=clock.now())
        with home.database.transaction("results") as db:
            expire_calls(db, site_id, at=clock.now(), chance=clock.chance)

    app.extensions["rounds"] = start_rounds(
        [
            Round(name="labels", seconds=60, go=labels),
            Round(name="absences", seconds=5, go=absences),
            Round(name="laws", seconds=600, go=laws),
            Round(name="forecast", seconds=1, go=forecast),
            Round(name="slips", seconds=0.5, go=slips),
            Round(name="calls", seconds=30, go=calls),
            # What was deleted is in the file until the log is folded in: a used code line must not stay there.
            Round(name="results log", seconds=5, go=home.database.fold_results),
        ]
    )
    return app


@needs(Right.ENTER)
def first_page() -> Response:
    """The first page: what this person may open."""
    return page("staff/home.html")


def _open_house(folder: Path) -> tuple[House, KeyRing]:
    settings = read_settings(folder / "staff.toml", StaffSettings)
    keys = KeyRing.load(folder / settings.keys)
    try:
        station = StationId.parse(settings.station)
    except PrinterError:
        raise UnsafeSettings("staff.toml : « station » a 128 chiffres hexadécimaux.") from None
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
    home = House(
        database=database,
        spool=Spool(folder / settings.spool, station=station),
        site_name=site.name,
        demonstration=settings.demonstration,
        more={"settings": settings, "keys": keys, "power": power},
    )
    return home, keys


def _around() -> dict[str, object]:
    """What stands around every page: who is here, where, and what their roles open."""
    here = present()
    if here is None:
        return {"person": "", "desk": "", "menu": [], "visit_tabs": [], "exam_panes": []}
    return {
        "person": here.actor.name,
        "desk": here.desk,
        "menu": [one for one in MENU if here.actor.may(Right(ROUTES[one["endpoint"]]))],
        "exam_panes": ["desk.plan_pane"] if here.actor.may(Right.PRINT_LABELS) else [],
        "visit_tabs": [one for one in VISIT_TABS if here.actor.may(Right(ROUTES[one["endpoint"]]))],
    }
