"""How long a caller waits for an answer, and whether a refusal's cause can be told by what it costs, at either step."""

import statistics
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy import select

from kiosk.register.clock import Chance
from kiosk.register.database import Database, uuid7
from kiosk.register.sites import this_site
from results.callers.asking import line_to_ask
from results.callers.calls import open_call
from results.holds import HoldReason, hold
from results.release import Role
from results.reports.versions import Reason, Report, ReportVersion, State
from results.trust.power import KeyRingPower
from results.upkeep.bench.label_and_code import BIRTH, PIN, PlainRule
from results.upkeep.bench.rounds import Broken, Ground, Measure, Sides, alone
from results.upkeep.bench.serving import laboratory
from results.upkeep.founding import open_instance
from results.vault.attempts import CodeDesk, Refused, Said
from results.vault.codes import HANDLE_DIGITS, draw_digits
from results.vault.counters import Attempt, AttemptState, Shut, Way
from results.vault.dossiers import Wish, open_dossier
from results.vault.keys import KeyRing
from results.vault.releases import Course, Weighed
from results.vault.slips import IssuedSlip, confirm_slip, issue_slip, prepare_slip

#: Answers leave at whole seconds after the form came (release note, section 9).
PACE: Final = 1.0
#: The note's limits in seconds: one caller, and four at the same instant.
ALONE_S, FOUR_S = 1.1, 3.0
CALLERS: Final = 4
#: Times that each cause is tried in one round; a hundred rounds make five hundred.
TIMES: Final = 5
#: What is said wrongly -> what the journal is told of it.
CAUSES: Final = {
    "code": Refused.CODE,
    "pin": Refused.CODE,
    "other line": Shut.NO_LINE,
    "birth date": Refused.BIRTH_DATE,
    "spent line": Shut.NO_LINE,
    "changed": Refused.CHANGED,
}
#: Why nothing can be said of a reference now (release note, section 10, step 2).
UNREADY: Final = (
    "unknown", "unconfirmed", "embargo", "nothing", "unsigned", "hold", "wait", "closed", "withdrawn", "in person",
    "flag",
)  # fmt: skip
#: After each refusal a slip rests longer: every cause is tried when the telephone is open to it again.
APART: Final = timedelta(hours=2)


class _NotNow(PlainRule):
    """The rule says not now, whoever asks: what changes between the reference and the code."""

    def weigh(self, *of: object, **more: object) -> Weighed:
        """Not now."""
        return replace(super().weigh(*of, **more), course=Course.NOT_NOW)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True, repr=False)
class _Caller:
    """A slip in somebody's hand, at a site of its own: no counter of another one is felt."""

    site_id: UUID
    slip: IssuedSlip


@dataclass(kw_only=True)
class _Desk:
    """A code desk at its real cost, and slips in the hands of callers."""

    database: Database
    keys: KeyRing
    chance: Chance
    at: datetime
    codes: CodeDesk = field(init=False)

    def __post_init__(self) -> None:
        self.codes = CodeDesk(lambda: self.database.transaction("results"), self.keys, self.chance)

    def issue(self) -> _Caller:
        """A slip of a new visit, with two lines."""
        by, at, site_id = uuid7(self.at, self.chance), self.at, uuid7(self.at, self.chance)
        with self.database.transaction("results") as db:
            dossier = open_dossier(
                db, self.keys, site_id=site_id, visit_id=uuid7(at, self.chance), birth_date=BIRTH,
                classes=("C2",), wishes=(), promised_at=at, by=by, at=at, chance=self.chance,
            )  # fmt: skip
        prepared = prepare_slip(
            self.keys, dossier_id=dossier.id, pin=PIN, birth_date=BIRTH, at=at, chance=self.chance, lines=2
        )
        with self.database.transaction("results") as db:
            issued = issue_slip(db, self.keys, prepared, by=by, at=at, chance=self.chance)
            confirm_slip(db, issued.slip_id, by=by, at=at, chance=self.chance)
        return _Caller(site_id=site_id, slip=issued)

    def said(self, caller: _Caller, line: int = 1) -> Said:
        """Everything said rightly."""
        slip = caller.slip
        return Said(
            key=self.chance(16).hex(), site_id=caller.site_id, slip_id=slip.slip_id, line=line,
            call_id=uuid7(self.at, self.chance), way=Way.PHONE, code15=slip.codes[line - 1][:15], pin=PIN,
            birth_date=BIRTH, by=uuid7(self.at, self.chance), midnight=self.at + timedelta(hours=12),
        )  # fmt: skip

    def wait(self, said: Said) -> float:
        """Seconds until a right code is answered, at the pace of every answer.

        Raises:
            Broken: it does not open.
        """
        came = time.monotonic()
        answer = self.codes.try_code(said, PlainRule(), at=self.at)
        time.sleep(PACE - (time.monotonic() - came) % PACE)
        if answer.state is not AttemptState.RELEASED:
            raise Broken("un code juste n'ouvre pas")
        return time.monotonic() - came

    def refuse(self, caller: _Caller, cause: str) -> float:
        """Milliseconds of this process for one refusal; the causes come in the order in which a slip allows them.

        Raises:
            Broken: it is told, or refused for another cause.
        """
        at = self.at + APART * list(CAUSES).index(cause)
        said, rule = self.said(caller, 2 if cause == "changed" else 1), PlainRule()
        match cause:
            case "code":
                said = replace(said, code15="1" * 15)
            case "pin":
                said = replace(said, pin="7306")
            case "other line":
                said = replace(said, line=2)
            case "birth date":
                said = replace(said, birth_date="19540301")
            case "changed":
                rule = _NotNow()
        start = time.process_time()
        answer = self.codes.try_code(said, rule, at=at)
        spent = time.process_time() - start
        with self.database.reading() as db:
            why = db.scalar(select(Attempt.why).where(Attempt.key == said.key))
        if not answer.is_refused or why != CAUSES[cause].value:
            raise Broken(f"« {cause} » n'est pas refusé pour cela")
        return 1000 * spent


@dataclass(frozen=True, kw_only=True, repr=False)
class _References:
    """The first step of a call: a reference of each kind that nothing can be said of."""

    desk: _Desk
    site_id: UUID
    power: KeyRingPower

    def issue(self, cause: str) -> str:
        """Six digits of which nothing can be said now, for this cause."""
        desk, chance = self.desk, self.desk.chance
        if cause == "unknown":
            return draw_digits(HANDLE_DIGITS, chance)
        by, at = uuid7(desk.at, chance), desk.at
        with desk.database.transaction("results") as db:
            dossier = open_dossier(
                db, desk.keys, site_id=self.site_id, visit_id=uuid7(at, chance), birth_date=BIRTH, classes=("C0",),
                wishes=(Wish.IN_PERSON_ONLY,) if cause == "in person" else (),
                promised_at=at + APART if cause == "embargo" else at - APART, by=by, at=at, chance=chance,
            )  # fmt: skip
        prepared = prepare_slip(
            desk.keys, dossier_id=dossier.id, pin=PIN, birth_date=BIRTH, at=at, chance=chance, lines=2
        )
        with desk.database.transaction("results") as db:
            issued = issue_slip(db, desk.keys, prepared, by=by, at=at, chance=chance)
            if cause != "unconfirmed":
                confirm_slip(db, issued.slip_id, by=by, at=at, chance=chance)
            if cause != "nothing":
                report = self._report(dossier.id, dossier.promised_at, cause)
                db.add_all(report)
                db.flush()  # the hold refers to it
                if cause == "hold":
                    hold(
                        db, report[0], HoldReason.CONTROL, by=by, power=self.power, at=at, chance=chance,
                        key=chance(16).hex(),
                    )  # fmt: skip
            db.add_all(self._failures(issued.slip_id, cause))
        return issued.handle

    def _report(self, dossier_id: UUID, not_before: datetime, cause: str) -> tuple[Report, ReportVersion]:
        """A signed report, or not yet, or no more; a reference is answered without opening it."""
        at, chance = self.desk.at, self.desk.chance
        report = Report(
            id=uuid7(at, chance), site_id=self.site_id, dossier=dossier_id, connection="sil", key_mac=chance(32),
            created_at=at,
        )  # fmt: skip
        state = {"unsigned": State.SEALED, "withdrawn": State.WITHDRAWN}.get(cause, State.SIGNED)
        version = ReportVersion(
            report_id=report.id, version=1, message_id=report.id, state=state, dossier=dossier_id, release_class="C0",
            is_known=True, matrix_version=1, body=bytes(1), is_partial=False, is_corrected=False,
            is_order_uncertain=False, flags="patient" if cause == "flag" else "", received_at=at,
            not_before=not_before, signed_at=at, commitment=bytes(32), signature=bytes(64), signer=uuid7(at, chance),
            withdrawn_at=at if state is State.WITHDRAWN else None,
            reason=Reason.RETRACTED if state is State.WITHDRAWN else None,
        )  # fmt: skip
        return report, version

    def _failures(self, slip_id: UUID, cause: str) -> Iterator[Attempt]:
        """Three codes refused a moment ago, or ten of yesterday."""
        many, ago = {"wait": (3, timedelta(seconds=5)), "closed": (10, timedelta(days=1))}.get(cause, (0, APART))
        at, chance = self.desk.at, self.desk.chance
        for number in range(many):
            yield Attempt(
                id=uuid7(at, chance), site_id=self.site_id, key=chance(16).hex(), slip_id=slip_id,
                line=1 + number // 6, call_id=uuid7(at, chance), way=Way.PHONE, by=uuid7(at, chance), at=at - ago,
                state=AttemptState.REFUSED, is_tested=True,
            )  # fmt: skip

    def refuse(self, handle: str) -> float:
        """Milliseconds of this process from a reference to the one sentence.

        Raises:
            Broken: a line is asked for it.
        """
        desk = self.desk
        by, at, chance = uuid7(desk.at, desk.chance), desk.at, desk.chance
        start = time.process_time()
        with desk.database.transaction("results") as db:
            call = open_call(
                db, desk.keys, self.site_id, handle, by=by, at=at, chance=chance, key=chance(16).hex()
            )  # fmt: skip
        with desk.database.reading() as db:
            line = line_to_ask(db, desk.keys, self.site_id, call, Role.SECRETARY, power=self.power, at=at)
        spent = time.process_time() - start
        if line is not None:
            raise Broken("une référence dont rien ne peut être dit demande une ligne")
        return 1000 * spent


@contextmanager
def _desk(ground: Ground) -> Iterator[_Desk]:
    lab = ground.shared(laboratory)
    database = open_instance(lab.instance)
    try:
        yield _Desk(
            database=database, keys=KeyRing.load(lab.instance / "keys"), chance=ground.chance, at=ground.now()
        )  # fmt: skip
    finally:
        database.close()


@contextmanager
def _answers(ground: Ground, *, callers: int, limit: float) -> Iterator[Sides]:
    """The last of so many callers who say a right code at the same instant."""
    with _desk(ground) as desk, ThreadPoolExecutor(callers) as lines:

        def ours() -> float:
            forms = [desk.said(desk.issue()) for _ in range(callers)]
            return max(lines.map(desk.wait, forms))

        yield Sides(ours=ours, floor=lambda: limit)


def _beside(causes: Collection[str], spend: Callable[[], Mapping[str, float]]) -> Sides:
    """The dearest cause beside the cheapest, by the medians of all that was tried so far."""
    spent: dict[str, list[float]] = {cause: [] for cause in causes}

    def ours() -> float:
        for _ in range(TIMES):
            for cause, one in spend().items():
                spent[cause].append(one)
        return max(map(statistics.median, spent.values()))

    def floor() -> float:
        if not all(spent.values()):  # the first round begins with this side
            ours()
        return min(map(statistics.median, spent.values()))

    return Sides(ours=ours, floor=floor)


@contextmanager
def _refusals(ground: Ground) -> Iterator[Sides]:
    """A code that is refused."""
    with _desk(ground) as desk:

        def spend() -> dict[str, float]:
            caller = desk.issue()
            return {cause: desk.refuse(caller, cause) for cause in CAUSES}

        yield _beside(CAUSES, spend)


@contextmanager
def _references(ground: Ground) -> Iterator[Sides]:
    """A reference of which nothing can be said now; the causes come in another order each time."""
    with _desk(ground) as desk:
        with desk.database.reading() as db:
            site_id = this_site(db).id
        asked = _References(desk=desk, site_id=site_id, power=KeyRingPower(desk.keys, biologist_fingerprint=""))
        handles = {cause: asked.issue(cause) for cause in UNREADY}

        def spend() -> dict[str, float]:
            # Never twice behind the same one: what that one leaves in the caches and to the collector is nobody's cost.
            drawn = sorted(UNREADY, key=lambda _: ground.chance(8))
            return {cause: asked.refuse(handles[cause]) for cause in drawn}

        yield _beside(UNREADY, spend)


CODES: Final[tuple[Measure, ...]] = (
    alone("code_alone", "code", "s", "<=1.0", partial(_answers, callers=1, limit=ALONE_S)),
    alone("code_four", "code", "s", "<=1.0", partial(_answers, callers=CALLERS, limit=FOUR_S)),
    alone("refusal_cpu", "code", "ms", "<=1.05", _refusals),
    alone("handle_cpu", "code", "ms", "<=1.05", _references),
)
