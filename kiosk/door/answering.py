"""Screens: two questions after the number, one a page, and the page that reads the answers again."""

from typing import Any

from flask import Blueprint, request, url_for
from flask.typing import ResponseReturnValue

from kiosk.door.answers import ASKED, QUESTIONS, NoSuchAnswer, keep_answer
from kiosk.door.touchscreen import visit_made_by
from kiosk.register.visits import Visit
from kiosk.web import form_key, now, page, reading, transaction

bp = Blueprint("answering", __name__)


@bp.get("/number/<key>/questions")
def ask(key: str) -> ResponseReturnValue:
    """K-6: the first question; the number is given already and stands above it."""
    with reading() as db:
        visit = visit_made_by(db, key)
    return _page(visit, key, _asked(request.args.get("asked", ""), visit), {}, request.args.get("hour", ""))


@bp.post("/number/<key>/questions")
def answer(key: str) -> ResponseReturnValue:
    """Keep one answer and ask the next question; what was answered travels in the page, nothing is read back."""
    form = request.form
    with reading() as db:
        visit = visit_made_by(db, key)
    asked = _asked(form.get("asked", ""), visit)
    known = {one: form[one] for one in asked if form.get(one) in QUESTIONS[one].answers}
    if (again := form.get("change", "")) in asked:
        known.pop(again, None)
        return _page(visit, key, asked, known, form.get("hour", ""))
    question = form.get("question", "")
    if question not in asked:
        raise NoSuchAnswer
    with transaction() as db:
        keep_answer(db, visit.id, question, form.get("answer", ""), at=now(), key=form_key())
    return _page(visit, key, asked, known | {question: form["answer"]}, form.get("hour", ""))


def _asked(told: str, visit: Visit) -> tuple[str, ...]:
    """The questions of this visit that the page goes through."""
    wanted = told.split(",")
    return tuple(one for one in ASKED[visit.purpose] if one in wanted) or ASKED[visit.purpose]


def _page(visit: Visit, key: str, asked: tuple[str, ...], known: dict[str, str], hour: str) -> ResponseReturnValue:
    """The first question without an answer, else K-7 with all of them."""
    told: dict[str, Any] = {
        "number": visit.number, "key": key, "asked": asked, "known": known, "hour": hour, "QUESTIONS": QUESTIONS,
        "here": url_for(".ask", key=key, asked=",".join(asked), hour=hour or None),
    }  # fmt: skip
    for place, one in enumerate(asked, 1):
        if one not in known:
            return page("touchscreen/question.html", name=one, question=QUESTIONS[one], place=place, **told)
    return page("touchscreen/check.html", **told)
