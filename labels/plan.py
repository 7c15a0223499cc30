"""From the exams of a prescription to the fewest containers that serve them, in order of draw, with every reason."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from kiosk.exams.catalogue import Exam
from labels.filling import Filled, Piece, fewest, liked
from labels.tubes import LOOKS, ORDER, Kind


class Why(StrEnum):
    """Why a container is not shared any further."""

    #: One container of each kind that is needed.
    KIND = "kind"
    #: The exams need more than one tube holds.
    VOLUME = "volume"
    #: On ice: alone.
    ICE = "ice"
    #: Away from light: alone.
    LIGHT = "light"
    #: One tube for each time of a test.
    TIME = "time"


#: The reasons as the screen says them.
WHY_FRENCH: Final[Mapping[Why, str]] = MappingProxyType(
    {
        Why.KIND: "",
        Why.VOLUME: "volume : un tube ne suffit pas",
        Why.ICE: "sur glace, jamais partagé",
        Why.LIGHT: "à l'abri de la lumière, jamais partagé",
        Why.TIME: "temps de l'épreuve, jamais partagé",
    }
)


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What a site decides about its tubes; volumes in microlitres of what the analyser aspirates."""

    #: Usable volume of one tube = nominal volume × filling × yield; a kind that is not named holds any number of exams.
    usable: Mapping[Kind, int] = field(default_factory=dict)
    #: What stays unusable in each tube.
    dead: int = 200
    #: Volume of an exam that `volumes` does not name.
    usual: int = 100
    volumes: Mapping[str, int] = field(default_factory=dict)
    on_ice: frozenset[str] = frozenset()
    from_light: frozenset[str] = frozenset()
    #: Minutes after the first draw of each tube of a timed test.
    times: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    #: The kind that the laboratory's method needs where the catalogue leaves it to the method.
    methods: Mapping[str, Kind] = field(default_factory=dict)
    #: Which kinds a site likes better when the number of tubes is the same.
    preferred: tuple[Kind, ...] = ()
    #: Whether a biologist has signed these rules.
    validated: bool = False


#: From general professional knowledge, unverified: no biologist has signed it.
DEFAULT: Final = Rules(
    usable=MappingProxyType(
        {
            Kind.CITRATE: 1200,  # 2.7 ml, filled, 45 % plasma
            Kind.DRY: 2200,  # 5 ml, 45 % serum
            Kind.DRY_GEL: 2200,
            Kind.HEPARIN: 1800,  # 4 ml, 45 % plasma
            Kind.EDTA: 3500,  # 4 ml of whole blood
            Kind.EDTA_GROUP: 3500,
            Kind.FLUORIDE: 900,  # 2 ml, 45 % plasma
        }
    ),
    volumes=MappingProxyType({"0983": 500, "1821": 500, "1124": 1000, "1577": 200, "1104": 300, "0186": 200}),
    on_ice=frozenset({"0536", "0530"}),
    from_light=frozenset({"1601", "1387"}),
    times=MappingProxyType({"0412": (0, 60, 120, 180), "0413": (0, 120)}),
)


@dataclass(frozen=True, kw_only=True)
class PlannedTube:
    """One container to be labelled: number k of n in order of draw."""

    kind: Kind
    k: int
    n: int
    #: Act codes, sorted.
    exams: tuple[str, ...]
    why: Why
    #: Minutes after the first draw, for a timed test only.
    minutes: int | None
    #: What the sampler or the secretary must know, in French.
    remarks: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class NoTube:
    """An exam whose container nobody has said yet: shown, never dropped."""

    exam: str
    french: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The containers of one prescription, and what is still to be decided by a person."""

    tubes: tuple[PlannedTube, ...]
    without: tuple[NoTube, ...]
    remarks: tuple[str, ...]
    validated: bool


@dataclass(frozen=True, kw_only=True)
class _Ask:
    """A piece, and why it may not be shared."""

    piece: Piece
    why: Why = Why.KIND
    minutes: int | None = None


@dataclass(frozen=True, kw_only=True)
class _Tube:
    """A container before it has its number."""

    filled: Filled
    why: Why
    minutes: int | None = None

    @property
    def exams(self) -> tuple[str, ...]:
        return tuple(sorted(piece.exam for piece in self.filled.pieces))

    @property
    def turn(self) -> tuple[bool, int, int, bool, tuple[str, ...]]:
        """Blood by time and rank, then what is not blood; the shared tube before those that are alone."""
        kind = self.filled.kind
        return LOOKS[kind].rank is None, self.minutes or 0, ORDER[kind], self.why is not Why.KIND, self.exams


def plan(exams: Iterable[Exam], *, rules: Rules = DEFAULT) -> Plan:
    """Plan the containers of a prescription: same exams, same plan, in whatever order they were typed.

    Args:
        exams: what was prescribed; an exam that stands twice counts once.
        rules: the site's tubes, volumes and choices.

    Source: the design note on paper, section 7; order of draw CLSI GP41.
    """
    asked = {exam.nabm: exam for exam in sorted(exams, key=lambda exam: exam.nabm)}
    asks = [ask for exam in asked.values() for ask in _asks(exam, rules)]
    rooms = {kind: usable - rules.dead for kind, usable in rules.usable.items()}
    together = fewest((ask.piece for ask in asks if ask.why is Why.KIND), rooms=rooms, preferred=rules.preferred)
    alone = [
        _Tube(
            filled=Filled(kind=liked(ask.piece.kinds, rules.preferred)[0], room=None, pieces=[ask.piece]),
            why=ask.why,
            minutes=ask.minutes,
        )
        for ask in asks
        if ask.why is not Why.KIND
    ]
    tubes = _numbered([*(_Tube(filled=filled, why=Why.KIND) for filled in together), *alone], asked, rules)
    return Plan(
        tubes=tubes,
        without=tuple(_open(exam) for exam in asked.values() if not exam.needs),
        remarks=_remarks(tubes),
        validated=rules.validated,
    )


def _open(exam: Exam) -> NoTube:
    said = f" (« {exam.tube} »)" if exam.tube else ""
    return NoTube(exam=exam.nabm, french=f"{exam.name} : contenant à préciser{said}")


def _asks(exam: Exam, rules: Rules) -> Iterator[_Ask]:
    """What an exam asks of its containers: one piece for each container and each time of a test."""
    for need in exam.needs:
        kinds = tuple(Kind(code) for code in need.kinds)
        if not need.either:
            kinds = (rules.methods.get(exam.nabm, kinds[0]),)
        piece = Piece(exam=exam.nabm, kinds=kinds, volume=rules.volumes.get(exam.nabm, rules.usual))
        if LOOKS[kinds[0]].rank is None:
            yield _Ask(piece=piece)
        elif exam.nabm in rules.times:
            for minutes in rules.times[exam.nabm]:
                yield _Ask(piece=piece, why=Why.TIME, minutes=minutes)
        elif exam.nabm in rules.on_ice:
            yield _Ask(piece=piece, why=Why.ICE)
        elif exam.nabm in rules.from_light:
            yield _Ask(piece=piece, why=Why.LIGHT)
        else:
            yield _Ask(piece=piece)


def _numbered(tubes: Iterable[_Tube], asked: Mapping[str, Exam], rules: Rules) -> tuple[PlannedTube, ...]:
    """Give each container its place in the order of draw, its reason and its remarks."""
    ordered = sorted(tubes, key=lambda tube: tube.turn)
    numbered: list[PlannedTube] = []
    seen: set[Kind] = set()
    for k, tube in enumerate(ordered, start=1):
        kind, why = tube.filled.kind, tube.why
        if why is Why.KIND:
            why = Why.VOLUME if kind in seen else why
            seen.add(kind)
        said = (WHY_FRENCH[why], *(_to_check(asked[code], rules) for code in tube.exams))
        numbered.append(
            PlannedTube(
                kind=kind,
                k=k,
                n=len(ordered),
                exams=tube.exams,
                why=why,
                minutes=tube.minutes,
                remarks=tuple(remark for remark in said if remark),
            )
        )
    return tuple(numbered)


def _to_check(exam: Exam, rules: Rules) -> str:
    """What a person must still look at, where the catalogue leaves the kind to the method and the site is silent."""
    if exam.nabm in rules.methods or all(need.either for need in exam.needs):
        return ""
    return f"{exam.name} : vérifier le tube, le catalogue dit « {exam.tube} »"


def _remarks(tubes: Sequence[PlannedTube]) -> tuple[str, ...]:
    """What concerns the whole draw."""
    remarks = []
    if tubes and tubes[0].kind is Kind.CITRATE:
        remarks.append("Aiguille à ailettes : un tube de purge, sans étiquette, avant le citrate.")
    if any(tube.kind is Kind.EDTA_GROUP for tube in tubes):
        remarks.append("Groupe sanguin : la seconde détermination se fait sur un autre prélèvement.")
    return tuple(remarks)
