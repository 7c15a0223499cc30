"""A visit's way after the call: recalled, missed, set aside, handed on, brought back, ended."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Select, bindparam, func, select
from sqlalchemy.orm import Session

from kiosk.register.clock import Chance
from kiosk.register.database import Database, uuid7
from kiosk.register.errors import Conflict, Invalid
from kiosk.register.events import announce
from kiosk.register.journal import Act, write
from kiosk.register.once import PageAlreadyUsed, answered
from kiosk.register.sites import Site
from kiosk.register.visits import Move, NotNow, Stage, State, Verb, Visit, move, visit_of
from kiosk.waiting import open_days, same_act

#: A call may be undone for so long.
UNDO: Final = timedelta(seconds=10)
#: Who missed a call stands in the line again after so long, once; missed again, the number is set aside.
ABSENCE: Final = timedelta(minutes=5)
#: Who does what the clock alone decides.
CLOCK: Final = "etiquette"

#: What the waiting room hears.
HEARD: Final = {Verb.CALL, Verb.CALL_TO_ROOM, Verb.RECALL, Verb.UNDO, Verb.TRANSFER}
#: The journal's word for each move.
ACTS: Final = {
    Verb.CALL: Act.VISIT_CALLED, Verb.CALL_TO_ROOM: Act.VISIT_CALLED, Verb.RECALL: Act.VISIT_RECALLED,
    Verb.UNDO: Act.VISIT_UNDONE, Verb.MISS: Act.VISIT_MISSED, Verb.PARK: Act.VISIT_PARKED,
    Verb.COME_BACK: Act.VISIT_RETURNED, Verb.TRANSFER: Act.VISIT_TRANSFERRED, Verb.REGISTER: Act.VISIT_REGISTERED,
    Verb.SEND: Act.VISIT_SENT, Verb.SAMPLE: Act.VISIT_SAMPLED, Verb.LEAVE: Act.VISIT_LEFT,
    Verb.CANCEL: Act.VISIT_CANCELLED, Verb.HAND_BACK: Act.VISIT_HANDED_BACK,
}  # fmt: skip


class TooLate(Conflict):
    """A call can be undone for ten seconds only; use « no-show » or call again."""

    french = "Plus de dix secondes ont passé. Utilisez « absent » ou rappelez le numéro."


class NotThere(Invalid):
    """This desk or room does not exist, or has the number already; choose another one."""

    french = "Choisissez un autre guichet ou une autre salle que celui où le numéro est appelé."


def advance(
    db: Session,
    visit: Visit,
    verb: Verb,
    *,
    by: str,
    at: datetime,
    chance: Chance,
    key: str,
    desk: str | None = None,
    reason: str | None = None,
) -> Visit:
    """Make a move of a visit that is no call.

    Who is handed back to the counter has the place of its arrival there. Who misses a second call is set aside.

    Args:
        desk: the other counter or room, for `Verb.TRANSFER`.

    Raises:
        NotNow: when the table of moves has no such move.
        TooLate: when a call is undone after ten seconds.
        PageAlreadyUsed: when this form was sent for another visit or act.
    """
    # Two desks at once: the second waits here, then sees where the first has left the visit.
    db.refresh(visit, with_for_update=True)
    if before := answered(db, Move, visit.site_id, key):
        same_act(before, verb, by)
        if before.visit_id != visit.id:
            raise PageAlreadyUsed
        return visit
    if verb is Verb.UNDO and visit.called_at is not None and at - visit.called_at > UNDO:
        raise TooLate
    move(db, visit, verb, id=uuid7(at, chance), by=by, at=at, key=key, desk=desk or visit.desk, reason=reason)
    if verb in {Verb.RECALL, Verb.TRANSFER}:
        visit.called_at, visit.desk = at, desk or visit.desk
    if verb is Verb.SEND:
        visit.stage, visit.waits_since = Stage.SAMPLING, at
    if verb is Verb.HAND_BACK:
        visit.stage, visit.waits_since = Stage.COUNTER, visit.arrived_at
    if verb in {Verb.UNDO, Verb.HAND_BACK}:
        visit.desk = visit.called_at = None
    tell(db, visit, verb, by=by, at=at, chance=chance)
    if verb is Verb.MISS and _missed(db, visit) > 1:
        return advance(db, visit, Verb.PARK, by=by, at=at, chance=chance, key=uuid7(at, chance).hex)
    return visit


def hand_on(
    db: Session, visit: Visit, desk: str, *, among: Sequence[str], by: str, at: datetime, chance: Chance, key: str
) -> Visit:
    """Give the person who was called to another counter, or to another room; the board shows where.

    Args:
        among: the places of this kind that the laboratory has.

    Raises:
        NotThere: it is no such place, or the one where the number is called.
        NotNow: nobody called this number.
    """
    if answered(db, Move, visit.site_id, key) is None and (desk not in among or desk == visit.desk):
        raise NotThere
    return advance(db, visit, Verb.TRANSFER, by=by, at=at, chance=chance, key=key, desk=desk)


def bring_back(database: Database, site: Site, *, at: datetime, chance: Chance) -> int:
    """Let everyone who missed a call long enough ago stand in the line again, at the place that was left.

    Returns:
        How many came back.
    """
    with database.reading() as db:
        due = _absent(db, site, at=at)
    back = 0
    if due:
        with database.transaction() as db:
            for one in due:
                # A person may have brought the number back, or set it aside, at this very moment.
                with suppress(NotNow):
                    visit = visit_of(db, one)
                    advance(db, visit, Verb.COME_BACK, by=CLOCK, at=at, chance=chance, key=uuid7(at, chance).hex)
                    back += 1
    return back


def _absent(db: Session, site: Site, *, at: datetime) -> Sequence[UUID]:
    """Whose missed call is old enough."""
    return db.scalars(_missed_before(), {"site": site.id, "until": at - ABSENCE} | open_days(site, at)).all()


@cache
def _missed_before() -> Select[Any]:
    """Built once: every call asks it."""
    return (
        select(Visit.id)
        .join(Move, Move.visit_id == Visit.id)
        .where(
            Visit.site_id == bindparam("site"),
            Visit.day.in_((bindparam("today"), bindparam("yesterday"))),
            Visit.arrived_at > bindparam("since"),
            Visit.state == State.NO_SHOW,
            Move.verb == Verb.MISS,
        )
        .group_by(Visit.id)
        .having(func.max(Move.at) <= bindparam("until", type_=Move.at.type))
        .order_by(Visit.id)
    )


def _missed(db: Session, visit: Visit) -> int:
    """How many calls this visit has missed."""
    asked = select(func.count()).where(Move.visit_id == visit.id, Move.verb == Verb.MISS)
    return db.scalar(asked) or 0


def at_desk(db: Session, site: Site, desk: str, *, at: datetime) -> Visit | None:
    """The visit that a desk or room has before it now, if any."""
    days = open_days(site, at)
    return db.scalars(
        select(Visit)
        .where(
            Visit.site_id == site.id,
            Visit.day.in_((days["today"], days["yesterday"])),
            Visit.arrived_at > days["since"],
            Visit.desk == desk,
            Visit.state.in_((State.CALLED, State.REGISTERED, State.IN_ROOM)),
        )
        .order_by(Visit.called_at.desc())
    ).first()


def tell(db: Session, visit: Visit, verb: Verb, *, by: str, at: datetime, chance: Chance) -> None:
    """Journal first, event last: the event counter is the last lock that a transaction takes."""
    write(db, "register", ACTS[verb], by=by, at=at, chance=chance, visit=visit.id)
    calls = verb in HEARD
    body = {"number": visit.number, "desk": visit.desk, "stage": visit.stage, "verb": verb}
    announce(db, visit.site_id, "call" if calls else "line", body, at=at)
