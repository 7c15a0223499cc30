"""Killed at any instant, a desk has told nothing that the journal does not know, and no code opens twice."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from kiosk.register.journal import ResultsText, verify
from results.callers.calls import PhoneCall, State, expire_calls
from results.handing.hand_over_record import HandOver
from results.vault.counters import STALE, Attempt, AttemptState
from results.vault.dossiers import CodeLine, LineState, Slip, SlipState
from results.vault.releases import ReleaseAct
from tests.results.safety.dying_desk import HANDED, ISSUED, SAYS, held_by, opened
from tests.results.safety.laboratory import Laboratory
from tests.results.safety.walk import founded
from tests.thorough import THOROUGH

HOUSE = Path(__file__).resolve().parents[3]
#: At least so many points, spread over all that there are.
POINTS = 26

pytestmark = pytest.mark.timeout(600 if THOROUGH else 180)


class Dying:
    """The programme that forks a desk for each line."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.results.safety.dying_desk"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HOUSE)

    def live(self, folder: Path, point: int) -> int:
        """Let a desk live in a folder until a point; 0 never comes. Its exit code."""
        folder.mkdir(exist_ok=True)
        said, heard = self.process.stdin, self.process.stdout
        assert said is not None
        assert heard is not None
        said.write(json.dumps([str(folder), point]) + "\n")
        said.flush()
        return int(heard.readline())


@pytest.fixture(scope="module")
def dying() -> Iterator[Dying]:
    made = Dying()
    yield made
    made.process.communicate()


def shown(folder: Path) -> dict[str, str]:
    """What the desk has shown before it died."""
    path = folder / "shown"
    lines = path.read_text().splitlines() if path.exists() else []
    return dict(line.split(" ", 1) for line in lines)


def count(lab: Laboratory, kind: type, *of: object) -> int:
    with lab.database.reading() as db:
        return db.scalar(select(func.count()).select_from(kind).where(*of)) or 0  # type: ignore[arg-type]


def check(folder: Path) -> None:
    """What must hold of the files that a killed desk has left, and after the programme has started anew."""
    lab, told = opened(folder, is_new=False), shown(folder)
    _, _, files = founded()
    said, handed, issued = files[SAYS], files[HANDED], files[ISSUED]
    try:
        with lab.database.reading() as db:
            assert verify(db, "results").sound
        acts = count(lab, ReleaseAct)
        assert acts == count(lab, ResultsText, ResultsText.text.contains('"release.told"'))
        by_code = count(lab, ReleaseAct, ReleaseAct.dossier_id == said.id)
        on_paper = count(lab, ReleaseAct, ReleaseAct.dossier_id == handed.id)
        # What was shown was committed before.
        assert by_code >= (told.get("code") == "released")
        assert on_paper >= (told.get("paper") == "True")
        assert on_paper == count(lab, HandOver)
        assert by_code == count(lab, Attempt, Attempt.state == AttemptState.RELEASED)
        assert by_code == count(lab, CodeLine, CodeLine.state == LineState.USED)
        slips = count(lab, Slip, Slip.dossier_id == issued.id, Slip.state != SlipState.VOID)
        assert slips == 1
        # The programme starts anew, thirty seconds later: what never ended has failed, and the slip opens again.
        lab.at += STALE
        lab.desk.sweep(lab.site().id, at=lab.at)
        assert count(lab, Attempt, Attempt.state == AttemptState.PENDING) == 0
        again = [lab.desk.try_code(lab.said(held_by(SAYS), 1), lab.judge(), at=lab.at) for _ in range(2)]
        assert [bool(answer.bodies) for answer in again] == ([False, False] if by_code else [True, False])
        assert count(lab, ReleaseAct, ReleaseAct.dossier_id == said.id) == 1
        # Ten minutes later no call stands open.
        lab.at += timedelta(minutes=10)
        with lab.writing() as db:
            expire_calls(db, lab.site().id, at=lab.at, chance=lab.chance)
        assert count(lab, PhoneCall, PhoneCall.state != State.CLOSED) == 0
        with lab.database.reading() as db:
            assert verify(db, "results").sound
    finally:
        lab.database.close()


def test_killed_at_any_point_nothing_is_told_unseen_and_no_code_opens_twice(dying: Dying, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    assert dying.live(whole, 0) == 0
    assert shown(whole) == {"code": "released", "paper": "True", "slip": "4"}
    check(whole)
    names = (whole / "points").read_text().splitlines()
    assert len(names) >= 25
    step = 1 if THOROUGH else max(1, len(names) // POINTS)
    points = range(1, len(names) + 1, step)
    assert len(points) >= 25
    for point in points:
        folder = tmp_path / str(point)
        assert dying.live(folder, point) == -9, names[point - 1]
        check(folder)


def test_control_a_release_without_its_entry_and_a_line_that_came_back_are_seen(dying: Dying, tmp_path: Path) -> None:
    for number, harm in enumerate(
        (
            "DELETE FROM results.journal_text WHERE text LIKE '%release.told%'",
            "UPDATE results.code_line SET state = 'ready', salt = zeroblob(16), wrap = zeroblob(74)",
            "UPDATE results.attempt SET state = 'refused'",
        )
    ):
        folder = tmp_path / str(number)
        assert dying.live(folder, 0) == 0
        lab = opened(folder, is_new=False)
        with lab.writing() as db:
            db.execute(text(harm))
        lab.database.close()
        with pytest.raises(AssertionError):
            check(folder)
