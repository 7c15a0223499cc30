"""The scan that proves that a container belongs to the patient who is there; every scan is kept, refused ones too."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from sqlalchemy import Enum, ForeignKey, Index, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.register import journal
from kiosk.register.clock import Chance
from kiosk.register.database import Base, UtcDateTime, uuid7
from kiosk.register.journal import Act
from kiosk.register.patients import patient_of
from kiosk.register.visits import Visit
from labels.numbering import NotASampleNumber, read_number
from labels.tubes import State, Tube, Verb, move, tubes_of


class Outcome(StrEnum):
    """How a scan ended; only `DRAWN` changes the tube."""

    #: It is this patient's, and is now drawn.
    DRAWN = "drawn"
    #: It is another visit's, or its label names someone else than the person recognised here: everything stops.
    OTHER_PATIENT = "other_patient"
    #: It was scanned before: a second label may be on another tube.
    ALREADY_APPLIED = "already_applied"
    #: It is the label of a part that the laboratory pours later: nothing is drawn into it.
    ALIQUOT = "aliquot"
    #: Its label was made void.
    VOID = "void"
    #: A right number that this site gave to no tube.
    UNKNOWN_TUBE = "unknown_tube"
    #: No sample number at all.
    NOT_A_TUBE = "not_a_tube"


#: What the sampling room shows.
FRENCH: Final = MappingProxyType(
    {
        Outcome.DRAWN: "C'est bien son tube.",
        Outcome.OTHER_PATIENT: "Ce tube est à un autre patient. Arrêtez.",
        Outcome.ALREADY_APPLIED: (
            "Étiquette déjà appliquée. Une seconde copie est peut-être sur un autre tube : "
            "détruisez-la, ou appelez l'accueil."
        ),
        Outcome.ALIQUOT: (
            "C'est l'étiquette d'une aliquote : elle se colle au laboratoire. "
            "Détachez-la de ce tube et scannez l'étiquette du tube."
        ),
        Outcome.VOID: "Cette étiquette est annulée. Détruisez-la et prenez la nouvelle.",
        Outcome.UNKNOWN_TUBE: "Ce numéro n'a été donné à aucun tube. Mettez le tube à part et appelez l'accueil.",
        Outcome.NOT_A_TUBE: NotASampleNumber.french,
    }
)


class TubeScan(Base):
    """One scan in the sampling room, never changed; what was scanned is kept only when it is a sample number."""

    __tablename__ = "tube_scan"
    __table_args__ = (Index(None, "visit_id", "at"),)
    keep = "10 years: traces of care"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    #: The visit of the patient who was there.
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("visit.id"))
    #: Nothing for what is no sample number: it could be a card.
    sample_number: Mapped[str | None] = mapped_column(String(12))
    outcome: Mapped[Outcome] = mapped_column(Enum(Outcome, native_enum=False, length=16, values_callable=list))
    #: Typed by hand instead of scanned.
    typed: Mapped[bool]
    by: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


@dataclass(frozen=True, kw_only=True)
class Verified:
    """The answer to a scan: an answer and not a refusal, because the record of a refused scan must be committed."""

    outcome: Outcome
    #: The patient's own container; None for every other one, which this screen must not describe.
    tube: Tube | None
    #: Containers that come before this one in the order of draw and are still open: a remark, not a stop.
    skipped: tuple[int, ...]
    #: How many containers of the visit are still neither drawn nor missing.
    left: int

    @property
    def right(self) -> bool:
        """Whether the sampler may go on."""
        return self.outcome is Outcome.DRAWN

    @property
    def french(self) -> str:
        """What the screen shows."""
        return FRENCH[self.outcome]


def scan(
    db: Session, *, visit: Visit, scanned: str, by: str, at: datetime, chance: Chance, typed: bool = False
) -> Verified:
    """Compare a container with the patient who is there, and record the scan whatever it says.

    Args:
        visit: the patient's visit, whose ticket was scanned and whose name was asked.
        scanned: what the scanner sent, or what was typed.
        typed: whether it was typed by hand.

    Source: the design note on paper, section 11 (scan-to-verify).
    """
    try:
        number = read_number(scanned)
    except NotASampleNumber:
        number = None
    tube = None if number is None else _found(db, visit, number)
    outcome = _judged(db, visit, number, tube)
    if outcome is Outcome.DRAWN and tube is not None:
        move(tube, Verb.DRAW)
        tube.drawn_at, tube.drawn_by, tube.reason = at, by, None
        journal.write(db, "register", Act.TUBE_DRAWN, by=by, at=at, chance=chance, visit=visit.id, tube=tube.id)
    db.add(
        TubeScan(
            id=uuid7(at, chance), site_id=visit.site_id, visit_id=visit.id, sample_number=number,
            outcome=outcome, typed=typed, by=by, at=at,
        )
    )  # fmt: skip
    own = tube if outcome is not Outcome.OTHER_PATIENT else None
    still = [one.position for one in tubes_of(db, visit) if one.state in {State.PLANNED, State.LABELLED}]
    drawn_now = own is not None and outcome is Outcome.DRAWN
    return Verified(
        outcome=outcome,
        tube=own,
        skipped=tuple(place for place in still if own is not None and drawn_now and place < own.position),
        left=len(still),
    )


def scans_of(db: Session, visit: Visit) -> list[TubeScan]:
    """Give every scan made for a visit, oldest first."""
    return list(db.scalars(select(TubeScan).where(TubeScan.visit_id == visit.id).order_by(TubeScan.at, TubeScan.id)))


def _found(db: Session, visit: Visit, number: str) -> Tube | None:
    """The container of that number, held so that two scans of it cannot both be the first."""
    return db.scalars(
        select(Tube)
        .where(Tube.site_id == visit.site_id, Tube.sample_number == number)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()


def _judged(db: Session, visit: Visit, number: str | None, tube: Tube | None) -> Outcome:
    if number is None:
        return Outcome.NOT_A_TUBE
    if tube is None:
        return Outcome.UNKNOWN_TUBE
    if tube.state is State.VOID and tube.visit_id == visit.id:
        return Outcome.VOID
    patient = patient_of(db, visit.id)
    if tube.visit_id != visit.id or patient is None or patient.id != tube.patient_id:
        return Outcome.OTHER_PATIENT
    if tube.parent_id is not None:
        return Outcome.ALIQUOT
    return Outcome.ALREADY_APPLIED if tube.state is State.DRAWN else Outcome.DRAWN
