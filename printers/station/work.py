"""All that the print station asks of the spool: a station elsewhere needs these calls answered, and no others."""

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Protocol

from printers.moves import State, Verb
from printers.rows import Attempt, Job, Place, PrinterState, Proved


class Work(Protocol):
    """The jobs of an instance as its station sees them; `StationSpool` is one, and says what each call does.

    Each call is a commit of its own: what was answered is so, whatever becomes of the station afterwards.
    """

    def next_job(self, printer: str) -> Job | None:
        """The job whose turn it is."""

    def jobs_of(self, printer: str, states: Iterable[State]) -> list[Job]:
        """Jobs of this printer in these states, oldest first."""

    def payload(self, key: str) -> bytes | None:
        """The sealed paper, None once erased."""

    def begin(
        self, key: str, *, at: datetime, printer: str | None = None, asks_id: bool = True, dots: str = ""
    ) -> Attempt:
        """Commit `sending`: only after this may the first byte leave."""

    def hand_over(self, key: str, attempt: Attempt, *, sha256: str, at: datetime) -> object:
        """Commit `sent`."""

    def prove(self, printer: str, pid: bytes, *, at: datetime) -> Job | None:
        """Confirm the job that waits for this proof of this printer."""

    def move(self, key: str, verb: Verb, *, by: str, at: datetime, reason: str = "", printer: str | None = None) -> Job:
        """Make one move of the table."""

    def recover(self, printer: str, *, at: datetime) -> list[Job]:
        """After a start: what was under way is unsure."""

    def last_outcome(self, printer: str) -> str | None:
        """How the last attempt on this printer ended."""

    def hand_on(
        self, keys: Iterable[str], to: str, *, by: str, at: datetime, chance: Callable[[int], bytes], reason: str = ""
    ) -> list[Job]:
        """Give to another printer what was never sent."""

    def describe(self, places: Iterable[Place], *, at: datetime) -> None:
        """Write down which printers the station serves."""

    def is_paused(self, printer: str) -> bool:
        """Whether a person has paused this printer."""

    def tell(self, printer: str, state: str, cause: str, *, at: datetime) -> None:
        """Write down what the station sees of a printer."""

    def printers(self) -> list[PrinterState]:
        """What was last seen of each printer."""

    def proved(self, printer: str) -> Proved | None:
        """What the last pairing of this printer proved."""

    def last_number(self) -> int:
        """The highest number that a station has published."""

    def publish(self, *, number: int, key: bytes, signature: bytes, at: datetime) -> None:
        """Show the key of a station that starts."""

    def beat(self, number: int, *, at: datetime) -> None:
        """The station says that it is alive."""

    def leave(self, number: int, *, at: datetime) -> None:
        """The station says that it stops."""
