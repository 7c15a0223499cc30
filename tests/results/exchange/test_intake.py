"""Files go in one by one: what was taken is kept even when the next one breaks, and none is taken twice."""

from collections.abc import Iterable, Iterator
from dataclasses import fields
from pathlib import Path

import pytest
from sqlalchemy import func, select

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.database import Database
from kiosk.register.patients import patient_of
from labels.tubes import Tube, Verb, move
from results.exchange.inbox import Tally
from results.exchange.intake import Intake, take
from results.exchange.received import ReceivedMessage
from results.upkeep import laboratory
from results.vault.dossiers import Dossier
from results.vault.keys import ExchangeKeys
from tests.results.cast import Desks

MESSAGES = Path(__file__).resolve().parents[1] / "hl7v2" / "messages"


def took(desks: Desks, *files: bytes, is_production: bool = True) -> Intake:
    return _take(desks, files, is_production=is_production)


def _take(desks: Desks, files: Iterable[bytes], *, is_production: bool = True) -> Intake:
    exchange_keys = ExchangeKeys.load(desks.keys.folder.parent / "keys-exchange")
    return take(
        desks.database, files, keys=desks.keys, exchange_keys=exchange_keys, is_production=is_production, at=desks.at,
        chance=desks.chance,
    )  # fmt: skip


def kept(database: Database) -> int:
    with database.reading() as db:
        return db.scalars(select(func.count()).select_from(ReceivedMessage)).one()


def answered(desks: Desks, *classes: ReleaseClass) -> list[bytes]:
    """What the laboratory answers for a new patient of this house whose tubes are drawn."""
    dossier_id = desks.dossier(*classes)
    with desks.database.reading() as db:
        visit_id = db.get_one(Dossier, dossier_id).visit_id
        assert patient_of(db, visit_id) is not None
    with desks.database.transaction() as db:
        for tube in db.scalars(select(Tube).where(Tube.visit_id == visit_id)):
            move(tube, Verb.DRAW)
            tube.drawn_at, tube.drawn_by = desks.at, "karim"
    with desks.database.reading() as db:
        return laboratory.answers(db, desks.site(), at=desks.at, chance=desks.chance)


def test_a_result_of_a_patient_who_is_expected_is_filed_by_itself(desks: Desks) -> None:
    taken = took(desks, *answered(desks, ReleaseClass.C0))
    assert taken.counts() == {
        "read": 1, "stored": 1, "matched": 1, "quarantined": 0, "duplicate": 0, "refused": 0,
    }  # fmt: skip
    assert taken.reasons == ()


def test_each_file_is_counted_and_each_reason_is_told_once_for_each_message(desks: Desks) -> None:
    files = [path.read_bytes() for path in sorted(MESSAGES.glob("*.hl7"))]
    taken = took(desks, *files)
    assert list(taken.counts()) == [one.name for one in fields(Tally)]
    assert taken.tally.read >= len(files)
    assert len(taken.reasons) == taken.tally.quarantined + taken.tally.refused
    assert all(taken.reasons)
    assert kept(desks.database) == taken.tally.stored + taken.tally.refused


def test_the_same_files_again_are_all_known_and_need_nobody(desks: Desks) -> None:
    files = [path.read_bytes() for path in sorted(MESSAGES.glob("*.hl7"))]
    first = took(desks, *files)
    stored = kept(desks.database)
    second = took(desks, *files)
    assert second.tally == Tally(read=first.tally.read, duplicate=first.tally.read)
    assert second.reasons == ()
    assert kept(desks.database) == stored


def test_what_was_taken_before_a_crash_is_kept_and_the_rest_is_taken_again(desks: Desks) -> None:
    first, second = (MESSAGES / "plain.hl7").read_bytes(), (MESSAGES / "document.hl7").read_bytes()

    def breaking() -> Iterator[bytes]:
        yield first
        raise OSError("the disk went away")

    with pytest.raises(OSError, match="went away"):
        _take(desks, breaking())
    assert kept(desks.database) == 1
    taken = took(desks, first, second)
    assert (taken.tally.read, taken.tally.duplicate) == (2, 1)


def test_a_message_that_claims_seventy_thousand_samples_is_kept_and_breaks_nothing(desks: Desks) -> None:
    raw = (MESSAGES / "plain.hl7").read_bytes()
    crowded = raw + b"".join(b"SPM|1|%012d\r" % number for number in range(70_000))
    taken = took(desks, crowded, raw)
    assert taken.tally.read == 2
    assert taken.tally.stored + taken.tally.refused == 2


def test_nothing_read_is_said_so_and_nothing_is_told_of_a_person(desks: Desks) -> None:
    assert took(desks).counts() == dict.fromkeys([one.name for one in fields(Tally)], 0)
    taken = took(desks, b"", (MESSAGES / "plain.hl7").read_bytes())
    words = " ".join(taken.reasons).upper()
    assert words
    assert not [name for name in ("GARNIER", "MOREAU", "0552") if name in words]
