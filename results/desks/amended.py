"""What was signed can be taken back, and whoever was told something that no longer stands is told again."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Enum, ForeignKey, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from kiosk.register import clock
from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime, uuid7
from kiosk.register.errors import Invalid, NotFound
from kiosk.register.journal import Act, write
from kiosk.register.once import answered
from kiosk.register.patients import Patient, patient_of
from kiosk.register.sites import this_site
from kiosk.register.staff import Power, Right
from kiosk.register.visits import Visit, visit_of
from kiosk.signin import actor, needs
from kiosk.web import chance, form_key, house, now, page, reading, transaction
from results.desks.signoff import unlocked
from results.physicians.calls import PhysicianCall
from results.physicians.register import NoSuchPhysician, physician_of
from results.reports.versions import Reason, ReportVersion, State, Verb, move, newest, withdraw_former
from results.sitting import Locked
from results.vault.dossiers import Dossier
from results.vault.releases import ReleaseAct

bp = Blueprint("amended", __name__)

#: How far back the signed reports are listed.
LISTED: Final = timedelta(days=30)
#: A version that came late was never told: nobody has to be told again because of it.
_TAKEN_BACK: Final = (Reason.SUPERSEDED, Reason.DELETED, Reason.WRONG, Reason.RETRACTED)
_PATIENT: Final = frozenset({"with_code", "without_code"})
_WORDS: Final = {
    Reason.SUPERSEDED: "rectifié", Reason.DELETED: "supprimé par le SIL", Reason.WRONG: "déclaré faux par le SIL",
    Reason.RETRACTED: "retiré par un biologiste",
}  # fmt: skip
PERSONS: Final = {
    "with_code": "le patient", "without_code": "le patient", "physician": "un médecin", "parent": "un parent",
    "mandated": "une personne mandatée", "institution": "un organisme",
}  # fmt: skip
CHANNELS: Final = {"counter": "au guichet", "phone": "au téléphone", "call_back": "rappelé", "letter": "par courrier"}


class Mistake(StrEnum):
    """Why a biologist takes a signed report back; a word of a list, nothing of its content."""

    PERSON = "person"  #: it is another person's
    SAMPLE = "sample"
    RESULT = "result"  #: a value is wrong
    OTHER = "other"


MISTAKES: Final = (
    (Mistake.PERSON, "Ce n'est pas le compte rendu de cette personne"),
    (Mistake.SAMPLE, "Le prélèvement n'était pas le bon, ou pas bon"),
    (Mistake.RESULT, "Une valeur est fausse"),
    (Mistake.OTHER, "Autre motif, noté dans le SIL"),
)


class Reached(StrEnum):
    """How telling again ended."""

    TOLD = "told"
    HANDED = "handed"  #: on paper, in person
    OWN_WAY = "own_way"  #: told by the ordinary way, with a code of their own
    LOST = "lost"  #: cannot be reached; a letter went


ENDS: Final = (
    (Reached.TOLD, "Prévenu de vive voix"),
    (Reached.HANDED, "Prévenu au guichet, papier repris"),
    (Reached.LOST, "Injoignable : courrier envoyé"),
)


class Retraction(Base):
    """A signed version that a biologist has taken back, and why."""

    __tablename__ = "retraction"
    __table_args__ = (UniqueConstraint("site_id", "key"), {"schema": STAFF_ONLY})
    keep = "10 years: diffusion traces"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    report_id: Mapped[UUID] = mapped_column(ForeignKey(f"{STAFF_ONLY}.report.id"), index=True)
    version: Mapped[int]
    why: Mapped[Mistake] = mapped_column(Enum(Mistake, native_enum=False, length=6, values_callable=list))
    by: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    key: Mapped[str] = mapped_column(String(32))


class ToldAgain(Base):
    """Whoever was told something that no longer stands has been told so; without this row the task stays."""

    __tablename__ = "told_again"
    __table_args__ = ({"schema": STAFF_ONLY},)
    keep = "10 years: diffusion traces"

    #: The telling that no longer holds.
    release_id: Mapped[UUID] = mapped_column(ForeignKey(f"{STAFF_ONLY}.release_act.id"), primary_key=True)
    how: Mapped[Reached] = mapped_column(Enum(Reached, native_enum=False, length=7, values_callable=list))
    by: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class WhyMissing(Invalid):
    """A report is taken back with a reason of the list; choose one."""

    french = "Choisissez un motif."


class NotSigned(NotFound):
    """This version is not signed any more; look at the list again."""

    french = "Ce compte rendu n'est plus dans cette version. Regardez la liste à nouveau."


class NobodyToTell(NotFound):
    """Nobody waits to be told again here; look at the list again."""

    french = "Cette tâche n'est plus dans la liste. Regardez-la à nouveau."


@dataclass(frozen=True, kw_only=True, repr=False)
class Signed:
    """A signed report that stands, without anything of its content."""

    version: ReportVersion
    visit: Visit
    patient: Patient | None
    #: How often it was told.
    told: int


@dataclass(frozen=True, kw_only=True, repr=False)
class Owed:
    """Somebody who was told something that no longer stands."""

    release: ReleaseAct
    reason: str
    withdrawn_at: datetime
    #: Whether something else stands in its place and can be told.
    is_replaced: bool
    visit: Visit | None
    patient: Patient | None
    physician: str


def retract(
    db: Session, report_id: UUID, number: int, why: Mistake, *, by: UUID, at: datetime, chance: Chance, key: str
) -> Retraction:
    """Take a signed version back: from this transaction on nothing of it is told. The same form does it once.

    Args:
        db: a session that writes the results.
        number: the version that the biologist looked at.
        why: a word of the list.
        by: a biologist with unlocked keys.
        key: of the form.

    Raises:
        NotSigned: it is not signed, or a newer version stands.
    """
    version = db.get(ReportVersion, (report_id, number), with_for_update=True)
    if version is None or version.dossier is None:
        raise NotSigned
    dossier = db.get_one(Dossier, version.dossier)
    if before := answered(db, Retraction, dossier.site_id, key):
        return before
    if version.state is not State.SIGNED:
        raise NotSigned
    move(version, Verb.WITHDRAW, at=at, reason=Reason.RETRACTED)
    # What stood behind it must not come forward again.
    withdraw_former(db, version, at=at, reason=Reason.RETRACTED)
    row = Retraction(
        id=uuid7(at, chance), site_id=dossier.site_id, report_id=report_id, version=number, why=why, by=by, at=at,
        key=key,
    )  # fmt: skip
    db.add(row)
    write(db, "results", Act.REPORT_WITHDRAWN, by=by, at=at, chance=chance, report=report_id, version=number, why=why)
    return row


def to_tell_again(db: Session, site_id: UUID, power: Power) -> list[Owed]:
    """Everyone who was told a version that no longer stands, and not yet told so; the oldest withdrawal first.

    Whoever has since been told a newer version of the same report, as the same person, is told already.
    """
    later = aliased(ReleaseAct)
    rows = db.execute(
        select(ReleaseAct, ReportVersion)
        .join(
            ReportVersion,
            (ReportVersion.report_id == ReleaseAct.report_id) & (ReportVersion.version == ReleaseAct.version),
        )
        .outerjoin(ToldAgain, ToldAgain.release_id == ReleaseAct.id)
        .where(
            ReleaseAct.site_id == site_id, ToldAgain.release_id.is_(None), ReportVersion.state == State.WITHDRAWN,
            ReportVersion.reason.in_(_TAKEN_BACK),
        )
        .order_by(ReportVersion.withdrawn_at, ReleaseAct.at)
    ).all()  # fmt: skip
    owed = []
    for act, version in rows:
        newer = db.scalars(
            select(later).where(later.report_id == act.report_id, later.version > act.version, later.at > act.at)
        )
        if not any(_same_person(db, act, one) for one in newer):
            owed.append(_owed(db, act, version, power))
    return owed


def end_task(
    db: Session, release_id: UUID, how: Reached, *, site_id: UUID, power: Power, by: UUID, at: datetime, chance: Chance
) -> None:
    """Note that somebody was told again.

    Raises:
        NobodyToTell: it is not owed to anyone.
    """
    if release_id not in {one.release.id for one in to_tell_again(db, site_id, power)}:
        raise NobodyToTell
    db.add(ToldAgain(release_id=release_id, how=how, by=by, at=at))
    write(db, "results", Act.RELEASE_TOLD_AGAIN, by=by, at=at, chance=chance, release=release_id, how=how)


def signed_reports(db: Session, site_id: UUID, *, at: datetime) -> list[Signed]:
    """The signed reports of the last days that stand, the newest first."""
    asked = (
        select(ReportVersion)
        .join(Dossier, Dossier.id == ReportVersion.dossier)
        .where(Dossier.site_id == site_id, ReportVersion.state == State.SIGNED, ReportVersion.signed_at > at - LISTED)
        .order_by(ReportVersion.signed_at.desc())
    )
    found = []
    for version in db.scalars(asked):
        dossier = db.get_one(Dossier, version.dossier)
        told = select(ReleaseAct.id).where(
            ReleaseAct.report_id == version.report_id, ReleaseAct.version == version.version
        )
        found.append(
            Signed(
                version=version, visit=visit_of(db, dossier.visit_id), patient=patient_of(db, dossier.visit_id),
                told=len(db.scalars(told).all()),
            )
        )  # fmt: skip
    return found


@bp.get("/rectifies")
@needs(Right.SIGN)
def tasks() -> ResponseReturnValue:
    """Whom to tell again, and what may be taken back."""
    return _page()


@bp.post("/rectifies/<uuid:report_id>/<int:number>/retirer")
@needs(Right.SIGN)
def take_back(report_id: UUID, number: int) -> ResponseReturnValue:
    """Take a signed report back, with unlocked keys and a reason."""
    word = request.form.get("why", "")
    if word not in list(Mistake):
        return _page(errors={"why": WhyMissing.french}, chosen=(report_id, number))
    try:
        unlocked()
        with transaction("results") as db:
            retract(db, report_id, number, Mistake(word), by=actor().id, at=now(), chance=chance, key=form_key())
    except Locked:
        return redirect(url_for("signoff.unlock_page"), 303)
    flash("Compte rendu retiré : plus rien n'en sera dit. Prévenez qui l'a entendu.", "warn")
    return redirect(url_for("amended.tasks"), 303)


@bp.post("/rectifies/<uuid:report_id>/<int:number>/choisir")
@needs(Right.SIGN)
def choose(report_id: UUID, number: int) -> ResponseReturnValue:
    """Ask for the reason before a report is taken back."""
    return _page(chosen=(report_id, number))


@bp.post("/rectifies/prevenu/<uuid:release_id>")
@needs(Right.SIGN)
def told(release_id: UUID) -> ResponseReturnValue:
    """Somebody was told again."""
    word = request.form.get("how", "")
    if word not in list(Reached):
        raise NobodyToTell
    with transaction("results") as db:
        end_task(
            db, release_id, Reached(word), site_id=this_site(db).id, power=_power(), by=actor().id, at=now(),
            chance=chance,
        )  # fmt: skip
    flash("C'est noté.", "ok")
    return redirect(url_for("amended.tasks"), 303)


def _power() -> Power:
    power: Power = house().more["power"]
    return power


def _page(*, errors: dict[str, str] | None = None, chosen: tuple[UUID, int] | None = None) -> Response:
    with reading() as db:
        site = this_site(db)
        owed = to_tell_again(db, site.id, _power())
        signed = signed_reports(db, site.id, at=now())
    picked = next((one for one in signed if (one.version.report_id, one.version.version) == chosen), None)
    if chosen is not None and picked is None:
        raise NotSigned
    return page(
        "results/amended.html", status=422 if errors else 200, owed=owed, signed=signed, picked=picked,
        mistakes=MISTAKES, ends=ENDS, persons=PERSONS, channels=CHANNELS, errors=errors or {},
        when=lambda at: clock.appointment_words(site.timezone, at),
    )  # fmt: skip


def _same_person(db: Session, before: ReleaseAct, after: ReleaseAct) -> bool:
    if before.person in _PATIENT:
        return after.person in _PATIENT
    if before.person != after.person:
        return False
    # Two physicians, or two relatives, are two people.
    heard = [_physician_id(db, one) for one in (before, after)]
    return before.person == "physician" and heard[0] is not None and heard[0] == heard[1]


def _physician_id(db: Session, act: ReleaseAct) -> UUID | None:
    call = None if act.call_id is None else db.get(PhysicianCall, act.call_id)
    return None if call is None else call.physician_id


def _owed(db: Session, act: ReleaseAct, version: ReportVersion, power: Power) -> Owed:
    dossier, standing = db.get(Dossier, act.dossier_id), newest(db, act.report_id)
    physician_id, name = _physician_id(db, act), ""
    if physician_id is not None:
        try:
            name = physician_of(db, physician_id, power).name
        except NoSuchPhysician:
            name = ""
    return Owed(
        release=act, reason=_WORDS[version.reason or Reason.RETRACTED], withdrawn_at=version.withdrawn_at or act.at,
        is_replaced=standing is not None and standing.state is State.SIGNED,
        visit=None if dossier is None else visit_of(db, dossier.visit_id),
        patient=None if dossier is None else patient_of(db, dossier.visit_id), physician=name,
    )  # fmt: skip
