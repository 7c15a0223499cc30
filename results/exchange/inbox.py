"""One message in: known already, filed, held for a person, or refused; sealed before it is stored, never dropped."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy.orm import Session

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register import journal
from kiosk.register.clock import Chance
from kiosk.register.database import uuid7
from kiosk.register.journal import Act
from results.critical.alerts import raise_alert
from results.critical.finding import find
from results.critical.limits import limits_of
from results.exchange.connections import Connection
from results.exchange.matching import Candidate, Doubt, Evidence, Match, evidence_of, match
from results.exchange.received import Memory, MessageState, ReceivedMessage
from results.exchange.screening import LIMIT, Refused, doubt_of_form, is_visibility_alone, refusal_of
from results.exchange.sealer import Sealer
from results.hl7v2.lines import is_open_batch, split
from results.hl7v2.reader import Message
from results.hl7v2.writer import rewrite
from results.holds import hold_for_correction
from results.physicians.said import note_prescribers, prescribers_in
from results.reports.assemble import Report as Content
from results.reports.assemble import assemble
from results.reports.filing import said_at, stand
from results.reports.flags import note_flags
from results.reports.sorting import Fragment, Sorting, cover, flags_of, fragments, sort_by_class
from results.reports.versions import (
    Reason,
    Report,
    ReportVersion,
    State,
    Verb,
    move,
    newest,
    versions_of,
    withdraw_former,
)
from results.vault.keys import ExchangeKeys

Whose = Callable[[Evidence], Sequence[Candidate]]
ClassOf = Callable[[str], str | None]

NO_DOSSIER = Doubt(reason="Le dossier de ce passage n'est pas ouvert.")
FALSE_DOSSIER = Doubt(reason="La clé du dossier n'est pas celle du laboratoire.", is_urgent=True)
UNKNOWN_REPORT = Doubt(reason="Le message change la visibilité d'un compte rendu qui n'est pas arrivé ici.")
#: Said after the reason of a held message that speaks of a report which is there already.
_HELD_TOO = " Le compte rendu qu'il remplace est retenu."
OTHER_DOSSIER = Doubt(reason="Ce numéro de compte rendu appartient déjà à un autre dossier.", is_urgent=True)


class Kind(StrEnum):
    """What became of one message that was read."""

    MATCHED = "matched"
    QUARANTINED = "quarantined"
    DUPLICATE = "duplicate"
    REFUSED = "refused"


_STATES = {Match: MessageState.FILED, Doubt: MessageState.HELD, Refused: MessageState.REFUSED}
_KINDS = {
    MessageState.FILED: Kind.MATCHED,
    MessageState.HELD: Kind.QUARANTINED,
    MessageState.REFUSED: Kind.REFUSED,
}
_ACTS = {
    MessageState.FILED: Act.MESSAGE_FILED,
    MessageState.HELD: Act.MESSAGE_HELD,
    MessageState.REFUSED: Act.MESSAGE_REFUSED,
}


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one message."""

    kind: Kind
    #: The row that keeps it; for a duplicate the first one.
    message: UUID
    #: French; empty when it was filed.
    reason: str = ""
    #: Code of table 0357 for the sender, 0 when it was taken.
    error: int = 0
    is_number_reused: bool = False


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What became of all that was read.

    Raises:
        ValueError: something was dropped or counted twice.
    """

    read: int = 0
    stored: int = 0
    matched: int = 0
    quarantined: int = 0
    duplicate: int = 0
    refused: int = 0

    def __post_init__(self) -> None:
        whole = self.read == self.stored + self.duplicate + self.refused
        if not whole or self.stored != self.matched + self.quarantined:
            raise ValueError("the tally does not add up")

    @classmethod
    def of(cls, outcomes: Sequence[Outcome]) -> "Tally":
        """Count outcomes."""
        kinds = [outcome.kind for outcome in outcomes]
        matched, quarantined = kinds.count(Kind.MATCHED), kinds.count(Kind.QUARANTINED)
        return cls(
            read=len(kinds),
            stored=matched + quarantined,
            matched=matched,
            quarantined=quarantined,
            duplicate=kinds.count(Kind.DUPLICATE),
            refused=kinds.count(Kind.REFUSED),
        )


@dataclass(frozen=True, kw_only=True)
class Inbox:
    """What intake needs to know besides the message: the site, the keys, and two questions."""

    site_id: UUID
    connection: Connection
    keys: ExchangeKeys
    #: Which visits may a message speak of; asked inside the transaction.
    whose: Whose
    #: The class of a code, None for one that nobody has mapped.
    class_of: ClassOf
    #: The matrix in force, 0 when there is none.
    matrix_version: int

    def memory(self, db: Session) -> Memory:
        """What this connection has brought so far."""
        return Memory(db=db, site_id=self.site_id, connection=self.connection.name, subkeys=self.keys.message_subkey)


def receive_file(db: Session, raw: bytes, *, inbox: Inbox, at: datetime, chance: Chance) -> list[Outcome]:
    """Take a file: each of its messages has its own fate, and an empty file is one message that is refused.

    Args:
        db: a session that writes the results side.
        raw: the whole file.
        inbox: where it comes in.
        at: the instant.
        chance: gives ids, keys and nonces.
    """
    pieces = split(raw)
    is_open = is_open_batch(raw)
    last = len(pieces) - 1
    return [
        receive(db, piece, inbox=inbox, at=at, chance=chance, is_cut=is_open and number == last)
        for number, piece in enumerate(pieces)
    ]


def receive(db: Session, raw: bytes, *, inbox: Inbox, at: datetime, chance: Chance, is_cut: bool = False) -> Outcome:
    """Take one message; whatever its content, it ends stored, known or refused, and this does not raise.

    Args:
        db: a session that writes the results side.
        raw: one message.
        inbox: where it comes in.
        at: the instant.
        chance: gives ids, keys and nonces.
        is_cut: whether the file that held it ends too soon.
    """
    memory = inbox.memory(db)
    message = Message.read(raw[: LIMIT + 1])
    parts = fragments(message)
    macs = memory.macs(message, raw)
    known = memory.same_bytes(raw)
    if known is None and (known := memory.same_content(parts, macs)) is not None:
        memory.remember_repeat(known, macs)
    if known is not None:
        error = 207 if known.state is MessageState.REFUSED else 0
        return Outcome(kind=Kind.DUPLICATE, message=known.id, reason=known.reason or "", error=error)
    sealer = Sealer(db=db, keys=inbox.keys, matrix_version=inbox.matrix_version, chance=chance)
    verdict: Refused | Doubt | Match = (
        refusal_of(message, inbox.connection, size=len(raw))
        or doubt_of_form(message, parts, is_cut=is_cut)
        or _whose(memory, message, parts, inbox=inbox, sealer=sealer, at=at)
    )
    found = verdict if isinstance(verdict, Match) else None
    ordered = found.candidate.dossier.ordered if found and found.candidate.dossier else ()
    sortings = [sort_by_class(message, part, inbox.class_of, ordered=ordered) for part in parts]
    top = max((sorting.release_class for sorting in sortings), default=ReleaseClass.C3)
    replaced = _replaced(memory, message, parts, inbox=inbox) if isinstance(verdict, Doubt) else []
    row = ReceivedMessage(
        id=uuid7(at, chance), site_id=inbox.site_id, connection=inbox.connection.name, received_at=at,
        bytes_mac=macs.whole, content_mac=macs.content, number_mac=macs.number, mac_version=macs.version,
        is_number_reused=memory.knows_number(macs), state=_STATES[type(verdict)],
        reason=None if isinstance(verdict, Match) else verdict.reason + (_HELD_TOO if replaced else ""),
        is_urgent=isinstance(verdict, Doubt) and (verdict.is_urgent or bool(replaced)),
        matched_by=found.by.value if found else None, visit=found.candidate.visit if found else None,
    )  # fmt: skip
    row.raw = sealer.seal_raw(row.id, raw, rank=int(top[1]), is_matched=found is not None)
    # Of what is refused nobody has to find the person: it stays with the biologists alone.
    row.identity = None if isinstance(verdict, Refused) else sealer.seal_identity(row.id, message)
    db.add(row)
    if not isinstance(verdict, Refused):
        for part, sorting in zip(parts, sortings, strict=True):
            filed = file_part(
                row, message, part, sorting, found=found, memory=memory, inbox=inbox, sealer=sealer, at=at
            )
            if filed is not None:
                # A value that cannot wait does not wait for anyone to say whose it is either.
                alarm(memory, filed, at=at, chance=chance)
    journal.write(db, "results", _ACTS[row.state], by="exchange", at=at, chance=chance, message=row.id)
    for report in replaced:
        hold_for_correction(db, report, message_id=row.id, at=at, chance=chance)
    return Outcome(
        kind=_KINDS[row.state], message=row.id, reason=row.reason or "", is_number_reused=row.is_number_reused,
        error=verdict.error if isinstance(verdict, Refused) else 0,
    )  # fmt: skip


def _whose(
    memory: Memory, message: Message, parts: list[Fragment], *, inbox: Inbox, sealer: Sealer, at: datetime
) -> Match | Doubt:
    evidence = evidence_of(message)
    connection = inbox.connection
    found = match(
        evidence, inbox.whose(evidence), authority=connection.authority, is_production=connection.is_production, at=at
    )
    if isinstance(found, Doubt):
        return found
    dossier = found.candidate.dossier
    if dossier is None:
        return NO_DOSSIER
    if not sealer.is_ours(dossier):
        return FALSE_DOSSIER
    keys = [memory.report_key(part.key) for part in parts if part.key]
    others = memory.reports().where(Report.key_mac.in_(keys), Report.dossier != dossier.id)
    if memory.db.scalars(others).first() is not None:
        return OTHER_DOSSIER
    own = memory.reports().where(Report.key_mac.in_(keys), Report.dossier == dossier.id)
    is_known = len(memory.db.scalars(own).all()) == len(parts)
    return found if is_known or not is_visibility_alone(message) else UNKNOWN_REPORT


def _replaced(memory: Memory, message: Message, parts: list[Fragment], *, inbox: Inbox) -> list[Report]:
    """The reports, whosever they are, that a message in doubt would replace: what they say is not told meanwhile.

    A number that names a report which is there is enough: whether the person, the day or the form is in doubt, what
    was said first is known not to be the last word.
    """
    found: list[Report] = []
    for part in parts if not is_visibility_alone(message) else []:
        if not part.key:
            continue
        alone = Message.read(rewrite(message, only=cover(message, part)))
        content, said = assemble([alone]), said_at(alone, inbox.connection.zone)
        named = memory.reports().where(Report.key_mac == memory.report_key(part.key), Report.dossier.is_not(None))
        for report in memory.db.scalars(named):
            standing = stand(content, said, versions_of(memory.db, report.id))
            if newest(memory.db, report.id) is not None and standing.withdrawn is not Reason.LATE:
                found.append(report)
    return found


@dataclass(frozen=True, kw_only=True, repr=False)
class Filed:
    """A version that was filed, and what it says."""

    version: ReportVersion
    content: Content
    #: Whether it came after nothing newer and takes nothing away.
    stands: bool


def report_key_of(memory: Memory, row: ReceivedMessage, part: Fragment) -> bytes:
    """What a part's report is found by.

    A report without a number can have no correction; a held one waits alone for whoever attaches it.
    """
    return memory.report_key(part.key or f"\0{row.id}")


def alarm(memory: Memory, filed: Filed, *, at: datetime, chance: Chance) -> None:
    """Open an alert for what cannot wait in a version that stands."""
    if filed.stands:
        raise_alert(
            memory.db, filed.version, find(filed.content, limits_of(memory.db, memory.site_id)),
            site_id=memory.site_id, subkey=memory.subkeys[min(memory.subkeys)], at=at, chance=chance,
        )  # fmt: skip


def file_part(
    row: ReceivedMessage, message: Message, part: Fragment, sorting: Sorting, *, found: Match | None, memory: Memory,
    inbox: Inbox, sealer: Sealer, at: datetime,
) -> Filed | None:  # fmt: skip
    """Make a version of the part's report and place it among the former ones.

    Returns:
        Nothing for a part that changes a known report's visibility alone.
    """
    db, dossier = memory.db, found.candidate.dossier if found else None
    key = report_key_of(memory, row, part)
    asked = memory.reports().where(Report.key_mac == key, Report.dossier == dossier.id) if dossier else None
    report = None if asked is None else db.scalars(asked).first()
    if report is not None and is_visibility_alone(message):
        note_flags(db, report.id, flags_of(message), message_id=row.id, at=at, chance=sealer.chance)
        return None
    if report is None:
        report = Report(
            id=uuid7(at, sealer.chance), site_id=inbox.site_id, dossier=dossier.id if dossier else None,
            connection=inbox.connection.name, key_mac=key, created_at=at,
        )  # fmt: skip
        db.add(report)
        db.flush()  # a version needs its report's row
    body = rewrite(message, only=cover(message, part))
    alone = Message.read(body)
    content, said = assemble([alone]), said_at(alone, inbox.connection.zone)
    former = versions_of(db, report.id)
    standing = stand(content, said, former)
    version = ReportVersion(
        report_id=report.id, version=len(former) + 1, message_id=row.id, state=State.RECEIVED,
        dossier=dossier.id if dossier else None, release_class=sorting.release_class, is_known=sorting.is_known,
        matrix_version=inbox.matrix_version, not_before=dossier.not_before if dossier else None,
        is_partial=content.is_partial, is_corrected=content.is_corrected, is_order_uncertain=standing.is_uncertain,
        flags=" ".join(sorted(flags_of(message))), said_at=said, received_at=at,
    )  # fmt: skip
    version.body = sealer.seal_report(version, body, dossier)
    if dossier is not None:
        move(version, Verb.SEAL, at=at)
        note_prescribers(db, dossier.id, prescribers_in(alone), site_id=inbox.site_id, message_id=row.id, at=at)
    db.add(version)
    db.flush()  # the former ones are asked for again
    if standing.former is not None:
        withdraw_former(db, version, at=at, reason=standing.former)
    # What is held acts on nothing until a person has said whose it is.
    if standing.withdrawn is not None and dossier is not None:
        move(version, Verb.WITHDRAW, at=at, reason=standing.withdrawn)
    return Filed(version=version, content=content, stands=standing.withdrawn is None)
