import hashlib
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from kiosk.exams.catalogue import catalogue
from kiosk.register.database import Database, open_sqlite
from kiosk.register.journal import ResultsText
from results.exchange.connections import Connection
from results.exchange.inbox import UNKNOWN_REPORT, Inbox, Kind, Outcome, Tally, receive_file
from results.exchange.matching import Candidate, Dossier, Evidence, Traits
from results.exchange.received import MessageState, ReceivedMessage
from results.exchange.screening import LIMIT
from results.holds import HoldReason, ReportHold, is_held, lift
from results.physicians.orders import OrderPhysician
from results.physicians.register import Physician
from results.physicians.said import SaidPrescriber
from results.reports.flags import flags_standing, raised_for
from results.reports.sorting import Flag
from results.reports.versions import (
    Part,
    Reason,
    Recipient,
    Report,
    ReportVersion,
    SealedKey,
    State,
    newest,
    versions_of,
)
from results.vault.envelopes import NOBODY, RawPart, RawSeal, ReportSeal, open_body, open_copy
from results.vault.keys import ExchangeKeys
from results.vault.sealing import DoesNotOpen, Pair, make_pair
from results.vault.wraps import vouch
from tests.staffroom import power_of, ring_of

MESSAGES = Path(__file__).resolve().parents[1] / "hl7v2" / "messages"
SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "hl7"
SITE = UUID(int=7)
AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
SECRETS = ("GARNIER", "MOREAU", "Hélène", "19540317", "0.92", "0552", "R2611210018", "700000000018")


seeded = random.Random(7).randbytes


class House:
    """The keys of everyone, and Mme Moreau's visit."""

    def __init__(self) -> None:
        self.release, self.escrow, self.dossier = make_pair(seeded), make_pair(seeded), make_pair(seeded)
        self.keys = ExchangeKeys(
            intake={1: seeded(32)},
            message_subkey={1: seeded(32)},
            dossier_subkey={1: seeded(32)},
            release_public={1: self.release.public},
            escrow_public={1: self.escrow.public},
        )
        dossier = UUID(int=70)
        self.candidate = Candidate(
            visit=UUID(int=71),
            patient=UUID(int=72),
            traits=Traits(birth_name="Garnier", givens=("Hélène", "Marie"), birth_date="19540317", sex="F"),
            numbers=frozenset({"700000000018"}),
            patient_number="P000123",
            ins=None,
            arrived_at=AT - timedelta(hours=1),
            is_open=True,
            dossier=Dossier(
                id=dossier,
                public=self.dossier.public,
                mac=vouch(dossier, self.dossier.public, subkey=self.keys.dossier_subkey[1]),
                not_before=AT + timedelta(hours=4),
            ),
        )

    def inbox(self, *candidates: Candidate, is_production: bool = True) -> Inbox:
        return Inbox(
            site_id=SITE,
            connection=Connection(name="sil", zone=ZoneInfo("Europe/Paris"), is_production=is_production),
            keys=self.keys,
            whose=lambda _: candidates,
            class_of=catalogue().class_of,
            matrix_version=3,
        )

    def expects_her(self) -> Inbox:
        return self.inbox(self.candidate)

    def open(self, db_keys: Sequence[SealedKey], pair: Pair, version: ReportVersion) -> bytes:
        bound = ReportSeal(
            report=version.report_id,
            dossier=version.dossier or NOBODY,
            version=version.version,
            rank=version.rank,
            matrix_version=3,
        )
        for key in db_keys:
            if (key.item, key.version, key.part) == (version.report_id, version.version, Part.BODY):
                dek = open_copy(key.item, key.version, key.box, private=pair.private)
                return open_body(bound, version.body, dek).content
        raise DoesNotOpen


@pytest.fixture(scope="module")
def house() -> House:
    return House()


def message(name: str) -> bytes:
    return (MESSAGES / f"{name}.hl7").read_bytes()


def take(database: Database, inbox: Inbox, *raws: bytes, at: datetime = AT) -> list[Outcome]:
    with database.transaction(writes="results") as db:
        return [one for raw in raws for one in receive_file(db, raw, inbox=inbox, at=at, chance=seeded)]


def kinds(outcomes: list[Outcome]) -> list[Kind]:
    return [outcome.kind for outcome in outcomes]


def rows(database: Database) -> tuple[list[ReceivedMessage], list[ReportVersion], list[SealedKey]]:
    with database.reading() as db:
        return (
            list(db.scalars(select(ReceivedMessage).order_by(ReceivedMessage.received_at))),
            list(db.scalars(select(ReportVersion).order_by(ReportVersion.version))),
            list(db.scalars(select(SealedKey))),
        )


def test_an_expected_result_is_filed_and_opens_for_the_release_desk_alone(database: Database, house: House) -> None:
    assert kinds(take(database, house.expects_her(), message("plain"))) == [Kind.MATCHED]
    (row,), (version,), keys = rows(database)
    assert (row.state, row.visit, row.matched_by) == (MessageState.FILED, house.candidate.visit, "number")
    assert (version.state, version.release_class.value, version.is_known) == (State.SEALED, "C0", True)
    assert version.not_before == AT + timedelta(hours=4)
    content = house.open(keys, house.release, version)
    assert content.startswith(b"MSH|^~\\&|SIL")
    assert b"0.92" in content
    for other in (house.escrow, house.dossier):
        with pytest.raises(DoesNotOpen):
            house.open(keys, other, version)


def test_a_confidential_result_opens_for_its_dossier_alone(database: Database, house: House) -> None:
    raw = message("plain").replace(b"0552", b"0388")
    assert kinds(take(database, house.expects_her(), raw)) == [Kind.MATCHED]
    _, (version,), keys = rows(database)
    assert version.release_class.value == "C3"
    assert len(version.body) == 64 * 1024 + 1 + 24 + 16
    assert b"0388" in house.open(keys, house.dossier, version)
    with pytest.raises(DoesNotOpen):
        house.open(keys, house.release, version)
    assert {key.recipient for key in keys if key.part is Part.RAW} == {Recipient.ESCROW}


def test_an_unknown_code_is_sealed_to_the_dossier_and_waits_for_a_biologist(database: Database, house: House) -> None:
    take(database, house.expects_her(), message("unknown_code"))
    _, (version,), keys = rows(database)
    assert (version.release_class.value, version.is_known, version.state) == ("C3", False, State.SEALED)
    house.open(keys, house.dossier, version)


def test_an_exam_that_was_ordered_raises_the_class(database: Database, house: House) -> None:
    assert house.candidate.dossier is not None
    ordered = replace(house.candidate, dossier=replace(house.candidate.dossier, ordered=("0552", "7318")))
    take(database, house.inbox(ordered), message("plain"))
    assert rows(database)[1][0].release_class.value == "C4"


def test_what_nobody_awaits_is_held_for_the_biologists_and_named_for_the_secretary(
    database: Database, house: House
) -> None:
    (outcome,) = take(database, house.inbox(), message("plain"))
    assert (outcome.kind, outcome.reason) == (Kind.QUARANTINED, "Personne ne correspond.")
    (row,), (version,), keys = rows(database)
    assert (row.state, version.state, version.dossier) == (MessageState.HELD, State.RECEIVED, None)
    assert b"0.92" in house.open(keys, house.escrow, version)
    assert {key.recipient for key in keys if key.part is not Part.IDENTITY} == {Recipient.ESCROW}
    (key,) = [key for key in keys if key.part is Part.IDENTITY]
    assert key.recipient is Recipient.RELEASE
    assert row.identity is not None
    dek = open_copy(row.id, 0, key.box, private=house.release.private)
    said = open_body(RawSeal(message=row.id, part=RawPart.IDENTITY, rank=0), row.identity, dek).content.decode()
    assert "GARNIER" in said
    assert "700000000018" in said
    assert not any(word in said for word in ("0552", "Glyc", "0.92", "OBX", "TSH"))


def test_a_result_whose_number_and_person_disagree_is_urgent(database: Database, house: House) -> None:
    other = replace(house.candidate, traits=replace(house.candidate.traits, birth_name="DIALLO"))
    assert kinds(take(database, house.inbox(other), message("plain"))) == [Kind.QUARANTINED]
    assert rows(database)[0][0].is_urgent


def test_nothing_is_sealed_to_a_key_that_the_house_does_not_vouch_for(database: Database, house: House) -> None:
    assert house.candidate.dossier is not None
    swapped = replace(house.candidate.dossier, public=make_pair(seeded).public)
    raw = message("plain").replace(b"0552", b"0388")
    assert kinds(take(database, house.inbox(replace(house.candidate, dossier=swapped)), raw)) == [Kind.QUARANTINED]
    (row,), _, keys = rows(database)
    assert row.is_urgent
    assert Recipient.DOSSIER not in {key.recipient for key in keys}


def test_the_same_message_again_is_a_duplicate(database: Database, house: House) -> None:
    outcomes = take(database, house.expects_her(), message("plain"), message("plain"))
    outcomes += take(database, house.expects_her(), message("plain"), at=AT + timedelta(hours=1))
    assert kinds(outcomes) == [Kind.MATCHED, Kind.DUPLICATE, Kind.DUPLICATE]
    assert len({outcome.message for outcome in outcomes}) == 1
    assert len(rows(database)[1]) == 1


def test_a_repeat_stays_a_repeat_after_a_correction(database: Database, house: House) -> None:
    again = message("plain").replace(b"M0001", b"M0099")
    outcomes = take(database, house.expects_her(), message("plain"), again, message("corrected"), again)
    assert kinds(outcomes) == [Kind.MATCHED, Kind.DUPLICATE, Kind.MATCHED, Kind.DUPLICATE]


@pytest.mark.parametrize("is_expected", [True, False])
def test_a_repeat_under_a_new_number_makes_no_new_version(database: Database, house: House, is_expected: bool) -> None:
    again = message("plain").replace(b"M0001", b"M0099").replace(b"093000", b"094500", 1)
    inbox = house.expects_her() if is_expected else house.inbox()
    assert kinds(take(database, inbox, message("plain"), again))[1] is Kind.DUPLICATE
    assert len(rows(database)[1]) == 1


def test_a_number_that_comes_back_with_other_bytes_is_a_new_message(database: Database, house: House) -> None:
    corrected = message("corrected").replace(b"M0002", b"M0001")
    outcomes = take(database, house.expects_her(), message("plain"), corrected)
    assert kinds(outcomes) == [Kind.MATCHED, Kind.MATCHED]
    assert [outcome.is_number_reused for outcome in outcomes] == [False, True]


def stated(database: Database) -> list[tuple[State, Reason | None]]:
    return [(version.state, version.reason) for version in rows(database)[1]]


def test_a_correction_waits_before_the_former_which_is_held(database: Database, house: House) -> None:
    take(database, house.expects_her(), message("plain"), message("corrected"))
    assert stated(database) == [(State.SEALED, None), (State.SEALED, None)]
    with database.reading() as db:
        (report,) = db.scalars(select(Report))
        current = newest(db, report.id)
        assert current is not None
        assert (current.version, current.is_corrected) == (2, True)


def test_a_deletion_withdraws_at_once(database: Database, house: House) -> None:
    take(database, house.expects_her(), message("plain"), message("deleted"))
    assert stated(database) == [(State.WITHDRAWN, Reason.DELETED)] * 2


def test_a_wrong_report_is_withdrawn_at_once(database: Database, house: House) -> None:
    wrong = message("corrected").replace(b"|||||C", b"|||||W")
    take(database, house.expects_her(), message("plain"), wrong)
    assert stated(database) == [(State.WITHDRAWN, Reason.WRONG)] * 2


def test_a_late_message_is_never_current(database: Database, house: House) -> None:
    plain = message("plain").replace(b"20261121092500+0100|||F", b"20261121080000+0100|||F")
    corrected = message("corrected").replace(b"20261121092500+0100|||C", b"20261121100000+0100|||C")
    take(database, house.expects_her(), corrected, plain)
    assert stated(database) == [(State.SEALED, None), (State.WITHDRAWN, Reason.LATE)]


def test_in_any_order_of_arrival_the_same_word_stands(database: Database, house: House) -> None:
    def at_hour(name: str, status: str, hour: int, number: int) -> bytes:
        raw = message(name).replace(b"R2611210018", b"R%d" % number)
        return raw.replace(f"20261121092500+0100|||{status}".encode(), f"202611211{hour}0000+0100|||{status}".encode())

    orders = [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]
    for number, order in enumerate(orders):
        words = [
            at_hour("partial", "P", 0, number),
            at_hour("plain", "F", 1, number),
            at_hour("corrected", "C", 2, number),
        ]
        for step, index in enumerate(order):
            take(database, house.expects_her(), words[index], at=AT + timedelta(minutes=step))
    with database.reading() as db:
        for report in db.scalars(select(Report)):
            current = newest(db, report.id)
            assert current is not None
            assert current.is_corrected


def test_final_deletion_and_the_same_final_again_are_three_messages(database: Database, house: House) -> None:
    again = message("plain").replace(b"M0001", b"M0050")
    deleted = message("deleted")
    assert kinds(take(database, house.expects_her(), message("plain"), deleted, again)) == [Kind.MATCHED] * 3


def test_a_report_number_of_another_dossier_is_held(database: Database, house: House) -> None:
    dossier = UUID(int=99)
    other = replace(
        house.candidate,
        visit=UUID(int=98),
        numbers=frozenset({"700000000026"}),
        dossier=Dossier(
            id=dossier,
            public=house.dossier.public,
            mac=vouch(dossier, house.dossier.public, subkey=house.keys.dossier_subkey[1]),
            not_before=AT,
        ),
    )
    take(database, house.expects_her(), message("plain"))
    raw = message("plain").replace(b"700000000018", b"700000000026")
    assert kinds(take(database, house.inbox(other), raw)) == [Kind.QUARANTINED]
    assert max(rows(database)[0], key=lambda row: row.is_urgent).is_urgent


@pytest.mark.parametrize("name", ["truncated", "document"])
def test_a_flag_or_a_missing_end_is_seen(database: Database, house: House, name: str) -> None:
    raw = message(name).replace(b"||N^^expanded", b"||Y^^expanded")
    (outcome,) = take(database, house.expects_her(), raw)
    if name == "truncated":
        assert (outcome.kind, outcome.reason) == (Kind.QUARANTINED, "Le message est tronqué : sa fin manque.")
        return
    with database.reading() as db:
        (report,) = db.scalars(select(Report))
        assert flags_standing(db, report.id, power_of(ring_of())) == {Flag.PATIENT}
        assert not versions_of(db, report.id)[0].is_known


FLAGS_ALONE = (
    b"OBX|3|CE|INVISIBLE_PATIENT^x^MetaDMPMSS||Y^^expandedYes-NoIndicator||||||F\r"
    b"OBX|4|CE|MASQUE_PS^x^MetaDMPMSS||N^^HL70136||||||F"
)


def visibility(number: bytes, flags: bytes = FLAGS_ALONE) -> bytes:
    """A message about the report of the plain one that speaks of its visibility alone."""
    head = message("plain").partition(b"OBX|")[0]
    return head.replace(b"|M0001|", b"|" + number + b"|") + flags + b"\r"


def test_a_message_of_flags_alone_tightens_at_once_and_replaces_no_result(database: Database, house: House) -> None:
    power = power_of(ring_of())
    take(database, house.expects_her(), message("plain"))
    later = AT + timedelta(minutes=5)
    (outcome,) = take(database, house.expects_her(), visibility(b"M0900"), at=later)
    assert outcome.kind is Kind.MATCHED
    with database.reading() as db:
        (report,) = db.scalars(select(Report))
        (version,) = versions_of(db, report.id)
        assert (version.state, newest(db, report.id)) == (State.SEALED, version)
        assert flags_standing(db, report.id, power) == {Flag.PATIENT}
        assert "flag.set" in "".join(db.scalars(select(ResultsText.text)))


def test_a_loosening_waits_for_the_biologist(database: Database, house: House) -> None:
    power = power_of(ring_of())
    take(database, house.expects_her(), message("plain"), visibility(b"M0900"))
    loosened = visibility(b"M0901", FLAGS_ALONE.replace(b"||Y^", b"||N^"))
    (outcome,) = take(database, house.expects_her(), loosened, at=AT + timedelta(minutes=5))
    assert outcome.kind is Kind.MATCHED
    with database.reading() as db:
        (report,) = db.scalars(select(Report))
        (raised,) = raised_for(db, report.id, power)
    assert (raised.flag, raised.is_dropped) == (Flag.PATIENT, True)


def test_flags_for_a_report_that_never_came_wait_for_a_person(database: Database, house: House) -> None:
    (outcome,) = take(database, house.expects_her(), visibility(b"M0900"))
    assert (outcome.kind, outcome.reason) == (Kind.QUARANTINED, UNKNOWN_REPORT.reason)


def test_the_prescribers_number_is_kept_as_a_hint_and_names_nobody(database: Database, house: House) -> None:
    doctor = "10100000017^PETIT^Luc^^^^^^ASIP-SANTE-PS&1.2.250.1.71.4.2.1&ISO^D^^^RPPS"
    fields = message("plain").decode("utf-8").split("\r")
    place = next(index for index, line in enumerate(fields) if line.startswith("OBR|"))
    parts = fields[place].split("|")
    parts[16] = doctor
    fields[place] = "|".join(parts)
    raw = "\r".join(fields).encode()
    take(database, house.expects_her(), raw, raw.replace(b"|M0001|", b"|M0077|").replace(b"0.92", b"0.93"))
    with database.reading() as db:
        (said,) = db.scalars(select(SaidPrescriber))
        assert (said.rpps, said.name) == ("10100000017", "Luc PETIT")
        assert db.scalars(select(OrderPhysician)).all() == []
        assert db.scalars(select(Physician)).all() == []


def test_a_batch_without_its_end_holds_its_last_message(database: Database, house: House) -> None:
    raw = message("batch").partition(b"BTS")[0]
    assert kinds(take(database, house.expects_her(), raw)) == [Kind.MATCHED, Kind.QUARANTINED]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\xff",
        b"hello",
        b"MSH|^~\\&|A",
        b"x" * (LIMIT + 1),
        message("plain").replace(b"ORU^R01^ORU_R01", b"ADT^A01^ADT_A01"),
        message("plain").replace(b"|P|2.5", b"|T|2.5"),
    ],
    ids=["empty", "bytes", "words", "header", "large", "type", "mode"],
)
def test_what_is_refused_is_kept_sealed_and_known_when_it_comes_again(
    database: Database, house: House, raw: bytes
) -> None:
    outcomes = take(database, house.expects_her(), raw, raw)
    assert kinds(outcomes) == [Kind.REFUSED, Kind.DUPLICATE]
    assert outcomes[0].reason == outcomes[1].reason != ""
    (row,), versions, (key,) = rows(database)
    assert not versions
    dek = open_copy(row.id, 0, key.box, private=house.escrow.private)
    assert open_body(RawSeal(message=row.id, part=RawPart.WHOLE, rank=5), row.raw, dek).content == raw


def test_a_foreign_sender_is_refused(database: Database, house: House) -> None:
    inbox = house.expects_her()
    other = replace(inbox, connection=replace(inbox.connection, application="AUTRE"))
    assert kinds(take(database, other, message("plain"))) == [Kind.REFUSED]


def test_nothing_of_a_message_stands_open_in_the_files(
    sqlite_folder: Path, house: House, request: pytest.FixtureRequest
) -> None:
    opened = open_sqlite(sqlite_folder / "register.sqlite", sqlite_folder / "results.sqlite")
    shown = [repr(take(opened, house.expects_her(), message("plain"), message("deleted")))]
    shown += [repr(take(opened, house.inbox(), message("batch"), message("truncated")))]
    opened.close()
    stored = b"".join(path.read_bytes() for path in sqlite_folder.rglob("*") if path.is_file())
    for secret in SECRETS:
        assert secret.encode() not in stored
        assert not any(secret in text for text in shown)


def test_twin_messages_leave_rows_of_one_size(database: Database, house: House) -> None:
    raw = message("plain").replace(b"0552", b"0388")
    for number, value in enumerate((b"0.92", b"POSITIF, \xc3\xa0 confirmer")):
        twin = raw.replace(b"0.92", value).replace(b"R2611210018", b"R%d" % number)
        take(database, house.expects_her(), twin)
        take(database, house.inbox(), twin.replace(b"GARNIER", b"AUTRE"))
    messages, versions, keys = rows(database)
    assert len({len(row.raw) for row in messages}) == 1
    assert len({len(version.body) for version in versions}) == 1
    assert len({len(key.box) for key in keys}) == 1
    assert len(messages) == len(versions) == 4


def test_what_is_held_acts_on_nothing_but_closes(database: Database, house: House) -> None:
    take(database, house.expects_her(), message("plain"))
    assert kinds(take(database, house.inbox(), message("deleted"))) == [Kind.QUARANTINED]
    assert sorted(stated(database)) == [(State.RECEIVED, None), (State.SEALED, None)]
    assert len(held(database)) == 1


def held(database: Database) -> list[ReportHold]:
    with database.reading() as db:
        return list(db.scalars(select(ReportHold)))


@pytest.mark.parametrize("name", ["corrected", "deleted"])
def test_what_replaces_a_report_and_waits_for_a_person_holds_it_at_once(
    database: Database, house: House, name: str
) -> None:
    take(database, house.expects_her(), message("plain"))
    assert held(database) == []
    late = AT + timedelta(days=45)
    (outcome,) = take(database, house.inbox(), message(name), at=late)
    assert outcome.kind is Kind.QUARANTINED
    (hold,) = held(database)
    with database.reading() as db:
        (report,) = db.scalars(select(Report).where(Report.dossier.is_not(None)))
        assert (hold.report_id, hold.reason, hold.at, hold.by) == (
            report.id, HoldReason.CORRECTION, late, outcome.message,
        )  # fmt: skip
        assert is_held(db, report.id, power=power_of(ring_of()))
        (waiting,) = db.scalars(select(ReceivedMessage).where(ReceivedMessage.state == MessageState.HELD))
    assert waiting.is_urgent
    assert (waiting.reason or "").endswith("Le compte rendu qu'il remplace est retenu.")


def test_what_is_older_says_the_same_or_speaks_of_another_report_holds_nothing(
    database: Database, house: House
) -> None:
    corrected = message("corrected").replace(b"20261121092500+0100|||C", b"20261121100000+0100|||C")
    plain = message("plain").replace(b"20261121092500+0100|||F", b"20261121080000+0100|||F")
    take(database, house.expects_her(), corrected)
    others = plain.replace(b"R2611210018", b"R2611219999"), corrected.replace(b"M0002", b"M0077"), plain
    assert kinds(take(database, house.inbox(), *others)) == [Kind.QUARANTINED, Kind.DUPLICATE, Kind.QUARANTINED]
    assert held(database) == []


def test_a_biologist_lifts_what_a_correction_holds(database: Database, house: House) -> None:
    take(database, house.expects_her(), message("plain"))
    take(database, house.inbox(), message("corrected"))
    (hold,) = held(database)
    power = power_of(ring_of())
    with database.transaction("results") as db:
        lift(db, hold.report_id, by=UUID(int=5), power=power, at=AT, chance=seeded)
    with database.reading() as db:
        assert not is_held(db, hold.report_id, power=power)


def test_what_a_message_is_recognised_by_cannot_be_made_without_the_key(database: Database, house: House) -> None:
    for number in (1, 2):
        other = replace(house.keys, message_subkey={1: seeded(32)})
        inbox = replace(house.inbox(), keys=other, connection=replace(house.inbox().connection, name=f"sil{number}"))
        take(database, inbox, message("plain"))
    first, second = rows(database)[0]
    known = {hashlib.sha256(raw).digest() for raw in (message("plain"), message("plain").partition(b"\rPID")[2])}
    for name in ("bytes_mac", "content_mac", "number_mac"):
        assert getattr(first, name) != getattr(second, name)
        assert getattr(first, name) not in known


def test_a_new_key_knows_what_came_under_the_old_one(database: Database, house: House) -> None:
    inbox = house.expects_her()
    turned = replace(house.keys, message_subkey={1: house.keys.message_subkey[1], 2: seeded(32)})
    outcomes = take(database, inbox, message("plain"))
    outcomes += take(database, replace(inbox, keys=turned), message("plain"), message("corrected"))
    assert kinds(outcomes) == [Kind.MATCHED, Kind.DUPLICATE, Kind.MATCHED]
    assert [version.version for version in rows(database)[1]] == [1, 2]


def test_each_message_leaves_an_entry_in_the_journal(database: Database, house: House) -> None:
    take(database, house.expects_her(), message("plain"), message("plain"), b"hello", message("unknown_code"))
    take(database, house.inbox(), message("batch"))
    with database.reading() as db:
        acts = [json.loads(text)["act"] for text in db.scalars(select(ResultsText.text).order_by(ResultsText.seq))]
    # The batch speaks of the first report again, of somebody whom nobody knows: what was said first is held.
    assert acts == ["message.filed", "message.refused", "message.filed", "message.held", "report.held"]


def test_intake_of_anything_ends_stored_known_or_refused(sqlite_folder: Path, house: House) -> None:
    opened = open_sqlite(sqlite_folder / "register.sqlite", sqlite_folder / "results.sqlite")
    source = random.Random(3)
    whole = [path.read_bytes() for path in sorted(MESSAGES.iterdir())]
    raws: list[bytes] = []
    for _ in range(200):
        raw = bytearray(source.choice(whole)[: source.randrange(1, 700)])
        for _ in range(source.randrange(6)):
            raw[source.randrange(len(raw))] = source.choice(b"\r\n|^~\\&\x00\xffMSH")
        raws.append(bytes(raw))
    outcomes = take(opened, house.expects_her(), *raws)
    tally = Tally.of(outcomes)
    messages, _, _ = rows(opened)
    opened.close()
    assert tally.read >= len(raws)
    assert len(messages) == tally.stored + tally.refused


def test_a_tally_that_does_not_add_up_cannot_be_made() -> None:
    assert json.loads(json.dumps(Tally(read=2, stored=1, matched=1, refused=1).__dict__))["read"] == 2
    for wrong in ({"read": 1}, {"read": 1, "stored": 1}, {"stored": 1, "matched": 1}, {"read": 2, "duplicate": 1}):
        with pytest.raises(ValueError, match="add up"):
            Tally(**wrong)


def test_every_development_file_ends_counted(sqlite_folder: Path, house: House) -> None:
    if not SHARED.is_dir():
        pytest.skip("../shared/data/hl7 is absent: the development messages were not received")
    files = sorted(path for path in SHARED.rglob("*") if path.is_file() and path.suffix not in {".md", ".tsv"})
    opened = open_sqlite(sqlite_folder / "register.sqlite", sqlite_folder / "results.sqlite")
    asked: list[Evidence] = []

    def whose(evidence: Evidence) -> list[Candidate]:
        asked.append(evidence)
        return [house.candidate]

    inbox = replace(house.inbox(is_production=False), whose=whose)
    outcomes = take(opened, inbox, *(path.read_bytes() for path in files))
    tally = Tally.of(outcomes)
    again = Tally.of(take(opened, inbox, *(path.read_bytes() for path in files), at=AT + timedelta(days=1)))
    messages, _, _ = rows(opened)
    opened.close()
    print(tally)
    assert (len(files), tally.read) == (486, 530)
    assert len(messages) == tally.stored + tally.refused
    assert tally.matched == 0
    assert tally.quarantined > 300
    assert asked
    assert again.stored + again.refused == 0
    assert again.duplicate == 530
