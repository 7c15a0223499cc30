"""Who looked at my result: the list that a patient may ask for, printed by a biologist; it holds no result."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Final
from uuid import UUID

from flask import Blueprint, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from kiosk.presence.roles import everyone
from kiosk.register import clock
from kiosk.register.clock import Chance
from kiosk.register.journal import Act, write
from kiosk.register.patients import Document, patient_of
from kiosk.register.sites import this_site
from kiosk.register.staff import Power, Right
from kiosk.register.traces import Entry, entries_of
from kiosk.register.visits import visit_of
from kiosk.signin import actor, needs, power
from kiosk.web import chance, now, page, reading, transaction
from results.callers.calls import PhoneCall
from results.critical.alerts import CriticalAlert
from results.handing.hand_over_record import HandOver
from results.identity import NoDocumentSeen, seen
from results.office.accounts import ROLES
from results.physicians.calls import PhysicianCall
from results.reports.versions import Report
from results.signing import ReadAgain
from results.vault.dossiers import Dossier, Slip
from results.vault.releases import ReleaseAct

bp = Blueprint("seen", __name__)

_SCREEN, _PHONE, _COUNTER = "à l'écran", "par téléphone", "au guichet"
#: What of the journal concerns who looked: which way, and what was done. The words are the same whatever a result is.
TOLD: Final[Mapping[Act, tuple[str, str]]] = MappingProxyType({
    Act.REPORT_OPENED: (_SCREEN, "Compte rendu ouvert pour être lu"),
    Act.REPORT_SIGNED: (_SCREEN, "Compte rendu lu et signé"),
    Act.REPORT_WITHDRAWN: (_SCREEN, "Compte rendu repris"),
    Act.ESCROW_OPENED: (_SCREEN, "Pli scellé ouvert par un biologiste"),
    Act.VISIT_SHOWN: (_COUNTER, "Passage ouvert par le numéro de son ticket"),
    Act.RELEASE_TOLD: ("", "Résultat communiqué"),
    Act.RELEASE_TOLD_AGAIN: ("", "Prévenu que le compte rendu a changé"),
    Act.RELEASE_HANDED: (_COUNTER, "Papier remis"),
    Act.RELEASE_SENT: ("par courrier", "Papier envoyé"),
    Act.RELEASE_AGREED: (_COUNTER, "Remise sans code acceptée par un biologiste"),
    Act.RELEASE_REFUSED: ("", "Demande sans suite : rien n'a été communiqué"),
    Act.ATTEMPT_REFUSED: ("", "Code essayé : rien n'a été communiqué"),
    Act.ATTEMPT_FAILED: ("", "Code essayé, demande interrompue : rien n'a été communiqué"),
    Act.CALL_OPENED: (_PHONE, "Appel reçu à propos de ce passage"),
    Act.CALL_VERIFIED: (_PHONE, "Appel confié au biologiste"),
    Act.CALL_REACHED: (_PHONE, "Personne rappelée"),
    Act.PHYSICIAN_PROVED: (_PHONE, "Médecin reconnu"),
    Act.CRITICAL_SEEN: (_SCREEN, "Compte rendu ouvert pour être lu"),
    Act.CRITICAL_REACHED: (_PHONE, "Personne jointe par le laboratoire"),
    Act.TRACES_SHOWN: (_SCREEN, "Cette liste a été demandée et affichée"),
})  # fmt: skip
_WAYS: Final[Mapping[str, str]] = MappingProxyType({
    "counter": _COUNTER, "phone": _PHONE, "call_back": "par rappel du laboratoire", "letter": "par courrier",
})  # fmt: skip
_WHOM: Final[Mapping[str, str]] = MappingProxyType({
    "with_code": "au patient, avec le code du talon", "without_code": "au patient, pièce d'identité vue",
    "physician": "à un médecin reconnu", "parent": "à un parent", "mandated": "à une personne mandatée",
    "institution": "à un organisme",
})  # fmt: skip
#: Why a biologist has opened what was signed already.
_WHY: Final[Mapping[str, str]] = MappingProxyType({
    ReadAgain.MISHEARD: "mal répété, ou à expliquer", ReadAgain.RECEIVED: "patient reçu",
    ReadAgain.DOUBT: "valeur mise en doute", ReadAgain.CHANGED: "résultat plus récent arrivé",
})  # fmt: skip
#: A clock that was set back a little must hide nothing.
_MARGIN: Final = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Look:
    """One line of the list."""

    at: datetime
    who: str
    role: str
    way: str
    what: str


def who_looked(db: Session, visit_id: UUID, power: Power) -> list[Look]:
    """Everyone who opened, told, tried or asked for the results of a visit, oldest first.

    Args:
        db: a session that may read the results.
        visit_id: the visit.
        power: tells whose roles are in force.
    """
    dossier = db.scalar(select(Dossier).where(Dossier.visit_id == visit_id))
    if dossier is None:
        return []
    people = {
        staff.id.hex: (staff.name, ", ".join(ROLES[one] for one in sorted(roles)))
        for staff, roles in everyone(db, power)
    }
    ids = {visit_id, dossier.id, *_named_by(db, dossier)}
    looks = []
    for entry in entries_of(db, "results", ids, since=dossier.opened_at - _MARGIN):
        if entry.act in TOLD:
            who, role = people.get(entry.by, ("Programme du laboratoire", "automatique"))
            way, what = _told(entry)
            looks.append(Look(at=entry.at, who=who, role=role, way=way, what=what))
    return looks


def note_shown(db: Session, visit_id: UUID, document: Document, *, by: UUID, at: datetime, chance: Chance) -> None:
    """Write that the list was shown: that is a look too."""
    write(db, "results", Act.TRACES_SHOWN, by=by, at=at, chance=chance, visit=visit_id, document=document)


@bp.get("/passage/<uuid:visit_id>/consultations")
@needs(Right.SIGN)
def asked(visit_id: UUID) -> ResponseReturnValue:
    """What the list is, and the identity document to see before."""
    return _page(visit_id)


@bp.post("/passage/<uuid:visit_id>/consultations")
@needs(Right.SIGN)
def shown(visit_id: UUID) -> ResponseReturnValue:
    """The list, once the journal knows that it was asked for."""
    try:
        document = seen(request.form.get("document", ""))
    except NoDocumentSeen as refusal:
        return _page(visit_id, errors={"document": refusal.sentence})
    with transaction("results") as db:
        visit_of(db, visit_id)
        note_shown(db, visit_id, document, by=actor().id, at=now(), chance=chance)
    return _page(visit_id, document=document)


def _page(
    visit_id: UUID, *, document: Document | None = None, errors: dict[str, str] | None = None
) -> ResponseReturnValue:
    with reading() as db:
        site, visit, patient = this_site(db), visit_of(db, visit_id), patient_of(db, visit_id)
        looks = who_looked(db, visit_id, power()) if document is not None else None
    return page(
        "results/seen.html", status=422 if errors else 200, visit=visit, patient=patient, looks=looks,
        errors=errors or {}, when=lambda at: _when(site.timezone, at), today=_when(site.timezone, now()),
    )  # fmt: skip


def _when(timezone: str, at: datetime) -> str:
    """Day, year and hour: the list is read years later."""
    return f"{clock.local(timezone, at):%d/%m/%Y}, {clock.hour(timezone, at)}"


def _named_by(db: Session, dossier: Dossier) -> Iterator[UUID]:
    """Everything under which the journal may speak of a dossier."""
    reports = list(db.scalars(select(Report.id).where(Report.dossier == dossier.id)))
    slips = list(db.scalars(select(Slip.id).where(Slip.dossier_id == dossier.id)))
    yield from reports
    yield from slips
    yield from db.scalars(select(PhoneCall.id).where(PhoneCall.slip_id.in_(slips)))
    yield from db.scalars(select(PhysicianCall.id).where(PhysicianCall.visit_id == dossier.visit_id))
    yield from db.scalars(select(CriticalAlert.id).where(CriticalAlert.report_id.in_(reports)))
    yield from db.scalars(select(HandOver.id).where(HandOver.dossier_id == dossier.id))
    yield from db.scalars(select(ReleaseAct.id).where(ReleaseAct.dossier_id == dossier.id))


def _told(entry: Entry) -> tuple[str, str]:
    """By which way, and what, in the patient's words."""
    way, what = TOLD[entry.act]
    way = _WAYS.get(str(entry.facts.get("channel", "")), way)
    whom = _WHOM.get(str(entry.facts.get("person", "")), "")
    what = f"{what} {whom}" if whom else what
    why = _WHY.get(str(entry.facts.get("reason", "")), "") if entry.act is Act.REPORT_OPENED else ""
    return way, f"{what}, après signature : {why}" if why else what
