"""A message for the biologist: a motive of the list, a number and hours; anybody may leave one, result or not."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Enum, Index, LargeBinary, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime, uuid7
from kiosk.register.errors import Invalid, NotFound
from kiosk.register.journal import Act, write
from kiosk.register.once import PageAlreadyUsed, answered
from results.callers.ring_back import open_ring_back, seal_ring_back
from results.vault.keys import KeyRing


class Motive(StrEnum):
    """Why somebody asks for the biologist; a secretary writes no words of her own."""

    SPEAK = "speak"
    EXPLAIN = "explain"
    REPORT = "report"
    OTHER = "other"  #: the person will say it


#: The same list for everybody, as the screens say it.
MOTIVES: Final[Mapping[Motive, str]] = MappingProxyType({
    Motive.SPEAK: "Souhaite parler au biologiste",
    Motive.EXPLAIN: "Demande une explication",
    Motive.REPORT: "Ne comprend pas le compte rendu",
    Motive.OTHER: "Autre : la personne le dira elle-même",
})  # fmt: skip


class Ending(StrEnum):
    """How it ended."""

    REACHED = "reached"
    NOT_REACHED = "not_reached"  #: the biologist rings no more


class BiologistMessage(Base):
    """Somebody asks the biologist to ring; nobody was proved, and nothing says whether there is a result."""

    __tablename__ = "biologist_message"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        CheckConstraint("(ending IS NULL) = (ring_back IS NOT NULL)", name="ended_means_forgotten"),
        CheckConstraint("(ending IS NULL) = (ended_at IS NULL)", name="ended"),
        Index(None, "site_id", "ended_at"),
        {"schema": STAFF_ONLY},
    )
    keep = "12 months: security log; the number to ring until the biologist has rung"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    #: The visit whose person stood at the counter; empty on the telephone, where nobody is known.
    visit_id: Mapped[UUID | None]
    motive: Mapped[Motive] = mapped_column(Enum(Motive, native_enum=False, length=8, values_callable=list))
    #: Number and hours, sealed; emptied when it ends.
    ring_back: Mapped[bytes | None] = mapped_column(LargeBinary)
    #: Staff id of who has noted it.
    by: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    ending: Mapped[Ending | None] = mapped_column(Enum(Ending, native_enum=False, length=12, values_callable=list))
    ended_by: Mapped[UUID | None]
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    key: Mapped[str] = mapped_column(String(32))


class NoMessage(NotFound):
    """This message waits no more; look at the list again."""

    french = "Ce message n'attend plus. Regardez la liste à nouveau."


class MotiveMissing(Invalid):
    """A message has a motive of the list; choose one."""

    french = "Choisissez un motif de la liste."


def leave_message(
    db: Session, keys: KeyRing, site_id: UUID, motive: str, ring_back: str, *, visit_id: UUID | None = None, by: UUID,
    at: datetime, chance: Chance, key: str,
) -> BiologistMessage:  # fmt: skip
    """Leave a message for the biologist; the same form leaves one. Nothing about results is asked.

    Args:
        db: a session that writes the results.
        keys: seal the number.
        motive: a word of the list.
        ring_back: number and hours, as said.
        visit_id: whose person stands at the counter.
        by: staff id.
        at: now.
        chance: gives ids and salts.
        key: of the form.

    Raises:
        MotiveMissing: no word of the list.
        NumberMissing: nothing to ring.
        PageAlreadyUsed: the form was sent by somebody else.

    Source: the design note on release, section 6.
    """
    if before := answered(db, BiologistMessage, site_id, key):
        if before.by != by:
            raise PageAlreadyUsed
        return before
    if motive not in list(Motive):
        raise MotiveMissing
    row = BiologistMessage(
        id=uuid7(at, chance), site_id=site_id, visit_id=visit_id, motive=Motive(motive), by=by, at=at, key=key
    )
    row.ring_back = seal_ring_back(keys, row.__tablename__, row.id, ring_back, chance=chance)
    db.add(row)
    write(db, "results", Act.TASK_OPENED, by=by, at=at, chance=chance, message=row.id, motive=row.motive)
    return row


def waiting_messages(db: Session, site_id: UUID) -> list[BiologistMessage]:
    """The messages that wait for a biologist, oldest first."""
    asked = select(BiologistMessage).where(BiologistMessage.site_id == site_id, BiologistMessage.ending.is_(None))
    return list(db.scalars(asked.order_by(BiologistMessage.at)))


def waiting_message(db: Session, message_id: UUID, *, lock: bool = False) -> BiologistMessage:
    """One message that waits for a biologist.

    Args:
        lock: hold it to the end of a writing transaction.

    Raises:
        NoMessage: it waits no more.
    """
    row = db.get(BiologistMessage, message_id, with_for_update=lock or None)
    if row is None or row.ending is not None:
        raise NoMessage
    return row


def number_left(keys: KeyRing, row: BiologistMessage) -> str:
    """Number and hours, for the biologist.

    Raises:
        DoesNotOpen: it was sealed elsewhere.
    """
    return open_ring_back(keys, row.__tablename__, row.id, row.ring_back)


def end_message(db: Session, message_id: UUID, ending: Ending, *, by: UUID, at: datetime, chance: Chance) -> None:
    """End a message: the person was reached, or is rung no more; the number is forgotten.

    Raises:
        NoMessage: it waits no more.
    """
    row = waiting_message(db, message_id, lock=True)
    row.ring_back, row.ending, row.ended_by, row.ended_at = None, ending, by, at
    write(db, "results", Act.TASK_DONE, by=by, at=at, chance=chance, message=row.id, ending=ending)
