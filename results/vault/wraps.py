"""How a dossier's private key is kept: once for each code line, once for the biologists."""

from dataclasses import dataclass
from uuid import UUID

from kiosk.register.clock import Chance
from results.vault.sealing import (
    KEY_SIZE,
    LINE_COST,
    Cost,
    DoesNotOpen,
    authenticate,
    box,
    four_bytes,
    label,
    public_of,
    same,
    seal,
    stretch,
    unbox,
    unseal,
)

_DOSSIER_PRIVATE_KEY = b"\x01"
_SHARE_FORM = b"\x01"


@dataclass(frozen=True, kw_only=True)
class Line:
    """What one wrap is bound to: it opens for this line of this slip of this dossier alone."""

    dossier: UUID
    slip: UUID
    line: int
    pepper_version: int

    def bound_data(self) -> bytes:
        """The associated data of the wrap."""
        ids = self.dossier.bytes + self.slip.bytes + bytes([self.line])
        return label("wrap") + ids + four_bytes(self.pepper_version)


def stretch_code(code15: str, pin: str, salt: bytes, *, cost: Cost = LINE_COST) -> bytes:
    """Make k of a code line: one Argon2id over 15 digits and the PIN.

    Args:
        code15: the code without its check digit.
        pin: four digits.
        salt: the 16 bytes of the line.
        cost: smaller only where a test says so.
    """
    return stretch(f"{code15}|{pin}".encode("ascii"), salt, cost=cost)


def mix_pepper(line: Line, k: bytes, pepper: bytes) -> bytes:
    """Make the key of a wrap: without the pepper a stolen database cannot even be guessed at."""
    return authenticate(pepper, label("kek") + line.dossier.bytes + line.slip.bytes + bytes([line.line]) + k)


def wrap_key(line: Line, private: bytes, *, k: bytes, pepper: bytes, chance: Chance) -> bytes:
    """Wrap the dossier's private key for one line: 74 bytes."""
    return seal(mix_pepper(line, k, pepper), _DOSSIER_PRIVATE_KEY + private, line.bound_data(), chance=chance)


def unwrap_key(line: Line, stored: bytes, *, k: bytes, pepper: bytes, public: bytes) -> bytes:
    """Give the dossier's private key back.

    Raises:
        DoesNotOpen: wrong code, PIN, line, slip or pepper, another kind of content, or a key that
            is not the dossier's: the cipher does not commit to its key, so this is asked as well.
    """
    content = unseal(mix_pepper(line, k, pepper), stored, line.bound_data())
    if content[:1] != _DOSSIER_PRIVATE_KEY or len(content) != 1 + KEY_SIZE:
        raise DoesNotOpen
    return _of_dossier(content[1:], public)


def vouch(dossier: UUID, public: bytes, *, subkey: bytes) -> bytes:
    """Vouch for a dossier's public key: a swapped one would steal every later result."""
    return authenticate(subkey, dossier.bytes + public)


def check_vouched(dossier: UUID, public: bytes, mac: bytes, *, subkey: bytes) -> None:
    """Demand that the public key is the one this house made.

    Raises:
        DoesNotOpen: it is not; nothing may be sealed to it.
    """
    if not same(vouch(dossier, public, subkey=subkey), mac):
        raise DoesNotOpen


def share_with_escrow(dossier: UUID, private: bytes, *, escrow_public: bytes, chance: Chance) -> bytes:
    """Seal the dossier's private key to the biologists (E): 97 bytes."""
    return box(escrow_public, _SHARE_FORM + dossier.bytes + private, chance=chance)


def open_share(dossier: UUID, stored: bytes, *, escrow_private: bytes, public: bytes) -> bytes:
    """Give the dossier's private key to a biologist.

    Raises:
        DoesNotOpen: another escrow key, another dossier inside, or a key that is not the dossier's.
    """
    content = unbox(escrow_private, stored)
    if content[:17] != _SHARE_FORM + dossier.bytes or len(content) != 17 + KEY_SIZE:
        raise DoesNotOpen
    return _of_dossier(content[17:], public)


def _of_dossier(private: bytes, public: bytes) -> bytes:
    if not same(public_of(private), public):
        raise DoesNotOpen
    return private
