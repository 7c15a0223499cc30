"""Screens: only paired devices come in; what they may change about their pages, and what they keep of them."""

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any, Final, cast

from flask import (
    Blueprint,
    Response,
    current_app,
    g,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException

from kiosk.door import devices
from kiosk.door.languages import FRENCH, LANGUAGES, direction, say
from kiosk.door.limits import Limits
from kiosk.door.profile import Profile
from kiosk.door.voice import Voice
from kiosk.register.errors import Refusal
from kiosk.register.sites import this_site
from kiosk.settings import KioskSettings
from kiosk.web import STATIC, asset, chance, house, now, page, reading, transaction

bp = Blueprint("threshold", __name__)

#: What a device shows when it was never paired, what a programme asks, and what a patient's own telephone may open.
OPEN: Final = frozenset(
    {
        "static_file",
        "health.livez",
        "health.readyz",
        "threshold.pairing",
        "threshold.pair",
        "following.follow",
        "following.state",
    }
)
#: Pages that a screen opens first every day: its cookie is renewed there.
FIRST_PAGES: Final = frozenset({"touchscreen.home", "board.board"})
#: Where a device's token lies.
COOKIE: Final = "__Host-etiquette-device"
#: The longest that browsers keep a cookie.
KEPT: Final = timedelta(days=400)
#: What the person may change about the look of the screen; empty is as it was.
DISPLAY: Final = {"look": {"", "contrast"}, "text_size": {"", "large"}}
#: What K-11 is drawn with; letters of all six languages, since nobody can choose one while the server is away.
AWAY_FILES: Final = ("tokens.css", "letters-ar.css", "letters-tr.css", "kiosk.css", "away.js", "icons.svg")
AWAY_LETTERS: Final = (
    "atkinson-hyperlegible-5.3.0/atkinson-hyperlegible-latin-400-normal.woff2",
    "atkinson-hyperlegible-5.3.0/atkinson-hyperlegible-latin-700-normal.woff2",
    "atkinson-hyperlegible-5.3.0/atkinson-hyperlegible-latin-ext-400-normal.woff2",
    "noto-sans-arabic-5.3.0/noto-sans-arabic-arabic-400-normal.woff2",
)


def settings() -> KioskSettings:
    """What `kiosk.toml` says."""
    return cast(KioskSettings, house().more["settings"])


def voice() -> Voice:
    """The voice of this machine."""
    return cast(Voice, house().more["voice"])


def device() -> str:
    """The name of the screen that asks; every page but the open ones has one."""
    return cast(str, g.device)


def language() -> str:
    """The language of this request: the one that the person at the screen has chosen."""
    return cast(str, g.get("language") or session.get("language", FRENCH))


def told() -> Callable[..., str]:
    """Tells a French sentence in the language of this request."""
    return partial(say, language())


def profile() -> Profile | None:
    """The size of the screen that asks, where the laboratory has measured it."""
    profiles: dict[str, Profile] = house().more["profiles"]
    return profiles.get(g.get("device", ""))


def count(what: str, name: str | None = None) -> None:
    """Count one more of what this screen, or somebody, asks; a demonstration is not counted.

    Raises:
        TooOften: it asks more often than people do.
    """
    limits: Limits = house().more["limits"]
    if not house().demonstration:
        limits.take(what, name or device(), at=now())


@bp.before_app_request
def _guard() -> Response | None:
    """Let in whoever was paired; a demonstration lets in everybody, as its first kiosk."""
    if request.endpoint in OPEN:
        return None
    if house().demonstration:
        g.device = settings().kiosk
        return None
    token = request.cookies.get(COOKIE, "")
    found = None
    if token:
        with reading() as db:
            found = devices.device_of(db, token)
    if found is None:
        return page("touchscreen/unpaired.html", status=403)
    g.device = found.name
    if found.seen_at is None or now() - found.seen_at >= devices.SEEN_EVERY:
        # A trace for the staff alone: where it cannot be written the person is served all the same.
        with suppress(Refusal, OperationalError), transaction() as db:
            devices.saw(db, found.id, at=now())
    if request.endpoint in FIRST_PAGES and request.method == "GET":
        g.renewed = token
    return None


@bp.after_app_request
def _renew(answer: Response) -> Response:
    if token := g.pop("renewed", ""):
        _keep(answer, token)
    return answer


@bp.app_context_processor
def _around() -> dict[str, Any]:
    """What every page of the door needs to know."""
    return {
        **{name: session.get(name, "") for name in DISPLAY},
        "_": told(),
        "lang": language(),
        "dir": direction(language()),
        "languages": LANGUAGES,
        "paired": "device" in g,
        "speaks": voice().speaks,
        "profile": profile(),
        "here": request.full_path.rstrip("?") if request.method == "GET" else "",
    }


@bp.get("/pair")
def pairing() -> Response:
    """Where the code of a new screen is typed."""
    return page("touchscreen/pair.html")


@bp.post("/pair")
def pair() -> ResponseReturnValue:
    """Let this screen in, once."""
    count("pairing", "whoever tries")
    with reading() as db:
        site_id = this_site(db).id
    try:
        with transaction() as db:
            token = devices.take_over(db, site_id, request.form.get("code", "")[:40], at=now(), chance=chance)
            found = devices.device_of(db, token)
    except devices.CodeGone as gone:
        return page("touchscreen/pair.html", status=422, problem=told()(gone.french))
    is_board = found is not None and found.kind is devices.Kind.BOARD
    answer = redirect(url_for("board.board" if is_board else "touchscreen.home"), 303)
    _keep(answer, token)
    return answer


@bp.get("/language")
def tongues() -> Response:
    """Every language, from any page."""
    return page("touchscreen/language.html", back=_own(request.args.get("back", "")))


@bp.post("/language")
def speak() -> ResponseReturnValue:
    """Go on in another language, on the page where the person was."""
    if request.form.get("language") in LANGUAGES:
        session["language"] = request.form["language"]
    return redirect(_own(request.form.get("here", "")), 303)


@bp.post("/display")
def display() -> ResponseReturnValue:
    """Larger text or contrast, until the person leaves."""
    for setting, values in DISPLAY.items():
        if request.form.get(setting) in values:
            session[setting] = request.form[setting]
    return redirect(_own(request.form.get("here", "")), 303)


@bp.post("/leave")
def leave() -> ResponseReturnValue:
    """The next person finds the screen as it always is."""
    session.clear()
    return redirect(url_for("touchscreen.home"), 303)


@bp.get("/profile.css")
def lengths() -> Response:
    """The millimetres of the screen that asks."""
    measured = profile()
    answer = make_response(measured.css if measured else "")
    answer.mimetype = "text/css"
    return answer


@bp.get("/away")
def away() -> Response:
    """K-11 of a kiosk that is started while nobody answers: the same for everybody, so that it may be kept."""
    return make_response(_away())


@bp.get("/worker.js")
def worker() -> Response:
    """What a kiosk keeps and for how long: its name is made of all that is kept, so that a release replaces it."""
    script = (STATIC / "public" / "worker.js").read_text(encoding="utf-8")
    measured = profile()
    files = [*_away_files(), *(f"/static/public/vendor/{one}" for one in AWAY_LETTERS)]
    made_of = json.dumps([script, _away(), measured.css if measured else "", *files])
    kept = {
        "release": f"away-{hashlib.sha256(made_of.encode()).hexdigest()[:12]}",
        "page": url_for(".away"),
        "files": [url_for(".away"), *files],
        "others": [url_for("board.board"), url_for("following.follow", token="")],
    }
    answer = make_response(f"const KEPT = {json.dumps(kept)};\n{script}")
    answer.mimetype = "text/javascript"
    return answer


def _away() -> str:
    return render_template("touchscreen/away.html", files=_away_files(), say=say, direction=direction)


def _away_files() -> list[str]:
    """The addresses that K-11 names; its lengths have one of their own, which no other page asks for."""
    return [*(asset(f"public/{one}") for one in AWAY_FILES), url_for(".lengths", kept=1)]


def _own(path: str) -> str:
    """This app's own page under a path, else the first one: nobody is sent anywhere else."""
    bare = path.partition("?")[0]
    adapter = current_app.create_url_adapter(request) if path.startswith("/") and "//" not in path else None
    try:
        endpoint = adapter.match(bare, method="GET")[0] if adapter else ""
    except HTTPException:
        endpoint = ""
    pages = ("touchscreen.", "answering.")
    return path if str(endpoint).startswith(pages) else url_for("touchscreen.home")


def _keep(answer: ResponseReturnValue, token: str) -> None:
    cast(Response, answer).set_cookie(
        COOKIE, token, max_age=KEPT, secure=True, httponly=True, samesite="Strict", path="/"
    )
