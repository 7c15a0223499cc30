"""The live line: whose turn it is and why, called by one key."""

import sqlite3
from collections.abc import Sequence
from functools import partial
from typing import Any, Final
from uuid import UUID

from flask import Blueprint, Response, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from kiosk.booking.appointments import recognise_arrivals
from kiosk.counter.panel import LastRead, panel
from kiosk.counter.passage import advance
from kiosk.counter.reception import call_in_turn, end_early, keep_papers_in
from kiosk.door.languages import FRENCH, LANGUAGES, say
from kiosk.live import stream
from kiosk.register.journal import words_at
from kiosk.register.sites import this_site
from kiosk.register.staff import Right
from kiosk.register.visits import Purpose, Stage, State, Verb, visit_of
from kiosk.settings import StaffSettings
from kiosk.signin import actor, desk, needs
from kiosk.ticket import ticket_of
from kiosk.waiting import announced, take_number
from kiosk.web import chance, form_key, house, now, page, reading, transaction
from printers.errors import PrinterError
from printers.moves import State as Printed

bp = Blueprint("calling", __name__)

#: What the line's own buttons may do; every other move belongs to the screen of its step.
VERBS: Final = {
    "rappeler": Verb.RECALL,
    "annuler": Verb.UNDO,
    "absent": Verb.MISS,
    "de-cote": Verb.PARK,
    "de-retour": Verb.COME_BACK,
    "au-guichet": Verb.HAND_BACK,
    "au-revoir": Verb.LEAVE,
}
#: What the screen says once it is done.
DONE: Final = {
    Verb.RECALL: "Le numéro {} est appelé de nouveau.",
    Verb.UNDO: "L'appel du numéro {} est annulé. Il a repris sa place.",
    Verb.MISS: "Le numéro {} est noté absent. Il revient dans la file dans cinq minutes.",
    Verb.PARK: "Le numéro {} est mis de côté.",
    Verb.HAND_BACK: "Le numéro {} est revenu dans la file du guichet, à sa place.",
    Verb.COME_BACK: "Le numéro {} est revenu dans la file, à sa place.",
    Verb.LEAVE: "Le passage du numéro {} est terminé.",
}
#: The key of each language of a ticket that F10 does not give in French.
TONGUES: Final = tuple(zip("FEASPT", LANGUAGES.items(), strict=True))
#: What it says of a person who did not come twice.
ABSENT_AGAIN: Final = "Le numéro {} a manqué deux appels : il est mis de côté, et revient quand il le dit."


@bp.get("/file")
@needs(Right.CALL)
def line_page() -> ResponseReturnValue:
    """The live line."""
    return page("staff/line.html", tongues=TONGUES, **_panel())


@bp.get("/file/panneau")
@needs(Right.CALL)
def line_pane() -> ResponseReturnValue:
    """The line alone, for a page that is open; nothing when it has not changed."""
    shown = _panel()
    return Response(status=204) if request.args.get("vu") == shown["seen"] else page("staff/line_pane.html", **shown)


@bp.get("/file/evenements")
@needs(Right.CALL)
def events() -> ResponseReturnValue:
    """The stream that says that the line has changed, and nothing else."""
    with reading() as db:
        site = this_site(db)
    return stream(site.id, ("line", "call", "help"), body=lambda _: {})


@bp.post("/file/reconnaitre")
@needs(Right.CALL)
def recognise() -> ResponseReturnValue:
    """Give the arrivals that are surely expected their clock, and show the line again."""
    with transaction() as db:
        recognise_arrivals(db, this_site(db), by=str(actor().id), at=now(), chance=chance)
    return page("staff/line_pane.html", **_panel())


@bp.post("/file/appeler")
@needs(Right.CALL)
def call() -> ResponseReturnValue:
    """Call the next number to this desk."""
    with reading() as db:
        site = this_site(db)
    visit = call_in_turn(
        house().database, site, Stage.COUNTER, desk=desk(), by=str(actor().id), at=now(), chance=chance, key=form_key()
    )
    flash(f"Le numéro {visit.number} est appelé : {desk()}.", "ok")
    return redirect(url_for("calling.line_page"), 303)


@bp.post("/file/numero")
@needs(Right.CALL)
def give_number() -> ResponseReturnValue:
    """Give a number to someone who does not use the kiosk, and print the kiosk's ticket in their language."""
    settings: StaffSettings = house().more["settings"]
    language, key = request.form.get("language", FRENCH), form_key()
    with reading() as db:
        site = this_site(db)
        wait = announced(db, site, Stage.COUNTER, at=now())
    with transaction() as db:
        visit = take_number(
            db, site, wait=wait, purpose=Purpose(request.form.get("purpose", Purpose.WALK_IN)), said=None,
            by=str(actor().id), at=now(), chance=chance, key=key,
            needs_help="help" in request.form, language=language if language in LANGUAGES else FRENCH,
        )  # fmt: skip
    with reading() as db:
        letters = words_at(db, "register", now())
    try:
        paper = ticket_of(
            visit, key, tell=partial(say, visit.language), follow_url=settings.follow_url, letters=letters,
            form=house().forms["tickets"],
        )  # fmt: skip
        house().spool.put(paper, printer=settings.ticket_printer, at=now(), chance=chance)
        words, tone = f"Numéro {visit.number} donné. Le ticket s'imprime.", "ok"
    except (PrinterError, sqlite3.Error):  # the number is given, whatever becomes of its paper
        words, tone = f"Numéro {visit.number} donné. Le ticket ne s'imprime pas : écrivez le numéro.", "warn"
    if "HX-Request" in request.headers:  # from another page, which stays as it is: a call may be going on there
        return page("staff/given.html", words=words, tone=tone)
    flash(words, tone)
    return redirect(url_for("calling.line_page"), 303)


@bp.post(f"/file/<uuid:visit_id>/<any({', '.join(repr(act) for act in VERBS)}):act>")
@needs(Right.CALL)
def advance_visit(visit_id: UUID, act: str) -> ResponseReturnValue:
    """Make one move of a visit."""
    verb = VERBS[act]
    with transaction() as db:
        visit = advance(db, visit_of(db, visit_id), verb, by=str(actor().id), at=now(), chance=chance, key=form_key())
    if verb is Verb.LEAVE:
        keep_papers_in(house().spool, visit, by=str(actor().id), at=now())
    words = ABSENT_AGAIN if (verb, visit.state) == (Verb.MISS, State.PARKED) else DONE[verb]
    flash(words.format(visit.number), "ok")
    return redirect(url_for("calling.line_page"), 303)


@bp.get("/file/<uuid:visit_id>/fin")
@needs(Right.CALL)
def leaving(visit_id: UUID) -> ResponseReturnValue:
    """Ask why a visit ends before the draw."""
    with reading() as db:
        return page("staff/leaving.html", visit=visit_of(db, visit_id))


@bp.post("/file/<uuid:visit_id>/fin")
@needs(Right.CALL)
def leave(visit_id: UUID) -> ResponseReturnValue:
    """End a visit before the draw, with its reason."""
    reason = request.form.get("other", "") or request.form.get("reason", "")
    with transaction() as db:
        visit = visit_of(db, visit_id)
        end_early(db, visit, reason=reason, by=str(actor().id), at=now(), chance=chance, key=form_key())
    keep_papers_in(house().spool, visit, by=str(actor().id), at=now())
    flash(f"Le passage du numéro {visit.number} est terminé : {reason}.", "ok")
    return redirect(url_for("calling.line_page"), 303)


def _panel() -> dict[str, Any]:
    """Everything that the line's page shows, and a mark that changes whenever it does."""
    settings: StaffSettings = house().more["settings"]
    waiting = house().spool.jobs((Printed.HELD, Printed.NOT_SENT, Printed.UNSURE))
    states = {one.name: "paused" if one.paused_at else one.state for one in house().spool.printers()}
    lights = [
        _paper_light(what, [job.state for job in waiting if job.printer == printer], states.get(printer))
        for what, printer in (("Tickets", settings.ticket_printer), ("Étiquettes", settings.label_printer))
    ]
    kept: LastRead = current_app.extensions.setdefault("line", LastRead())
    with reading() as db:
        line = kept.live_line(db, this_site(db), at=now())
        shown = panel(line, desk(), at=now())
    tables = kept.drawn(line, lambda drawn: render_template("staff/line_tables.html", line=drawn))
    counted = ".".join(map(str, (shown.acts, *shown.answers)))
    seen = f"{counted}.{now():%H%M}.{shown.undo_for > 0}.{'.'.join(light[2] for light in lights)}"
    return {"panel": shown, "tables": tables, "lights": lights, "seen": seen}


def _paper_light(what: str, jobs: Sequence[Printed], seen: str | None) -> tuple[str, str, str]:
    """A printer's state as a light: what it prints, the words, the tone.

    Args:
        jobs: the states of its papers that wait.
        seen: what the station last saw of it, or that a person has paused it.
    """
    if seen == "paused":
        return (what, "en pause", "warn")
    if unsure := jobs.count(Printed.UNSURE):
        return (what, f"{unsure} à vérifier", "warn")
    if jobs:
        return (what, f"{len(jobs)} en attente de l'imprimante", "danger")
    if seen is None:
        return (what, "imprimante pas encore vue", "warn")
    return (what, "prête", "ok") if seen == "ready" else (what, "imprimante arrêtée", "danger")
