"""One message parted into its reports, each with its class and its flags, by codes alone."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from kiosk.exams.catalogue import ReleaseClass
from results.hl7v2.reader import Message, Segment
from results.hl7v2.values import coded

_FLAG_SYSTEM = "metadmpmss"


class Flag(StrEnum):
    """A visibility flag of the laboratory system; each closes a route."""

    #: No way to the patient until a biologist opens it.
    PATIENT = "patient"
    #: No parent, no guardian.
    GUARDIANS = "guardians"
    #: As guardians, and no notice to the family's address.
    SECRET = "secret"  # noqa: S105 -- the name of a flag
    #: No professional but the prescriber.
    PROFESSIONALS = "professionals"


FLAG_OF = {
    "INVISIBLE_PATIENT": Flag.PATIENT,
    "INVISIBLE_REP_LEGAUX": Flag.GUARDIANS,
    "INVISIBLE_REPRESENTANTS_LEGAUX": Flag.GUARDIANS,
    "CONNEXION_SECRETE": Flag.SECRET,
    "MASQUE_PS": Flag.PROFESSIONALS,
}


@dataclass(frozen=True, kw_only=True)
class Fragment:
    """The segments of one message that belong to one report."""

    #: Filler number (OBR-3), else placer number (OBR-2); empty when there is none.
    key: str
    #: Where they stand in the message.
    indexes: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Sorting:
    """The class of a report, by its codes alone."""

    release_class: ReleaseClass
    #: Whether every line has a code that the laboratory knows; if not, nothing is told until a biologist has looked.
    is_known: bool


@dataclass(kw_only=True)
class _Group:
    key: str = ""
    indexes: list[int] = field(default_factory=list)


def fragments(message: Message) -> list[Fragment]:
    """Part a message into its reports: groups that carry the same number are one report."""
    groups: list[_Group] = []
    for index, segment in enumerate(message.segments):
        opens = segment.name == "ORC" or (segment.name == "OBR" and not _is_awaited(message, groups))
        if opens or (segment.name == "OBX" and not groups):
            groups.append(_Group())
        if not groups:
            continue
        groups[-1].indexes.append(index)
        if segment.name in {"OBR", "ORC"}:
            groups[-1].key = segment[3].code or segment[2].code or groups[-1].key
    found: dict[str, list[int]] = {}
    for group in groups:
        if any(message.segments[index].name in {"OBR", "OBX"} for index in group.indexes):
            found.setdefault(group.key, []).extend(group.indexes)
    return [Fragment(key=key, indexes=tuple(indexes)) for key, indexes in found.items()]


def cover(message: Message, fragment: Fragment) -> tuple[int, ...]:
    """The segments of a message that make one report readable alone: its header, its patient and its groups."""
    head = (index for index, segment in enumerate(message.segments) if segment.name in {"MSH", "PID"})
    return (*head, *fragment.indexes)


def sort_by_class(
    message: Message, fragment: Fragment, class_of: Callable[[str], str | None], *, ordered: Iterable[str] = ()
) -> Sorting:
    """Find the class of a report: the highest among its codes and the exams that were ordered.

    A line without a known code makes it C3 at least and not known. No value is looked at.

    Args:
        message: what came.
        fragment: its part that is this report.
        class_of: code -> class, None for a code that nobody has mapped.
        ordered: codes of the exams that were ordered.
    """
    classes = [class_of(code) for code in ordered]
    is_known = None not in classes
    lines = 0
    for segment in _segments(message, fragment):
        if segment.name not in {"OBR", "OBX"} or is_flag(segment):
            continue
        codes = coded(segment[4 if segment.name == "OBR" else 3].rep(0)).codes
        found = [known for known in map(class_of, codes) if known is not None]
        classes += found
        if segment.name == "OBX":
            lines += 1
            is_known = is_known and bool(found)
    names = [ReleaseClass(name) for name in classes if name is not None]
    is_known = is_known and bool(names) and lines > 0
    return Sorting(release_class=max([*names, *([] if is_known else [ReleaseClass.C3])]), is_known=is_known)


def flags_of(message: Message) -> frozenset[Flag]:
    """The visibility flags that are up; any value but N counts as Y."""
    return frozenset(
        FLAG_OF[code]
        for segment in message.each("OBX")
        if is_flag(segment) and (code := segment[3].code.upper()) in FLAG_OF and segment[5].code.upper() != "N"
    )


def is_flag(segment: Segment) -> bool:
    """Whether a segment is a flag of visibility, which is no result."""
    return segment.name == "OBX" and segment[3].comp(3).strip().casefold() == _FLAG_SYSTEM


def _is_awaited(message: Message, groups: list[_Group]) -> bool:
    """Whether the last group has begun with its order and awaits its OBR."""
    return bool(groups) and [message.segments[index].name for index in groups[-1].indexes] == ["ORC"]


def _segments(message: Message, fragment: Fragment) -> list[Segment]:
    return [message.segments[index] for index in fragment.indexes]
