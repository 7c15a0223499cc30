"""What a journal says of one thing, and what it still proves when its words are gone."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from kiosk.formats.merkle import Checkpoint
from kiosk.register.database import Database
from kiosk.register.journal import Act, head_of, verify, write
from kiosk.register.traces import entries_of, forget, oldest_words, outdated

STAFF = UUID(int=1)
REPORT, OTHER = UUID(int=77), UUID(int=78)
Chance = Callable[[int], bytes]


def fill(database: Database, at: datetime, acts: list[tuple[Act, UUID]], *, chance: Chance) -> None:
    """One entry a day, ending today."""
    with database.transaction("results") as db:
        for place, (act, thing) in enumerate(acts):
            hour = at - timedelta(days=len(acts) - 1 - place)
            write(db, "results", act, by=STAFF, at=hour, chance=chance, report=thing, version=place)


def test_the_entries_of_a_thing_are_found_in_their_order(database: Database, at: datetime, chance: Chance) -> None:
    pattern = [REPORT, OTHER, REPORT, OTHER, REPORT]
    fill(database, at, [(Act.REPORT_OPENED, one) for one in pattern], chance=chance)
    with database.reading() as db:
        found = list(entries_of(db, "results", [REPORT], since=at - timedelta(days=40)))
        assert [(one.seq, one.act, one.by) for one in found] == [
            (seq, Act.REPORT_OPENED, STAFF.hex) for seq in (0, 2, 4)
        ]
        assert found[-1].at == at.replace(microsecond=0)
        assert found[0].facts == {"report": REPORT.hex, "version": 0}
        assert list(entries_of(db, "results", [], since=at)) == []
        assert list(entries_of(db, "register", [REPORT], since=at)) == []


def test_nothing_older_than_the_thing_is_looked_at(database: Database, at: datetime, chance: Chance) -> None:
    fill(database, at, [(Act.REPORT_OPENED, REPORT)] * 100, chance=chance)
    with database.transaction("results") as db:
        forget(db, "results", [*range(10), *range(40, 60)])
    with database.reading() as db:
        for days in range(100):
            found = list(entries_of(db, "results", [REPORT], since=at - timedelta(days=days)))
            kept = [seq for seq in range(99 - days, 100) if seq >= 10 and not 40 <= seq < 60]
            assert [one.seq for one in found] == kept


def test_many_things_are_asked_for_at_once(database: Database, at: datetime, chance: Chance) -> None:
    things = [UUID(int=1000 + number) for number in range(450)]
    fill(database, at, [(Act.REPORT_OPENED, one) for one in things], chance=chance)
    with database.reading() as db:
        found = list(entries_of(db, "results", things, since=at - timedelta(days=500)))
    assert [one.seq for one in found] == list(range(450))


def test_the_words_of_the_security_log_go_alone(database: Database, at: datetime, chance: Chance) -> None:
    acts = [Act.SIGNIN_OPENED, Act.RELEASE_TOLD, Act.ATTEMPT_REFUSED, Act.PHONE_CLOSED, Act.SIGNIN_CLOSED]
    fill(database, at, [(act, REPORT) for act in acts], chance=chance)
    with database.reading() as db:
        assert outdated(db, "results", before=at, security_alone=True) == [0, 2, 3]
        assert outdated(db, "results", before=at, security_alone=True, after=2) == [3]
        assert outdated(db, "results", before=at, security_alone=False) == [0, 1, 2, 3]
        assert outdated(db, "results", before=at, security_alone=False, most=2) == [0, 1]
        assert outdated(db, "results", before=at - timedelta(days=9), security_alone=False) == []


@pytest.mark.parametrize("gone", [[0, 1, 2], [7], list(range(20))])
def test_a_proof_holds_when_words_are_gone(database: Database, at: datetime, chance: Chance, gone: list[int]) -> None:
    fill(database, at, [(Act.RELEASE_TOLD, REPORT)] * 20, chance=chance)
    with database.reading() as db:
        size, root = head_of(db, "results")
    note = Checkpoint(origin="labo/1/results", size=size, root=root)
    with database.transaction("results") as db:
        forget(db, "results", gone)
    with database.reading() as db:
        assert verify(db, "results", notes=[note]).sound
        left = oldest_words(db, "results")
        assert (left is None) == (len(gone) == 20)
