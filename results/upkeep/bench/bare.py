"""The floor of the line: the same rows in the same tables, written by a driver alone."""

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

import psycopg
from sqlalchemy import make_url

from kiosk.register.journal import SALT_SIZE, TEXT_SIZE
from results.upkeep.bench.rounds import Engine

#: The first of the days that are measured; each day has so many people, five minutes apart.
FIRST: Final = datetime(2030, 1, 7, 6, 0, tzinfo=UTC)
PEOPLE: Final = 100

NUMBER: Final = (
    "INSERT INTO ticket_counter (site_id, day, number) VALUES (:site, :day, 1) "
    "ON CONFLICT (site_id, day) DO UPDATE SET number = ticket_counter.number + 1 RETURNING number"
)
VISIT: Final = (
    "INSERT INTO visit (id, site_id, day, number, state, stage, purpose, language, arrived_at, waits_since, "
    "needs_help, announced_low, announced_high) VALUES (:id, :site, :day, :number, 'arrived', 'counter', "
    "'walk_in', 'fr', :at, :at, :no, 0, 5)"
)
MOVE: Final = (
    "INSERT INTO visit_move (id, site_id, visit_id, verb, before, after, by, at, desk, reason, key) "
    "VALUES (:move, :site, :id, :verb, :before, :after, 'Borne 1', :at, :desk, :reason, :key)"
)
#: Where the journal ends: whoever writes an entry holds it to the commit.
END: Final = "SELECT size, edge FROM journal_head WHERE id = 1"
FIRST_END: Final = (
    "INSERT INTO journal_head (id, size, edge, last_at, quarter_size, quarter_root) VALUES (1, 0, :hash, :at, 0, :hash)"
)
LEAF: Final = "INSERT INTO journal_leaf (seq, hash) VALUES (:seq, :hash)"
TEXT: Final = "INSERT INTO journal_text (seq, salt, text) VALUES (:seq, :salt, :text)"
NEW_END: Final = "UPDATE journal_head SET size = :seq + 1, edge = :hash, last_at = :at WHERE id = 1"
EVENT_NUMBER: Final = (
    "INSERT INTO event_counter (site_id, number) VALUES (:site, 1) "
    "ON CONFLICT (site_id) DO UPDATE SET number = event_counter.number + 1 RETURNING number"
)
EVENT: Final = "INSERT INTO event (site_id, seq, at, topic, body) VALUES (:site, :event, :at, 'line', :body)"
CLAIM: Final = (
    "UPDATE visit SET state = 'called', desk = 'Guichet 1', called_at = :at WHERE id = (SELECT id FROM visit "
    "WHERE site_id = :site AND day = :day AND state = 'arrived' ORDER BY number LIMIT 1{lock}) AND state = 'arrived' "
    "RETURNING id, number"
)


@dataclass(frozen=True, kw_only=True)
class Bare:
    """One connection of a driver, and the acts that it writes; hashes are blank, since no tree is computed."""

    raw: Any
    engine: Engine
    site: UUID

    def arrive(self, places: Iterator[int]) -> None:
        """The person of the next place takes a number."""
        place = next(places)
        at = FIRST + timedelta(days=place // PEOPLE, minutes=5 * (place % PEOPLE))
        values = self._values(at, place) | {
            "verb": "arrive",
            "before": None,
            "after": "arrived",
            "key": f"{place:032x}",
        }
        self._begin()
        values["number"] = self._run(NUMBER, values).fetchone()[0]
        self._run(VISIT, values)
        self._leave_trace(values)
        self.raw.execute("COMMIT")

    def call(self, at: datetime, place: int) -> str | None:
        """Call whoever waits with the lowest number on a day; None when nobody does."""
        values = self._values(at, place) | {
            "verb": "call", "before": "arrived", "after": "called", "key": f"{place:031x}c", "desk": "Guichet 1",
            "reason": "attend depuis 45 min",
        }  # fmt: skip
        lock = " FOR UPDATE SKIP LOCKED" if self.engine == "postgresql" else ""
        self._begin()
        found = self._run(CLAIM.format(lock=lock), values).fetchone()
        if found is not None:
            values["id"], values["number"] = found
            self._leave_trace(values)
        self.raw.execute("COMMIT")
        return None if found is None else str(found[0])

    def _leave_trace(self, values: dict[str, Any]) -> None:
        """The move, the journal's entry and the event of an act."""
        self._run(MOVE, values)
        end = END + (" FOR UPDATE" if self.engine == "postgresql" else "")
        row = self._run(end, values).fetchone()
        if row is None:
            self._run(FIRST_END, values)
        values["seq"] = row[0] if row else 0
        for statement in (LEAF, TEXT, NEW_END):
            self._run(statement, values)
        values["event"] = self._run(EVENT_NUMBER, values).fetchone()[0]
        values["body"] = f'{{"number": {values["number"]}, "stage": "counter"}}'
        self._run(EVENT, values)

    def _values(self, at: datetime, place: int) -> dict[str, Any]:
        person, move, day = UUID(int=place), UUID(int=place + (1 << 64)), at.date()
        written: dict[str, Any] = {"site": self.site, "id": person, "move": move, "day": day, "at": at, "no": False}
        if self.engine == "sqlite":
            written = {
                "site": self.site.hex, "id": person.hex, "move": move.hex, "day": day.isoformat(),
                "at": f"{at:%Y-%m-%d %H:%M:%S.%f}", "no": 0,
            }  # fmt: skip
        blank = {"hash": bytes(32), "salt": bytes(SALT_SIZE), "text": " " * TEXT_SIZE, "desk": None, "reason": None}
        return written | blank

    def _begin(self) -> None:
        self.raw.execute("BEGIN IMMEDIATE" if self.engine == "sqlite" else "BEGIN")

    def _run(self, statement: str, values: dict[str, Any]) -> Any:
        if self.engine == "sqlite":
            return self.raw.execute(statement, values)
        return self.raw.execute(re.sub(r":(\w+)", r"%(\1)s", statement), values)


@contextmanager
def bare(register: str, site: UUID) -> Iterator[Bare]:
    """A driver's own connection to a register, as durable as ours.

    Args:
        register: path of the file, or a PostgreSQL address.
        site: whose rows are written.
    """
    if register.startswith("postgresql"):
        address = make_url(register).set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as raw:
            yield Bare(raw=raw, engine="postgresql", site=site)
        return
    with closing(sqlite3.connect(register, isolation_level=None, check_same_thread=False)) as file:
        for pragma in ("synchronous=FULL", "busy_timeout=5000", "foreign_keys=ON"):
            file.execute(f"PRAGMA {pragma}")
        yield Bare(raw=file, engine="sqlite", site=site)
