"""One value that cannot wait, from its receipt until a physician has taken charge: every step with its hour."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, LargeBinary, String, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime, uuid7
from kiosk.register.errors import Conflict, NotFound
from kiosk.register.journal import Act, write
from kiosk.register.once import answered
from kiosk.register.staff import Power
from results.critical.finding import Cause, Found, cause_of
from results.reports.versions import Report, ReportVersion
from results.vault.envelopes import key_of_message

#: Nobody of the biologist's side has looked for so long: reception is asked to fetch her.
UNSEEN: Final = timedelta(minutes=5)
#: It was seen, and nothing has moved for so long.
STUCK: Final = timedelta(minutes=10)


class State(StrEnum):
    """Where an alert stands."""

    FOUND = "found"  #: received; nobody has looked
    SEEN = "seen"  #: a biologist or a technician knows
    CALLING = "calling"  #: somebody is on the telephone
    REACHED = "reached"  #: a named person hears it
    READ_BACK = "read_back"  #: it was repeated rightly
    ACKNOWLEDGED = "acknowledged"  #: that person takes charge
    SENT = "sent"  #: the written report has followed
    CLOSED = "closed"  #: a biologist has ended it without a call, with a reason


class Verb(StrEnum):
    """What may happen to an alert."""

    SEE = "see"
    CALL = "call"
    MISS = "miss"  #: nobody there
    REACH = "reach"
    HEAR = "hear"
    HAND_ON = "hand_on"  #: cut off, not taken charge of, or repeated wrongly three times: the list goes on
    ACKNOWLEDGE = "acknowledge"
    SEND = "send"
    CLOSE = "close"


#: Every permitted move of an alert.
MOVES: Final[dict[tuple[State, Verb], State]] = {
    (State.FOUND, Verb.SEE): State.SEEN,
    (State.SEEN, Verb.CALL): State.CALLING,
    (State.CALLING, Verb.MISS): State.SEEN,
    (State.CALLING, Verb.REACH): State.REACHED,
    (State.REACHED, Verb.HEAR): State.READ_BACK,
    (State.REACHED, Verb.HAND_ON): State.SEEN,
    (State.READ_BACK, Verb.HAND_ON): State.SEEN,
    (State.READ_BACK, Verb.ACKNOWLEDGE): State.ACKNOWLEDGED,
    (State.ACKNOWLEDGED, Verb.SEND): State.SENT,
} | {(state, Verb.CLOSE): State.CLOSED for state in (State.FOUND, State.SEEN, State.CALLING)}

#: Alerts that still ask for a person.
OPEN: Final = (State.FOUND, State.SEEN, State.CALLING, State.REACHED, State.READ_BACK)

_ACTS: Final = {
    Verb.SEE: Act.CRITICAL_SEEN,
    Verb.CALL: Act.CRITICAL_CALLED,
    Verb.MISS: Act.CRITICAL_MISSED,
    Verb.REACH: Act.CRITICAL_REACHED,
    Verb.HEAR: Act.CRITICAL_READ_BACK,
    Verb.HAND_ON: Act.CRITICAL_MISSED,
    Verb.ACKNOWLEDGE: Act.CRITICAL_ACKNOWLEDGED,
    Verb.SEND: Act.CRITICAL_SENT,
    Verb.CLOSE: Act.CRITICAL_CLOSED,
}


class Contact(StrEnum):
    """Whom the laboratory rings, in the order of the list."""

    BIOLOGIST = "biologist"
    COLLEAGUE = "colleague"  #: mobile, or another biologist
    PRESCRIBER = "prescriber"
    SECOND = "second"  #: the prescriber's second number
    PHYSICIAN = "physician"  #: the treating physician
    NURSE = "nurse"  #: at home
    PATIENT = "patient"  #: by the biologist herself
    EMERGENCY = "emergency"  #: 15


class EndReason(StrEnum):
    """Why an alert ended without a call."""

    KNOWN = "known"  #: expected in this patient, told before
    WITHDRAWN = "withdrawn"  #: the value was corrected or taken back
    SAMPLE = "sample"  #: the sample was not fit
    NOT_CRITICAL = "not_critical"  #: looked at: it can wait
    ELSEWHERE = "elsewhere"  #: told from the laboratory system's own screen


class CriticalAlert(Base):
    """A report that cannot wait; neither the analysis nor the value stands here."""

    __tablename__ = "critical_alert"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index(None, "site_id", "state"),
        Index(None, "report_id"),
        CheckConstraint("(state = 'closed') = (end_reason IS NOT NULL)", name="closed_means_reason"),
        {"schema": STAFF_ONLY},
    )
    keep = "10 years: diffusion traces"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    report_id: Mapped[UUID] = mapped_column(ForeignKey(f"{STAFF_ONLY}.report.id"))
    #: The version in which it was found.
    version: Mapped[int]
    cause: Mapped[Cause] = mapped_column(Enum(Cause, native_enum=False, length=10, values_callable=list))
    #: HMAC of the critical lines: the same ones again are no second alert. Empty for a biologist's mark.
    lines_mac: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    state: Mapped[State] = mapped_column(Enum(State, native_enum=False, length=12, values_callable=list))
    #: The clock: when the laboratory system's message came.
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    found_at: Mapped[datetime] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    called_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reached_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    read_back_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    acknowledged_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: When it moved last.
    moved_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: Whom the call under way is for, and who makes it.
    contact: Mapped[Contact | None] = mapped_column(Enum(Contact, native_enum=False, length=10, values_callable=list))
    caller: Mapped[UUID | None]
    read_back_tries: Mapped[int]
    end_reason: Mapped[EndReason | None] = mapped_column(
        Enum(EndReason, native_enum=False, length=12, values_callable=list)
    )
    #: The form of a biologist's mark; drawn for one that intake has found.
    key: Mapped[str] = mapped_column(String(32))


class CriticalStep(Base):
    """One line of an alert's call log: who did what, when, towards whom."""

    __tablename__ = "critical_step"
    __table_args__ = (Index(None, "alert_id", "at"), {"schema": STAFF_ONLY})
    keep = "10 years: diffusion traces"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    alert_id: Mapped[UUID] = mapped_column(ForeignKey(f"{STAFF_ONLY}.critical_alert.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    by: Mapped[UUID]
    verb: Mapped[Verb] = mapped_column(Enum(Verb, native_enum=False, length=11, values_callable=list))
    contact: Mapped[Contact | None] = mapped_column(Enum(Contact, native_enum=False, length=10, values_callable=list))
    #: Name and RPPS number of who was reached, sealed.
    who: Mapped[bytes | None] = mapped_column(LargeBinary)


class NoAlert(NotFound):
    """There is no such critical value; look at the list again."""

    french = "Cette valeur critique n'est plus dans la liste. Regardez la liste à nouveau."


class NotFromHere(Conflict):
    """This critical value is no longer at that step; look at it again."""

    french = "Cette valeur critique n'est plus à cette étape. Regardez-la à nouveau."


def raise_alert(
    db: Session, version: ReportVersion, found: Sequence[Found], *, site_id: UUID, subkey: bytes, at: datetime,
    chance: Chance,
) -> CriticalAlert | None:  # fmt: skip
    """Open an alert for what intake has found, in its own transaction; the same lines again open none.

    Args:
        db: a session that writes the results.
        version: the version that was just filed.
        found: its lines that cannot wait.
        subkey: of the laboratory line, for the HMAC of those lines.
        at: when the message came: the clock starts here.
    """
    if not found:
        return None
    said = "\0".join(f"{'|'.join(one.line.key)}={one.line.value}|{one.line.unit}" for one in found)
    mac = key_of_message(b"critical\0" + said.encode(), subkey=subkey)
    if any(before.lines_mac == mac for before in alerts_of(db, version.report_id)):
        return None
    return _open(
        db, version, cause_of(found), site_id=site_id, mac=mac, by="exchange", at=at, chance=chance,
        key=chance(16).hex(),
    )  # fmt: skip


def mark(db: Session, report: Report, *, by: UUID, at: datetime, chance: Chance, key: str) -> CriticalAlert:
    """Open an alert by a biologist's word; she has seen it. The same form opens one.

    Raises:
        NoAlert: nothing of the report stands.
    """
    if before := answered(db, CriticalAlert, report.site_id, key):
        return before
    standing = select(ReportVersion).where(ReportVersion.report_id == report.id, ReportVersion.withdrawn_at.is_(None))
    version = db.scalars(standing.order_by(ReportVersion.version.desc())).first()
    if version is None:
        raise NoAlert
    alert = _open(db, version, Cause.MARK, site_id=report.site_id, mac=None, by=by, at=at, chance=chance, key=key)
    move(db, alert, Verb.SEE, by=by, at=at, chance=chance)
    return alert


def alert_of(db: Session, alert_id: UUID, *, lock: bool = False) -> CriticalAlert:
    """One alert.

    Raises:
        NoAlert: there is none.
    """
    row = db.get(CriticalAlert, alert_id, with_for_update=True if lock else None)
    if row is None:
        raise NoAlert
    return row


def alerts_of(db: Session, report_id: UUID) -> list[CriticalAlert]:
    """Every alert of a report, oldest first."""
    asked = select(CriticalAlert).where(CriticalAlert.report_id == report_id)
    return list(db.scalars(asked.order_by(CriticalAlert.found_at)))


def move_alerts(db: Session, report_id: UUID, to: ReportVersion) -> None:
    """Let the alerts of a report whose person was unknown follow it into the dossier; their clocks go on."""
    for alert in alerts_of(db, report_id):
        alert.report_id, alert.version = to.report_id, to.version


def open_alerts(db: Session, site_id: UUID) -> list[CriticalAlert]:
    """Every alert that still asks for a person, the longest received first."""
    asked = select(CriticalAlert).where(CriticalAlert.site_id == site_id, CriticalAlert.state.in_(OPEN))
    return list(db.scalars(asked.order_by(CriticalAlert.received_at, CriticalAlert.id)))


def to_send(db: Session, site_id: UUID) -> list[CriticalAlert]:
    """What was told and whose written report has not followed yet."""
    asked = select(CriticalAlert).where(CriticalAlert.site_id == site_id, CriticalAlert.state == State.ACKNOWLEDGED)
    return list(db.scalars(asked.order_by(CriticalAlert.received_at)))


def steps_of(db: Session, alert_id: UUID) -> list[CriticalStep]:
    """The call log of an alert, oldest first."""
    asked = select(CriticalStep).where(CriticalStep.alert_id == alert_id)
    return list(db.scalars(asked.order_by(CriticalStep.at, CriticalStep.id)))


def needs_fetching(alert: CriticalAlert, at: datetime) -> bool:
    """Tell whether reception fetches the biologist: nobody has looked, or nothing has moved."""
    if alert.state is State.FOUND:
        return at - alert.found_at >= UNSEEN
    return alert.state in OPEN and at - alert.moved_at >= STUCK


def move(
    db: Session, alert: CriticalAlert, verb: Verb, *, by: UUID, at: datetime, chance: Chance,
    contact: Contact | None = None, who: bytes | None = None, step_id: UUID | None = None,
) -> CriticalStep:  # fmt: skip
    """Make a move; the only setter of an alert's state. Log and journal know.

    Args:
        contact: towards whom.
        who: sealed name and number of who was reached, for the row `step_id`.

    Raises:
        NotFromHere: the table has no such move.
    """
    after = MOVES.get((alert.state, verb))
    if after is None:
        raise NotFromHere
    alert.state, alert.moved_at = after, at
    hours = {
        Verb.SEE: "seen_at", Verb.CALL: "called_at", Verb.REACH: "reached_at", Verb.HEAR: "read_back_at",
        Verb.ACKNOWLEDGE: "acknowledged_at", Verb.SEND: "sent_at",
    }  # fmt: skip
    if verb in hours and (getattr(alert, hours[verb]) is None or verb in {Verb.REACH, Verb.HEAR}):
        setattr(alert, hours[verb], at)
    step = CriticalStep(
        id=step_id or uuid7(at, chance), alert_id=alert.id, at=at, by=by, verb=verb, contact=contact, who=who
    )
    db.add(step)
    write(db, "results", _ACTS[verb], by=by, at=at, chance=chance, alert=alert.id, verb=verb)
    return step


def end(db: Session, alert: CriticalAlert, reason: EndReason, *, by: UUID, at: datetime, chance: Chance) -> None:
    """End an alert without a call, a biologist's act.

    Raises:
        NotFromHere: somebody was reached already.
    """
    alert.end_reason = reason
    move(db, alert, Verb.CLOSE, by=by, at=at, chance=chance)


def seal_who(name: str, rpps: str, *, step_id: UUID, power: Power, chance: Chance) -> bytes:
    """Seal who was reached, for one line of the log."""
    said = f"{' '.join(name.split())}\n{rpps.strip()}"
    return power.seal("critical_step", "who", step_id, said.encode(), chance=chance)


def who_was(step: CriticalStep, power: Power) -> str:
    """Who was reached, as name and number; empty where nobody was, or the line was moved from elsewhere."""
    opened = None if step.who is None else power.open("critical_step", "who", step.id, step.who)
    return "" if opened is None else ", ".join(part for part in opened.decode().split("\n") if part)


def _open(
    db: Session, version: ReportVersion, cause: Cause, *, site_id: UUID, mac: bytes | None, by: UUID | str,
    at: datetime, chance: Chance, key: str,
) -> CriticalAlert:  # fmt: skip
    alert = CriticalAlert(
        id=uuid7(at, chance), site_id=site_id, report_id=version.report_id, version=version.version, cause=cause,
        lines_mac=mac, state=State.FOUND, received_at=version.received_at, found_at=at, moved_at=at, read_back_tries=0,
        key=key,
    )  # fmt: skip
    db.add(alert)
    db.flush()  # the log refers to the row
    write(db, "results", Act.CRITICAL_FOUND, by=by, at=at, chance=chance, alert=alert.id, cause=cause)
    return alert
