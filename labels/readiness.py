"""What labels change in a visit: ready for the draw once they are numbered, free again once they are void."""

from contextlib import suppress
from datetime import datetime
from typing import Final

from sqlalchemy.orm import Session

from kiosk.counter.passage import advance
from kiosk.exams.prescriptions import exams_of
from kiosk.register.clock import Chance
from kiosk.register.errors import Conflict
from kiosk.register.once import answered
from kiosk.register.patients import patient_of
from kiosk.register.visits import Move, State, Verb, Visit
from labels.changes import changes_of, hold
from labels.planning.plan import plan
from labels.planning.planned import Plan
from labels.planning.rules import Child, Rules
from labels.printing import NothingToVoid, number_tubes, void_tubes
from labels.tubes import Tube

#: Who is before someone of the laboratory, or has been: labels never come out for an empty chair.
PRESENT: Final = frozenset({State.CALLED, State.REGISTERED, State.WAITING, State.IN_ROOM})


class CallFirst(Conflict):
    """Labels are printed for a patient who is at the counter; call the number first."""

    french = "Appelez d'abord ce numéro : les étiquettes s'impriment quand la personne est devant vous."


def plan_of(db: Session, visit: Visit, rules: Rules) -> Plan:
    """The containers that the prescription of a visit asks for, as it is now, with what a person changed.

    Args:
        rules: the site's table of tubes; a recognised child gets the volumes of its age.
    """
    wishes = [row.wish for row in changes_of(db, visit)]
    return plan(exams_of(db, visit.id), rules=rules, child=child_of(db, visit, rules), wishes=wishes)


def child_of(db: Session, visit: Visit, rules: Rules) -> Child | None:
    """The class of age of the person recognised for a visit; None for an adult, and before anybody is recognised."""
    patient = patient_of(db, visit.id)
    return None if patient is None else rules.child(patient.birth_date, visit.day)


def label_visit(
    db: Session, visit: Visit, rules: Rules, *, by: str, at: datetime, chance: Chance, key: str
) -> list[Tube]:
    """Number the containers of a visit and say that its file is ready; asked again, the same containers.

    Raises:
        CallFirst: the patient is not at the counter.
        NotRecognised, NoPrescription, PlanChanged, NothingToLabel, NumbersUsedUp: nothing is numbered.
    """
    hold(db, visit)  # a change of the plan or F6 at the same moment comes before or after, never between
    if visit.state not in PRESENT:
        raise CallFirst
    tubes = number_tubes(db, visit, plan_of(db, visit, rules), by=by, at=at, chance=chance)
    if visit.state is State.CALLED:
        advance(db, visit, Verb.REGISTER, by=by, at=at, chance=chance, key=key)
    return tubes


def end_before_draw(db: Session, visit: Visit, *, reason: str, by: str, at: datetime, chance: Chance, key: str) -> None:
    """End a visit that has labels but will not be drawn: void and gone in one act.

    Raises:
        NotNow: the visit is sampled or over.
        ReasonToGive: there is no reason of one line.
    """
    if answered(db, Move, visit.site_id, key):
        return
    with suppress(NothingToVoid):  # the labels may be void before the patient goes
        void_tubes(db, visit, reason=reason, by=by, at=at, chance=chance)
    advance(db, visit, Verb.CANCEL, by=by, at=at, chance=chance, key=key, reason=" ".join(reason.split()))
