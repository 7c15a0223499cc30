"""Values into the bytes of a message: one charset, UTF-8, and CR after each segment."""

from collections.abc import Iterable, Sequence

from results.hl7v2.escapes import STANDARD, Delimiters, escape
from results.hl7v2.reader import Message

#: A component: one text, or a tuple of subcomponents.
Component = str | tuple[str, ...]
#: A field: one text, a tuple of components, or a list of repetitions.
Value = str | tuple[Component, ...] | list[str | tuple[Component, ...]]


def write(segments: Iterable[Sequence[Value]], *, delimiters: Delimiters = STANDARD) -> bytes:
    """Write a message.

    Args:
        segments: each begins with its name; the next value is field 1, and MSH-3 for a header, whose first two
            fields are the separators.
        delimiters: the separators to declare.
    """
    lines: list[str] = []
    for name, *values in segments:
        written = [_field(value, delimiters) for value in values]
        if name in {"MSH", "FHS", "BHS"}:
            written.insert(0, delimiters.declared)
        lines.append(delimiters.field.join((str(name), *written)))
    return "".join(line + "\r" for line in lines).encode()


def rewrite(message: Message, *, only: Iterable[int] | None = None) -> bytes:
    """The same message in its own charset and separators, CR after each segment.

    Args:
        message: what was read.
        only: indexes of the segments to keep; None keeps all.
    """
    kept = range(len(message.segments)) if only is None else sorted(set(only))
    return "".join(message.segments[index].raw + "\r" for index in kept).encode(message.charset)


def _field(value: Value, delimiters: Delimiters) -> str:
    if isinstance(value, str):
        return escape(value, delimiters)
    if isinstance(value, tuple):
        return _repetition(value, delimiters)
    return delimiters.repetition.join(_repetition(item, delimiters) for item in value)


def _repetition(value: str | tuple[Component, ...], delimiters: Delimiters) -> str:
    if isinstance(value, str):
        return escape(value, delimiters)
    parts = (
        escape(part, delimiters)
        if isinstance(part, str)
        else delimiters.subcomponent.join(escape(inner, delimiters) for inner in part)
        for part in value
    )
    return delimiters.component.join(parts)
