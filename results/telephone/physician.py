"""A physician on the telephone: six spoken digits or the number on file, one sentence for every no, a blind repeat."""

from collections.abc import Mapping
from time import monotonic
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from kiosk.register.clock import end_of_day
from kiosk.register.errors import Invalid
from kiosk.register.patients import patient_of
from kiosk.register.sites import this_site
from kiosk.register.staff import Right
from kiosk.signin import actor, fresh, needs, power
from kiosk.web import chance, form_key, house, now, page, reading, transaction
from results.callers.calls import NotFromHere
from results.callers.numbers import number_words
from results.desks.trying import keep_pace
from results.desks.unlocking import unlocked
from results.identity import DateMisheard, acting_as
from results.physicians import calls
from results.physicians.calls import Outcome, PhysicianCall, State, call_of
from results.physicians.consulting import (
    Consulted,
    Reply,
    answer_as_biologist,
    consult,
    is_shown_again,
    lines_told,
    may_try,
    physician_called,
)
from results.physicians.proof import prove
from results.physicians.register import BadRpps, phone_of, physician_by_rpps, read_rpps
from results.telephone.hearing import READ_AT_ONCE, asked_for
from results.telephone.phone import birth_date_said

bp = Blueprint("physician", __name__)


class NameMissing(Invalid):
    """The patient's birth name is needed; ask for it."""

    french = "Demandez le nom de naissance du patient."


@bp.get("/telephone/medecin")
@needs(Right.PHONE)
@fresh
def desk_page() -> ResponseReturnValue:
    """A physician calls: the RPPS number first; beside it, who is to be rung back."""
    return _desk_page()


@bp.post("/telephone/medecin")
@needs(Right.PHONE)
@fresh
def open_call() -> ResponseReturnValue:
    """Open the call of an RPPS number, whether anybody has it or not."""
    try:
        rpps = read_rpps(request.form.get("rpps", ""))
    except BadRpps as refusal:
        return _desk_page(errors={"rpps": refusal.sentence})
    with transaction("results") as db:
        call = calls.open_call(db, this_site(db).id, rpps, by=actor().id, at=now(), chance=chance, key=form_key())
    return redirect(url_for("physician.call_page", call_id=call.id), 303)


@bp.get("/telephone/medecin/<uuid:call_id>")
@needs(Right.PHONE)
def call_page(call_id: UUID) -> ResponseReturnValue:
    """What to ask: the digits and the patient, or the patient alone at the number on file."""
    return _call_page(call_id)


@bp.post("/telephone/medecin/<uuid:call_id>/demande")
@needs(Right.TELL)
def ask(call_id: UUID) -> ResponseReturnValue:
    """Prove, weigh and answer, at the pace of every answer."""
    came = monotonic()
    if actor().may(Right.SIGN):
        unlocked()  # for every question alike, and before any six digits are spent: they serve once
    try:
        name, birth_date = _patient_said()
    except (NameMissing, DateMisheard) as refusal:
        field = "birth_name" if isinstance(refusal, NameMissing) else "birth_digits"
        return _call_page(call_id, errors={field: refusal.sentence})
    shown = _ask(call_id, name, birth_date)
    keep_pace(came)
    return shown


@bp.post("/telephone/medecin/<uuid:call_id>/rappeler")
@needs(Right.PHONE)
def ring_back(call_id: UUID) -> ResponseReturnValue:
    """Promise to ring the number on file: the same words for a number that nobody has."""
    with transaction("results") as db:
        site = this_site(db)
        call = call_of(db, call_id, by=actor().id, at=now(), lock=True)
        named = physician_by_rpps(db, site.id, call.rpps, power())
        has_number = named is not None and phone_of(named, power()) is not None
        calls.promise(
            db, call, named.id if named is not None and has_number else None, until=end_of_day(site.timezone, now()),
            by=actor().id, at=now(), chance=chance,
        )  # fmt: skip
    flash("Noté. S'il y a un numéro au registre, le rappel est dans la liste.", "ok")
    return redirect(url_for("physician.desk_page"), 303)


@bp.post("/telephone/medecin/<uuid:call_id>/sonner")
@needs(Right.PHONE)
@fresh
def ring(call_id: UUID) -> ResponseReturnValue:
    """Show the number on file to whoever rings it now."""
    with transaction("results") as db:
        call = _ringing(db, call_id)
        call.by = actor().id
        physician = physician_called(db, call, power())
    number = None if physician is None else phone_of(physician, power())
    if physician is None or number is None:
        raise NotFromHere
    return page("results/physician_ring.html", call=call, physician=physician, number=number_words(number))


@bp.post("/telephone/medecin/<uuid:call_id>/joint")
@needs(Right.PHONE)
def reached(call_id: UUID) -> ResponseReturnValue:
    """Say whether the physician has answered at the number on file."""
    with transaction("results") as db:
        call = _ringing(db, call_id)
        if request.form.get("reached") == "yes":
            calls.reach(db, call, by=actor().id, at=now(), chance=chance)
            return redirect(url_for("physician.call_page", call_id=call_id), 303)
        if request.form.get("reached") == "never":
            calls.close(db, call, Outcome.NOT_REACHED, by=actor().id, at=now(), chance=chance)
    return redirect(url_for("physician.desk_page"), 303)


@bp.post("/telephone/medecin/<uuid:call_id>/reprendre")
@needs(Right.SIGN)
def take_over(call_id: UUID) -> ResponseReturnValue:
    """The biologist answers a physician who was proved, with unlocked keys."""
    home, here = house(), actor()
    with transaction("results") as db:
        call = _locked(db, call_id)
        calls.take_over(call, by=here.id, at=now())
        patient, standing = asked_for(db, call)
        answer = answer_as_biologist(
            db, home.more["keys"], call, patient, standing, unlock=unlocked, power=power(), by=here.id, at=now(),
            chance=chance, key=form_key(),
        )  # fmt: skip
    return _answered(call_id, answer)


def _ask(call_id: UUID, name: str, birth_date: str) -> Response:
    home, here = house(), actor()
    with reading() as db:
        site, call = this_site(db), call_of(db, call_id, by=here.id, at=now())
        if is_shown_again(call, key=form_key(), at=now()):
            lines = lines_told(db, home.more["keys"], call, unlock=unlocked, power=power())
            return _told_page(call, Consulted(reply=Reply.TELL, lines=lines, patient=asked_for(db, call)[0]))
        may, at_number = may_try(db, call), call.state is State.REACHED
    physician_id = None
    if may:
        with transaction("results") as db:
            proved = prove(
                db, site.id, call.rpps, request.form.get("digits", ""), call_id=call_id, by=here.id, power=power(),
                at=now(), chance=chance,
            )  # fmt: skip
            physician_id = None if proved is None else proved.id
    with transaction("results") as db:
        call = call_of(db, call_id, by=here.id, at=now(), lock=True)
        if physician_id is not None:
            call.physician_id = physician_id
        physician = physician_called(db, call, power()) if at_number or physician_id is not None else None
        answer = consult(
            db, home.more["keys"], call, physician, birth_name=name, birth_date=birth_date, role=acting_as(here.roles),
            unlock=unlocked, power=power(), by=here.id, at=now(), chance=chance, key=form_key(),
            until=end_of_day(site.timezone, now()),
        )  # fmt: skip
    return _answered(call_id, answer)


def _patient_said() -> tuple[str, str]:
    name = request.form.get("birth_name", "")
    if not name.strip():
        raise NameMissing
    return name, birth_date_said(request.form)


def _ringing(db: Session, call_id: UUID) -> PhysicianCall:
    call = _locked(db, call_id)
    if call.state is not State.RINGING or now() >= call.ends_at:
        raise NotFromHere
    return call


def _locked(db: Session, call_id: UUID) -> PhysicianCall:
    call = db.get(PhysicianCall, call_id, with_for_update=True)
    if call is None:
        raise calls.NoCall
    return call


def _desk_page(errors: Mapping[str, str] | None = None) -> Response:
    with reading() as db:
        site = this_site(db)
        to_ring = calls.waiting(db, site.id, State.RINGING, at=now())
        verified = calls.waiting(db, site.id, State.VERIFIED, at=now()) if actor().may(Right.SIGN) else []
        names = {call.id: physician_called(db, call, power()) for call in (*to_ring, *verified)}
        patients = {call.id: patient_of(db, call.visit_id) for call in verified if call.visit_id is not None}
    return page(
        "results/physician_desk.html", status=422 if errors else 200, errors=errors or {}, to_ring=to_ring,
        verified=verified, names=names, patients=patients,
    )  # fmt: skip


def _call_page(call_id: UUID, errors: Mapping[str, str] | None = None) -> ResponseReturnValue:
    with reading() as db:
        call = call_of(db, call_id, by=actor().id, at=now())
        may, tries = may_try(db, call), calls.tries_of(db, call_id)
    if call.state is not State.REACHED and not may:
        return redirect(url_for("hearing.ending", call_id=call_id), 303)
    return page(
        "results/physician_call.html", status=422 if errors else 200, call=call, tries=tries, errors=errors or {},
        told=request.form,
    )  # fmt: skip


def _answered(call_id: UUID, answer: Consulted) -> Response:
    with reading() as db:
        call = call_of(db, call_id, by=actor().id, at=now())
        tries = calls.tries_of(db, call_id)
    if answer.reply is Reply.NOT_NOW:
        return page("results/physician_no.html", call=call, tries=tries, may_retry=0 < tries < calls.TRIES)
    if answer.reply is Reply.BIOLOGIST:
        return page("results/physician_transfer.html", call=call)
    return _told_page(call, answer)


def _told_page(call: PhysicianCall, answer: Consulted) -> Response:
    return page(
        "results/physician_told.html", call=call, lines=answer.lines, patient=answer.patient,
        is_all=len(answer.lines) <= READ_AT_ONCE,
    )  # fmt: skip
