"""A held message finds its visit: a person says whose it is and types two traits again; its content is on no screen."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kiosk.booking.discretion import discreet_among
from kiosk.formats.folding import fold
from kiosk.register.clock import Chance
from kiosk.register.errors import Conflict, Invalid
from kiosk.register.journal import Act, write
from kiosk.register.patients import NoPatient, patient_of
from kiosk.register.sites import Site
from kiosk.register.staff import Power
from kiosk.register.visits import Visit, visit_of
from results.exchange.candidates import candidates
from results.exchange.inbox import NO_DOSSIER, OTHER_DOSSIER
from results.exchange.matching import (
    CONTRADICTION,
    INCOMPLETE,
    NO_VISIT,
    NOBODY,
    SEVERAL_NUMBERS,
    SEVERAL_PEOPLE,
    SEVERAL_VISITS,
    By,
    Evidence,
)
from results.exchange.received import ReceivedMessage, held_message
from results.holds import ReportHold
from results.reports.versions import Report
from results.vault.dossiers import Dossier

#: What a person can settle: whose it is. A message that is cut, speaks of several people or of nothing is sent again.
_ABOUT_WHOM: Final = tuple(
    doubt.reason
    for doubt in (
        CONTRADICTION, INCOMPLETE, SEVERAL_NUMBERS, SEVERAL_PEOPLE, SEVERAL_VISITS, NO_VISIT, NOBODY, NO_DOSSIER,
        OTHER_DOSSIER,
    )
)  # fmt: skip


class CannotBeAttached(Conflict):
    """This message is damaged or speaks of more than one person: nobody can say whose it is; ask the sender."""

    french = "Ce message ne peut pas être rattaché : il est abîmé ou parle de plusieurs personnes. Demandez un renvoi."


class TraitsDisagree(Invalid):
    """The name or the birth date that was typed is not that of the chosen visit's person; compare again."""

    french = "Ce nom de naissance ou cette date n'est pas de la personne de ce passage. Comparez encore."


def is_about_whom(row: ReceivedMessage) -> bool:
    """Whether a person can settle why a message waits."""
    return (row.reason or "").startswith(_ABOUT_WHOM)


def suggested(
    db: Session, site: Site, row: ReceivedMessage, said: Evidence, *, power: Power, at: datetime
) -> list[Visit]:
    """The visits that a held message may speak of, the latest first; a discreet one is in no list.

    Those whose report it holds stand among them, however old.
    """
    held = (
        select(Dossier.visit_id)
        .join(Report, Report.dossier == Dossier.id)
        .join(ReportHold, ReportHold.report_id == Report.id)
        .where(ReportHold.by == row.id)
    )
    ids = {one.visit for one in candidates(db, site, said, at=at)} | set(db.scalars(held))
    ids -= discreet_among(db, list(ids), power)
    return sorted((visit_of(db, one) for one in ids), key=lambda visit: visit.arrived_at, reverse=True)


def attach(
    db: Session, message_id: UUID, visit_id: UUID, *, birth_name: str, birth_date: str, by: UUID, at: datetime,
    chance: Chance,
) -> None:  # fmt: skip
    """Say whose a held message is; nothing is filed or opened by that.

    Args:
        db: a session that writes the results.
        message_id: which message.
        visit_id: the visit that it speaks of.
        birth_name: of the visit's person, typed again from label or document.
        birth_date: YYYYMMDD, typed again too.
        by: staff id.
        at: now.
        chance: gives the journal's salt.

    Raises:
        NoLongerHeld: it does not wait any more.
        CannotBeAttached: whose it is, is not what is in doubt.
        TraitsDisagree: what was typed is not of this visit's person.
        NoVisit, NoPatient: there is none.

    Source: the design note on the laboratory line, quarantine: two traits are typed again.
    """
    row = held_message(db, message_id)
    if not is_about_whom(row):
        raise CannotBeAttached
    visit, patient = visit_of(db, visit_id), patient_of(db, visit_id)
    if patient is None:
        raise NoPatient
    if (fold(birth_name), birth_date) != (patient.folded_birth_name, patient.birth_date):
        raise TraitsDisagree
    row.visit, row.matched_by = visit.id, By.PERSON
    write(db, "results", Act.REPORT_MATCHED, by=by, at=at, chance=chance, message=row.id, visit=visit.id)
