"""The counter asks a biologist to hand over without a code what is confidential; she answers from her own screen."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY
from kiosk.register.errors import Conflict
from kiosk.register.patients import Document, Patient, patient_of
from kiosk.register.staff import Power
from kiosk.register.visits import Visit, visit_of
from printers.paper import Form
from results.desks.standing_by import CounterRequest, NoRequest, Reply, ask, open_request, reply_to, standing_there
from results.handing.hand_over_record import NoSlipReason
from results.handing.hand_over_rule import Biologist, Ready, hand_over
from results.matrix import Channel, Person
from results.release import Role
from results.vault.dossiers import NoSuchDossier, dossier_of
from results.vault.keys import KeyRing
from results.vault.releases import Course
from results.weighing import Asked, weigh


class HandOverRequest(CounterRequest):
    """Somebody stands at the counter with a document and without a slip; a biologist is asked."""

    __tablename__ = "hand_over_request"
    keep = "10 years: diffusion traces (L.1142-28 CSP)"

    hand_over_id: Mapped[UUID | None] = mapped_column(ForeignKey(f"{STAFF_ONLY}.hand_over.id"))

    @classmethod
    def more_constraints(cls) -> tuple[CheckConstraint, ...]:
        """Agreed is printed at the counter."""
        agreed = "(hand_over_id IS NOT NULL) = (reply IS NOT NULL AND reply = 'agreed')"
        return (CheckConstraint(agreed, name="agreed"),)


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
    return ask(db, HandOverRequest, visit, document, by=by, at=at, chance=chance, key=key)


def waiting_for_biologist(db: Session, keys: KeyRing, site_id: UUID, *, power: Power, at: datetime) -> list[Waiting]:
    """The requests of people who still stand there, the oldest first."""
    return [
        Waiting(
            row=row, visit=visit_of(db, row.visit_id), patient=patient_of(db, row.visit_id),
            may_agree=not _is_hers_alone(db, keys, row.visit_id, power=power, at=at),
        )
        for row in standing_there(db, HandOverRequest, site_id, at=at)
    ]  # fmt: skip


def answer(db: Session, request_id: UUID, reply: Reply, *, by: UUID, at: datetime, chance: Chance) -> HandOverRequest:
    """Answer that the biologist comes, or that nothing is handed over.

    Raises:
        NoRequest: it does not wait any more.
    """
    row = open_request(db, HandOverRequest, request_id, at=at)
    reply_to(db, row, reply, by=by, at=at, chance=chance)
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
    row = open_request(db, HandOverRequest, request_id, at=at)
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
    row.hand_over_id = None if ready.hand_over is None else ready.hand_over.id
    reply_to(db, row, Reply.DECLINED if ready.hand_over is None else Reply.AGREED, by=by, at=at, chance=chance)
    return ready


def _is_hers_alone(db: Session, keys: KeyRing, visit_id: UUID, *, power: Power, at: datetime) -> bool:
    """Whether the rule has the biologist receive the person, even where she has agreed; what came counts, too."""
    agreed = Asked(channel=Channel.COUNTER, person=Person.WITHOUT_CODE, role=Role.SECRETARY, agreed=True)
    try:
        _, weighed = weigh(db, keys, dossier_of(db, keys, visit_id).id, agreed, power=power, at=at)
    except NoSuchDossier:
        return False
    return weighed.course is Course.BIOLOGIST
