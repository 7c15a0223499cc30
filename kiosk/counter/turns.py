"""Whose turn it is: the one claim that gives each person to one desk."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, case, select, true, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from kiosk.booking.discretion import awaits_no_decision, undecided_among
from kiosk.counter.passage import tell
from kiosk.line.policy import Policy
from kiosk.places import Place, line
from kiosk.register.clock import Chance
from kiosk.register.database import Database, uuid7
from kiosk.register.errors import Conflict
from kiosk.register.once import answered
from kiosk.register.sites import Site
from kiosk.register.staff import Power
from kiosk.register.visits import MOVES, Move, Stage, Visit, trace, visit_of
from kiosk.waiting import CALLABLE, CALLS, may_be_called, same_act

#: How many ranked people one claim offers: enough for every counter to press at once.
OFFERED: Final = 16
#: How often a desk ranks the line anew when all it was offered were called by others meanwhile.
TRIES: Final = 3


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
    for _ in range(TRIES):
        with database.reading() as db:
            places, held = may_come(db, site, stage, at=at, policy=policy, power=power, first=OFFERED)
        if held and not places:
            raise AgreementFirst
        with suppress(NobodyWaits), database.transaction() as db:
            return call_next(db, site, stage, places, desk=desk, by=by, at=at, chance=chance, key=key)
        if not places:
            break
    raise NobodyWaits


def may_come(
    db: Session, site: Site, stage: Stage, *, at: datetime, power: Power | None, policy: Policy | None = None,
    first: int | None = None,
) -> tuple[list[Place], int]:  # fmt: skip
    """The line of a stage without those on whom a biologist decides before the draw, and how many of these there are.

    Args:
        power: vouches for a decision.
        first: how many are wanted, as `line` takes it.
    """
    places = line(db, site, stage, at=at, policy=policy, first=first)
    if stage is not Stage.SAMPLING:
        return places, 0
    held = undecided_among(db, [place.visit.id for place in places], power)
    if held and first is not None:  # rare: whoever stands behind them is read too
        return may_come(db, site, stage, at=at, power=power, policy=policy)
    return [place for place in places if place.visit.id not in held], len(held)


def call_next(
    db: Session,
    site: Site,
    stage: Stage,
    places: Sequence[Place],
    *,
    desk: str,
    by: str,
    at: datetime,
    chance: Chance,
    key: str,
) -> Visit:
    """Call the first of the ranked people who still waits: one atomic claim, so that two desks never get the same one.

    Args:
        places: the line as `line` ranked it just before.

    Raises:
        NobodyWaits: when none of them waits any more.
    """
    if before := answered(db, Move, site.id, key):
        same_act(before, CALLS[stage], by)
        return visit_of(db, before.visit_id)
    stood = {place.visit.id: (place.visit.state, place.ranked.reason) for place in places[:OFFERED]}
    visit = claim(db, list(stood), stage, desk=desk, at=at)
    if visit is None:
        raise NobodyWaits
    state, reason = stood[visit.id]
    trace(db, visit, CALLS[stage], before=state, id=uuid7(at, chance), by=by, at=at, key=key, desk=desk, reason=reason)
    tell(db, visit, CALLS[stage], by=by, at=at, chance=chance)
    return visit


def claim(db: Session, ranked: Sequence[UUID], stage: Stage, *, desk: str, at: datetime) -> Visit | None:
    """Take the first of the ranked people who may still be called, in one statement; None when all are gone.

    The equality with a scalar subselect is meant: with IN the planner may run the subselect twice and lock more.
    SQLite drops the locking clause and is serial anyway; the test on PostgreSQL is the one that proves it.
    """
    if not ranked:
        return None
    offered = [*ranked, *[ranked[-1]] * (OFFERED - len(ranked))]
    told = {f"place_{place}": one for place, one in enumerate(offered)}
    return db.scalars(_claiming(stage), told | {"to_desk": desk, "now": at}).first()


@cache
def _claiming(stage: Stage) -> ReturningUpdate[Visit]:
    """The statement of a claim, built once; a line shorter than `OFFERED` is offered with its last person repeated."""
    offered = [bindparam(f"place_{place}", type_=Visit.id.type) for place in range(OFFERED)]
    still_waits = may_be_called(stage)
    # A visit that was marked since the line was ranked is not drawn before a biologist has decided.
    agreed = awaits_no_decision() if stage is Stage.SAMPLING else true()
    first = (
        select(Visit.id)
        .where(Visit.id.in_(offered), still_waits, agreed)
        .order_by(case(*((Visit.id == one, place) for place, one in enumerate(offered))))
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    return (
        update(Visit)
        .where(Visit.id == first, still_waits)
        .values(
            state=MOVES[CALLABLE[stage][0], CALLS[stage]],
            desk=bindparam("to_desk", type_=Visit.desk.type),
            called_at=bindparam("now", type_=Visit.called_at.type),
        )
        .returning(Visit)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
