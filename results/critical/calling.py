"""A critical value is opened, told and repeated: the laboratory's own act, with or without a matrix in force."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from sqlalchemy.orm import Session

from kiosk.exams.prescriptions import prescription_of
from kiosk.register.clock import Chance
from kiosk.register.database import uuid7
from kiosk.register.errors import Invalid
from kiosk.register.journal import Act, write
from kiosk.register.patients import Patient, patient_of
from kiosk.register.staff import Power
from kiosk.register.visits import Visit, visit_of
from results.callers.repeating import READ_BACK_TRIES
from results.critical.alerts import (
    Contact,
    CriticalAlert,
    NotFromHere,
    State,
    Verb,
    move,
    seal_who,
)
from results.critical.finding import find
from results.critical.limits import limits_of
from results.hl7v2.reader import Message
from results.hl7v2.values import moment, name
from results.matrix import Channel, Person, in_force
from results.physicians.consulting import readable
from results.physicians.orders import OrderPhysician, physicians_of
from results.physicians.register import Physician
from results.physicians.repeating import Heard, Whose, is_repeated
from results.reports.assemble import Line, assemble
from results.reports.versions import ReportVersion, newest
from results.signing import Purpose, SealBroken, open_dossier_key
from results.stopping.stops import is_stopped
from results.vault.dossiers import Dossier, trusted_dossier
from results.vault.envelopes import NOBODY, Body, BodyKind
from results.vault.keys import BiologistKeys, KeyRing
from results.vault.opening import open_version
from results.vault.releases import Course, Weighed, enter_release
from results.vault.sealing import DoesNotOpen
from results.weighing import is_discreet

Unlock = Callable[[], BiologistKeys]
_SEALED_TO_DOSSIER = 2


class NobodyNamed(Invalid):
    """Who hears a critical value says their name; write it down."""

    french = "Notez le nom de la personne jointe."


@dataclass(frozen=True, kw_only=True, repr=False)
class Opened:
    """A critical value as the biologist or the technician reads it."""

    alert: CriticalAlert
    version: ReportVersion
    #: The lines that cannot wait; those alone are told and repeated.
    lines: tuple[Line, ...]
    #: The report's other lines, for the eye.
    others: tuple[Line, ...]
    whose: Whose
    #: Whose visit it is; None while nobody has matched the message.
    visit: Visit | None
    patient: Patient | None
    #: As written on the prescription.
    prescriber: str
    physicians: tuple[tuple[OrderPhysician, Physician], ...]
    is_discreet: bool
    #: Everything of the report was taken back meanwhile, or corrected.
    is_withdrawn: bool
    #: No verified matrix is in force: it is told all the same, and the journal says so.
    is_unruled: bool
    #: Releases are stopped; a critical value is told all the same.
    is_stopped: bool


def open_alert(
    db: Session, keys: KeyRing, alert: CriticalAlert, *, unlock: Unlock, by: UUID, power: Power, at: datetime,
    chance: Chance,
) -> Opened:  # fmt: skip
    """Open the report of an alert; the journal knows before anything is shown. Whoever opens it has seen it.

    Args:
        db: a session that writes the results.
        keys: the staff programme's keys, for C0 and C1.
        alert: locked.
        unlock: gives the biologist's keys; asked for what is confidential or not matched, and for that only.
        by: staff id.
        power: vouches for the register of physicians.
        at: now.
        chance: gives ids and salts.

    Raises:
        Locked: a biologist's keys are needed.
        SealBroken: it does not open.
    """
    version = newest(db, alert.report_id) or db.get_one(ReportVersion, (alert.report_id, alert.version))
    dossier = None if version.dossier is None else trusted_dossier(db, keys, version.dossier)
    message = Message.read(_open(db, keys, version, dossier, unlock=unlock, by=by, at=at, chance=chance).content)
    write(
        db, "results", Act.REPORT_OPENED, by=by, at=at, chance=chance, report=version.report_id,
        version=version.version,
    )  # fmt: skip
    if alert.state is State.FOUND:
        move(db, alert, Verb.SEE, by=by, at=at, chance=chance)
    report = assemble([message])
    shown = tuple(readable(report))
    critical = tuple(one.line for one in find(report, limits_of(db, alert.site_id)) if one.line in shown)
    # A biologist's mark is on the whole report, and what cannot be read is told as it was sent.
    critical = critical or shown
    visit = None if dossier is None else visit_of(db, dossier.visit_id)
    patient = None if visit is None else patient_of(db, visit.id)
    prescription = None if visit is None else prescription_of(db, visit.id)
    return Opened(
        alert=alert, version=version, lines=critical,
        others=tuple(line for line in report.shown if line not in critical), whose=_whose(patient, message),
        visit=visit, patient=patient, prescriber=prescription.prescriber if prescription else "",
        physicians=() if visit is None else tuple(physicians_of(db, visit.id, power)),
        is_discreet=dossier is not None and is_discreet(db, dossier, power),
        is_withdrawn=newest(db, alert.report_id) is None, is_unruled=in_force(db, keys, at) is None,
        is_stopped=is_stopped(db, keys, power),
    )  # fmt: skip


def call(db: Session, alert: CriticalAlert, contact: Contact, *, by: UUID, at: datetime, chance: Chance) -> None:
    """Begin to ring somebody.

    Raises:
        NotFromHere: somebody else is ringing, or it is over.
    """
    move(db, alert, Verb.CALL, by=by, at=at, chance=chance, contact=contact)
    alert.contact, alert.caller, alert.read_back_tries = contact, by, 0


def miss(db: Session, alert: CriticalAlert, *, by: UUID, at: datetime, chance: Chance) -> None:
    """Nobody answered, the line broke off or nobody takes charge; the next one of the list is rung."""
    verb = Verb.MISS if alert.state is State.CALLING else Verb.HAND_ON
    move(db, alert, verb, by=by, at=at, chance=chance, contact=alert.contact)
    alert.contact = alert.caller = None


def reach(
    db: Session, keys: KeyRing, alert: CriticalAlert, *, person_name: str, rpps: str, by: UUID, power: Power,
    at: datetime, chance: Chance,
) -> None:  # fmt: skip
    """Note who hears the value, and enter the release: neither hour nor matrix nor signature is waited for.

    Raises:
        NobodyNamed: no name was written down.
        NotFromHere: nobody is being rung.
    """
    clean = " ".join(person_name.split())
    if not clean or len(clean) > 80 or len(rpps.strip()) > 15:
        raise NobodyNamed
    contact = alert.contact
    step_id = uuid7(at, chance)
    sealed = seal_who(clean, rpps, step_id=step_id, power=power, chance=chance)
    move(db, alert, Verb.REACH, by=by, at=at, chance=chance, contact=contact, who=sealed, step_id=step_id)
    version = newest(db, alert.report_id) or db.get_one(ReportVersion, (alert.report_id, alert.version))
    matrix = in_force(db, keys, at)
    if matrix is None:
        write(db, "results", Act.CRITICAL_UNRULED, by=by, at=at, chance=chance, alert=alert.id)
    if is_stopped(db, keys, power):
        write(db, "results", Act.CRITICAL_UNSTOPPED, by=by, at=at, chance=chance, alert=alert.id)
    told = Weighed(
        course=Course.TELL, items=((version.report_id, version.version),),
        matrix_version=0 if matrix is None else matrix.version, channel=Channel.CALL_BACK,
        person=Person.WITHOUT_CODE if contact is Contact.PATIENT else Person.PHYSICIAN,
    )  # fmt: skip
    enter_release(
        db, told, site_id=alert.site_id, dossier_id=version.dossier or NOBODY, attempt_id=None, call_id=alert.id, by=by,
        at=at, chance=chance,
    )  # fmt: skip


def hear(
    db: Session, opened: Opened, heard: Sequence[Heard], *, initials: str, year: str, by: UUID, at: datetime,
    chance: Chance,
) -> bool:  # fmt: skip
    """Compare what was repeated with what was told.

    Returns:
        Whether it was the same; after the third that is not, the alert is open again for somebody else.
    """
    alert = opened.alert
    if alert.state is not State.REACHED:
        raise NotFromHere
    if is_repeated(opened.lines, opened.whose, heard, initials=initials, year=year):
        move(db, alert, Verb.HEAR, by=by, at=at, chance=chance, contact=alert.contact)
        return True
    alert.read_back_tries += 1
    if alert.read_back_tries >= READ_BACK_TRIES:
        move(db, alert, Verb.HAND_ON, by=by, at=at, chance=chance, contact=alert.contact)
        alert.contact = alert.caller = None
    return False


def acknowledge(db: Session, alert: CriticalAlert, *, by: UUID, at: datetime, chance: Chance) -> None:
    """Note that who was reached takes charge of the patient."""
    move(db, alert, Verb.ACKNOWLEDGE, by=by, at=at, chance=chance, contact=alert.contact)


def _open(
    db: Session, keys: KeyRing, version: ReportVersion, dossier: Dossier | None, *, unlock: Unlock, by: UUID,
    at: datetime, chance: Chance,
) -> Body:  # fmt: skip
    try:
        if dossier is None:
            body = open_version(db, keys, version, biologist=unlock())
        elif version.rank < _SEALED_TO_DOSSIER:
            body = open_version(db, keys, version)
        else:
            private = open_dossier_key(
                db, dossier, [version], unlock(), purpose=Purpose.CRITICAL, by=by, at=at, chance=chance
            )
            body = open_version(db, keys, version, private=private)
    except DoesNotOpen:
        raise SealBroken from None
    if body.kind is not BodyKind.MESSAGE:
        raise SealBroken
    return body


def _whose(patient: Patient | None, message: Message) -> Whose:
    """Whose value it is: the recognised person, else whom the message names."""
    if patient is not None:
        return Whose(birth_name=patient.birth_name, given_names=patient.given_names, birth_date=patient.birth_date)
    said = name(message["PID"][5].rep(0))
    born = moment(message["PID"][7].code, UTC)
    return Whose(birth_name=said.family, given_names=said.given, birth_date=born.day if born else "")
