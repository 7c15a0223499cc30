"""What a person does in the print room: answers, prints again, throws away, moves, pauses."""

import sqlite3
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from typing import Final
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound as NoSuchPage

from kiosk.register.sites import this_site
from kiosk.register.staff import Right
from kiosk.settings import StaffSettings
from kiosk.signin import actor, needs
from kiosk.web import chance, form_key, house, now, page, reading, transaction
from labels.printing import confirm, label_of, reprint_seen
from labels.printroom.lights import other_printers
from labels.printroom.papers import job_named, place_of, row_of
from labels.tubes import Tube
from printers.errors import ImpossibleMove, PrinterError, UnknownJob
from printers.moves import NEVER_SENT, PERSON_CAUSES, State, Verb
from printers.notices import make_header, make_test_page
from printers.paper import Paper
from printers.rows import Job, PrinterState

bp = Blueprint("gestures", __name__)

MOVED: Final = "Cette impression a changé d'état entre-temps : rien n'a été changé. Voici la liste de maintenant."


@bp.post("/imprimantes/papier/sorti")
@needs(Right.PRINT_LABELS)
def came_out() -> ResponseReturnValue:
    """A person has looked: the paper is out and can be read."""
    job = _asked()
    # The spool first: it refuses what another desk has answered, and its word is written down by the next round.
    if _moves([job], Verb.CONFIRM) and job.kind == "label":
        with transaction() as db:
            number = job.key.split("/")[1]
            confirm(db, number, site_id=this_site(db).id, by=str(actor().id), at=now(), chance=chance)
    return _back()


@bp.post("/imprimantes/papier/pas-sorti")
@needs(Right.PRINT_LABELS)
def did_not_come_out() -> ResponseReturnValue:
    """A person has looked: a paper that is no label is not there; it is not printed again."""
    job = _asked()
    with reading() as db:
        if row_of(db, this_site(db).id, job).tube is not None:
            raise NoSuchPage  # a tube's label that is not there is printed again, with its reason
    _moves([job], Verb.DISOWN, "jamais sortie")
    return _back()


@bp.post("/imprimantes/etiquette/reimprimer")
@needs(Right.PRINT_LABELS)
def print_again() -> ResponseReturnValue:
    """Print a label again as the next copy, with a reason; the job before it is closed."""
    told, _, copy_seen = request.form.get("label", "").partition(" ")
    tube_id, seen = _uuid(told), int(copy_seen) if copy_seen in map(str, range(1, 1000)) else 0
    reason = request.form.get("other", "") or request.form.get("reason", "")
    with transaction() as db:
        site = this_site(db)
        copy = reprint_seen(
            db, site.id, tube_id, seen, reason=reason, by=str(actor().id), at=now(), chance=chance, key=form_key()
        )
        tube = db.get_one(Tube, tube_id)
        paper = label_of(db, site.id, tube.sample_number, copy.copy, house().forms["labels"])
    if paper is not None:
        _put_copy(paper, tube, before=f"label/{tube.sample_number}/{copy.copy - 1}", reason=reason)
        flash(
            f"Copie {copy.copy} de l'étiquette {tube.position} sur {tube.total} demandée. Détruisez l'ancienne.", "ok"
        )
    return _back()


@bp.post("/imprimantes/papier/jeter")
@needs(Right.PRINT_LABELS)
def throw_away() -> ResponseReturnValue:
    """Keep papers that were never sent from coming out."""
    gone = _moves(_jobs(), Verb.DROP, "jetée")
    if gone:
        flash(f"{gone} papier ne sortira pas." if gone == 1 else f"{gone} papiers ne sortiront pas.", "ok")
    return _back()


@bp.post("/imprimantes/papier/imprimer")
@needs(Right.PRINT_LABELS)
def print_old() -> ResponseReturnValue:
    """Let papers that were too old to come out unasked come out now."""
    _moves([job for job in _jobs() if job.cause in PERSON_CAUSES], Verb.RESUME)
    return _back()


@bp.post("/imprimantes/papier/passer")
@needs(Right.PRINT_LABELS)
def move_rest() -> ResponseReturnValue:
    """Give the rest of a batch to another printer of the same medium, announced where it stands at another desk."""
    spool, job = house().spool, _asked()
    if job.printer != request.form.get("from"):
        flash(MOVED, "warn")
        return _back()
    told = {printer.name: printer for printer in spool.printers()}
    to = next((one for one in other_printers(list(told.values()), job.printer) if one.name == request.form["to"]), None)
    if to is None or to.media is None:
        raise NoSuchPage
    source = told[job.printer]
    beside = source.desk != "" and source.desk == to.desk
    moved = spool.hand_on(
        spool.rest_of(job.key), to.name, by=str(actor().id), at=now(), chance=chance, reason=f"after {source.name}",
        header=None if beside else partial(make_header, desk=source.desk, form=to.media),
    )  # fmt: skip
    if moved:
        flash(f"{place_of(to)} prend la suite : {len(moved)} {'papier' if len(moved) == 1 else 'papiers'}.", "ok")
    else:
        flash(MOVED, "warn")
    return _back()


@bp.post("/imprimantes/<name>/pause")
@needs(Right.PRINT_LABELS)
def pause(name: str) -> ResponseReturnValue:
    """Stop a printer until a person resumes it."""
    house().spool.pause(_printer(name).name, by=str(actor().id), at=now())
    return _back()


@bp.post("/imprimantes/<name>/reprise")
@needs(Right.PRINT_LABELS)
def resume(name: str) -> ResponseReturnValue:
    """Let a printer go on."""
    house().spool.unpause(_printer(name).name, by=str(actor().id), at=now())
    return _back()


@bp.post("/imprimantes/<name>/essai")
@needs(Right.PRINT_LABELS)
def try_out(name: str) -> ResponseReturnValue:
    """Print a test page: a ruler, accents, bars; nothing of a patient."""
    printer = _printer(name)
    if printer.media is None:
        raise NoSuchPage
    try:
        paper = make_test_page(printer.name, printer.media, f"test/{printer.name}/{form_key()}")
        house().spool.put(paper, printer=printer.name, at=now(), chance=chance)
    except PrinterError as trouble:
        flash(trouble.french, "warn")
    return _back()


@bp.errorhandler(PrinterError)
def _say_away(trouble: PrinterError) -> Response:
    """The spool cannot be written to now: the page keeps the form and tries again."""
    return page("staff/refusal.html", status=503, sentence=trouble.french, code=503)


def _asked() -> Job:
    """The one paper that the form names; a confidential one is for its own desk."""
    job = _job(request.form.get("job", ""))
    if job.secret:
        raise NoSuchPage
    return job


def _job(told: str) -> Job:
    job = job_named(house().spool, told)
    if job is None:
        raise NoSuchPage
    return job


def _jobs() -> list[Job]:
    return [_job(told) for told in request.form.getlist("job")]


def _moves(jobs: Iterable[Job], verb: Verb, reason: str = "") -> int:
    """Make a person's move of each job that is still there; what has moved meanwhile is said, and how many moved."""
    moved, left = 0, 0
    for job in jobs:
        try:
            house().spool.move(job.key, verb, by=str(actor().id), at=now(), reason=reason)
            moved += 1
        except (ImpossibleMove, UnknownJob):
            left += 1
    if left or not moved:
        flash(MOVED, "warn")
    return moved


def _put_copy(paper: Paper, tube: Tube, *, before: str, reason: str) -> None:
    """Close the job of the copy before, and give the new one to the printer of the old one."""
    spool, settings = house().spool, _settings()
    try:
        old = spool.job(before)
        if old is not None and old.state not in {State.CONFIRMED, State.VOID, State.SENDING}:
            verb = Verb.DROP if old.state in NEVER_SENT else Verb.DISOWN
            with suppress(ImpossibleMove):  # the station was faster; the new copy is ordered all the same
                spool.move(before, verb, by=str(actor().id), at=now(), reason=reason)
        served = {printer.name for printer in spool.printers() if printer.served}
        printer = old.printer if old is not None and old.printer in served else settings.label_printer
        spool.put(paper, printer=printer, at=now(), chance=chance, batch=str(tube.visit_id), position=tube.position)
    except (PrinterError, sqlite3.Error):
        flash("La copie est notée, mais n'a pas pu partir. Elle sera proposée à nouveau.", "warn")


def _printer(name: str) -> PrinterState:
    found = next((printer for printer in house().spool.printers() if printer.name == name), None)
    if found is None:
        raise NoSuchPage
    return found


def _settings() -> StaffSettings:
    settings: StaffSettings = house().more["settings"]
    return settings


def _uuid(told: str) -> UUID:
    try:
        return UUID(told)
    except ValueError:
        raise NoSuchPage from None


def _back() -> ResponseReturnValue:
    return redirect(url_for("room.printers"), 303)
