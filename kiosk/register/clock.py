"""The hour, the site's day and how both are written; the only room of the register that asks the system."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from secrets import token_bytes
from zoneinfo import ZoneInfo

Clock = Callable[[], datetime]
Chance = Callable[[int], bytes]

WEEKDAYS = ("lun.", "mar.", "mer.", "jeu.", "ven.", "sam.", "dim.")


def now() -> datetime:
    """The present instant, aware and in UTC."""
    return datetime.now(UTC)


def chance(size: int) -> bytes:
    """`size` unguessable bytes."""
    return token_bytes(size)


def day(timezone: str, at: datetime) -> date:
    """The site's own date at an instant: numbers and appointments hang on it."""
    return local(timezone, at).date()


def end_of_day(timezone: str, at: datetime) -> datetime:
    """When the site's own day ends."""
    tomorrow = day(timezone, at) + timedelta(days=1)
    return datetime.combine(tomorrow, time(), tzinfo=ZoneInfo(timezone)).astimezone(UTC)


def local(timezone: str, at: datetime) -> datetime:
    """The same instant on the site's wall clock.

    Raises:
        ValueError: when the instant is naive; it would be read in the machine's own zone.
    """
    if at.tzinfo is None:
        raise ValueError("a naive datetime is no instant")
    return at.astimezone(ZoneInfo(timezone))


def hour(timezone: str, at: datetime) -> str:
    """An hour as a French reader expects it: `8 h 10`, `17 h`."""
    wall = local(timezone, at)
    return f"{wall.hour} h {wall.minute:02d}" if wall.minute else f"{wall.hour} h"


def appointment_words(timezone: str, at: datetime) -> str:
    """A day and hour as on an appointment stub: `jeu. 12/03 17 h`."""
    wall = local(timezone, at)
    return f"{WEEKDAYS[wall.weekday()]} {wall:%d/%m} {hour(timezone, at)}"


def read_day(text: str) -> date:
    """Read a day as people here write it: `21/11/2026`, `21 11 2026` or `21112026`; `2026-11-21` too.

    Raises:
        ValueError: it is no day of the calendar.
    """
    parts = re.findall("[0-9]+", text)
    if len(parts) == 1 and len(parts[0]) == 8:
        parts = [parts[0][:2], parts[0][2:4], parts[0][4:]]
    if parts and len(parts[0]) == 4:
        parts.reverse()
    if len(parts) != 3 or len(parts[2]) != 4:
        raise ValueError("a day has a day, a month and a year of four digits")
    return date(int(parts[2]), int(parts[1]), int(parts[0]))


def minutes_between(earlier: datetime, later: datetime) -> int:
    """Whole minutes from one instant to another, never negative."""
    return max(0, (later - earlier) // timedelta(minutes=1))
