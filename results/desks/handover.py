"""The counter hands results over: who stands there is compared, the paper is printed, its content is on no screen."""

import sqlite3
from dataclasses import dataclass
from datetime import datetime
from time import monotonic, sleep
from typing import Final
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from kiosk.register.clock import end_of_day
from kiosk.register.patients import NoPatient, Patient, patient_of
from kiosk.register.sites import this_site
from kiosk.register.staff import Right
from kiosk.register.visits import Visit, visit_of
from kiosk.settings import StaffSettings
from kiosk.signin import actor, needs
from kiosk.web import chance, form_key, house, now, page, reading, transaction
from printers.errors import ImpossibleMove, PrinterError
from printers.moves import State, Verb
from printers.paper import Paper
from results.desks.phone import PACE_S, code_desk
from results.desks.signoff import unlocked
from results.handing import (
    BiologistFirst,
    NoSlipReason,
    NothingToHandOver,
    asked_at_counter,
    enter_hand_over,
    find_visits,
    hand_over,
    hand_over_by_form,
    hand_over_of,
    key_of,
    line_to_ask,
    paper_of,
)
from results.identity import DOCUMENTS, NoDocumentSeen, acting_as, seen
from results.release import Decision
from results.sitting import Locked
from results.telling import Judge, items_told
from results.vault.attempts import Answer, Said
from results.vault.codes import Misheard, NotAPin, is_pin, read_code, read_handle
from results.vault.counters import AttemptState, Way
from results.vault.slips import find_slip
from results.weighing import Asked

bp = Blueprint("handover", __name__)

#: A print job's state as the counter says it, and its tone.
WORDS: Final = {
    State.QUEUED: ("Le papier attend son tour.", "info"),
    State.SENDING: ("Le papier part vers l'imprimante.", "info"),
    State.SENT: ("Le papier est parti. Regardez s'il est sorti.", "info"),
    State.CONFIRMED: ("Imprimé.", "ok"),
    State.UNSURE: ("Regardez si le papier est sorti en entier.", "warn"),
    State.HELD: ("L'imprimante attend : regardez le papier et le capot.", "warn"),
    State.NOT_SENT: ("L'imprimante n'a pas répondu. Nouvel essai dans un instant.", "warn"),
    State.VOID: ("Rien n'est sorti. Reprenez la remise.", "danger"),
}
_DOUBTFUL: Final = frozenset({State.SENT, State.UNSURE})
REASONS: Final = (
    (NoSlipReason.LOST, "Talon ou code personnel perdu"),
    (NoSlipReason.NONE, "Aucun talon demandé"),
    (NoSlipReason.ROUTE, "Le biologiste reçoit la personne"),
)


@bp.get("/remise")
@needs(Right.TELL)
def search_page() -> ResponseReturnValue:
    """Who stands at the counter."""
    return page("results/handover_search.html", found=(), typed="")


@bp.post("/remise/chercher")
@needs(Right.TELL)
def search() -> ResponseReturnValue:
    """The persons that suit, with their visits; a name never stands in an address."""
    typed = request.form.get("typed", "")
    with reading() as db:
        found = find_visits(db, this_site(db).id, typed)
        whole = "HX-Request" not in request.headers
        return page(f"results/handover_{'search' if whole else 'found'}.html", found=found, typed=typed)


@bp.get("/remise/<uuid:visit_id>")
@needs(Right.TELL)
def desk(visit_id: UUID) -> ResponseReturnValue:
    """Compare face, names, birth date; say which document was seen."""
    return _desk(visit_id)


@bp.post("/remise/<uuid:visit_id>/sans-code")
@needs(Right.TELL)
def without_code(visit_id: UUID) -> ResponseReturnValue:
    """Hand over on the document alone, as the signed matrix says."""
    here = actor()
    try:
        asked = _asked(has_code=False)
        house().spool.start_key(now())  # nothing is released towards a printer that is not there
        with transaction("results") as db:
            visit, patient = _visit(db, visit_id)
            ready = hand_over(
                db, house().more["keys"], visit, patient, asked=asked, reason=_reason(), biologist=unlocked,
                form=house().forms["slips"], power=house().more["power"], by=here.id, at=now(), chance=chance,
                key=form_key(),
            )  # fmt: skip
    except NoDocumentSeen as refusal:
        return _desk(visit_id, errors={"document": refusal.sentence})
    except Locked:
        return redirect(url_for("signoff.unlock_page", visite=visit_id), 303)
    except PrinterError as trouble:
        return _desk(visit_id, errors={"document": trouble.french})
    if ready.hand_over is None:
        return _turned_away(visit_id, ready.refusal)
    return _printing(visit_id, ready.hand_over.id, ready.paper)


@bp.post("/remise/<uuid:visit_id>/talon")
@needs(Right.TELL)
def with_slip(visit_id: UUID) -> ResponseReturnValue:
    """The reference of the slip: which line the patient types now."""
    try:
        handle = read_handle(request.form.get("handle", ""))
        asked = _asked(has_code=True)
    except Misheard as refusal:
        return _desk(visit_id, errors={"handle": refusal.sentence})
    except NoDocumentSeen as refusal:
        return _desk(visit_id, errors={"document": refusal.sentence})
    return _code_page(visit_id, handle, asked)


@bp.post("/remise/<uuid:visit_id>/code")
@needs(Right.TELL)
def with_code(visit_id: UUID) -> ResponseReturnValue:
    """Try the line and the PIN that the patient has typed; counted before it is looked at."""
    came = monotonic()
    form, asked = request.form, _asked(has_code=True)
    handle, pin = read_handle(form.get("handle", "")), form.get("pin", "").strip()
    try:
        code15 = read_code(form.get("code", ""))
        house().spool.start_key(now())  # no code is spent for a printer that is not there
    except Misheard as refusal:
        return _code_page(visit_id, handle, asked, errors={"code": refusal.sentence})
    except PrinterError as trouble:
        return _code_page(visit_id, handle, asked, errors={"code": trouble.french})
    if not is_pin(pin):
        return _code_page(visit_id, handle, asked, errors={"pin": NotAPin.french})
    try:
        shown = _try(visit_id, _Typed(handle=handle, code15=code15, pin=pin, line=form.get("line", "")), asked)
    except (NothingToHandOver, BiologistFirst) as refusal:
        shown = _turned_away(visit_id, refusal)
    # Late answers wait for the next whole second: how long it took tells nothing.
    sleep(PACE_S - (monotonic() - came) % PACE_S if PACE_S else 0)
    return shown


@bp.get("/remise/<uuid:visit_id>/papier/<uuid:hand_over_id>")
@needs(Right.TELL)
def paper(visit_id: UUID, hand_over_id: UUID) -> ResponseReturnValue:
    """Whether the paper is out; never what stands on it."""
    return _paper_page("results/handed.html", visit_id, hand_over_id)


@bp.get("/remise/<uuid:visit_id>/papier/<uuid:hand_over_id>/etat")
@needs(Right.TELL)
def paper_state(visit_id: UUID, hand_over_id: UUID) -> ResponseReturnValue:
    """What became of the paper, for a page that is open; nothing when it has not changed."""
    return _paper_page("results/handed_state.html", visit_id, hand_over_id)


@bp.post("/remise/<uuid:visit_id>/papier/<uuid:hand_over_id>")
@needs(Right.TELL)
def look(visit_id: UUID, hand_over_id: UUID) -> ResponseReturnValue:
    """A person has looked whether the paper is out."""
    with reading() as db:
        row = hand_over_of(db, visit_id, hand_over_id)
    is_out = request.form.get("out") == "yes"
    try:
        house().spool.move(key_of(row), Verb.CONFIRM if is_out else Verb.DISOWN, by=str(actor().id), at=now())
    except ImpossibleMove:
        flash("L'imprimante l'avait déjà dit.", "ok")
    return redirect(url_for("handover.paper", visit_id=visit_id, hand_over_id=hand_over_id), 303)


@dataclass(frozen=True, kw_only=True, repr=False)
class _Typed:
    """What the patient has typed; lives as long as the request."""

    handle: str
    code15: str
    pin: str
    line: str


@dataclass(frozen=True, kw_only=True)
class _Settling:
    """Enters the hand-over in the transaction that spends the line."""

    visit: Visit
    dossier_id: UUID
    asked: Asked
    by: UUID
    at: datetime
    key: str

    def __call__(self, db: Session, answer: Answer, decision: Decision | None) -> None:
        if answer.state is AttemptState.RELEASED and decision is not None:
            enter_hand_over(
                db, self.visit, self.dossier_id, decision, self.asked, reason=None, by=self.by, at=self.at,
                chance=chance, key=self.key,
            )  # fmt: skip


def _try(visit_id: UUID, typed: _Typed, asked: Asked) -> ResponseReturnValue:
    home, here, key = house(), actor(), form_key()
    keys, power = home.more["keys"], home.more["power"]
    with reading() as db:
        site, (visit, patient) = this_site(db), _visit(db, visit_id)
        slip = find_slip(db, keys, site.id, typed.handle)
        if hand_over_by_form(db, site.id, key) is None:
            line_to_ask(db, keys, visit, slip, asked, power=power, by=here.id, at=now())
    if slip is None:
        raise NothingToHandOver
    settling = _Settling(visit=visit, dossier_id=slip.dossier_id, asked=asked, by=here.id, at=now(), key=key)
    judge = Judge(database=home.database, keys=keys, power=power, asked=asked, settling=settling)
    said = Said(
        key=key, site_id=site.id, slip_id=slip.id, line=int(typed.line) if typed.line in {*"123456"} else 0,
        call_id=UUID(hex=key), way=Way.COUNTER, code15=typed.code15, pin=typed.pin, birth_date=patient.birth_date,
        by=here.id, midnight=end_of_day(site.timezone, now()),
    )  # fmt: skip
    answer = code_desk().try_code(said, judge, at=now())
    if answer.state is not AttemptState.RELEASED:
        return _turned_away(visit_id, BiologistFirst() if answer.state is AttemptState.VERIFIED else None)
    with reading() as db:
        row = hand_over_by_form(db, site.id, key)
        if row is None:
            raise NothingToHandOver
        items, roll = items_told(db, said.call_id), home.forms["slips"]
        made = paper_of(db, row, patient, items, answer.bodies, power=power, form=roll)
    return _printing(visit_id, row.id, made)


def _visit(db: Session, visit_id: UUID) -> tuple[Visit, Patient]:
    visit = visit_of(db, visit_id)
    patient = patient_of(db, visit.id)
    if patient is None:
        raise NoPatient
    return visit, patient


def _asked(*, has_code: bool) -> Asked:
    role = acting_as(actor().roles)
    return asked_at_counter(role, document=seen(request.form.get("document", "")), has_code=has_code)


def _reason() -> NoSlipReason | None:
    """A reason is the biologist's to give; from anyone else it is no word."""
    word = request.form.get("reason", "")
    return NoSlipReason(word) if actor().may(Right.SIGN) and word in list(NoSlipReason) else None


def _desk(visit_id: UUID, errors: dict[str, str] | None = None) -> Response:
    with reading() as db:
        visit, patient = _visit(db, visit_id)
    return page(
        "results/handover.html", status=422 if errors else 200, visit=visit, patient=patient, documents=DOCUMENTS,
        told=request.form, reasons=REASONS if actor().may(Right.SIGN) else (), errors=errors or {},
    )  # fmt: skip


def _code_page(visit_id: UUID, handle: str, asked: Asked, errors: dict[str, str] | None = None) -> Response:
    home, here = house(), actor()
    with reading() as db:
        visit, patient = _visit(db, visit_id)
        slip = find_slip(db, home.more["keys"], visit.site_id, handle)
        try:
            line = line_to_ask(
                db, home.more["keys"], visit, slip, asked, power=home.more["power"], by=here.id, at=now()
            )
        except (NothingToHandOver, BiologistFirst) as refusal:
            return _turned_away(visit_id, refusal)
    return page(
        "results/handover_code.html", status=422 if errors else 200, visit=visit, patient=patient, line=line,
        told=request.form, errors=errors or {},
    )  # fmt: skip


def _turned_away(visit_id: UUID, refusal: Exception | None) -> Response:
    """The one page for everything that is not handed over; the biologist's route has its own words, for every value."""
    with reading() as db:
        visit, patient = _visit(db, visit_id)
    is_biologist = isinstance(refusal, BiologistFirst)
    words = BiologistFirst.french if is_biologist else NothingToHandOver.french
    return page("results/handover_no.html", visit=visit, patient=patient, words=words, is_biologist=is_biologist)


def _printing(visit_id: UUID, hand_over_id: UUID, made: Paper | None) -> ResponseReturnValue:
    """Give the committed paper to the running station, then say what becomes of it."""
    settings: StaffSettings = house().more["settings"]
    try:
        if made is not None:
            house().spool.put(made, printer=settings.slip_printer, at=now(), chance=chance)
    except (PrinterError, sqlite3.Error) as trouble:
        flash(trouble.french if isinstance(trouble, PrinterError) else PrinterError.french, "error")
    return redirect(url_for("handover.paper", visit_id=visit_id, hand_over_id=hand_over_id), 303)


def _paper_page(template: str, visit_id: UUID, hand_over_id: UUID) -> Response:
    with reading() as db:
        visit, patient = _visit(db, visit_id)
        row = hand_over_of(db, visit_id, hand_over_id)
    job = house().spool.job(key_of(row))
    state = State.VOID if job is None else job.state
    if request.args.get("vu") == state:
        return Response(status=204)
    words, tone = WORDS[state]
    return page(
        template, visit=visit, patient=patient, row=row, state=state, words=words, tone=tone,
        is_doubtful=state in _DOUBTFUL, is_void=state is State.VOID, is_out=state is State.CONFIRMED,
    )  # fmt: skip
