"""What changed in the print room since somebody last looked, asked of the spool alone."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from printers.errors import PrinterError
from printers.moves import State
from printers.rows import Job, PrinterState
from printers.spool import Spool

#: A label that was handed over waits so long for its proof before a person is asked.
PROOF_AWAITED: Final = timedelta(seconds=10)
#: Labels without a proof are asked about for the length of a working day; then their tubes were scanned or missed.
ASKED_FOR: Final = timedelta(hours=12)


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What the spool says at one moment."""

    alive: bool
    printers: tuple[PrinterState, ...]
    #: What is on its way, waits, or asks something of a person; oldest first.
    jobs: tuple[Job, ...]
    #: Those a person is asked about, by row number: whether their printer was asked for a proof.
    doubtful: dict[int, bool]

    @property
    def mark(self) -> str:
        """Changes with everything that a screen shows of it."""
        told = (
            self.alive,
            [(one.name, one.state, one.cause, one.served, one.paused_at, one.proved) for one in self.printers],
            [(one.id, one.state, one.cause, one.printer) for one in self.jobs],
            sorted(self.doubtful),
        )
        return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def look(spool: Spool, *, at: datetime) -> Seen:
    """Read the spool.

    Raises:
        PrinterError: it cannot be read.
    """
    jobs = spool.open_jobs(at - ASKED_FOR)
    handed = [job for job in jobs if job.state in {State.UNSURE, State.SENT} and not job.secret]
    sendings = spool.sendings(job.id for job in handed)
    doubtful = {
        job.id: job.id in sendings and sendings[job.id].asks_id
        for job in handed
        if job.state is State.UNSURE or (job.id in sendings and at - sendings[job.id].at >= PROOF_AWAITED)
    }
    return Seen(alive=spool.is_alive(at), printers=tuple(spool.printers()), jobs=tuple(jobs), doubtful=doubtful)


class Glance:
    """The mark of the print room, read again only when the spool was written to or a second has passed."""

    def __init__(self, spool: Spool, clock: Callable[[], datetime]) -> None:
        self._spool = spool
        self._clock = clock
        self._kept: tuple[object, str] = (None, "")

    def __call__(self) -> str:
        """The mark now; a word of its own while the spool is away."""
        at = self._clock()
        try:
            written = (self._spool.writings(), int(at.timestamp()))
            if self._kept[0] != written:
                self._kept = (written, look(self._spool, at=at).mark)
        except PrinterError:
            self._kept = (None, "away")
        return self._kept[1]


def trouble(spool: Spool, *, at: datetime) -> str:
    """What a person should look at in the print room, in a few words; "" where nothing waits."""
    try:
        seen = look(spool, at=at)
    except PrinterError:
        return "file d'impression inaccessible"
    # What a printer without proofs has sent waits for the scan of its tube, and is nobody's trouble yet.
    if unsure := sum(
        job.state is State.UNSURE or seen.doubtful.get(job.id, False) for job in seen.jobs if not job.secret
    ):
        return "une étiquette à vérifier" if unsure == 1 else f"{unsure} étiquettes à vérifier"
    if any(job.state in {State.HELD, State.NOT_SENT} for job in seen.jobs):
        return "des papiers attendent"
    return "" if seen.alive else "station arrêtée"
