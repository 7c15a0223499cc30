"""The way of a patient's labels, measured: from the key that asks for them to the last one handed to the printer."""

import http.client
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Final
from urllib.parse import urlsplit

from kiosk.exams.prescriptions import prescribe
from kiosk.line.estimate import Range
from kiosk.register.database import Database, uuid7
from kiosk.register.patients import Document, Sex, create_patient, recognise
from kiosk.register.sites import this_site
from kiosk.register.visits import Purpose, State, Visit
from kiosk.waiting import take_number
from printers import settings
from printers.moves import State as JobState
from printers.spool import Spool
from results.upkeep.bench.rounds import Broken, Ground, Sides
from results.upkeep.bench.serving import PATIENCE, Browser, laboratory, serving, sign_in, started
from results.upkeep.founding import open_instance
from results.upkeep.supervise import free_ports

#: A prescription that takes six tubes, one of them kept from the light.
EXAMS: Final = ("0126", "1208", "1601", "1608", "1104", "0552")
#: Seconds: the note's limit, and those that a demonstration printer takes for one label.
LIMIT_S, PRINT_S = 0.5, 0.15
#: The printer's own part: when the last label is handed over, the five before it are out.
FLOOR_S: Final = LIMIT_S + (len(EXAMS) - 1) * PRINT_S
PRINTER, DESK, BY = "labels", "Guichet 1", "Banc"
GIVEN: Final = {JobState.SENT, JobState.CONFIRMED}


@contextmanager
def six_tubes(ground: Ground) -> Iterator[Sides]:
    """Seconds of one patient with six tubes, in front of a printer that is ready; the fake has a real one's speed."""
    lab, served = ground.shared(laboratory), ground.shared(serving)
    address = urlsplit(settings.read(lab.instance / "printers.toml")[PRINTER].address)
    (page,) = free_ports(1)
    fake = [
        *(sys.executable, "-m", "printers", "fake", "--printer", f"{PRINTER}={address.port}"),
        *("--page-port", str(page), "--instance", str(lab.instance)),
    ]
    cookies = sign_in(lab, served.staff, ground.now())
    database = open_instance(lab.instance)
    try:
        with (
            started(fake, {page: "/"}, log=ground.folder / "fake.log"),
            Spool(lab.instance / "spool.sqlite") as spool,
        ):
            _until_ready(spool)

            def ours() -> float:
                visit = _patient(database, ground)
                with closing(Browser(served.staff, dict(cookies))) as browser:
                    return _labels(browser, spool, visit)

            ours()  # the first label of a day loads fonts
            yield Sides(ours=ours, floor=lambda: FLOOR_S)
    finally:
        database.close()


def _until_ready(spool: Spool) -> None:
    end = time.monotonic() + PATIENCE
    while not any(told.name == PRINTER and told.state == "ready" for told in spool.printers()):
        if time.monotonic() > end:
            raise Broken("l'imprimante d'étiquettes n'est pas prête")
        time.sleep(0.1)


def _patient(database: Database, ground: Ground) -> Visit:
    """Someone at the counter, recognised, with a prescription: only the labels are missing."""
    at, chance = ground.now(), ground.chance
    with database.transaction() as db:
        site = this_site(db)
        visit = take_number(
            db, site, wait=Range(low=0, high=5), purpose=Purpose.WALK_IN, said=None, by=BY, at=at, chance=chance,
            key=chance(16).hex(),
        )  # fmt: skip
        visit.state, visit.desk, visit.called_at = State.CALLED, DESK, at
        patient = create_patient(
            db, site.id, id=uuid7(at, chance), birth_name="MOREAU", given_names="Jeanne", birth_date="19540229",
            sex=Sex.F, used_name=None, birth_place=None, by=BY, at=at, key=chance(16).hex(),
        )  # fmt: skip
        db.flush()
        recognise(db, visit, patient, document=Document.CARD, by=BY, at=at)
        prescribe(db, visit.id, EXAMS, by=BY, at=at, chance=chance)
    return visit


def _labels(browser: Browser, spool: Spool, visit: Visit) -> float:
    """Ask for the labels as F6 does, and wait until the printer has been given the last one."""
    path = f"/passage/{visit.id}/etiquettes"
    browser.look(path)
    known = {job.key for job in spool.jobs()}
    start = time.monotonic()
    status, _, _ = browser.ask(path, {"form_key": visit.id.hex})
    if status != http.client.SEE_OTHER:
        raise Broken(f"la demande d'étiquettes répond {status}")
    while (spent := time.monotonic() - start) < PATIENCE:
        ours = [job for job in spool.jobs() if job.key not in known and job.printer == PRINTER]
        if len(ours) != len(EXAMS):
            raise Broken(f"{len(ours)} étiquettes demandées au lieu de {len(EXAMS)}")
        if all(job.state in GIVEN for job in ours):
            return spent
        time.sleep(0.005)
    raise Broken("les étiquettes ne sortent pas")
