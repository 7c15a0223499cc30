"""Away and back in three seconds: a locked PC, a change of person, one more proof, and a desk PIN of one's own."""

from typing import Final
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue

from kiosk.presence import duty, signins
from kiosk.presence.pcs import Pc
from kiosk.presence.pins import WeakPin, check_pin, has_pin, set_pin
from kiosk.presence.signins import FRESH, Present
from kiosk.register.errors import NotAllowed
from kiosk.register.staff import Right, hash_password, verify_password
from kiosk.resuming import Interrupted, carried, onward
from kiosk.signin import (
    TOKEN,
    ask_proof,
    device,
    entered,
    needs,
    power,
    present,
    raised,
    show_door,
    this_pc,
)
from kiosk.web import chance, form_key, now, page, reading, transaction

bp = Blueprint("returning", __name__)

_WRONG_PIN: Final = "Ce code ne va pas avec ce nom. Après cinq essais, il faut s'identifier en entier."
_WRONG_DIGITS: Final = "Ces six chiffres ne vont pas. Attendez les suivants et recopiez-les."
_NOBODY: Final = UUID(int=0)


@bp.post("/verrouiller")
def lock() -> Response:
    """Lock this PC: the sign-in ends, the day goes on."""
    with transaction(writes="results") as db:
        signins.sign_out(db, session.get(TOKEN, ""), power=power(), at=now(), chance=chance)
    return show_door(Interrupted(then=request.form.get("then", "")))


@bp.post("/la")
@needs(Right.ENTER)
def still_here() -> ResponseReturnValue:
    """Somebody is typing: the guard has written it down."""
    return Response(status=204)


@bp.post("/revenir")
def come_back() -> ResponseReturnValue:
    """Come back, or take another's place, by a desk PIN; the sign-in that was there ends."""
    kept, here = carried(), this_pc()
    asked, proved = _tried(_chosen(), here)
    with transaction(writes="results") as db:
        signins.sign_out(db, session.get(TOKEN, ""), power=power(), at=now(), chance=chance)
        token = None
        if here is not None:
            token = duty.come_back(db, asked, here, proved=proved, power=power(), at=now(), chance=chance)
    if token is None:
        return show_door(kept, status=422, errors={"desk_pin": _WRONG_PIN})
    return entered(token, kept)


@bp.post("/preuve")
@needs(Right.ENTER)
def prove() -> ResponseReturnValue:
    """One more proof of the person who is here, for the phone desk or for what gives power."""
    kept, here, pc = carried(), _here(), this_pc()
    for_power = request.form.get("what") == "power"
    if "desk_pin" in request.form:
        return _prove_by_pin(here, pc, kept)
    token = session[TOKEN]
    with transaction(writes="results") as db:
        found = signins.knock_again(
            db, token, request.form.get("digits", ""), device=device(), power=power(), at=now(), chance=chance
        )
    with transaction(writes="results") as db:
        new = signins.raise_by_digits(
            db, token, found, for_power=for_power, power=power(), at=now(), chance=chance
        )  # fmt: skip
    if new is None:
        return ask_proof(kept, for_power=for_power, status=422, errors={"digits": _WRONG_DIGITS})
    session[TOKEN] = new
    return onward(kept, here.actor)


@bp.get("/mon-acces")
@needs(Right.ENTER)
def mine() -> Response:
    """One's own desk PIN and the way out of everywhere."""
    return _mine()


@bp.post("/mon-acces/code")
@needs(Right.ENTER)
def choose_pin() -> ResponseReturnValue:
    """Choose one's first desk PIN after both proofs; another one needs six digits more."""
    return _choose() if _has_just_proved() else raised(_choose)()


@bp.post("/mon-acces/partout")
@needs(Right.ENTER)
def leave_everywhere() -> ResponseReturnValue:
    """Sign out on every machine, this one included; both proofs are asked everywhere from now on."""
    who = _here().actor.id
    with transaction(writes="results") as db:
        duty.end_duty(db, who, None, power=power(), at=now())
        signins.sign_out_everywhere(db, who, power=power(), at=now(), chance=chance)
    session.clear()
    answer = redirect(url_for("signin.door"), 303)
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


def _choose() -> ResponseReturnValue:
    pin, who = request.form.get("desk_pin", ""), _here().actor.id
    try:
        check_pin(pin)
    except WeakPin as refusal:
        return _mine({"desk_pin": refusal.sentence})
    if pin != request.form.get("desk_pin_again", ""):
        return _mine({"desk_pin_again": "Les deux codes ne sont pas les mêmes. Tapez-les de nouveau."})
    hashed = hash_password(pin, chance=chance)
    with transaction(writes="results") as db:
        set_pin(db, who, pin_hash=hashed, power=power(), at=now(), chance=chance)
    flash("Votre code de poste est choisi. Il sert sur ce poste, chaque jour où vous vous y êtes identifié.", "ok")
    return redirect("/", 303)


def _prove_by_pin(here: Present, pc: Pc | None, kept: Interrupted) -> ResponseReturnValue:
    token, at = session[TOKEN], now()
    asked, proved = _tried(here.actor.id, pc)
    new = None
    with transaction(writes="results") as db:
        if pc is not None and duty.settle_pin(db, asked, pc, proved=proved, power=power(), at=at, chance=chance):
            new = signins.raise_by_pin(
                db, token, staff_id=here.actor.id, pc=pc.id, power=power(), at=at, chance=chance
            )  # fmt: skip
        is_over = pc is None or here.actor.id not in {one.id for one in duty.on_duty(db, pc.id, power=power(), at=at)}
        if new is None and is_over:
            # Five wrong ones: whoever sits here is asked both proofs.
            signins.sign_out(db, token, power=power(), at=at, chance=chance)
    if new is not None:
        session[TOKEN] = new
        return onward(kept, here.actor)
    if is_over:
        return show_door(kept, status=422, errors={"login": _WRONG_PIN}, is_full=True)
    return ask_proof(kept, for_power=False, status=422, errors={"desk_pin": _WRONG_PIN})


def _tried(staff_id: UUID, pc: Pc | None) -> tuple[duty.Asked, bool]:
    """Count a try of a desk PIN, then compare it by exactly one Argon2id, whoever is asked for."""
    asked = duty.Asked(try_id=None, staff_id=staff_id, pin_hash=None)
    if pc is not None:
        with transaction(writes="results") as db:
            asked = duty.ask_pin(db, staff_id, pc, key=form_key(), power=power(), at=now(), chance=chance)
    return asked, verify_password(asked.pin_hash, request.form.get("desk_pin", "")[:12])


def _chosen() -> UUID:
    try:
        return UUID(request.form.get("staff", ""))
    except ValueError:
        return _NOBODY


def _here() -> Present:
    here = present()
    if here is None:
        raise NotAllowed
    return here


def _has_just_proved() -> bool:
    """Whether both proofs were given here a moment ago and there is no desk PIN yet."""
    here = _here()
    if here.is_by_pin or not here.opened_at <= now() < here.opened_at + FRESH:
        return False
    with reading() as db:
        return not has_pin(db, here.actor.id, power())


def _mine(errors: dict[str, str] | None = None) -> Response:
    here = _here()
    with reading() as db:
        has = has_pin(db, here.actor.id, power())
    return page("staff/mine.html", status=422 if errors else 200, errors=errors or {}, pc=this_pc(), has_pin=has)
