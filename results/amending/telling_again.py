"""Whoever was told something that no longer stands is told again: a task that stays until somebody has done it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import Enum, ForeignKey, select
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime
from kiosk.register.errors import NotFound
from kiosk.register.journal import Act, write
from kiosk.register.patients import Patient, patient_of
from kiosk.register.staff import Power
from kiosk.register.visits import Visit, visit_of
from results.physicians.calls import PhysicianCall
from results.physicians.register import NoSuchPhysician, physician_of
from results.reports.versions import Reason, ReportVersion, State, newest
from results.vault.dossiers import Dossier
from results.vault.releases import ReleaseAct
from results.weighing import is_discreet

#: A version that came late was never told: nobody has to be told again because of it.
_TAKEN_BACK: Final = (Reason.SUPERSEDED, Reason.DELETED, Reason.WRONG, Reason.RETRACTED)
_PATIENT: Final = frozenset({"with_code", "without_code"})


class Reached(StrEnum):
    """How telling again ended."""

    TOLD = "told"
    HANDED = "handed"  #: on paper, in person
    OWN_WAY = "own_way"  #: told by the ordinary way, with a code of their own
    LOST = "lost"  #: cannot be reached; a letter went


class ToldAgain(Base):
    """Whoever was told something that no longer stands has been told so; without this row the task stays."""

    __tablename__ = "told_again"
    __table_args__ = ({"schema": STAFF_ONLY},)
    keep = "10 years: diffusion traces"

    #: The telling that no longer holds.
    release_id: Mapped[UUID] = mapped_column(ForeignKey(f"{STAFF_ONLY}.release_act.id"), primary_key=True)
    how: Mapped[Reached] = mapped_column(Enum(Reached, native_enum=False, length=7, values_callable=list))
    by: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class NobodyToTell(NotFound):
    """Nobody waits to be told again here; look at the list again."""

    french = "Cette tâche n'est plus dans la liste. Regardez-la à nouveau."


@dataclass(frozen=True, kw_only=True, repr=False)
class Owed:
    """Somebody who was told something that no longer stands."""

    release: ReleaseAct
    reason: Reason
    withdrawn_at: datetime
    #: Whether something else stands in its place and can be told.
    is_replaced: bool
    visit: Visit | None
    patient: Patient | None
    physician: str
    #: A discreet visit: nobody rings the family's number.
    is_discreet: bool


def to_tell_again(db: Session, site_id: UUID, power: Power) -> list[Owed]:
    """Everyone who was told a version that no longer stands, and not yet told so; the oldest withdrawal first.

    Whoever has since been told a newer version of the same report, as the same person, is told already.
    """
    later = aliased(ReleaseAct)
    rows = db.execute(
        select(ReleaseAct, ReportVersion)
        .join(
            ReportVersion,
            (ReportVersion.report_id == ReleaseAct.report_id) & (ReportVersion.version == ReleaseAct.version),
        )
        .outerjoin(ToldAgain, ToldAgain.release_id == ReleaseAct.id)
        .where(
            ReleaseAct.site_id == site_id, ToldAgain.release_id.is_(None), ReportVersion.state == State.WITHDRAWN,
            ReportVersion.reason.in_(_TAKEN_BACK),
        )
        .order_by(ReportVersion.withdrawn_at, ReleaseAct.at)
    ).all()  # fmt: skip
    owed = []
    for act, version in rows:
        newer = db.scalars(
            select(later).where(later.report_id == act.report_id, later.version > act.version, later.at > act.at)
        )
        if not any(_same_person(db, act, one) for one in newer):
            owed.append(_owed(db, act, version, power))
    return owed


def end_task(
    db: Session, release_id: UUID, how: Reached, *, site_id: UUID, power: Power, by: UUID, at: datetime, chance: Chance
) -> None:
    """Note that somebody was told again.

    Raises:
        NobodyToTell: it is not owed to anyone.
    """
    if release_id not in {one.release.id for one in to_tell_again(db, site_id, power)}:
        raise NobodyToTell
    db.add(ToldAgain(release_id=release_id, how=how, by=by, at=at))
    write(db, "results", Act.RELEASE_TOLD_AGAIN, by=by, at=at, chance=chance, release=release_id, how=how)


def _same_person(db: Session, before: ReleaseAct, after: ReleaseAct) -> bool:
    if before.person in _PATIENT:
        return after.person in _PATIENT
    if before.person != after.person:
        return False
    # Two physicians, or two relatives, are two people.
    heard = [_physician_id(db, one) for one in (before, after)]
    return before.person == "physician" and heard[0] is not None and heard[0] == heard[1]


def _physician_id(db: Session, act: ReleaseAct) -> UUID | None:
    call = None if act.call_id is None else db.get(PhysicianCall, act.call_id)
    return None if call is None else call.physician_id


def _owed(db: Session, act: ReleaseAct, version: ReportVersion, power: Power) -> Owed:
    dossier, standing = db.get(Dossier, act.dossier_id), newest(db, act.report_id)
    physician_id, name = _physician_id(db, act), ""
    if physician_id is not None:
        try:
            name = physician_of(db, physician_id, power).name
        except NoSuchPhysician:
            name = ""
    return Owed(
        release=act, reason=version.reason or Reason.RETRACTED, withdrawn_at=version.withdrawn_at or act.at,
        is_replaced=standing is not None and standing.state is State.SIGNED,
        visit=None if dossier is None else visit_of(db, dossier.visit_id),
        patient=None if dossier is None else patient_of(db, dossier.visit_id), physician=name,
        is_discreet=dossier is not None and is_discreet(db, dossier, power),
    )  # fmt: skip
