"""The biologist's desk and the counter of the results: their screens, a print station that reads secret papers."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from html import unescape
from pathlib import Path
from uuid import UUID

import pytest
from nacl.public import PrivateKey
from nacl.signing import SigningKey
from werkzeug.test import TestResponse

from kiosk.exams.catalogue import ReleaseClass
from printers.paper import Paper, Text
from printers.station.keys import StartKey, StationKey, open_paper
from printers.station.spool import StationSpool
from results import sitting
from results.desks import trying
from results.reports.versions import ReportVersion
from results.vault.dossiers import Dossier, Wish
from results.vault.keys import unlock
from tests.results.cast import Desks, exam_of, open_desks
from tests.staffroom import CHEAP, Browser

Chance = Callable[[int], bytes]
PASSPHRASE = "la rivière sous le pont"
VALUE = "4271"


def result(code: str, value: str = VALUE, *, system: str = "NABM", more: str = "") -> bytes:
    """A message with one result."""
    return (
        "MSH|^~\\&|SIL|LABO|||20261121083000||ORU^R01^ORU_R01|1|P|2.5\r"
        "PID|1||1\r"
        f"OBR|1||F1|{code}^Dosage^{system}|||20261121080000|||||||||||||||||F\r"
        f"OBX|1|NM|{code}^Dosage essentiel^{system}||{value}|g/L|1-2||||F\r{more}"
    ).encode()


def asks_for_keys(answer: TestResponse) -> bool:
    """Whether an act was refused for keys that are locked, and the answer is where they are opened."""
    return answer.status_code == 403 and "data-door" in answer.text and 'action="/signature/cles"' in answer.text


@dataclass(kw_only=True)
class Station:
    """A print station that runs and opens what is sealed to it."""

    spool: StationSpool
    lasting: StationKey
    start: StartKey | None = None

    def runs(self, at: datetime, chance: Chance) -> None:
        """Show a fresh key; what was sealed to the one before is lost."""
        self.start = StartKey.make(last=self.spool.last_number(), at=at, chance=chance)
        self.spool.publish(
            number=self.start.number, key=self.start.public, signature=self.start.signed_by(self.lasting), at=at
        )

    def plain(self) -> list[Paper]:
        """Every paper that waits and is no secret."""
        found = []
        for job in self.spool.jobs():
            payload = self.spool.payload(job.key)
            if payload is not None and not job.secret:
                found.append(open_paper(payload, job, self.lasting.opening))
        return found

    def papers(self) -> list[Paper]:
        """Every secret paper that waits, opened as the station does."""
        assert self.start is not None
        found = []
        for job in self.spool.jobs():
            payload = self.spool.payload(job.key)
            if payload is not None and job.secret:
                found.append(open_paper(payload, job, self.start.opening))
        return found


@dataclass(kw_only=True)
class SigningRoom:
    """Two desks and whoever sits there."""

    desks: Desks
    station: Station

    def unlocked(self) -> Browser:
        """Dr Lenoir, signed in and unlocked."""
        browser = self.desks.browser("lenoir")
        assert self.unlock(browser).status_code == 303
        return browser

    def unlock(self, browser: Browser, passphrase: str = PASSPHRASE, digits: str | None = None):  # type: ignore[no-untyped-def]  # noqa: ANN201
        """Ask for the keys with the digits of the next half minute."""
        if digits is None:
            self.desks.later(seconds=30)
            digits = self.desks.room.digits()
        browser.get("/signature/cles")
        return browser.post("/signature/cles", passphrase=passphrase, digits=digits)

    def unsigned(
        self, release_class: ReleaseClass = ReleaseClass.C0, *, value: str = VALUE, wishes: tuple[Wish, ...] = ()
    ) -> UUID:
        """A sealed report that waits for a signature."""
        dossier_id = self.desks.dossier(release_class, wishes=wishes)
        body = result(exam_of(release_class), value)
        return self.desks.report(dossier_id, release_class, body=body, signed=False, whole=False)

    def signed(self, release_class: ReleaseClass = ReleaseClass.C0, *, wishes: tuple[Wish, ...] = ()) -> UUID:
        """The visit of a signed report whose hour has come."""
        dossier_id = self.desks.dossier(release_class, wishes=wishes)
        self.desks.report(dossier_id, release_class, body=result(exam_of(release_class)))
        visit = self.visit_of(dossier_id)
        self.hour_comes()
        return visit

    def hour_comes(self) -> None:
        """The promised hour passes and the print station still runs."""
        self.desks.later(minutes=61)
        self.station.runs(self.desks.at, self.desks.chance)

    def visit_of(self, dossier_id: UUID) -> UUID:
        with self.desks.database.reading() as db:
            return db.get_one(Dossier, dossier_id).visit_id

    def version(self, report_id: UUID, number: int = 1) -> ReportVersion:
        with self.desks.database.reading() as db:
            return db.get_one(ReportVersion, (report_id, number))

    def key(self) -> str:
        return self.desks.chance(16).hex()

    def printed(self) -> str:
        """All that stands on the papers that wait."""
        return "\n".join(item.s for one in self.station.papers() for item in one.items if isinstance(item, Text))


def seen_in(html: str) -> str:
    """What an opened report will be compared with."""
    found = re.search(r'name="seen" value="([^"]+)"', html)
    assert found, html
    return unescape(found[1])


@contextmanager
def open_signing_room(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, at: datetime, chance: Chance
) -> Iterator[SigningRoom]:
    """The desks with these screens; Argon2id at its small cost."""
    monkeypatch.setattr(sitting, "unlock", partial(unlock, cost=CHEAP))
    monkeypatch.setattr(trying, "PACE_S", 0.0)
    with open_desks(folder, at=at, chance=chance) as desks:
        spool: StationSpool = desks.app.extensions["house"].spool
        lasting = StationKey(signing=SigningKey(chance(32)), opening=PrivateKey(chance(32)))
        spool.station = lasting.id
        room = SigningRoom(desks=desks, station=Station(spool=spool, lasting=lasting))
        room.station.runs(at, chance)
        yield room
