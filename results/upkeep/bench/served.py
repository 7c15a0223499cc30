"""What is served, measured: start-up, memory, and pages beside the barest server's."""

import gzip
import http.client
import re
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from html import unescape
from itertools import count
from pathlib import Path
from typing import Final
from urllib.parse import urljoin

from sqlalchemy import func, select, update

from kiosk.line.estimate import Range
from kiosk.register.sites import this_site
from kiosk.register.visits import Purpose, Stage, State, Visit
from kiosk.waiting import take_number
from results.upkeep.bench.bare import bare
from results.upkeep.bench.label_and_code import LABEL_AND_CODE
from results.upkeep.bench.reception import rate, reception, together
from results.upkeep.bench.rounds import SIDE, Broken, Ground, Sides, Unmeasured, alone
from results.upkeep.bench.serving import (
    Browser,
    Laboratory,
    laboratory,
    secretary,
    serve,
    serving,
    started,
)
from results.upkeep.bench.six_tubes import six_tubes
from results.upkeep.founding import open_instance
from results.upkeep.supervise import free_ports, programmes

#: The notes' limits, where nothing can run beside.
PAGE_KB, START_S, MEMORY_MB = 50.0, 4.0, 250.0
#: Browsers that ask at once.
CLIENTS: Final = 8
#: Who waits while pages are asked.
IN_LINE: Final = 20

ASSET: Final = re.compile(r"""(?:href|src)="(/static/[^"#]+)""")
NAMED_IN_STYLE: Final = re.compile(r"""url\(["']?([^"')]+)""")

HELLO: Final = """
from flask import Flask
app = Flask(__name__)
app.add_url_rule("/", view_func=lambda: "hello")
"""


@contextmanager
def _startup(ground: Ground) -> Iterator[Sides]:
    """From the command to the kiosk's first page, on a laboratory that is installed."""
    lab = ground.shared(laboratory)

    def ours() -> float:
        public, staff = free_ports(2)
        start = time.monotonic()
        with started(serve(lab, public, staff), {public: "/"}, log=ground.folder / "started.log"):
            return time.monotonic() - start

    yield Sides(ours=ours, floor=lambda: START_S)


@contextmanager
def _memory(ground: Ground) -> Iterator[Sides]:
    """What all programmes hold when nobody asks them anything; shared pages are counted once."""
    served = ground.shared(serving)

    def ours() -> float:
        time.sleep(SIDE)
        return sum(_held(process) for process in _family(served.process)) / 1e6

    yield Sides(ours=ours, floor=lambda: MEMORY_MB)


def _family(process: int) -> Iterator[int]:
    yield process
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()
    except OSError:
        raise Unmeasured("cette machine ne dit pas qui a lancé qui") from None
    for child in children:
        yield from _family(int(child))


def _held(process: int) -> int:
    """Bytes of a process, its part of what it shares with others (Pss)."""
    try:
        told = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
    except OSError:
        raise Unmeasured("cette machine ne dit pas la mémoire de chacun") from None
    found = re.search(r"^Pss: +(\d+) kB", told, re.MULTILINE)
    return int(found[1]) * 1024 if found else 0


@contextmanager
def _first_page(ground: Ground) -> Iterator[Sides]:
    """All that a kiosk fetches to show its first page; text as a front server compresses it."""
    port = ground.shared(serving).public
    yield Sides(ours=lambda: first_load(port) / 1000, floor=lambda: PAGE_KB)


def first_load(port: int) -> int:
    """Bytes over the wire of the first page with its style, scripts, pictures and every font that it names."""
    size, seen, wanted = 0, set[str](), ["/"]
    with closing(Browser(port)) as browser:
        while wanted:
            path = wanted.pop()
            seen.add(path)
            status, content, kind = browser.ask(path)
            if status != http.client.OK:
                raise Broken(f"{path} répond {status}")
            is_text = kind.startswith("text/") or kind.endswith(("javascript", "json", "xml"))
            size += len(gzip.compress(content)) if is_text else len(content)
            if kind == "text/html":
                named = [unescape(one) for one in ASSET.findall(content.decode())]
            elif kind == "text/css":
                named = [urljoin(path, one) for one in NAMED_IN_STYLE.findall(content.decode())]
            else:
                named = []
            wanted += [one for one in dict.fromkeys(named) if one not in seen and one not in wanted]
    return size


@contextmanager
def _counter_page(ground: Ground) -> Iterator[Sides]:
    """The live line with twenty people, beside a page that says hello on the same server."""
    lab, served = ground.shared(laboratory), ground.shared(serving)
    cookies = secretary(ground)
    leave_in_line(lab, ground, IN_LINE)
    (port,) = free_ports(1)
    folder = ground.folder / "hello"
    folder.mkdir(exist_ok=True)
    (folder / "hello.py").write_text(HELLO, encoding="utf-8")
    staff_app = programmes(lab.instance, public_port=0, staff_port=port)[1].command
    command = ["hello:app" if part.startswith("results.app:") else part for part in staff_app]
    with started([*command, "--pythonpath", str(folder)], {port: "/"}, log=folder / "log"):
        yield Sides(
            ours=lambda: _looked_at_together(served.staff, "/file", cookies),
            floor=lambda: _looked_at_together(port, "/", {}),
        )


def _looked_at_together(port: int, path: str, cookies: dict[str, str]) -> float:
    with ExitStack() as open_lines:
        eight = [open_lines.enter_context(closing(Browser(port, dict(cookies)))) for _ in range(CLIENTS)]
        return asked_together(eight, lambda browser: browser.look(path))


@contextmanager
def _checkin_http(ground: Ground) -> Iterator[Sides]:
    """Eight kiosks press for numbers, beside a driver that writes the rows of a check-in."""
    folder, places = ground.folder / "bare-http", count()
    folder.mkdir()
    with (
        reception(str(folder / "register.sqlite"), str(folder / "results.sqlite"), ground.chance) as beside,
        bare(str(folder / "register.sqlite"), beside.site.id) as floor,
    ):
        yield Sides(ours=partial(take_numbers, ground, CLIENTS), floor=partial(rate, lambda: floor.arrive(places)))


def take_numbers(ground: Ground, kiosks: int, *, seconds: float = SIDE) -> float:
    """Numbers a second that so many kiosks are given over HTTP; no printer is there, so no paper is waited for."""
    lab, port, path = ground.shared(laboratory), ground.shared(serving).public, "/come/walk_in"

    def arrive(browser: Browser) -> None:
        status, _, _ = browser.ask(path, {"form_key": ground.chance(16).hex()})
        if status != http.client.SEE_OTHER:
            raise Broken(f"une arrivée répond {status}")

    leave_in_line(lab, ground, IN_LINE)
    with ExitStack() as open_lines:
        standing = [open_lines.enter_context(closing(Browser(port))) for _ in range(kiosks)]
        for browser in standing:
            browser.look(path)
        return asked_together(standing, arrive, seconds=seconds)


def asked_together(browsers: Sequence[Browser], ask: Callable[[Browser], object], *, seconds: float = SIDE) -> float:
    """How much some browsers ask in a second when all ask for so many seconds, each over its own open connection."""
    until = time.monotonic() + seconds

    def work(place: int) -> int:
        done = 0
        while time.monotonic() < until:
            ask(browsers[place])
            done += 1
        return done

    return together(work, len(browsers))


def leave_in_line(lab: Laboratory, ground: Ground, people: int) -> None:
    """Send home everyone but the newest arrivals, as a morning would; then bring the line up to its length."""
    database = open_instance(lab.instance)
    try:
        with database.transaction() as db:
            waits = (Visit.state == State.ARRIVED, Visit.stage == Stage.COUNTER)
            newest = select(Visit.id).where(*waits).order_by(Visit.arrived_at.desc()).limit(people)
            db.execute(
                update(Visit).where(*waits, Visit.id.not_in(newest)).values(state=State.LEFT),
                execution_options={"synchronize_session": False},
            )
            for _ in range(people - (db.scalar(select(func.count()).select_from(Visit).where(*waits)) or 0)):
                take_number(
                    db, this_site(db), wait=Range(low=0, high=5), purpose=Purpose.WALK_IN, said=None, by="Borne 1",
                    at=ground.now(), chance=ground.chance, key=ground.chance(16).hex(),
                )  # fmt: skip
    finally:
        database.close()


#: Start-up comes before the programmes that stay up for the rows that follow it.
SERVED: Final = (
    *LABEL_AND_CODE,
    alone("startup", "web", "s", "<=1.0", _startup),
    alone("memory", "web", "MB", "<=1.0", _memory),
    alone("first_page", "web", "KB", "<=1.0", _first_page),
    alone("counter_page", "web", "req/s", ">=0.08", _counter_page),  # not the notes' 0.35: ADR 0026
    alone("checkin_http", "web", "tx/s", ">=0.20", _checkin_http),
    alone("six_tubes", "paper", "s", "<=1.0", six_tubes),
)
