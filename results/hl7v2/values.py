"""What a field means: times, numbers, names, identifiers, coded values and enclosed documents."""

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from decimal import Decimal
from enum import StrEnum

from results.hl7v2.reader import Field, Repetition

_TIME = re.compile(r"(\d{4})(\d\d)?(\d\d)?(\d\d)?(\d\d)?(\d\d)?(?:\.(\d{1,6})\d*)?(?:([+-])(\d\d):?(\d\d))?", re.ASCII)
_NUMBER = re.compile(r"[+-]?\d+(?:[.,]\d+)?|[+-]?[.,]\d+", re.ASCII)
_BLANK = re.compile(r"\s+")
_RPPS = re.compile(r"8?(\d{11})", re.ASCII)
#: The authority of the national numbers of professionals of health.
_RPPS_OID = "1.2.250.1.71.4.2.1"


class Precision(StrEnum):
    """How much of a time was said."""

    YEAR = "year"
    MONTH = "month"
    DAY = "day"
    MINUTE = "minute"
    SECOND = "second"


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A time as far as it was said."""

    #: The first instant that it may mean, in UTC.
    start: datetime
    precision: Precision
    #: YYYYMMDD as written; unknown parts are 00.
    day: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Name:
    """A person's name (XPN)."""

    family: str
    #: The first given name.
    given: str
    #: All given names, where the sender follows the French usage.
    givens: str
    #: `L` birth name, `D` name in use; empty when not said.
    kind: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Identifier:
    """A number and who gave it (CX, EI)."""

    number: str
    #: The authority's namespace, for eyes only.
    namespace: str
    #: The authority's OID, the only part that recognises it.
    oid: str
    #: Kind of number, table 0203: `PI`, `INS`, `MR`.
    kind: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Practitioner:
    """A professional of health, as an order names them (XCN)."""

    #: Eleven digits; empty when the number is another authority's, or none.
    rpps: str
    family: str
    given: str


@dataclass(frozen=True, kw_only=True, repr=False)
class Coded:
    """A coded value (CE, CWE) with its alternative."""

    code: str
    label: str
    system: str
    other_code: str
    other_label: str
    other_system: str

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes that were said, first the principal one."""
        return tuple(code for code in (self.code, self.other_code) if code)


class DocumentKind(StrEnum):
    """What an enclosed document is, by its first bytes."""

    XML = "xml"
    PDF = "pdf"
    OTHER = "other"


@dataclass(frozen=True, kw_only=True, repr=False)
class Document:
    """A document enclosed in a field (ED)."""

    content: bytes
    kind: DocumentKind
    #: Whether its base64 cannot have been whole, or its last bytes are not those of its kind.
    truncated: bool


def moment(text: str, zone: tzinfo) -> Moment | None:
    """Read a time (TS, DTM, DT).

    Args:
        text: `YYYY[MM[DD[HHMM[SS[.ffff]]]]][+/-ZZZZ]`.
        zone: the site's zone, for a time that names none.

    Returns:
        None for what is no time or cannot be.
    """
    found = _TIME.fullmatch(text.strip())
    if found is None:
        return None
    year, month, day, hour, minute, second, fraction, sign, off_hours, off_minutes = found.groups()
    if hour and not minute:
        minute = "00"
    try:
        if sign:
            offset = timedelta(hours=int(off_hours), minutes=int(off_minutes))
            zone = timezone(-offset if sign == "-" else offset)
        micro = int((fraction or "").ljust(6, "0")) if second else 0
        first = datetime(int(year), int(month or 1), int(day or 1), tzinfo=zone)
        start = first.replace(hour=int(hour or 0), minute=int(minute or 0), second=int(second or 0), microsecond=micro)
        utc = start.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    said = (second, minute, day, month)
    names = (Precision.SECOND, Precision.MINUTE, Precision.DAY, Precision.MONTH)
    precision = next((name for part, name in zip(said, names, strict=True) if part), Precision.YEAR)
    return Moment(start=utc, precision=precision, day=f"{year}{month or '00'}{day or '00'}")


def number(text: str) -> Decimal | None:
    """Read a number for a comparison; it is always shown as it was sent."""
    plain = text.strip()
    return Decimal(plain.replace(",", ".")) if _NUMBER.fullmatch(plain) else None


def name(rep: Repetition) -> Name:
    """Read a person's name (XPN)."""
    givens = rep.comp(3).strip()
    given = rep.comp(2).strip()
    return Name(family=rep.sub(1, 1).strip(), given=given, givens=givens or given, kind=rep.comp(7).strip())


def identifier(rep: Repetition) -> Identifier:
    """Read a number and its authority (CX)."""
    return Identifier(
        number=rep.comp(1).strip(),
        namespace=rep.sub(4, 1).strip(),
        oid=rep.sub(4, 2).strip(),
        kind=rep.comp(5).strip(),
    )


def practitioner(rep: Repetition) -> Practitioner:
    """Read a professional (XCN): the national number by its authority's OID, or by its kind where no OID is said.

    The national identifier is the eleven digits, or these behind the 8 that names their directory.
    """
    oid = rep.sub(9, 2).strip()
    is_national = oid == _RPPS_OID if oid else rep.comp(13).strip().upper() == "RPPS"
    found = _RPPS.fullmatch(rep.comp(1).strip()) if is_national else None
    return Practitioner(
        rpps=found[1] if found else "", family=rep.sub(2, 1).strip(), given=rep.comp(3).strip()
    )  # fmt: skip


def coded(rep: Repetition) -> Coded:
    """Read a coded value (CE, CWE); blanks round codes mean nothing."""
    return Coded(
        code=rep.comp(1).strip(),
        label=rep.comp(2).strip(),
        system=rep.comp(3).strip(),
        other_code=rep.comp(4).strip(),
        other_label=rep.comp(5).strip(),
        other_system=rep.comp(6).strip(),
    )


def document(field: Field) -> Document:
    """Read an enclosed document (ED); its first bytes say what it is, never its label.

    A base64 text without padding is padded; one whose length leaves 1 cannot have been whole.
    """
    raw = field.rep(0).comp(5)
    text = _BLANK.sub("", raw).rstrip("=")
    if field.rep(0).comp(4).strip().casefold() != "base64":
        content = raw.encode()
        return Document(content=content, kind=_kind(content), truncated=not _is_whole(content))
    whole = len(text) - len(text) % 4 if len(text) % 4 == 1 else len(text)
    try:
        content = base64.b64decode(text[:whole] + "=" * (-whole % 4), validate=True)
    except (binascii.Error, ValueError):
        return Document(content=b"", kind=DocumentKind.OTHER, truncated=True)
    return Document(content=content, kind=_kind(content), truncated=whole != len(text) or not _is_whole(content))


def _is_whole(content: bytes) -> bool:
    match _kind(content):
        case DocumentKind.XML:
            return content.rstrip().endswith(b">")
        case DocumentKind.PDF:
            return b"%%EOF" in content[-1024:]
    return bool(content)


def _kind(content: bytes) -> DocumentKind:
    start = content[:64].removeprefix(b"\xef\xbb\xbf").lstrip()
    if start.startswith(b"%PDF-"):
        return DocumentKind.PDF
    return DocumentKind.XML if start.startswith((b"<?xml", b"<ClinicalDocument")) else DocumentKind.OTHER
