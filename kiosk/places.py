"""Who waits, in which order, and why: the live line ranked by the policy."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, bindparam, func, or_, select
from sqlalchemy.orm import Session

from kiosk.line.order import Ranked, in_turn, rank
from kiosk.line.policy import Policy, Waiting, reason
from kiosk.register import clock
from kiosk.register.database import table_of
from kiosk.register.sites import Site
from kiosk.register.visits import Purpose, Stage, State, Visit
from kiosk.waiting import as_it_stands, may_be_called, open_days


@dataclass(frozen=True, kw_only=True)
class Place:
    """One person in the live line: the visit and why it stands there."""

    visit: Visit
    ranked: Ranked


@dataclass(frozen=True, kw_only=True)
class Offered:
    """One of the first whose turn it is, as a call needs it: where it stands, and what its reason is made of."""

    id: UUID
    state: State
    waiting: Waiting


def line(db: Session, site: Site, stage: Stage, *, at: datetime, policy: Policy | None = None) -> list[Place]:
    """Everyone who waits at a stage, in the order in which they would be called, and why."""
    visits = {visit.id: visit for visit in who_waits(db, site, stage, at=at)}
    ranked = rank(
        [as_waiting(visit) for visit in visits.values()],
        at,
        policy or Policy(),
        hour=partial(clock.hour, site.timezone),
    )
    return [Place(visit=visits[one.waiting.id], ranked=one) for one in ranked]


def first_in_turn(
    db: Session, site: Site, stage: Stage, *, at: datetime, first: int, policy: Policy | None = None
) -> list[Offered]:
    """The first so many of those who wait at a stage, in the order in which they would be called."""
    rows = {row.id: row for row in heads(db, site, stage, at=at, first=first)}
    turns = in_turn(map(as_waiting, rows.values()), at, policy or Policy(), first=first)
    return [Offered(id=one.id, state=rows[one.id].state, waiting=one) for one in turns]


def who_waits(db: Session, site: Site, stage: Stage, *, at: datetime) -> Sequence[Visit]:
    """Everyone who waits at a stage, in no order."""
    return db.scalars(_waiting(stage), {"site": site.id} | open_days(site, at)).all()


def heads(db: Session, site: Site, stage: Stage, *, at: datetime, first: int) -> Sequence[Row[Any]]:
    """Among those who wait at a stage, all who can be one of the first so many to be called; in no order.

    Nobody without an appointment passes another of the same class who has waited longer, so that many of each class
    are enough. Whether an appointment still counts, and since when, is the policy's own reckoning: all who have one
    are read, and the agenda keeps them few.
    """
    db.flush()  # what this transaction itself has changed counts too
    return db.connection().execute(_heads(stage), {"site": site.id, "first": first} | open_days(site, at)).all()


@cache
def _waiting(stage: Stage) -> Select[Any]:
    return select(Visit).where(*_waits(stage))


@cache
def _heads(stage: Stage) -> Select[Any]:
    visit = table_of(Visit).c
    told = (
        visit.id, visit.number, visit.state, visit.purpose, visit.arrived_at, visit.waits_since, visit.booked_for,
        visit.urgent_because, visit.needs_help,
    )  # fmt: skip
    like_them = (visit.urgent_because != "", visit.booked_for.is_(None), visit.needs_help, visit.purpose)
    place = func.row_number().over(partition_by=like_them, order_by=(visit.waits_since, visit.number))
    # No more than the place goes through the sorting; the rest is read of those alone who are told.
    placed = select(visit.id, place.label("place")).where(*_waits(stage)).subquery()
    is_told = or_(placed.c.place <= bindparam("first"), visit.booked_for.is_not(None))
    return select(*told).join_from(placed, table_of(Visit), placed.c.id == visit.id).where(is_told)


def _waits(stage: Stage) -> Sequence[ColumnElement[bool]]:
    return (
        Visit.site_id == bindparam("site"),
        Visit.day.in_((bindparam("today"), bindparam("yesterday"))),
        Visit.arrived_at > bindparam("since"),
        Visit.stage == as_it_stands(stage),
        may_be_called(stage),
    )


def why_here(site: Site, visit: Visit, *, at: datetime) -> str:
    """Why a visit has its place in the line, in words that may be said aloud to the person."""
    return reason(as_waiting(visit), at, Policy(), hour=partial(clock.hour, site.timezone))


def as_waiting(visit: Visit | Row[Any]) -> Waiting:
    """A visit, or as much of its row as `heads` reads, as the policy sees it: hours and flags."""
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
