"""The patient types one line of the slip and the PIN at the counter: tried, printed, never shown."""

from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from uuid import UUID

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from kiosk.register.clock import end_of_day
from kiosk.register.sites import this_site
from kiosk.register.staff import Right
from kiosk.register.visits import Visit
from kiosk.signin import actor, needs, power
from kiosk.web import chance, form_key, house, now, page, reading, transaction
from printers.errors import PrinterError
from results.desks.trying import code_desk, keep_pace
from results.handing.hand_over_record import enter_hand_over, hand_over_by_form, papers_of
from results.handing.hand_over_rule import BiologistFirst, NothingToHandOver, line_to_ask
from results.handing.handover import desk_page, turned_away
from results.handing.papers import send_papers, visit_and_person
from results.handing.standing_there import with_code
from results.identity import NoDocumentSeen, acting_as
from results.release import Decision
from results.telling import Judge, items_told
from results.vault.attempts import Answer, Said
from results.vault.codes import Misheard, NotAPin, is_pin, read_code, read_handle
from results.vault.counters import AttemptState, Way
from results.vault.slips import find_slip
from results.weighing import Asked

bp = Blueprint("coding", __name__)


@bp.post("/remise/<uuid:visit_id>/talon")
@needs(Right.TELL)
def name_slip(visit_id: UUID) -> ResponseReturnValue:
    """The reference of the slip: which line the patient types now."""
    try:
        handle = read_handle(request.form.get("handle", ""))
        asked = with_code(acting_as(actor().roles), request.form)
    except Misheard as refusal:
        return desk_page(visit_id, errors={"handle": refusal.sentence})
    except NoDocumentSeen as refusal:
        return desk_page(visit_id, errors={"document": refusal.sentence})
    return _code_page(visit_id, handle, asked)


@bp.post("/remise/<uuid:visit_id>/code")
@needs(Right.TELL)
def try_line(visit_id: UUID) -> ResponseReturnValue:
    """Try the line and the PIN that the patient has typed; counted before it is looked at."""
    came = monotonic()
    form, asked = request.form, with_code(acting_as(actor().roles), request.form)
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
        shown = turned_away(visit_id, refusal)
    keep_pace(came)
    return shown


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
    keys = home.more["keys"]
    with reading() as db:
        site, (visit, patient) = this_site(db), visit_and_person(db, visit_id)
        slip = find_slip(db, keys, site.id, typed.handle)
        if hand_over_by_form(db, site.id, key) is None:
            line_to_ask(db, keys, visit, slip, asked, power=power(), by=here.id, at=now())
    if slip is None:
        raise NothingToHandOver
    settling = _Settling(visit=visit, dossier_id=slip.dossier_id, asked=asked, by=here.id, at=now(), key=key)
    judge = Judge(database=home.database, keys=keys, power=power(), asked=asked, settling=settling)
    said = Said(
        key=key, site_id=site.id, slip_id=slip.id, line=int(typed.line) if typed.line in {*"123456"} else 0,
        call_id=UUID(hex=key), way=Way.COUNTER, code15=typed.code15, pin=typed.pin, birth_date=patient.birth_date,
        by=here.id, midnight=end_of_day(site.timezone, now()),
    )  # fmt: skip
    answer = code_desk().try_code(said, judge, at=now())
    if answer.state is not AttemptState.RELEASED:
        return turned_away(visit_id, BiologistFirst() if answer.state is AttemptState.VERIFIED else None)
    with transaction("results") as db:
        row = hand_over_by_form(db, site.id, key)
        if row is None:
            raise NothingToHandOver
        items, medium = items_told(db, said.call_id), home.forms["reports"]
        made = papers_of(db, row, patient, items, answer.bodies, power=power(), form=medium)
    return send_papers(visit_id, row.id, made)


def _code_page(visit_id: UUID, handle: str, asked: Asked, errors: dict[str, str] | None = None) -> Response:
    home, here = house(), actor()
    with reading() as db:
        visit, patient = visit_and_person(db, visit_id)
        slip = find_slip(db, home.more["keys"], visit.site_id, handle)
        try:
            line = line_to_ask(db, home.more["keys"], visit, slip, asked, power=power(), by=here.id, at=now())
        except (NothingToHandOver, BiologistFirst) as refusal:
            return turned_away(visit_id, refusal)
    return page(
        "results/handover_code.html", status=422 if errors else 200, visit=visit, patient=patient, line=line,
        told=request.form, errors=errors or {},
    )  # fmt: skip
