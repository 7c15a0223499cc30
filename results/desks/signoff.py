"""The biologist's desk: what waits for a signature, and one report open at a time."""

from datetime import datetime
from typing import Any, Final
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from kiosk.register import clock
from kiosk.register.errors import Invalid
from kiosk.register.sites import this_site
from kiosk.register.staff import Right
from kiosk.signin import actor, needs, power, present
from kiosk.web import chance, form_key, house, now, page, reading, transaction
from results.desks.unlocking import sittings, unlocked
from results.earlier import earlier_values
from results.holds import HoldReason, hold, lift
from results.reports.versions import NotFromHere, Report
from results.signing import (
    ChangedSinceOpened,
    RouteNotAgreed,
    keep_in_person,
    open_to_read,
    sign_what_was_read,
    waiting_for_signature,
)

bp = Blueprint("signoff", __name__)

HOLDS: Final = (
    (HoldReason.CONTROL, "Contrôle ou confirmation en cours"),
    (HoldReason.SAMPLE, "Prélèvement à revoir"),
    (HoldReason.IDENTITY, "Identité à vérifier"),
    (HoldReason.TALK, "À dire d'abord de vive voix"),
)


@bp.get("/signature")
@needs(Right.SIGN)
def waiting() -> ResponseReturnValue:
    """What waits for a signature, the urgent and the oldest first; nothing of any content."""
    with reading() as db:
        found = waiting_for_signature(db, power())
        return page("results/signoff.html", waiting=found, **_around(db))


@bp.post("/signature/<uuid:report_id>/ouvrir")
@needs(Right.SIGN)
def open_report(report_id: UUID) -> ResponseReturnValue:
    """Open one report; the journal knows before anything is shown."""
    return _open(report_id)


@bp.post("/signature/<uuid:report_id>/signer")
@needs(Right.SIGN)
def sign(report_id: UUID) -> ResponseReturnValue:
    """Sign exactly what was shown; what has changed is shown again instead."""
    form = request.form
    try:
        with transaction("results") as db:
            sign_what_was_read(
                db, house().more["keys"], report_id, seen=form.get("seen", ""), is_route_agreed="route" in form,
                is_whole="whole" in form, biologist=unlocked(), by=actor().id, power=power(), at=now(),
                chance=chance,
            )  # fmt: skip
    except ChangedSinceOpened as refusal:
        return _shown_again(report_id, refusal)
    except RouteNotAgreed as refusal:
        return _open(report_id, status=422, errors={"route": refusal.sentence})
    flash("Compte rendu signé.", "ok")
    return redirect(url_for("signoff.waiting"), 303)


@bp.post("/signature/<uuid:report_id>/retenir")
@needs(Right.SIGN)
def keep_back(report_id: UUID) -> ResponseReturnValue:
    """Hold a report, with a reason of the list."""
    reason = _reason(request.form.get("reason", ""))
    with transaction("results") as db:
        report = db.get(Report, report_id)
        if report is None:
            raise NotFromHere
        hold(db, report, reason, by=actor().id, power=power(), at=now(), chance=chance, key=form_key())
    flash("Compte rendu retenu : rien n'en sera dit.", "warn")
    return redirect(url_for("signoff.waiting"), 303)


@bp.post("/signature/<uuid:report_id>/en-personne")
@needs(Right.SIGN)
def tell_in_person(report_id: UUID) -> ResponseReturnValue:
    """Let a visit's results be told in person only, or by every way of the table again; then read on."""
    unlocked()
    with transaction("results") as db:
        keep_in_person(
            db, house().more["keys"], report_id, is_closed="open" not in request.form, by=actor().id, at=now(),
            chance=chance,
        )  # fmt: skip
    return _open(report_id)


@bp.post("/signature/<uuid:report_id>/liberer")
@needs(Right.SIGN)
def let_go(report_id: UUID) -> ResponseReturnValue:
    """Lift what holds a report, with unlocked keys: from then on it may be told."""
    unlocked()
    with transaction("results") as db:
        lift(db, report_id, by=actor().id, power=power(), at=now(), chance=chance)
    flash("La retenue est levée.", "ok")
    return redirect(url_for("signoff.waiting"), 303)


class ReasonMissing(Invalid):
    """A hold has a reason of the list; choose one."""

    french = "Choisissez un motif de retenue."


def _open(report_id: UUID, *, status: int = 200, changed: str = "", errors: dict[str, str] | None = None) -> Response:
    with transaction("results") as db:
        keys, biologist = house().more["keys"], unlocked()
        opened = open_to_read(
            db, keys, report_id, biologist=biologist, by=actor().id, power=power(), at=now(), chance=chance
        )
        earlier = earlier_values(
            db, keys, opened, biologist=biologist, by=actor().id, power=power(), at=now(), chance=chance
        )
        around = _around(db)
    return page(
        "results/report.html", status=status, opened=opened, earlier=earlier, changed=changed, errors=errors or {},
        **around,
    )  # fmt: skip


def _shown_again(report_id: UUID, refusal: ChangedSinceOpened) -> Response:
    try:
        return _open(report_id, status=422, changed=refusal.sentence)
    except NotFromHere:
        raise refusal from None


def _around(db: Session) -> dict[str, Any]:
    """What both pages say: until when the keys are open, hours in words, the reasons of a hold."""
    here, site = present(), this_site(db)
    until = None if here is None else sittings().until(here.sign_in, at=now())
    return {
        "why": dict(HOLDS) | {HoldReason.CORRECTION: "Une correction attend"},
        "open_until": "" if until is None else clock.hour(site.timezone, until),
        "when": lambda at: _when(site.timezone, at),
        "age": lambda at: _age(at, now()),
        "reasons": HOLDS,
    }


def _when(timezone: str, at: datetime) -> str:
    return clock.appointment_words(timezone, at)


def _age(earlier: datetime, later: datetime) -> str:
    minutes = clock.minutes_between(earlier, later)
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60:02d}" if minutes < 24 * 60 else f"{minutes // (24 * 60)} j"


def _reason(word: str) -> HoldReason:
    if word not in list(HoldReason):
        raise ReasonMissing
    return HoldReason(word)
