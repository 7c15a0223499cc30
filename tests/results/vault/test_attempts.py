"""A code is counted first, opens once, and nobody can tell one refusal from another."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.database import Database, uuid7
from kiosk.register.journal import ResultsText, verify
from results.reports.versions import ReportVersion
from results.vault import attempts as attempts_module
from results.vault.attempts import REMEMBERED, Answer, CodeDesk, Refused, Said
from results.vault.counters import (
    DESK_PAUSE,
    DESK_REFUSALS,
    LAB_HOUR,
    SLIP_FAILURES,
    STALE,
    WAITS,
    Attempt,
    AttemptState,
    PhoneClosure,
    Shut,
    Standing,
    Way,
    is_closed,
    is_too_much,
    reopen,
    standing,
)
from results.vault.dossiers import CodeLine, Dossier, LineState, Slip, SlipState
from results.vault.envelopes import Body
from results.vault.releases import Course, ReleaseAct, Weighed
from results.vault.slips import IssuedSlip, end_line, lines_of, void_slip
from tests.results.vault.cast import CONTENT, SOPHIE, House, PlainRule, make_house

C0, C3 = ReleaseClass.C0, ReleaseClass.C3
NADIA = UUID(int=0x9A)


class Desk:
    """A desk with one slip whose results are ready."""

    def __init__(self, house: House, release_class: ReleaseClass = C3) -> None:
        self.house = house
        self.dossier_id = house.open_dossier(release_class)
        self.slip: IssuedSlip = house.issue(self.dossier_id)
        self.report_id = house.report(self.dossier_id, release_class)
        self.rule = PlainRule(house=house, items=((self.report_id, 1),), settled=[])
        self.codes = CodeDesk(self.opening, house.keys, house.chance)
        self.at = house.at

    def opening(self) -> AbstractContextManager[Session]:
        return self.house.database.transaction(writes="results")

    def says(self, line: int = 1, **other: object) -> Said:
        return self.house.said(self.slip, line, **other)

    def tries(self, said: Said | None = None, *, after: timedelta = timedelta(0)) -> Answer:
        self.at += after
        return self.codes.try_code(said or self.says(), self.rule, at=self.at)

    def wrong(self, *, line: int = 1, by: UUID = SOPHIE) -> Answer:
        """A wrong code after every wait is over."""
        return self.tries(self.says(line, code15="000000000000000", by=by), after=timedelta(hours=2))

    def rows(self) -> list[Attempt]:
        with self.house.database.reading() as db:
            return list(db.scalars(select(Attempt).order_by(Attempt.at, Attempt.id)))

    def acts(self) -> list[ReleaseAct]:
        with self.house.database.reading() as db:
            return list(db.scalars(select(ReleaseAct)))

    def line(self, number: int = 1) -> CodeLine:
        with self.house.database.reading() as db:
            return lines_of(db, self.slip.slip_id)[number - 1]

    def stands(self, *, way: Way = Way.PHONE, by: UUID = SOPHIE, call_id: UUID | None = None) -> Standing:
        with self.house.database.reading() as db:
            return standing(
                db, db.get(Slip, self.slip.slip_id), site_id=self.house.site_id, way=way,
                call_id=call_id or UUID(int=1), by=by, at=self.at,
            )  # fmt: skip


@pytest.fixture
def desk(database: Database, tmp_path: Path, chance: Callable[[int], bytes], at: datetime) -> Desk:
    return Desk(make_house(database, tmp_path / "keys", chance, at))


def test_the_right_code_tells_once_and_its_wrap_is_gone(desk: Desk) -> None:
    answer = desk.tries()
    assert answer.state is AttemptState.RELEASED
    assert [body.content for body in answer.bodies] == [CONTENT]
    line = desk.line()
    assert (line.state, line.wrap, line.salt) == (LineState.USED, None, None)
    assert [(act.report_id, act.version, act.channel) for act in desk.acts()] == [(desk.report_id, 1, "phone")]
    assert desk.tries().is_refused
    assert len(desk.acts()) == 1
    assert desk.rule.settled[0].state is AttemptState.RELEASED


def test_the_next_line_tells_again(desk: Desk) -> None:
    assert not desk.tries().is_refused
    assert desk.stands() == Standing(line=2)
    assert not desk.tries(desk.says(2)).is_refused
    assert len(desk.acts()) == 2


def test_an_ordinary_result_needs_the_code_all_the_same(
    database: Database, tmp_path: Path, chance: Callable[[int], bytes], at: datetime
) -> None:
    desk = Desk(make_house(database, tmp_path / "keys", chance, at), C0)
    assert desk.tries(desk.says(pin="7306")).is_refused
    assert desk.tries().bodies[0].content == CONTENT


@pytest.mark.parametrize(
    "other",
    [{"code15": "123456789012345"}, {"pin": "7306"}, {"pin": ""}, {"birth_date": "19540608"}, {"line": 2}, {"line": 9}],
    ids=repr,
)
def test_every_refusal_is_the_same_and_costs_the_same(desk: Desk, kiln: list[str], other: dict[str, Any]) -> None:
    answer = desk.tries(replace(desk.says(), **other))
    assert answer == attempts_module.REFUSED
    assert len(kiln) == 1
    assert not desk.acts()


def _wears_out(desk: Desk) -> None:
    for _ in range(3):
        desk.wrong()


def _changes_its_mind(desk: Desk) -> None:
    desk.rule.course = Course.NOT_NOW


@pytest.mark.parametrize(
    ("other", "before"),
    [
        ({"code15": "123456789012345"}, None),
        ({"pin": "7306"}, None),
        ({"line": 2}, None),
        ({"line": 9}, None),
        ({"birth_date": "19540608"}, None),
        ({}, Desk.tries),  # the line is spent
        ({}, _wears_out),  # too soon
        ({}, _changes_its_mind),
    ],
    ids=["code", "pin", "other line", "no such line", "birth date", "spent line", "too soon", "changed"],
)
def test_every_refusal_asks_the_same_whatever_its_cause(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, other: dict[str, Any], before: Callable[[Desk], Any] | None
) -> None:
    if before is not None:
        before(desk)
    asked = Counter[str]()

    def counts(name: str, ask: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*of: Any, **more: Any) -> Any:
            asked[name] += 1
            return ask(*of, **more)

        return counted

    for name in ("trusted_dossier", "check_of_birth_date", "is_too_much", "stretch_code", "unwrap_key", "write"):
        monkeypatch.setattr(attempts_module, name, counts(name, getattr(attempts_module, name)))
    for name in ("weigh", "open"):
        monkeypatch.setattr(desk.rule, name, counts(name, getattr(desk.rule, name)))
    monkeypatch.setattr(desk.codes, "_open", counts("transaction", desk.opening))
    assert desk.tries(replace(desk.says(), **other)) == attempts_module.REFUSED
    assert asked == {
        "transaction": 2, "stretch_code": 1, "trusted_dossier": 2, "check_of_birth_date": 2, "weigh": 2,
        "is_too_much": 1, "unwrap_key": 1, "write": 1,
    }  # fmt: skip  # and nothing was opened


def test_a_refusal_without_a_slip_costs_the_same(desk: Desk, kiln: list[str]) -> None:
    assert desk.tries(desk.says(slip_id=UUID(int=9))) == attempts_module.REFUSED
    with desk.opening() as db:
        void_slip(db, desk.slip.slip_id, by=SOPHIE, at=desk.at, chance=desk.house.chance)
    assert desk.tries() == attempts_module.REFUSED
    assert len(kiln) == 2


def test_a_wrong_pin_does_not_burn_the_line_and_a_right_code_with_a_wrong_birth_date_does(desk: Desk) -> None:
    desk.tries(desk.says(pin="7306"))
    assert desk.line().state is LineState.READY
    desk.tries(desk.says(birth_date="19540608"))
    assert desk.line().state is LineState.USED
    assert [row.why for row in desk.rows()] == [Refused.CODE.value, Refused.BIRTH_DATE.value]
    assert not desk.acts()


def test_the_biologists_route_spends_the_line_and_tells_nothing(desk: Desk) -> None:
    desk.rule.course = Course.BIOLOGIST
    answer = desk.tries()
    assert (answer.state, answer.bodies) == (AttemptState.VERIFIED, ())
    assert desk.line().state is LineState.USED
    assert not desk.acts()
    assert desk.rule.settled == [answer]


def test_a_rule_that_says_not_now_tells_nothing_and_the_line_is_spent(desk: Desk) -> None:
    desk.rule.course = Course.NOT_NOW
    assert desk.tries().is_refused
    assert desk.line().state is LineState.USED
    assert not desk.acts()


def test_a_state_that_changed_between_both_looks_tells_nothing(desk: Desk) -> None:
    class Turning(PlainRule):
        def weigh(self, db: Session, dossier_id: UUID, *, at: Any) -> Any:
            weighed = super().weigh(db, dossier_id, at=at)
            self.course = Course.BIOLOGIST
            return weighed

    desk.rule = Turning(house=desk.house, items=desk.rule.items, settled=[])
    assert desk.tries().is_refused
    assert desk.rows()[0].why == Refused.CHANGED.value
    assert not desk.acts()


@pytest.mark.parametrize("meddle", ["failed meanwhile", "slip void", "line used", "signed anew"])
def test_what_changes_while_the_code_is_looked_at_tells_nothing(desk: Desk, meddle: str) -> None:
    slip_id = desk.slip.slip_id
    changes: dict[str, Callable[[Session], Any]] = {
        "slip void": lambda db: db.execute(update(Slip).where(Slip.id == slip_id).values(state=SlipState.VOID)),
        "line used": lambda db: end_line(lines_of(db, slip_id)[0], LineState.USED, at=desk.at),
        "signed anew": lambda db: db.execute(update(Dossier).values(expected="C4")),
    }

    class Meddled(PlainRule):
        def open(self, weighed: Weighed, private: bytes) -> tuple[Body, ...]:
            bodies = super().open(weighed, private)
            if meddle == "failed meanwhile":
                desk.codes.sweep(desk.house.site_id, at=desk.at + STALE)
            else:
                with desk.opening() as db:
                    changes[meddle](db)
            return bodies

    desk.rule = Meddled(house=desk.house, items=desk.rule.items, settled=[])
    assert desk.tries() == attempts_module.REFUSED
    assert not desk.acts()


def test_a_report_whose_signature_does_not_hold_is_not_told(desk: Desk) -> None:
    with desk.opening() as db:
        db.execute(update(ReportVersion).values(signature=bytes(64)))
    assert desk.tries().is_refused
    assert desk.rows()[0].why == Refused.SEALED.value


def test_a_dossier_whose_key_was_swapped_is_not_told(desk: Desk) -> None:
    with desk.opening() as db:
        db.execute(update(Dossier).values(public=bytes(32)))
    assert desk.tries().is_refused


def test_without_the_pepper_nothing_opens(desk: Desk) -> None:
    without = replace(desk.house.keys, pepper={1: bytes(32)})
    desk.codes = CodeDesk(desk.opening, without, desk.house.chance)
    assert desk.tries().is_refused
    gone = replace(desk.house.keys, pepper={2: desk.house.keys.pepper[1]})
    desk.codes = CodeDesk(desk.opening, gone, desk.house.chance)
    assert desk.tries().is_refused
    assert not desk.acts()


def test_the_attempt_is_written_before_the_code_is_looked_at(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[AttemptState] = []

    def look(*_: Any, **__: Any) -> bytes:
        seen.extend(row.state for row in desk.rows())
        raise MemoryError

    monkeypatch.setattr(attempts_module, "stretch_code", look)
    assert desk.tries().is_refused
    assert seen == [AttemptState.PENDING]


@pytest.mark.parametrize("broken", [1, 2], ids=["first transaction", "second transaction"])
def test_when_it_cannot_be_written_it_is_refused(desk: Desk, broken: int, caplog: pytest.LogCaptureFixture) -> None:
    opened = 0

    @contextmanager
    def opening() -> Iterator[Session]:
        nonlocal opened
        opened += 1
        with desk.opening() as db:
            yield db
            if opened == broken:
                raise OSError("disk full")

    desk.codes = CodeDesk(opening, desk.house.keys, desk.house.chance)
    said = desk.says()
    assert desk.tries(said) == attempts_module.REFUSED
    assert not desk.acts()
    assert desk.line().state is LineState.READY
    assert said.code15 not in caplog.text
    assert "OSError" in caplog.text


def test_an_attempt_that_never_ended_counts_as_failed_after_thirty_seconds(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(attempts_module, "stretch_code", lambda *_, **__: 1 / 0)
        desk.tries()
    caplog.clear()
    assert desk.tries(after=timedelta(seconds=1)).is_refused  # overlapping: untested, uncounted
    assert not caplog.records
    assert [row.state for row in desk.rows()] == [AttemptState.PENDING]
    answer = desk.tries(after=STALE)
    assert [row.state for row in desk.rows()] == [AttemptState.FAILED, AttemptState.RELEASED]
    assert not answer.is_refused


def test_at_start_up_what_never_ended_is_failed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(attempts_module, "stretch_code", lambda *_, **__: 1 / 0)
        desk.tries()
    assert desk.codes.sweep(desk.house.site_id, at=desk.at) == 0
    assert desk.codes.sweep(desk.house.site_id, at=desk.at + STALE) == 1
    assert desk.rows()[0].state is AttemptState.FAILED


def test_the_same_form_gets_the_same_answer_for_120_seconds_and_one_attempt_is_counted(
    desk: Desk, kiln: list[str]
) -> None:
    said = desk.says()
    first = desk.tries(said)
    assert desk.tries(said, after=REMEMBERED) is first
    assert desk.tries(replace(said, call_id=UUID(int=4))).is_refused
    assert desk.tries(said, after=timedelta(seconds=1)).is_refused
    assert len(desk.rows()) == 1
    assert len(kiln) == 2
    assert len(desk.acts()) == 1


def test_a_result_does_not_stay_in_memory(desk: Desk) -> None:
    desk.tries()
    desk.codes.forget(at=desk.at + REMEMBERED)
    assert desk.codes._kept
    desk.codes.forget(at=desk.at + REMEMBERED + timedelta(seconds=1))
    assert not desk.codes._kept


def test_after_a_restart_the_same_form_is_refused(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    said = desk.says()
    assert not desk.tries(said).is_refused
    desk.codes = CodeDesk(desk.opening, desk.house.keys, desk.house.chance)
    assert desk.tries(said).is_refused
    assert not caplog.records
    assert len(desk.rows()) == 1


def _at_once(many: int, act: Callable[[int], Answer]) -> list[Answer]:
    gate, answers = threading.Barrier(many), []

    def go(number: int) -> None:
        gate.wait()
        answers.append(act(number))

    threads = [threading.Thread(target=go, args=(number,)) for number in range(many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_of_many_who_say_the_same_code_at_once_exactly_one_is_told(desk: Desk) -> None:
    for line in (1, 2):
        forms = [desk.says(line) for _ in range(20)]
        answers = _at_once(20, lambda number, forms=forms: desk.codes.try_code(forms[number], desk.rule, at=desk.at))  # type: ignore[misc]
        assert sum(not answer.is_refused for answer in answers) == 1
        assert len(desk.acts()) == line
    with desk.house.database.reading() as db:
        assert verify(db, "results").sound
        told = db.scalar(select(func.count()).where(ResultsText.text.contains('"release.told"')))
        assert told == 2


def test_the_same_form_sent_many_times_at_once_is_one_attempt_with_one_answer(desk: Desk) -> None:
    said = desk.says()
    answers = _at_once(20, lambda _: desk.codes.try_code(said, desk.rule, at=desk.at))
    assert {id(answer) for answer in answers} == {id(answers[0])}
    assert not answers[0].is_refused
    assert len(desk.rows()) == 1


def test_two_programmes_that_hold_the_same_form_tell_once(desk: Desk) -> None:
    desks = [CodeDesk(desk.opening, desk.house.keys, desk.house.chance) for _ in range(6)]
    said = desk.says()
    answers = _at_once(6, lambda number: desks[number].try_code(said, desk.rule, at=desk.at))
    assert sum(not answer.is_refused for answer in answers) == 1
    assert len(desk.rows()) == len(desk.acts()) == 1


def test_three_failures_close_a_line_and_ten_the_telephone_for_the_slip(desk: Desk) -> None:
    for failure in range(SLIP_FAILURES):
        asked = 1 + failure // 3
        desk.at += timedelta(hours=2)
        assert desk.stands() == Standing(line=asked)
        desk.wrong(line=asked)
    desk.at += timedelta(hours=2)
    assert desk.stands() == Standing(shut=Shut.SLIP)
    assert desk.tries(desk.says(4), after=timedelta(days=1)).is_refused
    assert desk.rows()[-1].is_tested is False
    assert desk.stands(way=Way.COUNTER) == Standing(line=1)
    assert not desk.tries(desk.says(1, way=Way.COUNTER)).is_refused


def test_the_waits_grow_and_no_code_is_asked_during_them(desk: Desk) -> None:
    for failure, wait in enumerate(WAITS, start=1):
        if failure > 1:
            desk.at += timedelta(hours=2)
        line = desk.stands().line or 0
        desk.tries(desk.says(line, code15="000000000000000"))
        if wait:
            desk.at += wait - timedelta(seconds=1)
            assert desk.stands() == Standing(shut=Shut.WAIT)
            assert desk.tries(desk.says(line)).is_refused
            desk.at += timedelta(seconds=1)
        assert desk.stands().shut is None
    assert not desk.acts()


def test_a_call_has_three_tries(desk: Desk) -> None:
    call = UUID(int=77)
    for _ in range(3):
        desk.tries(desk.says(call_id=call, code15="000000000000000"), after=timedelta(hours=2))
    desk.at += timedelta(hours=2)
    assert desk.stands(call_id=call) == Standing(shut=Shut.CALL)
    assert desk.stands().line == 2


def test_a_desk_with_twenty_refusals_pauses_and_another_goes_on(desk: Desk) -> None:
    _fill(desk, DESK_REFUSALS, by=SOPHIE)
    assert desk.stands() == Standing(shut=Shut.DESK)
    assert desk.stands(by=NADIA) == Standing(line=1)
    desk.at += DESK_PAUSE
    assert desk.stands() == Standing(line=1)


def test_a_laboratory_under_attack_closes_its_telephone_until_midnight_or_a_biologist(desk: Desk) -> None:
    _fill(desk, LAB_HOUR - 1, by=NADIA)
    with desk.house.database.reading() as db:
        assert not is_too_much(db, desk.house.site_id, desk.at)
    desk.tries(desk.says(code15="000000000000000"))
    assert desk.stands() == Standing(shut=Shut.LAB)
    assert desk.tries().is_refused
    desk.at += timedelta(hours=3)
    assert desk.stands() == Standing(shut=Shut.LAB)
    with desk.opening() as db:
        assert db.scalar(select(func.count()).select_from(PhoneClosure)) == 1
        reopen(db, desk.house.site_id, by=NADIA, at=desk.at)
    assert desk.stands() == Standing(line=1)
    with desk.house.database.reading() as db:
        assert not is_too_much(db, desk.house.site_id, desk.at)


def test_the_closure_ends_at_midnight(desk: Desk) -> None:
    _fill(desk, LAB_HOUR, by=NADIA)
    desk.tries(desk.says(code15="000000000000000"))
    with desk.house.database.reading() as db:
        assert is_closed(db, desk.house.site_id, desk.at + timedelta(hours=14))
        assert not is_closed(db, desk.house.site_id, desk.at + timedelta(hours=15))


def test_foreign_attempts_change_no_counter_of_this_slip(desk: Desk) -> None:
    _fill(desk, 50, by=NADIA)
    assert desk.stands() == Standing(line=1)


def test_a_clock_that_went_back_is_not_believed(desk: Desk) -> None:
    desk.wrong()
    desk.at -= timedelta(minutes=1)
    assert desk.stands() == Standing(shut=Shut.CLOCK)
    assert desk.tries().is_refused


def test_a_slip_still_printing_opens_nothing(desk: Desk) -> None:
    dossier_id = desk.house.open_dossier(C0)
    slip = desk.house.issue(dossier_id, confirm=False)
    assert desk.tries(desk.house.said(slip)).is_refused
    assert desk.rows()[-1].why == Shut.NO_SLIP.value


def test_every_end_is_in_the_journal_with_its_true_reason_and_without_the_code(desk: Desk) -> None:
    said = desk.says(pin="7306")
    desk.tries(said)
    desk.tries()
    with desk.house.database.reading() as db:
        told = "\n".join(db.scalars(select(ResultsText.text)))
        assert verify(db, "results").sound
    assert '"attempt.refused"' in told
    assert '"why":"code"' in told
    assert '"release.told"' in told
    assert said.code15 not in told


def _fill(desk: Desk, many: int, *, by: UUID) -> None:
    """Refusals of other slips, spread over the last minutes."""
    other = desk.house.issue(desk.house.open_dossier(C0))
    with desk.opening() as db:
        for number in range(many):
            db.add(
                Attempt(
                    id=uuid7(desk.at, desk.house.chance), site_id=desk.house.site_id, key=f"other-{number}",
                    slip_id=other.slip_id, line=1, call_id=UUID(int=number + 100), way=Way.PHONE, by=by, at=desk.at,
                    state=AttemptState.REFUSED, is_tested=True,
                )
            )  # fmt: skip
