"""The spool as its one station sees it: what to print next, what was sent, what came out."""

from collections.abc import Iterable
from datetime import datetime

from printers.errors import ImpossibleMove
from printers.moves import STATION, Verb
from printers.rows import (
    COLUMNS,
    PROOFS,
    Attempt,
    Job,
    Place,
    Proved,
    media_text,
    milliseconds,
    process_id,
    read_job,
)
from printers.spool import Spool


class StationSpool(Spool):
    """The spool with the moves that only a print station makes: an app has no such hand on a paper's proof."""

    def last_number(self) -> int:
        """The highest number that a station has published here."""
        return int(self._rows("SELECT COALESCE(MAX(number), 0) AS n FROM stations")[0]["n"])

    def publish(self, *, number: int, key: bytes, signature: bytes, at: datetime) -> None:
        """Show the key of a station that starts; what was sealed to the ones before is lost."""
        now = milliseconds(at)
        with self._writing() as db:
            db.execute("UPDATE stations SET ended = ? WHERE ended IS NULL", (now,))
            db.execute(
                "INSERT INTO stations (number, key, signature, started, seen) VALUES (?, ?, ?, ?, ?)",
                (number, key, signature, now, now),
            )

    def beat(self, number: int, *, at: datetime) -> None:
        """The station says that it is alive."""
        with self._writing() as db:
            db.execute("UPDATE stations SET seen = ? WHERE number = ?", (milliseconds(at), number))
        self.scrub()

    def leave(self, number: int, *, at: datetime) -> None:
        """The station says that it stops."""
        with self._writing() as db:
            db.execute("UPDATE stations SET ended = ? WHERE number = ?", (milliseconds(at), number))

    def describe(self, places: Iterable[Place], *, at: datetime) -> None:
        """The station that starts says which printers it serves; what it does not name is out of service."""
        with self._writing() as db:
            db.execute("UPDATE printers SET served = 0")
            for place in places:
                db.execute(
                    "INSERT INTO printers (name, state, cause, seen, desk, media, served)"
                    " VALUES (?, 'held', '', ?, ?, ?, 1)"
                    " ON CONFLICT (name) DO UPDATE SET desk = excluded.desk, media = excluded.media, served = 1",
                    (place.name, milliseconds(at), place.desk, media_text(place.media)),
                )

    def tell(self, printer: str, state: str, cause: str, *, at: datetime) -> None:
        """Write down what the station sees of a printer."""
        with self._writing() as db:
            db.execute(
                "INSERT INTO printers (name, state, cause, seen) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE"
                " SET state = excluded.state, cause = excluded.cause, seen = excluded.seen",
                (printer, state, cause, milliseconds(at)),
            )

    def write_proved(self, printer: str, proved: Proved) -> None:
        """Write down what a pairing proved; it replaces what an earlier one did."""
        words = " ".join(name for name in PROOFS if getattr(proved, name))
        at = milliseconds(proved.at)
        with self._writing() as db:
            db.execute(
                "INSERT INTO printers (name, state, cause, seen) VALUES (?, ?, ?, ?) ON CONFLICT (name) DO NOTHING",
                (printer, "ready" if proved.status else "held", "" if proved.status else "silent", at),
            )
            db.execute(
                "UPDATE printers SET model = ?, firmware = ?, process_id = ?, proved = ?, proved_at = ?, proved_by = ?"
                " WHERE name = ?",
                (proved.model, proved.firmware, proved.process_id, words, at, proved.by, printer),
            )

    def proved(self, printer: str) -> Proved | None:
        """What the last pairing of this printer proved, None if it never was paired."""
        return next((told.proved for told in self.printers() if told.name == printer), None)

    def next_job(self, printer: str) -> Job | None:
        """The job whose turn it is: the batch already begun, then priority, then age; a batch is never interleaved."""
        rows = self._rows(
            f"""SELECT {COLUMNS} FROM jobs AS j WHERE printer = ?1 AND state = 'queued' ORDER BY
            (batch IS NOT NULL AND batch = (SELECT b.batch FROM attempts JOIN jobs AS b ON b.id = attempts.job
                WHERE attempts.printer = ?1 ORDER BY attempts.id DESC LIMIT 1)) DESC,
            priority DESC,
            COALESCE((SELECT MIN(m.id) FROM jobs AS m WHERE m.batch = j.batch AND m.printer = j.printer), j.id),
            position, id LIMIT 1""",  # noqa: S608 - names of our own fields
            printer,
        )
        return read_job(rows[0]) if rows else None

    def payload(self, key: str) -> bytes | None:
        """The sealed paper, None once erased."""
        rows = self._rows("SELECT payload FROM jobs WHERE key = ?", key)
        return rows[0]["payload"] if rows else None

    def begin(
        self, key: str, *, at: datetime, printer: str | None = None, asks_id: bool = True, dots: str = ""
    ) -> Attempt:
        """Commit `sending` and the attempt; only after this may the first byte leave.

        `asks_id`: the printer will be asked for a proof; `dots`: the fingerprint of the picture that leaves. Raise
        `ImpossibleMove` when the job has meanwhile been given to another printer than `printer`, its sender, or when a
        person has paused that printer.
        """
        with self._writing() as db:
            job = self._move(db, key, Verb.SEND, by=STATION, at=at)
            if printer not in {None, job.printer}:
                raise ImpossibleMove(f"this job was given to {job.printer}")
            if self.is_paused(job.printer):
                raise ImpossibleMove(f"{job.printer} is paused")
            number = db.execute(
                "INSERT INTO attempts (job, printer, pid, started, dots) VALUES (?, ?, '', ?, ?) RETURNING id",
                (job.id, job.printer, milliseconds(at), dots),
            ).fetchone()["id"]
            pid = process_id(number) if asks_id else b""
            db.execute("UPDATE attempts SET pid = ? WHERE id = ?", (pid.decode(), number))
        return Attempt(id=number, pid=pid)

    def hand_over(self, key: str, attempt: Attempt, *, sha256: str, at: datetime) -> None:
        """Commit `sent`: the last byte was handed over."""
        with self._writing() as db:
            self._move(db, key, Verb.HAND_OVER, by=STATION, at=at)
            db.execute("UPDATE attempts SET outcome = 'sent', sha256 = ? WHERE id = ?", (sha256, attempt.id))
        self.scrub()

    def prove(self, printer: str, pid: bytes, *, at: datetime) -> Job | None:
        """Confirm the job whose latest attempt on this printer carries this ID, if it waits for a proof."""
        with self._writing() as db:
            row = db.execute(
                "SELECT key, attempts.id AS id, jobs.id AS job FROM attempts JOIN jobs ON jobs.id = attempts.job"
                " WHERE attempts.printer = ? AND pid = ? AND state IN ('sent', 'unsure')"
                " ORDER BY attempts.id DESC LIMIT 1",
                (printer, pid.decode("ascii", "replace")),
            ).fetchone()
            if row is None:
                return None
            latest = db.execute("SELECT MAX(id) AS id FROM attempts WHERE job = ?", (row["job"],)).fetchone()["id"]
            if latest != row["id"]:
                return None
            self._move(db, row["key"], Verb.CONFIRM, by=STATION, at=at, reason="proof")
        self.scrub()
        return self.job(row["key"])

    def recover(self, printer: str, *, at: datetime) -> list[Job]:
        """After a start: what was being sent is unsure, and what was sent too if the printer was asked for a proof."""
        rows = self._rows(
            "SELECT key FROM jobs WHERE printer = ? AND (state = 'sending' OR (state = 'sent' AND"
            " (SELECT pid FROM attempts WHERE attempts.job = jobs.id ORDER BY attempts.id DESC LIMIT 1) != ''))"
            " ORDER BY id",
            printer,
        )
        return [self.move(row["key"], Verb.DOUBT, by=STATION, at=at, reason="station restarted") for row in rows]

    def last_outcome(self, printer: str) -> str | None:
        """How the last attempt on this printer ended, None if it never tried."""
        rows = self._rows("SELECT outcome FROM attempts WHERE printer = ? ORDER BY id DESC LIMIT 1", printer)
        return rows[0]["outcome"] if rows else None
