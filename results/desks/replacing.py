"""A slip is made again: asked for at the counter, agreed to by a biologist where something confidential lies sealed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from threading import Lock
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Enum, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime, uuid7
from kiosk.register.errors import NotFound
from kiosk.register.journal import Act, write
from kiosk.register.once import PageAlreadyUsed, answered
from kiosk.register.patients import Document, Patient, patient_of
from kiosk.register.visits import Visit, visit_of
from results.signing import Purpose, SealBroken
from results.vault.dossiers import dossier_of
from results.vault.keys import BiologistKeys, KeyRing
from results.vault.opening import open_by_escrow
from results.vault.sealing import DoesNotOpen

#: Nobody stands at the counter for longer.
LASTS: Final = timedelta(minutes=15)
#: How long the patient has for a new PIN once the biologist has agreed.
AGREED_FOR: Final = timedelta(minutes=10)


class Reason(StrEnum):
    """What became of the slip before."""

    LOST = "lost"
    DAMAGED = "damaged"
    PIN_FORGOTTEN = "pin_forgotten"
    DEAD = "dead"  #: it answers no more: keys were changed or lost


class Reply(StrEnum):
    """What the biologist answers."""

    AGREED = "agreed"
    DECLINED = "declined"


class SlipRequest(Base):
    """Somebody stands at the counter with a document and wants another slip."""

    __tablename__ = "slip_request"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index(None, "site_id", "at"),
        CheckConstraint("(reply IS NULL) = (replied_at IS NULL)", name="replied"),
        {"schema": STAFF_ONLY},
    )
    keep = "10 years: who was given codes again (L.1142-28 CSP)"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    visit_id: Mapped[UUID]
    reason: Mapped[Reason] = mapped_column(Enum(Reason, native_enum=False, length=13, values_callable=list))
    #: Kind of identity document that the counter has compared; nothing of it is copied.
    document: Mapped[Document] = mapped_column(Enum(Document, native_enum=False, length=18, values_callable=list))
    by: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    reply: Mapped[Reply | None] = mapped_column(Enum(Reply, native_enum=False, length=8, values_callable=list))
    replied_by: Mapped[UUID | None]
    replied_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: The form that asked.
    key: Mapped[str] = mapped_column(String(32))


class NoSlipRequest(NotFound):
    """This request does not wait any more; look at the list again."""

    french = "Cette demande n'attend plus. Regardez la liste à nouveau."


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
    if before := answered(db, SlipRequest, visit.site_id, key):
        if before.visit_id != visit.id:
            raise PageAlreadyUsed
        return before
    row = SlipRequest(
        id=uuid7(at, chance), site_id=visit.site_id, visit_id=visit.id, reason=reason, document=document, by=by, at=at,
        reply=None, replied_by=None, replied_at=None, key=key,
    )  # fmt: skip
    db.add(row)
    write(db, "results", Act.TASK_OPENED, by=by, at=at, chance=chance, request=row.id, visit=visit.id, reason=reason)
    return row


def slips_wanted(db: Session, site_id: UUID, *, at: datetime) -> list[Wanted]:
    """The requests of people who still stand there, the oldest first."""
    asked = select(SlipRequest).where(
        SlipRequest.site_id == site_id, SlipRequest.reply.is_(None), SlipRequest.at > at - LASTS
    )
    return [
        Wanted(row=row, visit=visit_of(db, row.visit_id), patient=patient_of(db, row.visit_id))
        for row in db.scalars(asked.order_by(SlipRequest.at))
    ]


def request_of(db: Session, visit_id: UUID, request_id: UUID) -> SlipRequest:
    """One request of a visit.

    Raises:
        NoSlipRequest: there is none.
    """
    row = db.get(SlipRequest, request_id)
    if row is None or row.visit_id != visit_id:
        raise NoSlipRequest
    return row


def decline_slip(db: Session, request_id: UUID, *, by: UUID, at: datetime, chance: Chance) -> None:
    """Answer that no slip is made.

    Raises:
        NoSlipRequest: it does not wait any more.
    """
    _reply(db, _open(db, request_id, at), Reply.DECLINED, by=by, at=at, chance=chance)


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
        NoSlipRequest: it does not wait any more.
        NoSuchDossier, SealBroken: nothing is opened.
    """
    row = _open(db, request_id, at)
    dossier = dossier_of(db, keys, row.visit_id)
    try:
        private = open_by_escrow(db, dossier, biologist)
    except DoesNotOpen:
        raise SealBroken from None
    write(
        db, "results", Act.ESCROW_OPENED, by=by, at=at, chance=chance, dossier=dossier.id, purpose=Purpose.REISSUE
    )  # fmt: skip
    _reply(db, row, Reply.AGREED, by=by, at=at, chance=chance)
    return row.visit_id, private


def _open(db: Session, request_id: UUID, at: datetime) -> SlipRequest:
    row = db.get(SlipRequest, request_id, with_for_update=True)
    if row is None or row.reply is not None or at - row.at >= LASTS:
        raise NoSlipRequest
    return row


def _reply(db: Session, row: SlipRequest, reply: Reply, *, by: UUID, at: datetime, chance: Chance) -> None:
    row.reply, row.replied_by, row.replied_at = reply, by, at
    write(db, "results", Act.TASK_DONE, by=by, at=at, chance=chance, request=row.id, reply=reply)


def _is_fresh(held: _Held, at: datetime) -> bool:
    return held.agreed_at <= at < held.agreed_at + AGREED_FOR
