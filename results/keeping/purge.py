"""What is no longer kept goes: keys first, then rows whose time is over, then the words of old journal entries."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, Table, delete, exists, func, not_, select, text, tuple_
from sqlalchemy.orm import InstrumentedAttribute, Session

from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, Database, Side
from kiosk.register.journal import Act, write
from kiosk.register.sites import this_site
from kiosk.register.traces import forget, oldest_words, outdated
from results.exchange.received import ReceivedMessage
from results.keeping.rules import RULES, Span, cuts, expired, points
from results.keeping.shredding import (
    due_dossiers,
    due_messages,
    due_slips,
    end_slip,
    shred_dossier,
    shred_message,
)
from results.vault.dossiers import Dossier, Slip, is_as_written
from results.vault.keys import KeyRing

#: Rows that one transaction takes away: the counter never waits for the purge.
BATCH: Final = 200
WORDS_KEPT: Final = Span(years=10)
SECURITY_KEPT: Final = Span(years=1)
SIDES: Final[tuple[Side, ...]] = ("results", "register")

Shred = Callable[..., object]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Line:
    """What goes of one table, and the oldest that stays."""

    name: str
    gone: int
    #: Would go by its hour, and stays: somebody else has written that hour.
    held: int = 0
    #: None where nothing stays, or where it counts from another table.
    oldest: datetime | date | None
    kept: str


@dataclass(frozen=True, kw_only=True)
class _Shredding:
    """One kind of thing that is destroyed before its row goes."""

    name: str
    kept: str
    id: InstrumentedAttribute[UUID]
    since: InstrumentedAttribute[datetime]
    due: Callable[[datetime], ColumnElement[bool]]
    one: Shred
    #: Whether the hour that it counts from is the one that this house wrote; None where nothing is sealed under it.
    is_proved: Callable[[Session, KeyRing, UUID], bool] | None = None

    def find(self, db: Session, keys: KeyRing, at: datetime) -> tuple[list[UUID], int]:
        """What is destroyed now, the oldest first, and how many stay because nobody vouches for their hour."""
        due = list(db.scalars(select(self.id).where(self.due(at)).order_by(self.since)))
        proved = [one for one in due if self.is_proved is None or self.is_proved(db, keys, one)]
        return proved, len(due) - len(proved)


def _is_dossier_proved(db: Session, keys: KeyRing, dossier_id: UUID) -> bool:
    return is_as_written(keys, db.get_one(Dossier, dossier_id))


def _is_slip_proved(db: Session, keys: KeyRing, slip_id: UUID) -> bool:
    dossier = db.get_one(Dossier, db.get_one(Slip, slip_id).dossier_id)
    return dossier.shredded_at is not None or is_as_written(keys, dossier)


_SHREDDINGS: Final = (
    _Shredding(
        name="clés de dossiers", kept="heure promise + 90 jours", id=Dossier.id, since=Dossier.promised_at,
        due=due_dossiers, one=shred_dossier, is_proved=_is_dossier_proved,
    ),
    _Shredding(
        name="lignes de talons", kept="heure promise + 60 jours", id=Slip.id, since=Slip.issued_at, due=due_slips,
        one=end_slip, is_proved=_is_slip_proved,
    ),
    _Shredding(
        name="octets de messages", kept="30 jours, 90 si écarté", id=ReceivedMessage.id,
        since=ReceivedMessage.received_at, due=due_messages, one=shred_message,
    ),
)  # fmt: skip


def survey(database: Database, keys: KeyRing, *, at: datetime) -> list[Line]:
    """Count what a purge would take away now; nothing is written."""
    lines = []
    with database.reading() as db:
        now = cuts(at=at, timezone=this_site(db).timezone)
        for kind in _SHREDDINGS:
            found, held = kind.find(db, keys, at)
            oldest = db.scalar(select(func.min(kind.since)).where(not_(kind.due(at))))
            lines.append(Line(name=kind.name, gone=len(found), held=held, oldest=oldest, kept=kind.kept))
        for table in _tables():
            rule = RULES[table.key]
            due = expired(table.key)
            gone = db.scalar(select(func.count()).select_from(table).where(due), now) or 0
            since = table.c[rule.since] if rule.since else None
            oldest = None if since is None else db.scalar(select(func.min(since)).where(not_(due)), now)
            lines.append(Line(name=table.key, gone=gone, oldest=oldest, kept=rule.span.french))
        for side in SIDES:
            gone = sum(len(numbers) for numbers in _outdated_words(lambda ask: ask(db), side, at))
            name = "journal_text" if side == "register" else f"{STAFF_ONLY}.journal_text"
            oldest = oldest_words(db, side)
            lines.append(Line(name=name, gone=gone, oldest=oldest, kept=f"{WORDS_KEPT.french}, sécurité 12 mois"))
    return lines


def purge(database: Database, keys: KeyRing, *, by: str, at: datetime, chance: Chance) -> dict[str, int]:
    """Take away what is no longer kept, a few rows at a time; killed anywhere, the next run goes on. Then `clean`.

    Nothing is shredded by an hour that somebody else has written: it stays, and the journal and the log say how many.

    Args:
        database: both sides.
        keys: prove the hours that shredding counts from.
        by: the programme or the command that asks.
        at: now.
        chance: gives the journal's salt.

    Returns:
        Table or thing -> how many went.
    """
    gone: dict[str, int] = {}
    with database.reading() as db:
        now = cuts(at=at, timezone=this_site(db).timezone)
    held = 0
    for kind in _SHREDDINGS:
        with database.reading() as db:
            found, unproved = kind.find(db, keys, at)
        for one in found:
            with database.transaction("results") as db:
                kind.one(db, one, by=by, at=at, chance=chance)
        gone[kind.name], held = len(found), held + unproved
    if held:
        _log.warning("the purge leaves %d things whose hour nobody vouches for", held)
    gone |= dict.fromkeys(RULES, 0)
    with database.reading() as db:  # most tables have nothing to give on most evenings
        owing = [table for table in _tables() if db.scalar(select(exists(select(1).where(expired(table.key)))), now)]
    for table in owing:
        gone[table.key] = _take_rows(database, table, now)
    for side in SIDES:
        gone[f"{side} words"] = _take_words(database, side, at)
    for side in SIDES:
        with database.transaction(side) as db:
            write(db, side, Act.PURGE_DONE, by=by, at=at, chance=chance, gone=sum(gone.values()), held=held)
    return gone


def clean(database: Database) -> bool:
    """Take what was deleted off the disk: fold the logs of SQLite in, vacuum PostgreSQL.

    Deleted bytes are overwritten where they stood (`secure_delete`); until the log is folded in, it holds a copy.

    Returns:
        False when somebody was reading: try again.
    """
    engine = database.writing_engines["results"]
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for table in _tables():
                connection.execute(text(f"VACUUM {table.key}"))
        return True
    folded = database.fold_results()
    return database.fold_register() and folded


def _tables() -> list[Table]:
    """Every table with a rule, those that stand on others first; the rules have loaded them all."""
    wanted = {Base.metadata.tables[name] for name in RULES}
    return [table for table in reversed(Base.metadata.sorted_tables) if table in wanted]


def _take_rows(database: Database, table: Table, now: dict[str, datetime | date]) -> int:
    side: Side = "results" if table.schema == STAFF_ONLY else "register"
    columns = tuple(table.primary_key.columns)
    asked = select(*columns).where(expired(table.key)).limit(BATCH)
    for own in points(table, table.key):  # an aliquot before the tube that it was poured from
        below = table.alias()
        asked = asked.where(not_(exists(select(1).where(below.c[own.parent.name] == table.c[own.column.name]))))
    gone = 0
    while True:
        with database.reading() as db:
            rows = db.execute(asked, now).all()
        if not rows:
            return gone
        with database.transaction(side) as db:
            if len(columns) == 1:
                db.execute(delete(table).where(columns[0].in_([row[0] for row in rows])))
            else:
                db.execute(delete(table).where(tuple_(*columns).in_([tuple(row) for row in rows])))
        gone += len(rows)


def _take_words(database: Database, side: Side, at: datetime) -> int:
    def ask(question: Callable[[Session], list[int]]) -> list[int]:
        with database.reading() as db:
            return question(db)

    gone = 0
    for numbers in _outdated_words(ask, side, at):
        with database.transaction(side) as db:
            forget(db, side, numbers)
        gone += len(numbers)
    return gone


def _outdated_words(ask: Callable[..., list[int]], side: Side, at: datetime) -> Iterator[list[int]]:
    """The numbers whose words go, some at a time, none twice."""
    seen: set[int] = set()
    for span, alone in ((WORDS_KEPT, False), (SECURITY_KEPT, True)):
        numbers = [-1]
        while numbers := ask(
            partial(outdated, side=side, before=span.before(at), security_alone=alone, after=numbers[-1])
        ):
            yield [number for number in numbers if number not in seen]
            seen.update(numbers)
