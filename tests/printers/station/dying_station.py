"""A station that is killed at a chosen point; run as a programme of its own by the test of kill -9.

One process loads everything once; for each line on its standard input (folder, address, point, turn) it forks a
station, and says how that one ended.
"""

import json
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from PIL import Image

from printers import encode
from printers.moves import Verb
from printers.paper import LABEL_50X25, Paper
from printers.rows import Attempt, Job
from printers.settings import Printer
from printers.station import devices, worker
from printers.station.keys import load_station_key
from printers.station.link import Timing
from printers.station.spool import StationSpool
from printers.station.worker import Station
from printers.verify import proved

#: Bytes of a label, from its first: after each of these places its stream means something else.
PARTS = {
    "nothing": 0, "first byte": 1, "the reset": 2, "half the header": 6, "the header": 10, "a row": 60, "half": 5_019,
    "the dots": 10_010, "half the feed": 10_013, "the feed": 10_017, "half the question": 10_022,
    "all but the last byte": 10_027, "all": 10_028,
}  # fmt: skip

point, turn = "", 0
counts: dict[str, int] = {}


def die_at(here: str) -> None:
    counts[here] = counts.get(here, 0) + 1
    if here == point and counts[here] == turn:
        os.kill(os.getpid(), signal.SIGKILL)


class DyingSpool(StationSpool):
    _own = threading.local()  # the beat and the printer's owner write at the same time

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with super()._writing() as db:
            yield db
            if doing := getattr(self._own, "doing", ""):
                die_at(f"{doing} is written and not committed")

    @contextmanager
    def _named(self, doing: str) -> Iterator[None]:
        die_at(f"before {doing} is committed")
        self._own.doing = doing
        yield
        self._own.doing = ""
        die_at(f"after {doing} is committed")

    def next_job(self, printer: str) -> Job | None:
        job = super().next_job(printer)
        if job is not None:
            die_at("job chosen")
        return job

    def payload(self, key: str) -> bytes | None:
        payload = super().payload(key)
        die_at("paper fetched")
        return payload

    def begin(
        self, key: str, *, at: datetime, printer: str | None = None, asks_id: bool = True, dots: str = ""
    ) -> Attempt:
        with self._named("sending"):
            return super().begin(key, at=at, printer=printer, asks_id=asks_id, dots=dots)

    def hand_over(self, key: str, attempt: Attempt, *, sha256: str, at: datetime) -> None:
        with self._named("sent"):
            super().hand_over(key, attempt, sha256=sha256, at=at)

    def prove(self, printer: str, pid: bytes, *, at: datetime) -> Job | None:
        with self._named("confirmed"):
            return super().prove(printer, pid, at=at)

    def tell(self, printer: str, state: str, cause: str, *, at: datetime) -> None:
        with self._named("the printer's state"):
            super().tell(printer, state, cause, at=at)

    def publish(self, *, number: int, key: bytes, signature: bytes, at: datetime) -> None:
        with self._named("the start"):
            super().publish(number=number, key=key, signature=signature, at=at)

    def beat(self, number: int, *, at: datetime) -> None:
        with self._named("a beat"):
            super().beat(number, at=at)

    def move(self, key: str, verb: Verb, *, by: str, at: datetime, reason: str = "", printer: str | None = None) -> Job:
        with self._named(verb):
            return super().move(key, verb, by=by, at=at, reason=reason, printer=printer)


class DyingWire(devices.Network):
    _writes = 0

    def __init__(self, host: str, port: int) -> None:
        die_at("before the call")
        super().__init__(host, port)
        die_at("connected")

    def write(self, data: bytes, *, slow_s: float, end_s: float, slow: Callable[[], None]) -> None:
        questions = dict.fromkeys(encode.STATUS_REQUESTS, "a state asked")
        questions |= {encode.ASK_MODEL: "the model asked", encode.resynchronise(LABEL_50X25): "led out"}
        if data in questions:
            super().write(data, slow_s=slow_s, end_s=end_s, slow=slow)
            die_at(questions[data])
            return
        counts["label"] = counts.get("label", 0) + 1
        if point in PARTS and turn == counts["label"]:
            super().write(data[: PARTS[point]], slow_s=slow_s, end_s=end_s, slow=slow)
            os.kill(os.getpid(), signal.SIGKILL)
        super().write(data, slow_s=slow_s, end_s=end_s, slow=slow)

    def read(self, timeout_s: float) -> bytes:
        said = super().read(timeout_s)
        if said.startswith(b'7"'):
            die_at("the proof is read")
        elif said.startswith(b"_"):
            die_at("the model is read")
        elif said:
            die_at("a state is read")
        return said


def proved_dots(paper: Paper) -> Image.Image:
    image = proved(paper)
    die_at("drawn and decoded")
    return image


def live(folder: Path, address: str) -> None:
    worker.proved_dots = proved_dots  # type: ignore[attr-defined]
    key = load_station_key(folder / "station.key")
    spool = DyingSpool(folder / "spool.sqlite", key.id)
    printers = {"labels": Printer(name="labels", address=address, media=LABEL_50X25, old_after_s=86_400)}
    host, port = address.removeprefix("tcp://").split(":")
    station = Station(
        printers,
        spool,
        key,
        lock=folder / "station.lock",
        open_device=lambda _: DyingWire(host, int(port)),
        timing=Timing(look=0.01, reopen=0.0, beat=0.02, blocked=0.05),
    )
    station.run(threading.Event())


def main() -> None:
    global point, turn
    encode.escpos(Image.new("1", (8, 8), 1), LABEL_50X25)  # loads its library before the first fork
    for line in sys.stdin:
        folder, address, point, turn = json.loads(line)
        child = os.fork()
        if child == 0:
            signal.alarm(30)
            live(Path(folder), address)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


if __name__ == "__main__":
    main()
