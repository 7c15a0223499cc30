"""What every app of the house has: one transaction a request, tokens, headers, refusals in words."""

import hashlib
import logging
import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from http.client import OK
from pathlib import Path
from typing import Any, cast

from flask import Flask, Response, current_app, g, make_response, render_template, request, send_from_directory
from flask_wtf.csrf import CSRFError, CSRFProtect, generate_csrf
from jinja2 import BaseLoader, StrictUndefined
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException
from werkzeug.exceptions import NotFound as NoSuchPage

from kiosk.register import clock
from kiosk.register.database import Database, Side
from kiosk.register.errors import Conflict, Invalid, Later, NotAllowed, NotFound, Refusal
from printers.paper import Form
from printers.spool import Spool

STATIC = Path(__file__).parent / "static"

#: The only place where a refusal gets an HTTP number.
STATUS = {NotFound: 404, Conflict: 409, NotAllowed: 403, Invalid: 422, Later: 503}

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
        "media-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), hid=()",
    "Strict-Transport-Security": "max-age=31536000",
}

#: A line of a style or script that is a comment alone: it is for whoever reads our files, no screen waits for it.
COMMENT = re.compile(rb"^[ \t]*(?://.*|/\*.*\*/)\n", re.MULTILINE)

log = logging.getLogger("etiquette")


@dataclass(frozen=True, kw_only=True)
class House:
    """What an app holds: its database, its spool, and the two things that only edges ask the machine."""

    database: Database
    spool: Spool
    site_name: str
    demonstration: bool
    #: What is printed (`labels`, `tickets`, `slips`) -> the medium of its printer.
    forms: Mapping[str, Form] = field(default_factory=dict)
    now: Callable[[], datetime] = clock.now
    chance: Callable[[int], bytes] = clock.chance
    more: Mapping[str, Any] = field(default_factory=dict)


def house() -> House:
    """The house of the app that answers this request."""
    return cast(House, current_app.extensions["house"])


def transaction(writes: Side = "register") -> AbstractContextManager[Session]:
    """One transaction that writes one side; committed at the end of the block."""
    return house().database.transaction(writes)


def reading() -> AbstractContextManager[Session]:
    """A session that can only ask."""
    return house().database.reading()


def now() -> datetime:
    """The hour of this request, asked once."""
    if "at" not in g:
        g.at = house().now()
    return cast(datetime, g.at)


def chance(size: int) -> bytes:
    """Unguessable bytes."""
    return house().chance(size)


def form_key() -> str:
    """The idempotency key that the form brought; a new one where a page is rendered."""
    key = request.form.get("form_key", "")
    if len(key) == 32 and all(digit in "0123456789abcdef" for digit in key):
        return key
    return chance(16).hex()


def make_app(
    name: str,
    home: House,
    *,
    secret: bytes,
    cookie: str,
    loader: BaseLoader,
    static: frozenset[str],
    routes: Mapping[str, str],
) -> Flask:
    """Make an app of the house.

    Args:
        name: import name of the roof.
        home: what the app holds.
        secret: key of its cookie.
        cookie: the cookie's name, `__Host-` in front.
        loader: the only templates that it can find.
        static: the folders of `kiosk/static` that it serves.
        routes: endpoint -> `open` or the value of a Right; an endpoint that is not named is refused.
    """
    app = Flask(name, static_folder=None)
    app.jinja_loader = loader
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.extensions["house"] = home
    app.config.update(
        SECRET_KEY=secret,
        SESSION_COOKIE_NAME=cookie,
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Strict",
        SESSION_COOKIE_PATH="/",
        WTF_CSRF_TIME_LIMIT=None,
        WTF_CSRF_SSL_STRICT=False,
        MAX_CONTENT_LENGTH=1_000_000,
        PERMANENT_SESSION_LIFETIME=timedelta(hours=10),
    )
    app.extensions["routes"] = routes
    app.before_request(_refuse_unknown_routes)
    app.before_request(_answer_follower)
    CSRFProtect(app)
    app.after_request(_add_headers)
    # Globals and no context: what a template imports without one is made once.
    app.jinja_env.globals.update(
        {
            "asset": asset,
            "form_key": lambda: chance(16).hex(),
            "csrf_token": generate_csrf,
            "_": _as_it_is,
            "site_name": home.site_name,
            "demonstration": home.demonstration,
        }
    )
    app.register_error_handler(Refusal, _say_refusal)
    app.register_error_handler(OperationalError, _say_busy)
    app.register_error_handler(IntegrityError, _answer_again)
    app.register_error_handler(CSRFError, _say_old_page)
    app.register_error_handler(Exception, _say_incident)

    @app.get("/static/<folder>/<path:file>")
    def static_file(folder: str, file: str) -> Response:
        if folder not in static:
            raise NoSuchPage
        answer = send_from_directory(STATIC / folder, file, max_age=31536000)
        is_ours = answer.mimetype in {"text/css", "text/javascript"} and not file.startswith("vendor/")
        if is_ours and answer.status_code == OK:
            answer.direct_passthrough = False
            answer.data = COMMENT.sub(b"", answer.data)
        answer.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        return answer

    return app


@cache
def asset(file: str) -> str:
    """The address of a static file, with its hash, so that it may be kept for ever."""
    digest = hashlib.sha256((STATIC / file).read_bytes()).hexdigest()[:12]
    return f"/static/{file}?v={digest}"


def page(template: str, *, status: int = 200, **values: Any) -> Response:
    """Render a template as an answer."""
    return make_response(render_template(template, **values), status)


def _as_it_is(words: str, /, **values: Any) -> str:
    """French is the language that screens are written in; the door's own tables replace this there."""
    return words % values if values else words


def _refuse_unknown_routes() -> None:
    if request.endpoint is not None and request.endpoint not in current_app.extensions["routes"]:
        raise NotAllowed


def _answer_follower() -> Response | None:
    """A script that follows a redirect then opens the page itself; rendered twice, its message would be lost."""
    if request.method == "GET" and "X-Follows" in request.headers:
        return make_response("", 200)
    return None


def _add_headers(answer: Response) -> Response:
    for header, value in HEADERS.items():
        answer.headers.setdefault(header, value)
    answer.headers.setdefault("Cache-Control", "no-store")
    return answer


def _status_of(refusal: Refusal) -> int:
    return next(number for kind, number in STATUS.items() if isinstance(refusal, kind))


def _say_refusal(refusal: Refusal) -> Response:
    answer = _say(refusal.sentence, _status_of(refusal))
    if isinstance(refusal, Later):
        answer.headers["Retry-After"] = "1"
    return answer


def _say_busy(error: OperationalError) -> Response:
    log.error("database unavailable: %s", type(error.orig).__name__)
    return _say_refusal(Later())


def _answer_again(error: IntegrityError) -> Response:
    """Answer a form that was sent twice at the same instant: the loser was rolled back, and finds the winner's row."""
    if "answered_again" in g:
        return _say_incident(error)
    g.answered_again = True
    try:
        return current_app.make_response(current_app.dispatch_request())
    except Exception as again:  # noqa: BLE001  # whatever it is, the same map answers it
        return current_app.make_response(current_app.handle_user_exception(again))


def _say_old_page(_: CSRFError) -> Response:
    return _say("Cette page est restée ouverte trop longtemps. Revenez en arrière et recommencez.", 400)


def _say_incident(error: Exception) -> Response:
    if isinstance(error, HTTPException):
        words = {404: NotFound.french, 405: NotFound.french, 413: "C'est trop long. Raccourcissez ce qui est tapé."}
        code = error.code or 500
        return _say(words.get(code, Refusal.french), code)
    # The kind and the place, never the message: it may hold a name or a value.
    incident = chance(4).hex()
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    place = f"{Path(frame.tb_frame.f_code.co_filename).name}:{frame.tb_lineno}" if frame else "?"
    log.error("incident %s: %s at %s", incident, type(error).__name__, place)
    return _say(
        "Quelque chose s'est mal passé. Rien n'est perdu. Donnez ce numéro : %(incident)s.", 500, incident=incident
    )


def _say(french: str, status: int, **values: str) -> Response:
    sentence = _as_it_is(french, **values)
    if request.accept_mimetypes.best == "application/json":
        return make_response({"sentence": sentence}, status)
    if request.accept_mimetypes.best == "text/event-stream":
        return make_response("", status)  # a script asks again; nobody reads a page
    template = current_app.config["REFUSAL_TEMPLATE"]
    return page(template, status=status, sentence=sentence, french=french, values=values, code=status)
