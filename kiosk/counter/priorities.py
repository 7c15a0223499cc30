"""Who goes before the others, because a member of staff says so and why."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import distinct, func, select
from sqlalchemy.orm import Session

from kiosk.register.clock import Chance
from kiosk.register.database import uuid7
from kiosk.register.errors import Invalid
from kiosk.register.events import announce
from kiosk.register.journal import Act, write
from kiosk.register.once import PageAlreadyUsed, answered
from kiosk.register.sites import Site
from kiosk.register.visits import FINAL, Move, NotNow, State, Visit, trace
from kiosk.waiting import same_act

#: The word of a change of priority among a visit's moves: it moves nothing in the table of states.
FAVOUR: Final = "favour"
#: What may make somebody urgent, as a person would say it aloud.
REASONS: Final = ("prélèvement à l'heure", "personne fragile", "urgence sur l'ordonnance")
LONGEST: Final = 80


class UrgentReason(Invalid):
    """Somebody is put first for a reason of one line; choose or type one."""

    french = "Dites en une ligne pourquoi cette personne passe en premier."


def favour(
    db: Session,
    visit: Visit,
    *,
    urgent_because: str | None,
    needs_help: bool,
    by: str,
    at: datetime,
    chance: Chance,
    key: str,
) -> Visit:
    """Say what puts this person before others, or that nothing does any more; the trace tells who said it.

    Args:
        urgent_because: one line that may be said aloud, or None for somebody who waits in turn.
        needs_help: a child, a pregnancy, reduced mobility.

    Raises:
        UrgentReason: the reason is not one line of 80 signs.
        NotNow: the visit does not wait for anything any more.
        PageAlreadyUsed: when this form was sent for another visit or act.
    """
    db.refresh(visit, with_for_update=True)
    if before := answered(db, Move, visit.site_id, key):
        same_act(before, FAVOUR, by)
        if before.visit_id != visit.id:
            raise PageAlreadyUsed
        return visit
    because = " ".join(urgent_because.split()) if urgent_because is not None else None
    if because is not None and (not because or len(because) > LONGEST or not because.isprintable()):
        raise UrgentReason
    if visit.state in FINAL | {State.SAMPLED}:
        raise NotNow
    visit.urgent_because, visit.needs_help = because, needs_help
    said = f"urgence : {because}" if because else "aide" if needs_help else "à son tour"
    trace(
        db, visit, FAVOUR, before=visit.state, id=uuid7(at, chance), by=by, at=at, key=key, desk=visit.desk,
        reason=said,
    )  # fmt: skip
    write(db, "register", Act.VISIT_FAVOURED, by=by, at=at, chance=chance, visit=visit.id)
    announce(db, visit.site_id, "line", {"number": visit.number, "stage": visit.stage, "verb": FAVOUR}, at=at)
    return visit


def urgent_lately(db: Session, site: Site, *, at: datetime) -> int:
    """How many people were put first in the last hour and still are: above the policy's cap the staff are warned."""
    asked = (
        select(func.count(distinct(Move.visit_id)))
        .join(Visit, Visit.id == Move.visit_id)
        .where(
            Move.site_id == site.id,
            Move.at > at - timedelta(hours=1),
            Move.at <= at,
            Move.verb == FAVOUR,
            Visit.urgent_because.is_not(None),
        )
    )
    return db.scalar(asked) or 0
