"""The codec: what is written is read again, by itself and by the fake's own reader; noise is never an answer."""

import struct
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from printers.errors import NotUnderstood
from printers.fake.office import _read
from printers.office.ipp import Answer, Attribute, Group, Operation, Tag, read_answer, write_request

names = st.text("abcdefghijklmnopqrstuvwxyz-", min_size=1, max_size=40)
values = st.one_of(
    st.tuples(st.just(Tag.INTEGER), st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=4)),
    st.tuples(st.just(Tag.BOOLEAN), st.lists(st.booleans(), min_size=1, max_size=3)),
    st.tuples(st.just(Tag.KEYWORD), st.lists(st.text("abc-_.x0189", max_size=30), min_size=1, max_size=4)),
    st.tuples(st.just(Tag.NAME), st.lists(st.text(max_size=40), min_size=1, max_size=2)),
)
one_group = st.sampled_from([Group.JOB, Group.PRINTER])
attributes = st.dictionaries(names, values, max_size=3).map(
    lambda told: [(name, tag, tuple(many)) for name, (tag, many) in told.items()]
)
COLLECTION = bytes.fromhex("34 0009 6d656469612d636f6c 0000 4a 0000 000a 6d656469612d73697a65 34 0000 0000") + (
    bytes.fromhex("4a 0000 0001 78 21 0000 0004 00005208 37 0000 0000 37 0000 0000")
)


@given(st.integers(1, 2**31 - 1), st.lists(st.tuples(one_group, attributes), max_size=2))
def test_what_is_written_is_read_again(request: int, groups: list[tuple[Group, list[Attribute]]]) -> None:
    written = write_request(Operation.PRINT_JOB, request, groups)
    answer = read_answer(written + b"%PDF-1.7 a document follows")
    assert answer == Answer(
        status=Operation.PRINT_JOB,
        request=request,
        groups=tuple((group, {name: tuple(many) for name, _, many in told}) for group, told in groups),
    )
    with pytest.raises(NotUnderstood):
        read_answer(written[:-1])


@given(attributes)
def test_a_reader_of_another_hand_reads_the_same(told: list[Attribute]) -> None:
    found, document = _read(write_request(Operation.GET_JOBS, 7, [(Group.OPERATION, told)]) + b"%PDF")
    assert document == b"%PDF"
    kept = {name: (many[0], tag) for name, tag, many in told}
    for name, (value, tag) in kept.items():
        whole = value % 2**32 if tag is Tag.INTEGER and isinstance(value, int) else value
        assert found[name] == whole


@given(st.binary(max_size=300))
def test_noise_is_no_answer_and_no_crash(noise: bytes) -> None:
    with suppress(NotUnderstood):
        read_answer(noise)
    with suppress(NotUnderstood):
        read_answer(b"\x02\x00\x00\x00\x00\x00\x00\x01\x01" + noise)


def test_an_answer_cut_anywhere_is_none() -> None:
    whole = write_request(
        Operation.PRINT_JOB, 1, [(Group.OPERATION, [("attributes-charset", Tag.CHARSET, ("utf-8",))]), (Group.JOB, [])]
    )
    for length in range(len(whole)):
        with pytest.raises(NotUnderstood):
            read_answer(whole[:length])


def test_a_collection_is_stepped_over() -> None:
    head = b"\x02\x00" + struct.pack(">HI", 0, 1) + b"\x04"
    after = bytes.fromhex("23 000d") + b"printer-state" + bytes.fromhex("0004 00000003 03")
    assert read_answer(head + COLLECTION + after).one(Group.PRINTER) == {"printer-state": (3,)}
    for unclosed in (COLLECTION[:-5] + after, COLLECTION[-5:] + after):
        with pytest.raises(NotUnderstood):
            read_answer(head + unclosed)


def test_a_text_may_say_its_language_and_a_value_that_there_is_none() -> None:
    head = b"\x01\x01" + struct.pack(">HI", 0, 1) + b"\x04"
    text = b"\x35\x00\x01t\x00\x0e\x00\x05fr-fr\x00\x05\xc3\xa9l\xc3\xa9"
    none = b"\x13\x00\x01n\x00\x00"
    assert read_answer(head + text + none + b"\x03").one(Group.PRINTER) == {"t": ("élé",), "n": ()}


def test_a_value_that_no_printer_need_take_is_not_written() -> None:
    with pytest.raises(ValueError, match="no printer"):
        write_request(Operation.PRINT_JOB, 1, [(Group.OPERATION, [("x", Tag.NAME, ("n" * 1024,))])])
