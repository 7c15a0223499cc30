"""The sharing itself, against every other way to share."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labels.planning.filling import Filled, Piece, fewest
from labels.planning.kinds import Kind
from labels.planning.rules import Rules

KINDS = (Kind.HEPARIN, Kind.DRY_GEL, Kind.EDTA)
by_liking = Rules().by_liking


def any_sharing(pieces: list[Piece], rooms: dict[Kind, int]) -> int:
    """The fewest containers by trying every sharing there is: each piece in each container, then in each new one."""
    best = len(pieces)

    def fits(kind: Kind, inside: list[Piece]) -> bool:
        spent = sum(one.volume for one in inside) + sum({one.bench: one.dead for one in inside}.values())
        met = {one.exam for one in inside}
        return (
            all(kind in one.kinds for one in inside)
            and spent <= rooms.get(kind, spent)
            and not any(one.excluded & met for one in inside)
        )

    def place(left: list[Piece], containers: list[tuple[Kind, list[Piece]]]) -> None:
        nonlocal best
        if len(containers) > best:
            return
        if not left:
            best = min(best, len(containers))
            return
        for number, (kind, inside) in enumerate(containers):
            if fits(kind, [*inside, left[0]]):
                changed = (kind, [*inside, left[0]])
                place(left[1:], [*containers[:number], changed, *containers[number + 1 :]])
        for kind in left[0].kinds:
            if fits(kind, [left[0]]):
                place(left[1:], [*containers, (kind, [left[0]])])

    place(pieces, [])
    return best


@st.composite
def small_cases(draw: st.DrawFn) -> tuple[list[Piece], dict[Kind, int]]:
    """A few exams with alternatives, unequal volumes, benches, and some that exclude each other."""
    number = draw(st.integers(1, 7))
    names = [f"{place:04d}" for place in range(number)]
    pairs = draw(st.sets(st.tuples(st.sampled_from(names), st.sampled_from(names)), max_size=4))
    pieces = []
    for name in names:
        apart = {other for pair in pairs if name in pair for other in pair} - {name}
        pieces.append(
            Piece(
                exam=name,
                kinds=tuple(sorted(draw(st.sets(st.sampled_from(KINDS), min_size=1)))),
                volume=draw(st.integers(1, 6)),
                bench=(bench := draw(st.sampled_from(["", "one", "two"]))),
                dead={"": 0, "one": 1, "two": 2}[bench],
                excluded=frozenset(apart),
            )
        )
    return pieces, draw(st.dictionaries(st.sampled_from(KINDS), st.integers(8, 14)))


@given(small_cases())
def test_no_other_sharing_takes_fewer_tubes(case: tuple[list[Piece], dict[Kind, int]]) -> None:
    pieces, rooms = case
    found = fewest(pieces, rooms=rooms, by_liking=by_liking)
    assert len(found) == any_sharing(pieces, rooms)
    assert sorted(piece.exam for one in found for piece in one.pieces) == [piece.exam for piece in pieces]
    for one in found:
        assert one.pieces
        assert one.room is None or one.used <= one.room
        assert all(one.kind in piece.kinds for piece in one.pieces)
        assert not any(one.excludes(piece) for piece in one.pieces)


def test_large_volumes_that_the_first_place_would_scatter_are_found_their_place() -> None:
    volumes = {"0001": 500, "0002": 400, "0003": 300, "0004": 300, "0005": 300, "0006": 200}
    pieces = [Piece(exam=exam, kinds=(Kind.CITRATE,), volume=volume) for exam, volume in volumes.items()]
    found = fewest(pieces, rooms={Kind.CITRATE: 1000}, by_liking=by_liking)
    assert [one.used for one in found] == [1000, 1000]


def test_what_no_container_holds_is_told_and_not_searched_for_ever() -> None:
    with pytest.raises(ValueError, match="0001"):
        fewest([Piece(exam="0001", kinds=(Kind.CITRATE,), volume=9)], rooms={Kind.CITRATE: 8}, by_liking=by_liking)


def test_a_bench_takes_its_dead_volume_once_in_each_tube() -> None:
    tube = Filled(kind=Kind.CITRATE, room=10)
    for exam in ("0001", "0002"):
        piece = Piece(exam=exam, kinds=(Kind.CITRATE,), volume=3, bench="one", dead=4)
        assert tube.takes(piece)
        tube.pieces.append(piece)
    assert tube.used == 10
