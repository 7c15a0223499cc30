"""A site of the laboratory: its number, its name, its hours."""

from datetime import date, time
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, String, Time, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.register.database import Base, table_of
from kiosk.register.errors import NotFound


class Site(Base):
    """One place where patients are received."""

    __tablename__ = "site"
    __table_args__ = (CheckConstraint("number BETWEEN 1 AND 99", name="number"),)
    keep = "for ever: every other row stands on it"

    #: Identifier.
    id: Mapped[UUID] = mapped_column(primary_key=True)
    #: Two digits of every sample number of this site.
    number: Mapped[int] = mapped_column(unique=True)
    #: Name on staff screens; never on a confidential slip.
    name: Mapped[str] = mapped_column(String(80))
    #: Name of its time zone: days, appointments and numbers are local.
    timezone: Mapped[str] = mapped_column(String(40))
    #: First and last minute of reception.
    opens: Mapped[time] = mapped_column(Time)
    closes: Mapped[time] = mapped_column(Time)
    #: The local day for which staff have turned rush mode on: kiosks ask nothing and give numbers.
    rush_day: Mapped[date | None]


#: Built once: nearly every request asks.
_FIRST: Final = select(table_of(Site)).order_by(Site.number)


class NoSite(NotFound):
    """The instance holds no site; run `etiquette init`."""

    french = "Aucun site n'est enregistré. Lancez « etiquette init »."


def this_site(db: Session) -> Site:
    """The site of this instance, to be read alone: it belongs to no session, and what is set on it is written nowhere.

    Raises:
        NoSite: on an instance that was never initialised.
    """
    db.flush()  # what this transaction itself has changed counts too
    row = db.connection().execute(_FIRST).first()
    if row is None:
        raise NoSite
    site = Site()
    vars(site).update(row._asdict())  # as a row that was read: nothing of it is a change that waits to be written
    return site
