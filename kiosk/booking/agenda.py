"""Screens: who is expected on a day, and the paper that each takes home."""

import sqlite3
from datetime import timedelta
from typing import Final
from uuid import UUID

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from kiosk.booking.appointments import EXPECTED, Appointment, NoAppointment, State, day_list
from kiosk.booking.convocation import Preparation, convocation
from kiosk.booking.discretion import discreet_among
from kiosk.register import clock
from kiosk.register.sites import this_site
from kiosk.register.staff import Right
from kiosk.settings import StaffSettings
from kiosk.signin import needs, power
from kiosk.web import chance, form_key, house, now, page, reading
from printers.errors import PrinterError

bp = Blueprint("agenda", __name__)

#: How far ahead the list can be turned.
FARTHEST: Final = 90
#: An appointment's state as the screen says it, and its tone.
WORDS: Final = {
    State.BOOKED: ("attendu", "info"),
    State.MOVED: ("déplacé à cette heure", "info"),
    State.ARRIVED: ("arrivé", "ok"),
    State.MISSED: ("pas venu", "warn"),
}
PREPARATIONS: Final = (
    (Preparation.NONE, "sans préparation"),
    (Preparation.FASTING, "à jeun"),
    (Preparation.URINE, "urines du matin"),
    (Preparation.BOTH, "à jeun, et urines du matin"),
)


@bp.get("/rendez-vous")
@needs(Right.REGISTER)
def day_page() -> ResponseReturnValue:
    """Everyone expected on a day, by hour, discreet visits left out; an address tells the day alone."""
    ahead = _ahead()
    with reading() as db:
        site = this_site(db)
        at = now() + timedelta(days=ahead)
        expected = day_list(db, site, at=at)
        discreet = discreet_among(db, [row.visit_id for row in expected if row.visit_id is not None], power())
        return page(
            "staff/agenda.html", rows=[row for row in expected if row.visit_id not in discreet],
            ahead=ahead, farthest=FARTHEST, words=WORDS,
            expected=EXPECTED, preparations=PREPARATIONS, day=clock.day(site.timezone, at),
            hour=lambda start: clock.hour(site.timezone, start),
        )  # fmt: skip


@bp.post("/rendez-vous/<uuid:appointment_id>/convocation")
@needs(Right.REGISTER)
def print_convocation(appointment_id: UUID) -> ResponseReturnValue:
    """Put the convocation in the spool; the same form prints it once."""
    settings: StaffSettings = house().more["settings"]
    told = request.form.get("preparation", "")
    preparation = Preparation(told) if told in list(Preparation) else Preparation.NONE
    with reading() as db:
        row = db.get(Appointment, appointment_id)
        if row is None:
            raise NoAppointment
        paper = convocation(row, this_site(db), preparation, form=house().forms["slips"], key=form_key())
    try:
        house().spool.put(paper, printer=settings.slip_printer, at=now(), chance=chance)
    except (PrinterError, sqlite3.Error) as trouble:
        flash(trouble.french if isinstance(trouble, PrinterError) else PrinterError.french, "error")
    else:
        flash("La convocation part à l'imprimante du guichet.", "ok")
    return redirect(url_for("agenda.day_page", dans=_ahead() or None), 303)


def _ahead() -> int:
    """How many days from today the list shows."""
    told = request.values.get("dans", "")
    return min(int(told), FARTHEST) if told.isdecimal() and len(told) < 4 else 0
