"""Who is at this screen: sign-in with two proofs, and the marks that open a view to a right and a fresh proof."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeVar, cast

from flask import Blueprint, Response, current_app, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import LoginManager, current_user
from sqlalchemy.orm import Session

from kiosk.presence import signins
from kiosk.presence.behind import resume
from kiosk.presence.duty import begin_duty, end_duty, on_duty
from kiosk.presence.pcs import Pc, pc_of
from kiosk.presence.pins import has_pin
from kiosk.presence.signins import SEEN_EVERY, Present
from kiosk.register import clock
from kiosk.register.errors import NotAllowed
from kiosk.register.sites import this_site
from kiosk.register.staff import Actor, Power, Right, verify_password
from kiosk.resuming import KEPT, Interrupted, carried, interrupted, onward
from kiosk.web import chance, house, now, page, reading, transaction

View = TypeVar("View", bound=Callable[..., ResponseReturnValue])

#: Where the browser's token lies in the signed cookie.
TOKEN: Final = "signin"  # noqa: S105  # the name of its place
#: The cookie of a paired PC; it outlives every sign-in.
PAIRING: Final = "__Host-etiquette-desk"
_REFUSED: Final = (
    "L'identifiant, le mot de passe et les six chiffres ne vont pas ensemble. Attendez les chiffres suivants et "
    "recommencez ; après plusieurs essais, attendez cinq minutes."
)

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


def fresh(view: View) -> View:
    """Mark a view of the phone desk: whoever has given no proof for ten minutes gives one first."""
    return _asks(view, "is_fresh", for_power=False)


def raised(view: View) -> View:
    """Mark a view that gives power: it asks a second factor of its own, good for ten minutes."""
    return _asks(view, "is_raised", for_power=True)


def _asks(view: View, question: str, *, for_power: bool) -> View:
    @wraps(view)
    def guarded(*args: Any, **values: Any) -> ResponseReturnValue:
        here = _here()
        if not getattr(here, question)(now()):
            status = 200 if request.method == "GET" else 401
            return ask_proof(interrupted(by_hand=True), for_power=for_power, status=status)
        return view(*args, **values)

    guarded.asks = question  # type: ignore[attr-defined]  # read by the test that lists what asks a proof
    return cast(View, guarded)


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
        here = _pc_of_request(db)
        return resume(db, token, pc=None if here is None else here.id, power=power(), at=now())


def this_pc() -> Pc | None:
    """The paired PC that asks, if it is one."""
    if "pc" not in g:
        with reading() as db:
            _pc_of_request(db)
    return cast(Pc | None, g.pc)


def _pc_of_request(db: Session) -> Pc | None:
    if "pc" not in g:
        token = request.cookies.get(PAIRING, "")
        g.pc = pc_of(db, token, power()) if token else None
    return cast(Pc | None, g.pc)


@bp.before_app_request
def _guard() -> Response | None:
    """Refuse whatever the table of routes does not open to this person; a view's own mark comes on top."""
    wanted = current_app.extensions["routes"].get(request.endpoint, "open")
    if wanted == "open":
        return None
    here = present()
    if here is None:
        return show_door(interrupted(by_hand=_by_hand()), status=401)
    if not here.actor.may(Right(wanted)):
        raise NotAllowed
    if _by_hand() and now() - here.seen_at >= SEEN_EVERY:
        with transaction(writes="results") as db:
            signins.keep_open(db, session[TOKEN], power=power(), at=now())
    return None


@bp.get("/entrer")
def door() -> Response:
    """The sign-in page."""
    return show_door(Interrupted())


@bp.post("/entrer")
def enter() -> ResponseReturnValue:
    """Sign in: count and spend the second factor, then Argon2id outside any transaction, then open."""
    form, at, here = request.form, now(), this_pc()
    kept = carried()
    where = form.get("desk", "") if here is None else here.desk
    if where not in desks():
        return show_door(kept, status=422, errors={"desk": "Choisissez votre poste."}, is_full=True)
    with transaction(writes="results") as db:
        found = signins.knock(
            db, form.get("login", ""), form.get("digits", ""), device=device(), power=power(), at=at, chance=chance
        )
    proved = verify_password(found.password_hash, form.get("password", ""))
    lacks_pin = False
    with transaction(writes="results") as db:
        signins.sign_out(db, session.get(TOKEN, ""), power=power(), at=at, chance=chance)
        token = signins.open_sign_in(
            db, found, proved=proved, desk=where, pc=None if here is None else here.id, power=power(), at=at,
            chance=chance,
        )  # fmt: skip
        if token is not None and found.staff_id is not None and here is not None:
            until = clock.end_of_day(this_site(db).timezone, at)
            begin_duty(db, found.staff_id, here.id, until=until, power=power(), at=at, chance=chance)
            lacks_pin = not has_pin(db, found.staff_id, power())
    if token is None:
        return show_door(kept, status=422, errors={"login": _REFUSED}, is_full=True)
    if lacks_pin and not kept.path and "over" not in form:
        keep_token(token)
        return redirect(url_for("returning.mine"), 303)
    return entered(token, kept)


@bp.post("/sortir")
def leave() -> ResponseReturnValue:
    """Sign out for the day: the browser forgets the pages it has kept, and the desk PIN is worth nothing here."""
    token, here = session.get(TOKEN, ""), this_pc()
    with transaction(writes="results") as db:
        who = signins.last_person(db, token, power=power())
        if who is not None and here is not None:
            end_duty(db, who, here.id, power=power(), at=now())
        signins.sign_out(db, token, power=power(), at=now(), chance=chance)
    session.clear()
    answer = redirect(url_for("signin.door"), 303)
    answer.headers["Clear-Site-Data"] = '"cache", "storage"'
    return answer


def _here() -> Present:
    here = present()
    if here is None:
        raise NotAllowed
    return here


def power() -> Power:
    """The keys of what gives power, lent to the rules."""
    return cast(Power, house().more["power"])


def desks() -> tuple[str, ...]:
    """Every desk and room of the laboratory."""
    settings = house().more["settings"]
    return (*settings.desks, *settings.rooms)


def device() -> str:
    """Which machine asks: its pairing, else its address; a forwarded address is never trusted."""
    here = this_pc()
    return (request.remote_addr or "") if here is None else f"pc {here.id}"


def keep_token(token: str) -> None:
    """Begin a browser's session anew with the token of a sign-in: nothing of the one before is left."""
    session.clear()
    session[TOKEN] = token


def entered(token: str, kept: Interrupted) -> ResponseReturnValue:
    """Let a person in whose proofs were right, and on to what was interrupted."""
    keep_token(token)
    here = present()
    return onward(kept, None if here is None else here.actor)


def show_door(
    kept: Interrupted, *, status: int = 200, errors: dict[str, str] | None = None, is_full: bool = False
) -> Response:
    """The page where a person says who they are: by desk PIN where that is worth something, else by both proofs.

    Args:
        is_full: both proofs were tried; the page opens on them.
    """
    here, form = this_pc(), request.form if request.endpoint == "signin.enter" else {}
    people, last = [], None
    if here is not None:
        with reading() as db:
            people = on_duty(db, here.id, power=power(), at=now())
            last = signins.last_person(db, session.get(TOKEN, ""), power=power())
    chosen = next((one.id for one in people if one.id == last), people[0].id if people else None)
    return page(
        "staff/sign_in.html", status=status, errors=errors or {}, kept=kept, prefix=KEPT, pc=here, people=people,
        chosen=chosen, is_full=is_full, desks=[("", "Choisir…"), *((one, one) for one in desks())],
        login=form.get("login", ""), chosen_desk=form.get("desk", ""),
    )  # fmt: skip


def ask_proof(
    kept: Interrupted, *, for_power: bool, status: int = 200, errors: dict[str, str] | None = None
) -> Response:
    """The page where the person who is here gives one more proof: the desk PIN, or six digits."""
    here, pc = _here(), this_pc()
    by_pin = False
    if pc is not None and not for_power:
        with reading() as db:
            by_pin = any(one.id == here.actor.id for one in on_duty(db, pc.id, power=power(), at=now()))
    return page(
        "staff/prove.html", status=status, errors=errors or {}, kept=kept, prefix=KEPT, for_power=for_power,
        by_pin=by_pin,
    )  # fmt: skip


def _by_hand() -> bool:
    """A person did this; a live panel that asks by itself keeps nobody signed in."""
    if request.method == "POST":
        return True
    return request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate" and "HX-Request" not in request.headers
