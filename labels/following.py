"""Labels that are owed are put in the spool again, and the printer's proofs are written down."""

from datetime import datetime

from kiosk.register.clock import Chance
from kiosk.register.database import Database
from kiosk.register.sites import this_site
from labels.printing import confirm, labels_owed
from printers.moves import State
from printers.paper import Form
from printers.spool import Spool


def follow_labels(database: Database, spool: Spool, *, printer: str, form: Form, at: datetime, chance: Chance) -> None:
    """Put every label that was committed and has no job, and note those that the printer has proved.

    A key that the spool knows already prints nothing, so that a crash between commit and spool costs a minute, never
    a label.
    """
    with database.reading() as db:
        site_id = this_site(db).id
        owed = labels_owed(db, at, form)
    for paper in owed:
        job = spool.put(paper, printer=printer, at=at, chance=chance)
        if job.state is State.CONFIRMED:
            with database.transaction() as db:
                confirm(db, paper.key.split("/")[1], site_id=site_id, by="station", at=at, chance=chance)
