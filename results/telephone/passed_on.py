"""Screens: the biologist answers a caller whose code was right, on the line or rung back."""

from functools import partial
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from kiosk.register.accounts import staff_of
from kiosk.register.clock import appointment_words
from kiosk.register.patients import patient_of
from kiosk.register.sites import Site, this_site
from kiosk.register.staff import Right
from kiosk.register.visits import Visit
from kiosk.signin import actor, fresh, needs, power
from kiosk.web import chance, form_key, house, now, page, reading, transaction
from results.callers import messages
from results.callers.limits import limits_now
from results.callers.taking_over import end_unread, for_biologist, number_to_ring, tell_caller, waiting_call
from results.desks.unlocking import unlocked
from results.physicians.calls import State, waiting

bp = Blueprint("passed_on", __name__)


@bp.get("/telephone/biologiste")
@needs(Right.SIGN)
@fresh
def calls_page() -> ResponseReturnValue:
    """Who waits for the biologist: hours and motives alone, no name."""
    with reading() as db:
        site = this_site(db)
        found, left = for_biologist(db, site.id, at=now()), messages.waiting_messages(db, site.id)
        limits = limits_now(db, site.id, at=now())
        paused = [(staff_of(db, by, power()).name, until) for by, until in limits.paused]
    return page(
        "results/passed_on.html", calls=[(call, appointment_words(site.timezone, call.opened_at)) for call in found],
        messages=[(one, appointment_words(site.timezone, one.at)) for one in left], motives=messages.MOTIVES,
        limits=limits, paused=paused, this_hour=now(), when=partial(appointment_words, site.timezone),
    )  # fmt: skip


@bp.get("/telephone/biologiste/<uuid:call_id>")
@needs(Right.SIGN)
@fresh
def call_page(call_id: UUID) -> ResponseReturnValue:
    """Whom to ask for, the number to ring, and what to ask before anything is read."""
    return _call_page(call_id)


@bp.post("/telephone/biologiste/<uuid:call_id>/lire")
@needs(Right.SIGN)
def read(call_id: UUID) -> ResponseReturnValue:
    """Open and read: the same form shows the same words again, and nothing is told twice."""
    with transaction("results") as db:
        answer = tell_caller(
            db, house().more["keys"], call_id, unlock=unlocked, power=power(), by=actor().id, at=now(),
            chance=chance, key=form_key(),
        )  # fmt: skip
    if not answer.told:
        return _call_page(call_id, is_refused=True)
    return page("results/caller_told.html", told=answer.told, is_partial=answer.is_partial)


@bp.post("/telephone/biologiste/<uuid:call_id>/fin")
@needs(Right.SIGN)
def end(call_id: UUID) -> ResponseReturnValue:
    """The call needs no answer any more; nothing was read, and the number is forgotten."""
    with transaction("results") as db:
        end_unread(
            db, house().more["keys"], call_id, reached=request.form.get("reached") == "yes", by=actor().id, at=now(),
            chance=chance,
        )  # fmt: skip
    flash("Noté. Cet appel n'attend plus.", "ok")
    return redirect(url_for("passed_on.calls_page"), 303)


@bp.get("/telephone/biologiste/message/<uuid:message_id>")
@needs(Right.SIGN)
@fresh
def message_page(message_id: UUID) -> ResponseReturnValue:
    """The number to ring, why, and for whom where that person stood at the counter."""
    with reading() as db:
        row = messages.waiting_message(db, message_id)
        visit = None if row.visit_id is None else db.get(Visit, row.visit_id)
        return page(
            "results/message.html", row=row, visit=visit, patient=None if visit is None else patient_of(db, visit.id),
            motive=messages.MOTIVES[row.motive], number=messages.number_left(house().more["keys"], row),
        )  # fmt: skip


@bp.post("/telephone/biologiste/message/<uuid:message_id>/fin")
@needs(Right.SIGN)
def end_message(message_id: UUID) -> ResponseReturnValue:
    """The person was reached, or is rung no more; the number is forgotten."""
    ending = (
        messages.Ending.REACHED
        if request.form.get("ending") == messages.Ending.REACHED
        else messages.Ending.NOT_REACHED
    )
    with transaction("results") as db:
        messages.end_message(db, message_id, ending, by=actor().id, at=now(), chance=chance)
    flash("Noté. Ce message n'attend plus.", "ok")
    return redirect(url_for("passed_on.calls_page"), 303)


def waiting_words(db: Session, site: Site) -> str:
    """What the menu says to a biologist while a caller waits for the answer."""
    if not actor().may(Right.SIGN):
        return ""
    if limits_now(db, site.id, at=now()):
        return "des codes ne sont plus essayés"
    if for_biologist(db, site.id, at=now()):
        return "un patient attend votre réponse"
    if waiting(db, site.id, State.VERIFIED, at=now()):
        return "un médecin attend votre réponse"
    return "un message attend votre réponse" if messages.waiting_messages(db, site.id) else ""


def _call_page(call_id: UUID, *, is_refused: bool = False) -> Response:
    with reading() as db:
        keys = house().more["keys"]
        found = waiting_call(db, keys, call_id, at=now())
        return page(
            "results/caller.html", waiting=found, number=number_to_ring(keys, found.call), is_refused=is_refused
        )
