"""The biologist answers a caller whose code was right: on the line now, or rung back before the day ends."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kiosk.register.clock import Chance
from kiosk.register.journal import Act, write
from kiosk.register.patients import Patient, patient_of
from kiosk.register.staff import Power
from results.callers.calls import (
    NoCall,
    NotFromHere,
    Outcome,
    PhoneCall,
    State,
    close,
    expire_calls,
    is_over,
    is_shown_again,
    rung,
    take_over,
    tell,
)
from results.matrix import Channel, Person
from results.release import Role, Why
from results.reports.versions import ReportVersion
from results.signing import Purpose, open_dossier_key
from results.telling import Told, open_signed, read_out
from results.vault.counters import Attempt, AttemptState
from results.vault.dossiers import Dossier, NoSuchDossier, Slip, SlipState, trusted_dossier
from results.vault.keys import BiologistKeys, KeyRing
from results.vault.opening import Items
from results.vault.releases import Course, ReleaseAct, enter_release
from results.vault.sealing import DoesNotOpen
from results.weighing import Asked, weigh

_ASKED: Final = Asked(channel=Channel.PHONE, person=Person.WITH_CODE, role=Role.BIOLOGIST)

Unlock = Callable[[], BiologistKeys]


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """One call as the biologist sees it before she answers."""

    call: PhoneCall
    #: None once the dossier is no longer kept.
    patient: Patient | None
    #: Whether the code that was said still stands for who is on the line.
    is_proved: bool

    @property
    def was_told(self) -> bool:
        """Whether the desk has read the result already and the caller could not repeat it."""
        return self.call.outcome is Outcome.CALL_BACK


def waiting_call(db: Session, keys: KeyRing, call_id: UUID, *, at: datetime, lock: bool = False) -> Waiting:
    """One call that waits for a biologist.

    Args:
        lock: hold it to the end of a writing transaction.

    Raises:
        NoCall: nobody waits there any more.
    """
    call = db.get(PhoneCall, call_id, with_for_update=lock or None)
    if call is None:
        raise NoCall
    is_proved = call.state is State.VERIFIED and not is_over(call, at)
    if not is_proved and call.ring_back is None:
        raise NoCall
    slip = None if call.slip_id is None else db.get(Slip, call.slip_id)
    try:
        dossier = None if slip is None else trusted_dossier(db, keys, slip.dossier_id)
    except NoSuchDossier:
        dossier = None
    patient = None if dossier is None else patient_of(db, dossier.visit_id)
    return Waiting(call=call, patient=patient, is_proved=is_proved)


@dataclass(frozen=True, kw_only=True, repr=False)
class Answer:
    """What is read aloud; nothing where nothing may be told now."""

    told: tuple[Told, ...] = ()
    is_partial: bool = False


def end_unread(
    db: Session, keys: KeyRing, call_id: UUID, *, reached: bool, by: UUID, at: datetime, chance: Chance
) -> None:
    """End a call that waits without reading anything: the caller was reached, or is rung no more; no number is left.

    Raises:
        NoCall: nobody waits there any more.
    """
    waiting = waiting_call(db, keys, call_id, at=at, lock=True)
    call = waiting.call
    if reached and call.ring_back is not None:
        rung(db, call, by=by, at=at, chance=chance)
    call.ring_back = None
    if waiting.is_proved:
        call.by = by
        close(db, keys, call, Outcome.NOT_NOW if reached else Outcome.NOT_REACHED, by=by, at=at, chance=chance)


def tell_caller(
    db: Session, keys: KeyRing, call_id: UUID, *, unlock: Unlock, power: Power, by: UUID, at: datetime, chance: Chance,
    key: str,
) -> Answer:  # fmt: skip
    """Tell a caller whose code was right what the signed matrix lets a biologist tell, once.

    Args:
        db: a session that writes the results.
        keys: the staff programme's keys.
        unlock: gives the biologist's keys.
        power: vouches for holds and signers.
        by: the biologist's staff id.
        at: now.
        chance: gives ids and salts.
        key: of the form; the same form sees the same words again for two minutes.

    Returns:
        The words to read aloud; none where nothing may be told now, and then the call waits on.

    Raises:
        NoCall: there is no such call.
        NotFromHere: its code was not right, it is over, it was answered already, or the slip was made again meanwhile.
        Locked, SealBroken: nothing is opened.

    Source: the design note on release, section 10, step 5c.
    """
    call = db.get(PhoneCall, call_id, with_for_update=True)
    if call is None:
        raise NoCall

    def words(dossier: Dossier, items: Items) -> tuple[Told, ...]:
        versions = [db.get_one(ReportVersion, item) for item in items]
        private = open_dossier_key(db, dossier, versions, unlock(), purpose=Purpose.CALLER, by=by, at=at, chance=chance)
        return read_out(db, power, items, open_signed(db, keys, power, items, private=private))

    if is_shown_again(call, key=key, by=by, at=at):
        acts = db.scalars(select(ReleaseAct).where(ReleaseAct.call_id == call.id).order_by(ReleaseAct.report_id)).all()
        dossier = trusted_dossier(db, keys, acts[0].dossier_id)
        decision, _ = weigh(db, keys, dossier.id, _ASKED, power=power, at=at)
        items = [(act.report_id, act.version) for act in acts]
        return Answer(told=words(dossier, items), is_partial=decision.is_partial)
    expire_calls(db, call.site_id, at=at, chance=chance, on_the_line_of=by)
    take_over(call, by=by, at=at)
    proof = db.scalars(select(Attempt).where(Attempt.call_id == call.id, Attempt.state == AttemptState.VERIFIED)).one()
    slip = db.get_one(Slip, proof.slip_id)
    if slip.state is not SlipState.VALID:
        raise NotFromHere
    dossier = trusted_dossier(db, keys, slip.dossier_id)
    decision, weighed = weigh(db, keys, dossier.id, _ASKED, power=power, at=at)
    told: tuple[Told, ...] = ()
    why = decision.why
    if weighed.course is Course.TELL:
        try:
            told = words(dossier, weighed.items)
        except DoesNotOpen:
            why = Why.NOTHING
    if not told:
        write(db, "results", Act.RELEASE_REFUSED, by=by, at=at, chance=chance, call=call.id, why=why)
        return Answer()
    enter_release(
        db, weighed, site_id=call.site_id, dossier_id=dossier.id, attempt_id=proof.id, call_id=call.id, by=by, at=at,
        chance=chance,
    )  # fmt: skip
    tell(call, reads_back=False)
    call.told_at, call.told_key = at, key
    if call.ring_back is not None:
        rung(db, call, by=by, at=at, chance=chance)
    return Answer(told=told, is_partial=decision.is_partial)
