"""Everything a printer answers, byte by byte, whatever the pieces it comes in."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ProcessId:
    """All that was sent before this ID is on paper."""

    pid: bytes


@dataclass(frozen=True, kw_only=True)
class Status:
    """One answer to DLE EOT; it does not say to which."""

    byte: int


@dataclass(frozen=True, kw_only=True)
class Other:
    """A reply that is understood and not asked for here: automatic status, label position, flow control."""

    what: str


@dataclass(frozen=True, kw_only=True)
class Told:
    """The text that answers a question about the printer itself."""

    text: str


Reply = ProcessId | Status | Told | Other
_LONGEST_TEXT = 80


class Replies:
    """The incremental parser of one connection; `noise` counts the bytes that no reply explains.

    Text is believed only while `expects_text`: unasked it could hide another answer.
    """

    def __init__(self) -> None:
        self._rest = b""
        self.noise = 0
        self.expects_text = False

    def feed(self, received: bytes) -> list[Reply]:
        """Add bytes and get the replies that are complete; what is not understood is dropped, never guessed."""
        data, found, place = self._rest + received, [], 0
        while place < len(data):
            if data[place] == 0x5F and self.expects_text:
                length, reply = _text(data[place : place + _LONGEST_TEXT])
            else:
                length, reply = _read(data, place)
            if length == 0:
                break
            if reply is None:
                self.noise += length
            else:
                found.append(reply)
            place += length
        self._rest = data[place:]
        return found


def _read(data: bytes, place: int) -> tuple[int, Reply | None]:
    """The reply that starts here and its length; (0, None) when bytes are missing, (1, None) for noise."""
    first = data[place]
    if first == 0x37:
        return _block(data[place : place + _LONGEST_TEXT])
    if first in {0x11, 0x13}:
        return 1, Other(what="flow")
    if first & 0x93 == 0x10:
        frame = data[place + 1 : place + 4]
        if any(byte & 0x90 for byte in frame):
            return 1, None
        return (4, Other(what="automatic status")) if len(frame) == 3 else (0, None)
    if first & 0x93 == 0x12:
        return 1, Status(byte=first)
    return 1, None


def _block(data: bytes) -> tuple[int, Reply | None]:
    """A reply with header 37h, told apart by its second byte."""
    match data[1:2]:
        case b"":
            return 0, None
        case b"\x22":
            return _process_id(data)
        case b"\x23":
            length = data.find(b"\x00") + 1 or (_LONGEST_TEXT if len(data) < _LONGEST_TEXT else 1)
            return _ended(data, length, "offline answer")
        case b"\x38":
            return _ended(data, 5, "label position")
        case _:
            return 1, None


def _text(data: bytes) -> tuple[int, Reply | None]:
    """A text between 5Fh and 00h."""
    inside, end, _ = data[1:].partition(b"\x00")
    if not all(0x20 <= byte <= 0x7E for byte in inside) or (not end and len(data) == _LONGEST_TEXT):
        return 1, None
    return (len(inside) + 2, Told(text=inside.decode().strip())) if end else (0, None)


def _process_id(data: bytes) -> tuple[int, Reply | None]:
    pid, end = data[2:6], data[6:7]
    if not all(0x20 <= byte <= 0x7E for byte in pid) or end not in {b"", b"\x00"}:
        return 1, None
    return (7, ProcessId(pid=pid)) if end else (0, None)


def _ended(data: bytes, length: int, what: str) -> tuple[int, Reply | None]:
    if len(data) < length:
        return 0, None
    return (length, Other(what=what)) if data[length - 1] == 0 else (1, None)


@dataclass(frozen=True, kw_only=True)
class Readiness:
    """Whether a printer may be given a paper; `cause` says what it waits for."""

    cause: str = ""

    @property
    def ready(self) -> bool:
        """Nothing stands in the way."""
        return self.cause == ""


def readiness(answers: tuple[int, int, int, int]) -> Readiness:
    """What the four DLE EOT answers mean together, the cause that a person can lift first."""
    printer, why, error, paper = answers
    if why & 0x04:
        return Readiness(cause="cover-open")
    if why & 0x20 or paper & 0x60:
        return Readiness(cause="paper-out")
    if error & 0x08:
        return Readiness(cause="cutter")
    if why & 0x40 or error & 0x20:
        return Readiness(cause="error")
    if printer & 0x08:
        return Readiness(cause="offline")
    return Readiness()


def near_end(answers: tuple[int, int, int, int]) -> bool:
    """Whether the roll ends soon."""
    return bool(answers[3] & 0x0C)
