"""Nothing happens unseen: each act leaves an entry that nobody can change, drop or reorder quietly."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Connection,
    Executable,
    LargeBinary,
    Row,
    String,
    insert,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.formats.canonical import canonical
from kiosk.formats.merkle import (
    HASH_SIZE,
    Checkpoint,
    Edge,
    Letters,
    extend,
    hash_leaf,
    letters_of,
    paper_words,
    root_of,
)
from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, Side, UtcDateTime, table_of

TEXT_SIZE: Final = 512
SALT_SIZE: Final = 16
#: Entries that a check reads at once.
_AT_ONCE: Final = 5_000
_QUARTER: Final = timedelta(minutes=15)

Fact = UUID | int | StrEnum


class Act(StrEnum):
    """What can be done here, as `thing.done`; only what stands in this list can be written."""

    VISIT_ARRIVED = "visit.arrived"
    VISIT_CALLED = "visit.called"
    VISIT_RECALLED = "visit.recalled"
    VISIT_MISSED = "visit.missed"
    VISIT_UNDONE = "visit.undone"
    VISIT_PARKED = "visit.parked"
    VISIT_RETURNED = "visit.returned"
    VISIT_TRANSFERRED = "visit.transferred"
    VISIT_HANDED_BACK = "visit.handed_back"
    VISIT_FAVOURED = "visit.favoured"
    VISIT_REGISTERED = "visit.registered"
    VISIT_SENT = "visit.sent"
    VISIT_ENTERED = "visit.entered"
    VISIT_SAMPLED = "visit.sampled"
    VISIT_LEFT = "visit.left"
    VISIT_CANCELLED = "visit.cancelled"
    VISIT_DISCREET = "visit.discreet"
    VISIT_DISCRETION = "visit.discretion"
    VISIT_UNEXPOSED = "visit.unexposed"
    VISIT_SHOWN = "visit.shown"
    PATIENT_CREATED = "patient.created"
    PATIENT_RECOGNISED = "patient.recognised"
    PATIENT_CHANGED = "patient.changed"
    PATIENT_OPENED = "patient.opened"
    PATIENT_SEARCHED = "patient.searched"
    PATIENT_IMPORTED = "patient.imported"
    PRESCRIPTION_ENTERED = "prescription.entered"
    PRESCRIPTION_CHANGED = "prescription.changed"
    PRESCRIPTION_CANCELLED = "prescription.cancelled"
    APPOINTMENT_BOOKED = "appointment.booked"
    APPOINTMENT_MOVED = "appointment.moved"
    APPOINTMENT_ARRIVED = "appointment.arrived"
    APPOINTMENT_MISSED = "appointment.missed"
    APPOINTMENT_CANCELLED = "appointment.cancelled"
    PAYMENT_TAKEN = "payment.taken"
    PAYMENT_CORRECTED = "payment.corrected"
    CHARGE_MADE = "charge.made"
    CHARGE_WAIVED = "charge.waived"
    LABEL_PRINTED = "label.printed"
    LABEL_REPRINTED = "label.reprinted"
    PLAN_CHANGED = "plan.changed"
    PLAN_RESTORED = "plan.restored"
    TUBE_PLANNED = "tube.planned"
    TUBE_DRAWN = "tube.drawn"
    TUBE_MISSING = "tube.missing"
    TUBE_VOIDED = "tube.voided"
    TASK_OPENED = "task.opened"
    TASK_DONE = "task.done"
    STAFF_MADE = "staff.made"
    STAFF_CHANGED = "staff.changed"
    STAFF_CLOSED = "staff.closed"
    GRANT_PROPOSED = "grant.proposed"
    GRANT_SIGNED = "grant.signed"
    GRANT_END_ASKED = "grant.end_asked"
    GRANT_KEPT = "grant.kept"
    GRANT_ENDED = "grant.ended"
    SIGNER_SIGNED = "signer.signed"
    SIGNIN_OPENED = "signin.opened"
    SIGNIN_REFUSED = "signin.refused"
    SIGNIN_RETURNED = "signin.returned"
    SIGNIN_RAISED = "signin.raised"
    SIGNIN_CLOSED = "signin.closed"
    SIGNIN_RESET = "signin.reset"
    SIGNIN_RESET_ASKED = "signin.reset_asked"
    DEVICE_PAIRED = "device.paired"
    DEVICE_REVOKED = "device.revoked"
    KEY_MADE = "key.made"
    KEY_ROTATED = "key.rotated"
    MATRIX_SIGNED = "matrix.signed"
    TUBES_SIGNED = "tubes.signed"
    DOSSIER_OPENED = "dossier.opened"
    DOSSIER_CHANGED = "dossier.changed"
    SLIP_ISSUED = "slip.issued"
    SLIP_CONFIRMED = "slip.confirmed"
    SLIP_VOIDED = "slip.voided"
    SLIP_REISSUED = "slip.reissued"
    ATTEMPT_REFUSED = "attempt.refused"
    ATTEMPT_FAILED = "attempt.failed"
    PHONE_CLOSED = "phone.closed"
    PHONE_REOPENED = "phone.reopened"
    PHONE_CLOCK_CONFIRMED = "phone.clock_confirmed"
    CALL_OPENED = "call.opened"
    CALL_ASKED = "call.asked"
    CALL_VERIFIED = "call.verified"
    CALL_REACHED = "call.reached"
    CALL_READ_BACK = "call.read_back"
    CALL_ACKNOWLEDGED = "call.acknowledged"
    CALL_CLOSED = "call.closed"
    CALL_EXPIRED = "call.expired"
    REPORT_RECEIVED = "report.received"
    REPORT_SEALED = "report.sealed"
    REPORT_MATCHED = "report.matched"
    REPORT_SIGNED = "report.signed"
    REPORT_ATTESTED = "report.attested"
    REPORT_HELD = "report.held"
    REPORT_LIFTED = "report.lifted"
    REPORT_WITHDRAWN = "report.withdrawn"
    REPORT_OPENED = "report.opened"
    RELEASE_TOLD = "release.told"
    RELEASE_HANDED = "release.handed"
    RELEASE_SENT = "release.sent"
    RELEASE_POSTED = "release.posted"
    RELEASE_REFUSED = "release.refused"
    RELEASE_AGREED = "release.agreed"
    RELEASE_SIGNED_FOR = "release.signed_for"
    MANDATE_GIVEN = "mandate.given"
    MANDATE_ENDED = "mandate.ended"
    FLAG_SET = "flag.set"
    FLAG_LIFTED = "flag.lifted"
    ESCROW_OPENED = "escrow.opened"
    PHYSICIAN_ENTERED = "physician.entered"
    PHYSICIAN_NUMBERED = "physician.numbered"
    PHYSICIAN_SEEDED = "physician.seeded"
    PHYSICIAN_ENROLLED = "physician.enrolled"
    PHYSICIAN_CLOSED = "physician.closed"
    PHYSICIAN_NAMED = "physician.named"
    PHYSICIAN_UNNAMED = "physician.unnamed"
    PHYSICIAN_PROVED = "physician.proved"
    PHYSICIAN_REFUSED = "physician.refused"
    RELEASE_TOLD_AGAIN = "release.told_again"
    CRITICAL_FOUND = "critical.found"
    CRITICAL_SEEN = "critical.seen"
    CRITICAL_CALLED = "critical.called"
    CRITICAL_REACHED = "critical.reached"
    CRITICAL_READ_BACK = "critical.read_back"
    CRITICAL_MISSED = "critical.missed"
    CRITICAL_ACKNOWLEDGED = "critical.acknowledged"
    CRITICAL_SENT = "critical.sent"
    CRITICAL_CLOSED = "critical.closed"
    CRITICAL_UNRULED = "critical.unruled"
    CRITICAL_UNSTOPPED = "critical.unstopped"
    CRITICAL_LIMITED = "critical.limited"
    CRITICAL_PLANNED = "critical.planned"
    MESSAGE_RECEIVED = "message.received"
    MESSAGE_FILED = "message.filed"
    MESSAGE_HELD = "message.held"
    MESSAGE_REFUSED = "message.refused"
    ORDER_QUEUED = "order.queued"
    ORDER_SENT = "order.sent"
    ORDER_ACKNOWLEDGED = "order.acknowledged"
    ORDER_REFUSED = "order.refused"
    JOURNAL_NOTED = "journal.noted"
    JOURNAL_COMPARED = "journal.compared"
    JOURNAL_STOPPED = "journal.stopped"
    JOURNAL_CLEARED = "journal.cleared"
    BACKUP_MADE = "backup.made"
    BACKUP_VERIFIED = "backup.verified"
    BACKUP_RESTORED = "backup.restored"
    PURGE_DONE = "purge.done"
    DOSSIER_SHREDDED = "dossier.shredded"
    MESSAGE_SHREDDED = "message.shredded"
    TRACES_SHOWN = "traces.shown"


class _Leaf:
    """The hash of one entry; it stays when the entry's text is deleted."""

    #: Place in the tree, from 0.
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    #: SHA-256 over salt and text.
    hash: Mapped[bytes] = mapped_column(LargeBinary(HASH_SIZE))


class _Text:
    """What an entry says, as long as it is kept."""

    #: The leaf it belongs to.
    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    #: 16 random bytes: a deleted text cannot be guessed from its leaf.
    salt: Mapped[bytes] = mapped_column(LargeBinary(SALT_SIZE))
    #: Canonical JSON, filled with spaces to 512 bytes.
    text: Mapped[str] = mapped_column(String(TEXT_SIZE))


class _Head:
    """Where the tree ends; one row."""

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    #: Number of leaves.
    size: Mapped[int]
    #: Roots of the full parts, largest first, 32 bytes each.
    edge: Mapped[bytes] = mapped_column(LargeBinary)
    #: When the last entry was written.
    last_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: Number of leaves at the end of the last full quarter-hour before `last_at`.
    quarter_size: Mapped[int]
    #: Root at that moment.
    quarter_root: Mapped[bytes] = mapped_column(LargeBinary(HASH_SIZE))


class RegisterLeaf(_Leaf, Base):
    """A leaf of the register's journal."""

    __tablename__ = "journal_leaf"
    keep = "for ever: hashes"


class RegisterText(_Text, Base):
    """A text of the register's journal."""

    __tablename__ = "journal_text"
    keep = "10 years: traces of care"


class RegisterHead(_Head, Base):
    """The head of the register's journal."""

    __tablename__ = "journal_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)
    keep = "for ever: one row"


class ResultsLeaf(_Leaf, Base):
    """A leaf of the results' journal."""

    __tablename__ = "journal_leaf"
    __table_args__ = ({"schema": STAFF_ONLY},)
    keep = "for ever: hashes"


class ResultsText(_Text, Base):
    """A text of the results' journal."""

    __tablename__ = "journal_text"
    __table_args__ = ({"schema": STAFF_ONLY},)
    keep = "10 years: diffusion traces; 12 months what is security log alone"


class ResultsHead(_Head, Base):
    """The head of the results' journal."""

    __tablename__ = "journal_head"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"), {"schema": STAFF_ONLY})
    keep = "for ever: one row"


class _Books:
    """The three tables of one side, and the statements over them, built once: every act writes an entry."""

    def __init__(self, leaf: type[Base], text: type[Base], head: type[Base]) -> None:
        self.leaf, self.text, self.head = (table_of(kind) for kind in (leaf, text, head))
        self.read_head = select(self.head)
        self.hold_head = self.read_head.with_for_update()
        self.add_leaf, self.add_text = insert(self.leaf), insert(self.text)
        self.move_head = update(self.head)

    def first_head(self, dialect: str) -> Executable:
        """The head of an empty journal, left as it is where somebody else has just written it."""
        kind = postgresql.insert if dialect == "postgresql" else sqlite.insert
        return (
            kind(self.head)
            .values(id=1, size=0, edge=b"", last_at=None, quarter_size=0, quarter_root=root_of(()))
            .on_conflict_do_nothing()
        )


_BOOKS: Final[dict[Side, _Books]] = {
    "register": _Books(RegisterLeaf, RegisterText, RegisterHead),
    "results": _Books(ResultsLeaf, ResultsText, ResultsHead),
}


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a check of the journal found; `first_bad` is the first sequence number that cannot be trusted."""

    size: int
    root: bytes
    first_bad: int | None

    @property
    def sound(self) -> bool:
        """Nothing was changed."""
        return self.first_bad is None


def write(db: Session, side: Side, act: Act, *, by: UUID | str, at: datetime, chance: Chance, **facts: Fact) -> int:
    """Write an entry in the transaction of the act that it tells.

    Args:
        db: a session that writes this side.
        side: whose journal.
        act: what was done.
        by: the staff member's id, or the name of a kiosk or programme.
        at: when; kept to the second.
        chance: gives the salt.
        facts: ids, versions and words of an enumeration; never a name, a value, a code or an analysis.

    Returns:
        The entry's sequence number.

    Raises:
        TypeError: a fact that is free text.
        ValueError: an entry longer than 512 bytes.
    """
    text = _tell(act, by, at, facts)
    books = _BOOKS[side]
    db.flush()  # the act's own rows come before the lock that all acts share
    link = db.connection()
    head = _hold_head(link, books)
    edge = _read_edge(head.edge)
    quarter = {}
    if head.last_at is not None and _quarter(head.last_at) < _quarter(at):
        quarter = {"quarter_size": head.size, "quarter_root": root_of(edge)}
    seq: int = head.size
    salt = chance(SALT_SIZE)
    leaf = hash_leaf(salt, text.encode("utf-8"))
    link.execute(books.add_leaf, {"seq": seq, "hash": leaf})
    link.execute(books.add_text, {"seq": seq, "salt": salt, "text": text})
    moved = {"size": seq + 1, "edge": b"".join(extend(edge, seq, leaf)), "last_at": at}
    link.execute(books.move_head, moved | quarter)
    return seq


def head_of(db: Session, side: Side) -> tuple[int, bytes]:
    """Give the journal's size and root as they are now."""
    head = db.execute(_BOOKS[side].read_head).first()
    return (0, root_of(())) if head is None else (head.size, root_of(_read_edge(head.edge)))


def letters_at(db: Session, side: Side, at: datetime) -> tuple[int, str]:
    """Give size and 16 letters of the head at the end of the last full quarter-hour: what papers carry."""
    head = db.execute(_BOOKS[side].read_head).first()
    if head is None or head.last_at is None:
        return 0, letters_of(root_of(()))
    if _quarter(head.last_at) < _quarter(at):
        return head.size, letters_of(root_of(_read_edge(head.edge)))
    return head.quarter_size, letters_of(head.quarter_root)


def words_at(db: Session, side: Side, at: datetime) -> str:
    """Give the line of a paper: size and letters of the head at the end of the last full quarter-hour."""
    return paper_words(*letters_at(db, side, at))


def verify(db: Session, side: Side, *, notes: Sequence[Checkpoint | Letters] = ()) -> Verdict:
    """Compute the whole tree again and compare it with texts, head and what was seen of it on paper.

    Args:
        db: a session that may read this side.
        side: whose journal.
        notes: checkpoints whose signatures the caller has checked, and letters from tickets and slips.

    A tree that was hashed anew from a changed entry on is found by a note alone; the first number that
    cannot be trusted is then the first one after the last note that still agrees. Where there are too few entries and
    each agrees with its leaf, it is the place where they end.
    """
    books = _BOOKS[side]
    expected: dict[int, list[Checkpoint | Letters]] = {}
    for note in notes:  # two that tell of one size differently show a journal that was kept twice
        expected.setdefault(note.size, []).append(note)
    trusted, size, first_bad = 0, 0, None
    edge: Edge = ()
    for seq, leaf, salt, text in _entries(db, books):
        if seq != size or (text is not None and hash_leaf(salt, text.encode("utf-8")) != leaf):
            first_bad = size
            break
        edge, size = extend(edge, size, leaf), size + 1
        if size in expected:
            if not all(note.agrees(root_of(edge)) for note in expected[size]):
                first_bad = trusted
                break
            trusted = size
    head_size, head_root = head_of(db, side)
    root = root_of(edge)
    if first_bad is None and (size, root) != (head_size, head_root):
        first_bad = min(size, head_size) if size != head_size else trusted
    if first_bad is None and any(beyond > size for beyond in expected):
        first_bad = size
    if first_bad is None and not all(note.agrees(root_of(())) for note in expected.get(0, ())):
        first_bad = 0
    return Verdict(size=size, root=root, first_bad=first_bad)


def _entries(db: Session, books: _Books) -> Iterator[Row[Any, Any, Any, Any]]:
    """Every leaf with its text, where it is still kept, in order; not all of a long journal at once."""
    entries = (
        select(books.leaf.c.seq, books.leaf.c.hash, books.text.c.salt, books.text.c.text)
        .outerjoin(books.text, books.text.c.seq == books.leaf.c.seq)
        .order_by(books.leaf.c.seq)
        .limit(_AT_ONCE)
    )
    asked = entries
    while found := db.execute(asked).all():
        yield from found
        asked = entries.where(books.leaf.c.seq > found[-1].seq)


def _tell(act: Act, by: UUID | str, at: datetime, facts: dict[str, Fact]) -> str:
    told: dict[str, str | int] = {"act": act.value, "at": int(at.timestamp()), "by": _word(by)}
    for name, fact in facts.items():
        if isinstance(fact, bool) or not isinstance(fact, (UUID, int, StrEnum)):
            raise TypeError(f"the fact {name} is neither an id, a whole number nor a word of an enumeration")
        told[name] = fact if isinstance(fact, int) else _word(fact)
    text = canonical(told).decode("utf-8")
    if len(text.encode("utf-8")) > TEXT_SIZE:
        raise ValueError("the entry is longer than its page")
    return text.ljust(TEXT_SIZE)


def _word(word: UUID | str) -> str:
    if isinstance(word, UUID):
        return word.hex
    if not word.isascii():
        raise ValueError("journal words are ASCII")
    return str(word)


def _hold_head(link: Connection, books: _Books) -> Row[Any]:
    """The head, held to the end of the transaction; the first two acts of a house may come at the same instant."""
    head = link.execute(books.hold_head).first()
    if head is None:
        link.execute(books.first_head(link.dialect.name))
        head = link.execute(books.hold_head).one()
    return head


def _read_edge(edge: bytes) -> Edge:
    return tuple(edge[start : start + HASH_SIZE] for start in range(0, len(edge), HASH_SIZE))


def _quarter(at: datetime) -> int:
    return int(at.timestamp()) // int(_QUARTER.total_seconds())
