"""The phone desk: a reference, a code, a birth date, and one sentence for everything that is not told."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Final
from uuid import UUID

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from kiosk.register.clock import day, end_of_day
from kiosk.register.errors import Invalid
from kiosk.register.sites import this_site
from kiosk.register.staff import Actor, Right
from kiosk.signin import actor, fresh, needs, power
from kiosk.web import chance, form_key, house, now, page, reading, transaction
from results.callers import calls
from results.callers.asking import NO_SLIP, asked_on_the_phone, line_to_ask
from results.callers.calls import NoCall, NotFromHere, Outcome, State, call_of, current_call, tries_of
from results.callers.messages import waiting_messages
from results.callers.repeating import HeardOtherwise, is_same
from results.callers.taking_over import for_biologist
from results.desks.trying import code_desk, keep_pace
from results.identity import acting_as, read_spoken_birth_date
from results.release import Decision
from results.telling import Judge, items_told, open_signed, read_out
from results.vault.attempts import Answer, Said
from results.vault.codes import Misheard, NotAPin, is_pin, read_code, read_handle
from results.vault.counters import AttemptState, Way

bp = Blueprint("phone", __name__)


@dataclass(frozen=True, kw_only=True, repr=False)
class Spoken:
    """What the caller has said, as it can be read; lives as long as the request."""

    call_id: UUID
    line: int
    code15: str
    pin: str
    birth_date: str


@bp.get("/telephone")
@needs(Right.PHONE)
@fresh
def desk_page() -> ResponseReturnValue:
    """A caller: the reference first."""
    return page("results/phone.html", passed_on=_passed_on())


@bp.post("/telephone/reference")
@needs(Right.PHONE)
@fresh
def open_call() -> ResponseReturnValue:
    """Open the call of a reference, whether anybody has it or not."""
    try:
        handle = read_handle(request.form.get("handle_digits", ""))
    except Misheard as refusal:
        errors = {"handle_digits": refusal.sentence}
        return page("results/phone.html", status=422, errors=errors, passed_on=_passed_on())
    with transaction("results") as db:
        site = this_site(db)
        calls.open_call(
            db, house().more["keys"], site.id, handle, by=actor().id, at=now(), chance=chance, key=form_key()
        )
    return redirect(url_for("phone.call_page"), 303)


@bp.get("/telephone/appel")
@needs(Right.PHONE)
def call_page() -> ResponseReturnValue:
    """Which line to ask, or the one sentence; a call that has had its answer goes to its end."""
    return _call_page()


@bp.post("/telephone/code")
@needs(Right.TELL)
def try_code() -> ResponseReturnValue:
    """Try what was said, and answer at the pace of every answer."""
    came = monotonic()
    try:
        spoken = _spoken(request.form)
    except Invalid as refusal:
        return _call_page(errors={_FIELD_OF.get(type(refusal), "birth_digits"): refusal.sentence})
    said, judge = _said(spoken), _judge(spoken.call_id)
    answer = code_desk().try_code(said, judge, at=now())
    shown = _answered(spoken.call_id, answer, judge)
    keep_pace(came)
    return shown


@bp.get("/telephone/repetition")
@needs(Right.TELL)
def read_back() -> ResponseReturnValue:
    """What the caller repeats; the result itself is out of sight."""
    with reading() as db:
        call = current_call(db, by=actor().id, at=now())
        return page("results/read_back.html", call=call)


@bp.post("/telephone/repetition")
@needs(Right.TELL)
def compare() -> ResponseReturnValue:
    """Compare what was heard with what was told."""
    same = is_same(_values_told(), request.form.get("heard_secret", ""))
    with transaction("results") as db:
        call = call_of(db, _call_id(), by=actor().id, at=now(), lock=True)
        right = calls.hear(db, call, is_same=same, by=actor().id, at=now(), chance=chance)
    if not right:
        errors = {"heard_secret": HeardOtherwise.french}
        return page("results/read_back.html", status=422, call=call, errors=errors)
    return redirect(url_for("phone.ending"), 303)


@bp.get("/telephone/fin")
@needs(Right.PHONE)
def ending() -> ResponseReturnValue:
    """How the call ended."""
    return _ending()


@bp.post("/telephone/fin")
@needs(Right.PHONE)
def end() -> ResponseReturnValue:
    """End the call."""
    word = request.form.get("outcome", "")
    if word not in list(Outcome):
        raise NotFromHere
    try:
        with transaction("results") as db:
            call = call_of(db, _call_id(), by=actor().id, at=now(), lock=True)
            calls.close(
                db, house().more["keys"], call, Outcome(word),
                ring_back=request.form.get("ring_back", ""), by=actor().id, at=now(), chance=chance,
            )  # fmt: skip
    except Invalid as refusal:
        return _ending(errors={"ring_back": refusal.sentence})
    # Who has no slip is noted, whoever it is; then the desk is free again.
    has_none = request.form["outcome"] == Outcome.NO_SLIP
    return redirect(url_for("without_slip.ask_page" if has_none else "phone.desk_page"), 303)


_FIELD_OF: Final = {Misheard: "code", NotAPin: "pin"}


def birth_date_said(form: Mapping[str, str]) -> str:
    """The birth date that was typed as it was said, YYYYMMDD.

    Raises:
        DateMisheard: no such day.
    """
    with reading() as db:
        today = day(this_site(db).timezone, now())
    return read_spoken_birth_date(form.get("birth_digits", ""), today=today)


def _spoken(form: Mapping[str, str]) -> Spoken:
    """Read what was typed; what cannot be a code, a PIN or a day was misheard and is no attempt."""
    code15, pin = read_code(form.get("code", "")), form.get("pin", "").strip()
    if not is_pin(pin):
        raise NotAPin
    birth_date = birth_date_said(form)
    line = form.get("line", "")
    return Spoken(
        call_id=_call_id(), line=int(line) if line in {*"123456"} else 0, code15=code15, pin=pin, birth_date=birth_date
    )


def _said(spoken: Spoken) -> Said:
    """What the code desk is told; a call that is over or has had its tries has no slip any more."""
    with reading() as db:
        site = this_site(db)
        slip_id = NO_SLIP
        try:
            call = call_of(db, spoken.call_id, by=actor().id, at=now())
        except NoCall:
            call = None
        if call is not None and call.state is State.OPEN and not calls.is_spent(tries_of(db, call.id)):
            slip_id = call.slip_id or NO_SLIP
    return Said(
        key=form_key(), site_id=site.id, slip_id=slip_id, line=spoken.line, call_id=spoken.call_id, way=Way.PHONE,
        code15=spoken.code15, pin=spoken.pin, birth_date=spoken.birth_date, by=actor().id,
        midnight=end_of_day(site.timezone, now()),
    )  # fmt: skip


def _judge(call_id: UUID) -> Judge:
    home, here = house(), actor()
    return Judge(
        database=home.database, keys=home.more["keys"], power=power(),
        asked=asked_on_the_phone(acting_as(here.roles)),
        settling=_Settling(call_id=call_id, here=here, at=now()),
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class _Settling:
    """Moves the call in the transaction that spends the line."""

    call_id: UUID
    here: Actor
    at: datetime

    def __call__(self, db: Session, answer: Answer, decision: Decision | None) -> None:
        if answer.is_refused:
            return
        call = call_of(db, self.call_id, by=self.here.id, at=self.at, lock=True)
        if answer.state is AttemptState.RELEASED:
            calls.tell(call, reads_back=decision is not None and decision.is_read_back)
        else:
            calls.verify(call, until=end_of_day(this_site(db).timezone, self.at))


def _call_page(errors: Mapping[str, str] | None = None) -> ResponseReturnValue:
    with reading() as db:
        site, call = this_site(db), current_call(db, by=actor().id, at=now())
        if call.state is not State.OPEN:
            return redirect(url_for("phone.ending"), 303)
        line = line_to_ask(
            db, house().more["keys"], site.id, call, acting_as(actor().roles), power=power(), at=now()
        )  # fmt: skip
        tries = tries_of(db, call.id)
    if line is None:
        return page("results/not_now.html", tries=0)
    status = 422 if errors else 200
    return page("results/call.html", status=status, call=call, line=line, tries=tries, errors=errors or {})


def _passed_on() -> int:
    """How many calls and messages wait for this biologist; of others nothing is asked."""
    if not actor().may(Right.SIGN):
        return 0
    with reading() as db:
        site = this_site(db)
        return len(for_biologist(db, site.id, at=now())) + len(waiting_messages(db, site.id))


def _ending(errors: Mapping[str, str] | None = None) -> Response:
    with reading() as db:
        call = current_call(db, by=actor().id, at=now())
        return page("results/ending.html", status=422 if errors else 200, call=call, errors=errors or {})


def _answered(call_id: UUID, answer: Answer, judge: Judge) -> Response:
    with reading() as db:
        if answer.is_refused:
            return page("results/not_now.html", tries=min(tries_of(db, call_id), 3))
        call = call_of(db, call_id, by=actor().id, at=now())
        if answer.state is AttemptState.VERIFIED:
            return page("results/transfer.html", call=call)
        told = read_out(db, power(), items_told(db, call_id), answer.bodies)
        is_partial = judge.decision is not None and judge.decision.is_partial
        is_hers = actor().may(Right.SIGN)
        return page("results/told.html", call=call, told=told, is_partial=is_partial, is_hers=is_hers)


def _values_told() -> list[str]:
    """The values of what this call was told, opened again: what must be repeated is C1, which the desk may open."""
    with reading() as db:
        call = call_of(db, _call_id(), by=actor().id, at=now())
        if not call.reads_back:
            return []
        keys, items = house().more["keys"], items_told(db, call.id)
        bodies = open_signed(db, keys, power(), items, private=None)
        told = read_out(db, power(), items, bodies)
    return [value for one in told for value in one.values]


def _call_id() -> UUID:
    try:
        return UUID(request.form.get("call", ""))
    except ValueError:
        raise NoCall from None
