"""The laboratory's figures of the line: how long people waited, and whether what was announced came true."""

from datetime import date, timedelta
from typing import Any, Final

from flask import Blueprint
from flask.typing import ResponseReturnValue

from kiosk.counter.history import laws_today, told_on
from kiosk.line.figures import waits_of
from kiosk.line.score import PROMISED, Told, score
from kiosk.register import clock
from kiosk.register.sites import this_site
from kiosk.register.staff import Right
from kiosk.signin import needs
from kiosk.web import now, page, reading

bp = Blueprint("manager", __name__)

#: Days that are shown.
SHOWN: Final = 14
#: Below so many people a day's figures could be somebody's.
FEWEST: Final = 5


@bp.get("/chiffres")
@needs(Right.FIGURES)
def figures_page() -> ResponseReturnValue:
    """The announced ranges of the last two weeks beside what came, and the laws that they come from."""
    with reading() as db:
        site = this_site(db)
        today = clock.day(site.timezone, now())
        told = told_on(db, site, today - timedelta(days=SHOWN), today + timedelta(days=1))
        laws = laws_today(db, site, at=now())
    everyone = [one for day in told.values() for one in day]
    return page(
        "results/figures.html", days=[_day(day, told[day]) for day in sorted(told, reverse=True)],
        whole=score(everyone) if len(everyone) >= FEWEST else None, laws=laws, promised=PROMISED, fewest=FEWEST,
    )  # fmt: skip


def _day(day: date, told: list[Told]) -> dict[str, Any]:
    """One line of the table; a day of few people says only that they were few."""
    shown: dict[str, Any] = {"day": day, "people": len(told), "score": None, "waits": None}
    if len(told) >= FEWEST:
        shown |= {"score": score(told), "waits": waits_of(one.waited for one in told)}
    return shown
