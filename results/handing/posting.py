"""Envelopes for the post: whose turn it is, each made alone, and the day's batch with the proof of every sheet."""

from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from flask import Blueprint, Response, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from kiosk.register import clock
from kiosk.register.sites import Site, this_site
from kiosk.register.staff import Right
from kiosk.register.visits import visit_of
from kiosk.signin import actor, needs, power
from kiosk.web import chance, form_key, house, now, page, reading, transaction
from printers.errors import PrinterError
from printers.moves import State
from results.desks.unlocking import unlocked
from results.handing.letters import (
    Again,
    AlreadyMade,
    Letter,
    letter_of,
    letters_due,
    letters_since,
    make_letter,
    post_letter,
)
from results.handing.papers import DOUBTFUL, look_at, put_all, states_of, visit_and_person
from results.identity import acting_as
from results.reports.pages import ADDRESS_LETTERS, ADDRESS_LINES, AddressTooLong, address_of

bp = Blueprint("posting", __name__)

#: No day of the laboratory is longer.
_A_DAY: Final = timedelta(hours=25)
#: The fields of an address.
LINES: Final = tuple(f"line{number}" for number in range(1, ADDRESS_LINES + 1))
#: Why an envelope is made once more, in words.
AGAIN: Final = ((Again.SPOILT, "Le papier n'est pas sorti en entier"), (Again.RETURNED, "Revenu, ou jamais arrivé"))


@bp.get("/plis")
@needs(Right.TELL)
def batch() -> ResponseReturnValue:
    """Whose envelope is next, and today's batch sheet by sheet."""
    return _batch("results/letters.html")


@bp.get("/plis/etat")
@needs(Right.TELL)
def batch_state() -> ResponseReturnValue:
    """What became of the batch's sheets, for a page that is open; nothing when it has not changed."""
    return _batch("results/letters_state.html")


@bp.get("/plis/<uuid:visit_id>")
@needs(Right.TELL)
def address(visit_id: UUID) -> ResponseReturnValue:
    """What shows through the window of an A4 letter; a roll is put in an envelope that bears it."""
    if not house().forms["reports"].has_pages:
        return redirect(url_for("posting.batch"), 303)
    return _address_page(visit_id)


@bp.post("/plis/<uuid:visit_id>")
@needs(Right.TELL)
def make(visit_id: UUID) -> ResponseReturnValue:
    """Make one envelope: released and committed, then printed."""
    home, here, word = house(), actor(), request.form.get("again", "")
    try:
        shown = address_of([request.form.get(name, "") for name in LINES])
    except AddressTooLong as refusal:
        return _address_page(visit_id, refusal.sentence)
    try:
        home.spool.start_key(now())  # nothing is released towards a printer that is not there
        with transaction("results") as db:
            visit, patient = visit_and_person(db, visit_id)
            made = make_letter(
                db, home.more["keys"], visit, patient, role=acting_as(here.roles),
                again=Again(word) if word in list(Again) else None, biologist=unlocked, form=home.forms["reports"],
                power=power(), by=here.id, at=now(), chance=chance, key=form_key(), address=shown,
            )  # fmt: skip
    except (AlreadyMade, PrinterError) as trouble:
        flash(trouble.french, "error")
        return redirect(url_for("posting.batch"), 303)
    if made.refusal is not None:
        flash(made.refusal.sentence, "error")
    put_all(made.papers)
    return redirect(url_for("posting.batch"), 303)


@bp.post("/plis/regarder/<uuid:letter_id>")
@needs(Right.TELL)
def look(letter_id: UUID) -> ResponseReturnValue:
    """A person has looked whether the doubtful sheets of an envelope are out."""
    with reading() as db:
        row = letter_of(db, letter_id)
    look_at(row.id, row.sheets, is_out=request.form.get("out") == "yes")
    return redirect(url_for("posting.batch"), 303)


@bp.post("/plis/poste/<uuid:letter_id>")
@needs(Right.TELL)
def post(letter_id: UUID) -> ResponseReturnValue:
    """An envelope whose sheets are all out was closed and given to the post."""
    with transaction("results") as db:
        row = letter_of(db, letter_id)
        if set(states_of(row.id, row.sheets)) != {State.CONFIRMED}:
            flash("Toutes les feuilles de ce pli ne sont pas sorties. Regardez-les d'abord.", "error")
        else:
            post_letter(db, letter_id, by=actor().id, at=now(), chance=chance)
    return redirect(url_for("posting.batch"), 303)


def _address_page(visit_id: UUID, wrong: str = "") -> Response:
    """The lines of an address, with what was typed kept; the first one is the person."""
    with reading() as db:
        visit, patient = visit_and_person(db, visit_id)
    name = f"{patient.given_names.split(',')[0]} {(patient.used_name or patient.birth_name).upper()}"
    typed = [request.form.get(line, "") for line in LINES] if request.form else [name, *[""] * (len(LINES) - 1)]
    too_long = [line for line, words in zip(LINES, typed, strict=True) if len(words.strip()) > ADDRESS_LETTERS]
    again = request.values.get("again", "")
    return page(
        "results/letter_address.html", status=422 if wrong else 200, visit=visit, patient=patient, lines=typed,
        errors=dict.fromkeys(too_long, wrong) if wrong else {}, again=again, reasons=AGAIN if again else (),
    )  # fmt: skip


def _batch(template: str) -> Response:
    with reading() as db:
        site = this_site(db)
        role, today = acting_as(actor().roles), clock.day(site.timezone, now())
        due = letters_due(db, house().more["keys"], site.id, role, power=power(), at=now())
        made = letters_since(db, site.id, now() - _A_DAY)
        made = [row for row in made if clock.day(site.timezone, row.at) == today]
        rows = [_row(row, visit_of(db, row.visit_id).number, site) for row in made]
    seen = f"{len(due)}." + "-".join(f"{row['letter'].id}{row['seen']}{row['letter'].posted_at}" for row in rows)
    if request.args.get("vu") == seen:
        return Response(status=204)
    sheets = sum(row["letter"].sheets for row in rows)
    out = sum(row["out"] for row in rows)
    return page(
        template, due=due, rows=rows, seen=seen, sheets=sheets, out=out, again=AGAIN,
        is_moving=any(row["is_moving"] for row in rows), has_pages=house().forms["reports"].has_pages,
    )  # fmt: skip


def _row(row: Letter, number: int, site: Site) -> dict[str, Any]:
    """One envelope of the batch: how many of its sheets are out, and what it waits for."""
    states = states_of(row.id, row.sheets)
    return {
        "letter": row, "number": number, "hour": clock.hour(site.timezone, row.at), "seen": "-".join(states),
        "out": states.count(State.CONFIRMED), "is_whole": set(states) == {State.CONFIRMED},
        "is_doubtful": bool(DOUBTFUL & set(states)), "is_void": State.VOID in states,
        "is_moving": not set(states) <= {State.CONFIRMED, State.VOID},
    }  # fmt: skip
