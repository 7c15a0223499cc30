"""Who is put first: for a reason that may be said aloud, with a trace, counted and never refused."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from kiosk.counter.priorities import UrgentReason, favour, urgent_lately
from kiosk.line.policy import Policy
from kiosk.places import line
from kiosk.register.database import Database
from kiosk.register.events import Event
from kiosk.register.journal import verify
from kiosk.register.once import PageAlreadyUsed
from kiosk.register.sites import Site
from kiosk.register.visits import NotNow, Stage, Verb, Visit, moves_of
from tests.kiosk.secretary import Chance, Reception


@pytest.fixture
def sophie(site: Site, at: datetime, chance: Chance) -> Reception:
    return Reception(site, at, chance)


def says(sophie: Reception, **more: Any) -> dict[str, Any]:
    return {
        "urgent_because": None, "needs_help": False, "by": sophie.name, "at": sophie.at, "chance": sophie.chance,
        "key": sophie.key(),
    } | more  # fmt: skip


def test_an_urgent_person_stands_first_with_the_reason_and_the_trace_of_who_said_so(
    database: Database, site: Site, sophie: Reception
) -> None:
    with database.transaction() as db:
        sophie.gives_number(db)
        sophie.waits(50)
        last = sophie.gives_number(db)
        sophie.waits(1)
        favour(db, last, **says(sophie, urgent_because="  glycémie   à 8 h 30 "))
    with database.reading() as db:
        first = line(db, site, Stage.COUNTER, at=sophie.at)[0]
        assert (first.visit.id, first.ranked.reason) == (last.id, "urgence : glycémie à 8 h 30")
        trace = moves_of(db, last.id)[-1]
        assert (trace.verb, trace.by, trace.before, trace.after, trace.reason) == (
            "favour", "sophie", "arrived", "arrived", "urgence : glycémie à 8 h 30",
        )  # fmt: skip
        assert verify(db, "register").size == 3
        assert db.scalars(select(Event).order_by(Event.seq.desc())).first().topic == "line"  # type: ignore[union-attr]


def test_what_was_said_is_taken_back_and_the_place_is_as_before(
    database: Database, site: Site, sophie: Reception
) -> None:
    with database.transaction() as db:
        first = sophie.gives_number(db)
        sophie.waits(1)
        second = sophie.gives_number(db)
        favour(db, second, **says(sophie, urgent_because="malaise", needs_help=True))
        sophie.waits(1)
        favour(db, second, **says(sophie))
        assert [place.visit.id for place in line(db, site, Stage.COUNTER, at=sophie.at)] == [first.id, second.id]
        assert moves_of(db, second.id)[-1].reason == "à son tour"


@pytest.mark.parametrize("reason", ["", "   ", "x" * 81, "deux\x07lignes"])
def test_nobody_is_put_first_without_a_reason_of_one_line(database: Database, sophie: Reception, reason: str) -> None:
    with database.transaction() as db:
        visit = sophie.gives_number(db)
        with pytest.raises(UrgentReason):
            favour(db, visit, **says(sophie, urgent_because=reason))
        assert visit.urgent_because is None


def test_the_same_form_twice_is_one_act_and_for_another_person_it_is_refused(
    database: Database, sophie: Reception
) -> None:
    with database.transaction() as db:
        one, other = sophie.gives_number(db), sophie.gives_number(db)
        sophie.waits(1)
        told = says(sophie, needs_help=True)
        for _ in range(2):
            favour(db, one, **told)
        assert [move.verb for move in moves_of(db, one.id)] == ["arrive", "favour"]
        with pytest.raises(PageAlreadyUsed):
            favour(db, other, **told)


def test_who_is_gone_has_no_place_to_change(database: Database, sophie: Reception) -> None:
    with database.transaction() as db:
        visit = sophie.gives_number(db)
        sophie.moves(db, visit, Verb.CANCEL)
        with pytest.raises(NotNow):
            favour(db, visit, **says(sophie, needs_help=True))


def test_urgent_people_of_an_hour_are_counted_and_the_one_above_the_cap_is_still_put_first(
    database: Database, site: Site, sophie: Reception
) -> None:
    cap = Policy().urgent_cap
    with database.transaction() as db:
        people: list[Visit] = []
        for _ in range(cap + 1):
            people.append(sophie.gives_number(db))
            favour(db, people[-1], **says(sophie, urgent_because="malaise"))
        assert urgent_lately(db, site, at=sophie.at) == cap + 1
        assert {place.ranked.line_class for place in line(db, site, Stage.COUNTER, at=sophie.at)} == {"urgent"}
        favour(db, people[0], **says(sophie))
        assert urgent_lately(db, site, at=sophie.at) == cap
        assert urgent_lately(db, site, at=sophie.at + timedelta(hours=1)) == 0
