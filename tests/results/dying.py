"""A programme that dies between two of its steps."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType

import pytest
from sqlalchemy import event

from kiosk.register.database import Database
from results.vault.keyfolder import write_new


class Killed(BaseException):
    """As by kill -9."""


@contextmanager
def dying_after(
    steps: int, database: Database, monkeypatch: pytest.MonkeyPatch, *writers: ModuleType
) -> Iterator[None]:
    """Every file written, every file taken away and every statement is a step; after so many the programme dies.

    Args:
        writers: the modules that write files of keys.
    """
    left = iter(range(steps))

    def step() -> None:
        if next(left, None) is None:
            raise Killed

    def writing(path: Path, text: str) -> None:
        step()
        write_new(path, text)

    def unlinking(self: Path, missing_ok: bool = False) -> None:
        step()
        unlink(self, missing_ok=missing_ok)

    unlink = Path.unlink
    engine = database.writing_engines["results"]
    with monkeypatch.context() as patched:
        for place in writers:
            patched.setattr(place, "write_new", writing)
        patched.setattr(Path, "unlink", unlinking)
        event.listen(engine, "before_cursor_execute", listener := lambda *_: step())
        try:
            yield
        finally:
            event.remove(engine, "before_cursor_execute", listener)
