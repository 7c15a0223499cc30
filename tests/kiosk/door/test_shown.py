"""The same convocation keeps its number, at any kiosk; its own hour says who is early or late."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from kiosk import waiting
from kiosk.door.shown import Shown, number_for
from kiosk.line.estimate import Range
from kiosk.register.database import Database
from kiosk.register.sites import Site
from kiosk.register.visits import Purpose, Said, State, Visit
from kiosk.waiting import WhatWasSaid
from tests.kiosk.conftest import Reception

Chance = Callable[[int], bytes]
SECRET = b"\x11" * 32


def shows(database: Database, site: Site, code: str, key: str, at: datetime, chance: Chance) -> int:
    """One kiosk takes a convocation; as the app does, whoever was beaten asks again."""
    for _ in range(2):
        try:
            with database.transaction() as db:
                take = partial(
                    waiting.take_number, db, site, wait=Range(low=0, high=5), purpose=Purpose.BOOKED,
                    said=WhatWasSaid(kind="code", word=code), by="Borne 1", at=at, chance=chance, key=key,
                )  # fmt: skip
                return number_for(db, site, code, take, secret=SECRET, at=at).number
        except IntegrityError:
            continue
    raise AssertionError("asked twice and beaten twice")


def visits(database: Database) -> list[Visit]:
    with database.reading() as db:
        return list(db.scalars(select(Visit)))


def test_two_kiosks_with_the_same_code_at_the_same_instant_give_one_place(
    database: Database, site: Site, at: datetime, chance: Chance
) -> None:
    for round_ in range(5):
        code, start, got = f"K7MP2{'ABCDE'[round_]}", threading.Barrier(4), list[int]()

        def take(key: str, code: str = code, start: threading.Barrier = start, got: list[int] = got) -> None:
            start.wait()
            got.append(shows(database, site, code, key, at, chance))

        kiosks = [threading.Thread(target=take, args=(f"{round_}{place}".rjust(32, "a"),)) for place in range(4)]
        for kiosk in kiosks:
            kiosk.start()
        for kiosk in kiosks:
            kiosk.join()
        assert len(got) == 4
        assert len(set(got)) == 1
    assert sorted(visit.number for visit in visits(database)) == [1, 2, 3, 4, 5]


def test_control_without_the_row_each_kiosk_would_give_its_own_place(
    database: Database, site: Site, at: datetime, chance: Chance
) -> None:
    for place in range(2):
        shows(database, site, "K7MP2A", str(place).rjust(32, "b"), at, chance)
        with database.transaction() as db:
            for row in db.scalars(select(Shown)):
                db.delete(row)
    assert len(visits(database)) == 2


def test_once_its_passage_has_ended_the_same_paper_gets_a_new_number(
    database: Database, site: Site, at: datetime, chance: Chance
) -> None:
    shows(database, site, "K7MP2A", "a" * 32, at, chance)
    with database.transaction() as db:
        db.scalars(select(Visit)).one().state = State.LEFT
    assert shows(database, site, "K7MP2A", "b" * 32, at, chance) == 2
    assert shows(database, site, "K7MP2A", "c" * 32, at, chance) == 2


def test_the_code_is_not_kept_where_the_door_can_read_it(
    database: Database, site: Site, at: datetime, chance: Chance
) -> None:
    shows(database, site, "K7MP2A", "a" * 32, at, chance)
    with database.reading() as db:
        [row] = db.scalars(select(Shown))
        assert len(row.code_hash) == 32
        assert b"K7MP2A" not in row.code_hash


def test_scanned_twice_the_paper_shows_its_number_again_and_prints_no_second_ticket(reception: Reception) -> None:
    first = reception.send("/", "/code", code="ETQ1K7MP2X")
    key = first.location.split("/")[2]
    reception.send(first.location, f"/number/{key}")
    reception.passes(1)
    again = reception.send("/", "/code", code="k7m p2x")
    assert again.location.split("?")[0] == f"/number/{key}"
    assert '<bdi dir="ltr">1</bdi>' in reception.open(again.location)
    assert len(reception.spool.jobs()) == 1
    with reception.staff.reading() as db:
        assert len(db.scalars(select(Said)).all()) == 1


def test_a_form_replayed_with_another_code_is_told_that_it_has_served(reception: Reception) -> None:
    from tests.kiosk.conftest import hidden

    form = hidden(reception.open("/code"))
    where = {"base_url": "https://localhost", "headers": {"Referer": "https://localhost/"}}
    reception.client.post("/code", data=form | {"code": "K7MP2X"}, **where)
    reception.passes(0.1)
    answer = reception.client.post("/code", data=form | {"code": "AAAAAA"}, **where)
    assert answer.status_code == 409
    assert len(visits(reception.staff)) == 1


@pytest.mark.parametrize(
    ("hour", "words"),
    [
        ("202611210830", None),  # it is 8 h 30 in Paris
        ("202611210900", None),
        ("202611210901", "Vous êtes en avance. Vous êtes bien dans la file."),
        ("202611210815", None),
        ("202611210814", "L&#39;heure est passée. Vous êtes bien dans la file."),
        ("202611220830", "Cette feuille est pour un autre jour."),
        ("202611310830", None),  # no such day: the code alone is read
        ("", None),
    ],
)
def test_early_and_late_are_told_from_the_hour_on_the_paper(reception: Reception, hour: str, words: str | None) -> None:
    asked = reception.send("/", "/code", code=f"ETQ1K7MP2X{hour}")
    done = reception.send(asked.location, asked.location.partition("/questions")[0], hour=_hour(asked.location))
    page = reception.open(done.location)
    told = [one for one in ("en avance", "heure est passée", "autre jour") if one in page]
    assert told == ([] if words is None else told[:1])
    assert words is None or words in page
    assert '<bdi dir="ltr">1</bdi>' in page  # a number always


def _hour(location: str) -> str:
    return location.rpartition("hour=")[2] if "hour=" in location else ""


@pytest.mark.parametrize(
    ("at", "paper", "told"),
    [
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "202610250230", ""),  # 2 h 30 for the first time
        (datetime(2026, 10, 25, 1, 40, tzinfo=UTC), "202610250230", ""),  # 2 h 40 for the second time
        (datetime(2026, 10, 25, 1, 50, tzinfo=UTC), "202610250230", "late"),
        (datetime(2026, 10, 25, 0, 50, tzinfo=UTC), "202610250320", "early"),  # half an hour on the wall, 90 min
        (datetime(2027, 3, 28, 0, 50, tzinfo=UTC), "202703280310", ""),  # 80 min on the wall, 20 in the world
        (datetime(2027, 3, 28, 1, 30, tzinfo=UTC), "202703280230", ""),  # 3 h 30: 2 h 30 did not exist
    ],
)
def test_in_the_nights_when_the_clock_changes_early_and_late_are_true(
    reception: Reception, at: datetime, paper: str, told: str
) -> None:
    reception.at = at
    assert _hour(reception.send("/", "/code", code=f"ETQ1K7MP2X{paper}").location) == told


def test_at_midnight_the_same_paper_belongs_to_another_day(reception: Reception) -> None:
    reception.at = datetime(2026, 11, 21, 22, 59, tzinfo=UTC)
    reception.send("/", "/code", code="ETQ1K7MP2X")
    reception.at = datetime(2026, 11, 21, 23, 1, tzinfo=UTC)
    reception.send("/", "/code", code="ETQ1K7MP2X")
    assert [(visit.number, visit.day.day) for visit in visits(reception.staff)] == [(1, 21), (1, 22)]
