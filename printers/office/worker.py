"""Whole pages are handed over once; the printer's own count of what came out proves them, or a person looks."""

import hashlib
import time
from dataclasses import dataclass
from typing import Any

from printers.errors import NotOurs, NotUnderstood, Refused, Unprintable, Unreachable, WrongCertificate
from printers.moves import State, Verb
from printers.office.pages import draw_pages
from printers.office.talk import Progress, Seen, Talk
from printers.rows import Attempt, Job
from printers.station.devices import Broken
from printers.station.owner import Owner, chance, log
from printers.station.replies import Readiness

WATCHED_S = 3600.0  #: a job without a proof is looked after for so long: it may lie in the printer until paper comes
FORGOTTEN_S = 60.0  #: a job that the printer does not know is looked for so long
#: What keeps an office printer from being asked, and the word for it.
_FAULTS: tuple[tuple[type[Exception], str], ...] = (
    (WrongCertificate, "certificate"), (Unreachable, "unreachable"), (Refused, "refused"),
    (NotUnderstood, "not-understood"),
)  # fmt: skip
_ANY = tuple(kind for kind, _ in _FAULTS)


@dataclass(kw_only=True)
class _Abroad:
    """A job at the printer: its name there, its number once told, its pages, and until when it may take (monotonic)."""

    job: Job
    attempt: Attempt
    name: str
    pages: int
    sent: float
    until: float
    number: int | None = None
    cause: str = ""
    is_taken_back: bool = False


class OfficeOwner(Owner):
    """The owner of one office printer, which gets a paper only while it prints nothing else."""

    def __init__(self, *told: Any, **named: Any) -> None:
        super().__init__(*told, **named)
        self._talk = Talk(self.printer.address, self.printer.fingerprint, answer_s=self._timing.answer)
        self._seen = Seen(cause="unreachable")
        self._current: _Abroad | None = None
        self._late: list[_Abroad] = []
        self._glanced = -1e9
        # Names that this laboratory's station gives: what an earlier run of it left at the printer is found again.
        station = hashlib.sha256(bytes(self._lasting.public_key)).hexdigest()
        self._prefix = f"etq-{station[:8]}-"
        self._is_swept = False

    def hang_up(self) -> None:
        """Every question has a connection of its own: nothing stays open."""

    def _leave(self) -> None:
        """What is not out when the station stops is taken back: nobody would hear its proof."""
        for abroad in [*self._late, *([self._current] if self._current else [])]:
            self._take_back(abroad)

    # The printer.

    def _ask(self) -> Readiness:
        self._looked = time.monotonic()
        try:
            self._seen = self._talk.look()
            if not self._is_swept:
                self._sweep()
            if self._current is not None:
                state = Readiness(cause=self._seen.hint)
            else:
                state = Readiness(cause=self._seen.cause or ("busy" if self._seen.is_printing else ""))
        except _ANY as fault:
            state = Readiness(cause=_word(fault))
        if state.ready:
            self._held_since = None
        told = ("held", state.cause)
        if state.ready:
            told = (
                "ready",
                self._seen.warning or ("" if self._proves() or not self.printer.process_id else "without-id"),
            )
        self.spool.tell(self.printer.name, *told, at=self._clock())
        return state

    def _sweep(self) -> None:
        """Take back what an earlier run of this station left: a person is asked for it, so it must not come out now."""
        for number in self._talk.left_over(self._prefix):
            self._talk.cancel(number)
        self._is_swept = True

    def _proves(self) -> bool:
        """Whether a pairing proved that this very model counts its pages."""
        proved = self.spool.proved(self.printer.name)
        trusted = proved is not None and proved.process_id and proved.model == self._seen.model
        return trusted and self.printer.may_prove

    # One job.

    def _print(self, job: Job) -> None:
        try:
            paper = self._open(job)
            document = draw_pages(paper)
        except (Unprintable, NotOurs) as fault:
            self._refuse(job, fault)
            return
        state = self._ask()
        if not state.ready:
            self._move(job, Verb.HOLD, state.cause)
            return
        name = self._prefix + chance(8).hex()
        try:
            self._talk.validate(name, self._seen)
            wire = self._talk.open()
        except _ANY as fault:
            self._move(job, Verb.HOLD, _word(fault))
            return
        try:
            # No fingerprint of dots: a screen shows a page in dots, the printer draws it by itself.
            attempt = self.spool.begin(job.key, at=self._clock(), printer=self.printer.name, asks_id=self._proves())
            began, pages = time.monotonic(), len(paper.pages())
            abroad = _Abroad(
                job=job, attempt=attempt, name=name, pages=pages, sent=began, until=began + self._patience(job, pages)
            )
            abroad.number = self._talk.send(wire, name, self._seen, document, end_s=self._timing.slow)
        except Broken as fault:
            if fault.given == 0:
                self._fail(job, "no byte left")
                return
            self._lose(abroad)
        except Refused:
            self._fail(job, "refused")
        except (Unreachable, NotUnderstood):
            self._lose(abroad)
        else:
            self._failures, self._current = 0, abroad
            self.spool.hand_over(job.key, attempt, sha256=hashlib.sha256(document).hexdigest(), at=self._clock())
        finally:
            wire.close()

    def _lose(self, abroad: _Abroad) -> None:
        """Some bytes left and no answer came: the job may be there, whole; it is looked for by its name."""
        self._move(abroad.job, Verb.DOUBT, "connection lost")
        self._late.append(abroad)

    def _patience(self, job: Job, pages: int) -> float:
        """How long a job may take, in seconds; a secret one is taken back when its two minutes are over."""
        if job.secret and job.expires is not None:
            return max(0.0, (job.expires - self._clock()).total_seconds())
        return self._timing.warm + self._timing.page * pages

    def _under_way(self) -> float | None:
        abroad = self._current
        if abroad is None:
            return None
        if (left := self._glanced + self._timing.glance - time.monotonic()) > 0:
            return min(left, self._timing.look)
        self._sort_out()
        self._glanced = time.monotonic()
        if abroad.job.key not in self._waiting(State.SENT):  # a person said what became of it
            self._current = None
            self._late.append(abroad)
            return 0.0
        progress, is_known = self._progress(abroad)
        if progress is None or not self._settle(abroad, progress):
            abroad.cause = self._ask().cause or abroad.cause
            if is_known and progress is None:
                self._doubt(abroad, "no proof")
            elif time.monotonic() > abroad.until:
                self._give_up(abroad)
        return self._timing.look

    def _settle(self, abroad: _Abroad, progress: Progress) -> bool:
        """Whether the job at the printer is over: all counted is a proof, anything else is a person's to judge."""
        if not progress.is_over:
            return False
        if not progress.is_out(abroad.pages):
            self._doubt(abroad, progress.doubt)
            return True
        if abroad.attempt.pid:
            self._prove(abroad.attempt.pid)
        self._current = None
        return True

    def _give_up(self, abroad: _Abroad) -> None:
        """A secret paper is taken back and may yet say that it was out; any other one may come out later."""
        if not abroad.job.secret:
            self._doubt(abroad, abroad.cause or "no proof")
            self._late.append(abroad)
        elif not abroad.is_taken_back:
            self._take_back(abroad)
            abroad.until = time.monotonic() + self._timing.grace
        else:
            self._doubt(abroad, abroad.cause or "no proof")
            self._late.append(abroad)

    def _doubt(self, abroad: _Abroad, reason: str) -> None:
        self._move(abroad.job, Verb.DOUBT, reason)
        self._current = None

    # What may still come out.

    def _listen(self) -> None:
        if not self._late or time.monotonic() - self._glanced < self._timing.blocked:
            return
        self._glanced = time.monotonic()
        unsure, disowned = self._waiting(State.UNSURE, State.SENT), self._waiting(State.VOID)
        self._late = [each for each in self._late if self._may_come(each, unsure=unsure, disowned=disowned)]

    def _may_come(self, abroad: _Abroad, *, unsure: set[str], disowned: set[str]) -> bool:
        """Look after a paper that a person may be asked for, and say whether it must be any longer."""
        age = time.monotonic() - abroad.sent
        progress, is_known = self._progress(abroad)
        if progress is None:
            return age < (FORGOTTEN_S if is_known else WATCHED_S)
        if progress.is_over:
            if progress.is_out(abroad.pages) and abroad.job.key in unsure and abroad.attempt.pid:
                self._prove(abroad.attempt.pid)
            return False
        # A person has said that it is not out and prints it anew, or its time is over: it must not come out any more.
        if abroad.job.key in disowned or (abroad.job.secret and time.monotonic() > abroad.until):
            self._take_back(abroad)
        return age < WATCHED_S

    def _progress(self, abroad: _Abroad) -> tuple[Progress | None, bool]:
        """How far a job is, and whether the printer answered at all."""
        try:
            progress = self._talk.progress(abroad.name, abroad.number)
        except _ANY:
            return None, False
        if progress is not None:
            abroad.number = progress.number
        return progress, True

    def _take_back(self, abroad: _Abroad) -> None:
        try:
            if abroad.number is not None or self._progress(abroad)[0] is not None:
                self._talk.cancel(abroad.number or 0)
                abroad.is_taken_back = True
        except _ANY as fault:
            log.warning("%s: a job could not be taken back: %s", self.printer.name, type(fault).__name__)

    def _waiting(self, *states: State) -> set[str]:
        return {job.key for job in self.spool.jobs_of(self.printer.name, states)}


def _word(fault: Exception) -> str:
    return next(word for kind, word in _FAULTS if isinstance(fault, kind))
