"""The keys of everything that gives power, lent to the register's rules, which hold none."""

import hashlib
from uuid import UUID

from kiosk.register.clock import Chance
from results.vault.envelopes import open_column, seal_column
from results.vault.keys import KeyRing
from results.vault.sealing import DoesNotOpen, Purpose, authenticate, check_signature, same


class KeyRingPower:
    """What `kiosk.register.staff.Power` asks for, made of the staff programme's key ring."""

    def __init__(self, ring: KeyRing, *, biologist_fingerprint: str) -> None:
        self._macs = self._subkeys(ring, Purpose.POWER)
        self._columns = self._subkeys(ring, Purpose.COLUMN)
        # Only the root of trust signs grants: the key whose fingerprint also stands on signed paper.
        self._trusted = {
            person: key
            for person, key in ring.signers.items()
            if same(hashlib.sha256(key).hexdigest().encode(), biologist_fingerprint.lower().encode())
        }

    @property
    def rooted(self) -> bool:
        """Tell whether the key of the root of trust is here."""
        return bool(self._trusted)

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

    def verify_grant(self, signer: str, message: bytes, signature: bytes) -> bool:
        """Tell whether the biologist who is the root of trust has signed."""
        try:
            check_signature(self._trusted[signer], message, signature)
        except (KeyError, DoesNotOpen):
            return False
        return True

    @staticmethod
    def _subkeys(ring: KeyRing, purpose: Purpose) -> list[bytes]:
        return [ring.subkey(purpose, version) for version in sorted(ring.fields, reverse=True)]
