"""A role is proposed by one person and gives something once a biologist has signed it."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, LargeBinary, select, text
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.register.accounts import NoSuchAccount, Staff, canonical_of, of_another, staff_of, vouch, vouched
from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime, uuid7
from kiosk.register.errors import NotAllowed, NotFound
from kiosk.register.journal import Act, write
from kiosk.register.staff import Actor, Power, Role

_GRANT: Final = b"etiquette/grant/1\x00"
_WITHDRAWAL: Final = b"etiquette/withdrawal/1\x00"
#: What came after a grant was signed; an empty column is in no canonical row.
_END: Final[Mapping[str, None]] = dict.fromkeys(
    ("end_asked_by", "end_asked_at", "ended_by", "ended_at", "end_signature")
)


class NoSuchGrant(NotFound):
    """This proposal has its answer already; go back to the list."""

    french = "Cette proposition a déjà sa réponse. Revenez à la liste."


class NotTheSigner(NotAllowed):
    """Only a biologist whom the laboratory trusts signs a role, with their own key."""

    french = "Seul un biologiste reconnu par le laboratoire signe un rôle, avec sa propre clé."


class RoleGrant(Base):
    """A role that was proposed for a person, and gives something once a biologist has signed it."""

    __tablename__ = "role"
    __table_args__ = (
        Index(
            "uq_role_in_force", "staff", "role", unique=True, sqlite_where=text("ended_at IS NULL"),
            postgresql_where=text("ended_at IS NULL"),
        ),
        CheckConstraint("(ended_at IS NULL) = (end_signature IS NULL)", name="ended_means_signed"),
        {"schema": STAFF_ONLY},
    )  # fmt: skip
    keep = "10 years after the account is closed: release traces hang on it"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    staff: Mapped[UUID] = mapped_column(ForeignKey(f"{STAFF_ONLY}.staff.id"))
    role: Mapped[Role] = mapped_column(Enum(Role, native_enum=False, length=13, values_callable=list))
    #: The biologist who signed, when, and the Ed25519 signature over all columns but itself and the HMAC.
    signer: Mapped[UUID | None] = mapped_column(ForeignKey(f"{STAFF_ONLY}.staff.id"))
    granted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    signature: Mapped[bytes | None] = mapped_column(LargeBinary(64))
    #: Who has asked that it end, and when; nothing has changed by that.
    end_asked_by: Mapped[UUID | None] = mapped_column(ForeignKey(f"{STAFF_ONLY}.staff.id"))
    end_asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    #: The biologist who has ended it, when, and the Ed25519 signature over all columns but itself and the HMAC.
    ended_by: Mapped[UUID | None] = mapped_column(ForeignKey(f"{STAFF_ONLY}.staff.id"))
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    end_signature: Mapped[bytes | None] = mapped_column(LargeBinary(64))
    mac: Mapped[bytes] = mapped_column(LargeBinary(32))


def grant_message(grant: RoleGrant) -> bytes:
    """What a biologist signs: every column of the grant but the signature, the HMAC and what comes after."""
    return _GRANT + canonical_of(grant, signature=None, **_END)


def withdrawal_message(grant: RoleGrant) -> bytes:
    """What a biologist signs who ends a role: every column of the grant but the last signature and the HMAC."""
    return _WITHDRAWAL + canonical_of(grant, end_signature=None)


def everyone(db: Session, power: Power) -> list[tuple[Staff, frozenset[Role]]]:
    """Every account with the roles that are in force, by name."""
    rows = db.scalars(select(Staff).order_by(Staff.name)).all()
    return [(row, roles_of(db, row.id, power)) for row in rows if vouched(row, power)]


def roles_of(db: Session, staff_id: UUID, power: Power) -> frozenset[Role]:
    """The roles that are in force now."""
    return frozenset(grant.role for grant in grants_of(db, staff_id, power))


def grants_of(db: Session, staff_id: UUID, power: Power) -> list[RoleGrant]:
    """What is in force: vouched for, signed by a biologist whom the laboratory trusts, and never ended."""
    if power.has_ended(staff_id):
        return []
    grants = db.scalars(select(RoleGrant).where(RoleGrant.staff == staff_id, RoleGrant.ended_at.is_(None))).all()
    return [
        grant
        for grant in grants
        if not power.has_ended(grant.id) and vouched(grant, power) and is_granted(db, grant, power)
    ]


def propose_role(
    db: Session, staff_id: UUID, role: Role, *, by: Actor | None, power: Power, at: datetime, chance: Chance
) -> RoleGrant:
    """Propose a role for somebody else; it gives nothing until a biologist has signed it.

    Args:
        by: who proposes; None for the first accounts of an instance.
    """
    staff = staff_of(db, staff_id, power) if by is None else of_another(db, staff_id, by, power)
    known = db.scalars(
        select(RoleGrant).where(RoleGrant.staff == staff.id, RoleGrant.role == role, RoleGrant.ended_at.is_(None))
    ).first()
    if known is not None and vouched(known, power) and not power.has_ended(known.id):
        return known
    if known is not None:
        db.delete(known)
        db.flush()  # the place of a row that nobody vouches for is taken again
    grant = RoleGrant(id=uuid7(at, chance), staff=staff.id, role=role, signer=None, granted_at=None, signature=None)
    vouch(grant, power)
    db.add(grant)
    write(
        db, "results", Act.GRANT_PROPOSED, by=by.id if by else "init", at=at, chance=chance, staff=staff.id, role=role
    )
    return grant


def proposed_grants(db: Session, power: Power) -> list[RoleGrant]:
    """The roles that wait for a biologist's signature, the oldest first; closed accounts left out."""
    rows = db.scalars(
        select(RoleGrant).join(Staff, Staff.id == RoleGrant.staff)
        .where(RoleGrant.signature.is_(None), Staff.disabled_at.is_(None)).order_by(RoleGrant.id)
    ).all()  # fmt: skip
    return [row for row in rows if vouched(row, power) and not power.has_ended(row.id)]


def proposed_grant(db: Session, grant_id: UUID, power: Power) -> RoleGrant:
    """One role that waits for a biologist's signature.

    Raises:
        NoSuchGrant: there is none, it was signed already, or this house has not written it.
    """
    row = db.get(RoleGrant, grant_id)
    if row is None or row.signature is not None or power.has_ended(grant_id) or not vouched(row, power):
        raise NoSuchGrant
    return row


def grant_role(
    db: Session,
    grant: RoleGrant,
    *,
    by: UUID,
    sign: Callable[[bytes], bytes],
    power: Power,
    at: datetime,
    chance: Chance,
) -> None:
    """Sign a proposed role.

    Args:
        by: the biologist's account.
        sign: makes an Ed25519 signature with the biologist's unlocked key.

    Raises:
        NotTheSigner: the signature is not that of a biologist whom the laboratory trusts.
    """
    if not vouched(grant, power):
        raise NoSuchAccount
    grant.signer, grant.granted_at = by, at.replace(microsecond=0)
    grant.signature = sign(grant_message(grant))
    is_signed = is_granted(db, grant, power)
    enter_signed(db, grant, Act.GRANT_SIGNED, is_signed=is_signed, by=by, power=power, at=at, chance=chance)


def enter_signed(
    db: Session, grant: RoleGrant, act: Act, *, is_signed: bool, by: UUID, power: Power, at: datetime, chance: Chance
) -> None:
    """Enter what a biologist has just signed about a role, its beginning or its end.

    Raises:
        NotTheSigner: the signature is not that of a biologist whom the laboratory trusts.
    """
    if not is_signed:
        raise NotTheSigner
    vouch(grant, power)
    write(db, "results", act, by=by, at=at, chance=chance, staff=grant.staff, role=grant.role)


def is_granted(db: Session, grant: RoleGrant, power: Power) -> bool:
    """Tell whether a biologist whose signature counts has signed a grant."""
    return _has_signed(db, grant.signer, grant_message(grant), grant.signature, power)


def is_withdrawn(db: Session, grant: RoleGrant, power: Power) -> bool:
    """Tell whether a biologist whose signature counts has signed the end of a grant."""
    return _has_signed(db, grant.ended_by, withdrawal_message(grant), grant.end_signature, power)


def _has_signed(db: Session, who: UUID | None, message: bytes, signature: bytes | None, power: Power) -> bool:
    if who is None or signature is None:
        return False
    signer = db.get(Staff, who)
    if signer is None or not vouched(signer, power):
        return False
    return power.verify_grant(db, signer.login, message, signature)
