"""A dossier's lock: the pair that results are sealed to, what it closes, and the slip whose lines open it."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, LargeBinary, String, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from kiosk.formats.canonical import canonical_row
from kiosk.register.clock import Chance
from kiosk.register.database import STAFF_ONLY, Base, UtcDateTime, uuid7
from kiosk.register.errors import NotFound
from kiosk.register.journal import Act, write
from results.vault.envelopes import check_of_birth_date
from results.vault.keys import KeyRing
from results.vault.sealing import DoesNotOpen, Purpose, authenticate, make_pair, same
from results.vault.wraps import check_vouched, share_with_escrow, vouch

SCHEME: Final = "1of1"
_UNKNOWN: Final = "?"


class Wish(StrEnum):
    """What closes ways for a whole dossier."""

    MINOR_SECRET = "minor_secret"  # noqa: S105 -- a wish, not a password  #: a minor's written opposition
    DISCREET = "discreet"  #: a discreet visit
    OWN_NUMBER = "own_number"  #: the number on file is the patient's own, given for this visit
    IN_PERSON_ONLY = "in_person_only"
    TOLD_IN_PERSON = "told_in_person"  #: the biologist's word: in person only, whatever the patient had wished
    NOBODY_ELSE = "nobody_else"
    LETTER_ASKED = "letter_asked"  #: asked in writing


class Dossier(Base):
    """One visit's results, before and after they come."""

    __tablename__ = "dossier"
    __table_args__ = (UniqueConstraint("site_id", "visit_id"), {"schema": STAFF_ONLY})
    keep = "10 years: diffusion traces name it; its key and all that it opens until the promised hour + 90 days"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    #: The visit, in the register.
    visit_id: Mapped[UUID]
    #: X25519: what is confidential is sealed to it.
    public: Mapped[bytes] = mapped_column(LargeBinary(32))
    #: Vouches for `public`; looked at before every sealing.
    mac: Mapped[bytes] = mapped_column(LargeBinary(32))
    #: Version of the fields key behind `mac`, `birth_check` and `vouched`.
    fields_version: Mapped[int]
    #: Against which a spoken birth date is checked; the date itself is not here.
    birth_check: Mapped[bytes] = mapped_column(LargeBinary(16))
    #: Classes of all analyses expected, parted by blanks; `?` for one without a class.
    expected: Mapped[str] = mapped_column(String(40))
    #: Wishes, parted by blanks.
    wishes: Mapped[str] = mapped_column(String(120))
    #: The hour promised at registration: nothing of it is told sooner.
    promised_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: Vouches for the columns that open and close ways.
    vouched: Mapped[bytes] = mapped_column(LargeBinary(32))
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    #: When its key and all that it opens were destroyed: from then on it is a name in the traces.
    shredded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    @property
    def classes(self) -> tuple[str | None, ...]:
        """The class of every analysis expected, as the catalogue writes it; None for one without a class."""
        return tuple(None if word == _UNKNOWN else word for word in self.expected.split())

    @property
    def wished(self) -> frozenset[Wish]:
        """What closes ways."""
        return frozenset(map(Wish, self.wishes.split()))


class EscrowShare(Base):
    """The dossier's private key, sealed to the biologists."""

    __tablename__ = "escrow_share"
    __table_args__ = ({"schema": STAFF_ONLY},)
    keep = "as its dossier, deleted first"

    dossier_id: Mapped[UUID] = mapped_column(ForeignKey(f"{STAFF_ONLY}.dossier.id"), primary_key=True)
    #: Version of the escrow key.
    key_version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    #: Place of the share in its scheme.
    part: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    #: How many shares open it.
    scheme: Mapped[str] = mapped_column(String(8))
    box: Mapped[bytes] = mapped_column(LargeBinary(97))


class SlipState(StrEnum):
    """Where a slip stands."""

    PRINTING = "printing"  #: on its way to paper; opens nothing
    VALID = "valid"  #: the paper is in the patient's hand
    VOID = "void"  #: its lines are deleted


class Slip(Base):
    """One paper with a handle and code lines; it holds no code."""

    __tablename__ = "slip"
    __table_args__ = (
        UniqueConstraint("site_id", "handle_key"),
        Index(None, "dossier_id"),
        CheckConstraint("state != 'valid' OR confirmed_at IS NOT NULL", name="valid_means_confirmed"),
        {"schema": STAFF_ONLY},
    )
    keep = "one year: a handle is not used again sooner"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    site_id: Mapped[UUID]
    dossier_id: Mapped[UUID] = mapped_column(ForeignKey(f"{STAFF_ONLY}.dossier.id"))
    #: Under which the handle is found; the handle itself is not here.
    handle_key: Mapped[bytes] = mapped_column(LargeBinary(16))
    fields_version: Mapped[int]
    state: Mapped[SlipState] = mapped_column(Enum(SlipState, native_enum=False, length=8, values_callable=list))
    issued_by: Mapped[UUID]
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    voided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class LineState(StrEnum):
    """Where a code line stands."""

    READY = "ready"
    USED = "used"  #: opened something, or was spoken in vain
    CLOSED = "closed"  #: its slip is void or too old


class CodeLine(Base):
    """One line of a slip, opened once by its code and the PIN."""

    __tablename__ = "code_line"
    __table_args__ = (
        CheckConstraint("(state = 'ready') = (wrap IS NOT NULL)", name="only_ready_opens"),
        CheckConstraint("(wrap IS NULL) = (salt IS NULL)", name="wrap_and_salt"),
        {"schema": STAFF_ONLY},
    )
    keep = "promised hour + 60 days; wrap and salt until used or void"

    slip_id: Mapped[UUID] = mapped_column(ForeignKey(f"{STAFF_ONLY}.slip.id"), primary_key=True)
    #: 1 to 6, as printed.
    line: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    state: Mapped[LineState] = mapped_column(Enum(LineState, native_enum=False, length=6, values_callable=list))
    pepper_version: Mapped[int]
    salt: Mapped[bytes | None] = mapped_column(LargeBinary(16))
    wrap: Mapped[bytes | None] = mapped_column(LargeBinary(74))
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class NoSuchDossier(NotFound):
    """There is no dossier of results for this visit, or it cannot be trusted; register the visit first."""

    french = "Aucun dossier de résultats pour cette visite. Enregistrez d'abord la visite."


def open_dossier(
    db: Session,
    keys: KeyRing,
    *,
    site_id: UUID,
    visit_id: UUID,
    birth_date: str,
    classes: Collection[str | None],
    wishes: Collection[Wish],
    promised_at: datetime,
    by: UUID,
    at: datetime,
    chance: Chance,
) -> Dossier:
    """Open a visit's dossier at registration, slip or not: pair, proof and the biologists' share.

    A visit has one dossier; asked again, the same one takes the new classes, wishes and hour. One whose key was
    destroyed gets a fresh one: nothing is ever sealed to a key that nobody holds.

    Args:
        db: a session that writes the results.
        keys: the staff programme's keys.
        site_id: the site.
        visit_id: the visit, in the register.
        birth_date: YYYYMMDD as on file, 00 for an unknown day or month.
        classes: of all analyses expected, as the catalogue writes them; None for one without a class.
        wishes: what closes ways.
        promised_at: the promised hour.
        by: staff id.
        at: now.
        chance: gives keys and salts.

    Raises:
        NoSuchDossier: somebody else changed it; what was changed is never vouched for anew.
    """
    asked = select(Dossier).where(Dossier.site_id == site_id, Dossier.visit_id == visit_id).with_for_update()
    dossier = db.scalar(asked.execution_options(populate_existing=True))
    act = Act.DOSSIER_OPENED if dossier is None else Act.DOSSIER_CHANGED
    if dossier is None:
        dossier = Dossier(
            id=uuid7(at, chance), site_id=site_id, visit_id=visit_id, fields_version=max(keys.fields), opened_at=at
        )
        set_fresh_pair(db, keys, dossier, chance=chance)
    elif dossier.shredded_at is not None:
        dossier.fields_version, dossier.shredded_at = max(keys.fields), None
        set_fresh_pair(db, keys, dossier, chance=chance)
    else:
        trusted_dossier(db, keys, dossier.id)
    dossier.expected = " ".join(sorted({_UNKNOWN if one is None else str(one) for one in classes}))
    dossier.wishes = " ".join(sorted(wish.value for wish in set(wishes)))
    dossier.promised_at = promised_at
    dossier.birth_check = check_of_birth_date(
        dossier.id, birth_date, subkey=keys.subkey(Purpose.BIRTH_DATE, dossier.fields_version)
    )
    dossier.vouched = _vouch_for(keys, dossier)
    db.add(dossier)
    db.flush()  # a slip of the same transaction hangs on it
    write(db, "results", act, by=by, at=at, chance=chance, dossier=dossier.id, visit=visit_id)
    return dossier


def add_wish(
    db: Session, keys: KeyRing, dossier_id: UUID, wish: Wish, *, by: UUID, at: datetime, chance: Chance
) -> None:
    """Close ways of a dossier that is open already; from then on the dossier itself says so, whatever else is changed.

    Raises:
        NoSuchDossier: there is none, or somebody else changed it.
    """
    dossier = trusted_dossier(db, keys, dossier_id, lock=True)
    dossier.wishes = " ".join(sorted(one.value for one in dossier.wished | {wish}))
    dossier.vouched = _vouch_for(keys, dossier)
    write(db, "results", Act.DOSSIER_CHANGED, by=by, at=at, chance=chance, dossier=dossier.id, visit=dossier.visit_id)


def drop_wish(
    db: Session, keys: KeyRing, dossier_id: UUID, wish: Wish, *, by: UUID, at: datetime, chance: Chance
) -> None:
    """Open again what one wish has closed; whoever calls this has asked who may.

    Raises:
        NoSuchDossier: there is none, or somebody else changed it.
    """
    dossier = trusted_dossier(db, keys, dossier_id, lock=True)
    dossier.wishes = " ".join(sorted(one.value for one in dossier.wished - {wish}))
    dossier.vouched = _vouch_for(keys, dossier)
    write(db, "results", Act.DOSSIER_CHANGED, by=by, at=at, chance=chance, dossier=dossier.id, visit=dossier.visit_id)


def set_fresh_pair(db: Session, keys: KeyRing, dossier: Dossier, *, chance: Chance) -> bytes:
    """Give a dossier a new pair and share; the caller knows that nothing is sealed to the old one.

    Returns:
        The private key, for the wraps of a slip; it is kept nowhere else.
    """
    pair = make_pair(chance)
    set_pair(db, keys, dossier, private=pair.private, public=pair.public, chance=chance)
    return pair.private


def set_pair(db: Session, keys: KeyRing, dossier: Dossier, *, private: bytes, public: bytes, chance: Chance) -> None:
    """Replace a dossier's pair, its proof and the biologists' share."""
    version = max(keys.escrow_public)
    dossier.public = public
    dossier.mac = vouch(dossier.id, public, subkey=keys.subkey(Purpose.DOSSIER_KEY, dossier.fields_version))
    box = share_with_escrow(dossier.id, private, escrow_public=keys.escrow_public[version], chance=chance)
    # A share of the pair before, under an escrow key that is being changed, would open nothing and stand in the way.
    older = EscrowShare.dossier_id == dossier.id, EscrowShare.key_version != version
    db.execute(delete(EscrowShare).where(*older).execution_options(synchronize_session="fetch"))
    db.merge(EscrowShare(dossier_id=dossier.id, key_version=version, part=0, scheme=SCHEME, box=box))


def trusted_dossier(db: Session, keys: KeyRing, dossier_id: UUID, *, lock: bool = False) -> Dossier:
    """Load a dossier whose key, classes and wishes are those that this house wrote.

    Raises:
        NoSuchDossier: there is none, its key was destroyed, or somebody else changed it.
    """
    asked = select(Dossier).where(Dossier.id == dossier_id).execution_options(populate_existing=True)
    dossier = db.scalar(asked.with_for_update() if lock else asked)
    if dossier is None or dossier.shredded_at is not None or dossier.fields_version not in keys.fields:
        raise NoSuchDossier
    subkey = keys.subkey(Purpose.DOSSIER_KEY, dossier.fields_version)
    try:
        check_vouched(dossier.id, dossier.public, dossier.mac, subkey=subkey)
    except DoesNotOpen:
        raise NoSuchDossier from None
    if not same(_vouch_for(keys, dossier), dossier.vouched):
        raise NoSuchDossier
    return dossier


def is_as_written(keys: KeyRing, dossier: Dossier) -> bool:
    """Whether a dossier's classes, wishes and promised hour are those that this house wrote; of a shredded one, no."""
    return dossier.fields_version in keys.fields and same(_vouch_for(keys, dossier), dossier.vouched)


def dossier_of(db: Session, keys: KeyRing, visit_id: UUID) -> Dossier:
    """Load a visit's dossier.

    Raises:
        NoSuchDossier: there is none, or somebody else changed it.
    """
    found = db.scalar(select(Dossier.id).where(Dossier.visit_id == visit_id))
    if found is None:
        raise NoSuchDossier
    return trusted_dossier(db, keys, found)


def _vouch_for(keys: KeyRing, dossier: Dossier) -> bytes:
    row = canonical_row(
        "dossier",
        {
            "id": dossier.id,
            "site_id": dossier.site_id,
            "visit_id": dossier.visit_id,
            "expected": dossier.expected,
            "wishes": dossier.wishes,
            "promised_at": dossier.promised_at,
            "birth_check": dossier.birth_check,
        },
    )
    return authenticate(keys.subkey(Purpose.POWER, dossier.fields_version), row)
