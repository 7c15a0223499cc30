"""Somebody leaves: a role ends by a biologist's signature, what a biologist has signed is upheld, and no file lags."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from kiosk.presence.roles import RoleGrant, is_withdrawn, roles_of
from kiosk.presence.withdrawing import end_role
from kiosk.register.accounts import Staff, staff_of, vouched
from kiosk.register.clock import Chance
from kiosk.register.staff import Power, Role
from labels.validation import SignedTubes
from results.matrix import SignedMatrix
from results.reports.versions import ReportVersion
from results.trust.standing import close, standing_of, uphold
from results.vault.keys import BiologistKeys, KeyRing, take_private_halves
from results.vault.sealing import sign


def let_go(
    db: Session, keys: KeyRing, grant_id: UUID, *, biologist: BiologistKeys, by: UUID, power: Power, at: datetime,
    chance: Chance,
) -> RoleGrant:  # fmt: skip
    """End a role that somebody has asked to end; of a biologist, uphold everything that was signed in office.

    The caller commits, then calls `keep_endings`: from then on no older database brings it back.

    Args:
        db: a session that writes the results.
        keys: the staff programme's keys.
        grant_id: the role.
        biologist: unlocked keys of whoever agrees.
        by: their staff id.
        power: vouches for accounts and roles.
        at: now.
        chance: gives the journal's salts.

    Raises:
        NoSuchGrant, NotYourself, LastBiologist, NotTheSigner: nothing ends.
    """
    grant = end_role(db, grant_id, by=by, sign=partial(sign, biologist.signer_seed), power=power, at=at, chance=chance)
    if grant.role is Role.BIOLOGIST:
        leaver = staff_of(db, grant.staff, power)
        uphold(db, keys, leaver.login, _signatures(db, leaver), by=biologist, at=at)
    return grant


def keep_endings(db: Session, keys: KeyRing, power: Power) -> None:
    """Write beside the keys every account and role that has ended, and take away the keys of who left.

    Asked after each commit that ends something and at every start: killed in between, nothing stays open.

    Args:
        db: a session that may read.
        keys: the staff programme's keys.
        power: only what this house has written is believed, so that a stranger's row locks nobody out for ever.
    """
    standing = standing_of(keys)
    ended: dict[UUID, datetime] = {}
    left: dict[str, datetime] = {}
    for grant in db.scalars(select(RoleGrant).where(RoleGrant.ended_at.is_not(None)).order_by(RoleGrant.ended_at)):
        at, login = grant.ended_at, db.get_one(Staff, grant.staff).login
        if at is None or grant.id in standing.ended or not vouched(grant, power) or not is_withdrawn(db, grant, power):
            continue
        ended[grant.id] = at
        if grant.role is Role.BIOLOGIST and Role.BIOLOGIST not in roles_of(db, grant.staff, power):
            left[login] = at
    for staff in db.scalars(select(Staff).where(Staff.disabled_at.is_not(None))):
        if staff.disabled_at is not None and vouched(staff, power):
            ended[staff.id] = staff.disabled_at
    close(keys, left=left, ended=ended)
    for person in standing_of(keys).left:
        take_private_halves(keys.folder, person)


def _signatures(db: Session, leaver: Staff) -> Iterator[bytes]:
    """Everything that somebody has signed: tables, roles given and taken, reports."""
    yield from db.scalars(select(SignedMatrix.signature).where(SignedMatrix.signer == leaver.login))
    yield from db.scalars(select(SignedTubes.signature).where(SignedTubes.signer == leaver.login))
    asked = (
        select(RoleGrant.signature).where(RoleGrant.signer == leaver.id),
        select(RoleGrant.end_signature).where(RoleGrant.ended_by == leaver.id),
        select(ReportVersion.signature).where(ReportVersion.signer == leaver.id),
    )
    for one in asked:
        yield from (signature for signature in db.scalars(one) if signature is not None)
