from pathlib import Path

import hl7
from hypothesis import given
from hypothesis import strategies as st

from results.hl7v2.escapes import STANDARD, Delimiters, declared, escape, unescape
from results.hl7v2.reader import Message
from results.hl7v2.writer import Component, rewrite, write

PLAIN = Path(__file__).parent / "messages" / "plain.hl7"

texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=12)
marks = st.lists(st.sampled_from("|^~\\&#!$%*+;:@}{¦˜"), min_size=5, max_size=5, unique=True).map(
    lambda five: Delimiters(
        field=five[0], component=five[1], repetition=five[2], escape=five[3], subcomponent=five[4], truncation=""
    )
)


@given(texts, marks)
def test_an_escaped_text_comes_back(text: str, delimiters: Delimiters) -> None:
    assert unescape(escape(text, delimiters), delimiters) == text


@given(st.lists(st.lists(st.lists(texts, min_size=1, max_size=3), min_size=1, max_size=3), max_size=4), marks)
def test_what_is_written_is_read(reps: list[list[list[str]]], delimiters: Delimiters) -> None:
    value: list[str | tuple[Component, ...]] = [tuple(tuple(subs) for subs in components) for components in reps]
    raw = write([("MSH", "X"), ("ZZZ", "a", value, "end")], delimiters=delimiters)
    message = Message.read(raw)
    assert message.delimiters == delimiters
    segment = message["ZZZ"]
    assert segment[3].text == "end"
    for r, components in enumerate(reps):
        for c, subs in enumerate(components, 1):
            assert [segment[2].rep(r).sub(c, s) for s in range(1, len(subs) + 1)] == subs


def test_python_hl7_reads_what_we_write() -> None:
    raw = write([("MSH", "A", "", "", "", "", "", ("ORU", "R01")), ("PID", "", "", [("1", "2"), "3|4"])])
    assert raw.endswith(b"\r")
    theirs = hl7.parse(raw)
    assert str(theirs[0][9]) == "ORU^R01"
    assert theirs.unescape(str(theirs[1][3][1])) == "3|4"


def test_unknown_escapes_stay_as_they_came() -> None:
    for text in (r"\H\gras\N\ ", r"\Zab\ ", r"C:\dir\sub", r"\.sp+3\ ", r"\XZZ\ ", "\\", r"\\ ", r"\P\ "):
        assert unescape(text, STANDARD) == text


def test_known_escapes_say_what_they_mean() -> None:
    assert unescape(r"a\F\b\S\c\T\d\R\e\E\f\.br\g\X41C3A9\h\XE9\ ", STANDARD) == "a|b^c&d~e\\f\ngAéhé "
    assert unescape(r"C:\dir\F\ ", STANDARD) == r"C:\dir| "
    assert unescape(r"\P\ ", declared("|", r"^~\&#")) == "# "


def test_declared_separators_are_honoured_and_missing_ones_take_their_default() -> None:
    assert declared("|", "^~}") == Delimiters(escape="}")
    assert declared("|", "") == STANDARD
    assert declared("|", "^~\\\\&") == STANDARD
    assert declared("|", "^~\\}").subcomponent == "}"


def test_a_part_of_a_message_can_be_written() -> None:
    message = Message.read(PLAIN.read_bytes())
    part = Message.read(rewrite(message, only=[4, 0]))
    assert [segment.name for segment in part.segments] == ["MSH", "OBR"]
