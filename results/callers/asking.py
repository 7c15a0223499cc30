"""Which line of a slip the desk asks for now; a caller learns of nothing else why none is asked."""

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.orm import Session

from kiosk.register.staff import Power
from results.callers.calls import PhoneCall, is_spent, tries_of
from results.matrix import Channel, Person
from results.release import Role
from results.vault.counters import Way, standing
from results.vault.dossiers import NoSuchDossier, Slip
from results.vault.keys import KeyRing
from results.vault.releases import Course
from results.weighing import Asked, some_slip, weigh

#: A slip that nobody has: a code said in a call that is over is tried on it, and costs what every code costs.
NO_SLIP: Final = UUID(int=0)


def asked_on_the_phone(role: Role) -> Asked:
    """The question of a caller who reads from a slip, answered by whoever acts in this role."""
    return Asked(channel=Channel.PHONE, person=Person.WITH_CODE, role=role)


def line_to_ask(
    db: Session, keys: KeyRing, site_id: UUID, call: PhoneCall, role: Role, *, power: Power, at: datetime
) -> int | None:
    """Tell which line to ask now, or None for every reason why nothing can be told now; each costs the same.

    Args:
        db: a session that may read the results.
        keys: verify matrix and dossier.
        site_id: the site.
        call: under way.
        role: as what the person at the desk acts.
        power: vouches for holds and wishes.
        at: now.
    """
    slip, other = db.get(Slip, call.slip_id or NO_SLIP), some_slip(db, site_id)
    # Of a reference that nobody has, the same is asked about another slip: what an answer costs tells nothing.
    asked = slip or other
    if asked is None:
        return None
    open_now = standing(db, asked, site_id=site_id, way=Way.PHONE, call_id=call.id, by=call.by, at=at)
    is_over = is_spent(tries_of(db, call.id))
    try:
        _, weighed = weigh(db, keys, asked.dossier_id, asked_on_the_phone(role), power=power, at=at)
    except NoSuchDossier:
        return None
    return None if slip is None or is_over or weighed.course is Course.NOT_NOW else open_now.line
