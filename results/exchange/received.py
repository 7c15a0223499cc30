"""The messages that came, and how one that comes again is recognised."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import Enum, ForeignKey, LargeBinary, Select, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime
from kiosk.register.errors import NotFound
from results.exchange.screening import LIMIT
from results.hl7v2.reader import Message
from results.hl7v2.writer import rewrite
from results.reports.sorting import Fragment
from results.reports.versions import Report, ReportVersion
from results.vault.envelopes import key_of_message


class MessageState(StrEnum):
    """Where a received message stands."""

    #: Filed with the report of a dossier.
    FILED = "filed"
    #: Waits for a person.
    HELD = "held"
    #: Not taken; its bytes are kept sealed.
    REFUSED = "refused"


class ReceivedMessage(Base):
    """One message of a laboratory system, as it came, sealed."""

    __tablename__ = "message"
    __table_args__ = (UniqueConstraint("site_id", "connection", "bytes_mac"), {"schema": STAFF_ONLY})
    keep = "one year: a repeat is known; its bytes until 30 days after the match, 90 where it was refused"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    connection: Mapped[str] = mapped_column(String(40))
    state: Mapped[MessageState] = mapped_column(
        Enum(MessageState, native_enum=False, length=8, values_callable=list), index=True
    )
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: HMAC of all bytes: the very same message again.
    bytes_mac: Mapped[bytes] = mapped_column(LargeBinary(32))
    #: HMAC of all but the header: a repeat under a new number.
    content_mac: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    #: HMAC of sender and message number: a number that comes back with other bytes.
    number_mac: Mapped[bytes] = mapped_column(LargeBinary(32), index=True)
    #: Whether its number had been used for another message.
    is_number_reused: Mapped[bool]
    #: Version of the key of these HMACs.
    mac_version: Mapped[int]
    #: The whole message, sealed; empty once it was shredded.
    raw: Mapped[bytes] = mapped_column(LargeBinary)
    #: Who and which samples, without any exam; empty when it names nobody.
    identity: Mapped[bytes | None] = mapped_column(LargeBinary)
    #: Why it is held or refused, in French; no name, no number.
    reason: Mapped[str | None] = mapped_column(String(160))
    #: Number and person contradict each other.
    is_urgent: Mapped[bool]
    #: What matched it, and the visit; of one that is held, whose a person says it is.
    matched_by: Mapped[str | None] = mapped_column(String(20))
    visit: Mapped[UUID | None]


class RepeatedMessage(Base):
    """A repeat of a message under a new number: known by its own bytes from then on."""

    __tablename__ = "message_repeat"
    __table_args__ = ({"schema": STAFF_ONLY},)
    keep = "as the message it repeats"

    site_id: Mapped[UUID] = mapped_column(primary_key=True)
    connection: Mapped[str] = mapped_column(String(40), primary_key=True)
    bytes_mac: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    message_id: Mapped[UUID] = mapped_column(ForeignKey(f"{STAFF_ONLY}.message.id"))


class NoLongerHeld(NotFound):
    """This message no longer waits for a person; look at the list again."""

    french = "Ce message n'attend plus personne. Regardez la liste à nouveau."


def held_message(db: Session, message_id: UUID) -> ReceivedMessage:
    """One message that waits for a person, held to the end of a writing transaction.

    Raises:
        NoLongerHeld: it does not wait any more.
    """
    row = db.get(ReceivedMessage, message_id, with_for_update=True)
    if row is None or row.state is not MessageState.HELD:
        raise NoLongerHeld
    return row


@dataclass(frozen=True, kw_only=True, repr=False)
class Macs:
    """How a message is recognised: HMACs, never plain hashes, against which few likely results could be tried."""

    #: Version of their key.
    version: int
    #: Of all bytes.
    whole: bytes
    #: Of all but the header.
    content: bytes
    #: Of sender and message number.
    number: bytes


@dataclass(frozen=True, kw_only=True)
class Memory:
    """What one connection of one site has brought so far."""

    db: Session
    site_id: UUID
    connection: str
    #: Keys of the HMACs by version; new ones use the highest.
    subkeys: Mapping[int, bytes]

    def macs(self, message: Message, raw: bytes) -> Macs:
        """Make what a message will be recognised by."""
        version = max(self.subkeys)
        subkey = self.subkeys[version]
        header = message["MSH"]
        number = "\0".join((self.connection, *(header[place].code for place in (3, 4, 10))))
        said = [index for index, segment in enumerate(message.segments) if segment.name != "MSH"]
        # What does not fit in a message is recognised by all its bytes alone.
        content = rewrite(message, only=said) if len(raw) <= LIMIT else raw
        return Macs(
            version=version,
            whole=key_of_message(raw, subkey=subkey),
            content=key_of_message(b"content\0" + content, subkey=subkey),
            number=key_of_message(b"number\0" + number.encode(), subkey=subkey),
        )

    def same_bytes(self, raw: bytes) -> ReceivedMessage | None:
        """The very same message, whatever the key was when it came first."""
        macs = [key_of_message(raw, subkey=subkey) for subkey in self.subkeys.values()]
        first = self.db.scalars(self._messages().where(ReceivedMessage.bytes_mac.in_(macs))).first()
        if first is not None:
            return first
        repeats = select(RepeatedMessage.message_id).where(
            RepeatedMessage.site_id == self.site_id,
            RepeatedMessage.connection == self.connection,
            RepeatedMessage.bytes_mac.in_(macs),
        )
        return self.db.scalars(self._messages().where(ReceivedMessage.id.in_(repeats))).first()

    def remember_repeat(self, known: ReceivedMessage, macs: Macs) -> None:
        """Know a repeat by its own bytes: it stays one, whatever is said of the report meanwhile."""
        self.db.add(
            RepeatedMessage(site_id=self.site_id, connection=self.connection, bytes_mac=macs.whole, message_id=known.id)
        )

    def same_content(self, parts: list[Fragment], macs: Macs) -> ReceivedMessage | None:
        """A repeat under a new number: the newest version of each of its reports says the same.

        Only the newest counts: a final result, its deletion and the same final result again are three messages.
        """
        newest = {self._newest(part.key) for part in parts if part.key}
        if len(newest) != 1 or not all(part.key for part in parts):
            return None
        asked = self._messages().where(ReceivedMessage.id.in_(newest), ReceivedMessage.content_mac == macs.content)
        return self.db.scalars(asked).first()

    def knows_number(self, macs: Macs) -> bool:
        """Whether this sender has used this message number before."""
        asked = self._messages().where(ReceivedMessage.number_mac == macs.number)
        return self.db.scalars(asked).first() is not None

    def report_key(self, number: str) -> bytes:
        """What a report is found by; the oldest key, so that a rotation parts no report from its corrections."""
        return key_of_message(b"report\0" + number.encode(), subkey=self.subkeys[min(self.subkeys)])

    def reports(self) -> Select[Report]:
        """Every report of this connection."""
        return select(Report).where(Report.site_id == self.site_id, Report.connection == self.connection)

    def _newest(self, number: str) -> UUID | None:
        """The message that spoke last of a report, None when none did or when that cannot be told."""
        asked = (
            select(ReportVersion)
            .join(Report, Report.id == ReportVersion.report_id)
            .where(Report.site_id == self.site_id, Report.connection == self.connection)
            .where(Report.key_mac == self.report_key(number))
            .order_by(ReportVersion.received_at.desc(), ReportVersion.version.desc())
        )
        versions = list(self.db.scalars(asked))
        rivals = {one.report_id for one in versions if one.received_at == versions[0].received_at}
        return versions[0].message_id if len(rivals) == 1 else None

    def _messages(self) -> Select[ReceivedMessage]:
        return select(ReceivedMessage).where(
            ReceivedMessage.site_id == self.site_id, ReceivedMessage.connection == self.connection
        )
