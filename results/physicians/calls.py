"""A physician on the telephone: how far the proof went, what was told, and whether it was repeated."""

from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Enum, Index, String, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime, uuid7
from kiosk.register.errors import NotFound
from kiosk.register.journal import Act, write
from kiosk.register.once import PageAlreadyUsed, answered
from results.callers.calls import LASTS, NotFromHere, RepeatFirst
from results.callers.repeating import READ_BACK_TRIES
from results.physicians.proof import PhysicianTry

TRIES: Final = 3


class State(StrEnum):
    """Where a physician's call stands."""

    OPEN = "open"  #: an RPPS number was said, anybody's or nobody's
    RINGING = "ringing"  #: the laboratory rings the number on file
    REACHED = "reached"  #: who answers there is the physician
    VERIFIED = "verified"  #: the proof was right; the biologist answers
    TOLD = "told"  #: the result was read
    READ_BACK = "read_back"  #: it was repeated rightly
    CLOSED = "closed"  #: the outcome is written down


class Verb(StrEnum):
    """What may happen to a physician's call."""

    PROMISE = "promise"  #: to ring back
    REACH = "reach"
    VERIFY = "verify"
    TELL = "tell"
    HEAR = "hear"  #: repeated rightly
    CLOSE = "close"


#: Every permitted move of a physician's call.
MOVES: Final[dict[tuple[State, Verb], State]] = {
    (State.OPEN, Verb.PROMISE): State.RINGING,
    (State.RINGING, Verb.REACH): State.REACHED,
    (State.OPEN, Verb.VERIFY): State.VERIFIED,
    (State.REACHED, Verb.VERIFY): State.VERIFIED,
    (State.OPEN, Verb.TELL): State.TOLD,
    (State.REACHED, Verb.TELL): State.TOLD,
    (State.VERIFIED, Verb.TELL): State.TOLD,
    (State.TOLD, Verb.HEAR): State.READ_BACK,
} | {(state, Verb.CLOSE): State.CLOSED for state in State if state is not State.CLOSED}

#: What outlives the ten minutes of a call on the line.
_LATER: Final = (State.RINGING, State.VERIFIED)


class Proof(StrEnum):
    """What has proved the physician."""

    DIGITS = "digits"  #: six spoken digits
    CALL_BACK = "call_back"  #: answered at the number on file


class Outcome(StrEnum):
    """How a physician's call ended."""

    TOLD = "told"
    NOT_NOW = "not_now"  #: the one sentence
    PASSED = "passed"  #: the biologist takes over
    NOT_REACHED = "not_reached"
    CUT = "cut"
    EXPIRED = "expired"


class PhysicianCall(Base):
    """One physician, or somebody who says so, on the telephone."""

    __tablename__ = "physician_call"
    __table_args__ = (
        UniqueConstraint("site_id", "key"),
        Index(None, "site_id", "state"),
        Index(None, "by", "opened_at"),
        CheckConstraint("(state = 'closed') = (outcome IS NOT NULL)", name="closed_means_outcome"),
        {"schema": STAFF_ONLY},
    )
    keep = "10 years: diffusion traces name it"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    #: Staff id of who answers.
    by: Mapped[UUID]
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: The number that was said, whoever has it.
    rpps: Mapped[str] = mapped_column(String(11))
    #: Who has proved themselves; empty until then.
    physician_id: Mapped[UUID | None] = mapped_column(index=True)
    proof: Mapped[Proof | None] = mapped_column(Enum(Proof, native_enum=False, length=9, values_callable=list))
    #: The visit whose results were asked for, once the rule has said more than the one sentence.
    visit_id: Mapped[UUID | None]
    state: Mapped[State] = mapped_column(Enum(State, native_enum=False, length=9, values_callable=list))
    told_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: The form that was answered by the result: it alone sees it again, for two minutes.
    told_key: Mapped[str | None] = mapped_column(String(32))
    read_back_tries: Mapped[int]
    outcome: Mapped[Outcome | None] = mapped_column(Enum(Outcome, native_enum=False, length=11, values_callable=list))
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    key: Mapped[str] = mapped_column(String(32))


class NoCall(NotFound):
    """There is no physician's call under way here; begin with the RPPS number."""

    french = "Aucun appel de médecin n'est en cours. Commencez par le numéro RPPS."


def open_call(
    db: Session, site_id: UUID, rpps: str, *, by: UUID, at: datetime, chance: Chance, key: str
) -> PhysicianCall:
    """Open a physician's call, known or not: the row looks the same. This person's calls on the line are over.

    Raises:
        PageAlreadyUsed: the form was sent by somebody else.
    """
    if before := answered(db, PhysicianCall, site_id, key):
        if before.by != by:
            raise PageAlreadyUsed
        return before
    expire(db, site_id, at=at, chance=chance, on_the_line_of=by)
    call = PhysicianCall(
        id=uuid7(at, chance), site_id=site_id, by=by, opened_at=at, ends_at=at + LASTS, rpps=rpps, physician_id=None,
        proof=None, visit_id=None, state=State.OPEN, told_at=None, told_key=None, read_back_tries=0, outcome=None,
        closed_at=None, key=key,
    )  # fmt: skip
    db.add(call)
    write(db, "results", Act.CALL_OPENED, by=by, at=at, chance=chance, call=call.id)
    return call


def call_of(db: Session, call_id: UUID, *, by: UUID, at: datetime, lock: bool = False) -> PhysicianCall:
    """One call of this person that is not over.

    Raises:
        NoCall: there is none.
    """
    asked = select(PhysicianCall).where(PhysicianCall.id == call_id)
    call = db.scalar(asked.with_for_update() if lock else asked)
    if call is None or call.by != by or call.state is State.CLOSED or at >= call.ends_at:
        raise NoCall
    return call


def tries_of(db: Session, call_id: UUID) -> int:
    """How many times digits were said in this call."""
    return db.scalar(select(func.count()).select_from(PhysicianTry).where(PhysicianTry.call_id == call_id)) or 0


def promise(
    db: Session, call: PhysicianCall, physician_id: UUID | None, *, until: datetime, by: UUID, at: datetime,
    chance: Chance,
) -> None:  # fmt: skip
    """Promise to ring the number on file; for a number that nobody has, the same words, and nobody will ring.

    Args:
        physician_id: whom the RPPS number names and whose number is on file, None for every other case.
        until: when the day ends.
    """
    if physician_id is None:
        _end(call, Outcome.NOT_NOW, at)
        write(db, "results", Act.CALL_CLOSED, by=by, at=at, chance=chance, call=call.id, outcome=Outcome.NOT_NOW)
        return
    move(call, Verb.PROMISE)
    call.physician_id, call.ends_at = physician_id, until


def reach(db: Session, call: PhysicianCall, *, by: UUID, at: datetime, chance: Chance) -> None:
    """Note that the physician has answered at the number on file: that is the proof."""
    move(call, Verb.REACH)
    call.by, call.proof, call.ends_at = by, Proof.CALL_BACK, at + LASTS
    write(db, "results", Act.CALL_REACHED, by=by, at=at, chance=chance, call=call.id, physician=call.physician_id or 0)


def take_over(call: PhysicianCall, *, by: UUID, at: datetime) -> None:
    """A biologist answers a call that was proved.

    Raises:
        NotFromHere: nothing waits for a biologist here.
    """
    if call.state is not State.VERIFIED or at >= call.ends_at:
        raise NotFromHere
    call.by = by


def hear(db: Session, call: PhysicianCall, *, is_same: bool, by: UUID, at: datetime, chance: Chance) -> bool:
    """Note what was repeated: the same, or one try more.

    Returns:
        Whether it was the same; the third that is not goes to the biologist.
    """
    if call.state is State.READ_BACK:
        return True
    if call.state is not State.TOLD or call.read_back_tries >= READ_BACK_TRIES:
        raise NotFromHere
    if not is_same:
        call.read_back_tries += 1
        return False
    move(call, Verb.HEAR)
    write(db, "results", Act.CALL_READ_BACK, by=by, at=at, chance=chance, call=call.id)
    return True


def close(db: Session, call: PhysicianCall, outcome: Outcome, *, by: UUID, at: datetime, chance: Chance) -> None:
    """End a physician's call.

    Raises:
        RepeatFirst: what was told was not repeated, and no biologist takes over.
        NotFromHere: the outcome does not fit where it stands.
    """
    if call.state is State.TOLD and outcome in {Outcome.TOLD, Outcome.NOT_NOW, Outcome.NOT_REACHED}:
        raise RepeatFirst
    if outcome is Outcome.TOLD and call.state is not State.READ_BACK:
        raise NotFromHere
    _end(call, outcome, at)
    write(db, "results", Act.CALL_CLOSED, by=by, at=at, chance=chance, call=call.id, outcome=outcome)


def waiting(db: Session, site_id: UUID, state: State, *, at: datetime) -> list[PhysicianCall]:
    """The calls that wait to be rung back, or for the biologist, oldest first."""
    asked = select(PhysicianCall).where(
        PhysicianCall.site_id == site_id, PhysicianCall.state == state, PhysicianCall.ends_at > at
    )
    return list(db.scalars(asked.order_by(PhysicianCall.opened_at)))


def expire(db: Session, site_id: UUID, *, at: datetime, chance: Chance, on_the_line_of: UUID | None = None) -> int:
    """Close the calls that nobody has ended in time."""
    late = PhysicianCall.ends_at <= at
    if on_the_line_of is not None:
        late |= (PhysicianCall.by == on_the_line_of) & PhysicianCall.state.not_in(_LATER)
    asked = select(PhysicianCall).where(PhysicianCall.site_id == site_id, PhysicianCall.state != State.CLOSED, late)
    calls = list(db.scalars(asked))
    for call in calls:
        _end(call, Outcome.EXPIRED, at)
        write(db, "results", Act.CALL_EXPIRED, by=call.by, at=at, chance=chance, call=call.id)
    return len(calls)


def move(call: PhysicianCall, verb: Verb) -> None:
    """Make a move; the only setter of a call's state.

    Raises:
        NotFromHere: the table has no such move.
    """
    after = MOVES.get((call.state, verb))
    if after is None:
        raise NotFromHere
    call.state = after


def _end(call: PhysicianCall, outcome: Outcome, at: datetime) -> None:
    move(call, Verb.CLOSE)
    call.outcome, call.closed_at = outcome, at
