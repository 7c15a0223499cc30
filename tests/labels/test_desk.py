"""The labels of a visit: numbered once, printed once, and a person asked where no machine can know."""

import re
from dataclasses import replace
from functools import partial
from html import unescape
from io import BytesIO

import pytest
from flask import render_template
from PIL import Image

from kiosk.exams.catalogue import catalogue
from kiosk.register.visits import State as VisitState
from kiosk.register.visits import Visit
from labels.planning.kinds import Kind
from labels.planning.plan import plan
from labels.planning.table import shipped
from labels.printing import labels_of
from labels.tubes import State as TubeState
from labels.tubes import tubes_of
from labels.validation import sign_tubes
from printers.draw import draw
from printers.moves import State, Verb
from printers.paper import LABEL_50X25, MEDIA
from results.trust.standing import has_signed
from results.vault.keys import unlock
from results.vault.sealing import label, sign
from tests.kiosk.counter.conftest import Counter, Person, words_of
from tests.staffroom import CHEAP


def keys_of(counter: Counter) -> list[str]:
    return [job.key for job in counter.spool.jobs() if job.kind != "ticket"]


def unsure(counter: Counter, key: str) -> None:
    """The cable was pulled in the middle of a label."""
    counter.spool.begin(key, at=counter.room.at)
    counter.spool.move(key, Verb.DOUBT, by="station", at=counter.room.at)


def state_of(counter: Counter, key: str) -> State:
    job = counter.spool.job(key)
    assert job is not None
    return job.state


def states_of_tubes(counter: Counter, visit: Visit) -> list[TubeState]:
    with counter.room.database.reading() as db:
        return [tube.state for tube in tubes_of(db, visit)]


def test_f6_numbers_prints_in_order_of_draw_and_says_that_the_file_is_ready(counter: Counter) -> None:
    sophie = counter.sits()
    visit = sophie.labels("1104", "0552", "0127")
    jobs = [job for job in counter.spool.jobs() if job.kind != "ticket"]
    assert [job.position for job in jobs] == [0, 1, 2]
    assert {job.batch for job in jobs} == {str(visit.id)}
    assert {job.printer for job in jobs} == {"labels"}
    page = sophie.sees(f"/passage/{visit.id}/etiquettes")
    assert page.index("CITRATE") < page.index("EDTA") < page.index("FLUORURE")
    assert counter.visit(visit.id).state is VisitState.REGISTERED


def test_f6_twice_prints_once(counter: Counter) -> None:
    sophie = counter.sits()
    visit = sophie.labels("1104", "0552")
    before = keys_of(counter)
    sophie.does(f"/passage/{visit.id}/etiquettes")
    assert keys_of(counter) == before


def test_no_label_without_a_person_or_a_prescription_or_a_call(counter: Counter) -> None:
    sophie = counter.sits()
    visit = counter.arrives()
    path = f"/passage/{visit.id}/etiquettes"
    assert "Appelez d'abord" in words_of(sophie.sends(path))
    sophie.calls()
    assert "reconnu" in words_of(sophie.sends(path))
    sophie.opens_file(visit)
    assert "ordonnance" in words_of(sophie.sends(path))
    assert keys_of(counter) == []
    assert counter.visit(visit.id).state is VisitState.CALLED


def test_the_plan_says_that_nobody_has_signed_it(counter: Counter) -> None:
    sophie = counter.sits()
    counter.arrives()
    visit = sophie.calls()
    pane = sophie.sends(f"/passage/{visit.id}/plan", exam=["1104", "0552"]).text
    assert "Table des tubes non validée" in pane
    assert "EDTA" in pane
    assert "FLUORURE" in pane


def test_an_exam_whose_container_nobody_knows_is_shown_and_never_dropped(counter: Counter) -> None:
    known = catalogue().exams[0]
    unknown = replace(known, nabm="9999", name="Examen rare", tube="tube rare", needs=())
    visit = counter.arrives()
    with counter.room.app.test_request_context(base_url="https://labo.test"):
        told = unescape(render_template("labels/plan_pane.html", visit=visit, plan=plan([known, unknown])))
    assert "Examen rare : contenant à préciser (« tube rare »)" in told
    assert "Aucune étiquette ne sera imprimée pour cet examen" in told


def test_the_preview_is_the_very_picture_that_is_printed(counter: Counter) -> None:
    sophie = counter.sits()
    visit = sophie.labels("1104")
    answer = sophie.browser.client.get(f"/passage/{visit.id}/etiquettes/1.png", base_url="https://labo.test")
    assert answer.content_type == "image/png"
    with counter.room.database.reading() as db:
        paper = labels_of(db, visit, LABEL_50X25)[0]
    shown = Image.open(BytesIO(answer.data)).convert("1")
    assert shown.tobytes() == draw(paper).convert("1").tobytes()


def test_the_preview_has_the_shape_of_the_label(counter: Counter) -> None:
    house = counter.room.app.extensions["house"]
    counter.room.app.extensions["house"] = replace(house, forms=house.forms | {"labels": MEDIA["label-57x32-300dpi"]})
    sophie = counter.sits()
    visit = sophie.labels("1104")
    assert 'width="340" height="191"' in sophie.sees(f"/passage/{visit.id}/etiquettes")
    answer = sophie.browser.client.get(f"/passage/{visit.id}/etiquettes/1.png", base_url="https://labo.test")
    assert Image.open(BytesIO(answer.data)).size == (684, 384)


def test_a_name_that_is_cut_on_the_label_is_told_on_screen(counter: Counter) -> None:
    sophie, nadia = counter.sits(), counter.sits("nadia", "Guichet 2")
    plain, long = sophie.labels("1104"), nadia.labels("1104", name="Wawrzyniakowski" * 4)
    assert "trop long pour l'étiquette" not in sophie.sees(f"/passage/{plain.id}/etiquettes")
    assert "trop long pour l'étiquette" in sophie.sees(f"/passage/{long.id}/etiquettes")


def test_an_unsure_label_is_asked_about_and_a_yes_proves_it(counter: Counter) -> None:
    sophie = counter.sits()
    visit = sophie.labels("1104", "0552")
    first, second = keys_of(counter)
    unsure(counter, second)
    page = sophie.sees(f"/passage/{visit.id}/etiquettes")
    assert "L'étiquette 2 sur 2 est-elle sortie et lisible" in page
    page = sophie.does(f"/passage/{visit.id}/etiquettes/sortie", position="2")
    assert "est-elle sortie" not in page
    assert (state_of(counter, first), state_of(counter, second)) == (State.QUEUED, State.CONFIRMED)
    assert states_of_tubes(counter, visit) == [TubeState.PLANNED, TubeState.LABELLED]


def test_a_no_prints_the_next_copy_with_its_reason_and_never_the_same_job_again(counter: Counter) -> None:
    sophie = counter.sits()
    visit = sophie.labels("1104")
    (first,) = keys_of(counter)
    unsure(counter, first)
    page = sophie.does(f"/passage/{visit.id}/etiquettes/reimprimer", position="1", reason="jamais sortie")
    assert "copie 2" in page
    second = first.removesuffix("/1") + "/2"
    assert keys_of(counter) == [first, second]
    assert (state_of(counter, first), state_of(counter, second)) == (State.VOID, State.QUEUED)


def test_the_same_reprint_form_prints_one_copy(counter: Counter) -> None:
    sophie = counter.sits()
    visit = sophie.labels("1104")
    for _ in range(2):
        path = f"/passage/{visit.id}/etiquettes/reimprimer"
        sophie.does(path, form_key="e" * 32, position="1", reason="abîmée")
    assert [state_of(counter, key) for key in keys_of(counter)] == [State.VOID, State.QUEUED]


def test_a_reprint_without_reason_is_asked_again(counter: Counter) -> None:
    sophie = counter.sits()
    visit = sophie.labels("1104")
    assert sophie.sends(f"/passage/{visit.id}/etiquettes/reimprimer", position="1").status_code == 422
    assert len(keys_of(counter)) == 1
    answer = sophie.sends(f"/passage/{visit.id}/etiquettes/reimprimer", position="9", reason="abîmée")
    assert answer.status_code == 404


def test_void_labels_do_not_come_out_and_the_prescription_opens_again(counter: Counter) -> None:
    sophie = counter.sits()
    visit = sophie.labels("1104")
    (first,) = keys_of(counter)
    assert sophie.prescribes(visit, "0552").status_code == 409
    sophie.does(f"/passage/{visit.id}/etiquettes/annuler", reason="ordonnance à corriger")
    assert state_of(counter, first) is State.VOID
    assert sophie.prescribes(visit, "0552").status_code == 303
    sophie.does(f"/passage/{visit.id}/etiquettes")
    assert len(keys_of(counter)) == 2
    assert keys_of(counter)[1].split("/")[1] != first.split("/")[1]


def test_who_leaves_with_labels_leaves_them_void(counter: Counter) -> None:
    sophie = counter.sits()
    visit = sophie.labels("1104")
    for _ in range(2):
        sophie.does(f"/passage/{visit.id}/etiquettes/parti", form_key="f" * 32)
    assert counter.visit(visit.id).state is VisitState.CANCELLED
    assert [state_of(counter, key) for key in keys_of(counter)] == [State.VOID]
    assert states_of_tubes(counter, visit) == []


def test_an_open_page_asks_only_for_what_has_changed(counter: Counter) -> None:
    sophie = counter.sits()
    visit = sophie.labels("1104")
    (first,) = keys_of(counter)
    path = f"/passage/{visit.id}/etiquettes/etat?vu=1queued"
    assert sophie.browser.get(path).status_code == 204
    unsure(counter, first)
    assert "est-elle sortie" in sophie.sees(path)


def test_a_manager_prints_no_labels(counter: Counter) -> None:
    roux = counter.sits("roux")
    visit = counter.arrives()
    assert roux.browser.get(f"/passage/{visit.id}/etiquettes").status_code == 403
    assert roux.sends(f"/passage/{visit.id}/etiquettes").status_code == 403


def planned(counter: Counter, *codes: str) -> tuple[Person, Visit]:
    """Someone at the counter whose plan is on the screen, not yet printed."""
    sophie = counter.sits()
    counter.arrives()
    visit = sophie.calls()
    sophie.opens_file(visit)
    assert sophie.prescribes(visit, *codes).status_code == 303
    return sophie, visit


def test_the_plan_is_changed_with_a_reason_shown_and_taken_back(counter: Counter) -> None:
    sophie, visit = planned(counter, "1104", "1577")
    path = f"/passage/{visit.id}/plan/modifier"
    page = sophie.does(path, wish="split/EDTA/1577", reason="demande du prescripteur", other="")
    assert "Examen dans son propre tube" in page
    assert "séparé à la demande : demande du prescripteur" in page
    page = sophie.does(path, wish="add/CITRATE", reason="x", other="essai clinique")
    assert "ajouté à la demande : essai clinique" in page
    page = sophie.does(path, wish="remove/EDTA/1104", reason="tube déjà reçu")
    assert "tube retiré à la demande (tube déjà reçu)" in page
    undo = re.findall(r'action="(/passage/[^"]+/plan/revenir/[^"]+)"', page)
    assert len(undo) == 3
    for one in undo:
        page = sophie.does(one)
    assert "Modifié à la demande" not in page
    assert page.count("<tr>") == 1


def test_what_was_changed_is_printed_and_stays_in_sight(counter: Counter) -> None:
    sophie, visit = planned(counter, "1104", "1577")
    sophie.does(f"/passage/{visit.id}/plan/modifier", wish="split/EDTA/1577", reason="essai")
    page = sophie.does(f"/passage/{visit.id}/etiquettes")
    assert len(keys_of(counter)) == 2
    assert "Modifié à la demande" in page
    assert "plan/revenir" not in page
    assert sophie.sends(f"/passage/{visit.id}/plan/modifier", wish="add/EDTA", reason="essai").status_code == 409


@pytest.mark.parametrize(
    ("wish", "reason", "status"),
    [
        ("add/EDTA", "", 422),
        ("add/EDTA", "x" * 121, 422),
        ("add/PAILLETTES", "essai", 409),
        ("burn/EDTA", "essai", 409),
        ("remove/EDTA/9999", "essai", 409),
        ("remove/EDTA/1104/soon", "essai", 409),
        ("split/EDTA", "essai", 409),
        ("split/EDTA/1104/9", "essai", 409),
        ("add/EDTA/1104", "essai", 409),
        (f"add/EDTA//{9**40}", "essai", 409),
        ("", "essai", 409),
        ("/" * 5000, "essai", 409),
    ],
)
def test_what_is_no_change_of_this_plan_is_refused_in_words(
    counter: Counter, wish: str, reason: str, status: int
) -> None:
    sophie, visit = planned(counter, "1104")
    assert sophie.sends(f"/passage/{visit.id}/plan/modifier", wish=wish, reason=reason).status_code == status


def test_the_banner_goes_when_a_biologist_has_signed_and_comes_back_with_a_change(counter: Counter) -> None:
    sophie, visit = planned(counter, "1104")
    page = f"/passage/{visit.id}/etiquettes"
    assert "Table des tubes non validée" in sophie.sees(page)
    house = counter.room.app.extensions["house"]
    keys = house.more["keys"]
    unlocked = unlock(keys.folder, "lenoir", "la rivière sous le pont", cost=CHEAP)
    with counter.room.database.transaction("results") as db:
        sign_tubes(
            db, shipped(), sign=lambda data: sign(unlocked.signer_seed, label("tubes") + data),
            proves=partial(has_signed, keys, "tubes"), signer="lenoir", by=counter.room.people["lenoir"].id,
            at=counter.room.at, chance=counter.chance,
        )  # fmt: skip
    assert "Table des tubes non validée" not in sophie.sees(page)
    table = replace(house.more["tubes"], rules=replace(shipped(), said="changed"))
    counter.room.app.extensions["house"] = replace(house, more={**house.more, "tubes": table})
    assert "Table des tubes non validée" in sophie.sees(page)


def test_the_sites_own_words_stand_on_the_plan_and_another_colour_has_no_swatch_of_ours(counter: Counter) -> None:
    sophie, visit = planned(counter, "1104")
    assert 'class="cap edta"' in sophie.sees(f"/passage/{visit.id}/etiquettes")
    house = counter.room.app.extensions["house"]
    looks = {**shipped().looks, Kind.EDTA: replace(shipped().looks[Kind.EDTA], cap="mauve")}
    table = replace(house.more["tubes"], rules=replace(shipped(), looks=looks))
    counter.room.app.extensions["house"] = replace(house, more={**house.more, "tubes": table})
    page = sophie.does(f"/passage/{visit.id}/etiquettes")
    assert "EDTA, mauve" in page
    assert 'class="cap edta"' not in page
