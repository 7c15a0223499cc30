"""In the morning the last evening's note is compared with its journal; one that does not agree stops releases."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, Side, UtcDateTime, uuid7
from kiosk.register.errors import Invalid
from kiosk.register.journal import Act, verify, write
from kiosk.register.once import answered
from kiosk.register.sites import Site
from kiosk.register.staff import Power
from kiosk.register.traces import newest_entry
from results.keeping.notes import SIDES, Seen
from results.stopping.stops import stop_releases
from results.vault.keys import KeyRing


class NoteComparison(Base):
    """One note that was held before the scanner, and what it said."""

    __tablename__ = "note_comparison"
    __table_args__ = (UniqueConstraint("site_id", "key"), Index(None, "site_id", "at"), {"schema": STAFF_ONLY})
    keep = "12 months: security log"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    side: Mapped[str] = mapped_column(String(8))
    #: Entries that the note tells of.
    size: Mapped[int]
    #: The journal is what the note says.
    is_sound: Mapped[bool]
    #: No later note of this journal is known here.
    is_last: Mapped[bool]
    #: The stop that it made.
    stop: Mapped[int | None]
    by: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: The form that brought the note.
    key: Mapped[str] = mapped_column(String(32))


class ReadItAgain(Invalid):
    """The typed line does not agree; read it again letter by letter: one wrong letter would stop every release."""

    french = (
        "Cette ligne ne correspond pas au journal. Relisez-la lettre par lettre sur le papier. Si elle est bien "
        "celle-là, cochez « relue » et comparez à nouveau : les remises seront arrêtées."
    )


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What a journal is, beside one note of it."""

    side: Side
    size: int
    #: The first entry that cannot be trusted; None where the journal is what the note says.
    first_bad: int | None
    is_last: bool


def compare(db: Session, seen: Seen, *, is_sure: bool) -> Compared:
    """Compute a whole journal again and compare it with one note of it.

    Args:
        db: a session that may read both sides.
        seen: one note or one typed line.
        is_sure: it was scanned, or typed and read again.

    Raises:
        ReadItAgain: it does not agree, and nobody is sure of it yet.
    """
    ((side, note),) = [(side, note) for side in SIDES for note in seen[side]]
    verdict = verify(db, side, notes=[note])
    if verdict.first_bad is not None and not is_sure:
        raise ReadItAgain
    last = newest_entry(db, side, Act.JOURNAL_NOTED)
    return Compared(
        side=side, size=note.size, first_bad=verdict.first_bad,
        is_last=last is None or note.size >= int(last.facts["size"]),
    )  # fmt: skip


def enter_comparison(
    db: Session, keys: KeyRing, site: Site, found: Compared, *, by: UUID, power: Power, at: datetime, chance: Chance,
    key: str,
) -> NoteComparison:  # fmt: skip
    """Keep what a note said; one that does not agree stops every release in this transaction.

    The caller commits, then keeps the number of the stop beside the keys. The same form is one comparison.
    """
    if before := answered(db, NoteComparison, site.id, key):
        return before
    stop = None
    if found.first_bad is not None:
        stop = stop_releases(
            db, keys, site.id, side=found.side, size=found.size, first_bad=found.first_bad, by=by, power=power, at=at,
            chance=chance, key=key,
        ).number  # fmt: skip
    row = NoteComparison(
        id=uuid7(at, chance), site_id=site.id, side=found.side, size=found.size, is_sound=stop is None,
        is_last=found.is_last, stop=stop, by=by, at=at, key=key,
    )  # fmt: skip
    db.add(row)
    write(db, "results", Act.JOURNAL_COMPARED, by=by, at=at, chance=chance, comparison=row.id, size=found.size)
    return row


def last_comparisons(db: Session, site_id: UUID) -> Mapping[Side, NoteComparison]:
    """The newest comparison of each journal."""
    found: dict[Side, NoteComparison] = {}
    for side in SIDES:
        asked = select(NoteComparison).where(NoteComparison.site_id == site_id, NoteComparison.side == side)
        row = db.scalars(asked.order_by(NoteComparison.at.desc(), NoteComparison.id.desc()).limit(1)).first()
        if row is not None:
            found[side] = row
    return found


def lacks_comparison(db: Session, site_id: UUID, *, since: datetime) -> bool:
    """Whether a note of either journal that was put on paper then has not been compared yet."""
    asked = select(NoteComparison.side).where(
        NoteComparison.site_id == site_id, NoteComparison.at >= since, NoteComparison.is_last
    )
    return not set(SIDES) <= set(db.scalars(asked))
