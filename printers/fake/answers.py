"""What the fake ESC/POS printer says of itself, bit by bit, after the maker's tables."""

from dataclasses import dataclass

XON, XOFF = b"\x11", b"\x13"


@dataclass
class Body:
    """What a hand can do to a printer, and what its maintenance counters have counted."""

    paper: bool = True
    closed: bool = True
    near_end: bool = False
    strokes: int = 0  #: rows of dots that the head has burnt
    cuts: int = 0
    at_cut: bool = False  #: the label stands where it is torn off

    @property
    def ready(self) -> bool:
        """Whether a paper can come out."""
        return self.paper and self.closed

    def status(self, question: int) -> bytes:
        """The byte that answers DLE EOT 1 to 4."""
        told = {
            1: 0 if self.ready else 0x08,
            2: (0 if self.closed else 0x04) | (0 if self.paper else 0x20),
            3: 0,
            4: (0 if self.paper else 0x60) | (0x0C if self.near_end or not self.paper else 0),
        }
        return bytes((0x12 | told[question],))

    def in_order(self) -> bytes:
        """The byte that answers GS r 1, in its turn with the data."""
        return bytes(((0 if self.paper else 0x0C) | (0x03 if self.near_end or not self.paper else 0),))

    def automatic(self) -> bytes:
        """The four bytes that are sent by themselves once another programme has asked for them with GS a."""
        return bytes((0x10 | (0 if self.ready else 0x08) | (0 if self.closed else 0x20), 0, self.in_order()[0], 0))

    def position(self) -> bytes:
        """The answer to FS ( L fn 48: at the place to tear off, or at the start of a label."""
        return b"78" + bytes((0x02 if self.at_cut else 0x04, 0, 0))

    def counter(self, number: int) -> bytes | None:
        """The answer to GS g 2, where the maker counts it: 21 head strokes, 50 cuts."""
        counted = {21: self.strokes, 50: self.cuts}.get(number)
        return None if counted is None else text(str(counted))


def text(words: str) -> bytes:
    """A block of text, as GS I and GS g answer."""
    return b"_" + words.encode() + b"\x00"
