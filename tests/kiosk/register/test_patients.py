"""A patient, the strict traits, and who is recognised in a visit."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from kiosk import waiting
from kiosk.formats.folding import fold
from kiosk.line.estimate import Range
from kiosk.register.database import Database
from kiosk.register.patients import (
    VALIDATING,
    Document,
    Identity,
    Patient,
    Sex,
    TraitsToCorrect,
    birth_date_words,
    create_patient,
    find_patients,
    patient_of,
    read_birth_date,
    recognise,
)
from kiosk.register.sites import Site
from kiosk.register.visits import Purpose, Visit

TODAY = "20261121"


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("29/02/1964", "19640229"),
        ("29 2 1964", "19640229"),
        ("29021964", "19640229"),
        ("  29.02.1964  ", "19640229"),
        ("29-02-1964", "19640229"),
        ("1964-02-29", "19640229"),
        ("29/02/2000", "20000229"),
        ("00/02/1964", "19640200"),
        ("00/00/1964", "19640000"),
        ("15/00/1964", "19640015"),
        ("31/12/1899", "18991231"),
        ("21/11/2026", "20261121"),
        ("00/11/2026", "20261100"),
        ("٢٩/٠٢/١٩٦٤", "19640229"),
    ],
)
def test_a_birth_date_is_read_as_people_write_it(typed: str, stored: str) -> None:
    assert read_birth_date(typed, today=TODAY) == stored


@pytest.mark.parametrize(
    "typed",
    [
        "", "1964", "29/02", "29/02/64", "290264", "29/02/1963", "29/02/1900", "31/04/1964", "32/01/1964", "01/13/1964",
        "00/13/1964", "32/00/1964", "22/11/2026", "01/12/2026", "00/12/2026", "00/00/2027", "01/01/1849", "0/120/1964",
        "290/2/1964", "1964 02 1964", "1964 1964 1964", "29/02/19640", "9" * 5000, "hier",
    ],
)  # fmt: skip
def test_a_birth_date_that_cannot_be_is_told_in_one_french_sentence_or_two(typed: str) -> None:
    with pytest.raises(TraitsToCorrect) as told:
        read_birth_date(typed, today=TODAY)
    assert told.value.sentence.endswith(".")


@given(st.text(st.sampled_from("0123456789/-. ²a"), max_size=14))
def test_whatever_is_typed_a_birth_date_has_eight_digits_and_is_not_in_the_future(typed: str) -> None:
    try:
        stored = read_birth_date(typed, today=TODAY)
    except TraitsToCorrect:
        return
    assert len(stored) == 8
    assert stored.isdecimal()
    assert "18500000" <= stored <= TODAY
    assert read_birth_date(birth_date_words(stored), today=TODAY) == stored


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("Éloïse d'Œuf", "ELOISE D OEUF"),
        ("LE GALL--KERNÉIS", "LE GALL KERNEIS"),
        ("  Saint-Étienne  ", "SAINT ETIENNE"),
        ("N’Guyên", "N GUYEN"),
        ("Yıldız", "YILDIZ"),
        ("İnönü", "INONU"),
        ("I\u0307no\u0308nu\u0308", "INONU"),
        ("Nguyễn Thị Đặng", "NGUYEN THI DANG"),
        ("Łukasz Søren", "LUKASZ SOREN"),
        ("Weiß", "WEISS"),
        ("Ægir Æ", "AEGIR AE"),
        ("Zoe\u0308", "ZOE"),
        ("Ñuñez Ç", "NUNEZ C"),
        ("محمد", "محمد"),
        ("陈伟", "陈伟"),
        ("'-’ ", ""),
        ("", ""),
    ],
)
def test_a_name_is_folded_for_the_search(name: str, folded: str) -> None:
    assert fold(name) == folded


@given(st.text(max_size=40))
def test_folding_twice_changes_nothing_more(name: str) -> None:
    once = fold(name)
    assert fold(once) == once


@pytest.fixture
def visit(database: Database, site: Site, at: datetime, chance: Callable[[int], bytes]) -> Visit:
    """Somebody who has just come in."""
    with database.transaction() as db:
        return waiting.take_number(
            db, site, wait=Range(low=0, high=5), purpose=Purpose.WALK_IN, said=None, by="Borne 1", at=at, chance=chance,
            key="a" * 32,
        )  # fmt: skip


@pytest.fixture
def file(site: Site, at: datetime) -> Callable[..., Patient]:
    """Opens a file; what is not said is Mme Moreau's."""
    keys = iter(range(1000))

    def open_file(db: Session, **traits: object) -> Patient:
        told: dict[str, object] = {
            "birth_name": "Moreau", "given_names": "Jeanne", "birth_date": "19540302", "sex": Sex.F,
            "used_name": None, "birth_place": None, "by": "sophie", "key": f"{next(keys):032x}",
        }  # fmt: skip
        return create_patient(db, site.id, id=uuid4(), at=at, **(told | traits))  # type: ignore[arg-type]

    return open_file


def test_files_are_numbered_one_after_the_other_and_begin_provisional(
    database: Database, file: Callable[..., Patient]
) -> None:
    with database.transaction() as db:
        made = [file(db), file(db, birth_name="Diallo", given_names="Amadou", sex=Sex.M)]
    assert [one.number for one in made] == [1, 2]
    assert {one.identity for one in made} == {Identity.PROVISIONAL}


def test_names_are_kept_as_spelled_and_composed(database: Database, file: Callable[..., Patient]) -> None:
    with database.transaction() as db:
        made = file(
            db, birth_name="  Le   Gall ", given_names="Zoe\u0308, Anne", used_name="LE-GALL", birth_place=" 2a004 "
        )
    assert (made.birth_name, made.given_names) == ("Le Gall", "Zoë, Anne")
    assert made.used_name is None  # it says nothing that the birth name does not
    assert made.birth_place == "2A004"
    assert (made.folded_birth_name, made.folded) == ("LE GALL", "LE GALL ZOE ANNE")


WRONG: list[dict[str, str]] = [
        {"birth_name": " - "}, {"given_names": ""}, {"birth_name": "M" * 101}, {"birth_name": "œ" * 60},
        {"given_names": "Jeanne\u202e"}, {"used_name": "A\u0000B"}, {"birth_place": "7505"}, {"birth_place": "75 56"},
        {"birth_place": "7505é"},
]  # fmt: skip


def test_traits_that_cannot_be_right_open_no_file(database: Database, file: Callable[..., Patient]) -> None:
    for wrong in WRONG:
        with database.transaction() as db, pytest.raises(TraitsToCorrect):
            file(db, **wrong)
    with database.transaction() as db:
        assert file(db).number == 1


#: What is typed -> the given names that are found.
SEARCHES: list[tuple[str, list[str]]] = [
    ("moreau", ["Jeanne", "Paul"]),
    ("MOREAU jea", ["Jeanne"]),
    ("jea mor", ["Jeanne"]),
    ("lefevre", ["Jeanne"]),
    ("Lefèvre", ["Jeanne"]),
    ("oreau", []),
    ("02/03/1954", ["Jeanne"]),
    ("02031954 mor", ["Jeanne"]),
    ("2", ["Paul"]),
    ("%", []),
    ("_", []),
    ("²", []),
    ("9" * 9, []),
    ("9" * 30, []),
    ("' OR 1=1 --", []),
    ("", []),
    ("mor'", ["Jeanne", "Paul"]),
]


def test_the_search_finds_by_the_beginnings_of_names_by_number_and_by_birth_date(
    database: Database, site: Site, file: Callable[..., Patient]
) -> None:
    with database.transaction() as db:
        file(db, used_name="Lefèvre")
        file(db, given_names="Paul", birth_date="19500101", sex=Sex.M)
        file(db, birth_name="Diallo", given_names="Amadou", birth_date="19800505", sex=Sex.M)
    with database.reading() as db:
        found = {typed: [one.given_names for one in find_patients(db, site.id, typed)] for typed, _ in SEARCHES}
        assert found == dict(SEARCHES)
        assert find_patients(db, UUID(int=1), "moreau") == []


def test_the_search_shows_five_files_at_most(database: Database, site: Site, file: Callable[..., Patient]) -> None:
    with database.transaction() as db:
        for _ in range(7):
            file(db)
    with database.reading() as db:
        assert len(find_patients(db, site.id, "moreau")) == 5
        assert len(find_patients(db, site.id, "moreau", limit=6)) == 6


def test_a_high_trust_document_validates_the_identity_and_no_other(
    database: Database, visit: Visit, at: datetime, file: Callable[..., Patient]
) -> None:
    with database.transaction() as db:
        assert patient_of(db, visit.id) is None
        for document in Document:
            patient = file(db)
            recognise(db, visit, patient, document=document, by="sophie", at=at)
            assert (patient.identity is Identity.VALIDATED) == (document in VALIDATING)
    with database.reading() as db:
        found = patient_of(db, visit.id)
        assert found is not None
        assert found.id == patient.id


def test_a_visit_is_one_patients_and_a_mistake_can_be_put_right(
    database: Database, visit: Visit, at: datetime, file: Callable[..., Patient]
) -> None:
    with database.transaction() as db:
        recognise(db, visit, file(db), document=Document.NONE, by="sophie", at=at)
        right = file(db, birth_name="Diallo")
        row = recognise(db, visit, right, document=Document.CARD, by="nadia", at=at)
        assert (row.by, row.document) == ("nadia", Document.CARD)
    with database.reading() as db:
        found = patient_of(db, visit.id)
        assert found is not None
        assert found.id == right.id
