"""Screens: a caller without the slip is noted for everyone alike, and rung at the number that was given in person."""

from collections.abc import Mapping
from time import monotonic
from typing import Final
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from kiosk.register.clock import appointment_words, end_of_day
from kiosk.register.errors import Invalid
from kiosk.register.sites import Site, this_site
from kiosk.register.staff import Right
from kiosk.signin import actor, fresh, needs, power
from kiosk.web import chance, form_key, house, now, page, reading, transaction
from results.callers.calls import NotFromHere, Outcome, call_of
from results.callers.numbers import number_words
from results.callers.ringing import Named, ask_back, end_rung, one_to_ring, tell_rung, to_ring
from results.desks.trying import keep_pace
from results.identity import acting_as
from results.telephone.phone import birth_date_said

bp = Blueprint("without_slip", __name__)

#: How a call that nobody takes, or that somebody else takes, is written down.
_ENDS: Final = frozenset({Outcome.NOT_REACHED, Outcome.OTHER_PERSON})


class NameMissing(Invalid):
    """Family name and given name are both needed; ask for them."""

    french = "Demandez le nom et le prénom."


@bp.get("/telephone/sans-talon")
@needs(Right.PHONE)
@fresh
def ask_page() -> ResponseReturnValue:
    """Who is on the line, by name and birth date."""
    return page("results/without_slip.html", errors={}, told={})


@bp.post("/telephone/sans-talon/noter")
@needs(Right.PHONE)
@fresh
def note() -> ResponseReturnValue:
    """Note it, known or not; every answer is the same page at the pace of every answer."""
    came = monotonic()
    try:
        named = _named(request.form)
    except Invalid as refusal:
        errors = {_FIELD_OF.get(type(refusal), "birth_digits"): refusal.sentence}
        return page("results/without_slip.html", status=422, errors=errors, told=request.form)
    with transaction("results") as db:
        site = this_site(db)
        ask_back(
            db, site.id, named, until=end_of_day(site.timezone, now()), by=actor().id, at=now(), chance=chance,
            key=form_key(),
        )  # fmt: skip
    keep_pace(came)
    return redirect(url_for("without_slip.noted"), 303)


@bp.get("/telephone/sans-talon/note")
@needs(Right.PHONE)
def noted() -> ResponseReturnValue:
    """What is said to everyone who has no slip."""
    return page("results/noted.html")


@bp.get("/telephone/rappels")
@needs(Right.TELL)
@fresh
def ring_list() -> ResponseReturnValue:
    """Whom to ring: hours alone, no name."""
    with reading() as db:
        site = this_site(db)
        found = [*to_ring(db, house().more["keys"], site.id, role=acting_as(actor().roles), power=power(), at=now())]
    asked = [(one.call, appointment_words(site.timezone, one.call.opened_at)) for one in found]
    return page("results/to_ring.html", asked=asked)


@bp.get("/telephone/rappels/<uuid:call_id>")
@needs(Right.TELL)
@fresh
def ring_page(call_id: UUID) -> ResponseReturnValue:
    """The number, whom to ask for, and what to ask before anything is read."""
    return _ring_page(call_id)


@bp.post("/telephone/rappels/<uuid:call_id>/lire")
@needs(Right.TELL)
def read(call_id: UUID) -> ResponseReturnValue:
    """Read to whoever says the birth date of the file; the same form shows the same words again."""
    try:
        birth_date = birth_date_said(request.form)
    except Invalid as refusal:
        return _ring_page(call_id, {"birth_digits": refusal.sentence})
    with transaction("results") as db:
        aloud = tell_rung(
            db, house().more["keys"], call_id, birth_date=birth_date, role=acting_as(actor().roles), power=power(),
            by=actor().id, at=now(), chance=chance, key=form_key(),
        )  # fmt: skip
    if aloud is None:
        flash("Trois dates différentes : cet appel est fini. Dites : « Je rappellerai. » Rien d'autre.", "warn")
        return redirect(url_for("without_slip.ring_list"), 303)
    if not aloud.told:
        return _ring_page(call_id, {"birth_digits": "Ce n'est pas la date du dossier. Faites répéter une fois."})
    with reading() as db:
        call = call_of(db, call_id, by=actor().id, at=now())
    return page(
        "results/told.html", call=call, told=aloud.told, is_partial=aloud.is_partial,
        is_hers=actor().may(Right.SIGN),
    )  # fmt: skip


@bp.post("/telephone/rappels/<uuid:call_id>/fin")
@needs(Right.TELL)
def end(call_id: UUID) -> ResponseReturnValue:
    """Nobody is rung any more; nothing was told."""
    word = request.form.get("outcome", "")
    if word not in _ENDS:
        raise NotFromHere
    with transaction("results") as db:
        end_rung(db, house().more["keys"], call_id, Outcome(word), by=actor().id, at=now(), chance=chance)
    flash("C'est noté. Cet appel n'attend plus.", "ok")
    return redirect(url_for("without_slip.ring_list"), 303)


def waiting_words(db: Session, site: Site) -> str:
    """What the menu says while somebody may be rung."""
    if not actor().may(Right.TELL):
        return ""
    found = to_ring(db, house().more["keys"], site.id, role=acting_as(actor().roles), power=power(), at=now())
    return "" if next(found, None) is None else "quelqu'un est à rappeler"


_FIELD_OF: Final[Mapping[type[Invalid], str]] = {NameMissing: "family_name"}


def _named(form: Mapping[str, str]) -> Named:
    family, given = (" ".join(form.get(one, "").split())[:100] for one in ("family_name", "given_name"))
    if not family or not given:
        raise NameMissing
    return Named(family=family, given=given, birth_date=birth_date_said(form))


def _ring_page(call_id: UUID, errors: Mapping[str, str] | None = None) -> Response:
    with reading() as db:
        found = one_to_ring(db, house().more["keys"], call_id, role=acting_as(actor().roles), power=power(), at=now())
    return page(
        "results/ring.html", status=422 if errors else 200, found=found, number=number_words(found.number),
        errors=errors or {},
    )  # fmt: skip
