"""The limits that a biologist has set for an analysis: beyond them a value cannot wait."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, LargeBinary, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.exams.catalogue import catalogue
from kiosk.register.accounts import vouch, vouched
from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime, uuid7
from kiosk.register.errors import Invalid, NotFound
from kiosk.register.journal import Act, write
from kiosk.register.once import answered
from kiosk.register.staff import Power
from results.hl7v2.values import number

_NO_UNIT: Final = "?" * 30


class CriticalLimit(Base):
    """One analysis' limits; a changed limit is a new row, the former one has an end."""

    __tablename__ = "critical_limit"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index(None, "site_id", "code"),
        CheckConstraint("low IS NOT NULL OR high IS NOT NULL", name="one_side"),
        {"schema": STAFF_ONLY},
    )
    keep = "10 years after its end: what was called critical, and when"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    #: Code as the laboratory system sends it: act code, LOINC, or its own.
    code: Mapped[str] = mapped_column(String(20))
    #: French name for the screen.
    label: Mapped[str] = mapped_column(String(80))
    #: The unit that a value must have to be compared; empty where it has none.
    unit: Mapped[str] = mapped_column(String(20))
    #: Critical at this value and below, at this value and above; decimal numbers with a point.
    low: Mapped[str | None] = mapped_column(String(20))
    high: Mapped[str | None] = mapped_column(String(20))
    by: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    key: Mapped[str] = mapped_column(String(32))
    #: HMAC of the row; a row without it still alarms, and is shown to the biologist as not hers.
    mac: Mapped[bytes] = mapped_column(LargeBinary(32))


class LimitToCorrect(Invalid):
    """A limit needs a code, a name, and one number at least, the lower one below the upper one."""

    french = "Tapez un code, un nom et au moins une borne ; la borne basse est en dessous de la haute."


class NoSuchLimit(NotFound):
    """There is no such limit; look at the list again."""

    french = "Cette borne n'existe plus. Regardez la liste à nouveau."


@dataclass(frozen=True, kw_only=True)
class Limit:
    """What intake compares a line with."""

    code: str
    unit: str
    low: Decimal | None
    high: Decimal | None


def set_limit(
    db: Session, site_id: UUID, *, code: str, label: str, unit: str, low: str, high: str, by: UUID, power: Power,
    at: datetime, chance: Chance, key: str,
) -> CriticalLimit:  # fmt: skip
    """Set the limits of an analysis, in place of the former ones of its code; the same form sets them once.

    Args:
        db: a session that writes the results.
        code: act code, LOINC code or the laboratory system's own.
        low: critical at this number and below; empty for no lower limit.
        high: critical at this number and above; empty for no upper limit.
        power: vouches for the row.
        key: of the form.

    Raises:
        LimitToCorrect: nothing is set.
    """
    if before := answered(db, CriticalLimit, site_id, key):
        return before
    named, clean, measured = label.strip(), code.strip(), unit.strip()
    below, above = _number(low), _number(high)
    if (
        not named or len(named) > 80 or not clean or len(clean) > 20 or len(measured) > 20
        or (below is None and above is None) or (below is not None and above is not None and below >= above)
    ):  # fmt: skip
        raise LimitToCorrect
    for former in _standing(db, site_id):
        if former.code == clean:
            former.ended_at = at
            vouch(former, power)
    row = CriticalLimit(
        id=uuid7(at, chance), site_id=site_id, code=clean, label=named, unit=measured,
        low=None if below is None else str(below), high=None if above is None else str(above), by=by, at=at,
        ended_at=None, key=key,
    )  # fmt: skip
    vouch(row, power)
    db.add(row)
    write(db, "results", Act.CRITICAL_LIMITED, by=by, at=at, chance=chance, limit=row.id)
    return row


def end_limit(db: Session, limit_id: UUID, *, by: UUID, power: Power, at: datetime, chance: Chance) -> None:
    """End a limit: from now on the analysis has none.

    Raises:
        NoSuchLimit: there is none, or it has ended.
    """
    row = db.get(CriticalLimit, limit_id)
    if row is None or row.ended_at is not None:
        raise NoSuchLimit
    row.ended_at = at
    vouch(row, power)
    write(db, "results", Act.CRITICAL_LIMITED, by=by, at=at, chance=chance, limit=row.id, ended=1)


def limits_of(db: Session, site_id: UUID) -> tuple[Limit, ...]:
    """The limits that intake applies; it holds no key to check a row, so that what was forged alarms all the same."""
    return tuple(_read(row) for row in _standing(db, site_id))


def all_limits(db: Session, site_id: UUID, power: Power) -> list[tuple[CriticalLimit, bool]]:
    """Every limit that stands, with whether this house has written it, by name."""
    rows = sorted(_standing(db, site_id), key=lambda row: row.label)
    return [(row, vouched(row, power)) for row in rows]


def codes_of(codes: Sequence[str]) -> frozenset[str]:
    """The codes that a line is known by: those that were sent, and the catalogue's other ones for the same exam."""
    exams = [exam for code in codes if (exam := catalogue().by_code(code)) is not None]
    return frozenset({*codes, *(exam.nabm for exam in exams), *(exam.loinc for exam in exams if exam.loinc)})


def _read(row: CriticalLimit) -> Limit:
    try:
        return Limit(code=row.code, unit=row.unit, low=_number(row.low or ""), high=_number(row.high or ""))
    except LimitToCorrect:
        # Somebody else wrote into the row: no unit suits it, so that every value of this code is shown.
        return Limit(code=row.code, unit=_NO_UNIT, low=None, high=None)


def _standing(db: Session, site_id: UUID) -> list[CriticalLimit]:
    asked = select(CriticalLimit).where(CriticalLimit.site_id == site_id, CriticalLimit.ended_at.is_(None))
    return list(db.scalars(asked.order_by(CriticalLimit.at)))


def _number(typed: str) -> Decimal | None:
    text = typed.strip()
    if not text:
        return None
    found = number(text)
    if found is None or len(str(found)) > 20:
        raise LimitToCorrect
    return found
