"""What people, printers, senders and intruders do in any order, each act compared with what must come of it."""

import atexit
import random
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
)
from sqlalchemy import text
from sqlalchemy.orm import Session

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.clock import end_of_day
from kiosk.register.journal import verify
from results.amending.retracting import Mistake, NotSigned, retract
from results.callers import calls
from results.callers.calls import Outcome, expire_calls
from results.callers.limits import confirm_clock
from results.exchange.inbox import Kind
from results.handing.hand_over_rule import BiologistFirst, NothingToHandOver
from results.holds import HoldReason, NoSuchHold, hold, lift
from results.reports.versions import NotFromHere, reports_of
from results.reports.versions import Report as ReportRow
from results.signing import ChangedSinceOpened, RouteNotAgreed, StillHeld
from results.vault import attempts
from results.vault.attempts import Answer, CodeDesk, Said
from results.vault.counters import reopen
from results.vault.dossiers import NoSuchDossier, Wish
from results.vault.slips import IssuedSlip, ReissueNeeded, SlipAlreadyEnded, void_slip
from tests.conftest import MORNING
from tests.results.safety.expected import (
    COUNTER,
    LASTS,
    PHONE,
    REMEMBERED,
    WITHOUT_CODE,
    Call,
    Expected,
    File,
    House,
    Paper,
    Report,
    Try,
    Version,
)
from tests.results.safety.laboratory import (
    BIRTH,
    FAST,
    PIN,
    Laboratory,
    exam_of,
    result,
    template,
)

WISHES = (Wish.IN_PERSON_ONLY, Wish.NOBODY_ELSE)
VALUE = "4271,5"
UNKNOWN = "9X99"
MANY = st.integers(0, 9)
#: What is said: all of it rightly, or one thing wrongly.
HOW = ("right", "right", "right", "right", "code", "code", "pin", "birth", "line", "foreign", "used")


#: At this hour they may be told.
RIPE_AT = MORNING + timedelta(hours=3)
#: Whose results are ready when a walk begins: the ranks of the exams of each visit.
READY = ((0,), (1,), (2,), (3,), (0, 2), (5,))


@cache
def founded() -> tuple[Path, Laboratory, list[File]]:
    """The laboratory, founded once and put back for each walk, and the folder that holds it as it was."""
    folder = Path(tempfile.mkdtemp(prefix="etiquette-life-", dir=FAST))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    (folder / "bare").mkdir()
    made = template(folder / "bare", at=MORNING)
    lab = made.opened(folder / "ready", at=MORNING, chance=random.Random(1).randbytes)
    files = []
    for number, ranks in enumerate(READY):
        classes = [tuple(ReleaseClass)[rank] for rank in ranks]
        visit, name = lab.register(*classes)
        one = File(
            id=lab.dossier(visit).id, name=name, visit=visit, ranks=set(ranks), whole=frozenset(ranks),
            codes=[exam_of(each) for each in classes], promised=lab.at + timedelta(hours=1),
        )  # fmt: skip
        issued = lab.issue(one.id)
        one.slips = [
            Paper(id=issued.slip_id, handle=issued.handle, codes=issued.codes, pin=PIN, state="valid", dossier=one)
        ]
        lab.receive(result(name, one.codes[0], value=VALUE, number=f"R{number}", said="20261121080000"))
        with lab.database.reading() as db:
            (row,) = reports_of(db, one.id)
        lab.sign(row.id)
        version = Version(rank=max(ranks), is_known=True, is_partial=False, state="signed", promised=one.promised)
        one.reports = [Report(number=f"R{number}", code=one.codes[0], id=row.id, versions=[version])]
        files.append(one)
    lab.database.close()
    return (
        folder / "ready",
        replace(made, folder=folder / "ready").opened(folder / "walked", at=MORNING, chance=random.Random(1).randbytes),
        files,
    )


def put_back(folder: Path, lab: Laboratory) -> None:
    """The files as they were; the engines stay, so that each statement is compiled once."""
    for engine in {lab.database.reading_engine, *lab.database.writing_engines.values()}:
        engine.dispose()
    for path in lab.keys.folder.parent.glob("*.sqlite*"):
        if ".turn" not in path.name:
            path.unlink()
    for path in (*folder.glob("*.sqlite"), *folder.glob("*.sqlite-wal")):
        shutil.copy(path, lab.keys.folder.parent)


class DiskFullError(OSError):
    """The disk is full."""


class Walk(RuleBasedStateMachine):
    """Acts of everyone in any order, each compared with what the note says of it."""

    @initialize(seed=st.integers(0, 2**16), hours=st.sampled_from([3, 3, 0.5]))
    def a_day_begins(self, seed: int, hours: float) -> None:
        ready, self.lab, files = founded()
        put_back(ready, self.lab)
        self.folder = self.lab.keys.folder.parent
        self.lab.chance, self.lab.at = random.Random(seed).randbytes, MORNING + timedelta(hours=hours)
        self.lab.arrived = len(files)
        self.raw = sqlite3.connect(f"file:{self.folder / 'results.sqlite'}?mode=ro", uri=True)
        self.files: list[File] = deepcopy(files, {id(one.visit): one.visit for one in files})
        self.expected, self.house = Expected(), House()
        for one in self.files:
            one.house = self.house
        self.sender = datetime(2026, 11, 21, 9, 0)  # noqa: DTZ001  # the sender's own clock
        self.last_raw = b""
        self.forms: dict[str, tuple[Said, datetime, Answer]] = {}
        self.break_at, self.opened = 0, 0
        #: Codes that were answered by a result, and callers whom the biologist has answered.
        self.told, self.answered = 0, 0
        self.ended: set[tuple[Any, ...]] = set()
        self.seen: set[str] = set()
        self.start_desk()

    def start_desk(self) -> None:
        @contextmanager
        def writing() -> Iterator[Session]:
            with self.lab.database.transaction("results") as db:
                yield db
                self.opened += 1
                if self.opened == self.break_at:
                    raise DiskFullError

        self.lab.desk = CodeDesk(writing, self.lab.keys, self.lab.chance)
        # What was answered before is in no memory: the same form, even at the same instant, is refused.
        self.forms = {key: (said, then - timedelta(days=1), first) for key, (said, then, first) in self.forms.items()}

    def teardown(self) -> None:
        if not hasattr(self, "lab"):
            return
        with self.lab.database.reading() as db:
            assert verify(db, "results").sound
        self.raw.close()
        stored = b"".join(path.read_bytes() for path in self.folder.glob("results.sqlite*"))
        secrets = [code[:15] for one in self.files for slip in one.slips for code in slip.codes]
        for secret in (*secrets, VALUE, BIRTH):
            assert secret.encode() not in stored

    # ---- who and what

    def file(self, who: int) -> File:
        return self.files[who % len(self.files)]

    def papers(self) -> list[Paper]:
        return [slip for one in self.files for slip in one.slips]

    def reports(self) -> list[tuple[File, Report]]:
        return [(one, report) for one in self.files for report in one.reports]

    def call_of(self, by: str) -> Call | None:
        """The call that is on somebody's line."""
        now = [one for one in self.expected.calls if one.by == by and one.state != "closed" and self.lab.at < one.ends]
        return now[-1] if now else None

    # ---- the counter

    @precondition(lambda self: len(self.files) < 9)
    @rule(
        ranks=st.lists(st.integers(0, 5), min_size=1, max_size=2, unique=True),
        wish=st.sampled_from([(), *[(w,) for w in WISHES]]),
    )
    def someone_registers(self, ranks: list[int], wish: tuple[Wish, ...]) -> None:
        classes = [tuple(ReleaseClass)[rank] for rank in ranks]
        visit, name = self.lab.register(*classes, wishes=wish)
        self.files.append(
            File(
                id=self.lab.dossier(visit).id, name=name, visit=visit, ranks=set(ranks), wishes=frozenset(wish),
                codes=[exam_of(one) for one in classes], promised=self.lab.at + timedelta(hours=1), house=self.house,
            )
        )  # fmt: skip

    @precondition(lambda self: self.files)
    @rule(who=MANY, wish=st.sampled_from([(), *[(w,) for w in WISHES]]), has_number=st.booleans())
    def someone_changes_a_wish(self, who: int, wish: tuple[Wish, ...], has_number: bool) -> None:
        one = self.file(who)
        try:
            self.lab.choose(one.visit, wishes=wish, has_number=has_number)  # type: ignore[arg-type]
        except NoSuchDossier:
            assert one.is_tampered
            return
        assert not one.is_tampered, "what another hand has changed was vouched for anew"
        one.wishes, one.has_number = frozenset(wish), has_number

    @precondition(lambda self: self.files)
    @rule(who=MANY, confirm=st.booleans(), agreed=st.booleans())
    def a_slip_is_issued(self, who: int, confirm: bool, agreed: bool) -> None:
        one = self.file(who)
        try:
            issued = self.lab.issue(one.id, confirm=confirm, agreed=agreed)
        except NoSuchDossier:
            assert one.is_tampered
            return
        except ReissueNeeded:
            assert one.is_sealed_to()
            assert not agreed
            return
        assert not one.is_tampered
        assert agreed or not one.is_sealed_to()
        for former in one.slips:
            former.state = "void"
        state = "valid" if confirm else "printing"
        one.slips.append(
            Paper(id=issued.slip_id, handle=issued.handle, codes=issued.codes, pin=PIN, state=state, dossier=one)
        )

    @precondition(lambda self: self.papers())
    @rule(which=MANY)
    def a_slip_is_confirmed(self, which: int) -> None:
        slip = self.papers()[which % len(self.papers())]
        try:
            self.lab.confirm(slip.id)
        except SlipAlreadyEnded:
            assert slip.state != "printing"
            return
        assert slip.state == "printing"
        slip.state = "valid"

    @precondition(lambda self: self.papers())
    @rule(which=MANY)
    def the_printer_jams(self, which: int) -> None:
        slip = self.papers()[which % len(self.papers())]
        try:
            with self.lab.writing() as db:
                void_slip(db, slip.id, by="station", at=self.lab.at, chance=self.lab.chance)
        except SlipAlreadyEnded:
            assert slip.state == "void"
            return
        assert slip.state != "void"
        slip.state = "void"

    # ---- the laboratory system and the biologist

    def sends(self, one: File, code: str, number: str, status: str) -> Kind:
        self.sender += timedelta(seconds=1)
        raw = result(
            one.name, code, value=VALUE, number=number, said=f"{self.sender:%Y%m%d%H%M%S}", status=status
        )  # fmt: skip
        self.last_raw = raw
        return self.lab.receive(raw)

    def is_awaited(self, one: File) -> bool:
        """Whether a message about it is still believed by itself; later on it waits for a person, as others prove."""
        return self.lab.at - timedelta(days=29) < one.promised

    @precondition(lambda self: self.files)
    @rule(who=MANY, partial=st.booleans(), known=st.sampled_from([True, True, True, False]))
    def a_result_arrives(self, who: int, partial: bool, known: bool) -> None:
        one = self.file(who)
        code = one.codes[len(one.reports) % len(one.codes)] if known else UNKNOWN
        number = f"N{len(self.files)}{one.name}{len(one.reports)}"
        if len(one.reports) >= 3 or not self.is_awaited(one):
            return
        assert self.sends(one, code, number, "P" if partial else "F") is Kind.MATCHED
        with self.lab.database.reading() as db:
            known_ids = {report.id for report in one.reports}
            (row,) = [row for row in reports_of(db, one.id) if row.id not in known_ids]
        report = Report(number=number, code=code, id=row.id)
        one.reports.append(report)
        self.add_version(one, report, partial=partial)

    def add_version(self, one: File, report: Report, *, partial: bool) -> None:
        known = report.code != UNKNOWN
        rank = max([*one.ranks, *([] if known else [3])])
        report.versions.append(Version(rank=rank, is_known=known, is_partial=partial))

    @precondition(lambda self: self.reports())
    @rule(which=MANY, status=st.sampled_from(["C", "P", "F"]))
    def a_result_is_amended(self, which: int, status: str) -> None:
        one, report = self.reports()[which % len(self.reports())]
        if not self.is_awaited(one):
            return
        assert self.sends(one, report.code, report.number, status) is Kind.MATCHED
        self.add_version(one, report, partial=status == "P")

    @precondition(lambda self: self.reports())
    @rule(which=MANY, status=st.sampled_from(["D", "W"]))
    def a_result_is_taken_away(self, which: int, status: str) -> None:
        one, report = self.reports()[which % len(self.reports())]
        if not self.is_awaited(one):
            return
        assert self.sends(one, report.code, report.number, status) is Kind.MATCHED
        self.add_version(one, report, partial=False)
        for version in report.versions:
            version.state = "withdrawn"

    @precondition(lambda self: self.last_raw)
    @rule()
    def the_same_message_comes_again(self) -> None:
        assert self.lab.receive(self.last_raw) is Kind.DUPLICATE

    @precondition(lambda self: self.reports())
    @rule(which=MANY, whole=st.sampled_from([True, True, False]), agreed=st.sampled_from([False, True, True]))
    def the_biologist_signs(self, which: int, whole: bool, agreed: bool) -> None:
        one, report = self.reports()[which % len(self.reports())]
        newest = report.newest()
        try:
            self.lab.sign(report.id, whole=whole, agreed=agreed)
        except (NotFromHere, ChangedSinceOpened):
            assert newest is None or newest.state != "sealed"
        except NoSuchDossier:
            assert one.is_tampered
        except StillHeld:
            assert report.is_held
        except RouteNotAgreed:
            assert newest is not None
            assert not newest.is_known
            assert not agreed
        else:
            assert newest is not None
            assert newest.state == "sealed"
            assert not report.is_held
            assert not one.is_tampered
            assert newest.is_known or agreed
            for version in report.versions:
                if version is not newest:
                    version.state = "withdrawn"
            newest.state, newest.is_known, newest.promised = "signed", True, one.promised
            one.whole = frozenset(one.ranks) if whole else None

    @precondition(lambda self: self.reports())
    @rule(which=MANY)
    def the_biologist_takes_it_back(self, which: int) -> None:
        _, report = self.reports()[which % len(self.reports())]
        number = len(report.versions) - which % 2
        if number < 1:
            return
        version = report.versions[number - 1]
        try:
            with self.lab.writing() as db:
                retract(
                    db, report.id, number, Mistake.RESULT, by=self.lab.id_of("lenoir"), at=self.lab.at,
                    chance=self.lab.chance, key=self.lab.key(),
                )  # fmt: skip
        except NotSigned:
            assert version.state != "signed"
            return
        assert version.state == "signed"
        for former in report.versions[:number]:
            former.state = "withdrawn"

    @precondition(lambda self: self.reports())
    @rule(which=MANY)
    def the_biologist_holds(self, which: int) -> None:
        _, report = self.reports()[which % len(self.reports())]
        with self.lab.writing() as db:
            hold(
                db, db.get_one(ReportRow, report.id), HoldReason.CONTROL, by=self.lab.id_of("lenoir"),
                power=self.lab.power, at=self.lab.at, chance=self.lab.chance, key=self.lab.key(),
            )  # fmt: skip
        report.is_held = True

    @precondition(lambda self: self.reports())
    @rule(which=MANY)
    def the_biologist_lifts(self, which: int) -> None:
        _, report = self.reports()[which % len(self.reports())]
        try:
            with self.lab.writing() as db:
                lift(
                    db, report.id, by=self.lab.id_of("lenoir"), power=self.lab.power, at=self.lab.at,
                    chance=self.lab.chance,
                )  # fmt: skip
        except NoSuchHold:
            assert not report.is_held
            return
        assert report.is_held
        report.is_held = False

    @rule()
    def the_biologist_opens_the_telephone_again(self) -> None:
        with self.lab.writing() as db:
            reopen(db, self.lab.site().id, by=self.lab.id_of("lenoir"), at=self.lab.at)
        if self.expected.closed_until is not None:
            self.expected.closed_until, self.expected.reopened = None, self.lab.at

    # ---- the telephone

    @precondition(lambda self: self.papers())
    @rule(which=MANY, by=st.sampled_from(["sophie", "nadia"]), unknown=st.sampled_from([False, False, False, True]))
    def someone_rings(self, which: int, by: str, unknown: bool) -> None:
        slip = None if unknown else self.papers()[which % len(self.papers())]
        handle = "000000" if slip is None else slip.handle
        assert all(one.handle != "000000" for one in self.papers())
        call_id = self.lab.opens_call(handle, by)
        self.expire(by)
        call = Call(id=call_id, slip=slip, by=by, ends=self.lab.at + LASTS)
        self.expected.calls.append(call)
        line = self.line_of(call)
        assert self.lab.line_asked(call_id, by) == line

    def line_of(self, call: Call) -> int | None:
        """The line that the desk must ask, None for the one sentence."""
        now = self.lab.at
        line = self.expected.line_on_the_phone(call.slip, call.id, call.by, now)
        tries = sum(one.call == call.id for one in self.expected.tries)
        if line is None or call.slip is None or call.state != "open" or tries >= 3 or now >= call.ends:
            return None
        return None if call.slip.dossier.decides(PHONE, now, away=True) == "not_now" else line

    def expire(self, by: str | None = None) -> None:
        for call in self.expected.calls:
            late = call.ends <= self.lab.at or (call.by == by and call.state not in {"asked", "verified"})
            if call.state != "closed" and late:
                call.state = "closed"

    @precondition(lambda self: self.expected.calls and self.papers())
    @rule(
        by=st.sampled_from(["sophie", "nadia"]),
        how=st.sampled_from(HOW),
        other=MANY,
    )
    def a_code_is_said(self, by: str, how: str, other: int) -> None:
        ours = [one for one in self.expected.calls if one.by == by]
        if not ours:
            return
        call = ours[-1]
        slip = call.slip or self.papers()[other % len(self.papers())]
        asked = self.expected.line_on_the_phone(slip, call.id, by, self.lab.at) or 1
        said = self.speak(slip, asked, how, other, call_id=call.id, by=self.lab.id_of(by))
        now = self.lab.at
        tries = sum(one.call == call.id for one in self.expected.tries)
        live = call.state == "open" and now < call.ends and tries < 3
        heard = call.slip if live else None
        result_of = self.predict(said, heard, by, table=PHONE, is_phone=True)
        answer = self.lab.says(said)
        self.settle(said, answer, result_of)
        if answer.state.value == "released":
            call.state, call.reads_back = "told", self.rank_of(slip.dossier) == 1
        elif answer.state.value == "verified":
            call.state, call.ends = "verified", end_of_day("Europe/Paris", now)

    def rank_of(self, one: File) -> int:
        return max([*one.ranks, *(v.rank for report in one.reports if (v := report.newest()) is not None)])

    def speak(self, slip: Paper, line: int, how: str, other: int, **more: Any) -> Said:
        """What is said: all of it rightly, or one thing wrongly."""
        code, pin, birth = slip.codes[line - 1][:15], slip.pin, BIRTH
        match how:
            case "code":
                code = f"{(int(code) + 1 + other) % 10**15:015d}"
            case "pin":
                pin = "7306"
            case "birth":
                birth = "19540608"
            case "line":
                line = line % 4 + 1
            case "foreign":
                strange = [one for one in self.papers() if one is not slip]
                code = strange[other % len(strange)].codes[line - 1][:15] if strange else "0" * 15
            case "used":
                line = min(slip.spent, default=line % 4 + 1)
                code = slip.codes[line - 1][:15]
        issued = IssuedSlip(slip_id=slip.id, handle=slip.handle, codes=slip.codes)
        return self.lab.said(issued, line, code15=code, pin=pin, birth_date=birth, **more)

    def predict(self, said: Said, slip: Paper | None, by: str, *, table: str, is_phone: bool) -> str:
        """What must become of an attempt, and what must be counted."""
        now, counted = self.lab.at, self.expected
        broken, self.opened = self.break_at, 0
        if broken == 1:
            return "refused"
        counted.fail_stale(now)
        if any(one.key == said.key for one in counted.tries) or slip is None or counted.pending(slip):
            return "refused"
        asked = (
            counted.line_on_the_phone(slip, said.call_id, by, now)
            if is_phone
            else counted.line_at_the_counter(slip, now)
        )
        is_tested = asked == said.line and not slip.dossier.is_tampered
        row = Try(
            key=said.key, slip=slip, line=said.line, call=said.call_id, by=by, at=now, on_the_phone=is_phone,
            is_tested=is_tested, state="pending",
        )  # fmt: skip
        counted.tries.append(row)
        if slip.dossier.is_tampered:
            row.state = "refused"
        if broken == 2 or slip.dossier.is_tampered:
            return "refused"
        if not is_tested:  # what is not looked at goes the same two transactions
            row.state = "refused"
            return "refused"
        is_right = said.code15 == slip.codes[said.line - 1][:15] and said.pin == slip.pin
        row.state = "refused"
        if is_right:
            slip.spent.add(said.line)
            course = slip.dossier.decides(table, now, away=is_phone)
            if said.birth_date == BIRTH and course != "not_now":
                row.state = {"tell": "released", "biologist": "verified"}[course]
        if row.state == "refused" and counted.is_too_much(now) and not counted.is_closed(now):
            counted.closed_until = end_of_day("Europe/Paris", now)
        return row.state

    def settle(self, said: Said, answer: Answer, expected: str) -> None:
        assert answer.state.value == expected
        assert bool(answer.bodies) == (expected == "released")
        assert all(VALUE in body.content.decode() for body in answer.bodies)
        if answer.is_refused:
            assert answer == attempts.REFUSED
        self.forms[said.key] = (said, self.lab.at, answer)
        self.told += expected == "released"
        self.break_at = 0

    @precondition(lambda self: self.papers())
    @rule(which=MANY, by=st.sampled_from(["sophie", "nadia"]), how=st.sampled_from(HOW))
    def someone_rings_and_reads_a_code(self, which: int, by: str, how: str) -> None:
        self.someone_rings(which=which, by=by, unknown=False)
        self.a_code_is_said(by=by, how=how, other=which)

    @precondition(lambda self: self.papers())
    @rule(which=MANY, times=st.integers(2, 5), patient=st.booleans())
    def a_stranger_guesses(self, which: int, times: int, patient: bool) -> None:
        for _ in range(times):
            self.someone_rings_and_reads_a_code(which=which, by="nadia", how="code")
            self.lab.at += timedelta(minutes=61) * patient

    @precondition(lambda self: self.forms)
    @rule(which=MANY)
    def enter_is_pressed_twice(self, which: int) -> None:
        key = list(self.forms)[-1 - which % min(3, len(self.forms))]
        said, then, first = self.forms[key]
        rows, kept = self.count("attempt"), self.lab.desk._kept.get(key)
        is_kept = kept is not None and self.lab.at - kept.at <= REMEMBERED
        if not is_kept and not any(one.key == key for one in self.expected.tries):
            return  # nothing was counted then; it is tried now as if for the first time
        self.break_at, self.opened = 0, 0
        if not is_kept:
            self.expected.fail_stale(self.lab.at)
        answer = self.lab.desk.try_code(said, self.lab.judge(), at=self.lab.at)
        assert answer is first if is_kept and kept and kept.at == then else answer == attempts.REFUSED
        assert self.count("attempt") == rows

    @precondition(lambda self: self.expected.calls)
    @rule(
        by=st.sampled_from(["sophie", "nadia"]),
        same=st.booleans(),
        outcome=st.sampled_from([Outcome.TOLD, Outcome.NOT_NOW, Outcome.CUT]),
    )
    def a_call_ends(self, by: str, same: bool, outcome: Outcome) -> None:
        call, lab = self.call_of(by), self.lab
        if call is None:
            return
        with lab.writing() as db:
            row = calls.call_of(db, call.id, by=lab.id_of(by), at=lab.at, lock=True)
            if call.state == "told" and same:
                assert calls.hear(db, row, is_same=True, by=lab.id_of(by), at=lab.at, chance=lab.chance)
                call.state = "read_back"
        was_told = call.state in {"told", "read_back"}
        fits = outcome is Outcome.CUT or (outcome is Outcome.TOLD) == was_told
        if call.state == "told" and call.reads_back and outcome is not Outcome.CUT:
            fits = False
        try:
            with lab.writing() as db:
                row = calls.call_of(db, call.id, by=lab.id_of(by), at=lab.at, lock=True)
                calls.close(db, lab.keys, row, outcome, by=lab.id_of(by), at=lab.at, chance=lab.chance)
        except (calls.RepeatFirst, calls.NotFromHere):
            assert not fits
            return
        assert fits
        call.state = "closed"

    @precondition(lambda self: self.expected.calls)
    @rule(who=MANY)
    def the_biologist_answers_a_call(self, who: int) -> None:
        """Whichever call: one whose code was not right, or that is over, or was answered, gives nothing."""
        proved = [one for one in self.expected.calls if one.state == "verified"]
        call = (proved or self.expected.calls)[who % len(proved or self.expected.calls)]
        slip, now, self.break_at = call.slip, self.lab.at, 0
        may = call.state == "verified" and now < call.ends and slip is not None and slip.state == "valid"
        try:
            answer = self.lab.biologist_tells(call.id)
        except (calls.NotFromHere, NoSuchDossier):
            assert slip is None or not may or slip.dossier.is_tampered
            return
        assert may
        assert slip is not None
        self.expire("lenoir")
        call.by = "lenoir"
        course = slip.dossier.decides(PHONE, now, is_biologist=True, away=True)
        assert bool(answer.told) == (course == "tell")
        if answer.told:
            assert any(VALUE in one.words for one in answer.told)
            call.state, self.answered = "told", self.answered + 1

    @precondition(lambda self: self.files)
    @rule(who=MANY, by=st.sampled_from(["sophie", "nadia"]), right=st.sampled_from([True, True, False]))
    def someone_without_slip_is_rung(self, who: int, by: str, right: bool) -> None:
        """Noted whoever it is; rung three minutes later where it may be told at the number of the visit."""
        one, self.break_at = self.file(who), 0
        ends = end_of_day("Europe/Paris", self.lab.at)
        call = Call(id=self.lab.asks_back(one.name, by), slip=None, by=by, ends=ends, state="asked")
        self.expire(by)
        self.expected.calls.append(call)
        self.lab.at += timedelta(minutes=3)
        may = self.lab.at < ends and self.expected.may_be_rung(one, self.lab.at)
        try:
            rung = self.lab.rings_back(call.id, by, birth_date=BIRTH if right else "19540301")
        except calls.NoCall:
            assert not may
        else:
            assert may
            assert rung is not None
            assert bool(rung.told) is right
            self.expire(by)
            if right:
                assert any(VALUE in each.words for each in rung.told)
                call.state, call.reads_back, call.ends = "told", self.rank_of(one) == 1, self.lab.at + LASTS
                return
        self.lab.rings_no_more(call.id, by)
        call.state = "closed"

    # ---- in person

    @precondition(lambda self: self.papers())
    @rule(which=MANY, how=st.sampled_from(["right", "right", "code", "pin", "line", "used"]))
    def a_code_is_typed_at_the_counter(self, which: int, how: str) -> None:
        slip = self.papers()[which % len(self.papers())]
        line = self.expected.line_at_the_counter(slip, self.lab.at) or 1
        said = self.speak(slip, line, how, which, call_id=UUID(bytes=self.lab.chance(16)), by=self.lab.id_of("sophie"))
        expected = self.predict(said, slip, "sophie", table=COUNTER, is_phone=False)
        answer = self.lab.types(slip.dossier.visit, said)  # type: ignore[arg-type]
        self.settle(said, answer, expected)

    @precondition(lambda self: self.files)
    @rule(who=MANY, by_biologist=st.booleans())
    def someone_comes_without_a_slip(self, who: int, by_biologist: bool) -> None:
        one, acts = self.file(who), self.count("release_act")
        course = one.decides(WITHOUT_CODE, self.lab.at, is_biologist=by_biologist)
        made = self.lab.hands_over(one.visit, by_biologist=by_biologist)  # type: ignore[arg-type]
        if course == "tell":
            assert made.refusal is None
            assert made.papers
            assert all(one.secret for one in made.papers)
            assert self.count("release_act") > acts
        else:
            assert type(made.refusal) is {"biologist": BiologistFirst, "not_now": NothingToHandOver}[course]
            assert made.papers == ()
            assert self.count("release_act") == acts

    # ---- time, faults, and another hand

    @rule(minutes=st.sampled_from([0.2, 1, 3, 11, 61, 61, 150, 24 * 60]))
    def time_passes(self, minutes: float) -> None:
        self.lab.at += timedelta(minutes=minutes)

    @rule()
    def the_biologist_confirms_the_hour(self) -> None:
        lab, self.break_at = self.lab, 0
        ahead = [one for one in self.expected.tries if one.at > lab.at + timedelta(seconds=10)]
        with lab.writing() as db:
            if ahead:
                confirm_clock(db, lab.site().id, by=lab.id_of("lenoir"), at=lab.at, chance=lab.chance)
        for one in ahead:
            one.at = lab.at

    @rule(seconds=st.sampled_from([5, 5, 5, 60]))
    def the_clock_goes_back(self, seconds: int) -> None:
        self.lab.at -= timedelta(seconds=seconds)

    @rule()
    def the_programme_starts_anew(self) -> None:
        self.break_at = 0
        self.start_desk()
        self.lab.desk.sweep(self.lab.site().id, at=self.lab.at)
        self.expected.fail_stale(self.lab.at)
        with self.lab.writing() as db:
            expire_calls(db, self.lab.site().id, at=self.lab.at, chance=self.lab.chance)
        self.expire()

    @rule(transaction=st.sampled_from([1, 2]))
    def the_disk_will_be_full(self, transaction: int) -> None:
        self.break_at, self.opened = transaction, 0

    @precondition(lambda self: self.files and not any(one.is_tampered for one in self.files))
    @rule(who=MANY, column=st.sampled_from(["expected", "wishes", "promised_at", "birth_check"]))
    def another_hand_changes_a_dossier(self, who: int, column: str) -> None:
        one = self.file(who)
        kept = self.one(f"SELECT {column} FROM dossier WHERE id = ?", one.id.hex)  # noqa: S608  # of the list above
        made = {"expected": "C0", "wishes": "", "promised_at": "2020-01-01 00:00:00.000000", "birth_check": bytes(16)}
        if kept == made[column]:
            return
        with self.lab.writing() as db:
            self.write(db, one, column, made[column])
        one.changed = (column, kept)

    def write(self, db: Session, one: File, column: str, value: Any) -> None:
        changed = f"UPDATE results.dossier SET {column} = :value WHERE id = :id"  # noqa: S608  # of the list above
        db.execute(text(changed), {"value": value, "id": one.id.hex})

    @precondition(lambda self: any(one.is_tampered for one in self.files))
    @rule()
    def what_was_changed_is_put_right(self) -> None:
        one = next(one for one in self.files if one.is_tampered)
        assert one.changed is not None
        with self.lab.writing() as db:
            self.write(db, one, *one.changed)
        one.changed = None

    # ---- what always holds, read past every rule with sqlite3 alone

    def rows(self, question: str, *of: Any) -> list[Any]:
        return self.raw.execute(question, of).fetchall()

    def one(self, question: str, *of: Any) -> Any:
        return self.raw.execute(question, of).fetchone()[0]

    def count(self, table: str) -> int:
        return int(self.one(f"SELECT count(*) FROM {table}"))  # noqa: S608  # a name of our own tables
