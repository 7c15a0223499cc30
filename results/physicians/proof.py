"""A physician proves who they are by six spoken digits: counted first, each step accepted once, in rising order."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import Enum, Index, LargeBinary, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.register.accounts import spend_step
from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime, uuid7
from kiosk.register.journal import Act, write
from kiosk.register.staff import Power, step_of
from results.physicians.register import Physician, physician_by_rpps, seed_of

#: Failures of one RPPS number: how many in which time; then nothing is compared until one grows old.
LIMITS: Final = ((5, timedelta(minutes=5)), (20, timedelta(days=1)))
#: Digits are spoken, heard and typed: the window ends now and reaches a minute back (release note, section 12).
SPOKEN: Final = timedelta(seconds=30)


class Outcome(StrEnum):
    """How a proof ended; one that the programme did not live to end has failed."""

    FAILED = "failed"
    PASSED = "passed"
    WAITED = "waited"  #: not compared: too many failures before it


class PhysicianTry(Base):
    """Six digits that were said, counted before they are compared."""

    __tablename__ = "physician_try"
    __table_args__ = (Index(None, "account", "at"), {"schema": STAFF_ONLY})
    keep = "12 months: security log"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    #: HMAC of the RPPS number, so that numbers nobody has are counted like the others.
    account: Mapped[bytes] = mapped_column(LargeBinary(32))
    call_id: Mapped[UUID] = mapped_column(index=True)
    by: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    outcome: Mapped[Outcome] = mapped_column(Enum(Outcome, native_enum=False, length=6, values_callable=list))


def prove(
    db: Session, site_id: UUID, rpps: str, typed: str, *, call_id: UUID, by: UUID, power: Power, at: datetime,
    chance: Chance,
) -> Physician | None:  # fmt: skip
    """Count the try, then compare and spend the digits; nothing else is in this transaction.

    Args:
        db: a session that writes the results.
        rpps: eleven digits, of anybody or nobody.
        typed: the six digits as heard.
        call_id: the call in which they were said.

    Returns:
        Who has proved themselves, None for every other case alike.
    """
    account = power.mac(b"rpps " + rpps.encode("ascii"))
    must_wait = _must_wait(db, account, at)
    row = PhysicianTry(
        id=uuid7(at, chance), account=account, call_id=call_id, by=by, at=at,
        outcome=Outcome.WAITED if must_wait else Outcome.FAILED,
    )  # fmt: skip
    db.add(row)
    db.flush()  # counted before anything is compared
    physician = None if must_wait else physician_by_rpps(db, site_id, rpps, power)
    seed = seed_of(physician, power) if physician is not None and physician.is_enrolled else None
    step = step_of(seed, typed, at=at - SPOKEN, after=physician.last_step if physician is not None else 0)
    if physician is None or step is None or not spend_step(db, physician, step, power):
        write(db, "results", Act.PHYSICIAN_REFUSED, by=by, at=at, chance=chance, call=call_id)
        return None
    row.outcome = Outcome.PASSED
    write(db, "results", Act.PHYSICIAN_PROVED, by=by, at=at, chance=chance, call=call_id, physician=physician.id)
    return physician


def _must_wait(db: Session, account: bytes, at: datetime) -> bool:
    failures = db.scalars(
        select(PhysicianTry.at)
        .where(
            PhysicianTry.account == account, PhysicianTry.outcome == Outcome.FAILED,
            PhysicianTry.at > at - LIMITS[-1][1],
        )
    ).all()  # fmt: skip
    return any(sum(one > at - within for one in failures) >= most for most, within in LIMITS)
