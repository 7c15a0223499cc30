"""The law of this folder: whatever in it gives power is written by this house, and lies where the kiosk cannot look."""

from importlib import import_module
from pathlib import Path

from sqlalchemy import Table

import kiosk.presence
from kiosk.register.database import STAFF_ONLY, Base

#: Rows that give nothing: they only count.
TRIES = {"sign_in_try", "pin_try"}


def test_every_table_of_presence_is_out_of_the_kiosks_sight_and_carries_its_proof() -> None:
    folder = Path(kiosk.presence.__file__).parent
    for room in folder.glob("[a-z]*.py"):
        import_module(f"kiosk.presence.{room.stem}")
    tables = {one.local_table for one in Base.registry.mappers if one.class_.__module__.startswith("kiosk.presence.")}
    assert len(tables) >= 6
    for table in tables:
        assert isinstance(table, Table)
        assert table.schema == STAFF_ONLY
        assert ("mac" in table.c) == (table.name not in TRIES)
