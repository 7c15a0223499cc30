"""The counter hands results over: who stands there is compared, the paper is printed, its content is on no screen."""

from typing import Final
from uuid import UUID

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from kiosk.booking.discretion import discretion_of
from kiosk.register.clock import day
from kiosk.register.sites import this_site
from kiosk.register.staff import Right
from kiosk.signin import actor, needs, power
from kiosk.web import chance, form_key, house, now, page, reading, transaction
from printers.errors import PrinterError
from results.desks.unlocking import unlocked
from results.handing.finding import NotOnATicket, find_visits, read_ticket, visit_on_ticket
from results.handing.hand_over_record import NoSlipReason
from results.handing.hand_over_rule import BiologistFirst, NothingToHandOver, hand_over
from results.handing.mandates import mandates_of
from results.handing.papers import send_papers, visit_and_person
from results.handing.standing_there import MandateMissing, without_code
from results.identity import DOCUMENTS, NoDocumentSeen, acting_as, is_minor
from results.vault.dossiers import NoSuchDossier, dossier_of
from results.weighing import is_discreet

bp = Blueprint("handover", __name__)

REASONS: Final = (
    (NoSlipReason.LOST, "Talon ou code personnel perdu"),
    (NoSlipReason.NONE, "Aucun talon demandé"),
    (NoSlipReason.ROUTE, "Le biologiste reçoit la personne"),
    (NoSlipReason.DECLARED, "Identité déclarée, biologiste d'accord"),
)


@bp.get("/remise")
@needs(Right.TELL)
def search_page() -> ResponseReturnValue:
    """Who stands at the counter."""
    return page("results/handover_search.html", found=(), typed="", told={}, errors={})


@bp.post("/remise/chercher")
@needs(Right.TELL)
def search() -> ResponseReturnValue:
    """The persons that suit, with their ordinary visits, once the journal knows; a name never stands in an address."""
    typed = request.form.get("typed", "")
    with transaction("results") as db:
        found = find_visits(db, this_site(db).id, typed, power(), by=actor().id, at=now(), chance=chance)
    whole = "HX-Request" not in request.headers
    return page(f"results/handover_{'search' if whole else 'found'}.html", found=found, typed=typed, told={}, errors={})


@bp.post("/remise/ticket")
@needs(Right.TELL)
def by_ticket() -> ResponseReturnValue:
    """The visit of a ticket, in a list or not; the journal knows who has opened it this way."""
    try:
        number, on = read_ticket(request.form.get("number", ""), request.form.get("day", ""))
        with transaction("results") as db:
            visit = visit_on_ticket(db, this_site(db).id, number, on, by=actor().id, at=now(), chance=chance)
            visit_id = visit.id
    except NotOnATicket as refusal:
        errors = {"number": refusal.sentence}
        return page("results/handover_search.html", status=422, found=(), typed="", errors=errors, told=request.form)
    return redirect(url_for("handover.desk", visit_id=visit_id), 303)


@bp.get("/remise/<uuid:visit_id>")
@needs(Right.TELL)
def desk(visit_id: UUID) -> ResponseReturnValue:
    """Compare face, names, birth date; say which document was seen."""
    return desk_page(visit_id)


@bp.post("/remise/<uuid:visit_id>/sans-code")
@needs(Right.TELL)
def on_document(visit_id: UUID) -> ResponseReturnValue:
    """Hand over on the document alone, as the signed matrix says."""
    home, here = house(), actor()
    try:
        home.spool.start_key(now())  # nothing is released towards a printer that is not there
        with transaction("results") as db:
            visit, patient = visit_and_person(db, visit_id)
            today = day(this_site(db).timezone, now())
            there = without_code(
                db, visit, patient, acting_as(here.roles), request.form, is_discreet=_is_discreet(db, visit_id),
                power=power(), today=today,
            )  # fmt: skip
            ready = hand_over(
                db, home.more["keys"], visit, patient, asked=there.asked, mandate_id=there.mandate_id,
                reason=_reason(), biologist=unlocked, form=home.forms["reports"], power=power(), by=here.id, at=now(),
                chance=chance, key=form_key(),
            )  # fmt: skip
            done = None if ready.hand_over is None else ready.hand_over.id
    except (NoDocumentSeen, MandateMissing) as refusal:
        return desk_page(visit_id, {"document" if isinstance(refusal, NoDocumentSeen) else "mandate": refusal.sentence})
    except PrinterError as trouble:
        return desk_page(visit_id, {"document": trouble.french})
    return turned_away(visit_id, ready.refusal) if done is None else send_papers(visit_id, done, ready.papers)


def desk_page(visit_id: UUID, errors: dict[str, str] | None = None) -> Response:
    """The page on which who stands there is compared, with what was chosen kept."""
    with reading() as db:
        visit, patient = visit_and_person(db, visit_id)
        today = day(this_site(db).timezone, now())
        mandates = mandates_of(db, patient.id, visit.id, power=power(), today=today)
        is_quiet = _is_discreet(db, visit_id)
    may_sign = actor().may(Right.SIGN)
    return page(
        "results/handover.html", status=422 if errors else 200, visit=visit, patient=patient, documents=DOCUMENTS,
        told=request.form, reasons=REASONS if may_sign else (), errors=errors or {}, mandates=mandates,
        is_minor=is_minor(patient.birth_date, today=today), is_discreet=is_quiet, may_declare=may_sign and is_quiet,
    )  # fmt: skip


def turned_away(visit_id: UUID, refusal: Exception | None) -> Response:
    """The one page for everything that is not handed over; the biologist's route has its own words, for every value."""
    with reading() as db:
        visit, patient = visit_and_person(db, visit_id)
    is_biologist = isinstance(refusal, BiologistFirst)
    words = BiologistFirst.french if is_biologist else NothingToHandOver.french
    return page(
        "results/handover_no.html", visit=visit, patient=patient, words=words, is_biologist=is_biologist,
        may_ask=is_biologist and not actor().may(Right.SIGN), document=request.form.get("document", ""),
    )  # fmt: skip


def _is_discreet(db: Session, visit_id: UUID) -> bool:
    try:
        return is_discreet(db, dossier_of(db, house().more["keys"], visit_id), power())
    except NoSuchDossier:
        return discretion_of(db, visit_id, power()) is not None


def _reason() -> NoSlipReason | None:
    """A reason is the biologist's to give; from anyone else it is no word."""
    word = request.form.get("reason", "")
    return NoSlipReason(word) if actor().may(Right.SIGN) and word in list(NoSlipReason) else None
