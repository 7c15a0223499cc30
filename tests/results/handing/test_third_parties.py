"""Somebody fetches a paper for another: on a mandate or as a minor's parent, as the signed table says, signed for."""

from collections.abc import Callable
from datetime import timedelta
from html import unescape
from uuid import UUID

import pytest
from sqlalchemy import select
from werkzeug.test import TestResponse

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.journal import ResultsText, verify
from kiosk.register.patients import Document, patient_of, recognise
from kiosk.register.visits import Visit
from printers.paper import Text
from results.handing.hand_over_record import HandOver
from results.handing.mandates import Mandate
from results.vault.releases import ReleaseAct
from tests.results.signing_room import SigningRoom
from tests.staffroom import Browser

C0, C2, C3 = ReleaseClass.C0, ReleaseClass.C2, ReleaseClass.C3
SENTENCE = "Je ne peux rien remettre pour le moment."
HUSBAND = "Paul Moreau"


def sits(room: SigningRoom) -> Browser:
    browser = room.desks.browser("sophie")
    browser.get("/remise")
    return browser


def notes(room: SigningRoom, browser: Browser, visit_id: UUID, **told: str) -> TestResponse:
    fields = {
        "form_key": room.key(), "holder": HUSBAND, "document": "identity_card",
        "until": f"{room.desks.at.date() + timedelta(days=30)}", "scope": "visit",
    } | told  # fmt: skip
    return browser.post(f"/passage/{visit_id}/procurations", **fields)


def mandate(room: SigningRoom) -> Mandate:
    with room.desks.database.reading() as db:
        return db.scalars(select(Mandate)).one()


def gives(room: SigningRoom, browser: Browser, visit_id: UUID, person: str, **told: str) -> TestResponse:
    fields = {"form_key": room.key(), "document": "passport", "person": person} | told
    return browser.post(f"/remise/{visit_id}/sans-code", **fields)


def releases(room: SigningRoom) -> list[ReleaseAct]:
    with room.desks.database.reading() as db:
        return list(db.scalars(select(ReleaseAct)))


def test_whoever_a_mandate_names_takes_a_sealed_envelope_and_signs_on_paper(room: SigningRoom) -> None:
    visit_id = room.signed(C0)
    browser = sits(room)
    assert notes(room, browser, visit_id).status_code == 303
    assert HUSBAND in browser.get(f"/remise/{visit_id}").text
    answer = gives(room, browser, visit_id, "mandated", mandate=str(mandate(room).id))
    assert answer.status_code == 303
    page = unescape(browser.get(answer.location).text)
    assert "Enveloppe fermée" in page
    assert "signe le reçu" in page
    (act,) = releases(room)
    assert (act.person, act.document) == ("mandated", "passport")
    assert browser.post(f"{answer.location}/recu", form_key=room.key()).status_code == 303
    (receipt,) = (job for job in room.station.spool.jobs() if job.key.startswith("receipt/"))
    assert not receipt.secret
    assert browser.post(f"{answer.location}/signature", form_key=room.key()).status_code == 303
    assert "La signature est vue" in browser.get(answer.location).text
    with room.desks.database.reading() as db:
        row = db.scalars(select(HandOver)).one()
        assert (row.is_sealed, row.mandate_id, row.signed_by) == (True, mandate(room).id, room.desks.sophie)
        assert verify(db, "results").sound
        texts = "".join(db.scalars(select(ResultsText.text)))
    assert "mandate.given" in texts
    assert "release.signed_for" in texts
    assert "Moreau" not in texts


def test_the_receipt_names_nobody_and_nothing(room: SigningRoom) -> None:
    visit_id = room.signed(C0)
    browser = sits(room)
    notes(room, browser, visit_id)
    location = gives(room, browser, visit_id, "mandated", mandate=str(mandate(room).id)).location
    browser.post(f"{location}/recu", form_key=room.key())
    (paper,) = (one for one in room.station.plain() if one.kind == "receipt")
    words = " ".join(item.s for item in paper.items if isinstance(item, Text))
    assert "Reçu un pli fermé" in words
    assert not [word for word in ("Moreau", "MOREAU", "Jeanne", "Dosage") if word in words]


def test_no_copy_is_kept_and_the_name_is_sealed(room: SigningRoom) -> None:
    visit_id = room.signed(C0)
    notes(room, sits(room), visit_id)
    row = mandate(room)
    assert HUSBAND.encode() not in row.holder
    kept = {column.key for column in Mandate.__table__.columns}
    assert not [name for name in kept if "scan" in name or "number" in name or "image" in name]


@pytest.mark.parametrize("release_class", [C2, C3])
def test_what_is_confidential_is_never_handed_over_on_a_mandate(room: SigningRoom, release_class: ReleaseClass) -> None:
    visit_id = room.signed(release_class)
    browser = sits(room)
    notes(room, browser, visit_id)
    answer = gives(room, browser, visit_id, "mandated", mandate=str(mandate(room).id))
    assert SENTENCE in unescape(answer.text)
    assert releases(room) == []
    assert room.station.papers() == []


def ended(room: SigningRoom, browser: Browser, visit_id: UUID) -> None:
    way = f"/passage/{visit_id}/procurations/{mandate(room).id}/fin"
    assert browser.post(way, form_key=room.key()).status_code == 303


def forged(room: SigningRoom, browser: Browser, visit_id: UUID) -> None:
    with room.desks.database.transaction("results") as db:
        db.scalars(select(Mandate)).one().until += timedelta(days=300)


def late(room: SigningRoom, browser: Browser, visit_id: UUID) -> None:
    room.desks.later(days=31)
    room.station.runs(room.desks.at, room.desks.chance)
    browser.sign_in("sophie")
    browser.get("/remise")


@pytest.mark.parametrize("how", [ended, forged, late], ids=lambda how: how.__name__)
def test_a_mandate_that_does_not_hold_opens_nothing(
    room: SigningRoom, how: Callable[[SigningRoom, Browser, UUID], None]
) -> None:
    visit_id = room.signed(C0)
    browser = sits(room)
    notes(room, browser, visit_id)
    chosen = str(mandate(room).id)
    how(room, browser, visit_id)
    answer = gives(room, browser, visit_id, "mandated", mandate=chosen)
    assert answer.status_code == 422
    assert "Choisissez la procuration" in answer.text
    assert releases(room) == []


def test_a_mandate_for_one_visit_is_none_for_another(room: SigningRoom) -> None:
    first, second = room.signed(C0), room.signed(C0)
    with room.desks.database.transaction() as db:
        patient = patient_of(db, first)
        assert patient is not None
        recognise(
            db, db.get_one(Visit, second), patient, document=Document.CARD, by="sophie", at=room.desks.at
        )  # fmt: skip
    browser = sits(room)
    notes(room, browser, first)
    assert gives(room, browser, second, "mandated", mandate=str(mandate(room).id)).status_code == 422
    assert gives(room, browser, second, "mandated").status_code == 422
    assert releases(room) == []
    notes(room, browser, first, scope="all", holder="Anne Durand")
    assert "Anne Durand" in browser.get(f"/remise/{second}").text
    assert HUSBAND not in browser.get(f"/remise/{second}").text


def test_a_mandate_that_cannot_be_one_is_a_correction_and_nothing_typed_is_lost(room: SigningRoom) -> None:
    visit_id = room.signed(C0)
    browser = sits(room)
    for told, words in (
        ({"holder": "Paul"}, "prénom et le nom"),
        ({"holder": ""}, "prénom et le nom"),
        ({"until": ""}, "un jour à venir"),
        ({"until": "2020-01-01"}, "un jour à venir"),
        ({"until": "2099-01-01"}, "un jour à venir"),
        ({"document": "none"}, "Demandez une pièce d'identité"),
    ):
        answer = notes(room, browser, visit_id, **told)
        assert answer.status_code == 422
        assert words in unescape(answer.text)
        assert told.get("holder", HUSBAND) in answer.text
    with room.desks.database.reading() as db:
        assert db.scalars(select(Mandate)).all() == []


def test_a_minors_parent_takes_a_sealed_envelope_and_a_grown_persons_parent_nothing(room: SigningRoom) -> None:
    visit_id = room.signed(C0)
    browser = sits(room)
    assert SENTENCE in unescape(gives(room, browser, visit_id, "parent").text)
    with room.desks.database.transaction() as db:
        patient = patient_of(db, visit_id)
        assert patient is not None
        patient.birth_date = f"{room.desks.at.year - 12}0101"
    answer = gives(room, browser, visit_id, "parent")
    assert answer.status_code == 303
    assert "Enveloppe fermée" in browser.get(answer.location).text
    (act,) = releases(room)
    assert act.person == "parent"


def test_whoever_takes_an_own_envelope_signs_nothing(room: SigningRoom) -> None:
    visit_id = room.signed(C0)
    browser = sits(room)
    location = gives(room, browser, visit_id, "without_code").location
    assert "Signature sur papier" not in browser.get(location).text
    browser.post(f"{location}/signature", form_key=room.key())
    with room.desks.database.reading() as db:
        assert db.scalars(select(HandOver)).one().signed_at is None
