"""Messages laid over one another into the report as it stands."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from results.hl7v2.reader import Field, Message, Segment
from results.hl7v2.values import coded
from results.reports.sorting import is_flag


class Status(StrEnum):
    """What a line's status (OBX-11) makes of it."""

    #: To be signed.
    FINAL = "final"
    #: Replaces what was said before.
    CORRECTED = "corrected"
    #: Leaves the report.
    DELETED = "deleted"
    #: The whole report is wrong, perhaps another person's.
    WRONG = "wrong"
    #: Shown to staff; told only if the laboratory's rule says so.
    PARTIAL = "partial"
    #: Not verified or not there yet; never told.
    PENDING = "pending"


#: OBX-11, HL7 table 0085; any other letter is pending.
STATUS_OF = {
    "F": Status.FINAL,
    "U": Status.FINAL,
    "C": Status.CORRECTED,
    "D": Status.DELETED,
    "W": Status.WRONG,
    "P": Status.PARTIAL,
    "S": Status.PARTIAL,
    "R": Status.PENDING,
    "I": Status.PENDING,
    "O": Status.PENDING,
    "N": Status.PENDING,
    "X": Status.PENDING,
}


@dataclass(frozen=True, kw_only=True, repr=False)
class Line:
    """One line of a report; values are shown as they were sent."""

    codes: tuple[str, ...]
    label: str
    #: What tells lines of one code apart (OBX-4).
    part: str
    value: str
    unit: str
    reference: str
    #: The sender's mark of an abnormal value (OBX-8); no way of telling depends on it.
    mark: str
    status: Status
    is_document: bool = False
    comments: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """What makes a later line the same line."""
        return (self.codes[0] if self.codes else self.label, self.part)


@dataclass(frozen=True, kw_only=True, repr=False)
class Report:
    """A report as it stands."""

    title: str
    lines: tuple[Line, ...]
    #: Who validated it in the laboratory system; empty when not said.
    validated_by: str = ""

    @property
    def shown(self) -> tuple[Line, ...]:
        """The lines that a reader sees."""
        return tuple(line for line in self.lines if line.status not in {Status.DELETED, Status.WRONG})

    @property
    def is_withdrawn(self) -> bool:
        """Whether nothing of it may stand: a wrong line, or every line deleted."""
        return not self.shown or any(line.status is Status.WRONG for line in self.lines)

    @property
    def is_partial(self) -> bool:
        """Whether something is still to come."""
        return any(line.status in {Status.PARTIAL, Status.PENDING} for line in self.shown)

    @property
    def is_corrected(self) -> bool:
        """Whether it replaces something that was said."""
        return any(line.status in {Status.CORRECTED, Status.DELETED} for line in self.lines)


def status_of(segment: Segment) -> Status:
    """What OBX-11 makes of a line; some senders write it as a coded element."""
    return STATUS_OF.get(segment[11].code.upper(), Status.PENDING)


def assemble(messages: Sequence[Message]) -> Report:
    """Lay messages over one another, oldest first: a later line takes the place of the former of its key.

    Args:
        messages: the bodies of one report's versions; one alone where each version is whole.
    """
    stands: dict[tuple[str, str], list[Line]] = {}
    for message in messages:
        fresh: dict[tuple[str, str], list[Line]] = {}
        for line in _lines(message):
            fresh.setdefault(line.key, []).append(line)
        for key, lines in fresh.items():
            former = stands.get(key)
            # A final status without a value confirms what was preliminary.
            silent = former is not None and all(line.status is Status.FINAL and not line.value for line in lines)
            stands[key] = [replace(line, status=Status.FINAL) for line in former or ()] if silent else lines
    last = messages[-1]
    titles = dict.fromkeys(coded(segment[4].rep(0)).label for segment in last.each("OBR"))
    return Report(
        title=", ".join(title for title in titles if title),
        lines=tuple(line for lines in stands.values() for line in lines),
        validated_by=_validator(last),
    )


def _lines(message: Message) -> list[Line]:
    lines: list[Line] = []
    follows = ""
    for segment in message.segments:
        if segment.name == "OBX" and not is_flag(segment):
            lines.append(_line(segment))
        elif segment.name == "NTE" and follows in {"OBX", "NTE"} and lines:
            lines[-1] = replace(lines[-1], comments=(*lines[-1].comments, segment[3].text))
        follows = segment.name
    return lines


def _line(segment: Segment) -> Line:
    code = coded(segment[3].rep(0))
    unit = segment[6].rep(0)
    return Line(
        codes=code.codes,
        label=code.label or code.other_label or code.code,
        part=segment[4].text.strip(),
        value=_value(segment[2].code.upper(), segment[5]),
        unit=unit.comp(1).strip() or unit.comp(2).strip(),
        reference=segment[7].text.strip(),
        mark=segment[8].text.strip(),
        status=status_of(segment),
        is_document=segment[2].code.upper() in {"ED", "RP"},
    )


def _value(kind: str, content: Field) -> str:
    match kind:
        case "ED" | "RP":
            return ""
        case "SN":
            return " ".join("".join(rep.comp(part).strip() for part in range(1, 5)) for rep in content.reps)
        case "CE" | "CWE" | "CNE":
            return ", ".join(rep.comp(9) or rep.comp(2) or rep.comp(1) for rep in content.reps)
        case "NM" | "ST" | "TX" | "FT":
            return "\n".join(rep.text for rep in content.reps)
    return ", ".join(" ".join(rep.comp(part) for part in range(1, 8)).strip() for rep in content.reps)


def _validator(message: Message) -> str:
    """The validating biologist's name: OBR-32 in either of its two forms, else OBX-16."""
    spoken = ""
    for segment in message.each("OBR"):
        rep = segment[32].rep(0)
        spoken = spoken or _person(rep.sub(1, 3), rep.sub(1, 2)) or _person(rep.comp(3), rep.comp(2))
    for segment in message.each("OBX"):
        spoken = spoken or _person(segment[16].comp(3), segment[16].comp(2))
    return spoken


def _person(given: str, family: str) -> str:
    """A full name; a family name that begins with a digit is a date in the wrong place."""
    return "" if not family.strip() or family.strip()[0].isdigit() else f"{given.strip()} {family.strip()}".strip()
