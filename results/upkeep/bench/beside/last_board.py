"""The last of two hundred boards to show a call, beside the barest programme that streams to as many."""

import http.client
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from kiosk.counter.turns import rank_and_call
from kiosk.register.sites import this_site
from kiosk.register.visits import Stage
from results.upkeep.bench.boards import ACTS, ANSWER, BOARDS, IN_LINE, PACE, must_have_shown, standing
from results.upkeep.bench.rounds import Broken, Ground, Sides, alone
from results.upkeep.bench.served import leave_in_line
from results.upkeep.bench.serving import Browser, laboratory, serving, started
from results.upkeep.founding import opened_instance
from results.upkeep.supervise import free_ports, programmes

#: A stream for each screen, woken in the process itself: it keeps nothing, reads nothing and ranks nobody.
BARE_STREAM: Final = """
import json
import threading
from flask import Flask, Response, request

app = Flask(__name__)
woken, called = threading.Condition(), []


def state(upto):
    return {"calls": [{"number": one} for one in called[max(0, upto - 6):upto]]}


@app.get("/board/state")
def now():
    return state(len(called))


@app.get("/board/events")
def events():
    def lines():
        seen = len(called)
        yield "event: resync\\ndata: {}\\n\\n"
        while True:
            with woken:
                told = woken.wait_for(lambda: len(called) > seen, timeout=2)
            if not told:  # a screen that was put out is noticed, and its thread is free again
                yield "event: beat\\ndata: {}\\n\\n"
                continue
            seen += 1
            yield f"event: call\\ndata: {json.dumps(state(seen))}\\n\\n"
    return Response(lines(), mimetype="text/event-stream")


@app.post("/call")
def call():
    with woken:
        called.append(int(request.form["number"]))
        woken.notify_all()
    return "", 303
"""


@contextmanager
def _last_board(ground: Ground) -> Iterator[Sides]:
    """Both programmes have as many threads as two hundred screens ask for."""
    lab, _ = ground.shared(laboratory), ground.shared(serving)
    ours_at, bare_at = free_ports(2)
    folder = ground.folder / "bare-stream"
    folder.mkdir()
    (folder / "bare_stream.py").write_text(BARE_STREAM, encoding="utf-8")
    numbers = iter(range(1, sys.maxsize))
    with (
        opened_instance(lab.instance) as database,
        closing(Browser(bare_at)) as beside,
        _public_app(lab.instance, ours_at, ground.folder / "boards.log"),
        _public_app(lab.instance, bare_at, folder / "log", instead="bare_stream:app", found_in=folder),
    ):

        def call() -> int:
            with database.reading() as db:
                site = this_site(db)
            key = ground.chance(16).hex()
            visit = rank_and_call(
                database, site, Stage.COUNTER, desk="Guichet 1", by="Banc", at=ground.now(), chance=ground.chance,
                key=key,
            )  # fmt: skip
            return visit.number

        def call_there() -> int:
            number = next(numbers)
            if beside.ask("/call", {"number": str(number)})[0] != http.client.SEE_OTHER:
                raise Broken("le programme nu ne répond pas")
            return number

        def ours() -> float:
            leave_in_line(lab, ground, IN_LINE)
            return _last(ours_at, call, from_the_end=True)

        yield Sides(ours=ours, floor=lambda: _last(bare_at, call_there, from_the_end=False))


@contextmanager
def _public_app(
    instance: Path, port: int, log: Path, *, instead: str = "", found_in: Path | None = None
) -> Iterator[None]:
    """The public app as a laboratory with two hundred screens starts it, or another programme in its place."""
    command = list(programmes(instance, public_port=port, staff_port=0, screens=BOARDS)[0].command)
    if instead and found_in is not None:
        command = [instead if part.startswith("kiosk.app:") else part for part in command]
        command += ["--pythonpath", str(found_in)]
    environment = {**os.environ, "ETIQUETTE_INSTANCE": str(instance)}
    with started(command, {port: "/board/state"}, log=log, environment=environment):
        yield


def _last(port: int, call: Callable[[], int], *, from_the_end: bool) -> float:
    """Milliseconds from a call to the last board that shows it, the middle one of some calls.

    Args:
        from_the_end: the call is made once it is in the database, else as soon as it is asked for.

    Raises:
        Broken: a board has not shown each call.
    """
    made: dict[int, float] = {}
    with standing(port, BOARDS) as boards:
        for _ in range(ACTS):
            before = time.monotonic()
            number = call()
            made[number] = time.monotonic() if from_the_end else before
            time.sleep(PACE)
        time.sleep(ANSWER)
    must_have_shown(list(made), boards.shown)
    return 1000 * statistics.median(max(one[number] for one in boards.shown) - at for number, at in made.items())


LAST_BOARD: Final = alone("board_200", "web", "ms", "<=2.0", _last_board)
