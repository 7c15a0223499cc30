"""The week's searches by name that nothing followed: who made them, when, how many; what was typed is kept nowhere."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final
from uuid import UUID

from flask import Blueprint
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from kiosk.presence.roles import everyone
from kiosk.register import clock
from kiosk.register.database import Side
from kiosk.register.journal import Act
from kiosk.register.patients import MOST_FOUND, Patient, Recognition
from kiosk.register.sites import Site, this_site
from kiosk.register.staff import Power, Right
from kiosk.register.traces import Entry, entries_of_act
from kiosk.signin import actor, needs, power
from kiosk.web import now, page, reading
from results.desks.standing_by import Reply
from results.handing.asking import HandOverRequest
from results.office.accounts import ROLES
from results.vault.dossiers import Dossier
from results.vault.releases import ReleaseAct

bp = Blueprint("searches", __name__)

WEEK: Final = timedelta(days=7)
#: A name is typed letter by letter; after so long without one, another search begins.
PAUSE: Final = timedelta(minutes=2)
#: Where a search was made, by the journal that knows it.
_PLACES: Final[Mapping[Side, str]] = MappingProxyType({"register": "Passage", "results": "Remise"})


@dataclass(frozen=True, kw_only=True)
class Search:
    """One search of one person, however many letters it took."""

    at: datetime
    #: Staff id.
    by: UUID
    #: `Passage` or `Remise`.
    place: str
    #: The files that were shown when the fewest were: what the search came to.
    shown: tuple[UUID, ...]


@dataclass(frozen=True, kw_only=True)
class Searcher:
    """What one person has searched in a week."""

    name: str
    role: str
    #: How many searches in all.
    count: int
    #: Those that nothing followed, the latest first.
    unfollowed: tuple[Search, ...]


def searchers(db: Session, site: Site, power: Power, *, at: datetime) -> list[Searcher]:
    """Who has searched by name in the last seven days, whoever has most searches that nothing followed first.

    A search is followed when the same person, later on the same day, told or handed over a result of one of the files
    shown, asked a biologist who agreed or came, or recognised that person in a visit.

    Args:
        db: a session that may read both sides.
        site: whose days they are.
        power: tells whose accounts and roles are in force.
        at: now.

    Source: the design note on release, section 6.
    """
    made = [one for side in _PLACES for one in _searches(db, side, since=at - WEEK)]
    followed = _followed(db, since=at - WEEK)
    people = {staff.id: (staff.name, roles) for staff, roles in everyone(db, power)}
    found = []
    for by in {one.by for one in made}:
        name, roles = people.get(by, ("Compte inconnu", frozenset()))
        own = sorted((one for one in made if one.by == by), key=lambda one: one.at, reverse=True)
        unfollowed = tuple(one for one in own if not _is_followed(one, followed, site.timezone))
        role = ", ".join(ROLES[role] for role in sorted(roles))
        found.append(Searcher(name=name, role=role, count=len(own), unfollowed=unfollowed))
    return sorted(found, key=lambda one: (-len(one.unfollowed), one.name))


@bp.get("/recherches")
@needs(Right.JOURNAL)
def week() -> ResponseReturnValue:
    """The list of the week; whose file it was is named to a biologist alone."""
    with reading() as db:
        site = this_site(db)
        found = searchers(db, site, power(), at=now())
        shown = {file for one in found for search in one.unfollowed for file in search.shown}
        names = _names(db, shown) if actor().may(Right.SIGN) else {}
    return page(
        "results/searches.html",
        searchers=found,
        named=names,
        when=lambda at: clock.appointment_words(site.timezone, at),
    )


def _searches(db: Session, side: Side, *, since: datetime) -> Iterator[Search]:
    """The searches of one journal, the letters of each put together."""
    typing: dict[str, list[Entry]] = {}
    for entry in entries_of_act(db, side, Act.PATIENT_SEARCHED, since=since):
        so_far = typing.get(entry.by)
        if so_far and not _goes_on(so_far[-1], entry):
            yield _put_together(typing.pop(entry.by), side)
        typing.setdefault(entry.by, []).append(entry)
    for so_far in typing.values():
        yield _put_together(so_far, side)


def _goes_on(before: Entry, entry: Entry) -> bool:
    """Whether a letter more was typed, and not another name: few files were shown, and none of them still is."""
    few = int(before.facts["found"]) < MOST_FOUND
    return entry.at - before.at <= PAUSE and not (few and set(_shown(before)).isdisjoint(_shown(entry)))


def _put_together(typed: Sequence[Entry], side: Side) -> Search:
    shown = min((_shown(entry) for entry in typed), key=len)
    return Search(at=typed[0].at, by=UUID(typed[0].by), place=_PLACES[side], shown=shown)


def _shown(entry: Entry) -> tuple[UUID, ...]:
    return tuple(UUID(str(fact)) for name, fact in sorted(entry.facts.items()) if name.startswith("patient_"))


def _followed(db: Session, *, since: datetime) -> dict[tuple[str, UUID], list[datetime]]:
    """Staff id and file -> when something was done for that person."""
    of_visit = select(Recognition.patient_id)
    told = of_visit.add_columns(ReleaseAct.by, ReleaseAct.at).join(Dossier, Dossier.visit_id == Recognition.visit_id)
    told = told.join(ReleaseAct, ReleaseAct.dossier_id == Dossier.id).where(ReleaseAct.at >= since)
    agreed = of_visit.add_columns(HandOverRequest.by, HandOverRequest.at).join(
        HandOverRequest, HandOverRequest.visit_id == Recognition.visit_id
    )
    agreed = agreed.where(HandOverRequest.at >= since, HandOverRequest.reply.in_((Reply.AGREED, Reply.COMING)))
    known = select(Recognition.patient_id, Recognition.by, Recognition.at).where(Recognition.at >= since)
    done: dict[tuple[str, UUID], list[datetime]] = {}
    for asked in (told, agreed, known):
        for patient_id, by, at in db.execute(asked):
            done.setdefault((str(by), patient_id), []).append(at)
    return done


def _is_followed(search: Search, followed: Mapping[tuple[str, UUID], list[datetime]], timezone: str) -> bool:
    day = clock.day(timezone, search.at)
    acts = (at for file in search.shown for at in followed.get((str(search.by), file), ()))
    return any(at >= search.at and clock.day(timezone, at) == day for at in acts)


def _names(db: Session, files: set[UUID]) -> dict[UUID, str]:
    """As on a label: the name in capitals and the first given name."""
    rows = (db.get(Patient, file) for file in files)
    return {
        row.id: f"{row.birth_name.upper()} {row.given_names.split(',')[0]}, patient {row.number}"
        for row in rows
        if row is not None
    }
