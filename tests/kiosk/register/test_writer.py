"""One writer at a time for each file, in turn, with a deadline."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import pytest

from kiosk.register.errors import Later
from kiosk.register.writer import NotReentrantError, Turn

HOUSE = Path(__file__).resolve().parents[3]


class Starts(Protocol):
    def __call__(self, script: str, *arguments: str) -> subprocess.Popen[str]: ...


@pytest.fixture
def programme() -> Iterator[Starts]:
    """Starts another programme of the house; whatever still runs at the end is stopped."""
    running: list[subprocess.Popen[str]] = []

    def start(script: str, *arguments: str) -> subprocess.Popen[str]:
        line = [sys.executable, "-c", script, *arguments]
        running.append(subprocess.Popen(line, cwd=HOUSE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        return running[-1]

    yield start
    for one in running:
        one.kill()
        one.communicate()


@contextmanager
def held(turn: Turn) -> Iterator[None]:
    """Another thread holds the turn during the block."""
    taken, done = threading.Event(), threading.Event()

    def hold() -> None:
        with turn.taken():
            taken.set()
            done.wait(30)

    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(hold)
        assert taken.wait(10)
        try:
            yield
        finally:
            done.set()
        holding.result()


def test_writers_of_one_programme_go_first_come_first_served(tmp_path: Path) -> None:
    turn, order = Turn(tmp_path / "turn"), []

    def write(place: int) -> None:
        with turn.taken():
            order.append(place)

    with ThreadPoolExecutor(8) as pool, held(turn):
        for place in range(8):
            pool.submit(write, place)
            until = time.monotonic() + 10
            while len(turn._queue) < place + 2:
                assert time.monotonic() < until
                time.sleep(0.001)
    assert order == list(range(8))


def test_past_the_deadline_a_writer_is_told_to_come_back(tmp_path: Path) -> None:
    turn = Turn(tmp_path / "turn", deadline=0.1)
    with held(turn), pytest.raises(Later), turn.taken():
        pytest.fail("somebody else writes")
    with turn.taken():
        pass  # the one who gave up stands in nobody's way


def test_past_the_deadline_another_programme_is_told_to_come_back(tmp_path: Path) -> None:
    ours, theirs = Turn(tmp_path / "turn", deadline=0.1), Turn(tmp_path / "turn", deadline=0.1)
    with held(ours), pytest.raises(Later), theirs.taken():
        pytest.fail("another programme writes")
    with theirs.taken(), pytest.raises(Later), ours.taken():
        pytest.fail("another programme writes")
    with ours.taken():
        pass


def test_those_who_give_up_in_the_queue_leave_the_others_their_places(tmp_path: Path) -> None:
    turn = Turn(tmp_path / "turn", deadline=0.3)

    def write() -> bool:
        try:
            with turn.taken():
                return True
        except Later:
            return False

    with ThreadPoolExecutor(4) as pool:
        with held(turn):
            assert [one.result() for one in [pool.submit(write) for _ in range(4)]] == [False] * 4
        assert [one.result() for one in [pool.submit(write) for _ in range(4)]] == [True] * 4


def test_the_turn_is_not_taken_twice_by_one_thread(tmp_path: Path) -> None:
    turn = Turn(tmp_path / "turn")
    with turn.taken(), pytest.raises(NotReentrantError), turn.taken():
        pytest.fail("it would wait for itself")
    with turn.taken():
        pass


def test_a_failure_inside_gives_the_turn_back(tmp_path: Path) -> None:
    ours, theirs = Turn(tmp_path / "turn", deadline=0.1), Turn(tmp_path / "turn", deadline=0.1)
    with pytest.raises(ZeroDivisionError), ours.taken():
        _ = 1 / 0
    for turn in (theirs, ours):
        with turn.taken():
            pass


HOLD = """
import sys, time
from pathlib import Path
from kiosk.register.writer import Turn
with Turn(Path(sys.argv[1])).taken():
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_closed_turn_holds_no_file_and_opens_again(tmp_path: Path) -> None:
    turn = Turn(tmp_path / "turn")
    with turn.taken():
        assert _held(tmp_path) == {"turn", "turn.write"}

    turn.close()

    assert _held(tmp_path) == set()
    with turn.taken():
        assert _held(tmp_path) == {"turn", "turn.write"}


def _held(folder: Path) -> set[str]:
    """The files of a folder that this process holds open."""
    targets = [os.path.realpath(entry) for entry in Path("/proc/self/fd").iterdir()]
    return {Path(target).name for target in targets if Path(target).parent == folder.resolve()}


def test_the_death_of_the_holder_frees_the_turn(tmp_path: Path, programme: Starts) -> None:
    other = programme(HOLD, str(tmp_path / "turn"))
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    with pytest.raises(Later), Turn(tmp_path / "turn", deadline=0.1).taken():
        pytest.fail("the other programme writes")
    other.kill()
    with Turn(tmp_path / "turn").taken():
        pass


COUNT = """
import sys, threading, time
from contextlib import nullcontext
from pathlib import Path
from kiosk.register.writer import Turn
turn, shared, times = Turn(Path(sys.argv[1])), Path(sys.argv[2]), int(sys.argv[4])
worst = []
def write():
    for _ in range(times):
        asked = time.monotonic()
        with turn.taken() if sys.argv[3] == "turn" else nullcontext():
            worst.append(time.monotonic() - asked)
            before = int(shared.read_text() or 0)
            time.sleep(0.001)
            shared.write_text(str(before + 1))
threads = [threading.Thread(target=write) for _ in range(4)]
print("ready", flush=True)
sys.stdin.readline()
for one in threads: one.start()
for one in threads: one.join()
print(max(worst), flush=True)
"""


def test_two_programmes_of_four_writers_never_write_at_once_and_none_starves(tmp_path: Path, programme: Starts) -> None:
    worst = _count_together(tmp_path, programme, "turn")
    assert (tmp_path / "shared").read_text() == "480"
    assert worst < 5.0  # the goal is 0.5 s


def test_control_without_the_turn_writes_are_lost(tmp_path: Path, programme: Starts) -> None:
    _count_together(tmp_path, programme, "none")
    assert (tmp_path / "shared").read_text() != "480"


def _count_together(tmp_path: Path, programme: Starts, how: str) -> float:
    (tmp_path / "shared").write_text("0")
    both = [programme(COUNT, str(tmp_path / "turn"), str(tmp_path / "shared"), how, "60") for _ in range(2)]
    for one in both:
        assert one.stdout is not None
        assert one.stdout.readline() == "ready\n"
    for one in both:
        assert one.stdin is not None
        one.stdin.write("go\n")
        one.stdin.flush()
    told = [one.communicate(timeout=60)[0] for one in both]
    return max(float(one) for one in told)


GREEDY = """
import sys, time
from pathlib import Path
from kiosk.register.writer import Turn
turn = Turn(Path(sys.argv[1]))
first = True
while True:
    with turn.taken():
        with open(sys.argv[2], "ab") as done: done.write(b".")
        if first: print("held", flush=True)
        first = False
        time.sleep(0.01)
"""


def test_a_programme_that_writes_without_a_pause_leaves_others_their_turn(tmp_path: Path, programme: Starts) -> None:
    done = tmp_path / "done"
    other = programme(GREEDY, str(tmp_path / "turn"), str(done))
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    turn, passed = Turn(tmp_path / "turn"), []
    for _ in range(60):
        before = done.stat().st_size
        with turn.taken():
            passed.append(done.stat().st_size - before)
    assert max(passed) <= 5  # one that writes, one that was before us; the rest is a busy machine


FORK = """
import os, sys, threading
from pathlib import Path
from kiosk.register.errors import Later
from kiosk.register.writer import Turn
turn = Turn(Path(sys.argv[1]), deadline=float(sys.argv[2]))
def wait():
    try:
        with turn.taken(): pass
    except Later: pass
def ask():
    try:
        with turn.taken(): return "taken"
    except Later: return "later"
read, write = os.pipe()
with turn.taken():
    waiter = threading.Thread(target=wait)
    waiter.start()
    while len(turn._queue) < 2: pass
    child = os.fork()
    if child == 0:
        os.write(write, (ask() + "\\n").encode())
        os.write(write, (ask() + "\\n").encode())
        os._exit(0)
    answers = os.fdopen(read)
    print("while the parent holds:", answers.readline().strip())
waiter.join()
print("when the parent is done:", answers.readline().strip())
os.waitpid(child, 0)
"""


def test_a_forked_child_stands_in_its_own_queue_and_holds_nothing_of_its_parent(
    tmp_path: Path, programme: Starts
) -> None:
    parent = programme(FORK, str(tmp_path / "turn"), "0.5")
    told, _ = parent.communicate(timeout=30)
    assert told.splitlines() == ["while the parent holds: later", "when the parent is done: taken"]
