"""What keeps codes from being tried is told to the biologist, who alone lets it go on, with unlocked keys."""

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from kiosk.exams.catalogue import ReleaseClass
from results.callers.limits import limits_now
from results.vault.counters import DESK_REFUSALS, LAB_HOUR, Attempt, AttemptState, PhoneClosure, Way
from results.vault.slips import IssuedSlip
from tests.results.caller import Caller
from tests.results.signing_room import SigningRoom, asks_for_keys, result
from tests.staffroom import Browser

VALUE, MINE, MARK = "2,37", "/telephone/biologiste", "des codes ne sont plus essayés"
SENTENCE = "Je ne peux rien communiquer par téléphone pour le moment."


class Desk:
    """The telephone, a slip whose result is ready, and what was refused today."""

    def __init__(self, room: SigningRoom) -> None:
        self.room, self.desks = room, room.desks
        self.slip = self.desks.ready(ReleaseClass.C0, result("1608", VALUE))
        self.desks.later(hours=2)
        self.sits()

    def sits(self) -> None:
        """Sophie signs in."""
        self.desks.later(seconds=30)
        self.caller = Caller(self.desks, self.desks.browser())

    def says(self, slip: IssuedSlip, **other: str) -> str:
        page = self.caller.reference(slip.handle)
        return page.text if SENTENCE in page.text else self.caller.says(page, slip, **other).text

    def were_refused(self, many: int, by: UUID) -> None:
        """Codes of other slips that were refused in the last minutes."""
        other = self.desks.slip(self.desks.dossier(ReleaseClass.C0))
        with self.desks.database.transaction("results") as db:
            for _ in range(many):
                db.add(
                    Attempt(
                        id=UUID(bytes=self.desks.chance(16)), site_id=self.desks.site().id, key=self.room.key(),
                        slip_id=other.slip_id, line=1, call_id=UUID(bytes=self.desks.chance(16)), way=Way.PHONE, by=by,
                        at=self.desks.at, state=AttemptState.REFUSED, is_tested=True, why="code",
                    )
                )  # fmt: skip


@pytest.fixture
def desk(room: SigningRoom) -> Desk:
    return Desk(room)


def looks(browser: Browser) -> str:
    return browser.get(MINE).text


def test_a_telephone_that_is_closed_is_told_to_the_biologist_and_opened_with_her_keys(desk: Desk) -> None:
    desk.were_refused(LAB_HOUR - 1, by=desk.desks.room.people["karim"].id)
    assert SENTENCE in desk.says(desk.slip, pin="7306")  # the sixtieth
    assert SENTENCE in desk.says(desk.slip)
    assert MARK not in desk.caller.browser.get("/").text
    lenoir = desk.desks.browser("lenoir")
    assert MARK in lenoir.get("/").text
    assert "Trop de codes refusés" in looks(lenoir)
    assert asks_for_keys(lenoir.post(MINE + "/rouvrir"))
    assert SENTENCE in desk.says(desk.slip)
    desk.room.unlock(lenoir)
    assert lenoir.post(MINE + "/rouvrir").headers["Location"] == MINE
    assert lenoir.post(MINE + "/rouvrir").status_code == 409
    assert desk.desks.entries("phone.reopened") == 1
    with desk.desks.database.reading() as db:
        assert db.scalars(select(PhoneClosure)).one().reopened_by == desk.desks.room.people["lenoir"].id
    assert "Trop de codes refusés" not in looks(lenoir)
    desk.desks.later(minutes=2)
    assert VALUE in desk.says(desk.slip)


def test_a_desk_that_pauses_is_named_to_the_biologist(desk: Desk) -> None:
    desk.were_refused(DESK_REFUSALS, by=desk.desks.sophie)
    assert SENTENCE in desk.says(desk.slip)
    lenoir = desk.desks.browser("lenoir")
    page = looks(lenoir)
    assert "Sophie Martin" in page
    assert "vingt codes refusés en une heure" in page
    assert MARK in lenoir.get("/").text
    desk.desks.later(minutes=16)
    desk.desks.later(seconds=30)
    assert "vingt codes refusés" not in looks(desk.desks.browser("lenoir"))
    desk.sits()
    assert VALUE in desk.says(desk.slip)


def test_a_clock_that_was_ahead_is_got_out_of_by_a_biologist_who_looks_at_the_hour(desk: Desk) -> None:
    right = desk.desks.at
    desk.desks.later(days=300)
    desk.were_refused(1, by=desk.desks.sophie)
    desk.desks.room.at = right  # the machine's clock is set right
    desk.sits()
    assert SENTENCE in desk.says(desk.slip)
    lenoir = desk.desks.browser("lenoir")
    assert MARK in lenoir.get("/").text
    assert "à une heure qui n'est pas encore venue" in looks(lenoir)
    assert asks_for_keys(lenoir.post(MINE + "/heure"))
    assert SENTENCE in desk.says(desk.slip)
    desk.room.unlock(lenoir)
    assert lenoir.post(MINE + "/heure").headers["Location"] == MINE
    assert lenoir.post(MINE + "/heure").status_code == 409
    assert desk.desks.entries("phone.clock_confirmed") == 1
    assert VALUE in desk.says(desk.slip)
    # One that goes back from now on is not believed again.
    with desk.desks.database.reading() as db:
        site_id = desk.desks.site().id
        assert not limits_now(db, site_id, at=desk.desks.at)
        assert limits_now(db, site_id, at=desk.desks.at - timedelta(minutes=1)).ahead is not None


@pytest.mark.parametrize("leaf", ["rouvrir", "heure"])
def test_a_secretary_opens_nothing(desk: Desk, leaf: str) -> None:
    desk.caller.browser.get("/telephone")
    assert desk.caller.browser.post(f"{MINE}/{leaf}").status_code == 403
