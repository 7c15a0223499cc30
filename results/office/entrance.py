"""The first page: what this person may open, and how much waits behind each entry."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from flask import Blueprint, current_app
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from kiosk.booking.appointments import day_list
from kiosk.places import who_waits
from kiosk.presence.recovery import resets_waiting
from kiosk.presence.roles import proposed_grants
from kiosk.presence.withdrawing import ends_waiting
from kiosk.register.sites import Site, this_site
from kiosk.register.staff import Right
from kiosk.register.visits import Stage
from kiosk.signin import actor, needs, power
from kiosk.web import now, page, reading
from results.amending.telling_again import to_tell_again
from results.signing import waiting_for_signature

bp = Blueprint("entrance", __name__)


def _at_the_counter(db: Session, site: Site) -> int:
    return len(who_waits(db, site, Stage.COUNTER, at=now()))


def _in_the_rooms(db: Session, site: Site) -> int:
    return len(who_waits(db, site, Stage.SAMPLING, at=now()))


def _expected(db: Session, site: Site) -> int:
    return sum(row.visit_id is None for row in day_list(db, site, at=now()))


def _to_sign(db: Session, site: Site) -> int:
    return len(waiting_for_signature(db, power())) + len(to_tell_again(db, site.id, power()))


def _to_confirm(db: Session, site: Site) -> int:
    del site
    signs = actor().may(Right.SIGN)
    roles = [*proposed_grants(db, power()), *ends_waiting(db, power())] if signs else []
    return len(roles) + len(resets_waiting(db, power=power(), at=now()))


Count = Callable[[Session, Site], int]

#: Entry of the menu -> how many people or things wait there. Critical values have their own alarm, printers their mark;
#: what the line to the laboratory system holds is added where the app is composed.
WAITS: Final[Mapping[str, Count]] = MappingProxyType({
    "calling.line_page": _at_the_counter,
    "agenda.day_page": _expected,
    "sampling.room": _in_the_rooms,
    "signoff.waiting": _to_sign,
    "confirming.waiting": _to_confirm,
})  # fmt: skip


@bp.get("/")
@needs(Right.ENTER)
def first_page() -> ResponseReturnValue:
    """What a person finds after signing in; only the entries that are shown are counted."""
    waits: Mapping[str, Count] = current_app.extensions["waits"]
    with reading() as db:
        site = this_site(db)
        return page("results/entrance.html", waits=lambda entry: waits[entry](db, site) if entry in waits else 0)
