"""What is printed and opened, measured one by one: a label, and one try of a code."""

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kiosk.exams.catalogue import catalogue
from kiosk.register.database import uuid7
from kiosk.register.sites import this_site
from labels.numbering import sample_number
from labels.planning.kinds import Kind
from labels.planning.plan import plan
from labels.sticker import Bearer, sticker
from labels.tubes import Tube
from printers import encode, zpl
from printers.paper import LABEL_50X25, Paper
from printers.verify import proved
from results.matrix import Channel
from results.matrix import Person as Caller
from results.upkeep.bench.rounds import Broken, Ground, Measure, Sides, alone
from results.upkeep.bench.serving import laboratory
from results.upkeep.founding import open_instance
from results.vault.attempts import Answer, CodeDesk, Said
from results.vault.counters import AttemptState, Way
from results.vault.dossiers import open_dossier
from results.vault.envelopes import Body
from results.vault.keys import KeyRing
from results.vault.releases import Course, Weighed
from results.vault.slips import IssuedSlip, confirm_slip, issue_slip, prepare_slip
from results.vault.wraps import stretch_code

#: The notes' limits, where nothing can run beside.
LABEL_BYTES, LABEL_MS, PLAN_MS = 10_100.0, 10.0, 5.0
PACKED_BYTES, HEX_BYTES = 2_500.0, 20_100.0
#: Codes of one slip: one round tries them all.
LINES: Final = 4
#: Labels and plans of one round.
LABELS: Final = 100
PLANS: Final = 50
BIRTH, PIN = "19540228", "7305"
#: The wall clock of a made-up label.
PLANNED: Final = datetime(2026, 1, 1, 8, 30)  # noqa: DTZ001  # the site's own hour, as printed


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
        yield sticker(tube, bearer, planned=PLANNED, form=LABEL_50X25, urgent=place % 5 == 0)


def compiled(paper: Paper) -> bytes:
    """What goes down the wire for one label: drawn, read back, and as bytes with the question for its proof."""
    return encode.escpos(proved(paper), LABEL_50X25) + encode.ask_process_id(b"0001")


@contextmanager
def _label_bytes(_: Ground) -> Iterator[Sides]:
    papers = list(labels(LABELS // 5))
    yield Sides(ours=lambda: float(max(len(compiled(paper)) for paper in papers)), floor=lambda: LABEL_BYTES)


@contextmanager
def _zpl_bytes(_: Ground, *, packed: bool) -> Iterator[Sides]:
    """The mean of a label in a Zebra's language: packed, its length goes with its ink, so with the name."""
    papers = list(labels(LABELS // 5))

    def ours() -> float:
        return statistics.mean(len(zpl.zpl(proved(paper), LABEL_50X25, compressed=packed)) for paper in papers)

    yield Sides(ours=ours, floor=lambda: PACKED_BYTES if packed else HEX_BYTES)


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


@contextmanager
def _tube_plan(_: Ground) -> Iterator[Sides]:
    """Milliseconds of this process for one plan, over prescriptions of forty exams drawn from the catalogue."""
    exams = catalogue().exams
    prescriptions = [[exams[(start + step * 7) % len(exams)] for step in range(40)] for start in range(PLANS)]
    plan(prescriptions[0])

    def ours() -> float:
        start = time.process_time()
        for prescription in prescriptions:
            plan(prescription)
        return 1000 * (time.process_time() - start) / PLANS

    yield Sides(ours=ours, floor=lambda: PLAN_MS)


class PlainRule:
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
            answer = desk.try_code(said, PlainRule(), at=at)
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


LABEL_AND_CODE: Final[tuple[Measure, ...]] = (
    alone("label_bytes", "paper", "bytes", "<=1.0", _label_bytes),
    alone("label_z64", "paper", "bytes", "<=1.0", partial(_zpl_bytes, packed=True)),
    alone("label_hex", "paper", "bytes", "<=1.0", partial(_zpl_bytes, packed=False)),
    alone("label_cpu", "paper", "ms", "<=1.0", _label_cpu),
    alone("tube_plan", "paper", "ms", "<=1.0", _tube_plan),
    alone("code_check", "code", "ms", "<=1.2", _code_check),
)
