"""The live line as the counters see it: who waits and why in this order, who is served, who may come back."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from kiosk.booking.appointments import Matching, matching
from kiosk.counter.passage import UNDO
from kiosk.counter.priorities import urgent_lately
from kiosk.door.answers import how_many_answers, unconfirmed_among
from kiosk.line.policy import LineClass, Policy
from kiosk.places import line
from kiosk.register import clock
from kiosk.register.journal import head_of
from kiosk.register.patients import Recognition
from kiosk.register.sites import Site
from kiosk.register.visits import Purpose, Said, Stage, State, Visit
from kiosk.waiting import open_days

ASIDE: Final = (State.NO_SHOW, State.PARKED)
SERVED: Final = (State.CALLED, State.REGISTERED, State.IN_ROOM)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One number of the live line, and what the counter should know before calling it; never a name."""

    visit: Visit
    line_class: LineClass
    reason: str
    #: Whole minutes since it waits at this stage.
    waited: int
    identified: bool
    #: What was presented at the kiosk: `code`, `name`, or nothing.
    said: str | None
    #: Several appointments may be this person's: ask.
    unsure: bool
    late: bool
    #: What was answered at the kiosk waits for somebody to confirm it.
    to_confirm: bool


@dataclass(frozen=True, kw_only=True)
class LiveLine:
    """The line as every counter sees it."""

    #: Entries of the journal when it was read: whatever changes the line writes one.
    acts: int
    #: Answers given at the kiosk, and how many of them nobody has confirmed: they write no entry.
    answers: tuple[int, int]
    counter: tuple[Row, ...]
    sampling: tuple[Row, ...]
    #: Missed or set aside, who may come back.
    aside: tuple[Visit, ...]
    #: At a counter or in a room now.
    served: tuple[Visit, ...]
    #: People put first in the last hour, where they are more than the policy expects; else none.
    too_many_urgent: int
    #: Some arrival is surely expected and does not have its clock yet.
    to_recognise: bool


@dataclass(frozen=True, kw_only=True)
class Panel(LiveLine):
    """The line as one counter sees it."""

    #: Before this desk.
    here: Visit | None
    #: Seconds in which the last call of this desk may still be undone.
    undo_for: int


class LastRead:
    """The live line as this programme last read it: every screen asks for it, and few of them find it changed."""

    def __init__(self) -> None:
        self._kept: tuple[object, LiveLine] | None = None
        self._drawn: tuple[LiveLine, str] | None = None

    def live_line(self, db: Session, site: Site, *, at: datetime) -> LiveLine:
        """The line, read again when an act, an answer or a confirmation came since, or another minute has begun."""
        # The journal is asked first: an act that is committed meanwhile is at worst shown twice, never missed.
        acts, _ = head_of(db, "register")
        answers = how_many_answers(db)
        mark = (site.id, acts, answers, f"{at:%Y-%m-%d %H:%M}")
        kept = self._kept
        if kept is None or kept[0] != mark:
            kept = self._kept = (mark, read_live_line(db, site, acts=acts, answers=answers, at=at))
        return kept[1]

    def drawn(self, line: LiveLine, draw: Callable[[LiveLine], str]) -> str:
        """What every screen shows alike of a line, drawn once; nothing of whoever looks may stand in it."""
        kept = self._drawn
        if kept is None or kept[0] is not line:
            kept = self._drawn = (line, draw(line))
        return kept[1]


def panel(line: LiveLine, desk: str, *, at: datetime) -> Panel:
    """The live line for one desk."""
    here = next((visit for visit in line.served if visit.desk == desk), None)
    called = here.called_at if here is not None and here.state is not State.REGISTERED else None
    undo_for = max(0, int((called + UNDO - at) / timedelta(seconds=1))) if called else 0
    return Panel(**vars(line), here=here, undo_for=undo_for)


def read_live_line(db: Session, site: Site, *, acts: int, answers: tuple[int, int], at: datetime) -> LiveLine:
    """Read everyone who waits, is served or was set aside today.

    Args:
        acts: the journal's size, asked before.
        answers: as `how_many_answers` counted them, asked before.
    """
    found, days = matching(db, site, at=at), open_days(site, at)
    today = db.scalars(
        select(Visit)
        .where(
            Visit.site_id == site.id,
            Visit.day.in_((days["today"], days["yesterday"])),
            Visit.arrived_at > days["since"],
            Visit.state.in_((*ASIDE, *SERVED)),
        )
        .order_by(Visit.called_at.desc(), Visit.number)
    ).all()
    urgent = urgent_lately(db, site, at=at)
    return LiveLine(
        acts=acts,
        answers=answers,
        counter=_rows(db, site, Stage.COUNTER, found, at=at),
        sampling=_rows(db, site, Stage.SAMPLING, found, at=at),
        aside=tuple(visit for visit in today if visit.state in ASIDE),
        served=tuple(visit for visit in today if visit.state in SERVED),
        too_many_urgent=urgent if urgent > Policy().urgent_cap else 0,
        to_recognise=bool(found.sure),
    )


def _rows(db: Session, site: Site, stage: Stage, found: Matching, *, at: datetime) -> tuple[Row, ...]:
    places = line(db, site, stage, at=at)
    ids = [place.visit.id for place in places]
    known = set(db.scalars(select(Recognition.visit_id).where(Recognition.visit_id.in_(ids))))
    waiting = unconfirmed_among(db, ids)
    said = {one.visit_id: one.kind for one in db.scalars(select(Said).where(Said.visit_id.in_(ids)))}
    return tuple(
        Row(
            visit=place.visit,
            line_class=place.ranked.line_class,
            reason=place.ranked.reason,
            waited=clock.minutes_between(place.visit.waits_since, at),
            identified=place.visit.id in known,
            said=said.get(place.visit.id) or ("booked" if place.visit.purpose is Purpose.BOOKED else None),
            unsure=place.visit.id in found.unsure,
            late=_late(place.visit),
            to_confirm=place.visit.id in waiting,
        )
        for place in places
    )


def _late(visit: Visit) -> bool:
    return visit.booked_for is not None and visit.arrived_at > visit.booked_for + Policy().on_time
