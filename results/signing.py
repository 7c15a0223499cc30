"""A biologist reads a report, and signs exactly what was read."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from kiosk.exams.catalogue import Exam, ReleaseClass, catalogue
from kiosk.exams.prescriptions import exams_of, prescription_of
from kiosk.register.clock import Chance
from kiosk.register.errors import Conflict, Invalid
from kiosk.register.journal import Act, write
from kiosk.register.patients import Patient, patient_of
from kiosk.register.staff import Power
from kiosk.register.visits import Visit, visit_of
from results.hl7v2.reader import Message
from results.hl7v2.values import coded
from results.holds import ReportHold, holds_of, note_whole
from results.reports.assemble import Report as Content
from results.reports.assemble import assemble
from results.reports.flags import Raised, raised_for
from results.reports.versions import NotFromHere, Report, ReportVersion, State, newest, reports_of, sign
from results.telling import open_signed
from results.vault.dossiers import Dossier, Wish, add_wish, drop_wish, trusted_dossier
from results.vault.envelopes import Body, BodyKind, SignedFacts, sign_report
from results.vault.keys import BiologistKeys, KeyRing
from results.vault.opening import open_by_escrow, open_version
from results.vault.sealing import DoesNotOpen, same

_SEALED_TO_DOSSIER: Final = 2
_CODED: Final = (("OBR", 4), ("OBX", 3))


class Purpose(StrEnum):
    """Why a biologist opened a dossier; for the journal."""

    SIGN = "sign"
    HAND_OVER = "hand_over"
    PHYSICIAN = "physician"
    CALLER = "caller"
    CRITICAL = "critical"
    RETRACT = "retract"
    REISSUE = "reissue"
    ATTACH = "attach"
    AGAIN = "again"


class ReadAgain(StrEnum):
    """Why a biologist opens what was signed already; a word of a list, nothing of its content."""

    MISHEARD = "misheard"  #: whoever was told has repeated it wrongly, or asks what it means
    RECEIVED = "received"  #: the patient sits before her
    DOUBT = "doubt"  #: a value is doubted
    CHANGED = "changed"  #: something newer has come: who was told is told so


class ChangedSinceOpened(Conflict):
    """The report is no longer the one that was shown; read the new one, then sign."""

    french = "Ce compte rendu a changé depuis que vous l'avez ouvert. Relisez-le : rien n'a été signé."


class SealBroken(Conflict):
    """The report does not open with these keys, or is not what was sealed; tell the administrator."""

    french = "Ce compte rendu ne s'ouvre pas avec vos clés. Rien n'est signé. Prévenez l'administrateur."


class StillHeld(Conflict):
    """The report is held; lift the hold before signing."""

    french = "Ce compte rendu est retenu. Levez d'abord la retenue."


class RouteNotAgreed(Invalid):
    """A code of the report is not known here; agree to the route of class C3, or hold the report."""

    french = "Un code n'est pas connu ici. Cochez la voie « traité comme C3 », ou retenez le compte rendu."


class DocumentNotShown(Conflict):
    """A document stands in the report that this screen does not show; what was not read is not signed."""

    french = "Ce compte rendu contient un document que cet écran ne montre pas. Il ne se signe pas ici."


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """One report that waits for a signature, without anything of its content."""

    report_id: UUID
    version: ReportVersion
    visit: Visit
    patient: Patient | None
    is_urgent: bool
    holds: tuple[ReportHold, ...]


@dataclass(frozen=True, kw_only=True, repr=False)
class Opened:
    """A report as the biologist reads it."""

    report_id: UUID
    version: ReportVersion
    #: What the signature will be compared with: this version, this very content.
    seen: str
    content: Content
    visit: Visit
    patient: Patient | None
    prescriber: str
    promised_at: datetime
    wishes: frozenset[Wish]
    flags: tuple[Raised, ...]
    #: Prescribed, and not found in anything that has come for this visit.
    missing: tuple[Exam, ...]
    holds: tuple[ReportHold, ...]

    @property
    def has_document(self) -> bool:
        """Whether a part of it cannot be shown here."""
        return any(line.is_document for line in self.content.shown)


def waiting_for_signature(db: Session, power: Power) -> list[Waiting]:
    """Every report that waits for a signature, and every signed one that is held; what is held comes last.

    Then the urgent first, then the oldest first.
    """
    is_held = exists().where(ReportHold.report_id == ReportVersion.report_id, ReportHold.lifted_at.is_(None))
    asked = (
        select(ReportVersion)
        .where((ReportVersion.state == State.SEALED) | ((ReportVersion.state == State.SIGNED) & is_held))
        .order_by(ReportVersion.received_at)
    )
    found = [_waiting(db, version, power) for version in db.scalars(asked) if newest(db, version.report_id) is version]
    return sorted(found, key=lambda one: (bool(one.holds), not one.is_urgent, one.version.received_at))


def open_to_read(
    db: Session, keys: KeyRing, report_id: UUID, *, biologist: BiologistKeys, by: UUID, power: Power, at: datetime,
    chance: Chance,
) -> Opened:  # fmt: skip
    """Open a report that waits for a signature; the journal knows of every body that was opened.

    Args:
        db: a session that writes the results.
        keys: the staff programme's keys, for C0 and C1.
        report_id: which report.
        biologist: unlocked keys, for C2 and above.
        by: the biologist's staff id.
        power: vouches for holds.
        at: now.
        chance: gives the journal's salts.

    Raises:
        NotFromHere: nothing of it waits for a signature.
        SealBroken: it does not open.
        NoSuchDossier: its dossier cannot be trusted.
    """
    version, dossier = _to_sign(db, keys, report_id)
    private = open_dossier_key(db, dossier, [version], biologist, purpose=Purpose.SIGN, by=by, at=at, chance=chance)
    body = _open(db, keys, version, private)
    write(db, "results", Act.REPORT_OPENED, by=by, at=at, chance=chance, report=report_id, version=version.version)
    visit = visit_of(db, dossier.visit_id)
    prescription = prescription_of(db, visit.id)
    return Opened(
        report_id=report_id,
        version=version,
        seen=_seen(version, body),
        content=_content(body),
        visit=visit,
        patient=patient_of(db, visit.id),
        prescriber=prescription.prescriber if prescription else "",
        promised_at=dossier.promised_at,
        wishes=dossier.wished,
        flags=tuple(raised_for(db, report_id, power)),
        missing=_missing(db, keys, dossier, version, body, biologist=biologist, by=by, at=at, chance=chance),
        holds=tuple(holds_of(db, report_id, power)),
    )


def sign_what_was_read(
    db: Session, keys: KeyRing, report_id: UUID, *, seen: str, is_route_agreed: bool, is_whole: bool,
    biologist: BiologistKeys, by: UUID, power: Power, at: datetime, chance: Chance,
) -> None:  # fmt: skip
    """Sign one report, exactly as it was shown; the same form again changes nothing.

    Args:
        db: a session that writes the results.
        keys: the staff programme's keys.
        report_id: which report.
        seen: of the page that was read (`Opened.seen`).
        is_route_agreed: whether a report with an unknown code is treated as C3.
        is_whole: whether everything expected of the dossier has arrived, as the biologist says.
        biologist: unlocked keys.
        by: the biologist's staff id, bound by the signature.
        power: vouches for holds and for what is said whole.
        at: now.
        chance: gives the journal's salt.

    Raises:
        ChangedSinceOpened: another content or version than the one that was read.
        StillHeld, RouteNotAgreed, DocumentNotShown, NotFromHere, SealBroken, NoSuchDossier: nothing is signed.
    """
    db.get(Report, report_id, with_for_update=True)  # two biologists, one after the other
    if _is_signed_already(db, report_id, seen, by):
        return
    try:
        version, dossier = _to_sign(db, keys, report_id)
    except NotFromHere:
        raise ChangedSinceOpened from None
    private = _private(db, dossier, [version], biologist)
    body = _open(db, keys, version, private)
    if not same(_seen(version, body).encode(), seen.encode()):
        raise ChangedSinceOpened
    if holds_of(db, report_id, power):
        raise StillHeld
    if any(line.is_document for line in _content(body).shown):
        raise DocumentNotShown
    if not version.is_known and (not is_route_agreed or version.release_class < ReleaseClass.C3):
        raise RouteNotAgreed
    version.is_known = True
    facts = SignedFacts(
        report=report_id, dossier=dossier.id, version=version.version, rank=version.rank,
        not_before=int(dossier.promised_at.timestamp()), commitment=body.commitment, signer=by,
        signed_at=int(at.timestamp()),
    )  # fmt: skip
    sign(
        db, version, commitment=body.commitment, signature=sign_report(facts, biologist.signer_seed), signer=by,
        not_before=dossier.promised_at, at=at,
    )  # fmt: skip
    note_whole(db, dossier, is_whole, by=by, power=power, at=at)
    write(
        db, "results", Act.REPORT_SIGNED, by=by, at=at, chance=chance, report=report_id, version=version.version,
        route_agreed=int(is_route_agreed), whole=int(is_whole),
    )  # fmt: skip


def read_again(
    db: Session, keys: KeyRing, report_id: UUID, number: int, why: ReadAgain, *, biologist: BiologistKeys, by: UUID,
    power: Power, at: datetime, chance: Chance,
) -> Content:  # fmt: skip
    """Open a signed report once more, for a reason that the journal keeps: nothing is released by it.

    Args:
        db: a session that writes the results.
        keys: the staff programme's keys, for C0 and C1.
        number: the version that was signed.
        why: a word of the list.
        biologist: unlocked keys, for C2 and above.
        by: the biologist's staff id.
        power: vouches for signers.
        at: now.
        chance: gives the journal's salts.

    Raises:
        NotFromHere: this version is not signed any more.
        SealBroken: it does not open, or nobody whom the laboratory trusts has signed it.
        NoSuchDossier: its dossier cannot be trusted.

    Source: the design note on release, section 6: open by escrow, reason required.
    """
    version = db.get(ReportVersion, (report_id, number))
    if version is None or version.state is not State.SIGNED or version.dossier is None:
        raise NotFromHere
    dossier = trusted_dossier(db, keys, version.dossier)
    private = open_dossier_key(db, dossier, [version], biologist, purpose=Purpose.AGAIN, by=by, at=at, chance=chance)
    try:
        (body,) = open_signed(db, keys, power, [(report_id, number)], private=private)
    except DoesNotOpen:
        raise SealBroken from None
    write(
        db, "results", Act.REPORT_OPENED, by=by, at=at, chance=chance, report=report_id, version=number, reason=why
    )  # fmt: skip
    return _content(body)


def keep_in_person(
    db: Session, keys: KeyRing, report_id: UUID, *, is_closed: bool, by: UUID, at: datetime, chance: Chance
) -> None:
    """Let the results of a report's visit be told in person only, or no longer; no counter can take it back.

    Args:
        db: a session that writes the results.
        keys: vouch for the dossier.
        report_id: a report that waits for a signature.
        is_closed: in person only; else every way of the table again.
        by: a biologist with unlocked keys.

    Raises:
        NotFromHere: nothing of it waits for a signature.
        NoSuchDossier: its dossier cannot be trusted.
    """
    _, dossier = _to_sign(db, keys, report_id)
    change = add_wish if is_closed else drop_wish
    change(db, keys, dossier.id, Wish.TOLD_IN_PERSON, by=by, at=at, chance=chance)


def open_dossier_key(
    db: Session, dossier: Dossier, versions: Iterable[ReportVersion], biologist: BiologistKeys, *, purpose: Purpose,
    by: UUID, at: datetime, chance: Chance,
) -> bytes | None:  # fmt: skip
    """Give a biologist the dossier's key through escrow where one of these versions needs it; the journal knows.

    Raises:
        SealBroken: no share opens with these keys.
    """
    private = _private(db, dossier, versions, biologist)
    if private is not None:
        write(db, "results", Act.ESCROW_OPENED, by=by, at=at, chance=chance, dossier=dossier.id, purpose=purpose)
    return private


def _private(
    db: Session, dossier: Dossier, versions: Iterable[ReportVersion], biologist: BiologistKeys
) -> bytes | None:
    if all(version.rank < _SEALED_TO_DOSSIER for version in versions):
        return None
    try:
        return open_by_escrow(db, dossier, biologist)
    except DoesNotOpen:
        raise SealBroken from None


def _to_sign(db: Session, keys: KeyRing, report_id: UUID) -> tuple[ReportVersion, Dossier]:
    version = newest(db, report_id)
    if version is None or version.state is not State.SEALED or version.dossier is None:
        raise NotFromHere
    return version, trusted_dossier(db, keys, version.dossier)


def _is_signed_already(db: Session, report_id: UUID, seen: str, by: UUID) -> bool:
    version = newest(db, report_id)
    if version is None or version.state is not State.SIGNED or version.signer != by or version.commitment is None:
        return False
    return same(f"{version.version}:{version.commitment.hex()}".encode(), seen.encode())


def _open(db: Session, keys: KeyRing, version: ReportVersion, private: bytes | None) -> Body:
    try:
        return open_version(db, keys, version, private=private)
    except DoesNotOpen:
        raise SealBroken from None


def _seen(version: ReportVersion, body: Body) -> str:
    return f"{version.version}:{body.commitment.hex()}"


def _content(body: Body) -> Content:
    if body.kind is not BodyKind.MESSAGE:
        raise SealBroken
    return assemble([Message.read(body.content)])


def _missing(
    db: Session, keys: KeyRing, dossier: Dossier, version: ReportVersion, body: Body, *, biologist: BiologistKeys,
    by: UUID, at: datetime, chance: Chance,
) -> tuple[Exam, ...]:  # fmt: skip
    """Prescribed exams of which no code stands in any report of the visit; each one opened for it is noted."""
    bodies = [body]
    others = [newest(db, report.id) for report in reports_of(db, dossier.id) if report.id != version.report_id]
    for other in others:
        if other is None:
            continue
        bodies.append(_open(db, keys, other, _private(db, dossier, [other], biologist)))
        write(
            db, "results", Act.REPORT_OPENED, by=by, at=at, chance=chance, report=other.report_id, version=other.version
        )
    came = {exam.nabm for one in bodies for code in _codes(one) if (exam := catalogue().by_code(code)) is not None}
    return tuple(exam for exam in exams_of(db, dossier.visit_id) if exam.nabm not in came)


def _codes(body: Body) -> set[str]:
    message = Message.read(body.content)
    return {
        code for name, place in _CODED for segment in message.each(name) for code in coded(segment[place].rep(0)).codes
    }


def _waiting(db: Session, version: ReportVersion, power: Power) -> Waiting:
    dossier = db.get_one(Dossier, version.dossier)
    prescription = prescription_of(db, dossier.visit_id)
    return Waiting(
        report_id=version.report_id,
        version=version,
        visit=visit_of(db, dossier.visit_id),
        patient=patient_of(db, dossier.visit_id),
        is_urgent=prescription is not None and prescription.urgent,
        holds=tuple(holds_of(db, version.report_id, power)),
    )
