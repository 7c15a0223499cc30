"""Screens: the biologist lets codes be tried again."""

from collections.abc import Callable

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue

from kiosk.register.sites import this_site
from kiosk.register.staff import Right
from kiosk.signin import actor, needs
from kiosk.web import chance, now, transaction
from results.callers.limits import confirm_clock, reopen_telephone
from results.desks.unlocking import unlocked

bp = Blueprint("letting", __name__)


@bp.post("/telephone/biologiste/rouvrir")
@needs(Right.SIGN)
def reopen() -> ResponseReturnValue:
    """Open the telephone route again, with unlocked keys."""
    return _let(reopen_telephone, "Le téléphone essaie à nouveau les codes.")


@bp.post("/telephone/biologiste/heure")
@needs(Right.SIGN)
def clock() -> ResponseReturnValue:
    """The hour is right now, with unlocked keys."""
    return _let(confirm_clock, "L'heure est confirmée. Les codes sont essayés à nouveau.")


def _let(act: Callable[..., None], done: str) -> ResponseReturnValue:
    unlocked()
    with transaction("results") as db:
        act(db, this_site(db).id, by=actor().id, at=now(), chance=chance)
    flash(done, "ok")
    return redirect(url_for("passed_on.calls_page"), 303)
