"""When many wait, one scan or one touch is a number, and nothing is asked."""

from collections.abc import Callable
from datetime import datetime, timedelta

from sqlalchemy import select

from kiosk.door.rush import is_rush, set_rush
from kiosk.line.estimate import Range
from kiosk.register.database import Database
from kiosk.register.events import Event
from kiosk.register.sites import Site, this_site
from kiosk.register.visits import Purpose, Visit
from kiosk.waiting import take_number
from tests.kiosk.conftest import Reception


def turn(reception: Reception, *, on: bool) -> None:
    with reception.staff.transaction() as db:
        set_rush(db, this_site(db), on=on, at=reception.at)


def rushed(reception: Reception, above: int = 0) -> bool:
    with reception.staff.reading() as db:
        return is_rush(db, this_site(db), above=above, at=reception.at)


def test_a_staff_key_turns_it_on_for_the_day_and_off(reception: Reception) -> None:
    assert not rushed(reception)
    turn(reception, on=True)
    turn(reception, on=True)
    assert rushed(reception)
    with reception.staff.reading() as db:  # said twice, heard once by the other screens
        assert [(one.topic, one.body) for one in db.scalars(select(Event))] == [("line", {"rush": True})]
    reception.passes(24 * 60)
    assert not rushed(reception)
    turn(reception, on=True)
    turn(reception, on=False)
    assert not rushed(reception)


def test_above_so_many_people_it_comes_by_itself_and_goes_with_the_line(reception: Reception) -> None:
    for _ in range(3):
        reception.send("/come/walk_in", "/come/walk_in")
    assert rushed(reception, above=2)
    assert not rushed(reception, above=3)
    assert not rushed(reception, above=0)


def test_the_line_and_the_key_turn_it_on_whatever_keeps_the_rows(
    database: Database, site: Site, at: datetime, chance: Callable[[int], bytes]
) -> None:
    def is_on(above: int, hour: datetime = at) -> bool:
        with database.reading() as db:
            return is_rush(db, this_site(db), above=above, at=hour)

    with database.transaction() as db:
        for n in range(3):
            take_number(
                db, site, wait=Range(low=0, high=5), purpose=Purpose.WALK_IN, said=None, by="Borne 1", at=at,
                chance=chance, key=f"{n:032x}",
            )  # fmt: skip
    assert (is_on(2), is_on(3)) == (True, False)
    for key, wanted in ((True, True), (True, True), (False, False)):
        with database.transaction() as db:
            set_rush(db, this_site(db), on=key, at=at)
        assert is_on(0) is wanted
        assert not is_on(0, at + timedelta(days=1))


def test_each_reason_is_one_touch_then(reception: Reception) -> None:
    turn(reception, on=True)
    home = reception.open("/")
    assert "Il y a du monde." in home
    for purpose in ("booked", "walk_in", "collect"):
        assert f'action="/come/{purpose}"' in home
        answer = reception.send("/", f"/come/{purpose}")
        assert "/questions" not in answer.location
    with reception.staff.reading() as db:
        assert [one.purpose for one in db.scalars(select(Visit).order_by(Visit.number))] == [
            "booked", "walk_in", "collect",
        ]  # fmt: skip
    assert len(reception.spool.jobs()) == 3


def test_a_scan_is_a_number_at_once(reception: Reception) -> None:
    turn(reception, on=True)
    location = reception.send("/", "/code", code="ETQ1K7MP2X").location
    assert "/questions" not in location
    assert '<bdi dir="ltr">1</bdi>' in reception.open(location)


def test_on_a_quiet_day_an_appointment_is_asked_for_its_paper(reception: Reception) -> None:
    home = reception.open("/")
    assert 'href="/convocation"' in home
    assert "/come/booked" not in home
