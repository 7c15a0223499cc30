"""The tree is that of RFC 9162 and the notes are those of C2SP."""

import base64
import hashlib
import random

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
    paper_words,
    read_note,
    read_paper_words,
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


#: The tests of Certificate Transparency: eight entries and the roots of their trees (RFC 6962; RFC 9162 is the same).
ENTRIES = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


def test_the_published_trees_have_the_published_roots() -> None:
    leaves = [hash_leaf(b"", bytes.fromhex(entry)) for entry in ENTRIES]
    assert [root_of(grow(leaves[:size])).hex() for size in range(1, 9)] == ROOTS
    assert root_of(()).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_an_independent_tree_has_the_same_root() -> None:
    drawn = random.Random(9162)
    for _ in range(10_000):
        entries = [drawn.randbytes(drawn.randint(16, 40)) for _ in range(drawn.randint(1, 40))]
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


@given(st.integers(0, 10**9), st.binary(min_size=32, max_size=32))
def test_what_a_paper_carries_can_be_typed_in_again(size: int, root: bytes) -> None:
    words = paper_words(size, letters_of(root))
    for typed in (words, words.lower(), words.replace(" ", "")):
        seen = read_paper_words(typed)
        assert (seen.size, seen.letters) == (size, letters_of(root))
        assert seen.agrees(root)
        assert not seen.agrees(hashlib.sha256(root).digest())


@pytest.mark.parametrize(
    "words", ["", "J", "J 12", "J 12 QGZT 4MXA 2LDW", "J QGZT 4MXA 2LDW 7KPE", "12 QGZT4MXA2LDW7KPE"]
)
def test_what_no_paper_carries_is_refused(words: str) -> None:
    with pytest.raises(ValueError, match="letters"):
        read_paper_words(words)


def test_a_paper_is_read_as_it_is_printed() -> None:
    assert paper_words(18_204, "QGZT4MXA2LDW7KPE") == "J 18 204  QGZT 4MXA 2LDW 7KPE"


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
