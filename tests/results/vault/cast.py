"""A dossier with sealed, signed reports and a slip in the patient's hand, made of the real parts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session

from kiosk.exams.catalogue import ReleaseClass
from kiosk.register.database import Database, uuid7
from results.matrix import Channel, Person
from results.reports.versions import Part, Recipient, Report, ReportVersion, SealedKey, State
from results.vault.attempts import Answer, Said
from results.vault.counters import Way
from results.vault.dossiers import Dossier, Wish, open_dossier, trusted_dossier
from results.vault.envelopes import Body, BodyKind, ReportSeal, copy_key, seal_body, sign_report
from results.vault.keys import BiologistKeys, KeyRing
from results.vault.opening import open_reports, signed_facts
from results.vault.releases import Course, Weighed
from results.vault.sealing import public_of, verifier_of
from results.vault.slips import IssuedSlip, confirm_slip, issue_slip, prepare_slip
from tests.results.vault.ring import make_ring

BIRTH, PIN = "19540607", "7305"
SOPHIE, LENOIR = UUID(int=0x50), UUID(int=0x1E)
CONTENT = "Dépistage : non réactif\n".encode()
Chance = Callable[[int], bytes]


def keep_report(
    db: Session, keys: KeyRing, dossier: Dossier, release_class: ReleaseClass, *, kind: BodyKind, body: bytes,
    not_before: datetime | None, signer: UUID | None, seed: bytes, at: datetime, chance: Chance,
) -> UUID:  # fmt: skip
    """Seal a report as intake does, and sign it as the biologist does, if there is one."""
    report_id, rank = uuid7(at, chance), int(release_class[1])
    bound = ReportSeal(report=report_id, dossier=dossier.id, version=1, rank=rank, matrix_version=1)
    sealed = seal_body(bound, kind, body, chance=chance)
    recipient, public = (
        (Recipient.DOSSIER, dossier.public) if rank >= 2 else (Recipient.RELEASE, public_of(keys.release[1]))
    )
    db.add(
        Report(
            id=report_id, site_id=dossier.site_id, dossier=dossier.id, connection="sil", key_mac=chance(32),
            created_at=at,
        )
    )  # fmt: skip
    db.flush()
    version = ReportVersion(
        report_id=report_id, version=1, message_id=report_id, state=State.SEALED, dossier=dossier.id,
        release_class=release_class, is_known=True, matrix_version=1, body=sealed.stored, is_partial=False,
        is_corrected=False, is_order_uncertain=False, flags="", received_at=at, not_before=not_before,
    )  # fmt: skip
    if signer is not None:
        version.signed_at, version.commitment, version.signer = at, sealed.commitment, signer
        version.signature = sign_report(signed_facts(version), seed)
        version.state = State.SIGNED
    db.add(version)
    db.add(
        SealedKey(
            item=report_id, version=1, part=Part.BODY, recipient=recipient, key_version=0 if rank >= 2 else 1,
            box=copy_key(report_id, 1, sealed.dek, recipient=public, chance=chance),
        )
    )  # fmt: skip
    return report_id


@dataclass(kw_only=True)
class House:
    """Everything a release needs."""

    database: Database
    keys: KeyRing
    lenoir: BiologistKeys
    chance: Chance
    at: datetime
    site_id: UUID

    @property
    def verifiers(self) -> Mapping[UUID, bytes]:
        return {LENOIR: verifier_of(self.lenoir.signer_seed)}

    def open_dossier(self, *classes: ReleaseClass | None, wishes: tuple[Wish, ...] = ()) -> UUID:
        with self.database.transaction(writes="results") as db:
            return open_dossier(
                db,
                self.keys,
                site_id=self.site_id,
                visit_id=uuid7(self.at, self.chance),
                birth_date=BIRTH,
                classes=classes,
                wishes=wishes,
                promised_at=self.at,
                by=SOPHIE,
                at=self.at,
                chance=self.chance,
            ).id

    def issue(self, dossier_id: UUID, *, private: bytes | None = None, confirm: bool = True) -> IssuedSlip:
        prepared = prepare_slip(
            self.keys, dossier_id=dossier_id, pin=PIN, birth_date=BIRTH, at=self.at, chance=self.chance, private=private
        )
        with self.database.transaction(writes="results") as db:
            slip = issue_slip(db, self.keys, prepared, by=SOPHIE, at=self.at, chance=self.chance)
        if confirm:
            with self.database.transaction(writes="results") as db:
                confirm_slip(db, slip.slip_id, by=SOPHIE, at=self.at, chance=self.chance)
        return slip

    def report(self, dossier_id: UUID, release_class: ReleaseClass, *, signed: bool = True) -> UUID:
        """Seal a report as intake does, and sign it as the biologist does."""
        with self.database.transaction(writes="results") as db:
            dossier = trusted_dossier(db, self.keys, dossier_id)
            return keep_report(
                db, self.keys, dossier, release_class, kind=BodyKind.TEXT, body=CONTENT,
                not_before=self.at if signed else None, signer=LENOIR if signed else None,
                seed=self.lenoir.signer_seed, at=self.at, chance=self.chance,
            )  # fmt: skip

    def said(self, slip: IssuedSlip, line: int = 1, **other: object) -> Said:
        facts: dict[str, object] = {
            "key": self.chance(16).hex(),
            "site_id": self.site_id,
            "slip_id": slip.slip_id,
            "line": line,
            "call_id": uuid7(self.at, self.chance),
            "way": Way.PHONE,
            "code15": slip.codes[line - 1][:15],
            "pin": PIN,
            "birth_date": BIRTH,
            "by": SOPHIE,
            "midnight": self.at + timedelta(hours=15),
        }
        return Said(**(facts | other))  # type: ignore[arg-type]


def make_house(database: Database, folder: Path, chance: Chance, at: datetime) -> House:
    keys, lenoir = make_ring(folder)
    return House(database=database, keys=keys, lenoir=lenoir, chance=chance, at=at, site_id=UUID(int=0x517E))


@dataclass(kw_only=True)
class PlainRule:
    """A rule that says what it is told to say of the reports it is given, and opens them for good."""

    house: House
    items: tuple[tuple[UUID, int], ...]
    course: Course = Course.TELL
    settled: list[Answer]

    def weigh(self, db: Session, dossier_id: UUID, *, at: datetime) -> Weighed:
        assert db.get(Dossier, dossier_id) is not None
        assert at.tzinfo
        return Weighed(
            course=self.course, items=self.items, matrix_version=1, channel=Channel.PHONE, person=Person.WITH_CODE
        )

    def open(self, weighed: Weighed, private: bytes) -> tuple[Body, ...]:
        with self.house.database.reading() as db:
            return open_reports(
                db, self.house.keys, weighed.items, private=private,
                verifiers=lambda who, _: self.house.verifiers.get(who),
            )  # fmt: skip

    def settle(self, db: Session, answer: Answer) -> None:
        assert db.in_transaction()
        self.settled.append(answer)
