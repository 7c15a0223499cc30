"""Screens: a slip is made again at the counter; where something confidential lies sealed, a biologist agrees first."""

from typing import Any, Final
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from kiosk.register.errors import Invalid
from kiosk.register.patients import patient_of
from kiosk.register.staff import Right
from kiosk.register.visits import visit_of
from kiosk.signin import actor, needs
from kiosk.web import chance, form_key, house, now, page, reading, transaction
from results.desks.delivery import agreed_key, agreements
from results.desks.replacing import Reason, SlipRequest, agree_to_slip, ask_slip, decline_slip
from results.desks.standing_by import CounterRequest, Reply, answer_of, request_of
from results.desks.unlocking import unlocked
from results.giving import bearer_of, delivery_of, slip_of
from results.identity import DOCUMENTS, NoDocumentSeen, seen
from results.vault.dossiers import SlipState, dossier_of
from results.vault.slips import is_sealed_to

bp = Blueprint("reissuing", __name__)

#: What the secretary chooses from, in her words.
REASONS: Final = (
    (Reason.LOST, "Talon perdu"),
    (Reason.DAMAGED, "Talon abîmé ou illisible"),
    (Reason.PIN_FORGOTTEN, "Code personnel oublié"),
    (Reason.DEAD, "Talon qui ne répond plus"),
)


class ReasonMissing(Invalid):
    """A slip is made again for a reason of the list; choose one."""

    french = "Choisissez pourquoi le talon est refait."


@bp.get("/passage/<uuid:visit_id>/talon/refaire")
@needs(Right.ISSUE_SLIP)
def why(visit_id: UUID) -> ResponseReturnValue:
    """Why, and which document was compared."""
    return _why(visit_id)


@bp.post("/passage/<uuid:visit_id>/talon/refaire")
@needs(Right.ISSUE_SLIP)
def ask(visit_id: UUID) -> ResponseReturnValue:
    """Go on to the patient's PIN, or ask the biologist first."""
    try:
        reason = _reason(request.form.get("reason", ""))
        document = seen(request.form.get("document", ""))
    except (ReasonMissing, NoDocumentSeen) as refusal:
        name = "reason" if isinstance(refusal, ReasonMissing) else "document"
        return _why(visit_id, {name: refusal.sentence})
    with reading() as db:
        visit = visit_of(db, visit_id)
        bearer_of(db, house().more["keys"], visit)  # no slip without the question of the telephone
        is_sealed = is_sealed_to(db, dossier_of(db, house().more["keys"], visit_id))
    if not is_sealed:
        return redirect(url_for("delivery.pin", visit_id=visit_id), 303)
    with transaction("results") as db:
        row = ask_slip(
            db, visit_of(db, visit_id), reason, document, by=actor().id, at=now(), chance=chance, key=form_key()
        )
        request_id = row.id
    return redirect(url_for("reissuing.waiting", visit_id=visit_id, request_id=request_id), 303)


@bp.get("/passage/<uuid:visit_id>/talon/demande/<uuid:request_id>")
@needs(Right.ISSUE_SLIP)
def waiting(visit_id: UUID, request_id: UUID) -> ResponseReturnValue:
    """What the biologist has answered so far."""
    return _waiting("results/reissue_asked.html", visit_id, request_id)


@bp.get("/passage/<uuid:visit_id>/talon/demande/<uuid:request_id>/etat")
@needs(Right.ISSUE_SLIP)
def waiting_state(visit_id: UUID, request_id: UUID) -> ResponseReturnValue:
    """The answer, for a page that is open; nothing while there is none."""
    return _waiting("results/reissue_state.html", visit_id, request_id)


@bp.post("/talons/demandes/<uuid:request_id>")
@needs(Right.SIGN)
def reply(request_id: UUID) -> ResponseReturnValue:
    """The biologist's answer; agreed to, the patient chooses a new PIN within ten minutes."""
    if request.form.get("reply") != Reply.AGREED:
        with transaction("results") as db:
            decline_slip(db, request_id, by=actor().id, at=now(), chance=chance)
        return redirect(url_for("agreeing.requests"), 303)
    keys = unlocked()
    with transaction("results") as db:
        visit_id, private = agree_to_slip(
            db, house().more["keys"], request_id, biologist=keys, by=actor().id, at=now(), chance=chance
        )
    agreements().hold(visit_id, private, at=now())
    flash("Le guichet peut refaire le talon, pendant dix minutes.", "ok")
    return redirect(url_for("agreeing.requests"), 303)


def _reason(word: str) -> Reason:
    if word not in list(Reason):
        raise ReasonMissing
    return Reason(word)


def _why(visit_id: UUID, errors: dict[str, str] | None = None) -> Response:
    with reading() as db:
        visit, patient, chosen, slip = (
            visit_of(db, visit_id), patient_of(db, visit_id), delivery_of(db, visit_id), slip_of(db, visit_id)
        )  # fmt: skip
        return page(
            "results/reissue.html", status=422 if errors else 200, visit=visit, patient=patient, errors=errors or {},
            reasons=REASONS, documents=DOCUMENTS, told=request.form, wants_phone=bool(chosen and chosen.wants_phone),
            has_slip=slip is not None and slip.state is not SlipState.VOID,
        )  # fmt: skip


def show_answer(template: str, row: CounterRequest, **shown: Any) -> Response:
    """The counter's page while it waits, or its live part: nothing of that while nobody has answered."""
    reply = answer_of(row, at=now())
    if template.endswith("_state.html") and reply is None:
        return Response(status=204)
    return page(template, row=row, reply=reply, **shown)


def _waiting(template: str, visit_id: UUID, request_id: UUID) -> Response:
    with reading() as db:
        return show_answer(
            template, request_of(db, SlipRequest, visit_id, request_id), visit=visit_of(db, visit_id),
            patient=patient_of(db, visit_id), is_open=agreed_key(db, visit_id) is not None,
        )  # fmt: skip
