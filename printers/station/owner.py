"""Whose turn it is at one printer, what is too late, what goes to the neighbour; how it prints is its own."""

import logging
import secrets
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from nacl.public import PrivateKey

from printers.errors import ImpossibleMove, NotOurs, PrinterError, Unprintable
from printers.moves import NEVER_SENT, PERSON_CAUSES, STATION, State, Verb
from printers.paper import Paper
from printers.rows import Job
from printers.settings import Printer
from printers.station.keys import StartKey, open_paper
from printers.station.link import Timing
from printers.station.replies import Readiness
from printers.station.work import Work

log = logging.getLogger("printers.station")
TRIES = 3  #: failures in a row before the first byte, after which the fallback printer takes over
FRESH = timedelta(seconds=20)  #: what was seen of a printer longer ago says nothing of now


def now() -> datetime:
    """The system's time: the station is one of the edges that may ask."""
    return datetime.now(UTC)  # noqa: TID251 - an edge


def chance(count: int) -> bytes:
    """The system's chance: the station is one of the edges that may ask."""
    return secrets.token_bytes(count)  # noqa: TID251 - an edge


class Owner(ABC):
    """The only owner of one printer; `step` does one thing and says how long to wait for the next."""

    def __init__(
        self,
        printer: Printer,
        spool: Work,
        *,
        lasting: PrivateKey,
        start: StartKey,
        clock: Callable[[], datetime] = now,
        timing: Timing | None = None,
        fallback: Printer | None = None,
    ) -> None:
        self.printer = printer
        # To another desk papers go by a person's word only: there another patient sits.
        self._refuge = fallback if fallback is not None and fallback.beside(printer) else None
        self._held_since: float | None = None
        self.spool = spool
        self._lasting = lasting
        self._start = start
        self._clock = clock
        self._timing = Timing() if timing is None else timing
        self._looked = -1e9
        self._sorted = -1e9
        self._retry_at: float | None = None
        self._failures = 0

    @abstractmethod
    def hang_up(self) -> None:
        """Close the connection; the next job opens it again."""

    @abstractmethod
    def _listen(self) -> None:
        """Hear what the printer has to say of papers that are out of our hands."""

    @abstractmethod
    def _print(self, job: Job) -> None:
        """Send one job, or say why not."""

    @abstractmethod
    def _ask(self) -> Readiness:
        """Look at the printer and write down what was seen."""

    def _leave(self) -> None:
        """The station stops."""
        self.hang_up()

    def _under_way(self) -> float | None:
        """The pause before the next look at a paper that the printer is printing, None when it prints none."""
        return None

    def run(self, stop: threading.Event) -> None:
        """Work until told to stop; a fault is logged and the job it touched is a person's."""
        while not stop.is_set():
            try:
                pause = self.step()
            except (PrinterError, OSError) as fault:
                log.warning("%s: %s", self.printer.name, type(fault).__name__)
                self.hang_up()
                pause = self._timing.blocked
            stop.wait(pause)
        self._leave()

    def step(self) -> float:
        """Do what is next for this printer; the answer is the pause in seconds."""
        if (pause := self._under_way()) is not None:
            return pause
        self.spool.recover(self.printer.name, at=self._clock())
        self._listen()
        self._sort_out()
        if self.spool.is_paused(self.printer.name):
            return self._stand_still()
        if again := self.spool.jobs_of(self.printer.name, (State.NOT_SENT,)):
            return self._again(again)
        stopped = self.spool.jobs_of(self.printer.name, (State.HELD,))
        held = [job for job in stopped if job.cause not in PERSON_CAUSES]
        if held and self._given_up() and self._fail_over():
            return 0.0
        job = self.spool.next_job(self.printer.name)
        if held or job is None:
            return self._idle(held)
        try:
            if (told := self._too_late(job)) is not None:
                self._move(job, *told)
            else:
                self._print(job)
        except ImpossibleMove:
            # The app dropped the job between our look and our move: nothing was sent.
            log.info("%s: a job left the queue", self.printer.name)
        return 0.0

    def _sort_out(self) -> None:
        """Void what has expired or can no longer be opened, hold what is too old to come out unasked."""
        if time.monotonic() - self._sorted < self._timing.sort:
            return
        self._sorted = time.monotonic()
        for job in self.spool.jobs_of(self.printer.name, (State.QUEUED, State.HELD, State.NOT_SENT)):
            if (told := self._too_late(job)) is not None:
                self._move(job, *told)

    def _too_late(self, job: Job) -> tuple[Verb, str] | None:
        at = self._clock()
        expired = job.expires is not None and at >= job.expires
        if job.secret and job.sealed_to != self._start.number:
            return Verb.DROP, "secret lost"
        if expired and job.on_expiry == "void":
            return Verb.DROP, "expired"
        old = at - job.queued > timedelta(seconds=self.printer.old_after_s)
        return (Verb.HOLD, "age") if job.state is State.QUEUED and (old or expired) else None

    def _stand_still(self) -> float:
        """A person has paused this printer: its papers wait for a person, only its state is looked at."""
        for job in self.spool.jobs_of(self.printer.name, (State.NOT_SENT,)):
            self._move(job, Verb.RETRY)
        for job in self.spool.jobs_of(self.printer.name, (State.QUEUED,)):
            self._move(job, Verb.HOLD, "pause")
        self._held_since = self._retry_at = None
        return self._idle([])

    def _again(self, jobs: list[Job]) -> float:
        if self._failures >= TRIES and self._fail_over():
            return 0.0
        if self._retry_at is None:
            self._retry_at = time.monotonic() + self._timing.back_off[0]
        if (left := self._retry_at - time.monotonic()) > 0:
            return min(left, self._timing.blocked)
        self._retry_at = None
        for job in jobs:
            self._move(job, Verb.RETRY)
        return 0.0

    def _given_up(self) -> bool:
        """Whether papers have been held here for too long; from then on the next ones need not wait so long again."""
        if self._held_since is None:
            self._held_since = time.monotonic()
        return time.monotonic() - self._held_since >= self._timing.give_up

    def _fail_over(self) -> bool:
        """Give what was never sent to the fallback printer of this desk, if that one is ready."""
        if self._refuge is None:
            return False
        at = self._clock()
        ready = any(
            told.name == self._refuge.name
            and told.state == "ready"
            and at - told.seen < FRESH
            and told.paused_at is None
            for told in self.spool.printers()
        )
        if not ready:
            return False
        waiting = [job.key for job in self.spool.jobs_of(self.printer.name, NEVER_SENT)]
        moved = self.spool.hand_on(
            waiting, self._refuge.name, by=STATION, at=at, chance=chance, reason=f"after {self.printer.name}"
        )
        return bool(moved)

    def _idle(self, held: list[Job]) -> float:
        """Nothing to send: look at the printer now and then, let the held go on when it is ready."""
        since = time.monotonic() - self._looked
        if since >= (self._timing.blocked if held else self._timing.poll):
            state = self._ask()
            if state.ready:
                for job in held:
                    self._move(job, Verb.RESUME)
        return self._timing.look

    def _open(self, job: Job) -> Paper:
        """The paper of a job; raise `NotOurs`, or `Unprintable` where it was made for another medium."""
        payload = self.spool.payload(job.key)
        if payload is None:
            raise NotOurs("this paper was erased")
        paper = open_paper(payload, job, self._start.opening if job.secret else self._lasting)
        if paper.form != self.printer.media:
            raise Unprintable("this paper was made for another medium")
        return paper

    def _refuse(self, job: Job, fault: Unprintable | NotOurs) -> None:
        """Nothing was sent, nothing will be."""
        log.warning("%s: job %s was not printed: %s", self.printer.name, job.key, fault)
        self._move(job, Verb.DROP, "unprintable" if isinstance(fault, Unprintable) else "not ours")

    def _fail(self, job: Job, reason: str) -> None:
        """Provably no byte of this job is at the printer: it is tried again after a pause."""
        steps = self._timing.back_off
        self._retry_at = time.monotonic() + steps[min(self._failures, len(steps) - 1)]
        self._failures += 1
        self._move(job, Verb.FAIL, reason)

    def _move(self, job: Job, verb: Verb, reason: str = "") -> None:
        try:
            self.spool.move(job.key, verb, by=STATION, at=self._clock(), reason=reason)
        except ImpossibleMove:
            log.info("%s: job %s had already moved", self.printer.name, job.key)

    def _prove(self, pid: bytes) -> Job | None:
        return self.spool.prove(self.printer.name, pid, at=self._clock())
