"""Each result that was told leaves a row that names its version, its table, its way and to whom."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Index, String
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime, uuid7
from kiosk.register.journal import Act, write


class Course(StrEnum):
    """What the rule says of a dossier on this way."""

    TELL = "tell"
    BIOLOGIST = "biologist"
    NOT_NOW = "not_now"


@dataclass(frozen=True, kw_only=True)
class Weighed:
    """What the rule said, and of what; asked twice, it must be the same."""

    course: Course
    #: Report and version, one for each that would be told.
    items: tuple[tuple[UUID, int], ...] = ()
    matrix_version: int = 0
    channel: StrEnum
    person: StrEnum
    document: StrEnum | None = None


class ReleaseAct(Base):
    """One result told or handed over: who, to whom, by which way, which version, under which table."""

    __tablename__ = "release_act"
    __table_args__ = (Index(None, "dossier_id"), Index(None, "report_id", "version"), {"schema": STAFF_ONLY})
    keep = "10 years: diffusion traces (L.1142-28 CSP)"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    dossier_id: Mapped[UUID]
    report_id: Mapped[UUID]
    version: Mapped[int]
    matrix_version: Mapped[int]
    #: Word of the matrix's channels.
    channel: Mapped[str] = mapped_column(String(12))
    #: Word of the matrix's persons: to whom, as a relation.
    person: Mapped[str] = mapped_column(String(16))
    #: Kind of identity document that was seen; nothing of it is copied.
    document: Mapped[str | None] = mapped_column(String(20))
    #: The attempt that opened it; empty without code.
    attempt_id: Mapped[UUID | None]
    #: The call, or the critical value, in which it was told without a code of its own; empty for everyone else.
    call_id: Mapped[UUID | None] = mapped_column(index=True)
    by: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)


def enter_release(
    db: Session,
    weighed: Weighed,
    *,
    site_id: UUID,
    dossier_id: UUID,
    attempt_id: UUID | None,
    call_id: UUID | None = None,
    by: UUID,
    at: datetime,
    chance: Chance,
) -> None:
    """Write that each report was told, in the transaction that tells it; with or without a code."""
    for report_id, version in weighed.items:
        act = ReleaseAct(
            id=uuid7(at, chance),
            site_id=site_id,
            dossier_id=dossier_id,
            report_id=report_id,
            version=version,
            matrix_version=weighed.matrix_version,
            channel=weighed.channel.value,
            person=weighed.person.value,
            document=None if weighed.document is None else weighed.document.value,
            attempt_id=attempt_id,
            call_id=call_id,
            by=by,
            at=at,
        )
        db.add(act)
        write(
            db, "results", Act.RELEASE_TOLD, by=by, at=at, chance=chance,
            release=act.id, report=report_id, version=version, channel=weighed.channel, person=weighed.person,
        )  # fmt: skip
