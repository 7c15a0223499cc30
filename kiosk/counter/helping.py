"""What kiosks ask of the staff, and staff of the kiosks: a person there, and no questions while many wait."""

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from kiosk.door.rush import set_rush
from kiosk.register import clock
from kiosk.register.events import go_and_help, open_help_calls
from kiosk.register.sites import this_site
from kiosk.register.staff import Right
from kiosk.signin import desk, needs
from kiosk.web import now, page, reading, transaction

bp = Blueprint("helping", __name__)


@bp.get("/aide")
@needs(Right.CALL)
def calls() -> ResponseReturnValue:
    """The kiosks where somebody waits for a person, as a part of every page; nothing when it has not changed."""
    told = request.args
    with reading() as db:
        waiting = open_help_calls(db, this_site(db).id, at=now())
        asked = [(call.body["kiosk"], int((now() - call.at).total_seconds() // 60)) for call in waiting]
    state = ",".join(f"{kiosk}.{minutes}" for kiosk, minutes in asked) or "-"
    return (
        Response(status=204)
        if told.get("vu") == state
        else page("staff/help_calls.html", asked=asked, state=state, bar="bar" in told, line=told.get("line"))
    )


@bp.post("/aide")
@needs(Right.CALL)
def go() -> ResponseReturnValue:
    """Go there; every screen stops asking."""
    with transaction() as db:
        go_and_help(db, this_site(db).id, request.form.get("kiosk", ""), desk=desk(), at=now())
    if "HX-Request" in request.headers:  # the page of whoever goes stays as it is
        return calls()
    return redirect(url_for("calling.line_page"), 303)


@bp.get("/affluence")
@needs(Right.CALL)
def rush() -> ResponseReturnValue:
    """Whether staff have turned rush mode on for today, as a part of a page."""
    with reading() as db:
        site = this_site(db)
        return page("staff/rush.html", on=site.rush_day == clock.day(site.timezone, now()))


@bp.post("/affluence")
@needs(Right.CALL)
def turn_rush() -> ResponseReturnValue:
    """Turn rush mode on for the rest of the day, or off."""
    on = request.form.get("on") == "1"
    with transaction() as db:
        set_rush(db, this_site(db), on=on, at=now())
    flash(
        "Affluence : les bornes donnent un numéro sans rien demander." if on else "Les bornes posent les questions.",
        "ok",
    )
    return redirect(url_for("calling.line_page"), 303)
