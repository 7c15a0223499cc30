"""What the house does by itself when the day is over: the journals on paper, then the purge."""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from kiosk.register import clock
from kiosk.register.clock import Chance
from kiosk.register.database import Database
from kiosk.register.sites import Site, this_site
from kiosk.register.traces import oldest_words
from printers.paper import Form
from printers.rows import Job
from printers.spool import Spool
from results.keeping.note_paper import note_paper
from results.keeping.notes import SIDES, Note, enter_note, sign_note
from results.keeping.purge import clean, purge
from results.vault.keys import KeyRing

#: Who stands in the journal for what nobody does by hand.
EVENING = "evening"


def note_of_evening(
    database: Database, keys: KeyRing, site: Site, *, by: str, at: datetime, chance: Chance
) -> list[Note]:
    """Sign both journals as they are, and enter in each that it was done."""
    notes = []
    for side in SIDES:
        with database.transaction(side) as db:
            signed = sign_note(db, keys, site, side)
            enter_note(db, signed, by=by, at=at, chance=chance)
        notes.append(signed)
    return notes


def put_note(
    spool: Spool, notes: list[Note], site: Site, *, printer: str, form: Form, key: str, at: datetime, chance: Chance,
    missed: date | None = None,
) -> Job:  # fmt: skip
    """Put the evening's ticket in the spool.

    Args:
        missed: the evening that it should have come out, where it comes later.
    """
    when = clock.appointment_words(site.timezone, at)
    paper = note_paper(notes, site_name=site.name, when=when, key=key, form=form, missed=missed)
    return spool.put(paper, printer=printer, at=at, chance=chance)


def last_evening(site: Site, at: datetime) -> date:
    """The last day on which the site has closed."""
    wall = clock.local(site.timezone, at)
    return wall.date() if wall.time() >= site.closes else wall.date() - timedelta(days=1)


def key_of_evening(site: Site, evening: date) -> str:
    """What names an evening's ticket in the spool: one an evening, whoever puts it."""
    return f"journal-note/{site.number}/{evening}"


@dataclass(kw_only=True)
class Evening:
    """The evening's work of one site, asked every minute, done once a local day after the last patient's hour.

    A machine that was off in the evening does it when it starts again, and the ticket says for which evening.
    """

    database: Database
    spool: Spool
    keys: KeyRing
    printer: str
    form: Form
    chance: Chance
    _purged: date | None = field(default=None)
    #: Whether the logs still hold what was deleted.
    _unclean: bool = field(default=False)

    def look(self, *, at: datetime) -> bool:
        """Do what the last evening still owes; whether anything was done.

        The paper is owed once an evening, whichever process asks: its key in the spool says whether it was put. The
        purge may be done twice. Of several evenings that were missed only the last is owed: nothing was written since.
        """
        if self._unclean:
            self._unclean = not clean(self.database)
        with self.database.reading() as db:
            site = this_site(db)
            evening, first = last_evening(site, at), oldest_words(db, "register")
        today = clock.day(site.timezone, at)
        if evening != today and (first is None or clock.day(site.timezone, first) > evening):
            return False  # the house was opened today
        key = key_of_evening(site, evening)
        owes_paper = self.spool.job(key) is None
        # In the morning the purge comes with the paper alone: it was done then, whatever this process knows of it.
        owes_purge = self._purged != evening and (owes_paper or evening == today)
        if owes_paper:
            notes = note_of_evening(self.database, self.keys, site, by=EVENING, at=at, chance=self.chance)
            put_note(
                self.spool, notes, site, printer=self.printer, form=self.form, key=key, at=at, chance=self.chance,
                missed=None if evening == today else evening,
            )  # fmt: skip
        if owes_purge:
            purge(self.database, self.keys, by=EVENING, at=at, chance=self.chance)
            self._purged, self._unclean = evening, not clean(self.database)
        return owes_paper or owes_purge
