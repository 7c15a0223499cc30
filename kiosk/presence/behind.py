"""Whom a browser's token stands for: all that is behind it is one question, asked at every request."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import Table, bindparam, inspect, select
from sqlalchemy.orm import Session

from kiosk.presence.roles import RoleGrant, grant_message
from kiosk.presence.signins import Present, SignIn, digest_of
from kiosk.register.accounts import Staff, vouched
from kiosk.register.database import Base, table_of
from kiosk.register.staff import Actor, Power, Role

#: A row for each role of the person: sign-in, account, role, and the account of whoever signed it.
_KINDS: Final[tuple[type[Base], ...]] = (SignIn, Staff, RoleGrant, Staff)


@dataclass(frozen=True, kw_only=True)
class _Signed:
    """A role, and what its signature has to be compared with at each request: a biologist may have left since."""

    id: UUID
    role: Role
    signer: str
    message: bytes
    signature: bytes


@dataclass(frozen=True, kw_only=True)
class _Proved:
    """What the rows say, once all of them are vouched for; hours, endings and signatures are asked at each request."""

    present: Present
    ends_at: datetime
    idle: timedelta
    roles: tuple[_Signed, ...]


def resume(db: Session, token: str, *, power: Power, at: datetime, pc: UUID | None = None) -> Present | None:
    """The person of a token; None when it ended, was silent too long, or anything behind it is not vouched for.

    Args:
        pc: the paired PC that asks; a sign-in of a paired PC is worth nothing on any other.
    """
    digest = digest_of(token)
    if digest is None:
        return None
    db.flush()  # what this transaction itself has changed counts too
    rows = tuple(tuple(row) for row in db.connection().execute(_BEHIND, {"digest": digest}))
    found = _prove(rows, cast(Any, power))
    if found is None or found.present.pc not in {None, pc} or power.has_ended(found.present.actor.id):
        return None
    if at >= found.ends_at or at - found.present.seen_at > found.idle:
        return None
    roles = frozenset(
        one.role
        for one in found.roles
        if not power.has_ended(one.id) and power.verify_grant(db, one.signer, one.message, one.signature)
    )
    return replace(found.present, actor=replace(found.present.actor, roles=roles))


@lru_cache(maxsize=256)
def _prove(rows: tuple[tuple[Any, ...], ...], power: Power) -> _Proved | None:
    """Prove the rows behind a token, once for the very values that were read: a row that is changed is proved anew."""
    if not rows:
        return None
    read = [_as_rows(row) for row in rows]
    sign_in, staff = read[0][:2]
    if not isinstance(sign_in, SignIn) or not vouched(sign_in, power) or sign_in.closed_at is not None:
        return None
    if not isinstance(staff, Staff) or not vouched(staff, power):
        return None
    if staff.disabled_at is not None or staff.password_hash is None:
        return None
    present = Present(
        sign_in=sign_in.id, actor=Actor(id=staff.id, name=staff.name, roles=frozenset()), desk=sign_in.desk,
        pc=sign_in.pc, is_by_pin=sign_in.is_by_pin, opened_at=sign_in.opened_at, seen_at=sign_in.seen_at,
        proved_at=sign_in.proved_at, raised_until=sign_in.raised_until,
    )  # fmt: skip
    roles = (_signed(grant, signer, power) for _, _, grant, signer in read)
    return _Proved(
        present=present, ends_at=sign_in.ends_at, idle=timedelta(seconds=sign_in.idle_s),
        roles=tuple(one for one in roles if one is not None),
    )  # fmt: skip


def _signed(grant: Base | None, signer: Base | None, power: Power) -> _Signed | None:
    """A role that this house has written and that was signed and not ended; whose signature counts is asked later."""
    if not isinstance(grant, RoleGrant) or not isinstance(signer, Staff):
        return None
    if grant.signature is None or grant.ended_at is not None or not vouched(grant, power) or not vouched(signer, power):
        return None
    return _Signed(
        id=grant.id, role=grant.role, signer=signer.login, message=grant_message(grant), signature=grant.signature
    )


def _as_rows(values: Sequence[Any]) -> list[Base | None]:
    """One row of the answer as the rows that it is made of; None where there is no such row."""
    left = iter(values)
    parts = ((kind, list(islice(left, len(_columns(kind))))) for kind in _KINDS)
    return [
        None if all(value is None for value in part) else kind(**dict(zip(_columns(kind), part, strict=True)))
        for kind, part in parts
    ]


def _columns(kind: type[Base]) -> list[str]:
    return [column.key for column in inspect(kind).columns]


def _question() -> Any:
    sign_in, staff, role = (table_of(kind) for kind in _KINDS[:3])
    signer = staff.alias()
    asked: tuple[Table | Any, ...] = (sign_in, staff, role, signer)
    return (
        select(*asked)
        .join_from(sign_in, staff, staff.c.id == sign_in.c.staff)
        .outerjoin(role, role.c.staff == staff.c.id)
        .outerjoin(signer, signer.c.id == role.c.signer)
        .where(sign_in.c.token == bindparam("digest"))
        .order_by(role.c.id)
    )


#: Built once: every request asks.
_BEHIND: Final = _question()
