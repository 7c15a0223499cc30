"""A caller without the slip asks to be rung: noted for everyone alike, rung only where the table lets it be told."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from kiosk.formats.folding import fold
from kiosk.register.clock import Chance
from kiosk.register.database import uuid7
from kiosk.register.journal import Act, write
from kiosk.register.once import PageAlreadyUsed, answered
from kiosk.register.patients import Patient, Recognition, patient_of
from kiosk.register.staff import Power
from kiosk.register.visits import Visit, visit_of
from results.callers.calls import (
    LASTS,
    NoCall,
    Outcome,
    PhoneCall,
    State,
    close,
    expire_calls,
    is_over,
    is_shown_again,
)
from results.callers.numbers import number_with
from results.callers.reading_aloud import ReadAloud, read_again, read_once
from results.giving import Delivery, delivery_of
from results.matrix import Channel, Person
from results.release import Decision, Role
from results.telling import Told, open_signed, read_out
from results.vault.counters import is_worn_out
from results.vault.dossiers import Dossier, NoSuchDossier, Slip, SlipState, Wish, trusted_dossier
from results.vault.envelopes import check_of_birth_date
from results.vault.keys import KeyRing
from results.vault.opening import Items
from results.vault.releases import Course, Weighed
from results.vault.sealing import DoesNotOpen, Purpose, same
from results.weighing import Asked, is_discreet, weigh

#: Nobody is to be rung sooner: while the caller is on the line, the desk knows no more than the caller does.
RUNG_AFTER: Final = timedelta(minutes=2)
#: Whoever was rung says the birth date wrongly so often: it is somebody else.
BIRTH_TRIES: Final = 3
#: Visits of a patient that are looked at, the newest first.
_VISITS: Final = 3


@dataclass(frozen=True, kw_only=True, repr=False)
class Named:
    """What a caller without slip has said: it identifies and proves nothing."""

    family: str
    given: str
    #: YYYYMMDD, 00 for an unknown day or month.
    birth_date: str


@dataclass(frozen=True, kw_only=True, repr=False)
class ToRing:
    """A patient whose result may be told at their own number now."""

    call: PhoneCall
    patient: Patient
    visit: Visit
    number: str
    dossier: Dossier
    decision: Decision
    weighed: Weighed


def ask_back(
    db: Session, site_id: UUID, named: Named, *, until: datetime, by: UUID, at: datetime, chance: Chance, key: str
) -> PhoneCall:
    """Note that somebody without slip would be rung, known or not: the row looks the same, and no name is in it.

    Args:
        db: a session that writes the results.
        named: who the caller said to be.
        until: the end of the site's day; asked for is today's call.
        key: the form's own key; the same form is noted once.

    Raises:
        PageAlreadyUsed: the form was sent by somebody else.

    Source: the design note on release, section 10; ASVS 6.4.2 (what a caller knows of a person proves nothing).
    """
    if before := answered(db, PhoneCall, site_id, key):
        if before.by != by:
            raise PageAlreadyUsed
        return before
    expire_calls(db, site_id, at=at, chance=chance, on_the_line_of=by)
    call = PhoneCall(
        id=uuid7(at, chance), site_id=site_id, by=by, opened_at=at, ends_at=until,
        slip_id=_slip_of(db, site_id, named, at=at), state=State.ASKED, reads_back=False, read_back_tries=0,
        birth_tries=0, key=key,
    )  # fmt: skip
    db.add(call)
    write(db, "results", Act.CALL_ASKED, by=by, at=at, chance=chance, call=call.id)
    return call


def to_ring(db: Session, keys: KeyRing, site_id: UUID, *, role: Role, power: Power, at: datetime) -> Iterator[ToRing]:
    """Whom a person of this role may ring now, the oldest wish first; nobody else's wish is in it.

    One after the other is asked of the rule: who wants to know whether there is anybody asks for the first alone.
    """
    asked = select(PhoneCall).where(
        PhoneCall.site_id == site_id, PhoneCall.state == State.ASKED, PhoneCall.slip_id.is_not(None),
        PhoneCall.ends_at > at, PhoneCall.opened_at <= at - RUNG_AFTER,
    )  # fmt: skip
    calls = list(db.scalars(asked.order_by(PhoneCall.opened_at)))
    found = (_found(db, keys, call, role=role, power=power, at=at) for call in calls)
    return (one for one in found if one is not None)


def one_to_ring(db: Session, keys: KeyRing, call_id: UUID, *, role: Role, power: Power, at: datetime) -> ToRing:
    """One patient who may be rung now.

    Args:
        role: as what the person at the telephone acts.

    Raises:
        NoCall: nobody is to be rung there, or not any more.
    """
    call = db.get(PhoneCall, call_id)
    found = None
    is_due = call is not None and call.state is State.ASKED and call.opened_at <= at - RUNG_AFTER
    if call is not None and is_due and not is_over(call, at):
        found = _found(db, keys, call, role=role, power=power, at=at)
    if found is None:
        raise NoCall
    return found


def tell_rung(
    db: Session, keys: KeyRing, call_id: UUID, *, birth_date: str, role: Role, power: Power, by: UUID, at: datetime,
    chance: Chance, key: str,
) -> ReadAloud | None:  # fmt: skip
    """Tell a patient who was rung what the signed matrix lets be told without a code, once.

    Args:
        db: a session that writes the results.
        keys: the staff programme's keys.
        birth_date: as whoever answered has said it, YYYYMMDD.
        role: as what the person at the telephone acts.
        power: vouches for holds, signers and the number.
        key: of the form; the same form sees the same words again for two minutes.

    Returns:
        The words to read aloud; none where the birth date was another one; None where it was so once too often, and
        the call is over.

    Raises:
        NoCall: nobody is to be rung there, or nothing may be told any more.
    """
    call = db.get(PhoneCall, call_id, with_for_update=True)

    def words(_: Dossier, items: Items) -> tuple[Told, ...]:
        return read_out(db, power, items, open_signed(db, keys, power, items, private=None))

    if call is not None and is_shown_again(call, key=key, by=by, at=at):
        return read_again(db, keys, call, _asked(role), words, power=power, at=at)
    found = one_to_ring(db, keys, call_id, role=role, power=power, at=at)
    call, dossier = found.call, found.dossier
    expire_calls(db, call.site_id, at=at, chance=chance, on_the_line_of=by)
    call.by = by
    subkey = keys.subkey(Purpose.BIRTH_DATE, dossier.fields_version)
    if not same(check_of_birth_date(dossier.id, birth_date, subkey=subkey), dossier.birth_check):
        call.birth_tries += 1
        if call.birth_tries >= BIRTH_TRIES:
            close(db, keys, call, Outcome.OTHER_PERSON, by=by, at=at, chance=chance)
            return None
        return ReadAloud()
    try:
        read = read_once(
            db, call, dossier, found.decision, found.weighed, words, attempt_id=None,
            reads_back=found.decision.is_read_back, by=by, at=at, chance=chance, key=key,
        )  # fmt: skip
    except DoesNotOpen:
        raise NoCall from None
    call.ends_at = at + LASTS
    return read


def end_rung(
    db: Session, keys: KeyRing, call_id: UUID, outcome: Outcome, *, by: UUID, at: datetime, chance: Chance
) -> None:
    """End a wish to be rung without telling anything.

    Raises:
        NoCall: nobody is to be rung there any more.
    """
    call = db.get(PhoneCall, call_id, with_for_update=True)
    if call is None or call.state is not State.ASKED:
        raise NoCall
    call.by = by
    close(db, keys, call, outcome, by=by, at=at, chance=chance)


def _slip_of(db: Session, site_id: UUID, named: Named, *, at: datetime) -> UUID | None:
    """A slip in the hand of the one patient who is called so; None where nobody is, or two are, or it waits already."""
    born_then = select(Patient).where(Patient.site_id == site_id, Patient.birth_date == named.birth_date)
    people = [one for one in db.scalars(born_then) if _is_called(one, named)]
    slips = [slip.id for slip in db.scalars(_slips_in_hand([one.id for one in people]))]
    waits = select(PhoneCall.id).where(
        PhoneCall.slip_id.in_(slips), PhoneCall.state == State.ASKED, PhoneCall.ends_at > at
    )
    if db.scalars(waits).first() is not None or len(people) != 1 or not slips:
        return None
    return slips[0]


def _slips_in_hand(patients: Collection[UUID]) -> Select[Slip]:
    """The slips that came out for these patients and are not void, the newest first."""
    return (
        select(Slip)
        .join(Dossier, Dossier.id == Slip.dossier_id)
        .join(Recognition, Recognition.visit_id == Dossier.visit_id)
        .where(Recognition.patient_id.in_(patients), Slip.state == SlipState.VALID)
        .order_by(Slip.issued_at.desc())
    )


def _is_called(patient: Patient, named: Named) -> bool:
    """Whether a family name, of birth or in use, and a given name are those of the file, as they sound in writing."""
    families = {_bare(patient.birth_name), _bare(patient.used_name or patient.birth_name)}
    given = {_bare(one) for one in patient.given_names.split(",")}
    return _bare(named.family) in families and _bare(named.given) in given


def _bare(name: str) -> str:
    return fold(name).replace(" ", "")


def _asked(role: Role) -> Asked:
    return Asked(channel=Channel.CALL_BACK, person=Person.WITHOUT_CODE, role=role)


def _found(db: Session, keys: KeyRing, call: PhoneCall, *, role: Role, power: Power, at: datetime) -> ToRing | None:
    """The newest visit of who would be rung whose result may be told now at the number that was given for it."""
    anchor = db.scalar(select(Dossier).join(Slip, Slip.dossier_id == Dossier.id).where(Slip.id == call.slip_id))
    patient = None if anchor is None else patient_of(db, anchor.visit_id)
    if patient is None:
        return None
    for slip in db.scalars(_slips_in_hand([patient.id]).limit(_VISITS)):
        try:
            dossier = trusted_dossier(db, keys, slip.dossier_id)
        except NoSuchDossier:
            continue
        chosen = delivery_of(db, dossier.visit_id)
        number = number_with(db, chosen, power)
        if not number or not _may_be_rung(db, dossier, chosen, slip, power):
            continue
        decision, weighed = weigh(db, keys, dossier.id, _asked(role), power=power, at=at)
        if weighed.course is Course.TELL:
            return ToRing(
                call=call, patient=patient, visit=visit_of(db, dossier.visit_id), number=number, dossier=dossier,
                decision=decision, weighed=weighed,
            )  # fmt: skip
    return None


def _may_be_rung(db: Session, dossier: Dossier, chosen: Delivery | None, slip: Slip, power: Power) -> bool:
    """Whether the patient said yes to the telephone at the counter, at a number of their own, and nothing closes it.

    The number counts for the visit it was given for; a discreet visit is in no list of calls (ADR 0032).
    """
    is_wished = chosen is not None and chosen.wants_phone and chosen.document is not None
    is_theirs = Wish.OWN_NUMBER in dossier.wished and not is_discreet(db, dossier, power)
    return is_wished and is_theirs and not is_worn_out(db, slip.id)
