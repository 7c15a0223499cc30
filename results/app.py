"""The staff app: the roof that ties every screen of the laboratory's people to what it holds."""

import os
from datetime import timedelta
from functools import cache, partial
from pathlib import Path
from typing import Final

from flask import Flask
from jinja2 import FileSystemLoader, PrefixLoader
from sqlalchemy.orm import Session

from kiosk import health, signin
from kiosk.booking import agenda
from kiosk.counter import calling, dossier, enrolling, helping, pairing, placing, returning
from kiosk.counter.foretelling import Foreteller
from kiosk.counter.passage import bring_back
from kiosk.register import clock
from kiosk.register.database import open_database, require_head
from kiosk.register.errors import Refusal
from kiosk.register.sites import Site, this_site
from kiosk.register.staff import Right, Role, opens
from kiosk.rounds import Round, start_rounds
from kiosk.settings import StaffSettings, UnsafeSettings, read_settings
from kiosk.signin import present
from kiosk.web import House, house, make_app, now, reading
from labels import adjusting, desk, sampling
from labels.following import follow_labels
from labels.layouts import media_of
from labels.planning.table import read_table
from labels.printroom import gestures, room
from labels.printroom.watching import trouble
from labels.validation import SiteTable
from printers.errors import PrinterError
from printers.sealing import StationId
from printers.spool import Spool
from results.calls import expire_calls
from results.critical.drills import draw_drill
from results.desks import (
    amended,
    critical,
    critical_rules,
    delivery,
    hearing,
    phone,
    physician,
    prescribers,
    reissuing,
    secrecy,
    signoff,
)
from results.desks.phone import code_desk
from results.exchange import quarantine
from results.giving import follow_slips
from results.handing import agreeing, coding, handover, mandating, papers, posting
from results.keeping import morning, seen
from results.keeping.evening import Evening
from results.office import accounts, computers, confirming, entrance, manager
from results.office.leaving import keep_endings
from results.physicians.calls import expire as expire_physicians
from results.trust.power import KeyRingPower
from results.trust.standing import has_signed
from results.vault.keys import KeyRing

#: How often the dice are thrown for a drill.
DRILLS_EVERY: Final = timedelta(minutes=1)
ROOF: Final = Path(__file__).resolve().parent.parent

#: Every screen of the staff app, in the order of its menu.
SCREENS: Final = (
    health, signin, entrance, enrolling, returning, calling, placing, helping, dossier, agenda, desk, adjusting, room,
    gestures, sampling, delivery, reissuing, secrecy, phone, physician, hearing, prescribers, handover, coding, papers,
    mandating, posting, agreeing, seen, morning, signoff, amended, critical, critical_rules, quarantine, manager,
    accounts, confirming, computers, pairing,
)  # fmt: skip

#: Every route of the staff app: endpoint -> `open` or the Right that opens it. What is not here is refused.
ROUTES: Final[dict[str, str]] = {
    "static_file": "open",
    "health.livez": "open",
    "health.readyz": "open",
    "signin.door": "open",
    "signin.enter": "open",
    "signin.leave": "open",
    "enrolling.first_time": "open",
    "enrolling.invitation": "open",
    "enrolling.take_over": "open",
    "returning.lock": "open",
    "returning.come_back": "open",
    "returning.still_here": Right.ENTER,
    "returning.prove": Right.ENTER,
    "returning.mine": Right.ENTER,
    "returning.choose_pin": Right.ENTER,
    "returning.leave_everywhere": Right.ENTER,
    "entrance.first_page": Right.ENTER,
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
    "helping.rush": Right.CALL,
    "helping.turn_rush": Right.CALL,
    "agenda.day_page": Right.REGISTER,
    "agenda.print_convocation": Right.REGISTER,
    "dossier.visit_page": Right.REGISTER,
    "dossier.confirm_answers": Right.REGISTER,
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
    "room.printers": Right.PRINT_LABELS,
    "room.pane": Right.PRINT_LABELS,
    "room.events": Right.PRINT_LABELS,
    "room.preview": Right.PRINT_LABELS,
    "gestures.came_out": Right.PRINT_LABELS,
    "gestures.did_not_come_out": Right.PRINT_LABELS,
    "gestures.print_again": Right.PRINT_LABELS,
    "gestures.throw_away": Right.PRINT_LABELS,
    "gestures.print_old": Right.PRINT_LABELS,
    "gestures.move_rest": Right.PRINT_LABELS,
    "gestures.pause": Right.PRINT_LABELS,
    "gestures.resume": Right.PRINT_LABELS,
    "gestures.try_out": Right.PRINT_LABELS,
    "adjusting.change": Right.PRINT_LABELS,
    "adjusting.undo": Right.PRINT_LABELS,
    "sampling.room": Right.DRAW,
    "sampling.next_pane": Right.DRAW,
    "sampling.word_pane": Right.DRAW,
    "sampling.call": Right.DRAW,
    "sampling.advance_visit": Right.DRAW,
    "sampling.to_other_room": Right.DRAW,
    "sampling.see_ticket": Right.DRAW,
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
    "delivery.find_slip": Right.ISSUE_SLIP,
    "delivery.came_out": Right.ISSUE_SLIP,
    "delivery.did_not_come_out": Right.ISSUE_SLIP,
    "delivery.go_on": Right.REGISTER,
    "reissuing.why": Right.ISSUE_SLIP,
    "reissuing.ask": Right.ISSUE_SLIP,
    "reissuing.waiting": Right.ISSUE_SLIP,
    "reissuing.waiting_state": Right.ISSUE_SLIP,
    "reissuing.reply": Right.SIGN,
    "phone.desk_page": Right.PHONE,
    "phone.open_call": Right.PHONE,
    "phone.call_page": Right.PHONE,
    "phone.try_code": Right.TELL,
    "phone.read_back": Right.TELL,
    "phone.compare": Right.TELL,
    "phone.ending": Right.PHONE,
    "phone.end": Right.PHONE,
    "physician.desk_page": Right.PHONE,
    "physician.open_call": Right.PHONE,
    "physician.call_page": Right.PHONE,
    "physician.ask": Right.TELL,
    "physician.ring_back": Right.PHONE,
    "physician.ring": Right.PHONE,
    "physician.reached": Right.PHONE,
    "physician.take_over": Right.SIGN,
    "hearing.read_back": Right.TELL,
    "hearing.compare": Right.TELL,
    "hearing.ending": Right.PHONE,
    "hearing.end": Right.PHONE,
    "prescribers.all_of_them": Right.REGISTER,
    "prescribers.search": Right.REGISTER,
    "prescribers.enter": Right.REGISTER,
    "prescribers.card": Right.SIGN,
    "prescribers.set_number": Right.SIGN,
    "prescribers.draw_seed": Right.SIGN,
    "prescribers.believe_seed": Right.SIGN,
    "prescribers.close": Right.SIGN,
    "prescribers.of_visit": Right.REGISTER,
    "prescribers.name": Right.REGISTER,
    "prescribers.unname": Right.REGISTER,
    "handover.search_page": Right.TELL,
    "handover.search": Right.TELL,
    "handover.by_ticket": Right.TELL,
    "handover.desk": Right.TELL,
    "handover.on_document": Right.TELL,
    "coding.name_slip": Right.TELL,
    "coding.try_line": Right.TELL,
    "papers.paper": Right.TELL,
    "papers.paper_state": Right.TELL,
    "papers.look": Right.TELL,
    "papers.print_receipt": Right.TELL,
    "papers.signed": Right.TELL,
    "agreeing.ask": Right.TELL,
    "agreeing.waiting": Right.TELL,
    "agreeing.waiting_state": Right.TELL,
    "agreeing.requests": Right.SIGN,
    "agreeing.requests_state": Right.SIGN,
    "agreeing.reply": Right.SIGN,
    "posting.batch": Right.TELL,
    "posting.batch_state": Right.TELL,
    "posting.address": Right.TELL,
    "posting.make": Right.TELL,
    "posting.look": Right.TELL,
    "posting.post": Right.TELL,
    "mandating.of_visit": Right.REGISTER,
    "mandating.note": Right.REGISTER,
    "mandating.end": Right.REGISTER,
    "secrecy.of_visit": Right.REGISTER,
    "secrecy.mark": Right.REGISTER,
    "secrecy.tasks": Right.REGISTER,
    "secrecy.decide": Right.SIGN,
    "secrecy.confirm": Right.REGISTER,
    "secrecy.lift": Right.SIGN,
    "seen.asked": Right.SIGN,
    "seen.shown": Right.SIGN,
    "morning.look": Right.REGISTER,
    "morning.take_note": Right.REGISTER,
    "morning.go_on": Right.SIGN,
    "signoff.waiting": Right.SIGN,
    "signoff.unlock_page": Right.SIGN,
    "signoff.unlock_keys": Right.SIGN,
    "signoff.lock": Right.SIGN,
    "signoff.open_report": Right.SIGN,
    "signoff.sign": Right.SIGN,
    "signoff.keep_back": Right.SIGN,
    "signoff.let_go": Right.SIGN,
    "amended.tasks": Right.SIGN,
    "amended.choose": Right.SIGN,
    "amended.take_back": Right.SIGN,
    "amended.told": Right.SIGN,
    "critical.alarm": Right.ENTER,
    "critical.all_of_them": Right.CRITICAL,
    "critical.look": Right.CRITICAL,
    "critical.call": Right.CRITICAL,
    "critical.miss": Right.CRITICAL,
    "critical.reached": Right.CRITICAL,
    "critical.read_back": Right.CRITICAL,
    "critical.compare": Right.CRITICAL,
    "critical.acknowledge": Right.CRITICAL,
    "critical.sent": Right.CRITICAL,
    "critical.end": Right.SIGN,
    "critical.mark": Right.SIGN,
    "critical.answer_drill": Right.CRITICAL,
    "critical_rules.limits": Right.SIGN,
    "critical_rules.set_one": Right.SIGN,
    "critical_rules.end_one": Right.SIGN,
    "critical_rules.plan": Right.SIGN,
    "critical_rules.add_line": Right.SIGN,
    "critical_rules.end_line": Right.SIGN,
    "critical_rules.times": Right.FIGURES,
    "critical_rules.times_table": Right.FIGURES,
    "manager.figures_page": Right.FIGURES,
    "quarantine.held_messages": Right.HELD_MESSAGES,
    "quarantine.whose": Right.HELD_MESSAGES,
    "quarantine.put_away": Right.HELD_MESSAGES,
    "accounts.people": Right.ACCOUNTS,
    "accounts.add": Right.ACCOUNTS,
    "accounts.propose": Right.ACCOUNTS,
    "accounts.ask_role_end": Right.ACCOUNTS,
    "accounts.close": Right.ACCOUNTS,
    "accounts.start_reset": Right.ACCOUNTS,
    "confirming.waiting": Right.CONFIRM_RESET,
    "confirming.confirm": Right.CONFIRM_RESET,
    "confirming.sign_grant": Right.SIGN,
    "confirming.sign_end": Right.SIGN,
    "confirming.keep": Right.SIGN,
    "confirming.change_escrow": Right.SIGN,
    "computers.listed": Right.PAIR,
    "computers.add": Right.PAIR,
    "computers.take_away": Right.PAIR,
    "pairing.listed": Right.PAIR,
    "pairing.let_in": Right.PAIR,
    "pairing.send_away": Right.PAIR,
}

#: The menu: a person sees the entries that their roles open.
MENU: Final[tuple[dict[str, str], ...]] = (
    {"endpoint": "entrance.first_page", "title": "Accueil", "icon": "house"},
    {"endpoint": "calling.line_page", "title": "File d'attente", "icon": "users-round"},
    {"endpoint": "agenda.day_page", "title": "Rendez-vous", "icon": "calendar-days"},
    {"endpoint": "sampling.room", "title": "Prélèvement", "icon": "test-tube"},
    {"endpoint": "room.printers", "title": "Imprimantes", "icon": "printer"},
    {"endpoint": "phone.desk_page", "title": "Téléphone", "icon": "phone", "key": "F8", "also": "physician hearing"},
    {
        "endpoint": "handover.search_page",
        "title": "Remise",
        "icon": "file-text",
        "also": "coding papers posting agreeing",
    },
    {"endpoint": "signoff.waiting", "title": "Signature", "icon": "signature"},
    {"endpoint": "critical.all_of_them", "title": "Valeurs critiques", "icon": "bell", "key": "Shift+F8"},
    # Whoever calls critical values finds their figures beside them.
    {
        "endpoint": "critical_rules.times",
        "title": "Délais critiques",
        "icon": "chart-column",
        "unless": Right.CRITICAL,
    },
    {"endpoint": "prescribers.all_of_them", "title": "Médecins", "icon": "id-card"},
    {"endpoint": "secrecy.tasks", "title": "Confidentialité", "icon": "eye-off"},
    {"endpoint": "morning.look", "title": "Note du matin", "icon": "scan-line"},
    {"endpoint": "quarantine.held_messages", "title": "Messages en attente", "icon": "inbox"},
    {"endpoint": "manager.figures_page", "title": "Chiffres", "icon": "chart-column"},
    {"endpoint": "accounts.people", "title": "Comptes", "icon": "id-card"},
    {"endpoint": "confirming.waiting", "title": "À confirmer", "icon": "shield-check"},
    {"endpoint": "computers.listed", "title": "Postes", "icon": "keyboard"},
    {"endpoint": "pairing.listed", "title": "Bornes et écrans", "icon": "hand"},
)

#: The tabs of a visit's dossier, each a screen of its own floor.
VISIT_TABS: Final[tuple[dict[str, str], ...]] = (
    {"endpoint": "dossier.visit_page", "title": "Identité"},
    {"endpoint": "dossier.prescription", "title": "Ordonnance"},
    {"endpoint": "desk.labels_page", "title": "Étiquettes"},
    {"endpoint": "delivery.choices", "title": "Résultats"},
    {"endpoint": "prescribers.of_visit", "title": "Médecins"},
    {"endpoint": "secrecy.of_visit", "title": "Discrétion"},
    {"endpoint": "seen.asked", "title": "Qui a vu"},
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
    app.extensions["waits"] = {**entrance.WAITS, "quarantine.held_messages": _held_messages}
    for screens in SCREENS:
        app.register_blueprint(screens.bp)
    return app


def serve() -> Flask:
    """Compose the staff app and go its rounds: what gunicorn calls."""
    app = create_app()
    home: House = app.extensions["house"]
    settings: StaffSettings = home.more["settings"]

    def labels() -> None:
        follow_labels(
            home.database, home.spool, printer=settings.label_printer, form=home.forms["labels"], at=clock.now(),
            chance=clock.chance,
        )  # fmt: skip

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
            expire_physicians(db, site_id, at=clock.now(), chance=clock.chance)

    def drills() -> None:
        with home.database.transaction("results") as db:
            draw_drill(db, this_site(db).id, every=DRILLS_EVERY, at=clock.now(), chance=clock.chance)

    evening = Evening(
        database=home.database, spool=home.spool, keys=home.more["keys"], printer=settings.ticket_printer,
        form=home.forms["tickets"], chance=clock.chance,
    )  # fmt: skip
    if not settings.demonstration:  # which has no evening: its papers come out while somebody looks
        # In a thread of its own: what is long in the evening keeps no slip and no call waiting.
        look = Round(name="evening", seconds=60, go=lambda: evening.look(at=clock.now()))
        app.extensions["evening"] = start_rounds([look])
    app.extensions["rounds"] = start_rounds(
        [
            Round(name="labels", seconds=60, go=labels),
            Round(name="absences", seconds=5, go=absences),
            Round(name="laws", seconds=600, go=laws),
            Round(name="forecast", seconds=1, go=forecast),
            Round(name="slips", seconds=0.5, go=slips),
            Round(name="calls", seconds=30, go=calls),
            Round(name="drills", seconds=DRILLS_EVERY.total_seconds(), go=drills),
            # What was deleted is in the file until the log is folded in: a used code line must not stay there.
            Round(name="results log", seconds=5, go=home.database.fold_results),
        ]
    )
    return app


def _open_house(folder: Path) -> tuple[House, KeyRing]:
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


def _held_messages(db: Session, site: Site) -> int:
    del site
    return len(quarantine.waiting_for_a_person(db))


def _around() -> dict[str, object]:
    """What stands around every page: who is here, where, and what their roles open."""
    here = present()
    if here is None:
        return {
            "person": "",
            "desk": "",
            "menu": [],
            "menu_marks": dict,
            "visit_tabs": [],
            "exam_panes": [],
            "alarm_panes": [],
        }
    return {
        "person": here.actor.name,
        "desk": here.desk,
        # Asked by the frame of a whole page alone, not by each of its live panes.
        # The first page shows each beside its row too: asked once a page all the same.
        "menu_marks": cache(_marks),
        "concerns_a_stop": morning.concerns_this_screen,
        "secret_desks": {"slip": "delivery.find_slip"},
        **_open_to(here.actor.roles),
    }


def _marks() -> dict[str, str]:
    """Entry of the menu -> what waits behind it, in a few words."""
    marks = {"room.printers": trouble(house().spool, at=now())}
    with reading() as db:
        site = this_site(db)
        stopped = morning.stopped_words(db)
        marks["secrecy.tasks"] = secrecy.waiting_words(db, site)
        marks["handover.search_page"] = stopped or agreeing.requests_words(db, site)
        marks["phone.desk_page"] = stopped
        marks["morning.look"] = stopped or morning.waiting_words(db, site)
    return marks


@cache
def _open_to(roles: frozenset[Role]) -> dict[str, object]:
    """What the roles of a person open, the same on every page."""

    def may(right: str) -> bool:
        return opens(roles, Right(right))

    return {
        "menu": [one for one in MENU if may(ROUTES[one["endpoint"]]) and not ("unless" in one and may(one["unless"]))],
        "alarm_panes": ["critical.alarm"] if may(Right.CALL) else [],
        "open_here": [one for one in ROUTES if ROUTES[one] != "open" and may(ROUTES[one])],
        "exam_panes": ["desk.plan_pane"] if may(Right.PRINT_LABELS) else [],
        "visit_tabs": [one for one in VISIT_TABS if may(ROUTES[one["endpoint"]])],
    }
