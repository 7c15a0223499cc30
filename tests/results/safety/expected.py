"""What must happen to a report and its codes, told a second time from the release note: it imports no rule."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

# Section 3 of the note, C0 to C5 from left to right: S the secretary, A once the biologist has agreed, B the
# biologist, . nobody.
PHONE, COUNTER, WITHOUT_CODE, CALL_BACK = "SSSB..", "SSSBB.", "SSABB.", "SS...."
LASTS, STALE, REMEMBERED = timedelta(minutes=10), timedelta(seconds=30), timedelta(seconds=120)
#: Section 9: how long the telephone waits after each failure of a slip.
WAITS = (0, 0, 30, 120, 600, 3600)


@dataclass(kw_only=True)
class Version:
    """One message's word on a report."""

    rank: int
    is_known: bool
    is_partial: bool
    state: str = "sealed"
    promised: datetime | None = None
    tellings: int = 0


@dataclass(kw_only=True)
class Report:
    """A report of the laboratory system, with its versions."""

    number: str
    code: str
    id: UUID
    versions: list[Version] = field(default_factory=list)
    is_held: bool = False

    def newest(self) -> Version | None:
        """The newest version that stands."""
        standing = [one for one in self.versions if one.state != "withdrawn"]
        return standing[-1] if standing else None

    def is_ripe(self, at: datetime) -> bool:
        """Whether it may be told at this hour, as far as it is concerned itself."""
        newest = self.newest()
        if newest is None or newest.state != "signed" or self.is_held or not newest.is_known:
            return False
        return newest.promised is not None and at >= newest.promised


@dataclass(kw_only=True)
class House:
    """What holds for everyone's results."""

    is_stopped: bool = False


@dataclass(kw_only=True)
class Paper:
    """A slip as its bearer holds it."""

    id: UUID
    handle: str
    codes: tuple[str, ...]
    pin: str
    state: str
    dossier: "File"
    #: The lines that were spoken rightly.
    spent: set[int] = field(default_factory=set)
    #: Its lines were deleted, sixty days after the promised hour.
    is_purged: bool = False

    def ready(self) -> list[int]:
        """The lines that still open."""
        return [] if self.state != "valid" else [line for line in (1, 2, 3, 4) if line not in self.spent]


@dataclass(kw_only=True)
class File:
    """One visit's results."""

    id: UUID
    name: str
    visit: object
    ranks: set[int]
    codes: list[str]
    promised: datetime
    wishes: frozenset[str] = frozenset()
    #: A number of the patient's own was given with the choices of the visit.
    has_number: bool = True
    reports: list[Report] = field(default_factory=list)
    slips: list[Paper] = field(default_factory=list)
    whole: frozenset[int] | None = None
    #: What another hand has changed: the column, and what stood there.
    changed: tuple[str, object] | None = None
    house: House = field(default_factory=House)

    @property
    def is_tampered(self) -> bool:
        return self.changed is not None

    def is_sealed_to(self) -> bool:
        """Whether something confidential was ever sealed to its key."""
        return any(version.rank >= 2 for report in self.reports for version in report.versions)

    def decides(self, table: str, at: datetime, *, is_biologist: bool = False, away: bool = False) -> str:
        """Tell, biologist or not now, for the patient: sections 3 to 5 of the note."""
        newest = [report.newest() for report in self.reports]
        ripe = [report.is_ripe(at) for report in self.reports]
        if not any(ripe) or self.is_tampered or self.house.is_stopped:
            return "not_now"
        rank = max([*self.ranks, *(one.rank for one in newest if one is not None)])
        complete = self.whole == frozenset(self.ranks) and not any(one.is_partial for one in newest if one)
        if rank >= 2 and not (all(ripe) and complete):
            return "not_now"
        letter = table[rank]
        if letter == "." or (away and "in_person_only" in self.wishes):
            return "not_now"
        return "tell" if letter == "S" or is_biologist else "biologist"


@dataclass(kw_only=True)
class Try:
    """One code that was said and counted."""

    key: str
    slip: Paper
    line: int
    call: UUID
    by: str
    at: datetime
    on_the_phone: bool
    is_tested: bool
    state: str

    @property
    def is_failure(self) -> bool:
        """Whether it counts against the telephone."""
        return self.on_the_phone and self.is_tested and self.state not in {"released", "verified"}


@dataclass(kw_only=True)
class Call:
    """A call on somebody's line."""

    id: UUID
    slip: Paper | None
    by: str
    ends: datetime
    state: str = "open"
    reads_back: bool = False


@dataclass(kw_only=True)
class Expected:
    """Every counter, as section 9 of the note writes it down."""

    tries: list[Try] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    closed_until: datetime | None = None
    reopened: datetime | None = None

    def line_on_the_phone(self, slip: Paper | None, call: UUID, by: str, at: datetime) -> int | None:
        """The line that the telephone may try now."""
        if slip is None or slip.state != "valid" or self.clock_went_back(at):
            return None
        failures = [one for one in self.tries if one.is_failure]
        mine = [one for one in failures if one.by == by and one.at > at - timedelta(hours=1)]
        of_slip = [one for one in failures if one.slip is slip]
        tested = sum(one.call == call and one.is_tested for one in self.tries)
        shut = (
            self.is_closed(at)
            or (len(mine) >= 20 and at < max(one.at for one in mine) + timedelta(minutes=15))
            or tested >= 3
            or len(of_slip) >= 10
        )
        if of_slip and not shut:
            wait = WAITS[min(len(of_slip), len(WAITS)) - 1]
            shut = at < max(one.at for one in of_slip) + timedelta(seconds=wait)
        if shut:
            return None
        open_lines = [line for line in slip.ready() if sum(one.line == line for one in of_slip) < 3]
        return open_lines[0] if open_lines else None

    def line_at_the_counter(self, slip: Paper, at: datetime) -> int | None:
        """The line that the counter may try now: no limit of the telephone holds there."""
        ready = slip.ready()
        return ready[0] if ready and not self.clock_went_back(at) else None

    def may_be_rung(self, one: File, at: datetime) -> bool:
        """Whether whoever has no slip at hand is rung: a slip and a number of their own, and nothing of C2 or above."""
        slips = [slip for slip in one.slips if slip.state == "valid"]
        worn = any(sum(each.is_failure and each.slip is slip for each in self.tries) >= 10 for slip in slips)
        return bool(slips) and not worn and one.has_number and one.decides(CALL_BACK, at, away=True) == "tell"

    def clock_went_back(self, at: datetime) -> bool:
        """Whether an attempt lies in the future."""
        return any(one.at > at + timedelta(seconds=10) for one in self.tries)

    def is_closed(self, at: datetime) -> bool:
        """Whether the laboratory's telephone route is closed."""
        return self.closed_until is not None and at < self.closed_until

    def is_too_much(self, at: datetime) -> bool:
        """Whether the laboratory has had too many failures since the route was last reopened."""
        since = [one.at for one in self.tries if one.is_failure and (not self.reopened or one.at > self.reopened)]
        return (
            sum(one > at - timedelta(hours=1) for one in since) >= 60
            or sum(one > at - timedelta(days=1) for one in since) >= 300
        )

    def pending(self, slip: Paper) -> bool:
        """Whether an attempt on this slip is under way."""
        return any(one.slip is slip and one.state == "pending" for one in self.tries)

    def fail_stale(self, at: datetime) -> None:
        """What never came to its end has failed."""
        for one in self.tries:
            if one.state == "pending" and one.at <= at - STALE:
                one.state = "failed"
