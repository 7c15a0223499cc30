"""What was signed is taken back, and whoever heard it is told again: nobody is forgotten, nobody twice."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.database import Database, uuid7
from kiosk.register.journal import ResultsText
from results.amending.retracting import Mistake, Retraction, retract
from results.amending.telling_again import Reached, end_task, to_tell_again
from results.keeping.seen import who_looked
from results.matrix import Channel, Person
from results.release import Answer, Role, Why
from results.reports.versions import Reason, ReportVersion, State, newest, withdraw_former
from results.vault.releases import ReleaseAct
from results.weighing import Asked, weigh
from tests.results.signing_room import VALUE, SigningRoom, asks_for_keys, result

C0 = ReleaseClass.C0


class Told:
    """A report that was signed and told."""

    def __init__(self, room: SigningRoom) -> None:
        self.room, self.desks = room, room.desks
        self.dossier = self.desks.dossier(C0)
        self.report = self.desks.report(self.dossier, C0, body=result("1608"))
        self.desks.later(hours=2)

    def tells(self, *, version: int = 1, person: str = "with_code", call: UUID | None = None) -> UUID:
        desks = self.desks
        act = ReleaseAct(
            id=uuid7(desks.at, desks.chance), site_id=desks.site().id, dossier_id=self.dossier, report_id=self.report,
            version=version, matrix_version=1, channel="phone", person=person, call_id=call, by=desks.sophie,
            at=desks.at,
        )  # fmt: skip
        with desks.database.transaction("results") as db:
            db.add(act)
        return act.id

    def amended(self) -> None:
        """A corrected version is signed in the place of the first one."""
        with self.desks.database.transaction("results") as db:
            old = db.get_one(ReportVersion, (self.report, 1))
            cells = {one.key: getattr(old, one.key) for one in ReportVersion.__table__.columns}
            new = ReportVersion(**{**cells, "version": 2, "is_corrected": True})
            db.add(new)
            db.flush()
            withdraw_former(db, new, at=self.desks.at, reason=Reason.SUPERSEDED)

    def owed(self) -> list[UUID]:
        with self.desks.database.reading() as db:
            owed = to_tell_again(db, self.desks.site().id, self.desks.room.power)
            return [one.release.id for one in owed]


def act(database: Database) -> str:
    with database.reading() as db:
        return "\n".join(db.scalars(select(ResultsText.text)))


@pytest.mark.parametrize("release_class", [C0, ReleaseClass.C3])
def test_a_signed_report_is_read_again_for_a_reason_that_the_patient_may_ask_for(
    room: SigningRoom, release_class: ReleaseClass
) -> None:
    visit_id = room.signed(release_class)
    with room.desks.database.reading() as db:
        version = db.scalars(select(ReportVersion)).one()
    path = f"/rectifies/{version.report_id}/1"
    locked = room.desks.browser("lenoir")
    locked.get("/rectifies")
    assert asks_for_keys(locked.post(f"{path}/relire", again="misheard"))
    room.desks.later(seconds=30)
    lenoir = room.unlocked()
    assert "Pourquoi le relire" in lenoir.post(f"{path}/choisir").text
    refused = lenoir.post(f"{path}/relire", again="curious")
    assert refused.status_code == 422
    assert VALUE not in refused.text
    shown = lenoir.post(f"{path}/relire", again="misheard")
    assert VALUE in shown.text
    assert 'data-blank-after="120"' in shown.text
    with room.desks.database.reading() as db:
        assert not db.scalars(select(ReleaseAct)).all()
        looks = [one.what for one in who_looked(db, visit_id, room.desks.room.power)]
    assert looks[-1] == "Compte rendu ouvert pour être lu, après signature : mal répété, ou à expliquer"
    assert VALUE not in act(room.desks.database)
    sophie = room.desks.browser()
    sophie.get("/")
    assert sophie.post(f"{path}/relire", again="misheard").status_code == 403
    with room.desks.database.transaction("results") as db:
        db.get_one(ReportVersion, (version.report_id, 1)).signature = bytes(64)
    broken = lenoir.post(f"{path}/relire", again="misheard")
    assert broken.status_code == 409
    assert VALUE not in broken.text


def test_a_report_that_was_taken_back_is_told_no_more_from_that_instant(room: SigningRoom) -> None:
    told, desks = Told(room), room.desks
    asked = Asked(channel=Channel.PHONE, person=Person.WITH_CODE, role=Role.SECRETARY)
    with desks.database.reading() as db:
        before, _ = weigh(db, desks.keys, told.dossier, asked, power=desks.room.power, at=desks.at)
    assert before.answer is Answer.TELL
    lenoir = room.unlocked()
    page = lenoir.get("/rectifies").text
    assert VALUE not in page
    asks = lenoir.post(f"/rectifies/{told.report}/1/choisir").text
    assert "Retirer maintenant" in asks
    assert lenoir.post(f"/rectifies/{told.report}/1/retirer", why="").status_code == 422
    assert lenoir.post(f"/rectifies/{told.report}/1/retirer", why="person").status_code == 303
    with desks.database.reading() as db:
        after, weighed = weigh(db, desks.keys, told.dossier, asked, power=desks.room.power, at=desks.at)
        version, row = db.get_one(ReportVersion, (told.report, 1)), db.scalars(select(Retraction)).one()
        assert newest(db, told.report) is None
    assert (after.answer, after.why, weighed.items) == (Answer.NOT_NOW, Why.WITHDRAWN, ())
    assert (version.state, version.reason, row.why) == (State.WITHDRAWN, Reason.RETRACTED, Mistake.PERSON)
    assert "report.withdrawn" in act(desks.database)


def test_taking_back_needs_open_keys_and_a_biologist(room: SigningRoom) -> None:
    told = Told(room)
    lenoir = room.desks.browser("lenoir")
    lenoir.get("/rectifies")
    closed = lenoir.post(f"/rectifies/{told.report}/1/retirer", why="result")
    assert asks_for_keys(closed)
    assert room.version(told.report).state is State.SIGNED
    sophie = room.desks.browser("sophie")
    sophie.get("/")
    assert sophie.get("/rectifies").status_code == 403
    assert sophie.post(f"/rectifies/{told.report}/1/retirer", why="result").status_code == 403


def test_the_same_form_takes_back_once_and_another_finds_nothing(room: SigningRoom) -> None:
    told, desks = Told(room), room.desks
    lenoir, key = room.unlocked(), room.key()
    lenoir.get("/rectifies")
    for _ in range(2):
        answer = lenoir.post(f"/rectifies/{told.report}/1/retirer", why="result", form_key=key)
        assert answer.status_code == 303
    assert lenoir.post(f"/rectifies/{told.report}/1/retirer", why="result", form_key=room.key()).status_code == 404
    with desks.database.reading() as db:
        assert len(list(db.scalars(select(Retraction)))) == 1


@pytest.mark.parametrize("reason", [Reason.SUPERSEDED, Reason.DELETED, Reason.WRONG, Reason.RETRACTED])
def test_whoever_was_told_what_no_longer_stands_is_a_task(room: SigningRoom, reason: Reason) -> None:
    told = Told(room)
    release = told.tells()
    assert told.owed() == []
    with room.desks.database.transaction("results") as db:
        version = db.get_one(ReportVersion, (told.report, 1))
        version.state, version.reason, version.withdrawn_at = State.WITHDRAWN, reason, room.desks.at
    assert told.owed() == [release]


def test_nobody_is_told_again_because_of_a_version_that_came_late(room: SigningRoom) -> None:
    told = Told(room)
    told.tells()
    with room.desks.database.transaction("results") as db:
        version = db.get_one(ReportVersion, (told.report, 1))
        version.state, version.reason, version.withdrawn_at = State.WITHDRAWN, Reason.LATE, room.desks.at
    assert told.owed() == []


def test_the_new_version_told_to_the_same_person_ends_the_task_and_to_another_does_not(room: SigningRoom) -> None:
    told = Told(room)
    patient, physician = told.tells(), told.tells(person="physician")
    told.amended()
    assert set(told.owed()) == {patient, physician}
    room.desks.later(minutes=5)
    told.tells(version=2, person="without_code")
    assert told.owed() == [physician]
    # Another physician, or nobody knows which: the first one has not heard of it.
    told.tells(version=2, person="physician")
    assert told.owed() == [physician]


def test_the_task_ends_by_a_person_who_says_how(room: SigningRoom) -> None:
    told = Told(room)
    release = told.tells()
    told.amended()
    lenoir = room.desks.browser("lenoir")
    page = lenoir.get("/rectifies").text
    assert "rectifié" in page
    assert "le patient" in page
    assert VALUE not in page
    assert lenoir.post(f"/rectifies/prevenu/{release}", how="").status_code == 404
    assert lenoir.post(f"/rectifies/prevenu/{release}", how="told").status_code == 303
    assert told.owed() == []
    assert lenoir.post(f"/rectifies/prevenu/{release}", how="told").status_code == 404
    assert "release.told_again" in act(room.desks.database)


def test_a_report_taken_back_and_told_leaves_a_task(room: SigningRoom) -> None:
    told, desks = Told(room), room.desks
    release = told.tells()
    with desks.database.transaction("results") as db:
        retract(db, told.report, 1, Mistake.RESULT, by=desks.sophie, at=desks.at, chance=desks.chance, key=room.key())
    assert told.owed() == [release]
    with desks.database.transaction("results") as db:
        end_task(
            db, release, Reached.LOST, site_id=desks.site().id, power=desks.room.power, by=desks.sophie,
            at=desks.at + timedelta(days=1), chance=desks.chance,
        )  # fmt: skip
    assert told.owed() == []
