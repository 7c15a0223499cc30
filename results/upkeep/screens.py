"""The screens of the public app on the command line: let in, listed, sent away; and how many may listen at once."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select

from kiosk.door import devices
from kiosk.presence.pcs import PairedPc
from kiosk.register import clock
from kiosk.register.clock import Chance
from kiosk.register.sites import this_site
from results.upkeep.founding import opened_instance

#: The journal's name for whoever may open the instance folder.
BY = "command line"


def pair(
    instance: Path, name: str, *, board: bool = False, at: datetime, chance: Chance, say: Callable[[str], object]
) -> None:
    """Make a pairing code and say where it is typed.

    Args:
        board: whether the screen shows calls to the waiting room; else patients take a number at it.

    Raises:
        NameOfDevice: the name cannot stand in the journal.
        NameTaken: a paired screen bears it.
    """
    with opened_instance(instance) as database, database.transaction() as db:
        kind = devices.Kind.BOARD if board else devices.Kind.KIOSK
        code = devices.invite(db, this_site(db).id, name, kind=kind, by=BY, at=at, chance=chance)
    minutes = devices.LASTS.total_seconds() / 60
    say(f"{name} : {code[:4]} {code[4:]}")
    say(f"Tapez ce code sur l'écran à l'adresse /pair, dans les {minutes:.0f} minutes. Il ne sert qu'une fois.")


def tell(instance: Path, *, at: datetime, say: Callable[[str], object]) -> None:
    """Say every screen with the day of its pairing."""
    with opened_instance(instance) as database, database.reading() as db:
        site = this_site(db)
        found = devices.devices(db, site.id)
    if not found:
        say("Aucun écran n'est appairé. Lancez « etiquette kiosk pair NOM ».")
    for one in found:
        if one.paired_at is not None:
            day = clock.local(site.timezone, one.paired_at)
            say(f"{one.name} : appairé le {day:%d/%m/%Y} à {clock.hour(site.timezone, one.paired_at)}")
        else:
            waits = one.code_until is not None and one.code_until >= at
            say(f"{one.name} : {'attend son code' if waits else 'code trop ancien, jamais appairé'}")


def revoke(instance: Path, name: str, *, at: datetime, chance: Chance, say: Callable[[str], object]) -> None:
    """Send a screen away.

    Raises:
        NoDevice: no screen has this name.
    """
    with opened_instance(instance) as database, database.transaction() as db:
        devices.revoke(db, this_site(db).id, name, by=BY, at=at, chance=chance)
    say(f"{name} : retiré. Cet écran n'ouvre plus rien.")


def listeners(instance: Path) -> tuple[int, int]:
    """How many screens of the public app and how many computers of the staff are paired: each may listen all day."""
    with opened_instance(instance) as database, database.reading() as db:
        screens = [one for one in devices.devices(db, this_site(db).id) if one.paired_at is not None]
        pcs = db.scalar(select(func.count()).select_from(PairedPc).where(PairedPc.revoked_at.is_(None)))
    return len(screens), pcs or 0
