"""What is served, printed and opened, measured: pages, start-up, memory, labels, and one try of a code."""

import gzip
import http.client
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from html import unescape
from itertools import count
from pathlib import Path
from typing import Final
from urllib.parse import urlencode, urljoin
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from kiosk.register.database import uuid7
from kiosk.register.sites import this_site
from kiosk.register.visits import Purpose, Stage, State, Visit
from kiosk.waiting import take_number
from labels.numbering import sample_number
from labels.sticker import Bearer, sticker
from labels.tubes import Kind, Tube
from printers import encode
from printers.paper import LABEL_50X25, Paper
from printers.verify import proved
from results.matrix import Channel
from results.matrix import Person as Caller
from results.upkeep import demonstration
from results.upkeep.bench.line import bare_arrival, bare_sqlite, rate, together
from results.upkeep.bench.rounds import SIDE, Broken, Ground, Measure, Row, Sides, Unmeasured
from results.upkeep.founding import open_instance
from results.upkeep.supervise import programmes
from results.vault.attempts import Answer, CodeDesk, Said
from results.vault.counters import AttemptState, Way
from results.vault.dossiers import open_dossier
from results.vault.envelopes import Body
from results.vault.keys import KeyRing
from results.vault.releases import Course, Weighed
from results.vault.slips import IssuedSlip, confirm_slip, issue_slip, prepare_slip
from results.vault.wraps import stretch_code

#: The notes' limits, where nothing can run beside.
PAGE_KB, START_S, MEMORY_MB, LABEL_BYTES, LABEL_MS = 50.0, 4.0, 250.0, 10_100.0, 10.0
#: Browsers that ask at once.
CLIENTS: Final = 8
#: Seconds after which programmes that do not answer are given up.
PATIENCE: Final = 60.0
#: Who waits while pages are asked.
IN_LINE: Final = 20
#: Codes of one slip: one round tries them all.
LINES: Final = 4
#: Labels of one round.
LABELS: Final = 100

ASSET: Final = re.compile(r"""(?:href|src)="(/static/[^"#]+)""")
NAMED_IN_STYLE: Final = re.compile(r"""url\(["']?([^"')]+)""")
BIRTH, PIN = "19540228", "7305"
#: The wall clock of a made-up label.
PLANNED: Final = datetime(2026, 1, 1, 8, 30)  # noqa: DTZ001  # the site's own hour, as printed

HELLO: Final = """
from flask import Flask
app = Flask(__name__)
app.add_url_rule("/", view_func=lambda: "hello")
"""


@dataclass
class Browser:
    """One connection that stays open, with its cookies and the token of the page it last saw."""

    port: int
    cookies: dict[str, str] = field(default_factory=dict)
    token: str = ""
    _line: http.client.HTTPConnection | None = None

    def ask(self, path: str, fields: dict[str, str] | None = None) -> tuple[int, bytes, str]:
        """Send a form, or look at a page: status, body and kind of what came."""
        if self._line is None:
            self._line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        body = None
        if fields is not None:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
            body = urlencode({"csrf_token": self.token} | fields)
        self._line.request("GET" if body is None else "POST", path, body, headers)
        answer = self._line.getresponse()
        content = answer.read()
        for one in answer.headers.get_all("Set-Cookie", []):
            name, _, value = one.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer.status, content, answer.headers.get_content_type()

    def look(self, path: str) -> str:
        """A page that must be there.

        Raises:
            Broken: when it is not.
        """
        status, content, _ = self.ask(path)
        if status != http.client.OK:
            raise Broken(f"{path} répond {status}")
        page = content.decode()
        if found := re.search(r'name="csrf_token" value="([^"]+)"', page):
            self.token = unescape(found[1])
        return page

    def close(self) -> None:
        """Hang up."""
        if self._line is not None:
            self._line.close()


@dataclass(frozen=True, kw_only=True)
class Laboratory:
    """A made-up laboratory: its instance, and a folder apart with its people's proofs."""

    instance: Path
    proofs: Path


@dataclass(frozen=True, kw_only=True)
class Served:
    """Running programmes: the supervisor's process and both ports."""

    process: int
    public: int
    staff: int


@contextmanager
def laboratory(ground: Ground) -> Iterator[Laboratory]:
    """Found a laboratory with made-up people; it has no printers, so that nothing but its own programmes run."""
    instance, proofs = ground.folder / "laboratory", ground.folder / "proofs"
    demonstration.found(instance, station=ground.make_station(instance), at=ground.now(), chance=ground.chance)
    proofs.mkdir(mode=0o700)
    (instance / "demonstration.toml").rename(proofs / "demonstration.toml")
    yield Laboratory(instance=instance, proofs=proofs)


@contextmanager
def started(command: list[str], pages: dict[int, str], *, log: Path) -> Iterator[int]:
    """Start programmes and wait for a page of each port; they are stopped at the end.

    Raises:
        Broken: when a page does not come.
    """
    with log.open("wb") as told:
        process = subprocess.Popen(command, stdout=told, stderr=told, start_new_session=True)
        try:
            for port, path in pages.items():
                _wait_for(port, path, process)
            yield process.pid
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait_for(port: int, path: str, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        browser = Browser(port)
        with suppress(OSError, http.client.HTTPException), closing(browser):
            if browser.ask(path)[0] == http.client.OK:
                return
        time.sleep(0.02)
    raise Broken("un programme ne répond pas")


def _serve(lab: Laboratory, public: int, staff: int) -> list[str]:
    start = "import sys; from results.cli import main; sys.argv[0] = 'etiquette'; main()"
    ports = ["--public-port", str(public), "--staff-port", str(staff)]
    return [sys.executable, "-c", start, "--instance", str(lab.instance), "serve", *ports]


@contextmanager
def serving(ground: Ground) -> Iterator[Served]:
    """The laboratory's programmes, as they run in the morning."""
    lab = ground.shared(laboratory)
    public, staff = free_ports(2)
    pages = {public: "/", staff: "/readyz"}
    with started(_serve(lab, public, staff), pages, log=ground.folder / "served.log") as process:
        yield Served(process=process, public=public, staff=staff)


def free_ports(wanted: int) -> list[int]:
    """Ports that nobody holds now."""
    trials = [socket.socket() for _ in range(wanted)]
    try:
        for trial in trials:
            trial.bind(("127.0.0.1", 0))
        return [trial.getsockname()[1] for trial in trials]
    finally:
        for trial in trials:
            trial.close()


@contextmanager
def _startup(ground: Ground) -> Iterator[Sides]:
    """From the command to the kiosk's first page, on a laboratory that is installed."""
    lab = ground.shared(laboratory)

    def ours() -> float:
        public, staff = free_ports(2)
        start = time.monotonic()
        with started(_serve(lab, public, staff), {public: "/"}, log=ground.folder / "started.log"):
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
    cookies = _sign_in(lab, served.staff, ground.now())
    _leave_in_line(lab, ground, IN_LINE)
    (port,) = free_ports(1)
    folder = ground.folder / "hello"
    folder.mkdir(exist_ok=True)
    (folder / "hello.py").write_text(HELLO, encoding="utf-8")
    staff_app = programmes(lab.instance, public_port=0, staff_port=port)[1].command
    command = ["hello:app" if part.startswith("results.app:") else part for part in staff_app]
    with started([*command, "--pythonpath", str(folder)], {port: "/"}, log=folder / "log"):
        yield Sides(
            ours=lambda: _asked_together(served.staff, lambda browser: browser.look("/file"), cookies=cookies),
            floor=lambda: _asked_together(port, lambda browser: browser.look("/")),
        )


@contextmanager
def _checkin_http(ground: Ground) -> Iterator[Sides]:
    """Eight kiosks press for numbers, beside the bare statements of a check-in."""
    lab, port = ground.shared(laboratory), ground.shared(serving).public
    path = "/come/walk_in"

    def arrive(browser: Browser) -> None:
        if not browser.token:
            browser.look(path)
        status, _, _ = browser.ask(path, {"form_key": ground.chance(16).hex()})
        if status != http.client.SEE_OTHER:
            raise Broken(f"une arrivée répond {status}")

    def ours() -> float:
        _leave_in_line(lab, ground, IN_LINE)
        return _asked_together(port, arrive)

    folder = ground.folder / "bare-http"
    folder.mkdir()
    with bare_sqlite(folder) as raw:
        yield Sides(ours=ours, floor=partial(rate, partial(bare_arrival, raw, "?", count())))


def _asked_together(port: int, ask: Callable[[Browser], object], *, cookies: dict[str, str] | None = None) -> float:
    """What eight browsers ask in a second, each over its own open connection."""
    until = time.monotonic() + SIDE

    def work(_: int) -> int:
        done = 0
        with closing(Browser(port, dict(cookies or {}))) as browser:
            while time.monotonic() < until:
                ask(browser)
                done += 1
        return done

    return together(work, CLIENTS)


def _sign_in(lab: Laboratory, port: int, at: datetime) -> dict[str, str]:
    """The cookies of a secretary at the first desk."""
    told = re.search(r" sophie +(\S+) +code (\d{6})", demonstration.codes(lab.proofs, at=at))
    with closing(Browser(port)) as browser:
        browser.look("/entrer")
        proofs = {"password": told[1], "digits": told[2]} if told else {}
        status, _, _ = browser.ask("/entrer", {"login": "sophie", "desk": "Guichet 1"} | proofs)
        if status not in {http.client.FOUND, http.client.SEE_OTHER}:
            raise Broken(f"l'entrée du personnel répond {status}")
        return browser.cookies


def _leave_in_line(lab: Laboratory, ground: Ground, people: int) -> None:
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
                    db, this_site(db), purpose=Purpose.WALK_IN, said=None, by="Borne 1", at=ground.now(),
                    chance=ground.chance, key=ground.chance(16).hex(),
                )  # fmt: skip
    finally:
        database.close()


def labels(wanted: int) -> Iterator[Paper]:
    """Labels of made-up people, short names and long ones, every kind of tube."""
    names = ("Moreau", "Nguyễn", "d'Œuf-Roux", "Wawrzyniakowski-Lefèbvre de la Tour")
    for place in range(wanted):
        bearer = Bearer(
            birth_name=names[place % len(names)], given_name="Éloïse", born="29/02/1964", sex="F", number=place + 1,
            used_name=names[place % 3] if place % 2 else None,
        )  # fmt: skip
        tube = Tube(
            sample_number=sample_number(2026, 1, 1, place + 1), kind=tuple(Kind)[place % len(Kind)],
            position=1 + place % 6, total=6, minutes=None, exams=["1104"],
        )  # fmt: skip
        yield sticker(tube, bearer, planned=PLANNED, urgent=place % 5 == 0)


def compiled(paper: Paper) -> bytes:
    """What goes down the wire for one label: drawn, read back, and as bytes with the question for its proof."""
    return encode.escpos(proved(paper), LABEL_50X25) + encode.ask_process_id(b"0001")


@contextmanager
def _label_bytes(_: Ground) -> Iterator[Sides]:
    papers = list(labels(LABELS // 5))
    yield Sides(ours=lambda: float(max(len(compiled(paper)) for paper in papers)), floor=lambda: LABEL_BYTES)


@contextmanager
def _label_cpu(_: Ground) -> Iterator[Sides]:
    """Milliseconds of this process for one label, its fonts loaded as the station has them."""
    papers = list(labels(LABELS))
    for paper in papers[: len(Kind)]:
        compiled(paper)

    def ours() -> float:
        start = time.process_time()
        for paper in papers:
            compiled(paper)
        return 1000 * (time.process_time() - start) / len(papers)

    yield Sides(ours=ours, floor=lambda: LABEL_MS)


class _PlainRule:
    """A rule that always lets tell, of nothing: what is measured is the way of a code, not of a report."""

    def weigh(self, db: Session, dossier_id: UUID, *, at: datetime) -> Weighed:
        """Tell."""
        del db, dossier_id, at
        return Weighed(course=Course.TELL, matrix_version=1, channel=Channel.PHONE, person=Caller.WITH_CODE)

    def open(self, weighed: Weighed, private: bytes) -> tuple[Body, ...]:
        """Nothing is there to open."""
        del weighed, private
        return ()

    def settle(self, db: Session, answer: Answer) -> None:
        """No call to end."""
        del db, answer


@contextmanager
def _code_check(ground: Ground) -> Iterator[Sides]:
    """A right code from the count to the commit, beside the one Argon2id that it must pay."""
    lab, chance, at = ground.shared(laboratory), ground.chance, ground.now()
    keys, by = KeyRing.load(lab.instance / "keys"), uuid7(at, chance)
    database = open_instance(lab.instance)
    with database.reading() as db:
        site_id = this_site(db).id
    desk = CodeDesk(lambda: database.transaction("results"), keys, chance)

    def issue() -> IssuedSlip:
        with database.transaction("results") as db:
            dossier = open_dossier(
                db, keys, site_id=site_id, visit_id=uuid7(at, chance), birth_date=BIRTH, classes=("C2",), wishes=(),
                promised_at=at, by=by, at=at, chance=chance,
            )  # fmt: skip
        prepared = prepare_slip(
            keys, dossier_id=dossier.id, pin=PIN, birth_date=BIRTH, at=at, chance=chance, lines=LINES
        )
        with database.transaction("results") as db:
            issued = issue_slip(db, keys, prepared, by=by, at=at, chance=chance)
        with database.transaction("results") as db:
            confirm_slip(db, issued.slip_id, by=by, at=at, chance=chance)
        return issued

    def ours() -> float:
        issued, spent = issue(), 0.0
        for line, code in enumerate(issued.codes, start=1):
            said = Said(
                key=chance(16).hex(), site_id=site_id, slip_id=issued.slip_id, line=line, call_id=uuid7(at, chance),
                way=Way.PHONE, code15=code[:15], pin=PIN, birth_date=BIRTH, by=by, midnight=at + timedelta(hours=12),
            )  # fmt: skip
            start = time.monotonic()
            answer = desk.try_code(said, _PlainRule(), at=at)
            spent += time.monotonic() - start
            if answer.state is not AttemptState.RELEASED:
                raise Broken("un code juste n'ouvre pas")
        return 1000 * spent / LINES

    def floor() -> float:
        start = time.monotonic()
        for _ in range(LINES):
            stretch_code("0" * 15, PIN, chance(16), cost=keys.line_cost)
        return 1000 * (time.monotonic() - start) / LINES

    try:
        yield Sides(ours=ours, floor=floor)
    finally:
        database.close()


def _one(
    name: str, group: str, unit: str, goal: str, opened: Callable[[Ground], AbstractContextManager[Sides]]
) -> Measure:
    return Measure(rows=(Row(name=name, group=group, unit=unit, goal=goal),), open=opened)


#: Start-up comes before the programmes that stay up for the rows that follow it.
SERVED: Final = (
    _one("label_bytes", "paper", "bytes", "<=1.0", _label_bytes),
    _one("label_cpu", "paper", "ms", "<=1.0", _label_cpu),
    _one("code_check", "code", "ms", "<=1.2", _code_check),
    _one("startup", "web", "s", "<=1.0", _startup),
    _one("memory", "web", "MB", "<=1.0", _memory),
    _one("first_page", "web", "KB", "<=1.0", _first_page),
    _one("counter_page", "web", "req/s", ">=0.35", _counter_page),
    _one("checkin_http", "web", "tx/s", ">=0.20", _checkin_http),
)
