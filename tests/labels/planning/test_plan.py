"""The tube plan: nothing forgotten, nothing twice, in order of draw, never one tube more than needed."""

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.exams.catalogue import Exam, Need, catalogue
from labels.planning.kinds import Kind
from labels.planning.plan import plan
from labels.planning.planned import Change, Plan, Why, Wish
from labels.planning.rules import Bench, Child, Rules
from labels.planning.table import shipped

EXAMS = catalogue().exams
DEFAULT = shipped()
AGES = (None, *DEFAULT.children)
some_exams = st.lists(st.sampled_from(EXAMS), min_size=1, max_size=40)
ages = st.sampled_from(AGES)


def of(*codes: str, rules: Rules = DEFAULT) -> Plan:
    found = exams(*codes)
    assert len(found) == len(codes)
    return plan(found, rules=rules)


def exams(*codes: str) -> list[Exam]:
    return [exam for code in codes if (exam := catalogue().by_code(code))]


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
    assert made.tubes[-1].remarks == ("sur glace, jamais avec un tube ordinaire",)


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


def test_an_exam_that_needs_more_than_a_whole_tube_gets_as_many_as_hold_it() -> None:
    made = of("1104", "1109", rules=replace(DEFAULT, volumes={"1104": 9000}))
    assert kinds(made) == ["EDTA"] * 3
    assert [tube.why for tube in made.tubes].count(Why.VOLUME) == 2
    assert sorted(tube.used for tube in made.tubes) == [2500, 3300, 3300]


def test_what_can_go_anywhere_fills_the_gaps() -> None:
    rules = Rules(
        usable={Kind.HEPARIN: 1000, Kind.DRY_GEL: 1000},
        dead={Kind.HEPARIN: 0, Kind.DRY_GEL: 0},
        volumes={"1608": 600, "1208": 600},
    )
    assert kinds(of("1608", "1208", "0592", "0578", "0522", "1804", rules=rules)) == ["SEC-GEL", "HEPARINE"]


def _asked(exam: Exam) -> int:
    """How many containers an exam must be found in."""
    blood = [need for need in exam.needs if Kind(need.kinds[0]).is_blood]
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
    turns = [(not tube.kind.is_blood, tube.minutes or 0, DEFAULT.place(tube.kind)) for tube in tubes]
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


@given(some_exams, ages)
def test_no_tube_is_over_its_usable_volume(exams: list[Exam], child: Child | None) -> None:
    rooms = DEFAULT.rooms(child)
    for tube in plan(exams, child=child).tubes:
        assert tube.used <= rooms.get(tube.kind, tube.used)
        if child is None:
            assert tube.used == sum(DEFAULT.volumes.get(code, 100) for code in tube.exams)


@given(
    some_exams, st.lists(st.sets(st.sampled_from([exam.nabm for exam in EXAMS]), min_size=2, max_size=6), max_size=6)
)
def test_exams_that_exclude_each_other_never_meet(exams: list[Exam], groups: list[set[str]]) -> None:
    rules = replace(DEFAULT, apart=tuple(frozenset(group) for group in groups))
    made = plan(exams, rules=rules)
    assert not [(tube.exams, group) for tube in made.tubes for group in groups if len(group & set(tube.exams)) > 1]
    assert {code for tube in made.tubes for code in tube.exams} == {exam.nabm for exam in exams}


@pytest.mark.parametrize("child", AGES, ids=lambda child: child.words if child else "adult")
def test_the_whole_catalogue_is_planned(child: Child | None) -> None:
    made = plan(EXAMS, child=child)
    assert {code for tube in made.tubes for code in tube.exams} == {exam.nabm for exam in EXAMS}
    assert made.without == ()


def test_no_exam_makes_no_plan() -> None:
    assert plan([]) == Plan(tubes=(), without=(), remarks=(), validated=False)


def test_two_alternatives_that_meet_through_a_third_are_shared_together() -> None:
    exams = [
        replace(EXAMS[0], nabm="0001", needs=(Need(kinds=("EDTA", "HEPARINE")),)),
        replace(EXAMS[0], nabm="0002", needs=(Need(kinds=("SEC-GEL", "HEPARINE")),)),
        replace(EXAMS[0], nabm="0003", needs=(Need(kinds=("SEC-GEL", "EDTA")),)),
    ]
    assert len(plan(exams).tubes) == 2


def test_exams_that_exclude_each_other_say_so() -> None:
    made = of("0126", "1127", "0174", rules=replace(DEFAULT, apart=(frozenset({"0126", "1127"}),)))
    assert [(tube.exams, tube.why) for tube in made.tubes] == [(("0126", "0174"), Why.KIND), (("1127",), Why.APART)]
    assert "s'excluent" in made.tubes[1].remarks[0]


def test_an_alternative_keeps_exams_apart_without_one_tube_more() -> None:
    rules = replace(DEFAULT, apart=(frozenset({"0592", "0578"}),))
    assert kinds(of("1208", "1608", "0592", "0578", rules=rules)) == ["SEC-GEL", "HEPARINE"]


def test_an_exam_that_never_shares_is_alone() -> None:
    made = of("1104", "1577", rules=replace(DEFAULT, alone=frozenset({"1577"})))
    assert [(tube.exams, tube.why) for tube in made.tubes] == [(("1104",), Why.KIND), (("1577",), Why.ALONE)]


def test_what_is_under_the_same_constraint_shares_its_tube() -> None:
    rules = replace(DEFAULT, on_ice=frozenset({"0983", "0536"}), volumes={})
    assert [tube.exams for tube in of("0983", "0536", "1104", rules=rules).tubes] == [("1104",), ("0536", "0983")]


def test_a_sharing_group_shares_among_itself_alone() -> None:
    made = of("1208", "1374", "1139", rules=replace(DEFAULT, groups={"1374": "vitamines", "1139": "vitamines"}))
    assert [tube.exams for tube in made.tubes] == [("1208",), ("1139", "1374")]
    assert made.tubes[1].remarks == ("groupe de partage « vitamines »",)


def test_a_bench_may_have_tubes_of_its_own() -> None:
    bench = Bench(exams=frozenset({"1208"}), own_tube=True)
    made = of("1208", "1374", rules=replace(DEFAULT, benches={"site 2": bench}))
    assert [(tube.exams, tube.why) for tube in made.tubes] == [(("1374",), Why.KIND), (("1208",), Why.BENCH)]


def test_each_bench_that_a_tube_visits_leaves_its_dead_volume() -> None:
    benches = {
        "one": Bench(exams=frozenset({"1208", "1211"}), dead=300), "two": Bench(exams=frozenset({"1374"}), dead=300),
    }  # fmt: skip
    rules = Rules(usable={Kind.DRY_GEL: 1000}, dead={Kind.DRY_GEL: 0}, usual=200, benches=benches)
    assert [tube.used for tube in of("1208", "1211", rules=rules).tubes] == [700]
    assert [tube.used for tube in of("1208", "1374", rules=rules).tubes] == [1000]
    assert [tube.used for tube in of("1208", "1211", "1374", rules=rules).tubes] == [700, 500]


def test_two_determinations_are_two_collections_and_not_two_tubes_of_one() -> None:
    assert kinds(of("1140")) == ["EDTA-GROUPE"]
    assert "autre prélèvement" in of("1140").remarks[0]
    assert of("1141").remarks == ()


def test_each_exam_that_is_sent_out_has_an_aliquot_of_its_tube() -> None:
    made = of("1208", "1374", "1139", "1104", rules=replace(DEFAULT, send_out=frozenset({"1374", "1139"})))
    assert kinds(made) == ["SEC-GEL", "EDTA"]
    assert [(one.exam, one.kind, one.parent) for one in made.aliquots] == [
        ("1139", Kind.DRY_GEL, 1),
        ("1374", Kind.DRY_GEL, 1),
    ]


def test_a_small_child_is_drawn_small_volumes_and_the_plan_says_so() -> None:
    serum = [exam.nabm for exam in EXAMS if exam.tube == "SEC-GEL"][:6]
    baby = next(one for one in DEFAULT.children if one.words == "nourrisson")
    exams = [exam for code in serum if (exam := catalogue().by_code(code))]
    made = plan(exams, child=baby)
    assert kinds(made) == ["SEC-GEL"]
    assert made.tubes[0].used == 6 * baby.usual
    assert "nourrisson" in made.remarks[0]


def test_one_tube_more_is_added_with_its_reason() -> None:
    made = plan(exams("1104"), wishes=[Wish(change=Change.ADD, kind=Kind.EDTA, reason="essai")])
    assert [(tube.exams, tube.why) for tube in made.tubes] == [(("1104",), Why.KIND), ((), Why.ADDED)]
    assert made.tubes[1].remarks == ("ajouté à la demande : essai",)


def test_a_tube_that_is_removed_leaves_its_exams_in_sight() -> None:
    wish = Wish(change=Change.REMOVE, kind=Kind.EDTA, exams=("1104", "1577"), reason="tube déjà reçu")
    made = plan(exams("1104", "1577", "1208"), wishes=[wish])
    assert kinds(made) == ["SEC-GEL"]
    assert (made.tubes[0].k, made.tubes[0].n) == (1, 1)
    assert [entry.exam for entry in made.without] == ["1104", "1577"]
    assert made.without[1].french == "HbA1c : tube retiré à la demande (tube déjà reçu)"
    assert made.followed == (wish,)


def test_an_exam_that_is_split_off_has_its_own_tube_and_says_why() -> None:
    wish = Wish(change=Change.SPLIT, kind=Kind.EDTA, exams=("1577",), reason="autre paillasse")
    made = plan(exams("1104", "1577"), wishes=[wish])
    assert [(tube.exams, tube.why) for tube in made.tubes] == [(("1104",), Why.KIND), (("1577",), Why.SPLIT)]
    assert made.tubes[1].remarks == ("séparé à la demande : autre paillasse",)


def test_a_change_that_the_prescription_has_overtaken_is_left_aside() -> None:
    wishes = [
        Wish(change=Change.REMOVE, kind=Kind.EDTA, exams=("1104", "1577"), reason="x"),
        Wish(change=Change.SPLIT, kind=Kind.EDTA, exams=("1577",), reason="x"),
    ]
    made = plan(exams("1104"), wishes=wishes)
    assert kinds(made) == ["EDTA"]
    assert made.followed == ()


def test_the_site_decides_the_order_of_draw_and_the_words() -> None:
    order = (Kind.EDTA, *(kind for kind in DEFAULT.order if kind is not Kind.EDTA))
    looks = {**DEFAULT.looks, Kind.EDTA: replace(DEFAULT.looks[Kind.EDTA], cap="mauve")}
    made = of("0552", "1104", "0126", rules=replace(DEFAULT, order=order, looks=looks))
    assert kinds(made) == ["EDTA", "CITRATE", "FLUORURE"]
    assert made.tubes[0].look.cap == "mauve"
