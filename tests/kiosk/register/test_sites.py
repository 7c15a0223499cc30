"""A site of the laboratory."""

from datetime import date, time
from uuid import uuid4

import pytest
from sqlalchemy.exc import IntegrityError

from kiosk.register.database import Database
from kiosk.register.sites import NoSite, Site, this_site

COLUMNS = ("id", "number", "name", "timezone", "opens", "closes", "rush_day")


def test_an_instance_that_was_never_initialised_says_so(database: Database) -> None:
    with database.reading() as db, pytest.raises(NoSite):
        this_site(db)


def test_this_site_is_the_one_of_the_lowest_number(database: Database, site: Site) -> None:
    with database.transaction() as db:
        db.add(_site(2))
    with database.reading() as db:
        assert this_site(db).id == site.id


def test_this_site_is_as_the_transaction_that_asks_has_made_it(database: Database, site: Site) -> None:
    with database.transaction() as db:
        kept = db.get_one(Site, site.id)
        kept.rush_day = date(2026, 11, 21)
        assert this_site(db).rush_day == kept.rush_day
    with database.reading() as db:
        read = this_site(db)
        assert {name: getattr(read, name) for name in COLUMNS} == {name: getattr(kept, name) for name in COLUMNS}


def test_what_is_set_on_this_site_is_written_nowhere(database: Database, site: Site) -> None:
    with database.transaction() as db:
        this_site(db).name = "Un autre"
    with database.reading() as db:
        assert this_site(db).name == site.name


@pytest.mark.parametrize("number", [0, 100])
def test_a_site_has_two_digits_on_sample_numbers(database: Database, number: int) -> None:
    with pytest.raises(IntegrityError), database.transaction() as db:
        db.add(_site(number))


def test_two_sites_never_share_a_number(database: Database, site: Site) -> None:
    with pytest.raises(IntegrityError), database.transaction() as db:
        db.add(_site(site.number))


def _site(number: int) -> Site:
    return Site(
        id=uuid4(), number=number, name="Annexe", timezone="Indian/Reunion", opens=time(7), closes=time(12)
    )  # fmt: skip
