"""Who is at this screen: sign-in with two proofs, and the one mark that opens a view to a right."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, TypeVar, cast

from flask import Blueprint, Response, current_app, flash, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user
from werkzeug.exceptions import HTTPException

from kiosk.register import accounts, signins
from kiosk.register.errors import Invalid, NotAllowed
from kiosk.register.signins import SEEN_EVERY, Present
from kiosk.register.staff import Actor, Power, Right, check_password, hash_password, seed_address, verify_password
from kiosk.squares import squares
from kiosk.web import chance, house, now, page, reading, transaction

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])

#: Where the browser's token lies in the signed cookie.
TOKEN: Final = "signin"  # noqa: S105  # the name of its place
#: Before each field that is carried over a new sign-in.
KEPT: Final = "kept."
#: A field whose name holds one of these is never carried: it is typed again.
_SECRET: Final = ("pin", "code", "password", "otp", "totp", "passe", "phrase", "secret", "digits")
_REFUSED: Final = (
    "L'identifiant, le mot de passe et les six chiffres ne vont pas ensemble. Attendez les chiffres suivants et "
    "recommencez ; après plusieurs essais, attendez cinq minutes."
)


@dataclass(frozen=True, kw_only=True, repr=False)
class Interrupted:
    """What a person was about when the sign-in had ended: a page to see, or a form with all that was typed."""

    then: str = ""
    path: str = ""
    fields: tuple[tuple[str, str], ...] = ()


bp = Blueprint("signin", __name__)
_people = LoginManager()
_people.session_protection = None
bp.record_once(lambda state: _people.init_app(state.app))


def needs(right: Right) -> Callable[[View], View]:
    """Mark a view with the one right that opens it."""

    def mark(view: View) -> View:
        @wraps(view)
        def guarded(*args: Any, **values: Any) -> ResponseReturnValue:
            if not actor().may(right):
                raise NotAllowed
            return view(*args, **values)

        guarded.right = right  # type: ignore[attr-defined]  # read by the test that compares routes and rights
        return cast(View, guarded)

    return mark


def present() -> Present | None:
    """The person of this request with desk and sign-in, if there is one."""
    found = current_user._get_current_object()  # noqa: SLF001  # the public way to what a proxy stands for
    return found if isinstance(found, Present) else None


def actor() -> Actor:
    """The person of this request.

    Raises:
        NotAllowed: nobody has signed in.
    """
    return _here().actor


def desk() -> str:
    """The desk or room that this person has chosen at sign-in."""
    return _here().desk


@_people.request_loader  # type: ignore[untyped-decorator]
def _who(_request: object) -> Present | None:
    token = session.get(TOKEN)
    if not isinstance(token, str):
        return None
    with reading() as db:
        return signins.resume(db, token, power=_power(), at=now())


@bp.before_app_request
def _guard() -> Response | None:
    """Refuse whatever the table of routes does not open to this person; a view's own mark comes on top."""
    wanted = current_app.extensions["routes"].get(request.endpoint, "open")
    if wanted == "open":
        return None
    here = present()
    if here is None:
        return _door(_interrupted(), status=401)
    if not here.actor.may(Right(wanted)):
        raise NotAllowed
    if _by_hand() and now() - here.seen_at >= SEEN_EVERY:
        with transaction(writes="results") as db:
            signins.keep_open(db, session[TOKEN], power=_power(), at=now())
    return None


@bp.get("/entrer")
def door() -> Response:
    """The sign-in page."""
    return _door(Interrupted())


@bp.post("/entrer")
def enter() -> ResponseReturnValue:
    """Sign in: count and spend the second factor, then Argon2id outside any transaction, then open."""
    form, power, at = request.form, _power(), now()
    kept = Interrupted(then=form.get("then", ""), path=form.get("kept_path", ""), fields=_carried())
    if form.get("desk") not in _desks():
        return _door(kept, status=422, errors={"desk": "Choisissez votre poste."})
    with transaction(writes="results") as db:
        found = signins.knock(
            db, form.get("login", ""), form.get("digits", ""), device=_device(), power=power, at=at, chance=chance
        )
    proved = verify_password(found.password_hash, form.get("password", ""))
    with transaction(writes="results") as db:
        signins.sign_out(db, session.get(TOKEN, ""), power=power, at=at, chance=chance)
        token = signins.open_sign_in(db, found, proved=proved, desk=form["desk"], power=power, at=at, chance=chance)
    if token is None:
        return _door(kept, status=422, errors={"login": _REFUSED})
    session.clear()
    session[TOKEN] = token
    return _onward(kept)


@bp.post("/sortir")
def leave() -> ResponseReturnValue:
    """Sign out; the browser forgets the pages it has kept."""
    with transaction(writes="results") as db:
        signins.sign_out(db, session.get(TOKEN, ""), power=_power(), at=now(), chance=chance)
    session.clear()
    answer = redirect(url_for("signin.door"), 303)
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


@bp.get("/premiere-fois")
def first_time() -> Response:
    """Where a new colleague types the invitation code."""
    return page("staff/enrol.html", login="", code="")


@bp.post("/premiere-fois")
def invitation() -> Response:
    """Show the second-factor seed to the person who holds the invitation."""
    return _proofs()


@bp.post("/premiere-fois/preuves")
def take_over() -> ResponseReturnValue:
    """Take the account over: a password of one's own and six digits."""
    form = request.form
    login = form.get("login", "")
    shown = _proofs()
    if shown.status_code != 200:
        return shown
    try:
        check_password(form.get("password", ""), login=login)
        hashed = hash_password(form.get("password", ""), chance=chance)
        with transaction(writes="results") as db:
            accounts.take_over(
                db, login, form.get("code", ""), typed=form.get("digits", ""), password_hash=hashed,
                power=_power(), at=now(), chance=chance,
            )  # fmt: skip
    except Invalid as refusal:
        return _proofs({"digits" if isinstance(refusal, accounts.WrongStep) else "password": refusal.sentence})
    flash("Votre compte est prêt. Identifiez-vous avec les six chiffres suivants.", "ok")
    return redirect(url_for("signin.door"), 303)


def _proofs(errors: dict[str, str] | None = None) -> Response:
    login, code = request.form.get("login", ""), request.form.get("code", "")
    try:
        with transaction(writes="results") as db:
            staff, seed = accounts.show_seed(db, login, code, power=_power(), at=now(), chance=chance)
    except accounts.InvitationGone as refusal:
        return page("staff/enrol.html", status=422, login=login, code="", errors={"code": refusal.sentence})
    address = seed_address(seed, login=login, site=house().site_name)
    return page(
        "staff/enrol.html", status=422 if errors else 200, login=login, code=code, name=staff.name, seed=seed,
        squares=squares(address), errors=errors or {},
    )  # fmt: skip


def _here() -> Present:
    here = present()
    if here is None:
        raise NotAllowed
    return here


def _power() -> Power:
    return cast(Power, house().more["power"])


def _desks() -> tuple[str, ...]:
    settings = house().more["settings"]
    return (*settings.desks, *settings.rooms)


def _device() -> str:
    # A pairing will take this place; a forwarded address is never trusted.
    return request.remote_addr or ""


def _by_hand() -> bool:
    """A person did this; a live panel that asks by itself keeps nobody signed in."""
    if request.method == "POST":
        return True
    return request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate" and "HX-Request" not in request.headers


def _door(kept: Interrupted, *, status: int = 200, errors: dict[str, str] | None = None) -> Response:
    desks = [("", "Choisir…"), *((one, one) for one in _desks())]
    form = request.form if request.endpoint == "signin.enter" else {}
    return page(
        "staff/sign_in.html", status=status, errors=errors or {}, kept=kept, prefix=KEPT, desks=desks,
        login=form.get("login", ""), chosen=form.get("desk", ""),
    )  # fmt: skip


def _interrupted() -> Interrupted:
    if request.method == "POST":
        return Interrupted(path=request.path, fields=_bare(request.form.items(multi=True)))
    return Interrupted(then=request.path if _by_hand() else "")


def _carried() -> tuple[tuple[str, str], ...]:
    pairs = request.form.items(multi=True)
    return _bare((name.removeprefix(KEPT), value) for name, value in pairs if name.startswith(KEPT))


def _bare(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Leave out the old token and whatever may be a secret."""
    return tuple(
        (name, value)
        for name, value in pairs
        if name != "csrf_token" and not any(secret in name.lower() for secret in _SECRET)
    )


def _onward(kept: Interrupted) -> ResponseReturnValue:
    """Where a person goes after signing in: back to the form that was interrupted, to the page asked for, or home."""
    if (again := _own(kept.path, "POST")) is not None:
        return page("staff/again.html", path=again, fields=kept.fields)
    return redirect(_own(kept.then, "GET") or "/", 303)


def _own(path: str, method: str) -> str | None:
    """This app's own address of a path that a right opens, built anew from its route; None for any other."""
    adapter = current_app.create_url_adapter(request) if path.startswith("/") else None
    try:
        endpoint, values = adapter.match(path, method=method) if adapter else ("", {})
    except HTTPException:
        return None
    if current_app.extensions["routes"].get(endpoint, "open") == "open":
        return None
    return url_for(endpoint, **values)
