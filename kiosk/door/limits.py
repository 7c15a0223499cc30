"""How often one screen or one caller may ask: more than people do, far less than a programme can."""

from collections import defaultdict, deque
from collections.abc import Hashable
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock
from typing import Final

from kiosk.register.errors import Later

#: Names that are remembered at once; beyond it the oldest page of the memory is turned.
REMEMBERED: Final = 4096


class TooOften(Later):
    """One screen asks more often than people do; it waits a little and goes on by itself."""

    french = "Il y a beaucoup de demandes. Attendez un instant."


@dataclass(frozen=True, kw_only=True)
class Rate:
    """So many in so long."""

    most: int
    within: timedelta


#: What is counted. A hurried line takes five numbers in a minute at one kiosk; a pairing code of eight signs of 32
#: lasts a quarter of an hour; a whole waiting room may follow the line behind one address.
RATES: Final = {
    "numbers": Rate(most=30, within=timedelta(minutes=1)),
    "help": Rate(most=12, within=timedelta(minutes=1)),
    "pairing": Rate(most=10, within=timedelta(minutes=1)),
    "following": Rate(most=600, within=timedelta(minutes=1)),
}


class Limits:
    """What was asked of late, kept in memory by the one programme that answers the door."""

    def __init__(self) -> None:
        self._taken: dict[tuple[str, Hashable], deque[datetime]] = defaultdict(deque)
        self._turn = Lock()

    def take(self, what: str, name: Hashable, *, at: datetime) -> None:
        """Count one more of something for a name.

        Raises:
            TooOften: it has had all that it may have for now; nothing is counted.
        """
        with self._turn:
            if len(self._taken) > REMEMBERED:
                self._taken.clear()
            times = self._taken[what, name]
            while times and times[0] <= at - RATES[what].within:
                times.popleft()
            if len(times) >= RATES[what].most:
                raise TooOften
            times.append(at)
