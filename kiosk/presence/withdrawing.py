"""A role ends: an administrator asks for it, a biologist signs it; an account closes. Nothing brings either back."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kiosk.presence.duty import end_duty
from kiosk.presence.roles import (
    NoSuchGrant,
    RoleGrant,
    enter_signed,
    everyone,
    grants_of,
    is_withdrawn,
    roles_of,
    withdrawal_message,
)
from kiosk.presence.signins import sign_out_everywhere
from kiosk.register.accounts import NotYourself, is_closed, of_another, vouch
from kiosk.register.clock import Chance
from kiosk.register.errors import Conflict
from kiosk.register.journal import Act, write
from kiosk.register.staff import Actor, Power, Role


class LastBiologist(Conflict):
    """A laboratory has at least one biologist; let another one in first."""

    french = "C'est le dernier biologiste du laboratoire. Faites d'abord entrer un autre biologiste."


class BiologistEndsFirst(Conflict):
    """A biologist leaves by another biologist's signature; ask that the role be ended first."""

    french = "Un biologiste part par la signature d'un autre biologiste. Proposez d'abord de retirer ce rôle."


def ask_end(db: Session, grant_id: UUID, *, by: Actor, power: Power, at: datetime, chance: Chance) -> RoleGrant:
    """Ask that somebody else's role end; nothing changes until a biologist has signed it.

    Args:
        db: a session that writes the results side.
        by: who asks.

    Raises:
        NoSuchGrant: it is not in force.
        NotYourself: one's own role.
        LastBiologist: nobody would be left to sign.
    """
    grant = _in_force(db, grant_id, power)
    if grant.staff == by.id:
        raise NotYourself
    if grant.role is Role.BIOLOGIST and not other_biologists(db, grant.staff, power):
        raise LastBiologist
    if grant.end_asked_at is None:
        grant.end_asked_by, grant.end_asked_at = by.id, at.replace(microsecond=0)
        vouch(grant, power)
        write(
            db, "results", Act.GRANT_END_ASKED, by=by.id, at=at, chance=chance, staff=grant.staff, role=grant.role
        )  # fmt: skip
    return grant


def ends_waiting(db: Session, power: Power) -> list[RoleGrant]:
    """The roles in force that somebody has asked to end, the oldest question first."""
    asked = select(RoleGrant.staff).where(RoleGrant.end_asked_at.is_not(None), RoleGrant.ended_at.is_(None))
    found = [one for staff_id in set(db.scalars(asked)) for one in grants_of(db, staff_id, power)]
    return sorted((one for one in found if one.end_asked_at is not None), key=lambda one: (one.end_asked_at, one.id))


def keep_role(db: Session, grant_id: UUID, *, by: Actor, power: Power, at: datetime, chance: Chance) -> None:
    """Answer that a role stays as it is.

    Raises:
        NoSuchGrant: nobody asks for its end.
    """
    grant = _asked(db, grant_id, power)
    grant.end_asked_by = grant.end_asked_at = None
    vouch(grant, power)
    write(db, "results", Act.GRANT_KEPT, by=by.id, at=at, chance=chance, staff=grant.staff, role=grant.role)


def end_role(
    db: Session, grant_id: UUID, *, by: UUID, sign: Callable[[bytes], bytes], power: Power, at: datetime,
    chance: Chance,
) -> RoleGrant:  # fmt: skip
    """End a role by a biologist's signature: every sign-in and day of the person ends with it.

    Args:
        db: a session that writes the results side.
        by: the biologist's account.
        sign: makes an Ed25519 signature with the biologist's unlocked key.

    Raises:
        NoSuchGrant: nobody asks for its end, or it has ended.
        NotYourself: one's own role.
        LastBiologist: nobody would be left to sign.
        NotTheSigner: the signature is not that of a biologist whom the laboratory trusts.
    """
    grant = _asked(db, grant_id, power)
    if grant.staff == by:
        raise NotYourself
    if grant.role is Role.BIOLOGIST and not other_biologists(db, grant.staff, power):
        raise LastBiologist
    grant.ended_by, grant.ended_at = by, at.replace(microsecond=0)
    grant.end_signature = sign(withdrawal_message(grant))
    is_signed = is_withdrawn(db, grant, power)
    enter_signed(db, grant, Act.GRANT_ENDED, is_signed=is_signed, by=by, power=power, at=at, chance=chance)
    sign_out_everywhere(db, grant.staff, power=power, at=at, chance=chance)
    end_duty(db, grant.staff, None, power=power, at=at)
    return grant


def other_biologists(db: Session, staff_id: UUID, power: Power) -> list[UUID]:
    """Every biologist with an open account but this one."""
    return [
        staff.id
        for staff, roles in everyone(db, power)
        if Role.BIOLOGIST in roles and staff.id != staff_id and not is_closed(staff, power)
    ]


def disable(db: Session, staff_id: UUID, *, by: Actor, power: Power, at: datetime, chance: Chance) -> None:
    """Close an account from this moment on: every sign-in of it ends with it.

    Raises:
        BiologistEndsFirst: a biologist's role is ended before, by another biologist's signature.
    """
    staff = of_another(db, staff_id, by, power)
    if Role.BIOLOGIST in roles_of(db, staff.id, power):
        raise BiologistEndsFirst
    if staff.disabled_at is None:
        staff.disabled_at = at
        vouch(staff, power)
        write(db, "results", Act.STAFF_CLOSED, by=by.id, at=at, chance=chance, staff=staff.id)


def _in_force(db: Session, grant_id: UUID, power: Power) -> RoleGrant:
    grant = db.scalars(
        select(RoleGrant).where(RoleGrant.id == grant_id).with_for_update().execution_options(populate_existing=True)
    ).first()
    if grant is None or grant.id not in {one.id for one in grants_of(db, grant.staff, power)}:
        raise NoSuchGrant
    return grant


def _asked(db: Session, grant_id: UUID, power: Power) -> RoleGrant:
    grant = _in_force(db, grant_id, power)
    if grant.end_asked_at is None:
        raise NoSuchGrant
    return grant
