"""Two laboratories on the same day with the same chance, whose results alone differ: outside nobody can tell which."""

import random
import re
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from kiosk.app import create_app
from kiosk.door.devices import invite, take_over
from kiosk.door.threshold import COOKIE
from kiosk.exams.catalogue import ReleaseClass
from kiosk.formats.folding import fold
from kiosk.register.patients import Patient, patient_of
from labels.tubes import Tube
from results import telling
from results.callers import asking
from results.callers.numbers import keep_number
from results.desks import trying
from results.exchange.intake import take
from results.giving import delivery_of
from results.reports.versions import reports_of
from results.signing import open_to_read, sign_what_was_read
from results.vault import envelopes
from results.vault.codes import with_check_digit, write_code
from results.vault.dossiers import Dossier, Wish
from results.vault.keys import ExchangeKeys
from results.vault.releases import Course
from results.vault.slips import IssuedSlip
from results.weighing import weigh
from tests.results.cast import BIRTH, Desks, exam_of, open_desks
from tests.results.safety.laboratory import FAST
from tests.staffroom import Browser
from tests.thorough import far

pytestmark = pytest.mark.long

Chance = Callable[[int], bytes]

#: Pairs of results that differ, a few of them in each pair of laboratories.
DAYS, PAIRS = far((4, 25), (80, 25))
CLASSES = tuple(ReleaseClass)
#: Kind, value, unit, mark, comment. Marks that make an alarm are exempt (section 4 of the note), and so are comments
#: that carry an ordinary report over a power of two.
ANSWERS = (
    ("ST", "négatif", "", "", ""),
    ("ST", "POSITIF", "", "A", "Confirmé par une seconde technique. Un contrôle est souhaitable."),
    ("NM", "0.92", "g/L", "N", ""),
    ("NM", "471.3", "g/L", "H", "Résultat contrôlé sur un second prélèvement."),
    ("NM", "12", "UI/L", "L", ""),
    ("ST", "non réactif", "", "", "Sérum conforme."),
    ("ST", "RÉACTIF, à confirmer", "", "A", "x" * 180),
    ("ST", "présence de cellules atypiques", "", "A", "Avis du spécialiste demandé. " * 4),
)
#: What anyone of the reception may look at, whoever is concerned.
STAFF_PAGES = (
    "/", "/file", "/file/panneau", "/remise", "/telephone", "/telephone/medecin", "/medecins", "/alarme", "/affluence",
    "/aide", "/messages-retenus", "/rendez-vous", "/rectifies", "/imprimantes/panneau", "/note-du-matin",
    "/readyz",
)  # fmt: skip
#: Headers that the framework makes of the real second.
_BY_THE_WALL_CLOCK = {"Set-Cookie", "Date", "Last-Modified", "Expires"}
PUBLIC_PAGES = ("/", "/board", "/board/state", "/coming", "/livez", "/readyz")


@dataclass(kw_only=True)
class World:
    """One of the two laboratories, and all that has left it so far."""

    desks: Desks
    kiosk: FlaskClient
    exchange: ExchangeKeys
    kiln: list[str]
    seen: list[str] = field(default_factory=list)
    browser: Browser = field(init=False)

    def sign_in(self) -> None:
        self.browser = self.desks.browser()

    def note(self, answer: TestResponse) -> TestResponse:
        """Keep all that leaves; the token of a form is made of the real second and a secret of the sign-in."""
        bare = re.sub(rb'name="csrf_token" value="[^"]+"', b"", answer.data)
        headers = sorted((name, value) for name, value in answer.headers if name not in _BY_THE_WALL_CLOCK)
        self.seen.append(repr((answer.status_code, headers, bare)))
        return answer

    def look_around(self) -> None:
        """Every page of the reception, of the kiosk and of the board."""
        for path in STAFF_PAGES:
            self.note(self.browser.get(path))
        for path in PUBLIC_PAGES:
            self.note(self.kiosk.get(path, base_url="https://labo.test"))

    def register(self, release_class: ReleaseClass) -> tuple[Any, IssuedSlip]:
        dossier_id = self.desks.dossier(release_class, wishes=(Wish.OWN_NUMBER,))
        with self.desks.database.transaction("results") as db:
            delivery = delivery_of(db, db.get_one(Dossier, dossier_id).visit_id)
            assert delivery is not None
            keep_number(db, delivery, "0612345678", power=self.desks.room.power, chance=self.desks.chance)
        with self.desks.database.transaction() as db:
            patient = patient_of(db, db.get_one(Dossier, dossier_id).visit_id)
            assert patient is not None
            # A name of one's own: two of one name and birth date would wait for a person.
            patient.birth_name = "MOREAU" + "".join(chr(ord("A") + int(digit)) for digit in str(patient.number))
            patient.folded_birth_name = fold(patient.birth_name)
        return dossier_id, self.desks.slip(dossier_id)

    def receive(self, dossier_id: Any, release_class: ReleaseClass, number: int, answer: tuple[str, ...]) -> None:
        """The laboratory system answers, and the biologist signs."""
        desks = self.desks
        with desks.database.reading() as db:
            visit_id = db.get_one(Dossier, dossier_id).visit_id
            patient = patient_of(db, visit_id)
            tube = db.scalars(select(Tube).where(Tube.visit_id == visit_id)).first()
        assert patient is not None
        assert tube is not None
        raw = message(patient, tube.sample_number, exam_of(release_class), number, answer)
        taken = take(
            desks.database, [raw], keys=desks.keys, exchange_keys=self.exchange, is_production=True, at=desks.at,
            chance=desks.chance,
        )  # fmt: skip
        assert taken.tally.matched == 1, taken.reasons
        lenoir = desks.room.people["lenoir"].id
        with desks.database.transaction("results") as db:
            (report,) = reports_of(db, dossier_id)
            read = open_to_read(
                db, desks.keys, report.id, biologist=desks.lenoir, by=lenoir, power=desks.room.power, at=desks.at,
                chance=desks.chance,
            )  # fmt: skip
            sign_what_was_read(
                db, desks.keys, report.id, seen=read.seen, is_route_agreed=False, is_whole=True,
                biologist=desks.lenoir, by=lenoir, power=desks.room.power, at=desks.at, chance=desks.chance,
            )  # fmt: skip

    def ring(self, slip: IssuedSlip) -> TestResponse:
        """A caller reads a reference."""
        self.browser.get("/telephone")
        typed = {"handle_digits": with_check_digit(slip.handle), "form_key": self.desks.chance(16).hex()}
        self.note(self.browser.post("/telephone/reference", **typed))
        return self.note(self.browser.get("/telephone/appel"))

    def say_wrongly(self, page: TestResponse, slip: IssuedSlip) -> None:
        """The caller's PIN is wrong."""
        hidden = dict(re.findall(r'name="(call|line)" value="([^"]+)"', page.text))
        if "line" not in hidden:
            return
        code = write_code(slip.codes[int(hidden["line"]) - 1])
        said = {"code": code, "pin": "7306", "birth_digits": "28/02/1954", "form_key": self.desks.chance(16).hex()}
        self.note(self.browser.post("/telephone/code", **{**hidden, **said}))

    def ask_without_slip(self, dossier_id: Any) -> None:
        """The caller has left the slip at home."""
        with self.desks.database.reading() as db:
            patient = patient_of(db, db.get_one(Dossier, dossier_id).visit_id)
        assert patient is not None
        said = {"family_name": patient.birth_name, "given_name": "Jeanne", "birth_digits": "28/02/1954"}
        self.browser.get("/telephone")
        key = self.desks.chance(16).hex()
        self.note(self.browser.post("/telephone/sans-talon/noter", form_key=key, **said))
        self.note(self.browser.get("/telephone/sans-talon/note"))

    def look_whom_to_ring(self) -> None:
        """The list of those who may be rung, and the page of each."""
        found = self.note(self.browser.get("/telephone/rappels"))
        for path in re.findall(r'href="(/telephone/rappels/[^"]+)"', found.text):
            self.note(self.browser.get(path))

    def at_the_counter(self, dossier_id: Any) -> None:
        """The pages of one visit, as the secretary opens them."""
        with self.desks.database.reading() as db:
            visit_id = db.get_one(Dossier, dossier_id).visit_id
        for path in (f"/remise/{visit_id}", f"/passage/{visit_id}", f"/passage/{visit_id}/resultats"):
            self.note(self.browser.get(path))

    def stored(self) -> dict[str, list[Any]]:
        """Every row of every file: what is sealed by its length, everything else as it is."""
        rows: dict[str, list[Any]] = {}
        for path in sorted(self.desks.room.folder.glob("*.sqlite")):
            with closing(sqlite3.connect(path)) as db:
                for (table,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
                    found = db.execute(f"SELECT * FROM {table}").fetchall()  # noqa: S608  # a name of our own tables
                    rows[f"{path.name}.{table}"] = [
                        tuple(len(one) if isinstance(one, bytes) else one for one in row) for row in found
                    ]
        return rows


def message(patient: Patient, sample: str, code: str, number: int, answer: tuple[str, ...]) -> bytes:
    """What the laboratory system says of one visit."""
    kind, value, unit, mark, comment = answer
    given = patient.given_names.split(",")[0]
    lines = [
        f"MSH|^~\\&|SIL|LABO|||20261121090000||ORU^R01^ORU_R01|M{number}|P|2.5",
        f"PID|1||1||{patient.birth_name}^{given}^^^^^L||{BIRTH}|{patient.sex}",
        f"OBR|1|{sample}|F{number}|{code}^Dosage^NABM|||20261121080000|||||||||||||||20261121090000|||F",
        f"OBX|1|{kind}|{code}^Dosage essentiel^NABM||{value}|{unit}||{mark}|||F",
    ]
    if comment:
        lines.append(f"NTE|1||{comment}")
    return ("\r".join(lines) + "\r").encode()


@pytest.fixture
def twins(at: datetime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], tuple[World, World]]]:
    """Makes two laboratories of one seed."""
    monkeypatch.setattr(trying, "PACE_S", 0.0)
    with ExitStack() as closing_up:

        def pair(seed: int) -> tuple[World, World]:
            made = []
            for _ in range(2):
                folder = Path(closing_up.enter_context(tempfile.TemporaryDirectory(dir=FAST)))
                desks = closing_up.enter_context(open_desks(folder, at=at, chance=random.Random(seed).randbytes))
                kiosk = kiosk_of(folder, desks)
                closing_up.callback(kiosk.application.extensions["house"].database.close)
                closing_up.callback(kiosk.application.extensions["house"].spool.close)
                exchange = ExchangeKeys.load(folder / "keys-exchange")
                made.append(World(desks=desks, kiosk=kiosk, exchange=exchange, kiln=[]))
            return made[0], made[1]

        yield pair


def kiosk_of(folder: Path, desks: Desks) -> FlaskClient:
    """The public app over the same register, seen by a screen that is paired with it."""
    file = folder / "kiosk.toml"
    file.touch(mode=0o600)
    file.write_text(
        'register = "register.sqlite"\nspool = "spool.sqlite"\nticket_printer = "tickets"\ndemonstration = false\n'
        f'station = "{"ab" * 64}"\nsecret = "{random.Random(8).randbytes(32).hex()}"\n',
        encoding="utf-8",
    )
    app = create_app(folder)
    app.extensions["house"] = replace(app.extensions["house"], now=lambda: desks.at, chance=desks.chance)
    with desks.database.transaction() as db:
        site_id = desks.site().id
        invited = invite(db, site_id, "Borne 1", by="test", at=desks.at, chance=desks.chance)
        token = take_over(db, site_id, invited, at=desks.at, chance=desks.chance)
    client = app.test_client()
    client.set_cookie(COOKIE, token, domain="labo.test", secure=True)
    return client


def play(world: World, kilns: list[str], day: int, side: int, pairs: int) -> None:
    """One day in one world; the side says which of two answers each visit gets."""
    draw = random.Random(day)
    kilns.clear()
    world.sign_in()
    visits = []
    for number in range(pairs):
        release_class = CLASSES[(day + number) % len(CLASSES)]
        answers = draw.sample(ANSWERS, 2)
        dossier_id, slip = world.register(release_class)
        visits.append((dossier_id, slip))
        world.receive(dossier_id, release_class, number, answers[side])
        world.desks.later(seconds=40)
    world.look_around()
    world.ring(visits[0][1])  # too early: not now
    world.desks.later(hours=2)
    world.browser.sign_in()
    for dossier_id, slip in visits:
        world.desks.later(seconds=40)
        world.say_wrongly(world.ring(slip), slip)
        world.at_the_counter(dossier_id)
        world.ask_without_slip(dossier_id)
    world.desks.later(minutes=2)
    world.look_around()
    world.look_whom_to_ring()
    world.kiln = list(kilns)


def compare(here: World, there: World) -> None:
    """Byte by byte, row by row, call by call."""
    assert len(here.seen) == len(there.seen)
    for one, other in zip(here.seen, there.seen, strict=True):
        assert one == other
    ours, theirs = here.stored(), there.stored()
    assert ours.keys() == theirs.keys()
    for table, rows in ours.items():
        assert rows == theirs[table], table
    assert here.kiln == there.kiln
    assert here.kiln


@pytest.mark.timeout(far(600, 3_600))
@pytest.mark.parametrize("day", range(DAYS))
def test_nobody_outside_can_tell_one_laboratory_from_its_twin(
    twins: Callable[[int], tuple[World, World]], day: int, kiln: list[str]
) -> None:
    here, there = twins(day)
    play(here, kiln, day, 0, PAIRS)
    play(there, kiln, day, 1, PAIRS)
    compare(here, there)


def test_control_a_size_that_is_not_padded_is_seen(
    twins: Callable[[int], tuple[World, World]], kiln: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(envelopes, "bucket", lambda _, size: size)
    differs(twins, kiln)


def test_control_a_route_that_looks_at_the_value_is_seen(
    twins: Callable[[int], tuple[World, World]], kiln: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The error that the note forbids: the secretary tells what is short, the biologist what is long.
    def by_value(*of: Any, **more: Any) -> Any:
        decision, weighed = weigh(*of, **more)
        return decision, replace(weighed, course=Course.NOT_NOW) if unequal(weighed) else weighed

    lengths: list[int] = []

    def unequal(_: Any) -> bool:
        return bool(lengths and lengths[-1] % 2)

    real = open_to_read

    def read(*of: Any, **more: Any) -> Any:
        opened = real(*of, **more)
        lengths.append(sum(map(len, (line.value for line in opened.content.shown))))
        return opened

    for place in (asking, telling):
        monkeypatch.setattr(place, "weigh", by_value)
    monkeypatch.setitem(globals(), "open_to_read", read)
    differs(twins, kiln)


def differs(twins: Callable[[int], tuple[World, World]], kiln: list[str]) -> None:
    """Two short days that cannot be told apart without the fault, and can with it."""
    here, there = twins(99)
    play(here, kiln, 99, 0, 3)
    play(there, kiln, 99, 1, 3)
    with pytest.raises(AssertionError):
        compare(here, there)
