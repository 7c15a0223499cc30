"""The tree over a journal: any change to what was written shows in one short root (RFC 9162)."""

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

HASH_SIZE: Final = 32
LETTERS: Final = 16

Edge = tuple[bytes, ...]

# Two and seven are letters of base32: the last sixteen signs are the letters, whatever stands before is the size.
_PAPER: Final = re.compile(r"J(?P<size>[0-9]{1,12}?)(?P<letters>[A-Z2-7]{16})")


def hash_leaf(salt: bytes, text: bytes) -> bytes:
    """Hash one entry; the salt keeps a deleted text from being guessed."""
    return hashlib.sha256(b"\x00" + salt + text).digest()


def hash_node(left: bytes, right: bytes) -> bytes:
    """Hash two neighbours into their parent."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def extend(edge: Edge, size: int, leaf: bytes) -> Edge:
    """Add a leaf to a tree that is kept by its right edge: the roots of its full parts, largest first.

    Args:
        edge: one hash for each bit that is set in `size`.
        size: leaves before this one.
        leaf: the hash of the new leaf.
    """
    parts = [*edge, leaf]
    while size & 1:
        right = parts.pop()
        parts[-1] = hash_node(parts[-1], right)
        size >>= 1
    return tuple(parts)


def root_of(edge: Edge) -> bytes:
    """Give the root of the tree; an empty tree has the hash of nothing."""
    if not edge:
        return hashlib.sha256(b"").digest()
    root = edge[-1]
    for part in reversed(edge[:-1]):
        root = hash_node(part, root)
    return root


def letters_of(root: bytes) -> str:
    """Give the 16 letters (80 bits of the root, RFC 4648 base32) that stand on tickets and slips."""
    return base64.b32encode(root[:10]).decode("ascii")


def paper_words(size: int, letters: str) -> str:
    """Write size and letters as every paper carries them: `J 18 204  QGZT 4MXA 2LDW 7KPE`."""
    fours = " ".join(letters[start : start + 4] for start in range(0, len(letters), 4))
    return f"J {size:,}  ".replace(",", " ") + fours


@dataclass(frozen=True, kw_only=True)
class Letters:
    """What a ticket or a slip carries of a journal: its size and 80 bits of its root, unsigned, in many hands."""

    size: int
    letters: str

    def agrees(self, root: bytes) -> bool:
        """Tell whether a tree of this size with that root is the one that was seen."""
        return letters_of(root) == self.letters


def read_paper_words(text: str) -> Letters:
    """Read `J 18 204  QGZT 4MXA 2LDW 7KPE` as somebody has typed it from a paper.

    Raises:
        ValueError: not a size and sixteen letters.
    """
    found = _PAPER.fullmatch("".join(text.upper().split()))
    if found is None:
        raise ValueError("not the letters of a paper")
    return Letters(size=int(found["size"]), letters=found["letters"])


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """What a journal was at one moment.

    `origin` is `<laboratory domain>/<site>/<side>`, without space or plus sign.
    """

    origin: str
    size: int
    root: bytes

    def agrees(self, root: bytes) -> bool:
        """Tell whether a tree of this size with that root is the one that was seen."""
        return root == self.root

    def body(self) -> str:
        """The text that is signed (C2SP tlog-checkpoint)."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode('ascii')}\n"


def write_note(checkpoint: Checkpoint, *, public: bytes, sign: Callable[[bytes], bytes]) -> str:
    """Write a checkpoint as a signed note (C2SP signed-note).

    Args:
        checkpoint: what is signed.
        public: the Ed25519 public key, 32 bytes.
        sign: gives the 64 bytes of a signature over what it is handed.
    """
    if not checkpoint.origin or any(sign_ in checkpoint.origin for sign_ in " +\n"):
        raise ValueError("an origin has no space, no plus sign and is not empty")
    body = checkpoint.body()
    stamp = _key_id(checkpoint.origin, public) + sign(body.encode("utf-8"))
    return f"{body}\n— {checkpoint.origin} {base64.b64encode(stamp).decode('ascii')}\n"


def read_note(note: str, *, public: bytes, check: Callable[[bytes, bytes], None]) -> Checkpoint:
    """Read a signed note.

    Args:
        note: the whole text.
        public: the Ed25519 public key that must have signed it.
        check: raises when the second argument is not that key's signature over the first.

    Raises:
        ValueError: not a note, or signed with another key; what `check` raises passes through.
    """
    body, mark, signature = note.partition("\n\n")
    lines = body.split("\n")
    if not mark or len(lines) != 3:
        raise ValueError("not a checkpoint")
    origin, size, root = lines
    checkpoint = Checkpoint(origin=origin, size=int(size), root=base64.b64decode(root, validate=True))
    stamp = base64.b64decode(signature.removeprefix(f"— {origin} ").removesuffix("\n"), validate=True)
    if checkpoint.body() != body + "\n" or len(checkpoint.root) != HASH_SIZE:
        raise ValueError("not a checkpoint")
    if stamp[:4] != _key_id(origin, public):
        raise ValueError("signed with another key")
    check(checkpoint.body().encode("utf-8"), stamp[4:])
    return checkpoint


def _key_id(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode("utf-8") + b"\n\x01" + public).digest()[:4]
