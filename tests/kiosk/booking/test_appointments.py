"""Who is expected, and when an arrival is surely one of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kiosk.booking.appointments import (
    MOVES,
    Appointment,
    BookingToCorrect,
    NotExpectedAnyMore,
    State,
    Verb,
    appointment_of,
    arrive,
    book,
    change,
    matching,
    recognise_arrivals,
    suiting,
)
from kiosk.formats.convocation import CODE_LETTERS
from kiosk.line.estimate import Range
from kiosk.places import line
from kiosk.register.database import Database
from kiosk.register.events import Event
from kiosk.register.journal import RegisterText
from kiosk.register.patients import Sex, create_patient
from kiosk.register.sites import Site
from kiosk.register.visits import Purpose, Stage, Visit
from kiosk.waiting import WhatWasSaid, take_number

Chance = Callable[[int], bytes]


@dataclass
class Day:
    """A counter's hands: books, lets people arrive, looks."""

    db: Session
    site: Site
    at: datetime
    chance: Chance
    turn: int = 0

    def key(self) -> str:
        self.turn += 1
        return f"{self.turn:032x}"

    def books(self, name: str, born: str, minutes: int = 30, given_names: str = "Jeanne") -> Appointment:
        return book(
            self.db, self.site, start=self.at + timedelta(minutes=minutes), birth_name=name, given_names=given_names,
            birth_date=born, exams="NFS", by="sophie", at=self.at, chance=self.chance, key=self.key(),
        )  # fmt: skip

    def arrives(self, said: WhatWasSaid | None, purpose: Purpose = Purpose.BOOKED) -> Visit:
        return take_number(
            self.db, self.site, wait=Range(low=0, high=5), purpose=purpose, said=said, by="Borne 1", at=self.at,
            chance=self.chance, key=self.key(),
        )  # fmt: skip

    def recognises(self) -> frozenset[UUID]:
        return recognise_arrivals(self.db, self.site, by="sophie", at=self.at, chance=self.chance).unsure


def by_name(letters: str, born: str) -> WhatWasSaid:
    return WhatWasSaid(kind="name", word=letters, birth_date=born)


@pytest.fixture
def day(database: Database, site: Site, at: datetime, chance: Chance) -> Iterator[Day]:
    with database.transaction() as db:
        yield Day(db=db, site=site, at=at, chance=chance)


def test_a_code_said_at_the_kiosk_gives_the_clock_of_its_appointment(day: Day) -> None:
    booked = day.books("Moreau", "19540203")
    visit = day.arrives(WhatWasSaid(kind="code", word=booked.code))
    assert visit.booked_for is None
    day.recognises()
    assert visit.booked_for == booked.start
    assert (booked.state, booked.visit_id) == (State.ARRIVED, visit.id)
    assert appointment_of(day.db, visit.id) is booked


def test_three_letters_and_the_birth_date_are_enough_when_one_person_has_them(day: Day) -> None:
    booked = day.books("Le Goff", "19540203")
    day.books("Legrand", "19540204")
    visit = day.arrives(by_name("LEG", "19540203"))
    assert day.recognises() == frozenset()
    assert appointment_of(day.db, visit.id) is booked


def test_the_name_in_use_is_heard_as_well_as_the_birth_name(day: Day) -> None:
    patient = create_patient(
        day.db, day.site.id, id=UUID(int=7), birth_name="Petit", given_names="Anne", birth_date="19540203", sex=Sex.F,
        used_name="Moreau", birth_place=None, by="sophie", at=day.at, key="a" * 32,
    )  # fmt: skip
    booked = day.books("Petit", "19540203")
    booked.patient_id = patient.id
    visit = day.arrives(by_name("MOR", "19540203"))
    day.recognises()
    assert appointment_of(day.db, visit.id) is booked


def test_two_people_of_one_name_and_date_are_left_to_a_person(day: Day) -> None:
    first, second = day.books("Martin", "19540203"), day.books("Martinez", "19540203", minutes=40)
    visit = day.arrives(by_name("MAR", "19540203"))
    assert day.recognises() == {visit.id}
    assert visit.booked_for is None
    assert {first.state, second.state} == {State.BOOKED}
    assert suiting(day.db, day.site, visit) == [first, second]


def test_one_appointment_claimed_by_two_arrivals_is_left_to_a_person(day: Day) -> None:
    booked = day.books("Martin", "19540203")
    visits = {day.arrives(by_name("MAR", "19540203")).id for _ in range(2)}
    assert day.recognises() == visits
    assert booked.state is State.BOOKED


def test_who_claims_an_appointment_already_taken_is_shown_to_a_person(day: Day) -> None:
    booked = day.books("Martin", "19540203")
    first = day.arrives(by_name("MAR", "19540203"))
    day.recognises()
    second = day.arrives(WhatWasSaid(kind="code", word=booked.code))
    assert day.recognises() == {second.id}
    arrive(day.db, booked, second, by="sophie", at=day.at, chance=day.chance)
    assert (first.booked_for, second.booked_for) == (None, booked.start)
    assert booked.visit_id == second.id


@pytest.mark.parametrize(
    "said",
    [None, WhatWasSaid(kind="code", word="ZZZZZZ"), by_name("MAR", "19540204"), by_name("MAS", "19540203")],
)
def test_an_unknown_code_or_name_changes_nothing(day: Day, said: WhatWasSaid | None) -> None:
    booked = day.books("Martin", "19540203")
    visit = day.arrives(said)
    assert day.recognises() == frozenset()
    assert (visit.booked_for, booked.state) == (None, State.BOOKED)


def test_an_appointment_of_tomorrow_or_cancelled_is_not_expected_today(day: Day) -> None:
    tomorrow = day.books("Martin", "19540203", minutes=24 * 60)
    cancelled = day.books("Durand", "19540203")
    change(day.db, cancelled, Verb.CANCEL, by="sophie", at=day.at, chance=day.chance)
    visits = [day.arrives(WhatWasSaid(kind="code", word=one.code)) for one in (tomorrow, cancelled)]
    assert day.recognises() == frozenset()
    assert [visit.booked_for for visit in visits] == [None, None]


def test_a_recognised_arrival_passes_before_a_walk_in_who_came_first(day: Day) -> None:
    walk_in = day.arrives(None, Purpose.WALK_IN)
    booked = day.books("Moreau", "19540203", minutes=1)
    visit = day.arrives(WhatWasSaid(kind="code", word=booked.code))
    day.recognises()
    places = line(day.db, day.site, Stage.COUNTER, at=day.at)
    assert [place.visit for place in places] == [visit, walk_in]
    assert places[0].ranked.reason == "rendez-vous de 8 h 31"


def test_recognition_is_announced_and_written_down_without_a_name(day: Day) -> None:
    booked = day.books("Moreau", "19540203")
    day.arrives(WhatWasSaid(kind="code", word=booked.code))
    before = day.db.scalar(select(func.count()).select_from(Event)) or 0
    day.recognises()
    day.recognises()
    assert day.db.scalar(select(func.count()).select_from(Event)) == before + 1
    texts = " ".join(day.db.scalars(select(RegisterText.text)))
    assert texts.count("appointment.arrived") == 1
    assert "Moreau" not in texts
    assert booked.code not in texts


def test_looking_at_the_arrivals_changes_nothing(day: Day) -> None:
    booked = day.books("Moreau", "19540203")
    visit = day.arrives(WhatWasSaid(kind="code", word=booked.code))
    assert matching(day.db, day.site, at=day.at).sure == {visit.id: booked.id}
    assert not day.db.dirty
    assert visit.booked_for is None


def test_the_same_form_books_once(day: Day) -> None:
    one = [
        book(
            day.db, day.site, start=day.at + timedelta(hours=1), birth_name="Moreau", given_names="Jeanne",
            birth_date="19540203", by="sophie", at=day.at, chance=day.chance, key="b" * 32,
        )
        for _ in range(2)
    ]  # fmt: skip
    assert one[0] is one[1]
    assert len(one[0].code) == 6
    assert set(one[0].code) <= set(CODE_LETTERS)


@pytest.mark.parametrize(("name", "minutes"), [("", 30), ("-", 30), ("Moreau", 0), ("Moreau", -5)])
def test_a_booking_without_name_or_in_the_past_is_asked_again(day: Day, name: str, minutes: int) -> None:
    with pytest.raises(BookingToCorrect):
        day.books(name, "19540203", minutes=minutes)


def test_a_moved_appointment_is_expected_at_its_new_hour(day: Day) -> None:
    booked = day.books("Moreau", "19540203")
    later = booked.start + timedelta(hours=2)
    change(day.db, booked, Verb.MOVE, by="sophie", at=day.at, chance=day.chance, start=later)
    visit = day.arrives(WhatWasSaid(kind="code", word=booked.code))
    day.recognises()
    assert visit.booked_for == later


def test_a_move_that_the_table_has_not_is_refused(day: Day) -> None:
    booked = day.books("Moreau", "19540203")
    change(day.db, booked, Verb.CANCEL, by="sophie", at=day.at, chance=day.chance)
    for verb in Verb:
        assert (State.CANCELLED, verb) not in MOVES
        with pytest.raises(NotExpectedAnyMore):
            change(day.db, booked, verb, by="sophie", at=day.at, chance=day.chance)
