"""What is read aloud to a caller by whoever opens it: released once, and shown again to the same form alone."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kiosk.register.clock import Chance
from kiosk.register.staff import Power
from results.callers.calls import PhoneCall, tell
from results.release import Decision
from results.telling import Told, items_told
from results.vault.dossiers import Dossier, trusted_dossier
from results.vault.keys import KeyRing
from results.vault.opening import Items
from results.vault.releases import ReleaseAct, Weighed, enter_release
from results.vault.sealing import DoesNotOpen
from results.weighing import Asked, weigh

#: Opens these versions of a dossier and puts them into words.
Words = Callable[[Dossier, Items], tuple[Told, ...]]


@dataclass(frozen=True, kw_only=True, repr=False)
class ReadAloud:
    """What is read aloud; nothing where nothing may be told now."""

    told: tuple[Told, ...] = ()
    is_partial: bool = False


def read_once(
    db: Session, call: PhoneCall, dossier: Dossier, decision: Decision, weighed: Weighed, words: Words, *,
    attempt_id: UUID | None, reads_back: bool, by: UUID, at: datetime, chance: Chance, key: str,
) -> ReadAloud:  # fmt: skip
    """Open what the rule lets be told, and enter its release in the same transaction.

    Args:
        db: a session that writes the results.
        call: locked.
        dossier: whose result.
        decision: what the rule said of it.
        weighed: what it lets be told.
        words: opens and reads.
        attempt_id: the attempt by whose code it is told; None where none was asked.
        reads_back: whether it must be repeated before the call ends.
        by: staff id.
        at: now.
        chance: gives ids and salts.
        key: of the form that is answered.

    Raises:
        DoesNotOpen: there are no words to read, and nothing is released.
        NotFromHere: nothing can be told in a call that stands there.
    """
    told = words(dossier, weighed.items)
    if not told:
        raise DoesNotOpen
    enter_release(
        db, weighed, site_id=call.site_id, dossier_id=dossier.id, attempt_id=attempt_id, call_id=call.id, by=by, at=at,
        chance=chance,
    )  # fmt: skip
    tell(call, reads_back=reads_back)
    call.told_at, call.told_key = at, key
    return ReadAloud(told=told, is_partial=decision.is_partial)


def read_again(
    db: Session, keys: KeyRing, call: PhoneCall, asked: Asked, words: Words, *, power: Power, at: datetime
) -> ReadAloud:
    """Show what a call was told to the form that was answered by it; nothing is released by that."""
    acts = select(ReleaseAct.dossier_id).where(ReleaseAct.call_id == call.id).limit(1)
    dossier = trusted_dossier(db, keys, db.scalars(acts).one())
    decision, _ = weigh(db, keys, dossier.id, asked, power=power, at=at)
    return ReadAloud(told=words(dossier, items_told(db, call.id)), is_partial=decision.is_partial)
