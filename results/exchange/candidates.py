"""Which visits a message may speak of, as the register and the open dossiers tell."""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from kiosk.exams.prescriptions import exams_of
from kiosk.formats.folding import fold
from kiosk.register.patients import Patient, Recognition
from kiosk.register.sites import Site
from kiosk.register.visits import State, Visit
from labels.tubes import Tube
from results.exchange.inbox import Whose
from results.exchange.matching import Candidate, Dossier, Evidence, Traits
from results.vault import dossiers

#: The forms of our own numbers; nothing else that a sender names can be one of them.
SAMPLE_NUMBER, PATIENT_NUMBER = re.compile(r"[0-9]{12}"), re.compile(r"[0-9]{1,9}")
#: A visit counts as awaiting results for so long.
AWAITED = timedelta(days=30)


def whose(db: Session, site: Site, *, at: datetime) -> Whose:
    """The question that intake asks inside its transaction, bound to this site and hour."""
    return partial(candidates, db, site, at=at)


def candidates(db: Session, site: Site, evidence: Evidence, *, at: datetime) -> list[Candidate]:
    """Every visit that shares a sample number, a patient number, or name and birth date with a message."""
    identifiers = [number for number, _ in evidence.identifiers]
    tubes = {
        visit_id
        for numbers in _some_at_a_time(SAMPLE_NUMBER, evidence.numbers)
        for visit_id in db.scalars(select(Tube.visit_id).where(Tube.sample_number.in_(numbers)))
    }
    files = {
        patient_id
        for numbers in _some_at_a_time(PATIENT_NUMBER, identifiers)
        for patient_id in db.scalars(select(Patient.id).where(Patient.number.in_([int(number) for number in numbers])))
    }
    rows = db.execute(
        select(Visit, Patient)
        .join(Recognition, Recognition.visit_id == Visit.id)
        .join(Patient, Patient.id == Recognition.patient_id)
        .where(
            Visit.site_id == site.id,
            Visit.arrived_at >= at - AWAITED,
            Visit.state != State.CANCELLED,
            or_(
                Visit.id.in_(tubes),
                Patient.id.in_(files),
                (Patient.birth_date == evidence.traits.birth_date)
                & (Patient.folded_birth_name == fold(evidence.traits.birth_name)),
            ),
        )
        .order_by(Visit.arrived_at)
    )
    return [candidate_of(db, visit, patient, evidence) for visit, patient in rows]


def _some_at_a_time(form: re.Pattern[str], numbers: Iterable[str]) -> Iterator[list[str]]:
    """The numbers that can be ours; an engine takes only so many in one question, a sender may name any number."""
    ours = sorted({number for number in numbers if form.fullmatch(number)})
    return (ours[start : start + 500] for start in range(0, len(ours), 500))


def candidate_of(db: Session, visit: Visit, patient: Patient, evidence: Evidence) -> Candidate:
    """One visit of one patient, with what of it the evidence names."""
    tubes = db.scalars(select(Tube).where(Tube.visit_id == visit.id)).all()
    named = [tube for tube in tubes if tube.sample_number in evidence.numbers]
    ordered = {exam for tube in named for exam in tube.exams} or {exam.nabm for exam in exams_of(db, visit.id)}
    return Candidate(
        visit=visit.id,
        patient=patient.id,
        traits=Traits(
            birth_name=patient.birth_name,
            givens=tuple(name.strip() for name in patient.given_names.replace(",", " ").split()),
            birth_date=patient.birth_date,
            sex=patient.sex,
            birth_place=patient.birth_place or "",
        ),
        numbers=frozenset(tube.sample_number for tube in tubes),
        patient_number=str(patient.number),
        ins=None,
        arrived_at=visit.arrived_at,
        is_open=True,
        dossier=_dossier(db, visit.id, tuple(sorted(ordered))),
    )


def _dossier(db: Session, visit_id: UUID, ordered: tuple[str, ...]) -> Dossier | None:
    row = db.scalars(select(dossiers.Dossier).where(dossiers.Dossier.visit_id == visit_id)).first()
    if row is None or row.shredded_at is not None:
        return None  # what is sealed to a key that was destroyed would be lost
    return Dossier(id=row.id, public=row.public, mac=row.mac, not_before=row.promised_at, ordered=ordered)
