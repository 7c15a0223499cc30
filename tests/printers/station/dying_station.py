"""A station that is killed at a chosen point; run as a programme of its own by the test of kill -9."""

import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from printers import encode
from printers.paper import LABEL_50X25
from printers.rows import Attempt, Job
from printers.settings import Printer
from printers.spool import Spool
from printers.station import devices
from printers.station.keys import load_station_key
from printers.station.link import Timing
from printers.station.worker import Station

folder, address, point, turn = Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4])
counts: dict[str, int] = {}


def die_at(here: str) -> None:
    counts[here] = counts.get(here, 0) + 1
    if here == point and counts[here] == turn:
        os.kill(os.getpid(), signal.SIGKILL)


class DyingSpool(Spool):
    def next_job(self, printer: str) -> Job | None:
        job = super().next_job(printer)
        if job is not None:
            die_at("job chosen")
        return job

    def begin(
        self, key: str, *, at: datetime, printer: str | None = None, asks_id: bool = True, dots: str = ""
    ) -> Attempt:
        die_at("before sending is committed")
        attempt = super().begin(key, at=at, printer=printer, asks_id=asks_id, dots=dots)
        die_at("after sending is committed")
        return attempt

    def hand_over(self, key: str, attempt: Attempt, *, sha256: str, at: datetime) -> None:
        die_at("before sent is committed")
        super().hand_over(key, attempt, sha256=sha256, at=at)
        die_at("after sent is committed")

    def prove(self, printer: str, pid: bytes, *, at: datetime) -> Job | None:
        die_at("before confirmed is committed")
        job = super().prove(printer, pid, at=at)
        die_at("after confirmed is committed")
        return job


class DyingWire(devices.Network):
    def write(self, data: bytes, *, slow_s: float, end_s: float, slow: Callable[[], None]) -> None:
        if data in encode.STATUS_REQUESTS:
            die_at("status asked")
            super().write(data, slow_s=slow_s, end_s=end_s, slow=slow)
            return
        if data == encode.ASK_MODEL or data == encode.resynchronise(LABEL_50X25):
            super().write(data, slow_s=slow_s, end_s=end_s, slow=slow)
            return
        for part in ("nothing", "first byte", "half", "all but the last byte", "all"):
            if part == point and turn == counts.get("write", 0) + 1:
                given = {"nothing": 0, "first byte": 1, "half": len(data) // 2, "all but the last byte": len(data) - 1}
                super().write(data[: given.get(part, len(data))], slow_s=slow_s, end_s=end_s, slow=slow)
                os.kill(os.getpid(), signal.SIGKILL)
        counts["write"] = counts.get("write", 0) + 1
        super().write(data, slow_s=slow_s, end_s=end_s, slow=slow)


def main() -> None:
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
        timing=Timing(look=0.01, reopen=0.0),
    )
    station.run(threading.Event())


if __name__ == "__main__":
    main()
