"""Whom the laboratory system names is shown to the person who reads the paper; nobody gets a power by it."""

from html import unescape
from uuid import UUID

from sqlalchemy import select

from kiosk.exams.catalogue import ReleaseClass
from results.hl7v2.values import Practitioner
from results.physicians.orders import OrderPhysician
from results.physicians.register import Physician, close_physician
from results.physicians.said import MOST, note_prescribers, unknown_prescribers
from tests.results.signing_room import SigningRoom
from tests.staffroom import Browser

RPPS = "10100000017"
PETIT = Practitioner(rpps=RPPS, family="PETIT", given="Luc")


def says(room: SigningRoom, *named: Practitioner) -> UUID:
    """A message of the laboratory system names these as a new visit's prescribers."""
    dossier_id = room.desks.dossier(ReleaseClass.C0)
    with room.desks.database.transaction("results") as db:
        note_prescribers(
            db, dossier_id, named, site_id=room.desks.site().id, message_id=UUID(int=1), at=room.desks.at
        )  # fmt: skip
    return room.visit_of(dossier_id)


def sits(room: SigningRoom) -> Browser:
    browser = room.desks.browser("sophie")
    browser.get("/medecins")
    return browser


def test_an_unknown_prescriber_is_a_hint_in_the_register_until_somebody_enters_them(room: SigningRoom) -> None:
    visit_id = says(room, PETIT)
    browser = sits(room)
    assert "Nommés par le SIL, pas au registre" in browser.get("/medecins").text
    assert "pas au registre" in browser.get(f"/passage/{visit_id}/medecins").text
    entered = browser.post("/medecins", form_key=room.key(), name="Luc PETIT", rpps=RPPS)
    assert entered.status_code == 303
    assert "Nommés par le SIL" not in browser.get("/medecins").text
    page = unescape(browser.get(f"/passage/{visit_id}/medecins").text)
    assert "Nommé par le SIL" in page
    assert f"selected>Luc PETIT ({RPPS})" in page
    with room.desks.database.reading() as db:
        (row,) = db.scalars(select(Physician))
        assert (row.phone, row.totp_seed, row.is_enrolled) == (None, None, False)
        assert db.scalars(select(OrderPhysician)).all() == []


def test_a_closed_entry_is_no_hint_any_more(room: SigningRoom) -> None:
    says(room, PETIT)
    browser = sits(room)
    browser.post("/medecins", form_key=room.key(), name="Luc PETIT", rpps=RPPS)
    with room.desks.database.transaction("results") as db:
        close_physician(
            db, db.scalars(select(Physician.id)).one(), by=room.desks.room.people["lenoir"].id,
            power=room.desks.room.power, at=room.desks.at, chance=room.desks.chance,
        )  # fmt: skip
    assert "Nommés par le SIL" not in browser.get("/medecins").text


def test_who_is_named_most_stands_first_and_old_names_go(room: SigningRoom) -> None:
    rare = Practitioner(rpps="10100000025", family="ABEL", given="Eva")
    says(room, PETIT, rare)
    says(room, PETIT, PETIT)
    site_id = room.desks.site().id
    with room.desks.database.reading() as db:
        found = unknown_prescribers(db, site_id, at=room.desks.at)
        assert [(one.name, one.orders) for one in found] == [("Luc PETIT", 2), ("Eva ABEL", 1)]
    room.desks.later(days=31)
    with room.desks.database.reading() as db:
        assert unknown_prescribers(db, site_id, at=room.desks.at) == []


def test_a_flood_of_names_stays_a_short_list_and_a_long_name_is_cut(room: SigningRoom) -> None:
    many = [Practitioner(rpps=f"{10100000000 + n}", family="X" * 200, given="\x07Y") for n in range(MOST + 5)]
    says(room, *many)
    with room.desks.database.reading() as db:
        found = unknown_prescribers(db, room.desks.site().id, at=room.desks.at)
    assert len(found) == MOST
    assert all(one.name.startswith("Y X") and len(one.name) == 80 for one in found)
