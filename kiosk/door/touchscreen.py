"""Screens: what a patient touches between the door and a number."""

import logging
import sqlite3
from datetime import UTC, timedelta
from functools import partial
from typing import Final
from zoneinfo import ZoneInfo

from flask import Blueprint, jsonify, redirect, request, session, url_for
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound as NoSuchPage
from werkzeug.wrappers import Response

from kiosk import questions, ticket, waiting
from kiosk.door.answers import asked_of
from kiosk.door.languages import say
from kiosk.door.rush import is_rush
from kiosk.door.shown import key_of, number_for, visit_shown
from kiosk.door.threshold import count, device, language, profile, settings, told
from kiosk.formats.convocation import Convocation
from kiosk.register import clock
from kiosk.register.events import ask_for_help, help_is_heard
from kiosk.register.journal import words_at
from kiosk.register.once import answered
from kiosk.register.sites import Site, this_site
from kiosk.register.visits import Move, NoVisit, Purpose, Stage, Visit, visit_of
from kiosk.squares import squares
from kiosk.waiting import WhatWasSaid
from kiosk.web import HEADERS, chance, form_key, house, now, page, reading, transaction
from printers.errors import PrinterError
from printers.moves import State as Job

bp = Blueprint("touchscreen", __name__)

log = logging.getLogger("etiquette")

#: Purposes that need no word of the person: one tap more and the number is there.
PLAIN: Final = {"walk_in": Purpose.WALK_IN, "collect": Purpose.COLLECT}
#: And when many wait, those who have an appointment too; the counter asks.
RUSH: Final = PLAIN | {"booked": Purpose.BOOKED}
#: A printer not seen by its station for so long is not known to be ready; an idle one is looked at every 5 s.
SEEN_WITHIN: Final = timedelta(seconds=15)
#: Earlier than this is early, later than that is late; both are told from the paper's own hour.
EARLY, LATE = timedelta(minutes=30), timedelta(minutes=15)
#: So long after its arrival a number of the day before still has its questions and its ticket.
THROUGH_MIDNIGHT: Final = timedelta(minutes=10)


@bp.get("/")
def home() -> Response:
    """K-1: why one comes; K-12 outside the hours; in rush mode one tap is a number."""
    with reading() as db:
        site = this_site(db)
        rush = is_rush(db, site, above=settings().rush_above, at=now())
    if not house().demonstration and not site.opens <= clock.local(site.timezone, now()).time() < site.closes:
        return page("touchscreen/closed.html", opens=f"{site.opens:%H:%M}", closes=f"{site.closes:%H:%M}")
    return page("touchscreen/home.html", rush=rush)


@bp.get("/convocation")
def convocation() -> Response:
    """K-2: scan the convocation, or say how else; here alone a camera may look, where the kiosk has one."""
    measured = profile()
    camera = measured is not None and measured.camera
    answer = page("touchscreen/convocation.html", back=url_for(".home"), camera=camera)
    if camera:
        answer.headers["Permissions-Policy"] = HEADERS["Permissions-Policy"].replace("camera=()", "camera=(self)")
    return answer


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
        problem = told()("Le code a 6 lettres ou chiffres. Regardez votre convocation.")
        kept = "".join(sign for sign in typed if sign.isalnum())[:6]
        return page("touchscreen/code.html", status=422, problem=problem, typed=kept, back=url_for(".convocation"))
    stays = _stays(read.code, request.form.get("opened_by", ""), asking="asking" in request.form)
    return _give_number(Purpose.BOOKED, questions.said_code(read.code), scanned=read, stays=stays)


@bp.get("/name")
def name() -> Response:
    """K-4: three letters of the family name."""
    return page("touchscreen/name.html", back=url_for(".convocation"))


@bp.post("/birth-date")
def birth_date() -> Response:
    """K-5: the birth date; the letters travel in the page, so that nothing of a person is kept before the number."""
    letters = questions.read_letters(request.form.get("letters", "")[:200])
    if not letters:
        problem = told()("Touchez au moins la première lettre de votre nom.")
        return page("touchscreen/name.html", status=422, problem=problem, back=url_for(".convocation"))
    return page("touchscreen/birth_date.html", letters=letters, back=url_for(".name"))


@bp.post("/name")
def take_by_name() -> Response:
    """A number for whoever told a name and a birth date, known or not."""
    letters = questions.read_letters(request.form.get("letters", "")[:200])
    born = {part: request.form.get(part, "").strip()[:4] for part in ("day", "month", "year")}
    with reading() as db:
        today = clock.day(this_site(db).timezone, now())
    problem = questions.what_is_wrong_with_date(**born, today=today, say=told())
    if problem:
        back = url_for(".name")
        return page("touchscreen/birth_date.html", status=422, problem=problem, letters=letters, back=back, **born)
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
    if purpose not in RUSH:
        raise NoSuchPage
    return _give_number(RUSH[purpose], None)


@bp.post("/number/<key>")
def finish(key: str) -> Response:
    """The questions are over, answered or not: the ticket is printed, once."""
    with reading() as db:
        visit = visit_made_by(db, key)
    put_ticket(visit, key)
    return redirect(url_for(".thanks", key=key, hour=request.form.get("hour") or None), 303)


@bp.get("/number/<key>")
def thanks(key: str) -> Response:
    """K-8: the number that a form has made; its key opens it for the rest of the day."""
    with reading() as db:
        visit = visit_made_by(db, key)
        site = this_site(db)
        rush = is_rush(db, site, above=settings().rush_above, at=now())
    follow = ticket.follow_address(settings().follow_url, visit, key)
    return page(
        "touchscreen/thanks.html",
        number=visit.number,
        key=key,
        range=questions.range_words(visit.announced_low, visit.announced_high, told()),
        printed=_paper_comes(visit),
        hour=request.args.get("hour", ""),
        follow=squares(follow) if follow else None,
        rush=rush,
    )


@bp.post("/help")
def call_someone() -> Response:
    """K-9: the staff screens hear which kiosk asks for a person, and on what kind of page, never what was typed."""
    count("help")
    kind = request.form.get("page", "")[:40]
    key = form_key()
    with transaction() as db:
        ask_for_help(db, this_site(db).id, kiosk=device(), page=kind, key=key, at=now())
    return redirect(url_for(".coming", key=key), 303)


@bp.get("/help/<key>")
def coming(key: str) -> Response:
    """K-9: the call is with the staff, and whether somebody has answered it."""
    with reading() as db:
        heard = help_is_heard(db, this_site(db).id, key, at=now())
    return page("touchscreen/coming.html", heard=heard, key=key)


@bp.get("/help/<key>/heard")
def heard(key: str) -> Response:
    """The same as data, for the page that waits."""
    with reading() as db:
        return jsonify({"heard": help_is_heard(db, this_site(db).id, key, at=now())})


def visit_made_by(db: Session, key: str) -> Visit:
    """The visit whose number a form has made today; who stands at the kiosk at midnight goes on.

    Raises:
        NoVisit: this form made none, or on another day.
    """
    site = this_site(db)
    made = answered(db, Move, site.id, key)
    if made is None or made.verb != "arrive":
        raise NoVisit
    visit = visit_of(db, made.visit_id)
    if visit.day != clock.day(site.timezone, now()) and now() - visit.arrived_at > THROUGH_MIDNIGHT:
        raise NoVisit
    return visit


def _stays(code: str, opened_by: str, *, asking: bool) -> bool:
    """Whether a paper that is scanned on an open page is that of the person whom the page asks its questions.

    Somebody else's closes it: whoever was there has the number and the ticket, and nothing they chose stays.

    Args:
        code: of the paper.
        opened_by: the key of the number on the open page, if it bears one.
        asking: whether that page still has questions.
    """
    with reading() as db:
        try:
            before = visit_made_by(db, opened_by)
        except NoVisit:
            return False
        again = visit_shown(db, this_site(db), code, secret=bytes.fromhex(settings().secret), at=now())
    if again is not None and again.id == before.id:
        return asking
    if asking:
        put_ticket(before, opened_by)
    session.clear()
    return False


def _give_number(
    purpose: Purpose, said: WhatWasSaid | None, *, scanned: Convocation | None = None, stays: bool = False
) -> Response:
    """One number for one form, and for one convocation; the number never waits for paper.

    Args:
        stays: the person who has that number is being asked the questions now.
    """
    count("numbers")
    key = form_key()
    with reading() as db:
        site = this_site(db)
        wait = waiting.announced(db, site, Stage.COUNTER, at=now())
        rush = is_rush(db, site, above=settings().rush_above, at=now())
    with transaction() as db:
        new = partial(
            waiting.take_number, db, site, wait=wait, purpose=purpose, said=said, by=device(), at=now(), chance=chance,
            key=key, language=language(),
        )  # fmt: skip
        secret = bytes.fromhex(settings().secret)
        visit = number_for(db, site, scanned.code, new, secret=secret, at=now()) if scanned else new()
        page_key = key_of(db, visit) if scanned else key  # a convocation may have its number since before this form
    asked = asked_of(purpose, scanned)
    hour = _told_of_hour(scanned, site)
    if rush or not asked or (page_key != key and not stays):
        put_ticket(visit, page_key)
        return redirect(url_for(".thanks", key=page_key, hour=hour), 303)
    return redirect(url_for("answering.ask", key=page_key, asked=",".join(asked), hour=hour), 303)


def _told_of_hour(scanned: Convocation | None, site: Site) -> str | None:
    """What the paper's own hour says of this moment; a code typed by hand bears none."""
    if scanned is None or scanned.hour is None:
        return None
    here = clock.local(site.timezone, now())
    if scanned.hour.date() != here.date():
        return "other_day"
    # Through UTC: in the night when the clock changes an hour is missing or comes twice, and either may be meant.
    zone = ZoneInfo(site.timezone)
    meant = [scanned.hour.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    return "early" if min(meant) - now() > EARLY else "late" if now() - max(meant) > LATE else None


def put_ticket(visit: Visit, key: str) -> None:
    """Put a visit's ticket in the spool, in the language of its person; a second time changes nothing."""
    with reading() as db:
        letters = words_at(db, "register", now())
    paper = ticket.ticket_of(
        visit, key, tell=partial(say, visit.language), follow_url=settings().follow_url, letters=letters,
        large=session.get("text_size") == "large", form=house().forms["tickets"],
    )  # fmt: skip
    try:
        house().spool.put(paper, printer=settings().ticket_printer, at=now(), chance=chance)
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
