"""A code is counted before it is looked at, opens once, and every refusal is the same."""

import logging
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from threading import BoundedSemaphore, Lock
from typing import Final, Protocol
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kiosk.register.clock import Chance
from kiosk.register.database import uuid7
from kiosk.register.journal import Act, write
from results.vault.counters import (
    Attempt,
    AttemptState,
    PhoneClosure,
    Shut,
    Way,
    fail_stale,
    is_closed,
    is_too_much,
    standing,
)
from results.vault.dossiers import CodeLine, Dossier, LineState, NoSuchDossier, Slip, SlipState, trusted_dossier
from results.vault.envelopes import Body, check_of_birth_date
from results.vault.keys import KeyRing
from results.vault.releases import Course, Weighed, enter_release
from results.vault.sealing import FORM, SALT_SIZE, DoesNotOpen, Purpose, same
from results.vault.slips import end_line
from results.vault.wraps import Line, stretch_code, unwrap_key

#: How long an answer is given again to the very same form.
REMEMBERED: Final = timedelta(seconds=120)
_KDF_AT_ONCE: Final = 2
_KDF_WAIT_SECONDS: Final = 5.0
_ANSWER_WAIT_SECONDS: Final = 20.0
_DUMMY_SALT: Final = bytes(SALT_SIZE)
#: Has the form of a wrap and opens with nothing.
_DUMMY_WRAP: Final = FORM + bytes(73)
_log = logging.getLogger(__name__)


class Refused(StrEnum):
    """Why an attempt that was looked at was refused; for the journal alone."""

    CODE = "code"  #: code, PIN, line or slip; nobody can tell which
    BIRTH_DATE = "birth_date"
    CHANGED = "changed"  #: the state changed meanwhile, or the rule says not now
    SEALED = "sealed"  #: a body did not open or its signature did not hold


class Judge(Protocol):
    """The rule as the desk brings it: this room knows keys and counters, not classes."""

    def weigh(self, db: Session, dossier_id: UUID, *, at: datetime) -> Weighed:
        """Ask the rule; inside a transaction, short."""
        ...

    def open(self, weighed: Weighed, private: bytes) -> tuple[Body, ...]:
        """Open and verify every body with the dossier's key, outside any write transaction; DoesNotOpen refuses."""
        ...

    def settle(self, db: Session, answer: "Answer") -> None:
        """Move the call in the transaction that spends the line."""
        ...


@dataclass(frozen=True, kw_only=True, repr=False)
class Said:
    """What was said on the phone or typed at the counter; lives as long as the request."""

    #: Of the form; the same form is the same attempt.
    key: str
    site_id: UUID
    slip_id: UUID
    #: The line that the desk was told to ask.
    line: int
    call_id: UUID
    way: Way
    #: Fifteen digits.
    code15: str
    pin: str
    #: YYYYMMDD.
    birth_date: str
    by: UUID
    #: When the site's day ends: until then the telephone stays closed once too much was refused.
    midnight: datetime


@dataclass(frozen=True, kw_only=True, repr=False)
class Answer:
    """What the desk gets; `state` is RELEASED, VERIFIED or REFUSED, and every refusal looks the same."""

    state: AttemptState
    bodies: tuple[Body, ...] = ()

    @property
    def is_refused(self) -> bool:
        """The one sentence."""
        return self.state is AttemptState.REFUSED


REFUSED: Final = Answer(state=AttemptState.REFUSED)


@dataclass(frozen=True, kw_only=True, repr=False)
class _Counted:
    """What the first transaction leaves for the slow part."""

    attempt_id: UUID
    #: Why no code opens anything now; whatever is done for a line that may be tried is done all the same.
    shut: Shut | None
    line: Line
    salt: bytes
    wrap: bytes
    public: bytes
    #: Whether the birth date that was said is the dossier's; a wrong code does not learn it.
    born_as_said: bool
    weighed: Weighed


@dataclass(frozen=True, kw_only=True, repr=False)
class _Trial:
    """One attempt on its way to the second transaction."""

    said: Said
    judge: Judge
    counted: _Counted
    at: datetime


@dataclass(frozen=True, kw_only=True, repr=False)
class _Looked:
    """What the slow part found."""

    refused: Refused | None = None
    bodies: tuple[Body, ...] = ()


@dataclass(frozen=True, kw_only=True, repr=False)
class _Kept:
    call_id: UUID
    line: int
    at: datetime
    answer: "Future[Answer]" = field(default_factory=Future)


class CodeDesk:
    """The only place where a code is tried; one for each programme.

    Args:
        open_transaction: opens a transaction that writes the results; called before the edge opens any.
        keys: the staff programme's keys.
        chance: gives ids and salts.
    """

    def __init__(
        self, open_transaction: Callable[[], AbstractContextManager[Session]], keys: KeyRing, chance: Chance
    ) -> None:
        self._open, self._keys, self._chance = open_transaction, keys, chance
        self._kdf = BoundedSemaphore(_KDF_AT_ONCE)
        self._kept: dict[str, _Kept] = {}
        self._lock = Lock()

    def try_code(self, said: Said, judge: Judge, *, at: datetime) -> Answer:
        """Try a code once; the same form gets the same answer for 120 s, then a refusal.

        Never raises: what cannot be written or understood is refused.
        """
        with self._lock:
            self._drop(at)
            kept = self._kept.get(said.key)
            if kept is None:
                mine = self._kept[said.key] = _Kept(call_id=said.call_id, line=said.line, at=at)
        if kept is not None:
            return self._again(kept, said)
        answer = REFUSED
        try:
            answer = self._try(said, judge, at)
        except Exception as trouble:  # noqa: BLE001 -- whatever happens here, the answer is the one refusal
            _log.error("an attempt did not come to its end: %s", type(trouble).__name__)
        finally:
            mine.answer.set_result(answer)
        return answer

    def sweep(self, site_id: UUID, *, at: datetime) -> int:
        """Turn attempts that never came to their end into failures; at start-up."""
        with self._open() as db:
            return len(self._fail_stale(db, site_id, at))

    def forget(self, *, at: datetime) -> None:
        """Drop every answer older than 120 s; called by the edge now and then."""
        with self._lock:
            self._drop(at)

    def _try(self, said: Said, judge: Judge, at: datetime) -> Answer:
        counted: _Counted | None = None
        try:
            with self._open() as db:
                counted = self._count(db, said, judge, at)
        finally:
            # Exactly one, whatever the first transaction said: its time tells nothing.
            k = self._stretch(said, _DUMMY_SALT if counted is None else counted.salt)
        if counted is None:
            return REFUSED
        looked = self._look(counted, judge, k)
        with self._open() as db:
            return self._settle(db, _Trial(said=said, judge=judge, counted=counted, at=at), looked)

    def _count(self, db: Session, said: Said, judge: Judge, at: datetime) -> _Counted | None:
        """T1: count the attempt, then ask whether it may be looked at."""
        self._fail_stale(db, said.site_id, at)
        if db.scalar(select(Attempt.id).where(Attempt.key == said.key)) is not None:
            return None
        slip = db.scalar(select(Slip).where(Slip.id == said.slip_id).with_for_update())
        pending = select(Attempt.id).where(Attempt.slip_id == said.slip_id, Attempt.state == AttemptState.PENDING)
        if slip is None or db.scalar(pending) is not None:
            return None  # overlapping attempts are refused untested and uncounted
        now = standing(db, slip, site_id=said.site_id, way=said.way, call_id=said.call_id, by=said.by, at=at)
        line = db.get(CodeLine, (slip.id, said.line), populate_existing=True)
        salt, wrap = (line.salt, line.wrap) if line is not None and line.line == now.line else (None, None)
        try:
            dossier = trusted_dossier(db, self._keys, slip.dossier_id)
        except NoSuchDossier:
            dossier = None
        is_open = dossier is not None and salt is not None and wrap is not None
        attempt = Attempt(
            id=uuid7(at, self._chance),
            site_id=said.site_id,
            key=said.key,
            slip_id=slip.id,
            line=said.line,
            call_id=said.call_id,
            way=said.way,
            by=said.by,
            at=at,
            state=AttemptState.PENDING,
            is_tested=is_open,
        )
        db.add(attempt)
        shut = None if is_open else now.shut or Shut.NO_LINE
        if dossier is None:
            self._refuse(db, attempt, shut or Shut.NO_LINE, at)
            return None
        pepper_version = line.pepper_version if line is not None else max(self._keys.pepper, default=0)
        return _Counted(
            attempt_id=attempt.id,
            shut=shut,
            line=Line(dossier=dossier.id, slip=slip.id, line=said.line, pepper_version=pepper_version),
            salt=salt or _DUMMY_SALT,
            wrap=wrap or _DUMMY_WRAP,
            public=dossier.public,
            born_as_said=self._born_as_said(dossier, said),
            weighed=judge.weigh(db, dossier.id, at=at),
        )

    def _born_as_said(self, dossier: Dossier, said: Said) -> bool:
        subkey = self._keys.subkey(Purpose.BIRTH_DATE, dossier.fields_version)
        return same(check_of_birth_date(dossier.id, said.birth_date, subkey=subkey), dossier.birth_check)

    def _look(self, counted: _Counted, judge: Judge, k: bytes) -> _Looked:
        """Between the transactions: open the wrap and, if it is to be told here, every body."""
        pepper = self._keys.pepper.get(counted.line.pepper_version)
        if pepper is None:
            return _Looked(refused=Refused.CODE)
        try:
            private = unwrap_key(counted.line, counted.wrap, k=k, pepper=pepper, public=counted.public)
        except DoesNotOpen:
            return _Looked(refused=Refused.CODE)
        if not counted.born_as_said:
            return _Looked(refused=Refused.BIRTH_DATE)  # nothing is opened for whoever does not know it
        if counted.weighed.course is not Course.TELL:
            return _Looked()
        try:
            return _Looked(bodies=judge.open(counted.weighed, private))
        except DoesNotOpen:
            return _Looked(refused=Refused.SEALED)

    def _settle(self, db: Session, trial: _Trial, looked: _Looked) -> Answer:
        """T2: look at everything once more, spend the line, write what was done; shown after the commit only."""
        said, counted, at = trial.said, trial.counted, trial.at
        attempt = db.scalar(select(Attempt).where(Attempt.id == counted.attempt_id).with_for_update())
        line = db.get(CodeLine, (said.slip_id, said.line), with_for_update=True, populate_existing=True)
        if attempt is None or attempt.state is not AttemptState.PENDING:
            return REFUSED
        again = self._look_again(db, trial, line)  # whatever was found: every refusal asks the same
        refused = counted.shut or looked.refused or again
        is_spoken = counted.shut is None and looked.refused is not Refused.CODE
        if is_spoken and line is not None and line.state is LineState.READY:
            end_line(line, LineState.USED, at=at)  # it was spoken, whatever follows
        if refused is not None:
            self._refuse(db, attempt, refused, at)
            self._close_if_too_much(db, said, at)
            answer = REFUSED
        elif counted.weighed.course is Course.TELL:
            attempt.state = AttemptState.RELEASED
            enter_release(
                db, counted.weighed, site_id=said.site_id, dossier_id=counted.line.dossier, attempt_id=attempt.id,
                by=said.by, at=at, chance=self._chance,
            )  # fmt: skip
            answer = Answer(state=AttemptState.RELEASED, bodies=looked.bodies)
        else:
            attempt.state = AttemptState.VERIFIED
            write(
                db, "results", Act.CALL_VERIFIED, by=said.by, at=at, chance=self._chance,
                call=said.call_id, slip=said.slip_id, line=said.line,
            )  # fmt: skip
            answer = Answer(state=AttemptState.VERIFIED)
        trial.judge.settle(db, answer)
        return answer

    def _look_again(self, db: Session, trial: _Trial, line: CodeLine | None) -> Refused | None:
        counted = trial.counted
        slip = db.get(Slip, trial.said.slip_id, with_for_update=True, populate_existing=True)
        try:
            dossier = trusted_dossier(db, self._keys, counted.line.dossier)
        except NoSuchDossier:
            return Refused.CHANGED
        born_as_said = self._born_as_said(dossier, trial.said)
        is_valid = slip is not None and slip.state is SlipState.VALID
        is_same = line is not None and line.wrap == counted.wrap and dossier.public == counted.public
        weighed = trial.judge.weigh(db, dossier.id, at=trial.at)
        if not born_as_said:
            return Refused.BIRTH_DATE
        if not is_valid or not is_same or weighed != counted.weighed or weighed.course is Course.NOT_NOW:
            return Refused.CHANGED
        return None

    def _refuse(self, db: Session, attempt: Attempt, why: Shut | Refused, at: datetime) -> None:
        attempt.state, attempt.why = AttemptState.REFUSED, why.value
        write(
            db, "results", Act.ATTEMPT_REFUSED, by=attempt.by, at=at, chance=self._chance,
            attempt=attempt.id, slip=attempt.slip_id, line=attempt.line, why=why,
        )  # fmt: skip

    def _close_if_too_much(self, db: Session, said: Said, at: datetime) -> None:
        db.flush()  # the refusal counts
        if is_too_much(db, said.site_id, at) and not is_closed(db, said.site_id, at):
            closure = PhoneClosure(id=uuid7(at, self._chance), site_id=said.site_id, closed_at=at, until=said.midnight)
            db.add(closure)
            write(db, "results", Act.PHONE_CLOSED, by=said.by, at=at, chance=self._chance, closure=closure.id)

    def _fail_stale(self, db: Session, site_id: UUID, at: datetime) -> list[Attempt]:
        stale = fail_stale(db, site_id, at)
        for attempt in stale:
            write(
                db, "results", Act.ATTEMPT_FAILED, by=attempt.by, at=at, chance=self._chance,
                attempt=attempt.id, slip=attempt.slip_id, line=attempt.line,
            )  # fmt: skip
        return stale

    def _stretch(self, said: Said, salt: bytes) -> bytes:
        with self._at_the_kiln():
            return stretch_code(said.code15, said.pin, salt, cost=self._keys.line_cost)

    @contextmanager
    def _at_the_kiln(self) -> Iterator[None]:
        if not self._kdf.acquire(timeout=_KDF_WAIT_SECONDS):
            raise TimeoutError("too many codes at once")
        try:
            yield
        finally:
            self._kdf.release()

    def _again(self, kept: _Kept, said: Said) -> Answer:
        if (kept.call_id, kept.line) != (said.call_id, said.line):
            return REFUSED
        try:
            return kept.answer.result(timeout=_ANSWER_WAIT_SECONDS)
        except TimeoutError:
            return REFUSED

    def _drop(self, at: datetime) -> None:
        """What is shown lives 120 s; afterwards the row of the attempt refuses its form."""
        for key in [key for key, kept in self._kept.items() if at - kept.at > REMEMBERED]:
            del self._kept[key]
