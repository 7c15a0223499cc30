"""Take a job, prove its dots, send them once, wait for the printer's own proof: one owner for each printer."""

import fcntl
import hashlib
import logging
import os
import secrets
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from nacl.public import PrivateKey
from PIL import Image

from printers import encode
from printers.errors import (
    ImpossibleMove,
    NotOurs,
    NotUnderstood,
    PaperOut,
    PrinterError,
    StationRunning,
    Unprintable,
    Unreachable,
)
from printers.moves import NEVER_SENT, PERSON_CAUSES, STATION, State, Verb
from printers.paper import Cut, Paper
from printers.preview import fingerprint
from printers.rows import Attempt, Job, Place, Proved
from printers.settings import Printer
from printers.station.devices import Broken, Device, connect
from printers.station.keys import StartKey, StationKey, open_paper
from printers.station.link import Link, Timing
from printers.station.replies import ProcessId, Readiness
from printers.station.work import Work
from printers.verify import proved as proved_dots

log = logging.getLogger("printers.station")
TRIES = 3  #: failures in a row before the first byte, after which the fallback printer takes over
FRESH = timedelta(seconds=20)  #: what was seen of a printer longer ago says nothing of now


def now() -> datetime:
    """The system's time: the station is one of the edges that may ask."""
    return datetime.now(UTC)  # noqa: TID251 - an edge


def chance(count: int) -> bytes:
    """The system's chance: the station is one of the edges that may ask."""
    return secrets.token_bytes(count)  # noqa: TID251 - an edge


class Worker:
    """The only owner of one printer; `step` does one thing and says how long to wait for the next."""

    def __init__(
        self,
        printer: Printer,
        spool: Work,
        *,
        lasting: PrivateKey,
        start: StartKey,
        clock: Callable[[], datetime] = now,
        open_device: Callable[[str], Device] = connect,
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
        self._link = Link(printer, heard=self._prove, timing=self._timing, open_device=open_device)
        self._recognised: tuple[int, Proved | None] = (0, None)
        self._looked = -1e9
        self._sorted = -1e9
        self._retry_at: float | None = None
        self._failures = 0
        self._told: tuple[str, str] | None = None
        # A stream that stopped in the middle leaves the printer inside a raster: the next write leads it out.
        self._astray = spool.last_outcome(printer.name) not in {State.CONFIRMED, State.SENT}

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
        self.hang_up()

    def step(self) -> float:
        """Do what is next for this printer; the answer is the pause in seconds."""
        self.spool.recover(self.printer.name, at=self._clock())
        self._link.listen()
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

    def hang_up(self) -> None:
        """Close the connection; the next job opens it again."""
        self._link.hang_up()

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
        if self._link.is_open and time.monotonic() - self._link.used > self._timing.idle:
            self.hang_up()
        return self._timing.look

    # One job.

    def _print(self, job: Job) -> None:
        try:
            paper, image = self._prepare(job)
        except (Unprintable, NotOurs) as fault:
            log.warning("%s: job %s was not printed: %s", self.printer.name, job.key, fault)
            self._move(job, Verb.DROP, "unprintable" if isinstance(fault, Unprintable) else "not ours")
            return
        state = self._ask()
        if not state.ready or not self._link.is_open:
            self._move(job, Verb.HOLD, state.cause or "silent")
            return
        proved = self._trusted()
        proves = proved is not None and proved.process_id and self.printer.may_prove
        data = self._link.compiled(
            image, cut=isinstance(paper.items[-1], Cut), compressed=proved is not None and proved.z64
        )
        attempt = self.spool.begin(
            job.key, at=self._clock(), printer=self.printer.name, asks_id=proves, dots=fingerprint(image)
        )
        if self._astray:
            data = self._link.lead_out() + data
        if proves:
            data += encode.ask_process_id(attempt.pid)
        doubted: list[str] = []

        def slow() -> None:
            doubted.append("slow")
            self._move(job, Verb.DOUBT, "slow")

        try:
            self._link.write(data, slow=slow)
        except Broken as fault:
            self._broke(job, fault, known=bool(doubted))
            return
        self._astray, self._failures = False, 0
        if doubted:
            return
        self.spool.hand_over(job.key, attempt, sha256=hashlib.sha256(data).hexdigest(), at=self._clock())
        if proves:
            self._await_proof(job, attempt, self._patience(paper, data))

    def _prepare(self, job: Job) -> tuple[Paper, Image.Image]:
        payload = self.spool.payload(job.key)
        if payload is None:
            raise NotOurs("this paper was erased")
        paper = open_paper(payload, job, self._start.opening if job.secret else self._lasting)
        if paper.form != self.printer.media:
            raise Unprintable("this paper was made for another medium")
        return paper, proved_dots(paper)

    def _broke(self, job: Job, fault: Broken, *, known: bool) -> None:
        self.hang_up()
        if fault.given == 0 and not known:
            steps = self._timing.back_off
            self._retry_at = time.monotonic() + steps[min(self._failures, len(steps) - 1)]
            self._failures += 1
            self._move(job, Verb.FAIL, "no byte left")
            return
        self._astray = True
        if not known:
            self._move(job, Verb.DOUBT, "connection lost")

    def _patience(self, paper: Paper, data: bytes) -> float:
        if paper.form.height is not None:
            return self._timing.proof
        rows = len(data) // ((paper.form.width + 7) // 8)
        return self._timing.roll + rows / paper.form.dpmm / 50

    def _await_proof(self, job: Job, attempt: Attempt, patience: float) -> None:
        """Only the printer's own answer with this attempt's ID confirms; anything else is a person's to judge."""
        end = time.monotonic() + patience
        reason = "no proof"
        try:
            while (left := end - time.monotonic()) > 0:
                for reply in self._link.receive(left):
                    if isinstance(reply, ProcessId):
                        found = self._prove(reply.pid)
                        if reply.pid == attempt.pid:
                            return
                        if found is None:
                            # An ID that nobody gave: this printer's next answer may be as wrong.
                            reason, end = "wrong ID", 0.0
        except Unreachable:
            reason = "connection lost"
            self.hang_up()
        # Bytes may have been lost on the way although all were taken: a pulled cable does not always say so.
        self._astray = True
        self._move(job, Verb.DOUBT, reason)

    def _move(self, job: Job, verb: Verb, reason: str = "") -> None:
        try:
            self.spool.move(job.key, verb, by=STATION, at=self._clock(), reason=reason)
        except ImpossibleMove:
            log.info("%s: job %s had already moved", self.printer.name, job.key)

    # The printer's words.

    def _prove(self, pid: bytes) -> Job | None:
        return self.spool.prove(self.printer.name, pid, at=self._clock())

    def _recognise(self) -> None:
        """Learn once a connection whether this is the model that a pairing proved."""
        proved = self.spool.proved(self.printer.name)
        if self._recognised[0] == self._link.opened or proved is None or not proved.model:
            return
        if self._astray:  # inside a raster the question would be taken for dots
            self._link.write(self._link.lead_out())
        if model := self._link.model():  # without an answer it is asked again next time
            self._astray = False
            self._recognised = (self._link.opened, proved if model == proved.model else None)

    def _trusted(self) -> Proved | None:
        """What was proved of the printer at the other end of this very connection; another model has proved nothing."""
        opened, proved = self._recognised
        return proved if opened == self._link.opened else None

    def _ask(self) -> Readiness:
        """Connect if need be and ask the four states, one at a time; silence and nonsense are causes too."""
        self._looked = time.monotonic()
        try:
            self._link.connect()
            state = self._link.state() if self.printer.status else Readiness()
            if state.ready:
                self._recognise()
        except NotUnderstood:
            state = Readiness(cause="not-understood")
            self.hang_up()
        except PaperOut:
            state = Readiness(cause="silent")
            self.hang_up()
        except Unreachable:
            state = Readiness(cause="unreachable")
            self.hang_up()
        if state.ready:
            self._held_since = None
        self._tell(state)
        return state

    def _tell(self, state: Readiness) -> None:
        told = ("held", state.cause)
        if state.ready:
            trusted = self._trusted()
            known = not self.printer.may_prove or (trusted is not None and trusted.process_id)
            told = ("ready", "near-end" if self._link.near_end else "" if known else "without-id")
        self._told = told
        self.spool.tell(self.printer.name, *told, at=self._clock())


class Station:
    """All printers of one instance, under one lock, with the key of this run."""

    def __init__(
        self,
        printers: dict[str, Printer],
        spool: Work,
        lasting: StationKey,
        *,
        lock: Path,
        clock: Callable[[], datetime] = now,
        chance: Callable[[int], bytes] = chance,
        open_device: Callable[[str], Device] = connect,
        timing: Timing | None = None,
    ) -> None:
        self.spool = spool
        self._clock = clock
        self._timing = Timing() if timing is None else timing
        self._lock = hold_lock(lock)
        self.start = StartKey.make(last=spool.last_number(), at=clock(), chance=chance)
        signature = self.start.signed_by(lasting)
        spool.publish(number=self.start.number, key=self.start.public, signature=signature, at=clock())
        spool.describe(
            [Place(name=each.name, desk=each.desk, media=each.media) for each in printers.values()], at=clock()
        )
        self.workers = [
            Worker(
                printer,
                spool,
                lasting=lasting.opening,
                start=self.start,
                clock=clock,
                open_device=open_device,
                timing=self._timing,
                fallback=printers.get(printer.fallback),
            )
            for printer in printers.values()
        ]

    def run(self, stop: threading.Event) -> None:
        """Print until told to stop."""
        threads = [threading.Thread(target=worker.run, args=(stop,), daemon=True) for worker in self.workers]
        for thread in threads:
            thread.start()
        while not stop.wait(self._timing.beat):
            try:
                self.spool.beat(self.start.number, at=self._clock())
            except PrinterError as fault:
                log.warning("station: %s", type(fault).__name__)
        for thread in threads:
            thread.join(self._timing.proof + self._timing.answer)
        self.spool.leave(self.start.number, at=self._clock())
        os.close(self._lock)


def hold_lock(path: Path) -> int:
    """Hold the lock file of an instance; the system lets go of it when the process ends, however it ends."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as fault:
        os.close(descriptor)
        raise StationRunning("another station holds this instance") from fault
    return descriptor
