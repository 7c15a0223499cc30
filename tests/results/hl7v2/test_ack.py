from datetime import UTC, datetime
from pathlib import Path

import pytest

from results.hl7v2.ack import Answer, Fate, Mode, answers, write_answer
from results.hl7v2.reader import Message

AT = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
PLAIN = (Path(__file__).parent / "messages" / "plain.hl7").read_bytes()


def asking(commit: str, application: str) -> Message:
    return Message.read(PLAIN.replace(b"|P|2.5|||||FRA", f"|P|2.5|||{commit}|{application}|FRA".encode()))


@pytest.mark.parametrize(
    ("commit", "application", "fate", "codes"),
    [
        ("", "", Fate.KEPT, ["AA"]),
        ("", "", Fate.LATER, ["AE"]),
        ("", "", Fate.REFUSED, ["AR"]),
        ("ACCEPT", "", Fate.KEPT, ["AA"]),
        ("AL", "AL", Fate.KEPT, ["CA", "AA"]),
        ("AL", "AL", Fate.LATER, ["CE"]),
        ("AL", "AL", Fate.REFUSED, ["CR"]),
        ("NE", "NE", Fate.KEPT, []),
        ("NE", "NE", Fate.REFUSED, []),
        ("NE", "AL", Fate.KEPT, ["AA"]),
        ("NE", "AL", Fate.REFUSED, ["AR"]),
        ("AL", "NE", Fate.KEPT, ["CA"]),
        ("ER", "SU", Fate.KEPT, ["AA"]),
        ("ER", "SU", Fate.REFUSED, ["CR"]),
    ],
)
def test_each_sender_gets_the_answers_it_asks_for(commit: str, application: str, fate: Fate, codes: list[str]) -> None:
    assert [answer.code for answer in answers(asking(commit, application), fate)] == codes


def test_a_connection_may_decide_the_mode() -> None:
    assert [answer.code for answer in answers(asking("AL", "AL"), Fate.KEPT, mode=Mode.ORIGINAL)] == ["AA"]
    assert [answer.code for answer in answers(asking("", ""), Fate.KEPT, mode=Mode.ENHANCED)] == ["CA", "AA"]


def test_the_answer_turns_sender_and_receiver_round() -> None:
    message = Message.read(PLAIN)
    raw = write_answer(message, Answer(code="AR", error=202, text="not for production"), control="E1", at=AT)
    reply = Message.read(raw)
    assert reply["MSH"][5].raw == message["MSH"][3].raw == "SIL^1.2.250.1.999.1^ISO"
    assert reply["MSH"][3].text == "ETIQUETTE"
    assert reply["MSH"][9].raw == "ACK^R01^ACK"
    assert reply["MSH"][12].text == "2.5"
    assert reply["MSH"][18].text == "UNICODE UTF-8"
    assert (reply["MSA"][1].text, reply["MSA"][2].text) == ("AR", "M0001")
    assert reply["ERR"][3].text == "202"


def test_an_answer_never_speaks_of_a_patient() -> None:
    message = Message.read(PLAIN)
    for fate in Fate:
        for answer in answers(message, fate):
            raw = write_answer(message, answer, control="E1", at=AT)
            assert not any(word in raw for word in (b"GARNIER", b"MOREAU", b"19540317", b"0.92", b"0552"))


@pytest.mark.parametrize("raw", [b"", b"MSH", b"MSH|", b"hello\xff"])
def test_anything_can_be_answered(raw: bytes) -> None:
    message = Message.read(raw)
    for answer in answers(message, Fate.REFUSED, error=207):
        assert Message.read(write_answer(message, answer, control="E1", at=AT))["MSA"][1].text == "AR"
