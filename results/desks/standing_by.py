"""A request of the counter: asked while somebody stands there, seen by the biologist, answered once or not at all."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Final, TypeVar
from uuid import UUID

from sqlalchemy import CheckConstraint, Enum, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, declared_attr, mapped_column

from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime, uuid7
from kiosk.register.errors import NotFound
from kiosk.register.journal import Act, write
from kiosk.register.once import PageAlreadyUsed, answered
from kiosk.register.patients import Document
from kiosk.register.visits import Visit

#: Nobody stands at the counter for longer.
LASTS: Final = timedelta(minutes=15)


class Reply(StrEnum):
    """What the biologist answers."""

    AGREED = "agreed"
    COMING = "coming"  #: she receives the person herself
    DECLINED = "declined"


class CounterRequest(Base):
    """What every request of the counter is: who stands there, with which document, and what was answered."""

    __abstract__ = True

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    visit_id: Mapped[UUID]
    #: Kind of identity document that the counter has compared; nothing of it is copied.
    document: Mapped[Document] = mapped_column(Enum(Document, native_enum=False, length=18, values_callable=list))
    by: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    reply: Mapped[Reply | None] = mapped_column(Enum(Reply, native_enum=False, length=8, values_callable=list))
    replied_by: Mapped[UUID | None]
    replied_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: The form that asked.
    key: Mapped[str] = mapped_column(String(32))

    @declared_attr.directive
    def __table_args__(cls) -> Any:  # noqa: N805  # the class that is being made
        return (
            UniqueConstraint("site_id", "key"),
            Index(None, "site_id", "at"),
            CheckConstraint("(reply IS NULL) = (replied_at IS NULL)", name="replied"),
            *cls.more_constraints(),
            {"schema": STAFF_ONLY},
        )

    @classmethod
    def more_constraints(cls) -> tuple[CheckConstraint, ...]:
        """What else must hold of one kind of request."""
        return ()


Request = TypeVar("Request", bound=CounterRequest)


class NoRequest(NotFound):
    """This request does not wait any more; look at the list again."""

    french = "Cette demande n'attend plus. Regardez la liste à nouveau."


def ask(
    db: Session, kind: type[Request], visit: Visit, document: Document, *, by: UUID, at: datetime, chance: Chance,
    key: str, **told: StrEnum,
) -> Request:  # fmt: skip
    """Ask a biologist about one visit; the same form asks once.

    Args:
        db: a session that writes the results.
        kind: what is asked.
        document: what the counter has compared.
        by: staff id.
        at: now.
        chance: gives ids and salts.
        key: of the form.
        told: columns of this kind alone; the journal tells them too.

    Raises:
        PageAlreadyUsed: the form was sent for another visit.
    """
    if before := answered(db, kind, visit.site_id, key):
        if before.visit_id != visit.id:
            raise PageAlreadyUsed
        return before
    row = kind(
        id=uuid7(at, chance), site_id=visit.site_id, visit_id=visit.id, document=document, by=by, at=at, key=key, **told
    )
    db.add(row)
    write(db, "results", Act.TASK_OPENED, by=by, at=at, chance=chance, request=row.id, visit=visit.id, **told)
    return row


def standing_there(db: Session, kind: type[Request], site_id: UUID, *, at: datetime) -> list[Request]:
    """The requests of people who still stand there, the oldest first."""
    asked = select(kind).where(kind.site_id == site_id, kind.reply.is_(None), kind.at > at - LASTS)
    return list(db.scalars(asked.order_by(kind.at)))


def request_of(db: Session, kind: type[Request], visit_id: UUID, request_id: UUID) -> Request:
    """One request of a visit.

    Raises:
        NoRequest: there is none.
    """
    row = db.get(kind, request_id)
    if row is None or row.visit_id != visit_id:
        raise NoRequest
    return row


def open_request(db: Session, kind: type[Request], request_id: UUID, *, at: datetime) -> Request:
    """One request that still waits, held until the transaction ends: two biologists cannot both answer it.

    Raises:
        NoRequest: it does not wait any more.
    """
    row = db.get(kind, request_id, with_for_update=True)
    if row is None or row.reply is not None or at - row.at >= LASTS:
        raise NoRequest
    return row


def reply_to(db: Session, row: CounterRequest, reply: Reply, *, by: UUID, at: datetime, chance: Chance) -> None:
    """Answer a request that waits."""
    row.reply, row.replied_by, row.replied_at = reply, by, at
    write(db, "results", Act.TASK_DONE, by=by, at=at, chance=chance, request=row.id, reply=reply)


def answer_of(row: CounterRequest, *, at: datetime) -> Reply | None:
    """What the counter is told: nothing yet, her answer, or no once a quarter of an hour has passed without one."""
    return Reply.DECLINED if row.reply is None and at - row.at >= LASTS else row.reply
