"""How long the rows of each table are kept: one line a table, read by the purge and compared with what it says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cache
from types import MappingProxyType
from typing import Final

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Date,
    ForeignKey,
    FromClause,
    Table,
    and_,
    bindparam,
    exists,
    false,
    not_,
    select,
)

from kiosk.counter import history
from kiosk.door.devices import Device
from kiosk.door.shown import Shown
from kiosk.register import clock
from kiosk.register.database import Base
from labels import bedside, changes, printing, scanning
from results.amending import retracting, telling_again
from results.callers import calls as callers
from results.callers import messages
from results.critical import drills, escalation
from results.desks import replacing
from results.handing import asking, hand_over_record, letters, mandates
from results.keeping import comparing
from results.physicians import calls, orders, proof
from results.vault import counters, releases

#: The rooms of the tables that are named below: a table is known once its room is loaded, whoever asks for a purge.
ROOMS: Final = (
    history, bedside, changes, printing, scanning, retracting, telling_again, callers, messages, drills, escalation,
    replacing, asking, hand_over_record, letters, mandates, comparing, calls, orders, proof, counters, releases,
)  # fmt: skip

#: Whoever came shortly before midnight may still be waited for.
_MIDNIGHT: Final = timedelta(hours=6)


@dataclass(frozen=True, kw_only=True)
class Span:
    """A time by the calendar."""

    years: int = 0
    days: int = 0

    def before(self, at: datetime) -> datetime:
        """The instant so long ago; from 29 February it is 28 February, so that nothing goes a day too soon."""
        day = 28 if (at.month, at.day) == (2, 29) and self.years else at.day
        return at.replace(year=at.year - self.years, day=day) - timedelta(days=self.days)

    @property
    def french(self) -> str:
        """As a person says it."""
        if self.years:
            return f"{self.years} ans" if self.years > 1 else "12 mois"
        return f"{self.days} jours" if self.days else "la journée"


@dataclass(frozen=True, kw_only=True)
class Rule:
    """When a row is no longer kept: so long after a column's instant, and not before what hangs on it is gone too."""

    span: Span
    #: Column from which it counts; a row where it is empty is kept.
    since: str = ""
    #: Column of the foreign key to the row that decides instead.
    of: str = ""
    #: What keeps it longer.
    unless: Callable[[FromClause, BindParameter[datetime]], ColumnElement[bool]] | None = None


def _same_patient(row: FromClause, cut: BindParameter[datetime]) -> ColumnElement[bool]:
    """A file is kept whole until so long after the last visit."""
    later = _table("recognition").alias()
    return exists(select(1).where(later.c.patient_id == row.c.patient_id, later.c.at >= cut))


def _told(column: str, of: str) -> Callable[[FromClause, BindParameter[datetime]], ColumnElement[bool]]:
    """Traces that name it without a foreign key."""

    def unless(row: FromClause, cut: BindParameter[datetime]) -> ColumnElement[bool]:
        trace = _table(of).alias()
        return exists(select(1).where(trace.c[column] == row.c.id, trace.c.at >= cut))

    return unless


def _waits(row: FromClause, cut: BindParameter[datetime]) -> ColumnElement[bool]:
    """A message that waits for a person waits as long as it must: none is ever dropped."""
    del cut
    return row.c.state == "held"


_DAY, _TWO_DAYS = Span(), Span(days=2)
_YEAR, _TWO, _TEN, _TWENTY = Span(years=1), Span(years=2), Span(years=10), Span(years=20)

#: Table -> its rule. Sources: release.md section 14 (CSP L.1142-28: 10 years; CNIL 2021-122: 6 to 12 months).
RULES: Final[Mapping[str, Rule]] = MappingProxyType({
    "said": Rule(span=_DAY, of="visit_id"),
    "answer": Rule(span=_DAY, of="visit_id"),
    Shown.__tablename__: Rule(span=_DAY, since="day"),
    "event": Rule(span=_TWO_DAYS, since="at"),
    Device.__tablename__: Rule(span=_TWO, since="revoked_at"),
    "counter_answer": Rule(span=_TEN, since="at"),
    "appointment": Rule(span=_TWO, since="day"),
    "ticket_counter": Rule(span=_TWO, since="day"),
    "sample_counter": Rule(span=_TWO, since="day"),
    "learnt_laws": Rule(span=_TWO, since="day"),
    "visit": Rule(span=_TEN, since="day"),
    "visit_move": Rule(span=_TEN, since="at"),
    "prescription": Rule(span=_TEN, since="entered_at"),
    "prescribed_exam": Rule(span=_TEN, of="prescription_id"),
    "plan_change": Rule(span=_TEN, since="at"),
    "tube": Rule(span=_TEN, since="numbered_at"),
    "label_copy": Rule(span=_TEN, of="tube_id"),
    "tube_scan": Rule(span=_TEN, since="at"),
    "stop_answer": Rule(span=_TEN, of="scan_id"),
    "scan_form": Rule(span=_TEN, of="scan_id"),
    "identity_check": Rule(span=_TEN, since="at"),
    "ticket_proof": Rule(span=_TEN, since="at"),
    "recognition": Rule(span=_TWENTY, since="at", unless=_same_patient),
    "patient": Rule(span=_TWENTY, since="created_at"),
    "results.duty": Rule(span=_YEAR, since="until"),
    "results.pin_try": Rule(span=_YEAR, since="at"),
    "results.paired_pc": Rule(span=_YEAR, since="revoked_at"),
    "results.proof_reset": Rule(span=_YEAR, since="asked_at"),
    "results.sign_in_try": Rule(span=_YEAR, since="at"),
    "results.sign_in": Rule(span=_YEAR, since="opened_at"),
    "results.attempt": Rule(span=_YEAR, since="at"),
    "results.note_comparison": Rule(span=_YEAR, since="at"),
    "results.phone_closure": Rule(span=_YEAR, since="closed_at"),
    "results.phone_call": Rule(span=_YEAR, since="opened_at"),
    "results.biologist_message": Rule(span=_YEAR, since="at"),
    "results.physician_try": Rule(span=_YEAR, since="at"),
    "results.critical_drill": Rule(span=_YEAR, since="ends_at"),
    "results.slip": Rule(span=_YEAR, since="voided_at"),
    "results.slip_order": Rule(span=_YEAR, of="slip_id"),
    "results.message": Rule(span=_YEAR, since="received_at", unless=_waits),
    "results.message_repeat": Rule(span=_YEAR, of="message_id"),
    "results.staff": Rule(span=_TEN, since="disabled_at"),
    "results.role": Rule(span=_TEN, of="staff"),
    "results.dossier": Rule(span=_TEN, since="shredded_at", unless=_told("dossier_id", "results.release_act")),
    "results.report": Rule(span=_TEN, since="created_at", unless=_told("report_id", "results.release_act")),
    "results.report_version": Rule(span=_TEN, since="received_at"),
    "results.release_act": Rule(span=_TEN, since="at"),
    "results.told_again": Rule(span=_TEN, since="at"),
    "results.hand_over": Rule(span=_TEN, since="at"),
    "results.hand_over_request": Rule(span=_TEN, since="at"),
    "results.slip_request": Rule(span=_TEN, since="at"),
    "results.letter": Rule(span=_TEN, since="at"),
    "results.retraction": Rule(span=_TEN, since="at"),
    "results.discreet_visit": Rule(span=_TEN, since="at"),
    "results.mandate": Rule(span=_TEN, since="until"),
    "results.flag_lift": Rule(span=_TEN, since="at"),
    "results.flag_notice": Rule(span=_TEN, of="report_id"),
    "results.report_hold": Rule(span=_TEN, since="at"),
    "results.critical_alert": Rule(span=_TEN, since="moved_at"),
    "results.critical_step": Rule(span=_TEN, since="at"),
    "results.critical_limit": Rule(span=_TEN, since="ended_at"),
    "results.escalation_step": Rule(span=_TEN, since="ended_at"),
    "results.physician": Rule(span=_TEN, since="closed_at"),
    "results.physician_call": Rule(span=_TEN, since="opened_at"),
    "results.order_physician": Rule(span=_TEN, since="at"),
})  # fmt: skip

#: Tables whose rows go with a dossier's key (`shredding`), and those of the journals' words (`traces`).
SHREDDED: Final = frozenset({
    "results.escrow_share", "results.sealed_key", "results.code_line", "results.delivery", "results.whole_dossier",
    "results.said_prescriber", "results.patient_number",
})  # fmt: skip
TEXTS: Final = frozenset({"journal_text", "results.journal_text"})


@cache
def expired(name: str) -> ColumnElement[bool]:
    """Say in SQL which rows of a table are no longer kept: too old, and nothing that is kept stands on them.

    It is built once and asked with the `cuts` of the moment: most of a purge's work was to build it.

    Args:
        name: the table.
    """
    return _expired(name, _table(name))


def cuts(*, at: datetime, timezone: str) -> dict[str, datetime | date]:
    """From when back each span's rows are too old now: what `expired` is asked with.

    Args:
        at: now.
        timezone: the site's, whose days they are.
    """
    values: dict[str, datetime | date] = {}
    for span in {rule.span for rule in RULES.values()}:
        cut = span.before(at)
        values[_instant(span)] = cut
        values[_day(span)] = clock.day(timezone, cut - (_MIDNIGHT if span == _DAY else timedelta()))
    return values


def _expired(name: str, row: FromClause) -> ColumnElement[bool]:
    if name not in RULES:
        return false()
    rule = RULES[name]
    if rule.of:
        (key,) = _table(name).c[rule.of].foreign_keys
        parent = key.column.table.alias()
        old = _too_old(key.column.table.key, rule.span, parent)
        decides: ColumnElement[bool] = exists(select(1).where(row.c[rule.of] == parent.c[key.column.name], old))
    else:
        decides = _too_old(name, rule.span, row)
    terms: list[ColumnElement[bool]] = [decides]
    if rule.unless is not None:
        terms.append(not_(rule.unless(row, bindparam(_instant(rule.span)))))
    for other in Base.metadata.tables.values():
        for key in points(other, name) if other.key != name else ():
            above = other.alias()
            kept = not_(_expired(other.key, above))
            terms.append(not_(exists(select(1).where(above.c[key.parent.name] == row.c[key.column.name], kept))))
    return and_(*terms)


def points(table: Table, name: str) -> list[ForeignKey]:
    """The foreign keys of a table to another one, by its name."""
    return [key for key in table.foreign_keys if key.column.table.key == name]


def _too_old(name: str, span: Span, row: FromClause) -> ColumnElement[bool]:
    column = row.c[RULES[name].since]
    cut = _day(span) if isinstance(column.type, Date) else _instant(span)
    return and_(column.is_not(None), column < bindparam(cut))


def _instant(span: Span) -> str:
    return f"instant_{span.years}_{span.days}"


def _day(span: Span) -> str:
    return f"day_{span.years}_{span.days}"


def _table(name: str) -> Table:
    return Base.metadata.tables[name]
