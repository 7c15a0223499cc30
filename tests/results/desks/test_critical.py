"""A critical value from its message to the physician who repeats it, and what reception may know of it: nothing."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import delete, select
from werkzeug.test import TestResponse

from kiosk.exams.catalogue import ReleaseClass, catalogue
from kiosk.register.database import Database
from kiosk.register.journal import ResultsText
from kiosk.register.patients import patient_of
from labels.tubes import Tube
from labels.tubes import Verb as Drawing
from labels.tubes import move as draw
from results.critical.alerts import CriticalAlert, State
from results.critical.drills import Drill
from results.critical.finding import Cause
from results.critical.limits import CriticalLimit, set_limit
from results.exchange.intake import take
from results.matrix import SignedMatrix
from results.stopping.stops import keep_stop
from results.upkeep import laboratory
from results.vault.keys import ExchangeKeys
from results.vault.releases import ReleaseAct
from tests.results.cast import exam_of
from tests.results.signing_room import SigningRoom, asks_for_keys, open_signing_room
from tests.staffroom import Browser

Chance = Callable[[int], bytes]
C0, C2 = ReleaseClass.C0, ReleaseClass.C2
VALUE = "84213"
_LINE = re.compile(rb"(OBX\|\d+\|)[A-Z]{2}(\|[^|]*\|[^|]*\|)[^|]*\|[^|]*\|([^|]*)\|[^|]*\|")


class Laboratory:
    """Messages come in; Dr Lenoir, Karim and Sophie sit at their screens."""

    def __init__(self, room: SigningRoom) -> None:
        self.room, self.desks = room, room.desks
        self.visit = UUID(int=0)

    def message(
        self, release_class: ReleaseClass = C0, *, value: str = VALUE, mark: str = "", unit: str = "g/L"
    ) -> bytes:
        """What the laboratory system sends for a new patient whose tube was drawn today."""
        desks = self.desks
        self.visit = self.room.visit_of(desks.dossier(release_class))
        with desks.database.transaction() as db:
            for tube in db.scalars(select(Tube).where(Tube.visit_id == self.visit)):
                draw(tube, Drawing.DRAW)
                tube.drawn_at, tube.drawn_by = desks.at, "karim"
                number = tube.sample_number.encode()
        with desks.database.reading() as db:
            answers = laboratory.answers(db, desks.site(), at=desks.at, chance=desks.chance)
        (raw,) = (one for one in answers if number in one)
        line = rb"\1NM\g<2>" + f"{value}|{unit}".encode() + rb"|\3|" + mark.encode() + b"|"
        return _LINE.sub(line, raw)

    def receives(self, *raws: bytes) -> None:
        keys = ExchangeKeys.load(self.desks.keys.folder.parent / "keys-exchange")
        take(
            self.desks.database, raws, keys=self.desks.keys, exchange_keys=keys, is_production=False, at=self.desks.at,
            chance=self.desks.chance,
        )  # fmt: skip

    def limits(self, *, code: str = "", unit: str = "g/L", low: str = "", high: str = "100") -> None:
        with self.desks.database.transaction("results") as db:
            set_limit(
                db, self.desks.site().id, code=code or exam_of(C0), label="Dosage", unit=unit, low=low, high=high,
                by=self.desks.room.people["lenoir"].id, power=self.desks.room.power, at=self.desks.at,
                chance=self.desks.chance, key=self.room.key(),
            )  # fmt: skip

    def alerts(self) -> list[CriticalAlert]:
        with self.desks.database.reading() as db:
            return list(db.scalars(select(CriticalAlert).order_by(CriticalAlert.found_at)))

    def browser(self, login: str) -> Browser:
        browser = self.desks.browser(login)
        browser.get("/")
        return browser

    def goes_through(self, browser: Browser, alert: CriticalAlert, *, value: str = VALUE) -> TestResponse:
        """Call, reach, repeat, take charge."""
        root = f"/critiques/{alert.id}"
        browser.post(f"{root}/ouvrir")
        browser.post(f"{root}/appeler", contact="prescriber")
        browser.post(f"{root}/joint", person_name="Dr Anne Petit", rpps="10001234567")
        browser.post(f"{root}/repetition")
        return self.repeats(browser, alert, value_secret=value)

    def repeats(self, browser: Browser, alert: CriticalAlert, **said: str) -> TestResponse:
        fields = {
            "initials": self.initials(), "year": "1954", "analysis_secret": self.analysis(), "value_secret": VALUE,
            "unit_secret": "g/l",
        }  # fmt: skip
        return browser.post(f"/critiques/{alert.id}/comparer", **{**fields, **said})

    def initials(self) -> str:

        with self.desks.database.reading() as db:
            patient = patient_of(db, self.visit)
        assert patient is not None
        return patient.given_names[0] + patient.birth_name[0]

    def analysis(self) -> str:

        exam = catalogue().by_code(exam_of(C0))
        assert exam is not None
        return exam.name.split()[0].strip(",()")


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at: datetime, chance: Chance) -> Iterator[Laboratory]:
    with open_signing_room(tmp_path, monkeypatch, at=at, chance=chance) as opened:
        yield Laboratory(opened)


def said_of(database: Database) -> str:
    with database.reading() as db:
        return "\n".join(db.scalars(select(ResultsText.text)))


def test_the_flag_of_the_laboratory_system_opens_an_alert_at_receipt(lab: Laboratory) -> None:
    lab.receives(lab.message(mark="HH"))
    (alert,) = lab.alerts()
    assert (alert.state, alert.cause, alert.received_at) == (State.FOUND, Cause.FLAG, lab.desks.at)


def test_a_limit_opens_one_and_an_ordinary_value_none(lab: Laboratory) -> None:
    lab.limits()
    lab.receives(lab.message(value="99,9"))
    assert lab.alerts() == []
    lab.receives(lab.message())
    assert [alert.cause for alert in lab.alerts()] == [Cause.LIMIT]


def test_a_foreign_unit_and_an_unreadable_number_are_shown_at_once(lab: Laboratory) -> None:
    lab.limits()
    lab.receives(lab.message(value="1", unit="mg/dL"), lab.message(value="hémolysé"))
    assert {alert.cause for alert in lab.alerts()} == {Cause.UNREADABLE}
    assert len(lab.alerts()) == 2


def test_the_same_value_again_opens_no_second_alert_and_another_one_does(lab: Laboratory) -> None:
    raw = lab.message(mark="HH")
    lab.receives(raw)
    again = raw.replace(b"|F", b"|C", 1) if b"||F\r" not in raw else raw.replace(b"||F\r", b"||C\r")
    lab.desks.later(minutes=1)
    lab.receives(again)
    assert len(lab.alerts()) == 1
    lab.desks.later(minutes=1)
    lab.receives(again.replace(VALUE.encode(), b"90001"))
    assert len(lab.alerts()) == 2


def test_a_limit_that_somebody_wrote_into_the_database_alarms_and_breaks_no_intake(lab: Laboratory) -> None:
    lab.limits()
    with lab.desks.database.transaction("results") as db:
        db.scalars(select(CriticalLimit)).one().high = "never"
    lab.receives(lab.message(value="1"))
    assert [alert.cause for alert in lab.alerts()] == [Cause.UNREADABLE]
    assert "écrite par quelqu" in lab.browser("lenoir").get("/critiques/bornes").text


def test_a_value_is_called_repeated_and_taken_charge_of_before_hour_and_signature(lab: Laboratory) -> None:
    lab.receives(lab.message(mark="HH"))
    (alert,) = lab.alerts()
    karim = lab.browser("karim")
    listed = karim.get("/critiques").text
    assert "pas encore vue" in listed
    assert VALUE not in listed
    root = f"/critiques/{alert.id}"
    assert VALUE in karim.post(f"{root}/ouvrir").text
    assert karim.post(f"{root}/joint", person_name="Dr Petit").status_code == 409
    assert "Votre nom" in karim.post(f"{root}/appeler", contact="prescriber").text
    assert "Qui appeler" in karim.post(f"{root}/absent").text
    karim.post(f"{root}/appeler", contact="prescriber")
    assert karim.post(f"{root}/joint", person_name=" ").status_code == 422
    assert VALUE in karim.post(f"{root}/joint", person_name="Dr Anne Petit", rpps="10001234567").text
    blind = karim.post(f"{root}/repetition")
    assert VALUE not in blind.text
    assert lab.analysis() not in blind.text
    wrong = lab.repeats(karim, alert, value_secret="84231")
    assert wrong.status_code == 422
    assert VALUE not in wrong.text
    assert karim.post(f"{root}/prise-en-charge").status_code == 409
    lab.desks.later(minutes=4)
    assert "Répétée sans écart" in lab.repeats(karim, alert).text
    assert karim.post(f"{root}/prise-en-charge").status_code == 303
    assert karim.post(f"{root}/envoye").status_code == 303
    (ended,) = lab.alerts()
    assert ended.state is State.SENT
    assert [at is not None for at in (ended.seen_at, ended.called_at, ended.reached_at, ended.sent_at)] == [True] * 4
    with lab.desks.database.reading() as db:
        (act,) = db.scalars(select(ReleaseAct))
    assert (act.person, act.channel, act.call_id) == ("physician", "call_back", alert.id)
    assert VALUE not in said_of(lab.desks.database)


def test_three_wrong_repeats_give_the_call_to_somebody_else(lab: Laboratory) -> None:
    lab.receives(lab.message(mark="HH"))
    (alert,) = lab.alerts()
    karim = lab.browser("karim")
    lab.goes_through(karim, alert, value="1")
    lab.repeats(karim, alert, value_secret="2")
    third = lab.repeats(karim, alert, value_secret="3")
    assert "Trois répétitions fausses" in third.text
    (now,) = lab.alerts()
    assert now.state is State.SEEN
    assert lab.repeats(karim, alert).status_code == 409


def test_a_line_that_breaks_off_or_nobody_who_takes_charge_leads_back_to_the_list(lab: Laboratory) -> None:
    lab.receives(lab.message(mark="HH"))
    (alert,) = lab.alerts()
    root, karim = f"/critiques/{alert.id}", lab.browser("karim")
    karim.post(f"{root}/ouvrir")
    karim.post(f"{root}/appeler", contact="prescriber")
    heard = karim.post(f"{root}/joint", person_name="Dr Anne Petit")
    assert f'action="{root}/absent"' in heard.text
    assert f'action="{root}/absent"' in karim.post(f"{root}/repetition").text
    assert "Qui appeler" in karim.post(f"{root}/absent").text
    repeated = lab.goes_through(karim, alert)
    assert f'action="{root}/absent"' in repeated.text
    lab.desks.later(minutes=4)
    again = karim.post(f"{root}/absent")
    assert "Qui appeler" in again.text
    assert again.text.count("coupé, ou pas pris en charge") == 2
    lab.goes_through(karim, alert)
    karim.post(f"{root}/prise-en-charge")
    (alert,) = lab.alerts()
    assert alert.state is State.ACKNOWLEDGED
    assert alert.reached_at == alert.read_back_at == alert.acknowledged_at == lab.desks.at


def test_no_matrix_in_force_holds_no_critical_value_and_the_journal_and_the_screen_say_so(lab: Laboratory) -> None:
    lab.receives(lab.message(mark="LL"))
    (alert,) = lab.alerts()
    with lab.desks.database.transaction("results") as db:
        db.execute(delete(SignedMatrix))
    karim = lab.browser("karim")
    assert "Aucune table de remise en vigueur" in karim.post(f"/critiques/{alert.id}/ouvrir").text
    lab.goes_through(karim, alert)
    assert karim.post(f"/critiques/{alert.id}/prise-en-charge").status_code == 303
    assert "critical.unruled" in said_of(lab.desks.database)


def test_a_stop_of_releases_holds_no_critical_value_and_the_journal_and_the_screen_say_so(lab: Laboratory) -> None:
    lab.receives(lab.message(mark="LL"))
    (alert,) = lab.alerts()
    keep_stop(lab.desks.keys, 1)
    karim = lab.browser("karim")
    assert "Les remises sont arrêtées" in karim.post(f"/critiques/{alert.id}/ouvrir").text
    lab.goes_through(karim, alert)
    assert karim.post(f"/critiques/{alert.id}/prise-en-charge").status_code == 303
    assert "critical.unstopped" in said_of(lab.desks.database)


def test_what_is_confidential_is_opened_by_a_biologist_with_open_keys(lab: Laboratory) -> None:
    lab.receives(lab.message(C2, mark="HH"))
    (alert,) = lab.alerts()
    refused = lab.browser("karim").post(f"/critiques/{alert.id}/ouvrir")
    assert refused.status_code == 403
    assert VALUE not in refused.text
    lenoir = lab.browser("lenoir")
    assert asks_for_keys(lenoir.post(f"/critiques/{alert.id}/ouvrir"))
    lab.room.unlock(lenoir)
    lenoir.get("/critiques")
    assert VALUE in lenoir.post(f"/critiques/{alert.id}/ouvrir").text


def test_what_locked_keys_do_not_show_is_not_entered_and_a_call_that_failed_is(lab: Laboratory) -> None:
    lab.receives(lab.message(C2, mark="HH"))
    (alert,) = lab.alerts()
    lenoir = lab.room.unlocked()
    lenoir.get("/critiques")
    assert VALUE in lenoir.post(f"/critiques/{alert.id}/ouvrir").text

    def keys_lapse() -> None:
        for _ in range(3):  # she is there all the time, and uses no key
            lab.desks.later(minutes=4)
            lenoir.get("/critiques")

    keys_lapse()
    assert asks_for_keys(lenoir.post(f"/critiques/{alert.id}/appeler", contact="prescriber"))
    assert lab.alerts()[0].state is State.SEEN
    lab.room.unlock(lenoir)
    lenoir.get("/critiques")
    assert lenoir.post(f"/critiques/{alert.id}/appeler", contact="prescriber").status_code == 200
    keys_lapse()
    assert asks_for_keys(lenoir.post(f"/critiques/{alert.id}/joint", person_name="Dr Petit"))
    with lab.desks.database.reading() as db:
        assert list(db.scalars(select(ReleaseAct))) == []
    assert lab.alerts()[0].state is State.CALLING
    assert lenoir.post(f"/critiques/{alert.id}/absent").location == "/critiques"
    assert lab.alerts()[0].state is State.SEEN


def test_a_message_that_nobody_has_matched_alarms_too(lab: Laboratory) -> None:
    raw = re.sub(
        rb"PID\|[^\r]*", b"PID|1||999999999^^^X^PI||Inconnu^Personne^^^^^L||19000101|F", lab.message(mark="HH")
    )
    lab.receives(raw)
    (alert,) = lab.alerts()
    lenoir = lab.room.unlocked()
    assert "pas encore rattachée" in lenoir.get("/critiques").text
    opened = lenoir.post(f"/critiques/{alert.id}/ouvrir").text
    assert VALUE in opened
    assert "INCONNU" in opened


def test_the_biologists_mark_makes_a_value_critical(lab: Laboratory) -> None:
    lab.receives(lab.message())
    lenoir = lab.room.unlocked()
    page = lenoir.get("/signature").text
    report = re.findall(r'id="report-([0-9a-f-]{36})"', page)[0]
    assert "Valeur critique : appeler maintenant" in lenoir.post(f"/signature/{report}/ouvrir").text
    assert VALUE in lenoir.post(f"/critiques/signaler/{report}").text
    (alert,) = lab.alerts()
    assert (alert.cause, alert.state) == (Cause.MARK, State.SEEN)
    assert lab.browser("karim").post(f"/critiques/signaler/{report}").status_code == 403


def test_the_patient_is_called_by_the_biologist_alone_with_a_script(lab: Laboratory) -> None:
    lab.receives(lab.message(mark="HH"))
    (alert,) = lab.alerts()
    karim = lab.browser("karim")
    karim.post(f"/critiques/{alert.id}/ouvrir")
    assert "Patient, par le biologiste" not in karim.post(f"/critiques/{alert.id}/ouvrir").text
    assert karim.post(f"/critiques/{alert.id}/appeler", contact="patient").status_code == 403
    lenoir = lab.browser("lenoir")
    script = lenoir.post(f"/critiques/{alert.id}/appeler", contact="patient").text
    assert "Quel traitement prenez-vous" in script
    lenoir.post(f"/critiques/{alert.id}/joint", person_name="la patiente")
    with lab.desks.database.reading() as db:
        (act,) = db.scalars(select(ReleaseAct))
    assert act.person == "without_code"


def test_reception_sees_the_same_bytes_for_a_value_and_for_a_drill_and_no_value_ever(lab: Laboratory) -> None:
    desks, sophie = lab.desks, lab.browser("sophie")
    quiet = sophie.get("/alarme").text
    assert "demandé" not in quiet
    lab.receives(lab.message(mark="HH"))
    desks.later(minutes=4)
    assert sophie.get("/alarme").text == quiet
    desks.later(minutes=1)
    sophie.sign_in()
    real = sophie.get("/alarme")
    assert "Biologiste demandé" in real.text
    (alert,) = lab.alerts()
    lab.browser("karim").post(f"/critiques/{alert.id}/ouvrir")
    assert sophie.get("/alarme").text == quiet
    with desks.database.transaction("results") as db:
        db.add(Drill(id=desks.sophie, site_id=desks.site().id, starts_at=desks.at, ends_at=desks.at.replace(hour=23)))
    drill = sophie.get("/alarme")
    assert (drill.text, sorted(drill.headers.keys())) == (real.text, sorted(real.headers.keys()))
    assert "Exercice" in lab.browser("lenoir").get("/alarme").text
    assert sophie.get("/critiques").status_code == 403


def test_the_alarm_of_the_biologists_side_counts_and_tells_nothing(lab: Laboratory) -> None:
    karim = lab.browser("karim")
    assert "critique" not in karim.get("/alarme").text.replace("/critiques", "")
    lab.receives(lab.message(mark="HH"), lab.message(mark="LL"))
    desks = lab.desks
    desks.later(minutes=3)
    karim.sign_in("karim")
    karim.get("/")
    said = karim.get("/alarme").text
    assert "2 valeurs critiques" in said
    assert "data-rings" in said
    assert VALUE not in said
    state = re.findall(r"vu=([0-9-]+)", said)[0]
    assert karim.get(f"/alarme?vu={state}").status_code == 204
    lenoir = lab.room.unlocked()
    lenoir.get("/critiques")
    for alert in lab.alerts():
        assert lenoir.post(f"/critiques/{alert.id}/ouvrir").status_code == 200
    assert "data-rings" not in karim.get("/alarme").text


def test_only_a_biologist_ends_a_value_without_a_call(lab: Laboratory) -> None:
    lab.receives(lab.message(mark="HH"))
    (alert,) = lab.alerts()
    assert lab.browser("karim").post(f"/critiques/{alert.id}/clore", reason="known").status_code == 403
    lenoir = lab.browser("lenoir")
    assert lenoir.post(f"/critiques/{alert.id}/clore", reason="").status_code == 422
    assert lenoir.post(f"/critiques/{alert.id}/clore", reason="known").status_code == 303
    assert lab.alerts()[0].state is State.CLOSED


def test_limits_and_the_list_are_the_biologists_and_the_figures_the_managers_too(lab: Laboratory) -> None:
    lab.receives(lab.message(mark="HH"))
    lenoir, roux = lab.browser("lenoir"), lab.browser("roux")
    limit = {"label": "Potassium", "code": "1608", "unit": "mmol/L", "low": "2,5", "high": "6,5"}
    step = {"starts": "8:00", "ends": "19:00", "minute": "0", "contact": "biologist", "number": "06 11 22 33 44"}
    for path, form in (("bornes", limit), ("qui-appeler", step)):
        assert asks_for_keys(lenoir.post(f"/critiques/{path}", **form))
    lab.room.unlock(lenoir)
    lenoir.get("/critiques/bornes")
    assert lenoir.post("/critiques/bornes", **{**limit, "low": "7"}).status_code == 422
    assert lenoir.post("/critiques/bornes", **limit).status_code == 303
    page = lenoir.get("/critiques/bornes").text
    assert "2,5" in page
    ended = re.findall(r"/critiques/bornes/([0-9a-f-]{36})/retirer", page)
    assert lenoir.post(f"/critiques/bornes/{ended[0]}/retirer").status_code == 303
    assert lenoir.post("/critiques/qui-appeler", **step).headers["Location"] == "/critiques/qui-appeler"
    assert "06 11 22 33 44" in lenoir.get("/critiques/qui-appeler").text
    assert roux.get("/critiques/bornes").status_code == 403
    assert "Joint en 30 min" in roux.get("/critiques/delais").text
    table = roux.get("/critiques/delais.csv")
    assert table.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert table.text.count("\r\n") == 2
    assert VALUE not in table.text
    assert lab.browser("sophie").get("/critiques/delais").status_code == 403
