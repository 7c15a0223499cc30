"""The sampling room: the next number, who it is, then each tube proved by its scan."""

from contextlib import suppress
from typing import Any, Final
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from kiosk.booking.discretion import undecided_among
from kiosk.counter.passage import UNDO, advance, at_desk, hand_on
from kiosk.counter.reception import call_in_turn
from kiosk.counter.turns import may_come
from kiosk.register.patients import patient_of
from kiosk.register.sites import this_site
from kiosk.register.staff import Right
from kiosk.register.visits import Stage, Verb, Visit, visit_of
from kiosk.settings import StaffSettings
from kiosk.signin import actor, desk, needs, power
from kiosk.web import chance, form_key, house, now, page, reading, transaction
from labels.bedside import (
    PROOFS,
    Proof,
    answer_stop,
    confirm_identity,
    finish,
    identity_check_of,
    last_scan,
    prove_ticket,
    scan_tube,
    stop_of,
    ticket_proof_of,
    waits_for_word,
)
from labels.printing import labels_of
from labels.scanning import FRENCH, Outcome, scans_of
from labels.tubes import State, miss, tubes_of
from printers.errors import ImpossibleMove, UnknownJob
from printers.moves import State as Printed
from printers.moves import Verb as PrintVerb

bp = Blueprint("sampling", __name__)

#: How many numbers a sampler sees ahead; the whole line is the counter's.
AHEAD: Final = 3
VERBS: Final = {
    "rappeler": Verb.RECALL, "annuler": Verb.UNDO, "absent": Verb.MISS, "de-cote": Verb.PARK,
    "au-guichet": Verb.HAND_BACK,
}  # fmt: skip
DONE: Final = {
    Verb.RECALL: "Le numéro {} est appelé de nouveau.",
    Verb.UNDO: "L'appel du numéro {} est annulé. Il a repris sa place.",
    Verb.MISS: "Le numéro {} est noté absent. Il revient dans la file dans cinq minutes, une fois.",
    Verb.PARK: "Le numéro {} est mis de côté. L'accueil le remet dans la file quand il revient.",
    Verb.HAND_BACK: "Le numéro {} est renvoyé au guichet, à sa place.",
}
#: What a scan is shown as; whatever is not here may be a label on a wrong tube.
TONES: Final = {Outcome.DRAWN: "ok", Outcome.NOT_A_TUBE: "warn", Outcome.ALIQUOT: "warn"}
REASONS: Final = ("non prélevé", "échec de la ponction", "refus du patient", "quantité insuffisante")


@bp.get("/prelevement")
@needs(Right.DRAW)
def room() -> ResponseReturnValue:
    """The room as it is: nobody, somebody to identify, or tubes to scan."""
    with reading() as db:
        visit = at_desk(db, this_site(db), desk(), at=now())
        if visit is None:
            return page("labels/room.html", **_next(db))
        if (wrong := stop_of(db, visit)) is not None:
            return page(
                "labels/stop.html", visit=visit, words=FRENCH[Outcome.OTHER_PATIENT], number=wrong.sample_number
            )
        if waits_for_word(db, visit, power=power()):
            return page(
                "labels/word.html", visit=visit, is_asked=identity_check_of(db, visit) is not None,
                stands=_stands(db, visit),
            )  # fmt: skip
        if identity_check_of(db, visit) is None:
            left = max(0, int((visit.called_at + UNDO - now()).total_seconds())) if visit.called_at else 0
            return page(
                "labels/identity.html", visit=visit, bearer=patient_of(db, visit.id), undo_for=left, proofs=PROOFS,
                rooms=[one for one in _settings().rooms if one != visit.desk],
                ticket=ticket_proof_of(db, visit), stands=_stands(db, visit),
            )  # fmt: skip
        return page("labels/draw.html", **_draw(db, visit))


@bp.get("/prelevement/<uuid:visit_id>/accord")
@needs(Right.DRAW)
def word_pane(visit_id: UUID) -> ResponseReturnValue:
    """Nothing, as long as the open page says where the visit stands; else the page is asked again."""
    with reading() as db:
        is_same = request.args.get("vu") == _stands(db, visit_of(db, visit_id))
    return Response(status=204, headers=None if is_same else {"HX-Refresh": "true"})


@bp.get("/prelevement/suivants")
@needs(Right.DRAW)
def next_pane() -> ResponseReturnValue:
    """The next numbers alone; nothing when they have not changed."""
    with reading() as db:
        shown = _next(db)
    return Response(status=204) if request.args.get("vu") == shown["seen"] else page("labels/next.html", **shown)


@bp.post("/prelevement/appeler")
@needs(Right.DRAW)
def call() -> ResponseReturnValue:
    """Call the next number to this room."""
    with reading() as db:
        site = this_site(db)
    call_in_turn(
        house().database, site, Stage.SAMPLING, desk=desk(), by=str(actor().id), at=now(), chance=chance,
        key=form_key(), power=power(),
    )  # fmt: skip
    return redirect(url_for("sampling.room"), 303)


@bp.post(f"/prelevement/<uuid:visit_id>/<any({', '.join(repr(act) for act in VERBS)}):act>")
@needs(Right.DRAW)
def advance_visit(visit_id: UUID, act: str) -> ResponseReturnValue:
    """Call again, undo the call, or note that nobody came."""
    verb = VERBS[act]
    with transaction() as db:
        visit = advance(db, visit_of(db, visit_id), verb, by=str(actor().id), at=now(), chance=chance, key=form_key())
    flash(DONE[verb].format(visit.number), "ok")
    return redirect(url_for("sampling.room"), 303)


@bp.post("/prelevement/<uuid:visit_id>/salle")
@needs(Right.DRAW)
def to_other_room(visit_id: UUID) -> ResponseReturnValue:
    """Give the person who was called to another room."""
    with transaction() as db:
        visit = hand_on(
            db, visit_of(db, visit_id), request.form.get("desk", ""), among=_settings().rooms, by=str(actor().id),
            at=now(), chance=chance, key=form_key(),
        )  # fmt: skip
    flash(f"Le numéro {visit.number} est appelé : {visit.desk}.", "ok")
    return redirect(url_for("sampling.room"), 303)


@bp.post("/prelevement/<uuid:visit_id>/ticket")
@needs(Right.DRAW)
def see_ticket(visit_id: UUID) -> ResponseReturnValue:
    """The ticket in the patient's hand is the one of the number called."""
    with transaction() as db:
        prove_ticket(db, visit_of(db, visit_id), request.form.get("scanned", ""), by=str(actor().id), at=now())
    return redirect(url_for("sampling.room"), 303)


@bp.post("/prelevement/<uuid:visit_id>/identite")
@needs(Right.DRAW)
def identify(visit_id: UUID) -> ResponseReturnValue:
    """Note that this is the patient, and what told it."""
    proof = Proof(request.form["proof"])
    with transaction() as db:
        confirm_identity(
            db, visit_of(db, visit_id), proof, by=str(actor().id), at=now(), chance=chance, key=form_key(),
            power=power(),
        )  # fmt: skip
    return redirect(url_for("sampling.room"), 303)


@bp.post("/prelevement/<uuid:visit_id>/tube")
@needs(Right.DRAW)
def prove(visit_id: UUID) -> ResponseReturnValue:
    """One tube, scanned or typed: this patient's, or stop."""
    scanned = request.form.get("scanned", "")
    with transaction() as db:
        visit = visit_of(db, visit_id)
        told = scan_tube(
            db, visit, scanned or request.form.get("typed", ""), typed=not scanned, by=str(actor().id), at=now(),
            chance=chance, key=form_key(), power=power(), is_needle_in="needle_in" in request.form,
        )  # fmt: skip
        papers = {paper.key.split("/")[1]: paper.key for paper in labels_of(db, visit, house().forms["labels"])}
    if told.outcome is Outcome.DRAWN and told.sample_number in papers:
        _confirm(papers[told.sample_number])
    return redirect(url_for("sampling.room"), 303)


@bp.post("/prelevement/<uuid:visit_id>/arret")
@needs(Right.DRAW)
def answer(visit_id: UUID) -> ResponseReturnValue:
    """The other patient's tube is put away; the draw goes on."""
    with transaction() as db:
        answer_stop(db, visit_of(db, visit_id), by=str(actor().id), at=now())
    return redirect(url_for("sampling.room"), 303)


@bp.post("/prelevement/<uuid:visit_id>/manque")
@needs(Right.DRAW)
def say_missing(visit_id: UUID) -> ResponseReturnValue:
    """A tube was not collected, and why."""
    reason = request.form.get("other", "") or request.form.get("reason", "")
    with transaction() as db:
        visit, number = visit_of(db, visit_id), request.form["tube"]
        miss(db, visit, number, reason=reason, by=str(actor().id), at=now(), chance=chance)
    return redirect(url_for("sampling.room"), 303)


@bp.post("/prelevement/<uuid:visit_id>/fin")
@needs(Right.DRAW)
def end(visit_id: UUID) -> ResponseReturnValue:
    """The draw is over; the patient may go."""
    with transaction() as db:
        visit = visit_of(db, visit_id)
        finish(db, visit, by=str(actor().id), at=now(), chance=chance, key=form_key())
    flash(f"Le prélèvement du numéro {visit.number} est terminé.", "ok")
    return redirect(url_for("sampling.room"), 303)


def _settings() -> StaffSettings:
    settings: StaffSettings = house().more["settings"]
    return settings


def _confirm(key: str) -> None:
    """A label that was scanned is out: its job is proved, where the printer could not say so.

    All copies carry the same bars: where an older one is not known to have never come out, the scan may be of that one.
    """
    label, _, copy = key.rpartition("/")
    older = [house().spool.job(f"{label}/{number}") for number in range(1, int(copy))]
    if all(job is None or job.state is Printed.VOID for job in older):
        with suppress(ImpossibleMove, UnknownJob):
            house().spool.move(key, PrintVerb.CONFIRM, by=str(actor().id), at=now())


def _next(db: Session) -> dict[str, Any]:
    places, held = may_come(db, this_site(db), at=now(), power=power())
    shown = [(place.visit.number, place.ranked.reason) for place in places[:AHEAD]]
    seen = f"{len(places)}.{held}.{now():%H%M}.{'.'.join(str(number) for number, _ in shown)}"
    return {"shown": shown, "waiting": len(places), "held": held, "seen": seen}


def _stands(db: Session, visit: Visit) -> str:
    """Where a visit in a room stands for its draw: with someone here, and whether a biologist's word is missing."""
    word = "word" if undecided_among(db, [visit.id], power()) else "free"
    return f"{visit.state}.{word}"


def _draw(db: Session, visit: Visit) -> dict[str, Any]:
    """What the sampler sees during the draw: the tubes, the last scan, what it skipped."""
    tubes, told = tubes_of(db, visit), last_scan(db, visit)
    here = next((one for one in tubes if told and one.sample_number == told.sample_number), None)
    left = [one for one in tubes if one.state not in {State.DRAWN, State.MISSING}]
    drawn = told is not None and told.outcome is Outcome.DRAWN
    return {
        "visit": visit,
        "stands": (stands := _stands(db, visit)),
        # Here something is drawn already, and what is begun is never broken off.
        "lacks_word": stands.endswith("word"),
        "typed": {one.sample_number for one in scans_of(db, visit) if one.typed and one.outcome is Outcome.DRAWN},
        "ticket": ticket_proof_of(db, visit),
        "bearer": patient_of(db, visit.id),
        "check": identity_check_of(db, visit),
        "proofs": PROOFS,
        "tubes": tubes,
        "left": left,
        "told": told,
        "words": FRENCH[told.outcome] if told else "",
        "tone": TONES.get(told.outcome, "danger") if told else "",
        "handling": house().more["tubes"].rules.handling,
        "here": here,
        "skipped": [one.position for one in left if drawn and here and one.position < here.position],
        "reasons": REASONS,
    }
