"""The biologist's screens: keys open for a sitting, one report is read and signed at a time, nothing stays open."""

from datetime import datetime, timedelta
from html import unescape
from uuid import UUID

import pytest
from sqlalchemy import select

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.journal import ResultsText
from kiosk.register.patients import Recognition
from results.holds import HoldReason, hold, hold_for_correction
from results.matrix import Channel, Person
from results.release import Role
from results.reports.versions import Report, ReportVersion, State, Verb, move
from results.sitting import IDLE, Locked, Sittings
from results.vault.dossiers import Dossier, dossier_of
from results.vault.keys import BiologistKeys
from results.vault.releases import Course
from results.weighing import Asked, weigh
from tests.results.signing_room import PASSPHRASE, VALUE, SigningRoom, asks_for_keys, seen_in
from tests.staffroom import Browser

C0, C2, C3 = ReleaseClass.C0, ReleaseClass.C2, ReleaseClass.C3
KEYS = BiologistKeys(person="lenoir", escrow={}, signer_seed=bytes(32))
ONE, OTHER = UUID(int=1), UUID(int=2)


def opens(room: SigningRoom, browser: Browser, report_id: UUID) -> str:
    answer = browser.post(f"/signature/{report_id}/ouvrir", form_key=room.key())
    assert answer.status_code == 200
    return unescape(answer.text)


def signs(room: SigningRoom, browser: Browser, report_id: UUID, seen: str, **more: str) -> int:
    answer = browser.post(f"/signature/{report_id}/signer", form_key=room.key(), seen=seen, **more)
    return answer.status_code


def test_from_the_list_to_the_signature(room: SigningRoom) -> None:
    report_id = room.unsigned(C3)
    browser = room.unlocked()
    listed = browser.get("/signature").text
    assert str(report_id) in listed
    assert VALUE not in listed
    shown = opens(room, browser, report_id)
    assert VALUE in shown
    assert "MOREAU" in shown
    assert signs(room, browser, report_id, seen_in(shown), whole="yes") == 303
    assert room.version(report_id).state is State.SIGNED
    assert "Rien n'attend votre signature" in unescape(browser.get("/signature").text)


def test_nothing_opens_while_the_keys_are_locked(room: SigningRoom) -> None:
    report_id = room.unsigned(C0)
    browser = room.desks.browser("lenoir")
    browser.get("/signature")
    answer = browser.post(f"/signature/{report_id}/ouvrir", form_key=room.key())
    assert asks_for_keys(answer)
    answer = browser.post(f"/signature/{report_id}/signer", form_key=room.key(), seen="1:00")
    assert asks_for_keys(answer)
    assert room.version(report_id).state is State.SEALED


def test_wrong_proofs_typed_elsewhere_keep_nobody_from_unlocking_on_a_paired_pc(room: SigningRoom) -> None:
    lenoir, elsewhere = room.desks.room.browser().pair(), room.desks.room.browser()
    lenoir.sign_in("lenoir")
    # Behind one proxy every PC has the same address.
    assert lenoir.address == elsewhere.address
    for _ in range(5):
        room.desks.later(seconds=11)  # an earlier one would not even be looked at
        assert elsewhere.sign_in("lenoir", digits="000000").status_code == 422
    assert room.unlock(lenoir).status_code == 303


@pytest.mark.parametrize("what", ["passphrase", "digits", "spent"])
def test_one_wrong_proof_opens_no_keys_and_the_page_does_not_say_which(room: SigningRoom, what: str) -> None:
    browser = room.desks.browser("lenoir")
    spent = room.desks.room.digits()
    room.desks.later(seconds=1 if what == "spent" else 30)
    digits = {"passphrase": room.desks.room.digits(), "digits": "000000", "spent": spent}[what]
    answer = room.unlock(browser, "une autre longue phrase" if what == "passphrase" else PASSPHRASE, digits)
    assert answer.status_code == 422
    assert "ne vont pas ensemble" in answer.text
    report_id = room.unsigned(C0)
    assert asks_for_keys(browser.post(f"/signature/{report_id}/ouvrir", form_key=room.key()))


def test_the_digits_that_opened_the_keys_open_nothing_else(room: SigningRoom) -> None:
    browser = room.desks.browser("lenoir")
    room.desks.later(seconds=30)
    digits = room.desks.room.digits()
    assert room.unlock(browser, digits=digits).status_code == 303
    assert room.unlock(browser, digits=digits).status_code == 422


def test_the_passphrase_stands_neither_in_the_journal_nor_on_the_page(room: SigningRoom) -> None:
    browser = room.desks.browser("lenoir")
    room.desks.later(seconds=30)
    answer = room.unlock(browser, "une phrase mal retenue", room.desks.room.digits())
    assert "mal retenue" not in answer.text
    with room.desks.database.reading() as db:
        texts = list(db.scalars(select(ResultsText.text)))
    assert not any("retenue" in text for text in texts)
    assert any("signin.refused" in text for text in texts)


def test_the_keys_close_after_ten_idle_minutes_and_at_sign_out(room: SigningRoom) -> None:
    report_id = room.unsigned(C0)
    browser = room.unlocked()
    sittings = room.desks.app.extensions["sittings"]
    held = sittings._held
    assert len(held) == 1
    for _ in range(3):
        room.desks.later(minutes=4)
        browser.get("/")
    # The person was there all the time and used no key.
    assert held == {}
    assert asks_for_keys(browser.post(f"/signature/{report_id}/ouvrir", form_key=room.key()))
    assert room.unlock(browser).status_code == 303
    assert len(held) == 1
    browser.post("/sortir")
    assert held == {}


def test_keys_belong_to_one_sign_in_of_one_person(at: datetime) -> None:
    sittings = Sittings()
    sittings.begin(ONE, OTHER, KEYS, at=at)
    assert sittings.keys(ONE, OTHER, at=at) is KEYS
    for sign_in, person in ((OTHER, OTHER), (ONE, ONE)):
        with pytest.raises(Locked):
            sittings.keys(sign_in, person, at=at)
    # Each use counts; a clock that goes back closes.
    assert sittings.keys(ONE, OTHER, at=at + IDLE - timedelta(seconds=1)) is KEYS
    assert sittings.keys(ONE, OTHER, at=at + IDLE) is KEYS
    with pytest.raises(Locked):
        sittings.keys(ONE, OTHER, at=at + 2 * IDLE)
    sittings.begin(ONE, OTHER, KEYS, at=at)
    with pytest.raises(Locked):
        sittings.keys(ONE, OTHER, at=at - timedelta(seconds=1))


def test_only_a_biologist_sees_these_screens(room: SigningRoom) -> None:
    report_id = room.unsigned(C0)
    for login in ("sophie", "karim", "alex"):
        browser = room.desks.browser(login)
        assert browser.get("/signature").status_code == 403
        browser.get("/")
        assert browser.post(f"/signature/{report_id}/ouvrir").status_code == 403
        assert browser.post(f"/signature/{report_id}/signer", seen="1:00").status_code == 403


def test_what_changed_meanwhile_is_shown_again_with_the_new_value(room: SigningRoom) -> None:
    report_id = room.unsigned(C0)
    browser = room.unlocked()
    shown = opens(room, browser, report_id)
    answer = browser.post(f"/signature/{report_id}/signer", form_key=room.key(), seen="1:" + "00" * 32)
    assert answer.status_code == 422
    assert "a changé depuis" in answer.text
    assert VALUE in answer.text
    assert room.version(report_id).state is State.SEALED
    assert signs(room, browser, report_id, seen_in(unescape(answer.text))) == 303
    assert seen_in(shown) == seen_in(unescape(answer.text))


def test_an_unknown_code_asks_for_its_route_in_words(room: SigningRoom) -> None:
    report_id = room.unsigned(C3)
    with room.desks.database.transaction("results") as db:
        db.get_one(ReportVersion, (report_id, 1)).is_known = False
    browser = room.unlocked()
    seen = seen_in(opens(room, browser, report_id))
    assert signs(room, browser, report_id, seen) == 422
    assert room.version(report_id).state is State.SEALED
    assert signs(room, browser, report_id, seen, route="yes") == 303


def test_a_report_is_held_with_a_reason_of_the_list_and_let_go(room: SigningRoom) -> None:
    report_id = room.unsigned(C0)
    browser = room.unlocked()
    opens(room, browser, report_id)
    assert browser.post(f"/signature/{report_id}/retenir", form_key=room.key(), reason="parce que").status_code == 422
    assert browser.post(f"/signature/{report_id}/retenir", form_key=room.key(), reason="control").status_code == 303
    assert "Contrôle ou confirmation en cours" in unescape(browser.get("/signature").text)
    assert "Retenu." in opens(room, browser, report_id)
    assert browser.post(f"/signature/{report_id}/liberer", form_key=room.key()).status_code == 303
    assert "1 en attente" in browser.get("/signature").text


def test_a_signed_report_whose_correction_waits_is_told_to_nobody_until_a_biologist_has_looked(
    room: SigningRoom,
) -> None:
    visit_id = room.signed(C0)
    desks, lenoir = room.desks, room.desks.browser("lenoir")
    asked = Asked(channel=Channel.PHONE, person=Person.WITH_CODE, role=Role.SECRETARY)

    def course() -> Course:
        with desks.database.reading() as db:
            dossier = dossier_of(db, desks.keys, visit_id)
            return weigh(db, desks.keys, dossier.id, asked, power=desks.room.power, at=desks.at)[1].course

    assert course() is Course.TELL
    with desks.database.transaction("results") as db:
        report = db.scalars(select(Report)).one()
        hold_for_correction(db, report, message_id=UUID(int=8), at=desks.at, chance=desks.chance)
    assert course() is Course.NOT_NOW
    page = unescape(lenoir.get("/signature").text)
    for words in ("1 retenu", "Une correction attend", "déjà signé", "/messages-retenus", "n'est dit à personne"):
        assert words in page
    assert VALUE not in page
    locked = lenoir.post(f"/signature/{report.id}/liberer", form_key=room.key())
    assert asks_for_keys(locked)
    assert course() is Course.NOT_NOW
    room.unlock(lenoir)
    assert lenoir.post(f"/signature/{report.id}/liberer", form_key=room.key()).status_code == 303
    assert course() is Course.TELL
    assert "Une correction attend" not in unescape(lenoir.get("/signature").text)


def test_an_opened_report_is_kept_by_no_cache(room: SigningRoom) -> None:
    report_id = room.unsigned(C2)
    browser = room.unlocked()
    answer = browser.post(f"/signature/{report_id}/ouvrir", form_key=room.key())
    assert answer.headers["Cache-Control"] == "no-store"
    assert VALUE not in browser.get("/signature").text


def of_one_person(room: SigningRoom, *report_ids: UUID) -> None:
    """These reports are of visits of one and the same patient."""
    with room.desks.database.transaction() as db:
        visits = [
            db.get_one(Dossier, db.get_one(ReportVersion, (one, 1)).dossier).visit_id for one in report_ids
        ]  # fmt: skip
        rows = [db.get_one(Recognition, visit) for visit in visits]
        for row in rows:
            row.patient_id = rows[0].patient_id


@pytest.mark.parametrize("release_class", [C0, C3])
def test_earlier_values_of_the_same_patient_stand_beside_and_the_journal_knows(
    room: SigningRoom, release_class: ReleaseClass
) -> None:
    browser = room.unlocked()
    former = room.unsigned(release_class, value="3817")
    signs(room, browser, former, seen_in(opens(room, browser, former)), whole="yes")
    room.desks.later(minutes=5)
    browser = room.unlocked()
    someone_else, own = room.unsigned(release_class, value="5926"), room.unsigned(release_class)
    other_exams = room.unsigned(C2 if release_class is C3 else ReleaseClass.C1, value="6048")
    of_one_person(room, own, former, other_exams)
    signs(room, browser, someone_else, seen_in(opens(room, browser, someone_else)), whole="yes")
    signs(room, browser, other_exams, seen_in(opens(room, browser, other_exams)), whole="yes")
    shown = opens(room, browser, own)
    assert "3817" in shown
    assert "le 21/11/2026" in shown
    assert "5926" not in shown
    assert "6048" not in shown
    with room.desks.database.reading() as db:
        told = db.scalars(select(ResultsText.text).order_by(ResultsText.seq.desc()).limit(5)).all()
    assert any(former.hex in one.replace("-", "") and '"report.opened"' in one for one in told)
    assert "3817" not in "".join(told)


@pytest.mark.parametrize("what", ["held", "taken back", "tampered"])
def test_no_earlier_value_is_shown_that_nobody_may_rely_on(room: SigningRoom, what: str) -> None:
    browser = room.unlocked()
    former = room.unsigned(C0, value="3817")
    signs(room, browser, former, seen_in(opens(room, browser, former)), whole="yes")
    room.desks.later(minutes=5)
    browser = room.unlocked()
    own = room.unsigned(C0)
    of_one_person(room, own, former)
    assert "3817" in opens(room, browser, own)
    with room.desks.database.transaction("results") as db:
        version = db.get_one(ReportVersion, (former, 1))
        if what == "held":
            hold(
                db, db.get_one(Report, former), HoldReason.IDENTITY, by=room.desks.room.people["lenoir"].id,
                power=room.desks.room.power, at=room.desks.at, chance=room.desks.chance, key=room.key(),
            )  # fmt: skip
        elif what == "taken back":
            move(version, Verb.WITHDRAW, at=room.desks.at)
        else:
            version.signature = bytes(64)
    shown = opens(room, browser, own)
    assert "3817" not in shown
    assert "Aucun résultat antérieur" in shown


def test_the_biologist_lets_a_visit_be_told_in_person_only_and_no_counter_takes_it_back(room: SigningRoom) -> None:
    report_id = room.unsigned(C0)
    locked = room.desks.browser("lenoir")
    locked.get("/signature")
    assert asks_for_keys(locked.post(f"/signature/{report_id}/en-personne"))
    room.desks.later(seconds=30)
    browser = room.unlocked()
    seen = seen_in(opens(room, browser, report_id))
    assert "en personne seulement, dit le biologiste" in browser.post(f"/signature/{report_id}/en-personne").text
    signs(room, browser, report_id, seen, whole="yes")
    room.hour_comes()
    with room.desks.database.reading() as db:
        dossier_id = db.get_one(ReportVersion, (report_id, 1)).dossier
    assert dossier_id is not None
    visit_id = room.visit_of(dossier_id)
    sophie = room.desks.browser()
    sophie.get(f"/passage/{visit_id}/resultats")
    saved = sophie.post(
        f"/passage/{visit_id}/resultats",
        form_key=room.key(),
        preference="phone",
        wants_phone="yes",
        document="passport",
    )
    assert saved.status_code == 303
    answers = {channel: course(room, dossier_id, channel) for channel in Channel}
    away = {Channel.PHONE, Channel.CALL_BACK, Channel.LETTER}
    assert {channel for channel, one in answers.items() if one is Course.NOT_NOW} >= away
    assert answers[Channel.COUNTER] is Course.TELL
    other = room.unsigned(C0)
    browser = room.unlocked()
    browser.post(f"/signature/{other}/en-personne")
    assert "dit le biologiste" not in browser.post(f"/signature/{other}/en-personne", open="yes").text


def course(room: SigningRoom, dossier_id: UUID, channel: Channel) -> Course:
    person = Person.WITH_CODE if channel is Channel.PHONE else Person.WITHOUT_CODE
    asked = Asked(channel=channel, person=person, role=Role.SECRETARY)
    with room.desks.database.reading() as db:
        _, weighed = weigh(db, room.desks.keys, dossier_id, asked, power=room.desks.room.power, at=room.desks.at)
    return weighed.course
