"""A physician on the telephone: proved or told the one sentence, read to once, heard without seeing."""

import re
from uuid import UUID

import pytest
from pyotp import TOTP
from sqlalchemy import select
from werkzeug.test import TestResponse

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.patients import patient_of
from kiosk.register.visits import visit_of
from results.holds import HoldReason, hold
from results.physicians.calls import Outcome, PhysicianCall, Proof, State
from results.physicians.orders import OrderPhysician, Standing, name_physician
from results.physicians.register import Physician, begin_enrolment, end_enrolment, enter_physician, set_number
from results.reports.versions import Report, ReportVersion
from results.vault.dossiers import Dossier, Wish
from results.vault.releases import ReleaseAct
from tests.results.signing_room import SigningRoom, asks_for_keys, result
from tests.staffroom import Browser

C0, C1, C2 = ReleaseClass.C0, ReleaseClass.C1, ReleaseClass.C2
RPPS, NUMBER, VALUE = "10001234567", "0611223344", "42719"
SENTENCE = "Je ne peux rien communiquer par téléphone pour le moment."
ROOT = "/telephone/medecin"


class Doctor:
    """Dr Petit on the telephone, and whoever types what she says."""

    def __init__(self, room: SigningRoom, browser: Browser) -> None:
        self.room, self.desks, self.browser = room, room.desks, browser
        desks, by = self.desks, self.desks.room.people["lenoir"].id
        with desks.database.transaction("results") as db:
            row = enter_physician(
                db, desks.site().id, rpps=RPPS, name="Anne Petit", by=by, power=desks.room.power, at=desks.at,
                chance=desks.chance, key=room.key(),
            )  # fmt: skip
            self.id = row.id
            set_number(db, row.id, NUMBER, by=by, power=desks.room.power, at=desks.at, chance=desks.chance)
            self.seed = begin_enrolment(
                db, row.id, by=by, power=desks.room.power, at=desks.at, chance=desks.chance
            ).seed
            end_enrolment(
                db, row.id, TOTP(self.seed).at(desks.at), by=by, power=desks.room.power, at=desks.at,
                chance=desks.chance,
            )  # fmt: skip

    def ordered(
        self, release_class: ReleaseClass = C1, *, standing: Standing = Standing.PRESCRIBER, value: str = VALUE,
        named: bool = True, wishes: tuple[Wish, ...] = (), signed: bool = True,
    ) -> UUID:  # fmt: skip
        """A visit whose result may be told, ordered by Dr Petit."""
        desks = self.desks
        dossier_id = desks.dossier(release_class, wishes=wishes)
        body = result("1608", value).replace(b"Dosage essentiel", b"Potassium")
        desks.report(dossier_id, release_class, body=body, signed=signed)
        visit_id = self.room.visit_of(dossier_id)
        if named:
            with desks.database.transaction("results") as db:
                name_physician(
                    db, visit_of(db, visit_id), self.id, standing, by=desks.sophie, power=desks.room.power,
                    at=desks.at, chance=desks.chance,
                )  # fmt: skip
        return visit_id

    def masks(self, visit_id: UUID) -> None:
        """The laboratory system hides the result from everyone but the prescriber."""
        with self.desks.database.transaction("results") as db:
            dossier = db.scalars(select(Dossier.id).where(Dossier.visit_id == visit_id)).one()
            report = db.scalars(select(Report.id).where(Report.dossier == dossier)).one()
            db.get_one(ReportVersion, (report, 1)).flags = "professionals"

    def hour(self) -> None:
        self.desks.later(hours=2)
        self.browser.sign_in("sophie")

    def name_of(self, visit_id: UUID) -> str:
        with self.desks.database.reading() as db:
            patient = patient_of(db, visit_id)
        assert patient is not None
        return patient.birth_name

    def calls(self, rpps: str = RPPS) -> str:
        self.browser.get(ROOT)
        answer = self.browser.post(ROOT, rpps=rpps, form_key=self.room.key())
        assert answer.status_code == 303, answer.text
        return answer.headers["Location"]

    def digits(self, steps: int = 0) -> str:
        return TOTP(self.seed).at(self.desks.at, counter_offset=steps)

    def asks(self, call: str, name: str, **said: str) -> TestResponse:
        fields = {
            "digits": self.digits(), "birth_name": name, "birth_digits": "28/02/1954", "form_key": self.room.key()
        }  # fmt: skip
        return self.browser.post(f"{call}/demande", **{**fields, **said})

    def repeats(self, call: str, **said: str) -> TestResponse:
        fields = {
            "read": "0", "initials": "JM", "year": "1954", "analysis_secret": "potassium", "value_secret": VALUE,
            "unit_secret": "g/L",
        }  # fmt: skip
        return self.browser.post(f"{call}/repetition", **{**fields, **said})

    def call(self) -> PhysicianCall:
        with self.desks.database.reading() as db:
            return db.scalars(select(PhysicianCall).order_by(PhysicianCall.opened_at.desc())).first()  # type: ignore[return-value]  # one was opened

    def acts(self) -> list[ReleaseAct]:
        with self.desks.database.reading() as db:
            return list(db.scalars(select(ReleaseAct)))


@pytest.fixture
def doctor(room: SigningRoom) -> Doctor:
    return Doctor(room, room.desks.browser())


def whole(answer: TestResponse) -> tuple[int, list[str], str]:
    """All that leaves, without what is drawn for each page."""
    bare = re.sub(r'value="[^"]{91}"|value="[0-9a-f]{32}"|[0-9a-f]{8}-[0-9a-f-]{27}', "", answer.text)
    return answer.status_code, sorted(answer.headers.keys()), bare


def test_a_proved_prescriber_is_told_and_repeats_without_anyone_seeing(doctor: Doctor) -> None:
    visit = doctor.ordered()
    doctor.hour()
    call = doctor.calls()
    assert VALUE not in doctor.browser.get(call).text
    told = doctor.asks(call, doctor.name_of(visit))
    assert told.status_code == 200
    assert VALUE in told.text
    assert "Potassium" in told.text
    assert told.headers["Cache-Control"] == "no-store"
    page = doctor.browser.post(f"{call}/lu", read="0")
    assert "Sophie Martin" in page.text
    assert VALUE not in page.text
    assert "otassium" not in page.text
    wrong = doctor.repeats(call, value_secret="4271")
    assert wrong.status_code == 422
    assert VALUE not in wrong.text
    assert doctor.browser.post(f"{call}/fin", outcome="told").status_code == 409
    assert doctor.repeats(call).status_code == 303
    assert doctor.browser.post(f"{call}/fin", outcome="told").status_code == 303
    (act,) = doctor.acts()
    ended = doctor.call()
    assert (act.person, act.channel, act.call_id, act.by) == ("physician", "phone", ended.id, doctor.desks.sophie)
    assert (ended.state, ended.outcome, ended.proof, ended.physician_id) == (
        State.CLOSED, Outcome.TOLD, Proof.DIGITS, doctor.id,
    )  # fmt: skip


def test_what_is_masked_from_professionals_is_told_to_the_prescriber(doctor: Doctor) -> None:
    visit = doctor.ordered()
    doctor.masks(visit)
    doctor.hour()
    assert VALUE in doctor.asks(doctor.calls(), doctor.name_of(visit)).text


def test_three_wrong_repeats_go_to_the_biologist(doctor: Doctor) -> None:
    visit = doctor.ordered()
    doctor.hour()
    call = doctor.calls()
    doctor.asks(call, doctor.name_of(visit))
    for _ in range(3):
        answer = doctor.repeats(call, unit_secret="mmol/l")
    assert "le biologiste reprend cet appel" in answer.text
    assert doctor.repeats(call).status_code == 409
    assert doctor.browser.post(f"{call}/fin", outcome="told").status_code == 409
    assert doctor.browser.post(f"{call}/fin", outcome="passed").status_code == 303


def test_the_screen_before_the_proof_is_the_same_for_a_number_that_nobody_has(doctor: Doctor) -> None:
    doctor.hour()
    known, unknown = doctor.calls(), doctor.calls("10009999999")
    doctor.calls()
    assert whole(doctor.browser.get(doctor.calls())) == whole(doctor.browser.get(doctor.calls("10009999999")))
    assert known != unknown


def test_every_refusal_is_the_same_to_the_byte(doctor: Doctor) -> None:
    """Eleven causes, one answer."""
    ready, unnamed = doctor.ordered(), doctor.ordered(named=False)
    hidden = doctor.ordered(wishes=(Wish.NOBODY_ELSE,))
    unsigned, masked = doctor.ordered(signed=False), doctor.ordered(standing=Standing.COPY)
    doctor.masks(masked)
    desks = doctor.desks
    name = {visit: doctor.name_of(visit) for visit in (ready, unnamed, hidden, unsigned, masked)}
    causes: dict[str, tuple[str, UUID, dict[str, str]]] = {
        "nobody's number": ("10009999999", ready, {}),
        "wrong digits": (RPPS, ready, {"digits": "000000"}),
        "no digits": (RPPS, ready, {"digits": ""}),
        "unknown patient": (RPPS, ready, {"birth_name": "Personne"}),
        "wrong birth date": (RPPS, ready, {"birth_digits": "01/01/1950"}),
        "not the prescriber": (RPPS, unnamed, {}),
        "nobody else": (RPPS, hidden, {}),
        "not signed": (RPPS, unsigned, {}),
        "masked from copies": (RPPS, masked, {}),
    }
    doctor.hour()
    answers = {}
    for cause, (rpps, visit, said) in causes.items():
        desks.later(minutes=2)
        doctor.browser.sign_in("sophie")
        answers[cause] = whole(doctor.asks(doctor.calls(rpps), name[visit], **said))
    # The same holds for a report that is held now, and for digits that were used.
    desks.later(minutes=2)
    doctor.browser.sign_in("sophie")
    doctor.asks(doctor.calls(), "Personne")
    answers["digits used"] = whole(doctor.asks(doctor.calls(), name[ready]))
    with desks.database.transaction("results") as db:
        for report in db.scalars(select(Report)):
            hold(
                db, report, HoldReason.TALK, by=desks.room.people["lenoir"].id, power=desks.room.power, at=desks.at,
                chance=desks.chance, key=doctor.room.key(),
            )  # fmt: skip
    desks.later(minutes=2)
    doctor.browser.sign_in("sophie")
    answers["held"] = whole(doctor.asks(doctor.calls(), name[ready]))
    assert SENTENCE in answers["held"][2]
    assert len(answers) == 11
    assert {cause for cause, answer in answers.items() if answer != answers["held"]} == set()
    assert doctor.acts() == []


def test_an_order_that_names_another_physician_is_told_to_that_one_alone(doctor: Doctor) -> None:
    visit, desks = doctor.ordered(named=False), doctor.desks
    by = desks.room.people["lenoir"].id
    with desks.database.transaction("results") as db:
        other = enter_physician(
            db, desks.site().id, rpps=RPPS[::-1], name="Jean Durand", by=by, power=desks.room.power, at=desks.at,
            chance=desks.chance, key=doctor.room.key(),
        )  # fmt: skip
        name_physician(
            db, visit_of(db, visit), other.id, Standing.PRESCRIBER, by=by, power=desks.room.power, at=desks.at,
            chance=desks.chance,
        )  # fmt: skip
    doctor.hour()
    assert VALUE not in doctor.asks(doctor.calls(), doctor.name_of(visit)).text
    assert doctor.acts() == []


def test_a_report_before_its_hour_is_not_told(doctor: Doctor) -> None:
    visit = doctor.ordered()
    assert SENTENCE in doctor.asks(doctor.calls(), doctor.name_of(visit)).text


def test_digits_open_one_question_and_the_same_form_sees_the_same_answer(doctor: Doctor) -> None:
    visit = doctor.ordered()
    doctor.hour()
    call, key = doctor.calls(), doctor.room.key()
    assert VALUE in doctor.asks(call, doctor.name_of(visit), form_key=key).text
    assert VALUE in doctor.asks(call, doctor.name_of(visit), form_key=key).text
    assert len(doctor.acts()) == 1
    assert doctor.asks(call, doctor.name_of(visit)).status_code == 409
    doctor.desks.later(seconds=121)
    assert VALUE not in doctor.asks(call, doctor.name_of(visit), form_key=key).text


def test_three_tries_end_the_call(doctor: Doctor) -> None:
    visit = doctor.ordered()
    doctor.hour()
    call = doctor.calls()
    for _ in range(3):
        doctor.asks(call, doctor.name_of(visit), digits="000000")
    assert SENTENCE in doctor.asks(call, doctor.name_of(visit)).text
    assert doctor.acts() == []


def test_the_number_on_file_proves_too_and_is_shown_to_who_rings_alone(doctor: Doctor) -> None:
    visit = doctor.ordered()
    doctor.hour()
    call = doctor.calls()
    promised = doctor.browser.post(f"{call}/rappeler")
    assert NUMBER[-2:] not in promised.text
    listed = doctor.browser.get(ROOT)
    assert "Anne Petit" in listed.text
    rung = doctor.browser.post(f"{call}/sonner")
    assert "06 11 22 33 44" in rung.text
    assert doctor.browser.post(f"{call}/joint", reached="yes").status_code == 303
    assert VALUE in doctor.asks(call, doctor.name_of(visit)).text
    (act,) = doctor.acts()
    assert act.channel == "call_back"


def test_a_promise_to_ring_sounds_the_same_for_a_number_that_nobody_has(doctor: Doctor) -> None:
    doctor.hour()
    answers = [doctor.browser.post(f"{doctor.calls(rpps)}/rappeler") for rpps in (RPPS, "10009999999")]
    assert answers[0].status_code == answers[1].status_code == 303
    assert answers[0].headers["Location"] == answers[1].headers["Location"]


def test_nobody_is_told_in_a_call_that_was_never_rung(doctor: Doctor) -> None:
    visit = doctor.ordered()
    doctor.hour()
    call = doctor.calls()
    doctor.browser.post(f"{call}/rappeler")
    assert doctor.asks(call, doctor.name_of(visit)).status_code == 409
    assert doctor.acts() == []


def test_what_is_confidential_is_the_biologists_whatever_it_says(doctor: Doctor) -> None:
    visit = doctor.ordered(C2)
    doctor.hour()
    call = doctor.calls()
    answer = doctor.asks(call, doctor.name_of(visit))
    assert "c'est toujours le biologiste qui répond" in answer.text
    assert VALUE not in answer.text
    assert doctor.acts() == []
    assert "Répondre maintenant" not in doctor.browser.get(ROOT).text
    lenoir = doctor.room.desks.browser("lenoir")
    assert "Répondre maintenant" in lenoir.get(ROOT).text
    assert "un médecin attend votre réponse" in lenoir.get(ROOT).text
    assert asks_for_keys(lenoir.post(f"{call}/reprendre"))
    doctor.room.unlock(lenoir)
    lenoir.get(ROOT)
    told = lenoir.post(f"{call}/reprendre", form_key=doctor.room.key())
    assert VALUE in told.text
    assert lenoir.post(f"{call}/lu").status_code == 200
    doctor.browser = lenoir
    assert doctor.repeats(call).status_code == 303
    (act,) = doctor.acts()
    assert act.by == doctor.desks.room.people["lenoir"].id


def test_a_secretary_cannot_answer_in_the_biologists_place(doctor: Doctor) -> None:
    visit = doctor.ordered(C2)
    doctor.hour()
    call = doctor.calls()
    doctor.asks(call, doctor.name_of(visit))
    assert doctor.browser.post(f"{call}/reprendre").status_code == 403


def test_an_order_row_that_the_house_has_not_written_names_nobody(doctor: Doctor) -> None:
    visit = doctor.ordered(named=False)
    desks = doctor.desks
    with desks.database.transaction("results") as db:
        db.add(
            OrderPhysician(
                id=visit, site_id=desks.site().id, visit_id=visit, physician_id=doctor.id,
                standing=Standing.PRESCRIBER, by=desks.sophie, at=desks.at, mac=bytes(32),
            )
        )  # fmt: skip
    doctor.hour()
    assert SENTENCE in doctor.asks(doctor.calls(), doctor.name_of(visit)).text


def test_a_long_report_is_repeated_as_far_as_it_was_read(doctor: Doctor) -> None:
    desks = doctor.desks
    dossier_id = desks.dossier(C0)
    more = "".join(f"OBX|{n}|NM|160{n}^Analyse {n}^NABM||{n}1,5|g/L|||||F\r" for n in range(2, 6))
    desks.report(dossier_id, C0, body=result("1608", VALUE, more=more))
    visit = doctor.room.visit_of(dossier_id)
    with desks.database.transaction("results") as db:
        name_physician(
            db, visit_of(db, visit), doctor.id, Standing.COPY, by=desks.sophie, power=desks.room.power, at=desks.at,
            chance=desks.chance,
        )  # fmt: skip
    doctor.hour()
    call = doctor.calls()
    told = doctor.asks(call, doctor.name_of(visit))
    assert told.text.count('name="read"') == 5
    which = doctor.browser.post(f"{call}/lu")
    assert which.status_code == 422
    assert "31,5" not in which.text
    assert doctor.browser.post(f"{call}/lu", read="2").status_code == 200
    right = doctor.repeats(call, read="2", analysis_secret="analyse 3", value_secret="31.5")
    assert right.status_code == 303


def test_the_register_never_shows_a_number_to_a_secretary(doctor: Doctor) -> None:
    page = doctor.browser.get("/medecins")
    assert "Anne Petit" in page.text
    assert "06 11" not in page.text
    assert doctor.browser.get(f"/medecins/{doctor.id}").status_code == 403
    for act in ("numero", "cle", "cle/six-chiffres", "fermer"):
        assert doctor.browser.post(f"/medecins/{doctor.id}/{act}", phone="0600000000").status_code == 403


def test_a_biologist_changes_a_number_with_open_keys_only(doctor: Doctor) -> None:
    lenoir = doctor.desks.browser("lenoir")
    lenoir.get(f"/medecins/{doctor.id}")
    closed = lenoir.post(f"/medecins/{doctor.id}/numero", phone="0601020304")
    assert asks_for_keys(closed)
    assert "06 11 22 33 44" in lenoir.get(f"/medecins/{doctor.id}").text
    doctor.room.unlock(lenoir)
    lenoir.get(f"/medecins/{doctor.id}")
    assert lenoir.post(f"/medecins/{doctor.id}/numero", phone="06 01").status_code == 422
    assert lenoir.post(f"/medecins/{doctor.id}/numero", phone="06 01 02 03 04").status_code == 303
    assert "06 01 02 03 04" in lenoir.get(f"/medecins/{doctor.id}").text


def test_a_key_is_drawn_in_person_and_believed_by_its_first_digits(doctor: Doctor) -> None:
    lenoir = doctor.room.unlocked()
    lenoir.get(f"/medecins/{doctor.id}")
    drawn = lenoir.post(f"/medecins/{doctor.id}/cle")
    seed = "".join(re.findall(r"<code>([A-Z2-7 ]+)</code>", drawn.text)[0].split())
    assert seed != doctor.seed
    assert lenoir.post(f"/medecins/{doctor.id}/cle/six-chiffres", digits="000000").status_code == 422
    doctor.desks.later(minutes=1)
    good = TOTP(seed).at(doctor.desks.at)
    assert lenoir.post(f"/medecins/{doctor.id}/cle/six-chiffres", digits=good).status_code == 303
    with doctor.desks.database.reading() as db:
        assert db.get_one(Physician, doctor.id).is_enrolled


def test_the_secretary_names_physicians_of_a_visit(doctor: Doctor) -> None:
    visit = doctor.ordered(named=False)
    page = doctor.browser.get(f"/passage/{visit}/medecins")
    assert "Anne Petit" in page.text
    assert doctor.browser.post(f"/passage/{visit}/medecins", physician="").status_code == 422
    doctor.browser.post(f"/passage/{visit}/medecins", physician=str(doctor.id), standing="copy")
    assert "copie" in doctor.browser.get(f"/passage/{visit}/medecins").text
    doctor.browser.post(f"/passage/{visit}/medecins/{doctor.id}/retirer")
    assert "Aucun médecin" in doctor.browser.get(f"/passage/{visit}/medecins").text


def test_a_physician_is_entered_once_by_number(doctor: Doctor) -> None:
    doctor.browser.get("/medecins")
    assert doctor.browser.post("/medecins", name="Marc Leroy", rpps="100 0765 4321").status_code == 303
    assert doctor.browser.post("/medecins", name="Marc Leroy", rpps="10007654321").status_code == 422
    assert doctor.browser.post("/medecins", name="Leroy", rpps="10007654322").status_code == 422
    assert doctor.browser.post("/medecins", name="Marc Leroy", rpps="1234").status_code == 422
    assert "Marc Leroy" in doctor.browser.post("/medecins/chercher", typed="leroy").text


def test_a_biologist_at_the_telephone_opens_her_keys_before_any_digits_are_spent(doctor: Doctor) -> None:
    visit = doctor.ordered(C2)
    doctor.hour()
    doctor.browser = doctor.desks.browser("lenoir")
    call, said = doctor.calls(), {"digits": doctor.digits(), "form_key": doctor.room.key()}
    assert asks_for_keys(doctor.asks(call, doctor.name_of(visit), **said))
    assert doctor.acts() == []
    doctor.room.unlock(doctor.browser)
    doctor.browser.get(call)
    assert VALUE in doctor.asks(call, doctor.name_of(visit), **said).text  # the very same form
    assert len(doctor.acts()) == 1
