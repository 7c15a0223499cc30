"""A dossier as the rule sees it: what has come, what closes ways, and what may be told of it now."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kiosk.booking.discretion import discretion_of, is_lifted
from kiosk.register.accounts import Staff, vouched
from kiosk.register.clock import day
from kiosk.register.patients import patient_of
from kiosk.register.sites import this_site
from kiosk.register.staff import Power
from results.holds import is_held, is_whole
from results.identity import is_minor
from results.matrix import Channel, Person, in_force
from results.release import Answer, Decision, Limits, Question, Role, decide
from results.reports.flags import flags_standing
from results.reports.sorting import Flag
from results.reports.versions import Life, Report, ReportVersion, live, newest, reports_of
from results.stopping.stops import is_stopped
from results.trust.standing import key_for
from results.vault.dossiers import Dossier, Slip, Wish, trusted_dossier
from results.vault.keys import KeyRing
from results.vault.releases import Course, ReleaseAct, Weighed

_COURSES: Final = {
    Answer.TELL: Course.TELL,
    Answer.BIOLOGIST: Course.BIOLOGIST,
    Answer.NOT_NOW: Course.NOT_NOW,
}
_RIPE: Final = frozenset({Life.RELEASABLE, Life.RELEASED})
#: A report that nobody has.
_NO_REPORT: Final = UUID(int=0)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Who asks, by which way, and who would tell."""

    channel: Channel
    person: Person
    role: Role
    #: Kind of identity document that was seen.
    document: StrEnum | None = None
    #: The biologist has agreed to this hand-over without code.
    agreed: bool = False
    #: The physician is the order's prescriber, not only a named copy.
    is_prescriber: bool = False
    #: The mandate was given for this very visit.
    is_for_this_visit: bool = False


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One report of a dossier in its newest version; no version once everything of it was withdrawn."""

    report_id: UUID
    version: ReportVersion | None
    life: Life


def weigh(
    db: Session, keys: KeyRing, dossier_id: UUID, asked: Asked, *, power: Power, at: datetime
) -> tuple[Decision, Weighed]:
    """Ask the rule about a dossier.

    Args:
        db: a session that may read the results.
        keys: verify matrix and dossier.
        dossier_id: whose results.
        asked: by whom and how.
        power: vouches for what lifts and opens.
        at: now.

    Returns:
        The decision with its true reason, and what the vault compares and enters.

    Raises:
        NoSuchDossier: there is none, or somebody else changed it.
    """
    dossier = trusted_dossier(db, keys, dossier_id)
    matrix = in_force(db, keys, at)
    reports = standing_of(db, dossier, is_matrix_in_force=matrix is not None, power=power, at=at)
    versions = [one.version for one in reports if one.version is not None]
    question = Question(
        channel=asked.channel,
        person=asked.person,
        role=asked.role,
        # What came may be stricter than what was prescribed.
        expected=(*dossier.classes, *(version.release_class for version in versions)),
        lives=[one.life for one in reports],
        is_complete=is_whole(db, dossier, power) and not any(version.is_partial for version in versions),
        limits=limits_of(db, dossier, asked, power=power, at=at),
        is_stopped=is_stopped(db, keys, power),
    )
    decision = decide(question, matrix)
    ripe = tuple((one.report_id, one.version.version) for one in reports if one.version and one.life in _RIPE)
    weighed = Weighed(
        course=_COURSES[decision.answer],
        items=ripe if decision.answer is Answer.TELL else (),
        matrix_version=decision.matrix_version,
        channel=asked.channel,
        person=asked.person,
        document=asked.document,
    )
    return decision, weighed


def standing_of(
    db: Session, dossier: Dossier, *, is_matrix_in_force: bool, power: Power, at: datetime
) -> list[Standing]:
    """Every report of a dossier with its newest version and its life, in the order of arrival."""
    found = []
    for report_id in _asked_about(db, dossier):
        version = newest(db, report_id)
        # Asked of what was withdrawn, too: what an answer costs tells nothing of its cause.
        number = 0 if version is None else version.version
        told = select(func.count()).where(ReleaseAct.report_id == report_id, ReleaseAct.version == number)
        releases, held = db.scalar(told) or 0, is_held(db, report_id, power=power)
        life = Life.WITHDRAWN
        if version is not None:
            life = live(
                version, is_newest=True, is_held=held, is_matrix_in_force=is_matrix_in_force, releases=releases, at=at
            )  # fmt: skip
        found.append(Standing(report_id=report_id, version=version, life=life))
    return [one for one in found if one.report_id != _NO_REPORT]


def limits_of(db: Session, dossier: Dossier, asked: Asked, *, power: Power, at: datetime) -> Limits:
    """What the patient's wishes and the sender's flags close; the strictest of all versions holds until lifted."""
    flags = {flag for report_id in _asked_about(db, dossier) for flag in flags_standing(db, report_id, power)}
    wished = dossier.wished
    return Limits(
        minor_secret=Wish.MINOR_SECRET in wished or bool(flags & {Flag.GUARDIANS, Flag.SECRET}),
        discreet=is_discreet(db, dossier, power),
        of_age=_is_of_age(db, dossier, at),
        own_number=Wish.OWN_NUMBER in wished,
        in_person_only=not wished.isdisjoint({Wish.IN_PERSON_ONLY, Wish.TOLD_IN_PERSON}),
        nobody_else=Wish.NOBODY_ELSE in wished,
        hidden_from_patient=Flag.PATIENT in flags,
        hidden_from_physicians=Flag.PROFESSIONALS in flags,
        is_prescriber=asked.is_prescriber,
        letter_asked=Wish.LETTER_ASKED in wished,
        agreed=asked.agreed,
        mandate_for_this_visit=asked.is_for_this_visit,
    )


def _asked_about(db: Session, dossier: Dossier) -> list[UUID]:
    """The reports of a dossier; where nothing has come, the same is asked about one that nobody has.

    What an answer costs tells nothing of its cause: neither of a reference, nor of what has come for it.
    """
    return [report.id for report in reports_of(db, dossier.id)] or [_NO_REPORT]


def some_slip(db: Session, site_id: UUID) -> Slip | None:
    """The newest slip of a site of whose dossier something has come; asked about where nobody has a reference."""
    with_report = select(Slip).join(Report, Report.dossier == Slip.dossier_id).where(Slip.site_id == site_id)
    return db.scalars(with_report.order_by(Slip.id.desc()).limit(1)).first()


def is_discreet(db: Session, dossier: Dossier, power: Power) -> bool:
    """Whether a dossier is a discreet visit's: by its own word, which nobody can take out, or by the visit's mark."""
    if discretion_of(db, dossier.visit_id, power) is not None:
        return True
    return Wish.DISCREET in dossier.wished and not is_lifted(db, dossier.visit_id, power)


def _is_of_age(db: Session, dossier: Dossier, at: datetime) -> bool:
    """Whether the patient is of age on the site's own day; a patient whom nobody has recognised has no parents here."""
    patient = patient_of(db, dossier.visit_id)
    return patient is None or not is_minor(patient.birth_date, today=day(this_site(db).timezone, at))


def signers(db: Session, keys: KeyRing, power: Power) -> Callable[[UUID, bytes], bytes | None]:
    """Whose signature counts: from a staff id and a signature to the public key under which it is looked at."""

    def key_of(staff_id: UUID, signature: bytes) -> bytes | None:
        person = db.get(Staff, staff_id)
        if person is None or not vouched(person, power):
            return None
        return key_for(db, keys, person.login, signature)

    return key_of
