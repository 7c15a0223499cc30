"""Whose results may be fetched: by what stands on the identity document, or by a ticket for what is in no list."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kiosk.booking.discretion import discreet_among
from kiosk.register.clock import Chance, read_day
from kiosk.register.errors import Invalid
from kiosk.register.journal import Act, write
from kiosk.register.patients import Patient, Recognition, search_patients
from kiosk.register.staff import Power
from kiosk.register.visits import Visit
from results.vault.dossiers import Dossier

_VISITS: Final = 3
#: No ticket has more.
_DIGITS: Final = 5


class NotOnATicket(Invalid):
    """A ticket has a day and a number; no result waits under this one, or it was misread."""

    french = "Rien n'attend sous ce numéro, ce jour-là. Relisez le ticket : le jour, puis le numéro."


@dataclass(frozen=True, kw_only=True)
class Found:
    """A person of the file and the visits whose results may have come."""

    patient: Patient
    visits: tuple[Visit, ...]


def find_visits(
    db: Session, site_id: UUID, typed: str, power: Power, *, by: UUID, at: datetime, chance: Chance
) -> list[Found]:
    """The persons that suit what was typed, each with the latest ordinary visits that have a dossier of results.

    A discreet visit is in no list: whoever comes for it shows the slip, or the ticket with its day and number. The
    journal knows who has searched and whom they saw.

    Args:
        db: a session that writes the results.
        typed: names, birth date or number.
        power: tells which visits are discreet.
        by: staff id.
        at: now.
        chance: gives the journal's salt.
    """
    found = []
    for patient in search_patients(db, "results", site_id, typed, by=by, at=at, chance=chance):
        visits = (
            select(Visit)
            .join(Recognition, Recognition.visit_id == Visit.id)
            .join(Dossier, Dossier.visit_id == Visit.id)
            .where(Recognition.patient_id == patient.id)
            .order_by(Visit.arrived_at.desc())
        )
        all_of_them = db.scalars(visits).all()
        discreet = discreet_among(db, [visit.id for visit in all_of_them], power)
        ordinary = [visit for visit in all_of_them if visit.id not in discreet]
        found.append(Found(patient=patient, visits=tuple(ordinary[:_VISITS])))
    return found


def read_ticket(number: str, on: str) -> tuple[int, date]:
    """Read what stands on a ticket: its number and its day.

    Raises:
        NotOnATicket: no ticket bears this.
    """
    if not number.strip().isdecimal() or len(number.strip()) > _DIGITS:
        raise NotOnATicket
    try:
        return int(number), read_day(on)
    except ValueError:
        raise NotOnATicket from None


def visit_on_ticket(
    db: Session, site_id: UUID, number: int, on: date, *, by: UUID, at: datetime, chance: Chance
) -> Visit:
    """Open the visit of a ticket, in a list or not; the journal knows who has asked for it this way.

    Args:
        db: a session that writes the results.
        number: on the ticket.
        on: the ticket's day.
        by: staff id.
        at: now.
        chance: gives the journal's salt.

    Raises:
        NotOnATicket: no visit of this number and day has a dossier of results.
    """
    asked = select(Visit).join(Dossier, Dossier.visit_id == Visit.id)
    visit = db.scalars(asked.where(Visit.site_id == site_id, Visit.number == number, Visit.day == on)).first()
    if visit is None:
        raise NotOnATicket
    write(db, "results", Act.VISIT_SHOWN, by=by, at=at, chance=chance, visit=visit.id)
    return visit
