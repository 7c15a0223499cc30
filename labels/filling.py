"""Sharing pieces of work among the fewest containers that can take them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count

from labels.tubes import ORDER, Kind


@dataclass(frozen=True, kw_only=True)
class Piece:
    """What one exam asks of one container."""

    exam: str
    #: The kinds that suit.
    kinds: tuple[Kind, ...]
    #: Microlitres.
    volume: int


@dataclass(kw_only=True)
class Filled:
    """A container and what goes into it."""

    kind: Kind
    #: Microlitres that its pieces may use together; None is without limit.
    room: int | None
    pieces: list[Piece] = field(default_factory=list)

    def takes(self, piece: Piece) -> bool:
        """Tell whether a piece may still come in; an empty container takes even what is too much for it."""
        if self.kind not in piece.kinds:
            return False
        if self.room is None or not self.pieces:
            return True
        return sum(own.volume for own in self.pieces) + piece.volume <= self.room


def fewest(pieces: Iterable[Piece], *, rooms: Mapping[Kind, int], preferred: Sequence[Kind] = ()) -> list[Filled]:
    """Share pieces among as few containers as can be found: none is left out, none is in two.

    Args:
        pieces: what is to be shared.
        rooms: microlitres that one container of a kind offers; a kind that is not named has no limit.
        preferred: kinds to take first when the number is the same; then the order of draw decides.

    Kinds that no piece has in common are shared apart, so the trials stay few. Exact when volumes are equal or small
    against the rooms; with unequal large volumes it may take one container more than the best packing.
    """
    return [one for together in _apart(pieces) for one in _share(together, rooms, liked(_kinds(together), preferred))]


def liked(kinds: Iterable[Kind], preferred: Sequence[Kind]) -> list[Kind]:
    """Kinds in order of preference, then in order of draw."""
    place = {kind: number for number, kind in enumerate(preferred)}
    return sorted(kinds, key=lambda kind: (place.get(kind, len(place)), ORDER[kind]))


def _kinds(pieces: Iterable[Piece]) -> set[Kind]:
    return {kind for piece in pieces for kind in piece.kinds}


def _apart(pieces: Iterable[Piece]) -> list[list[Piece]]:
    """Part the pieces into groups that have no kind in common."""
    groups: list[list[Piece]] = []
    for piece in pieces:
        touched = [group for group in groups if _kinds(group) & set(piece.kinds)]
        groups = [group for group in groups if group not in touched]
        groups.append([piece, *(other for group in touched for other in group)])
    return groups


def _share(pieces: Sequence[Piece], rooms: Mapping[Kind, int], kinds: Sequence[Kind]) -> list[Filled]:
    """Try one container, then two, …: the first number that holds everything is the fewest."""
    # What has one kind only comes first, then the large: what can go anywhere fills the gaps.
    ordered = sorted(pieces, key=lambda piece: (len(piece.kinds), -piece.volume, piece.exam))
    for total in count(1):
        for numbers in _numbers(total, len(kinds)):
            places = [
                Filled(kind=kind, room=rooms.get(kind))
                for kind, number in zip(kinds, numbers, strict=True)
                for _ in range(number)
            ]
            if _hold(places, ordered):
                return places
    raise AssertionError  # pragma: no cover  # one container for each piece always holds


def _numbers(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    """Every way to share a number of containers among kinds, those that stand first served best."""
    if parts == 1:
        yield (total,)
        return
    for first in range(total, -1, -1):
        for rest in _numbers(total - first, parts - 1):
            yield (first, *rest)


def _hold(places: Sequence[Filled], pieces: Iterable[Piece]) -> bool:
    """Put each piece in the first container that takes it; false when one has no place."""
    for piece in pieces:
        place = next((one for one in places if one.takes(piece)), None)
        if place is None:
            return False
        place.pieces.append(piece)
    return True
