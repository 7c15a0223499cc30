"""What a physician repeats is typed without seeing what was read, compared, and the call ends."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from kiosk.register.errors import Invalid
from kiosk.register.patients import Patient, patient_of
from kiosk.register.staff import Right
from kiosk.signin import actor, needs, power
from kiosk.web import chance, house, now, page, reading, transaction
from results.callers.calls import NotFromHere
from results.callers.repeating import READ_BACK_TRIES, HeardOtherwise
from results.desks.unlocking import unlocked
from results.physicians import calls
from results.physicians.calls import Outcome, PhysicianCall, State, call_of
from results.physicians.consulting import lines_told
from results.physicians.orders import Standing, physicians_of
from results.physicians.repeating import Heard, Whose, is_repeated
from results.reports.assemble import Line

bp = Blueprint("hearing", __name__)

#: More lines than this are not all read on the telephone: whoever reads says which.
READ_AT_ONCE: Final = 3


class NothingRead(Invalid):
    """At least one line was read aloud; say which."""

    french = "Cochez ce que vous avez lu : c'est ce que le médecin répète."


@bp.post("/telephone/medecin/<uuid:call_id>/lu")
@needs(Right.TELL)
def read_back(call_id: UUID) -> ResponseReturnValue:
    """What the physician repeats; what was told is out of sight from here on."""
    told = _told(call_id)
    try:
        places = _places(len(told))
    except NothingRead as refusal:
        # Names of analyses alone: what was read is out of sight already.
        errors = {"read": refusal.sentence}
        return page("results/physician_which.html", status=422, call_id=call_id, lines=told, errors=errors)
    return _repeat_page(call_id, places)


@bp.post("/telephone/medecin/<uuid:call_id>/repetition")
@needs(Right.TELL)
def compare(call_id: UUID) -> ResponseReturnValue:
    """Compare what was heard with what was told."""
    told, form = _told(call_id), request.form
    places = _places(len(told))
    heard = [
        Heard(analysis=analysis, value=value, unit=unit)
        for analysis, value, unit in zip(
            form.getlist("analysis_secret"), form.getlist("value_secret"), form.getlist("unit_secret"), strict=True
        )
    ]
    with transaction("results") as db:
        call = call_of(db, call_id, by=actor().id, at=now(), lock=True)
        patient, _ = asked_for(db, call)
        whose = Whose(birth_name=patient.birth_name, given_names=patient.given_names, birth_date=patient.birth_date)
        same = is_repeated(
            [told[place] for place in places],
            whose,
            heard,
            initials=form.get("initials", ""),
            year=form.get("year", ""),
        )
        right = calls.hear(db, call, is_same=same, by=actor().id, at=now(), chance=chance)
    if not right:
        return _repeat_page(call_id, places, errors={"initials": HeardOtherwise.french})
    return redirect(url_for("hearing.ending", call_id=call_id), 303)


@bp.get("/telephone/medecin/<uuid:call_id>/fin")
@needs(Right.PHONE)
def ending(call_id: UUID) -> ResponseReturnValue:
    """How the call ended."""
    return _ending(call_id)


@bp.post("/telephone/medecin/<uuid:call_id>/fin")
@needs(Right.PHONE)
def end(call_id: UUID) -> ResponseReturnValue:
    """End the call."""
    word = request.form.get("outcome", "")
    if word not in list(Outcome):
        raise NotFromHere
    with transaction("results") as db:
        call = call_of(db, call_id, by=actor().id, at=now(), lock=True)
        if not (call.state is State.VERIFIED and word == Outcome.PASSED):  # it waits for the biologist as it is
            calls.close(db, call, Outcome(word), by=actor().id, at=now(), chance=chance)
    return redirect(url_for("physician.desk_page"), 303)


def asked_for(db: Session, call: PhysicianCall) -> tuple[Patient, Standing]:
    """The patient of the visit that was asked for, and as what its order names the physician."""
    patient = None if call.visit_id is None else patient_of(db, call.visit_id)
    named = [] if call.visit_id is None else physicians_of(db, call.visit_id, power())
    standing = next((row.standing for row, one in named if one.id == call.physician_id), None)
    if patient is None or standing is None:
        raise NotFromHere
    return patient, standing


def _told(call_id: UUID) -> Sequence[Line]:
    with reading() as db:
        call = call_of(db, call_id, by=actor().id, at=now())
        if call.state is not State.TOLD:
            raise NotFromHere
        return lines_told(db, house().more["keys"], call, unlock=unlocked, power=power())


def _places(count: int) -> list[int]:
    """The lines that were read aloud, in their order; of a short report, all."""
    places = [place for place in range(count) if str(place) in request.form.getlist("read")]
    if not places and count > READ_AT_ONCE:
        raise NothingRead
    return places or list(range(count))


def _repeat_page(call_id: UUID, places: Sequence[int], errors: Mapping[str, str] | None = None) -> Response:
    with reading() as db:
        call = call_of(db, call_id, by=actor().id, at=now())
    return page(
        "results/physician_repeat.html", status=422 if errors else 200, call=call, places=places, errors=errors or {},
        is_over=call.read_back_tries >= READ_BACK_TRIES,
    )  # fmt: skip


def _ending(call_id: UUID) -> Response:
    with reading() as db:
        call = call_of(db, call_id, by=actor().id, at=now())
    return page("results/physician_end.html", call=call)
