"""A neighbour to measure against."""

import shutil
import sys
from pathlib import Path

import pytest

STAND_IN = Path(__file__).with_name("queue_stand_in.py")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A folder that looks like a checkout of FQM and answers like it."""
    folder = tmp_path / "checkout"
    for part in ("app", "templates", ".venv/bin"):
        (folder / part).mkdir(parents=True)
    (folder / "app" / "main.py").touch()
    (folder / ".venv" / "bin" / "python").symlink_to(sys.executable)
    shutil.copy(STAND_IN, folder / "run.py")
    return folder
