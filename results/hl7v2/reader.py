"""A message, its segments and its fields, split as they are asked for; reading never raises."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from results.hl7v2.escapes import STANDARD, Delimiters, declared, unescape
from results.hl7v2.lines import Defect, decode, is_cut, is_header, join_documents, lines_of

Tree = tuple[tuple[tuple[str, ...], ...], ...]

_HEADERS = ("MSH", "FHS", "BHS")


@dataclass(frozen=True, slots=True, repr=False)
class Repetition:
    """One repetition of a field; components and subcomponents count from 1."""

    raw: str
    delimiters: Delimiters

    @property
    def text(self) -> str:
        """The whole as one plain text."""
        return unescape(self.raw, self.delimiters)

    def comp(self, number: int) -> str:
        """Component `number` as plain text, empty when it is not there."""
        return unescape(self._part(number), self.delimiters)

    def sub(self, number: int, inner: int) -> str:
        """Subcomponent `inner` of component `number` as plain text, empty when it is not there."""
        parts = self._part(number).split(self.delimiters.subcomponent)
        return unescape(parts[inner - 1], self.delimiters) if inner <= len(parts) else ""

    def _part(self, number: int) -> str:
        parts = self.raw.split(self.delimiters.component, number)
        return parts[number - 1] if number <= len(parts) else ""

    def __repr__(self) -> str:
        return f"<Repetition, {len(self.raw)} characters>"


@dataclass(frozen=True, slots=True, repr=False)
class Field:
    """One field; `""` in it means "erase", an empty one means "not said"."""

    raw: str
    delimiters: Delimiters
    #: MSH-1 and MSH-2 hold separators and are never split.
    plain: bool = False

    @property
    def text(self) -> str:
        """The whole field as one plain text."""
        return self.raw if self.plain else unescape(self.raw, self.delimiters)

    @property
    def reps(self) -> list[Repetition]:
        """Every repetition; none in an empty field."""
        if not self.raw:
            return []
        parts = [self.raw] if self.plain else self.raw.split(self.delimiters.repetition)
        return [Repetition(part, self.delimiters) for part in parts]

    def rep(self, index: int) -> Repetition:
        """Repetition `index`, counted from 0; an empty one when it is not there."""
        if index == 0 and (self.plain or self.delimiters.repetition not in self.raw):
            return Repetition(self.raw, self.delimiters)
        reps = self.reps
        return reps[index] if index < len(reps) else Repetition("", self.delimiters)

    def comp(self, number: int) -> str:
        """Component `number` of the first repetition."""
        return self.rep(0).comp(number)

    @property
    def code(self) -> str:
        """The first component without blanks round it: how a code is compared."""
        return self.comp(1).strip()

    @property
    def erases(self) -> bool:
        """Whether the sender said "erase"."""
        return self.raw == '""'

    def __repr__(self) -> str:
        return f"<Field, {len(self.raw)} characters>"


class Segment:
    """One line of a message; its fields are split when the first one is asked for."""

    __slots__ = ("_fields", "delimiters", "name", "raw")

    def __init__(self, raw: str, delimiters: Delimiters) -> None:
        self.raw = raw
        self.delimiters = delimiters
        self.name = raw[:3] if raw[3:4] == delimiters.field else raw.partition(delimiters.field)[0].strip()
        self._fields: list[str] | None = None

    @property
    def fields(self) -> list[str]:
        """The fields as they came; index 0 is the name, and MSH-1 is the separator."""
        if self._fields is None:
            self._fields = self.raw.split(self.delimiters.field)
            if self.name in _HEADERS:
                self._fields.insert(1, self.delimiters.field)
        return self._fields

    def __getitem__(self, number: int) -> Field:
        fields = self.fields
        raw = fields[number] if number < len(fields) else ""
        return Field(raw, self.delimiters, plain=self.name in _HEADERS and number in {1, 2})

    def __bool__(self) -> bool:
        return bool(self.raw)

    def __repr__(self) -> str:
        return f"<Segment, {len(self.raw)} characters>"

    def tree(self, *, plain: Callable[[str, Delimiters], str] = unescape) -> list[Tree]:
        """Every field from the name on as repetitions of components of subcomponents."""
        marks = self.delimiters
        special = {marks.component, marks.repetition, marks.subcomponent, marks.escape}
        separators = (1, 2) if self.name in _HEADERS else ()
        fields: list[Tree] = []
        for number, raw in enumerate(self.fields):
            if number in separators or special.isdisjoint(raw):
                fields.append((((raw,),),))
                continue
            fields.append(
                tuple(
                    tuple(
                        tuple(plain(sub, marks) for sub in component.split(marks.subcomponent))
                        for component in repetition.split(marks.component)
                    )
                    for repetition in raw.split(marks.repetition)
                )
            )
        return fields


class Message:
    """One message as it was read; nothing in it is believed yet."""

    __slots__ = ("charset", "defects", "delimiters", "segments")

    def __init__(
        self, segments: tuple[Segment, ...], delimiters: Delimiters, charset: str, defects: frozenset[Defect]
    ) -> None:
        self.segments = segments
        self.delimiters = delimiters
        #: The Python name of the charset that the bytes were read in.
        self.charset = charset
        self.defects = defects

    @staticmethod
    def read(raw: bytes) -> "Message":
        """Read one message; whatever the bytes are, this never raises.

        Args:
            raw: one message, as `split` gives it, with or without its frame.
        """
        defects: set[Defect] = set()
        text, charset = decode(raw, defects)
        ends_open = not raw.endswith((b"\r", b"\n", b"\x1c"))
        lines = lines_of(text, defects)
        header = next((line for line in lines if is_header(line)), None)
        marks = STANDARD
        if header is None:
            defects.add(Defect.NO_HEADER)
        else:
            marks = declared(header[3], header[4:].split(header[3], 1)[0])
            if marks.declared != STANDARD.declared or marks.field != STANDARD.field:
                defects.add(Defect.SEPARATORS)
            if sum(map(is_header, lines)) > 1:
                defects.add(Defect.SEVERAL_HEADERS)
        lines = join_documents(lines, marks, defects)
        if is_cut(lines, marks, ends_open=ends_open):
            defects.add(Defect.TRUNCATED)
        segments = tuple(Segment(line, marks) for line in lines)
        return Message(segments, marks, charset, frozenset(defects))

    def __getitem__(self, name: str) -> Segment:
        """The first segment of that name; an absent one reads as an empty one."""
        return next(self.each(name), Segment("", self.delimiters))

    def __contains__(self, name: str) -> bool:
        return any(True for _ in self.each(name))

    def each(self, name: str) -> Iterator[Segment]:
        """The segments of that name, in their order."""
        return (segment for segment in self.segments if segment.name == name)

    def all(self, name: str) -> list[Segment]:
        """Every segment of that name, in their order."""
        return list(self.each(name))

    def content(self) -> list[list[Tree]]:
        """The whole tree without what the header declares about itself: equal for every disguise of one message."""
        trees = [segment.tree() for segment in self.segments]
        for segment, tree in zip(self.segments, trees, strict=True):
            if segment.name in _HEADERS:
                del tree[1:3]
        return trees

    def __repr__(self) -> str:
        return f"<Message, {len(self.segments)} segments>"
