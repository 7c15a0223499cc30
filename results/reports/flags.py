"""Which visibility flags of the laboratory system stand for a report: every one that was ever up, until a biologist."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Enum, ForeignKey, Index, LargeBinary, String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.register.accounts import vouch, vouched
from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime
from kiosk.register.errors import NotFound
from kiosk.register.journal import Act, write
from kiosk.register.staff import Power
from results.reports.sorting import Flag
from results.reports.versions import Report, ReportVersion, versions_of


class FlagNotice(Base):
    """A message that changed the visibility of a report and nothing else; it only closes, so nobody vouches for it."""

    __tablename__ = "flag_notice"
    __table_args__ = (Index(None, "report_id"), {"schema": STAFF_ONLY})
    keep = "as its report"

    #: The message that brought it, and the report that it speaks of.
    message_id: Mapped[UUID] = mapped_column(primary_key=True)
    report_id: Mapped[UUID] = mapped_column(ForeignKey(f"{STAFF_ONLY}.report.id"), primary_key=True)
    #: Flags that are up in it, parted by blanks; empty when it loosens, which waits for the biologist.
    flags: Mapped[str] = mapped_column(String(60))
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)


class FlagLift(Base):
    """A biologist has opened a way that a flag had closed; what comes later with the flag up closes it again."""

    __tablename__ = "flag_lift"
    __table_args__ = ({"schema": STAFF_ONLY},)
    keep = "10 years: diffusion traces"

    report_id: Mapped[UUID] = mapped_column(ForeignKey(f"{STAFF_ONLY}.report.id"), primary_key=True)
    flag: Mapped[Flag] = mapped_column(Enum(Flag, native_enum=False, length=13, values_callable=list), primary_key=True)
    by: Mapped[UUID]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: HMAC of the row: without it nothing is lifted.
    mac: Mapped[bytes] = mapped_column(LargeBinary(32))


class NoSuchFlag(NotFound):
    """This flag does not stand any more; look at the list again."""

    french = "Cette voie n'est plus fermée par le SIL. Regardez la liste à nouveau."


@dataclass(frozen=True, kw_only=True)
class Raised:
    """One flag that stands for a report."""

    flag: Flag
    #: When it came up last.
    since: datetime
    #: Whether the newest word of the laboratory system is without it: it asks to be lifted.
    is_dropped: bool


@dataclass(frozen=True, kw_only=True)
class Flagged:
    """A report of which a way is closed."""

    report_id: UUID
    #: Whose it is, None while it is held.
    dossier_id: UUID | None
    flags: tuple[Raised, ...]


def raised_for(db: Session, report_id: UUID, power: Power) -> list[Raised]:
    """The flags that stand for a report: the strictest of all versions, what a biologist has lifted since left out."""
    words = sorted(_words(db, report_id), key=lambda word: word[0])
    latest = {flag: at for at, flags in words for flag in flags}
    lifts = {
        row.flag: row.at
        for row in db.scalars(select(FlagLift).where(FlagLift.report_id == report_id))
        if vouched(row, power)
    }
    return [
        Raised(flag=flag, since=since, is_dropped=flag not in words[-1][1])
        for flag, since in sorted(latest.items())
        if flag not in lifts or since > lifts[flag]
    ]


def reports_flagged(db: Session, site_id: UUID, power: Power) -> list[Flagged]:
    """Every report of which a way is closed now, the oldest first."""
    said = select(ReportVersion.report_id).where(ReportVersion.flags != "")
    noticed = select(FlagNotice.report_id).where(FlagNotice.flags != "")
    asked = select(Report).where(Report.site_id == site_id, Report.id.in_(said.union(noticed))).order_by(Report.id)
    found = [
        Flagged(report_id=report.id, dossier_id=report.dossier, flags=tuple(raised_for(db, report.id, power)))
        for report in db.scalars(asked)
    ]
    return [one for one in found if one.flags]


def flags_standing(db: Session, report_id: UUID, power: Power) -> frozenset[Flag]:
    """The flags that close ways of a report now."""
    return frozenset(one.flag for one in raised_for(db, report_id, power))


def lift_flag(
    db: Session, report_id: UUID, flag: Flag, *, by: UUID, power: Power, at: datetime, chance: Chance
) -> None:
    """Open a way that the laboratory system had closed; a biologist's act, with unlocked keys.

    Args:
        db: a session that writes the results.
        by: the biologist's staff id.
        power: vouches for the row.
        at: now.
        chance: gives the journal's salt.

    Raises:
        NoSuchFlag: it does not stand.
    """
    if flag not in flags_standing(db, report_id, power):
        raise NoSuchFlag
    row = db.get(FlagLift, (report_id, flag))
    if row is None:
        row = FlagLift(report_id=report_id, flag=flag)
        db.add(row)
    row.by, row.at = by, at
    vouch(row, power)
    write(db, "results", Act.FLAG_LIFTED, by=by, at=at, chance=chance, report=report_id, flag=flag)


def note_flags(
    db: Session, report_id: UUID, flags: frozenset[Flag], *, message_id: UUID, at: datetime, chance: Chance
) -> None:
    """File a message that speaks of a known report's visibility alone.

    Args:
        db: a session that writes the results.
        flags: what is up in it.
        message_id: the row that keeps its bytes.
        at: the instant of receipt.
        chance: gives the journal's salt.
    """
    db.add(FlagNotice(message_id=message_id, report_id=report_id, flags=" ".join(sorted(flags)), received_at=at))
    write(db, "results", Act.FLAG_SET, by="exchange", at=at, chance=chance, report=report_id)


def _words(db: Session, report_id: UUID) -> list[tuple[datetime, frozenset[Flag]]]:
    """Each word of the laboratory system on a report's visibility, with its hour."""
    notices = db.scalars(select(FlagNotice).where(FlagNotice.report_id == report_id))
    return [
        *((version.received_at, version.flags_up) for version in versions_of(db, report_id)),
        *((row.received_at, frozenset(map(Flag, row.flags.split()))) for row in notices),
    ]
