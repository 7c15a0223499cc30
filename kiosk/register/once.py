"""What was answered is answered the same again."""

from functools import cache
from typing import Any, TypeVar, cast
from uuid import UUID

from sqlalchemy import ColumnElement, Select, bindparam, exists, select
from sqlalchemy.orm import Session

from kiosk.register.database import Base, table_of
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
    asked = {"site_id": site_id, "key": key}
    db.flush()  # what this transaction itself has made counts too
    # Nearly every form is new: whether a row is there costs less to ask than the row.
    if db.connection().execute(_whether_made(cast(Any, table)), asked).first() is None:
        return None
    return made_by(db, table, site_id, key)


def made_by(db: Session, table: type[Row], site_id: UUID, key: str) -> Row:
    """The row that a form's key has made."""
    row = cast(Any, table)
    return db.scalars(select(table).where(row.site_id == site_id, row.key == key)).one()


def is_new(table: type[Base]) -> ColumnElement[bool]:
    """Whether no row bears a form's key, as part of a statement that does its act for a new form alone.

    The question is then not asked apart. The statement takes `form_site` and `form_key`.
    """
    made = table_of(table).c
    form = (made.site_id == bindparam("form_site"), made.key == bindparam("form_key"))
    return ~exists(made.key).where(*form)


@cache
def _whether_made(table: Any) -> Select[Any]:
    made = table_of(table).c
    return select(made.key).where(made.site_id == bindparam("site_id"), made.key == bindparam("key"))
