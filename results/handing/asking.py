"""The counter asks a biologist to hand over without a code what is confidential; she answers from her own screen."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime, uuid7
from kiosk.register.errors import Conflict, NotFound
from kiosk.register.journal import Act, write
from kiosk.register.once import PageAlreadyUsed, answered
from kiosk.register.patients import Document, Patient, patient_of
from kiosk.register.staff import Power
from kiosk.register.visits import Visit, visit_of
from printers.paper import Form
from results.handing.hand_over_record import NoSlipReason
from results.handing.hand_over_rule import Biologist, Ready, hand_over
from results.matrix import Channel, Person
from results.release import Role
from results.vault.dossiers import NoSuchDossier, dossier_of
from results.vault.keys import KeyRing
from results.vault.releases import Course
from results.weighing import Asked, weigh

#: Nobody stands at the counter for longer.
LASTS: Final = timedelta(minutes=15)


class Reply(StrEnum):
    """What the biologist answers."""

    AGREED = "agreed"  #: printed at the counter
    COMING = "coming"  #: she receives the person herself
    DECLINED = "declined"  #: the one sentence


class HandOverRequest(Base):
    """Somebody stands at the counter with a document and without a slip; a biologist is asked."""

    __tablename__ = "hand_over_request"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index(None, "site_id", "at"),
        CheckConstraint("(reply IS NULL) = (replied_at IS NULL)", name="replied"),
        CheckConstraint("(hand_over_id IS NOT NULL) = (reply IS NOT NULL AND reply = 'agreed')", name="agreed"),
        {"schema": STAFF_ONLY},
    )
    keep = "10 years: diffusion traces (L.1142-28 CSP)"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    visit_id: Mapped[UUID]
    #: Kind of identity document that the counter has compared.
    document: Mapped[Document] = mapped_column(Enum(Document, native_enum=False, length=18, values_callable=list))
    by: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    reply: Mapped[Reply | None] = mapped_column(Enum(Reply, native_enum=False, length=8, values_callable=list))
    replied_by: Mapped[UUID | None]
    replied_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    hand_over_id: Mapped[UUID | None] = mapped_column(ForeignKey(f"{STAFF_ONLY}.hand_over.id"))
    #: The form that asked.
    key: Mapped[str] = mapped_column(String(32))


class NoRequest(NotFound):
    """This request does not wait any more; look at the list again."""

    french = "Cette demande n'attend plus. Regardez la liste à nouveau."


class ReceiveThem(Conflict):
    """For this dossier the biologist receives the person, always."""

    french = "Pour ce dossier, la personne est toujours reçue par le biologiste. Répondez que vous venez."


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """One request as the biologist sees it."""

    row: HandOverRequest
    visit: Visit
    patient: Patient | None
    #: Whether she may agree to it from her screen.
    may_agree: bool


def ask_biologist(
    db: Session, visit: Visit, document: Document, *, by: UUID, at: datetime, chance: Chance, key: str
) -> HandOverRequest:
    """Ask a biologist about one visit, whatever it is: what is asked says nothing of what there is.

    Raises:
        PageAlreadyUsed: the form was sent for another visit.
    """
    if before := answered(db, HandOverRequest, visit.site_id, key):
        if before.visit_id != visit.id:
            raise PageAlreadyUsed
        return before
    row = HandOverRequest(
        id=uuid7(at, chance), site_id=visit.site_id, visit_id=visit.id, document=document, by=by, at=at, reply=None,
        replied_by=None, replied_at=None, hand_over_id=None, key=key,
    )  # fmt: skip
    db.add(row)
    write(db, "results", Act.TASK_OPENED, by=by, at=at, chance=chance, request=row.id, visit=visit.id)
    return row


def waiting_for_biologist(db: Session, keys: KeyRing, site_id: UUID, *, power: Power, at: datetime) -> list[Waiting]:
    """The requests of people who still stand there, the oldest first."""
    asked = select(HandOverRequest).where(
        HandOverRequest.site_id == site_id, HandOverRequest.reply.is_(None), HandOverRequest.at > at - LASTS
    )
    return [
        Waiting(
            row=row, visit=visit_of(db, row.visit_id), patient=patient_of(db, row.visit_id),
            may_agree=not _is_hers_alone(db, keys, row.visit_id, power=power, at=at),
        )
        for row in db.scalars(asked.order_by(HandOverRequest.at))
    ]  # fmt: skip


def request_of(db: Session, visit_id: UUID, request_id: UUID) -> HandOverRequest:
    """One request of a visit.

    Raises:
        NoRequest: there is none.
    """
    row = db.get(HandOverRequest, request_id)
    if row is None or row.visit_id != visit_id:
        raise NoRequest
    return row


def answer(db: Session, request_id: UUID, reply: Reply, *, by: UUID, at: datetime, chance: Chance) -> HandOverRequest:
    """Answer that the biologist comes, or that nothing is handed over.

    Raises:
        NoRequest: it does not wait any more.
    """
    row = _open(db, request_id, at)
    row.reply, row.replied_by, row.replied_at = reply, by, at
    write(db, "results", Act.TASK_DONE, by=by, at=at, chance=chance, request=row.id, reply=reply)
    return row


def agree(
    db: Session, keys: KeyRing, request_id: UUID, reason: NoSlipReason, *, biologist: Biologist, form: Form,
    power: Power, by: UUID, at: datetime, chance: Chance, key: str,
) -> Ready:  # fmt: skip
    """Agree from the biologist's screen: released by her, with her keys and reason, printed at the counter.

    Args:
        db: a session that writes the results.
        keys: the staff programme's keys.
        reason: why without a code.
        biologist: her unlocked keys.
        form: the roll at the counter.
        power: vouches for holds and signers.
        by: the biologist's staff id.
        key: of the form.

    Raises:
        NoRequest: it does not wait any more.
        ReceiveThem: the signed table has her receive the person.
        Locked, SealBroken: nothing is opened.
    """
    row = _open(db, request_id, at)
    if _is_hers_alone(db, keys, row.visit_id, power=power, at=at):
        raise ReceiveThem
    visit, patient = visit_of(db, row.visit_id), patient_of(db, row.visit_id)
    if patient is None:
        raise NoRequest
    asked = Asked(
        channel=Channel.COUNTER, person=Person.WITHOUT_CODE, role=Role.BIOLOGIST, document=row.document, agreed=True
    )
    ready = hand_over(
        db, keys, visit, patient, asked=asked, mandate_id=None, reason=reason, biologist=biologist, form=form,
        power=power, by=by, at=at, chance=chance, key=key,
    )  # fmt: skip
    row.reply = Reply.DECLINED if ready.hand_over is None else Reply.AGREED
    row.replied_by, row.replied_at = by, at
    row.hand_over_id = None if ready.hand_over is None else ready.hand_over.id
    write(db, "results", Act.TASK_DONE, by=by, at=at, chance=chance, request=row.id, reply=row.reply)
    return ready


def _open(db: Session, request_id: UUID, at: datetime) -> HandOverRequest:
    row = db.get(HandOverRequest, request_id, with_for_update=True)
    if row is None or row.reply is not None or at - row.at >= LASTS:
        raise NoRequest
    return row


def _is_hers_alone(db: Session, keys: KeyRing, visit_id: UUID, *, power: Power, at: datetime) -> bool:
    """Whether the rule has the biologist receive the person, even where she has agreed; what came counts, too."""
    agreed = Asked(channel=Channel.COUNTER, person=Person.WITHOUT_CODE, role=Role.SECRETARY, agreed=True)
    try:
        _, weighed = weigh(db, keys, dossier_of(db, keys, visit_id).id, agreed, power=power, at=at)
    except NoSuchDossier:
        return False
    return weighed.course is Course.BIOLOGIST
