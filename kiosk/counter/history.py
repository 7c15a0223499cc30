"""What the laboratory's own past days teach: how long services last, how hours are kept, what was announced."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

from sqlalchemy import JSON, ForeignKey, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.booking.appointments import Appointment
from kiosk.booking.appointments import State as AppointmentState
from kiosk.line.laws import Laws, as_figures, from_figures, learn_appointments, learn_service, learn_share
from kiosk.line.policy import LineClass, Policy, class_of
from kiosk.line.score import Told, recalibrate
from kiosk.places import as_waiting
from kiosk.register import clock
from kiosk.register.database import Base
from kiosk.register.sites import Site
from kiosk.register.visits import Move, Purpose, Stage, Verb, Visit
from kiosk.waiting import CALLS

#: Days that a law is learnt from.
WEEKS: Final = timedelta(days=28)
#: A desk that calls so soon after a service, with somebody waiting, has not been idle between.
BREATH: Final = timedelta(minutes=3)
#: What ends a service at a desk or in a room.
ENDS: Final = frozenset({Verb.SEND, Verb.LEAVE, Verb.MISS, Verb.PARK, Verb.CANCEL, Verb.TRANSFER, Verb.HAND_BACK})


class LearntLaws(Base):
    """The laws that the estimate uses on one day, learnt from the days before."""

    __tablename__ = "learnt_laws"
    keep = "2 years"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    #: `kiosk.line.laws.Laws` as figures.
    laws: Mapped[dict[str, Any]] = mapped_column(JSON)


@dataclass(kw_only=True)
class Past:
    """Some past days, reduced to what can be learnt from them; minutes, and nobody's name."""

    #: At each stage the services, and at the counter those of a short errand.
    services: dict[Stage, list[float]] = field(default_factory=lambda: {stage: [] for stage in Stage})
    short: list[float] = field(default_factory=list)
    #: Minutes after the hour of every recognised appointment, and how many were given.
    late: list[float] = field(default_factory=list)
    expected: int = 0
    #: Of everybody without appointment: put first, helped, for a short errand.
    urgent: list[bool] = field(default_factory=list)
    needs_help: list[bool] = field(default_factory=list)
    collects: list[bool] = field(default_factory=list)


def laws_today(db: Session, site: Site, *, at: datetime) -> Laws:
    """The newest laws that were learnt, or the defaults of a laboratory without a past."""
    newest = (
        select(LearntLaws)
        .where(LearntLaws.site_id == site.id, LearntLaws.day <= clock.day(site.timezone, at))
        .order_by(LearntLaws.day.desc())
        .limit(1)
    )
    row = db.scalars(newest).first()
    return from_figures(row.laws) if row is not None else Laws()


def learn(db: Session, site: Site, *, at: datetime) -> bool:
    """Learn today's laws from the four weeks before, once a day; the correction goes on from the last day's.

    Returns:
        Whether they were learnt now.
    """
    today = clock.day(site.timezone, at)
    if db.get(LearntLaws, (site.id, today)) is not None:
        return False
    before, past = laws_today(db, site, at=at), past_days(db, site, today - WEEKS, today)
    default = Laws()
    no_show, mean, deviation = learn_appointments(past.late, past.expected, default)
    laws = replace(
        before,
        counter=learn_service(past.services[Stage.COUNTER], default.counter),
        short=learn_service(past.short, default.short),
        sampling=learn_service(past.services[Stage.SAMPLING], default.sampling),
        no_show=no_show,
        late_mean=mean,
        late_deviation=deviation,
        urgent=learn_share(past.urgent, default.urgent),
        needs_help=learn_share(past.needs_help, default.needs_help),
        collects=learn_share(past.collects, default.collects),
    )
    last = db.scalar(
        select(func.max(Visit.day)).where(Visit.site_id == site.id, Visit.day < today, Visit.day >= today - WEEKS)
    )
    if last is not None:
        laws = recalibrate(laws, told_on(db, site, last, last + timedelta(days=1)).get(last, []))
    db.add(LearntLaws(site_id=site.id, day=today, laws=as_figures(laws)))
    return True


def past_days(db: Session, site: Site, first: date, end: date) -> Past:
    """What happened from one local day to the day before another."""
    past = Past()
    visits = {one.id: one for one in _visits(db, site, first, end)}
    for visit in visits.values():
        if visit.booked_for is not None:
            past.late.append((visit.arrived_at - visit.booked_for) / timedelta(minutes=1))
            continue
        past.urgent.append(visit.urgent_because is not None)
        past.needs_help.append(visit.needs_help)
        past.collects.append(visit.purpose is Purpose.COLLECT)
    past.expected = (
        db.scalar(
            select(func.count()).where(
                Appointment.site_id == site.id, Appointment.day >= first, Appointment.day < end,
                Appointment.state != AppointmentState.CANCELLED,
            )
        )
        or 0
    )  # fmt: skip
    moves = moves_on(db, site, first, end)
    for stage in Stage:
        for visit_id, minutes in _services(moves, stage):
            is_short = stage is Stage.COUNTER and visits[visit_id].purpose is Purpose.COLLECT
            (past.short if is_short else past.services[stage]).append(minutes)
    return past


def told_on(db: Session, site: Site, first: date, end: date) -> dict[date, list[Told]]:
    """Day -> every range that a walk-in was told, and what came of it.

    The range is the one of a walk-in, the same for everyone; of the others it was not meant. Who left uncalled cannot
    be scored.
    """
    calls: dict[UUID, datetime] = {}
    for move in moves_on(db, site, first, end):
        if move.verb == Verb.CALL:
            calls.setdefault(move.visit_id, move.at)
    told: dict[date, list[Told]] = {}
    for visit in _visits(db, site, first, end):
        if visit.id not in calls or class_of(as_waiting(visit), Policy()) is not LineClass.WALK_IN:
            continue
        middle = visit.announced_middle
        told.setdefault(visit.day, []).append(
            Told(
                middle=(visit.announced_low + visit.announced_high) / 2 if middle is None else middle,
                high=visit.announced_high,
                waited=(calls[visit.id] - visit.arrived_at) / timedelta(minutes=1),
            )
        )
    return told


def moves_on(db: Session, site: Site, first: date, end: date) -> Sequence[Move]:
    """Every move of the visits of some days, in the order of their hours."""
    days = (Visit.site_id == site.id, Visit.day >= first, Visit.day < end)
    return db.scalars(select(Move).join(Visit, Visit.id == Move.visit_id).where(*days).order_by(Move.at, Move.id)).all()


def _visits(db: Session, site: Site, first: date, end: date) -> Sequence[Visit]:
    days = (Visit.site_id == site.id, Visit.day >= first, Visit.day < end)
    return db.scalars(select(Visit).where(*days).order_by(Visit.arrived_at, Visit.number)).all()


def _services(moves: Sequence[Move], stage: Stage) -> Iterable[tuple[UUID, float]]:
    """Each service of a stage in minutes: until it ended, or until the desk called again where somebody waited."""
    begins = "arrive" if stage is Stage.COUNTER else Verb.SEND
    came = {move.visit_id: move.at for move in moves if move.verb == begins}
    ended: dict[UUID, list[Move]] = {}
    desks: dict[str | None, list[Move]] = {}
    for move in moves:
        if move.verb in ENDS | {Verb.UNDO}:
            ended.setdefault(move.visit_id, []).append(move)
        elif move.verb == CALLS[stage]:
            desks.setdefault(move.desk, []).append(move)
    for calls in desks.values():
        for call, following in pairwise([*calls, None]):
            ends = [one for one in ended.get(call.visit_id, ()) if one.at > call.at] if call is not None else []
            if call is None or not ends or ends[0].verb == Verb.UNDO:
                continue  # nobody was served, or is not yet
            end = ends[0].at
            if following is not None and end <= following.at <= end + BREATH:
                waited = came.get(following.visit_id, following.at) <= end
                end = following.at if waited else end
            yield call.visit_id, (end - call.at) / timedelta(minutes=1)
