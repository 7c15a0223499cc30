import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from results.exchange import matching
from results.exchange.matching import By, Candidate, Doubt, Evidence, Match, Traits, evidence_of, match
from results.hl7v2.reader import Message

MESSAGES = Path(__file__).resolve().parents[1] / "hl7v2" / "messages"
AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
OURS = "1.2.250.1.999.7"
NIR, DEMONSTRATION = "1.2.250.1.213.1.4.8", "1.2.250.1.213.1.4.11"
HER = Traits(birth_name="GARNIER", givens=("Hélène", "Marie"), birth_date="19540317", sex="F")


def visit(number: int, traits: Traits = HER, *, patient: int | None = None, sample: str = "") -> Candidate:
    return Candidate(
        visit=UUID(int=number),
        patient=UUID(int=number if patient is None else patient),
        traits=traits,
        numbers=frozenset({sample} if sample else set()),
        patient_number=f"P{number if patient is None else patient}",
        ins=None,
        arrived_at=AT - timedelta(hours=2),
        is_open=True,
        dossier=None,
    )


def said(
    traits: Traits = HER, *, numbers: tuple[str, ...] = (), identifiers: tuple[tuple[str, str], ...] = ()
) -> Evidence:
    return Evidence(patients=1, numbers=frozenset(numbers), identifiers=frozenset(identifiers), traits=traits)


def found(evidence: Evidence, *candidates: Candidate, is_production: bool = True) -> Match | Doubt:
    return match(evidence, candidates, authority=OURS, is_production=is_production, at=AT)


def by(result: Match | Doubt) -> By | str:
    return result.by if isinstance(result, Match) else result.reason


def test_a_message_tells_its_numbers_its_person_and_nothing_else() -> None:
    evidence = evidence_of(Message.read((MESSAGES / "plain.hl7").read_bytes()))
    assert evidence.numbers == {"700000000018", "R2611210018"}
    assert evidence.identifiers == {("P000123", OURS)}
    assert evidence.traits == replace(HER, givens=("Hélène", "Marie"))
    assert "GARNIER" not in repr(evidence)


@pytest.mark.parametrize(
    ("name", "birth_name"),
    [
        ("MOREAU^Hélène^^^^^D", ""),
        ("GARNIER^Hélène", "GARNIER"),
        ("GARNIER^Hélène~MOREAU^Hélène", ""),
        ("MOREAU^Hélène^^^^^D~GARNIER^Hélène^^^^^L", "GARNIER"),
    ],
)
def test_a_name_in_use_is_never_a_birth_name(name: str, birth_name: str) -> None:
    raw = f"MSH|^~\\&|A\rPID|1||||{name}||1954|F\r".encode()
    traits = evidence_of(Message.read(raw)).traits
    assert traits.birth_name == birth_name
    assert traits.birth_date == ""


def test_the_birth_place_is_read_where_france_writes_it() -> None:
    raw = b"MSH|^~\\&|A\rPID|1||||A^B^^^^^L||19540317|F|||^^LYON^^69000^FRA^H~^^^^^^BDL^^69123\r"
    assert evidence_of(Message.read(raw)).traits.birth_place == "69123"


def test_our_number_and_the_person_make_a_match() -> None:
    assert by(found(said(numbers=("S1",)), visit(1, sample="S1"), visit(2, patient=1))) == By.NUMBER


def test_our_number_with_another_person_is_urgent() -> None:
    for traits in (
        replace(HER, birth_name="DIALLO"),
        replace(HER, birth_date="19540318"),
        replace(HER, sex="M"),
        replace(HER, givens=("Odile",)),
    ):
        doubt = found(said(traits, numbers=("S1",)), visit(1, sample="S1"))
        assert doubt == matching.CONTRADICTION
        assert matching.CONTRADICTION.is_urgent


def test_the_number_of_one_twin_with_the_name_of_the_other_is_held() -> None:
    anne, odile = replace(HER, givens=("Anne",)), replace(HER, givens=("Anne-Laure",))
    doubt = found(said(odile, numbers=("S1",)), visit(1, anne, sample="S1"), visit(2, odile))
    assert doubt == matching.CONTRADICTION


def test_a_number_without_a_whole_name_is_held() -> None:
    assert found(said(replace(HER, birth_name=""), numbers=("S1",)), visit(1, sample="S1")) == matching.INCOMPLETE


def test_numbers_of_two_visits_are_held() -> None:
    evidence = said(numbers=("S1", "S2"))
    assert found(evidence, visit(1, sample="S1"), visit(2, patient=1, sample="S2")) == matching.SEVERAL_NUMBERS


def test_our_patient_number_counts_under_our_authority_alone() -> None:
    her = replace(visit(1), traits=replace(HER, sex="I"))
    incomplete = replace(HER, sex="")
    assert by(found(said(incomplete, identifiers=(("P1", OURS),)), her)) == By.PATIENT_NUMBER
    assert found(said(incomplete, identifiers=(("P1", "1.2.3"),)), her) == matching.INCOMPLETE
    assert found(said(identifiers=(("P2", OURS),)), visit(1), visit(2, replace(HER, birth_name="X"))) == (
        matching.CONTRADICTION
    )


def test_a_qualified_national_identity_makes_a_match() -> None:
    her = replace(visit(1), ins=("254036912345678", NIR))
    assert by(found(said(identifiers=(("254036912345678", NIR),)), her)) == By.INS
    assert by(found(said(identifiers=(("254036912345678", "1.2.3"),)), her)) == By.TRAITS


def test_an_identity_of_a_demonstration_is_held_in_production_alone() -> None:
    evidence = said(identifiers=(("1", DEMONSTRATION),))
    assert found(evidence, visit(1)) == matching.PRETENDED
    assert by(found(evidence, visit(1), is_production=False)) == By.TRAITS


@pytest.mark.parametrize(
    "traits",
    [
        HER,
        replace(HER, birth_name="garnier"),
        replace(HER, givens=("HELENE",)),
        replace(HER, birth_place="69123"),
    ],
)
def test_every_strict_trait_makes_a_match_however_it_is_written(traits: Traits) -> None:
    assert by(found(said(traits), visit(1))) == By.TRAITS


@pytest.mark.parametrize(
    ("kept", "sent"),
    [("Le Goff", "LEGOFF"), ("D'Œuf", "DOEUF"), ("Müller-Ångström", "MULLER ANGSTROM"), ("Lefèvre", "LEFEVRE")],
)
def test_names_are_compared_folded(kept: str, sent: str) -> None:
    assert by(found(said(replace(HER, birth_name=sent)), visit(1, replace(HER, birth_name=kept)))) == By.TRAITS


def test_one_trait_that_differs_or_lacks_makes_no_match() -> None:
    for traits, doubt in (
        (replace(HER, birth_name="GARNIERE"), matching.NOBODY),
        (replace(HER, givens=("Marie",)), matching.NOBODY),
        (replace(HER, birth_date="19541703"), matching.NOBODY),
        (replace(HER, sex="M"), matching.NOBODY),
        (replace(HER, sex="U"), matching.INCOMPLETE),
        (replace(HER, givens=()), matching.INCOMPLETE),
        (replace(HER, birth_date=""), matching.INCOMPLETE),
        (replace(HER, birth_name=""), matching.INCOMPLETE),
    ):
        assert found(said(traits), visit(1)) == doubt
    placed = visit(1, replace(HER, birth_place="69123"))
    assert found(said(replace(HER, birth_place="75056")), placed) == matching.NOBODY


def test_two_people_of_the_same_traits_are_held() -> None:
    assert found(said(), visit(1), visit(2)) == matching.SEVERAL_PEOPLE


def test_one_person_waits_for_results_once_and_for_thirty_days() -> None:
    assert found(said(), visit(1), visit(2, patient=1)) == matching.SEVERAL_VISITS
    old = replace(visit(2, patient=1), arrived_at=AT - timedelta(days=31))
    assert by(found(said(), visit(1), old)) == By.TRAITS
    assert found(said(), old) == matching.NO_VISIT
    assert found(said(), replace(visit(1), is_open=False)) == matching.NO_VISIT


def test_no_patient_or_several_are_held() -> None:
    for count in (0, 2):
        assert found(replace(said(), patients=count), visit(1)) == matching.NOT_ONE_PATIENT


def test_no_reason_holds_a_name_or_a_number() -> None:
    for doubt in vars(matching).values():
        if isinstance(doubt, Doubt):
            assert doubt.reason.endswith(".")
            assert not any(letter.isdigit() for letter in doubt.reason)


def test_two_thousand_families_give_no_false_match() -> None:
    chance = random.Random(20261121)
    families = ["Martin", "Lefèvre", "D'Arc", "Le Goff", "Nguyen", "Müller", "Saint-Just", "Petit"]
    women, men = ["Anne", "Marie", "Hélène", "Zoé", "Anne-Laure"], ["Jean", "Paul", "Jean-Paul", "Éric", "Noé"]
    matched = clean = 0
    for family in range(2000):
        people: list[Candidate] = []
        name, date = (
            chance.choice(families),
            f"19{chance.randrange(30, 99)}0{chance.randrange(1, 10)}1{chance.randrange(10)}",
        )
        for index in range(3):
            sex = chance.choice("FM")
            day = date if chance.random() < 0.7 else date[:4] + date[6:] + date[4:6]
            given = chance.choice(women if sex == "F" else men)
            traits = Traits(birth_name=name, givens=(given,), birth_date=day, sex=sex)
            people.append(visit(family * 3 + index, traits, sample=f"S{index}"))
        true = chance.choice(people)
        traits, (sample,) = true.traits, true.numbers
        error = chance.choice(["none", "none", "case", "sample", "swap", "date", "name"])
        if error == "case":
            traits = replace(traits, birth_name=traits.birth_name.upper(), givens=(traits.givens[0].upper(),))
        if error == "sample":
            sample = "unknown"
        if error == "swap":
            # The tube of one person went out under the name of another.
            others = [one for one in people if one.traits != traits]
            sample = min(chance.choice(others or [true]).numbers)
        if error == "date":
            traits = replace(traits, birth_date="19000101")
        if error == "name":
            traits = replace(traits, birth_name="Autre")
        result = found(said(traits, numbers=(sample,)), *people)
        is_alone = sum(one.traits == true.traits for one in people) == 1
        if isinstance(result, Match):
            assert result.candidate is true
        if error in {"none", "case"} and is_alone:
            clean += 1
            matched += isinstance(result, Match)
    assert matched / clean >= 0.95
