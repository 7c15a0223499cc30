"""What makes a value critical, whom to ring and when, and how long it took: the biologist's rules and their figures."""

from datetime import timedelta
from typing import Final
from uuid import UUID

from flask import Blueprint, Response, flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from kiosk.register import clock
from kiosk.register.sites import Site, this_site
from kiosk.register.staff import Right
from kiosk.signin import actor, needs, power
from kiosk.web import chance, form_key, now, page, reading, transaction
from results.callers.numbers import number_words
from results.critical.alerts import Contact, CriticalAlert
from results.critical.escalation import StepToCorrect, add_step, end_step, whole_plan
from results.critical.limits import LimitToCorrect, all_limits, end_limit, set_limit
from results.critical.times import alerts_between, as_csv, summary, times_of
from results.desks.critical import CONTACTS
from results.desks.unlocking import unlocked

bp = Blueprint("critical_rules", __name__)

SPANS: Final = (7, 30, 90, 365)


@bp.get("/critiques/bornes")
@needs(Right.SIGN)
def limits() -> ResponseReturnValue:
    """The limits, by name."""
    return _limits()


@bp.post("/critiques/bornes")
@needs(Right.SIGN)
def set_one() -> ResponseReturnValue:
    """Set the limits of one analysis, with unlocked keys."""
    form = request.form
    try:
        unlocked()
        with transaction("results") as db:
            set_limit(
                db, this_site(db).id, code=form.get("code", ""), label=form.get("label", ""), unit=form.get("unit", ""),
                low=form.get("low", ""), high=form.get("high", ""), by=actor().id, power=power(), at=now(),
                chance=chance, key=form_key(),
            )  # fmt: skip
    except LimitToCorrect as refusal:
        return _limits(errors={"code": refusal.sentence})
    flash("La borne vaut dès le prochain message.", "ok")
    return redirect(url_for("critical_rules.limits"), 303)


@bp.post("/critiques/bornes/<uuid:limit_id>/retirer")
@needs(Right.SIGN)
def end_one(limit_id: UUID) -> ResponseReturnValue:
    """End one limit."""
    unlocked()
    with transaction("results") as db:
        end_limit(db, limit_id, by=actor().id, power=power(), at=now(), chance=chance)
    flash("Cette analyse n'a plus de borne.", "warn")
    return redirect(url_for("critical_rules.limits"), 303)


@bp.get("/critiques/qui-appeler")
@needs(Right.SIGN)
def plan() -> ResponseReturnValue:
    """Whom to ring, by hour of day."""
    return _plan()


@bp.post("/critiques/qui-appeler")
@needs(Right.SIGN)
def add_line() -> ResponseReturnValue:
    """Add a line to the list, with unlocked keys: whoever is in it is told values."""
    form = request.form
    try:
        unlocked()
        with transaction("results") as db:
            add_step(
                db, this_site(db).id, starts=form.get("starts", ""), ends=form.get("ends", ""),
                minute=form.get("minute", ""), contact=form.get("contact", ""), name=form.get("name", ""),
                number=form.get("number", ""), by=actor().id, power=power(), at=now(), chance=chance, key=form_key(),
            )  # fmt: skip
    except StepToCorrect as refusal:
        return _plan(errors={"starts": refusal.sentence})
    flash("La ligne est dans la liste.", "ok")
    return redirect(url_for("critical_rules.plan"), 303)


@bp.post("/critiques/qui-appeler/<uuid:step_id>/retirer")
@needs(Right.SIGN)
def end_line(step_id: UUID) -> ResponseReturnValue:
    """Take a line off the list, with unlocked keys."""
    unlocked()
    with transaction("results") as db:
        end_step(db, step_id, by=actor().id, power=power(), at=now(), chance=chance)
    return redirect(url_for("critical_rules.plan"), 303)


@bp.get("/critiques/delais")
@needs(Right.FIGURES)
def times() -> ResponseReturnValue:
    """How long critical values waited; no name, no analysis, no value."""
    with reading() as db:
        site = this_site(db)
        found = _found(db, site)
    rows = [(clock.appointment_words(site.timezone, one.received_at), times_of(one)) for one in reversed(found)]
    return page("results/critical_times.html", rows=rows, figures=summary(found, now()), days=_days(), spans=SPANS)


@bp.get("/critiques/delais.csv")
@needs(Right.FIGURES)
def times_table() -> ResponseReturnValue:
    """The same for a table calculator."""
    with reading() as db:
        site = this_site(db)
        text = as_csv(_found(db, site), site.timezone)
    # The mark in front tells old table calculators that it is UTF-8.
    answer = make_response("\ufeff" + text)
    answer.headers["Content-Type"] = "text/csv; charset=utf-8"
    answer.headers["Content-Disposition"] = 'attachment; filename="valeurs-critiques.csv"'
    return answer


def _found(db: Session, site: Site) -> list[CriticalAlert]:
    return alerts_between(db, site.id, now() - timedelta(days=_days()), now() + timedelta(seconds=1))


def _days() -> int:
    asked = request.args.get("jours", "")
    return int(asked) if asked in {str(span) for span in SPANS} else 30


def _limits(errors: dict[str, str] | None = None) -> Response:
    with reading() as db:
        found = all_limits(db, this_site(db).id, power())
    return page(
        "results/critical_limits.html", status=422 if errors else 200, found=found, told=request.form,
        errors=errors or {},
    )  # fmt: skip


def _plan(errors: dict[str, str] | None = None) -> Response:
    with reading() as db:
        lines = whole_plan(db, this_site(db).id, power())
    return page(
        "results/critical_plan.html", status=422 if errors else 200, lines=lines, contacts=CONTACTS,
        choices_of=[(one, CONTACTS[one]) for one in Contact], told=request.form, errors=errors or {},
        number_words=number_words,
    )  # fmt: skip
