"""The one rule, against a table that was written from the text and not from the code."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.exams.catalogue import ReleaseClass
from results.matrix import PROPOSAL, Channel, Matrix, Person, Teller, read_routes
from results.release import Answer, Limits, Question, Role, Why, decide, strictest
from results.reports.versions import Life

C0, C1, C2, C3, C4, C5 = ReleaseClass
MATRIX = Matrix(version=4, valid_from=0, previous="0" * 64, routes=read_routes(PROPOSAL.read_bytes()))
OPEN = Matrix(
    version=5,
    valid_from=0,
    previous="0" * 64,
    routes=dict.fromkeys(itertools.product(ReleaseClass, Channel, Person), Teller.SECRETARY),
)

# Who tells, column by column, as section 3 of the release note says it: S the secretary, B the biologist,
# A the secretary once the biologist has agreed, . nobody. C0 to C5 from left to right.
TABLE = {
    ("counter", "with_code"): "SSSBB.",
    ("counter", "without_code"): "SSABB.",
    ("counter", "physician"): "......",
    ("counter", "parent"): "SS.BB.",
    ("counter", "mandated"): "SS....",
    ("counter", "institution"): "......",
    ("phone", "with_code"): "SSSB..",
    ("phone", "without_code"): "......",
    ("phone", "physician"): "SSBBB.",
    ("phone", "parent"): "......",
    ("phone", "mandated"): "......",
    ("phone", "institution"): "......",
    ("call_back", "with_code"): "SS.B..",
    ("call_back", "without_code"): "SS....",
    ("call_back", "physician"): "SSBBB.",
    ("call_back", "parent"): "......",
    ("call_back", "mandated"): "......",
    ("call_back", "institution"): "......",
    ("letter", "with_code"): "SS....",
    ("letter", "without_code"): "SS....",
    ("letter", "physician"): "......",
    ("letter", "parent"): "......",
    ("letter", "mandated"): "......",
    ("letter", "institution"): "......",
}
# What a minor's secret closes besides: every parent, every letter, and the number on file.
CLOSED_BY_SECRET = {("call_back", "with_code"), ("call_back", "without_code")}


def told_in_the_table(rank: int, channel: str, person: str, role: str, life: str, *, secret: bool) -> str:
    """The independent reading: answers, in words of its own."""
    letter = TABLE[channel, person][rank]
    if life not in {"releasable", "released"} or role == "administrator" or letter == ".":
        return "not_now"
    if secret and (person == "parent" or channel == "letter" or (channel, person) in CLOSED_BY_SECRET):
        return "not_now"
    if role == "biologist":
        return "tell"
    if letter in "AB":
        return "biologist"
    if role == "technician":
        return "tell" if rank == 1 and person == "physician" else "not_now"
    return "tell"


def ask(**other: object) -> Question:
    plain = Question(
        channel=Channel.PHONE,
        person=Person.WITH_CODE,
        role=Role.SECRETARY,
        expected=(C0,),
        lives=(Life.RELEASABLE,),
        is_complete=True,
    )
    return replace(plain, **other)  # type: ignore[arg-type]


def test_each_of_the_6912_cases_is_as_the_table_says() -> None:
    cases = list(itertools.product(ReleaseClass, Channel, Person, Role, Life, (False, True)))
    assert len(cases) == 6_912
    for release_class, channel, person, role, life, secret in cases:
        question = ask(
            channel=channel,
            person=person,
            role=role,
            expected=(release_class,),
            lives=(life,),
            limits=Limits(minor_secret=secret),
        )
        expected = told_in_the_table(
            int(release_class[1]), channel.value, person.value, role.value, life.value, secret=secret
        )
        assert decide(question, MATRIX).answer.value == expected, question


@pytest.mark.parametrize("case", [*itertools.product(Channel, Person, Role)], ids="-".join)
def test_without_a_matrix_nothing_leaves(case: tuple[Channel, Person, Role]) -> None:
    channel, person, role = case
    decision = decide(ask(channel=channel, person=person, role=role), None)
    assert (decision.answer, decision.why) == (Answer.NOT_NOW, Why.NO_MATRIX)


def test_the_strictest_of_all_expected_exams_rules_whatever_has_arrived() -> None:
    assert strictest((C0, C3, C1)) is C3
    assert strictest(()) is None
    assert strictest((C0, None)) is None
    assert decide(ask(expected=(C0, C3)), MATRIX).answer is Answer.BIOLOGIST
    assert decide(ask(expected=(C0, C4)), MATRIX).answer is Answer.NOT_NOW
    assert decide(ask(expected=(C0, None)), MATRIX).why is Why.UNKNOWN_EXAM
    assert decide(ask(expected=()), MATRIX).why is Why.NOTHING


@given(st.lists(st.sampled_from(ReleaseClass), min_size=1), st.sampled_from(ReleaseClass))
def test_one_more_expected_exam_never_makes_the_route_milder(classes: list[ReleaseClass], more: ReleaseClass) -> None:
    before, after = strictest(classes), strictest([*classes, more])
    assert before is not None
    assert after is not None
    assert after >= before


def test_c2_and_above_is_told_whole_or_not_at_all() -> None:
    half = (Life.RELEASABLE, Life.SIGNED)
    assert decide(ask(expected=(C0, C2), lives=half), MATRIX).why is Why.INCOMPLETE
    assert decide(ask(expected=(C2,), is_complete=False), MATRIX).why is Why.INCOMPLETE
    assert decide(ask(expected=(C3,), is_complete=False), MATRIX).answer is Answer.NOT_NOW


def test_a_partial_ordinary_result_is_told_and_announced_as_such() -> None:
    decision = decide(ask(expected=(C0, C1), lives=(Life.RELEASABLE, Life.SEALED)), MATRIX)
    assert (decision.answer, decision.is_partial) == (Answer.TELL, True)
    assert decide(ask(is_complete=False), MATRIX).is_partial
    assert not decide(ask(), MATRIX).is_partial


def test_nothing_arrived_or_all_withdrawn_is_not_now() -> None:
    assert decide(ask(lives=()), MATRIX).why is Why.NOTHING
    assert decide(ask(lives=(Life.WITHDRAWN,)), MATRIX).why is Why.WITHDRAWN
    assert decide(ask(lives=(Life.WITHDRAWN, Life.SEALED)), MATRIX).why is Why.UNSIGNED


@pytest.mark.parametrize(
    ("limits", "closed"),
    [
        (Limits(hidden_from_patient=True), {p for p in Person if p is not Person.PHYSICIAN}),
        (Limits(hidden_from_physicians=True), {Person.PHYSICIAN}),
        (Limits(hidden_from_physicians=True, is_prescriber=True), set()),
        (Limits(nobody_else=True), set(Person) - {Person.WITH_CODE, Person.WITHOUT_CODE}),
        (Limits(minor_secret=True), {Person.PARENT}),
        (Limits(discreet=True), {Person.PARENT, Person.MANDATED}),
        (Limits(discreet=True, mandate_for_this_visit=True), {Person.PARENT}),
    ],
)
def test_a_wish_a_flag_and_a_secret_close_even_an_open_table(limits: Limits, closed: set[Person]) -> None:
    for person in Person:
        answer = decide(ask(channel=Channel.COUNTER, person=person, limits=limits), OPEN).answer
        assert answer is (Answer.NOT_NOW if person in closed else Answer.TELL), person


@pytest.mark.parametrize(
    ("limits", "closed"),
    [
        (Limits(in_person_only=True), {Channel.PHONE, Channel.CALL_BACK, Channel.LETTER}),
        (Limits(minor_secret=True), {Channel.CALL_BACK, Channel.LETTER}),
        (Limits(discreet=True), {Channel.CALL_BACK, Channel.LETTER}),
        (Limits(discreet=True, own_number=True), {Channel.LETTER}),
    ],
)
def test_a_wish_and_a_secret_close_the_ways_that_others_may_share(limits: Limits, closed: set[Channel]) -> None:
    for channel in Channel:
        answer = decide(ask(channel=channel, limits=limits), OPEN).answer
        assert answer is (Answer.NOT_NOW if channel in closed else Answer.TELL), channel


def test_no_table_gives_c3_and_above_to_the_desk() -> None:
    for release_class in (C3, C4, C5):
        for role in (Role.SECRETARY, Role.TECHNICIAN):
            assert decide(ask(expected=(release_class,), role=role), OPEN).answer is Answer.BIOLOGIST


def test_a_handover_without_code_waits_for_the_biologists_word() -> None:
    without = ask(channel=Channel.COUNTER, person=Person.WITHOUT_CODE, expected=(C2,))
    assert decide(without, MATRIX).answer is Answer.BIOLOGIST
    assert decide(replace(without, limits=Limits(agreed=True)), MATRIX).answer is Answer.TELL
    c3 = replace(without, expected=(C3,), limits=Limits(agreed=True))
    assert decide(c3, MATRIX).answer is Answer.BIOLOGIST


def test_a_rule_of_the_dossier_opens_what_the_table_leaves_to_it() -> None:
    genetics = ask(channel=Channel.PHONE, person=Person.PHYSICIAN, expected=(C5,), role=Role.BIOLOGIST)
    assert decide(genetics, MATRIX).why is Why.NO_RULE
    assert decide(replace(genetics, limits=Limits(rule_allows=True)), MATRIX).answer is Answer.TELL
    parent = ask(channel=Channel.COUNTER, person=Person.PARENT, expected=(C2,), limits=Limits(rule_allows=True))
    assert decide(parent, MATRIX).answer is Answer.TELL
    letter = ask(channel=Channel.LETTER, expected=(C2,), limits=Limits(letter_asked=True))
    assert decide(letter, MATRIX).answer is Answer.BIOLOGIST


def test_the_manner_follows_the_class() -> None:
    counter = ask(channel=Channel.COUNTER, expected=(C2,))
    assert decide(counter, MATRIX).is_sealed
    assert not decide(replace(counter, expected=(C0,)), MATRIX).is_sealed
    assert decide(replace(counter, expected=(C0,), person=Person.MANDATED), MATRIX).is_sealed
    assert decide(ask(expected=(C1,)), MATRIX).is_read_back
    assert not decide(ask(expected=(C0,)), MATRIX).is_read_back
    assert decide(ask(), MATRIX).matrix_version == 4
