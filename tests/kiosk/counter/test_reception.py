"""What the counter decides about a visit, on both engines."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kiosk.booking.appointments import book
from kiosk.counter.reception import (
    ChangedMeanwhile,
    LabelsCarryIt,
    PerhapsTheSame,
    ReasonOfLeaving,
    Traits,
    call_in_turn,
    end_early,
    enter_prescription,
    open_file,
    recognise_as,
    version_of,
)
from kiosk.counter.turns import NobodyWaits
from kiosk.exams.prescriptions import prescription_of, settle
from kiosk.line.estimate import Range
from kiosk.register.database import Database
from kiosk.register.journal import RegisterText
from kiosk.register.patients import Document, Patient, Sex
from kiosk.register.sites import Site
from kiosk.register.visits import Purpose, Stage, State, Visit
from kiosk.waiting import WhatWasSaid, take_number

Chance = Callable[[int], bytes]
MOREAU = Traits(birth_name="Moreau", given_names="Jeanne", birth_date="19540203", sex=Sex.F)


@dataclass
class Desk:
    """A secretary in one transaction."""

    db: Session
    site: Site
    at: datetime
    chance: Chance

    def key(self) -> str:
        return self.chance(16).hex()

    def arrival(self, said: WhatWasSaid | None = None) -> Visit:
        return take_number(
            self.db, self.site, wait=Range(low=0, high=5), purpose=Purpose.WALK_IN, said=said, by="Borne 1", at=self.at,
            chance=self.chance, key=self.key(),
        )  # fmt: skip

    def file(self, visit: Visit, traits: Traits = MOREAU, *, another: bool = False) -> Patient:
        return open_file(
            self.db, visit, traits, document=Document.CARD, another=another, by="sophie", at=self.at,
            chance=self.chance, key=self.key(),
        )  # fmt: skip

    def prescribes(self, visit: Visit, *codes: str, version: str, urgent: bool = False) -> str:
        row = enter_prescription(
            self.db, visit, codes, prescriber="Dr Petit", prescribed_on=None, urgent=urgent, version=version,
            by="sophie", at=self.at, chance=self.chance,
        )  # fmt: skip
        return version_of(row)


@pytest.fixture
def sophie(database: Database, site: Site, at: datetime, chance: Chance) -> Iterator[Desk]:
    with database.transaction() as db:
        yield Desk(db=db, site=site, at=at, chance=chance)


def test_a_second_file_of_one_name_and_date_needs_a_word(sophie: Desk) -> None:
    sophie.file(sophie.arrival())
    visit = sophie.arrival()
    with pytest.raises(PerhapsTheSame):
        sophie.file(visit, Traits(birth_name="MOREAU", given_names="Julie", birth_date="19540203", sex=Sex.F))
    assert sophie.file(visit, another=True).number == 2


def test_a_recognition_said_twice_is_written_once(sophie: Desk) -> None:
    visit = sophie.arrival()
    person = sophie.file(visit)
    recognise_as(sophie.db, visit, person, document=Document.CARD, by="sophie", at=sophie.at, chance=sophie.chance)
    texts = sophie.db.scalars(select(RegisterText.text)).all()
    assert sum("patient.recognised" in text for text in texts) == 1


def test_a_name_on_labels_stays_and_so_does_the_visit(sophie: Desk) -> None:
    visit, other = sophie.arrival(), sophie.arrival()
    sophie.file(visit)
    stranger = sophie.file(other, Traits(birth_name="Durand", given_names="Paul", birth_date="19700101", sex=Sex.M))
    sophie.prescribes(visit, "1104", version="")
    settle(sophie.db, visit.id, at=sophie.at)
    with pytest.raises(LabelsCarryIt):
        recognise_as(
            sophie.db, visit, stranger, document=Document.CARD, by="sophie", at=sophie.at, chance=sophie.chance
        )
    with pytest.raises(LabelsCarryIt):
        end_early(sophie.db, visit, reason="parti", by="sophie", at=sophie.at, chance=sophie.chance, key=sophie.key())


@pytest.mark.parametrize("reason", ["", "  ", "x" * 121, "a\x00b"])
def test_a_visit_ends_with_a_reason_of_one_line(sophie: Desk, reason: str) -> None:
    visit = sophie.arrival()
    with pytest.raises(ReasonOfLeaving):
        end_early(sophie.db, visit, reason=reason, by="sophie", at=sophie.at, chance=sophie.chance, key=sophie.key())
    assert visit.state is State.ARRIVED


def test_an_older_page_does_not_overwrite_a_prescription(sophie: Desk) -> None:
    visit = sophie.arrival()
    version = sophie.prescribes(visit, "1104", version="")
    assert version == version_of(prescription_of(sophie.db, visit.id))
    sophie.at += timedelta(seconds=1)
    newer = sophie.prescribes(visit, "1104", "0552", version=version)
    with pytest.raises(ChangedMeanwhile):
        sophie.prescribes(visit, "0127", version=version)
    with pytest.raises(ChangedMeanwhile):
        sophie.prescribes(visit, "1104", "0552", version=version, urgent=True)
    assert sophie.prescribes(visit, "1104", "0552", version=version) == newer


def test_the_version_survives_the_database(database: Database, site: Site, at: datetime, chance: Chance) -> None:
    with database.transaction() as db:
        sophie = Desk(db=db, site=site, at=at + timedelta(microseconds=123456), chance=chance)
        visit = sophie.arrival()
        said = sophie.prescribes(visit, "1104", version="")
    with database.reading() as db:
        assert version_of(prescription_of(db, visit.id)) == said


def test_eight_desks_recognise_and_call_at_once_and_nobody_twice(
    database: Database, site: Site, at: datetime, chance: Chance
) -> None:
    with database.transaction() as db:
        sophie = Desk(db=db, site=site, at=at, chance=chance)
        codes = [
            book(
                db, site, start=at + timedelta(minutes=5 + turn), birth_name="Moreau", given_names="Jeanne",
                birth_date="19540203", by="sophie", at=at, chance=chance, key=sophie.key(),
            ).code
            for turn in range(8)
        ]  # fmt: skip
        for code in codes:
            sophie.arrival(WhatWasSaid(kind="code", word=code))
    keys = [chance(16).hex() for _ in range(8)]

    def calls(turn: int) -> int:
        return call_in_turn(
            database, site, Stage.COUNTER, desk=f"Guichet {turn}", by="sophie", at=at, chance=chance, key=keys[turn]
        ).number

    with ThreadPoolExecutor(8) as desks:
        numbers = list(desks.map(calls, range(8)))
    assert sorted(numbers) == list(range(1, 9))
    with database.reading() as db:
        texts = db.scalars(select(RegisterText.text)).all()
        assert sum("appointment.arrived" in text for text in texts) == 8
        assert db.scalar(select(func.count()).select_from(Visit).where(Visit.booked_for.is_not(None))) == 8
    with pytest.raises(NobodyWaits):
        call_in_turn(
            database, site, Stage.COUNTER, desk="Guichet 1", by="sophie", at=at, chance=chance, key=chance(16).hex()
        )
