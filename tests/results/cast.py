"""The desks of results as the tests need them: a staff app, a visit, a slip in a hand, a signed report."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from flask import Flask
from nacl.public import PrivateKey
from nacl.signing import SigningKey
from sqlalchemy import select

from kiosk.exams.catalogue import ReleaseClass, catalogue
from kiosk.register.database import Database
from kiosk.register.journal import ResultsText
from kiosk.register.patients import Document, patient_of
from kiosk.register.sites import Site, this_site
from kiosk.register.visits import Visit
from printers.paper import Paper
from printers.station.keys import StartKey, StationKey, open_paper
from printers.station.spool import StationSpool
from results.giving import Preference, choose
from results.holds import note_whole
from results.matrix import PROPOSAL, keep_head, read_routes, sign_matrix
from results.vault.dossiers import Wish, dossier_of, trusted_dossier
from results.vault.envelopes import BodyKind
from results.vault.keys import BiologistKeys, KeyRing, unlock
from results.vault.slips import IssuedSlip, confirm_slip, issue_slip, prepare_slip
from tests.labels.reception import Reception
from tests.results.vault.cast import keep_report
from tests.staffroom import CHEAP, Browser, Room, open_room

Chance = Callable[[int], bytes]
BIRTH, PIN = "19540228", "7305"
PROMISES = dict.fromkeys(("C0", "C1", "C2", "C3", "C4", "C5"), 60)


@dataclass(kw_only=True)
class Desks:
    """The staff app with a matrix in force, and everything that makes a result tellable."""

    room: Room
    keys: KeyRing
    lenoir: BiologistKeys
    chance: Chance
    lasting: StationKey
    start: StartKey
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 999)))

    @property
    def database(self) -> Database:
        return self.room.database

    @property
    def at(self) -> datetime:
        return self.room.at

    @property
    def sophie(self) -> UUID:
        return self.room.people["sophie"].id

    @property
    def app(self) -> Flask:
        return self.room.app

    def site(self) -> Site:
        with self.database.reading() as db:
            return this_site(db)

    def browser(self, login: str = "sophie") -> Browser:
        browser = self.room.browser()
        browser.sign_in(login)
        return browser

    def visit(self, *classes: ReleaseClass, labelled: bool = True) -> Visit:
        """Someone at the counter, recognised, with one exam of each class."""
        reception = Reception(database=self.database, site=self.site(), at=self.at, chance=self.chance)
        visit = reception.arrive(next(self.numbers))
        reception.recognise(visit)
        with self.database.transaction() as db:
            patient = patient_of(db, visit.id)
            assert patient is not None
            patient.birth_date = BIRTH
        made = reception.prescribe(visit, *(exam_of(one) for one in classes))
        if labelled and made.tubes:
            reception.number(visit, made)
        return visit

    def dossier(self, *classes: ReleaseClass, wishes: tuple[Wish, ...] = ()) -> UUID:
        """A visit's dossier whose promised hour is in an hour."""
        visit = self.visit(*classes)
        with self.database.transaction("results") as db:
            choose(
                db, self.keys, visit, preference=Preference.PHONE, wants_phone=True, document=Document.CARD,
                wishes=wishes, promise_minutes=PROMISES, by=self.sophie, at=self.at, chance=self.chance,
                key=self.chance(16).hex(),
            )  # fmt: skip
            return dossier_of(db, self.keys, visit.id).id

    def slip(self, dossier_id: UUID, *, confirm: bool = True) -> IssuedSlip:
        prepared = prepare_slip(
            self.keys, dossier_id=dossier_id, pin=PIN, birth_date=BIRTH, at=self.at, chance=self.chance
        )
        with self.database.transaction("results") as db:
            issued = issue_slip(db, self.keys, prepared, by=self.sophie, at=self.at, chance=self.chance)
            if confirm:
                confirm_slip(db, issued.slip_id, by=self.sophie, at=self.at, chance=self.chance)
        return issued

    def report(
        self, dossier_id: UUID, release_class: ReleaseClass, *, body: bytes, signed: bool = True, whole: bool = True
    ) -> UUID:
        """Seal a report as intake does, and sign it as the biologist does."""
        lenoir = self.room.people["lenoir"].id
        with self.database.transaction("results") as db:
            dossier = trusted_dossier(db, self.keys, dossier_id)
            report_id = keep_report(
                db, self.keys, dossier, release_class, kind=BodyKind.MESSAGE, body=body,
                not_before=dossier.promised_at, signer=lenoir if signed else None, seed=self.lenoir.signer_seed,
                at=self.at, chance=self.chance,
            )  # fmt: skip
            note_whole(db, dossier, whole, by=lenoir, power=self.room.power, at=self.at)
        return report_id

    def ready(self, release_class: ReleaseClass, body: bytes, *, wishes: tuple[Wish, ...] = ()) -> IssuedSlip:
        """A slip whose result may be told from an hour later on."""
        dossier_id = self.dossier(release_class, wishes=wishes)
        issued = self.slip(dossier_id)
        self.report(dossier_id, release_class, body=body)
        return issued

    @property
    def spool(self) -> StationSpool:
        spool: StationSpool = self.app.extensions["house"].spool
        return spool

    def runs(self) -> None:
        """The print station starts, or says that it is still alive."""
        self.spool.publish(
            number=self.start.number, key=self.start.public, signature=self.start.signed_by(self.lasting), at=self.at
        )

    def printed(self, key: str) -> Paper:
        """What only the running station can read of a job."""
        job, payload = self.spool.job(key), self.spool.payload(key)
        assert job is not None
        assert payload is not None
        return open_paper(payload, job, self.start.opening)

    def entries(self, act: str) -> int:
        """How many entries of an act the results' journal has."""
        with self.database.reading() as db:
            return len(db.scalars(select(ResultsText).where(ResultsText.text.contains(f'"{act}"'))).all())

    def later(self, **span: float) -> None:
        self.room.later(**span)


def exam_of(release_class: ReleaseClass) -> str:
    """One exam of this class, with a container."""
    return next(exam.nabm for exam in catalogue().exams if exam.release_class is release_class and exam.needs)


@contextmanager
def open_desks(folder: Path, *, at: datetime, chance: Chance, cheap: bool = True) -> Iterator[Desks]:
    """Found a laboratory, sign its matrix and open its desks.

    Args:
        cheap: Argon2id of code lines at its small cost; nothing that is loaded from a folder can say so.
    """
    with open_room(folder, at=at, chance=chance) as room:
        home = room.app.extensions["house"]
        keys: KeyRing = home.more["keys"]
        keys = replace(keys, line_cost=CHEAP) if cheap else keys
        settings = replace(home.more["settings"], promise_minutes=PROMISES)
        lasting = StationKey(signing=SigningKey(chance(32)), opening=PrivateKey(chance(32)))
        home.spool.close()
        room.app.extensions["house"] = replace(
            home,
            spool=StationSpool(folder / "spool.sqlite", station=lasting.id),
            more={**home.more, "keys": keys, "settings": settings},
        )
        lenoir = unlock(folder / "keys", "lenoir", "la rivière sous le pont", cost=CHEAP)
        desks = Desks(
            room=room, keys=keys, lenoir=lenoir, chance=chance, lasting=lasting,
            start=StartKey.make(last=0, at=at, chance=chance),
        )  # fmt: skip
        with room.database.transaction("results") as db:
            matrix = sign_matrix(
                db, read_routes(PROPOSAL.read_bytes()), valid_from=at - timedelta(hours=1), biologist=lenoir,
                by=room.people["lenoir"].id, at=at, chance=chance,
            )  # fmt: skip
        keep_head(keys.folder, matrix)
        yield desks
