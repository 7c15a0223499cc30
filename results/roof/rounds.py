"""What the staff app does again and again beside its requests."""

from datetime import timedelta
from typing import Final

from kiosk.counter.foretelling import Foreteller
from kiosk.counter.passage import bring_back
from kiosk.register import clock
from kiosk.register.sites import this_site
from kiosk.rounds import Round
from kiosk.settings import StaffSettings
from kiosk.web import House
from labels.following import follow_labels
from results.callers.calls import expire_calls
from results.critical.drills import draw_drill
from results.giving import follow_slips
from results.keeping.evening import Evening
from results.physicians.calls import expire as expire_physicians
from results.vault.attempts import CodeDesk

#: How often the dice are thrown for a drill.
DRILLS_EVERY: Final = timedelta(minutes=1)


def rounds_of(home: House, codes: CodeDesk) -> list[Round]:
    """Paper that is owed, what the line must learn, what is too old: everything but the evening.

    Args:
        home: what the app holds.
        codes: where patients' codes are tried.
    """
    settings: StaffSettings = home.more["settings"]

    def labels() -> None:
        follow_labels(
            home.database, home.spool, printer=settings.label_printer, form=home.forms["labels"], at=clock.now(),
            chance=clock.chance,
        )  # fmt: skip

    def absences() -> None:
        with home.database.reading() as db:
            site = this_site(db)
        bring_back(home.database, site, at=clock.now(), chance=clock.chance)

    foreteller = Foreteller(home.database, clock.chance)

    def forecast() -> None:
        foreteller.look(at=clock.now())

    def laws() -> None:
        foreteller.learn(at=clock.now())

    def slips() -> None:
        follow_slips(home.database, home.spool, at=clock.now(), chance=clock.chance)

    def calls() -> None:
        with home.database.reading() as db:
            site_id = this_site(db).id
        codes.sweep(site_id, at=clock.now())
        codes.forget(at=clock.now())
        with home.database.transaction("results") as db:
            expire_calls(db, site_id, at=clock.now(), chance=clock.chance)
            expire_physicians(db, site_id, at=clock.now(), chance=clock.chance)

    def drills() -> None:
        with home.database.transaction("results") as db:
            draw_drill(db, this_site(db).id, every=DRILLS_EVERY, at=clock.now(), chance=clock.chance)

    return [
        Round(name="labels", seconds=60, go=labels),
        Round(name="absences", seconds=5, go=absences),
        Round(name="laws", seconds=600, go=laws),
        # A long line takes longer to foretell, and changes more often: it gets a tenth of a core, the pages the rest.
        Round(name="forecast", seconds=1, rests=9, go=forecast),
        Round(name="slips", seconds=0.5, go=slips),
        Round(name="calls", seconds=30, go=calls),
        Round(name="drills", seconds=DRILLS_EVERY.total_seconds(), go=drills),
        # What was deleted is in the file until the log is folded in: a used code line must not stay there.
        Round(name="results log", seconds=5, go=home.database.fold_results),
    ]


def evening_of(home: House) -> list[Round]:
    """The evening's one round; none in a demonstration, whose papers come out while somebody looks."""
    settings: StaffSettings = home.more["settings"]
    if settings.demonstration:
        return []
    evening = Evening(
        database=home.database, spool=home.spool, keys=home.more["keys"], printer=settings.ticket_printer,
        form=home.forms["tickets"], chance=clock.chance,
    )  # fmt: skip
    return [Round(name="evening", seconds=60, go=lambda: evening.look(at=clock.now()))]
