"""What was answered is answered the same again."""

from functools import cache
from typing import Any, TypeVar, cast
from uuid import UUID

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session

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
    found: Row | None = db.scalars(_made_by(cast(Any, table)), {"site_id": site_id, "key": key}).first()
    return found


@cache
def _made_by(table: Any) -> Select[Any]:
    return select(table).where(table.site_id == bindparam("site_id"), table.key == bindparam("key"))
