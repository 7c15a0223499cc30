"""What a journal's entries say, as long as their words are kept; the leaves stay when the words go."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ColumnElement, Table, delete, or_, select
from sqlalchemy.orm import Session

from kiosk.register.database import Base, Side
from kiosk.register.journal import Act, RegisterText, ResultsText

#: Words of acts that are security log alone, and no trace of what anybody was told.
SECURITY: Final = ("signin.", "attempt.", "phone.", "patient.searched")
#: The security log's acts by the beginning of their canonical text.
_BEGINNINGS: Final = tuple('{"act":"' + word for word in SECURITY)
_TEXTS: Final[Mapping[Side, type[Base]]] = {"register": RegisterText, "results": ResultsText}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One entry: what was done, by whom, when, with its facts."""

    seq: int
    act: Act
    #: Staff id in hexadecimal, or the name of a kiosk or programme.
    by: str
    at: datetime
    facts: Mapping[str, str | int]


def entries_of(db: Session, side: Side, ids: Collection[UUID], *, since: datetime) -> Iterator[Entry]:
    """Every entry that names one of these things, oldest first.

    Args:
        db: a session that may read this side.
        side: whose journal.
        ids: visits, dossiers, reports, slips, calls, …
        since: nothing of them is older; entries before it are not looked at.
    """
    texts = _table(side)
    first = _first_since(db, side, since)
    wanted = [texts.c.text.contains(one.hex, autoescape=True) for one in ids]
    if not wanted or first is None:
        return
    # A database takes only so many terms in one question.
    found: dict[int, str] = {}
    for start in range(0, len(wanted), 200):
        asked = select(texts.c.seq, texts.c.text).where(texts.c.seq >= first, or_(*wanted[start : start + 200]))
        found.update((row.seq, row.text) for row in db.execute(asked))
    for seq in sorted(found):
        yield _read(seq, found[seq])


def entries_of_act(db: Session, side: Side, act: Act, *, since: datetime) -> list[Entry]:
    """Every entry of one act, oldest first.

    Args:
        db: a session that may read this side.
        side: whose journal.
        act: what was done.
        since: nothing older is told.
    """
    texts = _table(side)
    first = _first_since(db, side, since)
    if first is None:
        return []
    asked = select(texts.c.seq, texts.c.text).where(texts.c.seq >= first, _tells(texts, act)).order_by(texts.c.seq)
    found = (_read(row.seq, row.text) for row in db.execute(asked))
    return [one for one in found if one.at >= since]


def newest_entry(db: Session, side: Side, act: Act) -> Entry | None:
    """The last entry of one act whose words are kept, looked for from the end."""
    texts = _table(side)
    asked = select(texts.c.seq, texts.c.text).where(_tells(texts, act))
    found = db.execute(asked.order_by(texts.c.seq.desc()).limit(1)).first()
    return None if found is None else _read(found.seq, found.text)


def outdated(
    db: Session, side: Side, *, before: datetime, security_alone: bool, after: int = -1, most: int = 1_000
) -> list[int]:
    """The numbers of the oldest entries whose words are no longer kept, at most so many.

    Args:
        db: a session that may read this side.
        side: whose journal.
        before: words older than this instant go.
        security_alone: of the security log's acts alone.
        after: the last number that was looked at.
        most: how many are looked at.
    """
    texts = _table(side)
    asked = select(texts.c.seq, texts.c.text).where(texts.c.seq > after).order_by(texts.c.seq).limit(most)
    if security_alone:
        asked = asked.where(or_(*(texts.c.text.startswith(word, autoescape=True) for word in _BEGINNINGS)))
    limit = int(before.timestamp())
    return [seq for seq, text in db.execute(asked) if _hour(text) < limit]


def forget(db: Session, side: Side, numbers: Collection[int]) -> None:
    """Take the words and the salt of entries away; their leaves, and every proof over them, stay."""
    texts = _table(side)
    db.execute(delete(texts).where(texts.c.seq.in_(numbers)))


def oldest_words(db: Session, side: Side) -> datetime | None:
    """When the oldest entry was made whose words are still kept."""
    texts = _table(side)
    text = db.scalar(select(texts.c.text).order_by(texts.c.seq).limit(1))
    return None if text is None else datetime.fromtimestamp(_hour(text), UTC)


def _first_since(db: Session, side: Side, since: datetime) -> int | None:
    """The first number of an entry that is not older, by halving: entries stand in the order of their hours."""
    texts = _table(side)
    limit = int(since.timestamp())
    low, high = 0, db.scalar(select(texts.c.seq).order_by(texts.c.seq.desc()).limit(1))
    if high is None:
        return None
    while low < high:
        middle = (low + high) // 2
        found = db.execute(
            select(texts.c.seq, texts.c.text).where(texts.c.seq >= middle).order_by(texts.c.seq).limit(1)
        ).one()
        if _hour(found.text) < limit:
            low = found.seq + 1
        else:
            high = middle
    return low


def _tells(texts: Table, act: Act) -> ColumnElement[bool]:
    """Keys of a canonical text are sorted: `act` comes first."""
    return texts.c.text.startswith(f'{{"act":"{act}"', autoescape=True)


def _read(seq: int, text: str) -> Entry:
    told: dict[str, Any] = json.loads(text)
    act, by, at = Act(told.pop("act")), told.pop("by"), told.pop("at")
    return Entry(seq=seq, act=act, by=by, at=datetime.fromtimestamp(at, UTC), facts=told)


def _hour(text: str) -> int:
    return int(json.loads(text)["at"])


def _table(side: Side) -> Table:
    return Base.metadata.tables[_TEXTS[side].__table__.key]  # type: ignore[attr-defined]  # a table, not a join
