"""What goes wrong at a desk ends as the one refusal, costs no one else anything, and leaves the slip usable."""

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, select

from kiosk.exams.catalogue import ReleaseClass
from kiosk.presence.roles import grant_role, grants_of, propose_role, roles_of
from kiosk.presence.withdrawing import ask_end
from kiosk.register.database import open_sqlite
from kiosk.register.staff import Role
from results.matrix import in_force
from results.office.leaving import keep_endings, let_go
from results.reports.versions import reports_of
from results.trust.standing import enter
from results.vault import attempts
from results.vault.attempts import CodeDesk
from results.vault.counters import Attempt
from results.vault.dossiers import LineState
from results.vault.keys import BiologistKeys
from results.vault.releases import ReleaseAct
from results.vault.sealing import sign, verifier_of
from results.vault.slips import IssuedSlip, lines_of
from results.vault.wraps import stretch_code
from tests.results.safety.laboratory import Laboratory, exam_of, found, result


@pytest.fixture
def lab(sqlite_folder: Path, at: datetime) -> Iterator[Laboratory]:
    database = open_sqlite(sqlite_folder / "register.sqlite", sqlite_folder / "results.sqlite")

    @event.listens_for(database.writing_engines["results"], "connect")
    def impatient(connection: Any, _: Any) -> None:
        connection.execute("PRAGMA busy_timeout=20")

    yield found(database, sqlite_folder.parent / "keys", at=at, chance=random.Random(11).randbytes)
    database.close()


def ready(lab: Laboratory) -> IssuedSlip:
    """A slip whose confidential result may be told."""
    visit, name = lab.register(ReleaseClass.C2)
    dossier_id = lab.dossier(visit).id
    slip = lab.issue(dossier_id)
    lab.receive(result(name, exam_of(ReleaseClass.C2), value="négatif", number=name, said="20261121080000"))
    with lab.database.reading() as db:
        (report,) = reports_of(db, dossier_id)
    lab.sign(report.id)
    return slip


def states(lab: Laboratory, slip: IssuedSlip) -> list[LineState]:
    with lab.database.reading() as db:
        return [line.state for line in lines_of(db, slip.slip_id)]


def acts(lab: Laboratory) -> int:
    with lab.database.reading() as db:
        return len(db.scalars(select(ReleaseAct)).all())


def test_the_code_of_another_slip_opens_neither(lab: Laboratory) -> None:
    mine, foreign = ready(lab), ready(lab)
    lab.at += timedelta(hours=2)
    call = lab.opens_call(mine.handle)
    assert lab.says(lab.said(mine, 1, call_id=call, code15=foreign.codes[0][:15])) == attempts.REFUSED
    assert states(lab, mine) == states(lab, foreign) == [LineState.READY] * 4
    with lab.database.reading() as db:
        assert {row.slip_id for row in db.scalars(select(Attempt))} == {mine.slip_id}
    assert lab.says(lab.said(foreign, 1, call_id=lab.opens_call(foreign.handle))).bodies


def test_a_database_that_is_locked_refuses_at_the_same_cost_and_opens_afterwards(
    lab: Laboratory, sqlite_folder: Path, kiln: list[str]
) -> None:
    slip = ready(lab)
    lab.at += timedelta(hours=2)
    call = lab.opens_call(slip.handle)
    with closing(sqlite3.connect(sqlite_folder / "results.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert lab.says(lab.said(slip, 1, call_id=call)) == attempts.REFUSED
        assert len(kiln) == 1
        other.execute("ROLLBACK")
    assert acts(lab) == 0
    assert lab.says(lab.said(slip, 1, call_id=call)).bodies
    assert acts(lab) == 1


def she_leaves(lab: Laboratory) -> None:
    """Dr Lenoir lets Nadia in as a biologist, who signs the end of her role."""
    nadia, seed = lab.id_of("nadia"), bytes(range(7, 39))
    enter(lab.keys, "nadia", verifier_of(seed), by=lab.lenoir, at=lab.at)
    with lab.writing() as db:
        grant = propose_role(db, nadia, Role.BIOLOGIST, by=None, power=lab.power, at=lab.at, chance=lab.chance)
        grant_role(
            db, grant, by=lab.id_of("lenoir"), sign=partial(sign, lab.lenoir.signer_seed), power=lab.power, at=lab.at,
            chance=lab.chance,
        )  # fmt: skip
    with lab.writing() as db:
        (hers,) = grants_of(db, lab.id_of("lenoir"), lab.power)
        ask_end(db, hers.id, by=lab.people["alex"], power=lab.power, at=lab.at, chance=lab.chance)
        let_go(
            db, lab.keys, hers.id, biologist=BiologistKeys(person="nadia", escrow={}, signer_seed=seed), by=nadia,
            power=lab.power, at=lab.at, chance=lab.chance,
        )  # fmt: skip
    with lab.database.reading() as db:
        keep_endings(db, lab.keys, lab.power)
        assert roles_of(db, lab.id_of("lenoir"), lab.power) == frozenset()


def test_what_a_biologist_signed_is_told_after_she_left_and_not_without_her_key(lab: Laboratory) -> None:
    slip = ready(lab)
    lab.at += timedelta(hours=2)
    she_leaves(lab)
    assert lab.says(lab.said(slip, 1, call_id=lab.opens_call(slip.handle))).bodies
    lab.keys = replace(lab.keys, signers={})
    lab.desk = CodeDesk(lab.writing, lab.keys, lab.chance)
    call = lab.opens_call(slip.handle)
    assert lab.line_asked(call) is None
    assert lab.says(lab.said(slip, 2, call_id=call)) == attempts.REFUSED
    with lab.database.reading() as db:
        assert in_force(db, lab.keys, lab.at) is None
    assert acts(lab) == 1


def test_a_second_form_that_is_sent_while_the_first_is_under_way_is_neither_tried_nor_counted(
    lab: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    slip = ready(lab)
    lab.at += timedelta(hours=2)
    said, answers = lab.said(slip, 1), []

    def meanwhile(*of: Any, **more: Any) -> bytes:
        monkeypatch.setattr(attempts, "stretch_code", stretch_code)
        answers.append(lab.desk.try_code(lab.said(slip, 1), lab.judge(), at=lab.at))
        return stretch_code(*of, **more)

    monkeypatch.setattr(attempts, "stretch_code", meanwhile)
    assert lab.desk.try_code(said, lab.judge(), at=lab.at).bodies
    assert answers == [attempts.REFUSED]
    with lab.database.reading() as db:
        assert len(db.scalars(select(Attempt)).all()) == 1
