"""Bytes into messages and lines: frames, charsets, line ends and what is missing at the end."""

import re
from enum import StrEnum
from itertools import pairwise

from results.hl7v2.escapes import Delimiters

#: What may stand before a segment's name and means nothing: blanks, a byte order mark, the marks of a frame.
_LEAD = " \t\ufeff\x00\x0b\x1c"
_ENVELOPE = (b"FHS", b"BHS", b"BTS", b"FTS")
_BOM = b"\xef\xbb\xbf"
#: Byte order marks at the beginning, with what means nothing before them.
_MARKED = re.compile(rb"(?:[ \t\r\n\x00\x0b\x1c]*\xef\xbb\xbf)+")
_HEADER = re.compile(rb"MSH[^A-Za-z0-9\s]")
_BEFORE_HEADER = re.compile(rb"(?:\A|[\r\n\x0b\x1c])(?:[ \t\x00]|\xef\xbb\xbf)*\Z")
_NAME = re.compile(r"[A-Z][A-Z0-9]{2}")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]+")


class Defect(StrEnum):
    """Something that was forgiven, or that the caller must judge."""

    #: A UTF-8 byte order mark was dropped.
    BOM = "bom"
    #: A line end other than CR.
    LINE_ENDS = "line_ends"
    #: Empty lines or blanks before a segment's name.
    BLANKS = "blanks"
    #: Separators other than the standard four.
    SEPARATORS = "separators"
    #: The bytes are not UTF-8; the declared charset, or the one most likely, was taken.
    CHARSET = "charset"
    #: No header: nothing can be believed.
    NO_HEADER = "no_header"
    #: More than one header in what should be one message.
    SEVERAL_HEADERS = "several_headers"
    #: Lines that are no segment.
    STRAY_TEXT = "stray_text"
    #: A line that is no segment follows a result or a note: it may be its end.
    STRAY_RESULT = "stray_result"
    #: Lines of an encapsulated document were joined.
    JOINED = "joined"
    #: The end is missing.
    TRUNCATED = "truncated"


def split(raw: bytes) -> list[bytes]:
    """Cut a file into its messages; each has its own fate and no byte that says something is left out.

    Args:
        raw: a whole file, with or without batch envelopes (FHS, BHS, BTS, FTS) or frames.

    Returns:
        At least one piece. What stands before the first header is a piece of its own unless it is an envelope.
    """
    starts = _header_starts(raw)
    if not starts:
        return [raw]
    pieces = [_without_envelope(raw[start:end]) for start, end in pairwise([*starts, len(raw)])]
    before = _without_envelope(raw[: starts[0]])
    return [before, *pieces] if before.strip(b" \t\r\n\x00\x0b\x1c" + _BOM) else pieces


def is_open_batch(raw: bytes) -> bool:
    """Whether a file opens a batch envelope and never closes it: its end, and perhaps messages, are missing."""
    names = {line.lstrip(b" \t\x0b" + _BOM)[:3] for line in re.split(rb"[\r\n]+", raw)}
    return (b"BHS" in names and b"BTS" not in names) or (b"FHS" in names and b"FTS" not in names)


def _header_starts(raw: bytes) -> list[int]:
    """Where a header begins a line; a look back of 64 bytes is enough for blanks and marks before it."""
    found = (match.start() for match in _HEADER.finditer(raw))
    return [start for start in found if _BEFORE_HEADER.search(raw[max(0, start - 64) : start])]


def _without_envelope(piece: bytes) -> bytes:
    if not any(name in piece for name in _ENVELOPE):
        return piece
    lines = re.split(rb"(?<=[\r\n])", piece)
    return b"".join(line for line in lines if line.lstrip(b" \t\x0b\x1c" + _BOM)[:3] not in _ENVELOPE)


def decode(raw: bytes, defects: set[Defect]) -> tuple[str, str]:
    """The characters of a message and the charset they were read in: UTF-8, else what MSH-18 names, else what fits."""
    if (marks := _MARKED.match(raw)) is not None:
        defects.add(Defect.BOM)
        raw = raw[marks.end() :]
    try:
        return raw.decode("utf-8"), "utf-8"
    except UnicodeDecodeError as refused:
        whole = raw[: refused.start]
        if refused.reason == "unexpected end of data" and not whole.isascii():
            # UTF-8 cut inside its last character: to take another charset would spoil all the rest.
            defects.add(Defect.TRUNCATED)
            return whole.decode("utf-8"), "utf-8"
        # A lost character in a name is an identity error: no replacement character, ever.
        defects.add(Defect.CHARSET)
    starts = _header_starts(raw)
    header = re.split(rb"[\r\n]", raw[starts[0] :], maxsplit=1)[0].decode("latin-1") if starts else ""
    fields = header.split(header[3]) if header[3:4] else []
    named = fields[17].upper() if len(fields) > 17 else ""
    for charset in ("iso8859-15",) if "8859/15" in named else ("cp1252", "latin-1"):
        try:
            return raw.decode(charset), charset
        except UnicodeDecodeError:
            continue
    raise AssertionError("latin-1 reads every byte")


def lines_of(text: str, defects: set[Defect]) -> list[str]:
    """The lines that say something, whatever ends them."""
    if "\n" in text:
        defects.add(Defect.LINE_ENDS)
        text = text.replace("\r\n", "\r").replace("\n", "\r")
    found = text.split("\r")
    if found and not found[-1].strip(_LEAD):
        found.pop()
    lines = [line.lstrip(_LEAD).rstrip("\x1c") for line in found]
    if any(line[:1] in {" ", "\t"} or not line for line in found):
        defects.add(Defect.BLANKS)
    return [line for line in lines if line]


def is_header(line: str) -> bool:
    """Whether a line is the header of a message."""
    return line.startswith("MSH") and len(line) > 3 and not line[3].isalnum() and not line[3].isspace()


def _is_segment(line: str, marks: Delimiters) -> bool:
    return _NAME.fullmatch(line.partition(marks.field)[0].strip()) is not None


def join_documents(lines: list[str], marks: Delimiters, defects: set[Defect]) -> list[str]:
    """The lines, those of a document's base64 put together again and the strays noted."""
    kept: list[list[str]] = []
    document_open = False
    for line in lines:
        if _is_segment(line, marks) and not (document_open and marks.field not in line):
            kept.append([line])
            document_open = _opens_document(line, marks)
        elif document_open and _BASE64.fullmatch(line.partition(marks.field)[0]):
            kept[-1].append(line)
            document_open = marks.field not in line
            defects.add(Defect.JOINED)
        else:
            before = kept[-1][0] if kept else ""
            defects.add(Defect.STRAY_RESULT if before[:3] in {"OBX", "NTE"} else Defect.STRAY_TEXT)
            kept.append([line])
            document_open = False
    return ["".join(parts) for parts in kept]


def _opens_document(line: str, marks: Delimiters) -> bool:
    """Whether a line is an encapsulated document whose value is the last thing said."""
    head = line.split(marks.field, 3)
    return head[0] == "OBX" and len(head) > 3 and head[2].strip() == "ED" and line.count(marks.field) == 5


def is_cut(lines: list[str], marks: Delimiters, *, ends_open: bool) -> bool:
    """Whether the end of a message is missing.

    Args:
        lines: its lines.
        marks: its separators.
        ends_open: whether nothing closes the last line.
    """
    last = lines[-1] if lines else ""
    if last.startswith("MSH"):
        return True
    if not ends_open or not last:
        return False
    no_status = last.startswith("OBX") and last.count(marks.field) < 11
    return no_status or marks.field not in last or not _is_segment(last, marks)
