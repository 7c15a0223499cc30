"""Numbering and labels: once for one plan, never again for a void one, every copy says so."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random
from threading import Barrier, Thread

import pytest

from kiosk.exams.catalogue import catalogue
from kiosk.exams.prescriptions import NoPrescription, Settled, exams_of
from kiosk.register.journal import verify
from kiosk.register.once import PageAlreadyUsed
from kiosk.register.visits import Visit, visit_of
from labels.numbering import LARGEST, NumbersUsedUp, SampleCounter, parts_of
from labels.planning.kinds import Kind
from labels.planning.plan import plan
from labels.planning.table import shipped
from labels.printing import (
    OWED_FOR,
    LabelCopy,
    NameNotWritable,
    NoMoreLabel,
    NothingToLabel,
    NothingToVoid,
    NotRecognised,
    PatientChanged,
    PlanChanged,
    confirm,
    labels_of,
    labels_owed,
    number_tubes,
    reprint,
    void_tubes,
)
from labels.scanning import scan
from labels.tubes import NoTubeHere, ReasonToGive, State, Tube, tubes_of
from printers.paper import LABEL_50X25, MEDIA, At, Barcode, Paper, Text
from printers.verify import proved
from tests.labels.reception import Reception

Chance = Callable[[int], bytes]
KEY = "0" * 32


def keys(papers: list[Paper]) -> list[str]:
    return [paper.key for paper in papers]


def words(paper: Paper) -> set[str]:
    return {cell.item.s for cell in paper.items if isinstance(cell, At) and isinstance(cell.item, Text)}


def owed(reception: Reception, *, after: timedelta = timedelta(0)) -> list[str]:
    with reception.database.reading() as db:
        return keys(labels_owed(db, reception.at + after, LABEL_50X25))


def again(reception: Reception, tube: Tube, *, reason: str = "abîmée", key: str = KEY) -> LabelCopy:
    with reception.database.transaction() as db:
        return reprint(
            db, visit_of(db, tube.visit_id), tube.sample_number, reason=reason, by="sophie", at=reception.at,
            chance=reception.chance, key=key,
        )  # fmt: skip


def test_the_first_tube_of_the_day_has_the_known_number(reception: Reception) -> None:
    _, tubes = reception.labelled("0126", "1104")
    assert [tube.sample_number for tube in tubes] == ["263250100014", "263250100023"]
    assert [(tube.position, tube.total, tube.exams) for tube in tubes] == [(1, 2, ["0126"]), (2, 2, ["1104"])]


def test_the_day_of_a_number_is_the_sites_own(reception: Reception, chance: Chance) -> None:
    visit = reception.arrive()
    reception.recognise(visit)
    made = reception.prescribe(visit, "1104")
    late = reception.at.replace(hour=23, minute=30)
    with reception.database.transaction() as db:
        tubes = number_tubes(db, visit, made, by="sophie", at=late, chance=chance)
    assert tubes[0].sample_number.startswith("26326")


def test_numbering_again_answers_the_same_tubes(reception: Reception) -> None:
    visit, tubes = reception.labelled("0126", "1104")
    second = reception.number(visit, plan([]))
    assert [tube.sample_number for tube in second] == [tube.sample_number for tube in tubes]
    assert len(owed(reception)) == 2


def test_two_desks_at_once_number_one_visit_once(reception: Reception) -> None:
    visit = reception.arrive()
    reception.recognise(visit)
    made = reception.prescribe(visit, "0126", "1104")
    gate, found = Barrier(2), []

    def press(desk: int) -> None:
        gate.wait()
        with reception.database.transaction() as db:
            tubes = number_tubes(db, visit, made, by="x", at=reception.at, chance=Random(desk).randbytes)
            found.append([tube.sample_number for tube in tubes])

    desks = [Thread(target=press, args=(desk,)) for desk in (1, 2)]
    for desk in desks:
        desk.start()
    for desk in desks:
        desk.join()
    assert found == [["263250100014", "263250100023"]] * 2


def test_nothing_is_numbered_for_nobody(reception: Reception) -> None:
    visit = reception.arrive()
    made = reception.prescribe(visit, "1104")
    with pytest.raises(NotRecognised):
        reception.number(visit, made)
    assert owed(reception) == []


def test_nothing_is_numbered_without_a_prescription(reception: Reception) -> None:
    visit = reception.arrive()
    reception.recognise(visit)
    with pytest.raises(NoPrescription):
        reception.number(visit, plan([]))


def test_a_plan_that_was_overtaken_is_refused_and_the_prescription_stays_open(reception: Reception) -> None:
    visit = reception.arrive()
    reception.recognise(visit)
    old = reception.prescribe(visit, "1104")
    new = reception.prescribe(visit, "1104", "1208")
    with pytest.raises(PlanChanged):
        reception.number(visit, old)
    assert len(reception.number(visit, new)) == 2


def test_an_exam_without_a_container_prints_nothing_alone(reception: Reception) -> None:
    visit = reception.arrive()
    reception.recognise(visit)
    reception.prescribe(visit, "1104")
    exam = catalogue().by_code("1104")
    assert exam is not None
    with pytest.raises(NothingToLabel):
        reception.number(visit, plan([replace(exam, needs=())]))


def test_a_label_carries_the_patient_and_no_exam(reception: Reception) -> None:
    visit, _ = reception.labelled("7402", "0388")
    with reception.database.reading() as db:
        (label,) = labels_of(db, visit, LABEL_50X25)
    assert label.key == "label/263250100014/1"
    assert {"MOREAU", "Jeanne", "29/02/1954 F N° 1", "SEC-GEL", "jaune ou or", "1/1", "2632 5010 0014"} <= words(label)
    assert "SANG · prévu 21/11/2026 08:30 · prél. ______" in words(label)
    everything = label.to_json().casefold()
    assert not any(word in everything for word in ("hcg", "vih", "hiv", "7402", "0388"))


def test_a_name_that_no_printer_writes_is_refused_before_anything_is_numbered(reception: Reception) -> None:
    visit = reception.arrive()
    reception.recognise(visit, "張", "偉")
    with pytest.raises(NameNotWritable):
        reception.number(visit, reception.prescribe(visit, "1104"))
    with reception.database.reading() as db:
        assert tubes_of(db, visit) == []
        assert labels_owed(db, reception.at, LABEL_50X25) == []


def test_a_label_is_laid_out_for_the_medium_of_its_printer(reception: Reception) -> None:
    visit, _ = reception.labelled("1104")
    for name, form in MEDIA.items():
        if name.startswith("label-"):
            with reception.database.reading() as db:
                (label,), (owed,) = labels_of(db, visit, form), labels_owed(db, reception.at, form)
            assert label == owed
            assert proved(label).size == (form.width, form.height)


def test_an_urgent_prescription_marks_each_label(reception: Reception) -> None:
    visit = reception.arrive()
    reception.recognise(visit)
    reception.number(visit, reception.prescribe(visit, "1104", "1208", urgent=True))
    with reception.database.reading() as db:
        assert all("URGENT" in words(label) for label in labels_of(db, visit, LABEL_50X25))


def test_labels_are_owed_in_order_until_somebody_knows_that_they_are_out(reception: Reception, at: datetime) -> None:
    visit, tubes = reception.labelled("0126", "1104")
    assert owed(reception) == ["label/263250100014/1", "label/263250100023/1"]
    with reception.database.transaction() as db:
        for _ in range(2):
            confirm(db, tubes[0].sample_number, site_id=visit.site_id, by="station", at=at, chance=reception.chance)
    assert owed(reception) == ["label/263250100023/1"]
    with reception.database.transaction() as db:
        scan(db, visit=visit, scanned=tubes[1].sample_number, by="karim", at=at, chance=reception.chance)
    assert owed(reception) == []
    with reception.database.reading() as db:
        assert [tube.state for tube in tubes_of(db, visit)] == [State.LABELLED, State.DRAWN]


def test_what_was_owed_yesterday_is_left_to_a_person(reception: Reception) -> None:
    reception.labelled("1104")
    assert len(owed(reception, after=OWED_FOR - timedelta(seconds=1))) == 1
    assert owed(reception, after=OWED_FOR) == []


def test_a_reprint_is_the_next_copy_with_the_same_bars(reception: Reception) -> None:
    visit, tubes = reception.labelled("1104")
    copy = again(reception, tubes[0])
    assert (copy.copy, copy.reason) == (2, "abîmée")
    with reception.database.reading() as db:
        (label,) = labels_of(db, visit, LABEL_50X25)
    assert label.key == "label/263250100014/2"
    assert label.symbols() == ["263250100014"]
    assert "COPIE 2" in words(label)
    assert owed(reception) == ["label/263250100014/1", "label/263250100014/2"]


def test_the_same_form_sent_twice_makes_one_copy(reception: Reception) -> None:
    _, tubes = reception.labelled("1104")
    assert again(reception, tubes[0]).copy == again(reception, tubes[0]).copy == 2
    assert again(reception, tubes[0], key="1" * 32).copy == 3


def test_a_form_that_has_served_another_tube_is_refused(reception: Reception) -> None:
    _, tubes = reception.labelled("1104", "1208")
    again(reception, tubes[0])
    with pytest.raises(PageAlreadyUsed):
        again(reception, tubes[1])


def test_a_reprint_needs_a_reason(reception: Reception) -> None:
    _, tubes = reception.labelled("1104")
    with pytest.raises(ReasonToGive):
        again(reception, tubes[0], reason=" ")
    assert len(owed(reception)) == 1


def test_void_labels_free_the_prescription_and_their_numbers_never_come_back(reception: Reception) -> None:
    visit, tubes = reception.labelled("0126", "1104")
    with pytest.raises(Settled):
        reception.prescribe(visit, "1208")
    with reception.database.transaction() as db:
        void_tubes(db, visit, reason="ordonnance corrigée", by="sophie", at=reception.at, chance=reception.chance)
    assert owed(reception) == []
    new = reception.number(visit, reception.prescribe(visit, "1208"))
    assert [tube.sample_number for tube in new] == ["263250100038"]
    with reception.database.reading() as db:
        assert [tube.sample_number for tube in tubes_of(db, visit)] == ["263250100038"]
    with pytest.raises(NoMoreLabel):
        again(reception, tubes[0])


def test_a_drawn_tube_stays_and_keeps_its_prescription(reception: Reception) -> None:
    visit, tubes = reception.labelled("0126", "1104")
    with reception.database.transaction() as db:
        scan(db, visit=visit, scanned=tubes[0].sample_number, by="karim", at=reception.at, chance=reception.chance)
    with reception.database.transaction() as db:
        voided = void_tubes(db, visit, reason="départ", by="sophie", at=reception.at, chance=reception.chance)
    assert [tube.sample_number for tube in voided] == [tubes[1].sample_number]
    with pytest.raises(Settled):
        reception.prescribe(visit, "1208")
    with pytest.raises(NothingToVoid), reception.database.transaction() as db:
        void_tubes(db, visit, reason="départ", by="sophie", at=reception.at, chance=reception.chance)


def test_a_label_of_another_visit_is_not_reprinted_here(reception: Reception) -> None:
    _, tubes = reception.labelled("1104")
    other, _ = reception.labelled("1104", number=2)
    with pytest.raises(NoTubeHere), reception.database.transaction() as db:
        reprint(
            db, other, tubes[0].sample_number, reason="perdue", by="sophie", at=reception.at,
            chance=reception.chance, key=KEY,
        )  # fmt: skip


def test_each_act_is_in_the_journal(reception: Reception) -> None:
    _, tubes = reception.labelled("1104")
    again(reception, tubes[0])
    with reception.database.reading() as db:
        verdict = verify(db, "register")
    assert verdict.sound
    assert verdict.size == 3  # prescription entered, tube planned, label reprinted


def test_when_the_visit_turns_out_to_be_someone_else_no_old_label_comes_out(reception: Reception) -> None:
    visit, tubes = reception.labelled("1104")
    reception.recognise(visit, birth_name="DIALLO", given_names="Amadou")
    assert owed(reception) == []
    with reception.database.reading() as db:
        assert labels_of(db, visit, LABEL_50X25) == []
    with pytest.raises(PatientChanged):
        again(reception, tubes[0])
    with pytest.raises(PatientChanged):
        reception.number(visit, plan([]))
    with reception.database.transaction() as db:
        void_tubes(db, visit, reason="autre dossier", by="sophie", at=reception.at, chance=reception.chance)
    (new,) = reception.number(visit, reception.prescribe(visit, "1104"))
    assert new.sample_number != tubes[0].sample_number
    with reception.database.reading() as db:
        assert "DIALLO" in words(labels_of(db, visit, LABEL_50X25)[0])


def sent_out(reception: Reception) -> tuple[Visit, list[Tube]]:
    """A patient with one tube of serum and one of EDTA; two exams of the serum go to another laboratory."""
    visit = reception.arrive()
    reception.recognise(visit)
    reception.prescribe(visit, "1208", "1374", "1139", "1104")
    rules = replace(shipped(), send_out=frozenset({"1374", "1139"}))
    with reception.database.reading() as db:
        made = plan(exams_of(db, visit.id), rules=rules)
    return visit, reception.number(visit, made)


def test_an_aliquot_has_a_label_with_its_own_number_and_its_parent_in_the_database(reception: Reception) -> None:
    visit, tubes = sent_out(reception)
    serum, _, *aliquots = tubes
    assert [(one.exams, one.position, one.total, one.turn) for one in aliquots] == [
        (["1139"], 3, 4, "ALIQUOT"),
        (["1374"], 4, 4, "ALIQUOT"),
    ]
    assert {one.parent_id for one in aliquots} == {serum.id}
    assert len({one.sample_number for one in tubes}) == 4
    with reception.database.reading() as db:
        papers = labels_of(db, visit, LABEL_50X25)
        assert [tube.sample_number for tube in tubes_of(db, visit)] == [tube.sample_number for tube in tubes[:2]]
        assert len(labels_owed(db, reception.at, LABEL_50X25)) == 4
    for tube, paper in zip(tubes, papers, strict=True):
        bars = [cell.item.digits for cell in paper.items if isinstance(cell, At) and isinstance(cell.item, Barcode)]
        assert bars == [tube.sample_number]
    said = [cell.item.s for cell in papers[2].items if isinstance(cell, At) and isinstance(cell.item, Text)]
    assert "ALIQUOT" in said


def test_f6_twice_numbers_each_aliquot_once(reception: Reception) -> None:
    visit, tubes = sent_out(reception)
    with reception.database.reading() as db:
        made = plan(exams_of(db, visit.id))
    assert [tube.id for tube in reception.number(visit, made)] == [tube.id for tube in tubes]


def test_a_copy_says_what_the_first_label_said_whatever_the_table_says_since(reception: Reception) -> None:
    visit = reception.arrive()
    reception.recognise(visit)
    reception.prescribe(visit, "1104")
    looks = {**shipped().looks, Kind.EDTA: replace(shipped().looks[Kind.EDTA], words="EDTA K2", cap="mauve")}
    with reception.database.reading() as db:
        made = plan(exams_of(db, visit.id), rules=replace(shipped(), looks=looks))
    reception.number(visit, made)
    with reception.database.reading() as db:
        (paper,) = labels_of(db, visit, LABEL_50X25)
    said = [cell.item.s for cell in paper.items if isinstance(cell, At) and isinstance(cell.item, Text)]
    assert "EDTA K2" in said
    assert "mauve" in said


def test_on_the_last_numbers_of_the_day_a_plan_is_numbered_whole_or_not_at_all(
    reception: Reception, at: datetime
) -> None:
    visit = reception.arrive()
    reception.recognise(visit)
    made = reception.prescribe(visit, "0126", "1208", "1104")
    with reception.database.transaction() as db:
        db.add(SampleCounter(site_id=reception.site.id, day=at.date(), number=LARGEST - 2))
    with pytest.raises(NumbersUsedUp):
        reception.number(visit, made)
    with reception.database.reading() as db:
        assert labels_owed(db, at, LABEL_50X25) == []
    tubes = reception.number(visit, reception.prescribe(visit, "1208", "1104"))
    assert [parts_of(tube.sample_number).counter for tube in tubes] == [LARGEST - 1, LARGEST]


def test_a_number_is_never_given_again_also_after_a_void(reception: Reception, at: datetime, chance: Chance) -> None:
    visit = reception.arrive()
    reception.recognise(visit)
    made, given_out = reception.prescribe(visit, "1208", "1104"), []
    for _ in range(3):
        given_out += [tube.sample_number for tube in reception.number(visit, made)]
        with reception.database.transaction() as db:
            void_tubes(db, db.merge(visit), reason="à refaire", by="sophie", at=at, chance=chance)
    assert len(set(given_out)) == 6
    assert [parts_of(number).counter for number in given_out] == [1, 2, 3, 4, 5, 6]
