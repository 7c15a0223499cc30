"""Of all who say one code at the same instant one is told; one form is one attempt, however often it is sent."""

import random
import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.database import Database
from kiosk.register.journal import ResultsText, verify
from kiosk.register.visits import Visit
from results.reports.versions import reports_of
from results.vault import attempts
from results.vault.attempts import Answer, Said
from results.vault.counters import Attempt, AttemptState
from results.vault.releases import ReleaseAct
from results.vault.slips import IssuedSlip
from tests.results.safety.laboratory import Laboratory, exam_of, found, result
from tests.thorough import far

THREADS, ROUNDS = 50, far(3, 200)
LINES = 4


@pytest.fixture
def turn_s() -> float:
    """A minute for a turn: what is asked here is who is told, not how long a loaded machine takes."""
    return 60.0


class Crowd:
    """A laboratory with one confidential result that is ready, and many who hold the same slip."""

    def __init__(self, lab: Laboratory) -> None:
        self.lab = lab
        self.visit: Visit
        self.visit, name = lab.register(ReleaseClass.C2)
        self.dossier_id = lab.dossier(self.visit).id
        lab.receive(result(name, exam_of(ReleaseClass.C2), value="négatif", number="R1", said="20261121080000"))
        with lab.database.reading() as db:
            (report,) = reports_of(db, self.dossier_id)
        lab.sign(report.id)
        lab.at += timedelta(hours=2)

    def slip(self) -> IssuedSlip:
        return self.lab.issue(self.dossier_id, agreed=True)

    def count(self, kind: Any, *of: Any) -> int:
        with self.lab.database.reading() as db:
            return db.scalar(select(func.count()).select_from(kind).where(*of)) or 0

    def at_once(self, forms: list[Said]) -> list[Answer]:
        """Everybody sends a form at the same instant."""
        gate, answers = threading.Barrier(len(forms)), []

        def go(said: Said) -> None:
            gate.wait()
            answers.append(self.lab.desk.try_code(said, self.lab.judge(), at=self.lab.at))

        threads = [threading.Thread(target=go, args=(said,)) for said in forms]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return answers


@pytest.fixture
def crowd(database: Database, tmp_path: Path, at: datetime, monkeypatch: pytest.MonkeyPatch) -> Crowd:
    monkeypatch.setattr(attempts, "_KDF_WAIT_SECONDS", 60.0)
    monkeypatch.setattr(attempts, "_ANSWER_WAIT_SECONDS", 60.0)
    chance: Callable[[int], bytes] = random.Random(50).randbytes
    return Crowd(found(database, tmp_path / "keys", at=at, chance=chance))


@pytest.mark.timeout(far(180, 1_800))
def test_of_fifty_with_one_code_exactly_one_is_told(crowd: Crowd) -> None:
    slip = crowd.slip()
    for number in range(ROUNDS):
        line = 1 + number % LINES
        if number and line == 1:
            slip = crowd.slip()
        answers = crowd.at_once([crowd.lab.said(slip, line) for _ in range(THREADS)])
        assert len(answers) == THREADS
        told = [answer for answer in answers if answer.bodies]
        assert len(told) == 1
        assert all(answer == attempts.REFUSED for answer in answers if answer is not told[0])
        assert crowd.count(ReleaseAct) == number + 1
    assert crowd.count(Attempt, Attempt.state == AttemptState.RELEASED) == ROUNDS
    assert crowd.count(ResultsText, ResultsText.text.contains('"release.told"')) == ROUNDS
    with crowd.lab.database.reading() as db:
        assert verify(db, "results").sound


def test_control_a_line_that_does_not_end_tells_twice(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "end_line", lambda *_, **__: None)
    slip = crowd.slip()
    for _ in range(2):
        crowd.at_once([crowd.lab.said(slip, 1) for _ in range(4)])
    assert crowd.count(ReleaseAct) > 1


def test_one_form_sent_fifty_times_at_once_and_later_is_one_attempt_with_one_answer(crowd: Crowd) -> None:
    said = crowd.lab.said(crowd.slip(), 1)
    answers = crowd.at_once([said] * THREADS)
    assert len({id(answer) for answer in answers}) == 1
    assert answers[0].bodies
    for seconds, is_kept in ((1, True), (120, True), (121, False), (130, False)):
        again = crowd.lab.desk.try_code(said, crowd.lab.judge(), at=crowd.lab.at + timedelta(seconds=seconds))
        assert again is answers[0] if is_kept else again == attempts.REFUSED
    assert crowd.count(Attempt) == crowd.count(ReleaseAct) == 1
