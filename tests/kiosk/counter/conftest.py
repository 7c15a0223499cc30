"""A counter, a sampling room and the people who come: the staff app with the screens of this floor and the next."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from kiosk.booking.appointments import Appointment, book
from kiosk.counter.passage import advance
from kiosk.line.estimate import Range
from kiosk.register.sites import this_site
from kiosk.register.visits import Purpose, Verb, Visit, visit_of
from kiosk.waiting import WhatWasSaid, take_number
from printers.station.spool import StationSpool
from tests.staffroom import Browser, Chance, Room, open_room


@dataclass(kw_only=True)
class Counter:
    """The laboratory on one morning: two desks, a room, and whoever comes."""

    room: Room
    chance: Chance

    @property
    def spool(self) -> StationSpool:
        """The app's own spool."""
        spool: StationSpool = self.room.app.extensions["house"].spool
        return spool

    @property
    def site_id(self) -> UUID:
        """The laboratory's site."""
        with self.room.database.reading() as db:
            return this_site(db).id

    def sits(self, login: str = "sophie", desk: str = "Guichet 1") -> "Person":
        """Someone signs in at a desk."""
        browser = self.room.browser()
        assert browser.sign_in(login, desk=desk).status_code == 303
        self.room.later(seconds=30)
        for path in ("/", "/file", "/prelevement"):
            browser.get(path)
        return Person(counter=self, browser=browser)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """Beside the screens: what the kiosk or another desk does."""
        with self.room.database.transaction() as db:
            yield db

    def arrives(self, said: WhatWasSaid | None = None, purpose: Purpose = Purpose.WALK_IN) -> Visit:
        """Someone takes a number at the kiosk."""
        with self.writing() as db:
            return take_number(
                db, this_site(db), wait=Range(low=0, high=5), purpose=purpose, said=said, by="Borne 1", at=self.room.at,
                chance=self.chance, key=self.chance(16).hex(),
            )  # fmt: skip

    def books(self, name: str, born: str, *, minutes: int = 30) -> Appointment:
        """An hour is kept for someone."""
        with self.writing() as db:
            return book(
                db, this_site(db), start=self.room.at + timedelta(minutes=minutes), birth_name=name,
                given_names="Jeanne", birth_date=born, exams="prise de sang", by="sophie", at=self.room.at,
                chance=self.chance, key=self.chance(16).hex(),
            )  # fmt: skip

    def sends_to_the_draw(self, visit_id: UUID) -> None:
        """What the screen of the results does once their way is chosen."""
        with self.writing() as db:
            advance(
                db, visit_of(db, visit_id), Verb.SEND, by="sophie", at=self.room.at, chance=self.chance,
                key=self.chance(16).hex(),
            )  # fmt: skip

    def visit(self, visit_id: UUID) -> Visit:
        """A visit as it is stored now."""
        with self.room.database.reading() as db:
            return visit_of(db, visit_id)


@dataclass(kw_only=True)
class Person:
    """Someone of the laboratory at a screen: looks at pages and sends their forms."""

    counter: Counter
    browser: Browser

    def sees(self, path: str) -> str:
        """The text of a page that opens."""
        answer = self.browser.get(path)
        assert answer.status_code == 200, (path, answer.status_code)
        return unescape(answer.text)

    def sends(self, path: str, **fields: Any) -> TestResponse:
        """Send a form with a key of its own."""
        return self.browser.post(path, **{"form_key": self.counter.chance(16).hex()} | fields)

    def does(self, path: str, **fields: Any) -> str:
        """Send a form that is accepted, and follow where it leads."""
        answer = self.sends(path, **fields)
        assert answer.status_code == 303, (path, answer.status_code, words_of(answer))
        return self.sees(answer.location)

    def calls(self) -> Visit:
        """Press F2; the visit that is at the desk afterwards."""
        page = self.does("/file/appeler")
        found = re.search(r'<section class="card now".*?/passage/([0-9a-f-]{36})"', page, re.DOTALL)
        assert found, page
        return self.counter.visit(UUID(found[1]))

    def opens_file(self, visit: Visit, name: str = "Moreau", born: str = "03/02/1954", **traits: str) -> str:
        """Type the traits of a person who has no file."""
        told = {"birth_name": name, "given_names": "Jeanne", "birth_date": born, "sex": "F", "birth_place": "35238"}
        return self.does(f"/passage/{visit.id}/nouveau", **told | {"document": "identity_card"} | traits)

    def prescribes(self, visit: Visit, *codes: str, **more: str) -> TestResponse:
        """Enter the exams as the page shows them now."""
        page = self.sees(f"/passage/{visit.id}/ordonnance")
        version = re.search(r'name="version" value="([^"]*)"', page)
        assert version
        return self.sends(
            f"/passage/{visit.id}/ordonnance", exam=list(codes), version=version[1], prescriber="Dr Petit", **more
        )

    def labels(self, *codes: str, name: str = "Moreau", **traits: str) -> Visit:
        """From the call to the labels, for one person who has just come."""
        self.counter.arrives()
        visit = self.calls()
        self.opens_file(visit, name, **traits)
        assert self.prescribes(visit, *codes).status_code == 303
        self.does(f"/passage/{visit.id}/etiquettes")
        return visit


def words_of(answer: TestResponse) -> str:
    """The sentence of a refusal."""
    found = re.search(r"<p data-sentence>(.*?)</p>", answer.text, re.DOTALL)
    return unescape(found[1]) if found else ""


@contextmanager
def open_counter(folder: Path, *, at: datetime, chance: Chance) -> Iterator[Counter]:
    """The staff app with the screens from the door to the draw."""
    with open_room(folder, at=at, chance=chance) as room:
        yield Counter(room=room, chance=chance)


@pytest.fixture
def counter(tmp_path: Path, at: datetime, chance: Callable[[int], bytes]) -> Iterator[Counter]:
    """The laboratory on a Saturday morning."""
    folder = tmp_path / "laboratory"
    folder.mkdir()
    with open_counter(folder, at=at, chance=chance) as opened:
        yield opened
