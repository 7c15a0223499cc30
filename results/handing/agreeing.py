"""Screens: the counter waits for the biologist's answer; she agrees, comes, or lets the one sentence be said."""

from typing import Any, Final
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from kiosk.register.sites import Site, this_site
from kiosk.register.staff import Right
from kiosk.signin import actor, needs, power
from kiosk.web import chance, form_key, house, now, page, reading, transaction
from printers.errors import PrinterError
from results.desks.reissuing import REASONS as SLIP_REASONS
from results.desks.reissuing import show_answer
from results.desks.replacing import slips_wanted
from results.desks.standing_by import Reply, request_of
from results.desks.unlocking import unlocked
from results.handing.asking import HandOverRequest, ReceiveThem, agree, answer, ask_biologist, waiting_for_biologist
from results.handing.hand_over_record import NoSlipReason
from results.handing.hand_over_rule import NothingToHandOver
from results.handing.papers import put_all, visit_and_person
from results.identity import seen

bp = Blueprint("agreeing", __name__)

_STATE: Final = "results/requests_state.html"


@bp.post("/remise/<uuid:visit_id>/demande")
@needs(Right.TELL)
def ask(visit_id: UUID) -> ResponseReturnValue:
    """Ask a biologist while the person stands there."""
    document = seen(request.form.get("document", ""))
    with transaction("results") as db:
        visit, _ = visit_and_person(db, visit_id)
        row = ask_biologist(db, visit, document, by=actor().id, at=now(), chance=chance, key=form_key())
        request_id = row.id
    return redirect(url_for("agreeing.waiting", visit_id=visit_id, request_id=request_id), 303)


@bp.get("/remise/<uuid:visit_id>/demande/<uuid:request_id>")
@needs(Right.TELL)
def waiting(visit_id: UUID, request_id: UUID) -> ResponseReturnValue:
    """What the biologist has answered so far."""
    return _waiting("results/asked.html", visit_id, request_id)


@bp.get("/remise/<uuid:visit_id>/demande/<uuid:request_id>/etat")
@needs(Right.TELL)
def waiting_state(visit_id: UUID, request_id: UUID) -> ResponseReturnValue:
    """The answer, for a page that is open; nothing while there is none."""
    return _waiting("results/asked_state.html", visit_id, request_id)


@bp.get("/remise/demandes")
@needs(Right.SIGN)
def requests() -> ResponseReturnValue:
    """Who stands at the counter without a slip."""
    return page("results/requests.html", **_requests())


@bp.get("/remise/demandes/etat")
@needs(Right.SIGN)
def requests_state() -> ResponseReturnValue:
    """The same, for a page that is open; nothing while nobody has come or gone."""
    shown = _requests()
    return Response(status=204) if request.args.get("vu") == shown["seen"] else page(_STATE, **shown)


@bp.post("/remise/demandes/<uuid:request_id>")
@needs(Right.SIGN)
def reply(request_id: UUID) -> ResponseReturnValue:
    """The biologist's answer; agreed to, the paper comes out at the counter."""
    home, here, word = house(), actor(), request.form.get("reply", "")
    if word != Reply.AGREED:
        with transaction("results") as db:
            said = Reply.COMING if word == Reply.COMING else Reply.DECLINED
            answer(db, request_id, said, by=here.id, at=now(), chance=chance)
        return redirect(url_for("agreeing.requests"), 303)
    reason = request.form.get("reason", "")
    try:
        home.spool.start_key(now())  # nothing is released towards a printer that is not there
        with transaction("results") as db:
            ready = agree(
                db, home.more["keys"], request_id,
                NoSlipReason(reason) if reason in list(NoSlipReason) else NoSlipReason.LOST, biologist=unlocked,
                form=home.forms["reports"], power=power(), by=here.id, at=now(), chance=chance, key=form_key(),
            )  # fmt: skip
    except (ReceiveThem, PrinterError) as trouble:
        flash(trouble.french, "error")
        return redirect(url_for("agreeing.requests"), 303)
    put_all(ready.papers)
    flash("Imprimé au guichet." if ready.refusal is None else NothingToHandOver.french, "ok")
    return redirect(url_for("agreeing.requests"), 303)


#: Why a biologist agrees from her screen.
REASONS = ((NoSlipReason.LOST, "Talon ou code personnel perdu"), (NoSlipReason.NONE, "Aucun talon demandé"))


def requests_words(db: Session, site: Site) -> str:
    """What the menu says while somebody stands at the counter."""
    if not actor().may(Right.SIGN):
        return ""
    found = slips_wanted(db, site.id, at=now()) or waiting_for_biologist(
        db, house().more["keys"], site.id, power=power(), at=now()
    )
    return "une personne attend au guichet" if found else ""


def _requests() -> dict[str, Any]:
    """Who stands there now, and a mark that changes whenever that does."""
    with reading() as db:
        site_id = this_site(db).id
        found = waiting_for_biologist(db, house().more["keys"], site_id, power=power(), at=now())
        slips = slips_wanted(db, site_id, at=now())
    seen_as = ".".join([f"{one.row.id.hex}{one.may_agree:d}" for one in found] + [one.row.id.hex for one in slips])
    return {"found": found, "reasons": REASONS, "slips": slips, "slip_reasons": SLIP_REASONS, "seen": seen_as}


def _waiting(template: str, visit_id: UUID, request_id: UUID) -> Response:
    with reading() as db:
        visit, patient = visit_and_person(db, visit_id)
        return show_answer(
            template, request_of(db, HandOverRequest, visit_id, request_id), visit=visit, patient=patient,
            words=NothingToHandOver.french,
        )  # fmt: skip
