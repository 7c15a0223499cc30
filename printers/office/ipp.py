"""The internet printing protocol's messages as bytes and back (RFC 8010), as much of it as one station speaks."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

from printers.errors import NotUnderstood

MEDIA_TYPE = "application/ipp"
_VERSION = b"\x02\x00"
_LONGEST = 1023  #: bytes of a keyword, a name or a text that a printer must take (RFC 8011, 5.1)


class Operation(IntEnum):
    """What is asked of a printer (RFC 8011, 4.2 and 4.3)."""

    PRINT_JOB = 0x0002
    VALIDATE_JOB = 0x0004
    CANCEL_JOB = 0x0008
    GET_JOB_ATTRIBUTES = 0x0009
    GET_JOBS = 0x000A
    GET_PRINTER_ATTRIBUTES = 0x000B


class Group(IntEnum):
    """Whose attributes follow (RFC 8010, 3.5.1)."""

    OPERATION = 0x01
    JOB = 0x02
    END = 0x03
    PRINTER = 0x04
    UNSUPPORTED = 0x05


class Tag(IntEnum):
    """What kind of value follows (RFC 8010, 3.5.2)."""

    INTEGER = 0x21
    BOOLEAN = 0x22
    ENUM = 0x23
    COLLECTION = 0x34
    END_COLLECTION = 0x37
    NAME = 0x42
    KEYWORD = 0x44
    URI = 0x45
    CHARSET = 0x47
    LANGUAGE = 0x48
    MIME_TYPE = 0x49


Value = int | bool | str | bytes
#: One attribute that is sent: its name, its kind, its values.
Attribute = tuple[str, Tag, Sequence[Value]]
_NUMBERS = frozenset({Tag.INTEGER, Tag.ENUM})
_WORDS = range(0x41, 0x4A)  #: text, name, keyword, uri … mimeMediaType: plain characters
_WITH_LANGUAGE = frozenset({0x35, 0x36})  #: text and name that say their language first


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a printer answered: its status, the number of the question, and its groups in their order."""

    status: int
    request: int
    groups: tuple[tuple[int, Mapping[str, tuple[Value, ...]]], ...]

    def all(self, group: Group) -> list[Mapping[str, tuple[Value, ...]]]:
        """The attributes of every group of this kind: one a job."""
        return [attributes for tag, attributes in self.groups if tag == group]

    def one(self, group: Group) -> Mapping[str, tuple[Value, ...]]:
        """The attributes of the first group of this kind, empty if there is none."""
        return next(iter(self.all(group)), {})


def write_request(operation: Operation, request: int, groups: Sequence[tuple[Group, Sequence[Attribute]]]) -> bytes:
    """A request as bytes; a document may follow it.

    Args:
        operation: what is asked.
        request: its number, from 1.
        groups: the first one begins with charset and language, as the standard wants.
    """
    out = [_VERSION, struct.pack(">HI", operation, request)]
    for group, attributes in groups:
        out.append(bytes((group,)))
        for name, tag, values in attributes:
            for place, value in enumerate(values):
                out.append(_attribute(name if place == 0 else "", tag, value))
    return b"".join([*out, bytes((Group.END,))])


def _attribute(name: str, tag: Tag, value: Value) -> bytes:
    if isinstance(value, bool):
        data = bytes((value,))
    elif isinstance(value, int):
        data = struct.pack(">i", value)
    else:
        data = value.encode() if isinstance(value, str) else value
    if len(data) > _LONGEST or len(name) > _LONGEST:
        raise ValueError("a value that no printer need take")
    return struct.pack(">BH", tag, len(name)) + name.encode("ascii") + struct.pack(">H", len(data)) + data


def read_answer(data: bytes) -> Answer:
    """An answer from its bytes; raise `NotUnderstood` for anything that is not exactly one."""
    try:
        return _Reader(data).answer()
    except (struct.error, UnicodeDecodeError, IndexError) as fault:
        raise NotUnderstood("an answer that is no IPP message") from fault


class _Reader:
    """The bytes of one message, read from the front."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.place = 0

    def answer(self) -> Answer:
        """The whole message."""
        major, _, status, request = struct.unpack(">BBHI", self._take(8))
        if major not in {1, 2}:
            raise NotUnderstood("an IPP version that is not known here")
        groups: list[tuple[int, dict[str, tuple[Value, ...]]]] = []
        name, depth = "", 0
        while (tag := self._take(1)[0]) != Group.END:
            if tag < 0x10:  # a delimiter: the next group begins
                if depth:
                    raise NotUnderstood("a collection that does not end")
                groups.append((tag, {}))
                name = ""
                continue
            given, data = self._text(), self._take(self._length())
            depth += (tag == Tag.COLLECTION) - (tag == Tag.END_COLLECTION)
            if not groups or depth < 0 or (given and depth > (tag == Tag.COLLECTION)):
                raise NotUnderstood("an attribute that stands nowhere")
            name = given or name
            if depth or tag == Tag.END_COLLECTION:
                continue
            if not name:
                raise NotUnderstood("a value without a name")
            values = groups[-1][1].get(name, ()) if not given else ()
            # An out-of-band value says that there is none.
            groups[-1][1][name] = values if tag < 0x20 else (*values, _value(tag, data))
        if depth:
            raise NotUnderstood("a collection that does not end")
        return Answer(status=status, request=request, groups=tuple(groups))

    def _take(self, count: int) -> bytes:
        taken = self.data[self.place : self.place + count]
        if len(taken) < count:
            raise NotUnderstood("an answer that was cut off")
        self.place += count
        return taken

    def _length(self) -> int:
        length: int = struct.unpack(">H", self._take(2))[0]
        return length

    def _text(self) -> str:
        return self._take(self._length()).decode("ascii")


def _value(tag: int, data: bytes) -> Value:
    if tag in _NUMBERS:
        number: int = struct.unpack(">i", data)[0]
        return number
    if tag == Tag.BOOLEAN:
        if data not in {b"\x00", b"\x01"}:
            raise NotUnderstood("a truth that is neither yes nor no")
        return data == b"\x01"
    if tag in _WORDS:
        return data.decode()
    if tag in _WITH_LANGUAGE:
        skipped = struct.unpack(">H", data[:2])[0] + 2
        length = struct.unpack(">H", data[skipped : skipped + 2])[0]
        if skipped + 2 + length != len(data):
            raise NotUnderstood("a text with a wrong length")
        return data[skipped + 2 :].decode()
    return data
