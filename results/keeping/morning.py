"""The morning's look: the last evening's note before the scanner, and a biologist's way out of a stop."""

from datetime import datetime
from typing import Final

from flask import Blueprint, flash, g, redirect, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy.orm import Session

from kiosk.presence.roles import everyone
from kiosk.register import clock
from kiosk.register.journal import Act
from kiosk.register.sites import Site, this_site
from kiosk.register.staff import Right
from kiosk.register.traces import newest_entry
from kiosk.signin import actor, needs, power, raised
from kiosk.web import chance, form_key, house, now, page, reading, transaction
from printers.errors import PrinterError
from results.keeping.comparing import (
    ReadItAgain,
    compare,
    enter_comparison,
    lacks_comparison,
    last_comparisons,
)
from results.keeping.evening import key_of_evening, last_evening
from results.keeping.notes import SIDES, NotOurNote, Seen, read_seen
from results.stopping.stops import (
    SayWhy,
    clear_stops,
    is_stopped,
    keep_stop,
    reason_of,
    stops_so_far,
)
from results.vault.keys import KeyRing, journal_verifiers

bp = Blueprint("morning", __name__)

#: The screens that tell, hand over, send or sign: they say why nothing leaves.
CONCERNED: Final = frozenset({
    "phone", "physician", "hearing", "handover", "coding", "papers", "posting", "agreeing", "mandating", "signoff",
    "amended", "morning",
})  # fmt: skip
#: How many stops the page remembers.
_SHOWN: Final = 10


@bp.get("/note-du-matin")
@needs(Right.REGISTER)
def look() -> ResponseReturnValue:
    """Whether the last note was compared, and whether releases are stopped."""
    return _page()


@bp.post("/note-du-matin")
@needs(Right.REGISTER)
def take_note() -> ResponseReturnValue:
    """Compare one note with its journal; one that does not agree stops every release at once."""
    keys, here = _keys(), actor()
    try:
        seen = _seen(keys)
        with reading() as db:
            found = compare(db, seen, is_sure="line" not in request.form or "again" in request.form)
    except ReadItAgain as refusal:
        return _page({"line": refusal.sentence}, reread=True)
    except NotOurNote as refusal:
        return _page({"line" if "line" in request.form else "scanned": refusal.sentence})
    with transaction("results") as db:
        row = enter_comparison(
            db, keys, this_site(db), found, by=here.id, power=power(), at=now(), chance=chance, key=form_key()
        )
        side, stop, is_last = SIDES[found.side], row.stop, row.is_last
    if stop is not None:
        keep_stop(keys, stop)
        flash(f"Journal ({side}) : ce n'est pas ce que dit la note. Les remises sont arrêtées.", "error")
    elif is_last:
        flash(f"Journal ({side}) : conforme à la note.", "ok")
    else:
        flash(f"Journal ({side}) : conforme, mais cette note n'est pas la dernière. Prenez celle d'hier soir.", "warn")
    return redirect(url_for("morning.look"), 303)


@bp.post("/note-du-matin/reprise")
@needs(Right.SIGN)
@raised
def go_on() -> ResponseReturnValue:
    """A biologist lets releases go on, with six digits and a written reason."""
    try:
        with transaction("results") as db:
            clear_stops(
                db, _keys(), this_site(db).id, request.form.get("reason", ""), by=actor().id, power=power(), at=now(),
                chance=chance,
            )  # fmt: skip
    except SayWhy as refusal:
        return _page({"reason": refusal.sentence})
    flash("Les remises reprennent. Le journal l'a inscrit.", "warn")
    return redirect(url_for("morning.look"), 303)


def waiting_words(db: Session, site: Site) -> str:
    """What the menu says while last evening's note still lies in its folder."""
    try:
        job = house().spool.job(key_of_evening(site, last_evening(site, now())))
    except PrinterError:
        return ""  # the print room says that its papers cannot be read
    return "note à comparer" if job is not None and lacks_comparison(db, site.id, since=job.created) else ""


def stopped_words(db: Session) -> str:
    """What the menu says beside the ways that are closed."""
    return "remises arrêtées" if _stopped(db) else ""


def concerns_this_screen() -> bool:
    """Whether this page must say that releases are stopped."""
    if request.blueprint not in CONCERNED:
        return False
    with reading() as db:
        return _stopped(db)


def _stopped(db: Session) -> bool:
    """Whether releases are stopped, asked once a request."""
    if "stopped" not in g:
        g.stopped = is_stopped(db, _keys(), power())
    return bool(g.stopped)


def _seen(keys: KeyRing) -> Seen:
    """The one note of this form: scanned, or its line of letters typed under the name of its journal.

    Raises:
        NotOurNote: it cannot be read.
    """
    form, verifiers = request.form, journal_verifiers(keys.folder)
    with reading() as db:
        site = this_site(db)
    if "line" not in form:
        return read_seen([form.get("scanned", "")], site, verifiers)
    line = [form["line"]]
    if form.get("side") == "register":
        return read_seen([], site, verifiers, tickets=line)
    return read_seen([], site, verifiers, slips=line)


def _page(errors: dict[str, str] | None = None, *, reread: bool = False) -> ResponseReturnValue:
    with reading() as db:
        site = this_site(db)
        names = {staff.id: staff.name for staff, _ in everyone(db, power())}
        stops = stops_so_far(db, most=_SHOWN) if actor().may(Right.SIGN) else []
        last, compared = last_evening(site, now()), last_comparisons(db, site.id)
        return page(
            "results/morning.html", status=422 if errors else 200, errors=errors or {}, reread=reread, sides=SIDES,
            names=names, compared=compared, told=request.form, is_stopped=_stopped(db), evening=last,
            noted={side: newest_entry(db, side, Act.JOURNAL_NOTED) for side in SIDES},
            stops=[(row, reason_of(row, power())) for row in stops], may_sign=actor().may(Right.SIGN),
            when=lambda at: _when(site.timezone, at),
        )  # fmt: skip


def _when(timezone: str, at: datetime) -> str:
    return f"{clock.local(timezone, at):%d/%m/%Y}, {clock.hour(timezone, at)}"


def _keys() -> KeyRing:
    keys: KeyRing = house().more["keys"]
    return keys
