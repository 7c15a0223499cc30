"""At the counter a result goes to the person on paper: never to a screen, never before its hour, once for each form."""

import re
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from uuid import UUID

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.journal import ResultsText, verify
from printers.moves import State
from printers.paper import MEDIA, Text
from printers.verify import proved
from results.handing.hand_over_record import HandOver
from results.holds import HoldReason, hold
from results.matrix import PROPOSAL, Channel, Person, SignedMatrix, Teller, keep_head, read_routes, sign_matrix
from results.reports.versions import Report, ReportVersion
from results.vault.codes import with_check_digit, write_code, write_handle
from results.vault.dossiers import Wish
from results.vault.releases import ReleaseAct
from results.vault.slips import IssuedSlip
from tests.results.cast import PIN, exam_of
from tests.results.signing_room import VALUE, SigningRoom, asks_for_keys, result
from tests.staffroom import Browser

C0, C1, C2, C3 = ReleaseClass.C0, ReleaseClass.C1, ReleaseClass.C2, ReleaseClass.C3
SENTENCE = "Je ne peux rien remettre pour le moment."
BIOLOGIST = "c'est toujours le biologiste qui répond"


def sits(room: SigningRoom, login: str = "sophie") -> Browser:
    """Someone at the counter, whose page has its token."""
    browser = room.desks.browser(login)
    browser.get("/remise")
    return browser


def gives(room: SigningRoom, browser: Browser, visit_id: UUID, **told: str) -> TestResponse:
    fields = {"form_key": room.key(), "document": "identity_card"} | told
    return browser.post(f"/remise/{visit_id}/sans-code", **fields)


def releases(room: SigningRoom) -> list[ReleaseAct]:
    with room.desks.database.reading() as db:
        return list(db.scalars(select(ReleaseAct)))


def journal(room: SigningRoom) -> str:
    with room.desks.database.reading() as db:
        assert verify(db, "results").sound
        return "\n".join(db.scalars(select(ResultsText.text)))


def with_slip(room: SigningRoom, release_class: ReleaseClass) -> tuple[UUID, IssuedSlip]:
    dossier_id = room.desks.dossier(release_class)
    issued = room.desks.slip(dossier_id)
    room.desks.report(dossier_id, release_class, body=result(exam_of(release_class)))
    visit_id = room.visit_of(dossier_id)
    room.hour_comes()
    return visit_id, issued


def asks(room: SigningRoom, browser: Browser, visit_id: UUID, handle: str) -> str:
    answer = browser.post(
        f"/remise/{visit_id}/talon", form_key=room.key(), document="passport", handle=write_handle(handle)
    )
    return unescape(answer.text)


def types(room: SigningRoom, browser: Browser, visit_id: UUID, slip: IssuedSlip, **other: str) -> TestResponse:
    told = {
        "form_key": room.key(), "document": "passport", "handle": write_handle(slip.handle), "line": "1",
        "code": write_code(slip.codes[0]), "pin": PIN,
    } | other  # fmt: skip
    return browser.post(f"/remise/{visit_id}/code", **told)


def test_an_ordinary_result_is_printed_for_the_person_and_shown_nowhere(room: SigningRoom) -> None:
    visit_id = room.signed(C0)
    browser = sits(room)
    answer = gives(room, browser, visit_id)
    assert answer.status_code == 303
    page = browser.get(answer.location).text
    assert VALUE not in page
    paper = room.printed()
    assert f"Dosage essentiel : {VALUE} g/L" in paper
    assert "Validé par Dr Claire Lenoir, biologiste." in paper
    assert "MOREAU Jeanne, Marie" in paper
    (act,) = releases(room)
    assert (act.channel, act.person, act.document) == (Channel.COUNTER, Person.WITHOUT_CODE, "identity_card")
    assert act.matrix_version == 1
    assert "release.handed" in journal(room)
    assert VALUE not in journal(room)


@pytest.mark.parametrize("medium", ["roll-58", "roll-80-300dpi"])
def test_a_report_is_laid_out_for_the_roll_of_the_counter(room: SigningRoom, medium: str) -> None:
    extensions, form = room.desks.room.app.extensions, MEDIA[medium]
    extensions["house"] = replace(
        extensions["house"], forms=extensions["house"].forms | {"slips": form, "reports": form}
    )
    visit_id = room.signed(C0)
    assert gives(room, sits(room), visit_id).status_code == 303
    (paper,) = room.station.papers()
    assert paper.form == form
    assert proved(paper).width == form.width
    assert VALUE in room.printed()
    smallest = min(item.size_max for item in paper.items if isinstance(item, Text))
    assert smallest == 26 * form.dpmm // 8


def test_the_paper_is_secret_and_its_job_tells_the_screen_when_it_is_out(room: SigningRoom) -> None:
    visit_id = room.signed(C0)
    browser = sits(room)
    location = gives(room, browser, visit_id).location
    (job,) = room.station.spool.jobs()
    assert job.secret
    assert "attend son tour" in browser.get(location).text
    assert browser.get(f"{location}/etat?vu=queued").status_code == 204


def test_the_same_form_hands_over_once(room: SigningRoom) -> None:
    visit_id = room.signed(C0)
    browser = sits(room)
    key = room.key()
    first = gives(room, browser, visit_id, form_key=key)
    second = gives(room, browser, visit_id, form_key=key)
    assert first.location == second.location
    assert len(releases(room)) == 1
    assert len(room.station.papers()) == 1


def test_no_document_no_hand_over(room: SigningRoom) -> None:
    visit_id = room.signed(C0)
    browser = sits(room)
    for word in ("none", "", "library_card"):
        assert gives(room, browser, visit_id, document=word).status_code == 422
    assert releases(room) == []


def test_without_a_running_station_nothing_is_released(room: SigningRoom) -> None:
    visit_id = room.signed(C0)
    room.desks.later(seconds=60)
    browser = sits(room)
    answer = gives(room, browser, visit_id)
    assert answer.status_code == 422
    assert releases(room) == []


def hour_not_come(room: SigningRoom) -> UUID:
    dossier_id = room.desks.dossier(C0)
    room.desks.report(dossier_id, C0, body=result(exam_of(C0)))
    return room.visit_of(dossier_id)


def not_signed(room: SigningRoom) -> UUID:
    dossier_id = room.desks.dossier(C0)
    room.desks.report(dossier_id, C0, body=result(exam_of(C0)), signed=False)
    room.hour_comes()
    return room.visit_of(dossier_id)


def held(room: SigningRoom) -> UUID:
    visit_id = room.signed(C0)
    with room.desks.database.transaction("results") as db:
        hold(
            db, db.scalars(select(Report)).one(), HoldReason.TALK, by=room.desks.sophie, power=room.desks.room.power,
            at=room.desks.at, chance=room.desks.chance, key=room.key(),
        )  # fmt: skip
    return visit_id


def forged(room: SigningRoom) -> UUID:
    visit_id = room.signed(C0)
    with room.desks.database.transaction("results") as db:
        version = db.scalars(select(ReportVersion)).one()
        version.signature = bytes(64)
    return visit_id


def moved_forward(room: SigningRoom) -> UUID:
    """Somebody made the promised hour earlier in the database: the signature does not hold any more."""
    visit_id = hour_not_come(room)
    with room.desks.database.transaction("results") as db:
        db.scalars(select(ReportVersion)).one().not_before = room.desks.at
    return visit_id


def no_matrix(room: SigningRoom) -> UUID:
    visit_id = room.signed(C0)
    with room.desks.database.transaction("results") as db:
        db.scalars(select(SignedMatrix)).one().signature = bytes(64)
    return visit_id


def hidden(room: SigningRoom) -> UUID:
    visit_id = room.signed(C0)
    with room.desks.database.transaction("results") as db:
        db.scalars(select(ReportVersion)).one().flags = "patient"
    return visit_id


def nothing_came(room: SigningRoom) -> UUID:
    dossier_id = room.desks.dossier(C0)
    room.hour_comes()
    return room.visit_of(dossier_id)


CAUSES = (hour_not_come, not_signed, held, forged, moved_forward, no_matrix, hidden, nothing_came)


@pytest.mark.parametrize("cause", CAUSES, ids=lambda cause: cause.__name__)
def test_one_sentence_for_everything_that_is_not_handed_over(
    room: SigningRoom, cause: Callable[[SigningRoom], UUID]
) -> None:
    visit_id = cause(room)
    answer = gives(room, sits(room), visit_id)
    assert answer.status_code == 200
    assert SENTENCE in unescape(answer.text)
    assert releases(room) == []
    assert room.station.papers() == []
    assert "release.refused" in journal(room)


def bare(answer: TestResponse) -> str:
    """A page without its tokens."""
    return re.sub(r'(name="(?:csrf_token|form_key)" value=")[^"]*', r"\1", answer.text)


def test_the_sentence_stands_on_the_same_page_whatever_the_cause(room: SigningRoom) -> None:
    visit_id = hour_not_come(room)
    browser = sits(room)
    early = bare(gives(room, browser, visit_id))
    room.hour_comes()
    browser = sits(room)
    with room.desks.database.transaction("results") as db:
        db.scalars(select(ReportVersion)).one().signature = bytes(64)
    assert bare(gives(room, browser, visit_id)) == early


@pytest.mark.parametrize("release_class", [C2, C3])
def test_without_code_what_is_confidential_waits_for_the_biologist(
    room: SigningRoom, release_class: ReleaseClass
) -> None:
    visit_id = room.signed(release_class)
    answer = gives(room, sits(room), visit_id, reason="lost")
    assert BIOLOGIST in unescape(answer.text)
    assert releases(room) == []


def test_a_reason_is_the_biologists_to_give_even_where_the_table_lets_the_secretary_tell(room: SigningRoom) -> None:
    desks = room.desks
    routes = dict(read_routes(PROPOSAL.read_bytes())) | {(C2, Channel.COUNTER, Person.WITHOUT_CODE): Teller.SECRETARY}
    with desks.database.transaction("results") as db:
        matrix = sign_matrix(
            db, routes, valid_from=desks.at, biologist=desks.lenoir, by=desks.room.people["lenoir"].id, at=desks.at,
            chance=desks.chance,
        )  # fmt: skip
    keep_head(desks.keys.folder, matrix)
    visit_id = room.signed(C2)
    assert BIOLOGIST in unescape(gives(room, sits(room), visit_id, reason="lost").text)
    assert releases(room) == []


def test_the_biologist_agrees_with_a_reason_and_unlocked_keys(room: SigningRoom) -> None:
    visit_id = room.signed(C3)
    browser = sits(room, "lenoir")
    assert BIOLOGIST in unescape(gives(room, browser, visit_id).text)
    answer = gives(room, browser, visit_id, reason="route")
    assert asks_for_keys(answer)
    assert releases(room) == []
    assert room.unlock(browser).status_code == 303
    room.station.runs(room.desks.at, room.desks.chance)
    browser.get(f"/remise/{visit_id}")
    assert gives(room, browser, visit_id, reason="route").status_code == 303
    assert VALUE in room.printed()
    assert len(releases(room)) == 1
    with room.desks.database.reading() as db:
        row = db.scalars(select(HandOver)).one()
    assert (row.reason, row.is_sealed) == ("route", True)
    assert "release.agreed" in journal(room)
    assert "escrow.opened" in journal(room)


def test_with_slip_code_and_pin_a_confidential_result_is_printed(room: SigningRoom) -> None:
    visit_id, slip = with_slip(room, C2)
    browser = sits(room)
    assert "Prenez la ligne 1" in asks(room, browser, visit_id, slip.handle)
    answer = types(room, browser, visit_id, slip)
    assert answer.status_code == 303
    assert VALUE in room.printed()
    assert "Enveloppe fermée" in browser.get(answer.location).text
    (act,) = releases(room)
    assert (act.channel, act.person, act.document) == (Channel.COUNTER, Person.WITH_CODE, "passport")
    assert "Prenez la ligne 2" in asks(room, browser, visit_id, slip.handle)


def test_a_line_prints_once_and_the_same_form_again_prints_no_second_paper(room: SigningRoom) -> None:
    visit_id, slip = with_slip(room, C2)
    browser = sits(room)
    key = room.key()
    first = types(room, browser, visit_id, slip, form_key=key)
    assert types(room, browser, visit_id, slip, form_key=key).location == first.location
    assert SENTENCE in unescape(types(room, browser, visit_id, slip).text)
    assert (len(releases(room)), len(room.station.papers())) == (1, 2)


@pytest.mark.parametrize("wrong", ["code", "pin"])
def test_a_wrong_code_or_pin_gets_the_one_sentence_and_the_phone_limits_do_not_hold(
    room: SigningRoom, wrong: str
) -> None:
    visit_id, slip = with_slip(room, C2)
    browser = sits(room)
    other = {"code": write_code(with_check_digit("123456789012345")), "pin": "4826"}
    for _ in range(4):
        answer = types(room, browser, visit_id, slip, **{wrong: other[wrong]})
        assert SENTENCE in unescape(answer.text)
    assert types(room, browser, visit_id, slip).status_code == 303


def test_the_slip_of_another_visit_opens_nothing_here(room: SigningRoom) -> None:
    visit_id, _ = with_slip(room, C2)
    _, other = with_slip(room, C2)
    browser = sits(room)
    assert SENTENCE in asks(room, browser, visit_id, other.handle)
    assert SENTENCE in unescape(types(room, browser, visit_id, other).text)
    assert releases(room) == []


def test_a_code_of_class_c3_is_not_asked_for_the_biologist_receives_the_patient(room: SigningRoom) -> None:
    visit_id, slip = with_slip(room, C3)
    browser = sits(room)
    assert BIOLOGIST in asks(room, browser, visit_id, slip.handle)
    assert BIOLOGIST in unescape(types(room, browser, visit_id, slip).text)
    assert "attempt.refused" not in journal(room)
    biologist = sits(room, "lenoir")
    assert types(room, biologist, visit_id, slip).status_code == 303
    assert VALUE in room.printed()


def test_a_misheard_code_costs_nothing(room: SigningRoom) -> None:
    visit_id, slip = with_slip(room, C2)
    browser = sits(room)
    wrong = slip.codes[0][:-1] + str((int(slip.codes[0][-1]) + 1) % 10)
    assert types(room, browser, visit_id, slip, code=wrong).status_code == 422
    assert types(room, browser, visit_id, slip, pin="73a5").status_code == 422
    assert "attempt.refused" not in journal(room)
    assert types(room, browser, visit_id, slip).status_code == 303


def test_a_person_is_found_by_what_stands_on_the_document_and_no_name_stands_in_an_address(room: SigningRoom) -> None:
    visit_id = room.signed(C0)
    browser = sits(room)
    answer = browser.post("/remise/chercher", form_key=room.key(), typed="mor jea")
    assert f"/remise/{visit_id}" in answer.text
    assert not re.search(r'(?:href|action)="[^"]*mor', answer.text, re.IGNORECASE)
    assert "Aucun dossier" in browser.post("/remise/chercher", form_key=room.key(), typed="zzz").text


def test_who_may_not_tell_hands_nothing_over(room: SigningRoom) -> None:
    visit_id = room.signed(C0)
    browser = room.desks.browser("alex")
    browser.get("/")
    assert browser.get(f"/remise/{visit_id}").status_code == 403
    assert gives(room, browser, visit_id).status_code == 403
    assert releases(room) == []


def test_a_minors_secret_and_a_discreet_visit_leave_the_counter_open_to_the_person(room: SigningRoom) -> None:
    visit_id = room.signed(C0, wishes=(Wish.MINOR_SECRET, Wish.DISCREET, Wish.IN_PERSON_ONLY))
    assert gives(room, sits(room), visit_id).status_code == 303


def test_a_looked_at_paper_is_out_or_is_not(room: SigningRoom) -> None:
    visit_id = room.signed(C0)
    browser = sits(room)
    location = gives(room, browser, visit_id).location
    (job,) = room.station.spool.jobs()
    attempt = room.station.spool.begin(job.key, at=room.desks.at)
    room.station.spool.hand_over(job.key, attempt, sha256="00" * 32, at=room.desks.at)
    assert "Regardez s'il est sorti" in unescape(browser.get(location).text)
    assert browser.post(location, form_key=room.key(), out="yes").status_code == 303
    assert "Imprimé." in browser.get(location).text
    assert room.station.spool.job(job.key).state is State.CONFIRMED  # type: ignore[union-attr]
