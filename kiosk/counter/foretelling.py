"""The wait is foretold from the live line after each change, and stored for whoever announces it."""

from datetime import datetime, timedelta
from functools import cache
from random import Random
from typing import Final

from sqlalchemy import Executable, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from kiosk.booking.appointments import EXPECTED, Appointment
from kiosk.counter.history import laws_today, learn
from kiosk.line.ahead import Snapshot, an_hour, foretell
from kiosk.line.estimate import Range
from kiosk.line.policy import Policy, standing_of
from kiosk.places import as_waiting, who_waits
from kiosk.register import clock
from kiosk.register.clock import Chance
from kiosk.register.database import Database, table_of
from kiosk.register.events import announce
from kiosk.register.journal import head_of
from kiosk.register.sites import Site, this_site
from kiosk.register.visits import Move, Purpose, Stage, State, Visit
from kiosk.waiting import CALLS, OPEN, Forecast, open_days

#: Without any change the line is foretold again after so long: everyone in it has waited longer.
AGAIN: Final = timedelta(seconds=30)
#: Who is before a desk of each stage.
SERVED: Final = {Stage.COUNTER: (State.CALLED, State.REGISTERED), Stage.SAMPLING: (State.IN_ROOM,)}


class Foreteller:
    """The programme's own memory of what it has foretold: nothing is foretold twice for the same line."""

    def __init__(self, database: Database, chance: Chance) -> None:
        self._database = database
        self._seed = chance(16)
        self._seen: tuple[int, datetime] | None = None

    def look(self, *, at: datetime) -> bool:
        """Foretell the lines anew if something has happened, or enough time has passed.

        Returns:
            Whether they were foretold.
        """
        with self._database.reading() as db:
            acts, _ = head_of(db, "register")
            seen = self._seen
            if seen is not None and seen[0] == acts and timedelta(0) <= at - seen[1] < AGAIN:
                return False
            site = this_site(db)
            laws = laws_today(db, site, at=at)
            shown = {stage: snapshot(db, site, stage, at=at) for stage in Stage}
        service = {Stage.COUNTER: laws.counter, Stage.SAMPLING: laws.sampling}
        policy = Policy()
        # The same dice for every look: what differs between two ranges is the line, not the draw.
        dice = Random(self._seed)  # noqa: S311  # imagined mornings, not a secret
        told = {stage: foretell(now, laws, policy, service[stage], dice) for stage, now in shown.items()}
        with self._database.transaction() as db:
            for stage, wait in told.items():
                keep(db, site, stage, wait, at=at)
        self._seen = (acts, at)
        return True

    def learn(self, *, at: datetime) -> None:
        """Learn the laws of the day, once a day."""
        with self._database.transaction() as db:
            learn(db, this_site(db), at=at)


def keep(db: Session, site: Site, stage: Stage, wait: Range, *, at: datetime) -> None:
    """Store what was foretold; the screens hear of it only when the range they show is another one."""
    middle = wait.middle if wait.middle is not None else (wait.low + wait.high) // 2
    told = {"at": at, "low": wait.low, "high": wait.high, "middle": middle}
    # Two programmes of the staff may foretell for the first time at the same instant.
    made = db.execute(_first(db.get_bind().dialect.name), {"site_id": site.id, "stage": stage} | told)
    is_new = made.first() is not None
    row = db.get_one(Forecast, (site.id, stage), with_for_update=True)
    changed = is_new or (row.low, row.high) != (wait.low, wait.high)
    row.at, row.low, row.high, row.middle = at, wait.low, wait.high, middle
    if changed:
        announce(db, site.id, "line", {"stage": stage, "verb": "foretell"}, at=at)


@cache
def _first(dialect: str) -> Executable:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    return insert(table_of(Forecast)).on_conflict_do_nothing().returning(table_of(Forecast).c.at)


def snapshot(db: Session, site: Site, stage: Stage, *, at: datetime) -> Snapshot:
    """A line as it stands: who waits, who is served since when, which desks are open, who is still expected."""
    policy, days = Policy(), open_days(site, at)
    served = db.execute(
        select(Visit.desk, Visit.called_at).where(
            Visit.site_id == site.id,
            Visit.day.in_((days["today"], days["yesterday"])),
            Visit.arrived_at > days["since"],
            Visit.state.in_(SERVED[stage]),
            Visit.stage == stage,
            Visit.called_at.is_not(None),
        )
    ).all()
    lately = db.scalars(
        select(Move.desk)
        .where(Move.site_id == site.id, Move.verb == CALLS[stage], Move.at > at - OPEN, Move.at <= at)
        .distinct()
    )
    return Snapshot(
        at=at.timestamp(),
        waiting=[
            (standing_of(as_waiting(visit), policy), stage is Stage.COUNTER and visit.purpose is Purpose.COLLECT)
            for visit in who_waits(db, site, stage, at=at)
        ],
        serving=[called.timestamp() for _, called in served if called is not None],
        desks=max(1, len({desk for desk, _ in served} | set(lately))),
        expected=_expected(db, site, at=at) if stage is Stage.COUNTER else (),
        walk_ins_an_hour=_walk_ins(db, site, at=at) if stage is Stage.COUNTER else 0.0,
    )


def _expected(db: Session, site: Site, *, at: datetime) -> list[float]:
    hours = select(Appointment.start).where(
        Appointment.site_id == site.id,
        Appointment.day == clock.day(site.timezone, at),
        Appointment.state.in_(EXPECTED),
    )
    return [hour.timestamp() for hour in db.scalars(hours)]


def _walk_ins(db: Session, site: Site, *, at: datetime) -> float:
    asked = select(Visit.arrived_at).where(
        Visit.site_id == site.id,
        Visit.day == clock.day(site.timezone, at),
        Visit.booked_for.is_(None),
        Visit.arrived_at > at - timedelta(hours=1),
    )
    first = db.scalar(
        select(func.min(Visit.arrived_at)).where(Visit.site_id == site.id, Visit.day == clock.day(site.timezone, at))
    )
    came = [one.timestamp() for one in db.scalars(asked)]
    return an_hour(came, at.timestamp(), first.timestamp()) if first is not None else 0.0
