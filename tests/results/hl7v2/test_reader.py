import time
import tracemalloc
from pathlib import Path

import hl7
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from results.hl7v2.escapes import STANDARD, Delimiters
from results.hl7v2.lines import Defect, is_open_batch, split
from results.hl7v2.reader import Message
from results.hl7v2.writer import rewrite

MESSAGES = Path(__file__).parent / "messages"
SHARED = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "hl7"
PLAIN = (MESSAGES / "plain.hl7").read_bytes()
DOCUMENT = b"MSH|^~\\&|\rOBX|1|ED|1||^TEXT^XML^Base64^" + (b"QUJD" * 19 + b"\n") * 40_000 + b"||||||F\r"
CUTS = (
    b"MSH|",
    b"OBX|1|ED|",
    b"\r",
    b"\n",
    b"\x0b",
    b"\x1c",
    b"^~\\&",
    b"\\X",
    b"\xef\xbb\xbf",
    b"\xff",
    b"BTS|",
    b"&",
)


def shared_files() -> list[Path]:
    if not SHARED.is_dir():
        pytest.skip("../shared/data/hl7 is absent: the development messages were not read")
    return sorted(path for path in SHARED.rglob("*") if path.is_file() and path.suffix not in {".md", ".tsv"})


def header(rest: str) -> bytes:
    return PLAIN.replace(b"MSH|^~\\&|", rest.encode())


def test_fields_are_found_by_the_numbers_of_the_standard() -> None:
    message = Message.read(PLAIN)
    assert message["MSH"][1].text == "|"
    assert message["MSH"][2].text == "^~\\&"
    assert message["MSH"][9].comp(2) == "R01"
    assert message["PID"][5].rep(1).comp(1) == "MOREAU"
    assert message["PID"][3].rep(0).sub(4, 2) == "1.2.250.1.999.7"
    assert [segment[5].text for segment in message.all("OBX")] == ["0.92", "prélèvement conforme & suffisant"]
    assert not message.defects


def test_what_is_not_there_reads_as_empty() -> None:
    message = Message.read(PLAIN)
    assert not message["ZZZ"]
    assert "ZZZ" not in message
    assert "PID" in message
    assert message["ZZZ"][3].rep(4).sub(2, 9) == ""
    assert message["PID"][99].reps == []


def test_erase_is_not_empty() -> None:
    message = Message.read(b'MSH|^~\\&|A\rPID|1|""||')
    assert message["PID"][2].erases
    assert not message["PID"][3].erases


@pytest.mark.parametrize(
    ("disguise", "defect"),
    [
        ((MESSAGES / "lf.hl7").read_bytes(), Defect.LINE_ENDS),
        ((MESSAGES / "crlf.hl7").read_bytes(), Defect.LINE_ENDS),
        ((MESSAGES / "bom.hl7").read_bytes(), Defect.BOM),
        (PLAIN.replace(b"\rPID", b"\r\r  PID"), Defect.BLANKS),
        (header("MSH|^~\\&#|"), Defect.SEPARATORS),
        (header("MSH|^~\\\\&|").replace(b"\\\\", b"\\\\", 1), None),
        (header("MSH|^~\\|"), None),
        (PLAIN.replace(b"&", b"}").replace(b"\\T\\", b"\\X26\\"), Defect.SEPARATORS),
        (PLAIN.replace(b"^", b"!"), Defect.SEPARATORS),
        (PLAIN.decode().replace("^~\\", "^˜\\").replace("~", "˜").encode(), Defect.SEPARATORS),
        (b"\r\n \x0b" + PLAIN + b"\x1c\r", None),
        (PLAIN.rstrip(b"\r"), None),
    ],
)
def test_a_message_in_a_disguise_is_the_same_message(disguise: bytes, defect: Defect | None) -> None:
    message = Message.read(disguise)
    assert message.content() == Message.read(PLAIN).content()
    assert defect is None or defect in message.defects
    assert Defect.TRUNCATED not in message.defects


def test_a_name_in_latin_1_is_read_whole() -> None:
    message = Message.read((MESSAGES / "latin1.hl7").read_bytes())
    assert message["PID"][5].comp(2) == "Hélène"
    assert Defect.CHARSET in message.defects
    assert message.charset == "cp1252"


@pytest.mark.parametrize(
    ("named", "byte", "letter"), [("8859/15", b"\xa4", "€"), ("8859/1", b"\x9c", "œ"), ("UTF-8", b"\x81", "\x81")]
)
def test_a_byte_is_never_lost(named: str, byte: bytes, letter: str) -> None:
    raw = b"MSH|^~\\&|" + b"|" * 15 + named.encode() + b"\rPID|1||||" + byte + b"X\r"
    message = Message.read(raw)
    assert message["PID"][5].text == letter + "X"
    assert rewrite(message) == raw


def test_a_truncated_message_is_told() -> None:
    assert Defect.TRUNCATED in Message.read((MESSAGES / "truncated.hl7").read_bytes()).defects


@pytest.mark.parametrize("end", range(9, len(PLAIN) - 1))
def test_a_message_cut_anywhere_is_read_and_never_gains_a_final_result(end: int) -> None:
    message = Message.read(PLAIN[:end])
    whole = [segment[5].text for segment in Message.read(PLAIN).all("OBX")]
    for segment, value in zip(message.all("OBX"), whole, strict=False):
        assert segment[5].text == value or not segment[11].text


def test_no_header_is_told() -> None:
    for raw in (b"", b"hello", b"PID|1|", b"MSH", b"\xff\xfe\x00"):
        assert Defect.NO_HEADER in Message.read(raw).defects


def test_a_line_that_follows_a_result_is_told() -> None:
    spoiled = PLAIN.replace(b"\rNTE", b"\rsuite du texte\rNTE")
    assert Defect.STRAY_RESULT in Message.read(spoiled).defects
    assert Defect.STRAY_TEXT in Message.read(PLAIN.replace(b"\rPV1", b"\rx y z\rPV1")).defects


def test_a_document_in_several_lines_is_joined() -> None:
    message = Message.read((MESSAGES / "document.hl7").read_bytes())
    assert [segment.name for segment in message.segments][-2:] == ["OBX", "OBX"]
    assert Defect.JOINED in message.defects
    assert message.all("OBX")[0][11].text == "F"


def test_a_file_is_cut_into_its_messages() -> None:
    raw = (MESSAGES / "batch.hl7").read_bytes()
    pieces = split(raw)
    assert [Message.read(piece)["MSH"][10].text for piece in pieces] == ["M0001", "M0007"]
    assert not is_open_batch(raw)
    assert is_open_batch(raw.partition(b"BTS")[0])
    assert split(PLAIN + b"\n\xef\xbb\xbf" + PLAIN) == [PLAIN + b"\n\xef\xbb\xbf", PLAIN]
    assert len(split(b"\x0b" + PLAIN + b"\x1c\r\x0b" + PLAIN + b"\x1c\r")) == 2


def test_what_stands_before_the_first_header_is_not_left_out() -> None:
    assert split(b"lost words\r" + PLAIN) == [b"lost words\r", PLAIN]
    assert split(b"") == [b""]
    assert split(b"no message") == [b"no message"]


def test_the_header_of_a_text_is_no_header() -> None:
    assert len(split(PLAIN.replace(b"M0001", b"see MSH|^~"))) == 1


def test_nothing_of_a_value_shows_in_a_repr() -> None:
    message = Message.read(PLAIN)
    shown = repr(message) + repr(message["PID"]) + repr(message["PID"][5]) + repr(message["PID"][5].rep(0))
    assert "GARNIER" not in shown
    assert shown.count("<") == 4


@example(b"\x00\xef\xbb\xbf\xf5")
@example(b"\xef\xbb\xbf\xef\xbb\xbf\xf5")
@given(st.lists(st.one_of(st.binary(max_size=40), st.sampled_from(CUTS), st.just(PLAIN)), max_size=12).map(b"".join))
def test_reading_never_raises_and_writing_again_is_stable(raw: bytes) -> None:
    for piece in split(raw):
        message = Message.read(piece)
        message.content()
        once = rewrite(message)
        again = Message.read(once)
        assert rewrite(again) == once
        assert again.content() == message.content()


def test_every_development_message_is_read() -> None:
    pieces = [piece for path in shared_files() for piece in split(path.read_bytes())]
    assert len(pieces) == 530
    for piece in pieces:
        message = Message.read(piece)
        assert Defect.NO_HEADER not in message.defects
        assert Message.read(rewrite(message)).content() == message.content()


def test_every_development_message_agrees_with_python_hl7() -> None:
    compared = 0
    for path in shared_files():
        for piece in split(path.read_bytes()):
            message = Message.read(piece)
            # python-hl7 knows four separators only, and no fifth one.
            marks = message.delimiters
            if (marks.component, marks.repetition, marks.escape, marks.subcomponent) != ("^", "~", "\\", "&"):
                continue
            theirs = hl7.parse("\r".join(segment.raw for segment in message.segments).replace("^~\\&#", "^~\\&", 1))
            assert len(theirs) == len(message.segments)
            for segment, other in zip(message.segments, theirs, strict=True):
                assert segment.raw.replace("^~\\&#", "^~\\&", 1) == str(other)
                ours = segment.tree(plain=lambda text, _: text)
                for number in range(3 if segment.name == "MSH" else 1, len(other)):
                    assert ours[number] == _tree(other[number])
            compared += 1
    assert compared > 500


def test_reading_a_result_of_twenty_lines_is_quick() -> None:
    line = b"OBX|2|NM|718-7^Hemoglobine^LN||13.2|g/dL^^UCUM|12 - 16|N|||F|||20261121092500+0100\r"
    raw = PLAIN + line * 20
    text = raw.decode()
    best = {"ours": 9.0, "theirs": 9.0}
    for _ in range(5):
        start = time.perf_counter()
        Message.read(raw).content()
        best["ours"] = min(best["ours"], time.perf_counter() - start)
        start = time.perf_counter()
        hl7.parse(text)
        best["theirs"] = min(best["theirs"], time.perf_counter() - start)
    assert best["theirs"] > 2 * best["ours"]


def test_a_large_document_is_not_copied_needlessly() -> None:
    raw = PLAIN + b"OBX|3|ED|1^x||^TEXT^XML^Base64^" + b"QUJD" * 400_000 + b"||||||F\r"
    tracemalloc.start()
    message = Message.read(raw)
    assert len(message.all("OBX")[2][5].comp(5)) == 1_600_000
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert most < 4 * len(raw)


def test_a_hostile_text_takes_no_endless_time() -> None:
    # Time that grows with the square of a length would meet the time limit of every test.
    for raw in (
        b"\n" * 500_000,
        b"MSH|" * 200_000,
        b"MSH|^~\\&|" + b"\\" * 500_000,
        b"MSH|^~\\&|" + b"a\\b" * 200_000,
        DOCUMENT,
    ):
        for piece in split(raw):
            Message.read(piece).content()


def test_standard_separators_are_the_standard_ones() -> None:
    assert Message.read(b"PID|1").delimiters == STANDARD == Delimiters()


def _tree(field: object) -> tuple[tuple[tuple[str, ...], ...], ...]:
    if isinstance(field, str):
        return (((field,),),)
    assert isinstance(field, hl7.Field)
    return tuple(_repetition(rep) for rep in field) or ((("",),),)


def _repetition(rep: object) -> tuple[tuple[str, ...], ...]:
    if isinstance(rep, str):
        return ((rep,),)
    assert isinstance(rep, hl7.Repetition)
    return tuple((part,) if isinstance(part, str) else tuple(map(str, part)) for part in rep)
