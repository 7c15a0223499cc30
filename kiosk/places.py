"""Who waits, in which order, and why: the live line ranked by the policy."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import Any

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from kiosk.line.order import Ranked, rank
from kiosk.line.policy import Policy, Waiting, reason
from kiosk.register import clock
from kiosk.register.sites import Site
from kiosk.register.visits import Purpose, Stage, Visit
from kiosk.waiting import CALLABLE, open_days


@dataclass(frozen=True, kw_only=True)
class Place:
    """One person in the live line: the visit and why it stands there."""

    visit: Visit
    ranked: Ranked


def line(
    db: Session,
    site: Site,
    stage: Stage,
    *,
    at: datetime,
    policy: Policy | None = None,
    first: int | None = None,
) -> list[Place]:
    """Everyone who waits at a stage, or the first of them, in the order in which they would be called, and why."""
    visits = {visit.id: visit for visit in who_waits(db, site, stage, at=at)}
    ranked = rank(
        [as_waiting(visit) for visit in visits.values()],
        at,
        policy or Policy(),
        hour=partial(clock.hour, site.timezone),
        first=first,
    )
    return [Place(visit=visits[one.waiting.id], ranked=one) for one in ranked]


def who_waits(db: Session, site: Site, stage: Stage, *, at: datetime) -> Sequence[Visit]:
    """Everyone who waits at a stage, in no order."""
    return db.scalars(_waiting(stage), {"site": site.id} | open_days(site, at)).all()


@cache
def _waiting(stage: Stage) -> Select[Any]:
    return select(Visit).where(
        Visit.site_id == bindparam("site"),
        Visit.day.in_((bindparam("today"), bindparam("yesterday"))),
        Visit.arrived_at > bindparam("since"),
        Visit.stage == stage,
        Visit.state.in_(CALLABLE[stage]),
    )


def why_here(site: Site, visit: Visit, *, at: datetime) -> str:
    """Why a visit has its place in the line, in words that may be said aloud to the person."""
    return reason(as_waiting(visit), at, Policy(), hour=partial(clock.hour, site.timezone))


def as_waiting(visit: Visit) -> Waiting:
    """A visit as the policy sees it: hours and flags."""
    return Waiting(
        id=visit.id,
        number=visit.number,
        arrived_at=visit.waits_since,
        came_at=visit.arrived_at,
        booked_for=visit.booked_for,
        urgent_because=visit.urgent_because,
        needs_help=visit.needs_help,
        collects=visit.purpose is Purpose.COLLECT,
    )
