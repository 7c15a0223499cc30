"""A result is handed over at the counter, to whoever was compared with a document, on paper alone."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Session

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.clock import Chance
from kiosk.register.errors import Conflict
from kiosk.register.journal import Act, write
from kiosk.register.once import PageAlreadyUsed, answered
from kiosk.register.patients import Document, Patient
from kiosk.register.staff import Power
from kiosk.register.visits import Visit
from printers.paper import Form, Paper
from results.handing.hand_over_record import HandOver, NoSlipReason, enter_hand_over, papers_of
from results.release import Why
from results.reports.versions import ReportVersion
from results.signing import Purpose, open_dossier_key
from results.vault.attempts import Refused
from results.vault.counters import Way, standing
from results.vault.dossiers import Dossier, NoSuchDossier, Slip, dossier_of
from results.vault.envelopes import Body
from results.vault.keys import BiologistKeys, KeyRing
from results.vault.opening import open_reports
from results.vault.releases import Course, Weighed, enter_release
from results.vault.sealing import DoesNotOpen
from results.weighing import Asked, signers, weigh

#: Gives the unlocked keys of who is here; asked only when something confidential is opened.
Biologist = Callable[[], BiologistKeys]


class NothingToHandOver(Conflict):
    """Nothing can be handed over now; the one sentence for every reason."""

    french = (
        "Je ne peux rien remettre pour le moment. Je dis cette phrase à tout le monde : elle ne dit rien d'un "
        "résultat. Si l'heure promise n'est pas passée, revenez après."
    )


class BiologistFirst(Conflict):
    """For this dossier the biologist answers, whatever the result says."""

    french = "Pour ce dossier, c'est toujours le biologiste qui répond, quel que soit le résultat. Je l'appelle."


@dataclass(frozen=True, kw_only=True, repr=False)
class Ready:
    """What goes on paper and nowhere else, or why nothing does: said after the commit, so that the journal keeps it."""

    hand_over: HandOver | None = None
    #: Its sheets; none for a form whose paper was made already.
    papers: tuple[Paper, ...] = ()
    refusal: Conflict | None = None


def line_to_ask(
    db: Session, keys: KeyRing, visit: Visit, slip: Slip | None, asked: Asked, *, power: Power, by: UUID, at: datetime
) -> int:
    """Tell which line of a slip the patient reads now; no code is spoken in vain.

    Args:
        db: a session that may read the results.
        keys: the staff programme's keys.
        visit: of the person who was compared.
        slip: what the reference found.
        asked: who would hand over, on which document.
        power: vouches for holds.
        by: staff id.
        at: now.

    Raises:
        NothingToHandOver: no such slip of this visit, no line, or the rule says not now.
        BiologistFirst: the biologist answers for this dossier.
    """
    now = standing(db, slip, site_id=visit.site_id, way=Way.COUNTER, call_id=visit.id, by=by, at=at)
    dossier = None if slip is None else db.get(Dossier, slip.dossier_id)
    if dossier is None or dossier.visit_id != visit.id or now.line is None:
        raise NothingToHandOver
    try:
        _, weighed = weigh(db, keys, dossier.id, asked, power=power, at=at)
    except NoSuchDossier:
        raise NothingToHandOver from None
    if weighed.course is Course.BIOLOGIST:
        raise BiologistFirst
    if weighed.course is not Course.TELL:
        raise NothingToHandOver
    return now.line


def hand_over(
    db: Session, keys: KeyRing, visit: Visit, patient: Patient, *, asked: Asked, mandate_id: UUID | None,
    reason: NoSlipReason | None, biologist: Biologist, form: Form, power: Power, by: UUID,
    at: datetime, chance: Chance, key: str,
) -> Ready:  # fmt: skip
    """Hand a visit's results over without a code, as the signed matrix says; the same form does it once.

    The caller commits, then gives the paper to the spool.

    Args:
        db: a session that writes the results.
        keys: the staff programme's keys.
        visit: whose results.
        patient: the person who was compared.
        asked: who stands there, who would hand over, on which document.
        mandate_id: on which somebody else takes it.
        reason: of a biologist for what is confidential.
        biologist: unlocked keys, asked for only when something confidential is opened.
        form: the roll at the counter.
        power: vouches for holds and signers.
        by: staff id.
        at: now.
        chance: gives ids and salts.
        key: of the form.

    Raises:
        PageAlreadyUsed: the form was sent for another visit.
        SealBroken: the biologist's keys do not open the dossier.
    """
    if before := answered(db, HandOver, visit.site_id, key):
        if before.visit_id != visit.id:
            raise PageAlreadyUsed
        return Ready(hand_over=before)
    try:
        dossier = dossier_of(db, keys, visit.id)
    except NoSuchDossier:
        return _refuse(db, visit, NothingToHandOver(), Why.NOTHING, by=by, at=at, chance=chance)
    decision, weighed = weigh(db, keys, dossier.id, asked, power=power, at=at)
    is_confidential = decision.release_class is not None and decision.release_class >= ReleaseClass.C2
    # Without a document the biologist alone hands over, and says why: nobody else may vouch for who stands there.
    needs_reason = is_confidential or asked.document is Document.NONE
    if weighed.course is Course.BIOLOGIST or (weighed.course is Course.TELL and needs_reason and reason is None):
        return _refuse(db, visit, BiologistFirst(), Why.ROUTE, by=by, at=at, chance=chance)
    if weighed.course is not Course.TELL:
        return _refuse(db, visit, NothingToHandOver(), decision.why, by=by, at=at, chance=chance)
    if needs_reason and reason is not None:
        write(db, "results", Act.RELEASE_AGREED, by=by, at=at, chance=chance, dossier=dossier.id, reason=reason)
    try:
        bodies = open_for_paper(
            db, keys, dossier, weighed, is_confidential=is_confidential, biologist=biologist, by=by, power=power,
            at=at, chance=chance,
        )  # fmt: skip
    except DoesNotOpen:
        return _refuse(db, visit, NothingToHandOver(), Refused.SEALED, by=by, at=at, chance=chance)
    enter_release(
        db, weighed, site_id=visit.site_id, dossier_id=dossier.id, attempt_id=None, by=by, at=at, chance=chance
    )
    row = enter_hand_over(
        db, visit, dossier.id, decision, asked, mandate_id=mandate_id, reason=reason if needs_reason else None, by=by,
        at=at, chance=chance, key=key,
    )  # fmt: skip
    return Ready(hand_over=row, papers=papers_of(db, row, patient, weighed.items, bodies, power=power, form=form))


def open_for_paper(
    db: Session, keys: KeyRing, dossier: Dossier, weighed: Weighed, *, is_confidential: bool, biologist: Biologist,
    by: UUID, power: Power, at: datetime, chance: Chance,
) -> tuple[Body, ...]:  # fmt: skip
    """Open what the rule lets out on paper, by a biologist's keys where it is confidential.

    Raises:
        DoesNotOpen: one does not open, or nobody whom the laboratory trusts has signed it.
        SealBroken: the biologist's keys do not open the dossier.
    """
    private = None
    if is_confidential:
        versions = [db.get_one(ReportVersion, item) for item in weighed.items]
        private = open_dossier_key(
            db, dossier, versions, biologist(), purpose=Purpose.HAND_OVER, by=by, at=at, chance=chance
        )
    return open_reports(db, keys, weighed.items, private=private, verifiers=signers(db, keys, power))


def _refuse(
    db: Session, visit: Visit, refusal: Conflict, why: StrEnum, *, by: UUID, at: datetime, chance: Chance
) -> Ready:
    write(db, "results", Act.RELEASE_REFUSED, by=by, at=at, chance=chance, visit=visit.id, why=why)
    return Ready(refusal=refusal)
