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
from results.upkeep.rehearse import _free_ports
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
import json, sqlite3
from pathlib import Path
become(int(sys.argv.pop(1)))
told = {}
def attempt(name, act):
    try:
        act()
    except (OSError, sqlite3.Error) as refused:
        told[name] = type(refused).__name__
    else:
        told[name] = "opened"
def attach(path):
    link = sqlite3.connect(sys.argv[2])
    link.execute("ATTACH DATABASE ? AS results", (path,))
    link.execute("PRAGMA results.schema_version").fetchone()
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
print(json.dumps(told))
"""
)


@dataclass(frozen=True, kw_only=True)
class Wall:
    """The staff's folder, the public app's folder, and the address at which it serves."""

    private: Path
    public: Path
    port: int
    pid: int


def tries(wall: Wall, user: int) -> dict[str, str]:
    """What a user can open; -1 is the user of this test."""
    command = [sys.executable, "-c", TRIES, str(user), str(wall.private), str(wall.public / "register.sqlite")]
    done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=True)
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
    port = _free_ports()[0]
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
    assert len(told) == 13
    assert [name for name, answer in told.items() if answer == "opened"] == []


def test_control_the_staffs_own_user_opens_them_all(wall: Wall, tmp_path: Path) -> None:
    copied = Wall(private=tmp_path / "private", public=tmp_path / "public", port=0, pid=0)
    shutil.copytree(wall.private, copied.private)
    shutil.copytree(wall.public, copied.public)
    (copied.private / "results" / "results.sqlite-wal").touch()
    told = tries(copied, -1)
    assert {answer for name, answer in told.items()} == {"opened"}, told


def test_the_running_app_holds_none_of_them_open(wall: Wall) -> None:
    held = {os.readlink(link) for pid in family(wall.pid) for link in Path(f"/proc/{pid}/fd").iterdir()}  # noqa: PTH115
    assert any(path.endswith("/public/register.sqlite") for path in held)
    assert not [path for path in held if re.search(r"/private/|results\.sqlite|staff\.toml|keys", path)]
