"""What a proof has interrupted goes on afterwards: a page to see, or a form with all that was typed."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from flask import current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from kiosk.register.staff import Actor, Right
from kiosk.web import page

#: Before each field that is carried over a new proof.
KEPT: Final = "kept."
#: A field whose name holds one of these is never carried: it is typed again.
_SECRET: Final = ("pin", "code", "password", "otp", "totp", "passe", "phrase", "secret", "digits")


@dataclass(frozen=True, kw_only=True, repr=False)
class Interrupted:
    """What a person was about: a page to see, or a form with all that was typed."""

    then: str = ""
    path: str = ""
    fields: tuple[tuple[str, str], ...] = ()


def interrupted(*, by_hand: bool) -> Interrupted:
    """What this request was about.

    Args:
        by_hand: whether a person asked; a panel that asks by itself is not gone back to.
    """
    if request.method == "POST":
        return Interrupted(path=request.path, fields=_bare(request.form.items(multi=True)))
    return Interrupted(then=request.path if by_hand else "")


def carried() -> Interrupted:
    """What the form of a proof has carried along."""
    form = request.form
    fields = ((name.removeprefix(KEPT), value) for name, value in form.items(multi=True) if name.startswith(KEPT))
    return Interrupted(then=form.get("then", ""), path=form.get("kept_path", ""), fields=_bare(fields))


def onward(kept: Interrupted, who: Actor | None) -> ResponseReturnValue:
    """Where a person goes after a proof: back to the form that was interrupted, to the page asked for, or home.

    Args:
        who: the person now; what their roles do not open is not gone back to.
    """
    if (again := _own(kept.path, "POST", who)) is not None:
        return page("staff/again.html", path=again, fields=kept.fields)
    then = _own(kept.then, "GET", who)
    if then is not None and "over" in request.form:
        # The page is still there, behind: only who is at it has changed.
        return page("staff/returned.html", then=then)
    return redirect(then or "/", 303)


def _bare(pairs: Iterable[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    """Leave out the old token and whatever may be a secret."""
    return tuple(
        (name, value)
        for name, value in pairs
        if name != "csrf_token" and not any(secret in name.lower() for secret in _SECRET)
    )


def _own(path: str, method: str, who: Actor | None) -> str | None:
    """This app's own address of a path that a right opens to this person, built anew from its route, or None."""
    adapter = current_app.create_url_adapter(request) if path.startswith("/") else None
    try:
        endpoint, values = adapter.match(path, method=method) if adapter else ("", {})
    except HTTPException:
        return None
    wanted = current_app.extensions["routes"].get(endpoint, "open")
    if wanted == "open" or (who is not None and not who.may(Right(wanted))):
        return None
    return url_for(endpoint, **values)
