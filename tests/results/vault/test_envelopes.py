"""A sealed body says nothing by its size, and opens to what was put in."""

import random
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from results.vault.envelopes import (
    NOBODY,
    BodyKind,
    ReportSeal,
    bucket,
    copy_key,
    open_body,
    open_column,
    open_copy,
    seal_body,
    seal_column,
)
from results.vault.sealing import Cost, DoesNotOpen, box, make_pair, seal, stretch, unbox, unseal

SEAL = ReportSeal(report=UUID(int=1), dossier=NOBODY, version=1, rank=0, matrix_version=0)
KIB = 1024


@pytest.mark.parametrize(
    ("rank", "size", "padded"),
    [
        (0, 37, KIB), (0, KIB, KIB), (1, KIB + 1, 2 * KIB), (1, 65_537, 131_072),
        (2, 37, 64 * KIB), (3, 64 * KIB, 64 * KIB), (4, 64 * KIB + 1, 256 * KIB), (5, 256 * KIB + 1, KIB * KIB),
        (2, KIB * KIB + 1, 4 * KIB * KIB), (2, 4 * KIB * KIB + 1, 16 * KIB * KIB), (2, 32 * KIB * KIB, 32 * KIB * KIB),
    ],
)  # fmt: skip
def test_sizes_are_those_of_the_design(rank: int, size: int, padded: int) -> None:
    assert bucket(rank, size) == padded


def test_a_confidential_body_larger_than_the_largest_is_refused() -> None:
    with pytest.raises(ValueError, match="largest"):
        bucket(2, 32 * KIB * KIB + 1)


@settings(max_examples=40)
@given(st.binary(max_size=3_000), st.sampled_from(BodyKind), st.integers(0, 5), st.integers(0, 2**32 - 1))
def test_what_is_sealed_is_read_back(content: bytes, kind: BodyKind, rank: int, seed: int) -> None:
    draw = random.Random(seed).randbytes
    bound = ReportSeal(report=UUID(int=seed), dossier=UUID(int=2), version=3, rank=rank, matrix_version=4)
    sealed = seal_body(bound, kind, content, chance=draw)
    body = open_body(bound, sealed.stored, sealed.dek)
    assert (body.kind, body.content, body.commitment) == (kind, content, sealed.commitment)
    assert len(sealed.stored) == bucket(rank, 37 + len(content)) + 41


def test_a_good_and_a_bad_result_have_the_same_size() -> None:
    draw = random.Random(1).randbytes
    bound = ReportSeal(report=UUID(int=1), dossier=NOBODY, version=1, rank=3, matrix_version=1)
    sizes = {len(seal_body(bound, BodyKind.TEXT, words, chance=draw).stored) for words in (b"non", b"oui " * 5_000)}
    assert len(sizes) == 1


def test_the_same_words_commit_to_nothing_that_can_be_guessed() -> None:
    draw = random.Random(1).randbytes
    made = {seal_body(SEAL, BodyKind.TEXT, b"non", chance=draw).commitment for _ in range(20)}
    assert len(made) == 20


@settings(max_examples=60)
@given(st.data())
def test_any_changed_byte_is_refused(data: st.DataObject) -> None:
    draw = random.Random(1).randbytes
    pair, key = make_pair(draw), draw(32)
    sealed, boxed = seal(key, b"words", b"bound", chance=draw), box(pair.public, b"words", chance=draw)
    cases: tuple[tuple[bytes, Callable[[bytes], bytes]], ...] = (
        (sealed, lambda stored: unseal(key, stored, b"bound")),
        (boxed, lambda stored: unbox(pair.private, stored)),
    )
    for stored, opened in cases:
        assert opened(stored) == b"words"
        place, bit = data.draw(st.integers(0, len(stored) - 1)), 1 << data.draw(st.integers(0, 7))
        # The top bit of an X25519 point is ignored by the curve itself; the nonce of the box is made of it.
        changed = stored[:place] + bytes([stored[place] ^ bit]) + stored[place + 1 :]
        with pytest.raises(DoesNotOpen):
            opened(changed)
        with pytest.raises(DoesNotOpen):
            opened(stored[: data.draw(st.integers(0, len(stored) - 1))])


def test_a_box_to_a_point_of_low_order_opens_for_nobody() -> None:
    draw = random.Random(1).randbytes
    pair = make_pair(draw)
    with pytest.raises(DoesNotOpen):
        unbox(pair.private, bytes(32) + draw(60))


def test_a_sealed_column_opens_nowhere_else() -> None:
    draw = random.Random(1).randbytes
    key, row = draw(32), UUID(int=1)
    stored = seal_column(("call", "number", row), b"+33601020304", subkey=key, chance=draw)
    for place in (("call", "numbers", row), ("calls", "number", row), ("call", "number", UUID(int=2))):
        with pytest.raises(DoesNotOpen):
            open_column(place, stored, subkey=key)


def test_a_copy_opens_for_its_recipient_alone() -> None:
    draw = random.Random(1).randbytes
    mine, other, dek = make_pair(draw), make_pair(draw), draw(32)
    stored = copy_key(UUID(int=1), 2, dek, recipient=mine.public, chance=draw)
    assert open_copy(UUID(int=1), 2, stored, private=mine.private) == dek
    with pytest.raises(DoesNotOpen):
        open_copy(UUID(int=1), 2, stored, private=other.private)


def test_each_cost_and_each_salt_gives_another_key() -> None:
    small = Cost(memory_kib=64)
    made = {
        stretch(b"secret", bytes(16), cost=small),
        stretch(b"secret", bytes(15) + b"\x01", cost=small),
        stretch(b"secret", bytes(16), cost=Cost(memory_kib=128)),
        stretch(b"secret", bytes(16), cost=Cost(memory_kib=64, passes=4)),
    }
    assert len(made) == 4


def test_no_product_file_names_a_smaller_cost() -> None:
    for path in (Path(__file__).resolve().parents[3] / "results").rglob("*.py"):
        if path.name != "sealing.py":
            text = path.read_text(encoding="utf-8")
            assert "memory_kib=" not in text or path.name == "keytext.py", path
