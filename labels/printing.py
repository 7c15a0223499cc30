"""Numbering the containers of a visit, and the labels that are owed for them."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, Row, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.exams.prescriptions import exams_of, prescription_of, reopen, settle
from kiosk.register import journal
from kiosk.register.clock import Chance, day, local
from kiosk.register.database import Base, UtcDateTime, uuid7
from kiosk.register.errors import Conflict
from kiosk.register.journal import Act
from kiosk.register.once import PageAlreadyUsed, answered
from kiosk.register.patients import Patient, patient_of
from kiosk.register.sites import Site
from kiosk.register.visits import Visit, visit_of
from labels.numbering import next_sample_number
from labels.planning.planned import Aliquot, Plan, PlannedTube
from labels.sticker import bearer_of, check_names, sticker
from labels.tubes import NoTubeHere, State, Tube, Verb, labelled_of, move, read_reason, tube_of
from printers.errors import Unprintable
from printers.paper import Form, Paper

#: How long a label that nobody has seen is put in the spool again: the length of a working day.
OWED_FOR: Final = timedelta(hours=12)


class LabelCopy(Base):
    """One label that was ordered for a container: the first, or a reprint with its reason."""

    __tablename__ = "label_copy"
    __table_args__ = (
        UniqueConstraint("tube_id", "copy"),
        UniqueConstraint("site_id", "key"),
        Index(None, "site_id", "at"),
        CheckConstraint("copy >= 1", name="copy"),
        CheckConstraint("(copy = 1) = (reason IS NULL)", name="reason"),
    )
    keep = "10 years: with its tube"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    tube_id: Mapped[UUID] = mapped_column(ForeignKey("tube.id"))
    copy: Mapped[int]
    #: Why it was printed again; nothing for the first.
    reason: Mapped[str | None] = mapped_column(String(120))
    by: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: The form that asked for a reprint; the same form gets the same copy. Nothing for the first.
    key: Mapped[str | None] = mapped_column(String(32))


class NotRecognised(Conflict):
    """A label carries a patient; recognise the person of this visit first."""

    french = "Personne n'est encore reconnu pour ce passage. Ouvrez ou créez le dossier d'abord."


class NameNotWritable(Conflict):
    """A name has a sign that the printers of the house cannot write; write it in the file in letters that they have."""

    french = (
        "L'imprimante ne sait pas écrire un signe de ce nom, et une étiquette ne porte jamais un nom incomplet. "
        "Écrivez-le dans le dossier en lettres latines, comme sur la pièce d'identité."
    )


class PlanChanged(Conflict):
    """The prescription has changed since this plan was shown; look at the new plan."""

    french = "L'ordonnance a changé depuis l'affichage de ce plan. Regardez le nouveau plan."


class PatientChanged(Conflict):
    """These labels name someone else than the person recognised now; void them and number again."""

    french = "Ces étiquettes portent le nom d'un autre dossier. Annulez-les, détruisez-les et numérotez à nouveau."


class NothingToLabel(Conflict):
    """No container of this plan is known yet; say which one the exam needs."""

    french = "Aucun contenant n'est connu pour cette ordonnance. Précisez-le avant d'imprimer."


class NothingToVoid(Conflict):
    """This visit has no label that could be made void."""

    french = "Ce passage n'a aucune étiquette à annuler."


class NoMoreLabel(Conflict):
    """This tube is void; print the label of the new one."""

    french = "Ce tube est annulé. Imprimez l'étiquette du nouveau."


class ReprintedMeanwhile(Conflict):
    """Another copy of this label was ordered meanwhile; look at the newest one."""

    french = "Une autre copie de cette étiquette a été demandée entre-temps. Regardez la plus récente."


def number_tubes(db: Session, visit: Visit, plan: Plan, *, by: str, at: datetime, chance: Chance) -> list[Tube]:
    """Give each planned container its number and owe its label; asked again, answer the same containers.

    Args:
        visit: a visit whose patient is recognised and whose prescription is entered.
        plan: what the secretary has seen; it must serve the prescription as it is now.

    Returns:
        The containers in order of draw, then the aliquots; after the commit, put `labels_of` in the spool.

    Raises:
        NotRecognised, NoPrescription, PlanChanged, PatientChanged, NothingToLabel, NameNotWritable, NumbersUsedUp:
            nothing is numbered.
    """
    patient = patient_of(db, visit.id)
    if patient is None:
        raise NotRecognised
    if not settle(db, visit.id, at=at):
        before = labelled_of(db, visit)
        if any(tube.patient_id != patient.id for tube in before):
            raise PatientChanged
        return before
    served = {code for tube in plan.tubes for code in tube.exams} | {entry.exam for entry in plan.without}
    if served != {exam.nabm for exam in exams_of(db, visit.id)}:
        raise PlanChanged
    if not plan.tubes:
        raise NothingToLabel
    _check_names(patient)
    site = db.get_one(Site, visit.site_id)
    today = day(site.timezone, at)
    everything = len(plan.tubes) + len(plan.aliquots)

    def numbered(planned: PlannedTube | Aliquot, place: int, total: int) -> Tube:
        return Tube(
            id=uuid7(at, chance), site_id=site.id, visit_id=visit.id, patient_id=patient.id,
            sample_number=next_sample_number(db, site, today), kind=planned.kind, words=planned.look.words,
            cap=planned.look.cap, position=place, total=total, exams=list(planned.exams), minutes=planned.minutes,
            state=State.PLANNED, numbered_at=at,
        )  # fmt: skip

    tubes = [numbered(planned, planned.k, planned.n) for planned in plan.tubes]
    for place, aliquot in enumerate(plan.aliquots, start=len(plan.tubes) + 1):
        poured = numbered(aliquot, place, everything)
        # A number of its own; whose part it is stands here, never in the bars.
        poured.parent_id = tubes[aliquot.parent - 1].id
        tubes.append(poured)
    db.add_all(tubes)
    db.flush()  # the copies stand on the tubes' rows
    db.add_all(
        LabelCopy(id=uuid7(at, chance), site_id=site.id, tube_id=tube.id, copy=1, by=by, at=at) for tube in tubes
    )
    journal.write(db, "register", Act.TUBE_PLANNED, by=by, at=at, chance=chance, visit=visit.id, tubes=len(tubes))
    return tubes


def reprint(
    db: Session, visit: Visit, sample_number: str, *, reason: str, by: str, at: datetime, chance: Chance, key: str
) -> LabelCopy:
    """Order one more label of the same container: same bars, next copy, with a reason.

    Args:
        reason: from the list (abîmée, illisible, perdue, jamais sortie) or typed.
        key: the form's own key; the same form gets the same copy.

    Raises:
        NoTubeHere, NoMoreLabel, PatientChanged, NameNotWritable, ReasonToGive, PageAlreadyUsed: nothing is ordered.
    """
    said = read_reason(reason)
    tube = tube_of(db, visit, sample_number)
    before = answered(db, LabelCopy, visit.site_id, key)
    if before is not None:
        if before.tube_id != tube.id:
            raise PageAlreadyUsed
        return before
    if tube.state is State.VOID:
        raise NoMoreLabel
    patient = patient_of(db, visit.id)
    if patient is None or patient.id != tube.patient_id:
        raise PatientChanged
    _check_names(patient)
    last = db.scalars(select(func.max(LabelCopy.copy)).where(LabelCopy.tube_id == tube.id)).one()
    copy = LabelCopy(
        id=uuid7(at, chance), site_id=visit.site_id, tube_id=tube.id, copy=last + 1, reason=said, by=by, at=at, key=key
    )
    db.add(copy)
    journal.write(
        db, "register", Act.LABEL_REPRINTED, by=by, at=at, chance=chance, visit=visit.id, tube=tube.id, copy=copy.copy
    )
    return copy


def confirm(db: Session, sample_number: str, *, site_id: UUID, by: str, at: datetime, chance: Chance) -> None:
    """Note that a label is known to be out, by the printer's proof or by a person; said twice, noted once."""
    tube = db.scalars(
        select(Tube)
        .where(Tube.site_id == site_id, Tube.sample_number == sample_number)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if tube is not None and tube.state is State.PLANNED:
        move(tube, Verb.LABEL)
        journal.write(db, "register", Act.LABEL_PRINTED, by=by, at=at, chance=chance, visit=tube.visit_id, tube=tube.id)


def void_tubes(db: Session, visit: Visit, *, reason: str, by: str, at: datetime, chance: Chance) -> list[Tube]:
    """Make every label of a visit void whose container is not drawn, and open its prescription again if none is.

    Raises:
        NothingToVoid, ReasonToGive: nothing is changed.
    """
    said = read_reason(reason)
    tubes = db.scalars(
        select(Tube)
        .where(Tube.visit_id == visit.id, Tube.state != State.VOID)
        .order_by(Tube.position)
        .with_for_update()  # a scan at the same moment comes before or after, never between
        .execution_options(populate_existing=True)
    ).all()
    voided = [tube for tube in tubes if tube.state is not State.DRAWN]
    if not voided:
        raise NothingToVoid
    for tube in voided:
        move(tube, Verb.VOID)
        tube.reason = said
    if len(voided) == len(tubes):
        reopen(db, visit.id)
    journal.write(db, "register", Act.TUBE_VOIDED, by=by, at=at, chance=chance, visit=visit.id, void=len(voided))
    return voided


def labels_of(db: Session, visit: Visit, form: Form) -> list[Paper]:
    """Give the newest label of each container of a visit, in order of draw, for the medium of the label printer."""
    newest = (
        select(Tube, func.max(LabelCopy.copy))
        .join(LabelCopy, LabelCopy.tube_id == Tube.id)
        .where(Tube.visit_id == visit.id, Tube.state != State.VOID)
        .group_by(Tube.id)
        .order_by(Tube.position)
    )
    return _drawn_up(db, db.execute(newest).all(), form)


def label_of(db: Session, site_id: UUID, sample_number: str, copy: int, form: Form) -> Paper | None:
    """Give one label as it is drawn from the rows now, None where there is none or its patient is another by now."""
    asked = (
        select(Tube, LabelCopy.copy)
        .join(LabelCopy, LabelCopy.tube_id == Tube.id)
        .where(Tube.site_id == site_id, Tube.sample_number == sample_number, LabelCopy.copy == copy)
    )
    return next(iter(_drawn_up(db, db.execute(asked).all(), form)), None)


def reprint_seen(
    db: Session, site_id: UUID, tube_id: UUID, seen: int, *, reason: str, by: str, at: datetime, chance: Chance,
    key: str,
) -> LabelCopy:  # fmt: skip
    """Order one more label of a container whose newest copy is the one that the person saw.

    Args:
        seen: that copy; a card that another desk has answered meanwhile orders nothing.

    Raises:
        NoTubeHere, NoMoreLabel, PatientChanged, ReasonToGive, ReprintedMeanwhile, PageAlreadyUsed: nothing is ordered.
    """
    tube = db.get(Tube, tube_id)
    if tube is None or tube.site_id != site_id:
        raise NoTubeHere
    visit = visit_of(db, tube.visit_id)
    tube_of(db, visit, tube.sample_number)  # held: two desks answer one after the other
    newest = db.scalars(select(func.max(LabelCopy.copy)).where(LabelCopy.tube_id == tube.id)).one()
    if newest != seen and answered(db, LabelCopy, site_id, key) is None:
        raise ReprintedMeanwhile
    return reprint(db, visit, tube.sample_number, reason=reason, by=by, at=at, chance=chance, key=key)


def lately_ordered(db: Session, site_id: UUID, *, by: str, at: datetime, most: int = 8) -> list[tuple[Tube, int]]:
    """Give the containers whose labels this person ordered last today, each with its newest copy, the last one first.

    Args:
        at: now; what was ordered more than `OWED_FOR` before is left out.
    """
    newest = func.max(LabelCopy.copy)
    own = select(LabelCopy.tube_id).where(
        LabelCopy.site_id == site_id, LabelCopy.by == by, LabelCopy.at > at - OWED_FOR, LabelCopy.at <= at
    )
    rows = db.execute(
        select(Tube, newest)
        .join(LabelCopy, LabelCopy.tube_id == Tube.id)
        .where(Tube.id.in_(own), Tube.state != State.VOID)
        .group_by(Tube.id)
        .order_by(func.max(LabelCopy.at).desc(), Tube.position.desc())
        .limit(most)
    )
    return [(tube, copy) for tube, copy in rows]


def labels_owed(db: Session, at: datetime, form: Form) -> list[Paper]:
    """Give the labels that were ordered today and of which nobody knows yet that they are out.

    Put them in the spool at start-up and every minute: a key that the spool knows already prints nothing.

    Args:
        at: now; what was ordered more than `OWED_FOR` before is left to a person.
        form: the medium of the label printer.
    """
    owed = (
        select(Tube, LabelCopy.copy)
        .join(LabelCopy, LabelCopy.tube_id == Tube.id)
        .where(LabelCopy.at > at - OWED_FOR, LabelCopy.at <= at)
        .where((Tube.state == State.PLANNED) | ((LabelCopy.copy > 1) & (Tube.state == State.LABELLED)))
        .order_by(Tube.numbered_at, Tube.sample_number, LabelCopy.copy)
    )
    return _drawn_up(db, db.execute(owed).all(), form)


def _check_names(patient: Patient) -> None:
    try:
        check_names(bearer_of(patient))
    except Unprintable:
        raise NameNotWritable from None


def _drawn_up(db: Session, copies: Sequence[Row[Tube, int]], form: Form) -> list[Paper]:
    """Draw up labels from the rows as they are; none where someone else or nobody is recognised by now."""
    papers = []
    visits = {tube.visit_id for tube, _ in copies}
    patients = {visit_id: patient_of(db, visit_id) for visit_id in visits}
    prescriptions = {visit_id: prescription_of(db, visit_id) for visit_id in visits}
    for tube, copy in copies:
        patient, prescription = patients[tube.visit_id], prescriptions[tube.visit_id]
        if patient is None or patient.id != tube.patient_id:
            continue
        site = db.get_one(Site, tube.site_id)
        papers.append(
            sticker(
                tube,
                bearer_of(patient),
                planned=local(site.timezone, tube.numbered_at),
                form=form,
                copy=copy,
                urgent=prescription is not None and prescription.urgent,
            )
        )
    return papers
