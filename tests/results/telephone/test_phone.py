"""The phone desk tells a caller with slip, code, PIN and birth date; to everyone else it says one sentence."""

import re
from collections.abc import Callable
from datetime import timedelta
from time import monotonic
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, select
from werkzeug.test import TestResponse

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.database import uuid7
from kiosk.register.journal import verify
from results.callers.calls import Outcome, PhoneCall, State
from results.callers.taking_over import for_biologist, number_to_ring
from results.desks import trying
from results.holds import HoldReason, hold
from results.reports.versions import Report, ReportVersion, Verb, move
from results.vault.codes import with_check_digit
from results.vault.counters import Attempt, AttemptState, Way
from results.vault.dossiers import LineState, Slip, Wish
from results.vault.releases import ReleaseAct
from results.vault.slips import IssuedSlip, lines_of
from tests.results.caller import Caller
from tests.results.cast import PIN, Desks

C0, C1, C2, C3 = ReleaseClass.C0, ReleaseClass.C1, ReleaseClass.C2, ReleaseClass.C3
SENTENCE = "Je ne peux rien communiquer par téléphone pour le moment."
VALUE = "2,37"
BODY = (
    "MSH|^~\\&|SIL|LABO|||20261121083000||ORU^R01^ORU_R01|1|P|2.5\r"
    "PID|1||1\r"
    "OBR|1||F1|0126^Dosage|||20261121080000|||||||||||||||||F\r"
    f"OBX|1|NM|34714-6^Dosage essentiel^LN||{VALUE}|g/L|||||F\r"
).encode()


@pytest.fixture
def caller(desks: Desks) -> Caller:
    return Caller(desks, desks.browser())


def whole(answer: TestResponse) -> tuple[int, list[tuple[str, str]], str]:
    """All that leaves; the token of the sign-out button is made of the sign-in and the second alone."""
    bare, tokens = re.subn(r'name="csrf_token" value="[^"]{91}"', "", answer.text)
    assert tokens == 1
    return answer.status_code, sorted(answer.headers), bare


def calls(desks: Desks) -> list[PhoneCall]:
    with desks.database.reading() as db:
        return list(db.scalars(select(PhoneCall).order_by(PhoneCall.opened_at, PhoneCall.id)))


def at_hour(desks: Desks, caller: Caller) -> None:
    """The promised hour is over, and the secretary is still there."""
    desks.later(hours=2)
    caller.browser.sign_in()


def test_a_caller_with_slip_code_pin_and_birth_date_is_told_once(desks: Desks, caller: Caller) -> None:
    slip = desks.ready(C2, BODY)
    at_hour(desks, caller)
    page = caller.reference(slip.handle)
    assert "Prenez la ligne 1." in page.text
    assert VALUE not in page.text
    told = caller.says(page, slip)
    assert told.status_code == 200
    assert f"Dosage essentiel : {VALUE} g/L" in told.text
    assert "Validé par Dr Claire Lenoir, biologiste." in told.text
    assert 'data-blank-after="120"' in told.text
    assert told.headers["Cache-Control"] == "no-store"
    for path in ("/telephone/appel", "/telephone/fin", "/telephone"):
        assert VALUE not in caller.browser.get(path).text
    assert caller.ends(Outcome.TOLD).status_code == 303
    assert [(call.state, call.outcome) for call in calls(desks)] == [(State.CLOSED, Outcome.TOLD)]
    with desks.database.reading() as db:
        assert len(db.scalars(select(ReleaseAct)).all()) == 1
        assert verify(db, "results").first_bad is None


@pytest.mark.parametrize(
    "spell",
    [
        lambda code: code,
        lambda code: " ".join(re.findall("..", code)),
        lambda code: ".".join(re.findall("....", code)),
        lambda code: ". ".join(re.findall("..", code)),
        "-".join,
        lambda code: "  ".join(code) + " ",
    ],
    ids=["at once", "pairs", "dots", "pairs with dots", "each digit", "each digit, slowly"],
)
def test_a_code_is_understood_however_it_is_typed_and_no_field_cuts_it(
    desks: Desks, caller: Caller, spell: Callable[[str], str]
) -> None:
    slip = desks.ready(C2, BODY)
    at_hour(desks, caller)
    reference = caller.browser.get("/telephone").text
    page = caller.reference(slip.handle)
    typed = spell(slip.codes[0])
    # A browser without script cuts what is longer than the field.
    assert len(" ".join(with_check_digit(slip.handle))) <= longest(reference, "handle_digits")
    assert VALUE in caller.says(page, slip, code=typed[: longest(page.text, "code")]).text


def longest(html: str, name: str) -> int:
    """How many signs a field takes."""
    found = re.search(rf'name="{name}"[^>]* maxlength="(\d+)"', html)
    assert found, html
    return int(found[1])


def test_the_same_form_gets_the_same_answer_and_another_form_gets_nothing(desks: Desks, caller: Caller) -> None:
    slip = desks.ready(C2, BODY)
    at_hour(desks, caller)
    page = caller.reference(slip.handle)
    key = caller.key()
    first, again = (caller.says(page, slip, form_key=key) for _ in range(2))
    assert first.data == again.data
    assert VALUE in again.text
    assert SENTENCE in caller.says(page, slip).text
    desks.later(seconds=121)
    assert SENTENCE in caller.says(page, slip, form_key=key).text
    with desks.database.reading() as db:
        assert len(db.scalars(select(ReleaseAct)).all()) == 1
        lines = lines_of(db, slip.slip_id)
    assert [line.state for line in lines] == [LineState.USED, *[LineState.READY] * 3]


def spoil(desks: Desks, slip: IssuedSlip, caller: Caller, cause: str) -> str:
    """Make one cause of « not now » and give the reference that the caller reads."""
    with desks.database.transaction("results") as db:
        row = db.get_one(Slip, slip.slip_id)
        report = db.scalars(select(Report).where(Report.dossier == row.dossier_id)).one()
        version = db.get_one(ReportVersion, (report.id, 1))
        match cause:
            case "hold":
                hold(
                    db, report, HoldReason.CONTROL, by=desks.room.people["lenoir"].id, power=desks.room.power,
                    at=desks.at, chance=desks.chance, key=caller.key(),
                )  # fmt: skip
            case "withdrawn":
                move(version, Verb.WITHDRAW, at=desks.at)
            case "flag":
                version.flags = "patient"
            case "closed" | "wait":
                age = timedelta(days=1) if cause == "closed" else timedelta(seconds=5)
                for number in range(10 if cause == "closed" else 3):
                    db.add(
                        Attempt(
                            id=uuid7(desks.at, desks.chance), site_id=row.site_id, key=caller.key(), slip_id=row.id,
                            line=1 + number // 3, call_id=UUID(int=number), way=Way.PHONE, by=desks.sophie,
                            at=desks.at - age, state=AttemptState.REFUSED, is_tested=True,
                        )
                    )  # fmt: skip
    return f"{(int(slip.handle) + 1) % 1_000_000:06d}" if cause == "unknown" else slip.handle


TEN = ("unknown", "unconfirmed", "embargo", "unsigned", "hold", "wait", "closed", "withdrawn", "in person", "flag")


def cause_of_not_now(desks: Desks, cause: str) -> IssuedSlip:
    wishes = (Wish.IN_PERSON_ONLY,) if cause == "in person" else ()
    dossier_id = desks.dossier(C0, wishes=wishes)
    slip = desks.slip(dossier_id, confirm=cause != "unconfirmed")
    desks.report(dossier_id, C0, body=BODY, signed=cause != "unsigned")
    return slip


def test_ten_causes_at_the_reference_are_one_answer_to_the_byte(desks: Desks, caller: Caller, kiln: list[str]) -> None:
    slips = {cause: cause_of_not_now(desks, cause) for cause in TEN if cause != "embargo"}
    ready = desks.ready(C0, BODY)
    at_hour(desks, caller)
    slips["embargo"] = cause_of_not_now(desks, "embargo")
    handles = {cause: spoil(desks, slip, caller, cause) for cause, slip in slips.items()}
    assert "Prenez la ligne 1." in caller.reference(ready.handle).text
    answers = {cause: caller.reference(handles[cause]) for cause in TEN}
    assert len({questions_of(desks, caller, handles[cause]) for cause in TEN}) == 1
    for cause, answer in answers.items():
        assert SENTENCE in answer.text, cause
        assert "igne 1" not in answer.text, cause
    assert len({repr(whole(answer)) for answer in answers.values()}) == 1
    assert kiln == []


def questions_of(desks: Desks, caller: Caller, handle: str) -> int:
    """How many questions the database is asked for the answer to a reference."""
    asked: list[str] = []
    engine = desks.app.extensions["house"].database.reading_engine
    caller.reference(handle)

    def counts(*told: Any) -> None:
        asked.append(told[2])

    event.listen(engine, "before_cursor_execute", counts)
    caller.browser.get("/telephone/appel")
    event.remove(engine, "before_cursor_execute", counts)
    assert len(asked) > 20
    return len(asked)


SIX = ("code", "pin", "line", "birth date", "spent line", "changed")


def test_six_causes_at_the_code_are_one_answer_to_the_byte_and_one_argon_each(
    desks: Desks, caller: Caller, kiln: list[str]
) -> None:
    slips = {cause: desks.ready(C2, BODY) for cause in SIX}
    at_hour(desks, caller)
    assert VALUE in caller.says(caller.reference(slips["spent line"].handle), slips["spent line"]).text
    answers = {}
    for cause, slip in slips.items():
        page = caller.reference(slip.handle)
        other: dict[str, str] = {
            "code": {"code": with_check_digit("123456789012345")},
            "pin": {"pin": "7306"},
            "line": {"code": slip.codes[1]},
            "birth date": {"birth_digits": "27/02/1954"},
            "spent line": {"code": slip.codes[0], "line": "1"},
            "changed": {},
        }[cause]
        if cause == "changed":
            spoil(desks, slip, caller, "hold")
        kiln.clear()
        answers[cause] = caller.says(page, slip, **other)
        assert len(kiln) == 1, cause
        assert VALUE not in answers[cause].text
    assert SENTENCE in answers["code"].text
    assert "essai 1 sur 3 de cet appel" in answers["code"].text
    assert len({repr(whole(answer)) for answer in answers.values()}) == 1
    with desks.database.reading() as db:
        assert len(db.scalars(select(ReleaseAct)).all()) == 1


def test_a_code_said_in_a_call_that_is_over_costs_the_same_and_opens_nothing(
    desks: Desks, caller: Caller, kiln: list[str]
) -> None:
    slip = desks.ready(C0, BODY)
    at_hour(desks, caller)
    page = caller.reference(slip.handle)
    desks.later(minutes=4)
    caller.browser.get("/telephone")
    desks.later(minutes=4)
    caller.browser.get("/telephone")
    desks.later(minutes=3)
    answer = caller.says(page, slip)
    assert SENTENCE in answer.text
    assert len(kiln) == 1
    with desks.database.reading() as db:
        assert not db.scalars(select(ReleaseAct)).all()
    assert SENTENCE in caller.says(page, slip, call=str(UUID(int=5))).text


def test_after_three_tries_the_call_asks_no_line_any_more(desks: Desks, caller: Caller) -> None:
    slip = desks.ready(C0, BODY)
    at_hour(desks, caller)
    page = caller.reference(slip.handle)
    wrong = with_check_digit("123456789012345")
    assert 'href="/telephone/appel"' in caller.says(page, slip, code=wrong).text
    assert "essai 2 sur 3" in caller.browser.get("/telephone/appel").text
    caller.says(page, slip, code=wrong)
    desks.later(seconds=31)
    last = caller.says(page, slip, code=wrong)
    assert "essai 3 sur 3" in last.text
    assert 'href="/telephone/appel"' not in last.text
    desks.later(minutes=3)
    assert SENTENCE in caller.says(page, slip).text
    assert SENTENCE in caller.browser.get("/telephone/appel").text


def test_a_misheard_digit_is_no_attempt_and_is_not_shown_again(desks: Desks, caller: Caller, kiln: list[str]) -> None:
    slip = desks.ready(C0, BODY)
    at_hour(desks, caller)
    caller.browser.get("/telephone")
    misheard = caller.browser.post("/telephone/reference", handle_digits="7041930")
    assert misheard.status_code == 422
    assert "mal entendu" in misheard.text
    page = caller.reference(slip.handle)
    for other in ({"code": slip.codes[0][:15] + "x"}, {"pin": "12"}, {"birth_digits": "31/02/1954"}):
        answer = caller.says(page, slip, **other)
        assert answer.status_code == 422
        assert slip.codes[0] not in answer.text.replace(" ", "")
        assert PIN not in answer.text
    assert kiln == []
    with desks.database.reading() as db:
        assert not db.scalars(select(Attempt)).all()
    assert VALUE in caller.says(page, slip).text


def test_a_confidential_class_goes_to_the_biologist_whatever_the_value(desks: Desks, caller: Caller) -> None:
    slip = desks.ready(C3, BODY)
    at_hour(desks, caller)
    answer = caller.says(caller.reference(slip.handle), slip)
    assert "c'est toujours le biologiste qui répond, quel que soit le résultat" in answer.text
    assert VALUE not in answer.text
    assert calls(desks)[-1].state is State.VERIFIED
    number = "06 12 34 56 78, après 18 h"
    assert caller.ends(Outcome.CALL_BACK, ring_back="").status_code == 422
    assert caller.ends(Outcome.CALL_BACK, ring_back=number).status_code == 303
    with desks.database.reading() as db:
        (waiting,) = for_biologist(db, desks.site().id, at=desks.at)
        assert number_to_ring(desks.keys, waiting) == number
        assert waiting.ring_back is not None
        assert b"06 12" not in waiting.ring_back
        assert not db.scalars(select(ReleaseAct)).all()


def test_the_biologist_at_the_phone_tells_a_confidential_result_herself(desks: Desks) -> None:
    slip = desks.ready(C3, BODY)
    desks.later(hours=2)
    lenoir = Caller(desks, desks.browser("lenoir"))
    assert VALUE in lenoir.says(lenoir.reference(slip.handle), slip).text


@pytest.mark.parametrize("outcome", ["", "bogus", "told"])
def test_no_call_ends_as_it_did_not(desks: Desks, caller: Caller, outcome: str) -> None:
    slip = desks.ready(C0, BODY)
    at_hour(desks, caller)
    page = caller.reference(slip.handle)
    call = re.findall(r'name="call" value="([^"]+)"', page.text)[0]
    assert caller.browser.post("/telephone/fin", call=call, outcome=outcome).status_code == 409
    assert calls(desks)[-1].state is State.OPEN


def test_the_sampler_is_told_not_now(desks: Desks) -> None:
    slip = desks.ready(C0, BODY)
    desks.later(hours=2)
    karim = Caller(desks, desks.browser("karim"))
    assert SENTENCE in karim.reference(slip.handle).text


def test_a_follow_up_result_is_repeated_before_the_call_ends(desks: Desks, caller: Caller) -> None:
    slip = desks.ready(C1, BODY)
    at_hour(desks, caller)
    told = caller.says(caller.reference(slip.handle), slip)
    assert VALUE in told.text
    assert "Pouvez-vous me répéter" in told.text
    assert caller.ends(Outcome.TOLD).status_code == 409
    page = caller.browser.get("/telephone/repetition")
    assert VALUE not in page.text
    call = re.findall(r'name="call" value="([^"]+)"', page.text)[0]
    wrong = caller.browser.post("/telephone/repetition", call=call, heard_secret="2,73")
    assert wrong.status_code == 422
    assert "2,73" not in wrong.text
    assert caller.browser.post("/telephone/repetition", call=call, heard_secret="2.37").status_code == 303
    assert caller.ends(Outcome.TOLD).status_code == 303


def test_three_other_repetitions_give_the_call_to_the_biologist(desks: Desks, caller: Caller) -> None:
    slip = desks.ready(C1, BODY)
    at_hour(desks, caller)
    caller.says(caller.reference(slip.handle), slip)
    call = str(calls(desks)[-1].id)
    for _ in range(3):
        assert caller.browser.post("/telephone/repetition", call=call, heard_secret="9").status_code == 422
    assert caller.browser.post("/telephone/repetition", call=call, heard_secret=VALUE).status_code == 409
    assert caller.ends(Outcome.TOLD).status_code == 409
    assert caller.ends(Outcome.PASSED).status_code == 303


def test_a_report_whose_signature_does_not_hold_is_the_same_refusal(desks: Desks, caller: Caller) -> None:
    slip = desks.ready(C0, BODY)
    at_hour(desks, caller)
    page = caller.reference(slip.handle)
    with desks.database.transaction("results") as db:
        version = db.scalars(select(ReportVersion)).one()
        assert version.signature is not None
        version.signature = bytes(64)
    answer = caller.says(page, slip)
    assert SENTENCE in answer.text
    assert VALUE not in answer.text


def test_a_colleague_cannot_go_on_with_a_call_that_is_not_hers(desks: Desks, caller: Caller) -> None:
    slip = desks.ready(C0, BODY)
    at_hour(desks, caller)
    page = caller.reference(slip.handle)
    nadia = Caller(desks, desks.browser("nadia"))
    nadia.browser.get("/telephone")
    assert nadia.browser.get("/telephone/appel").status_code == 404
    assert SENTENCE in nadia.says(page, slip).text


def test_every_answer_to_a_code_leaves_at_a_whole_second(
    desks: Desks, caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trying, "PACE_S", 1.0)
    slip = desks.ready(C0, BODY)
    at_hour(desks, caller)
    page = caller.reference(slip.handle)
    began = monotonic()
    caller.says(page, slip, pin="7306")
    assert monotonic() - began >= 1.0


def test_no_address_of_the_desk_holds_a_number(desks: Desks) -> None:
    for rule in desks.app.url_map.iter_rules():
        if rule.endpoint.startswith("phone."):
            assert "<" not in rule.rule
