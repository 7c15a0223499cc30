"""What the machine tells of running processes: who came from whom, what each holds open."""

import os
import time
from collections.abc import Callable
from pathlib import Path


def children(pid: int) -> list[int]:
    try:
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


def family(pid: int) -> list[int]:
    """A process and all that came from it."""
    return [pid, *(one for child in children(pid) for one in family(child))]


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def lives(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


def opened(pid: int) -> set[str]:
    """Every file that a process holds open."""
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.add(os.readlink(link))  # noqa: PTH115
        except FileNotFoundError:
            continue
    return found


def until(true: Callable[[], object], what: str, *, seconds: float = 40) -> float:
    start = time.monotonic()
    while not true():
        assert time.monotonic() < start + seconds, f"{what}: waited in vain"
        time.sleep(0.1)
    return time.monotonic() - start
