"""What is asked and proved at the patient's side, from the call to the room to the last tube."""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import Enum, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.booking.discretion import undecided_among
from kiosk.counter.passage import advance
from kiosk.register.clock import Chance
from kiosk.register.database import Base, UtcDateTime, uuid7
from kiosk.register.errors import Conflict
from kiosk.register.journal import Act, write
from kiosk.register.once import answered
from kiosk.register.staff import Power
from kiosk.register.visits import Move, NotNow, State, Verb, Visit
from kiosk.ticket import code_of
from labels.scanning import Outcome, TubeScan, scan, scans_of
from labels.tubes import State as TubeState
from labels.tubes import tubes_of


class Proof(StrEnum):
    """What told who the patient is, at the moment of the draw."""

    SAID = "said"  #: the patient said name, given name and birth date
    COMPANION = "companion"  #: a companion said it
    BRACELET = "bracelet"
    DOCUMENT = "document"


#: The proofs as the screen says them.
PROOFS: Final = {
    Proof.SAID: "dite par le patient",
    Proof.COMPANION: "confirmée par un accompagnant",
    Proof.BRACELET: "lue sur le bracelet",
    Proof.DOCUMENT: "lue sur une pièce d'identité",
}


class IdentityCheck(Base):
    """The identity asked before the needle, once for each visit: how, by whom, when."""

    __tablename__ = "identity_check"
    __table_args__ = (UniqueConstraint("site_id", "key"),)
    keep = "10 years: traces of care"

    visit_id: Mapped[UUID] = mapped_column(ForeignKey("visit.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    proof: Mapped[Proof] = mapped_column(Enum(Proof, native_enum=False, length=10, values_callable=list))
    by: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    key: Mapped[str] = mapped_column(String(32))


class TicketProof(Base):
    """The ticket in the patient's hand, scanned before the needle: the second proof, beside what was said."""

    __tablename__ = "ticket_proof"
    keep = "10 years: traces of care"

    visit_id: Mapped[UUID] = mapped_column(ForeignKey("visit.id"), primary_key=True)
    by: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class StopAnswer(Base):
    """The answer to a stop: the sampler has put the other patient's tube away."""

    __tablename__ = "stop_answer"
    keep = "10 years: with its scan"

    scan_id: Mapped[UUID] = mapped_column(ForeignKey("tube_scan.id"), primary_key=True)
    by: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class ScanForm(Base):
    """The form that brought a scan; the same form is never a second scan."""

    __tablename__ = "scan_form"
    __table_args__ = (UniqueConstraint("site_id", "key"),)
    keep = "10 years: with its scan"

    scan_id: Mapped[UUID] = mapped_column(ForeignKey("tube_scan.id"), primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    key: Mapped[str] = mapped_column(String(32))


class AskFirst(Conflict):
    """Nobody has asked who the patient is; ask name, given name and birth date before the first tube."""

    french = "Demandez d'abord nom, prénom et date de naissance, puis confirmez."


class WordFirst(Conflict):
    """A biologist gives a word before this draw; do not draw, call her, and look at the room's screen again."""

    french = "Ne prélevez pas encore : le biologiste donne d'abord son accord. Prévenez-le."


class TicketOfAnother(Conflict):
    """This ticket is not the one of the number called; do not draw, and look who is there."""

    french = "Ce ticket est celui d'un autre numéro. Ne prélevez pas : regardez qui est là, ou appelez l'accueil."


class StopFirst(Conflict):
    """A tube of another patient was scanned; answer the stop before anything else."""

    french = "Un tube d'un autre patient a été scanné. Répondez d'abord à l'arrêt."


class TubesLeft(Conflict):
    """Some tubes are neither drawn nor missing; scan them or say why not."""

    french = "Il reste des tubes. Scannez-les, ou dites pourquoi ils manquent."


def waits_for_word(db: Session, visit: Visit, *, power: Power | None) -> bool:
    """Whether a biologist decides before this draw, and nothing is drawn yet: what is begun is never broken off.

    Args:
        power: vouches for a decision; without it every mark counts as undecided.

    Source: the design note on release, section 3 (a discreet visit: the biologist decides before the draw).
    """
    return bool(undecided_among(db, [visit.id], power)) and not is_begun(db, visit)


def is_begun(db: Session, visit: Visit) -> bool:
    """Whether a tube of this visit was drawn."""
    return any(tube.state is TubeState.DRAWN for tube in tubes_of(db, visit))


def prove_ticket(db: Session, visit: Visit, scanned: str, *, by: str, at: datetime) -> TicketProof:
    """Compare the ticket in the patient's hand with the visit that was called to the room.

    Raises:
        NotNow: when the visit is not in a room.
        TicketOfAnother: it is another one, or no ticket at all; nothing is noted.
    """
    if visit.state is not State.IN_ROOM:
        raise NotNow
    if scanned.strip() != code_of(visit.id):
        raise TicketOfAnother
    return db.merge(TicketProof(visit_id=visit.id, by=by, at=at))


def ticket_proof_of(db: Session, visit: Visit) -> TicketProof | None:
    """The ticket scanned since this call to a room, or None."""
    proof = db.get(TicketProof, visit.id)
    return proof if proof is not None and visit.called_at is not None and proof.at >= visit.called_at else None


def confirm_identity(
    db: Session,
    visit: Visit,
    proof: Proof,
    *,
    by: str,
    at: datetime,
    chance: Chance,
    key: str,
    power: Power | None = None,
) -> IdentityCheck:
    """Note that the patient in the room is the one of the visit, and what told it.

    Args:
        power: vouches for a biologist's decision before the draw.

    Raises:
        NotNow: when the visit is not in a room.
        WordFirst: when a biologist decides first.
    """
    before = db.get(IdentityCheck, visit.id)
    if before is not None and before.key == key:
        return before
    if visit.state is not State.IN_ROOM:
        raise NotNow
    if waits_for_word(db, visit, power=power):
        raise WordFirst
    if before is None:
        before = IdentityCheck(visit_id=visit.id, site_id=visit.site_id, proof=proof, by=by, at=at, key=key)
        db.add(before)
    else:
        before.proof, before.by, before.at, before.key = proof, by, at, key
    write(db, "register", Act.VISIT_ENTERED, by=by, at=at, chance=chance, visit=visit.id, proof=proof)
    return before


def identity_check_of(db: Session, visit: Visit) -> IdentityCheck | None:
    """How this call's patient was identified; None before it is asked, and again after a new call to a room."""
    check = db.get(IdentityCheck, visit.id)
    return check if check is not None and visit.called_at is not None and check.at >= visit.called_at else None


def stop_of(db: Session, visit: Visit) -> TubeScan | None:
    """The last scan of another patient's tube that nobody has answered yet, or None."""
    wrong = [one for one in scans_of(db, visit) if one.outcome is Outcome.OTHER_PATIENT]
    return next((one for one in reversed(wrong) if db.get(StopAnswer, one.id) is None), None)


def answer_stop(db: Session, visit: Visit, *, by: str, at: datetime) -> None:
    """Say that every other patient's tube has been put away; answered twice, noted once."""
    while (scanned := stop_of(db, visit)) is not None:
        db.add(StopAnswer(scan_id=scanned.id, by=by, at=at))
        db.flush()  # the next question must see this answer


def scan_tube(
    db: Session,
    visit: Visit,
    scanned: str,
    *,
    typed: bool,
    by: str,
    at: datetime,
    chance: Chance,
    key: str,
    power: Power | None = None,
    is_needle_in: bool = False,
) -> TubeScan:
    """Prove one tube at the patient's side; the same form again is the same scan, not a second label.

    Args:
        power: vouches for a biologist's decision before the draw.
        is_needle_in: the sampler says that the draw had begun before the screen stopped it: a tube without a proof
            would be the greater harm.

    Raises:
        NotNow: when the visit is not in a room.
        AskFirst: when nobody has asked who the patient is.
        WordFirst: when a biologist decides first, and the needle is not in.
        StopFirst: when a stop waits for its answer.
    """
    if before := answered(db, ScanForm, visit.site_id, key):
        return db.get_one(TubeScan, before.scan_id)
    if visit.state is not State.IN_ROOM:
        raise NotNow
    if identity_check_of(db, visit) is None:
        raise AskFirst
    if not is_needle_in and waits_for_word(db, visit, power=power):
        raise WordFirst
    if stop_of(db, visit) is not None:
        raise StopFirst
    known = {one.id for one in scans_of(db, visit)}
    scan(db, visit=visit, scanned=scanned, by=by, at=at, chance=chance, typed=typed)
    made = next(one for one in scans_of(db, visit) if one.id not in known)
    db.add(ScanForm(scan_id=made.id, site_id=visit.site_id, key=key))
    return made


def last_scan(db: Session, visit: Visit) -> TubeScan | None:
    """The newest scan since this call's patient was identified, or None."""
    check = identity_check_of(db, visit)
    return next((one for one in reversed(scans_of(db, visit)) if check is not None and one.at >= check.at), None)


def finish(db: Session, visit: Visit, *, by: str, at: datetime, chance: Chance, key: str) -> None:
    """End a draw: every tube is drawn or missing with its reason, and the patient may go.

    Raises:
        TubesLeft: when a tube is neither.
        StopFirst: when a stop waits for its answer.
    """
    if answered(db, Move, visit.site_id, key):
        return
    if stop_of(db, visit) is not None:
        raise StopFirst
    if any(tube.state not in {TubeState.DRAWN, TubeState.MISSING} for tube in tubes_of(db, visit)):
        raise TubesLeft
    advance(db, visit, Verb.SAMPLE, by=by, at=at, chance=chance, key=key)
    advance(db, visit, Verb.LEAVE, by=by, at=at, chance=chance, key=uuid7(at, chance).hex)
