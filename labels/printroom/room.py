"""The print room on the screen: printers, papers that wait, and the question that no machine can answer."""

from datetime import datetime
from functools import partial
from typing import Any, Final

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound as NoSuchPage

from kiosk.live import stream_changes
from kiosk.register.clock import local
from kiosk.register.sites import this_site
from kiosk.register.staff import Right
from kiosk.register.visits import visit_of
from kiosk.signin import actor, needs
from kiosk.web import house, now, page, reading
from labels.desk import REASONS, WORDS
from labels.printing import lately_ordered
from labels.printroom.papers import is_what_left, job_named, look_round, paper_of, place_of, row_of
from labels.printroom.watching import Glance
from printers.errors import PrinterError
from printers.paper import Paper
from printers.preview import png
from printers.rows import Job, PrinterState

bp = Blueprint("room", __name__)

#: Rows of one printer that the screen shows; the rest is a number.
SHOWN: Final = 12
#: Cards that the screen shows at once; the next ones come as these are answered.
ASKED: Final = 6


@bp.get("/imprimantes")
@needs(Right.PRINT_LABELS)
def printers() -> ResponseReturnValue:
    """The print room, and the one paper that is looked at."""
    with reading() as db:
        lately = lately_ordered(db, this_site(db).id, by=str(actor().id), at=now())
        last = [(tube, copy, visit_of(db, tube.visit_id).number) for tube, copy in lately]
    shown = _shown()
    return page("labels/room_page.html", last=last, paper=_looked_at() if shown["room"] else None, **shown)


@bp.get("/imprimantes/panneau")
@needs(Right.PRINT_LABELS)
def pane() -> ResponseReturnValue:
    """The print room alone, for a page that is open; nothing when it has not changed."""
    shown = _shown()
    return Response(status=204) if request.args.get("vu") == shown["mark"] else page("labels/room_pane.html", **shown)


@bp.get("/imprimantes/evenements")
@needs(Right.PRINT_LABELS)
def events() -> ResponseReturnValue:
    """The stream that says that the print room has changed, and nothing else."""
    return stream_changes("papers", Glance(house().spool, house().now))


@bp.get("/imprimantes/papier/<int(max=999999999999999):number>.png")
@needs(Right.PRINT_LABELS)
def preview(number: int) -> ResponseReturnValue:
    """The very dots that are printed, drawn again from the rows; a confidential paper has none."""
    job = house().spool.numbered(number)
    with reading() as db:
        drawn = paper_of(db, this_site(db).id, job, house().spool.printers()) if job else None
    if drawn is None:
        raise NoSuchPage
    return Response(png(drawn), mimetype="image/png")


def _shown() -> dict[str, Any]:
    """Everything that the page and its live pane show."""
    with reading() as db:
        site = this_site(db)
        try:
            room = look_round(db, house().spool, site.id, at=now())
        except PrinterError as trouble:
            return {"room": None, "mark": "away", "away": trouble.french}
        cards = [
            (doubt, _same(doubt.row.job, paper_of(db, site.id, doubt.row.job, room.seen.printers)))
            for doubt in room.doubts[:ASKED]
        ]
    return {
        "room": room, "mark": room.seen.mark, "cards": cards, "states": WORDS, "reasons": REASONS, "most": SHOWN,
        "sizes": {one.name: _size(one) for one in room.seen.printers}, "place": place_of,
        "hour": partial(_hour, site.timezone),
    }  # fmt: skip


def _looked_at() -> dict[str, Any] | None:
    """The paper that the address names: what it is, its size on the glass, whether it is what left."""
    job = job_named(house().spool, request.args.get("papier", ""))
    if job is None:
        return None
    with reading() as db:
        site = this_site(db)
        drawn = paper_of(db, site.id, job, house().spool.printers())
        return {"row": row_of(db, site.id, job), "same": _same(job, drawn), "drawn": drawn is not None}


def _same(job: Job, drawn: Paper | None) -> bool | None:
    return None if drawn is None else is_what_left(house().spool, job, drawn)


def _size(printer: PrinterState) -> tuple[int, int]:
    """Width and height of its paper in CSS pixels, 96 to the inch; the height of a roll is 0."""
    media = printer.media
    return (round(media.width_mm * 96 / 25.4), round((media.height_mm or 0) * 96 / 25.4)) if media else (189, 0)


def _hour(timezone: str, at: datetime) -> str:
    return f"{local(timezone, at):%H:%M}"
