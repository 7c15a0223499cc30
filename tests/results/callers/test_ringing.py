"""A caller without the slip hears one answer, and is rung at their own number only where it may be told there."""

import logging
import re
from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import delete, select, text, update
from werkzeug.test import TestResponse

from kiosk.booking import discretion
from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.journal import ResultsText, verify
from kiosk.register.patients import patient_of
from kiosk.register.visits import Visit
from results.callers.calls import Outcome, PhoneCall, State
from results.callers.numbers import PatientNumber
from results.giving import Delivery
from results.holds import HoldReason, hold
from results.reports.versions import Report
from results.stopping.stops import keep_stop
from results.vault.counters import SLIP_FAILURES, Attempt, AttemptState, Way
from results.vault.dossiers import Dossier, Slip, Wish
from results.vault.releases import ReleaseAct
from results.vault.slips import void_slip
from tests.results.signing_room import SigningRoom, result
from tests.staffroom import Browser

C0, C1, C2 = ReleaseClass.C0, ReleaseClass.C1, ReleaseClass.C2
VALUE, NUMBER, LIST = "2,37", "06 12 34 56 78", "/telephone/rappels"
SAID = {"family_name": "Moreau", "given_name": "Jeanne", "birth_digits": "28/02/1954"}
HEARD = "/telephone/sans-talon/note"


class Absent:
    """A patient whose result is ready, and whose slip lies at home."""

    def __init__(self, room: SigningRoom) -> None:
        self.room, self.desks = room, room.desks
        self.desks.later(seconds=30)  # six digits are good once
        self.sophie = self.desks.browser()
        self.dossier_id = self.visit_id = self.slip_id = UUID(int=0)

    def comes(
        self, release_class: ReleaseClass = C0, *, number: str = NUMBER, slip: bool = True, signed: bool = True,
        hour: bool = True,         **form: str,
    ) -> None:  # fmt: skip
        """Give the number at the counter, take the slip, and go home; the promised hour passes."""
        self.dossier_id = self.desks.dossier(release_class)
        self.visit_id = self.room.visit_of(self.dossier_id)
        assert self.chooses(number=number, **form).status_code == 303
        if slip:
            self.slip_id = self.desks.slip(self.dossier_id).slip_id
        self.desks.report(self.dossier_id, release_class, body=result("1608", VALUE), signed=signed)
        if hour:
            self.later(minutes=61)

    def later(self, **span: float) -> None:
        """Time passes; Sophie has left her desk and comes back."""
        self.desks.later(**span)
        self.room.station.runs(self.desks.at, self.desks.chance)
        self.sophie = self.desks.browser()

    def chooses(self, **form: str) -> TestResponse:
        path = f"/passage/{self.visit_id}/resultats"
        self.desks.later(seconds=1)
        self.sophie.get(path)
        said = {"preference": "phone", "wants_phone": "yes", "document": "passport", "form_key": self.room.key()}
        return self.sophie.post(path, **said | form)

    def asks(self, **other: str) -> TestResponse:
        self.sophie.get("/telephone")
        return self.sophie.post("/telephone/sans-talon/noter", **SAID | {"form_key": self.room.key()} | other)

    def waits(self, **other: str) -> TestResponse:
        """Ask, and let the two minutes pass in which nobody is rung."""
        answer = self.asks(**other)
        self.desks.later(minutes=2)
        return answer

    def listed(self, browser: Browser | None = None) -> list[str]:
        return re.findall(rf'href="({LIST}/[^"]+)"', (browser or self.sophie).get(LIST).text)

    def reads(self, path: str, date: str = "28/02/1954", key: str = "", browser: Browser | None = None) -> TestResponse:
        return (browser or self.sophie).post(path + "/lire", birth_digits=date, form_key=key or self.room.key())

    def changes(self, table: type, where: object, **values: object) -> None:
        with self.desks.database.transaction("results") as db:
            db.execute(update(table).where(where).values(**values))  # type: ignore[arg-type]

    def acts(self) -> list[ReleaseAct]:
        with self.desks.database.reading() as db:
            return list(db.scalars(select(ReleaseAct)))

    def calls(self) -> list[PhoneCall]:
        with self.desks.database.reading() as db:
            return list(db.scalars(select(PhoneCall).order_by(PhoneCall.opened_at)))


@pytest.fixture
def absent(room: SigningRoom) -> Absent:
    return Absent(room)


def test_an_ordinary_result_is_told_at_the_number_that_was_given_in_person(absent: Absent) -> None:
    absent.comes()
    assert absent.waits().headers["Location"] == HEARD
    assert absent.sophie.get("/telephone/appel").status_code == 404  # nobody is on the line any more
    assert "est à rappeler" in absent.sophie.get("/").text
    assert "MOREAU" not in absent.sophie.get(LIST).text
    (path,) = absent.listed()
    page = absent.sophie.get(path).text
    assert NUMBER in page
    assert "MOREAU" in page
    assert VALUE not in page
    assert "1954" not in page  # the person says the date; who rings does not read it
    key = absent.room.key()
    assert VALUE in absent.reads(path, key=key).text
    assert VALUE in absent.reads(path, key=key).text  # Enter pressed twice
    assert absent.reads(path).status_code == 404
    (act,) = absent.acts()
    (call,) = absent.calls()
    assert (act.channel, act.person, act.call_id, act.attempt_id) == ("call_back", "without_code", call.id, None)
    assert act.by == absent.desks.sophie
    assert absent.desks.entries("release.told") == absent.desks.entries("call.asked") == 1
    page = absent.sophie.get("/telephone/fin").text
    assert "Résultat lu" in page
    named = re.findall(r'name="call" value="([^"]+)"', page)[0]
    assert absent.sophie.post("/telephone/fin", call=named, outcome=Outcome.TOLD).status_code == 303
    assert absent.calls()[0].outcome is Outcome.TOLD
    assert absent.listed() == []
    assert "est à rappeler" not in absent.sophie.get("/").text
    with absent.desks.database.reading() as db:
        assert verify(db, "results").sound


def test_two_minutes_later_the_same_form_shows_nothing_more(absent: Absent) -> None:
    absent.comes()
    absent.waits()
    (path,) = absent.listed()
    key = absent.room.key()
    assert VALUE in absent.reads(path, key=key).text
    absent.desks.later(minutes=3)
    again = absent.reads(path, key=key)
    assert again.status_code == 404
    assert VALUE not in again.text
    assert len(absent.acts()) == 1


def test_what_must_be_followed_is_repeated_before_the_call_ends(absent: Absent) -> None:
    absent.comes(C1)
    absent.waits()
    (path,) = absent.listed()
    # Another call was left on the line: what is repeated is what was read, not that one.
    absent.desks.later(seconds=1)
    absent.sophie.post("/telephone/reference", handle_digits="7041931", form_key=absent.room.key())
    assert absent.sophie.get("/telephone/appel").status_code == 200
    assert "/telephone/repetition" in absent.reads(path).text
    page = absent.sophie.get("/telephone/repetition").text
    call = re.findall(r'name="call" value="([^"]+)"', page)[0]
    assert call == path.rsplit("/", 1)[1]
    assert absent.sophie.post("/telephone/repetition", call=call, heard_secret="2,73").status_code == 422
    assert absent.sophie.post("/telephone/fin", call=call, outcome=Outcome.TOLD).status_code == 409
    assert absent.sophie.post("/telephone/repetition", call=call, heard_secret="2.37").status_code == 303
    assert absent.sophie.post("/telephone/fin", call=call, outcome=Outcome.TOLD).status_code == 303


@pytest.mark.parametrize(
    "why",
    ["nothing", "unknown", "other_date", "no_pin", "void_slip", "confidential", "not_ready", "no_number", "said_no",
     "in_person", "discreet", "minor", "held", "stopped", "worn_out", "unsigned", "no_document", "withdrawn_wish",
     "forged"],
)  # fmt: skip
def test_nobody_is_rung_whom_anything_stands_in_the_way_of_and_the_answer_is_the_same(absent: Absent, why: str) -> None:
    """Whoever asks, the answer is what somebody whom nobody knows hears: status, headers and body, byte by byte."""
    absent.comes(
        C2 if why == "confidential" else C0, number="" if why == "no_number" else NUMBER, slip=why != "no_pin",
        signed=why != "unsigned", hour=why != "not_ready", **({"wish": "in_person_only"} if why == "in_person" else {}),
    )  # fmt: skip
    BREAKS.get(why, _nothing)(absent)
    measure = absent.asks(family_name="Personne")
    nobody = absent.sophie.get(HEARD)
    said = {"unknown": {"family_name": "Diallo"}, "other_date": {"birth_digits": "01/03/1954"}}.get(why, {})
    answer = absent.asks(**said)
    assert (answer.status_code, answer.data, sorted(answer.headers)) == (
        measure.status_code, measure.data, sorted(measure.headers),
    )  # fmt: skip
    assert bare(absent.sophie.get(HEARD)) == bare(nobody)
    assert absent.listed() == []
    absent.desks.later(minutes=2)
    assert len(absent.listed()) == (why == "nothing")
    assert not absent.acts()
    assert len(absent.calls()) == absent.desks.entries("call.asked") == 2


def bare(page: TestResponse) -> str:
    """A page without what is fresh in every page: its key and its token."""
    return re.sub(r'value="[^"]{32,}"|content="[^"]{32,}"', "", page.text)


def _nothing(absent: Absent) -> None:
    del absent


def _void(absent: Absent) -> None:
    with absent.desks.database.transaction("results") as db:
        void_slip(db, absent.slip_id, by=absent.desks.sophie, at=absent.desks.at, chance=absent.desks.chance)


def _marks(absent: Absent) -> None:
    with absent.desks.database.transaction("results") as db:
        discretion.mark_discreet(
            db, db.get_one(Visit, absent.visit_id), by=absent.desks.sophie, power=absent.desks.room.power,
            at=absent.desks.at, chance=absent.desks.chance, key=absent.room.key(),
        )  # fmt: skip


def _was_a_child(absent: Absent) -> None:
    """The number was given by a parent: it was never said to be the child's own."""
    with absent.desks.database.transaction() as db:
        patient = patient_of(db, absent.visit_id)
        assert patient is not None
        patient.birth_date = f"{absent.desks.at.year - 9}0228"
    absent.chooses(number=NUMBER)
    with absent.desks.database.transaction() as db:
        patient = patient_of(db, absent.visit_id)
        assert patient is not None
        patient.birth_date = "19540228"


def _holds(absent: Absent) -> None:
    with absent.desks.database.transaction("results") as db:
        report = db.scalars(select(Report)).one()
        hold(
            db, report, HoldReason.CONTROL, by=absent.desks.room.people["lenoir"].id, power=absent.desks.room.power,
            at=absent.desks.at, chance=absent.desks.chance, key=absent.room.key(),
        )  # fmt: skip


def _fails_ten_times(absent: Absent) -> None:
    with absent.desks.database.transaction("results") as db:
        for _ in range(SLIP_FAILURES):
            db.add(
                Attempt(
                    id=UUID(bytes=absent.desks.chance(16)), site_id=absent.desks.site().id, key=absent.room.key(),
                    slip_id=absent.slip_id, line=1, call_id=UUID(int=1), way=Way.PHONE, by=absent.desks.sophie,
                    at=absent.desks.at, state=AttemptState.REFUSED, is_tested=True, why="code",
                )
            )  # fmt: skip
    absent.later(hours=2)


BREAKS: dict[str, Callable[[Absent], object]] = {
    "void_slip": _void,
    "forged": lambda absent: absent.changes(Dossier, Dossier.id == absent.dossier_id, wishes="own_number discreet"),
    "said_no": lambda absent: absent.chooses(wants_phone="no", number=NUMBER),
    "discreet": _marks,
    "minor": _was_a_child,
    "held": _holds,
    "stopped": lambda absent: keep_stop(absent.desks.keys, 1),
    "worn_out": _fails_ten_times,
    "no_document": lambda absent: absent.changes(
        Delivery, Delivery.visit_id == absent.visit_id, wants_phone=False, document=None
    ),
    "withdrawn_wish": lambda absent: absent.chooses(number=""),
}


def test_the_same_wish_waits_until_the_result_may_be_told_and_until_the_evening(absent: Absent) -> None:
    absent.comes(hour=False)
    absent.waits()
    absent.waits()  # asked again: still one person to ring
    assert absent.listed() == []
    absent.later(minutes=61)
    assert len(absent.listed()) == 1
    absent.later(hours=24)
    assert absent.listed() == []
    assert absent.waits().status_code == 303
    assert [call.outcome for call in absent.calls()] == [Outcome.EXPIRED, Outcome.EXPIRED, None]


def test_a_form_that_is_sent_twice_is_noted_once(absent: Absent) -> None:
    absent.comes()
    key = absent.room.key()
    assert absent.asks(form_key=key).headers["Location"] == absent.asks(form_key=key).headers["Location"] == HEARD
    assert len(absent.calls()) == 1


@pytest.mark.parametrize(
    "said",
    [
        {"family_name": "  moreau "}, {"family_name": "MOREAU", "given_name": "marie"},
        {"given_name": "jéanne", "birth_digits": "28 2 1954"},
    ],
)  # fmt: skip
def test_a_name_is_read_as_it_sounds(absent: Absent, said: dict[str, str]) -> None:
    absent.comes()
    absent.waits(**said)
    assert len(absent.listed()) == 1


def test_two_people_with_one_name_and_birth_date_are_nobody(absent: Absent) -> None:
    absent.comes()
    absent.comes()
    absent.waits()
    assert absent.listed() == []


@pytest.mark.parametrize(
    ("missing", "field"),
    [("family_name", "family_name"), ("given_name", "family_name"), ("birth_digits", "birth_digits")],
)
def test_what_is_missing_is_asked_for_and_nothing_typed_is_lost(absent: Absent, missing: str, field: str) -> None:
    answer = absent.asks(**{missing: ""})
    assert answer.status_code == 422
    assert f'id="{field}-problem"' in answer.text
    assert all(said in answer.text for name, said in SAID.items() if name != missing)
    assert not absent.calls()


def test_whoever_says_another_birth_date_three_times_is_told_nothing(absent: Absent) -> None:
    absent.comes()
    absent.waits()
    (path,) = absent.listed()
    assert absent.reads(path, "31/02/1954").status_code == 422  # no such day: misheard, and no try
    for tries in (1, 2):
        answer = absent.reads(path, "27/02/1954")
        assert answer.status_code == 422
        assert VALUE not in answer.text
        assert absent.calls()[0].birth_tries == tries
    assert absent.reads(path, "27/02/1954").headers["Location"] == LIST
    assert absent.calls()[0].outcome is Outcome.OTHER_PERSON
    assert absent.reads(path).status_code == 404
    assert not absent.acts()


@pytest.mark.parametrize("outcome", [Outcome.NOT_REACHED, Outcome.OTHER_PERSON])
def test_nobody_there_is_written_down_and_rung_no_more(absent: Absent, outcome: Outcome) -> None:
    absent.comes()
    absent.waits()
    (path,) = absent.listed()
    assert absent.sophie.post(path + "/fin", outcome=Outcome.TOLD).status_code == 409
    assert absent.sophie.post(path + "/fin", outcome=outcome).status_code == 303
    assert absent.sophie.post(path + "/fin", outcome=outcome).status_code == 404
    assert absent.calls()[0].outcome is outcome
    assert absent.listed() == []
    assert absent.reads(path).status_code == 404


def test_what_changes_while_it_rings_closes_the_call(absent: Absent) -> None:
    absent.comes()
    absent.waits()
    (path,) = absent.listed()
    assert NUMBER in absent.sophie.get(path).text
    _holds(absent)
    answer = absent.reads(path)
    assert answer.status_code == 404
    assert VALUE not in answer.text
    assert not absent.acts()
    assert absent.calls()[0].state is State.ASKED


def test_a_slip_that_is_void_meanwhile_rings_nobody(absent: Absent) -> None:
    absent.comes()
    absent.waits()
    assert len(absent.listed()) == 1
    _void(absent)
    assert absent.listed() == []


def test_a_sampler_sees_nobody_to_ring(absent: Absent) -> None:
    absent.comes()
    absent.waits()
    (path,) = absent.listed()
    karim = absent.desks.browser("karim")
    assert absent.listed(karim) == []
    assert karim.get(path).status_code == 404
    assert absent.reads(path, browser=karim).status_code == 404


def test_a_number_laid_beside_another_visits_choice_rings_nobody(absent: Absent) -> None:
    """Whoever writes in the database has a number of their own, and the patient has one too."""
    absent.comes(slip=False)
    with absent.desks.database.reading() as db:
        theirs = db.scalars(select(PatientNumber)).one()
    other = Absent(absent.room)
    other.comes(number="06 99 99 99 99")
    with absent.desks.database.transaction() as db:  # the first one is called otherwise: the second is asked for
        patient = patient_of(db, absent.visit_id)
        assert patient is not None
        patient.birth_name, patient.folded_birth_name = "DIALLO", "DIALLO"
    other.waits()
    assert len(other.listed()) == 1
    with absent.desks.database.transaction("results") as db:
        choice = db.scalars(select(Delivery.id).where(Delivery.visit_id == other.visit_id).order_by(Delivery.id.desc()))
        db.execute(
            update(PatientNumber).where(PatientNumber.delivery_id == choice.first()).values(number=theirs.number)
        )
    assert other.listed() == []
    with absent.desks.database.transaction("results") as db:
        db.execute(delete(PatientNumber).where(PatientNumber.delivery_id != theirs.delivery_id))
        moved = {"visit_id": other.visit_id, "at": absent.desks.at}
        db.execute(update(Delivery).where(Delivery.id == theirs.delivery_id).values(**moved))
    assert other.listed() == []


def test_the_number_is_sealed_and_in_no_log_and_no_journal(absent: Absent, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        absent.comes()
        absent.waits()
        absent.reads(absent.listed()[0])
    digits = NUMBER.replace(" ", "")
    assert not any(word in caplog.text for word in (digits, NUMBER, "Moreau", "MOREAU", "1954"))
    with absent.desks.database.reading() as db:
        assert not any(digits in one.text or "oreau" in one.text for one in db.scalars(select(ResultsText)))
        assert digits.encode() not in db.scalars(select(PatientNumber.number)).one()


def test_a_wrong_number_is_said_and_nothing_typed_is_lost(absent: Absent) -> None:
    absent.comes(number="")
    answer = absent.chooses(number="06 12 34")
    assert answer.status_code == 422
    assert 'id="number-problem"' in answer.text
    assert 'value="06 12 34"' in answer.text


def test_the_number_of_the_visit_before_is_shown_to_be_confirmed_and_a_discreet_visits_never(absent: Absent) -> None:
    absent.comes()
    with absent.desks.database.reading() as db:
        patient = patient_of(db, absent.visit_id)
        assert patient is not None
    later = absent.desks.visit(C0)
    with absent.desks.database.transaction() as db:
        db.execute(
            text("UPDATE recognition SET patient_id = :patient WHERE visit_id = :visit"),
            {"patient": patient.id.hex, "visit": later.id.hex},
        )
    page = f"/passage/{later.id}/resultats"
    assert f'value="{NUMBER}"' in absent.sophie.get(page).text
    assert "est-ce toujours le sien" in absent.sophie.get(page).text
    _marks(absent)
    assert NUMBER not in absent.sophie.get(page).text


def test_a_childs_own_number_is_said_to_be_so(absent: Absent) -> None:
    absent.comes(hour=False)
    with absent.desks.database.transaction() as db:
        patient = patient_of(db, absent.visit_id)
        assert patient is not None
        patient.birth_date = f"{absent.desks.at.year - 16}0228"
    assert "pas celui d'un parent" in absent.sophie.get(f"/passage/{absent.visit_id}/resultats").text
    for said, own in (({"is_own": "yes"}, True), ({}, False)):
        absent.chooses(number=NUMBER, **said)
        with absent.desks.database.reading() as db:
            assert (Wish.OWN_NUMBER in db.get_one(Dossier, absent.dossier_id).wished) is own
            assert db.scalars(select(Slip)).one().dossier_id == absent.dossier_id
