"""Screens: what a patient touches between the door and a number."""

import logging
import sqlite3
from datetime import timedelta
from typing import cast

from flask import Blueprint, redirect, request, session, url_for
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound as NoSuchPage
from werkzeug.wrappers import Response

from kiosk import questions, ticket, waiting
from kiosk.register import clock
from kiosk.register.events import ask_for_help
from kiosk.register.once import answered
from kiosk.register.sites import this_site
from kiosk.register.visits import Move, NoVisit, Purpose, Stage, Visit, visit_of
from kiosk.settings import KioskSettings
from kiosk.waiting import WhatWasSaid
from kiosk.web import chance, form_key, house, now, page, reading, transaction
from printers.errors import PrinterError
from printers.moves import State as Job

bp = Blueprint("touchscreen", __name__)

log = logging.getLogger("etiquette")

#: Purposes that need no word of the person: one tap more and the number is there.
PLAIN = {"walk_in": Purpose.WALK_IN, "collect": Purpose.COLLECT}
#: A printer not seen by its station for so long is not known to be ready; an idle one is looked at every 5 s.
SEEN_WITHIN = timedelta(seconds=15)
#: What the person may change about the look of the screen; empty is as it was.
DISPLAY = {"look": {"", "contrast"}, "text_size": {"", "large"}}


@bp.app_context_processor
def _display() -> dict[str, str]:
    return {name: session.get(name, "") for name in DISPLAY}


@bp.get("/")
def home() -> Response:
    """K-1: why one comes; K-12 outside the hours."""
    with reading() as db:
        site = this_site(db)
    if not house().demonstration and not site.opens <= clock.local(site.timezone, now()).time() < site.closes:
        return page("touchscreen/closed.html", opens=f"{site.opens:%H:%M}", closes=f"{site.closes:%H:%M}")
    return page("touchscreen/home.html")


@bp.get("/convocation")
def convocation() -> Response:
    """K-2: scan the convocation, or say how else."""
    return page("touchscreen/convocation.html", back=url_for(".home"))


@bp.get("/code")
def code() -> Response:
    """K-3: six characters."""
    return page("touchscreen/code.html", back=url_for(".convocation"))


@bp.post("/code")
def take_by_code() -> Response:
    """A number for whoever typed or scanned a convocation; whether it is known is nobody's business here."""
    typed = request.form.get("code", "")[:80]
    read = questions.read_code(typed)
    if read is None:
        told = "Le code a 6 lettres ou chiffres. Regardez votre convocation."
        return page("touchscreen/code.html", status=422, problem=told, typed=typed[:6], back=url_for(".convocation"))
    return _give_number(Purpose.BOOKED, questions.said_code(read))


@bp.get("/name")
def name() -> Response:
    """K-4: three letters of the family name."""
    return page("touchscreen/name.html", back=url_for(".convocation"))


@bp.post("/birth-date")
def birth_date() -> Response:
    """K-5: the birth date; the letters travel in the page, so that nothing of a person is kept before the number."""
    letters = questions.read_letters(request.form.get("letters", ""))
    if not letters:
        told = "Touchez au moins la première lettre de votre nom."
        return page("touchscreen/name.html", status=422, problem=told, back=url_for(".convocation"))
    return page("touchscreen/birth_date.html", letters=letters, back=url_for(".name"))


@bp.post("/name")
def take_by_name() -> Response:
    """A number for whoever told a name and a birth date, known or not."""
    letters = questions.read_letters(request.form.get("letters", ""))
    born = {part: request.form.get(part, "").strip()[:4] for part in ("day", "month", "year")}
    with reading() as db:
        today = clock.day(this_site(db).timezone, now())
    told = questions.what_is_wrong_with_date(**born, today=today)
    if told:
        back = url_for(".name")
        return page("touchscreen/birth_date.html", status=422, problem=told, letters=letters, back=back, **born)
    return _give_number(Purpose.BOOKED, questions.said_name(letters, **born))


@bp.get("/come/<purpose>")
def confirm(purpose: str) -> Response:
    """One tap before the number of someone without appointment."""
    if purpose not in PLAIN:
        raise NoSuchPage
    return page("touchscreen/confirm.html", purpose=purpose, back=url_for(".home"))


@bp.post("/come/<purpose>")
def take(purpose: str) -> Response:
    """A number for someone who is not asked a name."""
    if purpose not in PLAIN:
        raise NoSuchPage
    return _give_number(PLAIN[purpose], None)


@bp.get("/number/<key>")
def thanks(key: str) -> Response:
    """K-8: the number that a form has made; its key opens it for the rest of the day."""
    with reading() as db:
        visit = _visit_made_by(db, key)
    wait = questions.range_words(visit.announced_low, visit.announced_high)
    return page("touchscreen/thanks.html", number=visit.number, range=wait, printed=_paper_comes(visit))


@bp.post("/help")
def call_someone() -> Response:
    """K-9: the staff screens hear which kiosk asks for a person, and on what kind of page, never what was typed."""
    kind = request.form.get("page", "")[:40]
    with transaction() as db:
        ask_for_help(db, this_site(db).id, kiosk=_settings().kiosk, page=kind, key=form_key(), at=now())
    return redirect(url_for(".coming"), 303)


@bp.get("/help")
def coming() -> Response:
    """K-9: who comes."""
    return page("touchscreen/coming.html")


@bp.post("/display")
def display() -> Response:
    """Larger text or contrast, until the person leaves."""
    for setting, values in DISPLAY.items():
        if request.form.get(setting) in values:
            session[setting] = request.form[setting]
    return redirect(url_for(".home"), 303)


@bp.post("/leave")
def leave() -> Response:
    """The next person finds the screen as it always is."""
    session.clear()
    return redirect(url_for(".home"), 303)


def _give_number(purpose: Purpose, said: WhatWasSaid | None) -> Response:
    """One number for one form, then its ticket; the number never waits for paper."""
    key = form_key()
    with reading() as db:
        site = this_site(db)
        wait = waiting.announced(db, site, Stage.COUNTER, at=now())
    with transaction() as db:
        visit = waiting.take_number(
            db, site, wait=wait, purpose=purpose, said=said, by=_settings().kiosk, at=now(), chance=chance, key=key
        )
    _put_ticket(visit)
    return redirect(url_for(".thanks", key=key), 303)


def _put_ticket(visit: Visit) -> None:
    words = ticket.Words(
        lang="fr",
        heading="Votre numéro",
        wait=questions.range_words(visit.announced_low, visit.announced_high),
        what_next="On vous appelle par ce numéro.",
        follow="",
    )
    paper = ticket.ticket(
        visit.id, visit.number, words, large=session.get("text_size") == "large", form=house().forms["tickets"]
    )
    try:
        house().spool.put(paper, printer=_settings().ticket_printer, at=now(), chance=chance)
    except (PrinterError, sqlite3.Error, OSError) as fault:
        # The person has a number and a place; the page says to write the number down.
        log.warning("a ticket could not be put in the spool: %s", type(fault).__name__)


def _paper_comes(visit: Visit) -> bool:
    """Whether the ticket is out, or its printer was ready when the station last looked."""
    try:
        job = house().spool.job(f"ticket/{visit.id}/1")
        printers = house().spool.printers()
    except (PrinterError, sqlite3.Error, OSError):
        return False
    if job is None or job.state in {Job.HELD, Job.NOT_SENT, Job.UNSURE, Job.VOID}:
        return False
    ready = any(
        one.name == job.printer and one.state == "ready" and one.paused_at is None and now() - one.seen <= SEEN_WITHIN
        for one in printers
    )
    return job.state in {Job.SENT, Job.CONFIRMED} or ready


def _visit_made_by(db: Session, key: str) -> Visit:
    made = answered(db, Move, this_site(db).id, key)
    if made is None or made.verb != "arrive":
        raise NoVisit
    return visit_of(db, made.visit_id)


def _settings() -> KioskSettings:
    return cast(KioskSettings, house().more["settings"])
