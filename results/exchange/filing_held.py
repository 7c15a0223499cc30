"""A biologist files a message that was held: opened with her keys, sealed again as its class asks, never shown."""

from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from kiosk.exams.catalogue import catalogue
from kiosk.register.clock import Chance
from kiosk.register.errors import Conflict
from kiosk.register.journal import Act, write
from kiosk.register.patients import NoPatient, patient_of
from kiosk.register.sites import Site
from kiosk.register.staff import Power
from kiosk.register.visits import visit_of
from results.critical.alerts import move_alerts
from results.exchange.attaching import CannotBeAttached, is_about_whom
from results.exchange.candidates import candidate_of
from results.exchange.connections import Connection
from results.exchange.inbox import Inbox, alarm, file_part, report_key_of
from results.exchange.matching import By, Match, evidence_of
from results.exchange.received import Memory, MessageState, ReceivedMessage, held_message
from results.exchange.screening import doubt_of_form, is_visibility_alone
from results.exchange.sealer import Sealer
from results.hl7v2.reader import Message
from results.holds import lift_correction
from results.matrix import in_force
from results.reports.sorting import Fragment, fragments, sort_by_class
from results.reports.versions import Part, Reason, Recipient, Report, ReportVersion, SealedKey, State, Verb, move
from results.signing import Purpose, SealBroken
from results.vault.dossiers import dossier_of
from results.vault.envelopes import RawPart, RawSeal, open_body, open_copy
from results.vault.keys import BiologistKeys, ExchangeKeys, KeyRing
from results.vault.sealing import DoesNotOpen


class NotAttached(Conflict):
    """Nobody has said that this message is of the visit that was compared; look at it again."""

    french = "Ce message n'est pas rattaché au passage que vous avez comparé. Ouvrez-le à nouveau."


class NothingToChange(Conflict):
    """The message changes the visibility of a report that is not in this dossier; ask the sender."""

    french = "Ce message change la visibilité d'un compte rendu qui n'est pas dans ce dossier. Demandez un renvoi."


def file_attached(
    db: Session, keys: KeyRing, message_id: UUID, visit_id: UUID | None, *, site: Site, biologist: BiologistKeys,
    power: Power, by: UUID, at: datetime, chance: Chance,
) -> None:  # fmt: skip
    """File a message that a person has attached: opened by a biologist's keys, sealed again as its class asks.

    What it says takes its place among the report's versions by the sender's clock, as if it had been matched when it
    came; nothing of it is told before it is signed. What it holds is let go: a newer version now stands before it.

    Args:
        db: a session that writes the results.
        keys: the staff programme's keys.
        message_id: which message.
        visit_id: the visit that the biologist has compared it with.
        site: whose message.
        biologist: unlocked keys.
        power: vouches for what is lifted.
        by: the biologist's staff id.
        at: now.
        chance: gives ids, keys and nonces.

    Raises:
        NoLongerHeld: it does not wait any more.
        NotAttached: nobody has said that it is this visit's, or somebody has changed it meanwhile.
        CannotBeAttached, NothingToChange: it cannot be filed there.
        NoSuchDossier: the visit has no dossier that can be trusted, or its key was destroyed.
        SealBroken: it does not open with these keys.
    """
    row = held_message(db, message_id)
    if row.visit is None or row.visit != visit_id or not is_about_whom(row):
        raise NotAttached
    visit, patient = visit_of(db, row.visit), patient_of(db, row.visit)
    if patient is None:
        raise NoPatient
    dossier_of(db, keys, visit.id)  # raises where its key or its classes are not this house's own
    write(
        db, "results", Act.ESCROW_OPENED, by=by, at=at, chance=chance, message=row.id, visit=visit.id,
        purpose=Purpose.ATTACH,
    )  # fmt: skip
    message = Message.read(_raw(db, row, biologist))
    parts = fragments(message)
    if doubt_of_form(message, parts, is_cut=False) is not None:
        raise CannotBeAttached
    found = Match(candidate=candidate_of(db, visit, patient, evidence_of(message)), by=By.PERSON)
    matrix = in_force(db, keys, at)
    inbox = Inbox(
        site_id=row.site_id, connection=Connection(name=row.connection, zone=ZoneInfo(site.timezone)),
        keys=ExchangeKeys.within(keys), whose=lambda _: (), class_of=catalogue().class_of,
        matrix_version=matrix.version if matrix else 0,
    )  # fmt: skip
    memory = inbox.memory(db)
    sealer = Sealer(db=db, keys=inbox.keys, matrix_version=inbox.matrix_version, chance=chance)
    ordered = found.candidate.dossier.ordered if found.candidate.dossier else ()
    if is_visibility_alone(message) and not all(_is_there(memory, row, part, found) for part in parts):
        raise NothingToChange
    for part in parts:
        alone = _waiting_alone(memory.db, row, report_key_of(memory, row, part))
        sorting = sort_by_class(message, part, inbox.class_of, ordered=ordered)
        filed = file_part(row, message, part, sorting, found=found, memory=memory, inbox=inbox, sealer=sealer, at=at)
        if alone is not None:
            if filed is not None:
                move_alerts(db, alone.report_id, filed.version)
            _empty(db, alone, at=at)
        if filed is not None:
            alarm(memory, filed, at=at, chance=chance)
            lift_correction(db, filed.version.report_id, row.id, by=by, power=power, at=at, chance=chance)
    row.state, row.reason, row.is_urgent = MessageState.FILED, None, False
    write(db, "results", Act.MESSAGE_FILED, by=by, at=at, chance=chance, message=row.id, visit=visit.id)


def _raw(db: Session, row: ReceivedMessage, biologist: BiologistKeys) -> bytes:
    """The message as it came, opened with a biologist's key."""
    copies = select(SealedKey).where(
        SealedKey.item == row.id, SealedKey.part == Part.RAW, SealedKey.recipient == Recipient.ESCROW
    )
    try:
        for copy in db.scalars(copies):
            if (private := biologist.escrow.get(copy.key_version)) is not None:
                dek = open_copy(row.id, 0, copy.box, private=private)
                return open_body(RawSeal(message=row.id, part=RawPart.WHOLE, rank=0), row.raw, dek).content
    except DoesNotOpen:
        raise SealBroken from None
    raise SealBroken


def _is_there(memory: Memory, row: ReceivedMessage, part: Fragment, found: Match) -> bool:
    """Whether the dossier has the report that a part speaks of."""
    dossier = found.candidate.dossier
    asked = memory.reports().where(Report.key_mac == report_key_of(memory, row, part))
    return dossier is not None and memory.db.scalars(asked.where(Report.dossier == dossier.id)).first() is not None


def _waiting_alone(db: Session, row: ReceivedMessage, key: bytes) -> ReportVersion | None:
    """The version that a part has waited as, in nobody's dossier."""
    asked = (
        select(ReportVersion)
        .join(Report, Report.id == ReportVersion.report_id)
        .where(ReportVersion.message_id == row.id, Report.dossier.is_(None), Report.key_mac == key)
        .where(ReportVersion.state == State.RECEIVED)
    )
    return db.scalars(asked).first()


def _empty(db: Session, version: ReportVersion, *, at: datetime) -> None:
    """End the version that waited: what it said stands in the dossier, sealed to whom it concerns alone."""
    db.execute(delete(SealedKey).where(SealedKey.item == version.report_id))
    version.body = b""
    move(version, Verb.WITHDRAW, at=at, reason=Reason.SUPERSEDED)
