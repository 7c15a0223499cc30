"""A patient, the strict traits, and the recognition of a person in a visit."""

import unicodedata
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.formats.folding import fold
from kiosk.register.clock import Chance
from kiosk.register.database import Base, Side, UtcDateTime, bump
from kiosk.register.errors import Invalid, NotFound
from kiosk.register.journal import Act, write
from kiosk.register.once import PageAlreadyUsed, answered
from kiosk.register.visits import Visit

#: Files that one search shows.
MOST_FOUND: Final = 5


class Sex(StrEnum):
    """The sex of the strict traits (RNIV): as on the identity document."""

    F = "F"
    M = "M"
    UNKNOWN = "I"


class Identity(StrEnum):
    """How sure the identity is (RNIV); it falls back when a strict trait changes."""

    PROVISIONAL = "provisional"
    VALIDATED = "validated"


class Document(StrEnum):
    """The identity document that a person of the laboratory has seen; its number is never kept."""

    CARD = "identity_card"
    PASSPORT = "passport"
    RESIDENCE = "residence_permit"
    LICENCE = "driving_licence"
    NONE = "none"


#: High-trust documents: the only ones that validate an identity.
VALIDATING = frozenset({Document.CARD, Document.PASSPORT, Document.RESIDENCE})


class Patient(Base):
    """A person known to the laboratory, by the strict traits of the national identity rules (RNIV)."""

    __tablename__ = "patient"
    __table_args__ = (
        UniqueConstraint("site_id", "number"),
        Index(None, "site_id", "folded_birth_name", "birth_date"),
        Index(None, "site_id", "birth_date"),
        CheckConstraint("length(birth_date) = 8", name="birth_date"),
    )
    keep = "20 years after the last visit: the file of a patient"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    #: The laboratory's own patient number, on every label; never the social-security number.
    number: Mapped[int]
    birth_name: Mapped[str] = mapped_column(String(100))
    #: Name in use, where it differs.
    used_name: Mapped[str | None] = mapped_column(String(100))
    #: All given names, the first one first, separated by a comma.
    given_names: Mapped[str] = mapped_column(String(100))
    #: YYYYMMDD, month or day 00 where the document knows none.
    birth_date: Mapped[str] = mapped_column(String(8))
    sex: Mapped[Sex] = mapped_column(Enum(Sex, native_enum=False, length=1, values_callable=list))
    #: INSEE code of the birth place, 99999 when unknown.
    birth_place: Mapped[str | None] = mapped_column(String(5))
    identity: Mapped[Identity] = mapped_column(Enum(Identity, native_enum=False, length=12, values_callable=list))
    #: Birth name, used name and given names, folded for the search.
    folded_birth_name: Mapped[str] = mapped_column(String(100))
    folded: Mapped[str] = mapped_column(String(320))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(32), unique=True)


class PatientCounter(Base):
    """The last patient number given at a site."""

    __tablename__ = "patient_counter"
    keep = "for ever: numbers are never given twice"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    number: Mapped[int]


class Recognition(Base):
    """This visit is this patient: by whom, when, after which document was seen."""

    __tablename__ = "recognition"
    keep = "20 years: with the patient's file"

    visit_id: Mapped[UUID] = mapped_column(ForeignKey("visit.id"), primary_key=True)
    patient_id: Mapped[UUID] = mapped_column(ForeignKey("patient.id"), index=True)
    document: Mapped[Document] = mapped_column(Enum(Document, native_enum=False, length=18, values_callable=list))
    by: Mapped[str] = mapped_column(String(40))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


class TraitsToCorrect(Invalid):
    """A strict trait is missing or cannot be right; correct it and save again."""

    french = "Un trait d'identité est à corriger. Regardez le nom, les prénoms et la date de naissance."


class NoPatient(NotFound):
    """No patient has this identifier; search again."""

    french = "Ce dossier n'existe pas. Cherchez à nouveau."


def read_birth_date(text: str, *, today: str) -> str:
    """Read `29/02/1964`, `29 2 1964`, `29021964` or `1964-02-29`; month or day 00 stay 00.

    Args:
        today: the site's day as YYYYMMDD; nobody is born after it.

    Raises:
        TraitsToCorrect: when no such day exists, or it lies in the future.
    """
    parts = "".join(c if c.isdecimal() else " " for c in text).split()
    if len(parts) == 1 and len(parts[0]) == 8:
        parts = [parts[0][:2], parts[0][2:4], parts[0][4:]]
    if len(parts) != 3:
        raise TraitsToCorrect("Tapez le jour, le mois et l'année de naissance, par exemple 29/02/1964.")
    first, month, last = parts
    day, year = (last, first) if len(first) == 4 else (first, last)
    if len(year) != 4 or len(month) > 2 or len(day) > 2:
        raise TraitsToCorrect("Tapez le jour, le mois et l'année de naissance, par exemple 29/02/1964.")
    stored = f"{int(year):04d}{int(month):02d}{int(day):02d}"
    if not _exists(stored):
        raise TraitsToCorrect("Cette date n'existe pas. Regardez le jour et le mois.")
    if stored > today:
        raise TraitsToCorrect("Cette date est dans l'avenir. Regardez l'année.")
    return stored


def _exists(stored: str) -> bool:
    year, month, day = int(stored[:4]), int(stored[4:6]), int(stored[6:])
    if month == 0 or day == 0:
        return year >= 1850 and month <= 12 and (day == 0 or (month == 0 and day <= 31))
    try:
        datetime(year, month, day)  # noqa: DTZ001  # a calendar question, not an instant
    except ValueError:
        return False
    return year >= 1850  # nobody alive is older


def birth_date_words(stored: str) -> str:
    """A stored birth date as written on labels: `29/02/1964`."""
    return f"{stored[6:]}/{stored[4:6]}/{stored[:4]}"


def next_patient_number(db: Session, site_id: UUID) -> int:
    """Give the laboratory's next patient number, in the transaction of the file."""
    return bump(db, PatientCounter, site_id=site_id)


def create_patient(
    db: Session,
    site_id: UUID,
    *,
    id: UUID,  # noqa: A002
    birth_name: str,
    given_names: str,
    birth_date: str,
    sex: Sex,
    used_name: str | None,
    birth_place: str | None,
    by: str,
    at: datetime,
    key: str,
) -> Patient:
    """Open a patient's file from the traits; the same form gets the same file.

    Args:
        birth_date: stored form, as `read_birth_date` gives it.

    Raises:
        TraitsToCorrect: when a name has no letter or the birth place is no INSEE code.
        PageAlreadyUsed: when this form was sent by somebody else.
    """
    if before := answered(db, Patient, site_id, key):
        if before.created_by != by:
            raise PageAlreadyUsed
        return before
    names = [
        " ".join(unicodedata.normalize("NFC", name).split()) for name in (birth_name, given_names, used_name or "")
    ]
    if not fold(names[0]) or not fold(names[1]):
        raise TraitsToCorrect("Il manque le nom de naissance ou le premier prénom.")
    if any(max(len(name), len(fold(name))) > 100 or not name.isprintable() for name in names):
        raise TraitsToCorrect("Un nom est trop long ou contient un signe inattendu. Tapez-le de nouveau.")
    place = (birth_place or "").strip().upper() or None
    if place is not None and not (len(place) == 5 and place.isalnum() and place.isascii()):
        raise TraitsToCorrect("Le code du lieu de naissance a cinq signes : le code INSEE, ou 99999.")
    used = names[2] if names[2] and fold(names[2]) != fold(names[0]) else None
    patient = Patient(
        id=id, site_id=site_id, number=next_patient_number(db, site_id), birth_name=names[0], given_names=names[1],
        used_name=used, birth_date=birth_date, sex=sex, birth_place=place, identity=Identity.PROVISIONAL,
        folded_birth_name=fold(names[0]), folded=fold(f"{names[0]} {used or ''} {names[1]}"),
        created_at=at, created_by=by, key=key,
    )  # fmt: skip
    db.add(patient)
    return patient


def recognise(db: Session, visit: Visit, patient: Patient, *, document: Document, by: str, at: datetime) -> Recognition:
    """Say that a visit is this patient's; a high-trust document validates the identity."""
    row = db.get(Recognition, visit.id)
    if row is None:
        row = Recognition(visit_id=visit.id, patient_id=patient.id, document=document, by=by, at=at)
        db.add(row)
    else:
        row.patient_id, row.document, row.by, row.at = patient.id, document, by, at
    if document in VALIDATING:
        patient.identity = Identity.VALIDATED
    return row


def patient_of(db: Session, visit_id: UUID) -> Patient | None:
    """The patient recognised in a visit, or None."""
    return db.scalars(
        select(Patient).join(Recognition, Recognition.patient_id == Patient.id).where(Recognition.visit_id == visit_id)
    ).first()


def find_patients(db: Session, site_id: UUID, typed: str, *, limit: int = MOST_FOUND) -> list[Patient]:
    """The best files for what was typed: every word begins a word of the names, or is the number or birth date."""
    query = select(Patient).where(Patient.site_id == site_id)
    words = fold(typed.replace("/", "")).split()
    if not words:
        return []
    for word in words:
        if word.isdecimal() and len(word) == 8:  # as said: day, month, year
            query = query.where(Patient.birth_date == word[4:] + word[2:4] + word[:2])
        elif word.isdecimal() and len(word) < 10:  # more digits are no number of this house
            query = query.where(Patient.number == int(word))
        else:
            query = query.where(Patient.folded.startswith(word) | Patient.folded.contains(f" {word}"))
    return list(db.scalars(query.order_by(Patient.folded_birth_name, Patient.given_names).limit(limit)))


def search_patients(
    db: Session, side: Side, site_id: UUID, typed: str, *, by: UUID, at: datetime, chance: Chance
) -> list[Patient]:
    """Find files for what was typed, and leave an entry of which ones were shown; what was typed is kept nowhere.

    Args:
        db: a session that writes this side.
        side: whose journal.
        by: staff id.
        at: now.
        chance: gives the journal's salt.

    Source: the design note on release, sections 1 and 6.
    """
    found = find_patients(db, site_id, typed)
    note_shown(db, side, found, by=by, at=at, chance=chance)
    return found


def note_shown(db: Session, side: Side, found: Sequence[Patient], *, by: UUID, at: datetime, chance: Chance) -> None:
    """Write which files a person was shown who did not say which one they mean; nobody's is no entry."""
    if found:
        shown = {f"patient_{place}": one.id for place, one in enumerate(found[:MOST_FOUND], 1)}
        write(db, side, Act.PATIENT_SEARCHED, by=by, at=at, chance=chance, found=len(found), **shown)
