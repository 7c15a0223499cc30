"""A signed report is taken back by a biologist: from that moment nothing of it is told."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import Enum, ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime, uuid7
from kiosk.register.errors import NotFound
from kiosk.register.journal import Act, write
from kiosk.register.once import answered
from kiosk.register.patients import Patient, patient_of
from kiosk.register.visits import Visit, visit_of
from results.reports.versions import Reason, ReportVersion, State, Verb, move, withdraw_former
from results.vault.dossiers import Dossier
from results.vault.releases import ReleaseAct

#: How far back the signed reports are listed.
LISTED: Final = timedelta(days=30)


class Mistake(StrEnum):
    """Why a biologist takes a signed report back; a word of a list, nothing of its content."""

    PERSON = "person"  #: it is another person's
    SAMPLE = "sample"
    RESULT = "result"  #: a value is wrong
    OTHER = "other"


class Retraction(Base):
    """A signed version that a biologist has taken back, and why."""

    __tablename__ = "retraction"
    __table_args__ = (UniqueConstraint("site_id", "key"), {"schema": STAFF_ONLY})
    keep = "10 years: diffusion traces"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    report_id: Mapped[UUID] = mapped_column(ForeignKey(f"{STAFF_ONLY}.report.id"), index=True)
    version: Mapped[int]
    why: Mapped[Mistake] = mapped_column(Enum(Mistake, native_enum=False, length=6, values_callable=list))
    by: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    key: Mapped[str] = mapped_column(String(32))


class NotSigned(NotFound):
    """This version is not signed any more; look at the list again."""

    french = "Ce compte rendu n'est plus dans cette version. Regardez la liste à nouveau."


@dataclass(frozen=True, kw_only=True, repr=False)
class Signed:
    """A signed report that stands, without anything of its content."""

    version: ReportVersion
    visit: Visit
    patient: Patient | None
    #: How often it was told.
    told: int


def retract(
    db: Session, report_id: UUID, number: int, why: Mistake, *, by: UUID, at: datetime, chance: Chance, key: str
) -> Retraction:
    """Take a signed version back: from this transaction on nothing of it is told. The same form does it once.

    Args:
        db: a session that writes the results.
        number: the version that the biologist looked at.
        why: a word of the list.
        by: a biologist with unlocked keys.
        key: of the form.

    Raises:
        NotSigned: it is not signed, or a newer version stands.
    """
    version = db.get(ReportVersion, (report_id, number), with_for_update=True)
    if version is None or version.dossier is None:
        raise NotSigned
    dossier = db.get_one(Dossier, version.dossier)
    if before := answered(db, Retraction, dossier.site_id, key):
        return before
    if version.state is not State.SIGNED:
        raise NotSigned
    move(version, Verb.WITHDRAW, at=at, reason=Reason.RETRACTED)
    # What stood behind it must not come forward again.
    withdraw_former(db, version, at=at, reason=Reason.RETRACTED)
    row = Retraction(
        id=uuid7(at, chance), site_id=dossier.site_id, report_id=report_id, version=number, why=why, by=by, at=at,
        key=key,
    )  # fmt: skip
    db.add(row)
    write(db, "results", Act.REPORT_WITHDRAWN, by=by, at=at, chance=chance, report=report_id, version=number, why=why)
    return row


def signed_reports(db: Session, site_id: UUID, *, at: datetime) -> list[Signed]:
    """The signed reports of the last days that stand, the newest first."""
    asked = (
        select(ReportVersion)
        .join(Dossier, Dossier.id == ReportVersion.dossier)
        .where(Dossier.site_id == site_id, ReportVersion.state == State.SIGNED, ReportVersion.signed_at > at - LISTED)
        .order_by(ReportVersion.signed_at.desc())
    )
    found = []
    for version in db.scalars(asked):
        dossier = db.get_one(Dossier, version.dossier)
        told = select(ReleaseAct.id).where(
            ReleaseAct.report_id == version.report_id, ReleaseAct.version == version.version
        )
        found.append(
            Signed(
                version=version, visit=visit_of(db, dossier.visit_id), patient=patient_of(db, dossier.visit_id),
                told=len(db.scalars(told).all()),
            )
        )  # fmt: skip
    return found
