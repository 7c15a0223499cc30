"""Lost proofs are given back by two people: one asks, another one confirms, and neither of them is the person."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.presence.duty import end_duty
from kiosk.presence.signins import sign_out_everywhere
from kiosk.register.accounts import Invited, NotYourself, reset_totp, staff_of, vouch, vouched
from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime, uuid7
from kiosk.register.errors import NotAllowed, NotFound
from kiosk.register.journal import Act, write
from kiosk.register.staff import Actor, Power

#: A request that nobody has confirmed by then must be made again.
WAITS: Final = timedelta(hours=24)


class NoSuchReset(NotFound):
    """This request was answered already, or a day has passed; it must be made again."""

    french = "Cette demande a déjà eu sa réponse, ou un jour a passé. Elle est à refaire."


class NotBothPeople(NotAllowed):
    """Whoever asked for it does not confirm it; a second person must."""

    french = "Vous avez fait cette demande : une deuxième personne doit la confirmer."


class ProofReset(Base):
    """A request to take somebody's lost proofs away, so that new ones can be set."""

    __tablename__ = "proof_reset"
    __table_args__ = ({"schema": STAFF_ONLY},)
    keep = "12 months"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    staff: Mapped[UUID] = mapped_column(ForeignKey(f"{STAFF_ONLY}.staff.id"), index=True)
    asked_by: Mapped[UUID] = mapped_column(ForeignKey(f"{STAFF_ONLY}.staff.id"))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    confirmed_by: Mapped[UUID | None] = mapped_column(ForeignKey(f"{STAFF_ONLY}.staff.id"))
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: HMAC of the row: without it the row gives nothing.
    mac: Mapped[bytes] = mapped_column(LargeBinary(32))


def ask_reset(db: Session, staff_id: UUID, *, by: Actor, power: Power, at: datetime, chance: Chance) -> ProofReset:
    """Ask that somebody's lost proofs be taken away; nothing changes until a second person has confirmed it.

    Args:
        db: a session that writes the results side.
        by: who asks; never for oneself.

    Raises:
        NotYourself: one's own account.
        NoSuchAccount: there is none.
    """
    if staff_id == by.id:
        raise NotYourself
    staff_of(db, staff_id, power)
    for waiting in resets_waiting(db, power=power, at=at):
        if waiting.staff == staff_id:
            return waiting
    row = ProofReset(
        id=uuid7(at, chance), staff=staff_id, asked_by=by.id, asked_at=at, confirmed_by=None, confirmed_at=None
    )
    vouch(row, power)
    db.add(row)
    write(db, "results", Act.SIGNIN_RESET_ASKED, by=by.id, at=at, chance=chance, staff=staff_id)
    return row


def confirm_reset(db: Session, reset_id: UUID, *, by: Actor, power: Power, at: datetime, chance: Chance) -> Invited:
    """Confirm a request as the second person: every proof and sign-in ends, and a code invites to set new ones.

    Args:
        by: neither the person nor whoever asked.

    Returns:
        the code, shown to the second person alone, who gives it in person.

    Raises:
        NoSuchReset: answered already, older than a day, or not written by this house.
        NotBothPeople: whoever asked confirms.
        NotYourself: one's own account.
    """
    row = db.scalars(select(ProofReset).where(ProofReset.id == reset_id).with_for_update()).first()
    if row is None or not _waits(row, power=power, at=at):
        raise NoSuchReset
    if by.id == row.asked_by:
        raise NotBothPeople
    invited = take_proofs_away(db, row.staff, by=by, power=power, at=at, chance=chance)
    row.confirmed_by, row.confirmed_at = by.id, at
    vouch(row, power)
    return invited


def take_proofs_away(db: Session, staff_id: UUID, *, by: Actor, power: Power, at: datetime, chance: Chance) -> Invited:
    """End every proof, sign-in and day of a person, and invite them to set new proofs; two people have agreed to it.

    Args:
        by: the second person; the first asked for it on a screen, or sits at the machine's own terminal.

    Raises:
        NotYourself: one's own account.
    """
    invited = reset_totp(db, staff_id, by=by, power=power, at=at, chance=chance)
    sign_out_everywhere(db, staff_id, power=power, at=at, chance=chance)
    end_duty(db, staff_id, None, power=power, at=at)
    return invited


def resets_waiting(db: Session, *, power: Power, at: datetime) -> Sequence[ProofReset]:
    """The requests that wait for a second person, the oldest first."""
    rows = db.scalars(select(ProofReset).where(ProofReset.confirmed_at.is_(None)).order_by(ProofReset.asked_at)).all()
    return [row for row in rows if _waits(row, power=power, at=at)]


def _waits(row: ProofReset, *, power: Power, at: datetime) -> bool:
    return vouched(row, power) and row.confirmed_at is None and row.asked_at <= at < row.asked_at + WAITS
