"""A message is shown every visit that it may speak of, and no other."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.clock import Chance
from kiosk.register.database import Database
from kiosk.register.patients import Document, patient_of, recognise
from kiosk.register.sites import Site
from kiosk.register.visits import State, Visit
from labels.tubes import Tube
from results.exchange.candidates import AWAITED, candidates, whose
from results.exchange.matching import By, Candidate, Evidence, Match, Traits, match
from results.vault.dossiers import Dossier
from tests.labels.reception import Reception
from tests.results.cast import open_desks

NOBODY = Traits(birth_name="", givens=(), birth_date="", sex="")
JEANNE = Traits(birth_name="Moreau", givens=("Jeanne", "Marie"), birth_date="19540229", sex="F")


@pytest.fixture
def reception(database: Database, site: Site, at: datetime, chance: Chance) -> Reception:
    return Reception(database=database, site=site, at=at, chance=chance)


def said(*numbers: str, identifiers: tuple[str, ...] = (), traits: Traits = NOBODY) -> Evidence:
    return Evidence(
        patients=1, numbers=frozenset(numbers), identifiers=frozenset((one, "") for one in identifiers), traits=traits
    )


def shown(reception: Reception, evidence: Evidence, *, after: timedelta = timedelta(hours=1)) -> list[Candidate]:
    with reception.database.reading() as db:
        return candidates(db, reception.site, evidence, at=reception.at + after)


def visits(reception: Reception, evidence: Evidence, *, after: timedelta = timedelta(hours=1)) -> list[object]:
    return [one.visit for one in shown(reception, evidence, after=after)]


def test_a_sample_number_finds_its_visit_with_what_the_register_knows(reception: Reception) -> None:
    visit, tubes = reception.labelled("0552", "1104")
    reception.labelled("0552", number=2)
    (one,) = shown(reception, said(tubes[0].sample_number))
    with reception.database.reading() as db:
        patient = patient_of(db, visit.id)
    assert patient is not None
    assert (one.visit, one.patient, one.patient_number) == (visit.id, patient.id, str(patient.number))
    assert one.numbers == {tube.sample_number for tube in tubes}
    assert (one.traits.birth_name, one.traits.givens) == (patient.birth_name, ("Jeanne", "Marie"))
    assert (one.traits.birth_date, one.traits.sex) == ("19540229", "F")
    assert one.dossier is None  # nobody has opened it at the counter


def test_name_and_birth_date_find_every_visit_of_that_name(reception: Reception) -> None:
    first, _ = reception.labelled("0552", number=1)
    second, _ = reception.labelled("0552", number=2)
    assert visits(reception, said(traits=JEANNE)) == [first.id, second.id]
    other = Traits(birth_name="MORÉAU", givens=(), birth_date="19540229", sex="")
    assert len(visits(reception, said(traits=other))) == 2
    for wrong in ("19540228", "", "195402"):
        assert visits(reception, said(traits=Traits(birth_name="Moreau", givens=(), birth_date=wrong, sex="F"))) == []


def test_the_number_of_one_and_the_name_of_another_show_both(reception: Reception) -> None:
    jeanne, _ = reception.labelled("0552", number=1)
    visit = reception.arrive(2)
    reception.recognise(visit, birth_name="DIALLO", given_names="Awa")
    (tube,) = reception.number(visit, reception.prescribe(visit, "0552"))
    evidence = said(tube.sample_number, traits=JEANNE)
    found = shown(reception, evidence)
    assert {one.visit for one in found} == {jeanne.id, visit.id}
    verdict = match(evidence, found, authority="", is_production=True, at=reception.at)
    assert not isinstance(verdict, Match)


def test_a_patient_number_finds_that_patients_visits_alone(reception: Reception) -> None:
    visit, _ = reception.labelled("0552", number=1)
    reception.labelled("0552", number=2)
    with reception.database.reading() as db:
        patient = patient_of(db, visit.id)
    assert patient is not None
    assert visits(reception, said(identifiers=(str(patient.number),))) == [visit.id]


def test_a_visit_that_turned_out_to_be_someone_else_is_shown_as_that_person(reception: Reception) -> None:
    visit, tubes = reception.labelled("0552", number=1)
    other = reception.arrive(2)
    reception.recognise(other, birth_name="DIALLO", given_names="Awa")
    with reception.database.transaction() as db:
        awa = patient_of(db, other.id)
        assert awa is not None
        recognise(db, db.get_one(Visit, visit.id), awa, document=Document.CARD, by="sophie", at=reception.at)
    (one,) = shown(reception, said(tubes[0].sample_number))
    assert (one.visit, one.traits.birth_name) == (visit.id, "DIALLO")
    # What was drawn under the other name is for a person to look at.
    evidence = said(tubes[0].sample_number, traits=JEANNE)
    assert not isinstance(match(evidence, [one], authority="", is_production=True, at=reception.at), Match)


def test_old_and_cancelled_visits_are_not_shown(reception: Reception) -> None:
    visit, tubes = reception.labelled("0552")
    evidence = said(tubes[0].sample_number, traits=JEANNE)
    assert visits(reception, evidence, after=AWAITED) == [visit.id]
    assert visits(reception, evidence, after=AWAITED + timedelta(seconds=1)) == []
    with reception.database.transaction() as db:
        db.get_one(Visit, visit.id).state = State.CANCELLED
    assert visits(reception, evidence) == []


def test_the_dossier_is_shown_with_the_exams_under_the_numbers_named(
    tmp_path: Path, at: datetime, chance: Chance
) -> None:
    with open_desks(tmp_path, at=at, chance=chance) as desks:
        dossier_id = desks.dossier(ReleaseClass.C0, ReleaseClass.C2)
        with desks.database.reading() as db:
            tubes = db.scalars(select(Tube)).all()
            opened = db.get_one(Dossier, dossier_id)
            for tube in tubes:
                (one,) = candidates(db, desks.site(), said(tube.sample_number), at=at)
                assert one.dossier is not None
                assert (one.dossier.id, one.dossier.public) == (dossier_id, opened.public)
                assert one.dossier.not_before == opened.promised_at
                assert one.dossier.ordered == tuple(sorted(tube.exams))


@pytest.mark.parametrize(
    "numbers",
    [
        pytest.param([f"{number:012}" for number in range(70_000)], id="more than an engine takes at once"),
        pytest.param(["26325\x00100014", "\x00"], id="a zero byte"),
        pytest.param(["9" * 400, "٣٤٥", "²", "-1", "1e3", "' OR 1=1 --"], id="what is no number of ours"),
    ],
)
def test_whatever_numbers_a_sender_names_the_right_one_is_found_and_nothing_breaks(
    reception: Reception, numbers: list[str]
) -> None:
    visit, tubes = reception.labelled("0552")
    evidence = said(tubes[0].sample_number, *numbers, identifiers=(*numbers, "99999999999"))
    assert visits(reception, evidence) == [visit.id]
    assert visits(reception, said(*numbers, identifiers=tuple(numbers))) == []


def test_the_question_is_bound_to_this_site_and_hour(reception: Reception, at: datetime) -> None:
    visit, tubes = reception.labelled("0552")
    with reception.database.reading() as db:
        ask = whose(db, reception.site, at=at)
        (one,) = ask(said(tubes[0].sample_number, traits=JEANNE))
        verdict = match(said(tubes[0].sample_number, traits=JEANNE), [one], authority="", is_production=True, at=at)
    assert isinstance(verdict, Match)
    assert (verdict.candidate.visit, verdict.by) == (visit.id, By.NUMBER)
