"""Which physician an order names: its prescriber or a copy, entered by a person, never guessed from a name."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import Enum, ForeignKey, LargeBinary, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.formats.folding import fold
from kiosk.register.accounts import vouch, vouched
from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime, uuid7
from kiosk.register.journal import Act, write
from kiosk.register.patients import Patient, Recognition
from kiosk.register.staff import Power
from kiosk.register.visits import Visit
from results.physicians.register import Physician, physician_of

#: How long after a visit its physicians are answered on the telephone.
ANSWERED: Final = timedelta(days=90)


class Standing(StrEnum):
    """As what an order names a physician."""

    PRESCRIBER = "prescriber"
    COPY = "copy"


class OrderPhysician(Base):
    """A visit's order names this physician; without the house's word the row names nobody."""

    __tablename__ = "order_physician"
    __table_args__ = (UniqueConstraint("visit_id", "physician_id"), {"schema": STAFF_ONLY})
    keep = "10 years: with the diffusion traces"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    #: The visit, in the register.
    visit_id: Mapped[UUID]
    physician_id: Mapped[UUID] = mapped_column(ForeignKey(f"{STAFF_ONLY}.physician.id"), index=True)
    standing: Mapped[Standing] = mapped_column(Enum(Standing, native_enum=False, length=10, values_callable=list))
    by: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    mac: Mapped[bytes] = mapped_column(LargeBinary(32))


def name_physician(
    db: Session, visit: Visit, physician_id: UUID, standing: Standing, *, by: UUID, power: Power, at: datetime,
    chance: Chance,
) -> OrderPhysician:  # fmt: skip
    """Say that the paper of a visit names a physician; said again, the newer word counts.

    Raises:
        NoSuchPhysician: they are not in the register.
    """
    physician = physician_of(db, physician_id, power)
    row = _row(db, visit.id, physician.id)
    if row is None:
        row = OrderPhysician(id=uuid7(at, chance), site_id=visit.site_id, visit_id=visit.id, physician_id=physician.id)
        db.add(row)
    row.standing, row.by, row.at = standing, by, at
    vouch(row, power)
    write(
        db, "results", Act.PHYSICIAN_NAMED, by=by, at=at, chance=chance, visit=visit.id, physician=physician.id,
        standing=standing,
    )  # fmt: skip
    return row


def unname_physician(
    db: Session, visit_id: UUID, physician_id: UUID, *, by: UUID, at: datetime, chance: Chance
) -> None:
    """Take back that a visit's paper names a physician; nothing where it does not."""
    row = _row(db, visit_id, physician_id)
    if row is not None:
        db.delete(row)
        write(db, "results", Act.PHYSICIAN_UNNAMED, by=by, at=at, chance=chance, visit=visit_id, physician=physician_id)


def physicians_of(db: Session, visit_id: UUID, power: Power) -> list[tuple[OrderPhysician, Physician]]:
    """Who is named by a visit's order, the prescriber first."""
    rows = db.execute(
        select(OrderPhysician, Physician)
        .join(Physician, Physician.id == OrderPhysician.physician_id)
        .where(OrderPhysician.visit_id == visit_id)
        .order_by(OrderPhysician.standing.desc(), Physician.name)
    )
    return [(row, one) for row, one in rows if vouched(row, power) and vouched(one, power) and one.closed_at is None]


def ordered_for(
    db: Session, physician: Physician, *, birth_name: str, birth_date: str, power: Power, at: datetime
) -> tuple[Visit, Patient, Standing] | None:
    """The latest visit of a patient whose order names this physician; None for every reason why there is none.

    Args:
        birth_name: as the physician said it.
        birth_date: YYYYMMDD.
    """
    rows = db.execute(
        select(OrderPhysician, Visit, Patient)
        .join(Visit, Visit.id == OrderPhysician.visit_id)
        .join(Recognition, Recognition.visit_id == Visit.id)
        .join(Patient, Patient.id == Recognition.patient_id)
        .where(
            OrderPhysician.physician_id == physician.id,
            Patient.folded_birth_name == fold(birth_name),
            Patient.birth_date == birth_date,
            Visit.arrived_at > at - ANSWERED,
        )
        .order_by(Visit.arrived_at.desc(), Visit.id.desc())
    )
    found = [(visit, patient, row.standing) for row, visit, patient in rows if vouched(row, power)]
    # Two people of one name and day of birth: which of them is meant is not for the telephone.
    return found[0] if len({patient.id for _, patient, _ in found}) == 1 else None


def _row(db: Session, visit_id: UUID, physician_id: UUID) -> OrderPhysician | None:
    asked = select(OrderPhysician).where(
        OrderPhysician.visit_id == visit_id, OrderPhysician.physician_id == physician_id
    )
    return db.scalars(asked).first()
