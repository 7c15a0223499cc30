"""A written mandate is read, noted and ended: whom the patient names, until when; no copy is made of anything."""

from datetime import date
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from kiosk.register.clock import day, read_day
from kiosk.register.sites import this_site
from kiosk.register.staff import Right
from kiosk.signin import actor, needs, power
from kiosk.web import chance, form_key, now, page, reading, transaction
from results.handing.mandates import DayNotGood, HolderMissing, end_mandate, give_mandate, mandates_of
from results.handing.papers import visit_and_person
from results.identity import DOCUMENTS, NoDocumentSeen, seen

bp = Blueprint("mandating", __name__)

_FIELD_OF = {HolderMissing: "holder", DayNotGood: "until", NoDocumentSeen: "document"}


@bp.get("/passage/<uuid:visit_id>/procurations")
@needs(Right.REGISTER)
def of_visit(visit_id: UUID) -> ResponseReturnValue:
    """Whom the patient of a visit has named."""
    return _page(visit_id)


@bp.post("/passage/<uuid:visit_id>/procurations")
@needs(Right.REGISTER)
def note(visit_id: UUID) -> ResponseReturnValue:
    """Note a mandate that was read."""
    form = request.form
    try:
        document, until = seen(form.get("document", "")), _until(form.get("until", ""))
        with transaction("results") as db:
            visit, patient = visit_and_person(db, visit_id)
            give_mandate(
                db, visit, patient, holder=form.get("holder", ""), document=document, until=until,
                is_for_visit=form.get("scope") != "all", today=day(this_site(db).timezone, now()), by=actor().id,
                power=power(), at=now(), chance=chance, key=form_key(),
            )  # fmt: skip
    except (HolderMissing, DayNotGood, NoDocumentSeen) as refusal:
        return _page(visit_id, {_FIELD_OF[type(refusal)]: refusal.sentence})
    flash("La procuration est notée. Rendez le papier : rien n'en est copié.", "ok")
    return redirect(url_for("mandating.of_visit", visit_id=visit_id), 303)


@bp.post("/passage/<uuid:visit_id>/procurations/<uuid:mandate_id>/fin")
@needs(Right.REGISTER)
def end(visit_id: UUID, mandate_id: UUID) -> ResponseReturnValue:
    """End a mandate: nothing is handed over on it from now on."""
    with transaction("results") as db:
        _, patient = visit_and_person(db, visit_id)
        end_mandate(db, patient.id, mandate_id, by=actor().id, power=power(), at=now(), chance=chance)
    flash("La procuration est terminée.", "warn")
    return redirect(url_for("mandating.of_visit", visit_id=visit_id), 303)


def _until(typed: str) -> date:
    try:
        return read_day(typed)
    except ValueError:
        raise DayNotGood from None


def _page(visit_id: UUID, errors: dict[str, str] | None = None) -> Response:
    with reading() as db:
        visit, patient = visit_and_person(db, visit_id)
        today = day(this_site(db).timezone, now())
        named = mandates_of(db, patient.id, visit.id, power=power(), today=today)
    return page(
        "results/mandates.html", status=422 if errors else 200, visit=visit, patient=patient, named=named,
        documents=DOCUMENTS, told=request.form, errors=errors or {}, today=today,
    )  # fmt: skip
