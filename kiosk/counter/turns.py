"""Whose turn it is: the one claim that gives each person to one desk."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache, partial
from typing import Final
from uuid import UUID

from sqlalchemy import Executable, bindparam, case, literal_column, select, true, update
from sqlalchemy.orm import Session

from kiosk.booking.discretion import awaits_no_decision, undecided_among
from kiosk.counter.passage import tell
from kiosk.line.policy import Policy, reason
from kiosk.places import Offered, Place, first_in_turn, line
from kiosk.register import clock
from kiosk.register.clock import Chance
from kiosk.register.database import Database, table_of, uuid7
from kiosk.register.errors import Conflict
from kiosk.register.once import answered, is_new
from kiosk.register.sites import Site
from kiosk.register.staff import Power
from kiosk.register.visits import MOVES, Move, Stage, Visit, as_written, trace, visit_of
from kiosk.waiting import CALLABLE, CALLS, as_it_stands, may_be_called, same_act

#: How many ranked people each try offers: eight counters may press at once. A desk that finds all of them called by
#: others meanwhile ranks the line anew.
OFFERED: Final = (8, 16, 16)


class NobodyWaits(Conflict):
    """Nobody waits at this stage; the line is empty."""

    french = "Personne n'attend. La file est vide."


class AgreementFirst(Conflict):
    """Whoever waits here waits for a biologist's word first; call her, then press again."""

    french = "Personne d'autre n'attend. Le biologiste donne d'abord son accord pour une personne : prévenez-le."


def rank_and_call(
    database: Database,
    site: Site,
    stage: Stage,
    *,
    desk: str,
    by: str,
    at: datetime,
    chance: Chance,
    key: str,
    policy: Policy | None = None,
    power: Power | None = None,
) -> Visit:
    """Call whoever's turn it is to a desk: the line is ranked while others write, the claim alone is a transaction.

    Args:
        power: vouches for a biologist's decision before a draw; without it every such visit stays where it is.

    Raises:
        NobodyWaits: when the stage's line is empty.
        AgreementFirst: when everyone in it waits for a biologist's decision.
    """
    for tries, first in enumerate(OFFERED, start=1):
        with database.reading() as db:
            offered, held = offer(db, site, stage, at=at, policy=policy, power=power, first=first)
        with suppress(NobodyWaits), database.transaction() as db:
            return call_next(
                db, site, stage, offered, desk=desk, by=by, at=at, chance=chance, key=key, policy=policy,
                waits=tries == len(OFFERED),
            )  # fmt: skip
        if not offered:
            raise AgreementFirst if held else NobodyWaits
    raise NobodyWaits


def offer(
    db: Session,
    site: Site,
    stage: Stage,
    *,
    at: datetime,
    power: Power | None,
    first: int,
    policy: Policy | None = None,
) -> tuple[list[Offered], int]:
    """The first so many whom a desk may call, and how many were passed because a biologist decides on them first.

    Args:
        power: vouches for a decision.
    """
    wanted = first
    while True:
        offered = first_in_turn(db, site, stage, at=at, policy=policy, first=wanted)
        held = undecided_among(db, [one.id for one in offered], power) if stage is Stage.SAMPLING else frozenset()
        free = [one for one in offered if one.id not in held]
        if len(free) >= first or len(offered) < wanted:
            return free[:first], len(held)
        wanted = first + len(held)  # rare: whoever stands behind them is read too


def may_come(db: Session, site: Site, *, at: datetime, power: Power | None) -> tuple[list[Place], int]:
    """Who waits for a room, without those on whom a biologist decides before the draw, and how many of these there are.

    Args:
        power: vouches for a decision.
    """
    places = line(db, site, Stage.SAMPLING, at=at)
    held = undecided_among(db, [place.visit.id for place in places], power)
    return [place for place in places if place.visit.id not in held], len(held)


def call_next(
    db: Session,
    site: Site,
    stage: Stage,
    offered: Sequence[Offered],
    *,
    desk: str,
    by: str,
    at: datetime,
    chance: Chance,
    key: str,
    policy: Policy | None = None,
    waits: bool = False,
) -> Visit:
    """Call the first of the ranked people who still waits: one atomic claim, so that two desks never get the same one.

    Args:
        offered: who stood first just before, as `offer` ranked them.
        waits: for whoever is calling one of them now, instead of passing by.

    Raises:
        NobodyWaits: when none of them waits any more.
    """
    stood = {one.id: one for one in offered}
    visit = claim(db, list(stood), stage, site=site, desk=desk, at=at, key=key, waits=waits)
    if visit is None:
        # This form may have called somebody before; or it was sent twice at once, and its other half has let go by now.
        if before := _called_before(db, site, stage, by=by, key=key):
            return before
        raise NobodyWaits
    one = stood[visit.id]
    why = reason(one.waiting, at, policy or Policy(), hour=partial(clock.hour, site.timezone))
    trace(db, visit, CALLS[stage], before=one.state, id=uuid7(at, chance), by=by, at=at, key=key, desk=desk, reason=why)
    tell(db, visit, CALLS[stage], by=by, at=at, chance=chance)
    return visit


def _called_before(db: Session, site: Site, stage: Stage, *, by: str, key: str) -> Visit | None:
    """Whom this very form has called already."""
    before = answered(db, Move, site.id, key)
    if before is None:
        return None
    same_act(before, CALLS[stage], by)
    return visit_of(db, before.visit_id)


def claim(
    db: Session,
    ranked: Sequence[UUID],
    stage: Stage,
    *,
    site: Site,
    desk: str,
    at: datetime,
    key: str,
    waits: bool = False,
) -> Visit | None:
    """Take the first of the ranked people who may still be called, in one statement.

    None when all are gone, or when this form has called somebody already.

    The equality with a scalar subselect is meant: with IN the planner may run the subselect twice and lock more.
    SQLite drops the locking clause and is serial anyway; the test on PostgreSQL is the one that proves it.
    """
    if not ranked:
        return None
    told = {f"place_{place}": one for place, one in enumerate(ranked)}
    asked = told | {"to_desk": desk, "now": at, "form_site": site.id, "form_key": key}
    row = db.connection().execute(_claiming(stage, len(ranked), waits), asked).first()
    return None if row is None else as_written(db, row._asdict())


@cache
def _claiming(stage: Stage, many: int, waits: bool) -> Executable:
    """The statement of a claim among so many, built once."""
    visit = table_of(Visit)
    offered = [bindparam(f"place_{place}", type_=visit.c.id.type) for place in range(many)]
    still_waits = may_be_called(stage)
    # A visit that was marked since the line was ranked is not drawn before a biologist has decided.
    agreed = awaits_no_decision() if stage is Stage.SAMPLING else true()
    first = (
        select(visit.c.id)
        .where(visit.c.id.in_(offered), still_waits, agreed, is_new(Move))
        .order_by(case(*((visit.c.id == one, literal_column(str(place))) for place, one in enumerate(offered))))
        .limit(1)
        .with_for_update(skip_locked=not waits)
        .scalar_subquery()
    )
    return (
        update(visit)
        .where(visit.c.id == first, still_waits)
        .values(
            state=as_it_stands(MOVES[CALLABLE[stage][0], CALLS[stage]]),
            desk=bindparam("to_desk", type_=visit.c.desk.type),
            called_at=bindparam("now", type_=visit.c.called_at.type),
        )
        .returning(*visit.c)
    )
