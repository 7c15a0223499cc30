"""What is read aloud is released with the words in hand, or not at all."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from kiosk.exams.catalogue import ReleaseClass
from results.callers.asking import asked_on_the_phone
from results.callers.calls import State, open_call, verify
from results.callers.reading_aloud import Words, read_again, read_once
from results.release import Role
from results.telling import Told
from results.vault.dossiers import trusted_dossier
from results.vault.releases import Course, ReleaseAct
from results.vault.sealing import DoesNotOpen
from results.weighing import weigh
from tests.results.cast import Desks
from tests.results.signing_room import result

ASKED = asked_on_the_phone(Role.BIOLOGIST)


def reads(desks: Desks, words: Words) -> tuple[State, int]:
    """A biologist answers a caller whose code was right: where the call stands then, and what was released."""
    dossier_id = desks.dossier(ReleaseClass.C0)
    slip = desks.slip(dossier_id)
    desks.report(dossier_id, ReleaseClass.C0, body=result("1608"))
    desks.later(minutes=61)
    lenoir, key = desks.room.people["lenoir"].id, desks.chance(16).hex()
    with desks.database.transaction("results") as db:
        call = open_call(
            db, desks.keys, desks.site().id, slip.handle, by=lenoir, at=desks.at, chance=desks.chance, key=key
        )
        verify(call, until=desks.at + timedelta(hours=9))
        dossier = trusted_dossier(db, desks.keys, dossier_id)
        decision, weighed = weigh(db, desks.keys, dossier.id, ASKED, power=desks.room.power, at=desks.at)
        assert weighed.course is Course.TELL
        try:
            aloud = read_once(
                db, call, dossier, decision, weighed, words, attempt_id=None, reads_back=False, by=lenoir, at=desks.at,
                chance=desks.chance, key=key,
            )  # fmt: skip
        except DoesNotOpen:
            pass
        else:
            again = read_again(db, desks.keys, call, ASKED, words, power=desks.room.power, at=desks.at)
            assert again == aloud
        return call.state, db.scalar(select(func.count()).select_from(ReleaseAct)) or 0


def test_what_was_read_is_released_once_and_shown_again_without_a_second_release(desks: Desks) -> None:
    assert reads(desks, lambda _, items: tuple(Told(words=f"{one}", values=()) for one in items)) == (State.TOLD, 1)


def nothing_opens(*_: object) -> tuple[Told, ...]:
    raise DoesNotOpen


@pytest.mark.parametrize("words", [lambda *_: (), nothing_opens])
def test_where_no_word_can_be_read_nothing_is_released_and_the_call_waits_on(desks: Desks, words: Words) -> None:
    assert reads(desks, words) == (State.VERIFIED, 0)
