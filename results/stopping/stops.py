"""Releases stop when a journal does not agree with its note on paper, until a biologist has said why they go on."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, LargeBinary, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.register.accounts import vouch, vouched
from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, Side, UtcDateTime, uuid7
from kiosk.register.errors import Invalid, NotFound
from kiosk.register.journal import Act, write
from kiosk.register.once import answered
from kiosk.register.staff import Power
from results.vault.keyfolder import raise_stop_head, read_stop_head
from results.vault.keys import KeyRing

#: A reason is a sentence that somebody reads years later.
_REASON: Final = (15, 300)


class ReleaseStop(Base):
    """Releases were stopped; a row that nobody vouches for stops all the same, only clearing needs it."""

    __tablename__ = "release_stop"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        CheckConstraint("(cleared_by IS NULL) = (cleared_at IS NULL)", name="cleared"),
        CheckConstraint("(cleared_by IS NULL) = (reason IS NULL)", name="reason"),
        {"schema": STAFF_ONLY},
    )
    keep = "for ever: few rows, and the number kept beside the keys names the last one"

    #: It only rises; the last one is also kept beside the keys.
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    id: Mapped[UUID] = mapped_column(unique=True)
    site_id: Mapped[UUID]
    #: Whose note did not agree; empty where the stop's own row was gone.
    side: Mapped[str | None] = mapped_column(String(8))
    #: Entries that the note tells of, and the first that cannot be trusted.
    size: Mapped[int]
    first_bad: Mapped[int]
    by: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: The form that brought the note.
    key: Mapped[str] = mapped_column(String(32))
    cleared_by: Mapped[UUID | None]
    cleared_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: Sealed column: why a biologist lets releases go on.
    reason: Mapped[bytes | None] = mapped_column(LargeBinary)
    #: HMAC of the row: without it a cleared stop still stops.
    mac: Mapped[bytes] = mapped_column(LargeBinary(32))


#: Built once: the stops that nobody has cleared, and the newest one.
_MAY_STAND: Final = (
    select(ReleaseStop)
    .where(
        ReleaseStop.cleared_at.is_(None)
        | (ReleaseStop.number == select(func.max(ReleaseStop.number)).scalar_subquery())
    )
    .order_by(ReleaseStop.number)
)


class NotStopped(NotFound):
    """Releases are not stopped, or another biologist has cleared them; look at the page again."""

    french = "Les remises ne sont pas, ou ne sont plus, arrêtées. Regardez la page à nouveau."


class SayWhy(Invalid):
    """Releases go on for a reason that is read years later; write one sentence of 15 to 300 signs."""

    french = "Écrivez en une phrase, de 15 à 300 signes, ce que vous avez trouvé et pourquoi les remises reprennent."


def stop_releases(
    db: Session, keys: KeyRing, site_id: UUID, *, side: Side, size: int, first_bad: int, by: UUID, power: Power,
    at: datetime, chance: Chance, key: str,
) -> ReleaseStop:  # fmt: skip
    """Stop every release: a journal does not agree with its note. The same form stops once.

    The caller commits, then calls `keep_stop`: from then on taking the row away does not lift it.

    Args:
        db: a session that writes the results.
        keys: name the folder where the last number is kept.
        side: whose note it is.
        size: entries that the note tells of.
        first_bad: the first entry that cannot be trusted.
        by: who brought the note.
        power: vouches for the row.
        key: of the form.
    """
    if before := answered(db, ReleaseStop, site_id, key):
        return before
    number = max(read_stop_head(keys.folder), *_numbers(db), 0) + 1
    row = ReleaseStop(
        number=number, id=uuid7(at, chance), site_id=site_id, side=side, size=size, first_bad=first_bad, by=by, at=at,
        key=key, cleared_by=None, cleared_at=None, reason=None,
    )  # fmt: skip
    vouch(row, power)
    db.add(row)
    write(db, "results", Act.JOURNAL_STOPPED, by=by, at=at, chance=chance, stop=number, size=size, first=first_bad)
    return row


def keep_stop(keys: KeyRing, number: int) -> None:
    """Keep the number of a committed stop beside the keys, where no writer of the database reaches it."""
    raise_stop_head(keys.folder, number)


def is_stopped(db: Session, keys: KeyRing, power: Power) -> bool:
    """Whether every way is closed: a stop stands, or the one whose number is kept beside the keys is gone.

    One question, asked at every page of the desks that tell. Clearing clears whatever stands, so the newest stop's
    clearing, when it is vouched for, speaks for all before it.
    """
    newest = None
    for row in db.scalars(_MAY_STAND):
        if row.cleared_at is None:
            return True
        newest = row
    if newest is None:
        return read_stop_head(keys.folder) > 0
    return not vouched(newest, power) or newest.number < read_stop_head(keys.folder)


def standing_stops(db: Session, power: Power) -> list[ReleaseStop]:
    """The stops that nobody has cleared, or whose clearing nobody vouches for; oldest first."""
    rows = db.scalars(select(ReleaseStop).order_by(ReleaseStop.number))
    return [row for row in rows if row.cleared_at is None or not vouched(row, power)]


def clear_stops(
    db: Session, keys: KeyRing, site_id: UUID, reason: str, *, by: UUID, power: Power, at: datetime, chance: Chance
) -> None:
    """Let releases go on, a biologist's act with a written reason; a stop whose row is gone is written again, cleared.

    Args:
        db: a session that writes the results.
        keys: name the folder where the last number is kept.
        reason: what was found; kept sealed beside the stop.
        by: the biologist's staff id.
        power: vouches for the rows and seals the reason.

    Raises:
        SayWhy: no sentence.
        NotStopped: nothing stands.
    """
    words = " ".join(reason.split())
    if not _REASON[0] <= len(words) <= _REASON[1]:
        raise SayWhy
    standing = standing_stops(db, power)
    if _is_gone(db, keys):
        lost = ReleaseStop(
            number=read_stop_head(keys.folder), id=uuid7(at, chance), site_id=site_id, side=None, size=0, first_bad=0,
            by=by, at=at, key=chance(16).hex(),
        )  # fmt: skip
        db.add(lost)
        standing.append(lost)
    if not standing:
        raise NotStopped
    for row in standing:
        row.cleared_by, row.cleared_at = by, at
        row.reason = power.seal("release_stop", "reason", row.id, words.encode(), chance=chance)
        vouch(row, power)
        write(db, "results", Act.JOURNAL_CLEARED, by=by, at=at, chance=chance, stop=row.number)


def reason_of(row: ReleaseStop, power: Power) -> str:
    """Why a biologist let releases go on; empty while they have not, or when somebody else wrote it."""
    opened = None if row.reason is None else power.open("release_stop", "reason", row.id, row.reason)
    return "" if opened is None or not vouched(row, power) else opened.decode("utf-8")


def stops_so_far(db: Session, *, most: int) -> list[ReleaseStop]:
    """The newest stops, newest first."""
    return list(db.scalars(select(ReleaseStop).order_by(ReleaseStop.number.desc()).limit(most)))


def _is_gone(db: Session, keys: KeyRing) -> bool:
    kept = read_stop_head(keys.folder)
    return kept > 0 and db.get(ReleaseStop, kept) is None


def _numbers(db: Session) -> list[int]:
    return list(db.scalars(select(ReleaseStop.number)))
