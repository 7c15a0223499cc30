"""What the house does by itself when the day is over: the journals on paper, then the purge."""

from dataclasses import dataclass, field
from datetime import date, datetime

from kiosk.register import clock
from kiosk.register.clock import Chance
from kiosk.register.database import Database
from kiosk.register.sites import Site, this_site
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
    spool: Spool, notes: list[Note], site: Site, *, printer: str, form: Form, key: str, at: datetime, chance: Chance
) -> Job:
    """Put the evening's ticket in the spool."""
    when = clock.appointment_words(site.timezone, at)
    paper = note_paper(notes, site_name=site.name, when=when, key=key, form=form)
    return spool.put(paper, printer=printer, at=at, chance=chance)


@dataclass(kw_only=True)
class Evening:
    """The evening's work of one site, asked every minute, done once a local day after the last patient's hour."""

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
        """Do what this evening still owes; whether anything was done.

        The paper is owed once a day, whichever process asks: its key in the spool says whether it was put. The purge
        may be done twice.
        """
        if self._unclean:
            self._unclean = not clean(self.database)
        with self.database.reading() as db:
            site = this_site(db)
        wall = clock.local(site.timezone, at)
        if wall.time() < site.closes:
            return False
        key = f"journal-note/{site.number}/{wall.date()}"
        owes_paper, owes_purge = self.spool.job(key) is None, self._purged != wall.date()
        if owes_paper:
            notes = note_of_evening(self.database, self.keys, site, by=EVENING, at=at, chance=self.chance)
            put_note(self.spool, notes, site, printer=self.printer, form=self.form, key=key, at=at, chance=self.chance)
        if owes_purge:
            purge(self.database, by=EVENING, at=at, chance=self.chance)
            self._purged, self._unclean = wall.date(), not clean(self.database)
        return owes_paper or owes_purge
