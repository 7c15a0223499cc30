"""Whom to ring when a critical value waits: a list by hour of day, each step with its minute."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Enum, Index, LargeBinary, SmallInteger, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.register.accounts import vouch, vouched
from kiosk.register.clock import Chance, local
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime, uuid7
from kiosk.register.errors import Invalid, NotFound
from kiosk.register.journal import Act, write
from kiosk.register.once import answered
from kiosk.register.staff import Power
from results.critical.alerts import Contact

_DAY: Final = 24 * 60


class EscalationStep(Base):
    """One line of the list: from when to when in the day, after how many minutes, whom."""

    __tablename__ = "escalation_step"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index(None, "site_id", "ended_at"),
        CheckConstraint("starts BETWEEN 0 AND 1439 AND ends BETWEEN 0 AND 1439", name="hours"),
        CheckConstraint("minute BETWEEN 0 AND 120", name="minute"),
        {"schema": STAFF_ONLY},
    )
    keep = "10 years after its end: whom the list named, and when"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    #: Minutes from the site's midnight; equal hours are the whole day, an end before the start is the night.
    starts: Mapped[int] = mapped_column(SmallInteger)
    ends: Mapped[int] = mapped_column(SmallInteger)
    #: Minutes from receipt.
    minute: Mapped[int] = mapped_column(SmallInteger)
    contact: Mapped[Contact] = mapped_column(Enum(Contact, native_enum=False, length=10, values_callable=list))
    #: Who it is, in words; empty where it is the order's.
    name: Mapped[str] = mapped_column(String(60))
    #: The number to ring, sealed; empty where it is the register's or the order's.
    number: Mapped[bytes | None] = mapped_column(LargeBinary)
    by: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    key: Mapped[str] = mapped_column(String(32))
    mac: Mapped[bytes] = mapped_column(LargeBinary(32))


class StepToCorrect(Invalid):
    """A line of the list has two hours of the day, 0 to 120 minutes and a contact of the list."""

    french = "Une ligne a deux heures du jour (8:00), un délai de 0 à 120 minutes et une personne de la liste."


class NoSuchStep(NotFound):
    """This line is not in the list any more."""

    french = "Cette ligne n'est plus dans la liste. Regardez-la à nouveau."


@dataclass(frozen=True, kw_only=True, repr=False)
class Planned:
    """One step as it is shown: whom, from which minute on, at which number."""

    contact: Contact
    minute: int
    name: str = ""
    number: str = ""
    #: Empty for the shipped list.
    step_id: UUID | None = None
    starts: int = 0
    ends: int = 0

    def is_due(self, waited: timedelta) -> bool:
        """Tell whether the value has waited so long that this person is rung."""
        return waited >= timedelta(minutes=self.minute)


#: What holds until a biologist has written her own list (release note, section 12; CLSI GP47).
SHIPPED: Final = (
    Planned(contact=Contact.BIOLOGIST, minute=0),
    Planned(contact=Contact.COLLEAGUE, minute=10),
    Planned(contact=Contact.PRESCRIBER, minute=10),
    Planned(contact=Contact.SECOND, minute=20),
    Planned(contact=Contact.PHYSICIAN, minute=20),
    Planned(contact=Contact.NURSE, minute=20),
    Planned(contact=Contact.PATIENT, minute=30),
    Planned(contact=Contact.EMERGENCY, minute=30, number="15"),
)


def add_step(
    db: Session, site_id: UUID, *, starts: str, ends: str, minute: str, contact: str, name: str, number: str, by: UUID,
    power: Power, at: datetime, chance: Chance, key: str,
) -> EscalationStep:  # fmt: skip
    """Add a line to the biologist's own list; the first one puts the shipped list out. The same form adds one.

    Raises:
        StepToCorrect: nothing is added.
    """
    if before := answered(db, EscalationStep, site_id, key):
        return before
    after = minute.strip()
    if not after.isdecimal() or int(after) > 120 or contact not in list(Contact) or len(name.strip()) > 60:
        raise StepToCorrect
    digits = "".join(sign for sign in number if sign.isdecimal() or sign == "+")
    row = EscalationStep(
        id=uuid7(at, chance), site_id=site_id, starts=_minutes(starts), ends=_minutes(ends), minute=int(after),
        contact=Contact(contact), name=" ".join(name.split()), number=None, by=by, at=at, ended_at=None, key=key,
    )  # fmt: skip
    if digits:
        row.number = power.seal("escalation_step", "number", row.id, digits.encode("ascii"), chance=chance)
    vouch(row, power)
    db.add(row)
    write(db, "results", Act.CRITICAL_PLANNED, by=by, at=at, chance=chance, step=row.id)
    return row


def end_step(db: Session, step_id: UUID, *, by: UUID, power: Power, at: datetime, chance: Chance) -> None:
    """Take a line off the list.

    Raises:
        NoSuchStep: it is not there.
    """
    row = db.get(EscalationStep, step_id)
    if row is None or row.ended_at is not None:
        raise NoSuchStep
    row.ended_at = at
    vouch(row, power)
    write(db, "results", Act.CRITICAL_PLANNED, by=by, at=at, chance=chance, step=row.id, ended=1)


def whole_plan(db: Session, site_id: UUID, power: Power) -> tuple[Planned, ...]:
    """The biologist's own list; the shipped one until she has written a line. Rows of nobody are left out."""
    asked = select(EscalationStep).where(EscalationStep.site_id == site_id, EscalationStep.ended_at.is_(None))
    rows = [row for row in db.scalars(asked) if vouched(row, power)]
    planned = [
        Planned(
            contact=row.contact, minute=row.minute, name=row.name, number=_number(row, power), step_id=row.id,
            starts=row.starts, ends=row.ends,
        )
        for row in rows
    ]  # fmt: skip
    return tuple(sorted(planned, key=lambda one: (one.starts, one.minute, list(Contact).index(one.contact)))) or SHIPPED


def plan_at(db: Session, site_id: UUID, timezone: str, at: datetime, power: Power) -> tuple[Planned, ...]:
    """The list that holds at this hour of the site's day, by its minutes; never empty.

    A list that names nobody at this hour would leave a value waiting: the shipped one holds then.
    """
    wall = local(timezone, at)
    now = wall.hour * 60 + wall.minute
    held = [one for one in whole_plan(db, site_id, power) if is_within(now, one.starts, one.ends)]
    return tuple(sorted(held or SHIPPED, key=lambda one: one.minute))


def biologist_number(db: Session, site_id: UUID, timezone: str, at: datetime, power: Power) -> str:
    """The number that reception rings for the biologist now; empty where the list has none."""
    near = (Contact.BIOLOGIST, Contact.COLLEAGUE)
    numbers = [one.number for one in plan_at(db, site_id, timezone, at, power) if one.contact in near and one.number]
    return next(iter(numbers), "")


def is_within(now: int, starts: int, ends: int) -> bool:
    """Tell whether a minute of the day lies in a span; equal ends are the whole day, a span may pass midnight."""
    if starts == ends:
        return True
    return starts <= now < ends if starts < ends else now >= starts or now < ends


def _minutes(typed: str) -> int:
    parts = typed.replace("h", ":").replace(" ", "").split(":")
    hour, rest = parts[0], parts[1] if len(parts) > 1 and parts[1] else "0"
    if len(parts) > 2 or not hour.isdecimal() or not rest.isdecimal() or int(rest) > 59 or int(hour) > 24:
        raise StepToCorrect
    return (int(hour) * 60 + int(rest)) % _DAY


def _number(row: EscalationStep, power: Power) -> str:
    opened = None if row.number is None else power.open("escalation_step", "number", row.id, row.number)
    return "" if opened is None else opened.decode("ascii")
