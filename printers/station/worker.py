"""Take a job, prove its dots, send them once, wait for the printer's own proof: one owner for each printer."""

import fcntl
import hashlib
import os
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from types import MappingProxyType

from nacl.public import PrivateKey

from printers import encode
from printers.errors import (
    NotOurs,
    NotUnderstood,
    PaperOut,
    PrinterError,
    StationRunning,
    Unprintable,
    Unreachable,
)
from printers.moves import State, Verb
from printers.paper import Cut, Paper
from printers.preview import fingerprint
from printers.rows import Attempt, Job, Place, Proved
from printers.settings import Printer
from printers.station.devices import Broken, Device, connect
from printers.station.keys import StartKey, StationKey
from printers.station.link import Link, Timing
from printers.station.owner import Owner, chance, log, now
from printers.station.replies import ProcessId, Readiness
from printers.station.work import Work
from printers.verify import proved as proved_dots

DOTS = ("escpos", "zpl")  #: the kinds whose owner is `Worker`


class Worker(Owner):
    """The owner of a printer that burns dots and answers on the same line."""

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
        super().__init__(printer, spool, lasting=lasting, start=start, clock=clock, timing=timing, fallback=fallback)
        self._link = Link(printer, heard=self._prove, timing=self._timing, open_device=open_device)
        self._recognised: tuple[int, Proved | None] = (0, None)
        # A stream that stopped in the middle leaves the printer inside a raster: the next write leads it out.
        self._astray = spool.last_outcome(printer.name) not in {State.CONFIRMED, State.SENT}

    def hang_up(self) -> None:
        """Close the connection; the next job opens it again."""
        self._link.hang_up()

    def _listen(self) -> None:
        self._link.listen()

    def _idle(self, held: list[Job]) -> float:
        pause = super()._idle(held)
        if self._link.is_open and time.monotonic() - self._link.used > self._timing.idle:
            self.hang_up()
        return pause

    # One job.

    def _print(self, job: Job) -> None:
        try:
            paper = self._open(job)
            image = proved_dots(paper)
        except (Unprintable, NotOurs) as fault:
            self._refuse(job, fault)
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

    def _broke(self, job: Job, fault: Broken, *, known: bool) -> None:
        self.hang_up()
        if fault.given == 0 and not known:
            self._fail(job, "no byte left")
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

    # The printer's words.

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
        self.spool.tell(self.printer.name, *told, at=self._clock())


class Station:
    """All printers of one instance, under one lock, with the key of this run.

    `owners`: by kind, who owns a printer that does not get dots.
    """

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
        owners: Mapping[str, type[Owner]] = MappingProxyType({}),
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
        owner_of = {kind: partial(Worker, open_device=open_device) for kind in DOTS} | dict(owners)
        self.workers: list[Owner] = [
            owner_of[printer.kind](
                printer,
                spool,
                lasting=lasting.opening,
                start=self.start,
                clock=clock,
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
