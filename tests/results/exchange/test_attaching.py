"""A correction that waits finds its report: a person says whose it is, a biologist files it, and it is signed."""

import re
from html import unescape
from uuid import UUID

import pytest
from playwright.sync_api import Browser as Chromium
from sqlalchemy import select
from werkzeug.test import TestResponse

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.journal import RegisterText, ResultsText, verify
from kiosk.register.patients import Patient
from kiosk.register.visits import Visit
from labels.tubes import Tube
from results.critical.alerts import CriticalAlert
from results.exchange.intake import Intake, take
from results.exchange.received import MessageState, ReceivedMessage
from results.holds import HoldReason, hold, holds_of
from results.reports.versions import Part, Reason, Recipient, Report, ReportVersion, SealedKey, State
from results.vault.keys import ExchangeKeys
from tests.results.cast import exam_of
from tests.results.seated import is_readable, presses, reach, seated
from tests.results.signing_room import SigningRoom, asks_for_keys, seen_in
from tests.staffroom import Browser

C0, C3 = ReleaseClass.C0, ReleaseClass.C3
OLD, NEW, ROOT = "4271", "5893", "/messages-retenus"
TRAITS = {"birth_name": "Moreau", "birth_date": "28/02/1954"}


class Waiting:
    """A signed report, and its correction under a name that is spelt otherwise."""

    def __init__(self, room: SigningRoom, release_class: ReleaseClass = C0) -> None:
        self.room, self.code = room, exam_of(release_class)
        dossier_id = room.desks.dossier(release_class)
        self.visit_id = room.visit_of(dossier_id)
        with room.desks.database.reading() as db:
            self.sample = db.scalars(select(Tube.sample_number).where(Tube.visit_id == self.visit_id)).first()
        assert self.comes(OLD).tally.matched == 1
        (report,) = self.reports()
        self.report_id = report.id
        self.lenoir = room.unlocked()
        self.signs(OLD)

    def message(self, value: str, *, name: str, status: str, said: str, flag: str, end: str) -> bytes:
        return (
            f"MSH|^~\\&|SIL|LABO|||20261121{said}||ORU^R01^ORU_R01|M{said}|P|2.5\r"
            f"PID|1||1||{name}^Jeanne^Jeanne Marie^^^^L||19540228|F\r"
            f"OBR|1|{self.sample}|F1|{self.code}^Dosage^NABM|||20261121080000|||||||||||||||||F\r"
            f"OBX|1|NM|{self.code}^Dosage essentiel^NABM||{value}|g/L|1-2|{flag}|||{status}{end}"
        ).encode()

    def comes(
        self, value: str, *, name: str = "MOREAU", status: str = "F", said: str = "083000", flag: str = "",
        end: str = "\r",
    ) -> Intake:  # fmt: skip
        desks = self.room.desks
        raw = self.message(value, name=name, status=status, said=said, flag=flag, end=end)
        keys = ExchangeKeys.load(desks.room.folder / "keys-exchange")
        return take(
            desks.database, [raw], keys=desks.keys, exchange_keys=keys, is_production=True, at=desks.at,
            chance=desks.chance,
        )  # fmt: skip

    def waits(self, **other: str) -> UUID:
        """The correction comes, and is held."""
        fields = {"name": "MOREAUX", "status": "C", "said": "093000"} | other
        assert self.comes(NEW, **fields).tally.quarantined == 1
        with self.room.desks.database.reading() as db:
            return db.scalars(select(ReceivedMessage.id).where(ReceivedMessage.state == MessageState.HELD)).one()

    def opens(self, browser: Browser, message_id: UUID) -> str:
        browser.get(ROOT)
        return unescape(browser.post(f"{ROOT}/{message_id}/ouvrir", form_key=self.room.key()).text)

    def attaches(self, browser: Browser, message_id: UUID, **other: str) -> TestResponse:
        fields = {"form_key": self.room.key(), "visit": str(self.visit_id)} | TRAITS | other
        return browser.post(f"{ROOT}/{message_id}/rattacher", **fields)

    def files(self, browser: Browser, message_id: UUID, visit_id: UUID | None = None) -> TestResponse:
        browser.get(ROOT)
        seen = str(visit_id or self.visit_id)
        return browser.post(f"{ROOT}/{message_id}/classer", form_key=self.room.key(), visit=seen)

    def signs(self, value: str) -> None:
        """Dr Lenoir reads it and signs what she has read."""
        self.lenoir.get("/signature")
        shown = self.lenoir.post(f"/signature/{self.report_id}/ouvrir", form_key=self.room.key())
        assert value in shown.text
        signed = self.lenoir.post(
            f"/signature/{self.report_id}/signer", form_key=self.room.key(), seen=seen_in(shown.text), whole="yes",
            route="yes",
        )  # fmt: skip
        assert signed.status_code == 303, signed.text

    def hands_over(self) -> str:
        """What stands on the paper that the counter gives."""
        sophie = self.room.desks.browser("sophie")
        sophie.get("/remise")
        sophie.post(f"/remise/{self.visit_id}/sans-code", form_key=self.room.key(), document="identity_card")
        return self.room.printed()

    def reports(self) -> list[Report]:
        with self.room.desks.database.reading() as db:
            return list(db.scalars(select(Report).where(Report.dossier.is_not(None))))

    def versions(self) -> list[tuple[State, Reason | None]]:
        with self.room.desks.database.reading() as db:
            asked = select(ReportVersion).where(ReportVersion.report_id == self.report_id)
            return [(one.state, one.reason) for one in db.scalars(asked.order_by(ReportVersion.version))]

    def holds(self) -> list[HoldReason]:
        with self.room.desks.database.reading() as db:
            return [one.reason for one in holds_of(db, self.report_id, self.room.desks.room.power)]


def journal(room: SigningRoom) -> str:
    with room.desks.database.reading() as db:
        assert verify(db, "results").sound
        return "\n".join([*db.scalars(select(ResultsText.text)), *db.scalars(select(RegisterText.text))])


def test_a_correction_that_waits_is_attached_filed_signed_and_given(room: SigningRoom) -> None:
    case = Waiting(room)
    message_id = case.waits()
    assert case.holds() == [HoldReason.CORRECTION]
    sophie = room.desks.browser("sophie")
    page = case.opens(sophie, message_id)
    assert str(case.visit_id) in page
    assert NEW not in page
    assert case.attaches(sophie, message_id).status_code == 303
    assert "rattaché au passage" in sophie.get(ROOT).text
    # Until a biologist has filed it, nothing has changed.
    assert case.versions() == [(State.SIGNED, None)]
    assert case.holds() == [HoldReason.CORRECTION]
    shown = case.opens(case.lenoir, message_id)
    assert "Classer dans ce dossier" in shown
    assert NEW not in shown
    assert case.files(case.lenoir, message_id).headers["Location"] == ROOT
    assert case.versions() == [(State.SIGNED, None), (State.SEALED, None)]
    assert case.holds() == []
    room.hour_comes()
    assert case.hands_over() == ""  # the correction stands before it, and nobody has signed it
    case.lenoir = room.unlocked()
    case.signs(NEW)
    assert case.versions() == [(State.WITHDRAWN, Reason.SUPERSEDED), (State.SIGNED, None)]
    room.station.runs(room.desks.at, room.desks.chance)
    paper = case.hands_over()
    assert NEW in paper
    assert OLD not in paper
    told = journal(room)
    assert all(f'"{act}"' in told for act in ("report.matched", "escrow.opened", "message.filed", "report.lifted"))
    assert not re.search(rf"{NEW}|moreau|1954", told, re.IGNORECASE)


@pytest.mark.parametrize(("release_class", "recipient"), [(C0, Recipient.RELEASE), (C3, Recipient.DOSSIER)])
def test_it_is_sealed_again_as_its_class_asks_and_the_copy_that_waited_is_gone(
    room: SigningRoom, release_class: ReleaseClass, recipient: Recipient
) -> None:
    case = Waiting(room, release_class)
    message_id = case.waits()
    case.opens(case.lenoir, message_id)
    case.attaches(case.lenoir, message_id)
    case.files(case.lenoir, message_id)
    with room.desks.database.reading() as db:
        copies = list(db.scalars(select(SealedKey).where(SealedKey.part == Part.BODY)))
        assert {(one.item, one.version, one.recipient) for one in copies} == {
            (case.report_id, 1, recipient), (case.report_id, 2, recipient),
        }  # fmt: skip
        (alone,) = db.scalars(select(ReportVersion).where(ReportVersion.dossier.is_(None)))
        assert (alone.state, alone.reason, alone.body) == (State.WITHDRAWN, Reason.SUPERSEDED, b"")
        row = db.get_one(ReceivedMessage, message_id)
        assert (row.state, row.visit, row.matched_by) == (MessageState.FILED, case.visit_id, "person")
    assert "Aucun message n'attend" in unescape(case.lenoir.get(ROOT).text)
    case.signs(NEW)
    # The same message again is known.
    assert case.comes(NEW, name="MOREAUX", status="C", said="093000").tally.duplicate == 1


@pytest.mark.parametrize(
    ("other", "wanted"),
    [
        ({"birth_name": "Moreaux"}, "n'est pas de la personne"),
        ({"birth_date": "27/02/1954"}, "n'est pas de la personne"),
        ({"birth_date": "31/02/1954"}, "Cette date n'existe pas"),
        ({"visit": "", "number": "999"}, "Relisez le ticket"),
    ],
)
def test_two_traits_typed_again_must_be_those_of_the_visit(
    room: SigningRoom, other: dict[str, str], wanted: str
) -> None:
    case = Waiting(room)
    message_id = case.waits()
    sophie = room.desks.browser("sophie")
    case.opens(sophie, message_id)
    answer = case.attaches(sophie, message_id, **other)
    assert answer.status_code == 422
    assert wanted in unescape(answer.text)
    with room.desks.database.reading() as db:
        assert db.get_one(ReceivedMessage, message_id).visit is None


def test_a_visit_is_named_by_its_ticket_too(room: SigningRoom) -> None:
    case = Waiting(room)
    message_id = case.waits()
    with room.desks.database.reading() as db:
        visit = db.get_one(Visit, case.visit_id)
    sophie = room.desks.browser("sophie")
    case.opens(sophie, message_id)
    ticket = {"visit": "", "number": str(visit.number), "day": f"{visit.day:%d/%m/%Y}"}
    assert case.attaches(sophie, message_id, **ticket).status_code == 303
    with room.desks.database.reading() as db:
        assert db.get_one(ReceivedMessage, message_id).visit == case.visit_id


def test_a_biologist_alone_files_it_with_her_keys_and_only_what_somebody_has_attached(room: SigningRoom) -> None:
    case = Waiting(room)
    message_id = case.waits()
    sophie = room.desks.browser("sophie")
    assert case.files(case.lenoir, message_id).status_code == 409
    case.opens(sophie, message_id)
    case.attaches(sophie, message_id)
    assert case.files(sophie, message_id).status_code == 403
    # Compared with another visit than the one it is attached to by now.
    assert case.files(case.lenoir, message_id, room.visit_of(room.desks.dossier(C0))).status_code == 409
    case.lenoir.post("/signature/verrouiller")
    assert asks_for_keys(case.files(case.lenoir, message_id))
    assert case.versions() == [(State.SIGNED, None)]


@pytest.mark.parametrize("end", ["\rsans segment\r", "\rPID|2||2||LEROY^Paul^^^^^L||19610405|M\r"])
def test_what_is_damaged_or_speaks_of_two_people_is_attached_to_nobody(room: SigningRoom, end: str) -> None:
    case = Waiting(room)
    message_id = case.waits(end=end)
    sophie = room.desks.browser("sophie")
    assert "il ne se rattache pas" in case.opens(sophie, message_id)
    assert case.attaches(sophie, message_id).status_code == 409
    with room.desks.database.transaction("results") as db:
        db.get_one(ReceivedMessage, message_id).visit = case.visit_id
    assert case.files(case.lenoir, message_id).status_code == 409
    assert case.versions() == [(State.SIGNED, None)]


def test_what_a_biologist_holds_for_a_reason_of_her_own_still_holds(room: SigningRoom) -> None:
    case = Waiting(room)
    message_id = case.waits()
    desks = room.desks
    with desks.database.transaction("results") as db:
        hold(
            db, db.get_one(Report, case.report_id), HoldReason.TALK, by=desks.room.people["lenoir"].id,
            power=desks.room.power, at=desks.at, chance=desks.chance, key=room.key(),
        )  # fmt: skip
    case.opens(case.lenoir, message_id)
    case.attaches(case.lenoir, message_id)
    case.files(case.lenoir, message_id)
    assert case.holds() == [HoldReason.TALK]


def test_a_critical_value_found_while_it_waited_follows_it_and_its_clock_goes_on(room: SigningRoom) -> None:
    case = Waiting(room)
    message_id = case.waits(flag="HH")
    with room.desks.database.reading() as db:
        before = db.scalars(select(CriticalAlert)).one()
    room.desks.later(minutes=5)
    case.opens(case.lenoir, message_id)
    case.attaches(case.lenoir, message_id)
    case.files(case.lenoir, message_id)
    with room.desks.database.reading() as db:
        after = db.scalars(select(CriticalAlert)).one()
    assert (after.id, after.received_at) == (before.id, before.received_at)
    assert (before.report_id == case.report_id, after.report_id, after.version) == (False, case.report_id, 2)


def test_weeks_later_the_visit_whose_report_it_holds_is_proposed_unless_it_is_discreet(room: SigningRoom) -> None:
    case = Waiting(room)
    room.desks.later(days=45)
    message_id = case.waits()
    sophie = room.desks.browser("sophie")
    assert str(case.visit_id) in case.opens(sophie, message_id)
    sophie.post(f"/passage/{case.visit_id}/discretion", form_key=room.key())
    assert str(case.visit_id) not in case.opens(sophie, message_id)


def test_attached_and_filed_with_the_keyboard_alone(browser: Chromium, room: SigningRoom, address: str) -> None:
    case = Waiting(room)
    message_id = case.waits()
    with seated(browser, room, address, "sophie") as page:
        page.goto(address + ROOT)
        page.keyboard.press("Enter")
        reach(page, page.locator("#birth_name"))
        page.keyboard.type("Moreaux")
        reach(page, page.locator("#birth_date"))
        page.keyboard.type("28/02/1954")
        page.keyboard.press("Enter")
        page.locator("[role=alert]").first.wait_for()
        is_readable(page, "attach_problem")
        reach(page, page.locator("#birth_name"))
        page.keyboard.press("Control+a")
        page.keyboard.type("Moreau")
        presses(page, page.get_by_role("button", name="Rattacher à ce passage"))
        page.get_by_text("rattaché au passage").wait_for()
        is_readable(page, "attached")
    case.attaches(case.lenoir, message_id)
    assert case.files(case.lenoir, message_id).status_code == 303
    with room.desks.database.reading() as db:
        assert db.scalars(select(Patient)).one().birth_name == "MOREAU"
