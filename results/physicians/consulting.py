"""What a proved physician is told of a patient: the signed matrix decides, and one sentence stands for every no."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.clock import Chance
from kiosk.register.journal import Act, write
from kiosk.register.patients import Patient
from kiosk.register.staff import Power
from results.callers.calls import SHOWN, NotFromHere
from results.hl7v2.reader import Message
from results.matrix import Channel, Person
from results.physicians.calls import TRIES as MOST_TRIES
from results.physicians.calls import PhysicianCall, Proof, State, Verb, move, tries_of
from results.physicians.orders import Standing, ordered_for
from results.physicians.register import NoSuchPhysician, Physician, physician_of
from results.release import Role, Why
from results.reports.assemble import Line, Report, Status, assemble
from results.reports.versions import ReportVersion
from results.signing import Purpose, open_dossier_key
from results.telling import open_signed
from results.vault.dossiers import NoSuchDossier, dossier_of
from results.vault.envelopes import BodyKind
from results.vault.keys import BiologistKeys, KeyRing
from results.vault.opening import Items, open_by_escrow
from results.vault.releases import Course, ReleaseAct, enter_release
from results.vault.sealing import DoesNotOpen
from results.weighing import Asked, weigh

Unlock = Callable[[], BiologistKeys]


class Reply(StrEnum):
    """What the person at the telephone does now."""

    TELL = "tell"
    BIOLOGIST = "biologist"  #: for this order it is always the biologist who answers
    NOT_NOW = "not_now"  #: the one sentence, for every cause


@dataclass(frozen=True, kw_only=True, repr=False)
class Consulted:
    """The answer, and the lines to read aloud where there are any."""

    reply: Reply
    lines: tuple[Line, ...] = ()
    patient: Patient | None = None


_NO: Final = Consulted(reply=Reply.NOT_NOW)


def may_try(db: Session, call: PhysicianCall) -> bool:
    """Tell whether digits may still be said in this call."""
    return call.state is State.OPEN and tries_of(db, call.id) < MOST_TRIES


def consult(
    db: Session, keys: KeyRing, call: PhysicianCall, physician: Physician | None, *, birth_name: str, birth_date: str,
    role: Role, unlock: Unlock, power: Power, by: UUID, at: datetime, chance: Chance, key: str, until: datetime,
) -> Consulted:  # fmt: skip
    """Answer a physician's question about one patient; the release and the call are moved in this transaction.

    Args:
        db: a session that writes the results.
        keys: the staff programme's keys.
        call: locked; open with a proof that was just given, reached at the number on file, or verified.
        physician: who has proved themselves, None for nobody: the answer is the one sentence.
        birth_name: the patient's, as it was said.
        birth_date: YYYYMMDD.
        role: as what the person at the telephone acts.
        unlock: gives the biologist's keys; asked only for what is confidential.
        power: vouches for register, orders and holds.
        by: staff id.
        at: now.
        chance: gives ids and salts.
        key: of the form.
        until: when the day ends: so long a call waits for the biologist.

    Raises:
        NotFromHere: nothing is asked in a call that stands there.
        Locked: a biologist must unlock their keys first.
    """
    if call.state not in {State.OPEN, State.REACHED}:
        raise NotFromHere
    if physician is None:
        return _refuse(db, call, Why.ROLE, by=by, at=at, chance=chance)
    call.physician_id = physician.id
    call.proof = call.proof or Proof.DIGITS
    order = ordered_for(db, physician, birth_name=birth_name, birth_date=birth_date, power=power, at=at)
    if order is None:
        return _refuse(db, call, Why.NOTHING, by=by, at=at, chance=chance)
    visit, patient, standing = order
    call.visit_id = visit.id
    return _tell(
        db, keys, call, patient, is_prescriber=standing is Standing.PRESCRIBER, role=role, unlock=unlock, power=power,
        by=by, at=at, chance=chance, key=key, until=until,
    )  # fmt: skip


def answer_as_biologist(
    db: Session, keys: KeyRing, call: PhysicianCall, patient: Patient, standing: Standing, *, unlock: Unlock,
    power: Power, by: UUID, at: datetime, chance: Chance, key: str,
) -> Consulted:  # fmt: skip
    """A biologist answers a call that was proved, about the visit that was asked for."""
    if call.state is not State.VERIFIED:
        raise NotFromHere
    return _tell(
        db, keys, call, patient, is_prescriber=standing is Standing.PRESCRIBER, role=Role.BIOLOGIST, unlock=unlock,
        power=power, by=by, at=at, chance=chance, key=key, until=call.ends_at,
    )  # fmt: skip


def lines_told(db: Session, keys: KeyRing, call: PhysicianCall, *, unlock: Unlock, power: Power) -> tuple[Line, ...]:
    """What a call was told, opened again to compare or, for the form that was answered by it, to show once more.

    Raises:
        DoesNotOpen: it does not open any more.
    """
    items = [(one.report_id, one.version) for one in _acts(db, call.id)]
    return _lines(db, keys, items, private=_private_again(db, keys, call, items, unlock), power=power)


def is_shown_again(call: PhysicianCall, *, key: str, at: datetime) -> bool:
    """Tell whether a form is the one that was just answered by the result."""
    return call.state is State.TOLD and call.told_key == key and call.told_at is not None and at - call.told_at < SHOWN


def physician_called(db: Session, call: PhysicianCall, power: Power) -> Physician | None:
    """Who has proved themselves in a call, if the register still knows them."""
    try:
        return None if call.physician_id is None else physician_of(db, call.physician_id, power)
    except NoSuchPhysician:
        return None


def _tell(
    db: Session, keys: KeyRing, call: PhysicianCall, patient: Patient, *, is_prescriber: bool, role: Role,
    unlock: Unlock, power: Power, by: UUID, at: datetime, chance: Chance, key: str, until: datetime,
) -> Consulted:  # fmt: skip
    channel = Channel.CALL_BACK if call.proof is Proof.CALL_BACK else Channel.PHONE
    asked = Asked(channel=channel, person=Person.PHYSICIAN, role=role, is_prescriber=is_prescriber)
    if call.visit_id is None:
        raise NotFromHere
    try:
        dossier = dossier_of(db, keys, call.visit_id)
    except NoSuchDossier:
        return _refuse(db, call, Why.NOTHING, by=by, at=at, chance=chance)
    decision, weighed = weigh(db, keys, dossier.id, asked, power=power, at=at)
    if weighed.course is Course.BIOLOGIST:
        move(call, Verb.VERIFY)
        call.ends_at = until
        write(db, "results", Act.CALL_VERIFIED, by=by, at=at, chance=chance, call=call.id)
        return Consulted(reply=Reply.BIOLOGIST)
    if weighed.course is not Course.TELL:
        return _refuse(db, call, decision.why, by=by, at=at, chance=chance)
    private = None
    if decision.release_class is not None and decision.release_class >= ReleaseClass.C2:
        versions = [db.get_one(ReportVersion, item) for item in weighed.items]
        private = open_dossier_key(
            db, dossier, versions, unlock(), purpose=Purpose.PHYSICIAN, by=by, at=at, chance=chance
        )
    try:
        lines = _lines(db, keys, weighed.items, private=private, power=power)
    except DoesNotOpen:
        lines = ()
    if not lines:  # sealed otherwise, or a document, which nobody reads aloud
        return _refuse(db, call, Why.NOTHING, by=by, at=at, chance=chance)
    enter_release(
        db, weighed, site_id=call.site_id, dossier_id=dossier.id, attempt_id=None, call_id=call.id, by=by, at=at,
        chance=chance,
    )  # fmt: skip
    move(call, Verb.TELL)
    call.told_at, call.told_key = at, key
    return Consulted(reply=Reply.TELL, lines=lines, patient=patient)


def _refuse(db: Session, call: PhysicianCall, why: StrEnum, *, by: UUID, at: datetime, chance: Chance) -> Consulted:
    call.visit_id = None
    write(db, "results", Act.RELEASE_REFUSED, by=by, at=at, chance=chance, call=call.id, why=why)
    return _NO


def _acts(db: Session, call_id: UUID) -> list[ReleaseAct]:
    return list(db.scalars(select(ReleaseAct).where(ReleaseAct.call_id == call_id).order_by(ReleaseAct.report_id)))


def _private_again(db: Session, keys: KeyRing, call: PhysicianCall, items: Items, unlock: Unlock) -> bytes | None:
    if call.visit_id is None:
        raise DoesNotOpen
    versions = [db.get_one(ReportVersion, item) for item in items]
    if all(version.rank < 2 for version in versions):
        return None
    return open_by_escrow(db, dossier_of(db, keys, call.visit_id), unlock())


def _lines(db: Session, keys: KeyRing, items: Items, *, private: bytes | None, power: Power) -> tuple[Line, ...]:
    found: list[Line] = []
    for body in open_signed(db, keys, power, items, private=private):
        if body.kind is not BodyKind.MESSAGE:
            raise DoesNotOpen
        found += readable(assemble([Message.read(body.content)]))
    return tuple(found)


def readable(report: Report) -> list[Line]:
    """The lines of a report that can be read aloud and repeated: with a value, and not pending."""
    shown = [] if report.is_withdrawn else report.shown
    return [line for line in shown if line.value.strip() and line.status is not Status.PENDING and not line.is_document]
