"""What is no longer kept goes, what is kept stays, and what went cannot be brought back from the files."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import (
    JSON,
    Boolean,
    Date,
    Enum,
    Integer,
    LargeBinary,
    String,
    Uuid,
    event,
    func,
    insert,
    select,
    update,
)

import results.app  # noqa: F401  # every table of the house is known from here on
from kiosk.exams.catalogue import ReleaseClass
from kiosk.formats.merkle import Checkpoint
from kiosk.register.database import STAFF_ONLY, Base, Database, Side, UtcDateTime
from kiosk.register.journal import Act, ResultsText, head_of, verify, write
from kiosk.register.sites import Site
from kiosk.register.visits import Said, visit_of
from results.callers.numbers import PatientNumber, keep_number
from results.exchange.candidates import candidates
from results.exchange.intake import take
from results.exchange.matching import evidence_of
from results.exchange.quarantine import Aside, set_aside
from results.exchange.received import MessageState, ReceivedMessage
from results.giving import Delivery, Preference, choose, delivery_of
from results.hl7v2.reader import Message
from results.keeping import purge as purging
from results.keeping.purge import clean, purge, survey
from results.keeping.rules import RULES, Span
from results.matrix import Person
from results.reports.versions import Reason, ReportVersion, SealedKey, State
from results.vault.dossiers import CodeLine, Dossier, EscrowShare, NoSuchDossier, Slip, SlipState, dossier_of
from results.vault.envelopes import ReportSeal, open_body, open_copy
from results.vault.keys import ExchangeKeys
from results.vault.opening import open_by_escrow, open_version
from results.vault.sealing import DoesNotOpen, unseal
from results.vault.wraps import open_share
from tests.results.cast import PROMISES, Desks
from tests.results.exchange.test_quarantine import MESSAGE
from tests.staffroom import ring_of

Chance = Callable[[int], bytes]
CANARY = b"OBX|1|NM|0388^Depistage^NABM||SERIN-4271|g/L|1-2||||F\r"
C0, C3 = ReleaseClass.C0, ReleaseClass.C3
#: Columns that a check wants to be filled, or to be one word.
MUST: dict[str, dict[str, object]] = {
    "results.critical_limit": {"low": "1"},
    "results.slip": {"state": SlipState.VOID},
    "results.report_version": {"state": State.RECEIVED},
    "results.message": {"state": MessageState.FILED},
    "results.hand_over": {"person": Person.MANDATED},
    "results.hand_over_request": {"hand_over_id": None},
    "results.biologist_message": {"ring_back": b"sealed"},
}


# ── one row in every table ──────────────────────────────────────────────────────────────────────────────────────────


def filling(column: Any, at: datetime, chance: Chance) -> object:
    """Something that the column takes."""
    kind = column.type
    made: dict[type, Callable[[], object]] = {
        Enum: lambda: next(iter(kind.enum_class)),
        String: lambda: "8" * kind.length if (kind.length or 99) <= 12 else f"k{chance(6).hex()}"[: kind.length],
        LargeBinary: lambda: chance(kind.length or 40),
        Boolean: lambda: False,
        Integer: lambda: 1,
        JSON: list,
        Date: at.date,
        UtcDateTime: lambda: at,
        Uuid: lambda: UUID(bytes=chance(16)),
    }
    return next(make for one, make in made.items() if isinstance(kind, one))()


def fill(database: Database, at: datetime, chance: Chance) -> None:
    """One row in every table that the purge knows, each standing on those below, all of one instant."""
    made: dict[str, dict[str, object]] = {}
    with database.reading() as db:
        site = db.scalars(select(Site)).one()
    made["site"] = {"id": site.id}
    for table in Base.metadata.sorted_tables:
        if table.key not in RULES:
            continue
        row: dict[str, object] = {}
        rule = RULES[table.key]
        for column in table.columns:
            keys = list(column.foreign_keys)
            if keys and keys[0].column.table.key == table.key:
                continue  # no aliquot here
            if keys and not (table.key == "appointment" and column.name == "visit_id"):
                row[column.name] = made[keys[0].column.table.key][keys[0].column.name]
            elif not column.nullable or column.name == rule.since:
                row[column.name] = filling(column, at, chance)
        row |= MUST.get(table.key, {})
        side: Side = "results" if table.schema == STAFF_ONLY else "register"
        with database.transaction(side) as db:
            db.execute(insert(table).values(**row))
        made[table.key] = row


def filled(database: Database) -> set[str]:
    """The tables with a rule that hold a row."""
    with database.reading() as db:
        return {name for name in RULES if db.scalar(select(func.count()).select_from(Base.metadata.tables[name]))}


#: What stays longer because a file of twenty years names it.
NAMED_BY_A_FILE = {"visit"}


def counted(database: Database, at: datetime) -> dict[str, int]:
    """What a purge would take of each table."""
    lines = {line.name: line.gone for line in survey(database, ring_of(), at=at)}
    return {name: lines[name] for name in RULES}


def test_a_row_stays_to_its_last_day_and_goes_the_day_after_as_was_counted(
    database: Database, site: Site, at: datetime, chance: Chance
) -> None:
    assert site.id
    fill(database, at, chance)
    assert filled(database) == set(RULES)
    for years in (1, 2, 10, 20):
        span = Span(years=years)
        last = at.replace(year=at.year + years) - timedelta(days=1)
        after = last + timedelta(days=3)
        for when in (last, after):
            before, foretold = filled(database), counted(database, when)
            heads = heads_of(database)
            assert filled(database) == before
            assert heads_of(database) == heads
            gone = purge(database, ring_of(), by="test", at=when, chance=chance)
            assert {name: gone[name] for name in RULES} == foretold
            assert before - filled(database) == {name for name in RULES if foretold[name]}
            if when == last:
                early = {name for name in RULES if not RULES[name].span.before(last) > span.before(last)}
                assert early <= filled(database)
        late = {name for name in filled(database) if not RULES[name].span.before(after) < span.before(after)}
        assert late == (NAMED_BY_A_FILE if years == 10 else set())
    assert filled(database) == set()


def heads_of(database: Database) -> list[tuple[int, bytes]]:
    """What both journals are."""
    with database.reading() as db:
        return [head_of(db, side) for side in ("register", "results")]


def test_what_is_said_at_the_door_goes_with_the_night_and_events_after_two_days(
    database: Database, site: Site, at: datetime, chance: Chance
) -> None:
    assert site.id
    fill(database, at, chance)
    soon = {"said", "answer", "convocation_shown"}
    # Half past five of the next morning: somebody of last night may still be waited for.
    purge(database, ring_of(), by="test", at=at + timedelta(hours=21), chance=chance)
    assert filled(database) == set(RULES)
    purge(database, ring_of(), by="test", at=at + timedelta(hours=24), chance=chance)
    assert set(RULES) - filled(database) == soon
    purge(database, ring_of(), by="test", at=at + timedelta(hours=49), chance=chance)
    assert set(RULES) - filled(database) == soon | {"event"}


def test_a_patient_who_comes_again_keeps_the_whole_file(
    database: Database, site: Site, at: datetime, chance: Chance
) -> None:
    assert site.id
    fill(database, at, chance)
    recognition, visit = Base.metadata.tables["recognition"], Base.metadata.tables["visit"]
    later = at.replace(year=at.year + 15)
    with database.transaction() as db:
        first = db.execute(select(visit)).one()._asdict()
        known = db.execute(select(recognition)).one()._asdict()
        again = first | {"id": UUID(int=9), "number": 2, "day": later.date()}
        db.execute(insert(visit).values(**again))
        db.execute(insert(recognition).values(**(known | {"visit_id": UUID(int=9), "at": later})))
    purge(database, ring_of(), by="test", at=at.replace(year=at.year + 21), chance=chance)
    with database.reading() as db:
        assert db.scalar(select(func.count()).select_from(recognition)) == 2
        assert db.scalar(select(func.count()).select_from(visit)) == 2
    purge(database, ring_of(), by="test", at=later.replace(year=later.year + 20) + timedelta(days=2), chance=chance)
    assert not {"recognition", "visit", "patient"} & filled(database)


def test_an_account_that_is_open_stays_and_so_does_whoever_signed_its_role(
    database: Database, site: Site, at: datetime, chance: Chance
) -> None:
    assert site.id
    fill(database, at, chance)
    staff, role = (Base.metadata.tables[name] for name in ("results.staff", "results.role"))
    with database.transaction("results") as db:
        signer = db.execute(select(staff)).one()._asdict()
        newer = signer | {"id": UUID(int=7), "login": "karim", "disabled_at": None}
        db.execute(insert(staff).values(**newer))
        given = db.execute(select(role)).one()._asdict()
        db.execute(insert(role).values(**(given | {"id": UUID(int=8), "staff": UUID(int=7), "signer": signer["id"]})))
    purge(database, ring_of(), by="test", at=at.replace(year=at.year + 30), chance=chance)
    with database.reading() as db:
        assert set(db.scalars(select(staff.c.id))) == {UUID(int=7), signer["id"]}
        assert set(db.scalars(select(role.c.id))) == {UUID(int=8)}


def test_an_aliquot_goes_before_the_tube_that_it_was_poured_from(
    database: Database, site: Site, at: datetime, chance: Chance, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert site.id
    monkeypatch.setattr(purging, "BATCH", 1)
    fill(database, at, chance)
    tube = Base.metadata.tables["tube"]
    with database.transaction() as db:
        first = db.execute(select(tube)).one()._asdict()
        for number in (1, 2, 3):
            more = {"id": UUID(int=number), "parent_id": first["id"], "sample_number": f"{number:012d}"}
            db.execute(insert(tube).values(**(first | more)))
    gone = purge(database, ring_of(), by="test", at=at.replace(year=at.year + 11), chance=chance)
    assert gone["tube"] == 4


# ── the report ────────────────────────────────────────────────────────────────────────────────────────


def test_the_oldest_that_stays_is_told(database: Database, site: Site, at: datetime, chance: Chance) -> None:
    assert site.id
    fill(database, at, chance)
    lines = {line.name: line for line in survey(database, ring_of(), at=at + timedelta(days=800))}
    assert (lines["visit"].gone, lines["visit"].oldest, lines["visit"].kept) == (0, at.date(), "10 ans")
    assert (lines["event"].gone, lines["event"].oldest, lines["event"].kept) == (1, None, "2 jours")
    assert (lines["appointment"].gone, lines["appointment"].kept) == (1, "2 ans")
    assert isinstance(lines["visit"].oldest, date)


# ── a dossier's key ─────────────────────────────────────────────────────────────────────────────────────────────────


def passes(desks: Desks, **span: float) -> dict[str, int]:
    """Time passes and an evening comes."""
    desks.later(**span)
    return purge(desks.database, desks.keys, by="test", at=desks.at, chance=desks.chance)


@pytest.mark.parametrize("ago", [100, 70])
def test_an_hour_that_somebody_else_has_written_shreds_nothing_early_and_is_reported(desks: Desks, ago: int) -> None:
    dossier_id, report_id = told_life(desks, C3)
    with desks.database.reading() as db:
        promised = db.get_one(Dossier, dossier_id).promised_at

    def writes(hour: datetime) -> None:
        with desks.database.transaction("results") as db:
            db.execute(update(Dossier).where(Dossier.id == dossier_id).values(promised_at=hour))

    def opens() -> bool:
        with desks.database.reading() as db:
            private = open_by_escrow(db, db.get_one(Dossier, dossier_id), desks.lenoir)
            version = db.get_one(ReportVersion, (report_id, 1))
            lines = db.scalars(select(CodeLine.wrap)).all()
            return len(lines) == 4 and open_version(db, desks.keys, version, private=private).content == CANARY

    writes(desks.at - timedelta(days=ago))
    expected = {"clés de dossiers": int(ago > 90), "lignes de talons": 1}
    surveyed = {line.name: (line.gone, line.held) for line in survey(desks.database, desks.keys, at=desks.at)}
    gone = passes(desks, hours=1)
    for name, held in expected.items():
        assert surveyed[name] == (0, held)
        assert gone[name] == 0
    assert opens()
    with desks.database.reading() as db:
        told = [text for text in db.scalars(select(ResultsText.text)) if Act.PURGE_DONE in text]
    assert f'"held":{sum(expected.values())}' in told[-1]
    # Written as it was, its time comes as it was promised.
    writes(promised)
    assert passes(desks, days=91)["clés de dossiers"] == 1


def in_files(folder: Path, *needles: bytes) -> dict[bytes, list[str]]:
    """Which of these bytes stand in which file of the databases."""
    files = [*folder.glob("*.sqlite*"), *folder.glob("results*/*")]
    raw = {file.name: file.read_bytes() for file in files if file.is_file()}
    return {needle: [name for name, held in raw.items() if needle in held] for needle in needles}


def told_life(desks: Desks, release_class: ReleaseClass) -> tuple[UUID, UUID]:
    """A dossier with a number given, a slip in a hand and a signed report: dossier and report."""
    dossier_id = desks.dossier(release_class)
    with desks.database.transaction("results") as db:
        given = delivery_of(db, db.get_one(Dossier, dossier_id).visit_id)
        assert given is not None
        keep_number(db, given, "0612345678", power=desks.room.power, chance=desks.chance)
    desks.slip(dossier_id)
    return dossier_id, desks.report(dossier_id, release_class, body=CANARY)


@pytest.mark.parametrize("release_class", [C0, C3])
def test_after_ninety_days_no_key_of_the_house_opens_what_was_sealed(desks: Desks, release_class: ReleaseClass) -> None:
    dossier_id, report_id = told_life(desks, release_class)
    with desks.database.reading() as db:
        dossier = db.get_one(Dossier, dossier_id)
        version = db.get_one(ReportVersion, (report_id, 1))
        public, body = dossier.public, version.body
        boxes = list(db.scalars(select(SealedKey.box).where(SealedKey.item == report_id)))
        share, number = db.scalars(select(EscrowShare.box)).one(), db.scalars(select(PatientNumber.number)).one()
        wraps = [line.wrap for line in db.scalars(select(CodeLine)) if line.wrap]
        # Before: a biologist, the staff programme or a code line open it.
        private = open_by_escrow(db, dossier, desks.lenoir)
        assert open_version(db, desks.keys, version, private=private).content == CANARY
    assert len(wraps) == 4
    secrets = (
        body[30:90],
        share[40:80],
        number[10:60],
        *(box[40:80] for box in boxes),
        *(wrap[30:70] for wrap in wraps),
    )
    clean(desks.database)
    assert all(in_files(desks.room.folder, *secrets).values())

    passes(desks, days=90)  # the promised hour is one hour after the first day
    with desks.database.reading() as db:
        assert db.get_one(ReportVersion, (report_id, 1)).body == body
    gone = passes(desks, hours=2)
    assert gone["clés de dossiers"] == 1
    assert clean(desks.database)

    assert not any(in_files(desks.room.folder, *secrets, b"SERIN").values())
    with desks.database.reading() as db:
        dossier = db.get_one(Dossier, dossier_id)
        version = db.get_one(ReportVersion, (report_id, 1))
        assert (version.body, version.state) == (b"", State.SIGNED)
        for table in (EscrowShare, SealedKey, CodeLine, PatientNumber, Delivery):
            assert db.scalars(select(table)).all() == [], table
        with pytest.raises(NoSuchDossier):
            dossier_of(db, desks.keys, dossier.visit_id)
        with pytest.raises(DoesNotOpen):
            open_by_escrow(db, dossier, desks.lenoir)
        # A thief who kept the sealed body from before, with every key of the ring and a biologist's: no copy is left.
        rank = int(release_class[1])
        bound = ReportSeal(report=report_id, dossier=dossier_id, version=1, rank=rank, matrix_version=1)
        every = [*desks.keys.release.values(), *desks.lenoir.escrow.values()]
        held = [*every, *desks.keys.pepper.values(), *desks.keys.fields.values(), desks.keys.cookie]
        for key in held:
            with pytest.raises(DoesNotOpen):
                open_body(bound, body, key)
            with pytest.raises(DoesNotOpen):
                unseal(key, body, b"")
        # Control, and the caveat of the backups: with the copies of that time it would open.
        if rank >= 2:
            private = open_share(dossier_id, share, escrow_private=desks.lenoir.escrow[1], public=public)
            dek = open_copy(report_id, 1, boxes[0], private=private)
        else:
            dek = open_copy(report_id, 1, boxes[0], private=desks.keys.release[1])
        assert open_body(bound, body, dek).content == CANARY


def test_a_reader_keeps_the_old_bytes_in_the_log_until_it_has_done(desks: Desks) -> None:
    _, report_id = told_life(desks, C3)
    with desks.database.reading() as db:
        body = db.get_one(ReportVersion, (report_id, 1)).body
    assert clean(desks.database)
    with desks.database.reading() as db:
        db.execute(select(Dossier)).all()
        passes(desks, days=91)
        assert not clean(desks.database)
        assert in_files(desks.room.folder, body[30:90])[body[30:90]]
    assert clean(desks.database)
    assert not in_files(desks.room.folder, body[30:90])[body[30:90]]


def test_code_lines_end_thirty_days_before_their_dossier(desks: Desks) -> None:
    dossier_id, report_id = told_life(desks, C3)
    passes(desks, days=60)
    with desks.database.reading() as db:
        assert len(db.scalars(select(CodeLine)).all()) == 4
    gone = passes(desks, hours=2)
    assert gone["lignes de talons"] == 1
    with desks.database.reading() as db:
        assert db.scalars(select(CodeLine)).all() == []
        assert db.scalars(select(Slip.state)).all() == [SlipState.VOID]
        private = open_by_escrow(db, db.get_one(Dossier, dossier_id), desks.lenoir)
        version = db.get_one(ReportVersion, (report_id, 1))
        assert open_version(db, desks.keys, version, private=private).content == CANARY


def test_what_nobody_signed_in_time_waits_for_nobody_any_more(desks: Desks) -> None:
    dossier_id = desks.dossier(C3)
    report_id = desks.report(dossier_id, C3, body=CANARY, signed=False)
    passes(desks, days=91)
    with desks.database.reading() as db:
        version = db.get_one(ReportVersion, (report_id, 1))
        assert (version.state, version.reason, version.body) == (State.WITHDRAWN, Reason.EXPIRED, b"")


def test_nothing_is_ever_sealed_to_a_key_that_was_destroyed(desks: Desks) -> None:
    dossier_id, _ = told_life(desks, C3)
    with desks.database.reading() as db:
        dossier = db.get_one(Dossier, dossier_id)
        first, visit_id, site = dossier.public, dossier.visit_id, db.scalars(select(Site)).one()
    passes(desks, days=91)
    message = Message.read(
        b"MSH|^~\\&|SIL|LABO|||20270221083000||ORU^R01^ORU_R01|1|P|2.5\r"
        b"PID|1||1||MOREAU^Jeanne^Jeanne Marie^^^^L||19540228|F\r"
    )
    with desks.database.reading() as db:
        # A correction that comes as late as that finds the visit and no dossier: a person looks at it.
        found = candidates(db, site, evidence_of(message), at=desks.at - timedelta(days=85))
        assert [one.dossier for one in found if one.visit == visit_id] == [None]
    with desks.database.transaction("results") as db:
        choose(
            db, desks.keys, visit_of(db, visit_id), preference=Preference.PICKUP, wants_phone=False, document=None,
            wishes=(), promise_minutes=PROMISES, by=desks.sophie, at=desks.at, chance=desks.chance,
            key=desks.chance(16).hex(),
        )  # fmt: skip
    with desks.database.reading() as db:
        again = dossier_of(db, desks.keys, visit_id)
        assert (again.id, again.shredded_at) == (dossier_id, None)
        assert again.public not in {first, bytes(32)}
        assert open_by_escrow(db, again, desks.lenoir)


# ── messages ────────────────────────────────────────────────────────────────────────────────────────────────────────


def arrives(desks: Desks, number: int) -> UUID:
    """A message that speaks of somebody who awaits nothing here: it is held."""
    with desks.database.reading() as db:
        known = set(db.scalars(select(ReceivedMessage.id)))
    take(
        desks.database, [MESSAGE.format(number=number).encode()], keys=desks.keys,
        exchange_keys=ExchangeKeys.load(desks.room.folder / "keys-exchange"), is_production=True, at=desks.at,
        chance=desks.chance,
    )  # fmt: skip
    with desks.database.reading() as db:
        (fresh,) = set(db.scalars(select(ReceivedMessage.id))) - known
    return fresh


def test_bytes_of_messages_go_and_what_waits_for_a_person_waits(desks: Desks) -> None:
    held, aside, filed = (arrives(desks, number) for number in (1, 2, 3))
    with desks.database.transaction("results") as db:
        set_aside(db, aside, Aside.TEST, by=desks.sophie, at=desks.at, chance=desks.chance)
        db.get_one(ReceivedMessage, filed).state = MessageState.FILED

    def sizes() -> list[int]:
        with desks.database.reading() as db:
            return [len(db.get_one(ReceivedMessage, one).raw) for one in (held, aside, filed)]

    whole = sizes()
    assert all(whole)
    passes(desks, days=30, hours=-1)
    assert sizes() == whole
    passes(desks, hours=2)
    assert sizes() == [whole[0], whole[1], 0]
    passes(desks, days=60)
    assert sizes() == [whole[0], 0, 0]
    with desks.database.reading() as db:
        assert db.get_one(ReceivedMessage, filed).identity is None
        assert set(db.scalars(select(SealedKey.item).where(SealedKey.item.in_([held, aside, filed])))) == {held}
        for message, is_kept in ((held, True), (aside, False)):
            version = db.scalars(select(ReportVersion).where(ReportVersion.message_id == message)).one()
            assert bool(version.body) is is_kept
    passes(desks, days=300)
    with desks.database.reading() as db:
        assert set(db.scalars(select(ReceivedMessage.id))) == {held}
        kept = db.get_one(ReceivedMessage, held)
        assert len(kept.raw) == whole[0]


# ── the journal ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_proofs_of_both_journals_hold_after_every_purge(desks: Desks) -> None:
    notes: dict[Side, list[Checkpoint]] = {"register": [], "results": []}

    def note() -> None:
        with desks.database.reading() as db:
            for side, kept in notes.items():
                size, root = head_of(db, side)
                kept.append(Checkpoint(origin="labo/1", size=size, root=root))

    told_life(desks, C3)
    desks.browser("sophie")
    for days in (61, 31, 275, 400, 2_900, 4_000):
        note()
        passes(desks, days=days)
        with desks.database.reading() as db:
            for side, kept in notes.items():
                assert verify(db, side, notes=kept).sound, (days, side)
    with desks.database.reading() as db:
        left = list(db.scalars(select(ResultsText.text)))
    assert not [text for text in left if "report." in text or "slip.issued" in text]
    assert any("purge.done" in text for text in left)


def test_the_words_of_signing_in_go_after_a_year_and_those_of_telling_after_ten(desks: Desks) -> None:
    told_life(desks, C3)
    desks.browser("sophie")
    with desks.database.transaction("results") as db:
        write(db, "results", Act.RELEASE_TOLD, by=desks.sophie, at=desks.at, chance=desks.chance, report=UUID(int=3))

    def said(act: str) -> bool:
        with desks.database.reading() as db:
            return any(f'"act":"{act}"' in text for text in db.scalars(select(ResultsText.text)))

    assert said("signin.opened")
    passes(desks, days=364)
    assert said("signin.opened")
    passes(desks, days=2)
    assert not said("signin.opened")
    assert said("release.told")
    passes(desks, days=365 * 9)
    assert said("release.told")
    passes(desks, days=5)
    assert not said("release.told")


def test_a_purge_that_dies_at_any_statement_is_finished_by_the_next(desks: Desks) -> None:
    for _ in range(4):
        told_life(desks, C3)
    desks.later(days=400)
    assert {line.name: line.gone for line in survey(desks.database, desks.keys, at=desks.at)}["clés de dossiers"] == 4
    engines = set(desks.database.writing_engines.values())
    deaths = 0

    class Killed(BaseException):
        """As by kill -9."""

    while True:
        left = iter(range(5 + 3 * deaths))

        def die(*_: object, left: Iterator[int] = left) -> None:
            if next(left, None) is None:
                raise Killed

        for engine in engines:
            event.listen(engine, "before_cursor_execute", die)
        try:
            purge(desks.database, desks.keys, by="test", at=desks.at, chance=desks.chance)
        except Killed:
            deaths += 1
        else:
            break
        finally:
            for engine in engines:
                event.remove(engine, "before_cursor_execute", die)
        with desks.database.reading() as db:
            assert verify(db, "results").sound
            for dossier in db.scalars(select(Dossier)):
                shares = db.scalars(select(EscrowShare).where(EscrowShare.dossier_id == dossier.id)).all()
                assert bool(shares) is (dossier.shredded_at is None)
    assert deaths >= 8
    assert sum(line.gone for line in survey(desks.database, desks.keys, at=desks.at)) == 0


def test_the_purge_is_written_on_both_sides(desks: Desks) -> None:
    with desks.database.reading() as db:
        before = [head_of(db, side)[0] for side in ("register", "results")]
    passes(desks, days=1)
    with desks.database.reading() as db:
        assert [head_of(db, side)[0] for side in ("register", "results")] == [one + 1 for one in before]


def test_words_typed_at_the_kiosk_are_in_no_file_after_the_night(desks: Desks) -> None:
    visit = desks.visit(C0)
    with desks.database.transaction() as db:
        db.add(Said(visit_id=visit.id, kind="name", word="ZQXJWVYK", birth_date="19540229"))
    clean(desks.database)
    assert in_files(desks.room.folder, b"ZQXJWVYK")[b"ZQXJWVYK"]
    passes(desks, days=1)
    assert clean(desks.database)
    assert not in_files(desks.room.folder, b"ZQXJWVYK")[b"ZQXJWVYK"]


def test_a_table_that_the_purge_knows_is_never_silently_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purging, "RULES", {**RULES, "renamed": RULES["visit"]})
    with pytest.raises(KeyError):
        purging._tables()
