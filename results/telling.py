"""The judge that a code is tried before: the rule asked, bodies opened under their signatures, and read aloud."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kiosk.register.accounts import staff_of
from kiosk.register.database import Database
from kiosk.register.staff import Power
from results.hl7v2.reader import Message
from results.release import Decision
from results.reports.assemble import Report, Status, assemble
from results.reports.versions import ReportVersion
from results.reports.words import write_report
from results.vault.attempts import Answer
from results.vault.counters import Attempt, AttemptState
from results.vault.envelopes import Body, BodyKind
from results.vault.keys import KeyRing
from results.vault.opening import Items, open_reports
from results.vault.releases import ReleaseAct, Weighed
from results.vault.sealing import DoesNotOpen
from results.weighing import Asked, signers, weigh

#: A document has no words to read aloud.
_DOCUMENT: Final = "Ce résultat est un document : il se remet sur papier, avec une pièce d'identité.\n"

Settling = Callable[[Session, Answer, Decision | None], None]


@dataclass(frozen=True, kw_only=True, repr=False)
class Told:
    """One report as it is read aloud."""

    words: str
    #: What the caller has to repeat: the values alone.
    values: tuple[str, ...]


@dataclass(kw_only=True)
class Judge:
    """The rule as one request brings it before the code desk.

    Args:
        database: opens a session that can only ask, for the opening of bodies outside any transaction.
        keys: the staff programme's keys.
        power: vouches for the accounts that sign.
        asked: who asks, by which way, and who would tell.
        settling: moves the call or the visit in the transaction that spends the line.
    """

    database: Database
    keys: KeyRing
    power: Power
    asked: Asked
    settling: Settling | None = None
    #: What the rule said last; None before it was asked.
    decision: Decision | None = field(default=None, init=False)

    def weigh(self, db: Session, dossier_id: UUID, *, at: datetime) -> Weighed:
        """Ask the rule about a dossier as it stands now."""
        self.decision, weighed = weigh(db, self.keys, dossier_id, self.asked, power=self.power, at=at)
        return weighed

    def open(self, weighed: Weighed, private: bytes) -> tuple[Body, ...]:
        """Open every body with the dossier's key and check each signature.

        Raises:
            DoesNotOpen: one does not open, or nobody whom the laboratory trusts has signed it.
        """
        with self.database.reading() as db:
            return open_signed(db, self.keys, self.power, weighed.items, private=private)

    def settle(self, db: Session, answer: Answer) -> None:
        """Move the call or the visit in the transaction that spends the line."""
        if self.settling is not None:
            self.settling(db, answer, self.decision)


def open_signed(db: Session, keys: KeyRing, power: Power, items: Items, *, private: bytes | None) -> tuple[Body, ...]:
    """Open report versions, each under the signature of a person whose key the laboratory holds.

    Args:
        private: the dossier's private key; None where C0 and C1 alone are asked.

    Raises:
        DoesNotOpen: one does not open, or its signer is not known here.
    """
    return open_reports(db, keys, items, private=private, verifiers=signers(db, keys, power))


def items_told(db: Session, call_id: UUID) -> Items:
    """Which versions were told in a call, in the order of their bodies."""
    by_code = select(Attempt.id).where(Attempt.call_id == call_id, Attempt.state == AttemptState.RELEASED)
    acts = (
        select(ReleaseAct.report_id, ReleaseAct.version)
        .where(ReleaseAct.attempt_id.in_(by_code) | (ReleaseAct.call_id == call_id))
        .order_by(ReleaseAct.report_id)
    )
    return [(report_id, version) for report_id, version in db.execute(acts)]


def read_out(db: Session, power: Power, items: Items, bodies: Sequence[Body]) -> tuple[Told, ...]:
    """Put opened bodies into the words that are read aloud, each under the full name of who signed it.

    Raises:
        DoesNotOpen: a version that nobody has signed.
    """
    told = []
    for (report_id, number), body in zip(items, bodies, strict=True):
        version = db.get(ReportVersion, (report_id, number))
        if version is None or version.signer is None:
            raise DoesNotOpen
        told.append(_words(body, biologist=staff_of(db, version.signer, power).name))
    return tuple(told)


def _words(body: Body, *, biologist: str) -> Told:
    match body.kind:
        case BodyKind.MESSAGE:
            report = assemble([Message.read(body.content)])
            return Told(words=write_report(report, biologist=biologist), values=_values(report))
        case BodyKind.TEXT:
            text = body.content.decode("utf-8")
            return Told(words=text, values=tuple(filter(None, text.split("\n"))))
    return Told(words=_DOCUMENT, values=())


def _values(report: Report) -> tuple[str, ...]:
    return tuple(line.value for line in report.shown if line.value and line.status is not Status.PENDING)
