"""A convocation that was shown today keeps its number: shown again anywhere, it gets no second place."""

import hmac
from collections.abc import Callable
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.register import clock
from kiosk.register.database import Base
from kiosk.register.once import PageAlreadyUsed
from kiosk.register.sites import Site
from kiosk.register.visits import FINAL, Move, NoVisit, Visit, visit_of


class Shown(Base):
    """The number of a convocation on one day; its code is kept as a keyed hash alone."""

    __tablename__ = "convocation_shown"
    keep = "the day"

    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    code_hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    visit_id: Mapped[UUID] = mapped_column(ForeignKey("visit.id"))


def number_for(db: Session, site: Site, code: str, take: Callable[[], Visit], *, secret: bytes, at: datetime) -> Visit:
    """The visit of a convocation today: the one that it has, else the one that `take` makes now.

    Of two kiosks at the same instant the second waits for the first one's commit, or loses its own and asks again.

    Args:
        code: six characters, known to the laboratory or not.
        secret: of the public app.

    Raises:
        PageAlreadyUsed: the form was sent before with another convocation.
    """
    place = _place(site, code, secret=secret, at=at)
    shown = db.get(Shown, place)
    if shown is not None and (visit := visit_of(db, shown.visit_id)).state not in FINAL:
        return visit
    visit = take()
    if visit.arrived_at != at:
        raise PageAlreadyUsed  # this form has made the number of another paper
    if shown is None:
        _, day, code_hash = place
        db.add(Shown(site_id=site.id, day=day, code_hash=code_hash, visit_id=visit.id))
    else:
        # The first passage has ended, and the person is back with the same paper.
        shown.visit_id = visit.id
    db.flush()  # whoever was quicker is found out here, where the whole act is undone
    return visit


def visit_shown(db: Session, site: Site, code: str, *, secret: bytes, at: datetime) -> Visit | None:
    """The visit that a convocation has today, or None."""
    shown = db.get(Shown, _place(site, code, secret=secret, at=at))
    return None if shown is None else visit_of(db, shown.visit_id)


def _place(site: Site, code: str, *, secret: bytes, at: datetime) -> tuple[UUID, date, bytes]:
    today = clock.day(site.timezone, at)
    return site.id, today, hmac.digest(secret, f"shown/{site.id}/{today}/{code}".encode(), "sha256")


def key_of(db: Session, visit: Visit) -> str:
    """The key that opens the page of a visit's number.

    Raises:
        NoVisit: its arrival is not on record.
    """
    key = db.scalars(select(Move.key).where(Move.visit_id == visit.id, Move.verb == "arrive")).first()
    if key is None:
        raise NoVisit
    return key
