"""The papers of the print room: which waits where and why, and which only a person can judge."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kiosk.register.visits import Visit
from labels.printing import label_of
from labels.printroom.lights import Light, light_of, other_printers
from labels.printroom.watching import Seen, look
from labels.tubes import Tube
from printers.draw import draw
from printers.errors import CAUSES
from printers.moves import NEVER_SENT, STATION, State
from printers.notices import make_test_page
from printers.paper import Paper
from printers.preview import fingerprint
from printers.rows import Job, PrinterState
from printers.spool import Spool

#: A secret paper is void after two minutes; for so long the screen says that one may lie at the printer.
SECRET_SHOWN: Final = timedelta(minutes=30)
#: How long the screen says which printer took over.
TAKEN_OVER: Final = timedelta(minutes=30)
#: A printer that stands still for one of these may have the paper in its memory: it comes out by itself.
KEEPS: Final = frozenset({"paper-out", "cover-open", "ribbon-out", "cutter", "silent", "paused", "busy"})
#: What a paper that is no label is called, by its kind.
KINDS: Final = {
    "ticket": "Ticket",
    "test": "Essai",
    "header": "Annonce d'une suite",
    "picture": "Image",
    "journal-note": "Note des journaux",
}
_LABEL: Final = re.compile(r"label/([0-9]{1,20})/([0-9]{1,4})")
_TICKET: Final = re.compile(r"ticket/([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/1")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One paper of the spool as the screen may name it; of a confidential one, nothing."""

    job: Job
    #: `Étiquette`, `Ticket`, … or `Papier confidentiel`.
    what: str
    #: The container, of a label alone.
    tube: Tube | None
    copy: int
    visit: Visit | None
    #: Why it waits, and the gesture to make.
    why: str
    gesture: str

    @property
    def pictured(self) -> bool:
        """Whether it may be drawn again and shown."""
        return not self.job.secret and (self.tube is not None or self.job.kind == "test")

    @property
    def never_sent(self) -> bool:
        """Whether it may still be thrown away or go to another printer."""
        return self.job.state in NEVER_SENT


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Papers that stay together on one printer, and the printers that could take the rest of them."""

    rows: tuple[Row, ...]
    moves_to: tuple[PrinterState, ...]


@dataclass(frozen=True, kw_only=True)
class TakenOver:
    """Papers that went on to another printer: which one, whether by itself, how many, when the last one went."""

    to: str
    by_itself: bool
    count: int
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Stand:
    """One printer with its papers."""

    printer: PrinterState
    light: Light
    batches: tuple[Batch, ...]
    #: Too old to come out unasked: print them or throw them away.
    old: tuple[Row, ...]
    taken: tuple[TakenOver, ...]

    @property
    def count(self) -> int:
        """The papers in its queue, without the old ones."""
        return sum(len(batch.rows) for batch in self.batches)

    @property
    def waiting(self) -> tuple[Row, ...]:
        """Everything here that was never sent."""
        return (*(row for batch in self.batches for row in batch.rows if row.never_sent), *self.old)


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """A paper of which only a person can say whether it is out."""

    row: Row
    #: Whether its printer was asked for a proof; without one, the scan of the tube says it too.
    asked: bool
    #: Whether the printer may still have it in its memory.
    kept: bool


@dataclass(frozen=True, kw_only=True)
class Room:
    """The whole print room at one moment."""

    seen: Seen
    stands: tuple[Stand, ...]
    doubts: tuple[Doubt, ...]
    #: Confidential papers that are perhaps out: the desk that made them answers.
    secrets: tuple[Row, ...]


def look_round(db: Session, spool: Spool, site_id: UUID, *, at: datetime) -> Room:
    """Look at every printer, and at every paper that waits for it or for a person.

    Raises:
        PrinterError: the spool cannot be read.
    """
    seen = look(spool, at=at)
    rows = _rows(db, site_id, seen.jobs)
    still = {one.name for one in seen.printers if one.state != "ready" and one.cause in KEEPS}
    waited = {row.job.printer for row in rows if row.never_sent}
    # A printer that no station has served yet may have papers already.
    unknown = waited - {one.name for one in seen.printers}
    printers = [*seen.printers, *(PrinterState(name=one, state="held", cause="", seen=at) for one in sorted(unknown))]
    return Room(
        seen=seen,
        stands=tuple(
            _stand(spool, printer, seen, [row for row in rows if row.job.printer == printer.name], at=at)
            for printer in printers
            if printer.served or printer.name in waited
        ),
        doubts=tuple(
            Doubt(row=row, asked=seen.doubtful[row.job.id], kept=row.job.printer in still)
            for row in sorted(rows, key=lambda row: row.job.state is not State.UNSURE)
            if row.job.id in seen.doubtful
        ),
        secrets=tuple(
            row
            for row in rows
            if row.job.secret and row.job.state is State.UNSURE and at - row.job.created < SECRET_SHOWN
        ),
    )


def row_of(db: Session, site_id: UUID, job: Job) -> Row:
    """One paper as the screen may name it."""
    return _rows(db, site_id, [job])[0]


def job_named(spool: Spool, told: str) -> Job | None:
    """The job of a row number as a form or an address says it, if any."""
    return spool.numbered(int(told)) if re.fullmatch(r"[0-9]{1,15}", told) else None


def place_of(printer: PrinterState) -> str:
    """A printer's name, and the desk where it stands."""
    return f"{printer.name} ({printer.desk})" if printer.desk else printer.name


def paper_of(db: Session, site_id: UUID, job: Job, printers: Iterable[PrinterState]) -> Paper | None:
    """Draw a paper again from the rows: a label or a test page; None of anything else, and of a confidential one."""
    if job.secret:
        return None
    media = next((printer.media for printer in printers if printer.name == job.printer), None)
    if media is None:
        return None
    if label := _LABEL.fullmatch(job.key):
        return label_of(db, site_id, label[1], int(label[2]), media)
    return make_test_page(job.printer, media, job.key) if job.kind == "test" else None


def is_what_left(spool: Spool, job: Job, paper: Paper) -> bool | None:
    """Whether this paper's dots are those that left for the printer; None when nothing has left."""
    sent = spool.sendings([job.id]).get(job.id)
    return None if sent is None or not sent.dots else sent.dots == fingerprint(draw(paper))


def _stand(spool: Spool, printer: PrinterState, seen: Seen, rows: Sequence[Row], *, at: datetime) -> Stand:
    shown = [row for row in rows if row.job.state not in {State.UNSURE, State.SENT}]
    old = tuple(row for row in shown if row.job.state is State.HELD and row.job.cause == "age")
    others, batches = other_printers(seen.printers, printer.name), []
    for _, together in groupby((row for row in shown if row not in old), lambda row: row.job.batch or row.job.key):
        papers = tuple(together)
        movable = any(row.never_sent and not row.job.secret for row in papers)
        batches.append(Batch(rows=papers, moves_to=others if movable else ()))
    taken: dict[tuple[str, bool], list[datetime]] = {}
    for move in spool.handed_on(at - TAKEN_OVER):
        if move.reason == f"after {printer.name}":
            taken.setdefault((move.printer, move.by == STATION), []).append(move.at)
    return Stand(
        printer=printer,
        light=light_of(printer, alive=seen.alive),
        batches=tuple(batches),
        old=old,
        taken=tuple(
            TakenOver(to=to, by_itself=by_itself, count=len(times), at=times[-1])
            for (to, by_itself), times in taken.items()
        ),
    )


def _rows(db: Session, site_id: UUID, jobs: Sequence[Job]) -> list[Row]:
    labels = {job.id: found for job in jobs if not job.secret and (found := _LABEL.fullmatch(job.key))}
    tickets = {job.id: found for job in jobs if not job.secret and (found := _TICKET.fullmatch(job.key))}
    tubes = {
        tube.sample_number: (tube, visit)
        for tube, visit in db.execute(
            select(Tube, Visit)
            .join(Visit, Visit.id == Tube.visit_id)
            .where(Tube.site_id == site_id, Tube.sample_number.in_({found[1] for found in labels.values()}))
        )
    }
    wanted = {UUID(found[1]) for found in tickets.values()}
    visits = {
        visit.id: visit for visit in db.scalars(select(Visit).where(Visit.site_id == site_id, Visit.id.in_(wanted)))
    }
    rows = []
    for job in jobs:
        why, gesture = CAUSES.get(job.cause, ("", ""))
        tube, visit, copy = None, None, 1
        what = "Papier confidentiel" if job.secret else KINDS.get(job.kind, "Papier")
        if job.id in labels:
            what, copy = "Étiquette", int(labels[job.id][2])
            tube, visit = tubes.get(labels[job.id][1], (None, None))
        elif job.id in tickets:
            visit = visits.get(UUID(tickets[job.id][1]))
        rows.append(Row(job=job, what=what, tube=tube, copy=copy, visit=visit, why=why, gesture=gesture))
    return rows
