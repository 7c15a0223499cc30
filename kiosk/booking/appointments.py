"""Who was expected at which hour, and whether a person who arrived is one of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from functools import cache
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, Select, String, UniqueConstraint, bindparam, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.formats.convocation import CODE_LETTERS
from kiosk.formats.folding import fold
from kiosk.questions import read_letters
from kiosk.register import clock
from kiosk.register.clock import Chance
from kiosk.register.database import Base, UtcDateTime, uuid7
from kiosk.register.errors import Conflict, Invalid, NotFound
from kiosk.register.events import announce
from kiosk.register.journal import Act, write
from kiosk.register.once import answered
from kiosk.register.patients import Patient
from kiosk.register.sites import Site
from kiosk.register.visits import FINAL, Said, Visit

#: Signs of a convocation's code.
LENGTH: Final = 6


class State(StrEnum):
    """Where an appointment stands."""

    BOOKED = "booked"  #: expected
    MOVED = "moved"  #: expected, at another hour than first said
    ARRIVED = "arrived"  #: recognised in a visit
    MISSED = "missed"  #: nobody came
    CANCELLED = "cancelled"  #: will not come


class Verb(StrEnum):
    """What may happen to an appointment."""

    MOVE = "move"
    ARRIVE = "arrive"
    MISS = "miss"
    CANCEL = "cancel"


EXPECTED: Final = (State.BOOKED, State.MOVED)

#: Every permitted move; anything else is refused. A person at the counter may give an arrival to the right visit.
MOVES: dict[tuple[State, Verb], State] = {
    (State.BOOKED, Verb.MOVE): State.MOVED,
    (State.MOVED, Verb.MOVE): State.MOVED,
    (State.BOOKED, Verb.ARRIVE): State.ARRIVED,
    (State.MOVED, Verb.ARRIVE): State.ARRIVED,
    (State.MISSED, Verb.ARRIVE): State.ARRIVED,
    (State.ARRIVED, Verb.ARRIVE): State.ARRIVED,
    (State.BOOKED, Verb.MISS): State.MISSED,
    (State.MOVED, Verb.MISS): State.MISSED,
    (State.BOOKED, Verb.CANCEL): State.CANCELLED,
    (State.MOVED, Verb.CANCEL): State.CANCELLED,
}

#: The journal's word for each move.
ACTS: Final = {
    Verb.MOVE: Act.APPOINTMENT_MOVED,
    Verb.ARRIVE: Act.APPOINTMENT_ARRIVED,
    Verb.MISS: Act.APPOINTMENT_MISSED,
    Verb.CANCEL: Act.APPOINTMENT_CANCELLED,
}


class Appointment(Base):
    """One person expected at one hour, by the traits told when it was booked."""

    __tablename__ = "appointment"
    __table_args__ = (
        UniqueConstraint("site_id", "code"),
        UniqueConstraint("site_id", "key"),
        Index(None, "site_id", "day"),
        CheckConstraint(f"length(code) = {LENGTH}", name="code"),
        CheckConstraint("(state = 'arrived') = (visit_id IS NOT NULL)", name="visit"),
    )
    keep = "2 years after its day"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID] = mapped_column(ForeignKey("site.id"))
    #: The site's local day, and the hour.
    day: Mapped[date]
    start: Mapped[datetime] = mapped_column(UtcDateTime)
    #: Six signs on the convocation; they say nothing of the person.
    code: Mapped[str] = mapped_column(String(LENGTH))
    #: The file, where the caller was already known.
    patient_id: Mapped[UUID | None] = mapped_column(ForeignKey("patient.id"))
    #: Traits as told at the booking, to be checked at the counter.
    birth_name: Mapped[str] = mapped_column(String(100))
    given_names: Mapped[str] = mapped_column(String(100))
    #: YYYYMMDD.
    birth_date: Mapped[str] = mapped_column(String(8))
    #: What was said of the exams, in the caller's words.
    exams: Mapped[str] = mapped_column(String(200))
    state: Mapped[State] = mapped_column(Enum(State, native_enum=False, length=10, values_callable=list))
    #: The visit in which it was recognised.
    visit_id: Mapped[UUID | None] = mapped_column(ForeignKey("visit.id"))
    booked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    booked_by: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(32))


class NoAppointment(NotFound):
    """There is no such appointment; look at the day's list again."""

    french = "Ce rendez-vous n'existe pas. Regardez la liste du jour."


class NotExpectedAnyMore(Conflict):
    """This appointment cannot make that move from where it stands; look at the day's list again."""

    french = "Ce rendez-vous n'est plus à cette étape. Regardez la liste du jour."


class BookingToCorrect(Invalid):
    """A booking needs a name, given names, a birth date and an hour to come; correct it and save again."""

    french = "Il manque le nom de naissance, le prénom, ou l'heure est passée."


@dataclass(frozen=True, kw_only=True)
class Matching:
    """Who of the day's arrivals is expected, as far as what was said at the door can tell."""

    #: Visit -> its only appointment, which nobody else claims.
    sure: dict[UUID, UUID]
    #: Visits that several appointments suit, or whose appointment another visit claims: a person must look.
    unsure: frozenset[UUID]


def book(
    db: Session,
    site: Site,
    *,
    start: datetime,
    birth_name: str,
    given_names: str,
    birth_date: str,
    exams: str = "",
    patient: Patient | None = None,
    by: str,
    at: datetime,
    chance: Chance,
    key: str,
) -> Appointment:
    """Book an hour for a person and draw the code of the convocation.

    Args:
        start: the hour, to come.
        birth_date: YYYYMMDD, as `read_birth_date` gives it.
        patient: the file, where the caller is already known.

    Raises:
        BookingToCorrect: a name has no letter or the hour is past.
    """
    if before := answered(db, Appointment, site.id, key):
        return before
    told = [" ".join(text.split()) for text in (birth_name, given_names, exams)]
    if not fold(told[0]) or not fold(told[1]) or start <= at or any(len(text) > 100 for text in told[:2]):
        raise BookingToCorrect
    row = Appointment(
        id=uuid7(at, chance), site_id=site.id, day=clock.day(site.timezone, start), start=start,
        code=_free_code(db, site, chance), patient_id=patient.id if patient else None, birth_name=told[0],
        given_names=told[1], birth_date=birth_date, exams=told[2][:200], state=State.BOOKED,
        booked_at=at, booked_by=by, key=key,
    )  # fmt: skip
    db.add(row)
    db.flush()  # the journal tells a row that stands
    write(db, "register", Act.APPOINTMENT_BOOKED, by=by, at=at, chance=chance, appointment=row.id)
    return row


def change(
    db: Session, row: Appointment, verb: Verb, *, by: str, at: datetime, chance: Chance, start: datetime | None = None
) -> None:
    """Move an appointment along the table: to another hour, missed, cancelled.

    Args:
        start: the new hour, for `Verb.MOVE` alone.

    Raises:
        NotExpectedAnyMore: when the table has no such move.
        BookingToCorrect: when the new hour is past.
    """
    after = MOVES.get((row.state, verb))
    if after is None:
        raise NotExpectedAnyMore
    if verb is Verb.MOVE:
        if start is None or start <= at:
            raise BookingToCorrect
        zone = db.get_one(Site, row.site_id).timezone
        row.start, row.day = start, clock.day(zone, start)
    row.state = after
    write(db, "register", ACTS[verb], by=by, at=at, chance=chance, appointment=row.id)


def arrive(db: Session, row: Appointment, visit: Visit, *, by: str, at: datetime, chance: Chance) -> None:
    """Say that a visit is this appointment's; taken back from the visit that had it by mistake.

    Raises:
        NotExpectedAnyMore: when the appointment was cancelled.
    """
    if row.visit_id == visit.id:
        return
    if row.visit_id is not None:
        db.get_one(Visit, row.visit_id).booked_for = None
    row.visit_id, visit.booked_for = visit.id, row.start
    change(db, row, Verb.ARRIVE, by=by, at=at, chance=chance)


def matching(db: Session, site: Site, *, at: datetime) -> Matching:
    """Compare what was said at the door today with who is expected, and change nothing.

    A code is enough; a name is its first letters and the birth date, and is no proof: two people of the same letters
    and date, or one appointment claimed twice, are left to a person.
    """
    today = clock.day(site.timezone, at)
    open_visits = db.execute(_unmatched(), {"site": site.id, "today": today}).all()
    if not open_visits:  # nobody has said anything that could be an appointment
        return Matching(sure={}, unsure=frozenset())
    expected = _of_day(db, site, today)
    linked = {row.visit_id for row in expected if row.visit_id is not None}
    names = _names(db, expected)
    suits = {
        visit_id: [row for row in expected if _suits(row, said, names[row.id])]
        for visit_id, said in open_visits
        if visit_id not in linked
    }
    claims = Counter(row.id for rows in suits.values() for row in rows)
    sure = {
        visit_id: rows[0].id
        for visit_id, rows in suits.items()
        if len(rows) == 1 and rows[0].state in EXPECTED and claims[rows[0].id] == 1
    }
    return Matching(sure=sure, unsure=frozenset(one for one, rows in suits.items() if rows and one not in sure))


@cache
def _unmatched() -> Select[UUID, Said]:
    """Whoever has said something at the door today and is recognised in no appointment; built once, asked each call."""
    return (
        select(Visit.id, Said)
        .join(Said, Said.visit_id == Visit.id)
        .where(
            Visit.site_id == bindparam("site"),
            Visit.day == bindparam("today"),
            Visit.state.not_in(FINAL),
            Visit.booked_for.is_(None),
        )
        .order_by(Visit.id)
    )


def recognise_arrivals(db: Session, site: Site, *, by: str, at: datetime, chance: Chance) -> Matching:
    """Give every arrival that is surely expected the clock of its appointment; what is not sure stays as it is.

    The kiosk never learns of it: it is asked by the staff's screens, before the line is ranked.
    """
    found = matching(db, site, at=at)
    if not found.sure:
        return found
    # Held in one order, so that two counters that press at once do not recognise the same arrival twice.
    rows = db.scalars(
        select(Appointment)
        .where(Appointment.id.in_(found.sure.values()), Appointment.state.in_(EXPECTED))
        .order_by(Appointment.id)
        .with_for_update()
    ).all()
    visit_of = {appointment: visit for visit, appointment in found.sure.items()}
    for row in rows:
        arrive(db, row, db.get_one(Visit, visit_of[row.id]), by=by, at=at, chance=chance)
    if rows:
        announce(db, site.id, "line", {"recognised": len(rows)}, at=at)
    return found


def appointment_of(db: Session, visit_id: UUID) -> Appointment | None:
    """The appointment recognised in a visit, or None."""
    return db.scalars(select(Appointment).where(Appointment.visit_id == visit_id)).first()


def appointment(db: Session, appointment_id: UUID) -> Appointment:
    """The appointment with this identifier, held to the end of the transaction.

    Raises:
        NoAppointment: when there is none.
    """
    row = db.get(Appointment, appointment_id, with_for_update=True)
    if row is None:
        raise NoAppointment
    return row


def day_list(db: Session, site: Site, *, at: datetime) -> list[Appointment]:
    """Everyone expected at a site on the day of an instant, by hour; the cancelled left out."""
    return _of_day(db, site, clock.day(site.timezone, at))


def suiting(db: Session, site: Site, visit: Visit) -> list[Appointment]:
    """The day's appointments that suit what was said at the door for this visit, for a person to choose from."""
    said = db.get(Said, visit.id)
    if said is None:
        return []
    expected = _of_day(db, site, visit.day)
    names = _names(db, expected)
    return [row for row in expected if _suits(row, said, names[row.id])]


def _of_day(db: Session, site: Site, day: date) -> list[Appointment]:
    return list(
        db.scalars(
            select(Appointment)
            .where(Appointment.site_id == site.id, Appointment.day == day, Appointment.state != State.CANCELLED)
            .order_by(Appointment.start, Appointment.id)
        )
    )


def _names(db: Session, rows: Sequence[Appointment]) -> dict[UUID, frozenset[str]]:
    """The letters under which each expected person may have said the family name: told, of birth, in use."""
    known = {row.patient_id for row in rows if row.patient_id is not None}
    files = {one.id: one for one in db.scalars(select(Patient).where(Patient.id.in_(known)))} if known else {}
    found: dict[UUID, frozenset[str]] = {}
    for row in rows:
        file = files.get(row.patient_id) if row.patient_id else None
        names = (row.birth_name, file.birth_name if file else "", (file.used_name or "") if file else "")
        found[row.id] = frozenset(read_letters(name) for name in names if name)
    return found


def _suits(row: Appointment, said: Said, names: frozenset[str]) -> bool:
    if said.kind == "code":
        return said.word == row.code
    return said.word in names and said.birth_date == row.birth_date


def _free_code(db: Session, site: Site, chance: Chance) -> str:
    """A code that no other appointment of the site bears: one in a thousand million at each draw."""
    while True:
        code = "".join(CODE_LETTERS[byte % len(CODE_LETTERS)] for byte in chance(LENGTH))
        if db.scalars(select(Appointment.id).where(Appointment.site_id == site.id, Appointment.code == code)).first():
            continue
        return code
