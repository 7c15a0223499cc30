"""The rows of the spool file: its tables, and what is read from them as values."""

import json
import sqlite3
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime, timedelta

from printers.errors import PrinterError
from printers.moves import State
from printers.paper import Form

SCHEMA = 2
PROOFS = ("status", "cover", "barcode", "z64")  #: words of the column `proved`, beside the process ID that has its own

_STATES = ", ".join(f"'{state.value}'" for state in State)
_TABLES = f"""
CREATE TABLE jobs (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ({_STATES})),
    cause TEXT NOT NULL DEFAULT '',
    printer TEXT NOT NULL,
    priority INTEGER NOT NULL,
    batch TEXT,
    position INTEGER NOT NULL,
    secret INTEGER NOT NULL CHECK (secret IN (0, 1)),
    sealed_to INTEGER NOT NULL,
    payload BLOB,
    created INTEGER NOT NULL,
    queued INTEGER NOT NULL,
    expires INTEGER,
    on_expiry TEXT NOT NULL CHECK (on_expiry IN ('void', 'ask')),
    lease_by TEXT,
    lease_until INTEGER
) STRICT;
CREATE INDEX jobs_by_printer ON jobs (printer, state);
CREATE INDEX jobs_by_batch ON jobs (batch, printer);
CREATE INDEX jobs_by_state ON jobs (state, queued);
CREATE TABLE attempts (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job INTEGER NOT NULL REFERENCES jobs (id),
    printer TEXT NOT NULL,
    pid TEXT NOT NULL,
    started INTEGER NOT NULL,
    ended INTEGER,
    outcome TEXT,
    sha256 TEXT,
    dots TEXT NOT NULL DEFAULT '',
    picture BLOB,
    witness_before TEXT,
    witness_after TEXT
) STRICT;
CREATE INDEX attempts_by_pid ON attempts (printer, pid);
CREATE INDEX attempts_by_job ON attempts (job);
CREATE TABLE moves (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    job INTEGER NOT NULL REFERENCES jobs (id),
    verb TEXT NOT NULL,
    old TEXT,
    new TEXT NOT NULL,
    printer TEXT NOT NULL,
    by TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
CREATE INDEX moves_by_job ON moves (job);
CREATE INDEX moves_given ON moves (at) WHERE verb = 'give';
CREATE TRIGGER moves_stay AFTER UPDATE ON moves BEGIN SELECT RAISE(ABORT, 'moves are only added'); END;
CREATE TRIGGER moves_last BEFORE DELETE ON moves WHEN EXISTS (SELECT 1 FROM jobs WHERE jobs.id = OLD.job)
BEGIN SELECT RAISE(ABORT, 'moves are only added'); END;
CREATE TABLE printers (
    name TEXT PRIMARY KEY,
    state TEXT NOT NULL,
    cause TEXT NOT NULL,
    seen INTEGER NOT NULL,
    model TEXT,
    firmware TEXT,
    process_id INTEGER,
    proved TEXT,
    proved_at INTEGER,
    proved_by TEXT,
    desk TEXT NOT NULL DEFAULT '',
    media TEXT,
    served INTEGER NOT NULL DEFAULT 0,
    paused_at INTEGER,
    paused_by TEXT
) STRICT;
CREATE TABLE stations (
    number INTEGER PRIMARY KEY,
    key BLOB NOT NULL,
    signature BLOB NOT NULL,
    started INTEGER NOT NULL,
    seen INTEGER NOT NULL,
    ended INTEGER
) STRICT;
"""  # noqa: S608 - the states are our own enum


@dataclass(frozen=True, kw_only=True)
class Job:
    """One row of the spool, without its sealed paper."""

    id: int
    key: str
    kind: str
    state: State
    cause: str
    printer: str
    priority: int
    batch: str | None
    position: int
    secret: bool
    sealed_to: int
    created: datetime
    queued: datetime
    expires: datetime | None
    on_expiry: str


@dataclass(frozen=True, kw_only=True)
class Move:
    """One line of a job's history; `old` is None for its first."""

    verb: str
    old: State | None
    new: State
    printer: str
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class Attempt:
    """One sending of one job; `pid` is what the printer must answer, empty where no answer is asked."""

    id: int
    pid: bytes


@dataclass(frozen=True, kw_only=True)
class Proved:
    """What a pairing proved of a printer, when, and the person who stood before it.

    `process_id`: it says when a paper is out, and not before; `status`: it tells its state; `cover`: also an open
    cover; `barcode`: the laboratory's own scanner read its bars; `z64`: it unpacks compressed graphics.
    """

    model: str
    firmware: str = ""
    process_id: bool = False
    status: bool = False
    cover: bool = False
    barcode: bool = False
    z64: bool = False
    at: datetime
    by: str


@dataclass(frozen=True, kw_only=True)
class Sent:
    """The last sending of a job: when it began, whether a proof was asked, and the fingerprint of its dots."""

    at: datetime
    asks_id: bool
    dots: str


@dataclass(frozen=True, kw_only=True)
class Place:
    """What a station serves: a printer's name, the desk where it stands, its medium."""

    name: str
    desk: str
    media: Form


@dataclass(frozen=True, kw_only=True)
class PrinterState:
    """What the station last saw of a printer: `ready`, or `held` with its cause; `proved` at its last pairing.

    `media` is None where no station has said it, `served` whether the one that started last did; `paused_by` is who
    paused it, if anybody.
    """

    name: str
    state: str
    cause: str
    seen: datetime
    proved: Proved | None = None
    desk: str = ""
    media: Form | None = None
    served: bool = False
    paused_at: datetime | None = None
    paused_by: str = ""


def process_id(attempt: int) -> bytes:
    """The attempt's number as four characters of base 36, as GS ( H wants them."""
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return "".join(digits[attempt // 36**place % 36] for place in (3, 2, 1, 0)).encode()


def milliseconds(at: datetime) -> int:
    """A time as the spool keeps it: milliseconds since 1970 in UTC."""
    if at.utcoffset() != timedelta(0):
        raise ValueError("at is an aware time in UTC")
    return (at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def moment(ms: int) -> datetime:
    """A time that the spool kept."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)


#: The columns of `jobs` that a `Job` holds.
COLUMNS = ", ".join(field.name for field in fields(Job))


def read_job(row: sqlite3.Row) -> Job:
    """A row of `jobs` with the columns of `COLUMNS`, as a value."""
    told = dict(row)
    told["state"] = State(told["state"])
    told["secret"] = bool(told["secret"])
    for name in ("created", "queued", "expires"):
        told[name] = None if told[name] is None else moment(told[name])
    return Job(**told)


def read_printer(row: sqlite3.Row) -> PrinterState:
    """A row of `printers`, as a value."""
    proved = None
    if row["proved_at"] is not None:
        told = set(row["proved"].split())
        proved = Proved(
            model=row["model"] or "",
            firmware=row["firmware"] or "",
            process_id=bool(row["process_id"]),
            **{name: name in told for name in PROOFS},
            at=moment(row["proved_at"]),
            by=row["proved_by"],
        )
    return PrinterState(
        name=row["name"],
        state=row["state"],
        cause=row["cause"],
        seen=moment(row["seen"]),
        proved=proved,
        desk=row["desk"],
        media=None if row["media"] is None else Form(**json.loads(row["media"])),
        served=bool(row["served"]),
        paused_at=None if row["paused_at"] is None else moment(row["paused_at"]),
        paused_by=row["paused_by"] or "",
    )


def media_text(form: Form) -> str:
    """A medium as the column `media` keeps it."""
    return json.dumps(asdict(form), sort_keys=True)


def read_move(row: sqlite3.Row) -> Move:
    """A row of `moves`, as a value."""
    return Move(
        verb=row["verb"],
        old=None if row["old"] is None else State(row["old"]),
        new=State(row["new"]),
        printer=row["printer"],
        by=row["by"],
        reason=row["reason"],
        at=moment(row["at"]),
    )


def prepare(link: sqlite3.Connection) -> None:
    """Set a new connection up, and make the tables of a new file."""
    link.row_factory = sqlite3.Row
    for line in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
        link.execute(f"PRAGMA {line}")
    link.execute("BEGIN IMMEDIATE")
    version = link.execute("PRAGMA user_version").fetchone()[0]
    if version == 0:
        for statement in _TABLES.split(";\n"):
            link.execute(statement)
        link.execute(f"PRAGMA user_version={SCHEMA}")
    link.execute("COMMIT")
    if version not in {0, SCHEMA}:
        raise PrinterError(f"the spool has version {version}, this programme knows {SCHEMA}")
