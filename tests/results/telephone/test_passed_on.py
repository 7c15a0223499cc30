"""A caller whose code was right waits for the biologist, who tells the result once, on the line or rung back."""

import re

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.journal import verify
from results.callers.calls import Outcome, PhoneCall, State
from results.holds import HoldReason, hold
from results.reports.versions import Report
from results.vault.counters import Attempt, AttemptState
from results.vault.dossiers import Slip
from results.vault.releases import ReleaseAct
from results.vault.slips import void_slip
from tests.results.caller import Caller
from tests.results.signing_room import SigningRoom, asks_for_keys, result
from tests.staffroom import Browser

VALUE, NUMBER, ROOT = "2,37", "06 12 34 56 78, après 18 h", "/telephone/biologiste"


class Passed:
    """A confidential result whose caller was proved by the secretary."""

    def __init__(self, room: SigningRoom) -> None:
        self.room, self.desks = room, room.desks
        self.slip = self.desks.ready(ReleaseClass.C3, result("1608", VALUE))
        self.desks.later(hours=2)
        self.caller = Caller(self.desks, self.desks.browser())
        said = self.caller.says(self.caller.reference(self.slip.handle), self.slip)
        assert "c'est toujours le biologiste qui répond" in said.text

    def passes(self) -> None:
        assert self.caller.ends(Outcome.PASSED).status_code == 303

    def notes(self) -> None:
        assert self.caller.ends(Outcome.CALL_BACK, ring_back=NUMBER).status_code == 303

    @property
    def path(self) -> str:
        return f"{ROOT}/{self.call.id}"

    @property
    def call(self) -> PhoneCall:
        with self.desks.database.reading() as db:
            return db.scalars(select(PhoneCall)).one()

    def acts(self) -> list[ReleaseAct]:
        with self.desks.database.reading() as db:
            return list(db.scalars(select(ReleaseAct)))

    def reads(self, browser: Browser, key: str = "") -> TestResponse:
        browser.get(self.path)
        return browser.post(f"{self.path}/lire", form_key=key or self.caller.key())


@pytest.fixture
def passed(room: SigningRoom) -> Passed:
    return Passed(room)


def test_a_caller_who_is_passed_on_is_told_by_the_biologist_once(passed: Passed) -> None:
    passed.passes()
    assert passed.call.state is State.VERIFIED
    lenoir = passed.desks.browser("lenoir")
    assert "un patient attend votre réponse" in lenoir.get("/").text
    assert f'href="{ROOT}"' in lenoir.get("/telephone").text
    assert passed.path in lenoir.get(ROOT).text
    assert asks_for_keys(passed.reads(lenoir))
    assert not passed.acts()
    passed.room.unlock(lenoir)
    key = passed.caller.key()
    told = passed.reads(lenoir, key)
    assert VALUE in told.text
    assert "Je ne suis pas habilitée" not in told.text
    assert VALUE in lenoir.post(f"{passed.path}/lire", form_key=key).text  # Enter pressed twice
    assert passed.reads(lenoir).status_code == 409
    (act,) = passed.acts()
    assert (act.by, act.call_id) == (passed.desks.room.people["lenoir"].id, passed.call.id)
    with passed.desks.database.reading() as db:
        proof = db.scalars(select(Attempt)).one()
        assert (act.attempt_id, proof.state) == (proof.id, AttemptState.VERIFIED)
        assert verify(db, "results").sound
    assert passed.desks.entries("release.told") == 1
    page = lenoir.get("/telephone/fin")
    assert "Résultat lu" in page.text
    call = re.findall(r'name="call" value="([^"]+)"', page.text)[0]
    assert lenoir.post("/telephone/fin", call=call, outcome=Outcome.TOLD).status_code == 303
    assert passed.call.outcome is Outcome.TOLD
    assert "Personne n'attend" in lenoir.get(ROOT).text


def test_two_minutes_later_the_same_form_shows_nothing_more(passed: Passed) -> None:
    passed.passes()
    lenoir, key = passed.room.unlocked(), passed.caller.key()
    assert VALUE in passed.reads(lenoir, key).text
    passed.desks.later(minutes=3)
    again = lenoir.post(f"{passed.path}/lire", form_key=key)
    assert again.status_code == 409
    assert VALUE not in again.text
    assert len(passed.acts()) == 1


def test_the_number_is_seen_by_the_biologist_alone_and_forgotten_once_she_has_told(passed: Passed) -> None:
    passed.notes()
    assert passed.call.state is State.VERIFIED
    lenoir = passed.room.unlocked()
    assert NUMBER not in lenoir.get(ROOT).text
    assert "à rappeler" in lenoir.get(ROOT).text
    assert NUMBER in lenoir.get(passed.path).text
    assert VALUE not in lenoir.get(passed.path).text
    assert VALUE in passed.reads(lenoir).text
    assert passed.call.ring_back is None
    assert passed.desks.entries("call.reached") == 1


def test_nobody_but_a_biologist_sees_or_answers(passed: Passed) -> None:
    passed.notes()
    sophie = passed.caller.browser
    for path in (ROOT, passed.path):
        assert sophie.get(path).status_code == 403
    assert "Appels pour vous" not in sophie.get("/telephone").text
    for verb in ("lire", "fin"):
        assert sophie.post(f"{passed.path}/{verb}").status_code == 403
    assert not passed.acts()


def test_after_the_evening_the_code_proves_nothing_and_the_number_waits(passed: Passed) -> None:
    passed.notes()
    passed.desks.later(hours=16)
    lenoir = passed.room.unlocked()
    page = lenoir.get(passed.path)
    assert NUMBER in page.text
    assert "/lire" not in page.text
    assert passed.reads(lenoir).status_code == 409
    assert not passed.acts()
    lenoir.get(passed.path)
    assert lenoir.post(f"{passed.path}/fin", reached="yes").status_code == 303
    assert passed.call.ring_back is None
    assert passed.path not in lenoir.get(ROOT).text


def test_what_was_held_meanwhile_is_not_read_and_the_call_waits_on(passed: Passed) -> None:
    passed.passes()
    desks = passed.desks
    with desks.database.transaction("results") as db:
        report = db.scalars(select(Report)).one()
        hold(
            db, report, HoldReason.CONTROL, by=desks.room.people["lenoir"].id, power=desks.room.power, at=desks.at,
            chance=desks.chance, key=passed.caller.key(),
        )  # fmt: skip
    lenoir = passed.room.unlocked()
    answer = passed.reads(lenoir)
    assert "Rien ne peut être lu" in answer.text
    assert VALUE not in answer.text
    assert not passed.acts()
    assert passed.call.state is State.VERIFIED
    assert passed.desks.entries("release.refused") == 1


def test_a_slip_that_was_made_again_meanwhile_proves_nobody(passed: Passed) -> None:
    passed.passes()
    desks = passed.desks
    with desks.database.transaction("results") as db:
        void_slip(db, db.scalars(select(Slip)).one().id, by="test", at=desks.at, chance=desks.chance)
    assert passed.reads(passed.room.unlocked()).status_code == 409
    assert not passed.acts()


def test_whoever_could_not_repeat_what_was_read_is_rung_by_the_biologist(passed: Passed) -> None:
    desks, caller = passed.desks, passed.caller
    caller.ends(Outcome.CUT)
    slip = desks.ready(ReleaseClass.C1, result("1608", VALUE))
    desks.later(hours=2)
    caller.browser.sign_in()
    assert VALUE in caller.says(caller.reference(slip.handle), slip).text
    assert caller.ends(Outcome.CALL_BACK, ring_back=NUMBER).status_code == 303
    lenoir = passed.room.unlocked()
    path = re.findall(rf'href="({ROOT}/[^"]+)"', lenoir.get(ROOT).text)[0]
    page = lenoir.get(path).text
    assert NUMBER in page
    assert "mal répété" in page
    assert lenoir.post(f"{path}/fin", reached="yes").status_code == 303
    assert "Personne n'attend" in lenoir.get(ROOT).text


@pytest.mark.parametrize(("reached", "outcome"), [("yes", Outcome.NOT_NOW), ("no", Outcome.NOT_REACHED)])
def test_a_call_that_needs_no_answer_leaves_the_list(passed: Passed, reached: str, outcome: Outcome) -> None:
    passed.notes()
    lenoir = passed.desks.browser("lenoir")
    lenoir.get(passed.path)
    assert lenoir.post(f"{passed.path}/fin", reached=reached).status_code == 303
    assert (passed.call.outcome, passed.call.ring_back) == (outcome, None)
    assert passed.desks.entries("call.reached") == (reached == "yes")
    assert lenoir.get(passed.path).status_code == 404
    assert not passed.acts()
