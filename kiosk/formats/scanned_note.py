"""A signed note as one line of capitals and digits, so that every scanner types it right into a terminal.

`ETQJ1`, one letter for the journal, then base32 without padding of size (8 bytes, big-endian), root (32), key id (4)
and signature (64). The note of C2SP is built again from it word for word; nothing else of it is trusted.
"""

import base64
import struct
from collections.abc import Mapping
from typing import Final

from kiosk.formats.merkle import HASH_SIZE, Checkpoint

PREFIX: Final = "ETQJ1"
#: The last word of a note's origin -> its letter.
LETTERS: Final[Mapping[str, str]] = {"register": "A", "results": "B"}
_STAMP: Final = 4 + 64
_WHOLE: Final = 8 + HASH_SIZE + _STAMP


def squeeze(note: str) -> str:
    """Write a signed note as one line.

    Raises:
        ValueError: not a note, or of another kind of journal.
    """
    body, mark, signature = note.partition("\n\n")
    lines = body.split("\n")
    if not mark or len(lines) != 3 or lines[0].rpartition("/")[2] not in LETTERS:
        raise ValueError("not the note of a journal")
    origin, size, root = lines
    stamp = base64.b64decode(signature.removeprefix(f"— {origin} ").removesuffix("\n"), validate=True)
    packed = struct.pack(">Q", int(size)) + base64.b64decode(root, validate=True) + stamp
    if len(packed) != _WHOLE:
        raise ValueError("not the note of a journal")
    return PREFIX + LETTERS[origin.rpartition("/")[2]] + base64.b32encode(packed).decode("ascii").rstrip("=")


def spread(scanned: str, *, origin: str) -> str:
    """Build the note again from what was scanned.

    Args:
        scanned: the line; blanks and small letters that a keyboard has put in are taken out.
        origin: what the laboratory's notes begin with, without the last word: the line holds that word alone.

    Raises:
        ValueError: not such a line.
    """
    line = "".join(scanned.upper().split())
    kinds = {PREFIX + letter: kind for kind, letter in LETTERS.items()}
    kind = kinds.get(line[: len(PREFIX) + 1])
    if kind is None:
        raise ValueError("not a scanned note")
    packed = line[len(PREFIX) + 1 :]
    raw = base64.b32decode(packed + "=" * (-len(packed) % 8))
    if len(raw) != _WHOLE:
        raise ValueError("not a scanned note")
    (size,) = struct.unpack(">Q", raw[:8])
    point = Checkpoint(origin=f"{origin}/{kind}", size=size, root=raw[8 : 8 + HASH_SIZE])
    return f"{point.body()}\n— {point.origin} {base64.b64encode(raw[-_STAMP:]).decode('ascii')}\n"
