"""Whether this programme lives, and whether it can serve: two pages for the machine that watches it."""

from flask import Blueprint, Response, make_response

from kiosk.register.database import require_head
from kiosk.register.sites import this_site
from kiosk.web import house, reading

bp = Blueprint("health", __name__)


@bp.get("/livez")
def livez() -> Response:
    """The programme answers; the database is not asked."""
    return make_response({"alive": True})


@bp.get("/readyz")
def readyz() -> Response:
    """The programme can serve: its site can be read, and its tables are still those of this code."""
    database = house().database
    require_head(database, "register", *(("results",) if "results" in database.writing_engines else ()))
    with reading() as db:
        this_site(db)
    return make_response({"ready": True})
