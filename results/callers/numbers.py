"""The number at which a patient is rung: given at the counter, sealed, and believed for the visit it was given for."""

import re
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.booking.discretion import discreet_among
from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base
from kiosk.register.errors import Invalid
from kiosk.register.patients import Patient, Recognition
from kiosk.register.staff import Power
from results.giving import Delivery, delivery_of
from results.identity import is_minor

_NUMBER: Final = re.compile(r"\+?[0-9]{10,15}")


class PatientNumber(Base):
    """The number that was given with the choice of how a visit's results are given."""

    __tablename__ = "patient_number"
    __table_args__ = ({"schema": STAFF_ONLY},)
    keep = "promised hour + 90 days, with the choice that it came with"

    delivery_id: Mapped[UUID] = mapped_column(ForeignKey(f"{STAFF_ONLY}.delivery.id"), primary_key=True)
    site_id: Mapped[UUID]
    #: Visit and number, sealed: a row that is laid beside another visit's choice gives nothing.
    number: Mapped[bytes] = mapped_column(LargeBinary)


class BadNumber(Invalid):
    """A telephone number has ten digits, or the country's code before them."""

    french = "Ce numéro ne va pas : dix chiffres, ou + et l'indicatif du pays."


def read_number(typed: str) -> str:
    """Read a telephone number; blanks, dots and hyphens do not count.

    Raises:
        BadNumber: not ten digits, nor an international number.
    """
    number = re.sub(r"[ .\-/]", "", typed)
    if _NUMBER.fullmatch(number) is None or (len(number) == 10) != number.startswith("0"):
        raise BadNumber
    return number


def number_words(number: str) -> str:
    """Write a telephone number as it is read aloud: by twos."""
    if number.startswith("+"):
        return number
    return " ".join(number[start : start + 2] for start in range(0, len(number), 2))


def is_own(patient: Patient | None, *, said_own: bool, today: date) -> bool:
    """Whether a number that was given under an identity document is the patient's: a child's number must be said so.

    Args:
        patient: whoever stands there; nobody recognised has no number.
        said_own: the number was said to be the child's, not a parent's.
        today: the site's own day.
    """
    return patient is not None and (said_own or not is_minor(patient.birth_date, today=today))


def keep_number(db: Session, delivery: Delivery, number: str, *, power: Power, chance: Chance) -> None:
    """Keep the number that came with a choice; the same form again keeps nothing more.

    Args:
        db: a session that writes the results.
        delivery: the choice.
        number: as `read_number` gives it; empty where none was given.
        power: holds the key of sealed columns.
        chance: gives the nonce.
    """
    if not number or db.get(PatientNumber, delivery.id) is not None:
        return
    said = delivery.visit_id.hex + number
    sealed = power.seal("patient_number", "number", delivery.id, said.encode("ascii"), chance=chance)
    db.add(PatientNumber(delivery_id=delivery.id, site_id=delivery.site_id, number=sealed))


def number_of(db: Session, visit_id: UUID, power: Power) -> str:
    """The number that was given with a visit's latest choice; empty where none was."""
    return number_with(db, delivery_of(db, visit_id), power)


def number_with(db: Session, delivery: Delivery | None, power: Power) -> str:
    """The number that was given with a choice, for its own visit; empty where none was."""
    row = None if delivery is None else db.get(PatientNumber, delivery.id)
    opened = None if row is None else power.open("patient_number", "number", row.delivery_id, row.number)
    said, visit = "" if opened is None else opened.decode("ascii"), "" if delivery is None else delivery.visit_id.hex
    return said.removeprefix(visit) if said.startswith(visit) else ""


def number_to_reach(
    db: Session, visit_id: UUID, patient: Patient | None, power: Power, *, is_discreet: bool
) -> tuple[str, bool]:
    """The number for an urgency: the visit's own, else the patient's last one; of a discreet visit its own alone.

    Returns:
        The number, empty where there is none, and whether it was given for this visit.
    """
    own = number_of(db, visit_id, power)
    if own or is_discreet or patient is None:
        return own, bool(own)
    return number_before(db, patient, power, besides=visit_id), False


def number_before(db: Session, patient: Patient, power: Power, *, besides: UUID) -> str:
    """The number that a patient has given last at another visit, to be confirmed; a discreet visit's is never shown.

    Args:
        besides: the visit that is open now.
    """
    visits = (
        select(Delivery.visit_id)
        .join(Recognition, Recognition.visit_id == Delivery.visit_id)
        .where(Recognition.patient_id == patient.id, Delivery.visit_id != besides)
        .order_by(Delivery.at.desc())
    )
    theirs = list(dict.fromkeys(db.scalars(visits)))
    discreet = discreet_among(db, theirs, power)
    given = (number_of(db, visit_id, power) for visit_id in theirs if visit_id not in discreet)
    return next(filter(None, given), "")
