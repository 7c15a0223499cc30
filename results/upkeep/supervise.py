"""Every programme of the laboratory, started together, restarted when one dies, stopped cleanly."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import NoReturn

from kiosk.serving import threads_for

#: A child that dies is started again after so many seconds, doubled at each death in a row.
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 8.0
#: A child that has lived so long is healthy: its deaths are counted from one again.
HEALTHY = 20.0


class PortTaken(Exception):  # noqa: N818  # an answer for a person
    """Another programme listens where this one should."""


@dataclass(frozen=True, kw_only=True)
class Programme:
    """One child: its name for people, its command line, and the port that it will take, if any."""

    name: str
    command: Sequence[str]
    port: int | None = None


@dataclass
class _Child:
    programme: Programme
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    deaths: int = 0
    again_at: float = field(default=0.0)


def programmes(instance: Path, *, public_port: int, staff_port: int, screens: int = 0, pcs: int = 0) -> list[Programme]:
    """The programmes of one machine: public app, staff app, print station.

    The public app is a child of its own, never started from inside this house: it must not be able to import it.

    Args:
        screens: kiosks and boards that were paired, and `pcs` computers: each may hold a thread.
    """
    hosts = [f"[{host}]" if ":" in host else host for host in loopback()]

    def app(name: str, factory: str, port: int, listeners: int) -> Programme:
        return Programme(
            name=name,
            port=port,
            command=(
                *(sys.executable, "-m", "gunicorn", factory),
                *(word for host in hosts for word in ("--bind", f"{host}:{port}")),
                *("--workers", "1", "--worker-class", "gthread", "--timeout", "30"),
                *("--threads", str(threads_for(listeners))),
                *("--graceful-timeout", "5", "--log-level", "warning", "--no-control-socket"),
                *("--config", "python:kiosk.serving"),
            ),
        )

    return [
        app("borne et écran", "kiosk.app:create_app()", public_port, screens),
        app("personnel", "results.app:serve()", staff_port, pcs),
        Programme(
            name="imprimantes", command=(sys.executable, "-m", "printers", "station", "--instance", str(instance))
        ),
    ]


def refuse_taken_ports(started: Sequence[Programme]) -> None:
    """Say plainly when a port is taken, before anything is started.

    Raises:
        PortTaken: with the port and what to do.
    """
    wanted: set[int] = set()
    for programme in started:
        if programme.port is None:
            continue
        if programme.port in wanted or not all(_is_free(host, programme.port) for host in loopback()):
            raise PortTaken(
                f"Le port {programme.port} est déjà pris (programme « {programme.name} »). "
                "Arrêtez l'autre programme, ou choisissez --public-port, --staff-port et --paper-port."
            )
        wanted.add(programme.port)


def loopback() -> list[str]:
    """The addresses that `localhost` means on this machine: the second one is missing where IPv6 is switched off."""
    return ["127.0.0.1"] + (["::1"] if _is_free("::1", 0) else [])


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody holds now: for a laboratory that lives beside another."""
    trials = [socket.socket() for _ in range(count)]
    try:
        for trial in trials:
            trial.bind(("127.0.0.1", 0))
        return [trial.getsockname()[1] for trial in trials]
    finally:
        for trial in trials:
            trial.close()


def _is_free(host: str, port: int) -> bool:
    try:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((host, port))
    except OSError:
        return False
    return True


def supervise(
    started: Sequence[Programme],
    *,
    say: Callable[[str], None],
    stop: threading.Event,
) -> None:
    """Run until told to stop: every child that dies is started again, after a growing pause.

    Args:
        started: the programmes, in the order in which they start; they are stopped in the reverse order.
        say: tells a person one line.
        stop: set by SIGTERM or Ctrl+C.
    """
    children = [_Child(programme) for programme in started]
    try:
        while not stop.is_set():
            for child in children:
                _tend(child, say)
            stop.wait(0.1)
    finally:
        for child in reversed(children):
            _end(child)


def become_supervisor(started: Sequence[Programme]) -> NoReturn:
    """Turn this process into a bare supervisor: it runs all day and need not hold what the command has loaded."""
    command = json.dumps([asdict(programme) for programme in started])
    os.execv(sys.executable, [sys.executable, "-m", "results.upkeep.supervise", command])  # noqa: S606  # our own


def main() -> None:
    """Supervise the programmes that the command line tells."""
    started = [Programme(**told) for told in json.loads(sys.argv[1])]
    stop = threading.Event()
    stop_on_signals(stop)
    supervise(started, say=lambda words: print(words, file=sys.stderr, flush=True), stop=stop)


def stop_on_signals(stop: threading.Event) -> None:
    """Let SIGTERM and Ctrl+C ask for a clean stop."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())


def _tend(child: _Child, say: Callable[[str], None]) -> None:
    at = time.monotonic()
    if child.process is None:
        if at >= child.again_at:
            # Own group: Ctrl+C reaches the supervisor alone, which then stops its children in order.
            child.process = subprocess.Popen(child.programme.command, start_new_session=True)
            child.started = at
        return
    code = child.process.poll()
    if code is None:
        if child.deaths and at - child.started > HEALTHY:
            child.deaths = 0
        return
    child.process = None
    child.deaths += 1
    pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (child.deaths - 1))
    child.again_at = at + pause
    say(f"Le programme « {child.programme.name} » s'est arrêté (code {code}). Il repart dans {pause:g} s.")


def _end(child: _Child) -> None:
    if child.process is None or child.process.poll() is not None:
        return
    child.process.terminate()
    try:
        child.process.wait(10)
    except subprocess.TimeoutExpired:
        child.process.kill()
        child.process.wait()


if __name__ == "__main__":
    main()
