from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.database import Database
from results.reports.flags import flags_standing
from results.reports.versions import (
    MOVES,
    Life,
    NotFromHere,
    Reason,
    Report,
    ReportVersion,
    State,
    Verb,
    live,
    move,
    newest,
    reports_of,
    sign,
    versions_of,
)
from tests.staffroom import power_of, ring_of

AT = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
HOUR = AT + timedelta(hours=3)
REPORT, DOSSIER, SIGNER = UUID(int=1), UUID(int=2), UUID(int=3)


def version(number: int = 1, state: State = State.SEALED, flags: str = "") -> ReportVersion:
    return ReportVersion(
        report_id=REPORT, version=number, message_id=UUID(int=9), state=state, dossier=DOSSIER,
        release_class=ReleaseClass.C2, is_known=True, matrix_version=1, body=b"sealed", not_before=HOUR,
        is_partial=False, is_corrected=False, is_order_uncertain=False, flags=flags, received_at=AT,
    )  # fmt: skip


def shelve(db: Session, *versions: ReportVersion) -> None:
    db.add(Report(id=REPORT, site_id=UUID(int=8), dossier=DOSSIER, connection="sil", key_mac=bytes(32), created_at=AT))
    db.flush()
    db.add_all(versions)
    db.flush()


def put_signature(db: Session, row: ReportVersion) -> None:
    sign(db, row, commitment=bytes(32), signature=bytes(64), signer=SIGNER, not_before=HOUR, at=AT)


@given(st.lists(st.sampled_from(Verb), max_size=6))
def test_only_the_table_moves_a_version(verbs: list[Verb]) -> None:
    row = version(state=State.RECEIVED)
    for verb in verbs:
        after = MOVES.get((row.state, verb))
        if after is None:
            before = row.state
            with pytest.raises(NotFromHere):
                move(row, verb, at=AT)
            assert row.state is before
        else:
            move(row, verb, at=AT)
            assert row.state is after
    assert (row.withdrawn_at is not None) == (row.state is State.WITHDRAWN)


def test_nothing_leaves_withdrawn() -> None:
    assert not [state for state, _ in MOVES if state is State.WITHDRAWN]


def test_a_signature_withdraws_the_former_versions(database: Database) -> None:
    with database.transaction(writes="results") as db:
        shelve(db, version(1), version(2))
        put_signature(db, versions_of(db, REPORT)[1])
    with database.reading() as db:
        first, second = versions_of(db, REPORT)
        assert (first.state, first.reason) == (State.WITHDRAWN, Reason.SUPERSEDED)
        assert (second.state, second.signer) == (State.SIGNED, SIGNER)
        assert newest(db, REPORT) is second
        assert [report.id for report in reports_of(db, DOSSIER)] == [REPORT]


def test_a_former_version_cannot_be_signed_while_a_newer_one_waits(database: Database) -> None:
    with database.transaction(writes="results") as db:
        shelve(db, version(1), version(2))
        with pytest.raises(NotFromHere):
            put_signature(db, versions_of(db, REPORT)[0])


def test_flags_are_the_strictest_of_all_versions(database: Database) -> None:
    with database.transaction(writes="results") as db:
        shelve(db, version(1, flags="guardians patient"), version(2), version(3, flags="secret"))
        assert flags_standing(db, REPORT, power_of(ring_of())) == {"guardians", "patient", "secret"}


def test_the_store_refuses_a_signed_version_without_its_signature(database: Database) -> None:
    with pytest.raises(IntegrityError), database.transaction(writes="results") as db:
        shelve(db, version(state=State.SIGNED))


def test_the_store_refuses_a_sealed_version_of_nobody(database: Database) -> None:
    lost = version()
    lost.dossier = None
    with pytest.raises(IntegrityError), database.transaction(writes="results") as db:
        shelve(db, lost)


def lived(
    row: ReportVersion, *, is_newest: bool = True, is_held: bool = False, is_matrix_in_force: bool = True,
    releases: int = 0, at: datetime = HOUR,
) -> Life:  # fmt: skip
    return live(
        row, is_newest=is_newest, is_held=is_held, is_matrix_in_force=is_matrix_in_force, releases=releases, at=at
    )


def test_a_signed_version_is_releasable_from_the_promised_hour_on() -> None:
    row = version(state=State.SIGNED)
    assert lived(row, at=HOUR - timedelta(seconds=1)) is Life.SIGNED
    assert lived(row) is Life.RELEASABLE
    assert lived(row, releases=1) is Life.RELEASED


def test_each_lock_alone_keeps_a_signed_version_back() -> None:
    row = version(state=State.SIGNED)
    assert lived(row, is_newest=False) is Life.SIGNED
    assert lived(row, is_held=True) is Life.SIGNED
    assert lived(row, is_matrix_in_force=False) is Life.SIGNED
    row.is_known = False
    assert lived(row, releases=1) is Life.SIGNED
    row = version(state=State.SIGNED)
    row.not_before = None
    assert lived(row) is Life.SIGNED


@pytest.mark.parametrize("state", [State.RECEIVED, State.SEALED, State.WITHDRAWN])
def test_nothing_but_a_signed_version_is_ever_releasable(state: State) -> None:
    assert lived(version(state=state), releases=3).value == state.value
