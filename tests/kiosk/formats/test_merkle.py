"""The tree is that of RFC 9162 and the notes are those of C2SP."""

import base64
import hashlib

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from kiosk.formats.merkle import (
    Checkpoint,
    Edge,
    extend,
    hash_leaf,
    hash_node,
    letters_of,
    read_note,
    root_of,
    write_note,
)

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))
POINT = Checkpoint(origin="labo-exemple.fr/nation/results", size=18_204, root=hashlib.sha256(b"a root").digest())


def check(message: bytes, signature: bytes) -> None:
    KEY.public_key().verify(signature, message)


def grow(leaves: list[bytes]) -> Edge:
    edge: Edge = ()
    for size, leaf in enumerate(leaves):
        edge = extend(edge, size, leaf)
    return edge


def whole_tree(leaves: list[bytes]) -> bytes:
    """The definition of RFC 9162, section 2.1.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    return hash_node(whole_tree(leaves[:split]), whole_tree(leaves[split:]))


@given(st.lists(st.binary(min_size=32, max_size=32), max_size=70))
def test_the_right_edge_gives_the_root_of_the_whole_tree(leaves: list[bytes]) -> None:
    assert root_of(grow(leaves)) == whole_tree(leaves)


@given(st.lists(st.binary(min_size=16, max_size=40), min_size=1, max_size=40))
def test_an_independent_tree_has_the_same_root(entries: list[bytes]) -> None:
    tree = InmemoryTree(algorithm="sha256")
    for entry in entries:
        tree.append_entry(entry)
    assert root_of(grow([hash_leaf(entry[:16], entry[16:]) for entry in entries])) == tree.get_root()


def test_the_edge_holds_one_hash_for_each_bit_of_the_size() -> None:
    edge: Edge = ()
    for size in range(300):
        assert len(edge) == size.bit_count()
        edge = extend(edge, size, hashlib.sha256(bytes([size % 256])).digest())


def test_papers_carry_sixteen_letters() -> None:
    assert letters_of(bytes(32)) == "A" * 16
    assert letters_of(bytes.fromhex("00443214c74254b635cf") + bytes(22)) == "ABCDEFGHIJKLMNOP"


def test_a_note_is_written_as_c2sp_says_and_read_back() -> None:
    note = write_note(POINT, public=PUBLIC, sign=KEY.sign)
    text, _, signature = note.partition("\n\n")
    assert text == f"{POINT.origin}\n18204\n{base64.b64encode(POINT.root).decode()}"
    assert signature.startswith(f"— {POINT.origin} ")
    assert signature.endswith("\n")
    stamp = base64.b64decode(signature.split(" ")[2])
    assert stamp[:4] == hashlib.sha256(POINT.origin.encode() + b"\n\x01" + PUBLIC).digest()[:4]
    KEY.public_key().verify(stamp[4:], text.encode() + b"\n")
    assert read_note(note, public=PUBLIC, check=check) == POINT
    assert 187 <= len(note.encode()) <= 250


def test_a_note_of_another_key_or_with_another_letter_is_refused() -> None:
    foreign = write_note(POINT, public=OTHER.public_key().public_bytes_raw(), sign=OTHER.sign)
    with pytest.raises(ValueError, match="another key"):
        read_note(foreign, public=PUBLIC, check=check)
    note = write_note(POINT, public=PUBLIC, sign=KEY.sign)
    for changed in (note.replace("18204", "018204"), note.replace("\n\n", "\n"), note.replace("— ", "- "), ""):
        with pytest.raises(ValueError):  # noqa: PT011 -- the kind is the promise
            read_note(changed, public=PUBLIC, check=check)
    with pytest.raises(InvalidSignature):
        read_note(note.replace("18204", "18205"), public=PUBLIC, check=check)


@pytest.mark.parametrize("origin", ["", "a b", "a+b", "a\nb"])
def test_an_origin_that_would_break_the_note_is_refused(origin: str) -> None:
    with pytest.raises(ValueError, match="origin"):
        write_note(Checkpoint(origin=origin, size=0, root=bytes(32)), public=PUBLIC, sign=KEY.sign)
