"""Whose turn it is: the one claim that gives each person to one desk."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from functools import cache
from typing import Final
from uuid import UUID

from sqlalchemy import bindparam, case, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from kiosk.counter.passage import tell
from kiosk.line.policy import Policy
from kiosk.places import Place, line
from kiosk.register.clock import Chance
from kiosk.register.database import Database, uuid7
from kiosk.register.errors import Conflict
from kiosk.register.once import answered
from kiosk.register.sites import Site
from kiosk.register.visits import MOVES, Move, Stage, Visit, trace, visit_of
from kiosk.waiting import CALLABLE, CALLS, may_be_called, same_act

#: How many ranked people one claim offers: enough for every counter to press at once.
OFFERED: Final = 16
#: How often a desk ranks the line anew when all it was offered were called by others meanwhile.
TRIES: Final = 3


class NobodyWaits(Conflict):
    """Nobody waits at this stage; the line is empty."""

    french = "Personne n'attend. La file est vide."


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
) -> Visit:
    """Call whoever's turn it is to a desk: the line is ranked while others write, the claim alone is a transaction.

    Raises:
        NobodyWaits: when the stage's line is empty.
    """
    for _ in range(TRIES):
        with database.reading() as db:
            places = line(db, site, stage, at=at, policy=policy, first=OFFERED)
        with suppress(NobodyWaits), database.transaction() as db:
            return call_next(db, site, stage, places, desk=desk, by=by, at=at, chance=chance, key=key)
        if not places:
            break
    raise NobodyWaits


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
    first = (
        select(Visit.id)
        .where(Visit.id.in_(offered), still_waits)
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
