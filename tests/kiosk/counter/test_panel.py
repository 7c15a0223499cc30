"""The live line is what stands in the register, however often it is asked for, on both engines."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from jinja2 import Environment, meta
from sqlalchemy.orm import Session

from kiosk.booking.appointments import Appointment, arrive, book
from kiosk.counter import panel as panels
from kiosk.counter.panel import LastRead, LiveLine, panel
from kiosk.counter.reception import Traits, open_file
from kiosk.counter.turns import call_next
from kiosk.line.estimate import Range
from kiosk.line.policy import LineClass
from kiosk.places import first_in_turn
from kiosk.register.database import Database
from kiosk.register.patients import Document, Sex
from kiosk.register.sites import Site
from kiosk.register.visits import Purpose, Stage, Visit
from kiosk.waiting import WhatWasSaid, take_number


@dataclass
class Desk:
    """A secretary in one transaction."""

    db: Session
    site: Site
    at: datetime
    chance: Callable[[int], bytes]

    def key(self) -> str:
        return self.chance(16).hex()

    def arrival(self, said: WhatWasSaid | None = None) -> Visit:
        return take_number(
            self.db, self.site, wait=Range(low=0, high=5), purpose=Purpose.WALK_IN, said=said, by="Borne 1", at=self.at,
            chance=self.chance, key=self.key(),
        )  # fmt: skip

    def books(self, name: str, minutes: int) -> Appointment:
        return book(
            self.db, self.site, start=self.at + timedelta(minutes=minutes), birth_name=name, given_names="Luc",
            birth_date="19600101", by="sophie", at=self.at, chance=self.chance, key=self.key(),
        )  # fmt: skip

    def calls(self) -> Visit:
        return call_next(
            self.db, self.site, Stage.COUNTER, first_in_turn(self.db, self.site, Stage.COUNTER, at=self.at, first=1),
            desk="Guichet 1", by="sophie", at=self.at, chance=self.chance, key=self.key(),
        )  # fmt: skip


@pytest.fixture
def sophie(database: Database, site: Site, at: datetime, chance: Callable[[int], bytes]) -> Iterator[Desk]:
    with database.transaction() as db:
        yield Desk(db=db, site=site, at=at, chance=chance)


def test_the_panel_knows_who_waits_who_is_served_and_who_is_not_sure(sophie: Desk) -> None:
    kept = LastRead()
    sophie.books("Martin", 60)
    sophie.books("Martinez", 60)
    first = sophie.arrival()
    open_file(
        sophie.db, first, Traits(birth_name="Moreau", given_names="Jeanne", birth_date="19540203", sex=Sex.F),
        document=Document.CARD, another=False, by="sophie", at=sophie.at, chance=sophie.chance, key=sophie.key(),
    )  # fmt: skip
    unsure = sophie.arrival(WhatWasSaid(kind="name", word="MAR", birth_date="19600101"))
    rows = kept.live_line(sophie.db, sophie.site, at=sophie.at).counter
    assert [(row.visit.id, row.identified, row.unsure) for row in rows] == [
        (first.id, True, False),
        (unsure.id, False, True),
    ]
    sophie.calls()
    after = kept.live_line(sophie.db, sophie.site, at=sophie.at)
    shown = panel(after, "Guichet 1", at=sophie.at + timedelta(seconds=4))
    assert shown.here is first
    assert shown.undo_for == 6
    assert panel(after, "Guichet 2", at=sophie.at).here is None


def test_the_line_is_read_again_after_each_act_and_each_minute_and_not_in_between(sophie: Desk) -> None:
    kept, visit = LastRead(), sophie.arrival()
    booked = sophie.books("Moreau", 5)
    first = kept.live_line(sophie.db, sophie.site, at=sophie.at)
    assert kept.live_line(sophie.db, sophie.site, at=sophie.at + timedelta(seconds=1)) is first
    # An act that no screen is told of: the journal alone knows it.
    arrive(sophie.db, booked, visit, by="sophie", at=sophie.at, chance=sophie.chance)
    [row] = kept.live_line(sophie.db, sophie.site, at=sophie.at).counter
    assert row.line_class is LineClass.BOOKED
    [row] = kept.live_line(sophie.db, sophie.site, at=sophie.at + timedelta(minutes=7)).counter
    assert row.waited == 7


def test_what_every_screen_shows_alike_is_drawn_once_for_each_reading_of_the_line(sophie: Desk) -> None:
    kept, drawn = LastRead(), list[LiveLine]()

    def draw(line: LiveLine) -> str:
        drawn.append(line)
        return f"{len(line.counter)} people"

    for people in (1, 2):
        sophie.arrival()
        for _ in range(2):
            line = kept.live_line(sophie.db, sophie.site, at=sophie.at)
            assert kept.drawn(line, draw) == f"{people} people"
    assert len(drawn) == 2


def test_nothing_of_whoever_looks_stands_in_what_is_drawn_for_every_screen() -> None:
    source = (Path(panels.__file__).parents[1] / "templates" / "staff" / "line_tables.html").read_text(encoding="utf-8")
    named = meta.find_undeclared_variables(Environment(autoescape=True).parse(source))
    assert named == {"line", "url_for"}  # no person, no desk, no token, no key of a form
    assert "form" not in source.partition("#}")[2]
