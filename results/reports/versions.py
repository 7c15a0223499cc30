"""Reports and their versions: what stands, what was signed, what was withdrawn, and who holds the keys."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import (
    CheckConstraint,
    Enum,
    ForeignKey,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    UniqueConstraint,
    select,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime
from kiosk.register.errors import Conflict
from results.reports.sorting import Flag


class State(StrEnum):
    """Where a version stands; releasable and released are derived (`Life`)."""

    #: Stored sealed; whose it is, is not known yet.
    RECEIVED = "received"
    #: Matched, its class set, sealed as its class asks.
    SEALED = "sealed"
    #: Read and signed by a biologist.
    SIGNED = "signed"
    #: Replaced, deleted or retracted; kept until purge.
    WITHDRAWN = "withdrawn"


class Verb(StrEnum):
    """What can happen to a version."""

    SEAL = "seal"
    SIGN = "sign"
    WITHDRAW = "withdraw"


MOVES: dict[tuple[State, Verb], State] = {
    (State.RECEIVED, Verb.SEAL): State.SEALED,
    (State.RECEIVED, Verb.WITHDRAW): State.WITHDRAWN,
    (State.SEALED, Verb.SIGN): State.SIGNED,
    (State.SEALED, Verb.WITHDRAW): State.WITHDRAWN,
    (State.SIGNED, Verb.WITHDRAW): State.WITHDRAWN,
}


class Reason(StrEnum):
    """Why a version was withdrawn."""

    #: A newer version was signed.
    SUPERSEDED = "superseded"
    #: It came after a newer one.
    LATE = "late"
    #: The laboratory system deleted it.
    DELETED = "deleted"
    #: The laboratory system declared it wrong, perhaps another person's.
    WRONG = "wrong"
    #: A biologist took it back.
    RETRACTED = "retracted"
    #: Nobody had signed it when its time was over.
    EXPIRED = "expired"


class Recipient(StrEnum):
    """Who may open a body."""

    #: The staff programme: C0 and C1.
    RELEASE = "release"
    #: The dossier's own key: a code line, or a biologist through E.
    DOSSIER = "dossier"
    #: The biologists alone.
    ESCROW = "escrow"


class Part(StrEnum):
    """What a body key opens."""

    BODY = "body"
    RAW = "raw"
    IDENTITY = "identity"


class Life(StrEnum):
    """What a version is, seen from a desk."""

    RECEIVED = "received"
    SEALED = "sealed"
    SIGNED = "signed"
    RELEASABLE = "releasable"
    RELEASED = "released"
    WITHDRAWN = "withdrawn"


class Report(Base):
    """One report of the laboratory system, through all its versions."""

    __tablename__ = "report"
    __table_args__ = (
        UniqueConstraint("site_id", "connection", "key_mac", "dossier"),
        Index(None, "dossier"),
        {"schema": STAFF_ONLY},
    )
    keep = "10 years: diffusion traces name it; the report of record is in the laboratory system"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    #: The dossier (one visit's results) it belongs to; empty while nobody knows.
    dossier: Mapped[UUID | None]
    #: Name of the connection that it came by.
    connection: Mapped[str] = mapped_column(String(40))
    #: HMAC of the laboratory system's own number for it.
    key_mac: Mapped[bytes] = mapped_column(LargeBinary(32))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class ReportVersion(Base):
    """One message's word on a report; never overwritten."""

    __tablename__ = "report_version"
    __table_args__ = (
        CheckConstraint(
            "state != 'signed' OR (signature IS NOT NULL AND commitment IS NOT NULL AND signer IS NOT NULL"
            " AND signed_at IS NOT NULL AND not_before IS NOT NULL AND dossier IS NOT NULL)",
            name="signed_whole",
        ),
        CheckConstraint("state NOT IN ('sealed', 'signed') OR dossier IS NOT NULL", name="sealed_to_someone"),
        CheckConstraint(
            "state != 'withdrawn' OR (withdrawn_at IS NOT NULL AND reason IS NOT NULL)", name="withdrawn_why"
        ),
        CheckConstraint("version > 0", name="version"),
        {"schema": STAFF_ONLY},
    )
    keep = "10 years: diffusion traces name it; its body until the promised hour + 90 days, shredded with its keys"

    report_id: Mapped[UUID] = mapped_column(ForeignKey(f"{STAFF_ONLY}.report.id"), primary_key=True)
    #: 1 for the first.
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    #: The message that brought it.
    message_id: Mapped[UUID] = mapped_column(index=True)
    state: Mapped[State] = mapped_column(Enum(State, native_enum=False, length=10, values_callable=list))
    #: The dossier that the body is bound to; empty while unmatched, when zeros are bound.
    dossier: Mapped[UUID | None]
    release_class: Mapped[ReleaseClass] = mapped_column(
        Enum(ReleaseClass, native_enum=False, length=2, values_callable=list)
    )
    #: Whether every code in it is known; if not, nothing is told until a biologist has mapped it.
    is_known: Mapped[bool]
    #: The matrix in force when it was sealed; bound to the body.
    matrix_version: Mapped[int]
    #: Sealed; empty once it was shredded.
    body: Mapped[bytes] = mapped_column(LargeBinary)
    #: The promised hour: nothing is told sooner.
    not_before: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: Whether something is still to come.
    is_partial: Mapped[bool]
    #: Whether it replaces something that was said.
    is_corrected: Mapped[bool]
    #: Whether the order of its arrival against the former could not be told.
    is_order_uncertain: Mapped[bool]
    #: Visibility flags that are up in it, parted by blanks.
    flags: Mapped[str] = mapped_column(String(60))
    #: The instant that orders it among the versions, by the sender's clock.
    said_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: c: SHA-256 over the nonce inside the body, and its content.
    commitment: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    signature: Mapped[bytes | None] = mapped_column(LargeBinary(64))
    signer: Mapped[UUID | None]
    signed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[Reason | None] = mapped_column(Enum(Reason, native_enum=False, length=10, values_callable=list))

    @property
    def rank(self) -> int:
        """The class as a number, 0 to 5, as seals bind it."""
        return int(self.release_class[1])

    @property
    def flags_up(self) -> frozenset[Flag]:
        """The visibility flags that are up in it."""
        return frozenset(map(Flag, self.flags.split()))


class SealedKey(Base):
    """One copy of a body's key, for one recipient."""

    __tablename__ = "sealed_key"
    __table_args__ = ({"schema": STAFF_ONLY},)
    keep = "as the body it opens"

    #: Report or message.
    item: Mapped[UUID] = mapped_column(primary_key=True)
    #: Version of the report, 0 for a message.
    version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    part: Mapped[Part] = mapped_column(Enum(Part, native_enum=False, length=8, values_callable=list), primary_key=True)
    recipient: Mapped[Recipient] = mapped_column(
        Enum(Recipient, native_enum=False, length=8, values_callable=list), primary_key=True
    )
    #: Version of the recipient's key; 0 for a dossier's, which has one.
    key_version: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    box: Mapped[bytes] = mapped_column(LargeBinary(101))


class NotFromHere(Conflict):
    """This version cannot make that move from where it stands; look at the list again."""

    french = "Ce compte rendu n'est plus à cette étape. Regardez la liste à nouveau."


def move(version: ReportVersion, verb: Verb, *, at: datetime, reason: Reason | None = None) -> None:
    """Make a move; the only setter of a version's state.

    Args:
        version: the row.
        verb: what happens.
        at: the instant.
        reason: why, for a withdrawal.

    Raises:
        NotFromHere: the table has no such move.
    """
    after = MOVES.get((version.state, verb))
    if after is None:
        raise NotFromHere
    version.state = after
    if after is State.WITHDRAWN:
        version.withdrawn_at, version.reason = at, reason or Reason.RETRACTED


def sign(
    db: Session,
    version: ReportVersion,
    *,
    commitment: bytes,
    signature: bytes,
    signer: UUID,
    not_before: datetime,
    at: datetime,
) -> None:
    """Enter a biologist's signature; the former versions are withdrawn with it.

    Raises:
        NotFromHere: it is not waiting for a signature, or a newer version is.
    """
    if newest(db, version.report_id) is not version:
        raise NotFromHere
    version.commitment, version.signature = commitment, signature
    version.signer, version.signed_at, version.not_before = signer, at, not_before
    move(version, Verb.SIGN, at=at)
    withdraw_former(db, version, at=at, reason=Reason.SUPERSEDED)


def withdraw_former(db: Session, version: ReportVersion, *, at: datetime, reason: Reason) -> None:
    """Withdraw what still stands of a report before a version."""
    for former in versions_of(db, version.report_id):
        if former.version < version.version and former.state is not State.WITHDRAWN:
            move(former, Verb.WITHDRAW, at=at, reason=reason)


def versions_of(db: Session, report_id: UUID) -> list[ReportVersion]:
    """Every version of a report, oldest first."""
    asked = select(ReportVersion).where(ReportVersion.report_id == report_id).order_by(ReportVersion.version)
    return list(db.scalars(asked))


def newest(db: Session, report_id: UUID) -> ReportVersion | None:
    """The newest version that was not withdrawn; the others wait behind it, never told."""
    standing = [version for version in versions_of(db, report_id) if version.state is not State.WITHDRAWN]
    return standing[-1] if standing else None


def reports_of(db: Session, dossier: UUID) -> list[Report]:
    """Every report of a dossier, in the order of arrival."""
    return list(db.scalars(select(Report).where(Report.dossier == dossier).order_by(Report.id)))


def live(
    version: ReportVersion, *, is_newest: bool, is_held: bool, is_matrix_in_force: bool, releases: int, at: datetime
) -> Life:
    """What a version is at an instant.

    Args:
        version: the row.
        is_newest: whether no newer version stands; the former is held at once.
        is_held: whether a biologist holds it.
        is_matrix_in_force: whether a verified matrix is in force.
        releases: how many times it was told.
        at: the instant.
    """
    if version.state is not State.SIGNED:
        return Life(version.state)
    may = is_newest and not is_held and is_matrix_in_force and version.is_known
    if not may or version.not_before is None or at < version.not_before:
        return Life.SIGNED
    return Life.RELEASED if releases else Life.RELEASABLE
