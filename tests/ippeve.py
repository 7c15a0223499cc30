"""Debian's IPP Everywhere printer on this machine: a real one, which keeps what it received."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class Ippeve:
    """Debian's IPP Everywhere printer: `kept` are the documents that it received."""

    address: str
    model: str
    folder: Path

    @property
    def kept(self) -> list[Path]:
        return sorted(self.folder.glob("kept-*.pdf"), key=lambda path: path.stat().st_mtime_ns)

    def say(self, *words: str) -> None:
        """What its engine says while it prints the next jobs."""
        (self.folder / "words").write_text("".join(f"{word}\n" for word in words), encoding="utf-8")


_BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path={folder}/bus</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>
</policy></busconfig>
"""
#: The engine: keeps the PDF, then says line by line what the test wrote down, "wait NAME" waits for a file.
_ENGINE = """#!/bin/sh
cp "$1" "{folder}/kept-$$.pdf"
pages=$(grep -a -c '^/Type /Page$' "$1")
while read -r word what; do
    case "$word" in
        wait) while [ ! -e "{folder}/$what" ]; do sleep 0.05; done ;;
        pages) echo "ATTR: job-impressions=$pages job-impressions-completed=$((pages + what))" >&2 ;;
        fail) exit 1 ;;
        *) echo "$word $what" >&2 ;;
    esac
done < "{folder}/words"
"""


@contextmanager
def open_ippeve(folder: Path, *, scheme: str = "ipps") -> Iterator[Ippeve]:
    """Start one on a free port, with a message bus of its own: it cannot live without one."""
    if shutil.which("ippeveprinter") is None or shutil.which("dbus-daemon") is None:
        pytest.fail("install cups-ipp-utils and dbus-daemon: the printers are tried against a real one")
    for name in ("spool", "keys"):
        (folder / name).mkdir()
    (folder / "bus.conf").write_text(_BUS.format(folder=folder), encoding="utf-8")
    engine = folder / "engine.sh"
    engine.write_text(_ENGINE.format(folder=folder), encoding="utf-8")
    engine.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    bus = subprocess.Popen(
        ["dbus-daemon", f"--config-file={folder}/bus.conf", "--nofork", "--nopidfile"], stderr=subprocess.DEVNULL
    )
    printer = None
    log = (folder / "log").open("wb")
    try:
        _wait((folder / "bus").exists, bus)
        printer = subprocess.Popen(
            [
                "ippeveprinter", "-r", "off", "-n", "localhost", "-p", str(port), "-d", str(folder / "spool"),
                "-K", str(folder / "keys"), "-c", str(engine), "-f", "application/pdf", "Bureau",
            ],
            env={**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={folder}/bus"},
            stdout=subprocess.DEVNULL, stderr=log,
        )  # fmt: skip
        _wait(lambda: _answers(port), printer)
        made = Ippeve(address=f"{scheme}://localhost:{port}/ipp/print", model="Example Printer", folder=folder)
        made.say("pages 0")
        yield made
    finally:
        log.close()
        for process in (printer, bus):
            if process is not None:
                process.kill()
                process.wait()


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _wait(until: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + 20
    while not until():
        assert process.poll() is None, process.args
        assert time.monotonic() < end, process.args
        time.sleep(0.02)
