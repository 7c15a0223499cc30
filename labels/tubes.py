"""Each container of a visit, from its number to its draw."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import JSON, CheckConstraint, Enum, ForeignKey, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.register import journal
from kiosk.register.clock import Chance
from kiosk.register.database import Base, UtcDateTime
from kiosk.register.errors import Conflict, Invalid, NotFound
from kiosk.register.journal import Act
from kiosk.register.visits import Visit
from labels.planning.kinds import LONGEST_CAP, LONGEST_WORDS, Kind, Look
from labels.planning.table import shipped


class State(StrEnum):
    """Where a numbered container stands."""

    #: Has its number; its label is owed.
    PLANNED = "planned"
    #: Its label is known to be out.
    LABELLED = "labelled"
    #: Filled, and its label scanned at the patient's side.
    DRAWN = "drawn"
    #: Not collected, with a reason.
    MISSING = "missing"
    #: Its label must not be used; the number is never given again.
    VOID = "void"


class Verb(StrEnum):
    """What may happen to a numbered container."""

    LABEL = "label"
    DRAW = "draw"
    MISS = "miss"
    VOID = "void"


#: Every permitted move; anything else is refused. A container that was said missing may still be drawn.
MOVES: dict[tuple[State, Verb], State] = {
    (State.PLANNED, Verb.LABEL): State.LABELLED,
    (State.PLANNED, Verb.DRAW): State.DRAWN,
    (State.LABELLED, Verb.DRAW): State.DRAWN,
    (State.MISSING, Verb.DRAW): State.DRAWN,
    (State.PLANNED, Verb.MISS): State.MISSING,
    (State.LABELLED, Verb.MISS): State.MISSING,
    (State.PLANNED, Verb.VOID): State.VOID,
    (State.LABELLED, Verb.VOID): State.VOID,
    (State.MISSING, Verb.VOID): State.VOID,
}


class Tube(Base):
    """One container of a visit, under the number that its label and the analysers know."""

    __tablename__ = "tube"
    __table_args__ = (
        UniqueConstraint("site_id", "sample_number"),
        Index(None, "visit_id", "position"),
        CheckConstraint("length(sample_number) = 12", name="sample_number"),
        CheckConstraint("position BETWEEN 1 AND total", name="position"),
        CheckConstraint("(state = 'drawn') = (drawn_at IS NOT NULL AND drawn_by IS NOT NULL)", name="drawn"),
        CheckConstraint("state NOT IN ('missing', 'void') OR reason IS NOT NULL", name="reason"),
    )
    keep = "10 years: traces of care"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("visit.id"))
    #: Whose name its label carries: if the visit is recognised as someone else later, the label is wrong.
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id"))
    #: Twelve digits, see `labels.numbering`.
    sample_number: Mapped[str] = mapped_column(String(12))
    kind: Mapped[Kind] = mapped_column(Enum(Kind, native_enum=False, length=16, values_callable=list))
    #: How the site's table named it when it was numbered: a copy says what the first label said. None is the usual way.
    words: Mapped[str | None] = mapped_column(String(LONGEST_WORDS))
    cap: Mapped[str | None] = mapped_column(String(LONGEST_CAP))
    #: The tube that an aliquot is poured from; None for what is drawn from the patient.
    parent_id: Mapped[UUID | None] = mapped_column(ForeignKey("tube.id"))
    #: Place in the order of draw: k of n.
    position: Mapped[int]
    total: Mapped[int]
    #: Minutes after the first draw, for a timed test only.
    minutes: Mapped[int | None]
    #: Act codes of the exams that it serves.
    exams: Mapped[list[str]] = mapped_column(JSON)
    state: Mapped[State] = mapped_column(Enum(State, native_enum=False, length=8, values_callable=list))
    #: When it was numbered.
    numbered_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: The true hour and sampler (public health code, art. D6211-2): the scan's.
    drawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    drawn_by: Mapped[str | None] = mapped_column(String(40))
    #: Why it is missing or void.
    reason: Mapped[str | None] = mapped_column(String(120))

    @property
    def look(self) -> Look:
        """How its label names it."""
        usual = shipped().looks[self.kind]
        words, cap = self.words or usual.words, usual.cap if self.cap is None else self.cap
        return Look(words=words, cap=cap, nature=self.kind.nature)

    @property
    def turn(self) -> str:
        """Its place as the label says it: k of n, the minutes of a timed test, or that it is an aliquot."""
        if self.parent_id is not None:
            return "ALIQUOT"
        return f"{self.position}/{self.total}" if self.minutes is None else f"T+{self.minutes}"


class NotFromHere(Conflict):
    """This tube cannot make that move from where it stands; look at the list again."""

    french = "Ce tube n'est plus à cette étape. Regardez la liste à nouveau."


class NoTubeHere(NotFound):
    """This visit has no tube of that number; look at the list again."""

    french = "Ce passage n'a pas de tube de ce numéro. Regardez la liste à nouveau."


class ReasonToGive(Invalid):
    """A missing or void tube needs a reason of one line, 120 letters at most; choose or type one."""

    french = "Donnez une raison, en une ligne : non prélevé, échec, refus…"


def tubes_of(db: Session, visit: Visit) -> list[Tube]:
    """Give the containers that are drawn from the patient, in order of draw, without the void ones."""
    return [tube for tube in labelled_of(db, visit) if tube.parent_id is None]


def labelled_of(db: Session, visit: Visit) -> list[Tube]:
    """Give every container that has a label: those that are drawn, then the aliquots, without the void ones."""
    return list(
        db.scalars(select(Tube).where(Tube.visit_id == visit.id, Tube.state != State.VOID).order_by(Tube.position))
    )


def tube_of(db: Session, visit: Visit, sample_number: str) -> Tube:
    """Give one container of a visit, held to the end of the transaction.

    Raises:
        NoTubeHere: the visit has none of that number.
    """
    tube = db.scalars(
        select(Tube)
        .where(Tube.visit_id == visit.id, Tube.sample_number == sample_number)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if tube is None:
        raise NoTubeHere
    return tube


def move(tube: Tube, verb: Verb) -> None:
    """Move a container along the table.

    Raises:
        NotFromHere: the table has no such move.
    """
    after = MOVES.get((tube.state, verb))
    if after is None:
        raise NotFromHere
    tube.state = after


def miss(db: Session, visit: Visit, sample_number: str, *, reason: str, by: str, at: datetime, chance: Chance) -> Tube:
    """Say that a container was not collected, and why.

    Raises:
        NoTubeHere, NotFromHere, ReasonToGive: nothing is changed.
    """
    tube = tube_of(db, visit, sample_number)
    move(tube, Verb.MISS)
    tube.reason = read_reason(reason)
    journal.write(db, "register", Act.TUBE_MISSING, by=by, at=at, chance=chance, visit=visit.id, tube=tube.id)
    return tube


def read_reason(text: str) -> str:
    """Read a reason that was chosen or typed.

    Raises:
        ReasonToGive: it is empty, longer than 120 letters, or not one line.
    """
    reason = " ".join(text.split())
    if not reason or len(reason) > 120 or not reason.isprintable():
        raise ReasonToGive
    return reason
