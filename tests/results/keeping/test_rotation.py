"""A key is changed without a result or a slip being lost, wherever the programme dies, and the old one goes last."""

from functools import partial
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import select

from kiosk.exams.catalogue import ReleaseClass
from kiosk.formats.merkle import Checkpoint, read_note, write_note
from kiosk.register.journal import ResultsText
from results.keeping import rotation
from results.keeping.rotation import Rotation, rotate_journal, rotate_pepper, rotate_release
from results.reports.versions import Recipient, ReportVersion, SealedKey
from results.vault.dossiers import CodeLine, Dossier, Slip
from results.vault.keys import ExchangeKeys, KeyRing, journal_verifiers, unlock
from results.vault.keytext import KeyText, restore_from_escrow
from results.vault.opening import open_version
from results.vault.sealing import DoesNotOpen, check_signature, public_of
from results.vault.slips import lines_of, void_slip
from results.vault.wraps import Line, stretch_code, unwrap_key
from tests.results.cast import PIN, Desks
from tests.results.dying import Killed, dying_after
from tests.staffroom import CHEAP

C0, C3 = ReleaseClass.C0, ReleaseClass.C3


def folders(desks: Desks) -> tuple[Path, Path]:
    return desks.keys.folder, desks.room.folder / "keys-exchange"


def release(desks: Desks) -> Rotation:
    folder, exchange = folders(desks)
    return rotate_release(desks.database, folder, exchange, by="test", at=desks.at, chance=desks.chance)


def sealed(desks: Desks, many: int = 5) -> list[UUID]:
    return [desks.report(desks.dossier(C0), C0, body=f"OBX|{number}\r".encode()) for number in range(many)]


def opened(desks: Desks, reports: list[UUID]) -> list[bytes]:
    """What the staff programme opens with the keys that are in the folder now."""
    ring = KeyRing.load(desks.keys.folder)
    with desks.database.reading() as db:
        return [open_version(db, ring, db.get_one(ReportVersion, (one, 1))).content for one in reports]


def versions(desks: Desks) -> set[int]:
    with desks.database.reading() as db:
        return set(db.scalars(select(SealedKey.key_version).where(SealedKey.recipient == Recipient.RELEASE)))


def test_ordinary_reports_are_sealed_again_and_the_old_key_goes_at_the_second_visit(desks: Desks) -> None:
    folder, exchange = folders(desks)
    reports = sealed(desks)
    confidential = desks.report(desks.dossier(C3), C3, body=b"OBX|9\r")
    bodies = opened(desks, reports)
    first = release(desks)
    assert (first.newest, first.resealed, first.is_done) == (2, 5, False)
    assert versions(desks) == {2}
    assert opened(desks, reports) == bodies
    # A programme that was not started again seals one more to the old key.
    late = sealed(desks, 1)
    assert versions(desks) == {1, 2}
    second = release(desks)
    assert (second.newest, second.resealed, second.is_done) == (2, 1, False)
    third = release(desks)
    assert (third.newest, third.resealed, third.is_done) == (2, 0, True)
    assert opened(desks, [*reports, *late])[:5] == bodies
    assert sorted(path.name for path in (*folder.glob("release.*"), *exchange.glob("release.*"))) == [
        "release.2.escrow", "release.2.key", "release.2.pub", "release.2.pub",
    ]  # fmt: skip
    assert set(ExchangeKeys.load(exchange).release_public) == {2}
    with desks.database.reading() as db:
        kinds = set(db.scalars(select(SealedKey.recipient).where(SealedKey.item == confidential)))
    assert kinds == {Recipient.DOSSIER}


def test_the_biologists_can_restore_the_new_key(desks: Desks) -> None:
    release(desks)
    folder, _ = folders(desks)
    lenoir = unlock(folder, "lenoir", "la rivière sous le pont", cost=CHEAP)
    text = KeyText.read("release.2.escrow", (folder / "release.2.escrow").read_text("utf-8"))
    assert restore_from_escrow(text, lenoir.escrow[1]) == KeyRing.load(folder).release[2]
    assert public_of(KeyRing.load(folder).release[2]) == ExchangeKeys.load(folders(desks)[1]).release_public[2]


def test_killed_at_every_step_no_report_is_ever_lost(desks: Desks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rotation, "BATCH", 2)
    reports = sealed(desks)
    bodies = opened(desks, reports)
    deaths = 0
    done: Rotation | None = None
    while done is None or not done.is_done:
        try:
            with dying_after(1 + deaths // 3, desks.database, monkeypatch, rotation):
                done = release(desks)
        except Killed:
            deaths += 1
        # Whatever was reached: everything opens, and what comes in now is sealed to a key that is held.
        assert opened(desks, reports) == bodies
        ring, line = KeyRing.load(desks.keys.folder), ExchangeKeys.load(folders(desks)[1])
        newest = max(line.release_public)
        assert public_of(ring.release[newest]) == line.release_public[newest]
    assert deaths > 12
    assert versions(desks) == {2}
    assert set(KeyRing.load(desks.keys.folder).release) == {2}


def test_the_old_pepper_goes_with_the_last_slip_that_needs_it(desks: Desks) -> None:
    folder, _ = folders(desks)
    dossier_id = desks.dossier(C3)
    issued = desks.slip(dossier_id)

    def rotate() -> Rotation:
        return rotate_pepper(desks.database, folder, by="test", at=desks.at, chance=desks.chance)

    first = rotate()
    assert (first.newest, first.waits, first.is_done) == (2, 4, False)
    assert set(KeyRing.load(folder).pepper) == {1, 2}
    assert rotate() == Rotation(kind=first.kind, newest=2, waits=4)
    ring = KeyRing.load(folder)
    with desks.database.reading() as db:
        slip = db.get_one(Slip, issued.slip_id)
        line = lines_of(db, slip.id)[0]
        assert line.wrap is not None
        assert line.salt is not None
        place = Line(dossier=dossier_id, slip=slip.id, line=1, pepper_version=line.pepper_version)
        k = stretch_code(issued.codes[0][:15], PIN, line.salt, cost=desks.keys.line_cost)
        public = db.get_one(Dossier, dossier_id).public
        assert public_of(unwrap_key(place, line.wrap, k=k, pepper=ring.pepper[1], public=public)) == public
        with pytest.raises(DoesNotOpen):
            unwrap_key(place, line.wrap, k=k, pepper=ring.pepper[2], public=public)
    with desks.database.transaction("results") as db:
        void_slip(db, issued.slip_id, by=desks.sophie, at=desks.at, chance=desks.chance)
    assert rotate() == Rotation(kind=first.kind, newest=2, is_done=True)
    assert set(KeyRing.load(folder).pepper) == {2}
    with desks.database.reading() as db:
        assert {one.state.value for one in db.scalars(select(CodeLine))} == {"closed"}


def test_notes_of_the_old_journal_key_are_believed_for_ever(desks: Desks, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, _ = folders(desks)
    ring = KeyRing.load(folder)
    point = Checkpoint(origin="etiquette/1-x/results", size=1, root=bytes(32))
    old = write_note(point, public=ring.journal_public(), sign=ring.sign_journal)
    deaths = 0
    done: Rotation | None = None
    while done is None or not done.is_done:
        try:
            with dying_after(deaths, desks.database, monkeypatch, rotation):
                done = rotate_journal(desks.database, folder, by="test", at=desks.at, chance=desks.chance)
        except Killed:
            deaths += 1
        now = KeyRing.load(folder)
        assert now.journal_public()
        believed = []
        for verifier in journal_verifiers(folder):
            try:
                believed.append(read_note(old, public=verifier, check=partial(check_signature, verifier)))
            except ValueError:
                continue
        assert believed == [point]
    assert deaths > 5
    assert set(KeyRing.load(folder).journal) == {2}
    new = write_note(point, public=KeyRing.load(folder).journal_public(), sign=KeyRing.load(folder).sign_journal)
    assert new != old
    with desks.database.reading() as db:
        told = [text for text in db.scalars(select(ResultsText.text)) if "key.rotated" in text]
    assert told
