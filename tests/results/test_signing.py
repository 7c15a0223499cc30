"""A biologist signs exactly what was read; what has changed, is held or was not shown is not signed."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from kiosk.exams.catalogue import ReleaseClass
from kiosk.exams.prescriptions import Prescription
from kiosk.register.journal import ResultsText, verify
from results.holds import HoldReason, ReportHold, WholeDossier, hold, is_held, is_whole, lift
from results.matrix import Channel, Person
from results.release import Answer, Role, Why
from results.reports.versions import NotFromHere, Part, Recipient, Report, ReportVersion, SealedKey, State, Verb, move
from results.signing import (
    ChangedSinceOpened,
    DocumentNotShown,
    Opened,
    RouteNotAgreed,
    SealBroken,
    StillHeld,
    open_to_read,
    sign_what_was_read,
    waiting_for_signature,
)
from results.vault.dossiers import Dossier, trusted_dossier
from results.vault.envelopes import BodyKind, ReportSeal, check_report, copy_key, seal_body
from results.vault.keys import BiologistKeys
from results.vault.opening import open_by_escrow, open_version, signed_facts
from results.vault.sealing import DoesNotOpen, make_pair, public_of, verifier_of
from results.weighing import Asked, weigh
from tests.results.cast import exam_of
from tests.results.signing_room import VALUE, SigningRoom, result

Chance = Callable[[int], bytes]
C0, C2, C3 = ReleaseClass.C0, ReleaseClass.C2, ReleaseClass.C3


def lenoir(room: SigningRoom) -> UUID:
    return room.desks.room.people["lenoir"].id


def read(room: SigningRoom, report_id: UUID, biologist: BiologistKeys | None = None) -> Opened:
    with room.desks.database.transaction("results") as db:
        return open_to_read(
            db, room.desks.keys, report_id, biologist=biologist or room.desks.lenoir, by=lenoir(room),
            power=room.desks.room.power, at=room.desks.at, chance=room.desks.chance,
        )  # fmt: skip


def signs(room: SigningRoom, report_id: UUID, seen: str, **other: Any) -> None:
    told: dict[str, Any] = {"is_route_agreed": False, "is_whole": True}
    with room.desks.database.transaction("results") as db:
        sign_what_was_read(
            db, room.desks.keys, report_id, seen=seen, biologist=room.desks.lenoir, by=lenoir(room),
            power=room.desks.room.power, at=room.desks.at, chance=room.desks.chance, **told | other,
        )  # fmt: skip


def holds(room: SigningRoom, report_id: UUID) -> None:
    with room.desks.database.transaction("results") as db:
        hold(
            db, db.get_one(Report, report_id), HoldReason.CONTROL, by=lenoir(room), power=room.desks.room.power,
            at=room.desks.at, chance=room.desks.chance, key=room.key(),
        )  # fmt: skip


def replaced(room: SigningRoom, report_id: UUID, value: str) -> None:
    """A newer version arrives, sealed as intake does."""
    chance, keys = room.desks.chance, room.desks.keys
    with room.desks.database.transaction("results") as db:
        first = db.get_one(ReportVersion, (report_id, 1))
        assert first.dossier is not None
        bound = ReportSeal(report=report_id, dossier=first.dossier, version=2, rank=first.rank, matrix_version=1)
        sealed = seal_body(bound, BodyKind.MESSAGE, result(exam_of(first.release_class), value), chance=chance)
        version = ReportVersion(
            report_id=report_id, version=2, message_id=report_id, state=State.SEALED, dossier=first.dossier,
            release_class=first.release_class, is_known=True, matrix_version=1, body=sealed.stored, is_partial=False,
            is_corrected=True, is_order_uncertain=False, flags="", received_at=room.desks.at,
        )  # fmt: skip
        db.add(version)
        copies_key(db, version, sealed.dek, public_of(keys.release[1]), chance)


def copies_key(db: Any, version: ReportVersion, dek: bytes, public: bytes, chance: Chance) -> None:
    box = copy_key(version.report_id, version.version, dek, recipient=public, chance=chance)
    db.add(
        SealedKey(
            item=version.report_id, version=version.version, part=Part.BODY, recipient=Recipient.RELEASE,
            key_version=1, box=box,
        )
    )  # fmt: skip


def acts(room: SigningRoom) -> list[str]:
    with room.desks.database.reading() as db:
        assert verify(db, "results").sound
        return list(db.scalars(select(ResultsText.text).order_by(ResultsText.seq)))


def test_what_was_read_is_signed_and_the_signature_holds_all_its_facts(room: SigningRoom) -> None:
    report_id = room.unsigned(C0)
    signs(room, report_id, read(room, report_id).seen)
    version = room.version(report_id)
    assert (version.state, version.signer, version.signed_at) == (State.SIGNED, lenoir(room), room.desks.at)
    with room.desks.database.reading() as db:
        body = open_version(db, room.desks.keys, version)
        assert version.not_before == db.get_one(Dossier, version.dossier).promised_at
    verifier = verifier_of(room.desks.lenoir.signer_seed)
    check_report(signed_facts(version), body, version.signature or b"", verifier)
    version.not_before = room.desks.at
    with pytest.raises(DoesNotOpen):
        check_report(signed_facts(version), body, version.signature or b"", verifier)


def test_the_same_form_signs_once(room: SigningRoom) -> None:
    report_id = room.unsigned(C0)
    seen = read(room, report_id).seen
    signs(room, report_id, seen)
    first = room.version(report_id).signature
    room.desks.later(seconds=5)
    signs(room, report_id, seen)
    assert room.version(report_id).signature == first
    assert sum("report.signed" in one for one in acts(room)) == 1


def test_a_result_that_changed_since_it_was_opened_is_not_signed(room: SigningRoom) -> None:
    report_id = room.unsigned(C0)
    seen = read(room, report_id).seen
    replaced(room, report_id, "9")
    with pytest.raises(ChangedSinceOpened):
        signs(room, report_id, seen)
    assert {room.version(report_id, number).state for number in (1, 2)} == {State.SEALED}
    again = read(room, report_id)
    assert again.content.lines[0].value == "9"
    signs(room, report_id, again.seen)
    assert [room.version(report_id, number).state for number in (1, 2)] == [State.WITHDRAWN, State.SIGNED]


def test_what_another_page_has_shown_signs_nothing(room: SigningRoom) -> None:
    one, other = room.unsigned(C0), room.unsigned(C0, value="8")
    with pytest.raises(ChangedSinceOpened):
        signs(room, one, read(room, other).seen)
    assert room.version(one).state is State.SEALED


def test_a_confidential_report_opens_through_escrow_alone_and_the_journal_knows(room: SigningRoom) -> None:
    report_id = room.unsigned(C3)
    stranger = BiologistKeys(person="x", escrow={1: make_pair(room.desks.chance).private}, signer_seed=bytes(32))
    with pytest.raises(SealBroken):
        read(room, report_id, stranger)
    assert not any("report.opened" in one for one in acts(room))
    opened = read(room, report_id)
    assert opened.content.lines[0].value == VALUE
    assert any("escrow.opened" in one for one in acts(room))
    assert any("report.opened" in one for one in acts(room))
    assert not any(VALUE in one for one in acts(room))


def test_each_opening_leaves_its_own_line(room: SigningRoom) -> None:
    report_id = room.unsigned(C0)
    for _ in range(3):
        read(room, report_id)
    assert sum("report.opened" in one for one in acts(room)) == 3


def test_a_held_report_is_not_signed_and_a_biologist_lifts_the_hold(room: SigningRoom) -> None:
    report_id = room.unsigned(C0)
    seen = read(room, report_id).seen
    holds(room, report_id)
    with pytest.raises(StillHeld):
        signs(room, report_id, seen)
    with room.desks.database.transaction("results") as db:
        lift(db, report_id, by=lenoir(room), power=room.desks.room.power, at=room.desks.at, chance=room.desks.chance)
    signs(room, report_id, seen)
    assert room.version(report_id).state is State.SIGNED


def test_a_hold_that_somebody_lifted_in_the_database_still_holds(room: SigningRoom) -> None:
    report_id = room.unsigned(C0)
    holds(room, report_id)
    with room.desks.database.transaction("results") as db:
        row = db.scalars(select(ReportHold)).one()
        row.lifted_by, row.lifted_at = lenoir(room), room.desks.at
    with room.desks.database.reading() as db:
        assert is_held(db, report_id, power=room.desks.room.power)


def test_an_unknown_code_is_signed_only_by_its_route_of_class_c3(room: SigningRoom) -> None:
    report_id = room.unsigned(C3)
    with room.desks.database.transaction("results") as db:
        db.get_one(ReportVersion, (report_id, 1)).is_known = False
    seen = read(room, report_id).seen
    with pytest.raises(RouteNotAgreed):
        signs(room, report_id, seen)
    signs(room, report_id, seen, is_route_agreed=True)
    assert room.version(report_id).is_known
    assert any('"route_agreed":1' in one for one in acts(room))


def test_a_document_that_the_screen_does_not_show_is_not_signed(room: SigningRoom) -> None:
    dossier_id = room.desks.dossier(C0)
    document = "OBX|2|ED|11502-2^Compte rendu^LN||^TEXT^PDF^Base64^QUJD||||||F\r"
    body = result(exam_of(C0), more=document)
    report_id = room.desks.report(dossier_id, C0, body=body, signed=False)
    opened = read(room, report_id)
    assert opened.has_document
    with pytest.raises(DocumentNotShown):
        signs(room, report_id, opened.seen)


def test_prescribed_exams_that_have_not_come_are_named(room: SigningRoom) -> None:
    dossier_id = room.desks.dossier(C0, C2)
    ordinary = room.desks.report(dossier_id, C0, body=result(exam_of(C0)), signed=False)
    assert [exam.nabm for exam in read(room, ordinary).missing] == [exam_of(C2)]
    room.desks.report(dossier_id, C2, body=result(exam_of(C2)), signed=False)
    assert read(room, ordinary).missing == ()


def test_the_list_has_the_urgent_first_then_the_oldest_and_what_is_held_last(room: SigningRoom) -> None:
    held = room.unsigned(C0)
    room.desks.later(minutes=1)
    old = room.unsigned(C0)
    room.desks.later(minutes=1)
    urgent = room.unsigned(C0)
    holds(room, held)
    with room.desks.database.reading() as db:
        visit_id = db.get_one(Dossier, room.version(urgent).dossier).visit_id
    with room.desks.database.transaction() as db:
        db.scalars(select(Prescription).where(Prescription.visit_id == visit_id)).one().urgent = True
    with room.desks.database.reading() as db:
        found = waiting_for_signature(db, room.desks.room.power)
    assert [one.report_id for one in found] == [urgent, old, held]


def test_what_was_withdrawn_or_signed_waits_no_more(room: SigningRoom) -> None:
    signed, gone = room.unsigned(C0), room.unsigned(C0)
    signs(room, signed, read(room, signed).seen)
    with room.desks.database.transaction("results") as db:
        move(db.get_one(ReportVersion, (gone, 1)), Verb.WITHDRAW, at=room.desks.at)
    with room.desks.database.reading() as db:
        assert waiting_for_signature(db, room.desks.room.power) == []
    with pytest.raises(NotFromHere):
        read(room, gone)


def decision(room: SigningRoom, dossier_id: UUID, **other: Any) -> Any:
    asked = Asked(**{"channel": Channel.COUNTER, "person": Person.WITH_CODE, "role": Role.SECRETARY} | other)
    with room.desks.database.reading() as db:
        return weigh(db, room.desks.keys, dossier_id, asked, power=room.desks.room.power, at=room.desks.at)[0]


def test_a_confidential_dossier_is_told_only_when_the_biologist_has_said_that_it_is_whole(room: SigningRoom) -> None:
    report_id = room.unsigned(C2)
    dossier_id = room.version(report_id).dossier
    assert dossier_id is not None
    signs(room, report_id, read(room, report_id).seen, is_whole=False)
    room.desks.later(minutes=61)
    assert decision(room, dossier_id).why is Why.INCOMPLETE
    with room.desks.database.transaction("results") as db:
        dossier = trusted_dossier(db, room.desks.keys, dossier_id)
        row = WholeDossier(
            dossier_id=dossier_id, expected=dossier.expected, by=lenoir(room), at=room.desks.at, mac=bytes(32)
        )
        db.add(row)
    assert decision(room, dossier_id).why is Why.INCOMPLETE  # a row that nobody vouches for says nothing
    with room.desks.database.reading() as db:
        assert not is_whole(db, trusted_dossier(db, room.desks.keys, dossier_id), room.desks.room.power)


def test_a_held_report_is_not_told(room: SigningRoom) -> None:
    report_id = room.unsigned(C0)
    dossier_id = room.version(report_id).dossier
    assert dossier_id is not None
    signs(room, report_id, read(room, report_id).seen)
    room.desks.later(minutes=61)
    assert decision(room, dossier_id).answer is Answer.TELL
    holds(room, report_id)
    assert decision(room, dossier_id).why is Why.UNSIGNED


def test_a_report_of_a_stricter_class_than_prescribed_rules_its_dossier(room: SigningRoom) -> None:
    dossier_id = room.desks.dossier(C0)
    room.desks.report(dossier_id, C3, body=result(exam_of(C3)))
    room.desks.later(minutes=61)
    assert decision(room, dossier_id).answer is Answer.BIOLOGIST


def test_the_escrow_share_is_the_dossiers_own(room: SigningRoom) -> None:
    report_id = room.unsigned(C2)
    with room.desks.database.reading() as db:
        dossier = db.get_one(Dossier, room.version(report_id).dossier)
        assert public_of(open_by_escrow(db, dossier, room.desks.lenoir)) == dossier.public
