"""Screens: a biologist's keys open for a sitting; whatever asked for them goes on by itself afterwards."""

from typing import Any, cast

from flask import Blueprint, Response, current_app, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from kiosk.register.staff import Right
from kiosk.resuming import KEPT, Interrupted, carried, interrupted, onward
from kiosk.signin import actor, device, needs, power, present
from kiosk.web import chance, house, now, page, transaction
from results.sitting import Locked, NotUnlocked, Sittings, enter_unlocking, open_keys, prove_again
from results.vault.keys import BiologistKeys

bp = Blueprint("unlocking", __name__)


@bp.record_once
def _begin(state: Any) -> None:
    state.app.extensions["sittings"] = Sittings()


@bp.before_app_request
def _drop_idle_keys() -> None:
    """Every request of the app is an occasion to drop keys; leaving or locking drops one's own at once."""
    sittings().sweep(at=now())
    here = present() if request.endpoint in {"signin.leave", "returning.lock", "returning.leave_everywhere"} else None
    if here is not None:
        sittings().end(here.sign_in)


def sittings() -> Sittings:
    """The biologists who are unlocked in this app."""
    return cast(Sittings, current_app.extensions["sittings"])


def unlocked() -> BiologistKeys:
    """The keys of the person of this request.

    Raises:
        Locked: they must be unlocked first; the app asks for them, and sends the form again afterwards. Ask before
            anything is kept, or within the one transaction that keeps it.
    """
    here = present()
    if here is None:
        raise Locked
    return sittings().keys(here.sign_in, here.actor.id, at=now())


@bp.app_errorhandler(Locked)
def ask_for_keys(_: Locked) -> Response:
    """Ask for the keys in mid-form: what was typed goes along, secrets left out."""
    return _door(interrupted(by_hand=True), status=403)


@bp.get("/signature/cles")
@needs(Right.SIGN)
def unlock_page() -> ResponseReturnValue:
    """Where a biologist unlocks the keys."""
    return _door(Interrupted(then=url_for("signoff.waiting")))


@bp.post("/signature/cles")
@needs(Right.SIGN)
def unlock_keys() -> ResponseReturnValue:
    """Unlock: the second factor first, then the passphrase outside any transaction, then the journal."""
    here, at = present(), now()
    if here is None:
        raise Locked
    with transaction("results") as db:
        step = prove_again(
            db, here.actor.id, request.form.get("digits", ""), device=device(), power=power(), at=at,
            chance=chance,
        )  # fmt: skip
    keys = open_keys(house().more["keys"].folder, step, request.form.get("passphrase", ""))
    with transaction("results") as db:
        enter_unlocking(db, step, is_open=keys is not None, staff_id=here.actor.id, at=at, chance=chance)
    if keys is None:
        return _door(carried(), status=422, errors={"passphrase": NotUnlocked.french})
    sittings().begin(here.sign_in, here.actor.id, keys, at=at)
    return onward(carried(), actor())


@bp.post("/signature/verrouiller")
@needs(Right.SIGN)
def lock() -> ResponseReturnValue:
    """End the sitting: the keys are dropped."""
    here = present()
    if here is not None:
        sittings().end(here.sign_in)
    flash("Vos clés sont verrouillées.", "ok")
    return redirect(url_for("signoff.waiting"), 303)


def _door(kept: Interrupted, *, status: int = 200, errors: dict[str, str] | None = None) -> Response:
    return page("results/unlock.html", status=status, errors=errors or {}, kept=kept, prefix=KEPT)
