"""How long critical values waited: what the biologist and the manager read, and what a table calculator takes."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kiosk.register.clock import local
from results.critical.alerts import CriticalAlert, State

#: Release note, section 12: reached within half an hour in 95 %, nobody after an hour (CLSI GP47).
TARGET: Final = timedelta(minutes=30)
NEVER_OVER: Final = timedelta(hours=1)
_HEAD: Final = (
    "jour", "reçue", "vue (min)", "appel (min)", "joint (min)", "répétée (min)", "prise en charge (min)",
    "envoyée (min)", "origine", "état",
)  # fmt: skip
_CAUSES: Final = {"flag": "signal du SIL", "limit": "borne", "unreadable": "illisible", "mark": "biologiste"}
_STATES: Final = {
    "found": "non vue", "seen": "vue", "calling": "appel en cours", "reached": "joint", "read_back": "répétée",
    "acknowledged": "prise en charge", "sent": "compte rendu envoyé", "closed": "close sans appel",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Times:
    """One alert's minutes from receipt; None for what has not happened."""

    received_at: datetime
    seen: int | None
    called: int | None
    reached: int | None
    read_back: int | None
    acknowledged: int | None
    sent: int | None
    cause: str
    state: str


@dataclass(frozen=True, kw_only=True)
class Summary:
    """All alerts of some days in a few figures; what ended without a call is counted apart."""

    count: int
    closed: int
    reached: int
    #: Reached within the target, in percent of all that had to be.
    share: int
    #: Minutes from receipt to reached: the middle one and the longest.
    median: int | None
    longest: int | None
    #: Not reached within an hour, or still not reached after it.
    over: int


def alerts_between(db: Session, site_id: UUID, start: datetime, end: datetime) -> list[CriticalAlert]:
    """Every alert received from one instant to another, oldest first."""
    asked = select(CriticalAlert).where(
        CriticalAlert.site_id == site_id, CriticalAlert.received_at >= start, CriticalAlert.received_at < end
    )
    return list(db.scalars(asked.order_by(CriticalAlert.received_at, CriticalAlert.id)))


def times_of(alert: CriticalAlert) -> Times:
    """The minutes of one alert."""

    def minutes(at: datetime | None) -> int | None:
        return None if at is None else max(0, (at - alert.received_at) // timedelta(minutes=1))

    return Times(
        received_at=alert.received_at, seen=minutes(alert.seen_at), called=minutes(alert.called_at),
        reached=minutes(alert.reached_at), read_back=minutes(alert.read_back_at),
        acknowledged=minutes(alert.acknowledged_at), sent=minutes(alert.sent_at), cause=_CAUSES[alert.cause],
        state=_STATES[alert.state],
    )  # fmt: skip


def summary(alerts: Sequence[CriticalAlert], at: datetime) -> Summary:
    """Sum up."""
    due = [alert for alert in alerts if alert.state is not State.CLOSED]
    waits = sorted(alert.reached_at - alert.received_at for alert in due if alert.reached_at is not None)
    pending = [at - alert.received_at for alert in due if alert.reached_at is None]
    in_time = sum(wait <= TARGET for wait in waits)
    # What still waits and is not late yet counts neither way.
    counted = len(waits) + sum(wait > TARGET for wait in pending)
    minute = timedelta(minutes=1)
    median = waits[len(waits) // 2] // minute if waits else None
    return Summary(
        count=len(alerts), closed=len(alerts) - len(due), reached=len(waits),
        share=100 if not counted else 100 * in_time // counted, median=median,
        longest=waits[-1] // minute if waits else None, over=sum(wait > NEVER_OVER for wait in (*waits, *pending)),
    )  # fmt: skip


def as_csv(alerts: Sequence[CriticalAlert], timezone: str) -> str:
    """A table with semicolons, as French table calculators read it; no name, no analysis, no value."""
    text = io.StringIO()
    table = csv.writer(text, delimiter=";", lineterminator="\r\n")
    table.writerow(_HEAD)
    for alert in alerts:
        one, wall = times_of(alert), local(timezone, alert.received_at)
        minutes = (one.seen, one.called, one.reached, one.read_back, one.acknowledged, one.sent)
        table.writerow(
            [
                f"{wall:%d/%m/%Y}",
                f"{wall:%H:%M}",
                *("" if part is None else part for part in minutes),
                one.cause,
                one.state,
            ]
        )
    return text.getvalue()
