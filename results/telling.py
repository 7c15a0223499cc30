"""The rule put to a dossier as it stands, its reports opened and verified, and what is read aloud of them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.accounts import NoSuchAccount, staff_of
from kiosk.register.database import Database
from kiosk.register.patients import Document
from kiosk.register.staff import Power
from results.hl7v2.reader import Message
from results.matrix import Channel, Person, in_force
from results.release import Answer, Decision, Limits, Question, Role, decide
from results.reports.assemble import Report, Status, assemble
from results.reports.sorting import Flag
from results.reports.versions import Life, ReportVersion, flags_of, live, newest, reports_of
from results.reports.words import write_report
from results.vault import attempts
from results.vault.counters import Attempt, AttemptState
from results.vault.dossiers import Dossier, Wish, trusted_dossier
from results.vault.envelopes import Body, BodyKind
from results.vault.keys import KeyRing
from results.vault.opening import open_reports
from results.vault.releases import Course, ReleaseAct, Weighed
from results.vault.sealing import DoesNotOpen

_COURSES: Final = {
    Answer.TELL: Course.TELL,
    Answer.BIOLOGIST: Course.BIOLOGIST,
    Answer.NOT_NOW: Course.NOT_NOW,
}
#: A document has no words to read aloud.
_DOCUMENT: Final = "Ce résultat est un document : il se remet sur papier, avec une pièce d'identité.\n"


@dataclass(frozen=True, kw_only=True)
class Told:
    """One report as it is read aloud."""

    words: str
    #: What the caller has to repeat: the values alone.
    values: tuple[str, ...]


@dataclass(kw_only=True)
class Rule:
    """The judge of one request: who asks by which way, and the reports of a dossier as they stand.

    Args:
        database: opens a session that can only ask, for the opening of bodies outside any transaction.
        keys: the staff programme's keys.
        power: vouches for the accounts that sign.
        settled: moves the call in the transaction that spends the line; gets the answer and the decision.
        is_held: whether a biologist holds a report back.
    """

    database: Database
    keys: KeyRing
    power: Power
    channel: Channel
    person: Person
    role: Role
    is_held: Callable[[Session, UUID], bool]
    settled: Callable[[Session, attempts.Answer, Decision | None], None] | None = None
    document: Document | None = None
    #: What the rule said last.
    decision: Decision | None = field(default=None, init=False)

    def weigh(self, db: Session, dossier_id: UUID, *, at: datetime) -> Weighed:
        """Ask the rule about a dossier as it stands now."""
        dossier = trusted_dossier(db, self.keys, dossier_id)
        matrix = in_force(db, self.keys, at)
        versions = [(report.id, newest(db, report.id)) for report in reports_of(db, dossier.id)]
        lives = [self._life(db, one, at=at, is_matrix_in_force=matrix is not None) for one in versions]
        question = Question(
            channel=self.channel,
            person=self.person,
            role=self.role,
            expected=expected_of(dossier, [version for _, version in versions if version is not None]),
            lives=lives,
            is_complete=not any(version is None or version.is_partial for _, version in versions),
            limits=limits_of(db, dossier, [report_id for report_id, _ in versions]),
        )
        self.decision = decide(question, matrix)
        ripe = [
            (report_id, version.version)
            for (report_id, version), life in zip(versions, lives, strict=True)
            if version is not None and life in {Life.RELEASABLE, Life.RELEASED}
        ]
        return Weighed(
            course=_COURSES[self.decision.answer],
            items=tuple(sorted(ripe)),
            matrix_version=self.decision.matrix_version,
            channel=self.channel,
            person=self.person,
            document=self.document,
        )

    def open(self, weighed: Weighed, private: bytes | None) -> tuple[Body, ...]:
        """Open every body with the dossier's key and check each signature.

        Raises:
            DoesNotOpen: one does not open, or nobody whom the laboratory trusts has signed it.
        """
        with self.database.reading() as db:
            return open_signed(db, self.keys, self.power, weighed.items, private=private)

    def settle(self, db: Session, answer: attempts.Answer) -> None:
        """Move the call in the transaction that spends the line."""
        if self.settled is not None:
            self.settled(db, answer, self.decision)

    def _life(
        self, db: Session, one: tuple[UUID, ReportVersion | None], *, at: datetime, is_matrix_in_force: bool
    ) -> Life:
        report_id, version = one
        if version is None:
            return Life.WITHDRAWN
        told = select(func.count()).select_from(ReleaseAct)
        releases = db.scalar(told.where(ReleaseAct.report_id == report_id, ReleaseAct.version == version.version))
        return live(
            version, is_newest=True, is_held=self.is_held(db, report_id), is_matrix_in_force=is_matrix_in_force,
            releases=releases or 0, at=at,
        )  # fmt: skip


def expected_of(dossier: Dossier, arrived: Sequence[ReportVersion]) -> tuple[ReleaseClass | None, ...]:
    """The class of everything expected or arrived; None for what has none: the strictest of all rules."""
    came = (version.release_class if version.is_known else None for version in arrived)
    return (*dossier.classes, *came)


def limits_of(db: Session, dossier: Dossier, report_ids: Sequence[UUID]) -> Limits:
    """What the patient's wishes and the sender's flags close."""
    wished = dossier.wished
    flags = frozenset(flag for report_id in report_ids for flag in flags_of(db, report_id))
    return Limits(
        minor_secret=Wish.MINOR_SECRET in wished or not flags.isdisjoint({Flag.GUARDIANS, Flag.SECRET}),
        discreet=Wish.DISCREET in wished,
        own_number=Wish.OWN_NUMBER in wished,
        in_person_only=Wish.IN_PERSON_ONLY in wished,
        nobody_else=Wish.NOBODY_ELSE in wished,
        letter_asked=Wish.LETTER_ASKED in wished,
        hidden_from_patient=Flag.PATIENT in flags,
        hidden_from_physicians=Flag.PROFESSIONALS in flags,
    )


def open_signed(
    db: Session, keys: KeyRing, power: Power, items: Sequence[tuple[UUID, int]], *, private: bytes | None
) -> tuple[Body, ...]:
    """Open report versions, each under the signature of a person whose key the laboratory holds.

    Raises:
        DoesNotOpen: one does not open, or its signer is not known here.
    """
    signers = {_signer(db, *item) for item in items}
    verifiers = {signer: _verifier(db, keys, power, signer) for signer in signers}
    return open_reports(db, keys, items, private=private, verifiers=verifiers)


def items_told(db: Session, call_id: UUID) -> tuple[tuple[UUID, int], ...]:
    """Which versions were told in a call, in the order of the bodies."""
    acts = (
        select(ReleaseAct.report_id, ReleaseAct.version)
        .join(Attempt, Attempt.id == ReleaseAct.attempt_id)
        .where(Attempt.call_id == call_id, Attempt.state == AttemptState.RELEASED)
    )
    return tuple(sorted((report_id, version) for report_id, version in db.execute(acts)))


def read_out(db: Session, power: Power, items: Sequence[tuple[UUID, int]], bodies: Sequence[Body]) -> tuple[Told, ...]:
    """Put opened bodies into the words that are read aloud, each under the full name of who signed it."""
    return tuple(
        _words(body, biologist=staff_of(db, _signer(db, *item), power).name)
        for item, body in zip(items, bodies, strict=True)
    )


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


def _signer(db: Session, report_id: UUID, version: int) -> UUID:
    row = db.get(ReportVersion, (report_id, version))
    if row is None or row.signer is None:
        raise DoesNotOpen
    return row.signer


def _verifier(db: Session, keys: KeyRing, power: Power, signer: UUID) -> bytes:
    try:
        return keys.signers[staff_of(db, signer, power).login]
    except (NoSuchAccount, KeyError):
        raise DoesNotOpen from None
