"""Counters call through HTTP, from one staff programme or two, on both engines: nobody twice, nobody forgotten.

The full size is asked for by `ETIQUETTE_THOROUGH=1`: 600 and 5,000 tickets, 300 pairs.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from http.client import CONFLICT, SEE_OTHER, SERVICE_UNAVAILABLE
from pathlib import Path
from uuid import uuid4

import pytest
from pyotp import TOTP
from sqlalchemy import create_engine, make_url, select, text, update

from kiosk.places import line
from kiosk.register import clock
from kiosk.register.database import Database, open_database, uuid7
from kiosk.register.sites import Site, this_site
from kiosk.register.visits import Move, Stage, State, Verb, Visit
from results.upkeep.bench.serving import Browser
from results.upkeep.schema import migrate
from results.upkeep.supervise import free_ports
from results.vault.keys import KeyRing, unlock
from tests.founded import HOUSE
from tests.processes import until
from tests.staffroom import CHEAP, PASSWORD, SEED, _founded, people, power_of, write_settings
from tests.thorough import far

pytestmark = [pytest.mark.timeout(far(170, 3600)), pytest.mark.long]

#: Counters and tickets; pairs of counters that press at one instant.
LINES = far([(8, 48)], [(4, 600), (8, 600), (4, 5000), (8, 5000)])
PAIRS = far(12, 300)
#: Everyone who may call: each sits at two counters.
CALLERS = ("sophie", "nadia", "karim", "lenoir")


@dataclass(frozen=True, kw_only=True)
class Staff:
    """A laboratory whose staff programmes run."""

    database: Database
    ports: list[int]
    cookies: dict[str, dict[str, str]]

    @contextmanager
    def counters(self, many: int) -> Iterator[list[Browser]]:
        """So many counters with an open line page, spread over the programmes."""
        with ExitStack() as closed:
            made = []
            for nth in range(many):
                browser = Browser(self.ports[nth % len(self.ports)], dict(self.cookies[CALLERS[nth % len(CALLERS)]]))
                closed.enter_context(closing(browser))
                browser.look("/file")
                made.append(browser)
            yield made

    def wait(self, people: int) -> set[str]:
        """So many people wait; everyone of before has gone."""
        at = clock.now()
        with self.database.transaction() as db:
            db.execute(update(Visit).values(state=State.LEFT))
            site = this_site(db)
            first = (db.scalar(select(Visit.number).order_by(Visit.number.desc()).limit(1)) or 0) + 1
            came = [
                Visit(
                    id=uuid7(at, clock.chance), site_id=site.id, day=clock.day(site.timezone, at),
                    number=first + n,
                    state=State.ARRIVED, stage=Stage.COUNTER, purpose="walk_in", language="fr",
                    arrived_at=at - timedelta(minutes=10, seconds=-n % 300), needs_help=n % 9 == 0,
                    waits_since=at - timedelta(minutes=10, seconds=-n % 300), announced_low=0, announced_high=5,
                )
                for n in range(people)
            ]  # fmt: skip
            db.add_all(came)
            return {str(one.id) for one in came}

    def calls(self, of: set[str]) -> list[Move]:
        """Every call of some people."""
        with self.database.reading() as db:
            moves = db.scalars(select(Move).where(Move.verb == Verb.CALL)).all()
            return [one for one in moves if str(one.visit_id) in of]


def press(counter: Browser) -> int:
    """« Suivant », with a form of its own, by someone who has read what the last one said: the answer's status.

    Whoever is told to come back sends the same form again.
    """
    before, key = dict(counter.cookies), uuid4().hex
    while (status := counter.ask("/file/appeler", {"form_key": key})[0]) == SERVICE_UNAVAILABLE:
        time.sleep(1)
    counter.cookies = before
    return status


def said_in_truth(call: Move, who: Visit) -> str:
    """What the trace of a call must say of somebody without an appointment, by the hour at which it was made."""
    minutes = (call.at - who.waits_since) // timedelta(minutes=1)
    return f"{'aide, ' if who.needs_help else ''}attend depuis {minutes} min"


def postgresql_laboratory(address: str, folder: Path, at: datetime) -> str:
    """The same laboratory and its people in a database of their own."""
    name = f"lasting_{uuid4().hex[:12]}"
    server = create_engine(address, isolation_level="AUTOCOMMIT")
    with server.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    server.dispose()
    made = make_url(address).set(database=name).render_as_string(hide_password=False)
    migrate(made, made)
    database = open_database(made, made)
    with database.transaction() as db:
        db.add(
            Site(
                id=uuid7(at, clock.chance), number=1, name="Tilleuls", timezone="Europe/Paris",
                opens=at.time().replace(tzinfo=None, hour=0, minute=0), closes=at.time().replace(tzinfo=None, hour=23),
            )
        )  # fmt: skip
    seed = unlock(folder / "keys", "lenoir", "la rivière sous le pont", cost=CHEAP).signer_seed
    people(database, power_of(KeyRing.load(folder / "keys")), seed, at=at, chance=clock.chance)
    database.close()
    return made


@contextmanager
def running(folder: Path, register: str, programmes: int) -> Iterator[Staff]:
    """Start the staff programmes of a laboratory and sign everyone in."""
    ports = free_ports(programmes)
    environment = {**os.environ, "ETIQUETTE_INSTANCE": str(folder)}
    started = [
        subprocess.Popen(
            [
                *(sys.executable, "-m", "gunicorn", "results.app:serve()", "--bind", f"127.0.0.1:{port}"),
                *("--workers", "1", "--worker-class", "gthread", "--threads", "32", "--log-level", "warning"),
                *("--no-control-socket", "--config", "python:kiosk.serving"),
            ],
            env=environment, cwd=HOUSE, start_new_session=True,
        )
        for port in ports
    ]  # fmt: skip
    database = open_database(register, str(folder / "results.sqlite"))
    try:
        until(lambda: all(ready(port) for port in ports), "the staff programmes", seconds=90)
        yield Staff(database=database, ports=ports, cookies={login: signed_in(ports[0], login) for login in CALLERS})
    finally:
        database.close()
        for one in started:
            one.terminate()
        for one in started:
            with suppress(subprocess.TimeoutExpired):
                one.wait(20)
            one.kill()


def ready(port: int) -> bool:
    with suppress(OSError), closing(Browser(port)) as browser:
        return browser.ask("/readyz")[0] == 200
    return False


def signed_in(port: int, login: str) -> dict[str, str]:
    with closing(Browser(port)) as browser:
        browser.look("/entrer")
        proofs = {"login": login, "password": PASSWORD, "digits": TOTP(SEED).at(clock.now()), "desk": "Guichet 1"}
        status, _, _ = browser.ask("/entrer", proofs)
        assert status == 303
        return browser.cookies


@pytest.fixture(scope="module", params=["sqlite-1", "sqlite-2", "postgresql-1", "postgresql-2"])
def staff(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staff]:
    engine, _, programmes = request.param.partition("-")
    at = clock.now() - timedelta(minutes=5)
    founded, _ = _founded(at.replace(hour=0, minute=0, second=0, microsecond=0))
    folder = tmp_path_factory.mktemp("calls") / "laboratory"
    shutil.copytree(founded, folder)
    folder.chmod(0o700)
    register = str(folder / "register.sqlite")
    if engine == "postgresql":
        register = postgresql_laboratory(request.getfixturevalue("postgresql_address"), folder, at)
        fingerprint = hashlib.sha256(KeyRing.load(folder / "keys").signers["lenoir"]).hexdigest()
        write_settings(folder, fingerprint, register=register)
    with running(folder, register, int(programmes)) as opened:
        yield opened


@pytest.mark.parametrize(("many", "tickets"), LINES)
def test_counters_that_press_without_pause_call_everyone_once_each_for_a_true_reason(
    staff: Staff, many: int, tickets: int
) -> None:
    came = staff.wait(tickets)

    def empty(counter: Browser) -> int:
        done = 0
        while (status := press(counter)) == SEE_OTHER:
            done += 1
        assert status == CONFLICT  # nobody waits any more
        return done

    with staff.counters(many) as counters, ThreadPoolExecutor(many) as pool:
        answered = sum(pool.map(empty, counters))
    calls = staff.calls(came)
    assert Counter(str(one.visit_id) for one in calls) == dict.fromkeys(came, 1)
    assert answered == tickets
    with staff.database.reading() as db:
        who = {one.id: one for one in db.scalars(select(Visit))}
    assert [one.reason for one in calls] == [said_in_truth(one, who[one.visit_id]) for one in calls]


def test_two_counters_at_the_same_instant_never_get_the_same_person(staff: Staff) -> None:
    came = staff.wait(2 * PAIRS)
    together = threading.Barrier(2)

    def presses(counter: Browser) -> list[int]:
        seen = []
        for _ in range(PAIRS):
            together.wait(30)
            seen.append(press(counter))
        return seen

    with staff.counters(2) as counters, ThreadPoolExecutor(2) as pool:
        statuses = [status for seen in pool.map(presses, counters) for status in seen]
    assert statuses == [303] * (2 * PAIRS)
    assert Counter(str(call.visit_id) for call in staff.calls(came)) == dict.fromkeys(came, 1)


def test_one_form_sent_to_both_programmes_at_the_same_instant_calls_one_person(staff: Staff) -> None:
    came = staff.wait(3)
    together = threading.Barrier(2)

    def sends(counter: Browser, key: str) -> int:
        together.wait(30)
        return counter.ask("/file/appeler", {"form_key": key})[0]

    with ExitStack() as closed, ThreadPoolExecutor(2) as pool:
        # One person, whose two browsers have the same form open.
        twice = [Browser(port, dict(staff.cookies["sophie"])) for port in (staff.ports[0], staff.ports[-1])]
        for counter in twice:
            closed.enter_context(closing(counter))
            counter.look("/file")
        for sent in range(1, 4):
            statuses = list(pool.map(partial(sends, key=uuid4().hex), twice))
            assert statuses == [303, 303]
            assert len(staff.calls(came)) == sent


def test_the_order_of_one_counter_is_the_order_of_the_line(staff: Staff) -> None:
    staff.wait(6)
    with staff.database.reading() as db:
        shown = [place.visit.id for place in line(db, this_site(db), Stage.COUNTER, at=clock.now())]
    with staff.counters(1) as (counter,):
        for _ in shown:
            assert press(counter) == 303
            time.sleep(0.01)  # the trace of two calls is told apart by its hour
    assert [one.visit_id for one in sorted(staff.calls({str(one) for one in shown}), key=lambda one: one.at)] == shown
