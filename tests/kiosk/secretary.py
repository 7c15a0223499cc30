"""A secretary at a desk, without a screen: she gives numbers, calls and notes what becomes of them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

from sqlalchemy import event
from sqlalchemy.orm import Session

from kiosk.counter.passage import advance
from kiosk.counter.turns import call_next, rank_and_call
from kiosk.places import Offered, first_in_turn
from kiosk.register.database import Database
from kiosk.register.sites import Site
from kiosk.register.visits import Purpose, Stage, State, Verb, Visit
from kiosk.waiting import WhatWasSaid, announced, take_number

Chance = Callable[[int], bytes]


def a_line(site: Site, at: datetime, people: int) -> list[Visit]:
    """People who arrived one second after the other."""
    return [
        Visit(
            id=uuid4(), site_id=site.id, day=at.date(), number=n, state=State.ARRIVED, stage=Stage.COUNTER,
            purpose=Purpose.WALK_IN, language="fr", arrived_at=at + timedelta(seconds=n),
            waits_since=at + timedelta(seconds=n), needs_help=False, announced_low=0, announced_high=5,
        )
        for n in range(1, people + 1)
    ]  # fmt: skip


def a_crowd(site: Site, at: datetime, dice: Random, people: int) -> list[Visit]:
    """A line of every class, each morning with other shares: some at the same instant, some beyond the guard."""
    crowd = a_line(site, at, people)
    urgent, booked, helped = dice.choice((0, 0, 0.2)), dice.choice((0, 0.4, 0.9)), dice.choice((0, 0.4))
    longest = dice.choice((150, 40, 20))
    for visit in crowd:
        came = at - timedelta(minutes=dice.randrange(0, longest, 4), microseconds=dice.choice((0, 0, 1)))
        visit.arrived_at = visit.waits_since = came
        visit.purpose = dice.choice(list(Purpose))
        visit.needs_help = dice.random() < helped
        visit.urgent_because = "personne fragile" if dice.random() < urgent else dice.choice([None, ""])
        if dice.random() < booked:
            visit.booked_for = came + timedelta(minutes=dice.choice([-16, -15, -14, 0, 4, 5, 6, 30]))
        if dice.random() < 0.4:
            visit.stage, visit.state = Stage.SAMPLING, State.WAITING
            visit.waits_since = came + timedelta(minutes=dice.randrange(60))
        if dice.random() < 0.3:
            visit.state = State.RETURNED
        if dice.random() < 0.1:
            visit.day -= timedelta(days=1)
    dice.shuffle(crowd)
    return crowd


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """All that is said to the database meanwhile, but for begin and end."""
    said: list[str] = []

    def hear(*told: Any) -> None:
        said.append(told[2])

    engines = {database.reading_engine, *database.writing_engines.values()}
    for engine in engines:
        event.listen(engine, "before_cursor_execute", hear)
    yield said
    for engine in engines:
        event.remove(engine, "before_cursor_execute", hear)


class Reception:
    """One secretary at one desk, with her own forms."""

    def __init__(self, site: Site, at: datetime, chance: Chance, name: str = "sophie", desk: str = "Guichet 1") -> None:
        self.site, self.at, self.chance, self.name, self.desk = site, at, chance, name, desk

    def key(self) -> str:
        return uuid4().hex

    def gives_number(
        self, db: Session, purpose: Purpose = Purpose.WALK_IN, said: WhatWasSaid | None = None, key: str | None = None
    ) -> Visit:
        wait = announced(db, self.site, Stage.COUNTER, at=self.at)
        return take_number(
            db, self.site, wait=wait, purpose=purpose, said=said, by=self.name, at=self.at, chance=self.chance,
            key=key or self.key(),
        )  # fmt: skip

    def calls_next(self, db: Session, stage: Stage = Stage.COUNTER) -> Visit:
        """In one transaction with what went before; the screens rank the line first."""
        return self.calls_one_of(db, first_in_turn(db, self.site, stage, at=self.at, first=1), stage)

    def calls_one_of(self, db: Session, offered: Sequence[Offered], stage: Stage = Stage.COUNTER) -> Visit:
        return call_next(
            db, self.site, stage, offered, desk=self.desk, by=self.name, at=self.at, chance=self.chance, key=self.key()
        )

    def presses_next(self, database: Database, key: str | None = None) -> Visit:
        """As the screen does it."""
        return rank_and_call(
            database, self.site, Stage.COUNTER, desk=self.desk, by=self.name, at=self.at, chance=self.chance,
            key=key or self.key(),
        )  # fmt: skip

    def moves(self, db: Session, visit: Visit, verb: Verb, reason: str | None = None) -> Visit:
        row = db.get_one(Visit, visit.id)
        return advance(db, row, verb, by=self.name, at=self.at, chance=self.chance, key=self.key(), reason=reason)

    def waits(self, minutes: float) -> None:
        self.at += timedelta(minutes=minutes)
