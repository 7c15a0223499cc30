"""Rush mode: when many wait, one scan or one tap gives a number, and the counter asks the rest."""

from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from kiosk.register import clock
from kiosk.register.events import announce
from kiosk.register.sites import Site
from kiosk.register.visits import Stage, Visit
from kiosk.waiting import may_be_called

#: Built once: the first page and every number ask.
_WAITING: Final = select(func.count()).where(
    Visit.site_id == bindparam("site"),
    Visit.day == bindparam("today"),
    Visit.stage == Stage.COUNTER,
    may_be_called(Stage.COUNTER),
)


def is_rush(db: Session, site: Site, *, above: int, at: datetime) -> bool:
    """Whether the door asks nothing now: a person has said so for today, or more than `above` people wait.

    It hangs on the length of the line alone, so it tells nothing of anybody.

    Args:
        above: people who wait for the counter; 0 leaves it to the staff's key.
    """
    today = clock.day(site.timezone, at)
    if site.rush_day == today:
        return True
    if above <= 0:
        return False
    return db.execute(_WAITING, {"site": site.id, "today": today}).scalar_one() > above


def set_rush(db: Session, site: Site, *, on: bool, at: datetime) -> None:
    """Turn rush mode on for the rest of the site's day, or off; said twice, done once."""
    kept = db.get_one(Site, site.id)
    wanted = clock.day(site.timezone, at) if on else None
    if kept.rush_day == wanted:
        return
    kept.rush_day = wanted
    announce(db, site.id, "line", {"rush": on}, at=at)
