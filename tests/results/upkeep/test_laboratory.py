"""The made-up laboratory system answers what was drawn today, in messages that the house files by itself."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from kiosk.register.clock import Chance
from kiosk.register.database import Database
from kiosk.register.patients import patient_of
from kiosk.register.sites import Site
from kiosk.register.visits import Visit
from labels.tubes import Tube, Verb, move
from results.hl7v2.reader import Message
from results.upkeep import laboratory
from tests.labels.reception import Reception


@pytest.fixture
def reception(database: Database, site: Site, at: datetime, chance: Chance) -> Reception:
    return Reception(database=database, site=site, at=at, chance=chance)


def draw(reception: Reception, visit: Visit, *, count: int = 99, days_ago: int = 0) -> list[Tube]:
    """The sampler draws so many tubes of a visit."""
    with reception.database.transaction() as db:
        tubes = list(db.scalars(select(Tube).where(Tube.visit_id == visit.id).order_by(Tube.position)))[:count]
        for tube in tubes:
            move(tube, Verb.DRAW)
            tube.drawn_at, tube.drawn_by = reception.at - timedelta(days=days_ago), "karim"
    return tubes


def answered(reception: Reception, *, minutes: int = 30) -> list[Message]:
    with reception.database.reading() as db:
        later = reception.at + timedelta(minutes=minutes)
        return [Message.read(raw) for raw in laboratory.answers(db, reception.site, at=later, chance=reception.chance)]


def test_every_exam_of_every_drawn_tube_is_answered_once_under_its_number(reception: Reception) -> None:
    visit, _ = reception.labelled("1104", "0552", "7402")
    tubes = draw(reception, visit)
    (message,) = answered(reception)
    wanted = sorted((tube.sample_number, exam) for tube in tubes for exam in tube.exams)
    assert sorted((one[2].code, one[4].code) for one in message.each("OBR")) == wanted
    assert {one[3].code for one in message.each("OBX")} == {exam for _, exam in wanted}
    assert message["MSH"][9].rep(0).comp(1) == "ORU"


def test_it_names_the_patient_as_the_register_does(reception: Reception) -> None:
    visit, _ = reception.labelled("0552")
    draw(reception, visit)
    (message,) = answered(reception)
    with reception.database.reading() as db:
        patient = patient_of(db, visit.id)
    assert patient is not None
    person = message["PID"]
    assert person[3].code == str(patient.number)
    assert person[5].rep(0).comp(1) == "MOREAU"
    assert person[7].code == patient.birth_date


def test_what_is_not_drawn_or_was_drawn_on_another_day_is_not_answered(reception: Reception) -> None:
    labelled, _ = reception.labelled("0552", number=1)
    yesterday, _ = reception.labelled("0552", number=2)
    draw(reception, yesterday, days_ago=1)
    assert answered(reception) == []
    draw(reception, labelled)
    assert len(answered(reception)) == 1


def test_each_visit_has_a_message_of_its_own_with_a_number_of_its_own(reception: Reception) -> None:
    for number in (1, 2, 3):
        visit, _ = reception.labelled("0552", "1104", number=number)
        draw(reception, visit)
    messages = answered(reception)
    assert len(messages) == 3
    assert len({message["MSH"][10].code for message in messages}) == 3
    assert all(len({one[2].code for one in message.each("OBR")}) >= 1 for message in messages)


def test_a_drawn_day_is_the_sites_own(reception: Reception) -> None:
    visit, _ = reception.labelled("0552")
    draw(reception, visit)
    # 8 h 30 in Paris: at 23 h 59 still today, a minute later not any more.
    assert len(answered(reception, minutes=15 * 60 + 29)) == 1
    assert answered(reception, minutes=15 * 60 + 31) == []
