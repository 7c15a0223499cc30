"""What a patient's earlier reports say of the same analyses: beside the report that a biologist reads, nowhere else."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kiosk.exams.prescriptions import UnknownExam, exams_of
from kiosk.register.clock import Chance
from kiosk.register.journal import Act, write
from kiosk.register.patients import Recognition
from kiosk.register.staff import Power
from kiosk.register.visits import Visit
from results.hl7v2.reader import Message
from results.holds import is_held
from results.reports.assemble import Line, Report, Status, assemble
from results.reports.versions import State, newest, reports_of
from results.signing import Opened, Purpose, SealBroken, open_dossier_key
from results.telling import open_signed
from results.vault.dossiers import Dossier, NoSuchDossier, trusted_dossier
from results.vault.envelopes import BodyKind
from results.vault.keys import BiologistKeys, KeyRing
from results.vault.sealing import DoesNotOpen

#: Earlier visits that are opened for one report: those with the same exams, the latest first.
MOST: Final = 3


@dataclass(frozen=True, kw_only=True, repr=False)
class Earlier:
    """One value of an earlier visit."""

    value: str
    unit: str
    on: date


def earlier_values(
    db: Session, keys: KeyRing, opened: Opened, *, biologist: BiologistKeys, by: UUID, power: Power, at: datetime,
    chance: Chance,
) -> Mapping[tuple[str, str], tuple[Earlier, ...]]:  # fmt: skip
    """Open what is still kept of the same exams of the same patient; the journal knows of every body that was opened.

    Args:
        db: a session that writes the results.
        keys: the staff programme's keys, for C0 and C1.
        opened: the report that the biologist reads.
        biologist: unlocked keys, for C2 and above.
        by: the biologist's staff id.
        power: vouches for holds and signers.
        at: now.
        chance: gives the journal's salts.

    Returns:
        A line's key -> its earlier values, the latest first; a line without any is left out. Nothing that was taken
        back, is held, does not open or whose signature does not hold is among them.
    """
    found: dict[tuple[str, str], list[Earlier]] = {}
    for visit, dossier in _visits_before(db, keys, opened):
        for line in _lines(db, keys, dossier, biologist=biologist, by=by, power=power, at=at, chance=chance):
            for here in opened.content.shown:
                if here.key == line.key or set(here.codes) & set(line.codes):
                    before = Earlier(value=line.value, unit=line.unit, on=visit.day)
                    found.setdefault(here.key, []).append(before)
    return {key: tuple(values) for key, values in found.items()}


def _visits_before(db: Session, keys: KeyRing, opened: Opened) -> Iterator[tuple[Visit, Dossier]]:
    """The patient's latest visits with an exam of this one's whose results are still kept."""
    if opened.patient is None:
        return
    wanted = _exams(db, opened.visit.id)
    rows = db.execute(
        select(Visit, Dossier.id)
        .join(Recognition, Recognition.visit_id == Visit.id)
        .join(Dossier, Dossier.visit_id == Visit.id)
        .where(
            Recognition.patient_id == opened.patient.id, Visit.arrived_at < opened.visit.arrived_at,
            Dossier.shredded_at.is_(None),
        )
        .order_by(Visit.arrived_at.desc())
    )  # fmt: skip
    many = 0
    for visit, dossier_id in rows.all():
        if many == MOST:
            return
        if not wanted & _exams(db, visit.id):
            continue
        try:
            dossier = trusted_dossier(db, keys, dossier_id)
        except NoSuchDossier:
            continue
        many += 1
        yield visit, dossier


def _exams(db: Session, visit_id: UUID) -> frozenset[str]:
    try:
        return frozenset(exam.nabm for exam in exams_of(db, visit_id))
    except UnknownExam:
        return frozenset()


def _lines(
    db: Session, keys: KeyRing, dossier: Dossier, *, biologist: BiologistKeys, by: UUID, power: Power, at: datetime,
    chance: Chance,
) -> Iterator[Line]:  # fmt: skip
    for report in reports_of(db, dossier.id):
        version = newest(db, report.id)
        if version is None or version.state is not State.SIGNED or is_held(db, report.id, power=power):
            continue
        try:
            private = open_dossier_key(
                db, dossier, [version], biologist, purpose=Purpose.SIGN, by=by, at=at, chance=chance
            )
            (body,) = open_signed(db, keys, power, [(report.id, version.version)], private=private)
        except (DoesNotOpen, SealBroken):
            continue
        write(db, "results", Act.REPORT_OPENED, by=by, at=at, chance=chance, report=report.id, version=version.version)
        if body.kind is BodyKind.MESSAGE:
            yield from _said(assemble([Message.read(body.content)]))


def _said(report: Report) -> Iterator[Line]:
    """What a report says in so many words: no document, nothing still pending."""
    for line in report.shown:
        if line.value.strip() and not line.is_document and line.status is not Status.PENDING:
            yield line
