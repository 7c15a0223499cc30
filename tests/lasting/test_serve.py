"""The programmes as they really run: they come back when killed, keep their walls, and leave nothing when they stop."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

import pytest

from results.upkeep.supervise import free_ports
from tests.founded import HOUSE, demonstration_in
from tests.processes import children, command_of, family, lives, opened, until

pytestmark = [pytest.mark.timeout(150), pytest.mark.long]


@dataclass(frozen=True, kw_only=True)
class Running:
    """A demonstration whose programmes run."""

    instance: Path
    process: subprocess.Popen[bytes]
    log: Path
    public: int
    staff: int
    paper: int

    def child(self, words: str) -> int:
        """The supervisor's child whose command line holds these words."""
        (found,) = [pid for pid in children(self.process.pid) if words in command_of(pid)]
        return found


#: Words of each child's command line.
CHILDREN = ("kiosk.app:create_app", "results.app:serve", "printers station", "printers fake")


def ready(port: int) -> bool:
    try:
        with urlopen(f"http://localhost:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def status(address: str) -> int:
    try:
        with urlopen(address, timeout=5) as page:  # noqa: S310  # our own address
            return int(page.status)
    except HTTPError as refused:
        with refused:
            return refused.code


def serve(instance: Path, public: int, staff: int, paper: int, *, log: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "results.cli", "--instance", str(instance), "serve"]
    command += ["--public-port", str(public), "--staff-port", str(staff), "--paper-port", str(paper)]
    with log.open("ab") as out:
        return subprocess.Popen(command, stdout=out, stderr=out, start_new_session=True, cwd=HOUSE)


@contextmanager
def laboratory(folder: Path) -> Iterator[Running]:
    demonstration_in(folder / "instance")
    public, staff, paper = free_ports(3)
    process = serve(folder / "instance", public, staff, paper, log=folder / "log")
    pids: list[int] = []
    try:
        until(lambda: ready(public) and ready(staff), f"start, {(folder / 'log').read_text()}")
        yield Running(
            instance=folder / "instance", process=process, log=folder / "log", public=public, staff=staff, paper=paper
        )
    finally:
        pids = family(process.pid)
        process.terminate()
        process.wait(60)
        for pid in pids[1:]:
            if lives(pid) and str(folder) in command_of(pid):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with laboratory(tmp_path_factory.mktemp("serve")) as made:
        yield made


def test_four_programmes_run_each_in_a_process_of_its_own(running: Running) -> None:
    assert len({running.child(words) for words in CHILDREN}) == 4
    with urlopen(f"http://localhost:{running.public}/", timeout=5) as page:
        assert "DÉMONSTRATION" in page.read().decode()


def test_the_public_processes_hold_nothing_of_the_staffs_open(running: Running) -> None:
    with urlopen(f"http://localhost:{running.public}/board", timeout=5) as page:
        page.read()
    private = re.compile(r"results\.sqlite|/results/|/keys|staff\.toml|demonstration\.toml|station\.key")
    held = {path for pid in family(running.child("kiosk.app:create_app")) for path in opened(pid)}
    assert any(path.endswith("/register.sqlite") for path in held)  # the control: this is the process that serves
    assert not [path for path in held if private.search(path)]
    staff = {path for pid in family(running.child("results.app:serve")) for path in opened(pid)}
    assert any(path.endswith("/results/results.sqlite") for path in staff)


@pytest.mark.parametrize(
    "path", ["/entrer", "/file", "/telephone", "/signature", "/prelevement", "/static/staff/staff.css"]
)
def test_the_public_app_has_no_staff_page(running: Running, path: str) -> None:
    assert status(f"http://localhost:{running.public}{path}") == 404
    # The control: the staff app knows the page, and asks who is there.
    assert status(f"http://localhost:{running.staff}{path}") in {200, 401}


@pytest.mark.parametrize("words", CHILDREN)
def test_a_killed_programme_is_back_within_seconds(running: Running, words: str) -> None:
    first = running.child(words)
    before = family(first)
    os.kill(first, signal.SIGKILL)
    until(lambda: any(words in command_of(pid) and pid != first for pid in children(running.process.pid)), words)
    took = until(lambda: ready(running.public) and ready(running.staff), words)
    # Its own children have noticed, so that nobody answers with an old programme's memory.
    until(lambda: not any(lives(pid) for pid in before), "the old ones")
    until(lambda: ready(running.public) and ready(running.staff), words)
    assert took < 20
    assert "s'est arrêté (code -9). Il repart dans" in running.log.read_text()
    assert running.process.poll() is None


@pytest.mark.parametrize("words", ["kiosk.app:create_app", "results.app:serve"])
def test_a_killed_worker_is_replaced_by_its_own_programme(running: Running, words: str) -> None:
    parent = running.child(words)
    (worker,) = children(parent)
    os.kill(worker, signal.SIGKILL)
    until(lambda: children(parent) and children(parent) != [worker], words)
    until(lambda: ready(running.public) and ready(running.staff), words)
    assert running.child(words) == parent


def test_a_taken_port_is_said_plainly_and_nothing_is_disturbed(running: Running, tmp_path: Path) -> None:
    demonstration_in(tmp_path / "instance")
    public, staff, paper = free_ports(3)
    for place, taken in ((0, running.public), (1, running.staff), (2, running.paper)):
        ports = [public, staff, paper]
        ports[place] = taken
        process = serve(tmp_path / "instance", ports[0], ports[1], ports[2], log=tmp_path / "log")
        assert process.wait(60) == 1
        said = (tmp_path / "log").read_text().strip().splitlines()[-1]
        assert f"Le port {taken} est déjà pris" in said
        assert "Traceback" not in said
    assert ready(running.public)
    assert ready(running.staff)


@pytest.mark.parametrize(
    "family_and_host", [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET, ""), (socket.AF_INET6, "::1")]
)
def test_a_port_that_only_one_meaning_of_localhost_holds_is_taken_too(
    family_and_host: tuple[socket.AddressFamily, str],
) -> None:
    from results.upkeep.supervise import PortTaken, Programme, refuse_taken_ports

    kind, host = family_and_host
    with socket.socket(kind) as other:
        try:
            other.bind((host, 0))
        except OSError:
            pytest.skip("this machine has no IPv6: there is one meaning only")
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortTaken, match=str(port)):
            refuse_taken_ports([Programme(name="essai", command=("true",), port=port)])


def test_the_same_port_told_twice_is_taken() -> None:
    from results.upkeep.supervise import PortTaken, Programme, programmes, refuse_taken_ports

    (port,) = free_ports(1)
    both = programmes(Path("nowhere"), public_port=port, staff_port=port)
    with pytest.raises(PortTaken, match=f"{port}.*personnel"):
        refuse_taken_ports(both)
    refuse_taken_ports([Programme(name="essai", command=("true",), port=port)])  # the control


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_ends_every_process_frees_every_port_and_exits_zero(tmp_path: Path, number: signal.Signals) -> None:
    with laboratory(tmp_path) as made:
        # A screen of the waiting room listens, as all day.
        stream = HTTPConnection("localhost", made.public, timeout=30)
        stream.request("GET", "/board/events")
        answer = stream.getresponse()
        assert answer.status == 200
        pids = family(made.process.pid)
        assert len(pids) >= 7
        start = time.monotonic()
        made.process.send_signal(number)
        assert made.process.wait(60) == 0
        assert time.monotonic() - start < 20
        stream.close()
        assert not [command_of(pid) for pid in pids if lives(pid)]
        for port in (made.public, made.staff, made.paper):
            with socket.socket() as trial:
                trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                trial.bind(("127.0.0.1", port))
        assert "Traceback" not in made.log.read_text()


def test_a_new_demonstration_that_cannot_be_founded_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("stays")
    (tmp_path / "station.key").write_text("of another station")
    command = [sys.executable, "-m", "results.cli", "--instance", str(tmp_path), "serve", "--demo"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=HOUSE, check=False)
    assert done.returncode == 1
    assert "station.key existe déjà" in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["README.md", "station.key"]
