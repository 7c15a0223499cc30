"""What a scanner types of a note is the note, and nothing else passes for one."""

import re

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from kiosk.formats.merkle import Checkpoint, read_note, write_note
from kiosk.formats.scanned_note import spread, squeeze

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw()


def note(side: str = "results", size: int = 18_204, root: bytes = bytes(range(32))) -> str:
    return write_note(Checkpoint(origin=f"labo/1/{side}", size=size, root=root), public=PUBLIC, sign=KEY.sign)


@given(st.sampled_from(["register", "results"]), st.integers(0, 2**40), st.binary(min_size=32, max_size=32))
def test_a_note_comes_back_word_for_word(side: str, size: int, root: bytes) -> None:
    assert spread(squeeze(note(side, size, root)), origin="labo/1") == note(side, size, root)


def test_the_line_is_capitals_and_digits_and_fits_a_small_square_code() -> None:
    line = squeeze(note())
    assert re.fullmatch(r"[0-9A-Z]+", line)
    assert len(line) == 179  # version 8 with correction M holds 221


def test_a_keyboard_may_add_blanks_and_lose_the_capitals() -> None:
    line = squeeze(note())
    assert spread(f" {line[:50]}\n{line[50:].lower()}\r\n", origin="labo/1") == note()


def test_another_laboratorys_line_carries_its_signature_over_another_origin() -> None:
    def check(message: bytes, signature: bytes) -> None:
        KEY.public_key().verify(signature, message)

    with pytest.raises(ValueError, match="another key"):
        read_note(spread(squeeze(note()), origin="autre/2"), public=PUBLIC, check=check)


@pytest.mark.parametrize(
    "line", ["", "ETQJ1", "ETQJ1C" + "A" * 173, "ETQJ1B" + "A" * 172, "ETQJ1B" + "A" * 100, "ETQJ1B" + "0" * 173, "x"]
)
def test_what_is_no_such_line_is_refused(line: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- the kind is the promise
        spread(line, origin="labo/1")


@pytest.mark.parametrize("text", ["", "a\n1\n", note().replace("results", "other"), note().replace("\n\n", "\n")])
def test_only_the_note_of_a_journal_is_written(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 -- the kind is the promise
        squeeze(text)
