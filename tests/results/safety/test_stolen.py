"""Whoever carries the files away, their log and their copies included, reads no confidential result and no code."""

import random
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from nacl.public import PrivateKey
from nacl.signing import SigningKey
from sqlalchemy import select

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.database import open_sqlite
from printers.paper import ROLL_58
from printers.station.keys import StartKey, StationKey
from printers.station.spool import StationSpool
from results.exchange.inbox import Kind
from results.keeping.purge import clean, purge
from results.reports.versions import ReportVersion, SealedKey, reports_of
from results.slip import slip_paper
from results.vault import envelopes
from results.vault.codes import write_code
from results.vault.dossiers import CodeLine, Dossier, EscrowShare
from results.vault.sealing import DoesNotOpen, Purpose
from results.vault.slips import IssuedSlip
from results.vault.wraps import Line, stretch_code, unwrap_key
from tests.results.safety.laboratory import BIRTH, LEAST, Laboratory, exam_of, found, result

pytestmark = pytest.mark.long

CONFIDENTIAL = (ReleaseClass.C2, ReleaseClass.C3, ReleaseClass.C4, ReleaseClass.C5)
#: Visits, each with ten canaries.
VISITS = 100
OPENINGS = 10_000


@dataclass(kw_only=True)
class Secret:
    """What must never be read in a file: of one visit."""

    dossier_id: UUID
    slip: IssuedSlip
    pin: str
    #: Words of the result: what was measured, the value, a comment.
    words: tuple[str, ...]

    def canaries(self) -> list[bytes]:
        """Every form of them that somebody might have written down, a PIN excepted: four digits stand anywhere."""
        codes = [form for code in self.slip.codes for form in (code[:15], write_code(code))]
        return [one.encode() for one in (*self.words, *codes, f"|{self.pin}", f"{BIRTH}|")]


@dataclass(kw_only=True)
class Loot:
    """A laboratory at the end of its day, and all that a thief takes away."""

    lab: Laboratory
    folder: Path
    spool: StationSpool
    secrets: list[Secret] = field(default_factory=list)

    def day(self, visits: int) -> None:
        """Slips printed, results received, signed, told, refused; nothing folded: the log holds what it holds."""
        draw = random.Random(visits)
        for number in range(visits):
            words = tuple("".join(draw.choices("BCDFGHJKLMNPQRSTVWXZ", k=14)) for _ in range(3))
            release_class, pin = CONFIDENTIAL[number % 4], f"{draw.choice(range(3100, 9900)):04d}"[:3] + "7"
            visit, name = self.lab.register(release_class)
            dossier_id = self.lab.dossier(visit).id
            slip = self.lab.issue(dossier_id, pin=pin)
            paper = slip_paper(slip, promised="sam. 21/11 9 h", form=ROLL_58)
            self.spool.put(paper, printer="slips", at=self.lab.at, chance=self.lab.chance)
            raw = result(
                name, exam_of(release_class), value=words[1], number=f"R{number}", said="20261121080000", note=words[2]
            ).replace(b"Dosage essentiel", words[0].encode())
            assert words[0].encode() in raw
            assert self.lab.receive(raw) is Kind.MATCHED
            with self.lab.database.reading() as db:
                (report,) = reports_of(db, dossier_id)
            self.lab.sign(report.id)
            self.secrets.append(Secret(dossier_id=dossier_id, slip=slip, pin=pin, words=words))
        self.lab.at += timedelta(hours=2)
        for number, one in enumerate(self.secrets):
            call = self.lab.opens_call(one.slip.handle)
            said = self.lab.said(one.slip, 1, call_id=call, pin=one.pin if number % 2 else "3107")
            self.lab.says(said)

    def files(self) -> dict[str, bytes]:
        """Everything on the disk, the log included, and two copies as a backup makes them."""
        results = self.folder / "results.sqlite"
        with closing(sqlite3.connect(results)) as db:
            db.execute("VACUUM INTO ?", (str(self.folder / "vacuumed.sqlite"),))
            with closing(sqlite3.connect(self.folder / "copied.sqlite")) as copy:
                db.backup(copy)
        taken = {path.name: path.read_bytes() for path in self.folder.iterdir() if path.is_file()}
        assert taken["results.sqlite-wal"]
        assert taken["vacuumed.sqlite"]
        return taken

    def wraps(self) -> list[bytes]:
        """Every wrap that is still there."""
        with self.lab.database.reading() as db:
            return [wrap for wrap in db.scalars(select(CodeLine.wrap)) if wrap is not None]


@pytest.fixture
def loot(sqlite_folder: Path, at: datetime) -> Iterator[Loot]:
    database = open_sqlite(sqlite_folder / "register.sqlite", sqlite_folder / "results.sqlite")
    lab = found(database, sqlite_folder.parent / "keys", at=at, chance=random.Random(7).randbytes)
    lasting = StationKey(signing=SigningKey(lab.chance(32)), opening=PrivateKey(lab.chance(32)))
    spool = StationSpool(sqlite_folder / "spool.sqlite", station=lasting.id)
    start = StartKey.make(last=0, at=at, chance=lab.chance)
    spool.publish(number=start.number, key=start.public, signature=start.signed_by(lasting), at=at)
    yield Loot(lab=lab, folder=sqlite_folder, spool=spool)
    spool.close()
    database.close()


@pytest.mark.timeout(900)
def test_no_canary_is_found_in_what_a_thief_takes_away(loot: Loot, caplog: pytest.LogCaptureFixture) -> None:
    loot.day(VISITS)
    canaries = [canary for one in loot.secrets for canary in one.canaries()]
    assert len(canaries) >= 10 * VISITS
    taken = loot.files()
    for name, content in taken.items():
        assert [canary for canary in canaries if canary in content] == [], name
    assert not [canary for canary in canaries if canary.decode() in caplog.text]
    # A handle or a PIN is short: it is looked for as a whole word, in every column that is text or a number.
    short = {one.slip.handle for one in loot.secrets} | {one.pin for one in loot.secrets}
    found_words = short & set(words_of(loot.folder / "vacuumed.sqlite"))
    assert found_words == set()


def test_control_what_is_not_sealed_is_found(loot: Loot, monkeypatch: pytest.MonkeyPatch) -> None:
    def plain(key: bytes, plaintext: bytes, bound: bytes, **_: Any) -> bytes:
        del key, bound
        return bytes(25) + plaintext + bytes(16)

    with monkeypatch.context() as bare:
        bare.setattr(envelopes, "seal", plain)
        loot.lab.register(ReleaseClass.C2)
        visit, name = loot.lab.register(ReleaseClass.C2)
        raw = result(name, exam_of(ReleaseClass.C2), value="QZXWQZXWQZXW", number="R1", said="20261121080000")
        assert loot.lab.receive(raw) is Kind.MATCHED
        assert visit
    taken = loot.files()
    assert {name for name, content in taken.items() if b"QZXWQZXWQZXW" in content} >= {
        "copied.sqlite",
        "vacuumed.sqlite",
    }


def test_without_the_pepper_nothing_opens_even_when_code_and_pin_were_overheard(loot: Loot) -> None:
    loot.day(4)
    one, keys = loot.secrets[0], loot.lab.keys
    with loot.lab.database.reading() as db:
        row = db.get_one(CodeLine, (one.slip.slip_id, 2))
        public = db.get_one(Dossier, one.dossier_id).public
    assert row.wrap is not None
    assert row.salt is not None
    line = Line(dossier=one.dossier_id, slip=one.slip.slip_id, line=2, pepper_version=row.pepper_version)
    k = stretch_code(one.slip.codes[1][:15], one.pin, row.salt, cost=LEAST)
    draw = random.Random(10_000)
    # Every other key of the house, nothing at all, and what was guessed.
    others = [keys.release[1], keys.fields[1], keys.journal[1], keys.cookie, bytes(32), public, row.salt * 2]
    others += [keys.subkey(purpose) for purpose in Purpose]
    guesses = others + [draw.randbytes(32) for _ in range(OPENINGS - len(others))]
    opened = 0
    for guess in guesses:
        try:
            unwrap_key(line, row.wrap, k=k, pepper=guess, public=public)
        except DoesNotOpen:
            continue
        opened += 1
    assert (opened, len(guesses)) == (0, OPENINGS)
    assert unwrap_key(line, row.wrap, k=k, pepper=keys.pepper[1], public=public)  # the control


def test_a_line_that_was_used_is_gone_from_the_disk_once_nobody_reads(loot: Loot) -> None:
    loot.day(2)
    one, folder = loot.secrets[0], loot.folder
    with loot.lab.database.reading() as db:
        wrap = db.get_one(CodeLine, (one.slip.slip_id, 1)).wrap
    assert wrap is not None

    def lies_there() -> bool:
        return any(wrap in path.read_bytes() for path in folder.glob("results.sqlite*"))

    assert lies_there()
    with closing(sqlite3.connect(folder / "results.sqlite", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM code_line").fetchone()
        said = loot.lab.said(one.slip, 1, call_id=loot.lab.opens_call(one.slip.handle), pin=one.pin)
        loot.lab.at += timedelta(minutes=1)
        assert not loot.lab.says(said).is_refused
        assert not loot.lab.database.fold_results()
        assert lies_there()  # the control: an open reader keeps the log
    assert loot.lab.database.fold_results()
    assert not lies_there()


def test_a_copy_that_is_made_after_the_purge_holds_nothing_sealed(loot: Loot) -> None:
    """What outlives a purge is what a copy of that night may hold: no body, no copy of a key, no line."""
    loot.day(4)
    with loot.lab.database.reading() as db:
        sealed = [*loot.wraps(), *db.scalars(select(EscrowShare.box)), *db.scalars(select(SealedKey.box))]
        sealed += [body[30:90] for body in db.scalars(select(ReportVersion.body))]
    before = loot.files().values()
    assert len(sealed) > 20
    assert all(any(one in content for content in before) for one in sealed)  # the control
    for name in ("vacuumed.sqlite", "copied.sqlite"):
        (loot.folder / name).unlink()
    loot.lab.at += timedelta(days=91)
    purge(loot.lab.database, loot.lab.keys, by="evening", at=loot.lab.at, chance=loot.lab.chance)
    assert clean(loot.lab.database)
    with closing(sqlite3.connect(loot.folder / "results.sqlite")) as db:
        db.execute("VACUUM INTO ?", (str(loot.folder / "night.sqlite"),))
    after = {path.name: path.read_bytes() for path in loot.folder.iterdir() if path.is_file()}
    assert after["night.sqlite"]
    assert [name for name, content in after.items() if any(one in content for one in sealed)] == []


def words_of(path: Path) -> Iterator[str]:
    """Every word and every number that stands in a column of a file, blobs and identifiers left out."""
    with closing(sqlite3.connect(path)) as db:
        tables = [name for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            for row in db.execute(f"SELECT * FROM {table}"):  # noqa: S608  # a name of our own tables
                for value in row:
                    if isinstance(value, str | int):
                        yield from re.findall(r"[0-9a-zA-Z]+", str(value))
