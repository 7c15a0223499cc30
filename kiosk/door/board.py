"""Screens: the waiting-room board, with numbers and desks, never a name."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import RLock
from typing import Any, cast

from flask import Blueprint, copy_current_request_context, current_app, g, jsonify, request, url_for
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from kiosk import live, questions, waiting
from kiosk.door.languages import FRENCH
from kiosk.door.threshold import voice
from kiosk.register import clock
from kiosk.register.events import Event, last_seq
from kiosk.register.sites import Site, this_site
from kiosk.register.visits import Stage, visit_of
from kiosk.web import now, page, reading

bp = Blueprint("board", __name__)

#: The last call and the five before it.
SHOWN = 6
#: A call that was made so long ago is not spoken any more by a screen that hears of it only now.
SPOKEN = timedelta(seconds=30)


@bp.get("/board")
def board() -> Response:
    """The board as it stands; its script keeps it so."""
    g.language = FRENCH  # whatever language was chosen in this browser before
    with reading() as db:
        return page("touchscreen/board.html", now=_as_it_stands(db))


@bp.get("/board/state")
def state() -> Response:
    """The same as data, with a tag: unchanged, it costs nothing to ask again."""
    g.language = FRENCH
    with reading() as db:
        answer = jsonify(_as_it_stands(db))
    answer.headers["Cache-Control"] = "no-cache"
    answer.add_etag()
    return answer.make_conditional(request)


@bp.get("/board/events")
def events() -> Response:
    """A stream that says what to show when a number is called, or when somebody takes one."""
    with reading() as db:
        site_id = this_site(db).id
    # A request of its own, with its hour, is made for the one board that reads: for each it would cost most of all.
    kept, read = _kept(), copy_current_request_context(_read_again)

    def after(event: Event) -> dict[str, Any]:
        """What is shown after an event: sent with it, since two hundred boards that ask back would be a crowd."""
        with kept.turn:
            return read() if kept.seq < event.seq else kept.shown

    return live.stream(site_id, ("call", "line"), body=after)


def _read_again() -> dict[str, Any]:
    with reading() as db:
        return _as_it_stands(db)


@dataclass
class _Kept:
    """What the board shows, read once for all boards of this programme after each event and each minute."""

    seq: int = -1
    minute: str = ""
    shown: dict[str, Any] = field(default_factory=dict)
    turn: RLock = field(default_factory=RLock)


def _kept() -> _Kept:
    return cast(_Kept, current_app.extensions.setdefault("board", _Kept()))


def _as_it_stands(db: Session) -> dict[str, Any]:
    site, at, kept = this_site(db), now(), _kept()
    with kept.turn:
        seq, minute = last_seq(db, site.id), f"{at:%Y-%m-%d %H:%M}"
        if (kept.seq, kept.minute) != (seq, minute):
            kept.shown, kept.seq, kept.minute = _read(db, site, at), seq, minute
        return kept.shown


def _read(db: Session, site: Site, at: datetime) -> dict[str, Any]:
    wait = waiting.announced(db, site, Stage.COUNTER, at=at)
    calls: dict[int, dict[str, Any]] = {}
    # A number that was called again stands once, where it was called last; a call taken back stands nowhere.
    for call in waiting.last_calls(db, site, at=at, limit=4 * SHOWN):
        visit = visit_of(db, call.visit_id)
        if visit.called_at is not None:
            # Two desks may have called since a screen looked last: each call brings its own words.
            heard = _heard(visit.language) if voice().speaks and at - call.at <= SPOKEN else ()
            spoken = [url_for("speaking.call_words", language=one, call=call.id) for one in heard]
            told = {"id": str(call.id), "number": visit.number, "desk": call.desk, "spoken": spoken}
            calls.setdefault(visit.number, told)
    return {
        "calls": list(calls.values())[:SHOWN],
        "range": questions.range_words(wait.low, wait.high),
        "hour": clock.hour(site.timezone, at),
    }


def _heard(language: str) -> tuple[str, ...]:
    """French first, then the language of the ticket."""
    return (FRENCH,) if language == FRENCH else (FRENCH, language)
