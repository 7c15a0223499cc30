"""A result goes by post only to whom the signed table lets it go, one envelope at a time, each sheet proved."""

from html import unescape
from uuid import UUID

from sqlalchemy import select, update
from werkzeug.test import TestResponse

from kiosk.booking import discretion
from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.journal import ResultsText, verify
from kiosk.register.visits import Visit
from printers.moves import Verb
from results.giving import Preference, choose
from results.handing.hand_over_record import key_of
from results.handing.letters import Letter
from results.reports.versions import ReportVersion
from results.vault.dossiers import Dossier, Wish
from results.vault.releases import ReleaseAct
from tests.results.cast import PROMISES
from tests.results.signing_room import VALUE, SigningRoom, asks_for_keys
from tests.staffroom import Browser

C0, C2, C3 = ReleaseClass.C0, ReleaseClass.C2, ReleaseClass.C3
NOBODY = "Aucun pli n'est à faire."


def wishes_post(room: SigningRoom, visit_id: UUID, *wishes: Wish, preference: Preference = Preference.LETTER) -> UUID:
    """The patient of a visit says at the counter how the result shall come."""
    desks = room.desks
    with desks.database.transaction("results") as db:
        choose(
            db, desks.keys, db.get_one(Visit, visit_id), preference=preference, wants_phone=False, document=None,
            wishes=wishes, promise_minutes=PROMISES, by=desks.sophie, at=desks.at, chance=desks.chance, key=room.key(),
        )  # fmt: skip
    return visit_id


def sits(room: SigningRoom, login: str = "sophie") -> Browser:
    browser = room.desks.browser(login)
    browser.get("/plis")
    return browser


def listed(browser: Browser, visit_id: UUID) -> bool:
    return f"/plis/{visit_id}" in browser.get("/plis").text


def makes(room: SigningRoom, browser: Browser, visit_id: UUID, **told: str) -> TestResponse:
    return browser.post(f"/plis/{visit_id}", **({"form_key": room.key()} | told))


def letters(room: SigningRoom) -> list[Letter]:
    with room.desks.database.reading() as db:
        return list(db.scalars(select(Letter).order_by(Letter.at, Letter.id)))


def comes_out(room: SigningRoom, letter: Letter) -> None:
    for number in range(1, letter.sheets + 1):
        for verb in (Verb.SEND, Verb.DOUBT):
            room.station.spool.move(f"{key_of(letter.id)}/{number}", verb, by="station", at=room.desks.at)


def test_an_envelope_is_printed_proved_and_posted_and_its_content_is_on_no_screen(room: SigningRoom) -> None:
    visit_id = wishes_post(room, room.signed(C0))
    browser = sits(room)
    assert listed(browser, visit_id)
    assert makes(room, browser, visit_id).status_code == 303
    assert VALUE in room.printed()
    page = browser.get("/plis").text
    assert VALUE not in page
    assert NOBODY in unescape(page)
    assert "0 feuille sortie sur 1" in page
    (letter,) = letters(room)
    post = f"/plis/poste/{letter.id}"
    browser.post(post, form_key=room.key())
    assert letters(room)[0].posted_at is None  # nobody knows yet whether it is out
    comes_out(room, letter)
    assert "Tout est sorti" in browser.get("/plis").text
    browser.post(f"/plis/regarder/{letter.id}", form_key=room.key(), out="yes")
    assert "Chaque feuille du lot est sortie" in browser.get("/plis").text
    browser.post(post, form_key=room.key())
    assert letters(room)[0].posted_by == room.desks.sophie
    assert browser.post(post, form_key=room.key()).status_code == 404
    with room.desks.database.reading() as db:
        (act,) = db.scalars(select(ReleaseAct))
        assert (act.channel, act.person, act.document) == ("letter", "without_code", None)
        assert verify(db, "results").sound
        texts = "".join(db.scalars(select(ResultsText.text)))
    assert "release.sent" in texts
    assert "release.posted" in texts


def test_the_same_form_makes_one_envelope_and_another_needs_a_reason(room: SigningRoom) -> None:
    visit_id = wishes_post(room, room.signed(C0))
    browser, key = sits(room), room.key()
    makes(room, browser, visit_id, form_key=key)
    makes(room, browser, visit_id, form_key=key)
    assert len(letters(room)) == len(room.station.papers()) == 1
    makes(room, browser, visit_id)
    assert "choisissez pourquoi" in browser.get("/plis").text
    assert len(letters(room)) == 1
    makes(room, browser, visit_id, again="returned")
    assert [row.again for row in letters(room)] == [None, "returned"]


def discreet(room: SigningRoom, visit_id: UUID) -> None:
    with room.desks.database.transaction("results") as db:
        discretion.mark_discreet(
            db, db.get_one(Visit, visit_id), by=room.desks.sophie, power=room.desks.room.power, at=room.desks.at,
            chance=room.desks.chance, key=room.key(),
        )  # fmt: skip


def secret(room: SigningRoom, visit_id: UUID) -> None:
    wishes_post(room, visit_id, Wish.MINOR_SECRET)


def in_person(room: SigningRoom, visit_id: UUID) -> None:
    wishes_post(room, visit_id, Wish.IN_PERSON_ONLY)


def changed_mind(room: SigningRoom, visit_id: UUID) -> None:
    room.desks.later(minutes=1)
    wishes_post(room, visit_id, preference=Preference.PICKUP)


def changes(room: SigningRoom, visit_id: UUID, **cells: str) -> None:
    with room.desks.database.transaction("results") as db:
        dossier = select(Dossier.id).where(Dossier.visit_id == visit_id).scalar_subquery()
        db.execute(update(ReportVersion).where(ReportVersion.dossier == dossier).values(**cells))


def flagged(room: SigningRoom, visit_id: UUID) -> None:
    changes(room, visit_id, flags="secret")


def unsigned(room: SigningRoom, visit_id: UUID) -> None:
    changes(room, visit_id, state="sealed")


def test_whoever_is_closed_to_letters_is_in_no_list_and_gets_none(room: SigningRoom) -> None:
    closing = (discreet, secret, in_person, flagged, unsigned, changed_mind)
    visits = [wishes_post(room, room.signed(C0)) for _ in closing]
    browser = sits(room)
    assert all(listed(browser, visit_id) for visit_id in visits)
    for closes, visit_id in zip(closing, visits, strict=True):
        closes(room, visit_id)
    room.station.runs(room.desks.at, room.desks.chance)
    browser = sits(room)
    assert not [visit_id for visit_id in visits if listed(browser, visit_id)]
    for visit_id in visits[:-1]:  # who has changed their mind may do so once more
        makes(room, browser, visit_id)
        assert "Je ne peux rien remettre" in browser.get("/plis").text
    assert letters(room) == []
    assert room.station.papers() == []


def test_nothing_is_put_in_an_envelope_before_its_hour(room: SigningRoom) -> None:
    dossier_id = room.desks.dossier(C0)
    visit_id = wishes_post(room, room.visit_of(dossier_id))
    assert not listed(sits(room), visit_id)


def test_what_is_confidential_goes_by_post_when_asked_in_writing_and_by_a_biologist_alone(room: SigningRoom) -> None:
    unasked = wishes_post(room, room.signed(C2))
    asked = wishes_post(room, room.signed(C2), Wish.LETTER_ASKED)
    never = wishes_post(room, room.signed(C3), Wish.LETTER_ASKED)
    sophie, lenoir = sits(room), sits(room, "lenoir")
    assert [listed(sophie, one) for one in (unasked, asked, never)] == [False, False, False]
    assert [listed(lenoir, one) for one in (unasked, asked, never)] == [False, True, False]
    makes(room, sophie, asked)
    assert letters(room) == []
    assert asks_for_keys(makes(room, lenoir, asked))
    room.unlock(lenoir)
    room.station.runs(room.desks.at, room.desks.chance)
    lenoir.get("/plis")
    makes(room, lenoir, asked)
    (letter,) = letters(room)
    assert (letter.release_class, letter.sheets) == (C2, 2)


def test_a_sheet_that_is_missing_makes_the_envelope_one_to_destroy_and_make_again(room: SigningRoom) -> None:
    visit_id = wishes_post(room, room.signed(C0))
    browser = sits(room)
    makes(room, browser, visit_id)
    (letter,) = letters(room)
    comes_out(room, letter)
    browser.post(f"/plis/regarder/{letter.id}", form_key=room.key(), out="no")
    assert "pli à détruire" in unescape(browser.get("/plis").text)
    makes(room, browser, visit_id, again="spoilt")
    assert len(letters(room)) == 2


def test_an_open_page_hears_only_of_what_has_changed(room: SigningRoom) -> None:
    visit_id = wishes_post(room, room.signed(C0))
    browser = sits(room)
    makes(room, browser, visit_id)
    page = unescape(browser.get("/plis").text)
    asked = "/plis/etat" + page.partition('hx-get="/plis/etat')[2].partition('"')[0]
    assert browser.get(asked).status_code == 204
    comes_out(room, letters(room)[0])
    assert browser.get(asked).status_code == 200
