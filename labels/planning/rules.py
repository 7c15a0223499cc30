"""What a site decides about its tubes: names, order of draw, volumes, and what may share a tube with what."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from labels.planning.kinds import Kind, Look

#: Unusable volume of a kind that has a usable one and does not say it, in microlitres.
DEAD: Final = 200


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A place of the laboratory where tubes go."""

    exams: frozenset[str]
    #: Microlitres that it leaves unused in each tube that visits it.
    dead: int = 0
    #: Whether its exams come in tubes of their own.
    own_tube: bool = False


@dataclass(frozen=True, kw_only=True)
class Child:
    """Smaller tubes and smaller volumes below an age."""

    words: str
    #: In whole years: this class is for who is younger.
    under: int
    #: Microlitres, in place of the adult ones; what is not named stays as it is for adults.
    usable: Mapping[Kind, int] = field(default_factory=dict)
    dead: int = DEAD
    usual: int = 100
    volumes: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The site's table; exams are act codes, volumes microlitres of what the analyser aspirates."""

    looks: Mapping[Kind, Look] = field(default_factory=dict)
    #: Blood tubes in order of draw; a kind that is not named comes after them, as `Kind` lists it.
    order: tuple[Kind, ...] = ()
    #: Usable volume of one tube = nominal volume × filling × yield; a kind that is not named holds any number of exams.
    usable: Mapping[Kind, int] = field(default_factory=dict)
    #: What stays unusable in each tube.
    dead: Mapping[Kind, int] = field(default_factory=dict)
    #: Volume of an exam that `volumes` does not name.
    usual: int = 100
    volumes: Mapping[str, int] = field(default_factory=dict)
    on_ice: frozenset[str] = frozenset()
    from_light: frozenset[str] = frozenset()
    #: Exams that never share a tube with any other.
    alone: frozenset[str] = frozenset()
    #: Groups whose exams exclude each other: any two of one group are never in the same tube.
    apart: tuple[frozenset[str], ...] = ()
    #: Exam -> name of the group in which alone it may share.
    groups: Mapping[str, str] = field(default_factory=dict)
    benches: Mapping[str, Bench] = field(default_factory=dict)
    #: Exams that another laboratory makes: each has an aliquot of its own.
    send_out: frozenset[str] = frozenset()
    #: Exams whose second determination needs another collection.
    two_draws: frozenset[str] = frozenset()
    #: Minutes after the first draw of each tube of a timed test.
    times: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    #: The kind that the laboratory's method needs where the catalogue leaves it to the method.
    methods: Mapping[str, Kind] = field(default_factory=dict)
    #: Which kinds a site likes better when the number of tubes is the same.
    preferred: tuple[Kind, ...] = ()
    children: tuple[Child, ...] = ()
    #: The table word for word, as it is signed; comments and blanks do not count.
    said: str = ""
    #: Whether a biologist has signed this very table.
    validated: bool = False

    def place(self, kind: Kind) -> tuple[bool, int]:
        """Where a kind stands in the order of draw: the named blood tubes, other blood, then the rest."""
        if kind in self.order:
            return False, self.order.index(kind)
        return not kind.is_blood, len(self.order) + tuple(Kind).index(kind)

    def by_liking(self, kinds: Iterable[Kind]) -> list[Kind]:
        """Kinds in order of the site's preference, then in order of draw."""
        place = {kind: number for number, kind in enumerate(self.preferred)}
        return sorted(kinds, key=lambda kind: (place.get(kind, len(place)), self.place(kind)))

    def rooms(self, child: Child | None) -> dict[Kind, int]:
        """Microlitres that the exams may use together in one tube; a kind that is not named has no limit."""
        rooms = {kind: usable - self.dead.get(kind, DEAD) for kind, usable in self.usable.items()}
        if child is not None:
            rooms |= {kind: usable - child.dead for kind, usable in child.usable.items()}
        return rooms

    def volume(self, exam: str, child: Child | None) -> int:
        """Microlitres that an exam takes; an adult's where the table names the exam for adults only."""
        if child is None:
            return self.volumes.get(exam, self.usual)
        return child.volumes.get(exam, self.volumes.get(exam, child.usual))

    def bench(self, exam: str) -> str:
        """Name of the bench where an exam is made; empty where the table does not say it."""
        return next((name for name, bench in self.benches.items() if exam in bench.exams), "")

    def handling(self, exams: Collection[str]) -> tuple[str, ...]:
        """What must be done with a tube of these exams as soon as it is drawn, in French."""
        told = ((self.on_ice, "sur glace"), (self.from_light, "à l'abri de la lumière"))
        return tuple(words for codes, words in told if codes & set(exams))

    def excluded(self, exam: str, asked: Collection[str]) -> frozenset[str]:
        """Which of the exams asked for may not be in the tube of this one."""
        return frozenset(other for group in self.apart if exam in group for other in group & set(asked)) - {exam}

    def child(self, birth_date: str, today: date) -> Child | None:
        """Give the class of a patient's age, None for an adult.

        Args:
            birth_date: YYYYMMDD as on file; an unknown month or day counts as the last one: rather too small a tube.
            today: the site's own day.
        """
        month, day = birth_date[4:6].replace("00", "12"), birth_date[6:].replace("00", "31")
        born = int(birth_date[:4])
        years = today.year - born - (f"{today:%m%d}" < month + day)
        return next((one for one in sorted(self.children, key=lambda one: one.under) if years < one.under), None)
