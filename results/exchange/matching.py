"""Whose report is this: evidence gives a match or a doubt, never a score."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from kiosk.formats.folding import fold
from results.hl7v2.reader import Message
from results.hl7v2.values import Precision, identifier, moment, name

_INS = "1.2.250.1.213.1.4."
#: Real identity numbers: NIR and NIA.
INS_OIDS = frozenset({_INS + "8", _INS + "9"})
#: Identity numbers of tests and demonstrations.
PRETENDED_OIDS = frozenset({_INS + "10", _INS + "11"})
_OPEN_FOR = timedelta(days=30)


class By(StrEnum):
    """What made the match."""

    #: Our sample or order number, with birth name and birth date.
    NUMBER = "number"
    #: A qualified national identity, with birth name and birth date.
    INS = "ins"
    #: Our patient number, with birth name and birth date.
    PATIENT_NUMBER = "patient_number"
    #: Every strict trait; shown to the biologist as such.
    TRAITS = "traits"
    #: A person, from what they have compared; a biologist has filed it.
    PERSON = "person"


@dataclass(frozen=True, kw_only=True, repr=False)
class Traits:
    """The strict traits, as they were sent or as they are kept."""

    birth_name: str
    #: Given names, the first one first.
    givens: tuple[str, ...]
    #: YYYYMMDD, unknown parts 00.
    birth_date: str
    #: `F` or `M`; anything else is unknown.
    sex: str
    #: INSEE code; empty when not known.
    birth_place: str = ""


@dataclass(frozen=True, kw_only=True, repr=False)
class Evidence:
    """What a message says of the person and of the samples."""

    #: How many patients it names: one alone can be believed.
    patients: int
    #: Sample and order numbers (SPM-2, OBR-2, OBR-3, ORC-2, ORC-3).
    numbers: frozenset[str]
    #: Numbers of the person with the OID of who gave each.
    identifiers: frozenset[tuple[str, str]]
    traits: Traits


@dataclass(frozen=True, kw_only=True, repr=False)
class Dossier:
    """What a visit's results are sealed to, and what was promised."""

    id: UUID
    public: bytes
    #: The house's word for `public`.
    mac: bytes
    #: The promised hour.
    not_before: datetime
    #: Codes of the exams drawn under the numbers that the evidence names.
    ordered: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, repr=False)
class Candidate:
    """One visit of one patient that a message may speak of."""

    visit: UUID
    patient: UUID
    traits: Traits
    #: Its sample and order numbers.
    numbers: frozenset[str]
    #: The patient's number in this house.
    patient_number: str
    #: Matricule and OID, only when qualified.
    ins: tuple[str, str] | None
    arrived_at: datetime
    #: Whether results are still awaited.
    is_open: bool
    dossier: Dossier | None


@dataclass(frozen=True, kw_only=True, repr=False)
class Match:
    """The visit a message belongs to."""

    candidate: Candidate
    by: By


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """Why a person must look."""

    #: French, without any name or number.
    reason: str
    #: Number and person contradict each other: top of the list.
    is_urgent: bool = False


NOT_ONE_PATIENT = Doubt(reason="Le message ne désigne pas un patient, et un seul.")
PRETENDED = Doubt(reason="L'identité est une identité de test ou de démonstration.")
CONTRADICTION = Doubt(reason="Le numéro désigne une personne, l'identité une autre.", is_urgent=True)
INCOMPLETE = Doubt(reason="L'identité est incomplète.")
SEVERAL_NUMBERS = Doubt(reason="Les numéros désignent plusieurs passages.", is_urgent=True)
SEVERAL_PEOPLE = Doubt(reason="Plusieurs personnes correspondent.")
SEVERAL_VISITS = Doubt(reason="Plusieurs passages de cette personne attendent des résultats.")
NO_VISIT = Doubt(reason="Cette personne n'attend aucun résultat.")
NOBODY = Doubt(reason="Personne ne correspond.")


def evidence_of(message: Message) -> Evidence:
    """What a message says of whose it is; nothing of a result is looked at."""
    person = message["PID"]
    names = [name(rep) for rep in person[5].reps]
    birth = next((one for one in names if one.kind == "L"), names[0] if len(names) == 1 and not names[0].kind else None)
    day = moment(person[7].code, UTC)
    places = (rep.comp(9).strip() for rep in person[11].reps if rep.comp(7).strip() == "BDL")
    numbers = {segment[2].rep(0).sub(1, 1).strip() for segment in message.each("SPM")}
    for kind in ("ORC", "OBR"):
        numbers |= {segment[number].code for segment in message.each(kind) for number in (2, 3)}
    identifiers = [identifier(rep) for rep in person[3].reps]
    return Evidence(
        patients=len(message.all("PID")),
        numbers=frozenset(numbers - {""}),
        identifiers=frozenset((one.number, one.oid) for one in identifiers if one.number),
        traits=Traits(
            birth_name=birth.family if birth else "",
            givens=tuple(dict.fromkeys((birth.given, *birth.givens.split()))) if birth and birth.given else (),
            birth_date=day.day if day and day.precision not in {Precision.YEAR, Precision.MONTH} else "",
            sex=person[8].code.upper(),
            birth_place=next(places, ""),
        ),
    )


def match(
    evidence: Evidence, candidates: Sequence[Candidate], *, authority: str, is_production: bool, at: datetime
) -> Match | Doubt:
    """Decide whose a message is.

    Args:
        evidence: what it says.
        candidates: every visit that shares a number or a trait with it; more do no harm.
        authority: OID under which our own patient numbers travel; empty when none does.
        is_production: whether identities of tests are refused.
        at: the instant; a visit counts as open for 30 days.
    """
    if evidence.patients != 1:
        return NOT_ONE_PATIENT
    if is_production and any(oid in PRETENDED_OIDS for _, oid in evidence.identifiers):
        return PRETENDED
    said = evidence.traits
    ours = {number for number, oid in evidence.identifiers if authority and oid == authority}
    ways = {
        By.NUMBER: [one for one in candidates if one.numbers & evidence.numbers],
        By.INS: [one for one in candidates if one.ins and one.ins[1] in INS_OIDS and one.ins in evidence.identifiers],
        By.PATIENT_NUMBER: [one for one in candidates if one.patient_number in ours],
    }
    alike = [one for one in candidates if _is_same(said, one.traits)]
    if not any(ways.values()):
        return _by_traits(said, alike, at)
    return _doubt_of(said, ways, alike) or _by_number(ways, at)


def _doubt_of(said: Traits, ways: Mapping[By, list[Candidate]], alike: list[Candidate]) -> Doubt | None:
    """What speaks against numbers that name someone."""
    named = [one for found in ways.values() for one in found]
    if len({one.visit for one in ways[By.NUMBER]}) > 1:
        return SEVERAL_NUMBERS
    if not (said.birth_name and said.birth_date):
        return INCOMPLETE
    people = {one.patient for one in (*named, *alike)}
    return CONTRADICTION if len(people) > 1 or not all(_agree(said, one.traits) for one in named) else None


def _by_number(ways: Mapping[By, list[Candidate]], at: datetime) -> Match | Doubt:
    by = next(by for by, found in ways.items() if found)
    return Match(candidate=ways[by][0], by=by) if by is By.NUMBER else _only_open(ways[by], by, at)


def _by_traits(said: Traits, alike: list[Candidate], at: datetime) -> Match | Doubt:
    if not (said.birth_name and said.givens and said.birth_date and said.sex in {"F", "M"}):
        return INCOMPLETE
    if len({one.patient for one in alike}) > 1:
        return SEVERAL_PEOPLE
    return _only_open(alike, By.TRAITS, at) if alike else NOBODY


def _only_open(candidates: Iterable[Candidate], by: By, at: datetime) -> Match | Doubt:
    waiting = [one for one in candidates if one.is_open and at - one.arrived_at <= _OPEN_FOR]
    if len({one.visit for one in waiting}) > 1:
        return SEVERAL_VISITS
    return Match(candidate=waiting[0], by=by) if waiting else NO_VISIT


def _bare(text: str) -> str:
    return fold(text).replace(" ", "")


def _equal(one: str, other: str) -> bool:
    return bool(_bare(one)) and _bare(one) == _bare(other)


def _agree(said: Traits, kept: Traits) -> bool:
    """Birth name and birth date are equal and nothing else that both know contradicts: twins share the first two."""
    if not _equal(said.birth_name, kept.birth_name):
        return False
    if len(said.birth_date) != 8 or said.birth_date != kept.birth_date:
        return False
    if {said.sex, kept.sex} == {"F", "M"}:
        return False
    return not said.givens or not kept.givens or _share_first(said, kept) or _share_first(kept, said)


def _share_first(one: Traits, other: Traits) -> bool:
    """Whether the first given name of one is among those of the other, a part of a double name counting."""
    words = fold(" ".join(other.givens)).split()
    return fold(one.givens[0]).split()[:1] == words[:1] or _bare(one.givens[0]) in {*words, *map(_bare, other.givens)}


def _is_same(said: Traits, kept: Traits) -> bool:
    """Every strict trait is said and equal; the birth place counts when both know it."""
    return (
        bool(said.givens and kept.givens)
        and _equal(said.birth_name, kept.birth_name)
        and _equal(said.givens[0], kept.givens[0])
        and len(said.birth_date) == 8
        and said.birth_date == kept.birth_date
        and said.sex == kept.sex
        and said.sex in {"F", "M"}
        and (not said.birth_place or not kept.birth_place or said.birth_place == kept.birth_place)
    )
