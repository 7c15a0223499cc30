"""How results will be given: asked of everyone alike, a PIN that nobody sees, a slip that opens once it is out."""

import logging
import re
from datetime import timedelta
from html import unescape
from uuid import UUID

import pytest
from sqlalchemy import select

from kiosk.counter.passage import advance
from kiosk.door.answers import confirm, keep_answer
from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.visits import State as VisitState
from kiosk.register.visits import Verb as VisitVerb
from kiosk.register.visits import Visit, visit_of
from printers.moves import STATION, Verb
from printers.moves import State as Printed
from printers.paper import ROLL_80, Text
from results.giving import (
    CONFIRMED_WITHIN,
    Delivery,
    Preference,
    SlipOrder,
    follow_slips,
    job_of,
    promised_hour,
    slip_of,
)
from results.slip import slip_paper
from results.vault import slips as slips_module
from results.vault.codes import read_code, read_handle
from results.vault.dossiers import Dossier, LineState, Slip, SlipState, Wish
from results.vault.slips import IssuedSlip, find_slip, lines_of
from results.vault.wraps import stretch_code
from tests.results.cast import PIN, Desks
from tests.staffroom import Browser

C0, C2, C3 = ReleaseClass.C0, ReleaseClass.C2, ReleaseClass.C3
QUESTION = "Souhaitez-vous pouvoir demander vos résultats par téléphone"


@pytest.fixture
def desks(desks: Desks) -> Desks:
    desks.runs()
    return desks


@pytest.fixture
def sophie(desks: Desks) -> Browser:
    return desks.browser()


def path(visit: Visit, leaf: str = "resultats") -> str:
    return f"/passage/{visit.id}/{leaf}"


def says_yes(sophie: Browser, visit: Visit, **other: str) -> None:
    sophie.get(path(visit))
    answer = sophie.post(path(visit), **{"preference": "phone", "wants_phone": "yes", "document": "passport", **other})
    assert answer.headers["Location"] == path(visit, "code-personnel")


def slip_in(desks: Desks, visit: Visit) -> Slip:
    with desks.database.reading() as db:
        found = slip_of(db, visit.id)
    assert found is not None
    return found


def has_slip(desks: Desks, sophie: Browser, *classes: ReleaseClass) -> tuple[Visit, Slip]:
    visit = desks.visit(*(classes or (C0,)))
    says_yes(sophie, visit)
    seen = sophie.get(path(visit, "code-personnel")).text
    # The patient looks at this page: nothing of the laboratory's comes onto it.
    assert not any(f'id="{part}"' in seen for part in ("calls", "give", "alarm"))
    answer = sophie.post(path(visit, "code-personnel"), pin=PIN)
    assert answer.headers["Location"] == path(visit, "talon")
    return visit, slip_in(desks, visit)


def follow(desks: Desks) -> int:
    return follow_slips(desks.database, desks.spool, at=desks.at, chance=desks.chance)


def comes_out(desks: Desks, slip: Slip) -> str:
    """The station hands the paper to the printer; no proof yet."""
    key = f"slip/{slip.id}/1"
    attempt = desks.spool.begin(key, at=desks.at)
    desks.spool.hand_over(key, attempt, sha256="", at=desks.at)
    return key


def answers(desks: Desks, visit: Visit, word: str, *, heard: str | None = None) -> None:
    """The kiosk's question, answered there and, where it was heard, at the counter."""
    with desks.database.transaction() as db:
        keep_answer(db, visit.id, "delivery", word, at=desks.at, key=desks.chance(16).hex())
        if heard is not None:
            confirm(db, visit.id, {"delivery": heard}, by=str(desks.sophie), at=desks.at, key=desks.chance(16).hex())


def ticked(page: str) -> list[str]:
    """The way that the list shows as chosen."""
    _, after = page.split('id="preference"', maxsplit=1)
    return re.findall(r'<option value="(\w*)" selected>', after.split("</select>", maxsplit=1)[0])


@pytest.mark.parametrize(
    ("word", "shown"),
    [("online", "portal"), ("pick_up", "pickup"), ("post", "letter"), ("phone", "phone"), ("doctor", "physician")],
)
def test_the_way_that_was_confirmed_is_chosen_and_can_still_be_changed(
    desks: Desks, sophie: Browser, word: str, shown: str
) -> None:
    visit = desks.visit(C0)
    answers(desks, visit, word, heard=word)
    page = unescape(sophie.get(path(visit)).text)
    assert ticked(page) == [shown]
    assert "Dit par le patient à la borne, confirmé au guichet." in page
    # The question that everybody is asked stays open.
    assert 'value="yes" checked' not in page
    assert 'value="no" checked' not in page
    other = "letter" if shown != "letter" else "pickup"
    sophie.post(path(visit), preference=other, wants_phone="no")
    page = sophie.get(path(visit)).text
    assert ticked(page) == [other]
    assert "à la borne" not in page


def test_what_nobody_has_confirmed_or_nobody_knows_chooses_nothing(desks: Desks, sophie: Browser) -> None:
    alone, unknown, corrected = desks.visit(C0), desks.visit(C0), desks.visit(C0)
    answers(desks, alone, "phone")
    answers(desks, unknown, "phone", heard="unknown")
    answers(desks, corrected, "phone", heard="doctor")
    assert ticked(sophie.get(path(alone)).text) == [""]
    assert ticked(sophie.get(path(unknown)).text) == [""]
    page = unescape(sophie.get(path(corrected)).text)
    assert ticked(page) == ["physician"]
    assert "Dit au guichet." in page


def test_what_was_chosen_and_refused_is_not_overwritten_by_the_kiosk(desks: Desks, sophie: Browser) -> None:
    visit = desks.visit(C0)
    answers(desks, visit, "online", heard="online")
    sophie.get(path(visit))
    page = sophie.post(path(visit), preference="pickup")
    assert page.status_code == 422
    assert ticked(page.text) == ["pickup"]


def test_everyone_is_asked_the_same_question_in_the_same_page(desks: Desks, sophie: Browser) -> None:
    def asked(visit: Visit) -> str:
        text = sophie.get(path(visit)).text
        return text[text.index('<form class="stack"') : text.index("</form>", text.index('name="wants_phone"'))]

    plain, confidential = (re.sub(r'value="[^"]{32,}"|/passage/[^/]+', "", asked(desks.visit(one))) for one in (C0, C3))
    assert plain == confidential
    assert QUESTION in plain


def test_saving_opens_the_dossier_with_the_hour_of_the_slowest_class(desks: Desks, sophie: Browser) -> None:
    visit = desks.visit(C0, C3)
    sophie.get(path(visit))
    answer = sophie.post(path(visit), preference="pickup", wants_phone="no", document="passport", wish="in_person_only")
    assert answer.headers["Location"] == path(visit)
    with desks.database.reading() as db:
        dossier = db.scalars(select(Dossier)).one()
        delivery = db.scalars(select(Delivery)).one()
    assert set(dossier.classes) == {C0, C3}
    assert dossier.promised_at == desks.at + timedelta(minutes=60)
    assert dossier.wished == {Wish.IN_PERSON_ONLY}
    assert (delivery.preference, delivery.wants_phone, delivery.document) == (Preference.PICKUP, False, None)
    assert delivery.by == desks.sophie
    page = sophie.get(path(visit)).text
    assert "Code personnel" not in page
    assert "sam. 21/11 9 h 30" in page


def test_the_promised_hour_is_the_longest_and_never_comes_nearer(desks: Desks, sophie: Browser) -> None:
    promises = {"C0": 10, "C2": 300}
    assert promised_hour([C0], promises, at=desks.at) == desks.at + timedelta(minutes=10)
    for classes in ([C0, C2], [C0, C3], [C0, None], []):
        assert promised_hour(classes, promises, at=desks.at) == desks.at + timedelta(minutes=300)
    visit = desks.visit(C0)
    says_yes(sophie, visit)
    desks.later(minutes=4)
    says_yes(sophie, visit)
    with desks.database.reading() as db:
        assert db.scalars(select(Dossier)).one().promised_at == desks.at - timedelta(minutes=4) + timedelta(hours=1)


def test_the_same_form_saves_once(desks: Desks, sophie: Browser) -> None:
    visit, other = desks.visit(C0), desks.visit(C0)
    sophie.get(path(visit))
    fields = {"preference": "letter", "wants_phone": "no", "form_key": "ab" * 16}
    assert [sophie.post(path(visit), **fields).status_code for _ in range(2)] == [303, 303]
    assert sophie.post(path(other), **fields).status_code == 409
    with desks.database.reading() as db:
        assert len(db.scalars(select(Delivery)).all()) == 1


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"preference": "phone", "wants_phone": "yes"}, "Demandez une pièce d&#39;identité"),
        ({"preference": "phone", "wants_phone": "yes", "document": "none"}, "Demandez une pièce d&#39;identité"),
        ({"preference": "phone"}, "Posez la question du téléphone"),
        ({"preference": "pigeon", "wants_phone": "no"}, "Cochez comment"),
    ],
)
def test_without_answer_or_document_nothing_is_saved_and_what_was_ticked_stays(
    desks: Desks, sophie: Browser, told: dict[str, str], words: str
) -> None:
    visit = desks.visit(C0)
    sophie.get(path(visit))
    answer = sophie.post(path(visit), wish="nobody_else", **told)
    assert answer.status_code == 422
    assert words in answer.text
    assert 'value="nobody_else" checked' in answer.text
    with desks.database.reading() as db:
        assert not db.scalars(select(Dossier)).all()


def test_without_yes_and_document_there_is_no_pin_page(desks: Desks, sophie: Browser) -> None:
    visit = desks.visit(C0)
    assert sophie.get(path(visit, "code-personnel")).status_code == 409
    sophie.get(path(visit))
    sophie.post(path(visit), preference="pickup", wants_phone="no")
    assert sophie.get(path(visit, "code-personnel")).status_code == 409
    assert sophie.post(path(visit, "code-personnel"), pin=PIN).status_code == 409


def test_the_page_turned_to_the_patient_shows_no_name_and_keeps_no_digit(desks: Desks, sophie: Browser) -> None:
    visit = desks.visit(C0)
    says_yes(sophie, visit)
    page = sophie.get(path(visit, "code-personnel")).text
    for word in ("MOREAU", "Jeanne", "1954", "Sophie", "Guichet 1"):
        assert word not in page
    assert 'type="password"' in page
    assert page.count("data-digit=") == 10
    answer = sophie.post(path(visit, "code-personnel"), pin="1954")
    assert answer.status_code == 422
    assert "trop facile à deviner" in answer.text
    assert "1954" not in answer.text
    assert sophie.post(path(visit, "code-personnel"), pin="12").status_code == 422
    with desks.database.reading() as db:
        assert slip_of(db, visit.id) is None


def test_the_pin_opens_the_printed_codes_and_stands_nowhere(
    desks: Desks, sophie: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    visit, slip = has_slip(desks, sophie, C2)
    paper = desks.printed(f"slip/{slip.id}/1")
    lines = [item.s for item in paper.items if isinstance(item, Text)]
    handle = read_handle(lines[0].removeprefix("RÉF. "))
    codes = [read_code(line[3:]) for line in lines[2:6]]
    assert lines[1] == "sam. 21/11 9 h 30"
    assert lines[6].startswith("J ")
    with desks.database.reading() as db:
        found = find_slip(db, desks.keys, desks.site().id, handle)
        assert found is not None
        assert found.id == slip.id
        assert [line.state for line in lines_of(db, slip.id)] == [LineState.READY] * 4
    assert slip.state is SlipState.PRINTING
    job = job_of(desks.spool, slip.id)
    assert job is not None
    assert (job.secret, job.printer) == (True, "slips")
    page = sophie.get(path(visit, "talon")).text
    for secret in (handle, *codes):
        assert secret not in page.replace(" ", "")
        assert secret not in caplog.text
        for file in desks.room.folder.rglob("*.sqlite*"):
            assert secret.encode() not in file.read_bytes(), file


def test_argon_runs_outside_every_transaction(desks: Desks, sophie: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []

    def watched(code15: str, pin: str, salt: bytes, **cost: object) -> bytes:
        with desks.database.transaction("results"):  # would raise in this thread if one were open
            seen.append(True)
        return stretch_code(code15, pin, salt, **cost)  # type: ignore[arg-type]

    monkeypatch.setattr(slips_module, "stretch_code", watched)
    has_slip(desks, sophie)
    assert seen == [True] * 4


def test_the_same_form_makes_one_slip(desks: Desks, sophie: Browser) -> None:
    visit = desks.visit(C0)
    says_yes(sophie, visit)
    sophie.get(path(visit, "code-personnel"))
    for _ in range(2):
        assert sophie.post(path(visit, "code-personnel"), pin=PIN, form_key="cd" * 16).status_code == 303
    with desks.database.reading() as db:
        assert len(db.scalars(select(SlipOrder)).all()) == 1
        assert len(db.scalars(select(Slip)).all()) == 1
    assert len(desks.spool.jobs()) == 1


def test_without_a_running_station_no_slip_is_made_and_the_words_say_so(desks: Desks, sophie: Browser) -> None:
    visit = desks.visit(C0)
    says_yes(sophie, visit)
    desks.later(seconds=40)
    sophie.get(path(visit, "code-personnel"))
    answer = sophie.post(path(visit, "code-personnel"), pin=PIN)
    assert answer.headers["Location"] == path(visit)
    assert "Le poste d&#39;impression ne tourne pas." in sophie.get(path(visit)).text
    with desks.database.reading() as db:
        assert not db.scalars(select(Slip)).all()


def test_the_secretary_who_holds_the_paper_makes_it_valid(desks: Desks, sophie: Browser) -> None:
    visit, slip = has_slip(desks, sophie)
    sophie.get(path(visit, "talon"))
    assert sophie.post(path(visit, "talon/sorti"), slip=str(slip.id)).status_code == 409
    key = comes_out(desks, slip)
    assert "Le talon est-il sorti" in sophie.get(path(visit, "talon")).text
    assert sophie.post(path(visit, "talon/sorti"), slip=str(UUID(int=3))).status_code == 409
    assert sophie.post(path(visit, "talon/sorti"), slip=str(slip.id)).status_code == 303
    assert slip_in(desks, visit).state is SlipState.VALID
    job = desks.spool.job(key)
    assert job is not None
    assert job.state is Printed.CONFIRMED
    assert follow(desks) == 0


def test_a_paper_that_did_not_come_out_is_void_and_another_pin_is_asked(desks: Desks, sophie: Browser) -> None:
    visit, slip = has_slip(desks, sophie)
    sophie.get(path(visit, "talon"))
    assert sophie.post(path(visit, "talon/pas-sorti"), slip=str(slip.id)).status_code == 303
    assert slip_in(desks, visit).state is SlipState.VOID
    job = job_of(desks.spool, slip.id)
    assert job is not None
    assert job.state is Printed.VOID
    assert "Imprimer un nouveau talon" in sophie.get(path(visit, "talon")).text
    sophie.get(path(visit, "code-personnel"))
    assert sophie.post(path(visit, "code-personnel"), pin=PIN).status_code == 303
    assert slip_in(desks, visit).id != slip.id


def test_the_printers_word_is_followed(desks: Desks, sophie: Browser) -> None:
    visit, slip = has_slip(desks, sophie)
    assert follow(desks) == 0
    key = comes_out(desks, slip)
    assert follow(desks) == 0
    desks.spool.move(key, Verb.CONFIRM, by=STATION, at=desks.at)
    assert follow(desks) == 1
    assert slip_in(desks, visit).state is SlipState.VALID
    assert follow(desks) == 0


def test_an_unsure_paper_is_void_at_once(desks: Desks, sophie: Browser) -> None:
    visit, slip = has_slip(desks, sophie)
    desks.spool.move(comes_out(desks, slip), Verb.DOUBT, by=STATION, at=desks.at)
    assert follow(desks) == 1
    assert slip_in(desks, visit).state is SlipState.VOID
    with desks.database.reading() as db:
        assert {(line.state, line.wrap) for line in lines_of(db, slip.id)} == {(LineState.CLOSED, None)}


def test_after_two_minutes_nothing_comes_out_any_more(desks: Desks, sophie: Browser) -> None:
    visit, slip = has_slip(desks, sophie)
    desks.later(seconds=CONFIRMED_WITHIN.total_seconds() - 1)
    assert follow(desks) == 0
    desks.later(seconds=1)
    assert follow(desks) == 1
    assert slip_in(desks, visit).state is SlipState.VOID
    job = job_of(desks.spool, slip.id)
    assert job is not None
    assert job.state is Printed.VOID


def test_a_slip_whose_paper_never_reached_the_spool_is_void(desks: Desks) -> None:
    issued = desks.slip(desks.dossier(C0), confirm=False)
    assert follow(desks) == 0
    desks.later(seconds=15)
    assert follow(desks) == 1
    with desks.database.reading() as db:
        assert db.get_one(Slip, issued.slip_id).state is SlipState.VOID


def test_the_job_that_is_followed_is_the_papers_own() -> None:
    paper = slip_paper(
        IssuedSlip(slip_id=UUID(int=4), handle="704193", codes=("4821093755162046",)), promised="demain", form=ROLL_80
    )
    assert paper.key == f"slip/{UUID(int=4)}/1"


def test_who_has_tubes_goes_to_the_draw_once_the_slip_is_out(desks: Desks, sophie: Browser) -> None:
    visit, slip = has_slip(desks, sophie)
    with desks.database.transaction() as db:
        advance(
            db, visit_of(db, visit.id), VisitVerb.REGISTER, by="sophie", at=desks.at, chance=desks.chance,
            key=desks.chance(16).hex(),
        )  # fmt: skip
    assert "Envoyer au prélèvement" in sophie.get(path(visit)).text
    assert sophie.post(path(visit, "suite")).status_code == 409
    comes_out(desks, slip)
    sophie.post(path(visit, "talon/sorti"), slip=str(slip.id))
    assert sophie.post(path(visit, "suite")).headers["Location"] == "/file"
    with desks.database.reading() as db:
        assert visit_of(db, visit.id).state is VisitState.WAITING


def test_who_has_no_tube_is_done(desks: Desks, sophie: Browser) -> None:
    visit = desks.visit(C0, labelled=False)
    sophie.get(path(visit))
    assert sophie.post(path(visit, "suite")).status_code == 409
    sophie.post(path(visit), preference="portal", wants_phone="no")
    assert "Terminer" in sophie.get(path(visit)).text
    assert sophie.post(path(visit, "suite")).status_code == 303
    with desks.database.reading() as db:
        assert visit_of(db, visit.id).state is VisitState.LEFT


def test_a_confidential_result_that_lies_sealed_asks_a_biologist_for_another_slip(
    desks: Desks, sophie: Browser
) -> None:
    visit, slip = has_slip(desks, sophie, C2)
    comes_out(desks, slip)
    sophie.post(path(visit, "talon/sorti"), slip=str(slip.id))
    sophie.get(path(visit, "code-personnel"))
    desks.report(slip.dossier_id, C2, body=b"MSH|^~\\&|SIL\r")  # while the patient is choosing
    answer = sophie.post(path(visit, "code-personnel"), pin=PIN)
    assert answer.location == path(visit, "talon/refaire")
    assert "Un biologiste doit donner son accord" in sophie.get(answer.location).text
    assert slip_in(desks, visit).state is SlipState.VALID
    assert sophie.get(path(visit, "code-personnel")).location == path(visit, "talon/refaire")
