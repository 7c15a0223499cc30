"""What a biologist holds back or has found whole: two notes beside a report that close and open its ways."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Enum, ForeignKey, Index, LargeBinary, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.register.accounts import vouch, vouched
from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime, uuid7
from kiosk.register.errors import NotFound
from kiosk.register.journal import Act, write
from kiosk.register.once import answered
from kiosk.register.staff import Power
from results.reports.versions import Report
from results.vault.dossiers import Dossier


class HoldReason(StrEnum):
    """Why a report waits; a word of a list, so that nothing of its content is kept in clear."""

    #: A control or a confirmation is under way.
    CONTROL = "control"
    #: The sample must be looked at again.
    SAMPLE = "sample"
    #: Whose it is must be looked at again.
    IDENTITY = "identity"
    #: The biologist speaks with the patient or the physician first.
    TALK = "talk"
    #: Something that replaces it has come and waits for a person; intake alone says so.
    CORRECTION = "correction"


class ReportHold(Base):
    """A report that a biologist holds; one that nobody vouches for holds all the same, only lifting needs it."""

    __tablename__ = "report_hold"
    __table_args__ = (UniqueConstraint("site_id", "key"), Index(None, "report_id"), {"schema": STAFF_ONLY})
    keep = "10 years: diffusion traces"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    report_id: Mapped[UUID] = mapped_column(ForeignKey(f"{STAFF_ONLY}.report.id"))
    reason: Mapped[HoldReason] = mapped_column(Enum(HoldReason, native_enum=False, length=10, values_callable=list))
    by: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: The form that asked for it.
    key: Mapped[str] = mapped_column(String(32))
    lifted_by: Mapped[UUID | None]
    lifted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: HMAC of the row: without it a lifted hold still holds.
    mac: Mapped[bytes] = mapped_column(LargeBinary(32))


class WholeDossier(Base):
    """A biologist has said that everything expected of a dossier has arrived."""

    __tablename__ = "whole_dossier"
    __table_args__ = ({"schema": STAFF_ONLY},)
    keep = "promised hour + 90 days, with its dossier"

    dossier_id: Mapped[UUID] = mapped_column(ForeignKey(f"{STAFF_ONLY}.dossier.id"), primary_key=True)
    #: What was expected when it was said: a class that is added later asks again.
    expected: Mapped[str] = mapped_column(String(40))
    by: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: HMAC of the row: without it the row says nothing.
    mac: Mapped[bytes] = mapped_column(LargeBinary(32))


class NoSuchHold(NotFound):
    """This report is not held, or somebody has lifted it already; look at the list again."""

    french = "Ce compte rendu n'est plus retenu. Regardez la liste à nouveau."


def hold(
    db: Session, report: Report, reason: HoldReason, *, by: UUID, power: Power, at: datetime, chance: Chance, key: str
) -> ReportHold:
    """Hold a report in all its versions until a biologist lifts it; the same form holds it once.

    Args:
        db: a session that writes the results.
        report: what is held.
        reason: a word of the list.
        by: the biologist's staff id.
        power: vouches for the row.
        at: now.
        chance: gives the id.
        key: of the form.
    """
    if before := answered(db, ReportHold, report.site_id, key):
        return before
    row = ReportHold(
        id=uuid7(at, chance), site_id=report.site_id, report_id=report.id, reason=reason, by=by, at=at, key=key,
        lifted_by=None, lifted_at=None,
    )  # fmt: skip
    vouch(row, power)
    db.add(row)
    write(db, "results", Act.REPORT_HELD, by=by, at=at, chance=chance, report=report.id, reason=reason)
    return row


def hold_for_correction(db: Session, report: Report, *, message_id: UUID, at: datetime, chance: Chance) -> None:
    """Hold a report of which something newer waits for a person: what is known to be replaced is not told.

    Intake cannot vouch for a row and need not: it only closes, and a biologist lifts it.

    Args:
        db: a session that writes the results.
        message_id: which message waits; it stands in the place of a person.
        at: now.
        chance: gives the id.
    """
    row = ReportHold(
        id=uuid7(at, chance), site_id=report.site_id, report_id=report.id, reason=HoldReason.CORRECTION,
        by=message_id, at=at, lifted_by=None, lifted_at=None, key=chance(16).hex(), mac=bytes(32),
    )  # fmt: skip
    db.add(row)
    write(
        db, "results", Act.REPORT_HELD, by="exchange", at=at, chance=chance, report=report.id, reason=row.reason,
        message=message_id,
    )  # fmt: skip


def lift(db: Session, report_id: UUID, *, by: UUID, power: Power, at: datetime, chance: Chance) -> None:
    """Lift every hold of a report, a biologist's act.

    Raises:
        NoSuchHold: nothing holds it.
    """
    standing = holds_of(db, report_id, power)
    if not standing:
        raise NoSuchHold
    for row in standing:
        row.lifted_by, row.lifted_at = by, at
        vouch(row, power)
    write(db, "results", Act.REPORT_LIFTED, by=by, at=at, chance=chance, report=report_id)


def lift_correction(
    db: Session, report_id: UUID, message_id: UUID, *, by: UUID, power: Power, at: datetime, chance: Chance
) -> None:
    """Lift what one waiting message holds of a report: it has been filed there, and waits no more. A biologist's act.

    What a biologist holds for a reason of her own still holds.
    """
    standing = [row for row in holds_of(db, report_id, power) if row.by == message_id]
    for row in standing:
        row.lifted_by, row.lifted_at = by, at
        vouch(row, power)
    if standing:
        write(
            db, "results", Act.REPORT_LIFTED, by=by, at=at, chance=chance, report=report_id, message=message_id
        )  # fmt: skip


def holds_of(db: Session, report_id: UUID, power: Power) -> list[ReportHold]:
    """What holds a report now, oldest first."""
    rows = db.scalars(select(ReportHold).where(ReportHold.report_id == report_id).order_by(ReportHold.at))
    return [row for row in rows if row.lifted_at is None or not vouched(row, power)]


def is_held(db: Session, report_id: UUID, *, power: Power) -> bool:
    """Whether a biologist holds a report back."""
    return bool(holds_of(db, report_id, power))


def note_whole(db: Session, dossier: Dossier, is_whole: bool, *, by: UUID, power: Power, at: datetime) -> None:
    """Note whether everything expected of a dossier has arrived; what was noted before is replaced."""
    row = db.get(WholeDossier, dossier.id)
    if not is_whole:
        if row is not None:
            db.delete(row)
        return
    if row is None:
        row = WholeDossier(dossier_id=dossier.id)
        db.add(row)
    row.expected, row.by, row.at = dossier.expected, by, at
    vouch(row, power)


def is_whole(db: Session, dossier: Dossier, power: Power) -> bool:
    """Whether a biologist has said that everything now expected of a dossier has arrived."""
    row = db.get(WholeDossier, dossier.id)
    return row is not None and vouched(row, power) and row.expected == dossier.expected
