"""The touchscreen gives everyone a number, and the same answer whether it knows them or not."""

import random
import re
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from sqlalchemy import select

from kiosk.booking.appointments import book
from kiosk.register.database import uuid7
from kiosk.register.events import Event
from kiosk.register.patients import Sex, create_patient
from kiosk.register.visits import Purpose, Said, Visit
from printers.moves import STATION
from printers.moves import Verb as Printing
from tests.kiosk.conftest import Reception, hidden, open_reception

PATIENT_PAGES = ["/", "/convocation", "/code", "/name", "/come/walk_in", "/come/collect", "/help"]
BANNED = (
    "erreur", "invalide", "échec", "refusé", "impossible", "obligatoire", "veuillez", "saisir", "valider",
    "utilisateur", "authentification", "système",
)  # fmt: skip


def stored(reception: Reception) -> list[tuple[Visit, Said | None]]:
    with reception.staff.reading() as db:
        return [(visit, db.get(Said, visit.id)) for visit in db.scalars(select(Visit).order_by(Visit.number))]


def arrives(reception: Reception, page: str, path: str, /, **typed: str) -> str:
    """Someone takes a number and leaves the questions to the counter; the address of the page with the number."""
    asked = reception.send(page, path, **typed)
    assert asked.status_code == 303
    if "/questions" not in asked.location:
        return asked.location
    done = reception.send(asked.location, asked.location.partition("/questions")[0])
    assert done.status_code == 303
    return done.location


def words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_a_walk_in_gets_a_number_and_is_asked_nothing(reception: Reception) -> None:
    answer = reception.send("/come/walk_in", "/come/walk_in")
    assert answer.status_code == 303
    assert "Votre numéro : 1 " in words(reception.open(answer.location))  # above the first question already
    [(visit, said)] = stored(reception)
    assert (visit.number, visit.purpose, said) == (1, Purpose.WALK_IN, None)


def test_someone_who_collects_a_result_says_so_and_gets_a_number_of_the_same_series(reception: Reception) -> None:
    reception.send("/come/walk_in", "/come/walk_in")
    reception.send("/come/collect", "/come/collect")
    assert [(visit.number, visit.purpose) for visit, _ in stored(reception)] == [(1, "walk_in"), (2, "collect")]


def test_a_typed_code_is_kept_for_the_counter_as_it_was_read(reception: Reception) -> None:
    assert reception.send("/code", "/code", code="k7m-p2x").status_code == 303
    [(visit, said)] = stored(reception)
    assert said is not None
    assert (visit.purpose, said.kind, said.word) == (Purpose.BOOKED, "code", "K7MP2X")


def test_a_scanned_convocation_gives_a_number_from_the_first_page(reception: Reception) -> None:
    assert reception.send("/", "/code", code="ETQ1K7MP2X").status_code == 303
    assert stored(reception)[0][1].word == "K7MP2X"  # type: ignore[union-attr]


def test_a_scan_of_something_else_is_told_calmly_and_gives_no_number(reception: Reception) -> None:
    answer = reception.send("/", "/code", code="3400930000000")
    assert answer.status_code == 422
    assert "Regardez votre convocation." in answer.get_data(as_text=True)
    assert stored(reception) == []


def test_three_letters_and_a_birth_date_are_kept_for_the_counter(reception: Reception) -> None:
    page = reception.send("/name", "/birth-date", letters="Éloïse").get_data(as_text=True)
    assert 'name="letters" value="ELO"' in page
    answer = reception.send("/name", "/name", letters="ELO", day="14", month="2", year="1952")
    assert answer.status_code == 303
    said = stored(reception)[0][1]
    assert said is not None
    assert (said.kind, said.word, said.birth_date) == ("name", "ELO", "19520214")


def test_a_date_to_come_keeps_what_was_typed_and_says_what_to_look_at(reception: Reception) -> None:
    answer = reception.send("/name", "/name", letters="MOR", day="14", month="02", year="2052")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Regardez l&#39;année." in page
    assert all(f'value="{kept}"' in page for kept in ("MOR", "14", "02", "2052"))
    assert "<title>À corriger :" in page
    assert stored(reception) == []


def test_a_name_without_a_letter_is_asked_again(reception: Reception) -> None:
    answer = reception.send("/name", "/birth-date", letters="42")
    assert answer.status_code == 422
    assert "première lettre" in answer.get_data(as_text=True)


def test_the_same_form_sent_again_gives_the_same_number(reception: Reception) -> None:
    form = hidden(reception.open("/come/walk_in"))
    answers = [
        reception.client.post(
            "/come/walk_in", data=form, base_url="https://localhost", headers={"Referer": "https://localhost/"}
        )
        for _ in range(3)
    ]
    assert len({answer.location for answer in answers}) == 1
    assert len(stored(reception)) == 1


def test_one_person_who_uses_the_kiosk_twice_gets_two_numbers_and_the_counter_merges_them(reception: Reception) -> None:
    for _ in range(2):
        reception.send("/name", "/name", letters="MOR", day="14", month="02", year="1952")
    assert [visit.number for visit, _ in stored(reception)] == [1, 2]


def test_a_form_without_its_token_changes_nothing(reception: Reception) -> None:
    answer = reception.client.post("/come/walk_in", data={"form_key": "ab" * 16}, base_url="https://localhost")
    assert answer.status_code == 400
    assert stored(reception) == []


def test_no_page_is_opened_by_another_form_s_key(reception: Reception) -> None:
    assert reception.client.get("/number/" + "0" * 32, base_url="https://localhost").status_code == 404


def test_nothing_that_was_typed_stands_in_an_address_or_a_cookie(reception: Reception) -> None:
    answer = reception.send("/name", "/name", letters="ZZY", day="14", month="02", year="1952")
    cookie = reception.client.get_cookie("__Host-etiquette-kiosk", domain="localhost")
    assert "ZZY" not in answer.location
    assert "1952" not in answer.location
    assert cookie is not None
    seen = reception.app.session_interface.get_signing_serializer(reception.app).loads(cookie.value)  # type: ignore[attr-defined]
    assert set(seen) <= {"csrf_token", "look", "text_size"}


def test_the_number_says_neither_name_nor_reason_nor_whether_it_was_booked(reception: Reception) -> None:
    booked = arrives(reception, "/name", "/name", letters="ZZY", day="14", month="02", year="1952")
    walk_in = arrives(reception, "/come/walk_in", "/come/walk_in")
    pages = [reception.open(location) for location in (booked, walk_in)]
    numbers = [re.findall(r'<bdi dir="ltr">(\d+)</bdi>', page) for page in pages]
    ranges = [re.findall(r"Attente : ([^<]+)", page) for page in pages]
    bare = [
        re.sub(r'value="[^"]+"|number/[^"]+|number%2F[^"]+|<bdi dir="ltr">\d+|Attente : [^<]+', "", page)
        for page in pages
    ]
    assert numbers == [["1"], ["2"]]
    assert [len(one) for one in ranges] == [1, 1]
    assert bare[0] == bare[1]


def test_a_ticket_goes_to_the_printer_once(reception: Reception) -> None:
    location = arrives(reception, "/come/walk_in", "/come/walk_in").partition("?")[0]
    reception.send(location, location)
    assert [(job.kind, job.printer) for job in reception.spool.jobs()] == [("ticket", "tickets")]


def test_the_number_waits_for_no_paper_and_the_page_says_to_write_it_down(reception: Reception) -> None:
    reception.spool.path.unlink(missing_ok=True)
    reception.spool.path.mkdir()
    page = reception.open(arrives(reception, "/come/walk_in", "/come/walk_in"))
    assert "Notez votre numéro" in page
    assert "C&#39;est noté" in page
    reception.spool.path.rmdir()


def test_a_ready_printer_means_a_ticket_to_take_and_a_held_one_a_number_to_note(reception: Reception) -> None:
    reception.spool.tell("tickets", "ready", "", at=reception.at)
    first = arrives(reception, "/come/walk_in", "/come/walk_in")
    assert "Prenez votre ticket." in reception.open(first)
    reception.spool.tell("tickets", "held", "paper", at=reception.at)
    assert "Notez votre numéro" in reception.open(first)


def test_a_printer_that_its_station_has_not_seen_for_a_while_promises_no_ticket(reception: Reception) -> None:
    reception.spool.tell("tickets", "ready", "", at=reception.at)
    first = arrives(reception, "/come/walk_in", "/come/walk_in")
    reception.passes(0.25)
    assert "Prenez votre ticket." in reception.open(first)
    reception.passes(0.02)
    assert "Notez votre numéro" in reception.open(first)


@pytest.mark.parametrize(
    ("moves", "words"),
    [
        ([], "Prenez votre ticket."),
        ([Printing.HOLD], "Notez votre numéro"),
        ([Printing.SEND], "Prenez votre ticket."),
        ([Printing.SEND, Printing.FAIL], "Notez votre numéro"),
        ([Printing.SEND, Printing.DOUBT], "Notez votre numéro"),
        ([Printing.SEND, Printing.HAND_OVER], "Prenez votre ticket."),
        ([Printing.DROP], "Notez votre numéro"),
    ],
)
def test_a_ready_printer_is_no_promise_for_a_ticket_that_does_not_come(
    reception: Reception, moves: list[Printing], words: str
) -> None:
    reception.spool.tell("tickets", "ready", "", at=reception.at)
    first = arrives(reception, "/come/walk_in", "/come/walk_in")
    [job] = reception.spool.jobs()
    for verb in moves:
        reception.spool.move(job.key, verb, by=STATION, at=reception.at)
    assert words in reception.open(first)


def test_an_address_that_leads_nowhere_has_a_title_of_its_own(reception: Reception) -> None:
    assert "<h1>Rien à cette adresse</h1>" in reception.open("/nowhere")


def test_larger_text_and_contrast_last_until_the_person_leaves(reception: Reception) -> None:
    reception.send("/", "/display", text_size="large")
    reception.send("/", "/display", look="contrast")
    assert '<html lang="fr" dir="ltr" data-look="contrast" data-text="large">' in reception.open("/name")
    reception.send("/", "/leave")
    assert '<html lang="fr" dir="ltr">' in reception.open("/name")


@pytest.mark.parametrize("path", ["/language", "/display"])
@pytest.mark.parametrize(
    ("here", "to"),
    [
        ("/name", "/name"),
        ("/number/0/questions?asked=fasting&hour=early", "/number/0/questions?asked=fasting&hour=early"),
        ("https://elsewhere.test/", "/"), ("//elsewhere.test", "/"), ("/name//elsewhere.test", "/"),
        ("/\\elsewhere.test", "/"), ("/board", "/"), ("/leave", "/"), ("/nowhere", "/"), ("", "/"),
    ],
)  # fmt: skip
def test_after_another_language_or_look_nobody_is_sent_to_another_house(
    reception: Reception, path: str, here: str, to: str
) -> None:
    assert reception.send("/", path, here=here, language="en", look="contrast").location == to


def test_a_look_that_does_not_exist_changes_nothing(reception: Reception) -> None:
    reception.send("/", "/display", look='"><script>')
    assert '<html lang="fr" dir="ltr">' in reception.open("/")


def test_a_call_for_help_tells_the_staff_which_kiosk_and_never_what_was_typed(reception: Reception) -> None:
    assert reception.send("/name", "/help", page="touchscreen.name", letters="ZZY").status_code == 303
    with reception.staff.reading() as db:
        [event] = db.scalars(select(Event))
    assert event.topic == "help"
    assert event.body.keys() == {"kiosk", "page", "key"}
    assert (event.body["kiosk"], event.body["page"]) == ("Borne 1", "touchscreen.name")


def test_the_same_call_for_help_sent_twice_is_one_call(reception: Reception) -> None:
    form = hidden(reception.open("/name"))
    for _ in range(2):
        reception.client.post(
            "/help", data=form, base_url="https://localhost", headers={"Referer": "https://localhost/"}
        )
    with reception.staff.reading() as db:
        assert len(db.scalars(select(Event)).all()) == 1


def test_outside_the_hours_the_page_says_so_and_whom_to_ring(reception: Reception) -> None:
    reception.passes(60 * 12)
    page = reception.open("/")
    assert "Le laboratoire est fermé." in page
    assert "Vous n&#39;êtes pas encore dans la file." in page
    assert "appelez le 15" in page


@pytest.mark.parametrize("path", PATIENT_PAGES)
def test_every_page_has_one_heading_a_way_to_a_person_and_no_banned_word(reception: Reception, path: str) -> None:
    page = reception.open(path)
    assert page.count("<h1") == 1
    assert "Appeler quelqu&#39;un" in page or "Appeler quelqu'un" in page
    assert [word for word in BANNED if word in words(page).lower()] == []


@pytest.mark.parametrize("path", PATIENT_PAGES)
def test_sentences_for_patients_have_twelve_words_at_most(reception: Reception, path: str) -> None:
    sentences = re.split(
        r"[.?!]\s",
        words(
            re.sub(
                r"<(head|svg)\b.*?</\1>|</(p|h1|h2|a|button|label|span)>", ". ", reception.open(path), flags=re.DOTALL
            )
        ),
    )
    assert [sentence for sentence in sentences if len(re.findall(r"[\w'’-]+", sentence)) > 12] == []


def test_the_public_app_finds_no_staff_page_and_no_staff_file(reception: Reception) -> None:
    found = reception.app.jinja_env.list_templates()
    assert found
    assert all(name.startswith("touchscreen/") for name in found)
    for path in ("/static/staff/staff.css", "/static/staff/staff.js"):
        assert reception.client.get(path, base_url="https://localhost").status_code == 404


def test_two_hundred_known_and_unknown_people_get_the_very_same_answers(
    sqlite_template: Path, tmp_path: Path, at: datetime
) -> None:
    """Twin worlds: in one everyone is expected and has a file, in the other nobody is."""
    worlds = []
    for name in ("known", "unknown"):
        folder = shutil.copytree(sqlite_template, tmp_path / name)
        worlds.append(open_reception(folder, at=at, chance=random.Random(1).randbytes))
    names = ["MOREAU", "DIALLO", "LE", "ÇELİK", "NGUYEN", "O'BRIEN", "ŒUVRARD", "D'ARTAGNAN"]
    people = [(names[n % len(names)], f"19{30 + n % 70:02d}{1 + n % 12:02d}{1 + n % 28:02d}") for n in range(200)]
    expect(worlds[0], people, at, random.Random(2).randbytes)
    for name, born in people:
        form = {"letters": name[:3], "day": born[6:], "month": born[4:6], "year": born[:4]}
        for world in worlds:
            world.passes(0.05)
        answers = [world.send("/name", "/name", **form) for world in worlds]
        thanks = [masked(world.open(answer.location)) for world, answer in zip(worlds, answers, strict=True)]
        assert (
            len({(answer.status_code, answer.location, masked(answer.get_data(as_text=True))) for answer in answers})
            == 1
        )
        assert thanks[0] == thanks[1]
    assert len(stored(worlds[0])) == len(stored(worlds[1])) == 200


def expect(world: Reception, people: list[tuple[str, str]], at: datetime, chance: Callable[[int], bytes]) -> None:
    with world.staff.transaction() as db:
        for name, born in people:
            patient = create_patient(
                db, world.site.id, id=uuid7(at, chance), birth_name=name, given_names="Camille", birth_date=born,
                sex=Sex.F, used_name=None, birth_place=None, by="sophie", at=at, key=chance(16).hex(),
            )  # fmt: skip
            db.flush()
            book(
                db, world.site, start=at.replace(hour=9), birth_name=name, given_names="Camille", birth_date=born,
                patient=patient, by="sophie", at=at, chance=chance, key=chance(16).hex(),
            )  # fmt: skip


def masked(page: str) -> str:
    """A page without its token, the only thing that Flask draws by itself."""
    return re.sub(r'name="csrf_token" value="[^"]+"', "", page)
