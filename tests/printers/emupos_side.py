"""The independent ESC/POS emulator at work; run as a programme of its own, since its libraries are not ours.

Reads jobs (lists of steps) as JSON on its standard input; draws what comes out into the folder it is given.
"""

import base64
import json
import sys
from importlib import resources
from pathlib import Path

import yaml  # type: ignore[import-untyped]
from emupos.config import PrinterProfile  # type: ignore[import-not-found]
from emupos.printer.printer import Printer, PrinterFault, PrinterOutput  # type: ignore[import-not-found]

PROFILE = "profiles/printers/epson-tm-t20iii.yaml"


def run(steps: list[list[str]], folder: Path, name: str) -> dict[str, object]:
    """One connection to one printer: `send` bytes, `fault` or `clear` a state, `leave`; what it said and drew."""
    profile = PrinterProfile(**yaml.safe_load(resources.files("emupos").joinpath(PROFILE).read_text("utf-8")))
    printer = Printer("labels", profile, sensor_open_level="high", job_idle_timeout_ms=60_000)
    printer.open_connection("one", 0.0)
    done: list[PrinterOutput] = []
    for verb, word in [*steps, *([["leave", ""]] if ["leave", ""] not in steps else [])]:
        match verb:
            case "send":
                done.append(printer.receive("one", base64.b64decode(word), 0.0))
            case "leave":
                done.append(printer.close_connection("one", 0.0))
            case _:
                done.append(printer.set_fault(PrinterFault(word), active=verb == "fault", now=0.0))
    receipts = [receipt for output in done for receipt in output.receipts]
    for place, receipt in enumerate(receipts):
        (folder / f"{name}-{place}.png").write_bytes(receipt.png)
    return {
        "said": [base64.b64encode(b"".join(write.data for write in output.writes)).decode() for output in done],
        "drawn": [sum(len(output.receipts) for output in done[: place + 1]) for place in range(len(done))],
        "unknown": [
            event.data["bytes"] for output in done for event in output.events if event.type == "printer.command.unknown"
        ],
        "papers": [f"{name}-{place}.png" for place in range(len(receipts))],
    }


if __name__ == "__main__":
    told = json.load(sys.stdin)
    json.dump([run(steps, Path(sys.argv[1]), str(place)) for place, steps in enumerate(told)], sys.stdout)
