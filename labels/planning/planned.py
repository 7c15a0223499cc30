"""What a plan of containers says: each container, why it stands alone, and what a person has changed."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from labels.planning.kinds import Kind, Look


class Why(StrEnum):
    """Why a container is not shared any further."""

    #: One container of each kind that is needed.
    KIND = "kind"
    #: The exams need more than one tube holds.
    VOLUME = "volume"
    #: Exams that exclude each other.
    APART = "apart"
    #: The exam never shares.
    ALONE = "alone"
    #: On ice, away from light: never with what is not.
    ICE = "ice"
    LIGHT = "light"
    #: One tube for each time of a test.
    TIME = "time"
    #: A sharing group or a bench with tubes of its own.
    GROUP = "group"
    BENCH = "bench"
    #: A person wanted it so.
    SPLIT = "split"
    ADDED = "added"


#: The reasons as the screen says them.
WHY_FRENCH: Final[Mapping[Why, str]] = MappingProxyType(
    {
        Why.KIND: "",
        Why.VOLUME: "volume : un tube ne suffit pas",
        Why.APART: "ces examens s'excluent dans un même tube",
        Why.ALONE: "jamais avec un autre examen",
        Why.ICE: "sur glace, jamais avec un tube ordinaire",
        Why.LIGHT: "à l'abri de la lumière, jamais avec un tube ordinaire",
        Why.TIME: "temps de l'épreuve, jamais partagé",
        Why.GROUP: "groupe de partage",
        Why.BENCH: "tube propre à la paillasse",
        Why.SPLIT: "séparé à la demande",
        Why.ADDED: "ajouté à la demande",
    }
)


class Change(StrEnum):
    """What a person may change in a plan."""

    ADD = "add"  #: one more container of a kind, without exam
    REMOVE = "remove"  #: this container is not drawn
    SPLIT = "split"  #: this exam gets a container of its own


@dataclass(frozen=True, kw_only=True)
class Wish:
    """One change that a person made, with its reason."""

    change: Change
    kind: Kind
    #: The exams of the container that is removed, or the exam that is split off; none for one more container.
    exams: tuple[str, ...] = ()
    minutes: int | None = None
    reason: str


@dataclass(frozen=True, kw_only=True)
class PlannedTube:
    """One container to be labelled: number k of n in order of draw."""

    kind: Kind
    look: Look
    k: int
    n: int
    #: Act codes, sorted.
    exams: tuple[str, ...]
    why: Why
    #: Minutes after the first draw, for a timed test only.
    minutes: int | None
    #: Microlitres that its exams and their benches use.
    used: int
    #: What the sampler or the secretary must know, in French.
    remarks: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Aliquot:
    """A part of a tube that is sent to another laboratory, in a container of its own."""

    exam: str
    kind: Kind
    look: Look
    #: The tube that it is poured from, by its k.
    parent: int
    #: Minutes after the first draw, for a timed test only.
    minutes: int | None

    @property
    def exams(self) -> tuple[str, ...]:
        """The one exam, as a container says it."""
        return (self.exam,)


@dataclass(frozen=True, kw_only=True)
class NoTube:
    """An exam that has no container: nobody has said which, or a person has removed it; shown, never dropped."""

    exam: str
    french: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The containers of one prescription, and what is still to be decided by a person."""

    tubes: tuple[PlannedTube, ...]
    without: tuple[NoTube, ...]
    remarks: tuple[str, ...]
    validated: bool
    aliquots: tuple[Aliquot, ...] = ()
    #: What a person changed and this plan could follow.
    followed: tuple[Wish, ...] = ()
