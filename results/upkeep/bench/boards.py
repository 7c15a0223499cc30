"""Two hundred boards at one public app: what they cost whoever takes a number, and whether each shows every call."""

import asyncio
import http.client
import json
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, Final

from results.upkeep.bench.rounds import Broken, Ground, Measure, Row, Sides
from results.upkeep.bench.served import leave_in_line
from results.upkeep.bench.serving import Browser, Served, laboratory, secretary, serving

BOARDS: Final = 200
#: Numbers taken and called in one side of a round, and the seconds between two: a site at its peak takes one a minute.
ACTS, PACE = 12, 0.3
#: Questions for health in one side of a round.
ASKED: Final = 48
#: Who waits when a side begins.
IN_LINE: Final = 20
#: Seconds between two questions of a board whose stream was refused, as in its script; and what the last answer needs.
POLL, ANSWER = 3.0, 2.0
#: Seconds after which boards that do not stand are given up.
PATIENCE: Final = 120.0
#: What the counter is told of its call.
CALLED: Final = re.compile(r"Le numéro (\d+) est appelé")


@dataclass(kw_only=True)
class Waited:
    """Milliseconds that people and watchers waited in one side of a round."""

    checkin: list[float] = field(default_factory=list)
    health: list[float] = field(default_factory=list)
    called: list[int] = field(default_factory=list)


@contextmanager
def _boards(ground: Ground) -> Iterator[Sides]:
    lab, served = ground.shared(laboratory), ground.shared(serving)
    cookies = secretary(ground)

    def floor() -> Waited:
        leave_in_line(lab, ground, IN_LINE)
        return _morning(ground, served, cookies)

    def ours() -> Waited:
        leave_in_line(lab, ground, IN_LINE)
        with standing(served.public, BOARDS) as boards:
            found = _morning(ground, served, cookies)
            time.sleep(POLL + ANSWER)
        must_have_shown(found.called, boards.shown)
        return found

    yield Sides(ours=ours, floor=floor)


def _morning(ground: Ground, served: Served, cookies: dict[str, str]) -> Waited:
    """People take numbers and are called at a steady pace, while a watcher asks whether all is well."""
    waited = Waited()
    with closing(Browser(served.public)) as kiosk:
        kiosk.look("/come/walk_in")
        for _ in range(ACTS):
            key = {"form_key": ground.chance(16).hex()}
            waited.checkin.append(_timed(kiosk, "/come/walk_in", http.client.SEE_OTHER, key))
            for _ in range(ASKED // ACTS):
                time.sleep(PACE / (ASKED // ACTS))
                waited.health.append(_timed(kiosk, "/readyz", http.client.OK))
            with closing(Browser(served.staff, dict(cookies))) as counter:
                counter.look("/file")
                counter.ask("/file/appeler", {"form_key": ground.chance(16).hex()})
                waited.called += [int(one) for one in CALLED.findall(counter.look("/file"))]
            time.sleep(PACE)
    return waited


def _timed(browser: Browser, path: str, wanted: int, fields: dict[str, str] | None = None) -> float:
    start = time.perf_counter()
    status, _, _ = browser.ask(path, fields)
    if status != wanted:
        raise Broken(f"{path} répond {status}")
    return 1000 * (time.perf_counter() - start)


@dataclass(kw_only=True)
class Standing:
    """Boards in a process of their own, and what each of them has shown once they were put out."""

    #: For each board, each number and the second at which it was first there, by this machine's steady clock.
    shown: list[dict[int, float]] = field(default_factory=list)


@contextmanager
def standing(port: int, boards: int) -> Iterator[Standing]:
    """So many boards; when this opens each has shown the line once, and listens or was refused."""
    command = [sys.executable, "-m", "results.upkeep.bench.boards", str(port), str(boards)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    given_up = threading.Timer(PATIENCE, child.kill)
    given_up.start()
    try:
        if child.stdout is None or not child.stdout.readline():
            raise Broken("les écrans ne se sont pas allumés")
        given_up.cancel()
        found = Standing()
        yield found
        told, _ = child.communicate("enough\n", timeout=PATIENCE)
        found.shown = [{int(number): at for number, at in one.items()} for one in json.loads(told)]
    finally:
        given_up.cancel()
        child.kill()
        child.communicate()


def must_have_shown(called: Sequence[int], shown: Sequence[Collection[int]]) -> None:
    """Each board must have shown each call.

    Raises:
        Broken: one has not, or nobody was called.
    """
    blind = sum(not called or not set(called) <= set(one) for one in shown)
    if blind:
        raise Broken(f"{blind} écrans sur {len(shown)} n'ont pas montré chaque appel")


@dataclass(kw_only=True)
class Board:
    """A board as its script behaves: it hears what to show; refused, it asks every few seconds."""

    port: int
    #: Between 0 and 1: boards were switched on one after the other.
    place: float
    #: When each number was first there.
    shown: dict[int, float] = field(default_factory=dict)
    etag: str = ""
    #: Whether it listens, or knows that it may not.
    settled: asyncio.Event = field(default_factory=asyncio.Event)

    async def stand(self) -> None:
        """Show the line until the programme ends."""
        await asyncio.sleep(self.place * POLL)
        while True:
            with suppress(OSError, asyncio.IncompleteReadError):
                await self.ask()
                await self._listen()
            await asyncio.sleep(POLL)

    async def ask(self) -> None:
        """Ask for the state, unless it is the one that is shown."""
        reader, writer = await self._send("/board/state", f"If-None-Match: {self.etag}\r\n" if self.etag else "")
        try:
            status, headers = await _head(reader)
            if status == http.client.OK:
                self.etag = headers.get("etag", "")
                self._draw(json.loads(await reader.readexactly(int(headers["content-length"]))))
        finally:
            writer.close()

    def _draw(self, state: dict[str, Any]) -> None:
        for call in state["calls"]:
            self.shown.setdefault(call["number"], time.monotonic())

    async def _listen(self) -> None:
        reader, writer = await self._send("/board/events", "Accept: text/event-stream\r\n")
        try:
            status, _ = await _head(reader)
            self.settled.set()
            while status == http.client.OK and (line := await reader.readline()):
                if line.strip() == b"event: resync":
                    await self.ask()
                elif line.startswith(b"data: ") and b"calls" in line:
                    self._draw(json.loads(line[6:]))
        finally:
            writer.close()

    async def _send(self, path: str, header: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{header}Connection: close\r\n\r\n".encode())
        return reader, writer


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    status, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines if line)
    return int(status.split()[1]), headers


async def _stand_together(port: int, boards: int) -> None:
    """So many boards until a line is read; then what each of them has shown."""
    lit = [Board(port=port, place=one / boards) for one in range(boards)]
    for one in lit:
        await one.ask()
    tasks = [asyncio.create_task(one.stand()) for one in lit]
    for one in lit:
        await one.settled.wait()
    _tell("ready")
    await asyncio.to_thread(sys.stdin.readline)
    for task in tasks:
        task.cancel()
    _tell(json.dumps([one.shown for one in lit]))


def _tell(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _p95(what: str) -> Callable[[Waited, Waited], tuple[float, float]]:
    def pick(ours: Waited, floor: Waited) -> tuple[float, float]:
        with_boards, idle = (
            statistics.quantiles(getattr(side, what), n=20, method="inclusive")[-1] for side in (ours, floor)
        )
        return with_boards, idle

    return pick


BOARDS_TOGETHER: Final = Measure(
    rows=tuple(
        Row(name=f"boards_{what}", group="web", unit="ms", goal="<=2.0", pick=_p95(what))
        for what in ("checkin", "health")
    ),
    open=_boards,
)


if __name__ == "__main__":
    asyncio.run(_stand_together(int(sys.argv[1]), int(sys.argv[2])))
