"""Everything a Zebra answers: lines between STX and ETX, and what its host status means."""

import re

from printers.errors import NotUnderstood
from printers.station.replies import Readiness, Replies, Reply, Told

_LONGEST = 160  #: a line that is longer is none of the ones that are asked for
_FRAME = re.compile(rb"\x02([ -~]*)\x03(?:\r\n?)?")
#: The three lines of ~HS, field by field.
_LINES = (
    re.compile(r"\d{3},[01],[01],\d{4},\d{3},[01],[01],[01],\d{3},[01],[01],[01]"),
    re.compile(r"\d{3},\d,[01],[01],[01],\w,\d,[01],\d{8},\d,\d{3}"),
    re.compile(r"\d{4},[01]"),
)
#: Line and field of ~HS that stop a label, in the order in which a person can lift them.
_STOPS = (
    (1, 2, "cover-open"),
    (0, 1, "paper-out"),
    (1, 3, "ribbon-out"),
    (0, 2, "paused"),
    (0, 9, "error"),
    (0, 10, "temperature"),
    (0, 11, "temperature"),
    (0, 5, "busy"),
)


class HostLines(Replies):
    """The incremental parser of one connection to a Zebra; each whole line is a text."""

    def feed(self, received: bytes) -> list[Reply]:
        """Add bytes and get the lines that are complete; what stands between them is noise."""
        data, found, place = self._rest + received, list[Reply](), 0
        for frame in _FRAME.finditer(data):
            self.noise += len(data[place : frame.start()].strip(b"\r\n"))
            found.append(Told(text=frame[1].decode()))
            place = frame.end()
        rest = data[place:].lstrip(b"\r\n")
        begun = rest.rfind(b"\x02")
        kept = rest[begun:] if begun >= 0 and len(rest) - begun <= _LONGEST else b""
        self.noise += len(rest) - len(kept)
        self._rest = kept
        return found


def host_readiness(lines: list[str]) -> Readiness:
    """What the three lines of ~HS mean; raise `NotUnderstood` unless every field is one that they may hold."""
    if len(lines) != 3 or not all(form.fullmatch(line) for form, line in zip(_LINES, lines, strict=True)):
        raise NotUnderstood("an answer that is no host status")
    fields = [line.split(",") for line in lines]
    return Readiness(cause=next((cause for line, field, cause in _STOPS if fields[line][field] == "1"), ""))
