"""A slip is made again: asked for at the counter, agreed to by a biologist where something confidential lies sealed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from threading import Lock
from typing import Final
from uuid import UUID

from sqlalchemy import Enum
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.register.clock import Chance
from kiosk.register.journal import Act, write
from kiosk.register.patients import Document, Patient, patient_of
from kiosk.register.visits import Visit, visit_of
from results.desks.standing_by import CounterRequest, Reply, ask, open_request, reply_to, standing_there
from results.signing import Purpose, SealBroken
from results.vault.dossiers import dossier_of
from results.vault.keys import BiologistKeys, KeyRing
from results.vault.opening import open_by_escrow
from results.vault.sealing import DoesNotOpen

#: How long the patient has for a new PIN once the biologist has agreed.
AGREED_FOR: Final = timedelta(minutes=10)


class Reason(StrEnum):
    """What became of the slip before."""

    LOST = "lost"
    DAMAGED = "damaged"
    PIN_FORGOTTEN = "pin_forgotten"
    DEAD = "dead"  #: it answers no more: keys were changed or lost


class SlipRequest(CounterRequest):
    """Somebody stands at the counter with a document and wants another slip."""

    __tablename__ = "slip_request"
    keep = "10 years: who was given codes again (L.1142-28 CSP)"

    reason: Mapped[Reason] = mapped_column(Enum(Reason, native_enum=False, length=13, values_callable=list))


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One request as the biologist sees it."""

    row: SlipRequest
    visit: Visit
    patient: Patient | None


@dataclass(frozen=True, kw_only=True, repr=False)
class _Held:
    private: bytes
    agreed_at: datetime


class Agreements:
    """Dossier keys that a biologist has opened for a new slip: in this programme's memory alone, for ten minutes."""

    def __init__(self) -> None:
        self._held: dict[UUID, _Held] = {}
        self._lock = Lock()

    def hold(self, visit_id: UUID, private: bytes, *, at: datetime) -> None:
        """Keep a dossier's key for its next slip."""
        with self._lock:
            self._held[visit_id] = _Held(private=private, agreed_at=at)

    def key_for(self, visit_id: UUID, *, confirmed_at: datetime | None, at: datetime) -> bytes | None:
        """Give the key of a visit's dossier, as long as no slip came out since and ten minutes have not passed.

        Args:
            visit_id: the visit.
            confirmed_at: when its present slip came out, if one has.
            at: now.
        """
        with self._lock:
            for one in [one for one, held in self._held.items() if not _is_fresh(held, at)]:
                del self._held[one]
            held = self._held.get(visit_id)
            if held is None or (confirmed_at is not None and confirmed_at >= held.agreed_at):
                return None
            return held.private


def ask_slip(
    db: Session, visit: Visit, reason: Reason, document: Document, *, by: UUID, at: datetime, chance: Chance, key: str
) -> SlipRequest:
    """Ask a biologist for another slip of a visit.

    Raises:
        PageAlreadyUsed: the form was sent for another visit.
    """
    return ask(db, SlipRequest, visit, document, by=by, at=at, chance=chance, key=key, reason=reason)


def slips_wanted(db: Session, site_id: UUID, *, at: datetime) -> list[Wanted]:
    """The requests of people who still stand there, the oldest first."""
    return [
        Wanted(row=row, visit=visit_of(db, row.visit_id), patient=patient_of(db, row.visit_id))
        for row in standing_there(db, SlipRequest, site_id, at=at)
    ]


def decline_slip(db: Session, request_id: UUID, *, by: UUID, at: datetime, chance: Chance) -> None:
    """Answer that no slip is made.

    Raises:
        NoRequest: it does not wait any more.
    """
    reply_to(db, open_request(db, SlipRequest, request_id, at=at), Reply.DECLINED, by=by, at=at, chance=chance)


def agree_to_slip(
    db: Session, keys: KeyRing, request_id: UUID, *, biologist: BiologistKeys, by: UUID, at: datetime, chance: Chance
) -> tuple[UUID, bytes]:
    """Open a dossier through escrow for another slip; the journal knows.

    Args:
        db: a session that writes the results.
        keys: the staff programme's keys.
        request_id: the request.
        biologist: unlocked keys.
        by: the biologist's staff id.
        at: now.
        chance: gives the journal's salts.

    Returns:
        The visit, and its dossier's private key: kept in memory until the patient has typed a PIN, nowhere else.

    Raises:
        NoRequest: it does not wait any more.
        NoSuchDossier, SealBroken: nothing is opened.
    """
    row = open_request(db, SlipRequest, request_id, at=at)
    dossier = dossier_of(db, keys, row.visit_id)
    try:
        private = open_by_escrow(db, dossier, biologist)
    except DoesNotOpen:
        raise SealBroken from None
    write(
        db, "results", Act.ESCROW_OPENED, by=by, at=at, chance=chance, dossier=dossier.id, purpose=Purpose.REISSUE
    )  # fmt: skip
    reply_to(db, row, Reply.AGREED, by=by, at=at, chance=chance)
    return row.visit_id, private


def _is_fresh(held: _Held, at: datetime) -> bool:
    return held.agreed_at <= at < held.agreed_at + AGREED_FOR
