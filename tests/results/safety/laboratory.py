"""A small laboratory without screens: real files, real keys, the real rules, and people who act by them."""

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from kiosk.exams.catalogue import ReleaseClass, catalogue
from kiosk.register.clock import end_of_day
from kiosk.register.database import Database, open_sqlite, uuid7
from kiosk.register.patients import Document, patient_of
from kiosk.register.sites import Site, this_site
from kiosk.register.staff import Actor
from kiosk.register.visits import Visit
from printers.paper import ROLL_80
from results.callers import calls, ringing, taking_over
from results.callers.numbers import keep_number
from results.callers.reading_aloud import ReadAloud
from results.exchange.candidates import whose
from results.exchange.connections import Connection
from results.exchange.inbox import Inbox, Kind, receive
from results.giving import Preference, choose
from results.handing.hand_over_record import NoSlipReason, enter_hand_over
from results.handing.hand_over_rule import Ready, hand_over
from results.matrix import PROPOSAL, Channel, Person, Routes, keep_head, read_routes, sign_matrix
from results.release import Decision, Role
from results.signing import open_to_read, sign_what_was_read
from results.telling import Judge
from results.trust.power import KeyRingPower
from results.vault.attempts import Answer, CodeDesk, Said
from results.vault.counters import AttemptState, Way, standing
from results.vault.dossiers import Dossier, NoSuchDossier, Slip, Wish, dossier_of, trusted_dossier
from results.vault.keys import BiologistKeys, ExchangeKeys, KeyRing
from results.vault.opening import open_by_escrow
from results.vault.releases import Course
from results.vault.sealing import Cost, Purpose, public_of
from results.vault.slips import IssuedSlip, confirm_slip, issue_slip, prepare_slip
from results.weighing import Asked, weigh
from tests.labels.reception import Reception
from tests.results.vault.ring import make_ring
from tests.staffroom import people, power_of
from tests.tables import make_tables

Chance = Callable[[int], bytes]

BIRTH, PIN = "19540607", "7305"
NUMBER = "0612345678"
#: Argon2id at the least that it can be: a code is tried many thousand times here.
LEAST: Final = Cost(memory_kib=8, passes=1)
PROMISES: Final = dict.fromkeys(("C0", "C1", "C2", "C3", "C4", "C5"), 60)
ROUTES: Final = read_routes(PROPOSAL.read_bytes())
NOBODY: Final = UUID(int=0)
#: Where a file of a test is written fastest; what is proved here does not hang on the disk.
FAST: Final = Path("/dev/shm") if Path("/dev/shm").is_dir() else None  # noqa: S108


def exam_of(release_class: ReleaseClass) -> str:
    """One exam of this class."""
    return next(exam.nabm for exam in catalogue().exams if exam.release_class is release_class and exam.needs)


def at_counter(role: Role, person: Person) -> Asked:
    """The question of someone who stands at the counter with an identity card."""
    return Asked(channel=Channel.COUNTER, person=person, role=role, document=Document.CARD)


def result(  # the fields of one line of a message
    name: str, code: str, *, value: str, number: str, said: str, status: str = "F", mark: str = "", note: str = "",
) -> bytes:  # fmt: skip
    """A message with one result for the patient of this name; `said` is YYYYMMDDHHMMSS."""
    lines = [
        f"MSH|^~\\&|SIL|LABO|||{said}||ORU^R01^ORU_R01|{number}{said}|P|2.5",
        f"PID|1||1||{name}^Jeanne^^^^^L||{BIRTH}|F",
        f"OBR|1||{number}|{code}^Dosage^NABM|||{said}|||||||||||||||{said}|||{status}",
        f"OBX|1|ST|{code}^Dosage essentiel^NABM||{value}|g/L|1-2|{mark}|||{status}",
    ]
    if note:
        lines.append(f"NTE|1||{note}")
    return ("\r".join(lines) + "\r").encode()


@dataclass(frozen=True, kw_only=True)
class Settling:
    """Moves the call in the transaction that spends the line, as the phone desk does."""

    laboratory: "Laboratory"
    call_id: UUID
    by: UUID

    def __call__(self, db: Session, answer: Answer, decision: Decision | None) -> None:
        if answer.is_refused:
            return
        at = self.laboratory.at
        call = calls.call_of(db, self.call_id, by=self.by, at=at, lock=True)
        if answer.state is AttemptState.RELEASED:
            calls.tell(call, reads_back=decision is not None and decision.is_read_back)
        else:
            calls.verify(call, until=end_of_day("Europe/Paris", at))


@dataclass(frozen=True, kw_only=True)
class Entering:
    """Enters the hand-over in the transaction that spends the line, as the counter does."""

    laboratory: "Laboratory"
    visit: Visit
    dossier_id: UUID
    asked: Asked
    by: UUID
    key: str

    def __call__(self, db: Session, answer: Answer, decision: Decision | None) -> None:
        if answer.state is AttemptState.RELEASED and decision is not None:
            here = self.laboratory
            enter_hand_over(
                db, self.visit, self.dossier_id, decision, self.asked, reason=None, by=self.by, at=here.at,
                chance=here.chance, key=self.key,
            )  # fmt: skip


@dataclass(kw_only=True)
class Laboratory:
    """Everything that a result needs on its way from the laboratory system to an ear or a hand."""

    database: Database
    keys: KeyRing
    lenoir: BiologistKeys
    power: KeyRingPower
    people: dict[str, Actor]
    chance: Chance
    at: datetime
    desk: CodeDesk = field(init=False)
    arrived: int = 0

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """The programme starts anew: what it held in memory is gone."""
        self.desk = CodeDesk(self.writing, self.keys, self.chance)

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A transaction that writes the results."""
        with self.database.transaction("results") as db:
            yield db

    def id_of(self, login: str) -> UUID:
        """Somebody of the staff."""
        return self.people[login].id

    def site(self) -> Site:
        """The only site."""
        with self.database.reading() as db:
            return this_site(db)

    def key(self) -> str:
        """The key of a form."""
        return self.chance(16).hex()

    def exchange(self) -> ExchangeKeys:
        """What the laboratory line holds."""
        return ExchangeKeys(
            intake={1: bytes(32)},
            message_subkey={1: self.keys.subkey(Purpose.MESSAGE)},
            dossier_subkey={1: self.keys.subkey(Purpose.DOSSIER_KEY)},
            release_public={1: public_of(self.keys.release[1])},
            escrow_public=self.keys.escrow_public,
        )

    def sign_matrix(self, routes: Routes = ROUTES) -> None:
        """Put a table in force."""
        with self.writing() as db:
            matrix = sign_matrix(
                db, routes, valid_from=self.at - timedelta(days=9), biologist=self.lenoir, by=self.id_of("lenoir"),
                at=self.at, chance=self.chance,
            )  # fmt: skip
        keep_head(self.keys.folder, matrix)

    def register(
        self, *classes: ReleaseClass, wishes: tuple[Wish, ...] = (), codes: tuple[str, ...] = ()
    ) -> tuple[Visit, str]:
        """Someone at the counter, recognised, with a prescription and a dossier; gives the visit and the name."""
        self.arrived += 1
        name = "MOREAU" + "".join(chr(ord("A") + int(digit)) for digit in str(self.arrived))
        reception = Reception(database=self.database, site=self.site(), at=self.at, chance=self.chance)
        visit = reception.arrive(self.arrived)
        reception.recognise(visit, birth_name=name, birth_date=BIRTH)
        reception.prescribe(visit, *(codes or map(exam_of, classes)))
        self.choose(visit, wishes=wishes)
        return visit, name

    def choose(self, visit: Visit, *, wishes: tuple[Wish, ...] = (), has_number: bool = True) -> None:
        """Save how the results of a visit are given, and the patient's own number."""
        own = (Wish.OWN_NUMBER,) if has_number else ()
        with self.writing() as db:
            delivery = choose(
                db, self.keys, visit, preference=Preference.PHONE, wants_phone=True, document=Document.CARD,
                wishes=wishes + own, promise_minutes=PROMISES, by=self.id_of("sophie"), at=self.at, chance=self.chance,
                key=self.key(),
            )  # fmt: skip
            keep_number(db, delivery, NUMBER if has_number else "", power=self.power, chance=self.chance)

    def dossier(self, visit: Visit) -> Dossier:
        """The dossier of a visit, if it can be trusted."""
        with self.database.reading() as db:
            return dossier_of(db, self.keys, visit.id)

    def issue(self, dossier_id: UUID, *, confirm: bool = True, agreed: bool = False, pin: str = PIN) -> IssuedSlip:
        """Issue a slip; agreed by the biologist, who opens the dossier by escrow."""
        private = None
        if agreed:
            with self.database.reading() as db:
                private = open_by_escrow(db, trusted_dossier(db, self.keys, dossier_id), self.lenoir)
        prepared = prepare_slip(
            self.keys, dossier_id=dossier_id, pin=pin, birth_date=BIRTH, at=self.at, chance=self.chance, private=private
        )
        with self.writing() as db:
            slip = issue_slip(db, self.keys, prepared, by=self.id_of("sophie"), at=self.at, chance=self.chance)
        if confirm:
            self.confirm(slip.slip_id)
        return slip

    def confirm(self, slip_id: UUID) -> None:
        """The paper is in the patient's hand."""
        with self.writing() as db:
            confirm_slip(db, slip_id, by=self.id_of("sophie"), at=self.at, chance=self.chance)

    def receive(self, raw: bytes) -> Kind:
        """The laboratory system sends a message."""
        with self.writing() as db:
            site = this_site(db)
            inbox = Inbox(
                site_id=site.id, connection=Connection(name="files", zone=ZoneInfo("Europe/Paris")),
                keys=self.exchange(), whose=whose(db, site, at=self.at),
                class_of=lambda code: catalogue().class_of(code), matrix_version=1,
            )  # fmt: skip
            return receive(db, raw, inbox=inbox, at=self.at, chance=self.chance).kind

    def sign(self, report_id: UUID, *, whole: bool = True, agreed: bool = False) -> None:
        """The biologist reads and signs."""
        lenoir = self.id_of("lenoir")
        with self.writing() as db:
            read = open_to_read(
                db, self.keys, report_id, biologist=self.lenoir, by=lenoir, power=self.power, at=self.at,
                chance=self.chance,
            )  # fmt: skip
        with self.writing() as db:
            sign_what_was_read(
                db, self.keys, report_id, seen=read.seen, is_route_agreed=agreed, is_whole=whole,
                biologist=self.lenoir, by=lenoir, power=self.power, at=self.at, chance=self.chance,
            )  # fmt: skip

    def opens_call(self, handle: str, login: str = "sophie") -> UUID:
        """The secretary types a reference."""
        with self.writing() as db:
            call = calls.open_call(
                db, self.keys, this_site(db).id, handle, by=self.id_of(login), at=self.at, chance=self.chance,
                key=self.key(),
            )  # fmt: skip
            return call.id

    def line_asked(self, call_id: UUID, login: str = "sophie") -> int | None:
        """Which line the phone desk asks now, None for the one sentence."""
        by = self.id_of(login)
        with self.database.reading() as db:
            try:
                call = calls.call_of(db, call_id, by=by, at=self.at)
            except calls.NoCall:
                return None
            slip = db.get(Slip, call.slip_id) if call.slip_id else None
            now = standing(db, slip, site_id=call.site_id, way=Way.PHONE, call_id=call_id, by=by, at=self.at)
            spent = call.state is not calls.State.OPEN or calls.is_spent(calls.tries_of(db, call_id))
            if slip is None or now.line is None or spent:
                return None
            try:
                _, weighed = weigh(db, self.keys, slip.dossier_id, self.on_the_phone(), power=self.power, at=self.at)
            except NoSuchDossier:
                return None
            return None if weighed.course is Course.NOT_NOW else now.line

    def on_the_phone(self, role: Role = Role.SECRETARY) -> Asked:
        """The question of a caller with a slip."""
        return Asked(channel=Channel.PHONE, person=Person.WITH_CODE, role=role)

    def judge(self, call_id: UUID | None = None, by: UUID = NOBODY) -> Judge:
        """The rule as a request of the phone desk brings it."""
        settling = None if call_id is None else Settling(laboratory=self, call_id=call_id, by=by)
        return Judge(
            database=self.database, keys=self.keys, power=self.power, asked=self.on_the_phone(), settling=settling
        )

    def said(self, slip: IssuedSlip, line: int, **other: object) -> Said:
        """Everything said rightly, but for `other`."""
        facts: dict[str, object] = {
            "key": self.key(), "site_id": self.site().id, "slip_id": slip.slip_id, "line": line,
            "call_id": uuid7(self.at, self.chance), "way": Way.PHONE, "code15": slip.codes[line - 1][:15], "pin": PIN,
            "birth_date": BIRTH, "by": self.id_of("sophie"), "midnight": end_of_day("Europe/Paris", self.at),
        }  # fmt: skip
        return Said(**(facts | other))  # type: ignore[arg-type]

    def says(self, said: Said) -> Answer:
        """Say it on the telephone, in the call that it names."""
        with self.database.reading() as db:
            try:
                call = calls.call_of(db, said.call_id, by=said.by, at=self.at)
                is_open = call.state is calls.State.OPEN and not calls.is_spent(calls.tries_of(db, call.id))
                slip_id = call.slip_id if is_open else None
            except calls.NoCall:
                slip_id = None
        said = replace(said, slip_id=slip_id or NOBODY)
        return self.desk.try_code(said, self.judge(said.call_id, said.by), at=self.at)

    def asks_back(self, name: str, login: str) -> UUID:
        """Somebody without slip says who they are."""
        named = ringing.Named(family=name, given="Jeanne", birth_date=BIRTH)
        with self.writing() as db:
            return ringing.ask_back(
                db, this_site(db).id, named, until=end_of_day("Europe/Paris", self.at), by=self.id_of(login),
                at=self.at, chance=self.chance, key=self.key(),
            ).id  # fmt: skip

    def rings_back(self, call_id: UUID, login: str, *, birth_date: str = BIRTH) -> ReadAloud | None:
        """The secretary rings, and types the birth date that she hears."""
        with self.writing() as db:
            return ringing.tell_rung(
                db, self.keys, call_id, birth_date=birth_date, role=Role.SECRETARY, power=self.power,
                by=self.id_of(login), at=self.at, chance=self.chance, key=self.key(),
            )  # fmt: skip

    def rings_no_more(self, call_id: UUID, login: str) -> None:
        """The secretary rings nobody there."""
        with self.writing() as db:
            ringing.end_rung(
                db, self.keys, call_id, calls.Outcome.NOT_REACHED, by=self.id_of(login), at=self.at,
                chance=self.chance,
            )  # fmt: skip

    def biologist_tells(self, call_id: UUID) -> ReadAloud:
        """The biologist answers a caller whose code was right."""
        with self.writing() as db:
            return taking_over.tell_caller(
                db, self.keys, call_id, unlock=lambda: self.lenoir, power=self.power, by=self.id_of("lenoir"),
                at=self.at, chance=self.chance, key=self.key(),
            )  # fmt: skip

    def types(self, visit: Visit, said: Said) -> Answer:
        """Type it at the counter, the identity document seen."""
        asked = at_counter(Role.SECRETARY, Person.WITH_CODE)
        dossier_id = self.of_slip(said.slip_id)
        entering = Entering(
            laboratory=self, visit=visit, dossier_id=dossier_id, asked=asked, by=said.by, key=said.key
        )  # fmt: skip
        judge = Judge(database=self.database, keys=self.keys, power=self.power, asked=asked, settling=entering)
        return self.desk.try_code(replace(said, way=Way.COUNTER), judge, at=self.at)

    def hands_over(self, visit: Visit, *, by_biologist: bool) -> Ready:
        """Hand over without a code."""
        role, login = (Role.BIOLOGIST, "lenoir") if by_biologist else (Role.SECRETARY, "sophie")
        asked = at_counter(role, Person.WITHOUT_CODE)
        with self.writing() as db:
            patient = patient_of(db, visit.id)
            assert patient is not None
            return hand_over(
                db, self.keys, visit, patient, asked=asked, mandate_id=None,
                reason=NoSlipReason.LOST if by_biologist else None,
                biologist=lambda: self.lenoir, form=ROLL_80, power=self.power, by=self.id_of(login), at=self.at,
                chance=self.chance, key=self.key(),
            )  # fmt: skip

    def of_slip(self, slip_id: UUID) -> UUID:
        """The dossier of a slip."""
        with self.database.reading() as db:
            found = db.scalar(select(Slip.dossier_id).where(Slip.id == slip_id))
            return found or NOBODY


@dataclass(frozen=True, kw_only=True)
class Template:
    """A founded laboratory on files, to be copied."""

    folder: Path
    keys: KeyRing
    lenoir: BiologistKeys
    people: dict[str, Actor]

    def opened(self, folder: Path, *, at: datetime, chance: Chance, copied: bool = True) -> Laboratory:
        """A copy of its own, open; or one that was copied before."""
        if copied:
            shutil.copytree(self.folder, folder, dirs_exist_ok=True)
        keys = replace(self.keys, folder=folder / "keys")
        return Laboratory(
            database=open_sqlite(folder / "register.sqlite", folder / "results.sqlite"), keys=keys,
            lenoir=self.lenoir, power=power_of(keys), people=self.people, chance=chance, at=at,
        )  # fmt: skip


def found(database: Database, folder: Path, *, at: datetime, chance: Chance, seed: int = 7) -> Laboratory:
    """Found a laboratory in an empty database: its site, its people and a signed table."""
    keys, lenoir = make_ring(folder, seed=seed)
    keys = replace(keys, line_cost=LEAST)
    with database.transaction() as db:
        db.add(
            Site(
                id=uuid7(at, chance), number=1, name="Laboratoire des Tilleuls", timezone="Europe/Paris",
                opens=time(7, 30), closes=time(18, 0),
            )
        )  # fmt: skip
    power = power_of(keys)
    everyone = people(database, power, lenoir.signer_seed, at=at, chance=chance)
    made = Laboratory(
        database=database, keys=keys, lenoir=lenoir, power=power, people=everyone, chance=chance, at=at
    )  # fmt: skip
    made.sign_matrix()
    return made


def template(folder: Path, *, at: datetime) -> Template:
    """Found a laboratory on files once, for many copies."""
    make_tables(folder, stamped=False)
    database = open_sqlite(folder / "register.sqlite", folder / "results.sqlite")
    made = found(database, folder / "keys", at=at, chance=random.Random(20261122).randbytes)
    database.close()
    return Template(folder=folder, keys=made.keys, lenoir=made.lenoir, people=made.people)
