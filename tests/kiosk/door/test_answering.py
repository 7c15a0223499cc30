"""Two questions after the number: each may be left to a person, and nobody's answers can be read back here."""

import re
from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from kiosk.door.answers import Answer, answers_of
from kiosk.register.visits import Visit
from tests.kiosk.conftest import Reception, hidden

HEADERS = {"base_url": "https://localhost", "headers": {"Referer": "https://localhost/"}}


def asked(reception: Reception, path: str = "/come/walk_in", page: str = "", **typed: str) -> str:
    """Take a number; the address of the first question."""
    answer = reception.send(page or path, path, **typed)
    assert answer.status_code == 303
    return answer.location


def says(reception: Reception, page: str, address: str, **said: str) -> str:
    """Touch an answer of a page; the page that follows."""
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.partition('class="tools"')[0]))
    answer = reception.client.post(address.partition("?")[0], data=fields | said, **HEADERS)
    assert answer.status_code == 200, answer.status_code
    return answer.get_data(as_text=True)


def kept(reception: Reception) -> list[tuple[str, str]]:
    with reception.staff.reading() as db:
        return [(one.question, one.answer) for one in answers_of(db, db.scalars(select(Visit)).one().id)]


def test_both_questions_are_asked_one_a_page_and_read_again(reception: Reception) -> None:
    address = asked(reception)
    page = reception.open(address)
    assert "Question 1 sur 2" in page
    page = says(reception, page, address, answer="8_to_12")
    assert "Comment voulez-vous recevoir vos résultats ?" in page
    page = says(reception, page, address, answer="doctor")
    assert "De 8 à 12 heures" in page
    assert "Mon médecin seulement" in page
    assert kept(reception) == [("fasting", "8_to_12"), ("delivery", "doctor")]


def test_an_answer_can_be_changed_and_the_last_one_counts(reception: Reception) -> None:
    address = asked(reception)
    page = says(reception, reception.open(address), address, answer="8_to_12")
    page = says(reception, page, address, answer="doctor")
    page = says(reception, page, address, change="fasting")
    assert "Quand avez-vous mangé" in page
    reception.passes(0.1)
    page = says(reception, page, address, answer="in_person")
    assert "Est-ce juste ?" in page
    assert kept(reception) == [("fasting", "in_person"), ("delivery", "doctor")]


def test_every_question_may_be_left_to_a_person(reception: Reception) -> None:
    address = asked(reception)
    page = reception.open(address)
    for _ in range(2):
        assert "Je ne sais pas" in page
        assert "Je préfère le dire à la personne" in page
        page = says(reception, page, address, answer="in_person")


def test_the_same_list_is_asked_of_everyone_who_came_for_the_same(reception: Reception) -> None:
    lists = []
    for path, typed in (
        ("/name", {"letters": "MOR", "day": "14", "month": "02", "year": "1952"}),
        ("/code", {"code": "K7MP2X"}),
    ):
        address = asked(reception, path, **typed)
        first = reception.open(address)
        lists.append((re.findall(r'name="asked" value="([^"]+)"', first)[0], re.findall(r"<h1>([^<]+)", first)))
    assert lists[0] == lists[1]
    assert "/questions" not in asked(reception, "/come/collect")


@pytest.mark.parametrize(
    ("scanned", "questions"), [("J", "fasting,delivery"), ("N", "delivery"), ("", "fasting,delivery")]
)
def test_only_a_scanned_paper_that_asks_no_fasting_makes_the_list_shorter(
    reception: Reception, scanned: str, questions: str
) -> None:
    address = asked(reception, "/code", page="/", code=f"ETQ1K7MP2X202611210830{scanned}")
    assert f'name="asked" value="{questions}"' in reception.open(address)


def test_a_replayed_answer_is_kept_once_and_another_page_of_the_same_key_changes_nothing(reception: Reception) -> None:
    address = asked(reception)
    form = hidden(reception.open(address)) | {"question": "fasting", "asked": "fasting,delivery", "hour": ""}
    for answer in ("over_12", "over_12", "under_8"):
        path = address.partition("?")[0]
        sent = reception.client.post(path, data=form | {"answer": answer}, **HEADERS)
        assert sent.status_code == 200
    assert kept(reception) == [("fasting", "over_12")]
    with reception.staff.reading() as db:
        assert len(db.scalars(select(Answer)).all()) == 1


@pytest.mark.parametrize("said", [{"answer": "pizza"}, {"answer": ""}, {"question": "weight", "answer": "over_12"}])
def test_an_answer_that_is_not_on_the_screen_is_refused_kindly(reception: Reception, said: dict[str, str]) -> None:
    address = asked(reception)
    form = hidden(reception.open(address)) | {"question": "fasting", "asked": "fasting,delivery"} | said
    answer = reception.client.post(address.partition("?")[0], data=form, **HEADERS)
    assert answer.status_code == 422
    assert "Touchez une des réponses" in answer.get_data(as_text=True)
    assert kept(reception) == []


def test_the_door_cannot_read_back_what_was_answered(reception: Reception) -> None:
    address = asked(reception)
    says(reception, reception.open(address), address, answer="8_to_12")
    with reception.app.extensions["house"].database.reading() as db, pytest.raises(DBAPIError):
        db.execute(text("SELECT answer FROM answer"))


def test_answers_stand_in_no_address_and_no_cookie(reception: Reception) -> None:
    address = asked(reception)
    page = says(reception, reception.open(address), address, answer="8_to_12")
    says(reception, page, address, answer="doctor")
    done = reception.client.post(address.partition("/questions")[0], data=hidden(page), **HEADERS)
    cookie = reception.client.get_cookie("__Host-etiquette-kiosk", domain="localhost")
    assert cookie is not None
    seen = reception.app.session_interface.get_signing_serializer(reception.app).loads(cookie.value)  # type: ignore[attr-defined]
    assert set(seen) <= {"csrf_token"}
    for one in (address, done.location):
        assert not {"8_to_12", "doctor"} & set(re.split(r"\W", one))


def test_whoever_leaves_the_questions_has_the_number_and_the_ticket_all_the_same(reception: Reception) -> None:
    address = asked(reception)
    assert reception.spool.jobs() == []
    done = reception.send(address, address.partition("/questions")[0])
    assert "Votre numéro" in reception.open(done.location)
    assert [job.kind for job in reception.spool.jobs()] == ["ticket"]


def test_no_question_page_is_opened_by_another_key_or_on_another_day(reception: Reception) -> None:
    address = asked(reception)
    assert reception.client.get("/number/" + "0" * 32 + "/questions", base_url="https://localhost").status_code == 404
    reception.passes(24 * 60)
    assert reception.client.get(address, base_url="https://localhost").status_code == 404


def test_who_stands_at_the_kiosk_at_midnight_answers_and_has_the_ticket(reception: Reception) -> None:
    reception.at = datetime(2026, 11, 21, 22, 59, 30, tzinfo=UTC)  # half a minute before midnight in Paris
    address = asked(reception)
    page = reception.open(address)
    reception.passes(1)
    says(reception, page, address, answer="8_to_12")
    assert kept(reception) == [("fasting", "8_to_12")]
    done = reception.send(address, address.partition("/questions")[0]).location
    assert '<bdi dir="ltr">1</bdi>' in reception.open(done)
    with reception.staff.reading() as db:
        assert reception.spool.job(f"ticket/{db.scalars(select(Visit)).one().id}/1") is not None
    reception.passes(10)
    assert reception.client.get(done, base_url="https://localhost").status_code == 404
