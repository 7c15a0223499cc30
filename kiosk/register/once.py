"""What was answered is answered the same again."""

from typing import Protocol, TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import InstrumentedAttribute, Session

from kiosk.register.errors import Conflict


class _Kept(Protocol):
    site_id: InstrumentedAttribute[UUID]
    key: InstrumentedAttribute[str]


Row = TypeVar("Row")


class PageAlreadyUsed(Conflict):
    """This form was already sent for something else; open the page again."""

    french = "Cette page a déjà servi. Ouvrez-la de nouveau."


def answered(db: Session, table: type[Row], site_id: UUID, key: str) -> Row | None:
    """The row that this form's key has already made, or None: the first question of every act's transaction.

    Args:
        table: a table with columns `site_id` and `key`, unique together.
        key: 32 hexadecimal digits, made when the form was rendered.
    """
    columns: _Kept = table  # type: ignore[assignment]
    return db.scalars(select(table).where(columns.site_id == site_id, columns.key == key)).first()
