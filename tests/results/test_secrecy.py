"""What closes a way closes it end to end: marks, flags and ages reach the one rule, and every no sounds the same."""

import re
from datetime import timedelta
from html import unescape
from uuid import UUID

import pytest
from sqlalchemy import delete, select, update

from kiosk.booking import discretion
from kiosk.booking.appointments import arrive, book
from kiosk.booking.discretion import Decision, DiscreetVisit
from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.journal import verify
from kiosk.register.patients import Patient, patient_of
from kiosk.register.sites import this_site
from kiosk.register.visits import State as At
from kiosk.register.visits import Visit
from results.giving import Preference, choose
from results.matrix import Channel, Person
from results.release import Answer, Role, Why
from results.release import Decision as Said
from results.reports.flags import FlagLift, FlagNotice, lift_flag
from results.reports.sorting import Flag
from results.reports.versions import Report, ReportVersion
from results.vault.dossiers import Dossier, Wish
from results.vault.dossiers import dossier_of as dossier_row
from results.vault.releases import ReleaseAct
from results.weighing import Asked, weigh
from tests.results.cast import PROMISES
from tests.results.signing_room import SigningRoom, asks_for_keys
from tests.staffroom import Browser

C0, C1, C2 = ReleaseClass.C0, ReleaseClass.C1, ReleaseClass.C2
SENTENCE = "Je ne peux rien remettre pour le moment."
#: Who can be told a C0 where nothing is closed, and how.
OPEN = (
    (Channel.COUNTER, Person.WITHOUT_CODE),
    (Channel.PHONE, Person.WITH_CODE),
    (Channel.CALL_BACK, Person.WITHOUT_CODE),
    (Channel.LETTER, Person.WITHOUT_CODE),
    (Channel.PHONE, Person.PHYSICIAN),
    (Channel.COUNTER, Person.PARENT),
    (Channel.COUNTER, Person.MANDATED),
)
COUNTER, PHONE, CALL_BACK, LETTER, PHYSICIAN, PARENT, MANDATED = OPEN


def sits(room: SigningRoom, login: str = "sophie") -> Browser:
    browser = room.desks.browser(login)
    browser.get("/remise")
    return browser


def dossier_of(room: SigningRoom, visit_id: UUID) -> UUID:
    with room.desks.database.reading() as db:
        return db.scalars(select(Dossier.id).where(Dossier.visit_id == visit_id)).one()


def born(room: SigningRoom, visit_id: UUID, date: str) -> None:
    with room.desks.database.transaction() as db:
        patient = patient_of(db, visit_id)
        assert patient is not None
        patient.birth_date = date


def asks(
    room: SigningRoom, visit_id: UUID, way: tuple[Channel, Person], *, is_prescriber: bool = False,
    is_for_this_visit: bool = False,
) -> Said:  # fmt: skip
    """The decision of the one rule, as the desks ask it."""
    asked = Asked(
        channel=way[0],
        person=way[1],
        role=Role.SECRETARY,
        is_prescriber=is_prescriber,
        is_for_this_visit=is_for_this_visit,
    )
    with room.desks.database.reading() as db:
        return weigh(
            db, room.desks.keys, dossier_of(room, visit_id), asked, power=room.desks.room.power, at=room.desks.at
        )[0]


def ways(room: SigningRoom, visit_id: UUID) -> set[tuple[Channel, Person]]:
    return {way for way in OPEN if asks(room, visit_id, way).answer is Answer.TELL}


def a_minors(room: SigningRoom, release_class: ReleaseClass = C0, *, wishes: tuple[Wish, ...] = ()) -> UUID:
    """The visit of somebody of sixteen, whose result may be told."""
    visit_id = room.signed(release_class, wishes=wishes)
    born(room, visit_id, f"{room.desks.at.year - 16}0101")
    return visit_id


def raises_flag(room: SigningRoom, visit_id: UUID, *flags: Flag) -> None:
    with room.desks.database.transaction("results") as db:
        reports = select(Report.id).where(Report.dossier == dossier_of(room, visit_id))
        words = " ".join(sorted(flags))
        db.execute(update(ReportVersion).where(ReportVersion.report_id.in_(reports)).values(flags=words))


def marks(room: SigningRoom, visit_id: UUID) -> None:
    with room.desks.database.transaction("results") as db:
        discretion.mark_discreet(
            db, db.get_one(Visit, visit_id), by=room.desks.sophie, power=room.desks.room.power, at=room.desks.at,
            chance=room.desks.chance, key=room.key(),
        )  # fmt: skip


def decides(room: SigningRoom, visit_id: UUID, decision: Decision) -> None:
    with room.desks.database.transaction("results") as db:
        discretion.decide(
            db, visit_id, decision, by=room.desks.room.people["lenoir"].id, power=room.desks.room.power,
            at=room.desks.at, chance=room.desks.chance,
        )  # fmt: skip


def settles(room: SigningRoom, visit_id: UUID) -> None:
    """Nothing about it waits for anybody any more."""
    decides(room, visit_id, Decision.KEPT)
    with room.desks.database.transaction("results") as db:
        discretion.confirm(
            db, visit_id, by=room.desks.sophie, power=room.desks.room.power, at=room.desks.at, chance=room.desks.chance
        )


def lifts(room: SigningRoom, visit_id: UUID, flag: Flag) -> None:
    with room.desks.database.transaction("results") as db:
        report_id = db.scalars(select(Report.id).where(Report.dossier == dossier_of(room, visit_id))).one()
        lift_flag(
            db, report_id, flag, by=room.desks.room.people["lenoir"].id, power=room.desks.room.power, at=room.desks.at,
            chance=room.desks.chance,
        )  # fmt: skip


def test_an_ordinary_result_of_a_minor_goes_every_way(room: SigningRoom) -> None:
    assert ways(room, a_minors(room)) == set(OPEN)


def test_each_flag_of_the_laboratory_system_closes_its_ways(room: SigningRoom) -> None:
    visit_id = a_minors(room)
    for flag, open_ways in (
        (Flag.PATIENT, {PHYSICIAN}),
        (Flag.GUARDIANS, {COUNTER, PHONE, PHYSICIAN, MANDATED}),
        (Flag.SECRET, {COUNTER, PHONE, PHYSICIAN, MANDATED}),
        (Flag.PROFESSIONALS, set(OPEN) - {PHYSICIAN}),
    ):
        raises_flag(room, visit_id, flag)
        assert ways(room, visit_id) == open_ways, flag


def test_professionals_are_closed_but_for_the_orders_prescriber(room: SigningRoom) -> None:
    visit_id = a_minors(room)
    raises_flag(room, visit_id, Flag.PROFESSIONALS)
    assert asks(room, visit_id, PHYSICIAN).why is Why.HIDDEN
    assert asks(room, visit_id, PHYSICIAN, is_prescriber=True).answer is Answer.TELL


def test_a_flag_on_one_report_closes_the_ways_of_the_whole_dossier(room: SigningRoom) -> None:
    visit_id = a_minors(room)
    with room.desks.database.transaction("results") as db:
        report = db.scalars(select(Report)).one()
        db.add(
            Report(
                id=UUID(int=5), site_id=report.site_id, dossier=report.dossier, connection="sil",
                key_mac=bytes(32), created_at=room.desks.at,
            )
        )  # fmt: skip
        db.flush()
        db.add(FlagNotice(message_id=UUID(int=6), report_id=UUID(int=5), flags="patient", received_at=room.desks.at))
    assert asks(room, visit_id, COUNTER).why is Why.HIDDEN


def test_a_biologist_lifts_a_flag_and_a_later_word_closes_again(room: SigningRoom) -> None:
    visit_id = a_minors(room)
    raises_flag(room, visit_id, Flag.PATIENT, Flag.GUARDIANS)
    room.desks.later(minutes=1)
    lifts(room, visit_id, Flag.PATIENT)
    assert ways(room, visit_id) == {COUNTER, PHONE, PHYSICIAN, MANDATED}
    room.desks.later(minutes=1)
    with room.desks.database.transaction("results") as db:
        report_id = db.scalars(select(Report.id)).one()
        db.add(
            FlagNotice(message_id=UUID(int=6), report_id=report_id, flags="patient", received_at=room.desks.at)
        )  # fmt: skip
    assert ways(room, visit_id) == {PHYSICIAN}


def test_a_lift_that_this_house_has_not_written_opens_nothing(room: SigningRoom) -> None:
    visit_id = a_minors(room)
    raises_flag(room, visit_id, Flag.PATIENT)
    room.desks.later(minutes=1)
    lifts(room, visit_id, Flag.PATIENT)
    with room.desks.database.transaction("results") as db:
        db.scalars(select(FlagLift)).one().mac = bytes(32)
    assert ways(room, visit_id) == {PHYSICIAN}


def test_on_the_eighteenth_birthday_the_parents_way_is_over_from_the_morning_on(room: SigningRoom) -> None:
    visit_id = room.signed(C0)
    today = room.desks.at.date()
    born(room, visit_id, f"{today.year - 18}{today + timedelta(days=1):%m%d}")
    assert PARENT in ways(room, visit_id)
    born(room, visit_id, f"{today.year - 18}{today:%m%d}")
    assert asks(room, visit_id, PARENT).why is Why.OF_AGE
    assert ways(room, visit_id) == set(OPEN) - {PARENT}


def test_a_minors_secret_closes_parents_letters_and_the_familys_number(room: SigningRoom) -> None:
    visit_id = a_minors(room, wishes=(Wish.MINOR_SECRET,))
    assert ways(room, visit_id) == {COUNTER, PHONE, PHYSICIAN, MANDATED}
    own = a_minors(room, wishes=(Wish.MINOR_SECRET, Wish.OWN_NUMBER))
    assert ways(room, own) == {COUNTER, PHONE, CALL_BACK, PHYSICIAN, MANDATED}


def test_a_discreet_visit_is_the_patients_alone_and_a_mandate_counts_only_for_it(room: SigningRoom) -> None:
    visit_id = a_minors(room)
    marks(room, visit_id)
    assert ways(room, visit_id) == {COUNTER, PHONE, PHYSICIAN}
    assert asks(room, visit_id, MANDATED).why is Why.SECRET
    assert asks(room, visit_id, MANDATED, is_for_this_visit=True).answer is Answer.TELL
    assert asks(room, visit_id, PARENT, is_for_this_visit=True).why is Why.SECRET


def test_a_biologist_lifts_a_discreet_visit_and_nobody_else_can(room: SigningRoom) -> None:
    visit_id = a_minors(room)
    marks(room, visit_id)
    decides(room, visit_id, Decision.LIFTED)
    assert ways(room, visit_id) == set(OPEN)
    with room.desks.database.transaction("results") as db:
        db.scalars(select(DiscreetVisit)).one().mac = bytes(32)
    assert ways(room, visit_id) == {COUNTER, PHONE, PHYSICIAN}


def test_a_dossier_that_knows_of_its_discretion_keeps_it_when_the_mark_is_taken_away(room: SigningRoom) -> None:
    visit_id = a_minors(room, wishes=(Wish.DISCREET,))
    marks(room, visit_id)
    with room.desks.database.transaction("results") as db:
        db.execute(delete(DiscreetVisit))
    assert ways(room, visit_id) == {COUNTER, PHONE, PHYSICIAN}


@pytest.mark.parametrize("is_marked_first", [True, False])
def test_what_is_marked_at_the_counter_closes_the_dossier_itself(room: SigningRoom, is_marked_first: bool) -> None:
    desks = room.desks
    visit = desks.visit(C0)
    browser = sits(room)

    def mark() -> None:
        assert browser.post(f"/passage/{visit.id}/discretion", form_key=room.key()).status_code == 303

    if is_marked_first:
        mark()
    with desks.database.transaction("results") as db:
        choose(
            db, desks.keys, visit, preference=Preference.PICKUP, wants_phone=False, document=None, wishes=(),
            promise_minutes=PROMISES, by=desks.sophie, at=desks.at, chance=desks.chance, key=room.key(),
        )  # fmt: skip
    if not is_marked_first:
        mark()
    with desks.database.reading() as db:
        assert dossier_row(db, desks.keys, visit.id).wished == {Wish.DISCREET}


def test_an_appointment_of_a_discreet_visit_is_in_no_days_list(room: SigningRoom) -> None:
    desks = room.desks
    visit = desks.visit(C0)
    with desks.database.transaction() as db:
        site = this_site(db)
        row = book(
            db, site, start=desks.at + timedelta(hours=1), birth_name="Moreau", given_names="Jeanne",
            birth_date="19540228", by="sophie", at=desks.at, chance=desks.chance, key=room.key(),
        )  # fmt: skip
        arrive(db, row, db.get_one(Visit, visit.id), by="sophie", at=desks.at, chance=desks.chance)
    browser = sits(room)
    assert "MOREAU" in browser.get("/rendez-vous").text.upper()
    marks(room, visit.id)
    assert "MOREAU" not in browser.get("/rendez-vous").text.upper()


def bare(text: str) -> str:
    """A page without its tokens."""
    return re.sub(r'(name="(?:csrf_token|form_key)" value=")[^"]*', r"\1", unescape(text))


def gives(room: SigningRoom, browser: Browser, visit_id: UUID, **told: str) -> str:
    fields = {"form_key": room.key(), "document": "identity_card"} | told
    return browser.post(f"/remise/{visit_id}/sans-code", **fields).text


def test_at_the_counter_a_flag_an_age_and_a_secret_give_the_very_page_of_an_early_caller(room: SigningRoom) -> None:
    visit_id = a_minors(room)
    browser = sits(room)
    with room.desks.database.transaction("results") as db:
        version = db.scalars(select(ReportVersion)).one()
        before, version.state = version.state, "sealed"  # type: ignore[assignment]
    early = bare(gives(room, browser, visit_id))
    assert SENTENCE in early
    with room.desks.database.transaction("results") as db:
        db.scalars(select(ReportVersion)).one().state = before
    raises_flag(room, visit_id, Flag.PATIENT)
    assert bare(gives(room, browser, visit_id)) == early
    raises_flag(room, visit_id, Flag.GUARDIANS)
    assert bare(gives(room, browser, visit_id, person="parent")) == early
    raises_flag(room, visit_id)
    marks(room, visit_id)
    settles(room, visit_id)
    assert bare(gives(room, browser, visit_id, person="parent")) == early
    decides(room, visit_id, Decision.LIFTED)
    born(room, visit_id, "19800101")
    grown = early.replace(f"01/01/{room.desks.at.year - 16}", "01/01/1980")
    assert bare(gives(room, browser, visit_id, person="parent")) == grown
    with room.desks.database.reading() as db:
        assert db.scalars(select(ReleaseAct)).all() == []
        assert verify(db, "results").sound


def test_a_discreet_visit_stands_in_no_list_and_is_found_by_its_ticket(room: SigningRoom) -> None:
    visit_id = room.signed(C0)
    browser = sits(room)
    assert f"/remise/{visit_id}" in browser.post("/remise/chercher", form_key=room.key(), typed="moreau").text
    marks(room, visit_id)
    found = browser.post("/remise/chercher", form_key=room.key(), typed="moreau").text
    assert "MOREAU" in found
    assert str(visit_id) not in found
    with room.desks.database.reading() as db:
        visit = db.get_one(Visit, visit_id)
    wrong = browser.post("/remise/ticket", form_key=room.key(), day=f"{visit.day}", number=f"{visit.number + 1}")
    assert (wrong.status_code, "Relisez le ticket" in wrong.text) == (422, True)
    right = browser.post("/remise/ticket", form_key=room.key(), day=f"{visit.day}", number=f"{visit.number}")
    assert right.location.endswith(f"/remise/{visit_id}")


def test_a_ticket_that_cannot_be_one_is_a_correction(room: SigningRoom) -> None:
    browser = sits(room)
    for number in ("", "x", "999999999999999999999", "-1"):
        assert browser.post("/remise/ticket", form_key=room.key(), day="2026-02-30", number=number).status_code == 422


def test_a_discreet_visit_that_is_over_has_no_page_and_one_that_goes_on_has(room: SigningRoom) -> None:
    visit_id = room.signed(C0)
    browser = sits(room)
    marks(room, visit_id)
    pages = [f"/passage/{visit_id}{tail}" for tail in ("", "/ordonnance", "/resultats", "/medecins", "/procurations")]
    there = [page for page in pages if browser.get(page).status_code == 200]
    assert there
    with room.desks.database.transaction() as db:
        db.get_one(Visit, visit_id).state = At.LEFT
    for page in there:
        answer = browser.get(page)
        assert answer.status_code == 404
        assert bare(answer.text) == bare(browser.get(page.replace(str(visit_id), str(UUID(int=9)))).text)
    assert browser.get(f"/remise/{visit_id}").status_code == 200


def test_the_task_stays_until_the_biologist_has_decided_and_somebody_has_seen_the_laboratory_system(
    room: SigningRoom,
) -> None:
    visit_id = room.desks.visit(C0, labelled=False).id
    sophie, lenoir = sits(room), room.desks.browser("lenoir")
    assert sophie.post(f"/passage/{visit_id}/discretion", form_key=room.key()).status_code == 303
    listed = sophie.get("/confidentialite").text
    assert "au biologiste de décider" in listed
    assert "MOREAU" not in listed
    decide, confirm = f"/confidentialite/{visit_id}/decision", f"/confidentialite/{visit_id}/non-exposition"
    assert sophie.post(decide, form_key=room.key(), decision="kept").status_code == 403
    assert sophie.post(confirm, form_key=room.key()).status_code == 303
    assert "au biologiste de décider" in sophie.get("/confidentialite").text
    lenoir.get("/confidentialite")
    assert lenoir.post(decide, form_key=room.key(), decision="kept").status_code == 303
    assert "Aucune visite discrète n'attend" in unescape(sophie.get("/confidentialite").text)


def test_an_unvouched_mark_is_undecided_and_unconfirmed(room: SigningRoom) -> None:
    visit_id = room.desks.visit(C0).id
    marks(room, visit_id)
    settles(room, visit_id)
    power = room.desks.room.power
    with room.desks.database.transaction("results") as db:
        assert discretion.open_tasks(db, room.desks.site().id, power, at=room.desks.at) == []
        db.scalars(select(DiscreetVisit)).one().mac = bytes(32)
        (row,) = discretion.open_tasks(db, room.desks.site().id, power, at=room.desks.at)
        assert (discretion.awaits_decision(row, power), discretion.awaits_confirmation(row, power)) == (True, True)


def test_before_the_decision_nobody_is_sent_to_the_draw(room: SigningRoom) -> None:
    dossier_id = room.desks.dossier(C0)
    visit_id = room.visit_of(dossier_id)
    marks(room, visit_id)
    browser = sits(room)
    answer = browser.post(f"/passage/{visit_id}/suite", form_key=room.key())
    assert "Le biologiste décide d'abord" in unescape(answer.text)
    decides(room, visit_id, Decision.KEPT)
    assert browser.post(f"/passage/{visit_id}/suite", form_key=room.key()).status_code == 303


def test_the_biologist_lifts_a_flag_on_her_screen_with_unlocked_keys(room: SigningRoom) -> None:
    visit_id = room.signed(C0)
    raises_flag(room, visit_id, Flag.PATIENT)
    with room.desks.database.reading() as db:
        report_id = db.scalars(select(Report.id)).one()
    sophie, way = sits(room), f"/confidentialite/voie/{report_id}"
    assert "Voies fermées" not in sophie.get("/confidentialite").text
    assert sophie.post(way, form_key=room.key(), flag="patient").status_code == 403
    lenoir = room.desks.browser("lenoir")
    lenoir.get("/confidentialite")
    assert asks_for_keys(lenoir.post(way, form_key=room.key(), flag="patient"))
    assert asks(room, visit_id, COUNTER).why is Why.HIDDEN
    room.unlock(lenoir)
    assert "l&#39;annoncer d&#39;abord" in lenoir.get("/confidentialite").text
    assert lenoir.post(way, form_key=room.key(), flag="patient").status_code == 303
    assert asks(room, visit_id, COUNTER).answer is Answer.TELL
    assert lenoir.post(way, form_key=room.key(), flag="patient").status_code == 404


def test_a_patient_without_document_in_a_discreet_visit_comes_to_the_biologist_alone(room: SigningRoom) -> None:
    visit_id = room.signed(C0)
    with room.desks.database.reading() as db:
        assert db.scalars(select(Patient)).first() is not None
    sophie = sits(room)
    lenoir = room.unlocked()
    room.station.runs(room.desks.at, room.desks.chance)
    for browser in (sophie, lenoir):  # an ordinary visit needs a document, whoever asks
        assert "Demandez une pièce d'identité" in unescape(gives(room, browser, visit_id, document="none"))
    marks(room, visit_id)
    assert "Demandez une pièce d'identité" in unescape(gives(room, sophie, visit_id, document="none"))
    assert "c'est toujours le biologiste" in unescape(gives(room, lenoir, visit_id, document="none"))
    gives(room, lenoir, visit_id, document="none", reason="declared")
    with room.desks.database.reading() as db:
        (act,) = db.scalars(select(ReleaseAct))
    assert act.document == "none"
