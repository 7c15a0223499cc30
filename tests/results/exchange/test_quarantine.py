"""A held message tells why it waits; whose it may be only once opened, and its class and values never."""

from html import unescape

import pytest
from sqlalchemy import select

from kiosk.register.journal import ResultsText
from results.exchange.intake import take
from results.exchange.quarantine import Aside, NamesNobody, open_identity, set_aside
from results.exchange.received import MessageState, NoLongerHeld, ReceivedMessage
from results.reports.versions import ReportVersion, State
from results.vault.keys import ExchangeKeys
from tests.results.signing_room import SigningRoom
from tests.staffroom import Browser

MESSAGE = (
    "MSH|^~\\&|SIL|LABO|||20261121083000||ORU^R01^ORU_R01|{number}|P|2.5\r"
    "PID|1||1||LEROY^Paul^Paul Jean^^^^L||19610405|M\r"
    "OBR|1|260100000017|F{number}|0388^Dépistage VIH^NABM|||20261121080000|||||||||||||||||F\r"
    "OBX|1|NM|0388^Dépistage VIH^NABM||4271|UA|||||F\r"
)


def arrives(room: SigningRoom, number: int = 1) -> ReceivedMessage:
    """A message that speaks of somebody who awaits nothing here."""
    taken = take(
        room.desks.database, [MESSAGE.format(number=number).encode()], keys=room.desks.keys,
        exchange_keys=ExchangeKeys.load(room.desks.room.folder / "keys-exchange"), is_production=True,
        at=room.desks.at, chance=room.desks.chance,
    )  # fmt: skip
    assert taken.tally.quarantined == 1
    with room.desks.database.reading() as db:
        return db.scalars(select(ReceivedMessage).order_by(ReceivedMessage.received_at.desc())).first()  # type: ignore[return-value]


def sits(room: SigningRoom, login: str = "sophie") -> Browser:
    browser = room.desks.browser(login)
    browser.get("/messages-retenus")
    return browser


def texts(room: SigningRoom) -> list[str]:
    with room.desks.database.reading() as db:
        return list(db.scalars(select(ResultsText.text)))


def test_the_list_says_why_and_since_when_and_nothing_else(room: SigningRoom) -> None:
    row = arrives(room)
    room.desks.later(minutes=45)
    page = unescape(sits(room).get("/messages-retenus").text)
    assert "1 en attente" in page
    assert row.reason
    assert row.reason in page
    assert "45 min" in page
    for secret in ("LEROY", "Leroy", "4271", "VIH", "C3"):
        assert secret not in page


def test_opening_shows_who_and_which_samples_and_leaves_a_line(room: SigningRoom) -> None:
    row = arrives(room)
    browser = sits(room)
    before = len(texts(room))
    page = unescape(browser.post(f"/messages-retenus/{row.id}/ouvrir", form_key=room.key()).text)
    assert "LEROY" in page
    assert "05/04/1961" in page
    assert "260100000017" in page
    for secret in ("4271", "VIH", "0388"):
        assert secret not in page
    (line,) = texts(room)[before:]
    assert "patient.opened" in line
    assert row.id.hex in line


def test_the_contradictions_stand_on_top(room: SigningRoom) -> None:
    first = arrives(room, 1)
    room.desks.later(minutes=1)
    second = arrives(room, 2)
    with room.desks.database.transaction("results") as db:
        db.get_one(ReceivedMessage, second.id).is_urgent = True
    page = sits(room).get("/messages-retenus").text
    assert page.index(str(second.id)) < page.index(str(first.id))


def test_a_message_is_set_aside_with_a_reason_and_never_told(room: SigningRoom) -> None:
    row = arrives(room)
    browser = sits(room)
    assert browser.post(f"/messages-retenus/{row.id}/ecarter", form_key=room.key(), reason="x").status_code == 422
    assert browser.post(f"/messages-retenus/{row.id}/ecarter", form_key=room.key(), reason="test").status_code == 303
    with room.desks.database.reading() as db:
        kept = db.get_one(ReceivedMessage, row.id)
        assert (kept.state, kept.raw, kept.reason) == (MessageState.REFUSED, row.raw, row.reason)
        assert {one.state for one in db.scalars(select(ReportVersion))} == {State.WITHDRAWN}
    assert "Aucun message n'attend" in unescape(browser.get("/messages-retenus").text)
    with pytest.raises(NoLongerHeld), room.desks.database.transaction("results") as db:
        set_aside(db, row.id, Aside.TEST, by=room.desks.sophie, at=room.desks.at, chance=room.desks.chance)


def test_an_identity_that_somebody_changed_opens_nothing(room: SigningRoom) -> None:
    row = arrives(room)
    with room.desks.database.transaction("results") as db:
        kept = db.get_one(ReceivedMessage, row.id)
        assert kept.identity is not None
        kept.identity = kept.identity[:-1] + bytes([kept.identity[-1] ^ 1])
    with pytest.raises(NamesNobody), room.desks.database.transaction("results") as db:
        open_identity(db, room.desks.keys, row.id, by=room.desks.sophie, at=room.desks.at, chance=room.desks.chance)


def test_who_may_not_see_held_messages_sees_none(room: SigningRoom) -> None:
    row = arrives(room)
    browser = room.desks.browser("alex")
    browser.get("/")
    assert browser.get("/messages-retenus").status_code == 403
    assert browser.post(f"/messages-retenus/{row.id}/ouvrir").status_code == 403
