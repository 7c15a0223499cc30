"""The durable list of papers to print: once committed here, a paper is never forgotten and never sent twice."""

import json
import os
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Self

from printers.errors import ImpossibleMove, NoStation, SpoolAway, UnknownJob
from printers.moves import ERASED, FINAL, NEVER_SENT, PERSON_CAUSES, STATION, State, Verb, follow
from printers.paper import Paper
from printers.rows import (
    COLUMNS,
    Job,
    Move,
    PrinterState,
    Sent,
    milliseconds,
    moment,
    prepare,
    read_job,
    read_move,
    read_printer,
)
from printers.sealing import PAGES_SIZE, ROLL_SIZE, StationId, believe_start, seal

ALIVE_S = 20  #: a station that did not say so for this long is not running
HEADER = "header"  #: the kind of paper that announces a batch on another desk
SECRET_S = 120  #: a secret paper that is not out by then is void


class Spool:
    """The spool file; `station` is the pinned station whose papers may be sealed here (None: look and move only)."""

    def __init__(self, path: Path | str, station: StationId | None = None) -> None:
        self.path = Path(path)
        self.station = station
        self._lock = threading.RLock()
        self._link: sqlite3.Connection | None = None
        self._accepted = 0  # the highest start number seen: an older one that comes back is a replay
        self._to_scrub = False

    def close(self) -> None:
        """Close the file; the next call opens it again."""
        with self._lock:
            if self._link is not None:
                self._link.close()
                self._link = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _open(self) -> sqlite3.Connection:
        # Opened at first use: a process that forks afterwards would share a connection, which SQLite forbids.
        if self._link is None:
            os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o660))
            link = sqlite3.connect(self.path, timeout=5, isolation_level=None, check_same_thread=False)
            try:
                prepare(link)
            except BaseException:
                link.close()
                raise
            self._link = link
        return self._link

    @contextmanager
    def _away(self) -> Iterator[None]:
        """The apps know one tree of faults: a full disk or a locked file is a printer's trouble, no more."""
        try:
            yield
        except (sqlite3.Error, OSError) as fault:
            raise SpoolAway(f"{self.path.name}: {type(fault).__name__}") from fault

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._lock, self._away():
            link = self._open()
            link.execute("BEGIN IMMEDIATE")
            try:
                yield link
                link.execute("COMMIT")
            except BaseException:
                if link.in_transaction:  # a full disk has already rolled it back
                    link.execute("ROLLBACK")
                raise

    def _rows(self, question: str, *values: object) -> list[sqlite3.Row]:
        with self._lock, self._away():
            return self._open().execute(question, values).fetchall()

    # What the apps do.

    def put(
        self,
        paper: Paper,
        *,
        printer: str,
        at: datetime,
        chance: Callable[[int], bytes],
        priority: int = 0,
        batch: str | None = None,
        position: int = 0,
    ) -> Job:
        """Put a paper in the spool once: the same key again gives the job that is already there.

        A higher `priority` goes first; jobs of one `batch` stay together, in the order of `position`. Raise `NoStation`
        for a secret paper when no trusted station is running.
        """
        if (known := self.job(paper.key)) is not None:
            return known
        sealed_to, payload = self._sealed(paper, printer, at=at, chance=chance)
        with self._writing() as db:
            _add(
                db,
                paper,
                payload,
                sealed_to=sealed_to,
                printer=printer,
                at=at,
                priority=priority,
                batch=batch,
                position=position,
            )
        return self._known(paper.key)

    def _sealed(self, paper: Paper, printer: str, *, at: datetime, chance: Callable[[int], bytes]) -> tuple[int, bytes]:
        """The start number a paper is sealed to (0: the lasting key), and its sealed bytes."""
        if self.station is None:
            raise NoStation("no station is named in the settings")
        number, key = self.start_key(at) if paper.secret else (0, self.station.sealing)
        least = (PAGES_SIZE if paper.form.has_pages else ROLL_SIZE) if paper.secret else 0
        return number, seal(f"{printer}\n{paper.to_json()}".encode(), key, chance, least=least)

    def job(self, key: str) -> Job | None:
        """The job of this key, if any."""
        rows = self._rows(f"SELECT {COLUMNS} FROM jobs WHERE key = ?", key)  # noqa: S608 - names of our own fields
        return read_job(rows[0]) if rows else None

    def _known(self, key: str) -> Job:
        if (job := self.job(key)) is None:
            raise UnknownJob(f"no job has the key {key}")
        return job

    def jobs(self, states: Iterable[State] | None = None) -> list[Job]:
        """All jobs, or those in these states, oldest first."""
        wanted = list(State) if states is None else list(states)
        marks = ", ".join("?" * len(wanted))
        question = f"SELECT {COLUMNS} FROM jobs WHERE state IN ({marks}) ORDER BY id"  # noqa: S608 - question marks
        return [read_job(row) for row in self._rows(question, *wanted)]

    def numbered(self, number: int) -> Job | None:
        """The job of this row number, if any: what a screen may name in an address."""
        rows = self._rows(f"SELECT {COLUMNS} FROM jobs WHERE id = ?", number)  # noqa: S608 - names of our own fields
        return read_job(rows[0]) if rows else None

    def open_jobs(self, since: datetime) -> list[Job]:
        """What is on its way or asks something of a person, oldest first; labels sent without a proof since then."""
        question = (
            f"SELECT {COLUMNS} FROM jobs WHERE state IN ('queued', 'sending', 'held', 'not_sent', 'unsure')"  # noqa: S608
            " OR (state = 'sent' AND queued >= ? AND kind = 'label') ORDER BY id"
        )
        return [read_job(row) for row in self._rows(question, milliseconds(since))]

    def sendings(self, numbers: Iterable[int]) -> dict[int, Sent]:
        """The last time each of these jobs was sent, by its row number; those that never were are left out."""
        asked = json.dumps(list(numbers))
        rows = self._rows(
            "SELECT job, started, pid, dots FROM attempts WHERE id IN (SELECT MAX(id) FROM attempts"
            " WHERE job IN (SELECT value FROM json_each(?)) GROUP BY job)",
            asked,
        )
        return {row["job"]: Sent(at=moment(row["started"]), asks_id=row["pid"] != "", dots=row["dots"]) for row in rows}

    def handed_on(self, since: datetime) -> list[Move]:
        """The papers that went to another printer since then, oldest first; headers left out."""
        rows = self._rows(
            "SELECT verb, old, new, moves.printer, by, reason, at FROM moves JOIN jobs ON jobs.id = moves.job"
            " WHERE verb = 'give' AND at >= ? AND kind != ? ORDER BY moves.id",
            milliseconds(since),
            HEADER,
        )
        return [read_move(row) for row in rows]

    def writings(self) -> tuple[int, int]:
        """Two numbers that change whenever this file is written to, by this programme or another."""
        with self._lock, self._away():
            link = self._open()
            return link.execute("PRAGMA data_version").fetchone()[0], link.total_changes

    def moves(self, key: str) -> list[Move]:
        """The history of a job, oldest first."""
        rows = self._rows(
            "SELECT verb, old, new, moves.printer, by, reason, at FROM moves JOIN jobs ON jobs.id = moves.job"
            " WHERE key = ? ORDER BY moves.id",
            key,
        )
        return [read_move(row) for row in rows]

    def move(self, key: str, verb: Verb, *, by: str, at: datetime, reason: str = "", printer: str | None = None) -> Job:
        """Make one move of the table, or raise `ImpossibleMove`; `printer` names the new one for `Verb.GIVE`."""
        with self._writing() as db:
            self._move(db, key, verb, by=by, at=at, reason=reason, printer=printer)
        self.scrub()
        return self._known(key)

    def _move(
        self,
        db: sqlite3.Connection,
        key: str,
        verb: Verb,
        *,
        by: str,
        at: datetime,
        reason: str = "",
        printer: str | None = None,
        looked: bool = True,
    ) -> Job:
        job = self._known(key)
        new = follow(job.state, verb, by=by, cause=job.cause, secret=job.secret)
        if (verb is Verb.GIVE) != (printer is not None):
            raise ImpossibleMove("a job is given to a named printer")
        if verb is Verb.HOLD and reason == "pause" and by == STATION and not self.is_paused(job.printer):
            raise ImpossibleMove(f"{job.printer} is paused no more")
        now = milliseconds(at)
        db.execute(
            "UPDATE jobs SET state = ?, cause = ?, printer = ? WHERE id = ?",
            (new, job.cause if verb is Verb.GIVE else reason, printer or job.printer, job.id),
        )
        if verb is Verb.RESUME and by != STATION and looked:
            # A person has looked: its age starts again, and what was to be asked has been asked.
            db.execute("UPDATE jobs SET queued = ? WHERE id = ?", (now, job.id))
            db.execute("UPDATE jobs SET expires = NULL WHERE id = ? AND on_expiry = 'ask'", (job.id,))
        if new in ERASED and job.secret:
            db.execute("UPDATE jobs SET payload = NULL WHERE id = ?", (job.id,))
            self._to_scrub = True
        if new in FINAL or new in {State.UNSURE, State.NOT_SENT}:
            db.execute(
                "UPDATE attempts SET outcome = ?, ended = ? WHERE id = (SELECT MAX(id) FROM attempts WHERE job = ?)"
                " AND (outcome IS NULL OR outcome IN ('sent', 'unsure'))",
                (new, now, job.id),
            )
        _write_move(
            db, job.id, verb, old=job.state, new=new, printer=printer or job.printer, by=by, reason=reason, now=now
        )
        return job

    def rest_of(self, key: str) -> list[str]:
        """The jobs that may go to another printer with this one: of its batch and printer, never sent."""
        job = self._known(key)
        rest = [other for other in self.jobs_of(job.printer, NEVER_SENT) if not other.secret]
        return [other.key for other in rest if other.key == key or (other.batch == job.batch and job.batch is not None)]

    def hand_on(
        self,
        keys: Iterable[str],
        to: str,
        *,
        by: str,
        at: datetime,
        chance: Callable[[int], bytes],
        reason: str = "",
        header: Callable[[list[int], str], Paper] | None = None,
    ) -> list[Job]:
        """Give to the printer `to`, in one commit, those of these jobs that were never sent; all others stay.

        Secret papers stay too, and for the station what waits for a person's word. `header` makes, from the places of
        the moved labels in their batch and a key, the paper that comes out before them.
        """
        with self._writing() as db:
            asked = [self._known(key) for key in keys]
            moved = [job for job in asked if _may_leave(job, by=by) and job.printer != to]
            for job in moved:
                stale = header is not None and job.kind == HEADER
                self._move(
                    db,
                    job.key,
                    Verb.DROP if stale else Verb.GIVE,
                    by=by,
                    at=at,
                    reason="announced anew" if stale else reason,
                    printer=None if stale else to,
                )
            for job in moved:
                if by != STATION and job.cause == "pause" and (job.kind != HEADER or header is None):
                    self._move(db, job.key, Verb.RESUME, by=by, at=at, looked=False)  # the pause was the other's
            papers = [job for job in moved if job.kind != HEADER]
            if header is not None:
                for batch in dict.fromkeys(job.batch or f"alone/{job.key}" for job in papers):
                    together = [job for job in papers if batch in {job.batch, f"alone/{job.key}"}]
                    self._announce(db, batch, together, to, header, at=at, chance=chance)
        return [self._known(job.key) for job in papers]

    def _announce(
        self,
        db: sqlite3.Connection,
        batch: str,
        together: list[Job],
        to: str,
        header: Callable[[list[int], str], Paper],
        *,
        at: datetime,
        chance: Callable[[int], bytes],
    ) -> None:
        """Put a header before these jobs of one batch, on the printer where they go."""
        rows = db.execute("SELECT id FROM jobs WHERE batch = ? AND kind != ? ORDER BY position, id", (batch, HEADER))
        places = {row["id"]: place for place, row in enumerate(rows, 1)}
        paper = header([places.get(job.id, 1) for job in together], f"header/{milliseconds(at)}/{together[0].id}")
        sealed_to, payload = self._sealed(paper, to, at=at, chance=chance)
        for job in together:
            db.execute("UPDATE jobs SET batch = ? WHERE id = ?", (batch, job.id))
        _add(
            db,
            paper,
            payload,
            sealed_to=sealed_to,
            printer=to,
            at=at,
            priority=max(job.priority for job in together),
            batch=batch,
            position=min(job.position for job in together) - 1,
        )

    def scrub(self) -> None:
        """Take the erased bytes of secret papers out of the write-ahead log too; tried again while someone reads."""
        with self._lock, self._away():
            if self._to_scrub:
                busy = self._open().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
                self._to_scrub = bool(busy)

    # How the station is believed, and what it last said of its printers.

    def start_key(self, at: datetime) -> tuple[int, bytes]:
        """The number and key of the running station, believed only under the pinned station's signature."""
        rows = self._rows(
            "SELECT number, key, signature FROM stations WHERE ended IS NULL AND seen >= ?"
            " ORDER BY number DESC LIMIT 1",
            milliseconds(at) - 1000 * ALIVE_S,
        )
        if not rows or self.station is None:
            raise NoStation("no station is running")
        number, key, signature = rows[0]["number"], rows[0]["key"], rows[0]["signature"]
        believe_start(self.station, number, key, signature)
        if number < self._accepted:
            raise NoStation("the running station shows a key of the past")
        self._accepted = number
        return number, key

    def is_alive(self, at: datetime) -> bool:
        """Whether a station says that it runs; whose it is, only `start_key` proves."""
        seen = milliseconds(at) - 1000 * ALIVE_S
        return bool(self._rows("SELECT 1 FROM stations WHERE ended IS NULL AND seen >= ?", seen))

    def pause(self, printer: str, *, by: str, at: datetime) -> None:
        """Stop a printer by a person's word: once this returns no first byte of a paper leaves for it."""
        with self._writing() as db:
            db.execute(
                "UPDATE printers SET paused_at = ?, paused_by = ? WHERE name = ? AND paused_at IS NULL",
                (milliseconds(at), by, printer),
            )
            for job in self.jobs_of(printer, (State.QUEUED,)):
                self._move(db, job.key, Verb.HOLD, by=by, at=at, reason="pause")

    def unpause(self, printer: str, *, by: str, at: datetime) -> None:
        """Let a printer go on by a person's word; what has become too old meanwhile asks again before it comes out."""
        if by == STATION:
            raise ImpossibleMove("only a person resumes a printer")
        with self._writing() as db:
            db.execute("UPDATE printers SET paused_at = NULL, paused_by = NULL WHERE name = ?", (printer,))
            for job in self.jobs_of(printer, (State.HELD,)):
                if job.cause == "pause":
                    self._move(db, job.key, Verb.RESUME, by=by, at=at, looked=False)

    def is_paused(self, printer: str) -> bool:
        """Whether a person has paused this printer."""
        return bool(self._rows("SELECT 1 FROM printers WHERE name = ? AND paused_at IS NOT NULL", printer))

    def printers(self) -> list[PrinterState]:
        """What the station last saw of each printer, by name."""
        return [read_printer(row) for row in self._rows("SELECT * FROM printers ORDER BY name")]

    def jobs_of(self, printer: str, states: Iterable[State]) -> list[Job]:
        """Jobs of this printer in these states, oldest first."""
        states = tuple(states)
        marks = ", ".join("?" * len(states))
        question = f"SELECT {COLUMNS} FROM jobs WHERE printer = ? AND state IN ({marks}) ORDER BY id"  # noqa: S608 - ours
        return [read_job(row) for row in self._rows(question, printer, *states)]


def _may_leave(job: Job, *, by: str) -> bool:
    """Whether a job may go to another printer: never a byte sent, no secret, no question that waits for a person."""
    waits = by == STATION and job.state is State.HELD and job.cause in PERSON_CAUSES
    return job.state in NEVER_SENT and not job.secret and not waits


def _add(
    db: sqlite3.Connection,
    paper: Paper,
    payload: bytes,
    *,
    sealed_to: int,
    printer: str,
    at: datetime,
    priority: int,
    batch: str | None,
    position: int,
) -> None:
    """A new row, unless one has this key."""
    lasts, on_expiry, now = paper.expires_s, paper.on_expiry, milliseconds(at)
    if paper.secret:
        lasts, on_expiry = min(lasts or SECRET_S, SECRET_S), "void"
    new = db.execute(
        "INSERT INTO jobs (key, kind, state, printer, priority, batch, position, secret, sealed_to, payload,"
        " created, queued, expires, on_expiry) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " ON CONFLICT (key) DO NOTHING RETURNING id",
        (paper.key, paper.kind, State.QUEUED, printer, priority, batch, position, paper.secret, sealed_to, payload,
         now, now, None if lasts is None else now + 1000 * lasts, on_expiry),
    ).fetchone()  # fmt: skip
    if new is not None:
        _write_move(db, new["id"], "put", old=None, new=State.QUEUED, printer=printer, by="app", reason="", now=now)


def _write_move(
    db: sqlite3.Connection,
    job: int,
    verb: str,
    *,
    old: State | None,
    new: State,
    printer: str,
    by: str,
    reason: str,
    now: int,
) -> None:
    db.execute(
        "INSERT INTO moves (job, verb, old, new, printer, by, reason, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (job, verb, old, new, printer, by, reason, now),
    )
