"""The wall of files: the public app under a user of its own serves its pages and can open nothing of the staff's."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from results.upkeep.browsing import Visitor
from results.upkeep.supervise import free_ports
from tests.founded import HOUSE, demonstration_in
from tests.lasting.test_serve import ready
from tests.processes import family, until

pytestmark = pytest.mark.timeout(150)

#: The user `nobody` of every Linux machine.
NOBODY = 65534

#: Python itself may stand where another user cannot go; so each programme here loads, then becomes that user for good.
BECOME = """
import os, sys
def become(user):
    if user >= 0:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        assert os.getresuid() == (user, user, user)
"""

#: The public app as its own user: nothing of the instance is opened before it is that user.
SERVE = (
    BECOME
    + """
import encodings, importlib, pkgutil
from contextlib import suppress
from pathlib import Path
from wsgiref.simple_server import make_server
user, code, instance, port = int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
sys.path.insert(0, code)
from kiosk.app import create_app
for one in pkgutil.iter_modules(encodings.__path__):
    with suppress(ImportError):
        importlib.import_module(f"encodings.{one.name}")
become(user)
make_server("127.0.0.1", port, create_app(instance)).serve_forever()
"""
)

#: What somebody inside the public app would try: says for each whether it was opened.
TRIES = (
    BECOME
    + """
import ctypes, json, shutil, sqlite3
from pathlib import Path
libc = ctypes.CDLL(None, use_errno=True)
become(int(sys.argv.pop(1)))
told = {}
def attempt(name, act):
    try:
        act()
    except (OSError, sqlite3.Error) as refused:
        told[name] = type(refused).__name__
    else:
        told[name] = "opened"
def call(function, *of):
    if function(*of) < 0:
        raise OSError(ctypes.get_errno(), "refused")
class Piece(ctypes.Structure):
    _fields_ = [("start", ctypes.c_void_p), ("size", ctypes.c_size_t)]
def peek(pid):
    here, there = Piece(ctypes.addressof(ctypes.create_string_buffer(8)), 8), Piece(int(sys.argv[4], 16), 8)
    call(libc.process_vm_readv, pid, ctypes.byref(here), 1, ctypes.byref(there), 1, 0)
def trace(pid):
    call(libc.ptrace, 16, pid, 0, 0)
    os.waitpid(pid, 0x40000000)
    call(libc.ptrace, 17, pid, 0, 0)
def within(pid, name):
    with open(f"/proc/{pid}/{name}", "rb", buffering=0) as file:
        if name == "mem":
            file.seek(int(sys.argv[4], 16))
        file.read(8)
def attach(path):
    link = sqlite3.connect(sys.argv[2])
    link.execute("ATTACH DATABASE ? AS results", (path,))
    link.execute("PRAGMA results.schema_version").fetchone()
def forge(path):
    with sqlite3.connect(path) as link:
        link.execute("CREATE TABLE forged (name)")
private = Path(sys.argv[1])
results = private / "results" / "results.sqlite"
attempt("read the results", lambda: results.read_bytes())
attempt("write the results", lambda: results.open("r+b").close())
attempt("attach the results", lambda: attach(str(results)))
attempt("attach the results as a file", lambda: attach(f"file:{results}?mode=ro"))
attempt("read the log of the results", lambda: Path(str(results) + "-wal").read_bytes())
attempt("list the keys", lambda: os.listdir(private / "keys"))
attempt("read the pepper", lambda: (private / "keys" / "pepper.1.key").read_bytes())
attempt("read the line's keys", lambda: (private / "keys-exchange" / "intake.1.key").read_bytes())
attempt("read the staff settings", lambda: (private / "staff.toml").read_bytes())
attempt("read the people's proofs", lambda: (private / "demonstration.toml").read_bytes())
attempt("read the station's key", lambda: (private / "station.key").read_bytes())
attempt("put another key in its place", lambda: os.rename(sys.argv[2], private / "keys" / "pepper.1.key"))
attempt("make a file beside them", lambda: (private / "here").touch())
keys, code = private / "keys", "pepper.1.key"
attempt("list the folder of the results", lambda: os.listdir(private / "results"))
attempt("make a log for the results", lambda: Path(str(results) + "-journal").touch())
attempt("hold the turn of whoever writes the results", lambda: open(str(results) + ".turn", "ab").close())
attempt("cut the results off", lambda: os.truncate(results, os.stat(results).st_size))
attempt("copy the results", lambda: shutil.copyfile(results, Path(sys.argv[2] + ".copy")))
attempt("name the results a second time", lambda: os.link(results, sys.argv[2] + ".link"))
way = f"{sys.argv[2]}.{os.getpid()}"
os.symlink(results, way)
attempt("go to them by a link", lambda: open(way).close())
attempt("go to them by the root of a process", lambda: open(f"/proc/self/root{results}").close())
attempt("write a table into the results", lambda: forge(results))
attempt("open the results to all", lambda: os.chmod(results, 0o666))
attempt("give the results away", lambda: os.chown(results, 65534, 65534))
attempt("open the keys to all", lambda: os.chmod(keys, 0o777))
attempt("read the root of trust", lambda: (keys / "matrix.head").read_bytes())
wrapped = lambda: next(keys / one for one in os.listdir(keys) if one.endswith(".wrapped"))
attempt("read the biologist's wrapped key", lambda: wrapped().read_bytes())
attempt("throw the pepper away", lambda: os.remove(keys / code))
attempt("lift a stop of releases", lambda: (keys / "stop.head").unlink())
attempt("put an older table back", lambda: (keys / "matrix.head").write_text("number: 0"))
attempt("change the staff settings", lambda: open(private / "staff.toml", "ab").close())
attempt("put another folder in the place of the keys", lambda: os.rename(keys, private / "old"))
pid = int(sys.argv[3])
attempt("look at what the staff app holds open", lambda: os.listdir(f"/proc/{pid}/fd"))
attempt("open it through what the staff app holds", lambda: open(f"/proc/{pid}/fd/{sys.argv[5]}", "rb").close())
attempt("read the memory of the staff app", lambda: within(pid, "mem"))
attempt("read its settings in its environment", lambda: within(pid, "environ"))
attempt("stop it like a debugger", lambda: trace(pid))
attempt("read its memory by a system call", lambda: peek(pid))
attempt("send it a signal", lambda: os.kill(pid, 0))
attempt("become the staff's user", lambda: os.setresuid(0, 0, 0))
print(json.dumps(told))
"""
)

#: What stands for the staff app: a process of its user that holds the results open and a secret in its memory.
HOLDER = """
import ctypes, sys
secret = ctypes.create_string_buffer(b"the pepper")
results = open(sys.argv[1], "rb")
print(hex(ctypes.addressof(secret)), results.fileno(), flush=True)
sys.stdin.read()
"""

#: A machine may keep these from everyone, whoever asks.
BY_THE_MACHINE = {"read the memory of the staff app", "stop it like a debugger", "read its memory by a system call"}


@dataclass(frozen=True, kw_only=True)
class Wall:
    """The staff's folder, the public app's folder, and the address at which it serves."""

    private: Path
    public: Path
    port: int
    pid: int


def tries(wall: Wall, user: int) -> dict[str, str]:
    """What a user can open; -1 is the user of this test."""
    holding = [sys.executable, "-c", HOLDER, str(wall.private / "results" / "results.sqlite")]
    with subprocess.Popen(holding, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/") as holder:
        assert holder.stdout is not None
        place, file = holder.stdout.readline().split()
        command = [sys.executable, "-c", TRIES, str(user), str(wall.private), str(wall.public / "register.sqlite")]
        command += [str(holder.pid), place, file]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
        holder.communicate()
    assert done.returncode == 0, done.stderr
    told: dict[str, str] = json.loads(done.stdout)
    return told


@pytest.fixture(scope="module")
def wall() -> Iterator[Wall]:
    if os.geteuid() != 0:
        pytest.skip("not root: nothing was started under another user, so this proved nothing about the wall of files")
    # Not below pytest's own folder, which is closed to every other user.
    folder = Path(tempfile.mkdtemp(prefix="etiquette-wall-"))
    folder.chmod(0o711)
    private, public = folder / "private", folder / "public"
    demonstration_in(private)
    private.chmod(0o711)  # so that each file stands on its own mode, not on that of the folder
    public.mkdir()
    for name in ("register.sqlite", "kiosk.toml"):
        shutil.move(private / name, public / name)
        os.chown(public / name, NOBODY, NOBODY)
    os.chown(public, NOBODY, NOBODY)
    public.chmod(0o700)
    (port,) = free_ports(1)
    for package in ("kiosk", "printers"):
        shutil.copytree(HOUSE / package, folder / "code" / package, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (folder / "code", *(folder / "code").rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    command = [sys.executable, "-c", SERVE, str(NOBODY), str(folder / "code"), str(public), str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd="/")
    try:
        until(lambda: ready(port) or process.poll() is not None, "the public app under another user")
        assert process.poll() is None, (folder / "log").read_text()[-2000:]
        yield Wall(private=private, public=public, port=port, pid=process.pid)
    finally:
        process.terminate()
        process.wait(30)
        shutil.rmtree(folder)


def test_it_serves_the_kiosk_and_gives_numbers(wall: Wall) -> None:
    kiosk = Visitor(f"http://localhost:{wall.port}/")
    page = kiosk.submit(kiosk.open("/come/walk_in"), "/come/walk_in")
    assert page.status == 200
    assert "Votre numéro" in page.text
    assert {os.stat(f"/proc/{pid}").st_uid for pid in family(wall.pid)} == {NOBODY}  # noqa: PTH116


def test_inside_that_user_nothing_of_the_staffs_opens(wall: Wall) -> None:
    told = tries(wall, NOBODY)
    assert len(told) == 40
    assert [name for name, answer in told.items() if answer == "opened"] == []


def test_control_the_staffs_own_user_opens_them_all(wall: Wall, tmp_path: Path) -> None:
    copied = Wall(private=tmp_path / "private", public=tmp_path / "public", port=0, pid=0)
    shutil.copytree(wall.private, copied.private)
    shutil.copytree(wall.public, copied.public)
    (copied.private / "results" / "results.sqlite-wal").touch()
    (copied.private / "keys" / "stop.head").touch()
    told = tries(copied, -1)
    assert {answer for name, answer in told.items() if name not in BY_THE_MACHINE} == {"opened"}, told


def test_the_running_app_holds_none_of_them_open(wall: Wall) -> None:
    held = {os.readlink(link) for pid in family(wall.pid) for link in Path(f"/proc/{pid}/fd").iterdir()}  # noqa: PTH115
    assert any(path.endswith("/public/register.sqlite") for path in held)
    assert not [path for path in held if re.search(r"/private/|results\.sqlite|staff\.toml|keys", path)]
