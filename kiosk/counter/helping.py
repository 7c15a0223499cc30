"""A kiosk asks for a person: the staff see which one, and say that they go."""

from flask import Blueprint, redirect, request, url_for
from flask.typing import ResponseReturnValue

from kiosk.register.events import go_and_help, open_help_calls
from kiosk.register.sites import this_site
from kiosk.register.staff import Right
from kiosk.signin import desk, needs
from kiosk.web import now, page, reading, transaction

bp = Blueprint("helping", __name__)


@bp.get("/aide")
@needs(Right.CALL)
def calls() -> ResponseReturnValue:
    """The kiosks where somebody waits for a person, as a part of a page."""
    with reading() as db:
        waiting = open_help_calls(db, this_site(db).id, at=now())
        asked = [(call.body["kiosk"], int((now() - call.at).total_seconds() // 60)) for call in waiting]
    return page("staff/help_calls.html", asked=asked)


@bp.post("/aide")
@needs(Right.CALL)
def go() -> ResponseReturnValue:
    """Go there; every screen stops asking."""
    with transaction() as db:
        go_and_help(db, this_site(db).id, request.form.get("kiosk", ""), desk=desk(), at=now())
    return redirect(url_for("calling.line_page"), 303)
