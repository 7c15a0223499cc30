"""A mandate: whom a patient has named in writing to fetch a paper, and until when; nothing of it is copied."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Date, Enum, Index, LargeBinary, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.register.accounts import vouch, vouched
from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime, uuid7
from kiosk.register.errors import Invalid, NotFound
from kiosk.register.journal import Act, write
from kiosk.register.once import PageAlreadyUsed, answered
from kiosk.register.patients import Document, Patient
from kiosk.register.staff import Power
from kiosk.register.visits import Visit

LONGEST_NAME: Final = 80
#: Nobody is named for longer at once.
LONGEST: Final = timedelta(days=366)


class Mandate(Base):
    """A written mandate that somebody of the laboratory has read; without the house's word the row opens nothing."""

    __tablename__ = "mandate"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index(None, "patient_id"),
        CheckConstraint("(ended_by IS NULL) = (ended_at IS NULL)", name="ended"),
        {"schema": STAFF_ONLY},
    )
    keep = "10 years: diffusion traces (L.1142-28 CSP)"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    #: Who has given it, in the register.
    patient_id: Mapped[UUID]
    #: The one visit it was given for; None for whatever comes until it ends.
    visit_id: Mapped[UUID | None]
    #: First and last name of who is named, sealed.
    holder: Mapped[bytes] = mapped_column(LargeBinary)
    #: Kind of the giver's identity document that was seen with it; nothing of it is copied.
    document: Mapped[Document] = mapped_column(Enum(Document, native_enum=False, length=18, values_callable=list))
    #: The last day on which it holds.
    until: Mapped[date] = mapped_column(Date)
    by: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_by: Mapped[UUID | None]
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: The form that entered it.
    key: Mapped[str] = mapped_column(String(32))
    #: HMAC of the row.
    mac: Mapped[bytes] = mapped_column(LargeBinary(32))


class HolderMissing(Invalid):
    """A mandate names somebody by first and last name; read it on the paper."""

    french = "Tapez le prénom et le nom écrits sur la procuration, 80 lettres au plus."


class DayNotGood(Invalid):
    """A mandate ends on a day to come, a year ahead at most."""

    french = "La procuration vaut jusqu'à un jour à venir, dans un an au plus."


class NoMandate(NotFound):
    """This mandate does not hold any more; look at the list again."""

    french = "Cette procuration ne vaut plus. Regardez la liste à nouveau."


@dataclass(frozen=True, kw_only=True, repr=False)
class Named:
    """A mandate that holds, and whom it names."""

    row: Mandate
    holder: str


def give_mandate(
    db: Session, visit: Visit, patient: Patient, *, holder: str, document: Document, until: date, is_for_visit: bool,
    today: date, by: UUID, power: Power, at: datetime, chance: Chance, key: str,
) -> Mandate:  # fmt: skip
    """Enter a mandate that was read, with the giver's identity document; the same form enters it once.

    Args:
        db: a session that writes the results.
        visit: at which it was shown.
        patient: who has given it.
        holder: first and last name of who is named, as written.
        document: kind of the giver's document that was seen.
        until: the last day on which it holds.
        is_for_visit: whether it was given for this visit alone.
        today: the site's own day.
        by: staff id.
        power: seals the name and vouches for the row.
        key: of the form.

    Raises:
        HolderMissing, DayNotGood: nothing is entered.
        PageAlreadyUsed: the form was sent for another patient.
    """
    if before := answered(db, Mandate, visit.site_id, key):
        if before.patient_id != patient.id:
            raise PageAlreadyUsed
        return before
    name = " ".join(holder.split())
    if " " not in name or len(name) > LONGEST_NAME or not name.isprintable():
        raise HolderMissing
    if not today <= until <= today + LONGEST:
        raise DayNotGood
    row = Mandate(
        id=uuid7(at, chance), site_id=visit.site_id, patient_id=patient.id,
        visit_id=visit.id if is_for_visit else None, document=document, until=until, by=by, at=at, ended_by=None,
        ended_at=None, key=key,
    )  # fmt: skip
    row.holder = power.seal("mandate", "holder", row.id, name.encode("utf-8"), chance=chance)
    vouch(row, power)
    db.add(row)
    write(db, "results", Act.MANDATE_GIVEN, by=by, at=at, chance=chance, mandate=row.id, visit=visit.id)
    return row


def end_mandate(
    db: Session, patient_id: UUID, mandate_id: UUID, *, by: UUID, power: Power, at: datetime, chance: Chance
) -> None:
    """End a mandate, as the patient asks or because it was entered wrongly.

    Raises:
        NoMandate: it does not hold any more.
    """
    row = db.get(Mandate, mandate_id, with_for_update=True)
    if row is None or row.patient_id != patient_id or row.ended_at is not None or not vouched(row, power):
        raise NoMandate
    row.ended_by, row.ended_at = by, at
    vouch(row, power)
    write(db, "results", Act.MANDATE_ENDED, by=by, at=at, chance=chance, mandate=row.id)


def mandates_of(db: Session, patient_id: UUID, visit_id: UUID, *, power: Power, today: date) -> list[Named]:
    """The mandates of a patient that hold today for a visit, the newest first."""
    asked = select(Mandate).where(Mandate.patient_id == patient_id).order_by(Mandate.at.desc())
    found = []
    for row in db.scalars(asked):
        holds = row.ended_at is None and row.until >= today and row.visit_id in {None, visit_id}
        name = power.open("mandate", "holder", row.id, row.holder) if holds and vouched(row, power) else None
        if name is not None:
            found.append(Named(row=row, holder=name.decode("utf-8")))
    return found


def mandate_of(
    db: Session, patient_id: UUID, visit_id: UUID, mandate_id: UUID, *, power: Power, today: date
) -> Mandate:
    """One mandate of a patient that holds today for a visit.

    Raises:
        NoMandate: it does not.
    """
    held = {one.row.id: one.row for one in mandates_of(db, patient_id, visit_id, power=power, today=today)}
    if mandate_id not in held:
        raise NoMandate
    return held[mandate_id]
