"""The telephone: who rang about what, how far the proof went, and how it ended; never by name."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, ColumnElement, Enum, Index, LargeBinary, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime, uuid7
from kiosk.register.errors import Conflict, NotFound
from kiosk.register.journal import Act, write
from kiosk.register.once import PageAlreadyUsed, answered
from results.callers.repeating import READ_BACK_TRIES
from results.callers.ring_back import seal_ring_back
from results.vault.counters import CALL_TRIES, Attempt
from results.vault.keys import KeyRing
from results.vault.slips import find_slip

#: A call that nobody has ended is over then; one that waits to be answered or rung stands until the day ends.
LASTS: Final = timedelta(minutes=10)
#: The same form sees the same answer again for as long as the page shows it.
SHOWN: Final = timedelta(seconds=120)


class State(StrEnum):
    """Where a call stands."""

    OPEN = "open"  #: the reference was read, nothing was told yet
    ASKED = "asked"  #: no slip at hand; rung at the patient's own number if anything may be told
    TOLD = "told"  #: the result was read
    READ_BACK = "read_back"  #: the caller has repeated it rightly
    VERIFIED = "verified"  #: the proof was right; the biologist answers
    CLOSED = "closed"  #: the outcome is written down


class Verb(StrEnum):
    """What may happen to a call."""

    TELL = "tell"
    HEAR = "hear"  #: the caller repeats rightly
    VERIFY = "verify"
    CLOSE = "close"


#: Every permitted move of a call.
MOVES: Final[dict[tuple[State, Verb], State]] = {
    (State.OPEN, Verb.TELL): State.TOLD,
    (State.OPEN, Verb.VERIFY): State.VERIFIED,
    (State.ASKED, Verb.TELL): State.TOLD,
    (State.VERIFIED, Verb.TELL): State.TOLD,
    (State.TOLD, Verb.HEAR): State.READ_BACK,
} | {(state, Verb.CLOSE): State.CLOSED for state in State if state is not State.CLOSED}

_NOT_ON_THE_LINE: Final = (State.ASKED, State.CLOSED)
_ACTS: Final = {Verb.HEAR: Act.CALL_READ_BACK, Verb.CLOSE: Act.CALL_CLOSED}


class Outcome(StrEnum):
    """How a call ended."""

    TOLD = "told"
    NOT_NOW = "not_now"  #: the one sentence
    PASSED = "passed"  #: handed to the biologist on the line
    CALL_BACK = "call_back"  #: the biologist will ring
    OTHER_PERSON = "other_person"
    NO_SLIP = "no_slip"
    CUT = "cut"  #: hung up
    NOT_REACHED = "not_reached"  #: nobody rings any more
    EXPIRED = "expired"


#: Ends of a call whose result must be repeated and was not: the biologist takes over, or the line is dead.
_WITHOUT_READ_BACK: Final = frozenset({Outcome.PASSED, Outcome.CALL_BACK, Outcome.CUT, Outcome.EXPIRED})


class PhoneCall(Base):
    """One person on the telephone about results."""

    __tablename__ = "phone_call"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index(None, "by", "opened_at"),
        Index(None, "site_id", "state"),
        CheckConstraint("(state = 'closed') = (outcome IS NOT NULL)", name="closed_means_outcome"),
        {"schema": STAFF_ONLY},
    )
    keep = "12 months: security log; the number to ring back until the biologist has rung"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    #: Staff id of who answers.
    by: Mapped[UUID]
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: From then on it opens nothing.
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: What the handle, or name and birth date, found; empty where nobody has them. They themselves are not here.
    slip_id: Mapped[UUID | None] = mapped_column(index=True)
    state: Mapped[State] = mapped_column(Enum(State, native_enum=False, length=9, values_callable=list))
    #: Whether the caller has to repeat what was told, and how often that was tried.
    reads_back: Mapped[bool]
    read_back_tries: Mapped[int]
    outcome: Mapped[Outcome | None] = mapped_column(Enum(Outcome, native_enum=False, length=12, values_callable=list))
    #: Number and hours for the biologist's call, sealed; emptied when she has rung.
    ring_back: Mapped[bytes | None] = mapped_column(LargeBinary)
    #: How often whoever was rung said another birth date.
    birth_tries: Mapped[int] = mapped_column(default=0)
    #: The form that was answered by the result where no code was: it alone sees it again, for two minutes.
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    told_key: Mapped[str | None] = mapped_column(String(32))
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    key: Mapped[str] = mapped_column(String(32))


class NoCall(NotFound):
    """There is no call under way here; begin with the caller's reference."""

    french = "Aucun appel n'est en cours. Commencez par la référence du talon."


class NotFromHere(Conflict):
    """This call cannot make that move from where it stands; look at it again."""

    french = "Cet appel n'est plus à cette étape. Regardez-le à nouveau."


class RepeatFirst(Conflict):
    """The caller must repeat the result rightly before the call is closed; or give the call to the biologist."""

    french = "Faites d'abord répéter le résultat. Si cela ne va pas, passez l'appel au biologiste."


def open_call(
    db: Session, keys: KeyRing, site_id: UUID, handle: str, *, by: UUID, at: datetime, chance: Chance, key: str
) -> PhoneCall:
    """Open the call of one handle, known or not: the row looks the same. The person's calls before it are over.

    Args:
        db: a session that writes the results.
        handle: six digits.
        key: the form's own key; the same form gets the same call.

    Raises:
        PageAlreadyUsed: the form was sent by somebody else.
    """
    if before := answered(db, PhoneCall, site_id, key):
        if before.by != by:
            raise PageAlreadyUsed
        return before
    expire_calls(db, site_id, at=at, chance=chance, on_the_line_of=by)
    slip = find_slip(db, keys, site_id, handle)
    call = PhoneCall(
        id=uuid7(at, chance), site_id=site_id, by=by, opened_at=at, ends_at=at + LASTS,
        slip_id=slip.id if slip else None, state=State.OPEN, reads_back=False, read_back_tries=0, key=key,
    )  # fmt: skip
    db.add(call)
    write(db, "results", Act.CALL_OPENED, by=by, at=at, chance=chance, call=call.id)
    return call


def current_call(db: Session, *, by: UUID, at: datetime) -> PhoneCall:
    """The call that a person has on the line.

    Raises:
        NoCall: none, or it is over.
    """
    newest = (
        select(PhoneCall)
        .where(PhoneCall.by == by, PhoneCall.state.not_in(_NOT_ON_THE_LINE), PhoneCall.ends_at > at)
        .order_by(PhoneCall.state == State.VERIFIED, PhoneCall.opened_at.desc())
    )
    call = db.scalars(newest).first()
    if call is None:
        raise NoCall
    return call


def call_of(db: Session, call_id: UUID, *, by: UUID, at: datetime, lock: bool = False) -> PhoneCall:
    """One call that this person has opened and that is not over.

    Args:
        lock: hold it to the end of a writing transaction.

    Raises:
        NoCall: there is none.
    """
    asked = select(PhoneCall).where(PhoneCall.id == call_id)
    call = db.scalar(asked.with_for_update() if lock else asked)
    if call is None or call.by != by or is_over(call, at):
        raise NoCall
    return call


def is_over(call: PhoneCall, at: datetime) -> bool:
    """Tell whether nothing can be done in this call any more."""
    return call.state is State.CLOSED or at >= call.ends_at


def tries_of(db: Session, call_id: UUID) -> int:
    """How many codes were said in this call, counted alike whatever became of them."""
    return db.scalar(select(func.count()).select_from(Attempt).where(Attempt.call_id == call_id)) or 0


def is_spent(tries: int) -> bool:
    """Tell whether this call has had its tries."""
    return tries >= CALL_TRIES


def is_shown_again(call: PhoneCall, *, key: str, by: UUID, at: datetime) -> bool:
    """Tell whether this very form was answered by the result a moment ago: Enter pressed twice sees the same page."""
    return call.told_key == key and call.by == by and call.told_at is not None and at - call.told_at < SHOWN


def tell(call: PhoneCall, *, reads_back: bool) -> None:
    """Note that the result was told, in the transaction that releases it."""
    _move(call, Verb.TELL)
    call.reads_back = reads_back


def verify(call: PhoneCall, *, until: datetime) -> None:
    """Note that the proof was right and the biologist answers, until the day ends; in the attempt's transaction."""
    _move(call, Verb.VERIFY)
    call.ends_at = until


def hear(db: Session, call: PhoneCall, *, is_same: bool, by: UUID, at: datetime, chance: Chance) -> bool:
    """Note what the caller has repeated: the same, or one try more.

    Returns:
        Whether it was the same; the third that is not goes to the biologist.
    """
    if call.state is State.READ_BACK:
        return True
    if MOVES.get((call.state, Verb.HEAR)) is None or call.read_back_tries >= READ_BACK_TRIES:
        raise NotFromHere
    if not is_same:
        call.read_back_tries += 1
        return False
    _move(call, Verb.HEAR)
    write(db, "results", _ACTS[Verb.HEAR], by=by, at=at, chance=chance, call=call.id)
    return True


def close(
    db: Session,
    keys: KeyRing,
    call: PhoneCall,
    outcome: Outcome,
    *,
    ring_back: str = "",
    by: UUID,
    at: datetime,
    chance: Chance,
) -> None:
    """End a call, or leave it to the biologist; the number that she will ring stays sealed until she has.

    Args:
        ring_back: number and hours, for an outcome of `CALL_BACK`.

    Raises:
        RepeatFirst: a result that must be repeated was not, and no biologist takes over.
        NumberMissing: nothing to ring.
        NotFromHere: the call is closed, or the outcome does not fit where it stands.
    """
    if call.state is State.TOLD and call.reads_back and outcome not in _WITHOUT_READ_BACK:
        raise RepeatFirst
    if (outcome is Outcome.TOLD) != (call.state in {State.TOLD, State.READ_BACK}) and outcome in {
        Outcome.TOLD,
        Outcome.NOT_NOW,
    }:
        raise NotFromHere
    if outcome is Outcome.CALL_BACK:
        if call.state not in {State.VERIFIED, State.TOLD}:
            raise NotFromHere
        call.ring_back = seal_ring_back(keys, PhoneCall.__tablename__, call.id, ring_back, chance=chance)
    if call.state is State.VERIFIED and outcome in {Outcome.PASSED, Outcome.CALL_BACK}:
        # It waits for the biologist as it is, on the line or beside her telephone: nothing was told yet.
        write(db, "results", Act.CALL_VERIFIED, by=by, at=at, chance=chance, call=call.id, outcome=outcome)
        return
    _move(call, Verb.CLOSE)
    call.outcome, call.closed_at = outcome, at
    write(db, "results", _ACTS[Verb.CLOSE], by=by, at=at, chance=chance, call=call.id, outcome=outcome)


def expire_calls(
    db: Session, site_id: UUID, *, at: datetime, chance: Chance, on_the_line_of: UUID | None = None
) -> int:
    """Close the calls that nobody has ended in time; before each new one and at start-up.

    Args:
        on_the_line_of: this person begins another call: whatever was on the line is over too.
    """
    late: ColumnElement[bool] = PhoneCall.ends_at <= at
    if on_the_line_of is not None:
        late |= (PhoneCall.by == on_the_line_of) & PhoneCall.state.not_in((State.ASKED, State.VERIFIED))
    asked = select(PhoneCall).where(PhoneCall.site_id == site_id, PhoneCall.state != State.CLOSED, late)
    calls = list(db.scalars(asked))
    for call in calls:
        _move(call, Verb.CLOSE)
        call.outcome, call.closed_at = Outcome.EXPIRED, at
        write(db, "results", Act.CALL_EXPIRED, by=call.by, at=at, chance=chance, call=call.id)
    return len(calls)


def _move(call: PhoneCall, verb: Verb) -> None:
    after = MOVES.get((call.state, verb))
    if after is None:
        raise NotFromHere
    call.state = after
