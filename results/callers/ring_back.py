"""The number and hours that somebody leaves for the biologist: read, sealed for its own row, opened for her alone."""

from typing import Final
from uuid import UUID

from kiosk.register.clock import Chance
from kiosk.register.errors import Invalid
from results.vault.envelopes import open_column, seal_column
from results.vault.keys import KeyRing
from results.vault.sealing import Purpose

#: Signs of a number to ring, with its hours.
LONGEST_RING_BACK: Final = 120


class NumberMissing(Invalid):
    """The biologist needs a number to ring; ask for it."""

    french = "Demandez le numéro à rappeler et notez-le."


def seal_ring_back(keys: KeyRing, table: str, row: UUID, said: str, *, chance: Chance) -> bytes:
    """Read a number and the hours that somebody said with it, and seal them for one row.

    Args:
        keys: the staff programme's keys.
        table: where the row stands.
        row: its id; laid beside another row it does not open.
        said: as it was typed.
        chance: gives the nonce.

    Raises:
        NumberMissing: nothing to ring, or a whole story.
    """
    number = " ".join(said.split())
    if not any(sign.isdigit() for sign in number) or len(number) > LONGEST_RING_BACK:
        raise NumberMissing
    return seal_column((table, "ring_back", row), number.encode(), subkey=keys.subkey(Purpose.COLUMN), chance=chance)


def open_ring_back(keys: KeyRing, table: str, row: UUID, sealed: bytes | None) -> str:
    """Number and hours, for the biologist.

    Returns:
        Nothing where nobody waits to be rung.

    Raises:
        DoesNotOpen: it was sealed elsewhere.
    """
    if sealed is None:
        return ""
    return open_column((table, "ring_back", row), sealed, subkey=keys.subkey(Purpose.COLUMN)).decode()
