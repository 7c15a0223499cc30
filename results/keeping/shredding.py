"""What is destroyed before its row goes: a dossier's key with all that it opens, code lines, the bytes of messages."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, and_, delete, exists, func, or_, select
from sqlalchemy.orm import Session

from kiosk.register.clock import Chance
from kiosk.register.journal import Act, write
from results.callers.numbers import PatientNumber
from results.exchange.received import MessageState, ReceivedMessage
from results.giving import Delivery
from results.holds import WholeDossier
from results.physicians.said import SaidPrescriber
from results.reports.versions import Reason, Report, ReportVersion, SealedKey, State, Verb, move
from results.vault.dossiers import CodeLine, Dossier, EscrowShare, Slip, SlipState
from results.vault.slips import void_slip

#: From the promised hour: until then a result can be told, and a code line can open it.
SEALED_FOR: Final = timedelta(days=90)
LINES_FOR: Final = timedelta(days=60)
#: From the receipt: the bytes of a message that was filed, and of one that was refused or set aside.
FILED_FOR: Final = timedelta(days=30)
REFUSED_FOR: Final = timedelta(days=90)


def due_dossiers(at: datetime) -> ColumnElement[bool]:
    """Say in SQL which dossiers' keys are destroyed now."""
    return and_(Dossier.shredded_at.is_(None), Dossier.promised_at < at - SEALED_FOR)


def due_slips(at: datetime) -> ColumnElement[bool]:
    """Say in SQL which slips' lines are deleted now."""
    late = exists(select(1).where(Dossier.id == Slip.dossier_id, Dossier.promised_at < at - LINES_FOR))
    left = exists(select(1).where(CodeLine.slip_id == Slip.id))
    return and_(late, or_(Slip.state != SlipState.VOID, left))


def due_messages(at: datetime) -> ColumnElement[bool]:
    """Say in SQL which messages' bytes are destroyed now; what waits for a person is not among them."""
    filed = and_(ReceivedMessage.state == MessageState.FILED, ReceivedMessage.received_at < at - FILED_FOR)
    refused = and_(ReceivedMessage.state == MessageState.REFUSED, ReceivedMessage.received_at < at - REFUSED_FOR)
    return and_(func.length(ReceivedMessage.raw) > 0, or_(filed, refused))


def shred_dossier(db: Session, dossier_id: UUID, *, by: str, at: datetime, chance: Chance) -> bool:
    """Destroy a dossier's key: the biologists' share, every copy and line first, then the bodies.

    What remains says that something was told, to whom and when, and nothing of its content.

    Args:
        db: a session that writes the results.
        dossier_id: whose.
        by: who asked for the purge.
        at: now.
        chance: gives the journal's salt.

    Returns:
        Whether it was still there to be destroyed.
    """
    asked = select(Dossier).where(Dossier.id == dossier_id, due_dossiers(at)).with_for_update()
    dossier = db.scalar(asked)
    if dossier is None:
        return False
    for slip in db.scalars(select(Slip).where(Slip.dossier_id == dossier.id)):
        end_slip(db, slip.id, by=by, at=at, chance=chance)
    db.execute(delete(EscrowShare).where(EscrowShare.dossier_id == dossier.id))
    reports = list(db.scalars(select(Report.id).where(Report.dossier == dossier.id)))
    for report_id in reports:
        _shred_report(db, report_id, at=at)
    choices = Delivery.visit_id == dossier.visit_id
    db.execute(delete(PatientNumber).where(PatientNumber.delivery_id.in_(select(Delivery.id).where(choices))))
    db.execute(delete(Delivery).where(choices))
    db.execute(delete(SaidPrescriber).where(SaidPrescriber.dossier_id == dossier.id))
    db.execute(delete(WholeDossier).where(WholeDossier.dossier_id == dossier.id))
    dossier.public, dossier.mac, dossier.birth_check = bytes(32), bytes(32), bytes(16)
    dossier.shredded_at = at
    write(db, "results", Act.DOSSIER_SHREDDED, by=by, at=at, chance=chance, dossier=dossier.id, visit=dossier.visit_id)
    return True


def end_slip(db: Session, slip_id: UUID, *, by: str, at: datetime, chance: Chance) -> None:
    """Void a slip whose time is over and delete its lines."""
    slip = db.get_one(Slip, slip_id)
    if slip.state is not SlipState.VOID:
        void_slip(db, slip.id, by=by, at=at, chance=chance)
    db.flush()  # the lines are ended before they go
    db.execute(delete(CodeLine).where(CodeLine.slip_id == slip.id))


def shred_message(db: Session, message_id: UUID, *, by: str, at: datetime, chance: Chance) -> bool:
    """Destroy the bytes of a message and, of one that was set aside, those of its reports; whether it was due."""
    asked = select(ReceivedMessage).where(ReceivedMessage.id == message_id, due_messages(at)).with_for_update()
    row = db.scalar(asked)
    if row is None:
        return False
    db.execute(delete(SealedKey).where(SealedKey.item == row.id))
    row.raw, row.identity = b"", None
    if row.state is MessageState.REFUSED:
        alone = select(ReportVersion.report_id).where(
            ReportVersion.message_id == row.id, ReportVersion.dossier.is_(None)
        )
        for report_id in set(db.scalars(alone)):
            _shred_report(db, report_id, at=at)
    write(db, "results", Act.MESSAGE_SHREDDED, by=by, at=at, chance=chance, message=row.id)
    return True


def _shred_report(db: Session, report_id: UUID, *, at: datetime) -> None:
    db.execute(delete(SealedKey).where(SealedKey.item == report_id))
    versions: Sequence[ReportVersion] = db.scalars(
        select(ReportVersion).where(ReportVersion.report_id == report_id)
    ).all()
    for version in versions:
        version.body = b""
        if version.state in {State.RECEIVED, State.SEALED}:
            move(version, Verb.WITHDRAW, at=at, reason=Reason.EXPIRED)
