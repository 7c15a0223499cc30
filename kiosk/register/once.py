"""What was answered is answered the same again."""

from functools import cache
from typing import Any, TypeVar, cast
from uuid import UUID

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

from kiosk.register.database import table_of
from kiosk.register.errors import Conflict

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
    row, asked = cast(Any, table), {"site_id": site_id, "key": key}
    db.flush()  # what this transaction itself has made counts too
    # Nearly every form is new: whether a row is there costs less to ask than the row.
    if db.connection().execute(_whether_made(row), asked).first() is None:
        return None
    return db.scalars(select(table).where(row.site_id == site_id, row.key == key)).one()


@cache
def _whether_made(table: Any) -> Select[Any]:
    made = table_of(table).c
    return select(made.key).where(made.site_id == bindparam("site_id"), made.key == bindparam("key"))
