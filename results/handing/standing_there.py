"""Who stands at the counter: the patient, a parent of a minor, or whoever a mandate names; each with a document."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kiosk.register.errors import Invalid
from kiosk.register.patients import Document, Patient
from kiosk.register.staff import Power
from kiosk.register.visits import Visit
from results.handing.mandates import NoMandate, mandate_of
from results.identity import seen
from results.matrix import Channel, Person
from results.release import Role
from results.weighing import Asked

#: Who may stand there without a code, in the order shown.
PERSONS: Final = (Person.WITHOUT_CODE, Person.PARENT, Person.MANDATED)


class MandateMissing(Invalid):
    """Somebody who comes for another shows a mandate; enter it, or choose it from the list."""

    french = "Choisissez la procuration. Si elle n'est pas dans la liste, notez-la d'abord."


@dataclass(frozen=True, kw_only=True)
class There:
    """Who stands there, as the rule asks it."""

    asked: Asked
    mandate_id: UUID | None = None


def with_code(role: Role, form: Mapping[str, str]) -> Asked:
    """The question of a patient who brings a slip.

    Raises:
        NoDocumentSeen: no identity document was seen.
    """
    document = seen(form.get("document", ""))
    return Asked(channel=Channel.COUNTER, person=Person.WITH_CODE, role=role, document=document)


def without_code(
    db: Session, visit: Visit, patient: Patient, role: Role, form: Mapping[str, str], *, is_discreet: bool,
    power: Power, today: date,
) -> There:  # fmt: skip
    """The question of somebody who brings no slip.

    Args:
        db: a session that may read the results.
        role: as what the person at the desk acts.
        form: `person`, `document`, `mandate` as chosen.
        is_discreet: whether the visit is a discreet one: there a patient without document may come to the biologist.
        power: vouches for mandates.
        today: the site's own day.

    Raises:
        NoDocumentSeen, MandateMissing: to be corrected on the form.
    """
    word = form.get("person", Person.WITHOUT_CODE)
    person = Person(word) if word in PERSONS else Person.WITHOUT_CODE
    is_declared = is_discreet and role is Role.BIOLOGIST and person is Person.WITHOUT_CODE
    document = (
        Document.NONE if is_declared and form.get("document") == Document.NONE else seen(form.get("document", ""))
    )
    mandate = None
    if person is Person.MANDATED:
        try:
            mandate = mandate_of(
                db, patient.id, visit.id, UUID(form.get("mandate", "")), power=power, today=today
            )  # fmt: skip
        except (ValueError, NoMandate):
            raise MandateMissing from None
    asked = Asked(
        channel=Channel.COUNTER, person=person, role=role, document=document,
        is_for_this_visit=mandate is not None and mandate.visit_id == visit.id,
    )  # fmt: skip
    return There(asked=asked, mandate_id=None if mandate is None else mandate.id)
