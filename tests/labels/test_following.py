"""A label that was committed comes out, whatever happened between the commit and the spool."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from kiosk.register.journal import RegisterText
from labels.following import follow_labels
from labels.printing import labels_of
from labels.tubes import State, Tube
from printers.errors import SpoolAway
from printers.moves import State as Printed
from printers.moves import Verb
from printers.paper import LABEL_50X25
from printers.sealing import StationId
from printers.station.keys import make_station_key
from printers.station.spool import StationSpool
from tests.labels.reception import Reception


@pytest.fixture
def station(tmp_path: Path, reception: Reception) -> StationId:
    return make_station_key(tmp_path / "station.key", reception.chance)


@pytest.fixture
def spool(tmp_path: Path, station: StationId) -> Iterator[StationSpool]:
    with StationSpool(tmp_path / "spool.sqlite", station=station) as opened:
        yield opened


def follow(reception: Reception, spool: StationSpool, *, after: timedelta = timedelta(0)) -> None:
    follow_labels(
        reception.database, spool, printer="labels", form=LABEL_50X25, at=reception.at + after, chance=reception.chance
    )  # fmt: skip


def jobs(spool: StationSpool) -> list[str]:
    return sorted(job.key for job in spool.jobs())


def states(reception: Reception) -> list[State]:
    with reception.database.reading() as db:
        return list(db.scalars(select(Tube.state).order_by(Tube.sample_number)))


def printed(spool: StationSpool, key: str, reception: Reception) -> None:
    """The station prints a job and the printer proves it."""
    attempt = spool.begin(key, at=reception.at)
    spool.hand_over(key, attempt, sha256="00" * 32, at=reception.at)
    spool.move(key, Verb.CONFIRM, by="station", at=reception.at)


def test_a_crash_between_commit_and_spool_loses_no_label(reception: Reception, spool: StationSpool) -> None:
    _, tubes = reception.labelled("1104", "0552")  # committed; the programme died before the spool
    assert jobs(spool) == []
    follow(reception, spool)
    assert jobs(spool) == [f"label/{tube.sample_number}/1" for tube in tubes]
    assert {job.printer for job in spool.jobs()} == {"labels"}


def test_going_again_prints_nothing_twice(reception: Reception, spool: StationSpool) -> None:
    visit, tubes = reception.labelled("1104", "0552")
    with reception.database.reading() as db:
        papers = labels_of(db, visit, LABEL_50X25)
    spool.put(papers[0], printer="labels", at=reception.at, chance=reception.chance)  # one reached the spool
    for minute in range(3):
        follow(reception, spool, after=timedelta(minutes=minute))
    assert jobs(spool) == [f"label/{tube.sample_number}/1" for tube in tubes]


def test_a_spool_that_is_away_costs_a_minute_and_no_label(
    reception: Reception, spool: StationSpool, station: StationId, tmp_path: Path
) -> None:
    _, tubes = reception.labelled("1104")
    with pytest.raises(SpoolAway), StationSpool(tmp_path / "nowhere" / "spool.sqlite", station=station) as away:
        follow(reception, away)
    assert states(reception) == [State.PLANNED]
    follow(reception, spool, after=timedelta(minutes=1))
    assert jobs(spool) == [f"label/{tubes[0].sample_number}/1"]


def test_what_the_printer_proved_is_written_down_once(reception: Reception, spool: StationSpool) -> None:
    _, tubes = reception.labelled("1104", "0552")
    follow(reception, spool)
    printed(spool, f"label/{tubes[0].sample_number}/1", reception)
    for _ in range(2):
        follow(reception, spool)
    assert states(reception) == [State.LABELLED, State.PLANNED]
    with reception.database.reading() as db:
        told = [text for text in db.scalars(select(RegisterText.text)) if "label.printed" in text]
    assert len(told) == 1
    assert '"by":"station"' in told[0]


def test_a_label_that_is_only_sent_stays_owed_and_is_not_sent_again(reception: Reception, spool: StationSpool) -> None:
    _, tubes = reception.labelled("1104")
    key = f"label/{tubes[0].sample_number}/1"
    follow(reception, spool)
    attempt = spool.begin(key, at=reception.at)
    spool.hand_over(key, attempt, sha256="00" * 32, at=reception.at)
    follow(reception, spool, after=timedelta(minutes=1))
    assert states(reception) == [State.PLANNED]
    assert [(job.key, job.state) for job in spool.jobs()] == [(key, Printed.SENT)]


def test_yesterdays_labels_are_left_to_a_person(reception: Reception, spool: StationSpool) -> None:
    reception.labelled("1104")
    follow(reception, spool, after=timedelta(hours=13))
    assert jobs(spool) == []
