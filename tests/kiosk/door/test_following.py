"""The line on a telephone: a number, a place, a range; dead at midnight, and closed where nobody opened it."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from kiosk import places
from kiosk.counter.foretelling import keep
from kiosk.counter.passage import advance
from kiosk.counter.turns import call_next
from kiosk.door.shown import key_of
from kiosk.line.estimate import Range
from kiosk.register.visits import Purpose, Stage, Verb, Visit
from kiosk.ticket import follow_address
from kiosk.waiting import take_number
from tests.kiosk.conftest import Reception, open_reception


@pytest.fixture
def published(sqlite_folder: Path, at: datetime, chance: Callable[[int], bytes]) -> Iterator[Reception]:
    opened = open_reception(sqlite_folder, at=at, chance=chance, follow_url="https://file.labo.test/")
    yield opened
    opened.spool.close()
    opened.staff.close()
    opened.app.extensions["house"].database.close()


def address(reception: Reception, number: int = 1) -> str:
    with reception.staff.reading() as db:
        visit = db.scalars(select(Visit).where(Visit.number == number)).one()
        found = follow_address("https://file.labo.test/", visit, key_of(db, visit))
    assert found is not None
    return found.removeprefix("https://file.labo.test")


def look(reception: Reception, path: str) -> tuple[int, str]:
    """As a patient's own telephone, which nobody has paired."""
    answer = reception.stranger().get(path, base_url="https://localhost")
    return answer.status_code, answer.get_data(as_text=True)


def test_a_telephone_is_told_number_place_and_range_and_nothing_of_a_person(published: Reception) -> None:
    for _ in range(2):
        published.send("/name", "/name", letters="ZZY", day="14", month="02", year="1952")
    status, page = look(published, address(published, 2))
    assert status == 200
    assert 'Numéros avant vous : <b><bdi dir="ltr">1</bdi></b>' in page
    assert "Attente :" in page
    assert 'content="noindex' in page
    assert "ZZY" not in page
    state = published.stranger().get(address(published, 2) + "/state", base_url="https://localhost").get_json()
    assert state.keys() == {"number", "state", "ahead", "range", "desk", "words"}


def test_it_says_where_to_go_when_the_number_is_called_and_when_all_is_over(published: Reception) -> None:
    published.send("/come/walk_in", "/come/walk_in")
    with published.staff.transaction() as db:
        ranked = places.first_in_turn(db, published.site, Stage.COUNTER, at=published.at, first=1)
        visit = call_next(
            db, published.site, Stage.COUNTER, ranked, desk="Guichet 2", by="sophie", at=published.at,
            chance=published.chance, key="a" * 32,
        )  # fmt: skip
    page = look(published, address(published))[1]
    assert "On vous appelle. Venez maintenant." in page
    assert "Guichet 2" in page
    assert 'id="others" hidden' in page  # nobody passes before who is called
    with published.staff.transaction() as db:
        advance(
            db, db.get_one(Visit, visit.id), Verb.LEAVE, by="sophie", at=published.at, chance=published.chance,
            key="b" * 32,
        )  # fmt: skip
    page = look(published, address(published))[1]
    assert "Votre passage est terminé." in page
    assert "Guichet 2" not in page


def test_who_is_set_aside_is_not_told_that_a_call_was_missed(published: Reception) -> None:
    published.send("/come/walk_in", "/come/walk_in")
    assert 'id="others">' in look(published, address(published))[1]
    with published.staff.transaction() as db:
        advance(
            db, db.scalars(select(Visit)).one(), Verb.PARK, by="sophie", at=published.at, chance=published.chance,
            key="a" * 32,
        )  # fmt: skip
    page = look(published, address(published))[1]
    assert "Votre numéro est mis de côté. Revenez au guichet quand vous êtes prêt." in page
    assert "Nous vous avons appelé" not in page


def test_a_number_of_the_counter_is_followed_like_one_of_the_kiosk(published: Reception) -> None:
    with published.staff.transaction() as db:
        take_number(
            db, published.site, wait=Range(low=0, high=5), purpose=Purpose.WALK_IN, said=None, by="sophie",
            at=published.at, chance=published.chance, key="c" * 32, language="tr",
        )  # fmt: skip
    status, page = look(published, address(published))
    assert status == 200
    assert '<html lang="tr"' in page


def test_it_speaks_the_language_of_the_ticket(published: Reception) -> None:
    published.send("/", "/language", language="ar")
    published.send("/come/walk_in", "/come/walk_in")
    page = look(published, address(published))[1]
    assert '<html lang="ar" dir="rtl">' in page
    assert "أنت في الطابور." in page


def test_a_token_is_nobodys_guess_and_dead_at_midnight(published: Reception) -> None:
    for _ in range(2):
        published.send("/come/walk_in", "/come/walk_in")
    path = address(published)
    other = address(published, 2)
    for wrong in (path[:-1], path + "A", "/f/" + "A" * 26, path[:11] + other[11:], "/f/%00", "/f/é", "/f/" + "9" * 26):
        assert look(published, wrong)[0] == 404, wrong
    assert look(published, path)[0] == 200
    published.passes(24 * 60)
    assert look(published, path)[0] == 404


def test_where_the_laboratory_has_not_opened_it_there_is_no_page_and_no_square_code(
    reception: Reception,
) -> None:
    asked = reception.send("/come/walk_in", "/come/walk_in").location
    done = reception.send(asked, asked.partition("/questions")[0]).location
    assert 'class="square"' not in reception.open(done)
    assert look(reception, address(reception))[0] == 404


def test_the_last_page_and_the_ticket_bear_the_square_code(published: Reception) -> None:
    asked = published.send("/come/walk_in", "/come/walk_in").location
    done = published.send(asked, asked.partition("/questions")[0]).location
    assert 'class="square"' in published.open(done)
    assert "Suivez la file sur votre téléphone." in published.open(done)


@pytest.mark.parametrize(("number", "words"), [
    (1, "Attente : moins de 5 min"), (2, "Attente : 5 à 15 min"), (3, "Attente : 15 à 30 min"),
    (4, "Attente : 20 à 45 min"),
])  # fmt: skip
def test_the_range_is_the_part_of_what_was_foretold_last_that_stands_before_this_number(
    published: Reception, number: int, words: str
) -> None:
    for _ in range(4):
        published.send("/come/walk_in", "/come/walk_in")
    foretold(published, low=30, high=60)
    state = published.stranger().get(address(published, number) + "/state", base_url="https://localhost").get_json()
    assert (state["ahead"], state["range"]) == (number - 1, words)


def test_the_range_follows_the_line_and_not_the_ticket(published: Reception) -> None:
    for _ in range(2):
        published.send("/come/walk_in", "/come/walk_in")
    published.passes(50)  # far beyond what the ticket said
    foretold(published, low=20, high=40)
    assert "Attente : 10 à 20 min" in look(published, address(published, 2))[1]


def foretold(reception: Reception, *, low: int, high: int) -> None:
    with reception.staff.transaction() as db:
        keep(db, reception.site, Stage.COUNTER, Range(low=low, high=high), at=reception.at)
