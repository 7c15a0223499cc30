"""Screens: the line on a patient's own telephone, a number and a place, opened by the square code of the ticket."""

import base64
import binascii
import hmac
from typing import Any, Final

from flask import Blueprint, Response, g, jsonify, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from kiosk import places, questions
from kiosk.door.languages import say
from kiosk.door.shown import key_of
from kiosk.door.threshold import count, settings, told
from kiosk.line.estimate import Range
from kiosk.register import clock
from kiosk.register.sites import Site, this_site
from kiosk.register.visits import NoVisit, State, Visit
from kiosk.ticket import PROOF, follow_token
from kiosk.waiting import announced
from kiosk.web import now, page, reading

bp = Blueprint("following", __name__)

#: What a telephone is told of each state; the others are over.
_STATES: Final = {
    State.ARRIVED: "waiting",
    State.RETURNED: "waiting",
    State.WAITING: "waiting",
    State.CALLED: "called",
    State.IN_ROOM: "called",
    State.REGISTERED: "at_counter",
    State.NO_SHOW: "missed",
    State.PARKED: "aside",
}


@bp.get("/f/<token>")
def follow(token: str) -> ResponseReturnValue:
    """The page; its script asks again, and a touch does without one."""
    shown = _as_it_stands(token)
    return page("touchscreen/follow.html", now=shown, state_url=url_for(".state", token=token))


@bp.get("/f/<token>/state")
def state(token: str) -> ResponseReturnValue:
    """The same as data."""
    answer: Response = jsonify(_as_it_stands(token))
    answer.headers["Cache-Control"] = "no-cache"
    answer.add_etag()
    return answer.make_conditional(request)


def _as_it_stands(token: str) -> dict[str, Any]:
    count("following", request.remote_addr or "?")
    if not settings().follow_url:
        raise NoVisit
    with reading() as db:
        site = this_site(db)
        visit = _visit(db, site, token)
        g.language = visit.language
        standing = _STATES.get(visit.state, "over")
        ahead, wait = None, ""
        if standing == "waiting":
            line = places.line(db, site, visit.stage, at=now())
            ahead = next((place for place, one in enumerate(line) if one.visit.id == visit.id), None)
            wait = _still(announced(db, site, visit.stage, at=now()), ahead or 0, len(line))
    return {
        "number": visit.number,
        "state": standing,
        "ahead": ahead,
        "range": wait,
        "desk": visit.desk if standing == "called" else None,
        "words": say(visit.language, WORDS[standing]),
    }


def _still(now_told: Range, ahead: int, everyone: int) -> str:
    """What the line tells whoever would come now behind everyone, for the part of it that stands before this person."""
    part = ahead / max(1, everyone)
    low = int(now_told.low * part) // 5 * 5
    high = -int(-now_told.high * part // 5) * 5
    return questions.range_words(low, max(low + 5, high), told())


#: One sentence for each state.
WORDS: Final = {
    "waiting": "Vous êtes dans la file.",
    "called": "On vous appelle. Venez maintenant.",
    "at_counter": "Vous êtes au guichet.",
    "missed": "Nous vous avons appelé. Allez au guichet.",
    "aside": "Votre numéro est mis de côté. Revenez au guichet quand vous êtes prêt.",
    "over": "Votre passage est terminé.",
}


def _visit(db: Session, site: Site, token: str) -> Visit:
    """The visit of a token, today; whatever is wrong with it is answered the same."""
    try:
        raw = base64.b32decode(token.upper() + "=" * (-len(token) % 8)) if len(token) == 26 else b""
    except (binascii.Error, ValueError):
        raw = b""
    today = clock.day(site.timezone, now())
    number = int.from_bytes(raw[2:4], "big")
    visit = db.scalars(
        select(Visit).where(Visit.site_id == site.id, Visit.day == today, Visit.number == number)
    ).first()
    if len(raw) != 4 + PROOF or visit is None:
        raise NoVisit
    if not hmac.compare_digest(token.upper(), follow_token(today, number, key_of(db, visit))):
        raise NoVisit
    return visit
