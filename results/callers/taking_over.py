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
)
from results.callers.reading_aloud import ReadAloud, read_again, read_once
from results.callers.ring_back import open_ring_back
from results.matrix import Channel, Person
from results.release import Role, Why
from results.reports.versions import ReportVersion
from results.signing import Purpose, open_dossier_key
from results.telling import Told, open_signed, read_out
from results.vault.counters import Attempt, AttemptState
from results.vault.dossiers import Dossier, NoSuchDossier, Slip, SlipState, trusted_dossier
from results.vault.keys import BiologistKeys, KeyRing
from results.vault.opening import Items
from results.vault.releases import Course
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


def for_biologist(db: Session, site_id: UUID, *, at: datetime) -> list[PhoneCall]:
    """The calls that wait for a biologist, oldest first: whose code was right today, and whom she is to ring back."""
    verified = (PhoneCall.state == State.VERIFIED) & (PhoneCall.ends_at > at)
    asked = select(PhoneCall).where(PhoneCall.site_id == site_id, verified | PhoneCall.ring_back.is_not(None))
    return list(db.scalars(asked.order_by(PhoneCall.opened_at)))


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


def number_to_ring(keys: KeyRing, call: PhoneCall) -> str:
    """The number and hours that the caller gave, for the biologist.

    Returns:
        Nothing where nobody waits to be rung.

    Raises:
        DoesNotOpen: it was sealed elsewhere.
    """
    return open_ring_back(keys, PhoneCall.__tablename__, call.id, call.ring_back)


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
) -> ReadAloud:  # fmt: skip
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
        return read_again(db, keys, call, _ASKED, words, power=power, at=at)
    expire_calls(db, call.site_id, at=at, chance=chance, on_the_line_of=by)
    take_over(call, by=by, at=at)
    proof = db.scalars(select(Attempt).where(Attempt.call_id == call.id, Attempt.state == AttemptState.VERIFIED)).one()
    slip = db.get_one(Slip, proof.slip_id)
    if slip.state is not SlipState.VALID:
        raise NotFromHere
    dossier = trusted_dossier(db, keys, slip.dossier_id)
    decision, weighed = weigh(db, keys, dossier.id, _ASKED, power=power, at=at)
    why = decision.why
    if weighed.course is Course.TELL:
        try:
            read = read_once(
                db, call, dossier, decision, weighed, words, attempt_id=proof.id, reads_back=False, by=by, at=at,
                chance=chance, key=key,
            )  # fmt: skip
        except DoesNotOpen:
            why = Why.NOTHING
        else:
            if call.ring_back is not None:
                rung(db, call, by=by, at=at, chance=chance)
            return read
    write(db, "results", Act.RELEASE_REFUSED, by=by, at=at, chance=chance, call=call.id, why=why)
    return ReadAloud()


def rung(db: Session, call: PhoneCall, *, by: UUID, at: datetime, chance: Chance) -> None:
    """Note that the biologist has reached the caller; the number is forgotten."""
    call.ring_back = None
    write(db, "results", Act.CALL_REACHED, by=by, at=at, chance=chance, call=call.id)


def take_over(call: PhoneCall, *, by: UUID, at: datetime) -> None:
    """The biologist has the caller on the line now, and ends the call herself; until she has, it waits on.

    Raises:
        NotFromHere: no code was right in this call, or it is over.
    """
    if call.state is not State.VERIFIED or is_over(call, at):
        raise NotFromHere
    call.by = by
