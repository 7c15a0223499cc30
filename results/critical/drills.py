"""Drills make reception's « Biologiste demandé » say nothing of any result: it is shown at random too."""

from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Index, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime, uuid7
from results.critical.alerts import needs_fetching, open_alerts

#: How many drills a day has, on the average.
A_DAY: Final = 3
#: How long a drill lasts, in minutes: as long as it takes to find somebody.
SHORTEST, LONGEST = 2, 12


class Drill(Base):
    """A time in which reception is asked for the biologist although nothing waits."""

    __tablename__ = "critical_drill"
    __table_args__ = (Index(None, "site_id", "ends_at"), {"schema": STAFF_ONLY})
    keep = "12 months"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)


def draw_drill(db: Session, site_id: UUID, *, every: timedelta, at: datetime, chance: Chance) -> Drill | None:
    """Throw the dice once: a drill begins now, or not; asked at a steady beat.

    Args:
        every: the beat at which this is asked.
    """
    if drill_now(db, site_id, at) is not None:
        return None
    drawn = int.from_bytes(chance(8), "big") / 2**64
    if drawn >= A_DAY * every / timedelta(days=1):
        return None
    minutes = SHORTEST + int.from_bytes(chance(2), "big") % (LONGEST - SHORTEST + 1)
    row = Drill(id=uuid7(at, chance), site_id=site_id, starts_at=at, ends_at=at + timedelta(minutes=minutes))
    db.add(row)
    return row


def end_drill(db: Session, site_id: UUID, *, at: datetime) -> None:
    """The biologist has answered: a drill that is under way ends."""
    row = drill_now(db, site_id, at)
    if row is not None:
        row.ends_at = at


def drill_now(db: Session, site_id: UUID, at: datetime) -> Drill | None:
    """The drill that is under way, None at any other time."""
    asked = select(Drill).where(Drill.site_id == site_id, Drill.starts_at <= at, Drill.ends_at > at)
    return db.scalars(asked).first()


def is_biologist_wanted(db: Session, site_id: UUID, at: datetime) -> bool:
    """Tell whether reception is asked to fetch the biologist, for a value or for nothing: it cannot know which."""
    return any(needs_fetching(alert, at) for alert in open_alerts(db, site_id)) or (
        drill_now(db, site_id, at) is not None
    )
