"""The evening's work is done once a day, after the last patient's hour, and owes nothing twice."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.journal import head_of
from kiosk.register.visits import Said
from printers.paper import ROLL_80
from printers.spool import Spool
from results.keeping.evening import Evening
from tests.results.cast import Desks, open_desks

Chance = Callable[[int], bytes]


@pytest.fixture
def desks(tmp_path: Path, at: datetime, chance: Chance) -> Iterator[Desks]:
    with open_desks(tmp_path, at=at, chance=chance) as opened:
        yield opened


def evening_of(desks: Desks) -> Evening:
    return Evening(
        database=desks.database, spool=desks.spool, keys=desks.keys, printer="tickets", form=ROLL_80,
        chance=desks.chance,
    )  # fmt: skip


def notes_in(spool: Spool) -> list[str]:
    return [job.key for job in spool.jobs() if job.kind == "journal-note"]


def test_one_paper_an_evening_whoever_asks_and_however_often(desks: Desks) -> None:
    at, evening = desks.at, evening_of(desks)  # half past eight; the site closes at six
    desks.runs()
    assert not evening.look(at=at)
    assert notes_in(desks.spool) == []
    closed = at + timedelta(hours=9, minutes=30)
    assert evening.look(at=closed)
    assert notes_in(desks.spool) == ["journal-note/1/2026-11-21"]
    assert not evening.look(at=closed + timedelta(minutes=1))
    # After a restart nothing is known but what is in the files: the purge is done again, the paper is not.
    assert evening_of(desks).look(at=closed + timedelta(minutes=2))
    assert notes_in(desks.spool) == ["journal-note/1/2026-11-21"]
    assert not evening.look(at=at + timedelta(days=1))
    assert evening.look(at=closed + timedelta(days=1))
    assert notes_in(desks.spool) == ["journal-note/1/2026-11-21", "journal-note/1/2026-11-22"]


def test_the_evening_takes_away_what_is_no_longer_kept(desks: Desks) -> None:
    visit = desks.visit(ReleaseClass.C0)
    desks.runs()
    with desks.database.transaction() as db:
        db.add(Said(visit_id=visit.id, kind="name", word="MOR", birth_date=None))
    evening = evening_of(desks)
    closed = desks.at + timedelta(hours=10)
    evening.look(at=closed)
    with desks.database.reading() as db:
        assert db.get(Said, visit.id) is not None
    evening.look(at=closed + timedelta(days=1))
    with desks.database.reading() as db:
        assert db.get(Said, visit.id) is None


def test_what_a_reader_held_back_is_taken_off_the_disk_a_minute_later(desks: Desks) -> None:
    desks.runs()
    evening = evening_of(desks)
    closed = desks.at + timedelta(hours=10)
    log = desks.room.folder / "results.sqlite-wal"
    with desks.database.reading() as db:
        head_of(db, "results")
        evening.look(at=closed)
        assert log.stat().st_size > 0
    assert not evening.look(at=closed + timedelta(minutes=1))
    assert log.stat().st_size == 0
