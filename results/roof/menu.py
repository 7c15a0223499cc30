"""The menu, the tabs of a dossier and the marks beside them: what a person's roles open, and what waits there."""

from functools import cache
from typing import Final

from sqlalchemy.orm import Session

from kiosk.register.sites import Site, this_site
from kiosk.register.staff import Right, Role, opens
from kiosk.signin import present
from kiosk.web import house, now, reading
from labels.printroom.watching import trouble
from results.desks import secrecy
from results.exchange import quarantine
from results.handing import agreeing
from results.keeping import morning
from results.roof.routes import ROUTES
from results.telephone import passed_on, without_slip

#: The menu: a person sees the entries that their roles open.
MENU: Final[tuple[dict[str, str], ...]] = (
    {"endpoint": "entrance.first_page", "title": "Accueil", "icon": "house"},
    {"endpoint": "calling.line_page", "title": "File d'attente", "icon": "users-round"},
    {"endpoint": "agenda.day_page", "title": "Rendez-vous", "icon": "calendar-days"},
    {"endpoint": "sampling.room", "title": "Prélèvement", "icon": "test-tube"},
    {"endpoint": "room.printers", "title": "Imprimantes", "icon": "printer"},
    {
        "endpoint": "phone.desk_page",
        "title": "Téléphone",
        "icon": "phone",
        "key": "F8",
        "also": "physician hearing passed_on without_slip",
    },
    {
        "endpoint": "handover.search_page",
        "title": "Remise",
        "icon": "file-text",
        "also": "coding papers posting agreeing",
    },
    {"endpoint": "signoff.waiting", "title": "Signature", "icon": "signature", "also": "unlocking"},
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
    {"endpoint": "quarantine.held_messages", "title": "Messages retenus", "icon": "inbox"},
    {"endpoint": "manager.figures_page", "title": "Chiffres", "icon": "chart-column"},
    {"endpoint": "searches.week", "title": "Recherches", "icon": "search"},
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


def around() -> dict[str, object]:
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
        marks["phone.desk_page"] = stopped or passed_on.waiting_words(db, site) or without_slip.waiting_words(db, site)
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


def held_messages(db: Session, site: Site) -> int:
    """How many messages of the laboratory system wait for a person; the first page asks."""
    del site
    return len(quarantine.waiting_for_a_person(db))
