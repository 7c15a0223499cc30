"""Run the numbered history on one side: the register, or the results file or schema."""

from typing import Any

from alembic import context

from kiosk.register.database import STAFF_ONLY, Base

side: str = context.config.attributes["side"]
schema = STAFF_ONLY if side == STAFF_ONLY else None


def of_this_side(thing: Any, _name: str | None, kind: str, _reflected: bool, _compared: Any) -> bool:
    """Whether a table belongs to the side that is being migrated."""
    return kind != "table" or (thing.schema == STAFF_ONLY) == (side == STAFF_ONLY)


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table_schema=schema,
    include_schemas=True,
    include_object=of_this_side,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
