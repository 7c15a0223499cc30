"""A desk that is killed at a chosen point; run as a programme of its own by the test of kill -9.

One process loads everything once; for each line on its standard input (folder, point) it forks a desk that works on
a laboratory of its own in that folder, and says how it ended.
"""

import json
import os
import random
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.orm import Session

from results.vault import attempts
from results.vault.slips import IssuedSlip
from results.vault.wraps import stretch_code
from tests.results.safety.laboratory import Laboratory, Template
from tests.results.safety.walk import RIPE_AT, founded

#: Of the visits that are ready: the one whose code is said, the one who is handed a paper, the one who gets a slip.
SAYS, HANDED, ISSUED = 2, 1, 0

point = 0
passed: list[str] = []


def die_here(name: str) -> None:
    """Pass one more point, or die at it."""
    passed.append(name)
    if len(passed) == point:
        os.kill(os.getpid(), signal.SIGKILL)


def watch() -> None:
    """Every statement, before and after; every commit; every Argon2id."""

    def before(_: Any, __: Any, statement: str, *___: Any) -> None:
        die_here(f"before {' '.join(statement.split())[:40]}")

    def after(_: Any, __: Any, statement: str, *___: Any) -> None:
        die_here(f"after {' '.join(statement.split())[:40]}")

    event.listen(Engine, "before_cursor_execute", before)
    event.listen(Engine, "after_cursor_execute", after)
    event.listen(Engine, "commit", lambda _: die_here("before a commit"))

    def dying_kiln(*of: Any, **more: Any) -> bytes:
        die_here("before the kiln")
        k = stretch_code(*of, **more)
        die_here("after the kiln")
        return k

    attempts.stretch_code = dying_kiln  # type: ignore[attr-defined]


class DyingLaboratory(Laboratory):
    """Dies after a commit too."""

    @contextmanager
    def writing(self) -> Iterator[Session]:
        with super().writing() as db:
            yield db
        die_here("after a commit")


def opened(folder: Path, kind: type[Laboratory] = Laboratory, *, is_new: bool = True) -> Laboratory:
    """The laboratory in a folder of its own, as it was founded or as it was left, at an hour at which it may tell."""
    ready, lab, _ = founded()
    made = Template(folder=ready, keys=lab.keys, lenoir=lab.lenoir, people=lab.people)
    copy = made.opened(folder, at=RIPE_AT, chance=random.Random(6).randbytes, copied=is_new)
    of = {name: getattr(copy, name) for name in ("database", "keys", "lenoir", "power", "people", "chance", "at")}
    return kind(**of)


def held_by(who: int) -> IssuedSlip:
    """The slip in somebody's hand."""
    slip = founded()[2][who].slips[0]
    return IssuedSlip(slip_id=slip.id, handle=slip.handle, codes=slip.codes)


def live(folder: Path, shown: Path) -> None:
    """Say a code on the telephone, hand a paper over, issue a slip; what is shown is noted as it is shown."""
    _, _, files = founded()
    lab = opened(folder, DyingLaboratory)
    watch()
    call = lab.opens_call(held_by(SAYS).handle)
    answer = lab.says(lab.said(held_by(SAYS), 1, call_id=call))
    with shown.open("a") as told:
        told.write(f"code {answer.state.value}\n")
    made = lab.hands_over(files[HANDED].visit, by_biologist=False)  # type: ignore[arg-type]
    with shown.open("a") as told:
        told.write(f"paper {made.papers != ()}\n")
    issued = lab.issue(files[ISSUED].id, confirm=True)
    with shown.open("a") as told:
        told.write(f"slip {len(issued.codes)}\n")
    (folder / "points").write_text("\n".join(passed))


def main() -> None:
    """Load everything once, then fork a desk for each line."""
    global point
    founded()
    for line in sys.stdin:
        folder, point = json.loads(line)
        child = os.fork()
        if child == 0:
            signal.alarm(60)
            live(Path(folder), Path(folder) / "shown")
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
