"""The keys of everything that gives power, lent to the register's rules, which hold none."""

import hashlib
from functools import lru_cache
from uuid import UUID

from sqlalchemy.orm import Session

from kiosk.register.clock import Chance
from results.trust.standing import key_for, standing_of
from results.vault.envelopes import open_column, seal_column
from results.vault.keys import KeyRing
from results.vault.sealing import DoesNotOpen, Purpose, authenticate, check_signature, same


class KeyRingPower:
    """What `kiosk.register.staff.Power` asks for, made of the staff programme's key ring."""

    def __init__(self, ring: KeyRing, *, biologist_fingerprint: str) -> None:
        self._ring = ring
        self._fingerprint = biologist_fingerprint.lower().encode()
        self._macs = self._subkeys(ring, Purpose.POWER)
        self._columns = self._subkeys(ring, Purpose.COLUMN)

    @property
    def rooted(self) -> bool:
        """Tell whether the first biologist's key is here: the one whose fingerprint also stands on signed paper."""
        root = standing_of(self._ring).root
        if root is None:
            return False
        return same(hashlib.sha256(self._ring.signers[root]).hexdigest().encode(), self._fingerprint)

    def mac(self, row: bytes) -> bytes:
        """Vouch for a canonical row with the newest key."""
        return authenticate(self._macs[0], row)

    def vouches(self, row: bytes, mac: bytes) -> bool:
        """Tell whether a key that is still held has vouched for a canonical row."""
        return any(same(authenticate(key, row), mac) for key in self._macs)

    def seal(self, table: str, column: str, row: UUID, value: bytes, *, chance: Chance) -> bytes:
        """Seal one column of one row with the newest key."""
        return seal_column((table, column, row), value, subkey=self._columns[0], chance=chance)

    def open(self, table: str, column: str, row: UUID, sealed: bytes) -> bytes | None:
        """Open one column of one row with whichever key is still held, or give None."""
        for key in self._columns:
            try:
                return open_column((table, column, row), sealed, subkey=key)
            except DoesNotOpen:
                continue
        return None

    def verify_grant(self, db: Session, signer: str, message: bytes, signature: bytes) -> bool:
        """Tell whether a biologist has signed whose way into office leads back to the first one."""
        key = key_for(db, self._ring, signer, signature) if self.rooted else None
        return key is not None and _holds(key, message, signature)

    def has_ended(self, row: UUID) -> bool:
        """Tell whether an account or a role ended here once, whatever a row that was brought back says."""
        return row in standing_of(self._ring).ended

    @staticmethod
    def _subkeys(ring: KeyRing, purpose: Purpose) -> list[bytes]:
        return [ring.subkey(purpose, version) for version in sorted(ring.fields, reverse=True)]


@lru_cache(maxsize=256)
def _holds(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether a signature is right: of the same three, always the same; the roles of every request are asked."""
    try:
        check_signature(key, message, signature)
    except DoesNotOpen:
        return False
    return True
