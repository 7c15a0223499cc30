"""Sharing pieces of work among the fewest containers that can take them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from labels.planning.kinds import Kind

#: Pieces that may be taken back in search of a better place: enough for any prescription, and over in milliseconds.
TRIALS: Final = 1500


@dataclass(frozen=True, kw_only=True)
class Piece:
    """What one exam asks of one container."""

    exam: str
    #: The kinds that suit.
    kinds: tuple[Kind, ...]
    #: Microlitres.
    volume: int
    #: Where it goes, and what that place leaves unused in each tube: microlitres.
    bench: str = ""
    dead: int = 0
    #: Exams that may not be in the same container.
    excluded: frozenset[str] = frozenset()


@dataclass(kw_only=True)
class Filled:
    """A container and what goes into it."""

    kind: Kind
    #: Microlitres that its pieces may use together; None is without limit.
    room: int | None
    pieces: list[Piece] = field(default_factory=list)

    @property
    def used(self) -> int:
        """Microlitres that its pieces and the benches it visits use."""
        return sum(one.volume for one in self.pieces) + sum({one.bench: one.dead for one in self.pieces}.values())

    def excludes(self, piece: Piece) -> bool:
        """Tell whether something is in it that the piece must not meet."""
        return any(own.exam in piece.excluded for own in self.pieces)

    def holds(self, piece: Piece) -> bool:
        """Tell whether there is room left for a piece."""
        if self.room is None:
            return True
        visit = 0 if any(own.bench == piece.bench for own in self.pieces) else piece.dead
        return self.used + piece.volume + visit <= self.room

    def takes(self, piece: Piece) -> bool:
        """Tell whether a piece may still come in."""
        return self.kind in piece.kinds and not self.excludes(piece) and self.holds(piece)


def fewest(
    pieces: Iterable[Piece], *, rooms: Mapping[Kind, int], by_liking: Callable[[Iterable[Kind]], list[Kind]]
) -> list[Filled]:
    """Share pieces among as few containers as can be found: none is left out, none is in two.

    Args:
        pieces: what is to be shared; each fits alone in a container of one of its kinds.
        rooms: microlitres that one container of a kind offers; a kind that is not named has no limit.
        by_liking: puts kinds in the order in which to take them when the number is the same.

    Raises:
        ValueError: a piece is larger than every container that suits it.

    Kinds that no piece has in common are shared apart, so the trials stay few. The number is the smallest there is,
    unless a search of `TRIALS` steps has not settled it: then it may be one container more.
    """
    found = []
    for together in _apart(pieces):
        for piece in together:
            if not any(Filled(kind=kind, room=rooms.get(kind)).holds(piece) for kind in piece.kinds):
                raise ValueError(f"{piece.exam} asks for more than a whole container")
        found += _share(together, rooms, by_liking(_kinds(together)))
    return found


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
    trials = iter(range(TRIALS))
    for total in count(1):
        for numbers in _numbers(total, len(kinds)):
            places = [
                Filled(kind=kind, room=rooms.get(kind))
                for kind, number in zip(kinds, numbers, strict=True)
                for _ in range(number)
            ]
            if _could_hold(places, ordered) and _fill(places, ordered, 0, trials):
                return [place for place in places if place.pieces]
    raise AssertionError  # pragma: no cover  # one container for each piece always holds


def _numbers(total: int, parts: int) -> Iterator[tuple[int, ...]]:
    """Every way to share a number of containers among kinds, those that stand first served best."""
    if parts == 1:
        yield (total,)
        return
    for first in range(total, -1, -1):
        for rest in _numbers(total - first, parts - 1):
            yield (first, *rest)


def _could_hold(places: Sequence[Filled], pieces: Sequence[Piece]) -> bool:
    """Whether kinds and volumes alone would allow it: what is hopeless is not searched."""
    there = {place.kind for place in places}
    if not all(there & set(piece.kinds) for piece in pieces):
        return False
    for kinds in {piece.kinds for piece in pieces}:
        rooms = [place.room for place in places if place.kind in kinds]
        wanted = sum(piece.volume for piece in pieces if set(piece.kinds) <= set(kinds))
        if not any(room is None for room in rooms) and wanted > sum(room for room in rooms if room is not None):
            return False
    return True


def _fill(places: Sequence[Filled], pieces: Sequence[Piece], first: int, trials: Iterator[int]) -> bool:
    """Put each piece in the first container that takes it, and take back what was put as long as there are trials."""
    if first == len(pieces):
        return True
    piece = pieces[first]
    empty: set[Kind] = set()
    for place in places:
        if not place.takes(piece) or (not place.pieces and place.kind in empty):
            continue
        if not place.pieces:
            empty.add(place.kind)  # two empty containers of one kind are the same trial
        place.pieces.append(piece)
        if _fill(places, pieces, first + 1, trials):
            return True
        place.pieces.pop()
        if next(trials, None) is None:
            return False
    return False
