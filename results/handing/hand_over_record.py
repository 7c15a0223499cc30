"""One envelope that left the counter: to whom, on which proof, in how many sheets, signed for by whom."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register import clock
from kiosk.register.accounts import staff_of
from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime, uuid7
from kiosk.register.errors import NotFound
from kiosk.register.journal import Act, write
from kiosk.register.once import answered
from kiosk.register.patients import Document, Patient
from kiosk.register.sites import this_site
from kiosk.register.staff import Power
from kiosk.register.visits import Visit
from printers.paper import Form, Paper
from results.handing.sheets import SignedBody, report_papers
from results.matrix import Person
from results.release import Decision
from results.reports.versions import ReportVersion
from results.vault.envelopes import Body
from results.vault.opening import Items
from results.vault.sealing import DoesNotOpen
from results.weighing import Asked

#: Who takes an envelope for somebody else: always sealed, always signed for on paper.
TAKES_FOR_ANOTHER: Final = frozenset({Person.PARENT, Person.MANDATED})


class NoSlipReason(StrEnum):
    """Why a biologist agrees to hand over without a code."""

    LOST = "lost"  #: slip or PIN lost
    NONE = "none"  #: no slip was asked for
    ROUTE = "route"  #: the biologist receives the patient
    DECLARED = "declared"  #: a discreet visit: the identity was said, no document was shown


class HandOver(Base):
    """One paper handed over at the counter: to whom, on which document, why without code; nothing of its content."""

    __tablename__ = "hand_over"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index(None, "visit_id", "at"),
        CheckConstraint("(person = 'mandated') = (mandate_id IS NOT NULL)", name="mandated_by"),
        CheckConstraint("(signed_by IS NULL) = (signed_at IS NULL)", name="signed_for"),
        {"schema": STAFF_ONLY},
    )
    keep = "10 years: diffusion traces (L.1142-28 CSP)"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    visit_id: Mapped[UUID]
    dossier_id: Mapped[UUID]
    #: Who took it.
    person: Mapped[Person] = mapped_column(Enum(Person, native_enum=False, length=12, values_callable=list))
    #: The mandate on which it was given to somebody else.
    mandate_id: Mapped[UUID | None] = mapped_column(ForeignKey(f"{STAFF_ONLY}.mandate.id"))
    #: Kind of identity document that was seen of who took it; nothing of it is copied.
    document: Mapped[Document] = mapped_column(Enum(Document, native_enum=False, length=18, values_callable=list))
    #: Given by a biologist who hands over without a code what is confidential.
    reason: Mapped[NoSlipReason | None] = mapped_column(
        Enum(NoSlipReason, native_enum=False, length=10, values_callable=list)
    )
    #: The route's class: from C2 on it says how many sheets an envelope has.
    release_class: Mapped[ReleaseClass] = mapped_column(
        Enum(ReleaseClass, native_enum=False, length=2, values_callable=list)
    )
    #: Whether a sealed envelope was asked for.
    is_sealed: Mapped[bool]
    #: How many sheets were made, 0 before that.
    sheets: Mapped[int]
    #: Who has seen the signature of somebody who took it for another.
    signed_by: Mapped[UUID | None]
    signed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    by: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: The form that asked for it.
    key: Mapped[str] = mapped_column(String(32))


class NoHandOver(NotFound):
    """There is no such hand-over; begin again with the patient."""

    french = "Cette remise n'existe pas. Reprenez à la recherche du patient."


def enter_hand_over(
    db: Session, visit: Visit, dossier_id: UUID, decision: Decision, asked: Asked, *, mandate_id: UUID | None = None,
    reason: NoSlipReason | None, by: UUID, at: datetime, chance: Chance, key: str,
) -> HandOver:  # fmt: skip
    """Enter one hand-over, in the transaction that releases."""
    row = HandOver(
        id=uuid7(at, chance), site_id=visit.site_id, visit_id=visit.id, dossier_id=dossier_id,
        person=asked.person, mandate_id=mandate_id, document=asked.document, reason=reason,
        release_class=decision.release_class or ReleaseClass.C5, is_sealed=decision.is_sealed,
        sheets=0, signed_by=None, signed_at=None,
        by=by, at=at, key=key,
    )  # fmt: skip
    db.add(row)
    write(db, "results", Act.RELEASE_HANDED, by=by, at=at, chance=chance, hand_over=row.id, dossier=dossier_id)
    return row


def hand_over_of(db: Session, visit_id: UUID, hand_over_id: UUID) -> HandOver:
    """One hand-over of a visit.

    Raises:
        NoHandOver: there is none.
    """
    row = db.get(HandOver, hand_over_id)
    if row is None or row.visit_id != visit_id:
        raise NoHandOver
    return row


def hand_over_by_form(db: Session, site_id: UUID, key: str) -> HandOver | None:
    """The hand-over that a form has made."""
    return answered(db, HandOver, site_id, key)


def papers_of(
    db: Session, row: HandOver, patient: Patient, items: Items, bodies: Sequence[Body], *, power: Power, form: Form
) -> tuple[Paper, ...]:
    """Make the sheets of what was just handed over, and enter how many there are; each proves itself.

    Raises:
        DoesNotOpen: a version that nobody has signed.
    """
    papers = signed_papers(
        db, key_of(row.id), patient, items, bodies, release_class=row.release_class, power=power, form=form
    )  # fmt: skip
    row.sheets = len(papers)
    return papers


def signed_papers(
    db: Session, key: str, patient: Patient, items: Items, bodies: Sequence[Body], *, release_class: ReleaseClass,
    power: Power, form: Form, address: Sequence[str] = (),
) -> tuple[Paper, ...]:  # fmt: skip
    """Make the sheets of one envelope, each report under the full name of who signed it, and when.

    Raises:
        DoesNotOpen: a version that nobody has signed.
    """
    signed, site = [], this_site(db)
    for item, body in zip(items, bodies, strict=True):
        version = db.get_one(ReportVersion, item)
        if version.signer is None or version.signed_at is None:
            raise DoesNotOpen
        day = clock.day(site.timezone, version.signed_at)
        on = f"le {day:%d/%m/%Y} à {clock.hour(site.timezone, version.signed_at)}"
        signed.append(SignedBody(body=body, by=staff_of(db, version.signer, power).name, on=on))
    return report_papers(
        key, patient, signed, release_class=release_class, form=form, laboratory=site.name, address=address
    )


def sign_for(db: Session, row: HandOver, *, by: UUID, at: datetime, chance: Chance) -> None:
    """Note that whoever took the envelope for somebody else has signed for it on paper."""
    if row.person in TAKES_FOR_ANOTHER and row.signed_at is None:
        row.signed_by, row.signed_at = by, at
        write(db, "results", Act.RELEASE_SIGNED_FOR, by=by, at=at, chance=chance, hand_over=row.id)


def key_of(envelope_id: UUID) -> str:
    """What the keys of an envelope's print jobs begin with; a number follows for each sheet."""
    return f"report/{envelope_id}"
