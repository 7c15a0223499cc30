"""The evening's work is done once a day, after the last patient's hour, and owes nothing twice."""

from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from threading import Barrier, BrokenBarrierError, Thread

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.journal import head_of, verify
from kiosk.register.visits import Said
from printers.paper import ROLL_80, Text
from printers.rows import Job
from printers.spool import Spool
from printers.station.keys import open_paper
from printers.station.spool import StationSpool
from results.keeping.evening import Evening
from tests.results.cast import Desks


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


def words_of(desks: Desks, key: str) -> list[str]:
    job, payload = desks.spool.job(key), desks.spool.payload(key)
    assert job is not None
    assert payload is not None
    paper = open_paper(payload, job, desks.lasting.opening)
    return [item.s for item in paper.items if isinstance(item, Text)]


def test_an_evening_that_was_missed_comes_out_in_the_morning_once_and_says_which(desks: Desks) -> None:
    desks.visit(ReleaseClass.C0)
    opened = desks.at
    desks.room.at = opened + timedelta(days=3)  # off for three evenings, on again at half past eight
    desks.runs()
    key = "journal-note/1/2026-11-23"
    assert evening_of(desks).look(at=desks.at)
    assert notes_in(desks.spool) == [key]
    assert "POUR LE SOIR DU 23/11/2026" in words_of(desks, key)
    assert not evening_of(desks).look(at=desks.at + timedelta(minutes=1))
    assert evening_of(desks).look(at=desks.at + timedelta(hours=10))
    assert notes_in(desks.spool) == [key, "journal-note/1/2026-11-24"]
    assert "POUR LE SOIR" not in " ".join(words_of(desks, "journal-note/1/2026-11-24"))


def test_a_house_that_was_opened_today_missed_no_evening(desks: Desks) -> None:
    desks.visit(ReleaseClass.C0)
    desks.runs()
    assert not evening_of(desks).look(at=desks.at)
    assert notes_in(desks.spool) == []


def test_two_programmes_that_start_together_put_one_paper(desks: Desks) -> None:
    desks.visit(ReleaseClass.C0)
    desks.room.at += timedelta(days=1)
    desks.runs()
    gate = Barrier(2)

    class Together(StationSpool):
        """Each has looked before either has put anything."""

        def job(self, key: str) -> Job | None:
            found = super().job(key)
            with suppress(BrokenBarrierError):
                gate.wait(5)
            return found

    def starts() -> None:
        with Together(desks.room.folder / "spool.sqlite", station=desks.lasting.id) as spool:
            replace(evening_of(desks), spool=spool).look(at=desks.at)

    threads = [Thread(target=starts) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert notes_in(desks.spool) == ["journal-note/1/2026-11-21"]
    with desks.database.reading() as db:
        assert all(verify(db, side).sound for side in ("register", "results"))


def test_a_purge_that_the_evening_missed_is_done_in_the_morning(desks: Desks) -> None:
    visit = desks.visit(ReleaseClass.C0)
    with desks.database.transaction() as db:
        db.add(Said(visit_id=visit.id, kind="name", word="MOR", birth_date=None))
    desks.room.at += timedelta(days=1)
    desks.runs()
    assert evening_of(desks).look(at=desks.at)
    with desks.database.reading() as db:
        assert db.get(Said, visit.id) is None


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
