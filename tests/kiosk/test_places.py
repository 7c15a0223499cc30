"""A call reads the head of each class alone, and decides as if it had read everyone."""

from datetime import datetime, timedelta
from random import Random

import pytest

from kiosk.line.order import in_turn
from kiosk.line.policy import Policy
from kiosk.places import as_waiting, first_in_turn, heads, line, who_waits
from kiosk.register.database import Database
from kiosk.register.sites import Site
from kiosk.register.visits import Purpose, Stage
from tests.kiosk.secretary import a_crowd, a_line
from tests.thorough import far

#: So many lines are drawn, and each is asked for its head of several lengths.
LINES, PEOPLE, LENGTHS = far(30, 400), 300, (1, 2, 5, 16)


@pytest.mark.parametrize("seed", range(LINES))
def test_the_few_that_a_call_reads_are_called_as_if_everyone_had_been_read(
    database: Database, site: Site, at: datetime, seed: int
) -> None:
    dice = Random(seed)
    with database.transaction() as db:
        db.add_all(a_crowd(site, at, dice, dice.randrange(PEOPLE + 1)))
    with database.reading() as db:
        for stage in Stage:
            everyone = line(db, site, stage, at=at)
            for first in LENGTHS:
                called = [one.waiting for one in first_in_turn(db, site, stage, at=at, first=first)]
                assert called == [place.ranked.waiting for place in everyone[:first]], (seed, stage, first)


def test_one_fewer_of_each_class_would_not_be_enough(database: Database, site: Site, at: datetime) -> None:
    with database.transaction() as db:
        db.add_all(a_line(site, at, 30))
    with database.reading() as db:
        asked = {"at": at + timedelta(hours=1)}
        everyone = in_turn(map(as_waiting, who_waits(db, site, Stage.COUNTER, **asked)), asked["at"], Policy())
        enough, too_few = (
            in_turn(map(as_waiting, heads(db, site, Stage.COUNTER, **asked, first=first)), asked["at"], Policy())
            for first in (16, 15)
        )
    assert enough == everyone[:16]
    assert too_few != everyone[:16]


def test_of_a_very_long_line_a_call_reads_the_head_of_each_class_and_who_has_an_appointment(
    database: Database, site: Site, at: datetime
) -> None:
    crowd = a_line(site, at, 2000)
    for place, visit in enumerate(crowd):
        visit.needs_help = place % 4 == 1
        visit.purpose = Purpose.COLLECT if place % 4 == 2 else Purpose.WALK_IN
        visit.urgent_because = "personne fragile" if place % 4 == 3 else None
        visit.booked_for = at if place < 7 else None
    with database.transaction() as db:
        db.add_all(crowd)
    with database.reading() as db:
        read = heads(db, site, Stage.COUNTER, at=at + timedelta(hours=1), first=16)
    assert sum(visit.booked_for is not None for visit in read) == 7
    assert sum(visit.booked_for is None for visit in read) == 4 * 16
