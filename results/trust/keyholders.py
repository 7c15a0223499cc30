"""Who holds the biologists' keys: one comes, one goes, and what the escrow opens is sealed again to those who stay."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Final
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from kiosk.register.clock import Chance
from kiosk.register.database import Database
from kiosk.register.errors import Conflict
from kiosk.register.journal import Act, write
from results.reports.versions import Recipient, SealedKey
from results.trust.standing import enter, note_escrow, standing_of
from results.vault.dossiers import SCHEME, Dossier, EscrowShare
from results.vault.envelopes import copy_key, open_copy
from results.vault.keyfolder import KeyFolder, write_new
from results.vault.keys import BiologistKeys, KeyRing, make_biologist
from results.vault.keytext import KeyText, hand_private, plain, seal_to_escrow
from results.vault.sealing import PASSPHRASE_COST, Cost, DoesNotOpen, make_pair
from results.vault.wraps import open_share, share_with_escrow

#: Rows that one transaction seals again.
BATCH: Final = 200


class Kind(StrEnum):
    """What was changed; for the journal."""

    ESCROW = "escrow"


class HadKeys(Conflict):
    """Somebody signs, or has signed, under this login; a public key is known under it for ever."""

    french = "Cette personne a ou a eu des clés ici. Qui revient prend un nouvel identifiant."


class NotHeld(Conflict):
    """The older escrow key is not among these keys; a biologist who holds it does this."""

    french = "Ces clés n'ouvrent pas l'ancien séquestre. Un biologiste qui le détient doit faire ce changement."


@dataclass(frozen=True, kw_only=True, repr=False)
class Changed:
    """Where the change of the escrow stands after a visit."""

    #: The version that new things are sealed to.
    newest: int
    #: Shares and copies sealed again in this visit.
    resealed: int
    #: What an older key still holds.
    waits: int
    #: Whether every older key is gone.
    is_done: bool
    #: The keys of whoever did it, the new one among them.
    biologist: BiologistKeys


def let_in(
    keys: KeyRing, *, person: str, passphrase: str, by: BiologistKeys, at: datetime, chance: Chance,
    cost: Cost = PASSPHRASE_COST,
) -> bytes:  # fmt: skip
    """Make another biologist's keys, signed for by one in office; the journal was told before.

    Killed anywhere, it is done again: without the signed entry the new key signs nothing, and the public half is last.

    Args:
        keys: the staff programme's keys.
        person: login of the account.
        passphrase: known to the new biologist alone.
        by: unlocked keys of a biologist in office.
        at: now.
        chance: gives the keys.
        cost: of the passphrase; smaller in tests alone.

    Returns:
        The public half of the new signing key.

    Raises:
        HadKeys: this person signs here, or once did; who comes back has a new login.
        PassphraseTooShort: fewer than 16 characters.
    """
    refuse_known(keys, person)
    public = standing_of(keys).in_office.get(person)
    if public is None:
        public = make_biologist(
            keys.folder, person=person, passphrase=passphrase, escrow=by.escrow, chance=chance, cost=cost
        )
        enter(keys, person, public, by=by, at=at)
    _put(keys.folder, plain("signer", person, "pub", public))
    return public


def refuse_known(keys: KeyRing, person: str) -> None:
    """Refuse a login under which somebody signs or has signed.

    Raises:
        HadKeys: this person signs here, or once did; who comes back has a new login.
    """
    if person in standing_of(keys).left or f"signer.{person}.pub" in KeyFolder.open(keys.folder).texts:
        raise HadKeys


def rotate_escrow(
    database: Database, folder: Path, exchange: Path, biologist: BiologistKeys, *, by: UUID, at: datetime,
    chance: Chance,
) -> Changed:  # fmt: skip
    """Give the biologists in office a new escrow key, and seal again to it whatever the older one opens.

    Two visits, as every rotation here: the first makes the key where one is due, hands it out and seals again; a
    programme that was not started again may still seal to the older one, so that goes at a visit that finds nothing.
    Killed anywhere, it is finished by asking once more.

    Args:
        database: both sides.
        folder: the staff programme's keys.
        exchange: the laboratory line's, which learns the public half.
        biologist: unlocked keys that hold the older escrow.
        by: the biologist's staff id.
        at: now.
        chance: gives keys and nonces.

    Raises:
        NotHeld: something lies under a key that this biologist does not hold.
    """
    keys = KeyRing.load(folder)
    newest = max(keys.escrow_public)
    is_first = standing_of(keys).is_escrow_late or len(keys.escrow_public) == 1
    if is_first:
        newest += 1
        with database.transaction("results") as db:
            write(db, "results", Act.KEY_ROTATED, by=by, at=at, chance=chance, kind=Kind.ESCROW, version=newest)
        biologist = _new_escrow(keys, biologist, newest, at=at, chance=chance)
        keys = KeyRing.load(folder)
    public = keys.escrow_public[newest]
    _put(exchange, plain("escrow", str(newest), "pub", public))
    _seal_keys_again(keys, newest, chance=chance)
    resealed = _reseal_shares(database, biologist, newest, public, chance=chance)
    resealed += _reseal_copies(database, biologist, newest, public, chance=chance)
    with database.reading() as db:
        waits = under_older(db, newest)
    is_done = not is_first and not resealed and not waits
    if is_done:
        _take_older(folder, exchange, newest)
    return Changed(newest=newest, resealed=resealed, waits=waits, is_done=is_done, biologist=biologist)


def under_older(db: Session, newest: int) -> int:
    """How many shares and copies lie under an escrow key older than this one."""
    shares = select(func.count()).select_from(EscrowShare).where(EscrowShare.key_version < newest)
    copies = select(func.count()).select_from(SealedKey).where(
        SealedKey.recipient == Recipient.ESCROW, SealedKey.key_version < newest
    )  # fmt: skip
    return (db.scalar(shares) or 0) + (db.scalar(copies) or 0)


def _new_escrow(keys: KeyRing, biologist: BiologistKeys, newest: int, *, at: datetime, chance: Chance) -> BiologistKeys:
    """Make a pair and hand its private half to everyone in office; the public half comes last and makes it count."""
    pair = make_pair(chance)
    for left_over in keys.folder.glob(f"escrow.{newest}.*"):
        left_over.unlink()
    for person, verifier in standing_of(keys).in_office.items():
        _put(keys.folder, hand_private("escrow", f"{newest}.{person}", pair.private, to=verifier, chance=chance))
    _put(keys.folder, plain("escrow", str(newest), "pub", pair.public))
    note_escrow(keys, newest, at=at)
    return replace(biologist, escrow={**biologist.escrow, newest: pair.private})


def _seal_keys_again(keys: KeyRing, newest: int, *, chance: Chance) -> None:
    """The keys that biologists can restore are restored by the newest escrow alone."""
    texts = KeyFolder.open(keys.folder).texts
    public = keys.escrow_public[newest]
    for kind, held in (("release", keys.release), ("fields", keys.fields)):
        for version, key in held.items():
            fresh = seal_to_escrow(kind, str(version), key, to=(str(newest), public), chance=chance)
            kept = texts.get(fresh.name)
            if kept is None or kept.aead != fresh.aead:
                (keys.folder / fresh.name).unlink(missing_ok=True)
                _put(keys.folder, fresh)


def _reseal_shares(database: Database, biologist: BiologistKeys, newest: int, public: bytes, *, chance: Chance) -> int:
    asked = (
        select(EscrowShare, Dossier.public)
        .join(Dossier, Dossier.id == EscrowShare.dossier_id)
        .where(EscrowShare.key_version < newest)
        .order_by(EscrowShare.dossier_id)
        .limit(BATCH)
    )
    after, resealed = UUID(int=0), 0
    while True:
        with database.transaction("results") as db:
            rows = db.execute(asked.where(EscrowShare.dossier_id > after)).all()
            for share, dossier_public in rows:
                try:
                    private = open_share(
                        share.dossier_id, share.box, escrow_private=_older(biologist, share.key_version),
                        public=dossier_public,
                    )  # fmt: skip
                except DoesNotOpen:
                    continue  # it opened nothing before, either: told by `keys check`
                box = share_with_escrow(share.dossier_id, private, escrow_public=public, chance=chance)
                db.add(
                    EscrowShare(
                        dossier_id=share.dossier_id, key_version=newest, part=share.part, scheme=SCHEME, box=box
                    )
                )
                db.delete(share)
                resealed += 1
        if not rows:
            return resealed
        after = rows[-1][0].dossier_id


def _reseal_copies(database: Database, biologist: BiologistKeys, newest: int, public: bytes, *, chance: Chance) -> int:
    asked = select(SealedKey).where(SealedKey.recipient == Recipient.ESCROW, SealedKey.key_version < newest)
    after, resealed = UUID(int=0), 0
    while True:
        with database.transaction("results") as db:
            items = db.scalars(
                select(SealedKey.item).distinct()
                .where(SealedKey.recipient == Recipient.ESCROW, SealedKey.key_version < newest, SealedKey.item > after)
                .order_by(SealedKey.item).limit(BATCH)
            ).all()  # fmt: skip
            for copy in db.scalars(asked.where(SealedKey.item.in_(items))).all():
                try:
                    dek = open_copy(copy.item, copy.version, copy.box, private=_older(biologist, copy.key_version))
                except DoesNotOpen:
                    continue  # as above
                fresh = SealedKey(
                    item=copy.item, version=copy.version, part=copy.part, recipient=copy.recipient,
                    key_version=newest, box=copy_key(copy.item, copy.version, dek, recipient=public, chance=chance),
                )  # fmt: skip
                db.delete(copy)
                db.add(fresh)
                resealed += 1
        if not items:
            return resealed
        after = items[-1]


def _older(biologist: BiologistKeys, version: int) -> bytes:
    if version not in biologist.escrow:
        raise NotHeld
    return biologist.escrow[version]


def _take_older(folder: Path, exchange: Path, newest: int) -> None:
    """Private halves first: what remains after a death is a public half that nothing is sealed to."""
    names = [text.name for text in KeyFolder.open(folder).texts.values() if _is_older(text, newest)]
    for name in sorted(names, key=lambda one: one.endswith(".pub")):
        (folder / name).unlink(missing_ok=True)
        if name.endswith(".pub"):
            (exchange / name).unlink(missing_ok=True)


def _is_older(text: KeyText, newest: int) -> bool:
    return text.kind == "escrow" and int(text.id.split(".")[0]) < newest


def _put(folder: Path, text: KeyText) -> None:
    if text.name not in KeyFolder.open(folder).texts:
        write_new(folder / text.name, text.whole())
