"""The life of a report and its codes, walked at random: whatever comes after what, nothing is told that may not be."""

from collections import Counter
from datetime import datetime, timedelta
from types import ModuleType
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import (
    invariant,
    run_state_machine_as_test,
)
from sqlalchemy import false

from results import weighing
from results.reports.versions import live
from results.vault import counters, releases
from tests.results.safety.keeping import Kept
from tests.results.safety.walk import founded

pytestmark = pytest.mark.long

#: How far the walk goes: ten parts, each with a chance of its own, 30,000 steps in all.
PARTS, WALKS, STEPS = 10, 50, 60
#: The sizes that a sealed body may have: form byte, nonce and tag on top of its bucket.
_OVERHEAD = 1 + 24 + 16
_SMALL = {1 << power for power in range(10, 20)}
_BUCKETS = {65_536, 262_144}


class LifeOfAReport(Kept):
    """The walk, and what holds after each of its steps; read with sqlite3 alone, past every rule of the house."""

    @invariant()
    def nothing_is_told_without_a_journal_entry(self) -> None:
        texts = "".join(
            row[0] for row in self.rows("SELECT text FROM journal_text WHERE text LIKE '%\"release.told\"%'")
        )
        acts = [UUID(row[0]) for row in self.rows("SELECT id FROM release_act")]
        assert texts.count('"release.told"') == len(acts)
        assert all(str(act) in texts or act.hex in texts for act in acts)

    @invariant()
    def the_journal_is_without_a_gap(self) -> None:
        leaves, last = self.rows("SELECT count(*), coalesce(max(seq), -1) FROM journal_leaf")[0]
        assert leaves == last + 1 == self.one("SELECT size FROM journal_head") == self.count("journal_text")

    @invariant()
    def every_refusal_is_in_the_journal(self) -> None:
        for state in ("refused", "failed"):
            entries = self.one("SELECT count(*) FROM journal_text WHERE text LIKE ?", f'%"attempt.{state}"%')
            assert entries == self.one("SELECT count(*) FROM attempt WHERE state = ?", state)

    @invariant()
    def no_code_opens_twice(self) -> None:
        opened = (
            "SELECT 1 FROM attempt WHERE state IN ('released', 'verified') GROUP BY slip_id, line HAVING count(*) > 1"
        )
        assert not self.rows(opened)

    @invariant()
    def what_was_told_by_a_code_was_answered_once(self) -> None:
        released = self.one("SELECT count(*) FROM attempt WHERE state = 'released'")
        assert released == self.told
        proofs = "SELECT count(DISTINCT attempt_id) FROM release_act WHERE call_id IS {} NULL"
        assert (self.one(proofs.format("")), self.one(proofs.format("NOT"))) == (self.told, self.answered)

    @invariant()
    def a_line_that_ended_keeps_nothing(self) -> None:
        assert not self.rows(
            "SELECT 1 FROM code_line WHERE (state = 'ready') != (wrap IS NOT NULL AND salt IS NOT NULL)"
        )

    @invariant()
    def a_void_slip_has_no_line(self) -> None:
        assert not self.rows(
            "SELECT 1 FROM code_line JOIN slip ON slip.id = slip_id"
            " WHERE code_line.state = 'ready' AND slip.state = 'void'"
        )

    @invariant()
    def a_dossier_has_one_slip(self) -> None:
        assert not self.rows("SELECT 1 FROM slip WHERE state != 'void' GROUP BY dossier_id HAVING count(*) > 1")

    @invariant()
    def a_slip_has_one_attempt_under_way(self) -> None:
        assert not self.rows("SELECT 1 FROM attempt WHERE state = 'pending' GROUP BY slip_id HAVING count(*) > 1")

    @invariant()
    def what_was_just_told_was_signed_ripe_newest_and_not_held(self) -> None:
        for act, report, version, at in self.rows("SELECT id, report_id, version, at FROM release_act"):
            if act in self.seen:
                continue
            self.seen.add(act)
            row = self.rows(
                "SELECT state, not_before <= ?, is_known, signature IS NOT NULL FROM report_version"
                " WHERE report_id = ? AND version = ?", at, report, version,
            )  # fmt: skip
            assert row == [("signed", 1, 1, 1)]
            newer = "SELECT count(*) FROM report_version WHERE report_id = ? AND version > ? AND state != 'withdrawn'"
            assert self.one(newer, report, version) == 0
            assert self.one("SELECT count(*) FROM report_hold WHERE report_id = ? AND lifted_at IS NULL", report) == 0

    @invariant()
    def the_telephone_keeps_its_limits(self) -> None:
        failed = (
            "SELECT slip_id, line FROM attempt WHERE way = 'phone' AND is_tested AND state IN ('refused', 'failed')"
        )
        tries = self.rows(failed)
        assert all(many <= 3 for many in Counter(tries).values())
        assert all(many <= 10 for many in Counter(slip for slip, _ in tries).values())
        assert not self.rows("SELECT 1 FROM attempt WHERE is_tested GROUP BY call_id HAVING count(*) > 3")

    @invariant()
    def a_person_has_one_call_on_the_line(self) -> None:
        waiting = "'asked', 'closed', 'verified'"
        live = f"SELECT 1 FROM phone_call WHERE state NOT IN ({waiting}) GROUP BY by HAVING count(*) > 1"  # noqa: S608
        assert not self.rows(live)

    @invariant()
    def what_has_ended_stays_ended(self) -> None:
        now = set(
            self.rows(
                "SELECT 'line', slip_id, line FROM code_line WHERE state != 'ready'"
                " UNION ALL SELECT 'slip', id, '' FROM slip WHERE state = 'void'"
                " UNION ALL SELECT 'version', report_id, version FROM report_version WHERE state = 'withdrawn'"
                " UNION ALL SELECT 'call', id, outcome FROM phone_call WHERE state = 'closed'"
                " UNION ALL SELECT 'attempt', id, state FROM attempt WHERE state != 'pending'"
            )
        )
        assert self.ended <= now
        self.ended = now

    @invariant()
    def what_is_confidential_is_sealed_to_its_dossier_alone(self) -> None:
        assert not self.rows(
            "SELECT 1 FROM sealed_key AS copy JOIN report_version AS body"
            " ON item = report_id AND copy.version = body.version"
            " WHERE release_class >= 'C2' AND recipient != 'dossier'"
        )
        sizes = self.rows("SELECT release_class, length(body) FROM report_version WHERE length(body) > 0")
        assert all((size - _OVERHEAD) in (_BUCKETS if one >= "C2" else _SMALL) for one, size in sizes)

    @invariant()
    def every_dossier_can_be_opened_by_the_biologists(self) -> None:
        assert self.count("escrow_share") == len(self.files)
        assert self.count("dossier") == len(self.files) + len(self.gone)

    @invariant()
    def slips_and_lines_are_as_the_note_says(self) -> None:
        states = {UUID(one): state for one, state in self.rows("SELECT id, state FROM slip")}
        papers = [slip for one in (*self.files, *self.gone) for slip in one.slips]
        assert states == {one.id: one.state for one in papers}
        used = {
            (UUID(one), line) for one, line in self.rows("SELECT slip_id, line FROM code_line WHERE state = 'used'")
        }
        assert used == {(one.id, line) for one in papers if not one.is_purged for line in one.spent}

    @invariant()
    def versions_are_as_the_note_says(self) -> None:
        rows = self.rows("SELECT report_id, state, is_known FROM report_version ORDER BY report_id, version")
        kept = sorted((report for one in (*self.files, *self.gone) for report in one.reports), key=lambda one: one.id)
        assert [(UUID(one), *rest) for one, *rest in rows] == [
            (report.id, version.state, version.is_known) for report in kept for version in report.versions
        ]

    @invariant()
    def attempts_are_as_the_note_says(self) -> None:
        rows = dict(self.rows("SELECT key, state || is_tested FROM attempt"))
        assert rows == {one.key: f"{one.state}{int(one.is_tested)}" for one in self.expected.tries}

    @invariant()
    def calls_are_as_the_note_says(self) -> None:
        states = {UUID(one): state for one, state in self.rows("SELECT id, state FROM phone_call")}
        assert states == {one.id: one.state for one in self.expected.calls}


def walk(walks: int = WALKS, *, part: int = 0) -> None:
    run_state_machine_as_test(
        seed(part)(type(f"Part{part}", (LifeOfAReport,), {})),
        settings=settings(
            max_examples=walks, stateful_step_count=STEPS, database=None, deadline=None, phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck), print_blob=False, report_multiple_bugs=False,
        ),
    )  # fmt: skip


def marked(mark: str) -> int:
    """How many methods of the walk carry a mark."""
    return sum(hasattr(getattr(LifeOfAReport, name), f"hypothesis_stateful_{mark}") for name in dir(LifeOfAReport))


def test_the_walk_knows_every_act_and_looks_at_every_promise() -> None:
    assert marked("rule") >= 18
    assert marked("invariant") >= 12


@pytest.mark.timeout(900)
@pytest.mark.parametrize("part", range(PARTS))
def test_whatever_comes_after_what_nothing_is_told_that_may_not_be(part: int) -> None:
    walk(part=part)


def _later(*of: Any, at: datetime, **more: Any) -> Any:
    return live(*of, at=at + timedelta(days=1), **more)


#: Each protection, and what stands in its place: the walk must find every one of them gone.
CONTROLS: dict[str, tuple[ModuleType, str, Any]] = {
    "a release leaves no entry": (releases, "write", lambda *_, **__: None),
    "the hour is not waited for": (weighing, "live", _later),
    "a stop of releases is not asked": (weighing, "is_stopped", lambda *_: False),
    "failures are not counted": (counters, "_failed", lambda *_: (false(),)),
}


@pytest.mark.parametrize("gone", CONTROLS)
def test_control_without_it_the_walk_finds_the_hole(gone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    founded()  # as it should be
    monkeypatch.setattr(*CONTROLS[gone])
    with pytest.raises(AssertionError):
        walk(60)
