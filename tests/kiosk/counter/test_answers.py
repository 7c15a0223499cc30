"""What a patient said at the kiosk is confirmed or corrected at the counter, and neither word is lost."""

import re
from uuid import UUID

import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import select
from sqlalchemy.exc import DatabaseError

from kiosk.door.answers import CounterAnswer, NoSuchAnswer, confirmed, keep_answer
from kiosk.register.database import open_sqlite
from kiosk.register.grants import PUBLIC
from kiosk.register.visits import Purpose, Visit
from tests.kiosk.counter.conftest import Counter, words_of
from tests.kiosk.counter.test_counter_in_chromium import is_readable, seated
from tests.serving import served


def says(counter: Counter, **told: str) -> Visit:
    """Someone takes a number and answers at the kiosk."""
    visit = counter.arrives()
    with counter.writing() as db:
        for question, answer in told.items():
            keep_answer(db, visit.id, question, answer, at=counter.room.at, key=counter.chance(16).hex())
    return visit


def kept(counter: Counter, visit_id: UUID) -> dict[str, tuple[str, str | None, str]]:
    """Question -> what was said at the counter, what at the kiosk, and who heard it."""
    names = {str(one.id): login for login, one in counter.room.people.items()}
    with counter.room.database.reading() as db:
        return {one.question: (one.answer, one.patient_said, names[one.by]) for one in confirmed(db, visit_id).values()}


def test_both_answers_are_confirmed_by_one_form_and_say_who_heard_them(counter: Counter) -> None:
    visit = says(counter, fasting="over_12", delivery="phone")
    sophie = counter.sits()
    page = sophie.sees(f"/passage/{visit.id}")
    assert "à confirmer" in page
    assert page.count("Dit par le patient à la borne") == 2
    page = sophie.does(f"/passage/{visit.id}/reponses", fasting="over_12", delivery="phone")
    assert "confirmées" in page
    assert page.count("Dit au guichet, 8 h 30, à Sophie Martin.") == 2
    assert kept(counter, visit.id) == {
        "fasting": ("over_12", "over_12", "sophie"),
        "delivery": ("phone", "phone", "sophie"),
    }


def badges(page: str) -> int:
    return page.count("réponses à confirmer")


def test_the_line_says_whose_answers_wait_until_they_are_confirmed(counter: Counter) -> None:
    sophie = counter.sits()
    assert badges(sophie.sees("/file")) == 0
    visit, other = says(counter, fasting="over_12", delivery="in_person"), says(counter)
    assert other.number != visit.number
    page = sophie.sees("/file")
    assert badges(page) == 1
    assert "réponses à confirmer" in page.split(f'id="line-{visit.number}"')[1].split("</tr>")[0]
    # One of two is not both.
    counter.room.later(seconds=1)
    sophie.does(f"/passage/{visit.id}/reponses", fasting="over_12")
    assert badges(sophie.sees("/file")) == 1
    sophie.does(f"/passage/{visit.id}/reponses", delivery="phone")
    assert badges(sophie.sees("/file")) == 0


def test_a_page_that_is_open_learns_of_an_answer_within_its_own_minute(counter: Counter) -> None:
    sophie = counter.sits()
    visit = counter.arrives()
    seen = re.findall(r"vu=([^\"&]+)", sophie.sees("/file"))[0]
    assert sophie.browser.get(f"/file/panneau?vu={seen}").status_code == 204
    with counter.writing() as db:
        keep_answer(db, visit.id, "fasting", "over_12", at=counter.room.at, key="a" * 32)
    pane = sophie.sees(f"/file/panneau?vu={seen}")
    assert badges(pane) == 1
    seen = re.findall(r"vu=([^\"&]+)", pane)[0]
    sophie.does(f"/passage/{visit.id}/reponses", fasting="under_8")
    assert badges(sophie.sees(f"/file/panneau?vu={seen}")) == 0


def test_a_correction_keeps_the_patients_own_word_and_the_last_one_counts(counter: Counter) -> None:
    visit = says(counter, fasting="over_12")
    sophie, nadia = counter.sits(), counter.sits("nadia", "Guichet 2")
    sophie.does(f"/passage/{visit.id}/reponses", fasting="8_to_12")
    counter.room.later(minutes=1)
    page = nadia.does(f"/passage/{visit.id}/reponses", fasting="under_8")
    assert "« Plus de 12 heures »" in page
    assert kept(counter, visit.id) == {"fasting": ("under_8", "over_12", "nadia")}
    with counter.room.database.reading() as db:
        assert len(db.scalars(select(CounterAnswer)).all()) == 2


def test_what_was_left_for_a_person_is_asked_and_may_stay_open(counter: Counter) -> None:
    visit = says(counter, fasting="in_person")
    sophie = counter.sits()
    page = sophie.sees(f"/passage/{visit.id}")
    assert "à demander" in page
    assert 'value="in_person"' not in page
    page = sophie.does(f"/passage/{visit.id}/reponses", delivery="post")
    assert "à demander" in page
    assert kept(counter, visit.id) == {"delivery": ("post", None, "sophie")}


def test_whoever_comes_for_a_result_is_asked_nothing(counter: Counter) -> None:
    visit = counter.arrives(purpose=Purpose.COLLECT)
    assert "Ses réponses" not in counter.sits().sees(f"/passage/{visit.id}")


def test_a_form_without_an_answer_or_with_another_is_refused_in_words(counter: Counter) -> None:
    visit, sophie = says(counter), counter.sits()
    wrong: tuple[dict[str, str], ...] = ({}, {"fasting": "in_person"}, {"delivery": "x"})
    for told in wrong:
        answer = sophie.sends(f"/passage/{visit.id}/reponses", **told)
        assert (answer.status_code, words_of(answer)) == (422, NoSuchAnswer.french)
    assert kept(counter, visit.id) == {}


def test_the_same_form_twice_is_one_word(counter: Counter) -> None:
    visit, sophie = says(counter, delivery="post"), counter.sits()
    for answer in ("post", "doctor"):
        sophie.does(f"/passage/{visit.id}/reponses", form_key="a" * 32, delivery=answer)
    assert kept(counter, visit.id) == {"delivery": ("post", "post", "sophie")}


def test_only_whoever_may_register_confirms(counter: Counter) -> None:
    visit, karim = says(counter), counter.sits("karim", "Salle 1")
    assert karim.sends(f"/passage/{visit.id}/reponses", fasting="over_12").status_code == 403


def test_the_public_app_cannot_reach_what_was_said_at_the_counter(counter: Counter) -> None:
    public = open_sqlite(counter.room.folder / "register.sqlite", grants=PUBLIC)
    try:
        with public.reading() as db, pytest.raises(DatabaseError, match="prohibited"):
            db.scalars(select(CounterAnswer)).all()
    finally:
        public.close()


def test_enter_confirms_all_and_a_letter_corrects_one(browser: Browser, counter: Counter) -> None:
    first, second = (
        says(counter, fasting="over_12", delivery="phone"),
        says(counter, fasting="over_12", delivery="online"),
    )
    sophie = counter.sits()
    for visit, name in ((first, "Moreau"), (second, "Petit")):
        sophie.opens_file(visit, name)
    counter.room.later(seconds=60)
    with served(counter.room.app) as server:
        address = f"http://localhost:{server.server_port}"
        with seated(browser, counter, address, "nadia", "Guichet 2") as page:
            page.goto(f"{address}/passage/{first.id}")
            is_readable(page)
            page.keyboard.press("Enter")
            expect(page.get_by_text("confirmées")).to_be_visible()
            page.goto(f"{address}/passage/{second.id}")
            for key in ("m", "c", "Enter"):
                page.keyboard.press(key)
            expect(page.get_by_text("confirmées")).to_be_visible()
            expect(page.get_by_role("link", name="Continuer : Ordonnance")).to_be_focused()
    assert kept(counter, first.id) == {
        "fasting": ("over_12", "over_12", "nadia"),
        "delivery": ("phone", "phone", "nadia"),
    }
    assert kept(counter, second.id) == {
        "fasting": ("under_8", "over_12", "nadia"),
        "delivery": ("post", "online", "nadia"),
    }
