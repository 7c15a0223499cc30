import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from printers.station.replies import Other, ProcessId, Readiness, Replies, Reply, Status, Told, near_end, readiness

STREAM = b'\x127"0001\x00\x11\x10\x00\x00\x007\x38\x01\x00\x00\x1a7#abc\x00\x137"0002\x00\x12'
MEANT: list[Reply] = [
    Status(byte=0x12),
    ProcessId(pid=b"0001"),
    Other(what="flow"),
    Other(what="automatic status"),
    Other(what="label position"),
    Status(byte=0x1A),
    Other(what="offline answer"),
    Other(what="flow"),
    ProcessId(pid=b"0002"),
    Status(byte=0x12),
]


def heard(*pieces: bytes) -> list[Reply]:
    replies = Replies()
    return [reply for piece in pieces for reply in replies.feed(piece)]


@pytest.mark.parametrize("first", range(len(STREAM)))
def test_every_split_means_the_same(first: int) -> None:
    for second in range(first, len(STREAM) + 1):
        assert heard(STREAM[:first], STREAM[first:second], STREAM[second:]) == MEANT


def test_byte_by_byte_means_the_same() -> None:
    assert heard(*(bytes((byte,)) for byte in STREAM)) == MEANT


def test_an_automatic_status_is_no_answer() -> None:
    assert heard(b"\x10\x00\x00\x00") == [Other(what="automatic status")]


def test_an_id_that_is_not_whole_is_no_id() -> None:
    for wrong in (b'7"0001\x01', b'7"00\x001\x00', b'7"000\xff\x00', b"7!0001\x00"):
        assert not any(isinstance(reply, ProcessId) for reply in heard(wrong))


def test_a_status_is_heard_right_after_a_broken_id() -> None:
    assert heard(b'7"00', b"\x12")[-1] == Status(byte=0x12)


def test_a_megabyte_of_noise_is_never_our_id() -> None:
    chance = random.Random(4)
    replies = Replies()
    found = [reply for _ in range(256) for reply in replies.feed(chance.randbytes(4096))]
    assert ProcessId(pid=b"0001") not in found
    assert replies.noise > 100_000


@given(st.lists(st.binary(max_size=30), max_size=10))
def test_nothing_makes_it_fall(pieces: list[bytes]) -> None:
    assert heard(*pieces) == heard(b"".join(pieces))


@pytest.mark.parametrize(
    ("answers", "cause"),
    [
        ((0x12, 0x12, 0x12, 0x12), ""),
        ((0x12, 0x12, 0x12, 0x1E), ""),
        ((0x1A, 0x16, 0x12, 0x12), "cover-open"),
        ((0x1A, 0x32, 0x12, 0x7E), "paper-out"),
        ((0x12, 0x12, 0x12, 0x72), "paper-out"),
        ((0x1A, 0x52, 0x1A, 0x12), "cutter"),
        ((0x1A, 0x52, 0x32, 0x12), "error"),
        ((0x1A, 0x12, 0x12, 0x12), "offline"),
    ],
)
def test_the_four_answers_are_one_state(answers: tuple[int, int, int, int], cause: str) -> None:
    assert readiness(answers) == Readiness(cause=cause)
    assert readiness(answers).ready is (cause == "")


def test_the_end_of_the_roll_is_near() -> None:
    assert near_end((0x12, 0x12, 0x12, 0x1E))
    assert not near_end((0x12, 0x12, 0x12, 0x12))
    assert all(one != two for one, two in pairwise(MEANT[:4]))


def test_a_text_is_read_in_any_pieces_when_it_was_asked_for_and_only_then() -> None:
    said = b"_TM-L90\x00" + b'7"0001\x00'
    for size in range(1, len(said) + 1):
        replies = Replies()
        replies.expects_text = True
        found = [reply for at in range(0, len(said), size) for reply in replies.feed(said[at : at + size])]
        assert found == [Told(text="TM-L90"), ProcessId(pid=b"0001")]
    unasked = Replies()
    assert not [reply for reply in unasked.feed(said) if isinstance(reply, Told)]
    assert unasked.feed(b'7"0002\x00')[-1] == ProcessId(pid=b"0002")


def test_a_text_that_never_ends_is_noise() -> None:
    replies = Replies()
    replies.expects_text = True
    assert replies.feed(b"_" + b"A" * 200) == []
    assert replies.feed(b"_\x01\x00\x12") == [Status(byte=0x12)]
