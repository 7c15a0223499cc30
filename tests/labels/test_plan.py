"""The tube plan: nothing forgotten, nothing twice, in order of draw, never one tube more than needed."""

import random
import time
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.exams.catalogue import Exam, Need, catalogue
from labels.filling import Piece, fewest
from labels.plan import DEFAULT, Plan, Rules, Why, plan
from labels.tubes import LOOKS, ORDER, Kind

EXAMS = catalogue().exams
some_exams = st.lists(st.sampled_from(EXAMS), min_size=1, max_size=40)
#: The choices that the catalogue leaves open, and some that it does not.
CHOICES: tuple[tuple[Kind, ...], ...] = (
    (Kind.HEPARIN, Kind.DRY_GEL),
    (Kind.HEPARIN,),
    (Kind.DRY_GEL,),
    (Kind.EDTA, Kind.CITRATE_ESR),
    (Kind.EDTA,),
)


def of(*codes: str, rules: Rules = DEFAULT) -> Plan:
    exams = [catalogue().by_code(code) for code in codes]
    assert None not in exams
    return plan([exam for exam in exams if exam], rules=rules)


def kinds(made: Plan) -> list[str]:
    return [tube.kind.value for tube in made.tubes]


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        (["1104"], ["EDTA"]),
        (["1104", "1577", "1109"], ["EDTA"]),
        (["1608", "0592"], ["HEPARINE"]),
        (["1208", "0592"], ["SEC-GEL"]),
        (["0592"], ["SEC-GEL"]),
        (["1208", "1608", "0592"], ["SEC-GEL", "HEPARINE"]),
        (["0552", "1104", "0126", "1208"], ["CITRATE", "SEC-GEL", "EDTA", "FLUORURE"]),
        (["0557", "0592"], ["SEC", "SEC-GEL"]),
        (["1124", "1104"], ["EDTA"]),
        (["1140", "1145", "1141", "1104"], ["EDTA", "EDTA-GROUPE"]),
        (["5219", "0126"], ["HEMOC-AEROBIE", "HEMOC-ANAEROBIE", "CITRATE"]),
        (["0536", "1104"], ["EDTA", "EDTA"]),
        (["0530", "0552"], ["FLUORURE", "FLUORURE"]),
        (["1601", "0592"], ["SEC-GEL", "SEC-GEL"]),
        (["0407"], ["HEPARINE", "URINES-24H"]),
        (["5201", "1104"], ["EDTA", "URINE-STERILE"]),
        (["0413"], ["FLUORURE", "FLUORURE"]),
        (["0070"], ["SPERME"]),
    ],
)
def test_prescriptions_checked_by_hand(codes: list[str], expected: list[str]) -> None:
    assert kinds(of(*codes)) == expected


def test_timed_tubes_say_their_minutes_and_come_in_their_order() -> None:
    made = of("0412", "1104")
    assert [(tube.kind, tube.minutes) for tube in made.tubes] == [
        (Kind.EDTA, None),
        (Kind.FLUORIDE, 0),
        (Kind.FLUORIDE, 60),
        (Kind.FLUORIDE, 120),
        (Kind.FLUORIDE, 180),
    ]


def test_what_never_shares_says_why() -> None:
    made = of("0536", "1104", "1601")
    assert {tube.exams: tube.why for tube in made.tubes} == {
        ("1104",): Why.KIND,
        ("0536",): Why.ICE,
        ("1601",): Why.LIGHT,
    }
    assert "sur glace, jamais partagé" in made.tubes[-1].remarks


def test_a_choice_that_the_catalogue_leaves_to_the_method_is_shown_until_the_site_has_made_it() -> None:
    made = of("1821")
    assert kinds(made) == ["EDTA"]
    assert "vérifier le tube" in made.tubes[0].remarks[0]
    settled = of("1821", rules=replace(DEFAULT, methods={"1821": Kind.HEPARIN}))
    assert kinds(settled) == ["HEPARINE"]
    assert settled.tubes[0].remarks == ()


def test_the_site_may_prefer_a_kind_when_the_number_is_the_same() -> None:
    assert kinds(of("0592", rules=replace(DEFAULT, preferred=(Kind.HEPARIN,)))) == ["HEPARINE"]


def test_an_exam_without_a_known_container_is_shown_and_never_dropped() -> None:
    unknown = replace(EXAMS[0], nabm="9999", name="Dosage rare", tube="TUBE SPÉCIAL", needs=())
    made = plan([unknown, EXAMS[0]])
    assert [entry.exam for entry in made.without] == ["9999"]
    assert made.without[0].french == "Dosage rare : contenant à préciser (« TUBE SPÉCIAL »)"
    assert kinds(made) == ["EDTA"]


def test_an_exam_without_any_word_about_its_container_is_shown_too() -> None:
    made = plan([replace(EXAMS[0], tube="", needs=())])
    assert made.without[0].french.endswith("contenant à préciser")


def test_the_default_rules_are_not_validated() -> None:
    assert not of("1104").validated
    assert of("1104", rules=replace(DEFAULT, validated=True)).validated


def test_the_draw_itself_has_remarks() -> None:
    assert "purge" in of("0126").remarks[0]
    assert of("5219", "0126").remarks == ()
    assert "seconde détermination" in of("1140").remarks[0]


def test_more_exams_than_a_tube_holds_take_a_second_one_and_say_so() -> None:
    serum = [exam.nabm for exam in EXAMS if exam.tube == "SEC-GEL"][:24]
    made = of(*serum)
    assert kinds(made) == ["SEC-GEL", "SEC-GEL"]
    assert [tube.why for tube in made.tubes] == [Why.KIND, Why.VOLUME]


def test_an_exam_that_needs_more_than_a_whole_tube_still_gets_one() -> None:
    assert kinds(of("1104", rules=replace(DEFAULT, volumes={"1104": 9000}))) == ["EDTA"]


def test_what_can_go_anywhere_fills_the_gaps() -> None:
    rules = Rules(
        usable={Kind.HEPARIN: 1000, Kind.DRY_GEL: 1000}, dead=0, usual=100, volumes={"1608": 600, "1208": 600}
    )
    assert kinds(of("1608", "1208", "0592", "0578", "0522", "1804", rules=rules)) == ["SEC-GEL", "HEPARINE"]


def _asked(exam: Exam) -> int:
    """How many containers an exam must be found in."""
    blood = [need for need in exam.needs if LOOKS[Kind(need.kinds[0])].rank is not None]
    return len(exam.needs) + len(blood) * (len(DEFAULT.times.get(exam.nabm, (0,))) - 1)


@given(some_exams)
def test_each_exam_is_in_each_of_its_containers_exactly_once(exams: list[Exam]) -> None:
    made = plan(exams)
    found = [code for tube in made.tubes for code in tube.exams]
    assert all(len(set(tube.exams)) == len(tube.exams) > 0 for tube in made.tubes)
    assert {exam.nabm: found.count(exam.nabm) for exam in exams} == {exam.nabm: _asked(exam) for exam in exams}
    assert set(found) == {exam.nabm for exam in exams}


@given(some_exams)
def test_each_exam_is_in_a_kind_that_suits_it(exams: list[Exam]) -> None:
    needs = {exam.nabm: {kind for need in exam.needs for kind in need.kinds} for exam in exams}
    assert all(tube.kind.value in needs[code] for tube in plan(exams).tubes for code in tube.exams)


@given(some_exams)
def test_tubes_stand_in_order_of_draw_and_are_numbered_in_it(exams: list[Exam]) -> None:
    tubes = plan(exams).tubes
    turns = [(LOOKS[tube.kind].rank is None, tube.minutes or 0, ORDER[tube.kind]) for tube in tubes]
    assert turns == sorted(turns)
    assert [(tube.k, tube.n) for tube in tubes] == [(k, len(tubes)) for k in range(1, len(tubes) + 1)]


@given(some_exams, st.randoms(use_true_random=False))
def test_the_same_exams_in_any_order_make_the_same_plan(exams: list[Exam], chance: random.Random) -> None:
    mixed = list(exams)
    chance.shuffle(mixed)
    assert plan(mixed) == plan(exams) == plan([*exams, *exams])


@given(some_exams, st.sampled_from([150, 200, 400, 1000]))
def test_more_volume_never_takes_fewer_tubes(exams: list[Exam], usual: int) -> None:
    light = Rules(usable=DEFAULT.usable, usual=100)
    assert len(plan(exams, rules=replace(light, usual=usual)).tubes) >= len(plan(exams, rules=light).tubes)


@given(st.lists(st.sampled_from(CHOICES), min_size=1, max_size=6), st.integers(1, 3), st.integers(1, 3))
def test_no_other_choice_takes_fewer_tubes(choices: list[tuple[Kind, ...]], wide: int, narrow: int) -> None:
    rooms = {Kind.HEPARIN: wide, Kind.DRY_GEL: narrow, Kind.EDTA: wide}
    pieces = [Piece(exam=f"{place:04d}", kinds=choice, volume=1) for place, choice in enumerate(choices)]

    def tubes_of(chosen: tuple[Kind, ...]) -> int:
        return sum(-(-chosen.count(kind) // rooms.get(kind, 99)) for kind in set(chosen))

    assert len(fewest(pieces, rooms=rooms)) == min(tubes_of(chosen) for chosen in product(*choices))


def test_the_whole_catalogue_is_planned() -> None:
    made = plan(EXAMS)
    assert {code for tube in made.tubes for code in tube.exams} == {exam.nabm for exam in EXAMS}
    assert made.without == ()


def test_every_container_of_the_catalogue_is_a_kind_with_a_look() -> None:
    named = {kind for exam in EXAMS for need in exam.needs for kind in need.kinds}
    assert named <= {kind.value for kind in Kind}
    assert set(LOOKS) == set(Kind)


def test_ranks_rise_in_the_order_of_draw_and_the_rest_comes_after() -> None:
    ranks = [LOOKS[kind].rank for kind in Kind]
    blood = [rank for rank in ranks if rank is not None]
    assert blood == sorted(blood)
    assert ranks[len(blood) :] == [None] * (len(ranks) - len(blood))


def test_forty_exams_are_planned_at_once() -> None:
    exams = random.Random(7).sample(EXAMS, 40)
    began = time.perf_counter()
    for _ in range(20):
        plan(exams)
    assert (time.perf_counter() - began) / 20 < 0.05  # the goal is 5 ms on a quiet machine


def test_no_exam_makes_no_plan() -> None:
    assert plan([]) == Plan(tubes=(), without=(), remarks=(), validated=False)


def test_two_alternatives_that_meet_through_a_third_are_shared_together() -> None:
    exams = [
        replace(EXAMS[0], nabm="0001", needs=(Need(kinds=("EDTA", "HEPARINE")),)),
        replace(EXAMS[0], nabm="0002", needs=(Need(kinds=("SEC-GEL", "HEPARINE")),)),
        replace(EXAMS[0], nabm="0003", needs=(Need(kinds=("SEC-GEL", "EDTA")),)),
    ]
    assert len(plan(exams).tubes) == 2


def test_large_volumes_are_placed_first_and_small_ones_beside_them() -> None:
    volumes = {"0001": 400, "0002": 400, "0003": 600, "0004": 600}
    pieces = [Piece(exam=exam, kinds=(Kind.CITRATE,), volume=volume) for exam, volume in volumes.items()]
    assert len(fewest(pieces, rooms={Kind.CITRATE: 1000})) == 2
