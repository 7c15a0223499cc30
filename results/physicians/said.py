"""Whom the laboratory system names as an order's prescriber: a hint for the person who reads the paper, no power."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime
from results.hl7v2.reader import Message
from results.hl7v2.values import Practitioner, practitioner
from results.physicians.register import LONGEST_NAME, Physician
from results.vault.dossiers import Dossier

#: How far back the register asks for those whom it does not know, and how many of them it shows at once.
ASKED: Final = timedelta(days=30)
MOST: Final = 20
#: Where a prescriber is named: with the order, then with its common part.
_PLACES: Final = (("OBR", 16), ("ORC", 12))


class SaidPrescriber(Base):
    """A message has named this professional as the prescriber of a dossier's order."""

    __tablename__ = "said_prescriber"
    __table_args__ = (Index(None, "site_id", "at"), {"schema": STAFF_ONLY})
    keep = "promised hour + 90 days, with its dossier"

    dossier_id: Mapped[UUID] = mapped_column(primary_key=True)
    #: Eleven digits, as sent.
    rpps: Mapped[str] = mapped_column(String(11), primary_key=True)
    site_id: Mapped[UUID]
    #: Given and family name, as sent.
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    #: The message that said it first.
    message_id: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)


@dataclass(frozen=True, kw_only=True)
class Unknown:
    """A prescriber of the last weeks whom the register does not know."""

    rpps: str
    name: str
    #: On how many dossiers.
    orders: int


def prescribers_in(message: Message) -> tuple[Practitioner, ...]:
    """Those whom a message names as prescribers by their national number, each once, in the order said."""
    found = [
        practitioner(rep) for name, place in _PLACES for segment in message.each(name) for rep in segment[place].reps
    ]
    return tuple({one.rpps: one for one in reversed(found) if one.rpps}.values())[::-1]


def note_prescribers(
    db: Session, dossier_id: UUID, said: Iterable[Practitioner], *, site_id: UUID, message_id: UUID, at: datetime
) -> None:
    """Keep whom a message names; said again, nothing changes.

    Args:
        db: a session that writes the results.
        said: by national number.
        message_id: the row that keeps its bytes.
        at: the instant of receipt.
    """
    for one in said:
        if db.get(SaidPrescriber, (dossier_id, one.rpps)) is None:
            name = "".join(sign for sign in f"{one.given} {one.family}" if sign.isprintable())
            db.add(
                SaidPrescriber(
                    dossier_id=dossier_id, rpps=one.rpps, site_id=site_id, name=" ".join(name.split())[:LONGEST_NAME],
                    message_id=message_id, at=at,
                )
            )  # fmt: skip


def said_for(db: Session, visit_id: UUID) -> list[SaidPrescriber]:
    """Whom the laboratory system names for a visit, in the order said."""
    asked = select(SaidPrescriber).join(Dossier, Dossier.id == SaidPrescriber.dossier_id)
    return list(db.scalars(asked.where(Dossier.visit_id == visit_id).order_by(SaidPrescriber.at, SaidPrescriber.rpps)))


def unknown_prescribers(db: Session, site_id: UUID, *, at: datetime) -> list[Unknown]:
    """The prescribers of the last weeks who have no entry in the register, who is named most first."""
    asked = (
        select(SaidPrescriber)
        .outerjoin(Physician, (Physician.site_id == site_id) & (Physician.rpps == SaidPrescriber.rpps))
        .where(SaidPrescriber.site_id == site_id, SaidPrescriber.at > at - ASKED, Physician.id.is_(None))
        .order_by(SaidPrescriber.at)
    )
    rows: dict[str, list[SaidPrescriber]] = {}
    for row in db.scalars(asked):
        rows.setdefault(row.rpps, []).append(row)
    found = [Unknown(rpps=rpps, name=same[-1].name, orders=len(same)) for rpps, same in rows.items()]
    return sorted(found, key=lambda one: (-one.orders, one.name))[:MOST]
