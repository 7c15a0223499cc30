"""What keeps the desks from trying codes: told to the biologist at once, who lets it go on."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from kiosk.register.clock import Chance
from kiosk.register.errors import Conflict
from kiosk.register.journal import Act, write
from results.vault.counters import attempt_ahead, bring_back, closed_until, paused_desks, reopen


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What stands in the way of codes now."""

    #: The telephone route of the laboratory: too many codes were refused.
    closed_until: datetime | None
    #: Desks that had too many codes refused: staff id, and until when each pauses.
    paused: tuple[tuple[UUID, datetime], ...]
    #: The hour of an attempt that has not come yet: the machine's clock went back, or was ahead.
    ahead: datetime | None

    def __bool__(self) -> bool:
        return bool(self.closed_until or self.paused or self.ahead)


class NothingShut(Conflict):
    """Nothing of this keeps codes from being tried any more; look at the page again."""

    french = "Rien n'est plus fermé ici. Regardez la page à nouveau."


def limits_now(db: Session, site_id: UUID, *, at: datetime) -> Limits:
    """What keeps codes from being tried now, for the biologist's eyes alone."""
    return Limits(
        closed_until=closed_until(db, site_id, at), paused=paused_desks(db, site_id, at),
        ahead=attempt_ahead(db, site_id, at),
    )  # fmt: skip


def reopen_telephone(db: Session, site_id: UUID, *, by: UUID, at: datetime, chance: Chance) -> None:
    """Open the laboratory's telephone route again: a biologist's act, with unlocked keys; failures count anew from now.

    Raises:
        NothingShut: it is open.

    Source: the design note on release, section 9.
    """
    if closed_until(db, site_id, at) is None:
        raise NothingShut
    reopen(db, site_id, by=by, at=at)
    write(db, "results", Act.PHONE_REOPENED, by=by, at=at, chance=chance)


def confirm_clock(db: Session, site_id: UUID, *, by: UUID, at: datetime, chance: Chance) -> None:
    """Say that the hour is right now: what was said under a clock that was ahead counts as said this moment.

    A clock that went back is not believed, so that nobody buys tries by it; of one that was ahead nobody could get
    out. A biologist looks at the hour, with unlocked keys, and the journal keeps that she did.

    Raises:
        NothingShut: no attempt lies ahead.
    """
    many = bring_back(db, site_id, at)
    if not many:
        raise NothingShut
    write(db, "results", Act.PHONE_CLOCK_CONFIRMED, by=by, at=at, chance=chance, attempts=many)
