"""Screens without a picture: a page's own words, a number, a call, as sound."""

import re
from pathlib import Path
from uuid import UUID

from flask import Blueprint, Response
from werkzeug.exceptions import NotFound as NoSuchPage

from kiosk.door.languages import LANGUAGES, say
from kiosk.door.threshold import voice
from kiosk.register.visits import Move, NoVisit, visit_of
from kiosk.web import reading

bp = Blueprint("speaking", __name__)

#: Where people are called to, as the voice says it in each language; the screen shows the room's own name.
_PLACE = re.compile(r"(Guichet|Salle) (\d+)")


@bp.get("/spoken/<language>/<name>.wav")
def page_words(language: str, name: str) -> Response:
    """What stands on a page for everybody; never what somebody has typed there."""
    return _sound(voice().page(language, name) if language in LANGUAGES else None)


@bp.get("/spoken/<language>/number/<int:number>.wav")
def number_words(language: str, number: int) -> Response:
    """A number, which is public anyway."""
    if language not in LANGUAGES or not 0 < number < 10_000:
        raise NoSuchPage
    words = say(language, "Merci. Votre numéro :"), str(number), say(language, "On vous appelle par ce numéro.")
    return _sound(voice().sound(language, words))


@bp.get("/spoken/<language>/call/<uuid:call>.wav")
def call_words(language: str, call: UUID) -> Response:
    """A call that was made: its number and its desk."""
    if language not in LANGUAGES:
        raise NoSuchPage
    with reading() as db:
        move = db.get(Move, call)
        if move is None or move.desk is None:
            raise NoVisit
        number = visit_of(db, move.visit_id).number
    return _sound(voice().sound(language, (f"{say(language, 'Numéro')} {number}", place_words(language, move.desk))))


def place_words(language: str, desk: str) -> str:
    """A desk or room as the voice names it; one with a name of its own keeps it."""
    found = _PLACE.fullmatch(desk)
    if found is None:
        return desk
    return f"{say(language, found[1])} {found[2]}"


def _sound(file: Path | None) -> Response:
    if file is None:
        raise NoSuchPage
    answer = Response(file.read_bytes(), mimetype="audio/wav")
    answer.headers["Cache-Control"] = "private, max-age=3600"
    return answer
