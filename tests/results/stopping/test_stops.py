"""A journal that is not what its note says closes every way, until a biologist has written why they open again."""

from html import unescape
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, event, select, update

from kiosk.exams.catalogue import ReleaseClass
from kiosk.formats.damm import check_digit
from kiosk.formats.merkle import Checkpoint, letters_of, paper_words, write_note
from kiosk.formats.scanned_note import squeeze
from kiosk.register.accounts import vouch, vouched
from kiosk.register.journal import ResultsText, head_of, verify
from kiosk.register.staff import Power
from results import weighing
from results.keeping.evening import note_of_evening
from results.keeping.notes import origin_of
from results.matrix import Channel, Person
from results.release import Role, Why
from results.stopping import stops as stops_module
from results.stopping.stops import ReleaseStop, SayWhy, clear_stops, is_stopped, keep_stop, stop_releases
from results.vault.dossiers import Dossier, Wish, dossier_of
from results.vault.releases import Course, ReleaseAct
from results.weighing import Asked, weigh
from tests.results.signing_room import VALUE, SigningRoom, result
from tests.staffroom import Browser

C0 = ReleaseClass.C0
WHY = "Sauvegarde du 20/11 remise en place, vue avec le technicien."


def comes(room: SigningRoom, login: str = "sophie") -> Browser:
    """Somebody signs in, whose authenticator has shown others meanwhile."""
    room.desks.later(seconds=30)
    return room.desks.browser(login)


def notes(room: SigningRoom) -> dict[str, str]:
    """The evening's two square codes."""
    desks = room.desks
    made = note_of_evening(
        desks.database, desks.keys, desks.site(), by="evening", at=desks.at, chance=desks.chance
    )  # fmt: skip
    return {note.side: squeeze(note.text) for note in made}


def forged(room: SigningRoom, *, more: int = 0) -> str:
    """A note that this laboratory has signed, of a journal that is no longer this one."""
    keys = room.desks.keys
    with room.desks.database.reading() as db:
        size, _ = head_of(db, "results")
    point = Checkpoint(origin=f"{origin_of(room.desks.site())}/results", size=size + more, root=bytes(32))
    return squeeze(write_note(point, public=keys.journal_public(), sign=keys.sign_journal))


def scans(room: SigningRoom, browser: Browser, note: str, **more: str) -> tuple[int, str]:
    browser.get("/note-du-matin")
    answer = browser.post("/note-du-matin", form_key=room.key(), **({"scanned": note} if note else {}), **more)
    return answer.status_code, unescape(
        browser.get("/note-du-matin").text if answer.status_code == 303 else answer.text
    )


def stopped(room: SigningRoom) -> bool:
    with room.desks.database.reading() as db:
        return is_stopped(db, room.desks.keys, room.desks.room.power)


def stops(room: SigningRoom) -> None:
    """Stop as the morning's screen does."""
    assert scans(room, comes(room), forged(room))[0] == 303
    assert stopped(room)


def clears(room: SigningRoom, reason: str = WHY) -> Any:
    """Dr Lenoir gives six digits, then the reason."""
    lenoir = comes(room, "lenoir")
    lenoir.raise_power()
    return lenoir.post("/note-du-matin/reprise", form_key=room.key(), reason=reason)


def every_way(room: SigningRoom, visit_id: Any) -> dict[tuple[Channel, Person, Role], Course]:
    desks, is_closed = room.desks, stopped(room)
    with desks.database.reading() as db:
        dossier = dossier_of(db, desks.keys, visit_id)
        found = {}
        for channel in Channel:
            for person in Person:
                for role in (Role.SECRETARY, Role.BIOLOGIST):
                    asked = Asked(channel=channel, person=person, role=role, agreed=True, is_prescriber=True)
                    decision, weighed = weigh(db, desks.keys, dossier.id, asked, power=desks.room.power, at=desks.at)
                    found[channel, person, role] = weighed.course
                    assert (decision.why is Why.STOPPED) is is_closed
                    assert not (is_closed and weighed.items)
        return found


@pytest.mark.parametrize("release_class", [ReleaseClass.C0, ReleaseClass.C3])
def test_while_stopped_no_way_is_open_to_anybody_by_anybody(room: SigningRoom, release_class: ReleaseClass) -> None:
    visit_id = room.signed(release_class, wishes=(Wish.LETTER_ASKED,))
    before = every_way(room, visit_id)
    assert {Course.TELL, Course.NOT_NOW} <= set(before.values())
    stops(room)
    assert set(every_way(room, visit_id).values()) == {Course.NOT_NOW}
    assert clears(room).status_code == 303
    assert every_way(room, visit_id) == before


def test_whoever_enters_a_release_has_asked_the_rule_first() -> None:
    """The one exception is the biologist's own act: a critical value is told whatever is stopped."""
    house = Path(__file__).resolve().parents[3] / "results"
    entering = [path for path in house.rglob("*.py") if "    enter_release(" in path.read_text(encoding="utf-8")]
    asking = [path for path in entering if "weigh(" in path.read_text(encoding="utf-8")]
    assert len(asking) >= 4
    assert [path.relative_to(house).as_posix() for path in set(entering) - set(asking)] == ["critical/calling.py"]


def rings(room: SigningRoom, handle: str) -> str:
    sophie = comes(room)
    sophie.get("/telephone")
    digits = handle + check_digit(handle)
    sophie.post("/telephone/reference", form_key=room.key(), handle_digits=digits)
    return unescape(sophie.get("/telephone/appel").text)


def told(room: SigningRoom) -> int:
    with room.desks.database.reading() as db:
        return len(db.scalars(select(ReleaseAct)).all())


def tries(room: SigningRoom, handle: str, visit_id: Any) -> None:
    """The telephone, the counter with and without a code, and the letters."""
    page = rings(room, handle)
    assert "Je ne peux rien communiquer par téléphone" in page
    assert "Les remises sont arrêtées" in page
    sophie = comes(room)
    sophie.get("/remise")
    for way in (f"/remise/{visit_id}/sans-code", f"/plis/{visit_id}"):
        answer = sophie.post(way, form_key=room.key(), document="passport")
        assert VALUE not in answer.text
    assert VALUE not in room.printed()


def test_telephone_counter_and_letters_answer_as_they_answer_everybody(room: SigningRoom) -> None:
    issued = room.desks.ready(C0, result("0126"))
    with room.desks.database.reading() as db:
        visit_id = db.scalars(select(Dossier.visit_id)).one()
    room.hour_comes()
    stops(room)
    room.station.runs(room.desks.at, room.desks.chance)
    tries(room, issued.handle, visit_id)
    assert told(room) == 0
    # Reception goes on, and the menu says it on each page.
    page = unescape(comes(room).get("/file").text)
    assert "remises arrêtées" in page
    assert "Rien ne part, par aucune voie" not in page


def test_without_the_protection_it_would_be_told(room: SigningRoom, monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: the same evening, the rule without its first question."""
    visit_id = room.signed(C0)
    stops(room)
    monkeypatch.setattr(weighing, "is_stopped", lambda *_: False)
    assert Course.TELL in set(every_way_unasked(room, visit_id))


def every_way_unasked(room: SigningRoom, visit_id: Any) -> list[Course]:
    desks = room.desks
    with desks.database.reading() as db:
        dossier = dossier_of(db, desks.keys, visit_id)
        asked = Asked(channel=Channel.PHONE, person=Person.WITH_CODE, role=Role.SECRETARY)
        return [weigh(db, desks.keys, dossier.id, asked, power=desks.room.power, at=desks.at)[1].course]


# ---- the way in


def test_the_last_note_agrees_and_nothing_stops(room: SigningRoom) -> None:
    taken = notes(room)
    sophie = comes(room)
    for side, note in taken.items():
        code, page = scans(room, sophie, note)
        assert code == 303
        assert "conforme à la note" in page, side
    assert not stopped(room)
    room.desks.later(hours=24)
    notes(room)
    code, page = scans(room, comes(room), taken["results"])
    assert code == 303
    assert "cette note n'est pas la dernière" in page
    assert not stopped(room)


@pytest.mark.parametrize("harm", ["root", "smaller"])
def test_another_root_and_a_smaller_tree_stop(room: SigningRoom, harm: str) -> None:
    _, page = scans(room, comes(room), forged(room, more=5 if harm == "smaller" else 0))
    assert "Les remises sont arrêtées" in page
    assert stopped(room)
    with room.desks.database.reading() as db:
        texts = "".join(db.scalars(select(ResultsText.text)))
        assert verify(db, "results").sound
    assert '"journal.stopped"' in texts


def test_what_is_no_note_of_this_house_stops_nothing(room: SigningRoom) -> None:
    code, page = scans(room, comes(room), "ETQJ1B" + "A" * 170)
    assert code == 422
    assert "Ce n'est pas une note signée par ce laboratoire" in page
    assert not stopped(room)


def test_one_form_stops_once(room: SigningRoom) -> None:
    sophie, note, key = comes(room), forged(room), room.key()
    for _ in range(2):
        sophie.get("/note-du-matin")
        assert sophie.post("/note-du-matin", form_key=key, scanned=note).status_code == 303
    with room.desks.database.reading() as db:
        assert [row.number for row in db.scalars(select(ReleaseStop))] == [1]


def test_a_typed_line_with_a_wrong_letter_is_read_again_before_anything_stops(room: SigningRoom) -> None:
    notes(room)
    with room.desks.database.reading() as db:
        size, root = head_of(db, "results")
    right = paper_words(size, letters_of(root))
    wrong = right[:-1] + ("A" if right[-1] != "A" else "B")
    sophie = comes(room)
    code, page = scans(room, sophie, "", line=wrong, side="results")
    assert code == 422
    assert "Relisez-la lettre par lettre" in page
    assert wrong in page
    assert not stopped(room)
    assert scans(room, sophie, "", line=right, side="results")[0] == 303
    assert not stopped(room)
    assert scans(room, sophie, "", line=wrong, side="results", again="yes")[0] == 303
    assert stopped(room)


# ---- the way out


def test_a_secretary_and_a_biologist_without_six_digits_clear_nothing(room: SigningRoom) -> None:
    stops(room)
    way = "/note-du-matin/reprise"
    sophie = comes(room)
    sophie.get("/note-du-matin")
    assert sophie.post(way, form_key=room.key(), reason=WHY).status_code == 403
    lenoir = comes(room, "lenoir")
    lenoir.get("/note-du-matin")
    room.desks.later(minutes=1)
    assert lenoir.post(way, form_key=room.key(), reason=WHY).status_code == 401
    assert stopped(room)


def test_a_biologist_clears_with_a_reason_that_is_kept_sealed_and_shown_to_biologists(room: SigningRoom) -> None:
    stops(room)
    assert clears(room, "oui").status_code == 422
    assert stopped(room)
    assert clears(room).status_code == 303
    assert not stopped(room)
    assert WHY in unescape(comes(room, "lenoir").get("/note-du-matin").text)
    assert WHY not in unescape(comes(room).get("/note-du-matin").text)
    with room.desks.database.reading() as db:
        assert '"journal.cleared"' in "".join(db.scalars(select(ResultsText.text)))
    stored = b"".join(path.read_bytes() for path in room.desks.room.folder.glob("*.sqlite*"))
    assert b"remise en place" not in stored


# ---- a writer of the database


def test_a_row_that_is_taken_away_still_stops_and_a_biologist_still_clears(room: SigningRoom) -> None:
    stops(room)
    with room.desks.database.transaction("results") as db:
        db.execute(delete(ReleaseStop))
    assert stopped(room)
    assert clears(room).status_code == 303
    assert not stopped(room)
    assert "arrêt effacé de la base" in unescape(comes(room, "lenoir").get("/note-du-matin").text)


def test_a_clearing_that_nobody_vouches_for_clears_nothing(room: SigningRoom) -> None:
    stops(room)
    forging = {"cleared_by": room.desks.sophie, "cleared_at": room.desks.at, "reason": b"x"}
    with room.desks.database.transaction("results") as db:
        db.execute(update(ReleaseStop).values(**forging))
    assert stopped(room)


def test_the_cleared_row_of_a_former_stop_lifts_no_later_one(room: SigningRoom) -> None:
    stops(room)
    clears(room)
    with room.desks.database.reading() as db:
        former = db.scalars(select(ReleaseStop)).one()
    room.desks.later(hours=1)
    stops(room)
    with room.desks.database.transaction("results") as db:
        db.execute(delete(ReleaseStop).where(ReleaseStop.number == 2))
        # The former row under the later number: its HMAC is over the number too.
        values = {column.key: getattr(former, column.key) for column in ReleaseStop.__table__.columns}
        db.add(ReleaseStop(**values | {"number": 2, "id": room.desks.sophie, "key": "f" * 32}))
    assert stopped(room)


def test_a_forged_stop_only_closes(room: SigningRoom) -> None:
    desks = room.desks
    with desks.database.transaction("results") as db:
        db.add(ReleaseStop(
            number=9, id=desks.sophie, site_id=desks.site().id, side="results", size=1, first_bad=0, by=desks.sophie,
            at=desks.at, key="e" * 32, cleared_by=None, cleared_at=None, reason=None, mac=bytes(32),
        ))  # fmt: skip
    assert stopped(room)
    assert clears(room).status_code == 303
    assert not stopped(room)


def test_the_number_beside_the_keys_only_rises_and_is_enough_by_itself(room: SigningRoom) -> None:
    desks = room.desks
    keep_stop(desks.keys, 7)
    keep_stop(desks.keys, 3)
    assert stopped(room)
    assert (desks.keys.folder / "stop.head").stat().st_mode & 0o777 == 0o400
    with desks.database.transaction("results") as db:
        made = stop_releases(
            db, desks.keys, desks.site().id, side="register", size=1, first_bad=0, by=desks.sophie,
            power=desks.room.power, at=desks.at, chance=desks.chance, key="a" * 32,
        )  # fmt: skip
        assert made.number == 8
        vouch(made, desks.room.power)
    keep_stop(desks.keys, 8)
    with desks.database.transaction("results") as db, pytest.raises(SayWhy):
        clear_stops(
            db, desks.keys, desks.site().id, " " * 40, by=desks.sophie, power=desks.room.power, at=desks.at,
            chance=desks.chance,
        )  # fmt: skip
    assert stopped(room)


# ---- asked at every page


def test_however_many_stops_there_were_it_is_one_question_and_one_proof(
    room: SigningRoom, monkeypatch: pytest.MonkeyPatch
) -> None:
    desks = room.desks
    for number in range(1, 31):
        with desks.database.transaction("results") as db:
            stop_releases(
                db, desks.keys, desks.site().id, side="results", size=1, first_bad=0, by=desks.sophie,
                power=desks.room.power, at=desks.at, chance=desks.chance, key=room.key(),
            )  # fmt: skip
        keep_stop(desks.keys, number)
        with desks.database.transaction("results") as db:
            clear_stops(
                db, desks.keys, desks.site().id, WHY, by=desks.sophie, power=desks.room.power, at=desks.at,
                chance=desks.chance,
            )  # fmt: skip
    proofs: list[int] = []
    questions: list[str] = []

    def proves(row: ReleaseStop, power: Power) -> bool:
        proofs.append(row.number)
        return vouched(row, power)

    monkeypatch.setattr(stops_module, "vouched", proves)
    with desks.database.reading() as db:
        event.listen(db.connection(), "before_cursor_execute", lambda *told: questions.append(told[2]))
        assert not is_stopped(db, desks.keys, desks.room.power)
    assert (len(questions), proofs) == (1, [30])


@pytest.mark.parametrize("number", [1, 2])
def test_any_stop_that_stands_closes_whatever_came_after_it(room: SigningRoom, number: int) -> None:
    stops(room)
    room.desks.later(hours=1)
    stops(room)
    clears(room)
    assert not stopped(room)
    with room.desks.database.transaction("results") as db:
        standing = update(ReleaseStop).where(ReleaseStop.number == number)
        db.execute(standing.values(cleared_by=None, cleared_at=None, reason=None))
    assert stopped(room)
