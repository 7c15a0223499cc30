"""What the screens of the results are tried with: a laboratory, its address, and a real browser."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from results.desks import trying
from results.vault import attempts
from results.vault.wraps import stretch_code
from tests.kiosk.conftest import FLAGS
from tests.results.cast import Desks, open_desks
from tests.results.signing_room import SigningRoom, open_signing_room
from tests.serving import served

Chance = Callable[[int], bytes]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def desks(tmp_path: Path, at: datetime, chance: Chance, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desks]:
    """The counter and the telephone, without the biologist's own; answers leave at once."""
    monkeypatch.setattr(trying, "PACE_S", 0.0)
    with open_desks(tmp_path, at=at, chance=chance) as opened:
        yield opened


@pytest.fixture
def room(tmp_path: Path, at: datetime, chance: Chance, monkeypatch: pytest.MonkeyPatch) -> Iterator[SigningRoom]:
    """The biologist's desk, the counter and the telephone of a laboratory."""
    with open_signing_room(tmp_path, monkeypatch, at=at, chance=chance) as opened:
        yield opened


@pytest.fixture
def address(room: SigningRoom) -> Iterator[str]:
    """Where a browser finds that laboratory."""
    with served(room.desks.app) as server:
        yield f"http://localhost:{server.server_port}"


@pytest.fixture
def kiln(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every Argon2id that a code costs; each is counted, and happens."""
    calls: list[str] = []

    def counted(code15: str, pin: str, salt: bytes, **cost: Any) -> bytes:
        calls.append(code15)
        return stretch_code(code15, pin, salt, **cost)

    monkeypatch.setattr(attempts, "stretch_code", counted)
    return calls
